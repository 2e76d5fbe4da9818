"""Real shells that complete the command lines of a program `incumbent`."""

import os
import pty
import select
import sys
import time
from contextlib import suppress

from tests import ROOT

PROGRAM = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(ROOT)!r})
from incumbent import main
sys.exit(main())
"""
SET_UP = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
BEFORE = {"bash": "bind 'set enable-bracketed-paste off'", "zsh": "bindkey -e; autoload -U compinit; compinit -u -D"}
LONGEST = 30
"""Seconds that a shell may take for a line."""
TO_BEGIN, TO_END = "\x01", "\x05"


def install(folder):
    """Write the program into a folder; returns the environment in which a shell finds it."""
    program = folder / "incumbent"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "TERM": "dumb", "PS1": "", "CUDA_VISIBLE_DEVICES": ""}


def press_tab(shell, typed, folder, environment):
    """Type something into an interactive shell and press Tab; returns the line that it makes of it.

    The line is made an argument of `echo` and executed, so that the shell itself says what it is.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execvpe(SET_UP[shell][0], SET_UP[shell], environment)
    try:
        first = f'{BEFORE[shell]}; eval "$(incumbent completion {shell})"; echo REA""DY'
        answer_to(terminal, f"{first}\n", "READY\r\n")
        said = answer_to(terminal, f'{typed}\t{TO_BEGIN}echo "BEG""IN" {TO_END} EN""D\n', "END\r\n")
        return said.rpartition("BEGIN ")[2].partition(" END")[0].strip()
    finally:
        os.close(terminal)
        os.waitpid(process, 0)


def answer_to(terminal, text, end):
    """Write to a terminal; returns what comes back up to a text that ends it."""
    os.write(terminal, text.encode())
    answer, latest = "", time.monotonic() + LONGEST
    while end not in answer:
        ready, _, _ = select.select([terminal], [], [], max(0.0, latest - time.monotonic()))
        assert ready, f"no answer in {LONGEST} s after {answer!r}"
        with suppress(OSError):
            answer += os.read(terminal, 65536).decode(errors="replace")
    return answer

"""The command `completion`: print the script by which a shell completes our command lines."""

from __future__ import annotations

import argparse

from benchmark.cli.options import choice
from benchmark.cli.parser import Checked
from benchmark.errors import PROGRAM

FILES = {
    "bash": f"~/.local/share/bash-completion/completions/{PROGRAM}",
    "zsh": f"_{PROGRAM} in a folder of $fpath",
    "fish": f"~/.config/fish/completions/{PROGRAM}.fish",
}
"""Where each shell looks for the script of a program."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    files = "; ".join(f"{shell}: {file}" for shell, file in FILES.items())
    parser.epilog = (
        f"Write what is printed to the file that the shell reads ({files}), or try it first by a pipe into `source`."
    )
    parser.add_argument("shell", metavar="SHELL", action=Checked, check=choice(*FILES), help=", ".join(FILES))


def execute(parsed: argparse.Namespace) -> int:
    import argcomplete

    print(argcomplete.shellcode([PROGRAM], True, parsed.shell, ["-o", "nospace"]))
    return 0

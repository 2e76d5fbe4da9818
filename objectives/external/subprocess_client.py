"""Runs another program that answers every line of JSON with one line of JSON."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn

from objectives.external.program_path import expand_root, missing_environment

GRACE_SECONDS = 2.0
"""How long a process may take to end after its standard input was closed, before it is killed."""

LONGEST_ANSWER = 2**24
LONGEST_STDERR_TAIL = 4096

FIXED_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}
"""The number of threads changes the bits of matrix products, a random hash seed the order of sets."""

DROPPED_ENVIRONMENT = ("PYTHONHOME", "PYTHONPATH")
"""They would show our packages to another environment's Python."""


class ExternalError(RuntimeError):
    """The other process broke the protocol or ended, and is asked nothing more."""


class ProcessEnded(ExternalError):
    """The other process ended, or closed its output, instead of answering."""


class NoAnswer(ExternalError):
    """The other process did not answer in time."""


class SubprocessClient:
    """Starts a process at the first message, and ends it at `close` or when this object is deleted.

    The process is in a group of its own, so that what it starts ends with it. When ours is killed,
    its standard input ends, which every such program has to take for the end. POSIX only.

    Args:
        command: program and arguments, no shell; `{root}` is the folder of this project, other
            relative paths are relative to the current folder.
        timeout: seconds that an answer may take, the start of the process included for the first.
        constants: accept NaN, Infinity and -Infinity in answers, which Python and others write though JSON has
            no such numbers.

    Raises:
        ValueError: no such program, or a timeout that is none.
    """

    def __init__(self, command: Sequence[str], *, timeout: float, constants: bool = False) -> None:
        if isinstance(command, str) or not isinstance(command, Sequence) or not command:
            raise ValueError(f"command = {command!r}: need a list of a program and its arguments")
        if not all(isinstance(word, str) and "\0" not in word for word in command):
            raise ValueError(f"command = {command!r}: need texts only")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 86_400:
            raise ValueError(f"timeout = {timeout!r}: need a number of seconds > 0, at most 86400")
        self.shown, self.timeout = shlex.join(command), timeout
        self._parse_constant: Callable[[str], Any] = float if constants else _refuse_constant
        self._command = [expand_root(word) for word in command]
        if shutil.which(self._command[0]) is None:
            raise ValueError(f"command = {list(command)!r}: {_why_not(self._command[0])}")
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Any] | None = None
        self._problem: str | None = None
        self._received, self._stderr_tail = b"", b""

    def __reduce__(self) -> NoReturn:
        raise TypeError("another process cannot be copied or pickled: tell a new one what this one was told")

    @property
    def running(self) -> bool:
        """Return whether the process has been started and not been closed."""
        return self._process is not None

    def exchange(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send one message and return the answer.

        Raises:
            ExternalError: the process cannot be started, ended, did not answer in time, or answered
                something else than one line with a JSON object. After that there is only this error.
        """
        if self._problem is not None:
            raise ExternalError(self._problem)
        topic = repr(message["op"])
        if self._process is None:
            self._process = self._start()
        line = self._transfer(json.dumps(message, allow_nan=False).encode() + b"\n", topic)
        try:
            answer = json.loads(line, parse_constant=self._parse_constant)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            self.fail(f"answered {topic} with {_brief(line)}, which is no JSON object")
        return answer

    def fail(self, problem: str, kind: type[ExternalError] = ExternalError) -> NoReturn:
        """End the process because it broke the protocol.

        Raises:
            ExternalError: always, of the kind given.
        """
        self.close()
        self._problem = f"{_brief(self.shown)} {problem}"
        raise kind(self._problem)

    def close(self) -> None:
        """End the process: close its standard input, and kill it unless it ends by itself."""
        self._problem = self._problem or f"{_brief(self.shown)} was closed"
        if self._end is not None:
            self._end()
        self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in DROPPED_ENVIRONMENT}
        try:
            process = subprocess.Popen(
                self._command,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment | FIXED_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            self.fail(f"cannot be started: {error.strerror}")
        self._end = weakref.finalize(self, _end, process)
        for pipe in _pipes(process):
            os.set_blocking(pipe.fileno(), False)
        return process

    def _transfer(self, unsent: bytes, topic: str) -> bytes:
        """Write a line and read one.

        All three pipes are served at once, so that none can fill up while the other side waits for it.
        """
        process, deadline = self._process, time.monotonic() + self.timeout
        assert process is not None
        stdin, stdout, stderr = (pipe.fileno() for pipe in _pipes(process))
        if self._received or self._read_stdout(stdout):
            self.fail(f"said {_brief(self._received)} before it was asked {topic}")
        poll = select.poll()
        poll.register(stdin, select.POLLOUT)
        poll.register(stdout, select.POLLIN)
        poll.register(stderr, select.POLLIN)
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            ready = [descriptor for descriptor, _ in poll.poll(1000 * left)] if left > 0 else []
            if not ready:
                self.fail(f"did not answer {topic} within {self.timeout:g} s{self._last_error_line()}", NoAnswer)
            if stdin in ready:
                unsent = _written(stdin, unsent)
                if not unsent:
                    poll.unregister(stdin)
            if stderr in ready and not self._read_stderr(stderr):
                poll.unregister(stderr)
            if stdout in ready and not self._read_stdout(stdout):
                self._report_exit(process, stderr, topic)
            if len(self._received) > LONGEST_ANSWER:
                self.fail(f"answered {topic} with a line of more than {LONGEST_ANSWER} bytes")
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _read_stdout(self, stdout: int) -> bool:
        """Read what is available of standard output; return whether there was anything."""
        chunk = _read(stdout)
        self._received += chunk
        return bool(chunk)

    def _read_stderr(self, stderr: int) -> bool:
        """Read what is available of standard error and keep its end; return whether there was anything."""
        chunk = _read(stderr)
        self._stderr_tail = (self._stderr_tail + chunk)[-LONGEST_STDERR_TAIL:]
        return bool(chunk)

    def _report_exit(self, process: subprocess.Popen[bytes], stderr: int, topic: str) -> NoReturn:
        """Fail with the reason why standard output has ended."""
        try:
            code = process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.fail(f"closed its standard output instead of answering {topic}{self._last_error_line()}", ProcessEnded)
        while self._read_stderr(stderr):
            pass
        status = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        self.fail(f"ended ({status}) instead of answering {topic}{self._last_error_line()}", ProcessEnded)

    def _last_error_line(self) -> str:
        lines = self._stderr_tail.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), None)
        return "" if last is None else f"; the last line of its standard error: {_brief(last)}"


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """The standard input, output and error of a process."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdin, process.stdout, process.stderr


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close a process's pipes and wait for its end; in a fork of our process it lives on."""
    for pipe in _pipes(process):
        pipe.close()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):  # It may have ended just now.
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()


def _read(descriptor: int) -> bytes:
    """Read what is available without waiting; b"" when nothing is."""
    try:
        return os.read(descriptor, 65_536)
    except BlockingIOError:
        return b""


def _written(descriptor: int, unsent: bytes) -> bytes:
    """Write without waiting; return what is left, or nothing when the reader has gone."""
    try:
        return unsent[os.write(descriptor, unsent) :]
    except BrokenPipeError:
        return b""


def _why_not(program: str) -> str:
    if not Path(program).exists():
        where = "" if os.sep in program else " on the path"
        return missing_environment(program) or f"there is no program {program!r}{where}"
    return f"{program!r} is not executable"


def _brief(text: bytes | str) -> str:
    """Shorten a text to one line for a message, cut in the middle where it is long."""
    readable = text.decode(errors="replace") if isinstance(text, bytes) else text
    readable = " ".join(readable.split())
    return readable if len(readable) <= 300 else f"{readable[:200]} ... {readable[-80:]}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")

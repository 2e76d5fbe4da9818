"""Calls a function in a Python process of its own, so that nothing that it does to the process harms the caller's."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from joblib.externals.loky.backend.reduction import dumps

Result = TypeVar("Result")

START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); pickle.load(sys.stdin.buffer)()"
"""What the process executes: the path of modules comes first, then the call, which may need them."""

LONGEST_LINE = 200

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's <sys/prctl.h>."""


class ProcessFailed(Exception):
    """The process raised, was killed or took too long; the text says which in one line."""


class CannotBeSent(Exception):
    """A function or an argument that no other process can be given."""


def call_in_process(function: Callable[..., Result], *arguments: Any, seconds: float) -> Result:
    """Call a function in a new process, with this one's path of modules and environment.

    Args:
        function: any, also of a notebook.
        arguments: of the function.
        seconds: after so many the process is killed.

    Raises:
        CannotBeSent: function or arguments cannot be written for another process.
        ProcessFailed: there is no result.
    """
    try:
        call = bytes(dumps(Order(function=function, arguments=arguments, parent=os.getpid())))
    except Exception as error:  # What a user's object does when it is pickled is its own code.
        raise CannotBeSent(str(error)) from error
    order = pickle.dumps(sys.path) + call
    try:
        # -P: a file of the current folder takes no module's place before the path is set.
        ended = subprocess.run(
            [sys.executable, "-P", "-c", START], input=order, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessFailed(f"not done after {seconds:g} s") from error
    except OSError as error:
        raise ProcessFailed(f"no process could be started ({error.strerror})") from error
    if ended.returncode != 0:
        last = (ended.stderr.decode(errors="replace").strip().splitlines() or [""])[-1][:LONGEST_LINE]
        raise ProcessFailed(f"its process ended with {_describe(ended.returncode)}" + (f" ({last})" if last else ""))
    if not ended.stdout:
        raise ProcessFailed("its process ended without an answer")
    answer: Answer[Result] = pickle.loads(ended.stdout)
    if answer.problem is not None:
        raise ProcessFailed(answer.problem)
    return cast(Result, answer.result)


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _end_with(parent: int) -> None:
    """Have the kernel end this process with its parent: a check that nobody waits for would hold the GPU."""
    with suppress(OSError, AttributeError):  # A C library without prctl.
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[Result]):
    """What came of a call: a result, or what was raised."""

    result: Result | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Generic[Result]):
    """What the process is to do: call a function, and write what came of it to where nothing else is written."""

    function: Callable[..., Result]
    arguments: tuple[Any, ...]
    parent: int

    def __call__(self) -> None:
        _end_with(self.parent)
        answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # What the function prints is none of the answer.
        try:
            answer = Answer(result=self.function(*self.arguments))
        except Exception as error:
            text = "".join(traceback.format_exception_only(error))
            answer = Answer(problem=" ".join(text.split())[:LONGEST_LINE])
        with answers:
            answers.write(pickle.dumps(answer))

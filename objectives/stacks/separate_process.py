"""Calls a function in a Python process of its own, so that nothing that it does to the process harms the caller's."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from joblib.externals.loky.backend.reduction import dumps

Result = TypeVar("Result")

START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); pickle.load(sys.stdin.buffer)()"
"""What the process executes: the path of modules comes first, then the call, which may need them."""

LONGEST_LINE = 200


class ProcessFailed(Exception):
    """The process raised, was killed or took too long; the text says which in one line."""


def call_in_process(function: Callable[..., Result], *arguments: Any, seconds: float) -> Result:
    """Call a function in a new process, with this one's path of modules and environment.

    Args:
        function: any, also of a notebook.
        arguments: of the function.
        seconds: after so many the process is killed.

    Raises:
        ProcessFailed: there is no result.
    """
    order = pickle.dumps(sys.path) + bytes(dumps(Order(function=function, arguments=arguments)))
    try:
        # -P: a file of the current folder takes no module's place before the path is set.
        ended = subprocess.run(
            [sys.executable, "-P", "-c", START], input=order, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessFailed(f"not done after {seconds:g} s") from error
    if ended.returncode != 0:
        last = (ended.stderr.decode(errors="replace").strip().splitlines() or [""])[-1][:LONGEST_LINE]
        raise ProcessFailed(f"its process ended with {_describe(ended.returncode)}" + (f" ({last})" if last else ""))
    answer: Answer[Result] = pickle.loads(ended.stdout)
    if answer.problem is not None:
        raise ProcessFailed(answer.problem)
    return cast(Result, answer.result)


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


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

    def __call__(self) -> None:
        answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # What the function prints is none of the answer.
        try:
            answer = Answer(result=self.function(*self.arguments))
        except Exception as error:
            text = "".join(traceback.format_exception_only(error))
            answer = Answer(problem=" ".join(text.split())[:LONGEST_LINE])
        with answers:
            answers.write(pickle.dumps(answer))

"""Says of an exception which call of a user's class raised it, with what arguments and where."""

from __future__ import annotations

import inspect
import os
import sysconfig
import traceback
from dataclasses import dataclass
from types import FrameType

from benchmark.errors import PACKAGES, ROOT, one_line, short_repr
from benchmark.tuning.tuner import AlgorithmError

_FOREIGN = tuple(
    os.path.join(folder, "")  # noqa: PTH118 (str in, str out)
    for folder in (
        *(os.path.join(ROOT, package) for package in PACKAGES),  # noqa: PTH118
        *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    )
)
"""Folders whose code is not the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a class raised.

    Attributes:
        text: type and text, the call with its arguments, and the line.
        cause: what it has in common with others that have the same cause.
    """

    text: str
    cause: str


def describe_failure(error: BaseException) -> Failure:
    """Describe what a class has raised, or suggested that is impossible."""
    cause = error.__cause__ if isinstance(error, AlgorithmError) and error.__cause__ is not None else error
    text = str(error) if isinstance(error, AlgorithmError) else one_line(error)
    frames = [(frame, line) for frame, line in traceback.walk_tb(cause.__traceback__) if _is_users(frame)]
    if not frames:
        return Failure(text=text, cause=type(cause).__name__)
    first, (last, line) = frames[0][0], frames[-1]
    where = f"{os.path.basename(last.f_code.co_filename)} line {line}"  # noqa: PTH119 (str in, str out)
    return Failure(text=f"{text}, in {_describe_call(first)}, {where}", cause=f"{type(cause).__name__} {where}")


def _is_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith(_FOREIGN) and not file.startswith("<frozen")


def _describe_call(frame: FrameType) -> str:
    """A call as it would be written, without `self`."""
    names, _, _, values = inspect.getargvalues(frame)
    given = [f"{name}={short_repr(values[name])}" for name in names if name not in ("self", "cls") and name in values]
    return f"{frame.f_code.co_name}({', '.join(given)})"

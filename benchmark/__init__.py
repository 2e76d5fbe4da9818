"""Runs comparisons: suite, tuner, runner, ledger and command line; `compare` runs one from Python."""

from importlib import import_module
from typing import Any

__all__ = ["compare"]


def __getattr__(name: str) -> Any:
    """Import `compare` when it is asked for: it brings along what the commands' start-up must not."""
    if name == "compare":
        return import_module("benchmark.comparison.compare").compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

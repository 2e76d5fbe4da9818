"""Settings of the process that third-party training may change: its own while it trains, nobody else's.

A training that yields inside `torch.no_grad()` or sets the default type would change the bits, or the state,
of every trial after it: default type, gradients and denormal numbers did so before they were kept apart.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch

from benchmark.reproducibility.seeding import PrivateGenerators

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (what os.chdir takes back)
    except OSError:  # It was removed.
        return None


def _enter(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _environ(values: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in values]:
        del os.environ[name]
    os.environ.update(values)


def _flushes() -> bool:
    """Whether denormal numbers count as zero, which torch sets and does not tell."""
    return bool((torch.full((1,), 1e-39, dtype=torch.float32) * 1.0 == 0).item())


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in SIGNALS]


def _handle(handlers: list[Any]) -> None:
    with suppress(ValueError):  # In a thread nobody can have changed them.
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)


Setting = tuple[Callable[[], Any], Callable[[Any], Any]]

THEIRS: dict[str, Setting] = {
    "folder": (_folder, _enter),
    "environment": (lambda: dict(os.environ), _environ),
    "type": (torch.get_default_dtype, torch.set_default_dtype),
    "gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "denormals": (_flushes, torch.set_flush_denormal),
    "deterministic": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "threads": (torch.get_num_threads, torch.set_num_threads),
    "warnings": (np.geterr, lambda values: np.seterr(**values)),
}
"""What a training that goes on finds as it left it."""

OURS: dict[str, Setting] = {"signals": (_handlers, _handle), "depth": (sys.getrecursionlimit, sys.setrecursionlimit)}
"""What is put back only: how the harness is stopped, and how deep it may call."""

SETTINGS = {**THEIRS, **OURS}


class ProcessState:
    """Keeps the settings of one training."""

    def __init__(self) -> None:
        self._changed: dict[str, Any] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Give a training its own settings, and the process back those that it had."""
        before = {name: read() for name, (read, _) in SETTINGS.items()}
        for name, value in self._changed.items():
            SETTINGS[name][1](value)
        try:
            yield
        finally:
            after = {name: read() for name, (read, _) in SETTINGS.items()}
            changed = {name: value for name, value in after.items() if value != before[name]}
            for name in changed:
                SETTINGS[name][1](before[name])
            self._changed = {name: value for name, value in changed.items() if name in THEIRS}


class Isolation:
    """What a third-party trial has for itself: states of the global generators, and settings of the process."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._streams, self._custody = PrivateGenerators(seed), ProcessState()

    @contextmanager
    def active(self) -> Iterator[None]:
        with self._custody.active(), self._streams.active():
            yield

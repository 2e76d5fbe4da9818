"""Keeps what third-party code changes in this process from every other trial, algorithm and run.

A training that yields inside `torch.no_grad()` or sets the default type would change the bits, or the state,
of every trial after it: default type, gradients and denormal numbers did so before they were kept apart.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from benchmark.reproducibility.seeding import PrivateGenerators

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting of the process that third-party code may change.

    Attributes:
        read: gives its value.
        write: sets a value that `read` gave.
        carried_over: whether the code that changed it finds its own value again when it goes on. How the harness is
            stopped and how deep it may call is only ever put back.
    """

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    carried_over: bool = True


def _torch() -> ModuleType:
    """The module torch, imported by the first call into third-party code and not before."""
    import torch

    return torch


def _working_folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 (what os.chdir takes back)
    except OSError:  # It was removed.
        return None


def _change_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _replace_environment(values: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in values]:
        del os.environ[name]
    os.environ.update(values)


def _flushes_denormals() -> bool:
    """Whether denormal numbers count as zero, which torch can set but not read."""
    torch = _torch()
    return bool((torch.full((1,), 1e-39, dtype=torch.float32) * 1.0 == 0).item())


def _signal_handlers() -> list[Any]:
    return [signal.getsignal(number) for number in SIGNALS]


def _set_signal_handlers(handlers: list[Any]) -> None:
    with suppress(ValueError):  # In a thread nobody can have changed them.
        for number, handler in zip(SIGNALS, handlers, strict=True):
            signal.signal(number, handler)


SETTINGS: dict[str, Setting] = {
    "working folder": Setting(read=_working_folder, write=_change_folder),
    "environment": Setting(read=lambda: dict(os.environ), write=_replace_environment),
    "default dtype": Setting(
        read=lambda: _torch().get_default_dtype(), write=lambda dtype: _torch().set_default_dtype(dtype)
    ),
    "gradients": Setting(read=lambda: _torch().is_grad_enabled(), write=lambda on: _torch().set_grad_enabled(on)),
    "denormals": Setting(read=_flushes_denormals, write=lambda on: _torch().set_flush_denormal(on)),
    "deterministic kernels": Setting(
        read=lambda: _torch().are_deterministic_algorithms_enabled(),
        write=lambda on: _torch().use_deterministic_algorithms(on),
    ),
    "threads": Setting(
        read=lambda: _torch().get_num_threads(), write=lambda threads: _torch().set_num_threads(threads)
    ),
    "numpy errors": Setting(read=np.geterr, write=lambda values: np.seterr(**values)),
    "signal handlers": Setting(read=_signal_handlers, write=_set_signal_handlers, carried_over=False),
    "recursion limit": Setting(read=sys.getrecursionlimit, write=sys.setrecursionlimit, carried_over=False),
}


class ProcessState:
    """Keeps the settings of one training or algorithm while others run."""

    def __init__(self) -> None:
        self._changed: dict[str, Any] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Give third-party code its own settings, and the process back those that it had."""
        before = {name: setting.read() for name, setting in SETTINGS.items()}
        for name, value in self._changed.items():
            SETTINGS[name].write(value)
        try:
            yield
        finally:
            after = {name: setting.read() for name, setting in SETTINGS.items()}
            changed = {name: value for name, value in after.items() if value != before[name]}
            for name in changed:
                SETTINGS[name].write(before[name])
            self._changed = {name: value for name, value in changed.items() if SETTINGS[name].carried_over}


class Isolation:
    """Gives third-party code its own states of the global generators and its own settings of the process."""

    def __init__(self, seed: np.random.SeedSequence) -> None:
        self._generators, self._settings = PrivateGenerators(seed), ProcessState()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Swap both in, and the process's own back at the end."""
        with self._settings.active(), self._generators.active():
            yield

"""Starts worker processes in a defined state and ends them with their parent.

Imports nothing heavy, so that this holds before torch is loaded.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, TypeVar

from benchmark.suite.definitions import use_definitions
from benchmark.suite.module_folder import use_module_folder

Result = TypeVar("Result")

SECONDS_BETWEEN_CHECKS = 0.2

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's <sys/prctl.h>."""


SAFE_PATH = "PYTHONSAFEPATH"
"""Environment variable under which a starting interpreter does not look for modules in the current folder first."""


@contextmanager
def safe_module_path() -> Iterator[None]:
    """Start processes that find their modules whatever the current folder holds: `random.py`, say.

    They take over the parent's path of modules once they have started.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        _restore_safe_path(before)


def _restore_safe_path(value: str | None) -> None:
    if value is None:
        os.environ.pop(SAFE_PATH, None)
    else:
        os.environ[SAFE_PATH] = value


def initialize_worker(parent: int, safe_path: str | None = None) -> None:
    """Set up a worker: ignore Ctrl-C and hang-ups, which the driver handles, and end when the driver ends.

    Args:
        parent: process number of the driver.
        safe_path: what `SAFE_PATH` holds there, which programs that a trial starts are to find.
    """
    _restore_safe_path(safe_path)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    if sys.platform == "linux":
        _die_with_parent()


@contextmanager
def shielded_from_terminal() -> Iterator[None]:
    """Start processes, now or by threads that begin here, which no Ctrl-C or hang-up of the terminal reaches.

    They end with the driver or at its word; before, they would fill the screen with tracebacks.
    """
    resource_tracker.ensure_running()  # Started later, it would let the signals through again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def working_folder() -> Path | None:
    """Return this process's working folder, or None if somebody has deleted it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulePlace:
    """Where the driver works and has its suite's code from.

    Attributes:
        folder: its working folder, None where somebody has deleted it.
        modules: the folder of the suite's modules.
        definitions: a file with what the suite was given in Python.
    """

    folder: Path | None
    modules: str | None
    definitions: str | None


def call_in_folder(place: ModulePlace, call: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function in the driver's working folder, where relative paths of results and data start.

    joblib keeps its workers for the next command of the same process, which may have gone elsewhere since.

    Args:
        place: the driver's.
        call: the function.
        arguments: its arguments.
    """
    if place.folder is not None and place.folder != working_folder():
        os.chdir(place.folder)
    use_module_folder(place.modules)
    use_definitions(place.definitions)
    return call(*arguments)


def import_modules(names: Sequence[str]) -> None:
    """Import modules, so that the first task need not wait for them."""
    for name in names:
        importlib.import_module(name)


def _die_with_parent() -> None:
    """Have the kernel kill this process with its parent, even when it is stopped or deep inside a C library."""
    with suppress(OSError, AttributeError):  # A C library without prctl: the thread is left.
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))


def _exit_with_parent(parent: int) -> None:
    """Exit when the parent is gone; loky's workers would outlive a killed driver by minutes and go on writing."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_CHECKS)
    os._exit(1)

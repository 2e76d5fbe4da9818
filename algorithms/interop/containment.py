"""Undoes what other libraries do to the process when they are imported or called."""

from __future__ import annotations

import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def without_side_effects() -> Iterator[None]:
    """Restore the process's global state after the import of a library, and silence it meanwhile.

    Ray replaces `sys.excepthook`, adds filters of warnings and draws from Python's global generator;
    Syne Tune sets OMP_NUM_THREADS and gives the root logger a handler; Nevergrad and Hyperopt move
    numpy's generator. Variables of OpenMP's runtime stay: it reads them when it first starts.
    """
    hook, filters, environment = sys.excepthook, list(warnings.filters), dict(os.environ)
    python, numpy_ = random.getstate(), np.random.get_state()  # noqa: NPY002 (saved to be restored)
    torch_ = sys.modules["torch"].get_rng_state() if "torch" in sys.modules else None
    try:
        with silent():
            yield
    finally:
        sys.excepthook = hook
        warnings.filters[:] = filters  # type: ignore[index]  # a list, whatever its stub says
        _restore(environment)
        random.setstate(python)
        np.random.set_state(numpy_)  # noqa: NPY002 (restored)
        if torch_ is not None:
            sys.modules["torch"].set_rng_state(torch_)


@contextmanager
def silent() -> Iterator[None]:
    """Suppress warnings and log records; a handler added to the root logger is removed again."""
    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.setLevel(level)
        root.handlers[:] = handlers


def _restore(environment: dict[str, str]) -> None:
    for name in [name for name in os.environ if name not in environment and not name.startswith("KMP_")]:
        del os.environ[name]
    os.environ.update(environment)

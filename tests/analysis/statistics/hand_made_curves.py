"""Curves of runs, made of a few events."""

from __future__ import annotations

import numpy as np

from analysis.statistics.anytime import curve


def run(*events, carried=True):
    """A curve of (time, validation error) events; the test error is one more."""
    t, errors = (
        (np.array(column, dtype=float) for column in zip(*events, strict=True)) if events else (np.empty(0),) * 2
    )
    return curve(t, errors, errors + 1.0, carried=carried)

"""Pairs of suites, and errors that fill them."""

from __future__ import annotations

import numpy as np

from analysis.regression.compared_suite import read_compared_suite

NOISE = np.random.default_rng(3).normal(0.0, 0.01, size=30)


def both_suites(old, new, endpoint=None):
    """Both suites as they are compared."""
    return read_compared_suite(old.folder, endpoint), read_compared_suite(new.folder, endpoint)


def fill(suite, errors, **changes):
    """One run an error."""
    return [suite.run([(error, error, 1.0)], place, **changes) for place, error in enumerate(errors)]

"""Two suites that are compared."""

from __future__ import annotations

import pytest


@pytest.fixture
def pair(plant):
    """Two planted suites of 30 repetitions whose runs are yet to be written."""
    old, new = plant("old"), plant("new")
    for suite in (old, new):
        suite.set(repetitions=30)
    return old, new

"""An optimizer that Nevergrad has and cannot build: told with all that it was to be built of."""

import numpy as np
import pytest
from scipy import stats

from objectives.space import Space

pytestmark = pytest.mark.libraries


@pytest.fixture(scope="module")
def nevergrad():
    """Our adapter; its library draws from a global generator while it is imported, so before any test of it."""
    pytest.importorskip("nevergrad", reason="nevergrad is not installed: make adapters")
    from algorithms.adapters import nevergrad as adapter

    return adapter


class Unbuildable:
    """An optimizer of a registry whose own library is not there."""

    no_parallelization = False

    def __init__(self, parametrization, budget, num_workers):
        raise ImportError("No module named 'bayes_opt'")


def test_an_optimizer_that_cannot_be_built_is_refused(nevergrad, monkeypatch):
    """Its name, the options it was built with, and what Nevergrad said."""
    monkeypatch.setitem(nevergrad.ng.optimizers.registry, "Unbuildable", Unbuildable)
    space = Space({"rate": stats.uniform(0.1, 0.8)})

    with pytest.raises(ValueError, match="Nevergrad cannot build it") as refused:
        nevergrad.Nevergrad(space, rng=np.random.default_rng(0), optimizer="Unbuildable", budget=7, num_workers=3)

    assert str(refused.value) == (
        "optimizer = 'Unbuildable', budget = 7, num_workers = 3: "
        "Nevergrad cannot build it (No module named 'bayes_opt')"
    )

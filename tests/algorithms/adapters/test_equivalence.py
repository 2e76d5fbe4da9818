"""Optuna's RandomSampler is our random search, and the test that says so can say no."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("optuna", reason="optuna is not installed: make adapters")

from tests.perf import equivalence
from tests.perf.equivalence import BIASED, NUMBERS, OURS, THEIRS

GRIDS = """
seed = 5
repetitions = {repetitions}
clock = "modelled"
budget.trials = {trials}
objectives.branin = {{ noise = 1.0, discretise = 8 }}
"""
WHOLE = """
algorithms.grid.searcher = { name = "grid", levels = 8 }
"""
THREE = """
algorithms.random.searcher = "random"
algorithms.optuna.searcher = { name = "optuna", sampler = "random" }
algorithms.biased.searcher = "tests.perf.equivalence:UpperHalf"
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What 200 repetitions of three samplers gave on a small grid."""
    folder = tmp_path_factory.mktemp("equivalence")
    grids, three = folder / "grids.toml", folder / "three.toml"
    grids.write_text(GRIDS.format(repetitions=2, trials=64) + WHOLE)
    three.write_text(GRIDS.format(repetitions=200, trials=20) + THREE)
    tables = equivalence.harvested(grids, folder)
    return equivalence.samples(equivalence.replayed(three, tables, folder), folder / "three")


def test_optuna_random_is_our_random_search(found):
    """Errors are equivalent and configurations alike; the biased sampler is not taken for the same."""
    report = equivalence.judge(found)
    assert report["equivalent"] == {THEIRS: True, BIASED: False}
    assert report["as_it_must_be"]


def test_every_part_of_the_test_notices_a_biased_sampler(found):
    """Final errors, areas, cells and axes: each alone tells a sampler of the upper half from random search."""
    row = equivalence.compare(found["branin"][OURS], found["branin"][BIASED])
    assert min(row[number]["p"] for number in NUMBERS) > equivalence.LEVEL
    assert row["cells"]["p"] < 1e-6
    assert min(row["axes"]["p"]) < 1e-6


def test_all_draws_are_counted(found):
    """Every one of 200 x 20 proposals is in a cell, and every cell of the grid was drawn."""
    for algorithm in (OURS, THEIRS):
        sample = found["branin"][algorithm]
        assert sample.cells.total() == 4000
        assert len(sample.cells) == 64
        assert len(sample.final) == 200
        assert sample.places.shape == (equivalence.PLACES, 2)


def test_other_configurations_with_equal_errors_are_noticed(found):
    """A sampler that draws 8 of 64 configurations for 8 others too is told apart by the cells alone."""
    ours = found["branin"][OURS]
    keys = sorted(ours.cells)
    moved = Counter(ours.cells)
    for often, never in zip(keys[:8], keys[8:16], strict=True):
        moved[often] += moved.pop(never)
    row = equivalence.compare(ours, replace(ours, cells=moved))
    assert all(row[number]["p"] < equivalence.LEVEL for number in NUMBERS)
    assert not equivalence.same(row, doubt=0.01)


def test_equal_samplers_pass_as_often_as_said():
    """Of 200 pairs of equal normal samples of 200, the share that passes is the power, 0.98."""
    rng = np.random.default_rng(1)
    passed = [equivalence.tost(*rng.standard_normal((2, 200)))["p"] < equivalence.LEVEL for _ in range(200)]
    assert equivalence.power(200) == pytest.approx(0.98, abs=0.005)
    assert np.mean(passed) == pytest.approx(equivalence.power(200), abs=0.03)


def test_samplers_a_margin_apart_rarely_pass():
    """Means exactly the margin apart are called equivalent in about 5 % of 200 pairs at most."""
    rng = np.random.default_rng(2)
    pairs = (rng.standard_normal((2, 200)) for _ in range(200))
    passed = [equivalence.tost(ours, other + equivalence.MARGIN)["p"] < equivalence.LEVEL for ours, other in pairs]
    assert np.mean(passed) < 0.08

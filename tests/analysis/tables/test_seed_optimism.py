"""The optimism of published tables: against means by hand, over evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.tables.seed_optimism import SEED_OPTIMISM, seed_notes, seed_optimism_table
from benchmark.errors import BadInput

ORIGIN = {"table": "fcnet:toy", "seeds": 4, "test": "other_seeds", "source": "toy", "version": "1"}


@pytest.fixture
def published(suite):
    """Six repetitions of three evaluations; the second is chosen at once, and its other seeds are worse."""
    suite.plan["objectives"][0]["origin"] = ORIGIN
    suite.set(repetitions=6)
    for repetition in range(6):
        luck = 0.01 * repetition
        suite.run([(0.5, 0.5, 1.0), (0.3 - luck, 0.3 + luck, 2.0), (0.4, 0.2, 3.0)], repetition)
    return suite


def test_the_optimism_is_that_of_the_incumbent(published):
    """The first evaluation has none; of the second it is the median of twice the luck; the third is not chosen."""
    table = seed_optimism_table(load(published.folder))
    assert table["trials"].tolist() == [1, 2, 3]
    assert (table[["n", "n_seeds"]] == [6, 4]).all(axis=None)
    np.testing.assert_allclose(table["optimism"], [0.0, 0.05, 0.05], atol=1e-15)
    np.testing.assert_allclose(table["valid_median"], [0.5, 0.275, 0.275])
    second = table.iloc[1]
    assert 0.0 < second["lo"] < 0.05 < second["hi"] < 0.1


def test_a_suite_without_such_a_table_has_no_row(suite):
    """Test values of the table itself, or a training, are no reason to speak of other seeds."""
    for origin in ({**ORIGIN, "test": "test"}, {"source": "a stranger"}, None):
        suite.plan["objectives"][0]["origin"] = origin
        suite.set()
        suite.run([(0.5, 0.5, 1.0)])
        assert seed_optimism_table(load(suite.folder)).columns.tolist() == list(SEED_OPTIMISM)
        assert seed_optimism_table(load(suite.folder)).empty


def test_repetitions_that_share_seeds_are_told(published):
    """A sentence says that there are fewer seeds than repetitions, another whose values those of test are."""
    shared, others = seed_notes(load(published.folder).plan)
    assert shared.startswith("4 seeds for 6 repetitions, which share seeds")
    assert shared.endswith("(bowl).")
    assert others.startswith("test values are means over the seeds")
    published.set(repetitions=4)
    assert len(seed_notes(load(published.folder).plan)) == 1


def test_an_origin_of_another_kind_is_refused(suite):
    """A plan whose origin is no table of values, or has no seed, is refused with field and value."""
    for origin, words in ((["fcnet"], "need a table"), ({**ORIGIN, "seeds": 0}, "seeds = 0: need a number > 0")):
        suite.plan["objectives"][0]["origin"] = origin
        suite.set()
        with pytest.raises(BadInput, match=words):
            load(suite.folder)


def test_the_figures_of_such_a_table_speak_of_the_other_seeds(published):
    """Over evaluations a line goes through the table's medians; the gap at the end names the other seeds too."""
    from analysis.figures.gap import gap
    from analysis.figures.seed_optimism import seed_optimism
    from analysis.figures.theme import theme

    results = load(published.folder)
    table = seed_optimism_table(results)
    with theme():
        drawn, ends = seed_optimism(results, {"seed_optimism": table}, "bowl"), gap(results, "bowl")
    np.testing.assert_allclose(drawn.axes[0].lines[0].get_ydata(), table["optimism"])
    np.testing.assert_allclose(drawn.axes[0].lines[0].get_xdata(), np.log10([1, 2, 3]))
    assert ends.axes[1].get_xlabel() == "error on the other seeds - validation error"

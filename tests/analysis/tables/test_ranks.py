"""ranks.csv: mean ranks of the primary endpoint."""

import math

import pytest

from analysis.loading.results import load
from analysis.tables.ranks import RANKS, ranks_table


@pytest.fixture
def planted(suite):
    """A suite of four repetitions: random, local and gp, of which local failed once and gp never began."""
    suite.set(repetitions=4)
    for label in ("local", "gp"):
        suite.algorithm(label)
    for repetition, (first, second) in enumerate([(0.3, 0.2), (0.2, 0.2), (0.1, None), (0.4, 0.1)]):
        suite.run([(first, first, 1.0)], repetition)
        if second is None:
            suite.run([], repetition, algorithm="local", state="failed")
        else:
            suite.run([(second, second, 1.0)], repetition, algorithm="local")
    return suite


def test_mean_ranks_by_hand(planted):
    """Ties share, failures are last, and what has not begun takes no part."""
    table = ranks_table(load(planted.folder))
    assert tuple(table.columns) == RANKS
    assert table["algorithm"].tolist() == ["random", "local", "gp"]
    assert table["n"].tolist() == [4, 4, 0]
    assert table["mean_rank"].tolist()[:2] == [(2 + 1.5 + 1 + 2) / 4, (1 + 1.5 + 2 + 1) / 4]
    assert math.isnan(table["mean_rank"][2])
    assert table["lo"].isna().all()  # too few repetitions for an interval


def test_of_scores_the_highest_is_first(planted):
    """1 is best whatever the endpoint: here a failed run's score of 0 is last."""
    planted.set(endpoint="score")
    table = ranks_table(load(planted.folder))
    assert (table["endpoint"] == "score").all()
    assert table["mean_rank"].tolist()[:2] == [(2 + 1.5 + 1 + 2) / 4, (1 + 1.5 + 2 + 1) / 4]

"""pairwise.csv: pairs of algorithms, repetition by repetition."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.loading.results import load
from analysis.statistics.power.signed_rank import detectable
from analysis.tables.pairwise import PAIRWISE, paired_differences, pairwise_table

RNG = np.random.default_rng(1)
SHARED = RNG.normal(0.3, 0.05, 12)
RANDOM, LOCAL, GP = (SHARED + shift + RNG.normal(0, 0.01, 12) for shift in (0.04, 0.0, 0.0))
PLAIN = {"random": RANDOM, "local": LOCAL, "gp": GP}


@pytest.fixture
def planted(plant):
    """Makes results of 12 repetitions from labels and test errors, None: failed, NaN: missing."""

    def make(algorithms, name="planted", **plan):
        suite = plant(name)
        suite.plan["algorithms"].clear()
        suite.set(repetitions=12, **plan)
        for label, errors in algorithms.items():
            suite.algorithm(label)
            for repetition, error in enumerate(errors):
                if error is None:
                    suite.run([], repetition, algorithm=label, state="failed")
                elif not math.isnan(error):
                    suite.run([(float(error), float(error), 1.0)], repetition, algorithm=label)
        return load(suite.folder)

    return make


def row(table, a, b):
    """The only row of a pair."""
    [found] = table[(table["a"] == a) & (table["b"] == b)].to_dict("records")
    return found


def test_against_plain_calls(planted):
    """Columns, order of pairs, differences, p and Holm as SciPy and arithmetic have them."""
    table = pairwise_table(planted(PLAIN))
    assert tuple(table.columns) == PAIRWISE
    assert list(zip(table["a"], table["b"], strict=True)) == [("random", "local"), ("random", "gp"), ("local", "gp")]
    found = row(table, "random", "local")
    difference = RANDOM - LOCAL
    assert (found["n"], found["endpoint"]) == (12, "test_error")
    assert found["mean_difference"] == pytest.approx(difference.mean())
    assert found["sd_difference"] == pytest.approx(difference.std(ddof=1))
    assert found["effect"] == pytest.approx(difference.mean() / difference.std(ddof=1))
    assert found["detectable_sd"] == pytest.approx(detectable(12))
    assert found["detectable"] == pytest.approx(detectable(12) * difference.std(ddof=1))
    p = [stats.wilcoxon(x - y).pvalue for x, y in ((RANDOM, LOCAL), (RANDOM, GP), (LOCAL, GP))]
    assert table["p"].tolist() == pytest.approx(p)
    assert table["p_holm"].tolist() == pytest.approx([min(2 * p[0], 1) if p[0] > p[1] else 3 * p[0],
                                                      min(2 * p[1], 1) if p[1] >= p[0] else 3 * p[1],
                                                      p[2]], rel=0.6)  # fmt: skip
    assert (table["p_holm"] >= table["p"]).all()
    assert table["verdict"].tolist() == ["b better", "b better", "no difference shown"]


def test_the_other_order_gives_the_other_verdict(planted):
    """In the order of the plan a is the first one: the sign turns with it."""
    table = pairwise_table(planted({"local": LOCAL, "random": RANDOM}))
    found = row(table, "local", "random")
    assert found["mean_difference"] < 0
    assert found["verdict"] == "a better"
    assert found["p_better"] > 0.9


def test_of_scores_negative_favours_a_too(planted):
    """More score is better, so its difference is turned round."""
    table = pairwise_table(planted({"local": LOCAL, "random": RANDOM}, endpoint="score"))
    found = row(table, "local", "random")
    assert found["endpoint"] == "score"
    assert found["mean_difference"] < 0
    assert found["verdict"] == "a better"


def test_a_competitor_changes_p_holm_alone(planted):
    """Adding algorithms changes nothing but what Holm has to, whatever repetitions they finished."""
    few = pairwise_table(planted({"random": RANDOM, "local": LOCAL}, "few"))
    other = GP.copy()
    other[3] = np.nan
    more = pairwise_table(planted({**PLAIN, "gp": other}, "more"))
    own = [name for name in PAIRWISE if name not in ("p_holm", "verdict")]
    shared = more[(more["a"] == "random") & (more["b"] == "local")].reset_index(drop=True)
    pd.testing.assert_frame_equal(shared[own], few[own], check_exact=True)
    assert shared["p_holm"][0] > few["p_holm"][0]
    assert row(more, "random", "gp")["n"] == 11


def test_shifted_errors_have_the_same_differences(planted):
    """All errors larger by a constant: the table is the same."""
    table = pairwise_table(planted(PLAIN, "plain"))
    moved = pairwise_table(planted({label: errors + 0.125 for label, errors in PLAIN.items()}, "moved"))
    pd.testing.assert_frame_equal(moved, table, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_differences_below_the_noise_floor_are_ties(planted):
    """A gap of means below the floor is a tie however small p is; another objective's floor does not matter."""
    results = planted(PLAIN)
    gap = abs(row(pairwise_table(results), "random", "local")["mean_difference"])
    assert row(pairwise_table(results, {"bowl": 1.01 * gap}), "random", "local")["verdict"].startswith("tie")
    assert row(pairwise_table(results, {"bowl": 0.99 * gap}), "random", "local")["verdict"] == "b better"
    assert row(pairwise_table(results, {"other": 9.0}), "random", "local")["verdict"] == "b better"


def test_failures_lose(planted):
    """One that always fails is worse, without a mean difference, and no floor makes it a tie."""
    table = pairwise_table(planted({"random": RANDOM, "local": [None] * 12}), {"bowl": 1.0})
    found = row(table, "random", "local")
    assert (found["n"], found["p_better"], found["verdict"]) == (12, 1.0, "a better")
    assert np.isnan([found["mean_difference"], found["effect"], found["detectable"]]).all()
    assert found["median_difference"] == -math.inf


def test_all_tied_nothing_in_common_and_one_alone(planted):
    """Equal algorithms show no difference; pairs without a common repetition have a row; one algorithm has none."""
    absent = np.full(12, np.nan)
    table = pairwise_table(planted({"random": RANDOM, "local": RANDOM, "gp": absent}, "three"))
    tied, none = row(table, "random", "local"), row(table, "random", "gp")
    assert (tied["p"], tied["p_holm"], tied["effect"], tied["verdict"]) == (1, 1, 0, "no difference shown")
    assert (none["n"], none["verdict"]) == (0, "no difference shown")
    assert math.isnan(none["p_holm"])
    alone = pairwise_table(planted({"random": RANDOM}, "one"))
    assert tuple(alone.columns) == PAIRWISE
    assert alone.empty


def test_paired_differences_leave_unfinished_repetitions_out(planted):
    """The differences of a pair are those of the repetitions that both finished."""
    some = LOCAL.copy()
    some[[0, 5]] = np.nan
    found = paired_differences(planted({"random": RANDOM, "local": some}), "bowl")
    assert found["random", "local"] == pytest.approx(np.delete(RANDOM - LOCAL, [0, 5]))

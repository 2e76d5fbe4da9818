"""Comparisons of two suites: what is paired, and what is said of it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import stats

from analysis.regression.cells import LEAST, Cell, Margin, needed_pairs, p_above, verdict, with_holm_correction
from analysis.regression.non_inferiority import compare
from analysis.statistics.bootstrap import interval, mean
from benchmark.errors import BadInput
from tests.analysis.regression.suite_pairs import NOISE, both_suites, fill


def rewrite(path, planted_ledger, **changes):
    """Change what a ledger's header says of its run."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        del record["crc"]
    records[0]["run"] |= changes
    path.write_bytes(planted_ledger(records))


@pytest.mark.parametrize(
    ("lo", "hi", "expected"),
    [
        (-0.03, -0.01, "improvement"),
        (-0.01, 0.005, "no regression"),
        (0.001, 0.009, "no regression"),
        (-0.01, 0.01, "inconclusive"),
        (0.005, 0.02, "inconclusive"),
        (0.011, 0.02, "regression"),
        (math.nan, math.nan, "inconclusive"),
    ],
)
def test_verdicts_by_where_the_interval_lies(lo, hi, expected):
    """Below the margin, above it, or on both both_suites; a whole interval below 0 is an improvement."""
    assert verdict(lo, hi, 0.01) == expected


def test_no_difference_is_no_regression_whatever_the_margin():
    """A margin in sd of tied runs is 0, and no change is not beyond it."""
    assert verdict(0.0, 0.0, 0.0) == "no regression"
    assert verdict(0.0, 0.0, math.nan) == "no regression"


def test_errors_are_controlled():
    """At a true difference of exactly the margin, either wrong verdict is given in 2.5 % of 400 cells or so."""
    margin = 0.5
    samples = np.random.default_rng(11).normal(margin, 1.0, size=(400, 20))
    said = [verdict(lo, hi, margin) for lo, hi in interval(samples, mean)]
    assert said.count("regression") <= 20
    assert said.count("no regression") + said.count("improvement") <= 20


def noise_cell(values, limits, margin):
    """A cell of noise with its interval, not yet corrected for others."""
    return Cell(
        objective="bowl",
        algorithm="random",
        verdict=verdict(*limits, margin),
        n=len(values),
        n_planned=len(values),
        n_identical=0,
        n_new_failed=0,
        n_old_failed=0,
        old_mean=0.0,
        new_mean=0.0,
        mean=values.mean(),
        lo=limits[0],
        hi=limits[1],
        margin=margin,
        p=p_above(values, margin),
        p_holm=math.nan,
        needed=math.nan,
    )


@pytest.mark.slow
def test_many_cells_of_noise_are_no_regression():
    """Of 20 suites of 12 cells without any change few have a regression, though many have an interval above 0."""
    samples = np.random.default_rng(17).normal(size=(20 * 12, 10))
    limits = interval(samples, mean)
    by_itself = after = 0
    for suite in range(20):
        places = range(12 * suite, 12 * suite + 12)
        cells = [noise_cell(samples[place], limits[place], 1e-6) for place in places]
        by_itself += any(cell.verdict == "regression" for cell in cells)
        after += any(cell.verdict == "regression" for cell in with_holm_correction(cells))
    assert by_itself > 2
    assert after <= 2


def test_the_test_is_scipys():
    """The p-value is that of a one-sided paired t-test; tied differences need none."""
    values = np.array([0.01, 0.03, 0.02, 0.05])
    other = np.zeros(4)
    assert p_above(values, 0.0) == pytest.approx(stats.ttest_rel(values, other, alternative="greater").pvalue)
    assert (p_above(other + 0.1, 0.05), p_above(other, 0.05)) == (0.0, 1.0)


@pytest.mark.slow
def test_a_large_change_is_found_and_a_small_one_is_not(pair):
    """A planted shift of 0.05 is a regression, one of 0.001 none, one of -0.05 an improvement."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    for shift, expected in ((0.05, "regression"), (0.001, "no regression"), (-0.05, "improvement")):
        fill(new, 0.3 + NOISE + shift + NOISE[::-1] / 10)
        [cell] = compare(*both_suites(old, new), Margin()).cells
        assert (cell.verdict, cell.n, cell.n_identical) == (expected, 30, 0)
        assert cell.mean == pytest.approx(shift + NOISE.mean() / 10)
        assert cell.lo < cell.mean < cell.hi
        assert cell.margin == pytest.approx(0.009)


def test_the_same_runs_are_identical(pair):
    """Equal records are called identical whatever was measured in seconds."""
    for number, suite in enumerate(pair):
        for place, error in enumerate(0.3 + NOISE):
            suite.run([(error, error, 1.0 + number)], place)
    comparison = compare(*both_suites(*pair), Margin())
    assert (comparison.verdict, comparison.cells[0].n_identical) == ("identical", 30)


def test_tied_endpoints_of_different_runs_are_no_identity(pair):
    """The same final errors on another way are no regression, but not identical."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    for place, error in enumerate(0.3 + NOISE):
        new.run([(0.5, 0.5, 0.5), (error, error, 1.0)], place)
    [cell] = compare(*both_suites(old, new), Margin()).cells
    assert (cell.verdict, cell.n_identical, cell.lo, cell.hi) == ("no regression", 0, 0.0, 0.0)


def test_inconclusive_says_how_many_would_decide(pair):
    """Noise wider than the margin decides nothing, and the number that would is larger than that run."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.3 + NOISE[::-1])
    [cell] = compare(*both_suites(old, new), Margin(kind="absolute", value=0.001)).cells
    assert cell.verdict == "inconclusive"
    assert 30 < cell.needed < math.inf


def test_needed_pairs_decide_in_four_of_five_cases():
    """With as many pairs as are said to be needed, the interval leaves the margin on its side 4 times in 5."""
    rng = np.random.default_rng(5)
    sample = rng.normal(size=12)
    sample = (sample - sample.mean()) / sample.std(ddof=1)
    count = int(needed_pairs(sample, 0.7))
    limits = interval(rng.normal(0.0, 1.0, size=(400, count)), mean)
    assert 0.74 <= np.mean(limits[:, 1] < 0.7) <= 0.90


def test_nothing_decides_what_lies_on_the_margin():
    """A mean on the margin itself needs more repetitions than there are; tied differences need none."""
    assert needed_pairs(np.array([-0.1, 0.1] * 5), 1e-6) == math.inf
    assert math.isnan(needed_pairs(np.zeros(8), 0.1))


def test_a_new_failure_is_a_regression(pair):
    """A run that crashed in NEW alone is worse than any margin allows, however good the others are."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.2 + NOISE)
    (new.folder / "runs/bowl/random/004.jsonl").unlink()
    new.run([], 4, state="failed")
    [cell] = compare(*both_suites(old, new), Margin()).cells
    assert (cell.verdict, cell.n, cell.n_new_failed) == ("regression", 30, 1)
    assert math.isnan(cell.mean)


def test_a_new_failure_is_one_under_the_score_too(pair):
    """A failed run has a finite score, which must not hide that it failed."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.2 + NOISE)
    (new.folder / "runs/bowl/random/004.jsonl").unlink()
    new.run([(0.2, 0.2, 1.0)], 4, state="failed")
    [cell] = compare(*both_suites(old, new, "score"), Margin()).cells
    assert (cell.verdict, cell.n_new_failed) == ("regression", 1)


def test_an_old_failure_cannot_hide_a_regression(pair):
    """Where OLD alone failed, the others decide; where both failed, nothing differs."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.35 + NOISE)
    for suite in pair:
        (suite.folder / "runs/bowl/random/004.jsonl").unlink()
        suite.run([], 4, state="failed")
    (old.folder / "runs/bowl/random/007.jsonl").unlink()
    old.run([], 7, state="failed")
    [cell] = compare(*both_suites(old, new), Margin()).cells
    assert (cell.verdict, cell.n, cell.n_old_failed, cell.n_new_failed) == ("regression", 30, 1, 0)
    assert cell.mean == pytest.approx(0.05 * 28 / 29)


def test_too_few_pairs_say_nothing(pair):
    """Below the fewest repetitions with an interval nothing is decided."""
    old, new = pair
    fill(old, (0.3 + NOISE)[: LEAST - 1])
    fill(new, (0.9 + NOISE)[: LEAST - 1])
    comparison = compare(*both_suites(old, new), Margin())
    assert (comparison.verdict, comparison.cells[0].n) == ("inconclusive", LEAST - 1)
    assert len(comparison.unpaired) == 30 - (LEAST - 1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"suite_seed": 2}, "suite_seed is null in OLD and 2 in NEW"),
        ({"budget": {"trials": 10**9}}, "budget is null in OLD"),
        ({"objective": {"label": "bowl", "part": {"name": "other"}}}, "objective is"),
        ({"calibration": {"name": "a", "digest": "b"}}, "calibration is null in OLD"),
        ({"n_workers": 4}, "n_workers is null in OLD and 4 in NEW"),
    ],
)
def test_runs_under_other_conditions_are_no_pair(pair, planted_ledger, changes, named):
    """What decides the objective, its noise and its budget must be equal, and what is not is named."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    paths = fill(new, 0.3 + NOISE)
    for path in paths[:3]:
        rewrite(path, planted_ledger, **changes)
    comparison = compare(*both_suites(old, new), Margin())
    assert [run.repetition for run in comparison.unpaired] == [0, 1, 2]
    assert named in comparison.unpaired[0].reason
    assert (comparison.cells[0].n, comparison.cells[0].n_planned) == (27, 30)


def test_the_algorithms_own_options_may_differ(pair, planted_ledger):
    """They are what is compared: such runs are pairs."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    for path in fill(new, 0.3 + NOISE):
        rewrite(
            path, planted_ledger, algorithm={"label": "random", "searcher": {"name": "random", "options": {"n": 2}}}
        )
    assert compare(*both_suites(old, new), Margin()).cells[0].n == 30


def test_missing_and_partial_runs_are_named(pair):
    """A run without a finished partner is unpaired in the state it is in, and never dropped silently."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, (0.3 + NOISE)[:28])
    new.run([(0.3, 0.3, 1.0)], 28, state="partial")
    found = compare(*both_suites(old, new), Margin()).unpaired
    assert [(run.repetition, run.reason) for run in found] == [(28, "partial in NEW"), (29, "missing in NEW")]


def test_an_algorithm_of_one_suite_is_told(pair):
    """A new algorithm has no pairs, is named, and does not change the verdict of the others."""
    old, new = pair
    new.algorithm("local")
    fill(old, 0.3 + NOISE)
    fill(new, 0.3 + NOISE)
    fill(new, 0.9 + NOISE, algorithm="local")
    comparison = compare(*both_suites(old, new), Margin())
    assert [(cell.algorithm, cell.verdict) for cell in comparison.cells] == [
        ("random", "identical"),
        ("local", "unpaired"),
    ]
    assert comparison.verdict == "identical"
    assert {run.reason for run in comparison.unpaired} == {"not planned in OLD"}


def test_suites_without_a_common_run_are_refused(pair, planted_ledger):
    """Nothing to compare is a mistake, with the first reason."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    for path in fill(new, 0.3 + NOISE):
        rewrite(path, planted_ledger, suite_seed=2)
    with pytest.raises(BadInput, match="of bowl/random/0: suite_seed is null in OLD and 2 in NEW"):
        compare(*both_suites(old, new), Margin())


def test_endpoints_must_agree(pair):
    """Suites that declare different endpoints are not compared by one of them silently."""
    old, new = pair
    new.set(endpoint="valid_error")
    fill(old, 0.3 + NOISE)
    fill(new, 0.3 + NOISE)
    with pytest.raises(BadInput, match="choose with --endpoint"):
        compare(*both_suites(old, new), Margin())
    assert compare(*both_suites(old, new, "valid_error"), Margin()).verdict == "identical"


def test_a_lower_score_is_worse(pair):
    """Differences of the score have their sign turned, so that positive is worse."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.6 + NOISE)
    [cell] = compare(*both_suites(old, new, "score"), Margin()).cells
    assert cell.verdict == "regression"
    assert cell.new_mean < cell.old_mean
    assert cell.mean == pytest.approx(cell.old_mean - cell.new_mean)
    assert cell.margin == 0.01


def test_margins_in_sd_are_of_the_old_runs(pair):
    """Half a standard deviation is half of that of OLD's paired runs, whatever NEW's is."""
    old, new = pair
    fill(old, 0.3 + NOISE)
    fill(new, 0.3 + 3 * NOISE)
    [cell] = compare(*both_suites(old, new), Margin(kind="sd", value=0.5)).cells
    assert cell.margin == pytest.approx(0.5 * NOISE.std(ddof=1))


def test_a_changed_environment_is_told(pair, planted_ledger):
    """Versions that differ within pairs are named with both values."""
    old, new = pair
    for suite, version in ((old, "2.0"), (new, "2.1")):
        for path in fill(suite, 0.3 + NOISE):
            records = [json.loads(line) for line in path.read_text().splitlines()]
            for record in records:
                del record["crc"]
            records[0]["environment"] = {"torch": version, "python": "3.11"}
            path.write_bytes(planted_ledger(records))
    assert compare(*both_suites(old, new), Margin()).changed == {"torch": ("2.0", "2.1")}

"""Metrics that are maximised: their tables are those of the errors that are their negatives, turned round."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.study import Study
from tests.analysis.oracle.generated import Kind, write, write_recheck
from tests.analysis.test_oracle import KINDS

TURNED = {
    "trials": "valid_error test_error", "runs": "final_valid_error final_test_error",
    "trajectory": "valid_mean test_mean", "summary": "valid_mean test_mean", "statistics": "mean median iqm",
    "pairwise": "mean_difference median_difference iqm_difference effect", "bands": "mean iqm q50",
    "differences": "mean", "targets": "target", "speedups": "target", "curves": "valid_error test_error",
    "recheck": "selected_valid_error selected_test_error fresh_valid_mean fresh_test_mean",
    "optimism": "selected_valid_mean fresh_valid_mean valid_optimism selected_test_mean fresh_test_mean test_optimism",
}  # fmt: skip
"""What is the negative of the error's."""
SWAPPED = {
    "statistics": "mean_lo mean_hi median_lo median_hi iqm_lo iqm_hi q25 q75", "bands": "q10 q90 q25 q75 lo hi",
    "pairwise": "mean_difference_lo mean_difference_hi median_difference_lo median_difference_hi "
    "iqm_difference_lo iqm_difference_hi",
    "differences": "lo hi", "optimism": "valid_optimism_lo valid_optimism_hi test_optimism_lo test_optimism_hi",
}  # fmt: skip
"""Pairs of columns, each the negative of the other one's."""
TEXTS = {"failures": "reason"}
"""What names the metric's value, and is compared elsewhere."""
FEW = ("runs", "trajectory", "statistics", "pairwise", "curves", "ranks")
QUICK = Kind(
    errors=lambda rng: rng.choice([0.0, 0.1, 0.25, 0.5]), states=("done", "done", "failed"), crashed=0.2,
    repetitions=2, evaluations=3,
)  # fmt: skip


def tables_of(suite, evaluation, ledger, kind, goal=None, names=None):
    """All tables of the generated suite of a kind, its errors declared as what they are, or as negative gains."""
    write(suite, evaluation, kind, 1)
    write_recheck(suite.folder, evaluation, ledger, 1)
    if goal is not None:
        sign = -1.0 if goal == "max" else 1.0
        metric = {"name": "gain", "goal": goal, "unit": "dB", "best": 0.0 * sign, "chance": sign, "reference": None}
        for entry in suite.plan["objectives"]:
            entry["metrics"] = [metric]
        targets = {label: [sign * value for value in values] for label, values in suite.plan["targets"].items()}
        suite.set(targets=targets)
    tables = Study(load(suite.folder), suite.folder).tables
    return {name: tables[name] for name in tables if names is None or name in names}


def assert_turned(errors, gains, goal):
    """Every column of every table is that of the errors, or its negative."""
    for name, frame in errors.items():
        named = frame.columns.isin(TEXTS.get(name, "").split())
        for column in frame.columns[~named]:
            ours, theirs = gains[name][column], frame[column]
            if goal == "max" and column in (TURNED.get(name, "") + " " + SWAPPED.get(name, "")).split():
                pairs = SWAPPED.get(name, "").split()
                place = pairs.index(column) if column in pairs else None
                other = frame[column if place is None else pairs[place ^ 1]]
                kept = frame["endpoint"] == "score" if "endpoint" in frame else pd.Series(False, index=frame.index)
                theirs = theirs.where(kept, -other)
            pd.testing.assert_series_equal(ours, theirs, check_names=False, check_exact=True, obj=f"{name}.{column}")
        numbers = gains[name].select_dtypes("float")
        assert not ((numbers == 0.0) & numbers.map(lambda value: math.copysign(1.0, value) < 0)).any().any()
        if name in {**TURNED, "noise": ""}:
            assert set(gains[name]["metric"]) <= {"gain"}
        else:
            assert name == "metrics" or "metric" not in gains[name]


def test_a_gain_has_the_tables_of_a_loss_but_for_the_sign(plant, planted_evaluation, planted_ledger):
    """Ties, crashes and failed runs: counts, times, p-values and scores stay, values and limits turn round."""
    errors = tables_of(plant("errors"), planted_evaluation, planted_ledger, QUICK, names=FEW)
    gains = tables_of(plant("gains"), planted_evaluation, planted_ledger, QUICK, "max", FEW)
    assert_turned(errors, gains, "max")


@pytest.mark.slow
def test_a_loss_has_the_tables_of_an_error(plant, planted_evaluation, planted_ledger):
    """A metric that is minimised turns nothing round."""
    errors = tables_of(plant("errors"), planted_evaluation, planted_ledger, QUICK)
    losses = tables_of(plant("losses"), planted_evaluation, planted_ledger, QUICK, "min")
    assert {*errors, "metrics"} == set(losses)
    assert_turned(errors, losses, "min")


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_all_kinds_of_suites_turn_round(plant, planted_evaluation, planted_ledger, name):
    """Likewise with intervals, conditions, several budgets, missing runs and values of any size."""
    errors = tables_of(plant("errors"), planted_evaluation, planted_ledger, KINDS[name])
    gains = tables_of(plant("gains"), planted_evaluation, planted_ledger, KINDS[name], "max")
    assert {*errors, "metrics"} == set(gains)
    assert_turned(errors, gains, "max")


def test_what_is_worse_than_everything_is_minus_infinity(suite):
    """A crashed evaluation of an accuracy, and a run without any other, are infinitely bad in its own direction."""
    suite.plan["objectives"][0]["metrics"] = [{"name": "accuracy", "goal": "max"}]
    suite.set(repetitions=1)
    suite.run([(-0.5, -0.25, 1.0), (None, None, 2.0), (-0.75, -0.5, 3.0)])
    tables = Study(load(suite.folder), suite.folder).tables
    assert tables["trials"]["valid_error"].tolist() == [0.5, -math.inf, 0.75]
    assert tables["trials"]["metric"].tolist() == ["accuracy"] * 3
    [run] = tables["runs"].to_dict("records")
    assert (run["final_valid_error"], run["final_test_error"]) == (0.75, 0.5)
    suite.run([(None, None, 2.0)])
    assert Study(load(suite.folder), suite.folder).tables["runs"]["final_valid_error"].tolist() == [-math.inf]


def test_without_declared_metrics_no_table_changes(suite):
    """A suite of errors has no column and no table more."""
    suite.run([(0.5, 0.25, 1.0)])
    assert "metrics" not in json.loads((suite.folder / "suite.json").read_text())["objectives"][0]
    tables = Study(load(suite.folder), suite.folder).tables
    assert "metrics" not in tables
    assert not any("metric" in tables[name] for name in tables)

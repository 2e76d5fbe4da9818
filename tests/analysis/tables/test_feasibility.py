"""Constraints: the incumbent is the best feasible trial in every table, and the tables of feasibility."""

from __future__ import annotations

import math

import pytest

from analysis.commands.closing_notes import notes
from analysis.loading.results import load
from analysis.report.findings import findings
from benchmark.errors import BadInput
from tests.analysis.fronts.suites import ERROR, SIZE, declare, measured, study

METRICS = [ERROR, SIZE]
UPPER = {"metric": "size", "lower": None, "upper": 5.0}
TRIALS = ((0.1, 9.0), None, (0.5, 5.0), (0.4, 6.0), (0.3, 1.0), (0.2, None))
"""Error and size: beyond the bound, crashed, on the bound, beyond it, within, and not measured."""


def write(suite, runs, constraints=(UPPER,), **plan):
    """Write runs of trials, one a second; the test errors and sizes are twice those of validation."""
    declare(suite, METRICS, constraints, repetitions=len(runs), **plan)
    for repetition, (trials, state) in enumerate(runs):
        records = [
            measured(index, METRICS, trial, index + 1.0, trial and [value and 2 * value for value in trial])
            for index, trial in enumerate(trials)
        ]
        suite.run(records, repetition, state=state)


def test_every_table_is_of_the_best_feasible_trial(suite):
    """From the first feasible one on; what is not feasible is charged and counted all the same."""
    write(suite, [(TRIALS, "done"), (TRIALS[:2], "done")], targets={"bowl": [0.45]})
    tables = study(suite).tables
    first, second = tables["runs"].to_dict("records")
    assert (first["t_first"], first["final_valid_error"], first["final_test_error"]) == (3.0, 0.3, 0.6)
    assert (first["n_evaluations"], first["runtime"]) == (6, 6.0)
    assert second["final_valid_error"] == math.inf
    assert math.isnan(second["t_first"])
    time = tables["trajectory"][tables["trajectory"]["axis"] == "runtime"].set_index("t")
    assert time["n_defined"].tolist() == [0, 0, 1, 1, 1, 1]
    assert tables["summary"]["valid_mean"].isna().all()
    targets = tables["targets"]
    mine = targets[(targets["axis"] == "runtime") & (targets["error"] == "valid") & (targets["target"] == 0.45)]
    assert mine["ert"].tolist() == [5.0 + 2.0]
    assert tables["metrics"].query("metric == 'size'")["valid"].tolist()[0] == 1.0
    assert tables["curves"].empty or not tables["curves"]["incumbent"].any()


def test_trials_show_what_they_violate(suite):
    """By how much, infinitely where nothing came of it or the metric was not measured; on a bound it is feasible."""
    write(suite, [(TRIALS, "done")])
    trials = study(suite).tables["trials"]
    assert trials["violation"].tolist() == [4.0, math.inf, 0.0, 1.0, 0.0, math.inf]
    assert trials["feasible"].tolist() == [False, False, True, False, True, False]


def test_feasibility_over_time(suite):
    """The share of runs with a feasible trial, and the least violation so far, which falls to 0."""
    write(suite, [(TRIALS, "done"), (TRIALS[:2], "done"), (TRIALS[2:4], "failed")])
    table = study(suite).tables["feasibility"]
    mine = table[table["axis"] == "runtime"].set_index("t")
    assert mine["n_feasible"].to_dict() == {1.0: 1, 3.0: 1, 6.0: 1}
    assert mine["n_runs"].tolist() == [3, 3, 3]
    assert mine["share"].tolist() == [1 / 3] * 3
    assert mine["violation_median"].fillna(-1).tolist() == [4.0, -1.0, -1.0]


def test_counts_and_choices_of_runs(suite):
    """What was chosen by validation need not be feasible on the test set, where sizes are twice as large."""
    write(suite, [(TRIALS, "done"), (TRIALS[:3], "done"), (TRIALS[:2], "done")])
    tables = study(suite).tables
    columns = ["n_evaluations", "n_feasible", "n_infeasible", "n_failed", "t_first", "least_violation", "n_chosen",
               "n_chosen_tested", "n_chosen_feasible"]  # fmt: skip
    assert tables["feasibility_runs"][columns].values.tolist() == [
        [6, 2, 3, 1, 3.0, 0.0, 1, 1, 1], [3, 1, 1, 1, 3.0, 0.0, 1, 1, 0], [2, 0, 1, 1, math.inf, 4.0, 0, 0, 0],
    ]  # fmt: skip
    [row] = tables["feasibility_summary"].to_dict("records")
    assert (row["n"], row["n_with_feasible"], row["t_first_median"]) == (3, 2, 3.0)
    assert (row["n_chosen_tested"], row["share_chosen_feasible"]) == (2, 0.5)
    # Wilson's interval of 1 of 2, by its formula: (p + z^2 / 4) / (1 + z^2 / 2) -+ ...
    assert (row["share_lo"], row["share_hi"]) == (pytest.approx(0.0945, abs=1e-4), pytest.approx(0.9055, abs=1e-4))


def test_an_accuracy_is_bounded_in_its_own_direction(suite):
    """A lower bound on the first metric itself, which is maximised."""
    metrics = [{"name": "accuracy", "goal": "max", "unit": "", "best": 1.0, "chance": 0.1, "reference": None}]
    declare(suite, metrics, [{"metric": "accuracy", "lower": 0.5, "upper": 0.75}], repetitions=1)
    suite.run([measured(index, metrics, [value], index + 1.0) for index, value in enumerate((0.25, 0.5, 0.875, 0.625))])
    tables = study(suite).tables
    assert tables["trials"]["violation"].tolist() == [0.25, 0.0, 0.125, 0.0]
    assert tables["runs"]["final_valid_error"].tolist() == [0.625]
    assert "front" not in tables


def test_that_no_trial_is_feasible_is_said(suite):
    """In the terminal and on the page, with the bound."""
    write(suite, [(((0.5, 9.0), None), "done")])
    made = study(suite)
    for lines in (notes(made.results), [finding.whole for finding in findings(made)]):
        [line] = [line for line in lines if "meets the constraint" in line]
        assert "bowl: none of 2 trials meets the constraint size <= 5, so there is no incumbent." in line


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"metric": "size"}, "need a list of tables"),
        ([{"metric": "size", "upper": 1, "most": 2}], "need a table of metric, lower and upper"),
        ([{"metric": "sizes", "upper": 1}], r'no such metric \(did you mean "size"\?\)'),
        ([{"metric": "size"}], "need a lower or an upper bound"),
        ([{"metric": "size", "lower": 2, "upper": 1}], "need a lower or an upper bound"),
        ([{"metric": "size", "upper": "5"}], "need a lower or an upper bound"),
    ],
)
def test_constraints_that_are_none_are_refused(suite, constraints, message):
    """With the objective and what is there."""
    declare(suite, METRICS, repetitions=1)
    suite.plan["objectives"][0]["constraints"] = constraints
    suite.set()
    suite.run([measured(0, METRICS, [0.5, 1.0], 1.0)])
    with pytest.raises(BadInput, match=message):
        load(suite.folder)

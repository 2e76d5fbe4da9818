"""The tables of fronts: members, indicators, attainment, and what there is without a scale or a beaten reference."""

from __future__ import annotations

import math

import pytest

from analysis.commands.closing_notes import notes
from analysis.loading.results import load
from analysis.report.findings import findings
from benchmark.errors import BadInput
from tests.analysis.fronts.suites import ACCURACY, ERROR, SIZE, declare, measured, study

METRICS = [ERROR, {**ACCURACY, "reference": 0.0}, SIZE]
TRIALS = ((0.5, 0.5, 1.0), (0.25, 0.25, 2.0), (0.5, 0.5, 3.0), (0.75, 0.5, 4.0), (0.0, 0.0, 5.0))
"""Error, accuracy and size: the third trial is like the first but for the size, which is recorded only, the fourth is
dominated, and the last is a member that does not beat the reference."""


def write(suite, runs, metrics=METRICS, **plan):
    """Write runs of the trials, whose test errors are 1/8 more."""
    declare(suite, metrics, **{"repetitions": len(runs), **plan})
    for repetition, (trials, state) in enumerate(runs):
        records = [
            measured(index, metrics, trial, float(index + 1), (trial[0] + 0.125, *trial[1:]))
            for index, trial in enumerate(trials)
        ]
        suite.run(records, repetition, state=state)


def test_members_are_listed_with_all_that_they_measured(suite):
    """The best by the first metric first; of equal ones the first, also where what is only recorded differs."""
    write(suite, [(TRIALS, "done"), (TRIALS[:1], "partial")])
    front = study(suite).tables["front"]
    assert front[["repetition", "state", "index"]].values.tolist() == [
        [0, "done", 4], [0, "done", 1], [0, "done", 0], [1, "partial", 0],
    ]  # fmt: skip
    assert front.filter(regex=":").columns.tolist() == [
        "valid:error", "test:error", "valid:accuracy", "test:accuracy", "valid:size", "test:size",
    ]  # fmt: skip
    assert front.filter(regex=":").iloc[1].tolist() == [0.25, 0.375, 0.25, 0.25, 2.0, 2.0]


def test_distances_are_to_the_front_that_lies_in_the_folder(suite):
    """Its columns are the optimised metrics, in their own directions and in any order; without it they are empty."""
    write(suite, [(TRIALS[:2], "done"), ((), "failed")])
    plain = study(suite).tables["indicators"]
    assert plain[["igd_plus", "epsilon"]].isna().all(axis=None)
    assert plain["hypervolume"].tolist()[:2] == [0.25 + 0.0625, 0.1875 + 0.0625]
    assert plain["hypervolume"].isna().tolist() == [False, False, True, True]
    (suite.folder / "fronts").mkdir()
    (suite.folder / "fronts" / "bowl.csv").write_text("accuracy,error\n0.5,0.25\n")
    known = study(suite).tables["indicators"]
    assert known[["igd_plus", "epsilon"]].values.tolist()[:2] == [[0.25, 0.25], [pytest.approx(0.078125**0.5), 0.25]]
    assert known["n_front"].tolist() == [2, 2, 0, 0]


@pytest.mark.parametrize(
    "text", ["error\n0.1\n", "accuracy,error\n0.5,x\n", "accuracy,error\n", "accuracy,error\n1,inf\n", ""]
)
def test_a_known_front_that_is_none_is_refused(suite, text):
    """With its file and a remedy, as a damaged recheck is."""
    write(suite, [(TRIALS, "done")])
    (suite.folder / "fronts").mkdir()
    (suite.folder / "fronts" / "bowl.csv").write_text(text)
    with pytest.raises(BadInput, match=r"bowl\.csv: need .*; restore it, or delete it"):
        study(suite).tables["indicators"]


def test_surfaces_count_runs_that_failed_or_have_no_front(suite):
    """Two of four attain something: their best and their half, and nothing that three of four would."""
    write(suite, [(TRIALS[:2], "done"), (TRIALS[:1], "done"), (TRIALS, "failed"), ((), "done")])
    table = study(suite).tables["attainment"]
    valid = table[table["data"] == "valid"]
    assert valid[["surface", "k", "n_runs", "x_value", "y_value"]].values.tolist() == [
        ["best", 1, 4, 0.25, 0.25], ["best", 1, 4, 0.5, 0.5],
        ["25 %", 1, 4, 0.25, 0.25], ["25 %", 1, 4, 0.5, 0.5],
        ["50 %", 2, 4, 0.5, 0.5],
    ]  # fmt: skip
    assert table[table["data"] == "test"]["x_value"].tolist() == [0.375, 0.625, 0.375, 0.625, 0.625]
    assert set(table["x"]) == {"error"}
    assert set(table["y"]) == {"accuracy"}


def test_without_best_values_volumes_are_in_units_and_there_are_no_scores(suite):
    """The endpoint is then the test hypervolume, whatever the suite asks for."""
    metrics = [ERROR, {**ACCURACY, "best": None, "reference": -1.0}, SIZE]
    write(suite, [(TRIALS[:1], "done")] * 2, metrics, endpoint="score")
    tables = study(suite).tables
    assert tables["hypervolume_runs"]["final_valid_error"].tolist() == [0.75, 0.75]
    assert tables["hypervolume_scores"]["score"].isna().all()
    assert tables["hypervolume_ranks"]["endpoint"].tolist() == ["test_error"]
    assert study(suite).hypervolume.results.plan.objectives[0].metric.unit == "%"


def test_a_reference_that_no_trial_beats_is_said(suite):
    """In the terminal and on the page; the hypervolume is 0, and not undefined."""
    metrics = [ERROR, {**ACCURACY, "reference": 0.875}]
    write(suite, [([trial[:2] for trial in TRIALS], "done")], metrics)
    made = study(suite)
    assert made.tables["hypervolume_runs"]["final_valid_error"].tolist() == [0.0]
    for lines in (notes(made.results), [finding.whole for finding in findings(made)]):
        [line] = [line for line in lines if "no trial beats the reference" in line]
        assert "bowl: no trial beats the reference (error 1.000, accuracy 0.8750 %)" in line


def test_a_plan_from_before_with_a_reference_beside_a_metric_without_any_has_no_front(suite):
    """Nothing says where its hypervolumes would end, and it opens as it did."""
    write(suite, [(TRIALS, "done")], [{**ERROR, "chance": None}, ACCURACY, SIZE])
    assert "front" not in study(suite).tables
    assert "valid:accuracy" not in study(suite).tables["trials"]


def test_a_suite_without_fronts_and_constraints_has_no_column_and_no_table_more(suite):
    """Nor does it read further metrics."""
    suite.run([(0.5, 0.25, 1.0)])
    tables = study(suite).tables
    assert not [name for name in tables if name.startswith(("hypervolume", "front", "feasib", "attain", "indicat"))]
    assert not [name for name in load(suite.folder).evaluations if ":" in name or "violation" in name]


def test_a_reference_better_than_the_best_value_is_refused(suite):
    """As a chance value is."""
    write(suite, [(TRIALS, "done")], [ERROR, {**ACCURACY, "reference": 2.0}, SIZE])
    with pytest.raises(BadInput, match=r"accuracy: best = 1\.0 and reference = 2\.0: need best above reference"):
        load(suite.folder)


def test_what_was_not_tested_has_no_test_values(suite):
    """Not even of metrics that are the same on validation and test; tested, it has those of validation."""
    metrics = [ERROR, ACCURACY, SIZE]
    declare(suite, metrics, repetitions=1)
    tested = measured(1, metrics, (0.25, 0.25, 1.0), 2.0, (0.5, 0.5, 1.0))
    del tested["test_metrics"]["size"]
    suite.run([measured(0, metrics, (0.5, 0.5, 1.0), 1.0), tested])
    tables = study(suite).tables
    assert tables["front"].filter(regex="test:").isna().all(axis=1).tolist() == [False, True]
    assert tables["front"]["test:size"].tolist()[0] == 1.0
    assert tables["hypervolume_runs"]["final_test_error"].isna().all()


def test_an_unmeasured_metric_keeps_a_trial_out_of_the_front(suite):
    """It is not taken for 0, and the run is defined from the first trial on that measured all."""
    write(suite, [(((0.25, None, 1.0), (0.5, 0.5, 1.0)), "done")])
    tables = study(suite).tables
    assert tables["front"]["index"].tolist() == [1]
    assert tables["hypervolume_runs"]["t_first"].tolist() == [2.0]
    assert not math.isnan(tables["runs"]["t_first"].iloc[0])

"""Runs that end with budget left, since their algorithm had nothing left to try: a column and a sentence."""

import json

import pytest

from analysis.commands.closing_notes import notes
from analysis.loading.results import load
from analysis.report.findings import findings
from analysis.study import Study
from tests.analysis.conftest import ledger_bytes


@pytest.fixture
def plant_run(suite):
    """A function that plants a run of some trials which ended for a reason."""

    def plant(repetition, trials, reason):
        path = suite.run([(0.5, 0.5, 1.0 + index) for index in range(trials)], repetition)
        records = [json.loads(line) for line in path.read_text().splitlines()]
        for record in records:
            del record["crc"]
        records[-1]["reason"] = reason
        path.write_bytes(ledger_bytes(records))

    return plant


def study_of(suite):
    return Study(load(suite.folder), suite.folder)


@pytest.mark.parametrize(
    ("budget", "counts", "expected"),
    [
        ({"trials": 5}, (2, 2), "random: 2 of 2 runs ended after 2 of 5 trials: no configurations left."),
        ({"trials": 5}, (1, 3), "random: 2 of 2 runs ended after 1 to 3 of 5 trials: no configurations left."),
        ({"trials": 2}, (1, 2), "random: 1 of 2 runs ended after 1 of 2 trials: no configurations left."),
        (
            {"epochs": 90},
            (1, 1),
            "random: 2 of 2 runs ended after 1 trials (budget: 90 epochs): no configurations left.",
        ),
    ],
)
def test_early_ends_are_told(suite, plant_run, budget, counts, expected):
    """In the table of runs, in the terminal and on the page; exactly the budget's trials are no early end."""
    suite.set(budget=budget)
    for repetition, trials in enumerate(counts):
        plant_run(repetition, trials, "exhausted")
    study = study_of(suite)
    assert study.tables["runs"]["ended"].tolist() == ["exhausted"] * 2
    assert f"note: bowl: {expected}" in notes(study.results)
    assert f"bowl: {expected}" in [finding.whole for finding in findings(study)]


@pytest.mark.parametrize(("trials", "reason"), [(2, "budget"), (5, "exhausted")])
def test_without_an_early_end_the_table_is_as_ever(suite, plant_run, trials, reason):
    """There is no such column where every run spent its budget, or is unfinished."""
    suite.set(budget={"trials": 5})
    plant_run(0, trials, reason)
    suite.run([(0.5, 0.5, 1.0)], 1, state="partial")
    study = study_of(suite)
    assert "ended" not in study.tables["runs"]
    assert not any("no configurations left" in note for note in notes(study.results))

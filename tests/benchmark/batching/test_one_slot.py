"""Objectives without a stack: they take the trials of results to reuse, and train the rest as they do alone."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.batching.run_group import execute_group
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration

pytestmark = pytest.mark.usefixtures("no_disk")

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "problem")
NAME = f"{__name__}:Alone"
ALGORITHMS = {
    "random": {"searcher": "random"},
    "local": {"searcher": {"name": "local", "num_init_random": 1, "probab_local": 0.7}},
    "hyperband": {"scheduler": {"name": "hyperband", "eta": 2}, "searcher": "random"},
}


class Alone(StackedToy):
    """The toy without its stack; a trial with x = 7 leaves the process, or tries to."""

    @property
    def stackable(self):
        return False

    def stack(self, machine, capacity=None):
        return None

    def epoch(self, config, seed, number):
        if config["x"] == 7:
            sys.exit(3)
        return super().epoch(config, seed, number)


def execute(folder, budget, algorithms=ALGORITHMS, reuse=None, **options):
    """Execute runs on the toy, each by itself: evaluations without what is measured, and seconds paid; or reports."""
    table = {"seed": 7, "repetitions": 1, "clock": "modelled", "budget": budget, "algorithms": algorithms}
    table |= {"objectives": {"toy": {"name": NAME, "raising": 2, "diverging": 3, **options}}}
    suite = replace(suites.parse("toy", table), calibration=invented_calibration({NAME: StackedToy()}))
    settings = RunSettings(
        folder=Path(folder), machine=Machine(), environment=describe_environment("cpu", 1), reuse=reuse
    )
    reports = [report for run in suite.runs() for report in execute_group([run], settings)]
    if {report.state for report in reports} != {"done"}:
        return reports
    ledgers = {run.path: evaluations_of(read_ledger(folder / run.path).records) for run in suite.runs()}
    paid = sum(record["paid_seconds"] for records in ledgers.values() for record in records)
    stripped = {
        path: [{name: value for name, value in record.items() if name not in MEASURED} for record in records]
        for path, records in ledgers.items()
    }
    return stripped, paid


def test_results_do_not_depend_on_what_is_reused(tmp_path):
    """Nothing, a part or all of the trials: the same evaluations, failures and divergences among them."""
    unshared, _ = execute(tmp_path / "unshared", {"evaluations": 7})
    states = {record["state"] for records in unshared.values() for record in records}
    assert states == {"ok", "diverged", "error"}
    execute(tmp_path / "part", {"evaluations": 3}, {"random": ALGORITHMS["random"]})

    for known in ("part", "unshared"):
        shared, _ = execute(tmp_path / f"from-{known}", {"evaluations": 7}, reuse=tmp_path / known)
        assert shared == unshared


def test_a_known_trial_that_goes_on_otherwise_is_found(tmp_path):
    """A promotion trains it from the start: an epoch that differs from its record ends the run with the reason."""
    drift = tmp_path / "drift"
    options = {"raising": None, "diverging": None, "choices": 6, "drift": str(drift)}
    first, longer = ({"own": {"scheduler": {"name": "listed", "trials": [{"x": 1, "max_epochs": n}]}}} for n in (1, 3))
    execute(tmp_path / "first", {"trials": 1}, first, **options)
    drift.touch()

    reports = execute(tmp_path / "second", {"trials": 1}, longer, reuse=tmp_path / "first", **options)

    assert "its training does not repeat itself" in reports[0].problem


def test_what_is_recorded_is_not_trained_again(tmp_path):
    """No epoch is trained where every trial is known; new ones are."""
    log = tmp_path / "log"
    calm = {"raising": None, "choices": 6}
    execute(tmp_path / "first", {"evaluations": 8}, log=str(log), **calm)
    count = len(log.read_text().splitlines())

    _, paid = execute(tmp_path / "second", {"evaluations": 8}, reuse=tmp_path / "first", log=str(log), **calm)

    assert len(log.read_text().splitlines()) == count
    assert paid == 0.0

"""Optuna journals, read back with Optuna."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from benchmark.errors import BadInput

optuna = pytest.importorskip("optuna", reason="optuna is not installed: make setup")


def studies(path):
    """Every study of a journal by its name."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    names = optuna.get_all_study_names(storage)
    return {name: optuna.load_study(study_name=name, storage=storage) for name in names}


@pytest.fixture
def read(varied, exported):
    """The exported studies of the varied suite."""
    _, folder = exported(varied.folder, "optuna")
    return studies(folder / "net.log")


def test_one_study_a_run_with_a_ledger(read):
    """Missing runs have no study, the others name what they are and their state."""
    assert list(read) == ["random/000", "random/001", "random/002", "asha/000", "asha/001"]
    states = [study.user_attrs["state"] for study in read.values()]
    assert states == ["done", "failed", "failed", "done", "partial"]
    assert read["asha/001"].user_attrs["repetition"] == 1


def test_best_values_are_final_incumbents(varied, read):
    """A study's best value and its test error are those of the run's anytime curve at its end."""
    for run in varied.results.runs:
        name = f"{run.algorithm}/{run.repetition:03d}"
        if run.state == "missing" or not run.rows.stop - run.rows.start:
            continue
        [curve] = varied.results.curves([run], "trials")
        best = read[name].best_trial
        final = (curve.valid[-1], curve.test[-1])
        assert (best.value, best.user_attrs["test_error"]) == final
        assert (read[name].user_attrs["valid_error"], read[name].user_attrs["test_error"]) == final


def test_trials_keep_their_states(read):
    """Crashed trials failed, diverged ones are complete, those completed after the budget are pruned."""
    trials = read["random/000"].trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "PRUNED"]
    assert [trial.value for trial in trials] == [0.5, None, 0.9, 0.25, None]
    assert trials[2].user_attrs["states"] == ["diverged"]
    assert trials[4].intermediate_values == {2: 0.1}


def test_promoted_trials_are_one_trial(read):
    """Evaluations of the same trial become its intermediate values, and the least of them its value."""
    first, second = read["asha/000"].trials
    assert first.intermediate_values == {2: 0.6}
    assert second.intermediate_values == {2: 0.5, 4: 0.3, 8: 0.35}
    assert (second.value, second.user_attrs["best_epochs"], second.user_attrs["test_error"]) == (0.3, 4, 0.4)


def test_parameters_and_distributions(varied, read):
    """Configurations read back exactly, with the plan's bounds, scales and choices."""
    for trial, config in zip(
        read["random/000"].trials, varied.results.configs(varied.results.evaluations.iloc[:5]), strict=True
    ):
        assert trial.params == config
    axes = read["random/000"].trials[0].distributions
    assert axes["learning_rate"] == optuna.distributions.FloatDistribution(1e-4, 1.0, log=True)
    assert axes["units"] == optuna.distributions.IntDistribution(8, 128)
    assert axes["batch"] == optuna.distributions.CategoricalDistribution([16, 64, 256])
    assert axes["activation"] == optuna.distributions.CategoricalDistribution(["relu", "none", True, 0.5])


def test_times_are_the_suites_clock(read):
    """Times count from a fixed day, not from that of the export."""
    trial = read["random/000"].trials[3]
    assert trial.datetime_complete.astimezone(UTC) == datetime(2000, 1, 1, 0, 0, 40, tzinfo=UTC)


def test_the_same_bytes_twice(varied, exported):
    """Neither a random worker nor the time of day is in the file."""
    _, folder = exported(varied.folder, "optuna")
    first = (folder / "net.log").read_bytes()
    exported(varied.folder, "optuna")
    assert (folder / "net.log").read_bytes() == first
    assert {json.loads(line)["worker_id"] for line in first.splitlines()} == {"export"}


def test_a_value_that_no_logarithm_has_is_refused(plant, planted_evaluation, exported):
    """An axis cannot be widened to zero or below; the objective, the axis and the value are told."""
    suite = plant()
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, config={"learning_rate": -1.0})])

    with pytest.raises(BadInput, match=r"^bowl: learning_rate = -1\.0 is not on its logarithmic scale$"):
        exported(suite.folder, "optuna")


def test_values_out_of_bounds_widen_the_axis(plant, planted_evaluation, exported):
    """A value that an algorithm proposed beyond the bounds is kept as it is."""
    suite = plant()
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, config={"learning_rate": 2.0})])
    _, folder = exported(suite.folder, "optuna")
    [trial] = studies(folder / "bowl.log")["random/000"].trials
    assert trial.params == {"learning_rate": 2.0}
    assert trial.distributions["learning_rate"].high == 2.0


@pytest.mark.slow
def test_a_metric_that_is_maximised_is_maximised_there_too(plant, planted_evaluation, exported):
    """Values are the metric's own, and the best one of a study is that of the run's final incumbent."""
    suite = plant()
    suite.plan["objectives"][0]["metrics"] = [{"name": "accuracy", "goal": "max", "unit": "%"}]
    suite.set()
    suite.run([planted_evaluation(0, -50.0, -40.0, 1.0), planted_evaluation(1, -80.0, -70.0, 2.0, trial=1, epochs=3)])
    _, folder = exported(suite.folder, "optuna")
    study = studies(folder / "bowl.log")["random/000"]
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert (study.best_value, study.best_trial.user_attrs["test_error"]) == (80.0, 70.0)
    assert study.best_trial.intermediate_values == {3: 80.0}
    assert (study.user_attrs["metric"], study.user_attrs["unit"], study.user_attrs["valid_error"]) == (
        "accuracy", "%", 80.0,
    )  # fmt: skip

"""Studies that the real libraries made: every imported curve is what the library's own API reads of it."""

import json

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.importers.readers import hyperopt, nevergrad, ray_tune, smac, syne_tune
from analysis.importers.studies.foreign_study import ForeignMetric
from tests.analysis.importers.readers.imported_studies import assert_same_curve, curves_of, imported, make_studies

pytestmark = [pytest.mark.slow, pytest.mark.libraries]
LOSS = (ForeignMetric(name="loss", goal="min"),)


@pytest.fixture(scope="module")
def syne_tune_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("syne_tune")
    return folder, make_studies("syne_tune", folder, "syne_tune")


@pytest.fixture(scope="module")
def ray_tune_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray_tune")
    return folder, make_studies("ray_tune", folder, "ray.tune")


@pytest.fixture(scope="module")
def smac_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smac")
    return folder, make_studies("smac", folder, "smac")


@pytest.fixture(scope="module")
def hyperopt_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hyperopt")
    return folder, make_studies("hyperopt", folder, "hyperopt")


@pytest.fixture(scope="module")
def nevergrad_studies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nevergrad")
    return folder, make_studies("nevergrad", folder, "nevergrad")


def assert_curves(results, expected):
    """The curves of all runs are the expected ones, by `algorithm-repetition`."""
    curves = curves_of(results)
    assert {f"{algorithm}-{repetition}" for algorithm, repetition in curves} == set(expected)
    for (algorithm, repetition), curve in curves.items():
        wanted = expected[f"{algorithm}-{repetition}"]
        assert_same_curve(curve, wanted["times"], wanted["best"])


def test_syne_tunes_simulated_curves_are_those_of_load_experiment(syne_tune_studies, tmp_path):
    """Two schedulers in two repetitions on the simulator's clock, paired by the pattern."""
    folder, expected = syne_tune_studies
    results = imported(tmp_path, folder / "experiments", "--group", r"(?P<algorithm>asha|random)-(?P<rep>\d+)")
    assert_curves(results, {name: curve for name, curve in expected.items() if name != "local"})


def test_syne_tunes_seeds_space_and_clock_are_read(syne_tune_studies):
    """What an experiment records of itself is in the study, and choices that look like numbers stay texts."""
    folder, _ = syne_tune_studies
    by_name = {study.name: study for study in syne_tune.read(folder / "experiments")}
    study = by_name["asha-1"]
    assert (study.seed, study.algorithm, "simulated" in study.clock) == (1, "ASHA", True)
    assert study.space["units"] == {"kind": "int", "low": 1, "high": 20, "log": False}
    assert study.space["kind"] == {"kind": "categorical", "choices": ["1", "02"]}
    assert {trial.config["kind"] for other in by_name.values() for trial in other.trials if other.name != "local"} == {
        "1",
        "02",
    }
    assert max(report.epoch for trial in study.trials for report in trial.reports) == 3


def test_a_local_experiment_keeps_trials_that_never_reported(syne_tune_studies, tmp_path):
    """A metric that is maximised, real time, and a trial whose script broke before its first report."""
    folder, expected = syne_tune_studies
    (study,) = syne_tune.read(folder / "experiments" / "local")
    assert [metric.goal for metric in study.metrics] == ["max"]
    broken = [trial for trial in study.trials if trial.config["kind"] == "broken" and trial.state == "failed"]
    assert broken
    assert all(trial.end > 0 and not trial.reports for trial in broken)
    results = imported(tmp_path, folder / "experiments" / "local")
    ((_, curve),) = curves_of(results).items()
    assert_same_curve(curve, expected["local"]["times"], expected["local"]["best"])


def test_the_curves_of_ray_tune_are_those_of_experiment_analysis(ray_tune_studies, tmp_path):
    """Reports count at their whole seconds since the experiment began, failed trials and NaN are no results."""
    folder, expected = ray_tune_studies
    results = imported(
        *(tmp_path, folder / "experiments", "--group", r"(?P<algorithm>\w+)-(?P<rep>\d+)", "--metric", "loss=min")
    )
    for (algorithm, _), (t, values) in curves_of(results).items():
        wanted = expected[f"{algorithm}-0"]
        state = next((folder / "experiments" / f"{algorithm}-0").glob("experiment_state-*.json"))
        start = int(json.loads(state.read_text())["stats"]["start_time"])
        times, losses = zip(*wanted["rows"], strict=True)
        assert_same_curve((t, values), [time - start for time in times], np.minimum.accumulate(losses))


@pytest.mark.parametrize("files", ["all", "without the state", "progress.csv alone"])
def test_ray_tunes_trials_are_the_same_from_any_of_its_files(ray_tune_studies, tmp_path, files):
    """The state of the experiment says how trials ended; without it the trials' own files do."""
    folder, expected = ray_tune_studies
    copy = tmp_path / "random-0"
    for source in (folder / "experiments" / "random-0").rglob("*.*"):
        kept = source.name.endswith((".json", ".csv", ".txt")) and (
            files == "all" or not source.name.startswith(("experiment_state", "basic"))
        )
        if source.is_file() and kept and not (files == "progress.csv alone" and source.name == "result.json"):
            target = copy / source.relative_to(folder / "experiments" / "random-0")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (study,) = ray_tune.read(copy, LOSS)
    losses = [report.values["loss"] for trial in study.trials for report in trial.reports]
    assert sorted(loss for loss in losses if np.isfinite(loss)) == sorted(
        loss for _, loss in expected["random-0"]["rows"]
    )
    assert {trial.state for trial in study.trials if trial.config["x"] < -1.2} <= {"failed"}
    assert all(trial.state == "completed" for trial in study.trials if trial.config["x"] >= -1.2)
    assert all(set(trial.config) == {"x", "kind", "deep/width", "fixed"} for trial in study.trials)


def test_smacs_curves_are_those_of_its_run_history(smac_studies, tmp_path):
    """One run a configuration, and budgets: an improvement counts when a run ended."""
    folder, expected = smac_studies
    results = imported(tmp_path, folder / "runs", "--group", r"(?P<algorithm>random|budgets)/(?P<rep>\d)")
    wanted = {
        name.replace("/", "-"): curve for name, curve in expected.items() if name.startswith(("random", "budgets"))
    }
    assert_curves(results, wanted)


@pytest.mark.parametrize("name", ["instances", "two"])
def test_a_configuration_of_smac_counts_when_all_of_its_instances_and_seeds_are_in(smac_studies, tmp_path, name):
    """Means over several instances or seeds, as the run history averages them; the rest were rejected."""
    folder, expected = smac_studies
    results = imported(tmp_path, folder / "runs" / name)
    ((_, curve),) = curves_of(results).items()
    assert_same_curve(curve, expected[f"{name}/0"]["times"], expected[f"{name}/0"]["best"])


def test_smacs_seed_space_version_and_metrics_are_read(smac_studies):
    """The scenario names what was minimised; a child axis has its condition; crashed runs are failed trials."""
    folder, _ = smac_studies
    by_name = {study.name: study for study in smac.read(folder / "runs")}
    study = by_name["random/1"]
    assert (study.seed, study.algorithm) == (1, "RandomFacade")
    assert study.version.split(".")[0] == "2"
    assert study.space["depth"]["when"] == {"parent": "kind", "values": ["b"]}
    assert study.space["level"] == {"kind": "ordinal", "choices": [1, 2, 4]}
    assert [metric.name for metric in by_name["two/0"].metrics] == ["loss", "size"]
    broke = [trial for name in ("random/0", "random/1") for trial in by_name[name].trials if trial.config["x"] > 1]
    assert broke
    assert all(trial.state == "failed" and not trial.reports for trial in broke)


def test_what_smac_was_told_without_times_is_counted(smac_studies):
    """The times of ask and tell are the user's; where there are none, runs are counted and that is said."""
    folder, _ = smac_studies
    by_name = {study.name: study for study in smac.read(folder / "told")}
    ends = {name: [trial.end for trial in study.trials] for name, study in by_name.items()}
    assert ends == {"told/0": [0.5, 1.5, 2.5, 3.5, 4.5], "untimed/0": [1.0, 2.0, 3.0, 4.0, 5.0]}
    assert "no times" in by_name["untimed/0"].clock


def test_hyperopts_curves_are_those_of_its_trials(hyperopt_studies, tmp_path):
    """Losses count at their refresh time; trials that failed or raised are there without a result."""
    folder, expected = hyperopt_studies
    results = imported(tmp_path, folder / "trials", "--group", r"(?P<algorithm>\w+)-(?P<rep>\d+)")
    assert_curves(results, expected)
    studies = {study.name: study for study in hyperopt.read(folder / "trials")}
    for name, study in studies.items():
        assert len(study.trials) == expected[name]["trials"]
        assert [trial.config for trial in study.trials] == expected[name]["values"]
    assert any(trial.state == "failed" for study in studies.values() for trial in study.trials)


def test_nevergrads_curves_are_those_of_its_logger(nevergrad_studies, tmp_path):
    """Losses are counted, for Nevergrad records no times, and that is what the clock says."""
    folder, expected = nevergrad_studies
    wanted = {name: curve for name, curve in expected["curves"].items() if not name.startswith("shared")}
    assert_curves(imported(tmp_path, folder / "logs", "--group", r"(?P<algorithm>\w+)-(?P<rep>\d+)"), wanted)
    (study,) = nevergrad.read(folder / "logs" / "DE-0.json")
    assert set(study.trials[0].config) == {"x", "rate", "width", "kind", "weights.0", "weights.1"}
    assert (study.algorithm, "no times" in study.clock) == ("DE", True)


def test_a_log_that_several_optimizers_appended_to_holds_a_study_of_each(nevergrad_studies, tmp_path):
    """`ParametersLogger` appends by default, so repetitions of a script share a file."""
    folder, expected = nevergrad_studies
    results = imported(tmp_path, folder / "shared.json", "--group", r"(?P<algorithm>\w+)-(?P<rep>\d+)")
    assert_curves(results, {name: curve for name, curve in expected["curves"].items() if name.startswith("shared")})


def test_all_losses_of_nevergrad_are_metrics(nevergrad_studies):
    """The losses of several objectives are there, not the hypervolume that Nevergrad makes of them."""
    folder, expected = nevergrad_studies
    (study,) = nevergrad.read(folder / "two.json")
    reports = [report.values for trial in study.trials for report in trial.reports]
    assert {name: [values[name] for values in reports] for name in ("loss_0", "loss_1")} == expected["losses"]


@pytest.mark.parametrize("tool", ["hyperopt", "nevergrad"])
def test_a_pickle_of_the_library_is_recognised_and_refused(request, tmp_path, capsys, tool):
    """It is never opened; the message has the lines that write the file that is read."""
    folder, _ = request.getfixturevalue(f"{tool}_studies")
    pickled = next(folder.glob("*.pkl"))
    assert main(["import", "refused", str(pickled), "--results", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "a pickle, which is never read" in message
    assert {"hyperopt": "json.dump(", "nevergrad": "ParametersLogger("}[tool] in message
    assert not (tmp_path / "refused").exists()

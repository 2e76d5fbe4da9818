"""Studies that Optuna itself made, imported: every curve is what Optuna's own API gives."""

import json
import math
import sqlite3
from datetime import datetime, timedelta

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.loading.results import load

optuna = pytest.importorskip("optuna")
pytestmark = [pytest.mark.libraries, pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]

GROUP = r"(?P<algorithm>.+)-(?P<rep>\d+)"


def objective(trial):
    """A conditional space, reports, pruned and failed trials, infinite values."""
    x = trial.suggest_float("x", -5.0, 5.0)
    kind = trial.suggest_categorical("kind", ["plain", "shifted", None])
    x += trial.suggest_int("n", 1, 4) if kind == "shifted" else 0
    for step in range(4):
        trial.report(x * x + 3 - step, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    if trial.number == 4:
        raise ValueError("planted")
    worst = math.inf if trial.study.direction.name == "MINIMIZE" else -math.inf
    return worst if trial.number == 6 else x * x


@pytest.fixture(autouse=True)
def quiet():
    """Optuna says nothing of every trial."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def make_storage(kind, folder):
    if kind == "sqlite":
        return optuna.storages.RDBStorage(f"sqlite:///{folder / 'studies.db'}"), folder / "studies.db"
    path = folder / "studies.log"
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path))), path


def make_studies(storage, direction="minimize", trials=12):
    """Two samplers in two repetitions, two trials at a time."""
    for name, sampler in (("tpe", optuna.samplers.TPESampler), ("random", optuna.samplers.RandomSampler)):
        for seed in range(2):
            study = optuna.create_study(
                storage=storage,
                study_name=f"{name}-{seed}",
                direction=direction,
                sampler=sampler(seed=seed),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
            )
            study.optimize(objective, n_trials=trials, n_jobs=2, catch=(ValueError,))


def expected_curve(study):
    """Times of all ended trials and the best value so far, by brute force from Optuna's own trials."""
    states, sign = optuna.trial.TrialState, 1 if study.direction.name == "MINIMIZE" else -1
    began = min(trial.datetime_start for trial in study.trials)
    ended = sorted(
        (trial for trial in study.trials if trial.state.is_finished()),
        key=lambda trial: (trial.datetime_complete, trial.number),
    )
    curve = []
    for trial in ended:
        if trial.state == states.PRUNED:
            continue
        best = [
            sign * other.value
            for other in ended
            if other.state == states.COMPLETE
            and math.isfinite(other.value)
            and (other.datetime_complete, other.number) <= (trial.datetime_complete, trial.number)
        ]
        curve.append(((trial.datetime_complete - began).total_seconds(), min(best, default=math.nan)))
    return np.array(curve)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("kind", ["sqlite", "journal"])
def test_every_curve_is_that_of_optunas_own_trials(kind, direction, tmp_path):
    """Times and incumbents of every run equal a brute-force recomputation, and final ones `study.best_value`."""
    storage, path = make_storage(kind, tmp_path)
    make_studies(storage, direction)
    assert main(["import", "mine", str(path), "--group", GROUP, "--results", str(tmp_path / "results")]) == 0
    results = load(tmp_path / "results" / "mine")
    assert len(results.runs) == 4
    for run in results.runs:
        study = optuna.load_study(study_name=f"{run.algorithm}-{run.repetition}", storage=storage)
        [curve] = results.curves([run], "runtime")
        expected = expected_curve(study)
        np.testing.assert_allclose(curve.t, expected[:, 0], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(curve.valid, expected[:, 1])
        assert curve.valid[-1] == (study.best_value if direction == "minimize" else -study.best_value)
        rows = results.evaluations.iloc[run.rows]
        assert len(rows) == len(study.trials)
        counts = rows["state"].value_counts()
        states = [trial.state.name for trial in study.trials]
        assert counts["pruned"] == states.count("PRUNED")
        assert {t.number: t.params for t in study.trials} == dict(
            zip(rows["trial"], results.configs(rows), strict=True)
        )
        pruned = rows[rows["state"] == "pruned"]
        sign = 1 if direction == "minimize" else -1
        reported = {
            t.number: sign * t.intermediate_values[t.last_step] for t in study.trials if t.state.name == "PRUNED"
        }
        assert dict(zip(pruned["trial"], pruned["valid_error"], strict=True)) == reported


def test_several_objectives_are_kept_as_metrics(tmp_path):
    """The first one is the error, the others are recorded with their names and goals."""
    storage, path = make_storage("journal", tmp_path)
    study = optuna.create_study(storage=storage, study_name="both", directions=["minimize", "maximize"])
    study.set_metric_names(["loss", "accuracy"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 9)), n_trials=5)
    assert main(["import", "mine", str(path), "--results", str(tmp_path), "--quiet"]) == 0
    results = load(tmp_path / "mine")
    [entry] = results.plan.objectives
    assert [(metric.name, metric.goal) for metric in entry.metrics] == [("loss", "min"), ("accuracy", "max")]
    assert results.evaluations["valid_error"].tolist() == [trial.values[0] for trial in study.trials]
    assert main(["import", "other", str(path), "--results", str(tmp_path), "--metric", "accuracy", "--quiet"]) == 0
    assert load(tmp_path / "other").evaluations["valid_error"].tolist() == [-trial.values[1] for trial in study.trials]


def test_tables_figures_report_and_exports_are_made_of_it(tmp_path, capsys):
    """Every verb works, and says that repetitions are no pairs and what the clock is; nothing trains it again."""
    storage, path = make_storage("sqlite", tmp_path)
    make_studies(storage, trials=8)
    results = ["--results", str(tmp_path / "results")]
    main(["import", "mine", str(path), "--group", GROUP, *results, "--quiet"])
    make_unpaired(tmp_path / "results" / "mine")
    assert main(["plots", "mine", *results]) == 0
    told = capsys.readouterr().out
    assert "comparisons are unpaired" in told
    assert "deciding and training apart unknown" in told
    assert main(["report", "mine", *results, "--quiet"]) == 0
    page = (tmp_path / "results" / "mine" / "report" / "index.html").read_text()
    assert "Mann-Whitney" in page
    assert "Wilcoxon" not in page
    assert "wall seconds since the first trial of its study began" in page
    for form in ("optuna", "ioh", "latex", "markdown"):
        assert main(["export", "mine", "--to", form, *results, "--quiet"]) == 0
    figures = {file.stem for file in (tmp_path / "results" / "mine" / "figures").glob("*.png")}
    assert {"anytime-mine", "difference-mine", "landscape-mine", "timeline-mine"} <= figures


def make_unpaired(folder):
    """Say in a plan that nothing is known of pairs."""
    plan = json.loads((folder / "suite.json").read_text())
    plan["imported"]["paired"] = False
    (folder / "suite.json").write_text(json.dumps(plan))


def test_the_export_comes_back_as_it_was(tmp_path):
    """What is exported to Optuna and imported again has the incumbents that it had, at the same times."""
    storage, path = make_storage("journal", tmp_path)
    make_studies(storage)
    results = ["--results", str(tmp_path / "results"), "--quiet"]
    main(["import", "mine", str(path), "--group", GROUP, *results])
    main(["export", "mine", "--to", "optuna", "--out", str(tmp_path / "out"), *results])
    main(
        ["import", "again", str(tmp_path / "out" / "mine.log"), "--group", r"(?P<algorithm>.+)/(?P<rep>\d+)", *results]
    )
    before, after = (load(tmp_path / "results" / name) for name in ("mine", "again"))
    for one, other in zip(before.runs, after.runs, strict=True):
        assert (one.algorithm, one.repetition) == (other.algorithm, other.repetition)
        [first], [second] = before.curves([one], "runtime"), after.curves([other], "runtime")
        np.testing.assert_allclose(first.t, second.t, rtol=0, atol=2e-6)
        np.testing.assert_array_equal(first.valid, second.valid)


def test_a_study_that_goes_on_is_read_as_it_is(tmp_path, capsys):
    """Running and waiting trials are left out, with a note; the file is not written to."""
    storage, path = make_storage("sqlite", tmp_path)
    study = optuna.create_study(storage=storage, study_name="hpo")
    study.enqueue_trial({"x": 1.0})
    study.enqueue_trial({"x": 2.0})
    for value in (3.0, 2.0):
        trial = study.ask()
        study.tell(trial, value + trial.suggest_float("x", 0, 5))
    study.ask().suggest_float("x", 0, 5)
    study.enqueue_trial({"x": 4.0})
    before = path.read_bytes()
    assert main(["import", "mine", str(path), "--results", str(tmp_path)]) == 0
    assert "1 of 3 imported trials had not ended" in capsys.readouterr().out
    assert load(tmp_path / "mine").evaluations["valid_error"].tolist() == [4.0, 4.0]
    assert path.read_bytes() == before


def test_what_cannot_be_placed_is_refused(tmp_path, capsys):
    """Studies without trials, times that go back and databases of others are refused, and nothing is written."""
    storage, path = make_storage("sqlite", tmp_path)
    study = optuna.create_study(storage=storage, study_name="hpo")
    refusals = [refusal(path, tmp_path, capsys)]
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE trials SET datetime_complete = ? WHERE number = 1", [str(datetime(2000, 1, 1))])
    refusals.append(refusal(path, tmp_path, capsys))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE trials SET datetime_complete = NULL WHERE number = 1")
    refusals.append(refusal(path, tmp_path, capsys))
    (tmp_path / "broken.db").write_bytes(path.read_bytes()[:5000])
    refusals.append(refusal(tmp_path / "broken.db", tmp_path, capsys, "--tool", "optuna"))
    for text, told in zip(
        ("no trials", "need times that go forward", "is not recorded", "cannot be read"), refusals, strict=True
    ):
        assert text in told
    assert not (tmp_path / "results").exists()


def refusal(path, folder, capsys, *options):
    """The one line that an import is refused with."""
    assert main(["import", "mine", str(path), "--results", str(folder / "results"), *options]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_goals_of_a_group_must_agree(tmp_path, capsys):
    """Two studies of one objective that go in opposite directions are refused by name."""
    storage, path = make_storage("journal", tmp_path)
    for name, direction in (("a-0", "minimize"), ("b-0", "maximize")):
        study = optuna.create_study(storage=storage, study_name=name, direction=direction)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    told = refusal(path, tmp_path, capsys, "--group", GROUP)
    for text in ("'a-0'", "'b-0'", "need one goal"):
        assert text in told


def test_times_of_imported_trials_are_those_of_their_clock(tmp_path):
    """Trials that end in another order than they began keep the order of their ends."""
    storage, path = make_storage("sqlite", tmp_path)
    study = optuna.create_study(storage=storage, study_name="hpo")
    began = datetime(2024, 1, 1)
    for start, end, value in ((0, 9, 3.0), (1, 4, 5.0), (2, 7, 4.0)):
        trial = optuna.trial.create_trial(value=value)
        trial.datetime_start, trial.datetime_complete = (began + timedelta(seconds=s) for s in (start, end))
        study.add_trial(trial)
    main(["import", "mine", str(path), "--results", str(tmp_path), "--quiet"])
    results = load(tmp_path / "mine")
    [curve] = results.curves(list(results.runs), "runtime")
    assert (curve.t.tolist(), curve.valid.tolist()) == ([4.0, 7.0, 9.0], [5.0, 4.0, 3.0])
    assert results.plan.objectives[0].space == ()

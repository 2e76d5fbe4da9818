"""Recordings of other tools that are damaged, incomplete, or not what they seem: one message, and nothing written."""

import json
import pickle
import zipfile

import pytest

from analysis.__main__ import main
from analysis.importers.readers import hyperopt, nevergrad, ray_tune, smac, syne_tune
from analysis.importers.studies.foreign_study import ForeignMetric
from analysis.importers.suite_writing.evaluations import evaluation_records
from benchmark.errors import BadInput

LOSS = (ForeignMetric(name="loss", goal="min"),)
METADATA = {
    "st_tuner_creation_timestamp": 1.0,
    "scheduler_name": "ASHA",
    "scheduler_kwargs": {"random_seed": 4, "time_attr": "epoch", "max_resource_attr": "epochs"},
    "metric_names": ["loss"],
    "metric_mode": "min",
}
RESULTS = """epoch,loss,st_decision,st_status,trial_id,config_x,config_epochs,st_tuner_time
1,0.5,CONTINUE,InProgress,0,1,1,2.5
1,,CONTINUE,InProgress,1,2,1,3.0
2,inf,STOP,InProgress,0,1,2,4.0
1,0.25,STOP,InProgress,0,1,1,5.0
"""
HISTORY = {
    "data": [
        {
            **{"config_id": 1, "instance": None, "seed": 0, "budget": None, "cost": 0.5, "time": 1.0, "status": 1},
            **{"starttime": 10.0, "endtime": 11.0},
        }
    ],
    "configs": {"1": {"x": 1}},
}
TRIAL = {
    **{"state": 2, "tid": 0, "result": {"loss": 0.5, "status": "ok"}, "exp_key": None},
    **{"misc": {"tid": 0, "vals": {"x": [1.5], "deep": []}}},
    **{"book_time": "2026-01-01 00:00:00.500000", "refresh_time": "2026-01-01 00:00:02"},
}
LOG = {"#parametrization": "Dict", "#optimizer": "DE", "#num-tell": 0, "#loss": 0.5, "x": 1.0, "x#sigma": 1.0}
REPORT = {"loss": 0.5, "timestamp": 100, "training_iteration": 1, "time_this_iter_s": 1.5, "config": {"x": 1}}


def plant_syne_tune(folder, metadata=METADATA, results=RESULTS):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.json").write_text(json.dumps(metadata) if isinstance(metadata, dict) else metadata)
    if results is not None:
        with zipfile.ZipFile(folder / "results.csv.zip", "w") as archive:
            archive.writestr("results.csv", results)
    return folder


def plant_smac(folder, history):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "runhistory.json").write_text(json.dumps(history) if isinstance(history, dict) else history)
    return folder


def plant_ray(folder, *lines, name="trial_0"):
    (folder / name).mkdir(parents=True)
    (folder / name / "params.json").write_text('{"x": 1}')
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    (folder / name / "result.json").write_text(text)
    return folder


def changed(table, **changes):
    return {**table, **changes}


SYNE_TUNE = {
    "no clock": ({"results": RESULTS.replace("st_tuner_time", "time")}, "lacks the column st_tuner_time"),
    "a cut row": ({"results": RESULTS + "1,0.5\n"}, "line 6: 2 values, need one for each of 8 columns"),
    "no number": ({"results": RESULTS.replace("0.5,", "low,", 1)}, "loss = 'low'"),
    "damaged metadata": ({"metadata": '{"st_tuner_creation_timestamp": 1.0'}, "damaged, or not JSON"),
    "no metric": ({"metadata": changed(METADATA, metric_names=None)}, "metric_names = None"),
    "another metric": ({"metadata": changed(METADATA, metric_names=["los"])}, 'did you mean "loss"'),
    "two modes of one": ({"metadata": changed(METADATA, metric_mode=["min", "max"])}, "metric_mode"),
    "another mode": ({"metadata": changed(METADATA, metric_mode="minimum")}, "not one of min, max"),
    "a damaged space": ({"metadata": changed(METADATA, config_space="{")}, "config_space: damaged"),
}


@pytest.mark.parametrize(("files", "message"), SYNE_TUNE.values(), ids=SYNE_TUNE)
def test_syne_tune_is_refused(tmp_path, files, message):
    """Each message names the file and the field."""
    with pytest.raises(BadInput, match=f"metadata.json|results.csv.zip.*{message}") as refused:
        syne_tune.read(plant_syne_tune(tmp_path / "e", **files))
    assert message in str(refused.value)


@pytest.mark.parametrize("results", [None, "", "\n"])
def test_an_experiment_without_results_is_a_study_without_trials(tmp_path, capsys, results):
    """So that a pattern can leave it out of a folder of many; alone there is nothing to compare."""
    folder = plant_syne_tune(tmp_path / "begun", results=results)
    assert [study.trials for study in syne_tune.read(tmp_path)] == [()]
    assert main(["import", "refused", str(folder), "--results", str(tmp_path / "results")]) == 2
    assert "leave it out by a --group" in capsys.readouterr().err
    plant_syne_tune(tmp_path / "ended-0")
    group = ["--group", r"(?P<algorithm>ended)-(?P<rep>\d)", "--results", str(tmp_path / "results"), "--quiet"]
    assert main(["import", "kept", str(tmp_path), *group]) == 0


@pytest.mark.parametrize(
    ("last", "state"),
    [
        ("CONTINUE,InProgress", "unknown"),
        ("CONTINUE,Failed", "failed"),
        ("CONTINUE,Completed", "completed"),
        ("STOP,InProgress", "completed"),
    ],
)
def test_a_trial_of_syne_tune_ended_as_its_last_row_says(tmp_path, last, state):
    """Whether it failed after that is in the pickle alone and so unknown; what it reported counts in any case."""
    results = RESULTS.splitlines(keepends=True)[:2]
    (study,) = syne_tune.read(
        plant_syne_tune(tmp_path / "e", results="".join(results).replace("CONTINUE,InProgress", last))
    )
    assert [trial.state for trial in study.trials] == [state]
    first, *rest = evaluation_records(study)
    assert (first["state"], first["valid_error"], [record["state"] for record in rest]) == (
        *("ok", 0.5),
        ["error"] * (state == "failed"),
    )


def test_a_trial_of_syne_tune_that_began_anew_is_two_trials(tmp_path):
    """Its first epochs count when they were reported; an empty value is NaN, and a fidelity is no hyperparameter."""
    (study,) = syne_tune.read(plant_syne_tune(tmp_path / "e"))
    parts = [[(r.epoch, r.seconds, str(r.values["loss"])) for r in trial.reports] for trial in study.trials]
    assert parts == [[(1, 2.5, "0.5"), (2, 4.0, "inf")], [(1, 5.0, "0.25")], [(1, 3.0, "nan")]]
    assert [trial.config for trial in study.trials] == [{"x": 1}, {"x": 1}, {"x": 2}]


def run(**changes):
    return {**HISTORY, "data": [changed(HISTORY["data"][0], **changes)]}


SMAC = {
    "not JSON": ("{", "damaged, or not JSON"),
    "no runs": ({"configs": {}}, "lacks the field data"),
    "an unknown configuration": (run(config_id=2), "no configuration 2"),
    "no end": (
        {**HISTORY, "data": [{key: value for key, value in HISTORY["data"][0].items() if key != "endtime"}]},
        r"data\[0\]: lacks the field endtime",
    ),
    "a text as cost": (run(cost="low"), "cost = 'low'"),
    "an infinite end": (run(endtime=float("inf")), "endtime = inf"),
    "times of some": (
        {**HISTORY, "data": [*HISTORY["data"], changed(HISTORY["data"][0], endtime=0.0, seed=1)]},
        r"data\[1\]: endtime = 0",
    ),
    "costs of two kinds": (
        {**HISTORY, "data": [*HISTORY["data"], changed(HISTORY["data"][0], cost=[1.0, 2.0])]},
        "runs of 1 and 2 costs in one history",
    ),
}


@pytest.mark.parametrize(("history", "message"), SMAC.values(), ids=SMAC)
def test_smac_is_refused(tmp_path, history, message):
    """Each message names the file and the field."""
    with pytest.raises(BadInput, match=f"runhistory.json.*{message}"):
        smac.read(plant_smac(tmp_path / "run", history))


FORMATS = {
    "2.0": [1, None, 0, 3.0, 0.5, 1.0, 1, 10.0, 11.0, {}],
    "1.4": [[1, None, 0, 3.0], [0.5, 1.0, {"__enum__": "StatusType.SUCCESS"}, 10.0, 11.0, {}]],
}


@pytest.mark.parametrize("entry", FORMATS.values(), ids=FORMATS)
def test_run_histories_of_older_smac_are_read(tmp_path, entry):
    """Versions before 2.3 wrote a run as a list."""
    (study,) = smac.read(plant_smac(tmp_path / "run", {**HISTORY, "data": [entry]}))
    (trial,) = study.trials
    ((epoch, seconds, values),) = [(report.epoch, report.seconds, report.values) for report in trial.reports]
    assert (epoch, seconds, values, trial.state) == (3, 1.0, {"cost": 0.5}, "completed")


RAY = {
    "no metric": ((REPORT,), (), "say --metric loss=min or --metric loss=max"),
    "another metric": ((REPORT,), (ForeignMetric(name="los", goal="min"),), 'did you mean "loss"'),
    "a damaged line": (("{\n", REPORT), LOSS, "result.json, line 1: damaged"),
    "no time": ((changed(REPORT, timestamp=None),), LOSS, "timestamp = nan|timestamp = None"),
    "no epoch": ((changed(REPORT, training_iteration=0),), LOSS, "training_iteration = 0"),
    "a text as metric": ((REPORT, changed(REPORT, loss="low", training_iteration=2)), LOSS, "loss = 'low'"),
}


@pytest.mark.parametrize(("lines", "metrics", "message"), RAY.values(), ids=RAY)
def test_ray_tune_is_refused(tmp_path, lines, metrics, message):
    """Each message names the file and the field, or the option that says what Ray does not record."""
    with pytest.raises(BadInput, match=message):
        ray_tune.read(plant_ray(tmp_path / "e", *lines), metrics)


def test_a_trial_of_ray_tune_that_took_another_configuration_is_two_trials(tmp_path):
    """As population based training does; a line that is still being written is left out."""
    second = changed(REPORT, timestamp=105, training_iteration=2, config={"x": 7}, loss=float("nan"))
    (study,) = ray_tune.read(plant_ray(tmp_path / "e", REPORT, second, '{"loss": 0.1'), LOSS)
    parts = [(trial.config, [(r.epoch, r.seconds) for r in trial.reports], trial.state) for trial in study.trials]
    assert parts == [({"x": 1}, [(1, 2.0)], "completed"), ({"x": 7}, [(2, 7.0)], "running")]


@pytest.mark.parametrize("older", [True, False])
def test_the_state_of_an_experiment_of_ray_says_how_trials_ended(tmp_path, older):
    """Older versions keep what is known of a trial in one table, newer ones in two; one that never reported stands."""
    known, times = {"status": "ERROR", "relative_logdir": "broken"}, {"start_time": 97.5}
    entry = json.dumps(known | times) if older else [json.dumps(known), json.dumps(times)]
    folder = plant_ray(plant_ray(tmp_path / "e", REPORT), name="broken")
    state = {"checkpoints" if older else "trial_data": [entry], "stats": {"start_time": 95.25}}
    (folder / "experiment_state-1.json").write_text(json.dumps(state))
    (study,) = ray_tune.read(folder, LOSS)
    assert [(trial.state, trial.end, len(trial.reports)) for trial in study.trials] == [
        ("failed", 2.0, 0),
        ("running", None, 1),
    ]
    assert study.trials[1].reports[0].seconds == 5.0


HYPEROPT = {
    "no list": ({"trials": []}, "need a list of trials"),
    "no trials": ([], "need a list of trials"),
    "no number": ([changed(TRIAL, result={"loss": "low", "status": "ok"})], "loss = 'low'"),
    "a time of another kind": ([changed(TRIAL, book_time=3)], "book_time = 3"),
    "times backwards": ([changed(TRIAL, refresh_time="2025-01-01")], "is before book_time"),
    "times of some": ([TRIAL, changed(TRIAL, refresh_time=None)], "need all or none"),
    "two values": ([changed(TRIAL, misc={"vals": {"x": [1, 2]}})], "misc.vals.x"),
}


@pytest.mark.parametrize(("trials", "message"), HYPEROPT.values(), ids=HYPEROPT)
def test_hyperopt_is_refused(tmp_path, trials, message):
    """Each message names the file, the trial and the field."""
    (tmp_path / "trials.json").write_text(json.dumps(trials))
    with pytest.raises(BadInput, match=f"trials.json.*{message}"):
        hyperopt.read(tmp_path / "trials.json")


def test_trials_of_hyperopt_without_times_are_counted_and_keys_are_studies(tmp_path):
    """An experiment key of MongoDB tells studies in one file apart; its dates are read too."""
    untimed = [changed(TRIAL, exp_key="b", book_time=None, refresh_time=None, state=state) for state in (2, 1)]
    dated = changed(TRIAL, exp_key="a", refresh_time={"$date": "2026-01-01T00:00:03Z"})
    (tmp_path / "trials.json").write_text(json.dumps([*untimed, dated]))
    first, second = hyperopt.read(tmp_path / "trials.json")
    assert (first.name, second.name) == ("trials/a", "trials/b")
    assert [(trial.end, trial.config) for trial in first.trials] == [(2.5, {"x": 1.5})]
    assert [(trial.end, trial.state) for trial in second.trials] == [(1.0, "completed"), (None, "running")]
    assert "no times" in second.clock


NEVERGRAD = {
    "nothing": ("", "no loss in it"),
    "no count": (json.dumps({"#parametrization": "", "#loss": 1.0}) + "\n", "line 1: lacks the field #num-tell"),
    "no number": (json.dumps(changed(LOG, **{"#loss": "low"})) + "\n", "line 1: #loss = 'low'"),
    "a damaged line": ("{\n" + json.dumps(LOG) + "\n", "line 1: damaged"),
}


@pytest.mark.parametrize(("text", "message"), NEVERGRAD.values(), ids=NEVERGRAD)
def test_nevergrad_is_refused(tmp_path, text, message):
    """Each message names the file, the line and the field."""
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(BadInput, match=f"log.json.*{message}"):
        nevergrad.read(tmp_path / "log.json")


class Trap:
    """Unpickled, it would end the process."""

    def __reduce__(self):
        return exit, (77,)


@pytest.mark.parametrize("tool", ["hyperopt", "nevergrad"])
def test_a_pickle_is_never_opened(tmp_path, capsys, tool):
    """The command refuses it with the remedy, and writes nothing."""
    (tmp_path / "trials.pkl").write_bytes(pickle.dumps({"hyperopt nevergrad": Trap()}))
    assert main(["import", "refused", str(tmp_path / "trials.pkl"), "--tool", tool, "--results", str(tmp_path)]) == 2
    assert "a pickle, which is never read" in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    ("module", "plant"), [(syne_tune, plant_syne_tune), (ray_tune, lambda f: plant_ray(f, REPORT))]
)
def test_pickles_beside_results_are_left_alone(tmp_path, module, plant):
    """`tuner.dill` and `tuner.pkl` lie in the folders that are read."""
    folder = plant(tmp_path / "e")
    for name in ("tuner.dill", "tuner.pkl", "trial_0/params.pkl"):
        if (folder / name).parent.is_dir():
            (folder / name).write_bytes(pickle.dumps(Trap()))
    assert module.can_read(folder)
    assert len(module.read(folder, LOSS)) == 1


def test_each_reader_knows_its_own_and_no_other(tmp_path):
    """So that an import needs no --tool."""
    plant_syne_tune(tmp_path / "syne_tune" / "e")
    plant_smac(tmp_path / "smac" / "run", HISTORY)
    plant_ray(tmp_path / "ray_tune" / "e", REPORT)
    for name, text in (("hyperopt", json.dumps([TRIAL])), ("nevergrad", json.dumps(LOG) + "\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.json").write_text(text)
    modules = {module.TOOL: module for module in (hyperopt, nevergrad, ray_tune, smac, syne_tune)}
    for folder in modules:
        assert [tool for tool, module in modules.items() if module.can_read(tmp_path / folder)] == [folder]

"""Suites: runs have an order, a name and an identity, and labels lead out of no folder."""

import json
import re
import string
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.loading.plan import read_plan
from benchmark.construction.objective_factory import build_objective
from benchmark.errors import BadInput
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.storage.suite_json import LABEL
from benchmark.suite.parsing import load, parse
from benchmark.tuning.factory import build_scheduler, check_suite
from tests.benchmark.suite.toy_table import TABLE

# Runs.


def test_runs_come_repetition_by_repetition():
    """All cells of a repetition before the next one, in the order of the file."""
    runs = list(parse("toy", TABLE).runs())

    assert len(runs) == 3 * 2 * 3
    assert [(run.repetition, run.objective.label, run.algorithm.label) for run in runs[:8]] == [
        (0, "branin", "random"),
        (0, "branin", "local"),
        (0, "branin", "halving"),
        (0, "other", "random"),
        (0, "other", "local"),
        (0, "other", "halving"),
        (1, "branin", "random"),
        (1, "branin", "local"),
    ]
    assert len({run.path for run in runs}) == len(runs)
    assert str(runs[7].path) == "runs/branin/local/001.jsonl"


def test_more_repetitions_only_add_runs():
    """The first runs of a longer suite are those of the shorter one, identities included."""
    short = [run.identity() for run in parse("toy", TABLE).runs()]
    long = [run.identity() for run in parse("toy", {**TABLE, "repetitions": 7}).runs()]

    assert long[: len(short)] == short
    assert len(long) == 7 * 6


def test_an_identity_is_json_and_comes_back():
    """What a header holds equals what it is compared with after a round trip."""
    for run in parse("toy", TABLE).runs():
        identity = run.identity()

        assert json.loads(json.dumps(identity, allow_nan=False)) == identity


def test_an_identity_is_pinned():
    """These words are in every published ledger; changing one orphans them all."""
    (run, *_) = parse("toy", TABLE).runs()

    assert run.identity() == {
        "suite_seed": 5,
        "objective": {"label": "branin", "part": {"name": "branin", "options": {"noise": 1.0}}},
        "algorithm": {
            "label": "random",
            "scheduler": {"name": "basic", "options": {}},
            "searcher": {"name": "random", "options": {}},
        },
        "repetition": 0,
        "budget": {"trials": 4, "evaluations": None, "epochs": None, "runtime": 60.0},
        "clock": "measured",
        "n_workers": 1,
        "resume": True,
    }


@pytest.mark.parametrize(
    "change",
    [
        {"algorithms": {"random": {"searcher": "random", "n_workers": 1}}},
        {"n_workers": 3, "algorithms": {"random": {"searcher": "random", "n_workers": 1}}},
        {"endpoint": "score"},
        {"control": "random"},
        {"targets": {"branin": [0.5]}},
    ],
    ids=json.dumps,
)
def test_what_decides_no_result_is_not_in_the_identity(change):
    """Who says the number of workers, and how algorithms are compared, may change: recorded runs go on."""
    first = next(parse("toy", TABLE).runs()).identity()

    assert next(parse("toy", {**TABLE, **change}).runs()).identity() == first


def test_the_plan_says_how_algorithms_are_compared(tmp_path):
    """Endpoint, control and the scale of scores are in suite.json, and the analysis reads them there."""
    table = {**TABLE, "endpoint": "score", "control": "random"}
    suite = parse("toy", table)
    write_suite_json(tmp_path, suite, check_suite(suite))

    plan = read_plan(tmp_path)

    assert (plan.endpoint, plan.control) == ("score", "random")
    branin = plan.objectives[0]
    assert (branin.metric.best, branin.metric.chance) == (0.39788735772973816, 54.3)


def test_the_analysis_reads_the_targets_of_a_suite(tmp_path):
    """They are in suite.json where there are any, and not even the key where there are none."""
    for targets in ({}, {"branin": [2, 0.5]}):
        suite = parse("toy", {**TABLE, "targets": targets})
        write_suite_json(tmp_path, suite, check_suite(suite))

        assert read_plan(tmp_path).targets == {label: tuple(errors) for label, errors in targets.items()}
        assert ("targets" in json.loads((tmp_path / "suite.json").read_text())) == bool(targets)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0.1], "targets = [0.1]: need a table of lists of errors by objective"),
        ({"brannin": [0.1]}, "targets = 'brannin': not one of branin, other (did you mean \"branin\"?)"),
        ({"branin": 0.1}, "targets.branin = 0.1: need a list of 1 to 20 finite errors"),
        ({"branin": []}, "targets.branin = []: need a list of 1 to 20 finite errors"),
        ({"branin": [0.1] * 21}, "need a list of 1 to 20 finite errors"),
        ({"branin": [True]}, "targets.branin = [True]: need a list of 1 to 20 finite errors"),
        ({"branin": [float("nan")]}, "targets.branin = [nan]: need a list of 1 to 20 finite errors"),
        ({"branin": [10**400]}, "need a list of 1 to 20 finite errors"),
        ({"branin": ["0.1"]}, "targets.branin = ['0.1']: need a list of 1 to 20 finite errors"),
        ({"branin": [0.1, 0.1]}, "targets.branin = [0.1, 0.1]: an error is there twice"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_targets_that_are_none_are_refused(targets, message):
    """Field, value and what is allowed."""
    with pytest.raises(BadInput, match=re.escape(message)):
        parse("toy", {**TABLE, "targets": targets})


def test_a_grid_is_in_the_identity_only_where_it_is_asked_for():
    """`discretise` decides what is proposed; without it, ledgers of before there was that key go on."""
    plain, gridded = (
        next(parse("toy", {**TABLE, "objectives": {"branin": {"noise": 1.0, **levels}}}).runs()).identity()
        for levels in ({}, {"discretise": 4})
    )

    assert plain == next(parse("toy", TABLE).runs()).identity()
    assert gridded["objective"] == {**plain["objective"], "discretise": 4}
    assert {**gridded, "objective": plain["objective"]} == plain


def test_a_grid_is_built():
    """The objective's space has at most so many values of each number, its options are as they were."""
    suite = parse("toy", {**TABLE, "objectives": {"branin": {"noise": 1.0, "discretise": 4}}})

    built = check_suite(suite)["branin"]

    assert {name: len(axis.choices) for name, axis in built.space.axes.items()} == {"x1": 4, "x2": 4}
    assert dict(suite.objectives[0].part.options) == {"noise": 1.0}


CHANGES = [
    {"seed": 6},
    {"clock": "modelled"},
    {"budget": {"trials": 5}},
    {"budget": {"epochs": 4}},
    {"n_workers": 2},
    {"algorithms": {"random": {"searcher": "random", "n_workers": 2}}},
    {"resume": False},
    {"objectives": {"branin": {"noise": 1.0, "discretise": 3}}},
    {"objectives": {"branin": {"noise": 2.0}}},
    {"objectives": {"branin": {"noise": 1.0, "epochs": 2}}},
    {"objectives": {"branin": {"name": "hartmann6", "noise": 1.0}}},
    {"algorithms": {"random": {"searcher": "local"}}},
    {"algorithms": {"random": {"searcher": "random", "scheduler": "successive_halving"}}},
    {"algorithms": {"renamed": {"searcher": "random"}}},
]


@pytest.mark.parametrize("change", CHANGES, ids=json.dumps)
def test_whatever_decides_results_is_in_the_identity(change):
    """Changing a seed, budget, option or label gives another identity."""
    first = next(parse("toy", TABLE).runs()).identity()

    assert next(parse("toy", {**TABLE, **change}).runs()).identity() != first


@pytest.mark.parametrize("change", [{"title": "Another"}, {"repetitions": 9}, {"device": "cpu"}], ids=json.dumps)
def test_what_does_not_decide_results_is_not_in_the_identity(change):
    """A new title, more repetitions or another device continue the same runs."""
    first = next(parse("toy", TABLE).runs()).identity()

    assert next(parse("toy", {**TABLE, **change}).runs()).identity() == first


def test_dates_and_nests_in_options_have_an_identity(tmp_path):
    """TOML knows more than JSON: third-party options of any kind become JSON values."""
    (tmp_path / "a.toml").write_text(
        "budget.trials = 1\n[algorithms.a]\nsearcher = 'random'\n[objectives.o]\n"
        "day = 2020-01-02\nwhen = 2020-01-02T03:04:05Z\nat = 03:04:05\nlist = [1, [2.5, {x = true}]]\n"
    )

    identity = next(load(str(tmp_path / "a.toml")).runs()).identity()

    assert identity["objective"]["part"]["options"] == {
        "day": "2020-01-02",
        "when": "2020-01-02 03:04:05+00:00",
        "at": "03:04:05",
        "list": [1, [2.5, {"x": True}]],
    }


def test_ways_to_write_the_same_suite_are_the_same():
    """Short and long forms of names give equal runs."""
    long = {
        **TABLE,
        "objectives": {"branin": {"name": "branin", "noise": 1.0}, "other": {"name": "hartmann6"}},
        "algorithms": {
            "random": {"scheduler": "basic", "searcher": {"name": "random"}},
            "local": {"scheduler": {"name": "basic"}, "searcher": {"name": "local", "probab_local": 0.5}},
            "halving": TABLE["algorithms"]["halving"],
        },
    }

    assert list(parse("toy", long).runs()) == list(parse("toy", TABLE).runs())


# Labels become folders.


def assert_below(path, label):
    """The ledger of a label lies in a folder of that very name, two below `runs`."""
    assert not path.is_absolute()
    assert path.parts == ("runs", label, label, "000.jsonl")
    assert Path("/results/suite", path).resolve() == Path("/results/suite/runs") / label / label / "000.jsonl"


@given(st.text(max_size=70) | st.text(string.ascii_lowercase + string.digits + "-_./\\ ", max_size=70))
def test_no_label_leads_out_of_the_folder(label):
    """Any text is refused as a label, or names a folder of its own below the suite's."""
    table = {"budget": {"trials": 1}, "objectives": {label: {}}, "algorithms": {label: {"searcher": "random"}}}
    try:
        (run,) = parse("toy", table).runs()
    except BadInput:
        assert not LABEL.fullmatch(label)
    else:
        assert LABEL.fullmatch(label)
        assert_below(run.path, label)
        assert len(PurePosixPath(run.path).name) < 255


@pytest.mark.parametrize("label", ["a", "0", "a-b_c", "TPE", "x" * 64, "9lives", "con"])
def test_plain_labels_are_kept(label):
    """Letters, digits, dashes and underscores name their folders."""
    table = {"budget": {"trials": 1}, "objectives": {label: {}}, "algorithms": {label: {"searcher": "random"}}}

    (run,) = parse("toy", table).runs()

    assert_below(run.path, label)


# Third-party parts.


def test_third_party_parts_are_offered_what_they_ask_for():
    """Code by dotted path gets the arguments it names, and its `rvs()` draws from the run's stream."""
    table = {
        **TABLE,
        "algorithms": {
            "theirs": {
                "scheduler": {
                    "name": "tests.benchmark.fakes.book_reader:SuccessiveHalvingScheduler",
                    "eta": 2,
                    "r_min": 1,
                    "r_max": 4,
                },
                "searcher": {
                    "name": "tests.benchmark.fakes.book_reader.LocalSearcher",
                    "num_init_random": 9,
                    "probab_local": 0.5,
                },
            }
        },
    }
    suite = parse("toy", {**table, "objectives": {"lenet": {}}})
    objective = build_objective(suite.objectives[0])
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 (to see that it does not move)

    first = [build_scheduler(run, objective) for run in suite.runs()]
    proposed = [[scheduler.suggest() for _ in range(4)] for scheduler in first]

    assert [[build_scheduler(run, objective).suggest()] for run in suite.runs()] == [part[:1] for part in proposed]
    assert {config["max_epochs"] for part in proposed for config in part} == {1}
    assert objective.default.items() <= proposed[0][-1].items()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 (likewise)

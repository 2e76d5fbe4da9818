"""Parallel workers: a number for each algorithm, events by hand, and the same bits however trials were packed."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from analysis.loading.plan import read_plan
from benchmark.cli.main import main
from benchmark.reproducibility.environment import describe_environment
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import RunSettings
from objectives import OBJECTIVES
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration

# Each test takes a second or more; make test has cheaper ones of the same.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_disk")]

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
WORKERS = (1, 2, 4, 8)
ASYNCHRONOUS = """
seed = 7
repetitions = {repetitions}
clock = "modelled"
calibration = "prices.toml"
n_workers = 3
budget.evaluations = 26
objectives.softmax = {{ epochs = 9 }}
[algorithms]
"""
ASHA = 'asha{n} = {{ scheduler = "asha", searcher = "random", n_workers = {n} }}\n'
ALGORITHMS = {f"asha{n}": ASHA.format(n=n) for n in WORKERS} | {
    "stopping": 'stopping = { scheduler = { name = "asha", variant = "stopping" }, searcher = "local" }\n',
}
BESIDE = {
    "random": 'random = { searcher = "random", n_workers = 8 }\n',
    "halving": 'halving = { scheduler = "successive_halving", searcher = "random" }\n',
}


def written(folder, *labels, repetitions=2):
    """A suite's file with some algorithms, beside a calibration of invented numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prices.toml").write_text(invented_calibration({"softmax": OBJECTIVES["softmax"](epochs=1)}).to_toml())
    text = ASYNCHRONOUS.format(repetitions=repetitions)
    (folder / "tiny.toml").write_text(text + "".join({**ALGORITHMS, **BESIDE}[label] for label in labels))
    return folder / "tiny.toml"


def run(path, results, *options):
    """Run a suite by the command line, without a GPU; all its runs must be done."""
    assert main(["run", str(path), "--results", str(results), "--device", "cpu", "--quiet", *options]) == 0


def records(path):
    """The evaluations of a ledger."""
    return [record for record in read_ledger(path).records if record["kind"] == "evaluation"]


def evaluations(folder, labels=tuple(ALGORITHMS)):
    """Every evaluation of some algorithms but for what is measured, as bytes by ledger."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        if path.parent.name in labels:
            bare = [{key: value for key, value in r.items() if key not in MEASURED} for r in records(path)]
            found[str(path.relative_to(folder))] = json.dumps(bare).encode()
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What every run records that is executed by itself, a trial at a time: the oracle."""
    folder = tmp_path_factory.mktemp("solo")
    suite = suites.load(str(written(folder, *ALGORITHMS)))
    settings = RunSettings(folder=folder / "tiny", machine=Machine(), environment=describe_environment("cpu", 1))
    assert {execute_run(one, settings).state for one in suite.runs()} == {"done"}
    return evaluations(folder / "tiny")


def test_the_runs_are_worth_comparing(expected):
    """Promotions, trials that pause, and results out of order: what a wrong packing could change."""
    assert len(expected) == 10
    for name, data in expected.items():
        told = json.loads(data)
        assert len(told) == 26
        assert {record["epochs"] for record in told} >= {1, 3}
        assert any(record["start_epoch"] for record in told)
        ends = [record["end"] for record in told]
        assert (ends == sorted(ends)) == ("asha1/" in name)
    assert len(set(expected.values())) == 10


# Packings.


@pytest.mark.parametrize(
    ("stack", "jobs"),
    [
        ("16", "1"),
        *(pytest.param(*pair, marks=pytest.mark.slow) for pair in [("1", "1"), ("3", "1"), ("1", "2"), ("3", "2")]),
        pytest.param("16", "2", marks=pytest.mark.slow),
    ],
)
def test_any_stack_and_any_number_of_processes_give_the_same_bits(expected, tmp_path, stack, jobs):
    """One trial at a time, three or sixteen side by side, in one process or two."""
    run(written(tmp_path, *ALGORITHMS), tmp_path, "--stack", stack, "--jobs", jobs)

    assert evaluations(tmp_path / "tiny") == expected


@pytest.mark.parametrize("label", ["asha4", "stopping"])
def test_an_algorithm_by_itself_gives_the_same_bits(expected, tmp_path, label):
    """With nobody beside it there are no trials to share and other neighbours in the stack."""
    run(written(tmp_path, label), tmp_path, "--stack", "16", "--jobs", "1")

    assert evaluations(tmp_path / "tiny") == {name: data for name, data in expected.items() if f"/{label}/" in name}


def test_other_algorithms_beside_give_the_same_bits(expected, tmp_path):
    """Those that fill slots ahead of time, and those that want the same trials, change nothing."""
    run(written(tmp_path, "random", *reversed(ALGORITHMS), "halving"), tmp_path, "--stack", "5", "--jobs", "1")

    assert evaluations(tmp_path / "tiny") == expected
    assert len(evaluations(tmp_path / "tiny", tuple(BESIDE))) == 4


@pytest.mark.slow
def test_algorithms_that_come_later_take_what_is_known(expected, tmp_path):
    """Run one after the other into the same folder, later runs are answered from earlier ones' trials."""
    for labels in (["asha8"], ["asha8", "random", "stopping"], ALGORITHMS):
        run(written(tmp_path, *labels), tmp_path, "--stack", "4", "--jobs", "1")

    assert evaluations(tmp_path / "tiny") == expected


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cut_anywhere_and_resumed_the_bits_are_the_same(expected, tmp_path, seed):
    """Ledgers that end at any byte, or are gone, go on in another packing to the same evaluations."""
    path, rng = written(tmp_path, *ALGORITHMS), random.Random(seed)
    run(path, tmp_path, "--stack", "16", "--jobs", "1")
    for ledger in sorted((tmp_path / "tiny").glob("runs/*/*/*.jsonl")):
        data = ledger.read_bytes()
        ledger.unlink()
        if rng.random() < 0.9:
            ledger.with_name(ledger.name + ".part").write_bytes(data[: rng.randrange(len(data))])

    run(path, tmp_path, "--stack", "3", "--jobs", "1")

    assert evaluations(tmp_path / "tiny") == expected


def lines(folder):
    """How many lines there are in the ledgers of a folder, whole or not."""
    count = 0
    for path in folder.glob("runs/*/*/*.jsonl*"):
        try:
            count += path.read_bytes().count(b"\n")
        except FileNotFoundError:
            continue  # It has just got its final name.
    return count


@pytest.mark.slow
def test_killed_and_resumed_the_bits_are_the_same(expected, tmp_path):
    """Killed outright in the middle, processes and all, the suite goes on to the same evaluations."""
    path = written(tmp_path, *ALGORITHMS)
    words = ["run", str(path), "--results", str(tmp_path), "--device", "cpu", "--quiet", "--jobs", "2", "--stack", "3"]
    driver = subprocess.Popen([sys.executable, "-m", "benchmark", *words], cwd=ROOT, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while driver.poll() is None and lines(tmp_path / "tiny") < 60 and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    assert 60 <= lines(tmp_path / "tiny") < 280
    wait_for_the_end(driver.pid)

    run(path, tmp_path, "--stack", "16", "--jobs", "1")

    assert evaluations(tmp_path / "tiny") == expected


def wait_for_the_end(group):
    """Wait until the killed processes have let go of their ledgers: until none of their group is left."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)


# What several workers do.


@pytest.mark.parametrize("n_workers", WORKERS)
def test_as_many_train_at_once_as_there_are_workers(expected, n_workers):
    """Never more, for a while as many, and each evaluation starts at the beginning or when another ends."""
    (first, _) = (json.loads(data) for name, data in expected.items() if f"/asha{n_workers}/" in name)
    at_once = [sum(other["start"] <= r["start"] < other["end"] for other in first) for r in first]

    assert max(at_once) == n_workers
    assert {record["start"] for record in first} <= {0.0, *(record["end"] for record in first)}
    assert sum(record["start"] == 0.0 for record in first) == n_workers


def test_no_trial_trains_twice_at_once(expected):
    """A promoted trial starts after its evaluation before has ended, from the epoch that it had reached."""
    for data in expected.values():
        trials = {}
        for record in json.loads(data):
            trials.setdefault(record["trial"], []).append(record)
        for told in trials.values():
            for one, two in itertools.pairwise(told):
                assert one["end"] <= two["start"]
                assert (one["config"], one["epochs"]) == (two["config"], two["start_epoch"])


def test_more_workers_are_done_earlier(expected):
    """The same number of evaluations takes less of the run's clock; work is not lost."""
    ends = {}
    for name, data in expected.items():
        for n_workers in WORKERS:
            if f"/asha{n_workers}/" in name:
                ends.setdefault(n_workers, []).append(max(record["end"] for record in json.loads(data)))
    means = [sum(ends[n_workers]) for n_workers in WORKERS]
    assert means == sorted(means, reverse=True)
    assert means[0] > 2 * means[2]


def test_evaluations_are_recorded_as_started(expected):
    """The order of the ledger is that of starting; the order of learning is that of (end, index)."""
    for data in expected.values():
        told = json.loads(data)
        assert [record["index"] for record in told] == list(range(26))
        starts = [record["start"] for record in told]
        assert starts == sorted(starts)


# A number for each algorithm.

TABLE = {
    "budget": {"trials": 4},
    "n_workers": 3,
    "objectives": {"branin": {}},
    "algorithms": {"a": {"searcher": "random"}},
}


def runs(**changes):
    """The first run of a suite with one algorithm, with keys of its own."""
    algorithms = {"a": {"searcher": "random", **changes}}
    return next(suites.parse("toy", {**TABLE, "algorithms": algorithms}).runs())


def test_an_algorithm_may_have_its_own_number():
    """Given, it is the run's; not given, the suite's is."""
    assert runs().n_workers == 3
    assert runs(n_workers=8).n_workers == 8
    assert runs(n_workers=1).n_workers == 1


def test_only_the_number_itself_is_in_the_identity():
    """Whether the suite or the algorithm says it makes no other run, and old ledgers go on."""
    assert runs(n_workers=3).identity() == runs().identity()
    assert runs(n_workers=2).identity() != runs().identity()
    assert "n_workers" not in runs(n_workers=2).identity()["algorithm"]
    assert runs(n_workers=2).identity()["n_workers"] == 2


def test_settings_reach_an_algorithms_number(tmp_path):
    """`--set algorithms.random.n_workers=5` gives that one five."""
    suite = suites.load(str(written(tmp_path, "random", "halving")), ["algorithms.random.n_workers=5"])

    assert {run.algorithm.label: run.n_workers for run in suite.runs()} == {"random": 5, "halving": 3}


def test_numbers_stand_in_the_plan(tmp_path):
    """The analysis reads there how many workers stand behind each label."""
    toy = {"name": "tests.benchmark.fakes.stacked_toy:StackedToy"}
    algorithms = {"own": {"searcher": "random", "n_workers": 2}, "suites": {"searcher": "random"}}
    suite = suites.parse("toy", {**TABLE, "clock": "modelled", "objectives": {"toy": toy}, "algorithms": algorithms})
    suite = replace(suite, calibration=invented_calibration({toy["name"]: StackedToy()}))
    write_suite_json(tmp_path, suite, {"toy": StackedToy()})

    methods = read_plan(tmp_path).algorithm_by_label
    assert {label: method.n_workers for label, method in methods.items()} == {"own": 2, "suites": 3}

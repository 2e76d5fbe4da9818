"""The runner: the same results however runs are spread, and through everything that dies."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import RunSettings
from objectives import OBJECTIVES
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.commands import wait_for_session_end
from tests.benchmark.fakes.stacked_toy import invented_calibration, toy_prices

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
CLOCKS = ("measured", "modelled")
KILLS = int(os.environ.get("INCUMBENT_KILLS", "2"))
"""Of a suite under the measured clock, and half as many under the modelled one; 134 by `make test-faults`."""

NETWORKS = ("softmax",), ("lenet", "dropout_mlp")
"""Objectives of the fast and of the slow tests."""

TRAINING = """
seed = 7
clock = "{clock}"
calibration = "{prices}"
repetitions = {repetitions}
budget.trials = {trials}
{objectives}
algorithms.random.searcher = "random"
algorithms.local.searcher = {{ name = "local", num_init_random = 1, probab_local = 0.9 }}
algorithms.halving = {{ scheduler = "successive_halving", searcher = "random" }}
"""

CRASHING = """
seed = 3
repetitions = 4
budget.trials = 5
algorithms.random.searcher = "{searcher}"
[objectives.deadly]
name = "tests.benchmark.fakes.crashing:Crashing"
{options}
"""

BRANIN = """
seed = 3
repetitions = 4
budget.trials = 2
objectives.branin = {}
algorithms.random.searcher = "random"
"""

RAISING = '[algorithms.bad]\nsearcher = "tests.benchmark.fakes.crashing:RaisingSearcher"'


STACKED = """
seed = 3
repetitions = {repetitions}
clock = "modelled"
calibration = "{prices}"
budget.evaluations = 20
[objectives.toy]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
choices = 1000
{options}
[algorithms]
"""


def training_suite_text(folder, clock, repetitions, trials, names=NETWORKS[0]):
    """The text of a suite of real trainings; its invented prices are written into the folder."""
    text = invented_calibration({name: OBJECTIVES[name]() for name in names}).to_toml()
    (folder / "prices.toml").write_text(text)
    objectives = "\n".join(f"objectives.{name} = {{ epochs = 2 }}" for name in names)
    options = {"clock": clock, "prices": folder / "prices.toml", "repetitions": repetitions, "trials": trials}
    return TRAINING.format(objectives=objectives, **options)


def scripted_suite(folder, options, scripts, repetitions=1):
    """The text of a suite of scripted algorithms on the toy objective, side by side."""
    (folder / "prices.toml").write_text(toy_prices())
    text = STACKED.format(prices=folder / "prices.toml", options=options, repetitions=repetitions)
    script = '{{ scheduler = {{ name = "tests.benchmark.fakes.stacked_toy:Script", steps = {} }} }}'
    return text + "\n".join(f"{label} = {script.format(steps)}" for label, steps in scripts.items())


def write_suite(folder, text):
    """Write a suite's TOML and load it."""
    path = folder / "tiny.toml"
    path.write_text(text)
    return suites.load(str(path))


def run(suite, results, jobs, order=None, **options):
    """Run a suite in this process's name and return its reports."""
    runner = Runner(suite, results, jobs=jobs, machine=Machine(), listener=Quiet(), **options)
    return runner.run(order)


def evaluations(folder, *dropped):
    """All evaluations of a suite's folder but for what is measured, as bytes by ledger."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        left_out = {*MEASURED, *dropped, *(("start", "end") if header["run"]["clock"] == "measured" else ())}
        bare = [
            {key: value for key, value in record.items() if key not in left_out}
            for record in records
            if record["kind"] == "evaluation"
        ]
        found[path.relative_to(folder)] = json.dumps(bare).encode()
    return found


TRAININGS = [
    pytest.param((clock, names), marks=marks, id="-".join([clock, *names]))
    for names, marks in zip(NETWORKS, ((), pytest.mark.slow), strict=True)
    for clock in CLOCKS
]


def states(folder):
    """The states of every algorithm's evaluations in a folder, repetition by repetition."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        found.setdefault(path.parent.name, []).extend(r["state"] for r in read_ledger(path).records if "state" in r)
    return found


@pytest.fixture(scope="module")
def unbroken():
    """What one process makes of suites of real trainings, by clock and objectives."""
    return {}


@pytest.fixture(params=TRAININGS)
def training_suite(request, unbroken, tmp_path_factory):
    """A small suite of real trainings and what one process makes of it."""
    clock, names = request.param
    if request.param not in unbroken:
        folder = tmp_path_factory.mktemp("unbroken")
        suite = write_suite(folder, training_suite_text(folder, clock, repetitions=2, trials=3, names=names))
        run(suite, folder, jobs=1)
        unbroken[request.param] = suite, evaluations(folder / "tiny")
    return unbroken[request.param]


@pytest.mark.slow
def test_two_jobs_give_the_same_bytes(training_suite, tmp_path):
    """Two worker processes record what one process does, byte for byte."""
    suite, expected = training_suite
    assert len(expected) == 6 * len(suite.objectives)

    reports = run(suite, tmp_path, jobs=2)

    assert evaluations(tmp_path / "tiny") == expected
    assert {report.state for report in reports} == {"done"}


def test_shuffled_order_gives_the_same_bytes(training_suite, tmp_path):
    """Runs executed in another order record the same evaluations."""
    suite, expected = training_suite
    order = list(suite.runs())
    np.random.default_rng(0).shuffle(order)

    run(suite, tmp_path, jobs=1, order=order)

    assert evaluations(tmp_path / "tiny") == expected


def test_resume_from_every_prefix_of_the_records(training_suite, tmp_path):
    """Every ledger cut at any record or inside one goes on to the same evaluations."""
    suite, expected = training_suite
    run(suite, tmp_path, jobs=1)
    rng = random.Random(0)
    for path in sorted((tmp_path / "tiny").glob("runs/*/*/*.jsonl")):
        data = path.read_bytes()
        path.with_name(path.name + ".part").write_bytes(data[: rng.randrange(len(data))])
        path.unlink()

    run(suite, tmp_path, jobs=2)

    assert evaluations(tmp_path / "tiny") == expected
    assert not list((tmp_path / "tiny").glob("runs/*/*/*.part"))


@pytest.mark.parametrize("training_suite", TRAININGS[2:], indirect=True)
def test_thread_environment_changes_nothing(training_suite, tmp_path):
    """A process told to use eight threads records the same bytes: threads are pinned in the trial."""
    suite, expected = training_suite
    names = [objective.label for objective in suite.objectives]
    (tmp_path / "tiny.toml").write_text(
        training_suite_text(tmp_path, suite.clock, repetitions=2, trials=3, names=names)
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "8", "MKL_NUM_THREADS": "8"}

    subprocess.run(command(tmp_path, jobs=1), cwd=ROOT, env=environment, check=True, timeout=120)

    assert evaluations(tmp_path / "tiny") == expected


@pytest.mark.parametrize("names", [NETWORKS[0], pytest.param(NETWORKS[1], marks=pytest.mark.slow)])
@pytest.mark.parametrize(("workers", "resume", "capacities"), [(1, "true", (1, 7)), (3, "false", (2, 64))])
def test_a_stack_of_any_size_gives_the_bytes_of_single_runs(tmp_path, workers, resume, capacities, names):
    """Side by side, in a shuffled order, runs record what they do one by one, runtimes included."""
    text = training_suite_text(tmp_path, "modelled", repetitions=2, trials=3, names=names)
    suite = write_suite(tmp_path, f"n_workers = {workers}\nresume = {resume}\n{text}")
    settings = RunSettings(folder=tmp_path / "tiny", machine=Machine(), environment=describe_environment("cpu", 1))
    assert {execute_run(single, settings).state for single in suite.runs()} == {"done"}
    expected = evaluations(tmp_path / "tiny")
    assert len(expected) == 6 * len(names)
    for capacity in capacities:
        order = list(suite.runs())
        random.Random(capacity).shuffle(order)

        run(suite, tmp_path / str(capacity), jobs=1, order=order, capacity=capacity)

        assert evaluations(tmp_path / str(capacity) / "tiny") == expected


@pytest.mark.parametrize("names", [NETWORKS[0], pytest.param(NETWORKS[1], marks=pytest.mark.slow)])
def test_both_clocks_train_the_same_trials(tmp_path, names):
    """A measured suite, a trial at a time, and a modelled one, in stacks, find the same errors."""
    for clock in CLOCKS:
        (tmp_path / clock).mkdir()
        text = training_suite_text(tmp_path, clock, repetitions=1, trials=4, names=names)
        run(write_suite(tmp_path, text), tmp_path / clock, jobs=1)

    measured, modelled = (evaluations(tmp_path / clock / "tiny", "start", "end") for clock in CLOCKS)
    assert measured == modelled
    assert len(measured) == 3 * len(names)


def command(folder, jobs):
    """The command line that runs the suite of a folder into the folder."""
    words = [sys.executable, "-m", "benchmark", "run", str(folder / "tiny.toml"), "--results", str(folder)]
    return [*words, "--jobs", str(jobs), "--device", "cpu", "--quiet"]


def whole_lines(folder):
    """What every ledger of a folder holds in whole lines, by its final name."""
    found = {}
    for path in folder.glob("runs/*/*/*.jsonl*"):
        if "torn" not in path.name:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # It has just got its final name.
            found[str(path).removesuffix(".part")] = data[: data.rfind(b"\n") + 1]
    return found


def count_lines(folder):
    """How many whole lines the ledgers of a folder hold."""
    return sum(data.count(b"\n") for data in whole_lines(folder).values())


def wait_for_lines(driver, folder, more):
    """Wait until the ledgers of a folder have so many lines more than now, or the driver has ended."""
    before, deadline = count_lines(folder), time.monotonic() + 60
    while driver.poll() is None and count_lines(folder) - before < more and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("clock", "names"),
    [
        pytest.param("measured", NETWORKS[0], marks=pytest.mark.slow),
        pytest.param("modelled", NETWORKS[0], marks=pytest.mark.slow),
        pytest.param("measured", sum(NETWORKS, ()), marks=pytest.mark.faults),
        pytest.param("modelled", sum(NETWORKS, ()), marks=pytest.mark.faults),
    ],
)
def test_kill_9_at_random_moments_loses_nothing(tmp_path, clock, names):
    """A suite killed again and again ends with the unbroken run's bytes, and never loses a line."""
    text = training_suite_text(tmp_path, clock, repetitions=3, trials=6, names=names)
    suite = write_suite(tmp_path, text)
    (tmp_path / "unbroken").mkdir()
    run(suite, tmp_path / "unbroken", jobs=2)
    rng = random.Random(KILLS)
    most = min(40, count_lines(tmp_path / "unbroken" / "tiny") // 3)  # More, and it would often be too late to kill.
    killed, wanted = 0, KILLS if clock == "measured" else max(1, KILLS // 2)
    while killed < wanted:
        driver = subprocess.Popen(command(tmp_path, jobs=2), cwd=ROOT, start_new_session=True)
        wait_for_lines(driver, tmp_path / "tiny", rng.randrange(most))
        before = whole_lines(tmp_path / "tiny")
        if driver.poll() is not None:  # Nothing was left to do: begin anew.
            assert driver.returncode == 0
            assert evaluations(tmp_path / "tiny") == evaluations(tmp_path / "unbroken" / "tiny")
            shutil.rmtree(tmp_path / "tiny")
            continue
        if rng.random() < 0.5:
            driver.kill()
        else:
            os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
        killed += 1
        assert wait_for_session_end(driver.pid, seconds=5) == []
        after = whole_lines(tmp_path / "tiny")
        assert all(after[name].startswith(data) for name, data in before.items())

    subprocess.run(command(tmp_path, jobs=2), cwd=ROOT, check=True, timeout=300)

    after_all = whole_lines(tmp_path / "tiny")
    assert all(after_all[name].startswith(data) for name, data in after.items())
    assert evaluations(tmp_path / "tiny") == evaluations(tmp_path / "unbroken" / "tiny")


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSEGV", pytest.param("exit", marks=pytest.mark.faults)])
@pytest.mark.slow
def test_a_killed_worker_costs_only_what_was_in_flight(tmp_path, how):
    """After a worker's death the suite goes on and completes by itself."""
    options = f'marker = "{tmp_path / "died"}"\nhow = "{how}"'
    suite = write_suite(tmp_path, CRASHING.format(options=options, searcher="random"))

    reports = run(suite, tmp_path, jobs=2)

    assert sorted(report.run.repetition for report in reports) == [0, 1, 2, 3]
    assert {report.state for report in reports} == {"done"}
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_a_trial_that_always_kills_its_worker_ends_as_crashed(tmp_path):
    """Deadly trials are stored as crashed, charged, and the suite completes around them."""
    suite = write_suite(tmp_path, CRASHING.format(options="limit = 0.8", searcher="random"))

    reports = run(suite, tmp_path, jobs=2)

    assert {report.state for report in reports} == {"done"}
    states = []
    for path in (tmp_path / "tiny").glob("runs/*/*/*.jsonl"):
        for record in read_ledger(path).records:
            if record["kind"] == "evaluation":
                states.append(record["state"])
                assert (record["state"] == "crashed") == (record["config"]["x"] > 0.8)
                assert (record["valid_error"] is None) == (record["state"] == "crashed")
    assert len(states) == 20
    assert "crashed" in states


@pytest.mark.slow
def test_a_killed_worker_of_a_stack_costs_only_what_was_in_flight(tmp_path):
    """After the death of a worker that trained many runs side by side the suite completes by itself."""
    scripts = {"a": [[1, 4], [2, 4]], "b": [[1, 2], [1, 4], [6, 4]]}
    log, marker = tmp_path / "log", tmp_path / "died"
    suite = write_suite(
        tmp_path, scripted_suite(tmp_path, f'log = "{log}"\nmarker = "{marker}"', scripts, repetitions=2)
    )

    reports = run(suite, tmp_path, jobs=2)

    assert {(report.run.algorithm.label, report.run.repetition) for report in reports} == {
        (label, repetition) for label in "ab" for repetition in (0, 1)
    }
    assert {report.state for report in reports} == {"done"}
    assert marker.exists()
    assert states(tmp_path / "tiny") == {"a": ["ok"] * 4, "b": ["ok"] * 6}


@pytest.mark.slow
def test_a_trial_that_always_kills_the_worker_of_a_stack_ends_as_crashed(tmp_path):
    """Whoever asks for the deadly trial records it as crashed; the runs beside it lose nothing."""
    scripts = {"a": [[1, 4], [5, 4], [2, 4]], "b": [[1, 4], [2, 4], [4, 2], [4, 4]]}
    suite = write_suite(tmp_path, scripted_suite(tmp_path, "deadly = 5", scripts))

    reports = run(suite, tmp_path, jobs=2)

    assert {report.state for report in reports} == {"done"}
    assert len(reports) == 2
    assert states(tmp_path / "tiny") == {"a": ["ok", "crashed", "ok"], "b": ["ok"] * 4}
    (crashed,) = [r for r in read_ledger(tmp_path / "tiny/runs/toy/a/000.jsonl").records if r.get("state") == "crashed"]
    assert crashed["problem"] == "SIGKILL"
    assert crashed["end"] - crashed["start"] == pytest.approx(crashed["modelled_seconds"])
    assert crashed["modelled_seconds"] > 0

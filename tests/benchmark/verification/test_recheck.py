"""The recheck: every incumbent once a seed, with seeds of its own, the same bytes however it is spread out or cut."""

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from benchmark.reproducibility.seeding import LARGEST_SEED, recheck_seed, trial_seed
from benchmark.storage.ledger_format import read_ledger
from benchmark.verification import recheck as rechecks
from tests import ROOT
from tests.benchmark.commands import write_suite
from tests.benchmark.fakes.stacked_toy import CHANCE, suite
from tests.benchmark.records import rewrite
from tests.benchmark.verification.rechecks import (
    evaluations,
    read_lists,
    recheck_outcome,
    run_and_recheck,
    run_command,
    write_toy_suite,
)

TRAINING = """
seed = 7
repetitions = 2
clock = "{clock}"
calibration = "prices.toml"
budget.trials = 3
objectives.softmax = {{ epochs = 2 }}
objectives.dropout_mlp = {{ epochs = 2 }}
objectives.branin = {{ noise = 1.0 }}
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
"""


def file_bytes(folder):
    """Every ledger's bytes, by name."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("runs/*/*/*")}


# The same bytes, always.


@pytest.fixture(scope="module", params=["modelled", "measured"])
def training(request, tmp_path_factory):
    """A suite of real trainings that has run, and its recheck by one process."""
    folder = tmp_path_factory.mktemp("training")
    path = write_suite(folder, TRAINING.format(clock=request.param)) / "tiny.toml"
    run_command(path, folder / "run")
    return path, recheck_outcome(run_command(path, folder / "run", "recheck", fresh=2))


@pytest.mark.parametrize(
    ("jobs", "stack"), [(1, 3), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(1, 1), (2, 64)])]
)
def test_any_jobs_and_stack_give_the_same_bytes(training, tmp_path, jobs, stack):
    """However the trainings are spread out, errors and modelled times are the same to the bit."""
    path, expected = training
    assert len(expected[1]) == 6
    run_command(path, tmp_path)

    assert recheck_outcome(run_command(path, tmp_path, "recheck", jobs, fresh=2, stack=stack)) == expected


def test_resume_from_every_prefix_of_the_records(training, tmp_path):
    """Every ledger cut at any byte goes on to the same evaluations, also after the file is lost in between."""
    path, expected = training
    folder = run_command(path, tmp_path)
    run_command(path, tmp_path, "recheck", fresh=2)
    rng = random.Random(0)
    for ledger in sorted((folder / "recheck").glob("runs/*/*/*.jsonl")):
        data = ledger.read_bytes()
        ledger.with_name(ledger.name + ".part").write_bytes(data[: rng.randrange(len(data))])
        ledger.unlink()

    assert recheck_outcome(run_command(path, tmp_path, "recheck", fresh=2)) == expected
    assert not list((folder / "recheck").glob("runs/*/*/*.part"))


@pytest.mark.parametrize(
    ("fresh", "kills"),
    [
        pytest.param(8, [20], marks=pytest.mark.slow),
        pytest.param(24, [5, 30, 60], marks=pytest.mark.faults),
    ],
)
def test_kill_9_loses_nothing(tmp_path, fresh, kills):
    """A recheck killed again and again comes to the unbroken one's bytes."""
    path = write_suite(tmp_path, TRAINING.format(clock="modelled")) / "tiny.toml"
    expected = recheck_outcome(run_and_recheck(path, tmp_path / "unbroken", fresh))
    folder = run_command(path, tmp_path / "killed")
    command = [sys.executable, "-m", "benchmark", "recheck", str(path), "--results", str(tmp_path / "killed")]
    command += ["--jobs", "1" if len(kills) == 1 else "2", "--device", "cpu", "--fresh", str(fresh), "--quiet"]
    for lines in kills:
        driver = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        wait_for_lines(driver, folder / "recheck", lines)
        assert driver.poll() is None, "it was done before it could be killed"
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()

    assert recheck_outcome(run_command(path, tmp_path / "killed", "recheck", fresh=fresh)) == expected


def wait_for_lines(driver, folder, more):
    """Wait until the ledgers of a folder have so many lines more than now, or the driver has ended."""
    before, deadline = count_lines(folder), time.monotonic() + 60
    while driver.poll() is None and count_lines(folder) - before < more and time.monotonic() < deadline:
        time.sleep(0.02)


def count_lines(folder):
    """How many lines the ledgers of a folder hold."""
    lines = 0
    for path in folder.glob("runs/*/*/*.jsonl*"):
        with contextlib.suppress(FileNotFoundError):  # It has just got its final name.
            lines += path.read_bytes().count(b"\n")
    return lines


# Further seeds, further incumbents.


def test_more_seeds_train_only_the_new_ones(tmp_path):
    """Four seeds after two leave the first two's files as they are, and come to what four at once come to."""
    path = write_toy_suite(tmp_path)
    folder = run_and_recheck(path, tmp_path / "grown", 2)
    before = file_bytes(folder / "recheck")

    run_command(path, tmp_path / "grown", "recheck", fresh=4)

    after = file_bytes(folder / "recheck")
    assert {name: after[name] for name in before} == before
    assert len(after) == 2 * len(before)
    assert recheck_outcome(folder) == recheck_outcome(run_and_recheck(path, tmp_path / "once", 4))


def test_fewer_seeds_give_up_none(tmp_path):
    """A later recheck with fewer seeds keeps the number there was."""
    path = write_toy_suite(tmp_path)
    folder = run_and_recheck(path, tmp_path, 3)
    before = recheck_outcome(folder)

    assert recheck_outcome(run_command(path, tmp_path, "recheck", fresh=1)) == before


@pytest.mark.slow
def test_more_repetitions_add_what_is_missing(tmp_path):
    """Incumbents of new runs go into a further list; what is there already is trained no more."""
    folder = run_and_recheck(write_toy_suite(tmp_path), tmp_path, 2)
    before, first = file_bytes(folder / "recheck"), read_lists(folder)
    path = write_toy_suite(tmp_path, repetitions=6)

    run_command(path, tmp_path)
    run_command(path, tmp_path, "recheck", fresh=2)

    after, grown = file_bytes(folder / "recheck"), read_lists(folder)
    assert {name: after[name] for name in before} == before
    assert grown["lists"]["toy"][:1] == first["lists"]["toy"]
    assert grown["incumbents"][: len(first["incumbents"])] == first["incumbents"]
    assert len(grown["incumbents"]) == 18
    listed = [json.dumps(trial) for trials in grown["lists"]["toy"] for trial in trials]
    assert len(listed) == len(set(listed))


def test_a_finished_recheck_is_left_alone(tmp_path):
    """Made again, it writes nothing."""
    path = write_toy_suite(tmp_path)
    folder = run_and_recheck(path, tmp_path, 2)
    before = {file: file.stat().st_mtime_ns for file in (folder / "recheck").rglob("*") if file.is_file()}

    run_command(path, tmp_path, "recheck", fresh=2)

    assert {file: file.stat().st_mtime_ns for file in before} == before


@pytest.mark.slow
def test_long_lists_are_cut(tmp_path, monkeypatch):
    """No list is longer than its limit, and their trials are the same."""
    path = write_toy_suite(tmp_path)
    whole = read_lists(run_and_recheck(path, tmp_path / "whole", 1))
    monkeypatch.setattr(rechecks, "LIST_SIZE", 2)

    cut = read_lists(run_and_recheck(path, tmp_path / "cut", 1))

    assert {len(trials) for trials in cut["lists"]["toy"]} <= {1, 2}
    assert list(itertools.chain(*cut["lists"]["toy"])) == whole["lists"]["toy"][0]


# What is trained.


def test_every_incumbent_is_trained_once_a_seed(tmp_path):
    """Incumbents are the least validation errors, each configuration is listed once, and its epochs go with it."""
    folder = run_and_recheck(write_toy_suite(tmp_path, repetitions=8), tmp_path, 2)

    file = read_lists(folder)
    [trials] = file["lists"]["toy"]
    assert len(file["incumbents"]) == 24 > len(trials)
    for row in file["incumbents"]:
        ledger = folder / "runs/toy" / row["algorithm"] / f"{row['repetition']:03d}.jsonl"
        records = [record for record in read_ledger(ledger).records if record["kind"] == "evaluation"]
        best = min(records, key=lambda record: record["valid_error"])
        assert {"config": best["config"], "epochs": best["epochs"]} == trials[row["place"]]
        assert [row["valid_error"], row["test_error"]] == [best["valid_error"], best["test_error"]]
    assert len({trial["epochs"] for trial in trials}) > 1, "halving's incumbents are not all fully trained"
    for name, records in evaluations(folder / "recheck").items():
        assert [{"config": record["config"], "epochs": record["epochs"]} for record in records] == trials, name


def test_fresh_seeds_are_nobody_elses(tmp_path):
    """No stream of a recheck is a stream of its suite or of another one, and every suite has its own."""
    seeds = [0, 1, 7, LARGEST_SEED]

    assert [recheck_seed(seed) for seed in seeds] == [2**63, 2**63 + 1, 2**63 + 7, 2**64 - 1]
    assert min(map(recheck_seed, seeds)) > LARGEST_SEED
    words = {
        tuple(trial_seed(seed, "toy", repetition, {"x": 1}).generate_state(4))
        for seed in [*seeds, *map(recheck_seed, seeds)]
        for repetition in range(50)
    }
    assert len(words) == 2 * len(seeds) * 50


def test_fresh_errors_are_not_the_selected_ones(tmp_path):
    """A noisy objective gives every seed another error, none of them the one selected."""
    folder = run_and_recheck(write_toy_suite(tmp_path), tmp_path, 4)

    file, found = read_lists(folder), evaluations(folder / "recheck")
    for row in file["incumbents"]:
        fresh = [records[row["place"]]["valid_error"] for records in found.values()]
        assert len({row["valid_error"], *fresh}) == 5


def test_a_diverged_incumbent_trains_as_long_as_it_was_to(tmp_path):
    """Where everything diverges the incumbent did too; it is trained again to the end that was asked for."""
    text = suite(1, "diverging = 2").split("algorithms.random")[0]
    scripts = (
        'algorithms.a.scheduler = { name = "tests.benchmark.fakes.stacked_toy:Script", steps = [[4, 3], [9, 4]] }\n'
    )
    path = write_suite(tmp_path, text + scripts) / "tiny.toml"
    run_command(path, tmp_path, exit_code=1)
    folder = run_command(path, tmp_path, "recheck", exit_code=1, fresh=2)

    file = read_lists(folder)
    assert file["lists"]["toy"] == [[{"config": {"x": 4}, "epochs": 3}]]
    assert file["incumbents"][0]["valid_error"] == CHANCE
    states = [record["state"] for records in evaluations(folder / "recheck").values() for record in records]
    assert states == ["diverged", "diverged"]


@pytest.mark.slow
def test_a_crash_of_a_fresh_training_is_recorded(tmp_path):
    """A trial that kills its process with a fresh seed is a crashed record, and the recheck is done."""
    suite = 'objectives.deadly = { name = "tests.benchmark.fakes.crashing:Crashing", limit = %s }\n'
    text = 'seed = 3\nrepetitions = 2\nbudget.trials = 2\nalgorithms.random.searcher = "random"\n'
    path = write_suite(tmp_path, text + suite % 1.0) / "tiny.toml"
    folder = run_command(path, tmp_path)
    for ledger in folder.glob("runs/*/*/*"):  # Now they are of a suite whose every trial is deadly.
        header, *records = read_ledger(ledger).records
        header["run"]["objective"]["part"]["options"]["limit"] = -1.0
        rewrite(ledger, lambda _, changed=(header, *records): changed)
    path.write_text(text + suite % -1.0)

    run_command(path, tmp_path, "recheck", 2, exit_code=1, fresh=1)

    states = [record["state"] for records in evaluations(folder / "recheck").values() for record in records]
    assert states == ["crashed", "crashed"]

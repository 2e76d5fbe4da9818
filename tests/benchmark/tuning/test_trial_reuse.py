"""Trials reused from the records of another folder, and records that are refused for it."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from benchmark.batching.run_group import execute_group
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine
from tests.benchmark.tuning.toy_suites import ALGORITHMS, run, suite_of


def bare(folder):
    """Evaluations of all finished ledgers without what is measured."""
    dropped = ("train_seconds", "reported_seconds", "paid_seconds", "decide_seconds", "crc")
    return {
        path.relative_to(folder): [
            {name: value for name, value in record.items() if name not in dropped} for record in evaluations(path)
        ]
        for path in sorted(Path(folder).glob("runs/*/*/*.jsonl"))
    }


def evaluations(path):
    """The evaluations of a ledger."""
    return [record for record in read_ledger(path).records if record["kind"] == "evaluation"]


def paid(folder):
    """Seconds paid for training in a folder."""
    return sum(record["paid_seconds"] for path in folder.glob("runs/*/*/*.jsonl") for record in evaluations(path))


def trained(suite):
    """How often each epoch of each trial was trained, since the log was last removed."""
    log = Path(suite.objectives[0].part.options["log"])
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def test_known_results_are_reused_without_training(tmp_path):
    """Everything comes from the other folder: the same ledgers, no epoch trained, nothing paid."""
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    assert paid(tmp_path / "first/toy") == sum(trained(suite).values()) > 0
    (tmp_path / "log").unlink()

    reports = run(suite, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert {report.state for report in reports} == {"done"}
    assert bare(tmp_path / "second/toy") == bare(tmp_path / "first/toy")
    assert trained(suite) == Counter()
    assert paid(tmp_path / "second/toy") == 0


def test_what_the_other_folder_lacks_is_trained(tmp_path):
    """Another algorithm and a larger budget train what is missing, once; the results are those from nothing."""
    few = {label: ALGORITHMS[label] for label in ("random", "halving")}
    old = suite_of(tmp_path, budget={"trials": 2}, algorithms=few)
    new = suite_of(tmp_path, budget={"trials": 7})
    run(new, tmp_path / "unbroken")
    full = trained(new)
    (tmp_path / "log").unlink()
    run(old, tmp_path / "first")
    before = trained(old)
    (tmp_path / "log").unlink()

    run(new, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert bare(tmp_path / "second/toy") == bare(tmp_path / "unbroken/toy")
    assert set(trained(new).values()) == {1}
    assert 0 < trained(new).total() < full.total()
    assert paid(tmp_path / "second/toy") == trained(new).total()
    rebuilt = before & trained(new)
    longest = {}
    for line in trained(new):
        x, number, key = line.split(" ", 2)
        longest[x, key] = max(longest.get((x, key), 0), int(number))
    for line in rebuilt:
        x, _, key = line.split(" ", 2)
        assert f"{x} {longest[x, key]} {key}" not in before, "trained again without going beyond"


def test_torn_and_failed_ledgers_of_the_other_folder_are_reused(tmp_path):
    """Whatever whole records are there serve, however the other suite ended."""
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    rng = random.Random(1)
    for number, path in enumerate(sorted((tmp_path / "first/toy").glob("runs/*/*/*.jsonl"))):
        data = path.read_bytes()
        path.with_name(f"{path.name}.{['part', 'failed'][number % 2]}").write_bytes(data[: rng.randrange(len(data))])
        path.unlink()
    everything = trained(suite).total()
    (tmp_path / "log").unlink()

    reports = run(suite, tmp_path / "second", reuse=tmp_path / "first/toy")
    third = run(suite, tmp_path / "third")

    assert {report.state for report in reports + third} == {"done"}
    assert bare(tmp_path / "second/toy") == bare(tmp_path / "third/toy")
    assert paid(tmp_path / "second/toy") < everything


def rewritten(folder, change):
    """Write every ledger of a folder anew with another header, as it were recorded elsewhere."""
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        path.unlink()
        with Ledger(path) as ledger:
            ledger.append(change(header))
            for record in records[:-1]:
                ledger.append(record)
            ledger.complete(records[-1])


def refusals(suite, results, reuse):
    """Why results are not reused: refused as a whole, or by every single run."""
    try:
        reports = run(suite, results, reuse=reuse)
    except RunRefused as error:
        return [str(error)]
    assert {report.state for report in reports} == {"refused"}
    assert len(reports) == len(list(suite.runs()))
    return [report.problem for report in reports]


def changed(part, **changes):
    """A function that changes a part of a header."""
    return lambda header: {**header, part: {**header[part], **changes}}


MISMATCHES = {
    "data": (changed("data", toy="1" * 64), "data|toy was"),
    "arithmetic": (changed("environment", arithmetic="tf32"), r"arithmetic was 'tf32' and is now 'reference'"),
    "device": (changed("environment", device="other"), "device was 'other'"),
    "torch": (changed("environment", torch="0.0.1"), r"torch was '0\.0\.1'"),
    "seed": (changed("run", suite_seed=6), "suite_seed was 6 and is now 5"),
    "repetition": (changed("run", repetition=9), "repetition was 9"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_results_of_other_trials_are_refused(tmp_path, name):
    """Data, arithmetic, device, versions or seed that differ end the runs before anything is trained."""
    change, message = MISMATCHES[name]
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    rewritten(tmp_path / "first/toy", change)
    (tmp_path / "log").unlink()

    problems = refusals(suite, tmp_path / "second", tmp_path / "first/toy")

    assert all(re.search(message, problem) for problem in problems)
    assert trained(suite) == Counter()
    assert bare(tmp_path / "second") == {}


def test_results_of_other_options_are_refused(tmp_path):
    """The same label with other options is another objective."""
    run(suite_of(tmp_path, {"choices": 9}), tmp_path / "first")
    (tmp_path / "log").unlink()
    suite = suite_of(tmp_path, {"choices": 10})

    problems = refusals(suite, tmp_path / "second", tmp_path / "first/toy")

    assert all("options.choices was 9 and is now 10" in problem for problem in problems)
    assert trained(suite) == Counter()


def test_other_algorithms_budgets_and_prices_are_no_mismatch(tmp_path):
    """What decides no bit of a trial may differ."""
    old = suite_of(tmp_path, budget={"trials": 4}, n_workers=3, resume=False, clock="measured")
    run(old, tmp_path / "first")
    (tmp_path / "log").unlink()
    new = suite_of(tmp_path, budget={"trials": 1}, algorithms={"own": ALGORITHMS["local"]})

    reports = run(new, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert {report.state for report in reports} == {"done"}
    assert trained(new) == Counter()


def test_old_ledgers_of_the_same_folder_do_not_pass_for_this_suites(tmp_path):
    """An algorithm that is no longer in the suite was run with another seed: its trials are others."""
    old = suite_of(tmp_path, seed=4, algorithms={"old": ALGORITHMS["random"]})
    new = suite_of(tmp_path, seed=5, algorithms={"new": ALGORITHMS["random"]})
    run(new, tmp_path / "clean")
    run(old, tmp_path / "used")

    try:
        run(new, tmp_path / "used")
    except RunRefused:
        return  # To refuse is as good as to look away.

    found = bare(tmp_path / "used/toy")
    clean = bare(tmp_path / "clean/toy")
    assert {path: records for path, records in found.items() if path.parent.name == "new"} == clean


def test_a_run_by_itself_takes_the_trials_that_others_recorded(tmp_path):
    """A run added to a finished suite trains only what no other algorithm of its repetition has."""
    suite = suite_of(tmp_path)
    runs = [run for run in suite.runs() if run.repetition == 0]
    settings = RunSettings(folder=tmp_path / "toy", machine=Machine(), environment=describe_environment("cpu", 1))
    execute_group(runs[:-1], settings)
    before = trained(suite)

    execute_group(runs[-1:], settings)

    for line in trained(suite) - before:
        x, number, key = line.split(" ", 2)
        assert before[line] == 0 or any(
            before[f"{x} {later} {key}"] == 0 and trained(suite)[f"{x} {later} {key}"]
            for later in range(int(number), 5)
        )
    alone = RunSettings(folder=tmp_path / "alone", machine=Machine(), environment=describe_environment("cpu", 1))
    for one in runs:
        execute_run(one, alone)
    assert bare(tmp_path / "toy") == bare(tmp_path / "alone")

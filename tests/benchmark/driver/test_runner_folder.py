"""The runner and its folder: what is refused, what goes on, and who may work in it."""

import shutil
import signal
import subprocess
import time

import pytest

from benchmark.cli.main import main
from benchmark.errors import shell_command
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.resume_check import RunRefused
from tests import ROOT
from tests.benchmark.commands import wait_for_session_end
from tests.benchmark.driver.test_runner import (
    BRANIN,
    CRASHING,
    RAISING,
    command,
    evaluations,
    run,
    training_suite_text,
    write_suite,
)


def test_a_raising_algorithm_fails_its_own_runs_alone(tmp_path):
    """A searcher that raises fails its run with the reason; a rerun with it mended goes on."""
    text = CRASHING.format(options="limit = 1.0", searcher="random") + RAISING
    suite = write_suite(tmp_path, text)

    reports = run(suite, tmp_path, jobs=2)

    assert {(r.run.algorithm.label, r.state) for r in reports} == {("random", "done"), ("bad", "failed")}
    failed = tmp_path / "tiny/runs/deadly/bad/000.jsonl.failed"
    records = read_ledger(failed).records
    assert [record["kind"] for record in records] == ["header", "evaluation", "evaluation", "failure"]
    assert "out of ideas" in records[-1]["error"]
    assert "RuntimeError" in records[-1]["traceback"]
    again = run(suite, tmp_path, jobs=1)
    assert {r.state for r in again} == {"failed"}
    assert len(again) == 4


def test_an_algorithm_that_does_not_repeat_itself_is_caught_on_resume(tmp_path):
    """Replay compares every proposal with its record and says what differs."""
    suite = write_suite(
        tmp_path, CRASHING.format(options="", searcher="tests.benchmark.fakes.crashing:NonRepeatingSearcher")
    )
    run(suite, tmp_path, jobs=1)
    path = tmp_path / "tiny/runs/deadly/random/000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.with_name("000.jsonl.part").write_bytes(b"".join(lines[:4]))
    path.unlink()

    (report,) = run(suite, tmp_path, jobs=1)

    assert report.state == "failed"
    assert "config was recorded as" in report.problem
    assert "does not repeat itself" in report.problem


def test_another_suite_in_the_folder_is_refused_before_anything_is_written(tmp_path):
    """A changed option is named; the folder stays as it was."""
    run(write_suite(tmp_path, CRASHING.format(options="", searcher="random")), tmp_path, jobs=1)
    changed = write_suite(tmp_path, CRASHING.format(options="limit = 0.99", searcher="random"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tiny").rglob("*")}

    with pytest.raises(RunRefused, match=r"options\.limit was None and is now 0\.99"):
        run(changed, tmp_path, jobs=1)

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tiny").rglob("*")} == before


def test_more_repetitions_extend_a_finished_suite(tmp_path):
    """Raising the number of repetitions keeps what is done and adds what is missing."""
    text = CRASHING.format(options="", searcher="random")
    run(write_suite(tmp_path, text), tmp_path, jobs=1)

    reports = run(write_suite(tmp_path, text.replace("repetitions = 4", "repetitions = 6")), tmp_path, jobs=1)

    assert sorted(report.run.repetition for report in reports) == [4, 5]


def test_another_environment_is_refused_or_marked(tmp_path, monkeypatch):
    """A partial run of another library version is refused, and continued when asked to, with a mark."""
    suite = write_suite(tmp_path, CRASHING.format(options="", searcher="random"))
    run(suite, tmp_path, jobs=1)
    path = tmp_path / "tiny/runs/deadly/random/000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    part = path.with_name("000.jsonl.part")
    part.write_bytes(b"".join(lines[:3]))
    path.unlink()
    from benchmark.driver import preflight

    describe = preflight.describe_environment
    monkeypatch.setattr(
        preflight, "describe_environment", lambda device, jobs: describe(device, jobs) | {"torch": "0.0.1"}
    )

    with pytest.raises(RunRefused, match=r"torch was .* and is now '0\.0\.1'"):
        run(suite, tmp_path, jobs=1)
    part.unlink()
    with pytest.raises(RunRefused, match="could mix bits"):
        run(suite, tmp_path, jobs=1)
    part.write_bytes(b"".join(lines[:3]))
    (report,) = run(suite, tmp_path, jobs=1, allow_mixed=True)

    assert report.state == "done"
    assert [record["kind"] for record in read_ledger(path).records][3] == "resumed"
    assert run(suite, tmp_path, jobs=1) == []


def test_a_second_driver_is_refused(tmp_path):
    """Two commands on one folder: the second says so at once."""
    from benchmark.result_folder.folder_lock import folder_lock

    suite = write_suite(tmp_path, CRASHING.format(options="", searcher="random"))
    with folder_lock(tmp_path / "tiny"), pytest.raises(RunRefused, match="another process"):
        run(suite, tmp_path, jobs=1)


@pytest.mark.parametrize(
    ("number", "code", "clock"),
    [
        pytest.param(signal.SIGINT, 130, "modelled", marks=pytest.mark.faults),
        pytest.param(signal.SIGINT, 130, "measured", marks=pytest.mark.faults),
        pytest.param(signal.SIGTERM, 143, "measured", marks=pytest.mark.faults),
    ],
)
def test_an_interrupt_stops_in_good_order(tmp_path, number, code, clock):
    """Ctrl-C and SIGTERM leave stored, resumable runs, say how to go on, and no worker behind."""
    (tmp_path / "tiny.toml").write_text(training_suite_text(tmp_path, clock, repetitions=30, trials=20))
    driver = subprocess.Popen(
        command(tmp_path, jobs=2), cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not list(tmp_path.glob("tiny/runs/*/*/*.jsonl")):
        time.sleep(0.1)
    driver.send_signal(number)

    _, message = driver.communicate(timeout=20)

    assert driver.returncode == code
    assert f"To go on: {shell_command('benchmark', 'run')} " in message
    assert "Traceback" not in message
    assert wait_for_session_end(driver.pid, seconds=5) == []
    open_runs = 2 if clock == "measured" else 2 * 3 * 4  # Jobs; times algorithms and repetitions of a group.
    assert len(list(tmp_path.glob("tiny/runs/*/*/*.part"))) <= open_runs
    assert evaluations(tmp_path / "tiny")


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_are_below_the_folder_that_a_command_is_given_in(tmp_path, monkeypatch, jobs):
    """Joblib keeps the workers of an earlier command of this process, which was given in another folder."""
    for place in (tmp_path / "first", tmp_path / "second"):
        place.mkdir()
        (place / "tiny.toml").write_text(BRANIN)
        monkeypatch.chdir(place)

        assert main(["run", "tiny.toml", "--results", "out", "--jobs", str(jobs), "--device", "cpu", "--quiet"]) == 0

        assert len(list(place.glob("out/tiny/runs/branin/random/*.jsonl"))) == 4


def test_an_audit_reads_below_the_folder_that_it_is_given_in(tmp_path, monkeypatch):
    """The same of what it replays, when the folder from which its workers began is gone."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "tiny.toml").write_text(BRANIN)
    options = ["tiny.toml", "--results", "out", "--jobs", "2", "--device", "cpu", "--quiet"]
    monkeypatch.chdir(first)
    assert main(["run", *options]) == 0
    shutil.copytree(first, second)
    monkeypatch.chdir(second)
    shutil.rmtree(first)

    assert main(["audit", *options, "--sample", "all"]) == 0

"""The audit: what repeats to the bit passes, a stopped one goes on, bad input is refused; no ledger is touched."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from benchmark.result_folder.folder_lock import folder_lock
from benchmark.verification import audit as audits
from tests.benchmark.commands import ROOT, write_suite
from tests.benchmark.records import rewrite
from tests.benchmark.verification.audits import (
    TRAINING,
    differing_trials,
    evaluations,
    run_audit,
    run_suite,
    suite_files,
    write_toy_suite,
)

DEADLY = """
seed = 3
repetitions = 1
budget.evaluations = 4
objectives.toy = { name = "tests.benchmark.fakes.stacked_toy:StackedToy", choices = 3, deadly = 1 }
algorithms.random.searcher = "random"
"""
HANGING = """
seed = 1
repetitions = 1
clock = "modelled"
timeout = 0.5
budget.trials = 4
objectives.bowl = { name = "tests.benchmark.fakes.hanging:Hanging", limit = 0.6 }
algorithms.a.searcher = "random"
"""
BOWL = """
seed = 1
repetitions = 1
budget.trials = 5
objectives.bowl = {{ name = "tests.benchmark.fakes.crashing:{objective}" }}
algorithms.a.searcher = "{searcher}"
"""

# What repeats itself passes.


def test_all_of_a_suite_that_repeats_itself_is_identical(recorded, capsys):
    """Proposals, prices, curves, divergences and raises are the same by both routes; no ledger changes."""
    folder = recorded.parent / "tiny"
    before = suite_files(folder)
    code, report = run_audit(recorded)
    assert (code, report["verdict"], report["differences"]) == (0, "identical", [])
    assert len(report["runs"]) == 6
    assert len(report["trials"]) == report["recorded_trials"] > 20
    assert {trial["kind"] for trial in report["trials"]} == {"ok", "promoted", "error", "diverged"}
    assert all(trial["reference"]["verdict"] == "identical" for trial in report["trials"])
    assert suite_files(folder) == before
    assert capsys.readouterr() == ("", "")
    assert (folder / "audit" / "summary.txt").read_text().startswith("tiny: identical\n")


@pytest.mark.parametrize("words", [("--stack", "3"), pytest.param(("--jobs", "2"), marks=pytest.mark.slow)])
def test_the_report_does_not_depend_on_processes_and_slots(recorded, words):
    """However the trials are spread out, the report has the same bytes."""
    report = recorded.parent / "tiny" / "audit" / "report.json"
    run_audit(recorded)
    before = report.read_bytes()
    assert run_audit(recorded, *words)[0] == 0
    assert report.read_bytes() == before


def test_real_networks_promoted_and_stacked_are_identical(tmp_path):
    """Real trainings repeat, by the stack and by the reference loop, promoted ones over all of their epochs."""
    path = write_suite(tmp_path, TRAINING) / "tiny.toml"
    run_suite(path)
    code, report = run_audit(path)
    assert (code, report["verdict"]) == (0, "identical")
    promoted = [trial for trial in report["trials"] if trial["kind"] == "promoted"]
    assert promoted
    assert all(trial["epochs"] > 1 and trial["reference"] for trial in promoted)


@pytest.mark.parametrize("setting", ["n_workers=3", "resume=false", 'clock="measured"'])
def test_other_kinds_of_runs_are_identical(tmp_path, setting):
    """Parallel workers, rungs trained from nothing, and measured seconds are audited as they were run."""
    path = write_toy_suite(tmp_path)
    run_suite(path, "--set", setting)
    code, report = run_audit(path, "--set", setting)
    assert (code, report["verdict"]) == (0, "identical")
    assert (report["trials"][0]["reference"] is None) == ("measured" in setting)


@pytest.mark.slow
def test_a_trial_that_killed_its_process_does_it_again(tmp_path):
    """A crash is repeated, in a process of its own even with one job, and the others beside it are audited."""
    path = write_suite(tmp_path, DEADLY) / "tiny.toml"
    run_suite(path, jobs=2)
    code, report = run_audit(path)
    assert (code, report["verdict"]) == (0, "identical")
    assert {"crashed", "ok"} <= {trial["kind"] for trial in report["trials"]}
    assert len(report["trials"]) == report["recorded_trials"]


@pytest.mark.slow
def test_a_trial_that_took_too_long_does_it_again(tmp_path):
    """A timeout is repeated under the suite's own limit; another limit is another suite."""
    path = write_suite(tmp_path, HANGING) / "tiny.toml"
    run_suite(path)
    code, report = run_audit(path)
    assert (code, report["verdict"]) == (0, "identical")
    assert {trial["kind"] for trial in report["trials"]} == {"ok", "timeout"}
    assert run_audit(path, "--set", "timeout=2")[0] == 2


@pytest.mark.parametrize(
    ("searcher", "code"),
    [("tests.benchmark.fakes.crashing:RaisingSearcher", 0), ("tests.benchmark.fakes.crashing:NonRepeatingSearcher", 1)],
)
def test_a_run_that_failed_fails_again_and_one_that_forgets_is_found(tmp_path, searcher, code):
    """An algorithm that raised must raise the same; one that draws from elsewhere proposes something else."""
    path = write_suite(tmp_path, BOWL.format(objective="Crashing", searcher=searcher)) / "tiny.toml"
    run_suite(path)
    found, report = run_audit(path)
    assert found == code
    divergence = report["runs"][0]["divergence"]
    assert report["runs"][0]["state"] == ("failed" if code == 0 else "done")
    assert (divergence and divergence["field"]) == (None if code == 0 else "config")
    assert not differing_trials(report)


@pytest.mark.slow
def test_an_unfinished_run_with_a_torn_tail_is_audited_as_far_as_it_goes(recorded):
    """Whole records count, the torn one does not, and the file stays as it is."""
    path = recorded.parent / "tiny" / "runs" / "toy" / "random" / "000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    part = path.with_name("000.jsonl.part")
    part.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    path.unlink()
    before = part.read_bytes()
    code, report = run_audit(recorded)
    run = next(run for run in report["runs"] if run["run"].endswith(".part"))
    assert (code, run["evaluations"], run["verdict"]) == (0, 3, "identical")
    assert part.read_bytes() == before


# Killed, begun again, and bad input.


@pytest.mark.slow
def test_a_killed_audit_goes_on_to_the_same_report(tmp_path):
    """SIGKILL in the middle of a training costs nothing: the same command finishes, with the bytes of a whole one."""
    marker = tmp_path / "marker"
    marker.touch()
    path = write_toy_suite(tmp_path, f'marker = "{marker}"')
    folder = run_suite(path)
    run_audit(path)
    whole = (folder / "audit" / "report.json").read_bytes()
    before = suite_files(folder)
    marker.unlink()
    command = [sys.executable, "-m", "benchmark", "audit", str(path), "--results", str(tmp_path), "--jobs", "1"]
    command += ["--device", "cpu", "--sample", "all", "--quiet"]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (folder / "audit" / "report.json").exists()
    assert run_audit(path)[0] == 0
    assert (folder / "audit" / "report.json").read_bytes() == whole
    assert suite_files(folder) == before


def test_what_was_trained_before_a_stop_is_not_trained_again_but_a_new_audit_trains_all(tmp_path, monkeypatch):
    """An audit stopped between its routes trains the second only; after its report the next trains both anew."""
    log = tmp_path / "log"
    path = write_toy_suite(tmp_path, f'log = "{log}"')
    run_suite(path)
    original = audits.retraining_suite

    def stopping(suite, name, lists, *, alone):
        if alone:
            raise KeyboardInterrupt
        return original(suite, name, lists, alone=alone)

    log.write_text("")
    monkeypatch.setattr(audits, "retraining_suite", stopping)
    assert run_audit(path)[0] == 130
    counts = [len(log.read_text().splitlines())]
    monkeypatch.setattr(audits, "retraining_suite", original)
    for _ in range(2):
        assert run_audit(path)[0] == 0
        counts.append(len(log.read_text().splitlines()))
    first, second, third = counts
    assert second == 2 * first
    assert third - second == 2 * first


@pytest.mark.slow
def test_changed_code_or_sample_begins_anew(tmp_path, monkeypatch):
    """Trainings of other code are thrown away, not gone on with."""
    path = write_toy_suite(tmp_path)
    folder = run_suite(path)
    assert run_audit(path)[0] == 0
    (folder / "audit" / "report.json").unlink()
    inode = next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns
    assert run_audit(path)[0] == 0
    assert next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns == inode
    (folder / "audit" / "report.json").unlink()
    monkeypatch.setattr(audits, "LOADED_DIGEST", "other")
    assert run_audit(path)[0] == 0
    assert next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns != inode


@pytest.mark.slow
def test_trainings_of_an_earlier_audit_that_were_damaged_are_refused_by_name(tmp_path, capsys):
    """A bit flipped in what a killed audit had trained: no verdict comes of it, and the file is named."""
    path = write_toy_suite(tmp_path)
    folder = run_suite(path)
    assert run_audit(path)[0] == 0
    (folder / "audit" / "report.json").unlink()
    ledger = next((folder / "audit" / "retrained").rglob("*.jsonl"))
    data = bytearray(ledger.read_bytes())
    data[len(data) // 2] ^= 1
    ledger.write_bytes(data)
    capsys.readouterr()

    assert run_audit(path) == (2, None)

    output = capsys.readouterr().err
    assert output.startswith(f"error: {ledger}: line ")
    assert output.endswith(f" is damaged; delete {folder / 'audit'} to train for the audit anew\n")
    shutil.rmtree(folder / "audit")
    assert run_audit(path)[0] == 0


def _flipped(folder):
    path = folder / "runs" / "toy" / "random" / "000.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _malformed(folder):
    def change(records):
        evaluations(records)[0]["valid_curve"] = ["0.5"]

    rewrite(folder / "runs" / "toy" / "random" / "000.jsonl", change)


def _nothing(folder):
    shutil.rmtree(folder / "runs")


@pytest.mark.parametrize(
    ("change", "words", "expected_text"),
    [
        (None, ["--set", "seed=4"], "recorded with another suite: suite_seed was 3 and is now 4"),
        (_flipped, [], "is damaged"),
        (_malformed, [], "evaluation 0 is not as format 1 has it"),
        (_nothing, [], "nothing is recorded there; run the suite tiny first"),
        (None, ["--sample", "0"], "--sample '0': need a share as 5%, a number of trials >= 1, or all"),
        (None, ["--tolerance", "-1"], "--tolerance '-1': need a number >= 0"),
        (None, ["--seed", "-1"], "--seed '-1': need a whole number in 0.."),
    ],
)
def test_bad_input_is_refused_and_nothing_written(recorded, capsys, change, words, expected_text):
    """One line, exit code 2, no audit folder."""
    folder = recorded.parent / "tiny"
    if change is not None:
        change(folder)
    code, report = run_audit(recorded, *words)
    out, err = capsys.readouterr()
    assert (code, report, out) == (2, None, "")
    assert expected_text in err
    assert err.count("\n") == 1
    assert not (folder / "audit").exists()


def test_a_second_audit_of_the_same_results_is_refused(recorded, capsys):
    """Two audits do not write into one another's folder."""
    with folder_lock(recorded.parent / "tiny" / "audit"):
        assert run_audit(recorded)[0] == 2
    assert "another process is running this suite" in capsys.readouterr().err

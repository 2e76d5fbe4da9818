"""The audit: what repeats to the bit passes, every planted change is found where it is, no ledger is touched."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark import sources
from benchmark.auditing import audit as audits
from benchmark.auditing.verdict import total_of
from benchmark.cli import main
from benchmark.folder import claimed
from benchmark.ledger import Ledger, LedgerError, read
from tests.benchmark.commands import ROOT, written
from tests.benchmark.records import rewrite
from tests.benchmark.slots import suite

TRAINING = """
seed = 7
repetitions = 1
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 8
objectives.softmax = { epochs = 4 }
objectives.dropout_mlp = { epochs = 4 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2, prefact = 1 }, searcher = "random" }
"""
DEADLY = """
seed = 3
repetitions = 1
budget.evaluations = 4
objectives.toy = { name = "tests.benchmark.slots:Slots", choices = 3, deadly = 1 }
algorithms.random.searcher = "random"
"""
HANGING = """
seed = 1
repetitions = 1
clock = "modelled"
timeout = 0.5
budget.trials = 4
objectives.bowl = { name = "tests.benchmark.hanging:Hanging", limit = 0.6 }
algorithms.a.searcher = "random"
"""
BOWL = """
seed = 1
repetitions = 1
budget.trials = 5
objectives.bowl = {{ name = "tests.benchmark.deadly:{objective}" }}
algorithms.a.searcher = "{searcher}"
"""
TOGETHER = "raising = 2, diverging = 2"


def toy(folder, options=TOGETHER):
    """The file of a suite on the toy objective."""
    return written(folder, suite(2, options)) / "tiny.toml"


def ran(path, *words, jobs=1):
    """Run a suite into its own folder; the folder of its results."""
    results = str(path.parent)
    main(["run", str(path), "--results", results, "--jobs", str(jobs), "--device", "cpu", "--quiet", *words])
    return path.parent / path.stem


def audited(path, *words, jobs=1, sample="all"):
    """Audit a suite; exit code and report."""
    arguments = ["--results", str(path.parent), "--jobs", str(jobs), "--device", "cpu", "--quiet", "--sample", sample]
    code = main(["audit", str(path), *arguments, *words])
    report = path.parent / path.stem / "audit" / "report.json"
    return code, json.loads(report.read_text()) if report.exists() else None


def tree(folder):
    """Every file of a suite but those of its audit."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and "audit" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def rewrite_first(folder, change):
    """Change the records of the first ledger that has what the change looks for; the ledger."""
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        try:
            rewrite(path, change)
        except StopIteration:
            continue
        return path
    raise AssertionError("no ledger has it")


def evaluations(records):
    """The evaluations among records."""
    return [record for record in records if record["kind"] == "evaluation"]


def differing(report, route="retrained"):
    """The trials that are not identical, by their first divergence."""
    return {
        (trial["objective"], trial["algorithm"], trial["repetition"], trial["trial"]): trial[route]
        for trial in report["trials"]
        if trial[route]["verdict"] != "identical"
    }


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A toy suite that has run, with trials that were promoted, raised and diverged."""
    path = toy(tmp_path_factory.mktemp("original"))
    ran(path)
    return path


@pytest.fixture
def recorded(original, tmp_path):
    """A copy of it to change."""
    shutil.copytree(original.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / original.name


# What repeats itself passes.


def test_all_of_a_suite_that_repeats_itself_is_identical(recorded, capsys):
    """Proposals, prices, curves, divergences and raises are the same by both routes; no ledger changes."""
    folder = recorded.parent / "tiny"
    before = tree(folder)
    code, report = audited(recorded)
    assert (code, report["verdict"], report["differences"]) == (0, "identical", [])
    assert len(report["runs"]) == 6
    assert len(report["trials"]) == report["recorded_trials"] > 20
    assert {trial["kind"] for trial in report["trials"]} == {"ok", "promoted", "error", "diverged"}
    assert all(trial["reference"]["verdict"] == "identical" for trial in report["trials"])
    assert tree(folder) == before
    assert capsys.readouterr() == ("", "")
    assert (folder / "audit" / "summary.txt").read_text().startswith("tiny: identical\n")


@pytest.mark.parametrize("words", [("--stack", "1"), ("--stack", "3"), ("--jobs", "2")])
def test_the_report_does_not_depend_on_processes_and_slots(recorded, words):
    """However the trials are spread out, the report has the same bytes."""
    report = recorded.parent / "tiny" / "audit" / "report.json"
    audited(recorded)
    before = report.read_bytes()
    assert audited(recorded, *words)[0] == 0
    assert report.read_bytes() == before


def test_real_networks_promoted_and_stacked_are_identical(tmp_path):
    """Real trainings repeat, by the stack and by the reference loop, promoted ones over all of their epochs."""
    path = written(tmp_path, TRAINING) / "tiny.toml"
    ran(path)
    code, report = audited(path)
    assert (code, report["verdict"]) == (0, "identical")
    promoted = [trial for trial in report["trials"] if trial["kind"] == "promoted"]
    assert promoted
    assert all(trial["epochs"] > 1 and trial["reference"] for trial in promoted)


@pytest.mark.parametrize("setting", ["n_workers=3", "resume=false", 'clock="measured"'])
def test_other_kinds_of_runs_are_identical(tmp_path, setting):
    """Parallel workers, rungs trained from nothing, and measured seconds are audited as they were run."""
    path = toy(tmp_path)
    ran(path, "--set", setting)
    code, report = audited(path, "--set", setting)
    assert (code, report["verdict"]) == (0, "identical")
    assert (report["trials"][0]["reference"] is None) == ("measured" in setting)


def test_a_trial_that_killed_its_process_does_it_again(tmp_path):
    """A crash is repeated, in a process of its own even with one job, and the others beside it are audited."""
    path = written(tmp_path, DEADLY) / "tiny.toml"
    ran(path, jobs=2)
    code, report = audited(path)
    assert (code, report["verdict"]) == (0, "identical")
    assert {"crashed", "ok"} <= {trial["kind"] for trial in report["trials"]}
    assert len(report["trials"]) == report["recorded_trials"]


def test_a_trial_that_took_too_long_does_it_again(tmp_path):
    """A timeout is repeated under the suite's own limit; another limit is another suite."""
    path = written(tmp_path, HANGING) / "tiny.toml"
    ran(path)
    code, report = audited(path)
    assert (code, report["verdict"]) == (0, "identical")
    assert {trial["kind"] for trial in report["trials"]} == {"ok", "timeout"}
    assert audited(path, "--set", "timeout=2")[0] == 2


@pytest.mark.parametrize(
    ("searcher", "code"), [("tests.benchmark.deadly:Raises", 0), ("tests.benchmark.deadly:Forgetful", 1)]
)
def test_a_run_that_failed_fails_again_and_one_that_forgets_is_found(tmp_path, searcher, code):
    """An algorithm that raised must raise the same; one that draws from elsewhere proposes something else."""
    path = written(tmp_path, BOWL.format(objective="Deadly", searcher=searcher)) / "tiny.toml"
    ran(path)
    found, report = audited(path)
    assert found == code
    divergence = report["runs"][0]["divergence"]
    assert report["runs"][0]["state"] == ("failed" if code == 0 else "done")
    assert (divergence and divergence["field"]) == (None if code == 0 else "config")
    assert not differing(report)


def test_an_unfinished_run_with_a_torn_tail_is_audited_as_far_as_it_goes(recorded):
    """Whole records count, the torn one does not, and the file stays as it is."""
    path = recorded.parent / "tiny" / "runs" / "toy" / "random" / "000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    part = path.with_name("000.jsonl.part")
    part.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    path.unlink()
    before = part.read_bytes()
    code, report = audited(recorded)
    run = next(run for run in report["runs"] if run["run"].endswith(".part"))
    assert (code, run["evaluations"], run["verdict"]) == (0, 3, "identical")
    assert part.read_bytes() == before


# What was changed is found, where it was changed.


def test_an_error_changed_in_a_ledger_is_found_at_its_epoch(recorded):
    """A single error of a promoted trial's later rung, with the right checksum: the trial, its epoch, both values."""
    seen = {}

    def change(records):
        promoted = (one for one in evaluations(records) if one["start_epoch"] and one["state"] == "ok")
        record = next(promoted)
        seen.update(record, was=record["test_curve"][0], run=records[0]["run"])
        record["test_curve"][0] += 0.25
        record["test_error"] = record["test_curve"][-1]

    rewrite_first(recorded.parent / "tiny", change)
    code, report = audited(recorded)
    assert (code, report["verdict"]) == (1, "different")
    [(place, verdict)] = differing(report).items()
    assert place == ("toy", "halving", seen["run"]["repetition"], seen["trial"])
    divergence = verdict["divergence"]
    assert (divergence["evaluation"], divergence["epoch"]) == (seen["index"], seen["start_epoch"] + 1)
    assert (divergence["field"], divergence["recorded"], divergence["now"]) == (
        "test_error",
        seen["was"] + 0.25,
        seen["was"],
    )
    assert verdict["largest"] == pytest.approx(0.25)
    assert all(run["verdict"] == "identical" for run in report["runs"])
    assert differing(report, "reference").keys() == {place}


def test_what_is_close_passes_only_with_a_tolerance(tmp_path, capsys):
    """Errors off by 0.01 are told with how far; they pass where that is allowed and not where less is."""
    drift = tmp_path / "drift"
    path = toy(tmp_path, f'drift = "{drift}"')
    ran(path)
    drift.touch()
    code, report = audited(path, "--tolerance", "0.02")
    assert (code, report["verdict"], report["passed"]) == (0, "close", True)
    assert max(trial["retrained"]["largest"] for trial in report["trials"]) == pytest.approx(0.01)
    assert {trial["retrained"]["divergence"]["epoch"] for trial in report["trials"]} == {1}
    assert audited(path, "--tolerance", "0.001")[0] == 1
    capsys.readouterr()
    code, report = audited(path)
    assert code == 1
    assert "errors differ by up to 0.01" in capsys.readouterr().out


def test_a_difference_is_told_in_rows(tmp_path):
    """Where errors are shares of a set, one row more or less is said to be one row."""
    path = written(tmp_path, TRAINING) / "tiny.toml"
    ran(path)
    ledger = tmp_path / "tiny" / "runs" / "softmax" / "random" / "000.jsonl"
    rows = total_of(error for record in evaluations(read(ledger).records) for error in record["valid_curve"])

    def change(records):
        record = evaluations(records)[2]
        record["valid_curve"][1] = (round(record["valid_curve"][1] * rows) + 1) / rows

    rewrite(ledger, change)
    code, report = audited(path)
    [verdict] = differing(report).values()
    assert (code, report["verdict"]) == (1, "close")
    assert (verdict["verdict"], verdict["wrong"], verdict["divergence"]["epoch"]) == ("close", 1, 2)


def _other_state(records):
    record = next(record for record in evaluations(records) if record["state"] == "ok" and not record["start_epoch"])
    record |= {"state": "diverged"}


def _other_problem(records):
    record = next(record for record in evaluations(records) if record["state"] == "error")
    record["problem"] = record["problem"].replace("ArithmeticError", "MemoryError")


def _shorter(records):
    record = next(
        record for record in evaluations(records) if record["state"] == "ok" and len(record["valid_curve"]) > 1
    )
    record["valid_curve"].pop()
    record["test_curve"].pop()


@pytest.mark.parametrize(
    ("change", "fields"),
    [(_other_state, {"state"}), (_other_problem, {"problem"}), (_shorter, {"valid_error", "length of the curve"})],
)
def test_another_end_of_a_trial_is_different(recorded, change, fields):
    """State, what was raised and the length of a curve are held against the records."""
    rewrite_first(recorded.parent / "tiny", change)
    code, report = audited(recorded)
    [verdict] = differing(report).values()
    assert (code, verdict["verdict"]) == (1, "different")
    assert verdict["divergence"]["field"] in fields


def _other_configuration(records):
    evaluations(records)[4]["config"]["x"] = (evaluations(records)[4]["config"]["x"] + 1) % 12


def _other_price(records):
    evaluations(records)[4]["modelled_seconds"] += 1.0


def _other_reason(records):
    records[-1]["reason"] = "exhausted"


def _one_fewer(records):
    records[-1]["evaluations"] -= 1
    return [*records[:-2], records[-1]]


@pytest.mark.parametrize(
    ("change", "field", "evaluation"),
    [
        (_other_configuration, "config", 4),
        (_other_price, "modelled_seconds", 4),
        (_other_reason, "end", 6),
        (_one_fewer, "end", 5),
    ],
)
def test_a_run_that_proposes_or_charges_otherwise_is_found(recorded, change, field, evaluation):
    """The first proposal, price or end that does not repeat is named; edited ledgers have right checksums."""
    rewrite(recorded.parent / "tiny" / "runs" / "toy" / "random" / "001.jsonl", change)
    code, report = audited(recorded, sample="1")
    [run] = [run for run in report["runs"] if run["verdict"] != "identical"]
    assert (code, report["verdict"], run["run"]) == (1, "different", "runs/toy/random/001.jsonl")
    assert (run["divergence"]["field"], run["divergence"]["evaluation"]) == (field, evaluation)


def test_another_machine_is_told_and_is_no_difference_by_itself(recorded, capsys):
    """Versions and data that differ from the records explain a difference; without one the audit still passes."""

    def change(records):
        records[0]["environment"] |= {"torch": "0.4.1", "python": "2.7"}
        records[0]["data"]["toy"] = "f" * 64

    rewrite(recorded.parent / "tiny" / "runs" / "toy" / "local" / "000.jsonl", change)
    assert main(["audit", str(recorded), "--results", str(recorded.parent), "--jobs", "1", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    assert "machine: torch was '0.4.1' and is now" in told
    assert "machine: data.toy was 'ffff" in told
    assert "machine: python differ too, which decide none" in told
    report = json.loads((recorded.parent / "tiny" / "audit" / "report.json").read_text())
    [entry] = report["differences"]
    assert (entry["runs"], entry["first"]) == (1, "runs/toy/local/000.jsonl")
    assert {name: pair["decides_bits"] for name, pair in entry["fields"].items()} == {
        "torch": True,
        "python": False,
        "data.toy": True,
    }


@pytest.mark.parametrize(("arithmetic", "verdict"), [("reference", "close"), ("kernels", "identical")])
def test_the_reference_loop_decides_only_where_bits_are_its(recorded, monkeypatch, arithmetic, verdict):
    """Kernels of another arithmetic differ from the reference loop by intent: that is told and fails nothing."""
    original = audits.retrained

    def shifted(suite, folder):
        found = original(suite, folder)
        if suite.name != "reference":
            return found
        return {
            name: replace(one, curve={epoch: (valid, test + 1e-3) for epoch, (valid, test) in one.curve.items()})
            for name, one in found.items()
        }

    def change(records):
        records[0]["environment"]["arithmetic"] = arithmetic

    for path in (recorded.parent / "tiny" / "runs").rglob("*.jsonl"):
        rewrite(path, change)
    monkeypatch.setattr(audits, "retrained", shifted)
    code, report = audited(recorded)
    assert (code, report["verdict"]) == (int(verdict != "identical"), verdict)
    assert not differing(report)
    by_reference = differing(report, "reference").values()
    assert {one["verdict"] for one in by_reference} == {"close"}
    assert max(one["largest"] for one in by_reference) == pytest.approx(1e-3)


# Killed, begun again, and bad input.


def test_a_killed_audit_goes_on_to_the_same_report(tmp_path):
    """SIGKILL in the middle of a training costs nothing: the same command finishes, with the bytes of a whole one."""
    marker = tmp_path / "marker"
    marker.touch()
    path = toy(tmp_path, f'marker = "{marker}"')
    folder = ran(path)
    audited(path)
    whole = (folder / "audit" / "report.json").read_bytes()
    before = tree(folder)
    marker.unlink()
    command = [sys.executable, "-m", "benchmark", "audit", str(path), "--results", str(tmp_path), "--jobs", "1"]
    command += ["--device", "cpu", "--sample", "all", "--quiet"]
    killed = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (folder / "audit" / "report.json").exists()
    assert audited(path)[0] == 0
    assert (folder / "audit" / "report.json").read_bytes() == whole
    assert tree(folder) == before


def test_what_was_trained_before_a_stop_is_not_trained_again_but_a_new_audit_trains_all(tmp_path, monkeypatch):
    """An audit stopped between its routes trains the second only; after its report the next trains both anew."""
    log = tmp_path / "log"
    path = toy(tmp_path, f'log = "{log}"')
    ran(path)
    original = audits.retraining

    def stopping(suite, name, lists, *, alone):
        if alone:
            raise KeyboardInterrupt
        return original(suite, name, lists, alone=alone)

    log.write_text("")
    monkeypatch.setattr(audits, "retraining", stopping)
    assert audited(path)[0] == 130
    counts = [len(log.read_text().splitlines())]
    monkeypatch.setattr(audits, "retraining", original)
    for _ in range(2):
        assert audited(path)[0] == 0
        counts.append(len(log.read_text().splitlines()))
    first, second, third = counts
    assert second == 2 * first
    assert third - second == 2 * first


def test_changed_code_or_sample_begins_anew(tmp_path, monkeypatch):
    """Trainings of other code are thrown away, not gone on with."""
    path = toy(tmp_path)
    folder = ran(path)
    assert audited(path)[0] == 0
    (folder / "audit" / "report.json").unlink()
    inode = next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns
    assert audited(path)[0] == 0
    assert next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns == inode
    (folder / "audit" / "report.json").unlink()
    monkeypatch.setattr(sources, "digest", lambda: "other")
    assert audited(path)[0] == 0
    assert next((folder / "audit" / "retrained").rglob("*.jsonl")).stat().st_mtime_ns != inode


def test_trainings_of_an_earlier_audit_that_were_damaged_are_refused_by_name(tmp_path, capsys):
    """A bit flipped in what a killed audit had trained: no verdict comes of it, and the file is named."""
    path = toy(tmp_path)
    folder = ran(path)
    assert audited(path)[0] == 0
    (folder / "audit" / "report.json").unlink()
    ledger = next((folder / "audit" / "retrained").rglob("*.jsonl"))
    data = bytearray(ledger.read_bytes())
    data[len(data) // 2] ^= 1
    ledger.write_bytes(data)
    capsys.readouterr()

    assert audited(path) == (2, None)

    told = capsys.readouterr().err
    assert told.startswith(f"error: {ledger}: line ")
    assert told.endswith(f" is damaged; delete {folder / 'audit'} to train for the audit anew\n")
    shutil.rmtree(folder / "audit")
    assert audited(path)[0] == 0


def test_a_disk_that_is_full_ends_an_audit_with_its_reason(tmp_path, capsys, monkeypatch):
    """What the audit trains cannot be recorded: no report, the suite's ledgers as they were, and it goes on later."""
    path = toy(tmp_path)
    folder = ran(path)
    before = tree(folder)
    append = Ledger.append

    def full(self, record):
        if record["kind"] == "evaluation":
            raise LedgerError(f"{self.path}: cannot be written (No space left on device); make room")
        return append(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", full)
        capsys.readouterr()
        assert audited(path) == (2, None)

    assert "audit/retrained/runs/toy/list-000/000.jsonl: cannot be written (No space" in capsys.readouterr().err
    assert audited(path)[0] == 0
    assert tree(folder) == before


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
    ("change", "words", "told"),
    [
        (None, ["--set", "seed=4"], "recorded with another suite: suite_seed was 3 and is now 4"),
        (_flipped, [], "is damaged"),
        (_malformed, [], "evaluation 0 is not as format 1 has it"),
        (_nothing, [], "nothing is recorded there; run the suite tiny first"),
        (None, ["--sample", "0"], "--sample '0': need a share as 5%, a number of trials >= 1, or all"),
        (None, ["--sample", "101%"], "need a share above 0% and up to 100%"),
        (None, ["--sample", "nan%"], "need a share as 5%"),
        (None, ["--tolerance", "-1"], "--tolerance '-1': need a number >= 0"),
        (None, ["--tolerance", "nan"], "--tolerance 'nan': need a number >= 0"),
        (None, ["--seed", "-1"], "--seed '-1': need a whole number in 0.."),
        (None, ["--device", "cude"], "allowed here are"),
        (None, ["--smaple", "1"], "unknown"),
    ],
)
def test_bad_input_is_refused_and_nothing_written(recorded, capsys, change, words, told):
    """One line, exit code 2, no audit folder."""
    folder = recorded.parent / "tiny"
    if change is not None:
        change(folder)
    code, report = audited(recorded, *words)
    out, err = capsys.readouterr()
    assert (code, report, out) == (2, None, "")
    assert told in err
    assert err.count("\n") == 1
    assert not (folder / "audit").exists()


def test_a_second_audit_of_the_same_results_is_refused(recorded, capsys):
    """Two audits do not write into one another's folder."""
    with claimed(recorded.parent / "tiny" / "audit"):
        assert audited(recorded)[0] == 2
    assert "another process is running this suite" in capsys.readouterr().err

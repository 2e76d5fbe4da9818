"""What an audit finds: every planted change, where it is; and what is no difference."""

import json
from dataclasses import replace

import pytest

from benchmark.cli.main import main
from benchmark.verification import audit as audits
from objectives.classification.softmax import SoftmaxRegression
from tests.benchmark.commands import write_suite
from tests.benchmark.records import rewrite
from tests.benchmark.verification.audits import (
    TRAINING,
    differing_trials,
    evaluations,
    rewrite_first,
    run_audit,
    run_suite,
    write_toy_suite,
)

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


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
    code, report = run_audit(recorded)
    assert (code, report["verdict"]) == (1, "different")
    [(place, verdict)] = differing_trials(report).items()
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
    assert differing_trials(report, "reference").keys() == {place}


def test_what_is_close_passes_only_with_a_tolerance(tmp_path, capsys):
    """Errors off by 0.01 are reported with how far; they pass where that is allowed and not where less is."""
    drift = tmp_path / "drift"
    path = write_toy_suite(tmp_path, f'drift = "{drift}"')
    run_suite(path)
    drift.touch()
    code, report = run_audit(path, "--tolerance", "0.02")
    assert (code, report["verdict"], report["passed"]) == (0, "close", True)
    assert max(trial["retrained"]["largest"] for trial in report["trials"]) == pytest.approx(0.01)
    assert {trial["retrained"]["divergence"]["epoch"] for trial in report["trials"]} == {1}
    assert run_audit(path, "--tolerance", "0.001")[0] == 1
    capsys.readouterr()
    code, report = run_audit(path)
    assert code == 1
    assert "errors differ by up to 0.01" in capsys.readouterr().out


def test_a_difference_is_reported_in_rows(tmp_path):
    """Where errors are shares of a set, one row more or less is said to be one row."""
    path = write_suite(tmp_path, TRAINING) / "tiny.toml"
    run_suite(path)
    ledger = tmp_path / "tiny" / "runs" / "softmax" / "random" / "000.jsonl"
    rows, _ = SoftmaxRegression().row_counts

    def change(records):
        record = evaluations(records)[2]
        record["valid_curve"][1] = (round(record["valid_curve"][1] * rows) + 1) / rows

    rewrite(ledger, change)
    code, report = run_audit(path)
    [verdict] = differing_trials(report).values()
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
    code, report = run_audit(recorded)
    [verdict] = differing_trials(report).values()
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
    code, report = run_audit(recorded, sample="1")
    [run] = [run for run in report["runs"] if run["verdict"] != "identical"]
    assert (code, report["verdict"], run["run"]) == (1, "different", "runs/toy/random/001.jsonl")
    assert (run["divergence"]["field"], run["divergence"]["evaluation"]) == (field, evaluation)


def test_another_machine_is_reported_and_is_no_difference_by_itself(recorded, capsys):
    """Versions and data that differ from the records explain a difference; without one the audit still passes."""

    def change(records):
        records[0]["environment"] |= {"torch": "0.4.1", "python": "2.7"}
        records[0]["data"]["toy"] = "f" * 64

    rewrite(recorded.parent / "tiny" / "runs" / "toy" / "local" / "000.jsonl", change)
    assert main(["audit", str(recorded), "--results", str(recorded.parent), "--jobs", "1", "--device", "cpu"]) == 0
    output = capsys.readouterr().out
    assert "machine: torch was '0.4.1' and is now" in output
    assert "machine: data.toy was 'ffff" in output
    assert "machine: python differ too, which decide none" in output
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
    """Kernels of another arithmetic differ from the reference loop by intent: that is reported and fails nothing."""
    original = audits.read_retrained

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
    monkeypatch.setattr(audits, "read_retrained", shifted)
    code, report = run_audit(recorded)
    assert (code, report["verdict"]) == (int(verdict != "identical"), verdict)
    assert not differing_trials(report)
    by_reference = differing_trials(report, "reference").values()
    assert {one["verdict"] for one in by_reference} == {"close"}
    assert max(one["largest"] for one in by_reference) == pytest.approx(1e-3)

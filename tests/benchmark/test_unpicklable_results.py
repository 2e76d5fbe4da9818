"""Results that cannot be sent between processes, or are too long to be written."""

import pytest

from benchmark.cli.main import main
from benchmark.storage import ledger_format
from tests.benchmark.fakes.unpicklable import LONG_CURVE
from tests.benchmark.fault_suites import command, evaluations, stored

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


UNPICKLABLE = """
seed = 2
repetitions = 2
budget.trials = 6
algorithms.random.searcher = "random"
[objectives.strange]
name = "tests.benchmark.fakes.unpicklable:Unpicklable"
how = "{how}"
"""


def run_unpicklable(folder, how, jobs=1, *words):
    """Run a suite of strange trials; exit code and evaluations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(UNPICKLABLE.format(how=how))
    return main([*command(folder, jobs), *words]), evaluations(folder)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.faults)])
@pytest.mark.parametrize("how", ["error", "result"])
def test_what_cannot_be_pickled_becomes_a_record(tmp_path, how, jobs):
    """An exception of two arguments that holds a lock, or a lock for an error: text, and the suite is done."""
    code, found = run_unpicklable(tmp_path, how, jobs)
    told = [record for records in found.values() for record in records]
    assert (code, len(told)) == (0, 12)
    assert {record["state"] for record in told} == {"ok", "error"}
    for record in told:
        assert (record["state"] == "error") == (record["config"]["x"] > 0.5)
        if record["state"] == "error":
            assert ("Unpicklable" if how == "error" else "lock") in record["problem"]


def test_a_curve_that_is_too_long_is_an_error_not_a_shorter_curve(tmp_path, capsys, monkeypatch):
    """A record of more than the largest size refuses its run; what was recorded before stays, nothing is cut."""
    monkeypatch.setattr(ledger_format, "LARGEST_RECORD", 10_000)
    code, found = run_unpicklable(tmp_path, "endless", 1, "--set", "repetitions=1")
    message = capsys.readouterr().err
    assert (code, found) == (1, {})
    assert "Traceback" not in message
    assert message.count(" bytes: at most 10000 are allowed") == 1
    kept = [r for r in stored(tmp_path / "results/tiny/runs/strange/random/000.jsonl") if r["kind"] == "evaluation"]
    assert kept
    assert all(record["config"]["x"] <= 0.5 and len(record["valid_curve"]) == LONG_CURVE for record in kept)

"""Stored formats: whatever an earlier version has written is opened, and says what it said then.

`formats/v1/` and its like hold what real commands wrote, see `formats/make.py`. A version that changes a format keeps
reading the old one, or refuses it in words; these files never change.
"""

import hashlib
import json
import shutil
import tomllib
from pathlib import Path

import pytest

from analysis.loading import recheck
from analysis.loading import records as analysed
from analysis.loading.results import load as load_results
from analysis.provenance import checksums
from benchmark.cli.main import main
from benchmark.result_folder.status import run_state
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tables.table_file import load_table as load_table
from objectives.cost import CostTerms

FORMATS = Path(__file__).parent / "formats"
FILES = {"v1": "8319312d3b251b0ba031d9566d0b5894389b41062580e9920fc5dbd393e6e363"}
"""SHA-256 over the files of every version, by path and content."""

every = pytest.mark.parametrize("version", FILES)
MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")


def lines(path):
    """The records of a ledger's whole lines, by nothing but JSON."""
    told = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return [{key: value for key, value in record.items() if key != "crc"} for record in told]


def evaluations(path):
    """The evaluations of a ledger."""
    return [record for record in lines(path) if record["kind"] == "evaluation"]


def bare(path):
    """The evaluations of a ledger without what is measured."""
    return [{key: value for key, value in one.items() if key not in MEASURED} for one in evaluations(path)]


@pytest.fixture
def copied(version, tmp_path):
    """A version's folder, to be written to."""
    return Path(shutil.copytree(FORMATS / version, tmp_path / version))


@every
def test_the_stored_files_have_not_changed(version):
    """They stand for what is on other people's disks: a format that changes gets another folder."""
    hashed = hashlib.sha256()
    for path in sorted(path for path in (FORMATS / version).rglob("*") if path.is_file()):
        hashed.update(f"{path.relative_to(FORMATS / version).as_posix()}\0".encode() + path.read_bytes() + b"\0")

    assert hashed.hexdigest() == FILES[version]


def test_every_stored_version_is_tested():
    """A folder that nobody reads would keep no promise."""
    assert sorted(path.name for path in FORMATS.glob("v*")) == sorted(FILES)


@every
def test_ledgers_are_read(version):
    """Complete, failed and unfinished ledgers hold the records that their lines hold, for both readers."""
    found = sorted((FORMATS / version).rglob("*.jsonl*"))
    assert {path.suffix for path in found} == {".jsonl", ".failed", ".part"}
    for path in found:
        records = lines(path)

        assert read_ledger(path).records == records
        assert analysed.read(path, path.read_bytes(), complete=path.suffix == ".jsonl") == records


@every
def test_an_unfinished_ledger_is_opened_to_go_on(version, copied):
    """Its whole records are there, the torn line is kept aside, and a record can follow."""
    path = copied / "results" / "stored" / "interrupted" / "001.jsonl"
    part = path.with_name(path.name + ".part")
    whole, _, torn = part.read_bytes().rpartition(b"\n")
    with Ledger(path) as ledger:
        assert ledger.records == lines(FORMATS / version / part.relative_to(copied))
        ledger.append({"kind": "evaluation"})

    assert part.read_bytes().startswith(whole + b"\n{")
    assert part.with_name(part.name + ".torn-1").read_bytes() == torn


@every
def test_a_suite_goes_on(version, copied, capsys):
    """The interrupted run is replayed and finished, as its unbroken copy was; complete ones are left alone."""
    results = copied / "results"
    run = results / "stored" / "runs" / "slots" / "halving" / "001.jsonl"
    expected, others = bare(run), {p: p.read_bytes() for p in results.glob("stored/runs/*/*/*.jsonl") if p != run}
    (results / "stored" / "interrupted" / "001.jsonl.part").rename(run.with_name("001.jsonl.part"))
    run.unlink()
    words = ["--results", str(results), "--jobs", "1", "--quiet", "--device", "cpu", "--allow-mixed"]

    code = main(["run", str(copied / "stored.toml"), *words])

    assert code == 1  # Those of the algorithm that raises fail again.
    assert "out of ideas" in capsys.readouterr().err
    assert bare(run) == expected
    assert {path: path.read_bytes() for path in others} == others


@every
@pytest.mark.slow
def test_a_suite_goes_on_under_a_larger_budget(version, copied, capsys):
    """What is recorded is kept and goes on, to what a fresh suite with that budget records."""
    results, fresh = copied / "results", copied / "fresh"
    complete = sorted(path.relative_to(results) for path in results.glob("stored/runs/*/*/*.jsonl"))
    before = {path: evaluations(results / path) for path in complete}
    words = ["--set", "budget.trials=6", "--jobs", "1", "--quiet", "--device", "cpu"]

    codes = [
        main(["run", str(copied / "stored.toml"), *words, "--results", str(results), "--allow-mixed"]),
        main(["run", str(copied / "stored.toml"), *words, "--results", str(fresh)]),
    ]

    assert codes == [1, 1]  # Those of the algorithm that raises fail again.
    for path in complete:
        assert evaluations(results / path)[: len(before[path])] == before[path]
        assert lines(results / path)[0]["run"] == lines(fresh / path)[0]["run"]
        assert bare(results / path) == bare(fresh / path)


@every
def test_the_plan_and_the_state_of_every_run_are_read(version):
    """The analysis finds every planned run in the state of its ledger, with all its evaluations."""
    folder = FORMATS / version / "results" / "stored"
    plan = json.loads((folder / "suite.json").read_bytes())

    results = load_results(folder)

    assert (results.plan.name, results.plan.repetitions) == (plan["name"], plan["repetitions"])
    assert [objective.label for objective in results.plan.objectives] == ["branin", "slots"]
    assert {(run.algorithm, run.state) for run in results.runs} == {
        ("random", "done"), ("halving", "done"), ("bad", "failed"),
    }  # fmt: skip
    told = [record for path in folder.glob("runs/*/*/*.jsonl*") for record in evaluations(path)]
    frame = results.evaluations
    assert sorted(zip(frame["valid_error"], frame["end"], strict=True)) == sorted(
        (one["valid_error"], one["end"]) for one in told
    )


@every
def test_a_calibration_prices_as_its_numbers_say(version):
    """The suite's prices are sums of the file's numbers and an objective's counts."""
    path = FORMATS / version / "prices.toml"
    (entry,) = tomllib.loads(path.read_text())["objectives"]
    suite = suites.load(str(FORMATS / version / "stored.toml"))
    counts = CostTerms(set_up={"networks": 2.0}, epoch={"steps": 3.0})

    (found,) = suite.calibration.cost_models

    assert found.name == entry["name"]
    assert found.seconds(counts) == (2 * entry["set_up"]["networks"], 3 * entry["epoch"]["steps"])


@every
def test_offline_tables_answer_with_what_the_ledgers_hold(version):
    """Every recorded curve is in the table, to the bit."""
    folder = FORMATS / version / "results" / "stored"
    for objective in ("branin", "slots"):
        table, checked = load_table(folder / "offline" / f"{objective}.npz"), 0
        for path in folder.glob(f"runs/{objective}/*/*.jsonl*"):
            column = table.column(int(path.name[:3]), recycle=False)
            for record in evaluations(path):
                row = table.members.row(record["config"])
                epochs = slice(record["start_epoch"], record["epochs"])
                assert table.valid[row, column, epochs].tolist() == record["valid_curve"]
                assert table.test[row, column, epochs].tolist() == record["test_curve"]
                checked += 1
        assert checked > 10


@every
def test_a_recheck_is_read(version):
    """What was selected, and the errors of its fresh trainings, are those of the list and its ledgers."""
    folder = FORMATS / version / "results" / "stored"
    told = json.loads((folder / "recheck" / "incumbents.json").read_bytes())

    found = recheck.read(load_results(folder), folder)

    assert found.fresh == told["fresh"] == 2
    assert len(found.selected) == len(told["incumbents"])
    for label, (trials,) in told["lists"].items():
        fresh = [evaluations(folder / "recheck" / "runs" / label / "list-000" / f"00{seed}.jsonl") for seed in (0, 1)]
        for place, (trial, one) in enumerate(zip(trials, found.retrained[label], strict=True)):
            assert one.config == trial["config"]
            assert one.valid == tuple(records[place]["valid_error"] for records in fresh)


@every
def test_a_stored_audit_is_taken_up(version, copied):
    """An audit beside another version's draws the same trials, and writes its report in the place of that one's."""
    path = copied / "results" / "stored" / "audit" / "report.json"
    before = json.loads(path.read_bytes())
    words = ["--results", str(copied / "results"), "--jobs", "1", "--quiet", "--device", "cpu"]
    names = ("objective", "algorithm", "repetition", "trial", "config", "epochs")

    code = main(["audit", str(copied / "stored.toml"), "--sample", "4", "--tolerance", "0.001", *words])

    after = json.loads(path.read_bytes())
    assert code == 0
    assert before["verdict"] == "identical"
    assert after["verdict"] in ("identical", "close")
    assert [[one[name] for name in names] for one in after["trials"]] == [
        [one[name] for name in names] for one in before["trials"]
    ]


@every
def test_a_provenance_names_what_lies_there(version):
    """Its checksums are those of the stored files, and it has the bytes it was read from."""
    folder = FORMATS / version / "results" / "stored"
    path = folder / "tables" / checksums.NAME

    found = checksums.read(path)

    assert found.to_json() == path.read_bytes()
    assert {name: checksums.sha256(folder / name) for name in found.inputs} == found.inputs
    for name in ("runs.csv", "trials.csv"):
        assert checksums.sha256(folder / "tables" / name) == found.files[name]


@every
def test_the_status_is_told(version):
    """The state of every run is that of its file's name."""
    suite = suites.load(str(FORMATS / version / "stored.toml"))

    found = [run_state(run, FORMATS / version / "results" / "stored") for run in suite.runs()]

    assert sorted(found) == [("done", "")] * 8 + [("failed", "")] * 4

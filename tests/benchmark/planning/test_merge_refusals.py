"""Merging what does not belong together, or is no results at all: refused in one line, and nothing written."""

import json
import shutil
from importlib import import_module

import pytest

from benchmark.cli.main import main
from benchmark.result_folder.merge import merge
from benchmark.storage.ledger_format import LedgerError, read_ledger
from benchmark.storage.resume_check import RunRefused
from tests.benchmark.planning.ledgers import cut, tree
from tests.benchmark.planning.suites import run
from tests.benchmark.records import edit, lines_of, rewrite


def refused(capsys, copies, *expected_text, out="merged", sources=("2/1", "2/2"), options=()):
    """Merging is refused with one line that has all of `told` in it, and nothing is written."""
    before = tree(copies)

    assert main(["merge", out, *sources, *options]) == 2

    printed, message = capsys.readouterr()
    assert printed == ""
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert len(message) < 1000
    for text in expected_text:
        assert text in message
    assert tree(copies) == before
    assert not (copies / "merged").exists()


@pytest.mark.parametrize(("other", "number"), [("again", 2), ("12/1", 3)])
def test_a_run_with_other_results_is_a_hard_error(copies, capsys, other, number):
    """Complete twice with different errors: training is not deterministic, and both files are named."""
    ledger = "tiny/runs/branin/random/000.jsonl"
    edit(copies / other / ledger, number, valid_error=0.125)

    refused(
        capsys, copies, f"unbroken/{ledger}", f"{other}/{ledger}", "valid_error", "0.125", "does not repeat itself",
        sources=(other, "unbroken"),
    )  # fmt: skip


def test_a_part_with_other_results_is_a_hard_error(copies, capsys):
    """A part that a complete ledger of the run contradicts is not passed over either."""
    ledger = copies / "again/tiny/runs/branin/random/000.jsonl"
    edit(ledger, 1, test_error=0.5)
    cut(ledger, ledger.stat().st_size - 3)

    refused(capsys, copies, "000.jsonl.part", "result 0: test_error", sources=("unbroken", "again"))


def test_one_evaluation_more_is_a_hard_error(copies, capsys):
    """A complete run that ended earlier elsewhere has other results."""
    path = copies / "again/tiny/runs/branin/random/000.jsonl"
    rewrite(path, lambda records: [*records[:-2], records[-1]])

    refused(capsys, copies, "recorded twice with other results", sources=("unbroken", "again"))


def test_other_results_are_found_in_what_was_merged_before(copies, capsys):
    """The target's own ledgers are held against the new ones as well."""
    merge(copies / "earlier", [copies / "unbroken"])
    edit(copies / "again/tiny/runs/toy/random/002.jsonl", 1, valid_error=0.25)

    refused(capsys, copies, "earlier/tiny/runs/toy/random/002.jsonl", out="earlier", sources=("again",))


@pytest.mark.parametrize("measured", ["train_seconds", "paid_seconds", "decide_seconds"])
def test_measured_seconds_are_no_difference(copies, measured):
    """Another machine's pace is no other result."""
    edit(copies / "again/tiny/runs/branin/random/000.jsonl", 1, **{measured: 77.0})

    assert merge(copies / "merged", [copies / "unbroken", copies / "again"]).unfinished == []


@pytest.mark.parametrize(
    ("setting", "expected_text"),
    [
        ("seed=4", "seed was 3 and is now 4"),
        ("repetitions=4", "repetitions was 3 and is now 4"),
        ("budget={epochs=10}", "budget.epochs was 9 and is now 10"),
        ('algorithms.random.searcher.name="local"', "algorithms"),
        ("resume=false", "resume was True and is now False"),
        ("n_workers=2", "n_workers was 1 and is now 2"),
    ],
)
def test_other_suites_are_refused(copies, capsys, setting, expected_text):
    """One setting changed is another suite, which is named with the field."""
    run("other", "--shard", "1/2", "--set", setting)

    refused(capsys, copies, "other/tiny: another suite than in 2/1/tiny", expected_text, sources=("2/1", "other"))


@pytest.mark.parametrize(
    ("changes", "expected_text"),
    [
        ({"suite_seed": 4}, "suite_seed was 4 and is now 3"),
        ({"repetition": 1}, "repetition was 1 and is now 0"),
        ({"clock": "measured"}, "clock was 'measured' and is now 'modelled'"),
        ({"budget": {"trials": 3}}, "budget.epochs was None and is now 9"),
        ({"calibration": {"name": "invented", "digest": "0"}}, "calibration.digest was"),
        ({"objective": {"label": "toy", "part": {"name": "sphere", "options": {}}}}, "objective.part.name"),
        ({"n_workers": 2}, "n_workers was 2 and is now 1"),
    ],
)
def test_ledgers_of_another_suite_are_refused(copies, capsys, changes, expected_text):
    """A ledger that its folder's plan does not ask for stops the merge, whatever the plan says."""
    path = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    edit(path, 0, run=read_ledger(path).records[0]["run"] | changes)

    refused(capsys, copies, expected_text, "toy/halving/000.jsonl", "leave its folder out")


def test_other_data_are_refused_even_mixed(copies, capsys):
    """Checksums of the data have to be the same, --allow-mixed or not."""
    edit(copies / "2/2/tiny/runs/toy/halving/002.jsonl", 0, data={"toy": "1" * 64})

    refused(capsys, copies, "other data", "toy/halving/002.jsonl", "data.toy was '000")
    refused(capsys, copies, "other data", options=["--allow-mixed"])


@pytest.mark.parametrize("field", ["numpy", "torch", "arch", "cpu_capability", "device", "arithmetic", "libraries"])
def test_other_machines_are_refused_unless_allowed(copies, capsys, field):
    """What decides bits has to be the same, unless the user takes it on; both files are named."""
    path = copies / "2/2/tiny/runs/toy/halving/002.jsonl"
    environment = read_ledger(path).records[0]["environment"]
    edit(path, 0, environment=environment | {field: {"x": "0.0"} if field == "libraries" else "other"})

    refused(capsys, copies, "another machine or library version", "2/2/tiny", "2/1/tiny", field, "--allow-mixed")
    assert main(["merge", "merged", "2/1", "2/2", "--allow-mixed"]) == 0


def test_a_part_of_another_machine_is_refused_too(copies, capsys):
    """An unfinished ledger is held against the others before it is taken."""
    path = copies / "2/2/tiny/runs/toy/halving/002.jsonl"
    edit(path, 0, environment=read_ledger(path).records[0]["environment"] | {"numpy": "0.1"})
    cut(path, path.stat().st_size - 1)

    refused(capsys, copies, "numpy", "halving/002.jsonl.part")


def test_every_flipped_bit_and_every_cut_is_refused(copies):
    """A damaged ledger stops the merge with its name and place, wherever the damage is."""
    path = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    good = path.read_bytes()
    for place in [*range(0, len(good), 41), len(good) - 1]:
        flipped = good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :]
        for data in (flipped, good[:place]):
            path.write_bytes(data)
            with pytest.raises(LedgerError, match=r"halving/000\.jsonl"):
                merge(copies / "merged", [copies / "2/1", copies / "2/2"])
    assert not (copies / "merged").exists()


@pytest.mark.parametrize(
    "records",
    [
        [{"kind": "header", "format": 1}],
        [{"kind": "header", "format": 1, "run": 7}, {"kind": "end"}],
        [{"kind": "header", "format": 1, "run": {"clock": "modelled"}}, {"kind": "end"}],
        [{"kind": "header", "format": 1, "run": {"clock": "modelled"}}, {"no": "kind"}],
        [{"kind": "header", "format": 2}, {"kind": "end"}],
        [{"kind": "evaluation"}, {"kind": "end"}],
    ],
)
def test_ledgers_of_others_are_refused(copies, capsys, records):
    """Well checksummed lines that are no ledger of this harness are refused, without a traceback."""
    (copies / "2/1/tiny/runs/toy/halving/000.jsonl").write_bytes(lines_of(*records))

    refused(capsys, copies, "toy/halving/000.jsonl")


@pytest.mark.parametrize("field", ["created", "data", "environment"])
def test_a_header_that_lacks_what_merging_compares_is_refused(copies, capsys, field):
    """The file, what every header has, and what to do."""
    path = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    edit(path, 0, **{field: None})

    expected_text = f"no ledger of this harness (ValueError: its header lacks {field}); leave it out"
    refused(capsys, copies, f"2/1/tiny/runs/toy/halving/000.jsonl: {expected_text}")


@pytest.mark.parametrize("form", ["jsonl", "jsonl.part"])
def test_a_ledger_that_cannot_be_read_is_refused(copies, capsys, form):
    """A folder under a ledger's name is no empty ledger."""
    path = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    path.unlink()
    path.with_name(f"000.{form}").mkdir()

    refused(capsys, copies, f"000.{form}", "cannot be read")


@pytest.mark.parametrize(
    ("content", "expected_text"),
    [
        ("", "not valid JSON"),
        ("<html>", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "need a JSON object, got []"),
        ('{"format": 2}', "format 2 is not 1"),
        ('{"format": 1}', "name = None"),
        ({"name": "../../up"}, "name = '../../up'"),
        ({"repetitions": 0}, "repetitions = 0"),
        ({"repetitions": True}, "repetitions = True"),
        ({"repetitions": 10**30}, "repetitions = 1000"),
        ({"seed": None}, "seed: missing; run the suite again to write it anew"),
        ({"clock": "sun"}, "clock = 'sun'"),
        ({"objectives": []}, "objectives = []"),
        ({"objectives": ["x"]}, "objectives: label None: need"),
        ({"objectives": [{"label": "../x"}]}, "objectives: label '../x': need"),
        ({"objectives": [{"label": "x", "name": "y"}]}, "objectives.x.options: missing"),
        ({"algorithms": [{"label": "/etc"}]}, "algorithms: label '/etc': need"),
    ],
)
def test_bad_plans_are_refused(copies, capsys, content, expected_text):
    """A plan that is none, or that would lead out of the folder, is refused with its field."""
    path = copies / "2/1/tiny/suite.json"
    path.write_text(content if isinstance(content, str) else json.dumps(json.loads(path.read_text()) | content))

    refused(capsys, copies, "2/1/tiny/suite.json", expected_text, sources=("2/1",))


@pytest.mark.parametrize(
    ("out", "sources", "expected_text"),
    [
        ("merged", ["nowhere"], "SHARD_DIR 'nowhere': need a suite's results"),
        ("merged", ["2/1", ""], "SHARD_DIR ''"),
        ("merged", ["2/1", "a\0b"], "SHARD_DIR 'a\\x00b'"),
        ("merged", ["x" * 5000], "SHARD_DIR 'xxx"),
        ("merged", ["tiny.toml"], "SHARD_DIR 'tiny.toml'"),
        ("merged", ["several"], "holds 2 suites, name one of one, two"),
        ("", ["2/1"], "OUT ''"),
        ("tiny.toml", ["2/1"], "OUT 'tiny.toml'"),
        ("x" * 5000, ["2/1"], "OUT 'xxx"),
        ("merged", [], "SHARD_DIR"),
    ],
)
def test_bad_folders_are_refused(copies, capsys, out, sources, expected_text):
    """What is no folder, or holds no suite or several, is refused by the argument's name."""
    for name in ("one", "two"):
        (copies / "several" / name).mkdir(parents=True)
        shutil.copy(copies / "2/1/tiny/suite.json", copies / "several" / name)

    refused(capsys, copies, expected_text, out=out, sources=sources)


def test_the_target_of_another_suite_is_refused(copies, capsys):
    """What is in the target must be the same suite."""
    run("other", "--shard", "1/2", "--set", "seed=4")

    refused(capsys, copies, "another suite", "seed", out="other", sources=("2/1",))


def test_a_target_that_another_process_begins_meanwhile_is_refused(copies, monkeypatch):
    """Between looking and taking hold of the folder somebody else merges there: nothing of it is touched."""
    merging = import_module("benchmark.result_folder.merge")
    target, lock = copies / "merged/tiny", merging.folder_lock

    def late(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "suite.json").write_text("{}")
        return lock(folder)

    monkeypatch.setattr(merging, "folder_lock", late)
    with pytest.raises(RunRefused) as refused:
        merge(copies / "merged", [copies / "2/1", copies / "2/2"])

    assert str(refused.value) == f"{target}: another process has begun there meanwhile; merge again"
    assert (target / "suite.json").read_text() == "{}"

"""Merging: shards equal the unbroken run to the byte, whatever is given twice, in parts, or in whatever order."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.__main__ import main as analyse
from benchmark import suite as suites
from benchmark.cli import main
from benchmark.header import RunRefused
from benchmark.ledger import Ledger, LedgerError, encode, failed_of, part_of, read
from benchmark.shards.merge import MEASURED, UNFINISHED, merge
from benchmark.shards.shard import split
from tests.benchmark.slots import Slots, prices

ROOT = Path(__file__).resolve().parents[3]

TINY = """
seed = 3
repetitions = {repetitions}
clock = "modelled"
calibration = "prices.toml"
budget.epochs = 9
objectives.branin = {{ noise = 1.0, epochs = 3 }}
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = {{ name = "successive_halving", eta = 2 }}, searcher = "random" }}
[objectives.toy]
name = "tests.benchmark.slots:Slots"
choices = 4
epochs = 3
"""
RUNS = 12


def write_suite(folder):
    """Write the suite and its invented prices into a folder."""
    (folder / "prices.toml").write_text(prices({"tests.benchmark.slots:Slots": Slots()}).to_toml())
    (folder / "tiny.toml").write_text(TINY.format(repetitions=3))


def run(results, *options):
    """Run the suite, or a shard of it, in this process."""
    command = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu", "--quiet", "--results", str(results), *options]
    assert main(command) == 0


def results_of(folder):
    """What every complete ledger says but for what is measured, by its name."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read(path).records
        kept = [{name: value for name, value in record.items() if name not in (*MEASURED, "crc")} for record in records]
        found[str(path.relative_to(folder))] = json.dumps([header["run"], header["data"], *kept])
    return found


def tables_of(results):
    """The bytes of all tables that the analysis makes of the suite."""
    assert analyse(["tables", "tiny", "--results", str(results), "--quiet"]) == 0
    return {path.name: path.read_bytes() for path in (results / "tiny/tables").glob("*.csv")}


def tree(folder):
    """Every file below a folder but locks, with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".lock")
    }


def edit(path, number, **changes):
    """Change a record of a ledger and write all of its checksums anew; None takes a key out."""
    crc, data = 0, b""
    for place, record in enumerate(read(path).records):
        if place == number:
            record = {name: value for name, value in (record | changes).items() if value is not None}
        line, crc = encode({name: value for name, value in record.items() if name != "crc"}, crc)
        data += line
    path.write_bytes(data)


def cut(path, size):
    """Make an unfinished ledger of a complete one's first bytes."""
    part_of(path).write_bytes(path.read_bytes()[:size])
    path.unlink()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the suite, two executions of the whole, and shards of them for several n."""
    folder = tmp_path_factory.mktemp("home")
    write_suite(folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        run("unbroken")
        run("again")
        for of in (2, 5, 12):
            for number in range(1, of + 1):
                run(f"{of}/{number}", "--shard", f"{number}/{of}")
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(home, tmp_path, monkeypatch):
    """A working folder of the test's own, with copies of all that."""
    copy = tmp_path / "here"
    shutil.copytree(home, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture(scope="module")
def expected(home):
    """What the unbroken run recorded."""
    found = results_of(home / "unbroken/tiny")
    assert len(found) == RUNS
    return found


# equal to the unbroken run


@pytest.mark.parametrize("of", [2, 5, 12])
def test_merged_shards_equal_the_unbroken_run(here, expected, of):
    """For several numbers of shards: the same records, the same plan, and every table the same to the byte."""
    assert main(["merge", "merged", *(f"{of}/{number}" for number in range(1, of + 1))]) == 0

    assert results_of(here / "merged/tiny") == expected
    assert (here / "merged/tiny/suite.json").read_bytes() == (here / "unbroken/tiny/suite.json").read_bytes()
    tables, wanted = tables_of(here / "merged"), tables_of(here / "unbroken")
    assert len(wanted) > 10
    assert {name for name in wanted if tables[name] != wanted[name]} <= {"totals.csv"}  # Paid seconds are measured.


def test_any_order_gives_the_same_bytes(here):
    """Every order of the arguments, duplicates among them, makes the same files of the same bytes."""
    made = []
    for place, order in enumerate(permutations(["5/1", "5/2", "again", "unbroken"])):
        merge(here / f"out-{place}", [Path(name) for name in order])
        made.append(tree(here / f"out-{place}"))

    assert len(made[0]) == RUNS + 1
    assert all(other == made[0] for other in made)


def test_merging_in_steps_is_merging_at_once(here):
    """One after the other, in two orders, comes to the same bytes as all at once."""
    names = ["12/3", "again", "5/4", "2/1", "unbroken"]
    merge(here / "once", [Path(name) for name in names])
    for name in names:
        merge(here / "forth", [Path(name)])
    for name in reversed(names):
        merge(here / "back", [Path(name)])

    assert tree(here / "once") == tree(here / "forth") == tree(here / "back")


def test_merging_twice_changes_nothing(here, capsys):
    """The second time every ledger is there: no file is written, not even with the same bytes."""
    main(["merge", "merged", "2/1", "2/2"])
    before = {path: path.stat().st_mtime_ns for path in (here / "merged").rglob("*.json*")}
    capsys.readouterr()

    assert main(["merge", "merged", "2/1", "2/2"]) == 0

    assert "12 of 12 runs done, 0 new there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (here / "merged").rglob("*.json*")} == before


def test_overlapping_shards_count_once(here, expected, capsys):
    """Shards of different splits, which share runs, make each run once."""
    assert main(["merge", "merged", "2/1", "5/3", "5/4", "5/5", "12/6", "12/7"]) == 0

    assert "merged 6 folders into merged/tiny: 12 of 12 runs done, 12 new there" in capsys.readouterr().out
    assert results_of(here / "merged/tiny") == expected


def test_sources_stay_as_they_are(here):
    """Nothing in a source is written, renamed or deleted, torn tails and all."""
    ledger = here / "5/1/tiny/runs/branin/random/000.jsonl"
    cut(ledger, ledger.stat().st_size - 9)
    before = {name: tree(here / name) for name in ("5", "2", "unbroken")}
    for path in (here / "5").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)

    merge(here / "merged", [*sorted((here / "5").iterdir()), here / "2/1", here / "unbroken"])

    for path in (here / "5").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert {name: tree(here / name) for name in before} == before


def test_folders_may_be_named_either_way(here, expected):
    """The suite's folder or the results folder that holds it, by any path, as source and as target; twice is once."""
    merge(here / "merged/tiny", [here / "2/1/tiny", here / "2/2", here / "2/../2/1", Path("2/1")])
    merge(here / "merged", [here / "merged", here / "merged/tiny"])

    assert results_of(here / "merged/tiny") == expected
    assert [path.name for path in (here / "merged").iterdir()] == ["tiny"]


def test_a_shared_folder_is_checked_in_place(here, capsys):
    """Shards of one folder need no merge; merging it into itself says what there is, and changes nothing."""
    run("shared", "--shard", "1/2")
    before = tree(here / "shared")

    assert main(["merge", "shared", "shared"]) == 1

    assert "6 of 12 runs done, 0 new there" in capsys.readouterr().out
    assert tree(here / "shared") == before


# what is missing


def test_what_is_missing_is_told_and_can_be_run(here, expected, capsys):
    """So many of n, which are missing, and a command that runs them and no others."""
    assert main(["merge", "merged", "5/1", "5/2", "5/4", "5/5"]) == 1

    out = capsys.readouterr().out.splitlines()
    missing = [run.path for run in split(suites.load("tiny.toml"), 5)[2]]
    assert len(missing) == 3
    assert out[0] == "merged 4 folders into merged/tiny: 9 of 12 runs done, 9 new there"
    assert out[1] == "not done: 3 missing"
    assert out[2:-1] == [f"  {path}: missing" for path in missing]
    words = out[-1].split(": ", 1)[1].split()
    assert words == ["python", "-m", "benchmark", "run", "tiny.toml", "--results", "merged"]
    before = tree(here / "merged")
    assert main([*words[3:], "--device", "cpu", "--quiet"]) == 0
    after = tree(here / "merged")
    assert {name: after[name] for name in before} == before
    assert results_of(here / "merged/tiny") == expected


def test_a_long_list_of_the_missing_is_cut(here, capsys):
    """Ten are named, the others counted."""
    assert main(["merge", "merged", "12/1"]) == 1

    out = capsys.readouterr().out
    assert out.count(": missing\n") == 10
    assert "  and 1 more\n" in out


def test_parts_are_taken_over_and_go_on(here, expected, capsys):
    """The part with most records is taken, without its torn tail, and a run goes on from it."""
    ledger = Path("tiny/runs/toy/random/001.jsonl")
    lines = (here / "unbroken" / ledger).read_bytes().splitlines(keepends=True)
    for name, size in (("2/1", 2), ("2/2", 3), ("again", 1)):
        (here / name / ledger).unlink(missing_ok=True)
        (here / name / ledger).parent.mkdir(parents=True, exist_ok=True)
        part_of(here / name / ledger).write_bytes(b"".join(lines[:size]) + b'{"kind":"ev')

    assert main(["merge", "merged", "2/2", "2/1", "again"]) == 1

    assert "not done: 1 partial" in capsys.readouterr().out
    assert part_of(here / "merged" / ledger).read_bytes() == b"".join(lines[:3])
    run("merged")
    assert results_of(here / "merged/tiny") == expected


def test_a_complete_ledger_wins_over_a_part_that_was_merged_before(here, expected):
    """The part in the target gives way, so that every run is there once."""
    ledger = Path("tiny/runs/toy/random/000.jsonl")
    shutil.copytree(here / "again", here / "torn")
    cut(here / "torn" / ledger, (here / "torn" / ledger).stat().st_size - 1)
    merge(here / "merged", [here / "torn"])
    assert part_of(here / "merged" / ledger).exists()

    done = merge(here / "merged", [here / "unbroken"])

    assert done.unfinished == []
    assert not part_of(here / "merged" / ledger).exists()
    assert results_of(here / "merged/tiny") == expected


def test_a_failed_run_counts_as_not_done(here, capsys):
    """What an algorithm raised is taken over, told, and tried again by the next run."""
    (here / "tiny.toml").write_text(
        TINY.format(repetitions=3) + '[algorithms.bad]\nsearcher = "tests.benchmark.deadly:Raises"\n'
    )
    for number in (1, 2):
        options = ["--jobs", "1", "--device", "cpu", "--quiet", "--results", f"bad-{number}", "--shard", f"{number}/2"]
        assert main(["run", "tiny.toml", *options]) == 1
    capsys.readouterr()

    assert main(["merge", "merged", "bad-1", "bad-2"]) == 1

    out = capsys.readouterr().out
    assert "12 of 18 runs done, 18 new there" in out
    assert "not done: 6 failed" in out
    assert failed_of(here / "merged/tiny/runs/branin/bad/000.jsonl").exists()


# killed, resumed, at work


KILL = """
import os, signal, sys
from benchmark.cli import main
from benchmark.ledger import Ledger
append, left = Ledger.append, [int(sys.argv[1])]
def dying(self, record):
    left[0] -= 1
    if not left[0]:
        os.write(self._file, b'{"kind":"evaluation","ind')
        os.kill(os.getpid(), 9)
    append(self, record)
Ledger.append = dying
main(sys.argv[2:])
"""


def test_a_shard_that_was_killed_is_merged_and_resumed(here, expected):
    """A kill -9 in the middle of a record: the merge takes what is whole; the shard goes on, and all is as unbroken."""
    command = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu", "--quiet", "--results", "killed", "--shard", "2/2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILL, "15", *command], env=environment, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert list((here / "killed").rglob("*.part"))

    early = merge(here / "merged", [here / "2/1", here / "killed"])
    assert {state for _, state in early.unfinished} == {"partial", "missing"}
    assert main(command) == 0
    late = merge(here / "merged", [here / "killed"])

    assert late.unfinished == []
    assert results_of(here / "merged/tiny") == expected
    assert not list((here / "merged").rglob("*.part"))


def test_a_merge_that_is_killed_goes_on(here, expected, monkeypatch):
    """Stopped at every rename in turn, a merge leaves whole files only, and the next one goes on."""
    replace, left = Path.replace, [0]

    def stopping(self, target):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopping)
    for at in range(1, RUNS + 2):
        left[0] = at
        out = here / f"out-{at}"
        with pytest.raises(KeyboardInterrupt):
            merge(out, [here / "2/1", here / "2/2"])
        assert all(expected[name] == text for name, text in results_of(out / "tiny").items())
        assert len(results_of(out / "tiny")) == max(0, at - 2)
        left[0] = 0
        assert merge(out, [here / "2/1", here / "2/2"]).unfinished == []
        assert results_of(out / "tiny") == expected
        assert not list(out.rglob(f"*{UNFINISHED}"))


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_names_the_file_and_what_to_do(here, monkeypatch, call):
    """The message has the path and the reason; with room again the merge goes on."""
    count = [0]
    original = {"fsync": os.fsync, "open": Path.open}[call]

    def failing(*arguments, **options):
        if call == "fsync" or UNFINISHED in str(arguments[0]):
            count[0] += 1
            if count[0] == 5:
                raise OSError(28, "No space left on device")
        return original(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os if call == "fsync" else Path, call, failing)
        with pytest.raises(ValueError, match=r"OUT .*No space left on device.*merge again"):
            merge(here / "merged", [here / "2/1", here / "2/2"])

    assert merge(here / "merged", [here / "2/1", here / "2/2"]).unfinished == []


def test_a_shard_at_work_may_be_merged(here):
    """What a living shard has recorded so far is taken, and the shard is not disturbed."""
    ledger = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    records = read(ledger).records
    ledger.unlink()
    with Ledger(ledger) as writing:
        for record in records[:2]:
            writing.append(record)
        early = merge(here / "merged", [here / "2/1"])
        for record in records[2:-1]:
            writing.append(record)
        writing.complete(records[-1])
    late = merge(here / "merged", [here / "2/1"])

    assert (Path("runs/toy/halving/000.jsonl"), "partial") in early.unfinished
    assert len(late.unfinished) == RUNS - 6


def test_a_ledger_that_grows_between_looking_and_taking(here, monkeypatch):
    """A part that its shard completes meanwhile is still taken as it was seen."""
    ledger = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    whole, size = ledger.read_bytes(), ledger.read_bytes().rindex(b"\n", 0, -1) + 1
    cut(ledger, size)

    def completing(folder):
        part_of(ledger).unlink()
        ledger.write_bytes(whole)
        return claimed(folder)

    from benchmark.folder import claimed

    monkeypatch.setattr("benchmark.shards.merge.claimed", completing)
    merge(here / "merged", [here / "2/1"])

    assert part_of(here / "merged/tiny/runs/toy/halving/000.jsonl").read_bytes() == whole[:size]


def test_a_source_that_is_taken_away_is_told(here, monkeypatch):
    """A ledger that vanishes or changes between looking and taking stops the merge; what came before is whole."""
    ledger = here / "2/1/tiny/runs/toy/halving/000.jsonl"

    def vanishing(folder):
        ledger.write_bytes(b"")
        return claimed(folder)

    from benchmark.folder import claimed

    monkeypatch.setattr("benchmark.shards.merge.claimed", vanishing)
    with pytest.raises(RunRefused, match=r"000\.jsonl: has changed while it was merged"):
        merge(here / "merged", [here / "2/1"])


def test_a_target_at_work_is_refused(here):
    """While a run or another merge works in the target, nothing is merged into it."""
    from benchmark.folder import claimed

    merge(here / "merged", [here / "2/1"])
    before = tree(here / "merged")

    with claimed(here / "merged/tiny"), pytest.raises(RunRefused, match="another process is running"):
        merge(here / "merged", [here / "2/2"])

    assert tree(here / "merged") == before


# refused


def refused(capsys, here, *told, out="merged", sources=("2/1", "2/2"), options=()):
    """Merging is refused with one line that has all of `told` in it, and nothing is written."""
    before = tree(here)

    assert main(["merge", out, *sources, *options]) == 2

    printed, message = capsys.readouterr()
    assert printed == ""
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert len(message) < 1000
    for text in told:
        assert text in message
    assert tree(here) == before
    assert not (here / "merged").exists()


@pytest.mark.parametrize(("other", "number"), [("again", 2), ("12/1", 3)])
def test_a_run_with_other_results_is_a_hard_error(here, capsys, other, number):
    """Complete twice with different errors: training is not deterministic, and both files are named."""
    ledger = "tiny/runs/branin/random/000.jsonl"
    edit(here / other / ledger, number, valid_error=0.125)

    refused(
        capsys, here, f"unbroken/{ledger}", f"{other}/{ledger}", "valid_error", "0.125", "does not repeat itself",
        sources=(other, "unbroken"),
    )  # fmt: skip


def test_a_part_with_other_results_is_a_hard_error(here, capsys):
    """A part that a complete ledger of the run contradicts is not passed over either."""
    ledger = here / "again/tiny/runs/branin/random/000.jsonl"
    edit(ledger, 1, test_error=0.5)
    cut(ledger, ledger.stat().st_size - 3)

    refused(capsys, here, "000.jsonl.part", "result 0: test_error", sources=("unbroken", "again"))


def test_one_evaluation_more_is_a_hard_error(here, capsys):
    """A complete run that ended earlier elsewhere has other results."""
    path = here / "again/tiny/runs/branin/random/000.jsonl"
    records = read(path).records
    data, crc = b"", 0
    for record in [*records[:-2], records[-1]]:
        line, crc = encode({name: value for name, value in record.items() if name != "crc"}, crc)
        data += line
    path.write_bytes(data)

    refused(capsys, here, "recorded twice with other results", sources=("unbroken", "again"))


def test_other_results_are_found_in_what_was_merged_before(here, capsys):
    """The target's own ledgers are held against the new ones as well."""
    merge(here / "earlier", [here / "unbroken"])
    edit(here / "again/tiny/runs/toy/random/002.jsonl", 1, valid_error=0.25)

    refused(capsys, here, "earlier/tiny/runs/toy/random/002.jsonl", out="earlier", sources=("again",))


@pytest.mark.parametrize("measured", ["train_seconds", "paid_seconds", "decide_seconds"])
def test_measured_seconds_are_no_difference(here, measured):
    """Another machine's pace is no other result."""
    edit(here / "again/tiny/runs/branin/random/000.jsonl", 1, **{measured: 77.0})

    assert merge(here / "merged", [here / "unbroken", here / "again"]).unfinished == []


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("seed=4", "seed was 3 and is now 4"),
        ("repetitions=4", "repetitions was 3 and is now 4"),
        ("budget={epochs=10}", "budget.epochs was 9 and is now 10"),
        ('algorithms.random.searcher.name="local"', "algorithms"),
        ("resume=false", "resume was True and is now False"),
        ("n_workers=2", "n_workers was 1 and is now 2"),
    ],
)
def test_other_suites_are_refused(here, capsys, setting, told):
    """One setting changed is another suite, which is named with the field."""
    options = ["--jobs", "1", "--device", "cpu", "--quiet", "--results", "other", "--shard", "1/2"]
    assert main(["run", "tiny.toml", "--set", setting, *options]) == 0

    refused(capsys, here, "other/tiny: another suite than in 2/1/tiny", told, sources=("2/1", "other"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"suite_seed": 4}, "suite_seed was 4 and is now 3"),
        ({"repetition": 1}, "repetition was 1 and is now 0"),
        ({"clock": "measured"}, "clock was 'measured' and is now 'modelled'"),
        ({"budget": {"trials": 3}}, "budget.trials was None and is now 3"),
        ({"calibration": {"name": "invented", "digest": "0"}}, "calibration.digest was"),
        ({"objective": {"label": "toy", "part": {"name": "sphere", "options": {}}}}, "objective.part.name"),
        ({"n_workers": 2}, "n_workers was 2 and is now 1"),
    ],
)
def test_ledgers_of_another_suite_are_refused(here, capsys, changes, told):
    """A ledger that its folder's plan does not ask for stops the merge, whatever the plan says."""
    path = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    edit(path, 0, run=read(path).records[0]["run"] | changes)

    refused(capsys, here, told, "toy/halving/000.jsonl", "leave its folder out")


def test_other_data_are_refused_even_mixed(here, capsys):
    """Checksums of the data have to be the same, --allow-mixed or not."""
    edit(here / "2/2/tiny/runs/toy/halving/002.jsonl", 0, data={"toy": "1" * 64})

    refused(capsys, here, "other data", "toy/halving/002.jsonl", "data.toy was '000")
    refused(capsys, here, "other data", options=["--allow-mixed"])


@pytest.mark.parametrize("field", ["numpy", "torch", "arch", "cpu_capability", "device", "arithmetic", "libraries"])
def test_other_machines_are_refused_unless_allowed(here, capsys, field):
    """What decides bits has to be the same, unless the user takes it on; both files are named."""
    path = here / "2/2/tiny/runs/toy/halving/002.jsonl"
    environment = read(path).records[0]["environment"]
    edit(path, 0, environment=environment | {field: {"x": "0.0"} if field == "libraries" else "other"})

    refused(capsys, here, "another machine or library version", "2/2/tiny", "2/1/tiny", field, "--allow-mixed")
    assert main(["merge", "merged", "2/1", "2/2", "--allow-mixed"]) == 0


def test_a_part_of_another_machine_is_refused_too(here, capsys):
    """An unfinished ledger is held against the others before it is taken."""
    path = here / "2/2/tiny/runs/toy/halving/002.jsonl"
    edit(path, 0, environment=read(path).records[0]["environment"] | {"numpy": "0.1"})
    cut(path, path.stat().st_size - 1)

    refused(capsys, here, "numpy", "halving/002.jsonl.part")


def test_every_flipped_bit_and_every_cut_is_refused(here):
    """A damaged ledger stops the merge with its name and place, wherever the damage is."""
    path = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    good = path.read_bytes()
    for place in [*range(0, len(good), 41), len(good) - 1]:
        flipped = good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :]
        for data in (flipped, good[:place]):
            path.write_bytes(data)
            with pytest.raises(LedgerError, match=r"halving/000\.jsonl"):
                merge(here / "merged", [here / "2/1", here / "2/2"])
    assert not (here / "merged").exists()


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
def test_ledgers_of_others_are_refused(here, capsys, records):
    """Well checksummed lines that are no ledger of this harness are refused, without a traceback."""
    data, crc = b"", 0
    for record in records:
        line, crc = encode(record, crc)
        data += line
    (here / "2/1/tiny/runs/toy/halving/000.jsonl").write_bytes(data)

    refused(capsys, here, "toy/halving/000.jsonl")


@pytest.mark.parametrize("field", ["created", "data", "environment"])
def test_a_header_that_lacks_what_merging_compares_is_refused(here, capsys, field):
    """The file, what every header has, and what to do."""
    path = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    edit(path, 0, **{field: None})

    told = f"no ledger of this harness (ValueError: its header lacks {field}); leave it out"
    refused(capsys, here, f"2/1/tiny/runs/toy/halving/000.jsonl: {told}")


@pytest.mark.parametrize("form", ["jsonl", "jsonl.part"])
def test_a_ledger_that_cannot_be_read_is_refused(here, capsys, form):
    """A folder under a ledger's name is no empty ledger."""
    path = here / "2/1/tiny/runs/toy/halving/000.jsonl"
    path.unlink()
    path.with_name(f"000.{form}").mkdir()

    refused(capsys, here, f"000.{form}", "cannot be read")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not valid JSON"),
        ("<html>", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "format None is not 1"),
        ('{"format": 2}', "format 2 is not 1"),
        ('{"format": 1}', "name = None"),
        ({"name": "../../up"}, "name = '../../up'"),
        ({"repetitions": 0}, "repetitions = 0"),
        ({"repetitions": True}, "repetitions = True"),
        ({"repetitions": 10**30}, "repetitions = 1000"),
        ('{"format": 1, "name": "x", "repetitions": 1}', "seed: missing; run the suite again to write it anew"),
        ({"clock": "sun"}, "clock = 'sun'"),
        ({"objectives": []}, "objectives = []"),
        ({"objectives": ["x"]}, "objectives.label = None"),
        ({"objectives": [{"label": "../x"}]}, "objectives.label = '../x'"),
        ({"objectives": [{"label": "x", "name": "y"}]}, "objectives.x.options: missing"),
        ({"algorithms": [{"label": "/etc"}]}, "algorithms.label = '/etc'"),
    ],
)
def test_bad_plans_are_refused(here, capsys, content, told):
    """A plan that is none, or that would lead out of the folder, is refused with its field."""
    path = here / "2/1/tiny/suite.json"
    path.write_text(content if isinstance(content, str) else json.dumps(json.loads(path.read_text()) | content))

    refused(capsys, here, "2/1/tiny/suite.json", told, sources=("2/1",))


@pytest.mark.parametrize(
    ("out", "sources", "told"),
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
def test_bad_folders_are_refused(here, capsys, out, sources, told):
    """What is no folder, or holds no suite or several, is refused by the argument's name."""
    for name in ("one", "two"):
        (here / "several" / name).mkdir(parents=True)
        shutil.copy(here / "2/1/tiny/suite.json", here / "several" / name)

    refused(capsys, here, told, out=out, sources=sources)


def test_the_target_of_another_suite_is_refused(here, capsys):
    """What is in the target must be the same suite."""
    options = ["--jobs", "1", "--device", "cpu", "--quiet", "--results", "other", "--shard", "1/2"]
    assert main(["run", "tiny.toml", "--set", "seed=4", *options]) == 0

    refused(capsys, here, "another suite", "seed", out="other", sources=("2/1",))


def test_a_target_that_another_process_begins_meanwhile_is_refused(here, monkeypatch):
    """Between looking and taking hold of the folder somebody else merges there: nothing of it is touched."""
    merging = import_module("benchmark.shards.merge")
    target, claimed = here / "merged/tiny", merging.claimed

    def late(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "suite.json").write_text("{}")
        return claimed(folder)

    monkeypatch.setattr(merging, "claimed", late)
    with pytest.raises(RunRefused) as refused:
        merge(here / "merged", [here / "2/1", here / "2/2"])

    assert str(refused.value) == f"{target}: another process has begun there meanwhile; merge again"
    assert (target / "suite.json").read_text() == "{}"


# properties


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_deal_of_ledgers_merges_to_the_best_of_them(home, expected, data):
    """Runs dealt at random to folders, complete, torn or both, from two executions: the merge is their maximum.

    It does not depend on the order, nor on whether it is done at once or in steps.
    """
    executions = [home / "unbroken/tiny", home / "again/tiny"]
    names = sorted(expected)
    deal = st.lists(st.sampled_from(["none", "none", "done-0", "done-1", "part-0", "part-1"]), min_size=12, max_size=12)
    dealt = data.draw(st.lists(deal, min_size=1, max_size=4))
    seed = data.draw(st.integers(0, 2**32))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        best = dict.fromkeys(names, -1)
        folders = []
        for place, states in enumerate(dealt):
            folder = base / f"shard-{place}"
            folders.append(folder)
            folder.mkdir()
            shutil.copy(executions[0] / "suite.json", folder)
            for name, state in zip(names, states, strict=True):
                if state == "none":
                    continue
                kind, number = state.split("-")
                content = (executions[int(number)] / name).read_bytes()
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if kind == "done":
                    path.write_bytes(content)
                    best[name] = 10**9
                else:
                    size = rng.randrange(len(content))
                    part_of(path).write_bytes(content[:size])
                    best[name] = max(best[name], content[:size].count(b"\n") - 1)

        merged = merge(base / "once", folders)
        rng.shuffle(folders)
        for folder in folders:
            merge(base / "steps", [folder])

        found = results_of(base / "once/tiny")
        assert found == {name: expected[name] for name in names if best[name] == 10**9}
        assert {str(path) for path, _ in merged.unfinished} == set(names) - set(found)
        for name in set(names) - set(found):
            part = part_of(base / "once/tiny" / name)
            assert part.exists() == (best[name] >= 0)
            if part.exists():
                assert part.read_bytes().count(b"\n") - 1 == best[name]
        assert tree(base / "once") == tree(base / "steps")

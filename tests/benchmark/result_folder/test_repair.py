"""Repair: whole records of a damaged ledger are kept, the rest trained to the unbroken bytes, nothing is destroyed."""

import json
import shutil

import pytest

from benchmark.cli.main import main
from benchmark.errors import shell_command
from benchmark.result_folder import repair
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.repair import repair_ledger
from benchmark.storage import ledger_format
from benchmark.storage.ledger_format import encode_record, failed_path, parse_ledger, partial_path, read_ledger

TINY = """
seed = 4
repetitions = 2
budget.trials = 5
objectives.branin = { noise = 1.0 }
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
"""
MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "start", "end", "crc")


def command(name, folder):
    """A command of the benchmark on the folder's suite."""
    return [name, str(folder / "tiny.toml"), "--results", str(folder)]


def evaluations(folder):
    """What all complete ledgers hold, without what is measured."""
    found = {}
    for path in sorted((folder / "tiny").glob("runs/*/*/*.jsonl")):
        records = [record for record in read_ledger(path).records if record["kind"] == "evaluation"]
        found[path.relative_to(folder)] = [
            {name: value for name, value in record.items() if name not in MEASURED} for record in records
        ]
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A folder with a finished suite."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "tiny.toml").write_text(TINY)
    assert main([*command("run", folder), "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    return folder


@pytest.fixture
def here(unbroken, tmp_path):
    """A copy of it."""
    return shutil.copytree(unbroken, tmp_path / "here")


def first(folder):
    """The suite's first ledger."""
    return folder / "tiny" / "runs" / "branin" / "random" / "000.jsonl"


def flipped(data, line):
    """A ledger's bytes with a bit of one line changed."""
    place = sum(len(one) + 1 for one in data.split(b"\n")[:line]) + 20
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("line", range(7))
def test_a_flipped_bit_costs_what_follows_it(here, unbroken, capsys, line):
    """Lines before it are kept, the run goes on to the unbroken bytes, and the damaged file is still there."""
    path, data = first(here), first(here).read_bytes()
    path.write_bytes(flipped(data, line))
    assert main([*command("run", here), "--jobs", "1", "--device", "cpu", "--quiet"]) == 2
    assert "-m benchmark repair SUITE" in capsys.readouterr().err

    assert main(command("repair", here)) == 0

    output = capsys.readouterr().out.splitlines()
    aside = path.with_name("000.jsonl.damaged-1")
    start = len(b"".join(data.splitlines(keepends=True)[:line]))
    assert output[0] == (
        f"{path}: line {line + 1} (byte {start}) is damaged: {line} records kept, the file is now {aside}"
    )
    assert output[1].startswith(f"1 ledger repaired; to train what is lacking: {shell_command('benchmark', 'run')} ")
    assert aside.read_bytes() == flipped(data, line)
    assert not path.exists()
    assert partial_path(path).exists() == (line > 0)
    if line:
        assert partial_path(path).read_bytes() == b"".join(data.splitlines(keepends=True)[:line])
    assert main([*command("run", here), "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    assert evaluations(here) == evaluations(unbroken)


def test_all_damaged_ledgers_are_repaired_as_often_as_it_takes(here, capsys):
    """Each is reported, all are counted; one that is damaged three times has three copies, told from each other."""
    other = here / "tiny" / "runs" / "branin" / "local" / "001.jsonl"
    other.write_bytes(flipped(other.read_bytes(), 2))
    whole = first(here).read_bytes()
    damaged = [flipped(whole, line) for line in (5, 4, 3)]
    first(here).write_bytes(damaged[0])
    assert main(command("repair", here)) == 0
    output = capsys.readouterr().out.splitlines()
    for data in damaged[1:]:
        partial_path(first(here)).unlink(missing_ok=True)
        first(here).write_bytes(data)
        assert main(command("repair", here)) == 0

    assert [line.partition(": ")[0] for line in output[:2]] == [str(first(here)), str(other)]
    assert output[2].startswith("2 ledgers repaired; ")
    names = [first(here).with_name(f"000.jsonl.damaged-{number}") for number in (1, 2, 3)]
    assert [name.read_bytes() for name in names] == damaged


def test_runs_that_were_never_begun_lack_nothing(here, capsys):
    """A ledger that is not there is not damaged; the next one still is looked at."""
    first(here).unlink()
    other = here / "tiny" / "runs" / "branin" / "local" / "001.jsonl"
    other.write_bytes(flipped(other.read_bytes(), 2))

    assert main(command("repair", here)) == 0

    assert capsys.readouterr().out.splitlines()[1].startswith("1 ledger repaired")
    assert not first(here).exists()
    assert not partial_path(first(here)).exists()


def test_a_complete_ledger_that_was_cut_goes_on(here, unbroken):
    """Cut in the middle of a line, it is not complete any more, and its whole lines are."""
    path, data = first(here), first(here).read_bytes()
    path.write_bytes(data[: len(data) // 2])

    assert main(command("repair", here)) == 0

    assert partial_path(path).read_bytes() == data[: data.rindex(b"\n", 0, len(data) // 2) + 1]
    assert main([*command("run", here), "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    assert evaluations(here) == evaluations(unbroken)


def test_what_follows_the_end_costs_nothing(here):
    """A run that had ended is complete again."""
    path, data = first(here), first(here).read_bytes()
    path.write_bytes(data + b"what an editor left\n")

    assert main(command("repair", here)) == 0

    assert path.read_bytes() == data
    assert not partial_path(path).exists()
    assert path.with_name("000.jsonl.damaged-1").read_bytes() == data + b"what an editor left\n"


def test_a_second_end_costs_nothing(here):
    """As an earlier version wrote it when it was killed between the end and the file's final name."""
    path, data = first(here), first(here).read_bytes()
    contents = parse_ledger(path, data)
    path.write_bytes(
        data + encode_record({k: v for k, v in contents.records[-1].items() if k != "crc"}, contents.crc)[0]
    )

    assert main(command("repair", here)) == 0

    assert path.read_bytes() == data


def test_a_failed_ledger_is_tried_again_from_its_whole_records(here):
    """Damaged, it gives its records before the damage to the next start."""
    path, data = first(here), first(here).read_bytes()
    path.rename(failed_path(path))
    failed_path(path).write_bytes(flipped(data, 3))

    assert main(command("repair", here)) == 0

    assert len(read_ledger(partial_path(path)).records) == 3
    assert not failed_path(path).exists()
    assert failed_path(path).with_name("000.jsonl.failed.damaged-1").exists()


def test_what_is_whole_stays_as_it_is(here, capsys):
    """Nothing is written where nothing is damaged; torn tails are no damage."""
    part = partial_path(first(here))
    first(here).rename(part)
    part.write_bytes(part.read_bytes()[:-5])
    before = {path: path.read_bytes() for path in sorted((here / "tiny").rglob("*.jsonl*"))}

    assert main(command("repair", here)) == 0

    assert capsys.readouterr().out == "no ledger is damaged\n"
    assert {path: path.read_bytes() for path in sorted((here / "tiny").rglob("*.jsonl*"))} == before


@pytest.mark.parametrize("call", ["link", "replace", "unlink", "fsync"])
def test_interrupted_it_may_be_done_again(here, unbroken, monkeypatch, capsys, call):
    """Whichever step fails, the damaged bytes are still in a file, and the next repair ends the same."""
    path, data = first(here), first(here).read_bytes()
    damaged = flipped(data, 4)
    path.write_bytes(damaged)

    def broken(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        owner = {"link": repair.os, "fsync": repair.os}.get(call, repair.Path)
        patched.setattr(owner, call, broken)
        assert main(command("repair", here)) == 2
    assert "cannot be repaired (No space left on device); make room and do it again" in capsys.readouterr().err
    assert damaged in [file.read_bytes() for file in path.parent.glob("000.jsonl*")]

    assert main(command("repair", here)) == 0
    assert len(read_ledger(partial_path(path)).records) == 4
    assert damaged in [file.read_bytes() for file in path.parent.glob("000.jsonl*damaged*")]
    assert main([*command("run", here), "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    assert evaluations(here) == evaluations(unbroken)


def test_a_shorter_part_beside_a_damaged_file_is_kept_too(here):
    """Whatever is overwritten has a further name first."""
    path, data = first(here), first(here).read_bytes()
    partial_path(path).write_bytes(b"".join(data.splitlines(keepends=True)[:2]))
    path.write_bytes(flipped(data, 4))

    assert repair_ledger(path).kept == 4

    assert len(read_ledger(partial_path(path)).records) == 4
    kept = partial_path(path).with_name("000.jsonl.part.damaged-1")
    assert kept.read_bytes() == b"".join(data.splitlines(keepends=True)[:2])


@pytest.mark.parametrize("damaged", ["complete", "part"])
def test_the_longer_of_two_ledgers_stays(here, damaged):
    """A run that goes on under a larger budget has two; the damaged one is set aside, and the other is as it was."""
    path, data = first(here), first(here).read_bytes()
    other = b"".join(data.splitlines(keepends=True)[:6])
    part = partial_path(path)
    path.write_bytes(flipped(data, 2) if damaged == "complete" else data)
    part.write_bytes(other if damaged == "complete" else flipped(other, 2))

    assert repair_ledger(path).kept == (6 if damaged == "complete" else 7)
    assert repair_ledger(path) is None

    assert [path.exists(), part.exists()] == [damaged == "part", damaged == "complete"]
    assert (part if damaged == "complete" else path).read_bytes() == (other if damaged == "complete" else data)


def test_ledgers_of_a_recheck_are_repaired_too(here, capsys):
    """They are read by the same commands, whose advice is the same."""
    path = here / "tiny/recheck/runs/branin/list-000/000.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(flipped(first(here).read_bytes(), 3))

    assert main(command("repair", here)) == 0

    assert "3 records kept" in capsys.readouterr().out
    assert len(read_ledger(partial_path(path)).records) == 3


def test_another_format_is_no_damage(here, capsys):
    """A ledger of a newer version is refused and left alone."""
    line, crc = encode_record({"kind": "header", "format": ledger_format.FORMAT + 1}, 0)
    data = line + b"no record\n"
    first(here).write_bytes(data)

    assert main(command("repair", here)) == 2

    assert json.loads(line)["format"] == 2
    assert first(here).read_bytes() == data
    assert crc
    assert "is damaged" in capsys.readouterr().err


def test_a_suite_at_work_is_not_repaired(here, capsys):
    """Another process holds the folder: refused, and nothing moved."""
    first(here).write_bytes(flipped(first(here).read_bytes(), 2))
    with folder_lock(here / "tiny"):
        assert main(command("repair", here)) == 2
    assert "another process is running this suite" in capsys.readouterr().err
    assert first(here).exists()


def test_there_has_to_be_something(tmp_path, capsys):
    """Without results there is nothing to repair, and no folder is made."""
    (tmp_path / "tiny.toml").write_text(TINY)
    assert main(command("repair", tmp_path)) == 2
    assert "there is none, so nothing to repair" in capsys.readouterr().err
    assert not (tmp_path / "tiny").exists()

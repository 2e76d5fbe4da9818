"""Provenance: what it tells of files, that it repeats to the byte, and what it does not take for one."""

import json

import pytest

from analysis.loading.results import load
from analysis.provenance.checksums import NAME, inputs, libraries, parse, provenance, read, with_provenance
from benchmark.errors import BadInput, shell_command

FILES = {"b.csv": b"two\n", "a.csv": b"one\n"}
ONE = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"


@pytest.fixture
def planted(suite):
    """A suite of two runs, one of them unfinished, and a ledger that is not planned."""
    suite.run([(0.5, 0.6, 1.0), (0.3, 0.2, 3.0)], 0)
    suite.run([(0.6, 0.5, 2.0)], 1, state="partial")
    suite.run([(0.6, 0.5, 2.0)], 7)
    return suite


def made(suite, files=FILES, before=None):
    """The provenance of files of a suite."""
    return provenance(suite.folder, load(suite.folder), files, before)


def test_it_names_what_went_in_and_what_came_out(planted):
    """The plan, each planned ledger under the name that it has, and the files, each with its SHA-256; nothing else."""
    told = json.loads(made(planted))
    assert list(told["inputs"]) == ["suite.json", "runs/bowl/random/000.jsonl", "runs/bowl/random/001.jsonl.part"]
    assert list(told["files"]) == ["a.csv", "b.csv"]
    assert told["files"]["a.csv"] == ONE
    assert set(told) == {"format", "suite", "code", "libraries", "inputs", "files"}
    assert {"python", "arch", "numpy", "pandas", "matplotlib"} <= set(told["libraries"])


def test_made_twice_it_has_the_same_bytes_and_no_secret(planted, monkeypatch):
    """No date, path, host or variable of the environment is in it, whatever order files come in."""
    first = made(planted)
    monkeypatch.setenv("API_TOKEN", "hunter2")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    again = made(planted, dict(reversed(FILES.items())))
    assert again == first
    assert b"hunter2" not in again
    assert str(planted.folder.parent).encode() not in again


def test_a_rechecks_ledgers_are_inputs(planted):
    """Tables of a recheck are made of its list and ledgers, so these are told too."""
    again = planted.folder / "recheck"
    (again / "runs" / "bowl" / "list-000").mkdir(parents=True)
    (again / "runs" / "bowl" / "list-000" / "000.jsonl").write_text("x")
    (again / "runs" / "bowl" / "list-000" / "000.jsonl.part.torn-1").write_text("x")
    (again / "incumbents.json").write_text("{}")
    told = inputs(planted.folder, load(planted.folder).plan)
    assert list(told)[-2:] == ["recheck/incumbents.json", "recheck/runs/bowl/list-000/000.jsonl"]


def test_files_written_before_stay_told_while_they_are_true(planted):
    """A single figure written anew keeps what is told of the others, until a ledger has changed."""
    first = made(planted)
    both = json.loads(made(planted, {"c.csv": b"three\n", "a.csv": b"new\n"}, first))
    assert list(both["files"]) == ["a.csv", "b.csv", "c.csv"]
    assert both["files"]["a.csv"] != ONE
    planted.run([(0.5, 0.6, 1.0)], 0)
    assert list(json.loads(made(planted, {"c.csv": b"three\n"}, first))["files"]) == ["c.csv"]
    assert list(json.loads(made(planted, {"c.csv": b""}, b"{"))["files"]) == ["c.csv"]


def test_every_folder_gets_its_own(planted):
    """The files of each folder are told beside them, and are not changed."""
    contents = {"tables": {"a.csv": b"one\n"}, "figures": {"f.png": b"p"}}
    told = with_provenance(planted.folder, load(planted.folder), contents)
    assert {name: list(files) for name, files in told.items()} == {
        "tables": ["a.csv", NAME],
        "figures": ["f.png", NAME],
    }
    assert told["tables"]["a.csv"] == b"one\n"
    assert list(json.loads(told["figures"][NAME])["files"]) == ["f.png"]


def test_it_reads_back(planted, tmp_path):
    """What was written is what is read."""
    path = tmp_path / NAME
    path.write_bytes(made(planted))
    found = read(path)
    assert found.to_json() == path.read_bytes()
    assert found.libraries == libraries()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": 2}',
        b"[" * 100_000,
        b'{"format": 1, "suite": "s", "code": "c", "libraries": {}, "inputs": {}, "files": {"a": "short"}}',
        b'{"format": 1, "suite": "s", "code": "c", "libraries": {}, "inputs": [], "files": {}}',
        b'{"format": 1, "suite": "s", "code": "c", "libraries": {"a": 1}, "inputs": {}, "files": {}}',
        b'{"format": 1, "suite": 1, "code": "c", "libraries": {}, "inputs": {}, "files": {}}',
        b'{"format": 1, "suite": "s", "code": "c", "libraries": [], "inputs": {}, "files": {}}',
    ],
    ids=range(13),
)
def test_what_is_none_is_refused(tmp_path, data):
    """The file is named, with what is wrong and what to do."""
    with pytest.raises(BadInput, match=r"provenance\.json: .*; restore the file"):
        parse(tmp_path / NAME, data)


def test_a_missing_or_huge_one_is_refused(tmp_path):
    """Neither is read; both say how to get one."""
    path = tmp_path / NAME
    with pytest.raises(BadInput, match="there is none"):
        read(path)
    with path.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(BadInput, match="at most 100000000 are read"):
        read(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[", "not valid JSON (Expecting value: line 1 column 2 (char 1))"),
        (b"[]", "need a JSON object of format 1, which this version reads"),
        (b'{"format": 1}', "need suite, code, libraries, and SHA-256 checksums of inputs and files"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, data, message):
    """The file, what a provenance needs, and what to do: word by word."""
    with pytest.raises(BadInput) as refused:
        parse(tmp_path / NAME, data)

    assert str(refused.value) == f"{tmp_path / NAME}: {message}; restore the file, or write the files beside it anew"


def test_one_that_cannot_be_read_is_told(tmp_path):
    """A folder under its name: the file, the reason and the command."""
    (tmp_path / NAME).mkdir()
    with pytest.raises(BadInput) as refused:
        read(tmp_path / NAME)

    remedy = f"write the files anew, as by {shell_command('analysis', 'plots', 'SUITE')}"
    assert str(refused.value) == f"{tmp_path / NAME}: cannot be read (Is a directory); {remedy}"

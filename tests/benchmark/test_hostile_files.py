"""Files that were made to do harm: nothing hangs, no code of theirs runs, and each is refused by name."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli.main import main
from benchmark.errors import BadInput
from benchmark.storage import untrusted_files
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.tables import table_file as table

SUITE = """
seed = 1
budget = { trials = 1 }
objectives = { branin = { discretise = 2 } }
algorithms = { plain = { searcher = "random" } }
"""


def refusal_of(call, *arguments):
    """The message with which something is refused; nothing else may be raised."""
    with pytest.raises(BadInput) as caught:
        call(*arguments)
    message = str(caught.value)
    assert len(message) < 2500
    assert len(message.splitlines()) <= 3
    return message


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a good suite."""
    (tmp_path / "good.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_are_read_up_to_a_size(tmp_path):
    """The reader gives a file's bytes, and refuses what is larger than it may be, a folder, a pipe, and nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    os.mkfifo(tmp_path / "pipe")

    assert untrusted_files.read_limited(path, 3) == b"abc"
    assert refusal_of(untrusted_files.read_limited, path, 2) == f"{path}: larger than 2 bytes"
    for name in (tmp_path, tmp_path / "pipe"):
        assert refusal_of(untrusted_files.read_limited, name, 2) == f"{name}: not a regular file"
    missing = tmp_path / "missing"
    assert refusal_of(untrusted_files.read_limited, missing, 2) == f"{missing}: there is no such file"


# JSON.

LOOSE = {
    "nan": (b'{"a": NaN}', "it holds NaN"),
    "infinity": (b"[-Infinity]", "it holds -Infinity"),
    "1e400": (b'{"a": 1e400}', "it holds 1e400, which no double holds"),
    "-1e400": (b'{"a": [-1E+400]}', "it holds -1E\\+400"),
    "key twice": (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' is there twice"),
    "inner key twice": (b'{"x": [{"a": 1, "a": 1}]}', "the key 'a' is there twice"),
    "bom": (b'\xef\xbb\xbf{"a": 1}', "BOM"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "utf-8"),
    "latin-1": ('{"é": 1}'.encode("latin-1"), "utf-8"),
    "surrogate": (b'{"a": "\\ud800"}', "surrogates"),
    "5000 digits": (b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
    "deep list": (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    "deep table": (b'{"a":' * 100_000, "nested too deep"),
    "comma": (b'{"a": 1,}', "Expecting property name"),
    "rest": (b"{} {}", "Extra data"),
    "empty": (b"", "Expecting value"),
    "NUL": (b"{}\0", "Extra data"),
}


@pytest.mark.parametrize("case", LOOSE)
def test_loose_json_is_refused(case):
    """What Python's reader lets pass, or what makes it fail in other ways, is one kind of error."""
    text, told = LOOSE[case]
    with pytest.raises(ValueError, match=told):
        untrusted_files.parse_strict_json(text)


def test_good_json_is_read():
    """Numbers, nests and characters of all kinds come through as they are."""
    value = {"a": [1, -0.0, 1.5e300, None, True, {"é": "\U0001f600"}], "b": {}}
    assert untrusted_files.parse_strict_json(json.dumps(value).encode()) == value
    assert untrusted_files.parse_strict_json(json.dumps(value, ensure_ascii=False).encode()) == value


# Offline tables.

HEADER = {
    "format": 1,
    "suite_seed": 1,
    "objective": {"part": {"name": "branin"}},
    "data": {},
    "environment": {},
    "configs": [{"x": 0.25}, {"x": 0.75}],
}
ARRAYS = {
    "valid": np.full((2, 1, 3), 0.5),
    "test": np.full((2, 1, 3), 0.5),
    "seconds": np.ones((2, 1, 3)),
    "reached": np.full((2, 1), 3, np.int64),
    "diverged": np.zeros((2, 1), bool),
    "repetitions": np.zeros(1, np.int64),
}


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def packed(header=HEADER, **changes):
    """The bytes of a table with some parts changed; None leaves one out."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    parts = {"header": np.frombuffer(text, np.uint8), **ARRAYS, **changes}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: part for name, part in parts.items() if part is not None})
    return buffer.getvalue()


def member(kind, shape, data=b""):
    """An array's file with a header of our own."""
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


def with_members(**members):
    """A good table's archive with some members' bytes exchanged or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed())) as good, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            bad.writestr(name, members.pop(name.removesuffix(".npy"), good.read(name)))
        for name, data in members.items():
            bad.writestr(name, data)
    return buffer.getvalue()


def bomb():
    """Nine claimed gigabytes in a small archive: the size is in its directory."""
    data = bytearray(packed())
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (0xFFFFFFFE).to_bytes(4, "little")
    place = data.index(b"PK\x01\x02", place) + 24
    data[place : place + 4] = (0xFFFFFFFE).to_bytes(4, "little")
    return bytes(data)


def headed(**changes):
    return packed({**HEADER, **changes})


def saved(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


TEXT = json.dumps(HEADER).encode()
TABLES = {
    "empty": (lambda: b"", "not a table"),
    "web page": (lambda: b"<!DOCTYPE html><title>Sign in</title>", "not a table"),
    "cut": (lambda: packed()[:-30], "not a table"),
    "half": (lambda: packed()[: len(packed()) // 2], "not a table"),
    "one array": (lambda: saved(np.arange(3)), "not a table"),
    "broken stream": (lambda: bytes(x ^ (0x55 if 60 < i < 300 else 0) for i, x in enumerate(packed())), "not a table"),
    "bomb": (bomb, "it unpacks to 8589"),
    "endless array": (lambda: with_members(valid=member("'<f8'", (10**9, 10**9))), "not a table"),
    "negative array": (lambda: with_members(valid=member("'<f8'", (-1,))), "not a table"),
    "leads out": (lambda: with_members(**{"../../evil": b"x"}), "it holds '../../evil'"),
    "absolute": (lambda: with_members(**{"/etc/evil": b"x"}), "it holds '/etc/evil'"),
    "member more": (lambda: packed(more=np.zeros(1)), "'more.npy'"),
    "member less": (lambda: packed(test=None), "need header.npy"),
    "header nan": (lambda: packed(TEXT.replace(b'"suite_seed": 1', b'"suite_seed": NaN')), "it holds NaN"),
    "header 1e400": (lambda: packed(TEXT.replace(b'"suite_seed": 1', b'"suite_seed": 1e400')), "it holds 1e400"),
    "header key twice": (lambda: packed(TEXT[:-1] + b', "suite_seed": 2}'), "'suite_seed' is there twice"),
    "header bom": (lambda: packed(b"\xef\xbb\xbf" + TEXT), "not a table"),
    "header utf-16": (lambda: packed(TEXT.decode().encode("utf-16")), "not a table"),
    "header digits": (lambda: packed(TEXT.replace(b": 1,", b": " + b"9" * 5000 + b",")), "4300 digits"),
    "header deep": (lambda: packed(b"[" * 100_000), "nested too deep"),
    "header list": (lambda: packed(b"[]"), "format = None, need 1 or 2"),
    "newer format": (lambda: headed(format=3), "format = 3, need 1 or 2"),
    "configs number": (lambda: headed(configs=5), "configs = 5: need a value of type list"),
    "configs null": (lambda: headed(configs=None), "configs = None: need"),
    "configs texts": (lambda: headed(configs=["a", "b"]), "configs hold 'a'"),
    "configs nested": (lambda: headed(configs=[{"x": [1]}, {"x": 2}]), "configs hold {'x': [1]}"),
    "configs twice": (lambda: headed(configs=[{"x": 1}, {"x": 1}]), "configs hold one of them twice"),
    "environment null": (lambda: headed(environment=None), "environment = None: need"),
    "environment list": (lambda: headed(environment=[]), "environment = []: need a value of type dict"),
    "objective text": (lambda: headed(objective="x"), "objective = 'x': need"),
    "objective empty": (lambda: headed(objective={}), "objective = {}: need a table with a part"),
    "data list": (lambda: headed(data=[]), "data = []: need"),
    "seed true": (lambda: headed(suite_seed=True), "suite_seed = True: need"),
    "errors texts": (lambda: packed(valid=np.full((2, 1, 3), "x")), "valid of type <U1, need float64"),
    "errors complex": (lambda: packed(valid=np.full((2, 1, 3), 0.5j)), "valid of type complex128"),
    "errors single": (lambda: packed(valid=np.full((2, 1, 3), 0.5, np.float32)), "valid of type float32"),
    "errors whole": (lambda: packed(test=np.ones((2, 1, 3), int)), "test of type int64, need float64"),
    "errors big-endian": (lambda: packed(valid=np.full((2, 1, 3), 0.5, ">f8")), "valid of type >f8, need float64"),
    "errors dates": (lambda: packed(valid=np.zeros((2, 1, 3), "datetime64[s]")), "valid of type datetime64"),
    "errors nan": (lambda: packed(valid=np.full((2, 1, 3), np.nan)), "errors that are not finite"),
    "errors flat": (lambda: packed(valid=np.zeros(6)), "errors of shape (6,)"),
    "no errors": (lambda: packed(valid=np.zeros((2, 1, 0))), "errors of shape (2, 1, 0)"),
    "seconds nan": (lambda: packed(seconds=np.full((2, 1, 3), np.nan)), "seconds that are not finite or less than 0"),
    "seconds -1": (lambda: packed(seconds=-np.ones((2, 1, 3))), "seconds that are not finite or less than 0"),
    "reached float": (lambda: packed(reached=np.ones((2, 1))), "reached of type float64, need int64"),
    "reached more": (lambda: packed(reached=np.full((2, 1), 4)), "more epochs than it holds"),
    "reached -1": (lambda: packed(reached=np.full((2, 1), -1)), "more epochs than it holds"),
    "diverged texts": (lambda: packed(diverged=np.full((2, 1), "no")), "diverged of type <U2, need bool"),
    "repetitions 2d": (lambda: packed(repetitions=np.zeros((1, 1), int)), "repetitions of shape (1, 1)"),
    "repetitions 0d": (lambda: packed(repetitions=np.int64(0)), "repetitions of shape ()"),
    "repetitions -1": (lambda: packed(repetitions=np.array([-1])), "repetitions = [-1]: need different numbers"),
    "repetitions none": (lambda: packed(repetitions=np.zeros(0, int)), "errors of shape"),
}


def test_the_good_table_is_good(tmp_path):
    """What the cases below spoil is read as it stands: a test of the tests."""
    path = tmp_path / "x.npz"
    path.write_bytes(packed())
    assert table.load_table(path).members.configs == ({"x": 0.25}, {"x": 0.75})
    path.write_bytes(with_members())
    assert table.load_table(path).reached.tolist() == [[3], [3]]


@pytest.mark.parametrize("case", TABLES)
def test_a_hostile_table_is_refused(tmp_path, case):
    """Whatever is wrong with a table's file, one message names the file and what."""
    make, told = TABLES[case]
    path = tmp_path / "x.npz"
    path.write_bytes(make())
    message = refusal_of(table.load_table, path)
    assert message.startswith(f"table {path}: ")
    assert told in message


@pytest.mark.parametrize("form", ["pickle", "array", "header", "errors", "member"])
def test_no_table_runs_code(tmp_path, form):
    """A pickle in the place of a table or of a part of it is refused unopened; opened it would leave a mark."""
    marker, path = tmp_path / "ran", tmp_path / "x.npz"
    objects = np.array([Evil(marker)], dtype=object)
    forms = {
        "pickle": lambda: pickle.dumps(Evil(marker)),
        "array": lambda: saved(objects, allow_pickle=True),
        "header": lambda: packed(**{"repetitions": objects}),
        "errors": lambda: packed(valid=objects.reshape(1, 1, 1)),
        "member": lambda: with_members(valid=member("'|O'", (1,), pickle.dumps(Evil(marker)))),
    }
    path.write_bytes(forms[form]())
    assert "not a table" in refusal_of(table.load_table, path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Evil(marker)))
    assert marker.is_dir(), "the payload is no payload"


def test_no_calibration_runs_code(here, capsys):
    """A pickle, or Python, in the place of a calibration is no TOML."""
    marker = here / "ran"
    for data in (pickle.dumps(Evil(marker)), f"__import__('os').mkdir({str(marker)!r})".encode()):
        Path("c.toml").write_bytes(data)
        assert main(["run", "good.toml", "--set", "calibration=c.toml"]) == 2
        assert "not valid TOML" in capsys.readouterr().err
    assert not marker.exists()


# Headers.


@pytest.mark.parametrize("part", ["run", "data", "environment"])
@pytest.mark.parametrize("value", [None, [], "x", 3, "lost"], ids=repr)
def test_a_header_without_its_tables_is_refused(part, value):
    """A header that others wrote may lack anything: what it lacks is named."""
    good = {"run": {}, "data": {}, "environment": {}}
    recorded = {**good, part: value}
    if value == "lost":
        del recorded[part]
    with pytest.raises(RunRefused, match=rf"x\.jsonl: its header has {part} = .*need a table"):
        check_header(recorded, good, Path("x.jsonl"), allow_mixed=True)

"""Results that were made to do harm: the analysis refuses them by name, and waits for nothing."""

import json
import zlib
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.loading.records import read
from benchmark.errors import BadInput

VERBS = ("tables", "report")


@pytest.fixture
def done(suite):
    """A planted suite with two complete runs."""
    for repetition in range(2):
        suite.run([(0.5, 0.5, 1.0), (0.25, 0.25, 2.0)], repetition)
    return suite


@pytest.fixture
def refused(done, capsys):
    """A function that reads the suite, which must be refused in good order, and gives the message."""

    def check(verb="tables"):
        before = sorted(done.folder.rglob("*"))
        code = main([verb, "planted", "--results", str(done.folder.parent)])
        out, message = capsys.readouterr()
        assert (code, out) == (2, ""), message
        assert message.startswith("error: ")
        assert len(message.splitlines()) <= 3
        assert len(message) < 2500
        assert sorted(done.folder.rglob("*")) == before, "something was written"
        return message

    return check


def test_the_good_suite_is_good(done):
    """What the cases below spoil is read as it stands: a test of the tests."""
    assert main(["tables", "planted", "--results", str(done.folder.parent), "--quiet"]) == 0


# Pipes, devices, sockets.


# The plan.


def edited(old, new):
    return lambda text: text.replace(old, new, 1)


def added(more):
    return lambda text: text[:-1] + ", " + more + "}"


PLANS = {
    "nan": (edited('"seed": 1', '"seed": NaN'), "it holds NaN"),
    "1e400": (edited('"trials": 20', '"trials": 1e400'), "it holds 1e400, which no double holds"),
    "huge budget": (edited('"trials": 20', '"trials": 1' + "0" * 400), "budget.trials = 1000"),
    "key twice": (added('"seed": 2'), "the key 'seed' is there twice"),
    "bom": (lambda text: "\ufeff" + text, "BOM"),
    "utf-16": (lambda text: text.encode("utf-16"), "utf-8"),
    "utf-32": (lambda text: text.encode("utf-32"), "utf-8"),
    "surrogate": (edited('"Planted results"', '"\\ud800"'), "surrogates not allowed"),
    "5000 digits": (edited('"seed": 1', '"seed": ' + "9" * 5000), "4300 digits"),
    "deep": (added('"x": ' + "[" * 100_000 + "]" * 100_000), "nested too deep"),
    "trailing comma": (lambda text: text[:-1] + ",}", "not valid JSON"),
    "NUL": (lambda text: text + "\0", "not valid JSON"),
    "pickle": (lambda text: b"\x80\x04\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.", "not valid JSON"),
    "many repetitions": (edited('"repetitions": 2', '"repetitions": 1000000000'), "need a whole number in 1..1000"),
    "endless repetitions": (
        edited('"repetitions": 2', '"repetitions": 1' + "0" * 30),
        "need a whole number in 1..1000",
    ),
    "no repetitions": (edited('"repetitions": 2', '"repetitions": 0'), "repetitions = 0: need a whole number"),
    "name leads out": (edited('"name": "planted"', '"name": "../../etc"'), "name = '../../etc': need"),
    "name of a formula": (edited('"name": "planted"', '"name": "=1+1"'), "name = '=1+1': need"),
    "label leads out": (edited('"label": "random"', '"label": "../../x"'), "label '../../x': need"),
    "label of a formula": (edited('"label": "random"', '"label": "=cmd|x"'), "label '=cmd|x': need"),
    "label plus": (edited('"label": "random"', '"label": "+1"'), "label '+1': need"),
    "label at": (edited('"label": "random"', '"label": "@x"'), "label '@x': need"),
    "label of lines": (edited('"label": "random"', '"label": "a\\nb\\nc\\nd"'), r"label 'a\nb\nc\nd': need"),
    "long title": (edited('"Planted results"', f'"{"x" * 10**6}"'), "title = 'xxx"),
    "long clock": (edited('"measured"', f'"{"x" * 10**6}"'), "clock = 'xxx"),
    "control table": (added('"control": {}'), "control = {}: no such algorithm"),
    "control list": (added('"control": ["random"]'), "control = ['random']: no such algorithm"),
    "low nan": (edited('"low": 0.0001', '"low": -1e400'), "it holds -1e400"),
    "low huge": (edited('"low": 0.0001', '"low": -1' + "0" * 400), "space.learning_rate: low = -1000"),
    "low above high": (edited('"low": 0.0001', '"low": 5.0'), "low = 5.0, high = 1.0: need finite numbers"),
    "name of an axis": (edited('"learning_rate"', '"=1+1"'), "space: name '=1+1': need an identifier"),
    "chance huge": (edited('"chance_error": 0.9', '"chance_error": 1' + "0" * 400), "best below chance"),
    "choices nested": (
        edited('"kind": "float"', '"choices": [[1]], "kind": "categorical"'),
        "space.learning_rate.choices = [[1]]: need texts",
    ),
    "no choices": (edited('"kind": "float"', '"choices": [], "kind": "categorical"'), "choices = []: need"),
}


@pytest.mark.parametrize("case", PLANS)
def test_a_hostile_plan_is_refused(done, refused, case):
    """One message names the file, the field, its value and what is allowed; nothing is written beside it."""
    change, told = PLANS[case]
    path = done.folder / "suite.json"
    changed = change(path.read_text())
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    for verb in VERBS:
        message = refused(verb)
        assert str(path) in message
        assert told in message


# Ledgers whose checksums are right.

LINES = {
    "5000 digits": ('"index": 0', '"index": ' + "9" * 5000, "it is not JSON (Exceeds the limit"),
    "30 digits": ('"index": 0', '"index": 1' + "0" * 30, "index = 1000000000000000000000000000000 is not allowed"),
    "1e400": ('"valid_error": 0.5', '"valid_error": 1e400', "valid_error = inf is not allowed"),
    "nan": ('"valid_error": 0.5', '"valid_error": NaN', "it holds NaN"),
    "deep": ('"index": 0', '"x": ' + "[" * 100_000 + "]" * 100_000 + ', "index": 0', "it is not JSON"),
    "state list": ('"state": "ok"', '"state": []', "state = [] is not allowed"),
    "config list": ('"config": {"learning_rate": 0.1}', '"config": []', "config = [] is not allowed"),
    "config elsewhere": ('{"learning_rate": 0.1}', '{"learning_rate": "=1+1"}', "learning_rate = '=1+1' is not in"),
    "config of others": ('{"learning_rate": 0.1}', '{"momentum": 0.1}', "learning_rate = nothing is not in"),
}


@pytest.mark.parametrize("case", LINES)
def test_a_forged_line_is_refused(done, refused, planted_evaluation, case):
    """A value that cannot be is named with its line, though the checksums are those of the line."""
    old, new, told = LINES[case]
    path = done.run([(0.5, 0.5, 1.0)], 0)
    path.write_bytes(forged(path.read_bytes(), old, new))
    message = refused()
    assert told in message


def forged(data, old, new):
    """A ledger with one text changed, and all checksums made anew."""
    crc, lines = 0, []
    for line in data.splitlines():
        body = (line[: -len(b',"crc":"00000000"}')] + b"}").decode()
        spaced = json.dumps(json.loads(body))
        body = spaced.replace(old, new, 1).encode() if old in spaced else body.encode()
        crc = zlib.crc32(body, crc)
        lines.append(body[:-1] + b',"crc":"%08x"}\n' % crc)
    return b"".join(lines)


STRANGE = {
    "windows": lambda data: data.replace(b"\n", b"\r\n"),
    "two headers": lambda data: data.splitlines(keepends=True)[0] + data,
    "blank line": lambda data: data.replace(b"\n", b"\n\n", 1),
    "zeros": lambda data: b"\0" * 1000,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "web page": lambda data: b"<!DOCTYPE html>\n",
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_ledger_is_refused(done, refused, case):
    """What editors, downloads and bad copies make of a ledger is damage, told with the remedy."""
    path = done.folder / "runs/bowl/random/000.jsonl"
    path.write_bytes(STRANGE[case](path.read_bytes()))
    assert "-m benchmark repair SUITE`" in refused()


def test_a_second_header_is_damage(done, planted_ledger):
    """Two headers with right checksums are two ledgers, not one."""
    header = {"kind": "header", "format": 1, "run": {}, "environment": {}}
    with pytest.raises(BadInput, match="kind = 'header' is unknown in format 1"):
        read(Path("x.jsonl"), planted_ledger([header, header]), complete=False)

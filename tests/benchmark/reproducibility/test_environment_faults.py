"""A strange environment changes no result, stops no run silently, and leaves no secret in any file."""

import json
import os
import subprocess
import sys

import pytest

from tests import ROOT

SUITE = """
seed = 1
budget = { trials = 2 }
objectives = { branin = {}, softmax = { epochs = 1 } }
algorithms = { plain = { searcher = "random" } }
"""
SECRETS = {
    "FAKE_TOKEN": "tok-5f1c7f60-never-record",
    "API_KEY": "key-90b1dd1e-never-record",
    "DATABASE_URL": "postgres://somebody:word-77ab31-never-record@db.example/x",
    "HTTPS_PROXY": "http://user:word-13cd90-never-record@proxy.example:3128",
}
MARK = "never-record"
pytestmark = pytest.mark.slow  # Seven commands in processes of their own: 20 seconds.
TIMES = ("train_seconds", "decide_seconds", "paid_seconds", "start", "end", "crc")

FAULTS = {
    "plain": ({}, ""),
    "junk": (
        {
            "INCUMBENT_JOBS": "junk",
            "INCUMBENT_SEED": "-1",
            "INCUMBENT_": "\x01",
            "COLUMNS": "junk",
            "TZ": "Pacific/Chatham",
            "LC_ALL": "de_DE.UTF-8",
            "HOME": None,
            **SECRETS,
        },
        "umask 777",
    ),
    "no home": ({"HOME": "/nonexistent", "TZ": "\x01", "LC_ALL": "C", "PYTHONUTF8": "0"}, "exec <&- >&- 2>&-"),
    "few files": ({}, "ulimit -n 16"),
}


def run(folder, arguments, environment, before):
    """One command in a process of its own, behind a line of shell."""
    merged = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", **environment}
    variables = {name: value for name, value in merged.items() if value is not None}
    command = ["bash", "-c", f'{before or ":"}; exec "$@"', "bash", sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, timeout=300, check=False)


def results(folder):
    """What was recorded, without seconds."""
    found = {}
    for path in sorted(folder.glob("results/good/runs/*/*/*.jsonl")):
        path.chmod(0o600)
        records = [json.loads(line) for line in path.read_text().splitlines()][1:]
        kept = [{name: value for name, value in record.items() if name not in TIMES} for record in records]
        found[path.relative_to(folder).as_posix()] = kept
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The same suite in every one of the environments."""
    found = {}
    for name, (environment, before) in FAULTS.items():
        folder = tmp_path_factory.mktemp("environment")
        (folder / "good.toml").write_text(SUITE)
        done = run(folder, ["benchmark", "run", "good.toml", "--jobs", "1", "--device", "cpu"], environment, before)
        found[name] = folder, done
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_strange_environment_changes_no_result(ran, name):
    """No variable, locale, zone of time, mask, missing home or closed stream moves a bit of a record."""
    folder, done = ran[name]
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    expected = results(ran["plain"][0])
    assert len(expected) == 2
    assert results(folder) == expected


def test_no_secret_of_the_environment_is_written(ran):
    """Tokens, keys and passwords are in no ledger, plan, table, figure, report or message."""
    folder, done = ran["junk"]
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o700)
    told = run(folder, ["analysis", "report", "good"], SECRETS, "")
    assert told.returncode == 0, told.stderr.decode()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".jsonl", ".json", ".html"}
    spoken = [done.stdout, done.stderr, told.stdout, told.stderr, *(path.read_bytes() for path in files)]
    assert not [one for one in spoken if MARK.encode() in one or b"somebody" in one]


def test_a_refusal_is_told_where_nobody_listens(ran):
    """Closed streams do not turn a refusal into a success, nor into a traceback on another stream."""
    folder, _ = ran["plain"]
    done = run(folder, ["benchmark", "run", "none"], {}, "exec <&- >&-")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: suite 'none': not one of")

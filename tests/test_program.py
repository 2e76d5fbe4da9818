"""The program `incumbent`: all commands from any folder, whatever that folder holds."""

import importlib
import os
import subprocess
import sys
import tomllib

import pytest

from analysis.__main__ import COMMANDS as READING
from benchmark.arena.commands import COMMANDS as COMPETING
from benchmark.cli.main import COMMANDS as RUNNING
from benchmark.completion import COMMANDS as COMPLETING
from tests import ROOT

SHADOWS = ("algorithms", "analysis", "benchmark", "objectives", "joblib", "json", "numpy", "queue", "random", "select")
"""Modules of ours, of libraries and of the standard library, that a user's files have the names of."""

MINE = """
import helper_beside_it


class Mine:
    def __init__(self, **given):
        self.space, self.rng = given["config_space"], given["rng"]

    def sample_configuration(self):
        import imported_late
        return self.space.sample(self.rng)

    def update(self, config, error, additional_info=None):
        pass
"""
SUITE = """
repetitions = 2
budget.trials = 2
objectives.branin = {}
algorithms.random.searcher = "random"
algorithms.mine.searcher = "mine_of_the_folder:Mine"
"""


@pytest.fixture
def hostile(tmp_path):
    """A user's folder whose files have the names of modules that the harness imports, half of them packages."""
    for place, name in enumerate(SHADOWS):
        path = tmp_path / (f"{name}.py" if place % 2 else f"{name}/__init__.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise SystemExit(f'{__file__} was imported')\n")
    (tmp_path / "mine_of_the_folder.py").write_text(MINE)
    (tmp_path / "helper_beside_it.py").write_text("")
    (tmp_path / "imported_late.py").write_text("")
    (tmp_path / "mine.toml").write_text(SUITE)
    return tmp_path


def incumbent(folder, *words):
    """What the program says in a folder; it finds the harness by PYTHONPATH, as if it was installed there."""
    return subprocess.run(
        [sys.executable, "-m", "incumbent", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_the_commands_of_both_halves(hostile):
    """One list, without a heavy import, from a folder whose files have the names of our packages."""
    done = incumbent(hostile, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line.strip()]
    commands = [*RUNNING, *COMPETING, *COMPLETING, *READING]
    assert [word for word in listed if word in commands] == commands
    assert len(set(commands)) == len(commands)  # None hides another.
    assert "-m incumbent COMMAND --help" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "error: command: missing, need one of run, "),
        (["reprot"], "error: command = 'reprot': not one of run, {rest} (did you mean \"report\"?)"),
        (["run", "nosuch"], "error: suite 'nosuch': not one of "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_refusals_are_those_of_the_halves(hostile, words, message):
    """Exit code 2 and one line, of the half that the command belongs to, or of both."""
    done = incumbent(hostile, *words)

    assert (done.returncode, done.stdout) == (2, "")
    begin, _, end = message.partition("{rest}")
    assert done.stderr.startswith(begin)
    assert done.stderr.rstrip().endswith(end)
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_suite_runs_where_names_clash(hostile):
    """Driver and workers import the harness, libraries and the user's own module; tables follow from the ledgers."""
    done = incumbent(hostile, "run", "mine.toml", "--jobs", "2", "--device", "cpu", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    done = incumbent(hostile, "tables", "./mine.toml", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (hostile / "results" / "mine" / "tables" / "summary.csv").exists()


def test_an_installation_has_the_program():
    """The packaging names the module beside the four packages, and a function in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    module, _, function = project["project"]["scripts"]["incumbent"].partition(":")

    assert module in project["tool"]["setuptools"]["py-modules"]
    assert callable(getattr(importlib.import_module(module), function))

"""Command lines that shells complete: in real ones, and word by word."""

import argparse
import os
import shutil
import subprocess
import sys

import pytest

from benchmark.completion.own_classes import own_classes
from benchmark.completion.settings import settings
from tests import ROOT
from tests.benchmark.completion.shells import install, press_tab

pytest.importorskip("argcomplete", reason="pip install argcomplete")

SUITE = """
repetitions = 2
budget.trials = 2
objectives.branin = {}
algorithms.random.searcher = "random"
algorithms.mine = { searcher = "my_search:Mine", scheduler = "basic" }
"""
MINE = '''
class Value:
    """No algorithm."""


class Mine:
    def __init__(self, config_space, rng):
        self.space, self.rng = config_space, rng

    def sample_configuration(self):
        return self.space.sample(self.rng)

    def update(self, config, error, additional_info=None):
        pass


class Late:
    def suggest(self):
        return None


raise SystemExit("it was imported")
'''


@pytest.fixture
def folder(tmp_path):
    """A user's folder with a suite, a module, and results; its name has a space."""
    path = tmp_path / "my folder"
    (path / "results" / "tried" / "tables").mkdir(parents=True)
    (path / "results" / "tried" / "suite.json").write_text("{}")
    (path / "results" / "tried" / "tables" / "summary.csv").touch()
    (path / "results" / "not_a_suite").mkdir()
    (path / "suites" / "deep").mkdir(parents=True)
    (path / "suites" / "deep" / "inner.toml").write_text(SUITE)
    (path / "my suite.toml").write_text(SUITE)
    (path / "my_search.py").write_text(MINE)
    return path


def complete(folder, *lines):
    """What bash is offered for command lines, by one bash and the function that the script defines."""
    environment = {**install(folder.parent), "LINES_TO_COMPLETE": "\n".join(lines)}
    script = """
    eval "$(incumbent completion bash)"
    COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
    while IFS= read -r COMP_LINE; do
        COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMPREPLY=()
        _python_argcomplete incumbent 2> /dev/null
        (IFS=$'\\t'; printf '%s\\n' "${COMPREPLY[*]}")
    done <<< "$LINES_TO_COMPLETE"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return [[word for word in line.split("\t") if word] for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_bash_is_offered_what_an_argument_may_be(folder):
    """Commands, options and their values, suites by name and path, algorithms, own classes, recorded suites, names."""
    lines = {
        "incumbent rec": {"recheck "},
        "incumbent run dig": {"digits", "digits_tables"},
        "incumbent run m": {"multi_closed_form", "multi_digits", "my\\ suite.toml"},
        "incumbent run suites/deep/": {"suites/deep/inner.toml "},
        "incumbent plots ": {"tried", "my\\ suite.toml", "results/", "suites/"},
        "incumbent plots tried --only ": {"summary "},
        "incumbent run smoke --ro": {"--route "},
        "incumbent run smoke --route=st": {"stacked "},
        "incumbent run smoke --jobs ": set(),
        "incumbent run smoke --results r": {"results/"},
        "incumbent field ": {"check", "pack"},
        "incumbent check my": {"my_search:Mine", "my_search:Late"},
        "incumbent enter kd": {"kde "},
        "incumbent run suites/deep/inner.toml --set alg": {
            *("algorithms.mine.scheduler=", "algorithms.mine.searcher=", "algorithms.random.searcher="),
        },
        "incumbent run smoke --set algorithms.a.scheduler=hyper": {"hyperband "},
        "incumbent nosuch ": set(),
    }

    offered = dict(zip(lines, map(set, complete(folder, *lines)), strict=True))

    assert offered == lines


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("incumbent run digits_t", "incumbent run digits_tables"),
        ("incumbent check my_search:M", "incumbent check my_search:Mine"),
        ("incumbent run my", "incumbent run my suite.toml"),
    ],
)
def test_tab_completes_in_a_shell(shell, typed, line, folder):
    """An interactive shell that has read the script makes the line that was meant, colons and spaces included."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} is installed: apt-get install {shell}")
    assert press_tab(shell, typed, folder, install(folder.parent)) == line


IMPORTED = """
import argparse, sys
from benchmark.completion.answer import COMMANDS, build_parser
for command in COMMANDS:
    parser = build_parser(command)
    arguments = argparse.Namespace(suite="digits", results="results")
    for action in parser._actions:
        if hasattr(action, "completer"):
            assert all(isinstance(word, str) for word in action.completer(prefix="", parsed_args=arguments)), action
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.slow
def test_every_argument_has_words_without_a_heavy_import(folder):
    """All commands are built, all words are listed: no library that takes a second to import."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )

    assert not {"torch", "pandas", "matplotlib", "seaborn", "sklearn", "optuna"} & set(done.stdout.split())


def test_own_classes_are_read_and_not_imported(folder):
    """A class with a method of a searcher or a scheduler, and no other."""
    (folder / "not-a-module.py").write_text(MINE)
    (folder / "latin.py").write_bytes(b"class A\xff")

    assert list(own_classes(folder)) == ["my_search:Mine", "my_search:Late"]


@pytest.mark.parametrize(
    ("prefix", "suite", "some"),
    [
        ("", "smoke", {"repetitions=", "budget.trials="}),
        ("", "no such suite", {"seed=", "clock="}),
        ("", None, {"seed="}),
        ("clock=", "smoke", {"clock=measured", "clock=modelled"}),
        ("objectives.a.name=", "smoke", {"objectives.a.name=branin"}),
    ],
)
def test_settings_are_keys_and_values(prefix, suite, some):
    """Those of the suite's file and the usual ones; a suite that cannot be read has the usual ones."""
    assert some <= set(settings(prefix, argparse.Namespace(suite=suite)))

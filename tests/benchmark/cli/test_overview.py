"""`list` and `--help`: what there is, how to install what is missing, and that neither loads anything heavy."""

import ast
import os
import subprocess
import sys

import pytest

from algorithms.interop.optional_method import OptionalMethod
from benchmark.cli.main import main
from benchmark.suite.parsing import load, suite_names
from benchmark.tables.names import making_command, table_names
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from objectives import OBJECTIVES
from objectives.registry import Registry
from tests import ROOT


def test_list_names_everything_with_a_line_on_it(capsys):
    """Every objective, searcher, scheduler and suite stands on a line with its description."""
    assert main(["list"]) == 0

    out, message = capsys.readouterr()
    tables = [f"  {name}" for name in table_names()]
    lines = [line for line in out.splitlines() if line not in tables]
    assert [line for line in out.splitlines() if line in tables] == tables
    described = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    names = [line.split(maxsplit=1)[0] for line in lines if line.startswith("  ")]
    assert names == [*OBJECTIVES, *ALL_SEARCHERS, *ALL_SCHEDULERS, *suite_names()]
    assert all(len(text) > 20 for text in described.values())
    assert described["digits"] == load("digits").title
    assert [line for line in lines if not line.startswith("  ")] == [
        "objectives:",
        "searchers:",
        "schedulers:",
        "tables:" if tables else f"tables: none is there, `{making_command()}` makes the published ones",
        "suites:",
    ]
    assert message == ""


def test_list_tells_how_to_install_what_is_missing(capsys, monkeypatch):
    """A library's entry stands there whether it is installed or not; then its line says what to do."""
    missing = OptionalMethod("no.such:Thing", extra="never", libraries=("never-published",), summary="An invented one.")
    none_needed = OptionalMethod("no.such:Thing", extra="", libraries=(), summary="One that needs no library.")
    monkeypatch.setattr(
        "benchmark.cli.commands.list_parts.ALL_SEARCHERS", Registry({"missing": missing, "bare": none_needed})
    )
    monkeypatch.setattr("benchmark.cli.commands.list_parts.ALL_SCHEDULERS", Registry({}))

    assert main(["list"]) == 0

    out, message = capsys.readouterr()
    assert "  missing              An invented one. (not installed: pip install '.[never]')\n" in out
    assert "  bare                 One that needs no library.\n" in out
    assert message == ""


COMMANDS_THEN_MODULES = """
import sys
from contextlib import suppress
from benchmark.cli.main import main
commands = sys.stdin.read().splitlines()
for command in commands:
    with suppress(SystemExit):
        main(command.split())
print(sorted(sys.modules), file=sys.__stderr__)
"""


def test_what_needs_no_training_imports_nothing_heavy(study):
    """Help, lists, status and refusals load neither PyTorch nor SciPy nor an algorithm's library."""
    commands = [
        *("--help", "run --help", "list", "status tiny.toml", "status digits", "frobnicate", "run nosuch"),
        *("run tiny.toml --jobs x", "run tiny.toml --set sed=1", "run tiny.toml --set objectives.branin.name=x"),
        *("run tiny.toml --set algorithms.random.searcher=randm", "audit tiny.toml --sample 0", "recheck tiny.toml"),
        *(
            "run tiny.toml --set algorithms.random.searcher.seed=1",
            "plan digits --time 1",
            "merge a b",
            "new searcher my_search",
            "new suite my-suite",
            "repair nosuch",
        ),
    ]
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS_THEN_MODULES],
        input="\n".join(commands),
        cwd=study,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"torch", "scipy", "pandas", "sklearn", "matplotlib", "optuna", "smac", "syne_tune", "ray", "nevergrad"}
    heavy |= {"hyperopt", "cmaes", "botorch", "gpytorch"}
    assert not heavy & set(ast.literal_eval(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize(
    "command",
    [[], ["run"], ["status"], ["list"], ["replay"], ["harvest"]],
    ids=lambda words: words[0] if words else "none",
)
def test_help_tells_what_there_is(capsys, command, flag):
    """Help goes to stdout, names every command or option, and ends with 0."""
    with pytest.raises(SystemExit) as end:
        main([*command, flag])

    out, message = capsys.readouterr()
    assert (end.value.code, message) == (0, "")
    words = {
        "": ["run", "status", "list", "replay", "harvest"],
        "replay": ["SUITE", "--tables", "--miss", "--recycle", "--jobs", "--data", "--device", "--results", "--set"],
        "harvest": ["SUITE", "--out", "--results", "--set"],
        "run": ["SUITE", "--jobs", "--data", "--device", "--quiet", "--allow-mixed", "--results", "--set"],
        "status": ["SUITE", "--results", "--set"],
        "list": ["--help"],
    }["".join(command)]
    assert all(word in out for word in words)
    assert max(len(line) for line in out.splitlines()) <= 120


@pytest.mark.slow
def test_a_network_trains_without_symbolic_algebra(study):
    """PyTorch imports sympy for a few of its operations, which every process would wait for before its first trial."""
    (study / "tiny.toml").write_text(
        'repetitions = 1\nbudget.trials = 1\nalgorithms.random.searcher = "random"\n'
        "objectives.softmax.epochs = 1\nobjectives.dropout_mlp.epochs = 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS_THEN_MODULES],
        input="run tiny.toml --jobs 1 --device cpu --quiet",
        cwd=study,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    modules = ast.literal_eval(done.stderr.splitlines()[-1])
    assert "torch" in modules
    assert "sympy" not in modules

"""The command `new`: what it writes, what it refuses, and that a refusal writes nothing."""

import subprocess
import sys
import tomllib

import pytest

from benchmark.cli.main import main
from benchmark.scaffold.example import KINDS, TEMPLATES, render_example, write_files
from tests import ROOT

NAMES = ("my_search", "a2", "x_" + "long_" * 7 + "nam")
"""The shortest and the longest name, besides the usual one."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_says_what_was_written_and_what_comes_next(here, capsys, kind):
    """Files with their test, then at most three commands, one of which runs the test."""
    assert main(["new", kind, "my_own"]) == 0

    wrote, _, after = capsys.readouterr().out.partition("Next:\n")
    assert sorted(wrote.split()[1::2]) == sorted(path.name for path in here.iterdir())
    assert (here / "test_my_own.py").exists()
    commands = [line for line in after.splitlines() if line.startswith("  ")]
    assert 1 <= len(commands) <= 3
    assert any("pytest test_my_own.py" in line for line in commands)


def test_every_template_is_used_and_packed():
    """A template that no kind names is dead; one that the packaging leaves out is missing after an installation."""
    used = {f"{name.format(kind=kind)}.jinja2" for kind, each in KINDS.items() for name in each.files}
    assert used == {path.name for path in TEMPLATES.iterdir()}
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["benchmark"]
    packed = {path.name for pattern in data for path in (ROOT / "benchmark").glob(pattern)}
    assert used <= packed


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("my-search", "need 2 to 40 lower-case letters", "my_search"),
        ("MySearch", "need 2 to 40 lower-case letters", "my_search"),
        ("my search", "need 2 to 40 lower-case letters", "my_search"),
        ("my_search.py", "need 2 to 40 lower-case letters", "my_search"),
        ("../elsewhere/my_search", "need 2 to 40 lower-case letters", "my_search"),
        ("größe", "need 2 to 40 lower-case letters", "groe"),
        ("2fast", "need 2 to 40 lower-case letters", None),
        ("a", "need 2 to 40 lower-case letters", None),
        ("", "need 2 to 40 lower-case letters", None),
        ("a" * 41, "need 2 to 40 lower-case letters", None),
        ("lambda", "a keyword of Python", "my_lambda"),
        ("none", "the class None would have the name of something else", "my_none"),
        ("value_error", "the class ValueError would", "my_value_error"),
        ("searcher", "the class Searcher would", "my_searcher"),
        ("random", "the harness has a part of this name", "my_random"),
        ("queue", "a module of the standard library", "my_queue"),
        ("benchmark", "a module of the harness", "my_benchmark"),
        ("incumbent", "a module of the harness", "my_incumbent"),
        ("numpy", "a module in ", "my_numpy"),
        ("pytest", "a module in ", "my_pytest"),
        ("test_search", "pytest would take the file for one of tests", "my_test_search"),
        ("search_test", "pytest would take the file for one of tests", None),
        ("conftest", "import a file of this name by themselves", "my_conftest"),
    ],
)
def test_a_name_that_would_stand_for_something_else_is_refused(here, capsys, name, reason, hint):
    """Exit code 2, one line with the reason and a name that works, and nothing is written."""
    assert main(["new", "searcher", name]) == 2

    out, message = capsys.readouterr()
    assert (out, list(here.iterdir())) == ("", [])
    assert message.startswith("error: NAME = ")
    assert message.count("\n") == 1
    assert reason in message
    assert (f'(did you mean "{hint}"?)' in message) if hint else ("did you mean" not in message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["new"], "the following arguments are required: KIND, NAME"),
        (["new", "search", "my_search"], 'not one of searcher, scheduler, objective, suite (did you mean "searcher"?)'),
        (["new", "objective", "lenet"], "NAME = 'lenet': the harness has a part of this name (see `list`)"),
        (["new", "suite", "digits"], "NAME = 'digits': the harness has a part of this name (see `list`)"),
    ],
)
def test_a_bad_command_is_refused(here, capsys, words, message):
    """What is missing or unknown is named, with what there is."""
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("present", ["my_own.py", "test_my_own.py", "my_own.toml"])
def test_nothing_is_overwritten(here, capsys, present):
    """A file of any of the names, even a link to nowhere, is left alone, and no other is written beside it."""
    (here / present).symlink_to("nowhere")

    assert main(["new", "objective", "my_own"]) == 2
    assert capsys.readouterr().err == f"error: {present}: there already, and nothing is overwritten\n"
    assert [path.name for path in here.iterdir()] == [present]


def test_ones_own_module_is_no_module_elsewhere(here, capsys, monkeypatch, tmp_path_factory):
    """A file of the current folder, which Python finds by another path, is said to be there already."""
    link = tmp_path_factory.mktemp("link") / "here"
    link.symlink_to(here)
    monkeypatch.syspath_prepend(str(link))
    (here / "mine_again.py").touch()
    assert main(["new", "searcher", "mine_again"]) == 2
    assert capsys.readouterr().err == "error: mine_again.py: there already, and nothing is overwritten\n"
    assert main(["new", "suite", "mine_again"]) == 0


def test_a_package_of_the_name_is_no_place_for_a_module(here, capsys):
    """Python would import the package and never the file; a folder that is no package does no harm."""
    (here / "my_own").mkdir()
    assert main(["new", "suite", "my_own"]) == 0
    (here / "mine").mkdir()
    (here / "mine" / "__init__.py").touch()
    assert main(["new", "searcher", "mine"]) == 2
    assert "mine: a package of this name is there already" in capsys.readouterr().err


def test_what_cannot_be_written_whole_is_not_written(here):
    """The disk that refuses the second file takes the first one away again."""
    texts = {"first.py": "1\n", "no_folder/second.py": "2\n"}
    with pytest.raises(ValueError, match=r"no_folder/second.py: cannot be written here \(No such file"):
        write_files(texts)
    assert list(here.iterdir()) == []


def test_the_linter_finds_nothing(here):
    """With the harness's own settings, of examples with short and long names."""
    for number, name in enumerate(NAMES):
        for kind in KINDS:
            folder = here / f"{kind}{number}"
            folder.mkdir()
            for file, text in render_example(kind, name).items():
                (folder / file).write_text(text)
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "."]
    for words in (["check"], ["format", "--diff"]):
        done = subprocess.run([sys.executable, "-m", "ruff", *words, *settings], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

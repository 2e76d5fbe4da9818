"""What a user's class is given, how a command is called again, and what is said where none can run."""

import functools
import importlib
import sys
from types import ModuleType

import pytest

from benchmark.errors import BadInput, accepted_arguments, call_with_options, run_program, shell_command

OFFERED = {"config_space": "space", "initial_config": None, "rng": "stream", "max_epochs": 9}


class Plain:
    """Names what it wants."""

    def __init__(self, config_space, rng, shrink=0.9):
        self.given = {"config_space": config_space, "rng": rng, "shrink": shrink}


class Open:
    """Takes whatever there is."""

    def __init__(self, **everything):
        self.given = everything


class OpenWithNames(Open):
    """Names one argument and passes the others on to a constructor that takes all."""

    def __init__(self, config_space, **others):
        super().__init__(config_space=config_space, **others)


class PassesOn(Plain):
    """Takes an option of its own and passes the rest on to a constructor that takes some."""

    def __init__(self, *arguments, steps=3, **others):
        super().__init__(*arguments, **others)
        self.given["steps"] = steps


class PassesOnTwice(PassesOn):
    """Has nothing to say of its own."""

    def __init__(self, **others):
        super().__init__(**others)


class Inherits(Open):
    """Has no constructor of its own."""


class MadeByNew:
    """Takes its arguments where it is made, as immutable classes do."""

    def __new__(cls, **everything):
        made = super().__new__(cls)
        made.given = everything
        return made


class Nothing:
    """Asks for nothing."""

    given = {}  # noqa: RUF012 (never changed)


def build_open(**everything):
    """Build by a function that takes whatever there is."""
    return Open(**everything)


def build_plain(rng):
    """Build by a function of one argument."""
    return Open(rng=rng)


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (Plain, ["config_space", "rng"]),
        (Open, list(OFFERED)),
        (OpenWithNames, list(OFFERED)),
        (PassesOn, ["config_space", "rng"]),
        (PassesOnTwice, ["config_space", "rng"]),
        (Inherits, list(OFFERED)),
        (MadeByNew, list(OFFERED)),
        (Nothing, []),
        (build_open, list(OFFERED)),
        (build_plain, ["rng"]),
        (functools.partial(build_open, shrink=1), list(OFFERED)),
    ],
)
def test_what_takes_any_keyword_is_given_all(made, names):
    """`**kwargs` takes every argument, or those that the constructor takes to which a class passes them on."""
    assert accepted_arguments("a", made, OFFERED) == names
    given = call_with_options("a", made, {}, OFFERED).given
    assert {name: given[name] for name in names} == {name: OFFERED[name] for name in names}


@pytest.mark.parametrize(("made", "option"), [(Open, "shrink"), (PassesOn, "shrink"), (PassesOn, "steps")])
def test_options_reach_what_takes_any_keyword(made, option):
    """The user's options are given beside the harness's arguments."""
    assert call_with_options("a", made, {option: 1}, OFFERED).given[option] == 1


def test_a_reserved_option_of_what_takes_any_keyword_is_refused():
    """The harness's own arguments are not the user's to set."""
    with pytest.raises(BadInput, match=r"a\.rng: reserved"):
        call_with_options("a", Open, {"rng": 1}, OFFERED)


# How a command is called again.


def program_at(path):
    """An empty program at a path; returns it as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("called", "python", "searched", "package", "line"),
    [
        ("benchmark/__main__.py", "venv/bin/python", "venv/bin", "benchmark", "python -m benchmark"),
        ("benchmark/__main__.py", "venv/bin/python", "venv/bin", "analysis", "python -m analysis"),
        ("pytest", "venv/bin/python3", "venv/bin", "benchmark", "python3 -m benchmark"),
        ("benchmark/__main__.py", "here/.venv/bin/python", "", "benchmark", ".venv/bin/python -m benchmark"),
        ("benchmark/__main__.py", "my venv/bin/python", "", "analysis", "'ROOT/my venv/bin/python' -m analysis"),
        ("benchmark/__main__.py", "other/bin/python", "venv/bin", "benchmark", "ROOT/other/bin/python -m benchmark"),
        ("site/incumbent.py", "venv/bin/python", "venv/bin", "analysis", "python -m incumbent"),
        ("venv/bin/incumbent", "venv/bin/python", "venv/bin", "analysis", "incumbent"),
        ("here/.venv/bin/incumbent", "here/.venv/bin/python", "", "benchmark", ".venv/bin/incumbent"),
    ],
)
def test_a_command_is_named_as_this_one_was_called(tmp_path, monkeypatch, called, python, searched, package, line):
    """The line works when it is pasted: the program by its name if a shell finds that one, else by its path."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("python", "incumbent"):
        program_at(tmp_path / "venv" / "bin" / name)
    monkeypatch.setattr("sys.executable", program_at(tmp_path / python))
    monkeypatch.setattr("sys.argv", [program_at(tmp_path / called), "status"])
    monkeypatch.setenv("PATH", str(tmp_path / searched) if searched else "/no/such/folder")
    if python == "venv/bin/python3":
        (tmp_path / "venv" / "bin" / "python").unlink()

    assert shell_command(package, "run", "a b.toml") == line.replace("ROOT", str(tmp_path)) + " run 'a b.toml'"


# What a program says where it cannot run.


def refused(capsys, main):
    """The message of a program that ends with 2."""
    assert run_program(main) == 2
    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    return message


def importing(name):
    """A program that imports a module."""
    return lambda: importlib.import_module(name)


def test_a_program_returns_its_own_exit_code():
    """Where everything is there nothing is said."""
    assert run_program(lambda: 7) == 7


def test_a_package_that_is_not_installed_is_named(capsys, monkeypatch, tmp_path):
    """With the interpreter that lacks it, and the one that has it or the way to get it."""
    monkeypatch.setattr("benchmark.errors.ROOT", str(tmp_path))
    monkeypatch.setattr("sys.argv", [str(tmp_path / "benchmark" / "__main__.py"), "run", "a b.toml"])
    monkeypatch.chdir(tmp_path)

    assert "use the program `incumbent`" in refused(capsys, importing("no_such_package.inner"))
    (tmp_path / "Makefile").write_text("")
    message = refused(capsys, importing("no_such_package"))
    assert (
        f"the package 'no_such_package' is not installed for {sys.executable}; install everything by `make" in message
    )
    program_at(tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setenv("PATH", "/no/such/folder")
    message = refused(capsys, importing("no_such_package"))
    assert message.endswith("; use .venv/bin/python -m benchmark run 'a b.toml'\n")


def test_an_old_python_is_refused_before_anything_is_imported(capsys, monkeypatch):
    """The message says which one is needed and which one this is."""
    monkeypatch.setattr("benchmark.errors.OLDEST_PYTHON", (3, 99))

    assert "error: Python 3.99 or newer is needed, " in refused(capsys, importing("no_such_package"))


def test_another_projects_package_in_the_place_of_ours_is_named(capsys, monkeypatch):
    """A user's folder `objectives` in the current folder is found first by `python -m benchmark`."""
    monkeypatch.setitem(sys.modules, "objectives", ModuleType("objectives"))
    monkeypatch.delitem(sys.modules, "objectives.space", raising=False)
    sys.modules["objectives"].__file__ = "/theirs/objectives/__init__.py"

    message = refused(capsys, importing("objectives.space"))

    assert message.startswith(
        "error: /theirs/objectives/__init__.py is found in the place of the harness's 'objectives'"
    )
    assert "give it another name, or use the program `incumbent`" in message


def test_a_mistake_of_our_own_is_not_hidden(monkeypatch):
    """An import of ours that fails in the harness itself keeps its traceback."""
    with pytest.raises(ModuleNotFoundError):
        run_program(importing("benchmark.no_such_module"))
    with pytest.raises(ImportError):
        run_program(lambda: exec("from json import no_such_name"))

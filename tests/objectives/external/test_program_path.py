"""Paths of external programs in a checkout and in an installation, and what a message says of a missing one."""

import shlex

import pytest

from objectives.external import program_path
from objectives.external.program_path import expand_root, missing_environment
from objectives.external.subprocess_client import SubprocessClient
from objectives.registry import ROOT, install_command


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """The harness as one finds it without its Makefile, called from a folder of the user's."""
    monkeypatch.setattr(program_path, "is_checkout", lambda: False)
    monkeypatch.setattr("objectives.registry.is_checkout", lambda: False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_checkout_has_everything_below_it():
    """Programs and environments; a word without `{root}` stays what it is."""
    assert expand_root("{root}/.external/jax/bin/python") == f"{ROOT}/.external/jax/bin/python"
    assert expand_root("{root}/objectives/a.py") == f"{ROOT}/objectives/a.py"
    assert expand_root("own.py") == "own.py"
    assert install_command("jax") == "pip install '.[jax]'"


def test_an_installation_has_environments_below_the_current_folder(installed):
    """Programs are among the installed files, environments are the user's."""
    assert expand_root("{root}/.external/jax/bin/python") == f"{installed}/.external/jax/bin/python"
    assert expand_root("{root}/objectives/a.py") == f"{ROOT}/objectives/a.py"
    assert install_command("jax") == "pip install 'incumbent[jax]'"


@pytest.mark.parametrize("name", ["dehb", "jax", "keras", "mxnet"])
def test_the_remedy_of_an_installation_names_a_lock_that_is_there(installed, name):
    """The refusal has a line for the shell, with the environment that is looked for and the locked requirements."""
    program = expand_root(f"{{root}}/.external/{name}/bin/python")
    with pytest.raises(ValueError, match=f"there is no environment {name} yet: ") as refusal:
        SubprocessClient([program], timeout=1)

    line = str(refusal.value).partition(" yet: ")[2]
    words = shlex.split(line)
    assert words[:4] == ["python3.11", "-m", "venv", f".external/{name}"]
    assert installed / words[5] == installed / f".external/{name}/bin/python"
    assert [path.name for path in ROOT.glob(f"*/external/{words[-1].rpartition('/')[2]}")] == [
        f"requirements-{name}.lock"
    ]


def test_other_programs_have_no_environment(installed):
    """A program of the user's that is missing is called missing."""
    assert missing_environment("/nosuch/python") is None
    assert missing_environment(expand_root("{root}/objectives/a.py")) is None

"""Where the programs of external objectives and algorithms are, in a checkout and where the harness is installed."""

from __future__ import annotations

import shlex
from pathlib import Path

from objectives.registry import ROOT, is_checkout

ENVIRONMENTS = ".external"
"""Folder of the Python environments that external programs have for themselves."""


def expand_root(word: str) -> str:
    """Put the folder of this project in the place of `{root}` in a word of a command.

    The environments in `{root}/.external` are those below the current folder where the harness is installed: no user
    writes into a folder of installed packages.
    """
    beginning = f"{{root}}/{ENVIRONMENTS}/"
    if word.startswith(beginning) and not is_checkout():
        return str(Path.cwd() / ENVIRONMENTS / word.removeprefix(beginning))
    return word.replace("{root}", str(ROOT))


def missing_environment(program: str) -> str | None:
    """Return how to make the environment that has a program; None for a program of no such environment.

    Args:
        program: a path, after `expand_root`.
    """
    folder = (ROOT if is_checkout() else Path.cwd()) / ENVIRONMENTS
    if not Path(program).is_relative_to(folder):
        return None
    name = Path(program).relative_to(folder).parts[0]
    if is_checkout():
        command = f"make {'dehb' if name == 'dehb' else 'frameworks'}"
    else:
        lock = next(ROOT.glob(f"*/external/requirements-{name}.lock"), "requirements.txt")
        python = f"{ENVIRONMENTS}/{name}/bin/python"
        command = f"python3.11 -m venv {ENVIRONMENTS}/{name} && {python} -m pip install -r {shlex.quote(str(lock))}"
    return f"there is no environment {name} yet: {command}"

"""Checks the name of an example: it becomes a file's, a class's and a label's."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import PACKAGES, PROGRAM, BadInput, short_repr

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
NAME_RULE = "need 2 to 40 lower-case letters, digits and underscores, a letter first"
FILES_OF_TOOLS = ("conftest", "sitecustomize", "usercustomize")
"""Modules that pytest or Python import by themselves."""
NAMES_IN_EXAMPLES = ("Any", "Array", "Branin", "Config", "Iterator", "Path", "RandomSearch", "Searcher", "Space")
"""What the examples import or define beside their class."""


def class_name_of(name: str) -> str:
    """The class that goes with a module's name: MySearch with my_search."""
    return "".join(word.capitalize() for word in name.split("_"))


def check_name(name: str, registered: Iterable[str]) -> str:
    """Return a name that an example may have.

    Args:
        name: as the user wrote it.
        registered: names of ours, which a suite would take for ours.

    Raises:
        BadInput: no identifier, or one that stands for something else in Python, in pytest or in a suite.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"NAME = {short_repr(name)}: {NAME_RULE}{_suggest(_to_name(name))}")
    reason = _reason_against(name, registered)
    if reason is not None:
        raise BadInput(f"NAME = {name!r}: {reason}{_suggest(f'my_{name}')}")
    return name


def _reason_against(name: str, registered: Iterable[str]) -> str | None:
    """Why a name cannot be taken that is well formed."""
    class_name = class_name_of(name)
    if keyword.iskeyword(name):
        return "a keyword of Python"
    if hasattr(builtins, class_name) or class_name in NAMES_IN_EXAMPLES:
        return f"the class {class_name} would have the name of something else"
    if name.startswith("test_") or name.endswith("_test"):
        return "pytest would take the file for one of tests"
    if name in FILES_OF_TOOLS:
        return "pytest or Python import a file of this name by themselves"
    if name in registered:
        return "the harness has a part of this name (see `list`)"
    place = _module_elsewhere(name)
    return None if place is None else f"it is the name of a module {place}, one of which would hide the other"


def _module_elsewhere(name: str) -> str | None:
    """Where a module of a name is, if it is not in the current folder."""
    if name in sys.stdlib_module_names:
        return "of the standard library"
    if name in (*PACKAGES, PROGRAM):
        return "of the harness"
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    here = Path(os.path.realpath(Path.cwd()))
    own = (here / f"{name}.py", here / name)
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    elsewhere = [place for place in map(os.path.realpath, places) if not any(map(Path(place).is_relative_to, own))]
    return f"in {elsewhere[0]}" if elsewhere else None


def _to_name(text: str) -> str:
    """The name most like a text: my_search for My-Search, MySearch, `my search` or my_search.py."""
    plain = unicodedata.normalize("NFKD", Path(text).name).encode("ascii", "ignore").decode()
    plain = re.sub(r"\.(py|toml)$", "", plain)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def _suggest(name: str) -> str:
    fits = NAME.fullmatch(name) and _reason_against(name, ()) is None
    return f' (did you mean "{name}"?)' if fits else ""

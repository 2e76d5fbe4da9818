"""Imports the classes that a suite names by dotted path, and says what is wrong where that does not work."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmark.errors import BadInput, nearest_match, one_line
from benchmark.suite.definitions import defined, is_definition
from benchmark.suite.model import is_dotted
from benchmark.suite.module_folder import used_module_folder, user_module_folders

MOST_FOLDERS = 4
"""Folders that a message names."""


def split_dotted_path(name: str) -> tuple[str, str]:
    """The module and the attribute of `package.module:Class`, `package.module.Class` or `module:Class.method`."""
    module, _, attribute = name.partition(":") if ":" in name else name.rpartition(".")
    return module, attribute


def check_name(field: str, name: str, registry: Mapping[str, Any]) -> None:
    """Refuse the name of a part that is neither registered nor a dotted path."""
    if name not in registry and not is_dotted(name):
        raise BadInput(
            f"{field} = {name!r}: not one of {', '.join(registry)}, nor a dotted path package.module:Class"
            f"{nearest_match(name, registry)}"
        )


def import_part(field: str, name: str) -> Any:
    """Import the class or function at a dotted path.

    Raises:
        BadInput: as `import_value`, or what is there cannot be called.
    """
    part = import_value(field, name)
    if not callable(part):
        raise BadInput(f"{field} = {name!r}: not a class or function")
    return part


def import_value(field: str, name: str) -> Any:
    """Import whatever is at a dotted path.

    Raises:
        BadInput: no such module, with where it was looked for; a module whose own code fails; nothing of that name
            in it.
    """
    if is_definition(name):
        return _find_definition(field, name)
    module_name, attribute = split_dotted_path(name)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # Importing runs third-party code, which may raise anything.
        raise BadInput(f"{field} = {name!r}: cannot be imported ({_describe_failure(module_name, error)})") from error
    try:
        return functools.reduce(getattr, attribute.split("."), module)
    except Exception as error:  # A module may answer for its attributes itself.
        reason = _describe_missing(module, attribute) if isinstance(error, AttributeError) else one_line(error)
        raise BadInput(f"{field} = {name!r}: cannot be imported ({reason})") from error


def _find_definition(field: str, name: str) -> Any:
    """What a notebook or script has given to a comparison; nobody else can have it."""
    definition = defined(name)
    if definition is None:
        need = "only `compare` in the notebook or script that defines it can run it"
        raise BadInput(f"{field} = {name!r}: was given in Python and is stored nowhere; {need}")
    return definition


def _describe_failure(module_name: str, error: BaseException) -> str:
    """Why a module could not be imported: it was not found, or what it does itself failed."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is not None and (module_name == missing or module_name.startswith(f"{missing}.")):
        return f"{one_line(error)}; {_searched(module_name)}"
    found = _found_at(module_name)
    if found is None:
        return one_line(error)
    if missing is not None:
        return f"the module {module_name} was found, {found}, but not what it imports itself: {error}"
    return f"the module {module_name} was found, {found}, but raised {one_line(error)}"


def _describe_missing(module: ModuleType, attribute: str) -> str:
    names = [name for name in vars(module) if not name.startswith("_")]
    where = f", {module.__file__}," if getattr(module, "__file__", None) else ""
    what = f"the module {module.__name__}{where} has no attribute {attribute!r}"
    return f"{what}{nearest_match(attribute, names)}{_hidden_by(module.__name__)}"


def _searched(module_name: str) -> str:
    """Where a module was looked for, and what there has almost its name, or has it but comes too late."""
    top = module_name.partition(".")[0]
    folders = _folders()
    modules = [path.stem for folder in folders for path in Path(folder).glob("*.py")]
    named = [_display(folder) for folder in folders[:MOST_FOLDERS]]
    more = f" and {len(folders) - MOST_FOLDERS} more" if len(folders) > MOST_FOLDERS else ""
    hint = "" if top in modules else nearest_match(top, modules)
    return f"looked in {', '.join(named)}{more} and the installed packages{hint}{_hidden_by(top)}"


def _folders() -> list[str]:
    """The folders in which a user may have modules: that of the suite and the current one first."""
    first = [folder for folder in (used_module_folder(), _working_folder()) if folder is not None]
    searched = user_module_folders(sys.path, sys.prefix)
    return list(dict.fromkeys(os.path.realpath(folder) for folder in (*first, *searched)))


def _working_folder() -> str | None:
    """The current folder where modules are looked for there."""
    try:
        folder = os.path.realpath(Path.cwd())
    except FileNotFoundError:  # It was removed.
        return None
    return folder if folder in [os.path.realpath(path or ".") for path in sys.path] else None


def _display(folder: str) -> str:
    suite, here = used_module_folder(), _working_folder()
    if suite is not None and folder == os.path.realpath(suite):
        return f"the suite's folder {folder}"
    return f"the current folder {folder}" if folder == here else folder


def _hidden_by(module_name: str) -> str:
    """A word on a user's file of a module's name that is not read, since another module of that name comes first."""
    top = module_name.partition(".")[0]
    loaded = getattr(sys.modules.get(top), "__file__", None)
    if loaded is None:
        return ""
    for folder in _folders():
        for path in (Path(folder, f"{top}.py"), Path(folder, top, "__init__.py"), Path(folder, top)):
            if path.exists() and not Path(loaded).is_relative_to(path):
                return f"; {path} has the name of a module that comes before it, {loaded}: give it another name"
    return ""


def _found_at(module_name: str) -> str | None:
    """The file of a module that is there, whether it could be loaded or not."""
    try:
        spec = importlib.util.find_spec(module_name)
    except (Exception, SystemExit):  # Importing a package above it runs third-party code.
        return None
    return None if spec is None or spec.origin is None else spec.origin

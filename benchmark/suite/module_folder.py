"""The folder of the suite's file, where the modules that the suite names are found besides the usual places."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

_used: list[str] = []
"""The folder that `use_module_folder` has put at the end of the path of modules, or nothing."""


def use_module_folder(folder: str | None) -> None:
    """Let the modules in a folder be imported, where no other folder has one of that name.

    The folder comes last, so that nothing in it takes the place of the harness, of an installed package or of the
    standard library. A process has one such folder: that of an earlier call is no longer searched, and the modules
    from there are imported anew, because another suite may have others of the same names.

    Args:
        folder: an absolute path, or None.
    """
    if _used == ([] if folder is None else [folder]):
        return
    while _used:
        _stop_searching(_used.pop())
    if folder is not None:
        if sys.path[-1:] != [folder]:  # A worker process begins with the path of its parent.
            sys.path.append(folder)
        _used.append(folder)
    importlib.invalidate_caches()


def used_module_folder() -> str | None:
    """The folder that this process searches for the suite's modules besides the usual places."""
    return _used[0] if _used else None


def user_module_folders(paths: Iterable[str], prefix: str) -> tuple[str, ...]:
    """The folders of modules that do not belong to the interpreter's installation.

    Args:
        paths: as in `sys.path`.
        prefix: of the installation, as `sys.prefix`.
    """
    folders = [os.path.realpath(path or ".") for path in paths]
    inside = os.path.realpath(prefix)
    outside = [path for path in folders if os.path.isdir(path) and not path.startswith(inside)]  # noqa: PTH112 (str in, str out)
    return tuple(dict.fromkeys(path for path in outside if "site-packages" not in path and "lib/python" not in path))


def _stop_searching(folder: str) -> None:
    """Take a folder from the end of the path of modules, and forget its modules unless it is searched all the same."""
    for place in [place for place, path in enumerate(sys.path) if path == folder][-1:]:
        del sys.path[place]
    if os.path.realpath(folder) not in [os.path.realpath(path or ".") for path in sys.path]:
        _forget_modules(folder)


def _forget_modules(folder: str) -> None:
    """Forget the loaded modules that were found in a folder, and what is in their packages."""
    from benchmark.reproducibility.source_digests import forget_digests  # It reads all sources when it is imported.

    tops = {name for name, module in list(sys.modules.items()) if "." not in name and _lies_in(module, folder)}
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[name]
    forget_digests()


def _lies_in(module: ModuleType, folder: str) -> bool:
    """Whether a module, or the package that it is, lies in a folder itself, not below it."""
    file, packages = getattr(module, "__file__", None), getattr(module, "__path__", None)
    places = list(packages) if packages is not None else [file] if file else []
    return any(str(Path(place).parent) == folder for place in places)

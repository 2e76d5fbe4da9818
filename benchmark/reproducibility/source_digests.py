"""Digests of the source code that decides results."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

from benchmark.reproducibility.isolated_objective import isolated_call

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("algorithms", "benchmark", "objectives")


def _digest(root: Path, paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()[:16]


def digest_sources() -> str:
    """Return the SHA-256 over the source files that decide results, by name and content."""
    return _digest(
        ROOT,
        [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.[cp]*")) if path.suffix in (".py", ".c")],
    )


LOADED_DIGEST = digest_sources()
"""Digest of the code that this process has loaded: files may change under a worker that runs for weeks."""


def digest_modules(modules: Iterable[str]) -> dict[str, str | None]:
    """Return the digests of modules' sources; None for one that is not found here, or has no source.

    Args:
        modules: by dotted path. They are looked up, not imported; a package above one that is not loaded yet
            is imported by the look-up itself.
    """
    return {name: _of_module(name) for name in modules}


def forget_digests() -> None:
    """Read modules anew when they are asked for again: another folder may hold others of the same names."""
    _of_module.cache_clear()


@cache
def _of_module(name: str) -> str | None:
    """Return the digest of the source as this process first found it, like `LOADED_DIGEST`."""
    spec = _spec(name)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    top = _package_of(Path(spec.origin))
    try:
        return _digest(top.parent, sorted(top.rglob("*.py")) if top.is_dir() else [top])
    except OSError:
        return None


def _spec(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__spec__ is not None:
        return loaded.__spec__
    try:
        with isolated_call(f"the package of {name}") if "." in name else nullcontext():
            return importlib.util.find_spec(name)
    except (Exception, SystemExit):  # Importing a package above it runs third-party code, which may raise anything.
        return None


def _package_of(origin: Path) -> Path:
    """Return the whole package of a user's module, whose other files it may use, or the file alone.

    Installed code is told by its version; hashing all of a library would take seconds.
    """
    if {"site-packages", "dist-packages"} & set(origin.parts):
        return origin
    top = origin
    folder = origin.parent
    while (folder / "__init__.py").is_file():
        top, folder = folder, folder.parent
    return top

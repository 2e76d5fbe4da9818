"""Reads ledgers: one JSONL file per run, each line checksummed in a chain with the line before it."""

from __future__ import annotations

import json
import math
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson

from analysis.refusal import BadInput

FORMAT = 1
State = Literal["done", "partial", "failed", "missing"]
SUFFIXES: Mapping[str, State] = {".jsonl": "done", ".jsonl.part": "partial", ".jsonl.failed": "failed"}
WORTHLESS = ("error", "crashed", "timeout")
STATES = ("ok", "diverged", *WORTHLESS)
"""States of an evaluation that came to nothing: its errors are null in the ledger, +inf here."""

_CONFIG = json.JSONEncoder(separators=(",", ":"), check_circular=False)

_MARK, _TAIL = b',"crc":"', len(b',"crc":"00000000"}')
_REMEDY = "restore the file from a copy, or delete it and run the suite again"

Record = dict[str, Any]


LARGEST_WHOLE = 2**63 - 1


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_WHOLE


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _seconds(value: Any) -> bool:
    return _number(value) and value >= 0


def _error(value: Any) -> bool:
    return value is None or _number(value)


FIELDS: dict[str, Callable[[Any], bool]] = {
    "index": _whole,
    "trial": _whole,
    "config": lambda value: isinstance(value, dict),
    "start_epoch": _whole,
    "epochs": _whole,
    "state": lambda value: value in STATES,
    "valid_error": _error,
    "test_error": _error,
    "train_seconds": _seconds,
    "decide_seconds": _seconds,
    "start": _number,
    "end": _number,
}
"""What the analysis needs of an evaluation, and what each value must be; other keys are allowed."""

LATER_FIELDS: dict[str, Callable[[Any], bool]] = {
    "modelled_seconds": lambda value: value is None or _seconds(value),
    "paid_seconds": _seconds,
}
"""Likewise for what ledgers from before trials were priced and shared do not have: price unknown, all training paid."""


WHOLES = ("index", "trial", "start_epoch", "epochs")
TEXTS = ("config", "state")
"""Columns of an evaluation that are whole numbers and texts; the others are float64."""

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The record of one run.

    Attributes:
        state: what the file's name says of the run; "missing" when there is no file.
        clock: the clock that the header names; None where it names none.
        libraries: versions of the algorithm's libraries, by name.
        lacks: what the algorithm cannot do, and why.
        environments: the machine cards of the header and of every resumption, without the libraries.
        evaluations: a column (n,) for each of `FIELDS` and `LATER_FIELDS`, in the order of (end,
            index): as completed. Configurations are JSON texts; unknown prices are NaN.
    """

    state: State
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
    check: Callable[[Mapping[str, Any]], None] = lambda config: None,
) -> Ledger:
    """Read the ledger of one planned run below a suite's folder, whatever state it is in.

    Args:
        folder: the suite's.
        objective: label of the run's objective.
        algorithm: label of its algorithm.
        repetition: its number.
        check: called with every configuration; what it raises is passed on.

    Raises:
        BadInput: a damaged ledger, or one that belongs to another run.
    """
    path, data, state = locate(folder, objective, algorithm, repetition)
    if state == "missing":
        return Ledger(state=state)
    records = read(path, data, complete=state == "done")
    _check_owner(path, records, objective, algorithm, repetition)
    evaluations = [record for record in records if record["kind"] == "evaluation"]
    for record in evaluations:
        check(record["config"])
    cards = [_table(record["environment"]) for record in records if "environment" in record]
    libraries: dict[str, str] = {}
    for card in cards:  # The header's, and where the run was resumed in another environment.
        libraries = merged(libraries, _texts(card.get("libraries")))
    return Ledger(
        state=state,
        clock=_run_of(records).get("clock"),
        libraries=libraries,
        lacks=_texts(records[0].get("lacks")) if records else {},
        environments=tuple({name: value for name, value in card.items() if name != "libraries"} for card in cards),
        evaluations=columns(evaluations),
    )


def locate(folder: Path, objective: str, algorithm: str, repetition: int) -> tuple[Path, bytes, State]:
    """Where the ledger of a planned run is, its bytes, and what its name says of the run's state."""
    # The complete name is tried again last: the run may finish, and rename its file, while we look.
    path = folder / "runs" / objective / algorithm / f"{repetition:03d}.jsonl"
    for suffix, state in (*SUFFIXES.items(), (".jsonl", SUFFIXES[".jsonl"])):
        path = path.with_name(f"{repetition:03d}{suffix}")
        try:
            return path, path.read_bytes(), state
        except FileNotFoundError:
            continue
    return path, b"", "missing"


def columns(evaluations: Sequence[Record]) -> dict[str, np.ndarray]:
    """The columns of checked evaluation records, in the order of their completion."""
    ordered = sorted(evaluations, key=itemgetter("end", "index"))
    made: dict[str, np.ndarray] = {}
    for name in FIELDS:
        values = [record[name] for record in ordered]
        if name in TEXTS:
            texts = map(_CONFIG.encode, values) if name == "config" else values
            made[name] = np.array([*texts, None], dtype=object)[:-1]  # Without the None, an empty one would be float.
        else:
            made[name] = _numbers(values, np.int64 if name in WHOLES else np.float64)
    nothing = np.isin(made["state"].astype(str), WORTHLESS)
    made["valid_error"][nothing] = made["test_error"][nothing] = math.inf
    made["modelled_seconds"] = _numbers([record.get("modelled_seconds") for record in ordered], np.float64)
    made["paid_seconds"] = _numbers(
        [record.get("paid_seconds", record["train_seconds"]) for record in ordered], np.float64
    )
    return made


def _numbers(values: list[Any], kind: type) -> np.ndarray:
    """An array; None becomes NaN."""
    return np.array(values, dtype=kind)


def read(path: Path, data: bytes, *, complete: bool) -> list[Record]:
    """The records of a ledger's bytes.

    Args:
        path: named in messages.
        data: the file.
        complete: the file must be whole; otherwise bytes after its last newline are not yet a record.

    Raises:
        BadInput: a damaged line, an unknown format, or a complete file without its header or end.
    """
    records: list[Record] = []
    seen: set[int] = set()
    for offset, record in _lines(path, data, complete=complete):
        problem = _problem(record, records, seen)
        if problem:
            raise _damaged(path, len(records) + 1, offset, problem)
        records.append(record)
    if complete:
        _check_end(path, records, len(data))
    return records


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


def _lines(path: Path, data: bytes, *, complete: bool) -> Iterator[tuple[int, Record]]:
    """Byte offset and record of every whole line, each checked against its checksum."""
    crc = start = number = 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        body = data[start : end - _TAIL] + b"}"
        crc = zlib.crc32(body, crc)
        # Rebuilding the line and comparing bytes leaves no second spelling of a checksum.
        if data[start:end] != body[:-1] + _MARK + b'%08x"}' % crc:
            raise _damaged(path, number, start, "its checksum does not match")
        yield start, _parse(path, number, start, body)
        start = end + 1
    if complete and start < len(data):
        raise _damaged(path, number + 1, start, "it is cut short")


class _NotFinite(ValueError):
    """NaN or Infinity, which Python's JSON reads and JSON has not."""


def _refuse(constant: str) -> None:
    raise _NotFinite(constant)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _parse(path: Path, number: int, offset: int, body: bytes) -> Record:
    try:
        record = orjson.loads(body)  # 2.4 microseconds for an evaluation of 10 epochs, the standard library 14.
    except orjson.JSONDecodeError:
        record = _parse_slowly(path, number, offset, body)
    assert isinstance(record, dict), "what ends with a brace is an object, or no JSON"
    return record


def _parse_slowly(path: Path, number: int, offset: int, body: bytes) -> Any:
    """What the standard library makes of a line: it knows whole numbers of any size, and better what is wrong."""
    try:
        return _DECODER.decode(body.decode())
    except _NotFinite as error:
        raise _damaged(path, number, offset, f"it holds {error}") from error
    except (
        ValueError,
        RecursionError,
    ) as error:  # ValueError: also a whole number of more digits than Python converts.
        raise _damaged(path, number, offset, f"it is not JSON ({error})") from error


def _problem(record: Record, before: list[Record], seen: set[int]) -> str | None:
    """What is wrong with a record after the ones before it; None when nothing is."""
    kind = record.get("kind")
    if not before:
        if kind != "header":
            return "the header is missing"
        if record.get("format") != FORMAT:
            return f"format = {record.get('format')!r}, but this version reads {FORMAT} only"
        return None
    if before[-1]["kind"] == "end":
        return "it follows the end of the run"
    if kind == "evaluation":
        return _problem_with_evaluation(record, seen)
    return None if kind in ("resumed", "failure", "end") else f"kind = {kind!r} is unknown in format {FORMAT}"


def _problem_with_evaluation(record: Record, seen: set[int]) -> str | None:
    for name, allowed in FIELDS.items():
        if name not in record:
            return f"{name} is missing"
        if not allowed(record[name]):
            return f"{name} = {record[name]!r} is not allowed"
    for name, allowed in LATER_FIELDS.items():
        if name in record and not allowed(record[name]):
            return f"{name} = {record[name]!r} is not allowed"
    if record["index"] in seen:
        return f"index = {record['index']} is there twice"
    seen.add(record["index"])
    if record["epochs"] < record["start_epoch"]:
        return f"epochs = {record['epochs']} is less than start_epoch = {record['start_epoch']}"
    if not 0 <= record["start"] <= record["end"]:
        return f"start = {record['start']!r} and end = {record['end']!r} are out of order"
    for name in ("valid_error", "test_error"):
        if (record[name] is None) != (record["state"] in WORTHLESS):
            return f"{name} = {record[name]!r} does not go with state = {record['state']!r}"
    return None


def _check_end(path: Path, records: list[Record], size: int) -> None:
    number = len(records) + 1
    if not records:
        raise _damaged(path, number, size, "the header is missing")
    if records[-1]["kind"] != "end":
        raise _damaged(path, number, size, "the end of the run is missing")
    count = sum(record["kind"] == "evaluation" for record in records)
    if records[-1].get("evaluations") != count:
        told = f"the end tells of {records[-1].get('evaluations')!r} evaluations, but there are {count}"
        raise _damaged(path, len(records), size, told)


def _check_owner(path: Path, records: list[Record], *place: str | int) -> None:
    """Refuse a ledger that was copied or renamed to another run's place."""
    run = _run_of(records)
    for name, expected in zip(("objective", "algorithm", "repetition"), place, strict=True):
        told = run.get(name, expected)
        label = told.get("label", expected) if isinstance(told, dict) else told
        if label != expected:
            raise _damaged(path, 1, 0, f"it belongs to {name} {label!r}, not {expected!r}")


def _run_of(records: list[Record]) -> Record:
    """What the header says of the run; empty where it says nothing."""
    return _table(records[0].get("run")) if records else {}


def _table(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> dict[str, str]:
    """The texts of a table; a version that is not known is left out."""
    return {str(name): text for name, text in _table(value).items() if isinstance(text, str)}


def _damaged(path: Path, line: int, offset: int, problem: str) -> BadInput:
    return BadInput(f"{path}: line {line} (byte {offset}): {problem}; {_REMEDY}")

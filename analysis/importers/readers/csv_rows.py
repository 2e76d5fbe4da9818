"""CSV files of trials, by a mapping in TOML: a row is a trial, or an epoch of one."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from analysis.importers.readers.csv_mapping import TrialMapping, load_mapping
from analysis.importers.studies.foreign_study import ForeignStudy, ForeignTrial, Report, TrialState
from benchmark.errors import BadInput, nearest_match, one_line, short_repr
from benchmark.storage.untrusted_files import read_limited

LARGEST = 2**29
"""Bytes of the largest file that is read."""
CLOCKS = {
    "so_far": "seconds since the start of the study, as the column {column} has them",
    "training": "seconds of all rows so far, one after another, as the column {column} has them",
    "time": "wall seconds since the first time of the study in the column {column}",
}
SEPARATOR_LINE = "sep="
"""How the first line of a file begins in which Excel names its separator."""
NOTHING = ("", "#N/A")
"""Cells without a value, the second one as spreadsheets write it."""
OF_STUDY = ("study", "objective", "algorithm", "repetition", "seed")
"""Columns that are the same in all rows of a study, and tell studies apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of the file.

    Attributes:
        line: of the file, for messages.
        cells: text by column.
    """

    line: int
    cells: dict[str, str]


def can_read(path: Path) -> bool:
    """Whether a file is called one of comma- or tab-separated values."""
    return path.is_file() and path.suffix.lower() in (".csv", ".tsv")


def read(path: Path, mapping: str | None) -> list[ForeignStudy]:
    """Read the studies of a file.

    Args:
        path: of the file.
        mapping: path of the TOML file that says what its columns are.

    Raises:
        BadInput: no mapping, a column that is not there, or a cell that is not what its column holds.
    """
    if mapping is None:
        raise BadInput(f"{path}: need --mapping FILE.toml, which says what its columns are")
    meant = load_mapping(mapping)
    rows = _rows(path, meant)
    by_study: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        by_study.setdefault(
            tuple(row.cells[meant.columns[key]] for key in OF_STUDY if key in meant.columns), []
        ).append(row)
    return [_study(path, meant, of_study) for of_study in by_study.values()]


def _rows(path: Path, meant: TrialMapping) -> list[_Row]:
    try:
        text = read_limited(path, LARGEST).decode(meant.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise BadInput(f"{path}: cannot be decoded as {meant.encoding} ({one_line(error)})") from error
    head = text.partition("\n")[0]
    named = head.startswith(SEPARATOR_LINE)
    separator = meant.separator or max(",;\t", key=head.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    if named:
        next(reader)
    names = [*map(str.strip, next(reader, []))]
    wanted = [*meant.columns.values(), *meant.hyperparameters.values(), *(column for column, _ in meant.metrics)]
    for column in [*wanted, *([meant.seconds] if meant.seconds else [])]:
        if names.count(column) != 1:
            what = "twice" if column in names else "not"
            raise BadInput(
                f"{path}: the column {short_repr(column)} is {what} there, there are {', '.join(names) or 'none'}"
                f"{nearest_match(column, names)}"
            )
    rows = []
    for cells in filter(any, reader):  # Spreadsheets write empty rows as separators alone.
        if len(cells) != len(names):
            raise BadInput(f"{path}: line {reader.line_num}: {len(cells)} cells, but the first line has {len(names)}")
        rows.append(_Row(line=reader.line_num, cells=dict(zip(names, map(str.strip, cells), strict=True))))
    if not rows:
        raise BadInput(f"{path}: there is no row below the names of the columns")
    return rows


def _study(path: Path, meant: TrialMapping, rows: Sequence[_Row]) -> ForeignStudy:
    said = {key: rows[0].cells[meant.columns[key]] or None for key in OF_STUDY if key in meant.columns}
    parts = [text for key in ("objective", "algorithm", "repetition", "seed") if (text := said.get(key))]
    clock = "time" if meant.seconds is None else meant.seconds_per
    seed = said.get("seed")
    return ForeignStudy(
        name=said.get("study") or "-".join(parts) or path.stem,
        tool="csv",
        algorithm=said.get("algorithm"),
        objective=said.get("objective"),
        repetition=said.get("repetition"),
        metrics=tuple(metric for _, metric in meant.metrics),
        space=_space(meant, rows),
        seed=int(seed) if seed and seed.lstrip("-").isdecimal() else None,
        clock=CLOCKS[clock].format(column=meant.seconds or meant.columns["time"]),
        trials=tuple(_trials(path, meant, rows)),
        files=(path,),
    )


def _space(meant: TrialMapping, rows: Sequence[_Row]) -> dict[str, Any] | None:
    """The space that the mapping describes; an axis without a value in some row is optional."""
    if meant.space is None:
        return None
    return {
        name: {**axis, **({} if all(row.cells[meant.hyperparameters[name]] for row in rows) else {"optional": True})}
        for name, axis in meant.space.items()
    }


def _trials(path: Path, meant: TrialMapping, rows: Sequence[_Row]) -> Iterator[ForeignTrial]:
    ends = _ends(path, meant, rows)
    column = meant.columns.get("trial")
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.cells[column] if column else str(place), []).append(place)
    numbers = {key: number for number, key in enumerate(places)}
    if all(key.isdecimal() and str(int(key)) == key for key in places):
        numbers = {key: int(key) for key in places}
    for key, mine in places.items():
        yield _trial(path, meant, numbers[key], [rows[place] for place in mine], [ends[place] for place in mine])


def _trial(
    path: Path, meant: TrialMapping, number: int, rows: Sequence[_Row], times: Sequence[tuple[float | None, float]]
) -> ForeignTrial:
    state = _state(path, meant, rows[-1])
    config = {name: _value(meant, rows[0].cells[column]) for name, column in meant.hyperparameters.items()}
    if len(rows) > 1 and "epoch" not in meant.columns:
        raise BadInput(f"{path}: line {rows[1].line}: trial {number} is there twice, and the mapping names no epoch")
    reports = [
        Report(
            epoch=_epoch(path, meant, row), seconds=None if state == "pruned" else end, values=_values(path, meant, row)
        )
        for row, (_, end) in zip(rows, times, strict=True)
    ]
    return ForeignTrial(
        number=number,
        config={name: value for name, value in config.items() if value is not None},
        start=times[0][0],
        end=times[-1][1],
        reports=tuple(sorted(reports, key=lambda report: report.epoch)) if state != "failed" else tuple(reports[:-1]),
        state=state,
    )


def _ends(path: Path, meant: TrialMapping, rows: Sequence[_Row]) -> list[tuple[float | None, float]]:
    """Start and end of every row on its study's clock."""
    if meant.seconds is not None:
        found = [_number(path, row, meant.seconds, meant) * meant.seconds_unit for row in rows]
        if meant.seconds_per == "training":
            totals = [0.0]
            for seconds in found:
                totals.append(totals[-1] + seconds)
            return list(pairwise(totals))
        started = meant.columns.get("start")
        return [
            (_number(path, row, started, meant) * meant.seconds_unit if started else None, end)
            for row, end in zip(rows, found, strict=True)
        ]
    ends = [_moment(path, row, meant.columns["time"], meant) for row in rows]
    begins = [_moment(path, row, meant.columns["start"], meant) for row in rows] if "start" in meant.columns else None
    origin = min([*ends, *(begins or ())])
    return [(begins[place] - origin if begins else None, end - origin) for place, end in enumerate(ends)]


def _moment(path: Path, row: _Row, column: str, meant: TrialMapping) -> float:
    """Seconds since 1970 of a cell in ISO 8601, which without a zone is in UTC, or of a number of them."""
    try:
        moment = datetime.fromisoformat(row.cells[column])
    except ValueError:
        return _number(path, row, column, meant)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(path: Path, row: _Row, column: str, meant: TrialMapping) -> float:
    text = row.cells[column]
    try:
        value = _parse(float, text, meant)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(
            f"{path}: line {row.line}: {column} = {short_repr(text)}: need a time: a number of seconds, or "
            "2026-01-31T23:59:59 where the mapping says time"
        )
    return value


def _parse(kind: type[int | float], text: str, meant: TrialMapping) -> int | float:
    """The number of a cell.

    Raises:
        ValueError: it is none; marks of thousands are none either.
    """
    if meant.decimal != ",":
        return kind(text)
    if "." in text:
        raise ValueError("a decimal point beside decimal commas")
    return kind(text.replace(",", "."))


def _values(path: Path, meant: TrialMapping, row: _Row) -> dict[str, float]:
    """What a row reports; an empty cell is a value that is not known."""
    found = {}
    for column, metric in meant.metrics:
        text = row.cells[column]
        try:
            found[metric.name] = math.nan if text in NOTHING else _parse(float, text, meant)
        except ValueError as error:
            raise BadInput(
                f"{path}: line {row.line}: {column} = {short_repr(text)}: need a number, or nothing"
            ) from error
    return found


def _epoch(path: Path, meant: TrialMapping, row: _Row) -> int:
    if "epoch" not in meant.columns:
        return 1
    text = row.cells[meant.columns["epoch"]]
    try:
        epoch = float(text)
    except ValueError:
        epoch = math.nan
    if not (math.isfinite(epoch) and epoch == int(epoch) and epoch >= meant.epochs_from):
        raise BadInput(
            f"{path}: line {row.line}: {meant.columns['epoch']} = {short_repr(text)}: need a whole number >= "
            f"{meant.epochs_from}"
        )
    return int(epoch) + 1 - meant.epochs_from


def _state(path: Path, meant: TrialMapping, row: _Row) -> TrialState:
    if "state" not in meant.columns:
        return "completed"
    text = row.cells[meant.columns["state"]]
    if text.lower() not in meant.states:
        raise BadInput(
            f"{path}: line {row.line}: {meant.columns['state']} = {short_repr(text)}: not one of "
            f"{', '.join(meant.states)}; say in [states] what it means"
        )
    return meant.states[text.lower()]


def _value(meant: TrialMapping, text: str) -> Any:
    """A hyperparameter's value: a truth value, a number or a text; None of an empty cell."""
    if not text:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return _parse(kind, text, meant)
        except ValueError:
            continue
    return text

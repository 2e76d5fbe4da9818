"""Reads what Nevergrad's `ParametersLogger` writes: a line of JSON for every loss that an optimizer was told.

Nevergrad records no times, so the clock counts the losses that were told, and neither the space nor the seed.
`optimizer.dump` writes a pickle, which is never opened. A file that several optimizers appended to holds a study for
each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.importers.studies.foreign_files import (
    PICKLE,
    files_below,
    first_files_below,
    read_json_lines,
    refuse_pickle,
    require_field,
    require_number,
    study_name,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report
from analysis.importers.studies.metric_choice import choose_metrics
from benchmark.errors import BadInput

TOOL = "nevergrad"
REMEDY = (
    "write its trials with ng.callbacks.ParametersLogger: "
    'optimizer.register_callback("tell", ng.callbacks.ParametersLogger("trials.json", append=False))'
)
CLOCK = "trials counted in the order in which their losses were told: Nevergrad records no times"
LOSS, LOSSES, TOLD = "#loss", "#losses#", "#num-tell"
FIRST = 2**16
"""Bytes that show what a file is."""


def can_read(path: Path) -> bool:
    """Return whether a file is of Nevergrad, be it a pickle, or a folder holds any such file."""
    return any(_is_log(file) for file in first_files_below(path, (".json", ".jsonl", ".log", ".txt", ".pkl")))


def _is_log(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(FIRST)
    if first.startswith(PICKLE):
        return b"nevergrad" in first
    return all(word in first for word in (b'"#parametrization"', b'"#loss"'))


def read(path: Path, metrics: Sequence[ForeignMetric] = ()) -> list[ForeignStudy]:
    """Read the losses of a file, or of all such files in a folder and below.

    Args:
        path: of a file or folder.
        metrics: of the losses, which come first; all are minimised.

    Raises:
        BadInput: no such file, a pickle, or a field that Nevergrad does not write so.
    """
    endings = (".json", ".jsonl", ".log", ".txt", ".pkl")
    files = [path] if path.is_file() else [file for file in files_below(path, endings) if _is_log(file)]
    if not files:
        raise BadInput(f"{path}: no file of Nevergrad; {REMEDY}")
    return [study for file in files for study in _studies(study_name(path, file), file, metrics)]


def _studies(name: str, path: Path, metrics: Sequence[ForeignMetric]) -> Iterator[ForeignStudy]:
    refuse_pickle(path, REMEDY)
    rows = read_json_lines(path)
    if not rows:
        raise BadInput(f"{path}: no loss in it; {REMEDY}")
    for number, row in enumerate(rows, 1):
        require_field(f"{path}, line {number}", row, TOLD, int)
    sessions = list(_sessions(rows))
    for number, session in enumerate(sessions):
        yield _study(name if len(sessions) == 1 else f"{name}-{number}", path, session, metrics)


def _sessions(rows: Sequence[dict[str, Any]]) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Lines with their numbers by optimizer: another one begins to count at 0 again."""
    session: list[tuple[int, dict[str, Any]]] = []
    for number, row in enumerate(rows, 1):
        if session and row[TOLD] <= session[-1][1][TOLD]:
            yield session
            session = []
        session.append((number, row))
    yield session


def _study(
    name: str, path: Path, rows: Sequence[tuple[int, dict[str, Any]]], named: Sequence[ForeignMetric]
) -> ForeignStudy:
    columns = _columns(rows[0][1])
    recorded = tuple(ForeignMetric(name=metric, goal="min") for metric in columns)
    metrics = choose_metrics(path, recorded, named, [])
    optimizer = rows[0][1].get("#optimizer")
    trials = []
    for number, (line, row) in enumerate(rows):
        source = f"{path}, line {line}"
        values = {
            metric.name: require_number(source, columns[metric.name], row.get(columns[metric.name], "missing"))
            for metric in metrics
        }
        report = Report(epoch=1, seconds=number + 1.0, values=values)
        trials.append(
            ForeignTrial(number=number, config=_config(row), start=float(number), reports=(report,), state="completed")
        )
    return ForeignStudy(
        name=name,
        tool=TOOL,
        algorithm=optimizer if isinstance(optimizer, str) else None,
        metrics=metrics,
        clock=CLOCK,
        trials=tuple(trials),
        files=(path,),
    )


def _columns(row: Mapping[str, Any]) -> dict[str, str]:
    """The column of each metric: of one loss, or of several, beside which the loss is a hypervolume's."""
    several = [key for key in row if key.startswith(LOSSES)]
    return {f"loss_{key.removeprefix(LOSSES)}": key for key in several} or {"loss": LOSS}


def _config(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the parameters, without what the optimizer keeps of them; arrays number by number."""
    config: dict[str, Any] = {}
    for name, value in row.items():
        if "#" in name or (name.endswith(".indices") and name.removesuffix(".indices") in row):
            continue
        config |= _numbered(f"x{name}" if name[0].isdecimal() else name, value)
    return config


def _numbered(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, list):
        return {name: value}
    return {key: item for place, part in enumerate(value) for key, item in _numbered(f"{name}.{place}", part).items()}

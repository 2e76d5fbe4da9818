"""Reads the trials of Hyperopt from JSON, for Hyperopt itself saves them only as pickles, which are never opened.

The file is the list `trials.trials`, or `trials._dynamic_trials` with the trials that raised an error besides. A
trial began at `book_time` and ended at `refresh_time`. A choice is known by its number: the space is not in the trials.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.importers.studies.foreign_files import (
    PICKLE,
    files_below,
    first_files_below,
    read_json,
    refuse_pickle,
    require_field,
    require_number,
    require_object,
    study_name,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report, TrialState
from analysis.importers.studies.metric_choice import choose_metrics
from benchmark.errors import BadInput, short_repr

TOOL = "hyperopt"
LOSS = ForeignMetric(name="loss", goal="min")
REMEDY = (
    "write the trials as JSON: "
    'json.dump(trials._dynamic_trials, open("trials.json", "w"), '
    'default=lambda value: value.item() if hasattr(value, "item") else str(value))'
)
CLOCK = "seconds since the first trial was booked, when a trial was refreshed last (refresh_time)"
COUNTED = "trials counted in their order: the file holds no times"
BOOKED, REFRESHED = "book_time", "refresh_time"
NEW, RUNNING, DONE = 0, 1, 2
"""States of a job; all above are of trials that failed or were cancelled."""
MICROSECONDS = 6
"""Decimal places of a time; Hyperopt's own have three."""
FIRST = 2**16
"""Bytes that show what a file is."""


def can_read(path: Path) -> bool:
    """Return whether a file holds trials of Hyperopt, be it as a pickle, or a folder any such file."""
    return any(_is_trials(file) for file in first_files_below(path, (".json", ".pkl", ".p", ".pickle")))


def _is_trials(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(FIRST)
    if first.startswith(PICKLE):
        return b"hyperopt" in first
    return first.lstrip()[:1] in (b"[", b"{") and all(word in first for word in (b'"misc"', b'"tid"', b'"vals"'))


def read(path: Path, metrics: Sequence[ForeignMetric] = ()) -> list[ForeignStudy]:
    """Read the trials of a file, or of all such files in a folder and below.

    Args:
        path: of a file or folder.
        metrics: further numbers of the results, with their goals, that come before the loss.

    Raises:
        BadInput: no such file, a pickle, or a field that Hyperopt does not write so.
    """
    files = [path] if path.is_file() else [file for file in files_below(path, (".json", ".pkl")) if _is_trials(file)]
    if not files:
        raise BadInput(f"{path}: no trials of Hyperopt; {REMEDY}")
    return [study for file in files for study in _studies(study_name(path, file), file, metrics)]


def _studies(name: str, path: Path, metrics: Sequence[ForeignMetric]) -> list[ForeignStudy]:
    """A study for each experiment key of the trials in a file; most files have one."""
    refuse_pickle(path, REMEDY)
    trials = read_json(path)
    if not isinstance(trials, list) or not trials:
        raise BadInput(f"{path}: need a list of trials, at least one, got {short_repr(trials)}; {REMEDY}")
    by_key: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for number, trial in enumerate(trials):
        source = f"{path}: trial {number}"
        by_key.setdefault(str(require_object(source, trial).get("exp_key")), []).append((source, trial))
    several = len(by_key) > 1
    return [_study(f"{name}/{key}" if several else name, path, by_key[key], metrics) for key in sorted(by_key)]


def _study(
    name: str, path: Path, trials: Sequence[tuple[str, dict[str, Any]]], named: Sequence[ForeignMetric]
) -> ForeignStudy:
    results = [trial.get("result") for _, trial in trials]
    available = {
        key
        for result in results
        if isinstance(result, dict)
        for key, value in result.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    metrics = choose_metrics(path, (LOSS,), named, available)
    times = [_times(source, trial) for source, trial in trials]
    ended = [end for (_, end), (_, trial) in zip(times, trials, strict=True) if _state(trial)[1]]
    counted = all(end is None for end in ended)
    if not counted and None in ended:
        raise BadInput(f"{path}: {REFRESHED} is null in some trials that ended, and not in others: need all or none")
    first = min((time for pair in times for time in pair if time is not None), default=0.0)
    clock = [
        (float(number), float(number + 1)) if counted else _since(first, pair) for number, pair in enumerate(times)
    ]
    return ForeignStudy(
        name=name,
        tool=TOOL,
        metrics=metrics,
        clock=COUNTED if counted else CLOCK,
        trials=tuple(
            _trial(number, source, trial, metrics, when)
            for number, ((source, trial), when) in enumerate(zip(trials, clock, strict=True))
        ),
        files=(path,),
    )


def _since(first: float, times: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    start, end = (None if time is None else round(time - first, MICROSECONDS) for time in times)
    return start, end


def _state(trial: Mapping[str, Any]) -> tuple[TrialState, bool]:
    """How a trial ended, and whether it did."""
    if trial.get("state") in (NEW, RUNNING):
        return "running", False
    result = trial.get("result")
    good = trial.get("state") == DONE and isinstance(result, dict) and result.get("status") == "ok"
    return "completed" if good else "failed", True


def _trial(
    number: int,
    source: str,
    trial: Mapping[str, Any],
    metrics: Sequence[ForeignMetric],
    times: tuple[float | None, float | None],
) -> ForeignTrial:
    require_field(source, trial, "state", int)
    state, ended = _state(trial)
    start, end = times
    reports = []
    if state == "completed":
        result = trial["result"]
        values = {
            metric.name: require_number(f"{source}: result", metric.name, result.get(metric.name, "missing"))
            for metric in metrics
        }
        reports.append(Report(epoch=1, seconds=end, values=values))
    return ForeignTrial(
        number=number,
        config=_config(source, trial),
        start=start,
        end=end if ended else None,
        reports=tuple(reports),
        state=state,
    )


def _config(source: str, trial: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the hyperparameters that the trial has; others are empty lists."""
    misc = require_field(source, trial, "misc", dict)
    config = {}
    for name, values in require_field(f"{source}: misc", misc, "vals", dict).items():
        if not isinstance(values, list) or len(values) > 1:
            raise BadInput(f"{source}: misc.vals.{name} = {short_repr(values)}: need a list of at most one value")
        if values:
            config[name] = _number(values[0])
    return config


def _number(value: Any) -> Any:
    """A value, of a text the number in it: `default=str` writes whole numbers of NumPy so."""
    if not isinstance(value, str):
        return value
    try:
        number = json.loads(value)
    except ValueError:
        return value
    return number if isinstance(number, int | float) and math.isfinite(number) else value


def _times(source: str, trial: Mapping[str, Any]) -> tuple[float | None, float | None]:
    start, end = _seconds(source, BOOKED, trial.get(BOOKED)), _seconds(source, REFRESHED, trial.get(REFRESHED))
    if start is not None and end is not None and end < start:
        raise BadInput(f"{source}: {REFRESHED} = {trial[REFRESHED]!r} is before {BOOKED} = {trial[BOOKED]!r}")
    return start, end


def _seconds(source: str, field: str, value: Any) -> float | None:
    """A time as seconds since 1970; Hyperopt's are in UTC without saying so."""
    if value is None or value == "None":
        return None
    text = value.get("$date") if isinstance(value, dict) else value  # As MongoDB's own export writes it.
    try:
        time = datetime.fromisoformat(str(text))
    except (TypeError, ValueError) as error:
        raise BadInput(f"{source}: {field} = {short_repr(value)}: need a time as 2026-01-31 23:59:59.123") from error
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()

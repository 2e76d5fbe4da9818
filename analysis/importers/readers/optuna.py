"""Studies of Optuna in an SQLite file or a journal file, read without Optuna and without changing anything.

Only completed trials can be the best one, as in `Study.best_trial`; pruned ones keep what they reported. Optuna
records no time of an intermediate value, so all that a trial reported is credited when the trial ends. An epoch is a
step, or a step more where the file counts steps from 0.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from analysis.importers.readers.optuna_files import (
    OptunaStudy,
    OptunaTrial,
    connect,
    read_database,
    read_journal,
    table_names,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report, TrialState
from analysis.importers.studies.spaces import joined_space
from benchmark.errors import BadInput, one_line

CLOCK = "wall seconds since the first trial of its study began"
SQLITE = b"SQLite format 3\x00"
STATES: Mapping[str, TrialState | None] = {
    "RUNNING": "running",
    "COMPLETE": "completed",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "WAITING": None,
}
GOALS: Mapping[str, Literal["min", "max"]] = {"MINIMIZE": "min", "MAXIMIZE": "max"}
OLDER = {
    "Uniform": "Float",
    "LogUniform": "Float",
    "DiscreteUniform": "Float",
    "IntUniform": "Int",
    "IntLogUniform": "Int",
}
"""Distributions of Optuna 2, which are those of 3 by other names."""


def can_read(path: Path) -> bool:
    """Whether a file is an SQLite database with Optuna's tables, or a journal of it."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(SQLITE):
        try:
            with closing(connect(path)) as database:
                return {"studies", "trials", "trial_params"} <= table_names(database)
        except sqlite3.Error:
            return False
    return head.startswith(b'{"op_code":') or head.startswith(b'{"op_code" :')


def read(path: Path) -> list[ForeignStudy]:
    """Read every study of a file, in the order of their names.

    Raises:
        BadInput: it is neither kind of file, it is damaged, or a study has nothing that can be compared.
    """
    try:
        with path.open("rb") as file:
            is_database = file.read(len(SQLITE)) == SQLITE
        studies, version = read_database(path) if is_database else (read_journal(path), None)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except (sqlite3.Error, ValueError, KeyError, TypeError, IndexError) as error:
        kind = "an SQLite database" if path.suffix in (".db", ".sqlite", ".sqlite3") else "a journal"
        raise BadInput(f"{path}: cannot be read as {kind} of Optuna ({one_line(error)})") from error
    first = 1 if any(0 in trial.steps for study in studies for trial in study.trials) else 0
    made = [_foreign(path, study, version, first) for study in studies]
    return sorted(made, key=lambda study: study.name)


def _foreign(path: Path, study: OptunaStudy, version: str | None, first: int) -> ForeignStudy:
    where = f"{path}: study {study.name!r}"
    starts = [trial.start for trial in study.trials if trial.start is not None]
    goals = [GOALS.get(direction) for direction in study.directions]
    if None in goals:
        raise BadInput(f"{where}: its direction is {study.directions}: need minimize or maximize")
    names = study.names or (["value"] if len(goals) == 1 else [f"value_{place}" for place in range(len(goals))])
    metrics = tuple(ForeignMetric(name=name, goal=goal) for name, goal in zip(names, goals, strict=True) if goal)
    origin = min(starts) if starts else None
    trials = [_trial(where, trial, metrics, origin, first) for trial in study.trials if STATES[trial.state] is not None]
    spaces = [{name: _axis(where, name, given) for name, (_, given) in trial.params.items()} for trial in study.trials
              if STATES[trial.state] is not None]  # fmt: skip
    return ForeignStudy(
        name=study.name,
        tool="optuna",
        version=version,
        metrics=metrics,
        space=joined_space(spaces),
        clock=CLOCK,
        trials=tuple(trials),
        files=(path,),
    )


def _trial(
    where: str, trial: OptunaTrial, metrics: tuple[ForeignMetric, ...], origin: datetime | None, first: int
) -> ForeignTrial:
    state = STATES[trial.state]
    assert state is not None, "waiting trials are left out before"
    where = f"{where}: trial {trial.number}"
    start, end = (_seconds(where, moment, origin) for moment in (trial.start, trial.end))
    if state != "running" and end is None:
        raise BadInput(f"{where}: {trial.state}, but when it ended is not recorded; its improvement cannot be placed")
    epochs = {step + first: value for step, value in sorted(trial.steps.items())}
    reports = [Report(epoch=epoch, seconds=None, values={metrics[0].name: value}) for epoch, value in epochs.items()]
    if state == "completed":
        if len(trial.values) < len(metrics):
            raise BadInput(f"{where}: COMPLETE, but without a value of every objective")
        values = {metric.name: trial.values[place] for place, metric in enumerate(metrics)}
        reports.append(Report(epoch=max(epochs, default=1), seconds=end, values=values))
    return ForeignTrial(
        number=trial.number,
        config={name: _value(where, name, *given) for name, given in trial.params.items()},
        start=start,
        end=end,
        reports=tuple(reports),
        state=state,
    )


def _seconds(where: str, moment: datetime | None, origin: datetime | None) -> float | None:
    if moment is None or origin is None:
        return None
    try:
        return (moment - origin).total_seconds()
    except TypeError as error:
        raise BadInput(f"{where}: some times have a time zone and others have none") from error


def _attributes(distribution: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Kind ("Float", "Int" or "Categorical") and attributes of a distribution in either of its two formats."""
    if "name" in distribution:
        name = str(distribution["name"]).removesuffix("Distribution")
        log = {"log": True} if name in ("LogUniform", "IntLogUniform") else {}
        return OLDER.get(name, name), {**distribution["attributes"], **log}
    return str(distribution["type"]).capitalize(), distribution


def _axis(where: str, name: str, distribution: Mapping[str, Any]) -> Mapping[str, Any]:
    """An axis as `suite.json` writes it."""
    kind, attributes = _attributes(distribution)
    if kind == "Categorical":
        return {"kind": "categorical", "choices": list(attributes["choices"])}
    if kind not in ("Float", "Int"):
        raise BadInput(f"{where}: the distribution {kind!r} of {name!r} is not known")
    return {
        "kind": kind.lower(),
        "low": attributes["low"],
        "high": attributes["high"],
        "log": attributes.get("log") is True,
    }


def _value(where: str, name: str, internal: float, distribution: Mapping[str, Any]) -> Any:
    """A parameter's value, from the number that Optuna keeps for it."""
    kind, attributes = _attributes(distribution)
    if kind == "Categorical":
        return attributes["choices"][int(internal)]
    return int(internal) if kind == "Int" else float(internal)

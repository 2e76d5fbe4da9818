"""The two files in which Optuna keeps studies, an SQLite database and a journal, read as they are."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")
"""Names of states and directions by the numbers that a journal has for them."""
SPECIAL = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


@dataclass(slots=True, kw_only=True)
class OptunaTrial:
    """What is recorded of a trial: its values, the values by step, and the parameters with their distributions."""

    number: int
    state: str = "RUNNING"
    start: datetime | None = None
    end: datetime | None = None
    values: dict[int, float] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    params: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class OptunaStudy:
    """What is recorded of a study."""

    name: str
    directions: list[str]
    names: list[str] | None = None
    trials: list[OptunaTrial] = field(default_factory=list)


def connect(path: Path) -> sqlite3.Connection:
    """Open a database so that nothing in it can be changed, not even by an accident."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def table_names(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def read_database(path: Path) -> tuple[list[OptunaStudy], str | None]:
    """All studies of an SQLite file, and the version of Optuna that made it."""
    with closing(connect(path)) as database:
        missing = {"studies", "study_directions", "trials", "trial_values"} - table_names(database)
        if missing:
            raise ValueError(f"there is no table {sorted(missing)[0]}")
        database.execute("BEGIN")  # One state of the file, also while a study goes on.
        studies = {
            key: OptunaStudy(name=name, directions=[])
            for key, name in database.execute("SELECT study_id, study_name FROM studies ORDER BY study_id")
        }
        for key, direction in database.execute(
            "SELECT study_id, direction FROM study_directions ORDER BY study_id, objective"
        ):
            studies[key].directions.append(direction)
        for key, text in database.execute(
            "SELECT study_id, value_json FROM study_system_attributes WHERE key = 'study:metric_names'"
        ):
            studies[key].names = json.loads(text)
        trials = _trials_of_database(database, studies)
        _fill(database, trials)
        versions = database.execute("SELECT library_version FROM version_info").fetchall()
    return list(studies.values()), versions[0][0] if versions else None


def _trials_of_database(database: sqlite3.Connection, studies: Mapping[int, OptunaStudy]) -> dict[int, OptunaTrial]:
    trials = {}
    rows = database.execute(
        "SELECT trial_id, study_id, number, state, datetime_start, datetime_complete FROM trials ORDER BY trial_id"
    )
    for key, study, number, state, start, end in rows:
        trials[key] = OptunaTrial(number=number, state=state, start=_moment(start), end=_moment(end))
        studies[study].trials.append(trials[key])
    return trials


def _fill(database: sqlite3.Connection, trials: Mapping[int, OptunaTrial]) -> None:
    """Add parameters and values to the trials of a database."""
    known: dict[str, Mapping[str, Any]] = {}
    for key, name, value, text in database.execute(
        "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params ORDER BY param_id"
    ):
        if text not in known:
            known[text] = json.loads(text)
        trials[key].params[name] = (value, known[text])
    for key, place, value, kind in _typed(database, "trial_values", "objective", "value"):
        trials[key].values[place] = SPECIAL.get(kind, value)
    for key, step, value, kind in _typed(database, "trial_intermediate_values", "step", "intermediate_value"):
        trials[key].steps[step] = SPECIAL.get(kind, math.nan if value is None else value)


def _typed(database: sqlite3.Connection, table: str, place: str, value: str) -> Iterable[tuple[int, int, Any, str]]:
    """Rows of values; before Optuna 3 a value had no type beside it."""
    columns = {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    kind = f"{value}_type" if f"{value}_type" in columns else "'FINITE'"
    return database.execute(f"SELECT trial_id, {place}, {value}, {kind} FROM {table}")


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def read_journal(path: Path) -> list[OptunaStudy]:
    """All studies of a journal, by the rules of Optuna's own replay."""
    studies: dict[int, OptunaStudy] = {}
    trials: dict[int, OptunaTrial] = {}
    created = 0
    for log in _lines(path):
        code = log["op_code"]
        if code == 0 and log["study_name"] not in [study.name for study in studies.values()]:
            directions = [DIRECTIONS[number] for number in log["directions"]]
            studies[created] = OptunaStudy(name=log["study_name"], directions=directions)
            created += 1
        elif code == 1:
            studies.pop(log["study_id"], None)
        elif code == 3 and log["study_id"] in studies and "study:metric_names" in log["system_attr"]:
            studies[log["study_id"]].names = log["system_attr"]["study:metric_names"]
        elif code == 4 and log["study_id"] in studies:
            study = studies[log["study_id"]]
            study.trials.append(_created(log, len(study.trials)))
            trials[len(trials)] = study.trials[-1]
        elif code in (5, 6, 7) and log["trial_id"] in trials:
            _change(trials[log["trial_id"]], log)
    return list(studies.values())


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """The entries of a journal; a last line that is being written is not yet one."""
    data = path.read_bytes()
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        log = json.loads(line)
        if not isinstance(log, dict):
            raise ValueError("a line holds no entry")
        yield log


def _created(log: Mapping[str, Any], number: int) -> OptunaTrial:
    distributions = {name: json.loads(text) for name, text in log.get("distributions", {}).items()}
    values = [log["value"]] if log.get("value") is not None else log.get("values") or []
    return OptunaTrial(
        number=number,
        state=STATES[log.get("state", 0)],
        start=_moment(log.get("datetime_start")),
        end=_moment(log.get("datetime_complete")),
        values=dict(enumerate(values)),
        steps={int(step): value for step, value in log.get("intermediate_values", {}).items()},
        params={name: (value, distributions[name]) for name, value in log.get("params", {}).items()},
    )


def _change(trial: OptunaTrial, log: Mapping[str, Any]) -> None:
    """Apply an entry to a trial; a finished one takes none."""
    if trial.state not in ("RUNNING", "WAITING"):
        return
    if log["op_code"] == 5:
        trial.params[log["param_name"]] = (log["param_value_internal"], json.loads(log["distribution"]))
    elif log["op_code"] == 7:
        trial.steps[log["step"]] = math.nan if log["intermediate_value"] is None else log["intermediate_value"]
    else:
        state = STATES[log["state"]]
        if state == "RUNNING" and trial.state != "RUNNING":
            trial.start = _moment(log["datetime_start"])
        if state not in ("RUNNING", "WAITING"):
            trial.end = _moment(log["datetime_complete"])
        trial.state = state
        if log.get("values") is not None:
            trial.values = dict(enumerate(log["values"]))

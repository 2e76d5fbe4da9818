"""The mapping of a CSV file of trials, in TOML: which columns are studies, trials, hyperparameters, metrics and times.

Its words are those of the mapping of a file to an offline table, as far as both have the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from analysis.importers.studies.foreign_study import ForeignMetric, TrialState
from benchmark.errors import BadInput, is_finite, reject_unknown_keys, require_choice, require_int, short_repr
from benchmark.storage.toml_files import TomlFiles

FILES = TomlFiles(kind="mapping", folder=Path("mappings-that-come-with-the-harness"))
GOALS: Mapping[str, Literal["min", "max"]] = {"min": "min", "max": "max"}
SECONDS_PER = ("so_far", "training")
UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
COLUMNS = ("study", "objective", "algorithm", "repetition", "seed", "trial", "epoch", "state", "time", "start")
"""Keys whose value is the name of a column."""
TEXTS = ("separator", "decimal", "encoding")
AXIS = ("column", "kind", "low", "high", "log", "choices")
STATES: Mapping[TrialState, tuple[str, ...]] = {
    "completed": ("completed", "complete", "ok", "done", "success", "finished"),
    "pruned": ("pruned", "stopped"),
    "failed": ("failed", "fail", "error", "crashed", "timeout", "diverged"),
    "running": ("running",),
}
"""What cells of the column of states may say, in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialMapping:
    """What a file's columns are.

    Attributes:
        columns: those of `COLUMNS` that the file has, by key.
        hyperparameters: column by name.
        space: an axis by name where the mapping describes all of them, else None.
        metrics: column and metric; the first is what incumbents are chosen by.
        states: which texts, in lower case, mean which state.
        epochs_from: number of the first epoch in the file, 0 or 1.
        seconds: column of seconds, or None.
        seconds_unit: factor to seconds.
        seconds_per: whether a row's seconds are those "so_far" in its study, or of its own "training", one row after
            another.
        separator, decimal, encoding: how the file is written; separator None: as its first line shows.
    """

    columns: Mapping[str, str]
    hyperparameters: Mapping[str, str]
    space: Mapping[str, Mapping[str, Any]] | None
    metrics: tuple[tuple[str, ForeignMetric], ...]
    states: Mapping[str, TrialState] = field(default_factory=dict)
    epochs_from: int = 1
    seconds: str | None = None
    seconds_unit: float = 1.0
    seconds_per: str = "so_far"
    separator: str | None = None
    decimal: str = "."
    encoding: str = "utf-8-sig"


def load_mapping(path: str) -> TrialMapping:
    """Read a mapping.

    Raises:
        BadInput: naming the file, the key, its value, what is allowed and the nearest match.
    """
    found = FILES.find(path if path.endswith(".toml") else f"{path}.toml")
    try:
        return parse_mapping(FILES.read(found))
    except BadInput as error:
        raise BadInput(f"{found}: {error}") from error


def parse_mapping(table: Mapping[str, Any]) -> TrialMapping:
    """Check a mapping.

    Raises:
        BadInput: as `load_mapping`.
    """
    allowed = (*COLUMNS, *TEXTS, "hyperparameters", "metrics", "seconds", "states", "epochs_from")
    reject_unknown_keys("", table, allowed)
    for key in ("hyperparameters", "metrics"):
        if not isinstance(table.get(key), dict) or not table[key]:
            raise BadInput(f"{key}: need a table of columns, got {short_repr(table.get(key))}")
    if ("seconds" in table) == ("time" in table):
        raise BadInput("seconds, time: need one of them, the column that says when a row was recorded")
    if "epoch" in table and "trial" not in table:
        raise BadInput("trial: missing; where rows are epochs a column has to say whose")
    texts = {key: _text(key, table[key]) for key in (*COLUMNS, *TEXTS) if key in table}
    if len(texts.get("separator", ",")) != 1:
        raise BadInput(f"separator = {short_repr(table['separator'])}: need one character")
    if "decimal" in texts:
        require_choice("decimal", texts["decimal"], (".", ","))
    axes = {name: _axis(f"hyperparameters.{name}", given) for name, given in table["hyperparameters"].items()}
    spaces = {name: {key: value for key, value in axis.items() if key != "column"} for name, axis in axes.items()}
    return TrialMapping(
        columns={key: text for key, text in texts.items() if key in COLUMNS},
        hyperparameters={name: axis["column"] for name, axis in axes.items()},
        space=spaces if all(spaces.values()) else None,
        metrics=tuple(_metric(name, given) for name, given in table["metrics"].items()),
        states=_states(table.get("states", {})),
        epochs_from=require_int("epochs_from", table.get("epochs_from", 1), 0, 1),
        separator=texts.get("separator"),
        decimal=texts.get("decimal", "."),
        encoding=texts.get("encoding", "utf-8-sig"),
        **_seconds(table.get("seconds")),
    )


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadInput(f"{key} = {short_repr(value)}: need a text")
    return value


def _axis(key: str, given: Any) -> dict[str, Any]:
    """Column of a hyperparameter and, where the mapping says so, its axis as `suite.json` writes it."""
    if isinstance(given, str):
        return {"column": _text(key, given)}
    if not isinstance(given, dict):
        raise BadInput(f"{key} = {short_repr(given)}: need a column, or a table with column")
    reject_unknown_keys(key, given, AXIS)
    axis = {"column": _text(f"{key}.column", given.get("column"))}
    if "kind" not in given:
        return axis
    kind = require_choice(f"{key}.kind", given["kind"], ("float", "int", "ordinal", "categorical"))
    if kind in ("ordinal", "categorical"):
        if not isinstance(given.get("choices"), list) or not given["choices"]:
            raise BadInput(f"{key}.choices = {short_repr(given.get('choices'))}: need a list")
        return axis | {"kind": kind, "choices": given["choices"]}
    for end in ("low", "high"):
        if not is_finite(given.get(end)):
            raise BadInput(f"{key}.{end} = {short_repr(given.get(end))}: need a finite number")
    return axis | {"kind": kind, "low": given["low"], "high": given["high"], "log": given.get("log") is True}


def _metric(name: str, given: Any) -> tuple[str, ForeignMetric]:
    if not isinstance(given, dict):
        raise BadInput(f'metrics.{name} = {short_repr(given)}: need a table, as {{ column = "loss", goal = "min" }}')
    reject_unknown_keys(f"metrics.{name}", given, ("column", "goal"))
    goal = require_choice(f"metrics.{name}.goal", given.get("goal"), GOALS)
    return _text(f"metrics.{name}.column", given.get("column", name)), ForeignMetric(name=name, goal=GOALS[goal])


def _states(given: Any) -> dict[str, TrialState]:
    """The state of each text; those that the mapping names take the places of the usual ones."""
    if not isinstance(given, dict):
        raise BadInput(f"states = {short_repr(given)}: need a table of lists")
    reject_unknown_keys("states", given, STATES)
    found: dict[str, TrialState] = {}
    for state, usual in STATES.items():
        texts = given.get(state, usual)
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise BadInput(f"states.{state} = {short_repr(texts)}: need a list of texts")
        found |= {text.lower(): state for text in texts if state in given or text.lower() not in found}
    return found


def _seconds(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, str):
        return {"seconds": _text("seconds", given)}
    if not isinstance(given, dict):
        raise BadInput(f"seconds = {short_repr(given)}: need a column, or a table with column, unit and per")
    reject_unknown_keys("seconds", given, ("column", "unit", "per"))
    return {
        "seconds": _text("seconds.column", given.get("column")),
        "seconds_unit": UNITS[require_choice("seconds.unit", given.get("unit", "s"), UNITS)],
        "seconds_per": require_choice("seconds.per", given.get("per", "so_far"), SECONDS_PER),
    }

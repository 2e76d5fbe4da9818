"""The mapping of a file of rows to a table, in TOML: which columns are hyperparameters, seeds, metrics and so on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, is_finite, reject_unknown_keys, require_choice, require_int, short_repr
from benchmark.importers.rows.cell_values import SECONDS_OF
from benchmark.storage.toml_files import TomlFiles
from objectives.hyperparameter_name import check_spelling
from objectives.metric import Metric, usual_goal

FILES = TomlFiles(kind="mapping", folder=Path("mappings-that-come-with-the-harness"))
KINDS = ("float", "int", "ordinal", "categorical")
MISSING = ("diverged", "absent")
SHORTER = ("stopped", "unknown")
REPEATED = ("seeds", "first")
SECONDS_PER = ("training", "epoch", "so_far")
METRIC_KEYS = ("goal", "unit", "best", "chance", "reference", "typical")
TEXTS = ("name", "source", "version", "license", "separator", "decimal", "encoding", "comment", "seed", "epoch")


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisMapping:
    """Where a hyperparameter stands, and what is said of its axis.

    Attributes:
        name: of the hyperparameter.
        column: of the file.
        kind: one of `KINDS`; None: as the cells show.
        low: least value; None: the least in the file.
        high: greatest value; None: the greatest in the file.
        log: whether values are spread evenly on a logarithmic scale.
        when: hyperparameter and values that it depends on, or None.
    """

    name: str
    column: str
    kind: str | None = None
    low: float | None = None
    high: float | None = None
    log: bool = False
    when: tuple[str, tuple[Any, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMapping:
    """Where a metric stands.

    Attributes:
        metric: name, goal and unit.
        column: of the file with its validation values; may hold `{epoch}` and `{seed}`.
        test: likewise with its test values, or None.
    """

    metric: Metric
    column: str
    test: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMapping:
    """What a file's columns are.

    Attributes:
        file: path of the file.
        hyperparameters: in the order of the space.
        metrics: the first one is what plain algorithms optimise.
        where: rows that count: by column, the texts of cells that they may have.
        seed: column that tells repeated trainings of a configuration apart, or None.
        epoch: column with the epoch of a row, or None where a row is a whole training.
        epochs_from: number of the first epoch in the file, 0 or 1; 1 leaves rows of an epoch 0 out.
        epoch_step: how many of the file's epochs make one.
        seconds: column of seconds, or None.
        seconds_unit: "ms", "s", "min" or "h".
        seconds_per: what a row's seconds are: of the whole "training", of the "epoch", or all "so_far"; None: not said.
        missing: what a row without a metric's value is: a training that "diverged" there, or "absent".
        shorter: what curves are that end before others: trainings that "stopped" by themselves and would come to no
            other value, or such that it is "unknown" how they go on.
        repeated: what rows of the same training are: "seeds" in their order, or only the "first" counts.
        separator, decimal, encoding, comment: how the file is written.
        name: "family:name" by which suites call the table; None: it lies beside the mapping.
        source, version, license: what the table says of itself.
    """

    file: Path
    hyperparameters: tuple[AxisMapping, ...]
    metrics: tuple[MetricMapping, ...]
    where: Mapping[str, tuple[str, ...]]
    seed: str | None = None
    epoch: str | None = None
    epochs_from: int | None = None
    epoch_step: int = 1
    seconds: str | None = None
    seconds_unit: str = "s"
    seconds_per: str | None = None
    missing: str | None = None
    shorter: str | None = None
    repeated: str | None = None
    separator: str | None = None
    decimal: str = "."
    encoding: str | None = None
    comment: str | None = None
    name: str | None = None
    source: str | None = None
    version: str = ""
    license: str = ""


def load_mapping(path: str) -> RowMapping:
    """Read a mapping; the file that it names is looked for beside it.

    Raises:
        BadInput: naming the key, its value, what is allowed and the nearest match.
    """
    found = FILES.find(path if path.endswith(".toml") else f"{path}.toml")
    return parse_mapping(FILES.read(found), found.parent)


def parse_mapping(table: Mapping[str, Any], folder: Path) -> RowMapping:
    """Check a mapping.

    Args:
        table: as TOML gives it.
        folder: that relative paths start from.

    Raises:
        BadInput: as `load_mapping`.
    """
    allowed = [field.name for field in fields(RowMapping) if not field.name.startswith("seconds_")]
    reject_unknown_keys("", table, allowed)
    for key in ("file", "hyperparameters", "metrics"):
        if key not in table:
            raise BadInput(f"{key}: missing; a mapping needs file, hyperparameters and metrics")
    options: dict[str, Any] = {key: _text(key, table[key]) for key in TEXTS if key in table}
    for key, choices in {"missing": MISSING, "shorter": SHORTER, "repeated": REPEATED, "decimal": (".", ",")}.items():
        if key in table:
            options[key] = require_choice(key, table[key], choices)
    for key, most in {"epochs_from": 1, "epoch_step": 10**6}.items():
        if key in table:
            options[key] = require_int(key, table[key], 0 if key == "epochs_from" else 1, most)
    if len(options.get("separator", ",")) != 1:
        raise BadInput(f"separator = {short_repr(table['separator'])}: need one character")
    return RowMapping(
        file=folder / _text("file", table["file"]),
        hyperparameters=tuple(_axis(name, said) for name, said in _named("hyperparameters", table).items()),
        metrics=tuple(_metric(name, said) for name, said in _named("metrics", table).items()),
        where=_where(table.get("where", {})),
        **options,
        **_seconds(table.get("seconds")),
    )


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise BadInput(f"{field} = {short_repr(value)}: need a text")
    return value


def _named(field: str, table: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is said of each name: of a list of names nothing, of `name = "column"` the column."""
    said = table[field]
    if isinstance(said, list):
        said = {_identifier(field, name): {} for name in said}
    if not isinstance(said, dict) or not said:
        raise BadInput(f"{field} = {short_repr(said)}: need names of columns in a list, or a table by name")
    tables = {name: {"column": value} if isinstance(value, str) else value for name, value in said.items()}
    for name, value in tables.items():
        if not isinstance(value, dict):
            raise BadInput(f"{field}.{name} = {short_repr(value)}: need the name of a column, or a table")
    return tables


def _identifier(field: str, column: object) -> str:
    """A column's name that names a hyperparameter or metric too.

    Raises:
        BadInput: it may be no such name; the message shows how to give it another one.
    """
    name = _text(field, column)
    try:
        check_spelling("hyperparameter", name)
    except ValueError as error:
        usable = re.sub(r"\W+", "_", name).strip("_") or "x"
        raise BadInput(f"{field}: {error}; name it in a table, [{field}] {usable} = {json.dumps(name)}") from error
    return name


def _axis(name: str, said: dict[str, Any]) -> AxisMapping:
    field = f"hyperparameters.{name}"
    reject_unknown_keys(field, said, ("column", "kind", "low", "high", "log", "when"))
    if "kind" in said:
        require_choice(f"{field}.kind", said["kind"], KINDS)
    for key in ("low", "high"):
        if key in said and not is_finite(said[key]):
            raise BadInput(f"{field}.{key} = {short_repr(said[key])}: need a finite number")
    if not isinstance(said.get("log", False), bool):
        raise BadInput(f"{field}.log = {short_repr(said['log'])}: need true or false")
    scaled = [key for key in ("low", "high", "log") if said.get(key)]
    if said.get("kind") in ("ordinal", "categorical") and scaled:
        raise BadInput(f"{field}.{scaled[0]}: a listed hyperparameter has no bounds and no scale")
    return AxisMapping(name=name, **{"column": name, **said, "when": _condition(field, said.get("when"))})


def _condition(field: str, said: object) -> tuple[str, tuple[Any, ...]] | None:
    if said is None:
        return None
    if not isinstance(said, dict) or len(said) != 1:
        raise BadInput(
            f'{field}.when = {short_repr(said)}: need one hyperparameter and its values, {{ kernel = "rbf" }}'
        )
    ((parent, values),) = said.items()
    return parent, tuple(values) if isinstance(values, list) else (values,)


def _metric(name: str, said: dict[str, Any]) -> MetricMapping:
    field = f"metrics.{name}"
    reject_unknown_keys(field, said, ("column", "test", *METRIC_KEYS))
    column = _text(f"{field}.column", said.get("column", name))
    test = _text(f"{field}.test", said["test"]) if "test" in said else None
    declared = {key: said[key] for key in METRIC_KEYS if key in said}
    try:
        metric = Metric(name, **{"goal": usual_goal(name), **declared})
    except ValueError as error:
        raise BadInput(f"metrics.{error}") from error
    return MetricMapping(metric=metric, column=column, test=test)


def _where(said: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(said, dict):
        raise BadInput(f'where = {short_repr(said)}: need columns and their values, as {{ dataset = "adult" }}')
    listed = {column: value if isinstance(value, list) else [value] for column, value in said.items()}
    return {column: tuple(map(str, values)) for column, values in listed.items()}


def _seconds(said: object) -> dict[str, Any]:
    if said is None:
        return {}
    table = {"column": said} if isinstance(said, str) else said
    if not isinstance(table, dict) or "column" not in table:
        raise BadInput(f"seconds = {short_repr(said)}: need the name of a column, or a table with column, unit, per")
    reject_unknown_keys("seconds", table, ("column", "unit", "per"))
    unit = require_choice("seconds.unit", table.get("unit", "s"), SECONDS_OF)
    per = require_choice("seconds.per", table["per"], SECONDS_PER) if "per" in table else None
    return {"seconds": _text("seconds.column", table["column"]), "seconds_unit": unit, "seconds_per": per}

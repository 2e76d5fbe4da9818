"""Suites: which objectives, algorithms and repetitions make up a comparison, read from TOML."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmark.calibration import cost_model as calibrations
from benchmark.calibration.cost_model import Calibration
from benchmark.errors import BadInput, reject_unknown_keys, require_choice, require_int, short_repr
from benchmark.reproducibility.seeding import LARGEST_SEED
from benchmark.storage.suite_json import (
    CLOCKS,
    ENDPOINTS,
    LABEL,
    LABEL_RULE,
    MOST_REPETITIONS,
    NAME,
    NAME_RULE,
    check_display_name,
    check_distinct_names,
    check_labels,
)
from benchmark.storage.toml_files import TomlFiles, is_path
from benchmark.suite.function_entry import split_function
from benchmark.suite.model import (
    OF_EVERY_OBJECTIVE,
    AlgorithmEntry,
    Budget,
    ObjectiveEntry,
    Part,
    Suite,
)
from benchmark.suite.module_folder import use_module_folder
from benchmark.suite.overrides import override
from benchmark.suite.table_entry import find_tables_beside, require_table_clock, split_table, without_missing_tables
from benchmark.suite.task_entry import declared_constraints, declared_metrics

SUITE_FILES = TomlFiles(kind="suite", folder=Path(__file__).parent / "shipped")
DEVICES = ("auto", "cpu", "cuda")
LARGEST_RUNTIME = 10**9
DEEPEST_OPTION = 20
MOST_WORKERS = 1000
MOST_TRAININGS = 10**6
MOST_LEVELS = 10_000
MOST_TARGETS = 20
LARGEST_ERROR = 1e300
NO_KEYS = ("name", "left_out")
"""What of a suite is no key of its file."""


def suite_names() -> list[str]:
    """Names of the suites that come with the harness."""
    return SUITE_FILES.names()


def load(suite: str, overrides: list[str] | None = None, *, without: Collection[str] = ()) -> Suite:
    """Read a suite by its name or by a path to a TOML file, beside which its modules may lie.

    Args:
        suite: a name in `benchmark/suite/shipped/`, or a path (with a slash or the suffix .toml).
        overrides: `key=value` settings, keys dotted, values as in TOML.
        without: top-level keys to leave out.

    Raises:
        BadInput: no such suite, unreadable TOML, or a value that is not allowed.
    """
    path = SUITE_FILES.find(suite)
    table = SUITE_FILES.read(path)
    use_module_folder(None if path.parent == SUITE_FILES.folder else str(path.parent.absolute()))
    calibration = table.get("calibration")
    if isinstance(calibration, str) and is_path(calibration):  # A file names its neighbours, an override those here.
        table["calibration"] = str(path.parent / calibration)
    for setting in overrides or []:
        override(table, setting)
    table = {key: value for key, value in table.items() if key not in without}
    try:
        return without_missing_tables(find_tables_beside(parse(path.stem, table), path.parent))
    except BadInput as error:
        raise BadInput(f"{path.name}: {error}") from error


def parse(name: str, table: Mapping[str, Any]) -> Suite:
    """A suite from its TOML table.

    Raises:
        BadInput: naming the field, its value and what is allowed.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"suite name {short_repr(name)}: need {NAME_RULE}")
    reject_unknown_keys("", table, [field.name for field in fields(Suite) if field.name not in NO_KEYS])
    resume = table.get("resume", True)
    if not isinstance(resume, bool):
        raise BadInput(f"resume = {short_repr(resume)}: need true or false")
    suite = Suite(
        name=name,
        title=_text("title", table.get("title", name)),
        seed=require_int("seed", table.get("seed", 0), 0, LARGEST_SEED),
        repetitions=require_int("repetitions", table.get("repetitions", 1), 1, MOST_REPETITIONS),
        clock=require_choice("clock", table.get("clock", "measured"), CLOCKS),
        calibration=_calibration(table.get("calibration")),
        n_workers=require_int("n_workers", table.get("n_workers", 1), 1, MOST_WORKERS),
        resume=resume,
        device=require_choice("device", table.get("device", "auto"), DEVICES),
        budget=_budget(table.get("budget")),
        objectives=tuple(_objective(label, entry) for label, entry in _entries("objectives", table)),
        algorithms=tuple(parse_algorithm(label, entry) for label, entry in _entries("algorithms", table)),
        endpoint=require_choice("endpoint", table.get("endpoint", ENDPOINTS[0]), ENDPOINTS),
        control=_control(table.get("control"), table.get("algorithms", ())),
        targets=_targets(table.get("targets", {}), table.get("objectives", ())),
        timeout=_seconds("timeout", table.get("timeout")),
    )
    require_table_clock(suite)
    return suite


def _control(value: object, labels: Collection[str]) -> str | None:
    return None if value is None else require_choice("control", value, labels)


def _targets(table: object, labels: Collection[str]) -> dict[str, tuple[float, ...]]:
    if not isinstance(table, dict):
        raise BadInput(f"targets = {short_repr(table)}: need a table of lists of errors by objective")
    for label, errors in table.items():
        require_choice("targets", label, labels)
        if not isinstance(errors, list) or not 1 <= len(errors) <= MOST_TARGETS or not all(map(_is_error, errors)):
            need = f"need a list of 1 to {MOST_TARGETS} finite errors"
            raise BadInput(f"targets.{label} = {short_repr(errors)}: {need}")
        if len(set(errors)) < len(errors):
            raise BadInput(f"targets.{label} = {short_repr(errors)}: an error is there twice")
    return {label: tuple(map(float, errors)) for label, errors in table.items()}


def _is_error(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_ERROR


def _calibration(value: object) -> Calibration | None:
    return None if value is None else calibrations.load_calibration(_text("calibration", value))


def _budget(table: object) -> Budget:
    limits = {"trials": 10**9, "evaluations": 10**9, "epochs": 10**12}
    if not isinstance(table, dict) or not table:
        need = "need a table with one or more of trials, evaluations, epochs, runtime, trainings"
        raise BadInput(f"budget = {short_repr(table)}: {need}")
    reject_unknown_keys("budget", table, (*limits, "runtime", "trainings"))
    runtime = _seconds("budget.runtime", table.get("runtime"))
    counts = {key: require_int(f"budget.{key}", table[key], 1, high) for key, high in limits.items() if key in table}
    return Budget(**counts, runtime=runtime, trainings=_trainings(table.get("trainings")))


def _trainings(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST_TRAININGS:
        allowed = f"a number of typical trainings > 0, at most {MOST_TRAININGS}"
        raise BadInput(f"budget.trainings = {short_repr(value)}: need {allowed}")
    return float(value)


def _seconds(field: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LARGEST_RUNTIME:
        raise BadInput(f"{field} = {short_repr(value)}: need a number of seconds > 0, at most {LARGEST_RUNTIME}")
    return float(value)


def _entries(field: str, table: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    entries = table.get(field)
    if not isinstance(entries, dict) or not entries:
        raise BadInput(f"{field} = {short_repr(entries)}: need at least one table [{field}.LABEL]")
    for label, entry in entries.items():
        if not LABEL.fullmatch(label):
            raise BadInput(f"{field}: label {short_repr(label)}: need {LABEL_RULE}")
        if not isinstance(entry, dict):
            raise BadInput(f"{field}.{label} = {short_repr(entry)}: need a table [{field}.{label}]")
    check_labels(field, list(entries))
    names = {label: _display_name(f"{field}.{label}", entry) or label for label, entry in entries.items()}
    check_distinct_names(field, names)
    return list(entries.items())


def _display_name(field: str, entry: Mapping[str, Any]) -> str | None:
    return check_display_name(f"{field}.label", entry["label"]) if "label" in entry else None


def _objective(label: str, entry: dict[str, Any]) -> ObjectiveEntry:
    field = f"objectives.{label}"
    rest = {key: value for key, value in entry.items() if key not in OF_EVERY_OBJECTIVE}
    levels = require_int(f"{field}.discretise", entry["discretise"], 1, MOST_LEVELS) if "discretise" in entry else None
    table = split_table(field, entry)
    if table is not None:
        part, function = Part(name=table[0], options={}), None
    else:
        name, function, options = split_function(field, rest)
        part = _part(field, {"name": label if name is None else name, **options})
    return ObjectiveEntry(
        label=label,
        part=part,
        discretise=levels,
        display_name=_display_name(field, entry),
        metrics=declared_metrics(field, entry.get("metrics"), function=function is not None),
        constraints=declared_constraints(field, entry.get("constraints")),
        function=function,
        table=None if table is None else table[1],
    )


def parse_algorithm(label: str, entry: dict[str, Any]) -> AlgorithmEntry:
    field = f"algorithms.{label}"
    reject_unknown_keys(field, entry, ("scheduler", "searcher", "n_workers", "label"))
    if not {"scheduler", "searcher"} & set(entry):
        raise BadInput(f"{field}: need a searcher, a scheduler or both")
    searcher = _part(f"{field}.searcher", entry["searcher"]) if "searcher" in entry else None
    scheduler = _part(f"{field}.scheduler", entry.get("scheduler", "basic"))
    workers = require_int(f"{field}.n_workers", entry["n_workers"], 1, MOST_WORKERS) if "n_workers" in entry else None
    name = _display_name(field, entry)
    return AlgorithmEntry(label=label, scheduler=scheduler, searcher=searcher, n_workers=workers, display_name=name)


def _part(field: str, value: object) -> Part:
    """A name, or a table of a name and options."""
    if isinstance(value, str):
        return Part(name=_text(field, value), options={})
    if not isinstance(value, dict) or "name" not in value:
        raise BadInput(f'{field} = {short_repr(value)}: need a name or {{ name = "...", option = value }}')
    options = {key: option for key, option in value.items() if key != "name"}
    for key, option in options.items():
        _recordable(f"{field}.{key}", option)
    return Part(name=_text(f"{field}.name", value["name"]), options=options)


def _recordable(field: str, value: object, depth: int = 0) -> None:
    """Refuse an option that no ledger could hold exactly: JSON has neither NaN nor infinity."""
    if depth > DEEPEST_OPTION:
        raise BadInput(f"{field[:100]}...: nested deeper than {DEEPEST_OPTION} levels")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput(f"{field} = {value!r}: need a finite number")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise BadInput(f"{field} = {short_repr(value)}: need a whole number of 64 bits")
    if isinstance(value, Mapping):
        for key, item in value.items():
            _recordable(f"{field}.{key}", item, depth + 1)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _recordable(f"{field}[{place}]", item, depth + 1)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 300:
        raise BadInput(f"{field} = {short_repr(value)}: need a text of 1 to 300 characters")
    return value

"""Reads a suite's recheck: what every run selected, trained again with fresh seeds.

It lies in the suite's folder: `recheck/incumbents.json` says which configurations are trained again and
which run selected which, ledgers beside it hold the trainings: evaluation i of `list-NNN` is the i-th
configuration of that list, the ledger's repetition is the fresh seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.ledgers import Columns, find
from analysis.loading.records import FIELDS
from analysis.loading.results import Results
from benchmark.errors import BadInput

FOLDER = "recheck"
FILE = "incumbents.json"
FORMAT = 1

TOLD = ("index", "config", "epochs", "state")
"""What is compared of an evaluation."""

Key = tuple[str, str, int]
"""Objective, algorithm and repetition."""

Trial = tuple[Mapping[str, Any], int]
"""A configuration, and until which epoch it is trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """A configuration with its fresh trainings.

    Attributes:
        epochs: until which it was trained, unless it diverged.
        valid, test: errors by fresh seed, those that are recorded; +inf when training crashed.
        n_diverged: trainings that diverged; their errors are the chance error.
        rows: the trainings' evaluations, of an objective whose further metrics are tracked with those.
    """

    config: Mapping[str, Any]
    epochs: int
    valid: tuple[float, ...]
    test: tuple[float, ...]
    n_diverged: int
    rows: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """What a recheck recorded.

    Attributes:
        fresh: seeds planned for every configuration.
        retrained: by objective, every configuration once, in the order of the file.
        selected: what each run had selected when the recheck began: validation error, test error, and
            which configuration. Several where it selected a front.
    """

    fresh: int
    retrained: Mapping[str, tuple[Retrained, ...]]
    selected: Mapping[Key, tuple[tuple[float, float, Retrained], ...]]

    def of(self, key: Key, config: Mapping[str, Any], valid: float, test: float) -> Retrained | None:
        """The fresh trainings of what a run has selected; None if that was not what was rechecked."""
        for known_valid, known_test, trial in self.selected.get(key, ()):
            if np.array_equal((known_valid, known_test), (valid, test), equal_nan=True) and trial.config == config:
                return trial
        return None


def missing(results: Results, folder: Path) -> str | None:
    """Why there is nothing to show, in words; None when there is a recheck."""
    if (folder / FOLDER / FILE).exists():
        return None
    return f"no recheck yet; make one: python -m benchmark recheck {results.plan.name}"


def read(results: Results, folder: Path) -> Recheck | None:
    """Read a suite's recheck; None when there is none.

    Raises:
        BadInput: a file that is damaged, of another suite, or does not go with its ledgers.
    """
    path = folder / FOLDER / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if (folder / FOLDER / "runs").exists():
            raise _damaged(path, "it is missing, but there are ledgers beside it") from None
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadInput(f"{path}: need a JSON object of format {FORMAT}, which this version reads")
    if told.get("suite") != results.plan.name:
        raise BadInput(f"{path}: suite = {told.get('suite')!r}, but the folder's is {results.plan.name!r}")
    try:
        fresh, lists, rows = _parse(told)
        tracked = {objective.label: objective.tracked for objective in results.plan.objectives}
        retrained = {
            label: _retrained(folder / FOLDER, label, lists[label], fresh, names)
            for label, names in tracked.items()
            if label in lists
        }
    except _Problem as error:
        raise _damaged(path, str(error)) from error
    return Recheck(
        fresh=fresh,
        retrained={label: tuple(trial for one in many for trial in one) for label, many in retrained.items()},
        selected=_by_run([row for row in rows if row.key[0] in retrained], retrained),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A line of the file on what a run selected: errors, and where its configuration is listed."""

    key: Key
    valid_error: float
    test_error: float
    number: int
    place: int


class _Problem(Exception):
    """A value of the file that is not allowed."""


def _damaged(path: Path, problem: str) -> BadInput:
    return BadInput(f"{path}: damaged: {problem}; restore it, or delete {path.parent} and make the recheck again")


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _Problem(f"{value!r} stands where a whole number must be")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise _Problem(f"{value!r} stands where a number must be")
    return float(value)


def _parse(told: dict[str, Any]) -> tuple[int, dict[str, list[list[Trial]]], list[_Row]]:
    """Fresh seeds, lists and selections of the file, checked by themselves.

    Raises:
        _Problem: something is missing or of another kind.
    """
    try:
        lists = {str(label): [_trials(one) for one in many] for label, many in told["lists"].items()}
        rows = [_row(row) for row in told["incumbents"]]
        for row in rows:
            lists[row.key[0]][row.number][row.place]
        return _whole(told["fresh"]), lists, rows
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise _Problem(f"{type(error).__name__}: {error}") from error


def _trials(one: list[Any]) -> list[Trial]:
    return [(dict(trial["config"]), _whole(trial["epochs"])) for trial in one]


def _row(row: Mapping[str, Any]) -> _Row:
    return _Row(
        key=(str(row["objective"]), str(row["algorithm"]), _whole(row["repetition"])),
        valid_error=_number(row["valid_error"]),
        test_error=math.nan if row["test_error"] is None else _number(row["test_error"]),
        number=_whole(row["list"]),
        place=_whole(row["place"]),
    )


def _by_run(
    rows: list[_Row], retrained: Mapping[str, list[list[Retrained]]]
) -> dict[Key, tuple[tuple[float, float, Retrained], ...]]:
    """What each run had selected."""
    selected: dict[Key, tuple[tuple[float, float, Retrained], ...]] = {}
    for row in rows:
        one = (row.valid_error, row.test_error, retrained[row.key[0]][row.number][row.place])
        selected[row.key] = (*selected.get(row.key, ()), one)
    return selected


def _retrained(
    folder: Path, label: str, lists: list[list[Trial]], fresh: int, metrics: Sequence[str]
) -> list[list[Retrained]]:
    """What the ledgers say of every list's configurations."""
    found = []
    for number, trials in enumerate(lists):
        name = f"list-{number:03d}"
        ledgers = {
            f"{label}/{name}/{seed:03d}": find(folder, label, name, seed, metrics=metrics).evaluations
            for seed in range(fresh)
        }
        found.append(_of_list(trials, ledgers))
    return found


def _of_list(trials: list[Trial], ledgers: Mapping[str, Columns]) -> list[Retrained]:
    for name, columns in ledgers.items():
        told = [columns[field].tolist() for field in TOLD]
        for index, config, epochs, state in zip(*told, strict=True):
            planned = trials[index] if index < len(trials) else None
            if planned is None or json.loads(config) != planned[0] or (state == "ok" and epochs != planned[1]):
                raise _Problem(f"evaluation {index} of runs/{name} is not what it lists")
    if not ledgers:
        return [_joined(trial, pd.DataFrame(columns=list(FIELDS))) for trial in trials]
    rows = pd.concat([pd.DataFrame(dict(columns)) for columns in ledgers.values()], ignore_index=True)
    return [_joined(trial, rows[rows["index"] == index]) for index, trial in enumerate(trials)]


def _joined(trial: Trial, rows: pd.DataFrame) -> Retrained:
    return Retrained(
        config=trial[0],
        epochs=trial[1],
        valid=tuple(rows["valid_error"].tolist()),
        test=tuple(rows["test_error"].tolist()),
        n_diverged=int((rows["state"] == "diverged").sum()),
        rows=rows,
    )

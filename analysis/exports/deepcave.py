"""Folders that DeepCAVE's data-frame converter reads, one a run.

`OBJECTIVE/ALGORITHM-REPETITION/` holds `configspace.csv` and `trials.csv`, one row an evaluation: budget is the epochs
trained, seed the repetition, status `success` (diverged ones too: their error is that of chance), `crashed`, or
`timeout` for what was completed after the end of the budget. The objective is the validation error; the test
error is an additional column, and no objective: nothing was selected by it. Numbers of which only some are
allowed are numbers with bounds here, so that they stay on a numeric axis; choices that are not plain words are
written as `=` and their JSON. Format: https://automl.github.io/DeepCAVE/main/converters/dataframe.html.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.plan import Objective
from analysis.loading.results import Run
from analysis.loading.space import Hyperparameter
from analysis.study import Study
from benchmark.errors import BadInput

OPEN = "look at it: deepcave --open, then choose the folder {folder}/OBJECTIVE"
STATUS = {"ok": "success", "diverged": "success", "error": "crashed", "crashed": "crashed", "timeout": "timeout"}
LATE = "timeout"
AFTER = ("status", "start_time", "end_time", "budget", "seed", "test_error", "state", "trial")
RESERVED = ("config_id", *AFTER)


def write(study: Study, folder: Path) -> list[str]:
    """Write a folder for every run with a ledger; returns what a reader must know."""
    results = study.results
    problems = {objective.label: _problem(objective) for objective in results.plan.objectives}
    told = [f"{label} is left out: {problem}" for label, problem in problems.items() if problem is not None]
    if len(told) == len(problems):
        raise BadInput(f"nothing can be exported to DeepCAVE: {'; '.join(told)}")
    for objective in (entry for entry in results.plan.objectives if problems[entry.label] is None):
        of_objective = results.evaluations[results.evaluations["objective"] == objective.label]
        metric = _metric(objective, of_objective["valid_error"].to_numpy(dtype=np.float64))
        space = _space(objective).to_csv(index=False, lineterminator="\n")
        for run in (run for run in results.runs if run.objective == objective.label and run.state != "missing"):
            where = folder / objective.label / f"{run.algorithm}-{run.repetition:03d}"
            where.mkdir(parents=True)
            (where / "configspace.csv").write_text(space, encoding="utf-8")
            trials = _trials(study, objective, run, metric)
            trials.to_csv(where / "trials.csv", index=False, lineterminator="\n")
    counts = {state: sum(run.state == state for run in results.runs) for state in ("missing", "partial", "failed")}
    what = {"missing": "no folder", "partial": "as far as recorded", "failed": "as far as recorded"}
    return told + [
        f"{count} of {len(results.runs)} runs {state}: {what[state]}" for state, count in counts.items() if count
    ]


def _problem(objective: Objective) -> str | None:
    """Why the format cannot hold an objective's space; None if it can."""
    for axis in objective.space:
        if axis.when is not None:
            return f"{axis.name} counts only for some values of {axis.when[0]}, which cannot be expressed"
        if axis.name in RESERVED or axis.name.startswith("metric"):
            return f"{axis.name} is the name of a column of DeepCAVE's own"
    return None


def _metric(objective: Objective, errors: np.ndarray) -> str:
    """`metric:valid_error [0.0; 1.0] (minimize)`: bounds in whole numbers, for exponents are not understood."""
    there = [objective.best_error, objective.chance_error, *errors[np.isfinite(errors)]]
    return f"metric:valid_error [{math.floor(min(there))}.0; {math.ceil(max(there))}.0] (minimize)"


def _space(objective: Objective) -> pd.DataFrame:
    rows = [
        _axis(axis, None if objective.default is None else objective.default[axis.name]) for axis in objective.space
    ]
    items = max((len(axis.choices) for axis in objective.space if axis.kind == "categorical"), default=0)
    names = ["name", "type", "log", "lower", "upper", "default", "distribution"]
    names += [*(f"item_{place}" for place in range(items)), "ordered"]
    return pd.DataFrame(rows, columns=names, dtype=object)


def _axis(axis: Hyperparameter, default: Any) -> dict[str, Any]:
    if axis.kind == "categorical":
        items = {f"item_{place}": _word(choice) for place, choice in enumerate(axis.choices)}
        first = axis.choices[0] if default is None else default
        return {"name": axis.name, "type": "categorical", "log": False, "default": _word(first), **items}
    whole = axis.kind == "int" or (bool(axis.choices) and all(type(choice) is int for choice in axis.choices))
    # An integer's default would be read as text beside words, which ConfigSpace refuses.
    shown = None if whole else default
    return {
        "name": axis.name,
        "type": "integer" if whole else "float",
        "log": axis.log,
        "lower": axis.low,
        "upper": axis.high,
        "default": shown,
        "distribution": "uniform",
    }


def _trials(study: Study, objective: Objective, run: Run, metric: str) -> pd.DataFrame:
    rows = study.results.evaluations.iloc[run.rows]
    configs = study.results.configs(rows)
    table: dict[str, Any] = {"config_id": _numbered(configs)}
    for axis in objective.space:
        values = [config[axis.name] for config in configs]
        table[axis.name] = [_word(value) for value in values] if axis.kind == "categorical" else values
    table[metric] = rows["valid_error"].where(rows["valid_error"] < math.inf).tolist()
    table["status"] = [
        STATUS[state] if counted or STATUS[state] != "success" else LATE
        for state, counted in zip(rows["state"], rows["counted"], strict=True)
    ]
    table |= {"start_time": rows["start"].tolist(), "end_time": rows["end"].tolist(), "budget": rows["epochs"].tolist()}
    table |= {"seed": [run.repetition] * len(rows), "test_error": rows["test_error"].tolist()}
    table |= {"state": rows["state"].tolist(), "trial": rows["trial"].tolist()}
    return pd.DataFrame(table)


def _numbered(configs: list[dict[str, Any]]) -> list[int]:
    numbers: dict[str, int] = {}
    return [numbers.setdefault(json.dumps(config, sort_keys=True), len(numbers)) for config in configs]


def _word(choice: Any) -> str:
    """A choice as text that a reader of CSV files does not take for a number, a truth value or a gap."""
    plain = isinstance(choice, str) and choice.isidentifier() and choice.lower() not in AMBIGUOUS
    return str(choice) if plain else "=" + json.dumps(choice, separators=(",", ":"))


AMBIGUOUS = ("true", "false", "none", "null", "nan", "na", "inf", "infinity")
"""Words that pandas reads as something else."""

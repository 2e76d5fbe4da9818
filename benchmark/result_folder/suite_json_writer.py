"""Writes `suite.json`: what readers of a results folder have to know of the suite besides its ledgers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput
from benchmark.result_folder.front_files import encode_fronts, write_fronts
from benchmark.storage.atomic_write import write_if_changed
from benchmark.storage.suite_json import FORMAT, SUITE_JSON
from benchmark.suite.model import AlgorithmEntry, ObjectiveEntry, Suite
from objectives.metric import is_classic
from objectives.objective import Objective, checked_default


def write_suite_json(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
    """Write what the analysis has to know of the suite besides its ledgers; an unchanged file is left alone.

    Known fronts of its objectives are files of their own beside it.
    """
    content = {
        "format": FORMAT,
        **{field: getattr(suite, field) for field in ("name", "title", "seed", "repetitions", "clock", "n_workers")},
        "calibration": None
        if suite.calibration is None
        else {"name": suite.calibration.name, "device": suite.calibration.device},
        "resume": suite.resume,
        "budget": suite.budget.limits(),
        "endpoint": suite.endpoint,
        "control": suite.control,
        **({"targets": {label: list(errors) for label, errors in suite.targets.items()}} if suite.targets else {}),
        "objectives": [
            _objective(entry, objectives[entry.label], timed=suite.budget.trainings is not None)
            for entry in suite.objectives
        ],
        "algorithms": [_algorithm(entry) for entry in suite.algorithms],
    }
    fronts = encode_fronts(objectives)
    text = json.dumps(content, indent=1, default=str) + "\n"
    path = folder / SUITE_JSON
    try:
        write_if_changed(path, text.encode())
    except OSError as error:
        raise BadInput(f"plan {path}: cannot be written ({error.strerror})") from error
    write_fronts(folder, fronts)


def _objective(entry: ObjectiveEntry, objective: Objective, *, timed: bool) -> dict[str, Any]:
    """An objective in JSON values; metrics, constraints and a name to display only where they are declared.

    Args:
        entry: of the suite.
        objective: built of it.
        timed: whether the budget is one of typical trainings.
    """
    metrics, constraints = objective.metrics, objective.constraints
    return {
        "label": entry.label,
        "name": entry.part.name,
        "options": dict(entry.part.options),
        "space": objective.space.describe(),
        "max_epochs": objective.max_epochs,
        "default": checked_default(objective),
        "best_error": metrics[0].best_error,
        "chance_error": metrics[0].chance_error,
        **({} if is_classic(metrics) and not constraints else {"metrics": [metric.describe() for metric in metrics]}),
        **({"constraints": [constraint.describe() for constraint in constraints]} if constraints else {}),
        **({"typical_seconds": objective.typical_seconds} if timed else {}),
        **({"origin": dict(objective.origin)} if objective.origin else {}),
        **({} if entry.display_name is None else {"display_name": entry.display_name}),
    }


def _algorithm(entry: AlgorithmEntry) -> dict[str, Any]:
    """An algorithm in JSON values; a name to display is there only where the suite declares one."""
    values = asdict(entry)
    if entry.display_name is None:
        del values["display_name"]
    return values

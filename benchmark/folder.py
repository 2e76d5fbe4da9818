"""The folder of a suite's results: claimed by one process, with the plan that the analysis reads."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmark.header import RunRefused
from benchmark.refusal import BadInput
from benchmark.suite import Suite
from objectives.objective import Objective

PLAN = "suite.json"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold the suite's folder for this process; a second one is refused at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadInput(f"results folder {folder}: cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise RunRefused(f"{folder}: another process is running this suite; wait for it or stop it") from error
    try:
        yield
    finally:
        os.close(lock)


def write_plan(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
    """Write what the analysis has to know of the suite besides its ledgers, atomically."""
    budget = {name: limit for name, limit in asdict(suite.budget).items() if limit is not None}
    plan = {
        "format": 1,
        **{field: getattr(suite, field) for field in ("name", "title", "seed", "repetitions", "clock", "n_workers")},
        "calibration": None
        if suite.calibration is None
        else {"name": suite.calibration.name, "device": suite.calibration.device},
        "resume": suite.resume,
        "budget": budget,
        "endpoint": suite.endpoint,
        "control": suite.control,
        "objectives": [
            {
                "label": entry.label,
                "name": entry.part.name,
                "options": dict(entry.part.options),
                "space": objectives[entry.label].space.describe(),
                "max_epochs": objectives[entry.label].max_epochs,
                "default": objectives[entry.label].default,
                "best_error": objectives[entry.label].best_error,
                "chance_error": objectives[entry.label].chance_error,
            }
            for entry in suite.objectives
        ],
        "algorithms": [asdict(entry) for entry in suite.algorithms],
    }
    text = json.dumps(plan, indent=1, default=str) + "\n"
    path = folder / PLAN
    try:
        if not path.exists() or path.read_text() != text:
            fresh = path.with_suffix(".json.new")
            fresh.write_text(text)
            fresh.replace(path)
    except OSError as error:
        raise BadInput(f"plan {path}: cannot be written ({error.strerror})") from error

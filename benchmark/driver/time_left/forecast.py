"""What is known of a suite's work before it begins: what its runs will be charged, and what they have recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.errors import BadInput
from benchmark.planning.forecast import expected_charge
from benchmark.storage.ledger_format import count_evaluations
from benchmark.suite.model import Run
from objectives.objective import Objective


def expect_work(time_left: TimeLeft, pending: Sequence[Run], objectives: Mapping[str, Objective], folder: Path) -> None:
    """Tell what runs are to be executed, before anything of them is added.

    Args:
        time_left: is told.
        pending: runs that are not done.
        objectives: built, by label.
        folder: the suite's results.
    """
    examples = {(run.objective.label, run.algorithm.label): run for run in pending}
    charges = {cell: _charge(run, objectives[cell[0]]) for cell, run in examples.items()}
    counts = {run.path: count_evaluations(folder / run.path) for run in pending}
    recorded = {path: count for path, count in counts.items() if count}
    typical_seconds = {label: objectives[label].typical_seconds for label, _ in examples}
    time_left.expect(pending, recorded, charges, typical_seconds)


def _charge(run: Run, objective: Objective) -> float | None:
    try:
        return expected_charge(run, objective)
    except BadInput:  # Whether an objective can be priced was asked before; its trials will say what is wrong.
        return None

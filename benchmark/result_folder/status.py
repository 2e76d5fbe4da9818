"""Describes a results folder: its runs done, partial, failed, damaged and missing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmark.result_folder.outcomes import Outcomes
from benchmark.result_folder.watch import describe_progress
from benchmark.storage.ledger_format import LedgerError, read_ledger
from benchmark.storage.progress_file import read_progress
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import run_file

STATES = ("done", "partial", "failed", "damaged", "missing")


def run_state(run: Run, folder: Path, outcomes: Outcomes | None = None) -> tuple[str, str]:
    """Return one of `STATES` and what is damaged; a ledger is read to its end to see whether it is whole.

    Args:
        run: which one.
        folder: the suite's results.
        outcomes: where its records are counted, if anywhere.
    """
    file = run_file(run, folder)
    if file is None:
        return "missing", ""
    try:
        records = read_ledger(file.path).records
    except LedgerError as error:
        return "damaged", str(error)
    if outcomes is not None:
        outcomes.add(run, records)
    return file.state, ""


def describe_status(suite: Suite, folder: Path, command: str) -> Iterable[str]:
    """Describe the status, a row for each cell, how far processes are that execute it, and the command that goes on."""
    outcomes = Outcomes()
    described = {run.path: run_state(run, folder, outcomes) for run in suite.runs()}
    states = {path: state for path, (state, _) in described.items()}
    total = Counter(states.values())
    width = max(len(f"{o.label}/{a.label}") for o in suite.objectives for a in suite.algorithms)
    yield f"suite {suite.name} in {folder}: {total['done']} of {len(states)} runs done"
    yield f"  {'':{width}}  " + "  ".join(f"{state:>7}" for state in STATES)
    for objective in suite.objectives:
        for algorithm in suite.algorithms:
            cell = Path("runs", objective.label, algorithm.label)
            count = Counter(state for path, state in states.items() if path.parent == cell)
            name = f"{objective.label}/{algorithm.label}"
            yield f"  {name:{width}}  " + "  ".join(f"{count[state]:>7}" for state in STATES)
    yield from outcomes.describe()
    yield from outcomes.describe_cells_without_success()
    yield from outcomes.describe_early_ends()
    yield from [f"damaged: {problem}" for _, problem in described.values() if problem][:10]
    for progress in read_progress(folder):
        if progress.is_running(time.time()):
            yield from describe_progress(progress)
    if total["done"] < len(states):
        yield f"to go on: {command}"

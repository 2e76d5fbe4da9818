"""What went wrong: every run that is not done and every evaluation that is not ok, and of how many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.imported import count_planned
from analysis.loading.ledgers import locate
from analysis.loading.metric import Metric
from analysis.loading.records import PRUNED, STATES
from analysis.loading.results import Results, Run
from analysis.tables.curves import records
from benchmark.storage.ledger_format import Record

FAILURES = ("objective", "algorithm", "repetition", "index", "trial", "state", "reason")
"""Columns of the table of failures, in order.

A run that is not done has neither index nor trial, and the state missing, partial or failed; an evaluation
that is not ok has both, and the state diverged, error, crashed or timeout. reason: one line, empty where the
ledger tells none. What the analysis could not make has the state `NOT_DRAWN`, an objective if it is of one alone,
and a reason that begins with its file.
"""
NOT_DRAWN = "not drawn"

TOTALS = (
    "objective", "algorithm", "n_runs", "n_missing", "n_partial", "n_failed",
    "n_evaluations", "n_diverged", "n_error", "n_crashed", "n_timeout",
)  # fmt: skip
"""Columns of the table of totals, in order: runs planned, and evaluations recorded, of which so many."""

LONGEST = 200
"""Letters of a reason; the ledger has all of it."""
READ = ("index", "trial", "state", "valid_error")
"""Columns of the evaluations that a row is made of."""
PROBLEM = b'"problem":'
"""What a line of a ledger has that tells one."""
_RAISED = re.compile(r"[A-Za-z_][\w.]*(: |:?$)")
"""How the line of a traceback begins that names what was raised."""


def failures_table(results: Results, folder: Path) -> pd.DataFrame:
    """One row a failure, runs in the order of the plan, in each the run's own row first and then its evaluations'.

    Args:
        results: plan and evaluations.
        folder: the suite's folder: the ledgers of runs with a failure are read again for the reasons.
    """
    bad = np.flatnonzero(~results.evaluations["state"].isin(("ok", PRUNED)).to_numpy())
    rows = [row for run in results.runs for row in _rows(results, folder, run, bad)]
    return pd.DataFrame(rows, columns=list(FAILURES)).astype({"index": "Int64", "trial": "Int64"})


def add_not_drawn(failures: pd.DataFrame | None, rows: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """The table with a row for everything that the analysis could not make.

    Args:
        failures: the table; None if it is one of these.
        rows: objective or nothing, and reason.
    """
    before = [] if failures is None else failures.to_dict("records")
    added = [{"objective": objective or None, "state": NOT_DRAWN, "reason": reason} for objective, reason in rows]
    frame = pd.DataFrame([*before, *added], columns=list(FAILURES))
    return frame.astype({"repetition": "Int64", "index": "Int64", "trial": "Int64"})


def totals_table(results: Results) -> pd.DataFrame:
    """One row a cell, in the order of the plan: how many runs and evaluations there are, and what became of them."""
    rows = [
        _totals(results, objective, algorithm, runs, results.evaluations.iloc[runs[0].rows.start : runs[-1].rows.stop])
        for objective, algorithm, runs in results.cells()
    ]
    return pd.DataFrame(rows, columns=list(TOTALS))


def _rows(results: Results, folder: Path, run: Run, bad: np.ndarray) -> Iterator[dict[str, Any]]:
    first, last = np.searchsorted(bad, [run.rows.start, run.rows.stop])
    if first == last and (run.state == "done" or not count_planned([run.state], results.plan.imported)):
        return
    told = _told(results, folder, run)
    labels = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition}
    if run.state != "done":
        yield {**labels, "index": None, "trial": None, "state": run.state, "reason": _of_run(run, told)}
    problems = {record["index"]: record.get("problem") for record in told if record["kind"] == "evaluation"}
    for row in results.evaluations[list(READ)].iloc[bad[first:last]].to_dict("records"):
        reason = _line(problems.get(row["index"])) or _of_evaluation(row, results.plan.objective(run.objective).metric)
        yield {**labels, **{name: row[name] for name in ("index", "trial", "state")}, "reason": reason}


def _told(results: Results, folder: Path, run: Run) -> list[Record]:
    """The records of a run that is not done, or of which some evaluation tells a problem; others are not decoded."""
    if run.state == "done":
        _, data, _ = locate(folder, run.objective, run.algorithm, run.repetition, results.plan.budget)
        if PROBLEM not in data:
            return []
    return records(results, folder, run)


def _of_run(run: Run, told: list[dict[str, Any]]) -> str:
    if run.state == "missing":
        return "no ledger"
    if run.state == "partial":
        return f"unfinished after {run.rows.stop - run.rows.start} evaluations"
    return next((_line(record.get("error")) for record in reversed(told) if record["kind"] == "failure"), "")


def _of_evaluation(row: dict[Any, Any], metric: Metric) -> str:
    if row["state"] != "diverged":
        return ""
    return f"counted with the chance {metric.name} {metric.own(row['valid_error']):.4g}"


def _line(text: Any) -> str:
    """A text's one line: of a traceback the one that names what was raised."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()] if isinstance(text, str) else []
    if not lines:
        return ""
    if len(lines) > 1 and any(line.startswith("  ") for line in lines):
        raised = [line for line in lines if _RAISED.match(line)]
        lines = raised[-1:] or lines[-1:]
    line = lines[0].strip()
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\u2026"


def _totals(
    results: Results, objective: str, algorithm: str, runs: list[Run], evaluations: pd.DataFrame
) -> dict[str, Any]:
    imported = results.plan.imported
    states = [run.state for run in runs if count_planned([run.state], imported)]
    of_runs = {f"n_{state}": states.count(state) for state in ("missing", "partial", "failed")}
    counts = evaluations["state"].value_counts()
    of_evaluations = {f"n_{state}": int(counts.get(state, 0)) for state in STATES if state != "ok"}
    return {
        "objective": objective, "algorithm": algorithm, "n_runs": len(states), **of_runs,
        "n_evaluations": len(evaluations), **of_evaluations,
    }  # fmt: skip

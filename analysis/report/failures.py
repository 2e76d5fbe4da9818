"""Runs that did not finish, and evaluations that gave no result."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.encoding import count_text
from analysis.report.html_table import html_table, integer_column, text_column
from analysis.report.section import Section, table
from analysis.study import Study

STATES = {
    "failed": "the algorithm crashed",
    "partial": "not finished",
    "missing": "not begun",
}
MOST_REASONS = 40
REASONS = (text_column("state", "state"), text_column("reason", "reason"), integer_column("count", "count"))


def failures_section(study: Study) -> Section:
    """Runs that are not finished, and evaluations that gave no result."""
    runs = study.tables["runs"]
    columns = [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        text_column("told", "what"),
        text_column("count", "count"),
    ]
    rows = _failures(runs, study.results.plan.metric_name)
    sheets = [html_table("Failures", pd.DataFrame(rows), columns)] if rows else []
    reasons = table(study, "failures")
    told = None if reasons is None else _reasons(reasons)
    if told is not None and len(told):
        sheets.append(html_table("Reasons", told.head(MOST_REASONS), [*columns[:2], *REASONS]))
    return Section(
        name="failures",
        title="Failures",
        lead="What failed is counted, never left out: a failed run is the worst of its repetition.",
        sheets=tuple(sheets),
        tables=("failures", "runs"),
        notes=_more(0 if told is None else len(told)),
        absent="" if rows else f"None: all {count_text(len(runs), 'run')} finished and every evaluation gave a result.",
    )


def _reasons(failures: pd.DataFrame) -> pd.DataFrame:
    """The distinct reasons that are told, with how often, the most frequent first."""
    told = failures[failures["reason"] != ""]
    counted = told.groupby(["objective", "algorithm", "state", "reason"], sort=False).size().reset_index(name="count")
    return counted.sort_values("count", ascending=False, kind="stable")


def _more(count: int) -> tuple[str, ...]:
    return (f"Listed: {MOST_REASONS} of {count} reasons; all are in failures.csv.",) if count > MOST_REASONS else ()


def _failures(runs: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    rows = []
    for (objective, algorithm), cell in runs.groupby(["objective", "algorithm"], sort=False):
        told = {f"{state} ({why})": int((cell["state"] == state).sum()) for state, why in STATES.items()}
        found = [(f"runs {what}", count, len(cell)) for what, count in told.items()]
        evaluations = int(cell["n_evaluations"].sum())
        found.append((f"evaluations diverged (charged, chance {name})", int(cell["n_diverged"].sum()), evaluations))
        found.append(
            (f"evaluations crashed or timed out (charged, no {name})", int(cell["n_crashed"].sum()), evaluations)
        )
        rows += [
            {"objective": objective, "algorithm": algorithm, "told": what, "count": f"{count} of {of}"}
            for what, count, of in found
            if count
        ]
    return rows

"""Which ledgers and evaluations stand behind a row of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.loading.recheck import FOLDER
from analysis.loading.results import AXES, Results, Run

OF_A_CELL = (
    "trials", "runs", "trajectory", "summary", "statistics", "bands", "curves", "timeline", "failures", "totals",
    "metrics", "front", "indicators", "attainment", "feasibility", "feasibility_runs", "feasibility_summary",
    *(f"hypervolume_{name}" for name in ("runs", "trajectory", "summary", "statistics", "bands")),
)  # fmt: skip
"""Tables whose rows depend on the runs of their own objective and algorithm; the others' on all of an objective."""

AT_A_TIME = ("trajectory", "bands", "hypervolume_trajectory", "hypervolume_bands", "feasibility")
"""Tables whose rows depend on what was completed by their `t` on their `axis`."""

NARROWING = ("index", "trial")
"""Columns that name the evaluations of a row."""


def sources_of_row(results: Results, table: str, row: Mapping[str, str], checksums: Mapping[str, str]) -> list[str]:
    """The ledgers behind a row with their checksums and evaluations, a line each.

    Args:
        results: the suite's.
        table: its name.
        row: cells by column.
        checksums: SHA-256 of the ledgers, by path in the suite's folder.
    """
    lines, count = [], 0
    for run in _runs(results, table, row):
        evaluations = _evaluations(results, run, table, row)
        place = f"runs/{run.objective}/{run.algorithm}/{run.repetition:03d}.jsonl"
        path = next((path for path in checksums if path in (place, f"{place}.part", f"{place}.failed")), None)
        if path is not None:
            count += len(evaluations)
            lines.append(f"  {path} {checksums[path]} evaluations {_ranges(evaluations['index'])}")
    again = [f"  {path} {checksum}" for path, checksum in checksums.items() if path.startswith(f"{FOLDER}/")]
    own = [] if table in OF_A_CELL else again
    return [f"behind it: {count} evaluations in {len(lines)} ledgers", *lines, *own]


def _runs(results: Results, table: str, row: Mapping[str, str]) -> list[Run]:
    def meant(run: Run) -> bool:
        if row.get("objective", run.objective) != run.objective:
            return False
        if table not in OF_A_CELL:
            return True
        named = row.get("algorithm", run.algorithm), row.get("repetition", str(run.repetition))
        return named == (run.algorithm, str(run.repetition))

    return [run for run in results.runs if meant(run)] if row else []


def _evaluations(results: Results, run: Run, table: str, row: Mapping[str, str]) -> pd.DataFrame:
    found = results.evaluations.iloc[run.rows]
    if table not in OF_A_CELL:
        return found
    for name in NARROWING:
        if row.get(name, "").isdigit():
            found = found[found[name] == int(row[name])]
    if table in AT_A_TIME:
        found = found[found["counted"] & (found[AXES[row["axis"]]] <= float(row["t"]))]
    return found


def _ranges(numbers: Iterable[int]) -> str:
    """`0-4, 7`; a dash for none."""
    spans: list[list[int]] = []
    for number in sorted(int(number) for number in numbers):
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{first}-{last}" if first < last else f"{first}" for first, last in spans) or "-"

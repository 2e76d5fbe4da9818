"""The tables of many tasks for papers: the map of tasks and algorithms, and mean ranks with ratings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.many_tasks.task_map import BETTER, WORSE
from analysis.study import Study

MARKS = {BETTER: "▲", WORSE: "▼"}
"""Verdicts against the control that are marked."""
NONE = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table as texts.

    Attributes:
        name: of its file.
        rows: as many texts as the head has.
    """

    name: str
    caption: str
    head: list[str]
    rows: list[list[str]]


def sheets(study: Study) -> list[Sheet]:
    """The tables; none where the suite has too few tasks for them, or no finished run."""
    if "mean_ranks" not in study.tables or study.tables["mean_ranks"].empty:
        return []
    return [_map(study), _ranks(study)]


def _map(study: Study) -> Sheet:
    """A row for each task, a column for each algorithm by mean rank."""
    table, control = study.tables["task_map"], study.results.plan.control
    order = study.tables["mean_ranks"].sort_values("mean_rank", kind="stable")["algorithm"].tolist()
    paired = study.results.plan.paired
    test = "Wilcoxon signed-rank test on paired repetitions" if paired else "Mann-Whitney test on unpaired repetitions"
    cells = {(row["objective"], row["algorithm"]): _cell(row) for row in table.to_dict("records")}
    tasks = list(dict.fromkeys(table["objective"]))
    return Sheet(
        name="task-map",
        caption=f"{study.results.plan.title}. Median normalised regret at the end of the budget: 0 is the best there "
        f"is, 1 what one random trial gives. {MARKS[BETTER]} better and {MARKS[WORSE]} worse than {control} ({test}, "
        "Holm-adjusted over the algorithms of the task, 5 %).",
        head=["task", *order],
        rows=[[task, *(cells.get((task, name), NONE) for name in order)] for task in tasks],
    )


def _ranks(study: Study) -> Sheet:
    """A row for each algorithm by mean rank: rank, rating, and on how many tasks it differs from the control."""
    plan = study.results.plan
    ranks = study.tables["mean_ranks"].sort_values("mean_rank", kind="stable").to_dict("records")
    elo = {row["algorithm"]: row for row in study.tables["ratings"].to_dict("records")}
    how = "ranked within every task and repetition" if plan.paired else "of runs that are drawn independently"
    counts = study.tables["task_map"].groupby(["algorithm", "verdict"]).size().to_dict()
    return Sheet(
        name="mean-ranks",
        caption=f"{plan.title}. Mean ranks over {ranks[0]['n_tasks']} tasks, {how}, "
        "with 95 % intervals that resample tasks and repetitions; Elo ratings of the mean 1500 by the model of Bradley "
        f"and Terry; on how many tasks an algorithm is better and worse than {plan.control}.",
        head=["algorithm", "mean rank", "interval", "rating", "interval", "better on", "worse on"],
        rows=[
            [
                row["algorithm"],
                *_with_interval(row, "mean_rank", 2),
                *_with_interval(elo.get(row["algorithm"], {}), "elo", 0),
                *(str(counts.get((row["algorithm"], verdict), 0)) for verdict in (BETTER, WORSE)),
            ]
            for row in ranks
        ],
    )


def _cell(row: dict[Any, Any]) -> str:
    """`0.012 ▲`."""
    regret = row["median_regret"]
    number = NONE if math.isnan(regret) else "∞" if math.isinf(regret) else f"{regret:.2g}"
    return f"{number} {MARKS.get(row['verdict'], '')}".strip()


def _with_interval(row: dict[Any, Any], name: str, decimals: int) -> list[str]:
    """A value and its interval."""
    value, low, high = (row.get(column, math.nan) for column in (name, "low", "high"))
    interval = NONE if math.isnan(low) or math.isnan(high) else f"[{low:.{decimals}f}, {high:.{decimals}f}]"
    return [NONE if math.isnan(value) else f"{value:.{decimals}f}", interval]

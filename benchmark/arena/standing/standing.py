"""Where an entered method stands in a field: its rank, whom it beats, on which tasks, and what its decisions cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.arena.field.field_file import Field
from benchmark.arena.standing.pairing import equal_runs, paired_tasks, ranks_on

if TYPE_CHECKING:
    import pandas as pd

    from analysis.many_tasks.tasks import Task

BETTER, WORSE, NO_CLAIM = "better", "worse", "no claim"
VERDICTS = (BETTER, WORSE, NO_CLAIM)

METHODS = ("method", "mean_rank", "low", "high", "win_rate", "win_low", "win_high", *VERDICTS, "equal_runs")
"""Columns of the table of methods: one row a method of the field, best first. win_rate is the entered method's over it,
and the verdicts count the tasks on which the entered method is better or worse than it."""

TASKS = ("task", "rank", "median_regret", "low", "high", "against_control", "p_holm", *VERDICTS)
"""Columns of the table of tasks: the entered method's mean rank among all, its regret, whether it is better or worse
than the control, and than how many methods of the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of an entered method beside a field.

    Attributes:
        name: what the entered method is called.
        control: the field's method that it is held against by task.
        place: of its mean rank among all methods, 1 is best; those with the same mean rank share it.
        ranks: mean ranks of all methods, best first (`analysis.many_tasks.mean_ranks.MEAN_RANKS`).
        methods: columns `METHODS`.
        tasks: columns `TASKS`.
        detectable: standard deviations of the paired differences that a task's repetitions find with 80 % power at
            the hardest step of Holm's correction; infinite where they find nothing.
        of_plan: the tasks with all methods.
    """

    name: str
    control: str
    place: int
    ranks: pd.DataFrame
    methods: pd.DataFrame
    tasks: pd.DataFrame
    detectable: float
    of_plan: tuple[Task, ...]


def find_standing(field: Field, name: str, entered: Field) -> Standing:
    """Pair an entered method with every method of a field, repetition by repetition.

    Args:
        field: published runs.
        name: what the entered method is called there.
        entered: its runs alone, on tasks of the field.
    """
    from analysis.many_tasks.mean_ranks import mean_ranks
    from analysis.many_tasks.task_map import task_map
    from analysis.many_tasks.win_rates import win_rates
    from analysis.statistics.power.search import ALPHA
    from analysis.statistics.power.signed_rank import detectable

    tasks = paired_tasks(field, {name: entered})
    ranks = mean_ranks(tasks).sort_values("mean_rank", kind="stable")
    own = float(ranks.loc[ranks["algorithm"] == name, "mean_rank"].iloc[0])
    verdicts = own_verdicts(task_map(tasks, name), name)
    wins = win_rates(tasks)
    control = field.header.get("control") or field.algorithms[0]
    return Standing(
        name=name,
        control=control,
        place=1 + int((ranks["mean_rank"] < own).sum()),
        ranks=ranks,
        methods=_methods(field, entered, ranks, wins[wins["algorithm"] == name], verdicts),
        tasks=_tasks(tasks, name, control, verdicts),
        detectable=detectable(entered.repetitions, ALPHA / len(field.algorithms)),
        of_plan=tuple(tasks),
    )


def own_verdicts(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The map of tasks whose control is the entered method, with the verdicts turned: whether it is the better one."""
    from analysis.many_tasks import task_map

    turned = {task_map.BETTER: WORSE, task_map.WORSE: BETTER}
    others = table[table["algorithm"] != name]
    return others.assign(verdict=[turned.get(verdict, NO_CLAIM) for verdict in others["verdict"]])


def count_verdicts(verdicts: Sequence[str]) -> dict[str, int]:
    """How often each verdict is among some."""
    return {verdict: list(verdicts).count(verdict) for verdict in VERDICTS}


def _methods(
    field: Field, entered: Field, ranks: pd.DataFrame, wins: pd.DataFrame, verdicts: pd.DataFrame
) -> pd.DataFrame:
    import pandas as pd

    won = wins.set_index("other")
    rows = []
    for row in ranks.to_dict("records"):
        method = row["algorithm"]
        if method not in won.index:
            continue
        rate = won.loc[method]
        counts = count_verdicts(verdicts.loc[verdicts["algorithm"] == method, "verdict"].tolist())
        ranked = (method, row["mean_rank"], row["low"], row["high"])
        equal = equal_runs(field, method, entered)
        rows.append((*ranked, rate["win_rate"], rate["low"], rate["high"], *counts.values(), equal))
    return pd.DataFrame(rows, columns=list(METHODS))


def _tasks(tasks: Sequence[Task], name: str, control: str, verdicts: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from analysis.many_tasks.task_map import task_map

    regrets = task_map(tasks, control)
    own = regrets[regrets["algorithm"] == name].set_index("objective")
    rows = []
    for task in tasks:
        of_task = verdicts[verdicts["objective"] == task.label]
        against = of_task[of_task["algorithm"] == control].iloc[0]
        counts = count_verdicts(of_task["verdict"].tolist())
        regret = [own.loc[task.label, column] for column in ("median_regret", "low", "high")]
        rank = ranks_on(task).get(name, np.nan)
        rows.append((task.label, rank, *regret, against["verdict"], against["p_holm"], *counts.values()))
    return pd.DataFrame(rows, columns=list(TASKS))

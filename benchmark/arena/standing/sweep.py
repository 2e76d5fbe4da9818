"""Values of an option of an entered method, compared under common random numbers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmark.arena.field.field_file import Field
from benchmark.arena.standing.pairing import paired_tasks, ranks_on
from benchmark.errors import BadInput, short_repr

if TYPE_CHECKING:
    import pandas as pd

    from analysis.many_tasks.tasks import Task

FEWEST, MOST = 2, 50
SWEEP = ("value", "place", "size", "mean_rank", "low", "high", "among_values", "best_on", "is_best", "better", "worse")
"""Columns of the table of values: place, of size methods, and mean rank of each value alone in the field; its mean rank
among the values, on how many tasks that is the least, and on how many it is better or worse than the best value."""


def parse_sweep(text: str) -> tuple[str, list[Any]]:
    """The option and the values of `option=value,value,...`.

    Raises:
        BadInput: no such form, or not between `FEWEST` and `MOST` different values.
    """
    option, sign, rest = text.partition("=")
    need = f"need option=value,value,... with {FEWEST} to {MOST} different values"
    if not sign or not option.strip():
        raise BadInput(f"--sweep {short_repr(text)}: {need}")
    try:
        values = tomllib.loads(f"values = [{rest}]")["values"]
    except ValueError:  # Texts without quotes.
        values = [part.strip() for part in rest.split(",")]
    if not FEWEST <= len(values) <= MOST or any(value in values[:place] for place, value in enumerate(values)):
        raise BadInput(f"--sweep {short_repr(text)}: {need}")
    return option.strip(), values


def sweep_table(field: Field, entered: Mapping[str, Field], values: Sequence[Any]) -> pd.DataFrame:
    """One row a value: where it stands in the field, and how it compares with the other values.

    Args:
        field: published runs.
        entered: the runs of each value, by a name of its own.
        values: in the same order.
    """
    import pandas as pd

    from analysis.many_tasks.mean_ranks import mean_ranks
    from analysis.many_tasks.task_map import task_map

    tasks = paired_tasks(None, entered)
    among = mean_ranks(tasks).set_index("algorithm")["mean_rank"]
    best = str(among.idxmin())
    verdicts = task_map(tasks, best)
    best_on = _best_on(tasks)
    rows = []
    for (name, own), value in zip(entered.items(), values, strict=True):
        ranks = mean_ranks(paired_tasks(field, {name: own}))
        rank = ranks[ranks["algorithm"] == name].iloc[0]
        against = verdicts.loc[verdicts["algorithm"] == name, "verdict"]
        counts = [int((against == verdict).sum()) for verdict in ("better", "worse")]
        place = 1 + int((ranks["mean_rank"] < rank["mean_rank"]).sum())
        in_field = (place, len(ranks), rank["mean_rank"], rank["low"], rank["high"])
        rows.append((str(value), *in_field, among[name], best_on.get(name, 0), name == best, *counts))
    return pd.DataFrame(rows, columns=list(SWEEP))


def _best_on(tasks: Sequence[Task]) -> dict[str, int]:
    """On how many tasks each value has the least mean rank; those that share it count there each."""
    counts: dict[str, int] = {}
    for task in tasks:
        ranks = ranks_on(task)
        for name in [name for name, rank in ranks.items() if rank == min(ranks.values())]:
            counts[name] = counts.get(name, 0) + 1
    return counts

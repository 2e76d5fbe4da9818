"""Writes the standing of an entered method as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchmark.arena.field.field_file import Field
from benchmark.arena.standing.standing import BETTER, WORSE, Standing

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 5
"""Tasks that are named where the method wins or loses."""


def describe_standing(standing: Standing, field: Field, entered: Field, left_out: Sequence[str]) -> Iterator[str]:
    """Lines on where a method stands in a field."""
    n_tasks, repetitions = len(standing.tasks), entered.repetitions
    yield (
        f"{standing.name} among {len(field.algorithms)} methods of {field.header['suite']['name']}, "
        f"{n_tasks} {'task' if n_tasks == 1 else 'tasks'} x {repetitions} repetitions"
    )
    if left_out:
        yield f"left out: {', '.join(left_out)}"
    yield from _runs(entered)
    yield ""
    yield _rank(standing)
    yield ""
    yield from aligned(_method_rows(standing), left=1)
    yield ""
    yield from aligned(_task_rows(standing), left=1)
    yield ""
    yield from _where(standing)
    yield from _cost(field, entered)
    yield from _equal(standing, entered)
    yield from _notes(standing, field, entered)


def _runs(entered: Field) -> Iterator[str]:
    """What of its runs did not come to a result."""
    states = entered.runs()["state"].value_counts()
    for state in ("failed", "partial", "missing"):
        if states.get(state):
            yield f"{states[state]} of {len(entered.state)} runs are {state}"
    failures = int(entered.failures.sum())
    if failures:
        yield f"{failures} of {int(entered.evaluations.sum()):,} evaluations came to no result"


def _rank(standing: Standing) -> str:
    own = standing.ranks[standing.ranks["algorithm"] == standing.name].iloc[0]
    among = f"rank {standing.place} of {len(standing.ranks)}"
    return f"{among}: mean rank {own['mean_rank']:.2f}{_interval(own['low'], own['high'], '.2f')}"


def _interval(low: float, high: float, digits: str) -> str:
    return "" if math.isnan(low) else f" [{low:{digits}}, {high:{digits}}]"


def _method_rows(standing: Standing) -> Iterator[Sequence[str]]:
    yield "method", "mean rank", "win rate over it", "better on", "worse on", "no claim"
    rows = {row["method"]: row for row in standing.methods.to_dict("records")}
    for rank in standing.ranks.to_dict("records"):
        name, mean = rank["algorithm"], f"{rank['mean_rank']:.2f}"
        if name == standing.name:
            yield f"> {name}", mean, "", "", "", ""
        elif name in rows:
            row = rows[name]
            rate = f"{row['win_rate']:.0%}{_interval(row['win_low'], row['win_high'], '.0%')}"
            yield name, mean, rate, *(str(row[verdict]) for verdict in (BETTER, WORSE, "no claim"))


def _task_rows(standing: Standing) -> Iterator[Sequence[str]]:
    yield "task", "mean rank", "median regret", f"against {standing.control}", "better than", "worse than", "no claim"
    for row in standing.tasks.to_dict("records"):
        regret = "-" if math.isnan(row["median_regret"]) else f"{row['median_regret']:.3g}"
        counts = (str(row[verdict]) for verdict in (BETTER, WORSE, "no claim"))
        yield row["task"], f"{row['rank']:.2f}", regret, row["against_control"], *counts


def _where(standing: Standing) -> Iterator[str]:
    """The tasks on which it is better than more methods than it is worse than, and the other way round."""
    balance = (standing.tasks[BETTER] - standing.tasks[WORSE]).to_numpy()
    names = standing.tasks["task"].to_numpy(dtype=object)
    for text, sign in (("wins most on", 1), ("loses most on", -1)):
        order = np.argsort(-sign * balance, kind="stable")
        chosen = [names[place] for place in order[:MOST_NAMED] if sign * balance[place] > 0]
        yield f"{text}: {', '.join(chosen) if chosen else 'no task'}"


def _cost(field: Field, entered: Field) -> Iterator[str]:
    """What a decision costs, beside the field's methods, which were measured on another day and maybe machine."""
    by_method = field.runs().groupby("algorithm", observed=True)
    costs = {str(name): _milliseconds(part) for name, part in by_method}
    own = _milliseconds(entered.runs())
    least, most = min(costs, key=lambda name: costs[name]), max(costs, key=lambda name: costs[name])
    field_text = f"{least} {costs[least]:.3g} ms to {most} {costs[most]:.3g} ms when it was made"
    yield f"cost of deciding: {own:.3g} ms an evaluation (the field: {field_text})"


def _milliseconds(runs: pd.DataFrame) -> float:
    return 1e3 * float(runs["decide_seconds"].sum()) / max(int(runs["evaluations"].sum()), 1)


def _equal(standing: Standing, entered: Field) -> Iterator[str]:
    """Methods of the field that the entered one repeats, in all runs or in a task's worth; less is coincidence."""
    runs = len(entered.state)
    for row in standing.methods.to_dict("records"):
        if row["equal_runs"] == runs:
            yield f"all runs are those of {row['method']} to the bit"
            yield "all differences from it are 0"
        elif row["equal_runs"] >= entered.repetitions:
            yield f"{row['equal_runs']} of {runs} runs are those of {row['method']} to the bit"


def _notes(standing: Standing, field: Field, entered: Field) -> Iterator[str]:
    methods = len(field.algorithms)
    test = (
        f"Wilcoxon's signed-rank test over {entered.repetitions} repetitions, Holm over the {methods} methods of a task"
    )
    if math.isinf(standing.detectable):
        yield f"verdicts: {test}; so few repetitions find no difference, however large"
    else:
        found = f"differences of {standing.detectable:.2f} standard deviations are found with 80 % power"
        yield f"verdicts: {test}; {found}, larger ones more often"
    if len(standing.tasks) < 6:
        yield f"note: intervals need 6 tasks, there are {len(standing.tasks)}"


def describe_sweep(option: str, rows: pd.DataFrame) -> Iterator[str]:
    """Lines on the values of an option: one a value, in the order that they were given."""

    def cells() -> Iterator[Sequence[str]]:
        yield (
            option,
            "place",
            "mean rank in the field",
            "mean rank among values",
            "best on",
            "better / worse than the best",
        )
        for row in rows.to_dict("records"):
            yield (
                row["value"],
                f"{row['place']} of {row['size']}",
                f"{row['mean_rank']:.2f}{_interval(row['low'], row['high'], '.2f')}",
                f"{row['among_values']:.2f}",
                str(row["best_on"]),
                "the best" if row["is_best"] else f"{row['better']} / {row['worse']}",
            )

    yield from aligned(cells(), left=1)


def aligned(rows: Iterator[Sequence[str]] | Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    """Columns of text: the first few to the left, the others to the right."""
    held = list(rows)
    widths = [max(map(len, column)) for column in zip(*held, strict=True)]
    for row in held:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            cell.ljust(width) if place < left else cell.rjust(width) for place, (cell, width) in enumerate(cells)
        ).rstrip()

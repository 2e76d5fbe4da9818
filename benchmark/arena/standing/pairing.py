"""An entered method beside a field: the same tasks, repetitions and seeds, in the frames of many tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmark.arena.field.field_file import OF_IMPROVEMENTS, Field

if TYPE_CHECKING:
    import pandas as pd

    from analysis.many_tasks.tasks import Task


def paired_tasks(field: Field | None, entered: Mapping[str, Field]) -> list[Task]:
    """The tasks of entered methods, with the field's methods beside them.

    Args:
        field: published runs; None: the entered methods are among themselves.
        entered: the runs of each entered method alone, by the name it is shown by; tasks, their ends and repetitions
            are those of the first.
    """
    import pandas as pd

    from analysis.many_tasks.tasks import read_tasks

    first = next(iter(entered.values()))
    frames = [] if field is None else [_chosen(field.improvements(), first)]
    names = [] if field is None else list(field.algorithms)
    for name, own in entered.items():
        frames.append(_chosen(own.improvements(), first).assign(algorithm=name))
        names.append(name)
    frame = pd.concat([part.astype({"objective": object, "algorithm": object}) for part in frames])
    return read_tasks(frame, first.ends(), names)


def _chosen(improvements: pd.DataFrame, first: Field) -> pd.DataFrame:
    """The rows of some tasks and repetitions."""
    there = improvements["objective"].isin(first.objectives) & (improvements["repetition"] < first.repetitions)
    return improvements[there]


def ranks_on(task: Task) -> dict[str, float]:
    """The mean ranks of all methods over the repetitions of one task; none where no repetition is whole."""
    from analysis.many_tasks.mean_ranks import rank_blocks

    blocks = rank_blocks([task])
    ranked = blocks.by_task.get(task.label)
    return {} if ranked is None else dict(zip(blocks.algorithms, ranked.mean(axis=0).tolist(), strict=True))


def equal_runs(field: Field, algorithm: str, entered: Field) -> int:
    """Count the runs of an entered method that are those of a method of the field to the bit."""
    (own,) = entered.algorithms
    return sum(
        all(theirs[name].tobytes() == ours[name].tobytes() for name in OF_IMPROVEMENTS)
        for objective in entered.objectives
        for repetition in range(entered.repetitions)
        for theirs in [field.run(field.number(objective, algorithm, repetition))]
        for ours in [entered.run(entered.number(objective, own, repetition))]
    )

"""Which metrics a study has: those that its tool recorded, or those that the user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.importers.foreign_study import ForeignMetric
from benchmark.errors import BadInput, nearest_match


def choose_metrics(
    source: object, recorded: Sequence[ForeignMetric], named: Sequence[ForeignMetric], available: Iterable[str]
) -> tuple[ForeignMetric, ...]:
    """The metrics that the user named, else those that the tool recorded.

    Args:
        source: the study's file, for messages.
        recorded: what the tool optimised; empty where it does not record that.
        named: by the user, with their goals.
        available: every metric that trials reported.

    Raises:
        BadInput: a named metric that no trial reported, or one with another goal than the tool recorded.
    """
    goals = {metric.name: metric.goal for metric in recorded}
    names = sorted({*available, *goals})
    for metric in named:
        if metric.name not in names:
            raise BadInput(
                f"{source}: metric {metric.name!r}: no trial reported it, they reported "
                f"{', '.join(names) or 'nothing'}{nearest_match(metric.name, names)}"
            )
        if goals.get(metric.name, metric.goal) != metric.goal:
            raise BadInput(
                f"{source}: metric {metric.name!r}: goal {metric.goal}, but recorded is {goals[metric.name]}"
            )
    return tuple(named) or tuple(recorded)

"""Which metrics a study has: those that its tool recorded, and those that the user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from analysis.importers.studies.foreign_study import ForeignMetric
from benchmark.errors import BadInput, nearest_match, require_choice

GOALS: dict[str, Literal["min", "max"]] = {"min": "min", "max": "max"}


def parse_metrics(texts: Sequence[str]) -> tuple[str | None, tuple[ForeignMetric, ...]]:
    """The name of the metric that incumbents are chosen by, and the metrics that have a goal.

    Args:
        texts: of the command line: names, each with `=min` or `=max` after it where its goal is said.

    Raises:
        BadInput: another goal, a metric without a name, or one twice.
    """
    metrics: list[ForeignMetric] = []
    names = [text.rpartition("=")[0] if "=" in text else text for text in texts]
    for text, name in zip(texts, names, strict=True):
        if not name:
            raise BadInput(f"--metric {text!r}: need the name of a metric, as --metric loss=min")
        if names.count(name) > 1:
            raise BadInput(f"--metric {name}: it is there twice")
        if "=" in text:
            metrics.append(
                ForeignMetric(name=name, goal=GOALS[require_choice(f"--metric {name}", text.rpartition("=")[2], GOALS)])
            )
    if len(texts) > 1 and len(metrics) < len(texts):
        raise BadInput("--metric: of several metrics say the goal of each, as --metric loss=min --metric accuracy=max")
    return (names[0] if names else None), tuple(metrics)


def choose_metrics(
    source: object, recorded: Sequence[ForeignMetric], named: Sequence[ForeignMetric], available: Iterable[str]
) -> tuple[ForeignMetric, ...]:
    """The metrics that the user named, then the others that the tool recorded.

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
        recorded_goal = goals.get(metric.name, metric.goal)
        if recorded_goal != metric.goal:
            raise BadInput(
                f"{source}: metric {metric.name!r}: the tool recorded the goal {recorded_goal}, give that or none"
            )
    return tuple(dict.fromkeys([*named, *recorded]))

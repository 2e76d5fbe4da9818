"""All figures of a suite, as files by name."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.figure import Figure

from analysis.anytime import anytime
from analysis.frame import Results
from analysis.scatter import landscape, learning_rate
from analysis.theme import render, theme


def draw(results: Results, trajectory: pd.DataFrame) -> dict[str, bytes]:
    """Every figure of a suite in every format; the same bytes from the same ledgers.

    Args:
        results: plan and evaluations.
        trajectory: the table `analysis.tables.trajectory_table` of these results.
    """
    with theme():
        return {
            f"{name}.{kind}": data
            for name, figure in _figures(results, trajectory)
            for kind, data in render(figure).items()
        }


def _figures(results: Results, trajectory: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    for objective in results.plan.objectives:
        label = objective.label
        yield f"anytime-{label}", anytime(results, trajectory, label, "runtime")
        yield f"trials-{label}", anytime(results, trajectory, label, "trials")
        rates = learning_rate(results, objective)
        if rates is not None:
            yield f"learning_rate-{label}", rates
        yield f"landscape-{label}", landscape(results, objective)

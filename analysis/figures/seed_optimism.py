"""The optimism of a published table: how much better a selected value reads on its own seed than on the others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.lines import lines, name_lines, panel
from analysis.figures.magnitude import logarithmic_marks, magnitude_of
from analysis.figures.panels import name_vertical
from analysis.figures.theme import MUTED, algorithm_styles
from analysis.loading.results import Results

MOST_BANDS = 6
"""Algorithms up to which their intervals are drawn."""


def seed_optimism(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure | None:
    """A line for each algorithm: by how much the selected value is better than on the other seeds, over evaluations.

    Args:
        results: plan and evaluations.
        tables: of which "seed_optimism" is drawn.
        objective: its label.
    """
    table = tables["seed_optimism"]
    drawn = table[(table["objective"] == objective) & (table["n"] > 0)]
    if drawn.empty:
        return None
    metric, algorithms = results.plan.objective(objective).metric, results.plan.algorithms
    size = magnitude_of(drawn["optimism"])
    drawn = drawn.assign(trials=np.log10(drawn["trials"]), **{name: size.of(drawn[name]) for name in VALUES})
    figure, axes = panel(f"{objective} ({results.plan.title}): optimism of the selected {metric.name}")
    entries = lines(axes, drawn, "trials", "optimism", algorithms, steps=False)
    if drawn["algorithm"].nunique() <= MOST_BANDS:
        for name, look in algorithm_styles(algorithms).items():
            rows = drawn[drawn["algorithm"] == name]
            axes.fill_between(rows["trials"], rows["lo"], rows["hi"], color=look.colour, alpha=0.14, linewidth=0)
    axes.axhline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    right = max(float(drawn["trials"].max()), 0.1)
    axes.set_xlim(0.0, 1.02 * right)
    axes.set_xticks(*logarithmic_marks(0.0, right))
    axes.set_xlabel("evaluations")
    name_vertical(axes, size.label(f"{metric.name} reads too good by{metric.in_unit}"))
    seeds, n = int(drawn["n_seeds"].max()), int(drawn["n"].max())
    name_lines(
        figure, entries,
        f"By how much the incumbent's {metric.name} on the seed of the repetition, by which it was selected, is "
        f"better than the mean {metric.name} of the same configuration on the other seeds of the table: above 0 the "
        f"table flatters. Medians of {n} repetitions, which share {seeds} seeds; bands: 95 % over repetitions, so "
        "they say nothing of other seeds.",
    )  # fmt: skip
    return figure


VALUES = ("optimism", "lo", "hi")
"""Columns in the unit of the metric."""

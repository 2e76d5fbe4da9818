"""Profiles over many tasks: which share of them an algorithm solves, relative to the fastest and within a budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import OF_MANY_TASKS
from analysis.figures.lines import ACROSS, lines, name_lines, panel
from analysis.figures.magnitude import logarithmic_marks
from analysis.figures.panels import name_horizontal
from analysis.many_tasks.profiles import TARGET


def performance_profiles(table: pd.DataFrame, *, title: str, algorithms: Sequence[str]) -> Figure:
    """Draw the profiles of Dolan and Moré (2002): steps over the ratio to the fastest algorithm's time.

    Args:
        table: `performance_profiles.csv`; tau >= 1.
        title: of the suite.
        algorithms: all of the suite, for their looks.
    """
    figure, axes = panel(f"{title}: performance profiles")
    entries = lines(axes, table.assign(tau=np.log10(table["tau"])), "tau", "share", algorithms, steps=True)
    right = max(float(np.log10(table["tau"].max())), 0.1)
    axes.set_xlim(0.0, right)
    axes.set_xticks(*logarithmic_marks(0.0, right))
    _shares(figure)
    name_horizontal(axes, f"time to a regret of {TARGET:g}, in times that of the fastest algorithm", ACROSS)
    name_lines(figure, entries, f"{OF_MANY_TASKS['performance_profiles']} Names are ordered by that end.")
    return figure


def data_profiles(table: pd.DataFrame, *, title: str, algorithms: Sequence[str]) -> Figure:
    """Draw the profiles of Moré and Wild (2009): steps over the budget in typical trainings.

    Args:
        table: `data_profiles.csv`.
        title: of the suite.
        algorithms: all of the suite, for their looks.
    """
    figure, axes = panel(f"{title}: data profiles")
    entries = lines(axes, table, "trainings", "share", algorithms, steps=True)
    axes.set_xlim(0.0, float(table["trainings"].max()) or 1.0)  # Nobody has solved anything: a line at 0.
    _shares(figure)
    name_horizontal(axes, "budget, in typical trainings of the task", ACROSS)
    name_lines(figure, entries, f"{OF_MANY_TASKS['data_profiles']} Names are ordered by where the lines end.")
    return figure


def _shares(figure: Figure) -> None:
    [axes] = figure.axes
    axes.set_ylim(-0.02, 1.02)
    axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel("solved")

"""The figure of the optimism of published tables.

`python -m tests.planted.optimism_figure [FOLDER]` draws optimism.png beside the optimism.csv of a folder (default:
results/reference/tables).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.figures.panels import caption
from analysis.figures.rendering import render
from analysis.figures.theme import MUTED, algorithm_styles, set_title, theme

FEWEST = 10
"""Trials from which on it is drawn: of a single one nothing is selected."""
NOTE = (
    "Random search chooses the best of so many configurations under one seed of the table: by how much it is better "
    "there than under the other seeds on average, in parts of the way from a typical configuration to the best one. "
    "Exact by order statistics; bars: Student's 95 % interval over the 4 (FCNet) or 5 (HPOBench) seeds, which shows "
    "how much seeds differ and no more."
)


def optimism_figure(table: pd.DataFrame) -> Figure:
    """A panel for each family of tables, a line for each table.

    Args:
        table: `optimism.csv`.
    """
    families = table["table"].str.partition(":")[0]
    figure = Figure(figsize=(10.0, 5.6), layout="constrained")
    set_title(figure, "Optimism of selecting on one seed of a published table")
    panels = figure.subplots(1, families.nunique(), squeeze=False)[0]
    for axes, (family, rows) in zip(panels, table.groupby(families, sort=False), strict=True):
        _panel(axes, rows)
        axes.set_title(str(family), fontsize="small")
        axes.set_xlabel("trials of random search")
    panels[0].set_ylabel("optimism [% of typical less best]")
    caption(figure, [], NOTE)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    names = list(dict.fromkeys(rows["table"]))
    for place, (name, look) in enumerate(algorithm_styles(names).items()):
        mine = rows[(rows["table"] == name) & (rows["trials"] >= FEWEST)]
        scale = (mine["of_typical"] / mine["optimism"]).iloc[0]
        bars = np.array([mine["optimism"] - mine["low"], mine["high"] - mine["optimism"]]) * scale
        axes.errorbar(
            mine["trials"] * 1.06 ** (place - (len(names) - 1) / 2), mine["of_typical"], yerr=bars,
            color=look.colour, marker=look.marker, linestyle=look.dashed, markersize=5.0, linewidth=1.2,
            elinewidth=0.9, label=name.partition(":")[2],
        )  # fmt: skip
    axes.axhline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks([10, 100, 1000], ["10", "100", "1000"])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("results/reference/tables"))
    folder = parser.parse_args().folder
    with theme():
        drawn = render(optimism_figure(pd.read_csv(folder / "optimism.csv")), ["png"])["png"]
    (folder / "optimism.png").write_bytes(drawn)


if __name__ == "__main__":
    main()

"""The book's plot of points as they come, and its settings of figures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from statistics import fmean
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from benchmark.book.hyperparameters import HyperParameters
from benchmark.notebook import NotebookOutput, in_notebook

__all__ = ["ProgressBoard", "plt", "set_figsize", "use_svg_display"]


def use_svg_display() -> None:
    """Show figures as SVG in a notebook; elsewhere there is nothing to set."""
    if in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size of the figures that follow, in inches."""
    use_svg_display()
    plt.rcParams["figure.figsize"] = figsize


class ProgressBoard(HyperParameters):
    """The book's board: draws points as they come, one line a label.

    In a notebook the figure is one output of the cell, replaced with every point. In a script it is a figure of
    `plt`, to be shown by `plt.show()` or saved.

    Attributes:
        data: the points drawn, as (x, y), by label.
        fig: the figure, None before the first point.
    """

    xlabel: str | None
    xlim: Sequence[float] | None
    fig: Figure | None
    axes: Any
    ls: Sequence[str]
    colors: Sequence[str]
    figsize: tuple[float, float]
    display: bool

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        xlim: Sequence[float] | None = None,
        ylim: Sequence[float] | None = None,
        xscale: str = "linear",
        yscale: str = "linear",
        ls: Sequence[str] = ("-", "--", "-.", ":"),
        colors: Sequence[str] = ("C0", "C1", "C2", "C3"),
        fig: Figure | None = None,
        axes: Any = None,
        figsize: tuple[float, float] = (3.5, 2.5),
        display: bool = True,
    ) -> None:
        self.save_hyperparameters()
        self.raw_points: dict[str, list[tuple[float, float]]] = {}
        self.data: dict[str, list[tuple[float, float]]] = {}
        self._lines: dict[str, Any] = {}
        self._output = NotebookOutput()

    def draw(self, x: float, y: float, label: str, every_n: int = 1) -> None:
        """Add a point to a line; of every `every_n` points the mean is drawn."""
        points = self.raw_points.setdefault(label, [])
        points.append((float(x), float(y)))
        if len(points) < every_n:
            return
        self.data.setdefault(label, []).append((fmean(x for x, _ in points), fmean(y for _, y in points)))
        points.clear()
        if self.display:
            self._draw_lines()
            if in_notebook():
                self._output.show(self.fig)

    def _draw_lines(self) -> None:
        axes = self._find_axes()
        for (label, points), ls, color in zip(self.data.items(), cycle(self.ls), cycle(self.colors), strict=False):
            if label not in self._lines:
                (self._lines[label],) = axes.plot([], [], linestyle=ls, color=color, label=label)
            self._lines[label].set_data(*zip(*points, strict=True))
        axes.relim()
        axes.autoscale_view()
        settings = {name: getattr(self, name) for name in ("xscale", "yscale", "xlim", "ylim", "xlabel", "ylabel")}
        axes.set(**{name: value for name, value in settings.items() if value is not None})
        axes.legend()

    def _find_axes(self) -> Any:
        if self.axes is not None:
            self.fig = self.axes.get_figure()
            return self.axes
        if self.fig is None:
            self.fig = plt.figure(figsize=self.figsize)
            if in_notebook():  # It is shown by the board; a figure that is open is shown again below the cell.
                plt.close(self.fig)
        return self.fig.gca()

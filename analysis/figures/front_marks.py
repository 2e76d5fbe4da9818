"""What all figures of fronts have in common: medians, the known front, and what stands in the caption."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.front_values import Surfaces
from analysis.figures.metric_axis import MetricAxis, staircase
from analysis.figures.theme import INK, Style
from analysis.loading.metric import Metric
from analysis.statistics.anytime import Array
from analysis.value_format import pair_texts

MEDIAN = "50 %"
"""Name of the attainment surface that half of the runs reach."""
NOTHING = np.empty((0, 2))


def draw_median(axes: Axes, surfaces: Surfaces, across: MetricAxis, up: MetricAxis, look: Style) -> None:
    """Draw what half of an algorithm's runs reach, with its marker at some of the corners."""
    corners = surfaces.get(MEDIAN, NOTHING)
    x, y = staircase(corners, across, up)
    axes.plot(x, y, color=look.colour, linewidth=1.4, linestyle=look.dashed)
    some = slice(1, None, 2 * max(1, len(x) // 10))  # Corners, not what lies between two of them.
    axes.plot(x[some], y[some], color=look.colour, marker=look.marker, markeredgecolor="white", linestyle="none", ms=5)


def draw_known(axes: Axes, known: Array, across: MetricAxis, up: MetricAxis) -> None:
    """Draw the points (k, 2) of a front that is known."""
    axes.plot(across.of(known[:, 0]), up.of(known[:, 1]), ".", color=INK, markersize=1.5, zorder=1.0)


def algorithm_handles(styles: Mapping[str, Style], labels: Mapping[str, str] | None = None) -> list[Artist]:
    """The marks of algorithms in a legend, with texts instead of their names."""
    return [
        Line2D(
            [], [], color=look.colour, linewidth=1.6, marker=look.marker, markeredgecolor="white",
            label=name if labels is None else labels[name],
        )
        for name, look in styles.items()
    ]  # fmt: skip


def known_handle(known: Array) -> list[Artist]:
    """The mark of a known front in a legend, if there is one."""
    handle = Line2D([], [], color=INK, marker=".", markersize=3, linestyle="none", label="known front")
    return [handle] if len(known) else []


def reference_note(metrics: Sequence[Metric]) -> str:
    """Say which values hypervolumes are measured from."""
    return f"Reference of the hypervolume: {', '.join(map(_reference, metrics))}."


def _reference(metric: Metric) -> str:
    value = "" if metric.reference is None else pair_texts(metric.reference, 0.0)[0]
    return f"{metric.name} {value} {metric.unit}".rstrip()

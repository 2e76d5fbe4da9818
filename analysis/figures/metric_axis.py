"""Axes of metrics: linear or logarithmic, in each metric's own direction and unit, for any numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from analysis.figures.magnitude import Magnitude, logarithmic_marks, logarithms, magnitude_of, span
from analysis.figures.panels import name_horizontal, name_vertical
from analysis.loading.metric import Metric
from analysis.statistics.anytime import Array

DECADES = 2.0
"""An axis of positive values that span more of them is logarithmic."""
MARGIN = 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAxis:
    """Where values of a metric are drawn.

    Attributes:
        metric: whose values they are.
        size: the power of ten that they are drawn in; None where decimal logarithms are drawn.
        low: where the axis ends below, as drawn.
        high: and above.
    """

    metric: Metric
    size: Magnitude | None
    low: float
    high: float

    def of(self, values: Iterable[float]) -> Array:
        """Turn values into what is drawn; what lies beyond the ends of the axis is brought near to them."""
        numbers = np.asarray(values, dtype=np.float64)
        room = 9.0 * (self.high - self.low)
        if self.size is None:
            drawn = np.where(numbers > 0.0, logarithms(numbers), self.low - room)
        else:
            with np.errstate(over="ignore"):  # To infinity, and from there near the edge.
                drawn = self.size.of(numbers)
        near: Array = np.clip(drawn, self.low - room, self.high + room)
        return near

    @property
    def worst(self) -> float:
        """The end of the axis at which the worst values are."""
        return self.low if self.metric.maximised else self.high

    def reaches(self, drawn: Array) -> Array:
        """Say of what is drawn whether it is no worse than the worst end."""
        return drawn >= self.low if self.metric.maximised else drawn <= self.high

    def label(self, kind: str) -> str:
        """Name the axis by its metric on some data, with direction and unit."""
        direction = f" ({'higher' if self.metric.maximised else 'lower'} is better)"
        text = f"{self.metric.title(kind)}{direction}{self.metric.in_unit}"
        return text if self.size is None else self.size.label(text)

    def set_horizontal(self, axes: Axes, kind: str, room: float) -> None:
        """Make this the horizontal axis of a panel, with room for its label in inches."""
        axes.set_xlim(self.low, self.high)
        if self.size is None:
            axes.set_xticks(*logarithmic_marks(self.low, self.high))
        name_horizontal(axes, self.label(kind), room)

    def set_vertical(self, axes: Axes, kind: str, room: float) -> None:
        """Make this the vertical axis of a panel, with room for its label in inches."""
        axes.set_ylim(self.low, self.high)
        if self.size is None:
            axes.set_yticks(*logarithmic_marks(self.low, self.high))
        name_vertical(axes, self.label(kind), room)


def metric_axis(metric: Metric, values: Array) -> MetricAxis:
    """Choose the axis for some values of a metric: for those that its reference is worse than, if there are any.

    Args:
        metric: whose values they are.
        values: in its own direction and unit; those that are not finite are left out.
    """
    known = values[np.isfinite(values)]
    if metric.reference is not None:
        inside = metric.own(known) < metric.own(metric.reference)
        known = known[inside] if inside.any() else known
    logs = logarithms(known)
    if len(known) and (known > 0.0).all() and np.ptp(logs) > DECADES:
        low, high = span(float(logs.min()), float(logs.max()), MARGIN)
        return MetricAxis(metric=metric, size=None, low=low, high=high)
    size = magnitude_of(known)
    drawn = size.of(known) if len(known) else np.zeros(1)
    low, high = span(float(drawn.min()), float(drawn.max()), MARGIN)
    return MetricAxis(metric=metric, size=size, low=low, high=high)


def staircase(corners: Array, across: MetricAxis, up: MetricAxis) -> tuple[Array, Array]:
    """The line that separates what some points reach, and all that is worse, from what they do not, as drawn.

    Args:
        corners: (n, 2) points, none of which is better than another in both metrics, in the metrics' own directions.
        across: the horizontal axis.
        up: the vertical axis.

    Returns:
        (2 k + 1,) horizontal and vertical coordinates of the k points that are no worse than the ends of both axes,
        from the worst end of the vertical axis to that of the horizontal one.
    """
    x, y = across.of(corners[:, 0]), up.of(corners[:, 1])
    shown = across.reaches(x) & up.reaches(y)
    x, y = x[shown], y[shown]
    order = np.argsort(-x if across.metric.maximised else x, kind="stable")
    x, y = np.append(x[order], across.worst), np.append(up.worst, y[order])
    return np.repeat(x, 2)[:-1], np.repeat(y, 2)[1:]

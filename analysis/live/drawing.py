"""Draws the anytime curves of an objective as paths of an SVG, in a few milliseconds and without a drawing library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.algorithm_styles import Style
from analysis.live.curves import CellCurves
from analysis.loading.metric import Metric
from analysis.statistics.anytime import Array
from analysis.value_format import number_text

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 40
"""Size of a panel and the margins around its axes, in the units of the SVG."""
TICKS = 5
MOST_UNFINISHED = 60
"""Unfinished runs of a panel that are drawn; more of them hide each other."""
EARLY = 0.1
"""Share of the runtime whose curves do not stretch the axis of errors, which the first trials would fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is drawn of one algorithm.

    Attributes:
        mean: path of the mean; empty where it is undefined.
        band: outline of one standard deviation around it.
        unfinished: paths of unfinished runs.
        runs: which share of the runs the mean is over: `3 of 50 runs`.
        value: the mean at its end.
    """

    name: str
    style: Style
    mean: str
    band: str
    unfinished: str
    runs: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark of an axis: where, and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The curves of an objective.

    Attributes:
        label: what the vertical axis shows.
        unfinished: how many unfinished runs are drawn beside the means.
        cut: whether early errors lie beyond the axis.
    """

    label: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    unfinished: int
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    """A right-continuous step function: times, values in the metric's own direction, standard deviations."""

    t: Array
    value: Array
    std: Array


def draw_panel(cells: Sequence[CellCurves], metric: Metric, kind: str, looks: Mapping[str, Style]) -> Panel:
    """Draw the curves of all algorithms on an objective.

    Args:
        cells: of the objective.
        metric: of its errors.
        kind: "valid" or "test": the data that values are taken on.
        looks: of the algorithms by name.
    """
    means = [_mean(cell, metric, kind) for cell in cells]
    most = max(1, MOST_UNFINISHED // max(len(cells), 1))
    growing = [[_curve(curve.t, getattr(curve, kind), metric) for curve in cell.unfinished[:most]] for cell in cells]
    drawn = [*means, *(steps for several in growing for steps in several)]
    right = max((float(steps.t[-1]) for steps in drawn if len(steps.t)), default=0.0) or 1.0
    low, high, cut = _value_range(drawn, right)
    scale = _Scale(right=right, low=low, high=high)
    return Panel(
        label=metric.label(kind, " of the incumbent"),
        lines=tuple(
            _line(cell, mean, several, looks[cell.algorithm], scale)
            for cell, mean, several in zip(cells, means, growing, strict=True)
        ),
        x_ticks=tuple(Tick(at=float(scale.x(np.array(at))), text=f"{at:g}") for at in nice_ticks(0.0, right)),
        y_ticks=tuple(Tick(at=float(scale.y(np.array(at))), text=f"{at:.6g}") for at in nice_ticks(low, high)),
        unfinished=sum(map(len, growing)),
        cut=cut,
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between two numbers, about `TICKS` of them."""
    rough = (high - low) / TICKS
    if not 0 < rough < math.inf:
        return [low]
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [float(f"{k * step:.12g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Where runtimes and values lie on the panel."""

    right: float
    low: float
    high: float

    def x(self, t: Array) -> Array:
        return np.round(2 * (LEFT + t / self.right * (WIDTH - LEFT - RIGHT))) / 2

    def y(self, value: Array) -> Array:
        share = (value - self.low) / (self.high - self.low)
        return np.round(HEIGHT - BOTTOM - np.clip(share, -0.5, 1.5) * (HEIGHT - TOP - BOTTOM), 1)


def _mean(cell: CellCurves, metric: Metric, kind: str) -> _Steps:
    values = metric.own(getattr(cell.mean, f"{kind}_mean"))
    return _Steps(t=cell.mean.t, value=values, std=getattr(cell.mean, f"{kind}_std"))


def _curve(t: Array, errors: Array, metric: Metric) -> _Steps:
    return _Steps(t=t, value=metric.own(errors), std=np.full(len(t), np.nan))


def _line(cell: CellCurves, mean: _Steps, growing: Sequence[_Steps], style: Style, scale: _Scale) -> Line:
    known = mean.value[np.isfinite(mean.value)]
    return Line(
        name=cell.algorithm,
        style=style,
        mean=_path(mean.t, mean.value, scale),
        band=_band(mean, scale),
        unfinished="".join(_path(steps.t, steps.value, scale) for steps in growing),
        runs=f"{cell.runs} of {cell.planned} runs",
        value=number_text(float(known[-1])) if len(known) else "",
    )


def _value_range(drawn: Sequence[_Steps], right: float) -> tuple[float, float, bool]:
    """Both ends of the axis of values, and whether early values lie beyond it."""
    late: list[float] = []
    whole: list[float] = []
    for steps in drawn:
        values = steps.value[np.isfinite(steps.value)]
        whole += [float(values.min()), float(values.max())] if len(values) else []
        begin = max(int(np.searchsorted(steps.t, EARLY * right, side="right")) - 1, 0)
        values = steps.value[begin:][np.isfinite(steps.value[begin:])]
        late += [float(values.min()), float(values.max())] if len(values) else []
    if not whole:
        return 0.0, 1.0, False
    cut = 0 < max(late, default=0.0) - min(late, default=0.0) < 0.5 * (max(whole) - min(whole))
    low, high = (min(late), max(late)) if cut else (min(whole), max(whole))
    margin = 0.06 * (high - low or abs(high) or 1.0)
    return low - margin, high + margin, cut


def _path(t: Array, values: Array, scale: _Scale) -> str:
    """A step function as a path, with a gap where it is undefined."""
    parts, before = [], math.nan
    for x, y in _points(t, values, scale):
        if math.isnan(y):
            parts.append("" if math.isnan(before) else f"H{x:g}")
        elif math.isnan(before):
            parts.append(f"M{x:g} {y:g}")
        else:
            parts.append(f"H{x:g}" + ("" if y == before else f"V{y:g}"))
        before = y
    return "".join(parts)


def _band(steps: _Steps, scale: _Scale) -> str:
    """The outline of one standard deviation around a mean; empty where it is not defined at the end."""
    known = np.isfinite(steps.value) & np.isfinite(steps.std)
    if not known.any():
        return ""
    t, value, std = steps.t[known], steps.value[known], steps.std[known]
    above = _corners(_points(t, value + std, scale))
    below = _corners(_points(t, value - std, scale))
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in [*above, *reversed(below)]) + "Z"


def _corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of a step function."""
    corners = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        corners += [(x, before), (x, y)]
    return corners


def _points(t: Array, values: Array, scale: _Scale) -> list[tuple[float, float]]:
    """Points on the panel, of those with one place on the horizontal axis the last."""
    x, y = scale.x(t), np.where(np.isfinite(values), scale.y(values), np.nan)
    last = np.append(x[1:] != x[:-1], True)[: len(x)]
    return list(zip(x[last].tolist(), y[last].tolist(), strict=True))

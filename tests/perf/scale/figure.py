"""The figure of the experiment on scale: what was measured, then what is simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, StrMethodFormatter

from analysis.figures.rendering import render
from analysis.figures.theme import MUTED, Style, algorithm_styles, set_title, theme

NAMES = {"loky": "loky", "dask": "Dask", "ray": "Ray", "shards": "shards"}


def draw(report: Mapping[str, Any]) -> bytes:
    """Efficiency by number of workers, measured and simulated; as PNG."""
    with theme():
        figure = Figure(figsize=(10.0, 3.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3, sharey=True)
        _measured(left, report)
        _simulated(middle, report["simulated"], "dask", "one driver (Dask)")
        _simulated(right, report["simulated"], "shards", "shards")
        left.set_ylabel("efficiency without start-up")
        left.set_ylim(0, 1.05)
        set_title(
            figure, "Measured with sleeping trials up to 8 workers; simulated with measured service times up to 64"
        )
        return render(figure, ["png"])["png"]


def _measured(axes: Axes, report: Mapping[str, Any]) -> None:
    looked = algorithm_styles(list(NAMES))
    for backend, look in looked.items():
        rows = [row for row in report["checks"] if row["engine"] == backend]
        workers = [row["workers"] for row in rows]
        axes.plot(workers, [row["efficiency"] for row in rows], look.marker, color=look.colour, label=NAMES[backend])
        axes.plot(workers, [row["predicted_efficiency"] for row in rows], color=look.colour, ls=look.dashed, lw=1)
    seconds = report["naps"]["seconds"]
    _dress(
        axes, f"measured (marks) and predicted (lines),\ntrials of {seconds:g} s on {report['machine']['cores']} cores"
    )


def _simulated(axes: Axes, rows: Sequence[Mapping[str, Any]], style: str, title: str) -> None:
    own = [row for row in rows if row["suite"] == "digits" and row["style"] == style]
    lengths = [length for length in dict.fromkeys(row["trial_seconds"] for row in own) if length != "published"]
    for length, look in _by(lengths).items():
        line = [row for row in own if row["trial_seconds"] == length]
        nodes, values = [row["nodes"] for row in line], [row["efficiency"] for row in line]
        axes.plot(
            nodes, values, look.marker, ls=look.dashed, color=look.colour, lw=1, ms=4, label=f"{length:g} s a trial"
        )
    _dress(axes, f"simulated: {title},\n150 groups in the shape of digits")


def _by(lengths: Sequence[float]) -> dict[float, Style]:
    return dict(zip(lengths, algorithm_styles([str(length) for length in lengths]).values(), strict=True))


def _dress(axes: Axes, title: str) -> None:
    axes.axhline(0.8, color=MUTED, lw=0.8, ls=":")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("workers (nodes)")
    axes.set_title(title, fontsize=8)
    axes.legend(fontsize=7, loc="lower left")

"""How figures look: one theme, one look for each algorithm in all of them, and the same bytes every time."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from analysis.algorithm_styles import Style as Style
from analysis.algorithm_styles import algorithm_styles as algorithm_styles
from analysis.figures.labels import FONT, LINE, MEDIUM, TITLE, fit

FORMATS: Mapping[str, Mapping[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
}
"""Formats written, and the metadata left out of each because it changes with the day or the machine."""

DPI = 150
"""Resolution of the PNG files."""

INK = "#262626"
MUTED = "#6b6b6b"


@contextmanager
def theme() -> Iterator[None]:
    """Matplotlib's settings for our figures, whatever the user's own; restored afterwards."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # Drawn as a box.
        mpl.rcdefaults()
        mpl.rcParams.update(sns.axes_style("ticks") | sns.plotting_context("paper", font_scale=1.0))
        mpl.rcParams.update(
            {
                "font.sans-serif": [FONT],
                "svg.hashsalt": "incumbent",
                "svg.fonttype": "path",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.grid": True,
                "axes.edgecolor": MUTED,
                "axes.linewidth": 0.8,
                "grid.color": "#e3e3e3",
                "grid.linewidth": 0.6,
                "xtick.color": MUTED,
                "ytick.color": MUTED,
                "xtick.labelcolor": INK,
                "ytick.labelcolor": INK,
                "figure.titlesize": 10,
                "legend.frameon": False,
            }
        )
        yield


def render(figure: Figure) -> dict[str, bytes]:
    """The figure's bytes in every format; to be called within `theme`."""
    rendered = {}
    for kind, metadata in FORMATS.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=dict(metadata))
        rendered[kind] = buffer.getvalue()
        figure.set_layout_engine("none")  # laid out by the first; a second pass would cost as much again
    return rendered


def set_title(figure: Figure, text: str) -> None:
    """Put a title over a figure, in as many lines as its width asks for; from the third on it grows for them."""
    title = fit(text, figure.get_figwidth() - 0.3, TITLE)
    figure.suptitle(title, parse_math=False, color=INK)
    figure.set_figheight(figure.get_figheight() + LINE * TITLE * max(title.count("\n") - 1, 0))


def notice_figure(title: str, text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = Figure(figsize=(8.0, 2.4), layout="constrained")
    set_title(figure, title)
    words = fit(text, figure.get_figwidth() - 0.3, MEDIUM)
    figure.set_figheight(figure.get_figheight() + LINE * MEDIUM * words.count("\n"))
    figure.text(0.5, 0.6 / figure.get_figheight(), words, ha="center", va="bottom", color=MUTED, parse_math=False)
    return figure

"""How figures look: one theme, one look for each algorithm in all of them, and the same bytes every time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from analysis.algorithm_styles import Style as Style
from analysis.algorithm_styles import algorithm_styles as algorithm_styles
from analysis.figure_output import PageSize
from analysis.figures.labels import FONT, LINE, MEDIUM, TITLE, fit

INK = "#262626"
MUTED = "#6b6b6b"

_page: ContextVar[PageSize | None] = ContextVar("page", default=None)
"""What figures are drawn for, within `theme`."""


class SuiteFigure(Figure):
    """A figure that knows what is said of it in words.

    Attributes:
        heading: its title, whether it is drawn or not.
        notes: how to read it, likewise.
        marks: what the legend calls its marks and lines.
    """

    heading: str = ""
    notes: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


def begin_figure(width: float, height: float) -> SuiteFigure:
    """Begin a figure whose layout is so many inches wide and high."""
    return SuiteFigure(figsize=(width, height), layout="constrained")


def current_page() -> PageSize | None:
    """What figures are drawn for; None for no page."""
    return _page.get()


def layout_width(usual: float, least: float = 0.0) -> float:
    """Width of a figure in inches, before it is scaled to its page.

    Args:
        usual: where the figure is for no page.
        least: what the figure needs; a page that has less makes its letters smaller.
    """
    page = current_page()
    return usual if page is None else max(page.room, least)


@contextmanager
def theme(page: PageSize | None = None) -> Iterator[None]:
    """Matplotlib's settings for our figures, whatever the user's own; restored afterwards.

    Args:
        page: what they are drawn for.
    """
    before = _page.set(page)
    try:
        with _settings():
            yield
    finally:
        _page.reset(before)


@contextmanager
def _settings() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # Drawn as a box.
        mpl.rcdefaults()
        mpl.rcParams.update(sns.axes_style("ticks") | sns.plotting_context("paper", font_scale=1.0))
        mpl.rcParams.update(
            {
                "font.sans-serif": [FONT],
                "svg.hashsalt": "incumbent",
                "svg.fonttype": "path",
                "pdf.fonttype": 42,  # TrueType, which conferences ask for, and whose text can be searched.
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


def set_title(figure: Figure, text: str) -> None:
    """Put a title over a figure, in as many lines as its width asks for; from the third on it grows for them."""
    if isinstance(figure, SuiteFigure):
        figure.heading = text
    page = current_page()
    if page is not None and not page.titled:
        return
    title = fit(text, figure.get_figwidth() - 0.3, TITLE)
    figure.suptitle(title, parse_math=False, color=INK)
    figure.set_figheight(figure.get_figheight() + LINE * TITLE * max(title.count("\n") - 1, 0))


def notice_figure(title: str, text: str) -> SuiteFigure:
    """A figure that says why there is nothing to draw."""
    figure = begin_figure(layout_width(8.0), 2.4)
    set_title(figure, title)
    figure.notes = (f"Nothing is drawn: {text}.",)
    words = fit(text, figure.get_figwidth() - 0.3, MEDIUM)
    figure.set_figheight(figure.get_figheight() + LINE * MEDIUM * words.count("\n"))
    figure.text(0.5, 0.6 / figure.get_figheight(), words, ha="center", va="bottom", color=MUTED, parse_math=False)
    return figure

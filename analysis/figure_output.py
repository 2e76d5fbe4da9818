"""What figures are written as: the formats of their files, and the page that they are for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.errors import BadInput, nearest_match

FORMATS = ("png", "svg", "pdf")
"""Formats that there are, in the order in which they are written."""
MOST_JOBS = 1024
CAPTION = "txt"
"""Suffix of the file with a figure's caption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSize:
    """The place that figures are drawn for.

    Attributes:
        width: in inches, of every figure.
        height: the most inches that a figure may be high; one that would be higher is drawn smaller.
        letters: size of the letters, as a share of those of figures that are for no page.
        dpi: resolution of PNG files.
        titled: whether the title is drawn, which a paper has in its own caption.
    """

    width: float
    height: float = math.inf
    letters: float
    dpi: int
    titled: bool

    @property
    def room(self) -> float:
        """Width in inches of a figure's layout, which is made with letters of the usual size and scaled afterwards."""
        return self.width / self.letters


SIZES: Mapping[str, PageSize] = {
    "one-column": PageSize(width=3.25, letters=0.875, dpi=300, titled=False),
    "two-column": PageSize(width=6.75, letters=0.875, dpi=300, titled=False),
    "slide": PageSize(width=13.333, height=7.5, letters=1.75, dpi=150, titled=True),
}
"""The columns and the text width of ICML's style (2024), which fit IEEE's of 3.5 and 7.16 inches; a slide of 16 : 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureOutput:
    """How figures are written.

    Attributes:
        formats: of their files, some of `FORMATS`.
        size: a key of `SIZES`; None for figures as wide as what is in them asks for.
    """

    formats: tuple[str, ...] = ("png", "svg")
    size: str | None = None

    @property
    def folder(self) -> str:
        """Where the files are, below the suite's folder."""
        return "figures" if self.size is None else f"figures/{self.size}"

    @property
    def page(self) -> PageSize | None:
        return None if self.size is None else SIZES[self.size]


def parse_output(formats: str | None, size: str | None) -> FigureOutput:
    """What the options `--formats` and `--size` ask for.

    Raises:
        BadInput: a format or a size that there is not.
    """
    if size is not None and size not in SIZES:
        raise BadInput(f"--size {size!r}: not one of {', '.join(SIZES)}{nearest_match(size, SIZES)}")
    if formats is None:
        return FigureOutput(size=size)
    wanted = [name.strip() for name in formats.split(",")]
    for name in wanted:
        if name not in FORMATS:
            near = nearest_match(name.lower(), FORMATS)
            raise BadInput(f"--formats {formats!r}: {name!r} is not one of {', '.join(FORMATS)}{near}")
    return FigureOutput(formats=tuple(name for name in FORMATS if name in wanted), size=size)


def parse_jobs(text: str | None) -> int | None:
    """How many processes `--jobs` asks for; None where it is not given.

    Raises:
        BadInput: no whole number above 0, or more than anybody has.
    """
    if text is None:
        return None
    if (
        not text.isascii()
        or not text.isdigit()
        or not 1 <= int(text[:10]) <= MOST_JOBS
        or len(text) > len(str(MOST_JOBS))
    ):
        raise BadInput(f"--jobs {text!r}: need a whole number in 1..{MOST_JOBS}")
    return int(text)

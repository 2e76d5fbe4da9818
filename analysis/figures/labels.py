"""Texts that fit where they are written: measured, broken into lines, and shortened in the middle at last."""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

FONT = "DejaVu Sans"
"""Comes with matplotlib: the same letters, and the same widths, everywhere."""
SMALL, LEGEND, MEDIUM, TITLE = 8.0, 8.8, 9.6, 10.0
"""Sizes in points that our theme draws names of lanes and panels, legends, labels of axes and titles in."""
LINE = 1.25 / 72
"""Height of a line for each point of its size, in inches."""
ELLIPSIS = "\u2026"
WIDER = 1.04
"""A renderer rounds letters to its pixels, so a text may become so much wider than it was measured."""
PARTS = re.compile(r"[^\s\-_/,;:.]*[\s\-_/,;:.]*")
"""A part of a text that a line is not broken within, with the letters that it may be broken behind."""


@lru_cache(maxsize=20_000)
def width(text: str, size: float) -> float:
    """Width of one line in inches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Letters that the font lacks are drawn as boxes, and measured as such.
        points, _, _ = text_to_path.get_text_width_height_descent(text, FontProperties(FONT, size=size), ismath=False)
    return float(points) * WIDER / 72


def fit(text: str, room: float, size: float, lines: int = 99) -> str:
    """Break a text into lines, and leave letters of its middle out where there would be too many lines.

    Args:
        text: one line or several.
        room: width of a line in inches.
        size: in points.
        lines: at most so many.
    """
    broken, keep = _broken(text, room, size), len(text)
    while len(broken) > lines and keep > 1:
        keep -= max(1, (keep * (len(broken) - lines)) // (8 * len(broken)))
        broken = _broken(f"{text[: math.ceil(keep / 2)]}{ELLIPSIS}{text[len(text) - keep // 2 :]}", room, size)
    return "\n".join(broken)


def fit_all(texts: Sequence[str], room: float, size: float, lines: int) -> list[str]:
    """Fit texts so that those which differ still do: where shortened ones are the same, they are numbered."""
    fitted = [fit(text, room, size, lines) for text in texts]
    alike = Counter(short for _, short in dict.fromkeys(zip(texts, fitted, strict=True)))
    return [
        short if alike[short] == 1 else fit(f"{place}: {text}", room, size, lines)
        for place, (text, short) in enumerate(zip(texts, fitted, strict=True), start=1)
    ]


def height(texts: Sequence[str], size: float) -> float:
    """Height in inches of the highest of some texts."""
    return LINE * size * max((text.count("\n") + 1 for text in texts if text), default=0)


def _broken(text: str, room: float, size: float) -> list[str]:
    return [line.strip() for paragraph in text.split("\n") for line in _lines(paragraph, room, size)]


def _lines(paragraph: str, room: float, size: float) -> Iterator[str]:
    """The lines of a paragraph; a part that is wider than a line is broken between letters."""
    line = ""
    for part in filter(None, PARTS.findall(paragraph)):
        if width((line + part).rstrip(), size) <= room:
            line += part
            continue
        if line:
            yield line
        line = part
        while width(line.rstrip(), size) > room and len(line.rstrip()) > 1:
            count = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or width(line[:n], size) <= room)
            yield line[:count]
            line = line[count:]
    yield line

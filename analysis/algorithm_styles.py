"""The look of every algorithm: colour, marker and dashes, the same in figures, reports and the live page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = (
    *("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc"),
    *("#56b4e9", "#ca9161", "#949494", "#ece133", "#fbafe4"),
)
"""seaborn's colour-blind palette with its pale yellow and pink last, for they are hard to see as lines.

They are written out because seaborn takes longer to import than the live page may take of a run.
"""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h", "p")
DASHES = (
    (4.0, 1.5),
    (1.5, 1.0),
    (6.0, 1.5, 1.5, 1.5),
    (8.0, 2.0),
    (3.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    (2.0, 2.5),
    (5.0, 4.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How one algorithm is drawn, by its place in the plan. Ten colours with eleven markers never repeat together."""

    colour: str
    marker: str
    dashes: tuple[float, ...]

    @property
    def dashed(self) -> tuple[float, tuple[float, ...]]:
        """The dashes as a matplotlib line style."""
        return (0.0, self.dashes)

    @property
    def on_dark(self) -> str:
        """The colour for a dark ground: two fifths of the way to white."""
        parts = (int(self.colour[place : place + 2], 16) for place in (1, 3, 5))
        return "#" + "".join(f"{round(part + 0.4 * (255 - part)):02x}" for part in parts)


def algorithm_styles(algorithms: Sequence[str]) -> dict[str, Style]:
    """The look of every algorithm of a plan."""
    return {
        algorithm: Style(
            colour=COLOURS[place % len(COLOURS)],
            marker=MARKERS[place % len(MARKERS)],
            dashes=DASHES[place % len(DASHES)],
        )
        for place, algorithm in enumerate(algorithms)
    }

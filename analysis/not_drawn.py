"""What could not be made: a table, figure or part of the page that raises takes none of the others down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from benchmark.errors import BadInput, one_line

LONGEST = 300
"""Letters of a reason."""

Made = TypeVar("Made")


class NeedNotDrawn(Exception):
    """Raised where something is needed that could not be made; the text is the reason why that could not be."""


class NotDrawn:
    """Everything that could not be made of a suite, and why.

    Attributes:
        reasons: on one line each, by what is missing: `tables/NAME.csv`, `figures/NAME` without suffix, or
            `report/NAME` for a part of the page; in the order in which it was found.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def attempt(
        self, name: str, make: Callable[[], Made], passing: tuple[type[Exception], ...] = (BadInput,)
    ) -> Made | None:
        """Return what `make` gives; None if it raises, and the reason is kept under the name.

        An interrupt passes through. The exception itself is not kept, for it would keep everything that its frames
        hold in memory.

        Args:
            name: what is to be made.
            make: makes it.
            passing: what passes through besides: bad input, which is refused before anything is written.
        """
        try:
            return make()
        except passing:
            raise
        except NeedNotDrawn as error:
            reason = str(error)
        except (Exception, SystemExit) as error:
            reason = one_line(error)
        self.reasons[name] = reason if len(reason) <= LONGEST else reason[: LONGEST - 1] + "\u2026"
        return None

    def lines(self) -> list[str]:
        """A line for each, as it is printed."""
        return [f"not drawn: {name}: {reason}" for name, reason in self.reasons.items()]

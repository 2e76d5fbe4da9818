"""What a class did against a property, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from benchmark.errors import short_repr


class Violation(Exception):
    """A searcher or scheduler lacks a property; the text says what it did."""


class Difference(Violation):
    """Two searches that have to be the same are not."""


def require(holds: object, did: str) -> None:
    """Raise a violation unless something holds.

    Raises:
        Violation: with what the class did.
    """
    if not holds:
        raise Violation(did)


def require_equal(first: Sequence[Any], second: Sequence[Any], occasion: str) -> None:
    """Raise a violation where two searches differ, with the first proposals that do.

    Args:
        first: what one search proposed.
        second: what the other one proposed.
        occasion: what made the second one different from the first, as "with the same seed".

    Raises:
        Difference: they differ.
    """
    for number, (one, other) in enumerate(zip_longest(first, second, fillvalue="nothing"), start=1):
        if one != other:
            raise Difference(f"proposal {number} was {short_repr(one)}, and {occasion} {short_repr(other)}")

"""The machines that runs were recorded on, and when they may be taken together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput

Card = Mapping[str, Any]

DECIDES_SECONDS = ("cpu", "cores")
"""What else must be the same where seconds were measured."""


def distinct(cards: Iterable[Card]) -> list[Card]:
    """The cards that differ from each other, in the order in which they come."""
    return list({json.dumps(card, sort_keys=True): card for card in cards if card}.values())


def devices(cards: Iterable[Card], clock: str) -> list[str]:
    """The machines that the cards tell apart under a clock, as words."""
    names = ("device", *(DECIDES_SECONDS if clock == "measured" else ()))
    told = (", ".join(f"{name} {card[name]}" for name in names if name in card) for card in cards)
    return list(dict.fromkeys(filter(None, told)))


def check_same_device(folder: Path, cards: Iterable[Card], clock: str) -> None:
    """Refuse results whose errors (last bits) or seconds come from machines that differ.

    Raises:
        BadInput: several devices; under a measured clock, also several processors.
    """
    found = devices(cards, clock)
    if len(found) > 1:
        raise BadInput(
            f"{folder}: its runs were recorded on {len(found)} machines ({'; '.join(found)}), whose errors and seconds "
            "differ; give --mixed to take them together, or run the suite again on one"
        )

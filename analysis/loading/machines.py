"""The machines that runs were recorded on, when they may be taken together, and whose seconds a clock models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput

Card = Mapping[str, Any]

DECIDES_SECONDS = ("cpu", "cores")
"""What else must be the same where seconds were measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whose seconds the modelled clock tells: the cost model's name and the device it was measured on."""

    name: str
    device: str


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


def read_calibration(entry: Any) -> Calibration | None:
    """Read the entry `calibration` of a plan; None where it has none.

    Raises:
        BadInput: no table, or one without the texts name and device.
    """
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise BadInput(f"calibration = {entry!r}: need null, or a table with name and device")
    for key in ("name", "device"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise BadInput(f"calibration.{key} = {entry.get(key)!r}: need some text")
    return Calibration(name=entry["name"], device=entry["device"])

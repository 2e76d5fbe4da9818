"""The resume check: a run continues a ledger only if the recorded header says the same suite, data and machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import short_repr
from benchmark.reproducibility.environment import DECIDES_BITS, SETTINGS_FIELD
from benchmark.storage.budget_change import budget_of, lower_limit
from benchmark.storage.ledger_format import Record

PARTS = ("run", "data", "environment")
"""Tables that every header has."""


class RunRefused(Exception):
    """A recorded run that belongs to another suite, or to another machine."""


def check_header(recorded: Record, expected: Record, path: Path, *, allow_mixed: bool) -> None:
    """Compare a recorded header with that of the run that would continue it.

    Raises:
        RunRefused: another suite, other data, or an environment whose bits may differ.
    """
    damaged = next((part for part in PARTS if not isinstance(recorded.get(part), dict)), None)
    if damaged:
        raise RunRefused(
            f"{path}: its header has {damaged} = {short_repr(recorded.get(damaged))}, need a table; "
            "restore the file, or move it away to train that run again"
        )
    for part in ("run", "data"):
        difference = first_difference(_without_budget(recorded[part]), _without_budget(expected[part]))
        if difference:
            raise RunRefused(
                f"{path}: recorded with another suite: {difference}; "
                "use another --results folder, or delete the old results"
            )
    _check_budget(budget_of(recorded), budget_of(expected), path)
    changed = changed_environment(recorded["environment"], expected["environment"])
    if changed and not allow_mixed:
        raise RunRefused(
            f"{path}: recorded on another machine or library version: {changed}; continuing could mix bits: "
            f"{_recorded_way(recorded['environment'], expected['environment'])}"
            "use another --results folder, or --allow-mixed to continue and mark the runs"
        )


def _recorded_way(recorded: Record, current: Record) -> str:
    """Name the option that repeats the recorded precision of our kernels, or the recorded route, where it changed."""
    before, now = (str(card.get("arithmetic")).partition("-") for card in (recorded, current))
    if before == now:
        return ""
    if before[0] == now[0] == "triton":
        return f"give --precision {before[2]} to repeat what is recorded, or "
    route = str(recorded.get("route", "")).partition("-")[0]
    again = f"give --route {route} to repeat what is recorded, or "
    return "" if route in ("", "alone", "replayed") else again


def _check_budget(recorded: Mapping[str, Any], planned: Mapping[str, Any], path: Path) -> None:
    """Refuse a budget that would cut off what is recorded; a larger one goes on from it."""
    lower = lower_limit(planned, recorded)
    if lower is not None:
        difference = first_difference(recorded.get(lower), planned.get(lower), f"budget.{lower}")
        raise RunRefused(
            f"{path}: recorded with a larger budget: {difference}; a limit may be raised or dropped, "
            "not lowered or added: keep it, or use another --results folder"
        )


def _without_budget(part: Record) -> Record:
    return {name: value for name, value in part.items() if name != "budget"}


def changed_environment(recorded: Record, current: Record) -> str | None:
    """Describe the first difference in what decides a trial's bits; None without one."""
    before, now = ({name: card.get(name) for name in DECIDES_BITS} for card in (recorded, current))
    settings = [card.get(SETTINGS_FIELD) or {} for card in (recorded, current)]
    shared = [name for name in settings[0] if name in settings[1]]  # An earlier version named fewer or none.
    before[SETTINGS_FIELD], now[SETTINGS_FIELD] = ({name: card[name] for name in shared} for card in settings)
    return first_difference(before, now)


def first_difference(recorded: Any, expected: Any, where: str = "") -> str | None:
    """Describe where two JSON values first differ; None where they do not."""
    if isinstance(recorded, dict) and isinstance(expected, dict):
        for key in [*recorded, *(key for key in expected if key not in recorded)]:
            inner = f"{where}.{key}" if where else str(key)
            difference = first_difference(recorded.get(key), expected.get(key), inner)
            if difference:
                return difference
        return None
    return None if recorded == expected else f"{where} was {short_repr(recorded)} and is now {short_repr(expected)}"


FIELD = "sources"
"""Field of the environment with digests of source code; where a ledger has none, its code is unknown, not changed."""


def changed_sources(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Return the names of what has another source in one environment than in the other, as far as both say it."""
    before, now = recorded.get(FIELD) or {}, current.get(FIELD) or {}
    return [name for name in now if name in before and before[name] != now[name]]

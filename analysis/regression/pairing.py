"""Which runs of two suites are held against each other, and what else differs within the pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from analysis.regression.compared_suite import ComparedSuite, RunKey, as_text, digest


def reason_without_partner(old: ComparedSuite, new: ComparedSuite, place: RunKey) -> str | None:
    """Why a run has no partner; None if it has one."""
    for suite, which in ((old, "OLD"), (new, "NEW")):
        state = suite.states.get(place)
        if state is None:
            return f"not planned in {which}"
        if math.isnan(suite.finals[place]):
            return f"{state} in {which}"
    mine, other = old.identities[place], new.identities[place]
    if digest(mine) == digest(other):
        return None
    differing = (key for key in sorted({*mine, *other}) if digest(mine.get(key)) != digest(other.get(key)))
    field = next(differing)
    return f"{field} is {_short(mine.get(field))} in OLD and {_short(other.get(field))} in NEW"


def changed_environment(old: ComparedSuite, new: ComparedSuite, pairs: Sequence[RunKey]) -> dict[str, tuple[str, str]]:
    """Fields of the environment that differ within pairs, with their values in OLD and NEW."""
    found: dict[str, tuple[str, str]] = {}
    for place in pairs:
        mine, other = old.environments[place], new.environments[place]
        for key in (*mine, *(key for key in other if key not in mine)):
            if key not in found and mine.get(key) != other.get(key):
                found[key] = (_short(mine.get(key)), _short(other.get(key)))
    return found


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else as_text(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

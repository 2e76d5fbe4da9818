"""Which runs of two suites are held against each other, and what else differs within the pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.regression.compared_suite import ComparedSuite, RunKey, as_text, digest
from benchmark.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A run without a partner, and why."""

    objective: str
    algorithm: str
    repetition: int
    reason: str


def planned_runs(old: ComparedSuite, new: ComparedSuite) -> list[RunKey]:
    """The runs of either suite, each once."""
    return list(dict.fromkeys([*old.states, *new.states]))


def pair_runs(old: ComparedSuite, new: ComparedSuite) -> tuple[list[RunKey], tuple[Unpaired, ...]]:
    """The runs that both suites have alike, and why the others have no partner.

    Raises:
        BadInput: not a single pair.
    """
    places = planned_runs(old, new)
    reasons = {place: reason_without_partner(old, new, place) for place in places}
    pairs = [place for place in places if reasons[place] is None]
    unpaired = tuple(
        Unpaired(objective=place[0], algorithm=place[1], repetition=place[2], reason=reason)
        for place, reason in reasons.items()
        if reason is not None
    )
    if not pairs:
        raise BadInput(
            f"{old.folder} and {new.folder}: no run of one has its like in the other; "
            f"of {'/'.join(map(str, places[0]))}: {unpaired[0].reason}"
        )
    return pairs, unpaired


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

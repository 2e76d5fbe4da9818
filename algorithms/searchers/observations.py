"""The data of a model-based searcher: pending proposals, and results by fidelity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.space import FIDELITY, Config, Space

Outcomes = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Results at one fidelity, in the order of their arrival.

    Attributes:
        points: (n, d), places in the unit cube; an inactive hyperparameter is at 0.5.
        active: (n, d), whether the hyperparameter counts in that configuration.
        errors: (n,), +inf where training crashed.
        outcomes: (n, k), what else each was remembered with; k is 0 for searchers that look at errors alone.
    """

    points: np.ndarray
    active: np.ndarray
    errors: np.ndarray
    outcomes: np.ndarray


class Observations:
    """Proposals and results of one search.

    A result belongs to the fidelity that its configuration's `max_epochs` says; without that key its
    training went to the end, which is above every number. A proposal is pending until its first result.

    Args:
        space: the configurations' space; results are kept as places in its unit cube.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.names = space, list(space)
        self.pending: list[tuple[float, ...]] = []
        self.known: set[tuple[float, ...]] = set()
        self._rows: dict[float, list[tuple[tuple[float, ...], tuple[bool, ...], float, Outcomes]]] = {}

    def propose(self, config: Config) -> None:
        """Remember a proposal as pending."""
        place = self.place(config)
        self.pending.append(place)
        self.known.add(place)

    def tell(self, config: Mapping[str, Any], error: float, outcomes: Outcomes = ()) -> None:
        """Add a result, always with as many further outcomes; a configuration may come back at several fidelities."""
        place = self.place(config)
        active = tuple(name in config for name in self.names)
        self._rows.setdefault(config.get(FIDELITY, math.inf), []).append((place, active, error, outcomes))
        self.known.add(place)
        if place in self.pending:
            self.pending.remove(place)

    def place(self, config: Mapping[str, Any]) -> tuple[float, ...]:
        """The configuration's point in the unit cube as a key: equal for equal configurations."""
        return tuple(self.space.encode(config).tolist())

    def largest(self, enough: int) -> Results | None:
        """Return the results at the largest fidelity that has at least `enough` of them, or None.

        Source: Falkner, Klein and Hutter (2018), section 4.1, "the KDE for the largest budget for
        which enough observations are available".
        """
        fidelities = [fidelity for fidelity, rows in self._rows.items() if len(rows) >= enough]
        if not fidelities:
            return None
        places, active, errors, outcomes = zip(*self._rows[max(fidelities)], strict=True)
        return Results(
            points=np.array(places),
            active=np.array(active),
            errors=np.array(errors, dtype=float),
            outcomes=np.array(outcomes, dtype=float),
        )

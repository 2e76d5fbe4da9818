"""Any objective on a finite grid of its space, so that every trial of it can be known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from objectives.derived.derived import Derived
from objectives.objective import checked_default
from objectives.space import Config, Space


@dataclass(frozen=True, kw_only=True)
class Discretised(Derived):
    """Restricts an objective to `levels` values of every number, evenly spread in probability.

    A configuration of the grid trains exactly as it does without: it is a configuration of the
    whole space too. The default is the nearest point of the grid.
    """

    levels: int

    @cached_property
    def space(self) -> Space:
        return self.inner.space.discretised(self.levels)

    @property
    def default(self) -> Config | None:
        default = checked_default(self.inner)
        return None if default is None else self.space.decode(self.inner.space.encode(default))

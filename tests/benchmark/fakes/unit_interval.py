"""What toy objectives have in common: one hyperparameter between 0 and 1, two epochs, and no data."""

from dataclasses import dataclass

from scipy import stats

from objectives.objective import Machine, Objective
from objectives.space import Config, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInterval(Objective):
    """An objective on the line from 0 to 1, but for how it trains."""

    @property
    def space(self) -> Space:
        return Space({"x": stats.uniform(0, 1)})

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return 2

    @property
    def chance_error(self) -> float:
        return 1.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

"""What objectives that a formula computes have in common.

They mimic training: a value falls towards f(x) from above over the epochs, and noise, where asked
for, is one Gaussian draw per value, epoch and trial. The test value is f(x) itself, so a report can
be checked against the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from objectives.native_value import require_int
from objectives.objective import MOST_EPOCHS, Machine, Objective
from objectives.space import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula(Objective):
    """An objective whose outcomes are a formula of the configuration.

    Args:
        noise: standard deviation of the Gaussian noise on the validation values.
        epochs: epochs of a full training; after epoch e of E the bias is (1/e - 1/E) * scale.
    """

    noise: float = 0.0
    epochs: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.noise, bool) or not isinstance(self.noise, int | float) or not 0 <= self.noise < math.inf:
            raise ValueError(f"noise = {self.noise!r}: need a number >= 0")
        require_int("epochs", self.epochs, 1, MOST_EPOCHS)

    def bias(self, epoch: int) -> float:
        """Return the share of the scale by which a trial is above its value after an epoch; 0 after the last."""
        return 1 / epoch - 1 / self.epochs

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return self.epochs

    @property
    def nominal_seconds(self) -> float:
        """One second, by declaration: a formula's microseconds would say nothing about training."""
        return 1.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

"""The box that hypervolumes are measured in: from the ideal to the reference point, both declared, never observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

SHARE = 0.25
"""What values are multiplied by before they are subtracted, so that differences of the largest doubles are doubles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a hypervolume is measured; all metrics are minimised.

    Attributes:
        reference: the worst value of each metric that counts.
        ideal: the best that there can be; None where one metric declares none: volumes are in plain units then.
    """

    reference: tuple[float, ...]
    ideal: tuple[float, ...] | None = None

    def scaled(self, points: Array) -> Array:
        """Points in coordinates in which the reference is 1 everywhere and the ideal 0; in plain units without one.

        Args:
            points: (n, metrics).
        """
        if self.ideal is None:
            return points
        low, high = SHARE * np.array(self.ideal), SHARE * np.array(self.reference)
        return np.asarray((SHARE * points - low) / (high - low))

    @property
    def corner(self) -> Array:
        """(metrics,) the reference in the coordinates of `scaled`."""
        return np.array(self.reference) if self.ideal is None else np.ones(len(self.reference))

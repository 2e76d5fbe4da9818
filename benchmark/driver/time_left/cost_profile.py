"""What the runs of a cell cost along their budget, learnt from those that have recorded something."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from benchmark.driver.time_left.run_work import BINS, Step

UNSEEN_ERROR = 0.5
"""Relative standard error of the cost of what is extrapolated from earlier parts of the budget."""

FIRST_ERROR = 0.2
"""Likewise of the mean of a single group of runs."""

LARGEST_ERROR = 1.0


@dataclass(slots=True)
class CostProfile:
    """Costs by part of the budget, sums over all runs of a cell.

    Attributes:
        shares: of their budgets, that the runs have spent in every part.
        decide: real seconds of deciding.
        train: real seconds of training.
        evaluations: how many of them.
        charged: seconds on the runs' clocks, over all parts.
        ends: shares at which runs have ended by themselves.
        batches: real seconds and shares of every group of runs.
    """

    shares: list[float] = field(default_factory=lambda: [0.0] * BINS)
    decide: list[float] = field(default_factory=lambda: [0.0] * BINS)
    train: list[float] = field(default_factory=lambda: [0.0] * BINS)
    evaluations: list[float] = field(default_factory=lambda: [0.0] * BINS)
    charged: float = 0.0
    ends: list[float] = field(default_factory=list)
    batches: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, step: Step, batch: int) -> None:
        """Spread what evaluations took over the parts of the budget that they spent.

        Args:
            step: the evaluations.
            batch: tells apart the groups of runs that are executed together, under the same conditions.
        """
        self.charged += step.charged
        width = step.end - step.start
        for part, covered in _parts(step.start, step.end):
            weight = covered / width if width > 0 else 1.0
            self.shares[part] += covered
            self.decide[part] += weight * step.decide
            self.train[part] += weight * step.train
            self.evaluations[part] += weight * step.evaluations
        cost, share = self.batches.get(batch, (0.0, 0.0))
        self.batches[batch] = cost + step.decide + step.train, share + width

    @property
    def spent(self) -> float:
        """Budgets' worth of work that is recorded."""
        return math.fsum(self.shares)

    @property
    def per_evaluation(self) -> float:
        """Real seconds of an evaluation, in the mean."""
        evaluations = math.fsum(self.evaluations)
        return (math.fsum(self.decide) + math.fsum(self.train)) / evaluations if evaluations else 0.0

    @property
    def end(self) -> float:
        """The share of the budget at which runs end: less than all of it where configurations run out."""
        return sum(self.ends) / len(self.ends) if self.ends else 1.0

    def rest(self, share: float, per_evaluation: float = 0.0) -> tuple[float, float]:
        """Estimate the real seconds of a run from a share of its budget to its end.

        Args:
            share: already spent.
            per_evaluation: real seconds of an evaluation besides deciding and training.

        Returns:
            The estimate, and how much of it is extrapolated to parts that no run has come to.
        """
        costs, seen = self._densities(per_evaluation)
        total = unseen = 0.0
        for part, width in _parts(share, self.end):
            total += costs[part] * width
            unseen += 0.0 if seen[part] else costs[part] * width
        return total, unseen

    def charge(self, prior: float) -> float:
        """Estimate the charged seconds of a whole run; before anything is recorded, the forecast."""
        return self.amount(self.charged, prior)

    def amount(self, recorded: float, prior: float) -> float:
        """Estimate what a whole run comes to.

        Args:
            recorded: what all runs have come to so far.
            prior: the forecast, which counts as half a run.
        """
        return (prior / 2 + recorded) / (0.5 + self.spent)

    def relative_error(self, left: float) -> float:
        """Estimate the standard error of what the rest costs, from how much the groups of runs so far differ.

        Args:
            left: budgets' worth of work, in groups that differ as much.
        """
        rates = [cost / share for cost, share in self.batches.values() if share > 0]
        mean = sum(rates) / len(rates) if rates else 0.0
        if len(rates) < 2 or mean <= 0:
            return FIRST_ERROR
        deviation = math.sqrt(sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1))
        groups_left = max(1.0, left * len(rates) / self.spent)
        return min(LARGEST_ERROR, deviation / mean * math.sqrt(1 / len(rates) + 1 / groups_left))

    def _densities(self, per_evaluation: float) -> tuple[list[float], list[bool]]:
        """Costs of a budget's worth in every part, and whether some run has come to it.

        Training goes on as it did in the mean, deciding along a straight line.
        """
        seen = [share > 0.25 / BINS for share in self.shares]
        train = _continued(
            [a + per_evaluation * n for a, n in zip(self.train, self.evaluations, strict=True)], self.shares, seen
        )
        decide = _extended(self.decide, self.shares, seen)
        return [a + b for a, b in zip(train, decide, strict=True)], seen


def _parts(start: float, end: float) -> list[tuple[int, float]]:
    """The parts of the budget between two shares, each with what is covered of it; the one at `start` at least."""
    first, last = min(BINS - 1, int(start * BINS)), min(BINS - 1, int(end * BINS))
    covered = [
        (part, min(end, (part + 1) / BINS) - max(start, part / BINS)) for part in range(first, max(first, last) + 1)
    ]
    return [(part, width) for part, width in covered if width > 0] or [(first, 0.0)]


def _continued(sums: list[float], shares: list[float], seen: list[bool]) -> list[float]:
    """Cost densities; the mean where nothing was seen."""
    known = [index for index in range(BINS) if seen[index]] or list(range(BINS))
    total = sum(shares[index] for index in known)
    mean = sum(sums[index] for index in known) / total if total > 0 else 0.0
    return [sums[index] / shares[index] if seen[index] else mean for index in range(BINS)]


def _extended(sums: list[float], shares: list[float], seen: list[bool]) -> list[float]:
    """Cost densities; where nothing was seen the straight line through what was, never falling."""
    known = [(index, sums[index] / shares[index], shares[index]) for index in range(BINS) if seen[index]]
    if len(known) < 2:
        return _continued(sums, shares, seen)
    weight = sum(w for _, _, w in known)
    x_mean, y_mean = sum(w * x for x, _, w in known) / weight, sum(w * y for _, y, w in known) / weight
    spread = sum(w * (x - x_mean) ** 2 for x, _, w in known)
    slope = max(0.0, sum(w * (x - x_mean) * (y - y_mean) for x, y, w in known) / spread)
    return [sums[index] / shares[index] if seen[index] else y_mean + slope * (index - x_mean) for index in range(BINS)]

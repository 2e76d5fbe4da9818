"""Bayesian optimization that weighs improvement against what a trial costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from algorithms.searchers.expected_improvement import NoisyExpectedImprovement
from algorithms.searchers.gaussian_process import outcomes
from algorithms.searchers.model_search import Acquisition, ModelSearch
from algorithms.searchers.observations import Results
from algorithms.searchers.surrogate import Surrogate, torch
from objectives.space import Config, Space

VARIANTS = ("per_second", "cooling")


class CostAware(ModelSearch):
    """Random search at first; then the maximum of log EI(x) - alpha * log c(x).

    EI is the noisy expected improvement of our `gp`; log c is the mean of a Gaussian process of the same
    kind of the logarithms of the seconds charged, in which crashed trials count too. `per_second` has
    alpha = 1: improvement per second (Snoek et al., 2012, section 3.2). `cooling` has alpha fall from 1 to
    0, in proportion to what is left of `total_seconds` since the first proposal of the model (Lee et al.,
    2020, section 3.2): cheap trials first, and the best one in the end, whatever it costs.

    Differs from the papers: initial proposals are random, not cost-effective ones; while no result has said
    its seconds, trials are taken to cost the same.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.
        variant: "per_second" or "cooling".
        total_seconds: the budget that `cooling` counts on, charged seconds of all trials together.

    Raises:
        ValueError: a parameter outside these, `cooling` without `total_seconds`, or these without `cooling`.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        num_init_random: int = 5,
        variant: str = "per_second",
        total_seconds: float | None = None,
    ) -> None:
        super().__init__(config_space, rng=rng, initial_config=initial_config, num_init_random=num_init_random)
        if variant not in VARIANTS:
            raise ValueError(f"variant = {variant!r}: need one of {', '.join(VARIANTS)}")
        if (variant == "cooling") != (total_seconds is not None):
            raise ValueError(f"total_seconds = {total_seconds!r}: goes with variant = 'cooling', which needs it")
        is_number = isinstance(total_seconds, int | float) and not isinstance(total_seconds, bool)
        if total_seconds is not None and not (is_number and 0 < total_seconds < math.inf):
            raise ValueError(f"total_seconds = {total_seconds!r}: need a number above 0")
        self.total_seconds = total_seconds
        self.errors, self.costs = Surrogate(), Surrogate()
        self.spent = 0.0
        self.spent_at_random: float | None = None

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        super().update(config, error, additional_info)
        self.spent += _seconds(additional_info) or 0.0

    def _outcomes(self, error: float, info: Any) -> tuple[float, ...]:
        seconds = _seconds(info)
        return (math.nan if seconds is None else math.log(seconds),)

    def _ranked(self, results: Results) -> Results:
        return results

    def _acquisition(self, results: Results, seed: int) -> Acquisition:
        inputs, targets = self._features(results.points), torch.from_numpy(outcomes(results.errors))
        model = self.errors.model(inputs, targets, refit=self.stale)
        weight, costs = self._exponent(), self._log_costs(inputs, results.outcomes[:, 0])
        self.stale = False
        with torch.no_grad():
            improvement = NoisyExpectedImprovement(model, inputs, targets, self._pending(), seed)
        return lambda places: improvement(places) - weight * costs(places)

    def _exponent(self) -> float:
        """Return alpha, what costs are weighed with."""
        if self.total_seconds is None:
            return 1.0
        if self.spent_at_random is None:
            self.spent_at_random = self.spent
        left, first = self.total_seconds - self.spent, self.total_seconds - self.spent_at_random
        return max(0.0, left / first) if first > 0 else 0.0

    def _log_costs(self, inputs: torch.Tensor, logarithms: np.ndarray) -> Acquisition:
        """Fit a model to the logarithms of seconds, (n,) with NaN where unknown; return its mean, up to a constant."""
        finite = np.isfinite(logarithms)
        deviation = logarithms[finite].std() if finite.any() else 0.0
        if not deviation > 0:
            return lambda places: torch.zeros(len(places), dtype=torch.float64)
        targets = torch.from_numpy((logarithms[finite] - logarithms[finite].mean()) / deviation)
        model = self.costs.model(inputs[torch.from_numpy(finite)], targets, refit=self.stale)
        model.eval().requires_grad_(False)
        return lambda places: deviation * model.posterior(places).mean[:, 0]


def _seconds(info: Any) -> float | None:
    """Return the seconds charged for a result; None where it does not say or they are none."""
    seconds = info.get("seconds") if isinstance(info, Mapping) else None
    return seconds if isinstance(seconds, int | float) and 0 < seconds < math.inf else None

"""ParEGO (Knowles, 2006): one metric at a time, of randomly weighted ones, for a Gaussian process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from algorithms.multi_objective.task_values import read_outcome, require_metrics, total_violations
from algorithms.searchers.expected_improvement import NoisyExpectedImprovement
from algorithms.searchers.gaussian_process import outcomes
from algorithms.searchers.model_search import Acquisition, ModelSearch
from algorithms.searchers.observations import Results
from algorithms.searchers.surrogate import Surrogate, torch
from objectives.space import Config, Space
from objectives.task import Task

RHO = 0.05
"""Weight of the sum beside the maximum (equation 2)."""


class ParEGO(ModelSearch):
    """Random search at first; then noisy expected improvement of a randomly weighted maximum of all metrics.

    Every proposal draws weights and makes of the errors of a trial one number, the augmented Chebyshev
    function of equation 2; model and acquisition are those of our `gp`.

    Differs from the paper: weights are drawn evenly from the simplex, not from a lattice in it, as there
    are ever more proposals than lattice points; each metric's scale is from its least value so far to its
    greatest, or to its reference where that is less; improvement is that of noisy results, and the model
    knows all of them at once. The paper has no constraints: here a trial that violates one is worth the
    worst of the feasible ones and what it is beyond the bounds (Deb, 2000).

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        task: two metrics or more, with or without constraints.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.

    Raises:
        ValueError: less than two metrics, or a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        task: Task,
        initial_config: Config | None = None,
        num_init_random: int = 5,
    ) -> None:
        require_metrics("parego", task, 2)
        super().__init__(config_space, rng=rng, initial_config=initial_config, num_init_random=num_init_random)
        self.task, self.count = task, len(task.optimised)
        self.surrogate = Surrogate()

    def _outcomes(self, error: float, info: Any) -> tuple[float, ...]:
        errors, beyond = read_outcome(self.task, error, info)
        return (*errors, *beyond)

    def _ranked(self, results: Results) -> Results:
        errors, amounts = np.split(results.outcomes, [self.count], axis=1)
        weights = self.rng.dirichlet(np.ones(self.count))
        scaled = normalise(errors, np.array(self.task.references))
        return replace(results, errors=penalise(scalarise(scaled, weights), total_violations(amounts)))

    def _acquisition(self, results: Results, seed: int) -> Acquisition:
        inputs, targets = self._features(results.points), torch.from_numpy(outcomes(results.errors))
        model = self.surrogate.model(inputs, targets)
        with torch.no_grad():
            return NoisyExpectedImprovement(model, inputs, targets, self._pending(), seed)


def normalise(errors: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Map errors (n, m) so that 0 is the least of each metric and 1 its greatest, or its reference if less."""
    finite = np.isfinite(errors)
    least = np.where(finite, errors, np.inf).min(axis=0)
    greatest = np.where(finite, errors, -np.inf).max(axis=0)
    top = np.where(references > least, np.minimum(greatest, references), greatest)
    with np.errstate(invalid="ignore"):
        scaled = (errors - least) / np.where(np.isfinite(top - least) & (top > least), top - least, 1.0)
    return np.where(finite, scaled, np.inf)


def scalarise(scaled: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The augmented Chebyshev function of normalised errors, (n,): max_j w_j f_j + rho * sum_j w_j f_j."""
    finite = np.isfinite(scaled).all(axis=1)
    weighted = weights * np.where(finite[:, None], scaled, 0.0)
    return np.where(finite, weighted.max(axis=1) + RHO * weighted.sum(axis=1), np.inf)


def penalise(errors: np.ndarray, violations: np.ndarray) -> np.ndarray:
    """Make errors (n,) of trials that violate a constraint worse than all others, by how much they do."""
    feasible = violations == 0
    worst = errors[feasible & np.isfinite(errors)].max(initial=0.0)
    return np.where(feasible, errors, np.where(np.isfinite(errors), worst + violations, np.inf))

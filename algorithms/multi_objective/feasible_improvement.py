"""Bayesian optimization under constraints by noisy expected improvement (Letham et al., 2019)."""

from __future__ import annotations

import numpy as np

from algorithms.multi_objective.feasibility import feasibility
from algorithms.multi_objective.task_search import TaskSearch
from algorithms.multi_objective.task_values import require_constraints, require_metrics
from algorithms.searchers.model_search import Acquisition
from algorithms.searchers.observations import Results
from algorithms.searchers.surrogate import botorch, torch
from objectives.space import Config, Space
from objectives.task import Task

DRAWS = 64
"""Joint draws of the values behind the results."""


class FeasibleImprovement(TaskSearch):
    """qLogNEI: random search at first; then the maximum of noisy expected improvement among what is feasible.

    The acquisition function is BoTorch's, on a logarithmic scale (Ament et al., 2023), with pending
    proposals. Improvement is over the best that is feasible in a draw, and counts with the probability that
    the constraints hold. The metric and every bound have independent models, fitted as those of our `gp`.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        task: one metric and one constraint or more.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.

    Raises:
        ValueError: another number of metrics, no constraints, or a parameter outside these.
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
        require_metrics("qlognei", task, 1, 1)
        require_constraints("qlognei", task, instead="gp")
        super().__init__(
            config_space, rng=rng, task=task, initial_config=initial_config, num_init_random=num_init_random
        )

    def _acquisition(self, results: Results, seed: int) -> Acquisition:
        inputs, columns = self._features(results.points), self._standardised(results)
        pending = self._pending()
        first = torch.zeros(len(columns), dtype=torch.float64)
        first[0] = 1.0
        model = self._model(inputs, columns)
        with torch.no_grad():
            acquisition = botorch.acquisition.qLogNoisyExpectedImprovement(
                model,
                X_baseline=inputs,
                sampler=botorch.sampling.SobolQMCNormalSampler(torch.Size([DRAWS]), seed=seed),
                objective=botorch.acquisition.LinearMCObjective(first),
                constraints=feasibility(columns, self.count),
                X_pending=pending if len(pending) else None,
                prune_baseline=False,
            )
        return lambda places: acquisition(places[:, None])  # One place at a time: q = 1.

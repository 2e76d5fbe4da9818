"""Bayesian optimization of several metrics by noisy expected hypervolume improvement (Daulton et al., 2021)."""

from __future__ import annotations

import numpy as np

from algorithms.multi_objective.feasibility import feasibility
from algorithms.multi_objective.task_search import TaskSearch
from algorithms.multi_objective.task_values import require_metrics
from algorithms.searchers.model_search import Acquisition
from algorithms.searchers.observations import Results
from algorithms.searchers.surrogate import botorch, torch
from objectives.space import Config, Space
from objectives.task import Task

logei = botorch.acquisition.multi_objective.logei
logei._load_attempted = True
"""BoTorch compiles a kernel at first use where it finds a compiler: its last digits would depend on that."""

DRAWS = {2: 32, 3: 16, 4: 8}
"""Joint draws of the values behind the results, each with a front of its own."""

MOST_METRICS = 4
"""With more, the boxes between fronts and reference are too many to be exact about."""


class HypervolumeImprovement(TaskSearch):
    """qLogNEHVI: random search at first; then the maximum of noisy expected hypervolume improvement.

    The acquisition function is BoTorch's, on a logarithmic scale (Ament et al., 2023), with the reference
    point that the task declares, pending proposals, and the probability that the constraints hold, if there
    are some. Metrics and constraints have independent models, fitted as those of our `gp`.

    Values beyond the reference are clipped as errors of `gp` are; crashed trials, and metrics that were not
    measured, are at the ceiling.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        task: two to four metrics, with or without constraints.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.

    Raises:
        ValueError: another number of metrics, or a parameter outside these.
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
        require_metrics("qlognehvi", task, 2, MOST_METRICS)
        super().__init__(
            config_space, rng=rng, task=task, initial_config=initial_config, num_init_random=num_init_random
        )

    def _acquisition(self, results: Results, seed: int) -> Acquisition:
        inputs, columns = self._features(results.points), self._standardised(results)
        pending = self._pending()
        declared = (value for value in self.task.references if value is not None)  # All are, of several metrics.
        references = [column.of(value) for column, value in zip(columns, declared, strict=False)]
        model = self._model(inputs, columns)
        with torch.no_grad():
            acquisition = logei.qLogNoisyExpectedHypervolumeImprovement(
                model,
                ref_point=references,
                X_baseline=inputs,
                sampler=botorch.sampling.SobolQMCNormalSampler(torch.Size([DRAWS[self.count]]), seed=seed),
                objective=botorch.acquisition.multi_objective.IdentityMCMultiOutputObjective(
                    outcomes=list(range(self.count))
                ),
                constraints=feasibility(columns, self.count),
                X_pending=pending if len(pending) else None,
            )
        return lambda places: acquisition(places[:, None])  # One place at a time: q = 1.

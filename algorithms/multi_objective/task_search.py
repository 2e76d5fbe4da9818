"""Search by models for tasks of several metrics or constraints: what is remembered, ranked and modelled."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from algorithms.multi_objective.ranking import rank
from algorithms.multi_objective.task_values import read_outcome
from algorithms.searchers.gaussian_process import CEILING
from algorithms.searchers.model_search import ModelSearch
from algorithms.searchers.observations import Results
from algorithms.searchers.surrogate import BotorchWarning, NumericalWarning, Surrogate, botorch, torch
from objectives.space import Config, Space
from objectives.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardised:
    """One outcome's values as a model has them: negated, clipped, of mean 0 and standard deviation 1.

    Attributes:
        targets: (n,).
        mean: of the clipped values.
        deviation: of the clipped values.
    """

    targets: torch.Tensor
    mean: float
    deviation: float

    def of(self, value: float) -> float:
        """Turn a value into the target that it would have."""
        return (self.mean - value) / self.deviation


def standardise(values: np.ndarray, bound: float | None) -> Standardised:
    """Standardise values (n,), at least one finite, of which everything up to `bound` has to be told apart.

    What is beyond both the bound and `CEILING` median distances from the least is clipped, since how bad it
    is says nothing about where the good ones are; so is what was not measured (+inf).
    """
    least = values.min()
    distances = (values - least)[np.isfinite(values) & (values > least)]
    ceiling = least + CEILING * (np.median(distances) if len(distances) else 1.0)
    clipped = np.minimum(values, ceiling if bound is None else max(bound, ceiling))
    deviation = float(clipped.std()) or 1.0
    mean = float(clipped.mean())
    return Standardised(targets=torch.from_numpy((mean - clipped) / deviation), mean=mean, deviation=deviation)


class TaskSearch(ModelSearch):
    """A search by one Gaussian process for each optimised metric and each bound of a constraint.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        task: the metrics and constraints.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        task: Task,
        initial_config: Config | None,
        num_init_random: int,
    ) -> None:
        super().__init__(config_space, rng=rng, initial_config=initial_config, num_init_random=num_init_random)
        self.task, self.count = task, len(task.optimised)
        self.surrogates: dict[int, Surrogate] = {}

    def _propose(self) -> Config | None:
        with warnings.catch_warnings():
            # Said where a covariance is made regular, and where nothing was feasible yet.
            warnings.simplefilter("ignore", NumericalWarning)
            warnings.simplefilter("ignore", BotorchWarning)
            return super()._propose()

    def _outcomes(self, error: float, info: Any) -> tuple[float, ...]:
        errors, beyond = read_outcome(self.task, error, info)
        return (*errors, *beyond)

    def _ranked(self, results: Results) -> Results:
        """Give every trial its place in the ranking as error, and +inf where a metric was not measured."""
        errors, amounts = np.split(results.outcomes, [self.count], axis=1)
        places = np.empty(len(errors))
        places[rank(errors, amounts)] = np.arange(len(errors))
        return replace(results, errors=np.where(np.isfinite(errors).all(axis=1), places, np.inf))

    def _standardised(self, results: Results) -> list[Standardised]:
        """Standardise every metric and every excess that was ever measured, in this order."""
        errors, amounts = np.split(results.outcomes.T, [self.count])
        columns = [standardise(*each) for each in zip(errors, self.task.references, strict=True)]
        finite = [each for each in amounts if np.isfinite(each).any()]
        return [*columns, *(standardise(each, max(0.0, -each.min())) for each in finite)]

    def _model(self, inputs: torch.Tensor, columns: list[Standardised]) -> botorch.models.ModelListGP:
        """Fit independent models to the columns."""
        models = []
        for position, column in enumerate(columns):
            surrogate = self.surrogates.setdefault(position, Surrogate())
            models.append(surrogate.model(inputs, column.targets, refit=self.stale))
        self.stale = False
        return botorch.models.ModelListGP(*models).eval().requires_grad_(False)

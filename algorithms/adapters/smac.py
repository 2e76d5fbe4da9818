"""SMAC3 as a searcher: expected improvement with a random forest or a Gaussian process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from algorithms.adapters.smac_engine import MOST_TRIALS, SmacEngine, option_unless_none, require_one_of
from algorithms.interop.containment import without_side_effects
from algorithms.interop.pending import PendingTrials
from algorithms.multi_objective.task_values import read_outcome, refuse_constraints, require_metrics
from algorithms.option_checks import require_int
from objectives.metric import Metric
from objectives.space import Config, Space
from objectives.task import Task

with without_side_effects():
    from smac import (
        BlackBoxFacade,
        HyperparameterOptimizationFacade,
        RandomFacade,
    )
    from smac.facade.abstract_facade import AbstractFacade
    from smac.intensifier.intensifier import Intensifier

    from algorithms.interop.configspace import Declaration

FACADES: Mapping[str, type[AbstractFacade]] = {
    "hyperparameter_optimization": HyperparameterOptimizationFacade,
    "blackbox": BlackBoxFacade,
    "random": RandomFacade,
}


class Smac:
    """SMAC3 (Lindauer et al., JMLR 2022) by ask and tell; every configuration is tried once.

    SMAC spends a share of its trials on an initial design (Sobol, the default configuration first),
    then fits its model and proposes `retrain_after` configurations from it, some of them random. It
    never proposes a configuration twice: a small space is exhausted. Outstanding proposals are not
    proposed again, but its models do not see them. Of a trial it learns the first result.

    With `multi_objective` it is told all metrics, and before every fit makes one of them with new random
    weights (its ParEGO, with the same augmented Chebyshev function as ours); otherwise it learns the first.

    Args:
        config_space: the space, conditions included.
        rng: gives SMAC's seed.
        initial_config: the first configuration of the initial design.
        facade: "hyperparameter_optimization" (random forest), "blackbox" (Gaussian process), "random".
        n_trials: the trials that SMAC counts on: its initial design has at most a quarter of them.
        n_initial: configurations of the initial design, the default not counted; None: the facade's
            10 (random forest) or 8 (Gaussian process) per hyperparameter. Not for "random".
        retrain_after: proposals from one fit; None: the facade's 8 (random forest), 1 (Gaussian process).
        multi_objective: tell SMAC all metrics: two or more, without constraints.
        task: the metrics and constraints; needed with `multi_objective`.

    Raises:
        ValueError: a parameter outside these, or a task of one metric or with constraints for `multi_objective`.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        facade: str = "hyperparameter_optimization",
        n_trials: int = 100,
        n_initial: int | None = None,
        retrain_after: int | None = None,
        multi_objective: bool = False,
        task: Task | None = None,
    ) -> None:
        self.task = _task_of(multi_objective, task)
        require_one_of("facade", facade, FACADES)
        require_int("n_trials", n_trials, 4, MOST_TRIALS)
        if facade == "random" and n_initial is not None:
            raise ValueError(f"n_initial = {n_initial!r}: the facade 'random' has no initial design to size")
        self.declaration = Declaration(config_space, initial_config)
        self.default = None if initial_config is None else dict(initial_config)
        self.pending = PendingTrials()
        self.engine: SmacEngine | None = None
        if self.declaration.names:
            self.engine = SmacEngine(
                FACADES[facade],
                self.declaration,
                self.default,
                scenario={"seed": int(rng.integers(2**31 - 1)), "n_trials": n_trials},
                initial=option_unless_none("n_configs", "n_initial", n_initial, n_trials // 4),
                selector=option_unless_none("retrain_after", "retrain_after", retrain_after, MOST_TRIALS),
                intensifier=partial(Intensifier, max_config_calls=1),
                n_metrics=len(self.task.optimised),
            )
        self.only = [] if self.engine else [self.declaration.inward({})]

    def sample_configuration(self) -> Config | None:
        if self.engine is None:
            return self.only.pop() if self.only else None
        trial = self.engine.ask()
        if trial is None:
            return None
        config = self.declaration.inward(trial.config)
        if self.default is not None:  # Exactly as given: a detour through quantiles may round.
            config, self.default = self.default, None
        self.pending.add(config, trial)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.pending.take(config)
        if trial is not None and self.engine is not None:
            self.engine.tell(trial, read_outcome(self.task, error, additional_info)[0])


def _task_of(multi_objective: bool, task: Task | None) -> Task:
    """Return what of a task SMAC is told: all metrics, or the first one."""
    if not multi_objective:
        return Task((Metric("error"),))
    if task is None:
        raise ValueError("multi_objective = True: need a task")
    require_metrics("smac with multi_objective", task, 2)
    refuse_constraints("smac with multi_objective", task)
    return task

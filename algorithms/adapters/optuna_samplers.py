"""Optuna's samplers as searchers: TPE, Gaussian process, CMA-ES, random, QMC, NSGA (Akiba et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial

from algorithms.adapters.optuna_study import build_from_options, create_study, silent_optuna, suggest_value, tell_result
from algorithms.interop.pending import PendingTrials
from algorithms.interop.space_translation import Translation
from algorithms.multi_objective.task_values import read_outcome, require_metrics
from objectives.metric import Metric
from objectives.space import Config, Space
from objectives.task import Task

SAMPLERS: Mapping[str, str] = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "random": "RandomSampler",
    "qmc": "QMCSampler",
    "nsga2": "NSGAIISampler",
    "nsga3": "NSGAIIISampler",
    "motpe": "TPESampler",
}

SEVERAL = ("nsga2", "nsga3", "motpe")
"""Samplers that are told all metrics; the others learn the first one."""

CONSTRAINED = ("tpe", "gp", *SEVERAL)
"""Samplers that are told by how much bounds are exceeded."""

UNCONDITIONAL: Mapping[str, str] = {
    "cmaes": "values that do not count are drawn and dropped",
    "gp": "what not every trial has is drawn at random",
    "qmc": "what not every trial has is drawn at random",
}


class OptunaSearcher:
    """Asks one of Optuna's samplers, in a study of its own, for configurations and tells it their results.

    Hyperparameters are declared as Optuna's own distributions and suggested one after the other, those
    that count only, as in Optuna's "define by run". Proposals without a result are running trials, a
    crashed one has failed: no sampler learns from it. The default configuration is enqueued.

    TPE knows conditional spaces: it models jointly what every trial has and the rest one by one, or all
    of it by groups (`options = {"group": True}`). `gp` and `qmc` draw at random what not every trial
    has. `cmaes` is given all hyperparameters always: where trials differ in theirs, Optuna 5.0.0 told
    its evolution strategy vectors of two lengths (ValueError). It draws categoricals at random.

    The package greenlet, where it is installed, changes the last digits of `gp` (its local searches are
    evaluated together) and takes 0.6 of the processor time: install it for all runs or none.

    `nsga2`, `nsga3` and `motpe` (TPE in a study of several directions; Ozaki et al., 2022) are told all
    metrics. They and `tpe` and `gp` learn of constraints what Optuna's trials have for them: by how much each
    bound is exceeded. A trial in which one of these was not measured has failed, in Optuna's eyes.

    Of a configuration that is trained further and further it learns the first result; but it learns
    whole curves under `OptunaPruner`, which works in the same study.

    Differs from Optuna's defaults: `qmc` is scrambled, else every repetition would be the same.

    Attributes:
        lacks: property -> why this sampler does not have it in this space.

    Args:
        config_space: the space.
        rng: gives the sampler's seed, and nothing else is drawn from it.
        initial_config: tried first.
        sampler: "tpe", "gp", "cmaes", "random", "qmc", "nsga2", "nsga3" or "motpe".
        options: arguments of the sampler's class by name, Optuna's own defaults otherwise.
        task: the metrics and constraints; None: one metric without.

    Raises:
        ValueError: an unknown sampler, an option that it has not, refuses or has deprecated, or constraints
            where Optuna's release has none.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        sampler: str = "tpe",
        options: Mapping[str, Any] | None = None,
        task: Task | None = None,
    ) -> None:
        self.task = _task_of(sampler, task)
        seed = int(rng.integers(2**31 - 1))
        fixed = {"seed": seed, "scramble": True}
        built: BaseSampler = build_from_options("sampler", sampler, SAMPLERS, optuna.samplers, options, fixed)
        self.adaptive = sampler != "random"
        self.lacks = {"fidelity": "told as complete at the first result"}
        if config_space.conditions and sampler in UNCONDITIONAL:
            self.lacks["conditions"] = UNCONDITIONAL[sampler]
        if sampler == "cmaes":
            self.lacks["pending"] = "draws are independent of those without a result"
        self.everything = sampler == "cmaes"
        self.translation = Translation(config_space)
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.pending = PendingTrials()
        self.study = create_study(built, seed, n_metrics=len(self.task.optimised))
        if self.initial_config is not None:
            declare = self.translation.complete if self.everything else self.translation.outward
            self.study.enqueue_trial(declare(self.initial_config))

    def sample_configuration(self) -> Config:
        values: dict[str, Any] = {}
        with silent_optuna():
            trial = self.study.ask()
            for coordinate in self.translation.coordinates:
                if self.everything or coordinate.condition is None or coordinate.condition.holds(values):
                    values[coordinate.name] = suggest_value(trial, coordinate)
        config = self.translation.inward(values)
        if self.initial_config is not None:  # A quantile there and back may miss the value by a rounding.
            config, self.initial_config = self.initial_config, None
        self.pending.add(config, trial)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.pending.take(config)
        if trial is not None:
            with silent_optuna():
                tell_result(self.study, trial, *read_outcome(self.task, error, additional_info))

    def serve(self, pruner: BasePruner) -> Study:
        """Hand the study to a scheduler, which then reports and finishes all its trials.

        Raises:
            ValueError: a study of several metrics, which Optuna's pruners do not take.
        """
        require_metrics("optuna's pruner", self.task, 1, 1)
        self.study.pruner = pruner
        self.lacks.pop("fidelity", None)
        return self.study

    def release(self, config: Config) -> Trial:
        """Hand the trial of a proposal over to the scheduler."""
        trial: Trial = self.pending.take(config)
        return trial


def _task_of(sampler: str, task: Task | None) -> Task:
    """Return what of a task a sampler is told: all metrics or the first one, with constraints or without."""
    task = Task((Metric("error"),)) if task is None else task
    constraints = task.constraints if sampler in CONSTRAINED else ()
    if constraints and not hasattr(Trial, "set_constraint"):
        raise ValueError(f"optuna {optuna.__version__} has no constraints on trials: need optuna >= 5")
    if sampler in SEVERAL:
        return Task(task.metrics, constraints)
    return Task((task.metrics[0], *(replace(metric, reference=None) for metric in task.metrics[1:])), constraints)

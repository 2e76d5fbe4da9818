"""Optuna's samplers as searchers: TPE, Gaussian process, CMA-ES, random, QMC (Akiba et al., 2019)."""

from __future__ import annotations

from collections.abc import Mapping
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
from objectives.space import Config, Space

SAMPLERS: Mapping[str, str] = {
    "tpe": "TPESampler",
    "gp": "GPSampler",
    "cmaes": "CmaEsSampler",
    "random": "RandomSampler",
    "qmc": "QMCSampler",
}

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

    Of a configuration that is trained further and further it learns the first result; but it learns
    whole curves under `OptunaPruner`, which works in the same study.

    Differs from Optuna's defaults: `qmc` is scrambled, else every repetition would be the same.

    Attributes:
        lacks: property -> why this sampler does not have it in this space.

    Args:
        config_space: the space.
        rng: gives the sampler's seed, and nothing else is drawn from it.
        initial_config: tried first.
        sampler: "tpe", "gp", "cmaes", "random" or "qmc".
        options: arguments of the sampler's class by name, Optuna's own defaults otherwise.

    Raises:
        ValueError: an unknown sampler, or an option that it has not, refuses or has deprecated.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        sampler: str = "tpe",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        seed = int(rng.integers(2**31 - 1))
        given = {"seed": seed, "scramble": True}
        made: BaseSampler = build_from_options("sampler", sampler, SAMPLERS, optuna.samplers, options, given)
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
        self.study = create_study(made, seed)
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
                tell_result(self.study, trial, error)

    def serve(self, pruner: BasePruner) -> Study:
        """Hand the study to a scheduler, which then reports and finishes all its trials."""
        self.study.pruner = pruner
        self.lacks.pop("fidelity", None)
        return self.study

    def release(self, config: Config) -> Trial:
        """Hand the trial of a proposal over to the scheduler."""
        trial: Trial = self.pending.take(config)
        return trial

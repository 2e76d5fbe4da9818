"""Optuna's pruners as schedulers that stop trials early (Akiba et al., 2019)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.trial import Trial, TrialState

from algorithms.adapters.optuna_samplers import OptunaSearcher
from algorithms.adapters.optuna_study import build_from_options, create_study, silent_optuna, tell_result
from algorithms.multi_objective.task_values import read_outcome
from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from objectives.space import FIDELITY, Config

PRUNERS: Mapping[str, str] = {
    "median": "MedianPruner",
    "percentile": "PercentilePruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "hyperband": "HyperbandPruner",
    "patient": "PatientPruner",
    "threshold": "ThresholdPruner",
}


class OptunaPruner:
    """Trains every trial until Optuna's pruner stops it.

    After every `interval` epochs a trial reports its error; the pruner is asked, as Optuna's
    documentation does it, after the last epoch too. A trial that it stops is told as pruned, one
    trained to the end as complete, a crashed one as failed. Trials that go on come before new ones.

    With an `OptunaSearcher` there is one study, so that the sampler sees intermediate errors and pruned
    trials as in `study.optimize`. Any other searcher is told every result, and the study here holds
    trials without parameters: pruners look at errors only.

    Differs from Optuna's defaults: `max_resource` of hyperband is `max_epochs`, not the length of the
    first complete trial, before which it would prune nothing. Hyperband puts a trial into a bracket by
    the name of its study: it is drawn from `rng`, so brackets repeat with the seed and differ between
    repetitions.

    Args:
        searcher: proposes configurations, and is told every result.
        max_epochs: a full training.
        rng: the study's name is drawn from it, unless the searcher has one.
        pruner: "median", "percentile" (needs `percentile`), "successive_halving", "hyperband", "patient"
            (needs `patience`) or "threshold" (needs `lower` or `upper`).
        interval: epochs between reports, >= 1.
        options: arguments of the pruner's class by name, in epochs where it says steps.

    Raises:
        ValueError: an unknown pruner, an interval < 1, or an option that the pruner has not, needs,
            refuses or has deprecated.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        rng: np.random.Generator,
        pruner: str = "median",
        interval: int = 1,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        require_int("interval", interval, 1)
        fixed = {"max_resource": max_epochs, "wrapped_pruner": None}
        built: BasePruner = build_from_options("pruner", pruner, PRUNERS, optuna.pruners, options, fixed)
        self.searcher, self.max_epochs, self.interval = searcher, max_epochs, interval
        self.shared = searcher if isinstance(searcher, OptunaSearcher) else None
        self.study = (
            self.shared.serve(built) if self.shared else create_study(None, int(rng.integers(2**31 - 1)), built)
        )
        self.going_on: deque[tuple[Config, Trial]] = deque()
        self.training: list[tuple[Config, Trial]] = []

    def suggest(self) -> Config | None:
        if self.going_on:
            return self._train(*self.going_on.popleft())
        config = self.searcher.sample_configuration()
        if config is None:
            return None
        first = {**config, FIDELITY: min(self.interval, self.max_epochs)}
        return self._train(first, self._enrol(config))

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        trial = self._take(config)
        epoch = int(config[FIDELITY])
        with silent_optuna():
            if math.isfinite(error):
                trial.report(error, epoch)
            if math.isfinite(error) and trial.should_prune():
                self.study.tell(trial, state=TrialState.PRUNED)
            elif math.isfinite(error) and epoch < self.max_epochs:
                following = {**config, FIDELITY: min(epoch + self.interval, self.max_epochs)}
                self.going_on.append((following, trial))
            else:
                tell_result(self.study, trial, *self._outcome(error, info))

    def _outcome(self, error: float, info: Any) -> tuple[Sequence[float], Sequence[float]]:
        """Return what a finished trial is told with: constraints too, where the searcher's study has some."""
        return read_outcome(self.shared.task, error, info) if self.shared else ((error,), ())

    def _enrol(self, config: Config) -> Trial:
        if self.shared:
            return self.shared.release(config)
        with silent_optuna():
            return self.study.ask()

    def _train(self, config: Config, trial: Trial) -> Config:
        self.training.append((dict(config), trial))
        return config

    def _take(self, config: Config) -> Trial:
        """Remove and return the trial that was trained; the earliest one where two train the same configuration."""
        index = [training for training, _ in self.training].index(dict(config))
        return self.training.pop(index)[1]

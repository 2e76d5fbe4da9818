"""Syne Tune's schedulers that stop trials early, with the searchers that they bring."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithms.adapters.syne_search import BLIND, METRIC, NEVER, Declaration, downloads
from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.library_options import Options, bad_options_refused, check_options, find_by_name, option_names
from algorithms.interop.pending import PendingTrials
from objectives.space import FIDELITY, Config, Space

with without_side_effects():
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer.baselines import ASHA, ASHABORE, ASHACQR, BOHB, RandomSearch
    from syne_tune.optimizer.scheduler import SchedulerDecision, TrialScheduler
    from syne_tune.optimizer.schedulers.median_stopping_rule import MedianStoppingRule

TIME = "epoch"
SCHEDULERS: Mapping[str, type[TrialScheduler]] = {
    "asha": ASHA,
    "asha_bore": ASHABORE,
    "asha_cqr": ASHACQR,
    "bohb": BOHB,
    "median": MedianStoppingRule,
}
GIVEN = frozenset(
    {"config_space", "do_minimize", "max_t", "metric", "points_to_evaluate", "random_seed", "scheduler", "time_attr"}
)
"""Arguments that we give."""


@dataclass(slots=True)
class _Running:
    """A trial as Syne Tune knows it, its configuration as we do, and the epoch that it has reached."""

    trial: Trial
    config: Config
    epochs: int = 0


class SyneTuneScheduler:
    """Runs one of the schedulers of Syne Tune 0.16 that stop trials early, with its own searcher.

    Its decisions after a report: CONTINUE, and the trial goes on before anything else starts; STOP, and
    it is dropped. None in 0.16 pauses and resumes trials (promotion-type ASHA and synchronous Hyperband
    left the library after 0.10). Population-based training is not here: it copies one trial's weights
    into another.

    "asha" decides on rungs only, so trials train straight to the next one: the same decisions as with
    reports after every epoch, as the library's examples have them. The others learn from every epoch, so
    trials go on epoch by epoch. "median" is the median stopping rule over random search.

    Differs from the library: a crashed trial is dropped and the run goes on, where its tuner would end
    after the second.

    Args:
        config_space: the space.
        rng: gives the scheduler's seed, and nothing else is drawn from it.
        initial_config: tried first.
        max_epochs: a full training.
        method: "asha", "asha_bore", "asha_cqr", "bohb" or "median".
        options: arguments of the scheduler's class by name, such as `grace_period`, `reduction_factor`
            and `brackets`, or `grace_time`, `grace_population` and `rank_cutoff` of "median"; Syne
            Tune's own defaults otherwise.

    Raises:
        ValueError: an unknown method, or an option that it has not or refuses.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        max_epochs: int,
        method: str = "asha",
        options: Options = None,
    ) -> None:
        scheduler_class = find_by_name("method", method, SCHEDULERS)
        chosen = check_options(method, option_names(scheduler_class, GIVEN), options)
        seed = int(rng.integers(2**31 - 1))
        self.declaration, self.max_epochs = Declaration(config_space), max_epochs
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.rung_by_rung = method == "asha"
        self.lacks = {"pending": BLIND} if method in ("asha_bore", "asha_cqr", "bohb") else {}
        self.pending, self.ahead, self.started = PendingTrials(), deque[_Running](), 0
        points = [] if initial_config is None else [self.declaration.outward(initial_config)]
        shared = {"metric": METRIC, "time_attr": TIME, "random_seed": seed}
        with bad_options_refused(method, options), downloads():
            if scheduler_class is MedianStoppingRule:
                inner = RandomSearch(
                    self.declaration.domains, metrics=[METRIC], points_to_evaluate=points, random_seed=seed
                )
                self.scheduler = scheduler_class(inner, **shared, **chosen)
            else:
                arguments = {"points_to_evaluate": points, "max_t": max_epochs}
                self.scheduler = scheduler_class(self.declaration.domains, **shared, **arguments, **chosen)

    def suggest(self) -> Config | None:
        running = self.ahead.popleft() if self.ahead else self._new()
        if running is None:
            return None
        running.epochs = self._next_report(running)
        suggestion = {**running.config, FIDELITY: running.epochs}
        self.pending.add(_report(suggestion), running)
        return suggestion

    def update(self, config: Config, error: float, info: Any = None) -> None:
        running = self.pending.take(_report(config))
        if running is None:
            return
        with silent():
            if math.isinf(error):
                self.scheduler.on_trial_error(running.trial)
            elif self._goes_on(running, {METRIC: error, TIME: running.epochs}):
                self.ahead.append(running)

    def _new(self) -> _Running | None:
        with silent(), downloads():
            suggestion = None if self.declaration.only else self.scheduler.suggest()
        if suggestion is None and self.declaration.only is None:
            return None
        values = self.declaration.inside({} if suggestion is None else suggestion.config)
        config = self.declaration.inward(values)
        if self.initial_config is not None:  # A quantile there and back may miss the value by a rounding.
            config, self.initial_config = self.initial_config, None
        trial = Trial(trial_id=self.started, config=values, creation_time=NEVER)
        self.started += 1
        self.scheduler.on_trial_add(trial)
        return _Running(trial, config)

    def _goes_on(self, running: _Running, result: dict[str, Any]) -> bool:
        """Report a result, and tell the library what happens to the trial, in the order of its tuner."""
        if self.scheduler.on_trial_result(running.trial, result) != SchedulerDecision.CONTINUE:
            self.scheduler.on_trial_remove(running.trial)
            return False
        if running.epochs >= self.max_epochs:
            self.scheduler.on_trial_complete(running.trial, result)
            return False
        return True

    def _next_report(self, running: _Running) -> int:
        """Return the epoch of the next report."""
        if not self.rung_by_rung:
            return running.epochs + 1
        rungs = self.scheduler.trial_info[running.trial.trial_id].rungs
        reached = (math.ceil(level) for level, _ in rungs)
        return min((epoch for epoch in reached if epoch > running.epochs), default=self.max_epochs)


def _report(config: Mapping[str, Any]) -> dict[str, Any]:
    """The key of a trial's report, fidelity included: `PendingTrials` ignores the fidelity."""
    return {**config, "at max_epochs": config.get(FIDELITY)}

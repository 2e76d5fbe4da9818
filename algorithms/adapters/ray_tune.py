"""Ray Tune (Liaw et al., 2018): its schedulers, over any searcher, without starting Ray.

A scheduler of Ray Tune is driven here as `ray.tune.execution.tune_controller.TuneController` drives it,
with stand-ins for the controller and its trials, which hold what schedulers read: names and states. No
cluster, process, thread or file comes with it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from algorithms.adapters.ray_search import METRIC, MODE
from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.library_options import Options, bad_options_refused, check_options, find_by_name, option_names
from algorithms.interop.pending import PendingTrials
from algorithms.roles import Searcher
from objectives.space import FIDELITY, Config

with without_side_effects():
    from ray.tune.experiment import Trial as Status
    from ray.tune.schedulers import AsyncHyperBandScheduler, HyperBandScheduler, MedianStoppingRule, TrialScheduler

TIME = "training_iteration"
SCHEDULERS: Mapping[str, type[TrialScheduler]] = {
    "asha": AsyncHyperBandScheduler,
    "median": MedianStoppingRule,
    "hyperband": HyperBandScheduler,
}
GIVEN = frozenset({"metric", "mode", "time_attr", "max_t", "stop_last_trials", "hard_stop", "min_time_slice"})
"""Arguments that we give, and those about sharing a cluster between trials."""


@dataclass(eq=False, slots=True)
class _Trial:
    """The attributes of a trial that Ray's schedulers read, and ours."""

    trial_id: str
    config: Config
    round: _Round
    status: str = Status.PENDING
    is_saving: bool = False
    epochs: int = 0


@dataclass(eq=False, slots=True)
class _Round:
    """A scheduler with the methods of Tune's controller that it calls."""

    scheduler: Any
    trials: list[_Trial] = field(default_factory=list)

    def get_live_trials(self) -> list[_Trial]:
        return list(self.trials)

    def stop_trial(self, trial: _Trial) -> None:
        """Stop a paused trial; the schedulers used here stop no running trial in this way."""
        if trial in self.trials:
            self.scheduler.on_trial_remove(self, trial)
            self.end(trial, Status.TERMINATED)

    def end(self, trial: _Trial, status: str) -> None:
        trial.status = status
        self.trials.remove(trial)


class RayTuneScheduler:
    """Runs one of Ray Tune's schedulers over any searcher.

    After a report it says CONTINUE, and the trial goes on before anything else starts; STOP, and it is
    dropped; or PAUSE, and it waits until the scheduler chooses it (Hyperband). The searcher is told every
    result. A crashed trial is an error, which leaves no trace in a rung.

    "asha" (which stops trials; it promotes none) and "hyperband" decide on rungs only, so trials train
    straight to the next one: the same decisions as with reports after every epoch. "median" averages all
    epochs, so trials go on epoch by epoch; after the last one it is not asked, as with Tune's `stop`.

    "hyperband" closes a rung when all trials that a bracket knows have come there, and a late one joins
    whatever bracket is open. So it is given all trials of its brackets before the first one starts, as if
    `num_samples` were their number, and a new scheduler when it has none left to start: a searcher that
    learns proposes one such round at a time.

    Not here: `HyperBandForBOHB`, which talks to the searcher `TuneBOHB` (it needs hpbandster, which no
    longer installs) and counts on Tune's queue of waiting trials; population-based training and PB2,
    which copy one trial's weights into another.

    Differs from Ray: "median" has a `grace_period` of 1 epoch, not 60 (meant in seconds there).

    Args:
        searcher: proposes configurations, and is told every result.
        max_epochs: a full training.
        method: "asha", "median" or "hyperband".
        options: arguments of the scheduler's class by name, such as `grace_period`, `reduction_factor`
            and `brackets`, or `min_samples_required` of "median"; Ray's own defaults otherwise.

    Raises:
        ValueError: an unknown method, or an option that it has not or refuses.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        method: str = "asha",
        options: Options = None,
    ) -> None:
        scheduler_class = find_by_name("method", method, SCHEDULERS)
        chosen = check_options(method, option_names(scheduler_class, GIVEN), options)
        defaults = {"grace_period": 1} if method == "median" else {"max_t": max_epochs}
        self.arguments = {"time_attr": TIME, "metric": METRIC, "mode": MODE, **defaults, **chosen}
        self.searcher, self.max_epochs, self.method, self.made = searcher, max_epochs, method, scheduler_class
        self.pending, self.ahead, self.started = PendingTrials(), deque[_Trial](), 0
        with bad_options_refused(method, options):
            self.rounds = [self._round()]

    def suggest(self) -> Config | None:
        trial = self.ahead.popleft() if self.ahead else self._chosen()
        if trial is None:
            return None
        trial.status, trial.epochs = Status.RUNNING, self._next_report(trial)
        suggestion = {**trial.config, FIDELITY: trial.epochs}
        self.pending.add(_report(suggestion), trial)
        return suggestion

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(dict(config), error, additional_info=info)
        trial = self.pending.take(_report(config))
        if trial is None:
            return
        with silent():
            if math.isinf(error):
                trial.round.end(trial, Status.ERROR)
                trial.round.scheduler.on_trial_error(trial.round, trial)
            else:
                self._decide(trial, {METRIC: error, TIME: trial.epochs})

    def _decide(self, trial: _Trial, result: dict[str, Any]) -> None:
        """Report a result, and act on the scheduler's decision as Tune's controller does."""
        controller, scheduler = trial.round, trial.round.scheduler
        ended = self.method == "median" and trial.epochs >= self.max_epochs
        decision = TrialScheduler.STOP if ended else scheduler.on_trial_result(controller, trial, result)
        if decision == TrialScheduler.STOP:
            scheduler.on_trial_complete(controller, trial, result)
            controller.end(trial, Status.TERMINATED)
        elif decision == TrialScheduler.PAUSE:
            trial.status = Status.PAUSED
        else:
            self.ahead.append(trial)

    def _chosen(self) -> _Trial | None:
        """Return the trial that the scheduler would run now, or a new one."""
        if self.method != "hyperband":  # The others never let a trial wait.
            return self._added(self.rounds[0])
        self.rounds = [each for each in self.rounds if each.trials]
        for each in self.rounds:
            waiting = _choice(each)
            if waiting is not None:
                return waiting
        self.rounds.append(self._round())
        for _ in range(_size(self.rounds[-1].scheduler)):
            if self._added(self.rounds[-1]) is None:
                break
        return _choice(self.rounds[-1])

    def _round(self) -> _Round:
        with silent():
            return _Round(self.made(**self.arguments))

    def _added(self, controller: _Round) -> _Trial | None:
        config = self.searcher.sample_configuration()
        if config is None:
            return None
        trial = _Trial(str(self.started), dict(config), controller)
        self.started += 1
        controller.trials.append(trial)
        with silent():
            controller.scheduler.on_trial_add(controller, trial)
        return trial

    def _next_report(self, trial: _Trial) -> int:
        """Return the epoch of the next report; the scheduler keeps its rungs in private attributes."""
        if self.method == "median":
            return trial.epochs + 1
        if self.method == "hyperband":
            return int(trial.round.scheduler._trial_info[trial][0]._cumul_r)
        rungs = trial.round.scheduler._trial_info[trial.trial_id]._rungs
        reached = (math.ceil(level) for level, _ in rungs)
        return min((epoch for epoch in reached if epoch > trial.epochs), default=self.max_epochs)


def _choice(controller: _Round) -> _Trial | None:
    with silent():
        chosen: _Trial | None = controller.scheduler.choose_trial_to_run(controller)
    return chosen


def _size(scheduler: Any) -> int:
    """Number of trials in all brackets of `HyperBandScheduler`, which omits rungs of less than an epoch."""
    brackets = range(scheduler._s_max_1)
    return sum(scheduler._get_n0(s) for s in brackets if scheduler._get_r0(s) > 0)


def _report(config: Mapping[str, Any]) -> dict[str, Any]:
    """The key of a trial's report, fidelity included: `PendingTrials` ignores the fidelity."""
    return {**config, "at max_epochs": config.get(FIDELITY)}

"""The median stopping rule (Golovin et al., 2017, Google Vizier, section 3.2.2)."""

from __future__ import annotations

import bisect
import itertools
import statistics
from collections import deque
from typing import Any

from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from algorithms.schedulers.rungs import is_over
from objectives.space import FIDELITY, Config


class MedianStopping:
    """Stop a trial whose best error is worse than the median of the other trials' averages up to that epoch.

    A trial pauses at checkpoints: after every `interval` epochs, and at the end. With errors o_1, ..., o_s
    at its checkpoints, it is stopped after checkpoint s when min(o_1, ..., o_s) is strictly greater than
    the median, over all completed trials, of their running averages (o'_1 + ... + o'_s) / s. Otherwise it
    goes on at once, before anything new starts. A completed trial is one that trained to `max_epochs`.

    Differs from the paper, whose rule is `grace_epochs` = 1 and `min_trials` = 1, a step being a checkpoint:
        - Stopping begins when `min_trials` trials are complete: the median of one is a lottery.
        - A trial that crashed or diverged (as far as `info` says so) is not continued and never complete.

    The variants elsewhere are other rules: Ray Tune's median is over all trials that got as far, complete
    or not, and Optuna's is of the errors at step s itself, not of running averages.

    Args:
        searcher: proposes the configurations, and is told the result of every checkpoint.
        max_epochs: epochs of a complete training.
        grace_epochs: no trial is stopped before this epoch; 1 to `max_epochs`.
        interval: epochs between checkpoints, 1 to `max_epochs`; the last interval may be shorter.
        min_trials: no trial is stopped before so many are complete; 1 to 10,000.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        grace_epochs: int = 1,
        interval: int = 1,
        min_trials: int = 3,
    ) -> None:
        require_int("grace_epochs", grace_epochs, 1, max_epochs)
        require_int("interval", interval, 1, max_epochs)
        require_int("min_trials", min_trials, 1, 10_000)
        self.searcher = searcher
        self.grace_epochs, self.min_trials = grace_epochs, min_trials
        self.checkpoints = [*range(interval, max_epochs, interval), max_epochs]
        self.averages: list[list[float]] = [[] for _ in self.checkpoints]
        self.going_on: deque[Config] = deque()
        self.curves: dict[str, list[list[float]]] = {}

    def suggest(self) -> Config | None:
        if self.going_on:
            return self.going_on.popleft()
        config = self.searcher.sample_configuration()
        return None if config is None else {**config, FIDELITY: self.checkpoints[0]}

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        curve = [*self._curve_before(config), error]
        if is_over(config, error, info):
            return
        if len(curve) == len(self.checkpoints):
            self._complete(curve)
        elif not self._stops(curve):
            further = {**config, FIDELITY: self.checkpoints[len(curve)]}
            self.curves.setdefault(_key(further), []).append(curve)
            self.going_on.append(further)

    def _stops(self, curve: list[float]) -> bool:
        """Return whether the rule stops a trial after the last checkpoint of its curve."""
        step = len(curve) - 1
        if self.checkpoints[step] < self.grace_epochs or len(self.averages[step]) < self.min_trials:
            return False
        return min(curve) > statistics.median(self.averages[step])

    def _complete(self, curve: list[float]) -> None:
        """Keep the running averages of a trial that trained to the end.

        Sorted at each checkpoint: the median of 1000 then takes 4 microseconds instead of 26.
        """
        for step, total in enumerate(itertools.accumulate(curve)):
            bisect.insort(self.averages[step], total / (step + 1))

    def _curve_before(self, config: Config) -> list[float]:
        """Errors at the earlier checkpoints of a trial; of equal configurations the one that paused first."""
        paused = self.curves.get(_key(config))
        if not paused:
            return []
        curve = paused.pop(0)
        if not paused:
            del self.curves[_key(config)]
        return curve


def _key(config: Config) -> str:
    return repr(sorted(config.items()))

"""Searchers and a scheduler as a reader of the book writes them, in its own idioms; only the import is ours."""

from collections import defaultdict
from operator import itemgetter

import numpy as np

from benchmark import book as d2l


class RandomSearcher(d2l.HPOSearcher):
    def __init__(self, config_space: dict, initial_config=None):
        self.save_hyperparameters()

    def sample_configuration(self) -> dict:
        if self.initial_config is not None:
            result = self.initial_config
            self.initial_config = None
        else:
            result = {name: domain.rvs() for name, domain in self.config_space.items()}
        return result


class LocalSearcher(d2l.RandomSearcher):
    def __init__(self, config_space: dict, num_init_random: int, probab_local: float, initial_config=None):
        super().__init__(config_space, initial_config)
        self.save_hyperparameters()
        self.num_trials = 0
        self.best_config, self.best_error = None, np.inf


@d2l.add_to_class(LocalSearcher)
def sample_configuration(self) -> dict:
    self.num_trials += 1
    if (
        self.initial_config is not None
        or self.num_trials <= self.num_init_random
        or np.random.rand() > self.probab_local  # noqa: NPY002 (as readers write)
    ):
        return d2l.RandomSearcher.sample_configuration(self)
    name = np.random.choice(list(self.config_space.keys()))  # noqa: NPY002 (as readers write)
    return dict(self.best_config, **{name: self.config_space[name].rvs()})


@d2l.add_to_class(LocalSearcher)
def update(self, config: dict, error: float, additional_info=None):
    if error < self.best_error:
        self.best_config, self.best_error = config, error


class SuccessiveHalvingScheduler(d2l.HPOScheduler):
    def __init__(self, searcher, eta, r_min, r_max, prefact=1):
        self.save_hyperparameters()
        self.K = int(np.log(r_max / r_min) / np.log(eta))
        self.rung_levels = [r_min * eta**k for k in range(self.K + 1)]
        if r_max not in self.rung_levels:
            self.rung_levels.append(r_max)
            self.K += 1
        self.observed_error_at_rungs = defaultdict(list)
        self.queue = []


@d2l.add_to_class(SuccessiveHalvingScheduler)
def suggest(self):
    if len(self.queue) == 0:
        for _ in range(int(self.prefact * self.eta**self.K)):
            config = self.searcher.sample_configuration()
            config["max_epochs"] = self.r_min
            self.queue.append(config)
    return self.queue.pop()


@d2l.add_to_class(SuccessiveHalvingScheduler)
def update(self, config: dict, error: float, info=None):  # noqa: F811 (as readers write)
    level = int(config["max_epochs"])
    self.searcher.update(config, error, additional_info=info)
    if level < self.r_max:
        rung = self.observed_error_at_rungs[level]
        rung.append((config, error))
        k = self.K - self.rung_levels.index(level)
        if len(rung) >= int(self.prefact * self.eta**k):
            best = self.get_top_n_configurations(level, int(self.prefact * self.eta ** (k - 1)))
            above = self.rung_levels[self.rung_levels.index(level) + 1]
            self.queue = [dict(config, max_epochs=above) for config in best] + self.queue
            self.observed_error_at_rungs[level] = []


@d2l.add_to_class(SuccessiveHalvingScheduler)
def get_top_n_configurations(self, rung_level, n):
    rung = self.observed_error_at_rungs[rung_level]
    return [entry[0] for entry in sorted(rung, key=itemgetter(1))[:n]]

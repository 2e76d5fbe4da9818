"""A trial of the cache that has gone through given epochs, and jobs on it."""

from benchmark.reproducibility.seeding import trial_seed
from benchmark.tuning.trial_cache import CachedTrial
from objectives.epoch import Epoch
from tests.benchmark.tuning.jobs import make_job

OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"


CONFIG = {"x": 7}


def job(epochs, start_epoch=0, config=CONFIG, trial=0):
    """The job of training a trial to an epoch."""
    return make_job(config, epochs, start_epoch, trial=trial)


def epoch(value, *, diverged=False, seconds=1.0):
    """An epoch of this error."""
    return Epoch(valid_error=value, test_error=value / 2, seconds=seconds, diverged=diverged)


def trial(*epochs):
    """A trial that has gone through these epochs."""
    trial = CachedTrial(config=dict(CONFIG), seed=trial_seed(0, OBJECTIVE, 0, CONFIG))
    for epoch in epochs:
        trial.add_epoch(epoch)
    return trial

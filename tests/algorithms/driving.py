"""Searchers and schedulers driven by toy outcomes."""

import numpy as np

from benchmark.checking.toy_tasks import toy_error


def punctual(job):
    """The end of a job of one second an epoch."""
    return job.start + job.epochs - job.start_epoch


def proposals(searcher, count, error_of=toy_error, outstanding=1):
    """What a searcher proposes when told each result at once or, with several outstanding, that of a middle one."""
    proposed, waiting = [], []
    for _ in range(count):
        proposed.append(searcher.sample_configuration())
        if proposed[-1] is not None:
            waiting.append(dict(proposed[-1]))
        if len(waiting) >= outstanding:
            told = waiting.pop(len(waiting) // 2)
            searcher.update(told, error_of(told))
    return proposed


def seed_of(seed):
    """The seed of another library that is drawn from a generator of this seed."""
    return int(np.random.default_rng(seed).integers(2**31 - 1))

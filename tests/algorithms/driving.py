"""Searchers and schedulers driven by toy outcomes, which end out of order."""

import zlib

import numpy as np

from benchmark.tuning.tuner import Outcome, TuningLoop


def toy_error(config):
    """An error in [0, 1) that depends on every value, the fidelity included."""
    return zlib.crc32(repr(sorted(config.items())).encode()) / 2**32


def out_of_order(job):
    """An end within five seconds of the start, whatever is trained."""
    return job.start + 1 + job.index * 7 % 5


def punctual(job):
    """The end of a job of one second an epoch."""
    return job.start + job.epochs - job.start_epoch


def no_metrics(job, error):
    """Outcomes of objectives that are one error."""


def drive(scheduler, space, error_of, end_of=out_of_order, metrics_of=no_metrics, max_epochs=9, **options):
    """Run the tuning loop on outcomes that are functions of the job: its jobs, the loop, and why it stopped."""
    loop = TuningLoop(scheduler, check=space.check, max_epochs=max_epochs, **options)
    jobs, steps = [], loop.run()
    try:
        job = next(steps)
        while True:
            jobs.append(job)
            error = error_of(job)
            metrics = metrics_of(job, error)
            job = steps.send(Outcome(error=error, epochs=job.epochs, end=end_of(job), metrics=metrics))
    except StopIteration as stop:
        return jobs, loop, stop.value


def suggestions(jobs):
    return [job.suggestion for job in jobs]


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

"""The median stopping rule, recomputed at every decision from all that was told."""

import math
import statistics
from collections import defaultdict

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.median_stopping import MedianStopping
from benchmark.checking.subject import drive
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.space import FIDELITY, Space
from tests.algorithms.driving import punctual
from tests.algorithms.scripted import Listed

SPACE = Space({"x": stats.uniform(0, 1000)})


def rule(curves, curve, max_epochs, grace_epochs, min_trials):
    """Vizier's section 3.2.2 on complete curves: {epoch: error} each; whether to stop after the curve's last."""
    step = len(curve)
    complete = [list(other.values()) for other in curves if max_epochs in other and math.inf not in other.values()]
    if max(curve) < grace_epochs or len(complete) < min_trials:
        return False
    return min(curve.values()) > statistics.median([sum(other[:step]) / step for other in complete])


class Watched:
    """A scheduler whose every decision is recomputed from all results so far."""

    def __init__(self, inner, **options):
        self.inner, self.options = inner, options
        self.curves = defaultdict(dict)
        self.expected = None
        self.decided = {"stop": 0, "go on": 0}

    def suggest(self):
        suggestion = self.inner.suggest()
        if self.expected is not None:
            assert suggestion is not None
            assert suggestion["x"] == self.expected
            self.expected = None
        elif suggestion is not None:
            assert suggestion["x"] not in self.curves
        return suggestion

    def update(self, config, error, info=None):
        self.inner.update(config, error, info=info)
        curve = self.curves[config["x"]]
        curve[config[FIDELITY]] = error
        done = config[FIDELITY] == self.options["max_epochs"] or error == math.inf
        if not done:
            stops = rule(self.curves.values(), curve, **self.options)
            self.decided["stop" if stops else "go on"] += 1
            self.expected = None if stops else config["x"]


def curves(seed, count, max_epochs):
    """Errors in sixteenths, so that averages of up to four are exact and ties are many; some trainings crash."""
    rng = np.random.default_rng(seed)
    errors = rng.integers(4, 17, size=(count, 1)) / 16 + rng.integers(-3, 4, size=(count, max_epochs)) / 16
    errors[rng.random(errors.shape) < 0.01] = math.inf
    return errors


@pytest.mark.parametrize("n_workers", [1, 3, 8])
@pytest.mark.parametrize(
    "options", [{}, {"min_trials": 1}, {"grace_epochs": 3}, {"interval": 2}, {"interval": 3, "min_trials": 5}], ids=str
)
def test_every_decision_is_the_rule(n_workers, options):
    """With any number of workers a trial goes on first thing after its result exactly when the rule lets it."""
    errors = curves(n_workers, 120, 8)
    watched = Watched(
        MedianStopping(Listed(range(120)), max_epochs=8, **options),
        max_epochs=8,
        grace_epochs=options.get("grace_epochs", 1),
        min_trials=options.get("min_trials", 3),
    )

    def error_of(job):
        return errors[int(job.config["x"])][job.epochs - 1]

    options = {"max_epochs": 8, "budget": Budget(), "n_workers": n_workers}
    jobs, loop, stopped = drive(watched, SPACE, error_of, punctual, **options)
    assert stopped == "exhausted"
    assert loop.trial_count == 120
    assert min(watched.decided.values()) > 20
    last = {job.trial: job for job in jobs}
    complete = [x for x, curve in watched.curves.items() if 8 in curve]
    assert {last[trial].config["x"] for trial in last if last[trial].epochs == 8} == set(complete)
    assert 5 < len(complete) < 115


@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_trial_keeps_its_worker_and_pays_each_epoch_once(n_workers):
    """A continuation starts when its checkpoint ends, never more run than there are workers, and charges are exact."""
    errors = curves(7, 60, 6)
    scheduler = MedianStopping(Listed(range(60)), max_epochs=6, interval=4, min_trials=1)
    # Long trials and short ones, so that results come out of order: half of them train at a third of the speed.
    loop = TuningLoop(scheduler, check=SPACE.check, max_epochs=6, budget=Budget(), n_workers=n_workers)
    ends, charged, spans, steps = {}, defaultdict(int), [], loop.run()
    job = next(steps)
    while job is not None:
        if job.start_epoch:
            assert job.start == ends[job.trial]
        charged[job.trial] += job.epochs - job.start_epoch
        ends[job.trial] = job.start + (job.epochs - job.start_epoch) * (1 + job.trial % 2 * 2)
        spans.append((job.start, ends[job.trial]))
        outcome = Outcome(error=errors[job.trial][job.epochs - 1], epochs=job.epochs, end=ends[job.trial])
        try:
            job = steps.send(outcome)
        except StopIteration:
            job = None
    assert set(charged.values()) == {4, 6}
    assert loop.charged_epochs == sum(charged.values())
    busy = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
    assert max(busy) == n_workers
    assert all(count == n_workers for count in busy[n_workers - 1 : -n_workers])

"""MO-ASHA: its promotions, and that with one metric they are ASHA's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.multi_objective.moasha import MOASHA
from algorithms.schedulers.asha import ASHA
from benchmark.checking.toy_tasks import information
from objectives.metric import Metric
from objectives.task import Constraint, Task
from tests.algorithms.scripted import Listed, started, tell

ONE = Task((Metric("error"),))
TWO = Task((Metric("error", reference=1.0), Metric("size", reference=100.0)))
SMALL = Task(TWO.metrics, (Constraint("size", upper=50.0),))


def moasha(task, values=range(100), **options):
    return MOASHA(Listed(list(values)), max_epochs=9, task=task, **options)


def told(scheduler, outcomes, epochs=1):
    """Tell a rung's results: (x, error, size)."""
    for x, error, size in outcomes:
        tell(scheduler, x, epochs, error, information({"error": error, "size": size}, epochs))


def promoted(scheduler, most=9):
    """What is promoted before anything new starts."""
    jobs = []
    for _ in range(most):
        (job,) = started(scheduler, 1)
        if job[1] == 1:
            break
        jobs.append(job)
    return jobs


@settings(max_examples=40)
@given(st.lists(st.one_of(st.integers(0, 5).map(float), st.just(math.inf)), min_size=1, max_size=60), st.integers(1, 4))
def test_with_one_metric_it_is_asha(errors, outstanding):
    """Whatever the errors, ties and crashes included: the same suggestions in the same order."""
    ours, theirs = moasha(ONE), ASHA(Listed(range(100)), max_epochs=9)
    waiting = []
    for error in errors:
        suggestion = ours.suggest()
        assert suggestion == theirs.suggest()
        waiting.append(suggestion)
        if len(waiting) >= outstanding:
            config = waiting.pop(0)
            info = information(None if error == math.inf else {"error": error}, config["max_epochs"])
            ours.update(dict(config), error, info)
            theirs.update(dict(config), error, info)


def test_the_front_is_promoted_far_apart():
    """Of six trials, four on the front, the best third are its two ends."""
    scheduler = moasha(TWO)
    started(scheduler, 6)
    told(scheduler, [(0, 0.5, 50), (1, 0.1, 90), (2, 0.9, 10), (3, 0.6, 40), (4, 0.9, 90), (5, 0.7, 95)])
    assert promoted(scheduler) == [(1, 3), (2, 3)]


def test_trials_that_violate_a_constraint_wait_behind_the_others():
    """The best error with too large a network is promoted after all small ones."""
    scheduler = moasha(SMALL)
    started(scheduler, 6)
    told(scheduler, [(0, 0.1, 60), (1, 0.9, 50), (2, 0.1, 99), (3, 0.95, 50), (4, 0.1, 98), (5, 0.1, 97)])
    assert promoted(scheduler) == [(1, 3), (3, 3)]


def test_crashed_diverged_and_unmeasured_trials():
    """Crashed and diverged ones count but are not promoted; one without its size is behind all others."""
    scheduler = moasha(TWO)
    started(scheduler, 6)
    tell(scheduler, 0, 1, math.inf, information(None, 1))
    tell(scheduler, 1, 1, 0.01, information({"error": 0.01, "size": 1.0}, 1, state="diverged"))
    told(scheduler, [(2, 0.1, None), (3, 0.5, 50), (4, 0.6, 60), (5, 0.7, 70)])
    assert promoted(scheduler) == [(3, 3)]


def test_results_without_metrics_are_refused():
    """An error alone does not say what the second metric is."""
    scheduler = moasha(TWO)
    started(scheduler, 1)
    with pytest.raises(ValueError, match="need the trial's metrics"):
        tell(scheduler, 0, 1, 0.5, {"epochs": 1})


@pytest.mark.parametrize(("option", "value"), [("eta", 1), ("r_min", 0), ("r_max", 10), ("eta", True)])
def test_bad_options_are_refused(option, value):
    """The message names the option and its value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}"):
        moasha(TWO, **{option: value})


def test_a_thousand_trials_are_ranked_in_no_time():
    """A rung of a thousand is sorted once for all the promotions that it allows."""
    rng = np.random.default_rng(0)
    scheduler = moasha(TWO, range(1000))
    started(scheduler, 999)
    told(scheduler, [(x, *rng.random(2)) for x in range(999)])
    assert len(promoted(scheduler, 1000)) == 333

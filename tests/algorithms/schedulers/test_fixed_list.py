"""A given list of trials."""

import pytest
from scipy import stats

from algorithms.schedulers.fixed_list import FixedList
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.space import Categorical, Space

SPACE = Space({"rate": stats.loguniform(1e-4, 1), "activation": Categorical(["relu", "tanh"])})
FIRST, SECOND = {"rate": 0.1, "activation": "relu"}, {"rate": 0.5, "activation": "tanh"}


def jobs(scheduler):
    """All that the tuning loop is asked for, and why it ends."""
    loop = TuningLoop(scheduler, check=SPACE.check, max_epochs=8, budget=Budget(evaluations=100)).run()
    found = []
    try:
        job = next(loop)
        while True:
            found.append((job.config, job.start_epoch, job.epochs))
            job = loop.send(Outcome(error=0.5, epochs=job.epochs, end=job.start + 1.0))
    except StopIteration as stop:
        return found, stop.value


def test_trials_are_trained_in_order_as_far_as_they_say():
    """A trial without `max_epochs` trains to the end, one listed again with more epochs goes on."""
    trials = [{**FIRST, "max_epochs": 2}, SECOND, {**FIRST, "max_epochs": 5}]

    assert jobs(FixedList(SPACE, 8, trials)) == ([(FIRST, 0, 2), (SECOND, 0, 8), (FIRST, 2, 5)], "exhausted")


def test_whole_numbers_may_be_floats():
    """A file may say 2.0 epochs, and 1 for a float."""
    assert jobs(FixedList(SPACE, 8, [{**FIRST, "rate": 1, "max_epochs": 2.0}])) == (
        [({**FIRST, "rate": 1.0}, 0, 2)],
        "exhausted",
    )


def test_the_list_is_not_touched():
    """What a scheduler is given stays as it was, whatever is done to what it suggests."""
    trials = [dict(FIRST)]

    FixedList(SPACE, 8, trials).suggest()["rate"] = 0.9

    assert trials == [FIRST]


def test_no_list_is_an_empty_one():
    """Without trials there is nothing to do."""
    assert jobs(FixedList(SPACE, 8)) == ([], "exhausted")


@pytest.mark.parametrize(
    ("trials", "message"),
    [
        (3, "need a list of tables"),
        ([3], "need a list of tables"),
        ([FIRST, {"rate": 0.1}], r"trials\[1\]: activation: missing"),
        ([{**FIRST, "rate": 7.0}], r"trials\[0\]: rate"),
        ([{**FIRST, "max_epochs": 9}], r"trials\[0\]: max_epochs = 9: need a whole number in 1\.\.8"),
        ([{**FIRST, "max_epochs": True}], r"trials\[0\]: max_epochs = True"),
    ],
)
def test_what_is_no_list_of_configurations_is_refused(trials, message):
    """The message says which trial, and what of it."""
    with pytest.raises(ValueError, match=message):
        FixedList(SPACE, 8, trials)

"""What a scheduler is told of its trials: configuration, error, and how training ended."""

import copy
import inspect
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from benchmark.tuning.tuner import AlgorithmError, Outcome, takes_info
from tests.benchmark.tuning.scripted import Endless, Script, config, drive, loop


def test_the_scheduler_is_told_what_it_suggested():
    """With a fidelity or without one: the configuration comes back complete, native, and no other key."""
    script = Script(config(x=np.float64(0.25), n=np.int64(2), max_epochs=np.int64(4)), config(x=1, n=4))

    jobs, _ = drive(loop(script, evaluations=9))

    assert script.updates == [(config(x=0.25, n=2, max_epochs=4), 0.25), (config(x=1.0, n=4), 1.0)]
    told = [value for suggestion, _ in script.updates for value in suggestion.values()]
    assert {type(value) for value in told} == {float, int, str}
    assert [job.epochs for job in jobs] == [4, 8]
    assert "max_epochs" not in jobs[0].config


@pytest.mark.parametrize("asked", [4, 4.0, np.int32(4), np.float32(4), np.uint8(4)], ids=repr)
def test_any_whole_number_is_a_fidelity(asked):
    """The book's `eta**k` gives floats, numpy its own integers."""
    jobs, _ = drive(loop(Script(config(max_epochs=asked)), evaluations=1))

    assert jobs[0].epochs == 4
    assert type(jobs[0].epochs) is int


def test_suggestions_are_not_mutated():
    """The scheduler's own objects stay as they were, and what it is told is not the job's."""
    suggestions = [config(max_epochs=1), config(x=0.1), config(max_epochs=2)]
    script = Script(*suggestions)
    before = copy.deepcopy(suggestions)

    jobs, _ = drive(loop(script, evaluations=9))

    assert suggestions == before
    for (told, _), job, suggestion in zip(script.updates, jobs, suggestions, strict=True):
        assert told is not suggestion
        assert told is not job.suggestion
        told["x"] = "spoilt"
        assert job.suggestion["x"] == suggestion["x"] == job.config["x"]


class Informed(Script):
    """A script that remembers what else it is told."""

    def __init__(self, *suggestions):
        super().__init__(*suggestions)
        self.infos = []

    def update(self, config, error, info=None):
        super().update(config, error)
        self.infos.append(info)


def ending(job):
    """Trials that end as their number says, promotions well."""
    state = ("ok", "diverged", "error", "crashed")[job.trial] if not job.start_epoch else "ok"
    reached = {"ok": job.epochs, "diverged": 3, "error": 0, "crashed": 0}[state]
    error = math.inf if state in ("error", "crashed") else 0.5
    return Outcome(error=error, epochs=reached, end=job.start + 1, state=state)


def test_the_scheduler_is_told_how_training_ended():
    """The epoch reached, not the one asked for, and the state of that evaluation, however the trial was before."""
    script = Informed(*(config(x=x / 10, max_epochs=4) for x in range(4)), config(x=0.1, max_epochs=8))

    drive(loop(script, evaluations=9), ending)

    assert script.infos == [
        {"epochs": 4, "state": "ok", "seconds": 1.0},
        {"epochs": 3, "state": "diverged", "seconds": 1.0},
        {"epochs": 0, "state": "error", "seconds": 1.0},
        {"epochs": 0, "state": "crashed", "seconds": 1.0},
        {"epochs": 8, "state": "ok", "seconds": 1.0},
    ]
    assert [error for _, error in script.updates] == [0.5, 0.5, math.inf, math.inf, 0.5]
    assert {type(value) for info in script.infos for value in info.values()} == {int, str, float}


def test_results_of_several_workers_come_with_their_own_info():
    """Results that overtake each other do not swap how they ended."""
    script = Informed(*(config(x=x / 10, max_epochs=4 + x) for x in range(4)))

    drive(
        loop(script, n_workers=4, evaluations=9),
        lambda job: Outcome(error=0.5, epochs=job.epochs - job.trial, end=9.0 - job.trial, state=f"of {job.trial}"),
    )

    assert [told["x"] for told, _ in script.updates] == [0.3, 0.2, 0.1, 0.0]
    assert script.infos == [{"epochs": 4, "state": f"of {trial}", "seconds": 9.0 - trial} for trial in (3, 2, 1, 0)]


def test_what_a_scheduler_does_to_its_info_is_its_own():
    """Every update has a dict to itself, and none comes back in a job or an outcome."""
    script = Informed(*(config(x=x / 10) for x in range(3)))
    outcome = Outcome(error=0.5, epochs=8, end=1.0, state="ok")
    infos = []

    def update(told, error, info=None):
        infos.append(dict(info))
        info.clear()

    script.update = update
    drive(loop(script, evaluations=3), lambda job: replace(outcome, end=job.start + 1))

    assert infos == [{"epochs": 8, "state": "ok", "seconds": 1.0}] * 3


def test_an_outcome_is_well_unless_it_says_otherwise():
    """What a notebook's plain function gives has ended as it should."""
    assert Outcome(error=0.5, epochs=1, end=1.0).state == "ok"


class TakesTwoArguments:
    """Takes a configuration and an error."""

    def update(self, config, error):
        self.update_arguments = (config, error)


class TakesInfoByNameOnly:
    """Takes the third argument by name only."""

    def update(self, config, error, *, info=None):
        self.update_arguments = (config, error, info)


class RequiresInfo:
    """Takes a third argument, without a default."""

    def update(self, config, error, info):
        self.update_arguments = (config, error, info)


class TakesAnyArguments(TakesTwoArguments):
    """Takes any number of arguments."""

    def update(self, *arguments):
        self.update_arguments = arguments


class HasUpdateOfSearcher(TakesTwoArguments):
    """Has a searcher's update, whose third argument has another name."""

    def update(self, config, error, additional_info=None):
        self.update_arguments = (config, error, additional_info)


class RequiresMoreThanInfo(TakesTwoArguments):
    """RequiresInfo more than there is."""

    def update(self, config, error, info, more):
        """Is never called."""


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        (TakesTwoArguments(), False),
        (TakesInfoByNameOnly(), False),
        (RequiresInfo(), True),
        (TakesAnyArguments(), True),
        (HasUpdateOfSearcher(), True),
        (RequiresMoreThanInfo(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_info_is_given_to_those_that_take_it(scheduler, expected):
    """By place, as the book's schedulers take it; an update of two arguments is called with two."""
    assert takes_info(scheduler) is expected
    scheduler.suggest = iter([config(max_epochs=4), None, None]).__next__

    if isinstance(scheduler, RequiresMoreThanInfo):
        with pytest.raises(AlgorithmError, match=r"update\(\) raised TypeError: .*'info' and 'more'"):
            drive(loop(scheduler, evaluations=1))
        return
    drive(loop(scheduler, evaluations=1), lambda job: Outcome(error=0.5, epochs=3, end=1.0, state="diverged"))

    info = {"epochs": 3, "state": "diverged", "seconds": 1.0} if expected else None
    assert scheduler.update_arguments == (
        config(max_epochs=4),
        0.5,
        *([] if isinstance(scheduler, TakesTwoArguments) and len(scheduler.update_arguments) == 2 else [info]),
    )


def test_an_update_without_a_signature_is_called_with_two():
    """Functions written in C may not tell what they take."""
    script = Script()
    script.update = {}.update
    with pytest.raises(ValueError, match="no signature"):
        inspect.signature(script.update)

    assert not takes_info(script)


def test_deciding_is_measured_and_handed_over_once(monkeypatch):
    """Time spent in suggest and update is in the next job, and not in the one after it."""
    ticks = itertools.count()
    monkeypatch.setattr("benchmark.tuning.tuner.time.perf_counter", lambda: float(next(ticks)))

    jobs, _ = drive(loop(Endless(), evaluations=4))

    assert [job.decide_seconds for job in jobs] == [1.0, 2.0, 2.0, 2.0]

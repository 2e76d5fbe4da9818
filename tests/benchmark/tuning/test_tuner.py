"""The tuning loop, driven by hand: budgets, promotions, workers, and algorithms that misbehave."""

import copy
import inspect
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.basic import BasicScheduler
from algorithms.schedulers.successive_halving import SuccessiveHalving
from algorithms.searchers.grid_search import GridSearch
from algorithms.searchers.random_search import RandomSearch
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import AlgorithmError, Outcome, TuningLoop, takes_info
from objectives.space import Categorical, Space

SPACE = Space({"x": stats.uniform(0, 1), "n": stats.randint(1, 10), "kind": Categorical(["a", "b"])})


def config(x=0.5, n=3, kind="a", **fidelity):
    """A configuration of the toy space."""
    return {"x": x, "n": n, "kind": kind, **fidelity}


class Script:
    """A scheduler that suggests a list of things, then nothing, and remembers what it is told."""

    def __init__(self, *suggestions):
        self.suggestions = list(suggestions)
        self.asked, self.told = 0, []

    def suggest(self):
        self.asked += 1
        return self.suggestions.pop(0) if self.suggestions else None

    def update(self, config, error, info=None):
        self.told.append((config, error))


class Endless:
    """A scheduler that never runs out of new configurations."""

    def __init__(self):
        self.asked = 0

    def suggest(self):
        self.asked += 1
        return config(x=self.asked / 1000)

    def update(self, config, error, info=None):
        """Learns nothing."""


def loop(scheduler, *, max_epochs=8, n_workers=1, resume=True, check=SPACE.check, **budget):
    """A tuning loop over the toy space."""
    return TuningLoop(
        scheduler, check=check, max_epochs=max_epochs, budget=Budget(**budget), n_workers=n_workers, resume=resume
    )


def drive(tuning, outcome=None):
    """Run a loop to its end; returns its jobs and its reason. An epoch costs a second unless told otherwise."""

    def trained(job):
        return Outcome(error=job.config["x"], epochs=job.epochs, end=job.start + job.epochs - job.start_epoch)

    steps, jobs = tuning.run(), []
    try:
        jobs.append(next(steps))
        while True:
            jobs.append(steps.send((outcome or trained)(jobs[-1])))
    except StopIteration as stop:
        return jobs, stop.value


# Budgets.


def test_a_budget_of_trials(tmp_path):
    """Configurations are counted; the run ends when a new one would be too many."""
    jobs, reason = drive(loop(Endless(), trials=5))

    assert [job.trial for job in jobs] == [0, 1, 2, 3, 4]
    assert reason == "budget"


def test_promotions_do_not_count_as_trials():
    """With every trial of the budget begun, promotions still go on; a new configuration ends the run."""
    script = Script(
        config(x=0.1, max_epochs=1), config(x=0.2, max_epochs=1), config(x=0.1, max_epochs=2), config(x=0.3)
    )

    jobs, reason = drive(loop(script, trials=2))

    assert [(job.trial, job.start_epoch, job.epochs) for job in jobs] == [(0, 0, 1), (1, 0, 1), (0, 1, 2)]
    assert reason == "budget"


def test_a_budget_of_evaluations_counts_promotions():
    """Trainings are counted, promoted or not."""
    script = Script(*(config(max_epochs=epochs) for epochs in (1, 2, 3, 4, 5)))

    jobs, reason = drive(loop(script, evaluations=3))

    assert [job.epochs for job in jobs] == [1, 2, 3]
    assert reason == "budget"
    assert script.asked == 3


def test_a_budget_of_epochs_counts_what_is_charged():
    """No evaluation starts once the charged epochs reach the budget; the last may go beyond it."""
    script = Script(*(config(x=x, max_epochs=3) for x in (0.1, 0.2, 0.3, 0.4)))

    jobs, reason = drive(loop(script, epochs=7))

    assert len(jobs) == 3
    assert reason == "budget"
    assert len(drive(loop(Endless(), epochs=16))[0]) == 2


def test_a_budget_of_runtime_ends_at_its_reading():
    """An evaluation that begins before the limit is trained; none begins at it."""
    jobs, reason = drive(loop(Endless(), runtime=24.0))

    assert [job.start for job in jobs] == [0.0, 8.0, 16.0]
    assert reason == "budget"
    assert len(drive(loop(Endless(), runtime=24.1))[0]) == 4


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ({"trials": 4, "evaluations": 3}, 3),
        ({"trials": 2, "evaluations": 3}, 2),
        ({"trials": 9, "epochs": 17}, 3),
        ({"epochs": 800, "runtime": 9.0}, 2),
        ({"trials": 9, "evaluations": 9, "epochs": 900, "runtime": 900.0}, 9),
    ],
)
def test_the_first_limit_reached_ends_the_run(budget, expected):
    """Of several limits the first one counts."""
    jobs, reason = drive(loop(Endless(), **budget))

    assert (len(jobs), reason) == (expected, "budget")


def test_a_spent_budget_asks_for_nothing():
    """The scheduler is not asked for a suggestion that could not be trained."""
    endless = Endless()
    drive(loop(endless, evaluations=3))

    assert endless.asked == 3


def test_an_objective_that_always_fails_spends_a_budget_of_epochs():
    """An evaluation that trained nothing counts as an epoch, so a run of failures ends."""

    def failed(job):
        return Outcome(error=math.inf, epochs=job.start_epoch, end=job.start)

    jobs, reason = drive(loop(Endless(), epochs=12), failed)

    assert (len(jobs), reason) == (12, "budget")


def test_a_scheduler_with_nothing_left_is_exhausted():
    """None with nothing running ends the run, at once or after some trials."""
    assert drive(loop(Script(), trials=5)) == ([], "exhausted")
    jobs, reason = drive(loop(Script(config(), config(x=0.1)), trials=5))
    assert (len(jobs), reason) == (2, "exhausted")


def test_a_used_up_grid_is_exhausted():
    """Grid search ends its run when every point is tried."""
    grid = GridSearch(SPACE, rng=np.random.default_rng(0), levels=2)

    jobs, reason = drive(loop(BasicScheduler(grid), trials=100))

    assert (len(jobs), reason) == (8, "exhausted")
    assert len({tuple(job.config.items()) for job in jobs}) == 8


# Trials and promotions.


def test_a_promoted_trial_keeps_its_number_and_is_charged_what_is_added():
    """The same configuration with a larger fidelity continues from the epoch reached."""
    script = Script(config(max_epochs=1), config(x=0.9, max_epochs=1), config(max_epochs=4), config())
    tuning = loop(script, evaluations=9)

    jobs, _ = drive(tuning)

    assert [(job.index, job.trial, job.start_epoch, job.epochs) for job in jobs] == [
        (0, 0, 0, 1),
        (1, 1, 0, 1),
        (2, 0, 1, 4),
        (3, 0, 4, 8),
    ]
    assert [job.start for job in jobs] == [0.0, 1.0, 2.0, 5.0]
    assert tuning.charged_epochs == 1 + 1 + 3 + 4


def test_without_resume_a_promoted_trial_is_charged_in_full():
    """`resume = False` keeps the number but trains and charges from the beginning."""
    script = Script(config(max_epochs=1), config(max_epochs=4), config(max_epochs=8))
    tuning = loop(script, resume=False, evaluations=9)

    jobs, _ = drive(tuning)

    assert [(job.trial, job.start_epoch, job.epochs) for job in jobs] == [(0, 0, 1), (0, 0, 4), (0, 0, 8)]
    assert [job.start for job in jobs] == [0.0, 1.0, 5.0]
    assert tuning.charged_epochs == 13


@pytest.mark.parametrize("fidelities", [(8, 8), (None, None), (4, 4), (4, 2), (None, 1)])
def test_a_duplicate_at_a_fidelity_already_reached_is_a_new_trial(fidelities):
    """Nothing is left to train of the old trial: it is trained and charged again under a new number."""
    suggestions = [config() if asked is None else config(max_epochs=asked) for asked in fidelities]
    tuning = loop(Script(*suggestions), evaluations=9)

    jobs, _ = drive(tuning)

    assert [(job.trial, job.start_epoch) for job in jobs] == [(0, 0), (1, 0)]
    assert jobs[0].config == jobs[1].config
    assert tuning.charged_epochs == sum(job.epochs for job in jobs)


def test_of_several_alike_the_one_least_trained_first_is_continued():
    """A promotion of a configuration that has two trials continues one that is below its fidelity."""
    script = Script(config(max_epochs=4), config(max_epochs=2), config(max_epochs=4), config(max_epochs=8))

    jobs, _ = drive(loop(script, evaluations=9))

    assert [(job.trial, job.start_epoch, job.epochs) for job in jobs] == [(0, 0, 4), (1, 0, 2), (1, 2, 4), (0, 4, 8)]


def test_a_running_trial_is_not_continued_twice():
    """While a trial trains, the same configuration suggested to another worker is a new trial."""
    script = Script(config(max_epochs=2), config(max_epochs=4))

    jobs, _ = drive(loop(script, n_workers=2, evaluations=9))

    assert [(job.trial, job.start_epoch) for job in jobs] == [(0, 0), (1, 0)]


def test_a_diverged_trial_can_be_promoted():
    """A trial that ended early goes on from the epoch it reached, and is charged at least an epoch."""
    script = Script(config(max_epochs=4), config(max_epochs=8))
    tuning = loop(script, evaluations=9)

    jobs, _ = drive(tuning, lambda job: Outcome(error=0.9, epochs=3, end=job.start + 1))

    assert [(job.trial, job.start_epoch, job.epochs) for job in jobs] == [(0, 0, 4), (0, 3, 8)]
    assert tuning.charged_epochs == 3 + 1
    assert [error for _, error in script.told] == [0.9, 0.9]


def test_a_crashed_trial_is_trained_from_the_beginning():
    """A trial that reached no epoch keeps its number and its infinite error is told."""
    script = Script(config(max_epochs=4), config(max_epochs=8))

    jobs, _ = drive(loop(script, evaluations=9), lambda job: Outcome(error=math.inf, epochs=0, end=job.start + 1))

    assert [(job.trial, job.start_epoch) for job in jobs] == [(0, 0), (0, 0)]
    assert [error for _, error in script.told] == [math.inf, math.inf]


def test_signed_zeros_are_two_configurations():
    """-0.0 and 0.0 have different digests, hence seeds, so they are not one trial."""
    space = Space({"x": stats.uniform(-1, 2)})
    script = Script({"x": 0.0, "max_epochs": 1}, {"x": -0.0, "max_epochs": 2}, {"x": 0.0, "max_epochs": 2})

    jobs, _ = drive(loop(script, check=space.check, evaluations=9))

    assert [(job.trial, job.start_epoch) for job in jobs] == [(0, 0), (1, 0), (0, 1)]


def test_values_that_cannot_be_hashed_are_configurations_too():
    """A notebook's own objective may take lists; promotions of them are found."""
    script = Script({"layers": [64, 32], "max_epochs": 1}, {"layers": [64, 32], "max_epochs": 3})

    jobs, _ = drive(
        loop(script, check=dict, max_epochs=None, evaluations=9), lambda job: Outcome(error=1, epochs=1, end=0)
    )

    assert [job.trial for job in jobs] == [0, 0]


def test_successive_halving_by_hand():
    """One round of 4 at 1 epoch, 2 at 2 and 1 at 4, resumed: charged 4 + 2 + 2 epochs."""
    searcher = RandomSearch(SPACE, rng=np.random.default_rng(0))
    tuning = loop(SuccessiveHalving(searcher, max_epochs=4), max_epochs=4, evaluations=7)

    jobs, _ = drive(tuning)

    assert [(job.start_epoch, job.epochs) for job in jobs] == [(0, 1)] * 4 + [(1, 2)] * 2 + [(2, 4)]
    ranked = sorted(range(4), key=lambda trial: jobs[trial].config["x"])
    assert [job.trial for job in jobs[4:]] == [ranked[0], ranked[1], ranked[0]]
    assert tuning.charged_epochs == 8


# What the scheduler sees.


def test_the_scheduler_is_told_what_it_suggested():
    """With a fidelity or without one: the configuration comes back complete, native, and no other key."""
    script = Script(config(x=np.float64(0.25), n=np.int64(2), max_epochs=np.int64(4)), config(x=1, n=4))

    jobs, _ = drive(loop(script, evaluations=9))

    assert script.told == [(config(x=0.25, n=2, max_epochs=4), 0.25), (config(x=1.0, n=4), 1.0)]
    told = [value for suggestion, _ in script.told for value in suggestion.values()]
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
    for (told, _), job, suggestion in zip(script.told, jobs, suggestions, strict=True):
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
    assert [error for _, error in script.told] == [0.5, 0.5, math.inf, math.inf, 0.5]
    assert {type(value) for info in script.infos for value in info.values()} == {int, str, float}


def test_results_of_several_workers_come_with_their_own_info():
    """Results that overtake each other do not swap how they ended."""
    script = Informed(*(config(x=x / 10, max_epochs=4 + x) for x in range(4)))

    drive(
        loop(script, n_workers=4, evaluations=9),
        lambda job: Outcome(error=0.5, epochs=job.epochs - job.trial, end=9.0 - job.trial, state=f"of {job.trial}"),
    )

    assert [told["x"] for told, _ in script.told] == [0.3, 0.2, 0.1, 0.0]
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


class Two:
    """Takes a configuration and an error."""

    def update(self, config, error):
        self.told = (config, error)


class Named:
    """Takes what else there is by name only."""

    def update(self, config, error, *, info=None):
        self.told = (config, error, info)


class Needs:
    """Cannot do without."""

    def update(self, config, error, info):
        self.told = (config, error, info)


class Takes(Two):
    """Takes whatever comes."""

    def update(self, *told):
        self.told = told


class Searching(Two):
    """Has a searcher's update, whose third argument has another name."""

    def update(self, config, error, additional_info=None):
        self.told = (config, error, additional_info)


class Demanding(Two):
    """Needs more than there is."""

    def update(self, config, error, info, more):
        """Is never called."""


@pytest.mark.parametrize(
    ("made", "expected"),
    [(Two(), False), (Named(), False), (Needs(), True), (Takes(), True), (Searching(), True), (Demanding(), False)],
    ids=lambda value: type(value).__name__,
)
def test_info_is_given_to_those_that_take_it(made, expected):
    """By place, as the book's schedulers take it; an update of two arguments is called with two."""
    assert takes_info(made) is expected
    made.suggest = iter([config(max_epochs=4), None, None]).__next__

    if isinstance(made, Demanding):
        with pytest.raises(AlgorithmError, match=r"update\(\) raised TypeError: .*'info' and 'more'"):
            drive(loop(made, evaluations=1))
        return
    drive(loop(made, evaluations=1), lambda job: Outcome(error=0.5, epochs=3, end=1.0, state="diverged"))

    info = {"epochs": 3, "state": "diverged", "seconds": 1.0} if expected else None
    assert made.told == (config(max_epochs=4), 0.5, *([] if isinstance(made, Two) and len(made.told) == 2 else [info]))


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


# Several workers.


def test_three_workers_by_hand():
    """Discrete events: results arrive in order of their ends, jobs start where a worker is free.

    Durations 5, 2, 4, 1, 1, 3. Workers start jobs 0, 1, 2 at 0. Job 1 ends at 2 and job 3 runs 2..3;
    job 4 runs 3..4. Job 2 also ends at 4: it started first, so it is told first, and job 5 starts
    at 4, before job 4 is told. Then job 0 at 5 and job 5 at 7.
    """
    script = Script(*(config(x=x / 10) for x in range(6)))
    tuning = loop(script, n_workers=3, evaluations=99)
    durations = [5, 2, 4, 1, 1, 3]

    jobs, reason = drive(
        tuning, lambda job: Outcome(error=job.config["x"], epochs=8, end=job.start + durations[job.index])
    )

    assert [job.start for job in jobs] == [0, 0, 0, 2, 3, 4]
    assert [told["x"] for told, _ in script.told] == [0.1, 0.3, 0.2, 0.4, 0.0, 0.5]
    assert (tuning.now, reason) == (7, "exhausted")


def test_a_scheduler_that_waits_is_asked_again_after_each_result():
    """None with jobs running means: wait. Workers stay idle until a result unlocks the next suggestion."""

    class Waits(Script):
        """Suggests the second half once it was told of three results."""

        def suggest(self):
            if len(self.suggestions) == 2 and len(self.told) < 3:
                self.asked += 1
                return None
            return super().suggest()

    script = Waits(*(config(x=x / 10) for x in range(5)))
    durations = [1, 2, 6, 1, 1]

    jobs, reason = drive(
        loop(script, n_workers=3, evaluations=99),
        lambda job: Outcome(error=0, epochs=8, end=job.start + durations[job.index]),
    )

    assert [job.start for job in jobs] == [0, 0, 0, 6, 6]
    assert reason == "exhausted"


def test_running_jobs_are_told_after_the_budget_is_spent():
    """What is under way when the budget ends is waited for and told."""
    script = Script(*(config(x=x / 10) for x in range(9)))

    jobs, reason = drive(
        loop(script, n_workers=3, runtime=5.0), lambda job: Outcome(error=0, epochs=8, end=job.start + 4)
    )

    assert [job.start for job in jobs] == [0, 0, 0, 4, 4, 4]
    assert (len(script.told), reason) == (6, "budget")


@pytest.mark.parametrize("budget", [{"trials": 7}, {"evaluations": 7}, {"epochs": 7}])
def test_workers_change_the_clock_not_the_count(budget):
    """As many jobs are started by many workers as by one, at earlier readings."""
    outcome = lambda job: Outcome(error=0, epochs=1, end=job.start + 1)  # noqa: E731 (as short as it gets)

    one, _ = drive(loop(Endless(), max_epochs=1, **budget), outcome)
    many, _ = drive(loop(Endless(), max_epochs=1, n_workers=3, **budget), outcome)

    assert [job.start for job in one] == [0, 1, 2, 3, 4, 5, 6]
    assert [job.start for job in many] == [0, 0, 0, 1, 1, 1, 2]


# Algorithms that misbehave.


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        ([0.5, 3, "a"], r"\[0\.5, 3, 'a'\]: need a configuration \(a dict\) or None"),
        ("x", "'x': need a configuration"),
        (0.5, "0.5: need a configuration"),
        (False, "False: need a configuration"),
        (len, "built-in function len.*need a configuration"),
        ({}, "x: missing from configuration"),
        ({"x": 0.5, "n": 3}, "kind: missing from configuration"),
        ({"max_epochs": 3}, "x: missing"),
        (config(y=1), "'y': no such hyperparameter"),
        ({**config(), 3: 4}, "3: no such hyperparameter"),
        (config(x=1.5), r"x = 1\.5: outside \[0\.0, 1\.0\]"),
        (config(x=-1e-9), "x = -1e-09: outside"),
        (config(x=math.nan), "x = nan: outside"),
        (config(x=math.inf), "x = inf: outside"),
        (config(x=10**400), "x = inf: outside"),
        (config(x="0.5"), "x = '0.5': not a number"),
        (config(x=None), "x = None: not a number"),
        (config(x=True), "x = True: not a number"),
        (config(x=0.5 + 0j), r"x = \(0\.5\+0j\): not a number"),
        (config(x=[0.5]), r"x = \[0\.5\]: not a number"),
        (config(x=np.array([0.5, 0.6])), "x = array.*: not a number"),
        (config(n=0), r"n = 0: outside 1\.\.9"),
        (config(n=10), r"n = 10: outside 1\.\.9"),
        (config(n=3.5), r"n = 3\.5: not an integer"),
        (config(n=True), "n = True: not an integer"),
        (config(kind="c"), "kind = 'c': not one of"),
        (config(kind=1), "kind = 1: not one of"),
        (config(max_epochs=0), r"max_epochs = 0: need a whole number in 1\.\.8"),
        (config(max_epochs=-1), "max_epochs = -1: need"),
        (config(max_epochs=9), "max_epochs = 9: need"),
        (config(max_epochs=1.5), r"max_epochs = 1\.5: need"),
        (config(max_epochs=True), "max_epochs = True: need"),
        (config(max_epochs=np.True_), r"max_epochs = (np\.)?True_?: need"),
        (config(max_epochs="4"), "max_epochs = '4': need"),
        (config(max_epochs=None), "max_epochs = None: need"),
        (config(max_epochs=math.nan), "max_epochs = nan: need"),
        (config(max_epochs=math.inf), "max_epochs = inf: need"),
        (config(max_epochs=10**30), "max_epochs = 1000000000000000000000000000000: need"),
        (config(max_epochs=[4]), r"max_epochs = \[4\]: need"),
        (config(max_epochs=np.array([1, 2])), "max_epochs = array.*: need"),
    ],
    ids=str,
)
def test_an_impossible_suggestion_is_an_error_that_names_the_value(suggestion, message):
    """What cannot be trained is refused with the value and what is allowed."""
    tuning = loop(Script(config(x=0.1), suggestion), evaluations=9)

    with pytest.raises(AlgorithmError, match=rf"suggest\(\) returned .*{message}"):
        drive(tuning)

    assert tuning.started == 1


def test_without_a_full_fidelity_any_positive_number_is_one():
    """A plain function's own epochs are unknown: only zero and less are refused."""
    jobs, _ = drive(loop(Script(config(max_epochs=10**6)), max_epochs=None, evaluations=1))
    assert jobs[0].epochs == 10**6

    with pytest.raises(AlgorithmError, match=r"max_epochs = 0: need a whole number >= 1"):
        drive(loop(Script(config(max_epochs=0)), max_epochs=None, evaluations=1))


class TextRaises(Exception):
    """An exception that cannot be printed."""

    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (KeyError("lr"), "KeyError: 'lr'"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration(), "StopIteration"),
        (ZeroDivisionError("a\nb"), "ZeroDivisionError: a b"),
        (TextRaises(), "TextRaises: <exception str"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("method", ["suggest", "update"])
def test_what_a_scheduler_raises_is_an_algorithm_error(method, error, text):
    """Whatever it raises, in suggest or in update, is an error with its type and text, and the cause."""

    class Raises(Script):
        """Raises in one of its methods."""

    def fail(self, *arguments):
        raise error

    setattr(Raises, method, fail)

    with pytest.raises(AlgorithmError, match=rf"{method}\(\) raised .*{text}") as caught:
        drive(loop(Raises(config()), evaluations=9))

    assert caught.value.__cause__ is error


def test_an_interrupt_in_a_scheduler_passes_through():
    """Ctrl-C is not the algorithm's fault."""

    class Interrupted(Script):
        """Is interrupted while it decides."""

        def suggest(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(loop(Interrupted(), evaluations=9))


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(error=math.nan, epochs=8, end=1.0),
        Outcome(error=0.5, epochs=8, end=math.nan),
        Outcome(error=0.5, epochs=8, end=-1.0),
    ],
    ids=["nan-error", "nan-end", "end-before-start"],
)
def test_an_impossible_outcome_is_refused(outcome):
    """NaN never enters a ranking, and time does not run backwards."""
    script = Script(config())

    with pytest.raises(ValueError, match="the error must not be NaN, nor the end before"):
        drive(loop(script, evaluations=9), lambda job: outcome)

    assert script.told == []

"""The tuning loop, driven by hand: budgets, promotions, workers, and algorithms that misbehave."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.basic import BasicScheduler
from algorithms.schedulers.successive_halving import SuccessiveHalving
from algorithms.searchers.grid_search import GridSearch
from algorithms.searchers.random_search import RandomSearch
from benchmark.tuning.tuner import Outcome
from objectives.space import Space
from tests.benchmark.tuning.scripted import SPACE, Endless, Script, config, drive, loop

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


@pytest.mark.parametrize(("reached", "error"), [(3, 0.9), (0, math.inf)], ids=["diverged", "failed"])
def test_a_configuration_that_ended_early_is_a_new_trial_when_it_is_asked_again(reached, error):
    """So a searcher that proposes nothing else spends its budget of trials."""
    tuning = loop(Endless(), trials=5)

    jobs, reason = drive(tuning, lambda job: Outcome(error=error, epochs=reached, end=job.start + 1))

    assert ([(job.trial, job.start_epoch) for job in jobs], reason) == ([(n, 0) for n in range(5)], "budget")


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
    assert [error for _, error in script.updates] == [0.9, 0.9]


def test_a_crashed_trial_is_trained_from_the_beginning():
    """A trial that reached no epoch keeps its number and its infinite error is told."""
    script = Script(config(max_epochs=4), config(max_epochs=8))

    jobs, _ = drive(loop(script, evaluations=9), lambda job: Outcome(error=math.inf, epochs=0, end=job.start + 1))

    assert [(job.trial, job.start_epoch) for job in jobs] == [(0, 0), (0, 0)]
    assert [error for _, error in script.updates] == [math.inf, math.inf]


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
    assert [told["x"] for told, _ in script.updates] == [0.1, 0.3, 0.2, 0.4, 0.0, 0.5]
    assert (tuning.now, reason) == (7, "exhausted")


def test_a_scheduler_that_waits_is_asked_again_after_each_result():
    """None with jobs running means: wait. Workers stay idle until a result unlocks the next suggestion."""

    class Waits(Script):
        """Suggests the second half once it was told of three results."""

        def suggest(self):
            if len(self.suggestions) == 2 and len(self.updates) < 3:
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
    assert (len(script.updates), reason) == (6, "budget")


@pytest.mark.parametrize("budget", [{"trials": 7}, {"evaluations": 7}, {"epochs": 7}])
def test_workers_change_the_clock_not_the_count(budget):
    """As many jobs are started by many workers as by one, at earlier readings."""
    outcome = lambda job: Outcome(error=0, epochs=1, end=job.start + 1)  # noqa: E731 (as short as it gets)

    one, _ = drive(loop(Endless(), max_epochs=1, **budget), outcome)
    many, _ = drive(loop(Endless(), max_epochs=1, n_workers=3, **budget), outcome)

    assert [job.start for job in one] == [0, 1, 2, 3, 4, 5, 6]
    assert [job.start for job in many] == [0, 0, 0, 1, 1, 1, 2]

"""Median stopping: an example by hand, what becomes of its trials, and what is refused."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.basic import BasicScheduler
from algorithms.schedulers.median_stopping import MedianStopping
from algorithms.searchers.regularized_evolution import RegularizedEvolution
from benchmark.checking import subject
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.space import FIDELITY, Condition, Space
from tests.algorithms import driving
from tests.algorithms.scripted import Listed

SPACE = Space({"x": stats.uniform(0, 1000)})


def drive(scheduler, error_of, max_epochs, n_workers=1, space=SPACE, **budget):
    """Run the tuning loop with one second an epoch: its jobs, its loop, and why it stopped."""
    options = {"max_epochs": max_epochs, "budget": Budget(**budget), "n_workers": n_workers}
    return subject.drive(scheduler, space, lambda job: error_of(job.config, job.epochs), driving.punctual, **options)


def run(scheduler, error_of, max_epochs, **options):
    """What is trained until the searcher has nothing left: (x, until epoch)."""
    jobs, _, stopped = drive(scheduler, error_of, max_epochs, **options)
    assert stopped == "exhausted"
    return [(job.config["x"], job.epochs) for job in jobs]


# The errors after epochs 1 to 4 of the example; running averages of completed trials in brackets.
EXAMPLE = {
    1: [8.0, 6.0, 4.0, 2.0],  # One of the first two, so complete [8 7 6 5].
    2: [6.0, 6.0, 3.0, 1.0],  # The other [6 6 5 4]; now the medians are 7, 6.5, 5.5, 4.5.
    3: [7.0, 7.0, 0.0, 0.0],  # 7 is not worse than 7; 7 is worse than 6.5: stopped after 2.
    4: [9.0, 0.0, 0.0, 0.0],  # 9 is worse than 7: stopped after 1.
    5: [5.0, 9.0, 9.0, 9.0],  # Its best, 5, is below 7, 6.5 and 5.5: complete [5 7 23/3 8]; medians 6, 7, 6, 5.
    6: [6.5, 0.0, 0.0, 0.0],  # 6.5 is worse than 6: stopped after 1.
    7: [4.0, math.inf, 0.0, 0.0],  # Crashed in epoch 2: not continued, and in no median.
    8: [6.0, 6.0, 6.0, 0.0],  # 6 is not worse than 6, 7 and 6: complete [6 6 6 4.5]; medians 6, 6.5, 6, 4.75.
    9: [7.0, 0.0, 0.0, 0.0],  # 7 is worse than 6: stopped after 1.
    10: [6.0, 8.0, 7.0, 0.0],  # 6 is not worse than 6, 6.5 and 6, and complete.
}
LAST_EPOCHS = {1: 4, 2: 4, 3: 2, 4: 1, 5: 4, 6: 1, 7: 2, 8: 4, 9: 1, 10: 4}


def example_error(config, epochs):
    return EXAMPLE[config["x"]][epochs - 1]


def test_an_example_by_hand():
    """Every trial goes on at once, epoch by epoch, until the rule stops it or it is complete."""
    scheduler = MedianStopping(Listed(EXAMPLE), max_epochs=4, min_trials=2)
    evaluated = run(scheduler, example_error, 4)
    assert evaluated == [(x, epoch) for x, last in LAST_EPOCHS.items() for epoch in range(1, last + 1)]


def test_charged_epochs_of_the_example():
    """Each checkpoint costs its own epoch and no other: 27 in all instead of 40."""
    scheduler = MedianStopping(Listed(EXAMPLE), max_epochs=4, min_trials=2)
    jobs, loop, _ = drive(scheduler, example_error, 4)
    assert [(job.start_epoch, job.epochs) for job in jobs] == [(job.epochs - 1, job.epochs) for job in jobs]
    assert loop.charged_epochs == sum(LAST_EPOCHS.values()) == 27
    assert loop.trial_count == 10
    assert [job.trial + 1 for job in jobs] == [job.config["x"] for job in jobs]


def test_the_example_with_grace():
    """Under a grace of two epochs trials 4, 6 and 9 go on to their zeros, which lower the bar for 8 and 10."""
    scheduler = MedianStopping(Listed(EXAMPLE), max_epochs=4, min_trials=2, grace_epochs=2)
    evaluated = run(scheduler, example_error, 4)
    last_epochs = {x: max(epoch for other, epoch in evaluated if other == x) for x in EXAMPLE}
    # 4 completes [9 4.5 3 2.25] and 6 [6.5 3.25 2.17 1.63]: the third median is that of 6 5 3 7.67 2.17, and 8's
    # best is 6 > 5. 9 completes [7 3.5 2.33 1.75]: the second is of 7 6 4.5 7 3.25 3.5, and 10's best is 6 > 5.25.
    assert last_epochs == {1: 4, 2: 4, 3: 2, 4: 4, 5: 4, 6: 4, 7: 2, 8: 3, 9: 4, 10: 2}


def test_the_example_with_one_complete_trial():
    """The paper's rule: from the first complete trial on, whose averages are 8, 7, 6 and 5, all are judged."""
    scheduler = MedianStopping(Listed(EXAMPLE), max_epochs=4, min_trials=1)
    # 2 completes as before, so nothing after it changes.
    assert run(scheduler, example_error, 4) == [
        (x, epoch) for x, last in LAST_EPOCHS.items() for epoch in range(1, last + 1)
    ]
    worse_second = {1: [8.0, 6.0], 2: [9.0, 0.0], 3: [8.0, 7.5]}  # Medians of the first alone: 8, 7.
    scheduler = MedianStopping(Listed(worse_second), max_epochs=2, min_trials=1)
    evaluated = run(scheduler, lambda config, epochs: worse_second[config["x"]][epochs - 1], 2)
    assert evaluated == [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]


def test_stopped_trials_are_in_no_median():
    """Many bad trials that were stopped do not make the next one look good."""
    errors = {1: [5.0, 5.0], **{x: [9.0, 9.0] for x in range(2, 20)}}
    scheduler = MedianStopping(Listed(errors), max_epochs=2, min_trials=1)
    evaluated = run(scheduler, lambda config, epochs: errors[config["x"]][epochs - 1], 2)
    assert evaluated == [(1, 1), (1, 2), *((x, 1) for x in range(2, 20))]


@pytest.mark.parametrize(
    ("max_epochs", "interval", "checkpoints"),
    [
        (4, 1, [1, 2, 3, 4]),
        (9, 3, [3, 6, 9]),
        (10, 3, [3, 6, 9, 10]),
        (10, 4, [4, 8, 10]),
        (5, 5, [5]),
        (1, 1, [1]),
    ],
)
def test_checkpoints(max_epochs, interval, checkpoints):
    """A trial pauses after every interval and ends at the full epochs, with the last interval shorter if need be."""
    scheduler = MedianStopping(Listed([1, 2]), max_epochs=max_epochs, interval=interval)
    jobs, loop, _ = drive(scheduler, lambda config, epochs: 0.5, max_epochs)
    assert [(job.config["x"], job.epochs) for job in jobs] == [(x, epochs) for x in (1, 2) for epochs in checkpoints]
    assert loop.charged_epochs == 2 * max_epochs


def test_averages_are_over_checkpoints():
    """With an interval of 2 a step is a checkpoint: errors of the epochs between are not seen."""
    errors = {1: {2: 8.0, 4: 6.0, 5: 1.0}, 2: {2: 8.5}, 3: {2: 8.0, 4: 7.5}, 4: {2: 7.0, 4: 9.0, 5: 0.0}}
    scheduler = MedianStopping(Listed(errors), max_epochs=5, interval=2, min_trials=1)
    # The averages of trial 1 are 8, 7 and 5.
    evaluated = run(scheduler, lambda config, epochs: errors[config["x"]][epochs], 5)
    assert evaluated == [(1, 2), (1, 4), (1, 5), (2, 2), (3, 2), (3, 4), (4, 2), (4, 4), (4, 5)]


@pytest.mark.parametrize("info", [{"epochs": 1}, {"epochs": 2, "state": "diverged"}], ids=str)
def test_diverged_trials_are_not_continued_where_that_is_told(info):
    """One that ended before its time is dropped and in no median, whatever its error."""
    scheduler = MedianStopping(Listed([1, 2, 3]), max_epochs=3, min_trials=1)
    for epochs, told in ((1, {"epochs": 1, "state": "ok"}), (2, info)):
        suggestion = scheduler.suggest()
        assert suggestion == {"x": 1, FIDELITY: epochs}
        scheduler.update(suggestion, 0.1, info=told)
    for epochs in (1, 2, 3):
        suggestion = scheduler.suggest()
        assert suggestion == {"x": 2, FIDELITY: epochs}
        scheduler.update(suggestion, 0.9, info={"epochs": epochs})
    assert [len(averages) for averages in scheduler.averages] == [1, 1, 1]
    assert scheduler.suggest() == {"x": 3, FIDELITY: 1}


def test_a_diverged_trial_is_charged_the_epochs_it_trained():
    """Asked for 4 more epochs it diverged after 2 of them: 6 are charged, and no further ones."""
    scheduler = MedianStopping(Listed([1, 2]), max_epochs=12, interval=4)
    loop = TuningLoop(scheduler, check=SPACE.check, max_epochs=12, budget=Budget())
    steps = loop.run()
    assert [next(steps).epochs, steps.send(Outcome(error=0.3, epochs=4, end=4.0)).epochs] == [4, 8]
    job = steps.send(Outcome(error=0.9, epochs=6, end=6.0, state="diverged"))
    assert (job.config["x"], job.start_epoch, job.epochs) == (2, 0, 4)
    assert loop.charged_epochs == 6


def test_a_trial_that_crashes_in_its_last_epoch_is_in_no_median():
    """An error of +inf at the end completes nothing."""
    errors = {1: [0.1, math.inf], 2: [0.9, 0.9], 3: [0.95, 0.9], 4: [0.9, 0.9]}
    scheduler = MedianStopping(Listed(errors), max_epochs=2, min_trials=1)
    evaluated = run(scheduler, lambda config, epochs: errors[config["x"]][epochs - 1], 2)
    assert evaluated == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_equal_configurations_are_trials_of_their_own(n_workers):
    """A value proposed again and again trains to the end each time, and counts in the median each time."""
    scheduler = MedianStopping(Listed([5] * 9), max_epochs=3, min_trials=1)
    jobs, loop, _ = drive(scheduler, lambda config, epochs: 1 / epochs, 3, n_workers)
    assert loop.trial_count == 9
    assert loop.charged_epochs == 27
    assert len(jobs) == 27
    assert [len(averages) for averages in scheduler.averages] == [9, 9, 9]
    assert scheduler.curves == {}


def test_trials_go_on_in_the_order_of_their_results():
    """Several results before the next suggestion are continued one by one, before anything new."""
    scheduler = MedianStopping(Listed([1, 2, 3, 4]), max_epochs=2)
    first = [scheduler.suggest() for _ in range(3)]
    for number in (2, 0, 1):
        scheduler.update(first[number], 0.5)
    suggested = [scheduler.suggest() for _ in range(5)]
    assert suggested == [*({"x": x, FIDELITY: 2} for x in (3, 1, 2)), {"x": 4, FIDELITY: 1}, None]


def test_the_searcher_is_told_every_checkpoint():
    """Every result reaches the searcher with its fidelity, also of trials that were stopped."""
    scheduler = MedianStopping(Listed(EXAMPLE), max_epochs=4, min_trials=2)
    evaluated = run(scheduler, example_error, 4)
    assert [entry[:3] for entry in scheduler.searcher.told] == [(x, e, EXAMPLE[x][e - 1]) for x, e in evaluated]


def test_a_searchers_own_number_types_do_not_break_a_curve():
    """What the tuner made native, or left out because it does not count, still is the same trial."""
    space = Space(
        {"layers": stats.randint(1, 3), "width": stats.uniform(0, 10)},
        conditions={"width": Condition(parent="layers", values=(2,))},
    )

    class Careless(Listed):
        def __init__(self):
            self.ahead = iter([{"width": np.float32(0.1), "layers": np.int64(1 + i // 2)} for i in range(4)])

        def update(self, config, error, additional_info=None):
            pass

    errors = {1: [8.0, 6.0, 4.0], 2: [8.0, 8.0, 0.0]}  # The averages 8, 7 and 6 stop layers = 2 after 2 epochs.
    scheduler = MedianStopping(Careless(), max_epochs=3, min_trials=1)
    jobs, _, _ = drive(scheduler, lambda config, e: errors[config["layers"]][e - 1], 3, space=space)
    assert [(job.config["layers"], job.epochs) for job in jobs] == [
        *((1, 1), (1, 2), (1, 3)) * 2,
        *((2, 1), (2, 2)) * 2,
    ]


def test_the_searchers_configuration_is_copied():
    """The fidelity is written into a copy."""
    proposed = {"x": 0.5}

    class One:
        def sample_configuration(self):
            return proposed

        def update(self, config, error, additional_info=None):
            pass

    scheduler = MedianStopping(One(), max_epochs=4)
    assert scheduler.suggest() == {"x": 0.5, FIDELITY: 1}
    assert proposed == {"x": 0.5}


@pytest.mark.parametrize("n_workers", [1, 3])
def test_it_saves_epochs_and_finds_as_good_a_trial(n_workers):
    """On curves that keep their order it reaches the same best error with far fewer epochs."""
    space = Space({name: stats.uniform(0, 1) for name in "abc"})

    def error_of(config, epochs):
        return sum((value - 0.7) ** 2 for value in config.values()) + 1 / epochs

    def trial_run(make):
        searcher = RegularizedEvolution(space, rng=np.random.default_rng(0), population_size=100)
        jobs, loop, _ = drive(make(searcher), error_of, 10, n_workers, space=space, trials=100)
        return min(error_of(job.config, job.epochs) for job in jobs), loop.charged_epochs

    best, epochs = trial_run(lambda searcher: MedianStopping(searcher, max_epochs=10))
    full_best, full_epochs = trial_run(BasicScheduler)
    assert best == full_best
    assert full_epochs == 1000
    assert epochs < 500


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"grace_epochs": 0}, r"grace_epochs = 0: need a whole number in 1\.\.9"),
        ({"grace_epochs": 10}, r"grace_epochs = 10: need a whole number in 1\.\.9"),
        ({"grace_epochs": 2.0}, "grace_epochs = 2.0"),
        ({"interval": 0}, r"interval = 0: need a whole number in 1\.\.9"),
        ({"interval": 10}, "interval = 10"),
        ({"interval": True}, "interval = True"),
        ({"min_trials": 0}, r"min_trials = 0: need a whole number in 1\.\.10000"),
        ({"min_trials": "3"}, "min_trials = '3'"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        MedianStopping(Listed([1]), max_epochs=9, **options)

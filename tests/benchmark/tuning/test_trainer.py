"""The trainer: whatever training does becomes a record, and pausing, resuming, restarting change no bit."""

import itertools
import math
import random
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import encode_record
from benchmark.tuning.evaluation import evaluation_record
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form.functions import Branin
from objectives.epoch import Epoch
from tests.benchmark.tuning.toy_trainings import (
    CONFIG,
    EPOCHS,
    Toy,
    after_two,
    failed,
    good,
    job,
    noisy,
    raising,
    trainer,
)

# As it should be.


def test_a_trial_that_trains_is_ok():
    """All epochs asked for are in the curves, the last is the error, seconds add up."""
    training = trainer(noisy).train(job(4))

    assert (training.state, training.epochs, training.problem) == ("ok", 4, None)
    assert len(training.valid_curve) == len(training.test_curve) == 4
    assert training.valid_error == training.valid_curve[-1]
    assert training.test_error == training.test_curve[-1]
    assert training.train_seconds == 4 * 0.5


@pytest.mark.parametrize("value", [np.float32(0.1), np.float64(0.1), torch.tensor(0.1), 1, np.int64(0), -0.5])
def test_any_finite_number_is_an_error(value):
    """Numbers of other libraries become native floats, exactly."""
    epoch = Epoch(valid_error=value, test_error=value, seconds=np.float64(0.5))

    training = trainer(lambda config, seed: iter([epoch])).train(job(1))

    assert training.state == "ok"
    assert training.valid_error == float(value)
    assert {type(number) for number in (*training.valid_curve, training.test_error, training.train_seconds)} == {float}
    assert encode_record(evaluation_record(job(1), training, 0.5, None), 0)


# Pausing.


def curves(trainings):
    """The curves of a trial trained in several pieces, joined."""
    return [
        [error for training in trainings for error in training.valid_curve],
        [error for training in trainings for error in training.test_curve],
    ]


OBJECTIVES = {
    "toy": lambda: Toy(training=noisy),
    "branin": lambda: Branin(noise=1.0, epochs=EPOCHS),
    "softmax": lambda: SoftmaxRegression(epochs=EPOCHS),
}


CONFIGS = {"toy": CONFIG, "branin": {"x1": 1.0, "x2": 2.0}, "softmax": {"learning_rate": 0.1}}


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("isolated", [False, True])
def test_paused_resumed_and_restarted_trials_give_the_same_bits(name, isolated, one_thread):
    """A trial trained in one go, in pieces, or in pieces with a restart before each has one curve."""
    make, config = OBJECTIVES[name], CONFIGS[name]
    unbroken = curves([trainer(make(), isolated=isolated).train(job(config=config))])
    assert len(unbroken[0]) == EPOCHS

    for cuts in ([0, 1, 6], [0, 3, 4, 6], [0, 1, 2, 3, 4, 5, 6]):
        pieces = [job(end, start_epoch=start, config=config) for start, end in itertools.pairwise(cuts)]
        one = trainer(make(), isolated=isolated)
        assert curves([one.train(piece) for piece in pieces]) == unbroken
        assert curves([trainer(make(), isolated=isolated).train(piece) for piece in pieces]) == unbroken


def test_trials_interleaved_do_not_disturb_each_other():
    """Two trials that take turns have the curves that they have alone."""
    other = {"x": 0.75}
    alone = [curves([trainer(noisy).train(job(config=config))]) for config in (CONFIG, other)]
    both = trainer(noisy)
    pieces = {0: [], 1: []}
    for start in range(0, EPOCHS, 2):
        for trial, config in enumerate((CONFIG, other)):
            pieces[trial].append(both.train(job(start + 2, start_epoch=start, trial=trial, config=config)))

    assert [curves(pieces[0]), curves(pieces[1])] == alone


def test_rebuilding_after_a_restart_is_not_charged():
    """What a restarted process trains again to get back is in no curve and no seconds."""
    training = trainer(noisy).train(job(6, start_epoch=4))

    assert len(training.valid_curve) == 2
    assert training.train_seconds == 2 * 0.5
    assert training.epochs == 6


@pytest.mark.parametrize("start_epoch", [0, 4])
def test_paid_seconds_are_the_wall_time_of_the_record(start_epoch):
    """They hold what rebuilding took, which is charged to nobody, and never more than went by."""

    def slow(config, seed):
        for epoch in noisy(config, seed):
            time.sleep(0.002)
            yield epoch

    began = time.perf_counter()
    training = trainer(slow).train(job(6, start_epoch=start_epoch))
    passed = time.perf_counter() - began

    assert 6 * 0.002 <= training.paid_seconds <= passed
    assert training.train_seconds == (6 - start_epoch) * 0.5


def test_a_failure_is_charged_and_paid_alike():
    """What raised gave no seconds of its own, so the wall time counts as both."""
    training = trainer(after_two(raising(ValueError("too odd")))).train(job())

    assert training.train_seconds == training.paid_seconds >= 0


@pytest.mark.parametrize("price", [None, 2.5])
def test_a_record_holds_both_clocks(price):
    """Charged, measured, paid and modelled seconds stand side by side."""
    asked = replace(job(4), start=10.0, decide_seconds=0.25)
    training = trainer(noisy).train(asked)

    record = evaluation_record(asked, training, 1.5, price)

    assert (record["start"], record["end"]) == (10.0, 11.5)
    assert record["train_seconds"] == 2.0
    assert record["paid_seconds"] == training.paid_seconds
    assert (record["modelled_seconds"], record["decide_seconds"]) == (price, 0.25)


def test_training_from_the_beginning_ignores_a_paused_trial():
    """Without resume the same trial is trained anew, not further."""
    one = trainer(noisy)
    first = one.train(job(3))

    again = one.train(job(6))

    assert again.valid_curve[:3] == first.valid_curve
    assert len(again.valid_curve) == 6


def test_finished_trials_are_not_kept():
    """A trial at full fidelity cannot be continued, so its memory is given back."""
    one = trainer(noisy)
    one.train(job(3, trial=0))
    one.train(job(6, trial=1))
    assert list(one.paused) == [0]

    one.train(job(6, start_epoch=3, trial=0))
    assert one.paused == {}


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"repetition": 1}, False), ({"suite_seed": 2}, False)],
    ids=["same", "repetition", "seed"],
)
def test_a_trial_is_a_function_of_seed_repetition_and_configuration(change, same):
    """The trial's number does not matter; suite seed and repetition do."""
    first = trainer(noisy).train(job(trial=0))
    second = trainer(noisy, **change).train(job(trial=7))

    assert (first.valid_curve == second.valid_curve) == same


# Code that was not written for us.


def test_a_mutated_configuration_is_its_own():
    """Training gets a copy of the configuration: whatever it does to it is not recorded."""

    def training(config, seed):
        for _ in range(EPOCHS):
            config["x"] = "spoilt"
            config["more"] = math.nan
            yield good()

    one, asked = trainer(training), job()
    before = config_digest(asked.config)
    record = evaluation_record(asked, one.train(asked), 1.0, None)

    assert (asked.config, config_digest(asked.config)) == (CONFIG, before)
    assert record["config"] == CONFIG


def global_draws(config, seed):
    """Six epochs of noise from all global generators at once, as third-party code draws it."""
    for _ in range(EPOCHS):
        noise = random.random() + np.random.random() + float(torch.rand(1))  # noqa: NPY002 (what is isolated)
        yield good(noise)


def test_isolated_training_repeats_itself_on_global_generators(global_state, move_global_generators):
    """Whatever the process's generators stand at, an isolated trial has one curve, and moves none of them."""
    first = curves([trainer(global_draws, isolated=True).train(job())])
    move_global_generators()
    before = global_state()
    one = trainer(global_draws, isolated=True)
    pieces = []
    for start in range(0, EPOCHS, 2):
        pieces.append(one.train(job(start + 2, start_epoch=start)))
        one.train(job(trial=start + 1, config={"x": 0.5}))
        assert global_state() == before
        move_global_generators()
        before = global_state()

    assert curves(pieces) == first
    assert len(set(first[0])) == EPOCHS
    assert curves([trainer(global_draws, isolated=True, repetition=1).train(job())]) != first


def test_isolated_training_draws_once():
    """Code that draws when `train` is called and code that draws later share one stream."""

    def training(config, seed):
        eager = random.random()
        return iter([good(eager), *(good(0.1) for _ in range(EPOCHS - 1))])

    def lazy(config, seed):
        before = random.random()

        def epochs():
            yield good(before)
            while True:
                yield good(random.random())

        return epochs()

    first = trainer(training, isolated=True).train(job()).valid_curve
    curve = trainer(lazy, isolated=True).train(job()).valid_curve

    assert curve[0] == first[0]
    assert len(set(curve)) == EPOCHS


def test_a_raising_isolated_training_leaves_the_generators_alone(global_state):
    """The process's own states come back after a failure too."""
    before = global_state()

    def training(config, seed):
        random.random()
        yield good()
        np.random.random()  # noqa: NPY002 (what is isolated)
        raise ValueError

    assert failed(trainer(training, isolated=True).train(job()))
    assert global_state() == before

"""Failures in training: whatever is raised or is no epoch becomes a record, and nothing else is disturbed."""

import math
import random
import threading

import numpy as np
import pytest
import torch

from benchmark.storage.ledger_format import encode_record
from benchmark.tuning.evaluation import LONGEST_PROBLEM, evaluation_record
from objectives.epoch import Epoch
from tests.benchmark.fakes.unprintable import TextRaises
from tests.benchmark.tuning.toy_trainings import EPOCHS, after_two, failed, good, job, noisy, raising, trainer

# Divergence.


@pytest.mark.parametrize(
    "epoch",
    [
        Epoch(valid_error=math.nan, test_error=0.5, seconds=0.5),
        Epoch(valid_error=math.nan, test_error=math.nan, seconds=0.5),
        Epoch(valid_error=math.inf, test_error=0.5, seconds=0.5),
        Epoch(valid_error=-math.inf, test_error=0.5, seconds=0.5),
        Epoch(valid_error=np.float32(math.nan), test_error=0.5, seconds=0.5),
        Epoch(valid_error=torch.tensor(math.inf), test_error=0.5, seconds=0.5),
        Epoch(valid_error=0.5, test_error=0.5, seconds=0.5, diverged=True),
    ],
    ids=["nan", "both nan", "inf", "-inf", "float32", "tensor", "flag"],
)
def test_a_diverged_trial_is_worth_the_chance_error(epoch):
    """It ends where it diverged, both its errors are the chance error, and it is charged so far."""
    training = trainer(after_two(lambda: epoch)).train(job())

    assert (training.state, training.epochs) == ("diverged", 3)
    assert (training.valid_error, training.test_error) == (0.9, 0.9)
    assert training.valid_curve == [0.4, 0.3, 0.9]
    assert training.test_curve == [0.5, 0.4, 0.9]
    assert training.train_seconds == 3 * 0.5


@pytest.mark.parametrize("restart", [False, True])
def test_a_diverged_trial_that_is_promoted_stays_diverged(restart):
    """Nothing more is trained of it, now or after a restart; its curve gains no epoch."""
    diverging = after_two(lambda: Epoch(valid_error=math.nan, test_error=0.5, seconds=0.5))
    one = trainer(diverging)
    one.train(job(4))

    training = (trainer(diverging) if restart else one).train(job(6, start_epoch=3))

    assert (training.state, training.epochs, training.valid_error) == ("diverged", 3, 0.9)
    assert (training.valid_curve, training.test_curve, training.train_seconds) == ([], [], 0.0)


# Failure.


class Unpicklable(Exception):
    """An exception that no process can send to another."""

    def __init__(self):
        super().__init__(threading.Lock())


def deep():
    """Recurse for ever."""
    return deep()


RAISED = {
    "ValueError": (raising(ValueError("too odd")), "ValueError: too odd"),
    "SystemExit": (raising(SystemExit(3)), "SystemExit: 3"),
    "GeneratorExit": (raising(GeneratorExit()), "GeneratorExit"),
    "StopIteration": (raising(StopIteration()), "StopIteration"),
    "MemoryError": (raising(MemoryError()), "MemoryError"),
    "RecursionError": (deep, "RecursionError: maximum recursion depth"),
    "no text": (raising(TextRaises()), "TextRaises: <exception str() failed>"),
    "unpicklable": (raising(Unpicklable()), "Unpicklable: <unlocked _thread.lock"),
    "long text": (raising(ValueError("x" * 10**6)), "x" * 100),
    "surrogate": (raising(ValueError("\ud800")), "ValueError"),
    "group": (raising(ExceptionGroup("two", [ValueError("a"), TypeError("b")])), "TypeError: b"),
}


def test_a_device_that_fails_is_no_trials_error():
    """After an illegal access every training on the device fails, so that it is raised and not recorded."""
    lost = raising(torch.AcceleratorError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(torch.AcceleratorError):
        trainer(after_two(lost)).train(job())


@pytest.mark.parametrize("case", RAISED)
@pytest.mark.parametrize("isolated", [False, True])
def test_what_training_raises_is_recorded(case, isolated):
    """State, type and text are recorded, in a record that a ledger and another process can hold."""
    action, text = RAISED[case]
    one = trainer(after_two(action), isolated=isolated)

    training = one.train(job())

    assert failed(training)
    assert text in training.problem
    assert len(training.problem) <= LONGEST_PROBLEM
    assert training.train_seconds >= 0
    assert one.paused == {}
    assert trainer(noisy).train(job()).state == "ok"


GIVEN = {
    "None": (lambda: None, "training gave None after 2 epochs: need an objectives.objective.Epoch"),
    "float": (lambda: 0.5, "training gave 0.5 after 2 epochs"),
    "tuple": (lambda: (0.5, 0.5, 1.0), "training gave (0.5, 0.5, 1.0) after 2 epochs"),
    "text": (
        lambda: Epoch(valid_error="0.5", test_error=0.5, seconds=0.5),
        "epoch 3: valid_error = '0.5', need a number",
    ),
    "bytes": (lambda: Epoch(valid_error=b"0.5", test_error=0.5, seconds=0.5), "valid_error = b'0.5', need a number"),
    "none": (lambda: Epoch(valid_error=None, test_error=0.5, seconds=0.5), "valid_error = None, need a number"),
    "test text": (
        lambda: Epoch(valid_error=0.5, test_error="0.5", seconds=0.5),
        "test_error = '0.5', need a number or None",
    ),
    "complex": (lambda: Epoch(valid_error=0.5j, test_error=0.5, seconds=0.5), "valid_error = 0.5j, need a number"),
    "true": (lambda: Epoch(valid_error=True, test_error=0.5, seconds=0.5), "valid_error = True, need a number"),
    "tensor of true": (lambda: Epoch(valid_error=torch.tensor(True), test_error=0.5, seconds=0.5), "need a number"),
    "test true": (
        lambda: Epoch(valid_error=0.5, test_error=np.True_, seconds=0.5),
        "test_error = np.True_, need a number",
    ),
    "dict": (lambda: {"loss": 1.0}, "training gave {'loss': 1.0} after 2 epochs: need an objectives.objective.Epoch"),
    "list": (lambda: Epoch(valid_error=[0.5], test_error=0.5, seconds=0.5), "valid_error = [0.5], need a number"),
    "tensor of two": (lambda: Epoch(valid_error=torch.zeros(2), test_error=0.5, seconds=0.5), "Error"),
    "tensor of complex": (lambda: Epoch(valid_error=torch.tensor(1j), test_error=0.5, seconds=0.5), "Error"),
    "huge integer": (lambda: Epoch(valid_error=10**400, test_error=0.5, seconds=0.5), "OverflowError"),
    "no seconds": (lambda: Epoch(valid_error=0.5, test_error=0.5, seconds=None), "TypeError"),
    "nan seconds": (lambda: Epoch(valid_error=0.5, test_error=0.5, seconds=math.nan), "epoch 3: seconds = nan, need"),
    "inf seconds": (lambda: Epoch(valid_error=0.5, test_error=0.5, seconds=math.inf), "epoch 3: seconds = inf, need"),
    "1e300 seconds": (
        lambda: Epoch(valid_error=0.5, test_error=0.5, seconds=1e300),
        "epoch 3: seconds = 1e+300, need a number in 0..1000000000",
    ),
    "-1 seconds": (lambda: Epoch(valid_error=0.5, test_error=0.5, seconds=-1.0), "epoch 3: seconds = -1.0, need"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_what_is_no_error_is_an_error(case):
    """An epoch that is no Epoch, or holds no real numbers, is recorded with what it was."""
    action, text = GIVEN[case]

    training = trainer(after_two(action)).train(job())

    assert failed(training)
    assert text in training.problem


def test_training_that_ends_early_is_an_error():
    """An iterator with fewer epochs than asked for is recorded as an error, not as a short success."""
    training = trainer(lambda config, seed: iter([good(), good()])).train(job())

    assert failed(training)
    assert "training gave None after 2 epochs" in training.problem
    assert trainer(lambda config, seed: iter([good(), good()])).train(job(2)).state == "ok"


@pytest.mark.parametrize(
    "made", [None, 0.5, [good()] * EPOCHS, "x", NotImplemented], ids=["None", "float", "list", "text", "NotImplemented"]
)
def test_training_that_is_no_iterator_is_an_error(made):
    """`train` that forgot to yield is recorded as an error."""
    training = trainer(lambda config, seed: made).train(job())

    assert failed(training)
    assert "is not an iterator: `yield` an Epoch" in training.problem


@pytest.mark.parametrize("test", [None, math.nan, math.inf, -math.inf, np.float32(math.nan), torch.tensor(math.nan)])
def test_a_test_error_that_is_not_known_changes_no_validation_error(test):
    """Whatever stands in its place, the trial is ok, its validation errors count, and the record says null."""
    training = trainer(after_two(lambda: Epoch(valid_error=0.25, test_error=test, seconds=0.5))).train(job(3))

    assert (training.state, training.valid_curve) == ("ok", [0.4, 0.3, 0.25])
    assert (training.valid_error, training.test_error, training.test_curve) == (0.25, None, [0.5, 0.4, None])
    line, _ = encode_record(evaluation_record(job(3), training, 0.5, None), 0)
    assert b'"test_error":null' in line


def test_a_diverged_trial_without_a_test_set_has_no_test_error():
    """The chance error stands for the validation error alone."""
    training = trainer(lambda config, seed: iter([Epoch(valid_error=math.nan, test_error=None, seconds=0.5)])).train(
        job(1)
    )

    assert (training.state, training.valid_error, training.test_error) == ("diverged", 0.9, None)


def test_raising_before_the_first_epoch_is_an_error():
    """`train` that raises when it is called, not when it is iterated, is recorded too."""

    def training(config, seed):
        raise OSError("no such data")

    assert "OSError: no such data" in trainer(training).train(job()).problem


def test_a_failure_after_a_pause_keeps_the_epoch_reached_before():
    """A promoted trial that fails is where it was; the next promotion trains it again up to there."""
    failures = []

    def training(config, seed):
        yield good(0.4)
        yield good(0.3)
        if not failures:
            failures.append(1)
            raise ValueError("once")
        yield good(0.2)

    one = trainer(training)
    assert one.train(job(2)).state == "ok"

    assert failed(one.train(job(3, start_epoch=2)), start_epoch=2)
    again = one.train(job(3, start_epoch=2))

    assert (again.state, again.epochs, again.valid_curve) == ("ok", 3, [0.2])


def test_a_failure_while_rebuilding_is_recorded():
    """A trial that cannot be trained again after a restart is an error, not a crash of the run."""
    training = trainer(after_two(raising(ValueError("third epoch")))).train(job(6, start_epoch=4))

    assert failed(training, start_epoch=4)
    assert "third epoch" in training.problem


@pytest.mark.parametrize("isolated", [False, True])
def test_an_interrupt_passes_through(isolated, global_state):
    """Ctrl-C is not a failure of the trial, and leaves the global generators as they were."""
    before = global_state()

    def training(config, seed):
        yield good()
        if isolated:
            random.random()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(training, isolated=isolated).train(job())

    assert global_state() == before

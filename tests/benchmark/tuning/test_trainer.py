"""The trainer: whatever training does becomes a record, and pausing, resuming, restarting change no bit."""

import itertools
import math
import pickle
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import encode_record
from benchmark.tuning.evaluation import LONGEST_PROBLEM, evaluation_record
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.tuner import Job
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form.functions import Branin
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval

EPOCHS = 6
CONFIG = {"x": 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(UnitInterval):
    """An objective of six epochs that trains by a given function, for tests."""

    TIMES_ITSELF: ClassVar[bool] = True

    training: object

    @property
    def max_epochs(self) -> int:
        return EPOCHS

    @property
    def chance_error(self) -> float:
        return 0.9

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return self.training(config, seed)


def good(value=0.5):
    """An epoch as it should be."""
    return Epoch(valid_error=value, test_error=value + 0.1, seconds=0.5)


def noisy(config, seed):
    """Six epochs of noise that only the seed decides."""
    rng = np.random.default_rng(seed)
    for _ in range(EPOCHS):
        yield good(config["x"] + float(rng.standard_normal()))


def after_two(action):
    """A training whose third epoch is whatever `action` gives or raises."""

    def training(config, seed):
        yield good(0.4)
        yield good(0.3)
        yield action()

    return training


def trainer(objective, *, isolated=False, suite_seed=1, repetition=0):
    """A trainer of one run, of an objective or of a training function."""
    objective = objective if isinstance(objective, Objective) else Toy(training=objective)
    return Trainer(
        IsolatedObjective(objective, "toy") if isolated else objective,
        suite_seed=suite_seed,
        objective_name="toy",
        repetition=repetition,
        machine=Machine(),
    )


def job(epochs=EPOCHS, *, start_epoch=0, trial=0, config=CONFIG):
    """The job of training a trial to an epoch."""
    return Job(
        index=0,
        trial=trial,
        config=dict(config),
        suggestion=dict(config),
        start_epoch=start_epoch,
        epochs=epochs,
        start=0.0,
        decide_seconds=0.0,
    )


def raising(error):
    """A function that raises this error."""

    def action():
        raise error

    return action


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


class TextRaises(Exception):
    """An exception that cannot be printed."""

    def __str__(self):
        raise RuntimeError("no text")


class Unpicklable(Exception):
    """An exception that no process can send to another."""

    def __init__(self):
        super().__init__(threading.Lock())


def deep():
    """Recurse for ever."""
    return deep()


def failed(training, start_epoch=0):
    """Whether a training is recorded as a failure, with a record that a ledger can hold."""
    assert encode_record(evaluation_record(job(start_epoch=start_epoch), training, 1.0, None), 0)
    assert pickle.loads(pickle.dumps(training)) == training
    errors = (training.valid_error, training.test_error, training.valid_curve, training.test_curve)
    return training.state == "error" and errors == (None, None, [], []) and training.epochs == start_epoch


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

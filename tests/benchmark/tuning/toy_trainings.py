"""A toy that trains by a given function, its trainer, and jobs for it."""

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.storage.ledger_format import encode_record
from benchmark.tuning.evaluation import evaluation_record
from benchmark.tuning.trainer import Trainer
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval
from tests.benchmark.tuning.jobs import make_job

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
    return make_job(config, epochs, start_epoch, trial=trial)


def raising(error):
    """A function that raises this error."""

    def action():
        raise error

    return action


def failed(training, start_epoch=0):
    """Whether a training is recorded as a failure, with a record that a ledger can hold."""
    assert encode_record(evaluation_record(job(start_epoch=start_epoch), training, 1.0, None), 0)
    assert pickle.loads(pickle.dumps(training)) == training
    errors = (training.valid_error, training.test_error, training.valid_curve, training.test_curve)
    return training.state == "error" and errors == (None, None, [], []) and training.epochs == start_epoch

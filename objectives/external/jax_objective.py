"""Softmax regression in JAX within this process: the same training as the program `jax_softmax.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError
from typing import ClassVar

import numpy as np
from scipy import stats

from objectives.epoch import Epoch
from objectives.external import jax_softmax, softmax_worker
from objectives.native_value import require_int
from objectives.objective import MOST_EPOCHS, Machine, Objective
from objectives.registry import install_command
from objectives.space import Config, Space

SPACE = Space({"learning_rate": stats.loguniform(1e-4, 1)})


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxSoftmax(Objective):
    """Softmax regression in JAX and Flax, in this process: the learning rate (1-d); needs the extra `jax`.

    Args:
        data: "digits" or "fashion_mnist".
        split: "standard" or "book", as for `softmax`.
        epochs: of a full training.

    Raises:
        ValueError: an option outside these.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    data: str = "digits"
    split: str = "standard"
    epochs: int = 8

    def __post_init__(self) -> None:
        for field, value, allowed in (
            ("data", self.data, ("digits", "fashion_mnist")),
            ("split", self.split, ("standard", "book")),
        ):
            if value not in allowed:
                raise ValueError(f"{field} = {value!r}: not one of {', '.join(allowed)}")
        require_int("epochs", self.epochs, 1, MOST_EPOCHS)

    @property
    def space(self) -> Space:
        return SPACE

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return self.epochs

    @property
    def chance_error(self) -> float:
        return 1 - 1 / softmax_worker.CLASSES

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        data = _load(self.data, self.split, machine)
        number = int(seed.generate_state(1)[0] & 0x7FFFFFFF)  # As the program is given it.
        trial = softmax_worker.Trial(data=data, learning_rate=float(config["learning_rate"]), seed=number)
        counts = jax_softmax.train(trial)
        while True:
            began = time.perf_counter()
            valid, test = next(counts)
            seconds = time.perf_counter() - began
            valid_error, test_error = valid / len(data.valid_y), test / len(data.test_y)
            yield Epoch(valid_error=valid_error, test_error=test_error, seconds=seconds)

    def prepare(self, machine: Machine) -> dict[str, str]:
        try:
            versions = jax_softmax.versions()
        except PackageNotFoundError as error:
            raise ValueError(f"{error.name} is not installed: {install_command('jax')}") from error
        data = _load(self.data, self.split, machine)
        next(jax_softmax.train(softmax_worker.Trial(data=data, learning_rate=0.01, seed=0)))
        return {**versions, **data.checksums}


@cache
def _load(name: str, split: str, machine: Machine) -> softmax_worker.Data:
    return softmax_worker.load(name, split, None if machine.data is None else str(machine.data))

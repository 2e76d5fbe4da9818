"""The interface of objectives: a space, a default configuration, and training as a pure function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objectives.cost import CostTerms, Probe
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.space import Config, Scalar, Space
from objectives.stack import Stack
from objectives.task import Constraint, Task

PRECISIONS = ("ieee", "bf16x6", "tf32x3", "tf32")
"""Products in float32; of three bfloat16 parts, as accurate; of two TF32 parts; in plain TF32. Trials of their own."""

ROUTES = ("triton", "functional", "stacked", "looped")
"""Ways of training several trials: kernels of our own, torch.func, batched products, one after the other."""

ASKED_FOR = "it was asked for"
"""Why a route is taken that the user has named."""

MOST_EPOCHS = 10_000
"""The longest training that an option may ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Device, data folder and precision of a training; device and precision may change its last bits.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        data: folder of the data sets.
        precision: of products on a GPU, one of `PRECISIONS`.
        route: the way to train several trials, one of `ROUTES`; None leaves it to the objective.
    """

    device: str = "cpu"
    data: Path | None = None
    precision: str = "ieee"
    route: str | None = None


class TrialSeed(np.random.SeedSequence):
    """The seed of a trial in a run, which knows the repetition as well: for an objective of instances."""

    def __init__(self, entropy: int, spawn_key: tuple[int, ...], repetition: int) -> None:
        super().__init__(entropy, spawn_key=spawn_key)
        self.repetition = repetition


class Objective(ABC):
    """An error to minimise, or metrics. Constructing an objective touches no device and no disk.

    A trial's curve is a function of (objective, configuration, seed) alone. The seed is one
    `SeedSequence` per trial; weights, data order, dropout and noise draw from its substreams.
    """

    @property
    def label(self) -> str:
        """What messages call it."""
        return type(self).__name__

    @property
    @abstractmethod
    def space(self) -> Space: ...

    @property
    @abstractmethod
    def default(self) -> Config | None:
        """The configuration every algorithm tries first, or None."""

    @property
    @abstractmethod
    def max_epochs(self) -> int: ...

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What a trial comes to. Algorithms see the first one, as something to minimise.

        An objective that overrides this yields epochs with `metrics`; one that does not has the one error that
        `chance_error` and `best_error` describe.
        """
        return (Metric("error", best=self.best_error, chance=self.chance_error),)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What makes a trial feasible, by bounds on its metrics; none: every trial is."""
        return ()

    @property
    def task(self) -> Task:
        """What algorithms are to optimise, and under which constraints."""
        return Task(self.metrics, self.constraints)

    def front(self) -> np.ndarray | None:
        """The best trade-offs that there can be, (n, m) in the optimised metrics' own directions; None: not known."""
        return None

    def front_of(self, metrics: tuple[Metric, ...], constraints: tuple[Constraint, ...]) -> np.ndarray | None:
        """The best trade-offs of other metrics or under other constraints than its own, likewise; None: not known."""
        own = [metric.name for metric in self.task.optimised] == [metric.name for metric in metrics]
        return self.front() if own and constraints == self.constraints else None

    @property
    def trained_metrics(self) -> tuple[Metric, ...]:
        """The metrics that its epochs hold; the others follow from configuration and clock."""
        return self.metrics

    @property
    def offered_metrics(self) -> tuple[Metric, ...]:
        """Metrics that a suite may choose besides."""
        return ()

    def count_metrics(self, config: Config) -> Mapping[str, float]:
        """Those of the offered metrics that follow from the configuration, by name."""
        return {}

    def prediction_terms(self, config: Config) -> CostTerms | None:
        """Count the work of one prediction, as `cost_terms` does; None: there is nothing to count."""
        return None

    def time_prediction(self, config: Config, machine: Machine) -> float | None:
        """Measure the seconds of one prediction; None: there is nothing to measure."""
        return None

    @property
    def chance_error(self) -> float | None:
        """Error without training, which a diverged trial is worth; None: there is no such thing, and it has failed."""
        return None

    @property
    def best_error(self) -> float | None:
        """The least error that there can be. With the chance error it fixes the scale of anytime scores."""
        return None if self.chance_error is None else 0.0

    @property
    def row_counts(self) -> tuple[int, int] | None:
        """Rows that validation and test errors are shares of, or None where errors count no rows."""
        return None

    @property
    def times_itself(self) -> bool:
        """Whether its epochs' seconds are the harness's own measurement; otherwise they are only what it reports.

        The class says so that defines `train`, by `TIMES_ITSELF = True`; one that overrides `train` begins anew.
        """
        definer = next(base for base in type(self).__mro__ if "train" in vars(base))
        return bool(vars(definer).get("TIMES_ITSELF", False))

    @property
    def pausable(self) -> bool:
        """Whether a trial can go on where it stopped; otherwise every evaluation trains from the start."""
        return True

    def until(self, epochs: int) -> Objective:
        """The objective as it trains a trial that ends after so many epochs; most train no other way then."""
        return self

    @property
    def tests_incumbents(self) -> bool:
        """Whether test metrics are known only of what `test_metrics` is asked for."""
        return False

    def test_metrics(
        self, config: Config, seed: np.random.SeedSequence, machine: Machine, epochs: int
    ) -> Mapping[str, Any]:
        """Test metrics by name of a trial that became the incumbent; not charged, and never shown to an algorithm."""
        return {}

    @property
    def varies_by_repetition(self) -> bool:
        """Whether a configuration is worth another value in every repetition, noise apart."""
        return False

    @property
    def tabulated(self) -> bool:
        """Whether its trainings are looked up in a table, which says what seconds they took."""
        return False

    @property
    def typical_seconds(self) -> float | None:
        """Seconds of a typical full training, by which a budget of trainings is measured; None: not declared."""
        return None if self.nominal_seconds is None else self.nominal_seconds * self.max_epochs

    def repetition_data(self, repetition: int) -> Mapping[str, str]:
        """What of its data a repetition meets, for the record; {}: all repetitions meet the same."""
        return {}

    @property
    def origin(self) -> Mapping[str, Any]:
        """Where its values come from, for the plan, if they are not trained here."""
        return {}

    @abstractmethod
    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        """Train one trial, an epoch for every item drawn; a suspended iterator is a paused trial."""

    @property
    def stackable(self) -> bool:
        """Whether `stack` returns a stack."""
        return False

    def arithmetic(self, machine: Machine, *, stacked: bool) -> str:
        """Name of the arithmetic that decides a trial's bits: see `Stack.arithmetic`."""
        return "reference"

    def stack(self, machine: Machine, capacity: int | None = None) -> Stack | None:
        """Build slots that train several trials at once; None: trials are trained one by one.

        Args:
            machine: where.
            capacity: slots; None leaves it to the objective.
        """
        return None

    @property
    def nominal_seconds(self) -> float | None:
        """Declared seconds of an epoch on the modelled clock, on every device; None: a calibration says."""
        return None

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """The options, as a suite gives them, that a calibration depends on."""
        return options

    def cost_terms(self, config: Config) -> CostTerms:
        """Count the work of a trial; unless overridden, every epoch costs the same.

        It must depend on nothing but the objective and the configuration.
        """
        return CostTerms(set_up={}, epoch={"epochs": 1.0})

    def probe(self, config: Config, seed: np.random.SeedSequence, machine: Machine, rows: int) -> Probe:
        """Build a training for a calibration to time.

        Args:
            config: what to train.
            seed: of the trial.
            machine: where.
            rows: an objective with more training data may train on so many rows of them.
        """
        epochs = self.train(config, seed, machine)
        return Probe(epochs=epochs, count=self.max_epochs, terms=self.cost_terms(config), whole=True)

    @abstractmethod
    def prepare(self, machine: Machine) -> dict[str, str]:
        """Load what training needs and warm up, so that no trial is charged for it.

        Returns:
            Names and SHA-256 checksums of the data, and versions of other programs, for the record: a ledger is
            continued only with the same ones.
        """

    def __call__(self, /, *, max_epochs: int | None = None, **config: Scalar) -> float:
        """Validation error after `max_epochs` (default: all) epochs, on the CPU, with a fixed seed.

        Of an objective that declares metrics it is the first one as something to minimise.

        The form the book's tuner calls: `objective(learning_rate=0.1, batch_size=128)`. A name that is
        no identifier may be given as an argument: `objective(optimizer_lr=0.1)` for `optimizer.lr`.

        Raises:
            ValueError: a bad configuration, or `max_epochs` outside 1..the objective's own.
        """
        epochs = self.max_epochs if max_epochs is None else max_epochs
        if not 1 <= epochs <= self.max_epochs:
            raise ValueError(f"max_epochs = {max_epochs!r}: need a whole number in 1..{self.max_epochs}")
        names = {argument: name for name, argument in self.space.arguments.items()}
        checked = self.space.check({names.get(name, name): value for name, value in config.items()})
        curve = self.train(checked, np.random.SeedSequence(0), Machine())
        last = next(curve)
        for _ in range(epochs - 1):
            if last.diverged:
                break
            last = next(curve)
        first = self.metrics[0]
        value = None if last.metrics is None else last.metrics.get(first.name)
        return last.valid_error if value is None else first.to_error(value)


def checked_default(objective: Objective) -> Config | None:
    """The default configuration with Python's own types and without what does not count, in its own order.

    Raises:
        ValueError: it is not in the space.
    """
    default = objective.default
    checked = {} if default is None else objective.space.check(default)
    return None if default is None else {name: checked[name] for name in default if name in checked}


def substream(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the child of `seed` named by `key`; unlike `seed.spawn`, the same one at every call."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))

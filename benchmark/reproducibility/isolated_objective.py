"""Keeps a third party's objective apart: whatever it is asked, it changes nothing for anybody else.

A trial has its own states of the global generators and its own settings of the process, from its first epoch to its
last. Everything else that an objective is asked, its import and construction included, finds the process's settings
and the same states at every call, so that no answer depends on what was asked before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.reproducibility.process_state import Isolation
from benchmark.reproducibility.seeding import seed_sequence
from objectives.cost import CostTerms, Probe
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine, Objective
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work
from objectives.task import Constraint


def isolated_call(culprit: str) -> AbstractContextManager[None]:
    """Isolate a call into an objective that belongs to no trial."""
    return Isolation(seed_sequence(0, "objective", culprit), culprit).active()


def synchronised_time() -> float:
    """Read the clock once a GPU that this process uses has done what it was asked."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def _times_itself(objective: Objective) -> bool:
    """Return whether a third party's objective trains by code of ours, which measures its seconds."""
    definer = next(base for base in type(objective).__mro__ if "train" in vars(base))
    return objective.times_itself and definer.__module__.partition(".")[0] == "objectives"


class IsolatedTraining(Iterator[Epoch]):
    """A trial's training in its own states and settings, which it finds again at every epoch.

    Args:
        start: begins the training.
        isolation: the trial's.
        times_itself: whether the seconds of its epochs are ours; otherwise what passes until an epoch is there is
            measured here, without the time that isolating takes, and what it says itself is only what it reports.
    """

    def __init__(self, start: Callable[[], Iterator[Epoch]], isolation: Isolation, *, times_itself: bool) -> None:
        self.isolation, self.times_itself = isolation, times_itself
        with isolation.active():
            began = synchronised_time()
            self.epochs = start()
            self.seconds_before = synchronised_time() - began

    def __next__(self) -> Epoch:
        with self.isolation.active():
            began = synchronised_time()
            epoch = next(self.epochs)
            seconds = synchronised_time() - began + self.seconds_before
        self.seconds_before = 0.0
        return epoch if self.times_itself or not isinstance(epoch, Epoch) else epoch.timed(seconds)

    def __del__(self) -> None:
        """Close the training where its settings are in force: what it ends may put back what was there before."""
        close = getattr(getattr(self, "epochs", None), "close", None)
        if callable(close):
            with suppress(Exception), self.isolation.active():
                close()


def _property_of_inner(name: str) -> Any:
    """Make a property that asks the inner objective for its own of that name, once and in isolation."""

    def ask(objective: IsolatedObjective) -> Any:
        with isolated_call(objective.culprit):
            return getattr(objective.inner, name)

    return cached_property(ask)


class IsolatedObjective(Objective):
    """An objective whose every method and property is called in isolation.

    Args:
        inner: the objective.
        culprit: who is named where it changes a setting.
    """

    def __init__(self, inner: Objective, culprit: str) -> None:
        self.inner, self.culprit = inner, culprit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IsolatedObjective) and self.inner == other.inner

    def __hash__(self) -> int:
        return hash(self.inner)

    @property
    def label(self) -> str:
        return self.culprit

    space = _property_of_inner("space")
    default = _property_of_inner("default")
    max_epochs = _property_of_inner("max_epochs")
    metrics = _property_of_inner("metrics")
    constraints = _property_of_inner("constraints")
    trained_metrics = _property_of_inner("trained_metrics")
    offered_metrics = _property_of_inner("offered_metrics")
    chance_error = _property_of_inner("chance_error")
    best_error = _property_of_inner("best_error")
    row_counts = _property_of_inner("row_counts")
    stackable = _property_of_inner("stackable")
    nominal_seconds = _property_of_inner("nominal_seconds")
    typical_seconds = _property_of_inner("typical_seconds")
    tabulated = _property_of_inner("tabulated")
    origin = _property_of_inner("origin")
    pausable = _property_of_inner("pausable")
    varies_by_repetition = _property_of_inner("varies_by_repetition")
    tests_incumbents = _property_of_inner("tests_incumbents")

    def front(self) -> np.ndarray | None:
        with isolated_call(self.culprit):
            return self.inner.front()

    def front_of(self, metrics: tuple[Metric, ...], constraints: tuple[Constraint, ...]) -> np.ndarray | None:
        with isolated_call(self.culprit):
            return self.inner.front_of(metrics, constraints)

    def repetition_data(self, repetition: int) -> Mapping[str, str]:
        with isolated_call(self.culprit):
            return self.inner.repetition_data(repetition)

    def count_metrics(self, config: Config) -> Mapping[str, float]:
        with isolated_call(self.culprit):
            return self.inner.count_metrics(config)

    def prediction_terms(self, config: Config) -> CostTerms | None:
        with isolated_call(self.culprit):
            return self.inner.prediction_terms(config)

    def time_prediction(self, config: Config, machine: Machine) -> float | None:
        with isolated_call(self.culprit):
            return self.inner.time_prediction(config, machine)

    @property
    def times_itself(self) -> bool:
        return True  # What does not is timed in `train`.

    def until(self, epochs: int) -> Objective:
        with isolated_call(self.culprit):
            inner = self.inner.until(epochs)
        return self if inner is self.inner else IsolatedObjective(inner, self.culprit)

    def test_metrics(
        self, config: Config, seed: np.random.SeedSequence, machine: Machine, epochs: int
    ) -> Mapping[str, Any]:
        with Isolation(seed, self.culprit).active():
            return self.inner.test_metrics(config, seed, machine, epochs)

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        isolation, times_itself = Isolation(seed, self.culprit), _times_itself(self.inner)
        training = IsolatedTraining(
            lambda: self.inner.train(config, seed, machine), isolation, times_itself=times_itself
        )
        return training if isinstance(training.epochs, Iterator) else training.epochs  # What it is will be said.

    def arithmetic(self, machine: Machine, *, stacked: bool) -> str:
        with isolated_call(self.culprit):
            return self.inner.arithmetic(machine, stacked=stacked)

    def stack(self, machine: Machine, capacity: int | None = None) -> Stack | None:
        with isolated_call(self.culprit):
            stack = self.inner.stack(machine, capacity)
        if stack is None:
            return None
        stack.isolate(lambda config, seed: self.train(config, seed, machine), lambda: isolated_call(self.culprit))
        return IsolatedStack(stack, self.culprit)

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        with isolated_call(self.culprit):
            return self.inner.cost_options(options)

    def cost_terms(self, config: Config) -> CostTerms:
        with isolated_call(self.culprit):
            return self.inner.cost_terms(config)

    def probe(self, config: Config, seed: np.random.SeedSequence, machine: Machine, rows: int) -> Probe:
        isolation = Isolation(seed, self.culprit)
        with isolation.active():
            probe = self.inner.probe(config, seed, machine, rows)
        return replace(
            probe, epochs=IsolatedTraining(lambda: probe.epochs, isolation, times_itself=_times_itself(self.inner))
        )

    def prepare(self, machine: Machine) -> dict[str, str]:
        with isolated_call(self.culprit):
            return self.inner.prepare(machine)


class IsolatedStack(Stack):
    """A stack of a third party's objective, whose every call finds the process's settings and leaves them so.

    Args:
        inner: the stack.
        culprit: who is named where it changes a setting.
    """

    def __init__(self, inner: Stack, culprit: str) -> None:
        self.inner, self.culprit = inner, culprit
        self.route, self.arithmetic, self.capacity = inner.route, inner.arithmetic, inner.capacity
        self.route_reason = inner.route_reason
        self.parallel = inner.parallel

    @property
    def work(self) -> Work:  # type: ignore[override]  # the inner stack's
        return self.inner.work

    @property
    def free(self) -> int:
        return self.inner.free

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Any = None) -> None:
        with Isolation(seed, self.culprit).active():
            self.inner.admit(ticket, config, seed, saved)

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        with isolated_call(self.culprit):
            return self.inner.advance()

    def begin(self, until: Mapping[Ticket, int]) -> None:
        with isolated_call(self.culprit):
            self.inner.begin(until)

    @property
    def ready(self) -> bool:
        return self.inner.ready

    def finish(self) -> list[tuple[Ticket, Epoch | Exception]]:
        with isolated_call(self.culprit):
            return self.inner.finish()

    def remove(self, ticket: Ticket) -> None:
        with isolated_call(self.culprit):
            self.inner.remove(ticket)

    def pause(self, ticket: Ticket) -> Any:
        with isolated_call(self.culprit):
            return self.inner.pause(ticket)

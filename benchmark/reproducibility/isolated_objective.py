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
from objectives.space import Config, Space
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

    @cached_property
    def space(self) -> Space:
        with isolated_call(self.culprit):
            return self.inner.space

    @cached_property
    def default(self) -> Config | None:
        with isolated_call(self.culprit):
            return self.inner.default

    @cached_property
    def max_epochs(self) -> int:
        with isolated_call(self.culprit):
            return self.inner.max_epochs

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        with isolated_call(self.culprit):
            return self.inner.metrics

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        with isolated_call(self.culprit):
            return self.inner.constraints

    def front(self) -> np.ndarray | None:
        with isolated_call(self.culprit):
            return self.inner.front()

    @cached_property
    def trained_metrics(self) -> tuple[Metric, ...]:
        with isolated_call(self.culprit):
            return self.inner.trained_metrics

    @cached_property
    def offered_metrics(self) -> tuple[Metric, ...]:
        with isolated_call(self.culprit):
            return self.inner.offered_metrics

    def count_metrics(self, config: Config) -> Mapping[str, float]:
        with isolated_call(self.culprit):
            return self.inner.count_metrics(config)

    def prediction_terms(self, config: Config) -> CostTerms | None:
        with isolated_call(self.culprit):
            return self.inner.prediction_terms(config)

    def time_prediction(self, config: Config, machine: Machine) -> float | None:
        with isolated_call(self.culprit):
            return self.inner.time_prediction(config, machine)

    @cached_property
    def chance_error(self) -> float | None:
        with isolated_call(self.culprit):
            return self.inner.chance_error

    @cached_property
    def best_error(self) -> float | None:
        with isolated_call(self.culprit):
            return self.inner.best_error

    @cached_property
    def row_counts(self) -> tuple[int, int] | None:
        with isolated_call(self.culprit):
            return self.inner.row_counts

    @cached_property
    def stackable(self) -> bool:
        with isolated_call(self.culprit):
            return self.inner.stackable

    @cached_property
    def nominal_seconds(self) -> float | None:
        with isolated_call(self.culprit):
            return self.inner.nominal_seconds

    @property
    def times_itself(self) -> bool:
        return True  # What does not is timed in `train`.

    @cached_property
    def pausable(self) -> bool:
        with isolated_call(self.culprit):
            return self.inner.pausable

    def until(self, epochs: int) -> Objective:
        with isolated_call(self.culprit):
            inner = self.inner.until(epochs)
        return self if inner is self.inner else IsolatedObjective(inner, self.culprit)

    @cached_property
    def varies_by_repetition(self) -> bool:
        with isolated_call(self.culprit):
            return self.inner.varies_by_repetition

    @cached_property
    def tests_incumbents(self) -> bool:
        with isolated_call(self.culprit):
            return self.inner.tests_incumbents

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

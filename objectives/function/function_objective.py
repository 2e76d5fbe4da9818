"""A plain function as an objective: it takes hyperparameters by name, and returns or yields numbers or metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from objectives.epoch import NOT_GIVEN, Epoch
from objectives.function.call import FunctionCall
from objectives.metric import Metric, as_metrics
from objectives.native_value import require_int
from objectives.objective import Machine, Objective
from objectives.space import Categorical, Config, Space
from objectives.task import Constraint, as_constraints

SECONDS = "seconds"
"""The name under which a function may report seconds of its own, beside its metrics."""

MOST_EPOCHS = 10**9


class FunctionObjective(Objective):
    """Trains by calling a function: once a trial, or once a fidelity, or drawing from it once an epoch.

    The function is given the hyperparameters by name and, if it has such parameters, `seed` (an integer below 2**32,
    the trial's own), `epochs` or `max_epochs`, `device` and `data` (the folder of data sets, or None). It returns a
    number, a mapping of metrics, or a pair of one for validation and one for the test; or it yields one of these for
    every epoch. `seconds` in a mapping are its own, which are recorded and charged under a tabulated clock alone.

    Args:
        function: any callable that may be called by names.
        space: a `Space`, or a mapping of distributions, in which a list stands for a choice.
        default: the first configuration, or None.
        max_epochs: epochs of a full training; None: one, or what the function's own parameter has as a default.
        metrics: what `objectives.metric.as_metrics` takes; None: the one metric `error`.
        constraints: what `objectives.task.as_constraints` takes; None: every trial is feasible.
        test: a function like it, which is called for incumbents alone and returns test metrics.
        constants: further arguments of every call.
        name: of the function in messages.

    Raises:
        ValueError: function, space, metrics and epochs do not fit each other.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        space: Mapping[str, Any],
        *,
        default: Mapping[str, Any] | None = None,
        max_epochs: int | None = None,
        metrics: Any = None,
        constraints: Any = None,
        test: Callable[..., Any] | None = None,
        constants: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self._name = str(name or getattr(function, "__qualname__", type(function).__name__))
        self._space = as_space(space)
        self.call = FunctionCall(self._name, function, self._space, constants)
        self._default = None if default is None else self._space.check(default)
        self._metrics = (Metric("error"),) if metrics is None else as_metrics(metrics)
        self._constraints = () if constraints is None else as_constraints(constraints)
        self._max_epochs = _full_training(self.call, max_epochs)
        self._explicit = max_epochs is not None
        self._target = self._max_epochs
        self.test = None if test is None else FunctionCall(f"{self._name}'s test", test, self._space)

    @property
    def label(self) -> str:
        return self._name

    @property
    def space(self) -> Space:
        return self._space

    @property
    def default(self) -> Config | None:
        return self._default

    @property
    def max_epochs(self) -> int:
        return self._max_epochs

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self._metrics

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return self._constraints

    @property
    def pausable(self) -> bool:
        """A generator goes on where it stopped; a function that is told the epochs trains them all again."""
        return self.call.yields or not self.call.takes_epochs or self._max_epochs == 1

    def until(self, epochs: int) -> FunctionObjective:
        if self.pausable:
            return self
        shorter = object.__new__(FunctionObjective)
        shorter.__dict__.update(self.__dict__, _target=epochs)
        return shorter

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        returned = self.call(config, seed, self._target, machine)
        if not isinstance(returned, Iterator):
            if self.pausable and self._max_epochs > 1:
                raise ValueError(f"{self._name} returned once, max_epochs = {self._max_epochs}: yield, or take epochs")
            yield from (Epoch(skipped=True) for _ in range(self._target - 1))
            yield self._epoch(returned)
            return
        try:
            if not self.call.yields and not self._explicit:
                raise ValueError(f"{self._name} yields its results: say by max_epochs how many a full training has")
            yield from map(self._epoch, returned)
            raise ValueError(f"{self._name} yielded fewer results than max_epochs = {self._max_epochs}")
        finally:
            close = getattr(returned, "close", None)
            if callable(close):
                close()

    @property
    def tests_incumbents(self) -> bool:
        return self.test is not None

    def test_metrics(
        self, config: Config, seed: np.random.SeedSequence, machine: Machine, epochs: int
    ) -> Mapping[str, Any]:
        assert self.test is not None, "tests_incumbents says whether there is one"
        values, _ = self._values(self.test(config, seed, epochs, machine))
        return values

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

    def _epoch(self, returned: object) -> Epoch:
        """Convert what the function returned or yielded to an epoch; its numbers are checked like every objective's."""
        if isinstance(returned, Epoch):
            return returned
        valid, test = returned, None
        if isinstance(returned, tuple | list) and len(returned) == 2:
            valid, test = returned
        metrics, seconds = self._values(valid)
        test_metrics = None if test is None else self._values(test)[0]
        return Epoch(metrics=metrics, test_metrics=test_metrics, seconds=seconds)

    def _values(self, returned: object) -> tuple[dict[str, Any], Any]:
        """Metrics by name, and the seconds that are reported beside them."""
        if returned is None:
            raise TypeError(f"{self._name} returned None: need a number, or a mapping of {_names(self._metrics)}")
        if not isinstance(returned, Mapping):
            return {self._metrics[0].name: returned}, NOT_GIVEN
        values = dict(returned)
        declared = any(metric.name == SECONDS for metric in self._metrics)
        return values, NOT_GIVEN if declared else values.pop(SECONDS, NOT_GIVEN)


def as_space(space: Mapping[str, Any]) -> Space:
    """Make a space of a mapping of distributions, in which a list or tuple stands for a choice.

    Raises:
        ValueError: it is no mapping, or holds something else.
    """
    if isinstance(space, Space):
        return space
    if not isinstance(space, Mapping):
        raise ValueError(f"space = {space!r}: need a Space, or a mapping of distributions by name")
    listed = {name: Categorical(value) for name, value in space.items() if isinstance(value, list | tuple)}
    return Space({**space, **listed})


def _full_training(call: FunctionCall, max_epochs: int | None) -> int:
    """The epochs of a full training."""
    if max_epochs is not None:
        require_int("max_epochs", max_epochs, 1, MOST_EPOCHS)
        if max_epochs > 1 and not call.yields and not call.takes_epochs:
            raise ValueError(
                f"max_epochs = {max_epochs}: {call.name} neither yields a result an epoch nor has a parameter epochs"
            )
        return max_epochs
    default = call.default_epochs
    if type(default) is int and default >= 1:
        return default
    if call.yields:
        raise ValueError(f"max_epochs: missing; {call.name} yields, so say how many results a full training has")
    if call.takes_epochs:
        raise ValueError(f"max_epochs: missing; {call.name} is told how long to train, so say how long that may be")
    return 1


def _names(metrics: Sequence[Metric]) -> str:
    return ", ".join(metric.name for metric in metrics)

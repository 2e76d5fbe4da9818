"""Nevergrad's optimizers: evolution strategies, differential evolution, particle swarms, NGOpt and others."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.pending import PendingTrials
from algorithms.interop.space_translation import Coordinate, Translation
from algorithms.option_checks import require_int
from objectives.space import Config, Space

with without_side_effects():
    import nevergrad as ng
    from nevergrad.common.errors import NevergradEarlyStopping, TellNotAskedNotSupportedError
    from nevergrad.optimization import metamodel

MOST_TRIALS = 1_000_000
FEW_INTEGERS = 10
"""Nevergrad advises against casting to integers over ranges smaller than this."""


def _number(value: Any) -> float:
    return float(np.asarray(value).item())


metamodel.float = _number
"""Nevergrad 1.0.12 calls float() on arrays of one number, which numpy 2.4 refuses.

Without this NGOpt, whose choice for a few floats is a meta-model, raises a TypeError after some 20
trials and leaves a thread behind that keeps the process from ending.
"""


class Nevergrad:
    """An optimizer of Nevergrad's registry by its ask and tell interface.

    Floats are `Scalar` or `Log` with bounds, integers the same cast to integers, or `TransitionChoice`
    where there are fewer than ten, categoricals `Choice`. Conditions are unknown to Nevergrad: it draws
    every hyperparameter, those that do not count are dropped, and it takes their values to be tried.

    The default is given to the optimizer by `suggest`, so it is asked for first. A few optimizers
    (EDA, EMNA, AXP, BayesOptim) refuse to be told of points that they did not make; they do without.

    A crashed trial is told as infinite, which Nevergrad clips to 5e20. Of a trial it learns the first
    result.

    Args:
        config_space: the space.
        rng: gives the seed of the parametrization's random state, from which all optimizers draw.
        initial_config: suggested as the first point.
        optimizer: a name of `nevergrad.optimizers.registry`: NGOpt, OnePlusOne, TwoPointsDE, PSO, CMA, ...
        budget: evaluations that the optimizer counts on. NGOpt chooses its method by it; most others
            ignore it. A searcher knows no budget, so set it to the suite's where that is another than 100.
        num_workers: proposals that may be without results at a time, as the optimizer believes; >= 2.
            With one, Nevergrad runs methods that are strictly sequential (NGOpt may choose them): they
            wait for ever, in a thread of their own, for a result that is not told before the next ask.

    Raises:
        ValueError: a parameter outside these, or an optimizer that cannot be built with them.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        optimizer: str = "NGOpt",
        budget: int = 100,
        num_workers: int = 2,
    ) -> None:
        if optimizer not in ng.optimizers.registry:
            near = difflib.get_close_matches(str(optimizer), ng.optimizers.registry, n=1, cutoff=0)
            raise ValueError(f"optimizer = {optimizer!r}: not in Nevergrad's registry; nearest is {near[0]!r}")
        for name, value, low in (("budget", budget, 1), ("num_workers", num_workers, 2)):
            require_int(name, value, low, MOST_TRIALS)
        self.translation = Translation(config_space)
        self.neutral = self.translation.complete({})
        free = [c for c in self.translation.coordinates if len(c.choices) > 1 or c.low != c.high]
        self.choices = {c.name: c.choices for c in free if c.kind == "categorical"}
        self.pending = PendingTrials()
        self.default = None if initial_config is None else dict(initial_config)
        seeds = [int(seed) for seed in rng.integers(2**31 - 1, size=2)]
        self.state = np.random.RandomState(seeds[0]).get_state()
        self.optimizer: Any = None
        if free:
            with self._aside():
                parameters = ng.p.Dict(**{c.name: _parameter(c) for c in free})
                parameters.random_state = np.random.RandomState(seeds[1])
                self.optimizer = _built(optimizer, parameters, budget, num_workers)
                if self.default is not None:
                    self.optimizer.suggest(self._outward(self.default, [c.name for c in free]))

    def sample_configuration(self) -> Config | None:
        if self.optimizer is None:
            return self.translation.inward(self.neutral)
        with self._aside():
            try:
                candidate = self.optimizer.ask()
            except NevergradEarlyStopping:
                return None
        config = self._inward(candidate.value)
        if self.default is not None:  # Exactly as given: the way through Nevergrad's scale may round.
            config, self.default = self.default, None
        self.pending.add(config, candidate)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        candidate = self.pending.take(config)
        if candidate is None or self.optimizer is None:
            return
        with self._aside():
            try:
                self.optimizer.tell(candidate, error if math.isfinite(error) else math.inf)
            except TellNotAskedNotSupportedError:
                """The default, which this optimizer cannot learn from."""

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Let Nevergrad draw from a private state of numpy's global generator, and ignore its warnings.

        Parameters and inner optimizers seed themselves from the global generator. Warnings are of
        clipped losses, narrow bounds and methods that have converged.
        """
        outer = np.random.get_state()  # noqa: NPY002 (saved to be restored)
        np.random.set_state(self.state)  # noqa: NPY002 (a private state for third-party code)
        try:
            with silent():
                yield
        finally:
            self.state = np.random.get_state()  # noqa: NPY002 (kept for the next call)
            np.random.set_state(outer)  # noqa: NPY002 (restored)

    def _outward(self, config: Config, names: list[str]) -> dict[str, Any]:
        values = self.translation.complete(config)
        return {
            name: self.choices[name].index(values[name]) if name in self.choices else values[name] for name in names
        }

    def _inward(self, values: dict[str, Any]) -> Config:
        chosen = {name: self.choices[name][int(values[name])] for name in self.choices}
        return self.translation.inward({**self.neutral, **values, **chosen})


def _parameter(coordinate: Coordinate) -> Any:
    """Declare one hyperparameter; choices by their index, since Nevergrad compares values by equality."""
    low, high = coordinate.low, coordinate.high
    if coordinate.kind == "categorical":
        return ng.p.Choice(len(coordinate.choices))
    if coordinate.kind == "int" and high - low < FEW_INTEGERS:
        return ng.p.TransitionChoice(range(low, high + 1))
    number = ng.p.Log(lower=low, upper=high) if coordinate.log else ng.p.Scalar(lower=low, upper=high)
    return number.set_integer_casting() if coordinate.kind == "int" else number


def _built(name: str, parameters: Any, budget: int, num_workers: int) -> Any:
    arguments = f"optimizer = {name!r}, budget = {budget}, num_workers = {num_workers}"
    method = ng.optimizers.registry[name]
    if method.no_parallelization:  # Nevergrad refuses these too, but leaves half an object that cannot be deleted.
        raise ValueError(f"{arguments}: it is strictly sequential, need one that may be asked twice before it is told")
    try:
        return method(parameters, budget=budget, num_workers=num_workers)
    except (ValueError, AssertionError, ImportError) as error:
        raise ValueError(f"{arguments}: Nevergrad cannot build it ({error})") from error

"""Hyperopt: tree-structured Parzen estimators, annealing and random search over its own trials database."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from algorithms.interop.containment import silent, without_side_effects
from algorithms.interop.pending import PendingTrials
from algorithms.interop.space_translation import Coordinate, Translation
from objectives.space import Config, Scalar, Space

with without_side_effects():
    from hyperopt import JOB_STATE_DONE, JOB_STATE_RUNNING, STATUS_FAIL, STATUS_OK, Trials, anneal, hp, rand, tpe
    from hyperopt.base import Domain
    from hyperopt.fmin import generate_trial

ALGORITHMS: Mapping[str, Callable[..., list[dict[str, Any]]]] = {
    "tpe": partial(tpe.suggest, verbose=False),
    "anneal": anneal.suggest,
    "rand": rand.suggest,
}
MOST_BRANCHES = 64
"""An integer with more values is not declared as a choice; what depends on it is then always drawn."""


class Hyperopt:
    """Hyperopt's `suggest` functions (Bergstra et al., 2011 and 2013), driven as its `fmin` does.

    `fmin` evaluates by itself, so the loop is here: ask the algorithm for a trial with a seed drawn as
    `fmin` draws it, enter it as running, and enter its loss when told. Running and failed trials are
    infinitely bad to TPE and annealing, so that they keep away from outstanding ones. Of a trial
    Hyperopt learns the first result.

    A hyperparameter on which others depend is declared by `hp.choice`, with those nested in its
    branches; this makes a whole number or ordinal unordered, and its values equally likely. Other whole
    numbers are `hp.quniform` or `hp.qloguniform` from half a step below to half a step above, so that
    the ends are as likely as the rest (`hp.uniformint` gives them half).

    Args:
        config_space: the space.
        rng: gives the seed of each suggestion.
        initial_config: entered as the first trial, as `points_to_evaluate` does.
        algorithm: "tpe", "anneal" or "rand".
        n_startup_jobs: random proposals before the first of TPE's; None: Hyperopt's 20.
        n_candidates: draws that TPE takes the best of; None: Hyperopt's 24.
        gamma: TPE counts gamma * sqrt(trials) of the trials as good; None: Hyperopt's 0.25.

    Raises:
        ValueError: a parameter outside these, or one of TPE's for another algorithm.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        algorithm: str = "tpe",
        n_startup_jobs: int | None = None,
        n_candidates: int | None = None,
        gamma: float | None = None,
    ) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm = {algorithm!r}: need one of {', '.join(ALGORITHMS)}")
        options = _options(algorithm, n_startup_jobs, n_candidates, gamma)
        self.rng, self.suggest = rng, partial(ALGORITHMS[algorithm], **options)
        self.declaration = _Declaration(config_space)
        self.default = None if initial_config is None else dict(initial_config)
        self.domain = Domain(None, self.declaration.expression) if self.declaration.expression else None
        self.trials, self.pending = Trials(), PendingTrials()

    def sample_configuration(self) -> Config | None:
        if self.domain is None:
            return self.declaration.inward({})
        if self.default is not None:
            config, trial = self.default, self._entered(self.default)
            self.default = None
        else:
            seed = self.rng.integers(2**31 - 1)
            with silent():
                [trial] = self.suggest(self.trials.new_trial_ids(1), self.domain, self.trials, seed)
            config = self.declaration.inward({name: value[0] for name, value in trial["misc"]["vals"].items() if value})
        trial["state"] = JOB_STATE_RUNNING
        self.trials.insert_trial_docs([trial])
        self.trials.refresh()
        self.pending.add(config, trial)
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        trial = self.pending.take(config)
        if trial is not None:
            trial["result"] = {"loss": error, "status": STATUS_OK} if math.isfinite(error) else {"status": STATUS_FAIL}
            trial["state"] = JOB_STATE_DONE
            self.trials.refresh()

    def _entered(self, config: Config) -> dict[str, Any]:
        """Add a trial with the configuration's values to Hyperopt's database."""
        trial: dict[str, Any] = generate_trial(0, self.declaration.outward(config))
        for label in self.declaration.nodes:
            for values in (trial["misc"]["idxs"], trial["misc"]["vals"]):
                values.setdefault(label, [])
        return trial


class _Declaration:
    """Declares a space to Hyperopt and translates configurations.

    Attributes:
        expression: the search space, hyperparameters that depend on others nested in these.
    """

    def __init__(self, space: Space) -> None:
        self.translation = Translation(space)
        self.neutral = self.translation.complete({})
        self.free = [c for c in self.translation.coordinates if len(c.choices) > 1 or c.low != c.high]
        self.listed = {c.name: _values(c) for c in self.free if c.kind == "categorical" or _is_parent(c, self.free)}
        roots = [c for c in self.free if c.condition is None or c.condition.parent not in self.listed]
        self.drawn = [c.name for c in roots]
        self.nodes: dict[str, Any] = {}
        self.expression = {c.name: self._node(c) for c in roots}

    def outward(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Translate a configuration to Hyperopt's labels: choices by index, neutral values for inactive ones."""
        values = self.translation.outward(config)
        values = {**{name: self.neutral[name] for name in self.drawn}, **values}
        return {k: self.listed[k].index(v) if k in self.listed else v for k, v in values.items() if k in self.nodes}

    def inward(self, values: Mapping[str, Any]) -> Config:
        """Translate Hyperopt's values to a configuration."""
        native = {k: self.listed[k][int(v)] if k in self.listed else v for k, v in values.items()}
        return self.translation.inward({**self.neutral, **native})

    def _node(self, coordinate: Coordinate) -> Any:
        """Return a label's only node: Hyperopt treats a label in several branches as one if its node is the same."""
        name = coordinate.name
        if name not in self.nodes:
            branches = [self._branch(name, value) for value in self.listed.get(name, ())]
            self.nodes[name] = hp.choice(name, branches) if branches else _number(coordinate)
        return self.nodes[name]

    def _branch(self, parent: str, value: Scalar) -> dict[str, Any]:
        """The hyperparameters that are active where the parent has this value, and the value."""
        nested = [c for c in self.free if c.condition and c.condition.parent == parent and value in c.condition.values]
        return {parent: value, **{child.name: self._node(child) for child in nested}}


def _is_parent(coordinate: Coordinate, free: list[Coordinate]) -> bool:
    few = coordinate.kind == "int" and coordinate.high - coordinate.low < MOST_BRANCHES
    return few and any(c.condition is not None and c.condition.parent == coordinate.name for c in free)


def _values(coordinate: Coordinate) -> tuple[Scalar, ...]:
    return coordinate.choices or tuple(range(coordinate.low, coordinate.high + 1))


def _number(coordinate: Coordinate) -> Any:
    name, low, high = coordinate.name, coordinate.low, coordinate.high
    if coordinate.kind == "int" and coordinate.log:
        return hp.qloguniform(name, math.log(low - 0.5), math.log(high + 0.5), 1)
    if coordinate.kind == "int":
        return hp.quniform(name, low - 0.5, high + 0.5, 1)
    return hp.loguniform(name, math.log(low), math.log(high)) if coordinate.log else hp.uniform(name, low, high)


def _options(algorithm: str, startup: int | None, candidates: int | None, gamma: float | None) -> dict[str, Any]:
    """Translate the options that were set to Hyperopt's names for TPE."""
    for name, value, low in (("n_startup_jobs", startup, 1), ("n_candidates", candidates, 1)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not low <= value <= 100_000):
            raise ValueError(f"{name} = {value!r}: need a whole number in {low}..100000")
    if gamma is not None and (isinstance(gamma, bool) or not isinstance(gamma, int | float) or not 0 < gamma <= 10):
        raise ValueError(f"gamma = {gamma!r}: need a number in (0, 10]")
    settings = {"n_startup_jobs": startup, "n_EI_candidates": candidates, "gamma": gamma}
    options = {name: value for name, value in settings.items() if value is not None}
    if options and algorithm != "tpe":
        raise ValueError(f"algorithm = {algorithm!r}: n_startup_jobs, n_candidates and gamma are options of 'tpe'")
    return options

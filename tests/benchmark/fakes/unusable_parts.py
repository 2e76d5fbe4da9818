"""Objectives, searchers and schedulers that the harness must refuse; imported by dotted path."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config, Space

NUMBER = 3


def nothing() -> None:
    """Return None where a part is needed."""


def unprintable() -> object:
    """Return an object that is no part of a suite and cannot be printed."""
    return Unprintable()


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class NoMethods:
    """Neither a searcher nor a scheduler."""

    def __init__(self, searcher: object = None) -> None:
        self.searcher = searcher


class OnlySamples:
    """A searcher without `update`."""

    def sample_configuration(self) -> Config:
        return {}


class OnlySuggests:
    """A scheduler without `update`."""

    def suggest(self) -> Config | None:
        return None


class Alone(OnlySuggests):
    """A scheduler that takes no searcher."""

    def update(self, config: Config, error: float, info: Any = None) -> None:
        """Learns nothing."""


class Demanding(OnlySamples):
    """A searcher with a required parameter that the harness does not supply."""

    def __init__(self, config_space: Space, wisdom: float) -> None:
        self.space, self.wisdom = config_space, wisdom

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Learns nothing."""


class Open(OnlySamples):
    """A searcher that takes any option."""

    def __init__(self, rng: np.random.Generator, **options: Any) -> None:
        self.options = options

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Learns nothing."""


class Positional(Open):
    """A searcher that takes the space by position only."""

    def __init__(self, config_space: Space, /) -> None:
        self.space = config_space


class Raising(Open):
    """A searcher whose constructor raises an exception of the given kind."""

    def __init__(self, kind: str) -> None:
        if kind == "exit":
            sys.exit("gone")
        raise {"runtime": RuntimeError, "key": KeyError, "assertion": AssertionError}[kind]("two\nlines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd(Objective):
    """An objective with one property that cannot be worked with."""

    odd: str = ""

    @property
    def space(self) -> Space:
        if self.odd == "raises":
            raise RuntimeError("no space here")
        space: Any = {"x": stats.uniform(0, 1)}
        return space if self.odd == "space" else Space(space)

    @property
    def default(self) -> Config | None:
        return {"x": 2.0} if self.odd == "default" else None

    @property
    def max_epochs(self) -> int:
        return 0 if self.odd == "epochs" else 1

    @property
    def chance_error(self) -> float:
        return float("nan") if self.odd == "chance" else 1.0

    @property
    def best_error(self) -> float:
        return 2.0 if self.odd == "best" else 0.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return iter(())


class Abstract(Objective):
    """An objective that implements nothing."""

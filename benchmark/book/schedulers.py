"""The book's schedulers."""

from __future__ import annotations

from typing import Any

from algorithms.roles import Searcher
from benchmark.book.hyperparameters import HyperParameters
from objectives.space import Config


class HPOScheduler(HyperParameters):
    """The book's scheduler: when does a trial train, and how long? Methods may be added by `add_to_class`."""

    def suggest(self) -> Config | None:
        raise NotImplementedError

    def update(self, config: Config, error: float, info: Any = None) -> None:
        raise NotImplementedError


class BasicScheduler(HPOScheduler):
    """Start a new configuration whenever a worker is free, and train it to the end."""

    searcher: Searcher

    def __init__(self, searcher: Searcher) -> None:
        self.save_hyperparameters()

    def suggest(self) -> Config | None:
        return self.searcher.sample_configuration()

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)

"""Keeps a third party's algorithm apart, so that no trial depends on which algorithms there are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from algorithms.roles import Scheduler
from objectives.space import Config


class Keeper(Protocol):
    """Keeps states or settings of somebody's code."""

    def active(self) -> AbstractContextManager[None]: ...


class IsolatedScheduler:
    """Runs a third-party scheduler with private states of the global generators and settings of the process.

    Args:
        scheduler: the algorithm.
        isolation: keeps its states and settings.
        takes_info: whether its `update` takes a third argument.
    """

    def __init__(self, scheduler: Scheduler, isolation: Keeper, *, takes_info: bool) -> None:
        self.scheduler, self.isolation, self.takes_info = scheduler, isolation, takes_info

    def suggest(self) -> Config | None:
        with self.isolation.active():
            return self.scheduler.suggest()

    def update(self, config: Config, error: float, info: Any = None) -> None:
        with self.isolation.active():
            self.scheduler.update(config, error, *([info] if self.takes_info else []))

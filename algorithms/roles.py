"""The two roles of an algorithm, with the book's method names."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from objectives.space import Config


@runtime_checkable
class Searcher(Protocol):
    """Which configuration next?

    A class may say `adaptive = False`: no result changes what it proposes. Its trials may then be
    trained before it asks for them, which changes no result.
    """

    def sample_configuration(self) -> Config | None:
        """A new configuration, or None when there is nothing left to try."""

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Learn what `config` came to; `error` is +inf when its training crashed."""


@runtime_checkable
class Scheduler(Protocol):
    """When does a trial train, and how long?

    A configuration's key `max_epochs` asks for a fidelity; without it a trial trains to the end. The
    same configuration with a larger `max_epochs` continues the paused trial.
    """

    def suggest(self) -> Config | None:
        """A configuration to train now, or None: nothing to start until the next update."""

    def update(self, config: Config, error: float, info: Any = None) -> None:
        """Learn the validation error of a suggested configuration, `max_epochs` included."""

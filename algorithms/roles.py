"""The roles of an algorithm, searcher and scheduler, with the method names of Dive into Deep Learning."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from objectives.space import Config


@runtime_checkable
class Searcher(Protocol):
    """Proposes configurations.

    A class may say `adaptive = False`: no result changes what it proposes. Its trials may then be
    trained before it asks for them, which changes no result.
    """

    def sample_configuration(self) -> Config | None:
        """Propose a new configuration, or None when there is nothing left to try."""

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Learn the validation error of `config`; it is +inf when the training crashed."""


@runtime_checkable
class Scheduler(Protocol):
    """Decides when a trial trains, and for how long.

    A configuration's key `max_epochs` asks for a fidelity; without it a trial trains to the end. The
    same configuration with a larger `max_epochs` continues the paused trial.
    """

    def suggest(self) -> Config | None:
        """Return a configuration to train now, or None if nothing can start before the next update."""

    def update(self, config: Config, error: float, info: Any = None) -> None:
        """Learn the validation error of a suggested configuration, `max_epochs` included."""

"""The basic scheduler: every configuration trains to the end, in the order proposed."""

from __future__ import annotations

from typing import Any

from algorithms.roles import Searcher
from objectives.space import Config


class BasicScheduler:
    """Start a new configuration whenever a worker is free, and train it to the end."""

    def __init__(self, searcher: Searcher) -> None:
        self.searcher = searcher

    @property
    def adaptive(self) -> bool:
        """Return whether results change what is suggested: False only where the searcher says so."""
        return bool(getattr(self.searcher, "adaptive", True))

    def suggest(self) -> Config | None:
        return self.searcher.sample_configuration()

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)

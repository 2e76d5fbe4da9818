"""Remembers a library's own objects for pending proposals until their first results."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from objectives.space import FIDELITY


class PendingTrials:
    """Pending configurations with the library's tokens (trial numbers, candidates) for them.

    A configuration proposed twice has two tokens; the earlier one is taken first.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Any]] = {}

    def add(self, config: Mapping[str, Any], token: Any) -> None:
        """Remember the library's token of a proposal."""
        self._waiting.setdefault(_name(config), deque()).append(token)

    def take(self, config: Mapping[str, Any]) -> Any:
        """Remove and return the token of a configuration; None if it is not pending.

        Args:
            config: as told, with or without its fidelity.
        """
        name = _name(config)
        waiting = self._waiting.get(name)
        if waiting is None:
            return None
        token = waiting.popleft()
        if not waiting:
            del self._waiting[name]
        return token

    @property
    def outstanding(self) -> list[Any]:
        """Tokens of proposals without a result."""
        return [token for waiting in self._waiting.values() for token in waiting]


def _name(config: Mapping[str, Any]) -> str:
    """The key of a configuration; it distinguishes 1 from 1.0 and True, which are equal."""
    return repr(sorted((name, value) for name, value in config.items() if name != FIDELITY))

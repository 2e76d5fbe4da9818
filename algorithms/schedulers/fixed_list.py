"""Trains a given list of trials in its order, to repeat known configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from algorithms.option_checks import require_int
from objectives.space import FIDELITY, Config, Space


class FixedList:
    """Train a given list of trials, one after the other, and nothing else.

    Args:
        config_space: the space.
        max_epochs: the full fidelity.
        trials: configurations; the key `max_epochs` of one says until which epoch it trains, without
            it until the last.

    Raises:
        ValueError: `trials` is no list of configurations of the space.
    """

    adaptive = False

    def __init__(self, config_space: Space, max_epochs: int, trials: Sequence[Mapping[str, Any]] = ()) -> None:
        if not isinstance(trials, list | tuple) or not all(isinstance(trial, Mapping) for trial in trials):
            raise ValueError("trials: need a list of tables, each a configuration")
        for index, trial in enumerate(trials):
            try:
                config_space.check({name: value for name, value in trial.items() if name != FIDELITY})
                epochs = trial.get(FIDELITY, max_epochs)
                is_whole = isinstance(epochs, float) and epochs.is_integer()
                require_int(FIDELITY, int(epochs) if is_whole else epochs, 1, max_epochs)
            except ValueError as error:
                raise ValueError(f"trials[{index}]: {error}") from error
        self.ahead = iter([dict(trial) for trial in trials])

    def suggest(self) -> Config | None:
        return next(self.ahead, None)

    def update(self, config: Config, error: float, info: Any = None) -> None:
        """Results do not change the list."""

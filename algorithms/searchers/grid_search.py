"""Grid search: every combination of a few levels of every hyperparameter."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from algorithms.option_checks import require_int
from objectives.space import Config, Scalar, Space

MOST_POINTS = 1_000_000


class GridSearch:
    """Every combination of `levels` values of each hyperparameter, in random order.

    The values of a hyperparameter lie evenly in probability (the middles of `levels` equal cells of
    its distribution), so a log-uniform learning rate gets a logarithmic grid; a categorical gets all
    its choices. What does not count at a point is no part of it, so that no two points train alike.
    The order is random because a budget rarely covers the grid, and row by row the last rows would
    never be reached. When the grid is used up there is nothing left to try.

    Args:
        config_space: the space.
        rng: shuffles the grid.
        initial_config: tried first, before the grid.
        levels: values of each numeric hyperparameter, 1 to a million.

    Raises:
        ValueError: a bad number of levels, or a grid of more than a million points.
    """

    adaptive = False

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        levels: int = 5,
    ) -> None:
        require_int("levels", levels, 1, MOST_POINTS)
        values = {name: config_space.levels(name, levels) for name in config_space}
        parents = {condition.parent for condition in config_space.conditions.values()}
        points = sum(count for _, count in _combinations(config_space, values, parents))
        if points > MOST_POINTS:
            raise ValueError(f"levels = {levels}: gives {points} grid points, at most {MOST_POINTS} are allowed")
        grid = [point for point, _ in _combinations(config_space, values, config_space)]
        first = [] if initial_config is None else [dict(initial_config)]
        self.ahead = iter([*first, *(grid[i] for i in rng.permutation(len(grid)))])

    def sample_configuration(self) -> Config | None:
        return next(self.ahead, None)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Grid search learns nothing."""


def _combinations(space: Space, values: Mapping[str, list[Scalar]], apart: Collection[str]) -> list[tuple[Config, int]]:
    """All combinations of some hyperparameters' values, with the number of grid points that contain each.

    Ends early, with too few, where there are more combinations than a grid may have points.

    Args:
        space: whose conditions hold.
        values: of every hyperparameter.
        apart: those to combine; all that others depend on are among them.
    """
    combinations: list[tuple[Config, int]] = [({}, 1)]
    for name in space:
        condition = space.conditions.get(name)
        grown: list[tuple[Config, int]] = []
        for config, count in combinations:
            if condition is not None and not condition.holds(config):
                grown.append((config, count))
            elif name in apart:
                grown += (({**config, name: value}, count) for value in values[name])
            else:
                grown.append((config, count * len(values[name])))
        combinations = grown
        if len(combinations) > MOST_POINTS:
            break
    return combinations

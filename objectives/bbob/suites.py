"""COCO's suites: which functions, dimensions and instances they have, and the spaces of their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from scipy import stats

from objectives.space import Space

MOST_INSTANCES = 1000
CARDINALITIES = (2, 4, 8, 16)
"""Values of an integer variable of bbob-mixint; each is that of a fifth of the variables, and the rest are floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoSuite:
    """A suite of COCO.

    Attributes:
        functions: their numbers.
        dimensions: all that there are, or those from the first to the last where `any_dimension`.
        instances: how many there are.
        half_width: of the box about 0 that the space is.
        integers: whether four fifths of the variables are integers.
    """

    functions: range
    dimensions: tuple[int, ...] = (2, 3, 5, 10, 20, 40)
    any_dimension: bool = False
    instances: int = MOST_INSTANCES
    half_width: float = 5.0
    integers: bool = False


SUITES: Mapping[str, CocoSuite] = {
    "bbob": CocoSuite(functions=range(1, 25), dimensions=(2, 640), any_dimension=True),
    "bbob-largescale": CocoSuite(functions=range(1, 25), dimensions=(20, 40, 80, 160, 320, 640)),
    "bbob-noisy": CocoSuite(functions=range(101, 131)),
    "bbob-mixint": CocoSuite(functions=range(1, 25), dimensions=(5, 10, 20, 40, 80, 160), integers=True),
    "bbob-constrained": CocoSuite(functions=range(1, 55)),
    "bbob-biobj": CocoSuite(functions=range(1, 56), instances=15, half_width=100.0),
}
"""By COCO's names. Further instances of bbob-biobj depend on which dimensions are asked for at once."""


@cache
def make_space(suite: str, dimension: int) -> Space:
    """Make the space of a suite's problems: variables x1, x2, ..., the integers first."""
    kind = SUITES[suite]
    variables: dict[str, Any] = {}
    for i in range(dimension):
        fifth = i // (dimension // 5) if kind.integers else len(CARDINALITIES)
        is_integer = fifth < len(CARDINALITIES)
        floats = stats.uniform(-kind.half_width, 2 * kind.half_width)
        variables[f"x{i + 1}"] = stats.randint(0, CARDINALITIES[fifth]) if is_integer else floats
    return Space(variables)

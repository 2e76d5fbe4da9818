"""The noise of bbob-noisy, drawn from a trial's own generator instead of COCO's, which counts evaluations.

Source: Hansen, Finck, Ros and Auger (2009), Real-parameter black-box optimization benchmarking 2009: noisy functions
definitions. As in coco-experiment, and unlike in the report, values within 1e-8 of the optimum are noisy too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BASES = (1, 8, 1, 8, 7, 10, 14, 17, 19, 21)
"""The function of bbob whose optimum each three of the noisy functions have, from f101 on."""
OFFSET = 1.01e-8
"""What is added to every noisy value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How strong the three kinds of noise are.

    Attributes:
        beta: of Gaussian and of uniform noise.
        uniform: exponent of the uniform noise's second factor.
        alpha: of Cauchy noise.
        p: how often there is Cauchy noise.
    """

    beta: float
    uniform: float
    alpha: float
    p: float


def level_of(function: int, dimension: int) -> Level:
    """The first six functions are moderately noisy, the others severely."""
    severe, rate = function > 106, 0.49 + 1 / dimension
    if severe:
        return Level(beta=1.0, uniform=rate, alpha=1.0, p=0.2)
    return Level(beta=0.01, uniform=0.01 * rate, alpha=0.01, p=0.05)


def base_function(function: int) -> int:
    """The function of bbob that has the same optimum."""
    return BASES[(function - 101) // 3]


def cauchy_sibling(function: int) -> int:
    """The same function with Cauchy noise: the only one whose noise, where it is absent, is a constant."""
    return function + 2 - (function - 101) % 3


def add_noise(function: int, dimension: int, excess: float, rng: np.random.Generator) -> float:
    """Return a noisy value.

    Args:
        function: its number, from 101 on; it says which kind of noise.
        dimension: of the problem.
        excess: how far the value is above the optimum.
        rng: of the trial.
    """
    level, kind = level_of(function, dimension), (function - 101) % 3
    if kind == 0:
        noisy = excess * np.exp(level.beta * rng.standard_normal())
    elif kind == 1:
        first, second = rng.random(2)
        noisy = excess * first**level.beta * max(1.0, (1e9 / (excess + 1e-99)) ** (level.uniform * second))
    else:
        numerator, denominator = rng.standard_normal(2)
        outlier = numerator / abs(denominator) if rng.random() < level.p else 0.0
        noisy = excess + max(0.0, level.alpha * (1000 + outlier))
    return float(noisy) + OFFSET

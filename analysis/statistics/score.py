"""The anytime score of a run: how good its incumbent was on average over a fixed horizon."""

from __future__ import annotations

import math

import numpy as np

from analysis.statistics.anytime import Curve

LARGE = 2.0**1022
"""Numbers up to which the difference of any two is a double."""


def score(curve: Curve, *, best: float, chance: float, horizon: float) -> float:
    """The area over a run's curve of validation errors, as a share of the largest there could be.

    `(1/B) * integral from 0 to B of 1 - clip((y(t) - best) / (chance - best), 0, 1)`, exact over the step
    function. What is undefined is worth nothing: the stretch before the first incumbent, and all after the
    last event of a run that did not stop by itself. López-Ibáñez, Vermetten, Dreo & Doerr, "Using the
    Empirical Attainment Function for Analyzing Single-objective Black-box Optimization Algorithms" (IEEE
    TEVC 2024) call it AOCC, and normalise the logarithm of the regret; here it is the error itself.

    Args:
        curve: the run's curve, on the axis of the horizon.
        best: the error worth 1, the least that can be reached; smaller ones are worth 1 too.
        chance: the error worth 0, that of knowing nothing; larger ones are worth 0 too.
        horizon: B > 0, in units of the curve's axis. Events after it do not count.

    Returns:
        A number in [0, 1]; higher is better.

    Raises:
        ValueError: constants that leave nothing to measure.
    """
    if not 0 < horizon < math.inf:
        raise ValueError(f"horizon = {horizon!r}: need a finite number > 0")
    if not -math.inf < best < chance < math.inf:
        raise ValueError(f"best = {best!r}, chance = {chance!r}: need finite numbers, best below chance")
    share = 0.25 if max(abs(best), abs(chance)) > LARGE else 1.0  # So that the difference of the two does not overflow.
    worth = 1.0 - (share * np.clip(curve.valid, best, chance) - share * best) / (share * chance - share * best)
    ends = np.append(curve.t, horizon if curve.carried else curve.t[-1:])
    lasted = np.diff(np.clip(ends, 0.0, horizon))
    # `fsum`, as a run may have thousands of events and two scores are compared by sign.
    return math.fsum(np.where(np.isnan(worth), 0.0, worth)[: len(lasted)] * lasted) / horizon

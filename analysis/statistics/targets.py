"""Time to target: when runs reach an error, with those that never do as censored observations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from operator import mul
from types import SimpleNamespace

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array, Curve
from analysis.statistics.bootstrap import LEAST, LEVEL, expanded, resamples

PENALTY = 10
"""The 10 of PAR-10."""
HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What came of the runs of a cell that went for one target.

    Attributes:
        reached: (n,) the first event at which the incumbent's error was the target or less; inf: at none.
        ended: (n,) the last event, 0 without any.
        penalised: (n,) `ended`, but for a failed run the latest end of the cell: failing early is no merit.
    """

    reached: Array
    ended: Array
    penalised: Array

    @property
    def spent(self) -> Array:
        """(n,) what each run took to reach the target or else to end."""
        return np.asarray(np.minimum(self.reached, self.ended))

    @property
    def success(self) -> Array:
        """(n,) booleans: whether the target was reached."""
        return np.asarray(np.isfinite(self.reached))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95 % interval; NaN where it is undefined, inf where nothing bounds it."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """The share of runs that are still to reach a target, from each time at which one reaches it.

    Attributes:
        t: (k,) times of successes, ascending, each once.
        deaths: (k,) integers, successes at t.
        at_risk: (k,) integers, runs that neither reached the target nor ended before t.
        shares: k exact shares after t.
    """

    t: Array
    deaths: Array
    at_risk: Array
    shares: tuple[Fraction, ...]

    def limits(self) -> tuple[Array, Array]:
        """Pointwise 95 % limits of the shares by the complementary log-log transformation, (k,) each.

        The variance is Greenwood's. Where nothing survives it is undefined, and the lower limit is 0, the upper one
        the exact binomial bound of those at risk.
        """
        share = np.array([float(share) for share in self.shares])
        z = stats.norm.ppf((1 + LEVEL) / 2)
        none_left = 1 - ((1 - LEVEL) / 2) ** (1 / self.at_risk)
        with np.errstate(divide="ignore", invalid="ignore"):
            greenwood = np.cumsum(self.deaths / (self.at_risk * (self.at_risk - self.deaths)))
            spread = z * np.sqrt(greenwood) / -np.log(share)
            low, high = (np.exp(np.log(share) * np.exp(sign * spread)) for sign in (1.0, -1.0))
        return np.where(share == 0, 0.0, low), np.where(share == 0, none_left, high)


UNKNOWN = Estimate(value=math.nan, lo=math.nan, hi=math.nan)


def attempts(curves: Sequence[Curve], target: float, error: str) -> Attempts:
    """When each run reached a target.

    Args:
        curves: those of all runs of the cell, also of those that failed.
        target: an error.
        error: "valid" or "test"; the test error may rise above the target again later.
    """
    reached = np.full(len(curves), np.inf)
    ended = np.zeros(len(curves))
    for row, curve in enumerate(curves):
        hits = np.flatnonzero(getattr(curve, error) <= target)  # NaN: no hit
        reached[row] = curve.t[hits[0]] if len(hits) else np.inf
        ended[row] = curve.t[-1] if len(curve.t) else 0.0
    failed = np.array([not curve.carried for curve in curves], dtype=bool)
    return Attempts(reached=reached, ended=ended, penalised=np.where(failed, ended.max(initial=0.0), ended))


def ert(runs: Attempts) -> float:
    """Expected running time: all that was spent, per success (Auger & Hansen 2005; COCO's `toolsstats.sp`).

    It is what restarting until the first success costs on average. inf: no success; NaN: no run.
    """
    if not len(runs.reached):
        return math.nan
    successes = int(np.count_nonzero(runs.success))
    return _sum_by(runs.spent, successes) if successes else math.inf


def par10(runs: Attempts) -> float:
    """Penalised average runtime: the mean of the times, ten times the end where the target was not reached.

    NaN: no run, or nothing but runs that failed before their first event.
    """
    times = np.where(runs.success, runs.reached, runs.penalised)
    weights = np.where(runs.success, 1.0, PENALTY)
    return _sum_by(times, len(times), weights) if runs.penalised.any() else math.nan


def survival(runs: Attempts) -> Survival:
    """The product-limit estimate of Kaplan and Meier (1958), runs without success censored at their end.

    A failed run is known not to reach the target any more, and is therefore censored with the last of its cell.
    Shares are products of whole numbers' ratios, taken exactly: rounded ones can miss a survival of exactly 1/2.
    """
    observed = np.sort(np.minimum(runs.reached, runs.penalised))
    t, deaths = np.unique(runs.reached[runs.success], return_counts=True)
    at_risk = len(observed) - np.searchsorted(observed, t, side="left")
    shares = accumulate((Fraction(n - d, n) for n, d in zip(at_risk.tolist(), deaths.tolist(), strict=True)), mul)
    return Survival(t=t, deaths=deaths, at_risk=at_risk, shares=tuple(shares))


def kaplan_meier_median(runs: Attempts) -> Estimate:
    """The median time to target: the first time at which no more than half of the runs are still to reach it.

    The interval inverts the pointwise log-log interval of the survival function (Brookmeyer & Crowley 1982; as R's
    `survfit`). inf: half of the runs do not reach the target, or the upper end is not bounded. A single run has no
    interval.
    """
    if not len(runs.reached):
        return UNKNOWN
    found = survival(runs)
    value = _first(found.t, np.array([share <= HALF for share in found.shares], dtype=bool))
    if len(runs.reached) < 2:
        return Estimate(value=value, lo=math.nan, hi=math.nan)
    low, high = found.limits()
    return Estimate(value=value, lo=_first(found.t, low <= 0.5), hi=_first(found.t, high <= 0.5))


def speed_up(a: Sequence[Attempts], b: Sequence[Attempts]) -> list[Estimate]:
    """How many times faster a is than b: the ratio of ERTs, b's by a's, at each of some targets.

    The interval is BCa (Efron 1987; `scipy.stats.bootstrap`), repetitions drawn jointly for both and for
    all targets, at the expanded level of `analysis.statistics.bootstrap`. It is computed for
    ratio / (1 + ratio), which stays finite when a resample holds no success of one side, and is 1/2 when it
    holds none of either.

    Args:
        a: attempts of the one at each target.
        b: attempts of the other at the same targets in the same repetitions.

    Returns:
        One estimate a target. A side without success: 0 (a), inf (b) or NaN (both), and no interval. Fewer
        than `LEAST` repetitions: no interval. All resamples alike: an interval without width.
    """
    spent = np.array([[one.spent, other.spent] for one, other in zip(a, b, strict=True)])
    success = np.array([[one.success, other.success] for one, other in zip(a, b, strict=True)])
    ratios = [_ratio(ert(one), ert(other)) for one, other in zip(a, b, strict=True)]
    bounded = [place for place, ratio in enumerate(ratios) if 0 < ratio < math.inf]
    lows, highs = np.full((2, len(ratios)), np.nan)
    if bounded and spent.shape[-1] >= LEAST:
        lows[bounded], highs[bounded] = _intervals(spent[bounded], success[bounded])
    return [
        Estimate(value=float(ratio), lo=float(low), hi=float(high))
        for ratio, low, high in zip(ratios, lows, highs, strict=True)
    ]


def _sum_by(times: Array, divisor: int, weights: Array | float = 1.0) -> float:
    """The weighted sum of times, divided; also where the sum alone is not a double."""
    exponent = _exponent(times)
    total = math.fsum(weights * np.ldexp(times, -exponent)) / divisor
    with np.errstate(over="ignore"):
        return float(np.ldexp(total, exponent))


def _exponent(times: Array) -> int:
    """By which power of two to divide times before they are added: 0 unless they are near the largest double."""
    return 64 if times.max(initial=0.0) > 2.0**900 else 0


def _first(t: Array, there: Array) -> float:
    return float(t[np.argmax(there)]) if there.any() else math.inf


def _ratio(ours: float, theirs: float) -> float:
    if math.isinf(ours) and math.isinf(theirs):
        return math.nan
    return theirs / ours if ours > 0 else math.nan


def _intervals(spent: Array, success: Array) -> tuple[Array, Array]:
    """The bounds of the ratio at each target; `spent` and `success` are (targets, 2, n)."""
    n = spent.shape[-1]
    spent = np.ldexp(spent, -_exponent(spent))
    gain = success.astype(np.float64)

    def of_draws(counts: Array) -> Array:
        # Rounded, for the order of a sum must not decide whether a resample is above the sample.
        return np.round(_share(spent @ counts.T, gain @ counts.T), 12)

    def of_places(drawn: Array, axis: int) -> Array:
        return of_draws(_counts(drawn.reshape(-1, drawn.shape[axis]), n)).reshape(-1, *drawn.shape[:-1])

    whole, left_out = of_draws(np.ones((1, n))), of_draws(1.0 - np.eye(n))
    # What leaving out any one repetition does not change, no resample does.
    tied = np.ptp(left_out, axis=-1) == 0
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # told by NaN
        found = stats.bootstrap(
            (np.arange(n),), of_places, vectorized=True, axis=-1, method="BCa", n_resamples=0,
            bootstrap_result=SimpleNamespace(bootstrap_distribution=of_draws(_drawn(n))), confidence_level=expanded(n),
        ).confidence_interval  # fmt: skip
        lo, hi = (np.where(tied, whole[:, 0], bound) for bound in found)
        return lo / (1 - lo), hi / (1 - hi)


@lru_cache(maxsize=4)
def _drawn(n: int) -> Array:
    """(resamples, n): how often each repetition is in each of the resamples that all intervals share."""
    return _counts(resamples(n), n)


def _counts(places: Array, n: int) -> Array:
    """(draws, n) how often each of n places is in each row."""
    rows = len(places)
    flat = (np.arange(rows)[:, np.newaxis] * n + places).ravel()
    return np.bincount(flat, minlength=rows * n).reshape(rows, n).astype(np.float64)


def _share(cost: Array, gain: Array) -> Array:
    """The ratio / (1 + ratio) of two sides' summed times and successes, each (targets, 2, draws)."""
    ours, theirs = gain[:, 0] * cost[:, 1], gain[:, 1] * cost[:, 0]
    both = np.where(ours + theirs > 0, ours + theirs, 1.0)
    one_sided = (1.0 + np.sign(gain[:, 0] - gain[:, 1])) / 2
    return np.asarray(np.where((gain > 0).all(axis=1), ours / both, one_sided))

"""Bootstrap intervals by their definition: the documented resamples, each statistic of each in fractions."""

from __future__ import annotations

import math
from bisect import bisect
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate

import numpy as np
from scipy import stats

from tests.analysis.oracle.exact import INF, between, infinite, mean

RESAMPLES, SEED, FEWEST = 4999, 20240605, 6


@lru_cache(maxsize=8)
def drawn(n):
    """The repetitions of every resample: one draw for everything that has n of them."""
    return np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n)).tolist()


def tails(n):
    """The levels of the two limits: expanded as Hesterberg (2015) does, so that they cover as Student's t would."""
    student = stats.t.ppf(0.975, n - 1)
    tail = stats.norm.sf(math.sqrt(n / (n - 1)) * student)
    return float(tail), float(1 - tail)


def interval(values, statistic):
    """95 % limits of a statistic, "mean" or "iqm", of one sample: BCa (Efron 1987), or percentiles where it has none.

    None, None for less than 6 values, and where the statistic of a resample is undefined; a mean is, with a failure.
    The values are made whole by a common denominator, so that sums of thousands of resamples are exact and quick. Two
    statistics are the same that differ by less than 2^-40 of the largest value that decides them.
    """
    n = len(values)
    if n < FEWEST or (statistic == "mean" and any(infinite(value) for value in values)):
        return None, None
    if len(set(values)) == 1:
        return values[0], values[0]
    unit = math.lcm(*(Fraction(value).denominator for value in values if not infinite(value)))
    whole = [value if infinite(value) else int(value * unit) for value in values]
    trimmed = statistic == "iqm"
    resampled = [total([whole[place] for place in row], trimmed) for row in drawn(n)]
    left_out = [total([*whole[:place], *whole[place + 1 :]], trimmed) for place in range(n)]
    if None in resampled or None in left_out:
        return None, None
    taken = n - 2 * (n // 4) if trimmed else n
    divisor = unit * taken
    left = sorted(whole)[n // 4 : n - n // 4] if trimmed else whole
    deciding = max((abs(value) for value in left if not infinite(value)), default=0)
    found = limits(total(whole, trimmed), resampled, left_out, n, tolerance=deciding * taken / Fraction(2**40))
    return tuple(limit if infinite(limit) else Fraction(limit) / divisor for limit in found)


def total(values, trimmed):
    """The sum of values, or of the middle half; infinite with a failure, None with failures of both signs."""
    cut = len(values) // 4 if trimmed else 0
    left = sorted(values)[cut : len(values) - cut] if cut else values
    failures = {value for value in left if infinite(value)}
    if failures:
        return failures.pop() if len(failures) == 1 else None
    return sum(left)


def limits(whole, resampled, left_out, n, tolerance):
    """Limits from the statistic of the sample, of its resamples, and of the sample without each of its values."""
    low, high = tails(n)
    ordered = sorted(resampled)
    if not any(infinite(value) for value in left_out) and max(left_out) - min(left_out) > tolerance:
        below = sum(bisect(ordered, whole + side) for side in (-tolerance, tolerance))
        if 0 < below < 2 * len(ordered):
            low, high = corrected(low, high, Fraction(below, 2 * len(ordered)), left_out)
    return percentile(ordered, low), percentile(ordered, high)


def corrected(low, high, below, left_out):
    """The levels corrected for bias, by the share of resamples below the sample, and for acceleration."""
    bias = stats.norm.ppf(float(below))
    centre = mean(left_out)
    cubes, squares = (sum((centre - value) ** power for value in left_out) for power in (3, 2))
    acceleration = math.copysign(math.sqrt(cubes**2 / squares**3), 1 if cubes > 0 else -1) / 6
    shifted = [bias + stats.norm.ppf(level) for level in (low, high)]
    return [float(stats.norm.cdf(bias + shift / (1 - acceleration * shift))) for shift in shifted]


def percentile(ordered, level):
    """The quantile of resampled statistics at a level that is no fraction."""
    place, weight = divmod(Fraction(level) * (len(ordered) - 1), 1)
    return between(ordered[int(place)], ordered[min(int(place) + 1, len(ordered) - 1)], weight)


def ert(reached, ended):
    """The expected running time: all time that was spent, per success; infinite without a success."""
    spent = sum(min(pair) for pair in zip(reached, ended, strict=True))
    successes = sum(time < INF for time in reached)
    return Fraction(spent) / successes if successes else INF


def speed_up(ours, theirs):
    """The ratio of their ERT to ours with its limits, repetitions drawn jointly.

    Limits are of ratio / (1 + ratio), which is 0 or 1 where one side has no success, and 1/2 where none has any.
    None where neither side has a success; without limits where one has none, and for less than 6 repetitions.

    Args:
        ours: (times of success, times of ends), one a repetition.
        theirs: likewise.
    """
    a, b = ert(*ours), ert(*theirs)
    if infinite(a) or infinite(b) or a == 0:
        ratio = None if a == 0 or (infinite(a) and infinite(b)) else Fraction(0) if infinite(a) else INF
        return ratio, None, None
    n = len(ours[0])
    if n < FEWEST or b == 0:
        return b / a, None, None

    unit = math.lcm(*(Fraction(time).denominator for side in (ours, theirs) for times in side for time in times
                      if not infinite(time)))  # fmt: skip
    sides = [
        [(int(min(pair) * unit), int(pair[0] < INF)) for pair in zip(*side, strict=True)] for side in (ours, theirs)
    ]

    def share(places):
        (mine, won), (other, lost) = (
            (sum(side[place][0] for place in places), sum(side[place][1] for place in places)) for side in sides
        )
        if not won or not lost:
            return 0.5 if won == lost else float(won > 0)
        return won * other / (won * other + lost * mine) if mine + other else 0.0  # Rounded once, so ties stay ties.

    left_out = [share([other for other in range(n) if other != place]) for place in range(n)]
    whole = share(range(n))
    if len(set(left_out)) == 1:
        low = high = whole
    else:
        low, high = limits(whole, [share(row) for row in drawn(n)], left_out, n, tolerance=1e-12)
    return b / a, *(INF if limit == 1 else limit / (1 - limit) for limit in (low, high))


def survival_median(reached, ended):
    """The median time to target by Kaplan and Meier with the limits of the log-log interval (Brookmeyer & Crowley).

    A run leaves those at risk when it reaches the target or, without it, at its end. None, None, None without runs, no
    limits for a single one, and infinite where survival, or its limit, does not come down to one half.
    """
    n = len(reached)
    if not n:
        return None, None, None
    observed = [min(pair) for pair in zip(reached, ended, strict=True)]
    times = sorted({time for time in reached if time < INF})
    at_risk = [sum(time >= t for time in observed) for t in times]
    deaths = [reached.count(t) for t in times]
    shares = accumulate(
        (1 - Fraction(d, r) for d, r in zip(deaths, at_risk, strict=True)), lambda one, other: one * other
    )
    variance, value, low, high = Fraction(0), INF, INF, INF
    for t, share, d, r in zip(times, shares, deaths, at_risk, strict=True):
        if share:
            variance += Fraction(d, r * (r - d))
            spread = stats.norm.ppf(0.975) * math.sqrt(variance) / -math.log(share)
            ends = [float(share) ** math.exp(sign * spread) for sign in (1, -1)]
        else:
            ends = [0.0, 1 - 0.025 ** (1 / r)]
        value, low, high = (
            t if there and found == INF else found
            for found, there in ((value, share <= Fraction(1, 2)), (low, ends[0] <= 0.5), (high, ends[1] <= 0.5))
        )
    return (value, low, high) if n > 1 else (value, None, None)

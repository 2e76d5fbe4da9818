"""How large a difference between two independent samples has to be to be found, and how many runs find one.

Planned for the test that is made, Mann and Whitney's, on normal errors that differ by a shift. Noether (1987,
"Sample Size Determination for Some Common Nonparametric Tests") plans from the probability that a run of the one is
better than one of the other, with the variance that the statistic has where there is no difference. For large
effects that asks too much, so here its variance is that under the shift itself (Lehmann 1975, "Nonparametrics",
section 2.3); both agree where effects are small. The critical value is that of the test as SciPy makes it: exact
where a sample has at most `EXACT` runs, else normal with a correction for continuity.

Effects are in standard deviations of the difference of two runs that are drawn independently. `share` is the part of
that variance which the first sample has: one half where both spread alike.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from analysis.statistics.power.search import ALPHA, POWER, check_levels, find_repetitions

EXACT = 8
"""Up to as many runs of either side `scipy.stats.mannwhitneyu` takes the exact distribution of untied errors."""
EVEN = 0.5
LARGEST = 40.0
"""An effect that leaves nothing to be found."""


def fewest(alpha: float = ALPHA) -> int:
    """The fewest runs of each algorithm with which the test can ever say anything: 2 / C(2n, n) <= alpha."""
    n = 2
    while 2 / math.comb(2 * n, n) > alpha:
        n += 1
    return n


def power(effect: float, n: int, m: int, alpha: float = ALPHA, share: float = EVEN) -> float:
    """The probability that a shift of `effect` standard deviations is found with n and m runs.

    Args:
        effect: true difference of the means, in standard deviations of the difference of two runs.
        n: runs of the first algorithm.
        m: runs of the second one.
        alpha: two-sided level of the test.
        share: of that variance which is the first algorithm's.
    """
    least = _least_significant(*sorted((n, m)), alpha)
    if least > n * m:
        return 0.0
    effect = abs(effect)
    better = float(stats.norm.cdf(effect))
    same_first, same_second = (_both_better(effect, correlation) for correlation in (share, 1 - share))
    variance = better * (1 - better) + (m - 1) * (same_first - better**2) + (n - 1) * (same_second - better**2)
    spread = math.sqrt(max(variance, 0.0) * n * m)
    above = n * m * better - (least - 0.5)
    return float(stats.norm.cdf(above / spread)) if spread > 0 else float(above > 0)


def detectable(n: int, m: int, alpha: float = ALPHA, wanted: float = POWER, share: float = EVEN) -> float:
    """The smallest effect that n and m runs find with the wanted power; +inf where they find none, however large.

    Raises:
        ValueError: alpha or power out of range.
    """
    check_levels(alpha, wanted)
    if power(LARGEST, n, m, alpha, share) < wanted:
        return math.inf
    return float(optimize.brentq(lambda effect: power(effect, n, m, alpha, share) - wanted, 0.0, LARGEST))


def repetitions(effect: float, alpha: float = ALPHA, wanted: float = POWER, share: float = EVEN) -> int:
    """The fewest runs of each of two algorithms that find an effect with the wanted power.

    Raises:
        ValueError: alpha or power out of range, or an effect that is not > 0.
        OverflowError: more than `MOST` runs.
    """
    check_levels(alpha, wanted)
    return find_repetitions(lambda n: power(effect, n, n, alpha, share), effect, wanted, fewest(alpha), EXACT)


def degrees_of_freedom(variances: tuple[float, float], n: int, m: int) -> float:
    """Those of the sum of two sample variances (Satterthwaite 1946)."""
    first, second = variances
    return (first + second) ** 2 / (first**2 / (n - 1) + second**2 / (m - 1))


def _both_better(effect: float, correlation: float) -> float:
    """The probability that two independent comparisons which share one run go the same way."""
    slope = math.sqrt((1 - correlation) / (1 + correlation))
    return float(stats.norm.cdf(effect) - 2 * special.owens_t(effect, slope))  # Owen 1956, for two equal limits.


@lru_cache(maxsize=1024)
def _least_significant(n: int, m: int, alpha: float) -> float:
    """The least number of pairs won, of n * m, with which the two-sided test is significant; more than all if none."""
    if n > EXACT:
        quantile = float(stats.norm.ppf(1 - alpha / 2))
        return math.ceil(n * m / 2 + 0.5 + quantile * math.sqrt(n * m * (n + m + 1) / 12))
    counts = _ways(n, m)
    levels = 2 * np.cumsum(counts[::-1]) / counts.sum()
    return n * m + 1 - int(np.count_nonzero(levels <= alpha))


def _ways(n: int, m: int) -> np.ndarray:
    """(n * m + 1,) in how many orders of n and m runs the first win each number of pairs: a Gaussian binomial."""
    ways = np.zeros(n * m + 1)
    ways[0] = 1.0
    for place in range(1, n + 1):
        longer = ways.copy()  # Times 1 - q**(m + place), then divided by 1 - q**place.
        longer[m + place :] -= ways[: n * m + 1 - m - place] if m + place <= n * m else 0.0
        for at in range(place, n * m + 1):
            longer[at] += longer[at - place]
        ways = longer
    return ways

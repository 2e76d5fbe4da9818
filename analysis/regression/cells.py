"""The comparison of one algorithm on one objective in two suites: how much worse it became, and what that shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from analysis.regression.compared_suite import ComparedSuite, RunKey
from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import LEAST, interval, mean
from analysis.statistics.pairwise import difference, holm
from analysis.statistics.power.search import POWER
from analysis.statistics.power.signed_rank import power, repetitions
from analysis.tables.endpoints import sign
from benchmark.errors import BadInput

VERDICTS = ("identical", "improvement", "no regression", "unpaired", "inconclusive", "regression")
"""From the best to the worst; that of all cells is the worst, but "unpaired" only if there is nothing else."""
ONE_SIDED = 0.025
"""The level of a regression: that of one end of a 95 % interval."""
SHARE = 0.01
"""The margin if none is given, as a share of an objective's chance error - best error: fixed before any run."""
ROUNDING = 1e-12
"""Spread, relative to the values, below which differences are tied: SciPy's moments lose all digits there."""
MOST = 10_000
"""Repetitions beyond which it is not worth saying how many would decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """How much worse is not worse yet.

    Attributes:
        kind: what `value` is in: "absolute", of the endpoint; "sd", standard deviations (ddof = 1) of the paired
            runs of OLD; "share", of the distance from the chance error, or the metric's chance value, to the best one
            (of the score: of 1).
    """

    kind: str = "share"
    value: float = SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The comparison of one algorithm on one objective.

    Attributes:
        n: pairs; n_planned: repetitions that either suite planned; n_identical: pairs equal to the bit.
        n_new_failed, n_old_failed: pairs in which only that suite failed.
        mean, lo, hi: of the paired differences and their 95 % interval (BCa, `analysis.statistics.bootstrap`);
            positive is worse. NaN: fewer than `LEAST` pairs, or a run of NEW alone failed. Pairs in which OLD
            alone failed are left out, which cannot favour NEW; where both failed, the difference is 0.
        old_mean, new_mean: of the endpoint, in the metric's own direction and unit.
        p: of the one-sided t-test that the mean difference is above the margin; p_holm: adjusted over all cells.
        needed: pairs with which the interval would not contain the margin in 4 of 5 times, if mean and standard
            deviation are as found; NaN where this is not to be said, +inf above `MOST`.
    """

    objective: str
    algorithm: str
    verdict: str
    n: int
    n_planned: int
    n_identical: int
    n_new_failed: int
    n_old_failed: int
    old_mean: float
    new_mean: float
    mean: float
    lo: float
    hi: float
    margin: float
    p: float
    p_holm: float
    needed: float


def verdict(lo: float, hi: float, margin: float) -> str:
    """What the interval of a difference says, positive being worse; NaN limits say nothing."""
    if hi < 0:
        return "improvement"
    if hi < margin or (lo == 0 == hi):  # A margin in sd of runs that are all tied is 0.
        return "no regression"
    return "regression" if lo > margin else "inconclusive"


def p_above(differences: Array, margin: float) -> float:
    """The p-value of mean > margin: `scipy.stats.ttest_1samp`; 0 or 1 where all differences are the same."""
    if np.ptp(differences) <= ROUNDING * np.abs(differences).max():
        return 0.0 if differences.mean() > margin else 1.0
    return float(stats.ttest_1samp(differences, margin, alternative="greater").pvalue)


def with_holm_correction(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """Cells with p_holm; what is above the margin by itself alone is inconclusive."""
    adjusted = holm(np.array([cell.p for cell in cells], dtype=np.float64))
    found = []
    for cell, p_holm in zip(cells, adjusted.tolist(), strict=True):
        verdict = "inconclusive" if cell.verdict == "regression" and p_holm > ONE_SIDED else cell.verdict
        wanted = cell.needed if verdict == "inconclusive" else math.nan
        found.append(replace(cell, p_holm=p_holm, verdict=verdict, needed=wanted))
    return tuple(found)


def needed_pairs(differences: Array, margin: float) -> float:
    """Pairs that would tell their mean from the margin with a power of 80 % (`analysis.statistics.power.signed_rank`).

    Returns:
        +inf above `MOST`, NaN where the differences have no spread.
    """
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else math.nan
    if not spread > 0:
        return math.nan
    effect = abs(float(differences.mean()) - margin) / spread
    if power(effect, MOST) < POWER:
        return math.inf
    return float(max(LEAST, len(differences) + 1, repetitions(effect)))


def compare_cell(
    old: ComparedSuite,
    new: ComparedSuite,
    label: tuple[str, str],
    pairs: Sequence[RunKey],
    planned: int,
    margin: Margin,
) -> Cell:
    """Compare an algorithm on an objective; p_holm is NaN until all cells are known.

    Args:
        old: the suite that is held to be good.
        new: the other one.
        label: of the objective and the algorithm.
        pairs: runs of both.
        planned: how many either of them planned.
        margin: how much worse is not worse yet.
    """
    before, after = (np.array([suite.finals[place] for place in pairs], dtype=np.float64) for suite in (old, new))
    identical = sum(old.contents[place] == new.contents[place] for place in pairs)
    limit = _limit(margin, old, label[0], before)
    suite = old if label[0] in old.metrics else new
    metric, endpoint = suite.metrics[label[0]], suite.endpoints[label[0]]
    worse = sign(endpoint) * difference(after, before)
    old_failed, new_failed = (np.array([_failed(suite, place) for place in pairs], dtype=bool) for suite in (old, new))
    rest, newly = worse[~old_failed | new_failed], int(np.count_nonzero(new_failed & ~old_failed))
    whole = bool(len(rest)) and bool(np.isfinite(rest).all())
    lo, hi = interval(rest[np.newaxis], mean)[0] if whole else (math.nan, math.nan)
    said = verdict(float(lo), float(hi), limit)
    if not pairs or identical == len(pairs):
        said = "identical" if pairs else "unpaired"
    elif newly:  # No margin allows for failing where OLD did not.
        said = "regression"
    tested = whole and len(rest) >= LEAST and not newly and said not in ("identical", "unpaired")
    return Cell(
        objective=label[0],
        algorithm=label[1],
        verdict=said,
        n=len(pairs),
        n_planned=planned,
        n_identical=identical,
        n_new_failed=newly,
        n_old_failed=int(np.count_nonzero(old_failed & ~new_failed)),
        old_mean=_mean(before) if endpoint == "score" else metric.own(_mean(before)),
        new_mean=_mean(after) if endpoint == "score" else metric.own(_mean(after)),
        mean=_mean(rest),
        lo=float(lo),
        hi=float(hi),
        margin=limit,
        p=p_above(rest, limit) if tested else math.nan,
        p_holm=math.nan,
        needed=needed_pairs(rest, limit) if tested else math.nan,
    )


def _failed(suite: ComparedSuite, place: RunKey) -> bool:
    """Whether the algorithm crashed, or no evaluation gave a result."""
    return suite.states[place] == "failed" or math.isinf(suite.finals[place])


def _limit(margin: Margin, old: ComparedSuite, objective: str, before: Array) -> float:
    if margin.kind == "absolute":
        return margin.value
    if margin.kind == "sd":
        finite = before[np.isfinite(before)]
        return margin.value * float(finite.std(ddof=1)) if len(finite) > 1 else math.nan
    if objective not in old.metrics:
        return math.nan
    if old.endpoints[objective] == "score":
        return margin.value
    scale = old.metrics[objective].scale
    if scale is None:
        raise BadInput(
            f"{objective}: its metric {old.metrics[objective].name} declares no best and chance values, so no share of "
            "their distance is a margin; give --margin in its unit, or --margin-sd"
        )
    return margin.value * (scale[1] - scale[0])


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) and np.isfinite(values).all() else math.nan

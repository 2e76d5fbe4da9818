"""How many repetitions two algorithms need, from a pilot of either kind: pairs, or two independent samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from analysis.statistics.anytime import Array
from analysis.statistics.power import mann_whitney, signed_rank
from analysis.statistics.power.search import MOST
from analysis.statistics.summaries import moments

UNDEFINED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPlan:
    """What a pilot of two algorithms says.

    Attributes:
        pilot: its repetitions, as text.
        least: of both algorithms the smaller number of finished repetitions.
        sd: of the difference in a repetition, or of two runs drawn independently; NaN where it is undefined.
        effect: the difference to be found, in those sd.
        needed, cautious: repetitions that find it, and those should the true sd be at its upper limit.
        detects: the smallest difference that the pilot's repetitions find.
        failed: whether a failed run leaves the sd undefined.
    """

    pilot: str
    least: int
    sd: float = math.nan
    effect: float = math.nan
    needed: str = UNDEFINED
    cautious: str = UNDEFINED
    detects: float = math.nan
    failed: bool = False

    def cells(self) -> tuple[str, ...]:
        """The numbers as text; dashes where there is no sd, for too few repetitions or a failure."""
        if math.isnan(self.sd):
            return self.pilot, *[UNDEFINED] * 5
        detects = f"{self.detects:.4g}" if self.detects < math.inf else "nothing"
        return self.pilot, f"{self.sd:.4g}", f"{self.effect:.3g}", self.needed, self.cautious, detects


def plan_pairs(differences: Array, effect: float, alpha: float, wanted: float) -> PairPlan:
    """Plan for Wilcoxon's signed-rank test.

    Args:
        differences: (n,) of a pilot's repetitions; infinite where one failed.
        effect: the difference to be found, in their units.
        alpha: level of the test.
        wanted: power of the test.
    """
    n = len(differences)
    pilot = PairPlan(pilot=str(n), least=n, failed=any(math.isinf(value) for value in differences))
    sd = float(moments(differences[None, :])[1][0]) if n > 1 else math.nan
    if math.isnan(sd):
        return pilot

    def count(spread: float) -> str:
        return _count(
            lambda: signed_rank.repetitions(effect / spread, alpha, wanted), spread, signed_rank.fewest(alpha)
        )

    return PairPlan(
        pilot=pilot.pilot,
        least=n,
        sd=sd,
        effect=effect / sd if sd > 0 else math.inf,
        needed=count(sd),
        cautious=count(signed_rank.largest_sd(sd, n)),
        detects=signed_rank.detectable(n, alpha, wanted) * sd if sd > 0 else 0.0,
    )


def plan_samples(a: Array, b: Array, effect: float, alpha: float, wanted: float) -> PairPlan:
    """Plan for the Mann-Whitney test, with as many runs of either algorithm.

    Args:
        a: (n,) of a pilot's runs; infinite: failed.
        b: (m,) likewise.
        effect: the difference of the means to be found, in their units.
        alpha: level of the test.
        wanted: power of the test.
    """
    n, m = len(a), len(b)
    failed = any(math.isinf(value) for value in (*a, *b))
    pilot = PairPlan(pilot=f"{n}, {m}", least=min(n, m), failed=failed)
    if min(n, m) < 2 or failed:
        return pilot
    variances = (float(moments(a[None, :])[1][0]) ** 2, float(moments(b[None, :])[1][0]) ** 2)
    sd = math.sqrt(sum(variances))
    share = variances[0] / sum(variances) if sd > 0 else mann_whitney.EVEN

    def count(spread: float) -> str:
        fewest = mann_whitney.fewest(alpha)
        return _count(lambda: mann_whitney.repetitions(effect / spread, alpha, wanted, share), spread, fewest)

    freedom = mann_whitney.degrees_of_freedom(variances, n, m) if sd > 0 else math.inf
    return PairPlan(
        pilot=pilot.pilot,
        least=min(n, m),
        sd=sd,
        effect=effect / sd if sd > 0 else math.inf,
        needed=count(sd),
        cautious=count(signed_rank.largest_sd(sd, freedom + 1) if sd > 0 else 0.0),
        detects=mann_whitney.detectable(n, m, alpha, wanted, share) * sd if sd > 0 else 0.0,
    )


def _count(plan: Callable[[], int], spread: float, fewest: int) -> str:
    """A number of repetitions as text; the fewest that find anything where there is no spread."""
    if spread == 0:
        return str(fewest)
    try:
        return str(plan())
    except OverflowError:
        return f"> {MOST:.0e}"

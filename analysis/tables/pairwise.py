"""pairwise.csv: every two algorithms of an objective, compared repetition by repetition."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.statistics.pairwise import compare, difference, holm
from analysis.statistics.power.search import ALPHA
from analysis.statistics.power.signed_rank import detectable
from analysis.statistics.unpaired import compare_unpaired
from analysis.tables.endpoints import finals, sign
from analysis.tables.statistics import by_size, joined

PAIRWISE = (
    "objective", "a", "b", "endpoint", "n", "mean_difference", "mean_difference_lo", "mean_difference_hi",
    "median_difference", "median_difference_lo", "median_difference_hi", "iqm_difference", "iqm_difference_lo",
    "iqm_difference_hi", "sd_difference", "effect", "p_better", "p_better_lo", "p_better_hi", "p", "p_holm",
    "detectable_sd", "detectable", "verdict",
)  # fmt: skip
"""Columns, in order; an interface.

Differences are a - b of an error and b - a of the score, so that negative favours a; in the endpoint's units.
effect: mean_difference / sd_difference. p_better: share of repetitions in which a is better, ties counted half.
p: two-sided Wilcoxon signed-rank test; p_holm: adjusted over the pairs of the objective. detectable_sd: the
difference, in sd_difference, that n repetitions find with 80 % power at 5 % without adjustment; detectable: the same
in the endpoint's units. `_lo` and `_hi`: limits of 95 % intervals, for one pair at a time.
"""

UNPAIRED = ("n_a", "n_b", "test")
"""Columns besides of imported suites whose repetitions are no pairs: the runs of a and of b, and the test behind p. The
others are then what `analysis.statistics.unpaired.compare_unpaired` says, n the smaller number; what has no unpaired
counterpart is empty."""

A_BETTER, B_BETTER = "a better", "b better"
UNSHOWN, TIE = "no difference shown", "tie (below the noise floor)"

NAMES = {"std": "sd_difference"} | {
    f"{name}{limit}": f"{name}_difference{limit}" for name in ("mean", "median", "iqm") for limit in ("", "_lo", "_hi")
}
"""What fields of `Comparisons` are called in the table."""


def pairwise_table(results: Results, noise: Mapping[str, float] | None = None) -> pd.DataFrame:
    """One row for each objective and pair of its algorithms in the order of the plan, of the primary endpoint.

    n counts the repetitions that both finished; failures count (both: tied, one: infinitely worse), and leave
    mean_difference undefined. Only p_holm and the verdict depend on other pairs.

    Args:
        results: plan and evaluations.
        noise: for some objectives the difference of means, in the endpoint's units, below which it is noise of
            retraining: such pairs are ties, whatever p is.
    """
    make = _of_objective if results.plan.paired else _of_unpaired
    tables = [make(results, objective.label, (noise or {}).get(objective.label)) for objective in
              results.plan.objectives]  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def paired_differences(results: Results, objective: str) -> dict[tuple[str, str], Array]:
    """Every pair's differences of the primary endpoint where both finished; negative favours a."""
    endpoint = results.endpoint_of(objective)
    frame = sign(endpoint) * finals(results, objective, endpoint)
    found = {a_b: difference(*(frame[label].to_numpy() for label in a_b)) for a_b in combinations(frame.columns, 2)}
    return {a_b: values[~np.isnan(values)] for a_b, values in found.items()}


def independent_samples(results: Results, objective: str) -> dict[str, Array]:
    """The primary endpoint of every algorithm's finished runs; less is better."""
    endpoint = results.endpoint_of(objective)
    frame = sign(endpoint) * finals(results, objective, endpoint)
    return {label: frame[label].dropna().to_numpy() for label in frame.columns}


def _of_objective(results: Results, objective: str, noise: float | None) -> pd.DataFrame:
    pairs = paired_differences(results, objective)
    rows = by_size(list(pairs.values()), compare)
    p_holm = holm(np.array([row.get("p", math.nan) for row in rows], dtype=np.float64))
    labels = _labels(results, objective, pairs)
    finished = [_finished(row, adjusted, noise) for row, adjusted in zip(rows, p_holm, strict=True)]
    return joined(labels, finished, PAIRWISE)


def _of_unpaired(results: Results, objective: str, noise: float | None) -> pd.DataFrame:
    """Every two algorithms by all of their finished runs."""
    samples = independent_samples(results, objective)
    pairs = list(combinations(samples, 2))
    rows = [compare_unpaired(samples[a], samples[b]) for a, b in pairs]
    p_holm = holm(np.array([row.get("p", math.nan) for row in rows], dtype=np.float64))
    named = [{NAMES.get(name, name): value for name, value in row.items()} for row in rows]
    for row, adjusted, shown in zip(rows, p_holm, named, strict=True):
        shown |= {"p_holm": adjusted, "verdict": _verdict(row, adjusted, noise)}
    return joined(_labels(results, objective, pairs), named, (*PAIRWISE, *UNPAIRED))


def _labels(results: Results, objective: str, pairs: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    endpoint = results.endpoint_of(objective)
    return [{"objective": objective, "a": a, "b": b, "endpoint": endpoint} for a, b in pairs]


def _finished(row: Mapping[str, Any], p_holm: float, noise: float | None) -> dict[str, Any]:
    in_sd = _detectable(int(row["n"]))
    # Too few repetitions find nothing, whatever the spread: not even one of 0 makes that undefined.
    in_units = in_sd if math.isinf(in_sd) else in_sd * float(row["std"])
    planned = {"p_holm": p_holm, "detectable_sd": in_sd, "detectable": in_units}
    return {NAMES.get(name, name): value for name, value in row.items()} | planned | {
        "verdict": _verdict(row, p_holm, noise)
    }  # fmt: skip


def _verdict(row: Mapping[str, Any], p_holm: float, noise: float | None) -> str:
    if noise is not None and abs(row.get("mean", math.nan)) < noise:
        return TIE
    if not p_holm <= ALPHA:
        return UNSHOWN
    return A_BETTER if row["balance"] < 0 else B_BETTER


@lru_cache(maxsize=64)
def _detectable(n: int) -> float:
    return detectable(n)

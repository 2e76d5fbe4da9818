"""What runs reached in the end, and what follows from it: statistics, pairs, ranks, scores."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

from scipy import stats
from statsmodels.stats.power import TTestPower

from tests.analysis.oracle.exact import INF, as_float, infinite, iqm, mean, median, median_limits, quantile, ranks, std
from tests.analysis.oracle.resampling import interval
from tests.analysis.oracle.steps import incumbent, score

ENDPOINTS = ("test_error", "valid_error", "score")


def scores(suite):
    """The anytime score of every planned run; none where it is not finished."""
    axis, horizon = suite.horizon
    for run in suite.runs:
        row = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition}
        yield {**row, "state": run.state, "axis": axis, "horizon": horizon, "score": final(suite, run, "score")}


def final(suite, run, endpoint):
    """What a run is worth at its end: None if it is not finished; a failed run has an infinite error."""
    if not run.finished:
        return None
    if endpoint == "score":
        entry = next(entry for entry in suite.objectives if entry["label"] == run.objective)
        best, chance = Fraction(entry.get("best_error", 0)), Fraction(entry["chance_error"])
        # A double cannot tell scores that differ by less, and whether they are tied matters.
        return score(run, *suite.horizon, best, chance).limit_denominator(10**6)
    best = incumbent(run.counted)
    return INF if run.state == "failed" or best is None else best[endpoint]


def statistics(suite):
    """Every algorithm on every objective by every endpoint."""
    for objective, algorithm, runs in suite.cells():
        for endpoint in ENDPOINTS:
            values = [value for run in runs if (value := final(suite, run, endpoint)) is not None]
            row = {"objective": objective, "algorithm": algorithm, "endpoint": endpoint, "n": len(values)}
            row |= {"n_planned": len(runs), "n_failed": sum(run.state == "failed" for run in runs)}
            yield row | (location(values) if values else {}) | quarters(values)


def quarters(values):
    """The quartiles."""
    return {"q25": quantile(values, Fraction(1, 4)), "q75": quantile(values, Fraction(3, 4))}


def location(values):
    """Mean, median and interquartile mean with limits, and the standard deviation."""
    row = {"mean": mean(values), "median": median(values), "iqm": iqm(values), "std": std(values)}
    limits = {"mean": interval(values, "mean"), "median": median_limits(values), "iqm": interval(values, "iqm")}
    return row | {
        f"{name}{end}": limit for name, pair in limits.items() for end, limit in zip(("_lo", "_hi"), pair, strict=True)
    }


def losses(suite, objective):
    """The endpoint of every algorithm by repetition, turned so that less is better."""
    sign = -1 if suite.endpoint == "score" else 1
    columns = {}
    for label, algorithm, runs in suite.cells():
        if label == objective:
            found = [final(suite, run, suite.endpoint) for run in runs]
            columns[algorithm] = [None if value is None else sign * value for value in found]
    return columns


def mean_ranks(suite):
    """Ranks in every repetition that all algorithms have finished, of those that have finished any; then their mean."""
    for entry in suite.objectives:
        columns = losses(suite, entry["label"])
        taking = [name for name, values in columns.items() if any(value is not None for value in values)]
        rows = [row for row in zip(*(columns[name] for name in taking), strict=True) if None not in row]
        ranked = dict(zip(taking, zip(*map(ranks, rows), strict=True), strict=True)) if rows else {}
        for name in columns:
            mine = list(ranked.get(name, ()))
            low, high = interval(mine, "mean") if mine else (None, None)
            row = {"objective": entry["label"], "algorithm": name, "endpoint": suite.endpoint, "n": len(mine)}
            yield row | {"mean_rank": mean(mine), "lo": low, "hi": high}


def difference(a, b):
    """What a is worse than b by; both failed: nothing, one failed: infinitely."""
    if infinite(a) or infinite(b):
        return Fraction(0) if infinite(a) and infinite(b) else INF if infinite(a) else -INF
    return a - b


def pairs(suite, noise):
    """Every two algorithms of an objective; `noise` is its noise floor by objective."""
    for entry in suite.objectives:
        columns = losses(suite, entry["label"])
        rows = []
        for a, b in combinations(columns, 2):
            both = [pair for pair in zip(columns[a], columns[b], strict=True) if None not in pair]
            labels = {"objective": entry["label"], "a": a, "b": b, "endpoint": suite.endpoint}
            rows.append(labels | pair_of([difference(*pair) for pair in both]))
        yield from judged(rows, noise.get(entry["label"]))


def pair_of(differences):
    """The comparison of one pair."""
    n = len(differences)
    row = {"n": n, "detectable_sd": detectable(n), "balance": Fraction(0), "p": None, "sd_difference": None}
    if n:
        found = location(differences)
        for name, value in found.items():
            kind, _, limit = name.partition("_")
            row["sd_difference" if kind == "std" else f"{kind}_difference{limit and '_'}{limit}"] = value
        row["effect"] = effect(row["mean_difference"], row["sd_difference"])
        ties = Fraction(sum(one == 0 for one in differences), n)
        row["p_better"] = Fraction(sum(one < 0 for one in differences), n) + ties / 2
        row["p_better_lo"], row["p_better_hi"] = share_limits(row["p_better"], ties, n)
        row["balance"], row["p"] = wilcoxon(differences)
    sd = row["sd_difference"]
    # Few repetitions find nothing, however large it is and whatever the spread.
    spread = None if sd is None else as_float(sd) * row["detectable_sd"]
    row["detectable"] = INF if row["detectable_sd"] == INF else spread
    return row


def effect(mean_difference, sd):
    """The mean in standard deviations; 0 if there is no difference, infinite if it is always the same."""
    if mean_difference is None or sd is None:
        return None
    if sd == 0:
        return 0 if mean_difference == 0 else INF if mean_difference > 0 else -INF
    return mean_difference / sd


def share_limits(share, ties, n):
    """The two p with n (share - p)^2 = z^2 (p (1 - p) - t / 4), where t = ties n / (n + z^2); within [0, 1]."""
    square = stats.norm.ppf(0.975) ** 2
    t = float(ties) * n / (n + square)
    # p^2 (n + z^2) - p (2 n share + z^2) + n share^2 + z^2 t / 4 = 0
    a, b, c = n + square, -(2 * n * float(share) + square), n * float(share) ** 2 + square * t / 4
    half = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return max((-b - half) / (2 * a), 0.0), min((-b + half) / (2 * a), 1.0)


def wilcoxon(differences):
    """The sum of signed ranks, zeros ranked and left out (Pratt), and the two-sided p-value.

    Exact over all patterns of signs up to 13 pairs, up to 50 where nothing is tied or zero; else the normal one.
    """
    # As doubles: 1e40 - 0.3 and 1e40 - 0.9 are tied.
    n, sizes = len(differences), [as_float(abs(one)) for one in differences]
    zeros, ranked = sizes.count(0), ranks(sizes)
    kept = [(rank, one) for rank, one in zip(ranked, differences, strict=True) if one != 0]
    positive = sum((rank for rank, one in kept if one > 0), Fraction(0))
    balance = positive - sum((rank for rank, one in kept if one < 0), Fraction(0))
    if not kept:
        return balance, 1.0
    if n <= 13 or (n <= 50 and not zeros and len(set(sizes)) == n):
        ways = {Fraction(0): 1}
        for rank, _ in kept:
            added = {}
            for total, count in ways.items():
                for then in (total, total + rank):
                    added[then] = added.get(then, 0) + count
            ways = added
        tails = [sum(count for total, count in ways.items() if there(total)) for there in
                 (lambda total: total <= positive, lambda total: total >= positive)]  # fmt: skip
        return balance, float(min(Fraction(2 * min(tails), 2 ** len(kept)), Fraction(1)))
    expected = Fraction(n * (n + 1) - zeros * (zeros + 1), 4)
    variance = Fraction(n * (n + 1) * (2 * n + 1) - zeros * (zeros + 1) * (2 * zeros + 1), 24)
    alike = [[rank for rank, _ in kept].count(rank) for rank in {rank for rank, _ in kept}]
    variance -= Fraction(sum(count**3 - count for count in alike), 48)
    return balance, float(2 * stats.norm.sf(abs(positive - expected) / math.sqrt(variance)))


def judged(rows, noise):
    """Rows with Holm's correction over their p-values, and the verdict."""
    order = sorted((row["p"], place) for place, row in enumerate(rows) if row["p"] is not None)
    largest = 0.0
    for step, (p, place) in enumerate(order):
        largest = max(largest, min((len(order) - step) * p, 1.0))
        rows[place]["p_holm"] = largest
    for row in rows:
        apart, balance = row.get("p_holm", 1.0) <= 0.05, row.pop("balance")
        row["verdict"] = ("a better" if balance < 0 else "b better") if apart else "no difference shown"
        mean_difference = row.get("mean_difference")
        if noise is not None and mean_difference is not None and abs(mean_difference) < noise:
            row["verdict"] = "tie (below the noise floor)"
        yield row


def detectable(n):
    """The difference, in sd, that n pairs find in 4 of 5 times: as a t-test would, less Wilcoxon's efficiency 3 / pi.

    The level is the largest below 5 % that the exact test can have.
    """
    if n < 6:
        return INF
    level = 0.05
    if n <= 50:
        ways = [1]
        for rank in range(1, n + 1):
            ways = [
                (ways[total] if total < len(ways) else 0) + (ways[total - rank] if total >= rank else 0)
                for total in range(len(ways) + rank)
            ]
        sums = [Fraction(2 * sum(ways[: total + 1]), 2**n) for total in range(len(ways) // 2 + 1)]
        level = float(max(one for one in sums if one <= Fraction(1, 20)))
    return float(TTestPower().solve_power(nobs=n * 3 / math.pi, alpha=level, power=0.8))

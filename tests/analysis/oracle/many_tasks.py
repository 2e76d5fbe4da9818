"""What a suite of many objectives says about its methods, but for the bootstrap, from the ledgers in fractions."""

from __future__ import annotations

from fractions import Fraction

from tests.analysis.oracle.exact import INF, infinite, mean, median, median_limits, ranks
from tests.analysis.oracle.finals import difference, final, wilcoxon
from tests.analysis.oracle.reading import on
from tests.analysis.oracle.steps import error_at, incumbent, last_event

TARGET = Fraction(0.1)
"""The double that 0.1 is."""


def scale(suite, objective):
    """The best error, and what a regret of 1 is above it."""
    entry = next(entry for entry in suite.objectives if entry["label"] == objective)
    best = Fraction(entry["best_error"])
    return best, Fraction(entry["chance_error"]) - best


def regret(suite, objective, error):
    """A normalised regret, infinite without a result."""
    best, unit = scale(suite, objective)
    return error if infinite(error) else (Fraction(error) - best) / unit


def endpoint_at(suite, run, fraction):
    """The endpoint of a run after a share of the budget: None if it is not finished, infinite without a result."""
    axis, horizon = suite.horizon
    if not run.finished or fraction == 1:
        return final(suite, run, suite.endpoint)
    error = error_at(run, axis, fraction * horizon, suite.endpoint.removesuffix("_error"))
    return INF if error is None else error


def task_map(suite):
    """Every method on every task, against the control."""
    for entry in suite.objectives:
        label, rows = entry["label"], []
        against = [final(suite, run, suite.endpoint) for run in suite.cell(label, suite.control)]
        for algorithm in suite.algorithms:
            own = [final(suite, run, suite.endpoint) for run in suite.cell(label, algorithm)]
            rows.append({"objective": label, "algorithm": algorithm, "endpoint": suite.endpoint})
            rows[-1] |= cell([regret(suite, label, error) for error in own if error is not None])
            both = [difference(*pair) for pair in zip(own, against, strict=True) if None not in pair]
            rows[-1] |= {"n_paired": len(both), "balance": 0, "p": None}
            if both:
                middle = median(both)
                rows[-1]["difference"] = (
                    middle if middle is None or infinite(middle) else middle / scale(suite, label)[1]
                )
                rows[-1]["balance"], rows[-1]["p"] = wilcoxon(both)
        yield from judged(rows, suite.control)


def cell(regrets):
    """Number, median and limits of regrets."""
    if not regrets:
        return {"n": 0}
    low, high = median_limits(regrets)
    return {"n": len(regrets), "median_regret": median(regrets), "low": low, "high": high}


def judged(rows, control):
    """Rows with Holm's correction over the methods beside the control, and the verdicts."""
    p = sorted(row["p"] for row in rows if row["p"] is not None and row["algorithm"] != control)
    steps = [min((len(p) - place) * value, 1.0) for place, value in enumerate(p)]
    for row in rows:
        balance, row["verdict"] = row.pop("balance"), "no difference shown"
        if row["algorithm"] == control:
            row |= {"p": None, "verdict": "control"}
        elif row["p"] is not None:
            row["p_holm"] = max(steps[: p.index(row["p"]) + p.count(row["p"])])
            if row["p_holm"] <= 0.05:
                row["verdict"] = "better" if balance < 0 else "worse"
        yield row


def blocks(suite, fraction):
    """For each task the endpoints of the methods that take part, in the repetitions that all of them finished."""
    taking = [name for name in suite.algorithms if any(run.finished for run in suite.runs if run.algorithm == name)]
    for entry in suite.objectives:
        columns = [[endpoint_at(suite, run, fraction) for run in suite.cell(entry["label"], name)] for name in taking]
        yield taking, [row for row in zip(*columns, strict=True) if None not in row]


def rank_over_budget(suite):
    """The mean over tasks of the mean over repetitions of ranks, after every twentieth of the budget."""
    rows = []
    for step in range(1, 21):
        of_tasks = [(taking, rows) for taking, rows in blocks(suite, Fraction(step, 20)) if rows]
        for place, name in enumerate(of_tasks[0][0] if of_tasks else ()):
            means = [mean([ranks(row)[place] for row in rows]) for _, rows in of_tasks]
            reached = [row[place] for _, rows in of_tasks for row in rows]
            row = {"algorithm": name, "fraction": step / 20, "mean_rank": mean(means), "n_tasks": len(means)}
            rows.append(row | {"n": len(reached), "n_defined": sum(not infinite(error) for error in reached)})
    return sorted(rows, key=lambda row: suite.algorithms.index(row["algorithm"]))


def win_rates(suite):
    """The mean over tasks of the share of repetitions with the smaller error, ties counted half."""
    for algorithm in suite.algorithms:
        for other in suite.algorithms:
            shares, n = [], 0
            for entry in suite.objectives:
                cells = [suite.cell(entry["label"], name) for name in (algorithm, other)]
                pairs = [[final(suite, run, suite.endpoint) for run in runs] for runs in zip(*cells, strict=True)]
                won = [Fraction((a < b) + (a <= b), 2) for a, b in (pair for pair in pairs if None not in pair)]
                shares, n = shares + [mean(won)] * bool(won), n + len(won)
            if shares and other != algorithm:
                row = {"algorithm": algorithm, "other": other, "win_rate": mean(shares)}
                yield row | {"n_tasks": len(shares), "n": n}


def solved(suite, run):
    """When a run first had an incumbent with a regret of the target or less; infinite: never."""
    axis, horizon = suite.horizon
    for evaluation in sorted(run.counted, key=lambda one: on(axis, one)):
        t = on(axis, evaluation)
        best = incumbent([one for one in run.counted if on(axis, one) <= t])
        gone = run.state == "failed" and last_event(run, axis) >= t >= horizon
        if t <= horizon and not gone and best is not None:
            error = best[suite.endpoint]
            if regret(suite, run.objective, error) <= TARGET:
                return Fraction(t)
    return INF


def data_profiles(suite):
    """The corners of the share of finished runs that have solved their task; a training costs one trial."""
    assert suite.horizon[0] == "trials"
    for algorithm in suite.algorithms:
        costs = [solved(suite, run) for run in suite.runs if run.algorithm == algorithm and run.finished]
        for cost in sorted({Fraction(0), *costs} - {INF}) if costs else ():
            share = Fraction(sum(one <= cost for one in costs), len(costs))
            yield {"algorithm": algorithm, "trainings": cost, "share": share, "n": len(costs)}

"""Tables over time: bands and differences at an event, claims, times to target."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
from scipy import stats

from tests.analysis.oracle.exact import INF, mean, root
from tests.analysis.oracle.reading import AXES, on
from tests.analysis.oracle.resampling import SEED, ert, speed_up, survival_median
from tests.analysis.oracle.steps import ERRORS, band_at, error_at, events, incumbent, last_event, over_runs


def student(df):
    """The 97.5 % quantile of Student's t."""
    return float(stats.t.ppf(0.975, df))


def bands(suite):
    """For every cell, axis and error: a function from an event's time to the row that holds there, and all events."""
    for objective, algorithm, planned in suite.cells():
        runs = [run for run in planned if run.finished]
        for axis in AXES:
            for error in ERRORS:
                names = {"objective": objective, "algorithm": algorithm, "axis": axis, "error": error}
                yield names, events(runs, axis), {t: band_at(runs, axis, t, error, student) for t in events(runs, axis)}


def who_with_whom(suite):
    """Up to six algorithms each with each, more only with the control, which comes second."""
    control = suite.control
    both = [(b, a) if a == control else (a, b) for a, b in combinations(suite.algorithms, 2)]
    return [pair for pair in both if len(suite.algorithms) <= 6 or control in pair]


def paired(suite):
    """For every objective, axis and pair the runs of both in the repetitions that both have finished."""
    for entry in suite.objectives:
        for axis in AXES:
            for a, b in who_with_whom(suite):
                sides = zip(suite.cell(entry["label"], a), suite.cell(entry["label"], b), strict=True)
                common = [(one, other) for one, other in sides if one.finished and other.finished]
                names = {"objective": entry["label"], "axis": axis, "a": a, "b": b}
                yield names, axis, [one for one, _ in common], [other for _, other in common]


def differences(suite):
    """For every pair the rows at all events from the common start to the common end."""
    for names, axis, ours, theirs in paired(suite):
        for error in ERRORS:
            times = common_events(axis, ours, theirs, error)
            yield {**names, "error": error}, times, difference_rows(axis, ours, theirs, error, times)


def common_events(axis, ours, theirs, error):
    """All events from when the last run has an incumbent to the last event of the algorithm that ends first."""
    firsts = []
    for run in [*ours, *theirs]:
        having = [t for t in events([run], axis) if error_at(run, axis, t, "valid") is not None]
        firsts.append(min(having, default=None))
    if not firsts or None in firsts:
        return []
    end = min(max(last_event(run, axis) for run in side) for side in (ours, theirs))
    return [t for t in events([*ours, *theirs], axis) if max(firsts) <= t <= end]


def difference_rows(axis, ours, theirs, error, times):
    """Mean difference and simultaneous band at every time."""
    rows, columns = {}, {}
    for t in times:
        both = [(error_at(a, axis, t, error), error_at(b, axis, t, error)) for a, b in zip(ours, theirs, strict=True)]
        defined = [a - b for a, b in both if a is not None and b is not None]
        rows[t] = {"n": len(defined), "n_pairs": len(ours), "mean": None, "lo": None, "hi": None}
        if len(defined) == len(ours):
            columns[t] = defined
            rows[t]["mean"] = mean(defined)
    for t, limits in band(columns, len(ours)).items():
        rows[t] |= dict(zip(("lo", "hi"), limits, strict=True))
    return rows


def band(columns, n):
    """The simultaneous band at every time: Hall's transformed t within its 95 % quantile over random signs.

    No band where fewer than 6 repetitions differ, or there are fewer; no width where all are tied.
    """
    limits, open_ = {}, {}
    for t, column in columns.items():
        differing = sum(value != 0 for value in column)
        if n >= 6 and (differing == 0 or differing >= 6):
            limits[t] = (mean(column), mean(column))
            if len(set(column)) > 1:
                open_[t] = column
    if not open_:
        return limits
    units, errors = {}, {}
    for t, column in open_.items():
        length = root(sum((value - mean(column)) ** 2 for value in column))
        units[t] = np.array([float((value - mean(column)) / length) for value in column])
        errors[t] = length / root(Fraction(n * (n - 1)))
    c = critical(list(units.values()), n)
    for t, column in open_.items():
        third = float(sum(units[t] ** 3))
        a = third if abs(third) >= 1e-6 else 1e-6
        low, high = (3 / a * (np.cbrt(1 + a * (end - a / 6)) - 1) for end in (-c, c))
        limits[t] = (mean(column) - errors[t] * Fraction(high), mean(column) - errors[t] * Fraction(low))
    return limits


def critical(units, n):
    """The 95 % quantile of the largest |transformed t| over all times, residuals with random signs in every repetition.

    All patterns of signs up to reflection where there are no more than 2000, else 2000 drawn ones.
    """
    if 2 ** (n - 1) <= 2000:
        signs = np.array([(*rest, -1) for rest in product((-1, 1), repeat=n - 1)], dtype=float)
    else:
        signs = 2.0 * np.random.default_rng(SEED).integers(0, 2, size=(2000, n)) - 1
    largest = np.zeros(len(signs))
    for unit in units:
        values = signs * unit * np.sqrt(n)
        mean_, spread = values.mean(axis=1), np.sqrt(np.maximum(values.var(axis=1), 1e-6))
        skewness = ((values - mean_[:, None]) ** 3).mean(axis=1) / spread**3
        t = np.sqrt(n - 1) * mean_ / spread
        a = skewness / np.sqrt(n)
        largest = np.maximum(largest, np.abs(t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6))
    return round(float(sorted(largest)[int(np.ceil(0.95 * (len(largest) - 1)))]), 4)


def claims(rows):
    """The stretches of a difference over which its band excludes 0: (who is better, from, until)."""
    stretches = []
    for place, row in enumerate(rows):
        better = "a" if row["hi"] < 0 else "b" if row["lo"] > 0 else None
        until = rows[min(place + 1, len(rows) - 1)]["t"]
        if better is None:
            continue
        if stretches and stretches[-1][0] == better and stretches[-1][2] == row["t"]:
            stretches[-1] = (better, stretches[-1][1], until)
        else:
            stretches.append((better, row["t"], until))
    return stretches


def targets_of(suite, objective):
    """What there is to reach by each error: what the control reached at quarters of its time, and the suite's own."""
    axis, _ = suite.horizon
    runs = [run for run in suite.cell(objective, suite.control) if run.finished]
    end = max((last_event(run, axis) for run in runs if run.counted), default=None)
    found = {}
    for error in ERRORS:
        found[error] = []
        for percent in (25, 50, 75, 100) if end is not None else ():
            errors = over_runs(runs, axis, end * Fraction(percent, 100), error)
            if errors:
                found[error].append((mean(errors), f"{suite.control} at {percent}%"))
        found[error] += [(target, "suite") for target in (suite.plan.get("targets") or {}).get(objective, ())]
    return found


def attempts(runs, axis, target, error):
    """When every run reached a target (infinite: never), when it ended, and until when it is known not to reach it."""
    reached = [first_hit(run, axis, target, error) for run in runs]
    ended = [last_event(run, axis) if run.counted else 0 for run in runs]
    known = [max(ended) if run.state == "failed" else end for run, end in zip(runs, ended, strict=True)]
    return reached, ended, known


def first_hit(run, axis, target, error):
    """The first event at which the incumbent's error is the target or less."""
    for count, evaluation in enumerate(run.counted, start=1):
        best = incumbent(run.counted[:count])
        reached = None if best is None else best[f"{error}_error"]
        if reached is not None and reached <= target:
            return on(axis, evaluation)
    return INF


def targets(suite):
    """What reaching every target takes."""
    for objective, algorithm, planned in suite.cells():
        runs = [run for run in planned if run.finished]
        for axis in AXES:
            for error in ERRORS:
                for target, source in targets_of(suite, objective)[error]:
                    reached, ended, known = attempts(runs, axis, target, error)
                    row = {"objective": objective, "algorithm": algorithm, "axis": axis, "error": error}
                    row |= {"target": target, "source": source, "n": len(runs)}
                    row |= {"n_success": sum(time < INF for time in reached), "ert": None, "par10": None}
                    if runs:
                        row["ert"] = ert(reached, ended)
                        times = [t if t < INF else 10 * end for t, end in zip(reached, known, strict=True)]
                        row["par10"] = mean(times) if any(known) else None
                    names = ("km_median", "km_lo", "km_hi")
                    yield row | dict(zip(names, survival_median(reached, known), strict=True))


def speedups(suite):
    """How many times faster every algorithm is than the control."""
    for names, axis, ours, theirs in paired(suite):
        for error in ERRORS if names["b"] == suite.control else ():
            for target, source in targets_of(suite, names["objective"])[error]:
                sides = [attempts(side, axis, target, error)[:2] for side in (ours, theirs)]
                found = speed_up(*sides) if ours else (None, None, None)
                row = {**names, "error": error, "target": target, "source": source, "n": len(ours)}
                yield row | dict(zip(("ratio", "lo", "hi"), found, strict=True))

"""Which hyperparameters matter: the share of the error's variance that each one alone explains (fANOVA)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd

from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array
from analysis.statistics.importance.fanova import main_effects, scaled

IMPORTANCE = ("objective", "hyperparameter", "importance", "std", "n", "method", "given")
"""Columns of the table, in order.

importance: mean over the forests of the share, in [0, 1], of the variance that the hyperparameter's main
effect explains; shares are not scaled to the sum 1, what is missing is interaction. std: ddof = 1, over the
forests, each of which has seen half of the repetitions; NaN for one repetition. n: distinct evaluations there
are. method: `METHOD`, or "left out" and why, where importance is empty. given: under which condition the hyperparameter
counts, and its importance holds; empty: always.
"""

METHOD = "fanova"
LEFT_OUT = "too many hyperparameters or conditions"
SEED = 20140622
FORESTS = 8
MOST = 400
"""Evaluations that one forest sees."""
ENOUGH = 20_000
"""Evaluations of an objective that are looked at: of more, so many evenly spaced in the order of the plan."""
ENOUGH_VALUES = 1_000_000
"""Likewise for the values of all hyperparameters in them."""
FEWEST = 20
"""Evaluations below which nothing is said: forests on fewer find importance in chance."""
MOST_WORK = 160
"""Forests of a whole table, in units of about 25 milliseconds: a bound by counts, for seconds would not repeat."""
AXES_A_UNIT = 20
"""Hyperparameters that make a forest take one unit longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """The evaluations in which some hyperparameters count, on all axes that count in every one of them.

    Attributes:
        assessed: the hyperparameters that count in these evaluations and in no others.
        configs: (n,) configurations.
        errors: (n,) validation errors, scaled to [0, 1].
        repetitions: (n,) integers.
    """

    objective: str
    axes: tuple[Hyperparameter, ...]
    assessed: tuple[Hyperparameter, ...]
    configs: Sequence[dict[str, Any]]
    errors: Array
    repetitions: Array


def importance_table(results: Results) -> pd.DataFrame:
    """One row a hyperparameter, in the order of the space; none where there is nothing to say.

    fANOVA (Hutter, Hoos, Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter Importance")
    on the fully trained evaluations of all algorithms. Conditional hyperparameters are each assessed on the
    evaluations in which they count, with `n` and `given` saying so. Empty with fewer than `FEWEST` evaluations,
    and where all errors are the same.
    """
    samples = [
        sample
        for objective in results.plan.objectives
        for sample in _samples(results, objective)
        if len(sample.errors) >= FEWEST and sample.errors.min() < sample.errors.max()
    ]
    rows = [
        row
        for sample, forests in zip(samples, _forests_of_each(samples), strict=True)
        for row in _rows(sample, forests)
    ]
    order = {
        (objective.label, axis.name): place
        for objective in results.plan.objectives
        for place, axis in enumerate(objective.space)
    }
    labels = [objective.label for objective in results.plan.objectives]
    rows.sort(key=lambda row: (labels.index(row["objective"]), order[row["objective"], row["hyperparameter"]]))
    return pd.DataFrame(rows, columns=list(IMPORTANCE))


def fully_trained(results: Results, objective: str) -> pd.DataFrame:
    """An objective's evaluations at the largest epoch that any of them reached, and those that diverged on the way.

    More training would change neither. The same configuration in the same repetition is the same
    evaluation, whoever asked for it, and is there once.
    """
    mine = results.evaluations[results.evaluations["objective"] == objective]
    whole = (mine["epochs"] == mine["epochs"].max()) | (mine["state"] == "diverged")
    rows = mine[whole & np.isfinite(mine["valid_error"])]
    texts = [orjson.dumps(config, option=orjson.OPT_SORT_KEYS) for config in results.configs(rows)]
    keys = pd.DataFrame({"config": texts, "repetition": rows["repetition"]}, index=rows.index)
    first: pd.DataFrame = rows[~keys.duplicated()]
    return first


def _samples(results: Results, objective: Objective) -> Iterator[_Sample]:
    """The evaluations of an objective, once for each set of them in which some hyperparameter counts."""
    rows = fully_trained(results, objective.label)
    most = min(ENOUGH, max(MOST, ENOUGH_VALUES // max(1, len(objective.space))))
    if len(rows) > most:
        rows = rows.iloc[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
    configs = results.configs(rows)
    counts = np.array([[axis.name in config for axis in objective.space] for config in configs], dtype=np.bool_)
    groups: dict[bytes, list[int]] = {}
    for column in range(counts.shape[1] if configs else 0):
        groups.setdefault(counts[:, column].tobytes(), []).append(column)
    for columns in groups.values():
        held = np.flatnonzero(counts[:, columns[0]])
        yield _Sample(
            objective=objective.label,
            axes=tuple(objective.space[column] for column in np.flatnonzero(counts[held].all(axis=0))),
            assessed=tuple(objective.space[column] for column in columns),
            configs=[configs[place] for place in held],
            errors=scaled(rows["valid_error"].to_numpy()[held]),
            repetitions=rows["repetition"].to_numpy()[held],
        )


def _work(sample: _Sample) -> int:
    """What one forest costs, in units of `MOST_WORK`."""
    return 1 + len(sample.axes) // AXES_A_UNIT


def _forests_of_each(samples: Sequence[_Sample]) -> list[int]:
    """How many forests each sample gets, so that all together stay within `MOST_WORK`; 0: it is left out."""
    work = np.array([_work(sample) for sample in samples], dtype=np.int64)
    each = min(FORESTS, max(1, MOST_WORK // max(int(work.sum()), 1)))
    return [each if spent <= MOST_WORK else 0 for spent in np.cumsum(each * work)]


def _rows(sample: _Sample, forests: int) -> Iterator[dict[str, Any]]:
    """The rows of the hyperparameters that are assessed on a sample."""
    found = np.array([_shares(sample, number) for number in range(forests)]).reshape(forests, len(sample.axes))
    several = forests > 1 and len(np.unique(sample.repetitions)) > 1
    for place, axis in enumerate(sample.axes):
        if axis in sample.assessed:
            yield {
                "objective": sample.objective,
                "hyperparameter": axis.name,
                "importance": float(found[:, place].mean()) if forests else math.nan,
                "std": float(found[:, place].std(ddof=1)) if several else math.nan,
                "n": len(sample.errors),
                "method": METHOD if forests else f"left out: {LEFT_OUT}",
                "given": _condition(axis),
            }


def _shares(sample: _Sample, number: int) -> Array:
    """(axes,) shares by one forest; zeros where all errors that it saw are the same."""
    chosen = _chosen(sample.repetitions, number)
    columns = [_positions(axis, sample, chosen) for axis in sample.axes]
    return main_effects(np.stack(columns, axis=1), sample.errors[chosen], SEED + number)


def _chosen(repetitions: Array, number: int) -> Array:
    """Places, ascending, of what one forest sees: half of the repetitions, at most `MOST` evaluations.

    The spread of estimates from halves estimates the standard error of one from all of them (half-sample
    replication; Wolter 2007, "Introduction to Variance Estimation", chapter 3). Repetitions are
    the blocks, for evaluations of one run depend on each other. Of a single repetition it is half of the
    evaluations.
    """
    generator = np.random.default_rng([SEED, number])
    blocks = np.unique(repetitions)
    if len(blocks) == 1:
        repetitions = blocks = np.arange(len(repetitions))
    some = generator.choice(blocks, size=len(blocks) // 2, replace=False)
    places = np.flatnonzero(np.isin(repetitions, some))
    return np.sort(generator.choice(places, size=MOST, replace=False)) if len(places) > MOST else places


def _positions(axis: Hyperparameter, sample: _Sample, chosen: Array) -> Array:
    """Where the chosen evaluations lie on an axis, in [0, 1]."""
    if axis.kind != "categorical":
        return np.array([axis.position(sample.configs[place][axis.name]) for place in chosen])
    numbers = {choice: number for number, choice in enumerate(axis.choices)}
    codes = np.array([numbers[config[axis.name]] for config in sample.configs])
    others = np.setdiff1d(np.arange(len(codes)), chosen)
    ranks = _ranks(codes[others], sample.errors[others], len(axis.choices))
    return np.asarray((ranks[codes[chosen]] + 0.5) / len(axis.choices))


def _ranks(codes: Array, errors: Array, count: int) -> Array:
    """(count,) ranks of choices by their mean error; those never tried rank with the mean of all evaluations.

    A split of choices in the order of their means is as good as the best into any two sets (Breiman et al. 1984,
    "Classification and Regression Trees", section 4.2), so that one column does for any number of choices, where a
    column for each takes time exponential in their number (as in Optuna, see optuna#4888). The order is learned
    from evaluations that the forest does not see: an order by chance then explains nothing.
    """
    tried = np.bincount(codes, minlength=count)
    sums = np.bincount(codes, weights=errors, minlength=count)
    means = np.where(tried > 0, sums / np.maximum(tried, 1), errors.mean())
    return np.argsort(np.argsort(means, kind="stable"), kind="stable")


def _condition(axis: Hyperparameter) -> str:
    if axis.optional:
        return "where it was tried"
    return "" if axis.when is None else f"{axis.when[0]} = {' or '.join(map(str, axis.when[1]))}"

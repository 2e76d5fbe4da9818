"""Which hyperparameters matter: the share of the error's variance that each one alone explains (fANOVA)."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import orjson
import pandas as pd

from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array

IMPORTANCE = ("objective", "hyperparameter", "importance", "std", "n", "method", "given")
"""Columns of the table, in order.

importance: mean over the forests of the share, in [0, 1], of the variance that the hyperparameter's main
effect explains; shares are not scaled to the sum 1, what is missing is interaction. std: ddof = 1, over the
forests, each of which has seen half of the repetitions; NaN for one repetition. n: distinct evaluations there
are. given: under which condition the hyperparameter counts, and its importance holds; empty: always.
"""

METHOD = "fanova"
SEED = 20140622
FORESTS, TREES = 8, 8
MOST = 200
"""Evaluations that one forest sees: four times as many took fANOVA 11 times as long (500 and 2000, 64 trees)."""
ENOUGH = 20_000
"""Evaluations of an objective that are looked at: of more, so many evenly spaced in the order of the plan."""
FEWEST = 20
"""Evaluations below which nothing is told: forests on fewer find importance in chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Evaluations on some axes.

    Attributes:
        units: (n, axes) values on the axes' own scales, see `unit`.
        errors: (n,) validation errors.
        repetitions: (n,) integers.
    """

    axes: tuple[Hyperparameter, ...]
    units: Array
    errors: Array
    repetitions: Array


def importance_table(results: Results) -> pd.DataFrame:
    """One row a hyperparameter, in the order of the space; none where there is nothing to say.

    fANOVA (Hutter, Hoos, Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter Importance")
    as Optuna has it, on the fully trained evaluations of all algorithms. Optuna leaves conditional
    hyperparameters out in silence; here each of them is assessed on the evaluations in which it counts,
    with `n` and `given` saying so. Empty without Optuna or scikit-learn, with fewer than `FEWEST`
    evaluations, and where all errors are the same.
    """
    rows = [row for objective in results.plan.objectives for row in _rows(results, objective)] if _installed() else []
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


def _installed() -> bool:
    return find_spec("optuna") is not None and find_spec("sklearn") is not None


def _rows(results: Results, objective: Objective) -> Iterator[dict[str, Any]]:
    rows = fully_trained(results, objective.label)
    if len(rows) > ENOUGH:
        rows = rows.iloc[np.linspace(0, len(rows) - 1, ENOUGH).astype(np.int64)]
    configs = results.configs(rows)
    known: dict[tuple[str, ...], Array] = {}
    for axis in objective.space:
        sample = _sample(objective, axis, rows, configs)
        if not _tells(sample):
            continue
        names = tuple(other.name for other in sample.axes)
        if names not in known:  # Axes of one sample share its forests.
            known[names] = _forests(sample)
        shares = known[names][:, names.index(axis.name)]
        yield {
            "objective": objective.label,
            "hyperparameter": axis.name,
            "importance": float(shares.mean()),
            "std": float(shares.std(ddof=1)) if len(np.unique(sample.repetitions)) > 1 else math.nan,
            "n": len(sample.errors),
            "method": METHOD,
            "given": _condition(axis),
        }


def _sample(
    objective: Objective, axis: Hyperparameter, rows: pd.DataFrame, configs: Sequence[dict[str, Any]]
) -> _Sample:
    """The evaluations in which an axis counts, on all axes that count in every one of them."""
    held = [place for place, config in enumerate(configs) if axis.name in config]
    axes = tuple(other for other in objective.space if all(other.name in configs[place] for place in held))
    units = [[unit(other, configs[place][other.name]) for other in axes] for place in held]
    return _Sample(
        axes=axes,
        units=np.array(units, dtype=np.float64).reshape(len(held), len(axes)),
        errors=rows["valid_error"].to_numpy()[held],
        repetitions=rows["repetition"].to_numpy()[held],
    )


def _tells(sample: _Sample) -> bool:
    return len(sample.errors) >= FEWEST and bool(np.ptp(sample.errors) > 0.0)


def unit(axis: Hyperparameter, value: Any) -> float:
    """A value on the scale on which the space is uniform: logarithms, places of listed values."""
    if axis.choices:
        return float(axis.choices.index(value))
    return math.log(value) if axis.log else float(value)


def bounds(axis: Hyperparameter) -> tuple[float, float]:
    """The range of `unit`, half a step wider where values are discrete: else those at the edges would weigh half."""
    if axis.choices:
        return -0.5, len(axis.choices) - 0.5
    half = 0.5 if axis.kind == "int" else 0.0
    low, high = axis.low - half, axis.high + half
    return (math.log(low), math.log(high)) if axis.log else (low, high)


def _forests(sample: _Sample) -> Array:
    """(forests, axes): the shares that each of `FORESTS` forests found; zeros where all errors it saw are the same."""
    return np.array([_forest(sample, _chosen(sample, number), number) for number in range(FORESTS)])


def _chosen(sample: _Sample, number: int) -> Array:
    """Places, ascending, of what one forest sees: half of the repetitions, at most `MOST` evaluations.

    The spread of estimates from halves estimates the standard error of one from all of them (half-sample
    replication; Wolter 2007, "Introduction to Variance Estimation", chapter 3). Repetitions are
    the blocks, for evaluations of one run depend on each other. A single repetition is used whole.
    """
    generator = np.random.default_rng([SEED, number])
    blocks = np.unique(sample.repetitions)
    some = generator.choice(blocks, size=len(blocks) // 2, replace=False) if len(blocks) > 1 else blocks
    places = np.flatnonzero(np.isin(sample.repetitions, some))
    return np.sort(generator.choice(places, size=MOST, replace=False)) if len(places) > MOST else places


def _forest(sample: _Sample, places: Array, number: int) -> Array:
    """(axes,) shares by one forest."""
    units, errors = sample.units[places], sample.errors[places]
    if len(errors) < 2 or np.ptp(errors) == 0.0:
        return np.zeros(len(sample.axes))
    import optuna

    with _quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=SEED))
        ranges = {axis.name: _distribution(optuna, axis) for axis in sample.axes}
        values = [_values(sample.axes, row) for row in units]
        trials = [
            optuna.trial.create_trial(params=params, distributions=ranges, value=float(error))
            for params, error in zip(values, errors, strict=True)
        ]
        study.add_trials(trials)
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=SEED + number)
        found = evaluator.evaluate(study)
    return np.array([float(found[axis.name]) for axis in sample.axes])


def _values(axes: Sequence[Hyperparameter], units: Array) -> dict[str, Any]:
    return {
        axis.name: int(unit) if axis.kind == "categorical" else float(unit)
        for axis, unit in zip(axes, units, strict=True)
    }


def _distribution(optuna: Any, axis: Hyperparameter) -> Any:
    """Optuna's distribution of a unit. Its fANOVA ignores logarithmic scales, so units have theirs already."""
    if axis.kind == "categorical":
        return optuna.distributions.CategoricalDistribution(list(range(len(axis.choices))))
    return optuna.distributions.FloatDistribution(*bounds(axis))


def _condition(axis: Hyperparameter) -> str:
    return "" if axis.when is None else f"{axis.when[0]} = {' or '.join(map(str, axis.when[1]))}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna's messages and warnings off for a while; they tell of its own progress and interfaces."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)

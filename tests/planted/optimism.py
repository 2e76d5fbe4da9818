"""The optimism of selection on published tables: what the chosen configuration is worth under the other seeds.

`python -m tests.planted.optimism [--out results/reference/tables/optimism.csv] [NAME ...]` takes tables that hold
several seeds (default: those of FCNet and HPOBench that are there). Random search draws n configurations with
replacement and chooses the best under one seed; its value there is compared with the mean of its values under the other
seeds. Both expectations are exact: with C configurations the best of n is the j-th with a probability that order
statistics give, and configurations that tie are equally likely. Nothing is simulated.

The interval of the mean is Student's over the S seeds on which may be selected. These S numbers share their values, so
they are not independent, and 4 or 5 of them say little: the interval shows how much seeds differ, no more. `run_low`
and `run_high` are the exact 2.5 % and 97.5 % quantiles of single runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.anytime import Array
from benchmark.tables.names import find_table, table_names
from benchmark.tables.table import Table
from benchmark.tables.table_file import load_table

FAMILIES = ("fcnet:", "hpobench:")
TRIALS = (1, 10, 100, 1000)
LEVEL = 0.95


def chosen(errors: Array, trials: int) -> Array:
    """The probability that random search of so many draws with replacement chooses each configuration, (C,).

    Args:
        errors: (C,) those under the seed on which is selected.
        trials: draws.
    """
    _, group, counts = np.unique(errors, return_inverse=True, return_counts=True)
    reached = np.concatenate([[0], np.cumsum(counts)]) / len(errors)
    above = (1.0 - reached) ** trials
    weights: Array = ((above[:-1] - above[1:]) / counts)[group]
    return weights


def optimism_of_seed(errors: Array, seed: int, trials: int) -> tuple[float, float, Array, Array]:
    """Expected error under the seed of selection and under the others; and of every configuration its gap and weight.

    Args:
        errors: (C, S), all known.
        seed: on which is selected.
        trials: of random search.
    """
    weights = chosen(errors[:, seed], trials)
    others = np.delete(errors, seed, axis=1).mean(axis=1)
    return float(weights @ errors[:, seed]), float(weights @ others), others - errors[:, seed], weights


def quantile(values: Array, weights: Array, share: float) -> float:
    """The least value that at least this share of the weights is at or below."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    place = np.searchsorted(total, share * total[-1] * (1 - 1e-12))
    return float(values[order][min(place, len(values) - 1)])


def optimism(table: Table, name: str, trials: tuple[int, ...] = TRIALS) -> Iterator[dict[str, object]]:
    """Rows of the table of results, one for each number of trials, in the metric's own direction.

    Args:
        table: with several seeds of every configuration.
        name: of the table.
        trials: numbers of draws.

    Raises:
        ValueError: it has one seed, or lacks some.
    """
    errors = table.valid[:, :, -1]
    if errors.shape[1] < 2 or not np.isfinite(errors).all():
        raise ValueError(f"{name}: need at least two seeds of every configuration")
    metric, seeds = table.metrics[0], errors.shape[1]
    scale = metric.to_error(metric.typical) - metric.to_error(metric.best) if metric.typical is not None else np.nan
    for count in trials:
        parts = [optimism_of_seed(errors, seed, count) for seed in range(seeds)]
        selected, others = (np.array([part[place] for part in parts]) for place in (0, 1))
        gaps, weights = (np.concatenate([part[place] for part in parts]) for place in (2, 3))
        mean = float((others - selected).mean())
        mean = 0.0 if count == 1 else mean  # By symmetry: each seed is once selected on, and S - 1 times another.
        half = stats.t.ppf((1 + LEVEL) / 2, seeds - 1) * stats.sem(others - selected)
        yield {
            "table": name,
            "metric": metric.name,
            "seeds": seeds,
            "trials": count,
            "selected": metric.from_error(float(selected.mean())),
            "others": metric.from_error(float(others.mean())),
            "optimism": mean,
            "low": mean - half,
            "high": mean + half,
            "run_low": quantile(gaps, weights, (1 - LEVEL) / 2),
            "run_median": quantile(gaps, weights, 0.5),
            "run_high": quantile(gaps, weights, (1 + LEVEL) / 2),
            "of_typical": mean / scale,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="tables (default: all of FCNet and HPOBench)")
    parser.add_argument("--out", type=Path, default=Path("results/reference/tables/optimism.csv"))
    options = parser.parse_args()
    names = options.names or [name for name in table_names() if name.startswith(FAMILIES)]
    rows = [row for name in names for row in optimism(load_table(find_table(name)), name)]
    frame = pd.DataFrame(rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(options.out, index=False, float_format="%.6g", lineterminator="\n")
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


if __name__ == "__main__":
    main()

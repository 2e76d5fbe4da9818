"""The recheck: what every run selected, trained again with fresh seeds, and the noise floor that this shows.

A run reports the least of many noisy validation errors, so what it selected was partly lucky. How lucky is
the difference to the mean of fresh trainings of the same configuration. Configuration and data are the same;
so it is the luck with initial weights, data order and dropout that shows, not the luck with a validation set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean as exact_mean
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.recheck import Recheck, Retrained, read
from analysis.loading.results import Results, Run
from analysis.statistics.bootstrap import interval, mean

RECHECK = (
    "objective", "algorithm", "repetition", "config", "epochs", "selected_valid_error", "selected_test_error",
    "k", "n_crashed", "fresh_valid_mean", "fresh_valid_std", "fresh_test_mean", "fresh_test_std",
)  # fmt: skip
NOISE = (
    "objective", "n_configs", "k", "n_trainings", "n_diverged", "n_crashed", "df", "valid_sd", "test_sd",
)  # fmt: skip
OPTIMISM = (
    "objective", "algorithm", "n", "n_runs",
    "selected_valid_mean", "fresh_valid_mean", "valid_optimism", "valid_optimism_lo", "valid_optimism_hi",
    "selected_test_mean", "fresh_test_mean", "test_optimism", "test_optimism_lo", "test_optimism_hi",
)  # fmt: skip


def recheck_table(results: Results, folder: Path) -> pd.DataFrame:
    """One row for every complete run: what it selected, and the mean and std (ddof 1) of fresh trainings of it.

    Only runs whose selection is still what was rechecked have fresh results; the others have k = 0, and
    more trials or runs are rechecked by making the recheck again. k counts fresh trainings, crashed ones
    too; a mean over a crashed one is undefined. Without a recheck there is no row (see `missing`).

    Args:
        results: of the suite.
        folder: the suite's.

    Raises:
        BadInput: a damaged file of the recheck.
    """
    recheck = read(results, folder)
    done = [] if recheck is None else [run for run in results.runs if run.state == "done"]
    rows = [_row(results, run, recheck) for run in done if recheck is not None]
    return pd.DataFrame(rows, columns=list(RECHECK))


def noise_table(results: Results, folder: Path) -> pd.DataFrame:
    """One row an objective: the pooled standard deviation of one configuration's fresh trainings.

    sd = sqrt(sum of squared deviations from the configuration's mean / df), df = trainings less
    configurations; each configuration once, however many runs selected it. Crashed trainings are left
    out and counted. NaN without a configuration that was trained twice.

    Raises:
        BadInput: a damaged file of the recheck.
    """
    recheck = read(results, folder)
    retrained = {} if recheck is None else recheck.retrained
    labels = [objective.label for objective in results.plan.objectives if objective.label in retrained]
    rows = [_noise(label, retrained[label], recheck.fresh) for label in labels if recheck is not None]
    return pd.DataFrame(rows, columns=list(NOISE))


def optimism_table(results: Results, recheck: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: selected less fresh errors, means over its complete runs.

    Negative optimism: what was selected looked better than it is. 95 % intervals over repetitions as
    everywhere (`analysis.statistics.bootstrap`); they take runs as independent, also those that
    selected the same configuration and therefore share its fresh trainings.

    Args:
        results: for the order of the plan.
        recheck: the table `recheck_table`.
    """
    if recheck.empty:
        return pd.DataFrame(columns=list(OPTIMISM))
    cells = ((label, algorithm, recheck) for label, algorithm, _ in results.cells())
    rows = [_cell(label, algorithm, _of(table, label, algorithm)) for label, algorithm, table in cells]
    return pd.DataFrame(rows, columns=list(OPTIMISM))


def _row(results: Results, run: Run, recheck: Recheck) -> dict[str, Any]:
    key = (run.objective, run.algorithm, run.repetition)
    row: dict[str, Any] = dict(zip(("objective", "algorithm", "repetition"), key, strict=True)) | {
        "k": 0,
        "n_crashed": 0,
    }
    place = results.final_incumbent(run)
    if place is None:
        return row | {"selected_valid_error": math.inf, "selected_test_error": math.inf}
    final = results.evaluations.iloc[[place]]
    [config] = results.configs(final)
    valid, test, epochs = (final[name].item() for name in ("valid_error", "test_error", "epochs"))
    row |= {"config": final["config"].item(), "epochs": epochs}
    row |= {"selected_valid_error": valid, "selected_test_error": test}
    trial = recheck.of(key, config, valid, test)
    return row if trial is None else row | _fresh(trial)


def _fresh(trial: Retrained) -> dict[str, Any]:
    (valid_mean, valid_std), (test_mean, test_std) = _moments(trial.valid), _moments(trial.test)
    return {
        "epochs": trial.epochs,
        "k": len(trial.valid),
        "n_crashed": _crashed(trial),
        "fresh_valid_mean": valid_mean,
        "fresh_valid_std": valid_std,
        "fresh_test_mean": test_mean,
        "fresh_test_std": test_std,
    }


def _moments(errors: tuple[float, ...]) -> tuple[float, float]:
    """Mean and std (ddof 1), NaN where undefined."""
    if not errors or not all(map(math.isfinite, errors)):
        return math.nan, math.nan
    exponent, [scaled] = _scaled([errors])
    std = math.sqrt(_squares(scaled) / (len(errors) - 1)) if len(errors) > 1 else math.nan
    mean, std = np.ldexp([scaled[0] + _shift(scaled), std], exponent).tolist()
    return mean, std


def _scaled(errors: Sequence[tuple[float, ...]]) -> tuple[int, list[tuple[float, ...]]]:
    """An exponent, and errors divided by that power of two, whose squares then neither overflow nor vanish."""
    largest = max((abs(error) for one in errors for error in one), default=0.0)
    exponent = math.frexp(largest)[1] + 2
    return exponent, [tuple(math.ldexp(error, -exponent) for error in one) for one in errors]


def _shift(errors: tuple[float, ...]) -> float:
    """The mean less the first: exactly 0 for tied errors."""
    return math.fsum(error - errors[0] for error in errors) / len(errors)


def _squares(errors: tuple[float, ...]) -> float:
    """Sum of squared deviations from the mean."""
    shift = _shift(errors)
    return math.fsum((error - errors[0] - shift) ** 2 for error in errors)


def _crashed(trial: Retrained) -> int:
    return sum(map(math.isinf, trial.valid))


def _noise(label: str, retrained: tuple[Retrained, ...], fresh: int) -> dict[str, Any]:
    row = {
        "objective": label,
        "n_configs": len(retrained),
        "k": fresh,
        "n_trainings": sum(len(trial.valid) for trial in retrained),
        "n_diverged": sum(trial.n_diverged for trial in retrained),
        "n_crashed": sum(map(_crashed, retrained)),
    }
    valid = [tuple(filter(math.isfinite, trial.valid)) for trial in retrained]
    test = [tuple(filter(math.isfinite, trial.test)) for trial in retrained]
    df = sum(len(errors) - 1 for errors in valid if errors)
    return row | {"df": df, "valid_sd": _pooled(valid, df), "test_sd": _pooled(test, df)}


def _pooled(errors: list[tuple[float, ...]], df: int) -> float:
    """Within-configuration standard deviation; `fsum` makes the order of configurations no matter."""
    exponent, scaled = _scaled(errors)
    pooled = math.sqrt(math.fsum(_squares(one) for one in scaled if one) / df) if df else math.nan
    return float(np.ldexp(pooled, exponent))


def _of(recheck: pd.DataFrame, objective: str, algorithm: str) -> pd.DataFrame:
    return recheck[(recheck["objective"] == objective) & (recheck["algorithm"] == algorithm)]


def _cell(objective: str, algorithm: str, rows: pd.DataFrame) -> dict[str, Any]:
    again = rows[rows["k"] > 0]
    row: dict[str, Any] = {"objective": objective, "algorithm": algorithm, "n": len(again), "n_runs": len(rows)}
    for name in ("valid", "test"):
        selected, fresh = (
            again[column].to_numpy(dtype=np.float64) for column in (f"selected_{name}_error", f"fresh_{name}_mean")
        )
        row |= {f"selected_{name}_mean": _mean(selected), f"fresh_{name}_mean": _mean(fresh)}
        row[f"{name}_optimism"] = _mean(selected - fresh)
        defined = len(again) > 0 and not np.isnan(fresh).any()
        limits = interval((selected - fresh)[np.newaxis], mean)[0] + 0.0 if defined else (math.nan, math.nan)
        row[f"{name}_optimism_lo"], row[f"{name}_optimism_hi"] = limits
    return row


def _mean(values: np.ndarray) -> float:
    return exact_mean(values.tolist()) if len(values) else math.nan

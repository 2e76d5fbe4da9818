"""Random search on published tables against a truth that nobody chose: order statistics of finitely many values.

`python -m tests.planted.random_search [--tables fcnet:slice_localization ...] [--repetitions 1000] [--trials 100]
[--out FILE.json]` runs random search on each table by the Runner, with its tuner, searcher and ledgers, and compares
the mean best value so far with its exact expectation at every number of trials. Trial k of a run is a configuration
drawn with replacement, so the best of n is above the j-th smallest of C values with probability ((C - j) / C) ** n;
repetition r meets the seed r modulo S. The standard error is exact too, so heavy tails of a loss do not matter.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from analysis.statistics.anytime import Array
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import Record, read_ledger
from benchmark.suite.parsing import load
from benchmark.tables.names import find_table
from benchmark.tables.table_file import load_table
from objectives.objective import Machine

TABLES = ("fcnet:slice_localization", "hpobench:car", "nasbench201:cifar100")
SUITE = """
seed = 7
repetitions = {repetitions}
clock = "tabulated"
budget.trials = {trials}
objectives.table = {{ table = "{table}", test = "none" }}
algorithms.random.searcher = "random"
"""


def best_of(values: Array, trials: int) -> tuple[Array, Array]:
    """Mean and variance of the best of 1..trials draws with replacement; (trials,) both.

    Args:
        values: (C,) errors of the configurations, equally likely.
        trials: the most draws.
    """
    ordered = np.sort(values)
    left = 1.0 - np.arange(len(ordered) + 1) / len(ordered)  # Share of the values from the j-th on.
    above = left[None, :] ** np.arange(1, trials + 1)[:, None]
    weights = above[:, :-1] - above[:, 1:]
    mean = weights @ ordered
    return mean, weights @ ordered**2 - mean**2


def expectation(values: Array, repetitions: int, trials: int) -> tuple[Array, Array]:
    """Exact mean over repetitions of the best so far, and the standard error of a measured mean; (trials,) both.

    Args:
        values: (C, S) errors; repetition r meets column r modulo S.
        repetitions: of the comparison.
        trials: of every run.
    """
    seeds = values.shape[1]
    counts = np.bincount(np.arange(repetitions) % seeds, minlength=seeds)
    moments = [best_of(values[:, seed], trials) for seed in range(seeds)]
    mean = sum(count * mean for count, (mean, _) in zip(counts, moments, strict=True)) / repetitions
    variance = sum(count * variance for count, (_, variance) in zip(counts, moments, strict=True))
    return np.asarray(mean), np.sqrt(np.maximum(variance, 0.0)) / repetitions


def measured(table: str, folder: Path, repetitions: int, trials: int) -> Array:
    """Run random search on a table; returns the best error so far, (repetitions, trials)."""
    path = folder / "truth.toml"
    path.write_text(SUITE.format(table=table, repetitions=repetitions, trials=trials))
    suite = load(str(path))
    results = folder / "results"
    reports = Runner(suite, results, jobs=1, machine=Machine(), listener=Quiet()).run(list(suite.runs()))
    assert all(report.state == "done" for report in reports), reports[0].problem
    runs = sorted(results.rglob("*.jsonl"))
    errors = [_errors(read_ledger(run).records) for run in runs]
    return np.minimum.accumulate(np.array(errors, np.float64), axis=1)


def _errors(records: list[Record]) -> list[float]:
    return [record["valid_error"] for record in records if record["kind"] == "evaluation"]


def met_values(path: Path) -> Array:
    """Errors (C, S) of full trainings as repetitions meet them; another seed stands for one that is lacking."""
    table = load_table(path)
    errors, reached = table.valid[:, :, -1], table.reached > 0
    for row in np.flatnonzero(~reached.all(axis=1)):
        known = np.flatnonzero(reached[row])
        errors = errors.copy() if not errors.flags.writeable else errors
        for column in np.flatnonzero(~reached[row]):
            errors[row, column] = errors[row, known[column % len(known)]]
    return errors


def compare(table: str, folder: Path, repetitions: int, trials: int) -> Array:
    """By how many standard errors the measured mean is off the exact one, at every number of trials; (trials,)."""
    mean, error = expectation(met_values(find_table(table)), repetitions, trials)
    off: Array = (measured(table, folder, repetitions, trials).mean(axis=0) - mean) / error
    return off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), help='names, as "fcnet:slice_localization"')
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--out", type=Path, help="also write everything as JSON")
    options = parser.parse_args()
    report = {}
    for name in options.tables:
        with tempfile.TemporaryDirectory() as folder:
            off = compare(name, Path(folder), options.repetitions, options.trials)
        worst = int(np.abs(off).argmax())
        report[name] = {"most standard errors": round(float(np.abs(off).max()), 2), "at trial": worst + 1}
        report[name] |= {"mean square": round(float((off**2).mean()), 2)}
        print(f"{name}: at most {np.abs(off).max():.2f} standard errors off, after {worst + 1} of {len(off)} trials")
    if options.out is not None:
        settings = {"repetitions": options.repetitions, "trials": options.trials}
        options.out.write_text(json.dumps({**settings, "tables": report}, indent=2) + "\n")


if __name__ == "__main__":
    main()

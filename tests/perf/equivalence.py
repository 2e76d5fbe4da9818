"""Tests whether Optuna's RandomSampler, through the adapter, is our random search: 200 repetitions each, on replay.

`python -m tests.perf.equivalence --out results/reference` trains three grids (softmax, lenet and dropout_mlp on
digits, four repetitions of the noise), harvests and replays them, and writes `equivalence.json`. `--tables DIR`
takes harvested tables instead of training.

Not finding a difference proves nothing, so sameness is what has to be shown (TOST: two one-sided tests, Schuirmann
1987). Two numbers of every run: its final validation error, and the area under its curve, the mean over its trials
of the incumbent's error after each (so that the mean area is the area under the mean curve; over trials rather than
seconds, as what a trial costs is decided by its configuration). The hypothesis to be refuted is that the two means
are `MARGIN` or more apart; it must be refuted at 5 % for every objective and number, which needs no correction: the
chance to call samplers the same that are further apart in any of them is 5 % at most.

The margin, fixed before anything was measured, is 0.4 standard deviations of random search's own runs: less than
the 0.56 that the default comparison (50 repetitions a side, two-sided at 5 %) would see with 80 % power. Samplers
that are the same pass a test of 200 repetitions with probability 2 Phi(0.4 / sqrt(2 / 200) - 1.645) - 1 = 0.98, all
six with 0.88 at least; with a margin of 0.25 one would pass with 0.61, a verdict by chance.

Errors may agree by chance where configurations do not, so these are compared too: how often each cell of the grid
was drawn (chi-square test of homogeneity), and, as the grid hides how an axis is scaled, the two samples along each
axis of the whole space (Kolmogorov-Smirnov). Here the hypothesis is sameness; it stands unless p < 1 % over all of
these tests together (Bonferroni). The default configuration, which both try first, is left out.

A sampler that draws the learning rate from the upper half only must fail.

Repetition r meets the noise of r mod 4 in all arms. Given the tables, runs are independent, and an arm meets each
noise equally often; so the verdict is about the samplers on these trials, as it should be.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmark.cli.main import main as benchmark
from benchmark.construction.objective_factory import build_objective
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import model
from benchmark.suite import parsing as suites
from benchmark.suite.model import Run, Suite
from benchmark.tuning.factory import build_scheduler
from objectives.space import Config, Space
from tests.perf import measured

SUITES = Path(__file__).parent / "suites"
OURS, THEIRS, BIASED = "random", "optuna", "biased"
MARGIN = 0.4
"""Standard deviations of random search's runs that two means may be apart."""
LEVEL = 0.05
"""Of each equivalence test."""
DOUBT = 0.01
"""Of all tests on the configurations together."""
RATES = ("learning_rate", "lr", "x2")
PLACES = 2000
"""Draws from the space without the grid."""
NUMBERS = ("final", "area")


class UpperHalf:
    """Random search that draws the learning rate from the upper half of its distribution: the planted difference."""

    adaptive = False

    def __init__(self, config_space: Space, *, rng: np.random.Generator, initial_config: Config | None = None) -> None:
        self.space, self.rng, self.initial_config = config_space, rng, initial_config
        self.axis = next(axis for axis, name in enumerate(config_space) if name in RATES)

    def sample_configuration(self) -> Config:
        if self.initial_config is not None:
            config, self.initial_config = self.initial_config, None
            return config
        unit = self.rng.random(len(self.space))
        unit[self.axis] = (1 + unit[self.axis]) / 2
        return self.space.decode(unit)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """It learns nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Results of the R runs of one algorithm on one objective.

    Attributes:
        final: (R,) validation error of the incumbent after the last trial.
        area: (R,) mean of the incumbent's validation error after each trial.
        cells: how often each configuration was drawn, the default left out.
        places: (D, d) where draws from the undiscretised space lie in the unit cube.
    """

    final: np.ndarray
    area: np.ndarray
    cells: Counter[str]
    places: np.ndarray


def main(arguments: list[str] | None = None) -> int:
    """Train, harvest, replay, test; returns 0 where the verdicts are as they must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="folder of equivalence.json")
    parser.add_argument("--tables", type=Path, help="harvested tables of suites/grids.toml")
    parser.add_argument("--jobs", default="2", help="processes that train")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        tables = parsed.tables or harvested(SUITES / "grids.toml", work, parsed.jobs)
        suite = replayed(SUITES / "equivalence.toml", tables, work)
        report = judge(samples(suite, work / suite.name))
    content = {"machine": measured.card(["optuna"]), "repetitions": suite.repetitions, **report}
    measured.write(parsed.out, "equivalence", content, table(report))
    return 0 if report["as_it_must_be"] else 1


def harvested(path: Path, folder: Path, jobs: str = "1") -> Path:
    """Train a suite of grids and make its tables; return their folder."""
    _command("run", str(path), "--results", str(folder), "--jobs", jobs, "--quiet")
    _command("harvest", str(path), "--results", str(folder), "--out", str(folder / "tables"))
    return folder / "tables"


def replayed(path: Path, tables: Path, folder: Path) -> Suite:
    """Replay a suite on tables of fewer repetitions."""
    _command("replay", str(path), "--results", str(folder), "--tables", str(tables), "--recycle", "--quiet")
    return suites.load(str(path))


def _command(*words: str) -> None:
    if benchmark(list(words)) != 0:
        raise SystemExit(f"benchmark {' '.join(words)} failed")


def samples(suite: Suite, folder: Path) -> dict[str, dict[str, Sample]]:
    """Collect the results of a replayed suite, by objective and algorithm."""
    runs: dict[str, dict[str, list[Run]]] = {}
    for run in suite.runs():
        runs.setdefault(run.objective.label, {}).setdefault(run.algorithm.label, []).append(run)
    return {
        objective: {algorithm: _sample(theirs, folder) for algorithm, theirs in algorithms.items()}
        for objective, algorithms in runs.items()
    }


def _sample(runs: list[Run], folder: Path) -> Sample:
    objective = build_objective(runs[0].objective)
    first = 0 if objective.default is None else 1
    trials = [[line for line in read_ledger(folder / run.path).records if line["kind"] == "evaluation"] for run in runs]
    errors = np.array([[trial["valid_error"] for trial in run] for run in trials])
    incumbent = np.minimum.accumulate(errors, axis=1)
    return Sample(
        final=incumbent[:, -1],
        area=incumbent.mean(axis=1),
        cells=Counter(json.dumps(trial["config"]) for run in trials for trial in run[first:]),
        places=_places(runs[0], PLACES),
    )


def _places(run: Run, draws: int) -> np.ndarray:
    """Draws of the run's algorithm from its objective without the grid, (draws, d) in the unit cube."""
    objective = build_objective(model.ObjectiveEntry(label=run.objective.label, part=run.objective.part))
    scheduler = build_scheduler(run, objective)
    first = 0 if objective.default is None else 1
    proposals = [scheduler.suggest() for _ in range(first + draws)]
    return np.array([objective.space.encode(config) for config in proposals[first:] if config is not None])


def judge(found: Mapping[str, Mapping[str, Sample]]) -> dict[str, Any]:
    """Return every number of every test, and the verdicts on all objectives together."""
    tests = {
        other: {objective: compare(arms[OURS], arms[other]) for objective, arms in found.items()}
        for other in (THEIRS, BIASED)
    }
    count = sum(1 + arms[OURS].places.shape[1] for arms in found.values())
    verdicts = {other: all(same(row, DOUBT / count) for row in rows.values()) for other, rows in tests.items()}
    return {
        "margin_in_standard_deviations": MARGIN,
        "level": LEVEL,
        "power_of_one_test": power(len(next(iter(found.values()))[OURS].final)),
        "doubt_of_one_test": DOUBT / count,
        "equivalent": verdicts,
        "as_it_must_be": verdicts[THEIRS] and not verdicts[BIASED],
        "tests": tests,
    }


def compare(ours: Sample, other: Sample) -> dict[str, Any]:
    """Test one pair of samples on one objective."""
    keys = sorted(ours.cells | other.cells)
    counts = np.array([[sample.cells[key] for key in keys] for sample in (ours, other)])
    chi_square = stats.chi2_contingency(counts, correction=False)
    axes = [stats.ks_2samp(mine, its).pvalue for mine, its in zip(ours.places.T, other.places.T, strict=True)]
    return {
        **{number: tost(getattr(ours, number), getattr(other, number)) for number in NUMBERS},
        "cells": {
            "draws": int(counts.sum(axis=1).min()),
            "cells": len(keys),
            "chi_square": float(chi_square.statistic),
            "degrees_of_freedom": int(chi_square.dof),
            "p": float(chi_square.pvalue),
        },
        "axes": {"p": [float(p) for p in axes]},
    }


def tost(ours: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Two one-sided Welch tests against means `MARGIN` standard deviations of `ours` apart.

    Returns:
        means, the difference (other - ours) with its 90 % interval, in standard deviations of `ours`,
        and p, the greater of the two: below `LEVEL` means that the samples are equivalent.
    """
    spread = float(ours.std(ddof=1))
    margin = MARGIN * spread
    above = stats.ttest_ind(other + margin, ours, equal_var=False, alternative="greater")
    below = stats.ttest_ind(other - margin, ours, equal_var=False, alternative="less")
    interval = stats.ttest_ind(other, ours, equal_var=False).confidence_interval(1 - 2 * LEVEL)
    return {
        "ours": float(ours.mean()),
        "other": float(other.mean()),
        "standard_deviation": spread,
        "difference": float((other.mean() - ours.mean()) / spread),
        "low": float(interval.low / spread),
        "high": float(interval.high / spread),
        "p": float(max(above.pvalue, below.pvalue)),
    }


def power(repetitions: int) -> float:
    """Probability that two samples of the same distribution pass one equivalence test."""
    reach = MARGIN / math.sqrt(2 / repetitions) - stats.norm.isf(LEVEL)
    return max(0.0, float(2 * stats.norm.cdf(reach) - 1))


def same(row: Mapping[str, Any], doubt: float) -> bool:
    """Return whether a pair of samples passes: errors equivalent, configurations not different."""
    errors = all(row[number]["p"] < LEVEL for number in NUMBERS)
    return errors and row["cells"]["p"] >= doubt and min(row["axes"]["p"]) >= doubt


def table(report: Mapping[str, Any]) -> list[str]:
    """Format the tests in a few columns."""
    head = ("against random search", "final, sd", "p", "area, sd", "p", "cells p", "axes p", "the same")
    rows = []
    for other, objectives in report["tests"].items():
        for objective, row in objectives.items():
            errors = [
                text for number in NUMBERS for text in (f"{row[number]['difference']:+.2f}", _p(row[number]["p"]))
            ]
            verdict = "yes" if same(row, report["doubt_of_one_test"]) else "no"
            rows.append((f"{other}, {objective}", *errors, _p(row["cells"]["p"]), _p(min(row["axes"]["p"])), verdict))
    return measured.markdown(head, rows)


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 1e-3 else "< 0.001"


if __name__ == "__main__":
    sys.exit(main())

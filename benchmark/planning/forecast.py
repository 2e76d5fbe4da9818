"""Forecasts a suite before it runs: its runs, their shards, and the seconds that they will be charged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from benchmark.errors import BadInput, one_line
from benchmark.planning.shard import count_cut_groups, split_runs
from benchmark.reproducibility.seeding import seed_sequence
from benchmark.suite.model import Budget, Run, Suite
from benchmark.tuning.clock import build_clock
from objectives.objective import Objective

SAMPLE = 64
"""Configurations drawn from a space to price a trial of it by their mean."""


def describe_forecast(suite: Suite, objectives: Mapping[str, Objective], shards: int) -> Iterator[str]:
    """Describe the forecast, a line for every run, then the sums.

    Args:
        suite: the comparison.
        objectives: built, by label.
        shards: into how many its runs are split; 1 leaves them together.
    """
    costs = {_cell(run): expected_charge(run, objectives[run.objective.label]) for run in _examples(suite)}
    shares = split_runs(suite, shards)
    yield f"{'shard':>7}  {'seconds':>10}  run"
    for number, share in enumerate(shares, start=1):
        for run in share:
            yield f"{f'{number}/{shards}':>7}  {_seconds(costs[_cell(run)])}  {run.path}"
    sums = [_sum(costs[_cell(run)] for run in share) for share in shares]
    total, runs = _sum(sums), sum(map(len, shares))
    yield f"suite {suite.name}: {runs} runs{_describe_total(total, suite)}"
    if shards > 1:
        few, many = min(map(len, shares)), max(map(len, shares))
        sizes = f"{few} runs" if few == many else f"{few} to {many} runs"
        seconds = "" if total is None else f", {_range(sums)} s each"
        yield f"{shards} shards of {sizes}{seconds}; {_describe_cuts(count_cut_groups(suite, shards))}"


def expected_charge(run: Run, objective: Objective) -> float | None:
    """Estimate the seconds that a run is charged if every trial trains to the end; None where nothing prices it.

    A trial is priced by the mean of configurations drawn from the space. An algorithm that stops trials early
    is charged less under a budget of trials or evaluations; simulated workers share the seconds out.

    Raises:
        BadInput: an objective that cannot be priced.
    """
    clock = build_clock(run, objective)
    rng = np.random.default_rng(seed_sequence(run.suite_seed, "forecast", run.objective.label))
    try:
        configs = [objective.space.check(objective.space.sample(rng)) for _ in range(SAMPLE)]
        prices = [clock.price_of(config, 0, objective.max_epochs) for config in configs]
    except Exception as error:  # A third-party objective may raise anything.
        raise BadInput(f"objectives.{run.objective.label}: cannot be priced ({one_line(error)})") from error
    known_prices = [price for price in prices if price is not None]
    trial = math.fsum(known_prices) / len(known_prices) if known_prices else None
    trial = objective.typical_seconds if trial is None and objective.tabulated else trial
    seconds = run.budget.seconds(objective.typical_seconds)
    return _first_limit(replace(run.budget, runtime=seconds), trial, objective.max_epochs, run.n_workers)


def _first_limit(budget: Budget, trial: float | None, max_epochs: int, workers: int) -> float | None:
    """Return the limit that is reached first, in seconds of training."""
    limits = [] if budget.runtime is None else [budget.runtime * workers]
    if trial is not None:
        trials = (budget.trials, budget.evaluations, None if budget.epochs is None else budget.epochs / max_epochs)
        limits += [count * trial for count in trials if count is not None]
    return min(limits, default=None)


def _examples(suite: Suite) -> Iterator[Run]:
    """Yield a run of every cell: the charge does not depend on the repetition."""
    return (run for run in suite.runs() if run.repetition == 0)


def _cell(run: Run) -> tuple[str, str]:
    return run.objective.label, run.algorithm.label


def _sum(costs: Iterator[float | None] | list[float | None]) -> float | None:
    known_costs = list(costs)
    return None if None in known_costs else math.fsum(cost for cost in known_costs if cost is not None)


def _seconds(cost: float | None) -> str:
    return f"{'?' if cost is None else f'{cost:.4g}':>10}"


def _range(sums: list[float | None]) -> str:
    known_sums = [cost for cost in sums if cost is not None]
    return f"{min(known_sums):.4g} to {max(known_sums):.4g}"


def _describe_cuts(count: int) -> str:
    """Describe what the split costs: trials that algorithms have in common are trained in both halves."""
    return f"{count} repetitions of an objective are cut in two or more" if count else "no trial is trained twice"


def _describe_total(total: float | None, suite: Suite) -> str:
    if total is None:
        return "; name a calibration to see what they will be charged"
    whose = "by the objectives' own prices" if suite.calibration is None else f"priced by {suite.calibration.name}"
    return f", about {total:.4g} s of training, {whose}, if every trial trains to the end"

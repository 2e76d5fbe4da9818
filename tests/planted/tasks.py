"""Planted fields: do intervals over tasks cover the truth, and how often is a difference claimed that is not there?

`python -m tests.planted.tasks [--simulations 1000] [--out FILE.json]` simulates suites of many tasks. The final error
of a method is its level + what the task makes of it + noise of the repetition. Tasks are drawn anew each time,
and the truth is the mean rank, or win rate, over all tasks that there could be. It prints how often the 95 % intervals
contain it (in percent, the mean over methods or pairs, and the least of any), and, for fields of equal methods, how
often one is called better or worse: by Nemenyi's test, by the interval of a win rate, and on a task by Holm's
procedure.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.many_tasks.friedman import critical_difference
from analysis.many_tasks.mean_ranks import mean_ranks
from analysis.many_tasks.task_map import task_map
from analysis.many_tasks.tasks import Task, read_tasks
from analysis.many_tasks.win_rates import win_rates
from analysis.statistics.anytime import Array
from analysis.statistics.ranks import ranks

LEVELS = (0.0, 0.3, 0.6, 1.0, 1.5, 3.0)
"""What the methods' errors are on average; the noise of a repetition has the standard deviation 1."""
TRUTH = 200_000
"""Tasks that the true values are computed from."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fields.

    Attributes:
        tasks, repetitions: how many.
        spread: standard deviation of what a task adds to a method's level.
        unit: errors are multiples of it, so that there are ties; 0: they are not.
    """

    tasks: int
    repetitions: int
    spread: float
    unit: float = 0.0


KINDS: Mapping[str, Kind] = {
    "22 tasks": Kind(tasks=22, repetitions=30, spread=1.0),
    "8 tasks": Kind(tasks=8, repetitions=30, spread=1.0),
    "alike": Kind(tasks=22, repetitions=5, spread=0.0),
    "ties": Kind(tasks=12, repetitions=10, spread=0.5, unit=1.0),
}


def errors(kind: Kind, rng: np.random.Generator, tasks: int, repetitions: int, levels: tuple[float, ...]) -> Array:
    """(tasks, methods, repetitions) final errors."""
    of_task = kind.spread * rng.normal(size=(tasks, len(levels), 1))
    drawn = np.array(levels)[:, np.newaxis] + of_task + rng.normal(size=(tasks, len(levels), repetitions))
    return np.asarray(np.round(drawn / kind.unit) * kind.unit if kind.unit else drawn)


def field(drawn: Array) -> list[Task]:
    """The tasks with these final errors."""
    tasks, methods, _ = drawn.shape
    places = np.indices(drawn.shape).reshape(3, -1)
    frame = pd.DataFrame(
        {
            "objective": np.char.add("task", np.char.zfill(np.arange(tasks).astype(str), 3)).astype(object)[places[0]],
            "algorithm": np.char.add("m", np.arange(methods).astype(str)).astype(object)[places[1]],
            "repetition": places[2],
            "runtime": 1.0,
            "valid_error": drawn.ravel(),
            "test_error": np.nan,
        }
    )
    ends = pd.DataFrame({"objective": frame["objective"].unique(), "best": 0.0, "typical": 1.0, "horizon": 1.0})
    return read_tasks(frame, ends)


def truths(kind: Kind) -> tuple[Array, Array]:
    """(k,) mean ranks and (k, k) win rates over all tasks that there could be."""
    drawn = errors(kind, np.random.default_rng(1), TRUTH, 1, LEVELS)[:, :, 0]
    columns = drawn.T
    wins = [[np.mean(a < b) + np.mean(a == b) / 2 for b in columns] for a in columns]
    return ranks(drawn).mean(axis=0), np.array(wins)


def coverage(kind: Kind, simulations: int, seed: int = 2) -> dict[str, dict[str, float]]:
    """Percent of simulations in which the intervals contain the truth: the mean over them, and the least of any."""
    rng, (rank, rate) = np.random.default_rng(seed), truths(kind)
    first, second = np.nonzero(~np.eye(len(LEVELS), dtype=bool))
    held: dict[str, list[Array]] = {"mean rank": [], "win rate": []}
    for _ in range(simulations):
        tasks = field(errors(kind, rng, kind.tasks, kind.repetitions, LEVELS))
        for name, table, truth in (
            ("mean rank", mean_ranks(tasks), rank),
            ("win rate", win_rates(tasks), rate[first, second]),
        ):
            held[name].append(((table["low"] <= truth) & (truth <= table["high"])).to_numpy())
    shares = {name: 100 * np.mean(inside, axis=0) for name, inside in held.items()}
    return {name: {"mean": round(share.mean(), 2), "least": round(share.min(), 2)} for name, share in shares.items()}


def false_claims(kind: Kind, simulations: int, seed: int = 3) -> dict[str, float]:
    """Percent of claims that are false, in fields of equal methods.

    Of fields in which Nemenyi's test, and of pairs for which the interval of the win rate, shows a difference that is
    none over all tasks; and of tasks on which Holm's procedure shows one where the task makes none either.
    """
    rng, levels = np.random.default_rng(seed), (0.0,) * len(LEVELS)
    same = Kind(tasks=kind.tasks, repetitions=kind.repetitions, spread=0.0, unit=kind.unit)
    found: dict[str, list[float]] = {"Nemenyi, any of a field": [], "win rate, a pair": [], "Holm, any of a task": []}
    for _ in range(simulations):
        tasks = field(errors(kind, rng, kind.tasks, kind.repetitions, levels))
        diagram, rates = critical_difference(tasks), win_rates(tasks)
        found["Nemenyi, any of a field"].append(np.ptp(diagram["mean_rank"]) > diagram["critical_difference"][0])
        found["win rate, a pair"].append(np.mean((rates["low"] > 0.5) | (rates["high"] < 0.5)))
        table = task_map(field(errors(same, rng, kind.tasks, kind.repetitions, levels)), "m0")
        found["Holm, any of a task"].append((table.groupby("objective")["p_holm"].min() <= ALPHA).mean())
    return {name: round(100 * float(np.mean(shares)), 2) for name, shares in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="suites simulated for each kind of fields")
    parser.add_argument("--out", type=Path, help="also write everything as JSON")
    options = parser.parse_args()
    report = {}
    for name, kind in KINDS.items():
        held, claims = coverage(kind, options.simulations), false_claims(kind, options.simulations)
        report[name] = {"coverage": held, "false claims": claims}
        print(f"{name}: {options.simulations} simulations, {kind.tasks} tasks, {kind.repetitions} repetitions; percent")
        for label, shares in held.items():
            print(f"  {label:24} contains {shares['mean']:6.2f}   least {shares['least']:6.2f}")
        for label, share in claims.items():
            print(f"  {label:24} {share:6.2f}")
    if options.out is not None:
        options.out.write_text(json.dumps({"simulations": options.simulations, **report}, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""Checks a field: some of its runs are executed again from suite and tables, and must equal the file to the byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from benchmark.arena.field.field_file import MEASURED, OF_IMPROVEMENTS, OF_RUNS, Field
from benchmark.arena.field.packing import pack_field
from benchmark.reproducibility.seeding import seed_sequence
from benchmark.suite.model import Run, Suite

COMPARED = tuple(name for name in (*OF_IMPROVEMENTS, *OF_RUNS) if name not in MEASURED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """An array of a run that does not come out as the file has it."""

    run: Run
    name: str
    recorded: np.ndarray
    now: np.ndarray


def draw_runs(suite: Suite, field: Field, count: int, seed: int) -> list[Run]:
    """Draw finished runs of a field, the same for the same seed, as many as possible each of another algorithm.

    Args:
        suite: with the field's algorithms, and those of its objectives that are there.
        field: published runs.
        count: how many; fewer where there are not so many.
        seed: of the draw.
    """
    runs = [run for run in suite.runs() if field.state[number_of(field, run)] == 0]
    order = np.random.default_rng(seed_sequence(seed, "field check")).permutation(len(runs))
    by_algorithm: dict[str, list[Run]] = {}
    for place in order:
        by_algorithm.setdefault(runs[place].algorithm.label, []).append(runs[place])
    return list(chain.from_iterable(_rounds(list(by_algorithm.values()))))[:count]


def _rounds(queues: Sequence[list[Run]]) -> Iterator[list[Run]]:
    """The first of each list, then the second of each, and so on."""
    for place in range(max(map(len, queues), default=0)):
        yield [queue[place] for queue in queues if place < len(queue)]


def number_of(field: Field, run: Run) -> int:
    """The number of a suite's run in a field."""
    return field.number(run.objective.label, run.algorithm.label, run.repetition)


def find_differences(field: Field, suite: Suite, folder: Path, runs: Sequence[Run]) -> list[FieldDifference]:
    """Compare runs that were executed again with a field, bit by bit but for measured seconds.

    Args:
        field: published runs.
        suite: whose runs were executed.
        folder: where they were recorded.
        runs: which ones.
    """
    again = pack_field(suite, folder)
    differences = []
    for run in runs:
        recorded, now = field.run(number_of(field, run)), again.run(number_of(again, run))
        differences += [
            FieldDifference(run=run, name=name, recorded=recorded[name], now=now[name])
            for name in COMPARED
            if recorded[name].tobytes() != now[name].tobytes()
        ]
    return differences

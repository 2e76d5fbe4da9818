"""Splits a suite's runs into shards, one for each job; jobs need not communicate.

Algorithms share trials on one objective in one repetition (`benchmark/tuning/trial_cache.py`): these runs are a group,
and a group that stays whole trains nothing twice and reads no ledger that another shard writes. So groups
are dealt whole where that keeps the shards even, within an eighth: always with as many shards as
repetitions, or a divisor of that. Otherwise the borders fall between runs, N - 1 groups are cut at most, and
what the halves of one have in common is trained in both, to the same bits. The runs keep the suite's order,
repetition by repetition, and each shard gets neighbours: whole repetitions hold every objective, cheap and
dear alike, and several of them fill one stack.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from benchmark.errors import BadInput, short_repr
from benchmark.suite.model import Run, Suite

SHARD_PATTERN = re.compile(r"([0-9]{1,7})/([0-9]{1,7})", re.ASCII)

UNEVEN = Fraction(1, 8)
"""By how much the longest of whole-group shards may exceed the mean before groups are cut: a shard's length
is everyone's time, a cut costs the few trials that a group has in common."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The share `number`, counted from 1, of `of` equal shares of a suite's runs."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """Return the shard as part of a file's name."""
        return f"{self.number}-of-{self.of}"

    def runs(self, suite: Suite) -> list[Run]:
        """List this share of the suite's runs; a function of the suite alone."""
        return split_runs(suite, self.of)[self.number - 1]


def parse_shard(text: str, suite: Suite) -> Shard:
    """Parse `I/N`, the I-th shard of N.

    Raises:
        BadInput: no such text, I not in 1..N, or more shards than the suite has runs.
    """
    match = SHARD_PATTERN.fullmatch(text)
    if match is None:
        raise BadInput(f"--shard {short_repr(text)}: need I/N, the I-th share of N, as 1/4")
    number, of = int(match[1]), int(match[2])
    require_shard_count(f"--shard {short_repr(text)}", of, suite)
    if not 1 <= number <= of:
        raise BadInput(f"--shard {short_repr(text)}: the first of {of} shards is 1/{of}, the last is {of}/{of}")
    return Shard(number=number, of=of)


def require_shard_count(field: str, of: int, suite: Suite) -> None:
    """Refuse a number of shards that would leave some without a run."""
    most = sum(1 for _ in suite.runs())
    if not 1 <= of <= most:
        raise BadInput(f"{field}: the suite {suite.name} has {most} runs, need 1..{most} shards")


def split_runs(suite: Suite, of: int) -> list[list[Run]]:
    """Split the runs into `of` shares, in the suite's order: in whole groups if even, else even to one run."""
    groups = runs_sharing_trials(suite)
    largest = -(-len(groups) // of)
    if of <= len(groups) and largest * of <= (1 + UNEVEN) * len(groups):
        return [[run for group in share for run in group] for share in _cut(groups, of)]
    return _cut([run for group in groups for run in group], of)


def count_cut_groups(suite: Suite, of: int) -> int:
    """Count the groups that have runs in several shares."""
    shares = Counter(cell for share in split_runs(suite, of) for cell in {_cell(run) for run in share})
    return sum(count > 1 for count in shares.values())


def runs_sharing_trials(suite: Suite) -> list[list[Run]]:
    """Group the runs that share trials: all algorithms on one objective in one repetition."""
    groups: dict[tuple[int, str], list[Run]] = {}
    for run in suite.runs():
        groups.setdefault(_cell(run), []).append(run)
    return list(groups.values())


def _cell(run: Run) -> tuple[int, str]:
    return run.repetition, run.objective.label


def _cut(items: Sequence[T], of: int) -> list[list[T]]:
    """Cut into shares of neighbours; in exact integers, since a rounded border could lose or repeat an item."""
    return [list(items[len(items) * share // of : len(items) * (share + 1) // of]) for share in range(of)]

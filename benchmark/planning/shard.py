"""A share of a suite's runs for one job of many, which know of each other by nothing but the plan.

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

FORM = re.compile(r"([0-9]{1,7})/([0-9]{1,7})", re.ASCII)

UNEVEN = Fraction(1, 8)
"""By how much the longest of whole-group shards may exceed the mean before groups are cut: a shard's length
is everyone's time, a cut costs the few trials that a group has in common."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The share `number`, counted from 1, of `of` equal ones."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def name(self) -> str:
        """The shard as part of a file's name."""
        return f"{self.number}-of-{self.of}"

    def runs(self, suite: Suite) -> list[Run]:
        """This share of the suite's runs; a function of the plan alone."""
        return split_runs(suite, self.of)[self.number - 1]


def parse_shard(text: str, suite: Suite) -> Shard:
    """The shard that `I/N` names.

    Raises:
        BadInput: no such text, I not in 1..N, or more shards than the suite has runs.
    """
    found = FORM.fullmatch(text)
    if found is None:
        raise BadInput(f"--shard {short_repr(text)}: need I/N, the I-th share of N, as 1/4")
    number, of = int(found[1]), int(found[2])
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
    """The suite's runs in `of` shares, in the suite's order: in whole groups if even, else even to one run."""
    together = runs_sharing_trials(suite)
    most = -(-len(together) // of)
    if of <= len(together) and most * of <= (1 + UNEVEN) * len(together):
        return [[run for group in share for run in group] for share in _cut(together, of)]
    return _cut([run for group in together for run in group], of)


def count_cut_groups(suite: Suite, of: int) -> int:
    """How many groups have runs in several shares."""
    places = Counter((run.repetition, run.objective.label) for share in split_runs(suite, of) for run in _firsts(share))
    return sum(count > 1 for count in places.values())


def runs_sharing_trials(suite: Suite) -> list[list[Run]]:
    """The runs that share trials: all algorithms on one objective in one repetition."""
    found: dict[tuple[int, str], list[Run]] = {}
    for run in suite.runs():
        found.setdefault((run.repetition, run.objective.label), []).append(run)
    return list(found.values())


def _firsts(share: list[Run]) -> list[Run]:
    """A run of every group in a share."""
    return list({(run.repetition, run.objective.label): run for run in share}.values())


def _cut(things: Sequence[T], of: int) -> list[list[T]]:
    """Neighbours together; exact integers, since a rounded border could fall twice on one thing or on none."""
    return [list(things[len(things) * place // of : len(things) * (place + 1) // of]) for place in range(of)]

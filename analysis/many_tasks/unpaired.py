"""Ranks and win rates of methods whose repetitions are no pairs: every run is a draw of its own.

The rank to expect of a method on a task is that of one run when one run of every method is drawn, each by itself:
1 and, for every other method, the probability that its run is better, ties counted half. Intervals are by a
two-level bootstrap as for pairs (`analysis.many_tasks.resampling`), in which the repetitions of every method of a drawn
task are drawn by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.many_tasks.tasks import Task, taking_part
from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import LEAST, RESAMPLES, SEED


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The finished runs of every method on every task on which all methods have any that take part.

    Attributes:
        algorithms: k labels.
        by_task: for each task k samples of errors; less is better, +inf without a result.
        n_defined: (k,) integers, how many of the runs have a result.
    """

    algorithms: tuple[str, ...]
    by_task: Mapping[str, Sequence[Array]]
    n_defined: Array

    @property
    def sizes(self) -> tuple[int, ...]:
        """The smallest number of runs of any method on each task."""
        return tuple(min(map(len, samples)) for samples in self.by_task.values())

    @property
    def runs(self) -> Array:
        """(k,) integers, the runs of each method."""
        return np.asarray(np.sum([[len(sample) for sample in samples] for samples in self.by_task.values()], axis=0))

    def resampled(self) -> Array:
        """(1 + resamples, k) mean ranks, every task having the same weight: of the sample, and of each resample."""
        count = len(self.by_task)
        tasks = np.random.default_rng([SEED, count]).multinomial(
            count, np.full(count, 1 / count), RESAMPLES if count >= LEAST else 0
        )
        drawn = np.vstack([np.ones(count, dtype=np.int64), tasks])
        ranked = [
            times[:, np.newaxis] * resampled_ranks(samples, times, place)
            for place, (samples, times) in enumerate(zip(self.by_task.values(), drawn.T, strict=True))
        ]
        return np.asarray(np.sum(ranked, axis=0) / count)


def independent_samples(tasks: Sequence[Task], fraction: float = 1.0) -> Samples:
    """The samples of a field at a share of the budget; a method without a finished run takes no part."""
    there = taking_part(tasks)
    by_task = {
        task.label: [errors[~np.isnan(errors)] for errors in task.errors_after(fraction)[there]] for task in tasks
    }
    complete = {label: samples for label, samples in by_task.items() if all(map(len, samples))}
    defined = [[np.isfinite(sample).sum() for sample in samples] for samples in complete.values()]
    return Samples(
        algorithms=tuple(np.array(tasks[0].algorithms, dtype=object)[there]) if tasks else (),
        by_task=complete,
        n_defined=np.sum(defined, axis=0) if defined else np.zeros(int(there.sum()), dtype=np.int64),
    )


def resampled_ranks(samples: Sequence[Array], times: Array, task: int) -> Array:
    """The expected ranks of k methods on a task, in every resample.

    Args:
        samples: of each method n errors.
        times: (r,) how often each resample has drawn the task; so many times n runs of a method are drawn in it. The
            first one is the sample itself.
        task: its place, by which draws differ.

    Returns:
        (r, k); 0.5, of no meaning, where the task is not drawn.
    """
    _, place = np.unique(np.concatenate(samples), return_inverse=True)
    shares, begin = [], 0
    mass = np.zeros((int(place.max()) + 1, len(times)))
    for method, sample in enumerate(samples):
        n = len(sample)
        counts = np.random.default_rng([SEED, task, method]).multinomial(times * n, np.full(n, 1 / n))
        counts[0] = 1
        share = counts / np.maximum(times * n, 1)[:, np.newaxis]
        own = place[begin : begin + n]
        for value, of_run in zip(own.tolist(), share.T, strict=True):
            mass[value] += of_run
        shares.append((own, share))
        begin += n
    # The share of all methods' runs that are better, ties counted half; a method's own share of it is one half.
    better = np.cumsum(mass, axis=0) - mass / 2
    return np.stack([0.5 + np.einsum("rn,nr->r", share, better[own]) for own, share in shares], axis=1)


def win_share(ours: Array, theirs: Array) -> tuple[float, float]:
    """The probability that a run of one method is better than one of another, ties counted half, and its variance.

    The variance is that of both samples' placements (DeLong, DeLong and Clarke-Pearson 1988), each with its number of
    runs as divisor, as in a bootstrap that draws either sample by itself.
    """
    better = (ours[:, np.newaxis] < theirs) + (ours[:, np.newaxis] == theirs) / 2
    variance = better.mean(axis=1).var() / len(ours) + better.mean(axis=0).var() / len(theirs)
    return float(better.mean()), float(variance)

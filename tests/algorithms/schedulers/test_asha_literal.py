"""ASHA beside plain re-implementations of the paper's words."""

import math

import numpy as np
import pytest

from algorithms.schedulers.asha import ASHA
from tests.algorithms.scripted import Listed, started, tell


class Literal:
    """Algorithm 2 as it stands, slow: rungs as lists in the order of arrival, sorted at every call.

    What the paper leaves open is ours: the best first, ties to the earlier, crashed ones never.
    """

    def __init__(self, r, big_r, eta, s):
        self.r, self.eta, self.s = r, eta, s
        self.top = 0
        while r * eta ** (s + self.top + 1) <= big_r:
            self.top += 1
        self.rungs = [[] for _ in range(self.top + 1)]
        self.promoted = [set() for _ in range(self.top + 1)]
        self.drawn = 0

    def get_job(self):
        for k in range(self.top - 1, -1, -1):
            candidates = sorted(self.rungs[k], key=lambda entry: entry[1])[: len(self.rungs[k]) // self.eta]
            promotable = [theta for theta, loss in candidates if theta not in self.promoted[k] and not math.isinf(loss)]
            if promotable:
                self.promoted[k].add(promotable[0])
                return promotable[0], k + 1
        self.drawn += 1
        return self.drawn - 1, 0

    def completed(self, theta, k, loss):
        self.rungs[k].append((theta, loss))


class LiteralStopping(Literal):
    """The stopping variant in plain words: sort all that reached the rung, look for the newcomer."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.going_on = []

    def get_job(self):
        if self.going_on:
            return self.going_on.pop(0)
        self.drawn += 1
        return self.drawn - 1, 0

    def completed(self, theta, k, loss):
        super().completed(theta, k, loss)
        best = sorted(self.rungs[k], key=lambda entry: entry[1])[: max(1, len(self.rungs[k]) // self.eta)]
        if k < self.top and (theta, loss) in best and not math.isinf(loss):
            self.going_on.append((theta, k + 1))


def scenario(seed):
    """Options, and a stream of errors: many ties, some crashes."""
    rng = np.random.default_rng(seed)
    eta = int(rng.integers(2, 5))
    r = int(rng.integers(1, 3))
    rungs = int(rng.integers(1, 5))
    s = int(rng.integers(0, rungs))
    errors = rng.choice([*np.arange(int(rng.choice([3, 1000]))) / 1000, math.inf], size=400).tolist()
    return rng, eta, r, r * eta ** (rungs - 1), s, errors


@pytest.mark.parametrize("n_workers", [1, 4, 17])
@pytest.mark.parametrize(("variant", "literal"), [("promotion", Literal), ("stopping", LiteralStopping)])
def test_jobs_are_those_of_the_papers_words(variant, literal, n_workers):
    """On random errors, with results out of order, every job is the one of the plain re-implementation."""
    for seed in range(25):
        rng, eta, r, big_r, s, errors = scenario(seed)
        ours = ASHA(Listed(range(1000)), variant=variant, eta=eta, r_min=r, max_epochs=big_r, s=s)
        plain = literal(r, big_r, eta, s)
        running = []
        for error in errors:
            while len(running) < n_workers:
                theta, k = plain.get_job()
                assert started(ours, 1) == [(theta, r * eta ** (s + k))]
                running.append((theta, k))
            theta, k = running.pop(int(rng.integers(len(running))))
            plain.completed(theta, k, error)
            tell(ours, theta, r * eta ** (s + k), error)

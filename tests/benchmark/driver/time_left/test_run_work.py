"""The work of a run: evaluations that are read together are learnt from as if they were read one by one."""

import random

import pytest

from benchmark.driver.time_left.cost_profile import CostProfile
from benchmark.driver.time_left.run_work import BINS, RunWork
from benchmark.suite.parsing import parse


def run_under(budget):
    """A run with that budget."""
    table = {"seed": 1, "repetitions": 1, "budget": budget, "algorithms": {"a": {"searcher": "random"}}}
    (run,) = parse("toy", {**table, "objectives": {"branin": {}}}).runs()
    return run


def records_of(rng, count):
    """Evaluations of trials that are promoted now and then, some of them long enough to cross a part of the budget."""
    now = 0.0
    for _ in range(count):
        end, epochs = now + rng.choice([0.1, 1.0, 9.0]), rng.randrange(1, 4)
        cost = {"decide_seconds": rng.random(), "paid_seconds": rng.random()}
        yield {"trial": rng.randrange(count), "start": now, "end": end, "start_epoch": 0, "epochs": epochs, **cost}
        now = end


@pytest.mark.parametrize("budget", [{"trials": 40}, {"evaluations": 30}, {"epochs": 77}, {"runtime": 90.0}])
def test_evaluations_read_together_are_spread_as_those_read_one_by_one(budget):
    """Over the same parts of the budget, however they are divided among looks at the ledger, and in few steps."""
    rng = random.Random(3)
    records = list(records_of(rng, 60))
    cuts = sorted(rng.sample(range(60), 5))
    profiles, works = [], []
    in_parts = [records[start:end] for start, end in zip([0, *cuts], [*cuts, 60], strict=True)]
    for looks in ([[record] for record in records], [records], in_parts):
        work, profile = RunWork(run=run_under(budget)), CostProfile()
        for look in looks:
            steps = list(work.add(look))
            assert len(steps) <= 2 * BINS + 1
            for step in steps:
                profile.add(step, 0)
        profiles.append(profile)
        works.append((work.share, work.evaluations))
    single, *others = profiles
    assert works[0] == works[1] == works[2]
    for other in others:
        for name in ("shares", "decide", "train", "evaluations"):
            assert getattr(other, name) == pytest.approx(getattr(single, name))
        assert other.charged == pytest.approx(single.charged)
        assert other.batches[0] == pytest.approx(single.batches[0])
    assert sum(single.evaluations) == pytest.approx(60)

"""The time left, of simulated suites on a clock of their own."""

import heapq
import math
import random

import pytest

from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.suite.parsing import parse

SECONDS = {"branin": 1.0, "hartmann6": 9.0}
"""Real seconds of a training; it is charged ten times as much."""


class Simulation:
    """A suite whose groups, one for every objective in two repetitions, are executed by workers of a known pace.

    Args:
        workers: how many.
        growth: real seconds that a model takes for its first proposal, and so many times more for its n-th.
        paid: the share of the trainings' seconds that is paid; the rest another run has paid.
        besides: real seconds that an evaluation takes besides.
        noise: log-normal, of every training's seconds.
    """

    def __init__(self, *, workers=1, budget=None, repetitions=8, growth=0.0, besides=0.0, noise=0.0, recorded=0):
        table = {"seed": 1, "repetitions": repetitions, "budget": budget or {"trials": 10}}
        algorithms = {"random": {"searcher": "random"}, "local": {"searcher": "local"}}
        table |= {"objectives": {name: {} for name in SECONDS}, "algorithms": algorithms}
        self.runs = list(parse("toy", table).runs())
        self.workers, self.growth, self.besides, self.recorded = workers, growth, besides, recorded
        self.rng, self.noise = random.Random(1), noise
        groups = {}
        for run in self.runs:
            groups.setdefault((run.objective.label, run.repetition // 2), []).append(run)
        self.groups = list(groups.values())
        self.left = TimeLeft()
        charges = {(run.objective.label, run.algorithm.label): 100 * SECONDS[run.objective.label] for run in self.runs}
        recorded_before = {run.path: recorded for run in self.runs[:4]} if recorded else {}
        self.left.expect(self.runs, recorded_before, charges, {})
        self.left.give_out(self.groups, workers)

    def record(self, run, index):
        """The record of an evaluation."""
        seconds = SECONDS[run.objective.label]
        train = seconds * math.exp(self.noise * self.rng.gauss(0, 1))
        decide = self.growth * index if run.algorithm.label == "local" else 0.0
        times = {"start": 10 * seconds * index, "end": 10 * seconds * (index + 1), "start_epoch": 0, "epochs": 3}
        cost = {"decide_seconds": decide, "paid_seconds": train}
        return {"kind": "evaluation", "index": index, "trial": index, "state": "ok", **times, **cost}

    def events(self):
        """What happens, in order: when, which run, and its records; nothing where it has ended."""
        free = [(0.0, worker) for worker in range(self.workers)]
        for group in self.groups:
            now, worker = heapq.heappop(free)
            yield from ((now, run, [{"kind": "header"}]) for run in group)
            for index in range(10):  # All of a group train side by side.
                records = [self.record(run, index) for run in group]
                for run, record in zip(group, records, strict=True):
                    if index >= self.recorded or run not in self.runs[:4]:
                        now += record["decide_seconds"] + record["paid_seconds"] + self.besides
                yield from ((now, run, [record]) for run, record in zip(group, records, strict=True))
            yield from ((now, run, None) for run in group)
            heapq.heappush(free, (now, worker))

    def estimates(self):
        """The share of the work done, the seconds truly left and the estimate, at every fourth event."""
        events = sorted(self.events(), key=lambda event: event[0])
        end = events[-1][0]
        for number, (now, run, records) in enumerate(events):
            if records is None:
                self.left.end(run, now)
            else:
                self.left.add(run, records, now)
            if number % 4 == 3:
                yield self.left.work().share, end - now, self.left.seconds(now)


def require_accuracy(estimates, *, after, error):
    """Every estimate after a share of the work is right but for what the trainings under way may come to.

    Args:
        estimates: of a simulation.
        after: share of the work.
        error: allowed, relative, beside 20 seconds: half of the 36 s in which the trainings of a group end together.
    """
    known = [(true, estimate) for share, true, estimate in estimates if share >= after]
    assert known
    assert all(estimate is not None for _, estimate in known)
    assert [(t, e) for t, e in known if abs(sum(e) / 2 - t) > 20 + error * t] == []


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("budget", [{"trials": 10}, {"evaluations": 10}, {"epochs": 30}])
def test_the_estimate_is_right_after_a_quarter_of_the_work(workers, budget):
    """Whatever the budget is counted in, and where the last groups do not fill all workers."""
    estimates = list(Simulation(workers=workers, budget=budget).estimates())
    assert estimates[0][2] is None
    require_accuracy(estimates, after=0.25, error=0.1)


@pytest.mark.parametrize("besides", [0.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_nine_in_ten_ranges_hold_what_comes(besides, noise):
    """Also where evaluations take time that no record tells, and trainings differ."""
    estimates = Simulation(workers=2, repetitions=20, besides=besides, noise=noise).estimates()
    known = [(true, estimate) for _, true, estimate in estimates if estimate is not None]
    assert sum(low <= true <= high for true, (low, high) in known) > 0.9 * len(known)


def test_a_model_whose_proposals_take_longer_and_longer():
    """Its cost is extrapolated along the budget, before any of its runs has ended."""
    estimates = list(Simulation(workers=2, repetitions=16, growth=1.0).estimates())
    assert any(share < 0.1 for share, _, estimate in estimates if estimate is not None)
    require_accuracy(estimates, after=0.1, error=0.2)


def test_what_was_recorded_before_is_no_pace():
    """A resumed suite reads earlier records in no time; they tell what runs cost, not how fast this call is."""
    require_accuracy(Simulation(recorded=9).estimates(), after=0.25, error=0.1)


def test_trials_that_another_run_has_paid_for_cost_nothing():
    """They are charged in full, and take no time."""
    simulation = Simulation(workers=1)
    record = simulation.record
    simulation.record = lambda run, index: {
        **record(run, index),
        **({"paid_seconds": 0.0} if run.algorithm.label == "local" else {}),
    }
    require_accuracy(simulation.estimates(), after=0.25, error=0.1)


def test_there_is_no_estimate_before_every_kind_of_work_is_known():
    """Of an objective that nobody has begun nothing is said, though the other one is half done."""
    simulation = Simulation()
    branin = [run for run in simulation.runs if run.objective.label == "branin"]
    for number, run in enumerate(branin[:8]):
        simulation.left.add(run, [simulation.record(run, index) for index in range(10)], 10.0 * number)
        simulation.left.end(run, 10.0 * number)
        assert simulation.left.seconds(10.0 * number) is None
    assert simulation.left.work().done == 8 * 100


def test_the_work_is_what_runs_are_charged():
    """The forecast before anything is recorded, what was charged in the end, and it never runs backwards here."""
    simulation = Simulation()
    total = simulation.left.work().total
    shares = [share for share, _, _ in simulation.estimates()]
    assert total == 16 * (100 + 900) == simulation.left.work().total
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_without_prices_the_work_is_counted_in_evaluations():
    """Where nothing says what a run will be charged."""
    simulation = Simulation()
    cells = {(run.objective.label, run.algorithm.label): None for run in simulation.runs}
    simulation.left = TimeLeft()
    simulation.left.expect(simulation.runs, {}, cells, {})
    simulation.left.give_out(simulation.groups, 1)
    list(simulation.estimates())
    work = simulation.left.work()
    assert (work.done, work.unit) == (320, "evaluations")
    assert work.share == pytest.approx(1.0)


def test_runs_that_end_early_shorten_the_work():
    """A grid without configurations left ends before its budget; those to come are expected to do the same."""
    simulation = Simulation(budget={"trials": 20})
    for now, run, records in simulation.events():
        if records is None:
            simulation.left.add(run, [{"kind": "end", "reason": "exhausted"}], now)
            simulation.left.end(run, now)
        else:
            simulation.left.add(run, records, now)
        if now > 800:  # Of 1600 seconds.
            break
    low, high = simulation.left.seconds(now)
    assert low < 1600 - now < high < 1.5 * (1600 - now)

"""The model of a cluster: cases whose outcome follows by arithmetic, bounds, and the groups of the real code."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.planning.shard import split_runs
from benchmark.suite import parsing as suites
from tests.perf.scale.model import GROUPS_A_WORKER, Services, grouped, shared, simulate
from tests.perf.scale.service import Watching

lengths = st.lists(st.lists(st.floats(0, 10), min_size=1, max_size=4), min_size=1, max_size=3)
plans = st.lists(lengths, min_size=1, max_size=12)
seconds = st.floats(0, 0.5)
services = st.builds(
    lambda spare, **rest: Services(sync=rest["disk"] + spare, **rest),
    spare=seconds,
    driver=seconds,
    latency=seconds,
    group=seconds,
    trial=seconds,
    disk=seconds,
    beat=st.floats(0, 0.01),
)


def equal(groups, runs=1, trials=1, length=1.0):
    """So many groups of the same trials."""
    return [[[length] * trials for _ in range(runs)] for _ in range(groups)]


def test_without_services_workers_only_wait_for_the_last_group():
    """Ten groups of a second on four workers take three seconds."""
    outcome = simulate([equal(10)], Services(), workers=4)
    assert outcome.wall == 3
    assert outcome.efficiency == pytest.approx(10 / 12)
    assert outcome.ends == (3, 3, 2, 2)


def test_a_driver_serves_one_group_after_the_other():
    """With naught to train, the driver alone decides, however many workers there are."""
    outcome = simulate([equal(100, length=0.0)], Services(driver=0.25), workers=16)
    assert outcome.wall == 25
    assert outcome.driver == 1


def test_a_disk_serves_one_record_after_the_other():
    """Each run makes four things durable besides its trials, all of them in one line."""
    outcome = simulate([equal(12, runs=2, trials=3, length=0.0)], Services(sync=0.5, disk=0.5), workers=6)
    assert outcome.syncs == 12 * 2 * (3 + 4)
    assert outcome.wall == outcome.syncs * 0.5
    assert outcome.disk == 1


def test_a_slow_disk_that_takes_many_at_once_delays_only_the_one_who_waits():
    """Latency without occupation is paid by each worker beside the others."""
    outcome = simulate([equal(8)], Services(sync=0.25), workers=8)
    assert outcome.wall == 1 + 5 * 0.25
    assert outcome.disk == 0


def test_workers_share_the_cores_that_there_are():
    """Eight workers with a second of work each need four seconds on two cores, one on cores of their own."""
    plan = [equal(8, length=0.0)]
    assert simulate(plan, Services(group=1.0), workers=8, cores=2).wall == 4
    assert simulate(plan, Services(group=1.0), workers=8).wall == 1


def test_workers_that_live_cost_the_driver_time():
    """A driver that hears half its time from workers serves groups at half its speed."""
    outcome = simulate([equal(40, length=0.0)], Services(driver=0.5, beat=0.05), workers=10)
    assert outcome.wall == pytest.approx(40)
    assert outcome.driver == pytest.approx(1)


def test_a_worker_that_is_late_takes_less_of_a_common_list():
    """The list is common: two workers, one of them two seconds late, do six seconds in four."""
    assert simulate([equal(6)], Services(), workers=2, ready=[0.0, 2.0]).wall == 4


def test_a_share_is_done_by_its_own_worker():
    """A shard that has more takes longer, and nobody helps."""
    assert simulate([equal(5), equal(1)], Services()).ends == (5, 1)


@settings(max_examples=25)
@given(plan=plans, given_services=services, workers=st.integers(1, 9))
def test_no_outcome_beats_the_bounds_of_scheduling(plan, given_services, workers):
    """No schedule is shorter than the mean load, than the longest group, or than what driver and disk need."""
    outcome = simulate([plan], given_services, workers=workers)
    trained = math.fsum(math.fsum(run) for group in plan for run in group)
    bounds = (
        trained / workers,
        outcome.longest,
        len(plan) * given_services.driver,
        outcome.syncs * given_services.disk,
    )
    assert outcome.wall >= max(bounds) * (1 - 1e-9)
    assert outcome.trained == pytest.approx(trained)
    assert 0 <= outcome.efficiency <= 1 + 1e-9
    assert max(outcome.driver, outcome.disk) <= 1 + 1e-9


@settings(max_examples=25)
@given(plan=plans, workers=st.integers(1, 9))
def test_without_services_a_common_list_keeps_grahams_bound(plan, workers):
    """Nobody is idle while groups wait: at most the mean load and the longest group."""
    outcome = simulate([plan], Services(), workers=workers)
    trained = math.fsum(math.fsum(run) for group in plan for run in group)
    assert outcome.wall <= trained / workers + outcome.longest + 1e-6


@settings(max_examples=15)
@given(plan=plans, given_services=services, workers=st.integers(1, 9))
def test_the_same_lengths_give_the_same_outcome(plan, given_services, workers):
    """Nothing is drawn."""
    assert simulate([plan], given_services, workers=workers) == simulate([plan], given_services, workers=workers)


@pytest.mark.parametrize("of", [1, 2, 3, 5, 7, 12, 16, 30, 60, 64])
def test_shares_are_those_of_the_real_split(of):
    """Each run is in the share that `benchmark.planning.shard` gives it."""
    suite = suites.load("digits", ["repetitions=12"])
    labels = [[(o.label, a.label) for a in suite.algorithms] for o in suite.objectives]
    names = {}
    cells = [[[] for _ in algorithms] for algorithms in labels]
    for objective, algorithms in enumerate(labels):
        for algorithm, (one, two) in enumerate(algorithms):
            for repetition in range(12):
                names[len(names)] = one, two, repetition
                cells[objective][algorithm].append([len(names) - 1])
    found = [[names[run[0]] for group in share for run in group] for share in shared(cells, of)]
    real = [[(r.objective.label, r.algorithm.label, r.repetition) for r in share] for share in split_runs(suite, of)]
    assert found == real


@pytest.mark.parametrize("jobs", [1, 2, 3, 16, 64])
def test_groups_are_those_of_the_real_runner(jobs, tmp_path):
    """Each run is in the group that `benchmark.driver.runner` dispatches it in, and the groups are in its order."""
    from benchmark.driver.runner import GROUPS_A_WORKER as REAL
    from benchmark.driver.runner import Runner
    from benchmark.tuning.factory import check_suite
    from objectives.objective import Machine

    suite = suites.load("digits", ["repetitions=9"])
    runner = Runner(suite, tmp_path, jobs=jobs, machine=Machine(), listener=Watching())
    runner.objectives = check_suite(suite)
    real = [[run.path for run in group] for group in runner._group_runs(list(suite.runs()))]
    runs = list(suite.runs())
    places = {run.path: number for number, run in enumerate(runs)}
    cells = [
        [
            [[places[r.path]] for r in runs if (r.objective.label, r.algorithm.label) == (o.label, a.label)]
            for a in suite.algorithms
        ]
        for o in suite.objectives
    ]
    found = [sorted(run[0] for run in group) for group in grouped(cells, jobs)]
    assert found == [sorted(places[path] for path in group) for group in real]
    assert REAL == GROUPS_A_WORKER

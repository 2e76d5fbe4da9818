"""ASHA: both variants by hand, and below the tuning loop."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.asha import ASHA
from benchmark.checking.subject import drive
from benchmark.suite.model import Budget
from objectives.space import FIDELITY, Space
from tests.algorithms.scripted import Listed, run, started, tell

SPACE = Space({"x": stats.uniform(0, 1000)})


def asha(values, **options):
    return ASHA(Listed(values), **{"max_epochs": 9, "eta": 3, **options})


def in_table(errors):
    """The error of a job, (x, epochs), as a table has it."""
    return lambda *job: errors[job]


# The paper's setting of figures 1 and 2: r = 1, R = 9, eta = 3, one worker. After 1, 3 and 9 epochs:
FIRST = {1: 0.3, 2: 0.5, 3: 0.6, 4: 0.7, 5: 0.8, 6: 0.2, 7: 0.9, 8: 0.1, 9: 0.95}
SECOND = {1: 0.25, 6: 0.15, 8: 0.05}
ERRORS = {(x, 1): error for x, error in FIRST.items()} | {(x, 3): error for x, error in SECOND.items()} | {(8, 9): 0.01}


def test_promotions_by_hand():
    """Thirteen jobs of nine configurations: 1, 6 and 8 reach three epochs, and 8 reaches nine."""
    assert run(asha(range(1, 10)), 20, in_table(ERRORS)) == [
        (1, 1),
        (2, 1),
        (3, 1),  # 3 results, the best 1 of them: {1}.
        (1, 3),
        (4, 1),  # 4 results, the best 1: {1}, promoted. Above: 1 result, the best 0.
        (5, 1),  # 5 results, the best 1: {1}, promoted.
        (6, 1),  # 6 results, the best 2: {6, 1}; 6 is not promoted yet.
        (6, 3),
        (7, 1),  # 7 results, the best 2: {6, 1}, both promoted. Above: 2 results, the best 0.
        (8, 1),  # 8 results, the best 2: {8, 6}; 8 is not promoted yet, and 1 was too early.
        (8, 3),  # Above now 3 results, the best 1: {8}.
        (8, 9),
        (9, 1),  # 9 results, the best 3: {8, 6, 1}, all promoted; then the list is at its end.
    ]


def test_stopping_by_hand():
    """The same errors, each judged once on arrival: place among the results so far < max(1, n // 3)."""
    errors = {**ERRORS, (1, 9): 0.02, (6, 9): 0.02}
    assert run(asha(range(1, 10), variant="stopping"), 20, in_table(errors)) == [
        (1, 1),  # The first of the rung is its best.
        (1, 3),  # Likewise there.
        (1, 9),
        (2, 1),  # Place 1 of 2, quota 1.
        (3, 1),
        (4, 1),
        (5, 1),
        (6, 1),  # Place 0 of 6.
        (6, 3),  # 0.15 < 0.25: place 0 of 2.
        (6, 9),
        (7, 1),
        (8, 1),  # Place 0 of 8.
        (8, 3),  # Place 0 of 3.
        (8, 9),
        (9, 1),  # Place 8 of 9, quota 3.
    ]


def test_only_promotion_looks_back():
    """Second best of six is within the best third, but was not when it arrived second."""
    errors = {(x, 1): x / 10 for x in range(1, 7)} | {(1, 3): 0.1, (2, 3): 0.1, (1, 9): 0.1}
    assert (2, 3) in run(asha(range(1, 7)), 20, in_table(errors))
    assert (2, 3) not in run(asha(range(1, 7), variant="stopping"), 20, in_table(errors))


def test_fewer_than_eta_results_stop_all_but_the_best():
    """While a rung has fewer than eta results its best so far trains on, nobody else."""
    scheduler = asha(range(9), variant="stopping", eta=5)
    started(scheduler, 4)
    tell(scheduler, 0, 1, 0.5)
    assert started(scheduler, 2) == [(0, 5), (4, 1)]
    tell(scheduler, 1, 1, 0.6)
    assert started(scheduler, 1) == [(5, 1)]
    tell(scheduler, 2, 1, 0.4)
    assert started(scheduler, 2) == [(2, 5), (6, 1)]


def test_the_quota_of_stopping_grows():
    """Of six results the best two may train on; place 1 does, place 2 does not."""
    for error, follows in ((0.15, (5, 3)), (0.25, (6, 1))):
        scheduler = asha(range(7), variant="stopping")
        started(scheduler, 6)
        for x in range(5):
            tell(scheduler, x, 1, (x + 1) / 10)
        assert started(scheduler, 1) == [(0, 3)]
        tell(scheduler, 5, 1, error)
        assert started(scheduler, 1) == [follows]


def test_higher_rungs_go_first():
    """Where two rungs have someone to promote, the higher one does first, then the better one."""
    scheduler = asha(range(1, 9), eta=2, max_epochs=4)
    assert started(scheduler, 8) == [(x, 1) for x in range(1, 9)]
    tell(scheduler, 1, 1, 0.1)
    tell(scheduler, 2, 1, 0.2)
    assert started(scheduler, 1) == [(1, 2)]
    for x, error in ((3, 0.05), (4, 0.06), (5, 0.04), (6, 0.07)):
        tell(scheduler, x, 1, error)
    assert started(scheduler, 1) == [(5, 2)]
    tell(scheduler, 1, 2, 0.5)
    tell(scheduler, 5, 2, 0.4)
    assert started(scheduler, 4) == [(5, 4), (3, 2), (4, 2), None]


def test_a_new_trial_starts_only_when_quotas_are_met():
    """Whenever the lowest rung grows, the best third of every rung has been promoted."""
    rng = np.random.default_rng(5)
    errors = {(x, epochs): rng.random() for x in range(400) for epochs in (1, 3, 9, 27)}
    jobs = run(asha(range(400), max_epochs=27), 10_000, in_table(errors))
    counts = {epochs: sum(job[1] == epochs for job in jobs) for epochs in (1, 3, 9, 27)}
    seen = {epochs: [] for epochs in (1, 3, 9, 27)}
    for x, epochs in jobs:
        if epochs == 1:
            for below, above in ((1, 3), (3, 9), (9, 27)):
                best = sorted(seen[below], key=lambda x: errors[x, below])[: len(seen[below]) // 3]
                assert set(best) <= set(seen[above])
        seen[epochs].append(x)
    assert counts[1] == 400
    for below, above in ((1, 3), (3, 9), (9, 27)):
        assert counts[below] // 3 <= counts[above] < counts[below] / 2


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_ties_keep_the_earlier(variant):
    """Of equal results the one that came first goes on, and only as many as the quota has."""
    scheduler = asha(range(20), variant=variant)
    started(scheduler, 6)
    for x in (2, 0, 1):
        tell(scheduler, x, 1, 0.9)
    assert started(scheduler, 2) == [(2, 3), (6, 1)]
    for x in (5, 4, 3):
        tell(scheduler, x, 1, 0.9)
    assert started(scheduler, 2) == ([(0, 3), (7, 1)] if variant == "promotion" else [(7, 1), (8, 1)])


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
@pytest.mark.parametrize(
    ("error", "info"),
    [(math.inf, None), (0.0, {"state": "diverged", "epochs": 1}), (0.0, {"state": "ok", "epochs": 0})],
)
def test_a_trial_that_is_over_does_not_go_on(variant, error, info):
    """Crashed, or diverged as `info` says: it counts in its rung, whoever else is in it."""
    scheduler = asha(range(20), variant=variant)
    started(scheduler, 6)
    tell(scheduler, 0, 1, error, info)
    assert started(scheduler, 1) == [(6, 1)]
    for x in (1, 2):
        tell(scheduler, x, 1, 0.5)
    above = [(1, 3)] if error == math.inf else []  # An error of 0 has the only place among the best of three.
    assert started(scheduler, 2) == [*above, (7, 1), (8, 1)][:2]
    assert scheduler.searcher.told[0] == (0, 1, error, info)


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
@pytest.mark.parametrize("info", [None, {"state": "ok"}, {"epochs": 1}, {"state": "ok", "epochs": 1}, "a remark"])
def test_a_trial_that_is_not_over_goes_on(variant, info):
    """Other remarks, or none, stop nobody."""
    scheduler = asha(range(20), variant=variant)
    started(scheduler, 3)
    for x in range(3):
        tell(scheduler, x, 1, x / 10, info)
    assert started(scheduler, 1) == [(0, 3)]


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_nothing_goes_on_from_crashes_alone(variant):
    """All crashed: only new configurations, each for one epoch."""
    jobs = run(asha(range(30), variant=variant), 100, lambda x, epochs: math.inf)
    assert jobs == [(x, 1) for x in range(30)]


@pytest.mark.parametrize(
    ("options", "levels"),
    [
        ({}, [1, 3, 9]),
        ({"s": 1}, [3, 9]),
        ({"s": 2}, [9]),
        ({"r_max": 3}, [1, 3]),
        ({"r_max": 7}, [1, 3, 7]),
        ({"r_max": 7, "s": 1}, [3, 7]),
        ({"max_epochs": 10}, [1, 3, 9, 10]),
        ({"max_epochs": 10, "s": 2}, [9, 10]),
        ({"r_min": 2, "eta": 2}, [2, 4, 8, 9]),
        ({"max_epochs": 1}, [1]),
        ({"max_epochs": 243}, [1, 3, 9, 27, 81, 243]),
    ],
)
@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_rungs(variant, options, levels):
    """Trials stop at r * eta**(s + k), and the best of all reaches the top, be it a power or not."""
    scheduler = asha(range(600), variant=variant, **options)
    jobs = [scheduler.suggest() for _ in range(1)]
    while jobs[-1] is not None:
        scheduler.update(jobs[-1], -jobs[-1]["x"])
        jobs.append(scheduler.suggest())
    assert sorted({job[FIDELITY] for job in jobs[:-1]}) == levels
    assert jobs[0][FIDELITY] == levels[0]


def test_charged_epochs_by_hand():
    """Promoted trials pay the added epochs: 9 * 1 + 3 * (3 - 1) + 1 * (9 - 3) = 21."""
    budget = Budget(evaluations=13)
    jobs, loop, _ = drive(asha(range(1, 10)), SPACE, lambda job: ERRORS[job.config["x"], job.epochs], budget=budget)
    assert loop.charged_epochs == 21
    assert loop.trial_count == 9
    assert [(job.trial + 1, job.start_epoch, job.epochs) for job in jobs[:4]] == [
        (1, 0, 1),
        (2, 0, 1),
        (3, 0, 1),
        (1, 1, 3),
    ]


@pytest.mark.parametrize("n_workers", [1, 4])
@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_equal_configurations_are_trials_of_their_own(variant, n_workers):
    """A configuration proposed again and again is promoted as often as distinct ones with these errors."""
    options = {"budget": Budget(evaluations=100), "n_workers": n_workers}
    same, same_loop, _ = drive(asha([5.0] * 60, variant=variant), SPACE, lambda job: 0.5, **options)
    other, other_loop, _ = drive(asha(range(60), variant=variant), SPACE, lambda job: 0.5, **options)
    assert [job.epochs for job in same] == [job.epochs for job in other]
    assert [job.start_epoch for job in same] == [job.start_epoch for job in other]
    assert same_loop.trial_count == other_loop.trial_count == 60
    assert same_loop.charged_epochs == other_loop.charged_epochs


def test_a_continuation_follows_at_once():
    """In the stopping variant the worker that brought a result goes on with the same trial."""
    scheduler, budget = asha(range(50), variant="stopping"), Budget(evaluations=6)
    jobs, *_ = drive(scheduler, SPACE, lambda job: job.config["x"], budget=budget, n_workers=4)
    assert [(job.config["x"], job.start_epoch, job.epochs) for job in jobs] == [
        *[(x, 0, 1) for x in range(4)],
        (0, 1, 3),
        (4, 0, 1),
    ]


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_an_exhausted_searcher_leaves_promotions(variant):
    """Without new configurations results still lead to promotions, and in the end to nothing for ever."""
    scheduler = asha(range(3), variant=variant)
    assert started(scheduler, 4) == [(0, 1), (1, 1), (2, 1), None]
    for x in (2, 1, 0):
        tell(scheduler, x, 1, x / 10)
    following = [job for job in started(scheduler, 5) if job]
    assert following == ([(0, 3)] if variant == "promotion" else [(2, 3), (1, 3), (0, 3)])
    for job in following:
        tell(scheduler, *job, 0.9)
    while scheduler.suggest() is not None:
        pass
    assert started(scheduler, 10) == [None] * 10


def test_the_searcher_is_told_everything():
    """Every result reaches the searcher with its fidelity, those of the top rung too."""
    scheduler = asha(range(1, 10))
    jobs = run(scheduler, 13, in_table(ERRORS))
    assert scheduler.searcher.told == [(*job, ERRORS[job], None) for job in jobs]


class Counted(float):
    """An error that counts how often it is compared."""

    compared = 0

    def __lt__(self, other):
        Counted.compared += 1
        return float(self) < float(other)

    def __gt__(self, other):
        Counted.compared += 1
        return float(self) > float(other)

    def __eq__(self, other):
        Counted.compared += 1
        return float(self) == float(other)

    __hash__ = float.__hash__


@pytest.mark.parametrize("variant", ["promotion", "stopping"])
def test_a_decision_does_not_look_at_the_whole_rung(variant):
    """With thousands of results in a rung a decision takes some dozens of comparisons: log2(4000) is 12."""
    rng = np.random.default_rng(3)
    scheduler = asha(range(4000), variant=variant)
    Counted.compared, most = 0, 0
    while (job := scheduler.suggest()) is not None:
        most = max(most, Counted.compared)
        Counted.compared = 0
        scheduler.update(job, Counted(rng.random()))
    assert 10 < most < 150


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"eta": 1}, r"eta = 1: need a whole number in 2\.\.100"),
        ({"eta": 3.0}, "eta = 3.0"),
        ({"r_min": 0}, r"r_min = 0: need a whole number in 1\.\.9"),
        ({"r_min": 10}, "r_min = 10"),
        ({"r_max": 10}, r"r_max = 10: need a whole number in 1\.\.9"),
        ({"s": -1}, r"s = -1: need a whole number in 0\.\.2"),
        ({"s": 3}, r"s = 3: need a whole number in 0\.\.2"),
        ({"s": 3, "max_epochs": 10}, r"s = 3: need a whole number in 0\.\.2"),
        ({"s": 1, "r_min": 4}, r"s = 1: need a whole number in 0\.\.0"),
        ({"s": True}, "s = True"),
        ({"variant": "pausing"}, "variant = 'pausing': need one of promotion, stopping"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        asha([0.1], **options)

"""Hyperband: brackets against the paper, budgets by hand, and plain successive halving beside it."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.hyperband import Hyperband, brackets_of
from algorithms.schedulers.successive_halving import SuccessiveHalving
from benchmark.checking.subject import drive
from benchmark.suite.model import Budget
from objectives.space import FIDELITY, Space
from tests.algorithms.scripted import Listed, run, started, tell

SPACE = Space({"x": stats.uniform(0, 1000)})


def hyperband(values, **options):
    return Hyperband(Listed(values), **{"max_epochs": 9, "eta": 3, **options})


def scrambled(x, epochs):
    """Distinct for distinct configurations, in another order at every fidelity."""
    return (x * 0.61803398875 * epochs) % 1


def scrambled_of(job):
    return scrambled(job.config["x"], job.epochs)


# Algorithm 1 by hand for R = 81, eta = 3: s_max = 4, n = ceil(5 / (s + 1) * 3**s).
BRACKETS_81 = [
    [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],  # 5 / 5 * 81
    [(34, 3), (11, 9), (3, 27), (1, 81)],  # ceil(5 / 4 * 27 = 33.75)
    [(15, 9), (5, 27), (1, 81)],  # 5 / 3 * 9
    [(8, 27), (2, 81)],  # ceil(5 / 2 * 3 = 7.5)
    [(5, 81)],
]


def test_brackets_of_algorithm_1():
    """All brackets of R = 81, eta = 3: n_i and r_i."""
    assert brackets_of(1, 81, 3) == BRACKETS_81


def test_brackets_beside_table_1():
    """The paper's printed table: the same r_i, and n with (s_max + 1) / (s + 1) rounded down first."""
    printed = {4: [81, 27, 9, 3, 1], 3: [27, 9, 3, 1], 2: [9, 3, 1], 1: [6, 2], 0: [5]}
    resources = {4: [1, 3, 9, 27, 81], 3: [3, 9, 27, 81], 2: [9, 27, 81], 1: [27, 81], 0: [81]}
    for s, bracket in zip((4, 3, 2, 1, 0), brackets_of(1, 81, 3), strict=True):
        assert [r for _, r in bracket] == resources[s]
        assert printed[s] == [5 // (s + 1) * 3**s // 3**i for i in range(s + 1)]
        assert all(n >= of_table for (n, _), of_table in zip(bracket, printed[s], strict=True))
    assert [n for n, _ in BRACKETS_81[0]] == printed[4]
    assert [n for n, _ in BRACKETS_81[4]] == printed[0]


@pytest.mark.parametrize(
    ("r_min", "r_max", "eta", "expected"),
    [
        # R no power of eta: s_max = floor(log_3 10) = 2; 10 / 9 and 10 / 3 rounded down.
        (1, 10, 3, [[(9, 1), (3, 3), (1, 10)], [(5, 3), (1, 10)], [(3, 10)]]),
        (1, 8, 2, [[(8, 1), (4, 2), (2, 4), (1, 8)], [(6, 2), (3, 4), (1, 8)], [(4, 4), (2, 8)], [(4, 8)]]),
        # 20 / 9 = 2.2, 20 / 3 = 6.7.
        (2, 20, 3, [[(9, 2), (3, 6), (1, 20)], [(5, 6), (1, 20)], [(3, 20)]]),
        (1, 1, 3, [[(1, 1)]]),
        (1, 2, 3, [[(1, 2)]]),
        (9, 9, 3, [[(1, 9)]]),
        (4, 9, 3, [[(1, 9)]]),
    ],
)
def test_brackets(r_min, r_max, eta, expected):
    """Whole epochs, rounded down, for any R and r_min."""
    assert brackets_of(r_min, r_max, eta) == expected


@pytest.mark.parametrize("eta", [2, 3, 5, 10])
def test_no_bracket_is_lost_to_rounding(eta):
    """At R = eta**p there are p + 1 brackets (243 = 3**5 loses one by logarithms), at one less p."""
    for power in range(1, 12):
        assert [bracket[0][1] for bracket in brackets_of(1, eta**power, eta)] == [eta**i for i in range(power + 1)]
        assert len(brackets_of(1, eta**power - 1, eta)) == power


@pytest.mark.parametrize("eta", [2, 3, 4])
@pytest.mark.parametrize("r_min", [1, 2, 5])
def test_rungs_rise_by_eta_at_least(eta, r_min):
    """Rounded down, rungs are distinct, none is below r_min or above the paper's, the last is R."""
    for r_max in range(r_min, 300):
        for bracket in brackets_of(r_min, r_max, eta):
            counts, levels = zip(*bracket, strict=True)
            assert levels[0] >= r_min
            assert levels[-1] == r_max
            assert all(high >= eta * low for low, high in pairwise(levels))
            assert all(few == many // eta and few >= 1 for many, few in pairwise(counts))


def test_budgets_by_hand():
    """No bracket trains more than B = 5 * 81 epochs, so a pass no more than 5 * B = 2025."""
    budgets = [sum(n * r for n, r in bracket) for bracket in brackets_of(1, 81, 3)]
    # 5 * 81; 102 + 99 + 81 + 81; 135 + 135 + 81; 216 + 162; 5 * 81.
    assert budgets == [405, 363, 351, 378, 405]
    assert sum(budgets) == 1902


@pytest.mark.parametrize(
    ("resume", "charged"),
    [
        (False, 1902),
        # 81 + 27 * 2 + 9 * 6 + 3 * 18 + 54 = 297; 34 * 3 + 11 * 6 + 3 * 18 + 54 = 276;
        # 15 * 9 + 5 * 18 + 54 = 279; 8 * 27 + 2 * 54 = 324; 5 * 81 = 405.
        (True, 297 + 276 + 279 + 324 + 405),
    ],
)
def test_charged_epochs_of_a_pass(resume, charged):
    """121 + 49 + 21 + 10 + 5 evaluations of 81 + 34 + 15 + 8 + 5 trials, charged to the epoch."""
    scheduler, options = hyperband(range(500), max_epochs=81), {"max_epochs": 81, "budget": Budget(evaluations=206)}
    jobs, loop, _ = drive(scheduler, SPACE, scrambled_of, resume=resume, **options)
    assert loop.charged_epochs == charged
    assert loop.trial_count == 143
    assert Counter(job.epochs for job in jobs) == {
        1: 81,
        3: 27 + 34,
        9: 9 + 11 + 15,
        27: 3 + 3 + 5 + 8,
        81: 1 + 1 + 1 + 2 + 5,
    }


def literal(r_max, eta, error, passes):
    """Algorithm 1 line by line for R a power of eta: the jobs of one worker, (x, epochs)."""
    s_max = round(math.log(r_max, eta))
    big_b = (s_max + 1) * r_max
    jobs, drawn = [], 0
    for s in [*range(s_max, -1, -1)] * passes:
        n = math.ceil(big_b * eta**s / (r_max * (s + 1)))
        r = r_max / eta**s
        t, drawn = list(range(drawn, drawn + n)), drawn + n
        for i in range(s + 1):
            n_i = math.floor(n / eta**i)
            r_i = round(r * eta**i)
            assert len(t) == n_i
            losses = {x: error(x, r_i) for x in t}
            jobs += [(x, r_i) for x in t]
            t = sorted(t, key=losses.get)[: math.floor(n_i / eta)]
    return jobs


ERRORS = {
    "distinct": scrambled,
    "tied": lambda x, epochs: (x * 7 * epochs) % 5 / 5,
    "equal": lambda x, epochs: 0.5,
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("r_max", "eta"), [(1, 3), (3, 3), (27, 3), (81, 3), (8, 2), (16, 2), (16, 4)])
def test_jobs_are_those_of_algorithm_1(r_max, eta, error):
    """Two passes of one worker: job for job the paper's loop."""
    expected = literal(r_max, eta, ERRORS[error], passes=2)
    scheduler = hyperband(range(2000), max_epochs=r_max, eta=eta)
    assert run(scheduler, len(expected), ERRORS[error]) == expected


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    ("r_min", "r_max", "eta"), [(1, 27, 3), (1, 81, 3), (2, 16, 2), (1, 1, 2), (1, 64, 4), (3, 27, 3)]
)
def test_one_bracket_is_successive_halving(r_min, r_max, eta, error):
    """With budgets that are powers of eta, the bracket s_max again and again is our successive halving."""
    options = {"max_epochs": r_max, "r_min": r_min, "eta": eta}
    halving = SuccessiveHalving(Listed(range(2000)), **options)
    count = 3 * sum(halving.sizes) + 5
    assert run(hyperband(range(2000), brackets=1, **options), count, ERRORS[error]) == run(
        halving, count, ERRORS[error]
    )


def test_some_brackets_repeat():
    """The two most exploring of three brackets take turns, with the sizes that they have among three."""
    jobs = run(hyperband(range(200), brackets=2), 2 * (13 + 6), scrambled)
    assert [epochs for _, epochs in jobs] == ([1] * 9 + [3] * 3 + [9] + [3] * 5 + [9]) * 2


def test_free_workers_begin_the_next_bracket():
    """Who would wait for a rung starts the next bracket; the earlier one goes first as soon as it can."""
    scheduler = hyperband(range(100), max_epochs=3)  # Brackets of 3 and 1 (1 and 3 epochs), and of 2.
    assert started(scheduler, 6) == [(0, 1), (1, 1), (2, 1), (3, 3), (4, 3), (5, 1)]
    tell(scheduler, 2, 1, 0.3)
    tell(scheduler, 3, 3, 0.0)
    tell(scheduler, 0, 1, 0.2)
    assert started(scheduler, 1) == [(6, 1)]
    tell(scheduler, 1, 1, 0.4)
    assert started(scheduler, 2) == [(0, 3), (7, 1)]


@pytest.mark.parametrize("n_workers", [2, 4, 30])
def test_parallel_workers_promote_the_same(n_workers):
    """Whoever serves a bracket and when, its rungs are synchronous: the same trials go as far."""
    values = np.random.default_rng(2).permutation(143)
    alone = run(hyperband(values, max_epochs=81), 1000, scrambled)
    scheduler, options = hyperband(values, max_epochs=81), {"max_epochs": 81, "budget": Budget(evaluations=1000)}
    jobs, loop, _ = drive(scheduler, SPACE, scrambled_of, n_workers=n_workers, **options)
    assert Counter((job.config["x"], job.epochs) for job in jobs) == Counter(alone)
    assert len(alone) == 206
    assert loop.charged_epochs == 1581


@pytest.mark.parametrize("n_workers", [1, 4, 30])
def test_equal_configurations_do_not_confuse_brackets(n_workers):
    """Brackets of one configuration, proposed 17 times: each gets its own results, and is finished."""
    scheduler = hyperband([5.0] * 17)
    jobs, *_ = drive(scheduler, SPACE, lambda job: 0.5, budget=Budget(evaluations=100), n_workers=n_workers)
    # R = 9: 9 + 3 + 1, 5 + 1 and 3 configurations for 1, 3 and 9 epochs.
    assert Counter(job.epochs for job in jobs) == {1: 9, 3: 3 + 5, 9: 1 + 1 + 3}
    assert scheduler.open == []


def test_a_model_knows_what_came_before():
    """A configuration is drawn only when it starts, so the searcher has been told all earlier results."""
    known = []

    class Watching(Listed):
        def sample_configuration(self):
            known.append(len(self.told))
            return super().sample_configuration()

    run(Hyperband(Watching(range(100)), max_epochs=9), 13 + 6 + 3, scrambled)
    assert known == [*range(9), *range(13, 18), *range(19, 22)]


@pytest.mark.parametrize("over", ["crashed", "diverged", "short"])
def test_a_trial_that_is_over_is_not_promoted(over):
    """Crashed, or diverged as `info` says: the next best go on in its place."""
    told = {
        "crashed": (math.inf, None),
        "diverged": (0.0, {"state": "diverged", "epochs": 1}),
        "short": (0.0, {"epochs": 0}),
    }[over]
    scheduler = hyperband(range(100))
    assert started(scheduler, 9) == [(x, 1) for x in range(9)]
    for x in range(9):
        tell(scheduler, x, 1, *(told if x < 2 else (x / 10, {"state": "ok", "epochs": 1})))
    assert started(scheduler, 3) == [(2, 3), (3, 3), (4, 3)]
    assert scheduler.searcher.told[0] == (0, 1, *told)


def test_a_bracket_of_crashes_is_given_up():
    """All crashed but one: the bracket goes on with that one; all crashed: with the next bracket."""
    jobs = run(hyperband(range(17)), 100, lambda x, epochs: 0.5 if x == 4 else math.inf)
    assert jobs == [
        *[(x, 1) for x in range(9)],
        (4, 3),
        (4, 9),
        *[(x, 3) for x in range(9, 14)],
        *[(x, 9) for x in range(14, 17)],
    ]


def test_an_exhausted_searcher_ends_in_a_smaller_bracket():
    """What is left is still halved, and then there is nothing for ever."""
    scheduler = hyperband(range(11))
    jobs = run(scheduler, 100, lambda x, epochs: -x)
    assert jobs[13:] == [(9, 3), (10, 3), (10, 9)]
    assert scheduler.open == []
    assert started(scheduler, 10) == [None] * 10


def test_exhausted_with_results_to_come():
    """Without new configurations a bracket waits for its results, and promotes when they are in."""
    scheduler = hyperband(range(4))
    assert started(scheduler, 6) == [(0, 1), (1, 1), (2, 1), (3, 1), None, None]
    for x in (3, 0, 2):
        tell(scheduler, x, 1, 0.5)
        assert started(scheduler, 1) == [None]
    tell(scheduler, 1, 1, 0.1)
    assert started(scheduler, 4) == [(1, 3), (3, 3), (0, 3), None]


def test_the_searcher_is_told_everything():
    """Every result reaches the searcher with its fidelity."""
    scheduler = hyperband(range(100))
    jobs = run(scheduler, 22, scrambled)
    assert scheduler.searcher.told == [(*job, scrambled(*job), None) for job in jobs]


def test_a_result_may_lack_what_does_not_count():
    """A configuration is known again after a check has dropped hyperparameters that do not count."""

    class Overfull(Listed):
        def sample_configuration(self):
            return {**super().sample_configuration(), "unused": 1}

    scheduler = Hyperband(Overfull(range(100)), max_epochs=3)
    assert started(scheduler, 3) == [(0, 1), (1, 1), (2, 1)]
    for x in (2, 0, 1):
        tell(scheduler, x, 1, x)
    assert scheduler.suggest() == {"x": 0, FIDELITY: 3}


def test_a_result_that_nobody_awaits_is_refused():
    """A result told twice, or of a configuration never suggested, is an error and no bracket's."""
    scheduler = hyperband(range(100))
    started(scheduler, 2)
    tell(scheduler, 0, 1, 0.5)
    for x, epochs in ((0, 1), (1, 3), (7, 1)):
        with pytest.raises(ValueError, match="need a configuration that was suggested"):
            tell(scheduler, x, epochs, 0.5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"eta": 1}, r"eta = 1: need a whole number in 2\.\.100"),
        ({"eta": 3.0}, "eta = 3.0"),
        ({"r_min": 0}, r"r_min = 0: need a whole number in 1\.\.9"),
        ({"r_max": 10}, r"r_max = 10: need a whole number in 1\.\.9"),
        ({"brackets": 0}, r"brackets = 0: need a whole number in 1\.\.3"),
        ({"brackets": 4}, r"brackets = 4: need a whole number in 1\.\.3"),
        ({"brackets": 2, "r_min": 4}, r"brackets = 2: need a whole number in 1\.\.1"),
        ({"brackets": True}, "brackets = True"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        hyperband([0.1], **options)

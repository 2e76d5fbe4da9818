"""The formulas against BoTorch's and pymoo's, and the fronts against searches, formulas and moocore."""

import math
import warnings

import moocore
import numpy as np
import pytest
from scipy import integrate, optimize

from objectives.closed_form.constrained import BNH, OSY, SRN, ConstrainedBraninCurrin
from objectives.closed_form.dtlz import C2DTLZ2, DTLZ1, DTLZ2, DTLZ7
from objectives.closed_form.zdt import ZDT1, ZDT2, ZDT3, ZDT4, ZDT6

PROBLEMS = [
    *(ZDT1(), ZDT2(dimension=7), ZDT3(), ZDT4(), ZDT6(dimension=3), BNH(), SRN(), OSY(), ConstrainedBraninCurrin()),
    *(kind(n_metrics=m, dimension=m + 5) for m in (2, 3, 4) for kind in (DTLZ1, DTLZ2, DTLZ7, C2DTLZ2)),
]
WITH_FRONT = [problem for problem in PROBLEMS if problem.front() is not None]


def label(problem):
    return f"{type(problem).__name__}-{len(problem.ideal)}"


def several(problems):
    return pytest.mark.parametrize("problem", problems, ids=label)


def points(problem, count=1000, seed=0):
    low, high = np.array(problem.bounds).T
    return low + np.random.default_rng(seed).random((count, len(low))) * (high - low)


def volume(front, reference):
    return moocore.hypervolume(front, ref=np.array(reference))


def dominates(f, front, margin):
    """Whether some of the points f are better than a point of the front by more than a margin in every value."""
    return bool(np.any(np.all(f[:, None] < front[None] - margin, axis=-1)))


BOTORCH_DIFFERS = {ZDT3: "values", SRN: "values and constraints", C2DTLZ2: "constraints"}
"""ZDT3's shape is not multiplied by g, f1 of SRN has x2 - 2; for constraints see the docstrings. pymoo has all three
as they were published."""


@pytest.mark.libraries
@several([problem for problem in PROBLEMS if type(problem) not in (ZDT4, ZDT6)])  # BoTorch has neither.
def test_values_are_botorchs(problem):
    """Values and constraints are BoTorch's at 1,000 random points, where it computes what was published."""
    pytest.importorskip("botorch", reason="botorch is not installed: make adapters")
    import torch
    from botorch.test_functions import multi_objective

    kind, differs = getattr(multi_objective, type(problem).__name__), BOTORCH_DIFFERS.get(type(problem), "")
    options = {"dim": problem.dimension} if hasattr(problem, "dimension") else {}
    theirs = kind(**options, **({"num_objectives": problem.n_metrics} if hasattr(problem, "n_metrics") else {}))
    x = points(problem)
    same = theirs._evaluate_true(torch.tensor(x)).numpy() == pytest.approx(problem.values(x), rel=1e-12, abs=1e-9)
    assert same == ("values" not in differs)
    if problem.constraints:
        slack = theirs._evaluate_slack_true(torch.tensor(x)).numpy()
        same = -slack == pytest.approx(problem.excesses(x), rel=1e-12, abs=1e-9)
        assert same == ("constraints" not in differs)


@pytest.mark.libraries
@several([problem for problem in PROBLEMS if type(problem) is not ConstrainedBraninCurrin])
def test_values_are_pymoos(problem):
    """Values, and which points are feasible, are pymoo's at 1,000 random points; it scales some constraints."""
    pytest.importorskip("pymoo", reason="pymoo is not installed: make adapters")
    from pymoo.problems import get_problem

    m, n = len(problem.ideal), len(problem.bounds)
    options = {"n_obj": m} if hasattr(problem, "n_metrics") else {}
    options |= {"n_var": n} if hasattr(problem, "dimension") else {}
    x = points(problem)
    theirs = get_problem(type(problem).__name__.lower(), **options).evaluate(x, return_as_dictionary=True)
    assert problem.values(x) == pytest.approx(theirs["F"], rel=1e-12, abs=1e-9)
    if not problem.constraints:
        return
    if type(problem) in (SRN, C2DTLZ2):
        assert problem.excesses(x) == pytest.approx(theirs["G"], rel=1e-12, abs=1e-9)
    assert ((problem.excesses(x) <= 0) == (theirs["G"] <= 0)).all()


EXACT = [
    (ZDT1(), 11**2 - 1 / 3),
    (ZDT2(), 11**2 - 2 / 3),
    (ZDT4(), 1.1 * 406 - 1 / 3),
    (ZDT6(), 11 * (11 - ZDT6().ideal[0]) - integrate.quad(lambda t: 1 - t * t, ZDT6().ideal[0], 1)[0]),
    *((DTLZ1(n_metrics=m), 400**m - 0.5**m / math.factorial(m)) for m in (2, 3)),
    *((DTLZ2(n_metrics=m), 1.1**m - math.pi ** (m / 2) / math.gamma(m / 2 + 1) / 2**m) for m in (2, 3)),
]
"""Hypervolumes of whole fronts: the box less what is below the curve, the simplex or the part of the ball."""


@pytest.mark.parametrize(("problem", "exact"), EXACT, ids=[label(problem) for problem, _ in EXACT])
def test_hypervolumes_tend_to_the_exact_ones(problem, exact):
    """More points of a front leave less of its hypervolume out: half of them twice, in two dimensions."""
    m = len(problem.ideal)
    missing = [exact - volume(problem.front(count), problem.reference) for count in (50, 200, 800)]
    assert missing[0] > missing[1] > missing[2] > 0
    order = math.log(missing[0] / missing[2]) / math.log(16)
    assert order == pytest.approx(1 / (m - 1), rel=0.25)


@several(WITH_FRONT)
def test_fronts_are_fronts(problem):
    """No point dominates another, none is better than the ideal point, which the front touches in every metric."""
    front = problem.front()
    assert 100 < len(front) <= 1000
    assert len(problem.front(7)) <= 7
    assert moocore.is_nondominated(front).all()
    assert front.min(axis=0) == pytest.approx(problem.ideal, abs=1e-6)
    assert (front.min(axis=0) >= np.array(problem.ideal) - 1e-9).all()


ON_FRONT = {ZDT4: 0.0, DTLZ1: 0.5, DTLZ2: 0.5, C2DTLZ2: 0.5}
"""What the variables of distance are on the front, where not 0."""


@pytest.mark.slow
@several([problem for problem in WITH_FRONT if hasattr(problem, "dimension")])
def test_no_point_beats_a_front(problem):
    """Points with the least distance are on the front or beyond it; others, near and far, dominate none of it."""
    front, x = problem.front(), points(problem)
    positions = len(problem.ideal) - 1
    nearest, near = x.copy(), x.copy()
    nearest[:, positions:] = ON_FRONT.get(type(problem), 0.0)
    near[:, positions:] = nearest[:, positions:] + 0.01 * np.abs(x[:, positions:])
    for candidates in (x, near, nearest):
        feasible = (problem.excesses(candidates) <= 0).all(axis=-1)
        assert not dominates(problem.values(candidates)[feasible], front, 1e-4)
    values = problem.values(nearest)[(problem.excesses(nearest) <= 0).all(axis=-1)]
    undominated = values[moocore.is_nondominated(values)]
    gaps = np.abs(undominated[:, None] - front[None]).max(axis=-1).min(axis=1)
    assert np.median(gaps) < {1: 0.01, 2: 0.1, 3: 0.3}[positions]


@pytest.mark.slow
@several([BNH(), SRN(), OSY()])
def test_no_search_beats_a_constrained_front(problem):
    """Minimising f2 where f1 is at most that of a point of the front ends at that point's f2, from many starts."""
    front = problem.front()
    chosen = front[np.linspace(50, len(front) - 50, 3).round().astype(int)]  # At its ends it is too steep.
    low, high = np.array(problem.bounds).T
    scale = high - low
    for f1, f2 in chosen:
        limits = [
            {"type": "ineq", "fun": lambda u: -problem.excesses(low + u * scale)},
            {"type": "ineq", "fun": lambda u, f1=f1: (f1 - problem.values(low + u * scale)[0]) / 100},
        ]
        best = math.inf
        for start in np.random.default_rng(1).random((40, len(low))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = optimize.minimize(
                    lambda u: problem.values(low + u * scale)[1],
                    start,
                    method="SLSQP",
                    bounds=[(0, 1)] * len(low),
                    constraints=limits,
                )
            if all(np.min(limit["fun"](result.x)) > -1e-7 for limit in limits):
                best = min(best, result.fun)
        assert best == pytest.approx(f2, abs=0.01)

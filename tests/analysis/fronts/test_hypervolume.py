"""Hypervolumes against brute force, and against the implementations of other projects."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.fronts.box import Box
from analysis.fronts.hypervolume import growing_hypervolume, hypervolume
from analysis.fronts.nondominated import final_front, growing_fronts
from tests.analysis.fronts.generated import inclusion_exclusion, minimised, random_cases


def assert_as_by_brute_force(count, seed, most_points):
    """The hypervolume of every case is the sum over all subsets."""
    for metrics, own, _, box in random_cases(count, seed, most_points=most_points):
        points = minimised(metrics, own)
        assert hypervolume(points, box) == inclusion_exclusion(points, np.array(box.reference))


def test_it_is_the_sum_over_all_subsets():
    """Exactly, for values are multiples of 1/8 and the boxes are unit cubes."""
    assert_as_by_brute_force(60, seed=1, most_points=5)


@pytest.mark.slow
def test_it_is_the_sum_over_all_subsets_of_a_thousand_fronts():
    """Likewise of larger fronts."""
    assert_as_by_brute_force(1000, seed=2, most_points=8)


@pytest.mark.slow
@pytest.mark.libraries
def test_botorch_finds_the_same():
    """BoTorch maximises, by code of its own."""
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("botorch.utils.multi_objective.hypervolume", reason="install botorch: make adapters")
    for metrics, own, _, box in random_cases(1000, seed=3, most_points=12, grid=None):
        points = minimised(metrics, own)
        known = theirs.Hypervolume(ref_point=-torch.tensor(box.reference, dtype=torch.float64))
        front = points[final_front(points)]
        volume = known.compute(-torch.tensor(front)) if len(front) else 0.0
        assert hypervolume(points, box) == pytest.approx(volume, abs=1e-12)


@pytest.mark.slow
@pytest.mark.libraries
def test_pymoo_finds_the_same():
    """Like ours inside, pymoo minimises."""
    theirs = pytest.importorskip("pymoo.indicators.hv", reason="install pymoo: make adapters")
    for metrics, own, _, box in random_cases(1000, seed=4, most_points=12, grid=None):
        points = minimised(metrics, own)
        volume = theirs.HV(ref_point=np.array(box.reference))(points) if len(points) else 0.0
        assert hypervolume(points, box) == pytest.approx(float(volume), abs=1e-12)


def test_beyond_the_ideal_counts_as_the_ideal_and_beyond_the_reference_not_at_all():
    """A share of the box is never more than 1; a point on the reference adds nothing."""
    box = Box(reference=(1.0, 10.0), ideal=(0.0, 0.0))
    assert hypervolume(np.array([[-5.0, -5.0]]), box) == 1.0
    assert hypervolume(np.array([[0.5, -5.0]]), box) == 0.5
    assert hypervolume(np.array([[1.0, 0.0], [0.0, 10.0], [-9.0, 11.0]]), box) == 0.0
    assert hypervolume(np.empty((0, 2)), box) == 0.0


def test_units_do_not_matter_where_there_is_an_ideal():
    """Metrics times a power of two, with ideal and reference, have the same share."""
    rng = np.random.default_rng(5)
    points, factors = rng.random((20, 3)), np.array([1.0, 2.0**40, 2.0**-500])
    plain, scaled = Box(reference=(0.9,) * 3, ideal=(0.0,) * 3), Box(reference=tuple(0.9 * factors), ideal=(0.0,) * 3)
    assert hypervolume(points, plain) == hypervolume(points * factors, scaled)


def test_no_value_is_too_large():
    """Neither the widest box nor points anywhere in the doubles overflow; volumes end at the largest double."""
    largest = float(np.finfo(np.float64).max)
    box = Box(reference=(largest, largest), ideal=(-largest, -largest))
    assert hypervolume(np.array([[0.0, 0.0]]), box) == 0.25
    assert hypervolume(np.array([[0.0, 0.0]]), Box(reference=(largest, largest))) == largest


def test_a_growing_front_has_the_hypervolume_of_all_points_so_far():
    """At every step, also with NaN among the points; on the test set that of the members of the validation front."""
    rng = np.random.default_rng(6)
    for metrics, own, _, box in random_cases(30, seed=7, most_points=12):
        points = minimised(metrics, own)
        test = rng.integers(0, 10, points.shape) / 8
        points[rng.random(len(points)) < 0.2] = np.nan
        valid_volumes, test_volumes = growing_hypervolume(points, test, box)
        for place in range(len(points)):
            known = points[: place + 1]
            known = known[~np.isnan(known).any(axis=1)]
            assert np.array_equal(
                valid_volumes[place], hypervolume(known, box) if len(known) else np.nan, equal_nan=True
            )
            members = final_front(points[: place + 1])
            expected = hypervolume(test[members], box) if len(members) else np.nan
            assert np.array_equal(test_volumes[place], expected, equal_nan=True)


def test_the_front_is_what_no_other_point_dominates():
    """By comparing every two; of equal points the first is the member. The growing front ends there."""
    for metrics, own, _, _ in random_cases(60, seed=8, most_points=10):
        points = minimised(metrics, own)
        wanted = [
            place
            for place, point in enumerate(points)
            if not any((other <= point).all() and (other < point).any() for other in points)
            and not (points[:place] == point).all(axis=1).any()
        ]
        assert final_front(points).tolist() == wanted
        *_, (_, members) = [(0, np.empty(0)), *growing_fronts(points)]
        assert members.tolist() == wanted


def test_an_unknown_test_value_of_a_member_leaves_no_test_hypervolume():
    """Until the member has been dominated by one whose test values are known."""
    points = np.array([[0.5, 0.5], [0.25, 0.25]])
    test = np.array([[np.nan, 0.5], [0.5, 0.5]])
    _, volumes = growing_hypervolume(points, test, Box(reference=(1.0, 1.0)))
    assert np.isnan(volumes[0])
    assert volumes[1] == 0.25

"""Attainment surfaces against counting on a grid."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from analysis.fronts.attainment import SURFACES, attaining, surface


def counted(fronts, k):
    """The least points of the grid of all coordinates that k of the fronts attain."""
    points = np.concatenate([*fronts, np.empty((0, 2))])
    grid = [(x, y) for x in np.unique(points[:, 0]) for y in np.unique(points[:, 1])]
    attained = [z for z in grid if sum(bool((front <= z).all(axis=1).any()) for front in fronts) >= k]
    return sorted(
        z for z in attained if not any(other != z and other[0] <= z[0] and other[1] <= z[1] for other in attained)
    )


def assert_counted(count, seed, grid):
    """Every surface of random runs is the one counted, whatever the order of the runs."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        runs = [rng.integers(0, grid, (rng.integers(0, 6), 2)) / 4 for _ in range(rng.integers(1, 8))]
        for k in range(1, len(runs) + 1):
            corners = surface(runs, k)
            assert [tuple(corner) for corner in corners.tolist()] == counted(runs, k)
            assert np.array_equal(surface(runs[::-1], k), corners)


def test_surfaces_are_those_counted_on_a_grid():
    """Of small integers, so that many points are equal; runs may have no points."""
    assert_counted(15, seed=1, grid=6)


@pytest.mark.slow
def test_surfaces_of_a_thousand_sets_of_runs():
    """Likewise of more."""
    assert_counted(1000, seed=2, grid=8)


def test_shares_are_of_whole_runs():
    """At least one, at most all; a quarter of 30 is 8 runs, for 7 are less."""
    assert {name: attaining(share, 30) for name, share in SURFACES.items()} == {
        "best": 1, "25 %": 8, "50 %": 15, "75 %": 23, "worst": 30,
    }  # fmt: skip
    assert [attaining(Fraction(1, 2), n) for n in (1, 2, 3, 4)] == [1, 1, 2, 2]


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7, 29, 30, 49, 50])
def test_no_rounding_of_a_percentage_decides_how_many_runs(n):
    """Of n runs with one point each, all on a line, the surface of k is at the k-th point."""
    runs = [np.array([[float(place), float(place)]]) for place in range(n)]
    for k in range(1, n + 1):
        assert surface(runs, k).tolist() == [[k - 1.0, k - 1.0]]

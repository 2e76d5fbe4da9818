"""Distances to a known front, against their definitions and another project's code."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.fronts.box import Box
from analysis.fronts.indicators import epsilon, igd_plus
from tests.analysis.fronts.generated import minimised, random_cases


def pairs(count, seed):
    """Fronts in minimised form, each with another one to be reached, and the box."""
    cases = [(minimised(metrics, own), box) for metrics, own, _, box in random_cases(count, seed, most_points=6)]
    cases = [(points, box) for points, box in cases if len(points)]
    for points, box in cases:
        yield points, next(other for other, _ in cases[::-1] if other.shape[1] == points.shape[1]), box


def test_they_are_what_their_definitions_say():
    """IGD+: the mean over the known front of the least distance, worse coordinates alone; epsilon: the least shift."""
    for points, known, box in pairs(40, seed=1):
        worse = np.maximum(points[None, :] - known[:, None], 0.0)
        assert igd_plus(points, known, box) == pytest.approx(
            np.sqrt((worse**2).sum(axis=2)).min(axis=1).mean(), abs=1e-12
        )
        shifts = (points[None, :] - known[:, None]).max(axis=2).min(axis=1)
        assert epsilon(points, known, box) == pytest.approx(shifts.max(), abs=1e-12)


def test_they_are_shares_of_the_box_where_there_is_an_ideal():
    """A metric in other units leaves them as they are; without an ideal they are in these units."""
    points, known = np.array([[0.5, 50.0]]), np.array([[0.25, 50.0]])
    share = Box(reference=(1.0, 100.0), ideal=(0.0, 0.0))
    assert (igd_plus(points, known, share), epsilon(points, known, share)) == (0.25, 0.25)
    assert igd_plus(np.array([[0.25, 75.0]]), known, share) == 0.25
    assert igd_plus(np.array([[0.25, 75.0]]), known, Box(reference=(1.0, 100.0))) == 25.0


def test_a_front_that_is_reached_is_at_no_distance():
    """Nor is one that is surpassed, whose epsilon is negative; a run without a front has no distance."""
    known, box = np.array([[0.25, 0.75], [0.75, 0.25]]), Box(reference=(1.0, 1.0), ideal=(0.0, 0.0))
    assert (igd_plus(known, known, box), epsilon(known, known, box)) == (0.0, 0.0)
    assert (igd_plus(known - 0.125, known, box), epsilon(known - 0.125, known, box)) == (0.0, -0.125)
    assert np.isnan(igd_plus(known[:0], known, box))
    assert np.isnan(epsilon(known[:0], known, box))


@pytest.mark.slow
@pytest.mark.libraries
def test_pymoo_finds_the_same_distance():
    """By code of its own, in plain units."""
    theirs = pytest.importorskip("pymoo.indicators.igd_plus", reason="install pymoo: make adapters")
    for points, known, box in pairs(300, seed=2):
        plain = Box(reference=box.reference)
        assert igd_plus(points, known, plain) == pytest.approx(float(theirs.IGDPlus(known)(points)), abs=1e-12)

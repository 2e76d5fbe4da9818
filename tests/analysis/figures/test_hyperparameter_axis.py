"""Axes of hyperparameters: the whole range is shown and labelled, however wide, narrow or far from 1 it is."""

import math

import pytest
from matplotlib.figure import Figure

from analysis.figures.hyperparameter_axis import coordinate, ends_text, is_extreme, set_scale
from analysis.figures.theme import theme
from analysis.loading.space import Hyperparameter

RANGES = {
    "ordinary": (1e-4, 1.0, True),
    "huge ratio": (1e-200, 1e200, True),
    "small": (1e-300, 1e-299, True),
    "all doubles": (5e-324, 1.7e308, True),
    "linear": (-1.0, 1.0, False),
    "wide": (-1.7e308, 1.7e308, False),
    "tiny": (0.0, 1e-310, False),
    "narrow": (1.0, 1.0 + 1e-15, False),
    "one": (3.0, 3.0, False),
    "zero": (0.0, 0.0, False),
}


@pytest.mark.parametrize("case", RANGES)
def test_the_whole_range_is_shown(case):
    """Both ends lie within the limits, near their edges, and there are labels."""
    low, high, log = RANGES[case]
    axis = Hyperparameter(name="x", kind="float", low=low, high=high, log=log)
    with theme():
        figure = Figure()
        axes = figure.subplots()
        set_scale(axes, axis)
        figure.draw_without_rendering()
        left, right = axes.get_xlim()
    first, last = coordinate(axis, low), coordinate(axis, high)
    assert -math.inf < left < first <= last < right < math.inf
    if axes.get_xscale() == "log":
        left, first, last, right = map(math.log10, (left, first, last, right))
    assert low == high or (first - left) / (last - first) < 0.06
    assert any(left <= tick <= right for tick in axes.get_xticks()) or axes.get_xscale() == "log"


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (1, 8, ("1", "8")),
        (1_700_000_000, 1_700_000_010, ("1700000000", "+10")),
        (10**18, 10**18 + 3, ("1000000000000000000", "+3")),
        (5, 5, ("5", "5")),
    ],
)
def test_bounds_that_read_alike_are_told_apart(low, high, texts):
    """Of whole numbers far from 0 the upper bound is written as a distance."""
    assert ends_text(Hyperparameter(name="n", kind="int", low=low, high=high)) == texts


def test_ordinary_ranges_have_matplotlibs_own_scales():
    """Choices too are drawn at their places, whatever they are."""
    assert not is_extreme(Hyperparameter(name="x", kind="float", low=1e-5, high=0.1, log=True))
    assert not is_extreme(Hyperparameter(name="x", kind="categorical", choices=(None, 1e308)))
    assert coordinate(Hyperparameter(name="x", kind="categorical", choices=(None, 1e308)), 1e308) == 1.0

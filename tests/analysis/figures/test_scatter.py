"""The axes of scatter plots, for ranges of any width."""

import math

import pytest
from matplotlib.figure import Figure

from analysis.figures.scatter import _scale
from analysis.loading.space import Hyperparameter


@pytest.mark.parametrize(("low", "high"), [(1e-4, 1.0), (1e-200, 1e200), (1e-300, 1e-299), (1e-306, 1e306)])
def test_logarithmic_axes_of_any_width(low, high):
    """The whole range is shown, with a margin that is a share of its decades, also where high / low is no double."""
    axes = Figure().subplots()
    _scale(axes, Hyperparameter(name="x", kind="float", low=low, high=high, log=True))
    left, right = axes.get_xlim()
    decades = math.log10(high) - math.log10(low)
    assert 0 < left < low < high < right < math.inf
    assert (math.log10(low) - math.log10(left)) / decades < 0.031

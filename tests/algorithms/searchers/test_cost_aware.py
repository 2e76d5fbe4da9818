"""Improvement per second and cost cooling."""

import warnings

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("botorch", reason="botorch is not installed: make adapters")
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    from algorithms.searchers.cost_aware import CostAware
    from algorithms.searchers.gaussian_process import GaussianProcess

from objectives.space import Space

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
LINE = Space({"x": stats.uniform(0, 1)})


def two_valleys(x):
    """Equal minima at 0.2 and 0.8."""
    return min((x - 0.2) ** 2, (x - 0.8) ** 2)


def places(searcher, count, seconds_of=lambda x: float(np.exp(5 * x))):
    """Where a search looks when trials take the more seconds the further right they are."""
    proposed = []
    for _ in range(count):
        config = searcher.sample_configuration()
        proposed.append(config["x"])
        info = {} if seconds_of is None else {"seconds": seconds_of(config["x"])}
        searcher.update(config, two_valleys(config["x"]), info)
    return proposed


def searcher(**options):
    return CostAware(LINE, rng=np.random.default_rng(0), **options)


def test_of_two_equal_valleys_the_cheap_one_is_searched():
    """Proposals of the model cost less in all than those that look at errors alone."""
    cheap = places(searcher(), 9)[5:]
    plain = places(GaussianProcess(LINE, rng=np.random.default_rng(0)), 9)[5:]
    assert sum(np.exp(5 * np.array(cheap))) < sum(np.exp(5 * np.array(plain)))


@pytest.mark.parametrize("seconds_of", [None, lambda x: 3.0])
def test_without_differences_in_cost_it_is_the_gaussian_process(seconds_of):
    """Unknown, equal or no seconds: the same proposals as those of `gp`."""
    plain = GaussianProcess(LINE, rng=np.random.default_rng(0))
    assert places(searcher(), 7, seconds_of) == places(plain, 7, seconds_of)


def test_cooling_goes_from_one_to_zero_with_what_is_spent():
    """The exponent is 1 at the first proposal of the model, half at half of the rest, and 0 from the end on."""
    cooled = searcher(variant="cooling", total_seconds=30)
    places(cooled, 6, lambda x: 2.0)  # Ten seconds at random, two of the model.
    assert cooled._exponent() == pytest.approx(18 / 20)
    places(cooled, 4, lambda x: 2.0)
    assert cooled._exponent() == pytest.approx(0.5)
    cooled.spent = 40.0
    assert cooled._exponent() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "colling"}, "variant = 'colling': need one of per_second, cooling"),
        ({"variant": "cooling"}, "total_seconds = None: goes with variant = 'cooling', which needs it"),
        ({"total_seconds": 5}, "total_seconds = 5: goes with variant = 'cooling'"),
        ({"variant": "cooling", "total_seconds": 0}, "total_seconds = 0: need a number above 0"),
        ({"variant": "cooling", "total_seconds": True}, "total_seconds = True: need a number above 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    """The message names the option, its value and the rule."""
    with pytest.raises(ValueError, match=message):
        searcher(**options)

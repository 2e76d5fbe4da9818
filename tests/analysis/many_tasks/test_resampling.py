"""The two-level bootstrap: which blocks are drawn, and with which weight."""

import numpy as np
import pytest

from analysis.many_tasks.resampling import limits, resampled, total, weights
from analysis.statistics.bootstrap import RESAMPLES, expanded

SIZES = (4, 6, 6, 3, 5, 2, 6)


def test_every_resample_draws_as_many_tasks_and_repetitions():
    """Drawn tasks have equal shares, and within one of them as many repetitions are drawn as it has."""
    found = weights(SIZES)
    assert found.shape == (1 + RESAMPLES, sum(SIZES))
    assert (found.sum(axis=1) == total(SIZES)).all()
    assert (found >= 0).all()
    starts = np.cumsum((0, *SIZES[:-1]))
    share = total(SIZES) / len(SIZES)
    times = np.add.reduceat(found, starts, axis=1) / share
    assert (times == np.round(times)).all()
    assert (times[0] == 1).all()
    assert times[1:].mean() == pytest.approx(1)
    assert times[1:].var(axis=0) == pytest.approx(1 - 1 / len(SIZES), abs=0.12)


def test_means_of_resamples_are_weighted_means():
    """The first is that of the sample; the variance is that of drawing at both levels, in closed form."""
    rng = np.random.default_rng(2)
    of_tasks = [rng.integers(0, 9, size=(size, 2)) / 2 for size in SIZES]
    found = resampled(np.concatenate(of_tasks), SIZES)
    means = np.array([values.mean(axis=0) for values in of_tasks])
    assert found[0] == pytest.approx(means.mean(axis=0))
    within = np.mean([values.var(axis=0) / len(values) for values in of_tasks], axis=0)
    assert found[1:].var(axis=0) == pytest.approx((means.var(axis=0) + within) / len(SIZES), rel=0.1)


def test_a_column_does_not_depend_on_its_neighbours():
    """To the bit: alone, with others and in another order."""
    blocks = np.random.default_rng(3).integers(0, 43, size=(sum(SIZES), 21)) / 2
    together = resampled(blocks, SIZES)
    assert (resampled(blocks[:, ::-1], SIZES)[:, ::-1] == together).all()
    assert (resampled(blocks[:, 5:6], SIZES) == together[:, 5:6]).all()


def test_limits_are_quantiles_at_the_expanded_level():
    """None for fewer than 6 tasks."""
    drawn = np.random.default_rng(4).normal(size=(1000, 2))
    tail = (1 - expanded(8)) / 2
    assert limits(drawn, 8) == pytest.approx(np.quantile(drawn, [tail, 1 - tail], axis=0).T)
    assert np.isnan(limits(drawn, 5)).all()

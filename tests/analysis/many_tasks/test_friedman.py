"""Friedman's and Nemenyi's tests on the worked example of Demšar (2006), and against SciPy and scikit-posthocs."""

import numpy as np
import pytest
from scipy import stats

from analysis.many_tasks.friedman import CRITICAL_DIFFERENCE, critical_difference, friedman, median_losses
from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import finals

AUC = np.array(
    [
        *([0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967]),
        *([0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931]),
        *([0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875]),
        *([1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669]),
        *([0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970]),
    ]
)
"""Demšar, JMLR 7 (2006), table 6: four variants of C4.5 on 14 data sets. On the one before the last the paper ranks two
that are printed alike second and third."""


def test_worked_example():
    """The mean ranks and the critical difference that the paper prints, and its two statistics before ties count."""
    found = friedman(-AUC)
    assert found.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    n, k = AUC.shape
    plain = 12 * n / (k * (k + 1)) * ((found.mean_ranks**2).sum() - k * (k + 1) ** 2 / 4)
    assert plain == pytest.approx(9.28, abs=5e-3)
    assert (n - 1) * plain / (n * (k - 1) - plain) == pytest.approx(3.69, abs=5e-3)
    assert (found.p_nemenyi > 0.05).all()


@pytest.mark.parametrize("seed", range(3))
def test_statistic_is_scipys(seed):
    """With ties, and p by Iman and Davenport's formula from it."""
    losses = np.random.default_rng(seed).integers(0, 5, size=(9, 4)) + np.array([0, 0, 1, 2])
    found = friedman(losses.astype(float))
    plain = stats.friedmanchisquare(*losses.T)
    assert [found.chi2, found.p_chi2] == pytest.approx([plain.statistic, plain.pvalue])
    f = 8 * plain.statistic / (9 * 3 - plain.statistic)
    assert [found.f, found.p] == pytest.approx([f, stats.f.sf(f, 3, 24)])


def test_nemenyi_is_that_of_scikit_posthocs():
    """For every two, and the critical difference parts them at 5 %."""
    posthocs = pytest.importorskip("scikit_posthocs")
    losses = np.random.default_rng(1).normal(size=(12, 5)) + np.arange(5) * 0.7
    found = friedman(losses)
    assert found.p_nemenyi == pytest.approx(posthocs.posthoc_nemenyi_friedman(losses).to_numpy(), abs=1e-9)
    apart = np.abs(found.mean_ranks[:, np.newaxis] - found.mean_ranks) > found.critical_difference
    assert (apart == (found.p_nemenyi < 0.05)).all()
    assert apart.any()


def test_all_alike_and_all_the_same_order():
    """Ties alone show nothing; one order on every task is as clear as it can be."""
    tied = friedman(np.ones((5, 3)))
    assert (tied.chi2, tied.p, tied.p_nemenyi.min()) == (0.0, 1.0, 1.0)
    clear = friedman(np.tile([1.0, 2.0, np.inf], (5, 1)))
    assert (clear.mean_ranks.tolist(), clear.f, clear.p) == ([1, 2, 3], np.inf, 0.0)


def test_medians_of_tasks():
    """Of finished runs; failed ones are infinite, and a task that one has not begun is left out."""
    nothing = [[0.1, 0.2, 0.4], [np.nan, np.nan, np.nan]]
    frame, ends = finals([[[0.3, 0.1, np.inf], [np.inf, np.inf, 0.1]], nothing, [[0.2, 0.3, np.nan], [0.1, 0.2, 0.6]]])
    tasks = read_tasks(frame, ends)
    losses = median_losses(tasks)
    assert losses.index.tolist() == ["task00", "task02"]
    assert losses.to_numpy() == pytest.approx(np.array([[0.3, np.inf], [0.25, 0.2]]))
    table = critical_difference(tasks)
    assert tuple(table.columns) == CRITICAL_DIFFERENCE
    assert table["mean_rank"].tolist() == [1.5, 1.5]
    assert critical_difference(tasks[:1]).empty

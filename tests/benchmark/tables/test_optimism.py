"""The optimism of selection against enumeration and simulation."""

import itertools

import numpy as np
import pytest

from tests.benchmark.tables.toy_table import write_toy_table
from tests.planted.optimism import chosen, optimism, optimism_of_seed, quantile


@pytest.mark.parametrize("errors", [[3.0, 1.0, 2.0], [2.0, 1.0, 1.0, 5.0], [4.0, 4.0, 4.0]])
@pytest.mark.parametrize("trials", [1, 2, 4])
def test_the_chosen_configuration_is_that_of_all_sequences(errors, trials):
    """Over every sequence of draws, the first of the best drawn is each configuration as often as the formula says."""
    counts = np.zeros(len(errors))
    for draws in itertools.product(range(len(errors)), repeat=trials):
        counts[min(draws, key=lambda config: errors[config])] += 1
    np.testing.assert_allclose(chosen(np.array(errors), trials), counts / counts.sum(), atol=1e-12)


def test_the_exact_value_is_that_of_simulated_runs(tmp_path):
    """4,000 simulated runs select on one seed and report on the others; their mean is within 3 standard errors."""
    errors = write_toy_table(tmp_path / "toy.npz").valid[:, :, -1]
    selected, others, _, _ = optimism_of_seed(errors, 1, 10)
    draws = np.random.default_rng(3).integers(len(errors), size=(4000, 10))
    winners = draws[np.arange(4000), errors[draws, 1].argmin(axis=1)]
    for exact, found in ((selected, errors[winners, 1]), (others, errors[winners][:, [0, 2]].mean(axis=1))):
        assert abs(found.mean() - exact) < 3 * found.std(ddof=1) / np.sqrt(4000)


def test_selection_is_optimistic_and_one_draw_is_not(tmp_path):
    """One draw selects nothing; of many the chosen value is better than what the others say, in both directions."""
    for goal in ("min", "max"):
        rows = list(optimism(write_toy_table(tmp_path / f"{goal}.npz", goal=goal), goal))
        assert [row["trials"] for row in rows] == [1, 10, 100, 1000]
        assert rows[0]["optimism"] == 0
        assert rows[0]["selected"] == pytest.approx(rows[0]["others"])
        sign = 1 if goal == "max" else -1
        assert sign * rows[-1]["selected"] > sign * rows[-1]["others"]
        assert rows[-1]["optimism"] == pytest.approx(abs(rows[-1]["others"] - rows[-1]["selected"]))


def test_a_table_of_one_seed_says_nothing(tmp_path):
    """Without a second seed there is nothing to report on."""
    with pytest.raises(ValueError, match="need at least two seeds"):
        list(optimism(write_toy_table(tmp_path / "a.npz", (3, 2, 1)), "a"))


def test_quantiles_of_weighted_values():
    """The least value at or below which the share lies."""
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([0.2, 0.5, 0.3])
    assert [quantile(values, weights, share) for share in (0.0, 0.5, 0.6, 0.8, 1.0)] == [1.0, 1.0, 2.0, 2.0, 3.0]

"""The kernel density searcher: its densities, its split, and what it finds."""

import copy
import math

import numpy as np
import pytest
from scipy import stats

from algorithms.searchers.kde import LEAST_DENSITY, KernelDensity, ProductKernel
from algorithms.searchers.random_search import RandomSearch
from objectives.closed_form.functions import Branin
from objectives.space import FIDELITY, Categorical, Condition, Space
from tests.algorithms.driving import proposals

FLOOR = 1e-3
LINE = Space({"x": stats.uniform(0, 1)})
CHOICES = Space({"x": stats.uniform(0, 1), "act": Categorical(["a", "b", "c"]), "flag": Categorical([True, False])})
CONDITIONAL = Space(
    {"layers": stats.randint(1, 4), "two": stats.uniform(0, 1), "three": stats.uniform(0, 1)},
    conditions={"two": Condition(parent="layers", values=(2, 3)), "three": Condition(parent="layers", values=(3,))},
)


def searcher(space=LINE, seed=0, **options):
    return KernelDensity(space, rng=np.random.default_rng(seed), **options)


def search(space, trials, error_of, seed=0, **options):
    return proposals(searcher(space, seed, **options), trials, error_of)


def places(count, seed=0):
    """Places in the cube of CHOICES: one numeric axis, three choices, two."""
    rng = np.random.default_rng(seed)
    codes = rng.integers([3, 2], size=(count, 2))
    return np.column_stack([rng.random(count), (codes + 0.5) / [3, 2]])


# Densities


def test_densities_are_those_of_statsmodels():
    """With the same bandwidths, product kernels of both kinds agree with KDEMultivariate."""
    nonparametric = pytest.importorskip(
        "statsmodels.nonparametric.api", reason="statsmodels.nonparametric.api is not installed: make setup"
    )
    data, asked = places(40), places(25, seed=1)
    ours = ProductKernel(data, np.array([0, 3, 2]), FLOOR)

    def coded(points):
        return np.column_stack([points[:, 0], np.floor(points[:, 1] * 3), np.floor(points[:, 2] * 2)])

    bandwidths = np.concatenate([ours.bandwidths, ours.mixing])
    theirs = nonparametric.KDEMultivariate(coded(data), var_type="cuu", bw=bandwidths, rng=np.random.default_rng())
    assert ours.density(asked) == pytest.approx(theirs.pdf(coded(asked)), rel=1e-12)


def test_bandwidths_are_the_normal_reference():
    """Numeric axes and choices of two have the bandwidths that statsmodels would give them."""
    nonparametric = pytest.importorskip(
        "statsmodels.nonparametric.api", reason="statsmodels.nonparametric.api is not installed: make setup"
    )
    data = places(40)
    ours = ProductKernel(data, np.array([0, 3, 2]), FLOOR)
    coded = np.column_stack([data[:, 0], np.floor(data[:, 1] * 3), np.floor(data[:, 2] * 2)])
    theirs = nonparametric.KDEMultivariate(coded, var_type="cuu", bw="normal_reference", rng=np.random.default_rng()).bw
    assert ours.bandwidths[0] == pytest.approx(theirs[0], rel=1e-12)
    assert ours.mixing[1] == pytest.approx(theirs[2], rel=1e-12)


def test_the_order_of_choices_does_not_matter():
    """Choices in another order have the same bandwidth and the same densities."""
    data, asked, turned = places(40), places(10, seed=1), np.array([2, 0, 1])

    def moved(points):
        points = points.copy()
        points[:, 1] = (turned[(points[:, 1] * 3).astype(int)] + 0.5) / 3
        return points

    one, other = (ProductKernel(points, np.array([0, 3, 2]), FLOOR) for points in (data, moved(data)))
    assert one.mixing == pytest.approx(other.mixing)
    assert one.density(asked) == pytest.approx(other.density(moved(asked)))


def test_bandwidths_have_limits():
    """Equal values have the least bandwidth; choices never weigh another more than their own."""
    same = ProductKernel(np.full((5, 3), 0.5), np.array([0, 3, 2]), FLOOR)
    assert same.bandwidths.tolist() == [FLOOR]
    assert same.mixing.tolist() == [FLOOR, FLOOR]
    spread = ProductKernel(np.array([[0.1, 0.1, 0.25], [0.9, 0.9, 0.75]]), np.array([0, 3, 2]), FLOOR)
    assert (spread.mixing <= [2 / 3, 1 / 2]).all()


def test_candidates_are_of_truncated_widened_kernels():
    """Around one point they follow scipy's truncated normal distribution of three bandwidths."""
    kernel = ProductKernel(np.array([[0.1], [0.1]]), np.array([0]), FLOOR)
    kernel.bandwidths[:] = 0.1
    drawn = kernel.candidates(2000, 3.0, np.random.default_rng(0))[:, 0]
    expected = stats.truncnorm(-0.1 / 0.3, 0.9 / 0.3, loc=0.1, scale=0.3)
    assert drawn.min() >= 0
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.01
    assert stats.kstest(drawn, stats.truncnorm(-1, 9, loc=0.1, scale=0.1).cdf).pvalue < 1e-6


def test_candidates_change_a_choice_as_often_as_the_kernel_mixes():
    """With probability h a choice is drawn anew among all, so h (k - 1) / k of them change."""
    kernel = ProductKernel(np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([0, 3]), FLOOR)
    kernel.mixing[:] = 0.6
    drawn = kernel.candidates(5000, 3.0, np.random.default_rng(0))[:, 1]
    assert set(drawn.tolist()) == {0.5 / 3, 1.5 / 3, 2.5 / 3}
    assert np.mean(drawn != 0.5) == pytest.approx(0.4, abs=0.03)


# The split


def told(count, **options):
    """A searcher that was told that the greater x, the worse, in random order."""
    found = searcher(**options)
    for i in np.random.default_rng(0).permutation(count):
        found.update({"x": (int(i) + 0.5) / count}, float(i))
    return found


@pytest.mark.parametrize(
    ("count", "n_good", "n_bad"),
    [(4, 2, 2), (13, 2, 11), (20, 3, 17), (40, 6, 34), (300, 45, 255)],
)
def test_the_split_is_equation_3(count, n_good, n_bad):
    """In one dimension N_min is 2: N_l = max(2, 0.15 N), N_g = max(2, N - N_l), best and worst ones."""
    good, bad = told(count)._fit()
    middles = [(i + 0.5) / count for i in range(count)]
    assert sorted(good.points[:, 0]) == pytest.approx(middles[:n_good])
    assert sorted(bad.points[:, 0]) == pytest.approx(middles[-n_bad:])


def test_few_results_are_in_both_densities():
    """Of N_min + 2 results with N_min = 3, the middle one is among the best and the worst three."""
    good, bad = told(5, min_points=3)._fit()
    assert sorted(good.points[:, 0]) == pytest.approx([0.1, 0.3, 0.5])
    assert sorted(bad.points[:, 0]) == pytest.approx([0.5, 0.7, 0.9])


def test_a_model_needs_enough_results():
    """With fewer than N_min + 2 results proposals are random."""
    assert told(3)._fit() is None
    few, random_fraction_1 = (told(3, random_fraction=fraction) for fraction in (0.0, 1.0))
    assert few.sample_configuration() == random_fraction_1.sample_configuration()


def test_the_proposal_has_the_greatest_ratio():
    """Of the candidates the one of the greatest l / g is proposed."""
    found = told(30, random_fraction=0.0)
    twin = copy.deepcopy(found)
    proposed = found.sample_configuration()
    twin.rng.random()
    good, bad = twin._fit()
    candidates = good.candidates(64, 3.0, twin.rng)
    ratio = np.maximum(good.density(candidates), LEAST_DENSITY) / np.maximum(bad.density(candidates), LEAST_DENSITY)
    assert proposed == LINE.decode(candidates[np.argmax(ratio)])


def test_one_proposal_in_three_is_random():
    """Where good results are in one corner, a third of the proposals is spread over all."""
    found = told(300)
    proposed = np.array([found.sample_configuration()["x"] for _ in range(900)])
    assert np.mean(proposed > 0.5) == pytest.approx(1 / 3 / 2, abs=0.04)


def test_the_largest_fidelity_with_enough_results_is_modelled():
    """Low fidelities that say the opposite are forgotten once N_min + 2 results of a higher one are in."""
    found = searcher(random_fraction=0.0)
    for i in range(40):
        found.update({"x": (i + 0.5) / 40, FIDELITY: 1}, float(i))
    assert found.sample_configuration()["x"] < 0.5
    for i in range(0, 40, 4):
        found.update({"x": (i + 0.5) / 40, FIDELITY: 9}, float(-i))
    assert np.mean([found.sample_configuration()["x"] for _ in range(10)]) > 0.5


def test_crashed_trials_are_among_the_worst():
    """Where half of the line crashes, the model proposes the other half."""
    found = searcher(random_fraction=0.0)
    for i in range(40):
        found.update({"x": (i + 0.5) / 40}, math.inf if i < 20 else 1.0)
    assert all(found.sample_configuration()["x"] > 0.4 for _ in range(20))


# Conditional spaces


def test_missing_values_are_those_of_others():
    """A missing value comes from a configuration that has it, values that go together from the same one."""
    points = np.array([[0.5, 0.5, 0.5], [0.9, 0.1, 0.2], [0.9, 0.3, 0.4]])
    active = np.array([[True, False, False], [True, True, True], [True, True, True]])
    for seed in range(10):
        filled = searcher(CONDITIONAL, seed)._imputed(points, active)
        assert filled[0].tolist() in ([0.5, 0.1, 0.2], [0.5, 0.3, 0.4])
        assert filled[1:].tolist() == points[1:].tolist()
    assert points[0].tolist() == [0.5, 0.5, 0.5]


def test_values_that_nobody_has_are_random():
    """Without a donor a missing value is drawn from the whole axis."""
    points, active = np.full((50, 3), 0.5), np.tile([True, True, False], (50, 1))
    filled = searcher(CONDITIONAL)._imputed(points, active)
    assert filled[:, :2].tolist() == points[:, :2].tolist()
    assert np.unique(filled[:, 2]).size == 50


def test_conditional_spaces_are_searched():
    """Proposals are canonical, and the best number of layers prevails."""
    configs = search(CONDITIONAL, 60, lambda config: abs(config["layers"] - 3) + abs(config.get("three", 0) - 0.2))
    assert all(CONDITIONAL.check(config) == config for config in configs)
    assert sum(config["layers"] == 3 for config in configs[30:]) > 15


# The search


@pytest.mark.slow
def test_it_beats_random_search_on_branin():
    """Over 30 seeds without noise its final regret is less in most, and in the mean less than half as much."""
    branin, trials = Branin(), 120
    ours, randoms = [], []
    for seed in range(30):
        random_search = RandomSearch(branin.space, rng=np.random.default_rng([seed, 1]))
        randoms.append(min(branin.value(random_search.sample_configuration()) for _ in range(trials)))
        ours.append(min(map(branin.value, search(branin.space, trials, branin.value, seed))))
    regret, random_regret = np.array(ours) - branin.optimum, np.array(randoms) - branin.optimum
    assert np.mean(regret) < np.mean(random_regret) / 2
    assert np.mean(regret < random_regret) > 2 / 3


@pytest.mark.parametrize("error_of", [lambda config: 0.9, lambda config: math.inf, lambda config: round(config["x0"])])
@pytest.mark.parametrize("dimensions", [1, 10])
def test_hard_results_are_survived(dimensions, error_of):
    """Ties and crashes in 1 and in 10 dimensions, 300 results: every proposal is in the space and new."""
    space = Space({f"x{i}": stats.uniform(0, 1) for i in range(dimensions)})
    configs = search(space, 300, error_of)
    assert all(space.check(config) == config for config in configs)
    assert len({str(config) for config in configs}) == 300


def test_a_small_space_is_used_up_before_anything_is_repeated_by_the_model():
    """The model repeats nothing while a candidate is new, and goes on when all is known."""
    space = Space({"a": stats.randint(0, 4), "b": Categorical(["u", "v", "w"])})
    configs = search(space, 60, lambda config: config["a"], random_fraction=0.0)
    assert len({str(config) for config in configs}) == 12


def test_duplicates_among_results_are_survived():
    """The same configuration told many times leaves the least bandwidth, not none."""
    found = searcher(CHOICES, random_fraction=0.0)
    for i in range(50):
        found.update({"x": 0.5, "act": "a", "flag": True}, float(i % 3))
    assert all(CHOICES.check(config) == config for config in (found.sample_configuration() for _ in range(20)))


def test_the_default_comes_first_and_stays_as_it_is():
    """The initial configuration is the first proposal, in a dict of its own."""
    default = {"x": 0.25}
    found = searcher(initial_config=default)
    first = found.sample_configuration()
    assert first == default
    assert first is not default
    assert found.sample_configuration() != default


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("min_points", 0),
        ("min_points", 2.0),
        ("num_samples", True),
        ("top_fraction", 0.0),
        ("top_fraction", 1),
        ("random_fraction", 1.5),
        ("random_fraction", "half"),
        ("bandwidth_factor", 0),
        ("bandwidth_factor", math.inf),
    ],
)
def test_bad_options_are_refused(option, value):
    """The message names the option and its value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}: need"):
        searcher(**{option: value})

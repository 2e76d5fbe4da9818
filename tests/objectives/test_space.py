"""Spaces: the maps to and from the unit cube, sampling, and what is refused."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from objectives.space import FIDELITY, Categorical, Space
from tests.objectives.mixed_space import MIXED

CLOSED_FORMS = {
    "uniform": stats.uniform(-5, 15),
    "uniform_far": stats.uniform(100, 0.5),
    "loguniform": stats.loguniform(1e-4, 1),
    "loguniform_scaled": stats.loguniform(1e-3, 1e3, scale=2.5),
}


INTEGERS = {
    "randint": stats.randint(32, 256),
    "randint_negative": stats.randint(-7, 8),
    "randint_moved": stats.randint(1, 5, loc=10),
    "one_value": stats.randint(3, 4),
    "binom": stats.binom(12, 0.3),
    "poisson": stats.poisson(4.0),
    "skellam": stats.skellam(3, 5),
    "own": stats.rv_discrete(values=([1, 5, 9], [0.2, 0.3, 0.5]))(),
}


GENERIC = {
    "norm": stats.norm(3, 2),
    "truncnorm": stats.truncnorm(-1, 2, loc=5, scale=3),
    "beta": stats.beta(2, 5),
    "expon": stats.expon(scale=0.1),
    "loguniform_moved": stats.loguniform(1e-3, 1, loc=2.0),
}


CHOICES = ("relu", "tanh", 3, 2.5, True)


FLOATS = CLOSED_FORMS | GENERIC


MODEST = settings(derandomize=True, deadline=None, max_examples=60)


def of(table):
    return pytest.mark.parametrize("distribution", table.values(), ids=table)


def drawn(distribution, count, seed=0):
    """Values of one hyperparameter as a space samples them."""
    space, rng = Space({"x": distribution}), np.random.default_rng(seed)
    return [space.sample(rng)["x"] for _ in range(count)]


# The maps


@of(CLOSED_FORMS)
def test_continuous_closed_forms_are_scipys(distribution):
    """The closed forms are the cdf and the inverse cdf of the distribution."""
    space = Space({"x": distribution})
    units = np.concatenate([[0.0, 1.0, 1e-9, 1 - 1e-9], np.random.default_rng(1).random(500)])
    values = np.array([space.decode(np.array([unit]))["x"] for unit in units])
    np.testing.assert_allclose(values, distribution.ppf(units), rtol=1e-12, atol=0)
    encoded = [space.encode({"x": float(value)})[0] for value in values]
    np.testing.assert_allclose(encoded, distribution.cdf(values), rtol=0, atol=1e-12)


@of(GENERIC)
def test_any_continuous_distribution_maps_by_its_own_cdf(distribution):
    """A distribution without a closed form here is mapped by scipy."""
    space = Space({"x": distribution})
    for unit in np.random.default_rng(2).random(50):
        value = space.decode(np.array([unit]))["x"]
        assert value == pytest.approx(distribution.ppf(unit), rel=1e-12)
        assert space.encode({"x": value})[0] == pytest.approx(distribution.cdf(value), abs=1e-12)


@of(INTEGERS)
def test_an_integers_place_is_the_middle_of_its_cell(distribution):
    """Integers are encoded half way between cdf(k - 1) and cdf(k), and decoded as scipy's ppf does."""
    space = Space({"x": distribution})
    for value in sorted(set(drawn(distribution, 200))):
        middle = (distribution.cdf(value - 1) + distribution.cdf(value)) / 2
        assert space.encode({"x": value})[0] == pytest.approx(middle, abs=1e-12)
    for unit in np.random.default_rng(3).random(300):
        assert space.decode(np.array([unit]))["x"] == distribution.ppf(unit)


def test_a_choices_place_is_the_middle_of_its_cell():
    """The choices share the unit interval evenly."""
    space = Space({"x": Categorical(CHOICES)})
    assert [space.encode({"x": choice})[0] for choice in CHOICES] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


@of(INTEGERS | {"choice": Categorical(CHOICES)})
def test_discrete_values_come_back_exactly(distribution):
    """decode(encode(c)) == c for every discrete value that is ever drawn."""
    space = Space({"x": distribution})
    for value in drawn(distribution, 2000):
        assert space.decode(space.encode({"x": value})) == {"x": value}


@of(FLOATS)
def test_floats_come_back_to_rounding(distribution):
    """decode(encode(c)) is c up to what a double in [0, 1] can carry."""
    space = Space({"x": distribution})
    for value in drawn(distribution, 2000 if distribution in CLOSED_FORMS.values() else 200):
        unit = space.encode({"x": value})
        room = 4e-16 / distribution.pdf(value) + 1e-13 * abs(value)  # one unit of the last place, mapped back
        assert space.decode(unit)["x"] == pytest.approx(value, rel=0, abs=room)


@of(FLOATS | INTEGERS)
def test_the_edges_of_the_cube_are_inside_the_space(distribution):
    """0 and 1 decode to finite values of the space, endless tails included, and encode into the cube."""
    space = Space({"x": distribution})
    for unit in (0.0, 1.0):
        config = space.decode(np.array([unit]))
        assert math.isfinite(config["x"])
        assert space.check(config) == config
        assert 0 <= space.encode(config)[0] <= 1


@of(CLOSED_FORMS | {"randint": INTEGERS["randint"]})
def test_the_edges_are_the_distributions(distribution):
    """Least and greatest value are reached."""
    space = Space({"x": distribution})
    reached = [space.decode(np.array([unit]))["x"] for unit in (0.0, 1.0)]
    assert reached == pytest.approx(distribution.support(), rel=1e-14)


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
@MODEST
def test_log_edges_encode_into_the_cube(one, other):
    """Rounding never puts the edge of a log-uniform range outside [0, 1]."""
    low, high = sorted((one, other))
    if high <= low * 1.0001:
        return
    space = Space({"x": stats.loguniform(low, high)})
    assert space.encode({"x": low})[0] == 0
    assert 1 - 1e-12 < space.encode({"x": high})[0] <= 1


@given(st.lists(st.floats(0, 1), min_size=len(MIXED), max_size=len(MIXED)))
@MODEST
def test_any_point_of_the_cube_is_a_native_configuration(units):
    """Every point decodes to a configuration that passes check unchanged, with Python's own types."""
    config = MIXED.decode(np.array(units))
    assert list(config) == list(MIXED)
    assert MIXED.check(config) == config
    assert [type(value) for value in config.values()] == [float, float, int, int, float, str, bool]
    unit = MIXED.encode(config)
    assert ((unit >= 0) & (unit <= 1)).all()


@pytest.mark.slow
def test_thousands_of_mixed_configurations_come_back():
    """decode(encode(c)) == c for random configurations over every kind of hyperparameter."""
    rng = np.random.default_rng(4)
    for _ in range(1000):
        config = MIXED.sample(rng)
        back = MIXED.decode(MIXED.encode(config))
        floats = [name for name, value in config.items() if isinstance(value, float)]
        assert [back[name] for name in floats] == pytest.approx([config[name] for name in floats], rel=1e-12)
        assert back | {name: config[name] for name in floats} == config


# Sampling


@of(FLOATS)
def test_floats_have_the_distributions_law(distribution):
    """Kolmogorov-Smirnov finds no difference between samples and their distribution."""
    values = drawn(distribution, 4000 if distribution in CLOSED_FORMS.values() else 800)
    assert stats.kstest(values, distribution.cdf).pvalue > 1e-3


@of({name: law for name, law in INTEGERS.items() if name != "one_value"})
def test_integers_have_the_distributions_law(distribution):
    """A chi-square test finds no difference between samples and their distribution."""
    values = np.array(drawn(distribution, 3000))
    cuts = np.unique(distribution.ppf(np.linspace(0.1, 0.9, 9)))
    expected = np.diff([0.0, *distribution.cdf(cuts), 1.0]) * len(values)
    observed = np.bincount(np.searchsorted(cuts, values), minlength=len(cuts) + 1)
    kept = expected > 1e-9
    assert observed[~kept].sum() == 0
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > 1e-3


def test_choices_are_equally_likely():
    """A chi-square test finds no preference among choices."""
    values = drawn(Categorical(CHOICES), 3000)
    assert stats.chisquare([values.count(choice) for choice in CHOICES]).pvalue > 1e-3


def test_hyperparameters_are_drawn_independently():
    """Samples of two hyperparameters do not move together."""
    rng = np.random.default_rng(5)
    configs = [MIXED.sample(rng) for _ in range(1000)]
    assert stats.spearmanr([c["rate"] for c in configs], [c["width"] for c in configs]).pvalue > 1e-3


def test_sampling_is_a_function_of_the_generator():
    """The same generator gives the same configurations."""
    one, other = np.random.default_rng(6), np.random.default_rng(6)
    assert [MIXED.sample(one) for _ in range(20)] == [MIXED.sample(other) for _ in range(20)]


def test_resampling_draws_one_hyperparameter_anew():
    """The named hyperparameter alone changes, by its own law, in a copy."""
    rng = np.random.default_rng(7)
    config = MIXED.sample(rng)
    kept = dict(config)
    fresh = [MIXED.resample(config, "rate", rng) for _ in range(1000)]
    assert config == kept
    assert all({**other, "rate": config["rate"]} == config for other in fresh)
    assert stats.kstest([other["rate"] for other in fresh], MIXED["rate"].cdf).pvalue > 1e-3


def test_copies_bound_to_a_generator():
    """bound_to gives copies whose rvs draws from the generator alone; the originals stay as they are."""
    before = {name: value.random_state for name, value in MIXED.items()}
    one, other = (MIXED.bound_to(np.random.default_rng(8)) for _ in range(2))
    first = [{name: value.rvs() for name, value in one.items()} for _ in range(10)]
    second = [{name: value.rvs() for name, value in other.items()} for _ in range(10)]
    assert first == second
    assert len({config["rate"] for config in first}) == 10
    assert all(MIXED.check(config) for config in first)
    assert {name: value.random_state for name, value in MIXED.items()} == before
    assert all(one[name] is not MIXED[name] for name in MIXED)


def test_bound_copies_have_the_distributions_law():
    """What third-party code draws from a bound copy follows the same law."""
    bound = MIXED.bound_to(np.random.default_rng(9))
    assert stats.kstest([bound["rate"].rvs() for _ in range(1000)], MIXED["rate"].cdf).pvalue > 1e-3
    choices = [bound["activation"].rvs() for _ in range(900)]
    assert stats.chisquare([choices.count(name) for name in MIXED["activation"].choices]).pvalue > 1e-3


# Levels and descriptions


def test_levels_are_even_in_probability():
    """Levels are the middles of equal cells: evenly spread for uniform, geometric for log-uniform."""
    space = Space({"u": stats.uniform(0, 1), "l": stats.loguniform(1e-4, 1), "i": stats.randint(0, 100)})
    assert space.levels("u", 4) == pytest.approx([0.125, 0.375, 0.625, 0.875])
    assert space.levels("l", 4) == pytest.approx([10**-3.5, 10**-2.5, 10**-1.5, 10**-0.5])
    assert space.levels("i", 4) == [12, 37, 62, 87]


def test_levels_repeat_nothing():
    """Few integers, choices and skewed laws give each value once."""
    space = Space({"i": stats.randint(3, 6), "c": Categorical(CHOICES), "b": stats.binom(10, 0.01)})
    assert space.levels("i", 10) == [3, 4, 5]
    assert space.levels("c", 2) == list(CHOICES)
    assert space.levels("b", 5) == [0]


def test_describe_is_json():
    """A description holds kinds, finite bounds and scales, also of endless distributions."""
    assert MIXED.describe()["rate"] == {"kind": "float", "low": 1e-4, "high": 1.0, "log": True}
    assert MIXED.describe()["width"] == {"kind": "int", "low": 8, "high": 1024, "log": False}
    assert MIXED.describe()["nesterov"] == {"kind": "categorical", "choices": [True, False]}
    assert Space({"x": stats.norm()}).describe()["x"]["high"] == pytest.approx(8.2, abs=0.1)
    assert Space({"n": stats.poisson(4)}).describe()["n"]["low"] == 0


def test_a_space_is_a_mapping_of_its_distributions():
    """Code written for the book's plain dict keeps working."""
    assert dict(MIXED)["rate"] is MIXED["rate"]
    assert list(MIXED) == ["rate", "momentum", "width", "layers", "scale", "activation", "nesterov"]
    assert "rate" in MIXED
    assert FIDELITY not in MIXED


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda space: pickle.loads(pickle.dumps(space))])
def test_copies_sample_alike(clone):
    """A copied or pickled space is the same space."""
    other = clone(MIXED)
    one, two = np.random.default_rng(10), np.random.default_rng(10)
    assert [MIXED.sample(one) for _ in range(5)] == [other.sample(two) for _ in range(5)]

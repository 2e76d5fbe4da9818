"""Ordinals, finite spaces, and objectives on a grid."""

import itertools
import pickle

import numpy as np
import pytest
from scipy import stats

from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form.functions import Branin
from objectives.derived.derived import Derived
from objectives.derived.discretised import Discretised
from objectives.hyperparameter import Condition, Ordinal
from objectives.objective import Machine, Objective
from objectives.space import Categorical, Space
from tests.objectives.conditional_spaces import LAYERS, is_canonical, on_every_space, sample_configs

# Ordinals


def test_an_ordinals_place_is_the_middle_of_its_cell():
    """Equal cells in order, and back."""
    space = Space({"x": Ordinal([1, 2, 4, 8])})
    assert [space.encode({"x": value})[0] for value in (1, 2, 4, 8)] == pytest.approx([0.125, 0.375, 0.625, 0.875])
    assert [space.decode(np.array([unit]))["x"] for unit in (0.0, 0.25, 0.5, 0.999, 1.0)] == [1, 2, 4, 8, 8]
    axis = space.axes["x"]
    assert (axis.kind, axis.choices, axis.plain, axis.low, axis.log) == ("ordinal", (1, 2, 4, 8), True, None, False)


def test_ordinals_are_equally_likely():
    """A chi-square test finds no preference among values."""
    values = [config["x"] for config in sample_configs(Space({"x": Ordinal([0.1, 1.0, 10.0])}), 2000)]
    assert stats.chisquare([values.count(value) for value in (0.1, 1.0, 10.0)]).pvalue > 1e-3


def test_ordinals_check_the_type():
    """What is equal but no number is not one of the values; other types of numbers become the value's own."""
    space = Space({"x": Ordinal([1, 2, 4])})
    for wrong in (3, 1.5, True, "1", None, 8):
        with pytest.raises(ValueError, match=r"x = .*: not one of \[1, 2, 4\]"):
            space.check({"x": wrong})
    assert [type(space.check({"x": two})["x"]) for two in (np.int32(2), 2.0)] == [int, int]
    assert Ordinal(np.array([8, 16])).choices == (8, 16)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "ordinal values: got none"),
        ([1, 1], "two are equal"),
        ([2, 1], "they do not increase"),
        ([1, 3, 2], "they do not increase"),
        ([1, 2.0], "need all integers or all floats"),
        ([False, True], "need all integers or all floats"),
        (["a", "b"], "need all integers or all floats"),
        ([0.0, float("nan")], "not finite"),
    ],
)
def test_unusable_ordinals(values, says):
    """Values without an order, or of two types, are refused."""
    with pytest.raises(ValueError, match=says):
        Ordinal(values)


# Finite spaces


def test_the_levels_of_a_finite_space():
    """Numbers become the middles of equal cells, listed values stay, parents keep every value."""
    space = Space(
        {
            "rate": stats.loguniform(1e-4, 1),
            "layers": stats.randint(1, 7),
            "width": stats.randint(0, 100),
            "activation": Categorical(["relu", "tanh", "gelu"]),
            "scale": Ordinal([1.0, 2.0]),
        },
        {"width": Condition(parent="layers", values=(2, 6))},
    )
    finite = space.discretised(2)
    assert finite.axes["rate"].choices == pytest.approx((0.01**1.5, 0.01**0.5))
    assert finite.axes["layers"].choices == (1, 2, 3, 4, 5, 6)
    assert finite.axes["width"].choices == (25, 75)
    assert finite.axes["activation"].choices == ("relu", "tanh", "gelu")
    assert finite.axes["scale"].choices == (1.0, 2.0)
    kinds = [finite.axes[name].kind for name in finite]
    assert kinds == ["ordinal", "ordinal", "ordinal", "categorical", "ordinal"]
    assert finite.conditions == space.conditions


@on_every_space
def test_a_finite_configuration_is_one_of_the_whole_space(space):
    """Samples and corners of the finite space pass the whole space's check unchanged."""
    finite = space.discretised(3)
    for config in sample_configs(finite, 100):
        assert is_canonical(finite, config)
        assert is_canonical(space, config)


def test_a_finite_space_is_finite():
    """3 rates and widths: 3 * (3 + 9 + 27) configurations of one to three layers, all of them sample_configs."""
    finite = LAYERS.discretised(3)
    found = {tuple(config.items()) for config in sample_configs(finite, 4000)}
    assert len(found) == 3 * (3 + 9 + 27)


def test_unlikely_values_of_a_parent_stay():
    """What a condition names is there however unlikely it was."""
    space = Space(
        {"layers": stats.binom(4, 0.01), "width": stats.uniform()}, {"width": Condition(parent="layers", values=(4,))}
    )
    finite = space.discretised(2)
    assert finite.axes["layers"].choices == (0, 1, 2, 3, 4)
    assert finite.check({"layers": 4, "width": 0.25}) == {"layers": 4, "width": 0.25}


def test_a_discretised_space_once_more_is_the_same():
    """Listed values are not thinned out."""
    finite = LAYERS.discretised(4)
    assert finite.discretised(2).describe() == finite.describe()


# Objectives on a grid


DISCRETE = {
    "mlp": Discretised(inner=MLP(epochs=2), levels=3),
    "softmax": Discretised(inner=SoftmaxRegression(epochs=2), levels=5),
    "branin": Discretised(inner=Branin(), levels=4),
}


every_grid = pytest.mark.parametrize("objective", DISCRETE.values(), ids=DISCRETE)


@every_grid
def test_the_default_is_on_the_grid(objective):
    """The nearest point in the unit cube, or none where there is none."""
    if objective.inner.default is None:
        assert objective.default is None
        return
    assert objective.space.check(objective.default) == objective.default
    for name, value in objective.default.items():
        place = objective.inner.space.axes[name].encode(objective.inner.default[name])
        distances = {
            choice: abs(objective.inner.space.axes[name].encode(choice) - place)
            for choice in objective.space.axes[name].choices
        }
        assert distances[value] == min(distances.values())


@every_grid
def test_a_grids_trial_is_the_whole_spaces(objective, one_thread):
    """The same configuration and seed train as they do without a grid, alone and in slots."""
    config, seed = objective.space.sample(np.random.default_rng(1)), np.random.SeedSequence(4)
    epochs = min(objective.max_epochs, 2)
    curves = [
        [epoch.valid_error for epoch in itertools.islice(one.train(config, seed, Machine()), epochs)]
        for one in (objective, objective.inner)
    ]
    assert curves[0] == curves[1]
    stack = objective.stack(Machine(), 2)
    assert (stack is not None) == objective.stackable == objective.inner.stackable
    if stack is not None:
        stack.admit("it", config, seed)
        assert [epoch.valid_error for _, epoch in stack.advance()] == curves[0][:1]


@every_grid
def test_a_grid_hides_nothing_of_its_objective(objective):
    """Every property and method of an objective is the inner one's, but for the space and the default."""
    public = {name for name in vars(Objective) if not name.startswith("_")}
    follows = {"task"}  # From metrics and constraints.
    assert public - follows - set(vars(Discretised)) - set(vars(Derived)) == set()
    config = objective.space.sample(np.random.default_rng(2))
    for name in ("max_epochs", "chance_error", "stackable", "nominal_seconds"):
        assert getattr(objective, name) == getattr(objective.inner, name)
    assert objective.cost_terms(config) == objective.inner.cost_terms(config)
    assert objective.cost_options({"data": "digits"}) == objective.inner.cost_options({"data": "digits"})
    assert objective.arithmetic(Machine(), stacked=True) == objective.inner.arithmetic(Machine(), stacked=True)


@every_grid
def test_objectives_on_a_grid_are_values(objective):
    """Equal when their options are, hashable, picklable; the space is made once."""
    clone = pickle.loads(pickle.dumps(objective))
    assert clone == objective
    assert hash(clone) == hash(objective)
    assert clone != Discretised(inner=objective.inner, levels=objective.levels + 1)
    assert objective.space is objective.space
    assert clone.space.describe() == objective.space.describe()


def test_the_books_call_is_checked_against_the_grid(one_thread):
    """A value between the levels is refused."""
    objective = DISCRETE["softmax"]
    rate = objective.space.axes["learning_rate"].choices[2]
    assert objective(learning_rate=rate) == objective.inner(learning_rate=rate)
    with pytest.raises(ValueError, match=r"learning_rate = 0\.1: not one of"):
        objective(learning_rate=0.1)

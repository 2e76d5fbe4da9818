"""Conditional and finite spaces: what counts, and that a configuration has one spelling."""

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form.functions import Branin
from objectives.derived.derived import Derived
from objectives.derived.discretised import Discretised
from objectives.hyperparameter import Condition, Ordinal
from objectives.objective import Machine, Objective
from objectives.space import FIDELITY, Categorical, Space

LAYERS = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "width_1": stats.randint(8, 65),
        "width_2": stats.randint(8, 65),
        "width_3": stats.randint(8, 65),
    },
    conditions={
        "width_2": Condition(parent="layers", values=(2, 3)),
        "width_3": Condition(parent="layers", values=(3,)),
    },
)
NESTED = Space(
    {
        "optimizer": Categorical(["sgd", "adam"]),
        "nesterov": Categorical([True, False]),
        "momentum": stats.uniform(0, 0.9),
        "scale": Ordinal([0.5, 1.0, 2.0]),
        "offset": stats.norm(0, 1),
    },
    conditions={
        "offset": Condition(parent="scale", values=(2.0,)),  # in any order
        "nesterov": Condition(parent="optimizer", values=("sgd",)),
        "momentum": Condition(parent="nesterov", values=(True,)),
    },
)
SPACES = {"layers": LAYERS, "nested": NESTED, "mlp": MLP().space}
MODEST = settings(derandomize=True, deadline=None, max_examples=60)
on_every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def drawn(space, count=300, seed=0):
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def cases(config):
    """What `NESTED` lets count, spelled out by hand."""
    names = ["optimizer"]
    if config["optimizer"] == "sgd":
        names.append("nesterov")
        if config["nesterov"]:
            names.append("momentum")
    return [*names, "scale", *(["offset"] if config["scale"] == 2.0 else [])]


def canonical(space, config):
    """Whether a configuration is complete, in order, and of Python's own types."""
    checked = space.check(config)
    return list(checked.items()) == list(config.items()) and all(
        type(config[name]) is type(value) for name, value in checked.items()
    )


# What counts


def test_the_width_of_a_layer_counts_if_there_is_the_layer():
    """One layer has one width, three have three."""
    assert LAYERS.active({"layers": 1}) == ["rate", "layers", "width_1"]
    assert LAYERS.active({"layers": 2}) == ["rate", "layers", "width_1", "width_2"]
    assert LAYERS.active({"layers": 3}) == list(LAYERS)


def test_what_counts_is_told_from_more_than_counts():
    """Values that do not count are looked past, in a configuration that holds too many."""
    overfull = {"optimizer": "adam", "nesterov": True, "momentum": 0.5, "scale": 2.0, "offset": 1.0}
    assert NESTED.active(overfull) == ["optimizer", "scale", "offset"]


def test_a_condition_on_what_does_not_count_does_not_hold():
    """A child counts only while its parent does, whatever value stands there."""
    for config in drawn(NESTED):
        assert list(config) == cases(config)
    counted = {tuple(config) for config in drawn(NESTED)}
    assert len(counted) == 6


def test_without_conditions_all_count():
    """Such a space asks nothing of the configuration."""
    assert Space({"a": stats.uniform(), "b": stats.uniform()}).active({}) == ["a", "b"]


def test_conditions_are_in_the_spaces_order():
    """Whatever order they were given in; the mapping cannot be changed."""
    assert list(NESTED.conditions) == ["nesterov", "momentum", "offset"]
    with pytest.raises(TypeError):
        NESTED.conditions["scale"] = Condition(parent="optimizer", values=("sgd",))
    with pytest.raises(TypeError):
        NESTED.axes["scale"] = None


# The maps


@on_every_space
def test_samples_are_canonical(space):
    """A sample holds what counts and nothing else, in the space's order, in native types."""
    for config in drawn(space):
        assert list(config) == space.active(config)
        assert canonical(space, config)


def test_conditional_values_have_their_law():
    """Among samples where it counts, a hyperparameter follows its own distribution; the parent is uniform."""
    configs = drawn(LAYERS, 3000)
    depths = [config["layers"] for config in configs]
    assert stats.chisquare([depths.count(depth) for depth in (1, 2, 3)]).pvalue > 1e-3
    third = [config["width_3"] for config in configs if "width_3" in config]
    assert len(third) == depths.count(3)
    counts = np.bincount((np.array(third) - 8) * 3 // 57, minlength=3)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_sampling_draws_as_many_numbers_whatever_counts():
    """Every sample takes one number a hyperparameter, so that one sample does not shift the next."""
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    for _ in range(20):
        assert LAYERS.sample(rng) == LAYERS.decode(twin.random(5))


@on_every_space
def test_encode_puts_what_does_not_count_in_the_middle(space):
    """Inactive coordinates are 0.5, the others are those of the space without conditions."""
    plain = Space(dict(space))
    for config in drawn(space, 100):
        unit = space.encode(config)
        assert unit.shape == (len(space),)
        assert ((unit >= 0) & (unit <= 1)).all()
        full = plain.sample(np.random.default_rng(0)) | config
        expected = plain.encode(full)
        for place, name in enumerate(space):
            assert unit[place] == (expected[place] if name in config else 0.5)


@on_every_space
def test_encode_does_not_look_at_what_does_not_count(space):
    """An overfull configuration is at the place of its canonical form."""
    rng = np.random.default_rng(1)
    plain = Space(dict(space))
    for config in drawn(space, 100):
        np.testing.assert_array_equal(space.encode(plain.sample(rng) | config), space.encode(config))


@on_every_space
def test_configurations_come_back(space):
    """decode(encode(c)) is c: the same names, the same discrete values, floats up to rounding."""
    for config in drawn(space):
        back = space.decode(space.encode(config))
        assert list(back) == list(config)
        for name, value in config.items():
            assert back[name] == (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
@MODEST
def test_any_point_decodes_to_a_canonical_configuration(units):
    """Every corner and edge of the cube is a configuration that check leaves as it is."""
    for space in (LAYERS, NESTED):
        config = space.decode(np.array(units))
        assert canonical(space, config)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.lists(st.floats(0, 1), min_size=5, max_size=5))
@MODEST
def test_only_what_counts_decides(units, others):
    """Moving the coordinates that do not count changes no configuration."""
    config = LAYERS.decode(np.array(units))
    mixed = [one if name in config else other for name, one, other in zip(LAYERS, units, others, strict=True)]
    assert LAYERS.decode(np.array(mixed)) == config


# Checking


def test_check_drops_what_does_not_count():
    """The canonical form of an overfull configuration, in order."""
    overfull = {"width_3": 9, "width_2": 20, "width_1": 10, "layers": 2, "rate": 0.5}
    checked = LAYERS.check(overfull)
    assert list(checked.items()) == [("rate", 0.5), ("layers", 2), ("width_1", 10), ("width_2", 20)]
    assert list(overfull) == ["width_3", "width_2", "width_1", "layers", "rate"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"layers": 3}, "width_3: missing from configuration"),
        ({"layers": 4}, r"layers = 4: outside 1\.\.3"),
        ({"layers": 2.5}, "layers = 2.5: not an integer"),
        ({"width_3": 7}, r"width_3 = 7: outside 8\.\.64"),
        ({"width_3": None}, "width_3 = None: not an integer"),
        ({"width_4": 9}, "'width_4': no such hyperparameter"),
        ({FIDELITY: 9}, "'max_epochs': no such hyperparameter"),
    ],
)
def test_impossible_configurations(change, says):
    """A value has to be right even where it does not count, and one that counts has to be there."""
    good = {"rate": 0.5, "layers": 2, "width_1": 10, "width_2": 20}
    assert LAYERS.check(good) == good
    with pytest.raises(ValueError, match=says):
        LAYERS.check(good | change)


def test_a_missing_parent_is_named():
    """Not what depends on it."""
    with pytest.raises(ValueError, match="layers: missing from configuration"):
        LAYERS.check({"rate": 0.5, "width_1": 10, "width_2": 20})


def test_numpy_parents_count_as_pythons():
    """A parent's value is compared after it was made native."""
    checked = LAYERS.check({"rate": np.float64(0.5), "layers": np.int64(2), "width_1": 10, "width_2": np.uint8(20)})
    assert checked == {"rate": 0.5, "layers": 2, "width_1": 10, "width_2": 20}
    assert type(checked["layers"]) is int


def test_equal_numbers_of_other_types_are_other_values():
    """True, 1 and 1.0 do not satisfy each other's conditions."""
    assert not Condition(parent="p", values=(1,)).holds({"p": True})
    assert not Condition(parent="p", values=(True,)).holds({"p": 1})
    assert not Condition(parent="p", values=(1,)).holds({"p": 1.0})
    assert Condition(parent="p", values=(2, 1)).holds({"p": 1})
    assert not Condition(parent="p", values=(1,)).holds({})


# Redrawing


@on_every_space
def test_resampling_gives_canonical_configurations(space):
    """Whatever is redrawn, in a copy."""
    rng = np.random.default_rng(2)
    for config in drawn(space, 60):
        kept = dict(config)
        for name in space.active(config):
            assert canonical(space, space.resample(config, name, rng))
        assert config == kept


def test_resampling_a_leaf_changes_it_alone():
    """All other values stay."""
    rng, config = np.random.default_rng(2), {"rate": 0.5, "layers": 2, "width_1": 10, "width_2": 20}
    fresh = [LAYERS.resample(config, "width_2", rng) for _ in range(300)]
    assert all({**other, "width_2": 20} == config for other in fresh)
    assert len({other["width_2"] for other in fresh}) > 40


def test_resampling_a_parent_draws_what_begins_to_count():
    """More layers get widths of their own law, fewer lose theirs, and the others keep them."""
    rng, config = np.random.default_rng(2), {"rate": 0.5, "layers": 2, "width_1": 10, "width_2": 20}
    fresh = [LAYERS.resample(config, "layers", rng) for _ in range(600)]
    assert all((other["rate"], other["width_1"]) == (0.5, 10) for other in fresh)
    assert all(other.get("width_2", 20) == 20 for other in fresh)
    assert all(("width_2" in other) == (other["layers"] >= 2) for other in fresh)
    third = [other["width_3"] for other in fresh if other["layers"] == 3]
    assert 120 < len(third) < 280
    assert stats.kstest((np.array(third) - 8 + rng.random(len(third))) / 57, "uniform").pvalue > 1e-3


def test_resampling_a_grandparent_draws_the_whole_line():
    """What hangs on something that begins to count is drawn too, or left out with it."""
    rng, config = np.random.default_rng(5), {"optimizer": "adam", "scale": 1.0}
    fresh = [NESTED.resample(config, "optimizer", rng) for _ in range(200)]
    for other in fresh:
        assert list(other) == cases(other)
    assert {len(other) for other in fresh} == {2, 3, 4}


def test_resampling_without_conditions_draws_one_number():
    """Such spaces draw as they did before there were conditions."""
    space, rng, twin = Space(dict(LAYERS)), np.random.default_rng(2), np.random.default_rng(2)
    config = space.sample(np.random.default_rng(0))
    for name in space:
        unit = twin.random()
        assert space.resample(config, name, rng) == config | {name: space.axes[name].decode(unit)}


# Copies, descriptions


@on_every_space
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda space: pickle.loads(pickle.dumps(space))])
def test_copies_have_the_conditions(space, clone):
    """A copied or pickled space samples, describes and counts alike."""
    other = clone(space)
    assert drawn(other, 20) == drawn(space, 20)
    assert other.conditions == space.conditions
    assert other.describe() == space.describe()


def test_bound_copies_have_the_conditions():
    """bound_to keeps them, and its distributions draw from the generator."""
    bound = NESTED.bound_to(np.random.default_rng(0))
    assert bound.conditions == NESTED.conditions
    assert {bound["scale"].rvs() for _ in range(60)} == {0.5, 1.0, 2.0}


@on_every_space
def test_a_description_is_json_and_has_the_conditions(space):
    """`when` names parent and values, for those that have a condition."""
    described = space.describe()
    assert json.loads(json.dumps(described)) == described
    assert list(described) == list(space)
    assert [name for name in space if "when" in described[name]] == list(space.conditions)


def test_descriptions_of_conditions_and_ordinals():
    """The exact values that `suite.json` gets."""
    assert LAYERS.describe()["width_3"] == {
        "kind": "int",
        "low": 8,
        "high": 64,
        "log": False,
        "when": {"parent": "layers", "values": [3]},
    }
    assert NESTED.describe()["scale"] == {"kind": "ordinal", "choices": [0.5, 1.0, 2.0]}
    assert NESTED.describe()["momentum"]["when"] == {"parent": "nesterov", "values": [True]}


# What is refused


@pytest.mark.parametrize(
    ("name", "condition", "says"),
    [
        ("x", Condition(parent="b", values=(1,)), "condition of 'x': no such hyperparameter, there are"),
        ("a", Condition(parent="b", values=(1,)), "condition of a: its parent 'b' is not one of"),
        ("b", Condition(parent="b", values=(1,)), "condition of b: its parent 'b' is not one of"),
        ("c", Condition(parent="zz", values=(1,)), "condition of c: its parent 'zz' is not one of"),
        ("c", Condition(parent="a", values=(0.5,)), "condition of c: its parent a is continuous"),
        ("c", Condition(parent="b", values=()), "condition of c: holds for 0 of 3 values"),
        ("c", Condition(parent="b", values=(1, 2, 3)), "condition of c: holds for 3 of 3 values"),
        ("c", Condition(parent="b", values=(4,)), r"b = 4: outside 1\.\.3"),
        ("c", Condition(parent="b", values=("1",)), "b = '1': not an integer"),
        ("c", Condition(parent="b", values=(True,)), "b = True: not an integer"),
    ],
)
def test_unusable_conditions(name, condition, says):
    """A condition that could never or always hold, or hangs on what comes later, is refused."""
    distributions = {"a": stats.uniform(), "b": stats.randint(1, 4), "c": stats.uniform()}
    with pytest.raises(ValueError, match=says):
        Space(distributions, {name: condition})


def test_a_value_given_twice_is_one():
    """A repeated value does not make a condition look as if it always held."""
    space = Space({"b": stats.randint(1, 3), "c": stats.uniform()}, {"c": Condition(parent="b", values=(1, 1))})
    assert space.active({"b": 1}) == ["b", "c"]
    assert space.active({"b": 2}) == ["b"]


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
    values = [config["x"] for config in drawn(Space({"x": Ordinal([0.1, 1.0, 10.0])}), 2000)]
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
    for config in drawn(finite, 100):
        assert canonical(finite, config)
        assert canonical(space, config)


def test_a_finite_space_is_finite():
    """3 rates and widths: 3 * (3 + 9 + 27) configurations of one to three layers, all of them drawn."""
    finite = LAYERS.discretised(3)
    found = {tuple(config.items()) for config in drawn(finite, 4000)}
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

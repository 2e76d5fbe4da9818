"""Conditional and finite spaces: what counts, and that a configuration has one spelling."""

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from objectives.hyperparameter import Condition
from objectives.space import FIDELITY, Space
from tests.objectives.conditional_spaces import LAYERS, NESTED, is_canonical, on_every_space, sample_configs

MODEST = settings(derandomize=True, deadline=None, max_examples=60)


def cases(config):
    """What `NESTED` lets count, spelled out by hand."""
    names = ["optimizer"]
    if config["optimizer"] == "sgd":
        names.append("nesterov")
        if config["nesterov"]:
            names.append("momentum")
    return [*names, "scale", *(["offset"] if config["scale"] == 2.0 else [])]


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
    for config in sample_configs(NESTED):
        assert list(config) == cases(config)
    counted = {tuple(config) for config in sample_configs(NESTED)}
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
    for config in sample_configs(space):
        assert list(config) == space.active(config)
        assert is_canonical(space, config)


def test_conditional_values_have_their_law():
    """Among samples where it counts, a hyperparameter follows its own distribution; the parent is uniform."""
    configs = sample_configs(LAYERS, 3000)
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
    for config in sample_configs(space, 100):
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
    for config in sample_configs(space, 100):
        np.testing.assert_array_equal(space.encode(plain.sample(rng) | config), space.encode(config))


@on_every_space
def test_configurations_come_back(space):
    """decode(encode(c)) is c: the same names, the same discrete values, floats up to rounding."""
    for config in sample_configs(space):
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
        assert is_canonical(space, config)


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
    for config in sample_configs(space, 60):
        kept = dict(config)
        for name in space.active(config):
            assert is_canonical(space, space.resample(config, name, rng))
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
    """What hangs on something that begins to count is sample_configs too, or left out with it."""
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
    assert sample_configs(other, 20) == sample_configs(space, 20)
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

"""Translation: a space as libraries declare it, and configurations that come back as they went."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from algorithms.interop.space_translation import Coordinate, Translation
from benchmark.checking.toy_objective import SPACES
from objectives.space import Categorical, Condition, Integer, Ordinal, Space

KINDS = Space(
    {
        "uniform": stats.uniform(-1, 4),
        "log": stats.loguniform(1e-4, 1),
        "whole": stats.randint(8, 65),
        "class": Categorical(["relu", True, 3, 0.5]),
        "level": Ordinal([16, 32, 64]),
        "share": Ordinal([0.1, 0.3]),
        "normal": stats.norm(3, 0.5),
        "binomial": stats.binom(10, 0.3),
        "only": stats.randint(3, 4),
    }
)
NESTED = Space(
    {
        "layers": stats.randint(1, 4),
        "level": Ordinal([0.1, 0.3, 0.5]),
        "gate": Categorical([True, "1", 2]),
        "width": stats.randint(8, 65),
        "share": stats.norm(0, 1),
        "deep": stats.uniform(0, 1),
    },
    {
        "width": Condition(parent="layers", values=(2, 3)),
        "share": Condition(parent="level", values=(0.3, 0.5)),
        "deep": Condition(parent="gate", values=(True, "1")),
    },
)
CHAIN = SPACES["conditional"][0]
ALL = {"kinds": KINDS, "nested": NESTED, **{name: space for name, (space, _) in SPACES.items()}}
every_space = pytest.mark.parametrize("space", ALL.values(), ids=ALL.keys())
places = st.lists(st.floats(0, 1), min_size=9, max_size=9)


def close(one, other):
    """Whether two configurations are alike in names, types and choices, and to rounding in floats."""
    assert list(one) == list(other)
    for name, value in one.items():
        assert type(value) is type(other[name])
        assert value == (pytest.approx(other[name], rel=1e-9, abs=1e-9) if type(value) is float else other[name])
    return True


def declared(space):
    """Coordinates by name."""
    return {coordinate.name: coordinate for coordinate in Translation(space).coordinates}


# Declarations.


def test_every_kind_is_declared_as_libraries_know_it():
    """Plain axes as they are, ordinals by place, anything else by its quantile."""
    found = declared(KINDS)

    assert list(found) == list(KINDS)
    assert found["uniform"] == Coordinate(name="uniform", kind="float", low=-1.0, high=3.0)
    assert found["log"] == Coordinate(name="log", kind="float", low=1e-4, high=1.0, log=True)
    assert found["whole"] == Coordinate(name="whole", kind="int", low=8, high=64)
    assert found["class"] == Coordinate(name="class", kind="categorical", choices=("relu", True, 3, 0.5))
    assert found["level"] == Coordinate(name="level", kind="int", low=0, high=2)
    assert found["share"] == Coordinate(name="share", kind="int", low=0, high=1)
    assert found["normal"] == Coordinate(name="normal", kind="float", low=0.0, high=1.0)
    assert found["binomial"] == Coordinate(name="binomial", kind="float", low=0.0, high=1.0)
    assert found["only"] == Coordinate(name="only", kind="int", low=3, high=3)


@every_space
def test_declared_values_are_pythons_own(space):
    """No numpy number reaches a library that may not know it, or a file of its."""
    for coordinate in Translation(space).coordinates:
        bounds = {type(bound) for bound in (coordinate.low, coordinate.high)}
        assert bounds == {{"float": float, "int": int, "categorical": type(None)}[coordinate.kind]}
        assert {type(choice) for choice in coordinate.choices} <= {bool, int, float, str, type(None)}
        values = coordinate.condition.values if coordinate.condition is not None else ()
        assert {type(value) for value in values} <= {bool, int, float, str, type(None)}


def test_ranges_at_the_ends_of_doubles_are_quantiles():
    """Where a library would overflow or lose integers it gets the place in [0, 1]; ordinary ranges stay as they are."""
    ends = {
        "wide": stats.loguniform(1e-200, 1e200),
        "tiny": stats.uniform(0, 1e-300),
        "huge": stats.uniform(-8e307, 1.6e308),
        "whole": Integer(1, 2**60, log=True),
    }
    ordinary = {"rate": stats.loguniform(1e-12, 1e12), "far": stats.uniform(1e9, 1e-3), "log": Integer(1, 9, log=True)}
    for coordinate in Translation(Space(ends)).coordinates:
        assert (coordinate.kind, coordinate.low, coordinate.high, coordinate.log) == ("float", 0.0, 1.0, False)
    found = {each.name: (each.kind, each.low, each.high, each.log) for each in Translation(Space(ordinary)).coordinates}
    assert found["rate"] == ("float", 1e-12, 1e12, True)
    assert found["far"] == ("float", 1e9, 1e9 + 1e-3, False)
    assert found["log"] == ("int", 1, 9, True)


def test_names_are_identifiers_to_a_library():
    """Dots, dashes, colons and slashes become underscores, in conditions too, and come back."""
    space = Space(
        {"net.type": Categorical([None, "deep"]), "net/width": stats.randint(1, 9)},
        {"net/width": Condition(parent="net.type", values=("deep",))},
    )
    translation = Translation(space)
    assert [coordinate.name for coordinate in translation.coordinates] == ["net_type", "net_width"]
    assert translation.coordinates[1].condition == Condition(parent="net_type", values=("deep",))
    for config in ({"net.type": None}, {"net.type": "deep", "net/width": 3}):
        assert translation.inward(translation.outward(config)) == config


def test_conditions_are_on_values_that_a_library_sees():
    """Of a parent that is declared by place, the places; of others the values themselves."""
    found = declared(NESTED)

    assert found["layers"].condition is None
    assert found["width"].condition == Condition(parent="layers", values=(2, 3))
    assert found["share"].condition == Condition(parent="level", values=(1, 2))
    assert found["deep"].condition == Condition(parent="gate", values=(True, "1"))


@every_space
@given(places=places)
def test_a_librarys_conditions_hold_when_ours_do(space, places):
    """Walking the coordinates by their conditions over a library's values finds the hyperparameters that count."""
    config = space.decode(np.array(places[: len(space)]))
    outward = Translation(space).outward(config)

    counting = {}
    for coordinate in Translation(space).coordinates:
        if coordinate.condition is None or coordinate.condition.holds(counting):
            counting[coordinate.name] = outward[coordinate.name]
    assert counting == outward
    assert [space.arguments[name] for name in config] == list(outward)


def test_a_condition_on_a_quantile_is_refused():
    """Such a parent is a float to a library, so its condition could never hold there."""
    distributions = {"n": stats.binom(3, 0.5), "x": stats.uniform(0, 1)}
    space = Space(distributions, {"x": Condition(parent="n", values=(1, 2))})

    with pytest.raises(ValueError, match="condition of x: its parent n is not evenly distributed"):
        Translation(space)


# To and fro.


@every_space
@given(places=places)
def test_there_and_back(space, places):
    """A configuration comes back as it went: exactly, but for the quantile of a float, which may round."""
    translation = Translation(space)
    config = space.decode(np.array(places[: len(space)]))

    back = translation.inward(translation.outward(config))

    assert close(back, config)
    exact = [name for name in config if space.axes[name].plain or space.axes[name].kind == "int"]
    assert {name: back[name] for name in exact} == {name: config[name] for name in exact}


@every_space
@given(places=places)
def test_complete_has_every_coordinate_and_comes_back(space, places):
    """Libraries without conditions get a value for each coordinate, in its bounds; what does not count is dropped."""
    translation = Translation(space)
    config = space.decode(np.array(places[: len(space)]))

    complete = translation.complete(config)

    assert list(complete) == list(space.arguments.values())
    for coordinate in translation.coordinates:
        value = complete[coordinate.name]
        assert value in coordinate.choices or coordinate.low <= value <= coordinate.high
        assert coordinate.kind == "categorical" or type(value).__name__ == coordinate.kind
    assert close(translation.inward(complete), config)
    assert {space.arguments[name]: complete[space.arguments[name]] for name in config} == translation.outward(config)


def test_a_value_that_does_not_count_is_in_the_middle():
    """The same neutral value whatever the configuration, so that it tells a library nothing."""
    complete = Translation(CHAIN).complete({"rate": 0.5, "layers": 1, "nesterov": True})

    assert complete == {"rate": 0.5, "layers": 1, "width_2": 36, "width_3": 36, "nesterov": True}


@pytest.mark.parametrize("method", ["outward", "complete"])
def test_the_fidelity_is_no_hyperparameter(method):
    """A told configuration may carry max_epochs; no library sees it, and the caller's dict stays as it is."""
    config = {"rate": 0.5, "layers": 1, "nesterov": True, "max_epochs": 9}

    translated = getattr(Translation(CHAIN), method)(config)

    assert "max_epochs" not in translated
    assert config == {"rate": 0.5, "layers": 1, "nesterov": True, "max_epochs": 9}


@given(st.floats(0, 1))
def test_quantiles_are_those_of_the_distribution(unit):
    """What a library samples evenly in [0, 1] is distributed as the space says."""
    values = {**Translation(KINDS).complete({}), "normal": unit, "binomial": unit}

    config = Translation(KINDS).inward(values)

    axis = KINDS.axes["normal"]
    assert config["normal"] == min(max(float(stats.norm(3, 0.5).ppf(unit)), axis.low), axis.high)
    assert config["binomial"] == max(stats.binom(10, 0.3).ppf(unit), 0)


# What libraries give.

MIDDLE = Translation(KINDS).complete({})


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("uniform", np.float64(0.5), 0.5),
        ("uniform", np.float32(0.5), 0.5),
        ("uniform", 1, 1.0),
        ("uniform", 3.0000000000000004, 3.0),
        ("uniform", -1.0000000000000002, -1.0),
        ("log", math.exp(math.log(1e-4)) * (1 - 1e-15), 1e-4),
        ("log", 1.0000000000000002, 1.0),
        ("whole", np.int64(9), 9),
        ("whole", 9.0, 9),
        ("whole", 8.999999999999998, 9),
        ("whole", 64.4, 64),
        ("whole", 7.6, 8),
        ("whole", math.inf, 64),
        ("whole", -math.inf, 8),
        ("only", 3.0, 3),
        ("class", np.str_("relu"), "relu"),
        ("class", np.bool_(True), True),
        ("class", np.int64(3), 3),
        ("class", np.float64(0.5), 0.5),
        ("level", 1, 32),
        ("level", np.int32(2), 64),
        ("level", 1.2, 32),
        ("level", -0.3, 16),
        ("level", 7, 64),
        ("level", math.inf, 64),
        ("share", 1.0, 0.3),
        ("binomial", 0.0, 0),
        ("binomial", 1.0, 10),
        ("binomial", 1 + 1e-12, 10),
        ("binomial", np.float64(0.5), 3),
        ("normal", 0.5, 3.0),
    ],
    ids=repr,
)
def test_a_librarys_value_becomes_pythons_own_and_in_bounds(name, given, expected):
    """Numpy's types, whole numbers as floats, and values that missed a bound by a rounding."""
    value = Translation(KINDS).inward({**MIDDLE, name: given})[name]

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("end", [0.0, 1.0, -1e-9, 1 + 1e-9])
def test_the_ends_of_an_endless_tail_are_finite(end):
    """A library may propose the quantiles 0 and 1; the space ends where doubles do."""
    value = Translation(KINDS).inward({**MIDDLE, "normal": end})["normal"]

    assert math.isfinite(value)
    assert KINDS.axes["normal"].check(value) == value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uniform": math.nan}, "uniform = nan: outside"),
        ({"normal": math.nan}, "normal = nan: outside"),
        ({"whole": math.nan}, "NaN"),
        ({"level": math.nan}, "NaN"),
        ({"whole": "nine"}, "nine"),
        ({"class": "sigmoid"}, "class = 'sigmoid': not one of"),
        ({"class": 1}, "class = 1: not one of"),
        ({"class": 3.5}, "class = 3.5: not one of"),
    ],
    ids=str,
)
def test_what_is_no_value_is_refused(changes, message):
    """NaN and what is none of the choices are an error, not the nearest value."""
    with pytest.raises(ValueError, match=message):
        Translation(KINDS).inward({**MIDDLE, **changes})


def test_a_missing_value_is_refused_only_where_it_counts():
    """A library that knows conditions leaves out what does not count."""
    translation = Translation(CHAIN)

    assert translation.inward({"nesterov": True, "layers": 1, "rate": 0.5}) == {
        "rate": 0.5,
        "layers": 1,
        "nesterov": True,
    }
    with pytest.raises(ValueError, match="width_2: missing from configuration"):
        translation.inward({"rate": 0.5, "layers": 2, "nesterov": True})


def test_what_else_a_library_tells_is_left_out():
    """Names of its own (a budget, an id) beside the values are no error."""
    values = {**Translation(CHAIN).complete({"layers": 1}), "trial_id": "7", "max_epochs": 3}

    assert set(Translation(CHAIN).inward(values)) == {"rate", "layers", "nesterov"}

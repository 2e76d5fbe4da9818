"""Values as users and libraries hand them in: other number types, values beside a bound, and names."""

import enum
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from objectives.closed_form.functions import Branin
from objectives.derived.discretised import Discretised
from objectives.native_value import native_scalar
from objectives.objective import checked_default
from objectives.space import Categorical, Condition, Integer, Ordinal, Space, argument_name

MODEST = settings(derandomize=True, deadline=None, max_examples=60)


class Colour(str, enum.Enum):  # noqa: UP042 (the older way to write it, which users have)
    RED = "red"


class Level(enum.IntEnum):
    LOW = 2


SPACE = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "share": stats.uniform(-1, 2),
        "width": stats.randint(1, 9),
        "units": Integer(1, 64, log=True),
        "events": stats.poisson(4),
        "batch": Ordinal([2, 4, 8]),
        "dropout": Ordinal([0.1, 0.3]),
        "layers": Categorical([2, 4, "many", None]),
        "colour": Categorical(["red", "blue"]),
    }
)
NUMBERS = {
    "rate": 0.5,
    "share": 0.0,
    "width": 2,
    "units": 2,
    "events": 2,
    "batch": 2,
    "dropout": 0.1,
    "layers": 2,
}
FORMS = {
    "float": float,
    "numpy float": np.float64,
    "numpy array": np.array,
    "array of floats": lambda value: np.array(float(value)),
    "tensor": lambda value: torch.tensor(value, dtype=torch.float64),
    "tensor with a gradient": lambda value: torch.tensor(float(value), dtype=torch.float64, requires_grad=True),
}
WHOLE = {
    "int64": np.int64,
    "uint8": np.uint8,
    "integer array": lambda value: np.array(value, dtype=np.int32),
    "integer tensor": torch.tensor,
    "float32": np.float32,
    "fraction": Fraction,
    "rounded": lambda value: math.nextafter(value, 0),
    "by a logarithm": lambda value: math.exp(math.log(value)),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_every_kind(name, form):
    """A number is the native value that a record holds, whatever type and shape () it comes in."""
    config = {**NUMBERS, "colour": "red"}
    checked = SPACE.check({**config, name: form(config[name])})
    assert checked == config
    assert [type(value) for value in checked.values()] == [type(config[key]) for key in checked]


@pytest.mark.parametrize("form", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("name", ["width", "units", "events", "batch", "layers"])
def test_whole_numbers_of_every_kind(name, form):
    """A whole number, missed by a rounding or not, is an integer of Python's."""
    value = SPACE.axes[name].check(form(2))
    assert (value, type(value)) == (2, int)


def test_texts_and_enumerations():
    """Texts of other libraries and enumerated values are Python's own texts and integers."""
    for text in (np.str_("red"), np.array("red"), Colour.RED):
        value = SPACE.axes["colour"].check(text)
        assert (value, type(value)) == ("red", str)
    assert type(SPACE.axes["width"].check(Level.LOW)) is int
    assert [type(choice) for choice in Categorical([Colour.RED, Level.LOW]).choices] == [str, int]


@pytest.mark.parametrize("value", [True, False, np.True_, np.array(True), torch.tensor(True), "2", None, [2], {}])
@pytest.mark.parametrize("name", ["rate", "width", "units", "events", "batch"])
def test_what_is_no_number(name, value):
    """A truth value is no number, in no library's type; nor is a text or None."""
    with pytest.raises(ValueError, match=f"{name} = "):
        SPACE.axes[name].check(value)


def test_a_truth_value_and_a_number_are_different_choices():
    """1 is not True where that is a choice, nor the other way round."""
    flags, counts = Space({"x": Categorical([True, False])}), Space({"x": Categorical([0, 1])})
    for space, wrong in ((flags, 1), (flags, 0.0), (flags, np.int64(1)), (counts, True), (counts, np.False_)):
        with pytest.raises(ValueError, match=r"x = .*: not one of"):
            space.check({"x": wrong})
    assert flags.check({"x": np.array(True)})["x"] is True


def test_what_is_no_scalar_stays():
    """Arrays with axes, tensors without data and other objects are returned as they are, to be refused by name."""
    for value in (np.array([1.0]), torch.ones(1), torch.empty((), device="meta"), [1], object()):
        assert native_scalar(value) is value


@given(st.floats(-1e300, 1e300), st.floats(1e-300, 1e300))
@MODEST
def test_one_step_outside_a_bound_is_the_bound(low, width):
    """One ulp beyond is the bound; a millionth of the range beyond is outside."""
    if not low + width > low:
        return
    axis = Space({"x": stats.uniform(low, width)}).axes["x"]
    assert axis.check(math.nextafter(axis.high, math.inf)) == axis.high
    assert axis.check(math.nextafter(axis.low, -math.inf)) == axis.low
    beyond = 1e-6 * max(abs(axis.low), abs(axis.high))
    for value in (axis.low - beyond, axis.high + beyond):
        with pytest.raises(ValueError, match=r"x = .*: outside"):
            axis.check(value)


@given(st.floats(1e-300, 1e300), st.floats(1e-300, 1e300))
@MODEST
def test_bounds_by_way_of_logarithms(one, other):
    """exp(log(high)) and 10 ** log10(low) are the bounds of a logarithmic axis, however far apart these are."""
    low, high = sorted((one, other))
    if high <= low * (1 + 1e-9):
        return
    axis = Space({"x": stats.loguniform(low, high)}).axes["x"]
    for bound in (low, high):
        for value in (math.exp(math.log(bound)), 10 ** math.log10(bound), math.nextafter(bound, 0)):
            assert axis.check(value) == pytest.approx(bound, rel=1e-12)
            assert low <= axis.check(value) <= high
    with pytest.raises(ValueError, match="outside"):
        axis.check(low * (1 - 1e-9))


def test_defaults_are_native():
    """A default of other number types is the native one, for a grid too."""

    class Loose(Branin):
        @property
        def default(self):
            return {"x1": np.array(2.0), "x2": torch.tensor(2.0)}

    assert checked_default(Loose()) == {"x1": 2.0, "x2": 2.0}
    assert [type(value) for value in checked_default(Loose()).values()] == [float, float]
    assert Discretised(inner=Loose(), levels=5).default == Discretised(inner=Branin(), levels=5).space.decode(
        Branin().space.encode({"x1": 2.0, "x2": 2.0})
    )


# Names and conditions


@pytest.mark.parametrize("name", ["optimizer.lr", "weight-decay", "a:b", "net/layer.0/width", "rate"])
def test_names_with_separators(name):
    """Dots, dashes, colons and slashes stay in the name; as an argument they are underscores."""
    space = Space({name: stats.uniform(0, 1), "other": stats.uniform(0, 1)})
    assert list(space.check({"other": 0.5, name: 0.5})) == [name, "other"]
    assert argument_name(name).isidentifier()
    assert space.arguments == {name: argument_name(name), "other": "other"}


def test_an_objective_is_called_by_arguments():
    """objective(optimizer_lr=...) and the name as written are the same call."""

    class Dotted(Branin):
        @property
        def space(self):
            return Space({"self.x1": stats.uniform(-5, 15), "x-2": stats.uniform(0, 15)})

        def train(self, config, seed, machine):
            return super().train({"x1": config["self.x1"], "x2": config["x-2"]}, seed, machine)

    assert Dotted()(self_x1=1, x_2=2.0) == Dotted()(**{"self.x1": 1.0, "x-2": 2}) == Branin()(x1=1.0, x2=2.0)


def test_none_as_the_value_of_a_condition():
    """A parent that is None is there; one that is missing is not."""
    space = Space(
        {"penalty": Categorical([None, "l1"]), "plain": stats.uniform(0, 1), "strength": stats.uniform(0, 1)},
        {"plain": Condition(parent="penalty", values=(None,)), "strength": Condition(parent="penalty", values=("l1",))},
    )
    assert space.active({"penalty": None}) == ["penalty", "plain"]
    assert space.active({"penalty": "l1"}) == ["penalty", "strength"]
    assert space.active({}) == ["penalty"]
    assert space.check({"penalty": None, "plain": 0.5, "strength": 0.1}) == {"penalty": None, "plain": 0.5}
    assert {tuple(space.sample(np.random.default_rng(seed))) for seed in range(20)} == {
        ("penalty", "plain"),
        ("penalty", "strength"),
    }
    assert space.describe()["plain"]["when"] == {"parent": "penalty", "values": [None]}

"""Spaces and configurations that are refused."""

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from objectives.space import FIDELITY, Categorical, Space
from tests.objectives.mixed_space import MIXED


@pytest.mark.parametrize(
    ("distributions", "says"),
    [
        ({}, "space: got no hyperparameters"),
        ({"": stats.norm()}, "name '': need an identifier"),
        ({"learning rate": stats.norm()}, "name 'learning rate': need an identifier"),
        ({"2nd": stats.norm()}, "name '2nd': need an identifier"),
        ({3: stats.norm()}, "name 3: need an identifier"),
        ({FIDELITY: stats.randint(1, 9)}, "name 'max_epochs': need an identifier other than max_epochs"),
        ({"max-epochs": stats.randint(1, 9)}, "name 'max-epochs': need an identifier other than max_epochs"),
        ({"-x": stats.norm()}, "name '-x': need an identifier"),
        ({"=x": stats.norm()}, "name '=x': need an identifier"),
        ({"a.b": stats.norm(), "a-b": stats.norm()}, "names 'a.b' and 'a-b': both are the argument a_b"),
        ({"a_b": stats.norm(), "a:b": stats.norm()}, "names 'a_b' and 'a:b': both are the argument a_b"),
        ({"cafe\N{COMBINING ACUTE ACCENT}": stats.norm()}, "Unicode normal form C"),
        ({"x": 0.1}, "x = 0.1: not a scipy.stats frozen distribution"),
        ({"x": (1e-4, 1)}, "not a scipy.stats frozen distribution"),
        ({"x": ["a", "b"]}, r"not a scipy.stats frozen distribution; write Categorical\(\[...\]\)"),
        ({"x": range(1, 5)}, r"not a scipy.stats frozen distribution; write Integer\(1, 4\)"),
        ({"x": stats.uniform}, "not a scipy.stats frozen distribution; give it its parameters"),
        ({"x": stats.multivariate_normal([0, 0])}, "not a scipy.stats frozen distribution"),
        ({"x": stats.uniform(0, 0)}, r"x = uniform\(0, 0\): its parameters give no range"),
        ({"x": stats.uniform(0, -1)}, r"x = uniform\(0, -1\): its parameters give no range"),
        ({"x": stats.uniform(0, math.nan)}, r"x = uniform\(0, nan\): its parameters give no range"),
        ({"x": stats.uniform(0, math.inf)}, r"x = uniform\(0, inf\): its parameters give no range"),
        ({"x": stats.uniform([0, 1], 1)}, r"x = uniform\(\[0, 1\], 1\): its parameters give no range"),
        (
            {"x": stats.loguniform(0, 1)},
            r"x = loguniform\(0, 1\): its param.* a log axis needs low > 0",
        ),
        ({"x": stats.loguniform(-2, -1)}, "a log axis needs low > 0"),
        ({"x": stats.loguniform(1e-300, 1, scale=1e-100)}, "a log axis needs low > 0"),
        ({"x": stats.uniform(1e10, 1e-10)}, "there is no double between low and high"),
        ({"x": stats.uniform(-1e308, math.inf)}, "needs a finite width > 0"),
        ({"x": stats.loguniform(1, 1)}, r"x = loguniform\(1, 1\): .*low >= high"),
        ({"x": stats.loguniform(1, 0.1)}, r"x = loguniform\(1, 0.1\): .*low >= high"),
        ({"x": stats.loguniform(1, math.inf)}, r"x = loguniform\(1, inf\): its parameters give no range"),
        ({"x": stats.randint(5, 5)}, r"x = randint\(5, 5\): .*low >= high"),
        ({"x": stats.randint(5, 2)}, r"x = randint\(5, 2\): .*low >= high"),
        ({"x": stats.randint(1.5, 4)}, r"x = randint\(1.5, 4\): its parameters give no range"),
        ({"x": stats.randint(1, 4, loc=0.5)}, r"x = randint.*'loc': 0.5.*whole numbers"),
        ({"x": stats.truncnorm(2, 1)}, r"x = truncnorm\(2, 1\): its parameters give no range"),
    ],
)
def test_unusable_spaces(distributions, says):
    """A space that could not be sampled is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        Space(distributions)


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ([], "choices: got none"),
        (["a", "b", "a"], r"choices \['a', 'b', 'a'\]: two are equal"),
        ([1, True], r"choices \[1, True\]: two are equal"),
        ([1, 1.0], r"choices \[1, 1.0\]: two are equal"),
        ([0.0, -0.0], "two are equal"),
        ([np.int64(2), 2], "two are equal"),
        ([0.1, math.nan], "choice nan: not finite"),
        ([math.inf], "choice inf: not finite"),
        ([None, 1, None], "two are equal"),
        ("relu", "choices 'relu': need a list"),
        ({"relu", "tanh"}, "choices .*: need a list"),
        ([(1, 2)], r"choice \(1, 2\): not a string, number, boolean or None"),
        ([[1], [2]], r"choice \[1\]: not a string, number, boolean or None"),
        ([1j], "choice 1j: not a string, number, boolean or None"),
    ],
)
def test_unusable_choices(choices, says):
    """Choices that a record could not tell apart or hold are refused."""
    with pytest.raises(ValueError, match=says):
        Categorical(choices)


GOOD = {
    "rate": 0.1,
    "momentum": 0.5,
    "width": 64,
    "layers": 2,
    "scale": 0.0,
    "activation": "relu",
    "nesterov": False,
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rate": 2.0}, r"rate = 2.0: outside \[0.0001, 1.0\]"),
        ({"rate": 0}, r"rate = 0.0: outside"),
        ({"rate": math.nan}, "rate = nan: outside"),
        ({"rate": math.inf}, "rate = inf: outside"),
        ({"rate": 10**400}, "rate = inf: outside"),
        ({"rate": True}, "rate = True: not a number"),
        ({"rate": np.bool_(True)}, "rate = .*True.*: not a number"),
        ({"rate": "0.1"}, "rate = '0.1': not a number"),
        ({"rate": None}, "rate = None: not a number"),
        ({"rate": np.array([0.1])}, "rate = .*: not a number"),
        ({"rate": 1 + 1e-9}, "rate = 1.000000001: outside"),
        ({"rate": 1e-4 - 1e-15}, "rate = 9.9999.*: outside"),
        ({"width": 64.5}, "width = 64.5: not an integer"),
        ({"width": math.inf}, "width = inf: not an integer"),
        ({"width": math.nan}, "width = nan: not an integer"),
        ({"width": 7}, r"width = 7: outside 8\.\.1024"),
        ({"width": 1025}, r"width = 1025: outside 8\.\.1024"),
        ({"width": True}, "width = True: not an integer"),
        ({"width": np.bool_(True)}, "width = .*True.*: not an integer"),
        ({"width": np.array([64])}, "width = .*64.*: not an integer"),
        ({"layers": -1}, "layers = -1: outside"),
        ({"activation": "gelu"}, r"activation = 'gelu': not one of \['relu', 'tanh', 'sigmoid'\]"),
        ({"nesterov": 1}, r"nesterov = 1: not one of \[True, False\]"),
        ({"nesterov": 0.0}, r"nesterov = 0.0: not one of"),
        ({"rats": 0.1}, "'rats': no such hyperparameter, there are"),
        ({FIDELITY: 3}, "'max_epochs': no such hyperparameter"),
        ({5: 3}, "5: no such hyperparameter"),
    ],
)
def test_impossible_configurations(change, says):
    """A value of the wrong type or out of range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        MIXED.check(GOOD | change)


@pytest.mark.parametrize("name", GOOD)
def test_incomplete_configurations(name):
    """A missing hyperparameter is named."""
    with pytest.raises(ValueError, match=f"{name}: missing from configuration"):
        MIXED.check({other: value for other, value in GOOD.items() if other != name})


def test_numpy_types_become_pythons():
    """Numbers of any kind are accepted, and come out as Python's own, in the space's order."""
    given_config = {
        "nesterov": np.bool_(False),
        "activation": np.str_("tanh"),
        "scale": Fraction(1, 2),
        "layers": np.uint8(2),
        "width": np.int64(64),
        "momentum": np.float32(0.5),
        "rate": 1,
    }
    config = MIXED.check(given_config)
    assert config == {
        "rate": 1.0,
        "momentum": 0.5,
        "width": 64,
        "layers": 2,
        "scale": 0.5,
        "activation": "tanh",
        "nesterov": False,
    }
    assert list(config) == list(MIXED)
    assert [type(value) for value in config.values()] == [float, float, int, int, float, str, bool]


def test_numpy_choices_become_pythons():
    """Choices given as numpy scalars or an array are kept as Python's own."""
    choices = Categorical([np.str_("a"), np.int64(2), np.float64(0.5), np.bool_(True)]).choices
    assert choices == ("a", 2, 0.5, True)
    assert [type(choice) for choice in choices] == [str, int, float, bool]
    assert Categorical(np.array([8, 16])).choices == (8, 16)


def test_single_precision_does_not_slip_over_the_edge():
    """A float32 that is a little above the upper bound as a double is outside."""
    space = Space({"x": stats.uniform(0, 0.1)})
    with pytest.raises(ValueError, match=r"x = 0.10000000149.*: outside"):
        space.check({"x": np.float32(0.1)})
    assert sys.float_info.epsilon < float(np.float32(0.1)) - 0.1

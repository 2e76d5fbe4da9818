"""Spaces as a plan declares them: names, choices and conditions."""

import pytest

from analysis.loading.space import read_space
from benchmark.errors import BadInput
from objectives.space import Categorical, Condition, Integer, Space


def test_a_space_is_read_as_it_is_described():
    """Dotted names, null among the choices, logarithmic integers and conditions on null come through."""
    space = Space(
        {"net.type": Categorical([None, "deep", True]), "n-units": Integer(1, 1024, log=True), "k": Integer(0, 3)},
        {"k": Condition(parent="net.type", values=(None,))},
    )
    kind, units, k = read_space("f", space.describe())
    assert (kind.name, kind.choices) == ("net.type", (None, "deep", True))
    assert (units.name, units.kind, units.low, units.high, units.log) == ("n-units", "int", 1, 1024, True)
    assert k.when == ("net.type", (None,))
    assert kind.allows(None)


def test_a_null_parent_is_not_a_missing_one():
    """A hyperparameter that counts while its parent is null does not count where the parent is missing."""
    space = Space(
        {"a": Categorical([None, 1]), "b": Categorical([None, 1]), "c": Integer(0, 3)},
        {"b": Condition(parent="a", values=(1,)), "c": Condition(parent="b", values=(None,))},
    )
    c = read_space("f", space.describe())[2]
    for config in ({"a": None}, {"a": 1, "b": None}, {"a": 1, "b": 1}):
        assert c.counts(config) == ("c" in space.active(config))


@pytest.mark.parametrize("name", ["-x", ".x", "=1+1", "a b", "", "a,b", "1x", "a;b"])
def test_names_that_no_space_has(name):
    """What could be no name of a hyperparameter is refused, formulas of spreadsheets among it."""
    with pytest.raises(BadInput, match="need an identifier"):
        read_space("f", {name: {"kind": "int", "low": 0, "high": 1}})

"""A digest of code changes with what the code does and uses, and with nothing else."""

import functools
import sys

import numpy as np
import pytest
from scipy import stats

from benchmark.reproducibility.source_digests import forget_digests
from benchmark.suite.definition_digest import digest_definition
from objectives.space import Categorical, Integer, Space

BASE = """
import numpy as np
from math import sqrt
SHIFT = 0.5
WEIGHTS = np.array([1.0, 2.0])
def helper(x):
    return sqrt(x) + SHIFT
def objective(x, scale=2):
    return [helper(x + w) for w in WEIGHTS]
class Searcher:
    step = 3
    def __init__(self, space):
        self.space = space
    @property
    def half(self):
        return self.step / 2
    def sample(self):
        return helper(self.half)
"""


def executed(source):
    """The names of a notebook whose only cell is the source."""
    names = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), names)
    return names


def digests(source):
    names = executed(source)
    return [digest_definition(names[name]) for name in ("objective", "Searcher")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SHIFT = 0.5", "SHIFT = 0.25"),
        ("sqrt(x) + SHIFT", "sqrt(x) - SHIFT"),
        ("from math import sqrt", "from math import exp as sqrt"),
    ],
)
def test_what_both_use_changes_both(before, after):
    """A value, a function beside it and a function of a library that it is bound to."""
    assert all(a != b for a, b in zip(digests(BASE), digests(BASE.replace(before, after)), strict=True))


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ("[1.0, 2.0]", "[1.0, 2.5]", [True, False]),
        ("scale=2", "scale=3", [True, False]),
        ("step = 3", "step = 4", [False, True]),
        ("self.step / 2", "self.step / 3", [False, True]),
        ("class Searcher:", "class Searcher(dict):", [False, True]),
        ("    return sqrt", "    # a comment\n\n    return sqrt", [False, False]),
        ("SHIFT = 0.5", "SHIFT = 0.5\nOTHER = 1", [False, False]),
    ],
)
def test_only_what_uses_it_changes(before, after, changed):
    """Data, defaults, attributes and properties count where they are used; comments and other names do not."""
    pairs = zip(digests(BASE), digests(BASE.replace(before, after)), strict=True)
    assert [a != b for a, b in pairs] == changed


def test_functions_that_call_each_other():
    """A circle ends, and what is on it counts."""
    source = "def objective(x):\n    return other(x)\ndef other(x):\n    return objective(x - 1) if x else 0\n"
    first, again = (digest_definition(executed(source)["objective"]) for _ in range(2))
    assert first == again != digest_definition(executed(source.replace("else 0", "else 1"))["objective"])


def test_closures_and_partial_functions():
    """What a function was made with counts."""

    def make(shift):
        return lambda x: x + shift

    assert digest_definition(make(1)) == digest_definition(make(1)) != digest_definition(make(2))
    partials = [functools.partial(make(1), 5), functools.partial(make(1), 6), functools.partial(make(2), 5)]
    assert len({digest_definition(part) for part in partials}) == 3


def test_spaces():
    """Distributions count by their parameters and not by their generators."""

    def space(high, choices, low=1):
        return {"x": stats.uniform(0, high), "kind": Categorical(choices), "n": Integer(low, 9)}

    bound = Space(space(1, ["a", "b"])).bound_to(np.random.default_rng(0))
    same = [digest_definition(part) for part in (Space(space(1, ["a", "b"])), bound)]
    assert same[0] == same[1]
    others = [space(2, ["a", "b"]), space(1, ["a", "c"]), space(1, ["a", "b"], low=2)]
    assert len({same[0], *(digest_definition(Space(other)) for other in others)}) == 4


def test_objects_count_by_their_state():
    """An object of a class defined here is another with other attributes, in slots too."""

    class Slotted:
        __slots__ = ("level",)

        def __init__(self, level):
            self.level = level

    assert digest_definition(Slotted(1)) == digest_definition(Slotted(1)) != digest_definition(Slotted(2))


def test_a_users_module_counts_by_its_file(tmp_path, monkeypatch):
    """What uses a function of a module is another when the module's file is."""
    monkeypatch.syspath_prepend(str(tmp_path))
    file, found = tmp_path / "digested_of_tests.py", []
    try:
        for number in (1, 1, 2):
            file.write_text(f"def helper(x):\n    return x + {number}\n")
            forget_digests()
            source = "from digested_of_tests import helper\ndef objective(x):\n    return helper(x)\n"
            found.append(digest_definition(executed(source)["objective"]))
    finally:
        sys.modules.pop("digested_of_tests", None)
        forget_digests()
    assert found[0] == found[1] != found[2]

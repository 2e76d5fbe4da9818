"""The registries: one line about every class, and nothing imported before a class is looked up."""

import subprocess
import sys

import pytest

from algorithms import SCHEDULERS, SEARCHERS
from objectives import OBJECTIVES
from objectives.registry import Entry, Registry
from tests import ROOT


@pytest.mark.parametrize("registry", [OBJECTIVES, SEARCHERS, SCHEDULERS], ids=["objectives", "searchers", "schedulers"])
def test_a_summary_is_the_first_line_of_the_docstring(registry):
    """`list` shows what the class itself says, without importing it."""
    for name, entry in registry.entries.items():
        assert entry.summary == (registry[name].__doc__ or "").strip().splitlines()[0], name


def test_registries_load_no_library():
    """Names and summaries are there without PyTorch and SciPy's distributions, which take seconds to import."""
    program = (
        "import sys, algorithms, objectives, objectives.space, algorithms.adapters.registry;"
        "assert 'lenet' in objectives.OBJECTIVES and 'nothing' not in algorithms.SEARCHERS;"
        "assert not {'torch', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_registries_are_joined_by_name():
    """A description of another kind is handed out as it is; an unknown name is a KeyError."""
    joined = Registry({"pairs": Entry("itertools:pairwise", "Pairs.")}) | {"number": 3}

    assert [*joined] == ["pairs", "number"]
    assert list(joined["pairs"]("ab")) == [("a", "b")]
    assert joined["number"] == 3
    assert joined.get("none") is None

"""Objectives that a suite does without where their tables are not here."""

import pytest

from benchmark.driver.objective_notes import left_out_notes
from benchmark.errors import BadInput
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_suite

SUITE = """
clock = "tabulated"
budget.trials = 2
algorithms.random.searcher = "random"
objectives.here.table = "digits:mlp"
objectives.there = { table = "nowhere:nothing", optional = OPTIONAL }
"""


def write(folder, optional):
    """Write the suite; returns its path."""
    path = folder / "tabled.toml"
    path.write_text(SUITE.replace("OPTIONAL", optional))
    return str(path)


def test_an_optional_table_that_is_not_here_is_left_out_by_name(tmp_path):
    """The suite has the other objectives, and a note names the one that it does without."""
    suite = load(write(tmp_path, "true"))

    assert [entry.label for entry in suite.objectives] == ["here"]
    assert suite.left_out == ("there",)
    assert ["there" in note and "offline-tables make" in note for note in left_out_notes(suite)] == [True]


def test_a_table_that_is_needed_is_asked_for(tmp_path):
    """Without the key a missing table is refused, as it is when nothing else is left."""
    with pytest.raises(BadInput, match="offline-tables make"):
        check_suite(load(write(tmp_path, "false")))

    text = (tmp_path / "tabled.toml").read_text().replace("objectives.here", "# objectives.here")
    (tmp_path / "tabled.toml").write_text(text.replace("false", "true"))
    with pytest.raises(BadInput, match="offline-tables make"):
        check_suite(load(str(tmp_path / "tabled.toml")))


def test_no_result_depends_on_whether_a_table_is_optional(tmp_path):
    """A run's identity is the same with and without the key."""
    path = tmp_path / "tabled.toml"
    identities = []
    for key in ("", ", optional = true"):
        text = SUITE.replace('"digits:mlp"', "").replace("here.table = ", f'here = {{ table = "digits:mlp"{key} }}')
        path.write_text(text.partition("objectives.there")[0])
        identities.append(next(load(str(path)).runs()).identity())
    assert identities[0] == identities[1]


@pytest.mark.parametrize("value", ["1", '"yes"'])
def test_the_key_is_true_or_false(tmp_path, value):
    """Anything else is refused by name."""
    with pytest.raises(BadInput, match=r"objectives\.there\.optional = .*need true or false"):
        load(write(tmp_path, value))


def test_what_was_left_out_is_no_key_of_a_suite(tmp_path):
    """A file cannot say what was left out."""
    path = tmp_path / "tabled.toml"
    path.write_text('left_out = ["there"]\n' + SUITE.replace("OPTIONAL", "true"))
    with pytest.raises(BadInput, match="left_out"):
        load(str(path))

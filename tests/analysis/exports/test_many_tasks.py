"""The map of tasks and algorithms and the mean ranks for papers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from analysis.exports.latex import escaped
from analysis.exports.many_tasks import sheets
from tests.analysis.figures.planted_tasks import TITLE, names, tables


@pytest.fixture
def made():
    """The two tables of three algorithms on four tasks."""
    plan = SimpleNamespace(title=TITLE, control="random", paired=True)
    return sheets(SimpleNamespace(results=SimpleNamespace(plan=plan), tables=tables(names(3), 4)))


def test_the_map_has_a_column_for_each_algorithm_by_mean_rank(made):
    """Numbers and marks are those of the table; what failed is infinite, a task without a known best has a dash."""
    task_map, _ = made
    assert task_map.head == ["task", *names(3)[::-1]]
    assert [row[1:] for row in task_map.rows][::3] == [["0.33", "0.67 ▼", "∞ ▲"], ["-", "- ▼", "- ▲"]]


def test_ranks_stand_beside_ratings_and_the_numbers_of_tasks(made):
    """The best is first; intervals are in brackets, and wins over the control are counted over tasks."""
    _, ranks = made
    assert ranks.rows[0] == ["method_02", "1.00", "[0.60, 1.50]", "1533", "[1380, 1620]", "1", "1"]
    assert [row[0] for row in ranks.rows] == names(3)[::-1]


def test_a_suite_of_few_tasks_has_neither():
    """Without the table of mean ranks there is nothing to write."""
    assert sheets(SimpleNamespace(tables={})) == []


def test_marks_are_set_by_latex():
    """Triangles and infinity become commands of mathematics."""
    assert escaped("∞ ▲▼") == r"$\infty$ $^{+}$$^{-}$"

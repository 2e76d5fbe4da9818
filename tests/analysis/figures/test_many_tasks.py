"""Figures of many tasks: what they show is what their tables say, and it can be read."""

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figure_output import SIZES
from analysis.figures.advice import advice
from analysis.figures.mean_ranks import mean_ranks
from analysis.figures.profiles import data_profiles, performance_profiles
from analysis.figures.rank_over_budget import rank_over_budget
from analysis.figures.ratings import ratings
from analysis.figures.task_map import task_map
from analysis.figures.theme import theme
from analysis.figures.win_rates import win_rates
from tests.analysis.figures.planted_tasks import TITLE, held_out, names, tables
from tests.analysis.figures.text_boxes import unreadable

OF_LINES = {"performance_profiles": performance_profiles, "data_profiles": data_profiles}


def drawn(kind, algorithms, tasks, page=None):
    """One of the figures, of planted tables."""
    frame, order = tables(algorithms, tasks)[kind], algorithms[::-1]
    with theme(page):
        if kind == "task_map":
            return task_map(frame, title=TITLE, control=algorithms[0], order=order)
        if kind == "win_rates":
            return win_rates(frame, title=TITLE, order=order)
        if kind == "advice":
            return advice(frame, held_out(), title=TITLE, algorithms=algorithms)
        if kind in OF_LINES:
            return OF_LINES[kind](frame, title=TITLE, algorithms=algorithms)
        make = {"mean_ranks": mean_ranks, "ratings": ratings, "rank_over_budget": rank_over_budget}[kind]
        return make(frame, title=TITLE, algorithms=algorithms)


KINDS = tuple(tables(names(3), 4))


def grid(figure, rows):
    """The texts of a matrix's cells, row by row."""
    texts = [text.get_text() for text in figure.axes[0].texts]
    return [texts[place : place + len(texts) // rows] for place in range(0, len(texts), len(texts) // rows)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_few_algorithms_on_a_few_tasks_are_readable(kind, monkeypatch):
    """Three algorithms on four tasks: no text is cut or lies on another."""
    with theme():
        assert unreadable(drawn(kind, names(3), 4), monkeypatch) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_algorithms_on_many_tasks_are_readable(kind, monkeypatch):
    """So with 21 algorithms on 22 tasks, one of whose names is long."""
    with theme():
        assert unreadable(drawn(kind, names(21), 22), monkeypatch) == []


FEWEST_POINTS = 6.0
"""Of letters in print: journals ask for 5 to 7."""


def least_letters(figure, page):
    """The smallest letters of a figure on its page, in points."""
    scale = min(page.width / figure.get_figwidth(), page.height / figure.get_figheight())
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return scale * min(text.get_fontsize() for text in texts)


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 21])
@pytest.mark.parametrize("size", ["one-column", "two-column"])
@pytest.mark.parametrize("kind", KINDS)
def test_figures_for_papers_are_readable_in_print(kind, size, count, monkeypatch):
    """In a column and over two no letter is below 6 points, no text is cut or lies on another."""
    page = SIZES[size]
    with theme(page):
        figure = drawn(kind, names(count), 22, page)
        assert least_letters(figure, page) >= FEWEST_POINTS
        assert unreadable(figure, monkeypatch) == []


def test_narrow_cells_keep_their_marks_and_rows_have_numbers():
    """In a column 21 algorithms have marks without numbers; the columns' names say what the rows' numbers mean."""
    page, order = SIZES["one-column"], names(21)[::-1]
    figure = drawn("win_rates", names(21), 22, page)
    rows, columns = ([label.get_text() for label in labels] for labels in (
        figure.axes[0].get_yticklabels(), figure.axes[0].get_xticklabels()))  # fmt: skip
    assert rows == [str(place) for place in range(1, 22)]
    assert [name.split(" ")[0] for name in columns] == rows
    assert columns[-1] == f"21 {order[-1]}"
    assert {text for row in grid(figure, 21) for text in row} == {"", "*"}
    wide = drawn("win_rates", names(21), 22)
    marked = [[text.endswith("*") for text in row] for row in grid(wide, 21)]
    assert [[text == "*" for text in row] for row in grid(figure, 21)] == marked


def test_a_key_names_the_rows_that_have_numbers():
    """Below a map for a column is what each number stands for."""
    figure = drawn("task_map", names(21), 22, SIZES["one-column"])
    keyed = [text.get_text() for text in figure.legends[0].get_texts()]
    tasks = tables(names(21), 22)["task_map"]["objective"].unique()
    assert [text.replace("\n", "") for text in keyed] == [f"{place} {task}" for place, task in enumerate(tasks, 1)]


def test_a_cell_of_the_map_has_the_regret_and_the_verdict():
    """Numbers and marks are those of the table, columns in the given order; without a known best there is no number."""
    first, *_, last = grid(drawn("task_map", names(3), 4), 4)
    assert first == ["0.33", "0.67 ▼", "∞ ▲"]
    assert last == ["", "▼", "▲"]


def test_less_regret_has_another_colour_than_more():
    """Colours are ordered as regrets are; of 0 and of infinity they are those at the ends."""
    from analysis.figures.task_map import _logarithms

    logs, low, high = _logarithms(np.array([[0.0, 1e-3, 0.1, 1.0, np.inf, np.nan]]))
    assert (low, high) == (-2.0, 0.0)
    np.testing.assert_allclose(logs, [[-2.0, -2.0, -1.0, 0.0, 0.0, np.nan]])


def test_win_rates_are_in_per_cent_and_marked_where_the_interval_excludes_half():
    """Of two algorithms the cells of either add up to 100, and both or none have an asterisk."""
    assert grid(drawn("win_rates", names(3), 4), 3) == [["", "67*", "83*"], ["33*", "", "67*"], ["17*", "33*", ""]]


@pytest.mark.parametrize(("kind", "better"), [("mean_ranks", "left"), ("ratings", "right")])
def test_the_best_is_on_top(kind, better):
    """Lanes are ordered from the best to the worst."""
    axes = drawn(kind, names(3), 4).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == names(3)[::-1]
    values = [float(line.get_xdata()[0]) for line in axes.lines[1:]]
    assert values == sorted(values, reverse=better == "right")


@pytest.mark.parametrize("kind", OF_LINES)
def test_profiles_are_steps_named_by_their_ends(kind):
    """Lines are right-continuous steps through the table's shares, and the legend begins with the highest end."""
    figure = drawn(kind, names(3), 4)
    [axes] = figure.axes
    assert {line.get_drawstyle() for line in axes.lines} == {"steps-post"}
    np.testing.assert_allclose(axes.lines[2].get_ydata(), np.array([0, 1, 2, 3, 3]) / 4 * 2 / 3)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == names(3)[::-1]


def test_the_best_rank_ends_on_top():
    """The axis of ranks over the budget is turned, and the legend begins with the least rank."""
    figure = drawn("rank_over_budget", names(3), 4)
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == names(3)[::-1]


def test_the_advice_has_a_row_for_each_kind_and_says_whose_ranks_decided():
    """Cells name the algorithm with its mean rank and how many are not shown to be worse; below are the regrets."""
    figure = drawn("advice", names(3), 22)
    cells, regrets = figure.axes
    texts = [text.get_text() for text in cells.texts]
    assert texts[:4] == ["random", "mean rank 2.5", "method_02", "mean rank 2.5"]
    assert texts[-1] == "mean rank 2.5 (1.5 to 3.5), 3 not worse"
    kinds = [label.get_text() for label in cells.get_yticklabels()]
    assert kinds[0] == "dimension <= 4, with curves\n3 tasks"
    assert kinds[-1] == "dimension > 7, without curves\ntoo few: all 22 tasks"
    below = [label.get_text() for label in regrets.get_xticklabels()]
    assert below == [
        "no difference: some\ntask is left without a result", "advice less always: -0.1\n(-0.2 to +0.1)",
    ]  # fmt: skip

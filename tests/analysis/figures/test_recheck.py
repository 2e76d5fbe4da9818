"""The recheck's figure: selected and fresh means where the table has them, and the noise floor."""

import math

import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from analysis.figures.recheck import recheck
from analysis.figures.rendering import render
from analysis.figures.theme import theme
from analysis.loading.results import load
from analysis.tables.recheck import NOISE, RECHECK


@pytest.fixture
def results(suite):
    """Results with two algorithms, one run each; what the figure draws comes from the tables."""
    suite.algorithm("local")
    for algorithm in ("random", "local"):
        suite.run([(0.2, 0.3, 1.0)], algorithm=algorithm)
    return load(suite.folder)


def row(algorithm, repetition, selected, fresh, k=3, crashed=0):
    """A row of the table; test errors are 0.1 above validation errors."""
    return {
        "objective": "bowl",
        "algorithm": algorithm,
        "repetition": repetition,
        "config": "{}",
        "epochs": 2,
        "selected_valid_error": selected,
        "selected_test_error": selected + 0.1,
        "k": k,
        "n_crashed": crashed,
        "fresh_valid_mean": fresh,
        "fresh_valid_std": 0.01,
        "fresh_test_mean": fresh + 0.1,
        "fresh_test_std": 0.01,
    }


def tables(rows, valid_sd=0.02, test_sd=0.03):
    """The two tables that the figure reads."""
    noise = ("bowl", 4, 3, 12, 0, 1, 8, valid_sd, test_sd)
    return {
        "recheck": pd.DataFrame(rows, columns=list(RECHECK)),
        "noise": pd.DataFrame([noise], columns=list(NOISE)),
    }


ROWS = [row("random", 0, 0.20, 0.26), row("random", 1, 0.30, 0.34), row("local", 0, 0.22, 0.24)]


def points(axes):
    """Where the means are: (error, lane)."""
    return {
        (round(float(x), 6), round(float(y), 6))
        for container in axes.containers
        for x, y in zip(*container[0].get_data(), strict=True)
    }


def words(figure):
    """Everything that is written in a figure but the ticks."""
    [legend] = figure.legends
    return " ".join([legend.get_title().get_text(), *(text.get_text() for text in legend.get_texts())])


def test_means_stand_where_the_table_says(results):
    """Selected above fresh in every algorithm's lane, validation left, test right."""
    with theme():
        figure = recheck(results, tables(ROWS), "bowl")

    left, right = figure.axes
    assert points(left) == {(0.25, -0.16), (0.30, 0.16), (0.22, 0.84), (0.24, 1.16)}
    assert points(right) == {(0.35, -0.16), (0.40, 0.16), (0.32, 0.84), (0.34, 1.16)}
    assert [label.get_text() for label in left.get_yticklabels()] == ["random", "local"]


def test_the_band_is_the_noise_floor_above_the_least_fresh_mean(results):
    """It begins at the best algorithm's fresh mean and is one sd wide; the words below say the sd."""
    with theme():
        figure = recheck(results, tables(ROWS), "bowl")

    for axes, low, sd in zip(figure.axes, (0.24, 0.34), (0.02, 0.03), strict=True):
        [band] = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        assert (band.get_x(), band.get_width()) == pytest.approx((low, sd))
    assert "validation 0.02, test 0.03 (4 configurations, 3 fresh seeds each, 1 crashed)" in words(figure)


def test_an_undefined_noise_floor_has_no_band(results):
    """One seed shows no spread."""
    with theme():
        figure = recheck(results, tables(ROWS, math.nan, math.nan), "bowl")

    assert not [patch for axes in figure.axes for patch in axes.patches]
    assert "validation undefined, test undefined" in words(figure)


def test_what_is_not_rechecked_is_told(results):
    """A label says how many of the runs are shown; a crashed fresh training leaves no fresh mean."""
    rows = [*ROWS, row("random", 2, 0.4, math.nan, k=0), row("local", 1, 0.22, math.nan, crashed=1)]
    with theme():
        figure = recheck(results, tables(rows), "bowl")

    left, _ = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["random (2 of 3)", "local"]
    assert points(left) == {(0.25, -0.16), (0.30, 0.16), (0.22, 0.84)}


def test_all_crashed_is_a_notice(results):
    """Where no algorithm has a fresh mean the figure says so."""
    rows = [row("random", 0, 0.2, math.nan, crashed=1), row("local", 0, 0.2, math.nan, crashed=1)]
    with theme():
        figure = recheck(results, tables(rows), "bowl")

    assert figure.texts[-1].get_text() == "fresh trainings crashed: no algorithm has a defined mean"


@pytest.mark.parametrize("rows", [[], [row("random", 0, 0.2, math.nan, k=0)]], ids=["none", "another"])
def test_nothing_rechecked_is_no_figure(results, rows):
    """Without fresh results there is nothing to draw."""
    with theme():
        assert recheck(results, tables(rows), "bowl") is None
        assert recheck(results, tables(ROWS), "valley") is None


def test_the_same_bytes_every_time(results):
    """Drawn twice, PNG and SVG are the same."""
    with theme():
        first, second = (render(recheck(results, tables(ROWS), "bowl")) for _ in range(2))

    assert first == second

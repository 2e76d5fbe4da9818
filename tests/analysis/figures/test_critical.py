"""The critical-difference diagram: which objectives are its blocks, and what its bars connect."""

import numpy as np
import pytest

from analysis.figures.critical import FEWEST, critical
from analysis.figures.theme import theme
from analysis.loading.results import load

pytestmark = pytest.mark.slow  # As the other views: each test takes a second or more.


@pytest.fixture
def race(suite):
    """One objective on which "local" is better than "random"."""
    suite.algorithm("local")
    for algorithm, error in (("random", 0.5), ("local", 0.4)):
        suite.run([(error, error, 1.0)], algorithm=algorithm)
    return suite


def test_repetitions_are_no_blocks_of_a_critical_difference_diagram(race):
    """One objective has no diagram, however often it was repeated; enough of them have one."""
    results = load(race.folder)
    assert critical(results) is None
    for number in range(FEWEST):
        race.objective(f"more-{number}")
        for algorithm, error in (("random", 0.5), ("local", 0.4)):
            race.run([(error, error, 1.0)], objective=f"more-{number}", algorithm=algorithm)
        drawn = critical(load(race.folder))
        assert (drawn is None) == (number + 2 < FEWEST)
    caption = drawn.legends[0].get_title().get_text().replace("\n", " ")
    assert f"on {FEWEST + 1} of {FEWEST + 1} objectives" in caption
    labels = [text.get_text() for text in drawn.axes[0].texts]
    assert labels == ["local (1.00)", "(2.00) random"]


def test_an_objective_that_some_have_not_finished_is_no_block(race):
    """A block needs every algorithm; the caption counts the others out."""
    for number in range(FEWEST):
        race.objective(f"more-{number}")
        race.run([(0.5, 0.5, 1.0)], objective=f"more-{number}")
    assert critical(load(race.folder)) is None


def test_algorithms_that_all_tie_are_under_one_bar(suite):
    """Where every rank is the same there is a diagram, and no warning."""
    suite.algorithm("local")
    for label in ("bowl", *(f"more-{number}" for number in range(FEWEST))):
        if label != "bowl":
            suite.objective(label)
        for algorithm in ("random", "local"):
            suite.run([(0.5, 0.5, 1.0)], objective=label, algorithm=algorithm)
    with theme():
        figure = critical(load(suite.folder))
        figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].texts] == ["random (1.50)", "(1.50) local"]


def test_a_bar_goes_from_its_best_algorithm_to_its_worst(suite):
    """Its points are in order, whatever order a set of names has in this process."""
    suite.set(objectives=[], algorithms=[])
    names = [f"method-{number}" for number in range(12)]
    for name in names:
        suite.algorithm(name)
    for place in range(FEWEST):
        suite.objective(f"task-{place}")
        for number, name in enumerate(names):
            suite.run([(0.1 * number, 0.1 * number, 1.0)], objective=f"task-{place}", algorithm=name)
    with theme():
        figure = critical(load(suite.folder))
    bars = [line.get_xdata() for line in figure.axes[0].lines if line.get_linewidth() == 2.5]
    assert len(bars) > 1
    assert all(len(points) > 2 and np.all(np.diff(points) > 0) for points in bars)

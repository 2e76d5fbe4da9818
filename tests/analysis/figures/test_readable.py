"""Every figure of every suite can be read: whatever its numbers are, and however long its names."""

import warnings

import matplotlib as mpl
import pytest

from analysis.figure_output import SIZES
from analysis.figures.critical import critical
from analysis.figures.theme import theme
from analysis.figures.verdicts import verdicts
from analysis.loading.results import load
from analysis.regression.cells import Cell, Margin
from analysis.regression.non_inferiority import Comparison
from tests.analysis.figures.crowd import LABEL, OBJECTIVE, RIVALS, figures, plant
from tests.analysis.figures.text_boxes import unreadable

NUMBERS = {
    "small": ([1e-290, 1e-300, 3e-308, 5e-324], [1e-300, 1e-299, 2e-299, 1e-290]),
    "large": ([1.7e308, 1e308, 2e307, 1e300], [0.0, 0.0, 0.0, 0.0]),
    "both": ([1e308, -1e308, 0.0, 1.0], [0.0, 1e-300, 1.0, 1e300]),
    "exploding": ([1e308, 0.5, 0.4, 0.3], [1.0, 2.0, 3.0, 40.0]),
    "negative": ([-1e300, -1.0, None, -1e-300], [5.0, 5.0, 5.0, 5.0]),
}
"""Errors and ends of the evaluations of a run."""
EXTREME = {
    "learning_rate": {"kind": "float", "low": 1e-200, "high": 1e200, "log": True},
    "wide": {"kind": "float", "low": -1.7e308, "high": 1.7e308, "log": False},
    "narrow": {"kind": "int", "low": 10**18, "high": 10**18 + 3, "log": False},
    "listed": {"kind": "ordinal", "choices": [1e-300, 1.0, 1e300]},
}
DEFAULT = {"learning_rate": 1e-100, "wide": 0.0, "narrow": 10**18, "listed": 1.0}


def config(index):
    """A configuration in a corner of the space `EXTREME`."""
    listed, wide = (1e-300, 1.0, 1e300, 1.0)[index], (-1.7e308, 1.7e308, 0.0, 1.0)[index]
    return {"learning_rate": 10.0 ** (100 * (index - 2)), "wide": wide, "narrow": 10**18 + index, "listed": listed}


@pytest.mark.slow
@pytest.mark.parametrize("case", NUMBERS)
def test_any_numbers_are_drawn(suite, planted_evaluation, monkeypatch, case):
    """No figure fails, warns, or loses its axis' labels, whatever is on it."""
    errors, ends = NUMBERS[case]
    suite.set(objectives=[])
    suite.objective("bowl", EXTREME, DEFAULT)
    suite.algorithm("local")
    for algorithm, factor in (("random", 1.0), ("local", 0.9)):
        for repetition in range(2):
            records = []
            for index, (value, end) in enumerate(zip(errors, ends, strict=True)):
                error = None if value is None else value * factor**repetition
                curve = [] if error is None else [error, error]
                records.append(planted_evaluation(
                    index, error, error, end, config=config(index), train_seconds=end, decide_seconds=0.0,
                    valid_curve=curve, test_curve=curve,
                ))  # fmt: skip
            suite.run(records, repetition, algorithm=algorithm)
    with theme():
        warnings.simplefilter("error")
        drawn = figures(load(suite.folder), suite.folder, recheck=next(value for value in errors if value is not None))
        faults = {name: unreadable(figure, monkeypatch) for name, figure in drawn.items() if figure is not None}
    assert {name: words for name, words in faults.items() if words} == {}
    assert len(faults) == 14


@pytest.mark.slow
def test_a_crowd_with_long_names_is_readable(suite, planted_evaluation, monkeypatch):
    """Of twelve rivals no text is cut, lies on another, or leaves its panel too little room."""
    plant(suite, planted_evaluation)
    with theme():
        drawn = figures(load(suite.folder), suite.folder)
        faults = {name: unreadable(figure, monkeypatch) for name, figure in drawn.items() if figure is not None}
    assert {name: words for name, words in faults.items() if words} == {}
    assert len(faults) == 14


@pytest.mark.parametrize(("label", "rivals"), [(LABEL, RIVALS), ("W" * 62 + "{:02d}", 5), ("a{}", 2)])
def test_ranks_of_long_names_are_readable(suite, monkeypatch, label, rivals):
    """The diagram of critical differences has names on either side of it."""
    suite.set(objectives=[], algorithms=[])
    names = [label.format(number) for number in range(rivals)]
    for name in names:
        suite.algorithm(name)
    for place in range(5):
        suite.objective(OBJECTIVE.format(place))
        for number, name in enumerate(names):
            suite.run([(0.1 * number, 0.1, 1.0)], objective=OBJECTIVE.format(place), algorithm=name)
    with theme():
        assert unreadable(critical(load(suite.folder)), monkeypatch) == []


@pytest.mark.slow
@pytest.mark.parametrize("label", [LABEL, "method_{:02d}"])
def test_ranks_are_readable_in_a_column(suite, monkeypatch, label):
    """The names beside the diagram are broken for a page, whose letters are of the same size as in other figures."""
    suite.set(objectives=[], algorithms=[])
    for number in range(RIVALS):
        suite.algorithm(label.format(number))
    for place in range(5):
        suite.objective(OBJECTIVE.format(place))
        for number in range(RIVALS):
            suite.run([(0.1 * number, 0.1, 1.0)], objective=OBJECTIVE.format(place), algorithm=label.format(number))
    with theme(SIZES["one-column"]):
        figure = critical(load(suite.folder))
        assert figure.get_figwidth() == SIZES["one-column"].room
        assert unreadable(figure, monkeypatch) == []


def test_verdicts_of_long_names_are_readable(monkeypatch):
    """The comparison of two suites names objective and algorithm of every interval."""
    numbers = {"n": 9, "n_planned": 9, "n_identical": 0, "n_old_failed": 0, "old_mean": 0.0, "new_mean": 0.0}
    numbers |= {"lo": -1e308, "hi": 1e308, "margin": 0.1, "p": 0.5, "p_holm": 0.5, "needed": 9.0}
    cells = tuple(
        Cell(
            objective=OBJECTIVE.format(0), algorithm=LABEL.format(number), verdict="no regression",
            n_new_failed=number % 2, mean=10.0 ** (150 * number - 300), **numbers,
        )
        for number in range(5)
    )  # fmt: skip
    comparison = Comparison(
        old="o" * 64, new="n" * 64, endpoint="test_error", margin=Margin(), cells=cells, unpaired=(), changed={}
    )
    with theme():
        assert unreadable(verdicts(comparison), monkeypatch) == []


def test_names_are_not_mathematics_and_may_have_letters_that_the_font_lacks(suite, monkeypatch):
    """A display name with dollars, an underscore in front or a letter from elsewhere is drawn as it is spelled."""
    names = ["_a $x$", r"$\frac{$", "\u65e5\u672c \U0001f600"]
    suite.set(algorithms=[{"label": "random", "display_name": names[0]}])
    suite.run([(0.5, 0.5, 1.0)])
    from analysis.display_names import with_display_names
    from analysis.figures.anytime import anytime
    from analysis.study import Study

    for name in names:
        suite.set(algorithms=[{"label": "random", "display_name": name}])
        study = with_display_names(Study(load(suite.folder), suite.folder))
        with theme():
            figure = anytime(study.results, study.tables["trajectory"], "bowl", "runtime")
            figure.draw_without_rendering()
        assert figure.legends[0].get_texts()[0].get_text().startswith(name)
    assert mpl.rcParams["text.parse_math"]

"""The views: each is drawn for every suite, however little of it there is, and says what it draws of how many."""

from functools import partial

import numpy as np
import pytest

from analysis.figures.coordinates import coordinates
from analysis.figures.critical import critical
from analysis.figures.curves import curves
from analysis.figures.difference import difference
from analysis.figures.gap import gap
from analysis.figures.importance import importance
from analysis.figures.overhead import overhead
from analysis.figures.rendering import render
from analysis.figures.scores import scores
from analysis.figures.targets import steps, targets
from analysis.figures.theme import theme
from analysis.figures.timeline import timeline
from analysis.loading.results import load
from analysis.statistics.anytime import curve
from analysis.statistics.targets import attempts
from analysis.tables.curves import curves_table
from analysis.tables.differences import claims_table, compared, differences_table
from analysis.tables.importance import importance_table
from analysis.tables.overhead import overhead_table
from analysis.tables.scores import scores_table
from analysis.tables.statistics import statistics_table
from analysis.tables.targets import targets_table
from analysis.tables.timeline import timeline_table

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.

DEEP = {
    "learning_rate": {"kind": "ordinal", "choices": [0.001, 0.01, 0.1, 1.0]},
    "activation": {"kind": "categorical", "choices": ["relu", "tanh", True]},
    "layers": {"kind": "int", "low": 1, "high": 2, "log": False},
    "batch_size": {"kind": "int", "low": 16, "high": 64, "log": False},
    "width_2": {"kind": "int", "low": 8, "high": 64, "log": True, "when": {"parent": "layers", "values": [2]}},
}


def tables_of(results, folder):
    """The tables that views draw."""
    pairs = compared(results)
    return {
        "curves": curves_table(results, folder),
        "importance": importance_table(results),
        "timeline": timeline_table(results),
        "differences": differences_table(pairs),
        "claims": claims_table(pairs),
        "targets": targets_table(results),
        "scores": scores_table(results),
        "statistics": statistics_table(results),
    }


def views(suite, objective="bowl"):
    """All views of an objective by name; to be called within the theme."""
    results = load(suite.folder)
    tables = tables_of(results, suite.folder)
    declared = next(entry for entry in results.plan.objectives if entry.label == objective)
    drawers = {view.__name__: partial(view, results, tables, objective) for view in OF_TABLES}
    drawers["coordinates"] = partial(coordinates, results, declared)
    drawers["overhead"] = partial(overhead, results, overhead_table(results), objective)
    drawers["gap"] = partial(gap, results, objective)
    drawers["critical"] = partial(critical, results)
    return {name: draw() for name, draw in drawers.items()}


OF_TABLES = (curves, difference, importance, scores, targets, timeline)


def words(figure):
    """All that is written in a figure's title, legend and panels' titles, wherever its lines break."""
    legends = [text.get_text() for legend in figure.legends for text in (legend.get_title(), *legend.get_texts())]
    texts = [*(text.get_text() for text in figure.texts), *legends, *(axes.get_title() for axes in figure.axes)]
    return " ".join(texts).replace("\n", " ")


def lanes(axes):
    """The names beside a panel's lanes."""
    return [label.get_text() for label in axes.get_yticklabels()]


@pytest.fixture(autouse=True)
def few_forests(monkeypatch):
    """Importances are drawn here, not judged: two forests are enough, and four times as fast."""
    monkeypatch.setattr("analysis.tables.importance.FORESTS", 2)


@pytest.fixture
def race(suite, planted_evaluation):
    """Eight repetitions in which "local" is better than "random" from the third second on, with learning curves."""
    suite.algorithm("local")
    suite.set(repetitions=8)
    for repetition in range(8):
        for algorithm, last in (("random", 0.5), ("local", 0.2)):
            noise = 0.01 * ((3 * repetition + len(algorithm)) % 7)
            errors = [0.8 + noise, 0.6 + noise, last + noise, last - 0.05 + noise]
            evaluations = [
                planted_evaluation(
                    index, error, error + 0.02, 1.0 + index, start=float(index),
                    config={"learning_rate": 0.1 + 0.2 * index},
                    valid_curve=[0.9, error], test_curve=[0.9, error + 0.02],
                )
                for index, error in enumerate(errors)
            ]  # fmt: skip
            suite.run(evaluations, repetition, algorithm=algorithm)
    return suite


@pytest.fixture
def deep(suite, planted_evaluation):
    """An objective with ordinal, categorical and conditional hyperparameters."""
    suite.objective("deep", DEEP)
    evaluations = []
    for index in range(40):
        config = {"learning_rate": 10.0 ** (index % 4 - 3), "activation": ["relu", "tanh", True][index % 3]}
        config |= {"layers": 1 + index % 2, "batch_size": 16 + index} | ({"width_2": 8 + index} if index % 2 else {})
        evaluations.append(planted_evaluation(index, 0.02 * (index + 1), 0.5, 1.0 + index, config=config))
    suite.run(evaluations, objective="deep")
    return suite


@pytest.mark.slow
def test_the_same_bytes_twice(race, deep):
    """Every view is byte-identical when drawn again, from ledgers read again."""
    for objective in ("bowl", "deep"):
        with theme():
            first, second = (
                {name: render(figure) for name, figure in views(race, objective).items() if figure is not None}
                for _ in range(2)
            )
        assert first == second
        assert len(first) == 9


@pytest.mark.parametrize(
    "runs",
    [
        [([(0.5, 0.5, 1.0)], "done")],
        [([(0.5, 0.5, 1.0)], "done"), ([(0.5, 0.5, 1.0)], "done")],
        [([(None, None, 1.0)], "done"), ([(None, None, 2.0)], "failed")],
        [([], "partial")],
        [([(0.5, 0.5, 1.0)], "partial")],
        [([], "done"), ([], "failed")],
        [([(0.5, 0.5, 0.0)], "done"), ([(0.4, 0.5, 0.0)], "failed")],
        [([(0.5, 0.5, 1.0), (0.0, 0.0, 2.0)], "done"), ([(None, None, 2.0), (0.3, 0.2, 3.0)], "done")],
    ],
    ids=["one run", "all tied", "all crashed", "nothing yet", "unfinished", "no evaluations", "no time", "mixed"],
)
@pytest.mark.parametrize("others", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_every_degenerate_suite_is_drawn(suite, runs, others):
    """However little there is, of one algorithm or two, each view has an answer and no warning is raised."""
    for number in range(others):
        suite.algorithm(f"other-{number}")
    for repetition, (evaluations, state) in enumerate(runs):
        for algorithm in ("random", *(f"other-{number}" for number in range(others))):
            suite.run(evaluations, repetition, state=state, algorithm=algorithm)
    assert missing(suite) == (["critical"] if others else ["difference", "critical"])


@pytest.mark.slow
def test_many_algorithms_of_which_half_have_no_run_are_drawn(suite):
    """From ten algorithms on views change, and need not have a run of each."""
    for number in range(10):
        suite.algorithm(f"other-{number}")
    for algorithm in ("random", *(f"other-{number}" for number in range(0, 10, 2))):
        suite.run([(0.5, 0.5, 1.0), (0.0, 0.0, 2.0)], 0, algorithm=algorithm)
        suite.run([(None, None, 2.0), (0.3, 0.2, 3.0)], 1, algorithm=algorithm)
    assert missing(suite) == ["critical"]


def missing(suite):
    """Draws all views, and names those that a suite has not."""
    with theme():
        drawn = views(suite)
        for figure in drawn.values():
            assert figure is None or figure.draw_without_rendering() is None
    return [name for name, figure in drawn.items() if figure is None]


def test_the_difference_shows_who_is_ahead_and_when(race):
    """The line is the table's mean, and a bar below spans what is claimed."""
    results = load(race.folder)
    tables = tables_of(results, race.folder)
    with theme():
        [axes] = difference(results, tables, "bowl").axes
    line = max(axes.lines, key=lambda line: line.get_linewidth())
    assert line.get_drawstyle() == "steps-post"
    assert line.get_ydata()[-1] == pytest.approx(-0.3, abs=0.03)
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches] == [(3.0, 4.0)]
    assert axes.get_title() == "local: 8 of 8 pairs"


def test_too_few_pairs_have_no_band(suite):
    """With two repetitions there is a mean difference, and the caption says why there is no band."""
    suite.algorithm("local")
    for algorithm in ("random", "local"):
        for repetition in (0, 1):
            suite.run([(0.5 - 0.1 * repetition, 0.5, 1.0), (0.3, 0.3, 2.0)], repetition, algorithm=algorithm)
    with theme():
        assert "Too few pairs for a band" in words(views(suite)["difference"])


def test_runs_that_reached_the_target_are_steps(race):
    """The legend counts them, and the lines end at the share that the estimate of Kaplan and Meier has."""
    with theme():
        figure = views(race)["targets"]
    assert "random: 8, 4 of 8" in words(figure) or "random: 4, 4 of 8" in words(figure)
    assert "local: 8, 8 of 8" in words(figure)
    assert [line.get_ydata()[-1] for line in figure.axes[1].lines][1] == 1.0


def test_steps_take_unfinished_runs_as_unknown():
    """Of three runs one reaches the target at 1, one ends at 2 without, one reaches it at 3: 1/3, then 1."""
    times = [(1.0, 0.1), (2.0, 0.9), (3.0, 0.1)]
    runs = [curve(np.array([t]), np.array([error]), np.array([error]), carried=True) for t, error in times]
    t, share = steps(attempts(runs, 0.5, "valid"))
    assert t[0] == 0.0
    assert share[0] == 0.0
    np.testing.assert_allclose([share[t <= time][-1] for time in (0.5, 1.0, 2.5, 3.0)], [0, 1 / 3, 1 / 3, 1])


def test_many_algorithms_have_a_panel_each(race):
    """Lines of many algorithms would hide each other; each has a panel, with those of the control in grey."""
    for number in range(9):
        race.algorithm(f"other-{number}")
    with theme():
        panels = views(race)["targets"].axes
    assert [axes.get_title() for axes in panels if axes.get_visible()][2] == "other-0: 0, 0 of 0"


def test_scores_and_gaps_have_a_lane_each_with_counts(race):
    """Names say how many runs there are of how many, points are the runs."""
    race.algorithm("missing")
    with theme():
        drawn = views(race)
    for figure in (drawn["scores"].axes[0], drawn["gap"].axes[1]):
        assert lanes(figure) == ["random (8 of 8)", "local (8 of 8)", "missing (0 of 8)"]
    points = [line for line in drawn["gap"].axes[1].lines if len(line.get_xdata()) == 8]
    np.testing.assert_allclose(points[0].get_xdata(), 0.02)


def test_learning_curves_show_every_trial_and_the_incumbent(race):
    """Each trial is a line; the last, the incumbent, is dark and has its test error too."""
    with theme():
        figure = views(race)["curves"]
    random = figure.axes[0]
    assert random.get_title() == "random: 4 trials"
    assert len(random.collections[0].get_segments()) == 3
    lines = [line.get_ydata().tolist() for line in random.lines if len(line.get_ydata())]
    assert len(lines) == 2
    np.testing.assert_allclose(np.subtract(*lines), [0.0, 0.02])
    assert "Repetition 0 of 8" in words(figure)


def test_learning_curves_count_trials_without_one(suite, planted_evaluation):
    """A crashed trial is not forgotten, nor that a run is unfinished."""
    curves_ = {"valid_curve": [0.5], "test_curve": [0.5]}
    suite.run(
        [planted_evaluation(0, 0.5, 0.5, 1.0, **curves_), planted_evaluation(1, None, None, 2.0)], state="partial"
    )
    with theme():
        assert views(suite)["curves"].axes[0].get_title() == "random: partial, 1 of 2 trials"


def test_coordinates_have_a_line_for_each_evaluation(deep):
    """Up to the limit all are drawn, the best on top; without a hyperparameter a line passes below its axis."""
    results = load(deep.folder)
    with theme():
        figure = coordinates(results, results.plan.objectives[1])
    others, best = figure.axes[0].collections
    segments = [*others.get_segments(), *best.get_segments()]
    assert (len(others.get_segments()), len(best.get_segments())) == (30, 10)
    assert sum(line[4, 1] < 0.0 for line in segments) == 20
    assert all(0.0 <= line[3, 1] <= 1.0 for line in segments)
    assert segments[-1][-1, 1] == 0.0
    assert "40 fully trained evaluations" in words(figure)


def test_importance_names_the_condition_and_the_count(deep):
    """The most important is on top; a conditional hyperparameter says where, and among how many."""
    with theme():
        [axes] = views(deep, "deep")["importance"].axes
    assert "width_2 (where layers = 2)" in lanes(axes)
    assert any("(n = 20)" in text.get_text() for text in axes.texts)
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(widths, reverse=True)


def test_the_timeline_has_a_lane_for_each_worker(suite, planted_evaluation):
    """Idle workers have theirs too, and promotions differ from new trials."""
    suite.set(n_workers=3)
    spans = [(0.0, 2.0, 0), (0.0, 1.0, 0), (1.0, 4.0, 2)]
    suite.run(
        [
            planted_evaluation(index, 0.5, 0.5, end, start=start, start_epoch=first, epochs=first + 2)
            for index, (start, end, first) in enumerate(spans)
        ]
    )
    with theme():
        figure = views(suite)["timeline"]
    assert lanes(figure.axes[0]) == ["random, worker 0", "random, worker 1", "random, worker 2"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["50 %, n = 1", "100 %, n = 2", "0 %, n = 0"]
    assert "a trial trained further" in words(figure)


def test_the_overhead_tells_the_share_of_deciding(race):
    """Marks are seconds per evaluation, and the share stands beside the lane."""
    with theme():
        figure = views(race)["overhead"]
    assert lanes(figure.axes[0]) == ["random (n = 32)", "local (n = 32)"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["33 %", "33 %"]
    assert "charged ones are measured" in words(figure)


@pytest.mark.parametrize("view", OF_TABLES, ids=lambda view: view.__name__)
def test_titles_are_not_mathematics(race, view):
    """Dollar signs in a title are drawn, not parsed."""
    race.set(title=r"costs $\frac{$ per run")
    results = load(race.folder)
    with theme():
        figure = view(results, tables_of(results, race.folder), "bowl")
        figure.draw_without_rendering()
    assert r"$\frac{$" in words(figure)

"""Figures of metrics: in their own direction and unit, which is written letter by letter."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures import makers
from analysis.figures.anytime import anytime
from analysis.figures.difference import difference
from analysis.figures.gap import gap
from analysis.figures.recheck import recheck
from analysis.figures.scatter import landscape
from analysis.figures.scores import scores
from analysis.figures.targets import targets
from analysis.figures.theme import theme
from analysis.loading.results import load
from analysis.study import Study
from tests.analysis.figures.text_boxes import unreadable

pytestmark = pytest.mark.slow  # Each draws a figure; the turned tables that figures are drawn from have cheaper ones.

ACCURACY = {"name": "accuracy", "goal": "max", "unit": "%", "best": 100, "chance": 0}
HOSTILE = {"name": "return", "goal": "max", "unit": r"$\frac{1$ <b>_x^ & 5 % \end"}


@pytest.fixture
def gains(suite, planted_evaluation):
    """A function that plants a metric of some size, less a constant; local makes it half as great again as random."""

    def fill(metric, size=1.0, less=0.0):
        suite.set(repetitions=3, objectives=[], algorithms=[])
        suite.objective("bowl")
        suite.plan["objectives"][0]["metrics"] = [metric]
        for algorithm, gain in (("random", 1.0), ("local", 1.5)):
            suite.algorithm(algorithm)
            for repetition in range(3):
                values = [size * (gain * value + repetition / 9) for value in (10.0, 30.0, 20.0, 50.0)]
                records = [
                    planted_evaluation(
                        place, less - value, less - 0.95 * value, place + 1.0, start=float(place), epochs=2,
                        config={"learning_rate": 0.1 / (place + 1)}, valid_curve=[-value / 2, -value],
                        test_curve=[-value / 2, -value],
                    )
                    for place, value in enumerate(values)
                ]  # fmt: skip
                suite.run(records, repetition, algorithm=algorithm)
        return Study(load(suite.folder), suite.folder)

    return fill


@pytest.mark.parametrize(("size", "less"), [(1.0, 0.0), (1e8, 0.0), (1e8, 1e10)])
def test_the_incumbent_of_a_gain_rises(gains, size, less):
    """Whatever its size and sign: lines never fall, and the axis says that higher is better."""
    study = gains(ACCURACY, size, less)
    with theme():
        figure = anytime(study.results, study.tables["trajectory"], "bowl", "runtime")
    valid, test = figure.axes[:2]
    assert valid.get_ylabel() == "validation accuracy (higher is better) [%]"
    assert test.get_ylabel().replace("\n", " ") == ("test accuracy of the validation incumbent (higher is better) [%]")
    means = [line.get_ydata() for line in valid.lines if line.get_linewidth() == 1.8]
    assert len(means) == 2
    assert all((np.diff(mean) >= 0).all() and np.ptp(mean) > 0 for mean in means)


def test_better_is_above_zero_of_a_gain(gains):
    """The difference from the control, in words and in the numbers that are drawn."""
    study = gains(ACCURACY)
    with theme():
        figure = difference(study.results, study.tables, "bowl")
    assert figure.get_supylabel() == "mean difference (above 0: better) [%]"
    [drawn] = [line.get_ydata() for line in figure.axes[0].lines if line.get_linewidth() == 1.8]
    assert (drawn[-2:] > 0).all()


def test_the_winners_curse_of_a_gain_reads_too_high(gains):
    """Test values lie below the validation values that were selected."""
    study = gains(ACCURACY)
    with theme():
        figure = gap(study.results, "bowl")
    scatter, rows = figure.axes
    assert "(higher is better)" in scatter.get_xlabel().replace("\n", " ")
    assert all((line.get_ydata() < line.get_xdata()).all() for line in scatter.lines if line.get_marker() != "None")
    assert rows.get_xlabel().replace("\n", " ") == "test accuracy - validation accuracy [%]"
    assert "reads too high: points below the line and left of 0" in figure.legends[0].get_title().get_text().replace(
        "\n", " "
    )


def test_a_target_of_a_gain_is_reached_from_below(gains):
    """The panels say so, and the runs that reached it are those with as much or more."""
    study = gains(ACCURACY)
    with theme():
        figure = targets(study.results, study.tables, "bowl")
    title = figure.axes[1].get_title().replace("\n", " ")
    assert title == "test accuracy of the validation incumbent ≥ 47.61 % (random at 100%)"
    assert [text.get_text().split(": ")[1] for text in figure.legends[0].get_texts()] == ["3, 2 of 3", "3, 3 of 3"]


def test_the_noise_floor_of_a_gain_lies_below_its_best(gains):
    """From the greatest fresh mean down."""
    study = gains(ACCURACY)
    rows = study.tables["runs"].assign(
        k=2, selected_valid_error=80.0, selected_test_error=80.0, fresh_valid_mean=[60.0] * 3 + [70.0] * 3,
        fresh_test_mean=[60.0] * 3 + [70.0] * 3,
    )  # fmt: skip
    noise = rows.iloc[:1].assign(n_configs=1, k=2, n_diverged=0, valid_sd=5.0, test_sd=5.0)
    with theme():
        figure = recheck(study.results, {"recheck": rows, "noise": noise}, "bowl")
    floor = next(patch for patch in figure.axes[0].patches if patch.get_facecolor()[:3] == (0xD9 / 255,) * 3)
    assert sorted(floor.get_extents().transformed(figure.axes[0].transData.inverted()).intervalx) == pytest.approx(
        [65.0, 70.0]
    )


@pytest.mark.parametrize(("goal", "edge"), [("max", 0.0), ("min", 1.0)])
def test_what_gave_no_result_lies_on_the_edge_of_the_worst(suite, goal, edge):
    """Crosses beside the greatest gains would look like the best."""
    suite.plan["objectives"][0]["metrics"] = [{"name": "gain", "goal": goal}]
    suite.set()
    suite.run([(-0.5, -0.5, 1.0), (None, None, 2.0)])
    results = load(suite.folder)
    with theme():
        figure = landscape(results, results.plan.objectives[0])
    crosses = figure.axes[0].collections[1]
    assert crosses.get_offsets()[:, 1].tolist() == [edge]


def test_without_a_scale_the_figure_of_scores_says_why(gains):
    """Nothing is invented."""
    study = gains(HOSTILE)
    with theme():
        figure = scores(study.results, study.tables, "bowl")
    assert figure.texts[-1].get_text().replace("\n", " ") == (
        "no anytime score: the metric return declares no best and no chance value, between which scores lie."
    )


@pytest.mark.parametrize("metric", [HOSTILE, {**HOSTILE, "name": "n" * 64, "unit": "$u$" * 10}])
def test_units_are_neither_mathematics_nor_cut(gains, monkeypatch, metric):
    """In no figure is a text with a metric's name or unit read as mathematics, or on another text, or cut."""
    study = gains(metric)
    with theme():
        drawn = {name: make() for name, make in makers(study)}
        faults = {name: unreadable(figure, monkeypatch) for name, figure in drawn.items() if figure is not None}
    assert {name: words for name, words in faults.items() if words} == {}
    texts = [text for figure in drawn.values() if figure for text in figure.findobj(Text) if "$" in text.get_text()]
    assert len(texts) > 10
    assert [
        text.get_text() for text in texts if text.get_parse_math() and not text.get_text().startswith("$\\math")
    ] == []

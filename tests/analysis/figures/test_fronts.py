"""Figures of fronts, hypervolumes and constraints: what the tables say, readable whatever names and numbers are."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from analysis.figures import makers
from analysis.figures.metric_axis import metric_axis, staircase
from analysis.figures.theme import theme
from tests.analysis.figures.planted_fronts import BYTES, GAIN, LOSS, METRICS, SMALL, plant
from tests.analysis.figures.text_boxes import unreadable

pytestmark = pytest.mark.slow  # Each draws figures; axes and lines have cheaper tests.

UNIT = r"$\frac{1$ <b>_x^ & 5 % \end"
LONG = "a-metric-whose-name-is-as-long-as-names-of-metrics-may-be-at-most"[:64]


def drawn(study, *names):
    """Some figures of a study."""
    known = dict(makers(study))
    with theme():
        return {name: known[name]() for name in names}


def lines(axes, width):
    """The lines of a width in a panel, without empty ones."""
    return [np.column_stack(line.get_data()) for line in axes.lines if line.get_linewidth() == width]


def test_surfaces_are_those_of_the_table(suite):
    """Median, best and worst of every algorithm, in each metric's own direction."""
    study = plant(suite)
    figure = drawn(study, "front-bowl")["front-bowl"]
    table = study.tables["attainment"]
    table = table[table["data"] == "test"]
    metrics = study.results.plan.objectives[0].optimised
    across, up = (
        metric_axis(metric, table[f"{axis}_value"].to_numpy()) for axis, metric in zip("xy", metrics, strict=True)
    )
    for axes, algorithm in zip(figure.axes[1:], ("random", "local"), strict=False):
        for surface, width in (("50 %", 1.8), ("best", 0.8), ("worst", 0.8)):
            rows = table[(table["algorithm"] == algorithm) & (table["surface"] == surface)]
            expected = np.column_stack(staircase(rows[["x_value", "y_value"]].to_numpy(), across, up))
            assert any(len(line) == len(expected) and np.allclose(line, expected) for line in lines(axes, width))
    assert figure.axes[1].get_ylabel() == "test gain (higher is better) [%]"
    assert figure.axes[1].get_xlabel() == "test loss (lower is better)"


def test_three_metrics_are_a_triangle_of_pairs(suite):
    """Points are the members of all fronts; a metric over decades is on a logarithmic axis."""
    study = plant(suite, METRICS)
    figure = drawn(study, "front-bowl")["front-bowl"]
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 3
    points = sum(len(found.get_offsets()) for found in shown[0].collections)
    assert points == len(study.tables["front"])
    assert any("10⁴" in label.get_text() or "10000" in label.get_text() for label in shown[1].get_yticklabels())


def test_a_known_front_is_drawn(suite):
    """From the file beside the plan."""
    (suite.folder / "fronts").mkdir()
    (suite.folder / "fronts" / "bowl.csv").write_text("loss,gain\n0.1,50.0\n0.5,90.0\n")
    figure = drawn(plant(suite), "front-bowl")["front-bowl"]
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "."]
    assert np.column_stack(dots[0].get_data()).tolist() == [[0.1, 50.0], [0.5, 90.0]]
    assert "known front" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_hypervolume_rises(suite):
    """On validation its mean never falls, and the labels say what the test values are of."""
    figure = drawn(plant(suite), "hypervolume-bowl")["hypervolume-bowl"]
    assert all((np.diff(line[:, 1]) >= 0).all() for line in lines(figure.axes[0], 1.8))
    assert figure.axes[0].get_ylabel() == "validation hypervolume (higher is better)"
    assert figure.axes[1].get_ylabel().replace("\n", " ").startswith("test hypervolume of the validation front")


def test_violations_are_those_of_the_table(suite):
    """The median over runs, and how many runs became feasible; below the anytime figure the strip says feasible."""
    study = plant(suite, METRICS[:1], recorded=[BYTES], constraints=SMALL)
    figures = drawn(study, "violation-bowl", "anytime-bowl")
    table = study.tables["feasibility"]
    rows = table[(table["axis"] == "runtime") & (table["algorithm"] == "random")]
    panel = figures["violation-bowl"].axes[0]
    [line] = lines(panel, 1.8)
    np.testing.assert_array_equal(line[:, 1], rows["violation_median"])
    assert panel.get_title() == f"random: {rows['n_feasible'].max()} of 4"
    assert "violation of bytes ≤ 30 B" in figures["violation-bowl"].get_suptitle()
    assert "runs\nfeasible" in [axes.get_ylabel() for axes in figures["anytime-bowl"].axes]


@pytest.mark.parametrize("count", [2, 3])
def test_a_crowd_with_long_names_is_readable(suite, monkeypatch, count):
    """Of twelve algorithms no text is cut, lies on another, or is read as mathematics."""
    metrics = [{**LOSS, "name": LONG, "unit": UNIT}, {**GAIN, "unit": UNIT}, {**BYTES, "unit": UNIT}]
    names = [f"random-search-with-a-long-descriptive-label-of-configuration-{place:02d}" for place in range(12)]
    constraints = [{"metric": "gain", "lower": 30.0, "upper": None}, {"metric": LONG, "lower": None, "upper": 0.9}]
    study = plant(suite, metrics[:count], names=names, constraints=constraints)
    figures = drawn(study, *("front-bowl", "violation-bowl")[: 4 - count])
    with theme():
        faults = {name: unreadable(figure, monkeypatch) for name, figure in figures.items()}
    assert {name: words for name, words in faults.items() if words} == {}
    texts = [text for figure in figures.values() for text in figure.findobj(Text) if "$" in text.get_text()]
    assert [text for text in texts if text.get_parse_math() and not text.get_text().startswith("$\\math")] == []


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_any_numbers_are_drawn(suite, monkeypatch, size):
    """Fronts of metrics near the ends of the double range, on linear axes."""
    metrics = [{**metric, "best": None, "reference": size if metric is LOSS else 0.0} for metric in METRICS[:2]]
    figures = drawn(plant(suite, metrics, sizes={"loss": size, "gain": size}), "front-bowl", "hypervolume-bowl")
    with theme():
        assert [fault for figure in figures.values() for fault in unreadable(figure, monkeypatch)] == []


def test_what_is_drawn_of_errors_is_drawn_of_hypervolumes(suite):
    """Over trials, as difference from the control, as times to targets and as scores; better is above zero."""
    names = [f"hypervolume_{name}-bowl" for name in ("trials", "difference", "targets", "scores")]
    figures = drawn(plant(suite), *names)
    assert "above 0: better" in figures[names[1]].get_supylabel()
    assert "test hypervolume of the validation front ≥" in figures[names[2]].axes[0].get_title().replace("\n", " ")
    assert None not in figures.values()


def test_before_a_run_is_finished_figures_say_so(suite):
    """There is no front of nothing."""
    plant(suite)
    for path in suite.folder.glob("runs/*/*/*.jsonl"):
        path.unlink()
    suite.run([(None, None, 1.0)], state="partial")
    from tests.analysis.fronts.suites import study

    figure = drawn(study(suite), "front-bowl")["front-bowl"]
    assert "no front: 0 of 8 runs are finished" in figure.texts[-1].get_text()

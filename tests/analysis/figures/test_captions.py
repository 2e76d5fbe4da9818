"""Captions and the figure of all objectives: whole sentences of what is shown, and every objective in one file."""

import hashlib
import re
from functools import partial

import pandas as pd
import pytest

from analysis import figures
from analysis.explanations import EXPLANATIONS, explain
from analysis.figure_output import FigureOutput
from analysis.figures import draw, drawing, kind_and_objective, makers
from analysis.figures.anytime_curves import on_axis
from analysis.figures.magnitude import Magnitude, Window
from analysis.figures.theme import theme
from analysis.loading.results import load
from analysis.report.page import sections_of
from analysis.study import Study
from tests.analysis.figures.planted_fronts import METRICS
from tests.analysis.figures.planted_fronts import plant as plant_fronts
from tests.analysis.figures.text_boxes import unreadable

SVG = FigureOutput(formats=("svg",))


@pytest.fixture
def two_objectives(suite):
    """Two algorithms on two objectives; one run failed, one is missing."""
    suite.set(repetitions=2)
    suite.algorithm("local")
    suite.objective("valley")
    for objective in ("bowl", "valley"):
        suite.run([(0.5, 0.6, 1.0), (0.3, 0.2, 3.0)], 0, objective=objective)
        suite.run([(0.6, 0.5, 2.0)], 1, objective=objective)
        suite.run([(0.4, 0.5, 2.0)], 0, objective=objective, algorithm="local")
    suite.run([(0.4, 0.5, 2.0)], 1, algorithm="local", state="failed")
    return suite


def caption_of(suite, name):
    """The caption that is written beside a figure."""
    return draw(Study(load(suite.folder), suite.folder), only=name, output=SVG)[f"{name}.txt"].decode()


def test_a_caption_says_what_is_shown_of_which_runs(two_objectives):
    """Axes, band, repetitions, clock, what is left out, suite and the checksum of its plan."""
    text = caption_of(two_objectives, "overview")
    for words in (
        "Horizontal axis: runtime [s].", "Vertical axis: test error.", "Marks and lines: random; local.",
        "bands: ± 1 std", "Runtime is in measured seconds.",
        "2 repetitions of 2 algorithms on 2 objectives: 6 of 8 runs are finished.",
        "1 failed and 1 not begun; runs that are not finished or not begun are left out.",
        "The suite compares algorithms by the test error.",
        "Suite planted, 'Planted results', budget of a run: trials = 20.",
        hashlib.sha256((two_objectives.folder / "suite.json").read_bytes()).hexdigest()[:16],
    ):  # fmt: skip
        assert words in text
    assert all(sentence.endswith(".") for sentence in text.strip().split("\n\n"))


def test_every_kind_of_figure_has_a_caption(suite):
    """Of all names that there may be, those of hypervolumes and of many tasks too; each is made of plain sentences."""
    plant_fronts(suite, METRICS)
    study = Study(load(suite.folder), suite.folder)
    kinds = {kind_and_objective(study, name)[0] for name, _ in makers(study)}
    assert {"hypervolume", "hypervolume_trials", "hypervolume_overview", "overview", "front"} <= kinds
    for kind in kinds | set(EXPLANATIONS):
        of_fronts = kind.startswith("hypervolume")
        text = explain(kind, study.hypervolume.results if of_fronts else study.results)
        assert text[0].isupper()
        assert text.endswith(".")
        assert not re.search(r"[{}]|  ", text)
        assert not of_fronts or "incumbent" not in text


@pytest.mark.parametrize(
    "count", [2, pytest.param(7, marks=pytest.mark.slow), pytest.param(24, marks=pytest.mark.slow)]
)
def test_the_overview_has_a_panel_for_every_objective_in_the_order_of_the_suite(suite, monkeypatch, count):
    """Titles are the objectives'; no text is cut or lies on another."""
    names = [f"objective_of_a_network_{place:02d}" for place in range(count)]
    suite.set(objectives=[])
    for place, name in enumerate(names):
        suite.objective(name)
        suite.run([(0.5, 0.6, 1.0 * 10**place), (0.3, 0.2, 3.0 * 10**place)], 0, objective=name)
    study = Study(load(suite.folder), suite.folder)
    with theme():
        figure = dict(makers(study))["overview"]()
        titles = [axes.get_title().replace("\n", "") for axes in figure.axes if axes.get_visible()]
        assert titles == names
        assert unreadable(figure, monkeypatch) == []


def test_there_is_no_overview_of_one_objective(suite):
    """The figure of the objective shows the same."""
    suite.run([(0.5, 0.6, 1.0)])
    assert draw(Study(load(suite.folder), suite.folder), only="overview", output=SVG) == {}


def test_bands_of_a_cut_axis_are_as_wide_as_the_standard_deviation():
    """On a part of an axis that is far from 0 the edges of the band are mean ± std; only what is far outside moves."""
    rows = pd.DataFrame({"valid_mean": [90.0, 5.0], "valid_std": [0.5, 87.0], "test_mean": 90.0, "test_std": 0.0})
    drawn = on_axis(rows, Magnitude(), Window(size=Magnitude(), low=88.0, high=92.0))
    assert drawn["valid_low"].tolist() == [89.5, 88.0 - 36.0]
    assert drawn["valid_high"].tolist() == [90.5, 92.0]


@pytest.mark.slow
def test_files_do_not_depend_on_the_number_of_processes(two_objectives, full_size_figures, monkeypatch):
    """Two processes give what one gives, in the same order, and a figure that raises is named by either."""
    monkeypatch.setattr(drawing, "FEW", 3)
    broken = partial(next, iter(()))
    monkeypatch.setattr(figures, "makers", lambda study: [*list(makers(study))[-5:], ("broken", broken)])
    studies = [Study(load(two_objectives.folder), two_objectives.folder) for _ in range(2)]
    alone, together = (draw(study, jobs=jobs) for study, jobs in zip(studies, (1, 2), strict=True))
    assert list(alone) == list(together)
    assert alone == together
    assert len(alone) > 8
    assert [study.not_drawn.lines() for study in studies] == 2 * [["not drawn: figures/broken: StopIteration"]]


def test_page_and_captions_have_one_source_of_words(two_objectives):
    """What the report says above a chart is in the caption of the figure of the same kind, and in it only once."""
    study = Study(load(two_objectives.folder), two_objectives.folder)
    for section, name in (
        ("trajectories", "anytime-bowl"),
        ("differences", "difference-bowl"),
        ("scores", "scores-bowl"),
    ):
        shown = explain(kind_and_objective(study, name)[0], study.results)
        assert sections_of(study)[section](study).lead.startswith(shown)
        assert caption_of(two_objectives, name).replace("\n", " ").count(shown) == 1

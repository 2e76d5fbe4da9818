"""The page of metrics: names, directions and units in its texts and data, and all metrics of the incumbents."""

from __future__ import annotations

import pytest

from analysis.loading.results import load
from analysis.report.metrics import metrics_section
from analysis.study import Study

pytestmark = pytest.mark.slow  # Each makes a page; what is on it comes from tables that have cheaper tests.

SIZE = {"name": "parameters", "goal": "min", "unit": ""}


@pytest.fixture
def measured(suite, planted_evaluation, hostile):
    """A suite of an accuracy with a hostile unit, and of a size that one of two runs measured; another of an error."""
    suite.plan["objectives"][0]["metrics"] = [{"name": "accuracy", "goal": "max", "unit": hostile[:32]}, SIZE]
    suite.algorithm("local")
    for algorithm, gain in (("random", 0.0), ("local", 9.0)):
        for repetition in range(2):
            records = [
                planted_evaluation(
                    place, -accuracy, 2.0 - accuracy, place + 1.0, valid_curve=[-accuracy], test_curve=[-accuracy],
                    valid_metrics={"accuracy": [accuracy], "parameters": [1200.0 if repetition else None]},
                )
                for place, accuracy in enumerate([50.0 + gain, 80.0 + gain + repetition])
            ]  # fmt: skip
            suite.run(records, repetition, algorithm=algorithm)
    return suite


def test_values_and_words_are_the_metrics_own(measured, report, payload, hostile):
    """Curves rise, differences are said to be better above zero, and the unit stands there as it is spelled."""
    folder = report(measured)
    data, html = payload(folder), (folder / "index.html").read_text()
    assert data["metrics"]["bowl"]["higher"] is True
    assert data["metrics"]["bowl"]["label"]["valid"] == f"validation accuracy (higher is better) [{hostile[:32]}]"
    cell = data["sections"]["trajectories"]["cells"]["bowl"]["random"]["runtime"]["test"]
    assert [value for value in cell["mean"] if value is not None] == [48.0, 78.5]
    [pair] = data["sections"]["differences"]["bowl"]["runtime"]["test"]
    assert pair["mean"][-1] == 9.0
    assert data["points"]["bowl"]["valid"][:2] == [50, 80]
    assert "<script>alert" not in html
    assert "above zero it is ahead" in html
    assert "A positive difference favours the first" in html
    assert "primary endpoint: test accuracy" in html
    assert "no anytime score: the metric accuracy declares no best and no chance value" in html


def test_the_final_incumbents_have_all_their_metrics(measured):
    """With mean, standard deviation and the runs in which they were measured; what was not is called so."""
    section = metrics_section(Study(load(measured.folder), measured.folder))
    rows = [[cell.text for cell in line.cells] for line in section.sheets[0].lines]
    unit = rows[0][4]
    assert rows == [
        ["bowl", "random", "accuracy", "higher", unit, "80.50", "0.71", "78.50", "0.71", "2"],
        ["bowl", "random", "parameters", "lower", "", "1200 (1 of 2 runs)", "\u2013", "not measured", "", "2"],
        ["bowl", "local", "accuracy", "higher", unit, "89.50", "0.71", "87.50", "0.71", "2"],
        ["bowl", "local", "parameters", "lower", "", "1200 (1 of 2 runs)", "\u2013", "not measured", "", "2"],
    ]


def test_a_page_of_errors_has_no_section_of_metrics(suite, report):
    """Where a suite declares none."""
    suite.run([(0.5, 0.5, 1.0)])
    assert "All metrics" not in (report(suite) / "index.html").read_text()

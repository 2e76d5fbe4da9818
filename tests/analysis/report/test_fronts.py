"""Fronts and constraints on the page: what the tables say, chosen by validation, and drawn in a real browser."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.display_names import with_display_names
from analysis.loading.results import load
from analysis.report.feasibility import feasibility_section
from analysis.report.findings import findings
from analysis.report.front import MOST_POINTS, front_section
from analysis.report.page import sections_of
from analysis.report.recheck import recheck_section
from analysis.study import Study
from tests.analysis.figures.planted_fronts import BYTES, GAIN, LOSS, METRICS, SMALL, plant
from tests.analysis.tables.test_recheck_fronts import SEVERAL
from tests.analysis.tables.test_recheck_fronts import write as write_recheck


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A study of two metrics, and of a third that is recorded and constrained."""
    from tests.analysis.conftest import PlantedSuite

    suite = PlantedSuite(tmp_path_factory.mktemp("fronts"))
    return plant(suite, METRICS[:2], recorded=[BYTES], constraints=SMALL)


def test_the_table_has_what_nothing_dominates_on_validation(planted):
    """All metrics of it, the best by the first metric first; no other member of a front is better in both."""
    [sheet] = front_section(planted).sheets
    assert [column.title for column in sheet.columns][1:7] == [
        f"{data} {metric}" for metric in ("loss", "gain [%]", "bytes [B]") for data in ("validation", "test")
    ]
    values = [[float(cell.key) for cell in line.cells[1:5:2]] for line in sheet.lines]
    front = planted.tables["front"][["valid:loss", "valid:gain"]].to_numpy()
    for loss, gain in values:
        assert not ((front[:, 0] <= loss) & (front[:, 1] >= gain) & (front != (loss, gain)).any(axis=1)).any()
    assert values == sorted(values, key=lambda pair: pair[0])
    kept = {tuple(pair) for pair in values}
    others = [pair for pair in front.tolist() if tuple(pair) not in kept]
    assert all(any(loss <= pair[0] and gain >= pair[1] for loss, gain in values) for pair in others)


def test_points_and_surfaces_are_those_of_the_tables(planted):
    """Every member of a front with its configuration, and the corners of every surface."""
    data = front_section(planted).data["bowl"]
    front, attainment = (planted.tables[name] for name in ("front", "attainment"))
    assert len(front) < MOST_POINTS
    points = data["points"]
    assert points["config"] == front["config"].tolist()
    assert points["values"]["test"][0] == pytest.approx(front["test:loss"].tolist(), rel=1e-4)
    [pair] = data["surfaces"]["valid"]
    rows = attainment[(attainment["data"] == "valid") & (attainment["surface"] == "25 %")]
    for algorithm in ("random", "local"):
        corners = rows.loc[rows["algorithm"] == algorithm, ["x_value", "y_value"]].to_numpy().T
        np.testing.assert_allclose(pair["of"][algorithm]["25 %"], corners, rtol=1e-4)


@pytest.mark.slow
def test_without_test_values_those_of_validation_are_drawn(suite):
    """The page has nothing to choose between."""
    assert front_section(plant(suite, tested=False)).data["bowl"]["data"] == ["valid"]


@pytest.mark.slow
def test_the_summary_speaks_of_hypervolumes_first(planted):
    """Then of the first metric."""
    texts = [finding.text for finding in findings(planted) if finding.objective == "bowl"]
    assert "test hypervolume" in texts[0]
    assert "test loss" in texts[1]


def test_constraints_are_counted(planted):
    """How many runs have a feasible trial, and how many evaluations are not feasible."""
    section = feasibility_section(planted)
    assert section.lead.startswith("bowl: bytes ≤ 30 B.")
    summary = planted.tables["feasibility_summary"]
    [sheet] = section.sheets
    assert [line.cells[2].text for line in sheet.lines] == [f"{n} of 4" for n in summary["n_with_feasible"]]
    assert [line.cells[5].text for line in sheet.lines] == [str(n) for n in summary["n_infeasible"]]


def test_a_suite_of_one_metric_has_none_of_these_sections(suite):
    """Nor figures or tables of them."""
    suite.run([(0.5, 0.5, 1.0)])
    study = Study(load(suite.folder), suite.folder)
    names = {*sections_of(study), *study.tables}
    assert [name for name in names if name.startswith(("front", "hypervolume", "feasib"))] == []


@pytest.mark.slow
def test_names_to_display_are_those_of_fronts_too(suite):
    """In tables of hypervolumes, fronts and attainment, and in the study of hypervolumes."""
    plant(suite)
    suite.plan["objectives"][0]["display_name"] = "A bowl"
    suite.plan["algorithms"][1]["display_name"] = "Local search"
    suite.set()
    named = with_display_names(Study(load(suite.folder), suite.folder))
    for frame in (named.tables["front"], named.tables["attainment"], named.hypervolume.tables["summary"]):
        assert set(frame["objective"]) == {"A bowl"}
        assert set(frame["algorithm"]) == {"random", "Local search"}


@pytest.mark.slow
def test_the_recheck_says_what_dominance_survives(suite, planted_ledger):
    """Members that survive, summed over runs, and the hypervolume as selected and with fresh seeds."""
    write_recheck(
        suite, planted_ledger, SEVERAL, [(0.25, 3.0), (0.5, 1.0)], [[(0.3, 3.0), (0.9, 3.0)], [(0.6, 1.0)] * 2]
    )
    sheets = {sheet.caption: sheet for sheet in recheck_section(Study(load(suite.folder), suite.folder)).sheets}
    [line] = sheets["Dominance with fresh seeds"].lines
    assert [cell.text for cell in line.cells] == ["bowl", "random", "1 of 2", "0.75", "0.438", "0.338", "1"]


@pytest.mark.slow
def test_in_the_browser(request, suite, report, hostile):
    """Lines have the table's corners, points tell configuration and metrics letter by letter, nothing complains."""
    metrics = [{**LOSS, "unit": hostile[:32]}, GAIN]
    suite.plan["objectives"][0]["space"] = {"rule": {"kind": "categorical", "choices": [hostile, "b"]}}
    chromium = request.getfixturevalue("chromium")
    from tests.analysis.report.browser import Page

    plant(suite, metrics, recorded=[BYTES], constraints=[{**SMALL[0], "upper": 1e5}], config={"rule": hostile})
    page = Page(chromium, report(suite))
    page.draw_all()
    attainment = Study(load(suite.folder), suite.folder).tables["attainment"]
    rows = attainment[(attainment["data"] == "test") & (attainment["surface"] == "50 %")]
    rows = rows[rows["algorithm"] == "local"]
    median = page.trace("front", "local", "median")
    np.testing.assert_allclose(median["x"][1::2], rows["x_value"], rtol=1e-4)
    np.testing.assert_allclose(median["y"][1::2], rows["y_value"], rtol=1e-4)
    assert {t["meta"]["role"] for t in page.traces("front")} == {"band", "median", "members", "strong"}
    text = page.run("return document.querySelector(arguments[0]).data.at(-1).text[0]", page.plot("front", "bowl"))
    assert "loss: " in text
    assert "(test " in text
    assert "<script" not in text
    page.run("isolate('local')")
    page.settle()
    assert {t["meta"]["role"] for t in page.traces("front")} == {"band", "median", "best", "worst", "members", "strong"}
    share = page.trace("feasibility", "local", "share")
    assert share["y"] == sorted(share["y"])
    centre = page.trace("hypervolume_trajectories", "local", "centre")
    means = [value for value in centre["y"] if value is not None]
    assert means[0] < means[-1]
    assert page.problems() == []

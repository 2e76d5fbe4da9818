"""The sections on many tasks: what they show is what their tables say, and it goes with what the reader chose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.report.advice import advice_section
from analysis.report.many_tasks import many_tasks_findings, many_tasks_section
from analysis.study import Study
from tests.analysis.report.browser import Page

pytestmark = pytest.mark.slow  # A study of four objectives takes seconds.

ALGORITHMS = ("random", "local", "gp")


@pytest.fixture
def planted(suite):
    """Three algorithms in six repetitions of four tasks; each is better than the one before by more than the noise."""
    suite.set(objectives=[], algorithms=[], repetitions=6)
    for name in ALGORITHMS:
        suite.algorithm(name)
    for task in range(4):
        suite.objective(f"task_{task}")
        for place, name in enumerate(ALGORITHMS):
            for repetition in range(6):
                error = 0.5 - 0.1 * place + 0.01 * repetition
                runs = [(0.9, 0.9, 1.0), (error, error, 2.0)]
                suite.run(runs, repetition, objective=f"task_{task}", algorithm=name)
    return suite


@pytest.fixture
def study(planted):
    """The study of that suite."""
    return Study(load(planted.folder), planted.folder)


def test_the_map_is_that_of_the_table(study):
    """Rows are the tasks, columns the algorithms by mean rank, the worst has the darkest colour."""
    data = many_tasks_section(study).data["task_map"]
    assert (data["rows"], data["columns"]) == ([f"task_{task}" for task in range(4)], list(ALGORITHMS[::-1]))
    regrets = study.tables["task_map"].set_index(["objective", "algorithm"])["median_regret"]
    assert data["text"][0] == [f"{regrets['task_0', name]:.2g}" for name in ALGORITHMS[::-1]]
    assert all(row[0] < row[1] < row[2] == 1 for row in data["colour"])


def test_every_chart_has_a_name_to_read_a_sentence_and_a_figure(study):
    """An alternative text of its own, how to read it, and the static figure of the same name."""
    charts = many_tasks_section(study).charts
    assert len({chart.label for chart in charts}) == len(charts) == len(many_tasks_section(study).data)
    assert all(chart.lead and chart.title and chart.name == chart.figure for chart in charts)


def test_lines_go_through_the_corners_of_their_table(study):
    """What is drawn of the profiles is the table's steps, the last one up to where the others end."""
    table = study.tables["performance_profiles"]
    drawn = many_tasks_section(study).data["performance_profiles"]["cells"]
    for name, rows in table.groupby("algorithm", sort=False):
        np.testing.assert_allclose(drawn[name]["y"][:-1], rows["share"], rtol=1e-4)
        assert drawn[name]["x"][-1] == pytest.approx(table["tau"].max(), rel=1e-4)


def test_the_summary_names_the_first_and_the_control(study):
    """Ranks with their number of tasks; with fewer than six tasks there is no interval, and the sentence says so."""
    ranks, advice = many_tasks_findings(study)
    assert ranks == "mean ranks of 3 algorithms over 4 tasks: gp 1.0, local 2.0, random 3.0."
    assert advice.endswith("no difference shown (4 tasks, too few for an interval).")


def test_nothing_is_finished_yet(planted):
    """Runs that are on their way make no rank: both sections say so, and no sentence speaks of ranks."""
    for path in (planted.folder / "runs").rglob("*.jsonl"):
        path.rename(path.with_suffix(".jsonl.part"))
    study = Study(load(planted.folder), planted.folder)
    assert many_tasks_section(study).absent == advice_section(study).absent == "No run is finished yet."
    assert list(many_tasks_findings(study)) == []


def test_the_advice_is_listed_by_budget(study):
    """A row for each kind of task and budget, and one for each budget of the held-out tasks."""
    advice, held_out = advice_section(study).sheets
    assert len(advice.lines) == len(study.tables["advice"])
    assert [line.cells[0].text for line in held_out.lines] == [
        "12.5 % of the budget", "25 % of the budget", "50 % of the budget", "the whole budget",
    ]  # fmt: skip


def test_what_is_hidden_leaves_the_map_and_the_lines(planted, report, chromium):
    """In the browser nothing is complained of, and a hidden algorithm has neither column, nor row, nor line."""
    page = Page(chromium, report(planted))
    [cells] = page.traces("many_tasks", "task_map")
    assert cells["meta"] == {"role": "cells"}
    assert len(page.traces("many_tasks", "data_profiles")) == len(page.traces("many_tasks", "mean_ranks")) == 3
    page.click('#legend [data-algorithm="gp"]')
    script = "const [t] = document.querySelector(arguments[0]).data; return [t.z.length, t.z[0].length]"
    page.draw_all()
    assert page.run(script, page.plot("many_tasks", "task_map")) == [4, 2]
    assert page.run(script, page.plot("many_tasks", "win_rates")) == [2, 2]
    assert len(page.traces("many_tasks", "data_profiles")) == 2
    assert page.problems() == []


def test_fewer_tasks_have_no_such_section(suite, report, payload):
    """A suite of one objective has the sections that it always had."""
    suite.run([(0.5, 0.5, 1.0)])
    assert "many_tasks" not in payload(report(suite))["sections"]
    assert "advice" not in pd.Series([path.stem for path in (suite.folder / "tables").iterdir()]).tolist()

"""The page without a browser: what is in it, what is not, and that it is the same twice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.figures import makers
from analysis.loading.results import load
from analysis.study import Study
from tests import ROOT

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.

FILES = {"index.html", "card.json", "provenance.json", "report.js", "report.css", "plotly.min.js"}


class Reader(HTMLParser):
    """Collects the elements of a page with their attributes, and its texts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, name):
        """The values of an attribute."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read(folder):
    return Reader((folder / "index.html").read_text(encoding="utf-8"))


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_folder_is_complete_and_every_link_leads_somewhere(filled, report):
    """All that the page names is beside it or in the suite's tables, and its anchors exist."""
    folder = report(filled)
    assert {path.name for path in folder.iterdir()} == FILES
    page = read(folder)
    anchors = set(page.all("id"))
    for link in page.all("href") + page.all("src"):
        if link.startswith("#"):
            assert link[1:] in anchors, link
        elif link != "data:,":
            assert (folder / link).resolve().is_file(), link


def test_nothing_is_asked_of_the_network(filled, report):
    """Neither page nor script nor style sheet names an address; nothing is fetched."""
    folder = report(filled)
    for name in ("index.html", "report.js", "report.css"):
        text = (folder / name).read_text(encoding="utf-8")
        assert not re.search(r"https?:|//cdn|fetch\(|XMLHttpRequest|@import|url\(", text), name


@pytest.mark.slow
def test_made_twice_it_is_the_same_to_the_byte(filled, report):
    """A second time, and another process with another hash seed and time zone, give the same files."""
    folder = report(filled)
    before = tree(filled.folder.parent)
    for path in folder.iterdir():
        path.unlink()
    environment = os.environ | {"PYTHONHASHSEED": "4", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-m", "analysis", "report", "planted", "--results", str(filled.folder.parent)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True)
    assert tree(filled.folder.parent) == before


@pytest.mark.slow
def test_a_page_elsewhere_is_the_same(plant, fill, report, tmp_path):
    """No path of this machine is in it: the same suite in another folder gives the same page."""
    first = report(fill(plant()))
    other = tmp_path / "elsewhere"
    (first.parents[1]).rename(other)
    before = (other / "planted" / "report" / "index.html").read_bytes()
    assert main(["report", "planted", "--results", str(other), "--quiet"]) == 0
    assert (other / "planted" / "report" / "index.html").read_bytes() == before
    assert str(tmp_path).encode() not in before


def test_what_is_drawn_is_what_the_table_says(filled, report, payload):
    """The trajectories in the page are those of bands.csv, to the digits that are drawn."""
    folder = report(filled)
    bands = pd.read_csv(folder.parent / "tables" / "bands.csv")
    cells = payload(folder)["sections"]["trajectories"]["cells"]
    keys = ["objective", "algorithm", "axis", "error"]
    for (objective, algorithm, axis, error), rows in bands.groupby(keys, sort=False):
        cell = cells[objective][algorithm][axis][error]
        assert cell["n"] == rows["n"].tolist()
        for name in ("t", "mean", "std", "lo", "hi", "q10", "q50", "q90"):
            drawn = np.array(cell[name], dtype=np.float64)
            np.testing.assert_allclose(drawn, rows[name].to_numpy(), rtol=1e-4, atol=1e-12, err_msg=name)


def test_the_summary_says_what_the_tables_say(filled, report):
    """Local is better on bowl, with its means, pairs and p of the tables; on ridge no difference is shown."""
    folder = report(filled)
    tables = folder.parent / "tables"
    pairs = pd.read_csv(tables / "pairwise.csv").set_index("objective")
    statistics = pd.read_csv(tables / "statistics.csv").set_index(["objective", "algorithm", "endpoint"])
    means = [statistics.loc[("bowl", name, "test_error"), "mean"] for name in ("local", "random")]
    told = read(folder).text.replace(" :", ":")
    better = f"bowl: local is better than random: test error {means[0]:.4f} vs {means[1]:.4f}, n = 8 pairs, p (Holm) ="
    assert better in told
    assert f"{pairs.loc['bowl', 'detectable_sd']:.2g} sd" in told
    assert "ridge: no difference shown between random and local" in told
    assert "None: all 32 runs finished and every evaluation gave a result." in told


def test_user_texts_stay_texts(suite, report, payload, planted_evaluation, hostile):
    """Title, choice and reason that look like HTML are shown letter by letter."""
    crashed = planted_evaluation(1, None, None, 2.0, config={"shape": "b"}, problem=hostile)
    space = {"shape": {"kind": "categorical", "choices": [hostile, "b"]}}
    suite.set(title=hostile, objectives=[], repetitions=2)
    suite.objective("bowl", space=space)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, config={"shape": hostile})], 0)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, config={"shape": "b"}), crashed], 1)
    folder = report(suite)
    for html in (folder / "index.html", suite.folder.parent / "index.html"):
        text = html.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "alert(1)" in Reader(text).text
    assert payload(folder)["points"]["bowl"]["axes"][0]["categories"] == [hostile, "b"]


@pytest.mark.parametrize("state", ["done", "partial", "failed"])
def test_one_run_alone_has_a_page(suite, report, payload, state):
    """One algorithm, one repetition, whatever became of it: every section has a chart, a table or a reason."""
    suite.set(repetitions=1)
    suite.run([(0.5, 0.6, 1.0), (0.4, 0.5, 2.0)], state=state)
    folder = report(suite)
    payload(folder)
    told = read(folder).text
    assert "random is alone" in told
    assert "There is a single algorithm." in told
    assert ("1 failed" in told, "1 partial" in told) == (state == "failed", state == "partial")


def test_nothing_finished_says_so(suite, report, payload):
    """Without a finished run there is no trajectory, and the page says why."""
    suite.algorithm("local")
    suite.run([(0.5, 0.6, 1.0)], state="partial")
    folder = report(suite)
    assert "trajectories" not in payload(folder)["sections"]
    assert "No run is finished yet." in read(folder).text
    assert "0 of 4 runs finished (1 partial, 3 missing)." in read(folder).text


def test_crashed_evaluations_and_failed_runs_are_counted(suite, report, planted_evaluation):
    """Failures say how many of how many, and their reason."""
    crashed = planted_evaluation(1, None, None, 2.0, problem="out of memory")
    suite.run([planted_evaluation(0, 0.5, 0.6, 1.0), crashed], 0)
    suite.run([(0.5, 0.6, 1.0)], 1, state="failed")
    told = read(report(suite)).text
    assert "runs failed (the algorithm crashed) 1 of 2" in told
    assert "evaluations crashed or timed out (charged, no error) 1 of 3" in told
    assert "crashed out of memory 1" in told


def test_all_tied_and_all_diverged_have_a_page(suite, report, payload):
    """Equal errors everywhere, and nothing but diverged evaluations, draw lines without width."""
    suite.algorithm("local")
    for repetition in range(2):
        for algorithm in ("random", "local"):
            suite.run([(0.9, 0.9, 1.0), (0.9, 0.9, 2.0)], repetition, algorithm=algorithm)
    cell = payload(report(suite))["sections"]["trajectories"]["cells"]["bowl"]["random"]["runtime"]["test"]
    assert set(cell["mean"]) == {0.9}
    assert set(cell["std"]) == {0}


def test_every_command_under_a_figure_makes_a_figure(filled, report):
    """The names that the page tells are names that `figures --only` knows."""
    commands = read(report(filled)).all("data-copy")
    names = dict(makers(Study(load(filled.folder), filled.folder)))
    assert commands
    for command in commands:
        assert command.startswith("python -m analysis figures planted --only ")
        assert command.rsplit(" ", 1)[1] in names


def test_the_suite_file_and_the_machine_are_shown(filled, report):
    """The plan is there in full, and what is missing of the machine is said."""
    page = read(report(filled))
    plan = json.loads((filled.folder / "suite.json").read_text())
    assert json.dumps(plan, indent=2, ensure_ascii=False) in "".join(page.texts)
    assert "The ledgers name no environment." in page.text


def test_charts_and_regions_have_names(filled, report):
    """Every chart and every scrolling table has an accessible name; every control a label."""
    page = read(report(filled))
    plots = [attributes for tag, attributes in page.elements if attributes.get("class") == "plot"]
    sheets = [attributes for tag, attributes in page.elements if attributes.get("class") == "sheet"]
    assert plots
    assert sheets
    assert all(attributes["aria-label"] for attributes in [*plots, *sheets])
    assert ("html", {"lang": "en"}) in page.elements


@pytest.mark.slow
def test_the_index_lists_every_report_once(plant, fill, report):
    """Suites in the order of their names, each with its findings; one without a report is left out."""
    for name in ("zebra", "ant"):
        report(fill(plant(name)))
    plant("unreported")
    results = plant("broken").folder.parent
    (results / "broken" / "report").mkdir()
    (results / "broken" / "report" / "card.json").write_text("[]")
    report(fill(plant("mole")))
    text = (results / "index.html").read_text(encoding="utf-8")
    links = [link for link in Reader(text).all("href") if link.endswith("report/index.html")]
    assert links == [f"{name}/report/index.html" for name in ("ant", "mole", "zebra")]
    assert text.count("local is better than random") == 3


def test_a_file_in_the_way_is_refused_before_anything_is_written(filled, capsys):
    """Exit code 2, one message that names the file, nothing written."""
    (filled.folder / "report").write_text("mine")
    before = tree(filled.folder.parent)
    assert main(["report", "planted", "--results", str(filled.folder.parent)]) == 2
    assert "a file is where a folder must be" in capsys.readouterr().err
    assert tree(filled.folder.parent) == before


def test_the_command_says_what_it_wrote(filled, capsys):
    """Without --quiet every file is named, the index last."""
    assert main(["report", "planted", "--results", str(filled.folder.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"wrote {filled.folder / 'report' / 'index.html'}" in lines
    assert lines[-1] == f"wrote {filled.folder.parent / 'index.html'}"

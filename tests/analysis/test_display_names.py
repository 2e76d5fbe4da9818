"""Names to display: in figures, report and papers in the place of labels, and never in tables or names of files."""

import re

import pytest

from analysis.__main__ import main
from analysis.display_names import with_display_names
from analysis.figures import makers
from analysis.loading.results import load
from analysis.study import Study

NAMES = {"random": "[Random] 100 % & more_", "local": "<b>Local</b> *"}
BOWL = "Bowl {2-D}"


@pytest.fixture
def named(suite):
    """Two algorithms and an objective with names."""
    suite.algorithm("local")
    suite.set(
        objectives=[{**entry, "display_name": BOWL} for entry in suite.plan["objectives"]],
        algorithms=[{**entry, "display_name": NAMES[entry["label"]]} for entry in suite.plan["algorithms"]],
        targets={"bowl": [0.4]},
    )
    for algorithm in ("random", "local"):
        for repetition in range(2):
            suite.run([(0.5, 0.5, 1.0), (0.3 + 0.1 * repetition, 0.3, 2.0)], repetition, algorithm=algorithm)
    return suite


def test_every_table_and_every_run_bears_the_names(named):
    """No label is left in what is shown, tables keep their rows and order, and file names stay those of labels."""
    study = Study(load(named.folder), named.folder)
    shown = with_display_names(study)
    for name, table in shown.tables.items():
        assert len(table) == len(study.tables[name])
        texts = {str(value) for column in table for value in table[column]}
        assert not {"random", "local", "bowl"} & texts - {"random" if name == "algorithms" else ""}, name
    assert list(shown.tables["summary"]["algorithm"]) == list(NAMES.values())
    assert shown.results.plan.control == NAMES["random"]
    assert {run.algorithm for run in shown.results.runs} == set(NAMES.values())
    assert list(shown.results.evaluations["algorithm"].cat.categories) == list(NAMES.values())
    assert [name for name, _ in makers(shown)] == [name for name, _ in makers(study)]


def test_a_suite_without_names_is_shown_as_it_is(suite):
    """Nothing is copied where nothing changes."""
    suite.run([(0.5, 0.5, 1.0)])
    study = Study(load(suite.folder), suite.folder)
    assert with_display_names(study) is study


@pytest.mark.slow
def test_the_report_and_the_papers_show_names_as_they_are_spelled(named):
    """Names are escaped in HTML, LaTeX and Markdown; the CSV files and data exports keep the labels."""
    arguments = ["planted", "--results", str(named.folder.parent), "--quiet"]
    assert main(["report", *arguments]) == 0
    html = (named.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Local&lt;/b&gt; *" in html
    assert NAMES["local"] not in html
    assert "--only anytime-bowl" in html
    assert b",random," in (named.folder / "tables" / "trials.csv").read_bytes()
    for name in ("latex", "markdown"):
        assert main(["export", *arguments, "--to", name]) == 0
    latex = (named.folder / "exports" / "latex" / "results.tex").read_text(encoding="utf-8")
    assert r"{[}Random] 100 \% \& more\_" in latex
    assert re.search(r"^\s*[\[*]", latex, flags=re.MULTILINE) is None
    assert (named.folder / "exports" / "latex" / "bowl.tex").exists()
    assert r"\[Random\] 100 % & more\_" in (named.folder / "exports" / "markdown" / "results.md").read_text("utf-8")

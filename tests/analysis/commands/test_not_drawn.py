"""Whatever raises while tables, figures, pages and exports are made, all the others are made, and it is named."""

import csv
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import figures
from analysis.__main__ import main
from analysis.commands.output import failures, table_files, table_names
from analysis.figures import draw, drawing
from analysis.loading.results import load
from analysis.report import page as report
from analysis.report.section import Section
from analysis.study import Study
from analysis.tables.failures import FAILURES

RAISED = (
    *(RuntimeError("planted"), MemoryError(), RecursionError("deep"), AssertionError(), KeyError("k")),
    *(
        OSError(5, "planted"),
        SystemExit(3),
        ZeroDivisionError(),
        FloatingPointError(),
        UnicodeDecodeError("x", b"", 0, 1, ""),
    ),
)
TABLES = list(Study(SimpleNamespace(plan=SimpleNamespace(declares_metrics=False, objectives=())), None).tables)
NEEDS = {"optimism": "recheck", "pairwise": "noise"}


@pytest.fixture
def planted(suite, monkeypatch):
    """A suite with a finished run, whose tables, figures and sections are stand-ins that take no time."""
    suite.run([(0.5, 0.6, 1.0), (0.3, 0.2, 3.0)], 0)
    monkeypatch.setattr(Study, "_makers", stand_ins)
    monkeypatch.setattr(
        figures, "makers", lambda study: iter({name: partial(figure, study) for name in FIGURES}.items())
    )
    monkeypatch.setattr(drawing, "render", lambda figure, *_: {"png": b"drawn"} if figure == "figure" else fail())
    monkeypatch.setattr(report, "SECTIONS", {name: section(name) for name in SECTIONS})
    monkeypatch.setattr(report, "findings", lambda study: [])
    return suite


FIGURES = ("anytime-bowl", "importance-bowl", "critical")
SECTIONS = [name for name in report.SECTIONS if name != "metrics"]


def stand_ins(study):
    """Makers of tables of one row, of which some need another."""

    def make(name):
        if name in NEEDS:
            assert len(study.tables[NEEDS[name]]) == 1
        return pd.DataFrame([dict.fromkeys(FAILURES) | {"objective": "bowl", "importance": 1.0}])

    return {name: partial(make, name) for name in TABLES}


def figure(study):
    """A figure that is made of the table `trajectory`."""
    assert len(study.tables["trajectory"]) == 1
    return "figure"


def section(name):
    """A maker of a section without content."""

    def made(study):
        return Section(name=name, title=name, lead="read it so", tables=(name,))

    return made


@pytest.fixture
def study(planted):
    return Study(load(planted.folder), planted.folder)


def fail(*_, error=None, **__):
    """What a maker does that cannot."""
    raise error or RuntimeError("planted")


@pytest.mark.parametrize("name", TABLES)
def test_each_table_in_turn(study, name):
    """A table that raises is missing with those that are made of it; every other one is there, the failures too."""
    study.tables._makers[name] = partial(fail, error=RAISED[TABLES.index(name) % len(RAISED)])
    made = table_files(study, table_names(study))()
    missing = {name, *(needing for needing, needed in NEEDS.items() if needed == name)}
    expected = {f"{table}.csv" for table in TABLES} | {"timing.json"}
    assert set(made) == expected - {f"{table}.csv" for table in missing - {"failures"}}
    rows = [row for row in csv.DictReader(made["failures.csv"].decode().splitlines()) if row["state"] == "not drawn"]
    assert {row["reason"].partition(": ")[0] for row in rows} == {f"tables/{table}.csv" for table in missing}
    assert len({row["reason"].partition(": ")[2] for row in rows}) == 1


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("while_rendered", [False, True])
def test_each_figure_in_turn(study, monkeypatch, name, while_rendered):
    """A figure that raises, while it is made or rendered, is missing; every other one is drawn."""
    makers = {name: lambda: "figure" for name in FIGURES}
    makers[name] = (lambda: "odd") if while_rendered else fail
    monkeypatch.setattr(figures, "makers", lambda study: iter(makers.items()))
    assert set(draw(study)) == {f"{other}.png" for other in FIGURES if other != name}
    assert list(study.not_drawn.reasons) == [f"figures/{name}"]
    assert failures(study)["objective"].fillna("").iloc[-1] == ("bowl" if name.endswith("-bowl") else "")


@pytest.mark.parametrize("name", SECTIONS)
def test_each_part_of_the_page_in_turn(study, monkeypatch, name):
    """A section that raises says so in its place, at the top and in the failures; every other one is there."""
    error = RAISED[SECTIONS.index(name) % len(RAISED)]
    broken = partial(fail, error=error)
    monkeypatch.setattr(report, "SECTIONS", {**report.SECTIONS, name: broken})
    made = sections(report._page(study, ())["index.html"].decode())
    assert f"not drawn: report/{name}: {type(error).__name__}" in made.pop("summary")
    assert list(made) == SECTIONS
    assert [other for other in made if "not drawn: " in made[other]] == [name]
    assert failures(study).iloc[-1]["reason"].startswith(f"report/{name}: ")


def sections(html):
    """The sections of a page by their anchors."""
    return {part.partition('"')[0]: part.partition("</section>")[0] for part in html.split('<section id="')[1:]}


@pytest.mark.parametrize("name", ["points", "_facts", "findings", "_looks", "card"])
def test_what_the_whole_page_needs(study, monkeypatch, name):
    """Points, facts and findings leave a page without them; without what every chart needs there is no page."""
    monkeypatch.setattr(report, name, fail)
    made = report.page(study)
    assert bool(made) == (name in ("points", "_facts", "findings"))
    told = {"points": ["points", "search", "parallel"], "_facts": ["facts"], "findings": ["findings"]}
    assert list(study.not_drawn.reasons) == [f"report/{part}" for part in told.get(name, ["index.html"])]
    assert all("planted" in line for line in study.not_drawn.lines())


@pytest.mark.parametrize("name", ["trials", "trajectory"])
def test_the_commands_write_the_rest_and_exit_with_1(planted, monkeypatch, capsys, name):
    """What was drawn before and cannot be drawn now is removed; the terminal names it; its provenance forgets it."""
    results = ["planted", "--results", str(planted.folder.parent), "--quiet"]
    assert main(["plots", *results]) == 0
    before = {path.name for path in planted.folder.glob("*/*.*")}
    monkeypatch.setattr(Study, "_makers", broken_makers(name))
    assert main(["plots", *results]) == 1
    out, output = capsys.readouterr()
    assert out == ""
    assert f"not drawn: tables/{name}.csv: RuntimeError: planted\n" in output
    there = {path.name for path in planted.folder.glob("*/*.*")}
    lost = {line.split(": ")[1].partition("/")[2] for line in output.splitlines()}
    assert before - there == {file for file in before if file in lost or file.removesuffix(".png") in lost}
    assert main(["verify", str(planted.folder / "tables" / "failures.csv")]) == 0
    assert main(["verify", str(planted.folder / "tables" / "algorithms.csv")]) == 0
    assert main(["verify", str(planted.folder / "tables" / f"{name}.csv")]) == 2


def broken_makers(name):
    return lambda study: {**stand_ins(study), name: fail}


def test_an_export_that_cannot_be_made(planted, monkeypatch, capsys):
    """The tables that can be made are exported; a format that needs the other one leaves what is there."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(Study, "_makers", broken_makers("statistics"))
    arguments = ["planted", "--results", str(planted.folder.parent), "--to"]
    assert main(["export", *arguments, "parquet"]) == 1
    made = {path.stem for path in (planted.folder / "exports" / "parquet").glob("*.parquet")}
    assert made == set(TABLES) - {"statistics"}
    assert main(["export", *arguments, "latex"]) == 1
    assert "not drawn: exports/latex: RuntimeError: planted" in capsys.readouterr().err
    assert not (planted.folder / "exports" / "latex").exists()


def test_a_comparison_without_its_figure(planted, monkeypatch, capsys, tmp_path):
    """The verdict is printed, and the exit code says that the figure is missing."""
    monkeypatch.setattr("analysis.commands.compare._drawn", fail)
    picture = tmp_path / "x.png"
    picture.write_bytes(b"of an earlier comparison")
    arguments = ["planted", "planted", "--results", str(planted.folder.parent), "--figure", str(picture)]
    assert main(["compare", *arguments]) == 1
    out, output = capsys.readouterr()
    assert "verdict: " in out
    assert output == f"not drawn: {picture}: RuntimeError: planted\n"
    assert not picture.exists()


def test_an_interrupt_stops_everything(planted, monkeypatch):
    """Ctrl-C is no fault of a table."""
    monkeypatch.setattr(Study, "_makers", lambda study: {"trials": partial(fail, error=KeyboardInterrupt())})
    with pytest.raises(KeyboardInterrupt):
        main(["tables", "planted", "--results", str(planted.folder.parent)])


@pytest.mark.parametrize("command", ["tables", "plots", "report"])
def test_what_is_skipped_is_not_made(planted, monkeypatch, capsys, command):
    """A name is left out of tables, figures and page, though it would raise; an unknown one is refused."""
    monkeypatch.setattr(Study, "_makers", broken_makers("importance"))
    arguments = [command, "planted", "--results", str(planted.folder.parent), "--quiet", "--skip"]
    assert main([*arguments, "importence"]) == 2
    assert '(did you mean "importance"?)' in capsys.readouterr().err
    assert main([*arguments, "importance", "--skip", "targets"]) == 0
    there = {path.name for path in planted.folder.glob("*/*.*")}
    assert "summary.csv" in there
    assert not [name for name in there if name.startswith(("importance", "targets"))]
    if command == "report":
        page = planted.folder / "report" / "index.html"
        assert "left out by --skip importance" in page.read_text()
        assert "../tables/importance.csv" not in page.read_text()
        assert main(["verify", str(page)]) == 0


def test_a_single_table(planted, capsys):
    """`tables --only` takes a table's name, `plots --only` also a figure's."""
    arguments = ["planted", "--results", str(planted.folder.parent), "--quiet", "--only"]
    assert main(["tables", *arguments, "summary"]) == 0
    assert main(["plots", *arguments, "timing"]) == 0
    there = {path.name for path in planted.folder.glob("*/*.*")}
    assert there == {"summary.csv", "timing.json", "provenance.json"}
    assert main(["tables", *arguments, "sumary"]) == 2
    assert "no such table, there are trials, " in capsys.readouterr().err

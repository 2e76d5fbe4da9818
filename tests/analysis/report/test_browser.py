"""The page in a real headless Chromium: what a reader clicks changes what is drawn, and only that."""

from __future__ import annotations

import math
import shutil

import numpy as np
import pandas as pd
import pytest

selenium = pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

from tests.analysis.report.browser import Page, found  # noqa: E402

pytestmark = pytest.mark.slow

BANDS = {"std": None, "quantiles": ("q10", "q90"), "interval": ("lo", "hi")}


@pytest.mark.parametrize(("required", "outcome"), [("required", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_browser(monkeypatch, tmp_path, required, outcome):
    """Where a browser is required its absence is a failure, elsewhere a reason to skip."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("INCUMBENT_BROWSER", required)
    with pytest.raises(outcome, match="no Chromium on the path"):
        found()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder that outlives a test, so that the report of the filled suite is made once for all of them."""
    return tmp_path_factory.mktemp("kept") / "results"


@pytest.fixture
def opened(request, chromium, kept):
    """The report of the filled suite; after the test nothing may have been complained of."""
    if not kept.exists():
        suite, report = request.getfixturevalue("filled"), request.getfixturevalue("report")
        report(suite)
        shutil.copytree(suite.folder.parent, kept)
    page = Page(chromium, kept / "planted" / "report")
    yield page
    assert page.problems() == []


@pytest.fixture
def bands(opened):
    """The rows of bands.csv of a cell."""
    table = pd.read_csv(opened.folder.parent / "tables" / "bands.csv")

    def rows(objective, algorithm, axis, error):
        cell = {"objective": objective, "algorithm": algorithm, "axis": axis, "error": error}
        return table[(table[list(cell)] == pd.Series(cell)).all(axis=1)]

    return rows


def close(drawn, expected):
    """Whether drawn values are those of a table, to the digits that the page has."""
    np.testing.assert_allclose(np.array(drawn, dtype=np.float64), np.asarray(expected), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("error", ["test", "valid"])
@pytest.mark.parametrize("axis", ["runtime", "trials", "epochs"])
def test_axis_and_error_draw_what_the_table_has(opened, bands, axis, error):
    """Each of the three axes and both errors shows the rows of bands.csv with that name."""
    opened.choose("axis", axis)
    opened.choose("error", error)
    for algorithm in ("random", "local"):
        rows = bands("bowl", algorithm, axis, error)
        line = opened.trace("trajectories", algorithm, "centre")
        close(line["x"], rows["t"])
        close(line["y"], rows["mean"])
        assert line["line"]["shape"] == "hv"
        assert opened.trace("trajectories", algorithm, "coverage")["custom"] == rows["n"].tolist()
    title = opened.layout("trajectories")["title"]
    assert {"runtime": "runtime [s]", "trials": "evaluations", "epochs": "epochs"}[axis] in title


@pytest.mark.parametrize("band", ["std", "quantiles", "interval"])
def test_each_band_has_the_edges_of_the_table(opened, bands, band):
    """Std, quantiles (with the median) and interval are drawn from their columns, as steps."""
    opened.choose("band", band)
    rows = bands("bowl", "random", "runtime", "test")
    columns = BANDS[band]
    low, high = (
        (rows[columns[0]], rows[columns[1]]) if columns else (rows["mean"] - rows["std"], rows["mean"] + rows["std"])
    )
    close(opened.trace("trajectories", "random", "low")["y"], low)
    close(opened.trace("trajectories", "random", "high")["y"], high)
    close(opened.trace("trajectories", "random", "centre")["y"], rows["q50" if band == "quantiles" else "mean"])
    outline = opened.trace("trajectories", "random", "band")
    assert math.isclose(min(outline["y"]), low.min(), rel_tol=1e-4)
    assert math.isclose(max(outline["y"]), high.max(), rel_tol=1e-4)
    assert (outline["x"][0], outline["y"][0]) == (outline["x"][-1], outline["y"][-1])


def test_steps_hold_until_they_become_undefined(opened):
    """A gap in a curve is a gap in line and area, which reach up to its beginning and go on at its end."""
    curve = "[0, 1, 2, 3], [5, null, 6, 7]"
    line = opened.run(f"const {{ x, y }} = held({curve}); return [x, y]")
    assert line == [[0, 1, 1, 2, 3], [5, 5, None, 6, 7]]
    outline = opened.run(f"const {{ x, y }} = area({curve}, [8, null, 8, 8], -Infinity); return [x, y]")
    gap = outline[0].index(None)
    first, second = (list(zip(*(part[piece] for part in outline), strict=True)) for piece in (
        slice(gap), slice(gap + 1, None)))  # fmt: skip
    assert set(first) == {(0, 5), (1, 5), (1, 8), (0, 8)}
    assert set(second) == {(2, 6), (3, 6), (3, 7), (3, 8), (2, 8)}
    assert opened.run(f"return Math.min(...area({curve}, [8, null, 8, 8], 5.5).y.filter(known))") == 5.5


def test_no_band_leaves_lines_alone(opened):
    """With the band off there is neither area nor edge."""
    opened.choose("band", "none")
    assert {t["meta"]["role"] for t in opened.traces("trajectories")} == {"centre", "markers", "lane", "coverage"}


def test_logarithmic_axes(opened):
    """Either axis turns logarithmic by itself and back again."""
    assert (opened.layout("trajectories")["x"], opened.layout("trajectories")["y"]) == ("linear", "linear")
    opened.choose("scale", "log")
    assert (opened.layout("trajectories")["x"], opened.layout("trajectories")["y"]) == ("linear", "log")
    opened.choose("time", "log")
    opened.choose("scale", "linear")
    assert (opened.layout("trajectories")["x"], opened.layout("trajectories")["y"]) == ("log", "linear")


def test_one_objective_alone(opened):
    """Picking an objective hides figures, sentences and rows of the others; all come back."""
    seen = """return [...document.querySelectorAll('[data-objective]')].filter((e) => e.offsetParent)
    .map((e) => e.dataset.objective)"""
    opened.pick("objective", "ridge")
    assert set(opened.run(seen)) == {"ridge"}
    fits = """const [plot] = [...document.querySelectorAll('.plot')].filter((p) => p.offsetParent);
    return [plot.querySelector('svg.main-svg').clientWidth, plot.clientWidth]"""
    assert len(set(opened.run(fits))) == 1
    opened.pick("objective", "")
    assert set(opened.run(seen)) == {"bowl", "ridge"}
    assert len(set(opened.run(fits))) == 1


def test_printing_shows_everything_light_and_narrow(opened):
    """For paper all charts are drawn, no wider than a page and in light colours; afterwards it is dark as before."""
    opened.media("dark")
    dark = opened.run("return getComputedStyle(document.body).backgroundColor")
    opened.run("dispatchEvent(new Event('beforeprint'))")
    undrawn = "return [...document.querySelectorAll('.plot')].filter((p) => !p.data).length"
    assert opened.run(undrawn) == 0
    widths = "return [...document.querySelectorAll('.plot svg.main-svg')].map((svg) => svg.clientWidth)"
    assert max(opened.run(widths)) <= 46 * 16
    assert opened.run("return isDark()") is False
    opened.run("dispatchEvent(new Event('afterprint'))")
    opened.settle()
    assert opened.run("return getComputedStyle(document.body).backgroundColor") == dark


def test_the_legend_hides_an_algorithm_everywhere(opened):
    """A click leaves no trace and no row of it; the button says so; another click brings it back."""
    opened.click("#legend [data-algorithm=local]")
    opened.draw_all()
    drawn = (
        "return [...document.querySelectorAll('.plot')].flatMap((p) => p.data.map((t) => t.meta.algorithm ?? t.name))"
    )
    assert "local" not in opened.run(drawn)
    assert "random" in opened.run(drawn)
    rows = """return [...document.querySelectorAll('.sheet tbody tr')].filter((r) => !r.hidden)
    .map((r) => r.dataset.algorithms).join()"""
    assert "local" not in opened.run(rows)
    button = opened.browser.find_element(By.CSS_SELECTOR, "#legend [data-algorithm=local]")
    assert button.get_attribute("aria-pressed") == "false"
    opened.click("#legend [data-algorithm=local]")
    assert "local" in opened.run(rows)
    assert any(t["meta"]["algorithm"] == "local" for t in opened.traces("trajectories"))


def test_hide_all_and_show_all(opened):
    """With everything hidden the charts are empty and say so; nothing breaks."""
    opened.click("#hide-all")
    opened.draw_all()
    assert opened.traces("trajectories") == []
    assert "Nothing to draw" in opened.browser.find_element(By.CSS_SELECTOR, "#trajectories .told").text
    opened.click("#show-all")
    assert opened.traces("trajectories") != []


def test_the_keyboard_is_enough(opened):
    """Arrow keys move a choice, space presses a legend's button, return sorts a table."""
    opened.browser.find_element(By.CSS_SELECTOR, "input[name=axis][value=runtime]").send_keys(Keys.ARROW_RIGHT)
    opened.settle()
    assert "evaluations" in opened.layout("trajectories")["title"]
    opened.browser.find_element(By.CSS_SELECTOR, "#legend [data-algorithm=random]").send_keys(Keys.SPACE)
    opened.settle()
    assert {t["meta"]["algorithm"] for t in opened.traces("trajectories")} == {"local"}
    head = opened.browser.find_element(By.CSS_SELECTOR, "#statistics th button")
    head.send_keys(Keys.RETURN)
    assert head.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"


def test_sorting_goes_by_numbers_both_ways(opened):
    """A click sorts by value, not by letters, another one the other way round; undefined ones come last."""
    opened.run("""[...document.querySelectorAll('#statistics tbody tr')].forEach((row, i) => {
      row.cells[3].dataset.key = ['10.0', '9.0', '', '-2.0', '1e-05', 'Infinity'][i] ?? '9.5'; });""")
    keys = """document.querySelectorAll('#statistics th button')[3].click();
    return [...document.querySelectorAll('#statistics tbody tr')].map((row) => row.cells[3].dataset.key);"""
    middle = ["9.0", *["9.5"] * 6, "10.0"]
    assert opened.run(keys) == ["-2.0", "1e-05", *middle, "Infinity", ""]
    assert opened.run(keys) == ["Infinity", *reversed(middle), "1e-05", "-2.0", ""]


def test_the_copy_button_says_that_it_copied(opened):
    """The button under a figure answers."""
    opened.click(".copy")
    button = opened.browser.find_element(By.CSS_SELECTOR, ".copy")
    WebDriverWait(opened.browser, 10).until(lambda _: button.text == "copied")


def test_nothing_is_asked_of_the_network(opened):
    """All that was requested lies on the disk or in the page."""
    opened.draw_all()
    names = opened.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    sent = [
        entry["message"] for entry in opened.browser.get_log("performance") if "requestWillBeSent" in entry["message"]
    ]
    assert sent
    assert not [message for message in sent if '"url":"http' in message or '"url":"ws' in message]
    assert not [name for name in names if not name.startswith(("file:", "data:", "blob:"))]


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    """On a phone and on a desk the page is as wide as the window; wide tables scroll in their boxes."""
    opened.resize(width)
    opened.settle()
    opened.draw_all()
    assert opened.run("return document.documentElement.scrollWidth") <= width
    wide = """return [...document.querySelectorAll('.plot svg.main-svg')]
    .filter((s) => s.getBoundingClientRect().right > innerWidth + 1).length"""
    assert opened.run(wide) == 0


def test_dark_by_the_system_and_by_the_button(opened):
    """A dark system darkens page and charts; the button overrules it."""
    colour = "return getComputedStyle(document.body).backgroundColor"
    light, ink = opened.run(colour), opened.layout("trajectories")["ink"]
    opened.media("dark")
    WebDriverWait(opened.browser, 10).until(lambda _: opened.layout("trajectories")["ink"] != ink)
    dark = opened.run(colour)
    assert dark != light
    opened.click("#theme")
    assert opened.run(colour) == light
    assert opened.layout("trajectories")["ink"] == ink


def test_all_sections_draw(opened):
    """Every chart of the page has something in it."""
    opened.draw_all()
    counts = opened.run("return [...document.querySelectorAll('.plot')].map((p) => [p.dataset.section, p.data.length])")
    expected = {"trajectories", "differences", "targets", "ranks", "scores", "search", "parallel", "curves", "timeline"}
    assert {section for section, _ in counts} >= expected
    assert [section for section, count in counts if not count] == []


def test_differences_are_those_of_the_table(opened):
    """Local less random on bowl, with its sign."""
    table = pd.read_csv(opened.folder.parent / "tables" / "differences.csv")
    rows = table[(table["objective"] == "bowl") & (table["axis"] == "runtime") & (table["error"] == "test")]
    assert set(rows["b"]) == {"random"}
    close(opened.trace("differences", "local", "mean")["y"], rows["mean"])


def test_hostile_texts_run_nothing(chromium, suite, report, planted_evaluation, hostile):
    """A title, a hyperparameter, its values and a reason that hold scripts are shown and not run."""
    suite.set(title=hostile, objectives=[], repetitions=2)
    suite.objective("bowl", space={"shape": {"kind": "categorical", "choices": [hostile, "<b>b</b>"]}})
    for repetition, choice in enumerate((hostile, "<b>b</b>")):
        records = [planted_evaluation(0, 0.5, 0.5, 1.0, config={"shape": choice}), planted_evaluation(
            1, None, None, 2.0, config={"shape": choice}, problem=hostile)]  # fmt: skip
        suite.run(records, repetition)
    page = Page(chromium, report(suite))
    page.draw_all()
    assert page.browser.find_element(By.TAG_NAME, "h1").text == hostile
    assert page.run("return document.querySelectorAll('main img, main script, svg img, svg script').length") == 0
    labels = page.run("return document.querySelector('.plot[data-section=search]').textContent")
    assert "<script>alert…" in labels
    assert "<b>b</b>" in labels
    assert page.problems() == []


@pytest.mark.parametrize("state", ["done", "partial", "failed"])
def test_one_run_alone_and_nothing_finished(chromium, suite, report, state):
    """One algorithm and one repetition, finished or not, open without a complaint."""
    suite.set(repetitions=1)
    suite.run([(0.5, 0.6, 1.0), (0.4, 0.5, 2.0), (None, None, 3.0)], state=state)
    page = Page(chromium, report(suite))
    page.draw_all()
    for name in ("quantiles", "interval", "std"):
        page.choose("band", name)
    page.choose("scale", "log")
    assert page.problems() == []


def test_the_index_leads_to_the_report(chromium, filled, report):
    """From the index one click opens the page."""
    folder = report(filled)
    chromium.get((folder.parents[1] / "index.html").as_uri())
    chromium.find_element(By.CSS_SELECTOR, ".suites a").click()
    assert chromium.find_element(By.TAG_NAME, "h1").text == "Planted results"

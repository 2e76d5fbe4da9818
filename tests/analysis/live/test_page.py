"""What the page shows of planted suites."""

import re
import time

import numpy as np
import pytest

from analysis.live.drawing import nice_ticks
from analysis.live.serving.publisher import Publisher
from analysis.live.watcher import LAST_STATE, Watcher
from analysis.loading.results import load
from analysis.value_format import number_text
from benchmark.storage.progress_file import Progress, RunCounts, Work, write_progress
from tests.analysis.figures.planted_fronts import GAIN, METRICS
from tests.analysis.figures.planted_fronts import plant as plant_fronts

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


def made(suite):
    """The page of a suite after one look."""
    publisher = Publisher()
    watcher = Watcher(suite.folder, publisher, ends_after=None)
    watcher.look()
    return publisher.document(0)


def text_of(html, name):
    [text] = re.findall(f'data-count="{name}">([0-9]+)<', html)
    return int(text)


def progress_of(**changes):
    """What a driver of another machine writes."""
    values = {"written": time.time(), "pid": 1, "host": "elsewhere", "started": 0.0, "state": "running"}
    counts = RunCounts(total=4, done=1, failed=0, running=1)
    work = Work(done=25.0, total=100.0, unit="seconds")
    return Progress(**{**values, "runs": counts, "work": work, "eta_seconds": (240.0, 600.0), **changes})


@pytest.fixture
def suite(plant):
    """A planted suite of two algorithms and two repetitions: one run done, failed, unfinished and missing each."""
    suite = plant()
    suite.algorithm("local")
    suite.run([(0.5, 0.55, 1.0), (0.3, 0.35, 2.0)])
    suite.run([(0.5, 0.55, 1.0), (None, None, 2.0)], 1, state="failed")
    suite.run([(0.7, 0.75, 1.0)], algorithm="local", state="partial")
    return suite


def test_counts_curves_and_failures(suite):
    """Every run is counted once, the means are over k of n, and reasons are there."""
    html = made(suite)
    counts = {name: text_of(html, name) for name in ("done", "failed", "running", "waiting", "evaluations")}
    assert counts == {"done": 1, "failed": 1, "running": 0, "waiting": 2, "evaluations": 5}
    assert 'data-runs="random">2 of 2 runs' in html
    assert 'data-runs="local">0 of 2 runs' in html
    assert "1 unfinished run drawn thin" in html
    assert "planted" in html
    assert "1 evaluation killed their process" in html
    assert "Not running" in html
    assert 'id="stop"' not in html


def test_a_driver_on_another_machine(suite):
    """Its progress gives the bar and the range of the time left; nothing here can stop it."""
    write_progress(suite.folder / "progress.json", progress_of())
    html = made(suite)
    assert "Running on elsewhere" in html
    assert 'aria-valuenow="25"' in html
    assert re.search(r'id="time-left">4 min to 10 min<', html)
    assert 'id="stop"' not in html

    write_progress(suite.folder / "progress.json", progress_of(eta_seconds=None))
    assert 'id="time-left">not known yet<' in made(suite)
    write_progress(suite.folder / "progress.json", progress_of(written=time.time() - 1000))
    assert "Not running" in made(suite)


def test_names_configurations_and_reasons_are_text(suite, planted_evaluation):
    """Whatever a suite, a configuration or an exception is called, the page has no script but its own."""
    suite.set(title=HOSTILE)
    suite.plan["objectives"][0]["display_name"] = suite.plan["algorithms"][0]["display_name"] = HOSTILE[:60]
    suite.set(
        objectives=[{**suite.plan["objectives"][0], "space": {"x": {"kind": "categorical", "choices": [HOSTILE]}}}]
    )
    for run in suite.folder.glob("runs/*/*/*"):
        run.unlink()
    record = planted_evaluation(0, None, None, 1.0, config={"x": HOSTILE}, problem=HOSTILE)
    suite.run([record], state="partial")
    html = made(suite)
    assert html.count("<script") == 2  # Settings and the page's own.
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_the_file_of_the_last_state_asks_for_nothing(suite):
    """When a run has stopped, the page is kept as a file that holds all that it needs and names no other address."""
    write_progress(suite.folder / "progress.json", progress_of())
    watcher = Watcher(suite.folder, Publisher(), ends_after=None)
    watcher.look()
    assert not (suite.folder / LAST_STATE).exists()
    write_progress(suite.folder / "progress.json", progress_of(state="stopped"))
    watcher.look()

    html = (suite.folder / LAST_STATE).read_text()
    assert '"live":false' in html
    assert re.findall(r'(?:src|href)="([^"]*)"', html) == ["data:,"]
    assert "http:" not in html.replace("http://www.w3.org", "")
    assert "https:" not in html


def test_a_larger_budget_is_another_plan(suite):
    """Open pages are told to load again, and runs that have ended under the smaller one are no longer done."""
    publisher = Publisher()
    watcher = Watcher(suite.folder, publisher, ends_after=None)
    watcher.look()
    generation = publisher.generation
    suite.set(repetitions=3)
    watcher.look()
    assert publisher.generation == generation + 1
    assert "of 6 runs done" in publisher.document(0)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3e-9, 7e-9), (0.031, 0.0312), (-1e6, 3e7), (0, 1e-300)])
def test_ticks_are_round_and_within(low, high):
    """A few multiples of 1, 2 or 5 times a power of ten, within the axis."""
    ticks = np.array(nice_ticks(low, high))
    assert 2 <= len(ticks) <= 6
    assert ((ticks >= low) & (ticks <= high)).all()
    step = np.diff(ticks)
    assert float(f"{step[0]:.0e}".partition("e")[0]) in (1, 2, 5)
    np.testing.assert_allclose(step, step[0], rtol=1e-6)


def last_means(suite, data, metric):
    """The mean at the end, by algorithm, of what the incumbents of all runs have of a metric, taken run by run."""
    frame = load(suite.folder).evaluations
    ends = {}
    for (algorithm, _), rows in frame.groupby(["algorithm", "repetition"], observed=True):
        best = min(rows.to_dict("records"), key=lambda row: (row["valid_error"], row["end"]))
        ends.setdefault(algorithm, []).append(best[f"{data}:{metric}" if metric != "loss" else f"{data}_error"])
    return {algorithm: float(np.mean(values)) for algorithm, values in ends.items()}


@pytest.mark.parametrize("recorded", [(), (GAIN,)])
def test_a_page_shows_the_metric_and_data_that_it_has_chosen(suite, recorded):
    """Each open page has the panels of its own choice; metrics that are recorded only may be chosen as well."""
    plant_fronts(suite, METRICS[: 1 if recorded else 2], recorded=recorded)
    publisher = Publisher()
    watcher = Watcher(suite.folder, publisher, ends_after=None)
    with publisher.viewing("valid:gain"), publisher.viewing("valid:loss"), publisher.viewing("elsewhere:unknown"):
        watcher.look()
        shown = {choice: publisher.wait(0, 0, choice)[1] for choice in ("", *publisher.choices())}
    panels = {choice: parts["panel-bowl"] for choice, parts in shown.items()}
    assert set(panels) == {"", "valid:gain", "valid:loss", "elsewhere:unknown"}
    assert panels["elsewhere:unknown"] == panels[""]
    assert "validation gain of the incumbent (higher is better) [%]" in panels["valid:gain"]
    for choice, data, metric in (("", "test", "loss"), ("valid:loss", "valid", "loss")):
        for algorithm, mean in last_means(suite, data, metric).items():
            assert f'data-runs="{algorithm}">4 of 4 runs</span>, {number_text(mean)}<' in panels[choice]
    if not recorded:  # Else the tables do not have it.
        for algorithm, mean in last_means(suite, "valid", "gain").items():
            assert f'data-runs="{algorithm}">4 of 4 runs</span>, {number_text(mean)}<' in panels["valid:gain"]
    assert {name: html for name, html in shown["valid:gain"].items() if name != "panel-bowl"} == {
        name: html for name, html in shown[""].items() if name != "panel-bowl"
    }
    watcher.look()
    assert publisher.wait(0, 0, "valid:gain")[1].keys() == shown[""].keys() - {"panel-bowl"}  # Nobody shows it now.

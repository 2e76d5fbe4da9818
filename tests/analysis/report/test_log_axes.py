"""Logarithmic axes of the page: linear, with a sentence that says so, where there is nothing positive."""

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")

from tests.analysis.report.browser import Page

pytestmark = pytest.mark.slow

ERRORS = {
    "negative": ([-1.0, -2.5, -3.2], "linear", "no mean is above 0"),
    "zero": ([0.0, 0.0, 0.0], "linear", "no mean is above 0"),
    "mixed": ([3.0, 1.0, -2.0], "log", "at 0 or below"),
    "positive": ([3.0, 2.0, 1.0], "log", ""),
    "large": ([1.7e300, 1e300, 2e290], "log", ""),
    "small": ([1e-290, 1e-300, 3e-308], "log", ""),
    "wide": ([1e300, 1.0, 1e-300], "log", ""),
    "large_negative": ([-1e300, -1e302, -1e303], "linear", "no mean is above 0"),
}
"""Errors of a run's evaluations by objective, the axis that is drawn where 'log' is chosen, and its words."""

TIMES = {
    "none": ((0.0, 0.0, 0.0), "linear", "nothing on it is above 0"),
    "some": ((0.0, 2.0, 30.0), "log", "on the left edge"),
    "same": ((1.0, 1.0, 1.0), "log", ""),
    "long": ((1e-3, 1e150, 1e300), "log", ""),
}
"""The same of the ends of evaluations, in seconds."""

BROKEN = """for (const plot of document.querySelectorAll('.plot')) draw(plot);
return [...document.querySelectorAll('.plot')].flatMap((plot) => Object.entries(plot._fullLayout)
  .filter(([name, part]) => /^[xy]axis/.test(name) && part.range?.some((end) => !Number.isFinite(Number(end))))
  .map(([name]) => `${plot.dataset.chart} ${plot.dataset.section}.${name}`))"""
"""Draws everything, and names the axes without a range."""


@pytest.fixture
def page(chromium, suite, report, planted_evaluation):
    """The report of two algorithms on an objective for each of the cases."""
    suite.set(objectives=[])
    suite.algorithm("local")
    cases = {name: (errors, (1.0, 2.0, 3.0)) for name, (errors, _, _) in ERRORS.items()}
    cases |= {name: ([0.5, 0.4, 0.3], times) for name, (times, _, _) in TIMES.items()}
    for name, (errors, times) in cases.items():
        suite.objective(name)
        for algorithm in ("random", "local"):
            for repetition in range(2):
                records = [
                    planted_evaluation(
                        index, error, error, time, valid_curve=[error, error], test_curve=[error, error]
                    )
                    for index, (error, time) in enumerate(zip(errors, times, strict=True))
                ]  # fmt: skip
                suite.run(records, repetition, objective=name, algorithm=algorithm)
    return Page(chromium, report(suite))


def told(page, section, name):
    """The words below a chart."""
    chart = page.plot(section, name)
    return page.run(f"return document.querySelector('{chart}').closest('figure').querySelector('.told').textContent")


def test_logarithmic_axes_fit_what_there_is(page):
    """With nothing positive 'log' gives a linear axis and says so; what is not positive beside it is told."""
    assert page.run(BROKEN) == []
    page.choose("scale", "log")
    assert page.run(BROKEN) == []
    for name, (_, scale, words) in ERRORS.items():
        for section in ("trajectories", "search", "curves"):
            assert page.layout(section, name)["y"] == scale, (section, name)
            text = told(page, section, name)
            assert (words if section == "trajectories" else words.replace("mean", "error")) in text, (section, name)
            assert ("linear" in text) == bool(words), (section, name, text)
    page.choose("scale", "linear")
    page.choose("time", "log")
    assert page.run(BROKEN) == []
    for name, (_, scale, words) in TIMES.items():
        assert page.layout("trajectories", name)["x"] == scale, name
        assert words in told(page, "trajectories", name)
        drawn = page.trace("trajectories", "random", "centre", name)["x"]
        assert scale == "linear" or min(drawn) > 0.0
    assert page.problems() == []

"""Plants suites with known results and makes their reports by the command line."""

from __future__ import annotations

import json
import re

import pytest

from analysis.__main__ import main

HOSTILE = '<script>alert(1)</script></title><img src=x onerror="alert(2)">'


@pytest.fixture(scope="session")
def hostile():
    """A text that would run a script wherever it is not escaped."""
    return HOSTILE


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """One browser for all tests of a module."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    from tests.analysis.report.browser import start

    session = start(tmp_path_factory.mktemp("browser"))
    yield session
    session.quit()


@pytest.fixture
def report():
    """A function that makes the report of a planted suite and gives its folder."""

    def make(suite):
        assert main(["report", suite.folder.name, "--results", str(suite.folder.parent), "--quiet"]) == 0
        return suite.folder / "report"

    return make


@pytest.fixture
def payload():
    """A function that reads the data out of a page, and refuses what is no strict JSON."""

    def read(folder):
        html = (folder / "index.html").read_text(encoding="utf-8")
        [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, flags=re.DOTALL)

        def refuse(word):
            raise AssertionError(f"{word} is no JSON")

        return json.loads(text, parse_constant=refuse)

    return read


@pytest.fixture
def fill(planted_evaluation):
    """A function that gives two algorithms eight repetitions on two objectives: local is better on bowl by 0.1."""

    def plant_all(suite):
        suite.set(repetitions=8)
        suite.objective("ridge", space={"rate": {"kind": "float", "low": 0.001, "high": 1.0, "log": True}})
        suite.algorithm("local")
        for repetition in range(8):
            luck = 0.001 * ((7 * repetition) % 8)
            for objective, name in (("bowl", "learning_rate"), ("ridge", "rate")):
                for algorithm in ("random", "local"):
                    gain = 0.1 if (objective, algorithm) == ("bowl", "local") else 0.0
                    luckier = luck if algorithm == "random" or objective == "bowl" else 0.007 - luck
                    errors = [0.8, 0.5 - gain, 0.6, 0.3 - gain + luckier]
                    records = [
                        planted_evaluation(
                            index, error, error + 0.02, 1.0 + index + luck, start=index + luck if index else 0.0,
                            config={name: 0.1}, valid_curve=[0.9, error], test_curve=[0.9, error + 0.02],
                        )
                        for index, error in enumerate(errors)
                    ]  # fmt: skip
                    suite.run(records, repetition, objective=objective, algorithm=algorithm)
        return suite

    return plant_all


@pytest.fixture
def filled(suite, fill):
    """A planted suite of two objectives, two algorithms and eight repetitions."""
    return fill(suite)

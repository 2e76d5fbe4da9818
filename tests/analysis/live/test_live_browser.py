"""The live page of a running suite in a real Chromium: what it shows, whom it asks, and what its button does."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

selenium = pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

from tests.analysis.figures.planted_fronts import plant as plant_fronts  # noqa: E402
from tests.analysis.live.live_runs import (  # noqa: E402
    LIMIT,
    Commands,
    address,
    end_of,
    end_server,
    results_of,
    server_of,
    wait_until,
    write_suite,
)
from tests.analysis.report.browser import start  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    """One browser for all tests of the module."""
    session = start(tmp_path_factory.mktemp("browser"))
    yield session
    session.quit()


@pytest.fixture
def commands(tmp_path):
    """Commands in the folder of a suite that is to be run."""
    write_suite(tmp_path, hold=True)
    with Commands(tmp_path) as commands:
        yield commands


class LivePage:
    """A live page in the browser."""

    def __init__(self, chromium, url):
        self.browser = chromium
        chromium.get("about:blank")
        chromium.get_log("browser"), chromium.get_log("performance")
        chromium.get(url)

    def text(self, selector):
        """The text of an element; empty where it is not there."""
        found = self.browser.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        return found.strip()

    def wait_for(self, condition):
        return WebDriverWait(self.browser, LIMIT, poll_frequency=0.05).until(lambda _: condition())

    def means(self):
        """The paths of the means that are drawn, by algorithm."""
        script = """const lines = [...document.querySelectorAll("path.mean[data-algorithm]")];
        return lines.map((line) => [line.dataset.algorithm, line.getAttribute("d")]);"""
        return dict(self.browser.execute_script(script))

    def drawn(self, selector):
        """The text of a chart of the report, which is drawn when it comes into view."""
        self.browser.execute_script("document.querySelector(arguments[0])?.scrollIntoView()", selector)
        return self.text(selector)

    def complaints(self):
        """What the browser complained of, but for a server that was killed."""
        entries = self.browser.get_log("browser")
        return [entry["message"] for entry in entries if "ERR_CONNECTION_REFUSED" not in entry["message"]]

    def asked_hosts(self):
        """Whom the browser has asked for anything since the page was opened."""
        messages = (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
        urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return {urlsplit(url).hostname for url in urls if urlsplit(url).scheme not in ("data", "chrome", "about")}


def test_the_page_follows_a_run_and_outlives_its_server(commands, chromium):
    """Figure and counts change as runs end; a killed server harms no run, and its successor takes the page over."""
    suite = commands.folder / "results" / "tiny"
    command = commands.run("--live")
    page = LivePage(chromium, address(command))
    page.wait_for(lambda: page.text("[data-count=done]") not in ("", "0"))
    first = page.means()
    assert page.text(".activity") == "Running"

    end_server(suite)
    page.wait_for(lambda: "does not answer" in page.text("#connection"))
    assert command.poll() is None

    successor = commands.start("analysis", "live", "tiny", "--ends-after", "600")  # As `run --live` starts it.
    assert page.browser.current_url == address(successor)
    page.wait_for(lambda: page.text("#connection") == "")
    assert page.text(".activity") == "Running"
    (commands.folder / "hold").unlink()
    page.wait_for(lambda: page.text(".activity") == "Done")

    assert page.text("[data-count=done]") == "6"
    assert page.text('[data-runs="Random <b>search"]') == page.text('[data-runs="local"]') == "3 of 3 runs"
    assert page.means().keys() == {"Random <b>search", "local"}
    assert page.means() != first
    page.wait_for(lambda: "report/index.html" in page.text("#ending"))
    page.browser.find_element(By.CSS_SELECTOR, "#ending a").click()
    page.wait_for(lambda: page.drawn("#trajectories .plot"))
    assert page.complaints() == []
    assert page.asked_hosts() == {"127.0.0.1"}
    code, message = end_of(command)
    assert code == 0
    assert "Traceback" not in message


def test_the_button_stops_the_suite_and_nothing_is_lost(commands, chromium, tmp_path_factory):
    """The exit code is that of Ctrl-C, the page says how it ended and opens as a file, and the same command goes on."""
    suite = commands.folder / "results" / "tiny"
    command = commands.run("--live")
    url = address(command)
    page = LivePage(chromium, url)
    page.wait_for(lambda: page.text("#newest td"))

    page.browser.find_element(By.ID, "stop").click()
    page.browser.find_element(By.CSS_SELECTOR, "#confirm [value=no]").click()
    page.browser.find_element(By.ID, "stop").click()
    page.browser.find_element(By.CSS_SELECTOR, "#confirm [value=yes]").click()

    code, message = end_of(command)
    assert code == 130
    assert "every finished evaluation is stored" in message
    page.wait_for(lambda: page.text(".activity") == "Not running")
    assert page.text("#stop") == ""
    assert page.complaints() == []
    wait_until((suite / "live.html").exists)

    page.browser.get((suite / "live.html").as_uri())
    assert page.text("#connection").startswith("A saved page")
    assert page.text(".activity") == "Not running"
    assert page.text("h1") == "<script>alert(1)</script>"
    assert page.complaints() == []

    (commands.folder / "hold").unlink()
    again = commands.run("--live")
    assert address(again) == url
    assert server_of(suite) is not None
    assert end_of(again)[0] == 0
    undisturbed = tmp_path_factory.mktemp("undisturbed")
    other = write_suite(undisturbed, hold=False)
    with Commands(undisturbed) as others:
        assert end_of(others.run("--quiet"))[0] == 0
    assert results_of(suite) == results_of(other)
    assert len(results_of(suite)) == 6


def test_metric_data_and_objective_are_chosen_on_the_page(suite, chromium, tmp_path):
    """Lists above the figures change what they show, for as long as the page is open, and show one objective alone."""
    plant_fronts(suite)
    suite.plan["objectives"].append({**suite.plan["objectives"][0], "label": "valley"})
    suite.set()
    with Commands(tmp_path) as commands:
        page = LivePage(chromium, address(commands.start("analysis", "live", suite.folder.name)))
        seen = "return [...document.querySelectorAll('#trajectories figure')].filter((e) => e.offsetParent).length"
        page.wait_for(lambda: page.text("#panel-bowl .note") == "test loss of the incumbent (lower is better)")
        page.browser.find_element(By.CSS_SELECTOR, "#metric option[value=gain]").click()
        page.wait_for(lambda: page.text("#panel-bowl .note").startswith("test gain of the incumbent"))
        page.browser.find_element(By.CSS_SELECTOR, "#data option[value=valid]").click()
        page.wait_for(lambda: page.text("#panel-bowl .note").startswith("validation gain of the incumbent"))
        assert page.browser.execute_script(seen) == 2
        page.browser.find_element(By.CSS_SELECTOR, "#objective option[value=panel-bowl]").click()
        assert page.browser.execute_script(seen) == 1
        page.browser.find_element(By.CSS_SELECTOR, "#metric option[value=loss]").click()
        page.browser.find_element(By.CSS_SELECTOR, "#data option[value=test]").click()
        page.wait_for(lambda: page.text("#panel-bowl .note").startswith("test loss of the incumbent"))
        assert page.complaints() == []
        assert page.asked_hosts() == {"127.0.0.1"}

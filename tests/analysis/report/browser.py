"""A report in a headless Chromium: what a reader clicks, and what is drawn then."""

from __future__ import annotations

import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


def found():
    """Paths of browser and driver; the test is skipped, or fails where a browser is required, without them."""
    browser, driver = next(filter(None, map(shutil.which, BROWSERS)), None), shutil.which("chromedriver")
    if browser and driver:
        return browser, driver
    message = f"no {'chromedriver' if browser else 'Chromium'} on the path"
    if os.environ.get("INCUMBENT_BROWSER") == "required":
        pytest.fail(message)
    return pytest.skip(message)


def start(folder):
    """A browser with a user's folder of its own."""
    browser, driver = found()
    options = Options()
    options.binary_location = browser
    for argument in (*QUIET, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


class Page:
    """A report in the browser."""

    def __init__(self, chromium, folder, width=1280):
        self.browser, self.folder = chromium, folder
        self.resize(width)
        self.media(None)
        chromium.get_log("browser"), chromium.get_log("performance")
        chromium.get((folder / "index.html").as_uri())
        self.run("try { localStorage.clear() } catch (error) {}")
        self.settle()

    def resize(self, width, height=900):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def media(self, scheme):
        features = [{"name": "prefers-color-scheme", "value": scheme or "light"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def settle(self):
        """Wait until every chart in view is drawn."""
        drawn = "return [...near].every((plot) => plot.data && plot.dataset.stale !== 'yes')"
        WebDriverWait(self.browser, 60).until(lambda _: self.run(drawn))

    def draw_all(self):
        """Draw also what is far below."""
        self.run(
            "for (const plot of document.querySelectorAll('.plot')) if (!plot.closest('figure').hidden) draw(plot)"
        )

    def choose(self, name, value):
        """Click one of the choices."""
        self.run("document.getElementById('controls').open = true")
        self.browser.find_element(By.CSS_SELECTOR, f"input[name={name}][value={value}]").click()
        self.settle()

    def pick(self, name, value):
        """Pick from one of the lists."""
        self.browser.find_element(By.CSS_SELECTOR, f"select[name={name}] option[value='{value}']").click()
        self.settle()

    def click(self, selector):
        self.browser.find_element(By.CSS_SELECTOR, selector).click()
        self.settle()

    def plot(self, section, objective):
        return f'.plot[data-section="{section}"][data-chart="{objective}"]'

    def traces(self, section, objective="bowl"):
        """What a chart draws: what each trace is, its points and its line."""
        script = """const plot = document.querySelector(arguments[0]);
        if (!plot.data) draw(plot);
        const list = (values) => values === undefined ? null : Array.from(values);
        const read = (t) => ({ meta: t.meta, line: t.line, custom: t.customdata, x: list(t.x), y: list(t.y) });
        return plot.data.map(read);"""
        return self.run(script, self.plot(section, objective))

    def layout(self, section, objective="bowl"):
        """Scales, title and text colour of a chart."""
        script = """const { xaxis, yaxis, font } = document.querySelector(arguments[0])._fullLayout;
        return { x: xaxis.type, y: yaxis.type, title: xaxis.title.text, ink: font.color };"""
        return self.run(script, self.plot(section, objective))

    def trace(self, section, algorithm, role, objective="bowl"):
        [one] = [t for t in self.traces(section, objective) if t["meta"] == {"algorithm": algorithm, "role": role}]
        return one

    def problems(self):
        """What the browser complained of."""
        return [
            entry["message"] for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]

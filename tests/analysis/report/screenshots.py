"""Screenshots of a suite's report for the documents.

python -m tests.analysis.report.screenshots SUITE [--results DIR] [--out docs/screenshots]
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.analysis.report.browser import QUIET, found

SHOTS = {
    "desktop": (1280, 1700, "light", "scrollTo(0, 0)"),
    "desktop-dark": (1280, 1000, "dark", "document.getElementById('differences').scrollIntoView()"),
    "phone": (360, 1400, "dark", "document.getElementById('trajectories').scrollIntoView()"),
}
"""Width, height, colours, and where to scroll."""


def shoot(browser, page, width, height, scheme, scroll):
    """One picture of a page, with as few colours as keep it small."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.resolve().as_uri())
    browser.execute_script(scroll)
    drawn = "return near.size && [...near].every((plot) => plot.data && plot.dataset.stale !== 'yes')"
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script(drawn))
    browser.execute_script(scroll)
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    picture = (
        Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    )
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    options = parser.parse_args()
    browser_path, driver = found()
    folder = tempfile.mkdtemp()
    settings = Options()
    settings.binary_location = browser_path
    for argument in (*QUIET, "--hide-scrollbars", f"--user-data-dir={folder}"):
        settings.add_argument(argument)
    browser = webdriver.Chrome(options=settings, service=Service(driver))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name, shot in SHOTS.items():
            path = options.out / f"report-{name}.png"
            path.write_bytes(shoot(browser, options.results / options.suite / "report" / "index.html", *shot))
            print(path, path.stat().st_size)
    finally:
        browser.quit()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

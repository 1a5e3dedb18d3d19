"""Take the pictures of README: the dashboards on the demo town, in Chromium without a network.

.venv/bin/python tools/screenshots.py
"""

from __future__ import annotations

import queue
import re
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page, sync_playwright

from workbench.demo import demo_town

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PERSON, DISTRICT = "Tobias Reed", "Fennmouth"


def served() -> tuple[subprocess.Popen[str], str]:
    """The demo's server and the address it prints."""
    command = [str(Path(sys.executable).with_name("sightline")), "demo", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603
    assert server.stderr is not None
    lines: queue.Queue[str] = queue.Queue()
    Thread(target=lambda: [lines.put(line) for line in server.stderr or ()], daemon=True).start()
    while True:
        if found := re.search(r"http://\S+\?token=\S+", lines.get(timeout=300)):
            return server, found[0]


def investigate(page: Page, address: str) -> None:
    """Ask for one person in the whole town, as an analyst would."""
    page.goto(address)
    page.get_by_role("link", name="Investigate").click()
    page.locator(".sl-timeline .bars").first.wait_for(timeout=60_000)
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files(list(demo_town().photographs[PERSON]))
    page.locator(".sl-photograph").nth(2).wait_for()
    page.locator(".sl-district select").first.select_option(label=DISTRICT)
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-card").first.wait_for()
    page.wait_for_timeout(4000)  # map and timeline draw themselves when they are seen
    page.screenshot(path=IMAGES / "investigate.png")


def thresholds(page: Page, address: str) -> None:
    """What the embedded profile's recommended threshold is worth."""
    page.goto(address)
    page.get_by_role("link", name="Thresholds").click()
    for number in range(4):
        page.locator(".sl-plot").nth(number).locator(".main-svg").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "thresholds.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    server, address = served()
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = chromium.new_page(viewport={"width": 1366, "height": 1900})
            investigate(page, address)
            page.set_viewport_size({"width": 1366, "height": 1500})
            thresholds(page, address)
            page.goto("about:blank")
            chromium.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


if __name__ == "__main__":
    main()

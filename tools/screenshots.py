"""Take the pictures of README: the dashboards on the demo town, in Chromium without a network.

.venv/bin/python tools/screenshots.py
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page, sync_playwright

from workbench.casework.record.people import Person
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.reviewing.reviewlist import reviewed
from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_threshold, training_case
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.investigation import search

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
    page.locator(".sl-card").first.click()
    page.locator(".sl-comparing .sl-aligned").wait_for()
    page.wait_for_timeout(4000)
    page.locator(".sl-comparing").screenshot(path=IMAGES / "compare.png")


def thresholds(page: Page, address: str) -> None:
    """Show the forecast of the embedded profile's recommended threshold."""
    page.goto(address)
    page.get_by_role("link", name="Thresholds").click()
    for number in range(4):
        page.locator(".sl-plot").nth(number).locator(".main-svg").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / "thresholds.png")


def decided() -> None:
    """Candidates that two people decided on, so that the pages of a case have something to show."""
    town = demo_town()
    installation = Installation.open()
    gallery, register = demo_gallery(town, installation), installation.register
    reference = training_case(town, register)
    scope = register.case(reference).scope
    with Gallery.open(gallery) as opened:
        photographs = list(town.photographs[PERSON])
        probe = make_probe(photographs, models=installation.load_models(opened.profile))
        least = demo_threshold(town, photographs=len(photographs))
        found = search(opened, probe, scope, case=reference, register=register, threshold=least)
    list_for_review(register, reference, found.candidates, probe=probe)
    for item in reviewed(register, reference)[:4]:  # one is left to be decided on
        for number, account in enumerate(("anna", "rosa"), start=1):
            about = {
                "case": reference, "key": item.key, "round": number, "conclusion": 2,
                "features": {}, "reason": "For the picture.",
            }  # fmt: skip
            by = Person(account, "account", 1, frozenset(), in_service=False)
            register.record("review.decided", about, by=by)


def picture(page: Page, address: str, link: str, shown: str, height: int) -> None:
    """One page of the demo, once what *shown* selects stands there."""
    page.set_viewport_size({"width": 1366, "height": height})
    page.goto(address)
    page.get_by_role("link", name=link).first.click()
    page.locator(shown).first.wait_for(timeout=60_000)
    page.wait_for_timeout(4000)
    page.screenshot(path=IMAGES / f"{link.lower()}.png")


def main() -> None:
    """Take all screenshots."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["SIGHTLINE_HOME"] = home
        decided()
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
                picture(page, address, "Sightings", ".sl-sightings-page tbody tr", 1500)
                picture(page, address, "Footage", ".sl-plot .main-svg", 1200)
                picture(page, address, "Review", ".sl-review figure img", 900)
                picture(page, address, "Audit", ".sl-panel", 900)
                page.set_viewport_size({"width": 1366, "height": 768})
                page.goto(address)
                page.wait_for_timeout(1000)
                page.screenshot(path=IMAGES / "front.png")
                page.goto("about:blank")
                chromium.close()
        finally:
            server.terminate()
            server.wait(timeout=20)


if __name__ == "__main__":
    main()

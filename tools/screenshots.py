"""Take the pictures of README and the guides: a walk through a case of the demo, in Chromium.

.venv/bin/python -m tools.screenshots
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tools.walk import Walk
from workbench.installation import Installation

IMAGES = Path(__file__).parents[1] / "docs/images"
WIDTH, HEIGHT = 1366, 768
# Pages that show what they are about below the first screen.
HIGHER = {
    "request": 1250, "approve": 900, "question": 1000, "investigate": 1000, "sightings": 1500,
    "footage": 1200, "thresholds": 1500, "history": 1000,
}  # fmt: skip
PARTS = 1400  # height of the window for one panel, so that nothing lies over it
PATIENCE = 300_000  # milliseconds
QUALITY = 80
PEOPLE = {
    "anna": "analyst", "sara": "supervisor", "rosa": "reviewer", "tom": "reviewer",
    "otto": "auditor",
}  # fmt: skip


@contextmanager
def serving(*command: str) -> Iterator[str]:
    """Run a server of Sightline; the address that it prints first."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "workbench", *command, "--port", str(port)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        said = ""
        while not (found := re.search(r"http://\S+\?token=\S+", said)):
            said = server.stderr.readline()
            if not said:
                raise SystemExit(f"sightline {' '.join(command)} did not start")
        # What it says later must not fill the pipe.
        Thread(target=server.stderr.read, daemon=True).start()
        yield found[0]
    finally:
        server.terminate()
        server.wait(timeout=60)


class Camera:
    """Takes each picture once, when all that belongs to it has come."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taken: set[str] = set()

    def look(self, name: str, selector: str = "") -> None:
        """Take a picture of the page, or of what *selector* selects."""
        if name in self.taken:
            return
        self.taken.add(name)
        page = self.page
        height = PARTS if selector else HIGHER.get(name, HEIGHT)
        page.set_viewport_size({"width": WIDTH, "height": height})
        page.mouse.move(0, 0)
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(4000)  # maps and charts draw themselves when they are seen
        page.wait_for_function("""() => !document.querySelector('img[src*="#sl-"]')""")
        page.get_by_text("Looking for the eyes").first.wait_for(state="hidden")
        if selector:
            shown = page.locator(selector).locator("visible=true").first
            shown.evaluate("one => one.scrollIntoView({block: 'start'})")
            page.wait_for_timeout(1000)
            box = shown.bounding_box()
            assert box is not None, selector
            content = page.screenshot(clip=box)
        else:
            content = page.screenshot()
        with Image.open(io.BytesIO(content)) as picture:
            picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


def footage(walk: Walk, camera: Camera) -> None:
    """Take the page *Footage*, which the walk does not pass."""
    walk.play("Anna")
    walk.go("Footage", ".sl-cards")
    camera.page.locator(".sl-plot .main-svg").first.wait_for()
    camera.look("footage")


def in_service(camera: Camera, gallery: Path) -> None:
    """Take what the demo's home has not: roles, and the calibration on real faces."""
    page = camera.page
    register = Installation.open().register
    for name, role in PEOPLE.items():
        register.grant(name, role, granted=True)
    with serving("serve", "--gallery", str(gallery)) as address:
        page.goto(address)
        page.get_by_role("link", name="People").first.click()
        page.get_by_text("supervisor, since").wait_for()
        camera.look("people")
        page.get_by_role("link", name="Thresholds").first.click()
        page.set_viewport_size({"width": WIDTH, "height": HIGHER["thresholds"]})
        for number in range(4):
            page.locator(".sl-plot").nth(number).locator(".main-svg").first.wait_for()
        camera.look("thresholds")
        page.goto("about:blank")


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        camera = Camera(page)
        os.environ["SIGHTLINE_HOME"] = home
        with serving("demo") as address:
            walk = Walk(page, address, camera.look)
            walk.take()
            footage(walk, camera)
            page.goto("about:blank")
        in_service(camera, next(Path(home).glob("*/*.duckdb")))
        chromium.close()


if __name__ == "__main__":
    main()

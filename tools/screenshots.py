"""Take the pictures of README and the guides: a walk through a case of the demo, in Chromium.

.venv/bin/python -m tools.screenshots [NAME ...]

With names, only these are taken: `investigate`, or `search` and `case`, which move.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

from tests.support.deployed import PASSWORD, behind_hub
from tools.operating import Terminal
from tools.walk import Walk
from workbench.installation import Installation

IMAGES = Path(__file__).parents[1] / "docs/images"
WIDTH, HEIGHT = 1366, 768
# Pages that show what they are about below the first screen.
HIGHER = {
    "request": 1250, "approve": 900, "question": 1000, "investigate": 1000, "sightings": 1500,
    "footage": 1200, "thresholds": 1500, "history": 1000, "lab": 1080, "sign-in": 380,
    "front": 380,
}  # fmt: skip
NOTEBOOK = "ask_the_data.ipynb"
PARTS = 1400  # height of the window for one panel, so that nothing lies over it
# Pictures that move, of what the walk passes: README's. In a smaller window, so that text is still
# read where they are shown at two thirds of their size.
FILMS = {
    "search": ("question", "investigate", "compare", "sightings"),
    "case": ("request", "approve", "review", "history", "audit"),
}
FILM_WIDTH, FILM_HEIGHT, FILM_QUALITY = 1280, 860, 70
FRAME = 3000  # milliseconds
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
    """Takes each picture once, when all that belongs to it has come.

    Parameters
    ----------
    page : Page
        The page that is looked at.
    only : collection of str
        Names of the pictures to take; all, if there are none.
    """

    def __init__(self, page: Page, only: Collection[str] = ()) -> None:
        self.page = page
        self._only = only
        self._taken: set[str] = set()
        self._frames: dict[str, Image.Image] = {}

    def wants(self, *names: str) -> bool:
        """Say whether one of these pictures is to be taken."""
        return not self._only or any(name in self._only for name in names)

    def look(self, name: str, selector: str = "") -> None:
        """Take a picture of the page, or of what *selector* selects, and a frame of its film."""
        if name in self._taken:
            return
        self._taken.add(name)
        if self.wants(name):
            self._size(WIDTH, PARTS if selector else HIGHER.get(name, HEIGHT))
            box = self._to(selector)
            picture = self._shot(box)
            picture.save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)
        if self.wants(*(film for film, names in FILMS.items() if name in names)):
            self._size(FILM_WIDTH, FILM_HEIGHT)
            self._to(selector)
            self._frames[name] = self._shot(None)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def films(self) -> None:
        """Put the frames together to the pictures that move."""
        for film, names in FILMS.items():
            if self.wants(film):
                first, *others = (self._frames[name] for name in names)
                first.save(
                    IMAGES / f"{film}.webp", save_all=True, append_images=others, duration=FRAME,
                    loop=0, quality=FILM_QUALITY, method=6,
                )  # fmt: skip

    def _size(self, width: int, height: int) -> None:
        page = self.page
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_timeout(4000)  # maps and charts draw themselves when they are seen
        page.wait_for_function("""() => !document.querySelector('img[src*="#sl-"]')""")
        page.get_by_text("Looking for the eyes").first.wait_for(state="hidden")

    def _to(self, selector: str) -> FloatRect | None:
        """Bring a panel to the top of the window; where it lies then."""
        if not selector:
            return None
        shown = self.page.locator(selector).locator("visible=true").first
        shown.evaluate("one => one.scrollIntoView({block: 'start'})")
        self.page.wait_for_timeout(1000)
        box = shown.bounding_box()
        assert box is not None, selector
        return box

    def _shot(self, box: FloatRect | None) -> Image.Image:
        content = self.page.screenshot(clip=box) if box else self.page.screenshot()
        with Image.open(io.BytesIO(content)) as picture:
            return picture.convert("RGB")


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


def operating(chromium: Browser, only: Collection[str], gallery: Path) -> None:
    """Take what the operators' guide shows: a terminal, the hub, and the page *Footage* behind it.

    The home is one of a server that has just been set up, with a copy of the demo's gallery.
    """
    home = Path(tempfile.mkdtemp(prefix="home-", dir="/tmp"))  # as long as the name in the guide
    copy = home.with_name(home.name.replace("home", "copy"))
    for part in gallery.parent.glob(f"{gallery.name}*"):
        there = home / part.name.replace(gallery.name, "gallery.duckdb")
        (shutil.copytree if part.is_dir() else shutil.copy2)(part, there)
    environment = {"SIGHTLINE_HOME": str(home), "SIGHTLINE_GALLERY": str(home / "gallery.duckdb")}
    places = {"/var/lib/sightline": str(home), "/backup/2026-11-26": str(copy)}
    terminal = Terminal(places, environment)
    page = chromium.new_page(ignore_https_errors=True, device_scale_factor=1)
    page.set_default_timeout(PATIENCE)
    camera = Camera(page, only)

    def look(name: str) -> None:
        page.set_content(terminal.page())
        page.set_viewport_size({"width": WIDTH, "height": PARTS})
        camera.look(name, "pre")

    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            behind_hub(home, home / "gallery.duckdb", Path(folder)) as team,
        ):
            terminal.type("sightline doctor")
            look("doctor")
            terminal.places["http://127.0.0.1:8866/services/sightline/"] = team.health
            terminal.type(
                "sightline footage clock set --gallery /var/lib/sightline/gallery.duckdb "
                "--camera FM-03 --ahead 95 --uncertainty 1 --how 'compared with the speaking clock'"
            )
            terminal.page()
            page.goto(team.address)
            page.get_by_label("Username").fill("ada")
            page.get_by_label("Password").fill(PASSWORD)
            camera.look("sign-in")
            page.get_by_role("button", name="Sign in").click()
            page.locator(".sl-cards").wait_for()
            camera.look("front")
            page.goto(team.page("footage"))
            page.locator(".sl-clocks table").first.wait_for()
            page.locator(".sl-clocks option").first.wait_for(state="attached")
            camera.look("clocks", ".sl-clocks")
            page.goto("about:blank")
            for what in ("health", "metrics"):
                terminal.type(f"curl -s http://127.0.0.1:8866/services/sightline/{what}")
            look("health")
        said = terminal.type("deploy/backup /var/lib/sightline /backup/2026-11-26")
        shutil.rmtree(home)  # as on another machine
        home.mkdir(mode=0o700)
        terminal.type("cp -a /backup/2026-11-26/. /var/lib/sightline/")
        terminal.type(f"sightline audit verify --head {said.rpartition(' ')[2]}")
        terminal.type("sightline gallery check /var/lib/sightline/gallery.duckdb")
        look("backup")
    finally:
        page.close()
        for folder in (home, copy):
            shutil.rmtree(folder, ignore_errors=True)


def notebook(camera: Camera) -> None:
    """Take a notebook in JupyterLab, with what its first cells show."""
    page = camera.page
    with serving("lab") as address:
        # A workspace of its own, with this notebook alone.
        page.goto(address.replace("/lab?", f"/lab/workspaces/picture/tree/{NOTEBOOK}?"))
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.locator("#jp-main-statusbar").get_by_text(re.compile(r" \| Idle$")).wait_for()
        for _ in range(3):  # the words on top, the histograms, and the trial
            page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea .main-svg").first.wait_for()
        page.locator(".jp-OutputArea table").first.wait_for()
        page.keyboard.press("Control+B")  # no list of files
        camera.look("lab")
        page.goto("about:blank")


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures to take; by default all")
    only = parser.parse_args().names
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        camera = Camera(page, only)
        os.environ["SIGHTLINE_HOME"] = home
        with serving("demo") as address:
            walk = Walk(page, address, camera.look)
            walk.take()
            camera.films()
            if camera.wants("footage"):
                footage(walk, camera)
            page.goto("about:blank")
        if camera.wants("lab"):
            notebook(camera)
        if camera.wants("people", "thresholds"):
            in_service(camera, next(Path(home).glob("*/*.duckdb")))
        if camera.wants("doctor", "sign-in", "front", "clocks", "health", "backup"):
            operating(chromium, only, next(Path(home).glob("*/*.duckdb")))
        chromium.close()


if __name__ == "__main__":
    main()

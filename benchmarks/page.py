"""Waiting times of an analyst: opening the page, and a search over a million templates.

    python benchmarks/page.py [--rows 1000000] [--cameras 4000] [--gallery FILE] [--json] [--small]

The real server, kernel, networks and Chromium, no network. Measured from the click or the request
until what it brings is drawn:

- opening the demo, until the first control stands there: on a kernel started for it (cold) and on
  one that waited (warm), in a browser that has never been here and in one that has; and on a line
  of 1.5 Mbit/s in one that has never been here, with the megabytes that it carried until then.
  Browser, server and kernel share this machine. Chromium is asked over its own protocol alone:
  Playwright listens to each request of the page, which takes half a second of these openings;
- searching: from Search until cards, map and timeline stand there, median of five; and the longest
  time in which the page did not answer meanwhile.

Templates are synthetic but for some three hundred near the probe's own; the probe is a demo person.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import search as synthetic
from options import add_small
from playwright.sync_api import Page, sync_playwright
from slow_line import SlowLine
from tornado.websocket import websocket_connect

from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_settings
from workbench.district import from_shapes, to_geojson
from workbench.domain import Scope
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.notebook import load_models
from workbench.settings import Settings

TOKEN = "a-token-of-the-benchmark"
CASE, ALL, PERSON, LIKE, ROUNDS = "PAGE", "Everywhere", "Tobias Reed", 300, 5
SLOW = 1.5e6  # bits a second
REST = 12.0  # seconds before each opening: the machine comes to rest, the next kernel is ready
SERVE = """
import sys
from pathlib import Path
from workbench.server.application import serve
from workbench.settings import load_settings
serve(
    gallery=Path(sys.argv[1]), home=load_settings().home, port=0, token=sys.argv[2],
    warm_kernels=int(sys.argv[3]),
    kernels_of_person=64,
    ready=lambda address: print(address, flush=True),
)
"""
OPENED = """(() => {
    const control = document.querySelector(".sl-target .sl-drop-button");
    return control !== null && control.getClientRects().length > 0;
})()"""
# The longest gap between frames, asked for from when it is installed.
WATCH = """() => {
    window.worst = 0; let last = performance.now();
    const tick = (now) => { window.worst = Math.max(window.worst, now - last); last = now;
                            requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
}"""


def fill(path: Path, rows: int, cameras: int) -> None:
    """A gallery of the embedded profile; three hundred templates resemble the probe's."""
    models = load_models("dlib")
    photographs = demo_town().photographs[PERSON]
    probe = make_probe(list(photographs), models=models)
    rng = np.random.default_rng(0)
    plain = synthetic.templates_of
    synthetic.JPEG = small(probe.photographs[0].jpeg)

    def templates_of(count: int, dimension: int, generator: np.random.Generator) -> np.ndarray:
        vectors = plain(count, dimension, generator) * 1.4  # as long as those of the network
        like = rng.choice(count, LIKE * count // rows, replace=False)
        vectors[like] = probe.template + rng.normal(0, 0.02, (len(like), dimension))
        return vectors.astype(np.float32)

    synthetic.templates_of = templates_of
    synthetic.fill(path, models.profile, rows, synthetic.cameras_of(cameras, rng))


def small(jpeg: bytes) -> bytes:
    """A picture of the size of best shots."""
    import cv2

    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    picture = cv2.resize(picture, (112, 112), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def scope_of(path: Path) -> Scope:
    """All cameras and all time."""
    import shapely

    with Gallery.open(path) as gallery:
        points = [shapely.Point(c.longitude, c.latitude) for c in gallery.cameras()]
        span = gallery.time_span()
    assert span is not None
    area = shapely.envelope(shapely.union_all(points).buffer(0.05))
    day = timedelta(days=1)
    return Scope(
        from_shapes([area], name=ALL),
        span[0].astimezone(UTC) - day,
        span[1].astimezone(UTC) + day,
    )


@contextmanager
def serving(path: Path, environment: Mapping[str, str], *, warm_kernels: int) -> Iterator[str]:
    """A server of that gallery; gives the address of the page of an investigation."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path), TOKEN, str(warm_kernels)],
        stdout=subprocess.PIPE, text=True, env=os.environ | environment,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        base = server.stdout.readline().split("/?")[0]
        yield f"{base}/voila/render/investigate.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(30)


class Browser:
    """Chromium with a profile of its own, by its own protocol."""

    def __init__(self, profile: str) -> None:
        self._process = subprocess.Popen(
            [
                str(shutil.which("chromium")), "--headless=new", "--no-sandbox", "--disable-gpu",
                "--remote-debugging-port=0", "--window-size=1366,768",
                f"--user-data-dir={profile}", "about:blank",
            ],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stderr is not None
        line = next(line for line in self._process.stderr if "DevTools listening on" in line)
        self._address = line.split()[-1]
        self._asked = 0

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(30)

    async def opened(self, address: str, line: SlowLine | None = None) -> float:
        """Seconds from asking for the page, in a new tab, until its first control stands there."""
        browser = await websocket_connect(self._address)
        tab = (await self._ask(browser, "Target.createTarget", url="about:blank"))["targetId"]
        place = self._address.split("/devtools")[0]
        page = await websocket_connect(f"{place}/devtools/page/{tab}")
        began = time.perf_counter()
        await self._ask(page, "Page.navigate", url=address)
        while True:
            answer = await self._ask(page, "Runtime.evaluate", expression=OPENED)
            if answer["result"].get("value"):
                break
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - began
        self.received = 0 if line is None else line.received
        await self._ask(browser, "Target.closeTarget", targetId=tab)
        return seconds

    async def _ask(self, line: Any, method: str, **parameters: Any) -> Any:
        self._asked += 1
        asked = {"id": self._asked, "method": method, "params": parameters}
        await line.write_message(json.dumps(asked))
        while (answer := json.loads(await line.read_message())).get("id") != self._asked:
            pass
        return answer["result"]


def openings(path: Path, environment: Mapping[str, str], *, small: bool = False) -> dict[str, Any]:
    """Seconds until the demo's page has its first control: median and longest of several.

    Then those of a first opening over a slow line.
    """
    result: dict[str, Any] = {}
    for kernel, warm_kernels in (("warm", 1),) if small else (("cold", 0), ("warm", 1)):
        with serving(path, environment, warm_kernels=warm_kernels) as address:
            new, known = [], []
            for _ in range(1 if small else 3):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                    browser = Browser(profile)
                    try:
                        for times in (new,) if small else (new, known, known):
                            time.sleep(0 if small else REST)
                            times.append(asyncio.run(browser.opened(address)))
                    finally:
                        browser.close()
            if kernel == "warm":
                slow = slow_opening(address, small=small)
        for name, times in (("new browser", new), ("known browser", known)):
            figures = (statistics.median(times), max(times)) if times else ()
            result[f"opening, {kernel}, {name}, s"] = [round(seconds, 2) for seconds in figures]
    return result | slow


def slow_opening(address: str, *, small: bool = False) -> dict[str, Any]:
    """Opening the page for the first time over a slow line; a small run has no time for one."""
    with (
        SlowLine(address, 50 * SLOW if small else SLOW) as line,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        time.sleep(0 if small else REST)
        browser = Browser(profile)
        try:
            seconds = asyncio.run(browser.opened(line.address, line))
            carried = browser.received
        finally:
            browser.close()
    return {
        "opening, warm, new browser, 1.5 Mbit/s, s": round(seconds, 1),
        "carried by then, MB": round(carried / 1e6, 2),
    }


def searched(page: Page) -> dict[str, float]:
    """Seconds from Search until cards, map and timeline stand there."""
    page.evaluate(
        "() => document.querySelectorAll('.sl-frame').forEach(frame => frame.dataset.old = '1')"
    )
    page.evaluate(WATCH)
    began = time.perf_counter()
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator(".sl-outdated").wait_for(state="detached", timeout=60_000)
    page.locator(".sl-card img").first.wait_for(state="attached", timeout=60_000)
    cards = time.perf_counter() - began
    drawn = page.frame_locator(".sl-frame:not([data-old])").locator(".leaflet-marker-icon, canvas")
    drawn.first.wait_for(state="attached", timeout=60_000)
    page.locator(".sl-timeline .main-svg").first.wait_for(state="attached", timeout=60_000)
    return {
        "cards": cards,
        "all": time.perf_counter() - began,
        "stall": page.evaluate("() => window.worst") / 1e3,
    }


def measure(path: Path, home: Path, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure opening pages and searching."""
    environment = {
        "SIGHTLINE_HOME": str(home), "SIGHTLINE_CASE": CASE,
        "SIGHTLINE_DISTRICTS": str(home / "districts"),
    }  # fmt: skip
    with serving(path, environment, warm_kernels=1) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        result: dict[str, Any] = {}
        page = chromium.new_page(viewport={"width": 1366, "height": 768})
        page.goto(address)
        with page.expect_file_chooser() as chooser:
            page.locator(".sl-target .sl-drop").click()
        chooser.value.set_files(list(demo_town().photographs[PERSON]))
        page.locator(".sl-photograph").nth(2).wait_for(timeout=60_000)
        page.locator(".sl-district select").first.select_option(label=ALL)
        page.get_by_role("button", name="All footage").click()
        page.wait_for_timeout(3000)
        searched(page)  # what is read from the disk once
        asked = []
        for number in range(rounds):
            # Another question each time, so that everything has to be drawn anew.
            page.get_by_role("button", name="Change the question").click()
            page.get_by_role("button", name=("Last 7 days", "All footage")[number % 2]).click()
            page.locator(".sl-outdated").wait_for(state="attached")
            page.wait_for_timeout(3000)
            asked.append(searched(page))
        for name in ("cards", "all", "stall"):
            values = [one[name] for one in asked]
            result[f"search, {name}, s"] = round(statistics.median(values), 2)
        result["candidates"] = page.locator(".sl-summary h2").inner_text()
        page.screenshot(path=home / "page.png")
        chromium.close()
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cameras", type=int, default=4_000)
    parser.add_argument("--gallery", type=Path, help="keep the gallery here, or take it from here")
    parser.add_argument("--json", action="store_true")
    add_small(parser)
    options = parser.parse_args()
    if options.small:
        options.rows, options.cameras = 2_000, 50
    with tempfile.TemporaryDirectory() as scratch:
        home = (options.gallery or Path(scratch) / "x").resolve().parent
        os.environ["SIGHTLINE_HOME"] = str(home)
        path = (options.gallery or home / "million.duckdb").resolve()
        if not path.exists():
            fill(path, options.rows, options.cameras)
        scope = scope_of(path)
        installation = Installation(Settings(home=home))
        installation.register.train(CASE, scope)
        (home / "districts").mkdir(exist_ok=True)
        (home / "districts" / "all.geojson").write_text(json.dumps(to_geojson(scope.district)))
        town = demo_town()
        shown = demo_settings(town, installation)
        result: dict[str, Any] = {"rows": options.rows, "cameras": options.cameras}
        if options.small:
            result |= openings(path, shown.environment(), small=True)
            result |= measure(path, home, 1)
        else:
            result |= openings(demo_gallery(town, installation), shown.environment())
            result |= measure(path, home)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

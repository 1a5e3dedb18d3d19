"""Waiting times of an analyst: opening the page, and a search over a million templates.

    python benchmarks/page.py [--rows 1000000] [--cameras 4000] [--rounds 3] [--against FOLDER]
                              [--gallery FILE] [--json] [--small]

The real server, kernel, networks and Chromium, no network. Measured from the click or the request
until what it brings is drawn:

- opening the demo, until the first control stands there: on a kernel started for it (cold) and on
  one that waited (warm), in a browser that has never been here and in one that has; and on a line
  of 1.5 Mbit/s in one that has never been here, with the megabytes that it carried until then.
  Browser, server and kernel share this machine. Chromium is asked over its own protocol alone:
  Playwright listens to each request of the page, which takes half a second of these openings;
- searching: from the click on Search until the first card has its picture, the map is drawn and the
  timeline was drawn last, as the page itself notes it; and the longest time in which the page did
  not answer meanwhile.

Each figure is the median of several rounds and the longest. ``--against`` names a checkout of other
code, such as an earlier version: both are measured in turn in each round, and after the two figures
stands the ratio of the medians, this code's to the other's. The slow line is this code's alone.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import synthetic
from options import add_shared, keep
from playwright.sync_api import Page, sync_playwright
from slow_line import SlowLine
from tornado.websocket import websocket_connect

import workbench
from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_settings
from workbench.district import from_shapes, to_geojson
from workbench.domain import Scope
from workbench.faces.probes import make_probe
from workbench.gallery import Gallery
from workbench.installation import Installation
from workbench.notebook import load_models
from workbench.settings import Settings

Times = dict[str, dict[str, list[float]]]  # by what was measured and by checkout
Noted = Callable[[str, float], None]
TOKEN = "a-token-of-the-benchmark"
CASE, ALL, PERSON, LIKE = "PAGE", "Everywhere", "Tobias Reed", 300
SLOW = 1.5e6  # bits a second
LONGEST = 300.0  # seconds of an opening
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
# When the first control stands there, by the clock, to the moment: no question comes in between.
OPENED = """(() => {
    const look = () => {
        const control = document.querySelector(".sl-target .sl-drop-button");
        if (!control?.getClientRects().length) return;
        window.opened ??= performance.timeOrigin + performance.now();
        watching.disconnect();
    };
    const watching = new MutationObserver(look);
    watching.observe(document, {
        subtree: true, childList: true, attributes: true, attributeFilter: ["class", "style"],
    });
})()"""
# Noted by the page itself, in milliseconds since the click on Search: when the first card has its
# picture, when the map says that it is drawn and the timeline was drawn last; and the longest gap
# between frames. A driver that waits for these from outside sees them late by up to half a second.
WATCH = """() => {
    const noted = window.noted = { stall: 0 };
    let began = NaN, last = performance.now();
    const note = (name) => { if (began) noted[name] = performance.now() - began; };
    for (const card of document.querySelectorAll(".sl-card")) card.dataset.old = "";
    const pictured = (img) => img.complete && img.naturalWidth && !img.src.includes("svg");
    const look = (now) => {
        noted.stall = Math.max(noted.stall, now - last);
        last = now;
        const images = document.querySelectorAll(".sl-card:not([data-old]) img");
        if (!noted.cards && [...images].some(pictured)) note("cards");
        requestAnimationFrame(look);
    };
    const clicked = ({ timeStamp }) => { began = timeStamp; };
    addEventListener("click", clicked, { capture: true, once: true });
    addEventListener("message", ({ data }) => {
        if (data.kind === "sightline-drawn") note("map");
    });
    document.querySelector(".sl-timeline .js-plotly-plot")?.on("plotly_afterplot", () => {
        note("timeline");
    });
    requestAnimationFrame(look);
}"""
QUIET = 1.0  # seconds after which nothing more is drawn


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


@dataclass(frozen=True)
class Side:
    """What is measured: code, the galleries that it made, and what its servers are told."""

    checkout: str
    demo: str
    filled: str
    of_demo: Mapping[str, str]
    of_filled: Mapping[str, str]

    def serving(
        self, *, filled: bool = False, warm_kernels: int = 1
    ) -> AbstractContextManager[str]:
        """A server of one of the galleries; gives the address of the page of an investigation."""
        path, told = (self.filled, self.of_filled) if filled else (self.demo, self.of_demo)
        environment = environment_of(self.checkout, **told)
        return serving(Path(path), environment, warm_kernels=warm_kernels)


@contextmanager
def serving(path: Path, environment: Mapping[str, str], *, warm_kernels: int) -> Iterator[str]:
    """A server of that gallery; gives the address of the page of an investigation."""
    path = path.resolve()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path), TOKEN, str(warm_kernels)],
        stdout=subprocess.PIPE, text=True, env=environment, cwd=path.parent,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        base = server.stdout.readline().split("/?")[0]
        assert base, "the server has not started; what it said stands above"
        yield f"{base}/voila/render/investigate.ipynb?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(120)


def environment_of(checkout: str, **settings: str) -> dict[str, str]:
    """For a program that runs the code of a checkout."""
    return os.environ | {"PYTHONPATH": checkout} | settings


def prepared(home: Path, path: Path, rows: int, cameras: int, *, demo: bool) -> Side:
    """Make galleries and a case for this process's code; without *demo* one gallery is both."""
    home.mkdir(exist_ok=True)
    os.environ["SIGHTLINE_HOME"] = str(home)
    if not path.exists():
        fill(path, rows, cameras)
    scope = scope_of(path)
    installation = Installation(Settings(home=home))
    installation.register.train(CASE, scope)
    (home / "districts").mkdir(exist_ok=True)
    (home / "districts" / "all.geojson").write_text(json.dumps(to_geojson(scope.district)))
    town = demo_town()
    shown = demo_gallery(town, installation) if demo else path
    return Side(
        checkout=str(Path(workbench.__file__).parents[1]),
        demo=str(shown),
        filled=str(path),
        of_demo=demo_settings(town, installation).environment(),
        of_filled={
            "SIGHTLINE_HOME": str(home), "SIGHTLINE_CASE": CASE,
            "SIGHTLINE_DISTRICTS": str(home / "districts"),
        },
    )  # fmt: skip


def prepared_by(checkout: Path, home: Path, *options: str) -> Side:
    """Have the code of another checkout make its own: galleries may differ between versions."""
    made = subprocess.run(
        [sys.executable, __file__, "--prepare", str(home), *options],
        check=True, stdout=subprocess.PIPE, text=True, env=environment_of(str(checkout.resolve())),
    )  # fmt: skip
    return Side(**json.loads(made.stdout.splitlines()[-1]))


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

    async def opened(self, address: str) -> tuple[float, float]:
        """Open the page in a new tab.

        Returns when it was asked for and when its first control stood there, in seconds since 1970.
        """
        browser = await websocket_connect(self._address)
        tab = (await self._ask(browser, "Target.createTarget", url="about:blank"))["targetId"]
        place = self._address.split("/devtools")[0]
        page = await websocket_connect(f"{place}/devtools/page/{tab}")
        await self._ask(page, "Page.enable")
        await self._ask(page, "Page.addScriptToEvaluateOnNewDocument", source=OPENED)
        began = time.time()
        await self._ask(page, "Page.navigate", url=address)
        while True:
            answer = await self._ask(page, "Runtime.evaluate", expression="window.opened")
            if moment := answer.get("result", {}).get("value"):
                break
            if time.time() > began + LONGEST:
                raise TimeoutError(f"{address} has no control after {LONGEST:.0f} s")
            await asyncio.sleep(0.1)
        await self._ask(browser, "Target.closeTarget", targetId=tab)
        return began, moment / 1000

    async def _ask(self, line: Any, method: str, **parameters: Any) -> Any:
        self._asked += 1
        asked = {"id": self._asked, "method": method, "params": parameters}
        await line.write_message(json.dumps(asked))
        while (answer := json.loads(await line.read_message())).get("id") != self._asked:
            pass
        return answer["result"]


def openings(sides: Sequence[Side], rounds: int, *, small: bool = False) -> Times:
    """Seconds until the page has its first control.

    Then those over a slow line, with what it carried until then.
    """
    times: Times = {}
    for kernel, warm_kernels in (("warm", 1),) if small else (("cold", 0), ("warm", 1)):
        with ExitStack() as servers:
            addresses = {
                side.checkout: servers.enter_context(side.serving(warm_kernels=warm_kernels))
                for side in sides
            }
            for number in range(rounds):
                for side in in_turn(sides, number):
                    noted = noting(times, side)
                    address = addresses[side.checkout]
                    with new_browser() as browser:
                        for state in ("new", *(() if small else ("known", "known"))):
                            time.sleep(0 if small else REST)
                            began, ended = asyncio.run(browser.opened(address))
                            noted(f"opening, {kernel}, {state} browser, s", ended - began)
                    # Code of before may refuse a line that has a port of its own.
                    if kernel == "warm" and side is sides[0]:
                        slow_opening(address, noted, small=small)
    return times


def slow_opening(address: str, noted: Noted, *, small: bool = False) -> None:
    """Open the page for the first time over a slow line; a small run has no time for one."""
    with SlowLine(address, 50 * SLOW if small else SLOW) as line, new_browser() as browser:
        time.sleep(0 if small else REST)
        began, ended = asyncio.run(browser.opened(line.address))
        noted("opening, warm, new browser, 1.5 Mbit/s, s", ended - began)
        noted("carried by then, MB", line.received(ended) / 1e6)


def in_turn(sides: Sequence[Side], number: int) -> Sequence[Side]:
    """All of them, another one first in each round."""
    first = number % len(sides)
    return [*sides[first:], *sides[:first]]


def noting(times: Times, side: Side) -> Noted:
    """Make a function that notes a figure of one of them by name."""

    def noted(name: str, value: float) -> None:
        times.setdefault(name, {}).setdefault(side.checkout, []).append(value)

    return noted


@contextmanager
def new_browser() -> Iterator[Browser]:
    """A browser that has never been anywhere."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        try:
            yield browser
        finally:
            browser.close()


def searched(page: Page) -> dict[str, float]:
    """Seconds from Search until cards, map and timeline stand there."""
    page.evaluate(WATCH)
    page.get_by_role("button", name="Search", exact=True).click()
    noted: dict[str, float] = {}
    ends = time.monotonic() + 300
    while True:
        before, noted = noted, page.evaluate("window.noted")
        drawn = {name: noted[name] for name in ("cards", "map", "timeline") if name in noted}
        if len(drawn) == 3 and noted == before:
            noted["all"] = max(drawn.values())
            return {name: spent / 1e3 for name, spent in noted.items()}
        if time.monotonic() > ends:
            raise TimeoutError(f"after five minutes there is only {drawn}")
        page.wait_for_timeout(1e3 * QUIET)


def searches(sides: Sequence[Side], rounds: int) -> tuple[Times, dict[str, str]]:
    """Seconds of searches, and what is said of the last, by checkout."""
    times: Times = {}
    with ExitStack() as stack:
        chromium = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        pages = {}
        for side in sides:
            address = stack.enter_context(side.serving(filled=True))
            page = pages[side.checkout] = chromium.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(300_000)
            ask(page, address)
            searched(page)  # what is read from the disk once
        for number in range(rounds):
            for side in in_turn(sides, number):
                page, noted = pages[side.checkout], noting(times, side)
                page.bring_to_front()
                # Another question each time, so that everything has to be drawn anew.
                change = page.get_by_role("button", name="Change the question")
                if change.count():
                    change.click()
                page.get_by_role("button", name=("Last 7 days", "All footage")[number % 2]).click()
                page.locator(".sl-outdated").wait_for(state="attached")
                page.wait_for_timeout(3000)
                for name, seconds in searched(page).items():
                    noted(f"search, {name}, s", seconds)
        said = {one: page.locator(".sl-summary h2").inner_text() for one, page in pages.items()}
        chromium.close()
    return times, said


def ask(page: Page, address: str) -> None:
    """Open the page and ask for a person, everywhere and in all footage."""
    page.goto(address)
    with page.expect_file_chooser() as chooser:
        page.locator(".sl-target .sl-drop").click()
    chooser.value.set_files(list(demo_town().photographs[PERSON]))
    page.locator(".sl-photograph").nth(2).wait_for()
    page.locator(".sl-district select").first.select_option(label=ALL)
    page.get_by_role("button", name="All footage").click()
    page.locator(".sl-timeline .js-plotly-plot").wait_for(state="attached")
    page.wait_for_timeout(3000)


def figures(times: Times) -> dict[str, Any]:
    """Median and longest of each; of two checkouts both, and the ratio of the medians."""
    result: dict[str, Any] = {}
    for name, values in times.items():
        medians = [statistics.median(found) for found in values.values()]
        told = [
            [round(middle, 3), round(max(found), 3)]
            for middle, found in zip(medians, values.values(), strict=True)
        ]
        if len(told) == 1:
            result[name] = told[0]
        else:
            here, other = told
            ratio = round(medians[0] / medians[1], 3)
            result[name] = {"here": here, "other": other, "ratio": ratio}
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cameras", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--against", type=Path, help="a checkout of other code, measured in turn")
    parser.add_argument("--gallery", type=Path, help="keep the gallery here, or take it from here")
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)  # for --against
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds is at least 1")
    if options.small:
        options.rows, options.cameras, options.rounds = 2_000, 50, 1
    size = options.rows, options.cameras
    if options.prepare:
        path = options.prepare / "million.duckdb"
        made = prepared(options.prepare, path, *size, demo=not options.small)
        print(json.dumps(asdict(made)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = (options.gallery or Path(scratch) / "home" / "million.duckdb").resolve()
        sides = [prepared(path.parent, path, *size, demo=not options.small)]
        if options.against:
            told = [f"--rows={options.rows}", f"--cameras={options.cameras}"]
            told += ["--small"] * options.small
            sides.append(prepared_by(options.against, Path(scratch) / "other", *told))
            if sides[0].checkout == sides[1].checkout:
                parser.error("--against is this code itself")
        result: dict[str, Any] = {"rows": options.rows, "cameras": options.cameras}
        result |= figures(openings(sides, options.rounds, small=options.small))
        times, said = searches(sides, options.rounds)
        result |= figures(times) | {"candidates": " / ".join(said.values())}
    keep(options, result)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

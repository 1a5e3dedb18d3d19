"""A real Chromium without a network, and pages that remember what went wrong on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deployed import Team, behind_nginx

ARTEFACTS = Path(__file__).parents[2] / "test-artifacts"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A machine with internet behaves like the closed network.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
HOSTILE = '<img src=x onerror="window.harm=1">'
PATIENCE = 120_000  # milliseconds for whatever a page should show: the machine may be busy
HERE = ("data:", "blob:", "about:", "file:")
LEAVING = "this page is being left"
UNSENT = "Could not send widget sync message Error: Cannot send"


@dataclass
class Visit:
    """A page and what it did: requests elsewhere, script errors, console errors, HTTP errors."""

    page: Any
    base: str  # address of the server under test, or empty for a file
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failures: list[tuple[int, str]] = field(default_factory=list)
    _left: bool = False

    def __post_init__(self) -> None:
        own = HERE
        if self.base:
            # A page that is served has no business with files.
            own = (*HERE[:3], self.base, self.base.replace("http", "ws", 1))

        def watch(address: str) -> None:
            if not address.startswith(own):
                self.foreign.append(address)

        self.page.on("request", lambda request: watch(request.url))
        self.page.on("websocket", lambda socket: watch(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        # A page gives its kernel back as it is left; a map that still moves until the next page is
        # there cannot send that any more.
        self.page.add_init_script(
            f"if (self === top) addEventListener('beforeunload', () => console.debug('{LEAVING}'))"
        )

        def hear(said: Any) -> None:
            self._left |= said.text == LEAVING
            if said.type == "error" and not (self._left and said.text.startswith(UNSENT)):
                self.errors.append(said.text)

        def arrive(frame: Any) -> None:
            self._left &= frame != self.page.main_frame

        self.page.on("console", hear)
        self.page.on("framenavigated", arrive)
        self.page.on(
            "response",
            lambda answer: (
                self.failures.append((answer.status, answer.url)) if answer.status >= 400 else None
            ),
        )

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the page among the artefacts of the test run."""
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def assert_clean(self) -> None:
        """Nothing was asked of another host, and nothing failed."""
        assert self.foreign == []
        assert self.failures == []  # before what the console says of them without an address
        assert self.errors == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium that finds no host but 127.0.0.1; the test is skipped where there is none."""
    executable = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if executable is None:
        pytest.skip(f"NO BROWSER TEST WAS RUN: none of {', '.join(CHROMIUM)} is installed")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note for the fixtures of a test that it has failed."""
    report: Any = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def visit(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """``visit(base="http://127.0.0.1:8866", **context_options)``: a fresh, watched page.

    Where a test fails, what its pages show is told, and kept as pictures.
    """
    contexts = []

    def fresh(base: str = "", **options: Any) -> Visit:
        options = {"viewport": {"width": 1366, "height": 768}} | options
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE)
        return Visit(contexts[-1].new_page(), base)

    yield fresh
    failed = request.node.stash.get(FAILED, False)
    for number, page in enumerate(one for context in contexts for one in context.pages if failed):
        page.screenshot(path=ARTEFACTS / f"failed-{request.node.name}-{number}.png")
        print(f"{page.url} shows:", page.locator("body").inner_text(), sep="\n")
    for context in contexts:
        context.close()


@pytest.fixture
def longest_task(browser: Any) -> Callable[[Callable[[], object]], float]:
    """``longest_task(use)``: for how long ``use()`` kept a page from answering, in milliseconds.

    The processor time of the longest task on the main thread of a page or of a frame in it, not
    the time on a clock: what other programs take of the machine does not count.
    """

    def measure(use: Callable[[], object]) -> float:
        browser.start_tracing(categories=["toplevel"])
        try:
            use()
        finally:
            events = json.loads(browser.stop_tracing())["traceEvents"]
        threads = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            event["tdur"] / 1000
            for event in events
            if event["name"] == "ThreadControllerImpl::RunTask"
            and (event["pid"], event["tid"]) in threads
            and "tdur" in event
        ]
        assert tasks, "nothing was measured"
        return max(tasks)

    return measure


TOKEN = "a-token-of-the-browser-tests"
SERVE = """
import sys
from pathlib import Path
from workbench.server.application import serve
from workbench.settings import load_settings
serve(
    gallery=Path(sys.argv[1]), home=load_settings().home, port=0, token=sys.argv[2],
    kernels=64, kernels_of_person=64,  # browsers that are closed say no closing word
    ready=lambda a: print(a, flush=True),
)
"""


@dataclass(frozen=True)
class Served:
    """A running server: its address, where it writes what goes wrong, and its process."""

    base: str
    log: Path
    pid: int

    def address(self, dashboard: str = "") -> str:
        """Of a dashboard, or of the front page, for whoever may enter."""
        path = f"voila/render/{dashboard}.ipynb" if dashboard else ""
        return f"{self.base}/{path}?token={TOKEN}"


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[Served]]:
    """``with serving(gallery, folder, **settings) as served``: the real server in a process."""

    @contextmanager
    def serving(gallery: Path, folder: Path, **settings: str) -> Iterator[Served]:
        log = folder / "server.log"
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | settings
        with log.open("w") as errors:
            server = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(gallery), TOKEN],
                stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=folder,
            )  # fmt: skip
            try:
                assert server.stdout is not None
                address = server.stdout.readline()
                assert address.startswith("http"), log.read_text()
                yield Served(address.split("/?")[0], log, server.pid)
            finally:
                server.terminate()
                server.wait(120)

    return serving


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings with a few streets through the small town, and a district with a hostile name."""
    folder = tmp_path_factory.mktemp("ground")
    lines = [[[-0.03, y], [0.01, y]] for y in (51.472, 51.477, 51.482, 51.487)]
    lines += [[[x, 51.468], [x, 51.492]] for x in (-0.022, -0.015, -0.008, -0.001)]
    streets = [
        {
            "type": "Feature",
            "properties": {"kind": "street", "name": f"Street {number}"},
            "geometry": {"type": "LineString", "coordinates": line},
        }
        for number, line in enumerate(lines)
    ]
    (folder / "streets.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": streets})
    )
    ring = [[-0.03, 51.46], [0.02, 51.46], [0.02, 51.5], [-0.03, 51.5], [-0.03, 51.46]]
    district = {
        "type": "Feature",
        "properties": {"name": HOSTILE},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "districts").mkdir()
    (folder / "districts/old-town.geojson").write_text(json.dumps(district))
    return {
        "SIGHTLINE_BASE_MAP": str(folder / "streets.geojson"),
        "SIGHTLINE_DISTRICTS": str(folder / "districts"),
    }


@pytest.fixture(scope="session")
def served(
    small_town: Path,
    serving: Callable[..., AbstractContextManager[Served]],
    training: str,
    ground: dict[str, str],
    demo_calibrations: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The dashboards of the small town under a training case, for all tests that need no other."""
    folder = tmp_path_factory.mktemp("server")
    settings = {"SIGHTLINE_CASE": training, "SIGHTLINE_FOOTAGE": str(folder)}
    with serving(small_town, folder, **settings, **ground, **demo_calibrations) as running:
        yield running


@pytest.fixture
def served_by_nginx(small_town: Path, copied: Any, tmp_path: Path, browser: Any) -> Iterator[Team]:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    # The proxy's account has to reach the socket, and it may pass through no folder of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="sl-"))
    folder.chmod(0o755)
    try:
        with behind_nginx(home, copied(small_town, home), folder) as team:
            yield team
    finally:
        shutil.rmtree(folder)

"""A page has a kernel of its own, which nobody else reaches and which ends with the page."""

from __future__ import annotations

import asyncio
import html
import os
import random
import re
import signal
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from looping import run_apart
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from workbench.casework.record.identity import account_of_process
from workbench.server import kernels as server_kernels
from workbench.server import pages
from workbench.server.kernels import CurrentInterpreter, DashboardKernels
from workbench.server.openings import LOST_SECONDS, UNCLAIMED_SECONDS, KernelNotStarted
from workbench.server.sessions import CURRENT, Session


def kernels_in(folder: Path, *, warm: int = 0) -> Any:
    """Kernels of dashboards whose connections are described in *folder*, without a server."""
    return DashboardKernels(
        environment=dict(os.environ),
        warm_kernels=warm,
        connection_dir=str(folder),
        kernel_spec_manager=CurrentInterpreter(),
    )


def test_opening_a_dashboard_starts_a_kernel_and_the_page_ends_it(served: Any) -> None:
    before = set(served.kernels())
    answer, body = served.ask("/voila/render/panel.ipynb")
    assert answer.status == 200
    assert "application/vnd.jupyter.widget-view+json" in body
    assert "IntSlider(value=3)</" not in body  # the code of the cell
    assert "Opening &lt;A&gt; panel" in body
    (process,) = set(served.kernels()) - before
    kernel = _kernel_of(body)
    assert served.ask(f"/api/kernels/{kernel}")[0].status == 200

    here = {"Origin": served.address.split("/?")[0]}
    assert served.ask(f"/voila/api/shutdown/{kernel}", method="POST", **here)[0].status == 204
    assert _until(lambda: process not in served.kernels())
    assert served.ask(f"/api/kernels/{kernel}")[0].status == 404


def test_a_failing_dashboard_says_nothing_of_why_except_to_the_log(served: Any) -> None:
    answer, body = served.ask("/voila/render/broken.ipynb")
    assert answer.status == 200
    assert "ValueError" not in body
    assert "a secret detail" not in body
    assert "Traceback" not in body
    assert "Something went wrong." in body
    assert "a secret detail" in served.log.read_text()


def test_the_socket_of_a_kernel_is_behind_the_door(served: Any) -> None:
    kernel = _kernel_of(served.ask("/voila/render/panel.ipynb")[1])
    base = served.address.split("/?")[0]
    known = {"Authorization": f"token {served.token}"}
    assert _socket(base, kernel, {}) == 401
    assert _socket(base, kernel, {"Authorization": "token wrong"}) == 401
    assert _socket(base, kernel, known | {"Origin": "http://elsewhere.example"}) == 403
    assert _socket(base, kernel, known | {"Origin": base}) == 101


@pytest.fixture(scope="module")
def plain(start_server: Callable[..., Any]) -> Any:
    """A server without kernels in reserve, which the second of two tests ends."""
    return start_server()


def test_a_kernel_that_cannot_start_is_told_in_words(start_server: Callable[..., Any]) -> None:
    server = start_server(kernel_argument="--IPKernelApp.transport=none")
    for _ in range(2):
        answer, body = server.ask("/voila/render/panel.ipynb")
        assert answer.status == 503
        assert "This page could not be started" in body
        assert '<a href="">Reload this page</a>' in body
        assert "<code>sightline doctor</code>" in body
        assert "Service Unavailable" not in body
    assert server.kernels() == []
    assert re.search(  # whoever notices first tells
        "the kernel of a page: (the kernel died before it was ready|it ended before)",
        server.log.read_text(),
    )


@pytest.mark.slow
def test_kernels_are_forked_again_after_what_they_are_forked_from_was_killed(plain: Any) -> None:
    plain.ask("/voila/render/panel.ipynb")
    (kernel,) = plain.kernels()
    parent = kernel.parent()
    assert os.getsid(kernel.pid) == kernel.pid
    parent.kill()
    psutil.wait_procs([parent, kernel], timeout=240)
    assert "told:" in plain.ask("/voila/render/asked.ipynb")[1]
    assert [each.parent().pid for each in plain.kernels()] != [parent.pid]


def test_sigterm_ends_the_server_and_its_kernels(plain: Any) -> None:
    plain.ask("/voila/render/panel.ipynb")
    kernels = plain.kernels()
    assert kernels
    plain.process.send_signal(signal.SIGTERM)
    assert plain.process.wait(240) == 0
    assert psutil.wait_procs(kernels, timeout=240)[1] == []


@pytest.fixture(scope="module")
def warm(start_server: Callable[..., Any]) -> Any:
    # A page waits for a kernel that is still being made ready, but not for as long as a busy
    # machine needs; and no page is taken for abandoned.
    server = start_server(warm=1, claim_seconds=10.0, unclaimed_seconds=3600)
    assert _until(lambda: _ready(server), seconds=240)
    return server


def test_a_page_takes_the_kernel_that_waits_and_another_comes(warm: Any) -> None:
    (waiting,) = warm.kernels()
    _, body = warm.ask("/voila/render/asked.ipynb?case=A-1%27%29")
    assert "query: case=A-1%27%29 | warm: True" in html.unescape(body)
    assert f"told: {account_of_process()} by token | 1" in html.unescape(body)
    assert waiting in warm.kernels()
    # What was run before is not in the page's history, nor in its names.
    cold = warm.ask("/voila/render/asked.ipynb")[1]
    assert _history(body) == _history(cold)
    assert f"told: {account_of_process()} by token | 1" in html.unescape(cold)
    assert _until(lambda: len(warm.kernels()) == 3)


def test_a_page_opens_though_the_kernel_that_waited_was_killed(warm: Any) -> None:
    assert _until(lambda: _ready(warm), seconds=240)
    before = len(warm.log.read_text())
    for kernel in warm.kernels():
        with suppress(psutil.NoSuchProcess):  # that of a page which was left before
            kernel.kill()
    body = html.unescape(warm.ask("/voila/render/asked.ipynb?case=A-2")[1])
    assert "query: case=A-2 | warm:" in body  # in another, which may have become ready meanwhile
    assert "a warm kernel did not answer and is ended" in warm.log.read_text()[before:]


def test_sigterm_ends_kernels_that_wait_and_those_on_their_way(
    start_server: Callable[..., Any],
) -> None:
    server = start_server(warm=2)
    assert _until(lambda: len(server.kernels()) > 0)
    kernels = server.kernels()
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(240) == 0
    assert psutil.wait_procs(kernels, timeout=240)[1] == []
    assert "Traceback" not in server.log.read_text()


def test_a_kernel_that_nobody_has_asked_is_let_go_of(tmp_path: Path) -> None:
    async def end() -> bool:
        kernels = kernels_in(tmp_path)
        kernel_id = await kernels._start_asked(env=dict(os.environ), path="")
        await kernels.wait_for(kernel_id)
        client = kernels.get_kernel(kernel_id)._connected
        await kernels.end(kernel_id)
        running: bool = client.channels_running
        return running

    assert run_apart(end()) is False


def test_a_kernel_that_waits_is_kept_and_one_whose_page_is_gone_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_kernels, "_PREWARM_SECONDS", 600)

    async def look() -> list[bool]:
        CURRENT.set(session := Session("anna", "token"))
        kernels = kernels_in(tmp_path, warm=1)

        async def lives_after(seconds: float) -> bool:
            await kernels.end_abandoned(now=time.monotonic() + seconds)
            return warm in kernels

        kernels.refill()
        warm = await kernels._waiting[0]
        waits = await lives_after(9 * 3600)
        ready = kernels.get_kernel(warm)._connected
        assert ready.channels_running
        async with kernels.opening(session):
            assert warm == await kernels.start_kernel(env={}, path="")
            await kernels.wait_for(warm)
            # What runs the page takes over the client that waited, and nobody else does.
            assert [kernels.get_kernel(warm).client() is ready for _ in range(2)] == [True, False]
            rendered = await lives_after(9 * 3600)
        soon = await lives_after(UNCLAIMED_SECONDS / 2)
        kernels.notify_connect(warm)
        connected = await lives_after(9 * 3600)
        kernels.notify_disconnect(warm)
        lost = await lives_after(LOST_SECONDS / 2)
        gone = await lives_after(LOST_SECONDS + 1)
        await kernels.shutdown_all(now=True)
        return [waits, rendered, soon, connected, lost, gone]

    assert run_apart(look()) == [True] * 5 + [False]


def test_a_kernel_that_cannot_be_made_ready_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_kernels, "_PREWARM", "1 / 0")

    async def look() -> tuple[str, list[str]]:
        kernels = kernels_in(tmp_path, warm=1)
        kernels.refill()
        (failed,) = await asyncio.gather(*kernels._waiting, return_exceptions=True)
        left = kernels.list_kernel_ids()
        await kernels.shutdown_all(now=True)
        return str(failed), left

    failed, left = run_apart(look())
    assert "division by zero" in failed
    assert left == []


def test_no_kernel_is_left_whatever_was_under_way_as_a_server_ends(tmp_path: Path) -> None:
    def running() -> list[psutil.Process]:
        found = []
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # other tests' servers end theirs
                if str(tmp_path) in " ".join(one.cmdline()):
                    found.append(one)
        return found

    async def look() -> tuple[list[str], list[psutil.Process]]:
        kernels = kernels_in(tmp_path)
        asked = {"env": dict(os.environ), "path": ""}
        others = [await kernels._start_asked(**asked) for _ in range(2)]
        started = running()
        assert len(started) == 2
        # One is being ended by somebody who does not wait for it, and one is on its way.
        ending = asyncio.create_task(kernels.end(others[0]))
        starting = asyncio.create_task(kernels._start_asked(**asked))
        await asyncio.sleep(0.01)
        ending.cancel()
        await kernels.shutdown_all(now=True)
        await asyncio.wait({starting})
        with pytest.raises(KernelNotStarted, match="the server is being stopped"):
            await kernels._start_asked(**asked)
        return kernels.list_kernel_ids(), psutil.wait_procs(started + running(), timeout=60)[1]

    assert run_apart(look()) == ([], [])


@pytest.mark.slow
def test_no_kernel_outlives_a_server_that_is_killed(start_server: Callable[..., Any]) -> None:
    server = start_server(warm=1)
    server.ask("/voila/render/panel.ipynb")
    time.sleep(random.Random().uniform(0, 3))  # while another kernel is made ready, or is
    processes = psutil.Process(server.process.pid).children(recursive=True)
    assert len(processes) >= 2
    server.process.kill()
    assert psutil.wait_procs(processes, timeout=240)[1] == []
    again = start_server()  # the next start finds nothing in its way
    assert "told:" in again.ask("/voila/render/asked.ipynb")[1]


def _ready(server: Any) -> bool:
    """Whether a kernel is ready for the next page."""
    return 'sightline_kernels{for="reserve"} 1\n' in server.ask("/metrics", known=False)[1]


def _history(body: str) -> str:
    found = re.search(r"history: [\w ]+", body)
    assert found is not None
    return found[0]


def _kernel_of(page: str) -> str:
    found = re.search(r'"kernelId": "([\w-]+)"', page)
    assert found is not None
    return found[1]


def _socket(base: str, kernel: str, headers: dict[str, str]) -> int:
    """The status that an attempt to open the kernel's socket gets; 101 is success."""

    async def attempt() -> int:
        address = f"{base.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
        try:
            connection = await websocket_connect(HTTPRequest(address, headers=headers))
        except HTTPClientError as error:
            return error.code
        connection.close()
        return 101

    return run_apart(attempt())


def _until(true: Callable[[], bool], *, seconds: float = 240) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.1)
    return true()


def test_a_page_that_cannot_be_made_to_its_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    async def parts(asked: asyncio.Event) -> AsyncGenerator[str]:
        try:
            yield "begin"
            await asked.wait()
            raise RuntimeError("the kernel does not answer")
        finally:
            closed.append(True)

    async def write() -> list[str]:
        written, asked = [], asyncio.Event()
        try:
            async for part in pages._kept_alive(parts(asked)):
                written.append(part)
                if part == "\n":
                    asked.set()
        except RuntimeError as error:
            written.append(str(error))
        return written

    async def leave() -> None:
        slow = parts(asyncio.Event())
        kept = pages._kept_alive(slow)
        assert await anext(kept) == "begin"
        reading = asyncio.ensure_future(anext(kept))
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait({reading})
        await slow.aclose()  # it is not running any more

    monkeypatch.setattr(pages, "_ALIVE_SECONDS", 0.01)
    first, *kept, last = run_apart(write())
    assert (first, {*kept}, last) == ("begin", {"\n"}, "the kernel does not answer")
    monkeypatch.setattr(pages, "_ALIVE_SECONDS", 60)
    run_apart(leave())
    assert closed == [True, True]

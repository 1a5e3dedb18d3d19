"""The server of the dashboards in a real Chromium: widgets work, and nothing else gets through."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SERVE = Path(__file__).parents[1] / "server/serve.py"
SLIDER = """import os
import ipyleaflet, ipywidgets, plotly.graph_objects as go
slider = ipywidgets.IntSlider(description='Number', value=3, max=10)
said = ipywidgets.HTML('nothing yet')
slider.observe(lambda change: setattr(said, 'value', f'the kernel saw {change.new}'), 'value')
ipywidgets.VBox([slider, said, ipywidgets.HTML(f'<p id="pid">{os.getpid()}</p>')])"""
MAP = "ipyleaflet.Map(center=(51.5, 0.1), zoom=12, basemap=ipyleaflet.TileLayer(url=''))"
FIGURE = "go.FigureWidget([go.Scatter(y=[1, 3, 2])], layout={'height': 220})"
FRAME = '''ipywidgets.HTML("""<iframe sandbox="allow-scripts" srcdoc="<p id=said>before</p>
<script>document.getElementById('said').textContent = 'its script ran as ' + origin</script>
"></iframe><img src="/none" onerror="document.title = 'injected'">""")'''

# Controls made while a page connects, until it asks for all, with a layout made before it did.
GROWING = """import asyncio, ipywidgets
layout = ipywidgets.Layout(border_left='1px solid')
shown, made = ipywidgets.VBox([], layout=layout), []
async def grow():
    while ipywidgets.Widget._control_comm is None:
        await asyncio.sleep(0.005)
        made.append(ipywidgets.HTML('made meanwhile', layout=layout))
    shown.children = [*made[-3:], ipywidgets.HTML(f'{len(made)} of them', layout=layout)]
growing = asyncio.ensure_future(grow())
shown"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The address with its token, and the process, of a server of five dashboards."""
    folder = tmp_path_factory.mktemp("served-in-browser")
    gallery = folder / "gallery.duckdb"
    gallery.touch()
    for name, cells, about in (
        ("tool", [SLIDER, MAP, FIGURE], "Sliders, a map and a figure."),
        ("growing", [GROWING], "Rows that come by themselves."),
        ("framed", [SLIDER, FRAME], "A document in a frame."),
        ("broken", ["raise ValueError('a secret detail')"], "Fails & says <b>little</b>."),
        ("dying", ["import os; os.kill(os.getpid(), 9)", SLIDER], "Ends before it is there."),
    ):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"sightline": {"description": about}},
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")
    process = subprocess.Popen(
        [sys.executable, SERVE, gallery, folder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip(), process.pid
    process.terminate()
    assert process.wait(60) == 0


def test_the_front_page_lists_the_dashboards(server: tuple[str, int], visit: Any) -> None:
    address = server[0]
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    assert "token" not in seen.page.url
    links = seen.page.locator(".sl-cards a")
    assert links.locator("strong").all_inner_texts() == [
        "Broken", "Dying", "Framed", "Growing", "Tool",
    ]  # fmt: skip
    assert links.first.locator("span").inner_text() == "Fails & says <b>little</b>."
    seen.screenshot("front")
    seen.assert_clean()


def test_who_has_no_token_is_told_where_it_is(server: tuple[str, int], visit: Any) -> None:
    address, token = server[0].split("?token=")
    seen = visit(address)
    seen.page.goto(address)
    assert seen.page.locator("h1").inner_text() == "Sign in"
    seen.screenshot("refused")
    assert seen.foreign == []
    assert seen.failures == [(401, address)]  # the page itself, and nothing it would have to fetch

    seen.page.get_by_label("Token").fill(token)
    seen.page.get_by_role("button").click()
    seen.page.wait_for_selector(".sl-cards")
    assert seen.page.url == address


def test_a_dashboard_talks_with_its_kernel_which_ends_with_the_page(
    server: tuple[str, int], visit: Any
) -> None:
    address, pid = server
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    seen.page.get_by_role("link", name="Tool").click()
    slider = seen.page.locator(".widget-slider .noUi-handle")
    slider.wait_for()
    slider.focus()
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    seen.page.get_by_text("the kernel saw 5").wait_for()
    seen.page.locator(".leaflet-container").wait_for()
    seen.page.locator(".js-plotly-plot .scatterlayer .trace").wait_for(state="attached")
    assert "import os" not in seen.page.content()
    seen.screenshot("dashboard")
    seen.assert_clean()

    kernel = psutil.Process(int(seen.page.locator("#pid").inner_text()))
    assert kernel in psutil.Process(pid).children(recursive=True)
    # A page that is left ends its kernel, and says nothing of that until the next page is there.
    seen.page.evaluate("dispatchEvent(new Event('beforeunload'))")
    psutil.wait_procs([kernel], timeout=60)
    assert not kernel.is_running()
    told = []
    while False not in told:
        assert len(told) < 6  # it asks every five seconds
        with seen.page.expect_response("**/alive/*") as answer:
            pass
        told.append(answer.value.json()["alive"])
    assert seen.page.get_by_role("alert").count() == 0
    seen.assert_clean()


def test_a_page_whose_kernel_or_server_is_gone_says_so_and_stays_readable(
    server: tuple[str, int], visit: Any
) -> None:
    address, pid = server
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    seen.page.get_by_role("link", name="Tool").click()
    seen.page.get_by_text("nothing yet").wait_for()
    told = seen.page.get_by_role("alert")
    os.kill(pid, signal.SIGSTOP)  # a server that hangs, or a network that is away
    try:
        seen.page.route("**/alive/*", lambda route: route.fulfill(status=502, body="<p>proxy</p>"))
        told.get_by_text("The server does not answer.").wait_for()
    finally:
        seen.page.unroute("**/alive/*")
        os.kill(pid, signal.SIGCONT)
    told.wait_for(state="detached")

    psutil.Process(int(seen.page.locator("#pid").inner_text())).kill()
    told.get_by_text("its work on the server has ended").wait_for()
    assert seen.page.get_by_text("nothing yet").is_visible()
    links = "e => getComputedStyle(e, '::before').content"
    for widget in seen.page.locator(".jupyter-widgets-disconnected").all():
        assert widget.evaluate(links) == "none"
    seen.screenshot("kernel-gone")
    told.get_by_role("button", name="Reload").click()
    told.wait_for(state="detached")
    seen.page.get_by_text("nothing yet").wait_for()


def test_a_page_whose_kernel_ends_before_it_is_there_says_so(
    server: tuple[str, int], visit: Any
) -> None:
    seen = visit(server[0].split("?")[0])
    seen.page.goto(server[0])
    seen.page.get_by_role("link", name="Dying").click()
    told = seen.page.get_by_role("alert")
    told.get_by_text("ended before the page was ready").wait_for()
    assert "sightline doctor" in told.inner_text()
    assert told.get_by_role("button", name="Reload").is_visible()
    seen.page.wait_for_load_state()  # the server has stopped waiting, too
    seen.screenshot("kernel-died")

    def before_its_kernel(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().split('<script id="jupyter-config')[0])

    seen.page.route("**/render/tool*", before_its_kernel)
    seen.page.get_by_role("link", name="Tool").click()
    seen.page.wait_for_url("**/tool.ipynb")
    told.get_by_text("ended before the page was ready").wait_for()


def test_a_page_that_does_not_come_up_says_so_and_may_come_up_late(
    server: tuple[str, int], visit: Any
) -> None:
    address, pid = server
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    seen.page.clock.install()
    told, up = seen.page.get_by_role("alert"), seen.page.get_by_text("nothing yet")
    kernels: list[psutil.Process] = []
    try:
        for _ in range(5):
            with seen.page.expect_websocket():
                seen.page.get_by_role("link", name="Tool").click()
            for one in psutil.Process(pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # that of a page which was left
                    one.suspend()  # it answers nothing from now on
                    kernels.append(one)
            seen.page.wait_for_timeout(1_000)
            if not up.is_visible():
                break
            resume(kernels)  # it had answered before
            seen.page.goto(address)
        assert told.count() == 0
        seen.page.clock.fast_forward(61_000)
        told.get_by_text("This page has not come up").wait_for()
        assert told.get_by_role("button", name="Reload").is_visible()
        seen.screenshot("not-up")
    finally:
        resume(kernels)
    up.wait_for()
    told.wait_for(state="detached")


def resume(processes: list[psutil.Process]) -> None:
    while processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.pop().resume()


# As on a machine that has other things to do when the first module of a widget is loaded.
BUSY = """
const make = URL.createObjectURL;
URL.createObjectURL = (...given) => {
  const until = performance.now() + 2500;
  URL.createObjectURL = make;
  while (performance.now() < until);
  return make(...given);
};
const later = setTimeout;
window.patience = [];
window.setTimeout = (work, delay, ...given) => {
  if (String(work).includes("Control comm")) window.patience.push(delay);
  return later(work, delay, ...given);
};
"""


def test_a_widget_that_is_slow_to_be_ready_is_there_in_the_end(
    server: tuple[str, int], visit: Any
) -> None:
    address = server[0]
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    seen.page.add_init_script(BUSY)
    seen.page.get_by_role("link", name="Tool").click()
    seen.page.locator(".js-plotly-plot .main-svg").first.wait_for()
    seen.page.wait_for_timeout(2500)
    seen.assert_clean()
    # Nor is the page left without its widgets where the kernel is.
    assert seen.page.evaluate("window.patience") == [60_000]


def test_a_page_shows_what_is_made_while_it_connects(server: tuple[str, int], visit: Any) -> None:
    seen = visit(server[0].split("?")[0])
    seen.page.goto(server[0])
    seen.page.get_by_role("link", name="Growing").click()
    seen.page.get_by_text(" of them").wait_for()
    expect(seen.page.get_by_text("made meanwhile")).to_have_count(3)
    seen.assert_clean()


def test_a_framed_document_runs_apart_and_what_is_amiss_is_told(
    server: tuple[str, int], visit: Any
) -> None:
    address = server[0]
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    chunks: list[str] = []
    seen.page.on("request", lambda one: chunks.append(one.url) if ".voila.js" in one.url else None)
    seen.page.get_by_role("link", name="Framed").click()
    said = seen.page.frame_locator("iframe").locator("#said")
    said.get_by_text("its script ran as null").wait_for()
    assert seen.page.title() == "Framed · Sightline"
    assert seen.foreign == []

    # A script that does not come, such as the last one, with which widgets are drawn.
    chunk = "**/" + chunks[-1].rpartition("/")[2]
    seen.page.route(chunk, lambda route: route.abort())
    seen.page.reload()
    told = seen.page.get_by_role("alert")
    told.get_by_text("A part of this page did not load.").wait_for()
    seen.page.wait_for_event("response", lambda answer: "/alive/" in answer.url)  # not enough
    assert told.is_visible()
    assert "VBox(" not in seen.page.locator("body").inner_text()
    seen.screenshot("part-missing")
    seen.page.unroute(chunk)
    told.get_by_role("button", name="Reload").click()
    seen.page.get_by_text("nothing yet").wait_for()
    expect(told).to_have_count(0)
    with seen.page.context.expect_page() as opening:
        seen.page.evaluate("open(document.querySelector('.sl-home').href)")
    opening.value.get_by_role("button", name="Sign out").click()
    told.get_by_text("when you are signed out").wait_for()


def test_a_broken_dashboard_shows_no_code_and_no_traceback(
    server: tuple[str, int], visit: Any
) -> None:
    address = server[0]
    seen = visit(address.split("?")[0])
    seen.page.goto(address)
    seen.page.get_by_role("link", name="Broken").click()
    seen.page.get_by_text("Something went wrong.").first.wait_for()
    time.sleep(1)  # for what may still come
    seen.screenshot("broken")
    text = seen.page.content()
    assert "ValueError" not in text
    assert "a secret detail" not in text
    assert seen.foreign == []

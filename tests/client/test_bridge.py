"""Pages of a real server in a notebook: its kernel is a real one, and the test is what draws."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nbformat
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from workbench.client import connect
from workbench.client.rendered import VIEW, RenderedPage, widgets_in_order
from workbench.dashboards import packaged_dashboards

SERVE = Path(__file__).parents[1] / "server" / "serve.py"
# A slider that writes into a label, a picture, an upload, and a button that makes a new widget.
PANEL = """
import ipywidgets as w, os
slider, label, button = w.IntSlider(value=3), w.Label("nothing yet"), w.Button(description="more")
picture, upload = w.Image(value=b"\\x89PNG a face"), w.FileUpload()
slider.observe(lambda change: setattr(label, "value", f"moved to {change.new}"), "value")
upload.observe(lambda change: setattr(label, "value", bytes(change.new[0].content).hex()), "value")
box = w.VBox([slider, label, picture, upload, button])
def more(_):
    box.children = (*box.children, w.Text("made later"))
button.on_click(more)
box
"""


@contextlib.contextmanager
def served(gallery: Path, dashboards: Path, log: Path) -> Iterator[dict[str, Any]]:
    """A server as `sightline serve` starts it: its address, its token and its process."""
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, SERVE, gallery, dashboards, "0"],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address, log.read_text()
    token = parse_qs(urlsplit(address).query)["token"][0]
    try:
        yield {"address": address.partition("?")[0], "token": token, "process": process}
    finally:
        process.terminate()
        process.wait(240)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("panels")
    (folder / "gallery.duckdb").touch()
    (folder / "dashboards").mkdir()
    for name, source in (("panel", PANEL), ("broken", "raise ValueError('a secret detail')")):
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells), folder / "dashboards" / f"{name}.ipynb"
        )
    with served(folder / "gallery.duckdb", folder / "dashboards", folder / "log") as found:
        yield found


class Notebook:
    """A kernel as that of a notebook, and all that it tells what draws its widgets."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=240)
        self.told: list[dict[str, Any]] = []

    def run(self, code: str) -> str:
        """Run a cell; its outputs and errors as text."""
        said: list[str] = []

        def heard(message: dict[str, Any]) -> None:
            self.told.append(message)
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "error":
                said.append("\n".join(content["traceback"]))

        self.client.execute_interactive(code, timeout=600, output_hook=heard)
        return "".join(said)

    def until(self, found: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a message, and return it."""
        end = time.monotonic() + 240
        while time.monotonic() < end:
            try:
                self.told.append(self.client.get_iopub_msg(timeout=1))
            except Empty:
                continue
            if found(self.told[-1]):
                return self.told[-1]
        raise AssertionError([m["msg_type"] for m in self.told])

    def opened(self) -> dict[str, dict[str, Any]]:
        """States of the widgets that were made known, by what draws them."""
        return {
            m["content"]["comm_id"]: m["content"]["data"]["state"] | {"buffers": m["buffers"]}
            for m in self.told
            if m["msg_type"] == "comm_open"
        }

    def send(self, comm_id: str, data: dict[str, Any], buffers: list[bytes] | None = None) -> str:
        """Do what a front end does when a person moves a widget."""
        content = {"comm_id": comm_id, "data": data}
        message = self.client.session.msg("comm_msg", content)
        self.client.session.send(self.client.shell_channel.socket, message, buffers=buffers)
        return str(message["header"]["msg_id"])

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    made = Notebook()
    yield made
    made.stop()


def connected(serving: dict[str, Any]) -> str:
    # What reads cases is asked for elsewhere: this server's gallery is none.
    return (
        "from workbench.client.bridge import open_page\n"
        "from workbench.client.credentials import Credential\n"
        "from workbench.client.transport import Server\n"
        f"server = Server({serving['address']!r}, Credential({serving['token']!r}))\n"
    )


def kernels_of(serving: dict[str, Any]) -> list[psutil.Process]:
    """The kernels of pages that the server has started and that still run."""
    found = []
    for child in psutil.Process(serving["process"].pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = child.parent()
            forked = parent is not None and "workbench.server.forking" in parent.cmdline()
            if forked or "ipykernel_launcher" in child.cmdline():
                found.append(child)
    return found


def gone(serving: dict[str, Any], *, but: int = 0) -> None:
    """Wait until no kernels run on the server, but for some."""
    end = time.monotonic() + 240
    while len(kernels_of(serving)) > but:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_page_works_in_a_notebook(serving: dict[str, Any], notebook: Notebook) -> None:
    assert notebook.run(connected(serving) + "page = open_page(server, 'panel')") == ""
    states = notebook.opened()
    by_name = {state["_model_name"]: name for name, state in states.items()}
    # What refers to others is made known after them, or a front end could not draw it.
    known: set[str] = set()
    for name, state in states.items():
        referred = {child.removeprefix("IPY_MODEL_") for child in state.get("children", ())}
        assert referred <= known
        known.add(name)
    assert states[by_name["ImageModel"]]["buffers"] == [b"\x89PNG a face"]
    (shown,) = [m["content"] for m in notebook.told if m["msg_type"] == "display_data"]
    assert shown["data"][VIEW]["model_id"] == by_name["VBoxModel"]
    # The file of the notebook holds this output: no state, no picture, no token.
    saved = json.dumps(shown)
    assert len(saved) < 600
    assert serving["token"] not in saved

    slider, label = by_name["IntSliderModel"], by_name["LabelModel"]
    number = notebook.send(slider, {"method": "update", "state": {"value": 7}, "buffer_paths": []})
    moved = notebook.until(
        lambda m: (
            m["msg_type"] == "comm_msg"
            and m["content"]["comm_id"] == label
            and m["content"]["data"].get("method") == "update"
        )
    )
    assert moved["content"]["data"]["state"] == {"value": "moved to 7"}
    assert moved["parent_header"]["msg_id"] == number  # so the front end knows its echoes
    content = [{"name": "a.jpg", "type": "", "size": 3, "last_modified": 0}]
    notebook.send(
        by_name["FileUploadModel"],
        {
            "method": "update",
            "state": {"value": content},
            "buffer_paths": [["value", 0, "content"]],
        },
        [b"\x00\xff\x10"],
    )
    notebook.until(
        lambda m: (
            m["msg_type"] == "comm_msg" and m["content"]["data"].get("state") == {"value": "00ff10"}
        )
    )
    notebook.send(by_name["ButtonModel"], {"method": "custom", "content": {"event": "click"}})
    later = notebook.until(
        lambda m: (
            m["msg_type"] == "comm_open"
            and m["content"]["data"]["state"].get("value") == "made later"
        )
    )
    notebook.until(
        lambda m: (
            m["msg_type"] == "comm_msg"
            and f"IPY_MODEL_{later['content']['comm_id']}"
            in m["content"]["data"].get("state", {}).get("children", ())
        )
    )
    # Code that the notebook sends reaches no kernel of the server.
    (kernel,) = kernels_of(serving)
    sent = (
        "page._loop.call_soon_threadsafe(lambda: page._send('execute_request', "
        "{'code': 'import os; os._exit(3)', 'silent': False}))"
    )
    assert notebook.run(sent) == ""
    notebook.send(slider, {"method": "update", "state": {"value": 9}, "buffer_paths": []})
    notebook.until(lambda m: m["content"].get("data", {}).get("state") == {"value": "moved to 9"})
    assert kernel.is_running()
    # Its end is told.
    kernel.kill()
    ended = notebook.until(lambda m: m["msg_type"] == "update_display_data")
    assert ended["content"]["transient"] == shown["transient"]
    assert "the server ended it" in ended["content"]["data"]["text/plain"]
    assert "closed" in notebook.run("print(repr(page))")
    gone(serving)


def test_a_real_page_and_the_api_of_a_real_server(
    small_town: Path, training: str, notebook: Notebook, tmp_path: Path
) -> None:
    with served(small_town, packaged_dashboards(), tmp_path / "log") as found:
        there = connect(found["address"], token=found["token"])
        assert training in [case.reference for case in there.cases()]
        assert there.statistics()["recordings"] == 3
        code = (
            "import workbench as sl\n"
            f"there = sl.connect({found['address']!r}, token={found['token']!r})\n"
            "page = there.investigate()"
        )
        assert notebook.run(code) == ""
        known: set[str] = set()
        for name, state in notebook.opened().items():
            referred = re.findall(r"IPY_MODEL_(\w+)", repr(state))
            assert set(referred) <= known | {name}
            known.add(name)
        assert len(known) > 100
        (shown,) = [m["content"] for m in notebook.told if m["msg_type"] == "display_data"]
        assert shown["data"][VIEW]["model_id"] in known
        notebook.run("page.close()")
        gone(found)


def test_the_kernel_on_the_server_ends_with_the_notebook(
    serving: dict[str, Any], notebook: Notebook
) -> None:
    assert notebook.run(connected(serving) + "page = open_page(server, 'panel')") == ""
    gone(serving, but=1)
    (kernel,) = kernels_of(serving)
    notebook.client.shutdown()
    kernel.wait(60)
    assert "shows no widgets" in told_by(serving, "broken")
    assert "no such page" in told_by(serving, "../panel")
    gone(serving)


def told_by(serving: dict[str, Any], page: str) -> str:
    """What a script without a kernel of its own is told is tested elsewhere: this one has one."""
    made = Notebook()
    try:
        return made.run(connected(serving) + f"open_page(server, {page!r})")
    finally:
        made.stop()


def test_widgets_that_refer_to_each_other_are_made_known_in_parts() -> None:
    states = {
        "a": {"state": {"other": "IPY_MODEL_b", "name": "a"}},
        "b": {"state": {"other": "IPY_MODEL_a", "name": "b", "of": {"x": ["IPY_MODEL_c"]}}},
        "c": {"state": {"self": "IPY_MODEL_c"}},
    }
    message = {
        "content": {"data": {"states": states, "buffer_paths": [["b", "state", "data"]]}},
        "buffers": [b"bytes"],
    }
    told = list(widgets_in_order(message))
    names = [name for name, _, _ in told]
    assert sorted(names[:3]) == ["a", "b", "c"]
    assert names.index("c") < names.index("b")
    first = names[3]  # again, with what it lacked
    assert told[3][1]["state"] == {"other": f"IPY_MODEL_{'ba'[first == 'b']}"}
    assert "other" not in {name: data["state"] for name, data, _ in told[:3]}[first]
    assert [buffers for _, _, buffers in told if buffers] == [[b"bytes"]]


def test_a_rendered_page_names_its_kernel() -> None:
    view = json.dumps({"data": {VIEW: {"model_id": "root"}}})
    content = (
        '<script id="jupyter-config-data" type="application/json">{"kernelId": "k-1"}</script>'
        f'<script type="application/vnd.voila.cell-output+json">{view}</script>'
        "<script>if (1 < 2) {}</script>"
    )
    found = RenderedPage(content)
    assert (found.kernel_id, found.views) == ("k-1", ["root"])

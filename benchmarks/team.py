"""Waiting times of a team: ten analysts on one server, while footage is indexed.

    python benchmarks/team.py [--analysts 10] [--searches 100] [--warm-kernels 2] [--json] [--small]

The real server, kernels and networks, the demo's gallery. Analysts are clients that speak the
page's own protocol, without a browser, which would need the processor more than the server does.
All open the page at once; then each adds a photograph and searches again and again, two seconds
after the last answer. Meanwhile the demo's footage is indexed into another gallery, over and over.

- page ready: from asking for the page until the state of all its controls is there;
- photograph: from sending it until its face is found;
- search: from the click until the answer is there.

Memory is that of the server and its kernels, shared pages counted once (PSS).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from options import add_shared, keep
from page import TOKEN, serving
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from workbench.demo import demo_town
from workbench.demo.check import demo_gallery, demo_settings
from workbench.installation import Installation
from workbench.server.sockets import PROTOCOL, parts_of

DISTRICT, PAUSE = "Fennmouth", 2.0
INDEX = """
import sys
from pathlib import Path
from workbench.demo import demo_town
from workbench.indexing import index_catalogue
from workbench.installation import Installation
installation, number = Installation.open(), 0
while True:
    models = installation.load_models("dlib")
    path = Path(sys.argv[1]) / f"other-{number}.duckdb"
    with installation.gallery_for_writing(path, models.profile) as gallery:
        index_catalogue(demo_town().root, gallery, models)
    number += 1
    print(number, flush=True)
"""


class Analyst:
    """A page without a browser: its kernel's messages, and the state of its widgets."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._base = address.split("/voila/")[0]
        self._line: WebSocketClientConnection | None = None
        self._session = uuid.uuid4().hex
        self._states: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Ask for the page, and wait until the state of all its widgets is there."""
        known = {"Authorization": f"token {TOKEN}"}
        page = HTTPRequest(self._address, headers=known, request_timeout=120)
        body = (await AsyncHTTPClient().fetch(page)).body.decode()
        found = re.search(r'"kernelId": "([\w-]+)"', body)
        assert found is not None, body[-2000:]
        self._line = await websocket_connect(
            HTTPRequest(
                f"{self._base.replace('http', 'ws', 1)}/api/kernels/{found[1]}/channels"
                f"?session_id={self._session}",
                headers=known,
            ),
            subprotocols=[PROTOCOL],
            max_message_size=2**28,
        )
        self._listening = asyncio.create_task(self._listen())
        comm = uuid.uuid4().hex
        about = {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}}
        await self._send("comm_open", about, {"version": "1.0.0"})
        await self._send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        await self._until(lambda: bool(self._states))

    async def ask(self, photograph: Path) -> None:
        """Choose the district, and add a photograph; wait until its face is found."""
        district = next(
            name
            for name, state in self._states.items()
            if DISTRICT in state.get("_options_labels", ())
        )
        labels = self._states[district]["_options_labels"]
        await self._update(district, index=list(labels).index(DISTRICT))
        await self._click(self._button("All footage"))
        uploader = self._model(lambda state: "most_bytes" in state and "accept" in state)
        jpeg = photograph.read_bytes()
        about = {"name": photograph.name, "size": len(jpeg), "left": 0}
        await self._custom(uploader, about, jpeg)
        progress = self._model(lambda state: "sl-progress" in str(state.get("value")))
        busy = re.compile("<progress|Needs a ")
        await self._until(lambda: not busy.search(self._states[progress]["value"]))

    async def search(self) -> None:
        """Press *Search*, and wait for the answer."""
        button = self._button("Search")
        await self._click(button)
        await self._until(lambda: self._states[button]["description"] != "Search")
        await self._until(lambda: self._states[button]["description"] == "Search")
        assert any("sl-heading" in str(state.get("value")) for state in self._states.values())

    def close(self) -> None:
        """Go away without a word."""
        if self._listening is not None and self._line is not None:
            self._listening.cancel()
            self._line.close()

    def _model(self, fits: Any) -> str:
        return next(name for name, state in self._states.items() if fits(state))

    def _button(self, words: str) -> str:
        return self._model(
            lambda state: (
                state.get("_model_name") == "ButtonModel" and state["description"] == words
            )
        )

    async def _click(self, button: str) -> None:
        await self._custom(button, {"event": "click"})

    async def _custom(self, model: str, content: dict[str, Any], *buffers: bytes) -> None:
        about = {"comm_id": model, "data": {"method": "custom", "content": content}}
        await self._send("comm_msg", about, {}, *buffers)

    async def _update(self, model: str, **state: Any) -> None:
        data = {"method": "update", "state": state, "buffer_paths": []}
        await self._send("comm_msg", {"comm_id": model, "data": data})

    async def _send(
        self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None,
        *buffers: bytes,
    ) -> None:  # fmt: skip
        header = {
            "msg_id": uuid.uuid4().hex, "msg_type": kind, "session": self._session,
            "username": "", "version": "5.3", "date": "2026-03-31T12:00:00Z",
        }  # fmt: skip
        documents = (header, {}, metadata or {}, content)
        parts = [b"shell", *(json.dumps(each).encode() for each in documents), *buffers]
        offsets = [8 * (len(parts) + 2)]
        for part in parts:
            offsets.append(offsets[-1] + len(part))
        table = b"".join(number.to_bytes(8, "little") for number in (len(offsets), *offsets))
        assert self._line is not None
        await self._line.write_message(table + b"".join(parts), binary=True)

    async def _listen(self) -> None:
        assert self._line is not None
        while isinstance(message := await self._line.read_message(), bytes):
            parts = parts_of(message)
            kind, content = json.loads(parts[1])["msg_type"], json.loads(parts[4])
            if kind == "comm_open":
                self._states[content["comm_id"]] = content["data"].get("state", {})
            if kind != "comm_msg":
                continue
            data = content["data"]
            if data.get("method") == "update_states":
                self._states |= {name: each["state"] for name, each in data["states"].items()}
            elif data.get("method") == "update" and content["comm_id"] in self._states:
                self._states[content["comm_id"]] |= data["state"]
            self._changed.set()

    async def _until(self, true: Any) -> None:
        async with asyncio.timeout(120):
            while not true():
                self._changed.clear()
                await self._changed.wait()


@contextmanager
def indexing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Index the demo's footage into one gallery after another."""
    process = subprocess.Popen(
        [sys.executable, "-c", INDEX, str(folder)], stdout=subprocess.PIPE, text=True,
        env=os.environ | {"SIGHTLINE_HOME": str(folder)},
    )  # fmt: skip
    try:
        yield process
        assert process.poll() is None, "indexing has failed"
    finally:
        for each in psutil.Process(process.pid).children(recursive=True):
            each.terminate()
        process.terminate()
        process.wait(60)


async def work(address: str, analysts: int, searches: int) -> dict[str, list[float]]:
    """Seconds that each analyst waited: for the page, for a face, and for each answer."""
    AsyncHTTPClient.configure(None, max_clients=analysts)
    photographs = [paths[0] for paths in demo_town().photographs.values()]
    waited: dict[str, list[float]] = {"page ready": [], "photograph": [], "search": []}
    opened, left = asyncio.Barrier(analysts), iter(range(searches))

    async def timed(name: str, what: Any) -> None:
        began = time.perf_counter()
        await what
        waited[name].append(time.perf_counter() - began)

    async def one(number: int) -> None:
        analyst = Analyst(address)
        await timed("page ready", analyst.open())
        await opened.wait()
        await timed("photograph", analyst.ask(photographs[number % len(photographs)]))
        for _ in left:
            await timed("search", analyst.search())
            await asyncio.sleep(PAUSE)
        analyst.close()

    async with asyncio.TaskGroup() as group:
        for number in range(analysts):
            group.create_task(one(number))
    return waited


def memory(process: psutil.Process) -> list[float]:
    """Megabytes of a process and each of those it has started, shared pages counted in part."""
    processes = [process, *process.children(recursive=True)]
    return [each.memory_full_info().pss / 2**20 for each in processes]


def measure(analysts: int, searches: int, warm_kernels: int) -> dict[str, Any]:
    """Measure one day of a team, in short."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["SIGHTLINE_HOME"] = f"{scratch}/home"  # whoever measures has one, too
        town, installation = demo_town(), Installation.open()
        environment = os.environ | demo_settings(town, installation).environment()
        gallery = demo_gallery(town, installation)
        with (
            serving(gallery, environment, warm_kernels=warm_kernels) as address,
            indexing(Path(scratch)),
        ):
            time.sleep(20 if analysts > 2 else 5)  # warm kernels are ready, indexing is at work
            waited = asyncio.run(work(address, analysts, searches))
            (server,) = (
                each
                for each in psutil.Process().children()
                if each.status() != psutil.STATUS_ZOMBIE and TOKEN in each.cmdline()
            )
            megabytes = memory(server)
    result: dict[str, Any] = {"analysts": analysts, "searches": len(waited["search"])}
    for name, times in waited.items():
        times.sort()
        result[f"{name}, median, s"] = round(statistics.median(times), 2)
        result[f"{name}, 95 %, s"] = round(times[math.ceil(0.95 * len(times)) - 1], 2)
        result[f"{name}, longest, s"] = round(times[-1], 2)
    result["memory of server and kernels, MB"] = round(sum(megabytes))
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--analysts", type=int, default=10)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--warm-kernels", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    add_shared(parser)
    options = parser.parse_args()
    if options.small:
        options.analysts, options.searches, options.warm_kernels = 2, 4, 1
    result = measure(options.analysts, options.searches, options.warm_kernels)
    keep(options, result)
    print(json.dumps(result) if options.json else json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""A team's server without pages: the real door and the real API, with a token for each person."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets

from workbench.server.access import Door
from workbench.server.address import Address
from workbench.server.api.forwarding import Forward
from workbench.server.api.process import ApiProcess
from workbench.server.health import Operations
from workbench.server.limits import LimitedServer, Limits
from workbench.server.sessions import Session, Sessions
from workbench.server.ways import Refused, token_in
from workbench.settings import load_settings


class TokenOfEach:
    """Sign-in as at a hub: whoever has the token of a person is that person."""

    name, cookie = "hub", None

    async def enter(self, request: HTTPServerRequest) -> Session:
        token = token_in(request)
        if not token.startswith("token-of-"):
            raise Refused(401, "missing")
        return Session(token.removeprefix("token-of-"), "hub")

    def routes(self) -> list[tuple[Any, ...]]:
        return []


class NoKernels:
    def session_of(self, kernel_id: str) -> None:
        return None


class TeamServer:
    """The server in a thread of its own; ``process`` is that of its API."""

    def __init__(self, gallery: Path, folder: Path) -> None:
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._arguments = gallery, folder
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        gallery, folder = self._arguments
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self.process = ApiProcess(folder, gallery=gallery, environment=os.environ)
        (socket,) = bind_sockets(0, "127.0.0.1")
        self.address = f"http://127.0.0.1:{socket.getsockname()[1]}/town"
        way: Any = TokenOfEach()  # no more of a way is asked for
        door = Door(
            way=way,
            owners=NoKernels(),
            address=Address.parse(self.address),
            operations=Operations(
                casework=load_settings().home / "casework",
                gallery=gallery,
                kernels=NoKernels(),  # type: ignore[arg-type]
                sessions=Sessions(),
                api=self.process,
                way=way,
            ),
            handlers=[(r"/town/api/v1/.*", Forward, {"api": self.process, "base": "/town/"})],
        )
        limits = Limits.of_machine()
        server = LimitedServer(door, limits=limits, max_body_size=2**20)
        server.add_socket(socket)
        self._ready.set()
        await self._stopped.wait()
        server.stop()
        await self.process.stop()
        await server.close_all_connections()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

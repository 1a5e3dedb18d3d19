"""A slow line between a browser and a server of this machine, which counts what it carries."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from types import TracebackType
from urllib.parse import urlsplit

CHUNK = 4096


class SlowLine:
    """Relay of TCP connections to a port of this machine, as quick as a given line.

    Parameters
    ----------
    address : str
        Where the server listens.
    bits_per_second : float
        All connections share it. What the browser sends is not held back.

    Attributes
    ----------
    address : str
        The same over this line, once the context is entered.
    """

    def __init__(self, address: str, bits_per_second: float) -> None:
        self._server, self._rate = urlsplit(address), bits_per_second / 8
        self._free_at = 0.0
        self._loop = asyncio.new_event_loop()
        self._carried: list[tuple[float, int]] = []
        self.address = ""

    def __enter__(self) -> SlowLine:
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def received(self, moment: float) -> int:
        """Bytes that the browser had received by a time, headers and frames of sockets included.

        Parameters
        ----------
        moment : float
            Seconds since 1970.
        """
        return sum(size for when, size in self._carried if when <= moment)

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._relay, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        self.address = self._server._replace(netloc=f"127.0.0.1:{port}").geturl()
        ready.set()
        self._loop.run_forever()

    async def _relay(self, browser: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, asked = await asyncio.open_connection(self._server.hostname, self._server.port)
        await asyncio.gather(
            self._carry(browser, asked, slow=False), self._carry(answers, back, slow=True)
        )

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, slow: bool
    ) -> None:
        with suppress(ConnectionError):  # either side may leave
            while data := await source.read(CHUNK):
                if slow:
                    self._free_at = max(self._free_at, time.monotonic()) + len(data) / self._rate
                    await asyncio.sleep(self._free_at - time.monotonic())
                    self._carried.append((time.time(), len(data)))
                target.write(data)
                await target.drain()
        target.close()

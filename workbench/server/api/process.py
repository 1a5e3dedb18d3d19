"""The API's process as its server has it: started at the first request, and again if it ends."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from tornado.iostream import IOStream
from tornado.log import app_log

from workbench.errors import ServerError
from workbench.server.api.kept import Uploads

_START_SECONDS = 60.0  # it takes two; on a busy machine, many times that
_END_SECONDS = 5.0


class ApiProcess:
    """A process that answers the requests which this one forwards to it.

    Parameters
    ----------
    folder : Path
        Folder of the server's own, in which the socket is made.
    gallery : Path
        The gallery that is searched.
    environment : mapping
        The whole environment of the process, that of a kernel.
    """

    def __init__(self, folder: Path, *, gallery: Path, environment: Mapping[str, str]) -> None:
        self._socket, self._gallery = folder / "api.sock", gallery
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self.is_broken = False
        """True once the process could not be started, until it is."""
        self.uploads = Uploads()

    @property
    def pid(self) -> int | None:
        """Number of the process while it runs; None before, and once it has ended."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def connect(self) -> IOStream:
        """Open a connection to the process, which is started if it does not run.

        Raises ServerError if it does not start.
        """
        async with self._starting:
            if self.pid is None:
                await self._start()
            try:
                return await self._connected()
            except OSError:  # it has been killed, and that is not known yet
                await self.stop()
                await self._start()
        return await self._connected()

    async def stop(self) -> None:
        """End the process, if it runs."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _connected(self) -> IOStream:
        connection = socket.socket(socket.AF_UNIX)
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, str(self._socket))
        except OSError:
            connection.close()
            raise
        return IOStream(connection)

    async def _start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # whatever lies in the working directory is not code of ours
            "-m",
            "workbench.server.api",
            str(self._socket),
            str(self._gallery),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_SECONDS)
        except TimeoutError:
            line = b""
        self.is_broken = line != b"ready\n"
        if self.is_broken:
            await self.stop()
            app_log.error("the process of the API did not start")
            raise ServerError(
                "the API did not start", where="server", fix="The reason is in the server's log"
            )

"""The server's answer to its kernels: whom each of them works for.

Nothing is told to a kernel in advance, and nothing that it says about itself counts: the operating
system names the process at the other end of the socket, and the server knows for whom it started
it. The other end is :mod:`workbench.casework.record.identity`.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Protocol

from workbench.casework.record.identity import Identity, peer_of, socket_address, sockets_in
from workbench.errors import SettingsError

ASKED_SECONDS = 15.0  # for whoever asks to say what, and to take the answer


class Processes(Protocol):
    """Register of the processes that were started for people."""

    def identity_of_process(self, pid: int) -> Identity | None:
        """Identity in whose name a process works now; None for any other process."""


class CaseworkSocket:
    """A Unix socket in the casework folder, which only the account of the server reaches.

    Each server has its own, named by its *kind* and a few random letters: an installation may serve
    several galleries at once.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._kind = folder, kind
        self._name = f"{kind}-{secrets.token_hex(4)}.sock"
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Answer from now on.

        Raises
        ------
        SettingsError
            If the folder cannot be written, or this is no system that tells who asks.
        """
        if not sys.platform.startswith("linux"):
            raise SettingsError(
                "cannot tell kernels whom they work for on this system",
                where="sightline serve",
                fix="Run the server on Linux",
            )
        run = self._folder / "run"
        try:
            for place in (self._folder, run):  # parents are made with the mode of the umask
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
            run.chmod(0o700)
            for name in sockets_in(self._folder, f"{self._kind}-"):
                self._remove_if_dead(name)
            self._server = await asyncio.start_unix_server(self._serve, sock=self._bound())
        except OSError as error:
            raise SettingsError(
                f"cannot hold the sockets of the server ({error.strerror})",
                where=str(run),
                fix="Run the server as the account that owns the casework folder",
            ) from None

    async def close(self) -> None:
        """Answer no more, and leave nothing behind."""
        if self._server is not None:
            self._server.close()
            (self._folder / "run" / self._name).unlink(missing_ok=True)

    async def answer(self, peer: socket.socket, reader: asyncio.StreamReader) -> object:
        """Find the answer to whoever is at the other end, as JSON values."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self.answer(writer.get_extra_info("socket"), reader)
            writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            async with asyncio.timeout(ASKED_SECONDS):
                await writer.drain()
        except TimeoutError:
            writer.transport.abort()  # whoever asked says nothing, or takes no answer
        except OSError:
            pass  # whoever asked is gone
        finally:
            writer.close()

    def _bound(self) -> socket.socket:
        """Make the socket; it has its name once it can be connected to, or it would look dead."""
        with socket_address(self._folder, self._name) as address:
            bound = socket.socket(socket.AF_UNIX)
            before = os.umask(0o177)
            try:
                bound.bind(f"{address}.new")
                bound.listen()
                Path(f"{address}.new").rename(address)
            except OSError:
                bound.close()
                raise
            finally:
                os.umask(before)
        return bound

    def _remove_if_dead(self, name: str) -> None:
        """Remove the socket of a server that was killed."""
        with socket_address(self._folder, name) as address, socket.socket(socket.AF_UNIX) as trial:
            trial.settimeout(1)
            try:
                trial.connect(address)
            except ConnectionRefusedError:
                (self._folder / "run" / name).unlink(missing_ok=True)
            except OSError:
                return  # busy, but there


class Teller(CaseworkSocket):
    """Answer to a kernel that asks whom it works for: one line of JSON, then the end.

    ``{"account": "anna", "way": "hub"}``, or ``{"account": null}`` for a kernel that waits for its
    page and for a process that is none of the server's. Of a part of the demo it says who plays it:
    ``{"account": "anna", "way": "part in training", "played_by": "lena"}``.
    """

    def __init__(self, folder: Path, processes: Processes) -> None:
        super().__init__(folder, "who")
        self._processes = processes

    async def answer(self, peer: socket.socket, reader: asyncio.StreamReader) -> object:  # noqa: ARG002
        """Name the person whom the process at the other end works for."""
        pid, uid = peer_of(peer)
        known = self._processes.identity_of_process(pid) if uid == os.getuid() else None
        return {"account": None} if known is None else known.document()

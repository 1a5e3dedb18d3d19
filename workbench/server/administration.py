"""Sessions of running servers, for the administrator: to be listed and ended from outside.

Each server answers on a Unix socket in the casework folder, like the one that tells kernels whom
they work for. Kernels, which run as the same account, are refused: a page has no say in this.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from workbench.casework.record.identity import peer_of, socket_address, sockets_in
from workbench.errors import SettingsError
from workbench.server.sessions import Session, Sessions
from workbench.server.teller import CaseworkSocket

_KIND = "sessions"
_SECONDS = 15.0


@dataclass(frozen=True)
class SignedInPerson:
    """One session of a running server, as the administrator sees it."""

    id: str
    account: str
    way: str
    began: datetime
    used: datetime
    kernels: int


class Kernels(Protocol):
    """Register of the processes that work for sessions."""

    def is_kernel(self, pid: int) -> bool:
        """Check that a process is a kernel, or one that a kernel has started."""

    def number_of(self, session: Session) -> int:
        """Number of kernels of a session."""


class SessionsSocket(CaseworkSocket):
    """A server's end: one question and one answer, a line of JSON each."""

    def __init__(self, folder: Path, sessions: Sessions, kernels: Kernels) -> None:
        super().__init__(folder, _KIND)
        self._sessions, self._kernels = sessions, kernels

    async def answer(self, peer: socket.socket, reader: asyncio.StreamReader) -> object:
        """List the sessions, or end those of an account or an id; refuse kernels."""
        pid, uid = peer_of(peer)
        if uid not in {0, os.getuid()} or self._kernels.is_kernel(pid):
            return {"refused": True}
        try:
            question = json.loads(await reader.readline())
            wanted = str(question["end"]) if "end" in question else None
        except (ValueError, TypeError):
            return {"refused": True}
        found = [one for one in self._sessions.living() if one.account]
        if wanted is not None:
            found = [one for one in found if wanted in {one.id, one.account}]
        told = [self._told(one) for one in found]
        if wanted is not None:
            for session in found:
                await self._sessions.end(session, "administrator")
        return {"sessions": told}

    def _told(self, session: Session) -> dict[str, Any]:
        return {
            "id": session.id, "account": session.account, "way": session.way,
            "began": session.began.isoformat(),
            "used": self._sessions.last_used(session).isoformat(),
            "kernels": self._kernels.number_of(session),
        }  # fmt: skip


def sessions_of(folder: Path) -> list[SignedInPerson]:
    """List the sessions of all servers that run on the casework folder *folder*.

    Raises
    ------
    SettingsError
        If a server refuses to answer.
    """
    return [session for name in sockets_in(folder, f"{_KIND}-") for session in _ask(folder, name)]


def end_sessions(folder: Path, wanted: str) -> list[SignedInPerson]:
    """End the sessions of an account, or the one with an id, with their kernels; return them.

    Raises
    ------
    SettingsError
        If a server refuses to answer.
    """
    return [
        session
        for name in sockets_in(folder, f"{_KIND}-")
        for session in _ask(folder, name, end=wanted)
    ]


def _ask(folder: Path, name: str, **question: str) -> list[SignedInPerson]:
    try:
        with socket_address(folder, name) as address, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_SECONDS)
            line.connect(address)
            line.sendall(json.dumps(question).encode() + b"\n")
            answer = json.loads(line.makefile("rb").read())
    except ConnectionRefusedError:
        return []  # of a server that was killed
    except (OSError, ValueError) as error:
        answer = {"refused": error}
    if "sessions" not in answer:
        raise SettingsError(
            "the server does not answer this process",
            where=str(folder / "run" / name),
            fix="Run the command as the account of the server, in a shell of its own",
        )
    return [
        SignedInPerson(
            **one
            | {"began": datetime.fromisoformat(one["began"])}
            | {"used": datetime.fromisoformat(one["used"])}
        )
        for one in answer["sessions"]
    ]

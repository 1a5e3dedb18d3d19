"""Sessions of running servers, for the administrator: to be listed and ended from outside.

Each server answers on a Unix socket in the casework folder, like the one that tells kernels whom
they work for. Kernels, which run as the same account, are refused, except those of people who have
a role for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any, Protocol

from workbench.casework.record.identity import Identity, peer_of
from workbench.casework.record.people import MAY, person_of, read_people
from workbench.casework.signedin import KIND
from workbench.errors import NotPermitted, SettingsError
from workbench.server.sessions import Session, Sessions
from workbench.server.teller import ASKED_SECONDS, CaseworkSocket


class Kernels(Protocol):
    """Register of the processes that work for sessions."""

    def is_kernel(self, pid: int) -> bool:
        """Check that a process is a kernel, or one that a kernel has started."""

    def identity_of_process(self, pid: int) -> Identity | None:
        """Person whom a process works for; None for any other process."""

    def number_of(self, session: Session) -> int:
        """Number of kernels of a session."""


class SessionsSocket(CaseworkSocket):
    """A server's end: one question and one answer, a line of JSON each."""

    def __init__(self, folder: Path, sessions: Sessions, kernels: Kernels) -> None:
        super().__init__(folder, KIND)
        self._sessions, self._kernels = sessions, kernels

    async def answer(self, peer: socket.socket, reader: asyncio.StreamReader) -> object:
        """List the sessions, or end those of an account or an id; refuse kernels."""
        pid, uid = peer_of(peer)
        if uid not in {0, os.getuid()} or not self._may_ask(pid):
            return {"refused": True}
        try:
            async with asyncio.timeout(ASKED_SECONDS):
                question = json.loads(await reader.readline())
            wanted = str(question["end"]) if "end" in question else None
        except (ValueError, TypeError):
            return {"refused": True}
        found = [one for one in self._sessions.living() if one.account]
        if wanted is not None:
            found = [one for one in found if wanted in {one.id, one.account}]
        told = [self._told(one) for one in found]
        if wanted is not None:
            await asyncio.gather(*(self._sessions.end(one, "administrator") for one in found))
        return {"sessions": told}

    def _may_ask(self, pid: int) -> bool:
        """Check that a process is no kernel, or that of a person whose role covers it.

        In training nobody has a role.
        """
        if not self._kernels.is_kernel(pid):
            return True
        known = self._kernels.identity_of_process(pid)
        if known is None:
            return False
        try:
            roles = person_of(read_people(self._folder), known).roles
        except (NotPermitted, SettingsError):
            return False
        return any("session.end" in MAY[role] for role in roles)

    def _told(self, session: Session) -> dict[str, Any]:
        return {
            "id": session.id, "account": session.account, "way": session.way,
            "began": session.began.isoformat(),
            "used": self._sessions.last_used(session).isoformat(),
            "kernels": self._kernels.number_of(session),
        }  # fmt: skip

"""Sign-ins and their ends, put on the record of the installation: once a session, not a request."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tornado.log import app_log

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.keys import record_key
from workbench.errors import SightlineError
from workbench.server.sessions import Session, Sessions
from workbench.server.ways import Refused

AGAIN_AFTER = 5.0
"""Seconds without another try, after one that failed: who waits has waited for the record once."""


class SignIns:
    """Record of who signed in at a server, how, and what ended their sessions.

    Parameters
    ----------
    folder : Path
        The casework folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log: AuditLog | None = None  # read at first use, of which no entry is kept
        self._known: set[Session] = set()
        self._writing = asyncio.Lock()
        self._failed = -AGAIN_AFTER  # time of the last failure, by time.monotonic

    async def record(self, session: Session) -> None:
        """Record that a session has begun, unless that is done.

        Raises Refused if it cannot be, since nobody is let in without an entry, or if the session
        has ended meanwhile.
        """
        if session in self._known:
            return
        async with self._writing:  # the twenty requests of a page are one sign-in
            if session in self._known:
                return
            about = {"id": session.id, "began": session.began.isoformat()}
            if not await self._write("session.begun", _named(session), about):
                raise Refused(503, "record")
            self._known.add(session)
        if session.ended:
            await self.record_end(session)
            raise Refused(401, session.ended, forget=True)

    async def record_end(self, session: Session) -> None:
        """Record that a session has ended, and why; log it if that cannot be."""
        if session not in self._known:
            return
        self._known.discard(session)
        by = _named(session) if session.ended == "signed out" else {}
        about = {
            "id": session.id,
            "account": session.account,
            "way": session.way,
            "why": session.ended or "server stopped",
        }
        async with self._writing:
            await self._write("session.ended", by, about)

    async def close(self, sessions: Sessions) -> None:
        """Record that the sessions that are open end with the server."""
        for session in sessions.living():
            await self.record_end(session)

    async def _write(self, what: str, by: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
        """Append an entry; if that cannot be done, log it and return False."""
        if time.monotonic() - self._failed < AGAIN_AFTER:
            app_log.error("%s of session %s cannot be recorded", what, about["id"])
            return False
        try:
            await asyncio.to_thread(self._append, what, by, about)
        except (SightlineError, OSError) as error:
            app_log.error("%s of session %s cannot be recorded: %s", what, about["id"], error)
            self._failed = time.monotonic()
            return False
        return True

    def _append(self, what: str, by: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        if self._log is None:
            self._log = AuditLog(self._folder, kinds=())
        self._log.append(what, by, about, key=record_key(self._folder))


def _named(session: Session) -> dict[str, Any]:
    return {"account": session.account, "way": session.way, "uid": os.getuid()}

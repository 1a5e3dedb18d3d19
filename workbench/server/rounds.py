"""Rounds of a running server: what falls due although nobody asks for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tornado.log import app_log

from workbench.casework.forfeited import erase_films, forfeited_films
from workbench.casework.register import CaseRegister
from workbench.casework.retention import remove_forfeited
from workbench.errors import GalleryBusy, SightlineError
from workbench.settings import Settings

ROUND_SECONDS = 60.0


class Rounds:
    """Deletes what came of urgent cases that were not confirmed in time.

    Nothing of them is shown by then, whether a server runs or not. In galleries it deletes what was
    found in films fetched for them, for the gallery that is served.
    """

    def __init__(self, home: Path, gallery: Path) -> None:
        self._home, self._gallery = home, gallery
        self._register: CaseRegister | None = None
        self._looked_at: object = None  # the state in which the gallery had nothing to delete
        self._waits = False  # for another process to be done with the gallery

    async def run(self) -> None:
        """Make a round each minute, for ever; one that fails is logged, and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.make)
            except (SightlineError, OSError) as error:
                app_log.error("what is due could not be deleted: %s", error)
            except Exception:  # whatever it is, there is a next round
                app_log.exception("what is due could not be deleted")
            await asyncio.sleep(ROUND_SECONDS)

    def make(self) -> None:
        """Make one round."""
        if self._register is None:  # kept: it reads only what was recorded since
            self._register = CaseRegister(self._home / "casework", Settings(home=self._home))
        if erased := self._register.erase_unconfirmed():
            app_log.warning("urgent cases not confirmed in time, and over: %d", len(erased))
        if films := erase_films(self._register):
            app_log.warning("films fetched for urgent cases that are over, deleted: %d", films)
        if forfeited_films(self._register):
            self._look_into_gallery(self._register)

    def _look_into_gallery(self, register: CaseRegister) -> None:
        """Delete what was found in films; the gallery is opened only where something changed."""
        about = self._gallery.stat()
        state = (
            (about.st_ino, about.st_mtime_ns, about.st_size),
            register.head,
            [case.state for case in register.all_cases()],  # which time changes, too
        )
        if state == self._looked_at:
            return
        try:
            recordings = remove_forfeited(register, self._gallery)
        except GalleryBusy as error:
            if not self._waits:
                app_log.warning("recordings of such films are deleted later: %s", error)
            self._waits = True
            return
        self._looked_at, self._waits = state, False
        if recordings:
            app_log.warning("recordings of such films, deleted from the gallery: %d", recordings)

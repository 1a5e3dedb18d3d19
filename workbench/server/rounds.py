"""Rounds of a running server: what falls due although nobody asks for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tornado.log import app_log

from workbench.casework.forfeited import erase_films
from workbench.casework.register import CaseRegister
from workbench.casework.retention import remove_forfeited
from workbench.errors import SightlineError
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
        if recordings := remove_forfeited(self._register, self._gallery):
            app_log.warning("recordings of such films, deleted from the gallery: %d", recordings)

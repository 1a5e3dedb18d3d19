"""Fetching of footage for a case: permitted by it, and on record."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.authority import permit_fetching

if TYPE_CHECKING:
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.domain import Problem, Scope
    from workbench.indexing.fetched import Fetched, Log
    from workbench.indexing.hook import Hook


class Fetching:
    """Fetches footage for a case with a hook, as often as it is called.

    Before each call the case is checked again. The record has what was asked for (once, and again
    if the program or the scope changed), each film with its SHA-256 before the catalogue lists it,
    and each failure (once for as long as it stays the same).

    Parameters
    ----------
    register : CaseRegister
        Where the case is, and where what is fetched goes on record.
    case : str
        Reference of an open case.
    hook : Hook
        The program.
    folder : path
        The catalogue that it fetches into.
    narrowed : Scope, optional
        A district and time range within those of the case; by default all of them.
    log : callable
        Takes each line that the program writes about its work.
    """

    def __init__(
        self,
        register: CaseRegister,
        case: str,
        hook: Hook,
        folder: Path | str,
        *,
        narrowed: Scope | None = None,
        log: Log,
    ) -> None:
        self._register, self._case, self._hook = register, case, hook
        self._folder, self._narrowed, self._log = Path(folder).resolve(), narrowed, log
        self._asked: tuple[dict[str, object], int] | None = None  # with the number of its entry
        self._failure = ""

    def permitted(self) -> tuple[Person, Scope]:
        """Check that footage may be fetched now; return the user and the scope.

        Raises
        ------
        NotPermitted
            If the case does not cover it, with every reason; the attempt is recorded.
        CaseError
            If there is no such case.
        """
        return permit_fetching(self._register, self._case, self._narrowed)

    def __call__(self) -> tuple[Problem, ...]:
        """Fetch once; return what went wrong, which does not keep the next call from fetching.

        Raises
        ------
        NotPermitted, CaseError
            As :meth:`permitted` does.
        AuditDamaged
            If the record was altered: nothing is fetched then.
        CatalogueError
            If the cameras of the catalogue cannot be read, or another hook is at work there.
        """
        me, scope = self.permitted()
        asked = self._ask(me, scope)

        def note(film: Fetched) -> None:
            about = {
                "case": self._case,
                "asked": asked,
                "file": film.recording.file,
                "camera": film.recording.camera_id,
                "started_at": film.recording.started_at.isoformat(),
                "sha256": film.sha256,
            }
            self._register.record("footage.fetched", about, by=me)

        report = self._hook.run(self._folder, scope, case=self._case, log=self._log, note=note)
        self._note_failure(me, asked, report.problems)
        return report.problems

    def _ask(self, me: Person, scope: Scope) -> int:
        """Record what is asked for; return the number of the entry."""
        about: dict[str, object] = {
            "case": self._case,
            "catalogue": str(self._folder),
            "command": list(self._hook.command),
            "program": self._hook.sha256,
            "district": scope.district.name,
            "area": hashlib.sha256(scope.district.area.wkb).hexdigest(),
            "start": scope.start.isoformat(),
            "end": scope.end.isoformat(),
        }
        if self._asked is None or self._asked[0] != about:
            number = self._register.record("footage.asked", about, by=me).number
            self._asked = about, number
        return self._asked[1]

    def _note_failure(self, me: Person, asked: int, problems: tuple[Problem, ...]) -> None:
        failure = "; ".join(f"{problem.where}: {problem.what}" for problem in problems)
        if failure and failure != self._failure:
            about = {"case": self._case, "asked": asked, "reason": failure[:2000]}
            self._register.record("footage.failed", about, by=me)
        self._failure = failure

"""The register: an installation's cases, as its record tells them, and who is at work here."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.cases import Case, Limits, Request, Rules, State
from workbench.casework.record.audit import AuditLog
from workbench.casework.record.chain import Entry, Head
from workbench.casework.record.keys import SIGNED, doubt, signature
from workbench.casework.record.people import (
    People,
    Person,
    identify,
    read_people,
    write_people,
)
from workbench.casework.subjects import describe_subject, keep_subject
from workbench.errors import CaseError, NotPermitted, SettingsError

if TYPE_CHECKING:
    from workbench.casework.record.jupyterhub import Answers
    from workbench.casework.record.people import Action
    from workbench.domain import Probe, Scope
    from workbench.settings import Settings

FOLDER = "casework"
TRAINING_DAYS = 365
# Entries of these kinds say what is the case now; the others only that something happened.
KEPT = ("case.", "review.", "people.", "subject.", "triage.")


class CaseRegister:
    """The casework folder, opened by whoever runs this process.

    >>> register = open_register(load_settings())                        # doctest: +SKIP
    >>> register.case("A-2026-117").status()                             # doctest: +SKIP
    'open'

    Every method that changes something names the person itself (:attr:`me`), asks whether their
    role covers it, and leaves an entry whether it does or not. Open one and keep it: it reads of
    the record what was written since it last looked.

    Parameters
    ----------
    folder : Path
        Where the record and what belongs to it lie; made if it is not there.
    rules : Rules
        The rules of the installation.
    """

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self._log = AuditLog(folder, kinds=KEPT)
        self._answers: Answers = {}  # of the hub
        self._lock = threading.RLock()
        self._entries: dict[str, list[Entry]] = {}  # by reference; "" for those of no case
        self._spelling: dict[str, str] = {}  # casefolded reference: the reference
        self._built: dict[str, Case] = {}
        self._doubts: dict[str, list[str]] = {}  # by reference: entries that nobody believes
        self.refresh()

    # --- Who ------------------------------------------------------------------------------

    @property
    def people(self) -> People:
        """The people file as it is now; a change of it by hand is recorded when it is seen."""
        people = read_people(self.folder)
        with self._lock:
            noted = self._of("", "people.changed")
            if (noted[-1].about["sha256"] if noted else "") != people.digest:
                about = {"sha256": people.digest, **people.document()}
                self._take(
                    self._log.append(
                        "people.changed", identify(people, self._answers).named(), about
                    )
                )
        return people

    @property
    def me(self) -> Person:
        """Whoever runs this process, as the operating system or the hub says."""
        return identify(self.people, self._answers)

    def require(self, action: Action, reference: str = "") -> Person:
        """Whoever is at work, if their role covers it; record and raise NotPermitted if not."""
        me = self.me
        try:
            me.require(action)
        except NotPermitted as error:
            self.refused(action, reference, [error.what])
            raise
        return me

    def grant(self, account: str, role: str, *, granted: bool = True, key: str = "") -> People:
        """Give somebody a role, or take it; the first administrator is whoever owns the folder.

        *key* is their public key, as :func:`workbench.casework.record.keys.own_key` tells it to
        them; whoever approves or decides needs one.
        """
        people = self.people
        if people.in_service:
            me = self.require("people.change")
        else:
            me = identify(people, self._answers)
            if me.uid != self.folder.stat().st_uid:
                raise NotPermitted(
                    "the first administrator is named by the owner of the casework folder",
                    where=str(self.folder),
                    fix="Have its owner do it",
                )
            people = people.changed(me.account, "administrator", granted=True)
        people = people.changed(account, role, granted=granted)
        if key:
            people = people.with_key(account, key)
        if not any("administrator" in roles for roles in people.roles.values()):
            raise SettingsError(
                "nobody would be administrator any more",
                where=account,
                fix="Make somebody else one first",
            )
        about = {"account": account, "role": role, "granted": granted, "key": key}
        self.record("people.granted" if granted else "people.revoked", about, by=me)
        write_people(self.folder, people)
        return self.people

    # --- Cases ----------------------------------------------------------------------------

    def cases(self) -> tuple[Case, ...]:
        """All cases, in the order in which they were first asked."""
        with self._lock:
            self.refresh()
            return tuple(self._case(name) for name in self._entries if self._of(name, "case."))

    def case(self, reference: str) -> Case:
        """One case; raise CaseError if there is none with this very reference."""
        with self._lock:
            self.refresh()
            if not self._of(reference, "case."):
                close = self._spelling.get(reference.casefold())
                raise CaseError(
                    "there is no such case",
                    where=reference[:80],
                    fix=f"Did you mean {close}" if close else "`sightline case list` shows them",
                )
            return self._case(reference)

    def ask(self, request: Request, *, subject: Probe) -> Case:
        """Ask leave for a case; somebody else must approve it before it opens.

        Parameters
        ----------
        request : Request
            With the subject that :func:`workbench.casework.subjects.describe_subject` makes.
        subject : Probe
            The same person's photographs, which are kept as long as the case needs them.
        """
        if request.is_training:
            raise CaseError(
                "training is not asked for",
                where=request.reference,
                fix="Use `sightline case training`",
            )
        me = self.require("case.ask", request.reference)
        told = request.subject
        if told is None or told != describe_subject(
            subject, calibrations=self.rules.calibrations, description=told.description
        ):
            raise CaseError(
                "the photographs are not those of the request's subject",
                where=request.reference,
                fix="Describe the subject with the very probe",
            )
        with self.exclusively():
            taken = self._spelling.get(request.reference.casefold())
            if taken is not None:
                raise CaseError("there is one already", where=taken, fix="Choose another reference")
            keep_subject(self.folder, request.reference, subject)
            self.record("case.asked", {"case": request.reference, **request.document()}, by=me)
        return self.case(request.reference)

    def approve(self, reference: str) -> Case:
        """Authorise a case that somebody else asked for.

        A case beyond the limits of the :attr:`rules` opens when two people have done so. The limits
        that were in force stand in the record, so that nobody's own settings change them
        afterwards.
        """
        me, limits = self.require("case.approve", reference), self.rules.limits
        with self.exclusively():
            self._approve(reference, me, limits)
        return self.case(reference)

    def _approve(self, reference: str, me: Person, limits: Limits) -> None:
        case = self.case(reference)
        if case.state != "asked":
            raise CaseError(f"is {case.state}", where=reference, fix="Only asked ones are approved")
        reason = ""
        if me.account == case.asked_by:
            reason = f"{me.account} asked for it; who asks does not authorise"
        elif me.account in case.approved_by:
            reason = f"{me.account} approved it already; going beyond the limits takes two people"
        if reason:
            self._refuse("case.approve", reference, reason, "Ask another supervisor")
        about = {
            "case": reference,
            "exceeds": list(case.request.exceeds(limits)),
            "limits": asdict(limits),
            "most_cameras": case.request.cameras or limits.cameras,
        }
        self.record("case.approved", about, by=me)

    def decline(self, reference: str, *, reason: str) -> Case:
        """Refuse a case that somebody asked for."""
        me, case = self.require("case.approve", reference), self.case(reference)
        if case.state != "asked":
            raise CaseError(f"is {case.state}", where=reference, fix="Close it instead")
        self.record("case.declined", {"case": reference, "reason": reason}, by=me)
        return self.case(reference)

    def close(self, reference: str, *, reason: str) -> Case:
        """Close a case for good: nothing is searched under it again, and it holds nothing any more.

        Whoever asked may do so, and every supervisor; a training case whoever trains.
        """
        case = self.case(reference)
        me = self.require("training.use" if case.is_training else "case.close", reference)
        if case.state not in ("open", "asked"):
            raise CaseError(f"is {case.state}", where=reference, fix="There is nothing to close")
        own = me.account == case.asked_by or case.is_training
        if not own and "supervisor" not in me.roles:
            self._refuse(
                "case.close", reference, f"{me.account} did not ask for it", "Ask a supervisor"
            )
        self.record("case.closed", {"case": reference, "reason": reason}, by=me)
        return self.case(reference)

    def train(self, reference: str, scope: Scope, *, title: str = "") -> Case:
        """Open a training case, or open it again with another scope.

        It carries no authority: where the installation is in service (it has a people file), it
        searches the fictional footage of the demo alone.
        """
        me = self.require("training.use", reference)
        now = datetime.now(UTC)
        request = Request(
            reference=reference,
            purpose="training",
            title=title or "Training",
            legal_basis="none: training",
            authority="none: training",
            authorisation="none: training",
            district=scope.district,
            start=scope.start,
            end=scope.end,
            valid_from=now,
            valid_until=now + timedelta(days=TRAINING_DAYS),
        )
        with self.exclusively():
            taken = self._spelling.get(reference.casefold())
            if taken is not None and not (taken == reference and self._case(taken).is_training):
                raise CaseError(
                    "there is another case of this name",
                    where=taken,
                    fix="Choose another reference",
                )
            self.record("case.training", {"case": reference, **request.document()}, by=me)
        return self.case(reference)

    # --- The record -----------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """The last entry of the record, to be pinned elsewhere."""
        with self._lock:
            self.refresh()
            return self._log.head

    @property
    def last_at(self) -> datetime | None:
        """When the last entry was made."""
        return self._log.last_at

    def record(self, what: str, about: Mapping[str, Any], *, by: Person | None = None) -> Entry:
        """Add an entry in the name of whoever is at work."""
        with self.exclusively():
            me, people = by or self.me, read_people(self.folder)
            named, before = me.named(), self._log.head.hash
            made = signature(me.account, people.keys.get(me.account, ()), before, what, about)
            if made:
                named["signature"] = made
            elif what in SIGNED and people.in_service:
                raise NotPermitted(
                    f"{me.account} has no key here that the administrator knows",
                    where=what,
                    fix="Run `sightline people key` and give the administrator what it prints",
                )
            found = self._log.append(what, named, about)
            self._take(found)
            return found[-1]

    def refused(self, action: str, reference: str, reasons: Sequence[str]) -> None:
        """Record that somebody asked for what is not theirs."""
        about = {"case": reference[:200], "action": action, "reasons": list(reasons)}
        self.record(f"{action}.refused", about)

    def entries_of(self, reference: str, what: str) -> tuple[Entry, ...]:
        """The entries of a case whose kind begins with *what* (of those that say what is so)."""
        with self._lock:
            self.refresh()
            return tuple(self._of(reference, what))

    def doubts(self, reference: str) -> tuple[str, ...]:
        """Why some entries about a case are not believed: they are not signed by whom they name."""
        return tuple(self._doubts.get(reference, ()))

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Nobody on this machine writes meanwhile, so that what is decided rests on what is so."""
        with self._lock, self._log.exclusively():
            self.refresh()
            yield

    def refresh(self) -> None:
        """Read what others have written meanwhile."""
        with self._lock:
            self._take(self._log.read_new())

    # --- Within ---------------------------------------------------------------------------

    def _refuse(self, action: str, reference: str, reason: str, fix: str) -> None:
        self.refused(action, reference, [reason])
        raise NotPermitted(reason, where=reference, fix=fix)

    def _take(self, entries: Sequence[Entry]) -> None:
        people: People | None = None
        for entry in entries:
            if not entry.what.startswith(KEPT) or entry.what.endswith(".refused"):
                continue
            reference = str(entry.about.get("case", ""))
            if entry.what in SIGNED:
                people = people or read_people(self.folder)
                if why := doubt(entry, people):
                    self._doubts.setdefault(reference, []).append(why)
                    continue
            self._entries.setdefault(reference, []).append(entry)
            self._built.pop(reference, None)
            if reference:
                self._spelling.setdefault(reference.casefold(), reference)

    def _of(self, reference: str, what: str) -> list[Entry]:
        return [e for e in self._entries.get(reference, ()) if e.what.startswith(what)]

    def _case(self, reference: str) -> Case:
        if reference not in self._built:
            self._built[reference] = fold(self._of(reference, "case."))
        return self._built[reference]


def fold(entries: Sequence[Entry]) -> Case:
    """A case as the entries about it tell it, in their order."""
    case: Case | None = None
    for entry in entries:
        case = _after(case, entry)
    assert case is not None
    return case


def _after(case: Case | None, entry: Entry) -> Case:
    if entry.what in ("case.asked", "case.training"):
        about = {name: value for name, value in entry.about.items() if name != "case"}
        request = Request.from_document(about)
        if entry.what == "case.training":
            return Case(request, entry.account, entry.at, "open")
        return Case(request, entry.account, entry.at)
    assert case is not None
    if entry.what == "case.approved":
        approved_by = (*case.approved_by, entry.account)
        exceeds = (*case.exceeds, *entry.about["exceeds"])
        state: State = "open" if len(approved_by) > bool(exceeds) else "asked"
        cameras = int(entry.about["most_cameras"])
        return replace(
            case, approved_by=approved_by, exceeds=tuple(dict.fromkeys(exceeds)),
            most_cameras=cameras, state=state,
        )  # fmt: skip
    ended: State = "closed" if entry.what == "case.closed" else "declined"
    return replace(case, state=ended, ended_at=entry.at, reason=str(entry.about["reason"]))


def open_register(settings: Settings) -> CaseRegister:
    """The register of an installation: ``casework`` in its home, with the rules of its settings.

    Raises
    ------
    AuditDamaged
        If the record is not what was written.
    """
    return CaseRegister(settings.home.resolve() / FOLDER, Rules.of(settings))


def all_entries(folder: Path) -> Iterator[Entry]:
    """Every entry of a record, from the first on; for auditors."""
    yield from AuditLog(folder).read_new()

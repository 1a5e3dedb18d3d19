"""Register of an installation's cases, as its record has them, used in one person's name."""

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
    from workbench.casework.record.people import Action
    from workbench.domain import Probe, Scope
    from workbench.settings import Settings

FOLDER = "casework"
TRAINING_DAYS = 365
# Entries of these kinds make up the present state; the others only say that something happened.
KEPT = ("case.", "review.", "people.", "subject.", "triage.", "clock.viewed", "clock.compared")


class CaseRegister:
    """Cases, roles and decisions of a casework folder, in the name of the user of this process.

    >>> register = open_register(load_settings())                        # doctest: +SKIP
    >>> register.case("A-2026-117").status()                             # doctest: +SKIP
    'open'

    Every method that changes something determines the user itself (:attr:`me`), checks that their
    role covers the action, and leaves an entry whether it does or not. Open a register once and
    keep it: each call only reads what was added to the record since the last one.

    Parameters
    ----------
    folder : Path
        Folder of the record and its files; made if it does not exist.
    rules : Rules
        The rules of the installation.
    """

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder, self.rules = folder, rules
        self._log = AuditLog(folder, kinds=KEPT)
        self._lock = threading.RLock()
        self._entries: dict[str, list[Entry]] = {}  # by reference; "" for those about no case
        self._spelling: dict[str, str] = {}  # casefolded reference: the reference
        self._built: dict[str, Case] = {}
        self._doubts: dict[str, list[str]] = {}  # by reference: why entries are not believed
        self.refresh()

    # --- Who ------------------------------------------------------------------------------

    @property
    def people(self) -> People:
        """People file as it is now; a change made by hand is recorded when it is noticed."""
        people = read_people(self.folder)
        with self._lock:
            recorded = self._entries_about("", "people.changed")
            if (recorded[-1].about["sha256"] if recorded else "") != people.digest:
                about = {"sha256": people.digest, **people.document()}
                by = identify(people, self.folder).named()
                self._apply_entries(self._log.append("people.changed", by, about))
        return people

    @property
    def me(self) -> Person:
        """User of this process: see :mod:`workbench.casework.record.identity`."""
        return identify(self.people, self.folder)

    def require(self, action: Action, reference: str = "") -> Person:
        """Return the user if their role covers *action*; else record it and raise NotPermitted."""
        me = self.me
        try:
            me.require(action)
        except NotPermitted as error:
            self.refused(action, reference, [error.what])
            raise
        return me

    def grant(self, account: str, role: str, *, granted: bool = True, key: str = "") -> People:
        """Give an account a role, or take it away; the folder's owner is the first administrator.

        *key* is the account's public key, as :func:`workbench.casework.record.keys.own_key` gives
        it to its holder; approving and deciding need one.

        Raises
        ------
        NotPermitted
            If the user is not an administrator, or not the owner where there is none yet.
        SettingsError
            If there is no such role, the key is not one, or no administrator would be left.
        """
        people = self.people
        if people.in_service:
            me = self.require("people.change")
        else:
            me = identify(people, self.folder)
            if me.uid != self.folder.stat().st_uid:
                raise NotPermitted(
                    "only the owner of the casework folder can grant the first role",
                    where=str(self.folder),
                    fix="Ask its owner to run the command",
                )
            people = people.changed(me.account, "administrator", granted=True)
        people = people.changed(account, role, granted=granted)
        if key:
            people = people.with_key(account, key)
        if not any("administrator" in roles for roles in people.roles.values()):
            raise SettingsError(
                "no administrator would be left",
                where=account,
                fix="Make another account administrator first",
            )
        about = {"account": account, "role": role, "granted": granted, "key": key}
        self.record("people.granted" if granted else "people.revoked", about, by=me)
        write_people(self.folder, people)
        return self.people

    # --- Cases ----------------------------------------------------------------------------

    def cases(self) -> tuple[Case, ...]:
        """Return all cases, in the order in which they were requested."""
        with self._lock:
            self.refresh()
            return tuple(
                self._case(name) for name in self._entries if self._entries_about(name, "case.")
            )

    def case(self, reference: str) -> Case:
        """Return a case; raise CaseError if none has exactly this reference."""
        with self._lock:
            self.refresh()
            if not self._entries_about(reference, "case."):
                close = self._spelling.get(reference.casefold())
                raise CaseError(
                    "no such case",
                    where=reference[:80],
                    fix=f"Did you mean {close}"
                    if close
                    else "`sightline case list` lists all cases",
                )
            return self._case(reference)

    def ask(self, request: Request, *, subject: Probe) -> Case:
        """Request a case; another person must approve it before it opens.

        Parameters
        ----------
        request : Request
            Its subject is made by :func:`workbench.casework.subjects.describe_subject`.
        subject : Probe
            Photographs of the same person, kept as long as the case needs them.

        Raises
        ------
        NotPermitted
            If the user's role does not cover it.
        CaseError
            If the reference is taken, the photographs are not the request's, or it is for training.
        """
        if request.is_training:
            raise CaseError(
                "a training case is not requested",
                where=request.reference,
                fix="Open one with `sightline case training`",
            )
        me = self.require("case.ask", request.reference)
        described = request.subject
        if described is None or described != describe_subject(
            subject, calibrations=self.rules.calibrations, description=described.description
        ):
            raise CaseError(
                "the photographs are not those described in the request",
                where=request.reference,
                fix="Describe the subject with the same probe",
            )
        with self.exclusively():
            taken = self._spelling.get(request.reference.casefold())
            if taken is not None:
                raise CaseError("this reference is taken", where=taken, fix="Choose another")
            keep_subject(self.folder, request.reference, subject)
            self.record("case.asked", {"case": request.reference, **request.document()}, by=me)
        return self.case(request.reference)

    def approve(self, reference: str) -> Case:
        """Approve a case that another person requested.

        A case beyond the limits of the :attr:`rules` opens when two people have approved it. The
        limits in force are recorded, so that later settings do not change them. Raises
        NotPermitted if the user's role does not cover it or they requested or approved it
        themselves, and CaseError if the case is not waiting for approval.
        """
        me, limits = self.require("case.approve", reference), self.rules.limits
        with self.exclusively():
            self._approve(reference, me, limits)
        return self.case(reference)

    def _approve(self, reference: str, me: Person, limits: Limits) -> None:
        case = self.case(reference)
        if case.state != "requested":
            raise CaseError(
                f"is {case.state}", where=reference, fix="Only a requested case can be approved"
            )
        reason = ""
        if me.account == case.asked_by:
            reason = f"{me.account} requested the case and may not approve it"
        elif me.account in case.approved_by:
            reason = (
                f"{me.account} has approved it already; a case beyond the limits takes two people"
            )
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
        """Decline a requested case; raise CaseError if it is not waiting for approval."""
        me, case = self.require("case.approve", reference), self.case(reference)
        if case.state != "requested":
            raise CaseError(
                f"is {case.state}", where=reference, fix="Only a requested case can be declined"
            )
        self.record("case.declined", {"case": reference, "reason": reason}, by=me)
        return self.case(reference)

    def close(self, reference: str, *, reason: str) -> Case:
        """Close a case for good: no more searches under it, and its sightings are held no longer.

        The person who requested it may close it, and every supervisor; a training case, everyone
        who may train. Raises NotPermitted for others, and CaseError if it has ended already.
        """
        case = self.case(reference)
        me = self.require("training.use" if case.is_training else "case.close", reference)
        if case.state not in ("open", "requested"):
            raise CaseError(
                f"is {case.state}",
                where=reference,
                fix="Only an open or requested case can be closed",
            )
        own = me.account == case.asked_by or case.is_training
        if not own and "supervisor" not in me.roles:
            self._refuse(
                "case.close",
                reference,
                f"{me.account} did not request the case",
                "Ask a supervisor",
            )
        self.record("case.closed", {"case": reference, "reason": reason}, by=me)
        return self.case(reference)

    def train(self, reference: str, scope: Scope, *, title: str = "") -> Case:
        """Open a training case, or open it again with another scope.

        It needs no approval, for it carries no authority: in an installation in service (one with a
        people file) it searches only the fictional footage of the demo.
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
                    "this reference is taken by another case",
                    where=taken,
                    fix="Choose another",
                )
            self.record("case.training", {"case": reference, **request.document()}, by=me)
        return self.case(reference)

    # --- The record -----------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """Number and hash of the record's last entry, to be pinned elsewhere."""
        with self._lock:
            self.refresh()
            return self._log.head

    @property
    def last_at(self) -> datetime | None:
        """Time of the last entry (UTC); None in an empty record."""
        return self._log.last_at

    def record(self, what: str, about: Mapping[str, Any], *, by: Person | None = None) -> Entry:
        """Add an entry in the name of the user, or of *by*; signed where its kind demands it."""
        with self.exclusively():
            me, people = by or self.me, read_people(self.folder)
            named, before = me.named(), self._log.head.hash
            made = signature(me.account, people.keys.get(me.account, ()), before, what, about)
            if made:
                named["signature"] = made
            elif what in SIGNED and people.in_service:
                raise NotPermitted(
                    f"{me.account} has no key on this machine that is in the people file",
                    where=what,
                    fix="Run `sightline people key` and give its output to the administrator",
                )
            found = self._log.append(what, named, about)
            self._apply_entries(found)
            return found[-1]

    def refused(self, action: str, reference: str, reasons: Sequence[str]) -> None:
        """Record an attempt that was refused, with the reasons."""
        about = {"case": reference[:200], "action": action, "reasons": list(reasons)}
        self.record(f"{action}.refused", about)

    def entries_of(self, reference: str, what: str) -> tuple[Entry, ...]:
        """Return the entries about a case whose kind begins with *what*; kinds in ``KEPT`` only."""
        with self._lock:
            self.refresh()
            return tuple(self._entries_about(reference, what))

    def doubts(self, reference: str) -> tuple[str, ...]:
        """Return why entries about a case are ignored: the person they name did not sign them."""
        return tuple(self._doubts.get(reference, ()))

    @contextlib.contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other processes from writing between a decision and its entry."""
        with self._lock, self._log.exclusively():
            self.refresh()
            yield

    def refresh(self) -> None:
        """Read the entries that others have written since."""
        with self._lock:
            self._apply_entries(self._log.read_new())

    # --- Within ---------------------------------------------------------------------------

    def _refuse(self, action: str, reference: str, reason: str, fix: str) -> None:
        self.refused(action, reference, [reason])
        raise NotPermitted(reason, where=reference, fix=fix)

    def _apply_entries(self, entries: Sequence[Entry]) -> None:
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

    def _entries_about(self, reference: str, what: str) -> list[Entry]:
        return [e for e in self._entries.get(reference, ()) if e.what.startswith(what)]

    def _case(self, reference: str) -> Case:
        if reference not in self._built:
            self._built[reference] = fold(self._entries_about(reference, "case."))
        return self._built[reference]


def fold(entries: Sequence[Entry]) -> Case:
    """Build a case from the entries about it, in their order."""
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
        state: State = "open" if len(approved_by) > bool(exceeds) else "requested"
        cameras = int(entry.about["most_cameras"])
        return replace(
            case, approved_by=approved_by, exceeds=tuple(dict.fromkeys(exceeds)),
            most_cameras=cameras, state=state,
        )  # fmt: skip
    ended: State = "closed" if entry.what == "case.closed" else "declined"
    return replace(case, state=ended, ended_at=entry.at, reason=str(entry.about["reason"]))


def open_register(settings: Settings) -> CaseRegister:
    """Register of an installation: ``casework`` in its home, with the rules of its settings.

    Raises
    ------
    AuditDamaged
        If the record is not what was written.
    """
    return CaseRegister(settings.home.resolve() / FOLDER, Rules.of(settings))


def all_entries(folder: Path) -> Iterator[Entry]:
    """Read every entry of a record, from the first on; for auditors."""
    yield from AuditLog(folder).read_new()

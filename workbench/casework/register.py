"""Register of an installation's cases, as its record has them, used in one person's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.approval import Approvals
from workbench.casework.cases import Case, Request, Rules
from workbench.casework.erasure import erase_unconfirmed
from workbench.casework.lifecycle import fold
from workbench.casework.members import checked_members, sees
from workbench.casework.plaintext import required_reason
from workbench.casework.record.audit import AuditLog
from workbench.casework.record.chain import Entry
from workbench.casework.record.people import (
    People,
    Person,
    identify,
    new_people,
    spelled,
)
from workbench.casework.subjects import delete_subject, keep_subject, require_described
from workbench.errors import CaseError, NotPermitted, SettingsError

if TYPE_CHECKING:
    from workbench.domain import Probe, Scope
    from workbench.settings import Settings

FOLDER = "casework"
TRAINING_DAYS = 365


class CaseRegister(Approvals):
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
    settings : Settings
        Settings of the environment: in training its rules count where the installation's file is
        silent.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        super().__init__(folder)
        self._settings = settings
        self._not_erased: dict[str, float] = {}  # by reference: when deleting failed
        self._built: dict[str, tuple[int, Case]] = {}  # with the number of entries it is built of

    @property
    def rules(self) -> Rules:
        """Rules of the installation as they are now: see :meth:`Settings.with_rules`.

        A change of its calibrations, also by hand, is recorded when it is noticed.
        """
        file = self.installation_file
        rules = Rules.of(self._settings.with_rules(file.rules, in_service=file.in_service))
        if file.in_service:
            self._notice_calibrations(rules.calibrations)
        return rules

    # --- People ---------------------------------------------------------------------------

    def grant(self, account: str, role: str, *, granted: bool = True) -> People:
        """Give an account a role, or take it away; the folder's owner is the first administrator.

        Its entry is made once the people file is on the disk, and before that takes effect: there
        is no role without an entry of who gave it. A role that the account has already is not given
        again: who gave it first stands.

        Raises
        ------
        NotPermitted
            If the user is not an administrator, or not the owner where there is none yet.
        SettingsError
            If there is no such role, the account does not have the one to be taken away, no
            administrator would be left, the people file cannot be written, or this is the demo's
            own home.
        """
        with self.exclusively():
            return self._grant(spelled(account), role, granted=granted)

    def _grant(self, account: str, role: str, *, granted: bool) -> People:
        people = self.people
        if people.is_demo:
            raise SettingsError(
                "the demo's own home grants no roles",
                where=str(self.folder),
                fix="Set SIGHTLINE_HOME to the home of your installation",
            )
        had = people.roles.get(account, frozenset()) if people.in_service else None
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
        if people.roles[account] == had:
            if granted:
                return people
            raise SettingsError(
                f"{account} is not {role}, so that cannot be taken back",
                where=account,
                fix="Check the name: `sightline people list` shows who has which role",
            )
        if not any("administrator" in roles for roles in people.roles.values()):
            raise SettingsError(
                "no administrator would be left",
                where=account,
                fix="Make another account administrator first",
            )
        about = {"account": account, "role": role, "granted": granted}
        with new_people(self.folder, people):
            self.record("people.granted" if granted else "people.revoked", about, by=me)
        return self.people

    # --- Cases ----------------------------------------------------------------------------

    def cases(self) -> tuple[Case, ...]:
        """Return the cases the user needs to know of, in the order in which they were requested.

        These are the cases that the user is a member of; all of them for supervisors and auditors,
        and where the installation only trains; none without a role. Urgent ones that were not
        confirmed are among them: what remains of these is the record.
        """
        me = self.me
        self.erase_unconfirmed()
        return tuple(case for case in self.all_cases() if sees(me, case))

    def case(self, reference: str, *, ended: bool = False) -> Case:
        """Return a case the user needs to know of, and under which they may do something.

        Everything that is done under a case asks for it here, so that nothing is from the minute
        on in which an urgent case should have been confirmed: what came of it is deleted then, if
        that has not been done. With *ended* such a case is returned, to show that it was.

        Raises NotPermitted if their role does not cover reading cases, and CaseError if none has
        exactly this reference, they are not one of its members, or it was urgent and is not
        confirmed; attempts are recorded.
        """
        me, case = self.require("case.read", reference), self.find_case(reference)
        if case is not None and sees(me, case):
            if case.state != "not confirmed":
                return case
            self.erase_unconfirmed()
            if ended:
                return self.find_case(reference) or case
            what = f"the case was urgent and is over: {case.reason}"
            self.refused("case.read", reference, [what])
            raise CaseError(
                what, where=reference, fix="What came of it is deleted; request a new case"
            )
        if case is not None:
            self.refused("case.read", reference, [f"{me.account} is not a member of the case"])
        close = self._spelling.get(reference.casefold())
        similar = self.find_case(close) if close and close != reference else None
        raise CaseError(
            "no such case, or you are not one of its members",
            where=reference[:80],
            fix=f"Perhaps you mean {close}"
            if similar is not None and sees(me, similar)
            else "`sightline case list` lists your cases",
        )

    def all_cases(self) -> tuple[Case, ...]:
        """Return all cases, whoever asks: for retention, oversight and the like, never to show."""
        with self._lock:
            self.refresh()
            found = (self._case(name) for name in self._entries)
            return tuple(case for case in found if case is not None)

    def erase_unconfirmed(self, *, at_once: bool = False) -> tuple[str, ...]:
        """Delete what came of urgent cases that were not confirmed in time, if it is still there.

        What could not be deleted is tried again a minute later, or *at_once*. Returns the
        references of those of which something was; see :mod:`workbench.casework.erasure`.
        """
        return erase_unconfirmed(self, self.all_cases(), {} if at_once else self._not_erased)

    def find_case(self, reference: str) -> Case | None:
        """Return a case by its reference, whoever asks, or None: never to show."""
        with self._lock:
            self.refresh()
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
            If the reference is taken, the photographs are not the request's or it is not stated
            where they come from, a member has no role here, or it is for training.
        """
        if request.is_training:
            raise CaseError(
                "a training case is not requested",
                where=request.reference,
                fix="Open one with `sightline case training`",
            )
        me = self.require("case.ask", request.reference)
        require_described(request, subject, calibrations=self.rules.calibrations)
        members = checked_members(self.people, request.members, where=request.reference)
        request = replace(request, members=members)
        with self.exclusively():
            taken = self._spelling.get(request.reference.casefold())
            if taken is not None:
                raise CaseError(
                    "this reference is taken", where=request.reference, fix="Choose another"
                )
            keep_subject(self.folder, request.reference, subject)
            try:
                self.record("case.asked", {"case": request.reference, **request.document()}, by=me)
            except BaseException:
                delete_subject(self.folder, request.reference)  # of no case, no one would
                raise
        return self.case(request.reference)

    def close(self, reference: str, *, reason: str) -> Case:
        """Close a case for good: no more searches under it, and its sightings are held no longer.

        The person responsible for it may close it, and every supervisor; a training case, everyone
        who may train. Raises NotPermitted for others, and CaseError if it has ended already or the
        reason is missing.
        """
        reason = required_reason(reason, reference)
        with self.exclusively():
            self._close(reference, reason)
        return self.case(reference)

    def _close(self, reference: str, reason: str) -> None:
        case = self.case(reference)
        me = self.require("training.use" if case.is_training else "case.close", reference)
        if case.state not in ("open", "requested"):
            raise CaseError(
                f"is {case.state}",
                where=reference,
                fix="Only an open or requested case can be closed",
            )
        own = me.account == case.responsible or case.is_training
        if not own and "supervisor" not in me.roles:
            self.refuse(
                "case.close",
                reference,
                f"{me.account} is not responsible for the case",
                "Ask a supervisor",
            )
        self.record("case.closed", {"case": reference, "reason": reason}, by=me)

    def add_member(self, reference: str, account: str) -> Case:
        """Make an account a member of a case, so that it may see the case and work on it.

        For the person responsible for the case, and supervisors. Raises NotPermitted for others,
        and CaseError if the account has no role here or the case is for training.
        """
        me, case = self.require_own(reference, "case.member")
        (name,) = checked_members(self.people, [account], where=reference)
        if name not in case.members:
            self.record("case.member.added", {"case": reference, "account": name}, by=me)
        return self.case(reference)

    def remove_member(self, reference: str, account: str) -> Case:
        """Take the membership of a case from an account, but never from who is responsible.

        For the person responsible for the case, and supervisors. Raises NotPermitted for others,
        and CaseError if the account is not a member or is responsible for the case.
        """
        me, case = self.require_own(reference, "case.member")
        if account not in case.members:
            raise CaseError(
                f"{account} is not a member", where=reference, fix="Choose another member"
            )
        if account == case.responsible:
            raise CaseError(
                f"{account} is responsible for the case", where=reference, fix="Hand it over first"
            )
        self.record("case.member.removed", {"case": reference, "account": account}, by=me)
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
            known = self._case(reference)
            if taken is not None and not (known is not None and known.is_training):
                raise CaseError(
                    "this reference is taken",  # and no more: the case may not be theirs to know
                    where=reference,
                    fix="Choose another",
                )
            self.record("case.training", {"case": reference, **request.document()}, by=me)
        return self.case(reference)

    # --- The record -----------------------------------------------------------------------

    def entries_of(self, reference: str, what: str) -> tuple[Entry, ...]:
        """Return the entries about a case whose kind begins with *what*; kinds in ``KEPT`` only.

        In service everyone who may train sees a training case. What was done under it before, with
        whatever footage and faces there were, is left out then. Of an urgent case that was not
        confirmed, all is left out but what became of it.
        """
        found = super().entries_of(reference, what)
        case = self.find_case(reference) if reference else None
        if case is not None and case.state == "not confirmed":
            return tuple(entry for entry in found if entry.what.startswith("case."))
        if case is None or not case.is_training:
            return found
        changes = super().entries_of("", "installation.changed")
        since = next((e.number for e in changes if e.about["mode"] == "in service"), 0)
        return tuple(entry for entry in found if entry.number > since)

    def require_own(self, reference: str, action: str) -> tuple[Person, Case]:
        """Return the user and a case that they are responsible for or, as a supervisor, any.

        Raises NotPermitted for others, with the *action* on record, and CaseError for a training
        case.
        """
        case = self.case(reference)
        me = self.require("case.ask", reference)
        if case.is_training:
            raise CaseError(
                "a training case has neither members nor changes",
                where=reference,
                fix="Open it again with another area and time",
            )
        if me.account != case.responsible and "supervisor" not in me.roles:
            why = f"{me.account} is not responsible for the case"
            self.refuse(action, reference, why, "Ask who is responsible, or a supervisor")
        return me, case

    @contextmanager
    def keeping_open(self, case: Case, *, fix: str, valid_now: bool = True) -> Iterator[Case]:
        """Keep a case, as it is by now, from ending; raise CaseError, with *fix*, if it has ended.

        What is kept of its subject is kept within: after the end nobody would delete it. Without
        *valid_now*, a case that has expired or is not yet valid passes too.
        """
        with self.exclusively():
            now = self.find_case(case.reference) or case
            now.require_open(fix=fix, valid_now=valid_now)
            yield now

    # --- Within ---------------------------------------------------------------------------

    def _case(self, reference: str) -> Case | None:
        entries = self._entries_about(reference, "case.")
        count, case = self._built.get(reference, (0, None))
        if count != len(entries):
            case = fold(entries)
            if case is not None:
                self._built[reference] = len(entries), case
        # By this machine's clock, or the record's where that is ahead: set back, it gains nobody
        # time.
        return case and case.at(max(datetime.now(UTC), self.last_at or case.asked_at))


def open_register(settings: Settings) -> CaseRegister:
    """Register of an installation: ``casework`` in its home, with the rules of its settings.

    Raises
    ------
    AuditDamaged
        If the record is not what was written.
    """
    return CaseRegister(settings.home.resolve() / FOLDER, settings)


def all_entries(folder: Path) -> Iterator[Entry]:
    """Read every entry of a record, from the first on; for auditors."""
    yield from AuditLog(folder).read_new()

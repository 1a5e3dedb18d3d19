"""Approval of cases by other people than the one who requested them: before, or soon after.

An ordinary case opens when it is approved. An urgent one begins at once when one person lets it,
and another confirms that in time, or does not.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from workbench.casework.ledger import Ledger
from workbench.casework.plaintext import plain, required_reason
from workbench.casework.searches import has_searched
from workbench.casework.urgency import is_same_person, is_urgent_again
from workbench.errors import CaseError, NotPermitted

if TYPE_CHECKING:
    from workbench.casework.cases import Case, Change, Rules
    from workbench.casework.record.people import Person


class Approvals(Ledger):
    """The part of a register in which people decide on what others requested."""

    @property
    def rules(self) -> Rules:
        """Rules of the installation."""
        raise NotImplementedError

    def case(self, reference: str, *, ended: bool = False) -> Case:
        """Return a case: see :meth:`CaseRegister.case`."""
        raise NotImplementedError

    def all_cases(self) -> tuple[Case, ...]:
        """Return all cases, whoever asks: see :meth:`CaseRegister.all_cases`."""
        raise NotImplementedError

    def approve(self, reference: str, *, digest: str) -> Case:
        """Approve a case, or a change of one, that another person requested.

        *digest* is that of the request that was read: only that one is approved. A case beyond the
        limits of the :attr:`rules` opens when two people have approved it; an urgent one at once,
        and ends unless another person confirms it: see :meth:`confirm`. The limits in force are
        recorded, so that later settings do not change them.

        Raises
        ------
        NotPermitted
            If the user's role does not cover it, they requested it, are responsible for it or
            have approved it themselves; what they approve is a change, and they have searched
            under the case; or it is urgent, and they let one like it begin that nobody confirmed.
        CaseError
            If the case is not waiting for approval, or its request is not the one that was read.
        """
        me, limits = self.require("case.approve", reference), self.rules.limits
        searched = has_searched(self.folder, reference, me.account)
        with self.exclusively():
            case = self.case(reference)
            waits = case.waiting
            if waits is None:
                raise CaseError(
                    f"is {case.state}", where=reference, fix="Only a requested case can be approved"
                )
            why = f"{me.account} has approved it already; a case beyond the limits takes two people"
            self._check_reader("approve", case, waits, me, digest, why)
            if searched:  # which is possible where a change waits
                why = f"{me.account} has searched under the case and may not approve its change"
                self.refuse("case.approve", reference, why, "Ask another supervisor")
            if case.request.urgent and waits is case:
                self._check_not_again(case, me)
            about = {
                "case": reference,
                "request": waits.digest,
                "exceeds": list(waits.request.exceeds(limits)),
                "limits": asdict(limits),
                "most_cameras": waits.request.cameras or limits.cameras,
            }
            if waits is not case:
                self.record("case.change.approved", about, by=me)
            else:
                self.record("case.begun" if case.request.urgent else "case.approved", about, by=me)
        return self.case(reference)

    def confirm(self, reference: str, *, digest: str, authorisation: str = "") -> Case:
        """Confirm an urgent case that another person let begin, before it is too late.

        *digest* is that of the request that was read, *authorisation* the reference of the outside
        decision, which the request may lack. A case that is not confirmed in time ends, and what
        came of it is deleted: see :mod:`workbench.casework.erasure`.

        Raises
        ------
        NotPermitted
            If the user's role does not cover it, or they requested it, let it begin, or searched
            under it.
        CaseError
            If it waits for no confirmation or no longer, its request is not the one that was read,
            or the reference of the decision is missing.
        """
        me = self.require("case.approve", reference)
        self.case(reference)  # what came of one that is over is deleted first
        authorisation = plain(authorisation, where="authorisation")
        searched = has_searched(self.folder, reference, me.account)
        with self.exclusively():
            case = self.case(reference)
            if case.confirm_by is None:
                raise CaseError(
                    "waits for no confirmation",
                    where=reference,
                    fix="Only an urgent case that has begun is confirmed, and once",
                )
            if searched:
                why = f"{me.account} has searched under the case and may not confirm it"
                self.refuse("case.confirm", reference, why, "Ask another supervisor")
            why = f"{me.account} let the case begin, and another person confirms it"
            self._check_reader("confirm", case, case, me, digest, why)
            if not (case.authorisation or authorisation):
                raise CaseError(
                    "the reference of the outside decision is missing",
                    where=reference,
                    fix=f"Name the decision of {case.request.authority}, or decline the case",
                )
            about = {"case": reference, "request": case.digest, "authorisation": authorisation}
            self.record("case.confirmed", about, by=me)
        return self.case(reference)

    def decline(self, reference: str, *, reason: str) -> Case:
        """Decline a case or a change that another person requested, or to confirm an urgent case.

        Without the change, a case stays as it was approved. An urgent one that has begun ends with
        it, and what came of it is deleted. Raises
        NotPermitted if the user's role does not cover it or they requested it themselves, and
        CaseError if it waits neither for approval nor to be confirmed, or the reason is missing.
        """
        me = self.require("case.approve", reference)
        reason = required_reason(reason, reference)
        with self.exclusively():
            case = self.case(reference)
            waits = case.waiting
            if waits is None and case.confirm_by is None:
                raise CaseError(
                    f"is {case.state}", where=reference, fix="Only a requested case can be declined"
                )
            if objection := case.objection(me.account):
                why = f"{objection} and may not decline it"
                self.refuse("case.decline", reference, why, "Close it instead")
            about = {"case": reference, "reason": reason}
            if waits is not None and waits is not case:
                self.record("case.change.declined", {**about, "request": waits.digest}, by=me)
            else:
                self.record("case.declined", about, by=me)
        return self.case(reference, ended=True)

    def refuse(self, action: str, reference: str, reason: str, fix: str) -> None:
        """Record that an attempt is refused, and raise NotPermitted."""
        self.refused(action, reference, [reason])
        raise NotPermitted(reason, where=reference, fix=fix)

    def _check_not_again(self, case: Case, me: Person) -> None:
        """Refuse who let an urgent case like this one begin that has not been confirmed.

        Else two people could search for somebody for ever, 48 hours at a time, without anybody
        else's decision.
        """
        for one in self.all_cases():
            if me.account in one.approved_by and is_urgent_again(case, one):
                why = (
                    f"{me.account} let {one.reference} begin, an urgent case of the same "
                    f"{'person' if is_same_person(case, one) else 'requester'} that "
                    f"{'was not confirmed' if one.confirm_by is None else 'is not confirmed yet'}"
                )
                self.refuse("case.approve", case.reference, why, "Ask another supervisor")

    def _check_reader(
        self, what: str, case: Case, waits: Case | Change, me: Person, digest: str, twice: str
    ) -> None:
        """Refuse whose case it is or who decided on it before, and who has read another request."""
        action = f"case.{what}"
        if objection := case.objection(me.account):
            why = f"{objection} and may not {what} it"
            self.refuse(action, case.reference, why, "Ask another supervisor")
        if me.account in waits.approved_by:
            self.refuse(action, case.reference, twice, "Ask another supervisor")
        if digest.strip().lower() != waits.digest:
            why = "this is not the request that was read"
            self.refused(action, case.reference, [f"{why}: {digest[:80]}"])
            fix = f"Read the request again, then {what} it"
            raise CaseError(why, where=case.reference, fix=fix)

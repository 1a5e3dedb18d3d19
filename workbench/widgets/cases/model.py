"""Cases of an installation, and what the person at the page may do with the one that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from traitlets import Bool, Instance, Tuple, Unicode

from workbench.casework.cases import Case
from workbench.casework.changes import hand_over
from workbench.casework.facts import exceeded, urgent_notice
from workbench.casework.history import Event, history
from workbench.casework.subjects import subject_photographs
from workbench.casework.viewing import Watched, watched
from workbench.casework.waiting import may_confirm, may_decide_on, waiting_for_me
from workbench.errors import SightlineError
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components.media import Standing
from workbench.widgets.components.tasks import Tasks

if TYPE_CHECKING:
    from workbench.casework.record.people import Person
    from workbench.casework.register import CaseRegister
    from workbench.installation import Installation
    from workbench.widgets.components.work import Work

Offer: TypeAlias = Literal["approve", "confirm", "decline", "change", "close", "members"]


class CasesModel(Tasks):
    """View-model of the list of cases, and of the one that is shown.

    Problems are reported in ``messages``, under ``cases``, ``case``, ``members``, ``history`` or
    ``watched``.
    What a person may not do is not offered, and refused by the register whoever asks for it.

    >>> model = CasesModel(installation=Installation.open())             # doctest: +SKIP
    >>> model.choose("A-2026-117")                                       # doctest: +SKIP
    >>> model.offers                                                     # doctest: +SKIP
    ('approve', 'decline', 'members')

    Raises
    ------
    SightlineError
        If the person at the page may not read cases, or the record cannot be read.
    """

    waiting = Tuple(help="what waits for the person at the page, each a Waiting")
    cases = Tuple(help="the cases that may be read, each a Case, newest request first")
    shown = Instance(Case, allow_none=True, help="the case that is shown, as it was read")
    photographs = Tuple(help="JPEGs of its subject, where the person may see faces")
    ended = Bool(False, help="list the cases that have ended, too")
    said = Unicode(help="what was done last")

    def __init__(
        self,
        *,
        installation: Installation,
        gallery: Path | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self.zone = installation.settings.zone or UTC_ZONE
        self.me: Person = installation.register.require("case.read")
        self.refresh()

    @property
    def trains(self) -> bool:
        """True if the installation is in training, where no case carries any authority."""
        return not self.me.in_service

    @property
    def mine(self) -> Sequence[Case]:
        """The cases of the list that the person at the page is a member of."""
        return [case for case in self.listed if self.me.account in case.members]

    @property
    def others(self) -> Sequence[Case]:
        """The other cases of the list, which they see by their role."""
        return [case for case in self.listed if self.me.account not in case.members]

    @property
    def exceeded(self) -> Sequence[str]:
        """The limits of one approval that the case shown, or its change, goes beyond."""
        case = self.shown
        return exceeded(case, self.installation.register.rules.limits) if case else ()

    @property
    def listed(self) -> Sequence[Case]:
        """The cases of the list: all, or those that have not ended."""
        over = ("closed", "declined", "expired", "not confirmed")
        return [
            case
            for case in self.cases
            if self.ended or case.confirm_by is not None or case.status() not in over
        ]

    def refresh(self) -> None:
        """Read the cases again, and with them the one that is shown."""
        self.say("cases")
        try:
            register = self.installation.register
            self.me = register.require("case.read")
            self.cases, self.waiting = tuple(reversed(register.cases())), waiting_for_me(register)
        except SightlineError as error:
            self.cases = self.waiting = ()
            self.say("cases", str(error))
        self._take(self.shown.reference if self.shown else "")

    def choose(self, reference: str) -> None:
        """Show a case, or none."""
        self.said = ""
        self._take(reference)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """Actions on the case shown that are offered to the person at the page."""
        case, me = self.shown, self.me
        if case is None:
            return ()
        own = case.responsible == me.account
        offers: list[Offer] = []
        register = self.installation.register
        if may_decide_on(register, me, case):
            offers.append("approve")
        if case.waiting and me.may("case.approve") and not case.objection(me.account):
            offers.append("decline")
        begun = case.confirm_by is not None and me.may("case.approve")
        if begun and not case.objection(me.account):
            offers += ["confirm", "decline"] if may_confirm(register, me, case) else ["decline"]
        may_change = not case.is_training and me.may("case.ask")
        if case.state == "open" and may_change and (own or "supervisor" in me.roles):
            offers.append("change")
        if case.state in ("requested", "open"):
            if case.is_training:
                closes = me.may("training.use")
            else:
                closes = me.may("case.close") and (own or "supervisor" in me.roles)
            offers += ["close"] if closes else []
            if may_change and (own or "supervisor" in me.roles):
                offers.append("members")
        return tuple(offers)

    @property
    def standing(self) -> Standing | None:
        """Question that is asked each time before the browser gets the photographs."""
        if self.shown is None:
            return None
        return Standing(_may_look, (self.installation.register, self.shown.reference))

    def approve(self) -> None:
        """Approve the request as it was read: one that was exchanged meanwhile is refused."""

        def act(case: Case) -> Case:
            waits = case.waiting or case  # the register says why nothing can be approved
            return self.installation.register.approve(case.reference, digest=waits.digest)

        def words(case: Case) -> str:
            if case.confirm_by is not None:
                return f"You let {case.reference} begin. {urgent_notice(case, zone=self.zone)}"
            if case.waiting is None:
                return f"You approved {case.reference}; it is {case.status()}."
            return (
                f"You approved {case.reference}. It goes beyond the limits: "
                f"{'; '.join(case.waiting.exceeds)}. A second supervisor has to approve it too."
            )

        self._act("case", act, words)

    def confirm(self, authorisation: str) -> None:
        """Confirm the urgent case as it was read; *authorisation* may be in the request."""

        def act(case: Case) -> Case:
            return self.installation.register.confirm(
                case.reference, digest=case.digest, authorisation=authorisation
            )

        self._act("case", act, lambda case: f"You confirmed {case.reference}.")

    def decline(self, reason: str) -> None:
        """Decline the request that is shown, the change of the case, or to confirm it."""

        def act(case: Case) -> Case:
            return self.installation.register.decline(case.reference, reason=reason)

        def words(case: Case) -> str:
            gone = " What came of it is deleted." if case.state == "not confirmed" else ""
            return f"You declined {case.reference}.{gone}"

        if self._is_reason(reason):
            self._act("case", act, words)

    def close(self, reason: str) -> None:
        """Close the case that is shown, for good."""

        def act(case: Case) -> Case:
            return self.installation.register.close(case.reference, reason=reason)

        if self._is_reason(reason):
            self._act("case", act, lambda case: f"You closed {case.reference}.")

    def add_member(self, account: str) -> bool:
        """Make somebody a member of the case that is shown; False if that was refused."""

        def act(case: Case) -> Case:
            return self.installation.register.add_member(case.reference, account.strip())

        if not account.strip():
            self.say("members", "Type the name with which the person signs in.")
            return False
        return self._act(
            "members", act, lambda case: f"{account.strip()} is a member of {case.reference}."
        )

    def remove_member(self, account: str) -> bool:
        """Take a member from the case that is shown; False if that was refused."""

        def act(case: Case) -> Case:
            return self.installation.register.remove_member(case.reference, account)

        return self._act(
            "members", act, lambda case: f"{account} is no longer a member of {case.reference}."
        )

    def hand_over(self, account: str, reason: str) -> bool:
        """Make somebody else responsible for the case that is shown; False if that was refused."""

        def act(case: Case) -> Case:
            register = self.installation.register
            return hand_over(register, case.reference, account.strip(), reason=reason)

        if not (account.strip() and reason.strip()):
            self.say("members", "Type the name with which the person signs in, and the reason.")
            return False
        return self._act(
            "members", act, lambda case: f"{case.responsible} is responsible for {case.reference}."
        )

    def history(self) -> tuple[Event, ...]:
        """Read what happened to the case that is shown."""
        self.say("history")
        if self.shown is None:
            return ()
        try:
            return history(self.installation.register, self.shown.reference)
        except SightlineError as error:
            self.say("history", str(error))
            return ()

    def watched(self) -> Watched | None:
        """Read what of the footage was shown under the case; None where that cannot be read."""
        self.say("watched")
        if self.shown is None or self.gallery is None:
            return None
        try:
            with self.installation.open_gallery(self.gallery) as gallery:
                return watched(self.installation.register, self.shown.reference, gallery)
        except SightlineError as error:
            self.say("watched", str(error))
            return None

    def _is_reason(self, reason: str) -> bool:
        self.say("case", "" if reason.strip() else "Write the reason first: it is on record.")
        return bool(reason.strip())

    def _act(self, field: str, act: Callable[[Case], Case], words: Callable[[Case], str]) -> bool:
        case = self.shown
        if case is None:
            return False
        self.say(field)
        self.said = ""
        try:
            changed = act(case)
        except SightlineError as error:
            # What is shown stays: a request that was exchanged must be read before it is approved.
            self.say(field, str(error))
            return False
        self.refresh()
        self.said = words(changed)
        return True

    def _take(self, reference: str) -> None:
        self.say("case")
        self.say("members")
        case = next((case for case in self.cases if case.reference == reference), None)
        photographs: tuple[bytes, ...] = ()
        self.say("history")
        if case is not None and case.status() != "not confirmed" and self.me.may("shot.view"):
            try:
                photographs = subject_photographs(self.installation.register.folder, case)
            except SightlineError as error:
                self.say("case", str(error))
        with self.hold_trait_notifications():
            self.shown, self.photographs = case, photographs


def _may_look(register: CaseRegister, reference: str) -> None:
    """Raise an error unless the user may see the case and faces, also when it is closed.

    Of an urgent case that was not confirmed, nobody sees anything.
    """
    register.require("shot.view", reference)
    register.case(reference)

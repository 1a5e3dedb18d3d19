"""Cases: read, requested, approved, declined and closed, and their members and sightings."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.casework.cases import TEMPLATES, Request
from workbench.casework.changes import ask_change, changed_request, hand_over, with_photographs
from workbench.casework.history import history
from workbench.casework.reviewing.fillers import ErrorRate, error_rates
from workbench.casework.reviewing.reviewlist import review_state
from workbench.casework.reviewing.sightings import Sighting, confirmed_sightings
from workbench.casework.subjects import describe_subject
from workbench.client.documents import Document, candidate_document, case_document, changes_from
from workbench.domain import parse_time
from workbench.errors import CaseError
from workbench.server.api import questions
from workbench.server.api.endpoint import Endpoint
from workbench.server.api.problems import BadInput

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.casework.register import CaseRegister


class _OfCases(Endpoint):
    @property
    def register(self) -> CaseRegister:
        """The register of cases, used in the person's name."""
        return self.served.installation.register


class Cases(_OfCases):
    """``cases``: the cases that one may read; a new request."""

    async def get(self) -> None:
        """Send all, in the order in which they were requested."""
        await self.send(self._listed)

    async def post(self) -> None:
        """Request a case; another person approves it."""
        await self.send(self._ask, heavy=True, status=201)

    def _listed(self) -> Document:
        self.register.require("case.read")
        return {"cases": [case_document(case) for case in self.register.cases()]}

    def _ask(self) -> Document:
        document, pictures = questions.read(self)
        register, served = self.register, self.served
        reference = questions.text_of(document, "reference")
        register.require("case.ask", reference)
        provenance = questions.provenance_of(pictures)
        with served.opened() as gallery:  # for its profile: a subject is of one
            probe = questions.make_probe(served, pictures, gallery.profile)
        try:
            subject = describe_subject(
                probe,
                calibrations=register.rules.calibrations,
                description=questions.text_of(document, "description", default=""),
                provenance=provenance,
                born=questions.text_of(document, "born", default=""),
            )
            request = Request(
                **questions.understood(lambda: _asked(document, reference), "case"),
                subject=subject,
            )
        except CaseError as error:
            raise BadInput(error.what, where=error.where, fix=error.fix) from None
        return case_document(register.ask(request, subject=probe))


class OneCase(_OfCases):
    """``cases/REF``: one case."""

    async def get(self, reference: str) -> None:
        """Send it, with the digest that an approval names."""
        await self.send(partial(self._shown, reference))

    def _shown(self, reference: str) -> Document:
        self.register.require("case.read", reference)
        return case_document(self.case(reference, ended=True))


class CaseAction(_OfCases):
    """``cases/REF/approve``, ``confirm``, ``decline``, ``close``, ``responsible``: its fate."""

    async def post(self, reference: str, action: str) -> None:
        """Do it, and send the case as it is then."""
        await self.send(partial(self._done, reference, action), heavy=action == "change")

    def _done(self, reference: str, action: str) -> Document:
        self.case(reference)
        if action == "change":
            return case_document(self._change(reference))
        document = self.document
        if action == "approve":
            digest = questions.text_of(document, "digest")
            return case_document(self.register.approve(reference, digest=digest))
        if action == "confirm":
            digest = questions.text_of(document, "digest")
            named = questions.text_of(document, "authorisation", default="")
            return case_document(
                self.register.confirm(reference, digest=digest, authorisation=named)
            )
        reason = questions.text_of(document, "reason")
        if action == "responsible":
            account = questions.text_of(document, "account")
            return case_document(hand_over(self.register, reference, account, reason=reason))
        act = self.register.decline if action == "decline" else self.register.close
        return case_document(act(reference, reason=reason))

    def _change(self, reference: str) -> Case:
        document, pictures = questions.read(self)
        changes = questions.understood(lambda: changes_from(document), "change")
        register, served = self.register, self.served
        _, case = register.require_own(reference, "case.change")
        probe = None
        try:
            asked = changed_request(case, changes)
            if pictures:
                provenance = questions.provenance_of(pictures)
                with served.opened() as gallery:  # for its profile: a subject is of one
                    probe = questions.make_probe(served, pictures, gallery.profile)
                asked = with_photographs(
                    case, asked, probe,
                    provenance=provenance, calibrations=register.rules.calibrations,
                    born=questions.text_of(document, "born", default=""),
                )  # fmt: skip
        except CaseError as error:
            raise BadInput(error.what, where=error.where, fix=error.fix) from None
        return ask_change(register, asked, subject=probe)


class CaseHistory(_OfCases):
    """``cases/REF/history``: what happened to a case, in words."""

    async def get(self, reference: str) -> None:
        """Send it, in order."""
        await self.send(partial(self._told, reference), heavy=True)

    def _told(self, reference: str) -> Document:
        self.case(reference, ended=True)
        return {
            "events": [
                {"at": e.at.isoformat(), "account": e.account, "what": e.words, "entry": e.entry}
                for e in history(self.register, reference)
            ]
        }


class Member(_OfCases):
    """``cases/REF/members/ACCOUNT``: somebody who needs to know of a case."""

    async def put(self, reference: str, account: str) -> None:
        """Make the account a member."""
        await self.send(partial(self._changed, reference, account, member=True))

    async def delete(self, reference: str, account: str) -> None:
        """Make it one no longer."""
        await self.send(partial(self._changed, reference, account, member=False))

    def _changed(self, reference: str, account: str, *, member: bool) -> Document:
        self.case(reference)
        change = self.register.add_member if member else self.register.remove_member
        return case_document(change(reference, account))


class CaseSightings(_OfCases):
    """``cases/REF/sightings``: what two people decided shows the subject."""

    async def get(self, reference: str) -> None:
        """Send them in order of time; with ``?shots=1`` with their best shots. It is on record."""
        shots = self.get_query_argument("shots", "") not in ("", "0")
        await self.send(partial(self._confirmed, reference, shots=shots), heavy=True)

    def _confirmed(self, reference: str, *, shots: bool) -> Document:
        self.case(reference)
        with self.served.opened() as gallery:
            found = confirmed_sightings(self.register, reference, gallery)
        return {
            "sightings": [_sighting(one, shots=shots) for one in found.sightings],
            "gone": found.gone,
            "withheld": found.withheld,
        }


class CaseReview(_OfCases):
    """``cases/REF/review``: how far the review of a case is."""

    async def get(self, reference: str) -> None:
        """Send how many faces are on its list, are decided, wait and are lost."""
        await self.send(partial(self._state, reference))

    def _state(self, reference: str) -> Document:
        self.case(reference)
        return asdict(review_state(self.register, reference))


class ReviewRates(_OfCases):
    """``review/rates``: how often each reviewer took a filler for a subject."""

    async def get(self) -> None:
        """Send the rates, for supervisors and auditors."""
        await self.send(self._rates, heavy=True)

    def _rates(self) -> Document:
        return {"reviewers": [_rate(rate) for rate in error_rates(self.register)]}


def _asked(document: dict[str, Any], reference: str) -> dict[str, Any]:
    """Take the parts of a request from a document; a template gives what it does not name."""
    name = questions.text_of(document, "template")
    if name not in TEMPLATES:
        raise BadInput(
            f"{name[:40]!r} is not a kind of case",
            where="template",
            fix=f"Choose from {', '.join(sorted(TEMPLATES))}",
        )
    template, scope = TEMPLATES[name], questions.scope_of(document)
    now = datetime.now(UTC)
    days = document.get("valid_days")
    valid = template.valid
    if days is not None:
        valid = timedelta(days=questions.number_of(document, "valid_days"))
    begins = document.get("valid_from")
    begin = now if begins is None else parse_time(str(begins), where="valid_from")
    cameras = document.get("cameras")
    if cameras is not None and (not isinstance(cameras, int) or isinstance(cameras, bool)):
        raise BadInput("is not a whole number", where="cameras", fix="Send one, or leave it out")
    return {
        "reference": reference,
        "purpose": template.purpose,
        "title": questions.text_of(document, "title", default=""),
        "legal_basis": questions.text_of(document, "legal_basis", default=template.legal_basis),
        "authority": questions.text_of(document, "authority"),
        "authorisation": questions.text_of(document, "authorisation", default=""),
        "urgent": questions.text_of(document, "urgent", default=""),
        "district": scope.district,
        "start": scope.start,
        "end": scope.end,
        "valid_from": begin,
        "valid_until": begin + valid,
        "cameras": cameras,
        "unplaced": tuple(sorted(scope.unplaced)),
        "members": _members(document),
    }


def _members(document: dict[str, Any]) -> tuple[str, ...]:
    members = document.get("members", [])
    if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
        raise BadInput(
            "is not a list of accounts", where="members", fix="Send one, or leave it out"
        )
    return tuple(members)


def _sighting(sighting: Sighting, *, shots: bool) -> Document:
    return {
        **candidate_document(sighting.candidate, shot=shots),
        "confirmed_by": list(sighting.confirmed_by),
        "confirmed_at": sighting.confirmed_at.isoformat(),
    }


def _rate(rate: ErrorRate) -> Document:
    return {
        "reviewer": rate.reviewer,
        "fillers": rate.fillers,
        "wrong": rate.wrong,
        "interval": list(rate.interval),
    }

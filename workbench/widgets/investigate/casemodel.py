"""The case: under whose authority a question is asked, and what is recorded of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import shapely
from traitlets import Float, Instance, Tuple, Unicode

from workbench.casework.answers import shown_from
from workbench.casework.reviewing.review import list_for_review
from workbench.casework.reviewing.triage import WORTH_REVIEW, may_look, opinions, record_view
from workbench.casework.training import TRAINING_CASE
from workbench.domain import Candidate, Scope
from workbench.errors import SightlineError
from workbench.investigation import SearchResult
from workbench.maps.zones import local_time
from workbench.widgets.components.media import Media, Standing
from workbench.widgets.components.scope import ScopeModel

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.domain import Threshold

TRAINING_MARGIN = 0.1  # degrees: in training one may draw beyond the last camera


class CaseModel(ScopeModel):
    """The case of a question, the candidates found under it, and its review list.

    Problems are reported in ``messages``, under ``case`` or ``search``.
    """

    case = Unicode(help="reference of the case the question is asked under; empty for none")
    cases = Tuple(help="the cases that are open now, each a Case")
    review_status = Unicode(help="what became of putting candidates on the review list")
    threshold = Float(help="candidates with at least this score are shown")
    result = Instance(SearchResult, allow_none=True)

    _viewed: frozenset[str] = frozenset()  # tracklet_ids: best shots shown since the search
    _lowest: float = 0.0  # threshold at which candidates were shown since the search

    def refresh_cases(self) -> None:
        """Read which cases are open; a single one, or the one in the settings, is chosen.

        Raises what :attr:`workbench.installation.Installation.register` raises.
        """
        cases = tuple(
            case for case in self.installation.register.cases() if case.status() == "open"
        )
        known = [case.reference for case in cases]
        wanted: str | None = self.case or self.installation.settings.case
        if wanted not in known:
            wanted = known[0] if len(known) == 1 else ""
        with self.hold_trait_notifications():
            self.cases, self.case = cases, wanted or ""

    def take_case(self, reference: str) -> None:
        """Take the case that another page had chosen; if it is not open, none, and say so."""
        if not reference:
            return
        known = {case.reference for case in self.cases}
        self.case = reference if reference in known else ""
        if not self.case:
            self.say("case", f"{reference} is not one of your open cases.")

    @property
    def chosen_case(self) -> Case | None:
        """The case the question is asked under."""
        return next((case for case in self.cases if case.reference == self.case), None)

    def take_case_scope(self) -> None:
        """Ask about all that the case allows."""
        if case := self.chosen_case:
            self.set_district(case.request.district)
            self.set_range(case.request.start, case.request.end)

    def beyond_case(self, scope: Scope) -> bool:
        """Say beside each field what of the question the case does not cover; True if anything."""
        case = self.chosen_case
        if case is None:
            return False
        request, beyond = case.request, False
        if scope.start < request.start or scope.end > request.end:
            first, last = (
                local_time(moment, self.zone, "%d %b %Y, %H:%M:%S")
                for moment in (request.start, request.end)
            )
            self.say(
                "time",
                f"Case {case.reference} covers {first} to {last} alone. Choose a time within it, "
                "or request a case that covers more.",
            )
            beyond = True
        if not shapely.covers(request.district.area, scope.district.area):
            self.say(
                "district",
                f"Case {case.reference} covers the district {request.district.name} alone, and "
                "this one reaches outside it. Draw it within, or request a case that covers more.",
            )
            beyond = True
        return beyond

    def view(self, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Record that these candidates' best shots are shown, each once a search, before they are.

        Returns those that may be shown: the ones whose showing is on record, as long as the case
        is there for the person at the page. Once it is not, the result is dropped.
        """
        result, register = self.result, self.installation.register
        if result is None:
            return ()
        try:
            may_look(register, result.case)
        except SightlineError as error:
            Media.of_kernel().forget(one.shot_jpeg for one in result.found)
            self._viewed, self.selected, self.result = frozenset(), "", None
            self.say("search", str(error))
            return ()
        self._viewed = self._viewed_on_record(result.case, candidates, self._viewed)
        return tuple(one for one in candidates if one.tracklet_id in self._viewed)

    def _viewed_on_record(
        self, case: str, candidates: Sequence[Candidate], viewed: frozenset[str]
    ) -> frozenset[str]:
        """Put on record those that are not among the *viewed*; return all that are on it then."""
        fresh = [one.tracklet_id for one in candidates if one.tracklet_id not in viewed]
        if fresh:
            try:
                record_view(self.installation.register, case, fresh)
                return viewed | {*fresh}
            except SightlineError as error:
                self.say("search", str(error))
        return viewed

    @property
    def standing(self) -> Standing | None:
        """Question that is asked each time before the browser gets anything of the result."""
        return None if self.result is None else self.standing_of(self.result.case)

    def standing_of(self, case: str) -> Standing:
        """Question that is asked each time before the browser gets faces found under a case."""
        return Standing(may_look, (self.installation.register, case))

    def _shown_on_record(self, result: SearchResult, wanted: Threshold, else_: float) -> float:
        """Put on record that candidates are to be shown from a lower score on than so far.

        Returns the score from which on they may be shown: the one that is *wanted*, or *else_*
        where that could not be recorded.
        """
        if wanted.score >= self._lowest:
            return wanted.score
        candidates = sum(one.score >= wanted.score for one in result.found)
        try:
            shown_from(
                self.installation.register, result.case, result.entry,
                threshold=wanted, candidates=candidates,
            )  # fmt: skip
        except SightlineError as error:
            self.say("search", str(error))
            return else_
        self._lowest = wanted.score
        return wanted.score

    def list_for_review(self) -> None:
        """Put candidates on the review list of their case: those sorted as same or unsure.

        If no one has sorted any, all candidates shown.
        """
        self.say("case")
        result, self.review_status = self.result, ""
        if result is None or not self.shown:
            self.say("case", "Search first: there are no candidates to review.")
            return
        try:
            sorted_out = opinions(self.installation.register, result.case)
            shown = [one for one in result.found if one.score >= self._lowest]
            own = [one for one in shown if one.tracklet_id in sorted_out]
            worth = [one for one in own if sorted_out[one.tracklet_id].verdict in WORTH_REVIEW]
            if own and not worth:
                self.say("case", "You marked every candidate “Not same”; there is nothing to send.")
                return
            chosen = worth or self.shown
            added = list_for_review(
                self.installation.register,
                result.case,
                chosen,
                of=result.found,
                probe=result.probe,
            )
        except SightlineError as error:
            self.say("case", str(error))
            return
        what = f"sorted as same or unsure ({len(worth)})" if worth else "shown"
        faces = "1 face was" if added.faces == 1 else f"{added.faces:,} faces were"
        tested = (
            "Fillers, faces of other people that test the reviewers, are among them."
            if added.fillers
            else "No fillers, which would test the reviewers, are among them."
        )
        self.review_status = (
            f"Of the candidates {what}, {faces} added to the review list of {result.case}. {tested}"
            if added.faces
            else "All of them are already on the review list."
        )

    def train(self) -> None:
        """Open a training case over all this gallery's cameras and footage, and take it."""
        self.say("case")
        try:
            start, end = self.span or (datetime.now(UTC) - timedelta(days=1), datetime.now(UTC))
            day = timedelta(days=1)
            scope = Scope(self.whole_area(margin=TRAINING_MARGIN), start - day, end + day)
            self.installation.register.train(TRAINING_CASE, scope)
            self.refresh_cases()
            self.case = TRAINING_CASE
        except SightlineError as error:
            self.say("case", str(error))

    @property
    def shown(self) -> tuple[Candidate, ...]:
        """The candidates that reach the threshold, best first."""
        found = self.result.found if self.result else ()
        return tuple(candidate for candidate in found if candidate.score >= self.threshold)

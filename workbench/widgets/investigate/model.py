"""One investigation as an analyst sees it: the question, the answer, and what went wrong."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from traitlets import Bool, Instance, Tuple, Unicode, observe, validate

from workbench.calibration import calibration_of
from workbench.calibration.expectations import Expectations
from workbench.domain import PLAIN_SCALE, PartialAnswer, Photograph, Scope, Threshold
from workbench.errors import DistrictError, NotCalibrated, NotPermitted, SightlineError
from workbench.faces.probes import pool_photographs
from workbench.faces.templates import pool
from workbench.installation import Installation
from workbench.investigation import SearchResult, expect, search
from workbench.widgets.components.parts import count
from workbench.widgets.components.photographs import Photographs
from workbench.widgets.components.tasks import SEARCHING
from workbench.widgets.components.work import Work
from workbench.widgets.investigate.casemodel import CaseModel

# The most that a page can show; the summary says where there were more.
MOST_CANDIDATES = 2_000


class Investigation(Photographs, CaseModel):
    """The question that is being asked of a gallery, and its answer.

    >>> asked = Investigation(Path("town.duckdb"), installation=Installation.open())
    ...                                                                 # doctest: +SKIP
    >>> asked.add_photograph("anna.jpg", Path("anna.jpg").read_bytes()) # doctest: +SKIP
    >>> asked.set_district(asked.whole_area())                          # doctest: +SKIP
    >>> asked.case = "A-2026-117"                                       # doctest: +SKIP
    >>> asked.search()                                                  # doctest: +SKIP
    >>> asked.shown[0].camera.name                                      # doctest: +SKIP

    Problems with the question are reported in ``messages``, under ``target``, ``district``,
    ``time``, ``case`` or ``search``.

    Parameters
    ----------
    gallery : Path
        The gallery to ask. It is opened for each use and closed again, so that footage can be
        indexed while the page is open.
    installation : Installation
        Whose cases, models and settings are used.
    zone : ZoneInfo, optional
        The zone of local times; by default the zone of the cameras' place.
    work : Work, optional
        Where long work is done; by default at once and in place.

    Raises
    ------
    GalleryError
        If there is no gallery, or it cannot be read.
    """

    recommended = Instance(
        Threshold,
        allow_none=True,
        help="threshold of the calibration, for this number of photographs, if there is one",
    )
    scale = Unicode(help="scale that the threshold, and the scores of the result, are on")
    scores = Tuple((0.0, 1.0), help="lowest and highest threshold that can be set")
    uncalibrated = Unicode(help="why no threshold is recommended, and what helps")
    forecast = Instance(Expectations, allow_none=True, help="what a score is worth, before asking")
    so_far = Instance(
        PartialAnswer,
        allow_none=True,
        help="partial answer of the search that goes on; its faces were put on record",
    )
    asking = Unicode(help="case of the search that goes on")
    is_stale = Bool(help="the question has changed since the result was found")
    selected = Unicode(help="the tracklet_id of the candidate that is highlighted, or nothing")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo | None = None,
        work: Work | None = None,
    ) -> None:
        super().__init__(gallery, installation=installation, zone=zone, work=work)
        self._asked: object = None
        self._viewed_so_far: frozenset[str] = frozenset()  # tracklet_ids, of the partial answer
        self._recommend(photographs=1)
        self.set_all_footage()
        self.refresh_cases()

    def search(self) -> None:
        """Ask the question; where it is not complete, say beside each field what it lacks."""
        if self.state == SEARCHING:
            return
        self.say("search")
        photographs, scope, case = self._photographs(), self.checked_scope(), self.case
        self.say("case", "" if case else "Choose a case.")
        if not photographs or scope is None or not case:
            return
        if self.hours is not None and not self.windows:
            self.say("hours", f"The time range contains none of these hours: {self.hours}.")
            return
        if not self._keep_up():
            return
        question, only, threshold = self._question(), self.filter, self.threshold_shown
        beyond = self.beyond_case(scope)

        def so_far(found: PartialAnswer) -> None:
            self._work.call_on_page(lambda: self._hear(found))

        def ask() -> SearchResult:
            probe = pool_photographs(photographs, self._models())
            with self.installation.open_gallery(self.gallery) as gallery:
                return search(
                    gallery,
                    probe,
                    scope,
                    case=case,
                    register=self.installation.register,
                    top=MOST_CANDIDATES,
                    threshold=threshold,
                    below=True,
                    only=only,
                    zone=self.zone,
                    progress=self.on_progress(),
                    searchers=self.installation.searchers,
                    partial=so_far,
                )

        def job() -> SearchResult:
            try:
                return ask()  # beyond its case too: a refusal is on record
            except NotPermitted as error:
                if not beyond:
                    raise
                raise NotPermitted(
                    "the case does not cover this search; why is said beside what it is about",
                    where=f"case {case}",
                    fix="The attempt is on record. What was found before is still shown",
                ) from error

        def done(result: SearchResult) -> None:
            self._end_so_far()
            if result.scale != self.scale:  # another calibration was read meanwhile
                again = "The calibration was replaced during the search. Search again."
                self.say("search", again, also=True)
                return
            self._asked = question
            self.selected = self.review_status = ""
            self._viewed, self._lowest = self._viewed_so_far, threshold.score
            # It may have been moved meanwhile.
            self.threshold = self._shown_on_record(result, self.threshold_shown, threshold.score)
            self.result = result
            self._compare()

        self.asking, self._viewed_so_far = case, frozenset()
        cameras = count(len(self.cameras_inside), "camera")
        self.do(
            "search", f"Searching {cameras}", job, done, state=SEARCHING, failed=self._end_so_far
        )

    def _hear(self, found: PartialAnswer) -> None:
        """Show the partial answer, which is on record, once it is also that its faces are shown."""
        if not self.asking or self.cancelling:
            return
        best = [one for one in found.best if one.score >= self.threshold]  # may have been raised
        viewed = self._viewed_on_record(self.asking, best, self._viewed_so_far)
        self._viewed_so_far = viewed
        best = [one for one in best if one.tracklet_id in viewed]
        self.so_far = replace(found, best=tuple(best)) if best else None

    def _end_so_far(self) -> None:
        """Take the partial answer off the page: the whole one is in its place, or none came."""
        self.so_far, self.asking = None, ""

    @observe("uploads", "district", "selected_cameras", "start", "end", "hours", "case")
    def _update_forecast(self, _: object = None) -> None:
        """Say what scores will be worth for the question as it is now, without asking it."""
        if not self._keep_up():
            self.forecast = None
            return
        photographs, chosen, shots = self._sample()
        if self.district is None or self.start is None or self.end is None:
            self.forecast = None
            return
        named = self.chosen_case.scope.unplaced if self.chosen_case else frozenset()
        scope, only = Scope(self.district, self.start, self.end, named), self.filter
        templates = [photograph.template for photograph in chosen]
        template = pool(np.stack(templates), self.profile.metric) if templates else None
        folder, case = self.installation.calibrations, self.case

        def job() -> Expectations | None:
            with self.installation.open_gallery(self.gallery) as gallery:
                return expect(
                    gallery,
                    scope,
                    photographs=photographs,
                    calibrations=folder,
                    only=only,
                    template=template,
                    shots=shots,
                )

        def done(future: Future[Expectations | None]) -> None:
            asked = (scope.district, scope.start, scope.end, only, case)
            if (self.district, self.start, self.end, self.filter, self.case) != asked:
                return  # the question has moved on, and this answer is of no use
            try:
                self.forecast = future.result()
            except DistrictError:
                self.forecast = None  # the district's own panel says that it holds no camera
            except SightlineError as error:
                self.forecast = None
                self.say("search", str(error))

        self._work.run(job, done)

    def _sample(self) -> tuple[int, list[Photograph], bool]:
        """Photographs in the probe: how many, which, and whether they are best shots alone."""
        chosen = [one.photograph for one in self.used if one.photograph]
        shots = bool(chosen) and all(photograph.is_shot for photograph in chosen)
        return max(1, len(self.used)), chosen, shots

    def _keep_up(self) -> bool:
        """Follow the calibration as it is now; say what is wrong where it cannot be used."""
        photographs, _, shots = self._sample()
        try:
            self._recommend(photographs=photographs, shots=shots)
        except SightlineError as error:
            self.say("search", str(error))
            return False
        return True

    def _recommend(self, *, photographs: int, shots: bool = False) -> None:
        """Take the recommended threshold, and scale and bounds of the calibration as it is now.

        A threshold that was moved stays, and so does the result, unless they are of another scale.
        """
        at_it = self.recommended is not None and self.threshold == self.recommended.score
        folder = self.installation.calibrations
        calibration = calibration_of(self.profile, folder=folder)
        scale = calibration.scale if calibration else PLAIN_SCALE
        recommended = self._default_threshold(photographs=photographs, shots=shots)
        if scale == self.scale:
            self.recommended = recommended
            if at_it and recommended is not None:
                self.threshold = recommended.score
            return
        before, self.result, self.forecast, self.selected = self.scale, None, None, ""
        self.scale = scale
        self.scores = (
            (calibration.thresholds[0], calibration.thresholds[-1]) if calibration else (0.0, 1.0)
        )
        self.recommended = recommended
        self.take_recommended()
        self._compare()
        if before:
            self.say(
                "search",
                "The calibration was replaced: scores are on another scale now. The minimum score "
                f"was reset to {self.threshold:.2f}; candidates that were found before are no "
                "longer shown.",
            )

    def take_recommended(self) -> None:
        """Set the recommended threshold; without one everything is shown, best first."""
        self.threshold = self.recommended.score if self.recommended else 0.0

    def _default_threshold(self, *, photographs: int, shots: bool = False) -> Threshold | None:
        try:
            found = self.installation.default_threshold(
                self.profile, photographs=photographs, shots=shots
            )
        except NotCalibrated as error:
            self.uncalibrated = str(error)
            return None
        self.uncalibrated = ""
        return found

    @validate("selected")
    def _only_shown(self, proposal: Any) -> str:
        """Let nobody choose a candidate below the threshold, whose face is not shown."""
        known = {"", *(one.tracklet_id for one in self.shown)}
        return next((id_ for id_ in (proposal["value"], self.selected) if id_ in known), "")

    @validate("threshold")
    def _only_on_record(self, proposal: Any) -> float:
        """Put on record that more is shown before it is; where that fails, show no more."""
        wanted = float(proposal["value"])
        if self.result is None:
            return wanted
        return self._shown_on_record(self.result, self._threshold_of(wanted), self.threshold)

    @observe("threshold")
    def _leave_what_is_not_shown(self, _: object = None) -> None:
        self.selected = self._only_shown({"value": self.selected})
        if self.so_far is not None:
            self._hear(self.so_far)

    @property
    def threshold_shown(self) -> Threshold:
        """The minimum score as it stands, with where it comes from."""
        return self._threshold_of(self.threshold)

    def _threshold_of(self, score: float) -> Threshold:
        best = self.recommended
        if best is not None and score == best.score:
            return best
        return Threshold(score, scale=self.scale)

    @property
    def expectations(self) -> Expectations | None:
        """Expectations of the search that was made, or of the one that is being asked."""
        if self.result is not None and not self.is_stale:
            return self.result.expectations
        return self.forecast

    @property
    def is_truncated(self) -> bool:
        """True if there may be more candidates than the result holds."""
        return self.result is not None and len(self.result.found) == MOST_CANDIDATES

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts that the question still lacks, in words."""
        lacks = {
            "a photograph": not any(upload.used for upload in self.uploads),
            "a chosen face": any(u.photograph is None for u in self.uploads if u.used),
            "a district": self.district is None,
            "a time range": self.start is None,
            "a case": not self.case,
        }
        return tuple(what for what, is_missing in lacks.items() if is_missing)

    def _question(self) -> object:
        photographs = [(upload.key, upload.chosen) for upload in self.uploads if upload.used]
        area = self.district and self.district.area.wkb
        return photographs, area, self.selected_cameras, self.start, self.end, self.hours, self.case

    @observe("uploads", "district", "selected_cameras", "start", "end", "hours", "case")
    def _compare(self, _: object = None) -> None:
        self.is_stale = self.result is not None and self._question() != self._asked

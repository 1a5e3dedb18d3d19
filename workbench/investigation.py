"""Search use case: from a case, a probe and a scope to candidates and what they rest on.

Widgets, notebooks and the command line all search through :func:`search`, which checks that the
case covers the question and records what is asked and found.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from workbench.calibration import calibration_of
from workbench.calibration.expectations import Expectations
from workbench.casework.answers import answered, cancelled
from workbench.casework.authority import authorise, scope_under
from workbench.casework.facts import notices_of
from workbench.casework.searches import number_words, require_complete
from workbench.casework.tickets import TicketOffice
from workbench.domain import (
    PLAIN_SCALE,
    Camera,
    Candidate,
    Coverage,
    District,
    Filter,
    Missing,
    PartialAnswer,
    Probe,
    Progress,
    ProgressCallback,
    Scope,
    Threshold,
    candidates_frame,
)
from workbench.domain.summaries import MOST_ROWS, Summarised, Summary, written
from workbench.errors import (
    Cancelled,
    DistrictError,
    EvaluationError,
    GalleryError,
    ProfileMismatch,
)
from workbench.gallery import search as gallery_search
from workbench.maps.zones import zone_of_cameras
from workbench.searchers.spread import Searchers, Spread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from zoneinfo import ZoneInfo

    import pandas as pd

    from workbench.calibration import Calibration
    from workbench.casework.register import CaseRegister
    from workbench.domain import Vector
    from workbench.gallery import Gallery
    from workbench.gallery.search import Answer, Explanation


def expect(
    gallery: Gallery,
    scope: Scope,
    *,
    photographs: int,
    calibrations: Path,
    only: Filter | None = None,
    template: Vector | None = None,
    shots: bool = False,
) -> Expectations | None:
    """Estimate the errors of a search in advance; nothing is compared.

    *calibrations* is the folder of the installation's own calibrations, *template* that of the
    probe, if there is one: what to expect depends on it. Returns None if the profile
    has no calibration. Raises DistrictError as :func:`search` does, and EvaluationError if a
    calibration of the installation cannot be used.
    """
    calibration = calibration_of(gallery.profile, folder=calibrations)
    if calibration is None:
        return None
    normalised = calibration.normaliser is not None
    about = gallery_search.explain(gallery, scope, only=only, normalised=normalised)
    return _expectations(
        calibration, about, photographs=photographs, template=template, shots=shots
    )


def _expectations(
    calibration: Calibration | None,
    about: Explanation,
    *,
    photographs: int,
    template: Vector | None,
    shots: bool,
) -> Expectations | None:
    if calibration is None:
        return None
    calibration = calibration.of_shots if shots else calibration
    offset = None if template is None else calibration.offset(template)
    return Expectations(calibration, about.quality, max(1, photographs), offset)


@dataclass(frozen=True, slots=True, repr=False)
class SearchResult(Summarised):
    """Result of one search, with everything needed to interpret it.

    ``candidates`` are sorted by score, best first, and reach ``threshold.score``; ``below`` do not,
    for a page whose threshold can be lowered. ``coverage`` is the footage that the scope holds,
    within the filter ``only`` if there was one; ``compared`` of its tracklets were compared.
    """

    candidates: tuple[Candidate, ...]
    probe: Probe
    scope: Scope
    threshold: Threshold | None
    cameras: tuple[Camera, ...]  # inside the district, or named by the case
    coverage: Coverage
    asked_at: datetime  # UTC
    seconds: float  # duration of the search
    case: str  # reference of the case that covers it
    training: bool  # the case carries no authority: see workbench.casework.training
    scale: str  # that its scores are on
    entry: int  # of the record, in which it was asked
    compared: int = 0  # tracklets
    only: Filter | None = None
    expectations: Expectations | None = None  # None: the profile has no calibration
    below: tuple[Candidate, ...] = ()
    top: int | None = None  # most candidates that it may return
    # Said of the case, and first of what is missing, wherever something of the result is shown.
    notices: tuple[str, ...] = ()
    missing: Missing | None = None  # what could not be compared

    @property
    def complete(self) -> bool:
        """True if all of the scope was compared; else no file is made and nothing is denied."""
        return self.missing is None

    @property
    def found(self) -> tuple[Candidate, ...]:
        """All that the search returned, best first: its candidates, and what is below them."""
        return self.candidates + self.below

    def summary(self) -> Summary:
        """Describe the result: the best candidates, and what the answer rests on."""
        least = self.threshold
        notes = [*self.notices]
        if least is not None and self.expectations is not None:
            notes += self.expectations.words(least.score)
        found = self.coverage.summary()
        told = [
            f"{rank}: {c.time.remark()}"
            for rank, c in enumerate(self.candidates[:MOST_ROWS], start=1)
            if c.time.mark
        ]
        return Summary(
            "Search result",
            (
                ("incomplete", self.missing.short if self.missing else ""),
                ("candidates", number_words(len(self.candidates), self.top, self.compared)),
                ("best score", f"{self.candidates[0].score:.3f}" if self.candidates else ""),
                ("threshold", f"{least.score:g} ({least.calibration})" if least else "none"),
                ("case", self.case),
                ("district", self.scope.district.name),
                ("from", written(self.scope.start)),
                ("to", written(self.scope.end)),
                ("tracklets compared", f"{self.compared:,}"),
                *found.properties[:4],
            ),
            notes=(*notes, *found.notes, *told, "A match is a lead, never an identification."),
            headings=("rank", "score", "camera", "first seen", "recording"),
            rows=[
                (
                    f"{rank}",
                    f"{c.score:.3f}",
                    c.camera.words(),
                    ", ".join(filter(None, (written(c.first_seen), c.time.mark))),
                    c.recording,
                )
                for rank, c in enumerate(self.candidates, start=1)
            ],
        )

    def frame(self) -> pd.DataFrame:
        """Return the candidates as a DataFrame, one row each, best first; times in UTC.

        Columns: score, rank, camera, first_seen, last_seen, recording, quality, scale, camera_id,
        longitude, latitude, tracklet_id, and what the times rest on:
        :data:`workbench.domain.TIME_FIELDS`.

        Raises CaseError if something is missing: a table does not say so.
        """
        require_complete(self.missing, self.case)
        return candidates_frame(self.candidates)


AROUND_DEGREES = 0.1
"""Margin around the cameras of a gallery: a district may be drawn beyond the last of them."""


def whole_scope(gallery: Gallery) -> Scope:
    """Return a scope that holds all footage of cameras with a place, with a margin around it.

    Raises GalleryError if there is no footage, or no camera with a place.
    """
    from shapely import MultiPoint, box

    places = [camera.place for camera in gallery.cameras() if camera.place is not None]
    span = gallery.time_span()
    if not places or span is None:
        raise GalleryError(
            "holds no footage of a camera whose place is known",
            where=str(gallery.path),
            fix="Index footage first, with the places of its cameras",
        )
    west, south, east, north = MultiPoint(places).bounds
    area = box(
        max(-180.0, west - AROUND_DEGREES), max(-90.0, south - AROUND_DEGREES),
        min(180.0, east + AROUND_DEGREES), min(90.0, north + AROUND_DEGREES),
    )  # fmt: skip
    day = timedelta(days=1)
    return Scope(District("all cameras", area), span[0] - day, span[1] + day)


PARTIAL_AFTER, PARTIAL_EVERY = 1.0, 5.0
"""Seconds until a partial answer is told at the earliest, and between two: each is an entry."""


def search(
    gallery: Gallery,
    probe: Probe,
    scope: Scope,
    *,
    case: str,
    register: CaseRegister,
    top: int | None = 100,
    threshold: Threshold | float | None = None,
    below: bool = False,
    only: Filter | None = None,
    zone: ZoneInfo | None = None,
    progress: ProgressCallback | None = None,
    searchers: Searchers | None = None,
    partial: Callable[[PartialAnswer], None] | None = None,
) -> SearchResult:
    """Search exactly for the probe's face among the tracklets inside the scope, and no others.

    Parameters
    ----------
    gallery : Gallery
        An open gallery made with the probe's profile.
    probe : Probe
        See :func:`workbench.faces.probes.make_probe`.
    scope : Scope
        District and time range; see :mod:`workbench.district`. Its cameras without a place are
        those that the case names, unless it names some of them itself.
    case : str
        Reference of an open case that covers the search; see :mod:`workbench.casework`.
    register : CaseRegister
        Where that case is, and where what is asked and found goes on record.
    top : int, optional
        Return at most this many candidates, the best. By default 100; None returns all.
    threshold : Threshold or float, optional
        Return only candidates with at least this score. By default, all. A bare number is on the
        scale of the calibration, and refused if it is lower than anything that was measured.
    below : bool
        Return also what does not reach the threshold, apart from the candidates, for a page whose
        threshold can be lowered. The page records each lower one before it shows more:
        :func:`workbench.casework.answers.shown_from`.
    only : Filter, optional
        Cameras, time windows and quality to which the search is restricted within the scope.
    zone : ZoneInfo, optional
        Zone of the times in ``notices`` of the result; by default that of the cameras.
    progress : callable, optional
        Called now and then; ``done`` and ``total`` count tracklets. It may raise Cancelled.
    searchers : Searchers, optional
        Of a cluster, whose nodes compare where there is much; see :mod:`workbench.searchers`. What
        they could not compare is ``missing`` in the result.
    partial : callable, optional
        Told the answer so far while nodes compare, once some candidate reaches the threshold: not
        in the first second, and every five at most. Each is on record before it is told.

    Raises
    ------
    NotPermitted
        If the case does not cover this search by this user now, with every reason.
    CaseError
        If there is no such case, or its subject was described with another profile.
    AuditDamaged
        If the record was altered: nothing is searched then.
    ProfileMismatch
        If probe and gallery were made with different profiles, or the threshold is of another
        scale than the scores, or looks as if it were.
    DistrictError
        If the district holds no camera of the gallery, or the filter leaves none.
    EvaluationError
        If a calibration of the installation cannot be used; recorded too.
    Cancelled
        If *progress* raised it; the search stays on record.
    """
    _require_same_profile(gallery, probe)
    try:
        calibration = calibration_of(gallery.profile, folder=register.rules.calibrations)
    except EvaluationError as error:
        register.refused("search", case, [str(error)])
        raise
    scale = calibration.scale if calibration else PLAIN_SCALE
    threshold = _on_scale(threshold, scale, calibration, photographs=len(probe.photographs))
    asked_at, began = datetime.now(UTC), time.perf_counter()
    least = None if threshold is None else threshold.score
    try:
        scope = scope_under(register, case, scope)
        cameras = gallery.cameras_inside(scope.district, unplaced=scope.unplaced, only=only)
    except DistrictError as error:
        register.refused("search", case, [error.what])
        raise
    permit = authorise(
        register, case, gallery, probe, scope,
        cameras=cameras, threshold=threshold, calibration=calibration, top=top, only=only,
    )  # fmt: skip
    compared, due_at = 0, began + PARTIAL_AFTER

    def count(scanned: Progress) -> None:
        nonlocal compared
        compared = scanned.done
        if progress is not None:
            progress(scanned)

    def so_far(answer: Answer) -> None:
        nonlocal due_at
        (found,), missing = answer.candidates, answer.missing
        reach = sum(least is None or one.score >= least for one in found)
        due_at = time.perf_counter() + (PARTIAL_EVERY if reach else PARTIAL_AFTER)
        if not reach or partial is None or missing is None:
            return
        answered(
            register, permit, gallery, found, commit=answer.commit, candidates=reach,
            compared=answer.explanation.tracklets, seconds=time.perf_counter() - began,
            searchers=answer.elsewhere, missing=missing, partial=True,
        )  # fmt: skip
        best = tuple(found[: min(reach, gallery_search.PICTURED)])
        partial(PartialAnswer(best, reach, answer.explanation.tracklets, missing))

    elsewhere = None
    if searchers is not None:
        office = TicketOffice(register, permit, gallery.path, probe.template, scope)
        elsewhere = Spread(searchers, office.sign)
    try:
        answer = gallery_search.answer(
            gallery, [probe.template], scope,
            permits=[permit], top=top, threshold=None if below else least, only=only,
            progress=count, normaliser=calibration.normaliser if calibration else None,
            elsewhere=elsewhere, partial=None if partial is None else so_far,
            due=lambda: time.perf_counter() >= due_at,
        )  # fmt: skip
    except Cancelled:
        cancelled(register, permit, compared=compared)
        raise
    (found,), coverage, missing = answer.candidates, answer.coverage, answer.missing
    expectations = _expectations(
        calibration, answer.explanation, photographs=len(probe.photographs),
        template=probe.template, shots=probe.is_of_shots,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    reach = len(found) if least is None else sum(one.score >= least for one in found)
    answered(
        register, permit, gallery, found, commit=answer.commit, candidates=reach,
        compared=compared, seconds=seconds, searchers=answer.elsewhere, missing=missing,
    )  # fmt: skip
    said = () if missing is None else (missing.words,)
    allowed = register.case(case)  # also now: it may have ended while it was searched under
    return SearchResult(
        candidates=tuple(found[:reach]), below=tuple(found[reach:]), top=top, probe=probe,
        scope=scope, threshold=threshold, cameras=cameras, coverage=coverage, asked_at=asked_at,
        seconds=seconds, case=case, training=allowed.without_authority,
        notices=(*said, *notices_of(allowed, zone=zone_of_cameras(cameras, override=zone))),
        scale=scale, missing=missing,
        entry=permit.entry, compared=compared, only=only, expectations=expectations,
    )  # fmt: skip


def _on_scale(
    threshold: Threshold | float | None,
    scale: str,
    calibration: Calibration | None,
    *,
    photographs: int,
) -> Threshold | None:
    """Refuse a threshold of another scale; a bare number is taken only where it was measured."""
    if threshold is None or threshold == -math.inf:
        return None
    if isinstance(threshold, Threshold):
        if threshold.scale == scale:
            return threshold
        raise ProfileMismatch(
            f"the threshold {threshold.score:g} is of the scale {threshold.scale}, and scores of "
            f"this search are of the scale {scale}",
            where="threshold",
            fix="Take the threshold from the calibration that the installation uses",
        )
    # Nothing was measured there: most likely it was meant for scores of another scale.
    if calibration is not None and not threshold >= calibration.thresholds[0]:
        recommended = calibration.threshold(photographs=max(1, photographs)).score
        raise ProfileMismatch(
            f"the number {threshold:g} is lower than anything that was measured of scores of the "
            f"scale {scale}, from {calibration.thresholds[0]:g} on; it may be meant for another "
            "scale",
            where="threshold",
            fix=f"Take {recommended:g}, which is recommended, or another number of this scale; "
            'or search for all scores (--threshold all; in Python, threshold="all")',
        )
    return Threshold(float(threshold), scale=scale)


def _require_same_profile(gallery: Gallery, probe: Probe) -> None:
    if probe.profile.fingerprint != gallery.profile.fingerprint:
        raise ProfileMismatch(
            f"the probe was made with profile {probe.profile.name} "
            f"({probe.profile.fingerprint}), the gallery with {gallery.profile.name} "
            f"({gallery.profile.fingerprint})",
            where=str(gallery.path),
            fix="Make the probe with the gallery's profile",
        )

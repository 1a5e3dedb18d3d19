"""The search use case: a case, a probe and a scope in, candidates and what they rest on out.

Every door (widgets, notebooks, command line) searches through :func:`search` and nothing else; here
it is asked whether the case covers the question, and what is asked and found goes on record.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from workbench.calibration import calibration_of
from workbench.calibration.words import format_count
from workbench.casework.authority import answered, authorise, cancelled
from workbench.domain import (
    Camera,
    Candidate,
    Coverage,
    Filter,
    Probe,
    Progress,
    ProgressCallback,
    Scope,
    Threshold,
)
from workbench.errors import Cancelled, DistrictError, ProfileMismatch
from workbench.gallery import search as gallery_search

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.calibration import Calibration, FalseCandidateEstimate, FnmrEstimate
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a score is worth in one search, from the calibration of its profile.

    ``tracklets`` are those that are compared, counted by the quality of their best shot (see
    :data:`workbench.calibration.QUALITY_STEPS`); ``photographs`` are in the probe.
    """

    calibration: Calibration
    tracklets: tuple[int, ...]
    photographs: int

    def false_candidates(self, threshold: float) -> FalseCandidateEstimate:
        """How many candidates with at least this score show somebody else."""
        return self.calibration.false_candidates(
            threshold, self.tracklets, photographs=self.photographs
        )

    def fnmr(self, threshold: float) -> FnmrEstimate:
        """Which share of the target's own tracklets scores less."""
        return self.calibration.fnmr(threshold, self.tracklets, photographs=self.photographs)

    def words(self, threshold: float) -> list[str]:
        """The same in plain words: a sentence on false candidates, one on what is missed."""
        compared = sum(self.tracklets)
        if not compared:
            return ["There is nothing to compare in this district and time."]
        false, missed = self.false_candidates(threshold), self.fnmr(threshold)
        tracks = "1 person track" if compared == 1 else f"{compared:,} person tracks"
        words = (
            f"Expect about {format_count(false.mean)} false candidates in this search "
            f"({false.low:,} to {false.high:,}, 19 times in 20) among {tracks}."
        )
        if false.extrapolated:
            words += " No pair that was measured scored so high: rather fewer."
        lowest = self.calibration.curves_for(self.photographs)[0].quality
        poorer = sum(self.tracklets[: round(lowest * len(self.tracklets))])
        if poorer:
            words += (
                f" {poorer:,} of them are poorer pictures than any that were measured: of these, "
                "more is to be expected and more to be missed."
            )
        if math.isnan(missed.rate):
            return [words]
        return [
            words,
            f"Expect to miss about {missed.rate:.1%} ({missed.low:.1%} to {missed.high:.1%}) of "
            "the true sightings among them.",
        ]


def expect(
    gallery: Gallery,
    scope: Scope,
    *,
    photographs: int,
    calibrations: Path,
    only: Filter | None = None,
) -> Expectations | None:
    """What a score will be worth, before the question is asked: nothing is compared.

    None where the profile has no calibration; *calibrations* is the folder of the installation's
    own. Raises DistrictError as :func:`search` does, and EvaluationError if one of the
    installation's own cannot be used.
    """
    calibration = calibration_of(gallery.profile, folder=calibrations)
    if calibration is None:
        return None
    about = gallery_search.explain(gallery, scope, only=only)
    return Expectations(calibration, about.quality, max(1, photographs))


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The answer to one question, with all that is needed to read it honestly.

    ``candidates`` are best first, one a tracklet, each with a score of at least
    ``threshold.score``. ``coverage`` tells how much footage the scope holds at all, after the
    filter ``only`` if there was one; ``compared`` of its tracklets were good enough for that one.
    """

    candidates: tuple[Candidate, ...]
    probe: Probe
    scope: Scope
    threshold: Threshold | None
    cameras: tuple[Camera, ...]  # those in the district
    coverage: Coverage
    asked_at: datetime  # UTC
    seconds: float  # that the search took
    case: str  # the reference of the case it was asked under
    training: bool  # the case carries no authority: nothing found may be acted on
    compared: int = 0  # tracklets
    only: Filter | None = None
    expectations: Expectations | None = None  # None: the profile has no calibration

    def frame(self) -> pd.DataFrame:
        """The candidates as a DataFrame, one row each, best first; times in UTC.

        Columns: rank, tracklet_id, camera_id, camera, longitude, latitude, recording, first_seen,
        last_seen, score, quality.
        """
        columns = [
            "rank", "tracklet_id", "camera_id", "camera", "longitude", "latitude", "recording",
            "first_seen", "last_seen", "score", "quality",
        ]  # fmt: skip
        rows = [
            (
                rank, c.tracklet_id, c.camera.camera_id, c.camera.name, c.camera.longitude,
                c.camera.latitude, c.recording, c.first_seen, c.last_seen, c.score, c.quality,
            )
            for rank, c in enumerate(self.candidates, start=1)
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def search(
    gallery: Gallery,
    probe: Probe,
    scope: Scope,
    *,
    case: str,
    register: CaseRegister,
    top: int | None = 100,
    threshold: Threshold | float | None = None,
    only: Filter | None = None,
    progress: ProgressCallback | None = None,
) -> SearchResult:
    """Look for the probe's face among the tracklets inside the scope, and nowhere else; exact.

    Parameters
    ----------
    gallery : Gallery
        An open gallery made with the probe's profile.
    probe : Probe
        See :func:`workbench.faces.probes.make_probe`.
    scope : Scope
        District and time range; see :mod:`workbench.district`.
    case : str
        The reference of an open case that covers the question; see :mod:`workbench.casework`.
    register : CaseRegister
        Where that case is, and where what is asked and found goes on record.
    top : int, optional
        At most so many candidates, the best.
    threshold : Threshold or float, optional
        Only candidates with at least this score. By default, all.
    only : Filter, optional
        Cameras, windows of time and quality to which the search is narrowed inside the scope.
    progress : callable, optional
        Called now and then; ``done`` and ``total`` count tracklets. It may raise Cancelled.

    Raises
    ------
    NotPermitted
        If the case does not cover this question by this person now; with every reason.
    CaseError
        If there is no such case, or its subject is kept in another profile.
    AuditDamaged
        If the record is not what was written: nothing is searched then.
    ProfileMismatch
        If probe and gallery were made with different profiles.
    DistrictError
        If the district holds no camera of the gallery, or the filter leaves none.
    Cancelled
        If *progress* raised it; that it was asked stays on record.
    """
    if probe.profile.fingerprint != gallery.profile.fingerprint:
        raise ProfileMismatch(
            f"the probe was made with profile {probe.profile.name} "
            f"({probe.profile.fingerprint}), the gallery with {gallery.profile.name} "
            f"({gallery.profile.fingerprint})",
            where=str(gallery.path),
            fix="Make the probe with the gallery's profile",
        )
    if isinstance(threshold, int | float):
        threshold = Threshold(float(threshold), "chosen by hand")
    asked_at, began = datetime.now(UTC), time.perf_counter()
    least = None if threshold is None else threshold.score
    try:
        cameras = gallery.cameras_inside(scope.district, only=only)
    except DistrictError as error:
        register.refused("search", case, [error.what])
        raise
    permit = authorise(
        register, case, gallery, probe, scope,
        cameras=cameras, threshold=least, top=top, only=only,
    )  # fmt: skip
    compared = 0

    def count(scanned: Progress) -> None:
        nonlocal compared
        compared = scanned.done
        if progress is not None:
            progress(scanned)

    try:
        candidates = gallery_search.search(
            gallery, probe.template, scope,
            permit=permit, top=top, threshold=least, only=only, progress=count,
        )  # fmt: skip
    except Cancelled:
        cancelled(register, permit, compared=compared)
        raise
    coverage = gallery.coverage(scope, only=only)
    expectations = expect(
        gallery, scope, photographs=len(probe.photographs),
        calibrations=register.rules.calibrations, only=only,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    answered(register, permit, candidates=len(candidates), seconds=seconds)
    return SearchResult(
        candidates=tuple(candidates),
        probe=probe,
        scope=scope,
        threshold=threshold,
        cameras=cameras,
        coverage=coverage,
        asked_at=asked_at,
        seconds=seconds,
        case=case,
        training=register.case(case).is_training,
        compared=compared,
        only=only,
        expectations=expectations,
    )

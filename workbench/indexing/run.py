"""Runs over a catalogue: the new recordings, in order, by several workers, with a report."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import shapely

from workbench.domain import (
    Camera,
    Catalogue,
    Problem,
    Progress,
    ProgressCallback,
    Recording,
    Scope,
)
from workbench.errors import RecordingError, SightlineError
from workbench.footage.catalog import read_catalogue
from workbench.footage.frames import RecordingReader
from workbench.footage.gps import course_of
from workbench.indexing.clocks import clock_notes, impossible, with_clocks_set
from workbench.indexing.different import with_different_people
from workbench.indexing.legs import divided, moved, notes_on, unplaced
from workbench.indexing.present import (
    agrees,
    known_files,
    other_place,
    other_time,
    present_as,
    with_problems,
)
from workbench.indexing.recording import SamplingRates, index_recording
from workbench.indexing.report import IndexReport, ProgressMeter, RecordingReport
from workbench.indexing.workers import Outcome, index_in_parallel

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.faces.models import Models
    from workbench.faces.tracklets import TrackletOptions
    from workbench.gallery import Gallery

# Seconds by which two recordings of one camera may overlap without a problem: clocks and cutting
# are not exact.
OVERLAP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan of a run: the recordings to index, in order, and those already indexed."""

    fresh: tuple[Recording, ...]
    present: tuple[Recording, ...]
    problems: tuple[Problem, ...]  # of the catalogue, and of headers that cannot be read
    footage_seconds: float  # of the fresh ones, as their headers claim

    def __str__(self) -> str:
        hours = self.footage_seconds / 3600
        return (
            f"{len(self.fresh)} recordings to index ({hours:.2f} hours of footage), "
            f"{len(self.present)} already indexed, {len(self.problems)} problems"
        )


def plan_catalogue(
    source: Path | str | Catalogue, gallery: Gallery | None, *, first: Scope | None = None
) -> Plan:
    """Plan what :func:`index_catalogue` would do now; read headers, store nothing.

    ``gallery`` is None before the first run. Raises CatalogueError as that function does.
    """
    catalogue = _catalogue(source)
    fresh, present = _divide(catalogue, gallery, first)
    problems, seconds = [*catalogue.problems, *chain(*present.values())], 0.0
    for recording in fresh:
        if gallery is not None and (why := impossible(recording, gallery)):
            problems.append(Problem(recording.file, why))
        try:
            with RecordingReader(
                recording.path, name=recording.file, frame_rate=recording.frame_rate
            ) as reader:
                seconds += reader.duration_seconds or 0.0
            if recording.track is not None:
                course_of(recording)  # a track that cannot be read is told before the run
        except RecordingError as error:
            problems.append(Problem(recording.file, f"{error.what}. {error.fix}"))
    return Plan(tuple(fresh), tuple(present), tuple(problems), seconds)


def index_catalogue(
    source: Path | str | Catalogue,
    gallery: Gallery,
    models: Models,
    *,
    workers: int = 1,
    first: Scope | None = None,
    rates: SamplingRates | None = None,
    options: TrackletOptions | None = None,
    normaliser: Normaliser | None = None,
    progress: ProgressCallback | None = None,
) -> IndexReport:
    """Index the recordings of a catalogue that the gallery does not hold yet.

    Each recording is stored in one transaction when it is finished, so a run that is stopped, by
    Ctrl-C or by force, loses at most the recordings it was reading; the next run goes on from
    there.

    Parameters
    ----------
    source : path or Catalogue
        Folder with ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv``.
    gallery : Gallery
        Open for writing, made with the profile of *models*.
    models : Models
        Loaded by :func:`workbench.faces.models.load`.
    workers : int
        Processes that read recordings; 1 is this process alone.
    first : Scope, optional
        Recordings that begin in this place and time come before the others.
    rates, options : optional
        How often and how closely to look; the defaults are measured.
    normaliser : Normaliser, optional
        Of the profile's calibration: how alike people are who are seen together is counted on its
        scale too.
    progress : callable, optional
        Called often; ``done`` and ``total`` count recordings. May raise Cancelled.

    Raises
    ------
    CatalogueError
        If the catalogue as a whole cannot be used. Single bad rows and unreadable recordings are
        reported as problems while the rest goes on.
    """
    catalogue = with_clocks_set(_catalogue(source), gallery)
    gallery.add_cameras(catalogue.cameras)
    cameras = {camera.camera_id: camera for camera in catalogue.cameras}
    fresh, present = _divide(catalogue, gallery, first)
    reports = {
        r: RecordingReport(
            r.file,
            r.camera_id,
            "present",
            problems=(*problems, *moved(r, cameras[r.camera_id], gallery)),
        )
        for r, problems in present.items()
    }
    for recording in fresh:
        if why := impossible(recording, gallery):
            reports[recording] = RecordingReport.refusal(recording, why)
    to_read = [recording for recording in fresh if recording not in reports]
    streams_of: dict[Path, set[int]] = defaultdict(set)
    for listed in catalogue.recordings:
        streams_of[listed.path].add(listed.stream)
    meter = ProgressMeter(len(to_read), progress)
    if to_read:
        meter.begin(to_read[0].file)
    started_at = datetime.now(UTC)
    try:
        with closing(_outcomes(to_read, models, workers, rates, options, meter)) as outcomes:
            for recording, outcome in outcomes:
                reports[recording] = _store(
                    recording,
                    outcome,
                    gallery,
                    cameras[recording.camera_id],
                    streams_of[recording.path],
                    normaliser,
                )
                meter.finish(reports[recording])
    finally:
        finished = [reports[recording] for recording in fresh if recording in reports]
        gallery.add_run(
            str(catalogue.root),
            started_at,
            datetime.now(UTC),
            indexed=sum(report.status == "indexed" for report in finished),
            refused=[
                (r, reports[r].stopped)
                for r in fresh
                if r in reports and reports[r].status == "refused"
            ],
            left=len(fresh) - len(finished),
        )
    return IndexReport(
        tuple(reports[r] for r in catalogue.recordings), catalogue.problems, unplaced(catalogue)
    )


def watch_catalogue(
    folder: Path,
    gallery: Gallery,
    models: Models,
    *,
    every_seconds: float = 30.0,
    workers: int = 1,
    first: Scope | None = None,
    before: Callable[[], tuple[Problem, ...]] | None = None,
    normaliser: Normaliser | None = None,
    progress: ProgressCallback | None = None,
) -> Generator[IndexReport]:
    """Index present and future recordings until the iterator is closed; one report per round.

    Rounds in which nothing was indexed and no new problem arose are not reported. A recording that
    is still being written is refused in one round and taken in a later one. *before* is called
    before each round, such as to fetch footage; its problems join those of the catalogue.
    """
    reported: set[Problem] = set()
    while True:
        began = time.monotonic()
        found = before() if before else ()
        report = index_catalogue(
            folder,
            gallery,
            models,
            workers=workers,
            first=first,
            normaliser=normaliser,
            progress=progress,
        )
        report = replace(report, catalogue_problems=found + report.catalogue_problems)
        if report.count("indexed") or set(report.problems) - reported:
            reported |= set(report.problems)
            yield report
        time.sleep(max(0.0, every_seconds - (time.monotonic() - began)))


def _catalogue(source: Path | str | Catalogue) -> Catalogue:
    return source if isinstance(source, Catalogue) else read_catalogue(source)


def _divide(
    catalogue: Catalogue, gallery: Gallery | None, first: Scope | None
) -> tuple[list[Recording], dict[Recording, tuple[Problem, ...]]]:
    """The recordings to index, in order, and those that the gallery holds, with their problems."""
    present: dict[Recording, list[str]] = {}
    if gallery is not None:
        known = known_files(gallery)
        for recording in catalogue.recordings:
            if ids := present_as(recording, gallery, known):
                present[recording] = ids
    fresh = [recording for recording in catalogue.recordings if recording not in present]
    if first is not None:
        urgent = {
            camera.camera_id
            for camera in catalogue.cameras
            if camera.place is not None
            and shapely.intersects_xy(first.district.area, *camera.place)
        }
        # Stable: otherwise they keep the order of the catalogue.
        fresh.sort(
            key=lambda r: not (r.camera_id in urgent and first.start <= r.started_at < first.end)
        )
    return fresh, with_problems(present, gallery)


def _outcomes(
    fresh: list[Recording],
    models: Models,
    workers: int,
    rates: SamplingRates | None,
    options: TrackletOptions | None,
    meter: ProgressMeter,
) -> Generator[tuple[Recording, Outcome]]:
    if workers > 1 and len(fresh) > 1:
        yield from index_in_parallel(
            fresh,
            models.profile,
            models.home,
            workers=workers,
            rates=rates,
            options=options,
            progress=meter.update,
        )
        return
    for recording in fresh:
        meter.update(Progress(done=0, total=1, what=recording.file))
        try:
            outcome: Outcome = index_recording(
                recording, models, rates=rates, options=options, progress=meter.update
            )
        except RecordingError as error:
            outcome = error
        yield recording, outcome


def _store(
    recording: Recording,
    outcome: Outcome,
    gallery: Gallery,
    camera: Camera,
    listed: set[int],
    normaliser: Normaliser | None,
) -> RecordingReport:
    """Store what was found; *listed* are the picture streams of its file in the catalogue."""
    if isinstance(outcome, SightlineError):
        return RecordingReport.refusal(recording, f"{outcome.what}. {outcome.fix}")
    keys = [(outcome.sha256, camera.camera_id, outcome.recording.stream)]
    if held_as := [
        name for names in gallery.same_recordings(keys, anywhere=True).values() for name in names
    ]:
        return _copy(recording, held_as, gallery)
    stated = outcome.recording.clock_offset_seconds
    outcome = gallery.with_clock_set(outcome)
    found = [
        Problem(recording.file, f"has the same content as {other}; one of their rows is wrong")
        for other in gallery.same_content(outcome)
        if not (other == recording.file and len(listed) > 1)
    ]
    found += [
        Problem(
            recording.file,
            f"overlaps {other} on camera {recording.camera_id} by {seconds:.0f} s; "
            "check their start times",
        )
        for other, seconds in gallery.overlapping(outcome)
        if seconds > OVERLAP_SECONDS
    ]
    found += clock_notes(recording, stated, gallery)
    found += notes_on(outcome, camera)
    found += [
        Problem(
            recording.file,
            f"picture stream {number} of {outcome.picture_streams} was not looked at; give it a "
            "row and a camera of its own in footage.csv, with the column stream",
        )
        for number in range(1, outcome.picture_streams + 1)
        if number not in listed
    ]
    parts = divided(replace(outcome, problems=outcome.problems + tuple(found)), camera)
    gallery.add_cameras(there for there, _ in parts)
    metric = gallery.profile.metric
    counted = [with_different_people(part, metric, normaliser) for _, part in parts]
    gallery.add_recordings(counted)
    return RecordingReport.of(outcome, tuple(found))


def _copy(recording: Recording, ids: list[str], gallery: Gallery) -> RecordingReport:
    """Report on a recording whose content was stored since the run began."""
    start = gallery.starts(ids)[ids[0]]
    told = [
        Problem(
            recording.file,
            f"has the same content as {start.file} on the same camera, and is kept once",
        )
    ]
    if not agrees(recording, start):
        told.append(other_time(recording, start))
    told += other_place(recording, list(gallery.readings(ids).values()))
    return RecordingReport(recording.file, recording.camera_id, "present", problems=tuple(told))

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
    Catalogue,
    Problem,
    Progress,
    ProgressCallback,
    Recording,
    Scope,
)
from workbench.errors import RecordingError
from workbench.footage.catalog import read_catalogue
from workbench.footage.frames import RecordingReader
from workbench.footage.gps import course_of
from workbench.indexing.clocks import impossible, with_clocks_set
from workbench.indexing.legs import moved, unplaced
from workbench.indexing.on_ray import Cluster, index_on_ray
from workbench.indexing.present import known_files, present_as, with_problems
from workbench.indexing.recording import SamplingRates, index_recording
from workbench.indexing.report import IndexReport, ProgressMeter, RecordingReport
from workbench.indexing.storing import Storing
from workbench.indexing.workers import Outcome, index_in_parallel

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.faces.models import Models
    from workbench.faces.tracklets import TrackletOptions
    from workbench.gallery import Gallery


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
    workers: int | None = None,
    ray: str | Cluster | None = None,
    first: Scope | None = None,
    rates: SamplingRates | None = None,
    options: TrackletOptions | None = None,
    normaliser: Normaliser | None = None,
    progress: ProgressCallback | None = None,
) -> IndexReport:
    """Index the recordings of a catalogue that the gallery does not hold yet.

    Each recording is stored whole, soon after it is finished: several short ones in one commit. A
    run that is stopped, by Ctrl-C or an error, stores what is finished and loses at most the
    recordings that it was reading; one that is killed also those of the last ten seconds, or some.
    The next run goes on from there.

    Parameters
    ----------
    source : path or Catalogue
        Folder with ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv``.
    gallery : Gallery
        Open for writing, made with the profile of *models*.
    models : Models
        Loaded by :func:`workbench.faces.models.load`.
    workers : int, optional
        Processes that read recordings. By default this process alone, and on a cluster as many as
        its nodes have room for.
    ray : str or Cluster, optional
        Cluster of Ray on whose nodes they run: its address, or ``auto`` for the one that
        ``RAY_ADDRESS`` names or that runs on this machine (docs/scale.md). Weights and footage are
        found on each node; what is found in them is stored here.
    first : Scope, optional
        Recordings that begin in this place and time come before the others.
    rates, options : optional
        How often and how closely to look; the defaults are measured.
    normaliser : Normaliser, optional
        Of the profile's calibration: how alike people are who are seen together is counted on its
        scale too.
    progress : callable, optional
        Called often; ``done`` and ``total`` count recordings, as stored or refused. May raise
        Cancelled.

    Raises
    ------
    CatalogueError
        If the catalogue as a whole cannot be used. Single bad rows and unreadable recordings are
        reported as problems while the rest goes on.
    SettingsError
        If the cluster cannot be used, or a node lacks the footage.
    ModelError
        If a node lacks the weights.
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
    storing = Storing(gallery, cameras, streams_of, normaliser, reports, meter)

    def read_on(progress: Progress) -> None:
        meter.update(progress)
        storing.commit_if_due()

    try:
        with closing(_outcomes(to_read, models, workers, ray, rates, options, read_on)) as outcomes:
            for recording, outcome in outcomes:
                storing.take(recording, outcome)
        storing.commit()
    finally:
        try:
            storing.commit(told=False)  # what was finished before a stop or an error
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
    workers: int | None = None,
    ray: str | Cluster | None = None,
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
            ray=ray,
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
    workers: int | None,
    ray: str | Cluster | None,
    rates: SamplingRates | None,
    options: TrackletOptions | None,
    progress: ProgressCallback,
) -> Generator[tuple[Recording, Outcome]]:
    if ray is not None and fresh:
        yield from index_on_ray(
            fresh,
            models.profile,
            models.home,
            cluster=ray if isinstance(ray, Cluster) else Cluster(ray),
            workers=workers,
            rates=rates,
            options=options,
            progress=progress,
        )
        return
    if workers is not None and workers > 1 and len(fresh) > 1:
        yield from index_in_parallel(
            fresh,
            models.profile,
            models.home,
            workers=workers,
            rates=rates,
            options=options,
            progress=progress,
        )
        return
    for recording in fresh:
        progress(Progress(done=0, total=1, what=recording.file))
        try:
            outcome: Outcome = index_recording(
                recording, models, rates=rates, options=options, progress=progress
            )
        except RecordingError as error:
            outcome = error
        yield recording, outcome

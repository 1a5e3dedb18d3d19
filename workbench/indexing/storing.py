"""Storing of finished recordings: several short ones in one commit, each whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import Camera, IndexedRecording, Problem, Recording
from workbench.errors import GalleryError, SightlineError
from workbench.indexing.clocks import clock_notes
from workbench.indexing.different import with_different_people
from workbench.indexing.legs import divided, notes_on
from workbench.indexing.present import agrees, other_place, other_time
from workbench.indexing.report import ProgressMeter, RecordingReport
from workbench.indexing.workers import Outcome

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.gallery import Gallery

# A commit waits for the disk some ten times, whatever it holds. So recordings that are finished
# soon after a commit wait for the next one, until they are this much or this long has passed. As
# many tracklets as that may be in memory for it, and be read again after a kill.
SECONDS = 10.0
TRACKLETS = 4_000
BYTES = 2**26  # of pictures and templates

# Seconds by which two recordings of one camera may overlap without a problem: clocks and cutting
# are not exact.
OVERLAP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Finished:
    """A recording that is not stored yet."""

    recording: Recording
    whole: IndexedRecording
    parts: list[tuple[Camera, IndexedRecording]]  # of a moving camera, where it was
    problems: tuple[Problem, ...]

    def concerns(self, other: IndexedRecording) -> bool:
        """Return True if something is to be said of the two that only a gallery knows."""
        about, its = self.whole.recording, other.recording
        if self.whole.sha256 == other.sha256:
            return about.file != its.file or about.stream == its.stream
        shared = min(self.whole.ended_at, other.ended_at) - max(about.started_at, its.started_at)
        return about.camera_id == its.camera_id and shared.total_seconds() > OVERLAP_SECONDS


@dataclass(slots=True)
class Storing:
    """Recordings on their way into a gallery, and the reports on those that have come there.

    A recording counts as indexed once it is committed.

    Parameters
    ----------
    cameras : mapping of str to Camera
        Those of the catalogue, by id.
    streams : mapping of Path to set of int
        The picture streams that the catalogue has of each file.
    reports : dict of Recording to RecordingReport
        To which those on recordings are added that are stored, refused, or found to be here.
    """

    gallery: Gallery
    cameras: Mapping[str, Camera]
    streams: Mapping[Path, set[int]]
    normaliser: Normaliser | None
    reports: dict[Recording, RecordingReport]
    meter: ProgressMeter
    _waiting: list[_Finished] = field(default_factory=list, init=False)
    _tracklets: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)
    _committed: float = field(default_factory=time.monotonic, init=False)

    def take(self, recording: Recording, outcome: Outcome) -> None:
        """Take what reading a recording gave, and commit what has waited if that is due."""
        if isinstance(outcome, SightlineError):
            why = f"{outcome.what}. {outcome.fix}"
            self._tell(recording, RecordingReport.refusal(recording, why))
            return
        stated = outcome.recording.clock_offset_seconds
        whole = self.gallery.with_clock_set(outcome)
        if any(one.concerns(whole) for one in self._waiting):
            self.commit()  # so that the gallery knows both
        if held_as := self._held_as(whole):
            self._tell(recording, self._copy(recording, held_as))
            return
        self._waiting.append(self._finished(recording, whole, stated))
        self._tracklets += len(whole.tracklets)
        shots = (shot for tracklet in whole.tracklets for shot in tracklet.shots)
        self._bytes += sum(len(shot.jpeg) + shot.template.nbytes for shot in shots)
        self.commit_if_due()

    def commit_if_due(self) -> None:
        """Commit what waits if it is much, or the last commit was a while ago."""
        waited = time.monotonic() - self._committed
        if waited >= SECONDS or self._tracklets >= TRACKLETS or self._bytes >= BYTES:
            self.commit()

    def commit(self, *, told: bool = True) -> None:
        """Store all that waits, and report on it; *told* is whether progress is told of it.

        Raises
        ------
        GalleryError
            If one cannot be stored. Those that were finished before it are stored then, and none
            of those after it.
        Cancelled
            From the callback that is told of progress; all of them are stored then.
        """
        if not self._waiting:
            return
        from workbench.gallery.interrupts import undisturbed

        stored: dict[Recording, RecordingReport] = {}
        with undisturbed():  # for a gallery and its reports to say the same
            waiting, self._waiting, self._tracklets, self._bytes = self._waiting, [], 0, 0
            try:
                self._store(waiting, stored)
            finally:
                self.reports |= stored
                self._committed = time.monotonic()
        for report in stored.values() if told else ():
            self.meter.finish(report)

    def _store(self, waiting: list[_Finished], stored: dict[Recording, RecordingReport]) -> None:
        try:
            self._add(waiting)
        except GalleryError:
            if len(waiting) == 1:
                (one,) = waiting
                # Another process, where several write, or one of the same content.
                if not (held_as := self._held_as(one.whole)):
                    raise
                stored[one.recording] = self._copy(one.recording, held_as)
                return
            # One of them is to blame, and no other is to be read again for it.
            for one in waiting:
                self._store([one], stored)
        else:
            stored |= {
                one.recording: RecordingReport.of(one.whole, one.problems) for one in waiting
            }

    def _add(self, waiting: list[_Finished]) -> None:
        parts = [part for one in waiting for part in one.parts]
        self.gallery.add_cameras(camera for camera, _ in parts)
        self.gallery.add_recordings([indexed for _, indexed in parts])

    def _tell(self, recording: Recording, report: RecordingReport) -> None:
        self.reports[recording] = report
        self.meter.finish(report)

    def _finished(self, recording: Recording, whole: IndexedRecording, stated: float) -> _Finished:
        """Say of a recording what is to be said of it beside those that are here.

        *stated* is the offset of its clock before what was set for its camera or folder.
        """
        camera, listed = self.cameras[recording.camera_id], self.streams[recording.path]
        found = [
            Problem(recording.file, f"has the same content as {other}; one of their rows is wrong")
            for other in self.gallery.same_content(whole)
            if not (other == recording.file and len(listed) > 1)
        ]
        found += [
            Problem(
                recording.file,
                f"overlaps {other} on camera {recording.camera_id} by {seconds:.0f} s; "
                "check their start times",
            )
            for other, seconds in self.gallery.overlapping(whole)
            if seconds > OVERLAP_SECONDS
        ]
        found += clock_notes(recording, stated, self.gallery)
        found += notes_on(whole, camera)
        found += [
            Problem(
                recording.file,
                f"picture stream {number} of {whole.picture_streams} was not looked at; give it a "
                "row and a camera of its own in footage.csv, with the column stream",
            )
            for number in range(1, whole.picture_streams + 1)
            if number not in listed
        ]
        metric = self.gallery.profile.metric
        parts = [
            (there, with_different_people(part, metric, self.normaliser))
            for there, part in divided(
                replace(whole, problems=whole.problems + tuple(found)), camera
            )
        ]
        return _Finished(recording, whole, parts, tuple(found))

    def _held_as(self, whole: IndexedRecording) -> list[str]:
        """Ids under which a gallery has come to hold a recording since the run began."""
        keys = [(whole.sha256, whole.recording.camera_id, whole.recording.stream)]
        same = self.gallery.same_recordings(keys, anywhere=True)
        return [name for names in same.values() for name in names]

    def _copy(self, recording: Recording, ids: list[str]) -> RecordingReport:
        """Report on a recording whose content was stored since the run began."""
        start = self.gallery.starts(ids)[ids[0]]
        told = [
            Problem(
                recording.file,
                f"has the same content as {start.file} on the same camera, and is kept once",
            )
        ]
        if not agrees(recording, start):
            told.append(other_time(recording, start))
        told += other_place(recording, list(self.gallery.readings(ids).values()))
        return RecordingReport(recording.file, recording.camera_id, "present", problems=tuple(told))

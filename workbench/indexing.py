"""The ingest use case: footage → faces → gallery, one recording at a time, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.domain import (
    Box,
    Catalogue,
    IndexedRecording,
    Problem,
    Recording,
    recording_identity,
)
from workbench.errors import RecordingError
from workbench.faces.following import Follower, Following
from workbench.footage.catalog import read_catalogue
from workbench.footage.frames import RecordingReader, sha256_of
from workbench.footage.motion import MotionGate

if TYPE_CHECKING:
    import pandas as pd

    from workbench.faces.models import Models
    from workbench.gallery import Gallery

# Seconds by which a frame may come early and still be the one that was due.
_TOLERANCE = 0.005

# Size and modification time by (file, camera, start).
_Known: TypeAlias = dict[tuple[str, str, datetime], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a recording is looked at, in seconds of its own time.

    Measured on people walking past for 4 to 7 seconds at 12 frames a second: at these values all
    of 83 appearances were seen with YuNet and 81 with dlib's HOG detector, 15 times in the median.
    """

    search_every: float = 0.5  # for new faces, where something moves
    follow_every: float = 0.25  # for faces already followed
    sweep_every: float = 10.0  # for new faces everywhere: somebody may stand still and turn round


@dataclass(frozen=True, slots=True)
class Progress:
    """How far indexing has come."""

    done: int  # recordings finished
    total: int  # recordings to index in this run
    file: str  # the one being read
    part: float  # of it, from 0 to 1; 0 where its length is unknown
    footage_seconds: float  # read so far in this run
    faces: int  # detected so far in this run
    elapsed_seconds: float

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate of the time left; None before there is anything to go by."""
        worked = self.done + self.part
        return self.elapsed_seconds / worked * (self.total - worked) if worked > 0 else None


ProgressCallback: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """What became of one recording. Counts are zero unless it was indexed in this run."""

    file: str
    camera_id: str
    status: Literal["indexed", "present", "refused"]
    seconds: float = 0.0  # of footage
    frames_decoded: int = 0
    frames_examined: int = 0
    faces: int = 0
    tracklets: int = 0
    unsearchable: int = 0
    problems: tuple[Problem, ...] = ()
    elapsed_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of indexing did, recording by recording."""

    recordings: tuple[RecordingReport, ...]
    catalogue_problems: tuple[Problem, ...] = field(default=())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that went wrong while the rest went on."""
        return self.catalogue_problems + tuple(p for r in self.recordings for p in r.problems)

    def count(self, status: Literal["indexed", "present", "refused"]) -> int:
        """Number of recordings with that outcome."""
        return sum(recording.status == status for recording in self.recordings)

    def frame(self) -> pd.DataFrame:
        """One row a recording, with the fields of :class:`RecordingReport`."""
        import dataclasses

        import pandas as pd

        columns = [f.name for f in dataclasses.fields(RecordingReport)]
        rows = [[getattr(r, name) for name in columns] for r in self.recordings]
        frame = pd.DataFrame(rows, columns=columns)
        frame["problems"] = [len(r.problems) for r in self.recordings]
        return frame


def index_catalogue(
    source: Path | str | Catalogue,
    gallery: Gallery,
    models: Models,
    *,
    pace: Pace | None = None,
    following: Following | None = None,
    progress: ProgressCallback | None = None,
) -> IndexReport:
    """Index the recordings of a catalogue that the gallery does not hold yet.

    Each recording is stored in one transaction when it is finished, so a run that is stopped, by
    Ctrl-C or by force, loses at most the recording it was reading; the next run goes on from there.

    Parameters
    ----------
    source : path or Catalogue
        Folder with ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv``.
    gallery : Gallery
        Open for writing, made with the profile of *models*.
    models : Models
        Loaded by :func:`workbench.faces.models.load`.
    pace, following : optional
        How often and how closely to look; the defaults are measured.
    progress : callable, optional
        Called often with a :class:`Progress`.

    Raises
    ------
    CatalogueError
        If the catalogue as a whole cannot be used. Single bad rows and unreadable recordings are
        reported as problems while the rest goes on.
    """
    catalogue = source if isinstance(source, Catalogue) else read_catalogue(Path(source))
    gallery.add_cameras(catalogue.cameras)
    known = gallery.known_files()
    reports: dict[Recording, RecordingReport] = {
        recording: RecordingReport(recording.file, recording.camera_id, "present")
        for recording in catalogue.recordings
        if _present(recording, gallery, known)
    }
    fresh = [recording for recording in catalogue.recordings if recording not in reports]
    meter = _Meter(len(fresh), progress)
    for recording in fresh:
        meter.begin(recording.file)
        report = _index_one(recording, gallery, models, pace, following, meter.tell)
        reports[recording] = report
        meter.finish(report)
    ordered = tuple(reports[recording] for recording in catalogue.recordings)
    return IndexReport(ordered, catalogue.problems)


@dataclass(slots=True)
class _Meter:
    """Adds up what the recordings of one run tell, for the progress callback."""

    total: int
    callback: ProgressCallback | None
    done: int = 0
    file: str = ""
    footage_seconds: float = 0.0
    faces: int = 0
    began: float = field(default_factory=time.perf_counter)

    def begin(self, file: str) -> None:
        self.file = file
        self.tell(0.0, 0.0, 0)

    def tell(self, seconds: float, part: float, faces: int) -> None:
        if self.callback is not None:
            elapsed = time.perf_counter() - self.began
            read, found = self.footage_seconds + seconds, self.faces + faces
            self.callback(Progress(self.done, self.total, self.file, part, read, found, elapsed))

    def finish(self, report: RecordingReport) -> None:
        self.done += 1
        self.footage_seconds += report.seconds
        self.faces += report.faces
        self.file = ""
        self.tell(0.0, 0.0, 0)


def index_recording(
    recording: Recording,
    models: Models,
    *,
    pace: Pace | None = None,
    following: Following | None = None,
    tell: Callable[[float, float, int], None] | None = None,
) -> IndexedRecording:
    """Read one recording and return all that was seen in it; stores nothing.

    ``tell`` is called with (seconds read, part of the whole from 0 to 1, faces so far).

    Raises
    ------
    RecordingError
        If it cannot be read at all, or changes while it is read.
    """
    pace = pace or Pace()
    with RecordingReader(recording.path, name=recording.file) as reader:
        status = recording.path.stat()
        sha256 = sha256_of(recording.path)
        follower = Follower(models, started_at=recording.started_at, following=following)
        gate = MotionGate()
        examined = 0
        search_at = follow_at = sweep_at = 0.0
        for frame in reader.frames():
            now = frame.seconds + _TOLERANCE
            searching = now >= search_at
            if not searching and not (follower.busy and now >= follow_at):
                continue
            regions: list[Box] | None = []
            if searching:
                search_at = frame.seconds + pace.search_every
                luma = frame.luma(gate.width)
                scale = max(reader.width, reader.height) / max(luma.shape)
                regions, cut = gate.look(luma, scale)
                if cut:
                    follower.cut()
                if now >= sweep_at:
                    sweep_at, regions = frame.seconds + pace.sweep_every, None
            follow_at = frame.seconds + pace.follow_every
            if regions is None or regions or follower.busy:
                examined += 1
                follower.look(frame.seconds, frame.image(), regions)
            if tell is not None:
                length = reader.duration_seconds
                part = min(1.0, frame.seconds / length) if length else 0.0
                tell(frame.seconds, part, follower.faces)
        tracklets = follower.finish()
        reader.check_unchanged()
        return IndexedRecording(
            recording=recording,
            sha256=sha256,
            size_bytes=status.st_size,
            modified_ns=status.st_mtime_ns,
            seconds=reader.seconds,
            width=reader.width,
            height=reader.height,
            frames_decoded=reader.frames_decoded,
            frames_examined=examined,
            faces=follower.faces,
            tracklets=tracklets,
            problems=tuple(reader.problems),
        )


def _present(recording: Recording, gallery: Gallery, known: _Known) -> bool:
    """Whether the gallery holds this recording; its content is read only if its file looks new."""
    try:
        status = recording.path.stat()
        seen = known.get((recording.file, recording.camera_id, recording.started_at))
        if seen == (status.st_size, status.st_mtime_ns):
            return True
        sha256 = sha256_of(recording.path)
    except OSError:
        return False  # whoever reads it says what is wrong
    return gallery.holds(recording_identity(sha256, recording.camera_id, recording.started_at))


def _index_one(
    recording: Recording,
    gallery: Gallery,
    models: Models,
    pace: Pace | None,
    following: Following | None,
    tell: Callable[[float, float, int], None],
) -> RecordingReport:
    began = time.perf_counter()
    try:
        indexed = index_recording(recording, models, pace=pace, following=following, tell=tell)
    except RecordingError as error:
        problem = Problem(recording.file, f"{error.what}. {error.fix}")
        elapsed = time.perf_counter() - began
        return RecordingReport(
            recording.file, recording.camera_id, "refused",
            problems=(problem,), elapsed_seconds=elapsed,
        )  # fmt: skip
    gallery.add_recording(indexed)
    return RecordingReport(
        file=recording.file,
        camera_id=recording.camera_id,
        status="indexed",
        seconds=indexed.seconds,
        frames_decoded=indexed.frames_decoded,
        frames_examined=indexed.frames_examined,
        faces=indexed.faces,
        tracklets=len(indexed.tracklets),
        unsearchable=sum(not tracklet.searchable for tracklet in indexed.tracklets),
        problems=indexed.problems,
        elapsed_seconds=time.perf_counter() - began,
    )

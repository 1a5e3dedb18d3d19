"""What a run of indexing tells: progress while it goes, and a report at its end."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.domain import IndexedRecording, Problem, Recording

if TYPE_CHECKING:
    import pandas as pd

Status: TypeAlias = Literal["indexed", "present", "refused"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far indexing has come."""

    done: int  # recordings finished
    total: int  # recordings to index in this run
    file: str  # the one being read, or the latest of several
    part: float  # of a recording, read of those not finished; 0 where lengths are unknown
    footage_seconds: float  # read so far in this run
    faces: int  # detected so far in this run
    elapsed_seconds: float

    @property
    def remaining_seconds(self) -> float | None:
        """Estimate of the time left; None before there is anything to go by."""
        worked = self.done + self.part
        return self.elapsed_seconds / worked * (self.total - worked) if worked > 0 else None

    @property
    def pace(self) -> float:
        """Hours of footage in an hour."""
        return self.footage_seconds / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0


ProgressCallback: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """What became of one recording. Counts are zero unless it was indexed in this run."""

    file: str
    camera_id: str
    status: Status
    seconds: float = 0.0  # of footage
    frames_decoded: int = 0
    frames_examined: int = 0
    faces: int = 0
    tracklets: int = 0
    unsearchable: int = 0
    problems: tuple[Problem, ...] = ()
    stopped: str = ""  # why reading ended
    elapsed_seconds: float = 0.0

    @classmethod
    def of(cls, indexed: IndexedRecording, problems: tuple[Problem, ...]) -> RecordingReport:
        """Of a recording that was indexed, with what is to be said about it besides."""
        return cls(
            file=indexed.recording.file,
            camera_id=indexed.recording.camera_id,
            status="indexed",
            seconds=indexed.seconds,
            frames_decoded=indexed.frames_decoded,
            frames_examined=indexed.frames_examined,
            faces=indexed.faces,
            tracklets=len(indexed.tracklets),
            unsearchable=sum(not tracklet.searchable for tracklet in indexed.tracklets),
            problems=indexed.problems + problems,
            stopped=indexed.stopped,
            elapsed_seconds=indexed.elapsed_seconds,
        )

    @classmethod
    def refusal(cls, recording: Recording, what: str) -> RecordingReport:
        """Of a recording that could not be read."""
        problem = Problem(recording.file, what)
        return cls(
            recording.file, recording.camera_id, "refused", problems=(problem,), stopped=what
        )


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one run of indexing did, recording by recording."""

    recordings: tuple[RecordingReport, ...]
    catalogue_problems: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that went wrong while the rest went on."""
        return self.catalogue_problems + tuple(p for r in self.recordings for p in r.problems)

    def count(self, status: Status) -> int:
        """Number of recordings with that outcome."""
        return sum(recording.status == status for recording in self.recordings)

    def frame(self) -> pd.DataFrame:
        """One row a recording, with the fields of :class:`RecordingReport`; problems counted."""
        import pandas as pd

        columns = [f.name for f in dataclasses.fields(RecordingReport)]
        rows = [[getattr(r, name) for name in columns] for r in self.recordings]
        frame = pd.DataFrame(rows, columns=columns)
        frame["problems"] = [len(r.problems) for r in self.recordings]
        return frame


@dataclass(slots=True)
class Meter:
    """Adds up what the recordings of one run tell, for the progress callback."""

    total: int
    callback: ProgressCallback | None
    _done: int = 0
    _footage_seconds: float = 0.0
    _faces: int = 0
    _file: str = ""
    _open: dict[str, tuple[float, float, int]] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    def tell(self, file: str, seconds: float, part: float, faces: int) -> None:
        """A recording has come so far."""
        self._file, self._open[file] = file, (seconds, part, faces)
        self._call()

    def finish(self, report: RecordingReport) -> None:
        """A recording is finished."""
        self._open.pop(report.file, None)
        self._done += 1
        self._footage_seconds += report.seconds
        self._faces += report.faces
        if self._done == self.total:
            self._file = ""
        self._call()

    def _call(self) -> None:
        if self.callback is None:
            return
        self.callback(
            Progress(
                done=self._done,
                total=self.total,
                file=self._file,
                part=sum(part for _, part, _ in self._open.values()),
                footage_seconds=self._footage_seconds + sum(s for s, _, _ in self._open.values()),
                faces=self._faces + sum(faces for _, _, faces in self._open.values()),
                elapsed_seconds=time.perf_counter() - self._began,
            )
        )

"""The report of a run of indexing, and the meter that adds up its progress."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from workbench.domain import IndexedRecording, Problem, Progress, ProgressCallback, Recording
from workbench.domain.summaries import Summarised, Summary

if TYPE_CHECKING:
    import pandas as pd

Status: TypeAlias = Literal["indexed", "present", "refused"]


@dataclass(frozen=True, slots=True)
class RecordingReport:
    """Outcome of one recording. Counts are zero unless it was indexed in this run."""

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
        """Report on an indexed recording, with further *problems*."""
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
        """Report on a recording that could not be read."""
        problem = Problem(recording.file, what)
        return cls(
            recording.file, recording.camera_id, "refused", problems=(problem,), stopped=what
        )


@dataclass(frozen=True, slots=True, repr=False)
class IndexReport(Summarised):
    """Report on one run of indexing, recording by recording."""

    recordings: tuple[RecordingReport, ...]
    catalogue_problems: tuple[Problem, ...] = ()
    # Ids of cameras that the list gives neither place nor track, though it has their footage.
    unplaced: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems of the catalogue and of all recordings."""
        return self.catalogue_problems + tuple(p for r in self.recordings for p in r.problems)

    def count(self, status: Status) -> int:
        """Number of recordings with that outcome."""
        return sum(recording.status == status for recording in self.recordings)

    def summary(self) -> Summary:
        """Describe the run: what was indexed and refused, and the problems."""
        problems, refused = self.problems, self.count("refused")
        words = self.unplaced_words()
        return Summary(
            "Index report",
            (
                ("indexed", f"{self.count('indexed'):,}"),
                ("already indexed", f"{self.count('present'):,}"),
                ("refused", f"{refused:,}" if refused else ""),
                ("footage", f"{sum(r.seconds for r in self.recordings) / 60:,.1f} minutes"),
                ("tracklets", f"{sum(r.tracklets for r in self.recordings):,}"),
                ("not searchable", f"{sum(r.unsearchable for r in self.recordings):,}"),
                ("problems", f"{len(problems):,}"),
            ),
            notes=(words,) if words else (),
            headings=("where", "problem"),
            rows=[(problem.where, problem.what) for problem in problems],
        )

    def unplaced_words(self) -> str:
        """Say which cameras have no place and what that means; empty where all have one."""
        if not self.unplaced:
            return ""
        return (
            f"No place is known of {', '.join(self.unplaced)}: no district holds what was seen "
            "there, which is searched only under a case that names the camera."
        )

    def frame(self) -> pd.DataFrame:
        """Make a table of one row per recording: :class:`RecordingReport`, problems counted."""
        import pandas as pd

        columns = [f.name for f in dataclasses.fields(RecordingReport)]
        rows = [[getattr(r, name) for name in columns] for r in self.recordings]
        frame = pd.DataFrame(rows, columns=columns)
        frame["problems"] = [len(r.problems) for r in self.recordings]
        return frame


@dataclass(slots=True)
class ProgressMeter:
    """Adds up the progress of single recordings to that of the run they belong to."""

    total: int
    callback: ProgressCallback | None
    _done: int = 0
    _footage_seconds: float = 0.0
    _faces: int = 0
    _file: str = ""
    _open: dict[str, Progress] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    def begin(self, first: str) -> None:
        """Report that the run begins with a file: workers take seconds before they read it."""
        self._file = first
        self._report()

    def update(self, recording: Progress) -> None:
        """Take the progress of one recording, as :func:`index_recording` reports it."""
        self._file, self._open[recording.what] = recording.what, recording
        self._report()

    def finish(self, report: RecordingReport) -> None:
        """Count a recording as finished."""
        self._open.pop(report.file, None)
        self._done += 1
        self._footage_seconds += report.seconds
        self._faces += report.faces
        if self._done == self.total:
            self._file = ""
        self._report()

    def _report(self) -> None:
        if self.callback is None:
            return
        self.callback(
            Progress(
                done=self._done,
                total=self.total,
                what=self._file,
                part=sum(r.part for r in self._open.values()),
                footage_seconds=self._footage_seconds
                + sum(r.footage_seconds for r in self._open.values()),
                faces=self._faces + sum(r.faces for r in self._open.values()),
                elapsed_seconds=time.perf_counter() - self._began,
            )
        )

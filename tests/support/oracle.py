"""Brute force of a gallery: what it is to answer, worked out from recordings one by one.

Nothing here knows of parts, days, places along a curve, codes or SQL.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import shapely

from workbench.calibration import QUALITY_STEPS, Normaliser
from workbench.domain import (
    PLAIN_SCALE,
    QUALITY_PARTS,
    Camera,
    Candidate,
    ClockCorrection,
    ClockSetting,
    Coverage,
    Filter,
    IndexedRecording,
    Profile,
    Scope,
    ScoreCount,
    Shot,
    Stretch,
    TimeNote,
    Tracklet,
    setting_for,
    stretch_at,
)
from workbench.errors import DistrictError
from workbench.gallery.entries import RefusalEntry, RunEntry

Row = tuple[object, ...]
Table = tuple[list[str], list[Row]]
DAY = timedelta(days=1)
NONE = Filter()


@dataclass
class Town:
    """All that was given to a gallery; recordings are as their clocks are known now."""

    profile: Profile
    cameras: dict[str, Camera] = field(default_factory=dict)
    recordings: dict[str, IndexedRecording] = field(default_factory=dict)
    clocks: list[ClockSetting] = field(default_factory=list)
    runs: list[RunEntry] = field(default_factory=list)
    refusals: list[RefusalEntry] = field(default_factory=list)

    def copy(self) -> Town:
        """The same, to be changed alone."""
        return replace(
            self, cameras=dict(self.cameras), recordings=dict(self.recordings),
            clocks=list(self.clocks), runs=list(self.runs), refusals=list(self.refusals),
        )  # fmt: skip

    def correct(
        self, names: Collection[str], correction: ClockCorrection, given_for: str, **how: Any
    ) -> None:
        """Correct the clocks of recordings."""
        for name in names:
            one = self.recordings[name]
            self.recordings[name] = one.corrected(correction, given_for, **how)

    def restate(self, name: str, stretches: tuple[Stretch, ...]) -> None:
        """Give a recording other stretches, with all times."""
        one = self.recordings[name]
        first = stretches[0]
        tracklets = []
        for tracklet in one.tracklets:
            second = one.seconds_of(tracklet)[0]
            by = stretch_at(one.stretches, second).shift - stretch_at(stretches, second).shift
            shots = tuple(replace(shot, time=shot.time + by) for shot in tracklet.shots)
            seen = tracklet.first_seen + by, tracklet.last_seen + by
            tracklets.append(replace(tracklet, first_seen=seen[0], last_seen=seen[1], shots=shots))
        about = replace(
            one.recording, started_at=one.recording.stated_at - first.shift,
            clock_offset_seconds=first.offset_seconds,
        )  # fmt: skip
        self.recordings[name] = replace(
            one, recording=about, stretches=stretches, tracklets=tuple(tracklets)
        )

    # --- What a scope holds -------------------------------------------------------------------

    def chosen(self, scope: Scope, only: Filter = NONE) -> set[str]:
        """Cameras of a scope that a filter leaves; raises DistrictError if the scope has none."""
        inside = {
            name
            for name, camera in self.cameras.items()
            if (name in scope.unplaced and camera.place is None)
            or (camera.place and shapely.intersects_xy(scope.district.area, *camera.place))
        }
        if not inside:
            raise DistrictError("holds no camera of this gallery", where=scope.district.name)
        return inside if only.cameras is None else inside & only.cameras

    def seen(self, scope: Scope, only: Filter = NONE) -> list[tuple[IndexedRecording, Tracklet]]:
        """Tracklets inside a scope and filter, of whatever quality."""
        cameras, spans = self.chosen(scope, only), scope.spans(only.windows)
        return [
            (one, tracklet)
            for one in self.recordings.values()
            for tracklet in one.tracklets
            if one.recording.camera_id in cameras
            and any(tracklet.first_seen < b and tracklet.last_seen >= a for a, b in spans)
        ]

    def compared(self, scope: Scope, only: Filter) -> list[tuple[IndexedRecording, Tracklet]]:
        """Those that a search compares."""
        least = np.float32(only.quality)
        return [
            (one, tracklet)
            for one, tracklet in self.seen(scope, only)
            if tracklet.searchable and np.float32(tracklet.shots[0].quality.overall) >= least
        ]

    def search(
        self,
        probe: np.ndarray,
        scope: Scope,
        *,
        only: Filter | None = None,
        top: int | None = None,
        threshold: float | None = None,
        normaliser: Normaliser | None = None,
    ) -> list[Candidate]:
        """Every tracklet of the scope, scored by itself, in the order of candidates."""
        found = []
        for one, tracklet in self.compared(scope, only or NONE):
            assert tracklet.template is not None
            template = self.kept(tracklet.template)
            score = max(self.score(each, template, normaliser) for each in np.atleast_2d(probe))
            if threshold is None or score >= threshold:
                found.append(self.candidate(one, tracklet, score, normaliser))
        found.sort(key=lambda c: (-c.score, c.first_seen, c.recording_id, ordinal_of(c)))
        return found[:top]

    def candidate(
        self,
        one: IndexedRecording,
        tracklet: Tracklet,
        score: float,
        normaliser: Normaliser | None = None,
    ) -> Candidate:
        """The candidate that a tracklet is."""
        best, about = tracklet.shots[0], one.recording
        return Candidate(
            tracklet_id=f"{one.recording_id}-{tracklet.ordinal}",
            camera=self.cameras[about.camera_id], recording_id=one.recording_id,
            recording=about.file, first_seen=tracklet.first_seen, last_seen=tracklet.last_seen,
            score=score, quality=best.quality.overall, shot_seconds=best.seconds,
            shot_time=best.time, shot_jpeg=best.jpeg,
            scale=normaliser.scale if normaliser else PLAIN_SCALE,
            time=TimeNote.of(tracklet.first_seen, one.stretches, *one.seconds_of(tracklet)),
        )  # fmt: skip

    def kept(self, template: np.ndarray) -> np.ndarray:
        """A template as it is kept: of unit length for the cosine metric."""
        if self.profile.metric == "euclidean":
            return template
        return (template / np.linalg.norm(template.astype(np.float64))).astype(np.float32)

    def score(self, probe: np.ndarray, template: np.ndarray, by: Normaliser | None) -> float:
        """Score of one probe and one template."""
        found = self._alike(probe, template)
        if by is None:
            return found
        taken = [
            # As exact as they are kept.
            round(max(self._alike(each, centroid) for centroid in by.centroids) * 2**20) / 2**20
            for each in (probe, template)
        ]
        return (found - sum(taken) / 2 - by.mean) / by.deviation

    def _alike(self, one: np.ndarray, other: np.ndarray) -> float:
        a, b = one.astype(np.float64), other.astype(np.float64)
        if self.profile.metric == "euclidean":
            return 1 - math.dist(a, b)
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    def explained(self, scope: Scope, only: Filter, *, normalised: bool) -> dict[str, object]:
        """Cost of a search, but for how it is divided."""
        compared = self.compared(scope, only)
        # A code, its scale, camera, two times and quality; the square of its length, its offset.
        width = self.profile.dimension + 4 + 4 + 16 + 4 * (self.profile.metric == "euclidean")
        steps = [0] * QUALITY_STEPS
        for _, tracklet in compared:
            quality = float(np.float32(tracklet.shots[0].quality.overall) * QUALITY_STEPS)
            steps[min(int(quality), QUALITY_STEPS - 1)] += 1
        return {
            "cameras": len(self.chosen(scope, only)),
            "tracklets": len(compared),
            "bytes": len(compared) * (width + 4 * normalised),
            "quality": tuple(steps),
        }

    def coverage(self, scope: Scope, only: Filter = NONE) -> Coverage:
        """What there is in a scope; raises DistrictError if the filter leaves no camera of it."""
        cameras, spans = self.chosen(scope, only), scope.spans(only.windows)
        if not cameras:
            raise DistrictError(
                "holds none of the cameras that were chosen", where=scope.district.name
            )

        def inside(start: datetime, end: datetime) -> float:
            cut = [(max(start, a), min(end, b)) for a, b in spans]
            return sum((b - a).total_seconds() for a, b in cut if a < b)

        there = [one for one in self.recordings.values() if one.recording.camera_id in cameras]
        footage = {one.recording_id: sum(inside(*span) for span in one.spans) for one in there}
        seen = [one for one in there if footage[one.recording_id]]
        tracklets = self.seen(scope, only)
        refused = [
            self.right_time(one) for one in self.refusals if one.camera_id in cameras
        ]  # fmt: skip
        return Coverage(
            cameras=len(cameras),
            cameras_with_footage=len({one.recording.camera_id for one in seen}),
            recordings=len(seen),
            footage_seconds=sum(footage.values()),
            tracklets=sum(tracklet.searchable for _, tracklet in tracklets),
            unsearchable=sum(not tracklet.searchable for _, tracklet in tracklets),
            refused=sum(scope.start <= at < scope.end for at in refused),
            unseen_seconds=sum(
                inside(start, end) for one in there for _, start, end in unseen_spans(one)
            ),
            unplaced=sum(self.cameras[name].place is None for name in cameras),
            uncertain=sum(any(s.open_doubt for s in within(*both)) for both in tracklets),
            earlier=sum(any(s.open_note for s in within(*both)) for both in tracklets),
        )

    def right_time(self, refusal: RefusalEntry) -> datetime:
        """When a refused recording began, by the clock of its camera or folder."""
        one = refusal
        setting = setting_for(self.clocks, one.camera_id, one.file, one.started_at, one.catalogue)
        offset = setting.offset_seconds if setting and not one.offset_seconds else 0.0
        return one.started_at - timedelta(seconds=offset)

    # --- What people read ---------------------------------------------------------------------

    def tables(self) -> dict[str, Table]:
        """Columns and rows of every documented table and view, in any order."""
        made = {name: [*getattr(self, f"_{name}")()] for name in COLUMNS}
        return {name: (columns.split(), made[name]) for name, columns in COLUMNS.items()}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Rows of one of these."""
        return [dict(zip(COLUMNS[name].split(), row, strict=True))
                for row in getattr(self, f"_{name}")()]  # fmt: skip

    def _each(self) -> Iterator[tuple[str, IndexedRecording]]:
        yield from self.recordings.items()

    def _recordings(self) -> Iterator[Row]:
        for name, one in self._each():
            about = one.recording
            yield (
                name, about.camera_id, about.file, one.started_at, one.ended_at, one.sha256,
                one.size_bytes, one.modified_ns, one.width, one.height, one.frames_decoded,
                one.frames_examined, one.faces, one.stopped, one.elapsed_seconds,
                about.stated_at, one.seconds, about.stream, about.rotation or 0,
                str(about.pixel_aspect) if about.pixel_aspect else None, about.frame_rate,
                about.catalogue,
            )  # fmt: skip

    def _tracklets(self) -> Iterator[Row]:
        for name, one in self._each():
            for t in one.tracklets:
                yield (name, t.ordinal, one.recording.camera_id, t.first_seen, t.last_seen,
                       t.detections, t.searchable, *one.seconds_of(t))  # fmt: skip

    def _shots(self) -> Iterator[Row]:
        for name, one in self._each():
            for tracklet in one.tracklets:
                for rank, shot in enumerate(tracklet.shots):
                    yield name, tracklet.ordinal, rank, *shown(shot)

    def _problems(self) -> Iterator[Row]:
        return ((name, p.what, p.at_seconds) for name, one in self._each() for p in one.problems)

    def _stretches(self) -> Iterator[Row]:
        for name, one in self._each():
            for stretch, end in ending(one):
                yield name, *astuple(stretch), end

    def _unseen(self) -> Iterator[Row]:
        return ((name, u.start, u.end, u.why) for name, one in self._each() for u in one.unseen)

    def _legs(self) -> Iterator[Row]:
        return ((name, leg.start, leg.end, one.track) for name, one in self._each()
                for leg in one.legs)  # fmt: skip

    def _spans(self) -> Iterator[Row]:
        return ((name, one.recording.camera_id, *span) for name, one in self._each()
                for span in one.spans)  # fmt: skip

    def _different_people(self) -> Iterator[Row]:
        def values(count: ScoreCount) -> Row:
            return count.scale, count.quality, count.score, count.width, count.comparisons

        return ((name, *values(count)) for name, one in self._each()
                for count in one.different_people)  # fmt: skip

    def _clocks(self) -> Iterator[Row]:
        for one in dict.fromkeys(self.clocks):
            by = one.correction
            yield (one.camera_id, one.folder, one.since, one.until, by.offset_seconds,
                   by.uncertainty_seconds, by.found_by, by.how, by.found_at,
                   one.catalogue)  # fmt: skip

    def _runs(self) -> Iterator[Row]:
        return ((n, *one) for n, one in enumerate(self.runs, 1))

    def _refusals(self) -> Iterator[Row]:
        """Those that could not be read later: the newest of each."""
        read = {
            (one.recording.camera_id, one.recording.file, at)
            for one in self.recordings.values()
            for at in (one.started_at, one.recording.stated_at)
        }
        newest = {(one.camera_id, one.file, one.started_at): one for one in self.refusals}
        return (tuple(one) for key, one in newest.items() if key not in read)

    def _cameras(self) -> Iterator[Row]:
        return (astuple(camera) for camera in self.cameras.values())

    def _unseen_spans(self) -> Iterator[Row]:
        for name, one in self._each():
            for why, start, end in unseen_spans(one):
                yield name, one.recording.camera_id, why, start, end

    def _sightings_view(self) -> Iterator[Row]:
        for name, one in self._each():
            camera = self.cameras[one.recording.camera_id]
            for t in one.tracklets:
                own, best = within(one, t)[0], t.shots[0] if t.shots else None
                doubts = [stretch.open_doubt for stretch in within(one, t) if stretch.open_doubt]
                yield (
                    f"{name}-{t.ordinal}", name, t.ordinal, *astuple(camera), one.recording.file,
                    t.first_seen, t.last_seen, t.detections, t.searchable,
                    *((best.quality.overall, best.time, best.seconds) if best else [None] * 3),
                    t.first_seen + own.shift, 0 - own.offset_seconds, own.uncertainty_seconds,
                    "; ".join(doubts), own.open_note,
                )  # fmt: skip

    def _recordings_view(self) -> Iterator[Row]:
        for name, one in self._each():
            camera = self.cameras[one.recording.camera_id]
            yield (
                name, camera.camera_id, camera.name, one.recording.file, one.started_at,
                one.ended_at, one.seconds, seconds_in(one.spans),
                seconds_in([span for _, *span in unseen_spans(one)]), one.recording.stated_at,
                one.stretches[0].offset_seconds,
                not any(stretch.open_doubt for stretch in one.stretches), len(one.tracklets),
                sum(t.searchable for t in one.tracklets), one.stopped, len(one.problems),
            )  # fmt: skip

    def _cameras_view(self) -> Iterator[Row]:
        for name, camera in self.cameras.items():
            there = [one for one in self.recordings.values() if one.recording.camera_id == name]
            yield (
                *astuple(camera), len(there), sum(seconds_in(one.spans) for one in there),
                sum(len(one.tracklets) for one in there),
                min((one.started_at for one in there), default=None),
                max((one.ended_at for one in there), default=None),
            )  # fmt: skip

    def _coverage_view(self) -> Iterator[Row]:
        days: dict[tuple[str, datetime], tuple[set[str], float]] = {}
        for name, one in self._each():
            for start, end in one.spans:
                day = start.replace(hour=0, minute=0, second=0, microsecond=0)
                while day < end:
                    names, seconds = days.get((one.recording.camera_id, day), (set[str](), 0.0))
                    seconds += seconds_in([(max(start, day), min(end, day + DAY))])
                    days[one.recording.camera_id, day] = names | {name}, seconds
                    day += DAY
        for (camera, day), (names, seconds) in days.items():
            yield camera, self.cameras[camera].name, day, len(names), seconds


COLUMNS = {
    "recordings": "recording_id camera_id file started_at ended_at sha256 size_bytes modified_ns "
    "width height frames_decoded frames_examined faces stopped elapsed_seconds stated_at seconds "
    "stream rotation pixel_aspect frame_rate catalogue",
    "tracklets": "recording_id ordinal camera_id first_seen last_seen detections searchable "
    "first_seconds last_seconds",
    "shots": "recording_id ordinal rank seconds time x y width height quality "
    + " ".join(QUALITY_PARTS),
    "problems": "recording_id what at_seconds",
    "stretches": "recording_id from_seconds doubt offset_seconds uncertainty_seconds found_by how "
    "found_at given_for note until_seconds",
    "unseen": "recording_id start_seconds end_seconds why",
    "legs": "recording_id start_seconds end_seconds track",
    "spans": "recording_id camera_id started_at ended_at",
    "different_people": "recording_id scale quality score width comparisons",
    "clocks": "camera_id folder since until offset_seconds uncertainty_seconds found_by how "
    "found_at catalogue",
    "runs": "run_id source started_at ended_at indexed refused left",
    "refusals": "camera_id file started_at reason refused_at offset_seconds catalogue",
    "cameras": "camera_id name latitude longitude",
    "unseen_spans": "recording_id camera_id why started_at ended_at",
    "sightings_view": "tracklet_id recording_id ordinal camera_id camera latitude longitude "
    "recording first_seen last_seen detections searchable best_quality best_shot_at "
    "best_shot_seconds recorded_at correction_seconds uncertainty_seconds doubt note",
    "recordings_view": "recording_id camera_id camera file started_at ended_at seconds "
    "seen_seconds unseen_seconds stated_at clock_offset_seconds is_certain tracklets searchable "
    "stopped problems",
    "cameras_view": "camera_id camera latitude longitude recordings seconds tracklets "
    "first_footage last_footage",
    "coverage_view": "camera_id camera day recordings seconds",
}


def check_tables(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Check that tables have the same columns and rows, in any order, but for what sums round."""
    assert found.keys() == wanted.keys()
    for name, (columns, rows) in wanted.items():
        assert found[name][0] == columns, name
        assert _plain(found[name][1]) == _plain(rows), name


def _plain(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    return sorted(([rounded(value) for value in row] for row in rows), key=repr)


def rounded(value: object) -> object:
    """A value of a row without what sums round, times in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return round(value, 5) + 0.0 if isinstance(value, float) else value


def within(one: IndexedRecording, tracklet: Tracklet) -> list[Stretch]:
    """Stretches of a recording in which a tracklet was seen, in order."""
    first, last = one.seconds_of(tracklet)
    return [stretch_at(one.stretches, first)] + [
        stretch for stretch in one.stretches if first < stretch.from_seconds <= last
    ]


def ending(one: IndexedRecording) -> Iterator[tuple[Stretch, float]]:
    """Stretches of a recording, each with the second at which it ends."""
    ends = [*(stretch.from_seconds for stretch in one.stretches[1:]), math.inf]
    yield from zip(one.stretches, ends, strict=True)


def unseen_spans(one: IndexedRecording) -> Iterator[tuple[str, datetime, datetime]]:
    """What could not be seen of a recording: why, and from when to when."""
    for gap in one.unseen:
        for stretch, until in ending(one):
            start, end = max(gap.start, stretch.from_seconds), min(gap.end, until, one.seconds)
            if start < end:
                zero = one.recording.stated_at - stretch.shift
                yield gap.why, zero + timedelta(seconds=start), zero + timedelta(seconds=end)


def seconds_in(spans: Sequence[Sequence[datetime]]) -> float:
    """Seconds of some spans, added up."""
    return sum((end - start).total_seconds() for start, end in spans)


def ordinal_of(candidate: Candidate) -> int:
    """Number of a candidate in its recording."""
    return int(candidate.tracklet_id.rpartition("-")[2])


def shown(shot: Shot) -> Row:
    """What people read of a shot, but for its picture."""
    box, parts = shot.box, [getattr(shot.quality, name) for name in QUALITY_PARTS]
    return (shot.seconds, shot.time, box.x, box.y, box.width, box.height, shot.quality.overall,
            *parts)  # fmt: skip

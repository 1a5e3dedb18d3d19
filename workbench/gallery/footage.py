"""Footage of a gallery: recordings, their times and overlaps, the coverage of a scope.

The manifest answers, by its indexes, whatever the number of parts. Tracklets of a scope are counted
in the keys of the planned parts alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.domain import (
    FILM,
    Coverage,
    Reading,
    Shot,
    Stretch,
    Unseen,
    base_camera,
    from_microseconds,
    outside_of,
    seen_parts,
    setting_for,
    stretch_at,
)
from workbench.errors import DistrictError, GalleryError
from workbench.gallery.entries import RecordingEntry, RefusalEntry
from workbench.gallery.times import RecordedPart

if TYPE_CHECKING:
    from workbench.domain import Camera, ClockSetting, Filter, IndexedRecording, Recording, Scope
    from workbench.gallery.manifest import Manifest
    from workbench.gallery.resolving import Counts, Reader, Resolved

_EDGE = 1e-3  # seconds by which a shot may lie beyond what was recorded: times are rounded


class StoredFile(NamedTuple):
    """A recording's file as it was when it was indexed."""

    recording_id: str
    size_bytes: int
    modified_ns: int


class StoredReading(NamedTuple):
    """Way in which a recording of a gallery was read and placed."""

    camera_id: str
    tracked: bool  # placed on a track
    noted: bool  # False: an earlier Sightline indexed it, and did not note how it was read
    reading: Reading


class RecordingStart(NamedTuple):
    """Start of a recording: its file, the time as stated, and the clock at its beginning."""

    file: str
    stated_at: datetime  # UTC
    stretch: Stretch

    @property
    def started_at(self) -> datetime:
        """UTC time of second 0, as far as it is known."""
        return self.stated_at - self.stretch.shift


class Refused(NamedTuple):
    """A recording that could not be read; its clock is corrected as that of others would be."""

    entry: RefusalEntry
    started_at: datetime  # UTC
    stated_at: datetime  # as the list, or the camera's clock, has it
    offset_seconds: float


def held_around(shots: Sequence[Shot], parts: Iterable[RecordedPart]) -> tuple[float, float]:
    """Seconds of a recording around shots, as far as the parts of it reach that hold one."""
    seconds = [shot.seconds for shot in shots]
    held = [
        part
        for part in parts
        if any(part.start - _EDGE <= second <= part.end + _EDGE for second in seconds)
    ]
    starts, ends = [part.start for part in held], [part.end for part in held]
    return min(starts, default=min(seconds)), max(ends, default=max(seconds))


@dataclass(frozen=True)
class Footage:
    """Recordings of a gallery, as its manifest has them at the last commit.

    ``where`` names the gallery in messages.
    """

    manifest: Manifest
    where: str

    # --- Which are here -----------------------------------------------------------------------

    def holds(self, recording_id: str) -> bool:
        """Return True if the gallery holds a recording under an id; see also `same_recordings`."""
        return bool(self.manifest.held([recording_id]))

    def holds_only(self, contents: Collection[str]) -> bool:
        """Check that every recording has one of these SHA-256, and was indexed into the gallery.

        A recording that was imported, merged or made again from another gallery says its SHA-256
        itself, and so is none of them.
        """
        return not self.manifest.brought_along() and not self.manifest.other_contents(contents)

    def same_recordings(
        self, keys: Iterable[Sequence[Any]], *, anywhere: bool = False
    ) -> dict[tuple[str, str, int], list[str]]:
        """Ids of the recordings of the same content, camera and picture stream, by these three.

        An earlier Sightline named recordings by their start, so one may be here under another id,
        and even twice. Where the stream was not noted, or is given as 0, it may be any. With
        *anywhere*, the camera may be at whatever place: a list can state another one now, or a
        track.
        """
        of = base_camera if anywhere else str
        wanted = [tuple(key) for key in keys]
        there: dict[tuple[object, object], list[RecordingEntry]] = {}
        for one in self.manifest.recordings_with(dict.fromkeys(key[0] for key in wanted)):
            there.setdefault((one.sha256, of(one.camera_id)), []).append(one)
        found: dict[tuple[str, str, int], list[str]] = {}
        for sha256, camera_id, stream in wanted:
            ids = [
                one.recording_id
                for one in there.get((sha256, of(camera_id)), ())
                if one.stream == stream or not one.stream or not stream
            ]
            if ids:
                found[sha256, camera_id, stream] = ids
        return found

    def already_here(self, keys: Iterable[tuple[str, str, str, int]]) -> set[str]:
        """Ids of those recordings that the gallery holds, under this id or another.

        Each is given by its id, SHA-256, camera and picture stream.
        """
        rows = list(keys)
        known = self.same_recordings(key for _, *key in rows)
        held = self.manifest.held(name for name, *_ in rows)
        return {name for name, *key in rows if name in held or tuple(key) in known}

    def known_files(
        self, files: Iterable[str] | None = None
    ) -> dict[tuple[str, str, int], list[StoredFile]]:
        """Files of the recordings by name as catalogued, camera and picture stream.

        Of those with some names, by default of all. The stream is 0 where an earlier Sightline did
        not note it.
        """
        manifest = self.manifest
        there = manifest.all_recordings() if files is None else manifest.recordings_named(files)
        found: dict[tuple[str, str, int], list[StoredFile]] = {}
        for one in there:
            stored = StoredFile(one.recording_id, one.size_bytes, one.modified_ns)
            found.setdefault((one.file, one.camera_id, one.stream), []).append(stored)
        return found

    def same_content(self, indexed: IndexedRecording) -> list[str]:
        """Files of other recordings with the same content."""
        there = self.manifest.recordings_with([indexed.sha256])
        return sorted(one.file for one in there if one.recording_id != indexed.recording_id)

    def overlapping(self, indexed: IndexedRecording) -> list[tuple[str, float]]:
        """Files of other recordings of its camera that overlap it, with the seconds of overlap."""
        begin, end = indexed.recording.started_at, indexed.ended_at
        there = self.manifest.recordings_between(begin, end, [indexed.recording.camera_id])
        return [
            (one.file, (min(one.ended_at, end) - max(one.started_at, begin)).total_seconds())
            for one in sorted(there, key=lambda one: (one.started_at, one.file))
            if one.recording_id != indexed.recording_id
        ]

    def recorded_between(
        self, cameras: Iterable[Camera], since: datetime, until: datetime
    ) -> list[str]:
        """Return the ids of the recordings of cameras that may reach into a time (UTC)."""
        ids = [camera.camera_id for camera in cameras]
        there = self.manifest.recordings_between(since, until, ids)
        return [one.recording_id for one in sorted(there, key=_by_start)]

    def catalogues(self, folder: str) -> tuple[set[str], set[str]]:
        """All catalogues with footage here, and those with some in a *folder*, as catalogued."""
        rows = self.manifest.catalogues(folder)
        return {name for name, _ in rows}, {name for name, inside in rows if inside}

    # --- How they were read, and when ---------------------------------------------------------

    def stretches_by_id(self, recording_ids: Iterable[str]) -> dict[str, tuple[Stretch, ...]]:
        """Stretches of recordings by their ids, in order."""
        shown = self.manifest.shown(recording_ids)
        return {name: stretches for name, (_, stretches) in shown.items()}

    def starts(self, recording_ids: Iterable[str]) -> dict[str, RecordingStart]:
        """Starts of recordings by id, as stated and as corrected."""
        return {
            name: RecordingStart(one.file, one.stated_at, one.stretches[0])
            for name, one in self.manifest.recordings(recording_ids).items()
        }

    def readings(self, recording_ids: Iterable[str]) -> dict[str, StoredReading]:
        """Say how recordings were read and placed when they were indexed, by id."""
        return {
            name: StoredReading(one.camera_id, bool(one.legs), bool(one.stream), one.reading)
            for name, one in self.manifest.recordings(recording_ids).items()
        }

    def how_read(self, recording_id: str) -> Reading:
        """Say how a recording was read when it was indexed, so that it can be read so again.

        Raises GalleryError if it is not here.
        """
        found = self.readings([recording_id])
        if not found:
            raise GalleryError(
                f"holds no recording {recording_id}",
                where=self.where,
                fix="Search again: it may have been removed",
            )
        return found[recording_id].reading

    def legs_of(self, camera_id: str) -> list[dict[str, Any]]:
        """Recordings that films of a moving camera were divided into: a row each.

        Columns: recording_id, camera_id (of the leg), file, sha256, size_bytes, modified_ns,
        stream, track.
        """
        names = ("recording_id", "camera_id", "file", "sha256", "size_bytes", "modified_ns",
                 "stream", "track")  # fmt: skip
        there = self.manifest.recordings_divided(camera_id)
        return [{name: getattr(one, name) for name in names} for one in there]

    def tracks(self, recording_ids: Iterable[str]) -> tuple[str, ...]:
        """Tracks on which recordings were placed: GPX files with their SHA-256, or ``film``."""
        there = self.manifest.recordings(recording_ids).values()
        return tuple(sorted({one.track for one in there if one.legs}))

    def placed_by_clock(
        self, old: Mapping[str, Sequence[Stretch]], new: Mapping[str, Sequence[Stretch]]
    ) -> list[str]:
        """Ids of those that a GPX track placed by the *old* stretches, with offsets other than now.

        Their places would no longer be those of their times.
        """
        other = [
            name
            for name, those in new.items()
            if any(  # a stretch that only begins elsewhere, as when confirmed, moves nothing
                stretch_at(those, second).offset_seconds
                != stretch_at(old[name], second).offset_seconds
                for second in {s.from_seconds for s in (*those, *old[name])}
            )
        ]
        there = self.manifest.recordings(other)
        return sorted(name for name, one in there.items() if one.legs and one.track != FILM)

    def recorded_stretches(
        self, *, recording_id: str = "", camera_id: str = "", uncertain: bool = False
    ) -> list[tuple[dict[str, Any], Stretch]]:
        """Stretches, each with its recording's columns, by the start of the recording.

        ``ends`` is the second at which the stretch ends, ``is_all`` whether there is no other.
        Only those of one recording or camera, or with a doubt that no one settled, where asked.
        """
        names = ("recording_id", "file", "camera_id", "stated_at", "catalogue")
        found = []
        there = self._to_tell(recording_id, camera_id, uncertain=uncertain)
        for one in sorted(there, key=lambda one: (one.started_at, one.camera_id, one.recording_id)):
            if camera_id and one.camera_id != camera_id:
                continue
            ends = [*(stretch.from_seconds for stretch in one.stretches[1:]), one.seconds]
            for stretch, until in zip(one.stretches, ends, strict=True):
                if not uncertain or stretch.open_doubt:
                    about = {name: getattr(one, name) for name in names} | asdict(stretch)
                    is_all = len(one.stretches) == 1
                    about |= {"ends": min(until, one.seconds), "is_all": is_all}
                    found.append((about, stretch))
        return found

    def _to_tell(
        self, recording_id: str, camera_id: str, *, uncertain: bool
    ) -> Iterable[RecordingEntry]:
        """Recordings of which something may be told, of one recording or camera where asked."""
        if recording_id:
            return self.manifest.recordings([recording_id]).values()
        if camera_id:
            return self.manifest.recordings_of(camera_id)
        return self.manifest.recordings_told() if uncertain else self.manifest.all_recordings()

    def recorded_parts(
        self, recording_ids: Collection[str], *, seen_only: bool = False
    ) -> list[RecordedPart]:
        """Parts of recordings, by id: of a moving camera's film what belongs to the recording.

        *seen_only*: without what could not be seen. So cut, they are as long as the footage that
        the coverage counts.
        """
        parts = []
        for name, one in sorted(self.manifest.recordings(recording_ids).items()):
            elsewhere = [Unseen(*gap, "") for gap in outside_of(one.legs, one.seconds)]
            cut = [*(one.unseen if seen_only else ()), *elsewhere]
            parts += [
                RecordedPart(
                    name, one.file, one.camera_id, one.stated_at - stretch.shift, start, end,
                    stretch,
                )
                for start, end, stretch in seen_parts(one.seconds, one.stretches, cut)
            ]  # fmt: skip
        return parts

    def seconds_held(self, recording_id: str, shots: Sequence[Shot]) -> tuple[float, float]:
        """Return the seconds of a recording around shots that belong to its camera.

        Of a moving camera's film they are those at that place; and no jump of the clock lies in
        them, unless one lies between the shots.
        """
        return held_around(shots, self.recorded_parts([recording_id]))

    # --- Clocks and refusals ------------------------------------------------------------------

    def concerned_by(self, setting: ClockSetting) -> list[str]:
        """Ids of the recordings that a correction for a camera or folder concerns, by time."""
        camera, manifest = setting.camera_id, self.manifest
        there = (
            manifest.recordings_of(camera, anywhere=True) if camera else manifest.all_recordings()
        )
        return [
            one.recording_id
            for one in sorted(there, key=_by_start)
            if setting.concerns(one.camera_id, one.file, one.stated_at, one.catalogue)
        ]

    def clocks(self) -> tuple[ClockSetting, ...]:
        """Corrections that were given for cameras and folders, the oldest first."""
        return tuple(self.manifest.clocks())

    def clock_of(self, recording: Recording) -> ClockSetting | None:
        """The correction that was given for a recording's folder or camera; None if there is none.

        What a catalogue states for the recording itself holds against it.
        """
        one, clocks = recording, self.manifest.clocks()
        return setting_for(clocks, one.camera_id, one.file, one.stated_at, one.catalogue)

    def with_clock_set(self, indexed: IndexedRecording) -> IndexedRecording:
        """Recording with the clock that was set for its folder or camera, as it is stored.

        One that a gallery holds already keeps its own, as does one whose catalogue states one.
        """
        setting = self.clock_of(indexed.recording)
        if setting is None or indexed.stored_id:
            return indexed
        return indexed.corrected(setting.correction, setting.given_for)

    def refused(self) -> Iterator[Refused]:
        """Recordings that could not be read, with the clocks of cameras and folders applied."""
        clocks = self.manifest.clocks()
        for one in self.manifest.refusals():
            offset = timedelta(seconds=one.offset_seconds)
            stated = one.started_at + offset
            if not offset:
                setting = setting_for(clocks, one.camera_id, one.file, stated, one.catalogue)
                offset = timedelta(seconds=0 if setting is None else setting.offset_seconds)
            yield Refused(one, stated - offset, stated, offset.total_seconds())


def _by_start(one: RecordingEntry) -> tuple[datetime, str]:
    return one.started_at, one.recording_id


def recordings_inside(resolved: Resolved) -> set[str]:
    """Ids of the recordings of a scope: of cameras in it, and partly in its time."""
    there = resolved.snapshot.manifest.recordings_between(
        resolved.scope.start, resolved.scope.end, resolved.camera_ids()
    )
    return {one.recording_id for one in there}


def coverage(reader: Reader, scope: Scope, *, only: Filter | None = None) -> Coverage:
    """Coverage of a scope, narrowed to the cameras and windows of a filter; not to its quality.

    Raises DistrictError if the district holds no camera, or the filter leaves none.
    """

    def ask() -> Coverage:
        resolved = reader.resolve(scope, only)
        return coverage_of(resolved, resolved.counts())

    return reader.settled(ask)


def coverage_of(resolved: Resolved, counts: Counts) -> Coverage:
    """Coverage of a resolved scope with so many tracklets, as of :func:`coverage`.

    Raises DistrictError if the filter leaves none of the cameras.
    """
    cameras, manifest = resolved.cameras.known, resolved.snapshot.manifest
    if not resolved.chosen.any():
        raise DistrictError(
            "holds none of the cameras that were chosen",
            where=resolved.scope.district.name,
            fix="Choose cameras inside the district",
        )
    seen_cameras, recordings, seen, unseen = _footage(resolved)
    scope = resolved.scope
    refused = sum(
        scope.start <= one.started_at < scope.end and resolved.holds(one.entry.camera_id)
        for one in Footage(manifest, "").refused()
    )
    return Coverage(
        cameras=int(resolved.chosen.sum()),
        cameras_with_footage=seen_cameras,
        recordings=recordings,
        footage_seconds=seen,
        tracklets=counts.searchable,
        unsearchable=counts.unsearchable,
        refused=refused,
        unseen_seconds=unseen,
        unplaced=int((resolved.chosen & cameras.without_place()).sum()),
        uncertain=counts.uncertain,
        earlier=counts.earlier,
    )


def _footage(resolved: Resolved) -> tuple[int, int, float, float]:
    """Cameras and recordings that could be seen, and seconds that could be, and could not."""
    manifest, spans, cameras = resolved.snapshot.manifest, resolved.spans, resolved.camera_ids()
    if not spans:
        return 0, 0, 0.0, 0.0
    since, until = from_microseconds(spans[0][0]), from_microseconds(spans[-1][1])
    if len(spans) == 1:
        return manifest.seen_seconds(since, until, cameras)
    seen: set[tuple[str, str]] = set()
    lengths = {True: 0, False: 0}
    for recording_id, camera_id, start, end, visible in manifest.spans_between(
        since, until, cameras
    ):
        within = [(max(start, a), min(end, b)) for a, b in spans if start < b and end > a]
        lengths[visible] += sum(b - a for a, b in within)
        if within and visible:
            seen.add((camera_id, recording_id))
    return (
        len({camera for camera, _ in seen}), len({name for _, name in seen}),
        lengths[True] / 1e6, lengths[False] / 1e6,
    )  # fmt: skip


__all__ = [
    "Footage",
    "RecordingStart",
    "Refused",
    "StoredFile",
    "StoredReading",
    "coverage",
    "coverage_of",
    "held_around",
    "recordings_inside",
]

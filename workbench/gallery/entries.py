"""Entries of a manifest: parts, packs, recordings, and the change that a commit makes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from workbench.domain import (
    PLAIN,
    Camera,
    ClockSetting,
    IndexedRecording,
    Leg,
    Place,
    Reading,
    Stretch,
    Unseen,
    from_microseconds,
    outside_of,
    seen_spans,
    to_microseconds,
)
from workbench.gallery.order import DAY

SCAN, EXACT, UNSEARCHABLE = "scan.arrow", "exact.arrow", "unsearchable.arrow"
RECORDINGS, TRACKLETS = "recordings.parquet", "tracklets.parquet"
PART_FILES = (SCAN, EXACT, UNSEARCHABLE, RECORDINGS, TRACKLETS)

Microseconds: TypeAlias = int
"""Time since the beginning of 1970 UTC."""


def day_of(moment: Microseconds) -> int:
    """Number of the UTC day, since 1970, that a time lies in."""
    return moment // DAY


def day_name(day: int) -> str:
    """Date of a day since 1970, as the folders of parts and packs are named."""
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


class FileEntry(NamedTuple):
    """One file of a part: its name in the part's folder, size and checksum."""

    name: str
    bytes: int
    sha256: str


class PartEntry(NamedTuple):
    """A part as the manifest names it: one UTC day, and a run of places along the Hilbert curve.

    ``first_seen`` and ``last_seen`` span its tracklets, in microseconds; both are None in one that
    has none. ``templates`` counts those that can be searched, ``uncertain`` and ``earlier`` all
    those with such a note on their times.
    """

    name: str  # 16 hexadecimal digits
    day: int
    place_low: int
    place_high: int
    first_seen: Microseconds | None
    last_seen: Microseconds | None
    recordings: int
    tracklets: int
    templates: int
    uncertain: int
    earlier: int
    bytes: int
    files_json: str  # read when it is asked for: a plan names many parts

    @property
    def files(self) -> tuple[FileEntry, ...]:
        """Its files, with what they hold."""
        return tuple(FileEntry(*file) for file in json.loads(self.files_json))

    def file(self, name: str) -> FileEntry:
        """One of its files, with what it holds."""
        return next(file for file in self.files if file.name == name)

    @property
    def folder(self) -> str:
        """Folder of its files in the storage."""
        return part_folder(self.name, self.day)

    def object(self, name: str) -> str:
        """Name in the storage of one of its files."""
        return f"{self.folder}/{name}"


class Box(NamedTuple):
    """Some time, and a run of places along the Hilbert curve: parts lie in it whole, or not.

    Neither the end of the time belongs to it, nor the places that it lies *after* and *before*.
    """

    start: Microseconds
    end: Microseconds
    after: int
    before: int


class PartSums(NamedTuple):
    """Tracklets of several parts, as their entries count them."""

    tracklets: int
    templates: int
    uncertain: int
    earlier: int


class PackEntry(NamedTuple):
    """A pack of pictures: the object that its number stands for now.

    ``live_bytes`` is the length of the records in it that rows of parts name.
    """

    name: str  # 16 hexadecimal digits
    pack: int
    day: int
    bytes: int
    live_bytes: int
    sha256: str

    @property
    def object(self) -> str:
        """Name in the storage."""
        return pack_object(self.name, self.day)


def part_folder(name: str, day: int) -> str:
    """Folder of a part in the storage."""
    return f"parts/{day_name(day)}/{name}"


def pack_object(name: str, day: int) -> str:
    """Name of a pack in the storage."""
    return f"packs/{day_name(day)}/{name}.pack"


class Leftover(NamedTuple):
    """Part or pack that no commit has, or that one has dropped: its objects are to be deleted."""

    name: str
    day: int
    is_pack: bool

    @property
    def objects(self) -> list[str]:
        """Names of its objects in the storage, whether or not they were written."""
        if self.is_pack:
            return [pack_object(self.name, self.day)]
        return [f"{part_folder(self.name, self.day)}/{name}" for name in PART_FILES]


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """A recording as the manifest knows it: all that is looked up without reading a part.

    ``first_day`` and ``last_day`` are those on which it has rows in parts. ``indexed`` is False for
    one that was brought along from elsewhere. ``tracklets`` counts those that parts hold of it,
    ``unsearchable`` those of them without a template. Times are UTC.
    """

    recording_id: str
    camera_id: str
    file: str
    catalogue: str
    sha256: str
    size_bytes: int
    modified_ns: int
    stream: int
    rotation: int | None
    pixel_aspect: Fraction | None
    frame_rate: float | None
    stated_at: datetime
    seconds: float
    started_at: datetime
    ended_at: datetime
    first_day: int
    last_day: int
    indexed: bool
    width: int
    height: int
    frames_decoded: int
    frames_examined: int
    faces: int
    stopped: str
    elapsed_seconds: float
    indexed_at: datetime
    tracklets: int
    unsearchable: int
    problems: int
    stretches: tuple[Stretch, ...] = PLAIN
    unseen: tuple[Unseen, ...] = ()
    legs: tuple[Leg, ...] = ()
    track: str = ""

    @classmethod
    def of(cls, indexed: IndexedRecording, now: datetime | None = None) -> RecordingEntry:
        """Make from what indexing found, which is stored *now*."""
        about = indexed.recording
        seen = [to_microseconds(tracklet.first_seen) for tracklet in indexed.tracklets]
        days = [day_of(moment) for moment in (to_microseconds(indexed.started_at), *seen)]
        return cls(
            indexed.recording_id, about.camera_id, about.file, about.catalogue, indexed.sha256,
            indexed.size_bytes, indexed.modified_ns, about.stream, about.rotation or 0,
            about.pixel_aspect, about.frame_rate, about.stated_at, indexed.seconds,
            indexed.started_at, indexed.ended_at, min(days), max(days),
            indexed=not indexed.stored_id, width=indexed.width, height=indexed.height,
            frames_decoded=indexed.frames_decoded, frames_examined=indexed.frames_examined,
            faces=indexed.faces, stopped=indexed.stopped, elapsed_seconds=indexed.elapsed_seconds,
            indexed_at=now or datetime.now(UTC), tracklets=len(indexed.tracklets),
            unsearchable=sum(not one.searchable for one in indexed.tracklets),
            problems=len(indexed.problems), stretches=indexed.stretches, unseen=indexed.unseen,
            legs=indexed.legs, track=indexed.track,
        )  # fmt: skip

    @property
    def reading(self) -> Reading:
        """Way in which it was read when it was indexed."""
        return Reading(self.stream or 1, self.rotation or 0, self.pixel_aspect, self.frame_rate)

    @property
    def divided(self) -> bool:
        """True unless all of it could be seen, in one span from its start to its end."""
        return bool(self.unseen or self.legs) or len(self.stretches) > 1

    def spans(self) -> Iterator[tuple[Microseconds, Microseconds, bool]]:
        """Spans in time of what could be seen (True) and what could not, of a divided one."""
        elsewhere = [Unseen(*one, "") for one in outside_of(self.legs, self.seconds)]
        gaps = [*self.unseen, *elsewhere]
        for start, end in seen_spans(self.stated_at, self.seconds, self.stretches, gaps):
            yield to_microseconds(start), to_microseconds(end), True
        ends = [*(stretch.from_seconds for stretch in self.stretches[1:]), self.seconds]
        for gap in self.unseen:
            for stretch, until in zip(self.stretches, ends, strict=True):
                since = max(gap.start, stretch.from_seconds)
                till = min(gap.end, until, self.seconds)
                if since < till:
                    began = to_microseconds(self.stated_at - stretch.shift)
                    yield began + round(since * 1e6), began + round(till * 1e6), False

    def row(self) -> dict[str, object]:
        """Columns of its row in the manifest."""
        row: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        for name in _TIMES:
            row[name] = to_microseconds(getattr(self, name))
        stretches = None if self.stretches == PLAIN else [_plain(one) for one in self.stretches]
        return row | {
            "pixel_aspect": None if self.pixel_aspect is None else str(self.pixel_aspect),
            "indexed": int(self.indexed),
            "divided": int(self.divided),
            "stretches": None if stretches is None else json.dumps(stretches),
            "unseen": json.dumps([asdict(one) for one in self.unseen]) if self.unseen else None,
            "legs": json.dumps([[one.start, one.end, one.place] for one in self.legs])
            if self.legs
            else None,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> RecordingEntry:
        """Make from its row in the manifest."""
        values: dict[str, Any] = {one.name: row[one.name] for one in fields(cls)}
        for name in _TIMES:
            values[name] = from_microseconds(values[name])
        aspect = values["pixel_aspect"]
        return cls(
            **values
            | {
                "pixel_aspect": None if aspect is None else Fraction(aspect),
                "indexed": bool(values["indexed"]),
                "stretches": stretches_from(values["stretches"]),
                "unseen": tuple(Unseen(**one) for one in json.loads(values["unseen"] or "[]")),
                "legs": tuple(
                    Leg(start, end, None if place is None else Place(*place))
                    for start, end, place in json.loads(values["legs"] or "[]")
                ),
            }
        )


_TIMES = ("stated_at", "started_at", "ended_at", "indexed_at")


def stretches_from(text: str | None) -> tuple[Stretch, ...]:
    """Stretches of a recording as the manifest has them; the plain one has no text."""
    return PLAIN if text is None else tuple(_stretch(one) for one in json.loads(text))


def _plain(stretch: Stretch) -> dict[str, Any]:
    # Seconds are kept as such, also where whoever gave them wrote 2 and not 2.0.
    found = {
        name: float(value) if type(value) is int else value
        for name, value in asdict(stretch).items()
    }
    if stretch.found_at is not None:
        found["found_at"] = to_microseconds(stretch.found_at)
    return found


def _stretch(values: dict[str, Any]) -> Stretch:
    if values["found_at"] is not None:
        values["found_at"] = from_microseconds(values["found_at"])
    return Stretch(**values)


class CameraEntry(NamedTuple):
    """A camera, and when that was known of it; of several with one id the newest holds."""

    camera: Camera
    noted_at: datetime  # UTC


class RunEntry(NamedTuple):
    """A run of indexing. ``unfinished`` recordings were not come to, as it was stopped."""

    source: str  # the catalogue
    started_at: datetime  # UTC
    ended_at: datetime
    indexed: int
    refused: int
    unfinished: int


class RefusalEntry(NamedTuple):
    """A recording that could not be read, with its time and offset as the list has them."""

    camera_id: str
    file: str
    started_at: datetime  # UTC
    reason: str
    refused_at: datetime
    offset_seconds: float
    catalogue: str


@dataclass(frozen=True)
class Change:
    """All that one commit changes: all of it is in the gallery afterwards, or nothing.

    Parameters
    ----------
    parts, packs : sequence of PartEntry, of PackEntry
        New ones, whose names were reserved and whose objects are on the disk. A pack with the
        number of a live one takes its place.
    dropped_parts : sequence of str
        Names of live parts that go; if one is not live any more, the commit is refused.
    dropped_packs : sequence of str
        Names of packs that go, or whose place a new one takes.
    released : mapping of int to int
        Bytes of records, by number of pack, that no row names any more. A pack goes when no bytes
        of it are left.
    recordings : sequence of RecordingEntry
        New ones.
    restated : sequence of RecordingEntry
        Recordings that the gallery holds, with other times.
    forgotten : sequence of str
        Ids of recordings that go.
    removed : mapping of str to (int, int)
        Numbers of tracklets that go of recordings that stay, by id, and of those of them that could
        not be searched.
    places : mapping of str to iterable of int
        Places along the curve under which rows of cameras lie in the new parts.
    still : callable, optional
        Says, when no one else can change anything any more, whether what the change was made from
        is still so; if not, the commit is refused.
    """

    parts: Sequence[PartEntry] = ()
    packs: Sequence[PackEntry] = ()
    dropped_parts: Sequence[str] = ()
    dropped_packs: Sequence[str] = ()
    released: Mapping[int, int] = field(default_factory=dict)
    recordings: Sequence[RecordingEntry] = ()
    restated: Sequence[RecordingEntry] = ()
    forgotten: Sequence[str] = ()
    removed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    cameras: Sequence[CameraEntry] = ()
    places: Mapping[str, Iterable[int]] = field(default_factory=dict)
    clocks: Sequence[ClockSetting] = ()
    runs: Sequence[RunEntry] = ()
    refusals: Sequence[RefusalEntry] = ()
    owner: str | None = None  # None: it stays
    longest_tracklet: Microseconds = 0  # of the new parts
    committed_at: datetime | None = None  # None: now, by the clock of all who write
    still: Callable[[], bool] | None = None


__all__ = [
    "EXACT",
    "PART_FILES",
    "RECORDINGS",
    "SCAN",
    "TRACKLETS",
    "UNSEARCHABLE",
    "CameraEntry",
    "Change",
    "FileEntry",
    "Leftover",
    "Microseconds",
    "PackEntry",
    "PartEntry",
    "RecordingEntry",
    "RefusalEntry",
    "RunEntry",
    "day_name",
    "day_of",
    "pack_object",
    "part_folder",
    "stretches_from",
]

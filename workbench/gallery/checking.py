"""Check of a gallery: every byte of its parts, packs and manifest, and whether they agree.

Nothing is changed by it, and what it advises loses nothing that is stored once only. It goes on
beside writers: an object never changes, so each is read once, and what was merged or removed in the
meantime is looked at as what became of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import Problem, to_microseconds
from workbench.errors import GalleryError
from workbench.gallery.entries import PackEntry, PartEntry, RecordingEntry
from workbench.gallery.incoming import ROUNDING
from workbench.gallery.locating import locate
from workbench.gallery.manifest import Manifest, State
from workbench.gallery.packs import records
from workbench.gallery.parts import Content, Part, check_part
from workbench.gallery.resolving import Reader
from workbench.gallery.rows import microseconds, notes_of
from workbench.gallery.storage import ObjectGone, Storage
from workbench.gallery.times import stretch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COPY = "restore it from a copy"
# Recordings without rows that are looked for one by one: they may have come just now.
_LOOKED_FOR = 1_000


def check(reader: Reader) -> Iterator[Problem]:
    """Read every byte of a gallery and yield each problem found.

    In a sound gallery each object is as it was written, what is scanned follows from the rows that
    people read, the manifest says what these hold, each picture that a row names is there and no
    other, and nothing is stored twice.
    """
    yield from _Check(reader).problems()


@dataclass(frozen=True)
class _Named:
    """Pictures of a pack: how many, their bytes, and a digest that their order does not change."""

    count: int = 0
    bytes: int = 0
    digest: int = 0

    def __or__(self, other: _Named) -> _Named:
        both = self.digest + other.digest
        return _Named(self.count + other.count, self.bytes + other.bytes, both % 2**64)


@dataclass(frozen=True)
class _OfPart:
    """What a part holds: ids of recordings with their row, and with tracklets, and pictures.

    Of those with tracklets, ``tracklets`` counts these, and ``unsearchable`` those of them without
    a template.
    """

    recordings: NDArray[np.uint64] = field(repr=False)
    tracked: NDArray[np.uint64] = field(repr=False)
    tracklets: NDArray[np.intp] = field(repr=False)
    unsearchable: NDArray[np.intp] = field(repr=False)
    pictures: Mapping[int, _Named]


@dataclass
class _Check:
    """One check: what was read, by the names of parts and packs."""

    reader: Reader
    _parts: dict[str, _OfPart | None] = field(default_factory=dict)  # None: it cannot be read
    _packs: dict[str, _Named | None] = field(default_factory=dict)

    @property
    def manifest(self) -> Manifest:
        return self.reader.snapshot.manifest

    @property
    def storage(self) -> Storage:
        return self.reader.snapshot.storage

    def problems(self) -> Iterator[Problem]:
        where = str(self.reader.path)
        damaged = self.manifest.problems()
        for what in damaged:
            yield Problem(where, f"its manifest is damaged ({what}); {_COPY}")
        if damaged:
            return  # it says nothing that the rest could be compared with
        while True:
            state, parts, packs = self._now()
            for entry in parts:
                if entry.name not in self._parts:
                    yield from self._of_part(entry, state)
            for pack in packs.values():
                if pack.name not in self._packs:
                    yield from self._of_pack(pack)
            if all(one.name in self._parts for one in parts) and all(
                one.name in self._packs for one in packs.values()
            ):
                break
        read = {one.name: self._parts[one.name] for one in parts}
        for what in self._of_recordings(parts, read):
            yield Problem(where, what)
        yield from self._of_pictures(packs, read)
        yield from self._strays()
        for path, what in self.reader.offsets.problems({one.name for one in parts}):
            yield Problem(path.name, what)

    def _now(self) -> tuple[State, list[PartEntry], dict[int, PackEntry]]:
        """Parts and packs of one commit."""
        while True:
            snapshot = self.reader.snapshot.refreshed()
            try:
                parts, packs = snapshot.parts(), self.manifest.packs()
            except ObjectGone:
                continue
            if snapshot.refreshed() is snapshot:
                return snapshot.state, parts, packs

    # --- Parts --------------------------------------------------------------------------------

    def _of_part(self, entry: PartEntry, state: State) -> Iterator[Problem]:
        """Check one part; nothing is noted of one that was dropped meanwhile."""
        storage, profile = self.storage, self.manifest.profile
        found, held = list[str](), None
        try:
            found = list(check_part(storage, entry, profile))
        except GalleryError as error:
            found = [error.what]
        except (KeyError, ValueError, pa.ArrowException) as error:
            found = [f"its rows do not fit together ({error}); {_COPY}"]
        try:
            if not found:
                part = Part(storage, entry, profile)
                content = part.content()
                held = _held(content)
                found = list(self._disagreements(part, content, state))
        except GalleryError as error:
            found = [error.what]
        if found and not self.manifest.live([entry.name]):
            return
        self._parts[entry.name] = held
        for what in found:
            yield Problem(entry.folder, what)

    def _disagreements(self, part: Part, content: Content, state: State) -> Iterator[str]:
        """Say what of a part's rows is not as the manifest has it."""
        entry, (recordings, tracklets) = part.entry, content
        ids = {*recordings["recording_id"].to_pylist(), *_unique(tracklets["recording_id"])}
        known = self.manifest.recordings(ids)
        if strange := len(ids - known.keys()):
            yield f"{strange:,} of its recordings are not in the manifest; {_COPY}"
        rows = [row for row in recordings.to_pylist() if row["recording_id"] in known]
        if other := [(row, name) for row in rows if (name := _differing(row, known))]:
            row, name = other[0]
            yield (
                f"{len(other):,} of its recordings are not as the manifest has them, such as "
                f"{name} of {row['recording_id']}; {_COPY}"
            )
        if days := sum(not one.first_day <= entry.day <= one.last_day for one in known.values()):
            yield f"{days:,} of its recordings are of other days by the manifest; {_COPY}"
        if entry.bytes != sum(file.bytes for file in entry.files):
            yield f"the manifest says another size than that of its files; {_COPY}"
        yield from _mistimed(tracklets, known)
        yield from self._misplaced(part, content)
        longest = (
            _longest(recordings, "started_at", "ended_at"),
            _longest(tracklets, "first_seen", "last_seen"),
        )
        if longest[0] > state.longest_recording or longest[1] > state.longest_tracklet:
            yield f"it holds what is longer than anything by the manifest; {_COPY}"
        keys = tracklets.select(["recording_id", "ordinal"])
        if twice := keys.num_rows - keys.group_by(keys.column_names).aggregate([]).num_rows:
            yield f"{twice:,} of its tracklets are stored twice"

    def _misplaced(self, part: Part, content: Content) -> Iterator[str]:
        """Say whether a search would look for rows at other places than theirs."""
        entry, places = part.entry, defaultdict[str, set[int]](set)
        for camera, place in self.manifest.places():
            if entry.place_low <= place <= entry.place_high:
                places[camera].add(place)
        there = [*zip(part.cameras, part.places, strict=True)]
        there += zip(part.unsearchable.cameras, part.unsearchable.places, strict=True)
        cameras = {camera for table in content for camera in _unique(table["camera_id"])}
        lost = {camera for camera, place in there if place not in places[camera]}
        if lost := lost | {camera for camera in cameras if not places[camera]}:
            yield f"the manifest has no such place of camera {min(lost)}; {_COPY}"
        if strange := cameras - {one.camera_id for one in self.manifest.cameras()}:
            yield f"camera {min(strange)} of its rows is not in the manifest; {_COPY}"

    # --- All recordings -----------------------------------------------------------------------

    def _of_recordings(
        self, parts: Sequence[PartEntry], read: Mapping[str, _OfPart | None]
    ) -> Iterator[str]:
        """Say what is stored twice, or without its rows."""
        sound = [one for one in read.values() if one is not None]
        ids, counts = np.unique(_joined(one.recordings for one in sound), return_counts=True)
        if twice := int((counts > 1).sum()):
            yield f"{twice:,} recordings are stored twice"
        tracked, parted = np.unique(_joined(one.tracked for one in sound), return_counts=True)
        if twice := self._twice(parts, tracked[parted > 1]):
            yield f"{twice:,} tracklets are stored twice"
        if len(sound) < len(read):
            return  # rows that are missed are in parts that were told of
        if alone := int((~np.isin(tracked, ids)).sum()):
            yield f"{alone:,} recordings have tracklets, and no row of their own; {_COPY}"
        told = self.manifest.tracklet_counts()
        known = [int(name, 16) for name, *_ in told]
        missing = np.setdiff1d(np.array(known, np.uint64), ids).tolist()
        without = set(missing)
        there_too = [one for n, one in zip(known, told, strict=True) if n not in without]
        looked_for = self.manifest.recordings(f"{one:016x}" for one in missing[:_LOOKED_FOR])
        there = self._located(looked_for.values())
        if lost := len(looked_for.keys() - there) + len(missing[_LOOKED_FOR:]):
            yield f"{lost:,} recordings are in its manifest, and their rows in no part; {_COPY}"
        if other := self._miscounted(sound, there_too):
            yield (
                f"{len(other):,} recordings have other numbers of tracklets than the manifest "
                f"says, such as {min(other)}; {_COPY}"
            )

    def _miscounted(
        self, parts: Sequence[_OfPart], told: Iterable[tuple[str, int, int]]
    ) -> set[str]:
        """Ids of recordings of which parts hold other numbers of tracklets than is *told*."""
        held: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for part in parts:
            columns = (part.tracked, part.tracklets, part.unsearchable)
            for number, every, without in zip(*(c.tolist() for c in columns), strict=True):
                before = held[number]
                held[number] = before[0] + every, before[1] + without
        other = {name for name, *counts in told if held.get(int(name, 16), (0, 0)) != tuple(counts)}
        while other:  # some came, or lost tracklets, since the parts were read
            commit = self.manifest.state().commit
            known = self.manifest.recordings(other)
            try:
                held_now = self._counted(known.values())
            except ObjectGone:
                continue
            if self.manifest.state().commit == commit:
                return {
                    name
                    for name, one in known.items()
                    if held_now[name] != (one.tracklets, one.unsearchable)
                }
        return other

    def _counted(self, recordings: Collection[RecordingEntry]) -> dict[str, tuple[int, int]]:
        """Tracklets, and unsearchable ones, that parts hold of recordings now."""
        found = {one.recording_id: (0, 0) for one in recordings}
        for entry, ids in locate(self.manifest, self.storage, recordings).values():
            part = Part(self.storage, entry, self.manifest.profile)
            for name in ids:
                of, without = (
                    int(np.count_nonzero(keys.recording == int(name, 16)))
                    for keys in (part, part.unsearchable)
                )
                found[name] = found[name][0] + of + without, found[name][1] + without
        return found

    def _twice(self, parts: Sequence[PartEntry], several: NDArray[np.uint64]) -> int:
        """Count tracklets that several parts hold, of recordings with rows in several parts."""
        if not len(several):
            return 0
        seen = []
        for entry in parts:
            held = self._parts[entry.name]
            if held is not None and np.isin(several, held.tracked).any():
                try:
                    part = Part(self.storage, entry, self.manifest.profile)
                    for keys in (part, part.unsearchable):
                        rows = np.isin(keys.recording, several)
                        seen.append(_mixed(keys.recording[rows], keys.ordinal[rows]))
                except ObjectGone:  # dropped meanwhile, and it was read whole
                    continue
        every = _joined(seen)
        return len(every) - len(np.unique(every))

    def _located(self, recordings: Iterable[RecordingEntry]) -> set[str]:
        """Ids of recordings that came since the parts were listed."""
        some = list(recordings)
        while True:
            try:
                found = locate(self.manifest, self.storage, some)
                return {name for _, ids in found.values() for name in ids}
            except ObjectGone:
                continue

    # --- Packs --------------------------------------------------------------------------------

    def _of_pack(self, entry: PackEntry) -> Iterator[Problem]:
        """Check one pack; nothing is noted of one that was dropped meanwhile."""
        found, held = list[str](), None
        try:
            if self.storage.digest(entry.object) != (entry.bytes, entry.sha256):
                found = [f"was altered; {_COPY}"]
            else:
                held, broken = _pictures(self.storage, entry)
                if broken:
                    found = [f"{broken:,} of its pictures are not as they were stored; {_COPY}"]
        except GalleryError as error:
            found = [f"{error.what}; {_COPY}"]
        now = self.manifest.packs([entry.pack]).get(entry.pack)
        if found and (now is None or now.name != entry.name):
            return
        self._packs[entry.name] = held
        for what in found:
            yield Problem(entry.object, what)

    def _of_pictures(
        self, packs: Mapping[int, PackEntry], read: Mapping[str, _OfPart | None]
    ) -> Iterator[Problem]:
        """Compare the pictures that rows name with those that there are."""
        if None in read.values():
            return  # what their rows name is not known
        named = defaultdict[int, _Named](_Named)
        for held in read.values():
            for number, some in held.pictures.items() if held else ():
                named[number] |= some
        for number in sorted(named.keys() - packs.keys()):
            what = f"lacks pack {number}, in which rows name {named[number].count:,} pictures"
            yield Problem(str(self.reader.path), f"{what}; {_COPY}")
        for number, entry in packs.items():
            there, wanted = self._packs[entry.name], named[number]
            if there is None:
                continue
            more = there.count - wanted.count
            if more > 0:
                yield Problem(entry.object, f"holds {more:,} pictures that no row names")
            elif more < 0:
                yield Problem(entry.object, f"lacks {-more:,} pictures that rows name; {_COPY}")
            elif there != wanted:
                yield Problem(entry.object, f"its pictures are not those that rows name; {_COPY}")
            elif entry.live_bytes != wanted.bytes:
                what = "the manifest says another number of bytes than its pictures have"
                yield Problem(entry.object, f"{what}; {_COPY}")

    # --- What is there besides ----------------------------------------------------------------

    def _strays(self) -> Iterator[Problem]:
        """Objects that the manifest does not name."""
        strange = self._listed() - self._all_named()
        if strange:  # or they were named since, or are deleted by now
            strange &= self._listed() - self._all_named()
        for name in sorted(strange):
            yield Problem(name, "belongs to no part or pack of the gallery; move it elsewhere")

    def _listed(self) -> set[str]:
        return {name for under in ("parts", "packs") for name in self.storage.names(under)}

    def _all_named(self) -> set[str]:
        """Names of all objects that were reserved, are live, or are to be deleted."""
        left = [*self.manifest.reserved(), *self.manifest.dropped()]
        _, parts, packs = self._now()
        return {
            *(one.object(file.name) for one in parts for file in one.files),
            *(one.object for one in packs.values()),
            *(name for one in left for name in one.objects),
        }


def _held(content: Content) -> _OfPart:
    recordings, tracklets = content
    shots = tracklets["shots"].combine_chunks()
    row, flat = pc.list_parent_indices(shots).to_numpy(), shots.flatten()
    begins = shots.offsets.to_numpy() - shots.offsets[0].as_py()
    of = _numbers(tracklets["recording_id"])
    pack, offset, length = (
        pc.struct_field(flat, name).to_numpy() for name in ("pack", "offset", "length")
    )
    rank = np.arange(len(flat)) - begins[row]
    digests = _mixed(of[row], tracklets["ordinal"].to_numpy()[row], rank, offset, length)
    packs, which = np.unique(pack, return_inverse=True)
    sums = np.zeros(len(packs), np.uint64)
    np.add.at(sums, which, digests)
    counts, sizes = np.bincount(which), np.bincount(which, length)
    pictures = {
        int(number): _Named(int(counts[n]), int(sizes[n]), int(sums[n]))
        for n, number in enumerate(packs)
    }
    tracked, which = np.unique(of, return_inverse=True)
    without = ~tracklets["searchable"].to_numpy()
    return _OfPart(
        _numbers(recordings["recording_id"]),
        tracked,
        np.bincount(which, minlength=len(tracked)),
        np.bincount(which[without], minlength=len(tracked)),
        pictures,
    )


def _pictures(storage: Storage, entry: PackEntry) -> tuple[_Named, int]:
    """Pictures of a pack that were not erased, and how many of them are not whole."""
    rows, broken = [], 0
    for one in records(storage, entry):
        if not one.is_erased:
            number = int(one.recording_id, 16)
            rows.append((number, one.ordinal, one.rank, one.address.offset, one.address.length))
        broken += not one.is_whole
    columns = np.array(rows, np.uint64).reshape(-1, 5).T
    digest = int(_mixed(*columns).sum(dtype=np.uint64))
    return _Named(len(rows), int(columns[4].sum()), digest), broken


def _mixed(*columns: NDArray[Any]) -> NDArray[np.uint64]:
    """Digest of each row of some columns, ``(n,)``."""
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return mixed


def _joined(arrays: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate([np.empty(0, np.uint64), *arrays])


def _numbers(ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Ids of recordings as numbers, ``(n,)``."""
    encoded = ids.combine_chunks().dictionary_encode()
    numbers = np.array([int(name, 16) for name in encoded.dictionary.to_pylist()], np.uint64)
    return numbers[encoded.indices.to_numpy()] if len(numbers) else numbers


def _unique(column: pa.ChunkedArray) -> list[str]:
    found: list[str] = pc.unique(column).to_pylist()
    return found


_SAME = (
    "camera_id", "file", "catalogue", "sha256", "size_bytes", "modified_ns", "stream", "rotation",
    "frame_rate", "stated_at", "seconds", "started_at", "ended_at", "track", "width", "height",
    "frames_decoded", "frames_examined", "faces", "stopped", "elapsed_seconds", "indexed_at",
)  # fmt: skip


def _differing(row: Mapping[str, Any], known: Mapping[str, RecordingEntry]) -> str:
    """Name of the first column of a recording that the manifest has otherwise; empty if none."""
    one = known[row["recording_id"]]
    aspect = None if one.pixel_aspect is None else str(one.pixel_aspect)
    told: dict[str, tuple[object, object]] = {
        name: (row[name], getattr(one, name)) for name in _SAME
    }
    told |= {
        "pixel_aspect": (row["pixel_aspect"], aspect),
        "problems": (len(row["problems"]), one.problems),
        "stretches": (tuple(map(stretch_of, row["stretches"])), one.stretches),
        "unseen": (
            [(gap["start_seconds"], gap["end_seconds"], gap["why"]) for gap in row["unseen"]],
            [(gap.start, gap.end, gap.why) for gap in one.unseen],
        ),
        "legs": (
            [(leg["start_seconds"], leg["end_seconds"]) for leg in row["legs"]],
            [(leg.start, leg.end) for leg in one.legs],
        ),
    }
    return next((name for name, (mine, theirs) in told.items() if mine != theirs), "")


def _mistimed(tracklets: pa.Table, known: Mapping[str, RecordingEntry]) -> Iterator[str]:
    """Say where tracklets are not of their recording's camera, or times not of its clock."""
    names, of = np.unique(_numbers(tracklets["recording_id"]), return_inverse=True)
    order = np.argsort(of, kind="stable")
    begins = np.searchsorted(of[order], np.arange(len(names) + 1))
    first, last = (tracklets[name].to_numpy() for name in ("first_seconds", "last_seconds"))
    seen, notes = microseconds(tracklets["first_seen"]), tracklets["notes"].to_numpy()
    camera = np.array(tracklets["camera_id"].to_pylist(), object)
    elsewhere = mistimed = noted = without = 0
    for number, begin, end in zip(names.tolist(), begins[:-1], begins[1:], strict=True):
        one, rows = known.get(f"{number:016x}"), order[begin:end]
        if one is None:
            continue
        elsewhere += int((camera[rows] != one.camera_id).sum())
        if one.stretches[0].from_seconds:
            without += 1
            continue
        wanted = _times(one, first[rows])
        mistimed += int((np.abs(seen[rows] - wanted) > ROUNDING).sum())
        noted += sum(
            int(notes[row]) != notes_of(one.stretches, first[row], last[row])
            for row in rows.tolist()
        )
    for count, what in (
        (elsewhere, "{} of its tracklets are of another camera than their recording"),
        (without, "{} of its recordings have no clock"),
        (mistimed, "times of {} of its tracklets are not those of their clock"),
        (noted, "notes on the times of {} of its tracklets are not those of their clock"),
    ):
        if count:
            yield f"{what.format(f'{count:,}')}; {_COPY}"


def _times(one: RecordingEntry, seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Times of seconds of a recording by its clock, in microseconds since 1970."""
    starts = [stretch.from_seconds for stretch in one.stretches]
    offsets = np.array([stretch.offset_seconds for stretch in one.stretches])
    which = np.maximum(np.searchsorted(starts, seconds, "right") - 1, 0)
    shifted: NDArray[np.int64] = np.round((seconds - offsets[which]) * 1e6).astype(np.int64)
    shifted += to_microseconds(one.stated_at)
    return shifted


def _longest(table: pa.Table, first: str, last: str) -> int:
    if not table.num_rows:
        return 0
    return int((microseconds(table[last]) - microseconds(table[first])).max())


__all__ = ["check"]

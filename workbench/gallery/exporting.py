"""Export of a gallery as tables: what :mod:`workbench.gallery.arriving` takes, part by part."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import Scope, to_microseconds
from workbench.errors import GalleryError, unwritten
from workbench.gallery.entries import PackEntry, PartEntry, day_of
from workbench.gallery.exchange import (
    BATCH,
    ONCE,
    columns,
    empty_tables,
    write_profile,
    write_tables,
)
from workbench.gallery.footage import recordings_inside
from workbench.gallery.manifest import Manifest
from workbench.gallery.packs import Address, Picture, read_pictures
from workbench.gallery.parts import Content, Part, join
from workbench.gallery.questions import tables_of
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import MOST_TRIES, Snapshot
from workbench.gallery.storage import Storage, Written

# Pictures of so many bytes are in memory at a time, or those of one recording.
_PICTURES = 2**26


class Altered(GalleryError):
    """Recordings that were read already were removed or corrected before all were."""


def export(reader: Reader, folder: Path, *, scope: Scope | None = None) -> int:
    """Write a gallery as Parquet files, or the recordings of a scope; returns how many these are.

    It holds what the gallery holds at one commit, whatever is stored meanwhile. There are folders
    of some recordings each, with one file a table, ``templates.parquet`` with the pooled templates
    among them; ``gallery.json`` says of which profile they are. It is for the account alone that
    writes it, as the gallery is.

    Raises
    ------
    GalleryError
        If there is something in *folder*, it cannot be written, or something cannot be read.
        Nothing of it stays then.
    """
    if folder.exists() and any(folder.iterdir()):
        raise GalleryError("is not empty", where=str(folder), fix="Name a new folder")
    was_there = folder.exists()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(MOST_TRIES):
            try:
                count = _write(reader, folder, scope)
                break
            except Altered as error:
                altered = error
                _empty(folder)
        else:
            raise altered
        write_profile(folder, reader.profile)
    except BaseException as error:
        if folder.is_dir():
            _empty(folder)  # it was empty: all is ours
            if not was_there:
                folder.rmdir()
        if isinstance(error, OSError | pa.ArrowException):
            what, fix = unwritten(error, fix="Name a folder that you may write to")
            raise GalleryError(what, where=str(folder), fix=fix) from None
        raise
    return count


def _write(reader: Reader, folder: Path, scope: Scope | None) -> int:
    inside = None if scope is None else reader.settled(lambda: _inside(reader, scope))
    count = 0
    for number, tables in enumerate(batches(reader, inside), start=1):
        write_tables(folder / f"{number:08d}", tables)
        count += tables["recordings"].num_rows
    return count


def _inside(reader: Reader, scope: Scope) -> set[str]:
    return recordings_inside(reader.resolve(scope))


def _empty(folder: Path) -> None:
    for one in folder.iterdir():
        if one.is_dir():
            shutil.rmtree(one)
        else:
            one.unlink()


def batches(reader: Reader, wanted: Collection[str] | None = None) -> Iterator[dict[str, pa.Table]]:
    """All recordings as tables, or those *wanted* by their ids, some at a time.

    What belongs to no recording comes with the first, and with each the cameras of its recordings.
    Parts that others merge meanwhile are read as what became of them.

    Raises
    ------
    Altered
        At the end, if some that came were removed or corrected before the last did.
    GalleryError
        If an object cannot be read, or is not as it was stored.
    """
    once = _once(reader.snapshot.manifest)
    names = None if wanted is None else pa.array(sorted(wanted), pa.string())
    read, first, tries = _Read(), True, 0
    while True:
        reader.snapshot = snapshot = reader.snapshot.refreshed()
        before = read.count
        try:
            read.begin()
            for entry in snapshot.parts():
                for content in _contents(snapshot, entry, names, read):
                    yield _tables(snapshot, content, once if first else _less(once, content))
                    first = False
            break
        except GalleryError:
            # Overtaken, unless nothing was dropped: then it is lost, or damaged.
            tries = 1 if read.count > before else tries + 1
            if tries >= MOST_TRIES or snapshot.refreshed() is snapshot:
                raise
    read.refuse_altered(str(reader.path))
    if first and names is None:
        yield empty_tables(reader.profile) | once


def _once(manifest: Manifest) -> dict[str, pa.Table]:
    """Tables of what belongs to no recording: cameras, clocks, runs and refusals."""
    found, schemas = tables_of(manifest), columns(manifest.profile)
    noted = [one.noted_at for one in manifest.camera_entries()]
    place = found["cameras"].schema.get_field_index("noted_at")
    field = schemas["cameras"].field("noted_at")
    found["cameras"] = found["cameras"].set_column(place, field, pa.array(noted, field.type))
    return {name: found[name].cast(schemas[name]) for name in ("cameras", *ONCE)}


def _less(once: dict[str, pa.Table], content: Content) -> dict[str, pa.Table]:
    """Those cameras alone that a batch is of."""
    used = pc.unique(content[0]["camera_id"])
    some = once["cameras"].filter(pc.is_in(once["cameras"]["camera_id"], used))
    return {"cameras": some}


class _Read:
    """Recordings that were read: each by its id and a digest of its row."""

    def __init__(self) -> None:
        self._new: list[np.ndarray[Any, np.dtype[np.int64]]] = []
        self._known = np.empty((0, 2), np.int64)
        self._altered = self._again = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._known) + sum(map(len, self._new))

    def begin(self) -> None:
        """Begin to look at all recordings once more."""
        self._known = np.concatenate([self._known, *self._new])
        self._known = self._known[np.argsort(self._known[:, 0])]
        self._new, self._again = [], 0

    def left(self, recordings: pa.Table) -> pa.Table:
        """Recordings, of those of a part, that were not read yet; they are from now on."""
        rows = _digests(recordings)
        place = np.searchsorted(self._known[:, 0], rows[:, 0])
        known = place < len(self._known)
        known[known] = self._known[place[known], 0] == rows[known, 0]
        self._again += int(known.sum())
        self._altered += int((self._known[place[known], 1] != rows[known, 1]).sum())
        return recordings.filter(pa.array(~known))

    def add(self, recordings: pa.Table) -> None:
        """Note that these were read."""
        self._new.append(_digests(recordings))

    def refuse_altered(self, where: str) -> None:
        """Raise Altered unless all that were read are as they were then."""
        if self._altered or self._again < len(self._known):
            raise Altered(
                "is changed while it is being read",
                where=where,
                fix="Do this again when no footage is being removed and no clock corrected",
            )


def _digests(recordings: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Id and digest of each recording, ``(n, 2)``; the same within one process."""
    rows = [
        (int(row["recording_id"], 16) - 2**63, hash(str(row))) for row in recordings.to_pylist()
    ]
    return np.array(rows, np.int64).reshape(-1, 2)


def _contents(
    snapshot: Snapshot, entry: PartEntry, wanted: pa.Array | None, read: _Read
) -> Iterator[Content]:
    """Rows of the recordings that start in a part, some recordings at a time."""
    if not entry.recordings:
        return
    part = snapshot.part(entry)
    recordings = part.recordings()
    if wanted is not None:
        recordings = recordings.filter(pc.is_in(recordings["recording_id"], wanted))
    recordings = read.left(recordings)
    if not recordings.num_rows:
        return
    others = [
        _of(snapshot.part(other).content(), recordings["recording_id"])
        for other in _others(snapshot, entry, recordings)
    ]
    _, tracklets = join([part.content(), *others])
    for names in _divided(recordings, tracklets):
        content = _of((recordings, tracklets), names)
        yield content
        read.add(content[0])


def _of(content: Content, names: pa.Array) -> Content:
    """Rows of some recordings."""
    recordings, tracklets = content
    return (
        recordings.filter(pc.is_in(recordings["recording_id"], names)),
        tracklets.filter(pc.is_in(tracklets["recording_id"], names)),
    )


def _others(snapshot: Snapshot, entry: PartEntry, recordings: pa.Table) -> Iterator[PartEntry]:
    """Other parts with rows of recordings that start in a part."""
    manifest, storage = snapshot.manifest, snapshot.storage
    cameras = {*pc.unique(recordings["camera_id"]).to_pylist()}
    places = [entry.place_low, entry.place_high]
    places += [place for camera, place in manifest.places() if camera in cameras]
    first, last = (
        to_microseconds(find(recordings[name]).as_py())
        for name, find in (("started_at", pc.min), ("ended_at", pc.max))
    )
    ids = recordings["recording_id"].to_pylist()
    # A tracklet's time may be beyond that of its recording by what rounding changes.
    days = day_of(first - 10**6), day_of(last + 10**6)
    for other in manifest.parts_of(snapshot.commit, days=days, places=(min(places), max(places))):
        if other.name == entry.name:
            continue
        part = Part(storage, other, manifest.profile)
        if part.of(ids).any() or part.unsearchable.of(ids).any():
            yield other


def _divided(recordings: pa.Table, tracklets: pa.Table) -> list[pa.Array]:
    """Ids of recordings in lists of few enough tracklets and bytes of pictures."""
    shots = tracklets["shots"].combine_chunks()
    lengths = np.zeros(tracklets.num_rows, np.int64)
    parents = pc.list_parent_indices(shots).to_numpy()
    np.add.at(lengths, parents, pc.struct_field(shots.flatten(), "length").to_numpy())
    ids = recordings["recording_id"].combine_chunks()
    number = pc.index_in(tracklets["recording_id"], value_set=ids)
    mine = number.is_valid().to_numpy()
    of = number.drop_null().to_numpy()
    counts = np.bincount(of, minlength=len(ids)).tolist()
    sizes = np.bincount(of, lengths[mine], minlength=len(ids)).tolist()
    begins, held, size = [0], 0, 0.0
    for place, (count, of_one) in enumerate(zip(counts, sizes, strict=True)):
        if held and (held + count >= BATCH or size + of_one > _PICTURES):
            begins.append(place)
            held, size = 0, 0.0
        held, size = held + count + 1, size + of_one
    return [ids[a:b] for a, b in zip(begins, [*begins[1:], len(ids)], strict=True)]


def _tables(snapshot: Snapshot, content: Content, once: dict[str, pa.Table]) -> dict[str, pa.Table]:
    """Tables of some recordings, and of what is known beside them."""
    recordings, tracklets = (
        content[0],
        content[1].sort_by([("recording_id", "ascending"), ("ordinal", "ascending")]),
    )
    profile = snapshot.manifest.profile
    found = {
        "recordings": recordings,
        "tracklets": tracklets,
        "templates": tracklets.filter(tracklets["searchable"]),
        "shots": _with_pictures(snapshot, _elements(tracklets, "shots")),
        **{name: _elements(recordings, name) for name in _LISTS},
        **once,
    }
    empty = empty_tables(profile)
    return {
        name: found.get(name, empty[name]).select(kind.names).cast(kind)
        for name, kind in columns(profile).items()
    }


_LISTS = ("stretches", "unseen", "legs", "spans", "problems", "different_people")


def _elements(table: pa.Table, name: str) -> pa.Table:
    """Rows of the lists in a column, each with its place in its list and the columns beside it."""
    lists = table[name].combine_chunks()
    row, flat = pc.list_parent_indices(lists), lists.flatten()
    begins = lists.offsets.to_numpy() - lists.offsets[0].as_py()
    rank = np.arange(len(flat)) - begins[row.to_numpy()]
    found = {one: table[one].take(row) for one in table.column_names if one in _BESIDE}
    found["rank"] = pa.array(rank, pa.int32())
    return pa.table(found | {one.name: pc.struct_field(flat, one.name) for one in flat.type})


_BESIDE = ("recording_id", "camera_id", "track", "ordinal")


def _with_pictures(snapshot: Snapshot, shots: pa.Table) -> pa.Table:
    """Shots with their JPEG and template, from the packs."""
    dimension = snapshot.manifest.profile.dimension
    addresses = [*map(Address._make, _rows(shots, Address._fields))]
    pictures = _pictures(snapshot, addresses)
    keys = _rows(shots, ("recording_id", "ordinal", "rank"))
    for key, one in zip(keys, pictures, strict=True):
        if key != (one.recording_id, one.ordinal, one.rank):
            raise GalleryError(
                f"has the picture of another shot for tracklet {key[0]}-{key[1]}",
                where=snapshot.storage.address,
                fix="Check the gallery with `sightline gallery check`",
            )
    flat = np.concatenate([np.empty(0, np.float32), *(one.template for one in pictures)])
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat), dimension)
    jpegs = pa.array([one.jpeg for one in pictures], pa.binary())
    return shots.append_column("jpeg", jpegs).append_column("template", vectors)


def _rows(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _pictures(snapshot: Snapshot, addresses: Sequence[Address]) -> list[Picture]:
    """Pictures at some addresses, in their order."""
    if snapshot.storage.root or not addresses:
        return snapshot.pictures(addresses)
    # Nearly all of each pack is read: of an object store, in one request.
    whole = functools.lru_cache(1)(functools.partial(_whole, snapshot.storage))
    packs = snapshot.manifest.packs({address.pack for address in addresses})
    dimension = snapshot.manifest.profile.dimension
    return read_pictures(snapshot.storage, packs.__getitem__, addresses, dimension, mapped=whole)


def _whole(storage: Storage, entry: PackEntry) -> pa.Buffer:
    with storage.reading(entry.object, Written(entry.bytes, entry.sha256)) as file:
        return file.read_buffer()


__all__ = ["Altered", "batches", "export"]

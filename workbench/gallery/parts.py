"""Parts of a gallery: one UTC day and a run of places each, written once and mapped for reading.

A part is made from two tables (:mod:`workbench.gallery.rows`), and five files follow from them:

- ``scan.arrow``: what a search scans, one row a tracklet that can be searched;
- ``exact.arrow``: templates, and what a candidate shows; row for row the same;
- ``unsearchable.arrow``: the keys of tracklets without a template, which are counted;
- ``tracklets.parquet``: those of scan.arrow in its order, then those of unsearchable.arrow;
- ``recordings.parquet``: recordings that start on the day, by id.

Rows are in the order of their camera's place along the Hilbert curve, of the camera, and of time.
The Arrow files hold one record batch, uncompressed, so that they are read where they lie: no file
descriptor is kept, and all processes share one copy in the page cache. ``codes`` (int8) are derived
from the templates and are only ever used with a bound of what they lose; so answers are exact.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ipc

from workbench.calibration import QUALITY_STEPS
from workbench.errors import GalleryError
from workbench.gallery.codes import BLOCK, quantise
from workbench.gallery.entries import (
    EXACT,
    PART_FILES,
    RECORDINGS,
    SCAN,
    TRACKLETS,
    UNSEARCHABLE,
    FileEntry,
    PartEntry,
    part_folder,
)
from workbench.gallery.mapping import in_order
from workbench.gallery.packs import Address
from workbench.gallery.rows import DOUBT, EARLIER, days_of, microseconds, tracklets_schema
from workbench.gallery.rows import RECORDINGS as RECORDINGS_SCHEMA
from workbench.gallery.storage import Storage, Written

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import Profile

Content: TypeAlias = tuple[pa.Table, pa.Table]
"""Recordings and tracklets of a part, in the columns of :mod:`workbench.gallery.rows`."""

# Purging one recording writes its part again. Beside its template a row takes about so many bytes.
MOST_BYTES, _ROW_BYTES = 2**27, 650
_ROW_GROUP = 16_384
_NEARLY_UNIT = 1e-6  # far above what rounding to float32 changes of a length
_ABOUT = b"sightline"  # the key of what schemas say besides


def most_rows(dimension: int) -> int:
    """Number of tracklets up to which a part grows."""
    return MOST_BYTES // (5 * dimension + _ROW_BYTES)


def write_part(
    storage: Storage,
    name: str,
    content: Content,
    *,
    day: int,
    places: Mapping[str, int],
    profile: Profile,
    normaliser: Normaliser | None = None,
) -> PartEntry:
    """Write the files of a part under a name that was reserved; return its entry.

    Its folders are on the disk after :meth:`Storage.sync`.

    Parameters
    ----------
    content : (recordings, tracklets)
        In any order: recordings that start on the *day*, and tracklets first seen on it.
    places : mapping of str to int
        Place along the Hilbert curve of each camera.
    normaliser : Normaliser, optional
        What normalised scores take of each template is kept with it, so that no search has to
        compute it.

    Raises
    ------
    GalleryError
        If a row is of another day, a template is missing, zero or not finite, or a file cannot be
        written.
    """
    _refuse_other_days(name, content, day)
    made = _derived(content, places, profile, normaliser, name)
    folder, files = part_folder(name, day), []
    for file in PART_FILES:
        with storage.writing(f"{folder}/{file}") as sink:
            if isinstance(made[file], pa.Table):
                table = made[file]
                if file == TRACKLETS:
                    table = table.drop_columns("template")
                _write_rows(table, sink)
            else:
                with ipc.new_file(sink, made[file].schema) as writer:
                    writer.write_batch(made[file])
        files.append(FileEntry(file, *sink.written))
    recordings, tracklets = made[RECORDINGS], made[TRACKLETS]
    cameras = {name for table in content for name in table["camera_id"].to_pylist()}
    there = [places[camera] for camera in cameras]
    return PartEntry(
        name, day, min(there), max(there), **_seen(tracklets),
        recordings=recordings.num_rows, tracklets=tracklets.num_rows,
        templates=made[SCAN].num_rows, bytes=sum(file.bytes for file in files),
        files_json=json.dumps(files),
    )  # fmt: skip


def _write_rows(table: pa.Table, sink: pa.NativeFile) -> None:
    """Write rows that people read."""
    kinds = [(field.name, field.type) for field in table.schema]
    pq.write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=_ROW_GROUP,
        # Of a small part most is what its file says of itself: only what questions leave rows out
        # by, and no second schema, as readers have ours.
        write_statistics=[name for name in _ASKED if name in table.column_names],
        store_schema=False,
        # Measures are all different, or nearly so.
        use_dictionary=[name for name, kind in kinds if pa.types.is_string(kind)],
    )


_ASKED = ("recording_id", "camera_id", "started_at", "ended_at", "first_seen", "last_seen")


def _derived(
    content: Content,
    places: Mapping[str, int],
    profile: Profile,
    normaliser: Normaliser | None,
    where: str,
) -> dict[str, Any]:
    """What the files of a part hold: record batches of the Arrow files, tables of the others."""
    recordings, tracklets = content
    cameras, number = _numbered(tracklets["camera_id"], places)
    recording = _recording_numbers(tracklets["recording_id"])
    searchable = tracklets["searchable"].to_numpy()
    first = microseconds(tracklets["first_seen"])
    order = np.lexsort((tracklets["ordinal"].to_numpy(), recording, first, number, ~searchable))
    count = int(searchable.sum())
    tracklets = tracklets.take(order).combine_chunks()
    keys = _Keys(tracklets, number[order], recording[order], cameras)
    templates = _templates(tracklets, count, profile, where)
    best = _best_shots(tracklets, count, where)
    about = {"places": [places[camera] for camera in cameras]}
    return {
        SCAN: _scan(templates, keys, best, profile, about, normaliser),
        EXACT: _exact(templates, tracklets, best),
        UNSEARCHABLE: keys.batch(slice(count, None), about),
        RECORDINGS: recordings.sort_by("recording_id").combine_chunks(),
        TRACKLETS: tracklets,
    }


def _refuse_other_days(name: str, content: Content, day: int) -> None:
    for table, column in zip(content, ("started_at", "first_seen"), strict=True):
        if other := set(days_of(table[column]).tolist()) - {day}:
            raise GalleryError(
                f"would hold rows of day {min(other)}, but is of day {day}",
                where=name,
                fix="Divide the rows by day",
            )


def _numbered(
    column: pa.ChunkedArray, places: Mapping[str, int]
) -> tuple[list[str], NDArray[np.int32]]:
    """Cameras in the order of their places, and the number of that of each row, ``(n,)``."""
    encoded = column.combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    cameras = sorted(found, key=lambda camera: (places[camera], camera))
    number = {camera: n for n, camera in enumerate(cameras)}
    there = np.array([number[camera] for camera in found], np.int32)
    return cameras, there[encoded.indices.to_numpy()] if found else there


def _recording_numbers(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Ids of recordings, 16 hexadecimal digits, as numbers."""
    encoded = column.combine_chunks().dictionary_encode()
    numbers = np.array([int(name, 16) for name in encoded.dictionary.to_pylist()], np.uint64)
    return numbers[encoded.indices.to_numpy()] if len(numbers) else numbers


def _seen(tracklets: pa.Table) -> dict[str, Any]:
    """Values of a part's entry that follow from its tracklets' times."""
    first, last = (microseconds(tracklets[name]) for name in ("first_seen", "last_seen"))
    notes = tracklets["notes"].to_numpy()
    return {
        "first_seen": int(first.min()) if len(first) else None,
        "last_seen": int(last.max()) if len(last) else None,
        "uncertain": int(np.count_nonzero(notes & DOUBT)),
        "earlier": int(np.count_nonzero(notes & EARLIER)),
    }


class _Keys:
    """Columns that say whether a row is inside a scope, and which it is."""

    def __init__(
        self,
        tracklets: pa.Table,
        number: NDArray[np.int32],
        recording: NDArray[np.uint64],
        cameras: list[str],
    ) -> None:
        self.columns = {
            "camera": pa.DictionaryArray.from_arrays(
                pa.array(number), pa.array(cameras, pa.string())
            ),
            "first_seen": pa.array(microseconds(tracklets["first_seen"])),
            "last_seen": pa.array(microseconds(tracklets["last_seen"])),
            "notes": tracklets["notes"].combine_chunks(),
            "recording": pa.array(recording),
            "ordinal": tracklets["ordinal"].combine_chunks(),
        }
        self.cameras = cameras

    def batch(self, rows: slice, about: dict[str, Any], **more: pa.Array) -> pa.RecordBatch:
        """Record batch of some rows, with more columns before these."""
        own = {name: column[rows] for name, column in self.columns.items()}
        made = pa.record_batch(more | own)
        return made.replace_schema_metadata({_ABOUT: json.dumps(about).encode()})


def _templates(
    tracklets: pa.Table, count: int, profile: Profile, where: str
) -> NDArray[np.float32]:
    """Templates of the first rows, ``(count, dimension)``: unit vectors for the cosine metric."""
    column = tracklets["template"].slice(0, count).combine_chunks()
    rest = tracklets["template"].slice(count)
    if column.null_count or rest.null_count != len(rest):
        raise GalleryError(
            "tracklets are searchable without a template, or the other way round",
            where=where,
            fix="Index the recording again",
        )
    found: NDArray[np.float32] = column.flatten().to_numpy().reshape(count, profile.dimension)
    made = np.empty_like(found)
    for begin in range(0, count, BLOCK):
        block = found[begin : begin + BLOCK]
        length = np.linalg.norm(block.astype(np.float64), axis=1)
        normalise = profile.metric == "cosine"
        if not np.isfinite(length).all() or (normalise and not length.all()):
            raise GalleryError(
                "a template is zero or not finite",
                where=where,
                fix="Index the recording again; if that does not help, check the model weights",
            )
        # What is of unit length stays as it is, bit for bit, however often it is written again.
        length[np.abs(length - 1) < _NEARLY_UNIT] = 1.0
        made[begin : begin + BLOCK] = block / length[:, None] if normalise else block
    return made


def _best_shots(tracklets: pa.Table, count: int, where: str) -> pa.StructArray:
    """Best shot of each of the first rows."""
    shots = tracklets["shots"].slice(0, count).combine_chunks()
    if count and not pc.min(pc.list_value_length(shots)).as_py():
        raise GalleryError(
            "a tracklet is searchable without a shot",
            where=where,
            fix="Index the recording again",
        )
    return pc.list_element(shots, 0)


def _scan(
    templates: NDArray[np.float32],
    keys: _Keys,
    best: pa.StructArray,
    profile: Profile,
    about: dict[str, Any],
    normaliser: Normaliser | None,
) -> pa.RecordBatch:
    count = len(templates)
    codes, scale = np.empty(templates.shape, np.int8), np.empty(count, np.float32)
    square, offset = np.empty(count, np.float32), np.empty(count, np.float32)
    lost = longest = 0.0
    for begin in range(0, count, BLOCK):
        rows = slice(begin, begin + BLOCK)
        block = templates[rows]
        scale[rows], codes[rows], loss = quantise(block)
        squares = (block.astype(np.float64) ** 2).sum(axis=1)
        square[rows] = squares
        lost, longest = max(lost, float(loss.max())), max(longest, float(squares.max()) ** 0.5)
        if normaliser is not None:
            offset[rows] = normaliser.offsets(block)
    quality = pc.struct_field(best, "quality").to_numpy().astype(np.float32)
    columns = {
        "code": pa.FixedSizeListArray.from_arrays(pa.array(codes.reshape(-1)), profile.dimension),
        "scale": pa.array(scale),
        "quality": pa.array(quality),
    }
    if profile.metric == "euclidean":
        columns["square"] = pa.array(square)
    if normaliser is not None:
        columns["offset"] = pa.array(offset)
    about = about | {
        "metric": profile.metric,
        "lost": lost,
        "longest": longest,
        "quality": quality_histogram(quality).tolist(),
        "scale": "" if normaliser is None else normaliser.scale,
    }
    return keys.batch(slice(0, count), about, **columns)


def _exact(
    templates: NDArray[np.float32], tracklets: pa.Table, best: pa.StructArray
) -> pa.RecordBatch:
    count, dimension = templates.shape
    flat = pa.array(templates.reshape(-1))
    columns = {"template": pa.FixedSizeListArray.from_arrays(flat, dimension)}
    for name in ("first_seconds", "last_seconds"):
        columns[name] = tracklets[name].slice(0, count).combine_chunks()
    for name in BEST:
        column = pc.struct_field(best, name)
        columns[f"shot_{name}"] = column.cast(pa.int64()) if name == "time" else column
    return pa.record_batch(columns)


BEST = ("seconds", "time", "quality", "pack", "offset", "length")


def quality_histogram(quality: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Count rows by step of quality from 0 to 1, ``(QUALITY_STEPS,)``."""
    steps = np.clip((quality * QUALITY_STEPS).astype(np.int64), 0, QUALITY_STEPS - 1)
    return np.bincount(steps, minlength=QUALITY_STEPS)


class Keys:
    """Keys of tracklets in their order: where and when they were seen, and which they are.

    ``camera`` numbers :attr:`cameras`, and ascends; rows of one camera are in the order of
    ``first_seen``. Times are microseconds since 1970 UTC. ``recording`` is its id as a number.
    """

    camera: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    notes: NDArray[np.uint8]
    recording: NDArray[np.uint64]
    ordinal: NDArray[np.int32]

    def __init__(self, storage: Storage, entry: PartEntry, file: str) -> None:
        """Map the columns; raises ObjectGone, or GalleryError if they are not as they must be."""
        self.entry, self._storage = entry, storage
        self._mappings: dict[str, pa.Buffer] = {}
        batch, about = self._mapped(file)
        try:
            camera = batch.column("camera")
            self.camera = camera.indices.to_numpy()
            self.cameras: list[str] = camera.dictionary.to_pylist()
            self.places: list[int] = about["places"]
            for name in ("first_seen", "last_seen", "notes", "recording", "ordinal"):
                setattr(self, name, batch.column(name).to_numpy())
            self._read(batch, about)
        except (KeyError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
            raise self._unreadable(file, error) from None

    def _mapped(self, file: str) -> tuple[pa.RecordBatch, dict[str, Any]]:
        """Record batch of one of the part's files where it lies, and what its schema says."""
        whole = Written(*self.entry.file(file)[1:])
        mapped = self._storage.mapped(self.entry.object(file), whole)
        self._mappings[file] = mapped
        try:
            reader = ipc.open_file(mapped)
            if reader.num_record_batches != 1:
                raise ValueError("not of one batch")
            batch = reader.get_batch(0)
            batch.validate()
            return batch, json.loads((batch.schema.metadata or {}).get(_ABOUT, b"{}"))
        except (ValueError, pa.ArrowException) as error:
            raise self._unreadable(file, error) from None

    def _opened(self, file: str) -> contextlib.AbstractContextManager[pa.NativeFile]:
        """Open one of the part's files, all of it."""
        whole = Written(*self.entry.file(file)[1:])
        return self._storage.reading(self.entry.object(file), whole)

    def _unreadable(self, file: str, error: Exception) -> GalleryError:
        return self._storage.unreadable(self.entry.object(file), error)

    def _read(self, batch: pa.RecordBatch, about: dict[str, Any]) -> None:
        """Read the columns that only some have."""

    def __len__(self) -> int:
        return len(self.first_seen)

    def of(self, recording_ids: Iterable[str]) -> NDArray[np.bool_]:
        """Mask ``(n,)`` of the rows of some recordings."""
        numbers = np.array([int(name, 16) for name in recording_ids], np.uint64)
        return np.isin(self.recording, numbers)


class Part(Keys):
    """A part that is mapped, with its searchable tracklets as columns.

    ``codes`` ``(n, dimension)`` times ``scale`` are nearly the templates: they lose at most
    ``lost`` as a length, and ``longest`` is the length of the longest template. ``square``, for the
    Euclidean metric alone, is the squared length of each. ``quality`` is that of the best shot;
    ``histogram`` counts it over all rows. ``offsets`` are what normalised scores of the scale
    ``offsets_scale`` take away, None if the part was written without.
    """

    codes: NDArray[np.int8]
    scale: NDArray[np.float32]
    square: NDArray[np.float32]
    quality: NDArray[np.float32]
    offsets: NDArray[np.float32] | None
    histogram: NDArray[np.int64]

    def __init__(self, storage: Storage, entry: PartEntry, profile: Profile) -> None:
        """Map what is scanned; the rest is mapped when it is asked for.

        Raises ObjectGone if the part was dropped meanwhile, or GalleryError if it cannot be read.
        """
        self.profile = profile
        super().__init__(storage, entry, SCAN)

    def _read(self, batch: pa.RecordBatch, about: dict[str, Any]) -> None:
        count, dimension = self.entry.templates, self.profile.dimension
        self.codes = batch.column("code").flatten().to_numpy().reshape(count, dimension)
        self.scale, self.quality = (batch.column(n).to_numpy() for n in ("scale", "quality"))
        names = batch.schema.names
        self.square = np.empty(0, np.float32)
        if self.profile.metric == "euclidean":
            self.square = batch.column("square").to_numpy()
        self.offsets = batch.column("offset").to_numpy() if "offset" in names else None
        self.offsets_scale: str = about["scale"]
        self.lost, self.longest = float(about["lost"]), float(about["longest"])
        self.histogram = np.array(about["quality"], np.int64)
        if about["metric"] != self.profile.metric or len(self) != count:
            raise ValueError("it is of another profile, or of another number of rows")
        self.bytes = batch.nbytes

    @functools.cached_property
    def unsearchable(self) -> Keys:
        """Keys of its tracklets that cannot be searched."""
        return Keys(self._storage, self.entry, UNSEARCHABLE)

    @functools.cached_property
    def exact(self) -> pa.RecordBatch:
        """Columns of exact.arrow where they lie."""
        batch, _ = self._mapped(EXACT)
        if batch.num_rows != len(self):
            raise self._unreadable(EXACT, ValueError("it has another number of rows"))
        return batch

    @functools.cached_property
    def templates(self) -> NDArray[np.float32]:
        """Templates ``(n, dimension)``, unit vectors for the cosine metric."""
        flat = self.exact.column("template").flatten().to_numpy()
        found: NDArray[np.float32] = flat.reshape(len(self), self.profile.dimension)
        return found

    def all_templates(self) -> NDArray[np.float32]:
        """:attr:`templates`, for who reads most of them."""
        found = self.templates
        self.in_order(EXACT)
        return found

    @functools.cached_property
    def shown(self) -> dict[str, NDArray[Any]]:
        """Columns of all that a candidate shows of each row beside its keys.

        ``first_seconds`` and ``last_seconds`` are those of the tracklet in its recording; of its
        best shot there are seconds, time (µs), quality, and pack, offset and length of its picture.
        """
        names = ("first_seconds", "last_seconds", *(f"shot_{name}" for name in BEST))
        return {name: self.exact.column(name).to_numpy() for name in names}

    def in_order(self, file: str) -> None:
        """Have the system read ahead in one of the mapped files, of which most will be read."""
        if mapped := self._mappings.pop(file, None):
            in_order(mapped)

    def best_shots(self, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """Columns of :attr:`shown` of some rows, with the address of the picture as one value."""
        columns = {name: column[rows].tolist() for name, column in self.shown.items()}
        address = map(Address, *(columns.pop(f"shot_{name}") for name in BEST[3:]))
        columns = {name.removeprefix("shot_"): column for name, column in columns.items()}
        return [
            dict(zip((*columns, "address"), values, strict=True))
            for values in zip(*columns.values(), address, strict=True)
        ]

    def is_stored(self) -> bool:
        """Return True unless it was dropped and deleted since it was mapped."""
        return self._storage.holds(self.entry.object(SCAN))

    def recording_ids(self) -> set[str]:
        """Ids of the recordings that start on its day, and whose rows it has."""
        with self._opened(RECORDINGS) as opened:
            found = pq.read_table(opened, columns=["recording_id"])
        return set(found["recording_id"].to_pylist())

    def recordings(self) -> pa.Table:
        """Rows of the recordings that start on its day."""
        return self._table(RECORDINGS, RECORDINGS_SCHEMA, self.entry.recordings)

    def content(self) -> Content:
        """All of its rows as tables, from which it can be written again; in memory."""
        schema = tracklets_schema(self.profile.dimension)
        place = schema.get_field_index("template")
        tracklets = self._table(TRACKLETS, schema.remove(place), self.entry.tracklets)
        flat = pa.array(self.all_templates().reshape(-1))
        found = pa.FixedSizeListArray.from_arrays(flat, type=schema.field("template").type)
        none = pa.nulls(tracklets.num_rows - len(self), found.type)
        return self.recordings(), tracklets.append_column(
            schema.field("template"), pa.chunked_array([found, none])
        )

    def _table(self, file: str, schema: pa.Schema, rows: int) -> pa.Table:
        try:
            with self._opened(file) as opened:
                found = pq.read_table(opened).cast(schema)
        except (ValueError, pa.ArrowException) as error:
            raise self._unreadable(file, error) from None
        if found.num_rows != rows:
            raise self._unreadable(file, ValueError("it has another number of rows"))
        return found


def join(contents: Iterable[Content]) -> Content:
    """Rows of several parts, or of several recordings, as those of one."""
    recordings, tracklets = zip(*contents, strict=True)
    return pa.concat_tables(recordings), pa.concat_tables(tracklets)


def check_part(storage: Storage, entry: PartEntry, profile: Profile) -> Iterator[str]:
    """Read every byte of a part and say what is wrong with it; nothing if it is sound.

    Each file is as it was written, and what follows from people's rows is what is scanned.
    """
    altered = False
    for file in entry.files:
        try:
            whole = storage.digest(entry.object(file.name)) == (file.bytes, file.sha256)
        except GalleryError as error:
            altered = True
            yield f"{file.name} {error.what}; restore it from a copy"
            continue
        if not whole:
            altered = True
            yield f"{file.name} was altered; restore it from a copy"
    if altered:
        return
    part = Part(storage, entry, profile)
    content = part.content()
    _refuse_other_days(entry.name, content, entry.day)
    places = dict(zip(part.cameras, part.places, strict=True))
    places |= dict(zip(part.unsearchable.cameras, part.unsearchable.places, strict=True))
    made = _derived(content, places, profile, None, entry.name)
    if any(getattr(entry, name) != value for name, value in _seen(content[1]).items()):
        yield f"the manifest says other times than {TRACKLETS}"
    for name in (SCAN, EXACT, UNSEARCHABLE):
        wanted = made[name]
        batch, about = part._mapped(name)
        told = json.loads((wanted.schema.metadata or {}).get(_ABOUT, b"{}"))
        # Offsets are not looked at: they follow from a calibration that may be gone.
        if about | {"scale": ""} != told | {"scale": ""} or not wanted.equals(
            batch.select(wanted.schema.names)
        ):
            yield f"{name} does not agree with {TRACKLETS}"


__all__ = [
    "MOST_BYTES",
    "Content",
    "Keys",
    "Part",
    "check_part",
    "join",
    "most_rows",
    "quality_histogram",
    "write_part",
]

"""Exchange format of galleries: whole recordings as tables, in folders of Parquet files.

An export is one folder or more, with a file a table, and a description of the profile. A recording
lies in one folder with all that belongs to it, and with its camera. The format outlives the files
that a gallery is made of.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from workbench.domain import QUALITY_PARTS, Profile
from workbench.errors import GalleryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT, EARLIER_FORMAT = 2, 1
PROFILE_FILE = "gallery.json"
# Tracklets that are taken over at a time: with their pictures, they are in memory together.
BATCH = 4_000
_ROWS, _READ = 1_024, 1 << 20  # rows and bytes of a file that are read at a time

Tables = Mapping[str, pa.Table]
"""Tables by name, in :func:`columns`, of whole recordings and of what is known beside them."""

_TEXT, _WHOLE, _SMALL, _NUMBER = pa.string(), pa.int64(), pa.int32(), pa.float64()
_TIME = pa.timestamp("us", tz="UTC")
_SCHEMAS: dict[str, list[tuple[str, Any]]] = {
    "cameras": [
        ("camera_id", _TEXT), ("name", _TEXT), ("latitude", _NUMBER), ("longitude", _NUMBER),
        ("noted_at", _TIME),
    ],
    "recordings": [
        ("recording_id", _TEXT), ("camera_id", _TEXT), ("file", _TEXT), ("started_at", _TIME),
        ("ended_at", _TIME), ("sha256", _TEXT), ("size_bytes", _WHOLE), ("modified_ns", _WHOLE),
        ("width", _SMALL), ("height", _SMALL), ("frames_decoded", _SMALL),
        ("frames_examined", _SMALL), ("faces", _SMALL), ("stopped", _TEXT),
        ("elapsed_seconds", _NUMBER), ("indexed_at", _TIME), ("stated_at", _TIME),
        ("seconds", _NUMBER), ("stream", _SMALL), ("rotation", _SMALL), ("pixel_aspect", _TEXT),
        ("frame_rate", _NUMBER), ("catalogue", _TEXT),
    ],
    "tracklets": [
        ("recording_id", _TEXT), ("ordinal", _SMALL), ("camera_id", _TEXT), ("first_seen", _TIME),
        ("last_seen", _TIME), ("detections", _SMALL), ("searchable", pa.bool_()),
        ("first_seconds", _NUMBER), ("last_seconds", _NUMBER),
    ],
    "shots": [
        ("recording_id", _TEXT), ("ordinal", _SMALL), ("rank", _SMALL), ("seconds", _NUMBER),
        ("time", _TIME), *((name, _NUMBER) for name in ("x", "y", "width", "height", "quality")),
        *((name, _NUMBER) for name in QUALITY_PARTS), ("jpeg", pa.binary()),
    ],
    "problems": [("recording_id", _TEXT), ("what", _TEXT), ("at_seconds", _NUMBER)],
    "stretches": [
        ("recording_id", _TEXT), ("from_seconds", _NUMBER), ("doubt", _TEXT),
        ("offset_seconds", _NUMBER), ("uncertainty_seconds", _NUMBER), ("found_by", _TEXT),
        ("how", _TEXT), ("found_at", _TIME), ("given_for", _TEXT), ("note", _TEXT),
    ],
    "unseen": [
        ("recording_id", _TEXT), ("start_seconds", _NUMBER), ("end_seconds", _NUMBER),
        ("why", _TEXT),
    ],
    "legs": [
        ("recording_id", _TEXT), ("start_seconds", _NUMBER), ("end_seconds", _NUMBER),
        ("track", _TEXT),
    ],
    "spans": [
        ("recording_id", _TEXT), ("camera_id", _TEXT), ("started_at", _TIME), ("ended_at", _TIME),
    ],
    "different_people": [
        ("recording_id", _TEXT), ("scale", _TEXT), ("quality", _NUMBER), ("score", _NUMBER),
        ("width", _NUMBER), ("comparisons", _SMALL),
    ],
    "clocks": [
        ("camera_id", _TEXT), ("folder", _TEXT), ("since", _TIME), ("until", _TIME),
        ("offset_seconds", _NUMBER), ("uncertainty_seconds", _NUMBER), ("found_by", _TEXT),
        ("how", _TEXT), ("found_at", _TIME), ("catalogue", _TEXT),
    ],
    "runs": [
        ("source", _TEXT), ("started_at", _TIME), ("ended_at", _TIME), ("indexed", _SMALL),
        ("refused", _SMALL), ("left", _SMALL),
    ],
    "refusals": [
        ("camera_id", _TEXT), ("file", _TEXT), ("started_at", _TIME), ("reason", _TEXT),
        ("refused_at", _TIME), ("offset_seconds", _NUMBER), ("catalogue", _TEXT),
    ],
    "templates": [("recording_id", _TEXT), ("ordinal", _SMALL)],
}  # fmt: skip
# What early exports of this format lack: they were made when nothing was counted.
_LATER = "different_people"
ONCE = ("clocks", "runs", "refusals")
"""Tables that belong to no recording, beside the cameras."""

OPTIONAL = frozenset(
    {
        ("cameras", "latitude"), ("cameras", "longitude"), ("recordings", "rotation"),
        ("recordings", "pixel_aspect"), ("recordings", "frame_rate"), ("problems", "at_seconds"),
        ("stretches", "uncertainty_seconds"), ("stretches", "found_at"), ("clocks", "since"),
        ("clocks", "until"), ("clocks", "uncertainty_seconds"),
    }
)  # fmt: skip
"""Tables and columns of theirs that may be empty."""


@functools.lru_cache(maxsize=16)
def _columns(dimension: int) -> dict[str, pa.Schema]:
    vector = ("template", pa.list_(pa.float32(), dimension))
    return {
        name: pa.schema([*fields, vector] if name in ("shots", "templates") else fields)
        for name, fields in _SCHEMAS.items()
    }


def columns(profile: Profile) -> dict[str, pa.Schema]:
    """Columns of each table, by name; templates have as many numbers as those of the profile."""
    return dict(_columns(profile.dimension))


def empty_tables(profile: Profile) -> dict[str, pa.Table]:
    """Each table without a row."""
    return {name: schema.empty_table() for name, schema in columns(profile).items()}


# --- Writing ----------------------------------------------------------------------------------


def write_tables(folder: Path, tables: Tables) -> None:
    """Write tables as a new folder of an export, for its owner alone."""
    folder.mkdir(mode=0o700)
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path)
        path.chmod(0o600)


def write_profile(folder: Path, profile: Profile) -> None:
    """Describe the profile of an export, whose other files are there: it is one from then on."""
    path = folder / PROFILE_FILE
    path.write_text(json.dumps({"format": FORMAT, "profile": asdict(profile)}, indent=2), "utf-8")
    path.chmod(0o600)


# --- Reading ----------------------------------------------------------------------------------


def folders_of(export: Path) -> list[Path]:
    """Folders of an export, in their order."""
    return sorted(path for path in export.iterdir() if path.is_dir())


class Batch(NamedTuple):
    """Tables of some recordings of a folder, and the row, from 1, that each row has there."""

    tables: dict[str, pa.Table]
    rows: dict[str, NDArray[np.int64]]


def read_batches(folder: Path, profile: Profile) -> Iterator[Batch]:
    """Read a folder of an export, some recordings at a time; what is no recording's comes first.

    Cameras come with each batch. A row that names no recording of the folder comes with the first,
    for whoever checks it.

    Raises
    ------
    GalleryError
        If a file is not as it must be.
    """
    with contextlib.ExitStack() as opened:
        files = {}
        for name, schema in columns(profile).items():
            path = folder / f"{name}.parquet"
            if name != _LATER or path.exists():
                files[name] = opened.enter_context(contextlib.closing(_File(path, schema)))
        batch_of = _divided(files)
        for number in range(1 + max(int(of.max(initial=0)) for of in batch_of.values())):
            tables, rows = empty_tables(profile), {}
            for name in tables:
                chosen = np.empty(0, np.int64)
                if name in batch_of:
                    chosen = np.flatnonzero(batch_of[name] == number)
                elif name in files and not (number and name in ONCE):
                    chosen = np.arange(files[name].rows)
                if len(chosen):
                    tables[name] = files[name].take(chosen)
                rows[name] = chosen + 1
            yield Batch(tables, rows)


def _divided(files: Mapping[str, _File]) -> dict[str, NDArray[np.int64]]:
    """Number of the batch of each row of the tables of recordings, ``(n,)``."""
    ids = {name: file.ids() for name, file in files.items() if "recording_id" in file.schema.names}
    known = pc.unique(ids["recordings"])
    recording = {
        name: pc.fill_null(pc.index_in(some, value_set=known), -1).to_numpy().astype(np.int64)
        for name, some in ids.items()
    }
    seen = recording["tracklets"]
    counts = np.bincount(seen[seen >= 0], minlength=len(known))
    batches = np.zeros(len(known) + 1, np.int64)  # the last: of what names none of them
    number = held = 0
    for place, count in enumerate(counts.tolist()):
        if held and held + count >= BATCH:
            number, held = number + 1, 0
        held += count + 1
        batches[place] = number
    return {name: batches[some] for name, some in recording.items()}


class _File:
    """A Parquet file of an export, of which some rows are read at a time.

    Rows that are asked for in their order are read once.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """Open it; raise GalleryError if it is not as it must be, here as below."""
        self._path, self.schema = path, schema
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._batch: pa.RecordBatch | None = None
        self._begin = 0
        with self._translated():
            # By its own columns alone: a folder of that name, or one called a=b, would give it
            # others. What is not asked for is not read, whatever the size of its row groups.
            self._stream = path.open("rb")
            try:
                self._file = pq.ParquetFile(self._stream, buffer_size=_READ)
                self._refuse_other_columns()
            except BaseException:
                self._stream.close()
                raise
        groups = [
            self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)
        ]
        self._starts = np.cumsum([0, *groups])
        self.rows = int(self._starts[-1])

    def _refuse_other_columns(self) -> None:
        there = self._file.schema_arrow
        for field in self.schema:
            found = there.field(field.name).type
            if found != field.type and not pa.types.is_large_string(found):
                raise ValueError(f"column {field.name} holds {found}, not {field.type}")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise GalleryError(
                f"is not a part of an export ({str(error).splitlines()[0]})",
                where=str(self._path),
                fix="Export the gallery again",
            ) from None

    def close(self) -> None:
        """Close it."""
        self._stream.close()

    def ids(self) -> pa.Array:
        """Ids of the recordings of its rows."""
        with self._translated():
            column = self._file.read(["recording_id"])["recording_id"]
            return column.cast(pa.string()).combine_chunks()

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """Rows by number, ascending."""
        found, done = [], 0
        with self._translated():
            batch = self._batch
            if batch is None or rows[0] < self._begin:
                batch = self._start_at(int(rows[0]))
            while True:
                stop = int(np.searchsorted(rows, self._begin + len(batch)))
                if stop > done:
                    found.append(batch.take(pa.array(rows[done:stop] - self._begin)))
                    done = stop
                if done == len(rows):
                    break
                self._begin += len(batch)
                batch = next(self._batches)
            self._batch = batch
            table = pa.Table.from_batches(found).select(self.schema.names)
            return table.cast(self.schema).combine_chunks()

    def _start_at(self, row: int) -> pa.RecordBatch:
        """First rows of the row group that holds a row; those after it follow."""
        group = int(np.searchsorted(self._starts, row, "right")) - 1
        groups = [*range(group, self._file.num_row_groups)]
        self._batches = self._file.iter_batches(_ROWS, row_groups=groups, columns=self.schema.names)
        self._begin = int(self._starts[group])
        return next(self._batches)


__all__ = [
    "BATCH",
    "EARLIER_FORMAT",
    "FORMAT",
    "ONCE",
    "OPTIONAL",
    "PROFILE_FILE",
    "Batch",
    "Tables",
    "columns",
    "empty_tables",
    "folders_of",
    "read_batches",
    "write_profile",
    "write_tables",
]

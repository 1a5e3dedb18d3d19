"""Segments: the parts of a gallery, written once and never changed, so that all can read them.

A segment is a folder: ``rows.duckdb`` with what people read, the columns of
:mod:`workbench.gallery.index` with what is scanned, and the best shots of :mod:`best`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.domain import (
    EPOCH,
    GIVEN_FOR,
    QUALITY_PARTS,
    Camera,
    ClockSetting,
    IndexedRecording,
    Profile,
    Recording,
    Stretch,
    format_tracklet_id,
    to_microseconds,
)
from workbench.errors import GalleryError, refuse_others
from workbench.gallery.best import write_best
from workbench.gallery.derived import offsets_of
from workbench.gallery.duck import TRACKLET_ID, connect, finish, sql_literal
from workbench.gallery.index import TemplateIndex, TemplateRows, concatenate, sync, write_index
from workbench.gallery.offsets import forget
from workbench.gallery.order import hilbert
from workbench.gallery.register import SegmentEntry, schema
from workbench.gallery.segment_times import restate, restated, span_table, stretch_table
from workbench.gallery.times import clock_table

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser

# Of a row that several segments hold, the newest.
_NEWEST = {
    "cameras": "ON CONFLICT DO UPDATE SET name = excluded.name, latitude = excluded.latitude, "
    "longitude = excluded.longitude, noted_at = excluded.noted_at "
    "WHERE excluded.noted_at > cameras.noted_at",
    "refusals": "ON CONFLICT DO UPDATE SET reason = excluded.reason, "
    "refused_at = excluded.refused_at, offset_seconds = excluded.offset_seconds, "
    "catalogue = excluded.catalogue WHERE excluded.refused_at > refusals.refused_at",
}
_UNWANTED_RECORDING = "recording_id IN (SELECT unnest($recordings::VARCHAR[]))"
_UNWANTED = f"{_UNWANTED_RECORDING} OR {TRACKLET_ID} IN (SELECT unnest($tracklets::VARCHAR[]))"
# Each row of these belongs to a recording, and goes with it.
OF_RECORDINGS = (
    "recordings", "tracklets", "shots", "problems", "stretches", "unseen", "legs", "spans",
    "different_people",
)  # fmt: skip
# What early segments of this schema lack: they were made when nothing was counted.
LATER = "different_people"
TABLES = ("cameras", *OF_RECORDINGS, "clocks", "runs", "refusals")
ROWS = "rows.duckdb"
RECORDING_IDS, CAMERA_IDS = "recording_ids.npy", "camera_ids.npy"


@dataclass(eq=False)
class Segment:
    """A segment that is open for reading."""

    folder: Path
    entry: SegmentEntry
    files: pa.ChunkedArray | None = None  # names of its recordings, once they were asked for
    # By row number of their table, those of recordings that have more to say than one plain
    # stretch; once they were asked for.
    stretches: dict[int, tuple[Stretch, ...]] | None = None
    _offsets: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)  # by scale

    @property
    def alias(self) -> str:
        """Name of the segment's database in SQL."""
        return f"s{self.entry.name.replace('-', '_')}"

    @functools.cached_property
    def index(self) -> TemplateIndex:
        """Templates of the segment; raise GalleryError if they cannot be read."""
        return TemplateIndex(self.folder)

    @property
    def is_open(self) -> bool:
        """True once the templates were looked at."""
        return "index" in self.__dict__

    def opened(self) -> TemplateIndex:
        """Open all files, return the templates; raise FileNotFoundError if it was merged away."""
        try:
            _ = self.recording_ids, self.camera_ids
            return self.index
        except GalleryError:
            if self.folder.is_dir():
                raise
            raise FileNotFoundError(self.folder) from None

    def offsets(self, normaliser: Normaliser) -> NDArray[np.float32]:
        """Offsets of its templates ``(n,)`` for normalised scores: see :mod:`offsets`."""
        if normaliser.scale not in self._offsets:
            made = offsets_of(self.folder, self.index.templates, normaliser)
            self._offsets[normaliser.scale] = made
        return self._offsets[normaliser.scale]

    def holds(self, recording_id: bytes) -> bool:
        """Return True if a recording is here; raise FileNotFoundError if it was merged away."""
        self.opened()
        return bool((self.recording_ids == recording_id).any())

    @functools.cached_property
    def recording_ids(self) -> NDArray[np.bytes_]:
        """Ids of the recordings by row number of their table."""
        found: NDArray[np.bytes_] = _load(self.folder / RECORDING_IDS)
        return found

    @functools.cached_property
    def camera_ids(self) -> NDArray[np.str_]:
        """Ids of the cameras by row number of their table."""
        found: NDArray[np.str_] = _load(self.folder / CAMERA_IDS)
        return found


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError):
            refuse_others(path, error)
        raise GalleryError(
            f"cannot be read ({error})", where=str(path), fix="Restore it from a copy"
        ) from None


class SegmentWriter:
    """A segment that is being made. Nothing of it is in the gallery until it is named there."""

    def __init__(self, folder: Path, number: int, profile: Profile) -> None:
        self.name = f"{number:08d}-{secrets.token_hex(4)}"
        self.folder, self.profile = folder / self.name, profile
        self.folder.mkdir(mode=0o700)
        try:
            self._connection = connect(self.folder / ROWS, write=True)
            self._connection.execute(schema(2, profile.dimension))
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._cameras: dict[str, int] = {}
        self._recordings: list[str] = []
        self._tracklets = self._shots = 0
        self._rows: list[TemplateRows] = []
        self.indexed = True  # whether all of it was indexed into the gallery
        self.contents: frozenset[str] = frozenset()  # SHA-256 of its recordings, when finished

    def add_cameras(self, cameras: Iterable[Camera], *, noted_at: datetime | None = None) -> None:
        """Add those that are not here yet; *noted_at* is when that was known, by default now."""
        fresh = [camera for camera in cameras if camera.camera_id not in self._cameras]
        fresh = list({camera.camera_id: camera for camera in fresh}.values())
        for camera in fresh:
            self._cameras[camera.camera_id] = len(self._cameras)
        columns: dict[str, Any] = {
            name: pa.array([getattr(camera, name) for camera in fresh], kind)
            for name, kind in (
                ("camera_id", pa.string()), ("name", pa.string()),
                ("latitude", pa.float64()), ("longitude", pa.float64()),
            )
        }  # fmt: skip
        columns["noted_at"] = pa.array(
            [noted_at or datetime.now(UTC)] * len(fresh), pa.timestamp("us", "UTC")
        )
        self._insert("cameras", pa.table(columns))

    def add_recordings(
        self, recordings: Sequence[IndexedRecording], cameras: Iterable[Camera]
    ) -> None:
        """Add recordings with all their tracklets, and *cameras*, theirs, as they are known."""
        self.add_cameras(cameras, noted_at=EPOCH)  # so that a copy is never the newest
        for name, table in _tables(recordings, self.profile.dimension):
            self._insert(name, table)
        self._rows.append(self._template_rows(recordings))
        self._recordings += [one.recording_id for one in recordings]
        self.indexed &= not any(one.stored_id for one in recordings)
        self._tracklets += sum(len(one.tracklets) for one in recordings)
        self._shots += sum(len(t.shots) for one in recordings for t in one.tracklets)

    def add_run(
        self,
        source: str,
        started_at: datetime,
        ended_at: datetime,
        *,
        indexed: int,
        refused: Sequence[tuple[Recording, str]],
        left: int,
    ) -> None:
        """Add a run of indexing, and the recordings it could not read with the reasons."""
        self._connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)",
            [source, started_at, ended_at, indexed, len(refused), left],
        )
        for recording, reason in refused:
            self._connection.execute(
                "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?, ?, ?)",
                _refusal(recording, reason, ended_at),
            )

    def add_segments(
        self,
        segments: Sequence[Segment],
        *,
        without: Iterable[str] = (),
        tracklets: Iterable[tuple[str, int]] = (),
        stretches: Mapping[str, Sequence[Stretch]] | None = None,
    ) -> None:
        """Add what other segments hold, but for the recordings *without*, and single *tracklets*.

        Tracklets are given by recording and ordinal. Recordings in *stretches* come with these in
        place of theirs, and all of their times follow.
        """
        unwanted = {
            "recordings": list(without),
            "tracklets": [format_tracklet_id(*tracklet) for tracklet in tracklets],
        }
        for segment in segments:
            self.indexed &= segment.entry.indexed or not segment.entry.recordings
            rows = sql_literal(segment.folder / ROWS)
            self._connection.execute(f"ATTACH {rows} AS old (READ_ONLY)")
            try:
                before = len(self._recordings)
                self._copy_from(segment, unwanted)
                if stretches:
                    number = {i: n for n, i in enumerate(self._recordings) if n >= before}
                    here = {name: those for name, those in stretches.items() if name in number}
                    moved = restate(self._connection, here)
                    self._rows[-1] = restated(self._rows[-1], moved, number)
            finally:
                self._connection.execute("DETACH old")

    def _copy_from(self, segment: Segment, unwanted: dict[str, list[str]]) -> None:
        execute = self._connection.execute
        recordings = {"recordings": unwanted["recordings"]}
        # What is counted over all of a recording would still tell of a tracklet that goes.
        touched = {name.rsplit("-", 1)[0] for name in unwanted["tracklets"]}
        counted = {"recordings": [*unwanted["recordings"], *touched]}
        for table in TABLES:
            if table == LATER and not has_later(self._connection, "old"):
                continue
            copy = f"INSERT INTO {table} SELECT * FROM old.{table} "  # noqa: S608
            if table in _NEWEST:
                execute(copy + _NEWEST[table])
            elif table in ("clocks", "runs"):
                execute(copy)
            elif table in ("tracklets", "shots"):
                execute(f"{copy} WHERE NOT ({_UNWANTED})", unwanted)
            else:
                unwanted_here = counted if table == LATER else recordings
                execute(f"{copy} WHERE NOT ({_UNWANTED_RECORDING})", unwanted_here)
        for camera_id in segment.camera_ids.tolist():
            self._cameras.setdefault(camera_id, len(self._cameras))
        kept = ~np.isin(segment.recording_ids, np.array(unwanted["recordings"], "S16"))
        number = np.cumsum(kept) - 1 + len(self._recordings)  # of each recording, here
        index = segment.index
        rows = np.flatnonzero(kept[index.recording]) if len(index) else np.empty(0, np.intp)
        if unwanted["tracklets"] and len(rows):
            names = segment.recording_ids[index.recording[rows]].astype(np.str_)
            ordinals = index.ordinal[rows].astype(np.str_)
            ids = np.char.add(np.char.add(names, "-"), ordinals)
            rows = rows[~np.isin(ids, np.array(unwanted["tracklets"], np.str_))]
        # Rows of a table keep their order, so a shot is as many rows earlier as went before it.
        gone = np.array(
            execute(
                f"SELECT rowid FROM old.shots WHERE {_UNWANTED} ORDER BY rowid",  # noqa: S608
                unwanted,
            ).fetchnumpy()["rowid"]
        )
        shot = index.shot[rows]
        camera = np.array([self._cameras[c] for c in segment.camera_ids.tolist()], np.int32)
        self._rows.append(
            TemplateRows(
                templates=index.templates[rows],
                camera=camera[index.camera[rows]] if len(rows) else np.empty(0, np.int32),
                first_seen=index.first_seen[rows],
                last_seen=index.last_seen[rows],
                quality=index.quality[rows],
                recording=number[index.recording[rows]].astype(np.int32),
                ordinal=index.ordinal[rows],
                shot=shot - np.searchsorted(gone, shot) + self._shots,
                first_seconds=index.first_seconds[rows],
                last_seconds=index.last_seconds[rows],
            )
        )
        self._recordings += [name.decode() for name in segment.recording_ids[kept].tolist()]
        self._tracklets = self._count("tracklets")
        self._shots = self._count("shots")

    def add_clocks(self, settings: Sequence[ClockSetting]) -> None:
        """Add corrections for cameras and folders."""
        self._insert("clocks", clock_table(settings))

    def add_tables(self, tables: Mapping[str, pa.Table], *, without: Iterable[str] = ()) -> None:
        """Add tables in :func:`columns`, but for the recordings *without*."""
        self.indexed &= not len(tables["recordings"])
        unwanted = pa.table({"recording_id": pa.array(list(without), pa.string())})
        self._connection.register("unwanted", unwanted)
        for name in TABLES:
            self._connection.register("incoming", tables[name])
            keep = "ANTI JOIN unwanted USING (recording_id)" if name in OF_RECORDINGS else ""
            self._connection.execute(
                f"INSERT INTO {name} FROM incoming {keep} {_NEWEST.get(name, '')}"
            )
        self._connection.register("incoming", tables["templates"])
        # Row numbers of this segment's tables, as the columns of templates name them.
        found = self._connection.sql(
            "SELECT i.template, c.rowid AS camera, epoch_us(t.first_seen) AS first_seen, "
            "epoch_us(t.last_seen) AS last_seen, s.quality, r.rowid AS recording, i.ordinal, "
            "s.rowid AS shot, t.first_seconds, t.last_seconds "
            "FROM incoming i ANTI JOIN unwanted USING (recording_id) "
            "JOIN recordings r ON r.recording_id = i.recording_id "
            "JOIN tracklets t ON t.recording_id = i.recording_id AND t.ordinal = i.ordinal "
            "JOIN shots s ON s.recording_id = i.recording_id AND s.ordinal = i.ordinal "
            "AND s.rank = 0 JOIN cameras c ON c.camera_id = r.camera_id"
        ).to_arrow_table()
        ((wanted,),) = self._connection.execute(
            "SELECT count(*) FROM incoming ANTI JOIN unwanted USING (recording_id)"
        ).fetchall()
        if found.num_rows != wanted:
            raise GalleryError(
                f"{wanted - found.num_rows} of {wanted} templates are without their recording, "
                "tracklet, best shot or camera",
                where="tables",
                fix="Export the gallery again",
            )
        ((without,),) = self._connection.execute(
            "SELECT count(*) FROM recordings r ANTI JOIN stretches s "
            "ON s.recording_id = r.recording_id AND s.from_seconds = 0"
        ).fetchall()
        if without:
            raise GalleryError(
                f"{without} recordings are without the clock of their times",
                where="tables",
                fix="Export the gallery again",
            )
        for name in ("incoming", "unwanted"):
            self._connection.unregister(name)
        vectors = found["template"].combine_chunks().flatten().to_numpy()
        columns = {name: found[name].to_numpy() for name in _COLUMNS if name != "templates"}
        self._rows.append(
            TemplateRows(
                templates=vectors.reshape(-1, self.profile.dimension).astype(np.float32),
                **{name: values.astype(_COLUMNS[name]) for name, values in columns.items()},
            )
        )
        names = "SELECT {0} FROM {1} ORDER BY rowid"
        for (camera_id,) in self._connection.execute(
            names.format("camera_id", "cameras")
        ).fetchall():
            self._cameras.setdefault(camera_id, len(self._cameras))
        self._recordings = [
            name
            for (name,) in self._connection.execute(
                names.format("recording_id", "recordings")
            ).fetchall()
        ]
        self._tracklets, self._shots = self._count("tracklets"), self._count("shots")

    def _count(self, table: str) -> int:
        ((count,),) = self._connection.execute(
            f"SELECT count(*) FROM {table}"  # noqa: S608
        ).fetchall()
        return int(count)

    def finish(self) -> SegmentEntry:
        """Have all of it on the disk, and say what it is."""
        places = self._places()
        np.save(self.folder / RECORDING_IDS, np.array(self._recordings, "S16"))
        np.save(self.folder / CAMERA_IDS, np.array(list(self._cameras), np.str_))
        empty = _no_rows(self.profile.dimension)
        rows = concatenate([empty, *self._rows]) if self._rows else empty
        shot = write_index(self.folder, rows, places, self.profile.metric)
        write_best(self.folder, shot, self._connection)
        found = self._connection.execute("SELECT DISTINCT sha256 FROM recordings").fetchall()
        self.contents = frozenset(content for (content,) in found)
        finish(self._connection, self.folder / ROWS)
        self._connection.close()
        for path in self.folder.iterdir():
            path.chmod(0o600)
        sync(self.folder)
        return SegmentEntry(
            name=self.name,
            recordings=len(self._recordings),
            tracklets=self._tracklets,
            templates=len(rows),
            bytes=sum(path.stat().st_size for path in self.folder.iterdir()),
            checksum=checksum(self.folder),
            indexed=self.indexed,
        )

    def _places(self) -> NDArray[np.int64]:
        found = self._connection.execute(
            "SELECT camera_id, longitude, latitude FROM cameras"
        ).fetchnumpy()
        # A masked value is a place that is not known.
        longitude, latitude = (
            np.ma.filled(np.ma.asarray(found[name], np.float64), np.nan)
            for name in ("longitude", "latitude")
        )
        places = hilbert(longitude, latitude)
        by_id = dict(zip(found["camera_id"].tolist(), places.tolist(), strict=True))
        return np.array([by_id[camera_id] for camera_id in self._cameras], np.int64)

    def discard(self) -> None:
        """Leave nothing of it."""
        self._connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _insert(self, name: str, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self._connection.register("incoming", table)
        try:
            # The name is one of our own, never a user's.
            self._connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")  # noqa: S608
        finally:
            self._connection.unregister("incoming")

    def _template_rows(self, recordings: Sequence[IndexedRecording]) -> TemplateRows:
        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        shot = self._shots
        for number, one in enumerate(recordings, start=len(self._recordings)):
            camera = self._cameras[one.recording.camera_id]
            for tracklet in one.tracklets:
                if tracklet.template is not None:
                    values = (
                        tracklet.template, camera,
                        to_microseconds(tracklet.first_seen), to_microseconds(tracklet.last_seen),
                        tracklet.shots[0].quality.overall, number, tracklet.ordinal, shot,
                        *one.seconds_of(tracklet),
                    )  # fmt: skip
                    for name, value in zip(_COLUMNS, values, strict=True):
                        columns[name].append(value)
                shot += len(tracklet.shots)
        if not columns["shot"]:
            return _no_rows(self.profile.dimension)
        return TemplateRows(
            **{name: np.array(values, _COLUMNS[name]) for name, values in columns.items()}
        )


def _refusal(recording: Recording, reason: str, at: datetime) -> list[object]:
    """Row of a recording that could not be read, with its time as the list has it."""
    listed = recording.clock_given_for == GIVEN_FOR[-1]
    offset = recording.clock_offset_seconds if listed else 0.0
    start = recording.stated_at - timedelta(seconds=offset)
    return [
        recording.camera_id, recording.file, start, reason, at, offset, recording.catalogue
    ]  # fmt: skip


def _tables(
    recordings: Sequence[IndexedRecording], dimension: int
) -> Iterator[tuple[str, pa.Table]]:
    """The rows of recordings for each table, in the order of its columns."""
    time, now = pa.timestamp("us", tz="UTC"), datetime.now(UTC)

    def column(values: Iterable[Any], kind: Any) -> pa.Array:
        return pa.array(list(values), kind)

    def table(columns: dict[str, tuple[Any, Any]]) -> pa.Table:
        return pa.table({name: column(values, kind) for name, (values, kind) in columns.items()})

    yield (
        "recordings",
        table(
            {
                "recording_id": ((r.recording_id for r in recordings), pa.string()),
                "camera_id": ((r.recording.camera_id for r in recordings), pa.string()),
                "file": ((r.recording.file for r in recordings), pa.string()),
                "started_at": ((r.started_at for r in recordings), time),
                "ended_at": ((r.ended_at for r in recordings), time),
                "sha256": ((r.sha256 for r in recordings), pa.string()),
                **{
                    name: ([getattr(r, name) for r in recordings], pa.int64())
                    for name in (
                        "size_bytes", "modified_ns", "width", "height", "frames_decoded",
                        "frames_examined", "faces",
                    )
                },
                "stopped": ((r.stopped for r in recordings), pa.string()),
                "elapsed_seconds": ((r.elapsed_seconds for r in recordings), pa.float64()),
                "indexed_at": ([now] * len(recordings), time),
                "stated_at": ((r.recording.stated_at for r in recordings), time),
                "seconds": ((r.seconds for r in recordings), pa.float64()),
                "stream": ((r.recording.stream for r in recordings), pa.int32()),
                "rotation": ((r.recording.rotation or 0 for r in recordings), pa.int32()),
                "pixel_aspect": (
                    (a and str(a) for a in (r.recording.pixel_aspect for r in recordings)),
                    pa.string(),
                ),
                "frame_rate": ((r.recording.frame_rate for r in recordings), pa.float64()),
                "catalogue": ((r.recording.catalogue for r in recordings), pa.string()),
            }
        ),
    )  # fmt: skip
    tracklets = [
        (r.recording_id, r.recording.camera_id, t, *r.seconds_of(t))
        for r in recordings
        for t in r.tracklets
    ]
    yield (
        "tracklets",
        table(
            {
                "recording_id": ((i for i, *_ in tracklets), pa.string()),
                "ordinal": ((t.ordinal for _, _, t, *_ in tracklets), pa.int32()),
                "camera_id": ((c for _, c, *_ in tracklets), pa.string()),
                "first_seen": ((t.first_seen for _, _, t, *_ in tracklets), time),
                "last_seen": ((t.last_seen for _, _, t, *_ in tracklets), time),
                "detections": ((t.detections for _, _, t, *_ in tracklets), pa.int32()),
                "searchable": ((t.searchable for _, _, t, *_ in tracklets), pa.bool_()),
                "first_seconds": ((first for *_, first, _ in tracklets), pa.float64()),
                "last_seconds": ((last for *_, last in tracklets), pa.float64()),
            }
        ),
    )
    shots = [(i, t.ordinal, k, s) for i, _, t, *_ in tracklets for k, s in enumerate(t.shots)]
    flat = np.concatenate([s.template for *_, s in shots]) if shots else np.empty(0, np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), dimension)
    rows = table(
        {
            "recording_id": ((i for i, *_ in shots), pa.string()),
            "ordinal": ((o for _, o, _, _ in shots), pa.int32()),
            "rank": ((k for _, _, k, _ in shots), pa.int32()),
            "seconds": ((s.seconds for *_, s in shots), pa.float64()),
            "time": ((s.time for *_, s in shots), time),
            **{
                name: ([float(getattr(s.box, name)) for *_, s in shots], pa.float64())
                for name in ("x", "y", "width", "height")
            },
            "quality": ((s.quality.overall for *_, s in shots), pa.float64()),
            **{
                name: ([float(getattr(s.quality, name)) for *_, s in shots], pa.float64())
                for name in QUALITY_PARTS
            },
            "jpeg": ((s.jpeg for *_, s in shots), pa.binary()),
        }
    )
    yield "shots", rows.append_column("template", vectors)
    problems = [(r.recording_id, p) for r in recordings for p in r.problems]
    yield (
        "problems",
        table(
            {
                "recording_id": ((i for i, _ in problems), pa.string()),
                "what": ((p.what for _, p in problems), pa.string()),
                "at_seconds": ((p.at_seconds for _, p in problems), pa.float64()),
            }
        ),
    )
    yield (
        "stretches",
        stretch_table([(r.recording_id, s) for r in recordings for s in r.stretches]),
    )
    unseen = [(r.recording_id, u) for r in recordings for u in r.unseen]
    yield (
        "unseen",
        table(
            {
                "recording_id": ((i for i, _ in unseen), pa.string()),
                "start_seconds": ((u.start for _, u in unseen), pa.float64()),
                "end_seconds": ((u.end for _, u in unseen), pa.float64()),
                "why": ((u.why for _, u in unseen), pa.string()),
            }
        ),
    )
    legs = [(r.recording_id, r.track, leg) for r in recordings for leg in r.legs]
    yield (
        "legs",
        table(
            {
                "recording_id": ((i for i, *_ in legs), pa.string()),
                "start_seconds": ((leg.start for *_, leg in legs), pa.float64()),
                "end_seconds": ((leg.end for *_, leg in legs), pa.float64()),
                "track": ((track for _, track, _ in legs), pa.string()),
            }
        ),
    )
    counts = [(r.recording_id, count) for r in recordings for count in r.different_people]
    yield (
        "different_people",
        table(
            {
                "recording_id": ((i for i, _ in counts), pa.string()),
                "scale": ((c.scale for _, c in counts), pa.string()),
                "quality": ((c.quality for _, c in counts), pa.float64()),
                "score": ((c.score for _, c in counts), pa.float64()),
                "width": ((c.width for _, c in counts), pa.float64()),
                "comparisons": ((c.comparisons for _, c in counts), pa.int32()),
            }
        ),
    )
    yield (
        "spans",
        span_table(
            [(r.recording_id, r.recording.camera_id, *s) for r in recordings for s in r.spans]
        ),
    )


_COLUMNS: dict[str, Any] = {
    "templates": np.float32, "camera": np.int32,
    "first_seen": np.int64, "last_seen": np.int64, "quality": np.float32, "recording": np.int32,
    "ordinal": np.int32, "shot": np.int64, "first_seconds": np.float64, "last_seconds": np.float64,
}  # fmt: skip


def _no_rows(dimension: int) -> TemplateRows:
    columns = {name: np.empty(0, kind) for name, kind in _COLUMNS.items()}
    return TemplateRows(**columns | {"templates": np.empty((0, dimension), np.float32)})


def columns(profile: Profile) -> dict[str, pa.Schema]:
    """The columns of each table of a segment, and of ``templates`` as exports have them."""
    return dict(_columns(profile.dimension))


@functools.lru_cache(maxsize=16)  # an import asks for them with each segment
def _columns(dimension: int) -> Mapping[str, pa.Schema]:
    connection = connect()
    try:
        connection.execute(schema(2, dimension))
        found = {name: connection.sql(f"FROM {name}").to_arrow_table().schema for name in TABLES}
    finally:
        connection.close()
    vector = pa.list_(pa.float32(), dimension)
    kinds = {"recording_id": pa.string(), "ordinal": pa.int32(), "template": vector}
    return found | {"templates": pa.schema(kinds)}


def read_tables(folder: Path, profile: Profile) -> dict[str, pa.Table]:
    """The Parquet files of one exported segment; raise GalleryError if one is not as it must be."""
    found = {}
    for name, wanted in columns(profile).items():
        path = folder / f"{name}.parquet"
        if name == LATER and not path.exists():
            found[name] = wanted.empty_table()
            continue
        try:
            found[name] = _read(path, wanted)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise GalleryError(
                f"is not a part of an export ({str(error).splitlines()[0]})",
                where=str(path),
                fix="Export the gallery again",
            ) from None
    return found


def _read(path: Path, wanted: pa.Schema) -> pa.Table:
    import pyarrow.parquet as pq

    # By its own columns alone: a folder of that name, or one called a=b, would give it others.
    with path.open("rb") as file, pq.ParquetFile(file) as opened:
        table = opened.read().select(wanted.names)
    for name, found, kind in zip(wanted.names, table.schema.types, wanted.types, strict=True):
        if found != kind and not pa.types.is_large_string(found):
            raise ValueError(f"column {name} holds {found}, not {kind}")
    return table.cast(wanted)


def has_later(connection: duckdb.DuckDBPyConnection, database: str) -> bool:
    """Return True if an attached segment has the table that early ones of this schema lack."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND table_name = ?",
        [database, LATER],
    ).fetchall()
    return bool(found)


def checksum(folder: Path) -> str:
    """SHA-256 of the names and SHA-256 of all files in a segment's folder."""
    lines = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def attach(connection: duckdb.DuckDBPyConnection, segment: Segment) -> None:
    """Attach the tables of a segment to a connection, for reading."""
    rows = sql_literal(segment.folder / ROWS)
    connection.execute(f"ATTACH {rows} AS {segment.alias} (READ_ONLY)")


def remove(folder: Path) -> None:
    """Remove a segment that no register names; a reader that has it open keeps its files."""
    # At once: a reader about to open it finds all of its files, or no such segment.
    name = folder.name.removesuffix(_GOING)
    going = folder.with_name(f"{name}{_GOING}")
    with contextlib.suppress(OSError):
        folder.rename(going)
        shutil.rmtree(going)
    forget(folder.with_name(name))


_GOING = ".going"

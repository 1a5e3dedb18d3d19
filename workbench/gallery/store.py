"""Write and read a gallery: one DuckDB file, one profile, each recording whole or not at all."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from workbench.domain import (
    QUALITY_PARTS,
    Box,
    Camera,
    Coverage,
    IndexedRecording,
    Profile,
    Quality,
    Recording,
    Scope,
    Shot,
)
from workbench.errors import DistrictError, GalleryBusy, GalleryError, ProfileMismatch

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

    from workbench.domain import District

SCHEMA_VERSION = 1
_TABLES = {"gallery", "weights", "cameras", "recordings", "tracklets", "templates", "shots"}


class Gallery:
    """The tracklets of indexed footage and their templates.

    One process may have a gallery open for writing, or any number for reading. Use it as a context
    manager, or call :meth:`close`.

    >>> with Gallery.open("town.duckdb") as gallery:  # doctest: +SKIP
    ...     gallery.recordings()
    """

    def __init__(
        self, path: Path, profile: Profile, connection: duckdb.DuckDBPyConnection, *, write: bool
    ) -> None:
        self.path, self.profile = path, profile
        self._connection, self._write = connection, write

    @classmethod
    def create(cls, path: Path | str, profile: Profile) -> Gallery:
        """Make an empty gallery for templates of *profile*, open for writing.

        Raises
        ------
        GalleryError
            If there is something at *path* already, or it cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise GalleryError(
                "there is a file already",
                where=str(path),
                fix="Open it, or choose another name",
            )
        with contextlib.suppress(OSError):  # DuckDB then says what cannot be written
            path.parent.mkdir(parents=True, exist_ok=True)
        # Built beside and renamed: a gallery is never seen half made.
        unfinished = path.with_name(f".{path.name}.new")
        unfinished.unlink(missing_ok=True)
        connection = _connect(unfinished, write=True)
        try:
            schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
            connection.execute("BEGIN")
            connection.execute(schema.format(dimension=int(profile.dimension)))
            connection.execute(
                "INSERT INTO gallery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    SCHEMA_VERSION, datetime.now(UTC), profile.name, profile.detector,
                    profile.recogniser, profile.alignment, profile.metric, profile.dimension,
                    profile.version, profile.fingerprint,
                ],
            )  # fmt: skip
            for file, sha256 in profile.weights:
                connection.execute("INSERT INTO weights VALUES (?, ?)", [file, sha256])
            connection.execute("COMMIT")
        finally:
            connection.close()
        unfinished.rename(path)
        return cls.open(path, write=True)

    @classmethod
    def open(
        cls, path: Path | str, *, write: bool = False, profile: Profile | None = None
    ) -> Gallery:
        """Open a gallery, by default for reading.

        Raises
        ------
        GalleryError
            If there is none, or the file is damaged, foreign or of a newer version.
        GalleryBusy
            If another process holds it.
        ProfileMismatch
            If it was made with another profile than *profile*.
        """
        path = Path(path)
        if not path.is_file():
            raise GalleryError(
                "there is no gallery here",
                where=str(path),
                fix="Make one with `sightline index`",
            )
        connection = _connect(path, write=write)
        try:
            found = _read_profile(connection, path)
            if profile is not None and profile.fingerprint != found.fingerprint:
                raise ProfileMismatch(
                    f"was made with profile {found.name} ({found.fingerprint}), not with "
                    f"{profile.name} ({profile.fingerprint})",
                    where=str(path),
                    fix=f"Use profile {found.name}, or another gallery",
                )
        except BaseException:
            connection.close()
            raise
        return cls(path, found, connection, write=write)

    @classmethod
    def for_writing(cls, path: Path | str, profile: Profile) -> Gallery:
        """The gallery at *path* open for writing, made first if there is none.

        Raises what :meth:`open` and :meth:`create` raise.
        """
        path = Path(path)
        return (
            cls.open(path, write=True, profile=profile)
            if path.exists()
            else cls.create(path, profile)
        )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- Writing ------------------------------------------------------------------------------

    def add_cameras(self, cameras: Iterable[Camera]) -> None:
        """Add cameras, or renew the name and place of those that are known."""
        with self._transaction() as connection:
            for camera in cameras:
                connection.execute(
                    "INSERT INTO cameras VALUES ($id, $name, $latitude, $longitude) ON CONFLICT "
                    "DO UPDATE SET name = $name, latitude = $latitude, longitude = $longitude",
                    {
                        "id": camera.camera_id,
                        "name": camera.name,
                        "latitude": camera.latitude,
                        "longitude": camera.longitude,
                    },
                )

    def add_recording(self, indexed: IndexedRecording) -> None:
        """Store a recording with all its tracklets, in one transaction.

        Raises
        ------
        GalleryError
            If it is here already, its camera is unknown, or a template is not a finite vector of
            the profile's dimension.
        """
        import duckdb
        import numpy as np

        for tracklet in indexed.tracklets:
            vectors = [shot.template for shot in tracklet.shots]
            vectors += [] if tracklet.template is None else [tracklet.template]
            for vector in vectors:
                if vector.shape != (self.profile.dimension,) or not np.isfinite(vector).all():
                    raise GalleryError(
                        f"a template of tracklet {tracklet.ordinal} is not a finite vector of "
                        f"{self.profile.dimension} numbers",
                        where=indexed.recording.file,
                        fix="Index it again; if that does not help, check the model weights",
                    )
        recording = indexed.recording
        try:
            with self._transaction() as connection:
                connection.execute(
                    "INSERT INTO recordings "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        indexed.recording_id, recording.camera_id, recording.file,
                        recording.started_at, indexed.ended_at, indexed.sha256,
                        indexed.size_bytes, indexed.modified_ns, indexed.width, indexed.height,
                        indexed.frames_decoded, indexed.frames_examined, indexed.faces,
                        indexed.stopped, indexed.elapsed_seconds, datetime.now(UTC),
                    ],
                )  # fmt: skip
                connection.execute(
                    "DELETE FROM refusals WHERE camera_id = ? AND file = ? AND started_at = ?",
                    [recording.camera_id, recording.file, recording.started_at],
                )
                for name, table in _tables(indexed, self.profile.dimension):
                    self._insert(name, table)
        except duckdb.ConstraintException as error:
            known = "primary key" in str(error).lower() or "duplicate" in str(error).lower()
            raise GalleryError(
                "is in the gallery already" if known else f"its camera is unknown ({error})",
                where=recording.file,
                fix="Leave it out" if known else "Add its camera first",
            ) from None

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
        """Record a run of indexing, and the recordings it could not read with the reasons."""
        with self._transaction() as connection:
            connection.execute(
                'INSERT INTO runs (source, started_at, ended_at, indexed, refused, "left") '
                "VALUES (?, ?, ?, ?, ?, ?)",
                [source, started_at, ended_at, indexed, len(refused), left],
            )
            for recording, reason in refused:
                connection.execute(
                    "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?)",
                    [
                        recording.camera_id, recording.file, recording.started_at, reason,
                        ended_at,
                    ],
                )  # fmt: skip

    def _insert(self, name: str, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self._connection.register("incoming", table)
        try:
            # The name is one of our own, never a user's.
            self._connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")  # noqa: S608
        finally:
            self._connection.unregister("incoming")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        if not self._write:
            raise GalleryError(
                "is open for reading only", where=str(self.path), fix="Open it with write=True"
            )
        self._connection.execute("BEGIN")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(duckdb.Error):  # a failed commit has rolled back already
                self._connection.execute("ROLLBACK")
            if isinstance(error, duckdb.Error) and not isinstance(
                error, duckdb.ConstraintException
            ):
                raise GalleryError(
                    f"cannot be written ({str(error).splitlines()[0]})",
                    where=str(self.path),
                    fix="Check the disk; what was stored before is kept",
                ) from error
            raise

    # --- Reading ------------------------------------------------------------------------------

    def arrow(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        """The rows of a query with its parameters as an Arrow table; times are in UTC."""
        import duckdb

        damage = (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)
        try:
            return self._connection.sql(sql, params=parameters).to_arrow_table()
        except damage as error:
            raise _unreadable(self.path, str(error)) from None

    def cameras(self) -> tuple[Camera, ...]:
        """All cameras, by id."""
        rows = self.arrow(
            "SELECT camera_id, name, latitude, longitude FROM cameras ORDER BY camera_id"
        )
        return tuple(Camera(**row) for row in rows.to_pylist())

    def cameras_inside(self, district: District) -> tuple[Camera, ...]:
        """The cameras in a district, its border included; raise DistrictError if there is none."""
        import numpy as np
        import shapely

        rows = self.arrow(
            "SELECT camera_id, longitude, latitude FROM cameras "
            "WHERE longitude BETWEEN ? AND ? AND latitude BETWEEN ? AND ? ORDER BY camera_id",
            [district.area.bounds[i] for i in (0, 2, 1, 3)],
        )
        shapely.prepare(district.area)
        inside = shapely.intersects_xy(
            district.area, rows["longitude"].to_numpy(), rows["latitude"].to_numpy()
        )
        wanted = {rows["camera_id"][int(i)].as_py() for i in np.flatnonzero(inside)}
        if not wanted:
            raise DistrictError(
                "holds no camera of this gallery",
                where=district.name,
                fix="Draw it around at least one camera",
            )
        return tuple(camera for camera in self.cameras() if camera.camera_id in wanted)

    def recordings(self) -> pd.DataFrame:
        """One row a recording, by start: the columns of the table, with counts of its tracklets."""
        frame: pd.DataFrame = self.arrow(
            "SELECT r.*, epoch(ended_at - started_at) AS seconds, "
            "coalesce(t.tracklets, 0) AS tracklets, coalesce(t.unsearchable, 0) AS unsearchable, "
            "coalesce(p.problems, 0) AS problems FROM recordings r "
            "LEFT JOIN (SELECT recording_id, count(*) AS tracklets, "
            "count(*) FILTER (NOT searchable) AS unsearchable FROM tracklets GROUP BY ALL) t "
            "USING (recording_id) "
            "LEFT JOIN (SELECT recording_id, count(*) AS problems FROM problems GROUP BY ALL) p "
            "USING (recording_id) ORDER BY started_at, camera_id, recording_id"
        ).to_pandas()
        return frame

    def known_files(self) -> dict[tuple[str, str, datetime], tuple[int, int]]:
        """(file, camera_id, started_at) of each recording with its (size, modification time)."""
        rows = self.arrow(
            "SELECT file, camera_id, started_at, size_bytes, modified_ns FROM recordings"
        )
        return {
            (row["file"], row["camera_id"], row["started_at"].astimezone(UTC)): (
                row["size_bytes"],
                row["modified_ns"],
            )
            for row in rows.to_pylist()
        }

    def holds(self, recording_id: str) -> bool:
        """Whether a recording is here."""
        rows = self.arrow("SELECT 1 FROM recordings WHERE recording_id = ?", [recording_id])
        return bool(rows.num_rows)

    def same_content(self, indexed: IndexedRecording) -> list[str]:
        """Files of other recordings with the very same content."""
        rows = self.arrow(
            "SELECT file FROM recordings WHERE sha256 = ? AND recording_id <> ? ORDER BY file",
            [indexed.sha256, indexed.recording_id],
        )
        return [row["file"] for row in rows.to_pylist()]

    def overlapping(self, indexed: IndexedRecording) -> list[tuple[str, float]]:
        """Files of other recordings of its camera at the same time, and by how many seconds."""
        span = [indexed.ended_at, indexed.recording.started_at]
        rows = self.arrow(
            "SELECT file, epoch(least(ended_at, ?) - greatest(started_at, ?)) AS seconds "
            "FROM recordings WHERE camera_id = ? AND started_at < ? AND ended_at > ? "
            "AND recording_id <> ? ORDER BY started_at, file",
            [*span, indexed.recording.camera_id, *span, indexed.recording_id],
        )
        return [(row["file"], row["seconds"]) for row in rows.to_pylist()]

    def runs(self) -> pd.DataFrame:
        """One row a run of indexing, the latest first."""
        frame: pd.DataFrame = self.arrow("SELECT * FROM runs ORDER BY run_id DESC").to_pandas()
        return frame

    def refusals(self) -> pd.DataFrame:
        """Recordings that could not be read, with the reason; by camera and time."""
        frame: pd.DataFrame = self.arrow(
            "SELECT * FROM refusals ORDER BY camera_id, started_at, file"
        ).to_pandas()
        return frame

    def problems(self) -> pd.DataFrame:
        """What went wrong inside recordings: file, camera_id, what, at_seconds."""
        frame: pd.DataFrame = self.arrow(
            "SELECT file, camera_id, what, at_seconds FROM problems JOIN recordings "
            "USING (recording_id) ORDER BY started_at, file, at_seconds"
        ).to_pandas()
        return frame

    def tracklets(self) -> pd.DataFrame:
        """One row a tracklet, by time, searchable or not."""
        frame: pd.DataFrame = self.arrow(
            "SELECT recording_id || '-' || ordinal AS tracklet_id, camera_id, file AS recording, "
            "first_seen, last_seen, detections, searchable FROM tracklets "
            "JOIN recordings USING (recording_id, camera_id) ORDER BY first_seen, tracklet_id"
        ).to_pandas()
        return frame

    def footage(self, cameras: Iterable[Camera] | None = None) -> pd.DataFrame:
        """Spans of footage: camera_id, camera, started_at, ended_at; by camera and start."""
        frame: pd.DataFrame = self.arrow(
            "SELECT camera_id, name AS camera, started_at, ended_at FROM recordings "
            "JOIN cameras USING (camera_id) ORDER BY camera_id, started_at"
        ).to_pandas()
        if cameras is None:
            return frame
        wanted = {camera.camera_id for camera in cameras}
        return frame[frame["camera_id"].isin(wanted)].reset_index(drop=True)

    def time_span(self) -> tuple[datetime, datetime] | None:
        """UTC time of the first and the last picture; None in a gallery without footage."""
        row = self.arrow("SELECT min(started_at) a, max(ended_at) b FROM recordings").to_pylist()[0]
        if row["a"] is None:
            return None
        return row["a"].astimezone(UTC), row["b"].astimezone(UTC)

    def coverage(self, scope: Scope) -> Coverage:
        """What a scope holds; raise DistrictError if its district holds no camera."""
        cameras = self.cameras_inside(scope.district)
        ids, span = [camera.camera_id for camera in cameras], [scope.end, scope.start]
        footage = self.arrow(
            "SELECT count(DISTINCT camera_id) AS cameras, count(*) AS recordings, "
            "coalesce(sum(epoch(least(ended_at, ?) - greatest(started_at, ?))), 0) AS seconds "
            "FROM recordings SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) "
            "USING (camera_id) WHERE started_at < ? AND ended_at > ?",
            [*span, ids, *span],
        ).to_pylist()[0]
        tracklets = self.arrow(
            "SELECT count(*) FILTER (searchable) AS searchable, count(*) AS total FROM tracklets "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
            "WHERE first_seen < ? AND last_seen >= ?",
            [ids, *span],
        ).to_pylist()[0]
        refused = self.arrow(
            "SELECT count(*) AS refused FROM refusals "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
            "WHERE started_at < ? AND started_at >= ?",
            [ids, *span],
        ).to_pylist()[0]
        return Coverage(
            cameras=len(cameras),
            cameras_with_footage=footage["cameras"],
            recordings=footage["recordings"],
            footage_seconds=float(footage["seconds"]),
            tracklets=tracklets["searchable"],
            unsearchable=tracklets["total"] - tracklets["searchable"],
            refused=refused["refused"],
        )

    def shots(self, tracklet_id: str) -> tuple[Shot, ...]:
        """The best shots of a tracklet, best first; raise GalleryError if there is none of it."""
        import numpy as np

        recording_id, ordinal = parse_tracklet_id(tracklet_id)
        rows = self.arrow(
            "SELECT * FROM shots WHERE recording_id = ? AND ordinal = ? ORDER BY rank",
            [recording_id, ordinal],
        ).to_pylist()
        if not rows:
            raise GalleryError(
                f"has no tracklet {tracklet_id} with shots",
                where=str(self.path),
                fix="Search again: it may have been removed",
            )
        return tuple(
            Shot(
                seconds=row["seconds"],
                time=row["time"].astimezone(UTC),
                box=Box(row["x"], row["y"], row["width"], row["height"]),
                quality=Quality(row["quality"], **{part: row[part] for part in QUALITY_PARTS}),
                jpeg=row["jpeg"],
                template=np.asarray(row["template"], np.float32),
            )
            for row in rows
        )


def parse_tracklet_id(tracklet_id: str) -> tuple[str, int]:
    """Recording and ordinal of a tracklet's id; raise GalleryError if it is none."""
    match = re.fullmatch(r"([0-9a-f]{16})-(\d{1,9})", tracklet_id)
    if match is None:
        raise GalleryError(
            f"{tracklet_id!r} is not the id of a tracklet", fix="Take it from a candidate"
        )
    return match[1], int(match[2])


def _connect(path: Path, *, write: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    # Nothing is fetched at run time, and no file but the gallery is read through SQL.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": False,
    }
    try:
        connection = duckdb.connect(str(path), read_only=not write, config=config)
    except duckdb.IOException as error:
        text = str(error)
        if "lock" in text.lower():
            raise GalleryBusy(
                "is in use by another process",
                where=str(path),
                fix="Wait until indexing has finished, or close the dashboards that have it open",
            ) from None
        raise _unreadable(path, text) from None
    except duckdb.ConnectionException as error:
        if "different configuration" in str(error):
            raise GalleryBusy(
                "is open in this process already, in another way",
                where=str(path),
                fix="Close it there first",
            ) from None
        raise _unreadable(path, str(error)) from None
    except duckdb.Error as error:
        raise _unreadable(path, str(error)) from None
    # DuckDB's own bar would print to standard output.
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
    return connection


def _unreadable(path: Path, reason: str) -> GalleryError:
    return GalleryError(
        f"is not a gallery that can be read ({reason.splitlines()[0]})",
        where=str(path),
        fix="Restore it from a copy, or index the footage again",
    )


def _read_profile(connection: duckdb.DuckDBPyConnection, path: Path) -> Profile:
    import duckdb

    try:
        found = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
        ).fetchall()
        if not {name for (name,) in found} >= _TABLES:
            raise GalleryError(
                "is a DuckDB file, but not a Sightline gallery",
                where=str(path),
                fix="Name the file that `sightline index` made",
            )
        (version,) = connection.execute("SELECT schema_version FROM gallery").fetchone() or (0,)
        if version != SCHEMA_VERSION:
            raise GalleryError(
                f"has schema version {version}, this Sightline reads {SCHEMA_VERSION}",
                where=str(path),
                fix="Use the Sightline it was made with, or index the footage again",
            )
        row = connection.execute(
            "SELECT profile, detector, recogniser, alignment, metric, dimension, version, "
            "fingerprint FROM gallery"
        ).fetchone()
        weights = connection.execute("SELECT file, sha256 FROM weights ORDER BY file").fetchall()
    except duckdb.Error as error:
        raise _unreadable(path, str(error)) from None
    assert row is not None
    profile = Profile(
        name=row[0],
        detector=row[1],
        recogniser=row[2],
        alignment=row[3],
        metric=row[4],
        dimension=row[5],
        weights=tuple((file, sha256) for file, sha256 in weights),
        version=row[6],
    )
    if profile.fingerprint != row[7]:
        raise GalleryError(
            "says two different things about its profile",
            where=str(path),
            fix="Restore it from a copy, or index the footage again",
        )
    return profile


def _tables(indexed: IndexedRecording, dimension: int) -> Iterator[tuple[str, pa.Table]]:
    """The rows of a recording for each table, in the order of its columns."""
    import numpy as np
    import pyarrow as pa

    time = pa.timestamp("us", tz="UTC")

    def vectors(rows: Sequence[Any]) -> pa.Array:
        flat = np.concatenate(rows) if rows else np.empty(0, np.float32)
        return pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), dimension)

    recording_id, camera_id = indexed.recording_id, indexed.recording.camera_id
    tracklets = indexed.tracklets
    yield (
        "tracklets",
        pa.table(
            {
                "recording_id": [recording_id] * len(tracklets),
                "ordinal": pa.array([t.ordinal for t in tracklets], pa.int32()),
                "camera_id": [camera_id] * len(tracklets),
                "first_seen": pa.array([t.first_seen for t in tracklets], time),
                "last_seen": pa.array([t.last_seen for t in tracklets], time),
                "detections": pa.array([t.detections for t in tracklets], pa.int32()),
                "searchable": pa.array([t.searchable for t in tracklets], pa.bool_()),
            }
        ),
    )
    found = [t for t in tracklets if t.template is not None]
    yield (
        "templates",
        pa.table(
            {
                "camera_id": [camera_id] * len(found),
                "first_seen": pa.array([t.first_seen for t in found], time),
                "last_seen": pa.array([t.last_seen for t in found], time),
                "recording_id": [recording_id] * len(found),
                "ordinal": pa.array([t.ordinal for t in found], pa.int32()),
                "template": vectors([t.template for t in found]),
            }
        ),
    )
    shots = [(t, rank, shot) for t in tracklets for rank, shot in enumerate(t.shots)]
    yield (
        "shots",
        pa.table(
            {
                "recording_id": [recording_id] * len(shots),
                "ordinal": pa.array([t.ordinal for t, _, _ in shots], pa.int32()),
                "rank": pa.array([rank for _, rank, _ in shots], pa.int32()),
                "seconds": [s.seconds for _, _, s in shots],
                "time": pa.array([s.time for _, _, s in shots], time),
                **{
                    name: [float(getattr(s.box, name)) for _, _, s in shots]
                    for name in ("x", "y", "width", "height")
                },
                "quality": [s.quality.overall for _, _, s in shots],
                **{
                    name: [float(getattr(s.quality, name)) for _, _, s in shots]
                    for name in QUALITY_PARTS
                },
                "jpeg": pa.array([s.jpeg for _, _, s in shots], pa.binary()),
                "template": vectors([s.template for _, _, s in shots]),
            }
        ),
    )
    yield (
        "problems",
        pa.table(
            {
                "recording_id": [recording_id] * len(indexed.problems),
                "what": [p.what for p in indexed.problems],
                "at_seconds": pa.array([p.at_seconds for p in indexed.problems], pa.float64()),
            }
        ),
    )

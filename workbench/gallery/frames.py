"""Rows of a gallery for people: its recordings, tracklets, footage and what went wrong, as frames.

DuckDB answers over the rows of the newest snapshot; where a part was dropped and deleted in
between, it is asked again. What the manifest knows is not read from parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import EPOCH
from workbench.gallery.correcting import first_seconds as seconds_of
from workbench.gallery.duck import TRACKLET_ID
from workbench.gallery.footage import Footage
from workbench.gallery.questions import PooledTemplates, ask, read_only
from workbench.gallery.resolving import Reader

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from workbench.domain import Camera
    from workbench.gallery.manifest import Manifest


def arrow(
    reader: Reader, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> pa.Table:
    """Run a query with its parameters; return an Arrow table, times in UTC.

    Tables: cameras, recordings, tracklets, shots, problems, stretches, unseen, legs, spans,
    different_people, clocks, runs, refusals; see schema.sql. A shot has the place of its picture,
    not the picture.
    """
    return reader.settled(lambda: ask(reader.database, reader.snapshot, sql, parameters))


def connection(reader: Reader) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB connection to the gallery as it is now, for statistics; close it after use.

    It has the tables of :func:`arrow` and the documented views of views.sql: sightings_view,
    cameras_view, recordings_view, coverage_view, templates_view. It cannot write to anything or
    reach any other file. Recordings that come later are in the next connection.
    """
    return reader.settled(lambda: read_only(reader.snapshot))


def recordings(reader: Reader) -> pd.DataFrame:
    """Recordings, one per row, by start: the columns of the table, with counts of tracklets."""
    found = reader.settled(lambda: reader.snapshot.manifest.recording_table())
    by = [(name, "ascending") for name in ("started_at", "camera_id", "recording_id")]
    frame: pd.DataFrame = found.sort_by(by).to_pandas()
    return frame


def tracklets(reader: Reader) -> pd.DataFrame:
    """Tracklets, one per row, by time, searchable or not."""
    found = arrow(
        reader,
        f"SELECT {TRACKLET_ID} AS tracklet_id, camera_id, recording_id AS recording, "  # noqa: S608
        "first_seen, last_seen, detections, searchable FROM tracklets "
        "ORDER BY first_seen, tracklet_id",
    )
    ids, files = reader.snapshot.manifest.files()
    place = found.column_names.index("recording")
    named = files.take(pc.index_in(found["recording"], ids))
    # One that was removed meanwhile has no file any more, and is not shown.
    frame: pd.DataFrame = (
        found.set_column(place, "recording", named).filter(pc.is_valid(named)).to_pandas()
    )
    return frame


def problems(reader: Reader) -> pd.DataFrame:
    """Problems inside recordings: file, camera_id, what, at_seconds."""
    frame: pd.DataFrame = arrow(
        reader,
        "SELECT file, camera_id, what, at_seconds FROM problems JOIN recordings "
        "USING (recording_id) ORDER BY started_at, file, at_seconds, camera_id, what",
    ).to_pandas()
    return frame


def footage(reader: Reader, cameras: Iterable[Camera] | None = None) -> pd.DataFrame:
    """Spans of footage: camera_id, camera, started_at, ended_at; by camera and start.

    What could not be seen is between them.
    """
    ids = None if cameras is None else sorted({camera.camera_id for camera in cameras})
    frame: pd.DataFrame = reader.settled(lambda: _spans(reader.snapshot.manifest, ids)).to_pandas()
    return frame


def _spans(manifest: Manifest, cameras: Sequence[str] | None) -> pa.Table:
    begin, end = manifest.time_span() or (EPOCH, EPOCH)
    # One of no length lies at its edge else.
    spans = manifest.spans_between(begin - timedelta(days=1), end + timedelta(days=1), cameras)
    names = {camera.camera_id: camera.name for camera in manifest.cameras()}
    rows = sorted((camera, start, end) for _, camera, start, end, seen in spans if seen)
    time = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "camera_id": pa.array([camera for camera, _, _ in rows], pa.string()),
            "camera": pa.array([names[camera] for camera, _, _ in rows], pa.string()),
            "started_at": pa.array([start for _, start, _ in rows], time),
            "ended_at": pa.array([end for _, _, end in rows], time),
        }
    )


def different_people(reader: Reader, scale: str) -> pd.DataFrame:
    """Scores of certainly different people on one scale, counted by recording, quality and step.

    Columns: recording_id, camera_id, seconds (of the recording that could be seen), quality,
    score (at which the step begins), width (of it), comparisons. A recording without such a pair
    has one row of none; one in which nobody looked for pairs has no row.
    """
    frame: pd.DataFrame = arrow(
        reader,
        "SELECT d.recording_id, r.camera_id, coalesce(s.seconds, 0) AS seconds, d.quality, "
        "d.score, d.width, d.comparisons FROM different_people d "
        "JOIN recordings r USING (recording_id) LEFT JOIN (SELECT recording_id, "
        "sum(epoch(ended_at - started_at)) AS seconds FROM spans GROUP BY ALL) s "
        "USING (recording_id) WHERE d.scale = ? ORDER BY recording_id, quality, score",
        [scale],
    ).to_pandas()
    return frame


def runs(reader: Reader) -> pd.DataFrame:
    """Runs of indexing, one per row, the latest first."""
    frame: pd.DataFrame = arrow(reader, "SELECT * FROM runs ORDER BY run_id DESC").to_pandas()
    return frame


def refusals(reader: Reader) -> pd.DataFrame:
    """Recordings that could not be read, with the reason; by camera and time.

    ``started_at`` is corrected as the clock of a recording that could be read would be, by
    ``offset_seconds``; ``stated_at`` is what the list, or the camera's clock, says.
    """
    import pandas as pd

    names = ["camera_id", "file", "started_at", "stated_at", "offset_seconds", "reason",
             "refused_at"]  # fmt: skip
    rows = [
        (one.entry.camera_id, one.entry.file, one.started_at, one.stated_at, one.offset_seconds,
         one.entry.reason, one.entry.refused_at)
        for one in reader.settled(
            lambda: [*Footage(reader.snapshot.manifest, str(reader.path)).refused()]
        )
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    for column in ("started_at", "stated_at", "refused_at"):
        frame[column] = frame[column].astype("datetime64[us, UTC]")
    return frame.sort_values(["camera_id", "started_at", "file"], ignore_index=True)


def templates(reader: Reader) -> pa.Table:
    """Pooled templates, one row per searchable tracklet, read in place without a copy.

    Columns: recording_id, ordinal, camera_id, first_seen, last_seen, quality, template
    (a list of as many float32 as the profile has; of unit length for the cosine metric). Rows are
    in the order of the parts: by day, and by place in it.
    """

    def found() -> pa.Table:
        pooled = PooledTemplates(reader.snapshot)
        return pa.Table.from_batches(pooled, pooled.schema)

    return reader.settled(found)


def first_seconds(reader: Reader, recording_ids: Iterable[str]) -> dict[str, list[float]]:
    """Seconds at which the tracklets of recordings begin."""
    ids = list(recording_ids)

    def found() -> dict[str, list[float]]:
        known = reader.snapshot.manifest.recordings(ids).values()
        return {name: [] for name in ids} | seconds_of(reader.snapshot, known)

    return reader.settled(found)


__all__ = [
    "arrow",
    "connection",
    "different_people",
    "first_seconds",
    "footage",
    "problems",
    "recordings",
    "refusals",
    "runs",
    "templates",
    "tracklets",
]

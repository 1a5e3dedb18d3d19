"""What data scientists ask in SQL: everything of one gallery, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.opening import folder_of

START = datetime(2026, 3, 29, tzinfo=UTC)


@pytest.fixture
def connection(gallery: Gallery) -> Iterator[duckdb.DuckDBPyConnection]:
    with gallery.connection() as made:
        yield made


def test_sightings_are_tracklets_with_place_time_and_best_shot(connection) -> None:
    rows = connection.sql("FROM sightings_view ORDER BY first_seen, recording, ordinal").df()
    assert len(rows) == 72
    assert rows["tracklet_id"].is_unique
    assert set(rows.loc[rows["searchable"], "best_quality"]) == {0.9}
    assert rows.loc[~rows["searchable"], "best_quality"].isna().all()
    first = rows.iloc[0]
    assert (first["camera"], first["latitude"], first["longitude"]) == ("Camera 0", 51.48, -0.01)
    assert first["first_seen"] == START
    assert first["recording"] == "0-0.mp4"


def test_times_are_fetched_as_times_with_an_offset(connection) -> None:
    rows = connection.sql("SELECT first_seen, last_seen FROM sightings_view").fetchall()
    assert all(time.utcoffset() == timedelta(0) for row in rows for time in row)
    assert min(first for first, _ in rows) == START


def test_cameras_recordings_and_coverage_add_up(connection) -> None:
    cameras = connection.sql("FROM cameras_view ORDER BY camera_id").df()
    assert cameras["recordings"].tolist() == [3, 3, 3, 3, 0, 0]
    assert cameras["seconds"].tolist() == [1800.0] * 4 + [0.0] * 2
    recordings = connection.sql("FROM recordings_view").df()
    assert set(recordings["tracklets"]) == {6}
    assert set(recordings["searchable"]) == {5}
    coverage = connection.sql("FROM coverage_view ORDER BY camera_id").df()
    assert coverage["seconds"].tolist() == [1800.0] * 4
    assert set(coverage["day"]) == {START}


def test_footage_over_midnight_counts_for_both_days(gallery: Gallery, indexed) -> None:
    gallery.add_recording(indexed(1, -4, (90,)))
    with gallery.connection() as connection:
        rows = connection.sql("FROM coverage_view WHERE camera_id = 'C1' ORDER BY day").df()
    assert rows["day"].tolist() == [START - timedelta(days=1), START]
    assert rows["seconds"].tolist() == [240.0, 1800.0 + 360.0]


def test_templates_are_those_of_the_scan_without_a_copy(gallery: Gallery, connection) -> None:
    table = gallery.templates()
    parts = [gallery.snapshot.part(entry) for entry in gallery.snapshot.parts()]
    for part, chunk in zip(parts, _chunks(table), strict=True):
        assert np.shares_memory(chunk, part.templates)
    found = connection.sql("SELECT template FROM templates_view").to_arrow_table()
    assert found.num_rows == table.num_rows == 60
    stored = np.stack(table["template"].to_numpy())
    # By distance, as anybody may ask: the nearest to each is itself.
    rows = connection.execute(
        "SELECT min(array_distance(template, ?::FLOAT[8])) FROM templates_view",
        [stored[7].tolist()],
    ).fetchone()
    assert rows == (0.0,)


def _chunks(table) -> Iterator[np.ndarray]:
    for chunk in table["template"].chunks:
        if len(chunk):
            yield chunk.flatten().to_numpy(zero_copy_only=True)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine AS FROM recordings",
        "DROP VIEW base.recordings",
        "DELETE FROM part_recordings",
        "DELETE FROM base.all_cameras",
        "INSERT INTO base.all_cameras VALUES ('a', 'b', 1, 1, now())",
        "FROM read_parquet('{rows}')",
        "ATTACH '{folder}/other.duckdb' AS other",
        "ATTACH '{named}' AS named",
        "ATTACH '{manifest}' AS manifest (TYPE sqlite)",
        "COPY (FROM recordings) TO '{folder}/out.csv'",
        "COPY (FROM recordings) TO '{rows}' (FORMAT csv)",
        "EXPORT DATABASE '{folder}/all'",
        "FROM read_text('/etc/hostname')",
        "FROM read_csv('{folder}/secret.csv')",
        "FROM '{folder}/secret.csv'",
        "FROM glob('{folder}/*')",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET allowed_paths = ['{folder}/secret.csv']; FROM '{folder}/secret.csv'",
        "SET temp_directory = '{folder}'",
        "INSTALL httpfs",
        "LOAD httpfs",
    ],
)
def test_nothing_is_written_and_no_other_file_is_read(
    gallery: Gallery, tmp_path: Path, sql: str
) -> None:
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    folder = folder_of(gallery.path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    sql = sql.format(
        rows=next(folder.rglob("tracklets.parquet")),
        folder=tmp_path,
        named=gallery.path,
        manifest=folder / "manifest.sqlite",
    )
    with gallery.connection() as connection, pytest.raises(duckdb.Error):
        connection.execute(sql).fetchall()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert not list(check(gallery))


def test_an_empty_gallery_has_empty_views(path: Path, profile) -> None:
    with Gallery.create(path, profile) as gallery, gallery.connection() as connection:
        for view in ("sightings", "cameras", "recordings", "coverage", "templates"):
            assert connection.execute(f"SELECT count(*) FROM {view}_view").fetchone() == (0,)

"""Galleries of earlier schemas are read as the versions that made them read and upgraded them."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from former import unpacked

from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery import earlier
from workbench.gallery.earlier import COUNTED, JUMPED, NOTE, ORDERED, segments_folder
from workbench.gallery.exchange import columns, folders_of, read_batches
from workbench.gallery.importing import exported_profile


@pytest.fixture(scope="module", params=[3, 4])
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of each schema, not to be written to."""
    return unpacked(request.param, tmp_path_factory.mktemp(f"schema-{request.param}"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return unpacked(3, tmp_path)


def rows(table: pa.Table) -> Counter[str]:
    """Rows of a table, in any order."""
    return Counter(map(repr, table.to_pylist()))


@pytest.mark.parametrize("at_a_time", [1, 12, 10_000])
def test_all_tables_are_as_their_own_version_exports_them(stored: Path, at_a_time: int) -> None:
    gallery, export = earlier.read(stored), stored.with_name("export")
    assert exported_profile(export) == gallery.profile
    wanted = {name: Counter[str]() for name in columns(gallery.profile)}
    for folder in folders_of(export):
        for batch in read_batches(folder, gallery.profile):
            for name, table in batch.tables.items():
                wanted[name] += rows(table)
    found = {name: Counter[str]() for name in wanted}
    batches = 0
    for segment, several in itertools.groupby(
        gallery.tables(at_a_time=at_a_time), key=lambda one: one[0]
    ):
        tracklets = recordings = templates = 0
        cameras = []
        for _, tables in several:
            assert {n: t.schema for n, t in tables.items()} == columns(gallery.profile)
            held = tables["tracklets"].num_rows
            assert held <= at_a_time or tables["recordings"].num_rows == 1
            tracklets, recordings = tracklets + held, recordings + tables["recordings"].num_rows
            templates += tables["templates"].num_rows
            cameras.append(rows(tables["cameras"]))
            for name in tables:
                found[name] += rows(tables[name]) if name != "cameras" else Counter()
            batches += 1
        assert (recordings, tracklets, templates) == (
            segment.recordings, segment.tracklets, segment.templates,
        )  # fmt: skip
        assert all(one == cameras[0] for one in cameras)
        found["cameras"] += cameras[0]
    assert found == wanted
    assert all(found[name] for name in ("recordings", "tracklets", "shots", "refusals", "runs"))
    assert batches == len(gallery.segments) or at_a_time < 10_000


def test_times_of_schema_3_are_what_its_rules_made_them(path: Path) -> None:
    stretches: dict[str, list[tuple[float, str, str]]] = {}
    for _, tables in earlier.read(path).tables(at_a_time=100):
        recordings = tables["recordings"]
        files = {row["recording_id"]: row["file"] for row in recordings.to_pylist()}
        for row in tables["stretches"].to_pylist():
            told = (row["from_seconds"], row["doubt"], row["note"])
            stretches.setdefault(files[row["recording_id"]], []).append(told)
    assert stretches["0-0.mp4"] == [(0.0, "", NOTE)]
    assert stretches["4-300.mp4"] == [(0.0, "", NOTE), (61.0, JUMPED, "")]
    assert stretches["a/*.jpg"] == [(0.0, ORDERED, "")]
    assert stretches["b/RAW.H264"] == [(0.0, COUNTED, "")]


def test_whose_it_is_and_what_was_brought_along_is_read(tmp_path: Path) -> None:
    gallery = earlier.read(unpacked(4, tmp_path))
    assert gallery.owner == "ab" * 16
    assert {segment.indexed for segment in gallery.segments} == {True, False}


def test_what_is_none_that_can_be_upgraded_is_told_apart(path: Path) -> None:
    with pytest.raises(GalleryError, match="there is no gallery here"):
        earlier.read(path.with_name("other.duckdb"))
    for version, words in ((2, "An early Sightline made it"), (5, "A newer Sightline made it")):
        with duckdb.connect(str(path)) as connection:
            connection.execute("UPDATE gallery SET schema_version = ?", [version])
        assert earlier.schema_of(path) == version
        with pytest.raises(GalleryError, match=f"has schema version {version}") as refused:
            earlier.read(path)
        assert words in refused.value.fix
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE gallery SET schema_version = 3")
        with pytest.raises(GalleryBusy):
            earlier.schema_of(path)
        connection.execute("UPDATE segments SET name = '../../x' WHERE name LIKE '%2-%'")
    with pytest.raises(GalleryError, match="contradicts itself about its segments"):
        earlier.read(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE segments")
    with pytest.raises(GalleryError, match="is a DuckDB file, but not a Sightline gallery"):
        earlier.read(path)
    path.write_bytes(b"no database")
    with pytest.raises(GalleryError, match="is not a gallery that can be read"):
        earlier.read(path)


def test_segments_that_are_missing_or_altered_are_named(path: Path) -> None:
    gallery = earlier.read(path)
    segment = max(gallery.segments, key=lambda one: one.templates)
    segment.check()
    templates = segment.folder / "templates.npy"
    whole = templates.read_bytes()
    templates.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(GalleryError, match="a file was altered or is missing"):
        segment.check()
    templates.write_bytes(whole[:-40])
    with pytest.raises(GalleryError, match="is not a gallery that can be read"):
        list(gallery.tables(at_a_time=100))
    shutil.rmtree(segment.folder)
    with pytest.raises(GalleryError, match="a file was altered or is missing"):
        segment.check()
    segments_folder(path).rename(path.with_name("elsewhere"))
    with pytest.raises(GalleryError, match="its segments are missing"):
        earlier.read(path)

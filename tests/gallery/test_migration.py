"""Galleries of an earlier schema come over whole; newer ones are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from workbench.cli.main import main
from workbench.domain import Profile
from workbench.errors import GalleryError
from workbench.gallery import Gallery, migration
from workbench.gallery.lifecycle import check
from workbench.gallery.register import segments_folder

START = datetime(2026, 3, 29, tzinfo=UTC)
SCHEMA = Path(__file__).with_name("schema_1.sql").read_text("utf-8")
RECORDINGS, TRACKLETS = 7, 4


def make_first(path: Path, profile: Profile, *, early: bool = False) -> np.ndarray:
    """A gallery of version 1 as it was written; *early* as its first days knew it."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(0, 0.3, (RECORDINGS, TRACKLETS, profile.dimension)).astype(np.float32)
    connection = duckdb.connect(str(path))
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(SCHEMA.format(dimension=profile.dimension))
    about = (
        profile.name, profile.detector, profile.recogniser, profile.alignment, profile.metric,
        profile.dimension, profile.version, profile.fingerprint,
    )  # fmt: skip
    connection.execute("INSERT INTO gallery VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [START, *about])
    connection.executemany("INSERT INTO weights VALUES (?, ?)", profile.weights)
    connection.execute(
        "INSERT INTO cameras VALUES ('C0', 'Gate', 51.5, -0.1), ('C1', 'Yard', 51.6, 0)"
    )
    for number in range(RECORDINGS):
        name, began = f"{number:016x}", START + timedelta(hours=number)
        connection.execute(
            "INSERT INTO recordings "
            "VALUES (?, ?, ?, ?, ?, '00', 1, 2, 640, 360, 9, 8, 7, 'damage', 3.5, ?)",
            [name, f"C{number % 2}", f"{number}.mp4", began, began + timedelta(minutes=9), began],
        )
        for ordinal in range(TRACKLETS + 1):
            seen = began + timedelta(seconds=ordinal)
            connection.execute(
                "INSERT INTO tracklets VALUES (?, ?, ?, ?, ?, 5, ?)",
                [name, ordinal, f"C{number % 2}", seen, seen, ordinal < TRACKLETS],
            )
            if ordinal == TRACKLETS:
                continue  # seen, not searchable
            vector = vectors[number, ordinal].tolist()
            connection.execute(
                "INSERT INTO templates VALUES (?, ?, ?, ?, ?, ?)",
                [f"C{number % 2}", seen, seen, name, ordinal, vector],
            )
            connection.execute(
                "INSERT INTO shots "
                "VALUES (?, ?, 0, 1.5, ?, 1, 2, 3, 4, .9, .8, .7, .6, .5, .4, .3, ?, ?)",
                [name, ordinal, seen, b"jpeg %d" % ordinal, vector],
            )
    connection.execute("INSERT INTO problems VALUES ('0000000000000001', 'a gap', 3)")
    if early:
        connection.execute("DROP TABLE runs; DROP TABLE refusals; DROP SEQUENCE run_ids")
        connection.execute("ALTER TABLE shots DROP occlusion; ALTER TABLE shots DROP landmarks")
    else:
        connection.execute("INSERT INTO runs VALUES (1, 'footage', ?, ?, 7, 1, 0)", [START, START])
        connection.execute(
            "INSERT INTO refusals VALUES ('C1', 'bad.mp4', ?, 'empty', ?)", [START, START]
        )
    connection.close()
    return vectors


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("at_a_time", [10, 1_000])
def test_all_of_an_old_gallery_comes_over(
    path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch, early: bool, at_a_time: int
) -> None:
    vectors = make_first(path, profile, early=early)
    monkeypatch.setattr(migration, "TRACKLETS_AT_A_TIME", at_a_time)
    assert migration.migrate(path) == RECORDINGS
    with Gallery.open(path, profile=profile) as gallery:
        assert not list(check(gallery))
        recordings = gallery.recordings()
        assert recordings["file"].tolist() == [f"{n}.mp4" for n in range(RECORDINGS)]
        assert set(recordings["tracklets"]) == {TRACKLETS + 1}
        assert set(recordings["unsearchable"]) == {1}
        assert set(recordings["stopped"]) == {"damage"}
        assert [c.name for c in gallery.cameras()] == ["Gate", "Yard"]
        assert gallery.problems()["what"].tolist() == ["a gap"]
        for row in gallery.templates().to_pylist():
            number = int(row["recording_id"], 16)
            np.testing.assert_array_equal(row["template"], vectors[number, row["ordinal"]])
        (shot,) = gallery.shots(f"{3:016x}-2")
        assert shot.jpeg == b"jpeg 2"
        assert shot.quality.occlusion == (1.0 if early else 0.4)
        assert len(gallery.runs()) == (0 if early else 1)
        assert gallery.refusals()["reason"].tolist() == ([] if early else ["empty"])
    assert {p.name for p in path.parent.iterdir()} == {path.name, segments_folder(path).name}


def test_an_old_gallery_says_how_to_bring_it_up_and_the_command_does(
    path: Path, profile: Profile, capsys: pytest.CaptureFixture[str]
) -> None:
    make_first(path, profile)
    with pytest.raises(GalleryError, match="sightline gallery migrate"):
        Gallery.open(path)
    keep = path.with_name("old.duckdb")
    assert main(["gallery", "migrate", str(path), "--keep", str(keep)]) == 0
    assert "recordings: 7" in capsys.readouterr().err
    with Gallery.open(path) as gallery:
        assert len(gallery.recordings()) == RECORDINGS
    with duckdb.connect(str(keep), read_only=True) as old:
        assert old.execute("SELECT schema_version FROM gallery").fetchone() == (1,)


def test_a_stopped_migration_leaves_the_old_gallery_and_is_begun_again(
    path: Path, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first(path, profile)
    monkeypatch.setattr(migration, "TRACKLETS_AT_A_TIME", 5)
    add, calls = Gallery.add_tables, []

    def stop(self, tables):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return add(self, tables)

    monkeypatch.setattr(Gallery, "add_tables", stop)
    with pytest.raises(KeyboardInterrupt):
        migration.migrate(path)
    with duckdb.connect(str(path), read_only=True) as old:
        assert old.execute("SELECT count(*) FROM recordings").fetchone() == (RECORDINGS,)
    assert migration.migrate(path) == RECORDINGS


def test_a_gallery_of_this_schema_needs_no_migration(gallery: Gallery, path: Path) -> None:
    gallery.close()
    with pytest.raises(GalleryError, match="needs no migration"):
        migration.migrate(path)
    with Gallery.open(path) as again:
        assert len(again.recordings()) == 12


def test_a_newer_gallery_is_refused_and_left_alone(gallery: Gallery, path: Path) -> None:
    gallery.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE gallery SET schema_version = 4; DROP TABLE segments")
    before = path.read_bytes()
    with pytest.raises(GalleryError, match=r"schema version 4.*newer Sightline"):
        Gallery.open(path)
    with pytest.raises(GalleryError, match=r"schema version 4"):
        migration.migrate(path)
    assert path.read_bytes() == before


def test_foreign_files_are_not_migrated(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE gallery AS SELECT 1 AS schema_version")
    with pytest.raises(GalleryError, match="not a Sightline gallery"):
        migration.migrate(path)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(GalleryError):
        migration.migrate(path)

"""A gallery tells what was given to it, and its writer looks after it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from oracle import Town, check_tables
from parted import CAMERAS, DIMENSION, SOME, START, answers, random_recording

from workbench.calibration import Normaliser
from workbench.district import from_geojson
from workbench.domain import (
    Camera,
    ClockCorrection,
    ClockSetting,
    Filter,
    IndexedRecording,
    Profile,
    Recording,
    Scope,
)
from workbench.errors import GalleryBusy, GalleryError, ProfileMismatch
from workbench.gallery import background, upkeep
from workbench.gallery.entries import RefusalEntry, RunEntry
from workbench.gallery.opening import folder_of, read_location, write_location
from workbench.gallery.questions import MADE
from workbench.gallery.store import Gallery

RING = [[-1, 51], [1, 51], [1, 51.4845], [-1, 51.4845], [-1, 51]]
AREA = from_geojson({"type": "Polygon", "coordinates": [RING]}, name="test")
SCOPE = Scope(AREA, START + timedelta(hours=3), START + timedelta(hours=20), frozenset({"B"}))
Make = Callable[..., IndexedRecording]


@pytest.fixture(scope="module", autouse=True)
def merged() -> Iterator[list[Path]]:
    """Galleries that were to be merged, instead of processes that outlive the tests."""
    started: list[Path] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(background, "start_unattended", started.append)
        yield started


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "town.duckdb"


@pytest.fixture
def gallery(path: Path, profile: Profile, indexed: Make) -> Iterator[Gallery]:
    with Gallery.create(path, profile) as made:
        made.add_cameras(CAMERAS.values())
        made.add_recordings([indexed(0, 0, (1, 2)), indexed(1, 0, (3,))])
        yield made


def correction(seconds: float = 90.0) -> ClockCorrection:
    return ClockCorrection(seconds, "Anna", "speaking clock", datetime(2026, 4, 1, tzinfo=UTC))


def test_a_gallery_tells_what_was_given(path: Path, profile: Profile) -> None:
    random = np.random.default_rng(4)
    given = [random_recording(number, random) for number in range(12)]
    town = Town(profile, {one.camera_id: one for one in SOME})
    town.recordings = {one.recording_id: one for one in given}
    at = START + timedelta(hours=3)
    bad = Recording("bad.mp4", Path("x"), "C3", at)
    with Gallery.create(path, profile) as made:
        made.add_cameras(SOME)
        made.add_recordings(given[:5])
        made.add_recordings(given[5:])
        made.add_run("footage", at, at, indexed=12, refused=[(bad, "is empty")], left=0)
        concerned = [one.recording_id for one in given if one.recording.camera_id == "C2"]
        plan = made.correct_clock(correction(), camera_id="C2", dry_run=True)
        assert {change.recording_id for change in plan} == {*concerned}
        assert made.correct_clock(correction(), camera_id="C2") == plan
        town.correct(concerned, correction(), "camera")
        town.clocks.append(ClockSetting(correction(), camera_id="C2"))
        town.runs.append(RunEntry("footage", at, at, 12, 1, 0))
        town.refusals.append(RefusalEntry("C3", "bad.mp4", at, "is empty", at, 0.0, ""))
    with Gallery.open(path) as again:
        with again.connection() as connection:
            check_tables(answers(connection), town.tables())
        found, wanted = again.coverage(SCOPE), town.coverage(SCOPE)
        seconds = {"footage_seconds": 0.0, "unseen_seconds": 0.0}
        for name in seconds:  # sums are rounded
            assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-5)
        assert replace(found, **seconds) == replace(wanted, **seconds)
        counts, tracklets = again.counts(), [t for one in given for t in one.tracklets]
        assert counts["recordings"] == len(town.recordings)
        assert counts["tracklets"] == len(tracklets)
        assert counts["templates"] == sum(t.searchable for t in tracklets)
        there = [*town.recordings.values()]
        first, last = min(one.started_at for one in there), max(one.ended_at for one in there)
        assert again.time_span() == (first, last)
        ordered = sorted(SOME, key=lambda camera: camera.camera_id)
        assert list(again.cameras()) == ordered
        inside = town.chosen(replace(SCOPE, unplaced=frozenset({"B2"})))
        mask = again.inside(AREA, unplaced={"B2"}).tolist()
        assert mask == [camera.camera_id in inside for camera in ordered]
        assert again.cameras_inside(AREA, only=Filter(frozenset({"C3"}))) == (SOME[5],)
        assert again.clocks() == tuple(town.clocks)
        rows = again.arrow("SELECT recording_id, sha256, camera_id, stream FROM recordings")
        assert again.already_here(rows) == {*town.recordings}
        assert again.profile == profile
        assert again.owner == ""


def test_a_reader_sees_what_is_stored_while_it_is_open(
    path: Path, gallery: Gallery, indexed: Make
) -> None:
    with Gallery.open(path) as reader:
        assert not reader.refresh()
        gallery.add_cameras([Camera("C9", "Gate", 51.48, -0.01)])
        gallery.add_recording(indexed(2, 0, (5,)))
        assert reader.refresh()
        assert not reader.refresh()
        assert "C9" in reader.places.ids
        assert len(reader.recordings()) == reader.counts()["recordings"] == 3
        for minute in range(10, 18):
            gallery.add_recording(indexed(2, minute, (5,)))
            assert len(reader.recordings()) == minute - 6
        gallery.compact()  # under the reader
        assert len(reader.tracklets()) == 23
        assert reader.counts()["picture_bytes"] > 0


def test_who_reads_cannot_write(path: Path, gallery: Gallery, indexed: Make) -> None:
    with Gallery.open(path) as reader:
        for write in (
            lambda: reader.add_recording(indexed(5, 0, ())),
            lambda: reader.add_cameras(SOME),
            lambda: reader.purge(["0123456789abcdef"]),
            lambda: reader.give_to("ab"),
            lambda: reader.correct_clock(correction(), camera_id="C1"),
            reader.compact,
        ):
            with pytest.raises(GalleryError, match="open for reading only"):
                write()
        (change,) = reader.correct_clock(correction(), camera_id="C1", dry_run=True)
        assert change.new_start == change.old_start - timedelta(seconds=90)
        with pytest.raises(GalleryBusy, match="writes it"):
            Gallery.open(path, write=True)


def test_a_gallery_that_moved_is_followed_and_one_in_its_place_is_told(
    path: Path, gallery: Gallery, profile: Profile
) -> None:
    gallery.close()
    folder = folder_of(path)
    reader = Gallery.open(path)
    shutil.copy(folder / "manifest.sqlite", folder / "other.sqlite")
    write_location(path, read_location(path)._replace(manifest="other.sqlite"))
    (folder / "manifest.sqlite").unlink()
    assert len(reader.recordings()) == 2
    assert reader.opened.location.manifest == "other.sqlite"
    aside = folder.rename(folder.with_name("aside"))
    for ask in (reader.recordings, reader.refresh, reader.cameras, reader.counts):
        with pytest.raises(GalleryError, match="was moved or deleted"):
            ask()
    path.unlink()
    Gallery.create(path, replace(profile, name="another", weights=())).close()
    with pytest.raises(ProfileMismatch, match="was replaced by a gallery of another profile"):
        reader.refresh()
    shutil.rmtree(folder)
    aside.rename(folder)
    assert len(reader.recordings()) == 2
    reader.close()


def named(path: Path) -> dict[str, Any]:
    with duckdb.connect(str(path), read_only=True) as shell:
        count = shell.execute("SELECT count(*) FROM recordings").fetchone()
        commit = shell.execute('SELECT "commit" FROM as_of').fetchone()
        assert shell.execute(f"SELECT count(*) FROM {MADE}").fetchone() != (0,)
    assert count is not None
    assert commit is not None
    return {"recordings": count[0], "commit": commit[0]}


def test_the_named_file_shows_the_gallery_when_its_writer_has_closed_it(
    path: Path, gallery: Gallery, indexed: Make
) -> None:
    assert named(path) == {"recordings": 0, "commit": 0}  # as it was made
    gallery.refresh()
    gallery.close()
    assert named(path) == {"recordings": 2, "commit": gallery.snapshot.commit}
    moved = path.with_name("moved")
    moved.mkdir()
    for one in (path, folder_of(path)):
        one.rename(moved / one.name)
    with Gallery.open(moved / path.name, write=True) as again:
        assert named(moved / path.name)["recordings"] == 2  # in files where they are now
        name = again.recordings()["recording_id"][0]
        assert again.purge([name])["recordings"] == 1
        assert named(moved / path.name)["recordings"] == 1  # at once: it named what is gone
        again.correct_clock(correction(), camera_id="C1")
        again.correct_clock(correction(), camera_id="C0")
        assert named(moved / path.name)["recordings"] == 1


def test_a_table_in_the_named_file_stays_and_what_was_stored_does_too(
    path: Path, gallery: Gallery, profile: Profile
) -> None:
    with duckdb.connect(str(path)) as shell:
        shell.execute("CREATE TABLE mine AS SELECT 1 AS a")
    with pytest.raises(GalleryError, match="holds mine, which would be lost"):
        gallery.close()
    with Gallery.open(path, profile=profile) as reader:
        assert len(reader.recordings()) == 2
    with pytest.raises(GalleryError, match="holds mine"):
        Gallery.open(path, write=True)
    with duckdb.connect(str(path)) as shell:
        shell.execute("DROP TABLE mine")
    with Gallery.open(path, write=True), Gallery.open(path):  # the lock was let go of
        pass
    assert named(path)["recordings"] == 2


def test_what_went_wrong_in_the_block_is_told_and_not_what_closing_found(
    path: Path, gallery: Gallery
) -> None:
    gallery.close()

    def fail() -> None:
        with Gallery.open(path, write=True), duckdb.connect(str(path)) as shell:
            shell.execute("CREATE TABLE mine AS SELECT 1 AS a")
            shell.close()
            raise ValueError("of the block")

    with pytest.raises(ValueError, match="of the block"):
        fail()


def test_what_a_killed_writer_left_is_swept_when_the_gallery_is_opened_for_writing(
    path: Path, gallery: Gallery, indexed: Make
) -> None:
    gallery.close()
    opened = Gallery.open(path, write=True)
    with contextlib.suppress(KeyError), opened.upkeep.committer.attempt() as attempt:
        attempt.write_packs([indexed(4, 0, (1,))])
        attempt.discard = lambda: None  # type: ignore[method-assign]  # as when it is killed
        raise KeyError
    opened.leave()
    folder = folder_of(path)
    (folder / "derived" / "0123456789abcdef.x.npy").write_bytes(b"of a part that is gone")
    packs = {*folder.glob("packs/*/*.pack")}
    with Gallery.open(path, write=True) as again:
        assert len({*folder.glob("packs/*/*.pack")}) == len(packs) - 1
        assert not [*folder.glob("derived/*.npy")]
        assert len(again.recordings()) == 2


def test_parts_are_merged_by_a_process_of_its_own_now_and_then(
    path: Path, gallery: Gallery, indexed: Make, merged: list[Path], monkeypatch: Any
) -> None:
    merged.clear()
    monkeypatch.setattr(upkeep, "COMMITS", 9)
    for minute in range(20, 26):
        gallery.add_recording(indexed(0, minute, (minute,)))
    assert merged == []
    for minute in range(26, 29):
        gallery.add_recording(indexed(0, minute, (minute,)))
    assert merged == [path]
    gallery.close()
    assert merged == [path, path]  # it goes on where the last one ended
    with Gallery.open(path, write=True) as again:
        assert again.counts()["parts"] == 10
        again.compact()
        assert again.counts()["parts"] < 4
        assert len(again.recordings()) == 11
    assert merged == [path, path]  # nothing was stored, and there is nothing to do
    assert named(path)["recordings"] == 11


def test_the_owner_is_asked_for_before_anything_is_added(gallery: Gallery, indexed: Make) -> None:
    asked: list[tuple[int, bool]] = []

    @contextlib.contextmanager
    def claim(contents: Any, was_indexed: bool) -> Iterator[str]:
        asked.append((len(contents), was_indexed))
        yield "ab"

    gallery.claim = claim
    assert gallery.owner == ""
    gallery.add_run("footage", START, START, indexed=0, refused=[], left=0)
    assert asked == []
    gallery.add_recording(indexed(3, 0, (9,)))
    assert (asked, gallery.owner) == ([(1, True)], "ab")
    gallery.add_recording(indexed(3, 60, (10,)))
    assert len(asked) == 1
    gallery.give_to("")
    assert gallery.owner == ""


def test_offsets_are_made_and_stored_with_what_comes_later(
    path: Path, gallery: Gallery, indexed: Make
) -> None:
    centroids = np.random.default_rng(11).normal(0, 0.2, (9, DIMENSION)).astype(np.float32)
    normaliser = Normaliser("euclidean", centroids, -0.3, 0.25, 5, 45, "numbers", "none")
    gallery.make_offsets(normaliser)
    derived = folder_of(path) / "derived"
    assert len([*derived.glob("*.npy")]) == 1
    gallery.add_recording(indexed(3, 0, (9,)))
    gallery.make_offsets(normaliser)
    assert len([*derived.glob("*.npy")]) == 1  # the new part has its own
    gallery.purge(gallery.recordings()["recording_id"])
    assert not [*derived.glob("*.npy")]


def test_a_summary_counts_and_shows_nobody(gallery: Gallery) -> None:
    properties = dict(gallery.summary().properties)
    assert (properties["recordings"], properties["searchable"]) == ("2", "3")
    assert properties["open for"] == "writing"
    assert "img" not in gallery._repr_html_()
    gallery.close()
    gallery.close()
    assert gallery.summary().properties[-1] == ("state", "closed")
    assert repr(gallery).endswith("profile test, closed>")


def test_nobody_else_writes_or_merges_what_is_held(path: Path, gallery: Gallery) -> None:
    with gallery.holding(), pytest.raises(GalleryBusy, match="merges it"):
        background.merge(path)


def test_a_connection_shows_one_moment_while_parts_are_merged(
    gallery: Gallery, indexed: Make
) -> None:
    with gallery.connection() as connection:
        for minute in range(20, 28):
            gallery.add_recording(indexed(0, minute, (minute,)))
        parts = gallery.counts()["parts"]
        gallery.compact()
        assert gallery.counts()["parts"] < parts
        for view, count in (("recordings", 2), ("shots", 6), ("templates_view", 3)):
            (found,) = connection.execute(f"SELECT count(*) FROM {view}").fetchall()
            assert found == (count,)
    with gallery.connection() as later:
        assert later.execute("SELECT count(*) FROM recordings").fetchone() == (10,)

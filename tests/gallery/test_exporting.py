"""Exports hold all of a gallery or a scope, and come in whole and once; galleries are joined."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from killed import killed_at
from oracle import check_tables
from parted import START, Filled, add_cameras, answers_of, correct, filled, opened, pictures

from workbench.district import from_geojson
from workbench.domain import Camera, ClockChange, Scope, stretch_at, with_corrections_of
from workbench.errors import GalleryError, ProfileMismatch
from workbench.gallery import exchange, exporting
from workbench.gallery.adopting import settle
from workbench.gallery.arriving import arrive
from workbench.gallery.checking import check
from workbench.gallery.committing import Committer
from workbench.gallery.exporting import Altered, batches, export
from workbench.gallery.importing import exported_profile, import_into
from workbench.gallery.joining import merge
from workbench.gallery.merging import Merger
from workbench.gallery.opening import create, open_gallery
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few tracklets at a time, so that a part takes several batches."""
    monkeypatch.setattr(exchange, "BATCH", 20)
    monkeypatch.setattr(exporting, "BATCH", 20)


def with_clocks_set(folder: Path, count: int) -> Filled:
    """A gallery in which what is set for a camera holds for what is there too.

    It does so for all that comes from elsewhere.
    """
    made = filled(folder, "cosine", 5, count=count)
    (setting,) = made.town.clocks
    open_ones = [
        one
        for one in made.recordings
        if one.recording.camera_id == setting.camera_id
        and any(not stretch.given_for for stretch in one.stretches)
    ]
    assert settle(Writer(made.committer, "town"), 0, []).corrected == len(open_ones) > 0
    names = [one.recording_id for one in open_ones]
    made.town.correct(names, setting.correction, setting.given_for)
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Not to be written to."""
    found = with_clocks_set(tmp_path_factory.mktemp("made"), 8)
    yield found
    found.close()


@pytest.fixture
def copy(made: Filled, tmp_path: Path) -> Iterator[Filled]:
    """The same, of the test alone."""
    shutil.copytree(made.reader.path.parent, tmp_path / "copy")
    found = opened(tmp_path / "copy", made.town)
    yield found
    found.close()


@contextlib.contextmanager
def empty(path: Path, made: Filled) -> Iterator[tuple[Reader, Writer]]:
    """A new gallery."""
    with create(path, made.reader.profile) as gallery:
        snapshot = Snapshot.latest(gallery.manifest, gallery.storage, memory_bytes=2**20)
        committer = Committer(gallery.manifest, gallery.storage)
        yield Reader(path, snapshot), Writer(committer, str(path))


def told(reader: Reader) -> tuple[dict[str, Any], object]:
    snapshot = reader.snapshot.refreshed()
    return answers_of(snapshot), pictures(snapshot)


def test_an_export_comes_back_the_same(made: Filled, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert export(made.reader, folder) == len(made.recordings)
    assert len([*folder.iterdir()]) > 2
    assert {one.stat().st_mode & 0o077 for one in (folder, *folder.rglob("*"))} == {0}
    assert exported_profile(folder) == made.reader.profile
    with empty(tmp_path / "in.duckdb", made) as (reader, writer):
        assert import_into(writer, folder).recordings == len(made.recordings)
        tables, shown = told(reader)
        assert not reader.snapshot.manifest.recordings([made.recordings[0].recording_id])[
            made.recordings[0].recording_id
        ].indexed
        assert [*check(reader)] == []
    check_tables(tables, made.town.tables())
    assert shown == pictures(made.reader.snapshot.refreshed())
    assert shown == {
        (name, tracklet.ordinal, rank): (shot.jpeg, shot.template.tobytes())
        for name, one in made.town.recordings.items()
        for tracklet in one.tracklets
        for rank, shot in enumerate(tracklet.shots)
    }


def test_a_scope_is_exported_alone(made: Filled, tmp_path: Path) -> None:
    ring = [[-0.02, 51.4795], [0.1, 51.4795], [0.1, 51.4825], [-0.02, 51.4825], [-0.02, 51.4795]]
    district = from_geojson({"type": "Polygon", "coordinates": [ring]}, name="some cameras")
    scope = Scope(district, START, START + timedelta(days=1))
    cameras = made.town.chosen(scope)
    inside = {
        one.recording_id
        for one in made.recordings
        if one.recording.camera_id in cameras
        and one.started_at < scope.end
        and one.ended_at > scope.start
    }
    assert 0 < len(inside) < len(made.recordings)
    assert export(made.reader, tmp_path / "some", scope=scope) == len(inside)
    with empty(tmp_path / "some.duckdb", made) as (reader, writer):
        import_into(writer, tmp_path / "some")
        state = reader.snapshot.refreshed().state
        assert import_into(writer, tmp_path / "some").recordings == 0  # what is there stays
        assert reader.snapshot.refreshed().state == state
        assert reader.snapshot.manifest.held(one.recording_id for one in made.recordings) == inside
    nowhere = Scope(district, START - timedelta(days=9), START - timedelta(days=8))
    assert export(made.reader, tmp_path / "none", scope=nowhere) == 0
    with pytest.raises(GalleryError, match="is not empty"):
        export(made.reader, tmp_path / "some")


def ids(tables: Sequence[Any]) -> list[str]:
    return [name for one in tables for name in one["recordings"]["recording_id"].to_pylist()]


def test_what_is_merged_meanwhile_is_read_once(copy: Filled) -> None:
    merger, found = Merger(copy.committer, lambda _: True, 60), []
    for tables in batches(copy.reader):
        found.append(tables)
        merger.run()
    assert sorted(ids(found)) == sorted(one.recording_id for one in copy.recordings)
    assert len(found) > 3


def test_what_is_removed_meanwhile_is_not_in_an_export(
    copy: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: list[str] = []
    write = exporting.write_tables

    def and_purge(folder: Path, tables: exchange.Tables) -> None:
        write(folder, tables)
        if not gone:
            gone.append(tables["recordings"]["recording_id"][0].as_py())
            purge(copy.committer, gone)

    monkeypatch.setattr(exporting, "write_tables", and_purge)
    assert export(copy.reader, tmp_path / "out") == len(copy.recordings) - 1
    reading = batches(copy.reader)
    purge(copy.committer, [next(reading)["recordings"]["recording_id"][0].as_py()])
    with pytest.raises(Altered):
        list(reading)


def test_an_object_that_is_lost_leaves_no_export(copy: Filled, tmp_path: Path) -> None:
    entry = copy.reader.snapshot.refreshed().parts()[-1]
    copy.committer.storage.delete([entry.object("exact.arrow")])
    with pytest.raises(GalleryError, match="is not there"):
        export(copy.reader, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _killed_at(step: int, path: Path, folder: Path) -> None:
    once = killed_at(step)
    with open_gallery(path, write=True) as gallery:
        committer = Committer(gallery.manifest, gallery.storage)
        for name in ("reserve", "commit"):
            setattr(gallery.manifest, name, once(getattr(gallery.manifest, name)))
        import_into(Writer(committer, str(path)), folder)
    os._exit(0)


def test_an_import_that_is_killed_goes_on(made: Filled, tmp_path: Path) -> None:
    path, folder, fork = (
        tmp_path / "k.duckdb",
        tmp_path / "out",
        multiprocessing.get_context("fork"),
    )
    export(made.reader, folder)
    with empty(path, made):
        pass
    held = []
    for step in (0, 3, 30):  # each goes on where the one before was killed
        process = fork.Process(target=_killed_at, args=(step, path, folder))
        process.start()
        process.join()
        with open_gallery(path, write=True) as gallery:
            Committer(gallery.manifest, gallery.storage).sweep()
            held.append(gallery.manifest.counts(gallery.manifest.state().commit)["recordings"])
    assert process.exitcode == 0
    assert held[0] == 0 < held[1] < held[2] == len(made.recordings)
    with open_gallery(path) as gallery:
        snapshot = Snapshot.latest(gallery.manifest, gallery.storage, memory_bytes=2**20)
        assert (answers_of(snapshot), pictures(snapshot)) == told(made.reader)


def test_an_owner_is_asked_for_once(made: Filled, tmp_path: Path) -> None:
    export(made.reader, tmp_path / "out")
    asked: list[bool] = []

    @contextlib.contextmanager
    def claim(contents: Collection[str], indexed: bool) -> Iterator[str]:
        asked.append(indexed)
        assert contents <= {one.sha256 for one in made.recordings}
        yield "ab"

    with empty(tmp_path / "owned.duckdb", made) as (reader, writer):
        writer.claim = claim
        import_into(writer, tmp_path / "out")
        assert reader.snapshot.refreshed().state.owner == "ab"
        assert asked == [False]


def test_galleries_are_joined_with_what_both_know_of_clocks(tmp_path: Path) -> None:
    """What is in both stays, clocks are corrected, and the changes are told before."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (with_clocks_set(tmp_path / name, n) for name, n in (("a", 6), ("b", 8)))
    correct(other, other.recordings[::3], 42.0)
    add_cameras(other, [Camera("C9", "New", 51.5, 0.0)], START + timedelta(days=2))
    wanted, theirs = one.town.copy(), other.town.recordings
    both = wanted.recordings.keys() & theirs.keys()
    for name in both:
        mine = wanted.recordings[name].stretches
        wanted.restate(name, with_corrections_of(mine, theirs[name].stretches))
    moved = {name for name in both if wanted.recordings[name] != one.town.recordings[name]}
    wanted.recordings |= {name: theirs[name] for name in theirs.keys() - both}
    wanted.cameras = other.town.cameras
    told_of: list[ClockChange] = []
    writer = Writer(one.committer, "a")
    before = one.reader.snapshot.refreshed().commit

    def agreed(changes: Sequence[ClockChange]) -> None:
        told_of.extend(changes)
        assert writer.footage.starts(both) == {
            name: (
                one.town.recordings[name].recording.file,
                one.town.recordings[name].recording.stated_at,
                one.town.recordings[name].stretches[0],
            )
            for name in both
        }

    arrival = merge(writer, other.reader, agreed=agreed)
    assert arrival.recordings == len(theirs) - len(both) > 0
    assert arrival.corrected == len(moved) > 0
    assert {change.recording_id for change in told_of} == moved
    for change in told_of:
        then, now = (
            stretch_at(town.recordings[change.recording_id].stretches, change.from_seconds)
            for town in (one.town, wanted)
        )
        assert change.old_start - change.new_start == now.shift - then.shift
    check_tables(told(one.reader)[0], wanted.tables())
    assert one.reader.snapshot.refreshed().commit > before + 2
    assert merge(writer, other.reader).recordings == 0
    check_tables(told(one.reader)[0], wanted.tables())
    one.close()
    other.close()


def test_another_profile_is_not_mixed_in(made: Filled, tmp_path: Path) -> None:
    foreign = replace(made.reader.profile, version="2")
    export(made.reader, tmp_path / "out")
    with create(tmp_path / "x.duckdb", foreign) as gallery:
        writer = Writer(Committer(gallery.manifest, gallery.storage), "x")
        with pytest.raises(ProfileMismatch):
            merge(writer, made.reader)
        with pytest.raises(ProfileMismatch):
            import_into(writer, tmp_path / "out")
        assert not gallery.manifest.state().commit


def test_a_gallery_with_a_value_that_cannot_be_is_not_joined(made: Filled, tmp_path: Path) -> None:
    (tables,) = [*batches(made.reader, [made.recordings[0].recording_id])]
    shots = tables["shots"]
    place = shots.schema.get_field_index("quality")
    wrong = shots.set_column(place, "quality", [[7.0] * shots.num_rows])
    with (
        empty(tmp_path / "bad.duckdb", made) as (bad, its),
        empty(tmp_path / "good.duckdb", made) as (good, writer),
    ):
        arrive(its.committer, tables | {"shots": wrong})
        with pytest.raises(GalleryError, match="column quality, row 1: is not from 0 to 1"):
            merge(writer, bad)
        assert good.snapshot.refreshed().state.commit == 0

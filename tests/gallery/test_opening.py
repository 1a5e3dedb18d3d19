"""Opening of a gallery: whole or not there, one writer, and what is wrong said at once."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import duckdb
import psycopg
import pytest
from killed import killed_at
from parted import CAMERAS
from postgres import Postgres

from workbench.domain import IndexedRecording, Profile
from workbench.errors import GalleryBusy, GalleryError, NotPermitted, ProfileMismatch
from workbench.gallery import opening
from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change
from workbench.gallery.named import renew
from workbench.gallery.opening import (
    Location,
    Opened,
    create,
    folder_of,
    is_gallery,
    merging,
    open_gallery,
    read_location,
    write_location,
)
from workbench.gallery.snapshot import Snapshot

Make = Callable[..., IndexedRecording]
NAME = "town.duckdb"


def named(opened: Opened) -> bool:
    """Renew the named file of a gallery that is open."""
    snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=2**20)
    return renew(opened.path, opened.folder, snapshot)


def names_in(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


def recordings_in(path: Path) -> int:
    """Recordings that the named file shows."""
    with duckdb.connect(str(path), read_only=True) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM recordings").fetchall()
    return int(count)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the gallery that each test has a copy of."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def town(made: Path, tmp_path: Path, profile: Profile, indexed: Make) -> Path:
    """A gallery of one recording, with its named file."""
    path = made / NAME
    if not path.exists():
        with create(path, profile) as opened:
            Committer(opened.manifest, opened.storage).store([indexed(0, 0, (1,))], CAMERAS)
            named(opened)
    copy = tmp_path / NAME
    shutil.copytree(folder_of(path), folder_of(copy))
    shutil.copy(path, copy)
    return copy


def test_a_gallery_is_for_its_owner_alone_and_names_its_place(
    tmp_path: Path, profile: Profile, indexed: Make
) -> None:
    path = tmp_path / "new" / NAME
    before = os.umask(0)
    try:
        with create(path, profile) as opened:
            Committer(opened.manifest, opened.storage).store([indexed(0, 0, (1,))], CAMERAS)
            with merging(path):
                assert named(opened)
            assert not named(opened)  # it shows the last commit already
    finally:
        os.umask(before)
    assert {
        stat.S_IMODE(found.stat().st_mode)
        for found in [path, folder_of(path), *folder_of(path).rglob("*")]
    } == {0o700, 0o600}
    assert names_in(path.parent) == [NAME, f"{NAME}.gallery"]
    assert json.loads((folder_of(path) / "gallery.json").read_text()) == {
        "format": 5, "manifest": "manifest.sqlite", "storage": ".",
    }  # fmt: skip
    assert recordings_in(path) == 1
    with open_gallery(path, profile=profile) as opened:
        assert (opened.manifest.profile, opened.manifest.state().owner) == (profile, "")
        assert opened.manifest.counts(1)["parts"] == 1


def test_one_process_writes_and_one_merges(town: Path) -> None:
    with open_gallery(town, write=True) as writer, merging(town):
        for busy, doing in (
            (lambda: open_gallery(town, write=True), "writes it"),
            (lambda: merging(town).__enter__(), "merges it"),
            (lambda: writer.holding().__enter__(), "merges it"),
        ):
            with pytest.raises(GalleryBusy, match=doing) as refused:
                busy()
            assert "Wait until it has finished" in str(refused.value)
        reader = open_gallery(town)
        writer.manifest.commit(Change(owner="ab"))
        assert reader.manifest.state().owner == "ab"
        with pytest.raises(GalleryBusy, match="writes it"), reader.holding():
            pass
        reader.close()
    with open_gallery(town) as reader, reader.holding(), pytest.raises(GalleryBusy):
        open_gallery(town, write=True)
    open_gallery(town, write=True).close()


def _killed_at(step: int, path: Path, profile: Profile) -> None:
    """Make a gallery, and be killed at a step on the disk."""
    once = killed_at(step)
    for name in ("_fill", "write_description", "sync_path", "_open"):
        setattr(opening, name, once(getattr(opening, name)))
    Path.rename = once(Path.rename)  # type: ignore[method-assign, assignment]
    opening.create(path, profile).close()
    os._exit(0)


def test_a_gallery_that_was_being_made_is_whole_or_not_there(
    tmp_path: Path, profile: Profile
) -> None:
    fork, there = multiprocessing.get_context("fork"), []
    for step in range(8):
        path = tmp_path / str(step) / NAME
        process = fork.Process(target=_killed_at, args=(step, path, profile))
        process.start()
        process.join()
        there.append(is_gallery(path))
        if not there[-1]:
            create(path, profile).close()
        open_gallery(path, write=True, profile=profile).close()
        assert names_in(path.parent) == [f"{NAME}.gallery"]
        if process.exitcode == 0:
            break
    else:
        pytest.fail("it was killed at every step")
    assert there == sorted(there)
    assert not there[0]
    assert there.count(True) > 1


def _describe(town: Path, **values: object) -> None:
    file = folder_of(town) / "gallery.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def _without(name: str) -> Callable[[Path], object]:
    def remove(town: Path) -> None:
        found = folder_of(town) / name
        shutil.rmtree(found) if found.is_dir() else found.unlink()

    return remove


def _nothing(town: Path) -> None:
    town.unlink()
    shutil.rmtree(folder_of(town))


def _foreign_folder(town: Path) -> None:
    shutil.rmtree(folder_of(town))
    folder_of(town).mkdir()


def _newer_manifest(town: Path) -> None:
    with sqlite3.connect(folder_of(town) / "manifest.sqlite") as connection:
        connection.execute("UPDATE gallery SET format = 6")
    connection.close()


BROKEN: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no folder": (
        lambda town: shutil.rmtree(folder_of(town)),
        r"its folder town.duckdb.gallery is missing",
        "Copy that folder beside it",
    ),
    "renamed without its folder": (
        lambda town: folder_of(town).rename(town.with_name("old.duckdb.gallery")),
        r"its folder town.duckdb.gallery is missing",
        "If old.duckdb.gallery is that folder, rename it to town.duckdb.gallery",
    ),
    "nothing": (
        _nothing,
        "there is no gallery here",
        "sightline index",
    ),
    "no description": (
        _without("gallery.json"),
        "holds no gallery.json",
        "Restore that file from a copy",
    ),
    "a foreign folder": (
        _foreign_folder,
        "holds no gallery.json",
        "Restore that file from a copy",
    ),
    "a newer format": (
        lambda town: _describe(town, format=6),
        "has format 6, this Sightline reads 5",
        "newer Sightline",
    ),
    "a newer manifest": (
        _newer_manifest,
        "has format 6, this Sightline reads 5",
        "newer Sightline",
    ),
    "an altered description": (
        lambda town: (folder_of(town) / "gallery.json").write_bytes(b"\xff{"),
        "does not say where a gallery is",
        "Restore it from a copy",
    ),
    "a manifest elsewhere": (
        lambda town: _describe(town, manifest="../../other.sqlite"),
        "neither a file of the folder nor in Postgres",
        "Restore it from a copy",
    ),
    "a storage elsewhere": (
        lambda town: _describe(town, storage="../other"),
        "neither a folder nor an object store",
        "Restore it from a copy",
    ),
    "no manifest": (
        _without("manifest.sqlite"),
        "there is no manifest here",
        "Restore it from a copy",
    ),
    "a damaged manifest": (
        lambda town: (folder_of(town) / "manifest.sqlite").write_bytes(b"not a database" * 99),
        "is not a gallery that can be read",
        "Restore it from a copy",
    ),
    "no parts": (
        _without("parts"),
        "its parts are missing: there is no folder parts in town.duckdb.gallery",
        "Copy the whole folder",
    ),
}


@pytest.mark.parametrize("state", BROKEN)
def test_what_is_broken_is_told_with_what_to_do(town: Path, state: str) -> None:
    damage, what, fix = BROKEN[state]
    damage(town)
    left = {found: found.is_file() and found.read_bytes() for found in town.parent.rglob("*")}
    for write in (False, True):
        with pytest.raises(GalleryError, match=what) as refused:
            open_gallery(town, write=write)
        assert fix in refused.value.fix
    for path, bytes_ in left.items():  # locks and SQLite's log may have come
        assert (path.is_file() and path.read_bytes()) == bytes_, path


def _make_earlier(path: Path) -> None:
    """The register of a gallery of an earlier version, as far as it is looked at."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE gallery AS SELECT 4 AS schema_version")
        connection.execute("CREATE TABLE weights (a INTEGER); CREATE TABLE segments (a INTEGER)")


def test_other_files_are_told_apart(town: Path, profile: Profile) -> None:
    with pytest.raises(GalleryError, match="is the folder of a gallery") as refused:
        open_gallery(folder_of(town))
    assert refused.value.fix == f"Name {NAME}"
    with pytest.raises(GalleryError, match="already"):
        create(town, profile)
    with pytest.raises(ProfileMismatch, match="was made with profile"):
        open_gallery(town, profile=replace(profile, version="2"))
    town.unlink()
    with pytest.raises(GalleryError, match=r"a folder already"):
        create(town, profile)
    earlier = town.with_name("earlier.duckdb")
    _make_earlier(earlier)
    with pytest.raises(GalleryError, match="has schema version 4") as refused:
        open_gallery(earlier)
    assert f"sightline gallery upgrade {earlier}" in refused.value.fix
    notes = town.with_name("notes.duckdb")
    notes.write_text("notes")
    with pytest.raises(GalleryError, match="is not a gallery that can be read"):
        open_gallery(notes)
    notes.unlink()
    duckdb.connect(str(notes)).close()
    with pytest.raises(GalleryError, match="is a DuckDB file, but not a Sightline gallery"):
        open_gallery(notes)


KILLED = """
import duckdb, os, sys
shell = duckdb.connect(sys.argv[1])
shell.execute("CREATE TABLE found AS SELECT 1")
os._exit(9)
"""


def test_the_named_file_is_renewed_and_never_over_what_is_not_from_it(
    town: Path, profile: Profile, indexed: Make
) -> None:
    # Under another name, or in another folder, its views name other files.
    moved = town.with_name("moved.duckdb")
    folder_of(town).rename(folder_of(moved))
    town.rename(moved)
    with open_gallery(moved, write=True) as opened:
        assert named(opened)
        assert recordings_in(moved) == 1
        Committer(opened.manifest, opened.storage).store([indexed(1, 0, (2,))], CAMERAS)
        with duckdb.connect(str(moved)):  # somebody's shell, which holds its own lock
            assert named(opened)
        assert recordings_in(moved) == 2
        # A shell that was killed: what it did is in its log alone.
        shell = [sys.executable, "-c", KILLED, moved]
        assert subprocess.run(shell, check=False).returncode == 9
        opened.manifest.commit(Change(owner="ab"))
        with pytest.raises(GalleryError, match="holds found, which would be lost"):
            named(opened)
    moved.unlink()
    moved.with_name("moved.duckdb.wal").unlink()
    with open_gallery(moved, write=True) as opened:
        assert named(opened)
    # Somebody's table in it, another's gallery in its place, and no database at all.
    with duckdb.connect(str(moved)) as connection:
        connection.execute("CREATE TABLE seen_before AS SELECT 1; CREATE VIEW mine AS SELECT 2")
    with pytest.raises(GalleryError, match="holds mine, seen_before, which would be lost"):
        open_gallery(moved, write=True)
    busy = pytest.raises(GalleryBusy, match="is in use by another process")
    with duckdb.connect(str(moved)), busy:  # a shell that may be changing it
        open_gallery(moved, write=True)
    open_gallery(moved).close()
    for other in (lambda: _make_earlier(moved), lambda: moved.write_text("x")):
        moved.unlink()
        other()
        before = moved.read_bytes()
        with pytest.raises(GalleryError, match="is not the file of the gallery in the folder"):
            open_gallery(moved, write=True)
        assert moved.read_bytes() == before


READING = """
import os, sys
from workbench.errors import SightlineError
from workbench.gallery.opening import merging, open_gallery
os.setgroups([])
os.setresgid(*3 * (65534,))
os.setresuid(*3 * (65534,))
for path in sys.argv[1:]:
    opened = open_gallery(path)
    print(opened.manifest.counts(1)["parts"])
    for act in (lambda: open_gallery(path, write=True), lambda: merging(opened.path).__enter__()):
        try:
            act()
        except SightlineError as error:
            print(type(error).__name__, error.what)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act for another account")
def test_where_nothing_can_be_written_it_is_read_all_the_same(town: Path) -> None:
    folder = Path(shutil.move(town.parent, f"/tmp/{os.getpid()}-{town.parent.name}"))
    try:
        for found in (folder, *folder.rglob("*")):
            os.chown(found, 65534, 65534)
            found.chmod(0o500 if found.is_dir() else 0o400)
        done = subprocess.run(
            [sys.executable, "-c", READING, folder / NAME], capture_output=True, text=True,
            check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    first, *refusals = done.stdout.splitlines()
    assert first == "1"
    assert [one.split()[0] for one in refusals] == 2 * ["DiskRefused"], refusals
    assert all("cannot be written (Permission denied)" in one for one in refusals)


def test_a_gallery_of_another_account_is_refused(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder_of(town) / "gallery.json"
    os.chown(file, 65534, 65534)
    os.chown(folder_of(town), 65534, 65534)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # as the kernel does to all but root
    with pytest.raises(NotPermitted, match="belongs to nobody alone"):
        open_gallery(town)


def test_a_gallery_that_moved_is_opened_where_it_is_now(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = folder_of(town) / "manifest.sqlite"
    shutil.copy(manifest, manifest.with_name("other.sqlite"))
    with open_gallery(town) as opened, open_gallery(town) as late:
        with opened.holding():
            write_location(town, Location("other.sqlite"))
        # Who opened it before would move the old place.
        with pytest.raises(GalleryError, match="was moved since it was opened"), late.holding():
            pass
    with open_gallery(town, write=True) as opened:
        opened.manifest.commit(Change(owner="ab"))
    assert read_location(town) == Location("other.sqlite")
    # Moved back between the look at its place and the lock.
    real = opening.take_lock

    def delayed(*values: object) -> object:
        write_location(town, Location())
        return real(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(opening, "take_lock", delayed)
    with open_gallery(town, write=True) as opened:
        assert (opened.location, opened.manifest.state().owner) == (Location(), "")


def test_many_write_a_gallery_whose_manifest_is_in_postgres(
    tmp_path: Path, profile: Profile, postgres: Postgres
) -> None:
    path = tmp_path / NAME
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA opening")
    with ExitStack() as opened:
        first = opened.enter_context(create(path, profile, Location(postgres.address("opening"))))
        second = opened.enter_context(open_gallery(path, write=True))
        first.manifest.commit(Change(owner="ab"))
        second.manifest.commit(Change(owner="cd"))
        assert first.manifest.state().owner == "cd"
        assert names_in(folder_of(path)) == ["gallery.json"]
        with pytest.raises(GalleryError, match="written by other machines"), first.holding():
            pass

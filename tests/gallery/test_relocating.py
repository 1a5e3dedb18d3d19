"""Commands that move, copy and restore a gallery: in folders, an object store and Postgres."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from commands import Run, Said
from former import unpacked
from manifests import in_postgres
from objectstore import ENVIRONMENT, ObjectStore
from postgres import Postgres

from workbench.cli.main import main
from workbench.cli.output import DONE, REFUSED
from workbench.domain import Progress
from workbench.gallery import Gallery, relocating
from workbench.gallery.cache import Cache, CachePlace
from workbench.gallery.checking import check
from workbench.gallery.conversion import to_parts
from workbench.gallery.opening import folder_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of ten recordings, some with pictures, in parts of one day."""
    path = unpacked(3, tmp_path_factory.mktemp("made"))
    to_parts(path)
    return path


@pytest.fixture
def town(made: Path, tmp_path: Path, fresh_home: Path) -> Path:
    shutil.copytree(folder_of(made), tmp_path / "town.duckdb.gallery")
    shutil.copyfile(made, tmp_path / "town.duckdb")
    return tmp_path / "town.duckdb"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Said:
        capsys.readouterr()
        status = main(["gallery", *map(str, arguments)])
        said = capsys.readouterr()
        return Said(status, said.out, said.err.replace("\n", " "))

    return run


def contents(path: Path, *, checked: bool = True) -> Any:
    """What people see of a gallery, of which every byte is as it was stored."""
    with Gallery.open(path) as gallery:
        if checked:
            assert [*check(gallery)] == []
        shots = [gallery.shots(key) for key in gallery.tracklets()["tracklet_id"][:3]]
        pictures = [[shot.jpeg for shot in of_one] for of_one in shots]
        return gallery.tracklets().to_dict("records"), pictures, gallery.counts()


def recordings_of(found: Any) -> list[str]:
    """Ids of the recordings with a tracklet."""
    return sorted({one["tracklet_id"].rpartition("-")[0] for one in found[0]})


def objects(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.glob("pa*/*/**/*") if path.is_file()}


def stopping(monkeypatch: pytest.MonkeyPatch, name: str, after: int) -> Callable[[], None]:
    """Have Ctrl-C come after so many objects of what a command copies; return what ends that."""
    work = getattr(relocating, name)

    def stopped(*given: Any, progress: Any, **more: Any) -> Any:
        left = iter(range(after))

        def told(about: Progress) -> None:
            progress(about)
            if next(left, None) is None:
                raise KeyboardInterrupt

        return work(*given, progress=told, **more)

    monkeypatch.setattr(relocating, name, stopped)
    return lambda: monkeypatch.setattr(relocating, name, work)


def test_a_gallery_moves_to_another_disk_and_what_it_leaves_is_deleted_when_asked(
    town: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, folder, large = contents(town), folder_of(town), tmp_path / "large"
    reader = Gallery.open(town)
    go_on = stopping(monkeypatch, "move", 3)
    assert run("move", town, "--storage", large).status == REFUSED
    assert contents(town) == before
    assert objects(folder)
    go_on()
    said = run("move", town, "--storage", large, "--json")
    (told,) = said.lines
    number = len(objects(large))
    assert (told["copied"] + 4, told["present"]) == (number, 4)
    assert told["left"] == [{"storage": ".", "objects": number}]
    assert "MB" in said.err  # of progress
    assert contents(town) == before
    assert len(reader.tracklets()) == len(before[0])  # one that was open follows

    shown = run("move", town, "--delete-old", "--dry-run")
    assert shown.status == DONE
    assert f"To be deleted for good: {number} files in the folder of the gallery." in shown.err
    asked = run("move", town, "--delete-old")  # at no terminal
    assert asked.status == REFUSED
    assert len(objects(folder)) == number
    assert run("move", town, "--delete-old", "--yes").status == DONE
    assert objects(folder) == set()
    assert "nothing to delete" in run("move", town, "--delete-old").err
    assert contents(town) == before
    with duckdb.connect(town, read_only=True) as shell:
        assert shell.sql("SELECT count(*) FROM tracklets").fetchall() == [(len(before[0]),)]

    # It is written where it is now, and comes back without what was removed meanwhile.
    run("move", town, "--storage", folder)
    with Gallery.open(town, write=True) as gallery:
        gallery.purge([recordings_of(before)[0]])
    less = contents(town)
    run("move", town, "--storage", large, "--delete-old", "--yes")
    assert contents(town) == less
    assert (objects(folder), len(objects(large))) == (set(), run_count(town))
    assert "lies there now" in run("move", town, "--storage", large).err
    shutil.rmtree(large)
    assert f"there is no folder parts in {large}" in run("info", town).err
    reader.close()


def run_count(path: Path) -> int:
    """Number of objects that a gallery has."""
    with Gallery.open(path) as gallery:
        return len(relocating.objects_of(gallery.opened.manifest))


def test_a_backup_is_a_gallery_that_is_brought_up_to_date_and_restored(
    town: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, copy = contents(town), tmp_path / "backup/town.duckdb"
    go_on = stopping(monkeypatch, "back_up", 3)
    assert run("backup", town, copy).status == REFUSED
    go_on()
    (told,) = run("backup", town, copy, "--json").lines
    assert told["present"] == 4
    assert contents(copy) == before
    with Gallery.open(town, write=True) as gallery:
        gallery.purge([recordings_of(before)[0]])
    now = contents(town)
    with Gallery.open(copy) as reader:
        (due,) = run("backup", town, copy, "--dry-run", "--json").lines
        there, now_there = objects(folder_of(copy)), objects(folder_of(town))
        gone, new = there - now_there, now_there - there
        assert (due["objects"], due["deleted"]) == (len(new), len(gone))
        assert gone
        assert contents(copy) == before
        assert run("backup", town, copy).status == DONE
        assert len(reader.tracklets()) == len(now[0])  # and not what it was opened on
    assert contents(copy) == now
    assert objects(folder_of(copy)) == objects(folder_of(town))  # nothing of the purged one

    assert "is the gallery itself" in run("backup", town, town).err
    assert "there is a folder already" in run("restore", town, copy).err
    assert "is a backup" in run("compact", copy).err  # what was written to it would be lost
    assert "is a gallery, and no backup" in run("backup", copy, town).err
    assert "is a gallery, and no backup" in run("restore", tmp_path / "new.duckdb", town).err
    (tmp_path / "other").mkdir()
    other = unpacked(3, tmp_path / "other")
    to_parts(other)
    assert run("backup", other, copy).status == REFUSED
    assert contents(copy) == now

    # The folder is lost; the file beside it shows nothing without it.
    shutil.rmtree(folder_of(town))
    assert "its folder town.duckdb.gallery is missing" in run("info", town).err
    go_on = stopping(monkeypatch, "restore", 3)
    assert run("restore", town, copy).status == REFUSED
    assert run("info", town).status == REFUSED
    go_on()
    (told,) = run("restore", town, copy, "--json").lines
    assert told["present"] == 4
    assert contents(town) == now
    assert [path.name for path in tmp_path.glob(".*")] == []
    # The file alone is lost: whoever writes the gallery makes it again.
    town.unlink()
    assert contents(town) == now
    assert run("compact", town).status == DONE
    assert town.exists()


def test_a_damaged_backup_restores_nothing(town: Path, tmp_path: Path, run: Run) -> None:
    copy = tmp_path / "backup/town.duckdb"
    run("backup", town, copy)
    damaged = folder_of(copy) / min(objects(folder_of(copy)))
    whole = damaged.read_bytes()
    damaged.unlink()  # not the gallery's, to which it is a link
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "is not as it was stored" in run("restore", tmp_path / "new.duckdb", copy).err
    assert not folder_of(tmp_path / "new.duckdb").exists()
    assert run("check", town).status == DONE


def test_the_manifest_moves_to_postgres_and_stays_there(
    town: Path, tmp_path: Path, run: Run, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, address = contents(town), postgres.address("moved")
    in_postgres(postgres)  # it runs
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA moved")
    monkeypatch.setattr(relocating, "write_location", failing := _failing())
    assert run("move", town, "--manifest", address).status == REFUSED
    assert failing.called
    monkeypatch.undo()
    assert contents(town) == before
    said = run("move", town, "--manifest", address, "--delete-old", "--yes")
    assert said.status == DONE, said.err
    assert "the earlier manifest manifest.sqlite" in said.err
    assert not [*folder_of(town).glob("manifest.sqlite*")]
    assert contents(town) == before
    refused = run("move", town, "--storage", tmp_path / "large")
    assert "may be written by other machines at any time" in refused.err
    copy = tmp_path / "backup/town.duckdb"
    assert run("backup", town, copy).status == DONE
    assert contents(copy) == before


class _failing:  # noqa: N801 - a function that remembers
    called = False

    def __call__(self, *_: object) -> None:
        self.called = True
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--storage", "s3://key:secret@bucket/town"), "it holds a key"),
        (("--manifest", "postgresql://me:secret@host/town"), "holds a password"),
        (("--manifest", "elsewhere"), "is not an address in Postgres"),
        ((), "it is not said where to"),
        (("--storage", "x", "--dry-run"), "--dry-run is for --delete-old alone"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    town: Path, run: Run, options: tuple[str, ...], what: str
) -> None:
    said = run("move", town, *options)
    assert said.status == REFUSED
    assert what in said.err
    assert "secret" not in said.err


@pytest.fixture
def store(running_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return running_store


def test_a_gallery_in_an_object_store_is_read_through_a_bounded_cache(
    town: Path, tmp_path: Path, run: Run, store: ObjectStore, fresh_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    before = contents(town)
    moved = run("move", town, "--storage", store.address("town"), "--delete-old", "--yes")
    assert moved.status == DONE, moved.err
    assert objects(folder_of(town)) == set()
    assert contents(town, checked=False) == before
    assert run("check", town).status == DONE  # by the settings, so with the cache
    with duckdb.connect(town, read_only=True) as shell:
        listed = shell.sql("SELECT address FROM files").fetchall()
    assert listed
    assert all(address.startswith("s3://town/town/parts/") for (address,) in listed)
    cache = fresh_home / "cache"
    held = {path.name for path in cache.iterdir()} - {"lock"}
    assert held
    assert cache.stat().st_mode & 0o777 == 0o700

    # Another machine purges: what this one kept of that goes when it opens the gallery again.
    elsewhere = CachePlace(tmp_path / "elsewhere", 2**30)
    with Gallery.open(town, write=True, cache=elsewhere) as gallery:
        gallery.purge(recordings_of(before)[:1])
    assert run("info", town).status == DONE
    assert held - {path.name for path in cache.iterdir()}

    copy = tmp_path / "backup/town.duckdb"
    assert run("backup", town, copy).status == DONE
    assert len(contents(copy)[0]) < len(before[0])
    # By another address of the same place, what is there is not deleted as what was left.
    alias = store.address("town").replace("127.0.0.1", "localhost")
    relocating._note_left(town, [relocating.Left(alias, list(store.keys("town")))])
    assert "may be where the gallery is" in run("move", town, "--delete-old", "--yes").err
    assert run("check", town).status == DONE
    # By the settings there is another folder, or none, and no more than so many bytes.
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "fast"))
    monkeypatch.setenv("SIGHTLINE_CACHE_GB", "0.000005")
    assert run("move", copy, "--storage", store.address("copy")).status == DONE
    assert run("check", copy).status == DONE
    assert 0 <= Cache(tmp_path / "fast", 5000).bytes <= 5000
    monkeypatch.setenv("SIGHTLINE_CACHE", str(tmp_path / "none"))
    monkeypatch.setenv("SIGHTLINE_CACHE_GB", "0")
    assert run("info", copy).status == DONE
    assert not (tmp_path / "none").exists()

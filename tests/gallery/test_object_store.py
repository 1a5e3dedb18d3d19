"""The same gallery in an object store: what tests of a folder ask holds there, and faults are told.

The tests that are imported here run again with every storage of theirs in the store, behind a
cache on this machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from manifests import Opening, Place, in_sqlite
from objectstore import ENVIRONMENT, SECRET, Fault, ObjectStore
from parted import CAMERAS

from tests.gallery.test_committing import (  # noqa: F401 - run again
    pictured,
    place,
    test_a_plan_names_the_parts_of_a_scope_and_no_search_misses_a_row,
    test_a_reader_keeps_what_it_has_mapped_and_asks_again_for_what_is_gone,
    test_parts_are_let_go_of_by_the_memory_that_a_reader_may_keep,
    test_recordings_are_stored_together_and_read_beside_the_writer,
    wanted,
)
from tests.gallery.test_packs import (  # noqa: F401 - run again
    test_pictures_come_back_from_where_they_were_put,
)
from tests.gallery.test_restating import (  # noqa: F401 - run again
    test_from_a_second_on_and_with_a_setting_for_what_comes_later,
)
from tests.gallery.test_storage import (  # noqa: F401 - run again
    test_a_gallery_is_stored_merged_and_purged_wherever_its_objects_are,
    test_objects_are_written_once_read_in_ranges_and_deleted,
)
from workbench.domain import IndexedRecording, Problem, Profile, format_tracklet_id
from workbench.errors import GalleryError
from workbench.gallery import frames, lookup
from workbench.gallery.adopting import Arrival
from workbench.gallery.backup import back_up, restore
from workbench.gallery.cache import Cache
from workbench.gallery.checking import check
from workbench.gallery.committing import Committer
from workbench.gallery.entries import TRACKLETS, PartEntry
from workbench.gallery.exporting import batches
from workbench.gallery.joining import merge
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import Merger
from workbench.gallery.moving import Copied
from workbench.gallery.questions import read_only
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import ObjectGone, Storage, Written
from workbench.gallery.writing import Writer

Make = Callable[..., IndexedRecording]
AT = Storage.at


@pytest.fixture(autouse=True)
def store(
    running_store: ObjectStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[ObjectStore]:
    """The store, in which every storage is that a test opens at a folder."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def at(address: Path | str, *, cache: Cache | None = None) -> Storage:
        if "://" in str(address):
            return AT(address, cache=cache)
        Path(address).mkdir(exist_ok=True)
        cache = cache or Cache(tmp_path / "cache", 2**24)
        return AT(running_store.address(prefix(Path(address))), cache=cache)

    monkeypatch.setattr(Storage, "at", at)
    running_store.requests.clear()
    yield running_store
    running_store.faults.clear()


def prefix(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]


@pytest.fixture
def opening() -> Opening:
    """Manifests in SQLite: which database there is makes no difference to the store."""
    return in_sqlite


@pytest.fixture
def recordings(committer: Committer, indexed: Make) -> list[IndexedRecording]:
    """Recordings that the gallery holds."""
    made = [indexed(0, 0, (1, 2)), indexed(1, 24 * 60, (3,))]
    for one in made:
        committer.store([one], CAMERAS)
    return made


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage.at(tmp_path / "kept")


def cold(store: ObjectStore, committer: Committer, cache: Cache | None = None) -> Snapshot:
    """Snapshot of a machine that has nothing of it yet."""
    address = store.address(committer.storage.address.rpartition("/")[2])
    store.requests.clear()
    return Snapshot.latest(committer.manifest, AT(address, cache=cache), memory_bytes=2**30)


def parts(committer: Committer) -> list[PartEntry]:
    return committer.manifest.parts(committer.manifest.state().commit)


def test_no_key_is_in_an_address_or_shown(store: ObjectStore) -> None:
    made = AT(f"{store.address('x')}&region=eu-west-2")
    assert made.address == "s3://town/x"
    assert SECRET not in repr(made)
    # A bucket of that name elsewhere is another one: a gallery that moves there is copied.
    assert made.files.equals(AT(f"{store.address('x')}&region=eu-west-2").files)
    assert not made.files.equals(
        AT("s3://town/x?endpoint=http://127.0.0.1:1&region=eu-west-2").files
    )
    for address in (
        f"s3://key:{SECRET}@town/x",
        f"s3://town/x?secret_key={SECRET}",
        f"s3://town/x?endpoint=http://key:{SECRET}@127.0.0.1",
        f"s3://town/x?{SECRET}",
        "s3:///x",
        "s3://town/x?endpoint=ftp://127.0.0.1",
    ):
        with pytest.raises(GalleryError, match="cannot be used as storage") as told:
            AT(address)
        assert SECRET not in f"{told.value!r}{told.value}"


def test_a_cold_search_fetches_each_planned_object_once(
    store: ObjectStore, committer: Committer, indexed: Make, tmp_path: Path
) -> None:
    made = [indexed(n, 24 * 60 * n, (n, n + 1)) for n in range(4)]
    committer.store(made, CAMERAS)
    first, *_ = parts(committer)
    cache = Cache(tmp_path / "other", 2**24)
    reader = cold(store, committer, cache)
    planned = reader.plan([(first.first_seen or 0, first.last_seen or 0)])
    assert planned == [first]
    snapshots = [replace(reader, open_parts=type(reader.open_parts)(
        reader.storage, committer.manifest.profile, 2**30)) for _ in range(4)]  # fmt: skip

    def look(one: Snapshot) -> None:
        part = one.part(first)
        shots = part.best_shots(np.arange(len(part)))
        found.append([shot["address"] for shot in shots])

    found: list[list[object]] = []
    threads = [threading.Thread(target=look, args=[one]) for one in snapshots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    bytes_of = {file.name: file.bytes for file in first.files}
    fetched = [(one.path.rpartition("/")[2], one.sent) for one in store.requests
               if one.method == "GET"]  # fmt: skip
    assert sorted(fetched) == sorted((n, bytes_of[n]) for n in ("scan.arrow", "exact.arrow"))
    assert len(store.requests) == 4  # and before each its size is asked
    store.requests.clear()
    pictures = reader.pictures(found[0])  # type: ignore[arg-type]
    ranges = [one.sent for one in store.requests if one.method == "GET"]
    assert ranges == [address.length for address in found[0]]  # type: ignore[attr-defined]
    assert {one.jpeg for one in pictures} == {*wanted(made[0]).values()}
    store.requests.clear()
    again = cold(store, committer, Cache(tmp_path / "other", 2**24))  # another process
    assert again.part(first).exact.num_rows == 2
    assert store.requests == []


def test_what_was_altered_in_the_cache_is_fetched_again_and_in_the_store_told(
    store: ObjectStore, committer: Committer, indexed: Make, tmp_path: Path
) -> None:
    committer.store([indexed(0, 0, (1, 2))], CAMERAS)
    (entry,) = parts(committer)
    folder = tmp_path / "other"
    codes = cold(store, committer, Cache(folder, 2**24)).part(entry).codes.copy()
    (kept,) = (path for path in folder.iterdir() if path.name != "lock")
    modes = {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {0o700, 0o600}
    whole = kept.read_bytes()
    for altered in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], b""):
        kept.write_bytes(altered)
        assert (cold(store, committer, Cache(folder, 2**24)).part(entry).codes == codes).all()
        assert len([one for one in store.requests if one.method == "GET"]) == 1
        assert kept.read_bytes() == whole
    # On its way here: once is fetched again, and for good is told.
    store.faults.append(Fault("GET", "scan.arrow", "altered", 1))
    assert (cold(store, committer).part(entry).codes == codes).all()
    store.faults.append(Fault("GET", "scan.arrow", "altered"))
    for cache in (None, Cache(tmp_path / "third", 2**24)):
        with pytest.raises(GalleryError, match=r"scan.arrow: is not as it was stored"):
            cold(store, committer, cache).part(entry)
    assert [path.name for path in (tmp_path / "third").iterdir()] == ["lock"]


def test_the_cache_stays_within_its_bound_and_says_when_the_disk_is_full(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "small", 2_500)
    names, whole = [f"parts/{n}" for n in "abcde"], {}
    for name in names:
        with storage.writing(name) as sink:
            sink.write(name.encode() * 143)  # 1,001 bytes
        whole[name] = sink.written

    def read(name: str) -> bytes:
        with open_in(cache, storage, name, whole[name]) as file:
            found: bytes = file.read()
        assert cache.bytes <= 2_500
        return found

    with (tmp_path / "small" / f"{'a' * 65}.new").open("wb") as fetching:  # by another process
        fcntl.flock(fetching, fcntl.LOCK_EX)
        fetching.truncate(2_000)
        assert read(names[0]) == names[0].encode() * 143
        assert cache.bytes == 2_000
    held = mapped(cache, storage, names[0], whole[names[0]])
    for name in names:
        assert read(name) == name.encode() * 143
        time.sleep(0.01)
    assert cache.bytes == 2_002
    assert bytes(held) == names[0].encode() * 143  # let go of, and mapped still
    storage.delete([names[3]])
    assert read(names[3]) == names[3].encode() * 143  # another machine deleted it
    cache.forget(storage.address, names[3])
    with pytest.raises(ObjectGone):
        read(names[3])
    assert cache.keep(storage.address, names[:4]) == 1
    assert cache.bytes == 0
    with storage.writing("parts/large") as sink:
        sink.write(bytes(3_000))
    whole["parts/large"] = sink.written
    assert read("parts/large") == bytes(3_000)
    assert cache.bytes == 0

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(GalleryError, match=r"small: cannot be written: the disk is full"):
        read(names[0])
    assert cache.bytes == 0


def open_in(
    cache: Cache, storage: Storage, name: str, whole: Written
) -> contextlib.AbstractContextManager[Any]:
    return replace(storage, cache=cache).reading(name, whole)


def mapped(cache: Cache, storage: Storage, name: str, whole: Written) -> memoryview:
    with open_in(cache, storage, name, whole) as file:
        return memoryview(file.read_buffer())


def test_processes_fetch_an_object_once_and_what_a_killed_one_leaves_goes(
    store: ObjectStore, storage: Storage, tmp_path: Path
) -> None:
    with storage.writing("parts/one") as sink:
        sink.write(bytes(range(256)) * 400)
    store.requests.clear()
    left = tmp_path / "cache" / f"{'a' * 32}-{'b' * 32}.new"
    left.write_bytes(bytes(2**24 - 10))
    code = (
        "import sys; from pathlib import Path; from workbench.gallery.cache import Cache\n"
        "from workbench.gallery.storage import Storage, Written\n"
        "at = Storage.at(sys.argv[1], cache=Cache(Path(sys.argv[2]), 2**24))\n"
        "with at.reading('parts/one', Written(102400, sys.argv[3])) as file: print(file.size())"
    )
    address = store.address(storage.address.rpartition("/")[2])
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, address, str(tmp_path / "cache"), sink.written.sha256],
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    assert [child.communicate()[0] for child in children] == [b"102400\n"] * 2
    assert [one.method for one in store.requests] == ["HEAD", "GET"]
    assert not left.exists()


@pytest.mark.parametrize("kind", [503, 403, "cut"])
def test_a_store_that_fails_is_told_and_loses_nothing(
    store: ObjectStore, place: Place, indexed: Make, kind: int | str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("workbench.gallery.storage._ATTEMPTS", 2)
    committer = place.committer()
    committer.store([indexed(0, 0, (1, 2))], CAMERAS)
    before = store.keys(prefix(place.folder))
    words = "refuses access" if kind == 403 else "the object store|HTTP status"
    store.faults.append(Fault("PUT", "exact.arrow", kind))
    began = time.monotonic()
    with pytest.raises(GalleryError, match=words) as told:
        committer.store([indexed(1, 0, (3,))], CAMERAS)
    assert "what was stored before is kept" in str(told.value)
    assert time.monotonic() - began < 20
    assert store.faults[0].times >= 1_000 - 2  # tried again, and not for ever
    store.faults.clear()
    assert [key for key in store.keys(prefix(place.folder)) if not key.endswith("/")] == before
    assert committer.manifest.unfinished("writer") == committer.manifest.dropped() == []
    # Once or twice is nothing that anybody sees.
    if kind != 403:
        store.faults.append(Fault("PUT", "scan.arrow", kind, 1))
        store.faults.append(Fault("GET", "pack$", kind, 1))
    committer.store([indexed(1, 0, (3,))], CAMERAS)
    assert pictured(place.snapshot()) == wanted(indexed(0, 0, (1, 2)), indexed(1, 0, (3,)))
    store.faults[:] = [Fault("GET", "scan.arrow", kind), Fault("GET", "list-type", kind)]
    with pytest.raises(GalleryError, match=words):
        place.objects()
    with pytest.raises(GalleryError, match=words):
        cold(store, committer).part(parts(committer)[0])


def test_what_a_killed_writer_left_is_swept_without_a_list_of_the_store(
    store: ObjectStore,
    place: Place,  # noqa: F811
    indexed: Make,
) -> None:
    by = place.committer()
    by.store([indexed(0, 0, (1,))], CAMERAS)
    before = store.keys(prefix(place.folder))
    upload = Storage._upload
    for name in ("packs/", "scan.arrow", "unsearchable.arrow", "tracklets.parquet"):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):

                def dying(at: Storage, key: str, *content: object, last: str = name) -> None:
                    upload(at, key, *content)  # type: ignore[arg-type]
                    if last in key:
                        os.kill(os.getpid(), signal.SIGKILL)

                Storage._upload = dying  # type: ignore[method-assign]
                place.committer().store([indexed(1, 0, (2,))], CAMERAS)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert len(store.keys(prefix(place.folder))) > len(before)
        assert pictured(place.snapshot()) == wanted(indexed(0, 0, (1,)))
        assert place.committer().sweep() >= 1
        kept = [key for key in store.keys(prefix(place.folder)) if not key.endswith("/")]
        assert kept == before


def test_questions_in_sql_are_answered_from_the_store(
    committer: Committer, recordings: list[IndexedRecording]
) -> None:
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**30)
    with read_only(snapshot) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM tracklets").fetchall()
    assert count == sum(len(one.tracklets) for one in recordings)


def test_rows_for_people_come_from_the_store_and_a_lost_object_is_told(
    store: ObjectStore, committer: Committer, recordings: list[IndexedRecording]
) -> None:
    reader = Reader(Path("town.duckdb"), cold(store, committer))
    (recording, _), (tracklet, *_) = recordings, recordings[0].tracklets
    name = format_tracklet_id(recording.recording_id, tracklet.ordinal)
    found = lookup.shots(reader, name)
    assert [shot.jpeg for shot in found] == [shot.jpeg for shot in tracklet.shots]
    assert lookup.tracklets_by_id(reader, {name: 0.5})[name].shot_jpeg == found[0].jpeg
    first, second = parts(committer)
    asked = {one.path for one in store.requests if one.method == "GET"}
    assert {entry.name for entry in (first, second) if any(entry.name in one for one in asked)} == {
        first.name
    }
    assert len(frames.tracklets(reader)) == sum(len(one.tracklets) for one in recordings)
    assert frames.recordings(reader)["recording_id"].tolist() == [
        one.recording_id for one in recordings
    ]
    committer.storage.delete([first.object(TRACKLETS)])
    for ask in (frames.tracklets, lambda it: lookup.shots(it, name)):
        with pytest.raises(GalleryError, match=r"lacks an object \(.*tracklets.parquet\)"):
            ask(reader)


def test_a_backup_comes_out_of_the_store_into_a_folder_and_back(
    store: ObjectStore, committer: Committer, indexed: Make, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one = indexed(0, 0, (1, 2))
    committer.store([one], CAMERAS)
    monkeypatch.setattr(Storage, "at", AT)
    folder, target = tmp_path / "backup", AT(store.address(prefix(tmp_path / "restored")))
    assert back_up(committer.manifest, committer.storage, folder).objects == 6
    assert len([path for path in folder.rglob("*.*") if path.is_file()]) == 7
    (tmp_path / "other").mkdir()
    database = in_sqlite(tmp_path / "other", write=True, create=True)
    assert restore(folder, target, database, "restored").objects == 6
    assert restore(folder, target, database, "restored") == Copied(present=6)
    manifest = Manifest(database, "restored")
    assert pictured(Snapshot.latest(manifest, target, memory_bytes=2**30)) == wanted(one)


def test_nothing_of_what_was_purged_is_in_the_store_or_the_cache(
    store: ObjectStore, committer: Committer, indexed: Make, tmp_path: Path, profile: Profile
) -> None:
    goes, stays = indexed(0, 0, (1, 2)), indexed(1, 30, (3, 4))
    committer.store([goes, stays], CAMERAS)
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**30)
    for entry in snapshot.parts():
        assert snapshot.part(entry).content()
    purge(committer, [goes.recording_id])
    assert Merger(replace(committer, role="merger"), lambda _: True).run() == 0
    number = int(goes.recording_id, 16).to_bytes(8, "little")
    files = [path.read_bytes() for path in (tmp_path / "cache").iterdir()]
    names = [*committer.storage.names("parts"), *committer.storage.names("packs")]
    files += [b"".join(committer.storage.blocks(name)) for name in names]
    assert not [found for found in files if number in found]
    assert len(names) == 5 * len(parts(committer)) + 1


def test_a_gallery_is_joined_and_checked_wherever_it_is(
    store: ObjectStore, committer: Committer, recordings: list[IndexedRecording], tmp_path: Path
) -> None:
    here = Reader(tmp_path / "town.duckdb", cold(store, committer))
    assert [*check(here)] == []
    store.requests.clear()
    assert [len(one["recordings"]) for one in batches(here)] == [1, 1]
    packs = {one.object for one in committer.manifest.packs().values()}
    asked = [one.path for one in store.requests if one.method == "GET" and "/packs/" in one.path]
    assert len(asked) == len(packs)  # each whole, and not picture by picture
    (tmp_path / "other").mkdir()
    database = in_sqlite(tmp_path / "other", write=True, create=True)
    manifest = Manifest.create(database, committer.manifest.profile, "other.duckdb")
    with contextlib.closing(manifest):
        other = Committer(manifest, Storage.at(tmp_path / "other"))
        there = Reader(tmp_path / "other.duckdb", Snapshot.latest(
            manifest, other.storage, memory_bytes=2**20))  # fmt: skip
        assert merge(Writer(other, "other.duckdb"), here) == Arrival(len(recordings))
        assert [*check(there)] == []
        (first, *_) = manifest.packs().values()
        with other.storage.writing(first.object) as sink:
            sink.write(b"another")
        what = "was altered; restore it from a copy"
        assert [*check(there)] == [Problem(first.object, what)]
        other.storage.delete([first.object])
        (told,) = check(there)
        assert told == Problem(first.object, "is not there; restore it from a copy")

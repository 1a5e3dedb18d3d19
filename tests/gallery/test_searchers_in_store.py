"""Searchers of a gallery in an object store: they fetch parts once, and tell as they come."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from objectstore import ENVIRONMENT, ObjectStore
from parted import Filled, filled

from tests.searchers.test_spread import answer, everything, over, told, two
from workbench.domain import Candidate
from workbench.gallery import search as searching
from workbench.gallery.committing import Committer
from workbench.gallery.moving import objects_of
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage
from workbench.searchers import spread


@pytest.fixture
def store(running_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    running_store.requests.clear()
    yield running_store
    running_store.before = lambda _: None


@pytest.fixture
def far(store: ObjectStore, tmp_path: Path) -> Iterator[Filled]:
    """A small gallery whose objects are in the store."""
    folder = tmp_path / "near"
    folder.mkdir()
    made = filled(folder, "euclidean", 5, count=12)
    manifest, here = made.committer.manifest, made.committer.storage
    there = Storage.at(store.address(tmp_path.name.replace("_", "-")))
    for name, whole in objects_of(manifest).items():
        there.copy(name, here, whole)
    snapshot = Snapshot.latest(manifest, there, memory_bytes=2**20)
    store.requests.clear()
    yield Filled(Reader(made.reader.path, snapshot), Committer(manifest, there), made.town)
    made.close()


def fetched(store: ObjectStore) -> list[str]:
    """Files of parts that were asked for."""
    return [one.path for one in store.requests if one.method == "GET" and "/parts/" in one.path]


def test_each_part_is_fetched_by_one_searcher_once_and_purged_from_it(
    far: Filled, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spread, "_TIDY_SECONDS", 0.0)
    nodes = two(tmp_path)
    searchers = over(*nodes)
    found = answer(far, everything(), searchers)
    scans = [path for path in fetched(store) if "scan.arrow" in path]
    assert len(scans) == len({*scans}) == len(far.reader.snapshot.parts())
    store.requests.clear()
    assert told(answer(far, everything(), searchers)) == told(found)
    assert fetched(store) == []
    assert told(answer(far, everything())) == told(found)
    # One started anew finds on its disk what it had.
    store.requests.clear()
    assert told(answer(far, everything(), over(*two(tmp_path)))) == told(found)
    assert fetched(store) == []
    # What is purged is neither told nor kept.
    gone = found.candidates[0][0].recording_id
    before = {one.name for one in far.reader.snapshot.parts()}
    purge(far.committer, [gone])
    after = answer(far, everything(), searchers)
    assert gone not in {one.recording_id for one in after.candidates[0]}
    live = objects_of(far.committer.manifest)
    assert before - {one.name for one in far.reader.snapshot.parts()}
    bytes_live = sum(whole.bytes for name, whole in live.items() if name.startswith("parts/"))
    for one in nodes:
        message = wire_keep(far)
        [*one.searcher.answer(message)]
        cache = one.searcher._cache
        assert cache is not None
        assert cache.bytes <= bytes_live


def wire_keep(far: Filled) -> bytes:
    """What tells a searcher which objects there are."""
    names = "\n".join(objects_of(far.committer.manifest)).encode()
    about = {"kind": "keep", "storage": far.committer.storage.everywhere}
    return spread.wire.pack(about, {"names": names})


def test_what_has_arrived_is_told_while_the_rest_is_fetched(
    far: Filled, store: ObjectStore, tmp_path: Path
) -> None:
    *_, late = far.reader.snapshot.parts()
    was_told = threading.Event()
    store.before = lambda path: late.name not in path or was_told.wait(60)
    partial: list[Sequence[Candidate]] = []

    def take(some: searching.Answer) -> None:
        partial.append(some.candidates[0])
        was_told.set()

    found = answer(far, everything(), over(*two(tmp_path)), partial=take)
    first, whole = partial[0], found.candidates[0]
    assert 0 < len(first) < len(whole)
    assert {one.tracklet_id for one in first} < {one.tracklet_id for one in whole}

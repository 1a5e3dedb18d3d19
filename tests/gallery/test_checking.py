"""A check finds whatever is not as it was stored, and nothing in a sound gallery."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from parted import CAMERAS, Filled, filled, opened

from workbench.domain import IndexedRecording
from workbench.gallery import checking, packs
from workbench.gallery.adopting import Arrival
from workbench.gallery.checking import check
from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change
from workbench.gallery.joining import merge
from workbench.gallery.merging import Merger
from workbench.gallery.opening import create
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Written
from workbench.gallery.writing import Writer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Not to be written to."""
    found = filled(tmp_path_factory.mktemp("made"), "cosine", 5, count=8)
    yield found
    found.close()


@pytest.fixture
def copy(made: Filled, tmp_path: Path) -> Iterator[Filled]:
    """The same, of the test alone."""
    shutil.copytree(made.reader.path.parent, tmp_path / "copy")
    found = opened(tmp_path / "copy", made.town)
    yield found
    found.close()


def said(copy: Filled) -> list[tuple[str, str]]:
    return [(one.where, one.what) for one in check(copy.reader)]


def test_a_sound_gallery_has_no_problems(copy: Filled) -> None:
    assert said(copy) == []
    Merger(copy.committer, lambda _: True).run()
    first, second = copy.recordings[:2]
    purge(copy.committer, [first.recording_id], tracklet_ids=[f"{second.recording_id}-0"])
    assert said(copy) == []


def test_it_is_checked_and_joined_whatever_holds_its_manifest(
    committer: Committer, tmp_path: Path, indexed: Callable[..., IndexedRecording]
) -> None:
    where = tmp_path / "town.duckdb"
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**20)
    committer.store([indexed(0, 0, (1, 2)), indexed(1, 24 * 60 - 2, (3, 4))], CAMERAS)
    reader = Reader(where, snapshot)
    assert [*check(reader)] == []
    with create(tmp_path / "other.duckdb", committer.manifest.profile) as other:
        its = Committer(other.manifest, other.storage)
        its.manifest.commit(Change(cameras=committer.manifest.camera_entries()))
        its.store([indexed(0, 0, (1, 2)), indexed(2, 0, (5,))], CAMERAS)
        snapshot = Snapshot.latest(other.manifest, other.storage, memory_bytes=2**20)
        beside = Reader(tmp_path / "other.duckdb", snapshot)
        assert merge(Writer(committer, str(where)), beside) == Arrival(1)
        assert merge(Writer(its, str(where)), reader) == Arrival(1)
        assert [*check(reader), *check(beside)] == []
        ids = [one.recording_id for one in committer.manifest.each_recording()]
        assert ids == [one.recording_id for one in other.manifest.each_recording()]


def changed(copy: Filled, sql: str, *values: object) -> None:
    """Change the manifest behind its back."""
    with closing(sqlite3.connect(copy.reader.path.parent / "manifest.sqlite")) as database:
        assert database.execute(sql, values).rowcount
        database.commit()


def flipped(path: Path, at: int = -1) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_changed_byte_is_found_in_each_file(made: Filled, tmp_path: Path) -> None:
    folder = made.reader.path.parent
    part = max(made.reader.snapshot.refreshed().parts(), key=lambda one: one.bytes)
    names = [part.object(file.name) for file in part.files]
    names += [one.object for one in [*made.committer.manifest.packs().values()][:1]]
    for number, name in enumerate(names):
        shutil.copytree(folder, tmp_path / str(number))
        copy = opened(tmp_path / str(number), made.town)
        path = tmp_path / str(number) / name
        flipped(path)
        where = part.folder if name.startswith("parts") else name
        what = "was altered; restore it from a copy"
        told = f"{path.name} {what}" if name.startswith("parts") else what
        assert said(copy) == [(where, told)]
        path.unlink()
        ((found, told),) = said(copy)
        assert found == where
        assert "is not there; restore it from a copy" in told
        copy.close()


def test_a_damaged_manifest_is_found(copy: Filled) -> None:
    copy.committer.manifest.scrub()
    path = copy.reader.path.parent / "manifest.sqlite"
    with closing(sqlite3.connect(path)) as database:
        ((page, size),) = database.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size "
            "WHERE name = 'recordings_by_file'"
        )
    copy.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    again = opened(path.parent, copy.town)
    ((where, told), *_) = said(again)
    assert where == str(again.reader.path)
    assert told.startswith("its manifest is damaged (")
    again.close()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE recordings SET file = 'other.mp4' WHERE recording_id = ?", "such as file of"),
        ("UPDATE recordings SET started_at = started_at - 5 WHERE recording_id = ?", "started_at"),
        ("UPDATE recordings SET stretches = NULL, stated_at = started_at WHERE recording_id = ?",
         "such as stated_at of"),
        ("UPDATE recordings SET first_day = 9, last_day = 9 WHERE recording_id = ?",
         "are of other days by the manifest"),
        ("DELETE FROM recordings WHERE recording_id = ?", "are not in the manifest"),
    ],
)  # fmt: skip
def test_a_recording_of_which_the_manifest_says_otherwise_is_found(
    copy: Filled, sql: str, words: str
) -> None:
    told = [one for one in copy.committer.manifest.recordings_told() if one.stretches[0].found_at]
    changed(copy, sql, told[0].recording_id)
    found = said(copy)
    assert found
    assert words in found[0][1]
    assert found[0][0].startswith("parts/")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE packs SET live_bytes = live_bytes - 1", "says another number of bytes"),
        ("UPDATE parts SET bytes = bytes - 1", "says another size"),
        ("UPDATE parts SET last_seen = last_seen - 1 WHERE templates", "says other times than"),
        ("UPDATE recordings SET tracklets = tracklets + 1", "other numbers of tracklets than"),
        ("UPDATE recordings SET unsearchable = unsearchable + 1", "other numbers of"),
        ("UPDATE recordings SET problems = problems + 1", "such as problems of"),
        ("UPDATE gallery SET longest_tracklet = 1", "longer than anything by the manifest"),
        ("UPDATE gallery SET longest_recording = 1", "longer than anything by the manifest"),
        ("DELETE FROM places WHERE camera_id = (SELECT camera_id FROM recordings LIMIT 1)",
         "the manifest has no such place of camera"),
        ("DELETE FROM cameras WHERE camera_id = (SELECT camera_id FROM recordings LIMIT 1)",
         "of its rows is not in the manifest"),
        ("DELETE FROM packs WHERE pack = 1", "lacks pack 1, in which rows name"),
        ("DELETE FROM parts WHERE templates", "pictures that no row names"),
        ("DELETE FROM parts WHERE templates", "and their rows in no part"),
        ("INSERT INTO recordings SELECT '00000000000000ff', camera_id, file, catalogue, sha256, "
         "size_bytes, modified_ns, stream, rotation, pixel_aspect, frame_rate, stated_at, seconds, "
         "started_at, ended_at, first_day, last_day, indexed, width, height, "
         "frames_decoded, frames_examined, faces, stopped, elapsed_seconds, indexed_at, tracklets, "
         "unsearchable, problems, divided, stretches, unseen, legs, track FROM recordings LIMIT 1",
         "1 recordings are in its manifest, and their rows in no"),
    ],
)  # fmt: skip
def test_what_the_manifest_says_is_compared(copy: Filled, sql: str, words: str) -> None:
    changed(copy, sql)
    assert any(words in told for _, told in said(copy))


def test_what_is_stored_twice_is_found(copy: Filled) -> None:
    folder = copy.reader.path.parent
    part = max(copy.reader.snapshot.refreshed().parts(), key=lambda one: one.bytes)
    shutil.copytree(folder / part.folder, (folder / part.folder).with_name("f" * 16))
    columns = (
        "day, place_low, place_high, first_seen, last_seen, recordings, tracklets, "
        "templates, uncertain, earlier, bytes, files, role, reserved_at, added, dropped, dropped_at"
    )
    changed(
        copy,
        f"INSERT INTO parts (name, {columns}) SELECT '{'f' * 16}', {columns} FROM parts "
        "WHERE name = ?",
        part.name,
    )  # fmt: skip
    told = [what for _, what in said(copy)]
    assert f"{part.recordings} recordings are stored twice" in told
    assert f"{part.tracklets} tracklets are stored twice" in told
    assert any("pictures that rows name" in what for what in told)


def test_a_picture_that_was_put_in_the_place_of_another_is_found(copy: Filled) -> None:
    storage, (pack, *_) = copy.committer.storage, copy.committer.manifest.packs().values()
    path = copy.reader.path.parent / pack.object

    def resealed() -> None:
        sealed = Written(*storage.digest(pack.object))
        changed(copy, "UPDATE packs SET sha256 = ? WHERE name = ?", sealed.sha256, pack.name)

    flipped(path)
    resealed()
    assert said(copy) == [
        (pack.object, "1 of its pictures are not as they were stored; restore it from a copy")
    ]
    flipped(path)
    # Another rank for its first picture, and the checksum of the record made anew.
    data = bytearray(path.read_bytes())
    begin = len(packs.MAGIC)
    header = list(packs._HEADER.unpack_from(data, begin))
    header[2] += 7
    packs._HEADER.pack_into(data, begin, *header)
    end = begin + packs._HEADER.size + header[4]
    crc = packs._crc(bytes(data[begin:end]))
    packs._HEADER.pack_into(data, begin, *header[:5], crc)
    path.write_bytes(data)
    resealed()
    what = "its pictures are not those that rows name; restore it from a copy"
    assert said(copy) == [(pack.object, what)]


def test_what_lies_about_is_named(copy: Filled) -> None:
    folder = copy.reader.path.parent
    (folder / "packs" / "notes.txt").write_text("mine")
    (folder / "derived").mkdir()
    part = copy.reader.snapshot.refreshed().parts()[0]
    for name in (part.name, "0" * 16):
        (folder / "derived" / f"{name}.plain.npy").write_bytes(b"no offsets")
    assert dict(said(copy)) == {
        "packs/notes.txt": "belongs to no part or pack of the gallery; move it elsewhere",
        f"{part.name}.plain.npy": "cannot be read, or was altered; delete it: it is made again "
        "when needed",
        f"{'0' * 16}.plain.npy": "is of templates that are gone; delete it",
    }


def test_what_changes_meanwhile_is_looked_at_as_what_became_of_it(
    copy: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    merger, of_part = Merger(copy.committer, lambda _: True, 60), checking.check_part
    left = [copy.recordings[0].recording_id, copy.recordings[3].recording_id]
    seen: list[str] = []

    def and_change(storage: object, entry: object, profile: object) -> Iterator[str]:
        merger.run()
        if left:
            purge(copy.committer, [left.pop()])
        seen.append(entry.name)  # type: ignore[attr-defined]
        return of_part(storage, entry, profile)  # type: ignore[arg-type]

    monkeypatch.setattr(checking, "check_part", and_change)
    assert said(copy) == []
    live = {one.name for one in copy.reader.snapshot.refreshed().parts()}
    assert live <= set(seen)
    assert len(seen) > len(live)

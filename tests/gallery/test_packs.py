"""Packs of pictures: read where rows say, erased without moving others, every byte checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.errors import GalleryError
from workbench.gallery.entries import PackEntry
from workbench.gallery.packs import (
    MAGIC,
    Address,
    Picture,
    divide,
    erase,
    read_pictures,
    records,
    write_pack,
)
from workbench.gallery.storage import ObjectGone, Storage


def picture(recording: int, ordinal: int, rank: int = 0, size: int = 50) -> Picture:
    template = np.full(4, recording + ordinal / 10, np.float32)
    return Picture(f"{recording:016x}", ordinal, rank, template, bytes([65 + ordinal]) * size)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage.at(tmp_path / "kept")
    made.prepare()
    return made


def test_pictures_come_back_from_where_they_were_put(storage: Storage) -> None:
    pictures = [picture(1, 0), picture(1, 0, 1, 70), picture(2**64 - 1, 3, 0, 0)]
    entry, addresses = write_pack(storage, PackEntry("ab" * 8, 7, 20_541, 0, 0, ""), pictures)
    assert entry.object == "packs/2026-03-29/" + "ab" * 8 + ".pack"
    assert entry.live_bytes == entry.bytes - len(MAGIC) == sum(one.length for one in pictures)
    assert storage.digest(entry.object) == (entry.bytes, entry.sha256)
    backwards = read_pictures(storage, lambda number: {7: entry}[number], addresses[::-1], 4)
    for wanted, found in zip(pictures[::-1], backwards, strict=True):
        assert found.jpeg == wanted.jpeg
        assert (found.recording_id, found.ordinal, found.rank) == (
            wanted.recording_id, wanted.ordinal, wanted.rank
        )  # fmt: skip
        assert np.array_equal(found.template, wanted.template)
    assert [one.address for one in records(storage, entry)] == addresses


def test_pictures_of_a_recording_share_a_pack_where_they_fit() -> None:
    size = picture(1, 0).length
    room = len(MAGIC) + 3 * size
    recordings = [[picture(n, k) for k in range(count)] for n, count in enumerate((2, 2, 1, 7, 1))]
    packs = divide(recordings, room)
    assert [[int(one.recording_id, 16) for one in pack] for pack in packs] == [
        [0, 0], [1, 1, 2], [3, 3, 3], [3, 3, 3], [3, 4]
    ]  # fmt: skip
    assert divide([[picture(1, 0, size=1000)]], 100)[0][0].length > 100
    assert divide([], 100) == []


def test_what_is_erased_is_in_no_byte_and_all_others_stay_where_they_are(storage: Storage) -> None:
    pictures = [picture(n, n) for n in range(3)]
    old, addresses = write_pack(storage, PackEntry("ab" * 8, 1, 0, 0, 0, ""), pictures)
    new = erase(storage, old, PackEntry("cd" * 8, 1, 0, 0, 0, ""), [addresses[1]])
    assert (new.bytes, new.live_bytes) == (old.bytes, old.live_bytes - addresses[1].length)
    content = Path(storage.where(new.object)).read_bytes()
    assert b"BBBB" not in content
    assert pictures[1].template.tobytes() not in content
    assert (1).to_bytes(8, "little") not in content
    first, last = read_pictures(storage, lambda _: new, [addresses[0], addresses[2]], 4)
    assert (first.jpeg, last.jpeg) == (pictures[0].jpeg, pictures[2].jpeg)
    with pytest.raises(GalleryError, match="a picture in it was removed"):
        read_pictures(storage, lambda _: new, [addresses[1]], 4)
    assert [(one.is_erased, one.is_whole) for one in records(storage, new)] == [
        (False, True), (True, True), (False, True)
    ]  # fmt: skip
    again = erase(storage, new, PackEntry("ef" * 8, 1, 0, 0, 0, ""), addresses[:2])
    assert again.live_bytes == addresses[2].length
    with pytest.raises(GalleryError, match="not as it was stored"):
        erase(storage, old, PackEntry("01" * 8, 1, 0, 0, 0, ""), [Address(1, 9, 20)])
    assert len(storage.names("packs")) == 3  # what was refused left nothing


def test_an_altered_byte_and_a_lost_pack_are_told(storage: Storage) -> None:
    entry, addresses = write_pack(storage, PackEntry("ab" * 8, 1, 0, 0, 0, ""), [picture(1, 2)])
    path = Path(storage.where(entry.object))
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    for place in range(len(MAGIC), len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(GalleryError, match="not as it was stored"):
            read_pictures(storage, lambda _: entry, addresses, 4)
    path.write_bytes(whole[:-1])
    with pytest.raises(GalleryError, match="ends too early"):
        [*records(storage, entry)]
    storage.delete([entry.object])
    assert not path.parent.exists()
    with pytest.raises(ObjectGone):
        read_pictures(storage, lambda _: entry, addresses, 4)
    with pytest.raises(GalleryError, match="is not the name of an object"):
        storage.read(entry._replace(name="../../etc").object, 0, 1)

"""Parts: what is scanned follows from people's rows, is mapped without descriptors, and checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from workbench.domain import Camera, IndexedRecording, Profile, Stretch, to_microseconds
from workbench.errors import GalleryError
from workbench.gallery.entries import PartEntry, day_of
from workbench.gallery.order import DAY
from workbench.gallery.packs import Address
from workbench.gallery.parts import Content, Part, check_part, join, most_rows, write_part
from workbench.gallery.planning import allowed_in, places_of, rows_inside
from workbench.gallery.rows import (
    DOUBT,
    by_day,
    notes_of,
    pictures_of,
    recording_rows,
    tracklet_rows,
)
from workbench.gallery.storage import ObjectGone, Storage

Make = Callable[..., IndexedRecording]
CAMERAS = [Camera(f"C{n}", f"Camera {n}", 51.48 + n / 1000, -0.01) for n in range(5)]
CAMERAS.append(Camera("C5", "Bus", None, None))
PLACES = places_of(CAMERAS)


def content_of(recordings: list[IndexedRecording], dimension: int) -> Content:
    """Rows of recordings, whose pictures are nowhere."""
    addresses, offset = {}, 8
    for one in recordings:
        for shot in pictures_of(one):
            key = shot.recording_id, shot.ordinal, shot.rank
            addresses[key] = Address(1, offset, shot.length)
            offset += shot.length
    now = datetime(2026, 3, 29, tzinfo=UTC)
    return recording_rows(recordings, now), tracklet_rows(recordings, addresses, dimension)


@pytest.fixture(params=["euclidean", "cosine"])
def kind(request: pytest.FixtureRequest, profile: Profile) -> Profile:
    return replace(profile, metric=request.param)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    made = Storage.at(tmp_path / "kept")
    made.prepare()
    return made


@pytest.fixture
def recordings(indexed: Make, joined: IndexedRecording) -> list[IndexedRecording]:
    made = [indexed(n % 5, n * 7, tuple(range(10 * n, 10 * n + 4))) for n in range(9)]
    return [*made[::-1], joined]


@pytest.fixture
def entry(storage: Storage, recordings: list[IndexedRecording], kind: Profile) -> PartEntry:
    content = content_of(recordings, kind.dimension)
    (day,) = by_day(*content)
    return write_part(storage, "ab" * 8, content, day=day, places=PLACES, profile=kind)


def descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_a_part_has_each_tracklet_in_order_and_keeps_no_descriptor(
    storage: Storage, entry: PartEntry, recordings: list[IndexedRecording], kind: Profile
) -> None:
    before = descriptors()
    part = Part(storage, entry, kind)
    assert (len(part), len(part.unsearchable)) == (41, 10)
    assert (entry.recordings, entry.tracklets, entry.templates) == (10, 51, 41)
    assert part.templates.flags.writeable is False
    assert descriptors() == before
    seen = {
        (one.recording_id, t.ordinal): (one, t)
        for one in recordings
        for t in one.tracklets
        if t.template is not None
    }
    assert part.cameras[-1] == "C5"  # without a place, after all others
    assert entry.place_high == PLACES["C5"] > 2**48
    assert np.array_equal(part.camera, np.sort(part.camera))
    shown = part.best_shots(np.arange(len(part)))
    for row, shot in enumerate(shown):
        key = f"{int(part.recording[row]):016x}", int(part.ordinal[row])
        one, tracklet = seen.pop(key)
        best = tracklet.shots[0]
        assert part.cameras[part.camera[row]] == one.recording.camera_id
        assert part.first_seen[row] == to_microseconds(tracklet.first_seen)
        assert part.last_seen[row] == to_microseconds(tracklet.last_seen)
        assert (shot["seconds"], shot["time"], shot["quality"]) == (
            best.seconds, to_microseconds(best.time), best.quality.overall
        )  # fmt: skip
        assert shot["address"].pack == 1
        wanted = tracklet.template.astype(np.float64)
        if kind.metric == "cosine":
            wanted /= np.linalg.norm(wanted)
        assert np.allclose(part.templates[row], wanted, atol=1e-6)
        loss = part.templates[row] - part.scale[row] * part.codes[row]
        assert np.linalg.norm(loss) <= part.lost
    assert not seen
    assert part.histogram.sum() == len(part)
    assert len(part.square) == (len(part) if kind.metric == "euclidean" else 0)


def test_a_part_that_is_written_again_is_the_same_bit_by_bit_and_so_are_its_pieces(
    storage: Storage, entry: PartEntry, recordings: list[IndexedRecording], kind: Profile
) -> None:
    part = Part(storage, entry, kind)
    again = write_part(
        storage, "cd" * 8, part.content(), day=entry.day, places=PLACES, profile=kind
    )
    assert again == entry._replace(name=again.name)
    halves = []
    for n, some in enumerate((recordings[::2], recordings[1::2])):
        half = write_part(
            storage, f"{n:016x}", content_of(some, kind.dimension),
            day=entry.day, places=PLACES, profile=kind,
        )  # fmt: skip
        halves.append(Part(storage, half, kind).content())
    merged = write_part(
        storage, "ef" * 8, join(halves[::-1]), day=entry.day, places=PLACES, profile=kind
    )
    whole, joint = part, Part(storage, merged, kind)
    for name in ("templates", "codes", "scale", "camera", "recording", "ordinal", "notes"):
        assert np.array_equal(getattr(whole, name), getattr(joint, name)), name
    assert [*check_part(storage, merged, kind)] == []


def test_every_altered_file_of_a_part_is_told(
    storage: Storage, entry: PartEntry, kind: Profile
) -> None:
    assert [*check_part(storage, entry, kind)] == []
    for file in entry.files:
        path = Path(storage.where(entry.object(file.name)))
        whole = path.read_bytes()
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        (told,) = check_part(storage, entry, kind)
        assert told.startswith(f"{file.name} was altered")
        path.write_bytes(whole)
    other = entry._replace(uncertain=entry.uncertain + 1)
    assert [*check_part(storage, other, kind)] == [
        "the manifest says other times than tracklets.parquet"
    ]
    path.write_bytes(whole[:-20])
    with pytest.raises(GalleryError):
        Part(storage, entry, kind).content()
    storage.delete([entry.object("scan.arrow")])
    with pytest.raises(ObjectGone):
        Part(storage, entry, kind)


def test_a_file_whose_rows_are_not_those_of_the_others_is_told(
    storage: Storage, entry: PartEntry, recordings: list[IndexedRecording], kind: Profile
) -> None:
    """Also where each file is as it was written."""
    other = write_part(
        storage, "cd" * 8, content_of(recordings[:-1], kind.dimension),
        day=entry.day, places=PLACES, profile=kind,
    )  # fmt: skip
    files = {file.name: file for file in entry.files} | {other.files[2].name: other.files[2]}
    source = Path(storage.where(other.object(other.files[2].name)))
    Path(storage.where(entry.object(other.files[2].name))).write_bytes(source.read_bytes())
    mixed = entry._replace(files_json=json.dumps([*files.values()]))
    assert [*check_part(storage, mixed, kind)] == [
        "unsearchable.arrow does not agree with tracklets.parquet"
    ]


def test_rows_that_cannot_be_those_of_a_part_are_refused(
    storage: Storage, recordings: list[IndexedRecording], profile: Profile, indexed: Make
) -> None:
    content = content_of(recordings, profile.dimension)
    (day,) = by_day(*content)

    def write(content: Content, day: int = day) -> None:
        write_part(storage, "ab" * 8, content, day=day, places=PLACES, profile=profile)

    with pytest.raises(GalleryError, match="would hold rows of day"):
        write(content, day + 1)
    one = indexed(0, 0, (1,))
    (tracklet, *rest) = one.tracklets
    for wrong in (
        replace(tracklet, template=np.full(profile.dimension, np.nan, np.float32)),
        replace(tracklet, shots=()),
    ):
        with pytest.raises(GalleryError, match=r"template is zero or not finite|without a shot"):
            write(content_of([replace(one, tracklets=(wrong, *rest))], profile.dimension))
    assert storage.names("parts") == []
    assert most_rows(128) * (5 * 128 + 650) <= 2**27


def test_a_recording_over_midnight_has_rows_of_two_days(
    storage: Storage, indexed: Make, profile: Profile
) -> None:
    late = indexed(0, 24 * 60 - 3, (1, 2, 3, 4, 5))
    days = by_day(*content_of([late, indexed(1, 0, (6,))], profile.dimension))
    first = day_of(to_microseconds(late.started_at))
    assert {day: (r.num_rows, t.num_rows) for day, (r, t) in days.items()} == {
        first: (2, 5), first + 1: (0, 3)
    }  # fmt: skip
    entry = write_part(
        storage, "ab" * 8, days[first + 1], day=first + 1, places=PLACES, profile=profile
    )
    assert (entry.recordings, entry.templates) == (0, 2)
    assert len(Part(storage, entry, profile)) == 2


def test_rows_inside_a_scope_are_those_that_a_look_at_each_finds(
    storage: Storage, entry: PartEntry, kind: Profile
) -> None:
    part = Part(storage, entry, kind)
    random = np.random.default_rng(1)
    begin = entry.day * DAY
    for _ in range(200):
        chosen = {one.camera_id for one in CAMERAS if random.random() < 0.5}
        edges = np.sort(random.integers(0, DAY, 2 * random.integers(1, 4))) + begin
        spans = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
        if random.random() < 0.3:
            spans = [(begin, begin + DAY)]
        least = float(random.choice([0.0, 0.9]))
        for keys, quality in ((part, part.quality), (part.unsearchable, None)):
            pieces = rows_inside(
                keys, allowed_in(keys, dict.fromkeys(chosen)), spans, quality=quality,
                least_quality=least,
            )  # fmt: skip
            found = [
                row
                for piece in pieces
                for row in (range(len(keys))[piece] if isinstance(piece, slice) else piece.tolist())
            ]
            assert found == [
                row
                for row in range(len(keys))
                if keys.cameras[keys.camera[row]] in chosen
                and any(keys.first_seen[row] < b and keys.last_seen[row] >= a for a, b in spans)
                and (quality is None or not least or quality[row] >= np.float32(least))
            ]


def test_notes_say_which_times_are_open() -> None:
    open_doubt = (Stretch(), Stretch(from_seconds=100.0, doubt="joined"))
    assert [notes_of(open_doubt, *span) for span in ((0, 99), (50, 100), (150, 160))] == [
        0, DOUBT, DOUBT
    ]  # fmt: skip
    settled = replace(
        open_doubt[1], found_at=datetime(2026, 1, 1, tzinfo=UTC), given_for="recording"
    )
    assert notes_of((open_doubt[0], settled), 150, 160) == 0
    assert notes_of((replace(open_doubt[0], note="old rules"), settled), 50, 160) == 2

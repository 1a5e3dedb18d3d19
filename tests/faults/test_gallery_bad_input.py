"""What a gallery does with a disk that is full or read-only, and with clocks that jump."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest
from filling import CAMERA, PROFILE, START, TRACKLETS, numbered

from workbench.district import from_geojson
from workbench.domain import Profile, Scope
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.duck import refusal
from workbench.gallery.search import search
from workbench.permit.issuing import issue

RING = [[-0.1, 51.4], [0.1, 51.4], [0.1, 51.6], [-0.1, 51.6], [-0.1, 51.4]]
DISTRICT = from_geojson({"type": "Polygon", "coordinates": [RING]}, name="all")

# Stores recordings until the disk is full; must not be ended by a signal.
FILL = """
import sys
sys.path.insert(0, {folder!r})
from filling import numbered
from workbench.errors import GalleryError
from workbench.gallery import Gallery
with Gallery.open({path!r}, write=True) as gallery:
    number = {first}
    while True:
        try:
            gallery.add_recording(numbered(number))
        except GalleryError as error:
            print(number, error, flush=True)
            raise SystemExit(3)
        number += 1
"""


def fill(path: Path, first: int) -> subprocess.CompletedProcess[str]:
    code = FILL.format(
        folder=str(Path(__file__).parents[1] / "support"), path=str(path), first=first
    )
    return subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=600
    )


@pytest.mark.slow
def test_a_full_disk_is_told_and_costs_no_finished_recording(small_disk) -> None:
    folder = small_disk("size=24m")
    path = folder / "gallery.duckdb"
    with Gallery.create(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(19_000_000))
    done = fill(path, 0)
    assert done.returncode == 3, done.stderr  # and not a signal
    number, said = done.stdout.split(" ", 1)
    assert int(number) > 9
    assert "cannot be written" in said
    assert "what was stored before is kept" in said
    with Gallery.open(path) as gallery:  # reading needs no room
        names = sorted(gallery.recordings()["file"], key=lambda name: int(name[:-4]))
        assert names == [f"{n}.mp4" for n in range(int(number))]
        assert not list(check(gallery))
    ballast.unlink()
    with Gallery.open(path, write=True) as gallery:
        gallery.add_recording(numbered(int(number)))
        assert len(gallery.recordings()) == int(number) + 1
        assert not list(check(gallery))


def test_a_read_only_disk_is_read_and_refuses_writing(small_disk) -> None:
    folder = small_disk("size=24m")
    path = folder / "gallery.duckdb"
    with Gallery.create(path, PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        gallery.add_recording(numbered(1))
    small_disk("remount,ro")
    with Gallery.open(path) as gallery:
        assert len(gallery.recordings()) == 1
        assert not list(check(gallery))
        with gallery.connection() as connection:
            rows = connection.execute("SELECT count(*) FROM sightings_view").fetchall()
            assert rows == [(TRACKLETS,)]
    for attempt in (
        lambda: Gallery.open(path, write=True),
        lambda: Gallery.create(folder / "other.duckdb", PROFILE),
    ):
        with pytest.raises(GalleryError, match=r"cannot be written.*Read-only"):
            attempt()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Permission denied", r"cannot be opened \(Permission denied\).*Ask the person who runs"),
        ("No space left on device", "cannot be written: the disk is full.*Free some space"),
        ("Could not set lock on file", "is in use by another process"),
    ],
)
def test_what_the_disk_refuses_is_no_damage(tmp_path: Path, reason: str, said: str) -> None:
    error = duckdb.IOException(f'IO Error: Cannot open file "x": {reason}')
    told = str(refusal(tmp_path / "gallery.duckdb", error))
    assert re.search(said, told)
    assert "Restore" not in told
    assert "index the footage again" not in told


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "gallery.duckdb", PROFILE) as made:
        made.add_cameras([CAMERA])
        yield made


def test_a_clock_that_went_back_leaves_both_recordings_searchable(gallery: Gallery) -> None:
    """The camera's clock was put back by ten seconds between two recordings, then by a day."""
    for number, shift in ((1, 0), (2, 30), (3, 86_400)):
        one = numbered(number)
        back = timedelta(seconds=shift)
        gallery.add_recording(
            replace(
                one,
                recording=replace(one.recording, started_at=one.recording.started_at - back),
                tracklets=tuple(
                    replace(t, first_seen=t.first_seen - back, last_seen=t.last_seen - back)
                    for t in one.tracklets
                ),
            )
        )
    everything = Scope(DISTRICT, START - timedelta(days=2), START + timedelta(days=2))
    for number in (1, 2, 3):
        template = numbered(number).tracklets[3].template
        permit = issue("T", "t", 1, gallery=gallery.path, template=template, scope=everything)
        best = search(gallery, template, everything, permit=permit, top=1)[0]
        assert best.recording == f"{number}.mp4"
        assert best.score == pytest.approx(1.0, abs=1e-6)
    (other, seconds), *_ = gallery.overlapping(numbered(1))
    assert (other, seconds) == ("2.mp4", 10.0)  # 10 to 30 s against 20 to 40 s
    assert not list(check(gallery))


def test_what_ends_before_it_begins_is_refused_whole(gallery: Gallery) -> None:
    whole = numbered(1)
    first = whole.tracklets[2]
    turned = replace(first, last_seen=first.first_seen - timedelta(seconds=1))
    bad = replace(whole, tracklets=(*whole.tracklets[:2], turned, *whole.tracklets[3:]))
    with pytest.raises(GalleryError, match=r"1\.mp4: tracklet 2 ends at .* before it begins"):
        gallery.add_recording(bad)
    with pytest.raises(GalleryError, match="the recording ends"):
        gallery.add_recording(replace(whole, seconds=-1.0))
    assert len(gallery.recordings()) == 0
    gallery.add_recording(whole)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.full(16, np.nan), "not a finite vector of 16"),
        (np.full(16, np.inf), "not a finite vector of 16"),
        (np.zeros(17), "not a finite vector of 16"),
        (np.zeros((1, 16)), "not a finite vector of 16"),
        (np.zeros(16), "is zero"),
    ],
)
@pytest.mark.parametrize("pooled", [True, False])
def test_templates_that_mean_nothing_are_refused(
    tmp_path: Path, bad: np.ndarray, says: str, pooled: bool
) -> None:
    cosine: Profile = replace(PROFILE, metric="cosine")
    whole = numbered(1)
    vector, first = bad.astype(np.float32), whole.tracklets[0]
    if pooled:
        spoilt = replace(first, template=vector)
    else:
        spoilt = replace(first, shots=(replace(first.shots[0], template=vector),))
    with Gallery.create(tmp_path / "cosine.duckdb", cosine) as gallery:
        gallery.add_cameras([CAMERA])
        with pytest.raises(GalleryError, match=says):
            gallery.add_recording(replace(whole, tracklets=(spoilt, *whole.tracklets[1:])))
        assert not gallery.holds(whole.recording_id)


def test_a_recording_comes_once_also_inside_one_batch(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="is in the gallery already"):
        gallery.add_recordings([numbered(1), numbered(2), numbered(1)])
    assert len(gallery.recordings()) == 0


def test_a_scope_without_footage_is_told_from_one_without_a_match(gallery: Gallery) -> None:
    gallery.add_recording(numbered(1))
    empty = Scope(DISTRICT, START + timedelta(days=3), START + timedelta(days=4))
    template = numbered(1).tracklets[0].template
    permit = issue("T", "t", 1, gallery=gallery.path, template=template, scope=empty)
    assert search(gallery, template, empty, permit=permit, top=5) == []
    coverage = gallery.coverage(empty)
    assert (coverage.cameras, coverage.cameras_with_footage, coverage.recordings) == (1, 0, 0)

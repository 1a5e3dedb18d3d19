"""A gallery holds recordings whole or not at all, and says clearly what it cannot do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from workbench.district import from_geojson
from workbench.domain import Candidate, District, IndexedRecording, Profile, Scope
from workbench.errors import DistrictError, GalleryBusy, GalleryError, ProfileMismatch
from workbench.gallery import Gallery
from workbench.gallery import search as gallery_search
from workbench.gallery.checking import check
from workbench.gallery.opening import folder_of
from workbench.permit.issuing import issue

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
Make = Callable[..., IndexedRecording]


def search(
    gallery: Gallery, template: np.ndarray, scope: Scope, *, top: int | None = None
) -> list[Candidate]:
    """The gallery's own search, with a permit for the question as casework issues them."""
    permit = issue("TEST", "test", 1, gallery=gallery.path, template=template, scope=scope)
    return gallery_search.search(gallery, template, scope, permit=permit, top=top)


def rectangle(south: float, north: float) -> District:
    ring = [[-0.1, south], [0.1, south], [0.1, north], [-0.1, north], [-0.1, south]]
    return from_geojson({"type": "Polygon", "coordinates": [ring]}, name="test")


def test_coverage_tells_no_footage_from_nobody_seen(gallery: Gallery) -> None:
    everywhere = rectangle(51, 52)
    first = gallery.coverage(Scope(everywhere, START, START + timedelta(minutes=5)))
    assert (first.cameras, first.cameras_with_footage, first.recordings) == (6, 4, 4)
    assert first.footage_seconds == 4 * 300
    assert (first.tracklets, first.unsearchable) == (20, 0)
    between = gallery.coverage(
        Scope(everywhere, START + timedelta(minutes=20), START + timedelta(minutes=50))
    )
    assert (between.recordings, between.footage_seconds, between.tracklets) == (0, 0, 0)


def test_cameras_on_the_border_are_inside(gallery: Gallery) -> None:
    inside = gallery.cameras_inside(rectangle(51.481, 51.483))
    assert [camera.camera_id for camera in inside] == ["C1", "C2", "C3"]


def test_what_is_kept_of_a_district_is_for_that_one_and_cannot_be_written_to(
    gallery: Gallery,
) -> None:
    narrow, wide = rectangle(51.481, 51.483), rectangle(51.0, 52.0)
    wanted = [gallery.inside(one).tolist() for one in (narrow, wide)]
    assert sum(wanted[0]) == 3
    assert all(wanted[1])
    places = gallery.places
    kept = places.inside(narrow)
    assert places.inside(replace(narrow, name="another name")) is kept
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = True
    assert [places.inside(one).tolist() for one in (wide, narrow)] == wanted[::-1]


def test_a_district_without_a_camera_is_refused(gallery: Gallery) -> None:
    with pytest.raises(DistrictError, match="holds no camera of this gallery"):
        gallery.cameras_inside(rectangle(10, 11))


def test_another_profile_is_refused(path: Path, gallery: Gallery, profile: Profile) -> None:
    gallery.close()
    other = replace(profile, weights=(("a.dat", "ff"),))
    with pytest.raises(ProfileMismatch, match="was made with profile test"):
        Gallery.open(path, profile=other)


def test_one_process_writes_and_others_read_meanwhile(path: Path, gallery: Gallery) -> None:
    gallery.close()
    code = f"""
        import sys
        from workbench.gallery import Gallery
        with Gallery.open({str(path)!r}, write=True):
            print("open", flush=True)
            sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(GalleryBusy, match="is in use by another process"):
            Gallery.open(path, write=True)
        with Gallery.open(path) as reader:
            assert len(reader.recordings()) == 12
        other.communicate("")
    Gallery.open(path, write=True).close()


def test_a_damaged_part_is_told(path: Path, gallery: Gallery) -> None:
    scope = Scope(rectangle(51, 52), START, START + timedelta(days=1))
    gallery.close()
    for name in ("scan.arrow", "exact.arrow"):
        column = next(folder_of(path).rglob(name))
        whole = column.read_bytes()
        column.write_bytes(whole[: len(whole) // 2])
        with Gallery.open(path) as reader, pytest.raises(GalleryError, match="cannot be read"):
            search(reader, np.ones(8, np.float32), scope)
        column.write_bytes(whole)
    rows = next(folder_of(path).rglob("tracklets.parquet"))
    rows.write_bytes(rows.read_bytes()[:-100])
    with Gallery.open(path) as reader, pytest.raises(GalleryError, match="cannot be read"):
        reader.tracklets()


def test_what_is_purged_is_in_no_file_any_more(path: Path, gallery: Gallery) -> None:
    row = gallery.templates().to_pylist()[3]
    vector = np.array(row["template"], np.float32)
    name, before = row["recording_id"], gallery.templates().num_rows
    (kept,) = gallery.arrow(
        "SELECT count(*) AS n FROM tracklets WHERE recording_id <> ?", [name]
    ).to_pylist()
    assert gallery.purge([name]) == {"recordings": 1, "tracklets": 6}
    assert gallery.purge([name]) == {"recordings": 0, "tracklets": 0}
    assert len(gallery.tracklets()) == kept["n"]
    assert gallery.templates().num_rows < before
    files = [f for f in path.parent.rglob("*") if f.is_file()]
    assert files
    for file in files:
        content = file.read_bytes()
        assert vector.tobytes() not in content
        assert name.encode() not in content
    # The others still find themselves, each with its own picture.
    for other in gallery.templates().to_pylist():
        template = np.array(other["template"], np.float32)
        scope = Scope(rectangle(51, 52), START - timedelta(days=1), START + timedelta(days=1))
        best = search(gallery, template, scope, top=1)[0]
        assert best.tracklet_id == f"{other['recording_id']}-{other['ordinal']}"
        assert best.shot_jpeg == gallery.shots(best.tracklet_id)[0].jpeg


def test_a_gallery_is_never_overwritten(path: Path, gallery: Gallery, profile: Profile) -> None:
    with pytest.raises(GalleryError, match="there is a file already"):
        Gallery.create(path, profile)
    assert len(gallery.recordings()) == 12


def test_sql_reaches_no_other_file(gallery: Gallery, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        gallery.arrow("SELECT * FROM read_csv(?)", [str(secret)])


@pytest.mark.parametrize("word", ["", "x", "0123456789abcdef", "'; DROP TABLE shots; --"])
def test_what_is_no_tracklet_id_is_told(gallery: Gallery, word: str) -> None:
    with pytest.raises(GalleryError, match="is not the id of a tracklet"):
        gallery.shots(word)
    with pytest.raises(GalleryError, match="has no tracklet"):
        gallery.shots("0123456789abcdef-0")


def test_single_tracklets_are_purged_and_their_recording_stays(
    path: Path, gallery: Gallery
) -> None:
    rows = gallery.templates().to_pylist()
    one = next(row for row in rows if row["ordinal"] == 2)
    vector = np.array(one["template"], np.float32)
    name = f"{one['recording_id']}-2"
    assert gallery.purge(tracklet_ids=[name]) == {"recordings": 0, "tracklets": 1}
    assert len(gallery.recordings()) == 12
    assert len(gallery.tracklets()) == 71
    with pytest.raises(GalleryError, match="has no tracklet"):
        gallery.shots(name)
    assert list(check(gallery)) == []
    # It is the second best shot of the tracklet before it, too, which stays.
    (before,) = gallery.shots(f"{one['recording_id']}-1")[1:]
    assert np.array_equal(before.template, vector)
    left = {(row["recording_id"], row["ordinal"]) for row in gallery.templates().to_pylist()}
    assert left == {(r["recording_id"], r["ordinal"]) for r in rows} - {(one["recording_id"], 2)}

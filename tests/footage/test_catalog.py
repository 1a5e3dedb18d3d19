"""Catalogues: good rows go on, bad ones are told with their line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.errors import CatalogueError
from workbench.footage.catalog import read_catalogue

CAMERAS = "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n"
FOOTAGE = "file,camera_id,started_at\na.mp4,C1,2026-03-29T01:00:00+01:00\n"


def write(folder: Path, cameras: str = CAMERAS, footage: str = FOOTAGE) -> Path:
    (folder / "cameras.csv").write_text(cameras, encoding="utf-8")
    (folder / "footage.csv").write_text(footage, encoding="utf-8")
    return folder


def test_times_become_utc(tmp_path: Path) -> None:
    (recording,) = read_catalogue(write(tmp_path)).recordings
    assert recording.started_at == datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    assert recording.path == tmp_path / "a.mp4"


def test_cameras_may_come_as_geojson(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [-0.01, 51.48]}
    feature = {
        "type": "Feature",
        "geometry": point,
        "properties": {"camera_id": "C1", "name": "Quay"},
    }
    document = {"type": "FeatureCollection", "features": [feature]}
    (tmp_path / "cameras.geojson").write_text(json.dumps(document))
    (tmp_path / "footage.csv").write_text(FOOTAGE)
    (camera,) = read_catalogue(tmp_path).cameras
    assert (camera.longitude, camera.latitude, camera.name) == (-0.01, 51.48, "Quay")


def test_a_spreadsheet_s_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert read_catalogue(write(tmp_path, "\ufeff" + CAMERAS)).cameras[0].camera_id == "C1"


def test_a_known_clock_offset_is_taken_off(tmp_path: Path) -> None:
    footage = FOOTAGE.replace("started_at\n", "started_at,clock_offset_seconds\n")
    footage = footage.replace("+01:00\n", "+01:00,90\n")
    (recording,) = read_catalogue(write(tmp_path, footage=footage)).recordings
    assert recording.started_at == datetime(2026, 3, 28, 23, 58, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b.mp4,C9,2026-03-29T01:00:00Z", "camera 'C9' is not among the cameras"),
        ("b.mp4,C1,2026-03-29T01:00:00", "has no offset from UTC"),
        ("b.mp4,C1,yesterday", "is not an ISO 8601 time"),
        ("../b.mp4,C1,2026-03-29T01:00:00Z", "outside the catalogue's folder"),
        ("/etc/passwd,C1,2026-03-29T01:00:00Z", "outside the catalogue's folder"),
        (",C1,2026-03-29T01:00:00Z", "names no file"),
        ("b.mp4", "camera '' is not among"),
        ("a.mp4,C1,2026-03-29T05:00:00Z", "duplicate recording a.mp4"),
        ("night/*.jpg,C1,2026-03-29T05:00:00Z", "without a frame_rate"),
        ("b\0.mp4,C1,2026-03-29T05:00:00Z", "cannot be the name of a file"),
        (f"{'b' * 300}.mp4,C1,2026-03-29T05:00:00Z", "cannot be the name of a file"),
        (f"{'b/' * 3000},C1,2026-03-29T05:00:00Z", "cannot be the name of a file"),
        ("night/**.jpg,C1,2026-03-29T05:00:00Z", "cannot be the name of a file"),
        ("b.mp4,C1,0001-01-01T00:00:00+14:00", "before the year 1"),
        ("b.mp4,C1,9999-12-31T23:59:59-12:00", "after 9999"),
    ],
)
def test_a_bad_row_is_told_and_the_others_go_on(tmp_path: Path, row: str, said: str) -> None:
    catalogue = read_catalogue(write(tmp_path, footage=f"{FOOTAGE}{row}\n"))
    assert [recording.file for recording in catalogue.recordings] == ["a.mp4"]
    (problem,) = catalogue.problems
    assert problem.where == "footage.csv line 3"
    assert said in problem.what


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("C2,Far,151.48,-0.01", "not a place on Earth"),
        ("C2,Nan,nan,-0.01", "not a place on Earth"),
        ("C2,Word,north,-0.01", "latitude 'north' is not a number"),
        ("C1,Again,51.48,-0.01", "duplicate camera C1"),
        (",Nameless,51.48,-0.01", "without an id"),
    ],
)
def test_a_bad_camera_is_told_and_the_others_go_on(tmp_path: Path, row: str, said: str) -> None:
    catalogue = read_catalogue(write(tmp_path, f"{CAMERAS}{row}\n"))
    assert [camera.camera_id for camera in catalogue.cameras] == ["C1"]
    assert said in catalogue.problems[0].what


def test_absurd_numbers_are_refused_at_once(tmp_path: Path) -> None:
    """Some of them are a fraction of a thousand million digits, or more than a number may have."""
    for column, value, said in (
        ("pixel_aspect", "1e999999999", "is not the width of a pixel"),
        ("pixel_aspect", "1e-999999999:1", "is not the width of a pixel"),
        ("pixel_aspect", "-2:1", "is not the width of a pixel"),
        ("stream", "9" * 5000, "is not the number of a picture stream"),
        ("frame_rate", "1e-300", "frames per second is not possible"),
    ):
        footage = f"file,camera_id,started_at,{column}\na.mp4,C1,2026-03-29T01:00:00Z,{value}\n"
        catalogue = read_catalogue(write(tmp_path, footage=footage))
        assert not catalogue.recordings
        assert said in catalogue.problems[0].what


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    (problem,) = read_catalogue(write(tmp_path)).problems
    assert "cannot be the name of a file" in problem.what


@pytest.mark.parametrize("text", ["[" * 100_000, '{"features": {}}', "null"])
def test_what_is_no_list_of_points_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "cameras.geojson").write_text(text)
    with pytest.raises(CatalogueError, match="is not a GeoJSON FeatureCollection"):
        read_catalogue(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"x")
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "a.mp4").symlink_to(secret)
    catalogue = read_catalogue(write(folder))
    assert not catalogue.recordings
    assert "outside the catalogue's folder" in catalogue.problems[0].what


@pytest.mark.parametrize(
    ("cameras", "footage", "said"),
    [
        ("camera_id,name\nC1,Quay\n", FOOTAGE, "has no column latitude, longitude"),
        (CAMERAS, "file,camera_id\n", "has no column started_at"),
        ("camera_id,name,latitude,longitude\n", FOOTAGE, "no camera can be used"),
        (CAMERAS, 'file,camera_id,started_at\n"a.mp4,C1', "cannot be read as a table"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(
    tmp_path: Path, cameras: str, footage: str, said: str
) -> None:
    with pytest.raises(CatalogueError, match=said):
        read_catalogue(write(tmp_path, cameras, footage))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"cameras\.csv: is missing"):
        read_catalogue(tmp_path)
    with pytest.raises(CatalogueError, match="is not a folder"):
        read_catalogue(tmp_path / "nowhere")


def test_a_sequence_of_pictures_has_a_frame_rate(tmp_path: Path) -> None:
    footage = "file,camera_id,started_at,frame_rate\nnight/*.jpg,C1,2026-03-29T01:00:00Z,"
    (recording,) = read_catalogue(write(tmp_path, footage=f"{footage}0.5\n")).recordings
    assert recording.frame_rate == 0.5
    for bad in ("fast", "0", "-1", "nan"):
        catalogue = read_catalogue(write(tmp_path, footage=f"{footage}{bad}\n"))
        assert not catalogue.recordings
        assert "frame" in catalogue.problems[0].what

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

from workbench.domain import Camera, Candidate, District
from workbench.maps.export import sightings_csv, sightings_geojson
from workbench.maps.picture import sightings_png

LONDON = ZoneInfo("Europe/London")
Make = Callable[..., Candidate]


def test_csv_has_a_row_for_each_candidate_best_first(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0, 0.6), make_candidate(cameras[1], 45, 0.9)]
    page = sightings_csv(found, zone=LONDON, confirmed={found[0].tracklet_id})
    best, second = csv.DictReader(io.StringIO(page))
    assert (best["camera"], best["score"], best["confirmed"]) == ("Station", "0.9", "False")
    assert best["first_seen"] == "2026-03-29T01:15:00+00:00"
    assert best["first_seen_local"] == "Sun 29 Mar 2026, 02:15:00 BST"
    assert (second["number"], second["confirmed"]) == ("2", "True")
    both = {one.tracklet_id for one in found}  # sightings are numbered by time, as on their page
    first, _ = csv.DictReader(io.StringIO(sightings_csv(found, zone=LONDON, confirmed=both)))
    assert (first["number"], first["score"]) == ("1", "0.6")


def test_csv_of_nothing_keeps_its_header() -> None:
    assert sightings_csv([], zone=LONDON).startswith("number,tracklet_id,")


def test_a_spreadsheet_runs_nothing(make_candidate: Make, cameras: list[Camera]) -> None:
    camera = replace(cameras[0], name='=HYPERLINK("http://x.example")')
    page = sightings_csv([make_candidate(camera, recording="@SUM(A1)")], zone=LONDON)
    (row,) = csv.DictReader(io.StringIO(page))
    assert row["camera"] == """'=HYPERLINK("http://x.example")"""
    assert row["recording"] == "'@SUM(A1)"
    assert float(row["longitude"]) == -0.01  # a number below zero is a number


def test_geojson_is_points_with_longitude_first(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    collection = sightings_geojson([make_candidate(cameras[0], 0)], zone=LONDON)
    (feature,) = json.loads(json.dumps(collection))["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-0.01, 51.48]}
    assert feature["properties"]["camera_id"] == "CAM-1"
    assert "longitude" not in feature["properties"]


def test_picture_shows_candidates_where_they_are(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    found = [make_candidate(cameras[0], 0), make_candidate(cameras[1], 40)]

    def colours(confirmed: set[str]) -> set[tuple[int, int, int]]:
        png = sightings_png(found, confirmed=confirmed, cameras=cameras, district=district)
        with Image.open(io.BytesIO(png)) as picture:
            assert picture.size == (1600, 1000)
            pixels = picture.convert("RGB")
            return {colour for count, colour in pixels.getcolors(2**24) if count > 20}

    candidate, sure = (0x7A, 0x1F, 0x5C), (0x0B, 0x5D, 0x4E)
    assert candidate in colours(set())
    assert sure not in colours(set())
    assert sure in colours({found[0].tracklet_id})


def test_picture_needs_neither_candidates_nor_cameras() -> None:
    assert sightings_png([]).startswith(b"\x89PNG")


def test_every_file_says_what_it_is_and_what_was_rejected(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0, 0.9), make_candidate(cameras[1], 40, 0.7)]
    said: dict[str, Any] = {
        "facts": {"title": "Candidates", "case": "A-1: =1+1", "threshold": "0.48"},
        "notices": ["Training: not real."], "rejected": {found[1].tracklet_id},
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(sightings_csv(found, zone=LONDON, **said))))
    assert [row["rejected"] for row in rows] == ["False", "True"]
    for row in rows:
        assert (row["case"], row["threshold"]) == ("A-1: =1+1", "0.48")
        assert row["notice"] == "Training: not real."
    collection = sightings_geojson(found, zone=LONDON, **said)
    assert collection["about"] == said["facts"]
    assert [f["properties"]["rejected"] for f in collection["features"]] == [False, True]
    with Image.open(io.BytesIO(sightings_png(found, cameras=cameras, **said))) as picture:
        told = picture.text["Description"]
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**24)}
    for words in ("Training: not real.", "Case: A-1", "Threshold: 0.48", "“not same”, grey"):
        assert words in told
    assert (0x6B, 0x72, 0x80) in colours
    assert "2 candidates at 2 cameras" in told
    assert "possible route" in told
    both = {one.tracklet_id for one in found}
    with Image.open(io.BytesIO(sightings_png(found, cameras=cameras, confirmed=both))) as picture:
        told = picture.text["Description"]
    assert "2 sightings at 2 cameras" in told
    assert "possible" not in told

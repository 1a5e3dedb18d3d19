"""The demo's files agree with each other and with the code that renders them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from shapely import Point

from tools.fennmouth.bodies import Figure
from tools.fennmouth.build import FPS, frames, photographs, render_town
from tools.fennmouth.people import CAST
from tools.fennmouth.town import CLIPS, DISTRICTS, Clip, district_geojson, streets_geojson
from workbench import district
from workbench.demo import DemoTown, demo_town
from workbench.domain import Progress
from workbench.maps.basemap import read_base_map
from workbench.maps.zones import local_zone

pytestmark = pytest.mark.slow  # people and streets are drawn
HALF_A_SECOND = 0.5
RENDERED = CLIPS[4]


@pytest.fixture(scope="module")
def town() -> DemoTown:
    return demo_town()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cameras(town: DemoTown) -> dict[str, tuple[float, float]]:
    return {
        row["camera_id"]: (float(row["longitude"]), float(row["latitude"]))
        for row in rows(town.root / "cameras.csv")
    }


def seconds_of(path: Path) -> float:
    with av.open(str(path)) as container:
        return container.streams.video[0].frames / FPS


def figures(clip: Clip) -> dict[str, Figure]:
    walking = {walk.person for walk in clip.walks}
    return {person.name: Figure(person.traits) for person in CAST if person.name in walking}


def test_demo_is_small_enough_to_be_committed(town: DemoTown) -> None:
    size = sum(file.stat().st_size for file in town.root.rglob("*") if file.is_file())
    assert 1_000_000 < size <= 4_000_000


def test_every_recording_has_its_clip_and_its_camera(town: DemoTown) -> None:
    footage = rows(town.root / "footage.csv")
    clips = {f"clips/{path.name}" for path in (town.root / "clips").iterdir()}
    assert {row["file"] for row in footage} == clips
    assert len(footage) == len(clips) >= 12
    assert {row["camera_id"] for row in footage} == set(cameras(town))
    assert len(cameras(town)) >= 8


def test_recordings_lie_within_the_hour(town: DemoTown) -> None:
    assert town.end - town.start == timedelta(hours=1)
    assert town.start.utcoffset() == timedelta(0)
    for row in rows(town.root / "footage.csv"):
        started = datetime.fromisoformat(row["started_at"])
        assert started.utcoffset() == started.astimezone(town.time_zone).utcoffset()
        length = timedelta(seconds=seconds_of(town.root / row["file"]))
        assert timedelta(seconds=8) <= length <= timedelta(seconds=12)
        assert town.start <= started
        assert started + length <= town.end


def test_cameras_stand_where_clocks_show_the_town_s_time(town: DemoTown) -> None:
    for longitude, latitude in cameras(town).values():
        assert local_zone(longitude, latitude) == town.time_zone


def test_truth_lies_within_the_clips(town: DemoTown) -> None:
    recordings = {row["file"]: row for row in rows(town.root / "footage.csv")}
    assert len(town.truth) >= 24
    for appearance in town.truth:
        row = recordings[appearance.file]
        start = datetime.fromisoformat(row["started_at"]).astimezone(UTC)
        end = start + timedelta(seconds=seconds_of(town.root / appearance.file))
        assert appearance.camera_id == row["camera_id"]
        assert start <= appearance.first_seen < appearance.last_seen <= end


def test_every_face_is_large_enough_for_a_second(town: DemoTown) -> None:
    truth = json.loads((town.root / "truth.json").read_text(encoding="utf-8"))
    for appearance in truth["appearances"]:
        large = [int(n) for n, box in appearance["boxes"].items() if box[2] >= 52]
        assert (max(large) - min(large)) / truth["fps"] >= 1, appearance["person"]


def test_wanted_people_pass_several_cameras_at_walking_pace(town: DemoTown) -> None:
    places = cameras(town)
    for name in town.photographs:
        seen = [a for a in town.truth if a.person == name]
        assert len({a.camera_id for a in seen}) >= 4
        for before, after in pairwise(seen):
            (lon0, lat0), (lon1, lat1) = places[before.camera_id], places[after.camera_id]
            metres = 111_320 * hypot((lon1 - lon0) * cos(radians(lat0)), lat1 - lat0)
            pace = metres / (after.first_seen - before.last_seen).total_seconds()
            assert pace < 1.6, f"{name} from {before.camera_id} to {after.camera_id}"


def test_two_wanted_people_meet_before_a_camera(town: DemoTown) -> None:
    wanted = [a for a in town.truth if a.person in town.photographs]
    met = {a.file for a in wanted for b in wanted if a.file == b.file and a.person != b.person}
    assert len(met) >= 2


def test_absent_people_pass_no_camera(town: DemoTown) -> None:
    assert len(town.absent) == 2
    assert not set(town.absent) & {a.person for a in town.truth}


def test_wanted_and_absent_people_have_photographs(town: DemoTown) -> None:
    assert len(town.photographs) == 4
    for paths in (*town.photographs.values(), *town.absent.values()):
        assert [path.name for path in paths] == ["1.jpg", "2.jpg", "3.jpg"]


def test_map_shows_every_camera_and_all_kinds_of_ground(town: DemoTown) -> None:
    base_map = read_base_map(town.streets)
    kinds = {feature["properties"]["kind"] for feature in base_map.geojson["features"]}
    assert kinds == {"street", "water", "park", "block"}
    bounds = base_map.bounds
    for longitude, latitude in cameras(town).values():
        assert bounds.west < longitude < bounds.east
        assert bounds.south < latitude < bounds.north


def test_districts_hold_some_cameras_and_the_whole_town_all(town: DemoTown) -> None:
    places = [Point(*place) for place in cameras(town).values()]
    held = {}
    for name, path in town.districts.items():
        drawn = district.from_file(path)
        assert drawn.name == name
        held[name] = sum(drawn.area.covers(place) for place in places)
    whole, *parts = held.values()
    assert whole == len(places)
    assert len(parts) >= 2
    assert all(2 <= count < whole for count in parts)


def test_maps_are_those_of_the_code(town: DemoTown) -> None:
    assert json.loads(town.streets.read_text(encoding="utf-8")) == json.loads(
        json.dumps(streets_geojson())
    )
    for name in DISTRICTS:
        kept = json.loads(town.districts[name].read_text(encoding="utf-8"))
        assert kept == json.loads(json.dumps(district_geojson(name)))


@pytest.fixture(scope="module")
def once() -> list[tuple[Any, Any]]:
    """The first half second of a clip: pictures, and the faces in them."""
    return list(frames(RENDERED, figures(RENDERED), seconds=HALF_A_SECOND))


def test_rendering_again_gives_the_same_pictures(once: list[tuple[Any, Any]]) -> None:
    again = list(frames(RENDERED, figures(RENDERED), seconds=HALF_A_SECOND))
    assert len(once) == round(HALF_A_SECOND * FPS)
    for (picture, faces), (picture_again, faces_again) in zip(once, again, strict=True):
        assert np.array_equal(picture, picture_again)
        assert faces == faces_again
    assert not np.array_equal(once[0][0], once[-1][0]), "nobody moved"


def test_committed_clips_are_those_of_the_code(town: DemoTown, once: list[tuple[Any, Any]]) -> None:
    with av.open(str(town.root / RENDERED.file)) as container:
        for frame, (picture, _) in zip(container.decode(video=0), once, strict=False):
            difference = frame.to_ndarray(format="rgb24").astype(int) - picture
            assert abs(difference).mean() < 4  # of 255: what the compression loses


def test_people_do_not_look_alike() -> None:
    assert len({person.seed for person in CAST}) == len({p.name for p in CAST}) == len(CAST)
    portraits = [next(photographs(person)).astype(int) for person in CAST[:4]]
    for i, portrait in enumerate(portraits):
        for other in portraits[:i]:
            face = abs(portrait - other)[120:340, 110:290]
            assert face.mean() > 10


def test_rendering_reports_its_progress(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    reported: list[Progress] = []

    def report(progress: Progress) -> None:
        reported.append(progress)
        raise Enough

    with pytest.raises(Enough):
        render_town(tmp_path, report)
    assert reported == [Progress(0, len(CLIPS) + 6, CLIPS[0].file)]

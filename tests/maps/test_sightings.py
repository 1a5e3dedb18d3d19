from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workbench.domain import Camera, Candidate, District
from workbench.errors import MapError
from workbench.maps import assets
from workbench.maps.offline import Drawing, OfflineMap, self_contained_html
from workbench.maps.route import visits
from workbench.maps.sightings import MAX_IN_POPUP, MAX_PICTURES, MAX_STOPS, sightings_map
from workbench.maps.timeline import timeline

LONDON = ZoneInfo("Europe/London")
Make = Callable[..., Candidate]


def drawings(drawn: OfflineMap) -> dict[str, Any]:
    """What is drawn, by the function of sightings.js that draws it."""
    found = (child for child in drawn._children.values() if isinstance(child, Drawing))
    return {drawing.function: drawing.data for drawing in found}


@pytest.mark.parametrize(
    ("with_candidates", "with_cameras", "with_district", "ground", "route"),
    list(itertools.product(*[[True, False]] * 3, ["plain", "base", "tiles"], [True, False])),
)
def test_no_combination_asks_another_machine(
    make_candidate: Make, cameras: list[Camera], district: District, base_map: Path,
    with_candidates: bool, with_cameras: bool, with_district: bool, ground: str, route: bool,
) -> None:  # fmt: skip
    page = self_contained_html(
        sightings_map(
            [make_candidate(camera, i) for i, camera in enumerate(cameras[:2])]
            if with_candidates
            else [],
            cameras=cameras if with_cameras else (),
            district=district if with_district else None,
            zone=LONDON,
            base_map=base_map if ground == "base" else None,
            tiles="http://127.0.0.1:8080/{z}/{x}/{y}.png" if ground == "tiles" else None,
            route=route,
        )
    )
    for _, address in OfflineMap.default_js:  # the comments of Leaflet name some hosts
        page = page.replace(assets.script(address), "")
    for _, address in OfflineMap.default_css:
        page = page.replace(assets.style(address), "")
    hosts = set(re.findall(r"""(?:https?:|["'(=])//([\w.:-]+)""", page))
    assert hosts == ({"127.0.0.1:8080"} if ground == "tiles" else set())


def test_one_mark_a_camera_tells_how_many_and_the_best_score(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    market, station, harbour = cameras
    found = [
        make_candidate(market, 0, 0.61),
        make_candidate(station, 5, 0.83),
        make_candidate(market, 9, 0.72),
    ]
    drawn = drawings(sightings_map(found, cameras=cameras, zone=LONDON))
    places = [(p["name"], p["count"], p["score"], p["best"]) for p in drawn["sightings"]]
    assert places == [("Station", 1, "0.83", True), ("Market", 2, "0.72", False)]
    assert [place["name"] for place in drawn["cameras"]] == [harbour.name]
    ranks = [[c["rank"] for c in place["candidates"]] for place in drawn["sightings"]]
    assert ranks == [[1], [2, 3]]


def test_scores_of_several_scales_are_marked_where_they_stand_together(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    one, other = "normalised-11111111", "normalised-22222222"
    plain = make_candidate(cameras[0], 0, 0.61)
    found = [plain, replace(make_candidate(cameras[1], 5, 3.1), scale=one)]
    places = drawings(sightings_map(found, zone=LONDON))["sightings"]
    assert [place["score"] for place in places] == ["3.10 (normalised)", "0.61 (plain)"]
    assert places[0]["candidates"][0]["score"] == "3.100 (normalised)"
    marks = timeline(found, zone=LONDON).data[1]
    assert marks.text == ("3.10 (normalised)", "0.61 (plain)")
    assert "score 0.610 (plain), rank 2" in marks.hovertext[1]
    found.append(replace(make_candidate(cameras[2], 9, 2.9), scale=other))
    places = drawings(sightings_map(found, zone=LONDON))["sightings"]
    assert [p["score"] for p in places] == [f"3.10 ({one})", f"2.90 ({other})", "0.61 (plain)"]
    (alone,) = drawings(sightings_map([plain], zone=LONDON))["sightings"]
    assert alone["score"] == "0.61"


def test_times_name_the_clocks_that_showed_them(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    # Clocks in London went from 01:00 GMT to 02:00 BST on that day.
    found = [make_candidate(cameras[0], 0, 0.9), make_candidate(cameras[0], 45, 0.8)]
    (place,) = drawings(sightings_map(found, zone=LONDON))["sightings"]
    before, after = place["candidates"]
    assert before["time"] == "Sun 29 Mar 2026, 00:30:04 GMT"
    assert before["seen"] == "seen 00:30:00 to 00:30:08 GMT"
    assert after["time"] == "Sun 29 Mar 2026, 02:15:04 BST"


def test_a_sighting_across_the_change_of_clocks_names_both(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    start = datetime(2026, 3, 29, 0, 59, 56, tzinfo=UTC)
    (place,) = drawings(sightings_map([make_candidate(cameras[0], start=start)], zone=LONDON))[
        "sightings"
    ]
    assert place["candidates"][0]["seen"] == "seen 00:59:56 GMT to 02:00:04 BST"


def test_route_takes_the_best_of_each_visit_in_order_of_time(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    market, station, _ = cameras
    found = [
        make_candidate(market, 30, 0.66),
        make_candidate(station, 20, 0.60),
        make_candidate(market, 0, 0.70),
        make_candidate(market, 5, 0.75),
    ]
    assert [c.score for c in visits(found)] == [0.75, 0.60, 0.66]
    drawn = drawings(sightings_map(found, zone=LONDON))
    line = [[c.camera.latitude, c.camera.longitude] for c in visits(found)]
    assert [part["line"] for part in drawn["route"]] == [line[:2], line[1:]]
    assert drawn["route"][0]["words"] == "533 m in 15 min, 2 km/h"
    stops = {place["name"]: place["stops"] for place in drawn["sightings"]}
    assert stops == {"Market": [1, 3], "Station": [2]}
    assert any("possible route, not a confirmed one" in text for _, text in drawn["legend"]["rows"])


def test_route_can_be_left_out_and_needs_two_stops(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    two = [make_candidate(cameras[0], 0), make_candidate(cameras[1], 9)]
    assert "route" not in drawings(sightings_map(two, zone=LONDON, route=False))
    assert "route" not in drawings(sightings_map(two[:1], zone=LONDON))


def test_legend_says_that_candidates_are_leads(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    drawn = drawings(sightings_map([make_candidate(cameras[0])], district=district, zone=LONDON))
    assert "Candidates are leads, not identifications." in drawn["legend"]["remarks"]
    assert drawn["legend"]["score"] in {place["score"] for place in drawn["sightings"]}
    assert drawn["legend"]["title"] == "1 candidate at 1 camera"
    assert ["district", "Old town"] in drawn["legend"]["rows"]


def test_pictures_are_capped_and_the_best_scores_keep_theirs(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    many = 30
    spread = [replace(cameras[0], camera_id=f"C{i}", longitude=i / 1e4) for i in range(many)]
    found = [
        make_candidate(camera, minute, 0.9 - minute / 1e3 - i / 1e6)
        for i, camera in enumerate(spread)
        for minute in range(40)
    ]
    page = sightings_map(found, zone=LONDON)
    drawn = drawings(page)
    assert self_contained_html(page).count('<data hidden id="sl-picture-') == MAX_PICTURES
    entries = [entry for place in drawn["sightings"] for entry in place["candidates"]]
    assert len(entries) == many * 40 > MAX_PICTURES
    assert {entry["rank"] for entry in entries if entry["picture"]} == set(
        range(1, MAX_PICTURES + 1)
    )
    assert "Pictures of the 1,000 best scores only." in drawn["legend"]["remarks"]


def test_a_popup_lists_the_best_and_counts_the_rest(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], minute) for minute in range(MAX_IN_POPUP + 7)]
    (place,) = drawings(sightings_map(found, zone=LONDON))["sightings"]
    assert (len(place["candidates"]), place["omitted"], place["count"]) == (50, 7, 57)


def test_text_from_outside_never_becomes_html(
    make_candidate: Make, cameras: list[Camera], district: District, hostile: str
) -> None:
    camera = replace(cameras[0], name=hostile)
    page = self_contained_html(
        sightings_map(
            [make_candidate(camera, recording=hostile)],
            cameras=[camera, replace(cameras[1], name=hostile)],
            district=replace(district, name=hostile),
            zone=LONDON,
            tiles="https://tiles.example/{z}/{x}/{y}.png",
            tiles_attribution=hostile,
        )
    )
    # It is data inside a script, where the letters that could end it are written as codes.
    assert "<img" not in page.split("</style>")[-1]
    assert "alert(3)" in page
    assert "{{ 7*7 }}" in page  # not 49: it was not run as a template either
    assert "</script><script>alert(3)" not in page
    assert page.count("<script") == page.count("</script>")


def test_base_map_is_drawn_without_what_it_does_not_know(base_map: Path) -> None:
    drawn = sightings_map([], zone=LONDON, base_map=base_map)
    features = drawings(drawn)["ground"]["features"]
    named = [(f["properties"]["kind"], f["properties"]["name"]) for f in features]
    assert named == [("street", "Quay Street"), ("water", "Mill Pond")]
    assert drawings(drawn)["fit"] == [[51.478, -0.012], [51.484, 0.0]]


def test_tiles_take_the_place_of_the_base_map(base_map: Path) -> None:
    tiles = "http://127.0.0.1:8080/{z}/{x}/{y}.png"
    assert "ground" not in drawings(sightings_map([], zone=LONDON, base_map=base_map, tiles=tiles))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("not json", "cannot be read"),
        ("[]", "not a GeoJSON FeatureCollection"),
        ('{"features": []}', "holds no street"),
        ('{"features": [3]}', "feature 0 of the base map cannot be read"),
        (
            '{"features": [{"properties": {"kind": "park"}, "geometry":'
            ' {"type": "Point", "coordinates": [0, 0]}}]}',
            "park drawn as Point",
        ),
        (
            '{"features": [{"properties": {"kind": "street"}, "geometry":'
            ' {"type": "LineString", "coordinates": [[0, 200], [1, 1]]}}]}',
            "leaves the globe",
        ),
        (
            '{"features": [{"properties": {"kind": "street"}, "geometry":'
            ' {"type": "LineString", "coordinates": [["a", 0], [1, 1]]}}]}',
            "cannot be read",
        ),
    ],
)
def test_an_unusable_base_map_is_refused_by_name(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "base.geojson"
    path.write_text(content)
    with pytest.raises(MapError, match=says) as refused:
        sightings_map([], zone=LONDON, base_map=path)
    assert str(path) in str(refused.value)


def test_the_view_holds_candidates_and_district(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    afar = Camera("CAM-9", "Hill", 51.5, 0.1)
    drawn = drawings(
        sightings_map([make_candidate(afar)], cameras=cameras, district=district, zone=LONDON)
    )
    assert drawn["fit"] == [[51.476, -0.012], [51.5, 0.1]]


def test_what_the_map_is_drawn_from_is_plain_json(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    drawn = sightings_map([make_candidate(cameras[0])], district=district, zone=LONDON)
    assert json.loads(json.dumps(drawings(drawn)))


def test_confirmed_sightings_differ_and_are_counted(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0, 0.9), make_candidate(cameras[0], 9, 0.8)]
    both = {candidate.tracklet_id for candidate in found}
    drawn = drawings(sightings_map(found, confirmed={found[1].tracklet_id}, zone=LONDON))
    (place,) = drawn["sightings"]
    assert place["summary"].startswith("2 candidates, 1 confirmed")
    assert [entry["confirmed"] for entry in place["candidates"]] == [False, True]
    leads = "Candidates are leads, not identifications."
    assert leads in drawn["legend"]["remarks"]
    drawn = drawings(
        sightings_map([replace(found[0], score=0.7), found[1]], confirmed=both, zone=LONDON)
    )
    (place,) = drawn["sightings"]
    assert [entry["number"] for entry in place["candidates"]] == [2, 1]  # by time, as on the page
    assert leads not in drawn["legend"]["remarks"]
    assert [symbol for symbol, _ in drawn["legend"]["rows"]] == ["bestConfirmed", "confirmed"]


def test_a_leg_that_nobody_could_travel_is_marked(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0), make_candidate(cameras[1], 0.2)]
    drawn = drawings(sightings_map(found, zone=LONDON))
    assert [part["tooFast"] for part in drawn["route"]] == [True]
    assert any(symbol == "tooFast" for symbol, _ in drawn["legend"]["rows"])


def test_no_route_is_drawn_through_a_tangle(make_candidate: Make, cameras: list[Camera]) -> None:
    found = [make_candidate(cameras[i % 2], i) for i in range(MAX_STOPS + 1)]
    drawn = drawings(sightings_map(found, zone=LONDON))
    assert "route" not in drawn
    assert f"No route is drawn through {MAX_STOPS + 1} stops." in drawn["legend"]["remarks"]
    assert all(place["stops"] == [] for place in drawn["sightings"])


def test_candidates_in_a_wide_district_are_no_heap_in_its_middle(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    found = [make_candidate(camera, i) for i, camera in enumerate(cameras[:2])]
    wide = District("All of it", district.area.buffer(1))
    (south, west), (north, east) = drawings(sightings_map(found, district=wide, zone=LONDON))["fit"]
    for candidate in found:
        assert south < candidate.camera.latitude < north
        assert west < candidate.camera.longitude < east
    across = max(one.camera.longitude for one in found) - min(c.camera.longitude for c in found)
    assert east - west < across + 0.01
    corners = drawings(sightings_map(found, district=district, zone=LONDON))["fit"]
    assert corners == [[*district.area.bounds[1::-1]], [*district.area.bounds[:1:-1]]]


def test_what_an_analyst_rejected_is_marked_and_no_stop_of_the_route(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0, 0.7), make_candidate(cameras[1], 9, 0.9),
             make_candidate(cameras[0], 20, 0.6)]  # fmt: skip
    out = {found[1].tracklet_id}
    drawn = drawings(sightings_map(found, rejected=out, facts={"case": "A-1"}, zone=LONDON))
    assert "route" not in drawn  # both others are at one camera, with nothing between them
    rejected, kept = drawn["sightings"]
    assert (rejected["rejected"], rejected["best"]) == (True, False)
    assert (kept["rejected"], kept["best"], kept["score"]) == (False, True, "0.70")
    assert rejected["candidates"][0]["rejected"]
    assert "1 marked “not same”" in rejected["summary"]
    assert drawn["legend"]["title"].startswith("3 candidates")  # all that the list shows
    assert any("1 candidate was marked" in remark for remark in drawn["legend"]["remarks"])
    assert drawn["legend"]["facts"] == [("Case", "A-1")]

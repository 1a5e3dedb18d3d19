"""The map of what a search found: cameras, candidates, and a route they might make."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium

from workbench.district import to_geojson
from workbench.domain import Camera, Candidate, District
from workbench.maps.basemap import Bounds, read_base_map
from workbench.maps.offline import Drawing, OfflineMap
from workbench.maps.zones import local_time

# More makes a file that browsers open slowly; the best scores keep theirs.
MAX_PICTURES = 1_000
MAX_IN_POPUP = 50


def sightings_map(
    candidates: Sequence[Candidate],
    *,
    cameras: Sequence[Camera] = (),
    district: District | None = None,
    zone: ZoneInfo,
    base_map: Path | None = None,
    tiles: str | None = None,
    tiles_attribution: str = "",
    route: bool = True,
) -> OfflineMap:
    """Draw candidates where their cameras stand, with pictures, times and a possible route.

    >>> page = sightings_map([], zone=ZoneInfo("Europe/London"))

    Parameters
    ----------
    candidates : sequence of Candidate
        In any order. One mark is drawn for each camera that has some.
    cameras : sequence of Camera
        Cameras to show besides, as small dots.
    zone : ZoneInfo
        Where times are local.
    base_map : Path, optional
        GeoJSON to draw as ground where *tiles* is not set; see
        :func:`workbench.maps.basemap.read_base_map`.
    tiles : str, optional
        Address pattern of a tile server; see :class:`workbench.maps.offline.OfflineMap`.
    route : bool
        Join the best candidate of each visit in order of time. Candidates that follow each other
        at one camera, with none elsewhere between them, are one visit.

    Raises
    ------
    MapError
        If *base_map* or *tiles* cannot be used.
    """
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    stops = visits(ranked) if route else []
    drawn = OfflineMap(tiles=tiles, tiles_attribution=tiles_attribution)

    ground = read_base_map(base_map) if base_map and not tiles else None
    if ground:
        Drawing("ground", ground.geojson, name="Streets").add_to(drawn)
    if district:
        Drawing("district", to_geojson(district), name="District").add_to(drawn)
    if len(stops) > 1:
        line = [[stop.camera.latitude, stop.camera.longitude] for stop in stops]
        Drawing("route", line, name="Possible route").add_to(drawn)
    found = {candidate.camera.camera_id for candidate in ranked}
    others = [camera for camera in cameras if camera.camera_id not in found]
    if others:
        Drawing("cameras", [_place(camera) for camera in others], name="Cameras").add_to(drawn)
    if ranked:
        Drawing("sightings", _sightings(ranked, stops, zone), name="Candidates").add_to(drawn)

    folium.LayerControl().add_to(drawn)
    legend = _legend(len(ranked), len(found), len(stops), bool(others), district, zone)
    Drawing("legend", legend).add_to(drawn)
    bounds = _bounds(ranked, others, district) or (ground and ground.bounds)
    if bounds:
        corners = [[bounds.south, bounds.west], [bounds.north, bounds.east]]
        Drawing("fit", corners).add_to(drawn)
    return drawn


def visits(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best candidate of each visit, in order of time: the stops of a possible route."""
    in_time = sorted(candidates, key=lambda candidate: (candidate.first_seen, candidate.last_seen))
    return [
        max(visit, key=lambda candidate: candidate.score)
        for _, visit in groupby(in_time, key=lambda candidate: candidate.camera.camera_id)
    ]


def _sightings(
    ranked: Sequence[Candidate], stops: Sequence[Candidate], zone: ZoneInfo
) -> list[dict[str, Any]]:
    """One entry a camera, as ``sightline.sightings`` of sightings.js takes it."""
    at_camera: defaultdict[str, list[tuple[int, Candidate]]] = defaultdict(list)
    for rank, candidate in enumerate(ranked, start=1):
        at_camera[candidate.camera.camera_id].append((rank, candidate))
    stops_at: defaultdict[str, list[int]] = defaultdict(list)
    if len(stops) > 1:
        for number, stop in enumerate(stops, start=1):
            stops_at[stop.camera.camera_id].append(number)

    pictures = MAX_PICTURES
    places = []
    for camera_id, here in at_camera.items():  # best camera first, as the ranking goes
        camera, numbers = here[0][1].camera, stops_at[camera_id]
        entries = []
        for rank, candidate in here[:MAX_IN_POPUP]:
            entry = _entry(rank, candidate, zone)
            if rank <= MAX_PICTURES and pictures:
                pictures -= 1
                encoded = base64.b64encode(candidate.shot_jpeg).decode("ascii")
                entry["picture"] = f"data:image/jpeg;base64,{encoded}"
            entries.append(entry)
        best = f"{here[0][1].score:.2f}"
        summary = "1 candidate" if len(here) == 1 else f"{len(here)} candidates"
        if numbers:
            listed = ", ".join(map(str, numbers))
            summary += f" · stop{'s' if len(numbers) > 1 else ''} {listed} of the possible route"
        places.append(
            {
                **_place(camera),
                "count": len(here),
                "score": best,
                "best": here[0][0] == 1,
                "stops": numbers,
                "title": f"{camera.name}: {summary}, best score {best}",
                "summary": summary,
                "candidates": entries,
                "omitted": len(here) - len(entries),
            }
        )
    return places


def _entry(rank: int, candidate: Candidate, zone: ZoneInfo) -> dict[str, Any]:
    start = local_time(candidate.first_seen, zone, "%H:%M:%S")
    end = local_time(candidate.last_seen, zone, "%H:%M:%S")
    if start.split()[1:] == end.split()[1:]:
        start = start.split()[0]
    return {
        "rank": rank,
        "score": f"{candidate.score:.3f}",
        "time": local_time(candidate.shot_time, zone),
        "seen": f"seen {start} to {end}",
        "recording": candidate.recording,
    }


def _place(camera: Camera) -> dict[str, Any]:
    return {
        "id": camera.camera_id,
        "name": camera.name or camera.camera_id,
        "latitude": camera.latitude,
        "longitude": camera.longitude,
    }


def _legend(
    candidates: int,
    places: int,
    stops: int,
    cameras: bool,
    district: District | None,
    zone: ZoneInfo,
) -> dict[str, Any]:
    rows = []
    if candidates:
        rows.append(["best", "camera of the best score: candidates there, best score"])
    if places > 1:
        rows.append(["sighting", "other cameras with candidates"])
    if stops > 1:
        rows.append(["route", "possible route, not a confirmed one: best candidate of each visit"])
        rows.append(["stop", "stop on it, in order of time"])
    if cameras:
        rows.append(["camera", "camera without a candidate"])
    if district:
        rows.append(["district", district.name])
    remarks = ["Candidates are leads, not identifications.", f"Times: {zone.key}."]
    if candidates > MAX_PICTURES:
        remarks.append(f"Pictures of the {MAX_PICTURES:,} best scores only.")
    noun = "candidate" if candidates == 1 else "candidates"
    title = f"{candidates:,} {noun} at {places:,} camera{'' if places == 1 else 's'}"
    return {"title": title if candidates else "No candidates", "rows": rows, "remarks": remarks}


def _bounds(
    ranked: Sequence[Candidate], others: Sequence[Camera], district: District | None
) -> Bounds | None:
    """What the map should show: candidates and the district, or all cameras if there is neither."""
    shown = [candidate.camera for candidate in ranked] or ([] if district else others)
    boxes = [Bounds(c.longitude, c.latitude, c.longitude, c.latitude) for c in shown]
    if district:
        boxes.append(Bounds(*district.area.bounds))
    if not boxes:
        return None
    united = boxes[0]
    for box in boxes[1:]:
        united = united.united(box)
    return united

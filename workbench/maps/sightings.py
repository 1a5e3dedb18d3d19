"""The map of what a search found: cameras, candidates, and a route they might make."""

from __future__ import annotations

import base64
import functools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
from branca.element import Figure

from workbench.district import to_geojson
from workbench.domain import Camera, Candidate, District, best_first, numbered, scale_marks
from workbench.maps.basemap import Bounds, read_base_map
from workbench.maps.offline import Drawing, OfflineMap, Verbatim
from workbench.maps.placing import Meridian, levels
from workbench.maps.route import MAX_SPEED_KMH, Leg, legs, visits
from workbench.maps.zones import local_time

# More makes a file that browsers open slowly; the best scores keep theirs.
MAX_PICTURES = 1_000
MAX_IN_POPUP = 50
MAX_STOPS = 100  # a route through more is a tangle that no one can read
AROUND = 0.003  # degrees shown around candidates in a wide district: some 300 m
HEAP = 4.0  # so many times as wide or high as its candidates, a district is not shown whole


def sightings_map(
    candidates: Sequence[Candidate],
    *,
    confirmed: Collection[str] = (),
    rejected: Collection[str] = (),
    settled: bool = False,
    cameras: Sequence[Camera] = (),
    district: District | None = None,
    zone: ZoneInfo,
    base_map: Path | None = None,
    tiles: str | None = None,
    tiles_attribution: str = "",
    route: bool = True,
    max_speed_kmh: float = MAX_SPEED_KMH,
    pictures: bool = True,
    noted: Mapping[str, int] | None = None,
    facts: Mapping[str, str] | None = None,
    notices: Sequence[str] = (),
) -> OfflineMap:
    """Draw candidates where their cameras stand, with pictures, times and a possible route.

    Those of cameras whose place is not known cannot be drawn; the legend counts them.

    The map can be played in time, and shows as a heat map where candidates are many.

    >>> page = sightings_map([], zone=ZoneInfo("Europe/London"))

    Parameters
    ----------
    candidates : sequence of Candidate
        In any order. One mark is drawn for each camera that has some.
    confirmed : collection of str
        The tracklet_ids of those that people have decided to be sightings.
    rejected : collection of str
        The tracklet_ids of those that an analyst took for somebody else: grey, and no stop of the
        route.
    settled : bool
        Nothing but sightings is shown, so that where there is none, there may be candidates.
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
    max_speed_kmh : float
        A part of the route that asks for more is marked: one of its ends is a different person.
    pictures : bool
        Keep the best shots in the page, as a file needs them. Otherwise it holds none, and asks
        the page around it for those in a popup that is opened; see
        :class:`workbench.widgets.components.mapframe.MapFrame`.
    noted : mapping of str to int, optional
        Numbers of notes on cameras by their ids, which stand behind the cameras' names.
    facts : mapping of str to str, optional
        What the legend says of the file, by name: case, scope, threshold and so on.
    notices : sequence of str
        What must be said with the candidates, such as that they are for training.

    Raises
    ------
    MapError
        If *base_map* or *tiles* cannot be used.
    """
    # Ranks count all candidates, drawn or not.
    every = enumerate(best_first(candidates), start=1)
    by_score = [(rank, one) for rank, one in every if one.camera.place is not None]
    ranked = [candidate for _, candidate in by_score]
    sure, out = frozenset(confirmed), frozenset(rejected)
    settled = settled or (bool(candidates) and all(one.tracklet_id in sure for one in candidates))
    stops = visits([one for one in ranked if one.tracklet_id not in out]) if route else []
    ways = legs(stops) if len(stops) <= MAX_STOPS else []
    told = facts or {}
    title = ", ".join(told[name] for name in ("case", "title") if name in told)
    drawn = OfflineMap(title=title, tiles=tiles, tiles_attribution=tiles_attribution)

    found = {candidate.camera.camera_id: candidate.camera for candidate in ranked}
    others = [c for c in cameras if c.camera_id not in found and c.place is not None]
    meridian = Meridian.between([*found.values(), *others], district)
    place = _Placing(meridian, levels([*found.values(), *others]), noted or {})

    ground = read_base_map(base_map) if base_map and not tiles else None
    if ground:
        features = [
            feature | {"geometry": meridian.geometry(feature["geometry"])}
            for feature in ground.geojson["features"]
        ]
        Drawing("ground", ground.geojson | {"features": features}, name="Streets").add_to(drawn)
    if district:
        feature = to_geojson(district)
        feature["geometry"] = meridian.geometry(feature["geometry"])
        Drawing("district", feature, name="District").add_to(drawn)
    if ways:
        parts = [_part(leg, max_speed_kmh, meridian) for leg in ways]
        Drawing("route", parts, name="Possible route").add_to(drawn)
    if others:
        Drawing("cameras", [place(camera) for camera in others], name="Cameras").add_to(drawn)
    if ranked:
        places = _sightings(by_score, stops if ways else [], sure, out, zone, place)
        if settled:
            numbers = {one.tracklet_id: number for number, one in numbered(candidates, sure)}
            for entry in (entry for p in places for entry in p["candidates"]):
                entry["number"] = numbers[entry["id"]]
        in_popups = {entry["rank"] for p in places for entry in p["candidates"] if entry["picture"]}
        Drawing("sightings", places, name="Sightings" if settled else "Candidates").add_to(drawn)
        heat = [[p["latitude"], p["longitude"], p["count"]] for p in places]
        for rank, candidate in by_score if pictures else ():
            if rank in in_popups:
                _keep_picture(drawn, rank, candidate)
        Drawing("heat", heat, name="Heat map", show=False).add_to(drawn)
        times = [candidate.shot_time.timestamp() for candidate in ranked]
        if min(times) < max(times):
            ends = {"first": min(times), "last": max(times)}
            Drawing("player", {"zone": zone.key, **ends}).add_to(drawn)

    folium.LayerControl().add_to(drawn)
    legend = _legend(
        ranked, settled, sure, found, ways, bool(others), district, zone, max_speed_kmh
    )
    if len(ranked) > MAX_PICTURES:
        legend["remarks"].append(f"Pictures of the {MAX_PICTURES:,} best scores only.")
    if number := sum(candidate.tracklet_id in out for candidate in ranked):
        of = "1 candidate was" if number == 1 else f"{number:,} candidates were"
        legend["remarks"].append(f"{of} marked “not same”: grey, and not on the route.")
    legend["remarks"] = [*notices, *legend["remarks"]]
    legend["facts"] = [(name.capitalize(), text) for name, text in told.items()]
    if len(stops) > MAX_STOPS:
        legend["remarks"].append(f"No route is drawn through {len(stops):,} stops.")
    if unplaced := len(candidates) - len(ranked):
        words = "1 candidate is" if unplaced == 1 else f"{unplaced:,} candidates are"
        legend["remarks"].append(f"{words} not on the map: the camera's place is not known.")
    Drawing("legend", legend).add_to(drawn)
    # What is confirmed may be in a corner of all that a case allows.
    shown = view(ranked, others, None if settled and ranked else district, meridian)
    bounds = shown or (ground and ground.bounds)
    if bounds:
        corners = [[bounds.south, bounds.west], [bounds.north, bounds.east]]
        Drawing("fit", corners).add_to(drawn)
    return drawn


def _part(leg: Leg, max_speed_kmh: float, meridian: Meridian) -> dict[str, Any]:
    """One leg, as ``sightline.route`` of sightings.js takes it."""
    ends = [place for stop in (leg.start, leg.end) if (place := stop.camera.place) is not None]
    return {
        "line": [[place.latitude, meridian.longitude(place.longitude)] for place in ends],
        "time": leg.end.shot_time.timestamp(),
        "words": leg.words(),
        "tooFast": leg.too_fast(max_speed_kmh),
    }


def _keep_picture(drawn: OfflineMap, rank: int, candidate: Candidate) -> None:
    """Put the best shot into the page, where ``sightline.story`` finds it by its rank.

    Not into the script: browsers read a script of many megabytes at one go, and stand still.
    """
    figure = drawn.get_root()
    assert isinstance(figure, Figure)
    encoded = base64.b64encode(candidate.shot_jpeg).decode("ascii")
    figure.html.add_child(
        Verbatim(
            f'<data hidden id="sl-picture-{rank}" value="data:image/jpeg;base64,{encoded}"></data>'
        )
    )


def _sightings(
    by_score: Sequence[tuple[int, Candidate]],
    stops: Sequence[Candidate],
    confirmed: frozenset[str],
    rejected: frozenset[str],
    zone: ZoneInfo,
    place: _Placing,
) -> list[dict[str, Any]]:
    """One entry a camera, as ``sightline.sightings`` of sightings.js takes it."""
    at_camera: defaultdict[str, list[tuple[int, Candidate]]] = defaultdict(list)
    for rank, candidate in by_score:
        at_camera[candidate.camera.camera_id].append((rank, candidate))
    stops_at: defaultdict[str, list[int]] = defaultdict(list)
    for number, stop in enumerate(stops if len(stops) > 1 else (), start=1):
        stops_at[stop.camera.camera_id].append(number)

    marks = scale_marks(candidate.scale for _, candidate in by_score)
    best = next((rank for rank, one in by_score if one.tracklet_id not in rejected), 0)
    places = []
    for camera_id, here in at_camera.items():  # best camera first, as the ranking goes
        camera, numbers = here[0][1].camera, stops_at[camera_id]
        entries = []
        for rank, candidate in here[:MAX_IN_POPUP]:
            is_sure, mark = candidate.tracklet_id in confirmed, marks[candidate.scale]
            is_out = candidate.tracklet_id in rejected
            entries.append(_entry(rank, candidate, is_sure, is_out, zone, mark))
        first = next((pair for pair in here if pair[1].tracklet_id not in rejected), here[0])[1]
        score = f"{first.score:.2f}{marks[first.scale]}"
        out = sum(candidate.tracklet_id in rejected for _, candidate in here)
        sure = sum(candidate.tracklet_id in confirmed for _, candidate in here)
        summary = "1 candidate" if len(here) == 1 else f"{len(here)} candidates"
        if sure == len(here):
            summary = "1 confirmed sighting" if sure == 1 else f"{sure} confirmed sightings"
        elif sure:
            summary += f", {sure} confirmed"
        if out:
            summary += f", {out} marked “not same”"
        if numbers:
            listed = ", ".join(map(str, numbers))
            summary += f" · stop{'s' if len(numbers) > 1 else ''} {listed} of the possible route"
        places.append(
            {
                **place(camera),
                "count": len(here),
                "confirmed": sure,
                "rejected": out == len(here),
                "ids": [candidate.tracklet_id for _, candidate in here],
                "times": [candidate.shot_time.timestamp() for _, candidate in here],
                "score": score,
                "best": any(rank == best for rank, _ in here),
                "stops": numbers,
                "title": f"{place.name(camera)}: {summary}, best score {score}",
                "summary": summary,
                "candidates": entries,
                "omitted": len(here) - len(entries),
            }
        )
    return places


def _entry(
    rank: int, candidate: Candidate, confirmed: bool, rejected: bool, zone: ZoneInfo, mark: str
) -> dict[str, Any]:
    start = local_time(candidate.first_seen, zone, "%H:%M:%S")
    end = local_time(candidate.last_seen, zone, "%H:%M:%S")
    if start.split()[1:] == end.split()[1:]:
        start = start.split()[0]
    return {
        "id": candidate.tracklet_id,
        "rank": rank,
        "picture": rank <= MAX_PICTURES,
        "confirmed": confirmed,
        "rejected": rejected,
        "score": f"{candidate.score:.3f}{mark}",
        "time": local_time(candidate.shot_time, zone),
        "seen": f"seen {start} to {end}",
        "note": candidate.time.remark(zone),
        "recording": candidate.recording,
    }


@dataclass(frozen=True, slots=True)
class _Placing:
    """Places of cameras, as sightings.js takes them."""

    meridian: Meridian
    levels: Mapping[str, int]
    noted: Mapping[str, int]

    def name(self, camera: Camera) -> str:
        """Name a camera, with the number of notes on it where there are some."""
        notes = self.noted.get(camera.camera_id, 0)
        name = camera.name or camera.camera_id
        return f"{name} ({notes:,} note{'' if notes == 1 else 's'})" if notes else name

    def __call__(self, camera: Camera) -> dict[str, Any]:
        place = camera.place
        assert place is not None  # the others are left out
        return {
            "id": camera.camera_id,
            "name": self.name(camera),
            "latitude": place.latitude,
            "longitude": self.meridian.longitude(place.longitude),
            "level": self.levels[camera.camera_id],
        }


def _legend(
    ranked: Sequence[Candidate],
    settled: bool,
    confirmed: frozenset[str],
    places: Collection[str],
    ways: Sequence[Leg],
    cameras: bool,
    district: District | None,
    zone: ZoneInfo,
    max_speed_kmh: float,
) -> dict[str, Any]:
    sure = sum(candidate.tracklet_id in confirmed for candidate in ranked)
    rows = []
    if ranked and settled:
        words = "star: camera with the best score; number of sightings, best score"
        rows.append(["bestConfirmed", words])
    elif ranked:
        rows.append(["best", "star: camera with the best score; number of candidates, best score"])
    if len(places) > 1 and not settled:
        rows.append(["sighting", "other cameras with candidates: a dot where there is no room"])
    if sure:
        rows.append(["confirmed", "confirmed sighting"])
    if ways:
        kind = "possible route, not a confirmed one: best candidate of each visit"
        if settled:
            kind = "from one confirmed sighting to the next, in straight lines"
        rows.append(["route", kind])
        rows.append(["stop", "stop on it, in order of time"])
    if any(leg.too_fast(max_speed_kmh) for leg in ways):
        rows.append(
            ["tooFast", f"faster than {max_speed_kmh:.0f} km/h: one end is a different person"]
        )
    if cameras:
        rows.append(["camera", f"camera without a {'sighting' if settled else 'candidate'}"])
    if district:
        rows.append(["district", district.name])
    remarks = [f"Times: {zone.key}."]
    if ranked and not settled:
        remarks.insert(0, "Candidates are leads, not identifications.")
    if len({candidate.scale for candidate in ranked}) > 1:
        remarks.append("Scores are of several scales: those of different scales do not compare.")
    kind = "sighting" if settled else "candidate"
    noun = kind if len(ranked) == 1 else f"{kind}s"
    title = f"{len(ranked):,} {noun} at {len(places):,} camera{'' if len(places) == 1 else 's'}"
    return {
        "title": title if ranked else f"No {kind}s",
        "score": f"{ranked[0].score:.2f}" if ranked else "",
        "rows": rows,
        "remarks": remarks,
    }


def view(
    ranked: Sequence[Candidate],
    others: Sequence[Camera],
    district: District | None,
    meridian: Meridian,
) -> Bounds | None:
    """Find the bounds of candidates and district, or of all cameras if there is neither.

    Of a district in which the candidates would be a heap, only the part around them is shown.
    """
    shown = [candidate.camera for candidate in ranked] or ([] if district else others)
    places = [camera.place for camera in shown if camera.place is not None]
    boxes = [Bounds(x, y, x, y) for x, y in ((meridian.longitude(x), y) for x, y in places)]
    found = functools.reduce(Bounds.united, boxes) if boxes else None
    if district is None:
        return found
    whole = Bounds(*meridian.shape(district.area).bounds)
    if found is None:
        return whole
    if ranked:
        around = found.grown(AROUND)
        wide = (whole.east - whole.west) / (around.east - around.west)
        high = (whole.north - whole.south) / (around.north - around.south)
        if max(wide, high) > HEAP:
            return around
    return found.united(whole)

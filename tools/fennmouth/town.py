"""Fennmouth: where its streets and cameras lie, and who passes which of them when.

The town is invented; it is put on the fens of Lincolnshire so that its clocks show British time.
Places are metres east and north of its middle; :func:`position` says where that is on the globe.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MIDDLE_LONGITUDE, MIDDLE_LATITUDE = 0.0605, 52.8865
METRES_PER_DEGREE = 111_320.0  # of latitude; of longitude, times its cosine
TIME_ZONE = ZoneInfo("Europe/London")
# British Summer Time began two days before, so the clocks are an hour ahead of UTC.
START = datetime(2026, 3, 31, 18, 0, tzinfo=TIME_ZONE)
END = START + timedelta(hours=1)

Place = tuple[float, float]  # metres east, metres north


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A camera of the town and the backdrop it sees."""

    camera_id: str
    name: str
    place: Place
    scene: str


CAMERAS = (
    Viewpoint("FM-01", "Station forecourt", (-422, 372), "station"),
    Viewpoint("FM-02", "Station Road corner", (-262, 178), "corner"),
    Viewpoint("FM-03", "Market Place", (16, 104), "market"),
    Viewpoint("FM-04", "Library steps", (-240, 78), "library"),
    Viewpoint("FM-05", "School Hill", (222, 196), "terrace"),
    Viewpoint("FM-06", "Town Bridge", (-44, -88), "bridge"),
    Viewpoint("FM-07", "Priory Park gate", (-236, -158), "park"),
    Viewpoint("FM-08", "Harbour steps", (306, 38), "harbour"),
    Viewpoint("FM-09", "Fish Quay", (238, -172), "quay"),
    Viewpoint("FM-10", "Ferry landing", (478, -296), "ferry"),
)


@dataclass(frozen=True, slots=True)
class Walk:
    """One person's way past a camera: in from the side, then straight towards it.

    Sideways places are metres from the middle of the view, positive to the right, where the walk
    starts at ``far`` metres and where it ends at :data:`NEAREST`. ``pace`` is metres a second.
    """

    person: str
    starts: float  # seconds into the clip; negative when already under way
    far: float
    from_side: float
    to_side: float
    pace: float = 1.35

    def place_at(self, seconds: float) -> tuple[float, float, float]:
        """Metres to the side, metres away and heading in degrees at a moment of the clip."""
        away = self.far - self.pace * (seconds - self.starts)
        left = max(0.0, (away - NEAREST) / (self.far - NEAREST))  # of the way
        shift = self.from_side - self.to_side
        turned = math.atan2(-2 * shift * left, self.far - NEAREST)
        return self.to_side + shift * left**2, away, math.degrees(turned)


NEAREST = 3.0  # metres: closer to the camera people are out of its sight


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording: a camera, when it starts, how long it is and who walks through it."""

    camera_id: str
    starts: timedelta  # after the start of the hour
    seconds: float
    walks: tuple[Walk, ...]

    @property
    def started_at(self) -> datetime:
        """UTC time of the first picture."""
        return START + self.starts

    @property
    def file(self) -> str:
        """Path of the clip in the catalogue, named by camera and UTC time."""
        moment = self.started_at.astimezone(UTC)
        return f"clips/{self.camera_id.lower()}-{moment:%Y%m%dT%H%M%SZ}.mp4"


def _clip(camera_id: str, clock: str, seconds: float, *walks: Walk) -> Clip:
    minutes, rest = (int(part) for part in clock.split(":"))
    return Clip(camera_id, timedelta(minutes=minutes, seconds=rest), seconds, walks)


# Maren Holt comes from the station and goes to the harbour; Tobias Reed comes off the ferry, stops
# in the market and leaves by train; Imani Cole walks from the park to School Hill; Edwin Marsh from
# School Hill to the station. Two of them cross in the market and on the library steps.
CLIPS = (
    _clip("FM-01", "4:10", 10, Walk("Maren Holt", -2.0, 14.0, -0.5, 0.10),
          Walk("Hugh Barlow", 0.3, 14.5, 2.3, 0.20)),
    _clip("FM-10", "6:30", 10, Walk("Tobias Reed", -1.0, 14.5, 0.6, -0.05),
          Walk("Greta Lund", -0.4, 17.0, -0.9, -0.25, 1.45)),
    _clip("FM-02", "9:05", 10, Walk("Maren Holt", -0.6, 14.0, 1.2, 0.08),
          Walk("Felix Moor", -4.5, 15.0, -0.9, -0.15)),
    _clip("FM-09", "11:40", 10, Walk("Tobias Reed", -2.6, 14.0, -0.8, -0.12),
          Walk("Samuel Oke", 0.4, 14.0, 2.2, 0.18, 1.4)),
    _clip("FM-03", "17:20", 10, Walk("Maren Holt", -1.0, 15.5, -1.5, 0.26),
          Walk("Tobias Reed", -0.4, 15.6, 1.5, -0.26)),
    _clip("FM-08", "22:30", 10, Walk("Maren Holt", -1.2, 14.5, 0.9, 0.0),
          Walk("Oscar Penn", 0.9, 13.5, -2.2, -0.22)),
    _clip("FM-07", "24:50", 10, Walk("Imani Cole", -0.8, 14.5, -0.5, 0.08),
          Walk("Nora Quill", -5.2, 15.0, 0.7, 0.15)),
    _clip("FM-06", "28:40", 10, Walk("Imani Cole", -2.8, 14.0, 0.9, 0.1),
          Walk("Agnes Thorn", 0.4, 13.0, -2.1, -0.2, 1.25)),
    _clip("FM-05", "30:20", 10, Walk("Edwin Marsh", -1.0, 14.5, 0.8, -0.08),
          Walk("Lydia Marlow", -4.8, 15.0, -1.1, -0.18)),
    _clip("FM-03", "34:30", 10, Walk("Edwin Marsh", -3.0, 14.5, -1.0, -0.1),
          Walk("Agnes Thorn", 0.4, 13.5, 2.1, 0.2, 1.3)),
    _clip("FM-08", "36:15", 10, Walk("Imani Cole", -1.0, 14.5, -1.4, -0.1),
          Walk("Samuel Oke", -4.4, 15.0, 1.0, 0.2, 1.4)),
    _clip("FM-04", "39:30", 10, Walk("Edwin Marsh", -1.6, 15.0, 1.5, -0.25),
          Walk("Tobias Reed", -0.6, 15.2, -1.5, 0.26)),
    _clip("FM-05", "41:50", 10, Walk("Imani Cole", -0.8, 14.5, -0.6, 0.12),
          Walk("Lydia Marlow", -4.6, 15.0, 1.2, 0.16)),
    _clip("FM-01", "50:40", 12, Walk("Edwin Marsh", -3.4, 15.0, 0.8, 0.12),
          Walk("Tobias Reed", -0.2, 15.0, -1.4, -0.05), Walk("Nora Quill", 1.8, 14.5, 2.3, 0.2)),
)  # fmt: skip


# --- The map ----------------------------------------------------------------------------------

_STREETS: Mapping[str, list[Place]] = {
    "High Street": [(-720, 66), (-450, 58), (-240, 72), (-20, 95), (200, 110), (410, 140)],
    "Station Road": [(-430, 388), (-380, 270), (-260, 180), (-120, 130), (-20, 95)],
    "North Road": [(-70, 470), (-40, 300), (-20, 95)],
    "Victoria Terrace": [(-710, 250), (-380, 270), (-40, 300), (260, 318), (560, 345)],
    "Chapel Lane": [(-260, 180), (-240, 72)],
    "Mill Lane": [(-565, 257), (-560, 61), (-556, -28)],
    "School Hill": [(200, 110), (226, 215), (260, 318), (275, 440)],
    "Quay Street": [(-240, 72), (-190, 0), (-60, -24), (120, -30), (235, -4), (305, 40), (410, 56)],
    "Harbour Parade": [(410, 140), (410, 56), (500, 44), (590, 10), (690, 8)],
    "Signal Street": [(-422, 372), (-210, 352), (-60, 400)],
    "Tanner's Row": [(-120, 130), (-130, 290)],
    "Lighthouse Road": [(410, 140), (560, 150), (700, 110)],
    "Cooper Street": [(80, 101), (95, 305)],
    "Beacon Street": [(410, 140), (428, 331)],
    "Brewery Lane": [(-402, 263), (-396, 61)],
    "Bridge Street": [(-20, 95), (-40, -24), (-50, -140), (-34, -262)],
    "Fish Quay": [(-50, -140), (120, -146), (240, -180), (316, -262), (478, -296), (530, -380)],
    "Ropewalk": [(-34, -262), (150, -286), (316, -340), (500, -420)],
    "Park Lane": [(-720, -136), (-400, -138), (-200, -130), (-50, -140)],
    "Abbey Row": [(-214, -132), (-222, -388), (-50, -410)],
    "South Road": [(-34, -262), (-50, -410), (-60, -480)],
    "Sail Loft Lane": [(120, -146), (150, -286), (165, -450)],
}
_BOUNDARY: list[Place] = [
    (-720, 300), (-560, 440), (-60, 470), (300, 440), (560, 380), (700, 180), (705, -20),
    (560, -480), (-60, -480), (-500, -440), (-720, -300),
]  # fmt: skip
# North bank from west to east, the sea, then the harbour and the south bank back.
_WATER: list[Place] = [
    (-820, -38), (-500, -56), (-250, -46), (-60, -62), (120, -66), (245, -42), (312, 12),
    (470, 18), (500, 4), (512, -58), (530, -62), (560, -18), (680, -14), (740, 120), (800, 340),
    (960, 400), (960, -560), (580, -560), (556, -380), (520, -318), (480, -262), (330, -232),
    (264, -150), (120, -116), (-60, -110), (-250, -94), (-500, -104), (-820, -90),
]  # fmt: skip
_PARKS: Mapping[str, list[Place]] = {
    "Priory Park": [(-640, -156), (-236, -152), (-244, -384), (-430, -402), (-610, -380)],
    "Station Green": [(-396, 358), (-372, 290), (-290, 300), (-230, 344)],
    "Churchyard": [(110, 210), (200, 214), (226, 300), (112, 292)],
}
_MARKET_PLACE: list[Place] = [(-14, 98), (78, 104), (76, 142), (-16, 138)]

DISTRICTS: Mapping[str, list[Place]] = {
    "Fennmouth": [(-760, -500), (760, -500), (760, 500), (-760, 500)],
    "Harbour quarter": [(170, 90), (420, 100), (640, 20), (600, -440), (180, -300)],
    "Station quarter": [(-640, 450), (-140, 450), (-120, 140), (-190, 40), (-640, 40)],
}


def position(place: Place) -> tuple[float, float]:
    """Longitude and latitude of a place, WGS 84 degrees, to about a decimetre."""
    shrink = math.cos(math.radians(MIDDLE_LATITUDE))
    longitude = MIDDLE_LONGITUDE + place[0] / (METRES_PER_DEGREE * shrink)
    return round(longitude, 6), round(MIDDLE_LATITUDE + place[1] / METRES_PER_DEGREE, 6)


def streets_geojson() -> dict[str, Any]:
    """The map: water, parks, blocks of houses between the streets, and the streets."""
    from shapely import LineString, Polygon, get_parts, union_all

    water = Polygon(_WATER)
    parks = {name: Polygon(ring) for name, ring in _PARKS.items()}
    streets = {name: LineString(line) for name, line in _STREETS.items()}
    market = Polygon(_MARKET_PLACE)
    kept_free = union_all(
        [
            water.buffer(16),
            market.buffer(5),
            *(park.buffer(8) for park in parks.values()),
            *(street.buffer(9) for street in streets.values()),
        ]
    )
    # Rounded corners, and nothing too small to build on.
    built = Polygon(_BOUNDARY).difference(kept_free).buffer(-5).buffer(5)
    blocks = sorted(
        (block for block in get_parts(built) if block.area > 1500), key=lambda block: block.bounds
    )
    features = [_feature("water", "River Fenn", _polygon(water.exterior.coords))]
    features += [
        _feature("park", name, _polygon(park.exterior.coords)) for name, park in parks.items()
    ]
    features += [_feature("block", "", _polygon(b.simplify(0.5).exterior.coords)) for b in blocks]
    features.append(_feature("street", "Market Place", _polygon(market.exterior.coords)))
    for name, line in _STREETS.items():
        ends = [list(position(place)) for place in line]
        features.append(_feature("street", name, {"type": "LineString", "coordinates": ends}))
    return {"type": "FeatureCollection", "features": features}


def district_geojson(name: str) -> dict[str, Any]:
    """One of :data:`DISTRICTS` as a GeoJSON Feature."""
    ring = DISTRICTS[name]
    return {
        "type": "Feature",
        "properties": {"name": name},
        "geometry": _polygon([*ring, ring[0]]),
    }


def _polygon(ring: Iterable[tuple[float, ...]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(position((p[0], p[1]))) for p in ring]]}


def _feature(kind: str, name: str, geometry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"kind": kind, "name": name}, "geometry": geometry}

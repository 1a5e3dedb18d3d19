"""The map of sightings as a picture, for reports and slides: drawn here, without a browser."""

from __future__ import annotations

import io
import math
import textwrap
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from shapely.geometry import shape

from workbench.domain import Camera, Candidate, District, best_first, scale_marks
from workbench.maps.basemap import Bounds, read_base_map
from workbench.maps.placing import Meridian
from workbench.maps.route import legs, visits
from workbench.maps.sightings import MAX_STOPS, view
from workbench.style import picture_font

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

INK, ACCENT, SURE, WARNING, AREA = "#1d2733", "#7a1f5c", "#0b5d4e", "#b3261e", "#1f5fa8"
OUT = "#6b7280"
PAPER = "#eef0ec"
LAND = {"block": "#e3e1dc", "park": "#cbdfc0", "water": "#b5d3e7", "street": "#ffffff"}
STREET_METRES = 9.0
MARGIN = 60  # pixels around what is shown
ROUTE = "a possible route, not a confirmed one"
SETTLED = "from one confirmed sighting to the next, in straight lines"
# Drawn larger and reduced, for smooth edges.
OVERSAMPLING = 2


def sightings_png(
    candidates: Sequence[Candidate],
    *,
    confirmed: Collection[str] = (),
    rejected: Collection[str] = (),
    cameras: Sequence[Camera] = (),
    district: District | None = None,
    base_map: Path | None = None,
    facts: Mapping[str, str] | None = None,
    notices: Sequence[str] = (),
    width: int = 1600,
    height: int = 1000,
) -> bytes:
    """Draw a map like :func:`workbench.maps.sightings.sightings_map` as a PNG of a given size.

    Tiles are not drawn: nothing is fetched. *notices*, what must be said with the candidates, and
    *facts*, what is said of the file, are lines of their own at its foot, and stand in its text.
    Raises MapError if *base_map* cannot be used.
    """
    ranked = best_first(candidates)
    unplaced = sum(candidate.camera.place is None for candidate in ranked)
    ranked = [candidate for candidate in ranked if candidate.camera.place is not None]
    cameras = [camera for camera in cameras if camera.place is not None]
    ground = read_base_map(base_map) if base_map else None
    meridian = Meridian.between([*(c.camera for c in ranked), *cameras], district)
    shown = view(ranked, cameras, district, meridian)
    bounds = shown or (ground and ground.bounds) or Bounds(0, 0, 1, 1)
    canvas = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING), PAPER)
    sheet = _Sheet.of(canvas, bounds, meridian)
    if ground:
        for feature in ground.geojson["features"]:
            sheet.land(feature["properties"]["kind"], feature["geometry"])
    if district:
        sheet.area(district)
    found = {candidate.camera.camera_id for candidate in ranked}
    for camera in cameras:
        if camera.camera_id not in found:
            sheet.dot(camera)
    out = frozenset(rejected)
    stops = visits([one for one in ranked if one.tracklet_id not in out])
    for leg in legs(stops) if len(stops) <= MAX_STOPS else ():
        sheet.dashes(leg.start.camera, leg.end.camera, WARNING if leg.too_fast() else ACCENT)
    sure = frozenset(confirmed)
    places: defaultdict[Camera, list[Candidate]] = defaultdict(list)
    for candidate in ranked:
        places[candidate.camera].append(candidate)
    marks = scale_marks(candidate.scale for candidate in ranked)
    for camera, here in reversed(places.items()):  # so that the best are on top
        is_sure = any(candidate.tracklet_id in sure for candidate in here)
        first = next((one for one in here if one.tracklet_id not in out), here[0])
        best = f"{first.score:.2f}{marks[first.scale]}"
        is_out = all(candidate.tracklet_id in out for candidate in here)
        sheet.plate(camera, len(here), best, is_sure, is_out)
    cams = f"{len(found):,} camera{'' if len(found) == 1 else 's'}"
    settled = bool(ranked) and all(candidate.tracklet_id in sure for candidate in ranked)
    noun = f"{'sighting' if settled else 'candidate'}{'' if len(ranked) == 1 else 's'}"
    dashes = SETTLED if settled else ROUTE
    words = f"{len(ranked):,} {noun} at {cams}. Square with a tick: confirmed. Dashes: {dashes}."
    if unplaced:
        words += f" Place not known, not on the map: {unplaced:,}."
    if number := sum(candidate.tracklet_id in out for candidate in ranked):
        words += f" Marked “not same”, grey and not on the route: {number:,}."
    said = [
        *notices,
        *(f"{name.capitalize()}: {text}" for name, text in (facts or {}).items()),
        words,
    ]
    sheet.note(*said)
    text = PngInfo()
    text.add_itxt("Description", "\n".join(said))
    buffer = io.BytesIO()
    drawn = canvas.resize((width, height), Image.Resampling.LANCZOS)
    drawn.save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Projection:
    """Web Mercator (EPSG:3857) onto pixels."""

    west: float
    north: float  # both on a globe of circumference 1
    scale: float
    left: float
    top: float

    @classmethod
    def fitting(cls, bounds: Bounds, size: tuple[int, int], margin: int) -> _Projection:
        west, north = _mercator(bounds.west, bounds.north)
        east, south = _mercator(bounds.east, bounds.south)
        # No closer than about 200 m across: a single camera has no extent of its own.
        wide, high = max(east - west, 5e-6), max(south - north, 5e-6)
        scale = min((size[0] - 2 * margin) / wide, (size[1] - 2 * margin) / high)
        middle = (west + east) / 2, (north + south) / 2
        return cls(*middle, scale, size[0] / 2, size[1] / 2)

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = _mercator(longitude, latitude)
        return self.left + (x - self.west) * self.scale, self.top + (y - self.north) * self.scale

    def pixels(self, metres: float, latitude: float) -> float:
        return metres / (40_075_016.7 * math.cos(math.radians(latitude))) * self.scale


def _mercator(longitude: float, latitude: float) -> tuple[float, float]:
    sine = math.sin(math.radians(max(-85.05, min(85.05, latitude))))
    return longitude / 360 + 0.5, 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """Paper, a pen and a projection; sizes are in pixels of the finished picture."""

    draw: ImageDraw.ImageDraw
    projection: _Projection
    size: tuple[int, int]
    meridian: Meridian

    @classmethod
    def of(cls, canvas: Image.Image, bounds: Bounds, meridian: Meridian) -> _Sheet:
        fitting = _Projection.fitting(bounds, canvas.size, MARGIN * OVERSAMPLING)
        return cls(ImageDraw.Draw(canvas, "RGBA"), fitting, canvas.size, meridian)

    def land(self, kind: str, geometry: dict[str, Any]) -> None:
        """A street, water, park or block."""
        for part in shapely.get_parts(self.meridian.shape(shape(geometry))):
            if part.geom_type == "Polygon":
                self.draw.polygon(self._points(part.exterior.coords), fill=LAND[kind])
            else:
                latitude = part.coords[0][1]
                width = max(2, round(self.projection.pixels(STREET_METRES, latitude)))
                width *= 2 if kind == "water" else 1
                self.draw.line(self._points(part.coords), LAND[kind], width, joint="curve")

    def area(self, district: District) -> None:
        """The district: its outline, and a light tint inside."""
        for part in shapely.get_parts(self.meridian.shape(district.area)):
            self.draw.polygon(self._points(part.exterior.coords), fill=f"{AREA}14")
            for ring in (part.exterior, *part.interiors):
                self.draw.line(self._points(ring.coords), AREA, 2 * OVERSAMPLING, joint="curve")

    def dot(self, camera: Camera) -> None:
        """A camera without a candidate."""
        x, y = self._point(camera)
        radius = 5 * OVERSAMPLING
        box = (x - radius, y - radius, x + radius, y + radius)
        self.draw.ellipse(box, fill="#ffffff", outline=INK, width=2 * OVERSAMPLING)

    def dashes(self, start: Camera, end: Camera, colour: str) -> None:
        """A broken line with an arrow a little past its middle."""
        (x, y), (to_x, to_y) = self._point(start), self._point(end)
        length = math.hypot(to_x - x, to_y - y)
        if length < 1:
            return
        along = (to_x - x) / length, (to_y - y) / length
        dash = 9 * OVERSAMPLING
        for begin in range(0, int(length), round(1.7 * dash)):
            until = min(begin + dash, length)
            ends = [(x + along[0] * at, y + along[1] * at) for at in (begin, until)]
            self.draw.line(ends, colour, 3 * OVERSAMPLING)
        tip = x + along[0] * 0.58 * length, y + along[1] * 0.58 * length
        size = 9 * OVERSAMPLING
        back = tip[0] - 2 * size * along[0], tip[1] - 2 * size * along[1]
        across = -along[1] * size, along[0] * size
        sides = [(back[0] + k * across[0], back[1] + k * across[1]) for k in (1, -1)]
        self.draw.polygon([tip, *sides], fill=colour)

    def plate(
        self, camera: Camera, count: int, score: str, confirmed: bool, rejected: bool
    ) -> None:
        """Draw the number of a camera's candidates, and the best score, on a stem above it."""
        x, y = self._point(camera)
        unit = OVERSAMPLING
        words = f"{count} x  {score}"
        half = (self.draw.textlength(words, font=self._font(17)) / 2) + 10 * unit
        half += 12 * unit if confirmed else 0
        colour = SURE if confirmed else OUT if rejected else ACCENT
        box = (x - half, y - 42 * unit, x + half, y - 12 * unit)
        stem = [(x - 7 * unit, box[3]), (x + 7 * unit, box[3]), (x, y)]
        self.draw.polygon(stem, fill=colour)
        radius = 0 if confirmed else 7 * unit
        self.draw.rounded_rectangle(box, radius, fill="#ffffff", outline=colour, width=3 * unit)
        middle = x + (11 * unit if confirmed else 0), y - 27 * unit
        self.draw.text(middle, words, fill=INK, font=self._font(17), anchor="mm")
        if confirmed:  # drawn: not every font has a tick
            left, low = x - half + 11 * unit, y - 27 * unit
            tick = [
                (left, low),
                (left + 5 * unit, low + 6 * unit),
                (left + 15 * unit, low - 7 * unit),
            ]
            self.draw.line(tick, SURE, 3 * unit, joint="curve")

    def note(self, *paragraphs: str) -> None:
        """Lines at the foot, the last one lowest."""
        width = self.size[0] // (10 * OVERSAMPLING)  # in letters
        words = "\n".join(line for one in paragraphs for line in textwrap.wrap(one, width))
        at = 14 * OVERSAMPLING, self.size[1] - 12 * OVERSAMPLING
        font = self._font(16)
        left, top, right, bottom = self.draw.textbbox(at, words, font=font, anchor="ld")
        pad = 6 * OVERSAMPLING
        self.draw.rectangle((left - pad, top - pad, right + pad, bottom + pad), fill="#ffffffe6")
        self.draw.text(at, words, fill=INK, font=font, anchor="ld")

    def _font(self, size: int) -> Any:
        return picture_font(size * OVERSAMPLING)

    def _point(self, camera: Camera) -> tuple[float, float]:
        place = camera.place
        assert place is not None  # the others are left out
        return self.projection.point(self.meridian.longitude(place.longitude), place.latitude)

    def _points(self, coords: Any) -> list[tuple[float, float]]:
        return [self.projection.point(x, y) for x, y, *_ in coords]

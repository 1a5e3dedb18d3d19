"""Drawings of places and times for printed reports, rendered as SVG or in a PDF.

They use no map server and no scripts: a report must look the same on any machine in twenty years.
"""

from __future__ import annotations

import html
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import shapely
from PIL import Image, ImageDraw

from workbench.maps.zones import local_time
from workbench.style import picture_font

if TYPE_CHECKING:
    import pandas as pd
    from fpdf import FPDF

    from workbench.domain import Camera, Candidate, District, Scope

WIDTH = 180.0  # millimetres, between the margins of A4
MOST_NAMES = 40  # cameras; beyond this, their names would overlap
INK, GREY, PALE, MARK = (30, 30, 30), (130, 130, 130), (214, 226, 240), (176, 32, 32)
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """Filled polygon, line, dot or text; ``points`` in millimetres from the top left."""

    kind: str  # polygon, line, dot, text
    points: tuple[tuple[float, float], ...]
    colour: Colour
    text: str = ""
    size: float = 0.0  # radius of a dot, or height of letters, in millimetres


@dataclass(frozen=True, slots=True)
class Sketch:
    """Drawing of width ``WIDTH``, made of shapes."""

    title: str
    height: float  # millimetres
    shapes: tuple[Shape, ...]

    def svg(self) -> str:
        """Render as an SVG element, with every text escaped."""
        parts = [_svg_of(shape) for shape in self.shapes]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {self.height:g}" '
            f'role="img" aria-label="{html.escape(self.title)}">{"".join(parts)}</svg>'
        )

    def png(self, scale: float = 8.0) -> bytes:
        """Render as a PNG, *scale* pixels a millimetre."""
        canvas = Image.new("RGB", (round(WIDTH * scale), round(self.height * scale)), "white")
        pen = ImageDraw.Draw(canvas)
        for shape in self.shapes:
            points = [(x * scale, y * scale) for x, y in shape.points]
            if shape.kind == "polygon":
                pen.polygon(points, fill=shape.colour)
            elif shape.kind == "line":
                pen.line(points, shape.colour, max(1, round(0.3 * scale)))
            elif shape.kind == "dot":
                pen.circle(points[0], shape.size * scale, fill=shape.colour)
            else:
                font = picture_font(shape.size * scale)
                pen.text(points[0], shape.text, fill=shape.colour, font=font, anchor="ls")
        buffer = io.BytesIO()
        canvas.save(buffer, "PNG")
        return buffer.getvalue()

    def draw(self, pdf: FPDF, write: Callable[[str], str]) -> None:
        """Draw into a PDF at its cursor; *write* makes text fit the font."""
        left, top = pdf.l_margin, pdf.get_y()
        for shape in self.shapes:
            points = [(left + x, top + y) for x, y in shape.points]
            pdf.set_draw_color(*shape.colour)
            pdf.set_fill_color(*shape.colour)
            pdf.set_text_color(*shape.colour)
            if shape.kind == "polygon":
                pdf.polygon(points, style="F")
            elif shape.kind == "line":
                for (x1, y1), (x2, y2) in pairwise(points):
                    pdf.line(x1, y1, x2, y2)
            elif shape.kind == "dot":
                x, y = points[0]
                pdf.circle(x, y, shape.size, style="F")
            else:
                pdf.set_font_size(shape.size * 72 / 25.4)
                pdf.text(*points[0], write(shape.text))
        pdf.set_text_color(*INK)
        pdf.set_draw_color(*GREY)
        pdf.set_fill_color(255, 255, 255)  # tables fill their cells with the current colour
        pdf.set_y(top + self.height)


def place_sketch(
    district: District, cameras: Sequence[Camera], sightings: Mapping[int, Candidate]
) -> Sketch:
    """Draw the permitted area, its cameras, and the sightings with their numbers in the report.

    Cameras and sightings whose place is not known are left out.
    """
    placed = [(camera, camera.place) for camera in cameras if camera.place is not None]
    places = [place for _, place in placed]
    if places:
        west, south, east, north = shapely.MultiPoint(places).buffer(0.002).bounds
    else:
        west, south, east, north = district.area.bounds
    frame = shapely.box(west, south, east, north)
    scale = math.cos(math.radians((south + north) / 2))
    factor = min(WIDTH / ((east - west) * scale), 120 / (north - south))
    height = (north - south) * factor

    def spot(longitude: float, latitude: float) -> tuple[float, float]:
        return (longitude - west) * scale * factor, (north - latitude) * factor

    shapes = []
    inside = shapely.intersection(district.area, frame)
    for polygon in getattr(inside, "geoms", [inside]):
        if not polygon.is_empty and polygon.geom_type == "Polygon":
            ring = tuple(spot(x, y) for x, y in polygon.exterior.coords)
            shapes += [Shape("polygon", ring, PALE), Shape("line", ring, GREY)]
    shapes += [Shape("dot", (spot(x, y),), GREY, size=0.7) for x, y in places]
    for camera, place in placed if len(placed) <= MOST_NAMES else ():
        x, y = spot(*place)
        name = camera.camera_id[:20]
        # Letters are about 1.4 mm wide; a name that would leave the frame stands on its other side.
        right = x + 1.2 + 1.4 * len(name) <= (east - west) * scale * factor
        at = (x + 1.2 if right else x - 1.2 - 1.4 * len(name), y + 3)
        shapes.append(Shape("text", (at,), GREY, name, 2.2))
    numbers: dict[tuple[float, float], list[str]] = {}
    for number, sighting in sightings.items():
        if sighting.camera.place is not None:
            at = spot(*sighting.camera.place)
            numbers.setdefault(at, []).append(str(number))
    for (x, y), seen in numbers.items():
        shapes.append(Shape("dot", ((x, y),), MARK, size=1.6))
        shapes.append(Shape("text", ((x + 2.2, y + 1),), MARK, ", ".join(seen), 3.2))
    return Sketch("The permitted area, its cameras and the sightings", height + 2, tuple(shapes))


def time_sketch(
    scope: Scope, footage: pd.DataFrame, sightings: Mapping[int, Candidate], zone: ZoneInfo
) -> Sketch:
    """Draw the times of footage (pale) and sightings (red, with numbers), a row per camera."""
    ordered = list(sightings.values())
    names = {s.camera.camera_id: s.camera.name for s in ordered}
    rows = footage[footage["camera_id"].isin(names)] if names else footage.head(0)
    first = min([s.first_seen for s in ordered], default=scope.start)
    last = max([s.last_seen for s in ordered], default=scope.end)
    # The time around the sightings only: the permitted time may be a month.
    margin = max((last - first) * 0.05, timedelta(minutes=30))
    start, end = max(scope.start, first - margin), min(scope.end, last + margin)
    left, right, line = 50.0, WIDTH - 3, 7.0  # what is drawn at the end has room

    def across(moment: datetime) -> float:
        share = (moment - start) / (end - start)
        return left + (right - left) * min(max(share, 0.0), 1.0)

    shapes = []
    for row, (camera_id, name) in enumerate(names.items()):
        y = row * line + 4
        shapes.append(Shape("text", ((0, y + 1),), INK, f"{name} ({camera_id})"[:34], 2.8))
        own = rows[rows["camera_id"] == camera_id]
        for began, ended in zip(own["started_at"], own["ended_at"], strict=True):
            x1, x2 = across(began.to_pydatetime()), across(ended.to_pydatetime())
            if x2 > x1:
                bar = ((x1, y - 1), (x2, y - 1), (x2, y + 1), (x1, y + 1))
                shapes.append(Shape("polygon", bar, PALE))
    at = {camera_id: row * line + 4 for row, camera_id in enumerate(names)}
    for number, sighting in sightings.items():
        x, y = across(sighting.first_seen), at[sighting.camera.camera_id]
        shapes.append(Shape("dot", ((x, y),), MARK, size=1.3))
        shapes.append(Shape("text", ((x - 0.8, y - 1.8),), MARK, _label(number, sighting), 2.6))
    bottom = len(names) * line + 4
    shapes.append(Shape("line", ((left, bottom), (right, bottom)), GREY))
    for share in (0.0, 0.5, 1.0):
        moment = start + (end - start) * share
        x = min(max(left, left + (right - left) * share - 17), WIDTH - 34)
        words = local_time(moment, zone, "%d %b, %H:%M:%S")
        shapes.append(Shape("text", ((x, bottom + 4),), GREY, words, 2.8))
    title = "When each camera saw a sighting"
    if any(not s.time.is_certain for s in ordered):
        title += "; ?: the time is not certain"
    return Sketch(title, bottom + 6, tuple(shapes))


def _label(number: int, sighting: Candidate) -> str:
    return f"{number}" if sighting.time.is_certain else f"{number}?"


def _svg_of(shape: Shape) -> str:
    colour = "#{:02x}{:02x}{:02x}".format(*shape.colour)
    if shape.kind == "dot":
        x, y = shape.points[0]
        return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{shape.size:g}" fill="{colour}"/>'
    if shape.kind == "text":
        x, y = shape.points[0]
        words = html.escape(shape.text)
        at = f'x="{x:.2f}" y="{y:.2f}" font-size="{shape.size:g}"'
        return f'<text {at} fill="{colour}">{words}</text>'
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
    if shape.kind == "polygon":
        return f'<polygon points="{points}" fill="{colour}"/>'
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="0.3"/>'

"""Lists of cameras as others keep them: CSV, GeoJSON or KML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.domain import Camera
from workbench.errors import CatalogueError, SightlineError
from workbench.footage.catalog import camera_of, points
from workbench.footage.tables import Row, columns_of, read_table

# What other programs call the columns, first what this one does.
NAMES = {
    "camera_id": ("camera_id", "camera", "id", "cameraid", "camera id"),
    "name": ("name", "title", "label", "description"),
    "latitude": ("latitude", "lat", "y"),
    "longitude": ("longitude", "lon", "lng", "long", "x"),
}
MOST_BYTES = 64 * 2**20
_KML = ("http://www.opengis.net/kml/2.2", "http://earth.google.com/kml/2.2",
        "http://earth.google.com/kml/2.1", "http://earth.google.com/kml/2.0", "")  # fmt: skip


def read_places(path: Path | str) -> tuple[Camera, ...]:
    """Read where cameras stand.

    A table needs columns camera_id (or id), latitude (lat) and longitude (lon, lng), and perhaps
    name. GeoJSON needs Points with the property camera_id, id or name; KML needs Placemarks with
    one Point each, and the camera's id as ``camera_id`` in ExtendedData or as their name.

    Raises
    ------
    CatalogueError
        If the file cannot be read, or one of its cameras cannot: a list is taken whole or not at
        all.
    """
    path = Path(path)
    if not path.is_file():
        raise CatalogueError(
            "is missing", where=str(path), fix="Name a list of cameras in CSV, GeoJSON or KML"
        )
    if path.stat().st_size > MOST_BYTES:
        raise CatalogueError(
            f"is larger than {MOST_BYTES // 2**20} MB",
            where=str(path),
            fix="Name a list of cameras, not of footage",
        )
    kind = path.suffix.lower()
    if kind == ".kmz":
        raise CatalogueError(
            "is packed", where=str(path), fix="Unpack it as a zip file and name its doc.kml"
        )
    if kind == ".kml":
        rows = _placemarks(path)
    elif kind in (".geojson", ".json"):
        rows = points(path, ids=("camera_id", "id", "name"))
    else:
        rows = _table(path)
    cameras: dict[str, Camera] = {}
    for where, row in rows:
        try:
            camera = camera_of(row, where)
        except SightlineError as error:
            raise CatalogueError(f"{where}: {error.what}", where=str(path), fix=error.fix) from None
        if cameras.get(camera.camera_id, camera) != camera:
            raise CatalogueError(
                f"{where}: duplicate camera {camera.camera_id}, in another place",
                where=str(path),
                fix="Keep the row that is right",
            )
        cameras[camera.camera_id] = camera
    if not cameras:
        raise CatalogueError(
            "lists no camera", where=str(path), fix="Export the points, one for each camera"
        )
    return tuple(cameras.values())


def _table(path: Path) -> Iterator[Row]:
    """Rows under this program's names of columns, whichever of the known ones the table has."""
    given = columns_of(path)
    lowered = {name.lower(): name for name in reversed(given)}
    chosen = {
        ours: next((lowered[name] for name in known if name in lowered), "")
        for ours, known in NAMES.items()
    }
    # Without an id of its own, a camera goes by its name.
    chosen["camera_id"] = chosen["camera_id"] or chosen["name"]
    missing = [name for name, column in chosen.items() if not column and name != "name"]
    if missing:
        raise CatalogueError(
            f"has no column {', '.join(missing)}",
            where=str(path),
            fix="Write a first line with camera_id,name,latitude,longitude",
        )
    for where, row in read_table(path, [chosen[name] for name in chosen if chosen[name]]):
        yield where, {ours: row[column] if column else "" for ours, column in chosen.items()}


def _placemarks(path: Path) -> Iterator[Row]:
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException

    try:
        # Neither entities nor a document type, which might make much of little or name other files.
        root = ElementTree.parse(path, forbid_dtd=True).getroot()
    except (ElementTree.ParseError, DefusedXmlException, OSError, ValueError, LookupError) as error:
        raise CatalogueError(
            f"is not KML that can be read ({error or type(error).__name__})",
            where=str(path),
            fix="Export it again as KML, or as GeoJSON",
        ) from None
    space, _, kind = root.tag.rpartition("}")
    space = space.removeprefix("{")
    if kind != "kml" or space not in _KML:
        raise CatalogueError(
            f"is not KML but <{kind}>", where=str(path), fix="Export it again as KML"
        )
    marks = root.iter(f"{{{space}}}Placemark" if space else "Placemark")
    for number, mark in enumerate(marks, start=1):
        yield _placemark(mark, space, f"{path.name} placemark {number}")


def _placemark(mark: Any, space: str, where: str) -> Row:
    names = {"k": space}
    prefix = "k:" if space else ""

    def text(at: str) -> str:
        return (mark.findtext(at.replace("k:", prefix), "", names) or "").strip()

    row = dict.fromkeys(NAMES, "")
    row["name"] = text("k:name")
    row["camera_id"] = (
        text("k:ExtendedData/k:Data[@name='camera_id']/k:value")
        or text("k:ExtendedData/k:SchemaData/k:SimpleData[@name='camera_id']")
        or row["name"]
    )
    places = text("k:Point/k:coordinates").split()
    if len(places) == 1:
        longitude, latitude, *_ = [*places[0].split(","), "", ""]
        row |= {"latitude": latitude, "longitude": longitude}
    else:
        row["geometry"] = "placemark without one Point"
    return where, row

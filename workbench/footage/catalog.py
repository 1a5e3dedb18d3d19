"""Read a catalogue: which cameras stand where, and which file is whose footage from when."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from workbench.domain import Camera, Catalogue, Problem, Recording, parse_time
from workbench.errors import CatalogueError, SightlineError
from workbench.footage.files import files_of, is_sequence

CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV = "cameras.csv", "cameras.geojson", "footage.csv"
CAMERA_COLUMNS = ("camera_id", "name", "latitude", "longitude")
FOOTAGE_COLUMNS = ("file", "camera_id", "started_at")
# Beyond this a camera's clock is not off but unset.
MOST_CLOCK_OFFSET = timedelta(days=366)
MOST_FRAME_RATE = 1000.0

_Row = tuple[str, dict[str, str]]  # where it stands, and its fields


def read_catalogue(folder: Path | str) -> Catalogue:
    """Read ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv`` in *folder*.

    ``cameras.csv`` has the columns camera_id, name, latitude, longitude; ``cameras.geojson`` is a
    FeatureCollection of Points with the properties camera_id and name. ``footage.csv`` has the
    columns file (relative to the folder), camera_id, started_at (ISO 8601 with an offset), and
    perhaps clock_offset_seconds: how far the camera's clock, and so started_at, was ahead. A
    sequence of pictures is named by a pattern, such as ``night/*.jpg``, with its frame_rate.

    Bad rows are left out and told in ``problems``; the others go on.

    Raises
    ------
    CatalogueError
        If a file is missing, is no such table, or leaves no camera or no recording.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CatalogueError(
            "is not a folder", where=str(folder), fix=f"Name the folder that holds {FOOTAGE_CSV}"
        )
    problems: list[Problem] = []
    cameras = _cameras(folder, problems)
    recordings = _recordings(folder, cameras, problems)
    return Catalogue(folder, tuple(cameras.values()), tuple(recordings), tuple(problems))


def _cameras(folder: Path, problems: list[Problem]) -> dict[str, Camera]:
    table, drawing = folder / CAMERAS_CSV, folder / CAMERAS_GEOJSON
    if table.exists() and drawing.exists():
        raise CatalogueError(
            f"has both {CAMERAS_CSV} and {CAMERAS_GEOJSON}",
            where=str(folder),
            fix="Keep the one that is right",
        )
    rows = _points(drawing) if drawing.exists() else _rows(table, CAMERA_COLUMNS)
    cameras: dict[str, Camera] = {}
    for where, row in rows:
        try:
            camera = Camera(
                row["camera_id"],
                row["name"] or row["camera_id"],
                _number(row["latitude"], where, "latitude"),
                _number(row["longitude"], where, "longitude"),
            )
            if camera.camera_id in cameras:
                raise CatalogueError(
                    f"camera {camera.camera_id} stands twice", where=where, fix="Keep one row of it"
                )
        except SightlineError as error:
            problems.append(Problem(where, str(error).removeprefix(f"{where}: ")))
        else:
            cameras[camera.camera_id] = camera
    if not cameras:
        first = f" ({problems[0].where}: {problems[0].what})" if problems else ""
        raise CatalogueError(
            f"no camera can be used{first}", where=str(folder), fix="List at least one camera"
        )
    return cameras


def _recordings(
    folder: Path, cameras: dict[str, Camera], problems: list[Problem]
) -> Iterator[Recording]:
    seen: set[tuple[str, str]] = set()
    for where, row in _rows(folder / FOOTAGE_CSV, FOOTAGE_COLUMNS):
        try:
            recording = _recording(folder, row, cameras, where)
            if (recording.file, recording.camera_id) in seen:
                raise CatalogueError(
                    f"{recording.file} stands twice", where=where, fix="Keep one row of it"
                )
        except SightlineError as error:
            problems.append(Problem(where, str(error).removeprefix(f"{where}: ")))
        else:
            seen.add((recording.file, recording.camera_id))
            yield recording


def _recording(
    folder: Path, row: dict[str, str], cameras: dict[str, Camera], where: str
) -> Recording:
    file, camera_id = row["file"], row["camera_id"]
    if camera_id not in cameras:
        raise CatalogueError(
            f"camera {camera_id!r} is not among the cameras",
            where=where,
            fix="Correct the id or list the camera",
        )
    if not file:
        raise CatalogueError("names no file", where=where, fix="Fill in the file")
    path = folder / file
    # Links and ".." would let a catalogue name any file of this machine.
    root = folder.resolve()
    if not all(part.resolve().is_relative_to(root) for part in (path, *files_of(path))):
        raise CatalogueError(
            f"{file} lies outside the catalogue's folder",
            where=where,
            fix="Put the recording inside the folder",
        )
    started_at = parse_time(row["started_at"], where=where)
    offset = row.get("clock_offset_seconds")
    if offset:
        seconds = _number(offset, where, "clock_offset_seconds")
        if not abs(seconds) <= MOST_CLOCK_OFFSET.total_seconds():
            raise CatalogueError(
                f"a clock offset of {seconds:g} s is more than a year",
                where=where,
                fix="Give the time the recording really started instead",
            )
        started_at -= timedelta(seconds=seconds)
    frame_rate = None
    if row.get("frame_rate"):
        frame_rate = _number(row["frame_rate"], where, "frame_rate")
        if not 0 < frame_rate <= MOST_FRAME_RATE:
            raise CatalogueError(
                f"{frame_rate:g} frames a second cannot be",
                where=where,
                fix="Give the pictures taken in a second",
            )
    if is_sequence(path) and frame_rate is None:
        raise CatalogueError(
            f"{file} is a sequence of pictures without a frame_rate",
            where=where,
            fix="Add a column frame_rate with the pictures taken in a second",
        )
    return Recording(file, path, camera_id, started_at, frame_rate)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Row]:
    try:
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in names]
            if missing:
                raise CatalogueError(
                    f"has no column {', '.join(missing)}",
                    where=str(path),
                    fix=f"Write a first line with {','.join(columns)}",
                )
            reader.fieldnames = names
            for row in reader:
                # Short rows give None; fields too many come under the key None.
                fields = {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}
                if any(fields.values()):
                    yield f"{path.name} line {reader.line_num}", fields
    except FileNotFoundError:
        raise CatalogueError(
            "is missing", where=str(path), fix=f"Write one with the columns {', '.join(columns)}"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(
            f"cannot be read as a table ({error})",
            where=str(path),
            fix="Save it as CSV with commas, in UTF-8",
        ) from None


def _points(path: Path) -> Iterator[_Row]:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        features = document["features"]
        assert isinstance(features, list)
    except (OSError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise CatalogueError(
            f"is not a GeoJSON FeatureCollection ({error!r})",
            where=str(path),
            fix="Write one Point a camera, with the properties camera_id and name",
        ) from None
    for number, feature in enumerate(features):
        row = dict.fromkeys(CAMERA_COLUMNS, "")
        try:
            properties = feature.get("properties") or {}
            row["camera_id"] = str(properties.get("camera_id") or "")
            row["name"] = str(properties.get("name") or "")
            if feature["geometry"]["type"] == "Point":
                longitude, latitude, *_ = feature["geometry"]["coordinates"]
                row |= {"longitude": str(longitude), "latitude": str(latitude)}
        except (AttributeError, LookupError, TypeError, ValueError):
            pass  # the empty fields are refused with the feature's number by whoever reads them
        yield f"{path.name} feature {number}", row


def _number(text: str, where: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CatalogueError(
            f"{name} {text!r} is not a number", where=where, fix="Write decimal degrees or seconds"
        ) from None

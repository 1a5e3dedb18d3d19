"""Read a catalogue: cameras and their places, recordings with their cameras and start times."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from workbench.domain import (
    EARLIEST,
    FILM,
    MOST_OFFSET_SECONDS,
    Camera,
    Catalogue,
    Place,
    Problem,
    Recording,
    is_possible,
    parse_time,
)
from workbench.errors import CatalogueError, SightlineError
from workbench.footage.files import files_of, is_sequence
from workbench.footage.geometry import MOST_ASPECT
from workbench.footage.tables import Row, read_table

CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV = "cameras.csv", "cameras.geojson", "footage.csv"
CAMERA_COLUMNS = ("camera_id", "name", "latitude", "longitude")
FOOTAGE_COLUMNS = ("file", "camera_id", "started_at")
# From one picture a week to the fastest cameras.
LEAST_FRAME_RATE, MOST_FRAME_RATE = 1e-6, 1000.0

# In the column time_from: what somebody should confirm, and why.
MODIFICATION_TIME, TO_THE_MINUTE = "modification time", "name to the minute"
CONTAINER_ALONE, PERHAPS_THE_END = "container", "container, perhaps the end"
TIME_DOUBTS = {
    MODIFICATION_TIME: "its start is when the file was last written, less its length; of a copy "
    "that means nothing",
    CONTAINER_ALONE: "its start is what the container alone states, where some cameras write local "
    "time or the end, and programs that export the time of the export",
    PERHAPS_THE_END: "its start is what the container states, which may be its end",
    TO_THE_MINUTE: "its name states the minute of its start, not the second",
}


def read_catalogue(folder: Path | str) -> Catalogue:
    """Read ``cameras.csv`` (or ``cameras.geojson``) and ``footage.csv`` in *folder*.

    ``cameras.csv`` has the columns camera_id, name, latitude, longitude; ``cameras.geojson`` is a
    FeatureCollection of Points with the properties camera_id and name. ``footage.csv`` has the
    columns file (relative to the folder), camera_id, started_at (ISO 8601 with an offset), and
    perhaps

    clock_offset_seconds
        How far the camera's clock, and so started_at, was ahead.
    frame_rate
        Pictures taken a second: of a sequence of pictures, which is named by a pattern such as
        ``night/*.jpg``; of a film without times; of a film whose times are not those of the
        recording (time-lapse).
    stream
        Which picture stream of a film with several, from 1. Each has a camera of its own.
    rotation
        Degrees clockwise (90, 180, 270) that put the picture upright, where the file does not say
        how the camera hangs.
    time_from
        What started_at rests on. Where that is ``modification time``, when the file was last
        written, ``name to the minute``, ``container`` (and nothing else) or ``container, perhaps
        the end``, times are not certain until somebody confirms or corrects them.
    pixel_aspect
        Width of a pixel by its height, as ``2:1`` or ``1.0667``, where the file is wrong about it.
    latitude, longitude
        Where the camera was for this recording, if it is not always at one place.
    track
        Of a camera that moves: a GPX file relative to the folder, or ``film`` for the track in the
        metadata of the film itself.

    A camera has neither latitude nor longitude where its place is not known, or moves.

    See :func:`workbench.footage.tables.read_table` for the dialects that are read.

    Bad rows are left out and listed in ``problems``; the others are used.

    Raises
    ------
    CatalogueError
        If a file is missing, is not such a table, or leaves no camera or no recording.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CatalogueError(
            "is not a folder", where=str(folder), fix=f"Name the folder that holds {FOOTAGE_CSV}"
        )
    problems: list[Problem] = []
    cameras = read_cameras(folder, problems)
    recordings = tuple(_recordings(folder, cameras, problems))  # which adds cameras at places
    return Catalogue(folder, tuple(cameras.values()), recordings, tuple(problems))


def read_cameras(folder: Path, problems: list[Problem]) -> dict[str, Camera]:
    """Read the cameras of a catalogue by their ids; rows that cannot be used join *problems*.

    Raises CatalogueError as :func:`read_catalogue` does.
    """
    table, drawing = folder / CAMERAS_CSV, folder / CAMERAS_GEOJSON
    if table.exists() and drawing.exists():
        raise CatalogueError(
            f"has both {CAMERAS_CSV} and {CAMERAS_GEOJSON}",
            where=str(folder),
            fix="Keep the one that is right",
        )
    rows = points(drawing) if drawing.exists() else read_table(table, CAMERA_COLUMNS)
    cameras: dict[str, Camera] = {}
    for where, row in rows:
        try:
            camera = camera_of(row, where)
            if camera.camera_id in cameras:
                raise CatalogueError(
                    f"duplicate camera {camera.camera_id}", where=where, fix="Keep one row"
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


def camera_of(row: Mapping[str, str], where: str) -> Camera:
    """Make a camera of a row of a list of cameras.

    Raises
    ------
    CatalogueError
        If its place is no place on Earth, or half of one, or it has no id.
    """
    if row.get("geometry"):
        raise CatalogueError(
            f"a camera has one place, and this is a {row['geometry'][:40]}",
            where=where,
            fix="Write a Point",
        )
    return Camera(
        row["camera_id"],
        row["name"] or row["camera_id"],
        _degrees(row, "latitude", where),
        _degrees(row, "longitude", where),
    )


def _recordings(
    folder: Path, cameras: dict[str, Camera], problems: list[Problem]
) -> Iterator[Recording]:
    seen: set[tuple[str, str]] = set()
    for where, row in read_table(folder / FOOTAGE_CSV, FOOTAGE_COLUMNS):
        try:
            recording, place = read_row(folder, row, cameras, where), _place(row, where)
            if (recording.file, recording.camera_id) in seen:
                raise CatalogueError(
                    f"duplicate recording {recording.file}", where=where, fix="Keep one row"
                )
        except SightlineError as error:
            problems.append(Problem(where, str(error).removeprefix(f"{where}: ")))
        else:
            seen.add((recording.file, recording.camera_id))
            if place is not None:
                there = cameras[recording.camera_id].at(place)
                cameras[there.camera_id] = there
                recording = replace(recording, camera_id=there.camera_id)
            yield recording


def read_row(
    folder: Path, row: dict[str, str], cameras: dict[str, Camera], where: str
) -> Recording:
    """Read one row of ``footage.csv``; raise CatalogueError, which names *where*, if it is bad."""
    file, camera_id = row["file"], row["camera_id"]
    if camera_id not in cameras:
        raise CatalogueError(
            f"camera {camera_id!r} is not among the cameras",
            where=where,
            fix="Correct the id or list the camera",
        )
    path = _path_inside(folder, file, where)
    file = path.relative_to(folder).as_posix()
    track = _track(folder, row, path, where)
    if track is not None and (cameras[camera_id].place or _place(row, where)):
        raise CatalogueError(
            f"camera {camera_id} has a place, and this recording a track",
            where=where,
            fix="Leave latitude and longitude of a camera that moves empty, or the column track",
        )
    offset = 0.0
    if row.get("clock_offset_seconds"):
        offset = _number(row["clock_offset_seconds"], where, "clock_offset_seconds")
        if not abs(offset) <= MOST_OFFSET_SECONDS:
            raise CatalogueError(
                f"a clock offset of {offset:g} s is more than a year",
                where=where,
                fix="Give the time the recording really started instead",
            )
    started_at = parse_time(row["started_at"], where=where) - timedelta(seconds=offset)
    if not is_possible(started_at):
        raise CatalogueError(
            f"a recording from {started_at:%Y-%m-%d} is not possible",
            where=where,
            fix=f"Give a time from {EARLIEST:%Y} to now",
        )
    frame_rate = None
    if row.get("frame_rate"):
        frame_rate = _number(row["frame_rate"], where, "frame_rate")
        if not LEAST_FRAME_RATE <= frame_rate <= MOST_FRAME_RATE:
            raise CatalogueError(
                f"{frame_rate:g} frames per second is not possible",
                where=where,
                fix="Give the number of pictures per second",
            )
    if is_sequence(path) and frame_rate is None:
        raise CatalogueError(
            f"{file} is a sequence of pictures without a frame_rate",
            where=where,
            fix="Add a column frame_rate with the number of pictures per second",
        )
    return Recording(
        file,
        path,
        camera_id,
        started_at,
        frame_rate,
        stream=_stream(row.get("stream"), where),
        rotation=_rotation(row.get("rotation"), where),
        pixel_aspect=_aspect(row.get("pixel_aspect"), where),
        clock_offset_seconds=offset,
        catalogue=str(folder.resolve()),
        time_doubt=TIME_DOUBTS.get(row.get("time_from", ""), ""),
        track=track,
    )


def _path_inside(folder: Path, file: str, where: str, *, column: str = "file") -> Path:
    """Path of a file of the catalogue; raise CatalogueError unless it lies inside the folder."""
    if not file:
        raise CatalogueError("names no file", where=where, fix="Fill in the column file")
    try:
        path = _path(folder, file)
        # Links and ".." would let a catalogue name any file of this machine.
        parts, root = [part.resolve() for part in (path, *files_of(path))], folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        # Too long, with a NUL in it, a pattern that is none, links in a circle.
        why = getattr(error, "strerror", None) or error
        raise CatalogueError(
            f"{file[:80]!r} cannot be the name of a file ({why})",
            where=where,
            fix=f"Correct the column {column}",
        ) from None
    if not all(part.is_relative_to(root) for part in parts):
        raise CatalogueError(
            f"{file} lies outside the catalogue's folder",
            where=where,
            fix="Put the recording inside the folder",
        )
    return path


def _path(folder: Path, file: str) -> Path:
    """Path of a file of the catalogue, also if its name is spelt as another system would."""
    path = folder / file
    if files_of(path):
        return path
    if "\\" in file and files_of(folder / file.replace("\\", "/")):
        return folder / file.replace("\\", "/")
    for form in ("NFC", "NFD"):
        other = folder / unicodedata.normalize(form, file)
        if files_of(other):
            return other
    return path


def _degrees(row: Mapping[str, str], name: str, where: str) -> float | None:
    """Degrees of a place; None where the field is empty."""
    return _number(row[name], where, name) if row.get(name) else None


def _place(row: Mapping[str, str], where: str) -> Place | None:
    """Where the camera was for this recording alone; None where the row does not say."""
    given = _degrees(row, "latitude", where), _degrees(row, "longitude", where)
    if given == (None, None):
        return None
    return Camera("of this recording", "", *given).place


def _track(folder: Path, row: Mapping[str, str], path: Path, where: str) -> Path | None:
    """The file that says where a moving camera was; None where the row names none."""
    name = row.get("track")
    if not name:
        return None
    if name == FILM:
        if is_sequence(path):
            raise CatalogueError(
                "a sequence of pictures holds no track", where=where, fix="Name a GPX file"
            )
        return path
    track = _path_inside(folder, name, where, column="track")
    if not track.is_file():
        raise CatalogueError(
            f"there is no track {name}", where=where, fix=f"Name a GPX file, or write {FILM}"
        )
    return track


def _stream(text: str | None, where: str) -> int:
    if not text:
        return 1
    if not re.fullmatch("[1-9][0-9]?", text):
        raise CatalogueError(
            f"stream {text[:20]!r} is not the number of a picture stream",
            where=where,
            fix="Count from 1",
        )
    return int(text)


def _rotation(text: str | None, where: str) -> int | None:
    if not text:
        return None
    degrees = _number(text, where, "rotation")
    if degrees not in (-270, -180, -90, 0, 90, 180, 270):
        raise CatalogueError(
            f"a rotation of {degrees:g} degrees is not a multiple of 90",
            where=where,
            fix="Write 90, 180 or 270, clockwise",
        )
    return int(degrees) % 360


def _aspect(text: str | None, where: str) -> Fraction | None:
    if not text:
        return None
    # Without exponents: a fraction of 1e999999999 has a thousand million digits.
    parts = re.fullmatch(r"([0-9.]{1,12})\s*(?:[:/]\s*([0-9.]{1,12}))?", text)
    try:
        aspect = Fraction(parts[1]) / Fraction(parts[2] or 1) if parts else Fraction(0)
    except (ValueError, ZeroDivisionError):
        aspect = Fraction(0)
    if not Fraction(1, MOST_ASPECT) <= aspect <= MOST_ASPECT:
        raise CatalogueError(
            f"pixel_aspect {text[:20]!r} is not the width of a pixel by its height",
            where=where,
            fix=f"Write it as 2:1 or 1.0667, between 1:{MOST_ASPECT} and {MOST_ASPECT}:1",
        )
    return aspect


def points(path: Path, *, ids: Sequence[str] = ("camera_id",)) -> Iterator[Row]:
    """Rows of a list of cameras in GeoJSON, one for each feature.

    Parameters
    ----------
    path : Path
    ids : sequence of str
        Properties that may hold the camera's id; the first that is there holds it.

    Raises
    ------
    CatalogueError
        If the file is not a FeatureCollection.
    """
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        features = document["features"]
        if not isinstance(features, list):
            raise TypeError("features is not a list")
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise CatalogueError(
            f"is not a GeoJSON FeatureCollection ({error!r})",
            where=str(path),
            fix="Write one Point per camera, with the properties camera_id and name",
        ) from None
    for number, feature in enumerate(features):
        row = dict.fromkeys(CAMERA_COLUMNS, "")
        try:
            properties = feature.get("properties") or {}
            row["camera_id"] = next(
                (str(properties[key]) for key in ids if properties.get(key)), ""
            )
            row["name"] = str(properties.get("name") or "")
            if feature["geometry"] is None:  # RFC 7946: a feature without a place
                yield f"{path.name} feature {number}", row
                continue
            kind, places = feature["geometry"]["type"], feature["geometry"]["coordinates"]
            # Programs that know no single points write one in a set of one.
            if kind == "MultiPoint" and len(places) == 1:
                kind, places = "Point", places[0]
            if kind == "Point":
                longitude, latitude, *_ = places
                row |= {"longitude": str(longitude), "latitude": str(latitude)}
            else:
                row["geometry"] = str(kind)
        except (AttributeError, LookupError, TypeError, ValueError):
            row["geometry"] = "geometry that cannot be read"  # refused with the feature's number
        yield f"{path.name} feature {number}", row


def _number(text: str, where: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CatalogueError(
            f"{name} {text[:40]!r} is not a number",
            where=where,
            fix="Write decimal degrees or seconds",
        ) from None

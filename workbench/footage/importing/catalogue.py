"""From a folder to a proposed catalogue in one call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from workbench.domain import Camera, ProgressCallback
from workbench.errors import CatalogueError, TimeError
from workbench.footage.importing.places import read_places
from workbench.footage.importing.proposal import Proposal, propose
from workbench.footage.importing.start import Prefer
from workbench.footage.importing.survey import survey
from workbench.footage.importing.writing import existing_catalogue
from workbench.footage.names import own_pattern

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)


def propose_catalogue(
    folder: Path | str,
    *,
    zone: str = "",
    pattern: str = "",
    cameras: Path | str | None = None,
    camera: str = "",
    frame_rate: float | None = None,
    prefer: Prefer | None = None,
    without_places: bool = False,
    overlaps: bool = False,
    out: Path | str | None = None,
    progress: ProgressCallback | None = None,
) -> Proposal:
    """Propose cameras, starts and doubts for all footage in a folder; nothing is written.

    >>> proposal = propose_catalogue("export", zone="Europe/London",   # doctest: +SKIP
    ...                              cameras="cameras.kml")
    >>> write_catalogue(proposal)                                      # doctest: +SKIP

    Parameters
    ----------
    folder : path
    zone : str
        Zone of the camera's clock, such as ``Europe/London``, ``UTC`` or ``+01:00``; needed for
        names that state a local time.
    pattern : str
        Form of names of one's own; see :func:`workbench.footage.names.own_pattern`.
    cameras : path, optional
        List of cameras in CSV, GeoJSON or KML.
    camera, frame_rate, prefer, without_places, overlaps
        As :func:`propose` takes them.
    out : path, optional
        Where the catalogue is to lie; what is listed there is not proposed again.
    progress : callable, optional
        Called as files are read.

    Raises
    ------
    CatalogueError, TimeError
        If the folder, the pattern or the list of cameras cannot be read, or the zone is unknown.
    """
    clock = read_zone(zone) if zone else None
    form = own_pattern(pattern) if pattern else None
    before = existing_catalogue(folder, out)
    places = known_places(before.cameras, read_places(cameras) if cameras else ())
    return propose(
        survey(folder, pattern=form, progress=progress),
        zone=clock,
        places=places,
        camera=camera,
        frame_rate=frame_rate,
        prefer=prefer,
        without_places=without_places,
        overlaps=overlaps,
        listed=before.files,
    )


def known_places(existing: Iterable[Camera], given: Iterable[Camera]) -> tuple[Camera, ...]:
    """The cameras of a catalogue and those of a list, as one list.

    Raises
    ------
    CatalogueError
        If a camera stands in both, in different places.
    """
    places = {one.camera_id: one for one in existing}
    for camera in given:
        before = places.setdefault(camera.camera_id, camera)
        if (before.latitude, before.longitude) != (camera.latitude, camera.longitude):
            raise CatalogueError(
                f"camera {camera.camera_id} stands at {before.latitude}, {before.longitude} in the "
                f"catalogue, and at {camera.latitude}, {camera.longitude} in the list",
                fix="Correct the one that is wrong",
            )
    return tuple(places.values())


def read_zone(text: str) -> tzinfo:
    """Read the zone of a clock: ``Europe/London``, ``UTC``, or a fixed offset such as ``+01:00``.

    Raises
    ------
    TimeError
        If there is no such zone.
    """
    text = text.strip()
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if match := _OFFSET.fullmatch(text):
        sign, hours, minutes = match[1], int(match[2]), int(match[3] or 0)
        offset = timedelta(hours=hours, minutes=minutes)
        if offset <= timedelta(hours=14) and minutes < 60:
            return timezone(-offset if sign == "-" else offset)
    elif text in available_timezones():
        return ZoneInfo(text)
    raise TimeError(
        f"{text!r} is not a time zone",
        where="zone",
        fix="Write one like Europe/London, or an offset like +01:00 for a clock that is not turned",
    )

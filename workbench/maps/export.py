"""Candidates for other programs: CSV for spreadsheets, GeoJSON for maps.

*facts* say what a file is, by name: its title, case, scope, threshold and so on. *rejected* are the
tracklets that an analyst took for somebody else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from workbench.domain import TIME_FIELDS, Candidate, numbered
from workbench.domain.spreadsheets import csv_text
from workbench.maps.zones import local_time


def sightings_csv(
    candidates: Sequence[Candidate],
    *,
    zone: ZoneInfo,
    confirmed: Collection[str] = (),
    rejected: Collection[str] = (),
    facts: Mapping[str, str] | None = None,
    notices: Sequence[str] = (),
) -> str:
    """One row a candidate, in the order of :func:`workbench.domain.numbered`.

    Times are in UTC, and as clocks in *zone* show them.
    *facts* and *notices*, what must be said with the candidates, stand in each row, so that they
    stay with it wherever it is copied. Text that a spreadsheet would take for a formula gets an
    apostrophe before it.
    """
    rows = _rows(candidates, zone, frozenset(confirmed), frozenset(rejected))
    said = dict(facts or {}) | ({"notice": " ".join(notices)} if notices else {})
    return csv_text([*_COLUMNS, *said], ([*row.values(), *said.values()] for row in rows))


def sightings_geojson(
    candidates: Sequence[Candidate],
    *,
    zone: ZoneInfo,
    confirmed: Collection[str] = (),
    rejected: Collection[str] = (),
    facts: Mapping[str, str] | None = None,
    notices: Sequence[str] = (),
) -> dict[str, Any]:
    """A FeatureCollection (RFC 7946) with a point a candidate, where its camera stands.

    The geometry is null where that is not known. *facts* (as ``about``) and *notices*, what must be
    said with the candidates, are members of the collection.
    """
    return {
        "type": "FeatureCollection",
        **({"about": dict(facts)} if facts else {}),
        **({"notices": list(notices)} if notices else {}),
        "features": [
            {"type": "Feature", "geometry": _point(row), "properties": row}
            for row in _rows(candidates, zone, frozenset(confirmed), frozenset(rejected))
        ],
    }


def _point(row: dict[str, Any]) -> dict[str, Any] | None:
    """Take the place out of a row, as a geometry."""
    place = [row.pop("longitude"), row.pop("latitude")]
    return None if None in place else {"type": "Point", "coordinates": place}


_COLUMNS = (
    "number", "tracklet_id", "camera_id", "camera", "longitude", "latitude", "recording",
    "first_seen", "last_seen", "first_seen_local", "last_seen_local", "score", "scale", "quality",
    "confirmed", "rejected", *TIME_FIELDS,
)  # fmt: skip


def _rows(
    candidates: Sequence[Candidate],
    zone: ZoneInfo,
    confirmed: frozenset[str],
    rejected: frozenset[str],
) -> Iterator[dict[str, Any]]:
    for number, one in numbered(candidates, confirmed):
        values = (
            number, one.tracklet_id, one.camera.camera_id, one.camera.name, one.camera.longitude,
            one.camera.latitude, one.recording, one.first_seen.isoformat(),
            one.last_seen.isoformat(), local_time(one.first_seen, zone),
            local_time(one.last_seen, zone), round(one.score, 4), one.scale, round(one.quality, 3),
            one.tracklet_id in confirmed, one.tracklet_id in rejected,
            *(one.time.fields | {"recorded_first_seen": one.time.recorded.isoformat()}).values(),
        )  # fmt: skip
        yield dict(zip(_COLUMNS, values, strict=True))

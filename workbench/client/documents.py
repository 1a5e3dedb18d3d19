"""JSON documents of the API: each is written by the server and read by the client, both here.

Nothing in them is a template, and a picture only where it was asked for.
"""

from __future__ import annotations

import base64
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from workbench import errors
from workbench.casework.cases import Case, Change, Request
from workbench.casework.provenance import Provenance
from workbench.district import from_geojson, to_geojson
from workbench.domain import (
    Camera,
    Candidate,
    Coverage,
    Filter,
    Missing,
    Scope,
    Threshold,
    TimeNote,
    parse_time,
)
from workbench.errors import CaseError, SightlineError

Document = dict[str, Any]

MOST_BYTES = 100 * 2**20
"""Largest request: ten photographs of 10 MB."""

STATED = ("source", "given_by", "taken", "changes", "under_18", "kind")
"""Keys of a photograph that say where it comes from, as in Provenance."""

_ERRORS = {
    name: one
    for name, one in vars(errors).items()
    if inspect.isclass(one) and issubclass(one, SightlineError)
}


def scope_document(scope: Scope) -> Document:
    """Return a scope as JSON values, its district as GeoJSON."""
    return {
        "district": to_geojson(scope.district),
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "unplaced": sorted(scope.unplaced),
    }


def scope_from(document: Mapping[str, Any], *, drawn: bool = True) -> Scope:
    """Read a scope; raise DistrictError or TimeError where one of its parts is wrong.

    *drawn* is False for one that :func:`scope_document` wrote.
    """
    start, end = (parse_time(str(document.get(name, "")), where=name) for name in ("start", "end"))
    district = from_geojson(document.get("district") or {}, drawn=drawn)
    return Scope(district, start, end, frozenset(map(str, document.get("unplaced") or ())))


def filter_from(document: Mapping[str, Any] | None) -> Filter | None:
    """Read a filter, or none; raise TimeError where a window is wrong."""
    if document is None:
        return None
    cameras, windows = document.get("cameras"), document.get("windows")
    return Filter(
        cameras=None if cameras is None else frozenset(map(str, cameras)),
        windows=None
        if windows is None
        else tuple(
            (parse_time(str(a), where="windows"), parse_time(str(b), where="windows"))
            for a, b in windows
        ),
        quality=float(document.get("quality") or 0.0),
    )


def candidate_document(candidate: Candidate, *, shot: bool = False) -> Document:
    """Return a candidate as JSON values; with *shot*, its best shot as a JPEG in Base64."""
    made = {
        "tracklet_id": candidate.tracklet_id,
        "camera": asdict(candidate.camera),
        "recording_id": candidate.recording_id,
        "recording": candidate.recording,
        "first_seen": candidate.first_seen.isoformat(),
        "last_seen": candidate.last_seen.isoformat(),
        "score": candidate.score,
        "scale": candidate.scale,
        "quality": candidate.quality,
        "shot_seconds": candidate.shot_seconds,
        "shot_time": candidate.shot_time.isoformat(),
        "time": {**asdict(candidate.time), "recorded": candidate.time.recorded.isoformat()},
    }
    if shot:
        made["shot"] = base64.b64encode(candidate.shot_jpeg).decode()
    return made


def candidate_from(document: Mapping[str, Any]) -> Candidate:
    """Read a candidate; its best shot is empty where it was not asked for."""
    times: Document = {
        name: parse_time(document[name]) for name in ("first_seen", "last_seen", "shot_time")
    }
    note = {**document["time"], "recorded": parse_time(document["time"]["recorded"])}
    plain = ("tracklet_id", "recording_id", "recording", "score", "scale", "quality",
             "shot_seconds")  # fmt: skip
    return Candidate(
        **{name: document[name] for name in plain},
        **times,
        camera=Camera(**document["camera"]),
        shot_jpeg=base64.b64decode(document.get("shot", "")),
        time=TimeNote(**note),
    )


def coverage_document(coverage: Coverage) -> Document:
    """Return coverage as JSON values, with the sentences on what is in doubt."""
    return {**asdict(coverage), "doubts": coverage.doubts()}


def coverage_from(document: Mapping[str, Any]) -> Coverage:
    """Read coverage."""
    return Coverage(**{one.name: document[one.name] for one in fields(Coverage)})


def missing_from(document: Mapping[str, Any] | None) -> Missing | None:
    """Read what an answer misses, or nothing."""
    return None if document is None else Missing(**{**document, "why": tuple(document["why"])})


def threshold_from(document: Mapping[str, Any] | None) -> Threshold | None:
    """Read a threshold, or none."""
    return None if document is None else Threshold(**document)


def case_document(case: Case) -> Document:
    """Return a case as JSON values, with the digest that an approval names."""
    return {
        "reference": case.reference,
        "status": case.status(),
        "state": case.state,
        "digest": case.digest,
        "request": case.request.document(),
        "asked_by": case.asked_by,
        "asked_at": case.asked_at.isoformat(),
        "approved_by": list(case.approved_by),
        "exceeds": list(case.exceeds),
        "most_cameras": case.most_cameras,
        "members": list(case.members),
        "ended_at": _written(case.ended_at),
        "reason": case.reason,
        "approved_at": _written(case.approved_at),
        "begun_at": _written(case.begun_at),
        "confirm_by": _written(case.confirm_by),
        "confirmed_by": case.confirmed_by,
        "authorised_as": case.authorised_as,
        "erased_at": _written(case.erased_at),
        "not_erased": case.not_erased,
        "remains": list(case.remains),
        "responsible": case.responsible,
        "formerly": list(case.formerly),
        "change": None if case.change is None else _change_document(case.change),
        "changed_at": _written(case.changed_at),
        "in_demo": case.in_demo,
    }


def _change_document(change: Change) -> Document:
    return {
        "request": change.request.document(),
        "asked_by": change.asked_by,
        "asked_at": change.asked_at.isoformat(),
        "digest": change.digest,
        "approved_by": list(change.approved_by),
        "exceeds": list(change.exceeds),
    }


def _change_from(document: Mapping[str, Any]) -> Change:
    return Change(
        request=Request.from_document(document["request"]),
        asked_by=document["asked_by"],
        asked_at=parse_time(document["asked_at"]),
        digest=document["digest"],
        approved_by=tuple(document["approved_by"]),
        exceeds=tuple(document["exceeds"]),
    )


def case_from(document: Mapping[str, Any]) -> Case:
    """Read a case."""
    change = document["change"]
    return Case(
        request=Request.from_document(document["request"]),
        asked_by=document["asked_by"],
        asked_at=parse_time(document["asked_at"]),
        digest=document["digest"],
        state=document["state"],
        approved_by=tuple(document["approved_by"]),
        exceeds=tuple(document["exceeds"]),
        most_cameras=document["most_cameras"],
        members=tuple(document["members"]),
        ended_at=_read(document["ended_at"]),
        reason=document["reason"],
        approved_at=_read(document["approved_at"]),
        begun_at=_read(document["begun_at"]),
        confirmed_by=document["confirmed_by"],
        authorised_as=document["authorised_as"],
        erased_at=_read(document["erased_at"]),
        not_erased=document["not_erased"],
        remains=tuple(document["remains"]),
        responsible=document["responsible"],
        formerly=tuple(document["formerly"]),
        change=None if change is None else _change_from(change),
        changed_at=_read(document["changed_at"]),
        in_demo=document["in_demo"],
    )


def _written(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def changes_document(changes: Mapping[str, Any]) -> Document:
    """Return changes of a request as JSON values."""
    written: Document = dict(changes)
    if "district" in written:
        written["district"] = to_geojson(written["district"])
    for name in {"start", "end"} & written.keys():
        written[name] = written[name].isoformat()
    if "unplaced" in written:
        written["unplaced"] = list(written["unplaced"])
    return written


def changes_from(document: Mapping[str, Any]) -> Document:
    """Read changes of a request; raise DistrictError or TimeError where one is wrong."""
    read: Document = {
        name: str(document[name])
        for name in ("title", "authority", "authorisation")
        if name in document
    }
    if "district" in document:
        read["district"] = from_geojson(document["district"])
    for name in {"start", "end"} & document.keys():
        read[name] = parse_time(str(document[name]), where=name)
    if "unplaced" in document:
        read["unplaced"] = tuple(map(str, document["unplaced"]))
    if "cameras" in document:
        read["cameras"] = None if document["cameras"] is None else int(document["cameras"])
    if "valid_days" in document:
        read["valid_days"] = float(document["valid_days"])
    return read


def stated(photographs: Sequence[Document], provenance: Sequence[Provenance]) -> list[Document]:
    """Return photographs with where each comes from, as the person who asks states it.

    Raises CaseError if it is not stated of each.
    """
    if len(photographs) != len(provenance):
        raise CaseError(
            f"there are {len(photographs)} photographs, and the provenance of {len(provenance)} is "
            "stated",
            where="case, photographs",
            fix="State it of each, in their order",
        )
    return [
        {**one, **{name: getattr(where, name) for name in STATED}}
        for one, where in zip(photographs, provenance, strict=True)
    ]


def error_document(error: SightlineError) -> Document:
    """Return an error as JSON values: its kind, what was wrong, where, and what to do."""
    made: Document = {
        "error": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "fix": error.fix,
    }
    if isinstance(error, errors.SeveralFacesFound):
        made["count"] = error.count
    if isinstance(error, errors.TooManyRequests):
        made["seconds"] = error.seconds
    return made


def error_from(document: Mapping[str, Any]) -> SightlineError:
    """Read an error, as one of the family of :mod:`workbench.errors`."""
    kind = _ERRORS.get(str(document.get("error")), SightlineError)
    more = {name: document[name] for name in ("count", "seconds") if name in document}
    what, where, fix = (str(document.get(name, "")) for name in ("what", "where", "fix"))
    return kind(what, where=where, fix=fix, **more)

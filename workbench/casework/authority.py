"""Permission to search: the only place where permits are issued.

Each search is recorded before the gallery sees it, and so is each refusal, with all its reasons.
The entry holds the question (scope, profile, threshold), never a picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import shapely

from workbench.casework.forfeited import forfeited_recordings
from workbench.casework.ownership import foreign
from workbench.casework.register import CaseRegister
from workbench.casework.searches import has_searched
from workbench.casework.subjects import Likeness, required_likeness, resemblance
from workbench.casework.training import is_fictional
from workbench.domain import PLAIN_SCALE
from workbench.errors import CaseError, EvaluationError, NotPermitted
from workbench.permit import Permit
from workbench.permit.issuing import issue

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from workbench.calibration import Calibration
    from workbench.casework.cases import Case
    from workbench.casework.record.people import Person
    from workbench.domain import (
        Camera,
        District,
        Filter,
        Probe,
        Scope,
        Threshold,
    )
    from workbench.gallery import Gallery

# This machine's clock may be slightly behind that of the machine which wrote the last entry.
CLOCK_TOLERANCE = timedelta(minutes=5)


def authorise(
    register: CaseRegister,
    reference: str,
    gallery: Gallery,
    probe: Probe,
    scope: Scope,
    *,
    cameras: tuple[Camera, ...],
    threshold: Threshold | None = None,
    calibration: Calibration | None = None,
    top: int | None = None,
    only: Filter | None = None,
) -> Permit:
    """Issue a permit for one search for the probe in a scope of a gallery, under a case.

    *cameras* are the ones to be searched: in the district or, without a place, named by the scope,
    and passed by the filter *only*. *threshold* is that from which on candidates are shown; None if
    all are. *calibration* is that of the scores; None if there is none.

    Raises
    ------
    NotPermitted
        If the case does not cover the search, with every reason; the attempt is recorded.
    CaseError
        If there is no such case, or its subject cannot be compared; recorded too.
    EvaluationError
        If a calibration that comparing the subject needs cannot be used; recorded too.
    AuditDamaged
        If the record was altered: nothing is searched then.
    """
    me = register.me
    try:
        case = register.case(reference)
        required = _required(register, case, probe)
        reasons = list(_reasons(register, case, me, gallery, probe, scope, cameras, required))
    except (CaseError, EvaluationError, NotPermitted) as error:
        register.refused("search", reference, [error.what])
        raise
    asked = {
        "case": reference,
        "gallery": str(gallery.path.resolve()),
        "profile": gallery.profile.fingerprint,
        "district": scope.district.name,
        "area": hashlib.sha256(scope.district.area.wkb).hexdigest(),
        "bounds": list(scope.district.area.bounds),
        "start": scope.start.isoformat(),
        "end": scope.end.isoformat(),
        "unplaced": sorted(scope.unplaced),
        "cameras": len(cameras),
        "photographs": len(probe.photographs),
        "probe": hashlib.sha256(probe.template.tobytes()).hexdigest(),
        "threshold": "all" if threshold is None else threshold.score,
        "threshold from": "" if threshold is None else threshold.calibration,
        "scale": calibration.scale if calibration else PLAIN_SCALE,
        "calibration": calibration.digest if calibration else None,
        "top": top,
        **(_filter_document(only) if only else {}),
    }
    if required is not None:
        asked["required"], asked["required scale"] = required.least_score, required.scale
    if reasons:
        register.record("search.refused", {**asked, "reasons": reasons}, by=me)
        raise NotPermitted(
            "; ".join(reasons),
            where=f"case {reference}",
            fix="Stay within the case, or request one that covers this search",
        )
    entry = register.record("search.asked", asked, by=me)
    return issue(
        reference,
        me.account,
        entry.number,
        gallery=gallery.path,
        template=probe.template,
        scope=scope,
    )


def scope_under(register: CaseRegister, reference: str, scope: Scope) -> Scope:
    """Add to a scope that names none the cameras without a place that its case names.

    The scope stays as it is where the user may see no such case: :func:`authorise` refuses then.
    """
    if scope.unplaced:
        return scope
    try:
        return replace(scope, unplaced=register.case(reference).scope.unplaced)
    except (CaseError, NotPermitted):
        return scope


def admit(register: CaseRegister, reference: str, probe: Probe, *, tracklet_id: str) -> None:
    """Allow a face found in footage as a photograph of the target, under the case it was found in.

    The addition is recorded. The face must resemble the case's subject: another person needs a case
    of their own.

    Raises
    ------
    NotPermitted
        If it does not resemble the subject, or the user may not search; recorded too.
    CaseError
        If there is no such case, it is not open, or its subject cannot be compared.
    """
    case = register.case(reference)
    me = register.require("training.use" if case.is_training else "search", reference)
    reasons = list(_when(register, case))
    reasons += _unlike("this face", register, case, probe, _required(register, case, probe))
    if reasons:
        register.refused("search", reference, reasons)
        raise NotPermitted(
            "; ".join(reasons),
            where=f"case {reference}",
            fix="Request a case about this person",
        )
    register.record("probe.taken", {"case": reference, "tracklet": tracklet_id}, by=me)


def permit_fetching(
    register: CaseRegister, reference: str, narrowed: Scope | None = None
) -> tuple[Person, Scope]:
    """Allow footage to be fetched for a case: in its district and time, or *narrowed* within them.

    That is for those who index footage, who need not see the case: in service, never for who
    approved it or has searched under it. Returns the user and the scope. A refusal is recorded;
    whoever fetches records what was asked.

    Raises
    ------
    NotPermitted
        If the case does not cover it, or it is not for the user, with every reason.
    CaseError
        If there is no such case.
    """
    me, case = register.require("footage.index", reference), register.find_case(reference)
    if case is None:
        raise CaseError("no such case", where=reference[:80], fix="Check its reference")
    own = list(_own_part(register, case, me))
    reasons = own + list(_when(register, case))
    if narrowed is not None:
        reasons += _where(case.request.district, narrowed.district)
        reasons += _within(case, narrowed)
    if case.is_training and me.in_service:
        reasons.append("in an installation in service, a training case may not fetch footage")
    if reasons:
        register.refused("footage", reference, reasons)
        fix = "Stay within the case, or request one that covers this footage"
        if own:
            fix = "Leave it to another supervisor or administrator"
        raise NotPermitted("; ".join(reasons), where=f"case {reference}", fix=fix)
    return me, narrowed or case.scope


def _filter_document(only: Filter) -> dict[str, object]:
    """Return a filter as the record keeps it; a list of cameras as its SHA-256."""
    document: dict[str, object] = {}
    if only.cameras is not None:
        names = "\n".join(sorted(only.cameras)).encode()
        document["only cameras"] = hashlib.sha256(names).hexdigest()
    if only.windows is not None:
        document["windows"] = [[a.isoformat(), b.isoformat()] for a, b in only.windows]
    if only.quality:
        document["least quality"] = only.quality
    return document


def _reasons(
    register: CaseRegister,
    case: Case,
    me: Person,
    gallery: Gallery,
    probe: Probe,
    scope: Scope,
    cameras: tuple[Camera, ...],
    required: Likeness | None,
) -> Iterator[str]:
    try:
        me.require("training.use" if case.is_training else "search")
    except NotPermitted as error:
        yield error.what
    if me.account in case.approved_by:
        yield f"{me.account} approved the case and may not search under it"
    fetched = register.entries_of(case.reference, "footage.asked") if me.in_service else ()
    if any(entry.account == me.account for entry in fetched):
        yield f"{me.account} has fetched footage for the case and may not search under it"
    yield from _when(register, case)
    yield from _where(case.request.district, scope.district)
    yield from _within(case, scope)
    if unnamed := sorted(scope.unplaced.difference(case.request.unplaced)):
        yield f"the case does not name the cameras without a place {', '.join(unnamed)}"
    yield from _unlike("the probe", register, case, probe, required)
    if not case.is_training and len(cameras) > case.most_cameras:
        yield f"the search covers {len(cameras):,} cameras; the case allows {case.most_cameras:,}"
    yield from _forfeited(register, gallery, scope, cameras)
    if why := foreign(register.installation_file, gallery, in_service=me.in_service):
        yield why
    if case.is_training and me.in_service and not is_fictional(gallery):
        yield (
            "in an installation in service, a training case may only search the fictional footage "
            "of the demo"
        )


def _forfeited(
    register: CaseRegister, gallery: Gallery, scope: Scope, cameras: tuple[Camera, ...]
) -> Iterator[str]:
    """Yield of which cameras footage may not be searched any more, and when that ends."""
    lost = forfeited_recordings(register, gallery)
    concerned = gallery.recordings_inside(scope) & lost.keys() if lost else frozenset()
    if not concerned:
        return
    rows = gallery.recordings()
    of = {str(row.recording_id): str(row.camera_id) for row in rows.itertuples()}
    searched = {camera.camera_id: camera.words() for camera in cameras}
    for name in sorted({lost[one] for one in concerned}):
        own = {of[one] for one in concerned if lost[one] == name} & searched.keys()
        if own:
            named = ", ".join(sorted(searched[one] for one in own))
            yield (
                f"footage of {named} was fetched for the urgent case {name}, "
                "which was not confirmed, and may not be searched. It is deleted from this gallery "
                "by a server that serves it, within a minute, or by an administrator with "
                "`sightline purge`; what another open case holds of it stays until that is closed. "
                "Other cameras can be searched meanwhile"
            )


def _own_part(register: CaseRegister, case: Case, me: Person) -> Iterator[str]:
    """Yield what the user did in a case that keeps them from fetching footage for it."""
    if not me.in_service:  # one person plays every part
        return
    if me.account in case.approved_by:
        yield f"{me.account} approved the case and may not fetch footage for it"
    # Who has searched is not blind, which is known without reading the whole record.
    if me.account in register.not_blind(case.reference) and has_searched(
        register.folder, case.reference, me.account
    ):
        yield f"{me.account} has searched under the case and may not fetch footage for it"


def _required(register: CaseRegister, case: Case, probe: Probe) -> Likeness | None:
    """Return how alike a probe must be to the case's subject; None where the case names none."""
    subject = case.request.subject
    if subject is None:
        return None
    return required_likeness(
        subject, probe.profile, calibrations=register.rules.calibrations, where=case.reference
    )


def _unlike(
    what: str, register: CaseRegister, case: Case, probe: Probe, required: Likeness | None
) -> Iterator[str]:
    if required is None:
        return
    found = resemblance(register.folder, case, probe, required)
    if not found >= required.least_score:  # NaN is not alike
        yield (
            f"{what} does not resemble the case's subject: score {found:.2f}, "
            f"{required.least_score:.2f} is required"
        )


def _when(register: CaseRegister, case: Case) -> Iterator[str]:
    now = datetime.now(UTC)
    status = case.status(now)
    if status == "requested":
        lacking = " by a second person" if case.approved_by else ""
        yield f"the case has not been approved{lacking}"
        yield from register.doubts(case.reference)
    elif status == "expired":
        yield f"the case expired at {_stamp(case.request.valid_until)}"
    elif status == "not yet valid":
        yield f"the case is not valid before {_stamp(case.request.valid_from)}"
    elif status == "not confirmed":
        yield f"the case was urgent and is over: {case.reason}"
    elif status != "open":
        yield f"the case is {status}"
    last = register.last_at
    if last is not None and now < last - CLOCK_TOLERANCE:
        yield (
            f"this machine's clock ({_stamp(now)}) is behind the last entry of the record "
            f"({_stamp(last)})"
        )


def _where(permitted: District, asked: District) -> Iterator[str]:
    if shapely.covers(permitted.area, asked.area):
        return
    outside = shapely.difference(asked.area, permitted.area)
    if outside.is_empty:  # less than the rounding of the last digit, a few nanometres
        return
    point, metres = _farthest(permitted, outside)
    yield (
        f"the district {asked.name} reaches {metres:,.1f} m outside the permitted "
        f"{permitted.name}, at longitude {point[0]:.6f}, latitude {point[1]:.6f}"
    )


def _within(case: Case, scope: Scope) -> Iterator[str]:
    if scope.start < case.request.start or scope.end > case.request.end:
        yield (
            f"the time range {_span(scope.start, scope.end)} is not within the permitted "
            f"{_span(case.request.start, case.request.end)}"
        )


def _farthest(permitted: District, outside: BaseGeometry) -> tuple[tuple[float, float], float]:
    """Find the corner that lies farthest outside, and its distance in metres."""
    corners = shapely.get_coordinates(outside)
    # Local metres around the corner, accurate to 0.1 % over the few kilometres that matter.
    best, farthest = (0.0, 0.0), -1.0
    for longitude, latitude in corners:
        scale = np.array([111_320 * np.cos(np.radians(latitude)), 110_574])
        near = shapely.transform(permitted.area, lambda c, scale=scale: c * scale)
        metres = near.distance(shapely.Point(np.array([longitude, latitude]) * scale))
        if metres > farthest:
            best, farthest = (float(longitude), float(latitude)), float(metres)
    return best, farthest


def _span(start: datetime, end: datetime) -> str:
    return f"{_stamp(start)} to {_stamp(end)}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

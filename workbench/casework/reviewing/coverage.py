"""Coverage: whether a case covers where and when candidates were seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import shapely

from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.cases import Case, Request
    from workbench.casework.record.people import Action
    from workbench.casework.register import CaseRegister
    from workbench.domain import Camera, Candidate


def require_covered(
    register: CaseRegister, case: Case, candidates: Iterable[Candidate], action: Action
) -> None:
    """Raise CaseError unless a case covers where and when candidates were seen; record it."""
    outside = [
        one
        for one in candidates
        if not covers(case.request, one.camera, one.first_seen, one.last_seen)
    ]
    if outside:
        whats = [f"the case does not cover {c.camera.camera_id} at that time" for c in outside]
        reasons = [f"{c.tracklet_id}: {what}" for c, what in zip(outside, whats, strict=True)]
        register.refused(action, case.reference, reasons)
        raise CaseError(
            whats[0], where=case.reference, fix="Choose a candidate of a search under this case"
        )


def covers(request: Request, camera: Camera, since: datetime, until: datetime) -> bool:
    """Check whether a request covers a camera at some moment between two times (UTC)."""
    if camera.place is None:
        covered = camera.camera_id in request.unplaced
    else:
        covered = bool(shapely.intersects_xy(request.district.area, *camera.place))
    return covered and since < request.end and until >= request.start

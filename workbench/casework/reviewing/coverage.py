"""Coverage: whether a case covers where and when candidates were seen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import shapely

from workbench.errors import CaseError

if TYPE_CHECKING:
    from workbench.casework.cases import Case, Request
    from workbench.casework.record.people import Action
    from workbench.casework.register import CaseRegister
    from workbench.domain import Candidate


def require_covered(
    register: CaseRegister, case: Case, candidates: Iterable[Candidate], action: Action
) -> None:
    """Raise CaseError unless a case covers where and when candidates were seen; record it."""
    outside = [one for one in candidates if not _covers(case.request, one)]
    if outside:
        whats = [f"the case does not cover {c.camera.camera_id} at that time" for c in outside]
        reasons = [f"{c.tracklet_id}: {what}" for c, what in zip(outside, whats, strict=True)]
        register.refused(action, case.reference, reasons)
        raise CaseError(
            whats[0], where=case.reference, fix="Choose a candidate of a search under this case"
        )


def _covers(request: Request, candidate: Candidate) -> bool:
    camera = candidate.camera
    if camera.place is None:
        covered = camera.camera_id in request.unplaced
    else:
        covered = bool(shapely.intersects_xy(request.district.area, *camera.place))
    return covered and candidate.first_seen < request.end and candidate.last_seen >= request.start

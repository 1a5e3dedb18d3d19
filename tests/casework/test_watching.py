"""What may be watched under a case: its cameras in step, and sharp for its members alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from office import START

from workbench.casework.cases import Case
from workbench.casework.viewing import may_watch
from workbench.casework.watching import in_step, may_see_sharp, piece_at
from workbench.domain import ClockCorrection
from workbench.errors import CaseError, NotPermitted
from workbench.gallery import Gallery


def test_pieces_lie_at_one_instant_of_the_case(office: Any, case: Case, unowned: Gallery) -> None:
    """Camera 1 was an hour ahead: corrected, it recorded at the same time as camera 0."""
    cameras = {one.camera_id: one for one in unowned.cameras()}
    moment = START + timedelta(seconds=60)
    alone = in_step(case, unowned, cameras["C0"], moment, 10, beside=3)
    assert [(one.camera.camera_id, one.start, one.end) for one in alone] == [("C0", 60, 70)]
    with Gallery.open(unowned.path, write=True) as opened:
        correction = ClockCorrection(3605.0, "anna", "compared", found_at=START)
        opened.correct_clock(correction, camera_id="C1")
    unowned.refresh()
    both = in_step(case, unowned, cameras["C0"], moment, 10, beside=3)
    assert [one.camera.camera_id for one in both] == ["C0", "C1"]
    assert both[1].start == pytest.approx(65)
    assert {one.since for one in both} == {moment}
    # The end of a recording, the end of the case, and a camera outside it.
    assert piece_at(case, unowned, cameras["C0"], START + timedelta(seconds=595), 10).end == 600
    short = replace(case, request=replace(case.request, end=moment + timedelta(seconds=4)))
    assert piece_at(short, unowned, cameras["C0"], moment, 10).end == pytest.approx(64)
    late = START + timedelta(hours=12)
    assert piece_at(case, unowned, cameras["C0"], late, 10) is None
    (elsewhere,) = in_step(case, unowned, cameras["C4"], START + timedelta(hours=4), 10, beside=0)
    with pytest.raises(CaseError, match="does not cover C4"):
        may_watch(office.register, "A-1", elsewhere)


def test_members_alone_see_it_sharp(office: Any, case: Case) -> None:
    may_see_sharp(office.sit("ben"), "A-1")
    with pytest.raises(NotPermitted, match="sara is not a member of the case"):
        may_see_sharp(office.sit("sara"), "A-1")
    assert office.events("shot.view.refused")

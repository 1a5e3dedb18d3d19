"""What may be watched under a case: its cameras in step, and sharp for its members alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from office import AREA, START

from workbench.casework.cases import Case
from workbench.casework.notes import find_matter
from workbench.casework.viewing import may_see_sharp, may_watch, record_viewing, watched
from workbench.casework.watching import in_step
from workbench.domain import (
    FILM,
    Camera,
    ClockCorrection,
    IndexedRecording,
    Leg,
    Place,
    Recording,
    Scope,
    Unseen,
)
from workbench.errors import CaseError, NotPermitted
from workbench.faces.clips import inside, seconds_around
from workbench.gallery import Gallery

HOUR = timedelta(hours=1)


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
    assert [one.timing for one in both] == ["", "time corrected"]
    # The end of a recording, the end of the case, and a camera outside it.

    def alone_at(of: Case, then: datetime) -> list[float]:
        return [one.end for one in in_step(of, unowned, cameras["C0"], then, 10, beside=0)]

    assert alone_at(case, START + timedelta(seconds=595)) == [600]
    short = replace(case, request=replace(case.request, end=moment + timedelta(seconds=4)))
    assert alone_at(short, moment) == [pytest.approx(64)]
    assert alone_at(case, START + timedelta(hours=12)) == []
    (elsewhere,) = in_step(case, unowned, cameras["C4"], START + timedelta(hours=4), 10, beside=0)
    with pytest.raises(CaseError, match="does not cover C4"):
        may_watch(office.register, "A-1", unowned, elsewhere)


def test_a_moving_camera_is_watched_inside_the_area_alone(
    office: Any, case: Case, unowned: Gallery
) -> None:
    """A bus comes into the area at 600 s, stands at the next stop from 605 s on, leaves at 660 s.

    At 640 s its clock was set back by an hour; of 20 s there is no picture.
    """
    bus, began = Camera("BUS", "Bus", None, None), START + timedelta(hours=6)
    stops = [Place(-0.012, 51.476), Place(-0.011, 51.477), Place(0.1, 51.0)]
    cut = [(600.0, 605.0), (605.0, 660.0), (0.0, 600.0)]
    here, there, _ = cameras = [bus.at(stop) for stop in stops]
    with Gallery.open(unowned.path, write=True) as opened:
        opened.add_cameras(cameras)
        for number, (camera, leg) in enumerate(zip(cameras, cut, strict=True)):
            opened.add_recording(
                IndexedRecording(
                    Recording("bus.mp4", Path("bus.mp4"), camera.camera_id, began),
                    f"{7:064}", 1, 2, 3600.0, 640, 360, 9, 9, 0, (),
                    legs=(Leg(*leg, stops[number]),), track=FILM,
                    unseen=(Unseen(610.0, 630.0, "damaged"),) if number == 1 else (),
                )
            )  # fmt: skip
        opened.correct_clock(
            ClockCorrection(-3600.0, "anna", "compared", found_at=START),
            recordings=opened.recorded_between([there], began, began + HOUR),
            from_seconds=640.0,
        )
    unowned.refresh()

    def shown(seconds: float) -> list[tuple[str, float, float]]:
        moment = began + timedelta(seconds=seconds)
        pieces = in_step(case, unowned, here, moment, 10, beside=0)
        return [(one.camera.camera_id, one.start, one.end) for one in pieces]

    assert shown(598) == [(here.camera_id, 600, 605), (there.camera_id, 605, 608)]
    assert shown(638) == [(there.camera_id, 638, 640)]
    assert shown(3600 + 655) == [(there.camera_id, 655, 660)]  # and not on into the next place
    assert shown(700) == []
    (_, last) = in_step(case, unowned, here, began + timedelta(seconds=598), 10, beside=0)
    for wrong in (replace(last, end=661.0), replace(last, start=600.0, end=605.0)):
        with pytest.raises(CaseError, match="does not cover"):
            may_watch(office.register, "A-1", unowned, wrong)
    # As long as the footage that a search counts: 60 s, of which 20 without a picture.
    found = watched(office.register, "A-1", unowned)
    scope = Scope(AREA, case.request.start, case.request.end)
    assert found.seconds == unowned.coverage(scope).footage_seconds == 2400 + 40
    for seconds in (600, 610, 620, 630, 3600 + 640, 3600 + 650):
        moment = began + timedelta(seconds=seconds)
        for piece in in_step(case, unowned, here, moment, 10, beside=0):
            record_viewing(office.register, "A-1", unowned, piece, "coarse")
    found = watched(office.register, "A-1", unowned)
    assert (found.seen, found.opened) == (40, 2)
    assert [one.timing for one in found.viewings] == ["", "", "time corrected"]
    # Nor does a clip of somebody seen at the end of the first stop reach into the next.
    (first,) = unowned.recorded_between([here], began, began + HOUR)
    shots: Any = [SimpleNamespace(seconds=seconds) for seconds in (604.0, 602.5)]
    assert unowned.seconds_held(first, shots) == (600, 605)
    assert seconds_around(shots, within=unowned.seconds_held(first, shots)) == (600.5, 605)
    # Nor beyond the time of the case, of a best shot that lies there neither.
    shots = [
        SimpleNamespace(seconds=seconds, time=began + timedelta(seconds=seconds))
        for seconds in (604.0, 602.5)
    ]
    for until, found in ((604.5, (600.5, 604.5)), (603.0, (600.5, 603.0)), (601.0, (602.5, 604))):
        kept, within = inside(shots, began, began + timedelta(seconds=until), within=(600, 605))
        assert seconds_around(kept, within=within) == found
    marker = find_matter(unowned, recording="bus.mp4", second=650.0)
    assert (marker.subject, marker.camera) == (last.recording_id, there)
    assert marker.moment == began + timedelta(seconds=3600 + 650)
    assert marker.timing == "time corrected"


def test_members_alone_see_it_sharp(office: Any, case: Case) -> None:
    may_see_sharp(office.sit("ben"), "A-1")
    with pytest.raises(NotPermitted, match="sara is not a member of the case"):
        may_see_sharp(office.sit("sara"), "A-1")
    assert office.events("shot.view.refused")

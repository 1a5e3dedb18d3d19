"""Other times for footage, and people seen beside a clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.casework.clockcorrection import ClockTarget, correct_clocks
from workbench.casework.clocks import list_clocks, view_clock
from workbench.errors import CaseError, ImageError, NotPermitted
from workbench.footage.clockpictures import AREAS, ClockArea
from workbench.gallery import Gallery


def test_a_clock_set_so_that_footage_is_within_the_case(office: Any, clocked: Path) -> None:
    target = ClockTarget(recording="gate.mp4")
    with Gallery.open(clocked, write=True) as gallery:
        with pytest.raises(NotPermitted, match="supervisor or administrator"):
            correct_clocks(
                office.sit("anna"), gallery, target, offset_seconds=3600, how="so that it fits"
            )
        assert {one.clock.offset_seconds for one in list_clocks(gallery)} == {0}
    assert [entry.what for entry in office.events("clock.")] == ["clock.correct.refused"]


def test_a_clock_as_large_as_the_picture(office: Any, clocked: Path) -> None:
    with Gallery.open(clocked) as gallery, pytest.raises(ImageError, match="may show people"):
        view_clock(office.sit("anna"), gallery, "gate.mp4", area=ClockArea(0, 0, 100, 100))
    assert not office.events("clock.viewed")


def test_one_strip_after_another_marked_as_the_clock(office: Any, clocked: Path) -> None:
    with Gallery.open(clocked) as gallery:

        def look(area: ClockArea | None, who: str = "anna") -> None:
            view_clock(office.sit(who), gallery, "gate.mp4", area=area)

        # A wrong guess is no harm, nor is a closer look.
        for area in (None, AREAS["top left"], AREAS["bottom right"], ClockArea(60, 90, 30, 6)):
            look(area)
        with pytest.raises(CaseError, match="18% of these pictures would have been sharp to you"):
            look(AREAS["top right"])
        with pytest.raises(CaseError, match="may be, so that no one is recognised"):
            look(ClockArea(0, 45, 100, 12.5))
        look(AREAS["top right"], who="sara")
    assert len(office.events("clock.viewed")) == 5

"""Other times for footage, and people seen beside a clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.casework.clockcorrection import ClockTarget, correct_clocks
from workbench.casework.clocks import list_clocks, view_clock
from workbench.errors import ImageError, NotPermitted
from workbench.footage.clockpictures import ClockArea
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

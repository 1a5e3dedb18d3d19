"""Other times for footage, and people seen beside a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.clockcorrection import ClockTarget, bring_in, correct_clocks
from workbench.casework.clocks import list_clocks, view_clock
from workbench.domain import ClockCorrection
from workbench.errors import CaseError, ImageError, NotPermitted
from workbench.footage.clockpictures import AREAS, ClockArea
from workbench.gallery import Gallery
from workbench.gallery.joining import merge


def test_a_clock_set_so_that_footage_is_within_the_case(office: Any, clocked: Path) -> None:
    target = ClockTarget(recording="gate.mp4")
    with Gallery.open(clocked, write=True) as gallery:
        with pytest.raises(NotPermitted, match="supervisor or administrator"):
            correct_clocks(
                office.sit("anna"), gallery, target, offset_seconds=3600, how="so that it fits"
            )
        assert {one.clock.offset_seconds for one in list_clocks(gallery)} == {0}
    assert [entry.what for entry in office.events("clock.")] == ["clock.correct.refused"]


def test_a_gallery_merged_so_that_footage_is_within_the_case(
    office: Any, clocked: Path, copied: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    found_at = datetime(2026, 4, 1, tzinfo=UTC)
    with (
        Gallery.open(copied(clocked, tmp_path / "other"), write=True) as other,
        Gallery.open(clocked, write=True) as gallery,
    ):
        other.correct_clock(ClockCorrection(3600, "anna", "so that it fits", found_at), folder=".")
        office.sit("anna")
        with pytest.raises(NotPermitted, match="supervisor or administrator"):
            bring_in(
                office.register,
                gallery,
                "other",
                lambda agreed: merge(gallery.writer, other, agreed=agreed),
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

"""Clocks: looked at without the people, compared on record, corrected under a role."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from workbench.casework.clocks import compare_clock, compared_clocks, view_clock
from workbench.errors import CaseError, GalleryError, NotPermitted, RecordingError
from workbench.footage.clockpictures import read_area
from workbench.gallery import Gallery

LONDON = ZoneInfo("Europe/London")
RIGHT = {"zone": LONDON, "error_seconds": 0.0, "how": "set by a time server"}


@pytest.fixture
def gallery(clocked: Path) -> Iterator[Gallery]:
    with Gallery.open(clocked) as opened:
        yield opened


def test_pictures_are_on_record_before_they_are_handed_out(office: Any, gallery: Gallery) -> None:
    view = view_clock(office.sit("anna"), gallery, "gate.mp4", area=read_area("top right"))
    assert [one.seconds for one in view.pictures] == [0.0, pytest.approx(4 + 11 / 12)]
    (entry,) = office.events("clock.")
    assert (entry.what, entry.account, entry.number) == ("clock.viewed", "anna", view.number)
    assert entry.about["area"] == "50,0,50,12"
    assert [one["sha256"] for one in entry.about["pictures"]] == [
        hashlib.sha256(one.png).hexdigest() for one in view.pictures
    ]
    assert view.stretch.stated(4) == datetime(2026, 3, 31, 17, 4, 4, tzinfo=UTC)


def test_only_some_roles_look_at_clocks(office: Any, gallery: Gallery) -> None:
    with pytest.raises(NotPermitted, match="analyst or supervisor or administrator"):
        view_clock(office.sit("rosa"), gallery, "gate.mp4")
    assert [entry.what for entry in office.events("clock.")] == ["clock.view.refused"]


def test_a_comparison_is_kept_with_what_was_read(office: Any, gallery: Gallery) -> None:
    register = office.sit("anna")
    view = view_clock(register, gallery, "gate.mp4")
    kept, found = compare_clock(
        register, gallery, "gate.mp4", first="18:02:50", last="18:02:54", **RIGHT
    )
    assert found.offset_seconds == pytest.approx((70 + 70 + 11 / 12) / 2)
    assert not found.drifts
    (entry,) = office.events("clock.compared")
    assert entry.about["viewed"] == view.number
    assert [one["read"] for one in entry.about["readings"]] == ["18:02:50", "18:02:54"]
    assert entry.about["readings"][0]["shown"] == "2026-03-31T17:02:50+00:00"
    assert compared_clocks(office.sit("sara"), gallery) == (kept,)
    assert kept.how == (
        f"anna read 18:02:50 and 18:02:54 off the clock in the picture (entry {entry.number}); "
        "that clock was right: set by a time server"
    )


def test_a_clock_that_no_one_looked_at_cannot_be_compared(office: Any, gallery: Gallery) -> None:
    with pytest.raises(CaseError, match="no one has looked"):
        compare_clock(office.sit("anna"), gallery, "gate.mp4", first="18:02:50", **RIGHT)
    view_clock(office.sit("anna"), gallery, "gate.mp4")
    for given, what in (
        ({"first": " "}, "the reading of the first picture is missing"),
        ({"first": "18:02", "how": " "}, "how it is known is missing"),
    ):
        with pytest.raises(CaseError, match=what):
            compare_clock(office.register, gallery, "gate.mp4", **{**RIGHT, **given})
    assert not office.events("clock.compared")


def test_another_film_in_its_place_is_not_shown(office: Any, gallery: Gallery) -> None:
    film = gallery.path.with_name("gate.mp4")
    film.write_bytes(film.read_bytes() + b" ")
    with pytest.raises(RecordingError, match="is not the recording that was indexed"):
        view_clock(office.sit("anna"), gallery, "gate.mp4")
    with pytest.raises(RecordingError, match="not available here"):
        view_clock(office.sit("anna"), gallery, "night/a.mp4")
    with pytest.raises(GalleryError, match="has no recording"):
        view_clock(office.sit("anna"), gallery, "none.mp4")
    assert not office.events("clock.viewed")

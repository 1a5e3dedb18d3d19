"""Clocks: looked at without the people, compared on record, corrected under a role."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import workbench as sl
from workbench.casework import clockcorrection
from workbench.casework.clockcorrection import (
    ClockTarget,
    bring_in,
    correct_clocks,
    digest,
    entries_about_clocks,
)
from workbench.casework.clocks import (
    clocks_within,
    compare_clock,
    compared_clocks,
    list_clocks,
    view_clock,
)
from workbench.domain import times
from workbench.errors import CaseError, GalleryError, NotPermitted, RecordingError, TimeError
from workbench.footage.clockpictures import read_area
from workbench.gallery import Gallery
from workbench.gallery.joining import merge

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


def test_a_comparison_is_kept_with_what_was_read(
    office: Any, gallery: Gallery, copied: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
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
    # A gallery that was moved keeps it, and one that states another start does not.
    moved = copied(gallery.path, tmp_path / "moved")
    with Gallery.open(moved) as there:
        assert compared_clocks(office.register, there) == (kept,)
        assert clocks_within(there, [replace(kept, recording_id="0" * 16)]) == [kept]
        later = kept.stated_at + timedelta(seconds=1)
        assert clocks_within(there, [replace(kept, stated_at=later)]) == []
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


def offsets(gallery: Gallery) -> list[float]:
    return [one.clock.offset_seconds for one in list_clocks(gallery)]


def test_a_correction_is_on_record_with_old_and_new_times_before_it_is_made(
    office: Any, clocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, target = office.sit("sara"), ClockTarget(camera_id="C0")
    with Gallery.open(clocked, write=True) as gallery:
        planned = correct_clocks(
            register, gallery, target, offset_seconds=74, how="speaking clock", dry_run=True
        )
        assert office.events("clock.") == []
        made = correct_clocks(
            register,
            gallery,
            target,
            offset_seconds=74,
            how="speaking clock",
            uncertainty_seconds=1,
        )
        assert made == planned
        assert offsets(gallery) == [74, 74, 74, 0]
        assert {one.clock.found_by for one in list_clocks(gallery)} == {"sara", ""}
        # How far the clock was ahead does not say how long the break in a recording was.
        assert [bool(one.clock.open_doubt) for one in list_clocks(gallery)] == [0, 0, 1, 0]
        (correcting, corrected) = office.events("clock.")
        assert (correcting.what, corrected.what) == ("clock.correcting", "clock.corrected")
        assert correcting.about["target"] == {"camera_id": "C0"}
        first = correcting.about["changes"][0]
        assert first["old_start"] == "2026-03-31T17:04:00+00:00"
        assert first["new_start"] == "2026-03-31T17:02:46+00:00"
        assert corrected.about["correcting"] == correcting.number
        assert corrected.about["sha256"] == digest(correcting.about["changes"])
        assert correcting.about["sha256"] == corrected.about["sha256"]
        # Many changes are in entries of their own, all of them before the first is made.
        with monkeypatch.context() as patched:
            patched.setattr(clockcorrection, "MOST_CHANGES", 1)
            correct_clocks(register, gallery, target, offset_seconds=75, how="speaking clock")
        one, more, done = office.events("clock.")[2:]
        assert (one.what, more.what, done.what) == (
            "clock.correcting", "clock.changes", "clock.corrected",
        )  # fmt: skip
        assert one.about["number"] == done.about["changes"] == 2
        changes = [*one.about["changes"], *more.about["changes"]]
        assert done.about["sha256"] == one.about["sha256"] == digest(changes)
        last = {changes[-1]["recording_id"]}
        assert changes[0]["recording_id"] not in last
        assert entries_about_clocks(office.events(), last) == {
            correcting.number, corrected.number, one.number, more.number, done.number,
        }  # fmt: skip

        def refuse(*_: Any, **__: Any) -> None:
            raise GalleryError("the disk is full")

        monkeypatch.setattr("workbench.gallery.correcting.restate", refuse)
        with pytest.raises(GalleryError):
            correct_clocks(register, gallery, target, offset_seconds=0, how="no")
        assert [e.what for e in office.events("clock.")[5:]] == ["clock.correcting", "clock.failed"]
        assert offsets(gallery) == [75, 75, 75, 0]


def test_what_comes_in_changes_times_under_the_role_and_on_record(
    office: Any, clocked: Path, copied: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    with (
        Gallery.open(copied(clocked, tmp_path / "other"), write=True) as other,
        Gallery.open(clocked, write=True) as gallery,
    ):
        given = {"offset_seconds": 74, "how": "speaking clock"}
        correct_clocks(office.sit("sara"), other, ClockTarget(camera_id="C1"), **given)

        def bring() -> int:
            merging = functools.partial(merge, gallery.writer, other)
            return bring_in(
                office.register, gallery, "elsewhere", lambda agreed: merging(agreed=agreed)
            ).corrected

        assert bring() == 1
        assert offsets(gallery) == [0, 0, 0, 74]
        assert bring() == 0
    correcting, corrected = office.events("clock.")[2:]
    assert (correcting.what, corrected.what) == ("clock.correcting", "clock.corrected")
    assert correcting.about["target"] == {"merged": "elsewhere"}
    (change,) = correcting.about["changes"]
    assert (change["file"], change["new_offset_seconds"], change["tracklets"]) == (
        "night/b.mp4", 74.0, 1,
    )  # fmt: skip
    assert corrected.about["sha256"] == correcting.about["sha256"]


def test_what_is_confirmed_is_certain_and_as_it_was(office: Any, clocked: Path) -> None:
    register = office.sit("ada")
    with Gallery.open(clocked, write=True) as gallery:
        assert [bool(one.clock.open_doubt) for one in list_clocks(gallery)] == [0, 0, 1, 0]
        given = {"offset_seconds": None, "how": "a bus", "installation": office.installation}
        with pytest.raises(CaseError, match=r"from 3\.0 s on are not certain \(recordings"):
            sl.correct_clocks(gallery, folder="night", **given)
        changes = sl.correct_clocks(gallery, folder="night", all_stretches=True, **given)
        assert all(one.old_start == one.new_start for one in changes)
        assert not any(one.clock.open_doubt for one in list_clocks(gallery))
        assert gallery.clocks() == ()
        with pytest.raises(GalleryError, match="no recording that this concerns"):
            correct_clocks(
                register, gallery, ClockTarget(folder="day"), offset_seconds=None, how="a bus"
            )


def test_no_correction_moves_a_recording_into_the_future(
    office: Any, clocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = office.sit("sara")
    # As if it were half past six, an hour and a half after the recording.
    now = datetime(2026, 3, 31, 18, 34, tzinfo=UTC)
    monkeypatch.setattr(times, "LATEST_AHEAD", now - datetime.now(UTC))
    with Gallery.open(clocked, write=True) as gallery:
        with pytest.raises(TimeError, match="it would be of") as refused:
            correct_clocks(
                register, gallery, ClockTarget(camera_id="C0"), offset_seconds=-7200, how="a bus"
            )
        assert refused.value.where == "gate.mp4"
        assert offsets(gallery) == [0, 0, 0, 0]
    assert office.events("clock.") == []


def test_what_was_found_for_one_stretch_is_not_overwritten_by_the_way(
    office: Any, clocked: Path
) -> None:
    register, how = office.sit("sara"), "a bus"
    with Gallery.open(clocked, write=True) as gallery:
        whole = ClockTarget(recording="night/a.mp4")
        later = ClockTarget(recording="night/a.mp4", from_seconds=3.0, alone=True)
        with pytest.raises(CaseError, match=r"from 3\.0 s on are not certain"):
            correct_clocks(register, gallery, whole, offset_seconds=5, how=how)
        correct_clocks(register, gallery, later, offset_seconds=60, how=how)
        with pytest.raises(CaseError, match=r"from 3\.0 s on were corrected or confirmed by sara"):
            correct_clocks(register, gallery, whole, offset_seconds=5, how=how)
        assert offsets(gallery) == [0, 0, 60, 0]
        first = ClockTarget(recording="night/a.mp4", alone=True)
        correct_clocks(register, gallery, first, offset_seconds=5, how=how)
        assert offsets(gallery) == [0, 5, 60, 0]
        every = ClockTarget(recording="night/a.mp4", all_stretches=True)
        correct_clocks(register, gallery, every, offset_seconds=7, how=how)
        assert offsets(gallery) == [0, 7, 7, 0]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"recording": "a", "alone": True, "all_stretches": True},
        {"recording": "a", "camera_id": "C"},
        {"camera_id": "C", "folder": "."},
        {"recording": "a", "since": datetime(2026, 1, 1, tzinfo=UTC)},
        {"camera_id": "C", "from_seconds": 3.0},
        {
            "folder": ".",
            "since": datetime(2026, 1, 2, tzinfo=UTC),
            "until": datetime(2026, 1, 1, tzinfo=UTC),
        },
    ],
)
def test_a_target_is_one_thing(given: dict[str, Any]) -> None:
    with pytest.raises(CaseError):
        ClockTarget(**given)


def test_entries_about_the_clocks_of_a_recording_are_found(office: Any, clocked: Path) -> None:
    with Gallery.open(clocked, write=True) as gallery:
        register = office.sit("ada")
        gate = view_clock(register, gallery, "gate.mp4").stretch.recording_id
        compare_clock(register, gallery, "gate.mp4", first="18:02:50", **RIGHT)
        for camera in ("C0", "C1"):
            target = ClockTarget(camera_id=camera)
            correct_clocks(register, gallery, target, offset_seconds=74, how="speaking clock")
    entries = office.events()
    found = entries_about_clocks(entries, {gate})
    assert [entry.what for entry in entries if entry.number in found] == [
        "clock.viewed",
        "clock.compared",
        "clock.correcting",
        "clock.corrected",
    ]

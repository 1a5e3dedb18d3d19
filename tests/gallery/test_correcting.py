"""Corrections of clocks: all that people see follows, and what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from oracle import Town, check_tables
from parted import START, Filled, answers_of, filled

from workbench.domain import (
    ClockChange,
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    corrected,
    stretch_at,
)
from workbench.errors import GalleryError, TimeError
from workbench.gallery.correcting import correct_clock

Concerns = Callable[[IndexedRecording], object]
LATER = START + timedelta(days=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    found = filled(tmp_path_factory.mktemp("correcting"), "cosine", 7, count=12)
    yield found
    found.close()


def correction(seconds: float) -> ClockCorrection:
    return ClockCorrection(seconds, "Anna", "speaking clock", LATER, 1.0)


def ask(made: Filled, seconds: float, **about: Any) -> list[ClockChange]:
    snapshot = made.reader.snapshot.refreshed()
    return correct_clock(made.committer, made.footage, snapshot, correction(seconds), **about)


def wanted(
    made: Filled, seconds: float, kind: str, concerns: Concerns, **how: Any
) -> tuple[Town, set[str]]:
    """What there is after a correction, and the recordings whose times a track keeps."""
    town, kept = made.town.copy(), set()
    for name, one in made.town.recordings.items():
        new = corrected(one.stretches, correction(seconds), kind, **how)
        offsets = (
            [s.offset_seconds for s in new],
            [stretch_at(one.stretches, s.from_seconds).offset_seconds for s in new],
        )
        if not concerns(one):
            continue
        if one.track == "bus.gpx 00" and offsets[0] != offsets[1]:
            kept.add(name)
        else:
            town.restate(name, new)
    return town, kept


def test_all_that_people_see_follows(made: Filled) -> None:
    ids = [*made.town.recordings]
    some, one = set(ids[:3]), set(ids[:2])
    questions: list[tuple[float, dict[str, Any], str, Concerns, dict[str, Any]]] = [
        (60.0, {"recordings": ids[:3]}, "recording", lambda r: r.recording_id in some, {}),
        (
            60.0, {"recordings": ids[:2], "from_seconds": 100.0, "alone": True}, "recording",
            lambda r: r.recording_id in one, {"from_seconds": 100.0, "alone": True},
        ),
        (30.0, {"camera_id": "C1"}, "camera", lambda r: r.recording.camera_id == "C1", {}),
        (30.0, {"camera_id": "B"}, "camera", lambda r: r.recording.camera_id == "B", {}),
        (
            -86_400.0, {"camera_id": "C2", "since": LATER}, "camera",
            lambda r: r.recording.camera_id == "C2" and r.recording.stated_at >= LATER, {},
        ),
        (15.0, {"folder": "."}, "folder", lambda r: True, {}),
    ]  # fmt: skip
    moved = 0
    for seconds, about, kind, concerns, how in questions:
        town, kept = wanted(made, seconds, kind, concerns, **how)
        before = made.committer.manifest.state().commit
        plan = outcome(lambda: ask(made, seconds, dry_run=True, **about))  # noqa: B023
        assert made.committer.manifest.state().commit == before
        assert outcome(lambda: ask(made, seconds, **about)) == plan  # noqa: B023
        if isinstance(plan, str):  # all were placed by the clock
            assert "track" in plan
            continue
        assert {change.recording_id for change in plan if change.kept} >= kept
        for change in plan:
            then, now = (
                stretch_at(each.recordings[change.recording_id].stretches, change.from_seconds)
                for each in (made.town, town)
            )
            assert change.old_start - change.new_start == now.shift - then.shift
            moved += change.tracklets
        if kind != "recording":
            place = {"camera_id": about.get("camera_id", ""), "folder": about.get("folder", "")}
            setting = ClockSetting(correction(seconds), since=about.get("since"), **place)
            town.clocks.append(setting)
        made.town = town
        check_tables(answers_of(made.reader.snapshot.refreshed()), town.tables())
    assert moved > 20


def outcome(call: Callable[[], list[ClockChange]]) -> list[ClockChange] | str:
    try:
        return call()
    except GalleryError as error:
        return str(error)


@pytest.mark.parametrize(
    ("seconds", "about", "words"),
    [
        (60.0, {"recordings": [0], "from_seconds": 700.0}, "there is no second 700"),
        (60.0, {"recordings": ["0" * 16]}, "holds no recording 0000000000000000"),
        (4e7, {"recordings": [0]}, "is more than a year"),
        (60.0, {"recordings": [0], "camera_id": "C1"}, "cannot be given together"),
        (15.0, {"folder": "C3", "catalogue": "/nowhere"}, "/nowhere"),
        (15.0, {"folder": "none"}, "none"),
        (15.0, {}, "either for a camera or for a folder"),
    ],
)
def test_what_is_refused_changes_nothing(
    made: Filled, seconds: float, about: dict[str, Any], words: str
) -> None:
    before = made.committer.manifest.state().commit
    if "recordings" in about:
        ids = [*made.town.recordings]
        names = [ids[one] if one == 0 else one for one in about["recordings"]]
        about = about | {"recordings": names}
    with pytest.raises((GalleryError, TimeError), match=words):
        ask(made, seconds, **about)
    assert made.committer.manifest.state().commit == before

"""The viewing log: what was watched, by whom, and what was not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from office import START
from searching import search

from workbench.casework.cases import Case
from workbench.casework.reviewing.review import barred
from workbench.casework.reviewing.triage import record_clip
from workbench.casework.viewing import Piece, record_viewing, viewings, watched
from workbench.domain import Probe, Scope
from workbench.errors import CaseError, NotPermitted
from workbench.faces.clips import Clip
from workbench.gallery import Gallery


@pytest.fixture
def first(gallery: Gallery) -> Piece:
    """The first two minutes of camera 0, which runs for ten from the beginning of the case on."""
    row = next(gallery.recordings().itertuples())
    camera = next(c for c in gallery.cameras() if c.camera_id == row.camera_id)
    return Piece(str(row.recording_id), str(row.file), camera, START, 0.0, 120.0)


def test_what_is_watched_is_told_with_its_share(
    office: Any, case: Case, gallery: Gallery, first: Piece
) -> None:
    register = office.register
    nothing = watched(register, "A-1", gallery)
    assert (nothing.recordings, nothing.opened, nothing.seconds) == (4, 0, 2400.0)  # not C4's
    record_viewing(register, "A-1", gallery, replace(first, end=0.0), "coarse")
    picture = watched(register, "A-1", gallery)
    assert (picture.opened, picture.seen) == (1, 0.0)  # a single picture of one recording
    record_viewing(register, "A-1", gallery, first, "coarse")
    record_viewing(register, "A-1", gallery, replace(first, start=120.0, end=180.0), "coarse")
    record_viewing(
        register, "A-1", gallery, replace(first, start=60.0, end=90.0), "sharp", reason="A bag."
    )
    found = watched(office.fresh(), "A-1", gallery)
    assert [(v.by, v.detail, v.start, v.end, v.reason) for v in found.viewings] == [
        ("anna", "coarse", 0.0, 180.0, ""),  # one after the other is one
        ("anna", "sharp", 60.0, 90.0, "A bag."),
    ]
    assert found.viewings[1].since == START + timedelta(seconds=60)
    assert (found.opened, found.seen) == (1, 180.0)  # and no second twice
    assert found.words.startswith(
        "Shown: 3 min of 40 min (7.5%), in 1 of 4 recordings (pixelated: 3 min; sharp: 30 s). "
        "Not shown: 92.5%."
    )
    assert "whether anyone looked at it, nothing can say" in found.words


def test_whoever_steps_back_is_told_to_have_been_shown_that_too(
    office: Any, case: Case, gallery: Gallery, first: Piece
) -> None:
    def show(start: float, end: float, detail: str = "coarse") -> None:
        piece = replace(first, start=start, end=end)
        reason = "A bag." if detail == "sharp" else ""
        record_viewing(office.register, "A-1", gallery, piece, detail, reason=reason)  # type: ignore[arg-type]

    for second in (64.1, 63.1, 62.1):  # a picture each
        show(second, second, "sharp")
    show(20.0, 30.0)
    show(10.0, 20.0)
    show(10.0, 20.0)  # once more is another time
    found = watched(office.register, "A-1", gallery)
    assert [(v.detail, v.start, v.end) for v in found.viewings] == [
        ("coarse", 10.0, 30.0), ("coarse", 10.0, 20.0), ("sharp", 62.1, 64.1),
    ]  # fmt: skip
    assert found.viewings[-1].since == START + timedelta(seconds=62.1)
    assert found.seen == 20.0  # what lies between single pictures was not sent


def test_a_clip_is_footage_that_was_watched(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope
) -> None:
    one = search(gallery, subject, permitted, case="A-1", top=1).candidates[0]
    record_clip(office.register, "A-1", one, Clip(b"film", 10.0, 14.0))
    (seen,) = viewings(office.register, "A-1")
    assert (seen.detail, seen.recording, seen.start, seen.end) == ("clip", one.recording, 10, 14)


def test_what_others_watched_is_kept_from_people_who_may_decide(
    office: Any, case: Case, gallery: Gallery, first: Piece
) -> None:
    record_viewing(office.register, "A-1", gallery, first, "coarse")
    hidden = watched(office.sit("rosa"), "A-1", gallery)
    assert (hidden.viewings, hidden.withheld, hidden.seen) == ((), 1, 0.0)
    assert "Shown to you: 0 s of 40 min" in hidden.words
    record_viewing(office.register, "A-1", gallery, first, "coarse")
    assert "rosa has watched footage of this case" in barred(office.register, "A-1")
    assert len(viewings(office.register, "A-1")) == 2  # she decides no more
    office.sit("ben")
    assert viewings(office.register, "A-1") == ()
    office.sit("sara").close("A-1", reason="found")
    office.sit("ben")
    assert len(viewings(office.register, "A-1")) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"start": -60.0}, "does not cover"),
        ({"end": 13 * 3600.0}, "does not cover"),
        ({"camera": "C4"}, "does not cover"),
        ({"begins": START + timedelta(hours=1)}, "does not cover"),  # but the file began then
        ({"end": 700.0}, "does not cover"),  # and has 600 s
    ],
)
def test_nothing_outside_the_case_is_watched(
    office: Any, case: Case, gallery: Gallery, first: Piece, changed: dict[str, Any], said: str
) -> None:
    if "camera" in changed:
        changed = {"camera": next(c for c in gallery.cameras() if c.camera_id == "C4")}
    with pytest.raises(CaseError, match=said):
        record_viewing(office.register, "A-1", gallery, replace(first, **changed), "coarse")
    assert office.events("footage.viewed") == []
    assert office.events("shot.view.refused")


def test_only_members_watch_and_sharp_takes_a_reason(
    office: Any, case: Case, gallery: Gallery, first: Piece
) -> None:
    with pytest.raises(CaseError, match="for a reason alone"):
        record_viewing(office.register, "A-1", gallery, first, "sharp", reason=" ")
    with pytest.raises(CaseError, match="not a way of showing"):
        record_viewing(office.register, "A-1", gallery, first, "clear")  # type: ignore[arg-type]
    office.sit("cleo")
    with pytest.raises(CaseError, match="not one of its members"):
        record_viewing(office.register, "A-1", gallery, first, "coarse")
    office.sit("sara")  # she sees all cases, and is a member of none
    with pytest.raises(NotPermitted, match="sara is not a member"):
        record_viewing(office.register, "A-1", gallery, first, "sharp", reason="A bag.")
    office.sit("otto")
    with pytest.raises(NotPermitted):
        record_viewing(office.register, "A-1", gallery, first, "coarse")
    assert office.events("footage.viewed") == []
    office.sit("anna").close("A-1", reason="found")
    with pytest.raises(CaseError, match="closed"):
        record_viewing(office.register, "A-1", gallery, first, "coarse")

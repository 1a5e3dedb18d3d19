"""Attempts to see more of the footage than a case covers, or without a trace."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Request
from workbench.casework.record.audit import LOG
from workbench.casework.viewing import may_go_on, record_viewing, viewings
from workbench.domain import Camera, Probe
from workbench.errors import CaseError
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components.mapframe import MapFrame
from workbench.widgets.components.media import Media, Standing
from workbench.widgets.components.watching import Watching, WatchPanel

SECOND = timedelta(seconds=1)


@pytest.fixture
def gate(
    office: Any, clocked: Path, ask: Callable[..., Request], subject: Probe, permitted: Any
) -> tuple[Watching, Camera, Any]:
    """A page of anna's, the camera at the gate, and when it began: A-1 covers its 2nd to 4th s."""
    office.sit("ada")
    office.installation.take_gallery(clocked)
    with office.installation.open_gallery(clocked) as gallery:
        camera = next(one for one in gallery.cameras() if one.camera_id == "C0")
        began = gallery.footage([camera])["started_at"].iloc[0].to_pydatetime()
    request = ask(start=began + SECOND, end=began + 4 * SECOND)
    office.sit("anna").ask(request, subject=subject)
    office.approve("sara", "A-1")
    office.sit("anna")
    model = Watching(clocked, installation=office.installation, zone=UTC_ZONE)
    return model, camera, began


def test_sharp_footage_for_who_is_no_member(office: Any, gate: Any) -> None:
    model, camera, began = gate
    office.sit("sara")  # she knows of every case
    model.open("A-1", camera, began + 2 * SECOND)
    assert [view.piece.camera.camera_id for view in model.views] == ["C0"]
    model.sharpen("I am curious")
    assert "sara is not a member of the case" in model.messages["watching"]
    assert model.reason == ""
    office.sit("anna")
    model.sharpen(" \t")  # a member, without a reason
    assert "Write the reason first" in model.messages["watching"]
    assert {one.about["detail"] for one in office.events("footage.viewed")} == {"coarse"}
    assert office.events("shot.view.refused")


def test_footage_a_second_outside_the_case(office: Any, gate: Any) -> None:
    model, camera, began = gate
    model.open("A-1", camera, began)  # and what follows is cut to the case
    model.step(0, play=True)
    (view,) = model.views
    assert (view.piece.start, view.piece.end) == (1.0, 4.0)
    with office.installation.open_gallery(model.gallery) as gallery:
        for wrong in (
            replace(view.piece, start=0.999),
            replace(view.piece, end=4.001),
            replace(view.piece, begins=view.piece.begins - SECOND, end=5.0),
            replace(view.piece, camera=Camera("C1", "Bridge", 51.478, -0.01)),
            replace(view.piece, camera=Camera("C0", "Gate", 51.475, 3.0)),
        ):
            with pytest.raises(CaseError, match="does not cover"):
                record_viewing(office.register, "A-1", gallery, wrong, "coarse")
    assert len(office.events("shot.view.refused")) == 5
    model.step(5)  # nothing of it is left
    assert model.views == ()
    assert {(one.start, one.end) for one in viewings(office.register, "A-1")} == {(1.0, 4.0)}


@pytest.mark.parametrize("how", ["closed", "expired", "removed"])
def test_footage_of_a_case_that_is_over(office: Any, clock: Any, gate: Any, how: str) -> None:
    model, camera, began = gate
    who = "ben" if how == "removed" else "anna"
    office.sit(who)
    panel = WatchPanel(model)
    model.open("A-1", camera, began + 2 * SECOND)
    assert len(panel.player.films) == 1
    before = len(office.events("footage.viewed"))
    if how == "closed":
        office.sit("sara").close("A-1", reason="found")
    elif how == "expired":
        clock.forward(days=3)
    else:
        office.sit("anna").remove_member("A-1", "ben")
    office.sit(who)
    panel._received(None, {"to": 0, "plays": True}, None)
    assert model.messages["watching"]
    assert (model.views, panel.player.films, panel.player.failures) == ((), [], 1)
    model.open("A-1", camera, began + 2 * SECOND)
    assert model.views == ()
    assert len(office.events("footage.viewed")) == before


def test_a_film_that_was_shown_asked_for_again_by_its_name(
    office: Any, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, camera, began = gate
    panel, media = WatchPanel(model), Media.of_kernel()
    sent: list[list[Any]] = []
    monkeypatch.setattr(media, "send", lambda told, buffers: sent.append(buffers))
    model.open("A-1", camera, began + 2 * SECOND)
    address = panel.player.films[0]["film"]
    name = address.partition(media.mark)[2]
    media._asked(None, {"ask": [name]}, None)
    assert sent == [[model.views[0].film]]
    page = MapFrame()
    page.page = "where she was seen"
    page.standing = Standing(may_go_on, (office.register, "A-1"))
    told: list[Any] = []
    monkeypatch.setattr(page, "send", told.append)
    page._received(None, {"ask": "page"}, [])
    assert told.pop()["page"] == "where she was seen"
    office.sit("sara").close("A-1", reason="found")
    office.sit("anna")
    media._asked(None, {"ask": [name]}, None)
    page._received(None, {"ask": "page"}, [])
    assert sent[1:] == [[]]
    assert name not in media._kept
    assert (told.pop()["page"], page.edition) == ("", 0)


def test_footage_without_an_entry(office: Any, gate: Any) -> None:
    """The disk is full, as far as this process can tell."""
    model, camera, began = gate
    size = (office.folder / LOG).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40, before[1]))
    try:
        model.open("A-1", camera, began + 2 * SECOND)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot be written" in model.messages["watching"]
    assert (model.views, model.moment) == ((), None)
    assert not office.events("footage.viewed")

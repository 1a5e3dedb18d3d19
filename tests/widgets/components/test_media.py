"""What a page is sent without asking: pictures that it is about to show, and a changed map."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import NotPermitted
from workbench.widgets.components.mapframe import MapFrame
from workbench.widgets.components.media import Media, Standing, address


def over() -> None:
    raise NotPermitted("the case is closed", fix="Open another")


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> tuple[Media, list[list[str]]]:
    media, sent = Media(), []
    monkeypatch.setattr(Media, "_sent", media)
    monkeypatch.setattr(
        media, "send", lambda message, **_: sent.append([name for name, _ in message["found"]])
    )
    monkeypatch.setattr(Media, "of_kernel", classmethod(lambda _: media))
    return media, sent


def test_a_picture_is_sent_ahead_once(media: tuple[Media, list[list[str]]]) -> None:
    of_kernel, sent = media
    first, second = address(b"first"), address(b"second")
    of_kernel.send_ahead([first])
    of_kernel.send_ahead([first, second])
    of_kernel.send_ahead([first, second])
    assert sent == [[one.rpartition(of_kernel.mark)[2]] for one in (first, second)]


def test_what_may_not_be_shown_any_more_is_not_sent_ahead(
    media: tuple[Media, list[list[str]]],
) -> None:
    of_kernel, sent = media
    of_kernel.send_ahead([address(b"closed", standing=Standing(over, ()))])
    assert sent == [[]]


def test_a_map_that_is_shown_is_sent_each_later_document_while_it_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame, sent = MapFrame(), []
    monkeypatch.setattr(frame, "send", lambda message: sent.append(message))
    frame.page = "before anybody sees it"
    assert sent == []
    ask: Any = {"ask": "page", "view": "1"}
    frame._received(frame, ask, None)
    frame.page = "another"
    frame.page = ""
    assert [(one["view"], one["page"]) for one in sent] == [
        ("1", "before anybody sees it"),
        ("", "another"),
    ]
    frame.standing = Standing(over, ())
    frame.page = "of a case that is closed"
    assert [one["page"] for one in sent[2:]] == [""]
    assert (frame.page, frame.edition) == ("", 0)

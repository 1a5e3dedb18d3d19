"""Candidates or sightings, as cards or as rows, each of which can be chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, List, Unicode

from workbench.domain import Candidate
from workbench.maps.zones import local_time
from workbench.widgets.components.parts import data_uri
from workbench.widgets.components.target import quality_words
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.opinions import MARKS, WORDS


class Cards(anywidget.AnyWidget):
    """Calls *on_open* with the tracklet_id of the one that is chosen.

    Rows show an item's number and picture, then its ``cells``: each a text, a list of lines, or
    None for what was decided.
    """

    _esm = Path(__file__).with_name("cards.js")
    _css = Path(__file__).with_name("cards.css")
    items: Any = List().tag(sync=True)
    table = Bool(False).tag(sync=True)
    columns: Any = List(Unicode()).tag(sync=True)
    name = Unicode().tag(sync=True)
    selected = Unicode("").tag(sync=True)

    def __init__(self, on_open: Callable[[str], None], **options: Any) -> None:
        super().__init__(**options)
        self._on_open = on_open
        self.on_msg(self._received)

    def focus_on(self, tracklet_id: str) -> None:
        """Put the keyboard's focus on a candidate."""
        self.send({"focus": tracklet_id})

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        if isinstance(message.get("open"), str):
            self._on_open(message["open"])


COLUMNS = [
    "Rank", "Best shot", "Camera", "First seen", "Last seen", "Score", "Quality", "Opinion",
    "Recording",
]  # fmt: skip


def card(candidate: Candidate, listing: Listing) -> dict[str, object]:
    """All that is told of a candidate on its card or in its row; texts are plain, not HTML."""
    zone, one = listing.model.zone, candidate.camera
    verdict = listing.triage.verdict(candidate.tracklet_id)
    rank, name = listing.rank(candidate.tracklet_id), one.name or one.camera_id
    score = f"{candidate.score:.3f}"
    return {
        "id": candidate.tracklet_id,
        "rank": rank,
        "picture": data_uri(candidate.shot_jpeg),
        "score": score,
        "camera": name,
        "camera_id": one.camera_id,
        "clock": local_time(candidate.shot_time, zone, "%H:%M:%S"),
        "day": f"{candidate.shot_time.astimezone(zone):%a %d %b %Y}",
        "quality": quality_words(candidate.quality),
        "verdict": verdict,
        "opinion": WORDS.get(verdict, ""),
        "mark": MARKS.get(verdict, ""),
        "does": f"Compare candidate {rank}",
        "cells": [
            f"{name} ({one.camera_id})",
            [
                f"{candidate.first_seen.astimezone(zone):%a %d %b %Y}",
                local_time(candidate.first_seen, zone, "%H:%M:%S"),
            ],
            local_time(candidate.last_seen, zone, "%H:%M:%S"),
            score,
            f"{candidate.quality:.2f}",
            None,
            candidate.recording,
        ],
    }

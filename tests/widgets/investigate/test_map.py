"""The map of the page and what it shares with the timeline and the list, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from workbench.domain import Candidate
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.timeline import TimelinePanel

Make = Callable[..., Candidate]


@pytest.fixture
def answered(asked: Investigation, probe: Callable[[int], bytes]) -> Investigation:
    asked.add_photograph("probe.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    assert len(asked.shown) > 1
    return asked


def test_what_is_chosen_elsewhere_is_pointed_out_on_the_map_without_building_it_again(
    answered: Investigation,
) -> None:
    panel, timeline = SightingsPanel(answered), TimelinePanel(answered)
    pages: list[object] = []
    panel.map.observe(pages.append, "page")
    chosen = answered.shown[1].tracklet_id
    timeline._select(chosen)
    assert panel.map.selected == chosen
    assert pages == []


def test_the_timeline_begins_with_the_time_that_has_footage(answered: Investigation) -> None:
    timeline = TimelinePanel(answered)
    assert timeline.turn.layout.display == "none"  # all that was searched has footage
    assert answered.result is not None
    assert answered.span is not None
    (first, last), day = answered.span, timedelta(days=1)
    scope = replace(answered.result.scope, start=first - day, end=last + day)
    answered.result = replace(answered.result, scope=scope)

    def shown() -> float:
        """Hours of the axis."""
        begin, end = json.loads(timeline.plot.figure)["layout"]["xaxis"]["range"]
        return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)) / timedelta(hours=1)

    assert timeline.turn.layout.display == ""
    assert shown() < 16
    timeline.turn.click()
    assert shown() > 48
    timeline.turn.click()
    assert shown() < 16


def test_what_is_chosen_on_the_map_is_chosen_everywhere(answered: Investigation) -> None:
    panel = SightingsPanel(answered)
    panel.map.selected = answered.shown[1].tracklet_id
    assert answered.selected == answered.shown[1].tracklet_id


def test_the_map_can_choose_only_what_is_shown(answered: Investigation) -> None:
    panel = SightingsPanel(answered)
    panel.map.selected = "<b>nothing of ours</b>"
    assert answered.selected == ""
    answered.result = replace(answered.result, candidates=())
    panel.map.selected = "anything"
    assert answered.selected == ""

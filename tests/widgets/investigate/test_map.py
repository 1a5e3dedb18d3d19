"""The map of the page and what it shares with the timeline and the list, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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

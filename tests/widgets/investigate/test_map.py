"""The map of the page and what it shares with the timeline and the list, without a browser."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from PIL import Image

from workbench.casework.training import TRAINING_NOTICE
from workbench.domain import Candidate
from workbench.widgets.components.whereabouts import FORMS
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.page import InvestigatePage
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


def test_notes_on_cameras_are_written_and_marked_on_the_map(answered: Investigation) -> None:
    panel = SightingsPanel(answered)
    assert answered.result is not None
    free = {c.camera_id for c in answered.result.cameras} - {
        one.camera.camera_id for one in answered.shown
    }
    camera = next(c for c in answered.result.cameras if c.camera_id in free)
    notes = panel.notes
    notes.switch.value = True
    assert notes.notes.layout.display == "none"
    assert camera.words() in notes.choice.options
    notes.choice.value = "no such camera"
    assert "No camera of this search has this name or id." in notes.said.value
    notes.choice.value = camera.camera_id
    assert notes.notes.layout.display == ""
    drawn = panel.map.edition
    notes.notes.text.value = "Hidden behind a lorry <b>all day</b>."
    notes.notes._write()
    assert panel.noted.messages == {}
    assert notes.counts == {camera.camera_id: 1}
    assert "Hidden behind a lorry &lt;b&gt;" in notes.notes.listed.value
    assert panel.map.edition == drawn + 1
    assert "(1 note)" in panel.map.page
    assert panel.shown is not None
    assert "(1 note)" not in panel.shown.page(), "a file that leaves tells none"
    # The next search finds it, first of all that are offered.
    answered.search()
    assert notes.choice.options[0] == camera.words()
    assert "1 camera has notes; the map tells which." in notes.said.value


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


def test_what_was_marked_not_same_leaves_the_route_and_is_marked_in_every_file(
    answered: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = InvestigatePage(answered)
    triage, panel = page.results.triage, page.places
    first = answered.shown[0]
    before = panel.map.page
    assert triage.record(first.tracklet_id, "different")
    assert panel.map.page != before
    assert panel.shown is not None
    assert panel.shown.rejected == {first.tracklet_id}
    assert "marked “not same”" in panel.map.page
    marks = next(
        one for one in json.loads(page.timeline.plot.figure)["data"] if one["name"] == "candidate"
    )
    assert len(set(marks["marker"]["color"])) == 2
    saved: dict[str, bytes] = {}
    monkeypatch.setattr(
        panel.exports.saver, "save", lambda name, _, file: saved.update({name: file})
    )
    for form in ("csv", "geojson", "html", "png"):
        panel.exports.export(form)
    case = answered.chosen_case
    assert case is not None
    assert {*saved} == {f"candidates-{case.reference}.{form}" for form in FORMS}
    (row, *_) = csv.DictReader(
        io.StringIO(saved[f"candidates-{case.reference}.csv"].decode("utf-8-sig"))
    )
    assert row["rejected"] == "True"
    assert row["title"].startswith("Candidates")
    with Image.open(io.BytesIO(saved[f"candidates-{case.reference}.png"])) as picture:
        told = [row["notice"], picture.text["Description"]]
    told += [saved[f"candidates-{case.reference}.{form}"].decode() for form in ("geojson", "html")]
    for file in told:
        assert TRAINING_NOTICE in file
    for file in told[1:]:
        assert case.request.title in file
        assert f"{answered.threshold:g} (normalised scores; " in file
        assert answered.district.name in file

"""What the panels draw, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from workbench.district import to_geojson
from workbench.domain import Candidate
from workbench.widgets import investigate
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.components.parts import count, duration
from workbench.widgets.components.timerange import TimePanel
from workbench.widgets.investigate.listing import CARDS
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.page import page
from workbench.widgets.investigate.results import TABLE_VIEW, ResultsPanel, covered, found
from workbench.widgets.investigate.search import SearchPanel
from workbench.widgets.investigate.target import SearchTargetPanel
from workbench.widgets.investigate.timeline import TimelinePanel, drawn

HOSTILE = '<img src=x onerror="alert(1)">{{ 7*7 }}</script>'
Make = Callable[..., Candidate]


@pytest.fixture
def answered(asked: Investigation, probe: Callable[[int], bytes]) -> Investigation:
    asked.add_photograph(f"{HOSTILE}.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    return asked


def spoilt(answered: Investigation, number: int, make: Make) -> None:
    """Give the result so many candidates at a camera with a hostile name."""
    assert answered.result is not None
    camera = replace(answered.cameras[0], name=HOSTILE)
    many = tuple(
        make(camera, minute=n, score=0.9 - n / 1000, recording=HOSTILE) for n in range(number)
    )
    answered.result = replace(answered.result, candidates=many)


def test_the_whole_page_can_be_made_without_a_kernel(answered: Investigation) -> None:
    assert len(page(answered).children) == 2


def test_a_missing_gallery_is_named_on_the_page(tmp_path: Path) -> None:
    refused = investigate(tmp_path / "<b>none</b>.duckdb")
    assert "there is no gallery here" in refused.value
    assert "&lt;b&gt;none" in refused.value


def test_names_are_shown_as_text_everywhere(answered: Investigation, make_candidate: Make) -> None:
    spoilt(answered, 3, make_candidate)
    results = ResultsPanel(answered)
    assert "<img src=x" not in results.probe.value + results.summary.value
    # To the browser they go as text, which it sets as text.
    assert results.candidates.items[0]["camera"] == HOSTILE
    assert "<img src=x" not in results.where.value
    target = SearchTargetPanel(answered)
    texts = [child.value for child in _below(target) if hasattr(child, "value")]
    assert any("&lt;img src=x" in str(text) for text in texts)
    assert not any("<img src=x" in str(text) for text in texts)
    assert HOSTILE not in SightingsPanel(answered).map.page


def test_results_are_shown_page_by_page(answered: Investigation, make_candidate: Make) -> None:
    spoilt(answered, 2 * CARDS + 1, make_candidate)
    results = ResultsPanel(answered)
    assert len(results.candidates.items) == CARDS
    assert results.previous.disabled
    results.next.click()
    results.next.click()
    assert len(results.candidates.items) == 1
    assert f"25 to 25 of {2 * CARDS + 1}" in results.where.value
    assert results.next.disabled
    answered.threshold = 0.899
    assert len(results.candidates.items) == 2
    assert results.previous.layout.display == results.next.layout.display == "none"
    results.view.value = TABLE_VIEW
    assert results.candidates.table


def test_a_mark_that_is_clicked_turns_to_its_candidate(
    answered: Investigation, make_candidate: Make
) -> None:
    spoilt(answered, 2 * CARDS, make_candidate)
    results, timeline = ResultsPanel(answered), TimelinePanel(answered)
    wanted = answered.shown[CARDS + 3].tracklet_id
    timeline._select(wanted)
    assert results.listing.page == 1
    assert results.candidates.selected == wanted
    assert wanted in [item["id"] for item in results.candidates.items]
    assert results.compared.shown
    symbols = drawn(answered).data[1].marker.symbol
    assert list(symbols).index("diamond") == CARDS + 3


def test_the_summary_tells_no_footage_from_no_candidate(answered: Investigation) -> None:
    answered.threshold = 1.01
    assert found(answered) == "No candidate reaches the score 1.01"
    assert answered.result is not None
    lines = " ".join(covered(answered.result))
    assert "12 cameras in the district, 3 with footage in this time" in lines
    assert (
        "9 cameras have no footage in this time: people who passed there cannot be found." in lines
    )
    assert answered.span is not None
    last = answered.span[1].astimezone(answered.zone).replace(tzinfo=None)
    answered.set_time(last + timedelta(hours=1), last + timedelta(hours=2))
    answered.search()
    assert found(answered) == "No footage: nothing could be searched"


def test_what_is_drawn_becomes_the_district_and_the_other_way_round(
    asked: Investigation,
) -> None:
    panel = DistrictPanel(asked)
    camera = asked.cameras[0]
    x, y = camera.longitude, camera.latitude
    corners = [[x - 0.001, y - 0.001], [x + 0.001, y - 0.001], [x, y + 0.001]]
    ring = [*corners, corners[0]]
    drawn_by_hand = {
        "type": "Feature",
        "properties": {"style": {}},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    panel.draw.data = [drawn_by_hand]  # as the browser sets it
    assert asked.cameras_inside == (camera,)
    assert panel.draw.data == [drawn_by_hand]
    assert "<strong>1 camera</strong> of 12 inside" in panel.cameras.value

    panel.named.value = "All cameras"
    assert len(asked.cameras_inside) == 12
    assert len(panel.draw.data) == 1
    assert len(panel.draw.data[0]["geometry"]["coordinates"][0]) == 5
    panel.draw.data = []
    assert asked.district is None
    assert panel.named.value == "Drawn on the map"


def test_a_shape_that_crosses_itself_is_explained_and_not_searched(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    asked.set_district(asked.whole_area())
    ring = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    drawn_by_hand = {
        "type": "Feature",
        "properties": {"style": {}},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    panel.draw.data = [drawn_by_hand]
    assert "not a simple area" in asked.messages["district"]
    assert asked.district is None  # the one before is no longer on the map
    assert panel.draw.data == [drawn_by_hand]


def test_pasted_geojson_becomes_the_district_or_is_explained(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel.text.value = json.dumps(to_geojson(asked.whole_area()))
    panel._paste()
    assert len(asked.cameras_inside) == 12
    panel.text.value = "not GeoJSON"
    panel._paste()
    assert "not GeoJSON" in asked.messages["district"]
    assert len(asked.cameras_inside) == 12


def test_a_named_district_can_be_taken_as_a_drawing(asked: Investigation) -> None:
    panel = DistrictPanel(asked)
    panel.named.value = "All cameras"
    panel.named.value = "Drawn on the map"
    assert asked.district is not None
    assert asked.district.name == "Drawn on the map"
    assert len(panel.draw.data) == 1


def test_the_fields_of_time_follow_the_model_and_lead_it(asked: Investigation) -> None:
    panel = TimePanel(asked)
    assert str(panel.start.local) == "2026-03-29 00:47:00"
    asked.set_last(timedelta(hours=1))
    assert str(panel.start.local) == "2026-03-29 15:21:00"
    panel.end.time.value = panel.start.time.value
    assert "the end is not after the start" in asked.messages["time"]
    assert panel.end.time.value == panel.start.time.value  # what was typed stays
    asked.set_all_footage()
    assert "time" not in asked.messages
    assert str(panel.end.local) == "2026-03-29 16:21:00"


def test_the_threshold_is_explained(asked: Investigation) -> None:
    panel = SearchPanel(asked)
    assert "Recommended" in panel.words.value
    panel.slider.value = round(asked.recommended.score + 0.1, 2)
    assert asked.threshold == panel.slider.value
    assert "0.10 stricter than recommended" in panel.words.value
    panel.recommended.click()
    assert asked.threshold == asked.recommended.score


def test_what_a_score_is_worth_is_told_before_and_after_the_search(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    panel = SearchPanel(asked)
    assert "false candidates" not in panel.words.value  # nowhere to search yet
    asked.set_district(asked.whole_area())
    before = asked.foreseen
    assert before is not None
    assert "Expect about" in panel.words.value
    assert f"among {sum(before.tracklets)} person tracks" in panel.words.value
    assert "of the true sightings" in panel.words.value
    # Looser means more false ones and fewer missed, at once and without a search.
    asked.threshold = asked.recommended.score - 0.1
    strict, loose = (
        before.false_candidates(asked.recommended.score),
        before.false_candidates(asked.threshold),
    )
    assert loose.mean > 2 * strict.mean
    assert f"Expect about {loose.mean:.1f}"[:14] in panel.words.value
    assert asked.result is None
    asked.add_photograph("one.jpg", probe(1))
    asked.search()
    assert asked.result is not None
    assert asked.expectations == asked.result.expectations
    assert asked.result.compared == sum(asked.expectations.tracklets)
    # Another district is another question.
    early = datetime.fromisoformat("2026-03-28T01:00")
    asked.set_time(early, early + timedelta(hours=1))
    assert "There is nothing to compare" in panel.words.value


def test_the_recommended_threshold_follows_the_photographs_unless_it_was_moved(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    panel = SearchPanel(asked)
    one = asked.recommended.score
    for number in (1, 2, 3):
        asked.add_photograph(f"{number}.jpg", probe(number))
    assert asked.threshold == asked.recommended.score > one
    assert "3 photographs" in panel.words.value
    asked.threshold = 0.6
    asked.remove_photograph(asked.uploads[0].key)
    assert asked.threshold == 0.6


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (90, "1 min 30 s"), (3_600, "1 h"), (4_320, "1 h 12 min"),
     (200_000, "2 days 7 h")],
)  # fmt: skip
def test_lengths_of_time_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_counts_agree_with_their_nouns() -> None:
    assert [count(n, "camera") for n in (0, 1, 1200)] == ["0 cameras", "1 camera", "1,200 cameras"]


def _below(widget: object) -> list[object]:
    children = getattr(widget, "children", ())
    return [one for child in children for one in (child, *_below(child))]

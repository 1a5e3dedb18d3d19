"""The page as a whole: its panels together, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from workbench.domain import Candidate
from workbench.faces.profiles import make_profile
from workbench.gallery import Gallery
from workbench.widgets import investigate
from workbench.widgets.investigate.listing import CARDS
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.page import page
from workbench.widgets.investigate.results import TABLE_VIEW, ResultsPanel, covered, found
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
        make(camera, minute=n, score=9 - n / 100, recording=HOSTILE) for n in range(number)
    )
    answered.result = replace(answered.result, candidates=many)


def test_the_whole_page_can_be_made_without_a_kernel(answered: Investigation) -> None:
    whole = page(answered)
    assert whole.folded
    assert whole.question.layout.display == "none"
    assert "1 photograph · All cameras · " in whole.asked.value


def test_a_missing_gallery_is_named_on_the_page(tmp_path: Path) -> None:
    refused = investigate(tmp_path / "<b>none</b>.duckdb")
    assert "there is no gallery here" in refused.value
    assert "&lt;b&gt;none" in refused.value


def test_a_gallery_without_cameras_is_named_on_the_page(tmp_path: Path) -> None:
    path = tmp_path / "empty.duckdb"
    Gallery.create(path, make_profile("dlib", (("none.dat", "0" * 64),))).close()
    assert "no camera has been added yet" in investigate(path).value


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
    answered.threshold = 8.99
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
    symbols = drawn(answered)[0].data[1].marker.symbol
    assert list(symbols).index("diamond") == CARDS + 3


def test_the_summary_tells_no_footage_from_no_candidate(answered: Investigation) -> None:
    answered.threshold = 20.0
    assert found(answered) == "No candidate reaches the score 20.00"
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


def _below(widget: object) -> list[object]:
    children = getattr(widget, "children", ())
    return [one for child in children for one in (child, *_below(child))]

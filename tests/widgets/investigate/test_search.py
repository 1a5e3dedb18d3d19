"""The threshold, and what a score is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.calibration import calibration_of, write_calibration
from workbench.calibration.words import format_expected
from workbench.casework.register import all_entries
from workbench.domain import Missing, PartialAnswer
from workbench.errors import AuditDamaged, Cancelled
from workbench.installation import Installation
from workbench.investigation import SearchResult
from workbench.widgets.investigate import casemodel, model
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import ResultsPanel
from workbench.widgets.investigate.search import SearchPanel


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
    before = asked.forecast
    assert before is not None
    assert "Expect about" in panel.words.value
    assert f"among {sum(before.tracklets)} tracklets" in panel.words.value
    assert "of the true sightings" in panel.words.value
    # Looser means more false ones and fewer missed, at once and without a search.
    asked.threshold = asked.recommended.score - 0.5
    strict, loose = (
        before.false_candidates(asked.recommended.score),
        before.false_candidates(asked.threshold),
    )
    assert loose.mean > 2 * strict.mean
    assert f"Expect {format_expected(loose.mean)}" in panel.words.value
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


def test_what_lies_beyond_what_was_measured_is_said_to(
    asked: Investigation, probe: Callable[[int], bytes]
) -> None:
    panel = SearchPanel(asked)
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    found, beyond = asked.expectations, "This score is beyond what was measured"
    assert found is not None
    calibration = found.calibration
    asked.threshold = calibration.thresholds[0]
    assert not found.false_candidates(asked.threshold).extrapolated
    assert "beyond what" not in panel.words.value + panel.progress.value
    asked.threshold = asked.scores[1]
    assert found.false_candidates(asked.threshold).extrapolated
    assert f"{beyond}: fewer than ten comparisons" in panel.words.value
    assert "beyond what was measured." in panel.progress.value
    # The other two ends of what was measured: a lower score, and poorer pictures.
    lower = found.words(calibration.thresholds[0] - 0.5)[0]
    assert f"Nothing below {calibration.thresholds[0]:.2f} was measured: expect more" in lower
    curves = tuple(replace(one, quality=max(one.quality, 0.5)) for one in calibration.curves)
    tracklets = (3, *[0] * (len(found.tracklets) - 2), 40)
    poor = replace(found, calibration=replace(calibration, curves=curves), tracklets=tracklets)
    assert "3 of them are of lower quality than anything that was measured" in poor.words(1.0)[0]


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


def test_a_calibration_that_is_replaced_while_the_page_is_open(
    asked: Investigation, probe: Callable[[int], bytes], small_town: Path, tmp_path: Path
) -> None:
    folder = asked.installation.settings.calibrations_folder
    normalised = calibration_of(asked.profile, folder=folder)
    assert normalised is not None
    thresholds = tuple(np.linspace(0.1, 0.7, len(normalised.thresholds)).tolist())
    plain = replace(
        normalised, normaliser=None, thresholds=thresholds, nearness=(), shot_nearness=()
    )
    own = tmp_path / f"{asked.profile.name}.json"
    write_calibration(normalised, own)
    settings = asked.installation.settings.model_copy(update={"calibrations": tmp_path})
    page = Investigation(small_town, installation=Installation(settings))
    panel = SearchPanel(page)
    page.add_photograph("1.jpg", probe(1))
    page.set_district(page.whole_area())
    panel.slider.value = 3.0
    page.search()
    assert page.shown
    assert "search" not in page.messages

    write_calibration(plain, own)
    page.search()
    assert {candidate.scale for candidate in page.shown} == {"plain"} == {page.scale}
    assert page.threshold == page.recommended.score == panel.slider.value < 0.7
    assert (panel.slider.min, panel.slider.max) == page.scores == (thresholds[0], thresholds[-1])
    assert "scores are on another scale now" in page.messages["search"]

    # It is noticed when the question changes, too; candidates of the scale before are gone.
    write_calibration(normalised, own)
    page.add_photograph("2.jpg", probe(2))
    assert (page.result, page.shown, page.is_stale) == (None, (), False)
    assert page.threshold == page.recommended.score == panel.slider.value > 0.8
    assert (panel.slider.min, panel.slider.max) == page.scores
    assert "the minimum score was reset" in page.messages["search"].lower()


Meanwhile = Callable[[SearchResult], None]


@pytest.fixture
def partly(
    asked: Investigation, probe: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Meanwhile], None]:
    """Search, and have something done while the best candidate alone is told."""

    def search(meanwhile: Meanwhile) -> None:
        true = model.search

        def slow(*of: Any, partial: Callable[[PartialAnswer], None], **options: Any) -> Any:
            result = true(*of, **options)
            best, missing = result.candidates[:1], Missing(3, 5, 20)
            partial(PartialAnswer(best, len(result.candidates), 7, missing))
            meanwhile(result)
            return result

        with monkeypatch.context() as patched:
            patched.setattr(model, "search", slow)
            asked.search()

    asked.add_photographs([("1.jpg", probe(1)), ("2.jpg", probe(2))])
    asked.set_district(asked.whole_area())
    return search


def viewed(asked: Investigation) -> list[list[str]]:
    """Tracklets of each entry that says that best shots were shown."""
    entries = all_entries(asked.installation.register.folder)
    return [one.about["tracklets"] for one in entries if one.what == "shot.viewed"]


def test_a_partial_answer_is_shown_as_one_and_to_be_looked_at_alone(
    asked: Investigation, partly: Callable[[Meanwhile], None]
) -> None:
    panel, results = SearchPanel(asked), ResultsPanel(asked)
    before = len(viewed(asked))

    def look(result: SearchResult) -> None:
        best = result.candidates[0]
        assert viewed(asked)[before:] == [[best.tracklet_id]]  # it was on record first
        cards = panel.partial_cards.value
        assert cards.count("<img") == 1
        assert best.camera.name in cards
        assert "<button" not in cards
        assert "Partial answer: the best 1 of" in panel.partial.value
        assert "2 of 5 parts compared; more may come" in panel.partial.value
        assert 'role="status"' in panel.partial.value
        # It can be neither chosen nor sent to review, and stands in no list.
        asked.selected = best.tracklet_id
        asked.list_for_review()
        assert (asked.selected, asked.review_status, asked.shown) == ("", "", ())
        assert results.candidates.items == []
        asked.threshold = asked.scores[1]  # what is not shown any more is not shown here either
        assert panel.partial_cards.value == ""
        asked.threshold = asked.recommended.score

    partly(look)
    assert asked.result is not None
    assert (asked.so_far, panel.partial_cards.value) == (None, "")
    assert "Partial" not in panel.partial.value
    assert len(results.candidates.items) == len(asked.shown) > 1
    # Each face was put on record once.
    names = [name for one in viewed(asked)[before:] for name in one]
    assert len(names) == len({*names}) == len(asked.shown)


@pytest.mark.parametrize("error", [Cancelled("this was cancelled"), AuditDamaged("is full")])
def test_a_partial_answer_goes_with_its_search(
    asked: Investigation, partly: Callable[[Meanwhile], None], error: Exception
) -> None:
    panel = SearchPanel(asked)

    def fail(_: SearchResult) -> None:
        assert panel.partial_cards.value
        raise error

    partly(fail)
    assert (asked.result, asked.so_far, panel.partial_cards.value) == (None, None, "")


def test_a_face_of_a_partial_answer_that_cannot_be_recorded_is_not_shown(
    asked: Investigation, partly: Callable[[Meanwhile], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = SearchPanel(asked)

    def refuse(*_: object) -> None:
        raise AuditDamaged("the record is full")

    monkeypatch.setattr(casemodel, "record_view", refuse)

    def look(_: SearchResult) -> None:
        assert panel.partial_cards.value == ""
        assert "the record is full" in asked.messages["search"]

    partly(look)

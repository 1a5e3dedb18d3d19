"""One meaning of candidate: pages, record, figures and the court's report count the same."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from looping import run_apart

from workbench.casework.evidence.export import export
from workbench.casework.oversight import annual, audit_overview
from workbench.casework.register import all_entries
from workbench.casework.searches import searches_of, searches_under
from workbench.domain import BY_HAND
from workbench.gallery import search as gallery_search
from workbench.widgets.audit import AuditPanel
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions
from workbench.widgets.investigate.results import found
from workbench.widgets.investigate.search import SearchPanel
from workbench.widgets.investigate.timeline import drawn

SCORES = st.integers(-40, 90).map(lambda number: number / 10)


@pytest.fixture
def asking(asked: Investigation, probe: Callable[[int], bytes]) -> Investigation:
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    return asked


def test_page_record_figures_and_report_count_the_same_candidates(
    asking: Investigation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register, real = asking.installation.register, gallery_search.search
    opinions, where = TriageOpinions(asking), SightingsPanel(asking)
    listing, given_scores = Listing(asking, opinions), [0.0]
    year = next(iter(all_entries(register.folder))).at.year

    def hits() -> tuple[int, int]:
        """Count searches with candidates, as the year's figures and the auditors' page do."""
        (person,), figures = audit_overview(register).people, annual(register, year)
        return sum(row.with_candidates for row in figures), person.with_candidates

    def scored(*question: Any, threshold: float | None, top: int | None, **options: Any) -> Any:
        """Search as always, with the scores that are tried."""
        every = real(*question, threshold=None, top=None, **options)
        again = (given_scores[n % len(given_scores)] for n in range(len(every)))
        every = [replace(one, score=score) for one, score in zip(every, again, strict=True)]
        every.sort(key=lambda one: -one.score)
        return [one for one in every if threshold is None or one.score >= threshold][:top]

    monkeypatch.setattr(gallery_search, "search", scored)

    @settings(max_examples=8, deadline=None, phases=[Phase.generate])
    @given(st.lists(SCORES, min_size=1, max_size=9), st.lists(SCORES, min_size=1, max_size=4))
    def counts_the_same(scores: list[float], thresholds: list[float]) -> None:
        asking.threshold = thresholds[0]  # which may show more of what was found before
        before, given_scores[:] = hits(), scores
        asking.search()
        assert asking.result is not None
        assert len(asking.result.candidates) == sum(
            one.score >= thresholds[0] for one in asking.result.found
        )
        for moved in thresholds[1:]:
            asking.threshold = moved
        every = [one.score for one in asking.result.found]
        now = sum(score >= thresholds[-1] for score in every)
        ever = sum(score >= min(thresholds) for score in every)

        # What is shown now: in the list, the tally, the timeline and on the map.
        assert len(listing.candidates) == now
        words = found(asking)
        assert words.startswith(f"{now} candidate") if now else words.startswith("No candidate")
        assert f" of {now} candidate" in opinions._tally()
        marks = next(one for one in drawn(asking)[0].data if one.name == "candidate")
        assert len(marks.x) == now
        assert (f'"title": "{now} candidate' if now else "No candidates") in where.map.page

        # What was shown since the search: in the record, the figures and the report.
        overview = audit_overview(register)
        last = overview.searches[0]
        assert (last.threshold, last.candidates) == (min(thresholds), ever)
        assert last.compared == asking.result.coverage.tracklets == len(every)
        row = re.findall("<tr>.*?</tr>", AuditPanel(overview, zone=asking.zone).searches.value)[1]
        told = [f"{len(every)}", f"{min(thresholds):g}", f"{ever}"]
        assert re.findall("<td>(.*?)</td>", row)[-3:] == told
        assert hits() == tuple(number + (ever > 0) for number in before)
        file = tmp_path / "a.zip"
        file.unlink(missing_ok=True)
        with asking.installation.open_gallery(asking.gallery) as gallery:
            export(register, asking.case, gallery, file)
        report = zipfile.ZipFile(file).read("report.html").decode()
        table = report.partition("<h2>Searches</h2>")[2].partition("</table>")[0]
        cells = re.findall("<td>(.*?)</td>", table.rpartition("<tr>")[2])
        assert [re.sub(r" \(.*", "", cell) for cell in cells[-3:]] == [told[1], told[2], told[0]]

    counts_the_same()


def test_more_is_shown_and_recorded_once_the_slider_rests(asking: Investigation) -> None:
    folder = asking.installation.register.folder

    def shown() -> int:
        return sum(entry.what == "search.shown" for entry in all_entries(folder)) - before

    before = 0
    before = shown()

    async def move() -> None:
        panel = SearchPanel(asking)
        asking.threshold = high = panel.slider.max
        asking.search()
        for step in range(1, 8):
            panel.slider.value = high - step / 10
        assert (asking.threshold, shown()) == (high, 0)
        panel._resting._seconds = 0.01
        panel.slider.value = high - 0.8
        await asyncio.sleep(0.1)
        assert (asking.threshold, shown()) == (panel.slider.value, 1)
        panel.slider.value = high - 0.9
        panel.button.click()  # a search takes what is set
        assert asking.result is not None
        assert asking.result.threshold is not None
        assert asking.result.threshold.score == panel.slider.value

    run_apart(move())


def test_a_threshold_moved_back_to_the_recommended_one_is_told_as_that(
    asking: Investigation,
) -> None:
    best, folder = asking.recommended, asking.installation.register.folder
    assert best is not None
    for moved, told in ((0.5, BY_HAND), (0.0, best.calibration), (-0.25, BY_HAND)):
        asking.threshold = best.score + moved
        if moved > 0:
            asking.search()
        last = searches_under(folder, asking.case)[-1]
        assert (last.threshold, last.threshold_from) == (best.score + moved, told)


def test_a_record_without_a_threshold_is_told_as_such_and_not_counted(
    asking: Investigation,
) -> None:
    register = asking.installation.register
    asking.search()
    entries = list(all_entries(register.folder))
    asked, answer = (next(e for e in entries if e.what == what)
                     for what in ("search.asked", "search.answered"))  # fmt: skip
    # As pages once recorded what they found, whatever they showed of it.
    register.record("search.asked", {**asked.about, "threshold": None}, by=register.me)
    number = register.head.number
    about = {key: value for key, value in answer.about.items() if key != "compared"}
    register.record("search.answered", {**about, "asked": number, "candidates": 83})
    last = searches_of(all_entries(register.folder))[-1]
    assert (last.candidates, last.threshold_words(), last.candidates_words) == (
        None, "not recorded", "threshold not recorded",
    )  # fmt: skip
    overview = audit_overview(register)
    assert "83" not in AuditPanel(overview, zone=asking.zone).searches.value
    (person,), (figures,) = overview.people, annual(register, asked.at.year)
    assert (person.not_recorded, figures.not_recorded) == (1, 1)
    assert figures.searches == person.searches == len(overview.searches)
    assert person.hit_rate == person.with_candidates / (person.searches - 1)

"""The answer: candidates beside the probe, as cards or as a table, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import traitlets

from workbench.casework.notes import matters_of
from workbench.casework.searches import cut_words
from workbench.domain import Camera, Candidate, length_words
from workbench.faces.probes import POOR_BELOW
from workbench.investigation import SearchResult
from workbench.maps.zones import local_time
from workbench.widgets.components import controls
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.footageplot import gap_words
from workbench.widgets.components.hours import narrowed
from workbench.widgets.components.media import Media, Standing, address
from workbench.widgets.components.notes import NotesModel, NotesPanel
from workbench.widgets.components.outlook import Outlook
from workbench.widgets.components.parts import (
    GOOD_FROM,
    Panel,
    button,
    camera_name,
    count,
    escaped,
    markup,
    quality_words,
    row,
)
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.model import MOST_CANDIDATES, Investigation
from workbench.widgets.investigate.opinions import MARKS, WORDS, TriageOpinions
from workbench.widgets.investigate.sorting import CardSorter
from workbench.widgets.investigate.triage import CandidateComparison, TriagePanel

CARD_VIEW, TABLE_VIEW = "Cards", "Table"
ALL = ("All", "")
ORDER_WORDS = {
    "score": "Best first",
    "time": "Earliest first",
    "camera": "By camera",
    "quality": "Clearest first",
}
OPINION_WORDS = {
    "": "All",
    "undecided": "None yet",
    "decided": "Any",
    "same": "Same",
    "different": "Not same",
    "unsure": "Unsure",
}
QUALITIES = (("All", 0.0), ("Fair or better", POOR_BELOW), ("Good only", GOOD_FROM))
COLUMNS = [
    "Rank", "Best shot", "Camera", "First seen", "Last seen", "Score", "Quality", "Opinion",
    "Recording",
]  # fmt: skip


class ResultsPanel(Panel):
    """Panel of the answer: what was searched, the candidates, and one of them compared.

    *tools* are what a page adds below what was searched, *listing* which candidates are shown.
    """

    def __init__(self, model: Investigation, *tools: Any, listing: Listing | None = None) -> None:
        self.model = model
        self.listing = listing or Listing(model, TriageOpinions(model))
        self.triage = self.listing.triage
        self.comparison = CandidateComparison(model)
        self.summary = markup("", "sl-summary")
        self.view = controls.ToggleButtons(
            options=[CARD_VIEW, TABLE_VIEW], style={"button_width": "80px"}, tooltip="Show as"
        )
        self.order = _choice("Sort", [(words, name) for name, words in ORDER_WORDS.items()])
        self.camera = _choice("Camera", [ALL])
        self.day = _choice("Day", [ALL])
        self.quality = _choice("Quality", QUALITIES)
        self.opinion = _choice("Opinion", [(words, name) for name, words in OPINION_WORDS.items()])
        self.clear = button("Show all", self.listing.clear, label="Remove all filters")
        self.previous = button("Previous", lambda: self.listing.turn(-1), label="Previous page")
        self.next = button("Next", lambda: self.listing.turn(1), label="Next page")
        self.where = markup()
        filters = row(self.order, self.camera, self.day, self.quality, self.opinion)
        filters.add_class("sl-filters")
        pages = row(self.view, self.clear, self.where, self.previous, self.next)
        pages.add_class("sl-pages")
        self.compared = TriagePanel(self.comparison, self.listing)
        self.noted = NotesModel(model.installation, work=model.work)
        self.notes = NotesPanel(self.noted, model.zone)
        self.probe = markup()
        self.sorter = CardSorter(self.listing)
        self.seen: set[str] = set()  # tracklet_ids: compared since the search
        self.candidates = Cards(
            self.compared.compare, self.sorter.received, columns=COLUMNS, name="Table of candidates"
        )
        self.sorter.answer(self.candidates)
        self.candidates.add_class("sl-candidates")
        sorting = controls.HBox([pages, self.sorter.bar])
        sorting.add_class("sl-sorting")
        self.tools = controls.VBox([filters, sorting])
        self.body = controls.HBox([self.probe, self.candidates])
        self.body.add_class("sl-beside")
        self.outlook = Outlook(
            model.gallery,
            installation=model.installation,
            zone=model.zone,
            work=model.work,
            search=self._search_next,
        )
        super().__init__(
            [self.summary, *tools, self.compared, self.notes, self.outlook, self.tools, self.body]
        )
        self.add_class("sl-panel")
        self.add_class("sl-results")
        model.observe(self._look_out, ["selected", "result", "threshold"])
        for name in ("order", "camera", "day", "quality", "opinion"):
            traitlets.link((self.listing, name), (getattr(self, name), "value"))
        traitlets.link(
            (self.listing, "table"),
            (self.view, "value"),
            transform=(
                lambda table: TABLE_VIEW if table else CARD_VIEW,
                lambda view: view == TABLE_VIEW,
            ),
        )
        model.observe(self._summarise, ["result", "threshold", "is_stale"])
        model.observe(self._offer, ["result", "threshold"])
        model.observe(self._highlight, "selected")
        self.listing.observe(self._draw, ["candidates", "order", "page", "table"])
        self.triage.observe(self._draw, "opinions")
        self.comparison.observe(self._take_notes, "candidate")
        model.observe(self._take_notes, "result")
        self.noted.observe(self._draw, "found")
        self._take_notes()
        self._summarise()
        self._offer()
        self._draw()

    def _look_out(self, _: object = None) -> None:
        wanted = self.model.selected
        one = next((one for one in self.model.shown if one.tracklet_id == wanted), None)
        self.outlook.offer(self.model.result.case if self.model.result else "", one)

    def _search_next(self, cameras: Sequence[Camera], start: datetime, end: datetime) -> None:
        """Make cameras and a time the scope of the next question, which is not asked yet."""
        self.model.pick_cameras([one.camera_id for one in cameras])
        self.model.set_range(start, end)

    def _highlight(self, change: Any) -> None:
        self.candidates.selected = change["new"]
        if change["new"] not in self.seen | {""}:
            self.seen.add(change["new"])
            self._draw()
        if not change["new"]:  # the comparison was left: back to where it was opened
            self.candidates.focus_on(change["old"])

    def _take_notes(self, _: object = None) -> None:
        """Take the candidate that is compared for what is noted."""
        result, candidate = self.model.result, self.comparison.candidate
        self.noted.take(result.case if result else "", matters_of(candidate) if candidate else ())
        self.notes.layout.display = "" if candidate else "none"

    def _summarise(self, change: Any = None) -> None:
        result = self.model.result
        if change is not None and change["name"] == "result":
            self.seen = set()
        if result is None:
            self.summary.value = '<div role="status"></div>'
            return
        stale = (
            '<p class="sl-outdated">The question has changed since this search. '
            "Press Search to ask it again.</p>"
        )
        told = [*covered(result), *([] if self.model.shown else next_steps(self.model, result))]
        lines = [f"<p>{escaped(line)}</p>" for line in told]
        if result.missing is not None:  # in red, before all else
            lines.insert(0, f'<p class="sl-message">{escaped(result.missing.words)}</p>')
        title = f'<h2 class="sl-heading" tabindex="-1">{escaped(found(self.model))}</h2>'
        self.summary.value = (
            f'<div role="status">{title}'
            f"{stale if self.model.is_stale else ''}{''.join(lines)}</div>"
        )

    def _offer(self, _: object = None) -> None:
        """The cameras and days that can be chosen."""
        named = [(camera_name(one), one.camera_id) for one in self.listing.cameras()]
        days = [(f"{date.fromisoformat(day):%a %d %b %Y}", day) for day in self.listing.days()]
        for field, options in ((self.camera, named), (self.day, days)):
            options = [ALL, *options]
            if list(field.options) != options:
                kept = field.value
                field.options = options  # which chooses the first
                field.value = kept if kept in {value for _, value in options} else ""

    def _draw(self, _: object = None) -> None:
        listing = self.listing
        items = self.model.view(listing.page_items)  # which may drop the result
        result = self.model.result
        visible = "" if result and self.model.shown else "none"
        self.tools.layout.display = self.body.layout.display = visible
        self.clear.layout.display = "" if listing.narrowed else "none"
        cards = [
            {
                **card(one, listing),
                "seen": one.tracklet_id in self.seen,
                "noted": len(self.noted.found.about("candidate", one.tracklet_id)),
            }
            for one in items
        ]
        Media.of_kernel().send_ahead(str(one["picture"]) for one in cards)
        self.candidates.items = cards
        self.candidates.table = listing.table
        if result is None:
            self.probe.value = ""
            return
        self.previous.disabled = listing.page == 0
        self.next.disabled = listing.page >= listing.pages - 1
        several = "" if listing.pages > 1 else "none"
        self.previous.layout.display = self.next.layout.display = several
        self.where.value = (
            f'<span role="status" class="sl-hint">{escaped(whereabouts(listing))}</span>'
        )
        self.probe.value = _probe(result, self.model.standing)
        # A table needs the whole width.
        self.probe.layout.display = "none" if listing.table else ""


def whereabouts(listing: Listing) -> str:
    """Say which candidates are on the page, of how many, and how many are filtered out."""
    total, everyone = len(listing.candidates), len(listing.model.shown)
    first = listing.page * listing.size
    if not total:
        return f"The filters above hide all {count(everyone, 'candidate')}"
    left_out = f" ({everyone - total:,} left out)" if listing.narrowed else ""
    order = ORDER_WORDS[listing.order].lower()
    return f"{first + 1:,} to {first + len(listing.page_items):,} of {total:,}{left_out}, {order}"


def found(model: Investigation) -> str:
    """One sentence: how many candidates there are, and by what measure."""
    number = len(model.shown)
    if model.result is not None and model.result.missing is not None:
        return f"Incomplete answer: {count(number, 'candidate')} up to now"
    if model.result is not None and not model.result.coverage.recordings:
        return "No footage: nothing could be searched"
    if not number:
        return f"No candidate reaches the score {model.threshold:.2f}"
    compared = None if model.result is None else model.result.compared
    cut = cut_words(number, MOST_CANDIDATES, compared) if model.is_truncated else ""
    places = len({candidate.camera.camera_id for candidate in model.shown})
    words = f"{count(number, 'candidate')} at {count(places, 'camera')}"
    return f"The best {words}; {cut}" if cut else words


def next_steps(model: Investigation, result: SearchResult) -> list[str]:
    """Say how near the best score came, when there was no footage, and what to try, in lines.

    A score names no tracklet: nobody is shown, or told from others, below the minimum.
    """
    if result.missing is not None:  # nothing is said of what was not found
        return ["To try next: search again. Parts that have arrived meanwhile are faster then."]
    lines, windows = [], result.only.windows if result.only else None
    windows = windows or ((result.scope.start, result.scope.end),)
    compared = count(result.compared, "tracklet")
    if result.found:
        best = result.found[0].score
        lines.append(
            f"The best score among the {compared} is {best:.2f}, "
            f"{model.threshold - best:.2f} below the minimum."
        )
    if gaps := gap_words(model.gaps(result.cameras, windows), model.zone):
        lines.append(gaps)
    if result.found:
        lines.append(
            "To try next: photographs that are sharper or from another side; a wider district or "
            "time; or a lower minimum score, which brings more wrong faces."
        )
    else:
        lines.append("To try next: a wider district, or another time.")
    return lines


def covered(result: SearchResult) -> list[str]:
    """Describe what was searched and what could not be, a sentence each."""
    coverage = result.coverage
    placed = f"{count(coverage.cameras - coverage.unplaced, 'camera')} in the district"
    if coverage.unplaced:
        placed += f" and {coverage.unplaced:,} named by the case, whose place is not known"
    searched = (
        f"{placed}, {coverage.cameras_with_footage:,} with footage in this time "
        f"({length_words(round(coverage.footage_seconds))}). "
        f"{count(result.compared, 'tracklet')} compared"
    )
    if coverage.unsearchable:
        searched += f"; {coverage.unsearchable:,} more seen but not good enough to compare"
    lines = [f"{searched}.", *narrowed(result.only)]
    lines[:0] = result.notices[0 if result.missing is None else 1 :]
    without = coverage.cameras - coverage.cameras_with_footage
    if without:
        cameras = "1 camera has" if without == 1 else f"{without:,} cameras have"
        lines.append(f"{cameras} no footage in this time: people who passed there cannot be found.")
    lines += coverage.doubts()
    lines.append("Each candidate is a lead, never an identification.")
    return lines


def card(candidate: Candidate, listing: Listing) -> dict[str, object]:
    """Describe a candidate for its card or row; texts are plain, not HTML."""
    zone, one = listing.model.zone, candidate.camera
    verdict = listing.triage.verdict(candidate.tracklet_id)
    rank, name = listing.rank(candidate.tracklet_id), one.name or one.camera_id
    score = f"{candidate.score:.3f}"
    return {
        "id": candidate.tracklet_id,
        "rank": rank,
        "picture": address(candidate.shot_jpeg, standing=listing.model.standing),
        "score": score,
        "camera": name,
        "camera_id": one.camera_id,
        "clock": local_time(candidate.shot_time, zone, "%H:%M:%S"),
        "day": f"{candidate.shot_time.astimezone(zone):%a %d %b %Y}",
        "timing": candidate.time.mark,
        "note": candidate.time.remark(zone),
        "quality": quality_words(candidate.quality),
        "verdict": verdict,
        "opinion": WORDS.get(verdict, ""),
        "mark": MARKS.get(verdict, ""),
        "does": f"Compare candidate {rank}",
        "cells": [
            one.words(),
            [
                f"{candidate.first_seen.astimezone(zone):%a %d %b %Y}",
                local_time(candidate.first_seen, zone, "%H:%M:%S"),
                *filter(None, [candidate.time.mark]),
            ],
            local_time(candidate.last_seen, zone, "%H:%M:%S"),
            score,
            f"{candidate.quality:.2f}",
            None,
            candidate.recording,
        ],
    }


def _probe(result: SearchResult, standing: Standing | None) -> str:
    pictures = "".join(
        f'<img src="{address(one.jpeg, standing=standing)}" alt="{escaped(one.name)}">'
        for one in result.probe.photographs
    )
    photographs = count(len(result.probe.photographs), "photograph")
    return (
        f'<div class="sl-probe"><h3>Target</h3>{pictures}<p class="sl-hint">{photographs}</p></div>'
    )


def _choice(name: str, options: Sequence[Any]) -> Any:
    field = controls.Dropdown(
        options=options, description=name, style={"description_width": "auto"}
    )
    field.layout.width = "auto"
    return field

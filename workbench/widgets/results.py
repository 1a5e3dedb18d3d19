"""The answer: candidates beside the probe, as cards or as a table, page by page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import ipywidgets

from workbench.domain import Candidate
from workbench.investigation import SearchResult
from workbench.maps.zones import local_time
from workbench.widgets.hours import narrowed
from workbench.widgets.model import MOST_CANDIDATES, Investigation
from workbench.widgets.parts import (
    button,
    camera_name,
    count,
    data_uri,
    duration,
    escaped,
    markup,
    row,
)
from workbench.widgets.target import quality_words

CARDS, ROWS = 12, 50  # on a page
CARD_VIEW, TABLE_VIEW = "Cards", "Table"
WELCOME = (
    "<h2>Where was this person seen?</h2>"
    "<p>Answer the four steps on the left, then press <strong>Search</strong>. Candidates, a map "
    "and a timeline appear here.</p>"
    "<ol><li>Add a photograph of the target.</li><li>Draw the district on the map.</li>"
    "<li>Choose the time range.</li><li>Search.</li></ol>"
    "<p>Only cameras in the district are searched, and only in the time range. A candidate is a "
    "lead, never an identification: people decide, with more than this page to go by.</p>"
)


class ResultsPanel(ipywidgets.VBox):  # type: ignore[misc]
    """What was searched, and the candidates that reach the threshold."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.page = 0
        self.summary = markup("", "sl-summary")
        self.view = ipywidgets.ToggleButtons(
            options=[CARD_VIEW, TABLE_VIEW], style={"button_width": "80px"}, tooltip="Show as"
        )
        self.view.observe(self._first_page, "value")
        self.previous = button("Previous", lambda: self._turn(-1), label="Previous page")
        self.next = button("Next", lambda: self._turn(1), label="Next page")
        self.where = markup()
        self.tools = row(self.view, self.previous, self.where, self.next)
        self.probe = markup()
        self.candidates = markup("", "sl-candidates")
        self.body = ipywidgets.HBox([self.probe, self.candidates])
        self.body.add_class("sl-beside")
        super().__init__([self.summary, self.tools, self.body])
        self.add_class("sl-panel")
        self.add_class("sl-results")
        model.observe(self._first_page, ["result", "threshold"])
        model.observe(self._summarise, "outdated")
        model.observe(self._point_out, "selected")
        self._first_page()

    def _first_page(self, _: object = None) -> None:
        self.page = 0
        self._summarise()
        self._draw()

    def _point_out(self, _: object = None) -> None:
        """Turn to the page of the candidate that is pointed out."""
        ids = [candidate.tracklet_id for candidate in self.model.shown]
        if self.model.selected in ids:
            size = CARDS if self.view.value == CARD_VIEW else ROWS
            self.page = ids.index(self.model.selected) // size
        self._draw()

    def _turn(self, by: int) -> None:
        self.page += by
        self._draw()

    def _summarise(self, _: object = None) -> None:
        result = self.model.result
        if result is None:
            self.summary.value = f'<div class="sl-welcome">{WELCOME}</div>'
            return
        outdated = (
            '<p class="sl-outdated">The question has changed since this search. '
            "Press Search to ask it again.</p>"
        )
        lines = [f"<p>{escaped(line)}</p>" for line in covered(result)]
        self.summary.value = (
            f'<div role="status"><h2 class="sl-heading">{escaped(found(self.model))}</h2>'
            f"{outdated if self.model.outdated else ''}{''.join(lines)}</div>"
        )

    def _draw(self) -> None:
        result, shown = self.model.result, self.model.shown
        visible = "" if result and shown else "none"
        self.tools.layout.display = self.body.layout.display = visible
        if result is None or not shown:
            self.candidates.value = self.probe.value = ""
            return
        cards = self.view.value == CARD_VIEW
        size = CARDS if cards else ROWS
        pages = math.ceil(len(shown) / size)
        self.page = min(max(self.page, 0), pages - 1)
        first = self.page * size
        here = shown[first : first + size]
        self.model.view(here)
        self.previous.disabled, self.next.disabled = self.page == 0, self.page == pages - 1
        several = "" if pages > 1 else "none"
        self.previous.layout.display = self.next.layout.display = several
        self.where.value = (
            f'<span role="status" class="sl-hint">{first + 1:,} to {first + len(here):,} of '
            f"{len(shown):,}, best first</span>"
        )
        self.probe.value = _probe(result)
        self.probe.layout.display = "" if cards else "none"  # a table needs the whole width
        draw = _cards if cards else _table
        self.candidates.value = draw(here, first + 1, self.model)


def found(model: Investigation) -> str:
    """One sentence: how many candidates there are, and by what measure."""
    number = len(model.shown)
    if model.result is not None and not model.result.coverage.recordings:
        return "No footage: nothing could be searched"
    if not number:
        return f"No candidate reaches the score {model.threshold:.2f}"
    more = "the best " if model.cut and number == MOST_CANDIDATES else ""
    places = len({candidate.camera.camera_id for candidate in model.shown})
    return f"{more}{count(number, 'candidate')} at {count(places, 'camera')}"


def covered(result: SearchResult) -> list[str]:
    """What was searched and what could not be, so that no footage is not read as not seen."""
    coverage = result.coverage
    searched = (
        f"{count(coverage.cameras, 'camera')} in the district, "
        f"{coverage.cameras_with_footage:,} with footage in this time "
        f"({duration(coverage.footage_seconds)}). "
        f"{count(coverage.tracklets, 'person track')} compared"
    )
    if coverage.unsearchable:
        searched += f"; {coverage.unsearchable:,} more seen but not good enough to compare"
    lines = [f"{searched}.", *narrowed(result.only)]
    if result.training:
        lines.insert(0, "Training: nothing found here may be acted on.")
    without = coverage.cameras - coverage.cameras_with_footage
    if without:
        cameras = "1 camera has" if without == 1 else f"{without:,} cameras have"
        lines.append(f"{cameras} no footage in this time: who passed there cannot be found.")
    lines.append("Each candidate is a lead, never an identification.")
    return lines


def _probe(result: SearchResult) -> str:
    pictures = "".join(
        f'<img src="{data_uri(one.jpeg)}" alt="{escaped(one.name)}">'
        for one in result.probe.photographs
    )
    photographs = count(len(result.probe.photographs), "photograph")
    return (
        f'<div class="sl-probe"><h3>Target</h3>{pictures}<p class="sl-hint">{photographs}</p></div>'
    )


def _cards(candidates: Sequence[Candidate], first: int, model: Investigation) -> str:
    cards = "".join(_card(one, rank, model) for rank, one in enumerate(candidates, start=first))
    return f'<ol class="sl-grid" start="{first}">{cards}</ol>'


def _card(candidate: Candidate, rank: int, model: Investigation) -> str:
    clock = local_time(candidate.shot_time, model.zone, "%H:%M:%S")
    one = candidate.camera
    return (
        f'<li class="sl-card {_selected(candidate, model)}">'
        f'<img src="{data_uri(candidate.shot_jpeg)}" '
        f'alt="Candidate {rank}, {escaped(camera_name(one))}">'
        f'<div class="sl-card-text"><span class="sl-rank">{rank}</span>'
        f'<span class="sl-score"><small>score</small> {candidate.score:.3f}</span>'
        f"<strong>{escaped(one.name or one.camera_id)}</strong>"
        f'<span class="sl-hint">{escaped(one.camera_id)}</span><span>{escaped(clock)}</span>'
        f'<span class="sl-hint">{_day(candidate.shot_time, model.zone)}</span>'
        f'<span class="sl-hint">{quality_words(candidate.quality)} picture</span></div></li>'
    )


def _table(candidates: Sequence[Candidate], first: int, model: Investigation) -> str:
    rows = "".join(
        f'<tr class="{_selected(one, model)}"><td>{rank}</td>'
        f'<td><img src="{data_uri(one.shot_jpeg)}" alt=""></td>'
        f"<td>{escaped(camera_name(one.camera))}</td>"
        f"<td>{_day(one.first_seen, model.zone)}<br>"
        f"{escaped(local_time(one.first_seen, model.zone, '%H:%M:%S'))}</td>"
        f"<td>{escaped(local_time(one.last_seen, model.zone, '%H:%M:%S'))}</td>"
        f"<td>{one.score:.3f}</td><td>{one.quality:.2f}</td><td>{escaped(one.recording)}</td></tr>"
        for rank, one in enumerate(candidates, start=first)
    )
    columns = (
        "Rank", "Best shot", "Camera", "First seen", "Last seen", "Score", "Quality",
        "Recording",
    )  # fmt: skip
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return (
        f'<div class="sl-scroll" tabindex="0" role="region" aria-label="Table of candidates">'
        f'<table class="sl-table"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _day(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %d %b %Y}"


def _selected(candidate: Candidate, model: Investigation) -> str:
    return "sl-selected" if candidate.tracklet_id == model.selected else ""

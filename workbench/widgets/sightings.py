"""The page of a case's team: its confirmed sightings, to be read and not to be changed."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from traitlets import Instance, Tuple, Unicode

from workbench.casework.facts import notices_of
from workbench.casework.notes import THE_CASE, matters_of
from workbench.casework.reviewing.sightings import (
    ConfirmedSightings,
    Sighting,
    confirmed_sightings,
    readable_cases,
)
from workbench.casework.viewing import Watched, watched
from workbench.domain import Candidate
from workbench.domain.times import MINUTES, local_time
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import zone_of_cameras
from workbench.widgets.components import controls
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.exports import ExportBar
from workbench.widgets.components.header import PageHeader, case_asked
from workbench.widgets.components.mapframe import MapFrame
from workbench.widgets.components.media import Standing, address
from workbench.widgets.components.notes import NotesModel, NotesPanel, watched_table
from workbench.widgets.components.outlook import Outlook
from workbench.widgets.components.package import PackagePanel
from workbench.widgets.components.parts import (
    Panel,
    button,
    camera_name,
    count,
    escaped,
    heading,
    markup,
    message,
    panel,
    refusal,
    row,
)
from workbench.widgets.components.plot import Plot
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.whereabouts import Whereabouts
from workbench.widgets.components.work import Work, suitable_work

if TYPE_CHECKING:
    import pandas as pd

    from workbench.casework.cases import Case

COLUMNS = [
    "No.", "Best shot", "Camera", "First seen", "Last seen", "Confirmed by", "Confirmed at",
    "Recording",
]  # fmt: skip
MOST_ROWS = 200  # of the table; files hold all


class SightingsModel(Tasks):
    """View-model of the confirmed sightings in the cases that one may read.

    Problems are reported in ``messages``, under ``case``.

    >>> model = SightingsModel(Path("town.duckdb"))                            # doctest: +SKIP
    >>> model.choose("A-2026-117")                                       # doctest: +SKIP
    >>> model.found.sightings[0].confirmed_by                            # doctest: +SKIP
    """

    cases = Tuple(help="the cases that may be read, each a Case")
    case = Unicode(help="reference of the one that is shown; empty for none")
    found = Instance(
        ConfirmedSightings, allow_none=True, help="what is confirmed in it; None: not known yet"
    )
    watched = Instance(Watched, allow_none=True, help="what of its footage was shown")
    selected = Unicode(help="the tracklet_id of the sighting that is highlighted, or nothing")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo | None = None,
        work: Work | None = None,
    ) -> None:

        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        with installation.open_gallery(gallery) as opened:
            cameras = opened.cameras()
            self.footage: pd.DataFrame = opened.footage()
        self.zone = zone_of_cameras(cameras, override=zone)
        self.refresh()

    @property
    def chosen(self) -> Case | None:
        """The case that is shown."""
        return next((case for case in self.cases if case.reference == self.case), None)

    def refresh(self) -> None:
        """Look again which cases there are, and what is confirmed in the one that is shown."""
        self.cases = readable_cases(self.installation.register)
        known = [case.reference for case in self.cases]
        wanted = (
            self.case or self.installation.settings.case or (known[0] if len(known) == 1 else "")
        )
        self.choose(wanted if wanted in known else "")

    def take(self, reference: str) -> None:
        """Take the case that another page had chosen, if it may be read here."""
        if any(case.reference == reference for case in self.cases):
            self.choose(reference)

    def choose(self, reference: str) -> None:
        """Take a case, and fetch what is confirmed in it."""
        self.say("case")
        with self.hold_trait_notifications():
            self.case, self.found, self.watched, self.selected = reference, None, None, ""
        if not reference:
            return

        def job() -> tuple[ConfirmedSightings, Watched]:
            register = self.installation.register
            with self.installation.open_gallery(self.gallery) as gallery:
                found = confirmed_sightings(register, reference, gallery)
                return found, watched(register, reference, gallery)

        def done(found: tuple[ConfirmedSightings, Watched]) -> None:
            if self.case == reference:  # else another was chosen meanwhile
                with self.hold_trait_notifications():
                    self.found, self.watched = found

        self.do("case", "Fetching the sightings", job, done)

    def read_shown(self) -> None:
        """Read again what was shown of the footage: this page shows more of it."""
        reference = self.case

        def job() -> Watched:
            with self.installation.open_gallery(self.gallery) as gallery:
                return watched(self.installation.register, reference, gallery)

        def done(future: Future[Watched]) -> None:
            try:
                found = future.result()
            except SightlineError as error:
                self.say("case", str(error))
                return
            if self.case == reference:
                self.watched = found

        self.work.run(job, done)

    def select(self, tracklet_id: str) -> None:
        """Highlight a sighting; any other id changes nothing."""
        if any(one.tracklet_id == tracklet_id for one in self.candidates):
            self.selected = tracklet_id

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """In order of time."""
        return self.found.sightings if self.found else ()

    @property
    def provable(self) -> bool:
        """True where something is confirmed that a court package can show."""
        found = self.found
        return found is not None and not found.withheld and bool(found.sightings or found.gone)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates that the sightings confirm, in order of time."""
        return tuple(one.candidate for one in self.sightings)

    @property
    def standing(self) -> Standing:
        """Question that is asked each time before the browser gets anything of the case."""
        register = self.installation.register
        return Standing(type(register).case, (register, self.case))

    @property
    def whereabouts(self) -> Whereabouts | None:
        """Whereabouts for map and files; None where nothing is confirmed."""
        case = self.chosen
        if case is None or not self.sightings:
            return None
        sure = frozenset(one.tracklet_id for one in self.candidates)
        return Whereabouts(case.reference, self.candidates, sure, (), case.scope, self.zone,
                           self.installation.settings,
                           notices_of(case, zone=self.zone))  # fmt: skip


def sightings(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import sightings
    >>> sightings("town.duckdb")                                         # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        settings = installation.settings
        path = Path(gallery_path) if gallery_path else settings.gallery_file
        model = SightingsModel(
            path, installation=installation, zone=settings.zone, work=suitable_work()
        )
        model.take(case_asked())
        return SightingsPage(model)
    except SightlineError as error:
        return refusal("No sightings can be shown", error)


class SightingsPage(Panel):
    """Choose a case; map, timeline and table of what is confirmed in it."""

    def __init__(self, model: SightingsModel) -> None:
        self.model = model
        self.choice = controls.Dropdown(
            layout={"flex": "0 1 420px"}, tooltip="The case whose sightings are shown"
        )
        self.status, self.route, self.more = markup(), markup(), markup()
        self.table = Cards(model.select, table=True, columns=COLUMNS, name="Table of sightings")
        self.map = MapFrame(title="Map of the confirmed sightings")
        self.plot = Plot(lambda tracklet_id: model.select(str(tracklet_id)))
        self.exports = ExportBar(
            model.installation.register,
            lambda: model.whereabouts,
            lambda words: model.say("files", words),
        )
        if not model.installation.register.me.may("evidence.export"):
            self.exports.layout.display = "none"
        self.noted = NotesModel(model.installation, whole=True, work=model.work)
        self.watched = markup()
        self.beside = controls.VBox(
            [
                panel(heading("Notes and markers"), NotesPanel(self.noted, model.zone)),
                panel(heading("Footage shown"), self.watched),
            ]
        )
        self.outlook = Outlook(
            model.gallery, installation=model.installation, zone=model.zone, work=model.work
        )
        self.answer = controls.VBox(
            [
                panel(
                    row(heading("Where"), self.exports),
                    message(model, "files"),
                    self.route,
                    self.map,
                ),
                panel(heading("When"), self.plot),
                panel(heading("Sightings"), self.table, self.more, self.outlook),
            ]
        )
        head = panel(
            row(
                heading("Confirmed sightings"),
                self.choice,
                button("Refresh", model.refresh, label="Load new decisions"),
            ),
            message(model, "case"),
            self.status,
        )
        self.package = PackagePanel(
            model,
            installation=model.installation,
            gallery=model.gallery,
            zone=model.zone,
            chosen=lambda: model.chosen if model.provable else None,
        )
        header = PageHeader(model.installation, model)
        super().__init__([head, self.answer, self.package, self.beside, header])
        for box in (self, self.answer, self.beside):
            box.add_class("sl-board")
        self.add_class("sl-whole")
        self.add_class("sl-sightings-page")
        self.answer.add_class("sl-sightings-answer")
        self._drawing = False
        self.choice.observe(self._on_choose, "value")
        model.observe(self._offer, ["cases", "case"])
        model.observe(self._draw, ["case", "found", "state"])
        model.observe(self._draw_shown, "watched")
        self.outlook.watching.observe(lambda _: model.read_shown(), "shown")
        model.observe(self._highlight, "selected")
        self.map.observe(lambda change: model.select(change["new"]), "selected")
        self._offer()
        self._draw_shown()
        self._draw()

    def _on_choose(self, change: Any) -> None:
        if not self._drawing:
            self.model.choose(change["new"] or "")

    def _offer(self, _: object = None) -> None:
        self._drawing = True
        try:
            options = [(_label(case), case.reference) for case in self.model.cases]
            self.choice.options = [("Choose a case…", ""), *options]
            known = {case.reference for case in self.model.cases}
            self.choice.value = self.model.case if self.model.case in known else ""
        finally:
            self._drawing = False

    def _draw(self, _: object = None) -> None:
        model = self.model
        self.status.value = f'<div role="status">{_status(model)}</div>'
        shown = model.whereabouts
        self.answer.layout.display = "" if shown else "none"
        self.beside.layout.display = "" if model.found else "none"
        self._take_notes()
        if shown is None:
            self.map.page = ""
            return
        model.say("files")
        self.route.value, self.map.standing = shown.route(), model.standing
        try:
            self.map.page = shown.page()
        except SightlineError as error:
            model.say("files", str(error))
        self.table.items = [
            _row(number, one, model)
            for number, one in enumerate(model.sightings[:MOST_ROWS], start=1)
        ]
        more = len(model.sightings) - MOST_ROWS
        self.more.value = (
            f'<p class="sl-hint">{more:,} more are in the files.</p>' if more > 0 else ""
        )
        self._highlight()

    def _draw_shown(self, _: object = None) -> None:
        model = self.model
        self.watched.value = watched_table(model.watched, model.zone) if model.watched else ""

    def _take_notes(self) -> None:
        """Take the case, and the sighting that is selected, for what is noted."""
        model = self.model
        chosen = next((c for c in model.candidates if c.tracklet_id == model.selected), None)
        self.noted.take(model.case, [*([] if chosen is None else matters_of(chosen)), THE_CASE])

    def _highlight(self, _: object = None) -> None:
        """Highlight the selected sighting in timeline, table and map."""
        from workbench.maps.timeline import timeline

        model = self.model
        self._take_notes()
        self.map.selected = self.table.selected = model.selected
        chosen = (one for one in model.candidates if one.tracklet_id == model.selected)
        # Footage is looked at, and people are followed, under an open case alone.
        goes_on = model.chosen is not None and model.chosen.status() == "open"
        self.outlook.offer(model.case, next(chosen, None) if goes_on else None)
        seen = {candidate.camera.camera_id for candidate in model.candidates}
        footage = model.footage[model.footage["camera_id"].isin(seen)]
        self.plot.draw(
            timeline(
                model.candidates,
                zone=model.zone,
                coverage=footage,
                selected=model.selected or None,
                noun="sighting",
            )
        )


def _label(case: Case) -> str:
    title = f"{case.reference}: {case.request.title}" if case.request.title else case.reference
    return f"{title} ({case.status()})"


def _status(model: SightingsModel) -> str:
    """Describe the case and how much is confirmed in it."""
    if not model.cases:
        return '<p class="sl-hint">There are no cases that you may read.</p>'
    case, found = model.chosen, model.found
    if case is None:
        return '<p class="sl-hint">Choose a case to see where its subject was seen.</p>'
    notices = "".join(
        f'<p class="sl-message" role="note">{escaped(notice)}</p>'
        for notice in notices_of(case, zone=model.zone)
    )
    if found is None:
        words = f"{model.doing}…" if model.doing else "Its sightings are not shown."
        return f'{notices}<p class="sl-hint">{escaped(words)}</p>'
    places = len({candidate.camera.camera_id for candidate in model.candidates})
    number = len(found.sightings)
    words = f"<strong>{count(number, 'confirmed sighting')}</strong> at {count(places, 'camera')}."
    if not number and case.status() != "open":
        words = "<strong>Nothing was confirmed in this case.</strong>"
    elif not number:
        words = "<strong>Nothing is confirmed in this case yet.</strong> "
        words += "A candidate becomes a sighting when two people confirm it on the Review page."
    if found.withheld:
        words = "<strong>Nothing is shown yet: faces of this case wait for decisions.</strong> "
        words += "People who may decide on them see its sightings when the review is over."
    gone = ""
    if found.gone:
        gone = f"{count(found.gone, 'confirmed sighting')} more, no longer in this gallery."
    request = case.request
    when = (local_time(moment, model.zone, MINUTES) for moment in (request.start, request.end))
    scope = f"{request.district.name}, {' to '.join(when)}."
    return f'{notices}<p>{words} {escaped(gone)}</p><p class="sl-hint">{escaped(scope)}</p>'


def _row(number: int, sighting: Sighting, model: SightingsModel) -> dict[str, object]:
    one = sighting.candidate
    return {
        "id": one.tracklet_id,
        "rank": number,
        "picture": address(one.shot_jpeg, standing=model.standing),
        "does": f"Show sighting {number}",
        "note": one.time.remark(model.zone),
        "cells": [
            camera_name(one.camera),
            [*_lines(one.first_seen, model.zone), *filter(None, [one.time.mark])],
            _lines(one.last_seen, model.zone),
            ", ".join(sighting.confirmed_by),
            _lines(sighting.confirmed_at, model.zone),
            one.recording,
        ],
    }


def _lines(moment: datetime, zone: ZoneInfo) -> list[str]:
    """Day and time, on lines of their own that no narrow table breaks."""
    return local_time(moment, zone).split(", ")

"""Map of the candidates and of the case's confirmed sightings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.casework.reviewing.reviewlist import sightings
from workbench.casework.reviewing.sightings import confirmed_sightings
from workbench.domain import Candidate
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.widgets.components.cameranotes import CameraNotes
from workbench.widgets.components.exports import ExportBar
from workbench.widgets.components.mapframe import MapFrame
from workbench.widgets.components.notes import NotesModel
from workbench.widgets.components.parts import Panel, button, heading, markup, message, row
from workbench.widgets.components.whereabouts import Whereabouts
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions


class SightingsPanel(Panel):
    """A Folium map of the candidates that are shown and of the case's confirmed sightings."""

    def __init__(self, model: Investigation, triage: TriageOpinions | None = None) -> None:
        self.model, self.triage = model, triage or TriageOpinions(model)
        self.shown: Whereabouts | None = None
        self._sure: dict[str, Candidate] = {}
        self.map = MapFrame(title="Map of the candidates", pictures_of=self._pictures)
        self.exports = ExportBar(
            model.installation.register, lambda: self.shown, lambda words: model.say("map", words)
        )
        self.route = markup()
        self.noted = NotesModel(model.installation, work=model.work)
        self.notes = CameraNotes(self.noted, model.zone)
        again = button("Refresh", self._ask, label="Load newly confirmed sightings")
        super().__init__(
            [
                row(heading("Where"), again, self.exports),
                message(model, "map"),
                self.route,
                self.map,
                self.notes,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-sightings")
        model.observe(self._ask, "result")
        model.observe(self._draw, "threshold")
        self.triage.observe(self._draw, "opinions")
        model.observe(self._highlight, "selected")
        self.map.observe(self._on_select, "selected")
        self._counts = self.notes.counts
        self._ask()
        self.noted.observe(self._mark, "found")

    def _highlight(self, _: object = None) -> None:
        """Have the map highlight what is selected elsewhere, without drawing it again."""
        self.map.selected = self.model.selected

    def _on_select(self, change: Any) -> None:
        if any(candidate.tracklet_id == change["new"] for candidate in self.model.shown):
            self.model.selected = change["new"]

    def _pictures(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Best shots of those of some ids that are on the map now; showing them is on record."""
        asked = {*ids}
        seen = self.model.view([one for one in self.model.shown if one.tracklet_id in asked])
        sure = [one for name, one in self._sure.items() if name in asked]  # recorded when read
        return {one.tracklet_id: one.shot_jpeg for one in (*sure, *seen)}

    def _ask(self, _: object = None) -> None:
        """Ask what is confirmed in the case; not each time that the threshold moves."""
        self._sure, result = {}, self.model.result
        self.model.say("map")
        self.notes.offer(result.case if result else "", result.cameras if result else ())
        if self.model.result is not None:
            try:
                self._sure = confirmed(
                    self.model.installation, self.model.gallery, self.model.result.case
                )
            except SightlineError as error:
                self.model.say("map", str(error))
        self._draw()

    def _mark(self, _: object = None) -> None:
        """Draw the map again where other cameras have notes than it tells."""
        if self.notes.counts != self._counts:
            self._draw()

    def _draw(self, _: object = None) -> None:
        result = self.model.result
        self.layout.display = "none" if result is None else ""
        if result is None:
            self.map.page, self._sure, self.shown = "", {}, None
            return
        shown = {candidate.tracklet_id: candidate for candidate in self.model.shown}
        self._counts = self.notes.counts
        self.shown = Whereabouts(
            case=result.case,
            candidates=tuple((self._sure | shown).values()),
            confirmed=frozenset(self._sure),
            cameras=tuple(result.cameras),
            scope=result.scope,
            zone=self.model.zone,
            settings=self.model.installation.settings,
            notices=result.notices,
            rejected=frozenset(
                name for name, one in self.triage.opinions.items() if one.verdict == "different"
            ).intersection(shown),
            threshold=self.model.threshold_shown,
            noted=self._counts,
            missing=result.missing,
        )
        self.route.value = self.shown.route()
        self.map.standing = self.model.standing
        try:
            self.map.page = self.shown.page(pictures=False)
        except SightlineError as error:
            self.model.say("map", str(error))


def confirmed(
    installation: Installation, gallery_path: Path, reference: str
) -> dict[str, Candidate]:
    """Confirmed sightings of a case by tracklet_id, among its present candidates or not.

    Raises what :func:`workbench.casework.reviewing.sightings.confirmed_sightings` raises.
    """
    register = installation.register
    if not sightings(register, reference):  # so that a large gallery is not opened for nothing
        return {}
    with installation.open_gallery(gallery_path) as gallery:
        found = confirmed_sightings(register, reference, gallery)
    return {one.candidate.tracklet_id: one.candidate for one in found.sightings}

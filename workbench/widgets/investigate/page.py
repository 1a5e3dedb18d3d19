"""The page of an investigation: the question with a large map, then the answer in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traitlets import Bool, observe

from workbench.domain.times import MINUTES, local_time
from workbench.errors import GalleryError, SightlineError
from workbench.installation import Installation
from workbench.investigation import SearchResult
from workbench.widgets.components import controls
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.components.guide import Guide
from workbench.widgets.components.header import PageHeader, case_asked
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    markup,
    message,
    refusal,
    row,
)
from workbench.widgets.components.tasks import SEARCHING
from workbench.widgets.components.timerange import TimePanel
from workbench.widgets.components.work import suitable_work
from workbench.widgets.investigate.case import CasePanel
from workbench.widgets.investigate.draft import DraftPanel
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.map import SightingsPanel
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions
from workbench.widgets.investigate.results import ResultsPanel
from workbench.widgets.investigate.search import SearchPanel
from workbench.widgets.investigate.target import SearchTargetPanel
from workbench.widgets.investigate.timeline import TimelinePanel

FIELDS = ("case", "target", "time", "hours", "district", "search")  # in the order of the page


def investigate(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import investigate
    >>> investigate("town.duckdb")                                      # doctest: +SKIP

    Parameters
    ----------
    gallery_path : Path or str, optional
        The gallery to ask; by default that of the settings. Where it cannot be used, the page
        says so.
    installation : Installation, optional
        Whose cases and models to use; by default the one of the environment.
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        settings = installation.settings
        path = Path(gallery_path) if gallery_path else settings.gallery_file
        model = Investigation(
            path, installation=installation, zone=settings.zone, work=suitable_work()
        )
        if model.unplaced and not model.cameras:
            raise GalleryError(
                "no camera has a place, so there is nothing to draw a district around",
                where=str(path),
                fix="Search on the command line, under a case that names the cameras",
            )
        if not model.cameras:
            raise GalleryError(
                "no camera has been added yet",
                where=str(path),
                fix="Index footage first, with the command sightline index",
            )
    except SightlineError as error:
        return refusal("Nothing can be searched", error)
    model.load_models()
    model.take_case(case_asked())
    return page(model)


def page(model: Investigation) -> Any:
    """The panels of an investigation, laid out."""
    return InvestigatePage(model)


class InvestigatePage(Panel):
    """The question with a large map; after a search one line of it, and the answer.

    Who presses *Search* is led to what came of it: the answer, or the field that stands in the way.
    """

    folded = Bool(help="the question is one line, and the answer has the page")

    def __init__(self, model: Investigation) -> None:
        self.model, self.guide = model, Guide()
        self._pressed = False
        case, target = CasePanel(model), SearchTargetPanel(model, step=1)
        self.search = SearchPanel(model, self.press)
        self.asked = markup("", "sl-asked-words")
        self.line = row(
            self.asked,
            button("Change the question", self.change, label="Show the question and its map"),
            target.shot,
        )
        # They take an answer in this order: the candidates; which part of the page is shown, as map
        # and timeline are to be drawn at their final width; the map, whose frame takes longest.
        listing = Listing(model, TriageOpinions(model))
        model.observe(self._fold, "result")
        self.places = SightingsPanel(model, listing.triage)
        self.results = ResultsPanel(model, case.reviewing, listing=listing)
        self.timeline = TimelinePanel(model, listing.triage)
        draft = DraftPanel(model, listing)
        steps = controls.VBox([case, draft, target, TimePanel(model, step=2), self.search.about])
        self.question = controls.HBox([steps, DistrictPanel(model, step=3)])
        places = controls.VBox([self.places, self.timeline])
        answer = controls.HBox([self.results, places])
        notice = controls.VBox([message(model, "search")])
        for part, name in (
            (self.line, "asked"), (steps, "steps"), (self.question, "asking-pane"),
            (places, "places"), (answer, "answer-pane"), (notice, "notice"),
        ):  # fmt: skip
            part.add_class(f"sl-{name}")
        header = PageHeader(model.installation, model)
        super().__init__(
            [self.line, notice, self.question, answer, self.search, self.guide, header]
        )
        for name in ("sl-whole", "sl-investigate"):
            self.add_class(name)
        model.observe(self._on_result, "result")
        model.observe(self._on_messages, ["messages", "state"])
        self._fold()
        self._on_result()

    def press(self) -> None:
        """Ask the question, and lead to what comes of it."""
        self._pressed = True
        self.model.search()
        self._on_messages()

    def change(self) -> None:
        """Show the question again, to change it."""
        self.folded = False
        self.guide.lead(".sl-asking-pane", focus=".sl-steps select, .sl-steps input")

    @observe("folded")
    def _lay_out(self, _: object = None) -> None:
        self.question.layout.display = "none" if self.folded else ""
        self.line.layout.display = "" if self.folded else "none"
        self.results.layout.display = "none" if self.model.result is None else ""
        (self.add_class if self.folded else self.remove_class)("sl-answered")

    def _fold(self, _: object = None) -> None:
        self.folded = self.model.result is not None
        self._lay_out()

    def _on_result(self, _: object = None) -> None:
        result = self.model.result
        if result is None:
            return
        words = escaped(asked_words(result, self.model))
        self.asked.value = f'<p title="{words}">{words}</p>'
        self._pressed = False
        self.guide.lead(".sl-asked", focus=".sl-summary h2")

    def _on_messages(self, _: object = None) -> None:
        """Lead to the first field in the way, once it is clear that nothing was found."""
        if not self._pressed or self.model.state == SEARCHING:
            return
        wrong = next((name for name in FIELDS if name in self.model.messages), None)
        if wrong is None:
            return
        self._pressed = False
        if wrong != "search":
            self.folded = False
        unclear = wrong == "target" and any(u.photograph is None for u in self.model.uploads)
        focus = ".sl-choose button" if unclear else ""
        self.guide.lead(f'[data-field="{wrong}"] .sl-message', focus=focus)


def asked_words(result: SearchResult, model: Investigation) -> str:
    """Say in a line what was asked: photographs, district, time and case."""
    start, end = (
        local_time(moment, model.zone, MINUTES) for moment in (result.scope.start, result.scope.end)
    )
    photographs = count(len(result.probe.photographs), "photograph")
    return f"{photographs} · {result.scope.district.name} · {start} to {end} · case {result.case}"

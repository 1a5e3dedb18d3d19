"""Sorting many candidates at once, from their cards: with keys, or several together."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.casework.reviewing.triage import (
    TRIAGE_VERDICTS,
    TriageVerdict,
    may_see_clip,
    record_clip,
    shots_of,
)
from workbench.domain import Candidate
from workbench.errors import SightlineError
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.parts import button, count, escaped, markup, row
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.opinions import MARKS, WORDS

if TYPE_CHECKING:
    from workbench.faces.clips import Clip

MOST_SHOTS = 6  # of a tracklet, on a card


class CardSorter:
    """Answers the cards, and holds the buttons for several of them: ``bar``."""

    def __init__(self, listing: Listing) -> None:
        self.listing, self.model, self.triage = listing, listing.model, listing.triage
        self.cards: Cards | None = None
        self.words = markup()
        self.together = [
            button(f"{MARKS[verdict]} {WORDS[verdict]}", partial(self._sort_chosen, verdict))
            for verdict in TRIAGE_VERDICTS
        ]
        self.none = button("Choose none", self._choose_none)
        self.rest = button(
            "Not same: the rest of this page",
            self._sort_rest,
            label="Record “not same” for all on this page that have no opinion yet",
        )
        self.bar = row(*self.together, self.none, self.rest, self.words)
        listing.observe(self._draw, ["candidates", "page"])
        self.triage.observe(self._draw, ["opinions", "status", "problem"])
        self.model.observe(self._choose_none, "result")

    def answer(self, cards: Cards) -> None:
        """Keep the cards that are answered."""
        self.cards = cards
        self._draw()

    def received(self, message: dict[str, Any]) -> None:
        """Do what a card asks; what comes may be anything."""
        names = {one.tracklet_id: one for one in self.listing.page_items}
        verdict = next((v for v in TRIAGE_VERDICTS if v == message.get("verdict")), None)
        if verdict is not None and message.get("id") in names:
            following = self.listing.neighbour(message["id"], 1)
            if self.triage.record(message["id"], verdict):
                self._focus(following)
        elif message.get("choose") in names:
            self._choose(message["choose"])
        elif message.get("strip") in names:
            self._show_shots(names[message["strip"]])
        elif message.get("clip") in names:
            self._show_clip(names[message["clip"]])
        elif message.get("turn") in (1, -1):
            self.listing.turn(message["turn"])
            self._focus(next((one.tracklet_id for one in self.listing.page_items), ""))
        elif message.get("undo"):
            self._focus(self.triage.undo())

    def _focus(self, tracklet_id: str) -> None:
        if self.cards is not None and tracklet_id:
            self.cards.focus_on(tracklet_id)

    def _choose(self, tracklet_id: str) -> None:
        assert self.cards is not None
        chosen = [one for one in self.cards.chosen if one != tracklet_id]
        self.cards.chosen = [*chosen, tracklet_id] if chosen == self.cards.chosen else chosen
        self._draw()

    def _choose_none(self, _: object = None) -> None:
        if self.cards is not None:
            self.cards.chosen = []
        self._draw()

    def _sort_chosen(self, verdict: TriageVerdict) -> None:
        chosen = self.cards.chosen if self.cards is not None else []
        self._sort(list(chosen), verdict)
        self._choose_none()

    def _sort_rest(self) -> None:
        without = [
            one.tracklet_id
            for one in self.listing.page_items
            if not self.triage.verdict(one.tracklet_id)
        ]
        self._sort(without, "different")

    def _sort(self, names: list[str], verdict: TriageVerdict) -> None:
        """Record an opinion on each, one entry each; stop where one cannot be recorded."""
        for name in names:
            if not self.triage.record(name, verdict):
                return

    def _show_shots(self, candidate: Candidate) -> None:
        """Send the stored shots of a candidate whose showing is on record."""
        result, register = self.model.result, self.model.installation.register
        if result is None or not self.model.view([candidate]):
            return

        def job() -> list[bytes]:
            with self.model.installation.open_gallery(self.model.gallery) as gallery:
                shots = shots_of(register, result.case, candidate, gallery)[:MOST_SHOTS]
            return [shot.jpeg for shot in sorted(shots, key=lambda one: one.time)]

        def done(future: Future[list[bytes]]) -> None:
            try:
                jpegs = future.result()
            except SightlineError as error:
                self.triage.problem = str(error)
                return
            shown = {one.tracklet_id for one in self.model.shown}
            if self.cards is not None and candidate.tracklet_id in shown:
                self.cards.show_shots(candidate.tracklet_id, jpegs)

        self.model.work.run(job, done)  # no work that the page reports

    def _show_clip(self, candidate: Candidate) -> None:
        """Cut the seconds around a candidate, put it on record, and let its card play them."""
        model, cards, result = self.model, self.cards, self.model.result
        if cards is None or result is None or not model.view([candidate]):
            return
        name, case = candidate.tracklet_id, result.case
        register = model.installation.register

        def job() -> Clip:
            may_see_clip(register, case, candidate)
            models = model.installation.load_models(model.profile)
            shown = register.case(case)
            return model.installation.cut_clip(model.gallery, candidate, shown, of=models)

        def done(future: Future[Clip]) -> None:
            if model.result is not result:
                return
            try:
                clip = future.result()
                record_clip(register, case, candidate, clip)
            except SightlineError as error:
                cards.refuse_clip(name, str(error))
            else:
                best = candidate.shot_seconds - clip.start
                cards.show_clip(name, clip.film, best=best, standing=model.standing)

        model.work.run(job, done)

    def _draw(self, _: object = None) -> None:
        chosen = self.cards.chosen if self.cards is not None else []
        known = {one.tracklet_id for one in self.listing.candidates}
        if self.cards is not None and not known.issuperset(chosen):
            self.cards.chosen = chosen = [one for one in chosen if one in known]
        for widget in (*self.together, self.none):
            widget.layout.display = "" if chosen else "none"
        without = [o for o in self.listing.page_items if not self.triage.verdict(o.tracklet_id)]
        self.rest.layout.display = "" if without and not chosen else "none"
        words = [count(len(chosen), "candidate") + " chosen." if chosen else ""]
        words += [self.triage.problem or self.triage.status]
        self.words.value = (
            f'<span role="status" class="sl-hint">{escaped(" ".join(filter(None, words)))}</span>'
        )

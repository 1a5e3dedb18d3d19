"""The question kept between two openings of the page: offered, brought back, or deleted."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from traitlets import HasTraits, Instance, TraitError, Unicode

from workbench import district as districts
from workbench.casework.drafts import (
    Draft,
    delete_draft,
    keep_draft,
    read_drafts,
    read_photographs,
)
from workbench.domain import parse_time
from workbench.errors import CaseError, SightlineError
from workbench.maps.zones import local_time
from workbench.widgets.components.hours import WeeklyHours
from workbench.widgets.components.parts import Panel, button, count, escaped, markup, message, row
from workbench.widgets.components.tasks import LOADING
from workbench.widgets.investigate.listing import VIEW, Listing
from workbench.widgets.investigate.model import Investigation

QUESTION = [
    "uploads",
    "district",
    "selected_cameras",
    "start",
    "end",
    "hours",
    "threshold",
    "scale",
]


class DraftStore(HasTraits):
    """Keeps the question of an investigation under its case, for the person at work.

    With it goes how the candidates are listed, which comes back once the same question is answered.

    What another page has saved is offered, the newest first, and stays until it is restored or
    deleted: another page of the same person may be open.
    """

    offer = Instance(
        Draft, allow_none=True, help="the newest question that another page of theirs has saved"
    )
    status = Unicode(help="what became of it, in a sentence")

    def __init__(self, model: Investigation, listing: Listing) -> None:
        super().__init__()
        self.model, self.listing = model, listing
        self._register = model.installation.register
        self._page, self._restoring = uuid.uuid4().hex, False
        self._restored: Draft | None = None
        self._kept: object = None  # what is on disk of this page
        self._awaited: Mapping[str, Any] | None = None  # the question restored, until its answer
        self._look()
        model.observe(self._look, "case")
        model.observe(self._list_again, "result")  # after the list has taken it, and begun anew
        model.observe(self._keep, [*QUESTION, "state", "is_stale", "result"])
        listing.observe(self._keep, list(VIEW))

    def restore(self, *, search: bool = False) -> None:
        """Bring back the question that is offered, and with *search* ask it."""
        draft, model = self.offer, self.model
        if draft is None:
            return
        try:
            photographs = read_photographs(self._register, draft)
        except SightlineError as error:
            model.say("draft", str(error))
            return
        self.offer, self._restoring = None, True
        try:
            model.case = draft.case
            model.uploads = ()
            parts = _bring_back(model, draft, photographs)
            when = local_time(draft.saved_at, model.zone, "%d %b %H:%M")
            self.status = f"Restored from {when}: {', '.join(parts) or 'nothing'}."
            if not _is_on_scale(model, draft.question):
                self.status += (
                    f" The minimum score {draft.question['threshold']:.2f} was not "
                    "restored: it is on another scale than scores are now."
                )
            if parts and not search:
                self.status += " Nothing has been searched: press Search to ask again."
        except (KeyError, TypeError, ValueError, AttributeError, SightlineError) as error:
            model.say("draft", f"The question could not be restored completely ({error}).")
            return
        finally:
            self._restoring = False
        self._restored, self._awaited = draft, draft.question
        self._keep()
        if search:  # once its photographs have been read, which is done before
            model.work.run(lambda: None, lambda _: model.search())

    def discard(self) -> None:
        """Delete the question that is offered, its photographs too."""
        draft, self.offer = self.offer, None
        if draft is not None:
            self._try(lambda: delete_draft(self._register, draft.case, draft.page))
            self._look()
            self.status = "Deleted."

    def _look(self, _: object = None) -> None:
        """See whether something is kept under the case, or, with none chosen, the newest of all."""
        if self._restoring:
            return
        self.model.say("draft")
        self.offer, self.status = None, ""
        cases = [self.model.case] if self.model.case else [c.reference for c in self.model.cases]
        drafts = []
        for case in cases:
            self._try(lambda case=case: drafts.extend(read_drafts(self._register, case)))
        others = (draft for draft in drafts if draft.page != self._page)
        self.offer = max(others, key=lambda draft: draft.saved_at, default=None)

    def _list_again(self, _: object = None) -> None:
        """List the answer to a question that was restored as it was listed before."""
        if self.model.result is None:
            return
        awaited, self._awaited = self._awaited, None
        if awaited is None or not _is_same(awaited, self.model):
            return
        try:
            self.listing.show_as(awaited["view"])
        except (KeyError, TypeError, AttributeError, TraitError) as error:
            self.model.say("draft", f"The list could not be sorted as it was ({error}).")

    def _keep(self, _: object = None) -> None:
        model = self.model
        # While photographs are read the question is not whole.
        if self._restoring or not model.case or model.state == LOADING:
            return
        if self.offer is not None:
            if not model.uploads:
                return
            self.offer = None  # another question has been begun; this one stays
        if not model.uploads and model.district is None:
            self._kept = None
            self._try(lambda: delete_draft(self._register, model.case, self._page))
            return
        contents = [upload.content for upload in model.uploads if upload.content]
        awaited, restored = self._awaited, self._restored
        view = awaited.get("view") if awaited and _is_same(awaited, model) else self.listing.view()
        question = {**written(model), "view": view}
        this = model.case, question  # which names its photographs by their content
        if this == self._kept and restored is None:
            return

        def keep() -> None:
            keep_draft(self._register, model.case, question, contents, page=self._page)
            self._kept = this
            if restored is not None:  # it is kept under this page now
                delete_draft(self._register, restored.case, restored.page)
                self._restored = None

        self._try(keep)

    def _try(self, do: Any) -> None:
        try:
            do()
        except SightlineError as error:
            self.model.say("draft", str(error))


class DraftPanel(Panel):
    """Offers the saved question, and says what became of it."""

    def __init__(self, model: Investigation, listing: Listing) -> None:
        self.store = DraftStore(model, listing)
        self.words = markup()
        self.again = button(
            "Restore and search", lambda: self.store.restore(search=True),
            label="Restore it, and search again as before",
        )  # fmt: skip
        self.choice = row(
            button("Restore", self.store.restore, style="primary"),
            self.again,
            button("Delete it", self.store.discard, label="Delete it with its photographs"),
        )
        super().__init__([self.words, self.choice, message(model, "draft")])
        self.add_class("sl-draft")
        self.store.observe(self._draw, ["offer", "status"])
        self._draw()

    def _draw(self, _: object = None) -> None:
        draft = self.store.offer
        self.choice.layout.display = "none" if draft is None else ""
        words = self.store.status
        if draft is not None:
            when = local_time(draft.saved_at, self.store.model.zone, "%d %b %H:%M")
            held = ", ".join(_parts(draft.question)) or "nothing"
            words = f"Your question under {draft.case} from {when} was saved: {held}."
            if draft.question.get("answered"):
                words += (
                    " It had been searched; opinions and the review list are as you left them, and "
                    "the candidates will be sorted and filtered as they were."
                )
        answered = draft is not None and bool(draft.question.get("answered"))
        self.again.layout.display = "" if answered else "none"
        kind = "sl-note-draft" if words else ""
        self.words.value = f'<div role="status" class="{kind}">{escaped(words)}</div>'


def written(model: Investigation) -> dict[str, Any]:
    """The question as JSON can hold it: photographs by SHA-256, best shots by their tracklet."""
    photographs = []
    for upload in model.uploads:
        about: dict[str, Any] = {"name": upload.found.name, "used": upload.used}
        if upload.tracklet_id:
            about["tracklet"] = upload.tracklet_id
        else:
            about["sha256"] = hashlib.sha256(upload.content).hexdigest()
            about["chosen"] = upload.chosen
        photographs.append(about)
    district, hours = model.district, model.hours
    return {
        "photographs": photographs,
        "district": districts.to_geojson(district)
        if district and not model.selected_cameras
        else None,
        "picked": list(model.selected_cameras),
        "start": model.start.isoformat() if model.start else None,
        "end": model.end.isoformat() if model.end else None,
        "hours": [sorted(hours.weekdays), hours.from_hour, hours.to_hour] if hours else None,
        "threshold": model.threshold,
        "scale": model.scale,
        "answered": model.result is not None and not model.is_stale,
    }


def _bring_back(model: Investigation, draft: Draft, photographs: Mapping[str, bytes]) -> list[str]:
    question = draft.question
    start, end = (_moment(question[name]) for name in ("start", "end"))
    hours = question["hours"]
    with model.hold_trait_notifications():
        model.start, model.end = start, end
        model.hours = hours and WeeklyHours(frozenset(hours[0]), hours[1], hours[2])
        if _is_on_scale(model, question):
            model.threshold = float(question["threshold"])
        else:
            model.take_recommended()
    if question["picked"]:
        model.pick_cameras([str(name) for name in question["picked"]])
    elif question["district"]:
        model.set_district_geojson(question["district"], drawn=False)
    else:
        model.set_district(None)
    model.say("target")
    for one in question["photographs"]:
        name, used = str(one["name"]), bool(one["used"])
        if "tracklet" in one:
            model.take_shot(str(one["tracklet"]), case=draft.case, name=name, used=used, again=True)
            continue
        content, chosen = photographs.get(one["sha256"]), one["chosen"]
        if content is None:
            raise CaseError("a photograph is missing", where=name, fix="Add it again")
        model.read(name, content, chosen=None if chosen is None else int(chosen), used=used)
    return _parts(question)


def _is_same(question: Mapping[str, Any], model: Investigation) -> bool:
    """Check that what the page asks is that question, answered or not."""
    asked = json.loads(json.dumps(written(model)))
    return all(question.get(name) == asked[name] for name in asked if name != "answered")


def _is_on_scale(model: Investigation, question: Mapping[str, Any]) -> bool:
    return question.get("scale") == model.scale


def _parts(question: Mapping[str, Any]) -> list[str]:
    """Describe the parts of a question, a phrase each."""
    photographs, picked = question.get("photographs"), question.get("picked")
    parts = [count(len(photographs), "photograph")] if photographs else []
    if picked:
        parts.append(f"{count(len(picked), 'camera')} chosen by hand")
    elif question.get("district"):
        parts.append("the district")
    if question.get("start"):
        parts.append("the time range")
    if question.get("hours"):
        parts.append("the hours of the week")
    return parts


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text, where="draft")

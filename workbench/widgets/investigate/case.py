"""The case: under whose authority the question is asked, and what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.casework.facts import notices_of
from workbench.domain.times import MINUTES, local_time
from workbench.errors import SightlineError
from workbench.widgets.components import controls
from workbench.widgets.components.header import link_to
from workbench.widgets.components.parts import Panel, button, escaped, heading, markup, message, row
from workbench.widgets.investigate.model import Investigation

if TYPE_CHECKING:
    from workbench.casework.cases import Case

NONE = "Choose a case…"


class CasePanel(Panel):
    """Choose an open case; see what it allows and who is asking."""

    def __init__(self, model: Investigation) -> None:
        self.model = model
        self.choice = controls.Dropdown(
            layout={"flex": "1 1 240px"}, tooltip="The case to search under"
        )
        self.choice.add_class("sl-case-choice")
        self.allowed = markup()
        self.whole = button(
            "Use its area and time",
            model.take_case_scope,
            label="Search everything the case allows",
        )
        self.train = button(
            "Train", model.train, label="Open a training case, which carries no authority"
        )
        self.review = button(
            "Send to review", model.list_for_review, label="Send the candidates to reviewers"
        )
        self.listed = markup()
        self._drawing = False
        super().__init__(
            [
                heading("Case"),
                row(self.choice, button("Refresh", self._refresh), self.train, self.whole),
                message(model, "case"),
                self.allowed,
            ]
        )
        self.reviewing = controls.VBox([row(self.review, self.listed), message(model, "case")])
        self.reviewing.add_class("sl-reviewing")
        self.add_class("sl-panel")
        self.add_class("sl-case")
        self.choice.observe(self._on_choose, "value")
        model.observe(self._draw, ["case", "cases"])
        model.observe(self._offer_review, ["result", "review_status", "threshold"])
        self._draw()
        self._offer_review()

    def _offer_review(self, _: object = None) -> None:
        self.review.layout.display = "" if self.model.shown else "none"
        words = escaped(self.model.review_status)
        link = link_to("review", self.model.case, "Open Review") if words else ""
        self.listed.value = f'<span class="sl-hint" role="status">{words} {link}</span>'

    def _on_choose(self, change: Any) -> None:
        if not self._drawing:
            self.model.say("case")
            self.model.case = change["new"] or ""

    def _refresh(self) -> None:
        self.model.say("case")
        try:
            self.model.refresh_cases()
        except SightlineError as error:
            self.model.say("case", str(error))

    def _draw(self, _: object = None) -> None:
        self._drawing = True
        try:
            options = [(_label(case), case.reference) for case in self.model.cases]
            self.choice.options = [(NONE, ""), *options]
            self.choice.value = self.model.case
        finally:
            self._drawing = False
        case = self.model.chosen_case
        self.whole.layout.display = "" if case else "none"
        self.train.layout.display = "none" if self.model.cases else ""
        self.allowed.value = _allowed(case, self.model) if case else _nothing(self.model)


def _label(case: Case) -> str:
    reference, title = case.reference, case.request.title
    return reference if title.casefold() in {"", reference.casefold()} else f"{reference}: {title}"


def _allowed(case: Case, model: Investigation) -> str:
    request = case.request
    notices = "".join(
        f'<p class="sl-message" role="note">{escaped(notice)}</p>'
        for notice in notices_of(case, zone=model.zone)
    )
    if case.is_training:
        return notices
    start, end, until = (
        local_time(moment, model.zone, MINUTES)
        for moment in (request.start, request.end, request.valid_until)
    )
    unplaced = ""
    if request.unplaced:
        unplaced = f"Cameras whose place is not known: {', '.join(request.unplaced)}. "
    words = (
        f"{request.purpose.capitalize()}. Authorised by {request.authority} "
        f"({case.authorisation or 'not yet'}), approved by {', '.join(case.approved_by)}. "
        f"{request.district.name}, {start} to {end}. {unplaced}Valid until {until}."
    )
    return f'{notices}<p class="sl-hint">{escaped(words)}</p>'


def _nothing(model: Investigation) -> str:
    words = (
        "Nothing is searched without a case."
        if model.cases
        else "Nothing is searched without a case, and none is open. Request one, or train."
    )
    where = "" if model.cases else link_to("cases", "", "Open Cases")
    return f'<p class="sl-hint">{escaped(words)} {where}</p>'

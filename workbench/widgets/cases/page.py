"""The page of the cases: a list, the case that is shown, and a form to request one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.casework.facts import may_begin, status_words
from workbench.domain.times import MINUTES, local_time
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.cases.casepanel import CasePanel
from workbench.widgets.cases.demo import fill_in
from workbench.widgets.cases.form import RequestPanel
from workbench.widgets.cases.model import CasesModel
from workbench.widgets.cases.request import RequestModel
from workbench.widgets.components import controls
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.header import PageHeader, case_asked
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    message,
    refusal,
    row,
)
from workbench.widgets.components.work import suitable_work

if TYPE_CHECKING:
    from datetime import tzinfo

    from workbench.casework.cases import Case
    from workbench.casework.waiting import Waiting

COLUMNS = ["Case", "Status", "Purpose", "Title", "Requested by", "Approved by", "Valid until"]
WAITING = ["Case", "What", "Title", "Since"]
IN_TRAINING = (
    "This installation is in training: no case carries any authority, and nothing found may be "
    "acted on. Cases are requested and approved once roles have been granted."
)


def cases(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import cases
    >>> cases("town.duckdb")                                             # doctest: +SKIP

    Parameters
    ----------
    gallery_path : Path or str, optional
        The gallery whose cameras are on the map of a request; by default that of the settings.
        Without one, cases are listed and decided on all the same.
    installation : Installation, optional
        Whose cases are shown; by default the one of the environment.
    """
    try:
        installation = installation or Installation.open()
        work, settings = suitable_work(), installation.settings
        path = Path(gallery_path) if gallery_path else settings.gallery_file
        model = CasesModel(installation=installation, gallery=path, work=work)
    except SightlineError as error:
        return refusal("No cases can be shown", error)

    def done(case: Case) -> None:
        page.asking.switch.value = False  # what was done is said above
        model.refresh()
        model.choose(case.reference)
        if case.is_training:
            model.said = f"{case.reference} is open for training."
        else:
            what = f"a change of {case.reference}" if case.change else case.reference
            model.said = f"You requested {what}. Another person approves it."

    form: Any = None
    if model.me.may("training.use" if model.trains else "case.ask"):
        try:
            asked = RequestModel(
                path, installation=installation, zone=settings.zone, work=work, done=done
            )
        except SightlineError as error:
            form = refusal("No case can be requested here", error)
        else:
            if installation.is_demo and not model.trains:
                fill_in(asked)
            form = RequestPanel(asked, trains=model.trains)
    zone = form.model.zone if isinstance(form, RequestPanel) else settings.zone or UTC_ZONE
    model.choose(case_asked())
    page = CasesPage(model, zone=zone, form=form)
    head = page.children[0]
    head.children = (*head.children, PageHeader(installation, model, "shown"))
    return page


class CasesPage(Panel):
    """The lists of cases and the form of a request; or one case, with what may be done."""

    def __init__(self, model: CasesModel, *, zone: tzinfo, form: Any = None) -> None:
        self.model, self.zone, self.form = model, zone, form
        self.waiting = Cards(
            lambda key: model.choose(key.partition(" ")[2]),
            table=True,
            columns=WAITING,
            name="Waiting for you",
        )
        self.table = Cards(model.choose, table=True, columns=COLUMNS, name="Your cases")
        self.others = Cards(model.choose, table=True, columns=COLUMNS, name="Other cases")
        self.ended = controls.Checkbox(False, description="Ended cases too", indent=False)
        self.empty, self.said = markup(), markup()
        asks = isinstance(form, RequestPanel)
        places = (form.model.longitudes, form.model.latitudes) if asks else (np.empty(0),) * 2
        self.about = CasePanel(
            model,
            zone=model.installation.settings.zone,
            places=places,
            change=self._begin_change if asks else None,
        )
        notice = escaped(IN_TRAINING)
        head = Panel(
            [
                row(
                    heading("Cases"),
                    button("Refresh", model.refresh, label="Read the cases again"),
                    self.ended,
                ),
                *([markup(f'<p class="sl-message" role="note">{notice}</p>')] * model.trains),
                message(model, "cases"),
                self.said,
            ]
        )
        self.lists = [
            _listing("Waiting for you", self.waiting),
            _listing("Your cases", self.table),
            _listing("Other cases that you may see", self.others),
        ]
        head.children = [*head.children, *self.lists, self.empty]
        head.add_class("sl-panel")
        below = []
        if form is not None:
            self.asking = Foldable(self._asks(), form, shown=not model.cases)
            below = [self.asking]
            if asks:
                self.asking.switch.observe(self._stop_changing, "value")
                form.model.observe(lambda _: self.asking.rename(self._asks()), "changing")
        super().__init__([head, self.about, *below])
        self.add_class("sl-board")
        self.add_class("sl-cases")
        self.add_class("sl-whole")
        self.ended.observe(lambda change: setattr(model, "ended", change["new"]), "value")
        model.observe(self._list, ["cases", "ended", "shown", "waiting"])
        model.observe(self._say, "said")
        self._list()
        self._say()

    def _asks(self) -> str:
        """Say what the form is for."""
        changing = self.form.model.changing if isinstance(self.form, RequestPanel) else None
        if changing is not None:
            return f"Request a change of {changing.reference}"
        return "Open a training case" if self.model.trains else "Request a case"

    def _begin_change(self, case: Case) -> None:
        """Show the form with the case in it, in place of the case."""
        self.form.model.begin_change(case)
        self.model.choose("")
        self.asking.switch.value = True

    def _stop_changing(self, change: Any) -> None:
        """A change that is left is not requested later by mistake."""
        if not change["new"] and self.form.model.changing is not None:
            self.form.model.clear()

    def _list(self, _: object = None) -> None:
        model = self.model
        self.waiting.items = [self._waits(one) for one in model.waiting]
        self.table.items = [self._row(case) for case in model.mine]
        self.others.items = [self._row(case) for case in model.others]
        for box, cards in zip(self.lists, (self.waiting, self.table, self.others), strict=True):
            # One case has the page to itself.
            box.layout.display = "" if cards.items and model.shown is None else "none"
        if hasattr(self, "asking"):
            self.asking.layout.display = "" if model.shown is None else "none"
        words = "" if model.listed else "There are no cases yet, or none that you may see."
        if hidden := len(model.cases) - len(model.listed):
            words = f"{count(hidden, 'case')} not listed: ended."
        if model.shown is not None:
            words = ""
        self.empty.value = f'<p class="sl-hint">{escaped(words)}</p>' if words else ""

    def _say(self, _: object = None) -> None:
        words = escaped(self.model.said)
        self.said.value = f'<div role="status">{words and f"<p>{words}</p>"}</div>'

    def _waits(self, one: Waiting) -> dict[str, object]:
        case, moment = one.case, local_time(one.since, self.zone, MINUTES)
        asks = case.waiting.asked_by if case.waiting else ""
        asked = f"{'A change' if case.change else 'A request'} of {asks} to approve"
        if may_begin(case):
            asked = f"Urgent: a request of {asks} to let begin"
        words = {
            "confirmation": "Urgent, and deleted unless another supervisor confirms it",
            "approval": asked,
            "review": f"{count(one.faces, 'face')} to decide on, on the page Review",
            "reviewer": f"{count(one.faces, 'face')} on which no member can decide: add a reviewer",
            "end": "It ends soon: extend it, or close it",
        }[one.what]
        return {
            "id": f"{one.what} {case.reference}",  # a case can wait for several things
            "rank": case.reference,
            "does": f"Show case {case.reference}",
            "cells": [words, case.request.title, _BY.get(one.what, "") + moment],
        }

    def _row(self, case: Case) -> dict[str, object]:
        request = case.request
        return {
            "id": case.reference,
            "rank": case.reference,
            "does": f"Show case {case.reference}",
            "cells": [
                status_words(case).capitalize(),
                request.purpose.capitalize(),
                request.title,
                case.asked_by,
                ", ".join(case.approved_by),
                local_time(request.valid_until, self.zone, MINUTES),
            ],
        }


_BY = {"confirmation": "until ", "end": "ends "}  # before the time that is told with what waits


def _listing(title: str, cards: Cards) -> Any:
    box = controls.VBox([markup(f'<h3 class="sl-subheading">{escaped(title)}</h3>'), cards])
    box.add_class("sl-listing")
    return box

"""The page of the cases: a list, the case that is shown, and a form to request one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from workbench.casework.facts import facts, notices_of, status_words
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.cases.form import RequestPanel
from workbench.widgets.cases.model import CasesModel
from workbench.widgets.cases.request import RequestModel
from workbench.widgets.components.cards import Cards
from workbench.widgets.components.media import address
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    fold,
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
    from workbench.widgets.cases.model import Offer

COLUMNS = ["Case", "Status", "Purpose", "Title", "Requested by", "Approved by", "Valid until"]
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
        work = suitable_work()
        model = CasesModel(installation=installation, work=work)
    except SightlineError as error:
        return refusal("No cases can be shown", error)
    settings = installation.settings
    path = Path(gallery_path) if gallery_path else settings.gallery_file

    def done(case: Case) -> None:
        page.asking.children[0].value = False  # what was done is said above
        model.refresh()
        model.choose(case.reference)
        model.said = (
            f"{case.reference} is open for training."
            if case.is_training
            else f"You requested {case.reference}. Another person approves it."
        )

    form: Any = None
    if model.me.may("training.use" if model.trains else "case.ask"):
        try:
            asked = RequestModel(
                path, installation=installation, zone=settings.zone, work=work, done=done
            )
        except SightlineError as error:
            form = refusal("No case can be requested here", error)
        else:
            form = RequestPanel(asked, trains=model.trains)
    zone = form.model.zone if isinstance(form, RequestPanel) else settings.zone or UTC_ZONE
    page = CasesPage(model, zone=zone, form=form)
    return page


class CasesPage(Panel):
    """The list of cases, the one that is shown with what may be done, and the form of a request."""

    def __init__(self, model: CasesModel, *, zone: tzinfo, form: Any = None) -> None:
        self.model, self.zone = model, zone
        self.table = Cards(model.choose, table=True, columns=COLUMNS, name="Table of cases")
        self.ended = ipywidgets.Checkbox(False, description="Ended cases too", indent=False)
        self.empty, self.said = markup(), markup()
        self.about = CasePanel(model, zone)
        notice = escaped(IN_TRAINING)
        head = Panel(
            [
                heading("Cases"),
                *([markup(f'<p class="sl-message" role="note">{notice}</p>')] * model.trains),
                row(button("Refresh", model.refresh, label="Read the cases again"), self.ended),
                message(model, "cases"),
                self.said,
                self.table,
                self.empty,
            ]
        )
        head.add_class("sl-panel")
        below = []
        if form is not None:
            title = "Open a training case" if model.trains else "Request a case"
            self.asking = fold(title, form, shown=not model.cases)
            below = [self.asking]
        super().__init__([head, self.about, *below])
        self.add_class("sl-board")
        self.add_class("sl-cases")
        self.ended.observe(lambda change: setattr(model, "ended", change["new"]), "value")
        model.observe(self._list, ["cases", "ended", "shown"])
        model.observe(self._say, "said")
        self._list()
        self._say()

    def _list(self, _: object = None) -> None:
        model = self.model
        listed = model.listed
        self.table.items = [self._row(case) for case in listed]
        self.table.selected = model.shown.reference if model.shown else ""
        self.table.layout.display = "" if listed else "none"
        words = "" if listed else "There are no cases yet, or none that you may see."
        if hidden := len(model.cases) - len(listed):
            words = f"{count(hidden, 'case')} not listed: ended."
        self.empty.value = f'<p class="sl-hint">{escaped(words)}</p>' if words else ""

    def _say(self, _: object = None) -> None:
        words = escaped(self.model.said)
        self.said.value = f'<div role="status">{words and f"<p>{words}</p>"}</div>'

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
                f"{request.valid_until.astimezone(self.zone):%d %b %Y, %H:%M}",
            ],
        }


class CasePanel(Panel):
    """The case that is shown: what it is about, and what the person at the page may do with it."""

    def __init__(self, model: CasesModel, zone: tzinfo) -> None:
        self.model, self.zone = model, zone
        self.title, self.faces, self.facts = markup(), markup("", "sl-compare"), markup()
        self.reason = ipywidgets.Text(
            placeholder="Reason, for the record", layout={"flex": "1 1 260px"}, tooltip="Reason"
        )
        self.decided = ipywidgets.Text(
            placeholder="Reference of the outside decision",
            layout={"width": "280px"},
            tooltip="Reference of the outside decision",
        )
        self.acts: dict[Offer, Any] = {
            "approve": button("Approve", model.approve, style="primary"),
            "confirm": button(
                "Confirm", lambda: model.confirm(self.decided.value), style="primary"
            ),
            "decline": button("Decline", lambda: model.decline(self.reason.value)),
            "close": button(
                "Close the case",
                lambda: model.close(self.reason.value),
                label="Nothing is searched under it again",
            ),
        }
        self.account = ipywidgets.Text(
            placeholder="Name with which they sign in", layout={"width": "260px"}, tooltip="Name"
        )
        self.known = ipywidgets.HBox()
        self.known.add_class("sl-row")
        self.members = ipywidgets.VBox(
            [
                markup('<h3 class="sl-subheading">Members</h3>'),
                markup(
                    '<p class="sl-hint">Only members, supervisors and auditors see this case.</p>'
                ),
                self.known,
                row(self.account, button("Add", self._add, label="Make this person a member")),
                message(model, "members"),
            ]
        )
        self.members.add_class("sl-members")
        super().__init__(
            [
                self.title,
                self.faces,
                self.facts,
                row(self.decided, *self.acts.values(), self.reason),
                message(model, "case"),
                self.members,
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-one-case")
        model.observe(self._draw, ["shown", "photographs"])
        self._draw()

    def _add(self) -> None:
        if self.model.add_member(self.account.value):
            self.account.value = ""

    def _remove(self, name: str) -> None:
        self.model.remove_member(name)

    def _draw(self, _: object = None) -> None:
        model, case = self.model, self.model.shown
        self.layout.display = "none" if case is None else ""
        if case is None:
            return
        offers = model.offers
        for name, act in self.acts.items():
            act.layout.display = "" if name in offers else "none"
        self.reason.layout.display = "" if {"decline", "close"} & {*offers} else "none"
        self.reason.value = self.decided.value = ""
        lacks = "confirm" in offers and not case.authorisation
        self.decided.layout.display = "" if lacks else "none"
        urgent = case.request.urgent and case.state == "requested"
        self.acts["approve"].description = "Let it begin" if urgent else "Approve"
        self.members.layout.display = "" if "members" in offers else "none"
        self.known.children = [
            button(f"Remove {name}", partial(self._remove, name))
            for name in case.members
            if name != case.asked_by
        ]
        title = case.request.title
        words = escaped(f"{case.reference}: {title}" if title else case.reference)
        notices = "".join(
            f'<p class="sl-message" role="note">{escaped(notice)}</p>'
            for notice in notices_of(case, zone=self.zone)
        )
        self.title.value = f'<h2 class="sl-heading">{words}</h2>{notices}'
        self.faces.value = "".join(
            f'<figure><img src="{address(jpeg)}" alt="The subject, photograph {number}"></figure>'
            for number, jpeg in enumerate(model.photographs, start=1)
        )
        # A photograph says more than its digest, where it may be seen.
        shown = {"reference", "title", *(["photograph (SHA-256)"] if model.photographs else [])}
        lines = "".join(
            f'<tr><th scope="row">{escaped(name[:1].upper() + name[1:])}</th>'
            f"<td>{escaped(value)}</td></tr>"
            for name, value in facts(case, zone=self.zone)
            if name not in shown
        )
        self.facts.value = f'<table class="sl-table sl-case-facts"><tbody>{lines}</tbody></table>'

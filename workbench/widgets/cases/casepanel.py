"""One case: what it is about, and what the person at the page may do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from workbench.casework.facts import (
    change_facts,
    facts,
    may_begin,
    notices_of,
    provenance_words,
    urgent_words,
    warnings,
)
from workbench.casework.notes import THE_CASE
from workbench.maps.zones import local_time, local_zone
from workbench.widgets.cases.area import CaseMap
from workbench.widgets.components import controls
from workbench.widgets.components.media import address
from workbench.widgets.components.notes import NotesModel, NotesPanel, watched_table
from workbench.widgets.components.parts import (
    Foldable,
    Panel,
    button,
    escaped,
    markup,
    message,
    row,
    table,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    import numpy as np
    from numpy.typing import NDArray

    from workbench.casework.cases import Case
    from workbench.widgets.cases.model import CasesModel, Offer

# What an approval is about stands in sight; the rest below, where it is asked for.
IN_SIGHT = (
    "status", "reason", "urgent", "requested by", "responsible", "purpose", "authority",
    "authorisation", "legal basis", "footage", "may be searched", "area", "cameras",
    "cameras without a place", "subject", "date of birth", "members", "approved by", "begun by",
    "to be confirmed", "confirmed by", "ended", "what came of it", "changed",
)  # fmt: skip


class CasePanel(Panel):
    """The case that is shown, with all that is approved in sight.

    Parameters
    ----------
    model : CasesModel
        The view-model of the page.
    zone : ZoneInfo, optional
        Zone of the times; by default that of the case's area.
    places : tuple of (n,) float64
        Longitudes and latitudes of the cameras.
    change : callable, optional
        Opens the form of a change; None where there is no such form.
    """

    def __init__(
        self,
        model: CasesModel,
        *,
        zone: ZoneInfo | None,
        places: tuple[NDArray[np.float64], NDArray[np.float64]],
        change: Callable[[Case], None] | None,
    ) -> None:
        self.model, self._zone = model, zone
        self.title, self.faces, self.facts = markup(), markup("", "sl-case-faces"), markup()
        self.rest, self.told, self.notes = markup(), markup(), markup()
        self.map = CaseMap(model.installation.settings, places)
        self.reason = controls.Text(
            placeholder="Reason, for the record", layout={"flex": "1 1 200px"}, tooltip="Reason"
        )
        self.decided = controls.Text(
            placeholder="Reference of the outside decision",
            layout={"width": "290px"},
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
        if change is not None:
            self.acts["change"] = button(
                "Extend or change…",
                partial(self._begin_change, change),
                label="Request another area, time or photographs: another person approves it",
            )
        self._make_members()
        self.events = Foldable("History", self.told, message(model, "history"))
        self.events.children[0].observe(self._tell, "value")
        self.watched = markup()
        self.looked = Foldable("Footage shown", self.watched, message(model, "watched"))
        self.looked.children[0].observe(self._tell_watched, "value")
        self.noted = NotesModel(model.installation, whole=True, work=model.work)
        self.noting = NotesPanel(self.noted, UTC)
        self.noting_fold = Foldable("Notes and markers", self.noting)
        seen = controls.VBox([self.map, self.faces])
        read = controls.VBox(
            [
                self.notes,
                self.facts,
                row(self.decided, *self.acts.values(), self.reason),
                message(model, "case"),
            ]
        )
        both = controls.HBox([seen, read])
        both.add_class("sl-case-sides")
        back = button("‹ All cases", lambda: model.choose(""), label="Show the list of the cases")
        super().__init__(
            [
                row(back, self.title),
                both,
                self.people,
                self.events,
                self.noting_fold,
                self.looked,
                Foldable("Digests and scores", self.rest),
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-one-case")
        model.observe(self._draw, ["shown", "photographs"])
        self._draw()

    def _make_members(self) -> None:
        """Make the part in which members are chosen and the case is handed over."""
        model = self.model
        self.account, self.next = (
            controls.Text(placeholder=what, layout={"width": "310px"}, tooltip=what)
            for what in ("Name with which they sign in", "Name of who is to be responsible")
        )
        self.why = controls.Text(
            placeholder="Reason, for the record", layout={"width": "240px"}, tooltip="Reason"
        )
        self.known = row()
        self.members = controls.VBox(
            [
                markup(
                    '<p class="sl-hint">Only members, supervisors and auditors see this case.</p>'
                ),
                self.known,
                row(self.account, button("Add", self._add, label="Make this person a member")),
                row(
                    self.next,
                    self.why,
                    button("Hand over", self._hand_over, label="Make them responsible, at once"),
                ),
                message(model, "members"),
            ]
        )
        self.members.add_class("sl-members")
        self.people = Foldable("Members, and handing over", self.members)

    def _begin_change(self, begin: Callable[[Case], None]) -> None:
        if self.model.shown is not None:
            begin(self.model.shown)

    def _add(self) -> None:
        if self.model.add_member(self.account.value):
            self.account.value = ""

    def _hand_over(self) -> None:
        if self.model.hand_over(self.next.value, self.why.value):
            self.next.value = self.why.value = ""

    def _remove(self, name: str) -> None:
        self.model.remove_member(name)

    def _tell(self, _: object = None) -> None:
        """Read the history when it is opened: that reads the whole record."""
        if not self.events.switch.value:
            self.told.value = ""
            return
        zone = self._zone_of(self.model.shown)
        self.told.value = table(
            ["When", "Who", "What"],
            ((local_time(e.at, zone), e.account, e.words) for e in self.model.history()),
        )

    def _tell_watched(self, _: object = None) -> None:
        """Read what was watched when it is opened: that asks the gallery how much there is."""
        opened = self.looked.switch.value and self.looked.layout.display != "none"
        found = self.model.watched() if opened else None
        zone = self._zone_of(self.model.shown)
        self.watched.value = "" if found is None else watched_table(found, zone)

    def _zone_of(self, case: Case | None) -> tzinfo:
        """Zone of the clocks where a case is searched."""
        if self._zone is not None or case is None:
            return self._zone or local_zone(0.0, 0.0)
        centre = case.request.district.area.centroid
        return local_zone(centre.x, centre.y)

    def _draw(self, _: object = None) -> None:
        model, case = self.model, self.model.shown
        if case is None:
            self.layout.display = "none"
            return
        offers, zone = model.offers, self._zone_of(case)
        self.noting.zone = zone
        # Of what is deleted, nothing is asked for: that would be an attempt, on record.
        over = case.status() == "not confirmed"
        for part in (self.noting_fold, self.looked):
            part.layout.display = "none" if over else ""
        self.noted.take("" if over else case.reference, [] if over else [THE_CASE])
        for name, act in self.acts.items():
            act.layout.display = "" if name in offers else "none"
        self.acts["approve"].description = (
            "Approve the change"
            if case.change
            else "Let it begin"
            if may_begin(case)
            else "Approve"
        )
        self.acts["decline"].description = "Decline the change" if case.change else "Decline"
        self.reason.layout.display = "" if {"decline", "close"} & {*offers} else "none"
        self.reason.value = self.decided.value = ""
        lacks = "confirm" in offers and not case.authorisation
        self.decided.layout.display = "" if lacks else "none"
        self.people.layout.display = "" if "members" in offers else "none"
        self.known.children = [
            button(f"Remove {name}", partial(self._remove, name))
            for name in case.members
            if name != case.responsible
        ]
        self.map.show(case)
        self._draw_words(case, zone)
        self.layout.display = ""  # once only those acts are shown that it offers
        self._tell()
        self._tell_watched()

    def _draw_words(self, case: Case, zone: tzinfo) -> None:
        title = case.request.title
        words = escaped(f"{case.reference}: {title}" if title else case.reference)
        self.title.value = f'<h2 class="sl-heading">{words}</h2>'
        notices = [
            f'<p class="sl-message" role="note">{escaped(notice)}</p>'
            for notice in notices_of(case, zone=zone)
        ]
        self.faces.value = self._shown_faces(case)
        known = dict(facts(case, zone=zone))
        self.facts.value = _facts({name: known[name] for name in IN_SIGHT if name in known})
        apart = {"reference", "title", "please note", "beyond the limits", *IN_SIGHT}
        if self.model.photographs:  # which say it beside each
            apart |= {name for name in known if name.startswith("photograph") and "SHA" not in name}
        self.rest.value = _facts({n: value for n, value in known.items() if n not in apart})
        self.notes.value = "".join(
            [
                *notices,
                *self._limits(case),
                _change(case, zone),
                *_doubts(case),
            ]
        )

    def _limits(self, case: Case) -> list[str]:
        """Say what the request that waits goes beyond, and what it takes."""
        if case.waiting is None:
            return []
        beyond, given = self.model.exceeded, len(case.waiting.approved_by)
        if may_begin(case):
            return [f'<p class="sl-warning">⚠ {escaped(urgent_words(beyond))}</p>']
        if not beyond:
            return ['<p class="sl-hint">Within the limits: one approval is enough.</p>']
        by = f" {', '.join(case.waiting.approved_by)} approved it." if given else ""
        words = f"Takes two approvals: {'; '.join(beyond)}.{by}"
        return [f'<p class="sl-warning">⚠ {escaped(words)}</p>']

    def _shown_faces(self, case: Case) -> str:
        """The photographs, each with where it comes from."""
        subject = case.request.subject
        stated = [provenance_words(one) for one in subject.provenance] if subject else []
        # Who may not see faces reads where they come from all the same.
        standing = self.model.standing
        pictures = [
            f'<img src="{address(jpeg, standing=standing)}" alt="The subject, photograph {number}">'
            for number, jpeg in enumerate(self.model.photographs, start=1)
        ]
        return "".join(
            f"<figure>{picture}<figcaption>{escaped(f'{words[:1].upper()}{words[1:]}')}"
            "</figcaption></figure>"
            for picture, words in zip_longest(pictures, stated, fillvalue="")
        )


def _change(case: Case, zone: tzinfo) -> str:
    """What the change that waits makes of the case, as a table."""
    if case.change is None:
        return ""
    rows = [(name.capitalize(), *both) for name, *both in change_facts(case, zone=zone)]
    asked = f"{case.change.asked_by}, {case.change.asked_at.astimezone(zone):%d %b %Y, %H:%M %Z}"
    return (
        f'<p class="sl-outdated">A change was requested by {escaped(asked)}. Until it is '
        f"approved, the case stays as it is.</p>{table(['', 'Now', 'Then'], rows)}"
    )


def _doubts(case: Case) -> list[str]:
    waits = case.waiting
    request = case.request if waits is None else waits.request
    return [f'<p class="sl-warning">⚠ {escaped(words)}</p>' for words in warnings(request)]


def _facts(known: Mapping[str, str]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escaped(name[:1].upper() + name[1:])}</th>'
        f"<td>{escaped(value)}</td></tr>"
        for name, value in known.items()
    )
    return f'<table class="sl-table sl-case-facts"><tbody>{lines}</tbody></table>'

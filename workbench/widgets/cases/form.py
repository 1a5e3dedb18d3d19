"""The form of a request for a case: subject, district, time, and on what it rests."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets

from workbench.casework.cases import TEMPLATES
from workbench.casework.facts import urgent_words
from workbench.casework.provenance import KINDS, NOT_KNOWN
from workbench.widgets.cases.request import UNSTATED, RequestModel, photograph_field
from workbench.widgets.components import controls
from workbench.widgets.components.district import DistrictPanel
from workbench.widgets.components.parts import (
    Panel,
    button,
    escaped,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.photographs import Upload
from workbench.widgets.components.target import TargetPanel
from workbench.widgets.components.tasks import LOADING
from workbench.widgets.components.timerange import TimePanel

UNCHOSEN = ("Choose the kind of case…", "")
LABEL = {"description_width": "136px"}
FIELDS = {
    "reference": ("Reference", "Such as A-2026-117"),
    "title": ("Title", "A few words for lists"),
    "legal_basis": ("Legal basis", ""),
    "authority": ("Authority", "Outside body or person"),
    "authorisation": ("Their reference", "Of the decision that authorised it"),
    "urgent": ("Urgent because", "Empty if it can wait"),
    "members": ("Further members", "Names, with commas between"),
    "description": ("Who it is", "A few words about the person"),
    "born": ("Date of birth", "As far as known: 2011, 2011-03 …"),
}
OF_SUBJECT = ("description", "born")
LONG = ("legal_basis",)  # on several lines
STATED = {
    "source": ("Comes from", "Album, passport office …"),
    "given_by": ("Given by", "Person or office"),
    "taken": ("Taken", f"2024, 2024-05, or: {NOT_KNOWN}"),
    "changes": ("Done to it", "Nothing, or: cropped …"),
}
NO_LIMIT = "in one search; 0: the installation's limit"
IN_TRAINING = ("reference", "title")
ONLY_PHOTOGRAPHS = (
    "Whether a picture is a photograph is your word: a good drawing, composite or generated "
    "picture cannot be told from one. Each is kept as you add it, and what its file says is noted."
)
SEND = "Request the case"


class RequestPanel(Panel):
    """Everything that a request holds; in training only what a training case holds."""

    def __init__(self, model: RequestModel, *, trains: bool = False) -> None:
        self.model = model
        self.fields = {name: self._field(name) for name in (IN_TRAINING if trains else FIELDS)}
        own = {name: self._with_message(name) for name in self.fields}
        below: list[Any] = []
        if trains:
            about = _part("Training case", *own.values(), self._sending("Open it", model.train))
            steps = [about]
        else:
            model.load_models()
            self.target = TargetPanel(
                model,
                markup(f'<p class="sl-hint">{ONLY_PHOTOGRAPHS}</p>'),
                *(own[name] for name in OF_SUBJECT),
                self._doubts(),
                step=2,
                details=self._provenance,
            )
            steps = [
                self._about([own[name] for name in FIELDS if name not in OF_SUBJECT]),
                self.target,
            ]
            below = [_part("Send", self._limits(), self._sending(SEND, model.request))]
        left = controls.VBox(steps)
        left.add_class("sl-steps")
        district, times = (None, None) if trains else (3, 4)
        right = controls.VBox(
            [DistrictPanel(model, step=district), TimePanel(model, step=times, hours=False)]
        )
        right.add_class("sl-where-and-when")
        both = controls.HBox([left, right])
        both.add_class("sl-request-pane")
        super().__init__([both, *below])
        self.add_class("sl-request")

    def _about(self, own: list[Any]) -> Panel:
        model = self.model
        self.kind = controls.Dropdown(
            options=[
                UNCHOSEN,
                *((one.purpose.capitalize(), name) for name, one in TEMPLATES.items()),
            ],
            description="Purpose",
            style=LABEL,
            layout={"width": "100%"},
        )
        self.hint = markup()
        self.valid = controls.BoundedFloatText(
            model.valid_days, min=0, max=3650, description="Valid for (days)", style=LABEL,
            layout={"width": "230px"},
        )  # fmt: skip
        self.most = controls.BoundedIntText(
            model.most_cameras, min=0, max=1_000_000, description="Most cameras", style=LABEL,
            layout={"width": "230px"}, tooltip="Most cameras in one search",
        )  # fmt: skip
        self.kind.observe(self._take_template, "value")
        model.observe(self._draw_kind, ["template", "changing"])
        for widget, name in ((self.valid, "valid_days"), (self.most, "most_cameras")):
            ipywidgets.dlink((widget, "value"), (model, name))
            model.observe(lambda change, to=widget: setattr(to, "value", change["new"]), name)
        self._draw_kind()
        return _part(
            "Case",
            self.kind,
            self.hint,
            message(model, "template"),
            *own,
            self.valid,
            message(model, "valid_days"),
            row(self.most, markup(f'<span class="sl-hint">{NO_LIMIT}</span>')),
            *self._without_place(),
            step=1,
        )

    def _sending(self, words: str, press: Any) -> Any:
        busy = markup()
        send = button(words, press, style="primary")

        def show(_: object = None) -> None:
            doing = self.model.doing if self.model.state == LOADING else ""
            send.disabled = bool(doing)
            busy.value = f'<span role="status" class="sl-busy">{escaped(doing)}</span>'
            if words == SEND:
                send.description = "Request the change" if self.model.changing else words

        self.model.observe(show, ["state", "doing", "changing"])
        show()
        return controls.VBox([message(self.model, "request"), send, busy])

    def _limits(self) -> Any:
        """Say while asking whether one person can approve it, and if not why."""
        self.limits = shown = markup()

        def draw(_: object = None) -> None:
            beyond, urgent = self.model.exceeded, self.model.urgent.strip()
            words = "One supervisor can approve this: it is within the limits."
            if beyond:
                words = f"Two supervisors have to approve this: {'; '.join(beyond)}."
            if urgent:
                words = urgent_words(beyond)
            kind = "sl-warning" if beyond or urgent else "sl-hint"
            shown.value = f'<div role="status"><p class="{kind}">{escaped(words)}</p></div>'

        self.model.observe(
            draw,
            ["district", "start", "end", "valid_days", "most_cameras", "without_place", "urgent"],
        )
        draw()
        return shown

    def _doubts(self) -> Any:
        shown = markup()

        def draw(_: object = None) -> None:
            lines = "".join(f"<p>⚠ {escaped(words)}</p>" for words in self.model.doubts)
            shown.value = f'<div role="status" class="sl-doubts">{lines}</div>'

        self.model.observe(draw, ["stated", "uploads", "born", "start", "end"])
        draw()
        return shown

    def _provenance(self, upload: Upload) -> Any:
        """Make the fields of where a photograph comes from."""
        return _ProvenanceFields(self.model, upload)

    def _field(self, name: str) -> Any:
        label, hint = FIELDS[name]
        kind = partial(controls.Textarea, rows=2) if name in LONG else controls.Text
        field = kind(description=label, placeholder=hint, style=LABEL, layout={"width": "100%"})
        ipywidgets.link((self.model, name), (field, "value"))
        return field

    def _with_message(self, name: str) -> Any:
        box = controls.VBox([self.fields[name], message(self.model, name)])
        box.add_class("sl-field")
        return box

    def _without_place(self) -> list[Any]:
        """Offer the cameras that no district holds, where there are any."""
        model = self.model
        choice = self.without_place = controls.SelectMultiple(
            description="Without a place", style=LABEL, layout={"width": "100%"}
        )

        def draw(_: Any = None) -> None:
            wanted, offered = model.without_place, model.offered_without_place
            if choice.options != offered:
                choice.options, choice.rows = offered, max(1, min(6, len(offered)))
            choice.value = wanted
            choice.layout.display = "" if offered else "none"

        model.observe(draw, ["changing", "without_place"])
        choice.observe(lambda change: setattr(model, "without_place", change["new"]), "value")
        draw()
        return [choice]

    def _take_template(self, change: Any) -> None:
        if change["new"] != self.model.template:
            self.model.take_template(change["new"])

    def _draw_kind(self, _: object = None) -> None:
        """Show the kind of case; that of one that is changed stays, as does its reference."""
        model = self.model
        self.kind.value = model.template
        self.kind.disabled = self.fields["reference"].disabled = model.changing is not None
        for name in ("members", "urgent"):
            self.fields[name].layout.display = "none" if model.changing else ""
        words = escaped(f"{model.kind.hint}.") if model.kind else ""
        self.hint.value = f'<p class="sl-hint">{words}</p>' if words else ""


class _ProvenanceFields(controls.VBox):  # type: ignore[misc]
    """Fields of where one photograph comes from, and what its file says."""

    def __init__(self, model: RequestModel, upload: Upload) -> None:
        key, name = upload.key, upload.found.name
        stated = {**UNSTATED, **model.stated.get(key, {})}
        self.kind = controls.Dropdown(
            options=[(kind.capitalize(), kind) for kind in KINDS],
            value=stated["kind"], tooltip=f"What {name} is", layout={"width": "100%"},
        )  # fmt: skip
        self.texts = {
            field: controls.Text(
                stated[field], description=label, placeholder=hint, layout={"width": "100%"},
                continuous_update=False,
                style={"description_width": "96px"},
            )
            for field, (label, hint) in STATED.items()
        }  # fmt: skip
        self.under_18 = controls.Checkbox(
            stated["under_18"], description="Under 18 when it was taken", indent=False
        )
        self._fields = {**self.texts, "kind": self.kind, "under_18": self.under_18}
        for field, widget in self._fields.items():
            widget.observe(partial(self._state, model, key, field), "value")
        alike = button("Same for the others", partial(model.state_alike, key))
        super().__init__(
            [
                self.kind,
                *self.texts.values(),
                row(self.under_18, alike),
                markup(_says(model, key)),
                message(model, photograph_field(key)),
            ]
        )
        self.add_class("sl-provenance")

        def draw(_: object = None) -> None:
            for field, value in model.stated.get(key, {}).items():
                self._fields[field].value = value
            alike.layout.display = "" if len(model.uploads) > 1 else "none"

        model.observe(draw, ["stated", "uploads"])
        draw()

    def _state(self, model: RequestModel, key: str, field: str, change: Any) -> None:
        model.state_of(key, **{field: change["new"]})


def _says(model: RequestModel, key: str) -> str:
    """Say what a photograph's file says of itself."""
    facts = model.file_facts.get(key)
    if facts is None:
        return ""
    words = []
    if facts.taken:
        words.append(f"Its file says that it was taken on {facts.taken.isoformat()}.")
    if facts.software:
        words.append(f"Its file says that it was written by {facts.software}.")
    if facts.few_tones:
        words.append("It has hardly any half-tones: is it a drawing or a photocopy?")
    return f'<p class="sl-hint">{escaped(" ".join(words))}</p>' if words else ""


def _part(title: str, *children: Any, step: int | None = None) -> Panel:
    panel = Panel([heading(title, step=step), *children])
    panel.add_class("sl-panel")
    panel.add_class("sl-case-form")
    return panel

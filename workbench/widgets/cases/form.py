"""The form of a request for a case: subject, district, time, and on what it rests."""

from __future__ import annotations

from typing import Any

import ipywidgets

from workbench.casework.cases import TEMPLATES
from workbench.widgets.cases.request import RequestModel
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
from workbench.widgets.components.target import TargetPanel
from workbench.widgets.components.tasks import LOADING
from workbench.widgets.components.timerange import TimePanel

UNCHOSEN = ("Choose the kind of case…", "")
LABEL = {"description_width": "170px"}
FIELDS = {
    "reference": ("Reference", "Such as A-2026-117"),
    "title": ("Title", "A few words for lists"),
    "legal_basis": ("Legal basis", ""),
    "authority": ("Authority", "Outside body or person that authorised it"),
    "authorisation": ("Their reference", "Of the decision that authorised it"),
    "urgent": ("Urgent because", "Empty if it can wait for their decision"),
    "description": ("Subject", "A few words about the person"),
    "members": ("Further members", "Names with which they sign in, with commas between"),
}
NO_LIMIT = "in one search; 0: the installation's limit"
IN_TRAINING = ("reference", "title")


class RequestPanel(Panel):
    """Everything that a request holds; in training only what a training case holds."""

    def __init__(self, model: RequestModel, *, trains: bool = False) -> None:
        self.model = model
        self.fields = {name: self._field(name) for name in (IN_TRAINING if trains else FIELDS)}
        where = [DistrictPanel(model), TimePanel(model, hours=False)]
        if trains:
            about = self._panel("Training case", [*self.fields.values()], "Open it", model.train)
            columns = [[about, where[1]], [where[0]]]
        else:
            model.load_models()
            columns = [
                [TargetPanel(model), self._request()],
                where,
            ]
        sides = [ipywidgets.VBox(column) for column in columns]
        for side in sides:
            side.add_class("sl-question")
        both = ipywidgets.HBox(sides)
        both.add_class("sl-asking")
        super().__init__([both])
        self.add_class("sl-request")

    def _request(self) -> Panel:
        model = self.model
        self.kind = ipywidgets.Dropdown(
            options=[
                UNCHOSEN,
                *((one.purpose.capitalize(), name) for name, one in TEMPLATES.items()),
            ],
            description="Purpose",
            style=LABEL,
            layout={"width": "100%"},
        )
        self.hint = markup()
        self.valid = ipywidgets.BoundedFloatText(
            model.valid_days, min=0, max=3650, description="Valid for (days)", style=LABEL,
            layout={"width": "290px"},
        )  # fmt: skip
        self.most = ipywidgets.BoundedIntText(
            model.most_cameras, min=0, max=1_000_000, description="Most cameras", style=LABEL,
            layout={"width": "290px"}, tooltip="Most cameras in one search",
        )  # fmt: skip
        self.kind.observe(self._take_template, "value")
        for widget, name in ((self.valid, "valid_days"), (self.most, "most_cameras")):
            ipywidgets.dlink((widget, "value"), (model, name))
            model.observe(lambda change, to=widget: setattr(to, "value", change["new"]), name)
        first = ("reference", "title", "legal_basis", "authority", "authorisation", "urgent")
        rest = [self.fields[name] for name in FIELDS if name not in first]
        children = [
            self.kind,
            self.hint,
            *(self.fields[name] for name in first),
            self.valid,
            row(self.most, markup(f'<span class="sl-hint">{NO_LIMIT}</span>')),
            *rest,
            *self._without_place(),
        ]
        return self._panel("Case", children, "Request the case", model.request)

    def _panel(self, title: str, children: list[Any], words: str, press: Any) -> Panel:
        busy = markup()
        send = button(words, press, style="primary")

        def show(_: object = None) -> None:
            doing = self.model.doing if self.model.state == LOADING else ""
            send.disabled = bool(doing)
            busy.value = f'<span role="status" class="sl-busy">{escaped(doing)}</span>'

        self.model.observe(show, ["state", "doing"])
        show()
        panel = Panel([heading(title), *children, message(self.model, "request"), send, busy])
        panel.add_class("sl-panel")
        panel.add_class("sl-case-form")
        return panel

    def _field(self, name: str) -> Any:
        label, hint = FIELDS[name]
        field = ipywidgets.Text(
            description=label, placeholder=hint, style=LABEL, layout={"width": "100%"}
        )
        ipywidgets.link((self.model, name), (field, "value"))
        return field

    def _without_place(self) -> list[Any]:
        """Offer the cameras that no district holds, where there are any."""
        if not self.model.unplaced:
            return []
        choice = ipywidgets.SelectMultiple(
            options=[(camera.words(), camera.camera_id) for camera in self.model.unplaced],
            description="Cameras without a place",
            rows=min(6, len(self.model.unplaced)),
            style=LABEL,
            layout={"width": "100%"},
        )
        choice.observe(
            lambda change: setattr(self.model, "without_place", tuple(change["new"])), "value"
        )
        return [choice]

    def _take_template(self, change: Any) -> None:
        self.model.take_template(change["new"])
        kind = self.model.kind
        words = escaped(f"{kind.hint}.") if kind else ""
        self.hint.value = f'<p class="sl-hint">{words}</p>' if words else ""

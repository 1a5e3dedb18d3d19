"""The reviewers' page: one face beside the subject's photographs, and what is concluded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.casework.facts import urgent_notice
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.maps.zones import UTC_ZONE
from workbench.widgets.components import controls
from workbench.widgets.components.compare import ComparePanel
from workbench.widgets.components.guide import Guide
from workbench.widgets.components.header import PageHeader, case_asked, link_to
from workbench.widgets.components.parts import (
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
from workbench.widgets.review.model import FaceComparison, Review
from workbench.widgets.review.sheet import DecisionSheet


def review(
    gallery_path: Path | str | None = None, *, installation: Installation | None = None
) -> Any:
    """The whole page, as a widget to display.

    >>> from workbench.widgets import review
    >>> review("town.duckdb")                                           # doctest: +SKIP
    """
    try:
        installation = installation or Installation.open()
        installation.register.me.require_role()
        path = Path(gallery_path) if gallery_path else installation.settings.gallery_file
        return ReviewPanel(Review(path, installation=installation, work=suitable_work()))
    except SightlineError as error:
        return refusal("Nothing can be reviewed", error)


class ReviewPanel(Panel):
    """Choose a case, compare feature by feature, conclude."""

    def __init__(self, model: Review) -> None:
        self.model = model
        self.choice = controls.Dropdown(
            layout={"flex": "0 1 520px"}, tooltip="The case whose faces you compare"
        )
        self.left, self.notice = markup(), markup()
        self.comparison = FaceComparison(model)
        self.compared = FacePanel(self.comparison)
        self.sheet = DecisionSheet(
            lambda features, conclusion, reason: model.decide(conclusion, features, reason),
            model.step,
        )
        self.work = controls.HBox([self.compared, self.sheet])
        self.work.add_class("sl-deciding")
        head = row(
            heading("Review"),
            self.choice,
            button("Refresh", self._refresh, label="Fetch the faces that wait for you"),
            self.left,
        )
        head.add_class("sl-review-head")
        header = PageHeader(model.installation, model)
        super().__init__([head, self.notice, message(model, "case"), self.work, Guide(), header])
        for name in ("sl-panel", "sl-whole", "sl-review"):
            self.add_class(name)
        self._drawing = False
        self.choice.observe(self._choose, "value")
        model.observe(self._offer, ["queues", "case"])
        model.observe(
            self._draw, ["items", "place", "case", "state", "bar", "missing", "queues", "said"]
        )
        model.observe(self._complain, "messages")
        model.observe(self._note, "case")
        self._offer()
        self._draw()
        known = (
            case_asked()
            or model.installation.settings.case
            or (next(iter(model.queues)) if len(model.queues) == 1 else "")
        )
        if known in model.queues:
            self.choice.value = known

    def _choose(self, change: Any) -> None:
        if not self._drawing:
            self.model.choose_case(change["new"] or "")

    def _refresh(self) -> None:
        self.model.choose_case(self.model.case)

    def _offer(self, _: object = None) -> None:
        """Offer the open cases, each with what is mine, what waits for others, what is done."""
        model = self.model
        options = [("Choose a case…", "")]
        options += [
            (
                f"{name}: {one.mine:,} for you, {one.waiting:,} for others, {one.done:,} done",
                name,
            )
            for name, one in model.queues.items()
        ]
        self._drawing = True
        try:
            if self.choice.options != tuple(options):
                self.choice.options = options
            self.choice.value = model.case if model.case in model.queues else ""
        finally:
            self._drawing = False

    def _note(self, _: object = None) -> None:
        """Say that the case is urgent and not confirmed, while it is."""
        installation, chosen = self.model.installation, self.model.case
        cases = installation.register.cases() if chosen else ()
        zone = installation.settings.zone or UTC_ZONE
        words = next((urgent_notice(c, zone=zone) for c in cases if c.reference == chosen), "")
        self.notice.value = (
            f'<p class="sl-message" role="note">{escaped(words)}</p>' if words else ""
        )

    def _draw(self, _: object = None) -> None:
        item = self.model.item
        self.work.layout.display = "" if item else "none"
        self.sheet.face = item.key if item else ""
        words = escaped(_status(self.model))
        if self.model.case and not item and not self.model.doing:
            words += " " + link_to("sightings", self.model.case, "Open Sightings")
        self.left.value = f'<span class="sl-hint" role="status">{words}</span>'

    def _complain(self, _: object = None) -> None:
        fields = ("features", "conclusion", "reason", "decision")
        said = self.model.messages
        self.sheet.problems = {name: said[name] for name in fields if name in said}


class FacePanel(ComparePanel):
    """Lays the face that is shown beside the subject, and goes to the next or the one before."""

    def __init__(self, comparison: FaceComparison) -> None:
        self.review = comparison.model
        super().__init__(comparison)

    def _received(self, widget: object, message: dict[str, Any], buffers: object) -> None:
        if message.get("step") in (1, -1):
            self.review.step(message["step"])
        else:
            super()._received(widget, message, buffers)


def _status(model: Review) -> str:
    """Say what was recorded, how many faces are left, and what keeps others from being decided."""
    if not model.case:
        return ""
    if model.doing:
        return f"{model.doing}…"
    left = len(model.items)
    words = f"{count(left, 'face')} to decide on." if left else "Nothing is waiting for you."
    if model.bar:
        words = f"{model.bar}. Others review it."
    if model.queue is not None and model.queue.stuck:
        words += (
            f" {count(model.queue.stuck, 'face')} on which no member of the case can decide: who "
            "is responsible for it, or a supervisor, adds a reviewer on the page Cases."
        )
    if model.missing:
        words += (
            f" {count(model.missing, 'face')} of this case cannot be reviewed: no picture is in "
            "the gallery, or no longer. That is on record."
        )
    return " ".join(filter(None, (model.said, words)))

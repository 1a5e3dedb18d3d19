"""The reviewers' page: one face beside the subject's photographs, and what is concluded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets
from traitlets import Dict, Int, Tuple, Unicode

from workbench.casework.reviewing.review import (
    Item,
    barred,
    decide,
    missing,
    waiting,
)
from workbench.casework.reviewing.verdicts import FEATURES, SCALE
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.widgets.components.media import address
from workbench.widgets.components.parts import (
    Panel,
    button,
    count,
    escaped,
    heading,
    markup,
    refusal,
    row,
)
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

UNCHOSEN, UNSUITABLE = "choose", "not suitable for comparison"
SEEN = ("not visible", "similar", "different")


class Review(Tasks):
    """View-model of the review: faces that the person at work has still to decide on.

    Problems are reported in ``messages``, under ``case`` or ``decision``.

    >>> asked = Review(Path("town.duckdb"), installation=Installation.open())
    ...                                                    # doctest: +SKIP
    >>> asked.choose_case("A-2026-117")                                 # doctest: +SKIP
    >>> asked.item.face[:2]                                             # doctest: +SKIP
    """

    cases = Tuple(help="references of the open cases")
    case = Unicode(help="reference of the case under review; empty for none")
    items = Tuple(help="what is still to be decided, each an Item")
    place = Int(0, help="which of them is shown")
    bar = Unicode(help="why the person takes no part in the review of the case; empty if they may")
    missing = Int(0, help="faces of the case that cannot be decided on, for want of a picture")
    features = Dict(help="by feature what was seen")

    def __init__(
        self, gallery: Path, *, installation: Installation, work: Work | None = None
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self.cases = tuple(
            c.reference for c in self.installation.register.cases() if c.state == "open"
        )

    @property
    def item(self) -> Item | None:
        """The face that is shown."""
        return self.items[self.place] if self.place < len(self.items) else None

    def choose_case(self, reference: str) -> None:
        """Take the review list of a case."""
        self.say("case")
        self.say("decision")
        with self.hold_trait_notifications():
            self.case, self.items, self.place, self.features = reference, (), 0, {}
            self.bar, self.missing = "", 0
        if not reference:
            return

        def done(found: tuple[tuple[Item, ...], str, int]) -> None:
            with self.hold_trait_notifications():
                self.items, self.bar, self.missing = found

        self.do("case", "Fetching the review list", self._waiting, done)

    def note(self, feature: str, seen: str) -> None:
        """Note what was seen of a feature."""
        self.features = {**self.features, feature: seen}

    def skip(self) -> None:
        """Leave a face for later."""
        self.say("decision")
        with self.hold_trait_notifications():
            self.features = {}
            self.place = (self.place + 1) % max(len(self.items), 1)

    def decide(self, conclusion: int | None, reason: str) -> bool:
        """Record the decision on the face that is shown; False if it was refused."""
        self.say("decision")
        item = self.item
        if item is None:
            return False
        try:
            decide(
                self.installation.register,
                item.case,
                item.key,
                conclusion=conclusion,
                features=self.features,
                reason=reason,
            )
        except SightlineError as error:
            self.say("decision", str(error))
            return False
        with self.hold_trait_notifications():
            self.features = {}
            self.items = tuple(other for other in self.items if other.key != item.key)
            self.place = min(self.place, max(len(self.items) - 1, 0))
        return True

    def _waiting(self) -> tuple[tuple[Item, ...], str, int]:
        register = self.installation.register
        with self.installation.open_gallery(self.gallery) as gallery:
            items = waiting(register, self.case, gallery)
        return items, barred(register, self.case), missing(register, self.case)


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
        return ReviewPanel(Review(path, installation=installation))
    except SightlineError as error:
        return refusal("Nothing can be reviewed", error)


class ReviewPanel(Panel):
    """Choose a case, compare feature by feature, conclude."""

    def __init__(self, model: Review) -> None:
        self.model = model
        self.choice = ipywidgets.Dropdown(
            options=[("Choose a case…", ""), *((name, name) for name in model.cases)],
            tooltip="The case whose faces you compare",
        )
        self.left, self.faces = markup(), markup("", "sl-compare")
        self.features = {
            name: ipywidgets.Dropdown(
                options=SEEN,
                description=name.capitalize(),
                style={"description_width": "150px"},
                layout={"width": "280px"},
            )
            for name in FEATURES
        }
        self.conclusion = ipywidgets.Dropdown(
            options=[("Choose a conclusion…", UNCHOSEN)]
            + [(words.capitalize(), str(step)) for step, words in SCALE.items()]
            + [(UNSUITABLE.capitalize(), UNSUITABLE)],
            layout={"width": "340px"},
            tooltip="How strongly what you saw supports it",
        )
        self.reason = ipywidgets.Textarea(
            placeholder="What it rests on, in a sentence or two",
            layout={"width": "calc(100% - 8px)", "height": "64px"},
        )
        self.record = button("Record the decision", self._record, style="primary")
        grid = ipywidgets.HBox(list(self.features.values()), layout={"flex_flow": "row wrap"})
        self.work = ipywidgets.VBox(
            [
                self.faces,
                markup('<h3 class="sl-subheading">Features</h3>'),
                grid,
                row(self.conclusion, self.record, button("Later", model.skip)),
                self.reason,
            ]
        )
        self.problems = markup()
        super().__init__([heading("Review"), row(self.choice, self.left), self.problems, self.work])
        self.add_class("sl-panel")
        self.add_class("sl-review")
        self.choice.observe(lambda change: model.choose_case(change["new"]), "value")
        for name, field in self.features.items():
            field.observe(lambda change, name=name: self._note(name, change["new"]), "value")
        self._drawing = False
        model.observe(self._draw, ["items", "place", "case", "state", "bar", "missing"])
        model.observe(self._show_problems, "messages")
        self._draw()
        known = model.installation.settings.case or (
            model.cases[0] if len(model.cases) == 1 else ""
        )
        if known in model.cases:
            self.choice.value = known

    def _note(self, name: str, seen: str) -> None:
        if not self._drawing:
            self.model.note(name, seen)

    def _record(self) -> None:
        chosen = self.conclusion.value
        if chosen == UNCHOSEN:
            self.model.say("decision", "Choose a conclusion.")
            return
        step = None if chosen == UNSUITABLE else int(chosen)
        self.model.decide(step, self.reason.value)

    def _draw(self, _: object = None) -> None:
        item = self.model.item
        self.work.layout.display = "" if item else "none"
        words = ""
        if self.model.case:
            words = _status(self.model)
        self.left.value = f'<span class="sl-hint" role="status">{escaped(words)}</span>'
        if item is None:
            self.faces.value = ""
            return
        self._drawing = True
        try:
            for name, field in self.features.items():
                field.value = self.model.features.get(name, SEEN[0])
            self.conclusion.value, self.reason.value = UNCHOSEN, ""
        finally:
            self._drawing = False
        photographs = "".join(_figure(jpeg, "The subject") for jpeg in item.photographs)
        if not photographs:
            photographs = '<p class="sl-hint">This is a training case; it has no subject.</p>'
        self.faces.value = f"{photographs}{_figure(item.face, 'The face to compare')}"

    def _show_problems(self, _: object = None) -> None:
        problems = [self.model.messages.get(field, "") for field in ("case", "decision")]
        paragraphs = "".join(f"<p>{escaped(text)}</p>" for text in problems if text)
        body = f'<div class="sl-message">{paragraphs}</div>' if paragraphs else ""
        self.problems.value = f'<div role="alert">{body}</div>'


def _status(model: Review) -> str:
    """Say how many faces are left to decide on, and what keeps the others from it."""
    left = len(model.items)
    words = f"{count(left, 'face')} to decide on." if left else "Nothing is waiting for you."
    if model.bar:
        words = f"{model.bar}. Others review it."
    if model.missing:
        words += (
            f" {count(model.missing, 'face')} of this case cannot be reviewed: no picture is in "
            "the gallery, or no longer. That is on record."
        )
    return words


def _figure(jpeg: bytes, words: str) -> str:
    return (
        f'<figure><img src="{address(jpeg)}" alt="{escaped(words)}">'
        f"<figcaption>{escaped(words)}</figcaption></figure>"
    )

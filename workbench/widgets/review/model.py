"""Faces that the person at the page has still to decide on, and the one that is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Dict, Instance, Int, Tuple, Unicode

from workbench.casework.reviewing.review import (
    Item,
    barred,
    decide,
    may_compare,
    missing,
    other_shots,
    queue,
    waiting,
)
from workbench.casework.reviewing.verdicts import SCALE, Queue, lacking
from workbench.domain import Profile
from workbench.errors import SightlineError
from workbench.installation import Installation
from workbench.widgets.components.comparison import Comparison, Picture
from workbench.widgets.components.media import Standing
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from workbench.casework.reviewing.verdicts import Seen
    from workbench.faces.models import Models

UNSUITABLE = "not suitable for comparison"
CONCLUSIONS: Mapping[str, int | None] = {
    **{SCALE[step]: step for step in sorted(SCALE)},
    UNSUITABLE: None,
}
"""Conclusions by their words, in the order of the scale."""


class Review(Tasks):
    """View-model of the review: faces that the person at work has still to decide on.

    Problems are reported in ``messages``, under ``case``, ``features``, ``conclusion``, ``reason``
    or ``decision``.

    >>> asked = Review(Path("town.duckdb"), installation=Installation.open())
    ...                                                    # doctest: +SKIP
    >>> asked.choose_case("A-2026-117")                                 # doctest: +SKIP
    >>> asked.item.face[:2]                                             # doctest: +SKIP
    """

    queues = Dict(help="by reference of each open case, the Queue of its faces")
    case = Unicode(help="reference of the case under review; empty for none")
    items = Tuple(help="what is still to be decided, each an Item")
    place = Int(0, help="which of them is shown")
    bar = Unicode(help="why the person takes no part in the review of the case; empty if they may")
    missing = Int(0, help="faces of the case that cannot be decided on, for want of a picture")
    profile = Instance(Profile, allow_none=True, help="the model profile of the gallery")
    said = Unicode(help="what was recorded last")

    def __init__(
        self, gallery: Path, *, installation: Installation, work: Work | None = None
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self.count()

    def count(self) -> None:
        """Count the faces of each open case again."""
        register = self.installation.register
        self.say("case")
        try:
            open_ones = [case for case in register.cases() if case.state == "open"]
            self.queues = {case.reference: queue(register, case.reference) for case in open_ones}
        except SightlineError as error:
            self.say("case", str(error))

    @property
    def queue(self) -> Queue | None:
        """The queue of the case under review."""
        return self.queues.get(self.case)

    @property
    def item(self) -> Item | None:
        """The face that is shown."""
        return self.items[self.place] if self.place < len(self.items) else None

    def choose_case(self, reference: str) -> None:
        """Take the review list of a case."""
        self.count()
        self._unsay()
        with self.hold_trait_notifications():
            self.case, self.items, self.place, self.said = reference, (), 0, ""
            self.bar, self.missing = "", 0
        if not reference:
            return

        def done(found: tuple[tuple[Item, ...], str, int, Profile]) -> None:
            with self.hold_trait_notifications():
                self.items, self.bar, self.missing, self.profile = found

        self.do("case", "Fetching the review list", lambda: self._waiting(reference), done)

    def step(self, by: int) -> None:
        """Go *by* places further in the list, and from its end to its beginning."""
        self._unsay()
        if self.items:
            self.place = (self.place + by) % len(self.items)

    def decide(self, conclusion: str, features: Mapping[str, Seen], reason: str) -> bool:
        """Record the decision on the face that is shown; False if it was refused.

        *conclusion* is one of ``CONCLUSIONS``. All that is lacking is told at once.
        """
        self._unsay()
        item = self.item
        if item is None:
            return False
        lacks = lacking(CONCLUSIONS.get(conclusion, 0), features, reason)
        if conclusion not in CONCLUSIONS:
            lacks["conclusion"] = "no conclusion is chosen", "Choose what your comparison supports"
        for field, (what, fix) in lacks.items():
            self.say(field, f"{what[:1].upper()}{what[1:]}. {fix}.")
        if lacks:
            return False
        try:
            decide(
                self.installation.register,
                item.case,
                item.key,
                conclusion=CONCLUSIONS[conclusion],
                features=features,
                reason=reason,
            )
        except SightlineError as error:
            self.say("decision", str(error))
            return False
        self.count()
        with self.hold_trait_notifications():
            self.said = f"Recorded: {conclusion}."
            self.items = tuple(other for other in self.items if other.key != item.key)
            self.place = min(self.place, max(len(self.items) - 1, 0))
        return True

    def shots(self, item: Item) -> Sequence[bytes]:
        """Fetch the other best shots of a face, where it can be shown with them."""
        with self.installation.open_gallery(self.gallery) as gallery:
            return other_shots(self.installation.register, item.case, item.key, gallery)

    def models(self) -> Models:
        """Load the networks that find the eyes."""
        assert self.profile is not None  # it comes with the faces
        return self.installation.load_models(self.profile)

    def _unsay(self) -> None:
        for field in ("features", "conclusion", "reason", "decision"):
            self.say(field)

    def _waiting(self, reference: str) -> tuple[tuple[Item, ...], str, int, Profile]:
        register = self.installation.register
        with self.installation.open_gallery(self.gallery) as gallery:
            items = waiting(register, reference, gallery)
            profile = gallery.profile
        return items, barred(register, reference), missing(register, reference), profile


class FaceComparison(Comparison):
    """Compares the face that is shown for review: no score, no place, no time, no camera."""

    def __init__(self, model: Review) -> None:
        super().__init__(model.models, work=model.work)
        self.model = model
        model.observe(self._follow, ["items", "place"])
        self._follow()

    def _follow(self, _: object = None) -> None:
        model, item = self.model, self.model.item
        if item is None:
            self.leave()
            return
        self.standing = Standing(may_compare, (model.installation.register, item.case))
        title = f"Face {model.place + 1:,} of {len(model.items):,}"
        if item.key == self.key:
            self.title = title
            return
        self.compare(
            item.key,
            [
                Picture(jpeg, f"The subject, photograph {number}")
                for number, jpeg in enumerate(item.photographs, start=1)
            ],
            Picture(item.face, "The face to compare"),
            lambda: [
                Picture(jpeg, f"The face, shot {number}")
                for number, jpeg in enumerate(model.shots(item), start=2)
            ],
            title=title,
            note="" if item.photographs else "This is a training case; it has no subject.",
        )

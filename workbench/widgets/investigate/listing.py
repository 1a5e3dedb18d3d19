"""The list of candidates: its order, its filters and its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from traitlets import Bool, Enum, Float, HasTraits, Int, Tuple, Unicode, observe

from workbench.domain import Camera, Candidate, natural
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions


def _place(camera: Camera) -> tuple[Any, Any]:
    """Sort cameras by name, then by id, as people count them."""
    return natural(camera.name or camera.camera_id), natural(camera.camera_id)


CARDS, ROWS = 12, 50  # on a page
ORDERS: Mapping[str, Callable[[Candidate], Any]] = {
    "score": lambda one: -one.score,
    "time": lambda one: one.first_seen,
    "camera": lambda one: (*_place(one.camera), one.first_seen),
    "quality": lambda one: -one.quality,
}
ANY, UNDECIDED, DECIDED = "", "undecided", "decided"
VIEW = ("order", "camera", "day", "quality", "opinion", "table")
OPINIONS = (ANY, UNDECIDED, DECIDED, "same", "different", "unsure")


class Listing(HasTraits):
    """The candidates that reach the threshold, sorted and filtered, page by page."""

    order = Enum(tuple(ORDERS), "score")
    camera = Unicode(help="camera_id, or nothing for all")
    day = Unicode(help="local day of the first sight, ISO 8601, or nothing for all")
    quality = Float(0.0, help="minimum quality of the best shot")
    opinion = Enum(OPINIONS, ANY, help="what was decided")
    table = Bool(help="rows instead of cards")
    page = Int(0)
    candidates = Tuple(help="all that are listed, in order")

    def __init__(self, model: Investigation, triage: TriageOpinions) -> None:
        super().__init__()
        self.model, self.triage = model, triage
        self._ranks: dict[str, int] = {}
        model.observe(self._restart, "result")
        model.observe(self._arrange, "threshold")
        model.observe(self._turn_to_selected, "selected")
        triage.observe(self._arrange, "opinions")
        self._arrange()

    @property
    def size(self) -> int:
        """Number of candidates on a page."""
        return ROWS if self.table else CARDS

    @property
    def pages(self) -> int:
        """Number of pages, at least one."""
        return max(1, -(-len(self.candidates) // self.size))

    @property
    def page_items(self) -> tuple[Candidate, ...]:
        """Candidates on the page that is shown."""
        first = self.page * self.size
        return tuple(self.candidates[first : first + self.size])

    @property
    def narrowed(self) -> bool:
        """True if a filter is set."""
        return bool(self.camera or self.day or self.quality or self.opinion)

    def rank(self, tracklet_id: str) -> int:
        """Rank a candidate by score among all that reach the threshold, from 1."""
        return self._ranks[tracklet_id]

    def cameras(self) -> tuple[Camera, ...]:
        """Cameras that have a candidate, in the natural order of names."""
        found = {one.camera.camera_id: one.camera for one in self.model.shown}
        return tuple(sorted(found.values(), key=_place))

    def days(self) -> tuple[str, ...]:
        """The local days on which there are candidates, ISO 8601."""
        return tuple(sorted({self.day_of(one) for one in self.model.shown}))

    def day_of(self, candidate: Candidate) -> str:
        """Local day on which a candidate was first seen, ISO 8601."""
        return candidate.first_seen.astimezone(self.model.zone).date().isoformat()

    def view(self) -> dict[str, Any]:
        """Tell how the candidates are sorted, filtered and shown, as :meth:`show_as` takes it."""
        return {name: getattr(self, name) for name in VIEW}

    def show_as(self, view: Mapping[str, Any]) -> None:
        """Sort, filter and show the candidates as told; what this answer lacks is left out."""
        known = {
            "camera": {one.camera.camera_id for one in self.model.shown},
            "day": set(self.days()),
        }
        with self.hold_trait_notifications():
            for name in VIEW:
                value = view.get(name, getattr(self, name))
                if name not in known or value in known[name]:
                    setattr(self, name, value)

    def clear(self) -> None:
        """Remove all filters."""
        with self.hold_trait_notifications():
            self.camera = self.day = ""
            self.quality, self.opinion = 0.0, ANY

    def turn(self, by: int) -> None:
        """Turn *by* pages; negative numbers turn back."""
        self.page = min(max(self.page + by, 0), self.pages - 1)

    def neighbour(self, tracklet_id: str, by: int) -> str:
        """Find the candidate *by* places after this one; the same one at the ends."""
        ids: list[str] = [one.tracklet_id for one in self.candidates]
        if not ids:
            return ""
        if tracklet_id not in ids:  # filtered away meanwhile
            return ids[0]
        return ids[min(max(ids.index(tracklet_id) + by, 0), len(ids) - 1)]

    def place(self, tracklet_id: str) -> int:
        """Place of a candidate in the list, from 1; 0 if it is not listed."""
        ids = [one.tracklet_id for one in self.candidates]
        return ids.index(tracklet_id) + 1 if tracklet_id in ids else 0

    def _restart(self, _: object = None) -> None:
        self.clear()
        self.page = 0
        self._arrange()

    @observe("order", "camera", "day", "quality", "opinion", "table")
    def _rearrange(self, _: object = None) -> None:
        self.page = 0
        self._arrange()
        self._turn_to_selected()

    def _arrange(self, _: object = None) -> None:
        shown = self.model.shown
        self._ranks = {one.tracklet_id: rank for rank, one in enumerate(shown, start=1)}
        # Two that are alike in what is sorted by stay best first.
        listed = tuple(sorted(filter(self._wanted, shown), key=ORDERS[self.order]))
        with self.hold_trait_notifications():
            self.candidates = listed
            self.page = min(self.page, self.pages - 1)

    def _wanted(self, candidate: Candidate) -> bool:
        verdict = self.triage.verdict(candidate.tracklet_id)
        return (
            (not self.camera or candidate.camera.camera_id == self.camera)
            and (not self.day or self.day_of(candidate) == self.day)
            and candidate.quality >= self.quality
            and self.opinion in (ANY, verdict or UNDECIDED, DECIDED if verdict else UNDECIDED)
        )

    def _turn_to_selected(self, _: object = None) -> None:
        place = self.place(self.model.selected)
        if place:
            self.page = (place - 1) // self.size

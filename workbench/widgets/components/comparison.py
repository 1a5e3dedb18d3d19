"""Photographs of a target and pictures of a face beside or over each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from traitlets import Enum, Float, Int, Tuple, Unicode

from workbench.errors import SightlineError
from workbench.faces.landmarks import find_eyes
from workbench.widgets.components.media import Standing
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from workbench.faces.landmarks import Eyes
    from workbench.faces.models import Models

SIDE, OVERLAY, FLICKER = "side", "overlay", "flicker"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a face; ``eyes`` are None where none were found, or not yet."""

    jpeg: bytes = field(repr=False)
    name: str
    time: str = ""  # local, in words; empty where it is not told
    eyes: Eyes | None = None


class Comparison(Tasks):
    """Pictures of a target and of a face, and how they are laid beside each other.

    Problems are reported in ``messages``, under ``shots``.

    Parameters
    ----------
    models : callable
        Loads the networks that find the eyes; called on the thread of the work.
    work : Work, optional
        Where long work is done; by default at once and in place.
    """

    key = Unicode(help="which face is compared; empty for none")
    title = Unicode(help="the face in words")
    note = Unicode(help="what its time rests on; empty where no time is shown")
    photographs = Tuple(help="of the target, each a Picture")
    shots = Tuple(help="of the face, each a Picture, best first")
    photograph = Int(0, help="which photograph is compared")
    shot = Int(0, help="which best shot is compared")
    mode = Enum((SIDE, OVERLAY, FLICKER), SIDE)
    zoom = Float(1.0, min=1.0, max=6.0)
    turn = Float(0.0, min=-180.0, max=180.0, help="degrees clockwise, of the face's picture")
    brightness = Float(1.0, min=0.4, max=2.5, help="of the face's picture")
    contrast = Float(1.0, min=0.4, max=2.5, help="of the face's picture")
    opacity = Float(0.5, min=0.0, max=1.0, help="of the face's picture where it lies over")
    standing: Standing | None = None  # asked each time before a picture is given to the browser

    def __init__(self, models: Callable[[], Models], *, work: Work | None = None) -> None:
        super().__init__(work)
        self.models = models
        self._turns = 0  # how often another face was taken; read on the thread of the work
        self._eyes: dict[bytes, Eyes | None] = {}  # of the target's photographs

    @property
    def left(self) -> Picture | None:
        """The photograph that is compared."""
        return _chosen(self.photographs, self.photograph)

    @property
    def right(self) -> Picture | None:
        """The best shot that is compared."""
        return _chosen(self.shots, self.shot)

    @property
    def alignment(self) -> str:
        """Sentence that says whether the two pictures are aligned, and if not, why."""
        if self.left is None or self.right is None:
            return ""
        lacking = [
            name
            for name, one in (
                ("the photograph", self.left),
                ("the picture of the face", self.right),
            )
            if one.eyes is None
        ]
        if not lacking:
            return "Aligned: the eyes are level and equally far apart."
        if self.state != "idle":
            return "Looking for the eyes…"
        return f"Not aligned: no eyes were found in {' and in '.join(lacking)}."

    def reset(self) -> None:
        """Show the pictures as they are."""
        with self.hold_trait_notifications():
            self.zoom = self.brightness = self.contrast = 1.0
            self.turn, self.opacity = 0.0, 0.5

    def _do(self, field: str, doing: str, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do a job for the face shown now; drop it once another is shown."""
        turn = self._turns

        def unless_passed() -> T | SightlineError | None:
            if turn != self._turns:
                return None
            try:
                return job()
            except SightlineError as error:
                return error  # raised below, if it is still of interest

        def then(outcome: T | SightlineError | None) -> None:
            if turn != self._turns or outcome is None:
                return
            if isinstance(outcome, SightlineError):
                raise outcome
            done(outcome)

        self.do(field, doing, unless_passed, then)

    def compare(
        self,
        key: str,
        photographs: Sequence[Picture],
        best: Picture,
        others: Callable[[], Sequence[Picture]],
        *,
        title: str,
        note: str = "",
    ) -> None:
        """Compare a face with photographs: its best shot at once, its others later.

        Parameters
        ----------
        key : str
            Name of the face, by which it is told from others; not shown.
        photographs : sequence of Picture
            Photographs of the target.
        best : Picture
            Best shot of the face.
        others : callable
            Fetches its other shots; called on the thread of the work.
        title, note : str
            What is said of it.
        """
        with self.hold_trait_notifications():
            self._begin()
            self.key, self.title, self.note = key, title, note
            self.photographs = tuple(
                replace(one, eyes=self._eyes.get(one.jpeg)) for one in photographs
            )
            self.photograph = max(0, min(self.photograph, len(self.photographs) - 1))
            self.shots = (best,)

        def done(found: tuple[tuple[Picture, ...], tuple[Picture, ...]]) -> None:
            with self.hold_trait_notifications():
                self.photographs, self.shots = found

        self._do("shots", "Fetching the best shots", lambda: self._look(best, others), done)

    def leave(self) -> None:
        """Compare nothing."""
        with self.hold_trait_notifications():
            self._begin()
            self.key = self.title = self.note = ""
            self.photographs = self.shots = ()

    def _begin(self) -> None:
        self._turns += 1
        self.say("shots")
        self.shot, self.turn = 0, 0.0
        self.brightness = self.contrast = 1.0

    def _look(
        self, best: Picture, others: Callable[[], Sequence[Picture]]
    ) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
        known, models = self.photographs, self.models()
        for one in known:
            if one.jpeg not in self._eyes:
                self._eyes[one.jpeg] = find_eyes(one.jpeg, models)
        photographs = tuple(replace(one, eyes=self._eyes[one.jpeg]) for one in known)
        shots = (best, *others())
        return photographs, tuple(replace(one, eyes=find_eyes(one.jpeg, models)) for one in shots)


def _chosen(pictures: Sequence[Picture], number: int) -> Picture | None:
    """The picture with a number; the last if the number is still that of one of another face."""
    return pictures[min(number, len(pictures) - 1)] if pictures else None

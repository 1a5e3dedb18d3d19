"""The target's photograph and a candidate's best shot beside or over each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from traitlets import Bytes, Enum, Float, Instance, Int, Tuple, Unicode

from workbench.casework.reviewing.triage import may_see_clip, record_clip
from workbench.domain import Candidate, Photograph, Profile
from workbench.errors import SightlineError
from workbench.faces.landmarks import find_eyes
from workbench.installation import Installation
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from datetime import datetime

    from workbench.domain import Shot
    from workbench.faces.clips import Clip
    from workbench.faces.landmarks import Eyes
    from workbench.faces.models import Models

SIDE, OVERLAY, FLICKER = "side", "overlay", "flicker"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a face; ``eyes`` are None where none were found, or not yet."""

    jpeg: bytes = field(repr=False)
    eyes: Eyes | None
    name: str
    time: datetime | None = None  # UTC


class Comparison(Tasks):
    """Pictures of a target and of a candidate, and how they are laid beside each other.

    Problems are reported in ``messages``, under ``shots`` or ``clip``.

    Parameters
    ----------
    gallery : Path
        The gallery that the candidates are from.
    installation : Installation
        Whose models and register are used.
    profile : Profile
        The model profile of the gallery.
    zone : ZoneInfo
        The zone of local times.
    work : Work, optional
        Where long work is done; by default at once and in place.
    """

    candidate = Instance(Candidate, allow_none=True)
    case = Unicode(help="reference of the case under which the candidate was found")
    photographs = Tuple(help="of the target, each a Picture")
    shots = Tuple(help="of the candidate's tracklet, each a Picture, best first")
    photograph = Int(0, help="which photograph is compared")
    shot = Int(0, help="which best shot is compared")
    mode = Enum((SIDE, OVERLAY, FLICKER), SIDE)
    zoom = Float(1.0, min=1.0, max=6.0)
    turn = Float(0.0, min=-180.0, max=180.0, help="degrees clockwise, of the candidate's picture")
    brightness = Float(1.0, min=0.4, max=2.5, help="of the candidate's picture")
    contrast = Float(1.0, min=0.4, max=2.5, help="of the candidate's picture")
    opacity = Float(0.5, min=0.0, max=1.0, help="of the candidate's picture where it lies over")
    clip_from = Float(0.0, help="seconds into the clip at which the best shot is")
    clip = Bytes(help="MP4 of the seconds around it; empty while there is none")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        profile: Profile,
        zone: ZoneInfo,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.installation, self.gallery = installation, gallery
        self.profile, self.zone = profile, zone
        self._turns = 0  # how often another candidate was taken; read on the thread of the work
        self._eyes: dict[bytes, Eyes | None] = {}  # of the target's photographs

    @property
    def left(self) -> Picture | None:
        """The photograph that is compared."""
        return self.photographs[self.photograph] if self.photographs else None

    @property
    def right(self) -> Picture | None:
        """The best shot that is compared."""
        return self.shots[self.shot] if self.shots else None

    @property
    def alignment(self) -> str:
        """Sentence that says whether the two pictures are aligned, and if not, why."""
        if self.left is None or self.right is None:
            return ""
        lacking = [
            f"the {name}"
            for name, one in (("photograph", self.left), ("candidate's picture", self.right))
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

    def make_clip(self) -> None:
        """Cut the seconds around the candidate, everybody else made coarse; that is recorded."""
        candidate, reference = self.candidate, self.case
        if candidate is None or self.state != "idle":
            return
        self.say("clip")

        def done(clip: Clip) -> None:
            record_clip(self.installation.register, reference, candidate, clip)
            self.clip_from = candidate.shot_seconds - clip.start
            self.clip = clip.film

        self._do("clip", "Cutting the clip", lambda: self._cut(candidate, reference), done)

    def _do(self, field: str, doing: str, job: Callable[[], T], done: Callable[[T], None]) -> None:
        """Do a job for the candidate shown now; drop it once another candidate is shown."""
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

    def _cut(self, candidate: Candidate, reference: str) -> Clip:
        may_see_clip(self.installation.register, reference, candidate)
        return self.installation.cut_clip(self.gallery, candidate, of=self._models())

    def show(
        self, candidate: Candidate | None, photographs: Sequence[Photograph] = (), *, case: str = ""
    ) -> None:
        """Compare a candidate with photographs: its best shot at once, its other shots later.

        Parameters
        ----------
        candidate : Candidate or None
            The candidate to compare; None to compare nothing.
        photographs : sequence of Photograph
            Photographs of the target, one at least.
        case : str
            Reference of the case under which the candidate was found.
        """
        if candidate is not None and (candidate, case) == (self.candidate, self.case):
            return
        self._turns += 1
        self.say("clip")
        self.say("shots")
        with self.hold_trait_notifications():
            self.clip, self.shot, self.turn = b"", 0, 0.0
            self.brightness = self.contrast = 1.0
            self.candidate, self.case = candidate, case
            if candidate is None:
                self.photographs = self.shots = ()
                return
            known = self._eyes
            self.photographs = tuple(
                Picture(one.jpeg, known.get(one.jpeg), one.name) for one in photographs
            )
            self.photograph = min(self.photograph, len(self.photographs) - 1)
            best = Picture(candidate.shot_jpeg, None, "Best shot", candidate.shot_time)
            self.shots = (best,)

        def done(found: tuple[tuple[Picture, ...], tuple[Picture, ...]]) -> None:
            with self.hold_trait_notifications():
                self.photographs, self.shots = found

        self._do("shots", "Fetching the best shots", lambda: self._look(candidate), done)

    def _look(self, candidate: Candidate) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
        models = self._models()
        for one in self.photographs:
            if one.jpeg not in self._eyes:
                self._eyes[one.jpeg] = find_eyes(one.jpeg, models)
        photographs = tuple(
            Picture(one.jpeg, self._eyes[one.jpeg], one.name) for one in self.photographs
        )
        with self.installation.open_gallery(self.gallery) as gallery:
            found: tuple[Shot, ...] = gallery.shots(candidate.tracklet_id)
        shots = tuple(
            Picture(
                shot.jpeg,
                find_eyes(shot.jpeg, models),
                "Best shot" if number == 1 else f"Shot {number}",
                shot.time,
            )
            for number, shot in enumerate(found, start=1)
        )
        return photographs, shots

    def _models(self) -> Models:
        return self.installation.load_models(self.profile)

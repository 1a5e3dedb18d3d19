"""Footage around a candidate or sighting, with the neighbouring cameras in step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
from traitlets import Bool, Float, Instance, Int, List, Tuple, Unicode

from workbench.casework.viewing import (
    Detail,
    Piece,
    may_go_on,
    may_watch,
    record_viewing,
)
from workbench.casework.watching import in_step
from workbench.domain import Camera, base_camera
from workbench.errors import SightlineError
from workbench.widgets.components import controls
from workbench.widgets.components.media import Standing, address
from workbench.widgets.components.parts import (
    Panel,
    button,
    camera_name,
    escaped,
    heading,
    markup,
    message,
    row,
)
from workbench.widgets.components.tasks import GalleryTasks

if TYPE_CHECKING:
    pass

SECONDS = 10.0  # of a piece
FARTHEST = 2 * SECONDS  # that one step leads
BESIDE = 3  # neighbouring cameras
SHARP_OR_NOT: tuple[Detail, Detail] = ("coarse", "sharp")
COARSE = (
    "The whole picture is pixelated. Members of the case see it sharp for a reason, "
    "which is on record; so is all that is shown here."
)
SHARP = "Shown sharp, which is on record with the reason. Other people are in it: look no longer "
SHARP += "than you need."


@dataclass(frozen=True, slots=True)
class View:
    """A piece, or a picture, that is shown, and when it begins after the moment asked for."""

    piece: Piece
    film: bytes = field(repr=False)  # MP4
    after: float  # seconds


class Watching(GalleryTasks):
    """View-model of footage that is watched under a case.

    Of each camera one picture is shown until somebody plays them: what is on record as shown is
    what was sent, and no piece is sent that nobody plays.

    Problems are reported in ``messages``, under ``watching``.
    """

    case = Unicode(help="reference of the case; empty while nothing is watched")
    origin = Instance(Camera, allow_none=True, help="whose footage comes first")
    moment = Instance(datetime, allow_none=True, help="UTC, at which the pieces begin")
    views = Tuple(help="what is shown, each a View, that of the origin first")
    reason = Unicode(help="why it is shown sharp; empty: it is not")
    playing = Bool(help="pieces are shown; else the first picture of each alone")
    shown = Int(help="counts what was asked for and is shown")
    failures = Int(help="counts what was asked for and could not be shown")

    def open(self, case: str, origin: Camera, moment: datetime) -> None:
        """Show what a camera recorded at a moment, coarse, and its neighbours."""
        with self.hold_trait_notifications():
            self.case, self.origin, self.moment, self.views, self.reason = (
                case,
                origin,
                None,
                (),
                "",
            )
        self.go(moment)

    def close(self) -> None:
        """Show nothing any more."""
        self._asked += 1
        self.say("watching")
        with self.hold_trait_notifications():
            self.case, self.origin, self.moment, self.views, self.reason = "", None, None, (), ""

    def step(self, seconds: float, *, play: bool = False) -> None:
        """Show what was so many seconds later, or earlier."""
        if self.moment is not None:
            self.go(self.moment + timedelta(seconds=seconds), play=play)

    def sharpen(self, reason: str, *, after: float = 0.0) -> None:
        """Show sharp what was so many seconds later, for a reason that is put on record."""
        if self.moment is None:
            return
        self.say("watching", "" if reason.strip() else "Write the reason first: it is on record.")
        if reason.strip():
            self.go(self.moment + timedelta(seconds=after), reason=reason.strip())

    def coarsen(self, *, after: float = 0.0) -> None:
        """Show coarse again what was so many seconds later."""
        if self.moment is not None:
            self.go(self.moment + timedelta(seconds=after), reason="")

    def go(self, moment: datetime, *, reason: str | None = None, play: bool = False) -> None:
        """Show what was recorded at another moment; by default as coarse or sharp as now.

        *play*: the whole piece from there on, not its first picture alone.
        """
        case, origin = self.case, self.origin
        if origin is None:
            return
        why = self.reason if reason is None else reason
        self._asked += 1
        asked = self._asked
        self.say("watching")

        def done(found: tuple[tuple[View, ...], list[str]]) -> None:
            if asked != self._asked:  # something else was asked for meanwhile
                return
            views, missing = found
            register, detail = self.installation.register, SHARP_OR_NOT[bool(why)]
            with self.installation.open_gallery(self.gallery) as gallery:
                for view in views:
                    record_viewing(register, case, gallery, view.piece, detail, reason=why)
            with self.hold_trait_notifications():
                self.moment, self.views, self.reason, self.playing = moment, views, why, play
                self.shown += 1
            self.say("watching", "\n".join(missing))

        def job() -> tuple[tuple[View, ...], list[str]]:
            return self._cut(case, origin, moment, asked, sharp=bool(why), play=play)

        def failed() -> None:
            if asked != self._asked:
                return
            self.failures += 1
            if not Standing(may_go_on, (self.installation.register, case)).holds():
                self.views = ()  # nor is what was shown before to be seen any longer
                self.shown += 1

        self.do("watching", "Reading the footage", job, done, failed=failed)

    def _cut(
        self,
        reference: str,
        origin: Camera,
        moment: datetime,
        asked: int,
        *,
        sharp: bool,
        play: bool,
    ) -> tuple[tuple[View, ...], list[str]]:
        """Make the films of a moment; and sentences about what cannot be shown."""
        register, detail = self.installation.register, SHARP_OR_NOT[sharp]
        may_go_on(register, reference, detail)
        case = register.case(reference)
        views: list[View] = []
        missing: list[str] = []
        with self.installation.open_gallery(self.gallery) as gallery:
            pieces = in_step(case, gallery, origin, moment, SECONDS, beside=BESIDE)
            if not play:
                pieces = tuple(piece.first_picture for piece in pieces)
            for piece in pieces:
                may_watch(register, reference, gallery, piece, detail)
        own = base_camera(origin.camera_id)
        if not any(base_camera(piece.camera.camera_id) == own for piece in pieces):
            missing.append(
                f"{camera_name(origin)} recorded nothing then, or nothing that the case covers."
            )
        for piece in pieces:
            if asked != self._asked:  # nobody waits for these any more
                break
            try:
                film = self.installation.cut_piece(self.gallery, piece, sharp=sharp)
            except SightlineError as error:
                missing.append(f"{camera_name(piece.camera)}: {error}")
            else:
                views.append(View(piece, film, (piece.since - moment).total_seconds()))
        return tuple(views), missing


class Player(anywidget.AnyWidget):
    """Plays the films of several cameras in step; texts are plain, the browser sets them."""

    _esm = Path(__file__).with_name("player.js")
    _css = Path(__file__).with_name("player.css")

    films: Any = List(
        help="each with film (an address), name, mark of its time, and after (seconds)"
    ).tag(sync=True)
    begins = Float(help="the moment at which they begin, in milliseconds since 1970").tag(sync=True)
    zone = Unicode(help="the zone of the times shown").tag(sync=True)
    at = Float(help="seconds after it that are shown; the browser says so").tag(sync=True)
    pieces = Bool(help="whether they are to be played; else each has one picture").tag(sync=True)
    seconds = Float(SECONDS).tag(sync=True)
    busy = Bool(help="whether other pieces are being read").tag(sync=True)
    round = Int(help="counts what is shown, to start again").tag(sync=True)
    shown = Int(help="counts what was asked for and is shown")
    failures = Int(help="counts what could not be shown, to stop playing").tag(sync=True)


class WatchPanel(Panel):
    """The footage that is watched, with what leads through it."""

    def __init__(self, model: Watching) -> None:
        self.model = model
        self.player = Player(zone=model.zone.key)
        self.title, self.hint, self.busy = markup(), markup(), markup()
        self.reason = controls.Text(
            placeholder="Why you need to see it sharp", tooltip="Reason", layout={"width": "300px"}
        )
        self.sharpen = button(
            "Show sharp", lambda: model.sharpen(self.reason.value, after=self._at())
        )
        self.coarsen = button("Pixelate again", lambda: model.coarsen(after=self._at()))
        super().__init__(
            [
                row(heading("Footage"), self.title, button("Close", model.close)),
                message(model, "watching"),
                self.player,
                self.hint,
                row(self.reason, self.sharpen, self.coarsen, self.busy),
            ]
        )
        self.add_class("sl-panel")
        self.add_class("sl-watching")
        self.player.on_msg(self._received)
        model.observe(self._draw, ["origin", "shown"])
        model.observe(self._show_busy, ["state", "doing"])
        model.observe(self._stop, "failures")
        self._draw()

    def _at(self) -> float:
        """Seconds after the moment at which the browser is; it may say anything."""
        at = self.player.at
        return at if 0 <= at <= SECONDS else 0.0  # NaN is not

    def _received(self, _: object, message: dict[str, Any], __: object) -> None:
        """Show what was so many seconds later, or earlier; what comes may be anything."""
        to = message.get("to")
        if isinstance(to, int | float) and abs(to) <= FARTHEST:  # written so that NaN fails too
            self.model.step(float(to), play=bool(message.get("plays")))

    def _stop(self, _: object = None) -> None:
        """Stop playing, so that what was refused is not asked for again."""
        self.player.failures = self.model.failures

    def _draw(self, _: object = None) -> None:
        model = self.model
        self.coarsen.layout.display = "" if model.reason else "none"
        for widget in (self.reason, self.sharpen):
            widget.layout.display = "none" if model.reason else ""
        self.layout.display = "none" if model.origin is None else ""
        if model.origin is not None:
            self.title.value = f"<span>{escaped(camera_name(model.origin))}</span>"
        if model.origin is None or model.moment is None:
            self.player.films = []
            return
        words = "" if not model.views else SHARP if model.reason else COARSE
        self.hint.value = f'<p class="sl-hint" role="status">{escaped(words)}</p>'
        register = model.installation.register
        standing = Standing(may_go_on, (register, model.case, SHARP_OR_NOT[bool(model.reason)]))
        with self.player.hold_sync():
            self.player.begins = 1000 * model.moment.timestamp()
            self.player.at, self.player.pieces = 0.0, model.playing
            self.player.films = [
                {
                    "film": address(one.film, "video/mp4", standing=standing),
                    "name": camera_name(one.piece.camera),
                    "mark": one.piece.timing,
                    "after": one.after,
                }
                for one in model.views
            ]
            self.player.round += 1

    def _show_busy(self, _: object = None) -> None:
        words = escaped(self.model.doing)
        self.player.busy = bool(words)
        self.busy.value = f'<span class="sl-busy" role="status">{words}</span>'

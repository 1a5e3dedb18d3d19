"""Long work done for the person at a page, its progress, and messages about their input."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from traitlets import Bool, Dict, Enum, HasTraits, Instance, Unicode

from workbench.domain import Progress, ProgressCallback
from workbench.errors import Cancelled, SightlineError, unwritten
from workbench.widgets.components.work import InPlace, Work

if TYPE_CHECKING:
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from workbench.installation import Installation

UNEXPECTED = "Something went wrong. The details are in the log."
IDLE, LOADING, SEARCHING = "idle", "loading", "searching"
# Seconds between two reports of progress to the page: each costs a message.
REPORT_EVERY = 0.1
T = TypeVar("T")

_log = logging.getLogger(__name__)


class Tasks(HasTraits):
    """Base of view-models: has long work done, and reports progress and problems.

    Nothing here raises because of what a person typed, drew or uploaded: errors of our family
    become messages beside a field; any other is logged, and reported in a plain sentence.
    """

    state = Enum([IDLE, LOADING, SEARCHING], IDLE)
    doing = Unicode(help="what is being done while the state is not idle")
    progress = Instance(Progress, allow_none=True, help="how far it has come; None: not known")
    begun = 0.0  # by time.monotonic, when the first of what is being done was given
    cancelling = Bool(help="Cancel was pressed, and the work has not ended yet")
    messages = Dict(help="by field what is wrong with it, in words for the person who filled it in")

    def __init__(self, work: Work | None = None) -> None:
        super().__init__()
        self._work = work or InPlace()
        self._jobs = 0
        self._stop = Event()  # read on the thread of the work

    @property
    def work(self) -> Work:
        """Worker for long jobs; the view-models of one page share it."""
        return self._work

    def say(self, field: str, message: str = "", *, also: bool = False) -> None:
        """Put a message beside a field, in place of the one there or also; or take it away."""
        before = self.messages.get(field, "") if also else ""
        others = {key: text for key, text in self.messages.items() if key != field}
        text = "\n".join(filter(None, (before, message)))
        self.messages = {**others, field: text} if text else others

    def do(
        self,
        field: str,
        doing: str,
        job: Callable[[], T],
        done: Callable[[T], None],
        *,
        state: str = LOADING,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        """Have *job* done, give its result to *done*, and say beside *field* what either raises.

        *failed* is called after either raised.
        """
        if not self._jobs:
            self.begun, self.progress, self._stop = time.monotonic(), None, Event()
        self._jobs += 1
        self.state, self.doing = state, doing
        stop = self._stop

        def unless_cancelled() -> T:
            if stop.is_set():
                raise Cancelled(f"{doing}: cancelled", fix="Start it again if you need it")
            return job()

        def then(future: Future[T]) -> None:
            self._jobs -= 1
            if not self._jobs:
                self.state, self.doing, self.cancelling = IDLE, "", False
            try:
                done(future.result())
                return
            except SightlineError as error:
                self.say(field, str(error), also=True)
            except OSError as error:
                _log.exception("%s failed", doing)
                what, fix = unwritten(error, fix="")
                self.say(field, f"{doing}: {what}. {fix}." if fix else UNEXPECTED, also=True)
            except Exception:
                _log.exception("%s failed", doing)
                self.say(field, UNEXPECTED, also=True)
            failed()

        self._work.run(unless_cancelled, then)

    def cancel(self) -> None:
        """Have nothing more done of what is waiting, and what is being done ended when it can."""
        if self._jobs:
            self._stop.set()
            self.cancelling = True

    def on_progress(self) -> ProgressCallback:
        """Make a callback for a job: it shows progress, and raises Cancelled after Cancel."""
        stop, last = self._stop, 0.0

        def report(progress: Progress) -> None:
            nonlocal last
            if stop.is_set():
                raise Cancelled("this was cancelled", fix="Start it again if you need it")
            now = time.monotonic()
            if now - last >= REPORT_EVERY or progress.done == progress.total:
                last = now
                self._work.call_on_page(lambda: self._show(progress))

        return report

    def _show(self, progress: Progress) -> None:
        if self._jobs:  # what is reported late is of no interest any more
            self.progress = progress


def remaining(done: int, total: int, seconds: float) -> float | None:
    """Estimate the remaining seconds at the pace so far; None while that would be a guess."""
    if done <= 0 or total <= done or seconds < 1:
        return None
    return seconds * (total - done) / done


class GalleryTasks(Tasks):
    """Base of view-models of the footage of a gallery.

    Parameters
    ----------
    gallery : Path
        In which the recordings are.
    installation : Installation
        Whose register permits and records what is shown.
    zone : ZoneInfo
        The zone of local times.
    work : Work, optional
        Where footage is read.
    """

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        zone: ZoneInfo,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.gallery, self.installation, self.zone = gallery, installation, zone
        self._asked = 0  # counts what was asked for: an answer to something earlier is passed over

"""Clocks of recordings, as the page of footage has them looked at, compared and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets import Bool, Instance, Tuple, Unicode

from workbench.casework.clockcorrection import ClockTarget, correct_clocks
from workbench.casework.clocks import (
    ClockView,
    ComparedClock,
    compare_clock,
    compared_clocks,
    view_clock,
)
from workbench.errors import TimeError
from workbench.footage.clockpictures import read_area
from workbench.widgets.components.tasks import Tasks
from workbench.widgets.components.work import Work

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from workbench.domain import ClockChange
    from workbench.footage.clockreading import ClockComparison
    from workbench.installation import Installation


class Clocks(Tasks):
    """View-model of the clocks of a gallery's recordings.

    Parameters
    ----------
    gallery : Path
        Opened for each action and closed again.
    """

    may_look = Bool(help="whether the person's role covers looking at clocks")
    may_correct = Bool(help="whether it covers correcting them")
    comparisons = Tuple(help="those on record, each a ComparedClock, the latest first")
    view = Instance(ClockView, allow_none=True, help="pictures whose clock is being read")
    words = Unicode(help="what the comparison that was just made shows")
    changes = Tuple(help="old and new times, each a ClockChange: planned or made")
    made = Bool(help="whether the changes were made")

    def __init__(
        self,
        gallery: Path,
        *,
        installation: Installation,
        work: Work | None = None,
    ) -> None:
        super().__init__(work)
        self.gallery, self.installation = gallery, installation

    def load(self) -> None:
        """Read from the record who may do what, and what was compared."""

        def job() -> tuple[bool, bool, tuple[ComparedClock, ...]]:
            register = self.installation.register
            me = register.me
            look = me.may("clock.view")
            if not look:
                return look, me.may("clock.correct"), ()
            with self.installation.open_gallery(self.gallery) as gallery:
                return look, me.may("clock.correct"), compared_clocks(register, gallery)

        def done(found: tuple[bool, bool, tuple[ComparedClock, ...]]) -> None:
            self.may_look, self.may_correct, self.comparisons = found

        self.do("clock", "Reading the record", job, done)

    def look(self, recording_id: str, from_seconds: float, area: str) -> None:
        """Fetch the pictures of a stretch, pixelated but for an area."""
        self.say("clock")
        self.view, self.words = None, ""

        def job() -> ClockView:
            part = read_area(area)
            with self.installation.open_gallery(self.gallery) as gallery:
                return view_clock(
                    self.installation.register,
                    gallery,
                    recording_id,
                    area=part,
                    from_seconds=from_seconds,
                )

        def done(view: ClockView) -> None:
            self.view = view

        self.do("clock", "Fetching the pictures", job, done)

    def compare(
        self, readings: Sequence[str], *, zone: ZoneInfo, ahead: str, uncertainty: str, how: str
    ) -> None:
        """Compare what the clock shows in the pictures with the catalogue; keep it on record.

        *zone* is that of the clock; numbers are as they were typed.
        """
        self.say("clock")
        self.words = ""
        if self.view is None:
            return
        stretch = self.view.stretch

        def job() -> tuple[ComparedClock, ClockComparison]:
            error = seconds_of(ahead, "The clock in the picture was ahead by")
            within = seconds_of(uncertainty, "give or take") if uncertainty.strip() else 0.0
            with self.installation.open_gallery(self.gallery) as gallery:
                return compare_clock(
                    self.installation.register,
                    gallery,
                    stretch.recording_id,
                    first=readings[0],
                    last=readings[1] if len(readings) > 1 else "",
                    zone=zone,
                    error_seconds=error,
                    error_uncertainty_seconds=within,
                    how=how,
                    from_seconds=stretch.from_seconds,
                )

        def done(found: tuple[ComparedClock, ClockComparison]) -> None:
            kept, comparison = found
            others = (one for one in self.comparisons if not _same_stretch(one, kept))
            self.comparisons = (kept, *others)
            self.words = f"The catalogue is {comparison.words()}. On record: entry {kept.number}."

        self.do("clock", "Comparing", job, done)

    def correct(
        self,
        target: ClockTarget,
        *,
        ahead: str | None,
        uncertainty: str,
        how: str,
        dry_run: bool,
    ) -> None:
        """Correct the clocks of a target, or confirm them (*ahead* is None), or only show how.

        Numbers are as they were typed.
        """
        self.say("correct")
        self.changes, self.made = (), False

        def job() -> tuple[ClockChange, ...]:
            offset = None if ahead is None else seconds_of(ahead, "The time is ahead by")
            within = seconds_of(uncertainty, "Give or take") if uncertainty.strip() else None
            with self.installation.open_gallery(
                self.gallery, write=not dry_run, action="clock.correct"
            ) as gallery:
                return correct_clocks(
                    self.installation.register,
                    gallery,
                    target,
                    offset_seconds=offset,
                    uncertainty_seconds=within,
                    how=how,
                    dry_run=dry_run,
                )

        def done(changes: tuple[ClockChange, ...]) -> None:
            self.made = not dry_run
            self.changes = changes

        self.do("correct", "Correcting" if not dry_run else "Comparing times", job, done)

    def compared(self, recording_id: str, from_seconds: float) -> ComparedClock | None:
        """The latest comparison on record for a stretch."""
        known: tuple[ComparedClock, ...] = self.comparisons
        for one in known:
            if (one.recording_id, one.from_seconds) == (recording_id, from_seconds):
                return one
        return None

    def forget(self) -> None:
        """Put away the pictures and what was found: another recording was chosen."""
        for field in ("clock", "correct"):
            self.say(field)
        with self.hold_trait_notifications():
            self.view, self.words, self.changes, self.made = None, "", (), False


def _same_stretch(one: ComparedClock, other: ComparedClock) -> bool:
    return (one.recording_id, one.from_seconds) == (other.recording_id, other.from_seconds)


def seconds_of(text: str, field: str) -> float:
    """Read a number of seconds that a person typed; raise TimeError that names the field."""
    try:
        return float(text.strip().replace(",", ".").replace("−", "-"))
    except ValueError:
        raise TimeError(
            f"{text!r} is not a number of seconds" if text.strip() else "is empty",
            where=field,
            fix="Write seconds, such as 95 or -0.5; 0 if the clock was right",
        ) from None

"""Corrections of clocks for all of a camera or a folder, also for what is indexed later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from workbench.domain.clocks import GIVEN_FOR, ClockCorrection, length_words
from workbench.domain.times import utc
from workbench.errors import TimeError


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """Correction of all clocks of a camera or a folder, also for recordings stored later."""

    correction: ClockCorrection
    camera_id: str = ""  # empty: of the folder
    folder: str = ""  # as files are catalogued, without a slash at the end; ".": all
    since: datetime | None = None  # UTC; recordings that begin from then, as stated
    until: datetime | None = None  # and before then
    # Folder of the catalogue that lists them. Empty: any, where all are meant, else none known.
    catalogue: str = ""

    def __post_init__(self) -> None:
        if bool(self.camera_id) == bool(self.folder):
            raise TimeError(
                "a clock is set either for a camera or for a folder",
                where="clock",
                fix="Name one of the two",
            )
        if self.correction.offset_seconds is None:
            raise TimeError(
                "recordings that are stored later cannot be confirmed yet",
                where="clock",
                fix="Name the recordings, or give the offset",
            )
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None:
                object.__setattr__(self, name, utc(moment, where=f"clock, {name}"))
        object.__setattr__(self, "folder", self.folder.rstrip("/") or (self.folder[:1] and "."))

    @property
    def offset_seconds(self) -> float:
        """Seconds by which the clock was ahead."""
        assert self.correction.offset_seconds is not None  # as was checked above
        return self.correction.offset_seconds

    @property
    def given_for(self) -> str:
        """One of GIVEN_FOR: a folder or a camera."""
        return "folder" if self.folder else "camera"

    @property
    def place(self) -> str:
        """The camera or folder in words."""
        if self.camera_id:
            return f"camera {self.camera_id}"
        return f"folder {self.folder}" + (f" of {self.catalogue}" if self.catalogue else "")

    def in_words(self, zone: tzinfo = UTC) -> str:
        """Say what it holds for, how far the clock was ahead, and who found that how."""
        place = self.place
        bounds = "".join(
            f", {word} {moment.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            for word, moment in (("from", self.since), ("before", self.until))
            if moment is not None
        )
        way = "ahead" if self.offset_seconds >= 0 else "behind"
        within = self.correction.uncertainty_seconds
        more = "" if within is None else f" (± {length_words(within)})"
        return (
            f"{place}{bounds}: {length_words(abs(self.offset_seconds))} {way}{more}, found by "
            f"{self.correction.found_by}: {self.correction.how}"
        )

    def concerns(self, camera_id: str, file: str, stated_at: datetime, catalogue: str = "") -> bool:
        """Return True if it holds for a recording."""
        # A camera that moves has others behind an "@", one for each place.
        own = camera_id == self.camera_id or camera_id.startswith(f"{self.camera_id}@")
        if self.camera_id and not own:
            return False
        if self.folder not in ("", ".") and not file.startswith(f"{self.folder}/"):
            return False
        # Names of folders are those of one catalogue; another one may have the same.
        if self.folder and (self.catalogue or self.folder != ".") and catalogue != self.catalogue:
            return False
        begun = self.since is None or self.since <= stated_at
        return begun and (self.until is None or stated_at < self.until)


def setting_for(
    settings: Iterable[ClockSetting],
    camera_id: str,
    file: str,
    stated_at: datetime,
    catalogue: str = "",
) -> ClockSetting | None:
    """The setting that holds for a recording: one of its folder before one of its camera.

    Among several of one kind the newest holds; None if there is none.
    """
    return max(
        (s for s in settings if s.concerns(camera_id, file, stated_at, catalogue)),
        # At the same moment, any order that is always the same.
        key=lambda s: (GIVEN_FOR.index(s.given_for), s.correction.found_at, s.offset_seconds),
        default=None,
    )

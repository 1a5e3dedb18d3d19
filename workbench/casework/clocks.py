"""Clocks in pictures: shown without the people, read, and compared with the catalogue, on record.

An analyst looks and reads; the comparison is kept as evidence of an offset. Correcting by it takes
a person who does not search: a corrected time can bring footage into the time range of a case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.clockareas import refuse_more
from workbench.casework.plaintext import plain
from workbench.domain import Stretch
from workbench.errors import CaseError, GalleryError
from workbench.footage.clockpictures import (
    SAME_SECOND,
    ClockArea,
    ClockPicture,
    clock_pictures,
)
from workbench.footage.clockreading import ClockComparison, ClockReading, compare, read_clock
from workbench.indexing.sources import indexed_source

if TYPE_CHECKING:
    from datetime import tzinfo

    from workbench.casework.record.chain import Entry
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery

VIEWED, COMPARED = "clock.viewed", "clock.compared"


@dataclass(frozen=True, slots=True)
class RecordedStretch:
    """A stretch of a recording of a gallery, with what is known of its clock."""

    recording_id: str
    file: str
    camera_id: str
    stated_at: datetime  # UTC: the beginning of the recording, by the camera's clock or the list
    until_seconds: float  # of the recording, where the stretch ends
    clock: Stretch
    is_all: bool  # of the recording
    catalogue: str  # that lists it; empty: not noted

    @property
    def from_seconds(self) -> float:
        """Second of the recording at which the stretch begins."""
        return self.clock.from_seconds

    @property
    def recorded(self) -> datetime:
        """UTC time of its beginning by the camera's clock or the list."""
        return self.stated(self.from_seconds)

    @property
    def corrected(self) -> datetime:
        """UTC time of its beginning as far as is known."""
        return self.recorded - timedelta(seconds=self.clock.offset_seconds)

    @property
    def is_plain(self) -> bool:
        """True if its times are as recorded, nothing speaks against them, and no one found more."""
        return self.clock == Stretch(self.from_seconds, note=self.clock.note)

    def stated(self, seconds: float) -> datetime:
        """UTC time that the catalogue states for a second of the recording."""
        return self.stated_at + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class ClockView:
    """The pictures of a stretch in which its clock can be read, as they were handed out."""

    stretch: RecordedStretch
    pictures: tuple[ClockPicture, ...]
    number: int  # of the entry in the record


@dataclass(frozen=True, slots=True)
class ComparedClock:
    """A comparison as the record keeps it."""

    recording_id: str
    file: str
    camera_id: str
    from_seconds: float
    gallery: str
    offset_seconds: float
    uncertainty_seconds: float
    how: str  # the offset was found, for whoever asks what a corrected time rests on
    by: str
    at: datetime  # UTC
    number: int  # of the entry in the record
    stated_at: datetime  # UTC: the beginning of the recording, as it was stated then
    content: str  # SHA-256 of the recording's file
    stream: int  # of its pictures; 0: not noted

    @property
    def key(self) -> tuple[str, str, int]:
        """Content, camera and picture stream of its recording, whatever id a gallery gives it."""
        return self.content, self.camera_id, self.stream


def find_recording(gallery: Gallery, recording: str) -> str:
    """Return the id of a recording, given by its id or its file.

    Raises
    ------
    GalleryError
        If there is none, or several recordings have that file.
    """
    return str(_row(gallery, recording)["recording_id"])


def find_stretch(gallery: Gallery, recording: str, from_seconds: float = 0.0) -> RecordedStretch:
    """Find a recording by its id or its file, and the stretch of it that begins at a second.

    Raises
    ------
    GalleryError
        If there is none, or several recordings have that file.
    """
    row = _row(gallery, recording)
    stretches = list_clocks(gallery, recording_id=row["recording_id"])
    for one in stretches:
        if abs(one.from_seconds - from_seconds) <= SAME_SECOND:
            return one
    raise GalleryError(
        f"no stretch begins at {from_seconds:g} s",
        where=row["file"],
        fix=f"Its stretches begin at {', '.join(f'{one.from_seconds:g}' for one in stretches)} s",
    )


def list_clocks(
    gallery: Gallery, *, recording_id: str = "", camera_id: str = "", uncertain: bool = False
) -> tuple[RecordedStretch, ...]:
    """Stretches of the recordings of a gallery, by the start of the recording.

    Parameters
    ----------
    recording_id, camera_id : str
        Only those of this recording, or camera; empty: of all.
    uncertain : bool
        Only those whose times are in doubt.
    """
    rows = gallery.recorded_stretches(
        recording_id=recording_id, camera_id=camera_id, uncertain=uncertain
    )
    return tuple(
        RecordedStretch(
            row["recording_id"],
            row["file"],
            row["camera_id"],
            row["stated_at"].astimezone(UTC),
            row["ends"],
            clock,
            is_all=row["is_all"],
            catalogue=row["catalogue"],
        )
        for row, clock in rows
    )


def view_clock(
    register: CaseRegister,
    gallery: Gallery,
    recording: str,
    *,
    area: ClockArea | None = None,
    from_seconds: float = 0.0,
    footage: Sequence[Path] = (),
) -> ClockView:
    """Take the first and the last picture of a stretch, pixelated but for the area of its clock.

    What is handed out is on record first, with its SHA-256. What one person is shown sharp of the
    pictures of a stretch is never more than an eighth of them, however often they look.

    Parameters
    ----------
    recording : str
        Id or file of a recording of the gallery.
    area : ClockArea, optional
        Where the clock stands; by default nothing is sharp.
    from_seconds : float
        Where the stretch begins, in seconds of the recording.
    footage : sequence of Path
        Folders in which recordings are looked for, before those they were indexed from.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it; on record.
    CaseError
        If, with what they were shown before, more than an eighth would be sharp.
    GalleryError
        If there is no such recording or stretch.
    RecordingError
        If the recording is not there, not the one that was indexed, or cannot be read.
    """
    me = register.require("clock.view")
    stretch = find_stretch(gallery, recording, from_seconds)
    reading = gallery.how_read(stretch.recording_id)
    pictures = clock_pictures(
        indexed_source(gallery, stretch.recording_id, folders=footage),
        area=area,
        start=stretch.from_seconds,
        end=stretch.until_seconds,
        name=stretch.file,
        reading=reading,
    )
    about = {
        **_about(gallery, stretch),
        "content": _row(gallery, stretch.recording_id)["sha256"],
        "stream": reading.stream,
        "area": "" if area is None else str(area),
        "pictures": [
            {"seconds": one.seconds, "sha256": hashlib.sha256(one.png).hexdigest()}
            for one in pictures
        ],
    }
    with register.exclusively():
        if area is not None:
            refuse_more(register.entries_of("", VIEWED), me.account, about, area)
        return ClockView(stretch, pictures, register.record(VIEWED, about, by=me).number)


def compare_clock(
    register: CaseRegister,
    gallery: Gallery,
    recording: str,
    *,
    first: str,
    last: str = "",
    zone: tzinfo,
    error_seconds: float,
    how: str,
    error_uncertainty_seconds: float = 0.0,
    from_seconds: float = 0.0,
) -> tuple[ComparedClock, ClockComparison]:
    """Compare what the clock shows in the pictures last viewed with the catalogue, on record.

    Parameters
    ----------
    recording, from_seconds
        As in :func:`view_clock`.
    first, last : str
        What the clock shows in the first and in the last picture, as
        :func:`workbench.footage.clockreading.read_clock` reads it; *last* may be left empty.
    zone : tzinfo
        Of the clock in the picture.
    error_seconds, error_uncertainty_seconds : float
        How far that clock was ahead of the true time, 0 if it was right, and by how much that may
        be wrong.
    how : str
        How that is known.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it; on record.
    CaseError
        If nobody has viewed the pictures of that stretch, or it is not said how the clock's error
        is known.
    TimeError
        If a time cannot be read.
    """
    me = register.require("clock.view")
    stretch = find_stretch(gallery, recording, from_seconds)
    how = said_how(how)
    viewed = _last_viewed(register, stretch)
    texts = [text for text in (first, last) if text.strip()]
    pictures = viewed.about["pictures"]
    if not first.strip() or len(texts) > len(pictures):
        raise CaseError(
            f"{len(texts)} readings for {len(pictures)} pictures"
            if first.strip()
            else "the reading of the first picture is missing",
            where=stretch.file,
            fix="Read the first picture, and the last if there are two",
        )
    readings, kept = [], []
    for text, picture in zip(texts, pictures, strict=False):
        seconds = float(picture["seconds"])
        stated = stretch.stated(seconds)
        shown, resolution = read_clock(text, near=stated, zone=zone)
        readings.append(ClockReading(seconds, stated, shown, resolution))
        kept.append(
            {
                "seconds": seconds,
                "stated": stated.isoformat(),
                "read": text.strip(),
                "shown": shown.isoformat(),
                "resolution": resolution,
            }
        )
    found = compare(
        *readings,
        error_seconds=error_seconds,
        error_uncertainty_seconds=error_uncertainty_seconds,
    )
    about = {
        **_about(gallery, stretch),
        "content": viewed.about["content"],
        "stream": viewed.about["stream"],
        "viewed": viewed.number,
        "readings": kept,
        "error_seconds": error_seconds,
        "error_uncertainty_seconds": error_uncertainty_seconds,
        "how": how,
        "offset_seconds": found.offset_seconds,
        "uncertainty_seconds": found.uncertainty_seconds,
        "drift_ppm": found.drift_ppm,
        "smallest_drift_ppm": found.smallest_drift_ppm,
    }
    return _compared(register.record(COMPARED, about, by=me)), found


def compared_clocks(register: CaseRegister, gallery: Gallery) -> tuple[ComparedClock, ...]:
    """Comparisons on record for recordings of a gallery: of each stretch the last, latest first.

    Raises NotPermitted if the user may not look at clocks.
    """
    register.require("clock.view")
    compared = [_compared(entry) for entry in register.entries_of("", COMPARED)]
    found = {(one.recording_id, one.from_seconds): one for one in clocks_within(gallery, compared)}
    return tuple(sorted(found.values(), key=lambda one: -one.number))


def compared_clock(register: CaseRegister, number: int) -> ComparedClock:
    """Return the comparison that is an entry of the record; raise CaseError if it is not one.

    Raises NotPermitted if the user may not look at clocks.
    """
    register.require("clock.view")
    for entry in register.entries_of("", COMPARED):
        if entry.number == number:
            return _compared(entry)
    raise CaseError(
        f"entry {number} of the record is not a comparison of a clock",
        where="clock",
        fix="Use the number that `sightline footage clock read` printed",
    )


def clocks_within(gallery: Gallery, compared: Sequence[ComparedClock]) -> list[ComparedClock]:
    """Return the comparisons that are of a recording of a gallery, with its id there, in order.

    Wherever the gallery lies, and whichever it was compared in. An offset is right for the stated
    start that it was found for: one of a recording that is stated otherwise here is left out.
    """
    same = gallery.same_recordings(one.key for one in compared)
    names = [[one.recording_id, *same.get(one.key, [])] for one in compared]
    starts = gallery.starts({name for those in names for name in those})
    found = []
    for one, those in zip(compared, names, strict=True):
        here = (n for n in those if n in starts and starts[n].stated_at == one.stated_at)
        if (name := next(here, None)) is not None:
            found.append(replace(one, recording_id=name))
    return found


def _compared(entry: Entry) -> ComparedClock:
    about = entry.about
    read = " and ".join(one["read"] for one in about["readings"])
    error = float(about["error_seconds"])
    first = about["readings"][0]
    way = f"{abs(error):g} s {'ahead' if error > 0 else 'behind'}" if error else "right"
    return ComparedClock(
        recording_id=about["recording"],
        file=about["file"],
        camera_id=about["camera"],
        from_seconds=float(about["from_seconds"]),
        gallery=about["gallery"],
        offset_seconds=float(about["offset_seconds"]),
        uncertainty_seconds=float(about["uncertainty_seconds"]),
        how=f"{entry.account} read {read} off the clock in the picture (entry {entry.number}); "
        f"that clock was {way}: {about['how']}",
        by=entry.account,
        at=entry.at,
        number=entry.number,
        stated_at=datetime.fromisoformat(first["stated"]) - timedelta(seconds=first["seconds"]),
        content=about["content"],
        stream=about["stream"],
    )


def said_how(how: str) -> str:
    """Check that it is said how something is known; raise CaseError if it is not."""
    how = plain(how, where="how")
    if not how:
        raise CaseError(
            "how it is known is missing",
            where="clock",
            fix="Say what was compared with what, and when",
        )
    return how


def _last_viewed(register: CaseRegister, stretch: RecordedStretch) -> Entry:
    for entry in reversed(register.entries_of("", VIEWED)):
        about = entry.about
        same = abs(float(about["from_seconds"]) - stretch.from_seconds) <= SAME_SECOND
        if same and about["recording"] == stretch.recording_id:
            return entry
    raise CaseError(
        "no one has looked at the clock in its pictures yet",
        where=stretch.file,
        fix="Look at the pictures first, with `sightline footage clock pictures`",
    )


def _about(gallery: Gallery, stretch: RecordedStretch) -> dict[str, Any]:
    return {
        "gallery": str(gallery.path.resolve()),
        "recording": stretch.recording_id,
        "file": stretch.file,
        "camera": stretch.camera_id,
        "from_seconds": stretch.from_seconds,
    }


def _row(gallery: Gallery, recording: str) -> dict[str, Any]:
    """Row of a recording by its id or its file."""
    rows = gallery.recordings()
    found = rows[(rows["recording_id"] == recording) | (rows["file"] == recording)]
    if found.empty:
        raise GalleryError(
            f"has no recording {recording!r}",
            where=str(gallery.path),
            fix="Name one as `sightline footage clock list` does",
        )
    if len(found) > 1:
        raise GalleryError(
            f"has {len(found)} recordings of that file",
            where=recording,
            fix=f"Name one by its id: {', '.join(found['recording_id'])}",
        )
    return {str(name): value for name, value in found.iloc[0].items()}

"""A catalogue proposed for a folder without one: each recording with camera, start and doubts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from workbench.domain import Camera, Problem
from workbench.footage.catalog import LEAST_FRAME_RATE, MOST_FRAME_RATE
from workbench.footage.importing.cameras import cameras_of
from workbench.footage.importing.start import Basis, Prefer, Start, start_of
from workbench.footage.importing.survey import Found, Survey

# One camera records once at a time, but for what it keeps from before an alarm.
MOST_OVERLAP = timedelta(seconds=30)


_EXACT = (Basis.NAME, Basis.BOTH, Basis.BEGINNING, Basis.CONTAINER)


@dataclass(frozen=True, slots=True)
class ProposedRecording:
    """One row of a proposed catalogue.

    Parameters
    ----------
    found : Found
    start : Start
    camera_id : str
        Empty where neither name nor folder tells it.
    camera_from : str
        ``name``, ``folder`` or ``given``; empty where nothing tells it.
    frame_rate : float, optional
        Pictures a second, of a sequence or a film without times.
    lacks : tuple of str
        Phrases: why it cannot be written; empty if it can.
    notes : tuple of str
        Phrases: what to know of it all the same.
    """

    found: Found
    start: Start
    camera_id: str
    camera_from: str
    frame_rate: float | None
    lacks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its name relative to the folder; a pattern for a sequence of pictures."""
        return self.found.file

    @property
    def ready(self) -> bool:
        """True if it can be written."""
        return not self.lacks

    @property
    def stated(self) -> bool:
        """True if it can be written and its name or its container gives the time.

        Scripts may take these unseen; times to the minute and those at which a file was last
        written are for people to judge.
        """
        return self.ready and self.start.basis in _EXACT

    @property
    def rests_on(self) -> str:
        """Source of the time in words, such as ``name (Frigate)``."""
        detail = self.start.detail
        return f"{self.start.basis} ({detail})" if detail else str(self.start.basis)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Phrases: what it lacks, why its time is not surer, and what else to know."""
        return (*self.lacks, *self.start.why, *self.notes)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A catalogue as it would be written.

    Parameters
    ----------
    survey : Survey
    recordings : tuple of ProposedRecording
        Without those that the folder's own catalogue lists already.
    cameras : tuple of Camera
        Those of the recordings that can be listed.
    unplaced : tuple of str
        Ids of those whose place nothing says.
    listed : int
        Recordings that the folder's own catalogue lists already.
    needs_zone : bool
        True if some recordings need the zone of the camera's clock, and none was given.
    """

    survey: Survey
    recordings: tuple[ProposedRecording, ...]
    cameras: tuple[Camera, ...]
    unplaced: tuple[str, ...] = ()
    listed: int = 0
    needs_zone: bool = False

    @property
    def not_understood(self) -> tuple[Problem, ...]:
        """Files and folders that are no footage, or cannot be read, with the reason."""
        return self.survey.not_understood

    @property
    def contradictions(self) -> int:
        """Number of recordings whose name and container contradict each other, undecided."""
        return sum("contradict" in one.start.lacks for one in self.recordings)

    @property
    def overlapping(self) -> int:
        """Number of recordings that overlap with another of their camera."""
        return sum("it overlaps with" in text for one in self.recordings for text in one.remarks)

    @property
    def left(self) -> int:
        """Number of recordings and files that cannot be written as they are."""
        return sum(not one.ready for one in self.recordings) + len(self.not_understood)


def propose(
    survey: Survey,
    *,
    zone: tzinfo | None = None,
    places: Iterable[Camera] = (),
    camera: str = "",
    frame_rate: float | None = None,
    prefer: Prefer | None = None,
    without_places: bool = False,
    overlaps: bool = False,
    listed: Iterable[str] = (),
) -> Proposal:
    """Propose a catalogue for a folder; files are not read again.

    Parameters
    ----------
    survey : Survey
    zone : tzinfo, optional
        Of the clocks that gave times without an offset: a zone, or a fixed offset for a recorder
        whose clock is not turned in summer.
    places : iterable of Camera
        Where cameras stand. Names and folders are looked for among their ids and names.
    camera : str
        Camera of those recordings for which neither name nor folder tells one.
    frame_rate : float, optional
        Pictures a second of those sequences, and films without times, that do not tell.
    prefer : str, optional
        ``name`` or ``container``: which to believe where they contradict each other. By default
        neither is, and such a recording cannot be written.
    without_places : bool
        Whether cameras may be listed whose place is not known. They lie in no district, and are
        searched only under a case that names them.
    overlaps : bool
        Whether recordings of one camera may be listed that overlap in time, as those of two streams
        of it do.
    listed : iterable of str
        Files that a catalogue lists already.
    """
    known = {one.camera_id: one for one in places}
    done = frozenset(listed)
    fresh = [one for one in survey.found if one.file not in done]
    chosen = cameras_of(fresh, known, camera.strip())
    rows = []
    for found in fresh:
        told = chosen[found.file]
        start = start_of(found, zone, prefer)
        rate, lacks = _rate(found, frame_rate)
        rows.append(
            ProposedRecording(
                found,
                start,
                told.camera_id,
                told.told_by,
                rate,
                lacks=tuple(filter(None, (start.lacks, told.lacks, lacks, _unwritable(found)))),
                notes=tuple(_notes(found)),
            )
        )
    rows = _with_overlaps(rows, permitted=overlaps)
    used = list(dict.fromkeys(row.camera_id for row in rows if row.camera_id))
    unplaced = tuple(one for one in used if one not in known)
    if without_places:
        known |= {one: Camera(one, one, None, None) for one in unplaced}
    else:
        rows = [_with_place(row, unplaced) for row in rows]
    return Proposal(
        survey,
        tuple(rows),
        tuple(known[one] for one in used if one in known),
        unplaced,
        len(survey.found) - len(fresh),
        zone is None and any(_needs_zone(one.found) for one in rows),
    )


def _needs_zone(found: Found) -> bool:
    if found.named is not None:
        return found.named.started_at.tzinfo is None
    stated = found.header.stated_at
    return stated is not None and stated.tzinfo is None


def _with_place(row: ProposedRecording, unplaced: Sequence[str]) -> ProposedRecording:
    if row.camera_id not in unplaced:
        return row
    lacks = f"where camera {row.camera_id} stands is not known"
    return replace(row, lacks=(*row.lacks, lacks))


def _rate(found: Found, given: float | None) -> tuple[float | None, str]:
    """Pictures a second for the table, and why it is missing."""
    if not found.is_sequence and not found.header.counted:
        return None, ""
    rate = found.frame_rate or given
    if rate is None:
        why = found.remark or "it has no times"
        return None, f"the number of pictures per second is not known: {why}"
    if not LEAST_FRAME_RATE <= rate <= MOST_FRAME_RATE:
        return None, f"{rate:g} pictures per second are not possible"
    return rate, ""


def _unwritable(found: Found) -> str:
    if found.file != found.file.strip():
        return "its name begins or ends with a space, which tables do not keep; rename it"
    return ""


def _notes(found: Found) -> Iterable[str]:
    more = found.header.picture_streams - 1
    if more > 0:
        yield (
            f"{more} more picture {'stream is' if more == 1 else 'streams are'} not listed; each "
            "needs a row with its number in the column stream and a camera of its own"
        )


def _with_overlaps(
    rows: Sequence[ProposedRecording], *, permitted: bool
) -> list[ProposedRecording]:
    """The rows; those of one camera that overlap say so, and are ready only if permitted."""
    of_camera: dict[str, list[tuple[datetime, timedelta, str]]] = defaultdict(list)
    for row in rows:
        seconds = row.found.header.seconds
        if row.start.at and row.camera_id and seconds and row.start.basis in _EXACT:
            of_camera[row.camera_id].append((row.start.at, timedelta(seconds=seconds), row.file))
    clash: dict[str, str] = {}
    for several in of_camera.values():
        several.sort()
        latest = several[0]
        for one in several[1:]:
            overlap = min(latest[0] + latest[1], one[0] + one[1]) - one[0]
            if overlap > MOST_OVERLAP or overlap > min(latest[1], one[1]) / 2:
                clash.setdefault(one[2], latest[2])
                clash.setdefault(latest[2], one[2])
            if one[0] + one[1] > latest[0] + latest[1]:
                latest = one
    made = []
    for row in rows:
        if row.file in clash:
            words = (
                f"it overlaps with {clash[row.file]}, and one camera does not record twice at "
                "once: they are of two cameras, copies, or two streams of one"
            )
            if permitted:
                row = replace(row, notes=(*row.notes, words))
            else:
                row = replace(row, lacks=(*row.lacks, words))
        made.append(row)
    return made

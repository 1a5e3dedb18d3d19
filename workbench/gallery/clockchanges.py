"""Changes that correcting a clock makes, whatever the recordings are kept in."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from workbench.domain import (
    EARLIEST,
    GIVEN_FOR,
    PERHAPS_TWICE,
    ClockChange,
    ClockCorrection,
    ClockSetting,
    Stretch,
    corrected,
    is_possible,
    stretch_at,
)
from workbench.errors import GalleryError, TimeError


class Concerned(NamedTuple):
    """Columns of a recording that a correction looks at."""

    recording_id: str
    file: str
    camera_id: str
    stated_at: datetime  # UTC
    seconds: float
    stream: int


def setting_of_all(
    names: Sequence[str],
    correction: ClockCorrection,
    *,
    camera_id: str,
    folder: str,
    catalogue: str,
    from_seconds: float,
    alone: bool,
    since: datetime | None,
    until: datetime | None,
    catalogue_of: Callable[[str, str], str],
) -> ClockSetting | None:
    """Return what is given for a camera or folder; None where recordings are named.

    *catalogue_of* finds the catalogue of a folder, as :func:`chosen_catalogue` does. Raises
    TimeError if what is to be corrected is said twice.
    """
    if names and not (camera_id or folder or catalogue or since or until):
        return None
    if names or from_seconds or alone:
        raise TimeError(
            "seconds of recordings, and folders, cameras and periods, cannot be given together",
            where="clock",
            fix="Name recordings, or a camera, or a folder",
        )
    setting = ClockSetting(correction, camera_id, folder, since, until)
    return replace(setting, catalogue=catalogue_of(setting.folder, catalogue))


def refuse_unknown(
    names: Iterable[str], found: Mapping[str, Concerned], from_seconds: float, where: str
) -> None:
    """Raise GalleryError if a recording is not among those *found*, or ends before a second."""
    if missing := [name for name in names if name not in found]:
        raise GalleryError(
            f"holds no recording {missing[0]}",
            where=where,
            fix="Name one of the recordings that it lists",
        )
    for one in found.values():
        if not 0 <= from_seconds <= one.seconds:
            raise GalleryError(
                f"ends at {one.seconds:.1f} s; there is no second {from_seconds:g}",
                where=one.file,
                fix="Name a second of the recording",
            )


def changes_of_all(
    known: Mapping[str, Concerned],
    old: Mapping[str, tuple[Stretch, ...]],
    seen: Mapping[str, Sequence[float]],
    correction: ClockCorrection,
    given_for: str,
    *,
    from_seconds: float,
    alone: bool,
    placed_by_clock: Callable[
        [Mapping[str, Sequence[Stretch]], Mapping[str, Sequence[Stretch]]], Collection[str]
    ],
) -> tuple[list[ClockChange], dict[str, tuple[Stretch, ...]]]:
    """Work out what a correction changes, confirms or keeps.

    Parameters
    ----------
    known, old, seen : mapping
        Recordings, their stretches, and the seconds at which their tracklets begin, by id.
    given_for : str
        One of GIVEN_FOR.
    placed_by_clock : callable
        Names those that a track placed by stretches of before, with offsets other than now.

    Returns
    -------
    list of ClockChange
        By recording and second.
    dict
        The stretches of those recordings that have others now, by id.

    Raises
    ------
    GalleryError
        If all were placed on a track by the clock that would be corrected.
    TimeError
        If a recording would begin when there can be none.
    """
    new = {
        name: corrected(those, correction, given_for, from_seconds=from_seconds, alone=alone)
        for name, those in old.items()
    }
    changes = [
        change
        for name, one in known.items()
        for change in _changes(
            one,
            old[name],
            new[name],
            given_for,
            from_seconds=from_seconds,
            alone=alone,
            seen=seen[name],
        )
    ]
    fresh = {name: those for name, those in new.items() if those != old[name]}
    placed = set(placed_by_clock(old, fresh))
    _refuse_all_placed(known, placed, fresh)
    changes = [
        replace(
            change,
            new_start=change.old_start,
            new_offset_seconds=change.old_offset_seconds,
            note="",
            kept=change.kept or "its places on the track are by this clock",
        )
        if change.recording_id in placed
        else change
        for change in changes
    ]
    _refuse_impossible(changes)
    return changes, {name: those for name, those in fresh.items() if name not in placed}


def chosen_catalogue(
    known: Collection[str], inside: Collection[str], folder: str, named: str, where: str
) -> str:
    """Choose the catalogue that a folder belongs to.

    Parameters
    ----------
    known : collection of str
        Catalogues of the gallery.
    inside : collection of str
        Those of them with footage in the folder.
    folder, named : str
        The folder as files are catalogued, and the catalogue if somebody named one.
    where : str
        The gallery, for messages.

    Raises
    ------
    GalleryError
        If several have footage there, or none has and it is not named, or *named* is no catalogue
        of this gallery and no folder either.
    """
    if named:
        found = named if named in known else str(Path(named).resolve())
        if found in known or Path(found).is_dir():
            return found
        raise GalleryError(
            "is neither a folder nor a catalogue of this gallery",
            where=named,
            fix=f"Its catalogues are {_listed(known)}",
        )
    with_it = inside or known
    if len(with_it) == 1:
        return next(iter(with_it))
    raise GalleryError(
        f"has the folder {folder} in several catalogues: {_listed(with_it)}"
        if with_it
        else f"does not know yet in which catalogue the folder {folder} is",
        where=where,
        fix="Name the catalogue, or the cameras",
    )


def _refuse_all_placed(
    known: Mapping[str, Concerned], placed: Collection[str], fresh: Collection[str]
) -> None:
    """Raise GalleryError if no others are to be corrected than those that a track placed."""
    if not placed or len(placed) != len(fresh):
        return
    found = sorted({known[name].file for name in placed})
    more = len(found) - 1
    others = f", as {'was' if more == 1 else 'were'} {more:,} more" if more else ""
    raise GalleryError(
        f"was placed on its track by this clock{others}",
        where=found[0],
        fix="Write clock_offset_seconds into footage.csv, and index it into a new gallery",
    )


def _listed(catalogues: Iterable[str]) -> str:
    """Names of catalogues, for people."""
    names = [name or "one that an earlier version did not note" for name in sorted(catalogues)]
    return ", ".join(names) or "none"


def _refuse_impossible(changes: Iterable[ClockChange]) -> None:
    """Refuse times that a list may not state either; they also rule what is deleted when."""
    for change in changes:
        if change.new_start != change.old_start and not is_possible(change.new_start):
            raise TimeError(
                f"it would be of {change.new_start:%Y-%m-%d %H:%M:%S} UTC",
                where=change.file,
                fix=f"Give an offset that makes it a time from {EARLIEST:%Y} to now",
            )


def _changes(
    one: Concerned,
    old: Sequence[Stretch],
    new: Sequence[Stretch],
    given_for: str,
    *,
    from_seconds: float,
    alone: bool,
    seen: Sequence[float],
) -> Iterator[ClockChange]:
    """Changes of one recording, whose tracklets begin at the seconds *seen*; alike ones are one."""
    ends = [*(stretch.from_seconds for stretch in new[1:]), math.inf]
    found: list[ClockChange] = []
    for stretch, end in zip(new, ends, strict=True):
        begins = stretch.from_seconds
        if begins < from_seconds or (alone and begins > from_seconds):
            continue
        before, at = stretch_at(old, stretch.from_seconds), stretch.from_seconds
        specific = GIVEN_FOR.index(before.given_for) > GIVEN_FOR.index(given_for)
        by = f"by {before.found_by}" if before.found_by else "in the catalogue"
        moment = one.stated_at + timedelta(seconds=at)
        # Without a stream it was upgraded.
        given = stretch.offset_seconds not in (0.0, before.offset_seconds)
        perhaps_twice = given and not one.stream
        change = ClockChange(
            recording_id=one.recording_id,
            file=one.file,
            camera_id=one.camera_id,
            from_seconds=at,
            old_start=moment - before.shift,
            new_start=moment - stretch.shift,
            old_offset_seconds=before.offset_seconds,
            new_offset_seconds=stretch.offset_seconds,
            tracklets=sum(at <= seconds < end for seconds in seen),
            kept=f"its offset was given for the {before.given_for}, {by}" if specific else "",
            note=PERHAPS_TWICE if perhaps_twice else "",
        )
        offsets = ("old_offset_seconds", "new_offset_seconds", "kept", "note")
        if found and all(getattr(found[-1], n) == getattr(change, n) for n in offsets):
            found[-1] = replace(found[-1], tracklets=found[-1].tracklets + change.tracklets)
        else:
            found.append(change)
    yield from found


__all__ = [
    "Concerned",
    "changes_of_all",
    "chosen_catalogue",
    "refuse_unknown",
    "setting_of_all",
]

"""Corrections of clocks that come along when galleries are copied, merged and imported."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from workbench.domain import (
    GIVEN_FOR,
    ClockChange,
    ClockSetting,
    Stretch,
    contradicts,
    is_possible,
    setting_for,
    stretch_at,
    with_corrections_of,
)
from workbench.gallery.committing import Committer
from workbench.gallery.correcting import first_seconds
from workbench.gallery.entries import RecordingEntry
from workbench.gallery.footage import Footage
from workbench.gallery.manifest import Manifest
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot, settled
from workbench.gallery.writing import Writer

Agreed: TypeAlias = Callable[[Sequence[ClockChange]], None]
"""Called with old and new times before any changes; raises to have none changed."""

Stretches: TypeAlias = Mapping[str, tuple[Stretch, ...]]
"""Stretches of recordings, by id."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Account of what came into a gallery from another one.

    ``corrected`` counts the recordings whose clock was corrected or confirmed by it. ``kept`` names
    the files whose times stay although a correction may concern them: the two galleries state
    different starts or offsets, a track placed them by their clock, a folder of that name was
    corrected for other recordings, an earlier version read them, whose recorded times may have been
    corrected before, or they would be of a time that is not possible.
    """

    recordings: int
    corrected: int = 0
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """Recording of another gallery with its clock."""

    recording_id: str
    sha256: str
    camera_id: str
    stream: int
    stated_at: datetime  # UTC
    stretches: Sequence[Stretch]


def adopt_clocks(old: Manifest, writer: Writer) -> None:
    """Correct the clocks of a gallery as those of the *old* one were since it was copied."""
    adopted, _ = _adopted(found_in(old), writer.footage)
    known = writer.committer.manifest.clocks()
    settings = [setting for setting in old.clocks() if setting not in known]
    _restate(writer, adopted, settings)


def found_in(manifest: Manifest) -> list[Known]:
    """The recordings of a gallery of whose clocks somebody, or the catalogue, said something."""
    return [
        Known(one.recording_id, one.sha256, one.camera_id, one.stream, one.stated_at, one.stretches)
        for one in manifest.recordings_told()
        if any(stretch.given_for for stretch in one.stretches)
    ]


def settle(
    writer: Writer, came: int, found: Sequence[Known], agreed: Agreed | None = None
) -> Arrival:
    """Correct what a gallery holds after *came* recordings came, and say what was corrected.

    *found* are corrections in the other gallery. What is set for a camera holds for all its
    recordings, whichever gallery they came from. A folder is one of its own gallery, so what was
    set for it is not applied to what came. *agreed* is called with old and new times before any
    changes; if it raises, all stay.
    """
    committer, footage = writer.committer, writer.footage
    adopted, differing = _adopted(found, footage)
    followed, by_name = _followed(footage, adopted)
    new = {**adopted, **followed}
    old = {name: one.stretches for name, one in committer.manifest.recordings(new).items()}
    if new and agreed is not None:
        agreed(_changes(committer, new))
    _restate(writer, new, old=old)
    kept = committer.manifest.recordings({*differing, *by_name}).values()
    return Arrival(came, len(new), tuple(sorted({one.file for one in kept})))


def _restate(
    writer: Writer,
    new: Stretches,
    settings: Sequence[ClockSetting] = (),
    old: Stretches | None = None,
) -> None:
    if new or settings:
        restate(writer.committer, new, settings, old=old)
        writer.dropped()


def _changes(committer: Committer, new: Stretches) -> list[ClockChange]:
    """Old and new times of recordings that are about to have *new* stretches."""
    known = committer.manifest.recordings(new)
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=0)
    seen, _ = settled(snapshot, lambda now: first_seconds(now, known.values()))
    return [
        change
        for one in sorted(known.values(), key=lambda one: (one.started_at, one.recording_id))
        for change in _changes_of(one, new[one.recording_id], seen[one.recording_id])
    ]


def _changes_of(
    one: RecordingEntry, new: Sequence[Stretch], seen: Collection[float]
) -> Iterator[ClockChange]:
    ends = [*(stretch.from_seconds for stretch in new[1:]), math.inf]
    for stretch, end in zip(new, ends, strict=True):
        at = stretch.from_seconds
        before = stretch_at(one.stretches, at)
        if replace(before, from_seconds=at) == stretch:
            continue
        moment = one.stated_at + timedelta(seconds=at)
        yield ClockChange(
            one.recording_id, one.file, one.camera_id, at,
            moment - before.shift, moment - stretch.shift,
            before.offset_seconds, stretch.offset_seconds,
            tracklets=sum(at <= seconds < end for seconds in seen),
        )  # fmt: skip


def _adopted(
    found: Iterable[Known], footage: Footage
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    """New stretches of recordings by what was found elsewhere; ids of those that keep theirs."""
    known = list(found)
    there = footage.same_recordings((k.sha256, k.camera_id, k.stream) for k in known)
    held = footage.manifest.held(k.recording_id for k in known)
    named = {
        name: k
        for k in known
        for name in (
            [k.recording_id]
            if k.recording_id in held
            else there.get((k.sha256, k.camera_id, k.stream), [])
        )
    }
    own = footage.manifest.recordings(named)
    new: dict[str, tuple[Stretch, ...]] = {}
    kept: list[str] = []
    for name, one in own.items():
        other = named[name]
        those = with_corrections_of(one.stretches, other.stretches)
        contrary = contradicts(one.stretches, other.stretches)
        if those == one.stretches and not contrary:
            continue
        # An offset says how far the stated start was ahead, so it is right for that start alone.
        if one.stated_at == other.stated_at and not contrary:
            new[name] = those
        else:
            kept.append(name)
    return _but_placed(footage, {name: own[name].stretches for name in new}, new, kept)


def _followed(
    footage: Footage, adopted: Stretches
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    """New stretches of recordings by what is set for cameras; ids of those that keep theirs.

    *adopted* are those that some are about to have.
    """
    settings = footage.manifest.clocks()
    if not settings:
        return {}, []
    of_cameras = [setting for setting in settings if setting.camera_id]
    of_folders = [setting for setting in settings if setting.folder]
    own: dict[str, tuple[Stretch, ...]] = {}
    new: dict[str, tuple[Stretch, ...]] = {}
    kept: list[str] = []
    for one in footage.manifest.each_recording():
        name = one.recording_id
        stretches = adopted.get(name, one.stretches)
        about = one.camera_id, one.file, one.stated_at, one.catalogue
        if by_folder := setting_for(of_folders, *about):
            kept += [name] * any(yields(stretch, by_folder) for stretch in stretches)
        setting = setting_for(of_cameras, *about)
        if setting is None or not any(yields(stretch, setting) for stretch in stretches):
            continue
        began = one.stated_at - timedelta(seconds=setting.offset_seconds)
        # Upgraded ones have what footage.csv stated in their recorded time.
        if not one.stream or not is_possible(began):
            kept.append(name)
            continue
        own[name] = stretches
        new[name] = tuple(
            stretch.corrected(setting.correction, setting.given_for)
            if yields(stretch, setting)
            else stretch
            for stretch in stretches
        )
    return _but_placed(footage, own, new, kept)


def yields(stretch: Stretch, setting: ClockSetting) -> bool:
    """Return True if a setting holds against what a stretch has: more specific, or newer."""
    has, gives = GIVEN_FOR.index(stretch.given_for), GIVEN_FOR.index(setting.given_for)
    newer = stretch.found_at is not None and stretch.found_at < setting.correction.found_at
    return has < gives or (has == gives and newer)


def _but_placed(
    footage: Footage, own: Stretches, new: dict[str, tuple[Stretch, ...]], kept: list[str]
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    placed = set(footage.placed_by_clock(own, new))
    return {n: those for n, those in new.items() if n not in placed}, [*kept, *sorted(placed)]


__all__ = ["Agreed", "Arrival", "Known", "adopt_clocks", "found_in", "settle", "yields"]

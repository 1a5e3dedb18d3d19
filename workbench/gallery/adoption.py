"""Corrections of clocks that come along when galleries are copied, merged and imported."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from workbench.domain import (
    ClockChange,
    Stretch,
    contradicts,
    is_possible,
    setting_for,
    stretch_at,
    with_corrections_of,
)
from workbench.gallery.adopting import Agreed, Arrival, Known, yields

if TYPE_CHECKING:
    from workbench.gallery.store import Gallery


def adopt_clocks(old: Gallery, new: Gallery) -> None:
    """Correct the clocks of *new* as those of *old* were since it was copied."""
    adopted, _ = _adopted(found_in(old), new)
    known = new.clocks()
    new.restate(adopted, [setting for setting in old.clocks() if setting not in known])


def found_in(gallery: Gallery) -> list[Known]:
    """The recordings of a gallery of whose clocks somebody, or the catalogue, said something."""
    rows = gallery.arrow(
        "SELECT DISTINCT recording_id, sha256, camera_id, stream, stated_at FROM recordings "
        "JOIN stretches USING (recording_id) WHERE given_for <> '' ORDER BY ALL"
    ).to_pylist()
    stretches = gallery.stretches_by_id([row["recording_id"] for row in rows])
    return [Known(**row, stretches=stretches[row["recording_id"]]) for row in rows]


def settle(
    gallery: Gallery, came: int, found: Sequence[Known], agreed: Agreed | None = None
) -> Arrival:
    """Correct what a gallery holds after *came* recordings came, and say what was corrected.

    *found* are corrections in the other gallery. What is set for a camera holds for all its
    recordings, whichever gallery they came from. A folder is one of its own gallery, so what was
    set for it is not applied to what came. *agreed* is called with old and new times before any
    changes; if it raises, all stay.
    """
    adopted, differing = _adopted(found, gallery)
    followed, by_name = _followed(gallery, adopted)
    new = adopted | followed
    if new and agreed is not None:
        agreed(list(_changes(gallery, new)))
    gallery.restate(new)
    files = gallery.arrow(
        "SELECT DISTINCT file FROM recordings WHERE recording_id IN "
        "(SELECT unnest(?::VARCHAR[])) ORDER BY file",
        [[*differing, *by_name]],
    )["file"].to_pylist()
    return Arrival(came, len(new), tuple(files))


def _changes(gallery: Gallery, new: Mapping[str, Sequence[Stretch]]) -> Iterator[ClockChange]:
    """Old and new times of recordings that are about to have *new* stretches."""
    old, seen = gallery.stretches_by_id(new), gallery.first_seconds(new)
    rows = gallery.arrow(
        "SELECT recording_id, file, camera_id, stated_at FROM recordings "
        "WHERE recording_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY started_at, recording_id",
        [list(new)],
    )
    for row in rows.to_pylist():
        name, stated = row["recording_id"], row["stated_at"].astimezone(UTC)
        ends = [*(stretch.from_seconds for stretch in new[name][1:]), math.inf]
        for stretch, end in zip(new[name], ends, strict=True):
            at = stretch.from_seconds
            before = stretch_at(old[name], at)
            if replace(before, from_seconds=at) == stretch:
                continue
            moment = stated + timedelta(seconds=at)
            yield ClockChange(
                name, row["file"], row["camera_id"], at,
                moment - before.shift, moment - stretch.shift,
                before.offset_seconds, stretch.offset_seconds,
                tracklets=sum(at <= seconds < end for seconds in seen[name]),
            )  # fmt: skip


def _adopted(
    found: Sequence[Known], gallery: Gallery
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    """New stretches of recordings by what was found elsewhere; ids of those that keep theirs."""
    there = gallery.same_recordings((k.sha256, k.camera_id, k.stream) for k in found)
    named = {
        name: known
        for known in found
        for name in (
            [known.recording_id]
            if gallery.holds(known.recording_id)
            else there.get((known.sha256, known.camera_id, known.stream), [])
        )
    }
    own, starts = gallery.stretches_by_id(named), gallery.starts(named)
    new: dict[str, tuple[Stretch, ...]] = {}
    kept: list[str] = []
    for name, known in named.items():
        those = with_corrections_of(own[name], known.stretches)
        contrary = contradicts(own[name], known.stretches)
        if those == tuple(own[name]) and not contrary:
            continue
        # An offset says how far the stated start was ahead, so it is right for that start alone.
        if starts[name].stated_at == known.stated_at and not contrary:
            new[name] = those
        else:
            kept.append(name)
    return _but_placed(gallery, own, new, kept)


def _followed(
    gallery: Gallery, adopted: Mapping[str, tuple[Stretch, ...]]
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    """New stretches of recordings by what is set for cameras; ids of those that keep theirs.

    *adopted* are those that some are about to have.
    """
    settings = gallery.clocks()
    if not settings:
        return {}, []
    rows = gallery.arrow(
        "SELECT recording_id, camera_id, file, stated_at, catalogue, stream FROM recordings "
        "ORDER BY recording_id"
    ).to_pylist()
    own = gallery.stretches_by_id([row["recording_id"] for row in rows]) | dict(adopted)
    of_cameras = [setting for setting in settings if setting.camera_id]
    of_folders = [setting for setting in settings if setting.folder]
    new: dict[str, tuple[Stretch, ...]] = {}
    kept: list[str] = []
    for row in rows:
        name = row["recording_id"]
        about = row["camera_id"], row["file"], row["stated_at"], row["catalogue"]
        if by_folder := setting_for(of_folders, *about):
            kept += [name] * any(yields(stretch, by_folder) for stretch in own[name])
        setting = setting_for(of_cameras, *about)
        if setting is None or not any(yields(stretch, setting) for stretch in own[name]):
            continue
        began = row["stated_at"] - timedelta(seconds=setting.offset_seconds)
        # Upgraded ones have what footage.csv stated in their recorded time.
        if not row["stream"] or not is_possible(began):
            kept.append(name)
        else:
            new[name] = tuple(
                stretch.corrected(setting.correction, setting.given_for)
                if yields(stretch, setting)
                else stretch
                for stretch in own[name]
            )
    return _but_placed(gallery, own, new, kept)


def _but_placed(
    gallery: Gallery,
    own: Mapping[str, Sequence[Stretch]],
    new: dict[str, tuple[Stretch, ...]],
    kept: list[str],
) -> tuple[dict[str, tuple[Stretch, ...]], list[str]]:
    placed = gallery.placed_by_clock(own, new)
    return {n: those for n, those in new.items() if n not in placed}, [*kept, *placed]


__all__ = ["Agreed", "Arrival", "Known", "adopt_clocks", "found_in", "settle"]

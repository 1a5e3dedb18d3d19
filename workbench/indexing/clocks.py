"""Clocks that were set for cameras and folders, as they hold for what is about to be indexed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import EARLIEST, Catalogue, Problem, Recording, is_possible

if TYPE_CHECKING:
    from workbench.gallery import Gallery


def with_clocks_set(catalogue: Catalogue, gallery: Gallery) -> Catalogue:
    """Correct the clocks of recordings with a GPX track by what was given for camera or folder.

    The gallery does so when it stores a recording, and notes who found it; by then a track must
    have been joined to it.
    """

    def corrected(recording: Recording) -> Recording:
        if recording.track is None or recording.track == recording.path:
            return recording
        if recording.clock_offset_seconds:  # what the list says of a recording holds
            return recording
        setting = gallery.clock_of(recording)
        if setting is None:
            return recording
        offset = setting.offset_seconds
        return replace(
            recording,
            started_at=recording.stated_at - timedelta(seconds=offset),
            clock_offset_seconds=offset,
            clock_given_for=setting.given_for,
        )

    return replace(catalogue, recordings=tuple(map(corrected, catalogue.recordings)))


def impossible(recording: Recording, gallery: Gallery) -> str:
    """Say why a recording cannot be of the time that a clock set for it gives; empty if it can."""
    setting = gallery.clock_of(recording)
    stated = recording.clock_offset_seconds and recording.clock_given_for == "recording"
    if setting is None or stated:
        return ""
    began = recording.stated_at - timedelta(seconds=setting.offset_seconds)
    if is_possible(began):
        return ""
    return (
        f"would begin at {began:%Y-%m-%d %H:%M:%S} UTC by the clock that was set for "
        f"{setting.place}, and is not indexed. Correct started_at, set that clock to what makes it "
        f"a time from {EARLIEST:%Y} to now, or state the clock_offset_seconds of this recording"
    )


def clock_notes(recording: Recording, stated: float, gallery: Gallery) -> Iterator[Problem]:
    """Say where a catalogue and a clock that was set differ, or seem to have missed each other.

    *stated* is the offset that the catalogue states for the recording.
    """
    setting = gallery.clock_of(recording)
    if setting is not None and stated and stated != setting.offset_seconds:
        yield Problem(
            recording.file,
            f"footage.csv says that its clock was {stated:g} s ahead, and "
            f"{setting.offset_seconds:g} s were given for its {setting.given_for}; what "
            "footage.csv says holds",
        )
    if stated or (setting is not None and setting.folder):
        return
    for other in gallery.clocks():
        moved = other.catalogue and not Path(other.catalogue).is_dir()
        there = recording.camera_id, recording.file, recording.stated_at, other.catalogue
        if moved and other.concerns(*there):
            yield Problem(
                recording.file,
                f"a clock was set for {other.place}, which is no longer there, and this is listed "
                f"in {recording.catalogue}. If that is the same catalogue, set the clock for it",
            )
            return

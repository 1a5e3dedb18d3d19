"""Read the path of a recording: one's own patterns, then known products, then any date and time."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePath

from workbench.footage.names.dates import dated
from workbench.footage.names.known import KNOWN
from workbench.footage.names.pattern import SUFFIX, NamedRecording, Pattern


def read_name(path: PurePath, *, own: Sequence[Pattern] = ()) -> NamedRecording | None:
    """Read what a path says about camera, channel, start and end of a recording.

    One's own patterns come first; the first that fits holds. Without one, every pattern of a known
    product is tried, and without one that fits, a date and time in any place of the name, or a time
    in the name and a date in its folders. Where readings differ, the first is returned with the
    others in ``ambiguous``.

    Parameters
    ----------
    path : PurePath
        Of a film or of the folder of a sequence of pictures, relative to the folder of footage:
        what lies above it says nothing about a recording.
    own : sequence of Pattern, optional
        Made by :func:`own_pattern`.

    Returns
    -------
    NamedRecording or None
        None if the path states no start: no date, a date without a time, or no possible date.
    """
    text = unicodedata.normalize("NFC", path.as_posix()).strip("/")
    for pattern in own:
        if found := list(pattern.readings(text)):
            return _one(found)
    if found := [reading for pattern in KNOWN for reading in pattern.readings(text)]:
        return _one(found)
    folders, _, name = text.rpartition("/")
    names = (*filter(None, folders.split("/")), SUFFIX.sub("", name))
    return _one(dated(names))


def _one(readings: list[NamedRecording]) -> NamedRecording | None:
    """The first of these readings, which says so if others differ from it."""
    if not readings:
        return None
    first, *others = readings
    different = {
        f"{other.started_at.isoformat(' ')} ({other.pattern})": None
        for other in others
        if not _alike(first.started_at, other.started_at)
    }
    if different:
        also = " or ".join(different)
        return replace(first, ambiguous=f"it can also be read as {also}")
    return first


def _alike(one: datetime, other: datetime) -> bool:
    """True for the same second; a local time is never like one with an offset."""
    if (one.tzinfo is None) != (other.tzinfo is None):
        return False
    return abs(one - other) < timedelta(seconds=1)

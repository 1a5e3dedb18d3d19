"""Recordings of a catalogue that a gallery holds already, and where the list differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.domain import GIVEN_FOR, Problem, Recording, base_camera
from workbench.footage.catalog import TIME_DOUBTS
from workbench.footage.files import sha256_of, stamp_of
from workbench.indexing.legs import held

if TYPE_CHECKING:
    from workbench.gallery import Gallery
    from workbench.gallery.footage import RecordingStart, StoredFile, StoredReading


@dataclass(frozen=True, slots=True)
class KnownFiles:
    """Files of a gallery by name, camera (at whatever place) and stream, and their sizes."""

    named: dict[tuple[str, str, int], list[StoredFile]]
    sizes: frozenset[int]


def known_files(gallery: Gallery) -> KnownFiles:
    """The files that a gallery holds."""
    named: dict[tuple[str, str, int], list[StoredFile]] = {}
    for (file, camera_id, stream), those in gallery.known_files().items():
        named.setdefault((file, base_camera(camera_id), stream), []).extend(those)
    return KnownFiles(named, frozenset(one.size_bytes for those in named.values() for one in those))


def present_as(recording: Recording, gallery: Gallery, known: KnownFiles) -> list[str]:
    """Ids under which the gallery holds a recording; its content is read if its file looks new."""
    try:
        if recording.track is not None and (legs := held(recording, gallery)):
            return list(legs.values())
        stamp = stamp_of(recording.path)
        if stamp is None:
            return []  # reading it will say what is wrong
        found = [
            stored.recording_id
            for stream in (recording.stream, 0)
            for stored in known.named.get(
                (recording.file, base_camera(recording.camera_id), stream), ()
            )
            if (stored.size_bytes, stored.modified_ns) == (stamp.size_bytes, stamp.modified_ns)
        ]
        # Only a file of a size that is here can be a copy of what is here.
        if found or stamp.size_bytes not in known.sizes:
            return found
        sha256 = sha256_of(recording.path)
    except OSError:
        return []
    key = sha256, recording.camera_id, recording.stream
    return gallery.same_recordings([key], anywhere=True).get(key, [])


def with_problems(
    present: dict[Recording, list[str]], gallery: Gallery | None
) -> dict[Recording, tuple[Problem, ...]]:
    """Say of what is there already where the list gives it another time, place, rate or layout."""
    if gallery is None or not present:
        return {}
    names = {name for ids in present.values() for name in ids}
    starts, readings = gallery.starts(names), gallery.readings(names)
    found: dict[Recording, tuple[Problem, ...]] = {}
    for recording, ids in present.items():
        those = [starts[name] for name in ids]
        found[recording] = ()
        if not any(agrees(recording, start) for start in those):
            found[recording] = (other_time(recording, those[0]),)
        held_as = [readings[name] for name in ids]
        found[recording] += other_place(recording, held_as)
        found[recording] += (
            *_other_rate(recording, held_as[0]),
            *_other_doubt(recording, those[0]),
            *_other_layout(recording, held_as[0]),
        )
    return found


def other_place(recording: Recording, held_as: Sequence[StoredReading]) -> tuple[Problem, ...]:
    """Say if a recording is here without the track that the list gives it now, or otherwise placed.

    It stays as it is: indexed again beside that, everyone in it would be there twice.
    """
    tracked = any(one.tracked for one in held_as)
    cameras = {one.camera_id for one in held_as}
    if recording.track is not None and not tracked:
        what = "the list gives it a track, and it was indexed without one"
    elif recording.track is None and tracked:
        what = "the list gives it no track, and it was indexed with one"
    elif recording.track is None and recording.camera_id not in cameras:
        what = (
            f"the list places it at {recording.camera_id}, and it was indexed as "
            f"{', '.join(sorted(cameras))}"
        )
    else:
        return ()
    return (_stays(recording, what),)


def _stays(recording: Recording, what: str) -> Problem:
    # It is not read again: what people decided names its tracklets by their numbers.
    return Problem(
        recording.file,
        f"{what}; the gallery stays as it is. If the list is right, index it into a new gallery",
    )


def agrees(recording: Recording, start: RecordingStart) -> bool:
    """Return True if the list has the time that the gallery has, or had before it was corrected."""
    if recording.started_at == start.started_at:
        return True
    corrected = start.stretch.found_at is not None and not recording.clock_offset_seconds
    return corrected and recording.stated_at == start.stated_at


def other_time(recording: Recording, start: RecordingStart) -> Problem:
    """Say that the list gives another time than the gallery has."""
    # Which of the two is right nobody here knows: a change of times is somebody's decision.
    listed, stored = recording.started_at, start.started_at
    return Problem(
        recording.file,
        f"begins at {listed:%Y-%m-%d %H:%M:%S} UTC by the list, and at "
        f"{stored:%Y-%m-%d %H:%M:%S} UTC in the gallery, which stays as it is. If the list is "
        "right, correct the clock with `sightline footage clock`",
    )


def _other_rate(recording: Recording, held_as: StoredReading) -> Iterator[Problem]:
    """Say if the list states another rate of pictures, by which times are counted."""
    stated, stored = recording.frame_rate, held_as.reading.frame_rate
    if held_as.noted and stated != stored:
        says = "no frame_rate" if stated is None else f"frame_rate {stated:g}"
        by = "the rate of the file" if stored is None else f"{stored:g} pictures per second"
        yield _stays(recording, f"the list says {says}, and it was read with {by}")


def _other_doubt(recording: Recording, start: RecordingStart) -> Iterator[Problem]:
    """Say if the list now says something else of how sure the start is; a person's word holds."""
    if start.stretch.found_at is not None and start.stretch.given_for == GIVEN_FOR[-1]:
        return
    listed = recording.time_doubt
    if listed and listed not in start.stretch.doubt:
        what = "the list says that its time is not certain, and it was indexed as certain"
    elif not listed and any(doubt in start.stretch.doubt for doubt in TIME_DOUBTS.values()):
        what = "the list says no longer why its time is not certain, which is in doubt here"
    else:
        return
    yield Problem(
        recording.file,
        f"{what}; the gallery stays as it is. Correct or confirm the clock with `sightline footage "
        "clock`, or index it into a new gallery",
    )


def _other_layout(recording: Recording, held_as: StoredReading) -> Iterator[Problem]:
    read = held_as.reading
    for column, stated, stored in (
        ("rotation", recording.rotation, read.rotation),
        ("pixel_aspect", recording.pixel_aspect, read.pixel_aspect or "that of the file"),
    ):
        if stated not in (None, stored):
            yield _stays(
                recording, f"the list says {column} {stated}, and it was read with {stored}"
            )

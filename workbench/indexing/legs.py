"""One film of a moving camera as several recordings: one for each place at which the camera was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.domain import (
    FILM,
    Camera,
    Catalogue,
    IndexedRecording,
    Leg,
    Place,
    Problem,
    Recording,
    Unseen,
)
from workbench.errors import RecordingError
from workbench.footage.files import sha256_of, stamp_of
from workbench.footage.gpmf import holds_track
from workbench.footage.gps import course_of

if TYPE_CHECKING:
    from workbench.gallery import Gallery

# Less than this without a place is the rounding of the track's ends.
LEAST_SECONDS = 0.5


def divided(indexed: IndexedRecording, camera: Camera) -> list[tuple[Camera, IndexedRecording]]:
    """Divide a recording by the places at which its camera was, each with a camera of its own.

    What has no place stays with *camera*. A recording without a track is one part.
    """
    if not indexed.legs:
        return [(camera, indexed)]
    parts: dict[Place | None, list[Leg]] = {}
    for leg in _known(indexed):
        parts.setdefault(leg.place, []).append(leg)
    made: list[tuple[Camera, IndexedRecording]] = []
    for place, legs in parts.items():
        there = camera if place is None else camera.at(place)
        made.append((there, _part(indexed, there, legs, first=not made)))
    return made


def unplaced_seconds(indexed: IndexedRecording) -> float:
    """Seconds of a recording with a track at which nobody knows where the camera was."""
    return sum(leg.end - leg.start for leg in _known(indexed) if leg.place is None)


def notes_on(indexed: IndexedRecording, camera: Camera) -> list[Problem]:
    """Say what is to be said of a recording's place: how much of it has none, or could have one.

    *camera* is the one that the catalogue names.
    """
    file = indexed.recording.file
    if not indexed.legs:
        if camera.place is None and holds_track(indexed.recording):
            what = "states where it was recorded, which is not used: write film in the column track"
            return [Problem(file, what)]
        return []
    seconds = unplaced_seconds(indexed)
    if seconds < LEAST_SECONDS:
        return []
    what = "all of it" if seconds > indexed.seconds - LEAST_SECONDS else f"{seconds:.0f} s of it"
    return [
        Problem(
            file,
            f"where the camera was is not known for {what}: the track does not say so, or the time "
            "is not certain. No district holds this part; it is searched only under a case that "
            f"names {camera.camera_id}",
        )
    ]


def unplaced(catalogue: Catalogue) -> tuple[str, ...]:
    """Ids of the cameras with footage in a catalogue that gives them neither place nor track."""
    standing = {one.camera_id for one in catalogue.recordings if one.track is None}
    return tuple(
        camera.camera_id
        for camera in catalogue.cameras
        if camera.place is None and camera.camera_id in standing
    )


def held(recording: Recording, gallery: Gallery) -> dict[str, str]:
    """Ids of the recordings in a gallery that are legs of this one, by the ids of their cameras.

    Raises OSError if the recording has to be read for that and cannot.
    """
    stamp = stamp_of(recording.path)
    rows = gallery.legs_of(recording.camera_id)
    if stamp is None or not rows:
        return {}
    state = stamp.size_bytes, stamp.modified_ns
    own = [r for r in rows if (r["size_bytes"], r["modified_ns"]) == state]
    own = [row for row in own if row["file"] == recording.file]
    if not own and any(row["size_bytes"] == stamp.size_bytes for row in rows):
        sha256 = sha256_of(recording.path)  # the same film under another name
        own = [row for row in rows if row["sha256"] == sha256]
    return {
        row["camera_id"]: row["recording_id"]
        for row in own
        if row["stream"] in (recording.stream, 0)
    }


def moved(recording: Recording, camera: Camera, gallery: Gallery) -> list[Problem]:
    """Say if a recording that is held was placed otherwise than its track, or its clock, says now.

    It stays where it is then: what was found there may have been reviewed.
    """
    here = {} if recording.track is None else held(recording, gallery)
    if not here:
        return []
    try:
        course = course_of(recording)
    except RecordingError as error:
        return [Problem(recording.file, f"{error.what}; it stays where it was placed before")]
    now = {(camera if leg.place is None else camera.at(leg.place)).camera_id for leg in course.legs}
    if here.keys() <= now:
        return []
    return [
        Problem(
            recording.file,
            "its track, or its clock, places it elsewhere than when it was indexed; it stays where "
            "it was placed. Index it into a new gallery to place it again",
        )
    ]


def _known(indexed: IndexedRecording) -> Iterator[Leg]:
    """The legs up to the end of the recording; without a place from where its time is unsure.

    A film's own track is joined to its pictures without any clock, so a doubt does not touch it.
    """
    limit = math.inf
    if indexed.track != FILM:
        doubtful = (s.from_seconds for s in indexed.stretches if s.open_doubt)
        limit = min(doubtful, default=math.inf)
    for leg in indexed.legs:
        start, end = leg.start, min(leg.end, indexed.seconds)
        if start < min(end, limit):
            yield Leg(start, min(end, limit), leg.place)
        if max(start, limit) < end:
            yield Leg(max(start, limit), end, None)


def _part(
    indexed: IndexedRecording, camera: Camera, legs: list[Leg], *, first: bool
) -> IndexedRecording:
    """What of a recording belongs to some legs; what cannot be divided goes with the first."""

    def inside(seconds: float) -> bool:
        return any(leg.start <= seconds < leg.end for leg in legs)

    own = [one for one in indexed.tracklets if inside(indexed.seconds_of(one)[0])]
    return replace(
        indexed,
        recording=replace(indexed.recording, camera_id=camera.camera_id),
        tracklets=tuple(replace(one, ordinal=n) for n, one in enumerate(own)),
        problems=tuple(
            problem
            for problem in indexed.problems
            if (first if problem.at_seconds is None else inside(problem.at_seconds))
        ),
        faces=sum(one.detections for one in own),
        frames_decoded=indexed.frames_decoded if first else 0,
        frames_examined=indexed.frames_examined if first else 0,
        elapsed_seconds=indexed.elapsed_seconds if first else 0.0,
        unseen=tuple(
            Unseen(max(gap.start, leg.start), min(gap.end, leg.end), gap.why)
            for gap in indexed.unseen
            for leg in legs
            if gap.start < leg.end and leg.start < gap.end
        ),
        legs=tuple(legs),
    )

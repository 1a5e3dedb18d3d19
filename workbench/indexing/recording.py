"""Indexing of one recording: sampled where something moves, more often while a face is tracked."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.domain import (
    Box,
    IndexedRecording,
    Problem,
    Progress,
    ProgressCallback,
    Recording,
    stretches_of,
)
from workbench.errors import RecordingError
from workbench.faces.tracklets import TrackletBuilder, TrackletOptions
from workbench.footage.files import sha256_of
from workbench.footage.frames import RecordingReader
from workbench.footage.gps import Course, course_of, track_name
from workbench.footage.motion import MotionGate
from workbench.indexing.layout import CLEAR_FACES, Sample, find_layout

if TYPE_CHECKING:
    from workbench.faces.models import Models

# Seconds by which a frame may come early and still be the one that was due.
_TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class SamplingRates:
    """Sampling intervals of a recording, in seconds of its own time.

    Measured on people walking past for 4 to 7 seconds at 12 frames a second: at these values all
    of 83 appearances were seen with YuNet and 81 with dlib's HOG detector, 15 times in the median.
    """

    search_every: float = 0.5  # for new faces, where something moves
    follow_every: float = 0.25  # for faces that are tracked
    # Frames a second that suffice; of a film with twice as many, those are skipped that no other is
    # made from: 0.55 of the decoding. At 12 frames a second skipping gained 0 % of the time of
    # indexing and broke 2 % more tracks, so these are all decoded.
    sufficient_rate: float = 12.0
    sweep_every: float = 10.0  # for new faces everywhere: a person may stand still and turn round


def index_recording(
    recording: Recording,
    models: Models,
    *,
    rates: SamplingRates | None = None,
    options: TrackletOptions | None = None,
    progress: ProgressCallback | None = None,
) -> IndexedRecording:
    """Read one recording and return its tracklets; store nothing.

    Where few of its faces are clear, a sample of its pictures is tried turned and stretched, unless
    the recording or its file states how they lie. If that is clear, it is read again that way, and
    its problems say so; see :mod:`workbench.indexing.layout`.

    ``progress`` is called after each frame that was looked at, with ``what`` the file and ``part``
    the share of it that was read; 0 where its length is unknown.

    Raises
    ------
    RecordingError
        If it cannot be read at all, or changes while it is read.
    """
    began = time.perf_counter()
    rates, options = rates or SamplingRates(), options or TrackletOptions()
    sample = Sample()
    indexed, any_clear = _read(recording, models, rates, options, progress, sample)
    if any_clear:
        return indexed
    noticed = find_layout(
        models,
        sample,
        min_width=options.min_width,
        any_face=indexed.faces > 0,
        turned=recording.rotation is None,
    )
    if noticed is not None:
        if noticed.is_clear:
            indexed, _ = _read(noticed.apply(recording), models, rates, options, progress)
        told = noticed.problem(recording.file, applied=noticed.is_clear)
        indexed = replace(indexed, problems=(told, *indexed.problems))
    return replace(indexed, elapsed_seconds=time.perf_counter() - began)


def _read(
    recording: Recording,
    models: Models,
    rates: SamplingRates,
    options: TrackletOptions,
    progress: ProgressCallback | None,
    sample: Sample | None = None,
) -> tuple[IndexedRecording, bool]:
    """Read it once, filling *sample*; and whether some of its faces are clearly upright."""
    began = time.perf_counter()
    course = Course() if recording.track is None else course_of(recording)
    track = track_name(recording)
    borders = [leg.start for leg in course.legs[1:]]
    with RecordingReader(
        recording.path,
        name=recording.file,
        frame_rate=recording.frame_rate,
        sufficient_rate=rates.sufficient_rate,
        stream=recording.stream,
        rotation=recording.rotation or 0,
        pixel_aspect=recording.pixel_aspect,
    ) as reader:
        try:
            sha256 = sha256_of(recording.path)
        except OSError as error:
            raise RecordingError(
                f"was moved or deleted while being read ({error.strerror})",
                where=recording.file,
                fix="Index it again when it is back",
            ) from None
        builder = TrackletBuilder(models, started_at=recording.started_at, options=options)
        gate = MotionGate()
        if sample is not None:
            sample.aspect_is_stated = reader.aspect_is_stated
        examined = 0
        search_at = follow_at = sweep_at = 0.0
        size = None
        for frame in reader.frames():
            if size not in (None, (frame.width, frame.height)):
                builder.end_tracks()  # boxes of another size do not follow those before
            size = frame.width, frame.height
            if borders and frame.seconds >= borders[0]:
                builder.end_tracks()  # nobody is followed from one place to another
                borders = [border for border in borders if border > frame.seconds]
            now = frame.seconds + _TOLERANCE
            searching = now >= search_at
            if not searching and not (builder.is_tracking and now >= follow_at):
                continue
            regions: list[Box] | None = []
            moving: list[Box] | None = []
            if searching:
                search_at = frame.seconds + rates.search_every
                luma = frame.luma(gate.width)
                scale = max(frame.width, frame.height) / max(luma.shape)
                regions, scene_cut = gate.look(luma, scale)
                moving = regions
                if scene_cut:
                    builder.end_tracks()
                if now >= sweep_at:
                    sweep_at, regions = frame.seconds + rates.sweep_every, None
            follow_at = frame.seconds + rates.follow_every
            if regions is None or regions or builder.is_tracking:
                examined += 1
                picture = frame.image()
                builder.add_frame(frame.seconds, picture, regions)
                if sample is not None and moving != [] and builder.clear_faces < CLEAR_FACES:
                    sample.offer(picture, moving)
            if progress is not None:
                length = reader.duration_seconds
                progress(
                    Progress(
                        done=0,
                        total=1,
                        what=recording.file,
                        part=min(1.0, frame.seconds / length) if length else 0.0,
                        footage_seconds=frame.seconds,
                        faces=builder.faces,
                        elapsed_seconds=time.perf_counter() - began,
                    )
                )
        tracklets = builder.finish()
        reader.check_unchanged()
        doubts = [(doubt.from_seconds, doubt.why) for doubt in reader.doubts]
        problems = [*reader.problems, *(Problem(recording.file, note) for note in course.notes)]
        if recording.time_doubt:
            doubts.insert(0, (0.0, recording.time_doubt))
            problems.insert(0, Problem(reader.name, recording.time_doubt, 0.0))
        indexed = IndexedRecording(
            recording=recording,
            sha256=sha256,
            size_bytes=reader.stamp.size_bytes,
            modified_ns=reader.stamp.modified_ns,
            seconds=reader.seconds,
            width=reader.width,
            height=reader.height,
            frames_decoded=reader.frames_decoded,
            frames_examined=examined,
            faces=builder.faces,
            tracklets=tracklets,
            problems=tuple(problems),
            picture_streams=reader.picture_streams,
            stopped=reader.stopped,
            elapsed_seconds=time.perf_counter() - began,
            stretches=stretches_of(
                doubts,
                offset_seconds=recording.clock_offset_seconds,
                given_for=recording.clock_given_for,
            ),
            unseen=tuple(reader.unseen),
            legs=course.legs,
            track=track,
        )
    return indexed, builder.clear_faces >= CLEAR_FACES

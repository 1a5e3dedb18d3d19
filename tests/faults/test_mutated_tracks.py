"""Tracks of moving cameras damaged at random end in legs or a refusal."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from moving import METRE, START, gps5, gps9, walk, write_gpx
from mutations import BYTES, MUTATIONS, mutated, try_all

from workbench.domain import Recording
from workbench.errors import RecordingError
from workbench.footage.gpmf import samples_of
from workbench.footage.gps import course_of

WORDS = (
    *BYTES, b"<", b">", b"</trkpt>", b"<trkpt", b"<trkseg>", b"</trkseg>", b"nan", b"inf", b"1e309",
    b"-", b"9" * 400, b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59-12:00", b"2026-03-29", b"&x;",
    b"<!DOCTYPE gpx>", b"<fix>none</fix>", b"<hdop>nan</hdop>", "٣".encode(), b"\xef\xbb\xbf",
)  # fmt: skip


@pytest.mark.soak
def test_mutated_gpx_is_read_or_refused(tmp_path: Path) -> None:
    track, outcomes = tmp_path / "b.gpx", Counter[str]()
    whole = write_gpx(track, walk(300, 40)).read_bytes()
    recording = Recording("a.mp4", tmp_path / "a.mp4", "B7", START, track=track)

    def read(content: bytes) -> None:
        track.write_bytes(content)
        try:
            legs = course_of(recording).legs
        except RecordingError:
            outcomes["refused"] += 1
            return
        assert legs[0].start == 0
        assert legs[-1].end == math.inf
        assert all(a.end == b.start for a, b in pairwise(legs))
        assert all(leg.place is None or abs(leg.place.latitude) <= 90.01 for leg in legs)
        outcomes["read"] += 1

    try_all("gpx", lambda generator: mutated(whole, generator, WORDS), read, 2 * MUTATIONS)
    assert min(outcomes["read"], outcomes["refused"]) > MUTATIONS / 10, outcomes


@pytest.mark.soak
def test_mutated_telemetry_is_read_as_far_as_it_goes() -> None:
    places = [(-0.01, 51.48 + n * METRE) for n in range(4)]
    for packet in (gps5(places, time=START), gps9(places, time=START)):

        def damaged(generator: random.Random, packet: bytes = packet) -> bytes:
            return mutated(packet, generator)

        def read(content: bytes) -> None:
            for sample in samples_of(content):
                assert abs(sample.place.latitude) <= 90
                assert abs(sample.place.longitude) <= 180

        try_all("gpmf", damaged, read, 4 * MUTATIONS)

"""Cameras that move: tracks read, and divided into legs that lie where the camera was."""

from __future__ import annotations

import math
import struct
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from moving import METRE, START, film_with, gps5, gps9, klv, walk, write_gpx

from workbench.domain import Place, Recording
from workbench.errors import RecordingError
from workbench.footage.gpmf import iso_6709, samples_of
from workbench.footage.gps import LEG_METRES, Course, Position, course_of, legs_of, read_gpx

HERE = (-0.01, 51.48)


def course(film: Path, track: Path, **change: object) -> Course:
    return course_of(Recording(film.name, film, "B7", START, track=track, **change))  # type: ignore[arg-type]


def test_nobody_is_further_from_a_leg_s_place_than_told(tmp_path: Path) -> None:
    there_and_back = [*walk(400, 300), *((600 - t, x, y) for t, x, y in walk(400, 300)[::-1])]
    track = write_gpx(tmp_path / "b.gpx", there_and_back)
    legs = course(tmp_path / "a.mp4", track).legs
    assert legs[0].start == 0
    assert [(a.end, a.place is None) for a in legs[-1:]] == [(math.inf, True)]
    assert all(a.end == b.start for a, b in pairwise(legs))
    placed = [leg for leg in legs if leg.place is not None]
    assert 7 <= len(placed) <= 10
    for seconds, _, latitude in there_and_back:
        (leg,) = (leg for leg in legs if leg.start <= seconds < leg.end)
        assert leg.place is not None
        assert abs(leg.place.latitude - latitude) / METRE <= LEG_METRES + 0.5
    # What the track does not cover has no place.
    assert legs[-1].start == pytest.approx(602)


def test_a_track_is_joined_by_the_corrected_clock(tmp_path: Path) -> None:
    track = write_gpx(tmp_path / "b.gpx", walk(200, 100))
    film = tmp_path / "a.mp4"
    early = Recording(film.name, film, "B7", START - timedelta(seconds=30), track=track)
    first, second, *_ = course_of(early).legs
    assert (first.start, first.end, first.place) == (0, 28, None)
    assert second.place is not None
    late = Recording(film.name, film, "B7", START + timedelta(hours=1), track=track)
    assert [leg.place for leg in course_of(late).legs] == [None]


def test_where_nobody_knows_the_camera_has_no_place() -> None:
    def places(*found: tuple[float, float, int]) -> list[tuple[float, float]]:
        positions = [Position(s, Place(-0.01, 51.48 + m * METRE), part) for s, m, part in found]
        return [(leg.start, leg.end) for leg in legs_of(positions)]

    assert places((0, 0, 0), (50, 10, 0)) == [(-2, 52)]
    assert places((0, 0, 0), (61, 10, 0)) == []  # no two that join
    still = [(0, 0, 0), (10, 0, 0), (90, 0, 0), (100, 0, 0)]
    assert places(*still) == [(-2, 12), (88, 102)]  # a minute and more between
    jump = [(0, 0, 0), (1, 0, 0), (2, 9000, 0), (3, 1, 0), (4, 1, 0)]
    assert places(*jump) == [(-2, 3), (3, 6)]  # a mistake of the receiver
    lost = [(0, 0, 0), (10, 0, 0), (20, 0, 1), (30, 0, 1)]
    assert places(*lost) == [(-2, 12), (18, 32)]  # between segments it had no signal


def test_a_drive_is_divided_between_its_positions_too() -> None:
    drive = [Position(10.0 * n, Place(179.999 + 0.002 * n, 0)) for n in range(4)]
    legs = legs_of(drive)
    assert len(legs) >= 6  # 220 m in 10 s, across the 180th meridian
    assert all(-180 <= leg.place.longitude < 180 for leg in legs if leg.place)
    assert all(a.end == b.start for a, b in pairwise(legs))


def test_points_that_say_nothing_are_left_out_and_counted(tmp_path: Path) -> None:
    bad = (
        '<trkpt lat="51.48" lon="-0.01"/>',
        '<trkpt lat="51.48" lon="-0.01"><time>2026-03-29T00:00:05Z</time><fix>none</fix></trkpt>',
        '<trkpt lat="51.48" lon="-0.01"><time>2026-03-29T00:00:05Z</time><hdop>25</hdop></trkpt>',
        '<trkpt lat="0" lon="0"><time>2026-03-29T00:00:05Z</time></trkpt>',
        '<trkpt lat="nan" lon="-0.01"><time>2026-03-29T00:00:05Z</time></trkpt>',
    )
    points, notes = read_gpx(write_gpx(tmp_path / "b.gpx", walk(10, 10), *bad))
    assert len(points) == 11
    assert "5 of 16 points of b.gpx have no time or no good fix" in notes[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a GPX file"),
        ("<gpx><trk><trkseg/></trk></gpx>", "holds no point of a track"),
        ("<kml/>", "it is a 'kml'"),
        ("<gpx><trk>", "is not a GPX file"),
        ('<?xml version="1.0" encoding="none"?><gpx/>', "is not a GPX file"),
        ('<?xml version="1.0" encoding="big5"?><gpx/>', "is not a GPX file"),
        (
            '<!DOCTYPE gpx [<!ENTITY a "aaaa">]><gpx><trk>&a;</trk></gpx>',
            "it declares a document type",
        ),
    ],
)
def test_what_is_no_track_is_refused(tmp_path: Path, text: str, said: str) -> None:
    track = tmp_path / "b.gpx"
    track.write_text(text)
    with pytest.raises(RecordingError, match=said):
        read_gpx(track)


def test_two_tracks_at_one_time_are_refused(tmp_path: Path) -> None:
    track = write_gpx(tmp_path / "b.gpx", walk(10, 10))
    text = track.read_text()
    part = text[text.index("<trkseg>") : text.index("</trk>")]
    track.write_text(text.replace("</trk>", f"{part.replace('51.48', '51.58')}</trk>"))
    with pytest.raises(RecordingError, match="two tracks at one time, from 2026-03-29 00:00:00"):
        read_gpx(track)


@pytest.mark.parametrize("made", [gps5, gps9])
def test_a_film_s_own_telemetry_is_its_track(tmp_path: Path, made: object) -> None:
    packets = [
        made([(-0.01, 51.48 + METRE * 40 * (n + k / 2)) for k in range(2)],  # type: ignore[operator]
             time=START + timedelta(seconds=n + 3600))
        for n in range(6)
    ]  # fmt: skip
    film = film_with(tmp_path / "a.mp4", packets, seconds=6)
    found = course(film, film)
    placed = [leg for leg in found.legs if leg.place]
    assert [round(leg.end - leg.start, 1) for leg in placed[:1]] == [2.8]
    assert placed[0].place == pytest.approx((-0.01, 51.48 + METRE * 50), abs=1e-6)
    assert placed[-1].end == pytest.approx(7.5)
    # The film's own clock is an hour behind that of the satellites.
    assert "is 3600 s behind the right time" in found.notes[0]


def test_telemetry_without_a_fix_is_no_track(tmp_path: Path) -> None:
    lost = [gps5([HERE], time=START, fix=0), gps5([HERE], time=START, dilution=9999)]
    film = film_with(tmp_path / "a.mp4", lost, seconds=3)
    with pytest.raises(RecordingError, match="it holds no position"):
        course(film, film)


def test_telemetry_may_be_cut_off_or_damaged() -> None:
    packet = gps5([HERE], time=START)
    whole = list(samples_of(packet))
    assert whole[0].place == pytest.approx(HERE)
    assert whole[0].time == START
    for end in range(len(packet)):
        assert list(samples_of(packet[:end])) in ([], whole)
    for at in range(len(packet)):
        list(samples_of(packet[:at] + b"\xff" + packet[at + 1 :]))
    deep = b""
    for _ in range(60):
        deep = klv("STRM", "\0", 1, len(deep), deep)
    assert list(samples_of(deep)) == []
    for days in (math.nan, math.inf, -1e300):
        row = struct.pack(">9d", HERE[1], HERE[0], 0, 0, 0, days, 0, 1, 3)
        stream = klv("SCAL", "d", 8, 1, struct.pack(">d", 1)) + klv("GPS9", "d", 72, 1, row)
        (sample,) = samples_of(klv("STRM", "\0", 1, len(stream), stream))
        assert sample.time is None


def test_the_place_that_a_phone_states_holds_for_its_film(tmp_path: Path) -> None:
    film = film_with(tmp_path / "a.mp4", [], seconds=40, location="+51.4800-000.0100+010.0/")
    found = course(film, film)
    assert found.legs[0].place == pytest.approx(HERE)
    assert found.legs[0].end > 40
    assert len(found.legs) == 1
    assert "whether it moved is not known" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("+51.4800-000.0100/", HERE),
        ("+5128.8-00000.6/", HERE),
        ("+512848.0-0000036.0+12.5CRSWGS_84/", HERE),
        ("+00.0000+000.0000/", None),
        ("+95.0000+000.0000/", None),
        ("51.48,-0.01", None),
        ("", None),
    ],
)
def test_places_are_read_as_iso_6709_writes_them(
    text: str, place: tuple[float, float] | None
) -> None:
    found = iso_6709(text)
    assert found is None if place is None else found == pytest.approx(place)

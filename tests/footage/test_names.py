"""What the paths of recordings say: times, cameras and doubts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import CatalogueError
from workbench.footage.names import NamedRecording, Pattern, own_pattern, read_name

PARIS = timezone(timedelta(hours=1))
NEW_YORK = timezone(timedelta(hours=-5))


def read(path: str, *own: Pattern) -> NamedRecording | None:
    return read_name(PurePosixPath(path), own=own)


def local(*fields: int) -> datetime:
    """A time without an offset, as most names state it."""
    return datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("path", "started_at"),
    [
        ("2026-03-01T22:00:00+01:00.mp4", datetime(2026, 3, 1, 22, tzinfo=PARIS)),
        ("cam/2026-03-01T22-00-00+01-00.mp4", datetime(2026, 3, 1, 22, tzinfo=PARIS)),
        ("2026-03-01T22.00.00.250-0500.mp4", datetime(2026, 3, 1, 22, 0, 0, 250000, NEW_YORK)),
        ("20260301T220000Z.mkv", datetime(2026, 3, 1, 22, tzinfo=UTC)),
        ("2026-03-01 22_00_00 UTC.avi", datetime(2026, 3, 1, 22, tzinfo=UTC)),
        ("20260301T220000", local(2026, 3, 1, 22)),
        ("20260301220000123.dav", local(2026, 3, 1, 22, 0, 0, 123000)),
        ("2026.03.01 22.00.10.h264", local(2026, 3, 1, 22, 0, 10)),
        ("Screen Recording 2026-03-01 at 10.00.00 PM.mov", local(2026, 3, 1, 22)),
        ("31-05-2024_10-00-00.mp4", local(2024, 5, 31, 10)),
        ("2026-03-01/gate/22-00-10.mp4", local(2026, 3, 1, 22, 0, 10)),
        ("2026/03/01/gate/22h00m10s.mp4", local(2026, 3, 1, 22, 0, 10)),
    ],
)
def test_a_date_and_time_is_read_wherever_it_stands(path: str, started_at: datetime) -> None:
    reading = read(path)
    assert reading is not None
    assert (reading.started_at, reading.started_at.utcoffset()) == (
        started_at,
        started_at.utcoffset(),
    )
    assert reading.ambiguous == ""


@pytest.mark.parametrize(
    "path",
    [
        "2026-03-01.mp4",  # a date without a time is no start
        "22-00-00.mp4",
        "2026-03-01/clip0007.mp4",
        "20261301_220000.mp4",
        "20260230_220000.mp4",
        "2026-03-01_24-00-00.mp4",
        "1989-12-31_10-00-00.mp4",
        "2061-01-01_10-00-00.mp4",
        "12345678901234567890.mp4",
        "1709330400.mp4",  # seconds since 1970, or any other number
        "VID_0001.mp4",
        "20260301_2200.mp4",
        "2026-03-01_0001.mp4",
        "2026-03-0122-00-00.mp4",
        "20260301_90000.mp4",
        "",
    ],
)
def test_numbers_that_are_no_start_are_none(path: str) -> None:
    assert read(path) is None


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("01-05-2024 10-00-00.mp4", "2024-01-05 10:00:00"),
        ("2026-03-01_22-00-00-0500.mp4", "-0500"),
        ("2026-03-01 22-00-00 EST.mp4", "EST"),
        ("2026-03-01T22-00.mp4", "not the second"),
        ("Gate 2026-03-01 22.00.mp4", "not the second"),
        ("2026-03-01 22-00-00 part 2.mp4", "several parts"),
        ("2000-01-01_00-05-12.mp4", "never set"),
        ("2026-03-01/000123.mp4", "may be a number"),
        ("2026-03-01 22-00-00 exported 2026-03-09 08-00-00.mp4", "several times"),
    ],
)
def test_what_could_be_read_in_another_way_says_so(path: str, why: str) -> None:
    reading = read(path)
    assert reading is not None
    assert why in reading.ambiguous


def test_a_second_time_is_the_end_and_words_beside_name_the_camera() -> None:
    reading = read("Front door 2024-05-01 23.30.00 - 2024-05-02 00.10.00.mp4")
    assert reading is not None
    assert reading.ended_at == local(2024, 5, 2, 0, 10)
    assert (reading.camera, reading.ambiguous) == ("Front door", "")


def test_paths_of_windows_and_second_copies_are_read() -> None:
    path = PureWindowsPath(r"exports\Gate\2024-05-01 10-00-00 (1).mp4")
    reading = read_name(path)
    assert reading is not None
    assert reading.started_at == local(2024, 5, 1, 10)
    assert reading.camera is None


def test_an_own_pattern_comes_first_and_takes_numbers_without_zeros() -> None:
    own = own_pattern("{camera}/{day}.{month}.{year}/{hour}-{minute}-{second}.mp4")
    reading = read("case 7/gate/4.3.2024/9-05-00.mp4", own)
    assert reading is not None
    assert (reading.started_at, reading.camera) == (local(2024, 3, 4, 9, 5), "gate")
    assert read("case 7/gate/4.3.2024/9-05-00.avi", own) is None
    other = read("2024-05-01T10-00-00.mp4", own)
    assert other is not None
    assert other.pattern != own.name


@pytest.mark.parametrize(
    ("form", "what"),
    [
        ("{camera}/{year}-{month}-{day}", "it lacks {hour}, {minute}"),
        ("{camera}/{month}-{day}/{hour}.{minute}", "one of {year} and {yy}"),
        ("{camera}/{yaer}-{month}-{day} {hour}.{minute}", "{yaer} is not a field"),
        ("{camera/{year}-{month}-{day} {hour}.{minute}", "brace"),
        ("{year}-{month}-{day} {hour}.{minute}}", "brace"),
        ("{camera}*{year}-{month}-{day} {hour}.{minute}", "nothing separates"),
        ("*-*-*-*-{year}-{month}-{day} {hour}.{minute}", "more than 3"),
        ("{epoch}_{year}", "{epoch} is a whole time"),
        ("{epoch}_{end_hour}", "{end_minute}"),
        ("", "from 1 to"),
    ],
)
def test_a_bad_pattern_is_refused_with_the_reason(form: str, what: str) -> None:
    with pytest.raises(CatalogueError, match=r"pattern '.*") as error:
        own_pattern(form)
    assert what in str(error.value)


MOMENTS = st.datetimes(local(1990, 1, 2), local(2026, 1, 1)).filter(
    lambda moment: (moment.year, moment.month, moment.day) != (2000, 1, 1)
)
FORMS = st.sampled_from(
    [
        "{camera}/{year}-{month}-{day}/{hour}.{minute}.{second}.mp4",
        "{year}{month}{day}{hour}{minute}{second}_{camera}",
        "{camera}_{day}_{month}_{year} {hour}{minute}{second}",
        "*/{hour}/{minute}-{second} {month}.{day}.{year} [{camera}].ts",
    ]
)
CAMERAS = st.from_regex(r"[A-Za-zä北][A-Za-z0-9 ä北]{0,8}[A-Za-z0-9]", fullmatch=True)


@given(FORMS, MOMENTS, CAMERAS)
def test_a_rendered_pattern_is_read_back(form: str, moment: datetime, camera: str) -> None:
    fields = {
        "camera": camera,
        **{
            name: f"{getattr(moment, name):02}"
            for name in ("year", "month", "day", "hour", "minute", "second")
        },
    }
    reading = read(form.format_map(fields).replace("*", "export"), own_pattern(form))
    assert reading is not None
    assert (reading.started_at, reading.camera) == (moment.replace(microsecond=0), camera)


@given(MOMENTS, st.sampled_from(["%Y%m%dT%H%M%S", "%Y-%m-%d_%H-%M-%S", "%Y%m%d%H%M%S"]))
def test_a_rendered_time_is_read_back(moment: datetime, form: str) -> None:
    reading = read(moment.strftime(form) + ".mp4")
    assert reading is not None
    assert reading.started_at == moment.replace(microsecond=0)


@given(st.text("0123456789-_./:TZhms +[]@()PVRchCH", max_size=60))
def test_no_name_raises_or_leaves_the_possible_times(text: str) -> None:
    reading = read(text)
    if reading is not None:
        assert reading.started_at.year >= 1990
        assert reading.started_at.replace(tzinfo=UTC) < datetime.now(UTC) + timedelta(days=3)

"""Pictures of a sequence: which belong to it, and in which order they were taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from workbench.footage.frames import RecordingReader
from workbench.footage.order import in_order, taken_at_of

NAMES = {
    "as Windows numbers copies": ["IMG.jpg", "IMG (2).jpg", "IMG (10).jpg"],
    "day first": ["30.01.2026 23.59.59.jpg", "31.01.2026 00.00.00.jpg", "01.02.2026 00.00.00.jpg"],
    "month first": ["12-31-2025 23.59.59.jpg", "01-02-2026 00.00.00.jpg", "01-03-2026 0.00.00.jpg"],
    "twelve hours": [
        "2026-03-01 11.59.59 AM.jpg", "2026-03-01 12.00.00 PM.jpg", "2026-03-01 01.00.00 PM.jpg",
    ],
    "other digits": ["صورة ٩.jpg", "صورة ١٠.jpg", "صورة ١١.jpg"],
    "full width": ["a９.jpg", "a１０.jpg", "a１００.jpg"],
}  # fmt: skip


def folder(place: Path, taken: Mapping[str, str]) -> Path:
    """Write pictures, each one a shade brighter, and with the time in its EXIF if there is one."""
    for number, (name, time) in enumerate(taken.items()):
        tags = Image.Exif()
        if time:
            second, _, fraction = time.partition(".")
            tags.get_ifd(0x8769).update({0x9003: second, 0x9291: fraction or "0"})
        Image.new("L", (16, 16), 20 * number + 20).save(place / name, exif=tags)
    return place / "*.jpg"


def read(pattern: Path) -> tuple[list[int], RecordingReader]:
    """Numbers of the pictures in the order in which they are read."""
    with RecordingReader(pattern, frame_rate=1.0) as reader:
        return [round(frame.image().mean() / 20 - 1) for frame in reader.frames()], reader


# The first picture that lies elsewhere by its own time than by counting one a second.
ELSEWHERE = {"day first": [2.0], "month first": [1.0], "twelve hours": [2.0]}


@pytest.mark.parametrize("kind", NAMES)
def test_names_give_the_order(tmp_path: Path, kind: str) -> None:
    numbers, reader = read(folder(tmp_path, dict.fromkeys(NAMES[kind], "")))
    assert numbers == [0, 1, 2]
    assert [doubt.from_seconds for doubt in reader.doubts] == ELSEWHERE.get(kind, [])
    assert len(reader.problems) == len(reader.doubts)


@pytest.mark.parametrize("exif", [False, True])
def test_a_pause_between_pictures_that_state_their_times_is_told(
    tmp_path: Path, exif: bool
) -> None:
    hours = [f"{hour}-00-0{second}" for hour in (10, 12) for second in range(4)]
    taken = {
        f"{n}.jpg" if exif else f"cam_2026-03-29T{time}.jpg": (
            f"2026:03:29 {time.replace('-', ':')}" if exif else ""
        )
        for n, time in enumerate(hours)
    }
    numbers, reader = read(folder(tmp_path, taken))
    assert numbers == [*range(8)]
    assert [doubt.from_seconds for doubt in reader.doubts] == [4.0]


def test_exif_gives_the_order_where_the_counter_of_a_camera_began_again(tmp_path: Path) -> None:
    names = ["IMG_9999.jpg", "IMG_0001.jpg", "IMG_0002.jpg"]
    times = ["2026:03:01 10:00:00.5", "2026:03:01 10:00:00.6", "2026:03:01 10:00:01"]
    numbers, reader = read(folder(tmp_path, dict(zip(names, times, strict=True))))
    assert numbers == [0, 1, 2]
    assert [doubt.from_seconds for doubt in reader.doubts] == [0]
    taken = taken_at_of(tmp_path / "IMG_0001.jpg")
    assert taken is not None
    assert taken.microsecond == 600_000


def test_missing_numbers_are_told(tmp_path: Path) -> None:
    files = [Path(f"night_{number}.jpg") for number in range(40) if not 20 <= number < 23]
    assert in_order(files).files == tuple(files)
    ((place, why),) = in_order(files).doubts
    assert (place, why.partition(" are")[0]) == (20, "3 numbers")
    assert in_order(files[:20]).doubts == ()
    assert in_order([Path(f"{10 * number}.jpg") for number in range(9)]).doubts == ()
    assert in_order([Path(f"{number**2}.jpg") for number in range(9)]).doubts == ()


def test_what_lies_beside_the_pictures_is_none_of_them(tmp_path: Path) -> None:
    folder(tmp_path, {"1.jpg": "", "2.jpg": "", "3.JPG": ""})
    for name in ("._1.jpg", ".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt"):
        (tmp_path / name).write_bytes(b"none")
    numbers, reader = read(tmp_path / "*")
    assert (numbers, reader.problems) == ([0, 1, 2], [])
    numbers, reader = read(tmp_path / "*.jpg")
    assert numbers == [0, 1]
    assert ["1 more picture differs" in problem.what for problem in reader.problems] == [True]

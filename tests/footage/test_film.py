"""Films as recorders and programs write them: begun with sound, damaged, in contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import remuxed, write

from workbench.errors import RecordingError
from workbench.footage.frames import RecordingReader

COUNT = 60  # pictures, 12 a second unless a test says otherwise
X264 = {"bf": "0", "g": "12", "sc_threshold": "0", "preset": "veryfast"}


def film(
    path: Path,
    *,
    options: Mapping[str, str] = X264,
    count: int = COUNT,
    first: int = 0,
    aspect: Fraction | None = None,
) -> Path:
    """Write pictures of which number n is known by its shade."""
    return write(path, shades(range(first, first + count)), options=options, aspect=aspect)


def shades(numbers: Iterable[int]) -> Iterator[np.ndarray]:
    chance = np.random.default_rng(1)
    for number in numbers:
        grain = chance.integers(-15, 16, (48, 64, 1))
        yield np.repeat(30 + 3 * number + grain, 3, axis=2).astype(np.uint8)


def numbers(reader: RecordingReader) -> list[tuple[float, int]]:
    """Of each frame its second and its number."""
    return [
        (round(frame.seconds, 3), round((float(frame.image().mean()) - 27.5) / 3))
        for frame in reader.frames()
    ]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_recording_begins_with_its_sound(tmp_path: Path, suffix: str) -> None:
    """A recorder that waits for a key picture has written sound meanwhile."""
    source, path = film(tmp_path / "a.mkv", count=12), tmp_path / f"b.{suffix}"
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        sound = new.add_stream("mp2", rate=48_000, layout="mono")
        for number in range(150):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1152), np.int16), format="s16", layout="mono"
            )
            silence.sample_rate, silence.pts = 48_000, 1152 * number
            new.mux(sound.encode(silence))
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                packet.pts += int(2 / packet.time_base)
                packet.dts += int(2 / packet.time_base)
                new.mux(packet)
        new.mux(sound.encode())
    with RecordingReader(path) as reader:
        assert [second for second, _ in numbers(reader)] == pytest.approx(
            [2 + n / 12 for n in range(12)], abs=0.05
        )
        (unseen,) = reader.unseen
        assert (unseen.start, unseen.end) == (0, pytest.approx(2, abs=0.05))


def test_times_of_asf_are_those_of_its_pictures(tmp_path: Path) -> None:
    """It is read as if they were those of decoding; a pause would come a picture early."""
    times = [0, 0.1, 0.2, 3.0, 3.1, 6.0]
    source = write(tmp_path / "a.ts", shades(range(6)), times=times)
    with RecordingReader(remuxed(source, tmp_path / "b.asf")) as reader:
        seen = numbers(reader)
    assert [n for _, n in seen] == list(range(6))
    assert [second for second, _ in seen] == pytest.approx(times, abs=0.002)


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_nobody_is_seen_in_pictures_that_are_made_from_lost_ones(
    tmp_path: Path, suffix: str
) -> None:
    """A decoder shows what it saw before the damage until the next key picture comes."""
    path = film(tmp_path / f"a.{suffix}")
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 5 : len(data) * 3 // 5] = bytes(len(data) // 5)
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        seen = numbers(reader)
        unseen = [(span.start, span.end) for span in reader.unseen]
    # The picture in which the damage begins is half a picture.
    assert sum(abs(n - 12 * second) > 1.1 for second, n in seen) <= 1
    lost = set(range(COUNT)) - {n for _, n in seen}
    assert sum(any(a - 0.1 < n / 12 < b for a, b in unseen) for n in lost) >= len(lost) - 1 > 0


def test_packets_that_were_lost_are_not_seen(tmp_path: Path) -> None:
    """Whole packets that are missing show in a stream by nothing but a step of its clock."""
    path = film(tmp_path / "a.ts")
    data = path.read_bytes()
    third = len(data) // 188 // 3 * 188
    path.write_bytes(data[:third] + data[2 * third :])
    with RecordingReader(path) as reader:
        seen = numbers(reader)
        assert all(abs(n / 12 - seconds) < 0.1 for seconds, n in seen)
        (unseen,) = reader.unseen
        lost = sorted({*range(COUNT)} - {n for _, n in seen})
        assert (unseen.start, unseen.end) == pytest.approx(
            (lost[0] / 12, (lost[-1] + 1) / 12), abs=0.2
        )
        assert any("could not be seen" in problem.what for problem in reader.problems)


@pytest.mark.parametrize(("rate", "lost"), [(12, 13), (5, 6), (3, 5)])
def test_pictures_that_are_missing_from_a_stream_are_told(
    tmp_path: Path, rate: int, lost: int
) -> None:
    """More than a second, at whatever rate; a rate that changes is none."""
    times = [n / rate for n in range(40) if not 20 <= n < 20 + lost]
    path = write(tmp_path / "a.ts", shades(range(40)), times=times, options=X264 | {"g": "1"})
    with RecordingReader(path) as reader:
        assert len(numbers(reader)) == 40 - lost
        (unseen,) = reader.unseen
        assert (unseen.start, unseen.end) == pytest.approx((20 / rate, (20 + lost) / rate))
    slower = [n / rate for n in range(20)] + [20 / rate + n * 4 / rate for n in range(10)]
    with RecordingReader(
        write(tmp_path / "b.ts", shades(range(30)), times=slower, options=X264)
    ) as reader:
        assert len(numbers(reader)) == 30
        assert reader.unseen == []


def test_last_pictures_that_cannot_be_decoded_are_told(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for at, size in packets[-12:]:
        data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        assert len(numbers(reader)) == COUNT - 12
        (unseen,) = reader.unseen
        assert (unseen.start, unseen.end) == pytest.approx((4, 5), abs=0.01)


def test_what_is_left_out_at_the_end_is_told(tmp_path: Path) -> None:
    path = film(tmp_path / "a.ts", options=X264 | {"g": "250"})
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 5 : len(data) * 3 // 5] = bytes(len(data) // 5)
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        last, _ = numbers(reader)[-1]
        (unseen,) = reader.unseen
        assert (unseen.start, unseen.end) == pytest.approx((last + 1 / 12, 5), abs=0.1)
        assert reader.seconds == pytest.approx(5, abs=0.1)


def test_what_is_lost_in_a_film_of_numbered_pictures_makes_times_uncertain(tmp_path: Path) -> None:
    path = film(tmp_path / "a.h264")
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 5 : len(data) * 3 // 5] = bytes(len(data) // 5)
    path.write_bytes(data)
    with RecordingReader(path, frame_rate=12) as reader:
        seen = numbers(reader)
        (doubt,) = reader.doubts
    assert len(seen) < COUNT
    late = [second for second, n in seen if abs(second - n / 12) > 0.1]
    assert late
    assert min(late) >= doubt.from_seconds - 0.5
    assert "lost" in doubt.why


@pytest.mark.parametrize("rate", [1_000_000, 25])
def test_a_rate_at_which_no_camera_takes_pictures_is_none(tmp_path: Path, rate: int) -> None:
    path = remuxed(film(tmp_path / "a.ts"), tmp_path / "a.avi")
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 20
    data[at : at + 8] = b"".join(value.to_bytes(4, "little") for value in (1, rate))
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        seen = numbers(reader)
        assert [doubt.from_seconds for doubt in reader.doubts] == ([] if rate == 25 else [0.0])
        assert seen[-1][0] > 1


def test_the_shape_of_pixels_is_that_of_the_container_or_that_of_the_moment(
    tmp_path: Path,
) -> None:
    wide = film(tmp_path / "a.ts", aspect=Fraction(2), count=12)
    plain = film(tmp_path / "b.ts", count=12, first=12)
    (tmp_path / "c.ts").write_bytes(wide.read_bytes() + plain.read_bytes())
    with RecordingReader(tmp_path / "c.ts") as reader:
        sizes = [(frame.width, frame.height) for frame in reader.frames()]
    assert sizes == [(128, 48)] * 12 + [(64, 48)] * 12
    mp4 = film(tmp_path / "d.mp4", aspect=Fraction(2), count=2)
    data = mp4.read_bytes()
    at = data.index(b"pasp") + 4
    mp4.write_bytes(data[:at] + (1).to_bytes(4, "big") * 2 + data[at + 8 :])
    with RecordingReader(mp4) as reader:
        assert {(frame.width, frame.height) for frame in reader.frames()} == {(64, 48)}


def test_pictures_that_cannot_be_decoded_are_not_called_missing(tmp_path: Path) -> None:
    path = remuxed(film(tmp_path / "a.ts", count=3), tmp_path / "a.avi")
    path.write_bytes(path.read_bytes().replace(b"H264", b"XXXX"))
    with pytest.raises(RecordingError, match="of a kind that cannot be decoded"):
        RecordingReader(path)


def test_a_further_stream_that_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    other = write(
        tmp_path / "b.mkv", shades(range(3)), codec="mjpeg", pixels="yuvj420p", options={}
    )
    path = tmp_path / "both.avi"
    with (
        av.open(str(film(tmp_path / "a.ts", count=3))) as first,
        av.open(str(other)) as second,
        av.open(str(path), "w") as new,
    ):
        both = [
            (old, new.add_stream_from_template(old.streams.video[0])) for old in (first, second)
        ]
        for old, stream in both:
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    new.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"XXXX"))
    with RecordingReader(path) as reader:
        assert len(numbers(reader)) == 3
        assert [problem.what for problem in reader.problems] == [
            "picture streams that cannot be decoded: 1"
        ]


def test_pictures_that_a_film_leaves_out_are_counted(tmp_path: Path) -> None:
    """Programs that cut without writing anew keep what they cut off, and say from where to show."""
    path = film(tmp_path / "a.mp4", count=24)
    data = path.read_bytes()
    at = data.index(b"elst") + 4 + 8 + 4  # version, number of entries, length of the first
    clock = data.index(b"mdhd") + 16
    scale = int.from_bytes(data[clock : clock + 4], "big")
    later = int.from_bytes(data[at : at + 4], "big") + scale * 3 // 12
    path.write_bytes(data[:at] + later.to_bytes(4, "big") + data[at + 4 :])
    with RecordingReader(path) as reader:
        seen = numbers(reader)
        assert [number for _, number in seen] == [*range(3, 24)]
        assert [problem.what.partition(" that")[0] for problem in reader.problems] == [
            "3 pictures are in it"
        ]
        assert seen[0][0] == 0


@pytest.mark.parametrize("part", [1.0, 0.5])
def test_a_film_that_was_cut_off_is_told(tmp_path: Path, part: float) -> None:
    path = film(tmp_path / "a.mkv", count=60)
    data = path.read_bytes()
    path.write_bytes(data[: round(part * len(data))])
    with RecordingReader(path) as reader:
        assert len(numbers(reader)) >= 20
        told = [problem for problem in reader.problems if "its header claims 5 s" in problem.what]
        assert len(told) == len(reader.unseen) == (1 if part < 1 else 0)

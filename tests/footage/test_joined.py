"""Files in which recordings follow each other: all of them are looked at, and the join is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from workbench.footage.frames import RecordingReader
from workbench.footage.importing.header import read_header

RATE, COUNT = 25, 12
ENCODERS = {
    "libx264": {"bf": "0", "g": "12", "sc_threshold": "0", "preset": "veryfast"},
    "libx265": {"x265-params": "log-level=none:keyint=12:pools=1:frame-threads=1"},
    "mpeg2video": {"g": "12"},
    "mpeg4": {"g": "12"},
    "libvpx": {},
    "rawvideo": {},
}
# Numbers of streams in MPEG-TS, and of the programme.
OTHER = {"mpegts_start_pid": "300"}
ANOTHER = {"mpegts_start_pid": "400", "mpegts_pmt_start_pid": "5000", "mpegts_service_id": "7"}


def film(
    path: Path,
    first: int = 0,
    *,
    codec: str = "libx264",
    count: int = COUNT,
    size: tuple[int, int] = (48, 64),
    rate: int = RATE,
    options: Mapping[str, str] | None = None,
) -> bytes:
    """Write pictures of which number n is known by its shade; return the file's content."""
    with av.open(str(path), "w", options=dict(options or {})) as container:
        stream = container.add_stream(codec, rate=rate)
        (stream.height, stream.width), stream.pix_fmt = size, "yuv420p"
        stream.options = ENCODERS[codec]
        for place, picture in enumerate(shades(range(first, first + count), size)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = place, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def shades(numbers: Iterable[int], size: tuple[int, int] = (48, 64)) -> Iterator[np.ndarray]:
    chance = np.random.default_rng(1)
    for number in numbers:
        grain = chance.integers(-8, 9, (*size, 1))
        yield np.repeat(20 + 2 * number + grain, 3, axis=2).astype(np.uint8)


def together(path: Path, sources: Iterable[tuple[Path, float]]) -> bytes:
    """Write the pictures of several films into one file, each from a second on."""
    packets = []
    olds = [(av.open(str(source)), begins) for source, begins in sources]
    with av.open(str(path), "w") as new:
        for old, begins in olds:
            stream = new.add_stream_from_template(old.streams.video[0])
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.pts += round(begins / packet.time_base)
                    packet.dts += round(begins / packet.time_base)
                    packet.stream = stream
                    packets.append(packet)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            new.mux(packet)
    for old, _ in olds:
        old.close()
    return path.read_bytes()


def shown(reader: RecordingReader) -> list[tuple[float, int]]:
    """Of each frame its second and its number."""
    return [
        (round(frame.seconds, 3), round((float(frame.image().mean()) - 19.5) / 2))
        for frame in reader.frames()
    ]


def assert_all_is_looked_at(path: Path, parts: int) -> None:
    """Every picture is shown at its second, and each join is told once."""
    with RecordingReader(path) as reader:
        seen = shown(reader)
        assert [second for second, _ in seen] == pytest.approx(
            [n / RATE for n in range(parts * COUNT)], abs=0.002
        )
        # Shades are kept but for a little.
        assert max(abs(number - n) for n, (_, number) in enumerate(seen)) <= 3
        assert [doubt.from_seconds for doubt in reader.doubts] == pytest.approx(
            [n * COUNT / RATE for n in range(1, parts)], abs=0.002
        )
        assert [problem.at_seconds for problem in reader.problems] == [
            doubt.from_seconds for doubt in reader.doubts
        ]
        assert all("recordings were joined" in problem.what for problem in reader.problems)
        assert (reader.unseen, reader.picture_streams) == ([], 1)


@pytest.mark.parametrize(
    "suffix", ["mp4", "mov", "mkv", "asf", "flv", "avi", "nut", "mxf", "ivf", "y4m"]
)
def test_films_joined_byte_by_byte(tmp_path: Path, suffix: str) -> None:
    codec = {"mxf": "mpeg2video", "ivf": "libvpx", "y4m": "rawvideo"}.get(suffix, "libx264")
    contents = [film(tmp_path / f"{n}.{suffix}", n, codec=codec) for n in (0, COUNT)]
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(b"".join(contents))
    assert_all_is_looked_at(joined, 2)
    assert_all_is_looked_at(tmp_path / f"0.{suffix}", 1)


@pytest.mark.parametrize(
    "parts",
    [
        [("libx264", {}), ("libx264", OTHER)],
        [("libx264", {}), ("libx264", ANOTHER)],
        [("libx264", {}), ("libx265", {})],
        [("libx265", {}), ("libx264", {})],
        [("mpeg2video", {}), ("libx264", {}), ("mpeg4", OTHER)],
        [("libx264", {}), ("libx264", OTHER), ("libx264", {})],
        [("libx264", {}), ("libx265", {}), ("libx264", {})],
    ],
    ids=["number", "programme", "H.265", "H.264", "three", "and back", "and back in codec"],
)
def test_picture_streams_that_follow_each_other(
    tmp_path: Path, parts: list[tuple[str, dict[str, str]]]
) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(
        b"".join(
            film(tmp_path / "part.ts", n * COUNT, codec=codec, options=options)
            for n, (codec, options) in enumerate(parts)
        )
    )
    assert_all_is_looked_at(joined, len(parts))
    assert read_header(joined, joined.name).picture_streams == 1


def test_streams_of_another_number_in_mpeg_ps(tmp_path: Path) -> None:
    first = film(tmp_path / "a.mpg", codec="mpeg2video")
    second = film(tmp_path / "b.mpg", COUNT, codec="mpeg2video")
    joined = tmp_path / "joined.mpg"
    joined.write_bytes(first + second.replace(b"\0\0\x01\xe0", b"\0\0\x01\xe5"))
    assert_all_is_looked_at(joined, 2)


def test_slices_of_mpeg_2_are_no_other_codec(tmp_path: Path) -> None:
    """Packets begin in mid-picture there, with numbers that mean something else in H.264."""
    film(tmp_path / "a.mpg", codec="mpeg2video", size=(720, 1280))
    assert_all_is_looked_at(tmp_path / "a.mpg", 1)


def test_a_join_in_the_middle_of_pictures(tmp_path: Path) -> None:
    """What comes before the first key picture after the join is told, and costs its seconds."""
    first, second = (
        film(tmp_path / "part.ts", n, count=2 * COUNT, options=options)
        for n, options in ((0, {}), (2 * COUNT, OTHER))
    )
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first[: len(first) * 3 // 4 + 77] + second[len(second) // 4 + 33 :])
    with RecordingReader(joined) as reader:
        seen = shown(reader)
        (doubt,) = reader.doubts
        (unseen,) = reader.unseen
    before = [second for second, number in seen if number < 2 * COUNT - 1]
    after = [second for second, number in seen if number >= 2 * COUNT - 1]
    assert len(after) == COUNT  # from the second key picture on
    assert doubt.from_seconds == pytest.approx(before[-1] + 1 / RATE, abs=0.002)
    assert (unseen.start, unseen.end) == pytest.approx((doubt.from_seconds, after[0]), abs=0.002)
    assert 0 < unseen.end - unseen.start < COUNT / RATE


def test_another_size_and_rate_after_the_join(tmp_path: Path) -> None:
    joined = tmp_path / "joined.ts"
    joined.write_bytes(
        film(tmp_path / "a.ts")
        + film(tmp_path / "b.ts", COUNT, codec="libx265", size=(96, 128), rate=5, options=OTHER)
    )
    # There are enough pictures before the join, and after it all are needed.
    with RecordingReader(joined, sufficient_rate=12.0) as reader:
        frames = [(frame.width, round(frame.seconds, 2)) for frame in reader.frames()]
    assert frames[:COUNT] == [(64, round(n / RATE, 2)) for n in range(COUNT)]
    assert frames[COUNT:] == [(128, round(COUNT / RATE + n / 5, 2)) for n in range(COUNT)]


def test_what_cannot_be_decoded_after_a_join_is_told_and_counted(tmp_path: Path) -> None:
    contents = [
        film(tmp_path / "part.ts", n * COUNT, options=options)
        for n, options in enumerate(({}, OTHER, {}))
    ]
    spoilt = contents[1].replace(b"\0\0\x01\x67", b"\0\0\x01\x6c")  # no size, no codec's profile
    joined = tmp_path / "joined.ts"
    joined.write_bytes(contents[0] + spoilt + contents[2])
    with RecordingReader(joined) as reader:
        seen = shown(reader)
        (unseen,) = reader.unseen
    assert [number for _, number in seen] == pytest.approx(
        [*range(COUNT), *range(2 * COUNT, 3 * COUNT)], abs=1
    )
    assert (unseen.start, unseen.end) == pytest.approx((COUNT / RATE, 2 * COUNT / RATE), abs=0.1)
    assert "no picture of the part from byte" in unseen.why
    assert seen[COUNT][0] == pytest.approx(unseen.end, abs=0.1)
    assert reader.doubts[-1].from_seconds == pytest.approx(seen[COUNT][0], abs=0.002)


def test_a_film_that_was_cut_off_before_its_table_is_told(tmp_path: Path) -> None:
    contents = [film(tmp_path / f"{n}.mp4", n) for n in (0, COUNT)]
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(contents[0] + contents[1].replace(b"moov", b"lost"))
    with RecordingReader(joined) as reader:
        assert len(shown(reader)) == COUNT
        (unseen,) = reader.unseen
        assert f"from byte {len(contents[0]):,} on" in unseen.why
        assert "of unknown length could not be seen" in reader.problems[0].what


@pytest.mark.parametrize(("suffix", "options"), [("mp4", {}), ("mkv", {}), ("mkv", {"live": "1"})])
def test_films_of_other_codecs_and_sizes(
    tmp_path: Path, suffix: str, options: dict[str, str]
) -> None:
    """Live: written by a recorder that was switched off, and does not state its length."""
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(
        film(tmp_path / f"a.{suffix}", options=options)
        + film(tmp_path / f"b.{suffix}", COUNT, codec="libx265", size=(96, 128), options=options)
    )
    assert_all_is_looked_at(joined, 2)


def test_films_beyond_a_great_number_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("frames", "joined"):
        monkeypatch.setattr(f"workbench.footage.{module}.MOST_PARTS", 2)
    joined = tmp_path / "joined.mp4"
    joined.write_bytes(film(tmp_path / "a.mp4") * 3)
    with RecordingReader(joined) as reader:
        assert len(shown(reader)) == 2 * COUNT
        assert any("the first 2 are looked at" in problem.what for problem in reader.problems)


def test_sound_in_the_place_of_pictures_is_no_damage(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "sound.ts"), "w") as container:
        voice = container.add_stream("mp2", rate=48_000, layout="mono")
        for number in range(80):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1152), np.int16), format="s16", layout="mono"
            )
            silence.sample_rate, silence.pts = 48_000, 1152 * number
            container.mux(voice.encode(silence))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(
        film(tmp_path / "a.ts", count=4 * COUNT)
        + (tmp_path / "sound.ts").read_bytes()
        + film(tmp_path / "b.ts", COUNT, options=OTHER)
    )
    with RecordingReader(joined) as reader:
        assert len(shown(reader)) == 5 * COUNT
        (unseen,) = reader.unseen
        assert unseen.end - unseen.start == pytest.approx(80 * 1152 / 48_000, abs=0.1)
        assert "holds no pictures" in unseen.why


@pytest.mark.parametrize("pieces", [False, True])
def test_streams_that_run_at_the_same_time_are_not_joined(tmp_path: Path, pieces: bool) -> None:
    """Also where they alternate in pieces as long as a recording."""
    film(tmp_path / "a.ts", count=4 * COUNT)
    film(tmp_path / "b.ts", 4 * COUNT, count=4 * COUNT)
    path = tmp_path / "c.ts"
    content = together(path, [(tmp_path / "a.ts", 0), (tmp_path / "b.ts", 0)])
    if pieces:
        path.write_bytes(in_pieces(content, (256, 257)))
    for number in (1, 2):
        with RecordingReader(path, stream=number) as reader:
            first = (number - 1) * 4 * COUNT
            assert [number for _, number in shown(reader)] == pytest.approx(
                [*range(first, first + 4 * COUNT)], abs=1
            )
            assert (reader.picture_streams, reader.doubts, reader.unseen) == (2, (), [])


def test_streams_that_are_listed_together_are_not_joined(tmp_path: Path) -> None:
    """Two lenses, of which one waits for movement until the other has ended."""
    film(tmp_path / "a.ts")
    film(tmp_path / "b.ts", COUNT)
    path = tmp_path / "c.ts"
    together(path, [(tmp_path / "a.ts", 0), (tmp_path / "b.ts", 2.0)])
    for number, begins in ((1, 0), (2, 2)):
        with RecordingReader(path, stream=number) as reader:
            seen = shown(reader)
            assert (len(seen), reader.picture_streams) == (COUNT, 2)
            assert seen[0][0] == pytest.approx(begins, abs=0.05)
            assert [doubt.from_seconds for doubt in reader.doubts] == [0.0] * (number - 1)


def test_a_short_recording_between_two_of_one_stream(tmp_path: Path) -> None:
    content = film(tmp_path / "a.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(content + film(tmp_path / "b.ts", COUNT, count=3, options=OTHER) + content)
    with RecordingReader(joined) as reader:
        seen = shown(reader)
        assert [second for second, _ in seen] == pytest.approx([n / RATE for n in range(27)])
        assert [doubt.from_seconds for doubt in reader.doubts] == pytest.approx([0.48, 0.6])
        assert reader.picture_streams == 1


def in_pieces(content: bytes, numbers: tuple[int, ...]) -> bytes:
    """An MPEG-TS in which streams alternate after each twelve pictures, not after each one."""
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    of: dict[int, list[list[bytes]]] = {number: [[]] for number in numbers}
    tables = []
    for packet in packets:
        number = (packet[1] & 0x1F) << 8 | packet[2]
        if number not in of:
            tables += [packet] if len(tables) < 8 else []
            continue
        if packet[1] & 0x40:
            of[number].append([])
        of[number][-1].append(packet)
    pictures = max(map(len, of.values()))
    return b"".join(tables) + b"".join(
        b"".join(packet)
        for at in range(1, pictures, COUNT)
        for number in numbers
        for packet in of[number][at : at + COUNT]
    )


def test_of_two_streams_after_a_join_one_is_looked_at(tmp_path: Path) -> None:
    film(tmp_path / "a.ts", COUNT)
    second = together(tmp_path / "b.ts", [(tmp_path / "a.ts", 0), (tmp_path / "a.ts", 0)])
    joined = tmp_path / "joined.ts"
    joined.write_bytes(film(tmp_path / "c.ts", options=OTHER) + second)
    with RecordingReader(joined) as reader:
        assert len(shown(reader)) == 2 * COUNT
        assert any("2 picture streams run from byte" in p.what for p in reader.problems)


def test_a_stream_that_begins_after_another_has_no_certain_beginning(tmp_path: Path) -> None:
    film(tmp_path / "a.ts", count=4 * COUNT)
    film(tmp_path / "b.ts", COUNT)
    path = tmp_path / "c.ts"
    together(path, [(tmp_path / "a.ts", 0), (tmp_path / "b.ts", 1.0)])
    for number, doubts in ((1, []), (2, [0.0])):
        with RecordingReader(path, stream=number) as reader:
            assert [doubt.from_seconds for doubt in reader.doubts] == doubts
            (first, _), *_ = shown(reader)
            assert first == pytest.approx(number - 1, abs=0.05)

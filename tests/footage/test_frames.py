"""Reading recordings: the stream's own times, upright pictures, damage told and survived."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from workbench.errors import RecordingError
from workbench.footage.files import files_of, sha256_of
from workbench.footage.frames import RecordingReader


def film(
    path: Path,
    times: Sequence[float],
    *,
    sound: bool = False,
    interlaced: bool = False,
    group: int = 250,
) -> Path:
    """Write a film with one frame at each time; frame n is n shades brighter than frame 0."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.options = {"bf": "2", "g": str(group)} | (
            {"x264-params": "interlaced=1"} if interlaced else {}
        )
        if sound:
            voice = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 4800), np.int16), format="s16", layout="mono"
            )
            silence.sample_rate, silence.pts = 48_000, 0
            container.mux(voice.encode(silence))
        for number, seconds in enumerate(times):
            picture = np.full((48, 64, 3), 40 + 4 * number, np.uint8)
            picture[:24, :32] = 250  # a mark in the top left corner
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(seconds * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_times_are_those_of_the_stream(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 1.0, 1.5, 1.54, 3.0]
    with RecordingReader(film(tmp_path / "a.mkv", times)) as reader:
        seen = [(frame.number, round(frame.seconds, 3)) for frame in reader.frames()]
    assert seen == list(enumerate(times))
    assert reader.frames_decoded == len(times)
    assert reader.seconds == pytest.approx(4.0)  # the last frame is shown for as long as the gap
    assert reader.problems == []


def test_frames_that_no_other_needs_are_left_where_there_are_enough(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [n / 25 for n in range(50)])

    def seen(sufficient_rate: float | None) -> dict[float, float]:
        with RecordingReader(path, sufficient_rate=sufficient_rate) as reader:
            return {round(f.seconds, 3): float(f.image()[40, 60].mean()) for f in reader.frames()}

    every, fewer = seen(None), seen(12.0)
    assert seen(13.0) == every  # 25 is not twice 13
    assert len(every) == 50
    assert 15 < len(fewer) < 35
    # Those that are left keep their own times and pictures.
    assert {time: every[time] for time in fewer} == fewer


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_later_start_shows_the_same_pictures_at_the_same_times(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name, [2.0 + n / 10 for n in range(50)], group=10)

    def seen(start: float) -> tuple[dict[float, bytes], int]:
        with RecordingReader(path) as reader:
            frames = reader.frames(start=start)
            pictures = {round(f.seconds, 6): f.image().tobytes() for f in frames}
            assert reader.problems == []
            return pictures, reader.frames_decoded

    everything, count = seen(0.0)
    later, fewer = seen(4.05)
    # Where the format tells the place, no more than a second and a group is read in vain.
    assert fewer <= 29 if name == "a.mp4" else fewer == count
    assert min(later) <= 4.05
    assert {s: p for s, p in later.items() if s >= 4.05} == {
        s: p for s, p in everything.items() if s >= 4.05
    }
    assert set(later) <= set(everything)


def test_a_start_after_the_end_shows_the_last_pictures(tmp_path: Path) -> None:
    with RecordingReader(film(tmp_path / "a.mp4", [0.0, 0.04, 0.08])) as reader:
        assert all(frame.seconds < 100 for frame in reader.frames(start=100))


def test_sound_beside_the_pictures_does_not_matter(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5]
    with RecordingReader(film(tmp_path / "a.mkv", times, sound=True)) as reader:
        assert [round(frame.seconds, 3) for frame in reader.frames()] == times
    assert reader.problems == []


def test_interlaced_pictures_are_read(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [n / 25 for n in range(10)], interlaced=True)
    with RecordingReader(path) as reader:
        frames = [frame.image() for frame in reader.frames()]
    assert len(frames) == 10
    assert frames[0][5, 5].mean() > 240 > 60 > frames[0][40, 60].mean()
    assert reader.problems == []


def test_pictures_are_bgr_and_luma_is_small(tmp_path: Path) -> None:
    with RecordingReader(film(tmp_path / "a.mp4", [0, 0.04])) as reader:
        first = next(reader.frames())
        image, luma = first.image(), first.luma(32)
    assert image.shape == (48, 64, 3)
    assert image[5, 5].mean() > 240 > 60 > image[40, 60].mean()
    assert luma.shape == (24, 32)
    assert luma[2, 2] > 200


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_recordings_are_put_upright(tmp_path: Path, degrees: int) -> None:
    plain, turned = film(tmp_path / "a.mp4", [0, 0.04]), tmp_path / "b.mp4"
    # The display matrix of the track header, as phones write it; PyAV cannot write one.
    data = bytearray(plain.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    one = 1 << 16
    matrix = [cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    turned.write_bytes(data)
    with RecordingReader(turned) as reader:
        frame = next(reader.frames())
        image, luma = frame.image(), frame.luma(64)
    # The mark moves clockwise with the picture.
    corner = {90: (0, -1), 180: (-1, -1), 270: (-1, 0)}[degrees]
    assert image.shape[:2] == ((48, 64) if degrees == 180 else (64, 48))
    assert image[corner].mean() > 200
    assert luma[corner] > 200


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty.mp4", "is empty"),
        ("text.mp4", "is not a recording that can be read"),
        ("noise.mp4", "is not a recording that can be read"),
        ("truncated.mp4", "is not a recording that can be read"),
        ("audio_only.mp4", "holds no pictures"),
    ],
)
def test_what_is_no_recording_is_refused(bad_recordings: Path, name: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        RecordingReader(bad_recordings / name)


@pytest.mark.parametrize(
    ("name", "frames"),
    [("grey.mkv", 60), ("hevc10.mp4", 60), ("mjpeg.avi", 24), ("one_frame.mp4", 1)],
)
def test_unusual_recordings_are_read(bad_recordings: Path, name: str, frames: int) -> None:
    with RecordingReader(bad_recordings / name) as reader:
        pictures = [frame.image().shape for frame in reader.frames()]
    assert pictures == [(180, 320, 3)] * frames
    assert reader.problems == []


def test_damage_costs_only_the_frames_it_hit(bad_recordings: Path) -> None:
    with RecordingReader(bad_recordings / "damaged.mp4") as reader:
        times = [frame.seconds for frame in reader.frames()]
    assert len(times) > 200
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(20, abs=0.2)
    assert any("Invalid data" in problem.what for problem in reader.problems)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [n / 25 for n in range(50)])
    with RecordingReader(path) as reader:
        frames = reader.frames()
        next(frames)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(RecordingError, match="changed or went away"):
            list(frames)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(RecordingError, match=r"gone\.mp4: there is no such file"):
        RecordingReader(Path("gone.mp4"))


def test_a_playlist_cannot_name_other_files(tmp_path: Path) -> None:
    secret = film(tmp_path / "secret.mp4", [0, 0.04])
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{secret.as_uri()}\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "list.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile {secret}\n")
    for path in (playlist, concat):
        with pytest.raises(RecordingError, match="is not a recording that can be read"):
            RecordingReader(path)


def test_the_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    assert sha256_of(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_sequence_of_pictures_is_a_recording(tmp_path: Path) -> None:
    from PIL import Image

    for number in (1, 2, 3, 7):  # a gap in the numbers costs nothing
        Image.new("RGB", (64, 48), (30 * number, 0, 0)).save(tmp_path / f"{number:03}.png")
    pattern = tmp_path / "*.png"
    with RecordingReader(pattern, frame_rate=4) as reader:
        seen = [(frame.seconds, int(frame.image()[0, 0, 2]) // 30) for frame in reader.frames()]
    assert seen == [(0, 1), (0.25, 2), (0.5, 3), (0.75, 7)]
    assert reader.seconds == 1
    before = sha256_of(pattern)
    (tmp_path / "007.png").write_bytes((tmp_path / "003.png").read_bytes())
    assert sha256_of(pattern) != before
    assert files_of(tmp_path / "*.jpg") == ()
    with pytest.raises(RecordingError, match="there is no such file"):
        RecordingReader(tmp_path / "*.jpg")


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0, 0.04]).rename(tmp_path / "a.txt")
    with RecordingReader(path) as reader:
        assert len(list(reader.frames())) == 2


def test_an_absurd_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    (tmp_path / "1.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
    )
    with pytest.raises(RecordingError, match="claims pictures of 12000 by 12000"):
        RecordingReader(tmp_path / "*.png", frame_rate=1)


def test_a_claimed_duration_is_only_an_estimate(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0, 0.04, 0.08])
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 4 + 16  # version, times and time scale come first
    data[at : at + 4] = (0x7FFFFFF0).to_bytes(4, "big")
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        assert len(list(reader.frames())) == 3
        assert reader.seconds == pytest.approx(0.12)

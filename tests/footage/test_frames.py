"""Reading recordings: the stream's own times, upright pictures, damage told and survived."""

from __future__ import annotations

import gc
import hashlib
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import remuxed, with_display_matrix

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


def test_where_no_place_can_be_gone_to_reading_begins_at_the_beginning(tmp_path: Path) -> None:
    class Stuck:
        """A damaged film in which no seeking works, not even to its beginning."""

        def __init__(self, container: Any) -> None:
            self.container = container

        def __getattr__(self, name: str) -> Any:
            return getattr(self.container, name)

        def seek(self, *_: object, **__: object) -> None:
            raise av.error.PermissionError(1, "Operation not permitted")

    with RecordingReader(film(tmp_path / "a.mp4", [0, 0.04, 2.0, 2.04])) as reader:
        reader._source._container = Stuck(reader._source._container)  # type: ignore[union-attr]
        assert [round(f.seconds, 2) for f in reader.frames(start=2.0)] == [0, 0.04, 2.0, 2.04]


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


def test_a_picture_that_nobody_holds_leaves_memory_at_once(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()
    gc.freeze()  # all that is there already, which need not be looked through for each picture
    try:
        with RecordingReader(film(tmp_path / "a.mp4", [n / 25 for n in range(30)])) as reader:
            for _ in reader.frames():
                held = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
                assert held <= 3
    finally:
        gc.unfreeze()
        gc.enable()


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
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    with_display_matrix(plain, turned, cos, sin, -sin, cos)
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
        with pytest.raises(RecordingError, match="changed, or was moved or deleted"):
            list(frames)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(RecordingError, match=r"gone\.mp4: the file does not exist"):
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
    with pytest.raises(RecordingError, match="the file does not exist"):
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
    data[at - 4 : at] = (1).to_bytes(4, "big")  # of which a second has one: 68 years
    path.write_bytes(data)
    with RecordingReader(path) as reader:
        assert len(list(reader.frames())) == 3
        assert reader.duration_seconds is None or reader.duration_seconds < 3e9


def shades(reader: RecordingReader) -> list[tuple[float, int]]:
    """Of each frame its second and its number, as its shade tells it in :func:`film`."""
    return [
        (round(frame.seconds, 3), round((float(frame.image()[40, 60].mean()) - 38) / 4))
        for frame in reader.frames()
    ]


def test_an_export_that_begins_between_key_pictures_begins_when_it_was_cut(tmp_path: Path) -> None:
    times = [n / 25 for n in range(40)]
    whole = film(tmp_path / "a.ts", times, group=15)
    cut = remuxed(whole, tmp_path / "b.ts", leave_out=5)
    with RecordingReader(whole) as reader:
        (first, _), *_ = [(s, n) for s, n in shades(reader) if n == 15]
    with RecordingReader(cut) as reader:
        seen = shades(reader)
        assert seen[0][1] == 15
        # What was cut off is five packets, of which the last shown is one of those numbers.
        assert first - seen[0][0] == pytest.approx(5 / 25, abs=0.09)
        (unseen,) = reader.unseen
        assert (unseen.start, unseen.end) == (0.0, pytest.approx(seen[0][0], abs=0.001))
        assert ["could not be seen" in problem.what for problem in reader.problems][-1]
        assert reader.doubts == ()


def test_joined_exports_are_looked_at_to_the_end(tmp_path: Path) -> None:
    first = film(tmp_path / "a.ts", [n / 25 for n in range(30)])
    second = film(tmp_path / "b.ts", [n / 25 for n in range(5, 25)])
    joined = tmp_path / "c.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    with RecordingReader(joined) as reader:
        seen = shades(reader)
        assert [number for _, number in seen] == [*range(30), *range(20)]
        assert [second for second, _ in seen] == pytest.approx([n / 25 for n in range(50)])
        (doubt,) = reader.doubts
        assert doubt.from_seconds == pytest.approx(30 / 25)
        assert [problem.at_seconds for problem in reader.problems] == [doubt.from_seconds]
        assert "not certain" in reader.problems[0].what


def test_joined_exports_that_overlap_meet_at_the_pictures_they_share(tmp_path: Path) -> None:
    whole = film(tmp_path / "a.ts", [n / 25 for n in range(50)], group=20)
    head, tail = tmp_path / "head.ts", tmp_path / "tail.ts"
    with av.open(str(whole)) as old:
        packets = [packet for packet in old.demux(video=0) if packet.dts is not None]
        keys = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    middle = keys[len(keys) // 2]
    for path, part in ((head, range(middle + 8)), (tail, range(middle, len(packets)))):
        with av.open(str(whole)) as old, av.open(str(path), "w") as new:
            stream = new.add_stream_from_template(old.streams.video[0])
            for number, packet in enumerate(old.demux(video=0)):
                if number in part and packet.dts is not None:
                    packet.stream = stream
                    if path == tail:  # a clock of its own
                        packet.pts -= round(0.5 / packet.time_base)
                        packet.dts -= round(0.5 / packet.time_base)
                    new.mux(packet)
    joined = tmp_path / "c.ts"
    joined.write_bytes(head.read_bytes() + tail.read_bytes())
    with RecordingReader(joined) as reader:
        seen = shades(reader)
        assert seen == [(round(n / 25, 3), n) for n in range(50)]
        assert len(reader.doubts) == 1
        assert "in both" in reader.doubts[0].why


@pytest.mark.parametrize("pause", [120.0, 7200.0])
def test_a_pause_in_a_matroska_film_is_a_pause(tmp_path: Path, pause: float) -> None:
    times = [0.0, 0.04, 0.08, pause, pause + 0.04]
    with RecordingReader(film(tmp_path / "a.mkv", times)) as reader:
        assert [second for second, _ in shades(reader)] == times
        assert (reader.doubts, reader.problems) == ((), [])
        # Nobody can have been seen meanwhile, and coverage must not claim so.
        (unseen,) = reader.unseen
        assert (round(unseen.start, 2), unseen.end) == (0.12, pause)
        assert unseen.why == "nothing was recorded"


def test_one_picture_a_minute_is_no_pause(tmp_path: Path) -> None:
    with RecordingReader(film(tmp_path / "a.mkv", [0.0, 60.0, 120.0, 180.0])) as reader:
        assert [second for second, _ in shades(reader)] == [0.0, 60.0, 120.0, 180.0]
        assert (reader.unseen, reader.problems) == ([], [])


def test_reordered_pictures_in_avi_are_shown_when_they_were_taken(tmp_path: Path) -> None:
    """AVI tells when a picture is decoded."""
    source = film(tmp_path / "a.ts", [n / 25 for n in range(50)])
    path = remuxed(source, tmp_path / "a.avi")
    with RecordingReader(path, sufficient_rate=12.0) as reader:
        seen = shades(reader)
        assert seen == [(round(n / 25, 3), n) for n in range(50)]
        assert reader.problems == []


@pytest.mark.parametrize("rate", [None, 12.0])
def test_a_stream_without_times_is_counted(tmp_path: Path, rate: float | None) -> None:
    path = remuxed(film(tmp_path / "a.mp4", [n / 25 for n in range(50)]), tmp_path / "a.h264")
    with RecordingReader(path, frame_rate=rate, sufficient_rate=12.0) as reader:
        seen = shades(reader)
        told = rate or 25.0
        # All of them are there, those too that no other is made from.
        assert seen == [(round(n / told, 3), n) for n in range(50)]
        # 25 a second is a guess, and that is said.
        assert [doubt.from_seconds for doubt in reader.doubts] == ([] if rate else [0.0])
        assert len(reader.problems) == len(reader.doubts)
        assert reader.seconds == pytest.approx(50 / told)


def test_times_that_ffmpeg_makes_up_are_not_taken_for_those_of_the_recording(
    tmp_path: Path,
) -> None:
    with av.open(str(tmp_path / "a.mjpeg"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 40 + 4 * number, np.uint8), format="bgr24"
            )
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with RecordingReader(tmp_path / "a.mjpeg") as reader:
        assert len(list(reader.frames())) == 20
        assert "25 frames per second is a guess" in reader.doubts[0].why
    with RecordingReader(tmp_path / "a.mjpeg", frame_rate=10) as reader:
        assert len(list(reader.frames())) == 20
        assert reader.seconds == pytest.approx(2)
        assert reader.doubts == ()


def test_a_recording_of_centuries_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [n / 25 for n in range(40)])
    with (
        RecordingReader(path, frame_rate=1e-8) as reader,
        pytest.raises(RecordingError, match="claims to last 101 years"),
    ):
        list(reader.frames())


def test_time_lapse_is_counted_as_the_catalogue_says(tmp_path: Path) -> None:
    with RecordingReader(film(tmp_path / "a.mp4", [0, 0.04, 0.08]), frame_rate=0.1) as reader:
        assert [second for second, _ in shades(reader)] == [0, 10, 20]


def test_a_picture_stream_is_chosen_and_the_others_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    sources = [film(tmp_path / "a.mp4", [0, 0.04]), film(tmp_path / "b.mp4", [0, 0.04, 0.08])]
    with av.open(str(path), "w") as new:
        olds = [av.open(str(source)) for source in sources]
        streams = [new.add_stream_from_template(old.streams.video[0]) for old in olds]
        for old, stream in zip(olds, streams, strict=True):
            for packet in old.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    new.mux(packet)
            old.close()
    for number, frames in ((1, 2), (2, 3)):
        with RecordingReader(path, stream=number) as reader:
            assert reader.picture_streams == 2
            assert len(list(reader.frames())) == frames
    with pytest.raises(RecordingError, match="has 2 picture streams, not 3"):
        RecordingReader(path, stream=3)


def test_a_bad_picture_costs_one_picture(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(9, 13):
        Image.new("RGB", (64, 48), (20 * number, 0, 0)).save(tmp_path / f"{number}.png")
    (tmp_path / "10.png").write_bytes(b"")
    (tmp_path / "11.png").write_bytes(b"not a picture")
    with RecordingReader(tmp_path / "*.png", frame_rate=2) as reader:
        seen = [(frame.seconds, round(frame.image()[0, 0, 2] / 20)) for frame in reader.frames()]
        # 9 comes before 10, and the places of the bad ones are kept.
        assert seen == [(0, 9), (1.5, 12)]
        assert [problem.what.split()[0] for problem in reader.problems] == [
            "10.png",
            "11.png",
            "1.0",  # seconds that could not be seen
        ]
        assert reader.seconds == 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_of_a_sequence_stand_as_their_exif_says(tmp_path: Path, orientation: int) -> None:
    from PIL import Image, ImageOps

    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16], picture[32:, :16] = (255, 0, 0), (0, 255, 0)  # red above green, at the left
    tags = Image.Exif()
    tags.update({0x010F: "Maker", 0x0112: orientation, 0x0132: "2026:03:29 00:00:00"})
    Image.fromarray(picture).save(tmp_path / "1.jpg", exif=tags, quality=95, subsampling=0)
    with RecordingReader(tmp_path / "*.jpg", frame_rate=1) as reader:
        (shown,) = [frame.image() for frame in reader.frames()]
        assert reader.problems == []
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "1.jpg")))[..., ::-1]
    assert shown.shape == upright.shape
    assert np.abs(shown.astype(int) - upright).mean() < 3


def test_pictures_may_grow_in_mid_film(tmp_path: Path) -> None:
    from PIL import Image

    for number, size in enumerate([(64, 48), (128, 96)]):
        Image.new("RGB", size, "teal").save(tmp_path / f"{number}.png")
    with RecordingReader(tmp_path / "*.png", frame_rate=2) as reader:
        sizes = [(frame.width, frame.height) for frame in reader.frames()]
    assert sizes == [(64, 48), (128, 96)]


def test_a_camera_that_hangs_upside_down_and_squeezed_pixels(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0, 0.04])
    with RecordingReader(path, rotation=180, pixel_aspect=Fraction(2)) as reader:
        frame = next(reader.frames())
        image, luma = frame.image(), frame.luma(64)
    assert image.shape == (48, 128, 3)
    assert (frame.width, frame.height) == (reader.width, reader.height) == (128, 48)
    assert image[-5, -5].mean() > 240 > 60 > image[5, 5].mean()
    assert luma[-3, -3] > 200


def test_names_that_look_like_something_else(tmp_path: Path) -> None:
    from PIL import Image

    film(tmp_path / "plain.mp4", [0, 0.04]).rename(tmp_path / "2026-03-29T00:00:00.mp4")
    with RecordingReader(tmp_path / "2026-03-29T00:00:00.mp4") as reader:
        assert len(list(reader.frames())) == 2
    folder = tmp_path / "cam [1] %03d"
    folder.mkdir()
    Image.new("RGB", (64, 48), "teal").save(folder / "50%.jpg")
    with RecordingReader(folder / "*.jpg", frame_rate=1) as reader:
        assert len(list(reader.frames())) == 1


@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "a.ts", "a.sdp", "a.mpd"])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {name}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        "<AdaptationSet><Representation><BaseURL>{name}</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>",
    ],
)
def test_a_playlist_is_no_recording_whatever_its_name(tmp_path: Path, name: str, text: str) -> None:
    film(tmp_path / "other.mp4", [0, 0.04])
    (tmp_path / name).write_text(text.format(name="other.mp4"))
    with pytest.raises(RecordingError, match="is not a recording that can be read"):
        RecordingReader(tmp_path / name)

"""Small films of many kinds, damaged at random, and read as a process of its own reads them."""

from __future__ import annotations

import contextlib
import math
import os
import random
import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from moving import film_with, gps5
from mutations import BYTES, mutated
from PIL import Image

from workbench.domain import Recording
from workbench.errors import RecordingError
from workbench.footage.frames import RecordingReader
from workbench.footage.gps import course_of
from workbench.footage.importing.header import read_header

# By the name of the file: container and codec as docs/footage.md lists them, encoder, pixels.
FILMS = {
    "h264.mp4": ("MP4", "H.264", "libx264", "yuv420p"),
    "h265.mp4": ("MP4", "H.265", "libx265", "yuv420p"),
    "mpeg4.mp4": ("MP4", "MPEG-4 Part 2", "mpeg4", "yuv420p"),
    "av1.mp4": ("MP4", "AV1", "libsvtav1", "yuv420p"),
    "h264.mov": ("QuickTime", "H.264", "libx264", "yuv420p"),
    "mjpeg.mov": ("QuickTime", "MJPEG", "mjpeg", "yuvj420p"),
    "h263.3gp": ("3GP", "H.263", "h263", "yuv420p"),
    "h264.mkv": ("Matroska", "H.264", "libx264", "yuv420p"),
    "h265.mkv": ("Matroska", "H.265", "libx265", "yuv420p"),
    "vp8.webm": ("WebM", "VP8", "libvpx", "yuv420p"),
    "vp9.webm": ("WebM", "VP9", "libvpx-vp9", "yuv420p"),
    "h264.ts": ("MPEG-TS", "H.264", "libx264", "yuv420p"),
    "h265.ts": ("MPEG-TS", "H.265", "libx265", "yuv420p"),
    "mpeg2.ts": ("MPEG-TS", "MPEG-2", "mpeg2video", "yuv420p"),
    "h264.mpg": ("MPEG-PS", "H.264", "libx264", "yuv420p"),
    "mpeg2.mpg": ("MPEG-PS", "MPEG-2", "mpeg2video", "yuv420p"),
    "header.mp4": ("MPEG-PS with Hikvision's header", "H.264", "libx264", "yuv420p"),
    "h264.avi": ("AVI", "H.264", "libx264", "yuv420p"),
    "mpeg4.avi": ("AVI", "MPEG-4 Part 2", "mpeg4", "yuv420p"),
    "mjpeg.avi": ("AVI", "MJPEG", "mjpeg", "yuvj420p"),
    "h264.dav": ("DHAV (Dahua)", "H.264", "libx264", "yuv420p"),
    "h264.flv": ("FLV", "H.264", "libx264", "yuv420p"),
    "wmv.asf": ("ASF", "WMV 8", "wmv2", "yuv420p"),
    "mpeg2.mxf": ("MXF", "MPEG-2", "mpeg2video", "yuv422p"),
    "moving.gif": ("GIF", "GIF", "gif", "rgb8"),
    "raw.h264": ("none (raw stream)", "H.264", "libx264", "yuv420p"),
    "raw.hevc": ("none (raw stream)", "H.265", "libx265", "yuv420p"),
    "raw.mjpeg": ("none (raw stream)", "MJPEG", "mjpeg", "yuvj420p"),
}  # fmt: skip
# With the telemetry of an action camera, and with the place that phones state.
PLACED = {"telemetry.mp4": "", "placed.mp4": "+51.4800-000.0100+010.0/"}
PICTURES = ("1.jpg", "2.png", "9.webp", "10.bmp", "11.tiff", "12.gif")
OPTIONS = {
    "libsvtav1": {"preset": "11", "svtav1-params": "lp=1"},
    "libx264": {"g": "6", "bf": "2", "threads": "1"},
    "libx265": {"x265-params": "log-level=none:keyint=6:pools=1:frame-threads=1"},
}
# Where the headers of containers and streams stand, whose fields decide most.
MARKS = (
    b"mvhd", b"tkhd", b"mdhd", b"elst", b"stsd", b"stts", b"ctts", b"stsc", b"stsz", b"stco",
    b"avc1", b"avcC", b"hvcC", b"pasp", b"moov", b"mdat", b"moof", b"\x2a\xd7\xb1", b"\x44\x89",
    b"\x1f\x43\xb6\x75", b"\xe7", b"\xa3", b"\xb0", b"\x54\xb0", b"G@", b"GA", b"\0\0\1\xe0",
    b"\0\0\1\xba", b"\0\0\1\xb3", b"\0\0\0\1", b"avih", b"strh", b"strf", b"idx1", b"movi",
    b"00dc", b"DEVC", b"GPS5", b"SCAL", b"DHAV", b"dhav", b"FLV", b"\xff\xd8",
    b"\xff\xc0", b"GIF8", b"IHDR", b"RIFF", b"VP8 ",
)  # fmt: skip
STARTED = datetime(2026, 3, 29, tzinfo=UTC)


def make_films(folder: Path) -> None:
    """Write each kind of film, fifteen pictures long, and the pictures of a sequence."""
    for name, (container, _, codec, pixels) in FILMS.items():
        match container:
            case "DHAV (Dahua)":
                plain = _film(folder / "plain.h264", codec, pixels)
                (folder / name).write_bytes(_dhav(plain))
                plain.unlink()
            case _ if "Hikvision" in container:
                plain = _film(folder / "plain.mpg", codec, pixels)
                (folder / name).write_bytes(b"IMKH" + bytes(36) + plain.read_bytes())
                plain.unlink()
            case _:
                _film(folder / name, codec, pixels)
    for name, location in PLACED.items():
        places = [gps5([(-0.01, 51.48 + n * 1e-5)], time=STARTED) for n in range(3)]
        film_with(folder / name, [] if location else places, seconds=3, location=location)
    tags = Image.Exif()
    tags.update({0x010F: "Maker", 0x0112: 6, 0x0132: "2026:03:29 00:00:00"})
    for name, picture in zip(PICTURES, _pictures((48, 64)), strict=False):
        Image.fromarray(picture).save(folder / name, **({} if "gif" in name else {"exif": tags}))


def _film(path: Path, codec: str, pixels: str) -> Path:
    size = (144, 176) if codec == "h263" else (48, 64)
    with _as_it_was_scheduled(), av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        (stream.height, stream.width), stream.pix_fmt = size, pixels
        stream.options = OPTIONS.get(codec, {}) | ({"bf": "0"} if "plain" in path.name else {})
        for number, picture in enumerate(_pictures(size)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@contextlib.contextmanager
def _as_it_was_scheduled() -> Iterator[None]:
    """Leave this thread its priority: SVT-AV1 gives the one that calls it, if it may, the highest.

    Each process started since would have it, too, and all others would wait for them.
    """
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _dhav(raw: Path) -> bytes:
    """The packets of a raw stream as a recorder of Dahua keeps them; FFmpeg cannot write that."""
    made = bytearray()
    with av.open(str(raw)) as container:
        for number, packet in enumerate(p for p in container.demux(video=0) if p.size):
            # The second, minute, hour, day, month and year in one number.
            date = 3 | 2 << 6 | 1 << 12 | 29 << 17 | 3 << 22 | 26 << 26
            more = struct.pack("<4B4B2H", 0x81, 0, 4, 25, 0x82, 0, 0, 0, 64, 48)
            more = more if packet.is_keyframe else b""
            size = 24 + len(more) + packet.size + 8
            kind = 0xFD if packet.is_keyframe else 0xFC
            fields = kind, 0, 0, 0, number, size, date, 40 * number, len(more), 0
            made += b"DHAV" + struct.pack("<4B3IH2B", *fields) + more + bytes(packet)
            made += b"dhav" + struct.pack("<I", size)
    return bytes(made)


def _pictures(size: tuple[int, int]) -> Iterable[np.ndarray]:
    columns = (np.arange(size[1]) % 31).astype(np.uint8)
    for number in range(15):
        picture = np.full((*size, 3), (9 * number, 40, 200 - 9 * number), np.uint8)
        yield picture + columns[None, :, None]


@cache
def _contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (*FILMS, *PLACED, *PICTURES)}


def damaged(films: dict[str, bytes], name: str, generator: random.Random) -> bytes:
    """A film cut, spliced with another, joined, written over, or lying in its headers."""
    content = films[name]
    other = films[generator.choice((name, *films))]
    match generator.randrange(6):
        case 0:
            return mutated(content, generator)
        case 1:
            return (
                content[: generator.randrange(len(content))]
                + other[generator.randrange(len(other)) :]
            )
        case 2:
            return content + other
        case 3:
            a, b, c = sorted(generator.randrange(len(content)) for _ in range(3))
            return content[:a] + content[b:c] + content[a:b] + content[c:]
        case 4:
            begin = generator.randrange(len(content))
            return content[begin : generator.randrange(begin, len(content)) + 1]
    data = bytearray(content)
    for _ in range(generator.randint(1, 3)):
        places = [at for mark in MARKS if (at := _place(content, mark, generator)) >= 0]
        at = generator.choice(places or [0]) + generator.choice((-4, 1, 2, 4, 8, 12, 16, 20, 24))
        bit = generator.choice((*BYTES, generator.randbytes(4), b"\0\0\0\1"))
        data[max(0, at) : max(0, at) + len(bit)] = bit
    return bytes(data)


def _place(content: bytes, mark: bytes, generator: random.Random) -> int:
    """Where a mark stands, one of its places by chance; -1 where it stands nowhere."""
    return content.find(mark, generator.choice((0, generator.randrange(len(content)))))


def read_film(folder: Path, scratch: Path, kind: str, number: int) -> str:
    """Read the damaged film of that number; say what came of it."""
    generator = random.Random(f"{kind} {number}")
    films = _contents(folder)
    rate = generator.choice((None, None, 25.0, 0.25))
    if kind == "sequence":
        scratch.mkdir(exist_ok=True)
        for name in PICTURES:
            content = films[name]
            if generator.random() < 0.5:
                content = damaged(films, name, generator)
            (scratch / name).write_bytes(content)
        path, rate = scratch / "*", rate or 2.0
    else:
        path = scratch.with_suffix(generator.choice((Path(kind).suffix, ".mp4", "")))
        path.write_bytes(damaged(films, kind, generator))
    if kind in PLACED or (kind != "sequence" and number % 4 == 0):
        look_into(path)
    try:
        return check(
            RecordingReader(
                path,
                frame_rate=rate,
                sufficient_rate=generator.choice((None, 12.0)),
                stream=generator.choice((1, 1, 1, 2)),
                rotation=generator.choice((0, 90)),
                pixel_aspect=generator.choice((None, Fraction(2))),
            ),
            start=generator.choice((0.0, 0.0, 0.4)),
        )
    except RecordingError:
        return "refused"


def read_false_starts(folder: Path, scratch: Path, name: str, _: int) -> str:
    """Read a film that is followed by much of what looks like the begin of packets everywhere."""
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, 12 << 20, np.uint8)
    noise[chance.random(len(noise)) < 0.12] = 0x47
    scratch.write_bytes(_contents(folder)[name] + noise.tobytes())
    return check(RecordingReader(scratch), start=0.0)


def look_into(path: Path) -> None:
    """Read what a film says about itself, and where it was recorded."""
    with contextlib.suppress(RecordingError):
        header = read_header(path, path.name)
        assert header.seconds is None or STARTED + timedelta(seconds=header.seconds) > STARTED
    recording = Recording(path.name, path, "C1", STARTED, track=path)
    try:
        course = course_of(recording)
    except RecordingError:
        return
    assert course.legs[0].start == 0
    assert all(one.end == other.start for one, other in pairwise(course.legs))


def check(reader: RecordingReader, *, start: float) -> str:
    """Read a recording to its end; everything that it says must be possible."""
    last = -math.inf
    with reader:
        for frame in reader.frames(start=start):
            assert last < frame.seconds < math.inf
            assert frame.seconds >= 0
            last = frame.seconds
            # The big ones take long, and are made as the small ones are.
            if frame.width * frame.height < 1_000_000 or frame.number == 0:
                assert frame.image().shape == (frame.height, frame.width, 3)
                assert max(frame.luma(320).shape) <= max(320, 2)
        assert reader.frames_decoded > 0
        assert last <= reader.seconds
        # Times in UTC can be told.
        assert STARTED + timedelta(seconds=reader.seconds) > STARTED
        for unseen in reader.unseen:
            assert unseen.start < unseen.end
            # Between pictures, or after the last one: what a header claims, or what follows.
            assert unseen.end <= reader.seconds or unseen.start >= last
            assert STARTED + timedelta(seconds=unseen.end) > STARTED
        begins = [doubt.from_seconds for doubt in reader.doubts]
        assert begins == sorted(begins)
        assert len(reader.problems) < 1000
        return "in part" if reader.problems else "read"

"""Recordings that tests make: short cuts of the demo's clips, unusual formats, broken files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from workbench.demo import demo_town

RATE = 12  # pictures a second
SIZE = (180, 320)  # height, width in pixels
# Seconds of the demo's clips in which one person alone is seen (data/demo/truth.json).
CUTS = {
    "Agnes Thorn": ("fm-06-20260331T172840Z", 5.4, 8.4),
    "Edwin Marsh": ("fm-05-20260331T173020Z", 4.2, 7.2),
    "Imani Cole": ("fm-06-20260331T172840Z", 0.0, 2.9),
    "Maren Holt": ("fm-01-20260331T170410Z", 0.0, 2.9),
    "Maren Holt again": ("fm-02-20260331T170905Z", 4.5, 7.4),
    "Tobias Reed": ("fm-09-20260331T171140Z", 0.0, 2.9),
}
# The damaged recording: one picture of these cannot be decoded.
PICTURES, DAMAGED = 240, 93


def write(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Iterable[float] | None = None,
    aspect: Fraction | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """Write ``(h, w, 3) uint8`` BGR pictures as a film, at *times* (seconds) or 12 a second.

    *aspect* is the width of a pixel by its height that the stream states, *options* are those of
    the encoder.
    """
    with av.open(str(path), "w") as container:
        stream = None
        moments = iter(times) if times is not None else (n / RATE for n in range(1_000_000))
        for picture, seconds in zip(pictures, moments, strict=False):
            if stream is None:
                stream = container.add_stream(codec, rate=RATE)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pixels
                stream.time_base = stream.codec_context.time_base = Fraction(1, 12_000)
                if aspect is not None:
                    stream.codec_context.sample_aspect_ratio = aspect
                if options is not None:
                    stream.options = dict(options)
                elif codec == "libx264":
                    # In the order in which they are shown, so that a packet is a picture.
                    stream.options = {"bf": "0", "g": str(RATE), "preset": "veryfast"}
                elif codec == "libx265":
                    stream.options = {"x265-params": "log-level=none"}
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            frame.pts, frame.time_base = round(seconds * 12_000), Fraction(1, 12_000)
            container.mux(stream.encode(frame))
        assert stream is not None, "a film needs pictures"
        container.mux(stream.encode())
    return path


def cut(path: Path, person: str) -> Path:
    """Write the seconds in which that person of the demo is alone in the picture."""
    return write(path, pictures_of(person))


def pictures_of(person: str) -> list[np.ndarray]:
    """The pictures of the demo in which that person is alone, 12 a second."""
    clip, begin, end = CUTS[person]
    with av.open(str(demo_town().root / "clips" / f"{clip}.mp4")) as container:
        return [
            frame.to_ndarray(format="bgr24")
            for frame in container.decode(video=0)
            if begin <= float(frame.pts * frame.time_base) < end
        ]


def remuxed(source: Path, target: Path, *, leave_out: int = 0) -> Path:
    """Write the packets of a film into another container, without the first few."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.dts is not None and number >= leave_out:
                packet.stream = stream
                new.mux(packet)
    return target


def repeated(source: Path, target: Path, times: int) -> Path:
    """The film so many times over, one after another, without encoding it again."""
    with av.open(str(target), "w") as output:
        stream, base = None, 0
        for _ in range(times):
            with av.open(str(source)) as film:
                video = film.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                length = 0
                for packet in film.demux(video):
                    if packet.dts is None:
                        continue
                    length = max(length, packet.pts + packet.duration)
                    packet.pts, packet.dts = packet.pts + base, packet.dts + base
                    packet.stream = stream
                    output.mux(packet)
                base += length
    return target


def with_display_matrix(source: Path, target: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write an MP4 with a display matrix in its track header, as phones do; PyAV cannot."""
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    target.write_bytes(data)
    return target


def make_bad_recordings(folder: Path) -> None:
    """Files as they come from exports: unusual ones that can be read, and broken ones."""
    chance = np.random.default_rng(4)

    def noise(number: int) -> list[np.ndarray]:
        return list(chance.integers(0, 255, (number, *SIZE, 3), np.uint8))

    def grey(number: int) -> list[np.ndarray]:
        return [np.full((*SIZE, 3), 40 + 3 * n, np.uint8) for n in range(number)]

    write(folder / "grey.mkv", grey(60), pixels="gray")
    write(folder / "hevc10.mp4", grey(60), codec="libx265", pixels="yuv420p10le")
    write(folder / "mjpeg.avi", grey(24), codec="mjpeg", pixels="yuvj420p")
    write(folder / "one_frame.mp4", grey(1))
    write(folder / "variable_rate.mkv", grey(5), times=(0, 0.1, 1.2, 1.3, 4))
    damaged = write(folder / "damaged.mp4", noise(PICTURES))
    with av.open(str(damaged)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    content = bytearray(damaged.read_bytes())
    at, size = packets[DAMAGED].pos, packets[DAMAGED].size
    content[at : at + size] = b"\xff" * size
    damaged.write_bytes(content)

    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is not a film\n" * 50)
    (folder / "noise.mp4").write_bytes(chance.bytes(60_000))
    whole = write(folder / "whole.mp4", noise(12)).read_bytes()
    (folder / "whole.mp4").unlink()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    with av.open(str(folder / "audio_only.mp4"), "w") as container:
        voice = container.add_stream("aac", rate=48_000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 48_000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts = 48_000, 0
        container.mux(voice.encode(silence))
        container.mux(voice.encode())

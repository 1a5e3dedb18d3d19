"""Tracks of cameras that move, as tests make them: GPX files, and films with telemetry."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
METRE = 1 / 111_320  # degrees of latitude


def write_gpx(path: Path, points: Iterable[tuple[float, float, float]], *more: str) -> Path:
    """Write points (seconds after START, longitude, latitude), each line of *more* behind them."""
    rows = "".join(
        f'<trkpt lat="{latitude:.7f}" lon="{longitude:.7f}">'
        f"<time>{(START + timedelta(seconds=seconds)).isoformat()[:-6]}Z</time></trkpt>\n"
        for seconds, longitude, latitude in points
    )
    path.write_text(
        '<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk>'
        f"<trkseg>{rows}{''.join(more)}</trkseg></trk></gpx>"
    )
    return path


def walk(metres: float, seconds: int, *, each: int = 1) -> list[tuple[float, float, float]]:
    """A walk straight to the north, as :func:`write_gpx` takes it."""
    return [
        (float(n), -0.01, 51.48 + metres * METRE * n / seconds) for n in range(0, seconds + 1, each)
    ]


def film_with(path: Path, packets: Sequence[bytes], *, seconds: int, location: str = "") -> Path:
    """Write a grey MP4 with a packet of telemetry a second, and a place as phones state it."""
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        pictures = container.add_stream("libx264", rate=2)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        telemetry = container.add_data_stream("bin_data") if packets else None  # "gpmd" in an MP4
        if location:
            container.metadata["com.apple.quicktime.location.ISO6709"] = location
        for number in range(2 * seconds):
            grey = np.full((48, 64, 3), number % 200, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 2)
            container.mux(pictures.encode(frame))
        container.mux(pictures.encode())
        for number, content in enumerate(packets):
            packet = av.Packet(content)
            packet.stream, packet.time_base = telemetry, Fraction(1, 1000)
            packet.pts = packet.dts = 1000 * number
            packet.duration = 1000
            container.mux(packet)
    return path


def klv(key: str, kind: str, size: int, count: int, content: bytes) -> bytes:
    """One key of GPMF with its values."""
    padding = bytes(-len(content) % 4)
    return struct.pack(">4scBH", key.encode(), kind.encode(), size, count) + content + padding


def gps5(
    places: Sequence[tuple[float, float]], *, time: datetime, fix: int = 3, dilution: int = 150
) -> bytes:
    """A packet as a HERO5 to HERO10 writes it: places (longitude, latitude) within a second."""
    rows = b"".join(
        struct.pack(">5i", round(y * 1e7), round(x * 1e7), 10_000, 1400, 140) for x, y in places
    )
    stream = (
        klv("STNM", "c", 1, 3, b"GPS")
        + klv("GPSF", "L", 4, 1, struct.pack(">I", fix))
        + klv("GPSU", "U", 16, 1, f"{time:%y%m%d%H%M%S}.000".encode())
        + klv("GPSP", "S", 2, 1, struct.pack(">H", dilution))
        + klv("SCAL", "l", 4, 5, struct.pack(">5i", 10**7, 10**7, 1000, 1000, 100))
        + klv("GPS5", "l", 20, len(places), rows)
    )
    other = klv("STRM", "\0", 1, 20, klv("ACCL", "s", 6, 2, bytes(12)))
    return _device(other + klv("STRM", "\0", 1, len(stream), stream))


def gps9(places: Sequence[tuple[float, float]], *, time: datetime, fix: int = 3) -> bytes:
    """A packet as a HERO11 or a later one writes it."""
    since = time - datetime(2000, 1, 1, tzinfo=UTC)
    rows = b"".join(
        struct.pack(
            ">7i2H", round(y * 1e7), round(x * 1e7), 10_000, 1400, 140,
            since.days, since.seconds * 1000, 150, fix,
        )
        for x, y in places
    )  # fmt: skip
    scale = (10**7, 10**7, 1000, 1000, 100, 1, 1000, 100, 1)
    stream = (
        klv("TYPE", "c", 1, 9, b"lllllllSS")
        + klv("SCAL", "l", 4, 9, struct.pack(">9i", *scale))
        + klv("GPS9", "?", 32, len(places), rows)
    )
    return _device(klv("STRM", "\0", 1, len(stream), stream))


def _device(streams: bytes) -> bytes:
    return klv("DEVC", "\0", 1, 12 + len(streams), klv("DVID", "L", 4, 1, bytes(4)) + streams)

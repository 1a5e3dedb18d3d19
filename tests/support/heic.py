"""Write a HEIC photograph, as phones do: one HEVC key picture in the boxes of ISO/IEC 23008-12."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image


def write_heic(path: Path, picture: Image.Image, *, quarter_turns: int = 0) -> None:
    """*picture* as HEIC; shown after as many quarter turns anticlockwise, as phones store it."""
    width, height = (side // 2 * 2 for side in picture.size)
    film = io.BytesIO()
    with av.open(film, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "12", "x265-params": "log-level=none:keyint=1"}
        stream.codec_context.codec_tag = "hvc1"
        frame = av.VideoFrame.from_image(picture.convert("RGB").crop((0, 0, width, height)))
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    content = film.getvalue()
    configuration = _box_in(content, b"hvcC")
    samples = _box_in(content, b"mdat")[8:]

    properties = [
        configuration,
        _box(b"ispe", struct.pack(">III", 0, width, height)),
        _box(b"irot", bytes([quarter_turns])),
    ]
    associations = bytes([0x81, 0x02, 0x83])  # the first and the third are essential
    meta_without = [
        _box(b"hdlr", struct.pack(">II4s12xx", 0, 0, b"pict")),
        _box(b"pitm", struct.pack(">IH", 0, 1)),
        _box(
            b"iinf",
            struct.pack(">IH", 0, 1)
            + _box(b"infe", struct.pack(">IHH4sx", 2 << 24, 1, 0, b"hvc1")),
        ),
        _box(
            b"iprp",
            _box(b"ipco", b"".join(properties))
            + _box(b"ipma", struct.pack(">IIHB", 0, 1, 1, len(associations)) + associations),
        ),
    ]
    brand = _box(b"ftyp", b"heic" + struct.pack(">I", 0) + b"mif1heic")

    def meta(offset: int) -> bytes:
        place = struct.pack(">IBBHHHHII", 0, 0x44, 0x00, 1, 1, 0, 1, offset, len(samples))
        return _box(b"meta", struct.pack(">I", 0) + b"".join([*meta_without, _box(b"iloc", place)]))

    start = len(brand) + len(meta(0)) + 8
    path.write_bytes(brand + meta(start) + _box(b"mdat", samples))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _box_in(content: bytes, kind: bytes) -> bytes:
    """The first box of that kind, wherever it lies; its head included."""
    at = content.index(kind) - 4
    (size,) = struct.unpack_from(">I", content, at)
    return content[at : at + size]

"""Containers of films: which there are, what each of them states, and how one is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av

from workbench.errors import RecordingError

MP4, MATROSKA, AVI, TS, PS = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg"
# Containers that state the time of each picture. In the others the clock only runs along, and may
# have been set anew on the way; nor can a place be gone to by its time.
EXPLICIT = (MP4, MATROSKA)
SEEKABLE = (MP4,)
# Containers that state when a picture is decoded, not when it is shown.
DECODING_TIMES = (AVI, "asf")
# Containers whose times are the number of the picture: what is lost makes all that follows early.
NUMBERED = (AVI,)
# Streams of pictures alone, with no container around them.
RAW = ("av1", "evc", "h261", "h263", "h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vc1",
       "vvc")  # fmt: skip
# Containers that do not state the shape of pixels: their streams do.
SHAPELESS = (*RAW, PS, TS)
# What is a film. A playlist names other files, so it is none, whatever it is called: what it names
# could be exchanged afterwards, and lie outside the catalogue.
CONTAINERS = (
    *EXPLICIT, *DECODING_TIMES, *RAW, "dhav", "dv", "flv", "gif", "imf", "ivf", "kux",
    "live_flv", "mjpeg_2000", PS, TS, "mxf", "nsv", "nut", "ogg", "rm", "vc1test", "wtv",
    "xmv", "yuv4mpegpipe", "apng",
)  # fmt: skip


def reason(error: BaseException) -> str:
    """FFmpeg's words without the number and the path around them."""
    return str(getattr(error, "strerror", None) or error)


def opened(path: Path, name: str, *, part: Any = None, container: str = "") -> Any:
    """Open a film, and nothing that it names.

    Parameters
    ----------
    path : Path
    name : str
        For messages.
    part : file, optional
        That holds a part of it, which is a film of its own.
    container : str
        FFmpeg's name of that of the part.

    Raises
    ------
    RecordingError
        If it is no film.
    """
    options = {
        # Nothing but this file, and nothing that names other files.
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(CONTAINERS),
    }
    try:
        if part is not None:
            return av.open(part, format=container.partition(",")[0], options=options)
        # With its protocol: a name may look like an address ("2026-03-29T00:00:00.mp4").
        return av.open(f"file:{path}", options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise RecordingError(
            f"is not a recording that can be read ({reason(error)})",
            where=name,
            fix="Obtain it again, or convert it with ffmpeg",
        ) from None

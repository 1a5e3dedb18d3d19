"""A sequence of pictures: files read one by one, so that a bad one costs no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av

from workbench.footage.clock import Timed
from workbench.footage.containers import reason

PICTURES = ("image2", "bmp_pipe", "gif", "jpeg_pipe", "jpegls_pipe", "png_pipe", "tiff_pipe",
            "webp_pipe")  # fmt: skip


class PictureSequence:
    """The pictures of a sequence, in the order of their names.

    Parameters
    ----------
    files : sequence of Path
        At least one.
    damaged : callable
        Told about each picture that cannot be read.
    """

    explicit, has_times, streams = True, False, ()
    zero = rate = pixel_aspect = duration_seconds = None
    stopped = "end of the sequence"

    def __init__(self, files: Sequence[Path], *, damaged: Callable[[str], None]) -> None:
        self._files, self._damaged = files, damaged

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as the first readable picture claims; zero if there is none."""
        for file in self._files:
            with contextlib.suppress(av.FFmpegError, OSError, ValueError), _opened(file) as opened:
                context = opened.streams.video[0].codec_context
                return context.width, context.height
        return 0, 0

    def close(self) -> None:
        """Nothing is open between two pictures."""

    def leave_out_unneeded(self) -> None:
        """Every picture of a sequence is needed."""

    def go_to(self, _: float) -> bool:
        """False: a sequence is read from its beginning."""
        return False

    def frames(self) -> Iterator[Timed[Any]]:
        """The pictures with no time of their own; None in the place of one that cannot be read."""
        for file in self._files:
            frame = None
            try:
                with _opened(file) as opened:
                    frame = next(opened.decode(video=0), None)
            except (av.FFmpegError, OSError, ValueError, IndexError) as error:
                self._damaged(f"{file.name} cannot be read ({reason(error)})")
            else:
                if frame is None:
                    self._damaged(f"{file.name} holds no picture")
            yield Timed(None, frame)


def _opened(file: Path) -> Any:
    if file.stat().st_size == 0:
        raise OSError("it is empty")
    options = {
        "pattern_type": "none",
        "protocol_whitelist": "file",
        "format_whitelist": ",".join(PICTURES),
    }
    return av.open(f"file:{file}", options=options)

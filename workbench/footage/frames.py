"""Decode a recording: upright frames with the times the stream itself gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from workbench.domain import Problem
from workbench.errors import RecordingError
from workbench.footage.files import is_sequence, stamp_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.domain import Image

# A picture larger than this is refused before it is decoded: twice 8K.
MOST_PIXELS = 2 * 7680 * 4320
# A stream's clock that jumps further was set anew; a shorter jump back is a frame out of order.
LONGEST_JUMP_SECONDS = 3600.0
# Frames a second where neither the file nor the catalogue tells.
NOMINAL_RATE = 25.0
# Formats whose times cannot jump, so that a place can be gone to by its time: each picture's length
# is kept, not its time. In a transport stream the clock may have been set anew on the way.
SEEKABLE = ("mov,mp4,m4a,3gp,3g2,mj2",)
# So many errors in a row without a frame between them: the rest cannot be read.
MOST_ERRORS_IN_A_ROW = 500


class VideoFrame:
    """One decoded frame; its pixels are converted only when they are asked for."""

    __slots__ = ("_frame", "_turns", "number", "seconds")

    def __init__(self, frame: Any, number: int, seconds: float) -> None:
        self._frame, self.number, self.seconds = frame, number, seconds
        # Counter-clockwise quarter turns that put the picture upright, as the file asks.
        self._turns = round((frame.rotation or 0) / 90) % 4

    def image(self) -> Image:
        """The upright picture ``(height, width, 3) uint8``, BGR."""
        import numpy as np

        picture: Image = self._frame.to_ndarray(format="bgr24")
        return np.ascontiguousarray(np.rot90(picture, self._turns)) if self._turns else picture

    def luma(self, width: int) -> NDArray[np.uint8]:
        """A small upright grey picture ``(h, w) uint8``; *width* that of the wider side."""
        import numpy as np

        scale = min(1.0, width / max(self._frame.width, self._frame.height))
        small = self._frame.reformat(
            width=max(2, round(self._frame.width * scale)),
            height=max(2, round(self._frame.height * scale)),
            format="gray",
            interpolation="AREA",
        )
        picture: NDArray[np.uint8] = small.to_ndarray()
        return np.rot90(picture, self._turns) if self._turns else picture


class RecordingReader:
    """A recording open for reading, from beginning to end.

    >>> with RecordingReader(Path("clip.mp4")) as reader:  # doctest: +SKIP
    ...     for frame in reader.frames():
    ...         frame.seconds, frame.image()

    Damage inside the file costs the frames it hit and is told in ``problems``; the rest goes on.

    Parameters
    ----------
    path : Path
        A film, or a pattern such as ``night/*.jpg`` for a sequence of pictures.
    name : str
        For messages; by default the file's name.
    frame_rate : float, optional
        Pictures a second of a sequence.
    sufficient_rate : float, optional
        Where a film has at least twice so many frames a second, those that no other frame is made
        from, often every second one, are not decoded.

    Raises
    ------
    RecordingError
        On opening: if there is no such file or it holds no picture that can be decoded.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str = "",
        frame_rate: float | None = None,
        sufficient_rate: float | None = None,
    ) -> None:
        self.path, self.name = path, name or path.name
        self.frames_decoded = 0
        self.problems: list[Problem] = []
        self.stopped = "end of the file"  # why reading ended
        self._seconds = 0.0  # up to the end of the last frame
        stamp = stamp_of(path)
        if stamp is None:
            raise self._error("there is no such file", "Check the name in footage.csv")
        if stamp.size_bytes == 0:
            raise self._error("is empty", "Deliver it again")
        self.stamp = stamp
        self._container, self._stream = self._open(frame_rate)
        context = self._stream.codec_context
        if sufficient_rate and self._nominal_step() * 2 * sufficient_rate <= 1:
            context.skip_frame = "NONREF"
        self.width, self.height = context.width, context.height

    def _open(self, frame_rate: float | None) -> tuple[Any, Any]:
        import av

        # Nothing but this file: a playlist could otherwise name others, or addresses.
        options, form = {"protocol_whitelist": "file"}, None
        if is_sequence(self.path):
            options |= {"pattern_type": "glob", "framerate": str(frame_rate or NOMINAL_RATE)}
            form = "image2"
        try:
            container = av.open(str(self.path), format=form, options=options)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._error(
                f"is not a recording that can be read ({_reason(error)})",
                "Deliver it again, or convert it with ffmpeg",
            ) from None
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            container.close()
            raise self._error("holds no pictures", "Deliver the video, not only its sound")
        context = stream.codec_context
        if context.width * context.height > MOST_PIXELS:
            container.close()
            raise self._error(
                f"claims pictures of {context.width} by {context.height}",
                "Deliver it again, or convert it with ffmpeg",
            )
        # Frame threads cost memory for each thread and gain nothing for one worker a core.
        stream.thread_type = "SLICE"
        return container, stream

    def __enter__(self) -> RecordingReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def duration_seconds(self) -> float | None:
        """Length the file claims, for estimates only; None where it claims none."""
        import av

        if self._container.duration is None or self._container.duration <= 0:
            return None
        return float(self._container.duration / av.time_base)

    @property
    def seconds(self) -> float:
        """Presentation time from the first frame to the end of the last one read."""
        return self._seconds

    def frames(self, *, start: float = 0.0) -> Iterator[VideoFrame]:
        """Frames in the order they are shown, each with its seconds since the recording's first.

        All of them; or, for *start* seconds, those from the key frame before on where the format
        tells its place. Frames are numbered from where reading began.

        Raises
        ------
        RecordingError
            If not one frame can be decoded, or the file changes while it is read.
        """
        nominal = self._nominal_step()
        first = self._go_to(start) if start > 0 else None
        last = -math.inf
        for frame in self._decoded():
            if frame.width * frame.height > MOST_PIXELS:
                self._note(f"a picture of {frame.width} by {frame.height}", self._seconds)
                continue
            time = frame.time
            if time is None:  # raw streams carry no times
                time = 0.0 if first is None else first + last + nominal
            first = time if first is None else first
            seconds = time - first
            if last >= 0 and not 0 < seconds - last < LONGEST_JUMP_SECONDS:
                self._note(f"its clock jumps from {last:.3f} s to {seconds:.3f} s", last)
                if abs(seconds - last) < LONGEST_JUMP_SECONDS:
                    continue  # a late or doubled frame, beside damage
                seconds = last + nominal  # the clock was set anew; ours goes on
                first = time - seconds
            step = seconds - last if last >= 0 else nominal
            last = seconds
            self._seconds = seconds + min(step, 1.0)
            number, self.frames_decoded = self.frames_decoded, self.frames_decoded + 1
            yield VideoFrame(frame, number, seconds)
        if self.frames_decoded == 0:
            what = self.problems[0].what if self.problems else "it holds none"
            raise self._error(
                f"not one picture can be decoded ({what})",
                "Deliver it again, or convert it with ffmpeg",
            )
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise RecordingError if the file is not the one that was opened any more."""
        if stamp_of(self.path) != self.stamp:
            raise self._error(
                "changed or went away while it was read", "Index it again when it is finished"
            )

    def _go_to(self, start: float) -> float | None:
        """Go to the key frame before *start*; the stream's time of the first frame of all.

        None where reading begins at the beginning.
        """
        import av

        if self._container.format.name not in SEEKABLE:
            return None
        first = next((frame.time for frame in self._decoded()), None)
        self.problems.clear()  # what there is here is met again, or lies before what is asked for
        try:
            # A little sooner: key frames are found by when they are decoded, not shown.
            before = 0.0 if first is None else first + max(0.0, start - 1.0)
            place = int(before / self._stream.time_base)
            self._container.seek(place, stream=self._stream, backward=True)
        except av.FFmpegError:
            first = None
            self._container.seek(0)
        return first

    def _decoded(self) -> Iterator[Any]:
        import av

        errors = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as error:
                self.stopped = f"the file cannot be read any further ({_reason(error)})"
                self._note(self.stopped, self._seconds)
                packet = None
            try:
                # None asks the decoder for the frames it still holds.
                frames = self._stream.decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError as error:
                errors += 1
                self._note(_reason(error), self._seconds)
                if errors > MOST_ERRORS_IN_A_ROW:
                    self.stopped = f"{errors} errors in a row; the rest was left"
                    self._note(self.stopped, self._seconds)
                    return
                continue
            if frames:
                errors = 0
            yield from frames
            if packet is None:
                return

    def _nominal_step(self) -> float:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(1 / rate) if rate else 1 / NOMINAL_RATE

    def _note(self, what: str, at_seconds: float) -> None:
        """Tell one problem a second of footage: damage comes in bursts."""
        last = self.problems[-1] if self.problems else None
        if last is None or last.what != what or at_seconds - (last.at_seconds or 0.0) >= 1.0:
            self.problems.append(Problem(self.name, what, at_seconds))

    def _error(self, what: str, fix: str) -> RecordingError:
        return RecordingError(what, where=self.name, fix=fix)


def _reason(error: BaseException) -> str:
    """FFmpeg's words without the number and the path around them."""
    return str(getattr(error, "strerror", None) or error)

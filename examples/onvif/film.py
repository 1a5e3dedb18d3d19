"""Films made of replayed pictures: coded as they came, at the times at which they were taken."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import av

from payload import PAYLOADS
from rtsp import AccessUnit
from soap import RecorderError

_TICKS = 1000  # a second: Matroska's own
_START = b"\x00\x00\x00\x01"


class Film:
    """A Matroska film that is written under a temporary name until it is finished.

    Pictures are written group by group, each of which begins with one that can be decoded by
    itself; nothing is decoded or coded again.

    Parameters
    ----------
    path : Path
        The film; until :meth:`finish` it has ``.part`` at its end.
    codec : str
        ``h264`` or ``hevc``.
    parameters : sequence of bytes
        Parameter sets for a film whose pictures bring none.
    """

    def __init__(self, path: Path, codec: str, parameters: Sequence[bytes]) -> None:
        self.path, self._codec, self._parameters = path, codec, parameters
        self._part = path.with_name(f"{path.name}.part")
        self._container: av.container.OutputContainer | None = None
        self._group: list[AccessUnit] = []
        self._delay = 0  # by which pictures are decoded before they are shown
        self._last = -1
        self.started_at: datetime | None = None
        self.pictures = 0

    def add(self, unit: AccessUnit) -> None:
        """Add the next picture; the first must be one that can be decoded by itself."""
        if unit.clean and self._group:
            self._write(unit.at)
        if self.started_at is None:
            self.started_at = unit.at
        self._group.append(unit)

    def finish(self) -> Path:
        """Write what is left, and give the film its name."""
        self._write(None)
        assert self._container is not None
        self._container.close()
        return self._part.rename(self.path)

    def drop_group(self) -> datetime | None:
        """Leave out the pictures since the last clean one; return its time, None if it is all."""
        first = self._group[0].at
        self._group = []
        return first if self.pictures else None

    def abandon(self) -> None:
        """Delete what was written."""
        if self._container is not None:
            self._container.close()
        self._part.unlink(missing_ok=True)

    def _write(self, following: datetime | None) -> None:
        group, self._group = self._group, []
        if not group:
            return
        coded = [b"".join(_START + part for part in unit.parts) for unit in group]
        shown = [self._ticks(unit.at) for unit in group]
        decoded = sorted(shown)
        if self._container is None:
            coded[0] = self._complete(group[0]) + coded[0]
            self._open(coded)
            # Where pictures come in another order than they are shown, their times do, too.
            self._delay = 2 * max(a - b for a, b in zip(decoded, shown, strict=True))
        assert self._container is not None
        ends = decoded[-1] + (decoded[-1] - decoded[0]) // max(1, len(group) - 1)
        until = [*decoded[1:], self._ticks(following) if following else ends]
        for data, at, order, next_at in zip(coded, shown, decoded, until, strict=True):
            packet = av.Packet(data)
            packet.stream, packet.time_base = self._container.streams[0], Fraction(1, _TICKS)
            packet.pts, packet.dts = at, order - self._delay
            packet.duration = max(0, next_at - order)
            packet.is_keyframe = data is coded[0]
            if packet.pts < packet.dts or order < self._last:
                raise RecorderError("the recorder's pictures come in an order that makes no film")
            self._last = order
            self._container.mux(packet)
            self.pictures += 1

    def _ticks(self, at: datetime) -> int:
        assert self.started_at is not None
        return round((at - self.started_at).total_seconds() * _TICKS)

    def _complete(self, first: AccessUnit) -> bytes:
        """The parameter sets that the first picture lacks."""
        payload = PAYLOADS[self._codec]()
        if any(payload.is_parameter(part) for part in first.parts):
            return b""
        return b"".join(_START + part for part in self._parameters)

    def _open(self, coded: list[bytes]) -> None:
        """Open the film for pictures such as these, whose size stands in the pictures alone."""
        try:
            with av.open(io.BytesIO(b"".join(coded)), format=self._codec) as raw:
                template = raw.streams.video[0]
                if not template.codec_context.width:
                    raise RecorderError("the recorder sends no parameters with its pictures")
                container = av.open(
                    str(self._part),
                    "w",
                    format="matroska",
                    container_options={"fflags": "+bitexact"},  # the same pictures, the same film
                )
                stream = container.add_stream_from_template(template)
                stream.time_base = Fraction(1, _TICKS)
        except av.FFmpegError as error:
            raise RecorderError(f"the pictures make no film ({error})") from None
        self._container = container

"""Parts of coded pictures from RTP payloads: H.264 (RFC 6184) and H.265 (RFC 7798)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar


class PayloadError(Exception):
    """A payload is of a form that recorders do not use, or is cut short."""


class H264:
    """Takes payloads in their order; returns the parts (NAL units) that are complete with each."""

    SINGLE: ClassVar[range] = range(1, 24)
    PARAMETERS: ClassVar[tuple[int, ...]] = (7, 8)
    KEYS: ClassVar[tuple[int, ...]] = (5,)
    AGGREGATE, FRAGMENT, HEADER = 24, 28, 1

    def __init__(self) -> None:
        self._open: bytearray | None = None

    def __call__(self, payload: bytes) -> list[bytes]:
        """Return the parts that this payload completes."""
        if len(payload) <= self.HEADER:
            raise PayloadError("a payload is empty")
        kind = self.kind(payload)
        if kind == self.AGGREGATE:
            return self._divided(payload[self.HEADER :])
        if kind == self.FRAGMENT:
            return self._joined(payload)
        if kind not in self.SINGLE:
            raise PayloadError(f"payloads of type {kind} are not read here")
        return [payload]

    def lose(self) -> None:
        """Forget a part whose end was lost."""
        self._open = None

    @staticmethod
    def kind(part: bytes) -> int:
        """Type of a part."""
        return part[0] & 0x1F

    @classmethod
    def is_key(cls, part: bytes) -> bool:
        """Whether a part belongs to a picture that can be decoded by itself."""
        return cls.kind(part) in cls.KEYS

    @classmethod
    def is_parameter(cls, part: bytes) -> bool:
        """Whether a part holds parameters that pictures need."""
        return cls.kind(part) in cls.PARAMETERS

    def _divided(self, rest: bytes) -> list[bytes]:
        parts = []
        while len(rest) >= 2:
            size = int.from_bytes(rest[:2], "big")
            if not 0 < size <= len(rest) - 2:
                raise PayloadError("an aggregate is cut short")
            parts.append(rest[2 : 2 + size])
            rest = rest[2 + size :]
        return parts

    def _joined(self, payload: bytes) -> list[bytes]:
        if len(payload) < self.HEADER + 1:
            raise PayloadError("a fragment is cut short")
        mark, content = payload[self.HEADER], payload[self.HEADER + 1 :]
        if mark & 0x80:
            self._open = bytearray(self._header(payload, mark)) + content
        elif self._open is not None:
            self._open += content
        if not mark & 0x40 or self._open is None:  # goes on, or its beginning was lost
            return []
        part, self._open = bytes(self._open), None
        return [part]

    @staticmethod
    def _header(payload: bytes, mark: int) -> bytes:
        return bytes([payload[0] & 0xE0 | mark & 0x1F])


class H265(H264):
    """The same for H.265."""

    SINGLE = range(48)
    PARAMETERS = (32, 33, 34)
    KEYS = (16, 17, 18, 19, 20, 21)
    AGGREGATE, FRAGMENT, HEADER = 48, 49, 2

    @staticmethod
    def kind(part: bytes) -> int:
        """Type of a part."""
        return part[0] >> 1 & 0x3F

    @staticmethod
    def _header(payload: bytes, mark: int) -> bytes:
        return bytes([payload[0] & 0x81 | (mark & 0x3F) << 1, payload[1]])


PAYLOADS: Mapping[str, Callable[[], H264]] = {"h264": H264, "hevc": H265}

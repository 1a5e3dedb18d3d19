"""Replay of a recording by RTSP, as the ONVIF Streaming Specification has it.

RTP comes interleaved in the RTSP connection, as fast as we read it. The time of each picture is
the one that the recorder put on it when it was taken: the replay extension of its RTP header.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import ssl
import struct
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from urllib.parse import urljoin, urlsplit

from payload import PAYLOADS, PayloadError
from soap import RecorderError

REPLAY_EXTENSION = 0xABAC
_CLEAN, _END, _DISCONTINUITY, _TERMINAL = 0x80, 0x40, 0x20, 0x10
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_NTP_ERA = timedelta(seconds=2**32)
_BYE = 203
_KEEP_ALIVE_SECONDS = 20.0
_ANSWER_SECONDS = 15.0
_MOST_HEADER = 1 << 16


@dataclass
class AccessUnit:
    """One picture, coded: its parts without start codes, and when it was taken."""

    at: datetime  # by the recorder's clock, in UTC
    clean: bool  # can be decoded without those before it
    ends: bool  # the last one before a gap, or of all
    jumps: bool  # does not follow the one before
    terminal: bool  # the last of all
    parts: list[bytes] = field(default_factory=list)


@dataclass
class _Response:
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes


class Replay:
    """One recording open for replay; use it as a context manager.

    ``codec`` is ``h264`` or ``hevc``; ``parameters`` are parameter sets that the description gives;
    ``lost`` counts packets that the recorder did not send; ``ended`` says why the last replay
    stopped: ``said``, where the recorder said that it is over, or ``quiet``, where it fell silent
    and is still there.
    """

    def __init__(
        self, address: str, user: str, password: str, context: ssl.SSLContext, quiet: float
    ) -> None:
        self.address, self.user, self._password = address, user, password
        self._context, self.quiet = context, quiet
        self.codec, self.lost, self.ended = "", 0, ""
        self.parameters: list[bytes] = []
        self._buffer, self._packets = bytearray(), deque[tuple[int, bytes]]()
        self._number, self._session, self._challenge = 0, "", ""
        self._control = address

    def __enter__(self) -> Replay:
        parts = urlsplit(self.address)
        secure = parts.scheme == "rtsps"
        place = (parts.hostname or "", parts.port or (322 if secure else 554))
        try:
            self._socket = socket.create_connection(place, timeout=_ANSWER_SECONDS)
            if secure:
                self._socket = self._context.wrap_socket(self._socket, server_hostname=place[0])
        except OSError as error:
            raise RecorderError(f"{place[0]}:{place[1]} cannot be reached ({error})") from None
        try:
            self._describe()
            self._set_up()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(RecorderError):  # a recorder ends a session by itself, too
            self._send("TEARDOWN", self.address, {})
        self._socket.close()

    def play(self, start: datetime, end: datetime) -> Iterator[AccessUnit]:
        """Replay a time range of the recorder's clock, beginning where it can be decoded.

        Raises
        ------
        RecorderError
            If the connection is lost, or a picture has no time.
        """
        self.ended = ""
        headers = {
            "Range": f"clock={_clock(start)}-{_clock(end)}",
            "Rate-Control": "no",
            "Immediate": "yes",
            "Require": "onvif-replay",
        }
        self._request("PLAY", self.address, headers)
        depacketise = PAYLOADS[self.codec]()
        unit: AccessUnit | None = None
        stamp, expected = -1, -1
        last_spoke = time.monotonic()
        while packet := self._next_packet():
            if time.monotonic() - last_spoke > _KEEP_ALIVE_SECONDS:
                self._send("GET_PARAMETER", self.address, {})
                last_spoke = time.monotonic()
            channel, content = packet
            if channel == 1:
                if _says_bye(content):
                    self.ended = "said"
                    break
                continue
            rtp = _Rtp(content)
            if expected >= 0 and rtp.number != expected:
                self.lost += (rtp.number - expected) % 65536
                depacketise.lose()
            expected = (rtp.number + 1) % 65536
            if rtp.stamp != stamp and unit is not None:
                yield unit
                unit = None
            stamp = rtp.stamp
            try:
                parts = depacketise(rtp.payload)
            except PayloadError as error:
                raise RecorderError(str(error)) from None
            if unit is None:
                unit = rtp.unit()
            unit.parts += parts
            unit.clean = unit.clean or any(depacketise.is_key(part) for part in parts)
            if rtp.last:
                yield unit
                if unit.terminal:
                    self.ended = "said"
                    return
                unit = None
        if unit is not None:
            yield unit
        self.ended = self.ended or "quiet"

    # --- RTSP -----------------------------------------------------------------------------

    def _describe(self) -> None:
        answer = self._request("DESCRIBE", self.address, {"Accept": "application/sdp"})
        base = answer.headers.get("content-base") or answer.headers.get("content-location")
        video = _video(answer.body.decode("utf-8", "replace"))
        coding = re.search(r"a=rtpmap:\d+ (H264|H265)/90000", video, re.IGNORECASE)
        if not coding:
            raise RecorderError("the recording is neither H.264 nor H.265")
        self.codec = "h264" if coding[1].upper() == "H264" else "hevc"
        if re.search(r"sprop-max-don-diff=[1-9]", video):
            raise RecorderError("pictures in another order than theirs are not read here")
        for name in ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"):
            if found := re.search(rf"{name}=([^;\s]+)", video):
                try:
                    self.parameters += [base64.b64decode(p) for p in found[1].split(",") if p]
                except ValueError:
                    raise RecorderError(f"the recording's {name} cannot be read") from None
        control = re.search(r"a=control:(\S+)", video)
        if control:
            base = base or self.address
            whole = (
                control[1] if "://" in control[1] else urljoin(f"{base.rstrip('/')}/", control[1])
            )
            here, there = urlsplit(self.address), urlsplit(whole)
            self._control = there._replace(netloc=here.netloc, scheme=here.scheme).geturl()

    def _set_up(self) -> None:
        answer = self._request(
            "SETUP",
            self._control,
            {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1", "Require": "onvif-replay"},
        )
        if "interleaved=0-1" not in answer.headers.get("transport", ""):
            raise RecorderError("the recorder does not replay over the RTSP connection")
        self._session = answer.headers.get("session", "").partition(";")[0].strip()

    def _request(self, method: str, url: str, headers: dict[str, str]) -> _Response:
        """Send a request and wait for its answer; log in where the recorder asks for it."""
        for _ in range(2):
            number = self._send(method, url, headers)
            answer = self._answer(number)
            asks = answer.headers.get("www-authenticate", "")
            if answer.status != 401 or not asks or asks == self._challenge:
                break
            self._challenge = asks
        if answer.status == 401:
            raise RecorderError("the recorder refuses the user name or the password for replay")
        if answer.status == 551:
            raise RecorderError("the recorder does not know ONVIF replay (onvif-replay)")
        if answer.status != 200:
            raise RecorderError(f"{method} is answered with {answer.status} {answer.reason}")
        return answer

    def _send(self, method: str, url: str, headers: dict[str, str]) -> int:
        self._number += 1
        own = {"CSeq": str(self._number), "User-Agent": "Sightline hook", **headers}
        if self._session:
            own["Session"] = self._session
        if self._challenge:
            own["Authorization"] = self._authorization(method, url)
        text = "".join(f"{name}: {value}\r\n" for name, value in own.items())
        try:
            self._socket.sendall(f"{method} {url} RTSP/1.0\r\n{text}\r\n".encode())
        except OSError as error:
            raise RecorderError(f"the connection was lost ({error})") from None
        return self._number

    def _authorization(self, method: str, url: str) -> str:
        """Answer a digest challenge; the password itself is sent only where the line is secret."""
        scheme, _, rest = self._challenge.partition(" ")
        if scheme.lower() == "basic" and self.address.startswith("rtsps:"):
            return "Basic " + base64.b64encode(f"{self.user}:{self._password}".encode()).decode()
        if scheme.lower() != "digest":
            raise RecorderError(f"the recorder asks for {scheme}: the password is not sent openly")
        asked = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        make = hashlib.sha256 if asked.get("algorithm", "").upper() == "SHA-256" else hashlib.md5

        def digest(*parts: str) -> str:
            return make(":".join(parts).encode()).hexdigest()

        realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
        secret = digest(self.user, realm, self._password)
        given = {"username": self.user, "realm": realm, "nonce": nonce, "uri": url}
        extra = ""
        if "auth" in asked.get("qop", "").replace(" ", "").split(","):
            count, own = f"{self._number:08x}", os.urandom(8).hex()
            response = digest(secret, nonce, count, own, "auth", digest(method, url))
            extra = f', qop=auth, nc={count}, cnonce="{own}"'
        else:
            response = digest(secret, nonce, digest(method, url))
        given["response"] = response
        for name in ("opaque",):
            if name in asked:
                given[name] = asked[name]
        if "algorithm" in asked:
            extra += f", algorithm={asked['algorithm']}"
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in given.items()) + extra

    # --- What comes in --------------------------------------------------------------------

    def _next_packet(self) -> tuple[int, bytes] | None:
        """The next interleaved packet; None once the recorder has fallen silent and is there."""
        self._socket.settimeout(self.quiet)
        try:
            while not self._packets:
                self._read_one()
            return self._packets.popleft()
        except TimeoutError:
            pass
        finally:
            self._socket.settimeout(_ANSWER_SECONDS)
        self._answer(self._send("GET_PARAMETER", self.address, {}))
        return self._packets.popleft() if self._packets else None

    def _answer(self, number: int) -> _Response:
        try:
            while True:
                answer = self._read_one()
                if answer is not None and answer.headers.get("cseq") == str(number):
                    return answer
        except TimeoutError:
            raise RecorderError("the recorder does not answer") from None

    def _read_one(self) -> _Response | None:
        """Read a packet, which is put with the others, or a response, which is returned."""
        if self._peek(1) == b"$":
            _, channel, size = struct.unpack(">cBH", self._peek(4))
            self._packets.append((channel, self._take(4 + size)[4:]))
            return None
        end = self._end_of_head()
        head = bytes(self._buffer[:end]).decode("utf-8", "replace").split("\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        length = headers.get("content-length", "0")
        size = int(length) if length.isascii() and length.isdigit() else 0
        body = self._take(end + 4 + min(size, _MOST_HEADER))[end + 4 :]
        version, _, rest = head[0].partition(" ")
        if not version.startswith("RTSP/"):  # a request of the recorder, such as ANNOUNCE
            self._socket.sendall(
                f"RTSP/1.0 200 OK\r\nCSeq: {headers.get('cseq', '0')}\r\n\r\n".encode()
            )
            return None
        status, _, reason = rest.partition(" ")
        return _Response(int(status) if status.isdigit() else 0, reason, headers, body)

    def _peek(self, size: int) -> bytes:
        """The next bytes, which stay where they are: a silence in the middle loses none."""
        while len(self._buffer) < size:
            try:
                more = self._socket.recv(1 << 18)
            except TimeoutError:
                raise
            except OSError as error:
                raise RecorderError(f"the connection was lost ({error})") from None
            if not more:
                raise RecorderError("the connection was lost (the recorder closed it)")
            self._buffer += more
        return bytes(self._buffer[:size])

    def _take(self, size: int) -> bytes:
        taken = self._peek(size)
        del self._buffer[:size]
        return taken

    def _end_of_head(self) -> int:
        while (at := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MOST_HEADER:
                raise RecorderError("the recorder does not speak RTSP")
            self._peek(len(self._buffer) + 1)
        return at


class _Rtp:
    """An RTP packet with the replay extension of its header."""

    def __init__(self, content: bytes) -> None:
        try:
            first, second, self.number, self.stamp = struct.unpack_from(">BBHI", content)
            at = 12 + 4 * (first & 0x0F)
            self.last = bool(second & 0x80)
            self.taken: datetime | None = None
            self.flags = 0
            if first & 0x10:
                kind, words = struct.unpack_from(">HH", content, at)
                if kind == REPLAY_EXTENSION and words >= 3:
                    seconds, part, self.flags = struct.unpack_from(">IIB", content, at + 4)
                    self.taken = _NTP_EPOCH + timedelta(seconds=seconds + part / 2**32)
                    if not seconds >> 31:  # from 2036 on the count begins again
                        self.taken += _NTP_ERA
                at += 4 + 4 * words
            end = len(content) - (content[-1] if first & 0x20 else 0)
        except (struct.error, IndexError):
            raise RecorderError("a packet is cut short") from None
        if first >> 6 != 2 or at > end:
            raise RecorderError("a packet is not RTP")
        self.payload = content[at:end]

    def unit(self) -> AccessUnit:
        """The picture that begins with this packet."""
        if self.taken is None:
            raise RecorderError(
                "the recorder sends pictures without their times (no ONVIF replay extension)"
            )
        flags = self.flags
        return AccessUnit(
            self.taken,
            clean=bool(flags & _CLEAN),
            ends=bool(flags & (_END | _TERMINAL)),
            jumps=bool(flags & _DISCONTINUITY),
            terminal=bool(flags & _TERMINAL),
        )


def _says_bye(content: bytes) -> bool:
    """Whether a compound RTCP packet holds a BYE."""
    at = 0
    while at + 4 <= len(content):
        _, kind, words = struct.unpack_from(">BBH", content, at)
        if kind == _BYE:
            return True
        at += 4 + 4 * words
    return False


def _video(description: str) -> str:
    """The part of a session description that is about the first picture stream."""
    for part in re.split(r"(?m)^(?=m=)", description.replace("\r", "")):
        if part.startswith("m=video"):
            return part
    raise RecorderError("the recording has no picture stream")


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")

"""An ONVIF recorder of Profile G in threads of this process, with its faults.

Written from the ONVIF Core, Recording Search, Replay Control and Streaming Specifications and the
RFCs 2326, 2617, 3550, 6184 and 7798, and shares nothing with the client that it tries: what a
client may not do is answered with the error that the specifications name, and all that is asked is
noted in ``asked``.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import secrets
import socketserver
import struct
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.etree import ElementTree

import av

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "trp": "http://www.onvif.org/ver10/replay/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}
PRE_AUTH = ("GetSystemDateAndTime", "GetServices")  # need no user (Core, access classes)
TOKEN_SECONDS = 5.0  # by which a token may be older or newer than the recorder's clock
MTU = 1400
NONCE = "5ca1ab1e"  # of the web services
PAYLOAD_TYPE = 96


@dataclass(frozen=True)
class Picture:
    """A coded picture: seconds in its film, whether it is a synchronisation point, NAL units."""

    seconds: float
    clean: bool
    units: tuple[bytes, ...]


@dataclass(frozen=True)
class Section:
    """Contiguous footage: a film that began at a moment (true UTC)."""

    began: datetime
    film: Path


def pictures(film: Path) -> tuple[str, list[Picture]]:
    """The codec of a film, and its pictures as they are coded, in the order of their coding."""
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context.name
        to_units = av.BitStreamFilterContext(f"{codec}_mp4toannexb", stream)
        packets = [
            whole for packet in container.demux(stream) if packet.size
            for whole in to_units.filter(packet)
        ]  # fmt: skip
        made = []
        for packet in packets:
            units = tuple(
                unit for part in bytes(packet).split(b"\x00\x00\x01")[1:]
                if (unit := part.rstrip(b"\x00"))
            )  # fmt: skip
            made.append(Picture(float(packet.pts * stream.time_base), packet.is_keyframe, units))
    return codec, made


@dataclass
class OnvifRecorder:
    """A recorder with its recordings by their tokens, as a context manager.

    Parameters
    ----------
    recordings : mapping
        Sections by token, in the order of time.
    ahead : float
        Seconds by which its clock is ahead of ours, and was when it recorded.
    bye : bool
        Whether it says by RTCP that a replay is over; it need not.
    lose_after : int, optional
        Pictures of a replay after which it cuts the connection, once.
    extension : bool
        Whether it sends the times of pictures.
    recorded : datetime, optional
        Up to here it has recorded so far, and goes on: there is nothing later yet.
    http_digest : bool
        Whether its web services take HTTP digest in place of UsernameTokens.
    early : bool
        Whether it begins a replay a synchronisation point sooner than it should.
    """

    recordings: Mapping[str, Sequence[Section]]
    user: str = "sightline"
    password: str = "open sesame"
    ahead: float = 0.0
    bye: bool = True
    lose_after: int | None = None
    extension: bool = True
    recorded: datetime | None = None
    early: bool = False
    http_digest: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    sessions: dict[str, list[str]] = field(default_factory=dict)

    def __enter__(self) -> OnvifRecorder:
        handlers: tuple[Any, Any] = (
            type("Soap", (_Soap,), {"recorder": self}),
            type("Rtsp", (_Rtsp,), {"recorder": self}),
        )
        self.web = ThreadingHTTPServer(("127.0.0.1", 0), handlers[0])
        self.stream = _RtspServer(("127.0.0.1", 0), handlers[1])
        for server in (self.web, self.stream):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in (self.web, self.stream):
            server.shutdown()
            server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web.server_port}/onvif/device_service"

    @property
    def clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def details(self, what: str) -> list[str]:
        """What was asked for with one operation."""
        return [detail for name, detail in self.asked if name == what]

    def timeline(self, token: str) -> tuple[str, list[tuple[datetime, Picture, bool]]]:
        """Codec and pictures of a recording, by the recorder's clock; True: last of a section."""
        codec, line = "", []
        for section in self.recordings[token]:
            codec, shown = pictures(section.film)
            began = section.began + timedelta(seconds=self.ahead)
            line += [
                (began + timedelta(seconds=picture.seconds), picture, picture is shown[-1])
                for picture in shown
                if self.recorded is None
                or section.began + timedelta(seconds=picture.seconds) < self.recorded
            ]
        return codec, line

    def admits(self, authorization: str, method: str, url: str, nonce: str) -> bool:
        """Digest of RFC 2617, of HTTP and, as RFC 2326 takes it over, of RTSP."""
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization))
        if given.get("nonce") != nonce or given.get("uri") != url:
            return False

        def digest(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        own = digest(f"{self.user}:recorder:{self.password}")
        middle = f"{nonce}:{given.get('nc')}:{given.get('cnonce')}:auth"
        return given.get("response") == digest(f"{own}:{middle}:{digest(f'{method}:{url}')}")


def challenge(nonce: str) -> str:
    """What a request without the right digest is answered with."""
    return f'Digest realm="recorder", nonce="{nonce}", qop="auth"'


# --- Web services -----------------------------------------------------------------------------


class _Soap(BaseHTTPRequestHandler):
    recorder: OnvifRecorder

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        envelope = ElementTree.fromstring(content)
        body = envelope.find("s:Body", NAMESPACES)
        assert body is not None
        operation = body[0]
        namespace, _, name = operation.tag.removeprefix("{").partition("}")
        self.recorder.asked.append((name, ElementTree.tostring(operation, "unicode")))
        if self.recorder.http_digest and name not in PRE_AUTH:
            given = self.headers.get("Authorization", "")
            if not self.recorder.admits(given, "POST", self.path, NONCE):
                self.send_response(401)
                self.send_header("WWW-Authenticate", challenge(NONCE))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        elif name not in PRE_AUTH and not self._authorised(envelope):
            self._fault("ter:NotAuthorized", "Sender not authorized")
            return
        # The service's own address serves its own operations alone.
        served = {"tds": "device_service", "tse": "search", "trp": "replay"}
        prefix = next((p for p in served if NAMESPACES[p] == namespace), None)
        if prefix is None or not self.path.endswith(served[prefix]):
            self._fault("ter:ActionNotSupported", "no such operation here")
            return
        answer = getattr(self, f"_{name}", None)
        if answer is None:
            self._fault("ter:ActionNotSupported", name)
            return
        inner = answer(operation)
        if inner is not None:
            self._reply(200, f"<{prefix}:{name}Response>{inner}</{prefix}:{name}Response>")

    def _authorised(self, envelope: ElementTree.Element) -> bool:
        """WS-Security UsernameToken Profile 1.0 with a digest, a nonce and a fresh time."""
        token = envelope.find("s:Header/wsse:Security/wsse:UsernameToken", NAMESPACES)
        if token is None:
            return False
        user, password, nonce = (
            token.find(f"wsse:{name}", NAMESPACES) for name in ("Username", "Password", "Nonce")
        )
        created = token.findtext("wsu:Created", "", NAMESPACES)
        if user is None or password is None or nonce is None or not created:
            return False
        if not password.get("Type", "").endswith("#PasswordDigest"):
            return False
        age = abs((datetime.fromisoformat(created) - self.recorder.clock).total_seconds())
        raw = base64.b64decode(nonce.text or "")
        wanted = hashlib.sha1(raw + created.encode() + self.recorder.password.encode()).digest()
        return (
            user.text == self.recorder.user
            and age <= TOKEN_SECONDS
            and base64.b64decode(password.text or "") == wanted
        )

    def _GetSystemDateAndTime(self, _: Any) -> str:  # noqa: N802
        now = self.recorder.clock
        return (
            "<tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
            "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>"
            f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
            f"<tt:Second>{now.second}</tt:Second></tt:Time><tt:Date><tt:Year>{now.year}</tt:Year>"
            f"<tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day></tt:Date>"
            "</tt:UTCDateTime></tds:SystemDateAndTime>"
        )

    def _GetServices(self, _: Any) -> str:  # noqa: N802
        # A recorder behind a router knows only the address that it has there.
        base = f"http://10.0.0.8:{self.recorder.web.server_port}/onvif"
        return "".join(
            f"<tds:Service><tds:Namespace>{NAMESPACES[prefix]}</tds:Namespace>"
            f"<tds:XAddr>{base}/{path}</tds:XAddr><tds:Version><tt:Major>2</tt:Major>"
            "<tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
            for prefix, path in (("tds", "device_service"), ("tse", "search"), ("trp", "replay"))
        )

    def _FindRecordings(self, operation: ElementTree.Element) -> str:  # noqa: N802
        included = [
            found.text or "" for found in operation.iterfind(".//tt:IncludedRecordings", NAMESPACES)
        ]
        session = secrets.token_hex(4)
        held = [token for token in self.recorder.recordings if not included or token in included]
        self.recorder.sessions[session] = held
        return f"<tse:SearchToken>{session}</tse:SearchToken>"

    def _GetRecordingSearchResults(self, operation: ElementTree.Element) -> str | None:  # noqa: N802
        session = operation.findtext("tse:SearchToken", "", NAMESPACES)
        left = self.recorder.sessions.get(session)
        if left is None:
            self._fault("ter:InvalidToken", "no such search")
            return None
        found = ""
        if left:  # one at a time, as results come in
            found = self._information(left.pop(0))
        if not left:
            del self.recorder.sessions[session]
        state = "Searching" if left else "Completed"
        return f"<tse:ResultList><tt:SearchState>{state}</tt:SearchState>{found}</tse:ResultList>"

    def _information(self, token: str) -> str:
        _, line = self.recorder.timeline(token)
        moments = [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at, _, _ in line]  # in whole seconds
        span = (
            f"<tt:EarliestRecording>{min(moments)}</tt:EarliestRecording>"
            f"<tt:LatestRecording>{max(moments)}</tt:LatestRecording>"
            if moments
            else ""
        )
        return (
            f"<tt:RecordingInformation><tt:RecordingToken>{token}</tt:RecordingToken>"
            "<tt:Source><tt:SourceId>x</tt:SourceId><tt:Name>x</tt:Name><tt:Location/>"
            f"<tt:Description/><tt:Address/></tt:Source>{span}<tt:Content/>"
            "<tt:RecordingStatus>Stopped</tt:RecordingStatus></tt:RecordingInformation>"
        )

    def _GetReplayUri(self, operation: ElementTree.Element) -> str | None:  # noqa: N802
        token = operation.findtext("trp:RecordingToken", "", NAMESPACES)
        protocol = operation.findtext("trp:StreamSetup/tt:Transport/tt:Protocol", "", NAMESPACES)
        if token not in self.recorder.recordings or protocol != "RTSP":
            self._fault("ter:NoRecording", "no such recording or transport")
            return None
        port = self.recorder.stream.server_address[1]
        return f"<trp:Uri>rtsp://10.0.0.8:{port}/replay/{token}</trp:Uri>"

    def _fault(self, subcode: str, reason: str) -> None:
        code = "Sender"
        self._reply(
            400,
            f"<s:Fault><s:Code><s:Value>s:{code}</s:Value><s:Subcode><s:Value>{subcode}</s:Value>"
            "</s:Subcode></s:Code><s:Reason>"
            f'<s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>',
        )

    def _reply(self, status: int, body: str) -> None:
        spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
        content = f"<s:Envelope {spaces}><s:Body>{body}</s:Body></s:Envelope>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """What was asked is in ``asked``."""


# --- Streaming --------------------------------------------------------------------------------


class _RtspServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Rtsp(socketserver.StreamRequestHandler):
    recorder: OnvifRecorder

    def handle(self) -> None:
        self.nonce, self.session = secrets.token_hex(8), ""
        while line := self.rfile.readline():
            method, url, _ = line.decode().split()
            headers = {}
            while (text := self.rfile.readline().decode().strip()) != "":
                name, _, value = text.partition(":")
                headers[name.strip().lower()] = value.strip()
            self.number = headers["cseq"]
            self.recorder.asked.append((method, headers.get("range", "")))
            given = headers.get("authorization", "")
            if not self.recorder.admits(given, method, url, self.nonce):
                self._reply(401, "Unauthorized", {"WWW-Authenticate": challenge(self.nonce)})
            elif method == "TEARDOWN":
                self._reply(200, "OK", {})
                return
            elif not getattr(self, f"_{method.lower()}")(url, headers):
                return

    def _token(self, url: str) -> str:
        found = re.search(r"/replay/([^/?]+)", url)
        return found[1] if found else ""

    def _describe(self, url: str, _: dict[str, str]) -> bool:
        token = self._token(url)
        codec, line = self.recorder.timeline(token)
        coding = {"h264": "H264", "hevc": "H265"}[codec]
        kinds = (7, 8) if codec == "h264" else (32, 33, 34)
        sets = [unit for unit in line[0][1].units if _kind(codec, unit) in kinds]
        coded = ",".join(base64.b64encode(one).decode() for one in sets)
        form = f"sprop-parameter-sets={coded}" if codec == "h264" else ""
        text = (
            "v=0\r\no=- 1 1 IN IP4 10.0.0.8\r\ns=replay\r\nt=0 0\r\n"
            f"m=audio 0 RTP/AVP 0\r\na=control:{url}/audio\r\na=x-onvif-track:AUDIO001\r\n"
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\na=rtpmap:{PAYLOAD_TYPE} {coding}/90000\r\n"
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;{form}\r\n"
            f"a=control:trackID=1\r\na=x-onvif-track:VIDEO001\r\n"
        )
        self._reply(200, "OK", {"Content-Type": "application/sdp", "Content-Base": f"{url}/"}, text)
        return True

    def _setup(self, url: str, headers: dict[str, str]) -> bool:
        if "onvif-replay" not in headers.get("require", ""):
            self._reply(400, "Bad Request", {})
        elif not url.endswith("/trackID=1"):
            self._reply(404, "Not Found", {})
        elif headers.get("transport") != "RTP/AVP/TCP;unicast;interleaved=0-1":
            self._reply(461, "Unsupported Transport", {})
        else:
            self.session = secrets.token_hex(4)
            about = {"Transport": headers["transport"], "Session": f"{self.session};timeout=60"}
            self._reply(200, "OK", about)
        return True

    def _get_parameter(self, _: str, headers: dict[str, str]) -> bool:
        known = headers.get("session") == self.session
        self._reply(200 if known else 454, "OK" if known else "Session Not Found", {})
        return True

    def _play(self, url: str, headers: dict[str, str]) -> bool:
        asked = re.fullmatch(
            r"clock=(\d{8}T\d{6}(?:\.\d{1,9})?Z)-(\d{8}T\d{6}(?:\.\d{1,9})?Z)",
            headers.get("range", ""),
        )
        well = (
            asked
            and headers.get("session") == self.session
            and "onvif-replay" in headers.get("require", "")
            and headers.get("rate-control") == "no"
        )
        if not asked or not well:
            self._reply(400, "Bad Request", {})
            return True
        self._reply(200, "OK", {"Session": self.session, "Range": headers["range"]})
        return self._replay(self._token(url), _moment(asked[1]), _moment(asked[2]))

    def _replay(self, token: str, start: datetime, end: datetime) -> bool:
        codec, line = self.recorder.timeline(token)
        # The first clean point at or before the start; in a gap, the first of what follows.
        before = [number for number, (at, _, _) in enumerate(line) if at <= start]
        first = before[-1] + 1 if before else 0
        if before and not (line[before[-1]][2] and line[before[-1]][0] < start):
            clean = [number for number in before if line[number][1].clean]
            first = clean[-2 if self.recorder.early and len(clean) > 1 else -1]
        sender = _Sender(codec, int(self.number) & 0xFF, self.recorder)
        for sent, (at, picture, ends) in enumerate(line[first:]):
            if at >= end:
                break
            if self.recorder.lose_after is not None and sent >= self.recorder.lose_after:
                self.recorder.lose_after = None
                return False
            last = picture is line[-1][1] and self.recorder.recorded is None
            for packet in sender.packets(at, picture, ends=ends, last=last, jumps=sent == 0):
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
        if self.recorder.bye:
            report = struct.pack(">BBHIQIII", 0x80, 200, 6, 1, 0, 0, 0, 0)
            bye = report + struct.pack(">BBHI", 0x81, 203, 1, 1)
            self.wfile.write(struct.pack(">cBH", b"$", 1, len(bye)) + bye)
        return True

    def _reply(self, status: int, reason: str, headers: dict[str, str], body: str = "") -> None:
        content = body.encode()
        lines = {"CSeq": self.number, **headers}
        if content:
            lines["Content-Length"] = str(len(content))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.wfile.write(f"RTSP/1.0 {status} {reason}\r\n{head}\r\n".encode() + content)


class _Sender:
    """RTP packets of pictures, each picture's first with the replay extension."""

    def __init__(self, codec: str, play: int, recorder: OnvifRecorder) -> None:
        self.codec, self.play, self.recorder = codec, play, recorder
        self.number = 65_530  # so that it wraps

    def packets(
        self, at: datetime, picture: Picture, *, ends: bool, last: bool, jumps: bool
    ) -> list[bytes]:
        seconds = (at - datetime(1900, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
        payloads = self._payloads(picture.units)
        stamp = round(at.timestamp() * 90_000) % 2**32
        made = []
        for index, payload in enumerate(payloads):
            extended = index == 0 and self.recorder.extension
            marker = 0x80 if index == len(payloads) - 1 else 0
            head = struct.pack(
                ">BBHII", 0x90 if extended else 0x80, marker | PAYLOAD_TYPE, self.number, stamp, 7
            )
            if extended:
                flags = picture.clean << 7 | ends << 6 | jumps << 5 | last << 4
                whole = int(seconds)
                part = round((seconds - whole) * 2**32) % 2**32
                head += struct.pack(">HHIIBBH", 0xABAC, 3, whole, part, flags, self.play, 0)
            made.append(head + payload)
            self.number = (self.number + 1) % 65_536
        return made

    def _payloads(self, units: Sequence[bytes]) -> list[bytes]:
        """Small units beside each other together, large ones in fragments, others alone."""
        made = []
        for small, run in _runs(units):
            if small and len(run) > 1:
                header = b"\x78" if self.codec == "h264" else b"\x60\x01"
                made.append(header + b"".join(struct.pack(">H", len(u)) + u for u in run))
                continue
            for unit in run:
                made += [unit] if len(unit) <= MTU else self._fragments(unit)
        return made

    def _fragments(self, unit: bytes) -> list[bytes]:
        if self.codec == "h264":
            head, kind, rest = bytes([unit[0] & 0xE0 | 28]), unit[0] & 0x1F, unit[1:]
        else:
            head, kind, rest = (
                bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), _kind(self.codec, unit), unit[2:],
            )  # fmt: skip
        pieces = [rest[at : at + MTU] for at in range(0, len(rest), MTU)]
        return [
            head + bytes([(n == 0) << 7 | (n == len(pieces) - 1) << 6 | kind]) + piece
            for n, piece in enumerate(pieces)
        ]


def _runs(units: Sequence[bytes]) -> list[tuple[bool, list[bytes]]]:
    """Units in their order, those of less than 100 bytes beside each other together."""
    grouped = itertools.groupby(units, key=lambda unit: len(unit) < 100)
    return [(small, list(run)) for small, run in grouped]


def _kind(codec: str, unit: bytes) -> int:
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def _moment(text: str) -> datetime:
    form = "%Y%m%dT%H%M%S.%fZ" if "." in text else "%Y%m%dT%H%M%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)

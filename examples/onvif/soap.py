"""A recorder's web services by ONVIF Profile G: its clock, its recordings, where they are replayed.

Requests are written out here, so that no service description is fetched or interpreted.
"""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
SEARCH = "http://www.onvif.org/ver10/search/wsdl"
REPLAY = "http://www.onvif.org/ver10/replay/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
_WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_MOST_BYTES = 8 << 20
_CLOCK_LOOKS = 5  # the clock is given in whole seconds; looks spread over one narrow it down
_LONGEST_SEARCH = 60.0  # seconds


class RecorderError(Exception):
    """A recorder cannot be reached, refuses, or answers what it should not."""


@dataclass(frozen=True)
class Offset:
    """How far a recorder's clock is ahead of ours: between two bounds, in seconds."""

    low: float
    high: float

    def value(self, known: float | None) -> float:
        """One number: 0 if it is possible, else what was *known* if that is, else the middle."""
        for candidate in (0.0, known):
            if candidate is not None and self.low <= candidate <= self.high:
                return candidate
        return round((self.low + self.high) / 2, 2)


@dataclass(frozen=True)
class Held:
    """What a recorder holds of one recording, by its own clock."""

    earliest: datetime
    latest: datetime | None  # None: not said, as of one that goes on


class Recorder:
    """One recorder, reached at the address of its device service."""

    def __init__(
        self, address: str, user: str, password: str, context: ssl.SSLContext, timeout: float = 10.0
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RecorderError(f"{address!r} is not an address such as http://192.0.2.10/onvif/…")
        self.address, self.host = address, parts.hostname
        self.user, self.password, self.timeout = user, password, timeout
        self._ahead = 0.0  # seconds, for tokens: recorders refuse those of another time
        self._services: dict[str, str] = {}
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, address, user, password)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPDigestAuthHandler(known),
            urllib.request.HTTPSHandler(context=context),
            _NoRedirect(),
        )
        self._known = known

    def clock_offset(self) -> Offset:
        """Compare the recorder's clock with ours."""
        low, high = float("-inf"), float("inf")
        for look in range(_CLOCK_LOOKS):
            if look:
                time.sleep(1 / _CLOCK_LOOKS)
            before = time.time()
            answer = self._call(self.address, DEVICE, "GetSystemDateAndTime", secure=False)
            after = time.time()
            utc = answer.find(f".//{{{SCHEMA}}}UTCDateTime")
            if utc is None:
                raise RecorderError("the recorder does not say what time it is in UTC")
            shown = _date_time(utc).timestamp()
            low, high = max(low, shown - after), min(high, shown + 1 - before)
        if low > high:
            raise RecorderError("the recorder's clock jumps: its times cannot be trusted")
        self._ahead = (low + high) / 2
        return Offset(low, high)

    def recordings(self, tokens: Iterable[str]) -> dict[str, Held]:
        """What the recorder holds of these recordings, and of no others."""
        included = "".join(
            f"<tt:IncludedRecordings>{escape(token)}</tt:IncludedRecordings>" for token in tokens
        )
        service = self._service(SEARCH)
        begun = self._call(
            service,
            SEARCH,
            "FindRecordings",
            f"<q:Scope>{included}</q:Scope><q:KeepAliveTime>PT10S</q:KeepAliveTime>",
        )
        session = _text(begun, SEARCH, "SearchToken")
        found: dict[str, Held] = {}
        deadline = time.monotonic() + _LONGEST_SEARCH
        while True:
            answer = self._call(
                service,
                SEARCH,
                "GetRecordingSearchResults",
                f"<q:SearchToken>{escape(session)}</q:SearchToken><q:WaitTime>PT5S</q:WaitTime>",
            )
            for about in answer.iter(f"{{{SCHEMA}}}RecordingInformation"):
                earliest, latest = (
                    about.findtext(f"{{{SCHEMA}}}{name}")
                    for name in ("EarliestRecording", "LatestRecording")
                )
                if earliest:  # else nothing was recorded yet
                    token = _text(about, SCHEMA, "RecordingToken")
                    found[token] = Held(_moment(earliest), _moment(latest) if latest else None)
            if _text(answer, SCHEMA, "SearchState") == "Completed":
                return found
            if time.monotonic() > deadline:
                raise RecorderError("the recorder does not finish its search for recordings")

    def replay_address(self, token: str) -> str:
        """Address from which a recording is replayed, on the recorder itself."""
        answer = self._call(
            self._service(REPLAY),
            REPLAY,
            "GetReplayUri",
            "<q:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport>"
            "<tt:Protocol>RTSP</tt:Protocol></tt:Transport></q:StreamSetup>"
            f"<q:RecordingToken>{escape(token)}</q:RecordingToken>",
        )
        return self._here(_text(answer, REPLAY, "Uri"), ("rtsp", "rtsps"))

    # --- Within ---------------------------------------------------------------------------

    def _service(self, namespace: str) -> str:
        if not self._services:
            answer = self._call(
                self.address,
                DEVICE,
                "GetServices",
                "<q:IncludeCapability>false</q:IncludeCapability>",
            )
            for service in answer.iter(f"{{{DEVICE}}}Service"):
                where = _text(service, DEVICE, "XAddr")
                self._services[_text(service, DEVICE, "Namespace")] = where
        if namespace not in self._services:
            raise RecorderError(f"the recorder has no service {namespace}: it is not of Profile G")
        return self._here(self._services[namespace], ("http", "https"))

    def _here(self, address: str, schemes: tuple[str, ...]) -> str:
        """The address on the host that we were given: never log in elsewhere, as behind NAT."""
        try:
            parts = urlsplit(address)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:  # half a bracket, a port beyond all ports
            parts, port = urlsplit(""), ""
        if parts.scheme not in schemes:
            raise RecorderError(f"the recorder names an address that is none: {address[:80]!r}")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return urlunsplit(parts._replace(netloc=host + port))

    def _call(
        self, address: str, namespace: str, name: str, body: str = "", *, secure: bool = True
    ) -> Element:
        """Call an operation; return the body of the answer."""
        request = (
            f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{ENVELOPE}" '
            f'xmlns:tt="{SCHEMA}" xmlns:q="{namespace}">'
            f"<s:Header>{self._token() if secure else ''}</s:Header>"
            f"<s:Body><q:{name}>{body}</q:{name}></s:Body></s:Envelope>"
        )
        self._known.add_password(None, address, self.user, self.password)
        sent = urllib.request.Request(  # noqa: S310 - the scheme was checked
            address,
            data=request.encode(),
            headers={
                "Content-Type": f'application/soap+xml; charset=utf-8; action="{namespace}/{name}"'
            },
        )
        try:
            with self._opener.open(sent, timeout=self.timeout) as answer:
                content = answer.read(_MOST_BYTES)
        except urllib.error.HTTPError as error:
            content = error.read(_MOST_BYTES)
            if error.code == 401 or b"NotAuthorized" in content:
                raise RecorderError("the recorder refuses the user name or the password") from None
            if b"Fault" not in content:
                raise RecorderError(f"{name} is answered with HTTP {error.code}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RecorderError(f"{address} does not answer {name} ({reason})") from None
        return _body(content, name)

    def _token(self) -> str:
        """A WS-Security UsernameToken with the digest of the password."""
        nonce = os.urandom(16)
        moment = datetime.now(UTC) + timedelta(seconds=self._ahead)
        created = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        digest = hashlib.sha1(  # noqa: S324 - as the profile has it
            nonce + created.encode() + self.password.encode()
        ).digest()
        return (
            f'<wsse:Security s:mustUnderstand="1" xmlns:wsse="{_WSS}wssecurity-secext-1.0.xsd" '
            f'xmlns:wsu="{_WSS}wssecurity-utility-1.0.xsd"><wsse:UsernameToken>'
            f"<wsse:Username>{escape(self.user)}</wsse:Username>"
            f'<wsse:Password Type="{_WSS}username-token-profile-1.0#PasswordDigest">'
            f"{base64.b64encode(digest).decode()}</wsse:Password>"
            f'<wsse:Nonce EncodingType="{_WSS}soap-message-security-1.0#Base64Binary">'
            f"{base64.b64encode(nonce).decode()}</wsse:Nonce>"
            f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a recorder has no business elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _body(content: bytes, name: str) -> Element:
    try:
        envelope: Element = defusedxml.ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RecorderError(f"the answer to {name} cannot be read ({error})") from None
    body = envelope.find(f"{{{ENVELOPE}}}Body")
    if body is None:
        raise RecorderError(f"the answer to {name} is not SOAP 1.2")
    fault = body.find(f"{{{ENVELOPE}}}Fault")
    if fault is not None:
        reason = fault.findtext(f".//{{{ENVELOPE}}}Text") or "no reason given"
        raise RecorderError(f"the recorder refuses {name}: {reason.strip()[:200]}")
    return body


def _text(element: Element, namespace: str, name: str) -> str:
    text = element.findtext(f".//{{{namespace}}}{name}")
    if not text or not text.strip():
        raise RecorderError(f"an answer of the recorder lacks {name}")
    return text.strip()


def _date_time(utc: Element) -> datetime:
    names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    try:
        year, month, day, hour, minute, second = (int(_text(utc, SCHEMA, n)) for n in names)
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise RecorderError(f"the recorder's clock shows a time that is none ({error})") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:  # ONVIF demands UTC with its Z
            raise RecorderError(f"the time {text[:40]} does not say that it is in UTC")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RecorderError(f"{text[:40]!r} is not a time") from None

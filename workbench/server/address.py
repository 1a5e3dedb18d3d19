"""Public address of the server: the only one under which requests are answered."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from workbench.errors import SettingsError

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?")
_BASE = re.compile(r"/(?:[A-Za-z0-9_~][A-Za-z0-9._~-]*/)*")


@dataclass(frozen=True)
class Address:
    """Address at which people open the pages: scheme, host, port and path, as a browser shows them.

    Requests are compared with it; what a request says about the server's name is never believed.
    """

    scheme: str
    host: str  # an IPv6 address in brackets
    port: int
    base: str = "/"  # begins and ends with a slash
    aliases: frozenset[str] = frozenset()  # other hosts, with the same port
    any_port: bool = False  # at which tunnels to this machine may end

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address such as ``https://sightline.example.org/search/``.

        Raises
        ------
        SettingsError
            If it is no http(s) address, or has more than host, port and a plain path.
        """
        try:
            parts = urlsplit(text)
            known = _PORTS[parts.scheme]
            found = _split(parts.netloc, known)
        except (ValueError, KeyError):
            found = None
        base = "" if found is None else f"{parts.path.rstrip('/')}/"
        if found is None or parts.query or parts.fragment or not _BASE.fullmatch(base):
            raise SettingsError(
                f"{text!r} is not an address that pages can have",
                where="--address",
                fix="Write it like https://sightline.example.org/ or http://127.0.0.1:8866/",
            )
        return cls(parts.scheme, *found, base)

    @classmethod
    def of_desk(cls, host: str, port: int, *, tunnels: bool = False) -> Address:
        """Address of a server that listens at *host* and is opened without anything in front.

        With *tunnels*, a server of this machine alone may be opened at another port, too: where
        a tunnel (``ssh -L``) to it begins. A page of another site cannot take on its names.
        """
        host = f"[{host}]" if ":" in host else host.lower()
        local = is_loopback(host)
        names = {"127.0.0.1", "localhost", "[::1]"} if local else set()
        return cls(
            "http", host, port, aliases=frozenset(names - {host}), any_port=tunnels and local
        )

    def __str__(self) -> str:
        return f"{self.origin}{self.base}"

    @property
    def netloc(self) -> str:
        """Host and port as a browser sends them: without a port that goes without saying."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def is_secure(self) -> bool:
        """True if browsers reach the server by TLS."""
        return self.scheme == "https"

    @property
    def is_local(self) -> bool:
        """True if the address is of this machine alone."""
        return is_loopback(self.host)

    def has_host(self, host: str) -> bool:
        """Check that the header ``Host`` of a request names this server."""
        found = _split(host, _PORTS[self.scheme])
        if found is None or found[0] not in self._hosts:
            return False
        return self.any_port or found[1] == self.port

    def is_named(self, host: str) -> bool:
        """Check that the header ``Host`` names this server or this machine, at whatever port."""
        found = _split(host, _PORTS[self.scheme])
        return found is not None and (found[0] in self._hosts or is_loopback(found[0]))

    def has_origin(self, origin: str, *, host: str) -> bool:
        """Check that the header ``Origin`` names this server, as *host* does, which is checked.

        Raises ValueError if it is not an origin at all.
        """
        if origin == "null":
            return False
        scheme, separator, rest = origin.partition("://")
        found = _split(rest, _PORTS.get(scheme, 0))
        if not separator or found is None:
            raise ValueError(f"{origin!r} is not an origin")
        return scheme == self.scheme and found == _split(host, _PORTS[self.scheme])

    @property
    def _hosts(self) -> frozenset[str]:
        return self.aliases | {self.host}


def is_loopback(host: str) -> bool:
    """Check that a host, by name or number, is reached from this machine alone."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _split(netloc: str, port: int) -> tuple[str, int] | None:
    found = _HOST.fullmatch(netloc.lower())
    if found is None or not 0 < int(found[2] or port or 1) < 65536:
        return None
    return found[1], int(found[2] or port)

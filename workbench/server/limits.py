"""Limits of a server: connections, half-sent requests and kernels that it takes on at once."""

from __future__ import annotations

import os
import resource
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.ioloop import IOLoop

_KERNEL_BYTES = 350 * 2**20
_LOOPBACK = ("127.", "::1", "::ffff:127.")


@dataclass(frozen=True)
class Limits:
    """Bounds of what one server takes on at once, and of how long it waits.

    Connections that reach the server over loopback or a Unix socket are counted in all, not by
    address: a proxy in front of it brings everybody's, and counts them itself.
    """

    connections: int
    """Open connections in all, sockets of pages apart."""

    connections_of_address: int
    """Open connections of one address."""

    kernels: int
    """Kernels of pages in all; those that wait in reserve come on top."""

    kernels_of_person: int
    """Kernels of one person's pages."""

    header_seconds: float = 10
    """Time for the first request of a connection, from connecting to its end."""

    body_seconds: float = 30
    """Time for the body of a request; none is larger than 1 MB."""

    idle_seconds: float = 75
    """Time that a connection may be silent between two requests, their headers included."""

    @classmethod
    def of_machine(
        cls, *, kernels: int | None = None, kernels_of_person: int | None = None
    ) -> Limits:
        """Limits by the memory and the open files that machine, service or container allow."""
        memory = memory_allowed()
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections = max(16, min(1000, files // 4))
        return cls(
            connections=connections,
            connections_of_address=max(8, connections // 4),
            kernels=kernels or max(4, min(64, memory // 2 // _KERNEL_BYTES)),
            kernels_of_person=kernels_of_person or 8,
        )


def memory_allowed(proc: Path = Path("/proc/self"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory in bytes that this process may use: the machine's, or the least limit set on it.

    Limits of services and containers are those of the control groups (version 2) that the process
    is in; where there are none, the machine's memory counts.
    """
    least = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except FileNotFoundError:  # not on Linux
        return least
    for line in lines:
        if not line.startswith("0::/"):
            continue
        group = groups / line.removeprefix("0::/")
        for place in (group, *group.parents):
            limit = place / "memory.max"
            if place.is_relative_to(groups) and limit.exists():
                said = limit.read_text().strip()
                least = least if said == "max" else min(least, int(said))
    return least


def raise_open_files() -> None:
    """Allow this process as many open files as the system lets it; each kernel needs some forty."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class LimitedServer(HTTPServer):
    """An HTTP server with room for a limited number of connections.

    Where there is no more room, the connection goes that has waited longest without a whole
    request: whoever has sent one is served, however many others hold connections open. Connections
    that are being answered stay; if there are only such, the new one is refused.
    """

    limits: Limits
    refused: int
    """Connections that were closed for want of room or of a request in time."""

    def initialize(  # type: ignore[override]  # the options that are ours
        self, request_callback: Any, *, limits: Limits, **options: Any
    ) -> None:
        """Set up the server for ``request_callback``, a tornado application."""
        super().initialize(
            request_callback,
            idle_connection_timeout=limits.idle_seconds,
            body_timeout=limits.body_seconds,
            **options,
        )
        self.limits, self.refused = limits, 0
        self._open: dict[Any, str] = {}  # each connection's address, '' if that says nothing
        self._waiting: dict[Any, None] = {}  # those without a whole request, longest first
        self._timers: dict[Any, object] = {}

    @property
    def connections(self) -> int:
        """Number of open connections, sockets of pages apart."""
        return len(self._open)

    def start_request(self, server_conn: Any, request_conn: Any) -> HTTPMessageDelegate:
        """Make room for a new connection, and note that it has no whole request yet."""
        if server_conn not in self._open:
            address = _address_of(server_conn.context)
            if not self._has_room(address):
                self._close(server_conn)
            self._open[server_conn] = address
            self._timers[server_conn] = IOLoop.current().call_later(
                self.limits.header_seconds, self._close, server_conn
            )
        self._waiting[server_conn] = None
        request_conn.take_time = lambda: self.whole(server_conn)
        return _Whole(super().start_request(server_conn, request_conn), self, server_conn)

    def on_close(self, server_conn: object) -> None:
        """Forget a connection that ended, or became the socket of a page."""
        super().on_close(server_conn)
        self.whole(server_conn)
        self._open.pop(server_conn, None)

    def whole(self, server_conn: object) -> None:
        """Note that the connection has sent a whole request."""
        self._waiting.pop(server_conn, None)
        if (timer := self._timers.pop(server_conn, None)) is not None:
            IOLoop.current().remove_timeout(timer)

    def _has_room(self, address: str) -> bool:
        """Whether there is room for one more of that address; end others to make it."""
        limits = self.limits
        if address and self._count(address) >= limits.connections_of_address:
            for one in self._waiting:
                if self._open[one] == address:
                    self._close(one)
                    break
            else:
                return False
        if len(self._open) >= limits.connections:
            if not self._waiting:
                return False
            self._close(next(iter(self._waiting)))
        return True

    def _count(self, address: str) -> int:
        return sum(one == address for one in self._open.values())

    def _close(self, server_conn: Any) -> None:
        self.refused += 1
        self.whole(server_conn)
        self._open.pop(server_conn, None)
        server_conn.stream.close()


class _Whole(HTTPMessageDelegate):
    """Tells the server when a request is whole, and hands everything on."""

    def __init__(self, inner: HTTPMessageDelegate, server: LimitedServer, connection: Any) -> None:
        self._inner, self._server, self._connection = inner, server, connection

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: Any
    ) -> Any:
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._server.whole(self._connection)
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()


def _address_of(context: Any) -> str:
    if context.address_family == socket.AF_UNIX or context.remote_ip.startswith(_LOOPBACK):
        return ""
    return str(context.remote_ip)

"""Account at the other end of a connection from this machine, as the operating system knows it."""

from __future__ import annotations

import ipaddress
import socket
import struct
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tornado.httputil import HTTPServerRequest

from workbench.server.address import is_loopback

_ESTABLISHED = "01"
_ASKED: WeakKeyDictionary[Any, int | None] = WeakKeyDictionary()
"""Account by connection: the system keeps that of who opened it, whoever writes to it later."""


def account_at(request: HTTPServerRequest) -> int | None:
    """Account (uid) of the program that sent a request over loopback; None if that is not known.

    It is not known of other machines, of systems other than Linux, and of a program that has
    closed its end. The system is asked once a connection, as its table has a row for each there is.
    """
    connection: Any = request.connection
    stream = connection.stream
    line = stream.socket if stream is not None else None
    if line is None or line.family not in {socket.AF_INET, socket.AF_INET6}:
        return None
    if stream not in _ASKED:
        _ASKED[stream] = _account_beyond(line)
    return _ASKED[stream]


def _account_beyond(line: socket.socket) -> int | None:
    """Account that the system's table names at the other end of an open socket."""
    try:
        near, far = line.getsockname()[:2], line.getpeername()[:2]
    except OSError:
        return None
    if not is_loopback(str(far[0])):
        return None
    table = "tcp" if line.family == socket.AF_INET else "tcp6"
    wanted = (_written(*far), _written(*near), _ESTABLISHED)
    try:
        rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    except OSError:
        return None
    for row in rows:
        columns = row.split()
        # Without an inode, the program has let go of it, and the account shown is root's.
        if tuple(columns[1:4]) == wanted and columns[9] != "0":
            return int(columns[7])
    return None


def _written(host: str, port: int) -> str:
    """Address as the system's tables have it: words of four bytes, each in this machine's order."""
    packed = ipaddress.ip_address(host).packed
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return f"{''.join(f'{word:08X}' for word in words)}:{port:04X}"

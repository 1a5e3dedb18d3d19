"""An object store of the tests' own on loopback, and a proxy before it that counts and fails.

The store is moto's server, in an environment of its own (``tools/ensure-object-store``).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

SECRET = "a-secret-of-the-tests"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "eu-west-2",
}
_PIECE = 1 << 16  # bytes that one answer sends before another has its turn
_HOPS = {"connection", "content-length", "expect", "keep-alive", "transfer-encoding"}


def program() -> Path | None:
    """The store's program; None where its environment was not made."""
    places = [Path(sys.prefix) / "object-store", Path(os.environ.get("SIGHTLINE_MOTO", "/none"))]
    return next((one / "bin/moto_server" for one in places if (one / "made").exists()), None)


class Request(NamedTuple):
    """A request as the store was sent it."""

    method: str
    path: str
    sent: int  # bytes of the answer


@dataclass
class Fault:
    """What the proxy does to the next requests of a kind: a status, or ``cut`` or ``altered``."""

    method: str
    path: str  # as a regular expression
    kind: int | str
    times: int = 1_000


@dataclass
class ObjectStore:
    """Store that is reached through a proxy."""

    endpoint: str
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[str], object] = lambda _: None  # each answer, with the path that it is to
    bytes_a_second: float = float("inf")  # of all answers together
    sent: list[tuple[str, float]] = field(default_factory=list)
    """Paths that were asked for, and when the last byte of the answer was sent (monotonic)."""
    _line: threading.Lock = field(default_factory=threading.Lock)

    def address(self, prefix: str) -> str:
        """Address of a storage in it."""
        return f"s3://town/{prefix}?endpoint={self.endpoint}"

    def keys(self, prefix: str) -> list[str]:
        """Keys of all its objects with a prefix, by the store itself."""
        connection = http.client.HTTPConnection(self.endpoint.partition("//")[2])
        with contextlib.closing(connection):
            connection.request("GET", f"/town?list-type=2&prefix={prefix}/")
            found = connection.getresponse().read().decode()
        return re.findall("<Key>([^<]*)</Key>", found)

    def _fault(self, method: str, path: str) -> int | str | None:
        for fault in self.faults:
            if fault.times and fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                return fault.kind
        return None


def _proxy(store: ObjectStore, port: int) -> type[BaseHTTPRequestHandler]:
    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():  # headers that follow
                pass
            return found

        def _pass(self) -> None:
            fault = store._fault(self.command, self.path)
            if fault == "cut":
                if self.command == "PUT":
                    self.rfile.read(1)  # in the middle of it
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            body = self._body()
            if isinstance(fault, int):
                self.send_response(fault)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            connection = http.client.HTTPConnection("127.0.0.1", port)
            with contextlib.closing(connection):
                kept = {k: v for k, v in self.headers.items() if k.lower() not in _HOPS}
                kept["Content-Length"] = str(len(body))
                connection.request(self.command, self.path, body, kept)
                answer = connection.getresponse()
                found = answer.read()
            if fault == "altered":
                found = bytes([found[0] ^ 1]) + found[1:]
            store.before(self.path)
            store.requests.append(Request(self.command, self.path, len(found)))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOPS:
                    self.send_header(name, value)
            size = answer.getheader("Content-Length") if self.command == "HEAD" else len(found)
            self.send_header("Content-Length", str(size or 0))
            self.end_headers()
            for begin in range(0, len(found), _PIECE):
                piece = found[begin : begin + _PIECE]
                with store._line:
                    time.sleep(len(piece) / store.bytes_a_second)
                self.wfile.write(piece)
            store.sent.append((self.path, time.monotonic()))

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass  # noqa: N815

    return Proxy


@contextlib.contextmanager
def running() -> Iterator[ObjectStore]:
    """Start the store, with the bucket ``town``, and the proxy; both end with the block."""
    at = program()
    assert at is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        [at, "-H", "127.0.0.1", "-p", str(port)], stdout=quiet, stderr=quiet,
        env={**os.environ, **ENVIRONMENT, "PYTHONPATH": ""},
    )  # fmt: skip
    try:
        _make_bucket(server, port)
        store = ObjectStore("")
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), _proxy(store, port))
        proxy.daemon_threads = True
        store.endpoint = f"http://127.0.0.1:{proxy.server_address[1]}"
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield store
        proxy.shutdown()
        proxy.server_close()
    finally:
        server.terminate()
        server.wait(20)


def _make_bucket(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("PUT", "/town", headers={"Host": "127.0.0.1"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("the object store of the tests did not start")

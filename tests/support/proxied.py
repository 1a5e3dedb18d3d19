"""A proxy that signs people in, as far as the server behind it can tell."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPConnection

SECRET = "shared-between-proxy-and-server"
BASE = "/city/sightline/"
HOST = "sightline.example.org"
NAVIGATES = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}


class Proxy:
    """What stands in front of a server: sends what it is told to, header by header."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect

    def send(
        self, path: str, *headers: tuple[str, str], method: str = "GET", host: str = HOST
    ) -> tuple[int, dict[str, str], str]:
        """One request; the status, the headers and the body of its answer."""
        connection = HTTPConnection("unused", timeout=120)
        connection.sock = self._connect()
        connection.putrequest(method, path, skip_host=True)
        for name, value in (("Host", host), *headers):
            connection.putheader(name, value.encode())
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        connection.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body

    def browse(self, account: str) -> dict[str, str]:
        """Open the front page as *account*; the cookie that the browser is given."""
        status, headers, _ = self.send(BASE, ("X-Remote-User", account), *NAVIGATES.items())
        assert (status, headers["location"]) == (302, BASE)
        return {"Cookie": headers["set-cookie"].split(";")[0]}


def anna(*headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Headers of a request that the proxy passes on for anna."""
    return (("X-Remote-User", "anna"), *headers)

"""Requests to a server: its address, a credential, and nothing that the environment says."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from workbench.client.credentials import Credential
from workbench.client.documents import MOST_BYTES, error_from
from workbench.errors import NotPermitted, ServerError, SettingsError

ARROW = "application/vnd.apache.arrow.stream"
LONGEST_WAIT = 120.0
"""Seconds that a request waits in all for a server that has too much to do."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SECONDS = 600.0


@dataclass(frozen=True)
class Server:
    """A server and whose requests go there.

    Parameters
    ----------
    address : str
        Where the pages are: ``https://sightline.example/`` or with a path.
    credential : Credential
        Token or name and password.
    ca_file : Path, optional
        Certificates to trust, in PEM; by default those of this machine.
    proxy : str, optional
        ``host:port`` of a proxy that passes connections on (CONNECT). No variable names one.

    Raises
    ------
    SettingsError
        If the address is none, or it would send the credential over the network in plain text.
    """

    address: str
    credential: Credential
    ca_file: Path | None = None
    proxy: str | None = None

    def __post_init__(self) -> None:
        found = urlsplit(self.address)
        if found.scheme not in {"http", "https"} or not found.hostname or found.username:
            raise SettingsError(
                "is not the address of a server",
                where=self.address.partition("?")[0][:100],
                fix="Write it like https://sightline.example/",
            )
        if found.scheme == "http" and found.hostname not in _LOOPBACK:
            raise SettingsError(
                f"the {self.credential.kind} would cross the network in plain text",
                where=self.address.partition("?")[0][:100],
                fix="Use an address that begins with https://",
            )
        # Without what follows the path, where a token may stand, as in the address of a page.
        path = found.path.rstrip("/") + "/"
        object.__setattr__(self, "address", f"{found.scheme}://{found.netloc}{path}")

    @property
    def authorization(self) -> dict[str, str]:
        """Header that says who asks."""
        return {"Authorization": self.credential.authorization}

    def tls(self) -> ssl.SSLContext | None:
        """Rules for TLS, which are never loosened; None for plain HTTP on this machine."""
        if not self.address.startswith("https:"):
            return None
        return ssl.create_default_context(cafile=self.ca_file and str(self.ca_file))

    def get(self, path: str, **query: str) -> Any:
        """Return the JSON that is found at a path of the API."""
        return json.loads(self.ask("GET", path, query=query)[0])

    def send(self, method: str, path: str, document: Mapping[str, Any]) -> Any:
        """Send JSON to a path of the API; return the JSON that is answered."""
        body = json.dumps(document).encode()
        return json.loads(self.ask(method, path, body=body, kind="application/json")[0])

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        kind: str = "",
        accept: str = "application/json",
        api: bool = True,
    ) -> tuple[bytes, Mapping[str, str]]:
        """Make one request, and return the body and the headers of its answer.

        Redirections are not followed: the credential is for this server alone. If the server has
        too much to do for this person (429), the request waits as long as it says, longer each
        time, and is sent again; after two minutes the error is raised. With *api* false the path
        is one of the pages'.

        Raises
        ------
        SightlineError
            The error that the server answers, of the kind that it is there.
        ServerError
            If it cannot be reached, is not a Sightline server, or has too much to do for longer
            than that, or the request is too large.
        """
        if len(body or b"") > MOST_BYTES:  # a server would cut the connection off in the middle
            raise ServerError(
                f"is larger than {MOST_BYTES // 2**20} MB",
                where="request",
                fix="Send fewer or smaller photographs",
            )
        headers = {"Accept": accept, **self.authorization}
        if kind:
            headers["Content-Type"] = kind
        found = urlsplit(self.address)
        target = f"{found.path}{'api/v1/' if api else ''}{path}"
        if query:
            target += f"?{urlencode(query)}"
        left, least = LONGEST_WAIT, 1.0
        while True:
            answer, content = self._once(method, target, body, headers)
            pause = _pause(answer) if api else None
            if pause is None or pause > left or not left:
                break
            pause = min(max(pause, least), left)
            left, least = left - pause, 2 * least
            time.sleep(pause)
        if answer.status >= 300:
            raise self._error(answer, content)
        return content, dict(answer.headers.items())

    def _once(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        connection = self._connection()
        try:
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        except ssl.SSLError as error:
            raise ServerError(
                f"its certificate is not trusted ({error.reason or error})",
                where=self.address,
                fix="Name the office's certificates with ca_file; they are never left unchecked",
            ) from None
        except (OSError, HTTPException) as error:
            raise ServerError(
                f"cannot be reached ({error.__class__.__name__}: {error})",
                where=self.address,
                fix="Check the address, and that the server runs",
            ) from None
        finally:
            connection.close()
        return answer, content

    def _connection(self) -> HTTPConnection:
        found, context = urlsplit(self.address), self.tls()
        host, port = self.proxy.rsplit(":", 1) if self.proxy else (found.hostname, found.port)
        assert host is not None
        number = None if port is None else int(port)
        made = (
            HTTPConnection(host, number, timeout=_SECONDS)
            if context is None
            else HTTPSConnection(host, number, timeout=_SECONDS, context=context)
        )
        if self.proxy:
            assert found.hostname is not None
            made.set_tunnel(found.hostname, found.port or (443 if context else 80))
        return made

    def _error(self, answer: HTTPResponse, content: bytes) -> Exception:
        if answer.headers.get_content_type() == "application/json":
            try:
                return error_from(json.loads(content))
            except (ValueError, AttributeError, TypeError):
                pass
        if answer.status in (401, 403):
            kind = self.credential.kind
            return NotPermitted(
                f"this {kind} is not known there, or does not open Sightline",
                where=self.address,
                fix=_FIX[kind],
            )
        if answer.status == 413:
            return ServerError(
                "is too large for what stands before the server",
                where="request",
                fix=f"Send fewer photographs; the server itself takes {MOST_BYTES // 2**20} MB",
            )
        if 300 <= answer.status < 400:
            return ServerError(
                f"sends the program elsewhere, to {_origin(answer.headers.get('Location', ''))}",
                where=self.address,
                fix="Check the address; if people sign in there, ask its administrator for a way "
                "in for programs",
            )
        return ServerError(
            f"answered {answer.status} {answer.reason}, which a Sightline server does not",
            where=self.address,
            fix="Check the address",
        )


_FIX = {
    "token": "Have a token made for yourself, on a hub one with the scope of this service; where a "
    "proxy asks for a password, give user and password instead",
    "password": "Check both, as you sign in with them in a browser; where a hub or the server "
    "itself signs in, give a token instead",
}


def _pause(answer: HTTPResponse) -> float | None:
    """Return after how many seconds to ask again, if it has too much to do."""
    after = answer.headers.get("Retry-After", "")
    if answer.status != 429 or not (after.isascii() and after.isdecimal()):
        return None
    return float(after)


def _origin(location: str) -> str:
    """Say where an address leads, without what follows the host, where a secret may stand."""
    found = urlsplit(location)
    return f"{found.scheme}://{found.hostname}" if found.hostname else "another page"

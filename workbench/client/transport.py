"""Requests to a server: its address, a token, and nothing that the environment says."""

from __future__ import annotations

import json
import os
import ssl
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from workbench.client.documents import MOST_BYTES, error_from
from workbench.errors import NotPermitted, ServerError, SettingsError

ARROW = "application/vnd.apache.arrow.stream"
HUB_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SECONDS = 600.0


def find_token(token: str | None, file: Path | str | None) -> str:
    """Return the token: the one given, that of a file, or the one that a hub gave this server.

    Raises
    ------
    SettingsError
        If there is none, both are given, or the file cannot be read or others may read it.
    """
    if token is not None and file is not None:
        raise SettingsError(
            "a token and a file with one are given", where="token", fix="Give one of the two"
        )
    found = token if file is None else _from_file(Path(file))
    if found is None:
        found = os.environ.get(HUB_TOKEN, "")
    if not found:
        raise SettingsError(
            "there is none",
            where="token",
            fix="Give one, or the file that holds it; on a JupyterHub, your server has its own",
        )
    if not (found.isascii() and found.isprintable()) or " " in found:
        raise SettingsError(
            "holds a character that no token has", where="token", fix="Copy it again, alone"
        )
    return found


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsError(
                    "may be read by others than its owner",
                    where=str(path),
                    fix=f"Run `chmod 600 {path}`; better, have a new token made first",
                )
            return file.read(4096).decode("ascii", "replace").strip()
    except OSError as error:
        raise SettingsError(
            f"cannot be read ({error.strerror})", where=str(path), fix="Name the file of the token"
        ) from None


@dataclass(frozen=True)
class Server:
    """A server and whose requests go there; the token is never shown.

    Parameters
    ----------
    address : str
        Where the pages are: ``https://sightline.example/`` or with a path.
    token : str
    ca_file : Path, optional
        Certificates to trust, in PEM; by default those of this machine.
    proxy : str, optional
        ``host:port`` of a proxy that passes connections on (CONNECT). No variable names one.

    Raises
    ------
    SettingsError
        If the address is none, or it would send the token over the network in plain text.
    """

    address: str
    token: str = field(repr=False)
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
                "the token would cross the network in plain text",
                where=self.address.partition("?")[0][:100],
                fix="Use an address that begins with https://",
            )
        # Without what follows the path, where a token may stand, as in the address of a page.
        path = found.path.rstrip("/") + "/"
        object.__setattr__(self, "address", f"{found.scheme}://{found.netloc}{path}")

    @property
    def authorization(self) -> dict[str, str]:
        """Header that says who asks."""
        return {"Authorization": f"Bearer {self.token}"}

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

        Redirections are not followed: the token is for this server alone. With *api* false the path
        is one of the pages'.

        Raises
        ------
        SightlineError
            The error that the server answers, of the kind that it is there.
        ServerError
            If it cannot be reached or is not a Sightline server, or the request is too large.
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
        if answer.status >= 300:
            raise self._error(answer, content)
        return content, dict(answer.headers.items())

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
            except (ValueError, AttributeError):
                pass
        if answer.status in (401, 403):
            return NotPermitted(
                "the server does not know this token, or it does not open Sightline",
                where=self.address,
                fix="Have a token made for yourself; on a hub, one with the scope of this service",
            )
        return ServerError(
            f"answered {answer.status} {answer.reason}, which a Sightline server does not",
            where=self.address,
            fix="Check the address",
        )

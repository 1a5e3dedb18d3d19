"""A proxy names the person; nobody else can."""

from __future__ import annotations

import html
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.errors import SettingsError
from workbench.server.application import serve
from workbench.server.proxy import ProxySignIn
from workbench.server.secret import read_secret

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


@pytest.fixture(scope="module")
def gate(start_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server behind a proxy that is known as the account of the tests, on a Unix socket."""
    path = tmp_path_factory.mktemp("gate") / "s"
    server = start_server(
        socket_path=str(path), address=f"https://{HOST}{BASE}",
        proxy={"account": str(os.getuid()), "signed_out": f"https://{HOST}/oauth2/sign_out"},
    )  # fmt: skip

    def connect() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(path))
        return line

    return server, Proxy(connect), path


def anna(*headers: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return (("X-Remote-User", "anna"), *headers)


def test_a_page_works_for_the_person_that_the_proxy_names(gate: Any) -> None:
    server, proxy, _ = gate
    told = {}
    for name in ("anna", "Zoë"):
        status, _, body = proxy.send(f"{BASE}voila/render/asked.ipynb", ("X-Remote-User", name))
        assert status == 200
        told[name] = html.unescape(body)
        assert f"told: {name} by proxy | 1" in told[name]
    kernel = re.search(r'"kernelId": "([\w-]+)"', told["anna"])
    assert kernel is not None
    # Others are told that there is none: neither its state, nor its socket, nor its end.
    for path, method in (
        (f"api/kernels/{kernel[1]}", "GET"),
        (f"api/kernels/{kernel[1]}/channels", "GET"),
        (f"voila/api/shutdown/{kernel[1]}", "POST"),
    ):
        assert proxy.send(BASE + path, ("X-Remote-User", "ben"), method=method)[0] == 404
    assert proxy.send(f"{BASE}api/kernels/{kernel[1]}", *anna())[0] == 200
    assert len(server.kernels()) == 2


def test_every_link_and_file_lies_below_the_path(gate: Any) -> None:
    _, proxy, _ = gate
    for page in ("", "voila/render/panel.ipynb", "no/such/page"):
        _, headers, body = proxy.send(BASE + page, *anna())
        named = re.findall(r'(?:href|src|data-address|data-base-url|content)="(/[^"]*)"', body)
        assert named
        assert [path for path in named if not path.startswith(BASE)] == []
        assert "default-src 'self'" in headers["content-security-policy"]
        for path in named:
            if "/static/" in path or path.endswith("/frame"):
                status, headers, _ = proxy.send(path, *anna())
                assert status == 200
                assert ("sandbox" in headers["content-security-policy"]) == path.endswith("/frame")
    assert proxy.send("/city/sightline", *anna())[1]["location"] == BASE
    assert proxy.send("/city/", *anna())[0] == 404
    assert proxy.send("/", *anna())[0] == 404


def test_a_name_that_is_doubled_spelt_otherwise_or_none_is_refused(gate: Any) -> None:
    _, proxy, _ = gate
    for headers, status in (
        ((), 401),
        (anna(("X-Remote-User", "ben")), 403),
        (anna(("X_Remote_User", "ben")), 403),
        (anna(("x-remote_user", "ben")), 403),
        ((("X_Remote_User", "ben"),), 403),
        ((("X-Remote-User", "anna, ben"),), 403),
        ((("X-Remote-User", "anna\u202e"),), 403),
        ((("X-Remote-User", ""),), 403),
    ):
        assert proxy.send(BASE, *headers)[0] == status, headers


def test_the_session_is_the_browsers_and_ends_with_the_persons_word(gate: Any) -> None:
    server, proxy, _ = gate
    cookie = proxy.browse("anna")
    assert cookie["Cookie"].startswith("__Secure-sightline=")
    page = f"{BASE}voila/render/panel.ipynb"
    before = len(server.kernels())
    assert proxy.send(page, *anna(*cookie.items()))[0] == 200
    # A cookie of anna's is of no use to ben, whom the proxy names.
    assert proxy.send(BASE, ("X-Remote-User", "ben"), *cookie.items(), *NAVIGATES.items())[0] == 302
    assert len(server.kernels()) == before  # and her session has ended with it

    cookie = proxy.browse("anna")
    proxy.send(page, *anna(*cookie.items()))
    assert len(server.kernels()) == before + 1
    status, headers, body = proxy.send(
        f"{BASE}sign-out", *anna(*cookie.items()), ("Origin", f"https://{HOST}"), method="POST"
    )
    assert (status, body) == (200, f'{{"next": "https://{HOST}/oauth2/sign_out"}}')
    assert 'sightline=""' in headers["set-cookie"]
    assert len(server.kernels()) == before
    status, _, body = proxy.send(BASE, *anna(*cookie.items()), *NAVIGATES.items())
    assert (status, "You have signed out." in body) == (401, True)


def test_the_cookie_is_for_tls_and_this_place_alone(gate: Any) -> None:
    _, proxy, _ = gate
    _, headers, _ = proxy.send(BASE, *anna(), *NAVIGATES.items())
    parts = {part.strip() for part in headers["set-cookie"].split(";")[1:]}
    assert parts == {"Secure", "HttpOnly", "SameSite=Lax", f"Path={BASE}"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_at_the_socket_is_not_the_proxy(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "s"
    start_server(socket_path=str(path), address=f"https://{HOST}/", proxy={"account": "65534"})
    path.chmod(0o666)  # as if its group were everybody
    for folder in path.parents[:-2]:
        folder.chmod(folder.stat().st_mode | 0o011)
    line = f"GET / HTTP/1.1\\r\\nHost: {HOST}\\r\\nX-Remote-User: anna\\r\\n\\r\\n"
    asks = f"""import os, socket
os.setuid(ACCOUNT)
line = socket.socket(socket.AF_UNIX)
line.connect({str(path)!r})
line.sendall(b"{line}")
print(line.makefile().readline())"""
    for account, status in (("0", " 403 "), ("65533", " 403 "), ("65534", " 200 ")):
        run = [sys.executable, "-c", asks.replace("ACCOUNT", account)]
        answer = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        assert status in answer


def test_on_loopback_the_header_needs_the_secret(start_server: Callable[..., Any]) -> None:
    server = start_server(
        address=f"https://{HOST}/", proxy={"secret": SECRET, "header": "Remote-User"}
    )
    port = _port_of(server.process.pid)
    proxy = Proxy(lambda: socket.create_connection(("127.0.0.1", port)))
    named = ("Remote-User", "anna")
    right = ("X-Sightline-Proxy", SECRET)
    assert proxy.send("/", named, right)[0] == 200
    for secret in ((), (("X-Sightline-Proxy", "guess"),), (right, right)):
        assert proxy.send("/", named, *secret)[0] == 403
    assert proxy.send("/", named, right, host="elsewhere.example")[0] == 400
    assert proxy.send("/", named, right, host=f"127.0.0.1:{port}")[0] == 400
    _, headers, _ = proxy.send("/", named, right, *NAVIGATES.items())
    assert headers["set-cookie"].startswith("__Host-sightline=")


def test_what_cannot_be_safe_is_not_served(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery.duckdb"
    gallery.touch()
    secret = ProxySignIn(secret=SECRET)
    for given, what in (
        ({"host": "0.0.0.0"}, "plain HTTP would leave this machine"),
        ({"address": "http://sightline.example.org/"}, "plain HTTP would leave"),
        ({"address": "http://a.example/", "sign_in": secret, "insecure": True}, "neither https"),
        ({"address": "https://a.example/", "sign_in": secret, "host": "0.0.0.0",
          "insecure": True}, "others than the proxy"),
        ({"sign_in": secret, "socket_path": tmp_path / "s", "address": "https://a.example/"},
         "a secret is for loopback"),
        ({"socket_path": tmp_path / "s"}, "is needed for a server on a Unix socket"),
        ({"address": "sightline.example.org"}, "is not an address that pages can have"),
        ({"address": "https://a.example/../b/"}, "is not an address that pages can have"),
        ({"address": "https://a.example:port/"}, "is not an address that pages can have"),
    ):  # fmt: skip
        with pytest.raises(SettingsError, match=what):
            serve(gallery=gallery, home=tmp_path, ready=pytest.fail, **given)
    for wrong in ({}, {"account": "www-data", "secret": SECRET}):
        with pytest.raises(SettingsError, match="said in one way"):
            ProxySignIn(**wrong)
    with pytest.raises(SettingsError, match="no such account"):
        ProxySignIn(account="nobody-of-that-name")


def test_a_secret_lies_in_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="may be read by others"):
        read_secret(path, option="--proxy-secret")
    path.chmod(0o600)
    assert read_secret(path, option="--proxy-secret") == SECRET
    path.write_text("short")
    with pytest.raises(SettingsError, match="at least 16 characters"):
        read_secret(path, option="--proxy-secret")
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_secret(link, option="--proxy-secret")


def _port_of(pid: int) -> int:
    lines = psutil.Process(pid).net_connections()
    return next(line.laddr.port for line in lines if line.status == psutil.CONN_LISTEN)

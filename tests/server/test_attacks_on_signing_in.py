"""Being taken for somebody who has signed in, by a real server."""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from looping import run_apart
from proxied import BASE, HOST, NAVIGATES, SECRET, Proxy, anna

from workbench.casework.record.identity import SERVED, identity_of_user, sockets_in
from workbench.errors import NotPermitted, SettingsError
from workbench.server.address import Address
from workbench.server.application import serve
from workbench.server.hub import HubSignIn
from workbench.server.listening import hide_memory
from workbench.server.proxy import ProxySignIn
from workbench.server.sessions import Session, Sessions, now


def test_a_process_that_is_no_kernel_is_nobody(
    served: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell of the server's own account included, whatever its environment says."""
    monkeypatch.setenv(SERVED, "1")
    assert served.kernels() is not None
    with pytest.raises(NotPermitted, match="no one has signed in"):
        identity_of_user(home / "casework")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_cannot_ask(served: Any, home: Path) -> None:
    assert served.process.poll() is None
    (name, *_) = sockets_in(home / "casework")
    path = str(home / "casework/run" / name)
    asks = f"import os, socket; os.setuid(65534); socket.socket(socket.AF_UNIX).connect({path!r})"
    asked = subprocess.run(
        [sys.executable, "-c", asks], capture_output=True, text=True, check=False
    )
    assert "PermissionError" in asked.stderr


def test_a_kernel_may_not_list_or_end_sessions(served: Any) -> None:
    _, page = served.ask("/voila/render/meddler.ipynb")
    assert "the server does not answer this process" in page


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_the_cookie_is_of_no_use_to_another_account(served: Any) -> None:
    """A browser sends it to every port of the host: whoever listens there may try it here."""
    cookie = served.sign_in()
    place = urlsplit(served.address)
    asks = f"""import encodings.idna, http.client, os, sys
os.setuid(int(sys.argv[1]))
line = http.client.HTTPConnection({place.hostname!r}, {place.port})
for _ in range(2):  # the server remembers who is at the other end of a connection
    line.request("GET", "/", headers={{"Cookie": {cookie!r}}})
    answer = line.getresponse()
    answer.read()
    print(answer.status)"""
    for account, status in (("0", "200"), ("65534", "401")):
        run = [sys.executable, "-c", asks, account]
        answer = subprocess.run(run, capture_output=True, text=True, check=True).stdout
        assert answer == f"{status}\n" * 2


def test_the_cookie_is_of_no_use_at_another_port(
    served: Any, start_server: Callable[..., Any]
) -> None:
    other = start_server(pages=False)
    name, value = served.sign_in().split("=", 1)
    theirs = f"sightline-{urlsplit(other.address).port}"
    for cookie in (f"{name}={value}", f"{theirs}={value}"):
        assert other.ask("/", known=False, Cookie=cookie)[0].status == 401


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Host: a:b", 400),
        ("Host: [::1", 400),
        ("Host: ", 400),
        ("Host: elsewhere.example", 400),
        ("Host: HERE\r\nHost: HERE", 400),
        # Where a tunnel to a desk begins, the port is another one, and the names are the desk's.
        ("Host: 127.0.0.1:1", 401),
        ("Host: localhost:9000\r\nOrigin: http://localhost:9000", 401),
        ("Host: localhost:9000\r\nOrigin: http://HERE", 403),
        ("Host: localhost:9000\r\nOrigin: http://localhost:9001", 403),
        ("Host: elsewhere.example:9000", 400),
        ("Host: HERE\r\nOrigin: http://[", 400),
        ("Host: HERE\r\nOrigin: a:b", 400),
        ("Host: HERE\r\nOrigin: http://HERE:x", 400),
        ("Host: HERE\r\nOrigin: https://HERE", 403),
        ("Host: HERE\r\nOrigin: http://HERE\r\nOrigin: http://elsewhere.example", 403),
        ("Host: localhost:PORT\r\nOrigin: http://HERE", 403),
        ("Host: localhost:PORT\r\nOrigin: http://localhost:PORT", 401),
        ("Host: HERE\r\nOrigin: http://HERE", 401),
    ],
)
def test_a_host_or_origin_that_is_not_ours_is_refused_without_a_traceback(
    served: Any, line: str, status: int
) -> None:
    place = urlsplit(served.address)
    line = line.replace("HERE", place.netloc).replace("PORT", str(place.port))
    before = len(served.log.read_text())  # of other tests
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\n{line}\r\nConnection: close\r\n\r\n".encode())
        answer = connection.makefile("rb").readline().decode()
    assert re.match(rf"HTTP/1.1 {status} ", answer)
    assert "Traceback" not in served.log.read_text()[before:]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_other_processes_of_the_account_do_not_read_the_servers_environment() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # the server: an account without rights
        os.setuid(65534)
        hide_memory()
        other = os.fork()
        if other == 0:  # a kernel of the same account
            try:
                with open(f"/proc/{os.getppid()}/environ", "rb") as file:  # noqa: PTH123
                    os.write(writer, b"read" if file.read() else b"empty")
            except PermissionError:
                os.write(writer, b"refused")
            os._exit(0)
        os.waitpid(other, 0)
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 10) == b"refused"


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


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_at_the_socket_is_not_the_proxy(
    start_server: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "s"
    start_server(
        socket_path=str(path), address=f"https://{HOST}/", proxy={"account": "65534"}, pages=False
    )
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
        address=f"https://{HOST}/", proxy={"secret": SECRET, "header": "Remote-User"}, pages=False
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


def _port_of(pid: int) -> int:
    lines = psutil.Process(pid).net_connections()
    return next(line.laddr.port for line in lines if line.status == psutil.CONN_LISTEN)


def test_the_host_name_of_a_hub_with_servers_is_refused() -> None:
    """A page of a person's own server there would be of one origin, or see the cookie."""
    given = {"api": "http://127.0.0.1:8081/hub/api", "token": SECRET, "service": "sightline"}
    hub = "https://hub.example.org/hub/"
    for public, address, refused in (
        ("", "https://hub.example.org/services/sightline/", True),
        (hub, "https://hub.example.org/services/sightline/", True),
        (hub, "https://hub.example.org:8443/", True),  # cookies know no ports
        (hub, "https://HUB.example.org/", True),
        (hub, "https://sightline.example.org/", False),
        (hub, "https://sightline.hub.example.org/", False),  # with the hub's subdomain_host
    ):
        told = {"JUPYTERHUB_PUBLIC_HUB_URL": public}
        settings = HubSignIn.read(dict(told), given=given)
        if refused:
            with pytest.raises(SettingsError, match="is also the host name of the hub"):
                settings.check(Address.parse(address))
            settings = HubSignIn.read(dict(told), given=given, without_servers=True)
        settings.check(Address.parse(address))


def test_another_persons_page_is_not_reached(gate: Any) -> None:
    """To others there is none: neither its kernel's state, nor its socket, nor its end."""
    _, proxy, _ = gate
    _, _, page = proxy.send(f"{BASE}voila/render/panel.ipynb", *anna())
    kernel = re.search(r'"kernelId": "([\w-]+)"', page)
    assert kernel is not None
    for path, method in (
        (f"api/kernels/{kernel[1]}", "GET"),
        (f"api/kernels/{kernel[1]}/channels", "GET"),
        (f"voila/api/shutdown/{kernel[1]}", "POST"),
    ):
        assert proxy.send(BASE + path, ("X-Remote-User", "ben"), method=method)[0] == 404
    assert proxy.send(f"{BASE}api/kernels/{kernel[1]}", *anna())[0] == 200


def test_a_person_called_as_the_account_of_the_server(gate: Any) -> None:
    """The account has the role of an administrator in the shell, and no page gives it."""
    _, proxy, _ = gate
    name = pwd.getpwuid(os.getuid()).pw_name
    status, _, body = proxy.send(f"{BASE}voila/render/panel.ipynb", ("X-Remote-User", name))
    assert status == 403
    assert "a name of your own" in body


@pytest.mark.parametrize("path", ["//elsewhere.example/", "/\\elsewhere.example/"])
def test_a_path_that_names_another_host(served: Any, path: str) -> None:
    """Whoever signs in is sent back to where they wanted to go, which must be here."""
    place = urlsplit(served.address)
    with socket.create_connection((place.hostname, place.port), timeout=30) as line:
        asked = f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nSec-Fetch-Mode: navigate\r\n\r\n"
        line.sendall(asked.encode())
        assert line.recv(99).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("length", "status"), [("\u00b2", 400), ("9" * 5000, 413), ("-1", 400)])
def test_a_length_that_is_no_number_is_refused_without_a_traceback(
    served: Any, length: str, status: int
) -> None:
    place = urlsplit(served.address)
    before = len(served.log.read_text())  # of other tests
    with socket.create_connection((place.hostname, place.port), timeout=30) as line:
        asked = (
            f"POST /api/v1/searches HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Authorization: token {served.token}\r\nContent-Length: {length}\r\n\r\n"
        )
        line.sendall(asked.encode("latin-1"))
        assert line.makefile("rb").readline().split()[1] == str(status).encode()
    assert "Traceback" not in served.log.read_text()[before:]


def test_sessions_are_so_many_and_the_one_unused_longest_ends() -> None:
    async def look() -> None:
        sessions = Sessions(most=5, most_of_account=3)
        ended: list[str] = []

        async def note(session: Session) -> None:
            ended.append(session.id)

        sessions.at_end(note)

        async def begin(name: str, *, unused_for: int) -> str:
            used = now() - timedelta(minutes=unused_for)
            secret = sessions.begin(Session(name, "hub", f"{name}-{unused_for}", used=used))
            await sessions.make_room(name)
            return secret

        for minutes in (5, 9, 7):
            first = await begin("anna", unused_for=minutes)
        assert ended == []
        await begin("anna", unused_for=0)
        assert ended == ["anna-9"]
        assert sessions.why_ended(first) == ""
        await begin("ben", unused_for=8)
        await begin("cleo", unused_for=6)
        await begin("cleo", unused_for=1)  # six in all
        assert ended == ["anna-9", "ben-8"]
        assert await sessions.find(first) is not None
        await begin("anna", unused_for=2)
        assert ended == ["anna-9", "ben-8", "anna-5"]

    run_apart(look())

"""A proxy names the person; nobody else can."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import psutil
import pytest
from proxied import BASE, HOST, NAVIGATES, SECRET, anna

from workbench.errors import SettingsError
from workbench.server.secret import read_secret


def test_a_page_works_for_the_person_that_the_proxy_names(gate: Any) -> None:
    server, proxy, _ = gate
    told = {}
    for name in ("anna", "Zoë"):
        status, _, body = proxy.send(f"{BASE}voila/render/asked.ipynb", ("X-Remote-User", name))
        assert status == 200
        told[name] = html.unescape(body)
        assert f"told: {name} by proxy | 1" in told[name]
    assert len(server.kernels()) >= 2


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


def test_the_session_is_the_browsers_and_ends_with_the_persons_word(gate: Any) -> None:
    server, proxy, _ = gate
    cookie = proxy.browse("anna")
    assert cookie["Cookie"].startswith("__Secure-sightline=")
    page = f"{BASE}voila/render/panel.ipynb"
    before = set(server.kernels())
    assert proxy.send(page, *anna(*cookie.items()))[0] == 200
    (kernel,) = set(server.kernels()) - before
    # A cookie of anna's is of no use to ben, whom the proxy names.
    assert proxy.send(BASE, ("X-Remote-User", "ben"), *cookie.items(), *NAVIGATES.items())[0] == 302
    # And her session has ended with it.
    assert psutil.wait_procs([kernel], timeout=240)[1] == []

    cookie, before = proxy.browse("anna"), set(server.kernels())
    proxy.send(page, *anna(*cookie.items()))
    (kernel,) = set(server.kernels()) - before
    status, headers, body = proxy.send(
        f"{BASE}sign-out", *anna(*cookie.items()), ("Origin", f"https://{HOST}"), method="POST"
    )
    assert (status, body) == (200, f'{{"next": "https://{HOST}/oauth2/sign_out"}}')
    assert 'sightline=""' in headers["set-cookie"]
    assert psutil.wait_procs([kernel], timeout=240)[1] == []
    status, _, body = proxy.send(BASE, *anna(*cookie.items()), *NAVIGATES.items())
    assert (status, "You have signed out." in body) == (401, True)


def test_the_cookie_is_for_tls_and_this_place_alone(gate: Any) -> None:
    _, proxy, _ = gate
    _, headers, _ = proxy.send(BASE, *anna(), *NAVIGATES.items())
    parts = {part.strip() for part in headers["set-cookie"].split(";")[1:]}
    assert parts == {"Secure", "HttpOnly", "SameSite=Lax", f"Path={BASE}"}


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

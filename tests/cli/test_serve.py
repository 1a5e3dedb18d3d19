"""Options of ``sightline serve`` that are not safe, or do not fit each other, are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from former import unpacked

from workbench.cli.main import main
from workbench.server import application


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--proxy-account www-data", "belongs to --sign-in proxy"),
        ("--hub-without-servers", "belongs to --sign-in hub"),
        ("--sign-in hub --signed-out https://a.example/", "belongs to --sign-in proxy"),
        ("--socket s --port 9999", "on a socket or at a host and port"),
        ("--host 0.0.0.0", "plain HTTP would leave this machine"),
        ("--sign-in proxy --address https://a.example/", "must be said in one way"),
        ("--sign-in proxy --proxy-secret none", "cannot be read"),
        ("--sign-in hub", "neither the hub nor an option says where people open the pages"),
        ("--sign-in hub --address https://a.example/", "JUPYTERHUB_API_URL is not set"),
        ("--sign-in hub --address https://a.example/ --hub-token none", "cannot be read"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    options: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "town.duckdb").touch()
    assert main(["serve", "--gallery", "town.duckdb", *options.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_service_that_the_hub_starts_needs_its_address_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "town.duckdb").touch()
    for name, value in {
        "API_URL": "http://127.0.0.1:8081/hub/api", "API_TOKEN": "a-token-of-the-service",
        "SERVICE_NAME": "sightline", "BASE_URL": "/", "HOST": "",
        "SERVICE_URL": "http://127.0.0.1:10101",
        "PUBLIC_URL": "https://hub.example.org/services/sightline/",
        "PUBLIC_HUB_URL": "https://hub.example.org/hub/",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
    assert main(["serve", "--gallery", "town.duckdb", "--sign-in", "hub"]) == 2
    said = capsys.readouterr().err
    assert "--address https://hub.example.org/services/sightline/" in said
    assert "is also the host name of the hub" in said


def test_a_gallery_that_no_page_could_open_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the server listens")

    monkeypatch.setattr(application, "listen", never)
    old, other = unpacked(3, tmp_path), tmp_path / "none.duckdb"
    other.write_bytes(b"no gallery")
    assert main(["serve", "--gallery", str(old)]) == 2
    assert f"sightline gallery upgrade {old}" in capsys.readouterr().err
    assert main(["serve", "--gallery", str(other)]) == 2
    assert f"{other}: " in capsys.readouterr().err

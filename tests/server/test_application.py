"""What the server refuses to start with."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.casework.record.people import Person, Role
from workbench.dashboards import find_dashboards, packaged_dashboards
from workbench.errors import GalleryError, SettingsError
from workbench.server.application import serve
from workbench.server.kernels import kernel_environment
from workbench.server.lab import lab as serve_lab
from workbench.server.policy import Policy, tile_source
from workbench.server.scratch import check_room, scratch_folder


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    """Arguments of ``serve`` that would do, were one of them not spoiled by the test."""
    gallery = tmp_path / "gallery.duckdb"
    gallery.touch()
    return {
        "gallery": gallery,
        "home": tmp_path,
        "dashboards": tmp_path,
        "port": 0,
        "ready": pytest.fail,
    }


def test_a_gallery_must_exist(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"none\.duckdb: there is no gallery here"):
        serve(**given | {"gallery": tmp_path / "none.duckdb"})


def test_the_folder_of_dashboards_must_exist(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such folder of dashboards"):
        serve(**given | {"dashboards": tmp_path / "none"})


@pytest.mark.parametrize("token", ["", "short", "fifteen-letters"])
def test_a_token_must_be_hard_to_guess(given: dict[str, Any], token: str) -> None:
    with pytest.raises(SettingsError, match="can be guessed"):
        serve(**given | {"token": token})


def test_a_taken_port_is_said_and_not_replaced(given: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port}: is in use by another program"):
            serve(**given | {"port": port})


def test_a_host_must_be_of_this_machine(given: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="cannot listen on this address"):
        serve(
            **given | {"host": "192.0.2.1", "insecure": True}
        )  # an address kept for documentation


def test_dashboards_are_listed_in_their_order(tmp_path: Path) -> None:
    for name, about in (("zebra", {"order": 1, "title": "First"}), ("a_second", {})):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"metadata": {"sightline": about}}))
    assert [found.title for found in find_dashboards(tmp_path)] == ["First", "A second"]


@pytest.mark.parametrize(
    ("roles", "titles"),
    [
        (["analyst"], "Cases Investigate Footage Review Sightings Thresholds"),
        (["reviewer"], "Cases Investigate Footage Review Sightings Thresholds"),
        (["auditor"], "Cases Footage Audit Thresholds"),
        (["administrator"], "Footage People Thresholds"),
        ([], ""),
    ],
)
def test_pages_are_offered_to_those_whom_they_are_for(roles: list[Role], titles: str) -> None:
    pages = find_dashboards(packaged_dashboards())
    person = Person("anna", "hub", 1, frozenset(roles))
    assert [page.title for page in pages if page.is_for(person)] == titles.split()
    trainee = Person("anna", "token", 1, frozenset(), in_service=False)
    # There are no roles to give before an installation is in service.
    assert [page.title for page in pages if not page.is_for(trainee)] == ["People"]


def test_a_page_is_for_actions_that_there_are(tmp_path: Path) -> None:
    about = {"metadata": {"sightline": {"actions": ["audit.raed"]}}}
    (tmp_path / "audit.ipynb").write_text(json.dumps(about))
    with pytest.raises(SettingsError, match=r"audit\.ipynb: is for actions .* audit\.raed"):
        find_dashboards(tmp_path)


def test_what_is_no_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn.ipynb").write_text('{"metadata": ')
    with pytest.raises(SettingsError, match=r"torn\.ipynb: is not a notebook"):
        find_dashboards(tmp_path)


def test_our_own_dashboards_are_found() -> None:
    assert "Investigate" in {found.title for found in find_dashboards(packaged_dashboards())}


def test_a_kernel_is_told_settings_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_TOKEN", "a-token-of-the-server")
    monkeypatch.setenv("SIGHTLINE_HOME", "/somewhere")
    environment = kernel_environment({"SIGHTLINE_HOME": "/elsewhere"}, scratch=tmp_path)
    assert environment["SIGHTLINE_HOME"] == "/elsewhere"
    assert "a-token-of-the-server" not in environment.values()
    assert Path(environment["IPYTHONDIR"]).parent == tmp_path


@pytest.fixture
def longest_temporary() -> Iterator[Path]:
    """A folder for temporary files, with the longest path in which kernels have their sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name, "x" * (36 - len(name) - 1))
        folder.mkdir()
        yield folder


def test_a_folder_for_temporary_files_that_is_too_long_for_sockets_is_refused_at_once(
    longest_temporary: Path, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(longest_temporary))
    assert check_room() == longest_temporary
    monkeypatch.setattr(tempfile, "tempdir", f"{longest_temporary}x")
    with pytest.raises(SettingsError, match=r"too long for the sockets of kernels.*TMPDIR"):
        serve(**given)
    del given["dashboards"]
    with pytest.raises(SettingsError, match=r"too long for the sockets of kernels.*TMPDIR"):
        serve_lab(**given)


def test_what_a_killed_server_left_goes_at_the_next_start(
    start_server: Callable[..., Any], longest_temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(longest_temporary))
    server = start_server(environment={"TMPDIR": str(longest_temporary)})
    assert server.ask("/voila/render/panel.ipynb")[0].status == 200  # its kernel has its sockets

    def there() -> set[Path]:
        return set(longest_temporary.glob("sightline-*"))

    (left,) = there()
    another = longest_temporary / "sightline-other"  # of another program
    another.mkdir()
    assert left.stat().st_mode & 0o077 == 0
    with scratch_folder() as folder:
        assert there() == {left, another, folder}  # its server lives
    started = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    server.process.wait(60)
    assert psutil.wait_procs(started, timeout=60)[1] == []  # they hold its lock, too
    assert there() == {left, another}
    with scratch_folder() as folder:
        assert there() == {another, folder}
    assert there() == {another}


def test_only_the_tile_server_that_was_set_may_be_asked() -> None:
    assert tile_source(None) == ""
    assert tile_source("https://{s}.tiles.example/{z}/{x}/{y}.png") == "https://*.tiles.example"
    policy = Policy(tile_source("http://tiles.example:8080/{z}/{x}/{y}.png")).page()
    assert "img-src 'self' data: blob: http://tiles.example:8080;" in policy
    for wrong in (
        "tiles.example/{z}",
        "file:///{z}",
        "https://a.example; script-src *",
        "https://",
    ):
        with pytest.raises(SettingsError, match="not the address of a tile server"):
            tile_source(wrong)

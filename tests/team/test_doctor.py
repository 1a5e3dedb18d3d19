"""What ``sightline doctor`` finds in an installation in service; and it writes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.cases import Case
from workbench.casework.record.identity import SOCKET
from workbench.doctor import examine, team
from workbench.errors import SightlineError
from workbench.installation import Installation


def contents(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a folder: mode, size and time of the last change."""
    found = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


def found_of(what: str) -> Any:
    settings = Installation.open().settings
    return team.looks(settings)[what]()


def test_nothing_is_written_in_a_fresh_folder_or_an_office(
    office: Any, case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = contents(office.home)
    findings = {finding.what: finding for finding in examine()}
    assert contents(office.home) == before
    assert findings["casework"].ok
    assert "model profile dlib" in findings
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    monkeypatch.chdir(fresh)
    monkeypatch.delenv("SIGHTLINE_HOME")
    assert all(finding.ok for finding in examine())
    assert list(fresh.iterdir()) == []


def test_files_that_others_may_read_are_named(office: Any, case: Case) -> None:
    (office.folder / "people.json").chmod(0o600)
    (office.folder / SOCKET).chmod(0o600)  # the tests' own
    assert "which no other account may read" in found_of("files of the service account")
    kept = next((office.folder / "subjects").rglob("*.jpg"))
    kept.chmod(0o644)
    with pytest.raises(SightlineError, match=rf"{kept.name}.*can be read by others \(0644\)"):
        found_of("files of the service account")


def test_links_that_a_backup_left_are_named(office: Any) -> None:
    assert found_of("leftovers of backups") == "none"
    (office.home / "town.duckdb.backup-a1B2c3").mkdir()
    with pytest.raises(SightlineError, match=r"town\.duckdb\.backup-a1B2c3.*links to faces"):
        found_of("leftovers of backups")


def test_a_clock_that_was_set_back_is_noticed(office: Any) -> None:
    office.register.record("note.made", {})
    office.write_at(datetime.now(UTC) + timedelta(days=2))
    with pytest.raises(SightlineError, match="is before the last entry of the record"):
        found_of("clock")


def test_a_hub_that_is_away_is_named(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_URL", "http://127.0.0.1:9/hub/api")
    with pytest.raises(SightlineError, match="cannot be asked"):
        found_of("JupyterHub")


def test_who_answers_in_place_of_the_server_is_noticed(office: Any) -> None:
    office.sit("anna")  # the socket of the tests says so to everybody
    with pytest.raises(SightlineError, match="takes this command for a person's page"):
        found_of("server")
    office.teller.says = {"account": None}
    assert found_of("server").startswith("running as process")
    # Each server has a socket of its own, as several may serve the galleries of an installation.
    path = office.folder / SOCKET
    path.rename(path.with_name("who-1a2b3c4d.sock"))
    assert found_of("server").startswith("running as process")
    office.teller.close()
    assert found_of("server") == "not running"

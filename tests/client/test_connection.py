"""Work on a team's server from Python: the door, the API and the client together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from office import Office

from workbench.client import Connection, connect
from workbench.domain import Filter, Scope
from workbench.errors import (
    CaseError,
    ImageError,
    NotPermitted,
    ServerError,
    SettingsError,
    SeveralFacesFound,
    SightlineError,
)

ASKED: dict[str, Any] = {
    "template": "missing-person", "authority": "Public prosecutor", "authorisation": "P 117/26",
    "title": "A child",
}  # fmt: skip


def test_a_team_works_over_its_server(
    anna: Connection,
    sara: Connection,
    scope: Scope,
    wanted: tuple[Path, ...],
    two_people: bytes,
    office: Office,
    team: Any,
) -> None:
    assert repr(anna).endswith("as anna (analyst)>")
    case = anna.request_case("A-1", wanted, scope, **ASKED)
    assert (case.status(), case.asked_by, case.request.title) == ("requested", "anna", "A child")
    with pytest.raises(CaseError, match="not the request that was read"):
        sara.approve("A-1", digest="0" * 64)
    assert sara.approve("A-1", digest=sara.case("A-1").digest).status() == "open"

    found = anna.search(wanted, scope, case="A-1", threshold="all", top=5)
    frame = found.frame()
    assert len(frame) == 5
    assert frame["score"].is_monotonic_decreasing
    assert str(frame["first_seen"].dt.tz) == "UTC"
    assert set(frame["camera_id"][:2]) <= {"CAM-003", "CAM-006"}
    assert len(repr(found)) < 2000
    assert "token-of" not in repr(found) + repr(anna)
    best = found.candidates[0]
    assert best.shot_jpeg == b""
    assert found.shot(best)[:2] == b"\xff\xd8"
    only = Filter(cameras=frozenset({"CAM-001"}))
    elsewhere = anna.search(wanted, scope, case="A-1", threshold="all", only=only, shots=True)
    assert {c.camera.camera_id for c in elsewhere.candidates} == {"CAM-001"}
    assert elsewhere.candidates[0].shot_jpeg[:2] == b"\xff\xd8"
    with pytest.raises(SeveralFacesFound) as caught:
        anna.search([two_people], scope, case="A-1")
    assert caught.value.count == 2
    assert anna.search([(two_people, 2)], scope, case="A-1").photograph_notes is not None
    with pytest.raises(ImageError, match="not a picture"):  # larger than pages may send
        anna.search([(b"\xff\xd8" + bytes(3 * 2**20))], scope, case="A-1")
    with pytest.raises(SightlineError, match="larger than 100 MB"):
        anna.search([bytes(90 * 2**20)], scope, case="A-1")
    with pytest.raises(ImageError, match="nowhere"):
        anna.search(["nowhere.jpg"], scope, case="A-1")

    assert anna.coverage(scope) == found.coverage
    statistics = anna.statistics()
    assert (statistics["cameras"], statistics["recordings"]) == (12, 3)
    assert len(anna.cameras()) == 12
    assert list(anna.recordings()["camera_id"]) == ["CAM-001", "CAM-003", "CAM-006"]
    assert anna.scores().empty
    assert anna.sightings("A-1") == ()
    foretold = anna.forecast(scope, photographs=3)
    assert foretold.compared == found.compared
    table = foretold.frame().set_index("threshold")
    assert table["false_candidates"].is_monotonic_decreasing
    assert {"fmr", "fnmr"} <= set(anna.calibration().columns)
    counted = ["camera_id", "scale", "quality", "score", "width", "comparisons"]
    assert list(anna.different_people()) == counted
    assert anna.review_state("A-1") == {"case": "A-1", "listed": 0, "decided": 0}

    ben = connect(team.address, token="token-of-ben")
    assert ben.cases() == ()
    with pytest.raises(SightlineError, match="not one of its members"):
        ben.search(wanted, scope, case="A-1")
    assert "ben" in anna.add_member("A-1", "ben").members
    assert ben.search(wanted, scope, case="A-1").case == "A-1"
    assert "ben" not in anna.remove_member("A-1", "ben").members
    assert ben.cases() == ()
    assert anna.close("A-1", reason="found").status() == "closed"
    by = {(entry.what, entry.account) for entry in office.events()}
    assert {("search.asked", "anna"), ("search.asked", "ben"), ("case.approved", "sara")} <= by


def test_the_api_comes_back_when_its_process_was_killed(team: Any, anna: Connection) -> None:
    os.kill(team.process.pid, signal.SIGKILL)
    with contextlib.suppress(ServerError):  # one request may meet the end of the process
        anna.statistics()
    assert anna.statistics()["recordings"] == 3


def test_a_token_goes_only_where_it_belongs(
    team: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotPermitted, match="no one has signed in with this token"):
        connect(team.address, token="another")
    with pytest.raises(SettingsError, match="plain text"):
        connect("http://sightline.example/", token="token-of-anna")
    file = tmp_path / "token"
    file.write_text("token-of-anna\n")
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="read by others"):
        connect(team.address, token_file=file)
    file.chmod(0o600)
    # No proxy that the environment names sees it.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert connect(team.address, token_file=file).account == "anna"
        with pytest.raises(TimeoutError):
            listening.accept()
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-sara")
    assert connect(team.address).account == "sara"
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
    with pytest.raises(SettingsError, match="there is none"):
        connect(team.address)
    with pytest.raises(ServerError, match="cannot be reached"):
        connect("http://127.0.0.1:9/", token="token-of-anna")

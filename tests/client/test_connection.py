"""Work on a team's server from Python: the door, the API and the client together."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apiprocess import SCOPE
from documented import examples
from office import Office, stated

from workbench.client import Connection, connect, transport
from workbench.client.credentials import find_credential
from workbench.client.transport import Server
from workbench.domain import Filter, Scope
from workbench.errors import (
    CaseError,
    ImageError,
    NotPermitted,
    ServerError,
    SettingsError,
    SeveralFacesFound,
    SightlineError,
    TooManyRequests,
)
from workbench.server.api import kept

ASKED: dict[str, Any] = {
    "template": "missing-person", "authority": "Public prosecutor", "authorisation": "P 117/26",
    "title": "A child", "provenance": stated(3),
}  # fmt: skip


def test_a_team_works_over_its_server(
    anna: Connection,
    sara: Connection,
    scope: Scope,
    wanted: tuple[Path, ...],
    two_people: bytes,
    office: Office,
    team: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
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

    # What the document shows, with the places of this test.
    monkeypatch.chdir(tmp_path)
    for name, path in zip(("a.jpg", "b.jpg"), wanted, strict=False):
        (tmp_path / name).symlink_to(path)
    (tmp_path / "centre.geojson").write_text(json.dumps(SCOPE["district"]))
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text("token-of-anna")
    (code,) = examples("docs/api.md", "python")
    places = {"https://faces.example/": team.address, "~/token": "token", "A-2026-117": "A-1"}
    for word, place in places.items():
        assert word in code
        code = code.replace(word, place)
    made: dict[str, Any] = {}
    exec(code, made)
    assert made["found"].candidates[0].camera.camera_id in {"CAM-003", "CAM-006"}

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
    assert anna.review_state("A-1") == {
        "case": "A-1", "listed": 0, "decided": 0, "waiting": 0, "lost": 0,
    }  # fmt: skip

    ben = connect(team.address, token="token-of-ben")
    assert ben.cases() == ()
    with pytest.raises(SightlineError, match="not one of its members"):
        ben.search(wanted, scope, case="A-1")
    assert "ben" in anna.add_member("A-1", "ben").members
    assert ben.search(wanted, scope, case="A-1").case == "A-1"
    assert "ben" not in anna.remove_member("A-1", "ben").members
    assert ben.cases() == ()
    # Two photographs in place of three, and another title: asked with where they come from.
    asked = anna.change_case("A-1", wanted[:2], provenance=stated(2), title="The same child")
    change = asked.change
    assert change is not None
    assert (change.request.title, asked.request.title) == ("The same child", "A child")
    approved = sara.approve("A-1", digest=change.digest)
    assert approved.request.title == "The same child"
    assert approved.change is None
    told = [case.request.subject for case in (asked, approved)]
    assert [len(subject.photographs) for subject in told if subject is not None] == [3, 2]
    assert anna.close("A-1", reason="found").status() == "closed"
    by = {(entry.what, entry.account) for entry in office.events()}
    assert {("search.asked", "anna"), ("search.asked", "ben"), ("case.approved", "sara")} <= by


def test_the_api_comes_back_when_its_process_was_killed(team: Any, anna: Connection) -> None:
    os.kill(team.process.pid, signal.SIGKILL)
    with contextlib.suppress(ServerError):  # one request may meet the end of the process
        anna.statistics()
    assert anna.statistics()["recordings"] == 3


def test_a_request_waits_for_a_server_with_too_much_to_do(
    team: Any, anna: Connection, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, most = team.process.uploads, kept.MOST_UPLOADED_BY_ONE
    uploads.enter("anna", most)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            uploads.leave("anna", most)

    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=pause))
    assert anna.coverage(scope).recordings == 3
    assert pauses == [5.0, 5.0, 5.0]
    until = time.monotonic() + 60
    while uploads._of:  # the answer is there a little before the request is over
        assert time.monotonic() < until
        time.sleep(0.01)
    uploads.enter("anna", most)
    with pytest.raises(TooManyRequests, match="200 MB are the most") as caught:
        anna.coverage(scope)
    assert caught.value.seconds == 5
    assert sum(pauses[3:]) == transport.LONGEST_WAIT
    uploads.leave("anna", most)


def test_a_password_is_given_with_its_name_alone(
    team: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("of the tests\n")
    file.chmod(0o604)
    for given, said in (
        ({"password": "secret"}, "without the name"),
        ({"user": "anna", "password": "secret", "token": "token-of-anna"}, "a token and a name"),
        ({"user": "anna"}, "there is none"),
        ({"user": "anna:b", "password": "secret"}, "not a name"),
        ({"user": "anna", "password": "secret\n"}, "no password has"),
        ({"user": "anna", "password_file": file}, "read by others"),
    ):
        with pytest.raises(SettingsError, match=said):
            connect(team.address, **given)  # type: ignore[arg-type]
    file.chmod(0o600)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token-of-sara")  # which is another person's
    with pytest.raises(NotPermitted, match="no one has signed in"):
        connect(team.address, user="anna", password_file=file)
    found = find_credential(user="änna", password_file=file)
    assert base64.b64decode(found.authorization.removeprefix("Basic ")) == (
        "änna:of the tests".encode()
    )
    assert "tests" not in repr(Server(team.address, found))
    with pytest.raises(SettingsError, match="password would cross the network"):
        Server("http://sightline.example/", found)


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
    file.write_text("\n")
    for nothing in ({"token": ""}, {"token_file": file}):  # which is no reason to be sara
        with pytest.raises(SettingsError, match="there is none"):
            connect(team.address, **nothing)  # type: ignore[arg-type]
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
    with pytest.raises(SettingsError, match="there is none"):
        connect(team.address)
    with pytest.raises(ServerError, match="cannot be reached"):
        connect("http://127.0.0.1:9/", token="token-of-anna")

"""Attempts to get round the rules by the API."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from apiprocess import SCOPE, Api
from office import Office

from workbench.casework.record.audit import verify
from workbench.errors import RecordingError
from workbench.gallery import Gallery
from workbench.gallery.opening import folder_of
from workbench.server.api import application
from workbench.server.api.endpoint import ARROW
from workbench.server.api.problems import NotFound, without_places
from workbench.server.api.wire import ACCOUNT, WAY

CONNECT = """
import http.client, socket, sys
connection = http.client.HTTPConnection("api", timeout=20)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
try:
    connection.request("GET", "/v1/cases", headers={sys.argv[2]: "sara", sys.argv[3]: "hub"})
    print(connection.getresponse().status)
except (http.client.RemoteDisconnected, ConnectionError):
    print("cut off")
"""


def test_a_template_in_an_answer(
    api: Api, opened: str, town: Path, photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs, "threshold": "all"}
    found = api.ask("anna", "POST", "searches", {**search, "shots": True}).json
    tracklet = found["candidates"][0]["tracklet_id"]
    of_it = f"searches/{found['id']}/candidates/{tracklet}"
    asked = {
        "me": ("GET", "me", None),
        "cases": ("GET", "cases", None),
        "cases/([^/]+)": ("GET", "cases/A%2F1", None),
        "cases/([^/]+)/(approve|confirm|decline|close|responsible|change)": None,  # a case, too
        "cases/([^/]+)/members/([^/]+)": ("PUT", "cases/A%2F1/members/ben", {}),
        "cases/([^/]+)/history": ("GET", "cases/A%2F1/history", None),
        "cases/([^/]+)/sightings": ("GET", "cases/A%2F1/sightings?shots=1", None),
        "cases/([^/]+)/review": ("GET", "cases/A%2F1/review", None),
        "review/rates": None,  # for supervisors, below
        "searches": ("POST", "searches", {**search, "shots": True}),
        "searches/([^/]+)": ("GET", f"searches/{found['id']}", None),
        "searches/([^/]+)/candidates/([^/]+)/shot": ("GET", f"{of_it}/shot", None),
        "searches/([^/]+)/candidates/([^/]+)/clip": ("GET", f"{of_it}/clip", None),
        "coverage": ("POST", "coverage", SCOPE),
        "forecasts": ("POST", "forecasts", {**SCOPE, "thresholds": [0.5]}),
        "statistics": ("GET", "statistics", None),
        "cameras": ("GET", "cameras", None),
        "recordings": ("GET", "recordings", None),
        "scores": ("GET", "scores", None),
        "histograms/different-people": ("GET", "histograms/different-people", None),
        "calibration": ("GET", "calibration", None),
    }
    assert list(asked) == [path for path, _ in application.ROUTES]
    answers = [api.ask("sara", "GET", "review/rates")]
    for question in filter(None, asked.values()):
        answers.append(api.ask("anna", *question))
        if question[1] in ("searches", "cameras", "recordings", "scores", "calibration"):
            answers.append(api.ask("anna", *question, Accept=ARROW))
    with Gallery.open(town) as gallery:
        templates = np.stack(gallery.templates()["template"].to_pylist()).astype(np.float32)
    assert templates.shape[1] == 128
    secret = {row.tobytes()[:64] for row in templates} | {
        row.astype(np.float64).tobytes()[:64] for row in templates
    }
    for answer in answers:
        assert answer.status in (200, 201), answer.body
        assert not any(part in content for part in secret for content in contents(answer))
        assert not any(len(values) >= 32 for values in rows_of_numbers(answer))


def contents(answer: Any) -> Iterator[bytes]:
    """An answer, and what it holds in Base64."""
    yield answer.body
    if answer.kind == "application/json":
        for value in values_of(answer.json):
            if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9+/]{100,}=*", value):
                yield base64.b64decode(value + "===", validate=False)


def rows_of_numbers(answer: Any) -> Iterator[list[Any]]:
    if answer.kind == "application/json":
        for value in values_of(answer.json):
            if isinstance(value, list) and all(isinstance(one, float) for one in value):
                yield value
    elif answer.kind == ARROW:
        with pa.ipc.open_stream(io.BytesIO(answer.body)) as reader:
            assert not any(pa.types.is_nested(one.type) for one in reader.schema)
            assert not any(pa.types.is_binary(one.type) for one in reader.schema)


def values_of(document: Any) -> Iterator[Any]:
    yield document
    if isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from values_of(value)


def test_a_name_in_a_header_at_the_socket(api: Api) -> None:
    """A kernel or a shell of the same account names a supervisor in the header: cut off."""
    said = subprocess.run(
        [sys.executable, "-c", CONNECT, api.path, ACCOUNT, WAY], capture_output=True, text=True
    )
    assert said.stdout == "cut off\n", said.stderr
    assert api.path.stat().st_mode & 0o077 == 0
    unsigned = api.ask("", "GET", "cases")
    assert (unsigned.status, unsigned.json["error"]) == (401, "NotPermitted")
    assert api.ask("sara", "GET", "cases", way="said so").status == 403
    nobody = [api.ask("nobody", "GET", path) for path in ("cases", "statistics", "recordings")]
    assert [answer.status for answer in nobody] == [403, 403, 403]


def test_the_api_for_a_person_who_is_no_member(
    api: Api, opened: str, office: Office, photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs}
    assert api.ask("ben", "GET", "cases").json == {"cases": []}
    for method, path, document in (
        ("GET", "cases/A%2F1", None),
        ("GET", "cases/A%2F1/sightings?shots=1", None),
        ("GET", "cases/A%2F1/review", None),
        ("POST", "cases/A%2F1/close", {"reason": "none"}),
        ("PUT", "cases/A%2F1/members/ben", {}),
        ("POST", "searches", search),
    ):
        refused = api.ask("ben", method, path, document)
        assert (refused.status, b"child" in refused.body) == (404, False), path
    assert len([e for e in office.events("case.read.refused") if e.by["account"] == "ben"]) >= 6


def test_a_face_that_no_search_of_ones_own_found(
    api: Api, opened: str, photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs, "threshold": "all", "top": 1}
    found = api.ask("anna", "POST", "searches", search).json
    (best,) = found["candidates"]
    other = f"{best['recording_id']}-{int(best['tracklet_id'].split('-')[1]) ^ 1}"
    shot = f"searches/{found['id']}/candidates/{{}}/shot"
    assert api.ask("anna", "GET", shot.format(best["tracklet_id"])).status == 200
    assert api.ask("anna", "GET", shot.format(other)).status == 404
    assert api.ask("anna", "GET", shot.format(other).replace("shot", "clip")).status == 404
    assert api.ask("sara", "GET", shot.format(best["tracklet_id"])).status == 404
    # Nor one that it did, once the person is a member no longer.
    api.ask("anna", "PUT", "cases/A%2F1/members/ben", {})
    of_ben = api.ask("ben", "POST", "searches", search).json
    shot = f"searches/{of_ben['id']}/candidates/{best['tracklet_id']}/shot"
    assert api.ask("ben", "GET", shot).status == 200
    api.ask("anna", "DELETE", "cases/A%2F1/members/ben", {})
    assert api.ask("ben", "GET", shot).status == 404


def test_scores_that_are_taken_unseen(api: Api, opened: str, office: Office) -> None:
    assert api.ask("anna", "GET", "scores", Accept=ARROW).status == 200
    assert api.ask("anna", "GET", "histograms/different-people").status == 200
    exported = office.events("review.exported")
    assert [(e.account, e.about["table"]) for e in exported] == [
        ("anna", "scores"), ("anna", "different people"),
    ]  # fmt: skip
    assert all("signature" in e.by for e in exported)
    assert verify(office.folder).sound


@pytest.fixture
def town(small_town: Path, office: Office, copied: Any, tmp_path: Path) -> Path:
    """A gallery of this test's own, as its folder is moved away."""
    (folder := tmp_path / "town").mkdir()
    made: Path = copied(small_town, folder)
    return made


def test_numbers_and_brackets_beyond_all_bounds(
    api: Api, opened: str, asked: dict[str, Any], photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs}
    for path, document in (
        ("coverage", b"[" * 100_000),
        ("searches", b'{"a":' * 100_000),
        ("forecasts", b'{"photographs": NaN}'),
        ("searches", {**search, "threshold": 10**400}),
        *(("cases", {**asked, "valid_days": days}) for days in (1e300, -1e300, 10**400)),
    ):
        answer = api.ask("anna", "POST", path, document)
        assert (answer.status, answer.json["error"]) == (422, "BadInput"), answer.body


def test_an_error_names_no_place_of_the_server(api: Api, town: Path, office: Office) -> None:
    folder = folder_of(town)
    moved = folder.rename(folder.with_name("moved"))
    try:
        told = api.ask("anna", "GET", "statistics")
    finally:
        moved.rename(folder)
    assert (told.status, told.json["where"]) == (500, town.name)
    file = office.folder / "people.json"
    content = file.read_bytes()
    file.write_bytes(b"{")
    try:
        refused = api.ask("anna", "GET", "statistics")
    finally:
        file.write_bytes(content)
    assert refused.json["where"] == "people.json"
    for answer in (told, refused):
        assert b"/" not in answer.body.replace(b"application/", b""), answer.body
    said = RecordingError(
        "cannot be read, nor /mnt/b c",
        where="/srv/my footage/a.mp4: 3 s",
        fix="Mount /srv/footage/",
    )
    bare = without_places(said, ())
    assert (bare.what, bare.where) == ("cannot be read, nor b c", "a.mp4: 3 s")
    assert bare.fix == "Mount a folder of the server"
    sent = NotFound("there is no such case", where="/A/1/2026", fix="See https://a.example/b/c")
    assert str(without_places(sent, (office.home, Path("/"), Path("/b")))) == str(sent)

"""The API as its server uses it: whom it works for, what it answers, what it never gives away."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from apiprocess import SCOPE, Api, OverUnix
from office import Office

from workbench.casework.oversight import annual, audit_overview
from workbench.casework.reviewing.review import decide, list_for_review, waiting
from workbench.casework.reviewing.verdicts import FEATURES, Seen
from workbench.client.documents import candidate_from
from workbench.errors import TooManyRequests
from workbench.gallery import Gallery
from workbench.server.api import kept
from workbench.server.api.wire import ACCOUNT, WAY

ALIKE: dict[str, Seen] = dict.fromkeys(FEATURES[:4], "similar")


def test_a_case_from_request_to_candidates(
    api: Api, asked: dict[str, Any], office: Office, photographs: list[dict[str, Any]]
) -> None:
    assert api.ask("anna", "GET", "me").json == {
        "account": "anna", "way": "hub", "roles": ["analyst"], "in_service": True,
    }  # fmt: skip
    made = api.ask("anna", "POST", "cases", asked)
    assert (made.status, made.json["status"]) == (201, "requested")
    search = {"case": "A/1", **SCOPE, "photographs": photographs}
    early = api.ask("anna", "POST", "searches", search)
    assert (early.status, early.json["error"]) == (403, "NotPermitted")
    assert "has not been approved" in early.json["what"]
    # One may not approve one's own, nor another request than the one that was read.
    digest = made.json["digest"]
    own = api.ask("anna", "POST", "cases/A%2F1/approve", {"digest": digest})
    other = api.ask("sara", "POST", "cases/A%2F1/approve", {"digest": "0" * 64})
    assert (own.status, other.status) == (403, 409)
    approved = api.ask("sara", "POST", "cases/A%2F1/approve", {"digest": digest})
    assert (approved.status, approved.json["approved_by"]) == (200, ["sara"])

    found = api.ask("anna", "POST", "searches", {**search, "threshold": "all"})
    assert found.status == 201, found.body
    result = found.json
    best = result["candidates"][0]
    assert best["camera"]["camera_id"] in {"CAM-003", "CAM-006"}
    assert best["scale"] == result["scale"]
    assert result["coverage"]["recordings"] == 3
    assert "shot" not in best
    of_best = f"searches/{result['id']}/candidates/{best['tracklet_id']}"
    shot = api.ask("anna", "GET", f"{of_best}/shot")
    assert (shot.kind, shot.body[:2]) == ("image/jpeg", b"\xff\xd8")
    clip = api.ask("anna", "GET", f"{of_best}/clip")
    assert (clip.kind, clip.body[4:8]) == ("video/mp4", b"ftyp")
    title = clip.body[clip.body.index(b"Case A/1: ") :][:100]  # a browser can save it
    assert b" BST" in title
    told = [(e.what, e.account, e.by.get("way")) for e in office.events()]
    for what in ("case.asked", "search.asked", "search.answered", "shot.viewed", "clip.viewed"):
        assert (what, "anna", "hub") in told
    assert ("case.approved", "sara", "hub") in told
    # Other photographs of the same person are another request, which another person approves.
    changed = api.ask("anna", "POST", "cases/A%2F1/change", {"photographs": photographs[:2]})
    assert changed.status == 200, changed.body
    change = changed.json["change"]
    assert len(change["request"]["subject"]["photographs"]) == 2
    assert len(changed.json["request"]["subject"]["photographs"]) == 3
    other = api.ask("ben", "POST", "cases/A%2F1/change", {"photographs": photographs[:1]})
    assert other.status == 404  # not a member
    approving = {"digest": change["digest"]}
    assert api.ask("sara", "POST", "cases/A%2F1/approve", approving).status == 200
    # A closed case shows nothing more.
    assert api.ask("anna", "POST", "cases/A%2F1/close", {"reason": "found"}).status == 200
    assert api.ask("anna", "GET", f"{of_best}/shot").status == 409


def test_scores_come_with_decisions_once_the_review_is_over(
    api: Api, opened: str, office: Office, town: Path, photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs, "threshold": "all"}
    found = [
        candidate_from(c) for c in api.ask("anna", "POST", "searches", search).json["candidates"]
    ]
    for account in ("rosa", "rolf"):
        api.ask("anna", "PUT", f"cases/A%2F1/members/{account}", {})
    list_for_review(office.sit("anna"), opened, found[:2], of=found, fillers=0)
    with Gallery.open(town) as gallery:
        for face, rows in ((0, 0), (1, 2)):
            for account in ("rosa", "rolf"):
                register = office.sit(account)
                key = min(item.key for item in waiting(register, opened, gallery))
                decide(
                    register, opened, key, conclusion=3 - 6 * face, features=ALIKE, reason="seen"
                )
            for reader in ("anna", "rosa", "otto"):
                assert len(api.ask(reader, "GET", "scores").json["rows"]) == rows, reader
    table = api.ask("otto", "GET", "scores").json["rows"]
    assert {row["outcome"] for row in table} == {"sighting", "not a sighting"}
    scores = {candidate.tracklet_id: candidate.score for candidate in found}
    assert all(abs(scores[row["tracklet_id"]] - row["score"]) < 1e-5 for row in table)
    assert api.ask("ben", "GET", "scores").json["rows"] == []
    counted = api.ask("otto", "GET", "histograms/different-people").json["rows"]
    exported = office.events("review.exported")
    assert [(e.account, e.about["rows"]) for e in exported[-3:]] == [
        ("otto", 2), ("ben", 0), ("otto", len(counted)),
    ]  # fmt: skip
    assert [e.about["cases"] for e in exported[-3:]] == [["A/1"], [], []]
    assert all("signature" in e.by for e in exported)
    people = {one.account: one for one in audit_overview(office.sit("otto")).people}
    assert people["otto"].exports == len([e for e in exported if e.account == "otto"])
    # A table without a row is about no case, and so of no purpose.
    of_cases = len([e for e in exported if e.about["cases"]])
    figures = annual(office.register, exported[0].at.year)
    assert sum(one.exports for one in figures) == of_cases > 0
    (confirmed,) = api.ask("sara", "GET", "cases/A%2F1/sightings").json["sightings"]
    assert confirmed["confirmed_by"] == ["rosa", "rolf"]
    assert api.ask("sara", "GET", "cases/A%2F1/review").json["decided"] == 2


def test_what_is_wrong_is_told_in_json(
    api: Api, opened: str, asked: dict[str, Any], photographs: list[dict[str, Any]]
) -> None:
    search = {"case": opened, **SCOPE, "photographs": photographs}
    no_face = {"content": base64.b64encode(b"no picture").decode()}
    for document, status, kind in (
        (b"{", 422, "BadInput"),
        (b"\xff", 422, "BadInput"),
        ({**search, "start": "yesterday"}, 422, "TimeError"),
        ({**search, "district": {"type": "Point"}}, 422, "DistrictError"),
        ({**search, "top": 0}, 422, "BadInput"),
        ({**search, "only": {"windows": [1]}}, 422, "BadInput"),
        ({**search, "photographs": [no_face]}, 422, "ImageError"),
        ({**search, "photographs": [{"content": "?"}]}, 422, "BadInput"),
        ({**search, "threshold": -99.0}, 422, "ProfileMismatch"),
        ({**search, "end": "2026-03-31T00:00:00+00:00"}, 403, "NotPermitted"),
        ({**search, "case": "none"}, 404, "NotFound"),
    ):
        answer = api.ask("anna", "POST", "searches", document)
        told = (answer.status, answer.json.get("error"))
        assert told == (status, kind), (document, answer.body[:300])
        assert answer.json["what"]
    for word in ("false", 0, None):  # the text "false" would be true
        one = {**photographs[0], "under_18": word}
        answer = api.ask(
            "anna", "POST", "cases", {**asked, "reference": "A/2", "photographs": [one]}
        )
        assert (answer.status, answer.json["error"]) == (422, "BadInput")
        assert "neither true nor false" in answer.json["what"]
    letters = api.ask("anna", "POST", "cases", {**asked, "reference": "A/2", "members": "ben"})
    assert (letters.status, letters.json["where"]) == (422, "members")
    assert api.ask("anna", "GET", "nothing/here").status == 404
    assert api.ask("anna", "DELETE", "cases").status == 405


def test_whoever_goes_away_ends_the_search(
    api: Api, opened: str, office: Office, photographs: list[dict[str, Any]]
) -> None:
    body = json.dumps({"case": opened, **SCOPE, "photographs": photographs})
    before = len(office.events("search.asked"))
    gone = OverUnix(api.path)
    gone.request("POST", "/v1/searches", body=body, headers={ACCOUNT: "anna", WAY: "hub"})
    gone.close()
    # The networks take longer than this to load; and the next search waits for the one before.
    assert api.ask("anna", "POST", "searches", body.encode()).status == 201
    assert len(office.events("search.asked")) - before == 1


def test_searches_are_kept_for_their_owner_and_counted() -> None:
    now = [0.0]
    searches = kept.KeptSearches(clock=lambda: now[0])
    first, *_, last = [searches.keep("anna", object()) for _ in range(kept.MOST_KEPT + 1)]  # type: ignore[arg-type]
    assert searches.find("anna", first) is None
    assert searches.find("anna", last) is not None
    assert searches.find("ben", last) is None
    now[0] = kept.KEPT_SECONDS + 1
    assert searches.find("anna", last) is None

    pace = kept.Pace(clock=lambda: now[0])
    for _ in range(kept.MOST_A_MINUTE):
        pace.search("anna")
    now[0] += 20.5
    with pytest.raises(TooManyRequests, match="within a minute") as caught:
        pace.search("anna")
    assert caught.value.seconds == 40
    pace.search("ben")
    now[0] += 40
    pace.search("anna")

"""Sessions end: by the person's word, the administrator's, by age and for want of use."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from looping import run_apart

from workbench.casework.record.audit import LOG
from workbench.casework.record.chain import Entry
from workbench.casework.record.keys import is_signed, public_half, record_key
from workbench.casework.register import all_entries
from workbench.cli.main import main
from workbench.errors import CaseError
from workbench.server.sessions import Session, Sessions, now
from workbench.server.signins import SignIns
from workbench.server.ways import Refused


def test_a_session_ends_by_age_and_for_want_of_use_but_not_during_work() -> None:
    async def look() -> None:
        sessions = Sessions(longest_life=timedelta(hours=12), longest_idle=timedelta(hours=1))
        ended: list[tuple[str, str]] = []
        worked = {"anna": now(), "ben": None, "old": now()}

        async def note(session: Session) -> None:
            ended.append((session.account, session.ended))

        sessions.at_end(note)
        sessions.count_work(lambda session: worked[session.account])
        secrets = {}
        for name in worked:
            session = Session(name, "hub", used=now() - timedelta(minutes=61))
            session.began = now() - timedelta(hours=13 if name == "old" else 2)
            secrets[name] = sessions.begin(session)
        await sessions.end_those_past()
        assert sorted(ended) == [("ben", "idle"), ("old", "old")]
        assert [session.account for session in sessions.living()] == ["anna"]
        found = await sessions.find(secrets["anna"], use=False)
        assert found is not None
        assert now() - found.used > timedelta(hours=1)  # an open page that only asks is no use
        assert await sessions.find(secrets["ben"]) is None
        assert sessions.why_ended(secrets["ben"]) == "idle"
        assert await sessions.find("guess") is None

    run_apart(look())


def test_signing_out_ends_the_session_and_its_kernels(served: Any) -> None:
    cookie, before = served.sign_in(), set(served.kernels())
    _, page = served.ask("/voila/render/panel.ipynb", known=False, Cookie=cookie)
    assert 'data-address="/sign-out"' in page
    (kernel,) = set(served.kernels()) - before
    elsewhere = {"Origin": "http://elsewhere.example", "Cookie": cookie}
    assert served.ask("/sign-out", method="POST", known=False, **elsewhere)[0].status == 403
    answer, body = served.ask("/sign-out", method="POST", known=False, Cookie=cookie)
    assert (answer.status, json.loads(body)) == (200, {"next": "/"})
    assert psutil.wait_procs([kernel], timeout=240)[1] == []
    answer, body = served.ask("/", known=False, Cookie=cookie)
    assert answer.status == 401
    assert "You have signed out." in body
    assert "Max-Age=0" in answer.headers["Set-Cookie"] or "expires" in answer.headers["Set-Cookie"]


def test_the_administrator_lists_and_ends_sessions_on_record(
    served: Any, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie, before = served.sign_in(), set(served.kernels())
    served.ask("/voila/render/panel.ipynb", known=False, Cookie=cookie)
    (kernel,) = set(served.kernels()) - before
    assert main(["sessions", "list", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    mine = max(listed, key=lambda one: one["began"])
    assert (mine["way"], mine["kernels"]) == ("token", 1)
    assert cookie.split("=")[1] not in json.dumps(listed)
    assert main(["sessions", "end", mine["id"]]) == 0
    assert psutil.wait_procs([kernel], timeout=240)[1] == []
    answer, body = served.ask("/", known=False, Cookie=cookie)
    assert answer.status == 401
    assert "The administrator of this server has ended your session." in body
    assert main(["sessions", "end", mine["id"]]) == 1
    begun, ending, ended = entries_of(home, mine["id"])
    assert (begun.what, begun.account) == ("session.begun", mine["account"])
    assert (ending.what, ending.about["account"]) == ("session.ending", mine["account"])
    assert (ended.what, ended.about["why"]) == ("session.ended", "administrator")


def entries_of(home: Path, session: str) -> list[Entry]:
    entries = all_entries(home / "casework")
    return [e for e in entries if e.what.startswith("session.") and e.about.get("id") == session]


def test_a_sign_in_is_on_record_once_and_so_is_its_end(served: Any, home: Path) -> None:
    cookie = served.sign_in()
    for _ in range(3):
        assert served.ask("/", known=False, Cookie=cookie)[0].status == 200
    begun = [e for e in all_entries(home / "casework") if e.what == "session.begun"][-1]
    served.ask("/sign-out", method="POST", known=False, Cookie=cookie)
    first, last = entries_of(home, begun.about["id"])
    known = [public_half(record_key(home / "casework"))]
    assert is_signed(first, known)
    assert is_signed(last, known)
    assert (first.by["way"], last.what, last.about["why"]) == (
        "token",
        "session.ended",
        "signed out",
    )
    assert cookie.split("=")[1] not in (home / "casework" / LOG).read_text()


def test_nobody_is_let_in_without_an_entry(tmp_path: Path) -> None:
    (tmp_path / LOG).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused) as refused:
        run_apart(SignIns(tmp_path).record(Session("anna", "hub")))
    assert (refused.value.status, refused.value.reason) == (503, "record")


def test_a_record_that_is_held_keeps_people_waiting_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def held(_: SignIns, what: str, *__: object) -> None:
        tried.append(what)
        raise CaseError("the record is in use", fix="Try again")

    async def arrive() -> list[BaseException | None]:
        sign_ins = SignIns(tmp_path)
        sessions = [Session(name, "hub") for name in ("anna", "ben", "cleo")]
        return await asyncio.gather(*map(sign_ins.record, sessions), return_exceptions=True)

    monkeypatch.setattr(SignIns, "_append", held)
    refused = run_apart(arrive())
    assert [isinstance(one, Refused) and one.status for one in refused] == [503] * 3
    assert tried == ["session.begun"]


def test_a_session_that_ends_while_it_is_recorded_lets_nobody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, written = Session("anna", "hub"), []

    def append(_: SignIns, what: str, *__: object) -> None:
        written.append(what)
        session.ended = "signed out"

    monkeypatch.setattr(SignIns, "_append", append)
    with pytest.raises(Refused, match="signed out"):
        run_apart(SignIns(tmp_path).record(session))
    assert written == ["session.begun", "session.ended"]

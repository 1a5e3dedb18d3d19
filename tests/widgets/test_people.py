"""The page of the people, without a browser: what it tells, and to whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from workbench.casework.accounts import accounts
from workbench.casework.cases import Case
from workbench.casework.record.identity import Identity
from workbench.casework.signedin import sessions_of
from workbench.errors import NotPermitted, SettingsError
from workbench.server.administration import SessionsSocket
from workbench.server.sessions import Session, Sessions
from workbench.widgets.people import PeopleModel, PeoplePage, people


class Server:
    """A server that works for this process as if it were a kernel of *account*."""

    def __init__(self, folder: Any) -> None:
        self.account = "ada"
        self.sessions = Sessions()
        self.page = Session("anna", "hub")
        self.sessions.begin(self.page)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.socket = SessionsSocket(folder, self.sessions, self)
        self._do(self.socket.open())

    def _do(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)

    def is_kernel(self, _pid: int) -> bool:
        return True

    def identity_of_process(self, _pid: int) -> Identity | None:
        return Identity(self.account, "hub") if self.account else None

    def number_of(self, session: Session) -> int:
        return 2 * (session is self.page)

    def close(self) -> None:
        self._do(self.socket.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(120)
        self._loop.close()


@pytest.fixture
def server(office: Any) -> Iterator[Server]:
    made = Server(office.folder)
    yield made
    made.close()


def test_roles_are_told_with_who_gave_them_and_when(office: Any, case: Case) -> None:
    office.sit("anna").record("session.begun", {"id": "1", "began": "2026-03-29T00:00:00+00:00"})
    register = office.sit("ada")
    register.grant("ben", "reviewer")
    register.grant("ben", "analyst", granted=False)
    by_name = {one.name: one for one in accounts(register)}
    assert set(by_name) == {"ada", "anna", "ben", "cleo", "otto", "rolf", "rosa", "sara", "sven"}
    ben, anna = by_name["ben"], by_name["anna"]
    assert ben.roles == ("reviewer",)
    given, gone = ben.change_of("reviewer"), ben.change_of("analyst")
    assert given is not None
    assert gone is not None
    assert (given.given, given.words) == (True, "by ada")
    assert (gone.given, gone.words) == (False, "by ada")
    earlier = anna.change_of("analyst")
    assert earlier is not None
    assert earlier.words == "in the people file, noticed by anna"
    assert (anna.way, by_name["cleo"].signed_in) == ("hub", None)
    # Who need not know of a case learns that there is one, and no more.
    assert (anna.cases, anna.other_cases) == ((), 1)
    page = PeoplePage(PeopleModel(installation=office.installation))
    assert "A-1" not in page.table.value
    assert "reviewer, since " in page.table.value
    register.grant("ada", "supervisor")
    assert {one.name: one.cases for one in accounts(register)}["anna"] == ("A-1",)


@pytest.mark.parametrize("name", ["anna", "sara", "otto", "nobody"])
def test_the_page_is_for_administrators(office: Any, name: str) -> None:
    office.sit(name)
    with pytest.raises(NotPermitted):
        accounts(office.register)
    assert "People are not shown" in people(installation=office.installation).value


def test_roles_are_given_and_taken_back_on_the_page(office: Any) -> None:
    office.sit("ada")
    page = PeoplePage(PeopleModel(installation=office.installation))
    page.account.value, page.role.value = " cleo ", "reviewer"
    assert page.model.give(page.account.value, page.role.value)
    assert page.model.said == "cleo is reviewer now."
    assert page.model.give("cleo", "reviewer")
    assert page.model.said == "cleo is reviewer already."
    assert not page.model.take_back("ada", "administrator")
    assert "no administrator would be left" in page.model.messages["roles"]
    assert not page.model.give("", "reviewer")
    assert page.model.take_back("cleo", "reviewer")
    taken = office.events("people.revoked")[0]
    assert (taken.account, taken.about["account"]) == ("ada", "cleo")
    assert "<td>reviewer, " in page.table.value
    # What nobody had is not told to be taken back.
    for name in ("cleo", "claire"):
        assert not page.model.take_back(name, "reviewer")
        assert f"{name} is not reviewer" in page.model.messages["roles"]
    assert len(office.events("people.granted")) == len(office.events("people.revoked")) == 1
    assert "claire" not in page.table.value


def test_sessions_are_listed_and_ended_by_an_administrator_at_a_page(
    office: Any, server: Server
) -> None:
    office.sit("ada")
    model = PeopleModel(installation=office.installation)
    page = PeoplePage(model)
    (one,) = model.sessions
    assert (one.account, one.kernels) == ("anna", 2)
    (shown,) = page.sessions.children
    shown.children[0].click()
    assert model.said == "Ended 1 session of anna."
    # It keeps its place: the second click of a double one ends no other.
    assert (model.sessions, model.ended) == ((one,), {one.id})
    assert "Ended" in page.ended.value  # below the list, which it does not push down
    assert "Ended" not in page.said.value
    model.end(one)
    assert model.said == "Ended 1 session of anna."
    (shown,) = page.sessions.children
    assert shown.children[0].disabled
    assert "ended" in shown.children[1].value
    model.refresh()
    assert (model.sessions, model.ended) == ((), set())
    assert server.page.ended == "administrator"
    (entry,) = office.events("session.ending")
    assert (entry.account, entry.about["account"]) == ("ada", "anna")


@pytest.mark.parametrize("account", ["anna", "otto", "nobody", ""])
def test_pages_of_others_may_not_ask_a_server_for_sessions(
    office: Any, server: Server, account: str
) -> None:
    server.account = account
    with pytest.raises(SettingsError, match="does not answer this process"):
        sessions_of(office.folder)

"""Being somebody else, and giving oneself a role."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from workbench.casework.cases import Case
from workbench.casework.record import people
from workbench.casework.record.people import Person, identify
from workbench.domain import Probe, Scope
from workbench.errors import NotPermitted, SettingsError
from workbench.gallery import Gallery
from workbench.notebook import search

Refused = Callable[..., None]


@contextmanager
def another_hub(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def says(name: str, kind: str = "user") -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(json.dumps({"kind": kind, "name": name}).encode())

    return answer


def test_a_name_in_the_environment(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "JUPYTERHUB_USER", "SUDO_USER", "SIGHTLINE_PERSON"):
        monkeypatch.setenv(name, "ada")
    assert office.sit("anna").me.account == "anna"
    assert identify(people.People()).account != "ada"


def test_a_made_up_token(office: Any, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "made-up")
    with pytest.raises(NotPermitted, match="did not identify the user"):
        _ = office.register.me


def test_a_hub_of_ones_own(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    office.sit("anna")
    with another_hub(says("ada")) as address:
        monkeypatch.setenv("JUPYTERHUB_API_URL", f"{address}/hub/api")
        monkeypatch.setenv("SIGHTLINE_HUB", f"{address}/hub/api")
        assert office.register.me.account == "anna"


def test_a_proxy_that_answers_for_the_hub(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_hub(says("ada")) as address:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, address)
        monkeypatch.delenv("no_proxy", raising=False)
        assert office.sit("anna").me.account == "anna"


def test_a_hub_that_sends_elsewhere(office: Any) -> None:
    with another_hub(says("ada")) as elsewhere:

        def sends(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", elsewhere)
            handler.end_headers()

        with another_hub(sends) as address, pytest.raises(NotPermitted, match="HTTP 302"):
            identify(people.People(hub=address))


def test_a_token_of_a_service(office: Any) -> None:
    with (
        another_hub(says("culler", "service")) as address,
        pytest.raises(NotPermitted, match="knows no user"),
    ):
        identify(people.People(hub=address))


def test_a_person_put_together_by_hand(office: Any, case: Case) -> None:
    boss = Person("ada", "account", 0, frozenset(people.ROLES))
    with pytest.raises(AttributeError):
        office.register.me = boss
    with pytest.raises(TypeError):
        office.register.approve("A-1", by=boss)
    with pytest.raises(TypeError):
        search(None, None, None, case="A-1", person=boss)  # type: ignore[call-arg, arg-type]


def test_no_public_function_takes_who_one_is() -> None:
    import inspect

    from workbench import investigation
    from workbench.casework import authority, retention
    from workbench.casework.evidence.export import export as evidence
    from workbench.casework.reviewing import review

    for module in (investigation, authority, evidence, retention, review):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                told = set(inspect.signature(function).parameters)
                assert not told & {"person", "by", "account", "user", "examiner", "analyst"}, name


def test_a_people_file_of_ones_own_behind_a_link(office: Any) -> None:
    path = office.folder / people.PEOPLE
    mine = office.home / "mine.json"
    mine.write_text(path.read_text().replace('"anna": ["analyst"]', '"anna": ["supervisor"]'))
    path.unlink()
    path.symlink_to(mine)
    with pytest.raises(SettingsError, match="cannot be opened"):
        _ = office.sit("anna").me


def test_a_people_file_that_everybody_may_write(office: Any) -> None:
    (office.folder / people.PEOPLE).chmod(0o666)
    with pytest.raises(SettingsError, match="writable by others"):
        _ = office.sit("anna").me


def test_a_role_given_to_oneself_and_taken_back(office: Any) -> None:
    path = office.folder / people.PEOPLE
    _ = office.sit("anna").me
    before = path.read_text()
    path.write_text(before.replace('"analyst"', '"supervisor"'))
    assert office.register.me.roles == {"supervisor"}
    path.write_text(before)
    _ = office.register.me
    told = [entry.about["people"]["anna"] for entry in office.events("people.changed")]
    assert told == [["analyst"], ["supervisor"], ["analyst"]]


def test_a_role_from_a_colleague(office: Any) -> None:
    with pytest.raises(NotPermitted):
        office.sit("sara").grant("anna", "supervisor")
    assert office.events("people.change.refused")[0].account == "sara"


def test_an_auditor_who_also_searches(office: Any) -> None:
    with pytest.raises(SettingsError, match="auditor and has another role"):
        office.sit("ada").grant("otto", "analyst")


def test_no_people_file_no_authority(
    office: Any, case: Case, gallery: Gallery, subject: Probe, permitted: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whoever takes the people file away is back in an installation that only trains."""
    (office.folder / people.PEOPLE).unlink()
    with pytest.raises(NotPermitted, match="may only train"):
        search(gallery, subject, permitted, case="A-1")

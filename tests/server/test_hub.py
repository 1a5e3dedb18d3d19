"""What an administrator says about the hub; signing in at a real one is tried with browsers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from looping import run_apart
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from workbench.errors import SettingsError
from workbench.server.address import Address
from workbench.server.hub import MOST_PENDING, HubSignIn
from workbench.server.sessions import Sessions
from workbench.server.ways import Refused

TOLD = {
    "JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api",
    "JUPYTERHUB_API_TOKEN": "a-token-of-the-service",
    "JUPYTERHUB_SERVICE_NAME": "sightline",
    "JUPYTERHUB_CLIENT_ID": "service-sightline",
    "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_HOST": "",
}


def test_the_token_of_the_service_is_taken_out_of_the_environment() -> None:
    environment = dict(TOLD)
    settings = HubSignIn.read(environment, given={})
    assert "JUPYTERHUB_API_TOKEN" not in environment
    assert settings.token == "a-token-of-the-service"
    assert "a-token" not in repr(settings)
    for missing, option in (("API_URL", "--hub-api"), ("API_TOKEN", "--hub-token")):
        with pytest.raises(SettingsError, match=option):
            HubSignIn.read({k: v for k, v in TOLD.items() if not k.endswith(missing)}, given={})


def test_so_many_are_remembered_who_were_sent_to_the_hub_and_did_not_come_back() -> None:
    address = Address.parse("https://sightline.example.org/")
    way = HubSignIn.read(dict(TOLD), given={}).way(Sessions(), address)
    headers = HTTPHeaders({"Host": "sightline.example.org", "Sec-Fetch-Mode": "navigate"})
    line = RequestStartLine("GET", "/voila/render/cases.ipynb", "HTTP/1.1")
    asked = HTTPServerRequest(headers=headers, start_line=line)
    sent = run_apart(way.enter(asked))
    assert isinstance(sent, tuple)
    hub = sent[1]["hub_auth"]
    states = [hub.generate_state(f"/{number}") for number in range(MOST_PENDING + 3)]
    assert [hub.get_next_url(state) for state in states[:4]] == ["/", "/", "/", "/3"]
    assert hub.get_next_url(states[-1]) == f"/{MOST_PENDING + 2}"


@pytest.fixture
def hub() -> Iterator[Any]:
    """The one address of a hub that says who has a server there; ``hub.people`` is what it says."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == f"token {TOLD['JUPYTERHUB_API_TOKEN']}"
            right = self.path.startswith("/hub/api/users?state=active") and known
            allowed = right and server.people is not None  # type: ignore[attr-defined]
            self.send_response(200 if allowed else 403)
            self.end_headers()
            people = server.people or []  # type: ignore[attr-defined]
            self.wfile.write(json.dumps([{"name": name} for name in people]).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    server.people = []  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hub_with_servers_is_not_taken_for_one_without(
    hub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api = f"http://127.0.0.1:{hub.server_port}/hub/api"
    told = HubSignIn.read({**TOLD, "JUPYTERHUB_API_URL": api}, given={}, without_servers=True)
    address = Address.parse("https://hub.example.org/services/sightline/")
    told.check(address)
    assert caplog.text == ""
    hub.people = ["anna"]
    with pytest.raises(SettingsError, match="is not so: anna has a server at this hub now"):
        told.check(address)
    hub.people = None  # the token has no scope for it
    told.check(address)
    assert "is believed and was not checked" in caplog.text
    assert "the scope list:users" in caplog.text


def test_a_hub_that_comes_to_have_servers_lets_no_one_new_in(
    hub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    api = f"http://127.0.0.1:{hub.server_port}/hub/api"
    told = HubSignIn.read(
        {**TOLD, "JUPYTERHUB_API_URL": api}, given={}, without_servers=True, asked_seconds=0.0
    )

    async def watched(way: Any) -> tuple[list[str], str]:
        await way.watch()
        with pytest.raises(Refused) as refused:
            await way.enter(HTTPServerRequest(headers=script, start_line=line))
        return way.problems(), refused.value.reason

    address = Address.parse("https://hub.example.org/services/sightline/")
    line = RequestStartLine("GET", "/services/sightline/api/v1/cases", "HTTP/1.1")
    script = HTTPHeaders({"Host": "hub.example.org", "Authorization": "token of-somebody"})
    way = told.way(Sessions(), address)
    assert run_apart(watched(way)) == ([], "unknown token")
    hub.people = ["anna"]
    (problem,), reason = run_apart(watched(way))
    assert reason == "servers"
    assert "anna" not in problem
    assert "is not so any more: anna has a server" in caplog.text
    hub.people = None  # the hub cannot say: what it said last counts
    assert run_apart(watched(way))[1] == "servers"
    hub.people = []
    assert run_apart(watched(way)) == ([], "unknown token")
    # Where the pages have a name of their own, people may have servers.
    hub.people = ["anna"]
    apart = replace(told, public="https://other.example.org/hub/").way(Sessions(), address)
    assert run_apart(watched(apart)) == ([], "unknown token")

"""What an administrator says about the hub; signing in at a real one is tried with browsers."""

from __future__ import annotations

import asyncio

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from workbench.errors import SettingsError
from workbench.server.address import Address
from workbench.server.hub import MOST_PENDING, HubSignIn
from workbench.server.sessions import Sessions

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
    sent = asyncio.run(way.enter(asked))
    assert isinstance(sent, tuple)
    hub = sent[1]["hub_auth"]
    states = [hub.generate_state(f"/{number}") for number in range(MOST_PENDING + 3)]
    assert [hub.get_next_url(state) for state in states[:4]] == ["/", "/", "/", "/3"]
    assert hub.get_next_url(states[-1]) == f"/{MOST_PENDING + 2}"

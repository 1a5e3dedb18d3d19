"""Operators see from the machine of the server whether it is well; others do not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from workbench.server.address import Address
from workbench.server.health import is_for_operators


@pytest.mark.slow
def test_health_and_counters_are_told_without_sign_in_and_without_names(
    start_server: Callable[..., Any],
) -> None:
    server = start_server(kernels=1, unclaimed_seconds=3600)
    answer, body = server.ask("/health", known=False)
    assert (answer.status, json.loads(body)) == (
        200,
        {"status": "ok", "problems": [], "busy": []},
    )
    page = server.ask("/voila/render/panel.ipynb")[1]
    answer, body = server.ask("/health", known=False)
    assert (answer.status, json.loads(body)["status"]) == (200, "ok")  # full, but well
    assert json.loads(body)["busy"] == ["All 1 kernels are in use."]
    answer, body = server.ask("/voila/render/panel.ipynb")
    assert answer.status == 503
    assert "All 1 pages that this server can keep open are in use." in body

    counted = dict(
        re.findall(r"^sightline_(\S+) (\S+)$", server.ask("/metrics", known=False)[1], re.MULTILINE)
    )
    assert counted['kernels{for="page"}'] == "1"
    assert counted['refusals_total{what="kernel"}'] == "1"
    assert counted["sessions"] == "1"
    assert counted["searches_total"] == "0"
    assert int(counted['requests_total{status="2xx"}']) >= 2
    assert int(counted['disk_free_bytes{of="casework"}']) > 0

    kernel = re.search(r'"kernelId": "([\w-]+)"', page)
    assert kernel is not None
    assert json.loads(server.ask(f"/alive/{kernel[1]}", known=False)[1]) == {"alive": True}
    assert json.loads(server.ask("/alive/1-2-3-4-5", known=False)[1]) == {"alive": False}
    assert server.ask("/alive/1-2-3-4-5/x", known=False)[0].status == 401
    # Through a proxy they are for administrators who have signed in, and this desk has none.
    for path in ("/health", "/metrics"):
        assert server.ask(path, known=False, X_Forwarded_For="192.0.2.1")[0].status == 401
        assert server.ask(path, X_Forwarded_For="192.0.2.1")[0].status == 403


def test_only_requests_from_this_machine_are_for_operators() -> None:
    class Connection:
        def __init__(self, family: int) -> None:
            self.context = type("Context", (), {"address_family": family, "protocol": "http"})()
            self.context.remote_ip = ""

        def set_close_callback(self, _: object) -> None:
            """Nothing closes it."""

    def asks(path: str, address: str, family: int = 2, **headers: str) -> bool:
        connection: Any = Connection(family)
        connection.context.remote_ip = address
        request = HTTPServerRequest(
            start_line=RequestStartLine("GET", path, "HTTP/1.1"),
            headers=HTTPHeaders({"Host": "localhost", **headers}),
            connection=connection,
        )
        return is_for_operators(request, Address.parse("https://faces.example/base/"))

    assert asks("/base/health", "127.0.0.1")
    assert asks("/base/metrics", "::1", 10)
    assert asks("/base/health", "0.0.0.0", 1)  # a Unix socket
    assert asks("/base/health", "127.0.0.1", Host="127.0.0.1:8866")
    assert asks("/base/health", "127.0.0.1", Host="faces.example")
    # A page of another site, whose name leads to this machine (DNS rebinding).
    assert not asks("/base/health", "127.0.0.1", Host="elsewhere.example:8866")
    assert not asks("/base/health", "127.0.0.1", Origin="http://elsewhere.example")
    assert not asks("/base/health", "127.0.0.1", **{"Sec-Fetch-Site": "cross-site"})
    assert not asks("/base/health", "192.0.2.1")
    assert not asks("/base/health", "127.0.0.1", **{"X-Forwarded-For": "127.0.0.1"})
    assert not asks("/base/", "127.0.0.1")
    assert not asks("/base/health/x", "127.0.0.1")

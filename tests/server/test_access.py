"""Who is let in, and what there is to reach once inside."""

from __future__ import annotations

from typing import Any

import pytest

KERNEL = "00000000-0000-0000-0000-000000000000"
ROUTES = [
    "/",
    "/frame",
    "/voila/render/panel.ipynb",
    f"/api/kernels/{KERNEL}",
    f"/api/kernels/{KERNEL}/channels",
    "/voila/templates/sightline/static/theme.css",
    "/voila/static/theme.css",
    "/voila/labextensions/anywidget/package.json",
    "/voila/api/themes/@jupyterlab/theme-light-extension/index.css",
    "/no/such/page",
]


@pytest.mark.parametrize("path", ROUTES)
def test_no_route_is_open_without_the_token(served: Any, path: str) -> None:
    answer, body = served.ask(path, known=False)
    assert answer.status == 401
    assert "Sign in</h1>" in body


@pytest.mark.parametrize("path", ROUTES)
def test_a_wrong_token_opens_nothing(served: Any, path: str) -> None:
    assert served.ask(f"{path}?token=wrong", known=False)[0].status == 403
    wrong = {"Authorization": "token wrong"}
    assert served.ask(path, known=False, **wrong)[0].status == 401
    assert served.ask(path, known=False, Cookie=f"{_cookie_name(served)}=x")[0].status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_no_method_is_open_without_the_token(served: Any, method: str) -> None:
    for path in ("/", f"/voila/api/shutdown/{KERNEL}", f"/api/kernels/{KERNEL}"):
        assert served.ask(path, method=method, known=False)[0].status == 401


def test_the_token_is_traded_for_a_cookie_and_leaves_the_address(served: Any) -> None:
    path = f"/voila/render/panel.ipynb?token={served.token}&camera=CAM-001"
    answer, _ = served.ask(path, known=False)
    assert answer.status == 302
    assert answer.headers["Location"] == "/voila/render/panel.ipynb?camera=CAM-001"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert served.token not in cookie
    page, body = served.ask("/", known=False, Cookie=cookie.split(";")[0])
    assert page.status == 200
    assert "&lt;A&gt; panel" in body


def test_the_redirect_stays_on_this_server(served: Any) -> None:
    answer, _ = served.ask(f"//elsewhere.example/?token={served.token}", known=False)
    assert (answer.status, answer.headers["Location"]) == (400, None)


@pytest.mark.parametrize("scheme", ["token", "Bearer"])
def test_a_script_shows_the_token_in_a_header(served: Any, scheme: str) -> None:
    authorization = {"Authorization": f"{scheme} {served.token}"}
    assert served.ask("/", known=False, **authorization)[0].status == 200


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "image"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Dest": "iframe"},
    ],
    ids=["origin", "sandbox", "picture", "frame"],
)
def test_a_page_of_another_site_is_refused(served: Any, path: str, headers: dict[str, str]) -> None:
    assert served.ask(path, **headers)[0].status == 403


def test_another_site_may_link_here(served: Any) -> None:
    headers = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}
    assert served.ask("/", **headers)[0].status == 200
    assert served.ask("/", method="POST", **headers)[0].status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/voila/render/nothing.ipynb",
        "/voila/render/notes.txt",
        "/voila/render/../notes.txt",
        "/voila/render/..%2Fpanel.ipynb",
        "/voila/render/%2e%2e/panel.ipynb",
        "/voila/render/",
        "/voila/files/notes.txt",
        "/voila/files/panel.ipynb",
        "/voila/tree",
        "/voila/api/contents",
        "/voila/api/contents/panel.ipynb",
        "/voila/static/../conf.json",
        "/voila/static/..%2f..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/voila/static//etc/passwd",
        "/voila/templates/sightline/static/../../../../../../application.py",
        "/voila/templates/sightline/index.html.j2",
        "/voila/labextensions/..%2f..%2f..%2f..%2f..%2fetc/passwd",
        "/api",
        "/api/contents",
        "/api/contents/notes.txt",
        "/api/kernels",
        "/api/kernelspecs",
        "/api/sessions",
        "/api/terminals",
        "/terminals/websocket/1",
        "/files/notes.txt",
        "/tree",
        "/lab",
        "/login",
    ],
)
def test_there_is_nothing_else_to_reach(served: Any, path: str) -> None:
    answer, body = served.ask(path)
    assert answer.status in {403, 404}
    assert "not for the page" not in body
    assert "root:" not in body
    assert "Traceback" not in body
    assert "/site-packages/" not in body


@pytest.mark.parametrize(
    "path", ["/", "/frame", "/no/such/page", "/voila/static/theme.css", "/voila/static/none.css"]
)
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_carries_the_security_headers(served: Any, path: str, known: bool) -> None:
    headers = served.ask(path, known=known)[0].headers
    policy = headers["Content-Security-Policy"]
    if path == "/frame":
        assert "sandbox allow-scripts;" in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
    else:
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
        assert "'unsafe-inline'" not in scripts
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Server" not in headers


def test_scripts_and_styles_are_compressed_and_nothing_else(served: Any) -> None:
    for path in ("/voila/static/theme.css", "/voila/static/plotly.min.js"):
        plain = served.ask(path)[1]
        answer, packed = served.ask(path, Accept_Encoding="gzip")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(packed) < len(plain) / 2
        again, kept = served.ask(path, Accept_Encoding="gzip")
        assert (again.headers["Content-Encoding"], kept) == ("gzip", packed)
        assert served.ask(path)[1] == plain
        assert answer.headers["ETag"]  # so a browser that has it need not load it again
    for path in ("/", "/no/such/page"):
        answer, _ = served.ask(path, Accept_Encoding="gzip")
        assert "Content-Encoding" not in answer.headers


def test_the_log_holds_no_token(served: Any) -> None:
    served.ask(f"/no/such/page?token={served.token}")
    served.ask("/no/such/page?name=somebody")
    log = served.log.read_text()
    assert "/no/such/page" in log
    assert served.token not in log
    assert "somebody" not in log


def _cookie_name(served: Any) -> str:
    answer, _ = served.ask(f"/?token={served.token}", known=False)
    name: str = answer.headers["Set-Cookie"].split("=")[0]
    return name

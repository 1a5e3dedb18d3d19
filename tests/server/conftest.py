"""A server in a process of its own, and a client that follows no redirect."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nbformat
import psutil
import pytest
from proxied import BASE, HOST, Proxy

SERVE = Path(__file__).with_name("serve.py")
# Tells what its kernel knew of the request, and had imported before.
ASKED = """import os, sys
known = "workbench.widgets.investigate.page" in sys.modules
from pathlib import Path
from workbench.casework.record.identity import identity_of_user
told = identity_of_user(Path(os.environ["SIGHTLINE_HOME"]) / "casework")
from importlib.util import find_spec
print("beside:", find_spec("beside"))
print("told:", told.account, "by", told.way, "|", os.environ["SIGHTLINE_SERVED"])
print("query:", os.environ["QUERY_STRING"], "| warm:", known, "| history:", len(In), dir()[0])"""

MEDDLER = """import os
from pathlib import Path
from workbench.errors import SettingsError
from workbench.casework.signedin import end_sessions
try:
    print(end_sessions(Path(os.environ["SIGHTLINE_HOME"]) / "casework", "root"))
except SettingsError as error:
    print(error)"""


@dataclass
class Served:
    """A running server; ``log`` is what it wrote to standard error."""

    process: subprocess.Popen[str]
    address: str
    token: str
    log: Path

    def ask(
        self, path: str, *, method: str = "GET", known: bool = True, **headers: str
    ) -> tuple[HTTPResponse, str]:
        """One request, with the token in its header if ``known``: the answer and its body."""
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=120)
        if known and self.token:
            headers = {"Authorization": f"token {self.token}"} | headers
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        connection.close()
        return answer, body

    def sign_in(self) -> str:
        """Trade the token for a cookie, as a browser does; the cookie's name and value."""
        answer, _ = self.ask(f"/?token={self.token}", known=False)
        cookie: str = answer.headers["Set-Cookie"].split(";")[0]
        return cookie

    def kernels(self) -> list[psutil.Process]:
        """The kernels that this server has started and that still run."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # or none any more, but for its number
                parent = child.parent()
                forked = parent is not None and "workbench.server.forking" in parent.cmdline()
                if forked or "ipykernel_launcher" in child.cmdline():
                    found.append(child)
        return found


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """``servers(warm=…, …)``: a server of dashboards, one broken, and a text file."""
    folder = tmp_path_factory.mktemp("served")
    gallery, dashboards = folder / "gallery.duckdb", folder / "dashboards"
    gallery.touch()
    dashboards.mkdir()
    for name, source, about in (
        ("panel", "import ipywidgets\nipywidgets.IntSlider(value=3)", {"title": "<A> panel"}),
        ("asked", ASKED, {"title": "Asked", "order": 3}),
        ("meddler", MEDDLER, {"title": "Meddler", "order": 4}),
        ("broken", "raise ValueError('a secret detail')", {"title": "Broken", "order": 2}),
    ):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source)],
            metadata={"sightline": {"order": 1} | about},
        )
        nbformat.write(notebook, dashboards / f"{name}.ipynb")
    (dashboards / "notes.txt").write_text("not for the page")
    started: list[subprocess.Popen[str]] = []

    def start(
        *,
        warm: int = 0,
        cwd: Path | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        **options: Any,
    ) -> Served:
        log = folder / f"{len(started)}.log"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, SERVE, gallery, dashboards, str(warm), json.dumps(options)],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                cwd=cwd,
                env={**os.environ, **environment},
            )
        started.append(process)
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, log.read_text()
        return Served(
            process, address, parse_qs(urlsplit(address).query).get("token", [""])[0], log
        )

    yield start
    end(started)


@pytest.fixture(scope="module")
def start_server(servers: Callable[..., Served]) -> Iterator[Callable[..., Served]]:
    """The same, of servers that end with the module of their tests."""
    started: list[subprocess.Popen[str]] = []

    def start(**options: Any) -> Served:
        server = servers(**options)
        started.append(server.process)
        return server

    yield start
    end(started)


def end(processes: list[subprocess.Popen[str]]) -> None:
    """End servers, all at once."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(120)


@pytest.fixture(scope="session")
def served(servers: Callable[..., Served]) -> Served:
    return servers()


@pytest.fixture(scope="session")
def gate(servers: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server behind a proxy that is known as the account of the tests, on a Unix socket."""
    path = tmp_path_factory.mktemp("gate") / "s"
    server = servers(
        socket_path=str(path), address=f"https://{HOST}{BASE}",
        proxy={"account": str(os.getuid()), "signed_out": f"https://{HOST}/oauth2/sign_out"},
    )  # fmt: skip

    def connect() -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.connect(str(path))
        return line

    return server, Proxy(connect), path

"""What speaks to the API's process as the server does, for whoever has signed in."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.server.api.wire import ACCOUNT, WAY

AREA = {
    "type": "Polygon",
    "coordinates": [[[-0.03, 51.46], [0.02, 51.46], [0.02, 51.5], [-0.03, 51.5], [-0.03, 51.46]]],
}
SCOPE = {"district": AREA, "start": "2026-03-29T00:00:00+00:00", "end": "2026-03-30T00:00:00+00:00"}


@dataclass
class Answer:
    status: int
    kind: str
    body: bytes
    retry_after: str | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("api", timeout=120)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


@dataclass
class Api:
    """The process; ``ask`` does what the server does for whoever has signed in."""

    process: subprocess.Popen[str]
    path: Path

    def ask(
        self,
        who: str,
        method: str,
        path: str,
        document: Any = None,
        *,
        way: str = "hub",
        **headers: str,
    ) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who:
            sent |= {ACCOUNT: quote(who), WAY: way}
        body = json.dumps(document) if isinstance(document, dict) else document
        connection = OverUnix(self.path)
        connection.request(method, f"/v1/{path}", body=body, headers=sent)
        answer = connection.getresponse()
        found = Answer(
            answer.status, answer.headers.get_content_type(), answer.read(),
            answer.headers["Retry-After"],
        )  # fmt: skip
        connection.close()
        return found

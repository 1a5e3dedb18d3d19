"""The API's process with this one as its server, and people who have signed in."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiprocess import SCOPE, Api
from office import Office

from workbench.demo import demo_town


@pytest.fixture
def town(small_town: Path, office: Office) -> Path:
    """The small town's gallery, in the office."""
    return small_town


@pytest.fixture
def api(office: Office, town: Path, tmp_path: Path) -> Iterator[Api]:
    path = tmp_path / "api.sock"
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.server.api", path, town],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield Api(process, path)
    assert process.stdin is not None
    process.stdin.close()  # as when the server ends
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def photographs() -> list[dict[str, Any]]:
    """Three photographs of the wanted person, as they are sent."""
    return [
        {
            "name": path.name,
            "content": base64.b64encode(path.read_bytes()).decode(),
            "source": "album",
            "given_by": "the mother",
            "taken": "2025",
            "changes": "nothing",
        }
        for path in demo_town().photographs["Maren Holt"]
    ]


@pytest.fixture
def asked(photographs: list[dict[str, Any]]) -> dict[str, Any]:
    """A request that nothing is wrong with."""
    return {
        "reference": "A/1", "template": "missing-person", "title": "A child from the Old Town",
        "authority": "Public prosecutor", "authorisation": "P 117/26", **SCOPE,
        "photographs": photographs,
    }  # fmt: skip


@pytest.fixture
def opened(api: Api, asked: dict[str, Any]) -> str:
    """The case A/1: anna requested it, sara approved it."""
    digest = api.ask("anna", "POST", "cases", asked).json["digest"]
    approved = api.ask("sara", "POST", "cases/A%2F1/approve", {"digest": digest})
    assert approved.json["status"] == "open"
    return "A/1"

"""A team's server, and people who are connected to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from apiprocess import SCOPE
from office import Office
from teamserver import TeamServer

from workbench.client import Connection, connect
from workbench.client.documents import scope_from
from workbench.domain import Scope


@pytest.fixture
def team(office: Office, small_town: Path, tmp_path: Path) -> Iterator[TeamServer]:
    server = TeamServer(small_town, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def scope() -> Scope:
    """The small town, for the day of its footage."""
    return scope_from(SCOPE)


@pytest.fixture
def anna(team: TeamServer) -> Connection:
    return connect(team.address, token="token-of-anna")


@pytest.fixture
def sara(team: TeamServer) -> Connection:
    return connect(team.address, token="token-of-sara")

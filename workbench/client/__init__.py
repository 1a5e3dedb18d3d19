"""Client of a team's server: from Python, the command line, or a notebook on a hub."""

from __future__ import annotations

from workbench.client.connection import Connection, connect

__all__ = ["Connection", "connect"]

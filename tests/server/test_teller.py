"""Kernels are told whom they work for; whoever else asks is told that it is nobody."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.casework.record.identity import sockets_in


def test_two_servers_of_one_installation_each_know_their_own(
    start_server: Callable[..., Any], served: Any, home: Path
) -> None:
    first, second = start_server(), served
    for server in (first, second):
        assert "by token | 1" in server.ask("/voila/render/asked.ipynb")[1]
    first.process.kill()
    first.process.wait()
    assert "by token | 1" in second.ask("/voila/render/asked.ipynb")[1]
    before = set(sockets_in(home / "casework"))
    third = start_server()
    assert "by token | 1" in third.ask("/voila/render/asked.ipynb")[1]
    gone = before - set(sockets_in(home / "casework"))
    assert len(gone) == 1  # the socket of the server that was killed


def test_the_answer_is_one_line(served: Any, home: Path) -> None:
    assert served.process.poll() is None
    for name in sockets_in(home / "casework"):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(home / "casework/run" / name))
            assert json.loads(line.makefile("rb").read()) == {"account": None}

"""Kernels are told whom they work for; whoever else asks is told that it is nobody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.record.identity import SERVED, identity_of_user, sockets_in
from workbench.errors import NotPermitted


def test_a_process_that_is_no_kernel_is_nobody(
    served: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell of the server's own account included, whatever its environment says."""
    monkeypatch.setenv(SERVED, "1")
    assert served.kernels() is not None
    with pytest.raises(NotPermitted, match="no one has signed in"):
        identity_of_user(home / "casework")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another account")
def test_another_account_cannot_ask(served: Any, home: Path) -> None:
    assert served.process.poll() is None
    (name, *_) = sockets_in(home / "casework")
    path = str(home / "casework/run" / name)
    asks = f"import os, socket; os.setuid(65534); socket.socket(socket.AF_UNIX).connect({path!r})"
    asked = subprocess.run(
        [sys.executable, "-c", asks], capture_output=True, text=True, check=False
    )
    assert "PermissionError" in asked.stderr


def test_two_servers_of_one_installation_each_know_their_own(
    start_server: Callable[..., Any], home: Path
) -> None:
    first, second = start_server(), start_server()
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

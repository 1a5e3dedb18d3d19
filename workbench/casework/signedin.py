"""Sessions of running servers, as the administrator lists and ends them.

Each server answers on a Unix socket in the casework folder: see
:mod:`workbench.server.administration`.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.record.identity import socket_address, sockets_in
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.casework.register import CaseRegister

KIND = "sessions"  # of the sockets
_SECONDS = 60.0  # it ends kernels meanwhile, which takes seconds


@dataclass(frozen=True)
class SignedInPerson:
    """One session of a running server, as the administrator sees it."""

    id: str
    account: str
    way: str
    began: datetime
    used: datetime
    kernels: int


def sessions_of(folder: Path) -> list[SignedInPerson]:
    """List the sessions of all servers that run on the casework folder *folder*.

    Raises
    ------
    SettingsError
        If a server refuses to answer.
    """
    return [session for name in sockets_in(folder, f"{KIND}-") for session in _ask(folder, name)]


def end_sessions(folder: Path, wanted: str) -> list[SignedInPerson]:
    """End the sessions of an account, or the one with an id, with their kernels; return them.

    Raises
    ------
    SettingsError
        If a server refuses to answer.
    """
    return [
        session
        for name in sockets_in(folder, f"{KIND}-")
        for session in _ask(folder, name, end=wanted)
    ]


def end_on_record(register: CaseRegister, wanted: str) -> list[SignedInPerson]:
    """End the sessions of an account, or the one with an id, with an entry of each before.

    Raises NotPermitted if the user is not an administrator, on record, and what
    :func:`end_sessions` raises.
    """
    register.require("session.end")
    for one in sessions_of(register.folder):
        if wanted in {one.id, one.account}:  # before it is done, so that no end is without it
            about = {"id": one.id, "account": one.account, "way": one.way}
            register.record("session.ending", about | {"began": one.began.isoformat()})
    return end_sessions(register.folder, wanted)


def _ask(folder: Path, name: str, **question: str) -> list[SignedInPerson]:
    try:
        with socket_address(folder, name) as address, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_SECONDS)
            line.connect(address)
            line.sendall(json.dumps(question).encode() + b"\n")
            answer = json.loads(line.makefile("rb").read())
    except ConnectionRefusedError:
        return []  # of a server that was killed
    except TimeoutError:
        raise SettingsError(
            f"the server has not answered within {_SECONDS:g} s",
            where=str(folder / "run" / name),
            fix="List the sessions again: it may have ended some",
        ) from None
    except (OSError, ValueError) as error:
        answer = {"refused": error}
    if "sessions" not in answer:
        raise SettingsError(
            "the server does not answer this process",
            where=str(folder / "run" / name),
            fix="Run the command as the account of the server, in a shell of its own",
        )
    return [
        SignedInPerson(
            **one
            | {"began": datetime.fromisoformat(one["began"])}
            | {"used": datetime.fromisoformat(one["used"])}
        )
        for one in answer["sessions"]
    ]

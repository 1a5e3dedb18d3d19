"""Identity of the person whom this process works for.

At a desk, the operating system says it: the account that owns the process. Kernels of the server
run as the server's own account; the person whose page they serve is told by the server, over a Unix
socket in the casework folder. The server knows the kernel by its process, and the kernel believes
only a socket of the account that owns the casework folder: neither a page nor an environment can
say who a person is. Variables such as ``USER`` or ``JUPYTERHUB_USER`` are ignored.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import struct
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from workbench.casework.record.acting import acts_for
from workbench.errors import NotPermitted

Way: TypeAlias = Literal["account", "token", "hub", "proxy", "part in training"]
WAYS: tuple[Way, ...] = get_args(Way)
"""How a person is known: as an account at a desk, or by signing in at the server. A part in
training is played by somebody who has signed in, in the demo's own home alone."""

PART: Way = "part in training"

SERVED = "SIGHTLINE_SERVED"
"""Variable that the server sets for its processes: they must be told whom they work for."""

SOCKET = Path("run") / "who.sock"
"""Place of the server's socket, in the casework folder; of several servers, ``who-….sock`` each."""

_SECONDS = 10.0  # a busy server answers late; none takes this long
_MOST_BYTES = 4096
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """Account of a person, in one spelling, and how the person is known."""

    account: str
    way: Way
    played_by: str = ""  # account of the person who plays the part, if it is one

    def document(self) -> dict[str, str]:
        """Return the identity as JSON values, as the server tells it."""
        said = {"account": self.account, "way": self.way}
        return {**said, "played_by": self.played_by} if self.played_by else said


def identity_of_user(folder: Path) -> Identity:
    """Tell whom this process works for now.

    Parameters
    ----------
    folder : Path
        The casework folder.

    Raises
    ------
    NotPermitted
        If the process is the server's and no one has signed in for it, or its server cannot be
        asked.
    """
    acting = acts_for()
    if acting is not None:
        return _identity(*acting, where="the server's API")
    if os.environ.get(SERVED):
        return _told(folder)
    return Identity(normal_name(account_of_process()), "account")


def account_of_process() -> str:
    """Return the name of the operating system's account that owns this process."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def normal_name(account: str) -> str:
    """Return the name of an account in its one spelling (NFC); raise NotPermitted if it is none.

    Spaces around it, control characters and invisible ones are refused: such a name could be read
    as another.
    """
    name = unicodedata.normalize("NFC", account)
    # Controls, invisible and unassigned characters, and every space but the plain one.
    hidden = [c for c in name if unicodedata.category(c)[0] in "CZ" and c != " "]
    if not name or name != name.strip() or hidden or len(name) > _LONGEST_NAME:
        raise NotPermitted(
            f"{name[:_LONGEST_NAME]!r} is not the name of an account",
            where="account",
            fix="Use the name without spaces around it and without invisible characters",
        )
    return name


def namesake(account: str, known: Collection[str]) -> str:
    """Return the known name that differs from *account* by case alone; empty if there is none."""
    folded = account.casefold()
    return next((name for name in known if name != account and name.casefold() == folded), "")


def sockets_in(folder: Path, kind: str = SOCKET.stem) -> list[str]:
    """List the names of the servers' sockets of one kind in the casework folder *folder*."""
    return sorted(path.name for path in (folder / SOCKET.parent).glob(f"{kind}*.sock"))


@contextlib.contextmanager
def socket_address(folder: Path, name: str = SOCKET.name) -> Iterator[str]:
    """Address of a server's socket, short enough for the operating system wherever it lies.

    Raises OSError if there is no folder for it. The address is valid within the block.
    """
    run = os.open(folder / SOCKET.parent, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{run}/{name}"
    finally:
        os.close(run)


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Return the process and the account (uid) at the other end of a Unix socket."""
    size = struct.calcsize("3i")
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, uid, _ = struct.unpack("3i", found)
    return pid, uid


def _told(folder: Path) -> Identity:
    """Ask each server of this installation; only the one that started this process knows it."""
    refused = _nobody(folder, "the server does not say who it is (none is running)")
    for name in sockets_in(folder):
        try:
            answer = _answer(folder, name)
        except (ConnectionRefusedError, FileNotFoundError):
            continue  # of a server that was killed, or has just ended
        except OSError as error:
            why = error.strerror or error
            refused = _nobody(folder, f"the server does not say who it is ({why})")
        except ValueError:
            refused = _nobody(folder, "the server's answer cannot be read")
        except NotPermitted as error:
            refused = error
        else:
            if isinstance(answer, dict) and answer.get("account"):
                player = answer.get("played_by", "")
                return _identity(
                    answer["account"], answer.get("way"), player, where=str(folder / SOCKET)
                )
            refused = _nobody(
                folder, "no one has signed in to the page that this process works for"
            )
    raise refused


def _answer(folder: Path, name: str) -> object:
    with socket_address(folder, name) as address, socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SECONDS)
        connection.connect(address)
        if peer_of(connection)[1] != folder.stat().st_uid:
            raise _nobody(folder, "what answers there is not the server of this installation")
        return json.loads(_line(connection))


def _line(connection: socket.socket) -> bytes:
    """Read one line, as far as there is one; never more than an answer can hold."""
    read = b""
    while b"\n" not in read and len(read) < _MOST_BYTES:
        part = connection.recv(_MOST_BYTES)
        if not part:
            break
        read += part
    return read


def _identity(account: object, way: object, played_by: object = "", *, where: str) -> Identity:
    whole = isinstance(played_by, str) and bool(played_by) == (way == PART)
    if way not in WAYS or not isinstance(account, str) or not whole:
        raise NotPermitted(
            f"{account!r} by {way!r} is not a person who has signed in",
            where=where,
            fix="Sign in again",
        )
    player = normal_name(str(played_by)) if played_by else ""
    return Identity(normal_name(account), way, player)


def _nobody(folder: Path, what: str) -> NotPermitted:
    return NotPermitted(
        what, where=str(folder / SOCKET), fix="Reload the page; if it stays so, sign in again"
    )

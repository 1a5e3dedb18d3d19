"""Checks of an installation that serves a team: files, clock, limits and server."""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import resource
import shlex
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.evidence.archive import UNFINISHED
from workbench.casework.record.audit import HEAD, LOG, verify
from workbench.casework.record.identity import SOCKET, peer_of, socket_address, sockets_in
from workbench.casework.record.people import read_people
from workbench.casework.register import FOLDER, all_entries
from workbench.doctor import serving
from workbench.errors import SightlineError
from workbench.gallery.opening import folder_of

if TYPE_CHECKING:
    from workbench.settings import Settings

LEAST_FILES = 4096  # that the server may have open: a page takes some twenty
_TIME_ERROR = 5  # of adjtimex: the clock is not synchronised
_SECONDS = 5.0


def looks(settings: Settings) -> dict[str, Callable[[], str]]:
    """List the checks by name; each returns what was found, or raises SightlineError."""
    folder = settings.home.resolve() / FOLDER
    found: dict[str, Callable[[], str]] = {"casework": lambda: _casework(folder)}
    if not folder.is_dir():
        return found
    found["files of the service account"] = lambda: _files(settings, folder)
    found["leftovers of backups"] = lambda: _leftovers(settings)
    found["leftovers of exports"] = lambda: _unfinished(settings)
    found["clock"] = lambda: _clock(folder)
    found["limits of a process"] = lambda: _limits(folder)
    found["server"] = lambda: _server(folder)
    return found | serving.looks(settings, folder)


def _casework(folder: Path) -> str:
    if not folder.exists():
        return "none yet; training only, until a role is granted with `sightline people grant`"
    people = read_people(folder)
    if (folder / LOG).exists():
        found = verify(folder)
        if not found.sound:
            raise SightlineError(
                f"the audit record was altered ({found.faults[0]})",
                where=str(folder),
                fix="Run `sightline audit verify`",
            )
        record = f"audit record of {found.entries:,} entries, intact; head {found.head}"
    else:
        record = "no audit record yet"
    state = f"{len(people.roles)} people" if people.in_service else "training only"
    return f"{state}; {record}"


def _files(settings: Settings, folder: Path) -> str:
    """Look whether all files are the account's own, and nobody else's to read."""
    number, owner = 0, folder.stat().st_uid
    if owner != os.getuid() and os.getuid() != 0:
        raise SightlineError(
            f"belongs to {_account(owner)}",
            where=str(folder),
            fix=f"Run this as {_account(owner)}, the service account",
        )
    for path in _private(settings, folder):
        number += 1
        status = path.lstat()
        # What a link may do is what its target may.
        mode = 0 if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)
        if status.st_uid != owner:
            raise SightlineError(
                f"belongs to {_account(status.st_uid)}, and the casework folder to "
                f"{_account(owner)}",
                where=str(path),
                fix=f"chown -R {_account(owner)} {settings.home}",
            )
        if mode & 0o077:
            raise SightlineError(
                f"can be read by others ({mode:04o})",
                where=str(path),
                fix=f"chmod -R u=rwX,go= {settings.home}",
            )
    return f"{number:,} files and folders of {_account(owner)}, which no other account may read"


def _leftovers(settings: Settings) -> str:
    """Look for links to faces that a backup left when the machine ended it: no purge sees them."""
    beside = {gallery.parent for gallery in _galleries(settings)}
    left = sorted(path for place in beside for path in place.glob("*.backup-??????"))
    if left:
        raise SightlineError(
            "holds links to faces of a gallery, which stay when the gallery purges them",
            where=", ".join(map(str, left)),
            fix=f"Unless deploy/backup is running: rm -r {shlex.join(map(str, left))}",
        )
    return "none"


def _unfinished(settings: Settings) -> str:
    """Look where evidence is usually exported to for what killed exports left: it shows faces."""
    places = {settings.home, Path.cwd(), *(gallery.parent for gallery in _galleries(settings))}
    left = sorted(
        {
            path.resolve()
            for place in places
            if place.is_dir()
            for path in place.glob(f".*.{UNFINISHED}-*")
        }
    )
    if left:
        raise SightlineError(
            "was left by an export that was killed, and shows faces",
            where=", ".join(map(str, left)),
            fix=f"Unless an export is running: rm {shlex.join(map(str, left))}",
        )
    return "none in the home, beside galleries and in the working directory"


def _private(settings: Settings, folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")
    if not read_people(folder).in_service:
        return  # a person at a desk may make galleries as the umask has them
    for gallery in _galleries(settings):
        yield from (one for one in (gallery, folder_of(gallery)) if one.exists())


def _galleries(settings: Settings) -> set[Path]:
    """Paths of the gallery that is set and of those in the home, in whatever folder."""
    inside = settings.home.resolve().rglob("*.gallery")
    return {settings.gallery_file.resolve(), *(path.with_suffix("") for path in inside)}


def _clock(folder: Path) -> str:
    """Look whether the clock is synchronised, and not before the last entry."""
    last = None
    if (folder / HEAD).exists():
        for entry in all_entries(folder):
            last = entry.at
    if last is not None and last > datetime.now(UTC):
        raise SightlineError(
            f"is before the last entry of the record ({last:%Y-%m-%d %H:%M:%S} UTC)",
            where="clock of this machine",
            fix="Set it right, and have it synchronised (chrony, systemd-timesyncd)",
        )
    state = _synchronised()
    if state is False and read_people(folder).in_service:
        raise SightlineError(
            "is not synchronised",
            where="clock of this machine",
            fix="Have it synchronised (chrony, systemd-timesyncd): the record rests on it",
        )
    words = {True: "synchronised", False: "not synchronised", None: "not known to be synchronised"}
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, {words[state]}"


def _synchronised() -> bool | None:
    """Ask the kernel; None where it does not say."""
    # struct timex: 208 bytes on 64-bit Linux; with modes 0 it is only read.
    buffer = ctypes.create_string_buffer(512)
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _limits(folder: Path) -> str:
    # The server takes what the hard limit leaves it.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < LEAST_FILES and read_people(folder).in_service:
        raise SightlineError(
            f"a process may open {most:,} files only",
            where="RLIMIT_NOFILE",
            fix=f"Set LimitNOFILE={LEAST_FILES} or more in the service unit, or `ulimit -Hn`",
        )
    return f"{'any number of' if most == resource.RLIM_INFINITY else f'{most:,}'} open files"


def _server(folder: Path) -> str:
    """Look which servers of this installation are running."""
    asked = (_asked(folder, name) for name in sockets_in(folder))
    running = sorted(pid for pid in asked if pid is not None)
    if not running:
        return "not running"
    return f"running as process {', '.join(map(str, running))}"


def _asked(folder: Path, name: str) -> int | None:
    """Ask who answers at a socket; return its process, or None where nothing does any more."""
    where = str(folder / SOCKET.parent / name)
    try:
        with socket_address(folder, name) as address, socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_SECONDS)
            connection.connect(address)
            pid, uid = peer_of(connection)
            answer = json.loads(connection.makefile().readline(4096))
    except (ConnectionRefusedError, FileNotFoundError):
        return None
    except (OSError, ValueError) as error:
        raise SightlineError(
            f"does not answer ({error})", where=where, fix="Start the server again"
        ) from None
    if uid != folder.stat().st_uid:
        raise SightlineError(
            f"answers as {_account(uid)}",
            where=where,
            fix="Stop that process: it is not the server of this installation",
        )
    if not isinstance(answer, dict) or answer.get("account") is not None:
        raise SightlineError(
            "takes this command for a person's page",
            where=where,
            fix="Stop that process, and start the server again",
        )
    return pid


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"

"""Secrets that an administrator keeps in a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from workbench.errors import SettingsError
from workbench.server.ways import SHORTEST_TOKEN


def read_secret(path: Path, *, option: str) -> str:
    """Read a secret that a file holds, which nobody but its owner may read.

    Raises
    ------
    SettingsError
        If it cannot be read, others may read it, it is not ours or the system's, or it is short.
    """
    what = ""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(file, encoding="utf-8") as opened:
            status = os.fstat(file)
            secret = opened.read(4096).strip() if stat.S_ISREG(status.st_mode) else ""
    except (OSError, UnicodeDecodeError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    else:
        if status.st_mode & 0o077:
            what = "may be read by others than its owner"
        elif status.st_uid not in {0, os.getuid()}:
            what = "belongs to another account"
        elif len(secret) < SHORTEST_TOKEN or not secret.isprintable() or " " in secret:
            what = f"does not hold a secret of at least {SHORTEST_TOKEN} characters"
    if what:
        raise SettingsError(
            what,
            where=f"{option} {path}",
            fix=f"Make it with `umask 077; openssl rand -hex 32 > {path}`, as the server's account",
        )
    return secret

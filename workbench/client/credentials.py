"""Credentials that a program shows a server: a token, or a name with its password."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import SettingsError

HUB_TOKEN = "JUPYTERHUB_API_TOKEN"  # noqa: S105 - the name of a variable
_LONGEST = 4096


@dataclass(frozen=True)
class Credential:
    """A token or, with a *user*, the password of that name; it is never shown.

    Parameters
    ----------
    secret : str
    user : str, optional
        Name that the password belongs to, as the proxy before the server knows it.
    """

    secret: str = field(repr=False)
    user: str = ""

    @property
    def kind(self) -> str:
        """Name of the kind of secret: token or password."""
        return "password" if self.user else "token"

    @property
    def authorization(self) -> str:
        """Value of the header ``Authorization``."""
        if not self.user:
            return f"Bearer {self.secret}"
        both = f"{self.user}:{self.secret}".encode()
        return f"Basic {base64.b64encode(both).decode()}"


def find_credential(
    *,
    token: str | None = None,
    token_file: Path | None = None,
    user: str | None = None,
    password: str | None = None,
    password_file: Path | None = None,
) -> Credential:
    """Return the password of *user* or the token: given, of a file, or what a hub gave this server.

    Raises
    ------
    SettingsError
        If there is none, more than one is given, or the file cannot be read or others may read it.
    """
    if user is None and (password is not None or password_file is not None):
        raise SettingsError(
            "a password is given without the name that it belongs to",
            where="user",
            fix="Give the name with which you sign in",
        )
    if user is not None and (token is not None or token_file is not None):
        raise SettingsError(
            "a token and a name with a password are given",
            where="token",
            fix="Give one of the two: a proxy that asks for a password takes no token",
        )
    if user is None:
        given = token is not None or token_file is not None
        found = _one("token", token, token_file) if given else os.environ.get(HUB_TOKEN, "")
        if not found:
            raise SettingsError(
                "there is none",
                where="token",
                fix="Give one, or the file that holds it; on a JupyterHub, your server has its own",
            )
        if not (found.isascii() and found.isprintable()) or " " in found:
            raise SettingsError(
                "holds a character that no token has", where="token", fix="Copy it again, alone"
            )
        return Credential(found)
    found = _one("password", password, password_file)
    if not user.isprintable() or ":" in user or not user:
        raise SettingsError(
            "is not a name that has a password", where="user", fix="Write it as where you sign in"
        )
    if not found:
        raise SettingsError(
            "there is none", where="password", fix="Give it, or the file that holds it"
        )
    if not found.isprintable():
        raise SettingsError(
            "holds a character that no password has", where="password", fix="Write it again"
        )
    return Credential(found, user)


def _one(what: str, given: str | None, file: Path | None) -> str:
    if given is not None and file is not None:
        raise SettingsError(
            f"a {what} and a file with one are given", where=what, fix="Give one of the two"
        )
    return (given or "") if file is None else _from_file(file, what)


def _from_file(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise SettingsError(
                    "may be read by others than its owner",
                    where=str(path),
                    fix=f"Run `chmod 600 {path}`; better, have a new {what} made first",
                )
            content = file.read(_LONGEST)
    except OSError as error:
        raise SettingsError(
            f"cannot be read ({error.strerror})",
            where=str(path),
            fix=f"Name the file of the {what}",
        ) from None
    try:
        # A password may begin or end with a space, and an editor ends the file with a line.
        text = content.decode()
        return text.strip() if what == "token" else text.rstrip("\r\n")
    except UnicodeDecodeError:
        raise SettingsError(
            "is not text", where=str(path), fix=f"Name the file of the {what}"
        ) from None

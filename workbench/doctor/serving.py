"""Checks of what serves a team on this machine: the unit, its secrets, and nginx with TLS.

They read files, as far as this account may, and ask the hub. What is not on this machine is not
looked at, and said to be none.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbench.doctor.nginx import Block, parse_nginx
from workbench.errors import SightlineError
from workbench.server.address import is_loopback
from workbench.server.hubapi import hub_version, people_with_servers

if TYPE_CHECKING:
    from workbench.settings import Settings

UNITS = "etc/systemd/system"
SITES = ("etc/nginx/conf.d", "etc/nginx/sites-enabled")
LEAST_DAYS = 14
"""Days for which a certificate should still be valid."""

_FORWARDED = {"x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded"}
_HEADER = "X-Remote-User"


@dataclass(frozen=True)
class Unit:
    """A unit of systemd that serves this installation."""

    path: Path
    said: Mapping[str, list[str]]
    command: list[str]

    def last(self, name: str) -> str:
        """Return what the unit says of *name* last; empty if nothing."""
        return self.said.get(name, [""])[-1]

    def option(self, name: str) -> str:
        """Return the value of an option of the command; empty if it is not given."""
        for number, word in enumerate(self.command):
            if word == name:
                return self.command[number + 1] if number + 1 < len(self.command) else ""
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return ""


def looks(
    settings: Settings, folder: Path, *, root: Path = Path("/")
) -> dict[str, Callable[[], str]]:
    """List the checks by name; each returns what was found, or raises SightlineError."""
    unit = _unit(settings, root)
    if unit is None:
        found: dict[str, Callable[[], str]] = {
            "service unit": lambda: f"none of this installation in /{UNITS}"
        }
        if address := os.environ.get("JUPYTERHUB_API_URL"):
            found["JupyterHub"] = lambda: f"version {hub_version(address)} at {address}"
        return found
    owner = folder.stat().st_uid
    found = {
        "service unit": lambda: _check_unit(unit, owner),
        "secrets of the service": lambda: _secrets(unit, owner, root),
        "TLS and proxy": lambda: _sites(unit, root),
    }
    if unit.option("--sign-in") == "hub":
        found["JupyterHub"] = lambda: _hub(unit, root)
    return found


def _unit(settings: Settings, root: Path) -> Unit | None:
    """Find the unit whose command serves this installation."""
    for path in sorted((root / UNITS).glob("*.service")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # of another account, and so not one that this account serves by
        said: dict[str, list[str]] = {}
        for line in text.replace("\\\n", " ").splitlines():
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith(("#", ";")):
                said.setdefault(name.strip(), []).append(value.strip())
        command = _words(said.get("ExecStart", [""])[-1])
        home = settings.home.resolve()
        variables = [word for line in said.get("Environment", []) for word in _words(line)]
        homes = [word.partition("=")[2] for word in variables if word.startswith("SIGHTLINE_HOME=")]
        if "serve" in command and homes and Path(homes[-1]).resolve() == home:
            return Unit(path, said, command)
    return None


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # an open quotation mark
        return line.split()


def _check_unit(unit: Unit, owner: int) -> str:
    where, account = str(unit.path), unit.last("User") or "root"
    try:
        runs_as = int(account) if account.isdecimal() else pwd.getpwnam(account).pw_uid
    except KeyError:
        runs_as = -1
    if runs_as != owner:
        raise SightlineError(
            f"runs as {account}, to whom the casework folder does not belong",
            where=where,
            fix="Set User= to the service account",
        )
    if unit.path.stat().st_mode & 0o022:
        raise SightlineError(
            "can be changed by others than its owner", where=where, fix=f"chmod go-w {where}"
        )
    if unit.last("OOMPolicy") != "continue":
        raise SightlineError(
            "has no OOMPolicy=continue: a page that takes too much memory ends all others",
            where=where,
            fix="Add it, as in deploy/sightline.service, then `systemctl daemon-reload`",
        )
    return f"{where}, runs as {account}"


def _secrets(unit: Unit, owner: int, root: Path) -> str:
    """Look whether the files with secrets that the command names are for their owner alone."""
    found = []
    for option in ("--hub-token", "--proxy-secret"):
        if not (given := unit.option(option)):
            continue
        path = root / given.removeprefix("/")
        try:
            status = path.lstat()
        except OSError as error:
            raise SightlineError(
                f"cannot be read ({error.strerror})",
                where=f"{option} {given}",
                fix=f"Make it as the service account: umask 077; openssl rand -hex 32 > {given}",
            ) from None
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISREG(status.st_mode) or mode & 0o077 or status.st_uid not in (0, owner):
            raise SightlineError(
                f"is not a file of the service account alone ({mode:04o})",
                where=f"{option} {given}",
                fix=f"chmod 600 {given}; have a new secret made if others may have read it",
            )
        found.append(f"{given} ({mode:04o})")
    return ", ".join(found) or "none in files"


def _sites(unit: Unit, root: Path) -> str:
    """Look at the sites of nginx that serve the pages, and at their certificates."""
    address = urlsplit(unit.option("--address"))
    host = address.hostname or ""
    if address.scheme != "https" and not is_loopback(host):
        raise SightlineError(
            "is not https: names, faces and sessions cross the network in the clear",
            where=f"--address {address.geturl()}",
            fix="Put a proxy with TLS in front, as deploy/nginx.conf does",
        )
    said = []
    for path, server in _servers(root):
        if host not in {name for names in server.values("server_name") for name in names}:
            continue
        _check_headers(path, server, unit)
        if server.values("ssl_certificate"):
            said.append(f"{path}, certificate {_certificate(path, server, root)}")
    return "; ".join(said) or f"no site of nginx with TLS on this machine names {host}"


def _servers(root: Path) -> Iterator[tuple[Path, Block]]:
    for folder in SITES:
        for path in sorted((root / folder).glob("*")):
            try:
                site = parse_nginx(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError):
                continue
            for block in site.blocks:
                if block.words == ["server"]:
                    yield path, block


def _check_headers(path: Path, server: Block, unit: Unit) -> None:
    name = unit.option("--proxy-header") or _HEADER
    for place, headers in server.passing():
        where = f"{path}, {place}"
        if unit.option("--sign-in") == "proxy" and name.lower() not in headers:
            raise SightlineError(
                f"passes on {name} as a browser sends it: anyone can use another's name",
                where=where,
                fix=f"Set it there: proxy_set_header {name} $remote_user; a block that sets any "
                "header has none of those around it",
            )
        if not headers & _FORWARDED:
            raise SightlineError(
                "does not say whom a request is from: anyone can read health and metrics",
                where=where,
                fix="Set it there: proxy_set_header X-Forwarded-For $remote_addr;",
            )


def _certificate(path: Path, server: Block, root: Path) -> str:
    """Tell until when the certificate of a site is valid; look at the mode of its key."""
    from cryptography import x509

    for key, *_ in server.values("ssl_certificate_key"):
        try:
            mode = stat.S_IMODE((root / key.removeprefix("/")).stat().st_mode)
        except OSError:
            continue  # in a folder that this account may not enter: all the better
        if mode & 0o007:
            raise SightlineError(
                f"can be read by every account ({mode:04o})", where=key, fix=f"chmod o= {key}"
            )
    given = server.values("ssl_certificate")[0][0]
    try:
        content = (root / given.removeprefix("/")).read_bytes()
        ends = x509.load_pem_x509_certificate(content).not_valid_after_utc
    except PermissionError:
        return "not readable by this account"
    except (OSError, ValueError) as error:
        raise SightlineError(
            f"cannot be read ({error})", where=given, fix=f"Correct ssl_certificate in {path}"
        ) from None
    if ends - datetime.now(UTC) < timedelta(days=LEAST_DAYS):
        raise SightlineError(
            f"is valid until {ends:%Y-%m-%d} alone", where=given, fix="Renew the certificate"
        )
    return f"valid until {ends:%Y-%m-%d}"


def _hub(unit: Unit, root: Path) -> str:
    """Ask the hub for its version, and whether anyone has a server there if none should have."""
    api = unit.option("--hub-api")
    version = f"version {hub_version(api)} at {api}"
    if "--hub-without-servers" not in unit.command:
        return version
    token = root / unit.option("--hub-token").removeprefix("/")
    try:
        people = people_with_servers(api, token.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SightlineError(
            f"cannot be read ({error.strerror})", where=str(token), fix="Run this as its owner"
        ) from None
    if people:
        raise SightlineError(
            f"has servers of {', '.join(people[:3])}: their pages could act as other people here",
            where=api,
            fix="Give the pages a host name of their own, or let no one have servers there",
        )
    return f"{version}, where no one has a server"

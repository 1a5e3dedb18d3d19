"""People: the identity of the user, and what their roles permit.

Users do not type who they are. At a desk (and behind ``sightline serve``, which runs its kernels as
the person who started it), the operating system says it: the account that owns this process. Behind
JupyterHub, the hub is asked with the token it gave to the user's server. Which of the two counts,
and who has which role, is set in ``people.json`` in the casework folder, kept by the administrator;
variables such as ``USER`` or ``JUPYTERHUB_USER`` are ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from workbench.errors import NotPermitted, SettingsError

if TYPE_CHECKING:
    from workbench.casework.record.jupyterhub import Answers

PEOPLE = "people.json"

Role: TypeAlias = Literal["analyst", "reviewer", "supervisor", "auditor", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)

Action: TypeAlias = Literal[
    "case.ask", "case.read", "case.approve", "case.close", "training.use", "search", "shot.view",
    "review.first", "review.second", "review.fillers", "evidence.export", "clock.view",
    "clock.correct", "footage.import", "retention.purge", "subject.delete", "audit.read",
    "people.change",
]  # fmt: skip
ACTIONS: tuple[Action, ...] = get_args(Action)

MAY: Mapping[Role, frozenset[Action]] = {
    "analyst": frozenset(
        {
            "case.ask",
            "case.read",
            "case.close",
            "training.use",
            "search",
            "shot.view",
            "review.first",
            "evidence.export",
            "clock.view",
        }
    ),
    "reviewer": frozenset(
        {"case.read", "training.use", "shot.view", "review.first", "review.second"}
    ),
    "supervisor": frozenset(
        {
            "case.ask",
            "case.read",
            "case.approve",
            "case.close",
            "training.use",
            "shot.view",
            "review.second",
            "review.fillers",
            "evidence.export",
            "clock.view",
            "clock.correct",
            "footage.import",
            "subject.delete",
        }
    ),
    "auditor": frozenset({"case.read", "audit.read"}),
    "administrator": frozenset(
        {
            "clock.view",
            "clock.correct",
            "footage.import",
            "retention.purge",
            "subject.delete",
            "people.change",
        }
    ),
}
"""Actions that each role permits. An auditor has no other role. Without a people file, everyone may
train, and no one may do anything else. Who searches may not correct clocks or list footage: a
time or a place can bring footage into the scope of a case, or take it out."""

# Permitted to everyone in an installation that is not in service.
_TRAINEE: frozenset[Action] = frozenset(
    {
        "case.read",
        "training.use",
        "shot.view",
        "review.first",
        "evidence.export",
        "clock.view",
        "clock.correct",
        "footage.import",
        "audit.read",
    }
)
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Person:
    """A user, as identified by the operating system or the hub."""

    account: str
    source: Literal["account", "jupyterhub"]
    uid: int  # of this process
    roles: frozenset[Role]
    in_service: bool = True  # whether there is a people file

    def may(self, action: Action) -> bool:
        """Check that one of the person's roles permits an action."""
        if not self.in_service:
            return action in _TRAINEE
        return any(action in MAY[role] for role in self.roles)

    def require(self, action: Action) -> None:
        """Raise NotPermitted if none of the person's roles permits an action."""
        if self.may(action):
            return
        if not self.in_service:
            raise NotPermitted(
                f"{self.account} may only train: this installation has granted no roles yet",
                where=action,
                fix="Ask the administrator to grant roles with `sightline people grant`",
            )
        holders = [role for role in ROLES if action in MAY[role]]
        own = ", ".join(sorted(self.roles)) or "no role"
        raise NotPermitted(
            f"{self.account} has {own}; this action requires {' or '.join(holders)}",
            where=action,
            fix="Ask a person with that role, or the administrator",
        )

    def named(self) -> dict[str, Any]:
        """Return the identity as JSON values, as the record keeps it."""
        return {"account": self.account, "source": self.source, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class People:
    """People file: where identities come from, and the roles and keys of each account."""

    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    hub: str = ""  # address of the hub's API; if empty, accounts of this machine count
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # public, see .keys
    digest: str = ""  # SHA-256 of the file; empty if there is none

    @property
    def in_service(self) -> bool:
        """True if there is a people file, so that roles count."""
        return bool(self.digest)

    def document(self) -> dict[str, Any]:
        """Return the contents of the file as JSON values."""
        return {
            "hub": self.hub,
            "people": {name: sorted(roles) for name, roles in sorted(self.roles.items()) if roles},
            # Kept when roles are revoked, so that earlier signatures stay valid.
            "keys": {name: list(known) for name, known in sorted(self.keys.items())},
        }

    def changed(self, account: str, role: str, *, granted: bool) -> People:
        """Return a copy with a role granted or revoked; raise SettingsError if it is not a role."""
        if role not in ROLES:
            raise SettingsError(
                f"{role!r} is not a role", where=account, fix=f"Choose from {', '.join(ROLES)}"
            )
        before = self.roles.get(account, frozenset())
        after = before | {role} if granted else before - {role}
        return People(_checked({**self.roles, account: after}), self.hub, self.keys)

    def with_key(self, account: str, key: str) -> People:
        """Return a copy with one more public key for an account."""
        known = tuple(dict.fromkeys((*self.keys.get(account, ()), key.strip().lower())))
        return People(self.roles, self.hub, _checked_keys({**self.keys, account: known}))


def read_people(folder: Path) -> People:
    """Read the people file of a casework folder; no people if there is none.

    Raises
    ------
    SettingsError
        If anyone but its owner may write it, or its contents are not valid.
    """
    path = folder / PEOPLE
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return People()
    except OSError as error:
        raise _unusable(path, f"cannot be opened ({error.strerror})") from None
    try:
        status, owner = os.fstat(file), folder.stat().st_uid
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise _unusable(path, "is a link or not a regular file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _unusable(path, "is writable by others than its owner")
        if status.st_uid not in (0, owner):
            raise _unusable(path, "does not belong to the owner of the casework folder")
        content = os.read(file, _MOST_BYTES)
    finally:
        os.close(file)
    try:
        document = json.loads(content)
        hub = str(document.get("hub", ""))
        roles = {str(name): frozenset(given) for name, given in document["people"].items()}
        keys = {str(name): tuple(known) for name, known in document.get("keys", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, f"is not a people file ({error!r})") from None
    if hub and (urlsplit(hub).scheme not in {"http", "https"} or not urlsplit(hub).hostname):
        raise _unusable(path, f"{hub!r} is not the address of a hub")
    digest = hashlib.sha256(content).hexdigest()
    return People(_checked(roles), hub.rstrip("/"), _checked_keys(keys), digest)


def write_people(folder: Path, people: People) -> People:
    """Write the people file, whole or not at all, writable by its owner alone, and read it."""
    path = folder / PEOPLE
    unfinished = folder / f".{PEOPLE}.{os.getpid()}"
    content = json.dumps(people.document(), indent=2, ensure_ascii=False) + "\n"
    unfinished.touch(mode=0o644, exist_ok=False)
    unfinished.write_text(content, encoding="utf-8")
    unfinished.replace(path)
    return read_people(folder)


def identify(people: People, answers: Answers | None = None) -> Person:
    """Identify the user of this process; raise NotPermitted if the hub does not.

    *answers* of the hub are believed for a while, and its next one is added.
    """
    uid = os.getuid()
    if people.hub:
        from workbench.casework.record.jupyterhub import account_at_hub  # imports urllib, too

        account = account_at_hub(people.hub, {} if answers is None else answers)
        source: Literal["account", "jupyterhub"] = "jupyterhub"
    else:
        try:
            account, source = pwd.getpwuid(uid).pw_name, "account"
        except KeyError:
            account, source = f"uid-{uid}", "account"
    roles = people.roles.get(account, frozenset())
    return Person(account, source, uid, roles, people.in_service)


def _checked(roles: Mapping[str, frozenset[Any]]) -> dict[str, frozenset[Role]]:
    for name, given in roles.items():
        unknown = sorted(set(given) - set(ROLES))
        if not name.strip() or unknown:
            raise SettingsError(
                f"{name!r} has unknown roles: {', '.join(map(str, unknown))}",
                where=PEOPLE,
                fix=f"Choose from {', '.join(ROLES)}",
            )
        if "auditor" in given and len(given) > 1:
            raise SettingsError(
                f"{name} is an auditor and has another role",
                where=PEOPLE,
                fix="An auditor may have no other role: revoke one",
            )
    return dict(roles)


def _checked_keys(keys: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for name, known in keys.items():
        for key in known:
            if not re.fullmatch(r"[0-9a-f]{64}", str(key)):
                raise SettingsError(
                    f"{str(key)[:80]!r} is not a public key",
                    where=name,
                    fix="Use the 64 digits that `sightline people key` prints",
                )
    return dict(keys)


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(what, where=str(path), fix="Ask the administrator to correct it")

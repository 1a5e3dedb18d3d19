"""People: who the user is, and what their roles permit.

Users do not type who they are: :mod:`workbench.casework.record.identity` says it. Who has which
role is set in ``people.json`` in the casework folder, which the administrator keeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from workbench.casework.record.files import read_owned, written_first
from workbench.casework.record.identity import (
    PART,
    Identity,
    Way,
    identity_of_user,
    namesake,
    normal_name,
)
from workbench.casework.record.installation_file import read_installation
from workbench.errors import NotPermitted, SettingsError

PEOPLE = "people.json"

Role: TypeAlias = Literal["analyst", "reviewer", "supervisor", "auditor", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)

Action: TypeAlias = Literal[
    "case.ask", "case.read", "case.approve", "case.close", "training.use", "search", "shot.view",
    "review.first", "review.second", "review.fillers", "note.write", "evidence.export",
    "clock.view", "clock.correct", "footage.import", "retention.purge", "subject.delete",
    "audit.read", "people.change", "installation.change", "session.end", "footage.index",
    "gallery.export", "gallery.maintain",
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
            "note.write",
            "evidence.export",
            "clock.view",
        }
    ),
    "reviewer": frozenset(
        {"case.read", "training.use", "shot.view", "review.first", "review.second", "note.write"}
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
            "note.write",
            "evidence.export",
            "clock.view",
            "clock.correct",
            "footage.import",
            "footage.index",
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
            "installation.change",
            "session.end",
            "footage.index",
            "gallery.export",
            "gallery.maintain",
        }
    ),
}
"""Actions that each role permits. An auditor has no other role. In training, everyone may
train, and no one may do anything else. Who searches may not correct clocks or list footage: a
time or a place can bring footage into the scope of a case, or take it out."""

PARTS: Mapping[str, frozenset[Role]] = {
    "anna": frozenset({"analyst"}),
    "sara": frozenset({"supervisor"}),
    "rosa": frozenset({"reviewer"}),
    "tom": frozenset({"reviewer"}),
    "otto": frozenset({"auditor"}),
}
"""Fictional people of the demo with their roles, whom one person plays in its own home."""

_EARLIER = ("hub", "keys")  # settings of a file that an earlier version made

# Permitted to everyone in an installation that is not in service.
_TRAINEE: frozenset[Action] = frozenset(
    {
        "case.read",
        "training.use",
        "shot.view",
        "review.first",
        "note.write",
        "evidence.export",
        "clock.view",
        "clock.correct",
        "footage.import",
        "audit.read",
        "installation.change",
        "session.end",
        "footage.index",
        "gallery.export",
        "gallery.maintain",
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    """A user, and how they are known: as an account at a desk, or by a way of signing in."""

    account: str
    way: Way
    uid: int  # of this process
    roles: frozenset[Role]
    in_service: bool = True  # whether roles count in the installation
    played_by: str = ""  # account of the person who plays this part of the demo

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

    def require_role(self) -> None:
        """Raise NotPermitted in an installation in service where the person has no role at all."""
        if self.in_service and not self.roles:
            raise NotPermitted(
                f"{self.account} has no role in this installation, and is shown nothing of it",
                fix="Ask the administrator for a role",
            )

    def named(self) -> dict[str, Any]:
        """Return the identity as JSON values, as the record keeps it."""
        by = {"account": self.account, "way": self.way, "uid": self.uid}
        return {**by, "played_by": self.played_by} if self.played_by else by


@dataclass(frozen=True, slots=True)
class People:
    """People file: the roles of each account."""

    roles: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    digest: str = ""  # SHA-256 of the file; empty if there is none
    in_service: bool = False  # whether roles count: then, without the file, nobody has one
    is_demo: bool = False  # whether the roles are those of the demo's parts

    def document(self) -> dict[str, Any]:
        """Return the contents of the file as JSON values."""
        return {
            "people": {name: sorted(roles) for name, roles in sorted(self.roles.items()) if roles},
        }

    def changed(self, account: str, role: str, *, granted: bool) -> People:
        """Return a copy with a role granted or revoked; raise SettingsError if it is not a role."""
        if role not in ROLES:
            raise SettingsError(
                f"{role!r} is not a role", where=account, fix=f"Choose from {', '.join(ROLES)}"
            )
        account = spelled(account)
        before = self.roles.get(account, frozenset())
        after = before | {role} if granted else before - {role}
        roles = _checked({**self.roles, account: after})
        return People(roles, in_service=self.in_service)


def read_people(folder: Path) -> People:
    """Read the people file of a casework folder; no people if there is none.

    The installation is in service if its own file says so, or if there is a people file. In the
    demo's own home, the people are the :data:`PARTS`.

    Raises
    ------
    SettingsError
        If anyone but its owner may write it, or its contents are not valid.
    """
    path = folder / PEOPLE
    content = read_owned(path, unusable=_unusable)
    installation = read_installation(folder)
    if installation is not None and installation.is_demo:
        if content is not None:
            raise SettingsError(
                "the demo's own home has no people file",
                where=str(path),
                fix="Remove it, and set SIGHTLINE_HOME to the home of your installation",
            )
        return People(PARTS, is_demo=True)
    if content is None:
        return People(in_service=installation is not None and installation.in_service)
    try:
        document = json.loads(content)
        unknown = sorted(set(document) - {"people"})
        roles = {str(name): frozenset(given) for name, given in document["people"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, f"is not a people file ({error!r})") from None
    if earlier := [name for name in unknown if name in _EARLIER]:
        raise SettingsError(
            f"is of an earlier version, which kept {' and '.join(earlier)} in it",
            where=str(path),
            fix="Cases of that version do not count any more. Read Upgrade in docs/operate.md, "
            f"make a backup, then take {' and '.join(earlier)} out of the file",
        )
    if unknown:
        raise _unusable(path, f"holds settings that there are not: {', '.join(unknown)}")
    digest = hashlib.sha256(content).hexdigest()
    return People(_checked(roles), digest, in_service=True)


@contextlib.contextmanager
def new_people(folder: Path, people: People) -> Iterator[None]:
    """Write the people file, for its owner alone; it takes effect after the block, if that is done.

    Raises SettingsError if it cannot be written, before the block wherever the disk is full.
    """
    path = folder / PEOPLE
    content = json.dumps(people.document(), indent=2, ensure_ascii=False) + "\n"
    try:
        with written_first(path, content.encode()):
            yield
    except OSError as error:
        raise SettingsError(
            f"cannot be written ({error.strerror})",
            where=str(path),
            fix="The roles are as they were. Free space on the disk, then try again",
        ) from None


def identify(people: People, folder: Path) -> Person:
    """Tell whom this process works for, with the roles in the people file of *folder*.

    Raises NotPermitted if nobody is known, or the name differs from one in the file by case alone:
    the two could be one person, and much takes two.
    """
    found = identity_of_user(folder)
    return person_of(people, found)


def person_of(people: People, known: Identity) -> Person:
    """Make a person of what is known of them, with their roles; :func:`identify` tells who.

    In the demo's own home roles are those of its parts alone; others train there.

    Raises NotPermitted if the name differs from one in the people file by case alone, or is a part
    that there is not, or not here.
    """
    account, way = known.account, known.way
    if way == PART and not (people.is_demo and account in people.roles):
        raise NotPermitted(
            f"{account} is not a part that can be played here",
            where=account,
            fix="Parts are played in the demo's own home alone: `sightline demo`",
        )
    if people.is_demo:
        roles = people.roles[account] if way == PART else frozenset()
        return Person(account, way, os.getuid(), roles, way == PART, known.played_by)
    other = namesake(account, people.roles)
    if other:
        raise NotPermitted(
            f"{account} differs by case alone from {other}, who is in the people file",
            where=account,
            fix=f"Sign in as {other}, or ask the administrator to correct the people file",
        )
    roles = people.roles.get(account, frozenset())
    return Person(account, way, os.getuid(), roles, people.in_service)


def _checked(roles: Mapping[str, frozenset[Any]]) -> dict[str, frozenset[Role]]:
    for name, given in roles.items():
        if name != spelled(name):
            raise SettingsError(
                f"{name!r} is not in its normal form",
                where=PEOPLE,
                fix="Give the role with `sightline people grant`, which writes the name as it is",
            )
        if other := namesake(name, roles):
            raise SettingsError(
                f"{name} and {other} differ by case alone and cannot be told apart",
                where=PEOPLE,
                fix="Keep one of them",
            )
        unknown = sorted(set(given) - set(ROLES))
        if unknown:
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


def spelled(name: str) -> str:
    """Return a name in its one spelling; raise SettingsError if it is none."""
    try:
        return normal_name(name)
    except NotPermitted as error:
        raise SettingsError(error.what, where=PEOPLE, fix=error.fix) from None


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(what, where=str(path), fix="Ask the administrator to correct it")

"""Installation file: what an installation is, and the rules that hold in it.

``installation.json`` in the casework folder is made at first use and belongs to the account that
owns the folder. An installation is in training, or in service from the first role that is granted
on; it never goes back. Its rules (what one person may approve, how many fillers, how long footage
is kept, whose calibrations count) are never read from the environment in service: what a person
sets for a command of their own changes nothing. Every change, also one by hand, is on record.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from pydantic import ValidationError

from workbench.casework.record.files import read_owned, write_whole
from workbench.errors import SettingsError
from workbench.settings import RULES, RuleSettings

if TYPE_CHECKING:
    from workbench.casework.record.chain import Entry

INSTALLATION = "installation.json"

Mode: TypeAlias = Literal["training", "in service", "demo"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""How an installation runs. The demo's own home trains from its first use to its end: one person
may play every part there, and no gallery is opened but the demo's."""


@dataclass(frozen=True, slots=True)
class InstallationFile:
    """Contents of the file.

    ``rules`` holds those that were set, by the names of the settings; ``keys`` the public keys that
    sign the record; ``digest`` is the SHA-256 of the file, empty before it is written.
    """

    id: str
    mode: Mode = "training"
    rules: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    digest: str = ""

    @property
    def in_service(self) -> bool:
        """True if roles count, and no rule is read from the environment."""
        return self.mode == "in service"

    @property
    def is_demo(self) -> bool:
        """True if this is the demo's own home."""
        return self.mode == "demo"

    def document(self) -> dict[str, Any]:
        """Return the contents of the file as JSON values."""
        return {
            "id": self.id,
            "mode": self.mode,
            "rules": {name: self.rules[name] for name in RULES if name in self.rules},
            "keys": list(self.keys),
        }

    def with_rule(self, name: str, value: object) -> InstallationFile:
        """Return a copy with a rule set, or left to its default if the value is None.

        Raises
        ------
        SettingsError
            If there is no such rule, or the value cannot be used.
        """
        rules = {known: said for known, said in self.rules.items() if known != name}
        return replace(self, rules=_checked({**rules, name: value} if value is not None else rules))


def read_installation(folder: Path) -> InstallationFile | None:
    """Read the installation file of a casework folder; return None if there is none.

    Raises
    ------
    SettingsError
        If anyone but its owner may write it, or its contents are not valid.
    """
    path = folder / INSTALLATION
    content = read_owned(path, unusable=_unusable)
    if content is None:
        return None
    try:
        document = json.loads(content)
        unknown = sorted(set(document) - {"id", "mode", "rules", "keys"})
        identity, mode = str(document["id"]), document["mode"]
        rules, keys = dict(document["rules"]), tuple(map(str, document["keys"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, f"is not an installation file ({error!r})") from None
    if unknown:
        raise _unusable(path, f"holds settings that there are not: {', '.join(unknown)}")
    if mode not in MODES:
        raise _unusable(path, f"has the mode {str(mode)[:80]!r}, which is not one")
    if not re.fullmatch(r"[0-9a-f]{32}", identity):
        raise _unusable(path, "has an id that is not 32 hexadecimal digits")
    return InstallationFile(
        identity, mode, _checked(rules, where=str(path)), keys, hashlib.sha256(content).hexdigest()
    )


def begins_in_service(folder: Path) -> bool:
    """Check that an installation without its file yet is in service from the first use on.

    A people file that is there already was made for such a one, by hand or by an earlier version.
    """
    return os.path.lexists(folder / "people.json")


def read_known(folder: Path, changes: Callable[[], Sequence[Entry]]) -> InstallationFile:
    """Read the installation file, made at first use, and hold it against the record.

    Parameters
    ----------
    changes : callable
        Returns the entries ``installation.changed`` so far.

    Raises
    ------
    SettingsError
        If the file is gone, has another id than before, or says that an installation in service
        trains.
    """
    found, known = read_installation(folder), changes()
    if found is None and not known:
        found = make_installation(folder, "in service" if begins_in_service(folder) else "training")
    what = ""
    if found is None:
        what = "is gone, and the record knows it"
    elif known and known[-1].about["id"] != found.id:
        what = "has another id than the record knows"
    elif not found.in_service and any(entry.about["mode"] == "in service" for entry in known):
        what = f"says {found.mode}, and the installation was put in service"
    elif known and found.is_demo != (known[0].about["mode"] == "demo"):
        what = f"says {found.mode}, and its first use was as {known[0].about['mode']}"
    if found is None or what:
        raise SettingsError(
            what, where=str(folder / INSTALLATION), fix="Restore the file from the backup"
        )
    return found


def make_installation(folder: Path, mode: Mode = "training") -> InstallationFile:
    """Make the installation file of a folder that has none; return the one that is there then."""
    made = InstallationFile(uuid.uuid4().hex, mode)
    return _written(folder, made, new=True)


def write_installation(folder: Path, file: InstallationFile) -> InstallationFile:
    """Write the installation file, whole or not at all, for its owner alone, and read it.

    Raises SettingsError if it cannot be written.
    """
    return _written(folder, file)


def _written(folder: Path, file: InstallationFile, *, new: bool = False) -> InstallationFile:
    path = folder / INSTALLATION
    content = json.dumps(file.document(), indent=2, ensure_ascii=False) + "\n"
    try:
        write_whole(path, content.encode(), new=new)
    except OSError as error:
        raise SettingsError(
            f"cannot be written ({error.strerror})",
            where=str(path),
            fix="Nothing was changed. Free space on the disk, then try again",
        ) from None
    found = read_installation(folder)
    assert found is not None
    return found


def _checked(rules: Mapping[str, Any], *, where: str = INSTALLATION) -> dict[str, Any]:
    unknown = sorted(set(rules) - set(RULES))
    if unknown:
        raise SettingsError(
            f"there is no rule {', '.join(unknown)}",
            where=where,
            fix=f"Choose from {', '.join(RULES)}",
        )
    try:
        said = RuleSettings.model_validate(dict(rules)).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            where=where,
            fix="Correct the value with `sightline installation set`",
        ) from None
    return {name: said[name] for name in _in_order(rules)}


def _in_order(names: Iterable[str]) -> list[str]:
    given = set(names)
    return [name for name in RULES if name in given]


def _unusable(path: Path, what: str) -> SettingsError:
    return SettingsError(what, where=str(path), fix="Ask the administrator to correct it")

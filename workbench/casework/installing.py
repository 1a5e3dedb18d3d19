"""Rules and calibrations of an installation, set on record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.record.installation_file import write_installation

if TYPE_CHECKING:
    from workbench.casework.record.installation_file import InstallationFile
    from workbench.casework.register import CaseRegister


def set_rule(register: CaseRegister, name: str, value: object) -> InstallationFile:
    """Set a rule of the installation, or leave it to its default if the value is None.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    SettingsError
        If there is no such rule, or the value cannot be used.
    """
    me = register.require("installation.change")
    with register.exclusively():
        before = register.installation_file
        file = before.with_rule(name, value)
        about = {"rule": name, "before": before.rules.get(name), "now": file.rules.get(name)}
        register.record("installation.set", about, by=me)
        write_installation(register.folder, file)
        return register.installation_file


def record_calibration(register: CaseRegister, files: Iterable[Path]) -> None:
    """Record the files of a calibration that was made for the installation.

    Ask :meth:`CaseRegister.require` for ``installation.change`` before they are written: what
    scores mean, and so which probe resembles a subject, rests on them.
    """
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    register.record("installation.calibrated", {"files": digests})

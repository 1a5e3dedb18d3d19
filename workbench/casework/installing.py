"""Rules of an installation, set on record."""

from __future__ import annotations

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

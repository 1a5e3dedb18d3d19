"""Rules, calibrations and models of an installation, changed on record."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.ledger import calibration_digests
from workbench.casework.record.installation_file import write_installation
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.casework.record.installation_file import InstallationFile
    from workbench.casework.register import CaseRegister


def set_rule(register: CaseRegister, name: str, value: object) -> InstallationFile:
    """Set a rule of the installation, or leave it to its default if the value is None.

    A folder of calibrations is taken from the working directory; the SHA-256 of its files are on
    record with the rule.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    SettingsError
        If there is no such rule, the value cannot be used, or the file cannot be written: the rule
        is as before then, and no entry says otherwise.
    """
    me = register.require("installation.change")
    more: dict[str, Any] = {}
    if name == "calibrations" and value is not None:
        folder = Path(str(value)).resolve()
        if not folder.is_dir():
            raise SettingsError(
                "there is no such folder",
                where=str(folder),
                fix="Name a folder of calibrations, or no value for the default",
            )
        value, more = str(folder), {"files": calibration_digests(folder)}
    with register.exclusively():
        before = register.installation_file
        file = before.with_rule(name, value)
        about = {"rule": name, "before": before.rules.get(name), "now": file.rules.get(name)}
        write_installation(register.folder, file)
        try:
            register.record("installation.set", {**about, **more}, by=me)
        except BaseException:
            write_installation(register.folder, before)  # no rule holds that is not on record
            raise
        return register.installation_file


def record_calibration(register: CaseRegister, files: Iterable[Path]) -> None:
    """Record the files of a calibration that was made for the installation.

    Ask :meth:`CaseRegister.require` for ``installation.change`` before they are written: what
    scores mean, and so which probe resembles a subject, rests on them.
    """
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    register.record("installation.calibrated", {"files": digests})


@contextlib.contextmanager
def changing_models(register: CaseRegister, doing: str, model: str) -> Iterator[dict[str, Any]]:
    """Record that a model is fetched, imported or removed: before it is done, and when it was.

    An entry without the other was interrupted, or failed. The dictionary takes what is known of it
    in the end. Raises NotPermitted if the user's role does not cover it: which networks there are
    decides what templates can be made and compared.
    """
    me = register.require("installation.change")
    about = {"doing": doing, "model": model}
    register.record("installation.model.changing", about, by=me)
    done: dict[str, Any] = {}
    yield done
    register.record("installation.model.changed", {**about, **done}, by=me)

"""Owners of galleries: each belongs to one installation, and no other opens it.

A gallery takes the id of the installation when it first holds anything but the demo. So casework of
one's own, or a copy, a link or another home, is no way to footage that is in service elsewhere:
what was recorded of a search would not stand in the record of those who answer for the footage.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from workbench.casework.record.installation_file import read_installation
from workbench.casework.record.people import read_people
from workbench.casework.training import FICTIONAL, is_fictional
from workbench.errors import GalleryError, NotPermitted, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.casework.record.installation_file import InstallationFile
    from workbench.casework.record.people import Action
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery


_RECORDED_OTHERWISE = ("clock.correct", "retention.purge")


def foreign(file: InstallationFile | None, gallery: Gallery, *, in_service: bool) -> str:
    """Say why a gallery is not the installation's to open; nothing if it is.

    *file* is that of the installation; None before its first use.
    """
    if gallery.owner:
        if file is not None and file.id == gallery.owner:
            return ""
        return f"the gallery belongs to another installation ({gallery.owner[:8]}…)"
    if in_service and not is_fictional(gallery):
        return "the gallery belongs to no installation, and this one is in service"
    return ""


def require_own(file: InstallationFile | None, folder: Path, gallery: Gallery) -> None:
    """Raise GalleryError unless the installation may open a gallery.

    Parameters
    ----------
    file : InstallationFile, optional
        That of the installation; None before its first use.
    folder : Path
        The casework folder.
    """
    in_service = file.in_service if file is not None else read_people(folder).in_service
    if why := foreign(file, gallery, in_service=in_service):
        fixes: list[str] = []
        if gallery.owner:
            home = _home_of(gallery)
            fixes.append(f"set SIGHTLINE_HOME to {home or 'the home of that installation'}")
        if in_service:
            fixes.append("have an administrator take it over with `sightline installation take`")
        fix = ", or ".join(fixes)
        fix = fix[0].upper() + fix[1:]
        raise GalleryError(why, where=str(gallery.path), fix=fix)


def _home_of(gallery: Gallery) -> Path | None:
    """Return the home that a gallery lies in, if it is that of the gallery's installation."""
    home = gallery.path.resolve().parent
    try:
        beside = read_installation(home / "casework")
    except SettingsError:  # another account's, say: the refusal stands, and names no home
        return None
    return home if beside is not None and beside.id == gallery.owner else None


def own(
    register: CaseRegister, gallery: Gallery, action: Action, about: Mapping[str, Any] | None = None
) -> None:
    """Have a gallery that is open for writing belong to the installation, on record.

    What it was opened for is an entry (``gallery.writing``), with *about*; corrections of clocks
    and purges have entries of their own. A gallery of the demo alone stays without an owner; it has
    one from the moment that anything else is added. Raises GalleryError if it belongs to another
    installation, or to none and this one is in service.
    """
    file, place = register.installation_file, {"gallery": str(gallery.path.resolve())}
    require_own(file, register.folder, gallery)

    def claim(contents: Collection[str], indexed: bool) -> str:
        if indexed and FICTIONAL.issuperset(contents):
            return ""
        register.record("gallery.adopted", place)
        return file.id

    gallery.claim = claim
    if not gallery.owner and not is_fictional(gallery):
        register.record("gallery.adopted", place)
        gallery.give_to(file.id)
    if action not in _RECORDED_OTHERWISE:
        register.record("gallery.writing", {**place, "action": action, **(about or {})})


def take(register: CaseRegister, gallery: Gallery) -> None:
    """Take over a gallery that is open for writing; an administrator's act in service, on record.

    In training, only a gallery that belongs to no installation can be taken.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or the installation is in training and the gallery
        belongs to another.
    """
    me, file = register.require("installation.change"), register.installation_file
    if gallery.owner == file.id:
        return
    if gallery.owner and not file.in_service:
        reason = "an installation in training takes over no gallery of another installation"
        register.refused("gallery.take", "", [reason])
        raise NotPermitted(
            reason,
            where=str(gallery.path),
            fix="Index the footage into a gallery of your own",
        )
    about = {
        "gallery": str(gallery.path.resolve()),
        "before": gallery.owner,
        "recordings": sum(segment.entry.recordings for segment in gallery.segments),
        "tracklets": sum(segment.entry.tracklets for segment in gallery.segments),
    }
    register.record("gallery.taken", about, by=me)
    try:
        gallery.give_to(file.id)
    except GalleryError as error:
        failed = {"gallery": about["gallery"], "reason": error.what}
        register.record("gallery.take.failed", failed, by=me)
        raise


def record_upgrade(register: CaseRegister, path: Path) -> None:
    """Record that a gallery is upgraded, before it is.

    Galleries of earlier versions say nothing of whose they are: what lies in the home of another
    installation is that one's to upgrade.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    GalleryError
        If the gallery lies in the home of another installation.
    """
    me, place = register.require("gallery.maintain"), path.resolve()
    beside = place.parent / register.folder.name
    if beside != register.folder and read_installation(beside) is not None:
        raise GalleryError(
            "the gallery lies in the home of another installation",
            where=str(path),
            fix=f"Set SIGHTLINE_HOME to {place.parent}",
        )
    about = {"gallery": str(place), "action": "gallery.maintain", "doing": "upgrade"}
    register.record("gallery.writing", about, by=me)


def record_copying(
    register: CaseRegister, gallery: Gallery, folder: Path, *, recordings: int, area: str = ""
) -> None:
    """Record that recordings of a gallery are copied to a folder, before any is.

    *area* names the district if it is not the whole gallery. Raises NotPermitted, on record too, if
    the user's role does not cover it: templates and best shots leave the installation.
    """
    me = register.require("gallery.export")
    about = {
        "gallery": str(gallery.path.resolve()),
        "folder": str(folder.resolve()),
        "recordings": recordings,
        "area": area,
    }
    register.record("gallery.exported", about, by=me)

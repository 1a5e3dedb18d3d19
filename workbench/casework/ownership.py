"""Owners of galleries: each belongs to one installation, and no other opens it.

A gallery takes the id of the installation when it first holds anything but the demo. So casework of
one's own, or a copy, a link or another home, is no way to footage that is in service elsewhere:
what was recorded of a search would not stand in the record of those who answer for the footage.

A gallery also says whether its installation was in training when it took it. In service, such a
gallery is put in service before it is searched; and only such a one can be taken over by another
installation in training, as when a home was lost.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.casework.record.audit import AuditLog
from workbench.casework.record.installation_file import read_installation
from workbench.casework.record.keys import counting
from workbench.casework.record.people import read_people
from workbench.casework.training import FICTIONAL, is_fictional
from workbench.errors import (
    GalleryError,
    NotPermitted,
    SettingsError,
    SightlineError,
    gallery_is_there,
)

if TYPE_CHECKING:
    from workbench.casework.record.installation_file import InstallationFile
    from workbench.casework.record.people import Action, Person
    from workbench.casework.register import CaseRegister
    from workbench.gallery import Gallery


_RECORDED_OTHERWISE = ("clock.correct", "retention.purge", "subject.delete")
_TRAINING = "training "  # before the id of an installation that was in training


def owner_of(gallery: Gallery) -> tuple[str, bool]:
    """Return the id of a gallery's installation, empty if none, and whether it was in training."""
    return gallery.owner.removeprefix(_TRAINING), gallery.owner.startswith(_TRAINING)


def _as_owner(file: InstallationFile) -> str:
    return file.id if file.in_service else _TRAINING + file.id


def foreign(file: InstallationFile | None, gallery: Gallery, *, in_service: bool) -> str:
    """Say why a gallery is not the installation's to open; nothing if it is.

    *file* is that of the installation; None before its first use.
    """
    if file is not None and file.is_demo and not is_fictional(gallery):
        return "this is the demo's own home, in which no gallery is opened but the demo's"
    owner, trained = owner_of(gallery)
    if owner and (file is None or file.id != owner):
        return f"the gallery belongs to another installation, whose id is {owner}"
    if owner and trained and in_service and not is_fictional(gallery):
        return (
            "the gallery is from the time when this installation was in training, and was not put "
            "in service"
        )
    if owner:
        return ""
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
        if file is not None and file.is_demo:
            fixes.append("set SIGHTLINE_HOME to the home of your installation")
        owner, trained = owner_of(gallery)
        if owner and (file is None or file.id != owner):
            home = _home_of(gallery, owner)
            fixes.append(
                f"set SIGHTLINE_HOME to {home}"
                if home
                else "set SIGHTLINE_HOME to the home for which `sightline installation show` tells "
                "this id"
            )
        if in_service:
            fixes.append("have an administrator take it over with `sightline installation take`")
        elif owner and trained and _is_own_file(gallery.path):
            fixes.append("take it over with `sightline installation take` if that home is lost")
        fix = ", or ".join(fixes)
        fix = fix[0].upper() + fix[1:]
        raise GalleryError(why, where=str(gallery.path), fix=fix)


def _home_of(gallery: Gallery, owner: str) -> Path | None:
    """Find the home of the installation with an id where it probably is.

    That is around the gallery and around the footage, or in ``data`` there, which is the home where
    none is set. No path of a home is kept in a gallery, which may be handed on.
    """
    sources = [Path(source) for source in gallery.runs()["source"].unique() if source]
    for place in dict.fromkeys([gallery.path.resolve(), *sources]):
        for folder in place.parents:
            for home in (folder, folder / "data"):
                try:
                    there = read_installation(home / "casework")
                except (SettingsError, NotPermitted):  # another account's, say: none to be named
                    continue
                if there is not None and there.id == owner:
                    return home
    return None


def _is_own_file(path: Path) -> bool:
    return path.stat().st_uid == os.geteuid()


def own(
    register: CaseRegister, gallery: Gallery, action: Action, about: Mapping[str, Any] | None = None
) -> None:
    """Have a gallery that is open for writing belong to the installation, on record.

    What it was opened for is an entry (``gallery.writing``), with *about*; corrections of clocks
    and deletions have entries of their own. A gallery of the demo alone stays without an owner; it
    has one from the moment that anything else is added. Raises GalleryError if it belongs to
    another installation, or to none and this one is in service.
    """
    file, place = register.installation_file, {"gallery": str(gallery.path.resolve())}
    require_own(file, register.folder, gallery)

    @contextlib.contextmanager
    def claim(contents: Collection[str], indexed: bool) -> Iterator[str]:
        if indexed and FICTIONAL.issuperset(contents):
            yield ""
            return
        if file.is_demo:
            raise GalleryError(
                "only the demo's own footage is indexed in its home",
                where=str(gallery.path),
                fix="Set SIGHTLINE_HOME to the home of your installation",
            )
        with _changing_hands(register, "gallery.adopted", place):
            yield _as_owner(file)

    gallery.claim = claim
    if not gallery.owner and not is_fictional(gallery):
        with _changing_hands(register, "gallery.adopted", place):
            gallery.give_to(_as_owner(file))
    if action not in _RECORDED_OTHERWISE:
        register.record("gallery.writing", {**place, "action": action, **(about or {})})


def take(register: CaseRegister, gallery: Gallery) -> None:
    """Take over a gallery that is open for writing; an administrator's act in service, on record.

    In training, only a gallery that belongs to no installation can be taken, or a file of the
    user's own account that belongs to one in training, whose home may be lost.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it, or the installation is in training and the gallery
        belongs to another in service, or is another account's.
    """
    me, file = register.require("installation.change"), register.installation_file
    owner, trained = owner_of(gallery)
    if gallery.owner == _as_owner(file) or (owner == file.id and not file.in_service):
        return
    lost = trained and _is_own_file(gallery.path)
    if owner and not file.in_service and not lost:
        reason = (
            "an installation in training takes over no gallery of an installation in service, nor "
            "of another account"
        )
        register.refused("gallery.take", "", [reason])
        raise NotPermitted(
            reason,
            where=str(gallery.path),
            fix="Index the footage into a gallery of your own",
        )
    counts = gallery.counts()
    about = {
        "gallery": str(gallery.path.resolve()),
        "before": gallery.owner,
        "recordings": counts["recordings"],
        "tracklets": counts["tracklets"],
    }
    with _changing_hands(register, "gallery.taken", about, by=me):
        gallery.give_to(_as_owner(file))


def put_in_service(register: CaseRegister) -> dict[Path, str]:
    """Put the galleries of an installation that has just been put in service there, too.

    These are the ones that its record knows, where they still are. Returns why some were not, by
    path: :func:`take` does it later.
    """
    from workbench.gallery import Gallery  # and with it DuckDB

    log = AuditLog(register.folder, kinds=("gallery.adopted", "gallery.taken"))
    known = {Path(str(e.about["gallery"])) for e in counting(log.read_new(), register.folder)}
    left: dict[Path, str] = {}
    for path in sorted(known):
        try:
            if not gallery_is_there(path):
                continue
            with Gallery.open(path, write=True) as gallery:
                if owner_of(gallery)[0] == register.installation_file.id:
                    take(register, gallery)
        except (SightlineError, OSError) as error:
            left[path] = str(error)
    return left


@contextlib.contextmanager
def _changing_hands(
    register: CaseRegister, what: str, about: Mapping[str, Any], *, by: Person | None = None
) -> Iterator[None]:
    """Record that a gallery gets an owner, before it does, and if that fails."""
    register.record(what, about, by=by)
    try:
        yield
    except (GalleryError, OSError) as error:
        reason = error.what if isinstance(error, GalleryError) else str(error.strerror)
        register.record(f"{what}.failed", {"gallery": about["gallery"], "reason": reason}, by=by)
        raise


def record_upgrade(register: CaseRegister, path: Path, owner: str) -> None:
    """Record that a gallery is upgraded, before it is.

    *owner* is whose it says that it is; those of early versions say nothing. What lies in the home
    of another installation is that one's to upgrade.

    Raises
    ------
    NotPermitted
        If the user's role does not cover it.
    GalleryError
        If the gallery belongs to another installation, or lies in its home.
    """
    me, place = register.require("gallery.maintain"), path.resolve()
    owner = owner.removeprefix(_TRAINING)
    if owner and owner != register.installation_file.id:
        raise GalleryError(
            f"the gallery belongs to another installation, whose id is {owner}",
            where=str(path),
            fix="Set SIGHTLINE_HOME to the home for which `sightline installation show` tells this "
            "id",
        )
    beside = place.parent / register.folder.name
    if beside != register.folder and read_installation(beside) is not None:
        raise GalleryError(
            "the gallery lies in the home of another installation",
            where=str(path),
            fix=f"Set SIGHTLINE_HOME to {place.parent}",
        )
    about = {"gallery": str(place), "action": "gallery.maintain", "doing": "upgrade"}
    register.record("gallery.writing", about, by=me)


def record_maintenance(register: CaseRegister, path: Path, about: Mapping[str, Any]) -> None:
    """Record what is done to the gallery at *path* without adding to it, such as a move.

    It is recorded before it is done. Raises NotPermitted, on record too, if the user's role does
    not cover it.
    """
    me = register.require("gallery.maintain")
    place = {"gallery": str(path.resolve()), "action": "gallery.maintain"}
    register.record("gallery.writing", {**place, **about}, by=me)


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

"""``sightline gallery move``, ``backup`` and ``restore``: where a gallery lies, and its copies."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.casework.ownership import record_copying, record_maintenance
from workbench.cli.output import DONE, counted, deletion_refused, lines, say
from workbench.errors import GalleryError
from workbench.gallery.opening import Location, open_gallery
from workbench.gallery.relocating import (
    back_up_gallery,
    delete_left,
    due_for_backup,
    left_by,
    location_of,
    move_gallery,
    restore_gallery,
)
from workbench.installation import Installation
from workbench.live import progress as shown_progress

if TYPE_CHECKING:
    from workbench.gallery.moving import Copied
    from workbench.gallery.relocating import Left

Action = Callable[..., argparse.ArgumentParser]


def add(action: Action) -> None:
    """Add what keeps galleries to the actions of ``sightline gallery``."""
    _add_move(action)
    backing = action(
        "backup", _back_up,
        "copy a gallery while it is used, or bring such a copy up to date",
        "Copy a gallery as of its last commit, also while footage is indexed into it. The copy is "
        "a gallery, too, which `sightline gallery check` reads. Named again, it is brought up to "
        "date: what is there is not copied again, and what was purged goes. On the disk of the "
        "gallery it takes no room (hard links), and does not outlive that disk. For "
        "administrators.",
        "sightline gallery backup town.duckdb /backup/town.duckdb",
    )  # fmt: skip
    backing.add_argument("copy", type=Path, metavar="COPY_FILE", help="the file of the copy")
    backing.add_argument(
        "--dry-run",
        action="store_true",
        help="show what would be copied, and deleted from an earlier copy, and change nothing",
    )
    restoring = action(
        "restore", _restore,
        "make a gallery from what `gallery backup` wrote",
        "Make a gallery from what `sightline gallery backup` wrote. Every byte of it is checked. "
        "It can be stopped and run again: until it is finished, there is no gallery.",
        """
        sightline gallery restore town.duckdb /backup/town.duckdb
        sightline gallery restore town.duckdb /backup/town.duckdb --storage s3://bucket/town
        """,
    )  # fmt: skip
    restoring.add_argument("copy", type=Path, metavar="COPY_FILE", help="the file of the copy")
    _add_places(restoring)


def _add_move(action: Action) -> None:
    moving = action(
        "move", _move,
        "keep a gallery's parts and pictures, or its manifest, elsewhere",
        "Keep a gallery's parts and pictures in another folder or an object store, or its manifest "
        "in Postgres. The file that you name stays where it is. All that is copied is checked. It "
        "can be stopped and run again: until it is finished, the gallery is where it was. What "
        "lies in the old place stays there, out of a purge's reach, until --delete-old.",
        """
        sightline gallery move town.duckdb --storage /mnt/large/town
        sightline gallery move town.duckdb --storage s3://bucket/town --manifest postgresql://sightline@db.example.org/town
        sightline gallery move town.duckdb --delete-old --dry-run
        """,
    )  # fmt: skip
    _add_places(moving)
    moving.add_argument(
        "--delete-old", action="store_true",
        help="delete what this move, or an earlier one, leaves in the old place",
    )  # fmt: skip
    moving.add_argument(
        "--dry-run", action="store_true", help="show what would be deleted, and change nothing"
    )
    moving.add_argument("--yes", action="store_true", help="delete without asking")


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--storage", metavar="PLACE",
        help="folder or address for parts and pictures, such as s3://bucket/town; keys come from "
        "the environment or from ~/.aws",
    )  # fmt: skip
    parser.add_argument(
        "--manifest", metavar="ADDRESS",
        help="address in Postgres for the manifest, without a password, which ~/.pgpass has",
    )  # fmt: skip


def _move(options: argparse.Namespace) -> int:
    if not (options.storage or options.manifest or options.delete_old):
        raise GalleryError(
            "it is not said where to", where="move", fix="Give --storage, --manifest, or both"
        )
    if options.dry_run and (options.storage or options.manifest or not options.delete_old):
        raise GalleryError(
            "--dry-run is for --delete-old alone", where="move",
            fix="Move first; nothing is deleted by that",
        )  # fmt: skip
    installation = Installation.open()
    installation.register.require("gallery.maintain")
    facts: dict[str, object] = {}
    with installation.open_gallery(options.gallery) as gallery:
        if options.storage or options.manifest:
            to = location_of(
                gallery.path, gallery.opened.location,
                storage=options.storage, manifest=options.manifest,
            )  # fmt: skip
            about = {"doing": "move", "storage": to.storage, "manifest": to.manifest}
            record_maintenance(installation.register, gallery.path, about)
            with shown_progress.copying("Moving") as progress:
                copied = move_gallery(gallery.opened, to, progress=progress)
            facts |= _facts(copied)
            say(f"{options.gallery}: moved, {_words(copied)}.")
    status = DONE
    with installation.open_gallery(options.gallery) as gallery:
        left = left_by(gallery.path)
        if options.delete_old and not left:
            say("Moves left nothing to delete.")
        elif options.delete_old:
            say(f"To be deleted for good: {_places(left)}.")
            if (refused := deletion_refused(options)) is not None:
                status = refused
            else:
                about = {"doing": "delete what moves left"}
                record_maintenance(installation.register, gallery.path, about)
                delete_left(gallery.opened)
                say("Deleted what was left in the old place.")
                left = []
    if left and not options.delete_old:
        say(
            f"Still there: {_places(left)}. Nothing uses that any more, and no purge reaches it. "
            f"Delete it with `sightline gallery move {options.gallery} --delete-old`."
        )
    if options.json:
        lines([facts | {"left": [{"storage": o.storage, "objects": len(o.objects)} for o in left]}])
    return status


def _places(left: list[Left]) -> str:
    """Say what there is in which places."""
    found = [
        f"{counted(len(one.objects), 'file')} in "
        f"{'the folder of the gallery' if one.storage == '.' else one.storage}"
        for one in left
        if one.objects
    ]
    found += [f"the earlier manifest {one.manifest}" for one in left if one.manifest]
    return ", and ".join(found)


def _back_up(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.require("gallery.export")
    with installation.open_gallery(options.gallery) as gallery:
        if options.dry_run:
            due = due_for_backup(gallery.opened, options.copy)
            if options.json:
                lines([due._asdict()])
            say(
                f"To be copied: {counted(due.objects, 'file')}, {due.bytes / 1e6:,.1f} MB. To be "
                f"deleted from the copy: {counted(due.deleted, 'file')}.",
                "Nothing was changed: --dry-run only shows.",
            )
            return DONE
        recordings = gallery.counts()["recordings"]
        record_copying(installation.register, gallery, options.copy.parent, recordings=recordings)
        with shown_progress.copying("Copying") as progress:
            copied = back_up_gallery(gallery.opened, options.copy, progress=progress)
    return _told(options, f"{options.copy}: a copy of {options.gallery}", copied)


def _restore(options: argparse.Namespace) -> int:
    installation = Installation.open()
    installation.register.require("gallery.maintain")
    to = location_of(
        options.gallery, Location(), storage=options.storage, manifest=options.manifest
    )
    # Whose it is says the gallery that comes of it, before anyone searches that.
    with open_gallery(options.copy) as backup:
        about = {"doing": "restore", "from": str(options.copy.resolve())}
        record_maintenance(installation.register, options.gallery, about)
        with shown_progress.copying("Restoring") as progress:
            copied = restore_gallery(backup, options.gallery, to, progress=progress)
    return _told(options, f"{options.gallery}: restored from {options.copy}", copied)


def _told(options: argparse.Namespace, what: str, copied: Copied) -> int:
    if options.json:
        lines([_facts(copied)])
    else:
        say(f"{what}, {_words(copied)}.")
    return DONE


def _facts(copied: Copied) -> dict[str, object]:
    return {"copied": copied.objects, "bytes": copied.bytes, "present": copied.present}


def _words(copied: Copied) -> str:
    present = f", {copied.present:,} were there" if copied.present else ""
    return f"{counted(copied.objects, 'file')}, {copied.bytes / 1e6:,.1f} MB copied{present}"

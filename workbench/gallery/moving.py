"""Moving a gallery: its objects to another storage, its manifest to another database, or both.

All that is copied is checked. Whatever is killed meanwhile, the gallery is where it was: it is
elsewhere once what names its place says so, which is changed last, in one step. What was copied by
then is found there when it is done again. The old place is left as it is.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from workbench.domain import Progress, ProgressCallback
from workbench.gallery.database import Database
from workbench.gallery.manifest import Manifest
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import ObjectGone, Storage, Written


@dataclass(frozen=True)
class Copied:
    """Objects that were copied, their bytes, and how many were there already."""

    objects: int = 0
    bytes: int = 0
    present: int = 0

    def __add__(self, other: Copied) -> Copied:
        return Copied(
            self.objects + other.objects, self.bytes + other.bytes, self.present + other.present
        )


def objects_of(manifest: Manifest) -> dict[str, Written]:
    """Objects of the last commit by name, as the manifest has them."""
    found = {
        entry.object(file.name): Written(file.bytes, file.sha256)
        for entry in manifest.parts(manifest.state().commit)
        for file in entry.files
    }
    packs = manifest.packs().values()
    return found | {pack.object: Written(pack.bytes, pack.sha256) for pack in packs}


def copy_objects(
    manifest: Manifest,
    source: Storage,
    target: Storage,
    *,
    done: set[str] | None = None,
    link: bool = False,
    progress: ProgressCallback | None = None,
) -> Copied:
    """Copy the objects of the last commit that are not in the *target*; writers may go on.

    Parameters
    ----------
    done : set of str, optional
        Names of those that are known to be there; those that are now are added.
    link : bool
        Between two folders of one disk, let both have the same file instead of two, whose bytes are
        not read then.
    progress : callable, optional
        Told the bytes of the objects that are there by now, after each.

    Raises
    ------
    ObjectGone
        If one is lost, or the commit has changed ten times meanwhile.
    GalleryError
        If one is not as it was stored, or cannot be read or written.
    """
    done = set() if done is None else done
    copied, began = Copied(), time.monotonic()
    target.prepare()
    for _ in range(MOST_TRIES):
        state = manifest.state()
        try:
            objects = objects_of(manifest)
            total = sum(wanted.bytes for wanted in objects.values())
            ready = sum(wanted.bytes for name, wanted in objects.items() if name in done)
            for name, wanted in objects.items():
                if name not in done:
                    copied += _copy(name, wanted, source, target, link)
                    done.add(name)
                    ready += wanted.bytes
                    if progress is not None:
                        elapsed = time.monotonic() - began
                        progress(Progress(ready, total, name, elapsed_seconds=elapsed))
            return copied
        except ObjectGone as error:
            gone = error
            if manifest.state() == state:  # nobody dropped it: it is lost
                break
    raise gone


def _copy(name: str, wanted: Written, source: Storage, target: Storage, link: bool) -> Copied:
    if link and source.root and target.root:
        made = target.link(name, source, wanted)
        if made is not None:
            return Copied(1, 0) if made else Copied(present=1)
    with contextlib.suppress(ObjectGone):
        if target.digest(name) == wanted:
            return Copied(present=1)
    target.copy(name, source, wanted)
    target.sync([name])
    return Copied(1, wanted.bytes)


def move(
    manifest: Manifest,
    source: Storage,
    target: Storage,
    database: Database | None,
    where: str,
    *,
    holding: Callable[[], contextlib.AbstractContextManager[object]],
    switch: Callable[[], None],
    progress: ProgressCallback | None = None,
) -> Copied:
    """Move a gallery to another storage, another database, or both.

    Most is copied while others write. What they stored meanwhile, and the manifest, are copied
    while nobody can.

    Parameters
    ----------
    target : Storage
        New one, or the *source* again.
    database : Database or None
        For the manifest: empty, or with what a killed move left. None: it stays where it is.
    where : str
        Name of the gallery, in messages.
    holding : callable
        Gives the block in which neither a writer nor a merger is at work.
    switch : callable
        Has the gallery's name lead to the new ones, in one step.
    progress : callable, optional
        As for :func:`copy_objects`.

    Raises
    ------
    GalleryError
        If something cannot be read or written, or is not as it was stored. The gallery is where it
        was then.
    """
    # Not by their addresses, which leave out where the store is reached.
    elsewhere = not source.files.equals(target.files)
    done: set[str] = set()
    copied = Copied()
    if elsewhere:
        copied = copy_objects(manifest, source, target, done=done, progress=progress)
    with holding():
        if elsewhere:
            copied += copy_objects(manifest, source, target, done=done)
        if database is not None:
            manifest.copy_to(database, where, live_only=elsewhere)
        switch()
    return copied


__all__ = ["Copied", "copy_objects", "move", "objects_of"]

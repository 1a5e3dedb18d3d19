"""Replacement of a gallery by one of the same footage with another profile.

The new one is made beside the old one, and then the two folders exchange their names. So whoever
opens the gallery finds the one or the other, whole, and all ids of recordings and tracklets stay.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from workbench.errors import GalleryBusy, GalleryError, is_there
from workbench.gallery.adopting import adopt_clocks
from workbench.gallery.committing import Committer
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.entries import Change
from workbench.gallery.footage import Footage
from workbench.gallery.manifest import Manifest
from workbench.gallery.moving import objects_of
from workbench.gallery.named import contents_of, renew
from workbench.gallery.opening import Opened, folder_of, is_gallery, open_gallery
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

NOTE = "replacing.json"  # lies in the folder of the new gallery, and goes where that goes
# Recordings that are looked for in the new gallery at a time.
_AT_A_TIME = 10_000
_AT_FDCWD, _EXCHANGE = -100, 2  # of Linux
_PATIENCE, _AGAIN = 600.0, 0.1  # seconds for which a merger is waited for, and between looks
_NO_EXCHANGE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}


def carry_over(old: Manifest, new: Committer) -> None:
    """Copy all cameras, clocks, runs and refusals to a gallery, which has none of its own."""
    new.manifest.commit(
        Change(
            cameras=old.camera_entries(),
            clocks=old.clocks(),
            runs=[*old.runs()][::-1],
            refusals=[*old.refusals()],
        )
    )


def missing(old: Footage, new: Footage) -> list[str]:
    """Ids of the recordings of *old* that *new* does not hold yet, in order of time."""
    left, found = old.manifest.each_recording(), []
    while some := [*islice(left, _AT_A_TIME)]:
        keys = ((one.recording_id, one.sha256, one.camera_id, one.stream) for one in some)
        here = new.already_here(keys)
        found += [(one.started_at, one.recording_id) for one in some]
        found = [one for one in found if one[1] not in here]
    return [name for _, name in sorted(found)]


def is_unfinished(old: Path, new: Path) -> bool:
    """Return True if :func:`replace` was killed when *new* had the name *old* already."""
    note = _note(old)
    if note.get("from") != folder_of(new).name:
        return False
    if not is_gallery(new):
        return True
    with open_gallery(new) as left:  # and not one that was made there since
        return _identity(left.manifest) == note.get("old")


def replace(old: Path, new: Path, *, keep: Path | None = None) -> None:
    """Give the gallery at *new* the name *old*, in one step for readers.

    Readers that have the old gallery open are asked to open it again. If this is killed, *old* is
    one or the other, whole; called again, it finishes. On a disk that cannot exchange two folders
    in one step, *old* is not there for a moment.

    Parameters
    ----------
    keep : Path, optional
        New place of the old gallery, on the same disk; by default it is deleted.

    Raises
    ------
    GalleryError
        If *new* lacks recordings of *old*, *keep* exists, or the manifest of one is in Postgres.
    GalleryBusy
        If one of them is being written, or merged for more than ten minutes.
    """
    try:
        settle_names(old, new)
        with contextlib.ExitStack() as held:
            if is_unfinished(old, new):
                held.enter_context(open_gallery(old, write=True))
                if is_gallery(new):
                    left = held.enter_context(open_gallery(new, write=True))
                    held.enter_context(_alone(left))
                    left.manifest.close()
            else:
                one = held.enter_context(open_gallery(old, write=True))
                other = held.enter_context(open_gallery(new, write=True))
                _refuse(one, other, keep)
                adopt_clocks(one.manifest, _writer(other))
                held.enter_context(_alone(one))
                held.enter_context(_alone(other))
                _note_down(one, other)
                # SQLite would look for what it keeps beside a manifest under its new name.
                one.manifest.close()
                other.manifest.close()
                _exchange(folder_of(old), folder_of(new))
            _put_away(new, keep)
        _finish(old, new, keep)
    except OSError as error:
        raise refused_by_disk(old, error) from error


@contextlib.contextmanager
def _alone(opened: Opened) -> Iterator[None]:
    """Give a block in which nobody else writes or merges a gallery.

    Who wrote it last may have had its parts merged, which ends by itself: it is waited for.
    """
    until = time.monotonic() + _PATIENCE
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(opened.holding())
                break
            except GalleryBusy:
                if time.monotonic() > until:
                    raise
                time.sleep(_AGAIN)
        yield


def _refuse(one: Opened, other: Opened, keep: Path | None) -> None:
    """Refuse what would lose something."""
    for place in () if keep is None else (keep, folder_of(keep)):
        if is_there(place):
            raise GalleryError("already exists", where=str(place), fix="Choose another name")
    lacking = missing(*(Footage(each.manifest, str(each.path)) for each in (one, other)))
    if lacking:
        raise GalleryError(
            f"lacks {len(lacking):,} recordings of {one.path.name}",
            where=str(other.path),
            fix="Finish it first",
        )


def _writer(opened: Opened) -> Writer:
    return Writer(Committer(opened.manifest, opened.storage), str(opened.path))


# --- Which of the two has the name ------------------------------------------------------------


def _note_down(one: Opened, other: Opened) -> None:
    """Note in the new gallery's folder which name it comes from, and in whose place."""
    file = other.folder / NOTE
    note = {"from": other.folder.name, "old": _identity(one.manifest)}
    file.write_text(json.dumps(note), "utf-8")
    file.chmod(0o600)
    sync_path(file)
    sync_path(file.parent)


def _identity(manifest: Manifest) -> list[str]:
    return [manifest.created_at().isoformat(), manifest.profile.fingerprint]


def _note(path: Path) -> dict[str, object]:
    """Note in the folder of the gallery at *path*; empty if there is none."""
    try:
        found = json.loads((folder_of(path) / NOTE).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}  # or it was not written whole, and so nothing was exchanged
    return found if isinstance(found, dict) else {}


def _exchange(one: Path, other: Path) -> None:
    """Let two folders have each other's names, in one step where the disk can do that."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    code = errno.ENOSYS
    if rename is not None:
        places = _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other)
        code = 0 if rename(*places, _EXCHANGE) == 0 else ctypes.get_errno()
    if code in _NO_EXCHANGE:
        one.rename(_aside(one))
        other.rename(one)
        _aside(one).rename(other)
    elif code:
        raise OSError(code, os.strerror(code), str(one))
    for folder in {one.parent, other.parent}:
        sync_path(folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


def settle_names(old: Path, new: Path) -> None:
    """Give a name to a folder that was put aside when :func:`replace` was killed: *old* is there.

    On a disk that can exchange two folders in one step, none ever is.
    """
    one, other = folder_of(old), folder_of(new)
    if is_there(_aside(one)):
        _aside(one).rename(other if is_there(one) else one)


# --- What becomes of the old one --------------------------------------------------------------


def _put_away(new: Path, keep: Path | None) -> None:
    """Move the old gallery, which is at *new* by now, or delete it."""
    folder = folder_of(new)
    if is_gallery(new) and keep is not None:
        folder.rename(folder_of(keep))
        sync_path(keep.parent)
    elif is_gallery(new):
        _delete_objects(new)
        folder.rename(_aside(folder))  # at once: there is no half of a gallery
    if is_there(_aside(folder)):
        shutil.rmtree(_aside(folder))


def _delete_objects(path: Path) -> None:
    """Delete the objects of a gallery that are in no folder of its own."""
    with open_gallery(path) as opened:
        manifest, storage = opened.manifest, opened.storage
        if opened.location.storage != ".":
            storage.delete(objects_of(manifest))
            left = [
                *manifest.dropped(),
                *manifest.unfinished("writer"),
                *manifest.unfinished("merger"),
            ]
            storage.delete(name for one in left for name in one.objects)


def _finish(old: Path, new: Path, keep: Path | None) -> None:
    """Write the named files of the galleries that there are, and remove that of the third name."""
    _renew(old)
    if keep is not None and is_gallery(keep):
        _renew(keep)
    if is_there(new) and contents_of(new).made:
        new.unlink()
    (folder_of(old) / NOTE).unlink(missing_ok=True)


def _renew(path: Path) -> None:
    with open_gallery(path, write=True) as opened:
        snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=0)
        renew(path, opened.folder, snapshot)


__all__ = ["carry_over", "is_unfinished", "missing", "replace", "settle_names"]

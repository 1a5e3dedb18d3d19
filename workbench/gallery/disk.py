"""Files of galleries on a disk: what is certain to be there, and what is said where it fails."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from workbench.errors import GalleryError, is_full, unwritten

_LITTLE = 1 << 20  # bytes


class DiskRefused(GalleryError):
    """The disk is full, read-only or broken, or its files are another account's."""


def refused_by_disk(path: Path, error: BaseException) -> DiskRefused:
    """Make the error for a gallery that could not be written; nothing that was stored is lost."""
    if not is_full(error) and getattr(error, "errno", None) is None and _is_full(path):
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # NumPy says only that it failed
    what, fix = unwritten(error, fix="Check the disk; what was stored before is kept")
    return DiskRefused(what, where=str(path), fix=fix)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE
    except OSError:
        return False


def unreadable(path: Path, reason: str) -> GalleryError:
    """Make the error for a file that is damaged or foreign."""
    return GalleryError(
        f"is not a gallery that can be read ({reason.splitlines()[0]})",
        where=str(path),
        fix="Restore it from a copy, or index the footage again",
    )


def sync_path(path: Path) -> None:
    """Have a file or folder on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


__all__ = ["DiskRefused", "refused_by_disk", "sync_path", "unreadable"]

"""Offsets of the templates of a segment: what normalised scores take away on the gallery's side.

They are derived from the templates alone, one number each, and kept beside the segment in a file
for each scale: ``<segment>.<scale>.npy``, whose last 32 bytes are the SHA-256 of all before. So a
calibration that comes later needs nothing to be embedded again. See
:mod:`workbench.calibration.normaliser`.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.gallery.index import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from numpy.typing import NDArray

    from workbench.calibration import Normaliser

PART = ".part"  # ends the name of a file that is being written
_DIGEST = 32  # bytes


def offsets_of(
    folder: Path,
    templates: NDArray[np.float32],
    normaliser: Normaliser,
    *,
    is_there: Callable[[], bool] | None = None,
) -> NDArray[np.float32]:
    """Offsets ``(n,)`` of the templates of the segment in *folder*: read, or made and kept.

    *is_there* says whether the templates are stored still; by default they are while *folder* is.
    """
    path = path_of(folder, normaliser.scale)
    found = _read(path, len(templates))
    if found is None:
        found = _made(templates, normaliser)
        # One who may only read the folder makes them anew each time.
        with contextlib.suppress(OSError):
            _write(path, found, is_there or folder.is_dir)
    return found


def path_of(folder: Path, scale: str) -> Path:
    """File of the offsets of the segment in *folder*."""
    return folder.with_name(f"{folder.name}.{scale}.npy")


def files_beside(folder: Path) -> Iterator[Path]:
    """Files of offsets of the segment in *folder*, or of one whose folder is gone."""
    yield from folder.parent.glob(f"{folder.name}.*.npy")


def forget(folder: Path) -> None:
    """Remove what is kept of the segment in *folder*, whose own folder went before.

    In this order nothing stays: who writes offsets looks for the folder when they are in place.
    """
    for path in (*files_beside(folder), *folder.parent.glob(f"{folder.name}.*{PART}")):
        path.unlink(missing_ok=True)


def strays(segments: Path, names: Collection[str] | None = None) -> Iterator[Path]:
    """Files of offsets, whole or in part, in the folder *segments* whose segment is not there.

    There are those with one of *names*, by default those with a folder of their own.
    """
    for path in sorted(segments.iterdir()):
        name = path.name.split(".")[0]
        there = (segments / name).is_dir() if names is None else name in names
        if path.suffix in (".npy", PART) and not there:
            yield path


def is_whole(path: Path) -> bool:
    """Return True if a file of offsets can be read and is as it was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content[:-_DIGEST]).digest() == content[-_DIGEST:]


def _made(templates: NDArray[np.float32], normaliser: Normaliser) -> NDArray[np.float32]:
    made = np.empty(len(templates), np.float32)
    for begin in range(0, len(templates), BLOCK):
        made[begin : begin + BLOCK] = normaliser.offsets(templates[begin : begin + BLOCK])
    return made


def _read(path: Path, rows: int) -> NDArray[np.float32] | None:
    """Map the offsets in a file; None without one that can be read and is as it was written.

    The digest takes 2 ms for a million, once for each process.
    """
    if not rows:
        return np.empty(0, np.float32)
    try:
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                return None
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
            begin = file.tell()
            size = os.fstat(file.fileno()).st_size
            if shape != (rows,) or kind != np.float32 or size != begin + 4 * rows + _DIGEST:
                return None
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None
    view = memoryview(mapped)
    if hashlib.sha256(view[:-_DIGEST]).digest() != view[-_DIGEST:]:
        return None
    return np.frombuffer(mapped, np.float32, rows, begin)


def _write(path: Path, offsets: NDArray[np.float32], is_there: Callable[[], bool]) -> None:
    part = path.with_suffix(f".{secrets.token_hex(4)}{PART}")
    try:
        with part.open("w+b") as file:
            about = {"descr": "<f4", "fortran_order": False, "shape": offsets.shape}
            np.lib.format.write_array_header_1_0(file, about)
            file.write(offsets.data)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").digest()
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    # Another process may have removed the segment meanwhile: nothing of what was purged may stay.
    if not is_there():
        path.unlink(missing_ok=True)

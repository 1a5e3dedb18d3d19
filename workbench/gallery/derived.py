"""Offsets of the templates of parts for scales that these were not written with.

A part has those of the normaliser that its writer had. Of another, as when a calibration comes
later, they are made once and kept in a folder of this machine, which may be emptied at any time:
one number each in ``<part>.<scale>.npy``, whose last 32 bytes are the SHA-256 of all before. See
:mod:`workbench.calibration.normaliser`.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import threading
import weakref
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.gallery.codes import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.gallery.parts import Part
    from workbench.gallery.snapshot import Snapshot

PART = ".part"  # ends the name of a file that is being written
_DIGEST = 32  # bytes


class DerivedOffsets:
    """Offsets of parts by scale, from the part, from a folder, or made.

    Parameters
    ----------
    folder : Path or None
        Where those are kept that were made, for its owner alone; None: as long as the part is
        mapped.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._held: weakref.WeakKeyDictionary[Part, dict[str, NDArray[np.float32]]]
        self._held = weakref.WeakKeyDictionary()

    def of(self, part: Part, normaliser: Normaliser) -> NDArray[np.float32]:
        """Offsets ``(n,)`` of the templates of a part."""
        if part.offsets is not None and part.offsets_scale == normaliser.scale:
            return part.offsets
        with self._lock:
            held = self._held.setdefault(part, {})
            if normaliser.scale not in held:
                held[normaliser.scale] = self._made(part, normaliser)
            return held[normaliser.scale]

    def make(self, snapshot: Snapshot, normaliser: Normaliser) -> None:
        """Make those of all parts that lack them; raise ObjectGone if one is dropped meanwhile."""
        for entry in snapshot.parts():
            self.of(snapshot.part(entry), normaliser)

    def _made(self, part: Part, normaliser: Normaliser) -> NDArray[np.float32]:
        if self._folder is None:
            return normaliser.offsets(part.all_templates())
        with contextlib.suppress(OSError):  # of another account's gallery they are made each time
            self._folder.mkdir(mode=0o700, exist_ok=True)
        return offsets_of(
            self._folder / part.entry.name,
            part.all_templates(),
            normaliser,
            is_there=part.is_stored,
        )

    def problems(self, names: Collection[str]) -> Iterator[tuple[Path, str]]:
        """Files that are kept and damaged, or of parts that are not among *names*; and which."""
        if self._folder is None or not self._folder.is_dir():
            return
        gone = [*strays(self._folder, names)]
        for path in gone:
            yield path, "is of templates that are gone; delete it"
        for path in sorted({*self._folder.glob("*.npy")} - {*gone}):
            if not is_whole(path):
                yield (
                    path,
                    "cannot be read, or was altered; delete it: it is made again when needed",
                )

    def sweep(self, names: Collection[str]) -> None:
        """Delete what is kept of parts that are not among *names*, whole or not."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in strays(self._folder, names):
            path.unlink(missing_ok=True)


def offsets_of(
    folder: Path,
    templates: NDArray[np.float32],
    normaliser: Normaliser,
    *,
    is_there: Callable[[], bool] | None = None,
) -> NDArray[np.float32]:
    """Offsets ``(n,)`` of templates: read from beside *folder*, or made and kept there.

    Parameters
    ----------
    folder : Path
        By whose name they are kept; it need not be there.
    is_there : callable, optional
        Says whether the templates are stored still; by default they are while *folder* is there.
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
    """File of the offsets of the templates of *folder*."""
    return folder.with_name(f"{folder.name}.{scale}.npy")


def strays(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Files of offsets in a folder, whole or in part, that are of none of *names*."""
    for path in sorted(folder.iterdir()):
        if path.suffix in (".npy", PART) and path.name.split(".")[0] not in names:
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
    # Another process may have removed them meanwhile: nothing of what was purged may stay.
    if not is_there():
        path.unlink(missing_ok=True)


__all__ = ["PART", "DerivedOffsets", "is_whole", "offsets_of", "path_of", "strays"]

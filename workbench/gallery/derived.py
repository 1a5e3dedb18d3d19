"""Offsets of the templates of parts for scales that these were not written with.

A part has those of the normaliser that its writer had. Of another, as when a calibration comes
later, they are made once and kept in a folder of this machine, which may be emptied at any time:
``<part>.<scale>.npy``, as :mod:`workbench.gallery.offsets` has them.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.gallery.offsets import offsets_of, strays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.gallery.parts import Part
    from workbench.gallery.snapshot import Snapshot


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
            return normaliser.offsets(part.templates)
        with contextlib.suppress(OSError):  # of another account's gallery they are made each time
            self._folder.mkdir(mode=0o700, exist_ok=True)
        return offsets_of(
            self._folder / part.entry.name, part.templates, normaliser, is_there=part.is_stored
        )

    def sweep(self, names: Collection[str]) -> None:
        """Delete what is kept of parts that are not among *names*, whole or not."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in strays(self._folder, names):
            path.unlink(missing_ok=True)


__all__ = ["DerivedOffsets"]

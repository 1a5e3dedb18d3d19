"""Gallery that is kept open: each question is asked of its last commit, wherever it is by then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from workbench.errors import GalleryError, ProfileMismatch
from workbench.gallery.footage import Footage
from workbench.gallery.moving import objects_of
from workbench.gallery.opening import DESCRIPTION, Opened, folder_of, open_gallery
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.domain import Camera, District, Filter
    from workbench.gallery.places import Places

T = TypeVar("T")
# What was purged elsewhere leaves the cache with the first question after so long.
TIDYING_SECONDS = 600.0
Stamp = tuple[int, ...]


def stamp_of(path: Path) -> Stamp:
    """Stamp of what says where the gallery at *path* is; empty if nothing does."""
    try:
        about = (folder_of(path) / DESCRIPTION).stat()
    except OSError:  # opening it tells why
        return ()
    return about.st_dev, about.st_ino, about.st_mtime_ns, about.st_size


class Current(Reader):
    """Gallery that is open, as it is now.

    Parameters
    ----------
    opened : Opened
        Its manifest and storage.
    stamp : tuple of int
        What :func:`stamp_of` returned before it was opened.
    memory_mb : int
        The most memory for searching it, in megabytes.
    """

    def __init__(self, opened: Opened, stamp: Stamp, *, memory_mb: int) -> None:
        self.opened, self.memory_mb = opened, memory_mb
        self.known = Footage(opened.manifest, str(opened.path))
        self._stamp, self._moving = stamp, threading.Lock()
        self._left: list[Opened] = []  # where it was before; a thread may be asking there
        super().__init__(opened.path, self._snapshot(), opened.folder / "derived")

    def _snapshot(self) -> Snapshot:
        opened = self.opened
        self._tidy()
        # The rest is for what is not mapped: rows that are gathered, and questions in SQL.
        most = 3 * self.memory_mb * 2**20 // 4
        return Snapshot.latest(opened.manifest, opened.storage, memory_bytes=most)

    def refresh(self) -> bool:
        """Look at the last commit; return True if it is another than at the last look.

        Every question does so first. Raises GalleryError if the gallery was moved or deleted, or
        ProfileMismatch if one of another profile took its place.
        """
        self._follow()
        before, self.snapshot = self.snapshot, self.snapshot.refreshed()
        if self.snapshot is not before and time.monotonic() - self._tidied > TIDYING_SECONDS:
            self._tidy()
        return self.snapshot is not before

    def _tidy(self) -> None:
        """Have nothing stay in the cache of this machine that another one purged."""
        self._tidied = time.monotonic()
        storage = self.opened.storage
        if storage.cache is not None:
            storage.cache.keep(storage.address, objects_of(self.opened.manifest))

    def _follow(self) -> None:
        """Open the gallery anew where it is now, if it was moved or replaced."""
        if self.opened.write and not self.opened.location.shared:
            return  # it holds the lock that moving takes
        with self._moving:
            # Before it is read: what comes between is seen the next time.
            stamp = stamp_of(self.path)
            if stamp == self._stamp:
                return
            if not stamp and not folder_of(self.path).exists():
                raise GalleryError(
                    "was moved or deleted",
                    where=str(self.path),
                    fix="Restore it, or open another",
                )
            opened = open_gallery(self.path, write=self.opened.write, cache=self.opened.cache)
            if opened.manifest.profile.fingerprint != self.profile.fingerprint:
                opened.close()
                raise ProfileMismatch(
                    "was replaced by a gallery of another profile",
                    where=str(self.path),
                    fix="Open it again",
                )
            self._left.append(self.opened)
            self.opened, self._stamp = opened, stamp
            self.known = Footage(opened.manifest, str(self.path))
            self.snapshot = self._snapshot()

    def settled(self, ask: Callable[[], T]) -> T:
        """Answer of *ask* on the last commit; see :func:`workbench.gallery.snapshot.settled`."""
        self._follow()
        return super().settled(ask)

    # --- Cameras ------------------------------------------------------------------------------

    @property
    def places(self) -> Places:
        """All cameras as columns, by id."""
        self.refresh()
        return self.camera_columns.known

    def cameras(self) -> tuple[Camera, ...]:
        """All cameras, by id."""
        places = self.places
        return tuple(map(places.at, range(len(places.ids))))

    def inside(self, district: District, *, unplaced: Collection[str] = ()) -> NDArray[np.bool_]:
        """Mask of :meth:`cameras` in a district, its border included.

        And of those that *unplaced* names and whose place is not known. Raises DistrictError if
        there is none of either kind.
        """
        return self.places.searched(district, unplaced)

    def cameras_inside(
        self,
        district: District,
        *,
        unplaced: Collection[str] = (),
        only: Filter | None = None,
    ) -> tuple[Camera, ...]:
        """Cameras in a district and those *unplaced*, as in :meth:`inside`, whose error it raises.

        With a filter, those that it leaves.
        """
        return self.places.chosen(district, unplaced, only)

    def leave(self) -> None:
        """Close the files."""
        if "database" in vars(self):
            self.database.close()
        for opened in (*self._left, self.opened):
            opened.close()


__all__ = ["Current", "Stamp", "stamp_of"]

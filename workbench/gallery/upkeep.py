"""Upkeep of a gallery by who writes it: what killed processes left, the named file, merging."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.gallery import background
from workbench.gallery.committing import Committer
from workbench.gallery.disk import DiskRefused
from workbench.gallery.named import renew
from workbench.gallery.snapshot import Snapshot, settled
from workbench.gallery.writing import Writer

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.gallery.current import Current

_log = logging.getLogger(__name__)
# Commits after which it is looked whether parts are to be merged: a look reads all of their names.
COMMITS = 64


class Upkeep:
    """Writer of a gallery that is open for writing, and what is done besides its commits.

    Parameters
    ----------
    current : Current
        The gallery. What killed writers left in it is deleted.
    """

    def __init__(self, current: Current) -> None:
        opened = current.opened
        self._of = current
        self.writer = Writer(
            Committer(opened.manifest, opened.storage),
            str(current.path),
            stored=self.stored,
            dropped=self.dropped,
        )
        self._began = self._looked = opened.manifest.state().commit
        self.committer.sweep()
        self._sweep_offsets()
        self.renew_named()

    @property
    def committer(self) -> Committer:
        """Committer in the writer's role."""
        return self.writer.committer

    def use(self, normaliser: Normaliser) -> None:
        """Store what scores normalised with it take of each template from now on."""
        self.writer.committer = replace(self.committer, normaliser=normaliser)

    def stored(self) -> None:
        """Have parts merged when many were written, by a process that nobody waits for."""
        if self._commit() - self._looked >= COMMITS:
            self._merge()

    def dropped(self) -> None:
        """Have nothing of what a commit dropped stay, after one that did."""
        self._sweep_offsets()
        self.renew_named()

    def renew_named(self) -> None:
        """Have the file that people name show the last commit; see :mod:`.named`.

        Where the disk is full, that has time: the file is derived, and what was stored is stored.
        """
        folder = self._of.opened.folder
        try:
            renew(self._of.path, folder, self._of.snapshot)
        except DiskRefused as error:
            _log.warning("The file that names the gallery shows an earlier commit: %s", error)

    def merge(self) -> None:
        """Merge parts until there is nothing to do; see :func:`.background.merge`."""
        background.merge(self._of.path)

    def end(self) -> None:
        """Leave the gallery as others find it best; nothing is waited for."""
        self.dropped()
        if self._commit() > self._began:
            self._merge()

    def _merge(self) -> None:
        self._looked = self._commit()
        manifest, storage = self.committer.manifest, self.committer.storage
        if background.is_due(manifest, storage):
            background.start_unattended(self._of.path)

    def _commit(self) -> int:
        return self.committer.manifest.state().commit

    def _sweep_offsets(self) -> None:
        parts, _ = settled(self._of.snapshot, Snapshot.parts)
        self._of.offsets.sweep({part.name for part in parts})


__all__ = ["COMMITS", "Upkeep"]

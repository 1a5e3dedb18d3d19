"""Writing of a gallery that is kept open: what is added, removed and corrected, and its upkeep."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from workbench.domain import ClockSetting, IndexedRecording, ProgressCallback, Stretch
from workbench.errors import GalleryError
from workbench.gallery import correcting
from workbench.gallery.committing import Committer
from workbench.gallery.current import Current, Stamp
from workbench.gallery.footage import Footage
from workbench.gallery.removal import Settling, purge
from workbench.gallery.restating import restate
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.upkeep import Upkeep
from workbench.gallery.writing import Claim, Writer

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.gallery.opening import Opened

P = ParamSpec("P")
T = TypeVar("T")


def _written(method: Callable[Concatenate[Writer, P], T]) -> Callable[Concatenate[Writable, P], T]:
    """Have something added by who writes the gallery."""

    @functools.wraps(method)
    def write(gallery: Writable, /, *values: P.args, **options: P.kwargs) -> T:
        return method(gallery.writer, *values, **options)

    return write


def _corrected(
    method: Callable[Concatenate[Committer, Footage, Snapshot, P], T],
) -> Callable[Concatenate[Writable, P], T]:
    """Have clocks corrected, unless it is only asked what would change."""

    @functools.wraps(method)
    def correct(gallery: Writable, /, *values: P.args, **options: P.kwargs) -> T:
        gallery.refresh()
        if options.get("dry_run"):
            reading = Committer(gallery.opened.manifest, gallery.opened.storage)
            return method(reading, gallery.known, gallery.snapshot, *values, **options)
        upkeep = gallery.upkeep
        done = method(upkeep.committer, gallery.known, gallery.snapshot, *values, **options)
        upkeep.dropped()
        return done

    return correct


class Writable(Current):
    """Gallery that may be open for writing; ``claim`` says whose it is from the first addition."""

    claim: Claim | None = None

    def __init__(self, opened: Opened, stamp: Stamp, *, memory_mb: int) -> None:
        super().__init__(opened, stamp, memory_mb=memory_mb)
        self.is_open = True
        self._upkeep = Upkeep(self) if opened.write else None

    def leave(self) -> None:
        """Close the files; who wrote the gallery has the named file show all of it before."""
        try:
            if self.is_open and self._upkeep is not None:
                self._upkeep.end()
        finally:
            self.is_open = False
            super().leave()

    @property
    def upkeep(self) -> Upkeep:
        """Writer of the gallery, and its upkeep; raise GalleryError if it is open for reading."""
        if self._upkeep is None:
            raise GalleryError(
                "is open for reading only", where=str(self.path), fix="Open it with write=True"
            )
        return self._upkeep

    @property
    def writer(self) -> Writer:
        """Writer that adds to the gallery; raise GalleryError if it is open for reading."""
        writer = self.upkeep.writer
        writer.claim = self.claim
        return writer

    add_cameras = _written(Writer.add_cameras)
    add_recordings = _written(Writer.add_recordings)
    add_run = _written(Writer.add_run)
    add_tables = _written(Writer.add_tables)
    give_to = _written(Writer.give_to)

    def add_recording(self, indexed: IndexedRecording) -> None:
        """Store a recording with all its tracklets, as :meth:`add_recordings` does several."""
        self.add_recordings([indexed])

    def purge(
        self,
        recording_ids: Iterable[str] = (),
        *,
        tracklet_ids: Iterable[str] = (),
        settling: Settling = contextlib.nullcontext,
    ) -> dict[str, int]:
        """Remove recordings with all that was found in them, and single tracklets.

        Returns how many recordings and tracklets went; see :func:`.removal.purge`.
        """
        upkeep = self.upkeep
        try:
            removed = purge(
                upkeep.committer, recording_ids, tracklet_ids=tracklet_ids, settling=settling
            )
        finally:  # some may be gone, though others were to stay
            upkeep.dropped()
        return {"recordings": removed.recordings, "tracklets": removed.tracklets}

    correct_clock = _corrected(correcting.correct_clock)

    def restate(
        self,
        stretches: Mapping[str, tuple[Stretch, ...]],
        settings: Iterable[ClockSetting] = (),
        *,
        progress: ProgressCallback | None = None,
    ) -> None:
        """Give recordings other stretches, by id, with all times, and keep *settings* of clocks.

        For people :meth:`correct_clock`, which says what changes.
        """
        restate(self.upkeep.committer, stretches, [*settings], progress=progress)
        self.upkeep.dropped()

    def compact(self) -> None:
        """Merge parts until there is nothing to do; a process of its own does so now and then."""
        self.upkeep.merge()

    def make_offsets(self, normaliser: Normaliser) -> None:
        """Make and keep what normalised scores take of each template, so that no search has to."""
        if self._upkeep is not None:
            self._upkeep.use(normaliser)
        self.settled(lambda: self.offsets.make(self.snapshot, normaliser))

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Give a block in which nobody else writes or merges the gallery; see :mod:`.opening`."""
        with self.opened.holding():
            yield


__all__ = ["Writable"]

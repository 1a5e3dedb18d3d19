"""Snapshot of a gallery: what one commit holds, whatever is stored, merged or removed meanwhile."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from workbench.domain import PLAIN
from workbench.errors import GalleryError
from workbench.gallery.entries import Box, Microseconds, PackEntry, PartEntry, PartSums
from workbench.gallery.manifest import Manifest, State
from workbench.gallery.packs import Address, Picture, read_jpegs, read_pictures
from workbench.gallery.parts import Part
from workbench.gallery.planning import plan
from workbench.gallery.storage import ObjectGone, Storage, Written

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.domain import Profile, Stretch

T = TypeVar("T")
# A reader overtaken by this many commits in a row looks at a broken gallery.
MOST_TRIES = 10
# Packs of pictures that are kept mapped, as candidates of one question lie in many.
MOST_PACKS = 64


class OpenParts:
    """Parts that a process keeps mapped, up to a limit of what is scanned of them, in bytes.

    Those that were not asked for the longest are let go, but for those of the question that asks:
    of one about more than the limit, the first parts are kept, and the last ones are not. So the
    next such question finds some of them. What a question holds itself stays mapped besides.
    """

    def __init__(self, storage: Storage, profile: Profile, most_bytes: int) -> None:
        self._storage, self._profile, self._most = storage, profile, most_bytes
        self._held: OrderedDict[str, tuple[Part, object]] = OrderedDict()
        self._bytes = 0
        self._packs: OrderedDict[str, pa.Buffer] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of the columns that are scanned of the parts that are kept."""
        return self._bytes

    def get(self, entry: PartEntry, question: object = None) -> Part:
        """Map a part, or give one that is mapped; raise ObjectGone if it was dropped and deleted.

        *question* is the same object for all parts of one question.
        """
        with self._lock:
            found, _ = self._held.get(entry.name, (None, None))
        # Outside, as it may have to be fetched: others are not to wait for it.
        made = Part(self._storage, entry, self._profile) if found is None else found
        with self._lock:
            found, _ = self._held.get(entry.name, (None, None))
            if found is None:
                found = made
                self._bytes += found.bytes
            self._held[entry.name] = found, question
            self._held.move_to_end(entry.name)
            while self._bytes > self._most:
                oldest, (_, asker) = next(iter(self._held.items()))
                own = question is not None and asker is question
                part, _ = self._held.pop(entry.name if own else oldest)
                self._bytes -= part.bytes
            return found

    def has(self, entry: PartEntry) -> bool:
        """Return True if all that a search needs of a part is mapped."""
        with self._lock:
            found, _ = self._held.get(entry.name, (None, None))
        return found is not None and "templates" in vars(found)

    def pack(self, entry: PackEntry) -> pa.Buffer:
        """All bytes of a pack of a local storage where they lie; few packs are kept mapped."""
        with self._lock:
            found = self._packs.get(entry.name)
            if found is None:
                whole = Written(entry.bytes, entry.sha256)
                found = self._packs[entry.name] = self._storage.mapped(entry.object, whole)
            self._packs.move_to_end(entry.name)
            if len(self._packs) > MOST_PACKS:
                self._packs.popitem(last=False)
            return found

    def keep(self, names: Collection[str]) -> None:
        """Let go of all parts but these."""
        self.forget([name for name in [*self._held] if name not in names])

    def forget(self, names: Sequence[str]) -> None:
        """Let go of parts that were dropped."""
        with self._lock:
            for name in names:
                part, _ = self._held.pop(name, (None, None))
                self._bytes -= 0 if part is None else part.bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Gallery as of one commit, for reading.

    Readers are not registered anywhere: what a later commit dropped may be deleted, and asking for
    it raises ObjectGone; parts that are mapped by then stay readable. :func:`settled` asks again,
    of the newest commit.
    """

    manifest: Manifest
    storage: Storage
    open_parts: OpenParts
    state: State

    @classmethod
    def latest(cls, manifest: Manifest, storage: Storage, *, memory_bytes: int) -> Snapshot:
        """Snapshot of the last commit; a process keeps at most so much of what it scans mapped."""
        open_parts = OpenParts(storage, manifest.profile, memory_bytes)
        return cls(manifest, storage, open_parts, manifest.state())

    @property
    def commit(self) -> int:
        """Number of the commit."""
        return self.state.commit

    def refreshed(self) -> Snapshot:
        """Snapshot of the last commit, which may be this one; parts that are mapped stay so."""
        state = self.manifest.state()
        return self if state == self.state else replace(self, state=state)

    def parts(self) -> list[PartEntry]:
        """All parts, by day and place."""
        return self.manifest.parts(self.commit)

    def plan(
        self,
        spans: Sequence[tuple[Microseconds, Microseconds]],
        places: NDArray[np.int64] | None = None,
        *,
        besides: Box | None = None,
    ) -> list[PartEntry]:
        """Parts that may hold tracklets of a scope: see :func:`workbench.gallery.planning.plan`."""
        return plan(self.manifest, self.state, spans, places, besides=besides)

    def sums_in(self, box: Box) -> PartSums:
        """Count the tracklets of the parts that lie in a box, by the manifest alone."""
        return self.manifest.sums_in(self.commit, box)

    def part(self, entry: PartEntry, question: object = None) -> Part:
        """Map a part, as :meth:`OpenParts.get` does."""
        return self.open_parts.get(entry, question)

    def pictures(self, addresses: Sequence[Address]) -> list[Picture]:
        """Pictures at some addresses, with their templates, in their order.

        Raises ObjectGone if they were removed meanwhile, or GalleryError if one is not as it was
        stored.
        """
        return self._read(read_pictures, addresses)

    def jpegs(self, addresses: Sequence[Address]) -> list[bytes]:
        """Read the same as :meth:`pictures`, and give the encoded pictures alone."""
        return self._read(read_jpegs, addresses)

    def _read(self, read: Callable[..., list[T]], addresses: Sequence[Address]) -> list[T]:
        packs = self.manifest.packs({address.pack for address in addresses})

        def entry(number: int) -> PackEntry:
            if number not in packs:
                raise ObjectGone(
                    f"has no pack {number} any more",
                    where=self.storage.address,
                    fix="Search again: what it showed may have been removed",
                )
            return packs[number]

        mapped = self.open_parts.pack if self.storage.root else None
        dimension = self.manifest.profile.dimension
        try:
            return read(self.storage, entry, addresses, dimension, mapped=mapped)
        except GalleryError:
            if self.refreshed() is self:
                raise
            raise self._removed() from None  # erased by a later commit

    def told(
        self, parts: Mapping[str, Collection[str]]
    ) -> dict[str, tuple[str, tuple[Stretch, ...]]]:
        """File, as catalogued, and stretches of recordings by id; *parts* are those of their rows.

        Raises ObjectGone if one was removed or has other times by now: its rows are in other parts
        then. One whose clock nobody corrected has the times that it had.
        """
        shown = self.manifest.shown(parts)
        corrected = {
            part
            for name, (_, stretches) in shown.items()
            if stretches != PLAIN
            for part in parts[name]
        }
        if shown.keys() != parts.keys() or (
            corrected and self.manifest.live(corrected) != corrected
        ):
            raise self._removed()
        return shown

    def _removed(self) -> ObjectGone:
        return ObjectGone(
            "shows what was removed meanwhile", where=self.storage.address, fix="Search again"
        )


def settled(snapshot: Snapshot, ask: Callable[[Snapshot], T]) -> tuple[T, Snapshot]:
    """Answer of *ask* on the last commit, and the snapshot that it is of.

    It is asked again where an object was dropped and deleted in between.

    Raises
    ------
    GalleryError
        If objects of the last commit are missing.
    """
    for _ in range(MOST_TRIES):
        snapshot = snapshot.refreshed()
        try:
            return ask(snapshot), snapshot
        except ObjectGone as error:
            gone = error
            if snapshot.refreshed() is snapshot:  # nobody dropped it: it is lost
                break
    raise GalleryError(
        f"lacks an object ({gone.where})",
        where=snapshot.storage.address,
        fix="Restore it from a copy, or index the footage again",
    ) from gone


__all__ = ["MOST_TRIES", "OpenParts", "Snapshot", "settled"]

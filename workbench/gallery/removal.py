"""Removal of recordings and tracklets for good: of their rows, their pictures, and their names.

Parts are written again without the rows, and packs without the pictures; whole ones go as they are.
So what a purge writes depends on what it removes, and not on what the gallery holds. Recordings
that share a part go in one commit, with all of their parts: each is there whole, or not at all.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import parse_tracklet_id
from workbench.errors import GalleryError
from workbench.gallery.committing import Attempt, Committer
from workbench.gallery.entries import Change, PackEntry, PartEntry
from workbench.gallery.locating import Group, groups
from workbench.gallery.manifest import Overtaken
from workbench.gallery.packs import Address
from workbench.gallery.parts import Content, Part, join
from workbench.gallery.planning import places_of
from workbench.gallery.rows import RECORDINGS
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import ObjectGone

Settling: TypeAlias = Callable[[], contextlib.AbstractContextManager[None]]
"""Gives the block in which a commit is made, which is short; may raise to have none made."""


@dataclass(frozen=True)
class Removed:
    """Numbers of recordings and tracklets that a purge removed."""

    recordings: int = 0
    tracklets: int = 0


def purge(
    committer: Committer,
    recording_ids: Iterable[str] = (),
    *,
    tracklet_ids: Iterable[str] = (),
    settling: Settling = contextlib.nullcontext,
) -> Removed:
    """Remove recordings with all that was found in them, and single tracklets.

    Nothing of them stays in any file of the gallery. Those that are not in it are passed over.

    Parameters
    ----------
    committer : Committer
        In the writer's role.
    settling : callable, optional
        Called when what takes the place of the old parts is written, which takes long, for a block
        in which it does so. If it raises, those that were to go stay.

    Raises
    ------
    GalleryError
        If a part or pack cannot be read, or written again.
    """
    recordings = set(recording_ids)
    tracklets: defaultdict[str, set[int]] = defaultdict(set)
    for recording_id, ordinal in map(parse_tracklet_id, tracklet_ids):
        if recording_id not in recordings:
            tracklets[recording_id].add(ordinal)
    done = Removed()
    for _ in range(MOST_TRIES):
        try:
            for group in groups(committer.manifest, committer.storage, {*recordings, *tracklets}):
                made = _Purge(committer, group, recordings, tracklets).commit(settling)
                done = Removed(done.recordings + made.recordings, done.tracklets + made.tracklets)
            if not (left := committer.manifest.held(recordings)):
                break
            # Where several write, another one may have stored it since the look: it goes, too.
            why = GalleryError(
                f"holds recording {min(left)}, and no part of it has its rows",
                where=committer.storage.address,
                fix="Check the gallery with `sightline gallery check`",
            )
        except (Overtaken, ObjectGone) as error:
            why = error  # merged meanwhile: what is left is looked for again
    else:
        raise why
    committer.delete_dropped()
    committer.manifest.scrub()
    return done


class _Purge:
    """One commit that removes recordings and tracklets of one group."""

    def __init__(
        self,
        committer: Committer,
        group: Group,
        recordings: Collection[str],
        tracklets: Mapping[str, Collection[int]],
    ) -> None:
        self._by, self._group = committer, group
        self._gone = {name for name in group.recordings if name in recordings}
        self._tracklets = {n: some for n, some in tracklets.items() if n in group.recordings}
        self._touched = pa.array(sorted(self._tracklets), pa.string())
        self._addresses: set[Address] = set()
        # Of recordings that stay: all that go, and those that could not be searched.
        self._uncounts: defaultdict[str, Counter[bool]] = defaultdict(Counter)
        self._removed = 0

    def commit(self, settling: Settling) -> Removed:
        """Write parts and packs again, and commit."""
        manifest, storage = self._by.manifest, self._by.storage
        kept = [
            self._without(Part(storage, entry, manifest.profile).content())
            for entry in self._group.parts
        ]
        if not self._gone and not self._removed:
            return Removed()
        with self._by.attempt() as attempt:
            left = [content for content in kept if any(table.num_rows for table in content)]
            packs, dropped, released = self._erased(attempt)
            change = Change(
                parts=self._written(attempt, left),
                packs=packs,
                dropped_parts=[entry.name for entry in self._group.parts],
                dropped_packs=dropped,
                released=released,
                forgotten=sorted(self._gone),
                removed={
                    name: (some.total(), some[False]) for name, some in self._uncounts.items()
                },
            )
            with settling():
                attempt.commit(change)
        # At once: if this is killed, little is left for the next one to delete.
        self._by.delete_dropped()
        return Removed(len(self._gone), self._removed)

    def _without(self, content: Content) -> Content:
        """Rows of a part that stay."""
        recordings, tracklets = content
        gone = pa.array(sorted(self._gone), pa.string())
        going = pc.is_in(tracklets["recording_id"], gone).to_numpy()
        touched = pc.is_in(tracklets["recording_id"], self._touched).to_numpy()
        for row in np.flatnonzero(touched).tolist():
            name, ordinal, searchable = (
                tracklets[c][row].as_py() for c in ("recording_id", "ordinal", "searchable")
            )
            if ordinal in self._tracklets[name]:
                going[row] = True
                self._uncounts[name][searchable] += 1
        self._removed += int(going.sum())
        shots = pc.list_flatten(tracklets.filter(pa.array(going))["shots"].combine_chunks())
        columns = (pc.struct_field(shots, name).to_pylist() for name in Address._fields)
        self._addresses |= {Address(*address) for address in zip(*columns, strict=True)}
        recordings = recordings.filter(pc.invert(pc.is_in(recordings["recording_id"], gone)))
        return self._uncounted(recordings), tracklets.filter(pa.array(~going))

    def _uncounted(self, recordings: pa.Table) -> pa.Table:
        """Recordings without what was counted over all of one that tracklets are removed from.

        It would still tell of them.
        """
        touched = pc.is_in(recordings["recording_id"], self._touched)
        place = RECORDINGS.get_field_index("different_people")
        field = RECORDINGS.field(place)
        nothing = pa.scalar([], field.type)
        counts = pc.if_else(touched, nothing, recordings["different_people"])
        return recordings.set_column(place, field, counts)

    def _written(self, attempt: Attempt, contents: Sequence[Content]) -> list[PartEntry]:
        """Write what stays, part by part: none grows by it."""
        if not contents:
            return []
        cameras = {camera.camera_id: camera for camera in self._by.manifest.cameras()}
        _, names = join(contents)
        used = pc.unique(names["camera_id"]).to_pylist()
        for recordings, _ in contents:
            used += pc.unique(recordings["camera_id"]).to_pylist()
        places = places_of([cameras[name] for name in sorted(set(used))])
        return [part for content in contents for part in attempt.write_parts(content, places)]

    def _erased(self, attempt: Attempt) -> tuple[list[PackEntry], list[str], dict[int, int]]:
        """Write packs again without what goes: new ones, names of the old, and whole ones."""
        lengths = Counter[int]()
        for address in self._addresses:
            lengths[address.pack] += address.length
        packs = self._by.manifest.packs(lengths)
        if missing := lengths.keys() - packs.keys():
            raise GalleryError(
                f"pack {min(missing)} of its pictures is not in the gallery",
                where=self._by.storage.address,
                fix="Restore the gallery from a copy",
            )
        released = {n: length for n, length in lengths.items() if packs[n].live_bytes == length}
        again = [entry for n, entry in sorted(packs.items()) if n not in released]
        made = [
            attempt.erase(entry, {one for one in self._addresses if one.pack == entry.pack})
            for entry in again
        ]
        return made, [entry.name for entry in again], released


__all__ = ["Removed", "Settling", "purge"]

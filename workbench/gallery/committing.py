"""Commits of recordings: their pictures in packs, their rows in parts, and one change of both.

A commit costs what it stores, whatever the gallery holds. If it is killed, what it wrote belongs to
no commit; the next one of its role sweeps it away, by the names that were reserved before the
first byte was written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import Camera, IndexedRecording, Profile, to_microseconds
from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery.entries import (
    Change,
    Leftover,
    PackEntry,
    PartEntry,
    RecordingEntry,
    day_of,
)
from workbench.gallery.manifest import Manifest, Outdated
from workbench.gallery.packs import Address, Picture, divide, erase, write_pack
from workbench.gallery.parts import Content, most_rows, write_part
from workbench.gallery.planning import places_of
from workbench.gallery.rows import by_day, microseconds, pictures_of, recording_rows, tracklet_rows
from workbench.gallery.snapshot import MOST_TRIES
from workbench.gallery.storage import Storage

if TYPE_CHECKING:
    from workbench.calibration import Normaliser

# No commit takes that long: it writes no more than comes into one.
ABANDONED = timedelta(days=1)

T = TypeVar("T")
Addresses = dict[tuple[str, int, int], Address]
"""Where the picture of each shot is, by recording, ordinal and rank."""


@dataclass(frozen=True)
class Committer:
    """Writer of commits, in one role: of that role, one process works at a time.

    ``normaliser`` is that of the profile, if it has one: what normalised scores take of a template
    is stored with it.
    """

    manifest: Manifest
    storage: Storage
    role: str = "writer"
    normaliser: Normaliser | None = None

    def store(
        self,
        recordings: Sequence[IndexedRecording],
        cameras: Mapping[str, Camera],
        change: Change | None = None,
    ) -> int:
        """Store recordings with all their tracklets: all of them, or none.

        Parameters
        ----------
        cameras : mapping of str to Camera
            Theirs, by id.
        change : Change, optional
            What else the commit changes.

        Returns
        -------
        int
            Number of the commit.

        Raises
        ------
        AlreadyStored
            If one is in the gallery already.
        GalleryError
            If its camera is not given, a template is not a finite vector of the profile's
            dimension, something ends before it begins, or it cannot be written. Nothing is stored
            then.
        """
        change = change or Change()
        self._refuse(recordings, cameras)
        places = places_of(list(cameras.values()))
        used = {one.recording.camera_id for one in recordings}
        with self.attempt() as attempt:
            packs, addresses = attempt.write_packs(recordings)
            rows = tracklet_rows(recordings, addresses, self.manifest.profile.dimension)
            now = self.manifest.now()
            parts = attempt.write_parts((recording_rows(recordings, now), rows), places)
            entries = [RecordingEntry.of(one, now) for one in recordings]
            return attempt.commit(
                replace(
                    change,
                    parts=[*change.parts, *parts],
                    packs=[*change.packs, *packs],
                    recordings=[*change.recordings, *entries],
                    places={**change.places, **{name: [places[name]] for name in sorted(used)}},
                    longest_tracklet=max(change.longest_tracklet, longest_in(rows)),
                )
            )

    def _refuse(
        self, recordings: Sequence[IndexedRecording], cameras: Mapping[str, Camera]
    ) -> None:
        """Refuse what cannot be stored, before a byte is written."""
        for one in recordings:
            if one.recording.camera_id not in cameras:
                raise GalleryError(
                    f"its camera is unknown ({one.recording.camera_id})",
                    where=one.recording.file,
                    fix="Add its camera first",
                )
            _refuse_templates(one, self.manifest.profile)
            _refuse_times(one)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[Attempt]:
        """Give what writes the objects of one commit; they are deleted if the block raises."""
        attempt = Attempt(self)
        try:
            yield attempt
        except BaseException:
            # What cannot be deleted now, on a disk that is gone, is swept by the next one.
            with contextlib.suppress(GalleryError):
                attempt.discard()
            raise

    def delete_dropped(self, *, before: datetime | None = None) -> int:
        """Delete the objects of parts and packs that were dropped; return how many these are.

        On an object store, where a reader that is late finds nothing, of those dropped *before* a
        time, unless nothing of them may stay.
        """
        dropped = self.manifest.dropped(before=before)
        # The names last: if this is killed, it is done again.
        self.storage.delete(name for one in dropped for name in one.objects)
        self.manifest.release(dropped)
        return len(dropped)

    def sweep(self) -> int:
        """Delete what killed processes of this role left; return how many parts and packs.

        To be called where no other process of the role works. In a manifest that many machines
        share there may be one: what was reserved a day ago is taken to be left then.
        """
        before = self.manifest.now() - ABANDONED if self.manifest.shared else None
        self.manifest.abandon(self.manifest.unfinished(self.role, before=before))
        swept = self.delete_dropped()
        # A purge may have been killed before it did so. Where a process reads just now, the log is
        # emptied by the one that closes the database last.
        with contextlib.suppress(GalleryBusy):
            self.manifest.scrub()
        return swept


class Attempt:
    """Objects written for one commit. They belong to none until :meth:`commit`."""

    def __init__(self, committer: Committer) -> None:
        self._by, self._reserved = committer, list[Leftover]()
        self._manifest, self._storage = committer.manifest, committer.storage

    def write_packs(
        self, recordings: Sequence[IndexedRecording]
    ) -> tuple[list[PackEntry], Addresses]:
        """Write the pictures of recordings into packs of the days on which these start."""
        of_days: dict[int, list[list[Picture]]] = {}
        for one in recordings:
            if pictures := pictures_of(one):
                day = day_of(to_microseconds(one.started_at))
                of_days.setdefault(day, []).append(pictures)
        return self.write_pictures(of_days)

    def write_pictures(
        self, of_days: Mapping[int, Sequence[Sequence[Picture]]]
    ) -> tuple[list[PackEntry], Addresses]:
        """Write pictures into packs, by day since 1970: of each, those of its recordings."""
        wanted = [
            (day, pictures) for day, some in sorted(of_days.items()) for pictures in divide(some)
        ]
        entries: list[PackEntry] = []
        addresses: Addresses = {}
        for pack, (_, pictures) in zip(
            self._reserve_packs([day for day, _ in wanted]), wanted, strict=True
        ):
            entry, found = write_pack(self._storage, pack, pictures)
            entries.append(entry)
            for picture, address in zip(pictures, found, strict=True):
                addresses[picture.recording_id, picture.ordinal, picture.rank] = address
        self._storage.sync(entry.object for entry in entries)
        return entries, addresses

    def _reserve_packs(self, days: Sequence[int]) -> list[PackEntry]:
        _, packs = self._manifest.reserve(self._by.role, packs=days) if days else ([], [])
        self._reserved += [Leftover(pack.name, pack.day, True) for pack in packs]
        return packs

    def erase(self, entry: PackEntry, addresses: Collection[Address]) -> PackEntry:
        """Write a pack again without some pictures, under its number."""
        _, (reserved,) = self._manifest.reserve(self._by.role, again=[entry])
        self._reserved.append(Leftover(reserved.name, reserved.day, True))
        made = erase(self._storage, entry, reserved, addresses)
        self._storage.sync([made.object])
        return made

    def write_parts(
        self, content: Content, places: Mapping[str, int], *, most: int | None = None
    ) -> list[PartEntry]:
        """Write rows as parts of their days: as many of each as it takes, by runs of places.

        A part has at most *most* tracklets, by default as many as the profile's templates allow.
        """
        profile = self._manifest.profile
        most = most or most_rows(profile.dimension)
        divided = [
            (day, some)
            for day, of_day in by_day(*content).items()
            for some in by_place(of_day, places, most)
        ]
        names, _ = self._manifest.reserve(self._by.role, parts=[day for day, _ in divided])
        self._reserved += [
            Leftover(name, day, False) for name, (day, _) in zip(names, divided, strict=True)
        ]
        made = [
            write_part(
                self._storage, name, some, day=day, places=places, profile=profile,
                normaliser=self._by.normaliser,
            )
            for name, (day, some) in zip(names, divided, strict=True)
        ]  # fmt: skip
        # Once for all of them: many are in the same folders.
        self._storage.sync(part.object(file.name) for part in made for file in part.files)
        return made

    def commit(self, change: Change) -> int:
        """Make the change, whose objects are all on the disk; return the number of the commit.

        What it dropped is deleted by :meth:`Committer.delete_dropped`. Raises what
        :meth:`workbench.gallery.manifest.Manifest.commit` does.
        """
        return self._manifest.commit(change)

    def discard(self) -> None:
        """Delete what was written and not committed."""
        names = {one.name for one in self._reserved}
        every = self._manifest.unfinished(self._by.role)
        mine = [one for one in every if one.name in names]
        if not self._manifest.shared:
            # Where the disk is full there is room for the rest then. No commit of theirs can be on
            # its way, as to a server.
            self._storage.delete(name for one in mine for name in one.objects)
        self._manifest.abandon(mine)
        # Asked again: of a commit that was lost on its way, it may have come through by now.
        left = [one for one in self._manifest.dropped() if one.name in names]
        # What others swept, as this stood still for so long, may have been written since.
        swept = self._manifest.forgotten(self._reserved)
        self._storage.delete(name for one in (*left, *swept) for name in one.objects)
        self._manifest.release(left)


def unless_outdated(work: Callable[[], T]) -> T:
    """Do some work, and again if what it was made from is no longer so when it is committed.

    Raises Outdated if that happens ten times in a row.
    """
    for _ in range(MOST_TRIES):
        try:
            return work()
        except Outdated as error:
            outdated = error
    raise outdated


def _refuse_templates(one: IndexedRecording, profile: Profile) -> None:
    """Refuse templates that are none of a profile."""
    for tracklet in one.tracklets:
        vectors = [shot.template for shot in tracklet.shots]
        vectors += [] if tracklet.template is None else [tracklet.template]
        for vector in vectors:
            what = ""
            if vector.shape != (profile.dimension,) or not np.isfinite(vector).all():
                what = f"not a finite vector of {profile.dimension} numbers"
            elif profile.metric == "cosine" and not vector.any():
                what = "zero"
            if what:
                raise GalleryError(
                    f"a template of tracklet {tracklet.ordinal} is {what}",
                    where=one.recording.file,
                    fix="Index it again; if that does not help, check the model weights",
                )


def _refuse_times(one: IndexedRecording) -> None:
    """Refuse what ends before it begins."""
    began = one.recording.started_at
    spans = [("the recording", began, began + timedelta(seconds=one.seconds))]
    spans += [(f"tracklet {t.ordinal}", t.first_seen, t.last_seen) for t in one.tracklets]
    for what, first, last in spans:
        if last < first:
            raise GalleryError(
                f"{what} ends at {last.isoformat()}, before it begins at {first.isoformat()}",
                where=one.recording.file,
                fix="Convert the recording so that its times go forward, and index it again",
            )


def by_place(content: Content, places: Mapping[str, int], most: int) -> list[Content]:
    """Rows in runs of places of at most *most* tracklets, or of one camera with more."""
    recordings, tracklets = content
    if tracklets.num_rows <= most:
        return [content]
    counted = tracklets["camera_id"].combine_chunks().value_counts().to_pylist()
    count = {row["values"]: row["counts"] for row in counted}
    cameras = {*count, *recordings["camera_id"].to_pylist()}
    runs: list[list[str]] = [[]]
    held = 0
    for camera in sorted(cameras, key=lambda name: (places[name], name)):
        if held and held + count.get(camera, 0) > most:
            runs.append([])
            held = 0
        runs[-1].append(camera)
        held += count.get(camera, 0)
    return [(_of_cameras(recordings, cameras), _of_cameras(tracklets, cameras)) for cameras in runs]


def _of_cameras(table: pa.Table, cameras: Iterable[str]) -> pa.Table:
    wanted = pa.array(list(cameras), pa.string())
    return table.filter(pc.is_in(table["camera_id"], wanted))


def longest_in(tracklets: pa.Table) -> int:
    """Time for which the longest of some tracklets was seen, in microseconds."""
    if not tracklets.num_rows:
        return 0
    return int((microseconds(tracklets["last_seen"]) - microseconds(tracklets["first_seen"])).max())


__all__ = ["Addresses", "Attempt", "Committer", "by_place", "longest_in", "unless_outdated"]

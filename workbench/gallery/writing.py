"""Writing of a gallery: all that indexing adds to it, each addition in one commit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from workbench.domain import GIVEN_FOR, Camera, IndexedRecording, Recording
from workbench.errors import GalleryError
from workbench.gallery.arriving import arrive
from workbench.gallery.committing import Committer, unless_outdated
from workbench.gallery.entries import CameraEntry, Change, RefusalEntry, RunEntry
from workbench.gallery.exchange import Tables
from workbench.gallery.footage import Footage

Claim: TypeAlias = Callable[[Collection[str], bool], contextlib.AbstractContextManager[str]]
"""Called before anything is added to a gallery without an owner, with the SHA-256 of the recordings
that are added and whether all were indexed into it; gives a block in which they are added, with the
owner from then on, or nothing."""


def _nothing() -> None:
    """Nobody has to be told."""


@dataclass
class Writer:
    """Writer of a gallery that is open for writing.

    Parameters
    ----------
    where : str
        Name of the gallery, in messages.
    claim : callable, optional
        Asked whose a gallery without an owner is from now on.
    stored, dropped : callable
        Called after a commit that added recordings, and after one or more that dropped parts.
    """

    committer: Committer
    where: str
    claim: Claim | None = None
    stored: Callable[[], None] = field(default=_nothing, repr=False)
    dropped: Callable[[], None] = field(default=_nothing, repr=False)
    _cameras: dict[str, Camera] = field(default_factory=dict, init=False, repr=False)
    _cameras_commit: int = field(default=-1, init=False, repr=False)

    def __post_init__(self) -> None:
        self.footage = Footage(self.committer.manifest, self.where)

    def known_cameras(self) -> dict[str, Camera]:
        """Cameras of the gallery by id."""
        manifest = self.committer.manifest
        commit = manifest.state().cameras_commit
        if commit != self._cameras_commit:
            self._cameras = {one.camera_id: one for one in manifest.cameras()}
            self._cameras_commit = commit
        return self._cameras

    def add_cameras(self, cameras: Iterable[Camera]) -> None:
        """Add cameras, or renew the name and place of those that are known.

        Raises GalleryError if one is known by a later time than the clock shows now.
        """
        known, now = self.known_cameras(), self.committer.manifest.now()
        fresh = {one.camera_id: one for one in cameras if known.get(one.camera_id) != one}
        if not fresh:
            return
        entries = [CameraEntry(one, now) for one in fresh.values()]
        self.committer.manifest.commit(Change(cameras=entries, committed_at=now))
        known = self.known_cameras()
        if left := [name for name, one in fresh.items() if known.get(name) != one]:
            raise GalleryError(
                f"keeps what was noted later of cameras {', '.join(left)}: this machine's clock "
                "is behind",
                where=self.where,
                fix="Set the clock of the machine, and do this again",
            )

    def add_recordings(self, recordings: Sequence[IndexedRecording]) -> None:
        """Store recordings with all their tracklets, in one commit: all of them, or none.

        A commit waits some ten times for the disk, whatever it holds: short recordings are best
        stored together. A clock that was corrected for a camera or folder is corrected here too,
        unless the catalogue states an offset for the recording.

        Raises
        ------
        GalleryError
            If one is here already, its camera is unknown, a template is not a finite vector of
            the profile's dimension, something ends before it begins, or it cannot be written.
        """
        if not recordings:
            return
        self._refuse_known(recordings)
        cameras = self.known_cameras()
        used = {one.recording.camera_id for one in recordings}
        theirs = {name: cameras[name] for name in sorted(used & cameras.keys())}
        contents = frozenset(one.sha256 for one in recordings)
        with self._claimed(contents, not any(one.stored_id for one in recordings)) as owner:
            unless_outdated(lambda: self._store(recordings, theirs, owner))
        self.stored()

    def _store(
        self,
        recordings: Sequence[IndexedRecording],
        cameras: Mapping[str, Camera],
        owner: str | None,
    ) -> None:
        manifest = self.committer.manifest
        commit = manifest.state().clocks_commit
        self.committer.store(
            [self.footage.with_clock_set(one) for one in recordings],
            cameras,
            # Where several write, another one may set a clock meanwhile.
            Change(owner=owner, still=lambda: manifest.state().clocks_commit == commit),
        )

    def _refuse_known(self, recordings: Sequence[IndexedRecording]) -> None:
        """Refuse recordings that are here already; the commit does so again, by their ids."""
        held = self.committer.manifest.held(one.recording_id for one in recordings)
        same = self.footage.same_recordings(map(_key_of, recordings))
        for one in recordings:
            if one.recording_id in held or (_key_of(one) in same and not one.stored_id):
                raise GalleryError(
                    "is in the gallery already", where=one.recording.file, fix="Leave it out"
                )
            held.add(one.recording_id)

    def add_tables(self, tables: Tables, *, without: Collection[str] = ()) -> int:
        """Add whole tables of another gallery, but for the recordings *without*, in one commit.

        Returns how many came. The tables are as :func:`workbench.gallery.arriving.arrive` has them,
        whose errors are raised.
        """
        recordings = tables["recordings"]
        there = zip(*(recordings[n].to_pylist() for n in ("recording_id", "sha256")), strict=True)
        contents = frozenset(sha256 for name, sha256 in there if name not in without)
        with self._claimed(contents, False) as owner:
            came = arrive(self.committer, tables, without=without, owner=owner)
        self.stored()
        return came

    def _claimed(
        self, contents: Collection[str], indexed: bool
    ) -> contextlib.AbstractContextManager[str | None]:
        """Give a block that adds recordings, with the owner that the gallery has from then on."""
        if self.claim is None or not contents or self.committer.manifest.state().owner:
            return contextlib.nullcontext()
        return self.claim(contents, indexed)

    def give_to(self, owner: str) -> None:
        """Have the gallery belong to this owner."""
        self.committer.manifest.commit(Change(owner=owner))

    def add_run(
        self,
        source: str,
        started_at: datetime,
        ended_at: datetime,
        *,
        indexed: int,
        refused: Sequence[tuple[Recording, str]],
        left: int,
    ) -> None:
        """Record a run of indexing, and the recordings it could not read with the reasons."""
        run = RunEntry(source, started_at, ended_at, indexed, len(refused), left)
        refusals = [_refusal(recording, reason, ended_at) for recording, reason in refused]
        self.committer.manifest.commit(Change(runs=[run], refusals=refusals))


def _key_of(indexed: IndexedRecording) -> tuple[str, str, int]:
    return indexed.sha256, indexed.recording.camera_id, indexed.recording.stream


def _refusal(recording: Recording, reason: str, at: datetime) -> RefusalEntry:
    """Make the entry of a recording that could not be read, with its time as the list has it."""
    listed = recording.clock_given_for == GIVEN_FOR[-1]
    offset = recording.clock_offset_seconds if listed else 0.0
    start = recording.stated_at - timedelta(seconds=offset)
    return RefusalEntry(
        recording.camera_id, recording.file, start, reason, at, offset, recording.catalogue
    )


__all__ = ["Claim", "Writer"]

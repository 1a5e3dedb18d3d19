"""Write and read a gallery: one profile, each recording whole or not at all.

A gallery is a register (the file that is named) and immutable segments beside it; see
docs/decisions/0004-gallery.md. One process writes, any number read meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeAlias, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from workbench.domain import (
    FILM,
    QUALITY_PARTS,
    Box,
    Camera,
    ClockChange,
    ClockCorrection,
    ClockSetting,
    Coverage,
    IndexedRecording,
    Leg,
    Profile,
    Progress,
    ProgressCallback,
    Quality,
    Reading,
    Recording,
    Scope,
    Shot,
    Stretch,
    Unseen,
    base_camera,
    outside_of,
    parse_tracklet_id,
    seen_parts,
    setting_for,
    stretch_at,
)
from workbench.domain.summaries import Summary, written
from workbench.errors import (
    GalleryBusy,
    GalleryError,
    ProfileMismatch,
    is_full,
    is_there,
    refuse_others,
)
from workbench.gallery.analysis import read_only, views
from workbench.gallery.clockchanges import (
    Concerned,
    changes_of_all,
    chosen_catalogue,
    refuse_unknown,
    setting_of_all,
)
from workbench.gallery.compaction import to_merge
from workbench.gallery.derived import PART
from workbench.gallery.disk import DiskRefused, refused_by_disk, unreadable
from workbench.gallery.duck import TRACKLET_ID, connect, refuse_foreign, refuse_misread, sql_literal
from workbench.gallery.footage import (
    RecordingStart,
    StoredFile,
    StoredReading,
    held_around,
)
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.offsets import strays
from workbench.gallery.places import Places
from workbench.gallery.register import (
    Register,
    SegmentEntry,
    read_register,
    reread_register,
    schema,
    segments_folder,
    write_register,
)
from workbench.gallery.residency import Residency
from workbench.gallery.segments import (
    Segment,
    SegmentWriter,
    attach,
    remove,
)
from workbench.gallery.times import RecordedPart, setting_of, stretch_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.calibration import Normaliser
    from workbench.domain import District, Filter


SEARCH_MEMORY_MB = 1024
"""Default limit of the memory that a process keeps for searching, bytes."""

# A reader overtaken by this many merges in a row looks at a broken gallery.
MOST_TRIES = 10
T = TypeVar("T")


Claim: TypeAlias = Callable[[Collection[str], bool], contextlib.AbstractContextManager[str]]
"""Called before anything is added to a gallery without an owner, with the SHA-256 of the recordings
that are added and whether all were indexed into it; gives a block in which they are added, with the
owner from then on, or nothing."""


Settling: TypeAlias = Callable[[], contextlib.AbstractContextManager[None]]
"""Gives the block in which a new segment takes the place of an old one; may raise instead."""


class Gallery:
    """The tracklets of indexed footage and their templates.

    >>> with Gallery.open("town.duckdb") as gallery:                        # doctest: +SKIP
    ...     gallery.recordings()

    Open it for writing in one process; any number may read meanwhile, and see a recording from the
    moment it is stored, without being opened again.
    """

    def __init__(
        self,
        path: Path,
        register: Register,
        lock: BinaryIO | None,
        stamp: tuple[int, ...] = (),
        *,
        memory_mb: int,
    ) -> None:
        """Use :meth:`open`, :meth:`create` or :meth:`for_writing`."""
        self.path = path
        self.profile = register.profile
        self.claim: Claim | None = None
        self._lock = lock
        self._folder = segments_folder(path)
        self._register = register
        self._stamp = stamp  # of the register before it was read
        self._segments: dict[str, Segment] = {}
        self._places: Places | None = None
        self._clocks: tuple[ClockSetting, ...] | None = None
        self.memory_mb = memory_mb
        most = memory_mb * 2**20
        self.residency = Residency(3 * most // 4)
        self._shown = False  # whether the views are of these segments
        self._cameras_noted = 0  # microseconds since 1970, of the newest that is known
        self._connection = connect()
        self._is_open = True
        # The tables of a segment without rows, so that there is something to select from.
        tables = schema(2, self.profile.dimension)
        self._connection.execute(f"ATTACH ':memory:' AS nothing; USE nothing; {tables}; USE memory")
        # What people ask in SQL reads no other file.
        inside = sql_literal(f"{self._folder.resolve()}/")
        # DuckDB looks for what a writer has left beside a file that it opens.
        itself, log = sql_literal(path.resolve()), sql_literal(f"{path.resolve()}.wal")
        self._connection.execute(
            f"SET allowed_directories = [{inside}]; "
            f"SET allowed_paths = [{itself}, {log}]; "
            "SET enable_external_access = false; "
            f"SET memory_limit = '{most} B'"
        )
        self._attach_segments(register)

    @classmethod
    def create(
        cls, path: Path | str, profile: Profile, *, memory_mb: int = SEARCH_MEMORY_MB
    ) -> Self:
        """Make an empty gallery for templates of *profile* and open it for writing.

        *memory_mb* is as in :meth:`open`.

        Raises
        ------
        GalleryError
            If there is something at *path* already, or it cannot be written.
        """
        path = Path(path)
        refuse_misread(path)
        if is_there(path):
            raise GalleryError(
                "there is a file already",
                where=str(path),
                fix="Open it, or choose another name",
            )
        with _writing(path):
            _make_private(segments_folder(path))
            lock = take_lock(path)
            try:
                register = Register(profile, datetime.now(UTC))
                write_register(path, register)
            except BaseException:
                lock.close()
                raise
        return cls(path, register, lock, memory_mb=memory_mb)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        write: bool = False,
        profile: Profile | None = None,
        memory_mb: int = SEARCH_MEMORY_MB,
    ) -> Self:
        """Open a gallery, by default for reading.

        Parameters
        ----------
        write : bool
            Open it for writing too; one process at a time can.
        profile : Profile, optional
            The profile it must have been made with.
        memory_mb : int
            The most memory for searching it, in megabytes.

        Raises
        ------
        GalleryError
            If it is missing, damaged, foreign or of another version.
        GalleryBusy
            If it is to be written and another process writes it.
        ProfileMismatch
            If it was made with another profile than *profile*.
        NotPermitted
            If it is another account's alone.
        """
        path = Path(path)
        if not is_there(path) or not path.is_file():
            raise GalleryError(
                "there is no gallery here",
                where=str(path),
                fix="Make one with `sightline index`",
            )
        stamp = _stamp_of(path)
        register = read_register(path)
        found = register.profile
        if profile is not None and profile.fingerprint != found.fingerprint:
            raise ProfileMismatch(
                f"was made with profile {found.name} ({found.fingerprint}), not with "
                f"{profile.name} ({profile.fingerprint})",
                where=str(path),
                fix=f"Use profile {found.name}, or another gallery",
            )
        if register.segments and not is_there(segments_folder(path)):
            raise GalleryError(
                f"its segments are missing: the folder {segments_folder(path).name} does not exist",
                where=str(path),
                fix="Copy that folder beside it; the two belong together",
            )
        if not write:
            try:
                return cls(path, register, None, stamp, memory_mb=memory_mb)
            except FileNotFoundError:  # merged away since the register was read
                return cls.open(path, profile=profile, memory_mb=memory_mb)
        with _writing(path):
            _make_private(segments_folder(path))
            lock = take_lock(path)
        try:
            # As it is now that nobody changes it.
            gallery = cls(path, read_register(path), lock, memory_mb=memory_mb)
        except BaseException:
            lock.close()
            raise
        gallery._tidy()
        return gallery

    @classmethod
    def for_writing(
        cls, path: Path | str, profile: Profile, *, memory_mb: int = SEARCH_MEMORY_MB
    ) -> Self:
        """Open the gallery at *path* for writing; make it first if it does not exist.

        Raises what :meth:`open` and :meth:`create` raise.
        """
        path = Path(path)
        return (
            cls.open(path, write=True, profile=profile, memory_mb=memory_mb)
            if is_there(path)
            else cls.create(path, profile, memory_mb=memory_mb)
        )

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
        self._is_open = False
        self._segments = {}
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __repr__(self) -> str:
        closed = "" if self._is_open else ", closed"
        return f"<Gallery: {self.path}, profile {self.profile.name}{closed}>"

    def _repr_html_(self) -> str:
        return self.summary().html()

    def summary(self) -> Summary:
        """Describe the gallery: what it holds, by the counts of its segments."""
        about: list[tuple[str, str]] = [("file", str(self.path)), ("profile", self.profile.name)]
        if not self._is_open:
            return Summary("Gallery", (*about, ("state", "closed")))
        span, entries = self.time_span(), [segment.entry for segment in self.segments]
        tracklets = sum(entry.tracklets for entry in entries)
        about += [
            ("cameras", f"{len(self.places.ids):,}"),
            ("recordings", f"{sum(entry.recordings for entry in entries):,}"),
            ("tracklets", f"{tracklets:,}"),
            ("searchable", f"{sum(entry.templates for entry in entries):,}"),
            ("from", written(span[0]) if span else ""),
            ("to", written(span[1]) if span else ""),
            ("open for", "writing" if self._lock is not None else "reading"),
        ]
        return Summary("Gallery", tuple(about))

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- Writing ------------------------------------------------------------------------------

    def add_cameras(self, cameras: Iterable[Camera]) -> None:
        """Add cameras, or renew the name and place of those that are known."""
        fresh = [camera for camera in cameras if self.places.get(camera.camera_id) != camera]
        if fresh or not self._is_writable():
            with self._commit() as segment:
                segment.add_cameras(fresh)

    def add_recording(self, indexed: IndexedRecording) -> None:
        """Store a recording with all its tracklets, as :meth:`add_recordings` does several."""
        self.add_recordings([indexed])

    def add_recordings(self, recordings: Sequence[IndexedRecording]) -> None:
        """Store recordings with all their tracklets: all of them, or none.

        A clock that was corrected for a camera or folder is corrected here too, unless the
        catalogue states an offset for the recording.

        Raises
        ------
        GalleryError
            If one is here already, its camera is unknown, a template is not a finite vector of
            the profile's dimension, or something ends before it begins.
        """
        seen: set[str] = set()
        cameras: dict[str, Camera] = {}
        known = self.same_recordings(map(_key_of, recordings))
        for one in recordings:
            there = one.recording_id in seen or self.holds(one.recording_id)
            if there or (_key_of(one) in known and not one.stored_id):
                raise GalleryError(
                    "is in the gallery already", where=one.recording.file, fix="Leave it out"
                )
            camera = self.places.get(one.recording.camera_id)
            if camera is None:
                raise GalleryError(
                    f"its camera is unknown ({one.recording.camera_id})",
                    where=one.recording.file,
                    fix="Add its camera first",
                )
            seen.add(one.recording_id)
            cameras[camera.camera_id] = camera
            self._check_templates(one)
            self._check_times(one)
        with self._commit() as segment:
            set_now = [self.with_clock_set(one) for one in recordings]
            segment.add_recordings(set_now, cameras.values())

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
        with self._commit() as segment:
            segment.add_run(
                source, started_at, ended_at, indexed=indexed, refused=refused, left=left
            )

    def add_segment(self, segment: Segment, *, without: Collection[str]) -> int:
        """Add a segment of another gallery of this profile, but for the recordings *without*.

        Returns the number of recordings added.
        """
        left = {name.decode() for name in segment.recording_ids.tolist()} - set(without)
        with self._commit() as copy:
            copy.indexed &= not left
            copy.add_segments([segment], without=without)
        return len(left)

    def add_tables(self, tables: Mapping[str, pa.Table], *, without: Collection[str] = ()) -> int:
        """Add whole tables, in the columns of :func:`workbench.gallery.segments.columns`.

        The recordings *without* are left out; returns how many came.
        """
        left = set(tables["recordings"]["recording_id"].to_pylist()) - set(without)
        with self._commit() as segment:
            segment.add_tables(tables, without=without)
        return len(left)

    def already_here(self, recordings: pa.Table) -> set[str]:
        """Ids of those in a table of recordings that the gallery holds, under this id or another.

        The table has recording_id, sha256, camera_id and stream.
        """
        columns = ("recording_id", "sha256", "camera_id", "stream")
        rows = list(zip(*(recordings[name].to_pylist() for name in columns), strict=True))
        known = self.same_recordings(key for _, *key in rows)
        return {name for name, *key in rows if self.holds(name) or tuple(key) in known}

    def recordings_inside(self, scope: Scope) -> set[str]:
        """Ids of the recordings of a scope: of cameras in it, and partly in its time."""
        cameras = self.places.ids[self.inside(scope.district, unplaced=scope.unplaced)].tolist()
        rows = self.arrow(
            "SELECT recording_id FROM recordings "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
            "WHERE started_at < ? AND ended_at > ?",
            [cameras, scope.end, scope.start],
        )
        return set(rows["recording_id"].to_pylist())

    def compact(self) -> None:
        """Merge small segments until none is left to merge; writing does so as well."""
        while few := to_merge(self._register.segments, self.profile.dimension):
            self._merge(few)

    def make_offsets(self, normaliser: Normaliser) -> None:
        """Make and keep what normalised scores take of each template, so that no search has to."""
        self.settled(lambda: [segment.offsets(normaliser) for segment in self.segments])

    def purge(
        self,
        recording_ids: Iterable[str] = (),
        *,
        tracklet_ids: Iterable[str] = (),
        settling: Settling = contextlib.nullcontext,
    ) -> dict[str, int]:
        """Remove recordings with all that was found in them, and single tracklets.

        Nothing of them stays in any file: the segments that held them are written again without
        them. Returns how many recordings and tracklets went.

        Parameters
        ----------
        settling : callable, optional
            Called for each segment when it is written, which takes long, for a block in which it
            takes the place of the old one, which does not. If it raises, the old one stays.
        """
        recordings = set(recording_ids)
        tracklets = [parse_tracklet_id(tracklet_id) for tracklet_id in tracklet_ids]
        concerned = recordings | {recording_id for recording_id, _ in tracklets}
        before = self._register.segments
        for entry in before:
            names = self._segments[entry.name].recording_ids.tolist()
            if concerned & {name.decode() for name in names}:
                self._merge([entry], without=recordings, tracklets=tracklets, settling=settling)
        with _writing(self.path):
            self._tidy()
        after = self._register.segments
        return {
            "recordings": sum(e.recordings for e in before) - sum(e.recordings for e in after),
            "tracklets": sum(e.tracklets for e in before) - sum(e.tracklets for e in after),
        }

    def correct_clock(
        self,
        correction: ClockCorrection,
        *,
        recordings: Iterable[str] = (),
        camera_id: str = "",
        folder: str = "",
        catalogue: str = "",
        from_seconds: float = 0.0,
        alone: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        dry_run: bool = False,
        progress: ProgressCallback | None = None,
    ) -> list[ClockChange]:
        """Correct or confirm the clock of recordings; nothing is decoded again, and ids stay.

        Either some recordings are named, or a camera, or a folder. What is given for a camera or
        folder holds for recordings that are stored later too. The offset is absolute: see
        :mod:`workbench.domain.clocks`. If this is killed, all times are the old or all the new.

        Parameters
        ----------
        correction : ClockCorrection
            The offset, also if it is the one that is known: the times are confirmed then. Named
            recordings can be confirmed with whatever offset they have.
        recordings : iterable of str
            Ids of recordings. What is given for a recording holds against what is given for its
            folder, and that against what is given for its camera; of one kind, the last.
        folder : str
            Folder of the files as catalogued; "." for all.
        catalogue : str
            Folder of the catalogue that lists them, as :meth:`catalogue_of` returns it; needed
            where several have footage in *folder*.
        from_seconds : float
            For named recordings: from this second of them on.
        alone : bool
            Only up to the end of the stretch that this second lies in.
        since, until : datetime, optional
            For a camera or folder: recordings that begin from then, and before then, by the clock
            that is corrected.
        dry_run : bool
            Change nothing; a gallery open for reading will do.
        progress : callable, optional
            Called after each segment that was written again.

        Returns
        -------
        list of ClockChange
            What changed, was confirmed or was kept, by recording and second.

        Raises
        ------
        GalleryError
            If a recording is unknown or ends before *from_seconds*, if several catalogues have
            footage in *folder* and none is named, or if all were placed on a track by the clock
            that would be corrected. Where only some were, they keep their times.
        TimeError
            If what is to be corrected is not said, or said twice, or a recording would begin when
            there can be none.
        """
        names = list(dict.fromkeys(recordings))
        setting = setting_of_all(
            names, correction, camera_id=camera_id, folder=folder, catalogue=catalogue,
            from_seconds=from_seconds, alone=alone, since=since, until=until,
            catalogue_of=self.catalogue_of,
        )  # fmt: skip
        if not dry_run:
            self._is_writable()
        known = self._recordings_to_correct(names, setting, from_seconds)
        changes, fresh = changes_of_all(
            known, self.stretches_by_id(known), self.first_seconds(known), correction,
            "recording" if setting is None else setting.given_for,
            from_seconds=from_seconds, alone=alone, placed_by_clock=self.placed_by_clock,
        )  # fmt: skip
        if not dry_run:
            self.restate(fresh, [] if setting is None else [setting], progress=progress)
        return changes

    def _recordings_to_correct(
        self, names: Sequence[str], setting: ClockSetting | None, from_seconds: float
    ) -> dict[str, Concerned]:
        """Recordings that a correction concerns, by id and in order of time."""
        rows = self.arrow(
            "SELECT recording_id, file, camera_id, stated_at, seconds, stream, catalogue "
            "FROM recordings ORDER BY started_at, recording_id"
        ).to_pylist()
        wanted = set(names)
        found = {}
        for row in rows:
            catalogue = row.pop("catalogue")
            one = Concerned(**row | {"stated_at": row["stated_at"].astimezone(UTC)})
            if (
                one.recording_id in wanted
                if setting is None
                else setting.concerns(one.camera_id, one.file, one.stated_at, catalogue)
            ):
                found[one.recording_id] = one
        refuse_unknown(names, found, from_seconds, str(self.path))
        return found

    def concerned_by(self, setting: ClockSetting) -> list[str]:
        """Ids of the recordings that a correction for a camera or folder concerns, by time."""
        return list(self._recordings_to_correct((), setting, 0.0))

    def placed_by_clock(
        self, old: Mapping[str, Sequence[Stretch]], new: Mapping[str, Sequence[Stretch]]
    ) -> list[str]:
        """Ids of those that a GPX track placed by the *old* stretches, with offsets other than now.

        Their places would no longer be those of their times.
        """
        other = [
            name
            for name, those in new.items()
            if any(  # a stretch that only begins elsewhere, as when confirmed, moves nothing
                stretch_at(those, second).offset_seconds
                != stretch_at(old[name], second).offset_seconds
                for second in {s.from_seconds for s in (*those, *old[name])}
            )
        ]
        found: list[str] = self.arrow(
            "SELECT DISTINCT recording_id FROM legs "
            "WHERE track <> ? AND recording_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL",
            [FILM, other],
        )["recording_id"].to_pylist()
        return found

    def first_seconds(self, recording_ids: Iterable[str]) -> dict[str, list[float]]:
        """Seconds at which the tracklets of recordings begin."""
        found: dict[str, list[float]] = {name: [] for name in recording_ids}
        rows = self.arrow(
            "SELECT recording_id, first_seconds FROM tracklets "
            "WHERE recording_id IN (SELECT unnest(?::VARCHAR[]))",
            [list(found)],
        )
        columns = (rows["recording_id"].to_pylist(), rows["first_seconds"].to_pylist())
        for name, seconds in zip(*columns, strict=True):
            found[name].append(seconds)
        return found

    def restate(
        self,
        stretches: Mapping[str, tuple[Stretch, ...]],
        settings: Sequence[ClockSetting] = (),
        *,
        progress: ProgressCallback | None = None,
    ) -> None:
        """Give recordings other stretches, by id, with all times, and keep *settings* of clocks.

        For people :meth:`correct_clock`, which says what changes.
        """
        concerned = [
            segment
            for segment in self.segments
            if any(name.decode() in stretches for name in segment.recording_ids.tolist())
        ]
        if not concerned and not settings:
            return
        with self._commit_several([segment.entry for segment in concerned]) as another:
            writer = another()
            writer.add_clocks(settings)
            for done, segment in enumerate(concerned, start=1):
                writer.add_segments([segment], stretches=stretches)
                if progress is not None:
                    progress(Progress(done, len(concerned)))
                if done < len(concerned):
                    writer = another()

    def with_clock_set(self, indexed: IndexedRecording) -> IndexedRecording:
        """The recording with the clock that was set for its folder or camera, as it is stored.

        One that a gallery holds already keeps its own, as does one whose catalogue states one.
        """
        setting = self.clock_of(indexed.recording)
        if setting is None or indexed.stored_id:
            return indexed
        return indexed.corrected(setting.correction, setting.given_for)

    def clock_of(self, recording: Recording) -> ClockSetting | None:
        """The correction that was given for a recording's folder or camera; None if there is none.

        What a catalogue states for the recording itself holds against it.
        """
        one = recording
        return setting_for(self.clocks(), one.camera_id, one.file, one.stated_at, one.catalogue)

    def catalogue_of(self, folder: str, named: str = "") -> str:
        """The catalogue that a folder, as files are catalogued, belongs to; *named*, if it is.

        Empty where all folders are meant, or an earlier version did not note any.

        Raises
        ------
        GalleryError
            If several have footage there, or none has and it is not named, or *named* is no
            catalogue of this gallery and no folder either.
        """
        if not named and folder in ("", "."):
            return ""
        rows = self.arrow(
            "SELECT DISTINCT catalogue, starts_with(file, $folder || '/') AS inside "
            "FROM recordings ORDER BY ALL",
            {"folder": folder},
        ).to_pylist()
        known = {row["catalogue"] for row in rows}
        inside = {row["catalogue"] for row in rows if row["inside"]}
        return chosen_catalogue(known, inside, folder, named, str(self.path))

    def clocks(self) -> tuple[ClockSetting, ...]:
        """Corrections that were given for cameras and folders, the oldest first."""
        self.refresh()
        if self._clocks is None:
            rows = self.query("FROM clocks ORDER BY found_at, camera_id, folder")
            self._clocks = tuple(map(setting_of, rows.to_pylist()))
        return self._clocks

    def _check_templates(self, indexed: IndexedRecording) -> None:
        for tracklet in indexed.tracklets:
            vectors = [shot.template for shot in tracklet.shots]
            vectors += [] if tracklet.template is None else [tracklet.template]
            for vector in vectors:
                if vector.shape != (self.profile.dimension,) or not np.isfinite(vector).all():
                    raise GalleryError(
                        f"a template of tracklet {tracklet.ordinal} is not a finite vector of "
                        f"{self.profile.dimension} numbers",
                        where=indexed.recording.file,
                        fix="Index it again; if that does not help, check the model weights",
                    )
                if self.profile.metric == "cosine" and not vector.any():
                    raise GalleryError(
                        f"a template of tracklet {tracklet.ordinal} is zero",
                        where=indexed.recording.file,
                        fix="Index it again; if that does not help, check the model weights",
                    )

    def _check_times(self, indexed: IndexedRecording) -> None:
        began = indexed.recording.started_at
        spans = [("the recording", began, began + timedelta(seconds=indexed.seconds))]
        spans += [(f"tracklet {t.ordinal}", t.first_seen, t.last_seen) for t in indexed.tracklets]
        for what, first, last in spans:
            if last < first:
                raise GalleryError(
                    f"{what} ends at {last.isoformat()}, before it begins at {first.isoformat()}",
                    where=indexed.recording.file,
                    fix="Convert the recording so that its times go forward, and index it again",
                )

    def _is_writable(self) -> bool:
        if self._lock is None:
            raise GalleryError(
                "is open for reading only", where=str(self.path), fix="Open it with write=True"
            )
        return True

    @contextlib.contextmanager
    def _commit(
        self, gone: Sequence[SegmentEntry] = (), *, settling: Settling = contextlib.nullcontext
    ) -> Iterator[SegmentWriter]:
        """Give a segment to fill; it replaces *gone* in the gallery when the block ends."""
        with self._commit_several(gone, settling=settling) as another:
            yield another()

    @contextlib.contextmanager
    def _commit_several(
        self, gone: Sequence[SegmentEntry] = (), *, settling: Settling = contextlib.nullcontext
    ) -> Iterator[Callable[[], SegmentWriter]]:
        """Give segments to fill, one after the other, as often as is asked.

        All of them replace *gone* in the gallery, in one step, when the block ends.
        """
        self._is_writable()
        with undisturbed():
            made: list[SegmentWriter] = []
            entries: list[SegmentEntry] = []

            def another() -> SegmentWriter:
                if made:
                    entries.append(made[-1].finish())
                number = self._register.next_number() + len(made)
                made.append(SegmentWriter(self._folder, number, self.profile))
                return made[-1]

            with _writing(self.path):
                try:
                    yield another
                    entries.append(made[-1].finish())
                    left = [e for e in self._register.segments if e not in gone]
                    with settling(), self._claimed(made) as owner:
                        register = replace(self._register, segments=(*left, *entries), owner=owner)
                        write_register(self.path, register)
                except BaseException:
                    for segment in made:
                        segment.discard()
                    raise
            self._attach_segments(register)
            for old in gone:
                remove(self._folder / old.name)
            if not gone:
                # What was to be stored is; merging can wait until there is room.
                with contextlib.suppress(DiskRefused):
                    self.compact()

    def _claimed(self, made: Sequence[SegmentWriter]) -> contextlib.AbstractContextManager[str]:
        """Give a block that adds segments, with the owner of the gallery when they are in it."""
        contents = frozenset[str]().union(*(segment.contents for segment in made))
        if self.owner or self.claim is None or not contents:
            return contextlib.nullcontext(self.owner)
        return self.claim(contents, all(segment.indexed for segment in made))

    def give_to(self, owner: str) -> None:
        """Have the gallery belong to this owner."""
        self._is_writable()
        register = replace(self._register, owner=owner)
        with _writing(self.path):
            write_register(self.path, register)
        self._register = register

    def _merge(
        self,
        entries: Sequence[SegmentEntry],
        *,
        without: Iterable[str] = (),
        tracklets: Iterable[tuple[str, int]] = (),
        settling: Settling = contextlib.nullcontext,
    ) -> None:
        segments = [self._segments[entry.name] for entry in entries]
        with self._commit(gone=entries, settling=settling) as merged:
            merged.add_segments(segments, without=without, tracklets=tracklets)

    def _tidy(self) -> None:
        """Remove what a killed writer left half done, and offsets of segments that are gone."""
        named = {entry.name for entry in self._register.segments}
        for found in self._folder.iterdir():
            if found.is_dir() and found.name not in named:
                remove(found)
            elif found.suffix == PART:
                found.unlink(missing_ok=True)
        for stray in strays(self._folder):
            stray.unlink(missing_ok=True)

    # --- What is there ------------------------------------------------------------------------

    def refresh(self) -> bool:
        """Load what was stored since the last look; return True if there was something.

        Every question does so first, at the cost of one look at the file.
        """
        if self._lock is not None:
            return False
        for _ in range(MOST_TRIES):
            try:
                # Before it is read: what comes between is seen the next time.
                stamp = _stamp_of(self.path)
            except FileNotFoundError:
                raise GalleryError(
                    "was moved or deleted",
                    where=str(self.path),
                    fix="Restore it, or open another",
                ) from None
            if stamp == self._stamp:
                return False
            register = reread_register(self.path, self._register, self._connection)
            if register.profile.fingerprint != self.profile.fingerprint:
                raise ProfileMismatch(
                    "was replaced by a gallery of another profile",
                    where=str(self.path),
                    fix="Open it again",
                )
            try:
                self._attach_segments(register)
            except FileNotFoundError:
                continue  # merged away since the register was read: there is a newer one
            self._stamp = stamp
            return True
        raise unreadable(self.path, "its segments are missing")

    def settled(self, ask: Callable[[], T]) -> T:
        """Result of *ask* on the gallery as it is now.

        It is asked again where a segment was merged away before its files were opened; once they
        are open, they stay readable.
        """
        for _ in range(MOST_TRIES):
            self.refresh()
            try:
                return ask()
            except FileNotFoundError:
                self._stamp = ()
        raise unreadable(self.path, "its segments are missing")

    @undisturbed()
    def _attach_segments(self, register: Register) -> None:
        """Attach the segments of *register*, and detach others."""
        wanted = {entry.name: entry for entry in register.segments}
        fresh = {
            name: Segment(self._folder / name, entry)
            for name, entry in wanted.items()
            if name not in self._segments
        }
        attached: list[Segment] = []
        for segment in fresh.values():
            try:
                attach(self._connection, segment)
                attached.append(segment)
            except duckdb.Error as error:
                for other in attached:  # the next look begins where this one did
                    self._connection.execute(f"DETACH {other.alias}")
                if not segment.folder.is_dir():
                    raise FileNotFoundError(segment.folder) from None
                refuse_foreign(segment.folder, str(error))
                raise unreadable(segment.folder, str(error)) from None
        gone = [segment for name, segment in self._segments.items() if name not in wanted]
        self._segments = {name: self._segments.get(name) or fresh[name] for name in sorted(wanted)}
        self._register = register
        self._shown = False
        for segment in gone:
            self._connection.execute(f"DETACH {segment.alias}")
            if segment.is_open:
                self.residency.forget(segment.index)
        if any(self._notes_cameras(segment) for segment in fresh.values()):
            self._places = None
        if any(self._count_clocks(segment) for segment in fresh.values()):
            self._clocks = None

    def _notes_cameras(self, segment: Segment) -> bool:
        """Return True if a segment has news of cameras: most repeat what is known."""
        ((newest,),) = self._connection.execute(
            f"SELECT coalesce(max(epoch_us(noted_at)), 0) FROM {segment.alias}.cameras"  # noqa: S608
        ).fetchall()
        news: bool = newest > self._cameras_noted
        self._cameras_noted = max(self._cameras_noted, newest)
        return news

    def _count_clocks(self, segment: Segment) -> int:
        ((count,),) = self._connection.execute(
            f"SELECT count(*) FROM {segment.alias}.clocks"  # noqa: S608
        ).fetchall()
        return int(count)

    @property
    def owner(self) -> str:
        """Owner as :mod:`workbench.casework.ownership` writes it; empty if there is none yet."""
        return self._register.owner

    def holds_only(self, contents: Collection[str]) -> bool:
        """Check that every recording has one of these SHA-256, and was indexed into the gallery.

        A recording that was imported, merged or made again from another gallery says its SHA-256
        itself, and so is none of them.
        """
        self.refresh()
        if not all(e.indexed or not e.recordings for e in self._register.segments):
            return False
        return set(self.arrow("SELECT DISTINCT sha256 FROM recordings")["sha256"].to_pylist()) <= (
            set(contents)
        )

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Segments in the order in which they were added."""
        return tuple(self._segments.values())

    # --- Reading ------------------------------------------------------------------------------

    def arrow(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        """Run a query with its parameters; return an Arrow table, times in UTC.

        Tables: cameras, recordings, tracklets, shots, problems, stretches, unseen, legs, spans,
        different_people, clocks, runs, refusals; see schema.sql.
        For questions of one's own, :meth:`connection`.
        """
        self.refresh()
        try:
            return self._run(sql, parameters)
        except RuntimeError as error:
            if "interrupted" in str(error).lower():  # DuckDB's word for Ctrl-C
                raise KeyboardInterrupt from None
            raise

    @undisturbed()
    def query(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        """Run a query on the gallery as it was at the last look, for short questions."""
        return self._run(sql, parameters)

    def _run(self, sql: str, parameters: Sequence[object] | Mapping[str, object]) -> pa.Table:
        self._show()
        return self._ask(sql, parameters)

    @undisturbed()
    def _show(self) -> None:
        """Join the tables of all segments into one set of tables; most searches need none."""
        if not self._shown:
            self._connection.execute(views("nothing", self.segments, self._connection))
            self._shown = True

    @undisturbed()
    def _ask(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> pa.Table:
        damage = (duckdb.IOException, duckdb.SerializationException, duckdb.FatalException)
        try:
            return self._connection.sql(sql, params=parameters).to_arrow_table()
        except damage as error:
            raise unreadable(self.path, str(error)) from None

    def files(self, segment: Segment) -> pa.ChunkedArray:
        """Names of the recordings of a segment, by row number; read once."""
        if segment.files is None:
            sql = f"SELECT file FROM {segment.alias}.recordings ORDER BY rowid"  # noqa: S608
            segment.files = self._ask(sql)["file"]
        return segment.files

    def stretches(self, segment: Segment) -> dict[int, tuple[Stretch, ...]]:
        """Stretches of a segment's recordings by row number, but for plain ones; read once.

        A recording that is not named has one stretch without doubt, whose clock was right.
        """
        if segment.stretches is None:
            part = segment.alias
            sql = (
                "SELECT r.rowid AS recording, s.* "  # noqa: S608 - a name of our own
                f"FROM {part}.stretches s JOIN {part}.recordings r USING (recording_id) "
                f"SEMI JOIN (SELECT recording_id FROM {part}.stretches WHERE from_seconds > 0 "
                "OR doubt <> '' OR offset_seconds <> 0 OR found_at IS NOT NULL OR note <> '') "
                "AS told USING (recording_id) ORDER BY recording, from_seconds"
            )
            found: dict[int, list[Stretch]] = {}
            for row in self._ask(sql).to_pylist():
                found.setdefault(row["recording"], []).append(stretch_of(row))
            # One for all that are alike, as after the correction of a camera's clock.
            shared: dict[tuple[Stretch, ...], tuple[Stretch, ...]] = {}
            segment.stretches = {
                row: shared.setdefault(tuple(those), tuple(those)) for row, those in found.items()
            }
        return segment.stretches

    def stretches_by_id(self, recording_ids: Iterable[str]) -> dict[str, tuple[Stretch, ...]]:
        """Stretches of recordings by their ids, in order."""
        rows = self.arrow(
            "SELECT * FROM stretches WHERE recording_id IN (SELECT unnest(?::VARCHAR[])) "
            "ORDER BY recording_id, from_seconds",
            [list(recording_ids)],
        )
        found: dict[str, list[Stretch]] = {}
        for row in rows.to_pylist():
            found.setdefault(row["recording_id"], []).append(stretch_of(row))
        return {name: tuple(those) for name, those in found.items()}

    def recorded_stretches(
        self, *, recording_id: str = "", camera_id: str = "", uncertain: bool = False
    ) -> list[tuple[dict[str, Any], Stretch]]:
        """Stretches, each with its recording's columns, by the start of the recording.

        ``ends`` is the second at which the stretch ends, ``is_all`` whether there is no other.
        Only those of one recording or camera, or with a doubt that no one settled, where asked.
        """
        rows = self.arrow(
            "SELECT recording_id, file, camera_id, stated_at, catalogue, "
            "least(until_seconds, seconds) AS ends, "
            "from_seconds = 0 AND isinf(until_seconds) AS is_all, "
            "s.* EXCLUDE (recording_id, until_seconds) "
            "FROM recordings r JOIN stretches s USING (recording_id) "
            "WHERE ($recording = '' OR recording_id = $recording) "
            "AND ($camera = '' OR camera_id = $camera) AND (NOT $uncertain OR (doubt <> '' "
            "AND (found_at IS NULL OR given_for <> 'recording'))) "
            "ORDER BY r.started_at, camera_id, recording_id, from_seconds",
            {"recording": recording_id, "camera": camera_id, "uncertain": uncertain},
        )
        return [(row, stretch_of(row)) for row in rows.to_pylist()]

    def recorded_between(
        self, cameras: Iterable[Camera], since: datetime, until: datetime
    ) -> list[str]:
        """Return the ids of the recordings of cameras that may reach into a time (UTC)."""
        found: list[str] = self.arrow(
            "SELECT recording_id FROM recordings "
            "SEMI JOIN (SELECT unnest($cameras::VARCHAR[]) AS camera_id) USING (camera_id) "
            "WHERE started_at < $until AND ended_at > $since ORDER BY started_at, recording_id",
            {
                "cameras": [camera.camera_id for camera in cameras],
                "since": since,
                "until": until,
            },
        )["recording_id"].to_pylist()
        return found

    def recorded_parts(
        self, recording_ids: Collection[str], *, seen_only: bool = False
    ) -> list[RecordedPart]:
        """Parts of recordings, by id: of a moving camera's film what belongs to the recording.

        *seen_only*: without what could not be seen. So cut, they are as long as the footage that
        :meth:`coverage` counts.
        """
        rows = {}
        of = "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS recording_id) USING (recording_id)"
        for table in ("recordings", "legs", "unseen"):  # names of our own
            found = self.arrow(f"FROM {table} {of}", [list(recording_ids)])
            rows[table] = found.to_pylist()
        gaps: dict[str, list[Unseen]] = {}
        legs: dict[str, list[Leg]] = {}
        for row in rows["unseen"] if seen_only else ():
            gap = Unseen(row["start_seconds"], row["end_seconds"], row["why"])
            gaps.setdefault(row["recording_id"], []).append(gap)
        for row in sorted(rows["legs"], key=lambda row: row["start_seconds"]):
            leg = Leg(row["start_seconds"], row["end_seconds"], None)
            legs.setdefault(row["recording_id"], []).append(leg)
        stretches = self.stretches_by_id(recording_ids)
        parts = []
        for row in sorted(rows["recordings"], key=lambda row: row["recording_id"]):
            name, length = row["recording_id"], row["seconds"]
            elsewhere = [Unseen(*one, "") for one in outside_of(legs.get(name, ()), length)]
            cut = [*gaps.get(name, ()), *elsewhere]
            parts += [
                RecordedPart(
                    name, row["file"], row["camera_id"],
                    row["stated_at"].astimezone(UTC) - stretch.shift, start, end, stretch,
                )
                for start, end, stretch in seen_parts(length, stretches[name], cut)
            ]  # fmt: skip
        return parts

    def seconds_held(self, recording_id: str, shots: Sequence[Shot]) -> tuple[float, float]:
        """Return the seconds of a recording around shots that belong to its camera.

        Of a moving camera's film they are those at that place; and no jump of the clock lies in
        them, unless one lies between the shots.
        """
        return held_around(shots, self.recorded_parts([recording_id]))

    def cameras(self) -> tuple[Camera, ...]:
        """All cameras, by id."""
        self.refresh()
        return tuple(map(self.places.at, range(len(self.places.ids))))

    @property
    @undisturbed()  # pyarrow imports pandas here, and Ctrl-C would get lost in that
    def places(self) -> Places:
        """All cameras as columns, by id."""
        if self._places is None:
            self._places = Places.of(
                self.query(
                    "SELECT camera_id, name, latitude, longitude FROM cameras ORDER BY camera_id"
                )
            )
        return self._places

    def inside(self, district: District, *, unplaced: Collection[str] = ()) -> NDArray[np.bool_]:
        """Mask of :meth:`cameras` in a district, its border included.

        And of those that *unplaced* names and whose place is not known. Raises DistrictError if
        there is none of either kind.
        """
        self.refresh()
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
        self.refresh()
        return self.places.chosen(district, unplaced, only)

    def recordings(self) -> pd.DataFrame:
        """Recordings, one per row, by start: the columns of the table, with counts of tracklets."""
        frame: pd.DataFrame = self.arrow(
            "SELECT r.*, "
            "coalesce(t.tracklets, 0) AS tracklets, coalesce(t.unsearchable, 0) AS unsearchable, "
            "coalesce(p.problems, 0) AS problems FROM recordings r "
            "LEFT JOIN (SELECT recording_id, count(*) AS tracklets, "
            "count(*) FILTER (NOT searchable) AS unsearchable FROM tracklets GROUP BY ALL) t "
            "USING (recording_id) "
            "LEFT JOIN (SELECT recording_id, count(*) AS problems FROM problems GROUP BY ALL) p "
            "USING (recording_id) ORDER BY started_at, camera_id, recording_id"
        ).to_pandas()
        return frame

    def known_files(self) -> dict[tuple[str, str, int], list[StoredFile]]:
        """Files of the recordings by name as catalogued, camera and picture stream.

        The stream is 0 where an earlier Sightline did not note it.
        """
        rows = self.arrow(
            "SELECT file, camera_id, stream, recording_id, size_bytes, modified_ns FROM recordings"
        )
        found: dict[tuple[str, str, int], list[StoredFile]] = {}
        for row in rows.to_pylist():
            key = row["file"], row["camera_id"], row["stream"]
            stored = StoredFile(row["recording_id"], row["size_bytes"], row["modified_ns"])
            found.setdefault(key, []).append(stored)
        return found

    def holds(self, recording_id: str) -> bool:
        """Return True if the gallery holds a recording under an id; see also `same_recordings`."""
        name = recording_id.encode()
        return self.settled(lambda: any(segment.holds(name) for segment in self.segments))

    def same_recordings(
        self, keys: Iterable[Sequence[Any]], *, anywhere: bool = False
    ) -> dict[tuple[str, str, int], list[str]]:
        """Ids of the recordings of the same content, camera and picture stream, by these three.

        An earlier Sightline named recordings by their start, so one may be here under another id,
        and even twice. Where the stream was not noted, or is given as 0, it may be any. With
        *anywhere*, the camera may be at whatever place: a list can state another one now, or a
        track.
        """
        of = base_camera if anywhere else str
        wanted = [tuple(key) for key in keys]
        rows = self.arrow(
            "SELECT sha256, camera_id, stream, recording_id FROM recordings "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS sha256) USING (sha256) "
            "ORDER BY recording_id",
            [list(dict.fromkeys(key[0] for key in wanted))],
        ).to_pylist()
        there: dict[tuple[object, object], list[dict[str, Any]]] = {}
        for row in rows:
            there.setdefault((row["sha256"], of(row["camera_id"])), []).append(row)
        found: dict[tuple[str, str, int], list[str]] = {}
        for sha256, camera_id, stream in wanted:
            ids = [
                row["recording_id"]
                for row in there.get((sha256, of(camera_id)), ())
                if row["stream"] == stream or not row["stream"] or not stream
            ]
            if ids:
                found[sha256, camera_id, stream] = ids
        return found

    def starts(self, recording_ids: Iterable[str]) -> dict[str, RecordingStart]:
        """Starts of recordings by id, as stated and as corrected."""
        ids = list(recording_ids)
        stretches = self.stretches_by_id(ids)
        rows = self.arrow(
            "SELECT recording_id, file, stated_at FROM recordings "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS recording_id) USING (recording_id)",
            [ids],
        )
        return {
            row["recording_id"]: RecordingStart(
                row["file"], row["stated_at"].astimezone(UTC), stretches[row["recording_id"]][0]
            )
            for row in rows.to_pylist()
        }

    def legs_of(self, camera_id: str) -> list[dict[str, Any]]:
        """Recordings that films of a moving camera were divided into: a row each.

        Columns: recording_id, camera_id (of the leg), file, sha256, size_bytes, modified_ns,
        stream, track.
        """
        found: list[dict[str, Any]] = self.arrow(
            "SELECT DISTINCT recording_id, camera_id, file, sha256, size_bytes, modified_ns, "
            "stream, track "
            "FROM recordings JOIN legs USING (recording_id) "
            "WHERE camera_id = $camera OR starts_with(camera_id, $camera || '@') ORDER BY ALL",
            {"camera": camera_id},
        ).to_pylist()
        return found

    def readings(self, recording_ids: Iterable[str]) -> dict[str, StoredReading]:
        """Say how recordings were read and placed when they were indexed, by id."""
        rows = self.arrow(
            "SELECT recording_id, camera_id, stream, rotation, pixel_aspect, frame_rate, "
            "recording_id IN (SELECT recording_id FROM legs) AS tracked FROM recordings "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS recording_id) USING (recording_id)",
            [list(recording_ids)],
        )
        return {
            row["recording_id"]: StoredReading(
                row["camera_id"],
                row["tracked"],
                bool(row["stream"]),
                Reading(
                    row["stream"] or 1,
                    row["rotation"] or 0,
                    None if row["pixel_aspect"] is None else Fraction(row["pixel_aspect"]),
                    row["frame_rate"],
                ),
            )
            for row in rows.to_pylist()
        }

    def how_read(self, recording_id: str) -> Reading:
        """Say how a recording was read when it was indexed, so that it can be read so again.

        Raises GalleryError if it is not here.
        """
        found = self.readings([recording_id])
        if not found:
            raise GalleryError(
                f"holds no recording {recording_id}",
                where=str(self.path),
                fix="Search again: it may have been removed",
            )
        return found[recording_id].reading

    def tracks(self, recording_ids: Iterable[str]) -> tuple[str, ...]:
        """Tracks on which recordings were placed: GPX files with their SHA-256, or ``film``."""
        rows = self.arrow(
            "SELECT DISTINCT track FROM legs "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS recording_id) USING (recording_id) "
            "ORDER BY track",
            [list(recording_ids)],
        )
        return tuple(rows["track"].to_pylist())

    def same_content(self, indexed: IndexedRecording) -> list[str]:
        """Files of other recordings with the same content."""
        rows = self.arrow(
            "SELECT file FROM recordings WHERE sha256 = ? AND recording_id <> ? ORDER BY file",
            [indexed.sha256, indexed.recording_id],
        )
        return [row["file"] for row in rows.to_pylist()]

    def overlapping(self, indexed: IndexedRecording) -> list[tuple[str, float]]:
        """Files of other recordings of its camera that overlap it, with the seconds of overlap."""
        span = [indexed.ended_at, indexed.recording.started_at]
        rows = self.arrow(
            "SELECT file, epoch(least(ended_at, ?) - greatest(started_at, ?)) AS seconds "
            "FROM recordings WHERE camera_id = ? AND started_at < ? AND ended_at > ? "
            "AND recording_id <> ? ORDER BY started_at, file",
            [*span, indexed.recording.camera_id, *span, indexed.recording_id],
        )
        return [(row["file"], row["seconds"]) for row in rows.to_pylist()]

    def runs(self) -> pd.DataFrame:
        """Runs of indexing, one per row, the latest first."""
        frame: pd.DataFrame = self.arrow("SELECT * FROM runs ORDER BY run_id DESC").to_pandas()
        return frame

    def refusals(self) -> pd.DataFrame:
        """Recordings that could not be read, with the reason; by camera and time.

        ``started_at`` is corrected as the clock of a recording that could be read would be, by
        ``offset_seconds``; ``stated_at`` is what the list, or the camera's clock, says.
        """
        import pandas as pd

        names = ["camera_id", "file", "started_at", "stated_at", "offset_seconds", "reason",
                 "refused_at"]  # fmt: skip
        frame = pd.DataFrame(self._refused(), columns=names)
        for column in ("started_at", "stated_at", "refused_at"):
            frame[column] = frame[column].astype("datetime64[us, UTC]")
        return frame.sort_values(["camera_id", "started_at", "file"], ignore_index=True)

    def _refused(self) -> list[dict[str, Any]]:
        """Rows of refusals, with the clocks that were set for cameras and folders applied."""
        settings = self.clocks()
        found = []
        for row in self.arrow("FROM refusals").to_pylist():
            offset = timedelta(seconds=row["offset_seconds"])
            stated = row["started_at"].astimezone(UTC) + offset
            if not offset:
                about = row["camera_id"], row["file"], stated, row["catalogue"]
                setting = setting_for(settings, *about)
                offset = timedelta(seconds=0 if setting is None else setting.offset_seconds)
            times = {"started_at": stated - offset, "stated_at": stated}
            found.append(row | times | {"offset_seconds": offset.total_seconds()})
        return found

    def problems(self) -> pd.DataFrame:
        """Problems inside recordings: file, camera_id, what, at_seconds."""
        frame: pd.DataFrame = self.arrow(
            "SELECT file, camera_id, what, at_seconds FROM problems JOIN recordings "
            "USING (recording_id) ORDER BY started_at, file, at_seconds"
        ).to_pandas()
        return frame

    def tracklets(self) -> pd.DataFrame:
        """Tracklets, one per row, by time, searchable or not."""
        frame: pd.DataFrame = self.arrow(
            f"SELECT {TRACKLET_ID} AS tracklet_id, camera_id, file AS recording, "  # noqa: S608
            "first_seen, last_seen, detections, searchable FROM tracklets "
            "JOIN recordings USING (recording_id, camera_id) ORDER BY first_seen, tracklet_id"
        ).to_pandas()
        return frame

    def footage(self, cameras: Iterable[Camera] | None = None) -> pd.DataFrame:
        """Spans of footage: camera_id, camera, started_at, ended_at; by camera and start.

        What could not be seen is between them.
        """
        frame: pd.DataFrame = self.arrow(
            "SELECT camera_id, name AS camera, started_at, ended_at FROM spans "
            "JOIN cameras USING (camera_id) ORDER BY camera_id, started_at"
        ).to_pandas()
        if cameras is None:
            return frame
        wanted = {camera.camera_id for camera in cameras}
        return frame[frame["camera_id"].isin(wanted)].reset_index(drop=True)

    def time_span(self) -> tuple[datetime, datetime] | None:
        """UTC time of the first and the last picture; None in a gallery without footage."""
        row = self.arrow("SELECT min(started_at) a, max(ended_at) b FROM recordings").to_pylist()[0]
        if row["a"] is None:
            return None
        return row["a"].astimezone(UTC), row["b"].astimezone(UTC)

    def coverage(self, scope: Scope, *, only: Filter | None = None) -> Coverage:
        """Coverage of a scope, narrowed to the cameras and windows of a filter; not to its quality.

        Raises DistrictError if the district holds no camera, or the filter leaves none.
        """
        cameras = self.cameras_inside(scope.district, unplaced=scope.unplaced, only=only)
        ids = [camera.camera_id for camera in cameras]
        spans = scope.spans(None if only is None else only.windows)
        of_them = [ids, [start for start, _ in spans], [end for _, end in spans]]
        footage = self.arrow(
            "SELECT count(DISTINCT camera_id) AS cameras, count(DISTINCT recording_id) AS "
            "recordings, coalesce(sum(epoch(least(ended_at, b) - greatest(started_at, a))), 0) AS "
            "seconds FROM spans "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
            "JOIN (SELECT unnest(?::TIMESTAMPTZ[]) AS a, unnest(?::TIMESTAMPTZ[]) AS b) "
            "ON started_at < b AND ended_at > a",
            of_them,
        ).to_pylist()[0]
        unseen = 0.0
        if self.arrow("SELECT 1 FROM unseen LIMIT 1").num_rows:  # most galleries have none
            unseen = self.arrow(
                "SELECT coalesce(sum(epoch(least(ended_at, b) - greatest(started_at, a))), 0) AS "
                "seconds FROM unseen_spans "
                "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
                "JOIN (SELECT unnest(?::TIMESTAMPTZ[]) AS a, unnest(?::TIMESTAMPTZ[]) AS b) "
                "ON started_at < b AND ended_at > a",
                of_them,
            ).to_pylist()[0]["seconds"]
        tracklets = self.arrow(
            "SELECT count(*) FILTER (searchable) AS searchable, count(*) AS total FROM tracklets "
            "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
            "SEMI JOIN (SELECT unnest(?::TIMESTAMPTZ[]) AS a, unnest(?::TIMESTAMPTZ[]) AS b) "
            "ON first_seen < b AND last_seen >= a",
            of_them,
        ).to_pylist()[0]
        told = {"doubt": 0, "note": 0}  # the columns are our own
        for column in told:
            any_told = f"SELECT 1 FROM all_stretches WHERE {column} <> '' LIMIT 1"  # noqa: S608
            if not self.arrow(any_told).num_rows:
                continue
            told[column] = self.arrow(
                "SELECT count(*) AS number FROM tracklets t "  # noqa: S608
                "SEMI JOIN (SELECT unnest(?::VARCHAR[]) AS camera_id) USING (camera_id) "
                "SEMI JOIN (SELECT unnest(?::TIMESTAMPTZ[]) AS a, unnest(?::TIMESTAMPTZ[]) AS b) "
                "ON first_seen < b AND last_seen >= a "
                f"SEMI JOIN (FROM stretches WHERE {column} <> '' "
                "AND (found_at IS NULL OR given_for <> 'recording')) s "
                "ON t.recording_id = s.recording_id "
                "AND first_seconds < until_seconds AND last_seconds >= from_seconds",
                of_them,
            ).to_pylist()[0]["number"]
        inside = set(ids)
        refused = sum(
            row["camera_id"] in inside and scope.start <= row["started_at"] < scope.end
            for row in self._refused()
        )
        return Coverage(
            cameras=len(cameras),
            cameras_with_footage=footage["cameras"],
            recordings=footage["recordings"],
            footage_seconds=float(footage["seconds"]),
            tracklets=tracklets["searchable"],
            unsearchable=tracklets["total"] - tracklets["searchable"],
            refused=refused,
            unseen_seconds=float(unseen),
            unplaced=sum(camera.place is None for camera in cameras),
            uncertain=told["doubt"],
            earlier=told["note"],
        )

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Open a DuckDB connection to the gallery as it is now, for statistics; close it after use.

        It has the tables of :meth:`arrow` and the documented views of views.sql: sightings_view,
        cameras_view, recordings_view, coverage_view, templates_view. It cannot write to anything
        or reach any other file. Recordings that come later are in the next connection.

        >>> gallery.connection().sql("FROM sightings_view").df()            # doctest: +SKIP
        """
        return self.settled(lambda: read_only(self.segments, self.profile, self._templates()))

    def templates(self) -> pa.Table:
        """Pooled templates, one row per searchable tracklet, read in place without a copy.

        Columns: recording_id, ordinal, camera_id, first_seen, last_seen, quality, template
        (a list of as many float32 as the profile has; of unit length for the cosine metric).
        """
        return self.settled(self._templates)

    def _templates(self) -> pa.Table:
        time = pa.timestamp("us", tz="UTC")
        parts = [_no_templates(self.profile.dimension)]
        for segment in self.segments:
            if not segment.entry.templates:
                continue
            index = segment.opened()
            flat = pa.array(index.templates.reshape(-1))
            names = pa.array(segment.recording_ids.astype(np.str_))
            cameras = pa.array(segment.camera_ids)
            columns = [
                pa.DictionaryArray.from_arrays(pa.array(index.recording), names),
                pa.array(index.ordinal),
                pa.DictionaryArray.from_arrays(pa.array(index.camera), cameras),
                pa.array(index.first_seen).view(time),
                pa.array(index.last_seen).view(time),
                pa.array(index.quality),
                pa.FixedSizeListArray.from_arrays(flat, self.profile.dimension),
            ]
            parts.append(pa.table(columns, schema=parts[0].schema))
        return pa.concat_tables(parts)

    def shots(self, tracklet_id: str) -> tuple[Shot, ...]:
        """Shots of a tracklet, best first; raise GalleryError if it has none."""
        recording_id, ordinal = parse_tracklet_id(tracklet_id)
        rows = self.arrow(
            "SELECT * FROM shots WHERE recording_id = ? AND ordinal = ? ORDER BY rank",
            [recording_id, ordinal],
        ).to_pylist()
        if not rows:
            raise GalleryError(
                f"has no tracklet {tracklet_id} with shots",
                where=str(self.path),
                fix="Search again: it may have been removed",
            )
        return tuple(map(shot_of, rows))


def _key_of(indexed: IndexedRecording) -> tuple[str, str, int]:
    return indexed.sha256, indexed.recording.camera_id, indexed.recording.stream


def shot_of(row: Mapping[str, Any]) -> Shot:
    """Make a shot from its row of the table."""
    return Shot(
        seconds=row["seconds"],
        time=row["time"].astimezone(UTC),
        box=Box(row["x"], row["y"], row["width"], row["height"]),
        quality=Quality(row["quality"], **{part: row[part] for part in QUALITY_PARTS}),
        jpeg=row["jpeg"],
        template=np.asarray(row["template"], np.float32),
    )


def _no_templates(dimension: int) -> pa.Table:
    time, name = pa.timestamp("us", tz="UTC"), pa.dictionary(pa.int32(), pa.string())
    fields = [
        ("recording_id", name), ("ordinal", pa.int32()), ("camera_id", name),
        ("first_seen", time), ("last_seen", time), ("quality", pa.float32()),
        ("template", pa.list_(pa.float32(), dimension)),
    ]  # fmt: skip
    return pa.schema(fields).empty_table()


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Translate errors of the disk on writing; nothing that was stored is lost."""
    try:
        yield
    except DiskRefused as error:  # of one of its parts, which has another name
        raise DiskRefused(error.what, where=str(path), fix=error.fix) from error
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        if isinstance(error, OSError) and os.path.lexists(path):
            refuse_others(path, error)
        raise refused_by_disk(path, error) from error
    except duckdb.Error as error:
        if is_full(error):
            raise refused_by_disk(path, error) from error
        raise


def _make_private(folder: Path) -> None:
    """Make a folder for its owner alone, whatever the umask."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def take_lock(path: Path) -> BinaryIO:
    """Take the lock for writing, held as long as the returned file is open."""
    lock = (segments_folder(path) / "lock").open("ab")
    try:
        # The kernel lets go of it when the process ends, however that happens.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise GalleryBusy(
            "is in use by another process that writes it",
            where=str(path),
            fix="Wait until indexing has finished",
        ) from None
    return lock


def _stamp_of(path: Path) -> tuple[int, ...]:
    about = path.stat()
    return about.st_ino, about.st_mtime_ns, about.st_size

"""Gallery: tracklets and templates of indexed footage, each recording whole or not at all.

It is made of a manifest, parts and packs; see docs/decisions/0013-parts.md. One process writes, any
number read meanwhile. What it can do is done in rooms of one idea each, and gathered here.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from workbench.domain import Profile, Scope
from workbench.domain.summaries import Summary, written
from workbench.errors import GalleryError, gallery_is_there
from workbench.gallery import correcting, footage, frames, lookup, opening
from workbench.gallery.current import Stamp, stamp_of
from workbench.gallery.footage import Footage
from workbench.gallery.removal import Settling
from workbench.gallery.writable import Writable
from workbench.gallery.writing import Claim

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.gallery.cache import CachePlace
    from workbench.gallery.opening import Opened

SEARCH_MEMORY_MB = 1024
"""Default limit of the memory that a process keeps for searching, in megabytes."""

P = ParamSpec("P")
T = TypeVar("T")


def _known(method: Callable[Concatenate[Footage, P], T]) -> Callable[Concatenate[Gallery, P], T]:
    """Ask what the manifest knows of footage."""

    @functools.wraps(method)
    def ask(gallery: Gallery, /, *values: P.args, **options: P.kwargs) -> T:
        gallery.refresh()
        return method(gallery.known, *values, **options)

    return ask


class Gallery(Writable):
    """The tracklets of indexed footage and their templates.

    >>> with Gallery.open("town.duckdb") as gallery:                        # doctest: +SKIP
    ...     gallery.recordings()

    Open it for writing in one process; any number may read meanwhile, and see a recording from the
    moment it is stored, without being opened again.
    """

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
        return cls._kept(opening.create(path, profile), stamp_of(Path(path)), memory_mb)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        write: bool = False,
        profile: Profile | None = None,
        memory_mb: int = SEARCH_MEMORY_MB,
        cache: CachePlace | None = None,
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
        cache : CachePlace, optional
            Where to keep what is read of an object store; by default it is in memory alone.

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
        stamp = stamp_of(Path(path))
        opened = opening.open_gallery(path, write=write, profile=profile, cache=cache)
        return cls._kept(opened, stamp, memory_mb)

    @classmethod
    def for_writing(
        cls,
        path: Path | str,
        profile: Profile,
        *,
        memory_mb: int = SEARCH_MEMORY_MB,
        cache: CachePlace | None = None,
    ) -> Self:
        """Open the gallery at *path* for writing; make it first if it does not exist.

        Raises what :meth:`open` and :meth:`create` raise.
        """
        if gallery_is_there(Path(path)):
            return cls.open(path, write=True, profile=profile, memory_mb=memory_mb, cache=cache)
        return cls.create(path, profile, memory_mb=memory_mb)

    @classmethod
    def _kept(cls, opened: Opened, stamp: Stamp, memory_mb: int) -> Self:
        try:
            return cls(opened, stamp, memory_mb=memory_mb)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        """Close the files; who wrote the gallery has the named file show all of it before."""
        self.leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # What went wrong before is what people have to know.
        with contextlib.nullcontext() if error is None else contextlib.suppress(GalleryError):
            self.close()

    def __repr__(self) -> str:
        closed = "" if self.is_open else ", closed"
        return f"<Gallery: {self.path}, profile {self.profile.name}{closed}>"

    def _repr_html_(self) -> str:
        return self.summary().html()

    def summary(self) -> Summary:
        """Describe the gallery: what it holds, by the counts of its parts."""
        about: list[tuple[str, str]] = [("file", str(self.path)), ("profile", self.profile.name)]
        if not self.is_open:
            return Summary("Gallery", (*about, ("state", "closed")))
        span, counts = self.time_span(), self.counts()
        about += [
            ("cameras", f"{len(self.places.ids):,}"),
            ("recordings", f"{counts['recordings']:,}"),
            ("tracklets", f"{counts['tracklets']:,}"),
            ("searchable", f"{counts['templates']:,}"),
            ("from", written(span[0]) if span else ""),
            ("to", written(span[1]) if span else ""),
            ("open for", "writing" if self.opened.write else "reading"),
        ]
        return Summary("Gallery", tuple(about))

    # --- What there is ------------------------------------------------------------------------

    @property
    def owner(self) -> str:
        """Owner as :mod:`workbench.casework.ownership` writes it; empty if there is none yet."""
        self.refresh()
        return self.snapshot.state.owner

    def counts(self) -> dict[str, int]:
        """Numbers of parts, recordings, tracklets and templates; bytes, and picture_bytes."""
        self.refresh()
        manifest = self.snapshot.manifest
        counts = self.settled(lambda: manifest.counts(self.snapshot.commit))
        return counts | {"picture_bytes": sum(pack.bytes for pack in manifest.packs().values())}

    def time_span(self) -> tuple[datetime, datetime] | None:
        """UTC time of the first and the last picture; None in a gallery without footage."""
        self.refresh()
        return self.snapshot.manifest.time_span()

    def recordings_inside(self, scope: Scope) -> set[str]:
        """Ids of the recordings of a scope: of cameras in it, and partly in its time."""
        return self.settled(lambda: footage.recordings_inside(self.resolve(scope)))

    def already_here(self, recordings: pa.Table) -> set[str]:
        """Ids of those in a table of recordings that the gallery holds, under this id or another.

        The table has recording_id, sha256, camera_id and stream.
        """
        columns = ("recording_id", "sha256", "camera_id", "stream")
        rows = zip(*(recordings[name].to_pylist() for name in columns), strict=True)
        self.refresh()
        return self.known.already_here(rows)

    holds = _known(Footage.holds)
    holds_only = _known(Footage.holds_only)
    same_recordings = _known(Footage.same_recordings)
    known_files = _known(Footage.known_files)
    same_content = _known(Footage.same_content)
    overlapping = _known(Footage.overlapping)
    recorded_between = _known(Footage.recorded_between)
    stretches_by_id = _known(Footage.stretches_by_id)
    starts = _known(Footage.starts)
    readings = _known(Footage.readings)
    how_read = _known(Footage.how_read)
    legs_of = _known(Footage.legs_of)
    tracks = _known(Footage.tracks)
    placed_by_clock = _known(Footage.placed_by_clock)
    recorded_stretches = _known(Footage.recorded_stretches)
    recorded_parts = _known(Footage.recorded_parts)
    seconds_held = _known(Footage.seconds_held)
    clocks = _known(Footage.clocks)
    clock_of = _known(Footage.clock_of)
    with_clock_set = _known(Footage.with_clock_set)
    concerned_by = _known(Footage.concerned_by)
    catalogue_of = _known(correcting.catalogue_of)

    coverage = footage.coverage
    arrow = frames.arrow
    connection = frames.connection
    recordings = frames.recordings
    tracklets = frames.tracklets
    problems = frames.problems
    runs = frames.runs
    refusals = frames.refusals
    footage = frames.footage
    templates = frames.templates
    first_seconds = frames.first_seconds
    shots = lookup.shots


__all__ = ["SEARCH_MEMORY_MB", "Claim", "Gallery", "Settling"]

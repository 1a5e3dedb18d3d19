"""Conversion of a gallery of an earlier schema into parts: nothing is decoded, and all ids stay."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.compute as pc

from workbench.domain import Progress, ProgressCallback
from workbench.errors import GalleryError, is_there
from workbench.gallery import earlier
from workbench.gallery.arriving import arrive
from workbench.gallery.committing import Committer
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.earlier import EarlierGallery, segments_folder
from workbench.gallery.entries import Change
from workbench.gallery.exchange import BATCH, Tables
from workbench.gallery.named import contents_of, renew
from workbench.gallery.opening import create, folder_of, is_gallery, open_gallery, take_lock
from workbench.gallery.snapshot import Snapshot

NOTE = "converted.json"  # segments that are removed when the named file is there


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Account of an upgrade.

    ``schema`` is the one of before. Of schema 3, which knew less of times, ``doubtful`` counts the
    recordings with times in doubt; ``twice`` names the files whose content is stored more than once
    for one camera, with different times, of which one is wrong.
    """

    schema: int
    recordings: int
    doubtful: int = 0
    twice: tuple[str, ...] = ()


def to_parts(path: Path, *, progress: ProgressCallback | None = None) -> Upgraded | None:
    """Convert a gallery of an earlier schema; return None if it is one of parts already.

    The parts are written beside the segments, and are the gallery once all of them are there and
    counted. If this is killed, it is the old or the new one, whole, and can be done again. It takes
    as much free disk as the gallery itself.

    Parameters
    ----------
    progress : callable, optional
        Called after some recordings; ``done`` and ``total`` count them.

    Raises
    ------
    GalleryError
        If it is damaged, of another schema still, or cannot be written. It is as it was then.
    GalleryBusy
        If another process writes it.
    """
    if is_gallery(path):
        _finish(path)
        return None
    earlier.read(path)  # raises where there is none
    unfinished = path.with_name(f".{path.name}.parts")
    with contextlib.closing(take_lock(segments_folder(path), earlier.LOCK, path, "writes it")):
        gallery = earlier.read(path)  # as it is now that nobody writes it
        for segment in gallery.segments:
            segment.check()
        try:
            shutil.rmtree(folder_of(unfinished), ignore_errors=True)  # of one that was killed
            with create(unfinished, gallery.profile) as opened:
                done = _fill(Committer(opened.manifest, opened.storage), gallery, progress)
                _note(opened.folder / NOTE, gallery)
            folder_of(unfinished).rename(folder_of(path))
            sync_path(path.parent)
        except BaseException as error:
            shutil.rmtree(folder_of(unfinished), ignore_errors=True)
            if isinstance(error, OSError):
                raise refused_by_disk(path, error) from error
            raise
    _finish(path)
    return done


@dataclass(slots=True)
class _Seen:
    """What came over, as it is told: recordings with times in doubt, and files by their content."""

    recordings: int = 0
    doubtful: int = 0
    files: defaultdict[tuple[str, str], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, tables: Tables) -> None:
        """Count what of some recordings is told."""
        stretches = tables["stretches"]
        doubted = stretches.filter(pc.not_equal(stretches["doubt"], ""))
        self.doubtful += len(doubted["recording_id"].unique())
        names = ("sha256", "camera_id", "file")
        columns = (tables["recordings"][name].to_pylist() for name in names)
        for sha256, camera_id, file in zip(*columns, strict=True):
            self.files[sha256, camera_id].append(file)

    @property
    def twice(self) -> tuple[str, ...]:
        """Files whose content is stored more than once for one camera."""
        several = (those for those in self.files.values() if len(those) > 1)
        return tuple(sorted({file for those in several for file in those}))


def _fill(
    committer: Committer, gallery: EarlierGallery, progress: ProgressCallback | None
) -> Upgraded:
    """Bring all of an earlier gallery into an empty one of parts."""
    total = sum(segment.recordings for segment in gallery.segments)
    seen = _Seen()
    for segment, tables in gallery.tables(at_a_time=BATCH):
        seen.recordings += arrive(committer, tables, indexed=segment.indexed)
        if gallery.schema == earlier.ONE_TIME:
            seen.add(tables)
        if progress is not None:
            progress(Progress(seen.recordings, total))
    manifest = committer.manifest
    manifest.commit(Change(owner=gallery.owner))
    found = manifest.counts(manifest.state().commit)
    wanted = {
        "recordings": total,
        "tracklets": sum(segment.tracklets for segment in gallery.segments),
        "templates": sum(segment.templates for segment in gallery.segments),
    }
    if any(found[name] != count for name, count in wanted.items()):
        raise GalleryError(
            f"cannot be upgraded whole: {found} of {wanted}",
            where=str(gallery.path),
            fix="Restore it from a copy; it is as it was",
        )
    return Upgraded(gallery.schema, seen.recordings, seen.doubtful, seen.twice)


def _note(file: Path, gallery: EarlierGallery) -> None:
    """Note which segments are converted, and what else of that gallery is to be removed."""
    names = [segment.folder.name for segment in gallery.segments]
    folders = sorted(_folders(segments_folder(gallery.path)))
    file.write_text(json.dumps({"segments": names, "folders": folders}), "utf-8")
    file.chmod(0o600)
    sync_path(file)
    sync_path(file.parent)


def _folders(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir() if one.is_dir()}


def _finish(path: Path) -> None:
    """Have the named file in the place of the old register, and remove the segments.

    Only what was converted is removed: another gallery may have been put there since.
    """
    note, folder = folder_of(path) / NOTE, segments_folder(path)
    if not is_there(note):
        return
    try:
        converted = json.loads(note.read_text("utf-8"))
        if is_there(path) and {"gallery", "segments"} <= contents_of(path).names:
            there = earlier.read(path).segments
            if [segment.folder.name for segment in there] != converted["segments"]:
                raise GalleryError(
                    "is another gallery than the one that was converted to parts",
                    where=str(path),
                    fix=f"Move it elsewhere with {folder.name}, and do this again",
                )
            path.unlink()
        with open_gallery(path, write=True) as opened:
            snapshot = Snapshot.latest(opened.manifest, opened.storage, memory_bytes=0)
            renew(path, opened.folder, snapshot)
        if is_there(folder) and _folders(folder) <= set(converted["folders"]):
            shutil.rmtree(folder)
        note.unlink()
    except OSError as error:
        raise refused_by_disk(path, error) from error


__all__ = ["Upgraded", "to_parts"]

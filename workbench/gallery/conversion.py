"""Conversion of a gallery of segments into parts; nothing is decoded for it, and all ids stay."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from workbench.domain import Profile, Progress, ProgressCallback
from workbench.errors import GalleryError, is_there
from workbench.gallery.arriving import arrive
from workbench.gallery.committing import Committer
from workbench.gallery.disk import refused_by_disk, sync_path
from workbench.gallery.entries import Change
from workbench.gallery.lifecycle import segment_tables
from workbench.gallery.named import contents_of, renew
from workbench.gallery.opening import create, folder_of, is_gallery, open_gallery
from workbench.gallery.register import read_register, segments_folder
from workbench.gallery.segments import Segment, checksum, columns
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.store import Gallery, take_lock

# Tracklets that are converted at a time: with their pictures, they are in memory together.
BATCH = 4_000
NOTE = "converted.json"  # segments that are removed when the named file is there
_ONCE = ("clocks", "runs", "refusals")


def to_parts(path: Path, *, progress: ProgressCallback | None = None) -> int | None:
    """Convert a gallery of segments; return how many recordings it has, None if it is of parts.

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
        If it is damaged, of another schema, or cannot be written. It is as it was then.
    GalleryBusy
        If another process writes it.
    """
    if is_gallery(path):
        _finish(path)
        return None
    with Gallery.open(path) as first:  # raises where there is none
        profile = first.profile
    unfinished = path.with_name(f".{path.name}.parts")
    with contextlib.closing(take_lock(path)), Gallery.open(path) as gallery:
        for segment in gallery.segments:
            if checksum(segment.folder) != segment.entry.checksum:
                raise GalleryError(
                    "a file was altered or is missing",
                    where=str(segment.folder),
                    fix="Restore it from a copy",
                )
        try:
            shutil.rmtree(folder_of(unfinished), ignore_errors=True)  # of one that was killed
            with create(unfinished, profile) as opened:
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


def _fill(committer: Committer, gallery: Gallery, progress: ProgressCallback | None) -> int:
    """Bring all of a gallery of segments into an empty one of parts; return its recordings."""
    entries = [segment.entry for segment in gallery.segments]
    total = sum(entry.recordings for entry in entries)
    done = 0
    for segment in gallery.segments:
        for tables in _batches(segment, gallery.profile):
            done += arrive(committer, tables, indexed=segment.entry.indexed)
            if progress is not None:
                progress(Progress(done, total))
    manifest = committer.manifest
    manifest.commit(Change(owner=gallery.owner))
    found = manifest.counts(manifest.state().commit)
    wanted = {
        "recordings": total,
        "tracklets": sum(entry.tracklets for entry in entries),
        "templates": sum(entry.templates for entry in entries),
    }
    if any(found[name] != count for name, count in wanted.items()):
        raise GalleryError(
            f"cannot be converted whole: {found} of {wanted}",
            where=str(gallery.path),
            fix="Check it with `sightline gallery check`; it is as it was",
        )
    return done


def _batches(segment: Segment, profile: Profile) -> Iterator[dict[str, pa.Table]]:
    """Tables of a segment, of some recordings at a time."""
    empty = {name: kind.empty_table() for name, kind in columns(profile).items()}
    once: dict[str, pa.Table] = {}
    for ids in _divided(segment):
        tables = empty | dict(segment_tables(segment, ids, profile)) | once
        yield tables
        once = {name: empty[name] for name in _ONCE}


def _divided(segment: Segment) -> list[list[str]]:
    """Ids of a segment's recordings, in lists of few enough tracklets; one list at least."""
    names = [name.decode() for name in segment.recording_ids.tolist()]
    of_each = max(1, segment.entry.tracklets // max(1, len(names)))
    at_a_time = max(1, BATCH // of_each)
    return [names[i : i + at_a_time] for i in range(0, len(names), at_a_time)] or [[]]


def _note(file: Path, gallery: Gallery) -> None:
    """Note which segments are converted, and what else of that gallery is to be removed."""
    names = [segment.entry.name for segment in gallery.segments]
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
            if [entry.name for entry in read_register(path).segments] != converted["segments"]:
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


__all__ = ["to_parts"]

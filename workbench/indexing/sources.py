"""Footage of recordings that are in a gallery, for whoever looks at it again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import GalleryError, RecordingError
from workbench.footage.files import at_hand, sha256_of, stamp_of

if TYPE_CHECKING:
    from workbench.gallery import Gallery


def indexed_source(gallery: Gallery, recording_id: str, *, folders: Iterable[Path] = ()) -> Path:
    """Find the footage of a recording, where it is available and the one that was indexed.

    Parameters
    ----------
    folders : iterable of Path
        Where it is looked for before the folders that were indexed.

    Raises
    ------
    GalleryError
        If the gallery does not hold the recording.
    RecordingError
        If its footage is not available, or is not what was indexed: it would show other people, at
        other times.
    """
    rows = gallery.recordings()
    known = rows[rows["recording_id"] == recording_id]
    if known.empty:
        raise GalleryError(
            f"holds no recording {recording_id}",
            where=str(gallery.path),
            fix="Search again: it may have been removed",
        )
    row = known.iloc[0]
    roots = [*folders, *map(Path, gallery.runs()["source"].unique())]
    path = at_hand(row["file"], roots, sha256=row["sha256"])
    stamp = None if path is None else stamp_of(path)
    if path is None or stamp is None:
        raise RecordingError(
            "the recording is not available here",
            where=row["file"],
            fix="Connect the storage it was indexed from",
        )
    same = (stamp.size_bytes, stamp.modified_ns) == (row["size_bytes"], row["modified_ns"])
    if not same and sha256_of(path) != row["sha256"]:
        raise RecordingError(
            "is not the recording that was indexed",
            where=row["file"],
            fix="Restore the one that was indexed, or index this one",
        )
    return path

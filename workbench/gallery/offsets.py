"""Files of offsets beside the segments of a gallery; see :mod:`derived`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.gallery import derived
from workbench.gallery.derived import PART


def files_beside(folder: Path) -> Iterator[Path]:
    """Files of offsets of the segment in *folder*, or of one whose folder is gone."""
    yield from folder.parent.glob(f"{folder.name}.*.npy")


def forget(folder: Path) -> None:
    """Remove what is kept of the segment in *folder*, whose own folder went before.

    In this order nothing stays: who writes offsets looks for the folder when they are in place.
    """
    for path in (*files_beside(folder), *folder.parent.glob(f"{folder.name}.*{PART}")):
        path.unlink(missing_ok=True)


def strays(segments: Path) -> Iterator[Path]:
    """Files of offsets, whole or in part, in the folder *segments* whose segment is not there."""
    there = {one.name for one in segments.iterdir() if one.is_dir()}
    return derived.strays(segments, there)

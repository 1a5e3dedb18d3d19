"""The part of a segment that is scanned: templates and their keys in flat files, in scan order.

Each column is a plain ``.npy`` file, so that all processes share one copy in the page cache, and
NumPy, Arrow and DuckDB read it as it is. ``codes`` (int8) are derived from ``templates`` and are
only ever used with a bound of what they lose; so answers are exact. Beside them lies what people
read of the best shots; see :mod:`best`.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from workbench.errors import GalleryError, refuse_others
from workbench.gallery.best import PICTURES
from workbench.gallery.codes import BLOCK, quantise
from workbench.gallery.order import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.domain import Metric


@dataclass(frozen=True, slots=True, eq=False)
class TemplateRows:
    """Searchable tracklets as parallel columns, in any order.

    ``camera`` and ``recording`` are row numbers in the tables of the segment, ``shot`` is that of
    the best shot. Times are microseconds since 1970 UTC. ``first_seconds`` and ``last_seconds`` are
    those of the recording.
    """

    templates: NDArray[np.float32] = field(repr=False)  # (n, dimension)
    camera: NDArray[np.int32] = field(repr=False)
    first_seen: NDArray[np.int64] = field(repr=False)
    last_seen: NDArray[np.int64] = field(repr=False)
    quality: NDArray[np.float32] = field(repr=False)
    recording: NDArray[np.int32] = field(repr=False)
    ordinal: NDArray[np.int32] = field(repr=False)
    shot: NDArray[np.int64] = field(repr=False)
    first_seconds: NDArray[np.float64] = field(repr=False)
    last_seconds: NDArray[np.float64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.first_seen)


_KEYS = (
    "camera", "first_seen", "last_seen", "quality", "recording", "ordinal", "shot",
    "first_seconds", "last_seconds",
)  # fmt: skip
_FILES = (
    "templates",
    "codes",
    "scale",
    "place",
    *_KEYS,
    "days",
    "losses",
    "span",
    "places",
    "square",
    "best",
)
_SMALL = ("days", "losses", "span", "places")


def write_index(
    folder: Path, rows: TemplateRows, places: NDArray[np.int64], metric: Metric
) -> NDArray[np.int64]:
    """Write the columns of *rows* into *folder* in scan order; :func:`sync` brings them to disk.

    *places* has the Hilbert place of each of the segment's cameras. Templates of a cosine profile
    are made unit vectors; those of a Euclidean one stay as they are. Returns the column ``shot``.

    Raises
    ------
    GalleryError
        If a template is not finite, or is zero and has no direction.
    """
    place = places[rows.camera]
    day = rows.first_seen // DAY
    order = np.lexsort((rows.ordinal, rows.recording, rows.first_seen, rows.camera, place, day))
    count, dimension = rows.templates.shape

    normalise = metric == "cosine"
    lost = longest = 0.0
    with contextlib.ExitStack() as files:

        def create(name: str, kind: Any, *shape: int) -> BinaryIO:
            # Written, not mapped: on a full disk that is an error and not the end of the process.
            file = files.enter_context((folder / f"{name}.npy").open("wb"))
            about = {"descr": np.dtype(kind).str, "fortran_order": False, "shape": (count, *shape)}
            np.lib.format.write_array_header_1_0(file, about)
            return file

        templates = create("templates", np.float32, dimension)
        codes, scale = create("codes", np.int8, dimension), create("scale", np.float32)
        square = None if normalise else create("square", np.float32)
        for begin in range(0, count, BLOCK):
            here = order[begin : begin + BLOCK]
            block = rows.templates[here]
            length = np.linalg.norm(block.astype(np.float64), axis=1)
            if not np.isfinite(length).all() or (normalise and not length.all()):
                bad = int(here[np.flatnonzero(~np.isfinite(length) | (length == 0))[0]])
                raise GalleryError(
                    f"template {bad} is zero or not finite",
                    where=str(folder),
                    fix="Index the recording again; if that does not help, check the model weights",
                )
            if normalise:
                block = (block / length[:, None]).astype(np.float32)
                length = np.ones_like(length)
            step, code, loss = quantise(block)
            for file, values in ((templates, block), (codes, code), (scale, step)):
                file.write(np.ascontiguousarray(values).data)
            if square is not None:
                square.write((length**2).astype(np.float32).data)
            lost, longest = max(lost, float(loss.max())), max(longest, float(length.max()))
    columns = {name: getattr(rows, name)[order] for name in _KEYS}
    columns["place"] = place[order]
    starts = np.flatnonzero(np.diff(day[order], prepend=np.int64(-(2**62))))
    columns["days"] = np.column_stack([day[order][starts], starts]).astype(np.int64)
    if normalise:
        columns["square"] = np.empty(0, np.float32)
    columns["places"] = places
    columns["losses"] = np.array([lost, longest])
    first, last = rows.first_seen, rows.last_seen
    span = (first.min(), last.max(), (last - first).max()) if count else (0, -1, 0)
    columns["span"] = np.array(span, np.int64)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    shot: NDArray[np.int64] = columns["shot"]
    return shot


class TemplateIndex:
    """The columns of a segment, memory-mapped and in scan order.

    Rows are ordered by UTC day of ``first_seen``, then by ``place`` (see :mod:`order`), then by
    camera and time. ``places`` has that of each camera. ``days`` is ``(m, 2)``: each day since 1970
    and its first row. ``square``, for the Euclidean metric alone, is the squared length of each
    template. ``best`` has what people read of each best shot. ``lost`` is the most that codes lose
    of a template, as a length; ``longest`` is the length of the longest template.
    """

    templates: NDArray[np.float32]
    codes: NDArray[np.int8]
    scale: NDArray[np.float32]
    square: NDArray[np.float32]
    place: NDArray[np.int64]
    places: NDArray[np.int64]
    camera: NDArray[np.int32]
    first_seen: NDArray[np.int64]
    last_seen: NDArray[np.int64]
    quality: NDArray[np.float32]
    recording: NDArray[np.int32]
    ordinal: NDArray[np.int32]
    shot: NDArray[np.int64]
    first_seconds: NDArray[np.float64]
    last_seconds: NDArray[np.float64]
    best: NDArray[np.void]

    def __init__(self, folder: Path) -> None:
        """Raises GalleryError if a column is missing, truncated or of another length."""
        self.folder = folder
        self._maps: list[mmap.mmap] = []
        try:
            for name in _FILES:
                column = self._column(folder / f"{name}.npy")
                setattr(self, name, np.array(column) if name in _SMALL else column)
            self._pictures = self._mapped(folder / PICTURES) if len(self.best) else b""
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                refuse_others(folder, error)
            raise GalleryError(
                f"cannot be read ({error})", where=str(folder), fix="Restore it from a copy"
            ) from None
        self.days: NDArray[np.int64]
        columns = [name for name in _FILES if name not in (*_SMALL, "square")]
        lengths = {len(getattr(self, name)) for name in columns}
        if len(lengths) != 1:
            raise GalleryError(
                "its columns are of different lengths", where=str(folder), fix="Restore it"
            )
        self.lost, self.longest = (float(x) for x in self.losses)  # type: ignore[attr-defined]
        self.begins, self.ends, self.longest_seen = (int(x) for x in self.span)  # type: ignore[attr-defined]

    def _column(self, path: Path) -> NDArray[Any]:
        """A column as it lies in its file; in half of the time that numpy.memmap takes."""
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError(f"{path.name} is of another version")
            shape, _, kind = np.lib.format.read_array_header_1_0(file)
            begin = file.tell()
        if 0 in shape:
            return np.empty(shape, kind)
        mapped = self._mapped(path)
        found: NDArray[Any] = np.frombuffer(mapped, kind, math.prod(shape), begin)
        return found.reshape(shape)

    def _mapped(self, path: Path) -> mmap.mmap:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._maps.append(mapped)
        return mapped

    def __len__(self) -> int:
        return len(self.first_seen)

    def picture(self, row: int) -> bytes:
        """The best shot of a row, as JPEG; raise GalleryError if the file ends before it."""
        begin, end = int(self.best["begin"][row]), int(self.best["end"][row])
        if not 0 <= begin <= end <= len(self._pictures):
            raise GalleryError(
                "is truncated", where=str(self.folder / PICTURES), fix="Restore it from a copy"
            )
        return self._pictures[begin:end]

    @property
    def row_bytes(self) -> int:
        """Bytes per row that a comparison reads."""
        return sum(column[:1].nbytes for column in (self.codes, self.scale, self.square))

    @property
    def key_bytes(self) -> int:
        """Bytes per row that are read to find out if it is inside a scope."""
        keys = (self.place, self.camera, self.first_seen, self.last_seen)
        return sum(key[:1].nbytes for key in keys)

    def release(self) -> None:
        """Unmap all pages; rows that are read again come from the page cache or the disk."""
        for one in self._maps:
            one.madvise(mmap.MADV_DONTNEED)


def sync(folder: Path) -> None:
    """Write every file of *folder*, and the folder, through to the disk."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def concatenate(parts: list[TemplateRows]) -> TemplateRows:
    """Join parts into one."""
    names = [field.name for field in fields(TemplateRows)]
    return TemplateRows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in names)
    )

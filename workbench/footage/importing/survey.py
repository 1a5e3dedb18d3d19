"""A folder of footage as it arrives: which films and pictures lie in it, and what each says."""

from __future__ import annotations

import mimetypes
import os
import stat
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from workbench.domain import Problem, Progress, ProgressCallback
from workbench.errors import CatalogueError, RecordingError, SightlineError
from workbench.footage.catalog import CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV
from workbench.footage.importing.header import Header, read_header
from workbench.footage.importing.sequences import sequences_in
from workbench.footage.names import NamedRecording, Pattern, read_name

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# What systems and recorders leave beside footage, which nobody recorded.
SYSTEM = ("$recycle.bin", "@eadir", "__macosx", "desktop.ini", "found.000", "lost+found",
          "system volume information", "thumbs.db")  # fmt: skip
# Kinds of files by their names, as this program knows them, not as a machine is set up.
KINDS = mimetypes.MimeTypes()


@dataclass(frozen=True, slots=True)
class Found:
    """One film or sequence of pictures of a folder, and all that it says about itself.

    Parameters
    ----------
    file : str
        Relative to the folder that was surveyed; a pattern such as ``night/*.jpg`` for a sequence.
    path : Path
    files : int
        Number of files; 1 for a film.
    named : NamedRecording, optional
        What its name says, if it follows a pattern.
    header : Header
        Of a film; empty for a sequence.
    modified_at : datetime
        UTC; when a film, or the first picture of a sequence, was last written.
    frame_rate : float, optional
        Pictures a second, as the times in the names of a sequence give it.
    remark : str
        Why a sequence has no frame rate, as a phrase.
    """

    file: str
    path: Path
    files: int
    named: NamedRecording | None
    header: Header
    modified_at: datetime
    frame_rate: float | None = None
    remark: str = ""

    @property
    def is_sequence(self) -> bool:
        """True for a sequence of pictures."""
        return self.files > 1


@dataclass(frozen=True, slots=True)
class Survey:
    """The contents of a folder of footage.

    Parameters
    ----------
    folder : Path
    found : tuple of Found
        In the order of their names.
    not_understood : tuple of Problem
        Files and folders that are no footage, or cannot be read, with the reason.
    skipped : int
        Hidden files and files of the system, which were passed over.
    """

    folder: Path
    found: tuple[Found, ...]
    not_understood: tuple[Problem, ...] = ()
    skipped: int = 0


@dataclass
class _Walk:
    """What a walk through a folder came by."""

    root: Path
    films: list[Path] = field(default_factory=list)
    pictures: dict[Path, list[Path]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    skipped: int = 0

    def refuse(self, path: Path, what: str) -> None:
        self.problems.append(Problem(shown(path, self.root), what))


def survey(
    folder: Path | str,
    *,
    pattern: Pattern | None = None,
    progress: ProgressCallback | None = None,
) -> Survey:
    """Look at every file below a folder; nothing is decoded and nothing written.

    Parameters
    ----------
    folder : path
    pattern : Pattern, optional
        The form of names of one's own, which goes before the known ones; see
        :func:`workbench.footage.names.own_pattern`.
    progress : callable, optional
        Called as files are read; may raise Cancelled.

    Raises
    ------
    CatalogueError
        If it is not a folder, or cannot be listed.
    """
    root = Path(folder)
    if not root.is_dir():
        raise CatalogueError(
            "is not a folder", where=str(root), fix="Name the folder that holds the footage"
        )
    walk = _Walk(root)
    _walk(walk)
    total = len(walk.films) + sum(map(len, walk.pictures.values()))
    found: list[Found] = []
    begun, done = time.monotonic(), 0
    for path in walk.films:
        if progress:
            elapsed = time.monotonic() - begun
            progress(Progress(done, total, shown(path, root), elapsed_seconds=elapsed))
        done += 1
        found.extend(_film(walk, path, pattern))
    for place, files in sorted(walk.pictures.items()):
        done += len(files)
        found.extend(_sequences(walk, place, files, pattern))
        if progress:
            elapsed = time.monotonic() - begun
            progress(Progress(done, total, shown(place, root), elapsed_seconds=elapsed))
    return Survey(
        root,
        tuple(sorted(found, key=lambda one: one.file)),
        tuple(sorted(walk.problems, key=lambda one: one.where)),
        walk.skipped,
    )


def shown(path: Path, root: Path) -> str:
    """A path below *root* as text that can be printed, whatever bytes it is made of."""
    text = path.relative_to(root).as_posix()
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join("\ufffd" if _is_control(letter) else letter for letter in text)


def _walk(walk: _Walk) -> None:
    def refused(error: OSError) -> None:
        if Path(error.filename) == walk.root:
            raise CatalogueError(
                f"cannot be listed ({error.strerror})",
                where=str(walk.root),
                fix="Allow this account to read it",
            )
        walk.refuse(Path(error.filename), f"the folder cannot be listed ({error.strerror})")

    for place, folders, files in os.walk(walk.root, onerror=refused, followlinks=False):
        here = Path(place)
        for name in sorted(folders):
            path = here / name
            if _of_the_system(name):
                walk.skipped += 1
                folders.remove(name)
            elif path.is_symlink():
                walk.refuse(path, _link(path, walk.root))
                folders.remove(name)
        folders.sort()
        for name in sorted(files):
            _file(walk, here / name)


def _file(walk: _Walk, path: Path) -> None:
    if _of_the_system(path.name):
        walk.skipped += 1
        return
    if path.parent == walk.root and path.name in (CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV):
        return
    inside = str(path.relative_to(walk.root))
    try:
        inside.encode("utf-8")
        status = path.lstat()
    except UnicodeEncodeError:
        walk.refuse(path, "its path is not in UTF-8, and a table could not name it; rename it")
        return
    except OSError as error:
        walk.refuse(path, f"cannot be looked at ({error.strerror})")
        return
    if any(map(_is_control, inside)):
        walk.refuse(path, "its path holds a control character; rename it")
    elif stat.S_ISLNK(status.st_mode):
        walk.refuse(path, _link(path, walk.root))
    elif not stat.S_ISREG(status.st_mode):
        walk.refuse(path, "is not a file but a device, a pipe or a socket")
    # An empty picture too: it has its place in the sequence.
    elif path.suffix.lower() in PICTURES:
        walk.pictures.setdefault(path.parent, []).append(path)
    elif status.st_size == 0:
        walk.refuse(path, "is empty")
    else:
        walk.films.append(path)


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) == "Cc"


def _of_the_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def leads_out(path: Path, root: Path) -> bool:
    """Return True if a path is a link that leads out of a folder, or in a circle."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True


def _link(path: Path, root: Path) -> str:
    if leads_out(path, root):
        return "is a link out of the folder; what it leads to could be exchanged"
    return "is a link; what it leads to is read where it lies"


def _film(walk: _Walk, path: Path, pattern: Pattern | None) -> Iterator[Found]:
    name = shown(path, walk.root)
    if path.suffix.lower() == ".gpx":
        walk.refuse(path, "is a track; name it in the column track of footage.csv")
        return
    try:
        header = read_header(path, name)
        modified_at = _modified_at(path)
    except SightlineError as error:
        kind = KINDS.guess_type(path.name)[0] or "video/"
        # A text is not a film that is to be obtained again; what a playlist names may be.
        is_other = not kind.startswith("video/") and "mpegurl" not in kind
        what = f"is not footage but {kind}" if is_other else str(error).removeprefix(f"{name}: ")
        walk.refuse(path, what)
    except OSError as error:
        walk.refuse(path, f"cannot be read ({error.strerror})")
    else:
        yield Found(name, path, 1, _named(name, pattern), header, modified_at)


def _sequences(
    walk: _Walk, place: Path, files: list[Path], pattern: Pattern | None
) -> Iterator[Found]:
    names = {path: _named(shown(path, walk.root), pattern) for path in files}
    for one in sequences_in(place, names):
        if isinstance(one, Problem):
            walk.refuse(place / one.where, one.what)
            continue
        try:
            modified_at = _modified_at(one.files[0])
        except OSError as error:
            walk.refuse(one.path, f"cannot be read ({error.strerror})")
            continue
        yield Found(
            one.path.relative_to(walk.root).as_posix(),
            one.path,
            len(one.files),
            names[one.files[0]],
            Header(one.seconds, one.taken_at, "EXIF DateTimeOriginal" if one.taken_at else ""),
            modified_at,
            frame_rate=one.frame_rate,
            remark=one.remark,
        )


def _named(name: str, pattern: Pattern | None) -> NamedRecording | None:
    return read_name(PurePosixPath(name), own=(pattern,) if pattern else ())


def _modified_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (ValueError, OverflowError):
        raise RecordingError(
            "has a modification time that does not exist", where=path.name, fix="Correct it"
        ) from None

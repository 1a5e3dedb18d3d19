"""Films that a hook fetched: checked, moved into the catalogue, and only then listed there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from workbench.domain import Camera, Problem, Recording, Scope
from workbench.errors import CatalogueError, SightlineError
from workbench.footage.catalog import (
    CAMERAS_CSV,
    CAMERAS_GEOJSON,
    FOOTAGE_COLUMNS,
    FOOTAGE_CSV,
    read_row,
)
from workbench.footage.files import files_of, is_sequence, sha256_of
from workbench.footage.frames import RecordingReader
from workbench.footage.tables import append_row

# Fields of a row beside those that each has.
OPTIONAL = ("clock_offset_seconds", "frame_rate", "stream", "rotation", "pixel_aspect")

Log = Callable[[str], None]
Note = Callable[["Fetched"], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A film that a hook fetched, as it was listed."""

    recording: Recording
    sha256: str


@dataclass(slots=True)
class Call:
    """One call of a hook: what it may fetch, and what came of it so far."""

    folder: Path
    scope: Scope
    cameras: dict[str, Camera]  # of the catalogue
    inside: tuple[Camera, ...]  # of the scope
    listed: set[str]  # files that the catalogue lists already
    into: Path
    log: Log
    note: Note
    fetched: list[Fetched] = field(default_factory=list)
    refused: list[Problem] = field(default_factory=list)


def take(call: Call, line: str) -> None:
    """Check a row that the program printed, and bring its film into the catalogue.

    What is wrong with it is kept in ``call.refused``; what ``call.note`` raises ends the call.
    """
    where = "hook"
    try:
        row = _row(line)
        where = f"hook: {row['file']}"
        recording = _checked(call, row, where)
        fetched = Fetched(recording, sha256_of(recording.path))
    except (SightlineError, OSError) as error:
        call.refused.append(_refusal(where, error))
        return
    call.note(fetched)
    try:
        _move(call, fetched, row)
    except (SightlineError, OSError) as error:
        call.refused.append(_refusal(where, error))
        return
    call.listed.add(recording.file)
    call.fetched.append(fetched)
    call.log(f"fetched {recording.file}")


def _refusal(where: str, error: SightlineError | OSError) -> Problem:
    if isinstance(error, OSError):
        return Problem(where, f"cannot be taken ({error.strerror or error})")
    return Problem(where, str(error).removeprefix(f"{where}: "))


def _row(line: str) -> dict[str, str]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        given = None
    known = {*FOOTAGE_COLUMNS, *OPTIONAL}
    if not (isinstance(given, dict) and {*FOOTAGE_COLUMNS} <= {*given} <= known):
        raise CatalogueError(
            f"{line[:80]!r} is not a row of {FOOTAGE_CSV} as JSON",
            where="hook",
            fix=f"Print one object per line, with {', '.join(FOOTAGE_COLUMNS)}; anything else "
            "belongs on standard error",
        )
    return {name: "" if value is None else str(value).strip() for name, value in given.items()}


def _checked(call: Call, row: dict[str, str], where: str) -> Recording:
    """The recording that a row names, where it lies now; it must be within the scope."""
    recording = read_row(call.into, row, call.cameras, where)
    path = recording.path
    if is_sequence(path) or path.is_symlink() or files_of(path) != (path,):
        raise CatalogueError(
            "is not a film in the folder `into`",
            where=where,
            fix="Write it there, and print its row when it is finished",
        )
    parts = Path(recording.file).parts
    if recording.file in call.listed or any(part.startswith(".") for part in parts):
        raise CatalogueError(
            f"is listed already, or its name begins with a dot: {recording.file}",
            where=where,
            fix="Give each film a name of its own",
        )
    if recording.file in (CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV):
        raise CatalogueError(
            "has the name of a table of the catalogue", where=where, fix="Give it another name"
        )
    if recording.camera_id not in {camera.camera_id for camera in call.inside}:
        raise CatalogueError(
            f"camera {recording.camera_id} is not within the area of the case",
            where=where,
            fix="Fetch only from the cameras that the hook was given",
        )
    with RecordingReader(path, name=row["file"], frame_rate=recording.frame_rate) as reader:
        ended = after(recording.started_at, reader.duration_seconds or 0.0)
    if not (recording.started_at < call.scope.end and ended >= call.scope.start):
        raise CatalogueError(
            f"is from {recording.started_at:%Y-%m-%dT%H:%M:%SZ} to {ended:%Y-%m-%dT%H:%M:%SZ}, "
            "which is not within the time of the case",
            where=where,
            fix="Fetch only from the time that the hook was given",
        )
    return recording


def _move(call: Call, fetched: Fetched, row: dict[str, str]) -> None:
    """Bring a film into the catalogue: first the film under its name, then its row."""
    recording = fetched.recording
    target = call.folder / recording.file
    if not target.parent.resolve().is_relative_to(call.folder):
        raise CatalogueError(
            "its folder is a link that leads out of the catalogue",
            where=f"hook: {recording.file}",
            fix="Replace the link with a folder",
        )
    table = call.folder / FOOTAGE_CSV
    refuse_link(table)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The same one without a row was moved by a call that was killed before it wrote the row.
    if target.exists() and sha256_of(target) != fetched.sha256:
        raise CatalogueError(
            "a different file of this name is there, without a row",
            where=f"hook: {recording.file}",
            fix="Give it a row of its own, or move it away",
        )
    with recording.path.open("rb") as film:
        os.fsync(film.fileno())
    recording.path.replace(target)
    columns = {name: value for name, value in row.items() if value}
    append_row(table, FOOTAGE_COLUMNS, columns | {"file": recording.file})


def refuse_link(path: Path) -> None:
    """Refuse to write or clear away where a link leads that came with the footage.

    Raises
    ------
    CatalogueError
        If the path is a link.
    """
    if path.is_symlink():
        raise CatalogueError(
            "is a link, and a hook writes through none", where=str(path), fix="Remove the link"
        )


def after(moment: datetime, seconds: float) -> datetime:
    """Return the moment that many seconds later."""
    return moment + timedelta(seconds=seconds)

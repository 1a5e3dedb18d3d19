"""Upgrade of galleries that an earlier Sightline made; nothing is decoded for it.

Schema 3 knew one time of a recording, its corrected start. So all that was indexed becomes one
stretch from there, without an offset. Where its rules are known to have made wrong times, these are
in doubt: after a clock jumped, in sequences of pictures, and in streams without times. All others
carry a note of these rules until somebody confirms or corrects them; a doubt about each would be
one about none. The picture stream and what could not be seen were not noted, and stay unknown.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

from workbench.domain import Profile, Progress, ProgressCallback
from workbench.errors import GalleryError, is_full, is_there
from workbench.gallery.disk import refused_by_disk
from workbench.gallery.duck import connect, finish, sql_literal
from workbench.gallery.earlier import COUNTED, JUMPED, NOTE, ORDERED
from workbench.gallery.index import TemplateIndex, sync
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.register import (
    SCHEMA_VERSION,
    UPGRADED_FROM,
    Register,
    SegmentEntry,
    read_register,
    schema,
    segments_folder,
    version_of,
    write_register,
)
from workbench.gallery.segments import ROWS, checksum, remove
from workbench.gallery.store import take_lock

_SEQUENCE = "regexp_matches(file, '[*?\\[][^/]*$')"
# No more than their names were kept of streams without times.
_STREAM = r"regexp_matches(lower(file), '\.(h?26[345]|avc|hevc|mjpe?g|m[12]v|mpv)$')"

# In the order of the tables, so that each finds what it needs.
_COPIES = (
    "INSERT INTO cameras FROM old.cameras ORDER BY rowid",
    "INSERT INTO recordings SELECT *, started_at, epoch(ended_at - started_at), 0, NULL, NULL, "
    "NULL, '' FROM old.recordings ORDER BY rowid",
    "INSERT INTO tracklets SELECT t.*, epoch(t.first_seen - r.started_at), "
    "epoch(t.last_seen - r.started_at) FROM old.tracklets t "
    "JOIN old.recordings r USING (recording_id) ORDER BY t.rowid",
    "INSERT INTO shots FROM old.shots",
    "INSERT INTO problems FROM old.problems",
    "INSERT INTO runs FROM old.runs",
    "INSERT INTO refusals SELECT *, 0, '' FROM old.refusals",
    # All that is put in here is of this module.
    f"INSERT INTO stretches SELECT recording_id, 0, CASE WHEN {_SEQUENCE} THEN '{ORDERED}' "  # noqa: S608
    f"WHEN {_STREAM} THEN '{COUNTED}' ELSE '' END, 0, NULL, '', '', NULL, '', "
    f"CASE WHEN {_SEQUENCE} OR {_STREAM} THEN '' ELSE '{NOTE}' END FROM old.recordings",
    "INSERT INTO stretches SELECT recording_id, min(at_seconds), "  # noqa: S608
    f"'{JUMPED}', 0, NULL, '', '', NULL, '', '' "
    "FROM old.problems WHERE at_seconds > 0 AND (what LIKE 'its clock jumps from %' "
    "OR what LIKE '% Times from here on are not certain') GROUP BY recording_id",
    "INSERT INTO spans SELECT recording_id, camera_id, started_at, ended_at FROM old.recordings "
    "ORDER BY rowid",
)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """Account of an upgrade.

    ``doubtful`` counts the recordings with times in doubt; ``twice`` names the files whose content
    is stored more than once for one camera, with different times, of which one is wrong.
    """

    recordings: int
    doubtful: int = 0
    twice: tuple[str, ...] = ()


def upgrade(path: Path, *, progress: ProgressCallback | None = None) -> Upgraded | None:
    """Bring a gallery of the last schema to this one; return None if it is of this one already.

    Each segment is written again beside the old one, and the register is replaced when all are
    there: if this is killed, the gallery is the old or the new one, whole, and it can be called
    again. It takes as much free disk as the gallery itself, and no footage. Ids stay.

    Parameters
    ----------
    progress : callable, optional
        Called after each segment; ``done`` and ``total`` count recordings.

    Raises
    ------
    GalleryError
        If it is damaged, foreign, of another schema still, or cannot be written.
    GalleryBusy
        If another process writes it.
    """
    if not is_there(path) or not path.is_file():
        raise GalleryError(
            "there is no gallery here", where=str(path), fix="Name the file that is one"
        )
    with _writing(path), contextlib.closing(take_lock(path)):
        if version_of(path) == SCHEMA_VERSION:
            return None
        register = read_register(path, version=UPGRADED_FROM)
        folder = segments_folder(path)
        _tidy(folder, register)
        total = sum(entry.recordings for entry in register.segments)
        done = 0
        entries: list[SegmentEntry] = []
        try:
            for entry in register.segments:
                with undisturbed():
                    _check(folder / entry.name, entry)
                    entries.append(_upgraded(folder, entry, register.profile))
                done += entry.recordings
                if progress is not None:
                    progress(Progress(done, total))
            account = _account(total, [folder / entry.name for entry in entries])
        except BaseException:
            _tidy(folder, register)
            raise
        with undisturbed():
            write_register(path, replace(register, segments=tuple(entries)))
            for entry in register.segments:
                remove(folder / entry.name)
    return account


def _tidy(folder: Path, register: Register) -> None:
    """Remove what an upgrade that was killed left half done."""
    named = {entry.name for entry in register.segments}
    for found in folder.iterdir():
        if found.is_dir() and found.name not in named:
            remove(found)


def _check(folder: Path, entry: SegmentEntry) -> None:
    """Raise GalleryError for a segment that was altered: written again, nothing would tell."""
    if not folder.is_dir() or checksum(folder) != entry.checksum:
        raise GalleryError(
            "a file was altered or is missing", where=str(folder), fix="Restore it from a copy"
        )


def _upgraded(folder: Path, entry: SegmentEntry, profile: Profile) -> SegmentEntry:
    """Write a segment again in the new schema, beside the old one."""
    old, new = folder / entry.name, folder / f"{entry.name[:8]}-{secrets.token_hex(4)}"
    new.mkdir()
    for file in old.iterdir():
        if file.name != ROWS:
            _link(file, new / file.name)
    connection = connect(new / ROWS, write=True)
    try:
        connection.execute(schema(2, profile.dimension))
        connection.execute(f"ATTACH {sql_literal(old / ROWS)} AS old (READ_ONLY)")
        for copy in _COPIES:
            connection.execute(copy)
        begun = connection.sql(
            "SELECT epoch_us(started_at) AS begun FROM recordings ORDER BY rowid"
        ).fetchnumpy()["begun"]
        connection.execute("DETACH old")
        finish(connection, new / ROWS)
    finally:
        connection.close()
    # What the scan has of the same.
    seen = {name: np.load(new / f"{name}.npy") for name in ("first_seen", "last_seen", "recording")}
    zero = np.asarray(begun, np.int64)[seen["recording"]]
    for name in ("first", "last"):
        np.save(new / f"{name}_seconds.npy", (seen[f"{name}_seen"] - zero) / 1e6)
    sync(new)
    TemplateIndex(new)  # raises if its columns do not go together
    size = sum(file.stat().st_size for file in new.iterdir())
    return replace(entry, name=new.name, bytes=size, checksum=checksum(new))


def _link(source: Path, target: Path) -> None:
    """Link a file, which never changes; copy it where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _account(total: int, folders: list[Path]) -> Upgraded:
    doubtful = 0
    files: dict[tuple[str, str], list[str]] = {}
    for folder in folders:
        connection = connect(folder / ROWS)
        try:
            ((count,),) = connection.execute(
                "SELECT count(DISTINCT recording_id) FROM stretches WHERE doubt <> ''"
            ).fetchall()
            rows = connection.execute("SELECT sha256, camera_id, file FROM recordings").fetchall()
        finally:
            connection.close()
        doubtful += count
        for sha256, camera_id, file in rows:
            files.setdefault((sha256, camera_id), []).append(file)
    twice = sorted({file for those in files.values() if len(those) > 1 for file in those})
    return Upgraded(total, doubtful, tuple(twice))


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, duckdb.Error) as error:
        if is_full(error):
            raise refused_by_disk(path, error) from error
        raise GalleryError(
            f"cannot be upgraded ({str(error).splitlines()[0]})",
            where=str(path),
            fix="Check the disk and try again; the gallery is as it was",
        ) from error


__all__ = ["Upgraded", "upgrade"]

"""Check, export, import and merge of galleries."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.domain import Problem, Profile, Scope, Stretch
from workbench.errors import GalleryError, ProfileMismatch, unwritten
from workbench.gallery.adoption import Agreed, Arrival, Known, found_in, settle
from workbench.gallery.best import BATCH
from workbench.gallery.codes import quantise
from workbench.gallery.derived import is_whole
from workbench.gallery.duck import connect
from workbench.gallery.incoming import ROUNDING, check_profile, check_tables
from workbench.gallery.offsets import files_beside, strays
from workbench.gallery.order import DAY
from workbench.gallery.register import segments_folder
from workbench.gallery.segments import (
    LATER,
    OF_RECORDINGS,
    ROWS,
    TABLES,
    Segment,
    checksum,
    has_later,
    read_tables,
)
from workbench.gallery.store import Gallery
from workbench.gallery.times import stretch_of

PROFILE_FILE = "gallery.json"
_FORMAT, _EARLIER_FORMAT = 2, 1


def check(gallery: Gallery) -> Iterator[Problem]:
    """Read every byte of a gallery and yield each problem found.

    In a sound gallery each file is as it was written, tables and columns agree, and rows are in
    their order.
    """
    gallery.refresh()
    for segment in gallery.segments:
        name = segment.folder.name
        if checksum(segment.folder) != segment.entry.checksum:
            yield Problem(name, "a file was altered; restore it from a copy")
            continue
        for path in files_beside(segment.folder):
            if not is_whole(path):
                yield Problem(
                    path.name,
                    "cannot be read, or was altered; delete it: it is made again when needed",
                )
        for what in _disagreements(gallery, segment):
            yield Problem(name, what)
    for path in strays(segments_folder(gallery.path)):
        yield Problem(path.name, "is of templates that are gone; delete it")
    names = gallery.arrow("SELECT recording_id FROM recordings")["recording_id"].to_pylist()
    if twice := len(names) - len(set(names)):
        yield Problem(str(gallery.path), f"{twice} recordings are stored twice")


def _disagreements(gallery: Gallery, segment: Segment) -> Iterator[str]:
    index, part = segment.index, segment.alias
    ids = gallery.arrow(f"SELECT recording_id FROM {part}.recordings ORDER BY rowid")  # noqa: S608
    if ids["recording_id"].to_pylist() != [i.decode() for i in segment.recording_ids.tolist()]:
        yield "the names of its recordings disagree"
        return
    # Every searchable tracklet has its templates' row, with its times and the right best shot.
    rows = gallery.arrow(
        "SELECT r.rowid AS recording, t.ordinal, s.rowid AS shot, "  # noqa: S608
        "epoch_us(t.first_seen) AS first, epoch_us(t.last_seen) AS last, t.first_seconds, "
        f"t.last_seconds FROM {part}.tracklets t "
        f"JOIN {part}.recordings r USING (recording_id) "
        f"JOIN {part}.shots s ON s.recording_id = t.recording_id AND s.ordinal = t.ordinal "
        "AND s.rank = 0 WHERE t.searchable ORDER BY recording, t.ordinal"
    )
    order = np.lexsort((index.ordinal, index.recording))
    columns: dict[str, Any] = {
        "recording": index.recording, "ordinal": index.ordinal, "shot": index.shot,
        "first": index.first_seen, "last": index.last_seen,
        "first_seconds": index.first_seconds, "last_seconds": index.last_seconds,
    }  # fmt: skip
    for column, values in columns.items():
        if not np.array_equal(rows[column].to_numpy(), values[order]):
            yield f"the column {column} of its templates disagrees with its tables"
    yield from _mistimed(gallery, segment)
    if not _pictured(gallery, segment):
        yield "its best shots disagree with its tables"
    keys = np.lexsort((index.first_seen, index.camera, index.place, index.first_seen // DAY))
    if not np.array_equal(keys, np.sort(keys)):
        yield "its templates are not in their order"
    for begin in range(0, len(index), 100_000):
        block = index.templates[begin : begin + 100_000]
        scale, codes, loss = quantise(block)
        stop = begin + len(block)
        if not (
            np.array_equal(codes, index.codes[begin:stop])
            and np.array_equal(scale, index.scale[begin:stop])
            and (not len(loss) or loss.max() <= index.lost)
        ):
            yield "its codes are not those of its templates"
            return


def _mistimed(gallery: Gallery, segment: Segment) -> Iterator[str]:
    """Say where times are not those of the recording's clock, but for rounding."""
    part = segment.alias
    (row,) = gallery.arrow(
        f"""
        SELECT
            (
                SELECT count(*) FROM {part}.recordings r ANTI JOIN {part}.stretches s
                ON s.recording_id = r.recording_id AND s.from_seconds = 0
            ) AS without,
            (
                SELECT count(*) FROM {part}.tracklets t
                JOIN {part}.recordings r ON r.recording_id = t.recording_id
                ASOF JOIN {part}.stretches s
                ON s.recording_id = t.recording_id AND s.from_seconds <= t.first_seconds
                WHERE abs(
                    epoch_us(t.first_seen) - epoch_us(r.stated_at)
                    - (t.first_seconds - s.offset_seconds) * 1e6
                ) > {ROUNDING}
            ) AS tracklets
        """  # noqa: S608 - names and numbers are our own
    ).to_pylist()
    if row["without"]:
        yield f"{row['without']} of its recordings have no clock"
    if row["tracklets"]:
        yield f"times of {row['tracklets']} of its tracklets are not those of their clock"


def _pictured(gallery: Gallery, segment: Segment) -> bool:
    """Return True if each best shot is as the table of shots has it."""
    index = segment.index
    for begin in range(0, len(index), BATCH):
        best = index.best[begin : begin + BATCH]
        shot = index.shot[begin : begin + BATCH]
        rows = gallery.arrow(
            f"SELECT seconds, epoch_us(time) AS time, quality, jpeg FROM {segment.alias}.shots "  # noqa: S608
            "WHERE rowid IN (SELECT unnest(?::BIGINT[])) ORDER BY rowid",
            [shot.tolist()],
        )
        order = np.argsort(shot)
        if rows["jpeg"].to_pylist() != [index.picture(begin + row) for row in order.tolist()]:
            return False
        columns = ("seconds", "time", "quality")
        if not all(np.array_equal(rows[name].to_numpy(), best[name][order]) for name in columns):
            return False
    return True


def export(gallery: Gallery, folder: Path, *, scope: Scope | None = None) -> int:
    """Write a gallery as Parquet files, or the recordings of a scope; returns how many these are.

    One folder a segment, one file a table, and ``templates.parquet`` with the pooled templates;
    ``gallery.json`` says of which profile they are. :func:`import_into` reads it again. It is for
    the account alone that writes it, as the gallery is.

    Raises
    ------
    GalleryError
        If there is something in *folder*, or it cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise GalleryError("is not empty", where=str(folder), fix="Name a new folder")
    gallery.refresh()
    inside = None if scope is None else gallery.recordings_inside(scope)
    was_there, count = folder.exists(), 0
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for segment in gallery.segments:
            ids = [i.decode() for i in segment.recording_ids.tolist()]
            wanted = ids if inside is None else [i for i in ids if i in inside]
            if inside is None or wanted:
                _export(segment, folder / segment.folder.name, wanted, gallery.profile)
                count += len(wanted)
        about = {"format": _FORMAT, "profile": asdict(gallery.profile)}
        (folder / PROFILE_FILE).write_text(json.dumps(about, indent=2), "utf-8")
        (folder / PROFILE_FILE).chmod(0o600)
    except (OSError, pa.ArrowException) as error:
        for part in folder.iterdir() if folder.is_dir() else ():  # it was empty: all is ours
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        if not was_there and folder.is_dir():
            folder.rmdir()
        what, fix = unwritten(error, fix="Name a folder that you may write to")
        raise GalleryError(what, where=str(folder), fix=fix) from None
    return count


def _export(segment: Segment, target: Path, wanted: list[str], profile: Profile) -> None:
    import pyarrow.parquet as pq

    target.mkdir(mode=0o700)
    for name, table in segment_tables(segment, wanted, profile):
        path = target / f"{name}.parquet"
        pq.write_table(table, path)
        path.chmod(0o600)


def segment_tables(
    segment: Segment, wanted: list[str], profile: Profile
) -> Iterator[tuple[str, pa.Table]]:
    """The tables of a segment with the recordings *wanted*, and their templates."""
    connection = connect(segment.folder / ROWS)
    try:
        for table in TABLES:
            if table == LATER and not has_later(connection, Path(ROWS).stem):
                continue
            keep = "SEMI JOIN wanted USING (recording_id)" if table in OF_RECORDINGS else ""
            connection.register("wanted", pa.table({"recording_id": pa.array(wanted, pa.string())}))
            found = connection.sql(f"FROM {table} {keep} ORDER BY {table}.rowid")
            yield table, found.to_arrow_table()
    finally:
        connection.close()
    index = segment.index
    kept = np.isin(segment.recording_ids, np.array(wanted, "S16"))
    rows = np.flatnonzero(kept[index.recording]) if len(index) else np.empty(0, np.intp)
    flat = pa.array(index.templates[rows].reshape(-1))
    names = segment.recording_ids.astype(np.str_)
    templates = pa.table(
        {
            "recording_id": pa.array(names[index.recording[rows]]),
            "ordinal": pa.array(index.ordinal[rows]),
            "template": pa.FixedSizeListArray.from_arrays(flat, profile.dimension),
        }
    )
    yield "templates", templates


def import_into(gallery: Gallery, folder: Path, *, agreed: Agreed | None = None) -> Arrival:
    """Add what :func:`export` wrote to a gallery open for writing; say what came of it.

    Recordings that the gallery already holds stay, but take over corrections of their clocks, as in
    :func:`merge`.

    Raises
    ------
    GalleryError
        If *folder* is not an export, or is damaged.
    ProfileMismatch
        If it is of another profile.
    """
    profile = exported_profile(folder)
    _same_profile(gallery, profile, str(folder))
    parts = _parts(folder)
    here: set[str] = set()
    found: list[Known] = []
    for tables in check_export(folder, profile):  # before anything is added
        here |= gallery.already_here(tables["recordings"])
        found += _found_in(tables)
    came = sum(gallery.add_tables(read_tables(part, profile), without=here) for part in parts)
    return settle(gallery, came, found, agreed)


def _parts(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def check_export(folder: Path, profile: Profile) -> Iterator[dict[str, pa.Table]]:
    """Check what :func:`export` wrote, and yield the tables of each part of it.

    Raises GalleryError for the first value that cannot be one of a gallery, with its file, column
    and row.
    """
    seen: dict[str, str] = {}
    for part in _parts(folder):
        tables = read_tables(part, profile)
        check_tables(tables, str(part))
        for name in tables["recordings"]["recording_id"].to_pylist():
            if name in seen:
                raise GalleryError(
                    f"recording {name} is in {seen[name]} too",
                    where=str(part),
                    fix="Nothing was added. Export the gallery again",
                )
            seen[name] = part.name
        yield tables


def _found_in(tables: Mapping[str, pa.Table]) -> list[Known]:
    """The recordings of an exported segment of whose clocks something was said."""
    stretches: dict[str, list[Stretch]] = {}
    for row in sorted(tables["stretches"].to_pylist(), key=lambda row: row["from_seconds"]):
        stretches.setdefault(row["recording_id"], []).append(stretch_of(row))
    columns = ["recording_id", "sha256", "camera_id", "stream", "stated_at"]
    return [
        Known(**row, stretches=stretches[row["recording_id"]])
        for row in tables["recordings"].select(columns).to_pylist()
        if any(one.given_for for one in stretches.get(row["recording_id"], ()))
    ]


def exported_profile(folder: Path, *, check: bool = False) -> Profile:
    """The profile of an export; raise GalleryError if *folder* holds none.

    With *check*, all of the export is checked too, as :func:`check_export` does.
    """
    try:
        about: Any = json.loads((folder / PROFILE_FILE).read_text("utf-8"))
        if about["format"] == _EARLIER_FORMAT:
            raise GalleryError(
                "was exported by an earlier Sightline",
                where=str(folder),
                fix="Upgrade the gallery with `sightline gallery upgrade`, and export it again",
            )
        if about["format"] != _FORMAT:
            raise ValueError(f"format {about['format']}")
        values: dict[str, Any] = about["profile"]
        values["weights"] = tuple((file, sha256) for file, sha256 in values["weights"])
        profile = Profile(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GalleryError(
            f"is not an export of a gallery ({error})",
            where=str(folder),
            fix="Name the folder that `sightline gallery export` made",
        ) from None
    check_profile(profile, str(folder / PROFILE_FILE))
    if check:
        deque(check_export(folder, profile), maxlen=0)
    return profile


def merge(gallery: Gallery, other: Gallery, *, agreed: Agreed | None = None) -> Arrival:
    """Add all of *other* to a gallery open for writing; say what came of it.

    Recordings that are in both stay, but take over corrections of their clocks that are more
    specific or newer. *agreed* is called with old and new times before any changes, and if it
    raises, all stay, and what came is there; without it they change without an entry
    (:func:`workbench.casework.clockcorrection.bring_in`). Raises ProfileMismatch if the profiles
    differ.
    """
    _same_profile(gallery, other.profile, str(other.path))
    other.refresh()
    for segment in other.segments:  # before anything is added
        ids = [name.decode() for name in segment.recording_ids.tolist()]
        check_tables(dict(segment_tables(segment, ids, other.profile)), str(other.path))
    here = gallery.already_here(
        other.arrow("SELECT recording_id, sha256, camera_id, stream FROM recordings")
    )
    came = sum(gallery.add_segment(segment, without=here) for segment in other.segments)
    return settle(gallery, came, found_in(other), agreed)


def _same_profile(gallery: Gallery, profile: Profile, where: str) -> None:
    if profile.fingerprint != gallery.profile.fingerprint:
        raise ProfileMismatch(
            f"was made with profile {profile.name} ({profile.fingerprint}), the gallery with "
            f"{gallery.profile.name} ({gallery.profile.fingerprint})",
            where=where,
            fix="Index its footage again with the gallery's profile",
        )


__all__ = ["check", "export", "exported_profile", "import_into", "merge", "segment_tables"]

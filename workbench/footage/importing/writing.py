"""Write a proposed catalogue: two tables, each as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.domain import Camera
from workbench.domain.spreadsheets import csv_text
from workbench.errors import CatalogueError
from workbench.footage.catalog import (
    CAMERA_COLUMNS,
    CAMERAS_CSV,
    CAMERAS_GEOJSON,
    FOOTAGE_COLUMNS,
    FOOTAGE_CSV,
    TIME_DOUBTS,
    read_cameras,
)
from workbench.footage.importing.proposal import Proposal, ProposedRecording
from workbench.footage.importing.survey import leads_out
from workbench.footage.tables import changing, read_table, replace_file, with_rows

# Says what a time rests on. A table that lacks it gets it only for times that are in doubt.
TIME_FROM = "time_from"
FRAME_RATE = "frame_rate"


@dataclass(frozen=True, slots=True)
class Written:
    """Tables that were written.

    Parameters
    ----------
    folder : Path
        Of the catalogue.
    cameras, recordings : int
        Number of new rows.
    added : bool
        True if they were added to tables that were there.
    """

    folder: Path
    cameras: int
    recordings: int
    added: bool


@dataclass(frozen=True, slots=True)
class Existing:
    """A catalogue that is there already, perhaps in part.

    Parameters
    ----------
    cameras : tuple of Camera
    files : frozenset of str
        Names in its footage.csv, relative to the catalogue.
    """

    cameras: tuple[Camera, ...] = ()
    files: frozenset[str] = frozenset()


def existing_catalogue(folder: Path | str, out: Path | str | None = None) -> Existing:
    """Read the catalogue that new rows would be added to; empty where there is none.

    Parameters
    ----------
    folder : path
        With the footage.
    out : path, optional
        Where the tables lie; by default in *folder*.

    Returns
    -------
    Existing
        Files that lie in *folder*, relative to it.

    Raises
    ------
    CatalogueError
        If a table cannot be read, or *folder* is not in *out*.
    """
    place, within = _places(Path(folder), out)
    cameras: tuple[Camera, ...] = ()
    if any((place / name).exists() for name in (CAMERAS_CSV, CAMERAS_GEOJSON)):
        cameras = tuple(read_cameras(place, []).values())
    files = set()
    if (place / FOOTAGE_CSV).exists():
        for _, row in read_table(place / FOOTAGE_CSV, FOOTAGE_COLUMNS):
            name = row["file"].replace("\\", "/").removeprefix("./")
            if name.startswith(within):
                files.add(name.removeprefix(within))
    return Existing(cameras, frozenset(files))


def write_catalogue(
    proposal: Proposal,
    recordings: Iterable[ProposedRecording] | None = None,
    *,
    out: Path | str | None = None,
    add: bool = False,
) -> Written:
    """Write cameras.csv and footage.csv.

    Parameters
    ----------
    proposal : Proposal
    recordings : iterable of ProposedRecording, optional
        Which of its recordings; by default all that are ready.
    out : path, optional
        Folder of the tables: that of the footage, which is the default, or one above it. Recordings
        lie inside the folder of their catalogue.
    add : bool
        Whether rows may be added to tables that are there. What stands in them stays as it is.

    Raises
    ------
    CatalogueError
        If a recording is not ready, there is nothing to write, a table is there and *add* is not
        set, or a file cannot be written.
    """
    rows = (
        [one for one in proposal.recordings if one.ready] if recordings is None else [*recordings]
    )
    for row in rows:
        if not row.ready:
            raise CatalogueError(row.lacks[0], where=row.file, fix="Leave it out")
    if not rows:
        raise CatalogueError(
            "no recording can be listed",
            where=str(proposal.survey.folder),
            fix="See what each of them lacks",
        )
    place, within = _places(proposal.survey.folder, out)
    with changing(place):  # or a row that another one adds meanwhile would be lost
        there = [
            name for name in (CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV) if (place / name).exists()
        ]
        if there and not add:
            raise CatalogueError(
                f"has {' and '.join(there)} already",
                where=str(place),
                fix="Have rows added to it, or choose another folder",
            )
        before = existing_catalogue(proposal.survey.folder, out)
        known = {one.camera_id for one in before.cameras}
        wanted = {row.camera_id for row in rows}
        cameras = [one for one in proposal.cameras if one.camera_id in wanted - known]
        if cameras and CAMERAS_GEOJSON in there:
            raise CatalogueError(
                f"has {CAMERAS_GEOJSON}, without the camera {cameras[0].camera_id}",
                where=str(place),
                fix="Add the new cameras to it",
            )
        fresh = [row for row in rows if row.file not in before.files]
        contents = {}
        if cameras:
            contents[place / CAMERAS_CSV] = _content(
                place / CAMERAS_CSV, CAMERA_COLUMNS, [_camera_row(one) for one in cameras]
            )
        if fresh:
            contents[place / FOOTAGE_CSV] = _content(
                place / FOOTAGE_CSV, FOOTAGE_COLUMNS, [_row(one, within) for one in fresh]
            )
        # The cameras first: a camera without recordings does no harm.
        for path, content in contents.items():
            replace_file(path, content)
        return Written(place, len(cameras), len(fresh), bool(there))


def _places(folder: Path, out: Path | str | None) -> tuple[Path, str]:
    """The catalogue's folder, and what stands before the names of files of *folder* in it."""
    place = folder if out is None else Path(out)
    if not place.is_dir():
        fix = "Make it, or name another" if out else "Name the folder that holds the footage"
        raise CatalogueError("is not a folder", where=str(place), fix=fix)
    inner, outer = folder.resolve(), place.resolve()
    if not inner.is_relative_to(outer):
        raise CatalogueError(
            f"is not above {folder}, and recordings lie inside the folder of their catalogue",
            where=str(place),
            fix="Name the folder itself or one above it; mount what cannot be written below one "
            "that can",
        )
    for name in (CAMERAS_CSV, CAMERAS_GEOJSON, FOOTAGE_CSV):
        # Footage that others handed over may hold links; none leads the writing elsewhere.
        if leads_out(place / name, place):
            raise CatalogueError(
                "is a link out of the folder", where=str(place / name), fix="Remove the link"
            )
    within = inner.relative_to(outer).as_posix()
    return place, "" if within == "." else f"{within}/"


def _camera_row(camera: Camera) -> dict[str, str]:
    return {
        "camera_id": camera.camera_id,
        "name": camera.name,
        # Empty where the place is not known.
        "latitude": "" if camera.latitude is None else repr(camera.latitude),
        "longitude": "" if camera.longitude is None else repr(camera.longitude),
    }


def _row(recording: ProposedRecording, within: str) -> dict[str, str]:
    assert recording.start.at is not None
    rate = recording.frame_rate
    return {
        "file": within + recording.file,
        "camera_id": recording.camera_id,
        "started_at": recording.start.at.isoformat(),
        FRAME_RATE: f"{rate:.10g}" if rate else "",
        TIME_FROM: str(recording.start.basis),
    }


def _content(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    """A table with these rows, after those that it has."""
    if path.exists():
        in_doubt = any(row.get(TIME_FROM) in TIME_DOUBTS for row in rows)
        return with_rows(path, columns, rows, leave=() if in_doubt else (TIME_FROM,))
    names = [name for name in rows[0] if name in columns or any(row[name] for row in rows)]
    return csv_text(names, ([row.get(name, "") for name in names] for row in rows)).encode("utf-8")

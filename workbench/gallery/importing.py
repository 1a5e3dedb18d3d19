"""Import of what a gallery was exported as: checked before anything is added, and each once."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import Profile, Stretch
from workbench.errors import GalleryError, ProfileMismatch
from workbench.gallery.adopting import Agreed, Arrival, Known, settle
from workbench.gallery.arriving import run_of
from workbench.gallery.entries import RefusalEntry
from workbench.gallery.exchange import (
    EARLIER_FORMAT,
    FORMAT,
    ONCE,
    PROFILE_FILE,
    Tables,
    folders_of,
    read_batches,
)
from workbench.gallery.incoming import check_profile, check_tables
from workbench.gallery.manifest import AlreadyStored, Manifest
from workbench.gallery.times import setting_of, stretch_of
from workbench.gallery.writing import Writer


def import_into(writer: Writer, folder: Path, *, agreed: Agreed | None = None) -> Arrival:
    """Add what :func:`workbench.gallery.exporting.export` wrote; say what came of it.

    Recordings that the gallery already holds stay, but take over corrections of their clocks, as in
    :func:`workbench.gallery.joining.merge`. If it is killed, what came by then is there, and the
    rest comes when it is done again.

    Raises
    ------
    GalleryError
        If *folder* is not an export, or is damaged.
    ProfileMismatch
        If it is of another profile.
    """
    profile = exported_profile(folder)
    refuse_other_profile(writer, profile, str(folder))
    arriving = Arriving(writer)
    for tables in check_export(folder, profile):  # before anything is added
        arriving.expect(tables)
    for one in folders_of(folder):
        for batch in read_batches(one, profile):
            arriving.add(batch.tables)
    return settle(writer, arriving.came, arriving.found, agreed)


def refuse_other_profile(writer: Writer, profile: Profile, where: str) -> None:
    """Raise ProfileMismatch if what is at *where* is not of the gallery's profile."""
    own = writer.committer.manifest.profile
    if profile.fingerprint != own.fingerprint:
        raise ProfileMismatch(
            f"was made with profile {profile.name} ({profile.fingerprint}), the gallery with "
            f"{own.name} ({own.fingerprint})",
            where=where,
            fix="Index its footage again with the gallery's profile",
        )


@dataclass
class Arriving:
    """Arrival of recordings, some at a time, of which those that the gallery holds are left out.

    All of it is expected first, and then added. ``came`` counts the recordings that were added;
    ``found`` are those of whose clocks something was said elsewhere.
    """

    writer: Writer
    came: int = 0
    found: list[Known] = field(default_factory=list)
    _here: set[str] = field(default_factory=set, repr=False)
    _same: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _coming: set[str] = field(default_factory=set, repr=False)

    def expect(self, tables: Tables) -> None:
        """Look which of some recordings are in the gallery already."""
        names = ("recording_id", "sha256", "camera_id", "stream")
        rows = [*zip(*(tables["recordings"][name].to_pylist() for name in names), strict=True)]
        footage = self.writer.footage
        self._coming |= {name for name, *_ in rows}
        self._here |= footage.manifest.held(name for name, *_ in rows)
        same = footage.same_recordings(key for _, *key in rows)
        self._same |= {name: same[tuple(key)] for name, *key in rows if tuple(key) in same}
        self.found += _found_in(tables)

    def add(self, tables: Tables) -> None:
        """Add what the gallery does not hold, in one commit.

        Raises what :meth:`workbench.gallery.writing.Writer.add_tables` does.
        """
        while True:
            left = self._left(tables)
            if not any(left[name].num_rows for name in ("recordings", "cameras", *ONCE)):
                return
            try:
                self.came += self.writer.add_tables(left)
                return
            except AlreadyStored as error:  # by another writer, just now
                if not self._here.isdisjoint(error.recording_ids):
                    raise
                self._here |= set(error.recording_ids)

    def _left(self, tables: Tables) -> dict[str, pa.Table]:
        """Tables without what is here: recordings, and what else was noted already."""
        here = pa.array(
            [
                name
                for name in tables["recordings"]["recording_id"].to_pylist()
                # Under another id it is here as well, unless that one comes along too.
                if name in self._here or set(self._same.get(name, ())) - self._coming
            ],
            pa.string(),
        )
        left = {
            name: table.filter(pc.invert(pc.is_in(table["recording_id"], here)))
            if "recording_id" in table.column_names
            else table
            for name, table in tables.items()
        }
        return left | _news(self.writer.committer.manifest, tables)


def _news(manifest: Manifest, tables: Tables) -> dict[str, pa.Table]:
    """Cameras, clocks, runs and refusals that are not as a gallery has them already."""
    noted = {one.camera.camera_id: one.noted_at for one in manifest.camera_entries()}
    return {
        "cameras": _which(
            tables["cameras"],
            lambda row: row["camera_id"] not in noted or row["noted_at"] > noted[row["camera_id"]],
        ),
        "clocks": _but(tables["clocks"], setting_of, manifest.clocks),
        "runs": _but(tables["runs"], run_of, manifest.runs),
        "refusals": _but(tables["refusals"], lambda row: RefusalEntry(**row), manifest.refusals),
    }


def _but(
    table: pa.Table, make: Callable[[dict[str, Any]], Any], known: Callable[[], Iterable[Any]]
) -> pa.Table:
    """Rows of a table but for those that are known, each once."""
    if not table.num_rows:
        return table
    seen = [*known()]

    def is_new(row: dict[str, Any]) -> bool:
        one = make(row)
        seen.append(one)
        return one not in seen[:-1]

    return _which(table, is_new)


def _which(table: pa.Table, keep: Callable[[dict[str, Any]], bool]) -> pa.Table:
    return table.filter(pa.array([keep(row) for row in table.to_pylist()], pa.bool_()))


def _found_in(tables: Tables) -> list[Known]:
    """The recordings, of those in tables, of whose clocks something was said."""
    stretches: dict[str, list[Stretch]] = {}
    for row in tables["stretches"].sort_by("from_seconds").to_pylist():
        stretches.setdefault(row["recording_id"], []).append(stretch_of(row))
    columns = ["recording_id", "sha256", "camera_id", "stream", "stated_at"]
    return [
        Known(**row, stretches=stretches[row["recording_id"]])
        for row in tables["recordings"].select(columns).to_pylist()
        if any(one.given_for for one in stretches.get(row["recording_id"], ()))
    ]


def check_export(folder: Path, profile: Profile) -> Iterator[dict[str, pa.Table]]:
    """Check an export, and yield the tables of some of its recordings at a time.

    Raises GalleryError for the first value that cannot be one of a gallery, with its file, column
    and row.
    """
    seen: dict[str, str] = {}
    for one in folders_of(folder):
        for tables, rows in read_batches(one, profile):
            check_tables(tables, str(one), rows=rows)
            for name in tables["recordings"]["recording_id"].to_pylist():
                if name in seen:
                    raise GalleryError(
                        f"recording {name} is in {seen[name]} too",
                        where=str(one),
                        fix="Nothing was added. Export the gallery again",
                    )
                seen[name] = one.name
            yield tables


def exported_profile(folder: Path, *, check: bool = False) -> Profile:
    """The profile of an export; raise GalleryError if *folder* holds none.

    With *check*, all of the export is checked too, as :func:`check_export` does.
    """
    try:
        about: Any = json.loads((folder / PROFILE_FILE).read_text("utf-8"))
        if about["format"] == EARLIER_FORMAT:
            raise GalleryError(
                "was exported by an earlier Sightline",
                where=str(folder),
                fix="Upgrade the gallery with `sightline gallery upgrade`, and export it again",
            )
        if about["format"] != FORMAT:
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


__all__ = ["Arriving", "check_export", "exported_profile", "import_into", "refuse_other_profile"]

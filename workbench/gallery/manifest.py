"""Manifest of a gallery: which parts, packs and recordings it holds, commit by commit.

All SQL on it is here and in manifest.sql. One protocol for whoever writes:

1. :meth:`Manifest.reserve` names for new parts and packs. They belong to no commit.
2. Write their objects, and have them on the disk.
3. :meth:`Manifest.commit`, in one transaction: everything of the change, or nothing. The key of
   the recordings is the gate through which each comes once; parts that were dropped meanwhile make
   the change :class:`Overtaken`.
4. Delete the objects of :meth:`Manifest.dropped`, and then :meth:`Manifest.release` their names.

Whatever is killed in between leaves reserved or dropped names. What :meth:`Manifest.unfinished`
lists is abandoned first, so that it can no longer be committed, and is dropped then as well.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from importlib import resources
from operator import itemgetter
from typing import Any

import pyarrow as pa

from workbench.domain import (
    Camera,
    ClockCorrection,
    ClockSetting,
    Profile,
    Stretch,
    from_microseconds,
    to_microseconds,
)
from workbench.errors import GalleryBusy, GalleryError
from workbench.gallery.database import Database, DatabaseLost, KeyTaken, Row
from workbench.gallery.entries import (
    Box,
    CameraEntry,
    Change,
    Leftover,
    Microseconds,
    PackEntry,
    PartEntry,
    PartSums,
    RecordingEntry,
    RefusalEntry,
    RunEntry,
    day_of,
    stretches_from,
)
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.storage import ObjectGone

FORMAT = 5
_PART = (
    "name, day, place_low, place_high, first_seen, last_seen, recordings, tracklets, templates, "
    "uncertain, earlier, bytes, files"
)
_PACK = "name, pack, day, bytes, live_bytes, sha256"
_RECORDING = tuple(one.name for one in fields(RecordingEntry))
_WHOLE, _NUMBER, _TEXT = pa.int32(), pa.float64(), pa.string()
_TIME = pa.timestamp("us", tz="UTC")
_LISTED = pa.schema(
    [
        ("recording_id", _TEXT), ("camera_id", _TEXT), ("file", _TEXT), ("started_at", _TIME),
        ("ended_at", _TIME), ("sha256", _TEXT), ("size_bytes", pa.int64()),
        ("modified_ns", pa.int64()), ("width", _WHOLE), ("height", _WHOLE),
        ("frames_decoded", _WHOLE), ("frames_examined", _WHOLE), ("faces", _WHOLE),
        ("stopped", _TEXT), ("elapsed_seconds", _NUMBER), ("indexed_at", _TIME),
        ("stated_at", _TIME), ("seconds", _NUMBER), ("stream", _WHOLE), ("rotation", _WHOLE),
        ("pixel_aspect", _TEXT), ("frame_rate", _NUMBER), ("catalogue", _TEXT),
        ("tracklets", pa.int64()), ("unsearchable", pa.int64()), ("problems", pa.int64()),
    ]
)  # fmt: skip
_LIVE = "added IS NOT NULL AND dropped IS NULL"
_TABLES = (
    "gallery", "parts", "packs", "recordings", "spans", "cameras", "places", "clocks", "runs",
    "refusals",
)  # fmt: skip
_PAGE = 10_000
# A camera, or one that moves at whatever place.
_ANYWHERE = "camera_id = :camera OR (camera_id >= :low AND camera_id < :high)"
# All of a part lies in it; an entry of a part has what is compared in an index.
_IN_BOX = (
    "first_seen >= :box_start AND last_seen < :box_end "
    "AND place_low > :box_after AND place_high < :box_before"
)
_AT = "added <= :commit AND (dropped IS NULL OR dropped > :commit)"


class Overtaken(GalleryError):
    """A change was made from rows that are not in the gallery any more; it can be made again."""


class Outdated(Overtaken):
    """A change was made from what is no longer so, and has to be thought out again."""


class AlreadyStored(GalleryError):
    """A recording is in the gallery already. ``recording_ids`` names all that are."""

    recording_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Last commit of a gallery, and what questions about a time have to know.

    ``cameras_commit`` and ``clocks_commit`` are the last ones that changed cameras, or set clocks.
    What is looked for up to a moment began at most ``longest_…`` microseconds before.
    """

    commit: int
    committed_at: datetime  # UTC
    owner: str
    cameras_commit: int
    clocks_commit: int
    longest_recording: Microseconds
    longest_tracklet: Microseconds


class Manifest:
    """Manifest in a database, for one process and all of its threads."""

    def __init__(self, database: Database, where: str) -> None:
        """Read the profile; *where* names the gallery in messages.

        Raises GalleryError if the database holds no manifest, or one of another format.
        """
        self._database, self._where = database, where
        try:
            ((found,),) = database.rows("SELECT format FROM gallery")
        except (DatabaseLost, GalleryBusy):
            raise
        except (GalleryError, ValueError) as error:
            reason = error.what if isinstance(error, GalleryError) else "it is not finished"
            raise GalleryError(
                f"holds no manifest of a gallery ({reason})",
                where=where,
                fix="Restore it from a copy, or index the footage again",
            ) from None
        if found != FORMAT:
            raise GalleryError(
                f"has format {found}, this Sightline reads {FORMAT}",
                where=where,
                fix="Upgrade it with `sightline gallery upgrade`"
                if found < FORMAT
                else "It was made with a newer Sightline: use that one",
            )
        self.profile = self._read_profile()

    @classmethod
    def create(cls, database: Database, profile: Profile, where: str) -> Manifest:
        """Make the manifest of an empty gallery in an empty database."""
        now = to_microseconds(database.now())

        def make() -> None:
            _make_tables(database)
            database.change(
                "INSERT INTO gallery VALUES (:format, :now, :name, :detector, :recogniser, "
                ":alignment, :metric, :dimension, :version, :weights, :fingerprint, '', 0, :now, "
                "0, 0, 0, 1, 0, 0)",
                {
                    "format": FORMAT, "now": now, "name": profile.name,
                    "detector": profile.detector, "recogniser": profile.recogniser,
                    "alignment": profile.alignment, "metric": profile.metric,
                    "dimension": profile.dimension, "version": profile.version,
                    "weights": json.dumps(profile.weights), "fingerprint": profile.fingerprint,
                },
            )  # fmt: skip

        database.write(make)
        return cls(database, where)

    def _read_profile(self) -> Profile:
        names = (
            "profile", "detector", "recogniser", "alignment", "metric", "dimension", "weights",
            "version",
        )  # fmt: skip
        # Names of columns and tables are our own, never a user's, here as below.
        ((*values, fingerprint),) = self._database.rows(
            f"SELECT {', '.join(names)}, fingerprint FROM gallery"  # noqa: S608
        )
        about = dict(zip(names, values, strict=True))
        weights = tuple((file, sha256) for file, sha256 in json.loads(about.pop("weights")))
        profile = Profile(about.pop("profile"), **about, weights=weights)
        if profile.fingerprint != fingerprint:
            raise GalleryError(
                "contradicts itself about its profile",
                where=self._where,
                fix="Restore it from a copy, or index the footage again",
            )
        return profile

    @property
    def shared(self) -> bool:
        """True if other processes may write at the same time, of this machine and of others."""
        return self._database.shared

    def now(self) -> datetime:
        """UTC time, by one clock for all who write."""
        return self._database.now()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def copy_to(self, database: Database, where: str, *, live_only: bool) -> Manifest:
        """Copy it as it is at one commit to a database, in one step; return the copy.

        Parameters
        ----------
        where : str
            Name of the copy's gallery, in messages.
        live_only : bool
            Without what is reserved or dropped: its objects are not where the copy's are. Commits
            before this one cannot be asked about in the copy.

        Raises
        ------
        GalleryError
            If the database holds another gallery, or later commits of this one, or one of the two
            cannot be read or written. An earlier copy of this one is replaced.
        """
        there = self.refuse_another(database, where)
        assert database is not self._database

        def copy() -> None:
            if not there:
                _make_tables(database)
            for table in _TABLES:
                database.change(f"DELETE FROM {table}")  # noqa: S608
            for table, rows in self._pages():
                values = ", ".join(f":c{n}" for n in range(len(rows[0])))
                database.change_many(
                    f"INSERT INTO {table} VALUES ({values})",  # noqa: S608
                    [{f"c{n}": value for n, value in enumerate(row)} for row in rows],
                )
            if live_only:
                for table in ("parts", "packs"):
                    database.change(f"DELETE FROM {table} WHERE NOT ({_LIVE})")  # noqa: S608
                database.change("UPDATE gallery SET oldest_commit = last_commit")

        database.write(lambda: self._database.read(copy))
        return Manifest(database, where)

    def refuse_another(self, database: Database, where: str) -> bool:
        """Return True if a database holds this gallery as of now or earlier, False if nothing.

        Raises GalleryError if it holds another gallery, or later commits of this one.
        """
        about = "SELECT created_at, fingerprint, last_commit FROM gallery"
        ((*mine, last),) = self._database.rows(about)
        try:
            ((*its, its_last),) = database.rows(about)
        except (DatabaseLost, GalleryBusy):
            raise
        except GalleryError:  # no tables: what else there may be refuses ours
            return False
        if its != mine or its_last > last:
            raise GalleryError(
                "holds another gallery, or later commits of this one",
                where=where,
                fix="Choose another place for the copy",
            )
        return True

    def _pages(self) -> Iterator[tuple[str, list[Row]]]:
        """All rows of all tables, of the largest so many at a time."""
        for table in (one for one in _TABLES if one not in ("recordings", "spans")):
            if rows := self._database.rows(f"SELECT * FROM {table}"):  # noqa: S608
                yield table, rows
        last, among = "", self._database.among("recording_id", "ids")
        while found := self._database.rows(
            "SELECT * FROM recordings WHERE recording_id > :last ORDER BY recording_id LIMIT :most",
            {"last": last, "most": _PAGE},
        ):
            yield "recordings", found
            ids = {"ids": self._database.values(row[0] for row in found)}
            if spans := self._database.rows(f"SELECT * FROM spans WHERE {among}", ids):  # noqa: S608
                yield "spans", spans
            last = found[-1][0]

    # --- The state of the gallery -------------------------------------------------------------

    def created_at(self) -> datetime:
        """UTC time at which the gallery was made."""
        ((created,),) = self._database.rows("SELECT created_at FROM gallery")
        return from_microseconds(created)

    def state(self) -> State:
        """State after the last commit."""
        ((commit, at, *rest),) = self._database.rows(
            "SELECT last_commit, committed_at, owner, cameras_commit, clocks_commit, "
            "longest_recording, longest_tracklet FROM gallery"
        )
        return State(commit, from_microseconds(at), *rest)

    # --- Writing ------------------------------------------------------------------------------

    def reserve(
        self,
        role: str,
        *,
        parts: Sequence[int] = (),
        packs: Sequence[int] = (),
        again: Sequence[PackEntry] = (),
    ) -> tuple[list[str], list[PackEntry]]:
        """Reserve names for new parts and packs, before the first byte of them is written.

        Parameters
        ----------
        role : str
            Kind of process; another one of it sweeps what this one leaves when it is killed.
        parts, packs : sequence of int
            Day of each.
        again : sequence of PackEntry
            Packs that are written again, without something, under their number.

        Returns
        -------
        list of str, list of PackEntry
            Names of the parts; the packs, still empty, those of *again* last.
        """
        names = [secrets.token_hex(8) for _ in parts]
        about = {"role": role, "now": to_microseconds(self._database.now())}

        def work() -> list[PackEntry]:
            ((first,),) = self._database.rows("SELECT next_pack FROM gallery")
            self._database.change(
                "UPDATE gallery SET next_pack = next_pack + :n", {"n": len(packs)}
            )
            wanted = [*enumerate(packs, first), *((one.pack, one.day) for one in again)]
            new = [PackEntry(secrets.token_hex(8), n, day, 0, 0, "") for n, day in wanted]
            self._database.change_many(
                "INSERT INTO parts (name, day, role, reserved_at) "
                "VALUES (:name, :day, :role, :now)",
                [{"name": n, "day": day, **about} for n, day in zip(names, parts, strict=True)],
            )
            self._database.change_many(
                "INSERT INTO packs (name, pack, day, role, reserved_at) "
                "VALUES (:name, :pack, :day, :role, :now)",
                [{"name": p.name, "pack": p.pack, "day": p.day, **about} for p in new],
            )
            return new

        return names, self._database.write(work)

    @undisturbed()
    def commit(self, change: Change) -> int:
        """Make a change in one step; return the number of the commit.

        Raises
        ------
        AlreadyStored
            If a new recording is in the gallery.
        Overtaken
            If a part, pack or recording that it drops, replaces or restates is not in the gallery
            any more, or a reserved name was swept.
        Outdated
            If what the change was made from is no longer so.
        GalleryError
            If it cannot be written. Nothing has changed then, as after the two above.
        """

        at = to_microseconds(change.committed_at or self.now())

        def work() -> int:
            ((last,),) = self._database.rows("SELECT last_commit FROM gallery")
            number: int = last + 1
            about = {"commit": number, "at": at}
            if change.still is not None and not change.still():
                raise Outdated(
                    "is not any more as this was made from",
                    where=self._where,
                    fix="Do this again: something else changed it meanwhile",
                )
            self._drop("parts", change.dropped_parts, about)
            self._drop("packs", change.dropped_packs, about)
            self._add_parts(change.parts, about)
            self._add_packs(change.packs, about)
            self._release_bytes(change, about)
            self._forget(change.forgotten)
            self._refuse_known(change.recordings)
            self._restate(change.restated)
            self._uncount(change.removed)
            self._add_recordings(change.recordings)
            self._add_cameras(change, about)
            self._note(change, about)
            self._advance(change, about)
            return number

        return self._database.write(work)

    def _drop(self, table: str, names: Sequence[str], about: dict[str, int]) -> None:
        among = self._database.among("name", "names")
        changed = self._database.change(
            f"UPDATE {table} SET dropped = :commit, dropped_at = :at "  # noqa: S608
            f"WHERE {among} AND {_LIVE}",
            {**about, "names": self._database.values(names)},
        )
        if names and changed != len(set(names)):
            raise self._overtaken(f"{len(set(names)) - changed} of the {table} it replaces")

    def _overtaken(self, what: str) -> Overtaken:
        return Overtaken(
            f"{what} are not in the gallery any more",
            where=self._where,
            fix="Do this again: something else changed them meanwhile",
        )

    def _add_parts(self, parts: Sequence[PartEntry], about: dict[str, int]) -> None:
        for part in parts:
            self._go_live(
                "UPDATE parts SET place_low = :place_low, place_high = :place_high, "
                "first_seen = :first_seen, last_seen = :last_seen, recordings = :recordings, "
                "tracklets = :tracklets, templates = :templates, uncertain = :uncertain, "
                "earlier = :earlier, bytes = :bytes, "
                "files = :files_json, "
                "added = :commit WHERE name = :name AND day = :day AND "
                "added IS NULL AND dropped IS NULL",
                part,
                about,
            )

    def _add_packs(self, packs: Sequence[PackEntry], about: dict[str, int]) -> None:
        for pack in packs:
            self._go_live(
                "UPDATE packs SET bytes = :bytes, live_bytes = :live_bytes, sha256 = :sha256, "
                "added = :commit WHERE name = :name AND pack = :pack AND day = :day "
                "AND added IS NULL AND dropped IS NULL",
                pack,
                about,
            )

    def _go_live(self, statement: str, entry: PartEntry | PackEntry, about: dict[str, int]) -> None:
        """Make a reserved name live; raise Overtaken where it is reserved no more."""
        values = {**entry._asdict(), "commit": about["commit"]}
        if self._database.change(statement, values) != 1:
            raise self._overtaken("names that were reserved for it")

    def _release_bytes(self, change: Change, about: dict[str, int]) -> None:
        for pack, length in change.released.items():
            changed = self._database.change(
                "UPDATE packs SET live_bytes = live_bytes - :length "  # noqa: S608
                f"WHERE pack = :pack AND live_bytes >= :length AND {_LIVE}",
                {"pack": pack, "length": length},
            )
            if changed != 1:
                raise GalleryError(
                    f"pack {pack} does not hold the {length:,} bytes that are released of it",
                    where=self._where,
                    fix="Check the gallery with `sightline gallery check`",
                )
        if change.released:
            self._database.change(
                "UPDATE packs SET dropped = :commit, dropped_at = :at "  # noqa: S608
                f"WHERE live_bytes = 0 AND {self._database.among('pack', 'packs')} AND {_LIVE}",
                {**about, "packs": self._database.values(change.released)},
            )

    def _forget(self, names: Sequence[str]) -> None:
        if not names:
            return
        among = self._database.among("recording_id", "ids")
        ids = {"ids": self._database.values(names)}
        self._database.change(f"DELETE FROM spans WHERE {among}", ids)  # noqa: S608
        gone = self._database.change(f"DELETE FROM recordings WHERE {among}", ids)  # noqa: S608
        if gone != len(set(names)):
            raise self._overtaken(f"{len(set(names)) - gone} of the recordings it removes")

    def _uncount(self, removed: Mapping[str, tuple[int, int]]) -> None:
        """Count fewer tracklets of recordings."""
        for name, (tracklets, unsearchable) in removed.items():
            changed = self._database.change(
                "UPDATE recordings SET tracklets = tracklets - :tracklets, "
                "unsearchable = unsearchable - :unsearchable WHERE recording_id = :id "
                "AND tracklets >= :tracklets AND unsearchable >= :unsearchable",
                {"id": name, "tracklets": tracklets, "unsearchable": unsearchable},
            )
            if changed != 1:
                raise GalleryError(
                    f"recording {name} has fewer tracklets than are removed of it",
                    where=self._where,
                    fix="Check the gallery with `sightline gallery check`",
                )

    def _refuse_known(self, recordings: Sequence[RecordingEntry]) -> None:
        ids = [one.recording_id for one in recordings]
        twice = {name for name in ids if ids.count(name) > 1} if len(set(ids)) < len(ids) else set()
        if known := {*self.held(ids), *twice}:
            raise _already_stored(recordings, known)

    def _restate(self, recordings: Sequence[RecordingEntry]) -> None:
        self._forget([one.recording_id for one in recordings])
        self._add_recordings(recordings)

    def _add_recordings(self, recordings: Sequence[RecordingEntry]) -> None:
        values = ", ".join(f":{name}" for name in (*_RECORDING, "divided"))
        names = ", ".join((*_RECORDING, "divided"))
        try:
            self._database.change_many(
                f"INSERT INTO recordings ({names}) VALUES ({values})",  # noqa: S608
                [one.row() for one in recordings],
            )
        except KeyTaken:  # another writer's, between the look and this
            raise _already_stored(recordings, {one.recording_id for one in recordings}) from None
        self._database.change_many(
            "INSERT INTO spans VALUES (:id, :camera, :start, :end, :seen)",
            [
                {
                    "id": one.recording_id, "camera": one.camera_id,
                    "start": start, "end": end, "seen": int(seen),
                }
                for one in recordings
                if one.divided
                for start, end, seen in one.spans()
            ],
        )  # fmt: skip

    def _add_cameras(self, change: Change, about: dict[str, int]) -> None:
        changed = 0
        for camera, noted_at in change.cameras:
            changed += self._database.change(
                "INSERT INTO cameras VALUES (:id, :name, :latitude, :longitude, :at) "
                "ON CONFLICT (camera_id) DO UPDATE SET name = excluded.name, "
                "latitude = excluded.latitude, longitude = excluded.longitude, "
                "noted_at = excluded.noted_at WHERE excluded.noted_at > cameras.noted_at",
                {
                    "id": camera.camera_id, "name": camera.name, "latitude": camera.latitude,
                    "longitude": camera.longitude, "at": to_microseconds(noted_at),
                },
            )  # fmt: skip
        for camera_id, places in change.places.items():
            for place in places:
                changed += self._database.change(
                    "INSERT INTO places VALUES (:id, :place) ON CONFLICT DO NOTHING",
                    {"id": camera_id, "place": int(place)},
                )
        if changed:
            self._database.change("UPDATE gallery SET cameras_commit = :commit", about)

    def _note(self, change: Change, about: dict[str, int]) -> None:
        self._database.change_many(
            "INSERT INTO clocks VALUES (:camera_id, :folder, :since, :until, :offset_seconds, "
            ":uncertainty_seconds, :found_by, :how, :found_at, :catalogue)",
            [_clock_row(setting) for setting in change.clocks],
        )
        if change.clocks:
            self._database.change("UPDATE gallery SET clocks_commit = :commit", about)
        self._database.change_many(
            "INSERT INTO runs VALUES (:source, :started_at, :ended_at, :indexed, :refused, "
            ":unfinished)",
            [_row(run) for run in change.runs],
        )
        self._database.change_many(
            "INSERT INTO refusals VALUES (:camera_id, :file, :started_at, :reason, :refused_at, "
            ":offset_seconds, :catalogue) ON CONFLICT (camera_id, file, started_at) DO UPDATE SET "
            "reason = excluded.reason, refused_at = excluded.refused_at, "
            "offset_seconds = excluded.offset_seconds, catalogue = excluded.catalogue "
            "WHERE excluded.refused_at > refusals.refused_at",
            [_row(refusal) for refusal in change.refusals],
        )

    def _advance(self, change: Change, about: dict[str, int]) -> None:
        if change.owner is not None:
            self._database.change("UPDATE gallery SET owner = :owner", {"owner": change.owner})
        lengths = [
            to_microseconds(one.ended_at) - to_microseconds(one.started_at)
            for one in (*change.recordings, *change.restated)
        ]
        for column, longest in (
            ("longest_recording", max(lengths, default=0)),
            ("longest_tracklet", change.longest_tracklet),
        ):
            self._database.change(
                f"UPDATE gallery SET {column} = :longest WHERE {column} < :longest",  # noqa: S608
                {"longest": longest},
            )
        self._database.change("UPDATE gallery SET last_commit = :commit, committed_at = :at", about)

    # --- What is left to delete ---------------------------------------------------------------

    def unfinished(self, role: str, *, before: datetime | None = None) -> list[Leftover]:
        """Parts and packs that processes of a kind reserved, and have not committed.

        By default all; only those reserved *before* a time, where one may still be at work.
        """
        return self._leftovers(
            "added IS NULL AND dropped IS NULL AND role = :role AND reserved_at < :before",
            {"role": role, "before": _LAST if before is None else to_microseconds(before)},
        )

    def abandon(self, leftovers: Sequence[Leftover]) -> None:
        """Drop what was reserved: it can no longer be committed, whoever is at work on it."""
        now = to_microseconds(self._database.now())
        among = self._database.among("name", "names")

        def work() -> None:
            for table, names in _by_table(leftovers):
                self._database.change(
                    f"UPDATE {table} SET dropped = 0, dropped_at = :now "  # noqa: S608
                    f"WHERE {among} AND added IS NULL",
                    {"now": now, "names": self._database.values(names)},
                )

        self._database.write(work)

    def dropped(self, *, before: datetime | None = None) -> list[Leftover]:
        """Parts and packs that a commit dropped or that were abandoned, by default whenever."""
        return self._leftovers(
            "dropped IS NOT NULL AND dropped_at < :before",
            {"before": _LAST if before is None else to_microseconds(before)},
        )

    def _leftovers(self, condition: str, parameters: dict[str, object]) -> list[Leftover]:
        return self._database.read(
            lambda: [
                Leftover(name, day, table == "packs")
                for table in ("parts", "packs")
                # Sorted here: to have them in order SQLite would go through all that there are.
                for name, day in sorted(
                    self._database.rows(
                        f"SELECT name, day FROM {table} WHERE {condition}",  # noqa: S608
                        parameters,
                    )
                )
            ]
        )

    def release(self, leftovers: Sequence[Leftover]) -> None:
        """Take the names of what was dropped out of the manifest, once its objects are deleted."""
        chosen = f"{self._database.among('name', 'names')} AND dropped IS NOT NULL"

        def work() -> None:
            for table, names in _by_table(leftovers):
                parameters = {"names": self._database.values(names)}
                ((last,),) = self._database.rows(
                    f"SELECT coalesce(max(dropped), 0) FROM {table} WHERE {chosen}",  # noqa: S608
                    parameters,
                )
                # Older commits would seem to hold less than they did.
                self._database.change(
                    "UPDATE gallery SET oldest_commit = :last WHERE oldest_commit < :last",
                    {"last": last},
                )
                self._database.change(f"DELETE FROM {table} WHERE {chosen}", parameters)  # noqa: S608

        self._database.write(work)

    def forgotten(self, leftovers: Sequence[Leftover]) -> list[Leftover]:
        """List those of some parts and packs of which the manifest knows nothing any more."""
        among, known = self._database.among("name", "names"), set[Row]()
        for table, names in _by_table(leftovers):
            known.update(
                self._database.rows(
                    f"SELECT name FROM {table} WHERE {among}",  # noqa: S608
                    {"names": self._database.values(names)},
                )
            )
        return [one for one in leftovers if (one.name,) not in known]

    def reserved(self) -> list[Leftover]:
        """Parts and packs that any process reserved, and has not committed."""
        return self._leftovers("added IS NULL AND dropped IS NULL", {})

    def problems(self) -> list[str]:
        """Say what is wrong with the file of the database, where it is one: all of it is read."""
        return self._database.problems()

    def scrub(self) -> None:
        """Have nothing that was deleted stay in any file of the database."""
        self._database.scrub()

    # --- Parts and packs ----------------------------------------------------------------------

    def parts(self, commit: int) -> list[PartEntry]:
        """Parts of the gallery as it was after a commit, by day and place.

        Raises ObjectGone if that was too long ago, here as below: some of them were deleted.
        """
        return self._parts("", {"commit": commit})

    def parts_of(
        self,
        commit: int,
        *,
        days: tuple[int, int],
        places: tuple[int, int] | None = None,
        seen: tuple[Microseconds, Microseconds] | None = None,
        besides: Box | None = None,
    ) -> list[PartEntry]:
        """Parts that may hold something of some days and places, by day and place.

        Parameters
        ----------
        days : (first, last)
            Days since 1970.
        places : (first, last), optional
            Along the Hilbert curve; by default all.
        seen : (start, end), optional
            Only parts whose tracklets were seen in that time, its end left out.
        besides : Box, optional
            Without the parts that lie in it; :meth:`sums_in` counts those.
        """
        first, last = days
        condition = "AND day BETWEEN :first AND :last "
        parameters: dict[str, object] = {"commit": commit, "first": first, "last": last}
        if places is not None:
            condition += "AND place_low <= :high AND place_high >= :low "
            parameters |= {"low": places[0], "high": places[1]}
        if seen is not None:
            condition += "AND first_seen < :end AND last_seen >= :start "
            parameters |= {"start": seen[0], "end": seen[1]}
        if besides is not None:
            condition += f"AND NOT ({_IN_BOX}) "
            parameters |= _bounds_of(besides)
        return self._parts(condition, parameters)

    def sums_in(self, commit: int, box: Box) -> PartSums:
        """Count the tracklets of the parts that lie in a box; none of their entries is read."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in PartSums._fields)
        (found,) = self._rows_at(
            f"SELECT {sums} FROM parts "  # noqa: S608
            f"WHERE {_AT} AND day BETWEEN :first AND :last AND {_IN_BOX}",
            {
                "commit": commit, "first": day_of(box.start), "last": day_of(box.end - 1),
                **_bounds_of(box),
            },
        )  # fmt: skip
        return PartSums._make(map(int, found))

    def _parts(self, condition: str, parameters: dict[str, object]) -> list[PartEntry]:
        chosen = f"{_AT} {condition}"
        if condition:
            # The index alone says which; SQLite would else read each part of the days.
            chosen = f"name IN (SELECT name FROM parts WHERE {chosen})"  # noqa: S608
        rows = self._rows_at(
            f"SELECT {_PART} FROM parts WHERE {chosen} ORDER BY day, place_low, name",  # noqa: S608
            parameters,
        )
        return [*map(PartEntry._make, rows)]

    def _rows_at(self, sql: str, parameters: dict[str, Any]) -> list[Row]:
        """Rows of a query about parts as of a commit; raise ObjectGone if that is too old."""
        rows = self._database.rows(sql, parameters)
        # Asked afterwards: what was taken out by then says so, and no transaction is needed.
        ((oldest,),) = self._database.rows("SELECT oldest_commit FROM gallery")
        commit = parameters["commit"]
        if oldest > commit:
            raise ObjectGone(
                f"is read as of commit {commit}, and parts of that were deleted",
                where=self._where,
                fix="Do this again: it is read as of the last commit then",
            )
        return rows

    def live(self, names: Iterable[str]) -> set[str]:
        """Names, of those that are asked for, of parts that the last commit has."""
        among = self._database.among("name", "names")
        rows = self._database.rows(
            f"SELECT name FROM parts WHERE {among} AND {_LIVE}",  # noqa: S608
            {"names": self._database.values(names)},
        )
        return {name for (name,) in rows}

    def last_reserved(self, commit: int, *, role: str) -> dict[int, datetime]:
        """UTC time at which the newest part of each day was begun, but for those of a role."""
        rows = self._rows_at(
            "SELECT day, max(reserved_at) FROM parts "  # noqa: S608
            f"WHERE role <> :role AND {_AT} GROUP BY day",
            {"commit": commit, "role": role},
        )
        return {day: from_microseconds(at) for day, at in rows}

    def counts(self, commit: int) -> dict[str, int]:
        """Numbers of parts, recordings, tracklets and templates, and bytes of parts."""
        names = ("recordings", "tracklets", "templates", "bytes")
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
        ((number, *found),) = self._rows_at(
            f"SELECT count(*), {sums} FROM parts WHERE {_AT}",  # noqa: S608
            {"commit": commit},
        )
        return {"parts": number} | {n: int(v) for n, v in zip(names, found, strict=True)}

    def packs(self, numbers: Iterable[int] | None = None) -> dict[int, PackEntry]:
        """Packs by number, as they are now: all, or those asked for that are there."""
        chosen, parameters = "", {}
        if numbers is not None:
            chosen = f"AND {self._database.among('pack', 'packs')}"
            parameters = {"packs": self._database.values(sorted(set(numbers)))}
        rows = self._database.rows(
            f"SELECT {_PACK} FROM packs WHERE {_LIVE} {chosen} ORDER BY pack",  # noqa: S608
            parameters,
        )
        return {row[1]: PackEntry(*row) for row in rows}

    # --- Recordings ---------------------------------------------------------------------------

    def held(self, recording_ids: Iterable[str]) -> set[str]:
        """Ids, of those that are asked for, of recordings that the gallery holds."""
        return {
            name
            for (name,) in self._database.rows(
                "SELECT recording_id FROM recordings WHERE "  # noqa: S608
                + self._database.among("recording_id", "ids"),
                {"ids": self._database.values(recording_ids)},
            )
        }

    def recordings(self, recording_ids: Iterable[str]) -> dict[str, RecordingEntry]:
        """Recordings by id; those that are not in the gallery are left out."""
        found = self._recordings(
            self._database.among("recording_id", "ids"),
            {"ids": self._database.values(recording_ids)},
        )
        return {one.recording_id: one for one in found}

    def shown(self, recording_ids: Iterable[str]) -> dict[str, tuple[str, tuple[Stretch, ...]]]:
        """File, as catalogued, and stretches of recordings by id, of those that are there."""
        rows = self._database.rows(
            "SELECT recording_id, file, stretches FROM recordings WHERE "  # noqa: S608
            + self._database.among("recording_id", "ids"),
            {"ids": self._database.values(recording_ids)},
        )
        return {name: (file, stretches_from(text)) for name, file, text in rows}

    def recordings_with(self, sha256: Iterable[str]) -> list[RecordingEntry]:
        """Recordings whose files have one of these contents, by id."""
        return self._recordings(
            self._database.among("sha256", "contents"),
            {"contents": self._database.values(sha256)},
        )

    def recordings_named(self, files: Iterable[str]) -> list[RecordingEntry]:
        """Recordings of files with one of these names, as catalogued, by id."""
        return self._recordings(
            self._database.among("file", "files"), {"files": self._database.values(files)}
        )

    def recordings_of(self, camera_id: str, *, anywhere: bool = False) -> list[RecordingEntry]:
        """Recordings of a camera, by id; with *anywhere*, of one that moves at whatever place."""
        if anywhere:
            return self._recordings(_ANYWHERE, _places_of(camera_id))
        return self._recordings("camera_id = :camera", {"camera": camera_id})

    def recordings_told(self) -> list[RecordingEntry]:
        """Recordings with anything to say about their times, by id."""
        return self._recordings("stretches IS NOT NULL", {})

    def recordings_divided(self, camera_id: str) -> list[RecordingEntry]:
        """Recordings that films of a moving camera were divided into, by id."""
        return self._recordings(f"legs IS NOT NULL AND ({_ANYWHERE})", _places_of(camera_id))

    def all_recordings(self) -> list[RecordingEntry]:
        """All recordings, by id."""
        return self._recordings("1 = 1", {})

    def each_recording(self) -> Iterator[RecordingEntry]:
        """All recordings, by id, of which few are in memory at a time."""
        last = ""
        while page := self._recordings("recording_id > :last", {"last": last}, most=_PAGE):
            yield from page
            last = page[-1].recording_id

    def recording_table(self) -> pa.Table:
        """All recordings as columns, by id: what a list says of them, and no lists."""
        names = ", ".join(_LISTED.names)

        def work() -> list[pa.RecordBatch]:
            # Some at a time: as objects of Python they take many times as much memory.
            found, last = list[pa.RecordBatch](), ""
            while rows := self._database.rows(
                f"SELECT {names} FROM recordings "  # noqa: S608
                "WHERE recording_id > :last ORDER BY recording_id LIMIT :most",
                {"last": last, "most": _PAGE},
            ):
                columns = [
                    pa.array(column, field.type)
                    for column, field in zip(zip(*rows, strict=True), _LISTED, strict=True)
                ]
                found.append(pa.record_batch(columns, schema=_LISTED))
                last = rows[-1][0]
            return found

        return pa.Table.from_batches(self._database.read(work), _LISTED)

    def files(self) -> tuple[pa.Array, pa.Array]:
        """Ids of all recordings, and their files as catalogued."""
        rows = self._database.rows("SELECT recording_id, file FROM recordings")
        ids, files = zip(*rows, strict=True) if rows else ((), ())
        return pa.array(ids, pa.string()), pa.array(files, pa.string())

    def tracklet_counts(self) -> list[tuple[str, int, int]]:
        """Id of each recording, how many tracklets it has, and how many are unsearchable."""
        return [
            (name, tracklets, unsearchable)
            for name, tracklets, unsearchable in self._database.rows(
                "SELECT recording_id, tracklets, unsearchable FROM recordings"
            )
        ]

    def other_contents(self, sha256: Collection[str]) -> bool:
        """Return True if a recording has none of these contents."""
        known = self._database.among("sha256", "contents")
        return bool(
            self._database.rows(
                f"SELECT 1 FROM recordings WHERE NOT {known} LIMIT 1",  # noqa: S608
                {"contents": self._database.values(sha256)},
            )
        )

    def catalogues(self, folder: str) -> list[tuple[str, bool]]:
        """Catalogues of recordings, and whether they have files in a *folder*, as catalogued.

        One that has others too is there twice.
        """
        rows = self._database.rows(
            "SELECT DISTINCT catalogue, "
            "CASE WHEN substr(file, 1, length(:folder) + 1) = :folder || '/' THEN 1 ELSE 0 END "
            "AS inside FROM recordings ORDER BY catalogue, inside",
            {"folder": folder},
        )
        return [(catalogue, bool(inside)) for catalogue, inside in rows]

    def recordings_between(
        self, since: datetime, until: datetime, cameras: Iterable[str] | None = None
    ) -> list[RecordingEntry]:
        """Recordings that reach into a time (UTC), of some cameras or of all, by id."""
        chosen, parameters = "", self._bounds(since, until)
        if cameras is not None:
            chosen = f"AND {self._database.among('camera_id', 'cameras')}"
            parameters["cameras"] = self._database.values(cameras)
        return self._recordings(
            "started_at < :until AND started_at > :earliest AND ended_at > :since " + chosen,
            parameters,
        )

    def _bounds(self, since: datetime, until: datetime) -> dict[str, object]:
        begin = to_microseconds(since)
        return {
            "since": begin,
            "until": to_microseconds(until),
            # An index on the start answers for the end too, since none is longer.
            "earliest": begin - self.state().longest_recording - 1,
        }

    def _recordings(
        self, condition: str, parameters: dict[str, object], *, most: int | None = None
    ) -> list[RecordingEntry]:
        limit = "" if most is None else f"ORDER BY recording_id LIMIT {int(most)}"
        rows = self._database.rows(
            f"SELECT {', '.join(_RECORDING)} FROM recordings WHERE {condition} {limit}",  # noqa: S608
            parameters,
        )
        # Sorted here: to have them in order SQLite would go through all that there are.
        rows.sort(key=itemgetter(0))
        return [RecordingEntry.from_row(dict(zip(_RECORDING, row, strict=True))) for row in rows]

    def seen_seconds(
        self, since: datetime, until: datetime, cameras: Iterable[str] | None = None
    ) -> tuple[int, int, float, float]:
        """Footage of some cameras, or of all, in a time (UTC).

        Returns the numbers of cameras and recordings with something that could be seen in it, and
        seconds that could be seen and that could not.
        """
        chosen, parameters = "", self._bounds(since, until)
        if cameras is not None:
            chosen = f"AND {self._database.among('camera_id', 'cameras')}"
            parameters["cameras"] = self._database.values(cameras)
        within = f"started_at < :until AND started_at > :earliest AND ended_at > :since {chosen}"
        # min and max of two values are other functions in each database.
        begin = "CASE WHEN started_at < :since THEN :since ELSE started_at END"
        end = "CASE WHEN ended_at > :until THEN :until ELSE ended_at END"
        length = f"sum({end} - {begin})"
        # By camera and kind, since a recording is of one camera, and all divided or not at all.
        rows = self._database.rows(
            f"SELECT camera_id, 1, count(*), {length} FROM recordings "  # noqa: S608
            f"WHERE divided = 0 AND {within} GROUP BY camera_id UNION ALL "
            f"SELECT camera_id, seen, count(DISTINCT recording_id), {length} FROM spans "
            f"WHERE {within} GROUP BY camera_id, seen",
            parameters,
        )
        seen = [row for row in rows if row[1] == 1]
        unseen = [row for row in rows if row[1] == 0]
        seconds, lost = (sum(int(row[3]) for row in some) / 1e6 for some in (seen, unseen))
        return len({row[0] for row in seen}), sum(row[2] for row in seen), seconds, lost

    def spans_between(
        self, since: datetime, until: datetime, cameras: Iterable[str] | None = None
    ) -> list[tuple[str, str, Microseconds, Microseconds, bool]]:
        """Spans of footage of some cameras, or of all, that reach into a time (UTC).

        Each has its recording, camera, start and end, and whether it could be seen.
        """
        chosen, parameters = "", self._bounds(since, until)
        if cameras is not None:
            chosen = f"AND {self._database.among('camera_id', 'cameras')}"
            parameters["cameras"] = self._database.values(cameras)
        within = f"started_at < :until AND started_at > :earliest AND ended_at > :since {chosen}"
        rows = self._database.rows(
            "SELECT recording_id, camera_id, started_at, ended_at, 1 FROM recordings "  # noqa: S608
            f"WHERE divided = 0 AND {within} UNION ALL "
            f"SELECT recording_id, camera_id, started_at, ended_at, seen FROM spans WHERE {within}",
            parameters,
        )
        return [(*row[:4], bool(row[4])) for row in rows]

    def brought_along(self) -> bool:
        """Return True if a recording was imported, merged or made again, not indexed here."""
        return bool(self._database.rows("SELECT 1 FROM recordings WHERE indexed = 0 LIMIT 1"))

    def time_span(self) -> tuple[datetime, datetime] | None:
        """UTC time of the first and the last picture; None without a recording."""
        ((first, last),) = self._database.rows(
            "SELECT (SELECT min(started_at) FROM recordings), max(ended_at) FROM recordings "
            # Which ends last began at most the longest before the one that begins last.
            "WHERE started_at >= (SELECT max(started_at) FROM recordings) - :longest",
            {"longest": self.state().longest_recording},
        )
        return None if first is None else (from_microseconds(first), from_microseconds(last))

    # --- Cameras, clocks, runs ----------------------------------------------------------------

    def cameras(self) -> list[Camera]:
        """All cameras, by id."""
        rows = self._database.rows(
            "SELECT camera_id, name, latitude, longitude FROM cameras ORDER BY camera_id"
        )
        return [Camera(*row) for row in rows]

    def camera_entries(self) -> list[CameraEntry]:
        """All cameras, by id, with the times at which they were noted."""
        rows = self._database.rows(
            "SELECT camera_id, name, latitude, longitude, noted_at FROM cameras ORDER BY camera_id"
        )
        return [CameraEntry(Camera(*row), from_microseconds(at)) for *row, at in rows]

    def camera_table(self) -> pa.Table:
        """All cameras as columns, by id: camera_id, name, latitude, longitude."""
        names = ("camera_id", "name", "latitude", "longitude")
        kinds = (pa.string(), pa.string(), pa.float64(), pa.float64())
        rows = self._database.rows(
            f"SELECT {', '.join(names)} FROM cameras ORDER BY camera_id"  # noqa: S608
        )
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return pa.table(
            {n: pa.array(c, kind) for n, c, kind in zip(names, columns, kinds, strict=True)}
        )

    def places(self) -> list[tuple[str, int]]:
        """Cameras' ids and the places under which their rows lie: several of one that moved."""
        return [
            (camera_id, place)
            for camera_id, place in self._database.rows(
                "SELECT camera_id, place FROM places ORDER BY camera_id, place"
            )
        ]

    def clocks(self) -> list[ClockSetting]:
        """Corrections that were given for cameras and folders, the oldest first."""
        rows = self._database.rows(
            "SELECT camera_id, folder, since, until, offset_seconds, uncertainty_seconds, "
            "found_by, how, found_at, catalogue FROM clocks ORDER BY found_at, camera_id, folder"
        )
        return [_clock(*row) for row in rows]

    def runs(self) -> Iterator[RunEntry]:
        """Runs of indexing, the latest first."""
        for source, started, ended, *rest in self._database.rows(
            "SELECT source, started_at, ended_at, indexed, refused, unfinished FROM runs "
            "ORDER BY ended_at DESC"
        ):
            yield RunEntry(source, from_microseconds(started), from_microseconds(ended), *rest)

    def refusals(self) -> Iterator[RefusalEntry]:
        """Recordings that could not be read, and have not been since, by camera and time."""
        for camera_id, file, started, reason, refused, *rest in self._database.rows(
            "SELECT camera_id, file, started_at, reason, refused_at, offset_seconds, catalogue "
            "FROM refusals f WHERE NOT EXISTS (SELECT 1 FROM recordings r WHERE r.file = f.file "
            "AND ((r.camera_id = f.camera_id AND (r.started_at = f.started_at "
            "OR r.stated_at = f.started_at + round(f.offset_seconds * 1000000))) "
            # Or it was divided: each place of a moving camera is a camera of its own.
            "OR substr(r.camera_id, 1, length(f.camera_id) + 1) = f.camera_id || '@')) "
            "ORDER BY camera_id, started_at, file"
        ):
            yield RefusalEntry(
                camera_id, file, from_microseconds(started), reason, from_microseconds(refused),
                *rest,
            )  # fmt: skip


def _make_tables(database: Database) -> None:
    text = resources.files(__package__).joinpath("manifest.sql").read_text("utf-8")
    bare = "\n".join(line.split("--")[0] for line in text.splitlines())
    for statement in database.schema(bare).split(";"):
        if statement.strip():
            database.change(statement)


def _bounds_of(box: Box) -> dict[str, int]:
    return {f"box_{name}": value for name, value in box._asdict().items()}


def _places_of(camera_id: str) -> dict[str, object]:
    # What begins with its id and @ lies in front of its id and the character after @.
    return {"camera": camera_id, "low": f"{camera_id}@", "high": f"{camera_id}A"}


_LAST = 2**62  # microseconds: after all times


def _by_table(leftovers: Sequence[Leftover]) -> Iterator[tuple[str, list[str]]]:
    for table in ("parts", "packs"):
        if names := [one.name for one in leftovers if one.is_pack == (table == "packs")]:
            yield table, names


def _already_stored(recordings: Sequence[RecordingEntry], known: set[str]) -> AlreadyStored:
    file = next(one.file for one in recordings if one.recording_id in known)
    error = AlreadyStored("is in the gallery already", where=file, fix="Leave it out")
    error.recording_ids = tuple(sorted(known))
    return error


def _row(entry: RunEntry | RefusalEntry) -> dict[str, object]:
    return {
        name: to_microseconds(value) if isinstance(value, datetime) else value
        for name, value in entry._asdict().items()
    }


def _clock_row(setting: ClockSetting) -> dict[str, object]:
    given = setting.correction
    return {
        "camera_id": setting.camera_id,
        "folder": setting.folder,
        "since": None if setting.since is None else to_microseconds(setting.since),
        "until": None if setting.until is None else to_microseconds(setting.until),
        "offset_seconds": given.offset_seconds,
        "uncertainty_seconds": given.uncertainty_seconds,
        "found_by": given.found_by,
        "how": given.how,
        "found_at": to_microseconds(given.found_at),
        "catalogue": setting.catalogue,
    }


def _clock(
    camera_id: str, folder: str, since: int | None, until: int | None, offset: float,
    uncertainty: float | None, found_by: str, how: str, found_at: int, catalogue: str,
) -> ClockSetting:  # fmt: skip
    correction = ClockCorrection(offset, found_by, how, from_microseconds(found_at), uncertainty)
    begin, end = (None if m is None else from_microseconds(m) for m in (since, until))
    return ClockSetting(correction, camera_id, folder, begin, end, catalogue)


__all__ = ["FORMAT", "AlreadyStored", "Manifest", "Overtaken", "State"]

"""Arrival of whole tables: recordings of an export, or of an earlier gallery, in one commit.

The tables are those of :mod:`workbench.gallery.exchange`. They come as they are: what is to be
checked was checked before (:mod:`workbench.gallery.incoming`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.domain import Camera, Leg, Stretch, Unseen, to_microseconds
from workbench.gallery.committing import Addresses, Committer, longest_in
from workbench.gallery.duck import connect
from workbench.gallery.entries import (
    CameraEntry,
    Change,
    RecordingEntry,
    RefusalEntry,
    RunEntry,
    day_of,
)
from workbench.gallery.exchange import Tables
from workbench.gallery.interrupts import undisturbed
from workbench.gallery.packs import Picture
from workbench.gallery.parts import Content
from workbench.gallery.planning import places_of
from workbench.gallery.rows import RECORDINGS, notes_of, tracklets_schema
from workbench.gallery.times import setting_of, stretch_of

_LISTS = {
    "stretches": (
        "from_seconds, doubt, offset_seconds, uncertainty_seconds, found_by, how, found_at, "
        "given_for, note",
        "from_seconds",
    ),
    "unseen": ("start_seconds, end_seconds, why", "start_seconds"),
    "legs": ("start_seconds, end_seconds", "start_seconds"),
    "spans": ("started_at, ended_at", "started_at"),
    "problems": ("what, at_seconds", "number"),
    "different_people": ("scale, quality, score, width, comparisons", "number"),
}
"""Tables that are lists in the row of a recording: columns of an element, and their order."""


def arrive(
    committer: Committer,
    tables: Tables,
    *,
    without: Collection[str] = (),
    indexed: bool = False,
    owner: str | None = None,
) -> int:
    """Store what tables hold, in one commit; return how many recordings came.

    All of it is in memory for that: of a large gallery, some recordings are given at a time.

    Parameters
    ----------
    without : collection of str
        Ids of recordings that are left out.
    indexed : bool
        True for recordings that were indexed into this gallery, as of an earlier format.
    owner : str, optional
        Owner of the gallery from then on.

    Raises
    ------
    AlreadyStored
        If one is in the gallery already.
    GalleryError
        If it cannot be written. Nothing is stored then.
    """
    tables = _left(tables, set(without))
    known = {one.camera_id: one for one in committer.manifest.cameras()}
    came = [_camera(row) for row in tables["cameras"].to_pylist()]
    cameras = {one.camera.camera_id: one.camera for one in came} | known
    entries = _entries(tables, cameras, indexed=indexed)
    places = places_of(list(cameras.values())) if cameras else {}
    change = Change(
        cameras=came, recordings=entries, owner=owner,
        clocks=[setting_of(row) for row in tables["clocks"].to_pylist()],
        runs=[run_of(row) for row in tables["runs"].to_pylist()],
        refusals=[RefusalEntry(**row) for row in tables["refusals"].to_pylist()],
        places={one.camera_id: [places[one.camera_id]] for one in entries},
    )  # fmt: skip
    with committer.attempt() as attempt:
        days = {one.recording_id: day_of(to_microseconds(one.started_at)) for one in entries}
        packs, addresses = attempt.write_pictures(_pictures(tables["shots"], days))
        content = _content(tables, addresses, committer.manifest.profile.dimension, entries)
        parts = attempt.write_parts(content, places) if entries else []
        attempt.commit(
            replace(change, parts=parts, packs=packs, longest_tracklet=longest_in(content[1]))
        )
    return len(entries)


def _left(tables: Tables, without: set[str]) -> dict[str, pa.Table]:
    """Tables without the rows of some recordings."""
    unwanted = pa.array(sorted(without), pa.string())
    return {
        name: table.filter(pc.invert(pc.is_in(table["recording_id"], unwanted)))
        if without and "recording_id" in table.column_names
        else table
        for name, table in tables.items()
    }


def _camera(row: Mapping[str, Any]) -> CameraEntry:
    camera = Camera(row["camera_id"], row["name"], row["latitude"], row["longitude"])
    return CameraEntry(camera, row["noted_at"])


def run_of(row: Mapping[str, Any]) -> RunEntry:
    """Make a run of indexing from its row of the table."""
    return RunEntry(
        row["source"], row["started_at"], row["ended_at"], row["indexed"], row["refused"],
        row["left"],
    )  # fmt: skip


def _entries(
    tables: Tables, cameras: Mapping[str, Camera], *, indexed: bool
) -> list[RecordingEntry]:
    """Recordings as the manifest knows them."""
    stretches = _by_recording(tables["stretches"], "from_seconds", stretch_of)
    unseen = _by_recording(
        tables["unseen"],
        "start_seconds",
        lambda row: Unseen(row["start_seconds"], row["end_seconds"], row["why"]),
    )
    legs = _by_recording(tables["legs"], "start_seconds", dict)
    days = _days(tables)
    tracklets = _counted(tables["tracklets"])
    searchable = _counted(tables["tracklets"].filter(tables["tracklets"]["searchable"]))
    problems = _counted(tables["problems"])
    made = []
    for row in tables["recordings"].to_pylist():
        name, camera = row["recording_id"], cameras[row["camera_id"]]
        own = legs.get(name, ())
        made.append(
            RecordingEntry(
                **{one: row[one] for one in _AS_STORED},
                pixel_aspect=None if row["pixel_aspect"] is None else Fraction(row["pixel_aspect"]),
                first_day=days[name][0], last_day=days[name][1], indexed=indexed,
                tracklets=tracklets[name], unsearchable=tracklets[name] - searchable[name],
                problems=problems[name],
                stretches=stretches[name], unseen=unseen.get(name, ()),
                legs=tuple(
                    Leg(leg["start_seconds"], leg["end_seconds"], camera.place) for leg in own
                ),
                track=own[0]["track"] if own else "",
            )
        )  # fmt: skip
    return made


_AS_STORED = (
    "recording_id", "camera_id", "file", "catalogue", "sha256", "size_bytes", "modified_ns",
    "stream", "rotation", "frame_rate", "stated_at", "seconds", "started_at", "ended_at",
    "width", "height", "frames_decoded", "frames_examined", "faces", "stopped", "elapsed_seconds",
    "indexed_at",
)  # fmt: skip


def _counted(table: pa.Table) -> Counter[str]:
    """Number of rows of each recording."""
    return Counter(table["recording_id"].to_pylist())


def _by_recording(table: pa.Table, order: str, make: Any) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[Any]] = {}
    for row in table.sort_by(order).to_pylist():
        found.setdefault(row["recording_id"], []).append(make(row))
    return {name: tuple(some) for name, some in found.items()}


def _days(tables: Tables) -> dict[str, tuple[int, int]]:
    """First and last day on which each recording has rows in parts."""
    moments = {
        row["recording_id"]: {row["started_at"]}
        for row in tables["recordings"].select(["recording_id", "started_at"]).to_pylist()
    }
    seen = tables["tracklets"].group_by("recording_id").aggregate(
        [("first_seen", "min"), ("first_seen", "max")]
    )  # fmt: skip
    for row in seen.to_pylist():
        moments[row["recording_id"]] |= {row["first_seen_min"], row["first_seen_max"]}
    days = {name: {day_of(to_microseconds(at)) for at in some} for name, some in moments.items()}
    return {name: (min(some), max(some)) for name, some in days.items()}


def _pictures(shots: pa.Table, days: Mapping[str, int]) -> dict[int, list[list[Picture]]]:
    """Pictures of each day, of its recordings, by tracklet, best first."""
    shots = shots.sort_by([(name, "ascending") for name in ("recording_id", "ordinal", "rank")])
    of_days: dict[int, list[list[Picture]]] = {}
    last = ""
    for batch in shots.to_batches():
        templates = batch["template"].flatten().to_numpy().reshape(len(batch), -1)
        columns = (batch[name].to_pylist() for name in ("recording_id", "ordinal", "rank"))
        for name, ordinal, rank, template, jpeg in zip(
            *columns, templates, batch["jpeg"], strict=True
        ):
            if name != last:
                of_days.setdefault(days[name], []).append([])
                last = name
            picture = Picture(name, ordinal, rank, template, jpeg.as_py())
            of_days[days[name]][-1].append(picture)
    return of_days


@undisturbed()
def _content(
    tables: Tables, addresses: Addresses, dimension: int, entries: Iterable[RecordingEntry]
) -> Content:
    """Rows of parts: of recordings with their lists, and of tracklets with their shots."""
    wanted = tracklets_schema(dimension)
    place = pa.table(
        {
            "recording_id": pa.array([key[0] for key in addresses], pa.string()),
            "ordinal": pa.array([key[1] for key in addresses], pa.int32()),
            "rank": pa.array([key[2] for key in addresses], pa.int32()),
            **{
                name: pa.array([one[at] for one in addresses.values()], pa.int64())
                for at, name in enumerate(("pack", "offset", "length"))
            },
        }
    )
    notes = _notes(tables["tracklets"], entries)
    connection = connect()
    try:
        for name in ("recordings", "tracklets", "shots", *_LISTS):
            table = tables[name]
            if name == "shots":
                table = table.drop_columns(["jpeg", "template"])
            number = pa.array(range(table.num_rows), pa.int64())
            connection.register(name, table.append_column("number", number))
        connection.register("places", place)
        connection.register("notes", pa.table({"number": range(len(notes)), "notes": notes}))
        lists = "".join(
            f", coalesce((SELECT list(struct_pack({_packed(columns)}) ORDER BY {order}) "  # noqa: S608
            f"FROM {name} x WHERE x.recording_id = r.recording_id), []) AS {name}"
            for name, (columns, order) in _LISTS.items()
        )
        recordings = connection.sql(
            "SELECT r.* EXCLUDE (number), coalesce((SELECT any_value(track) FROM legs x "  # noqa: S608
            f"WHERE x.recording_id = r.recording_id), '') AS track{lists} "
            "FROM recordings r ORDER BY number"
        ).to_arrow_table()
        shot = [field.name for field in wanted.field("shots").type.value_type]
        tracklets = connection.sql(
            "WITH of AS (SELECT recording_id, ordinal, "  # noqa: S608
            f"list(struct_pack({_packed(', '.join(shot))}) ORDER BY rank) AS shots FROM shots "
            "JOIN places USING (recording_id, ordinal, rank) GROUP BY ALL) "
            "SELECT t.*, n.notes, coalesce(of.shots, []) AS shots FROM tracklets t "
            "JOIN notes n USING (number) "
            "LEFT JOIN of USING (recording_id, ordinal) ORDER BY t.number"
        ).to_arrow_table()
    finally:
        connection.close()
    tracklets = tracklets.append_column("template", _templates(tables, dimension))
    return (
        recordings.select(RECORDINGS.names).cast(RECORDINGS),
        tracklets.select(wanted.names).cast(wanted),
    )


def _templates(tables: Tables, dimension: int) -> pa.ChunkedArray:
    """Template of each tracklet, null for one that cannot be searched."""
    keys = ("recording_id", "ordinal")
    templates, tracklets = tables["templates"], tables["tracklets"]
    rows = zip(*(templates[name].to_pylist() for name in keys), strict=True)
    row = {key: number for number, key in enumerate(rows)}
    wanted = zip(*(tracklets[name].to_pylist() for name in keys), strict=True)
    kind = pa.list_(pa.float32(), dimension)
    return templates["template"].cast(kind).take(pa.array(map(row.get, wanted), pa.int64()))


def _packed(columns: str) -> str:
    return ", ".join(f'"{name}" := "{name}"' for name in columns.split(", "))


def _notes(tracklets: pa.Table, entries: Iterable[RecordingEntry]) -> pa.Array:
    """Notes on the times of tracklets, as bits."""
    stretches: dict[str, tuple[Stretch, ...]] = {one.recording_id: one.stretches for one in entries}
    columns = (
        tracklets[name].to_pylist() for name in ("recording_id", "first_seconds", "last_seconds")
    )
    found = [
        notes_of(stretches[name], first, last) for name, first, last in zip(*columns, strict=True)
    ]
    return pa.array(found, pa.uint8())


__all__ = ["arrive", "run_of"]

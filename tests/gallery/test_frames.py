"""Rows of a gallery for people: frame by frame what brute force over the recordings says."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from oracle import Town, check_tables, rounded, seconds_in
from parted import SOME, Filled, answers_of, correct, filled, opened

from workbench.domain import format_tracklet_id
from workbench.errors import GalleryError
from workbench.gallery import frames, lookup
from workbench.gallery.entries import TRACKLETS
from workbench.gallery.merging import Merger
from workbench.gallery.opening import create
from workbench.gallery.parts import Part
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

CAMERAS = [SOME[2], SOME[3], replace(SOME[4], camera_id="X")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Not to be written to."""
    made = filled(tmp_path_factory.mktemp("frames"), "cosine", 7, count=10)
    assert len(made.reader.snapshot.refreshed().parts()) > 4
    yield made
    made.close()


@pytest.fixture
def fresh(made: Filled, tmp_path: Path) -> Iterator[Filled]:
    """A gallery of the test alone."""
    own = opened(shutil.copytree(made.reader.path.parent, tmp_path / "own"), made.town)
    yield own
    own.close()


def shown(frame: pd.DataFrame, *less: str) -> list[dict[str, Any]]:
    """Rows of a frame; its times are UTC."""
    rows = frame.drop(columns=list(less)).astype(object).where(frame.notna(), None)
    return [
        {
            name: value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
            for name, value in row.items()
        }
        for row in rows.to_dict("records")
    ]


def listed(town: Town) -> dict[str, list[dict[str, Any]]]:
    """Rows of each frame, in its order."""

    def files(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["started_at"], row["camera_id"], row["recording_id"]

    counts = {row["recording_id"]: row for row in town.rows("recordings_view")}
    recordings = [
        row
        | {
            "tracklets": of["tracklets"], "unsearchable": of["tracklets"] - of["searchable"],
            "problems": of["problems"],
        }
        for row in sorted(town.rows("recordings"), key=files)
        for of in [counts[row["recording_id"]]]
    ]  # fmt: skip
    known = {row["recording_id"]: row for row in recordings}
    names = ("tracklet_id", "camera_id", "recording", "first_seen", "last_seen", "detections",
             "searchable")  # fmt: skip
    sightings = sorted(
        town.rows("sightings_view"), key=lambda row: (row["first_seen"], row["tracklet_id"])
    )
    spans = sorted(
        (row["camera_id"], row["started_at"], row["ended_at"]) for row in town.rows("spans")
    )
    problems = [known[row["recording_id"]] | row for row in town.rows("problems")]
    footage = [
        {
            "camera_id": camera, "camera": town.cameras[camera].name,
            "started_at": start, "ended_at": end,
        }
        for camera, start, end in spans
    ]  # fmt: skip
    different = [
        {
            "recording_id": row["recording_id"],
            "camera_id": known[row["recording_id"]]["camera_id"],
            "seconds": seconds_in(town.recordings[row["recording_id"]].spans),
            **{name: row[name] for name in ("quality", "score", "width", "comparisons")},
        }
        for row in town.rows("different_people")
        if row["scale"] == "plain"
    ]
    refusals = [
        {
            "camera_id": one.camera_id, "file": one.file, "started_at": town.right_time(one),
            "stated_at": one.started_at,
            "offset_seconds": (one.started_at - town.right_time(one)).total_seconds(),
            "reason": one.reason, "refused_at": one.refused_at,
        }
        for one in town.refusals
    ]  # fmt: skip
    return {
        "recordings": recordings,
        "tracklets": [{name: row[name] for name in names} for row in sightings],
        "problems": [
            {name: row[name] for name in ("file", "camera_id", "what", "at_seconds")}
            for row in sorted(
                problems,
                key=lambda row: (
                    row["started_at"], row["file"],
                    float("inf") if row["at_seconds"] is None else row["at_seconds"],
                    row["camera_id"], row["what"],
                ),
            )
        ],
        "footage": footage,
        "of cameras": [row for row in footage if row["camera_id"] in ("C0", "C1")],
        "of none": [],
        "different": sorted(
            different, key=lambda row: (row["recording_id"], row["quality"], row["score"])
        ),
        "runs": town.rows("runs")[::-1],
        "refusals": sorted(
            refusals, key=lambda row: (row["camera_id"], row["started_at"], row["file"])
        ),
    }  # fmt: skip


def told(reader: Reader) -> dict[str, pd.DataFrame]:
    return {
        "recordings": frames.recordings(reader), "tracklets": frames.tracklets(reader),
        "problems": frames.problems(reader), "footage": frames.footage(reader),
        "of cameras": frames.footage(reader, CAMERAS), "of none": frames.footage(reader, []),
        "runs": frames.runs(reader), "refusals": frames.refusals(reader),
        "different": frames.different_people(reader, "plain"),
    }  # fmt: skip


def plain(row: dict[str, Any]) -> list[tuple[str, object]]:
    return [(name, rounded(value)) for name, value in row.items()]


TIMES = {"started_at", "ended_at", "stated_at", "indexed_at", "first_seen", "last_seen",
         "refused_at"}  # fmt: skip


def test_every_frame_is_what_was_given(made: Filled) -> None:
    found, wanted = told(made.reader), listed(made.town)
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        mine = shown(found[name], *(["indexed_at"] if name == "recordings" else []))
        assert [plain(row) for row in mine] == [plain(row) for row in rows], name
        assert rows or name == "of none", name
        for column in TIMES & {*found[name]}:
            assert str(found[name][column].dtype) == "datetime64[us, UTC]", (name, column)


def test_every_table_and_view_has_what_was_given(made: Filled) -> None:
    check_tables(answers_of(made.reader.snapshot.refreshed()), made.town.tables())
    # And the product's own questions are answered of the same tables.
    for name, (columns, rows) in made.town.tables().items():
        if not name.endswith("_view"):
            listed = ", ".join(f'"{column}"' for column in columns)
            table = frames.arrow(made.reader, f"SELECT {listed} FROM {name}")
            answer = columns, [list(row.values()) for row in table.to_pylist()]
            check_tables({name: answer}, {name: (columns, rows)})
            assert rows, name
    (one, *_) = made.recordings
    sql = "SELECT from_seconds FROM stretches WHERE recording_id = $id ORDER BY ALL"
    table = frames.arrow(made.reader, sql, {"id": one.recording_id})
    assert table["from_seconds"].to_pylist() == [s.from_seconds for s in one.stretches]


def test_templates_are_what_was_given(made: Filled) -> None:
    found = frames.templates(made.reader)
    wanted = {
        (one.recording_id, t.ordinal): (
            one.recording.camera_id, t.first_seen, t.last_seen,
            np.float32(t.shots[0].quality.overall), made.town.kept(t.template).tolist(),
        )
        for one in made.recordings
        for t in one.tracklets
        if t.template is not None
    }  # fmt: skip
    names = ["camera_id", "first_seen", "last_seen", "quality", "template"]
    rows = rows_of(found)
    assert (
        {(row["recording_id"], row["ordinal"]): tuple(row[name] for name in names) for row in rows}
        == wanted
        != {}
    )
    assert len(rows) == len(wanted)
    days = [row["first_seen"].date() for row in found.select(["first_seen"]).to_pylist()]
    assert days == sorted(days)
    with frames.connection(made.reader) as connection:
        view = connection.sql("FROM templates_view").to_arrow_table()
        ((count,),) = connection.sql(
            "SELECT count(*) FROM templates_view JOIN sightings_view USING (recording_id, ordinal)"
        ).fetchall()
    assert count == found.num_rows
    assert rows_of(view.cast(found.schema)) == rows


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: (row["recording_id"], row["ordinal"]))


def test_shots_and_candidates_by_id_are_what_was_given(made: Filled) -> None:
    reader, wanted, unsearchable = made.reader, {}, []
    for one in made.recordings:
        for tracklet in one.tracklets:
            name = format_tracklet_id(one.recording_id, tracklet.ordinal)
            if not tracklet.shots:
                unsearchable.append(name)
                continue
            found = lookup.shots(reader, name)
            for mine, theirs in zip(found, tracklet.shots, strict=True):
                none = np.zeros(0, np.float32)
                assert replace(mine, template=none) == replace(theirs, template=none)
                np.testing.assert_array_equal(mine.template, theirs.template)
            wanted[name] = made.town.candidate(one, tracklet, len(wanted) / 9)
    scores = {name: one.score for name, one in wanted.items()}
    first = min(scores, key=scores.__getitem__)
    wanted[first] = replace(wanted[first], scale="normalised")
    unknown = [f"{first}0000", "0" * 16 + "-0", "somebody", first.replace("-", "-00")]
    asked = dict.fromkeys(unknown, 0.5) | scores
    found_by_id = lookup.tracklets_by_id(reader, asked, scales={first: "normalised"})
    assert found_by_id == wanted
    assert list(found_by_id) == list(scores)  # in the order in which they were asked for
    assert lookup.tracklets_by_id(reader, {}) == {}
    assert lookup.tracklets_by_id(reader, dict.fromkeys(unsearchable, 0.0)) == {}
    for name in (unsearchable[0], unknown[1]):
        with pytest.raises(GalleryError, match=f"has no tracklet {name} with shots"):
            lookup.shots(reader, name)


def test_seconds_at_which_tracklets_begin(made: Filled) -> None:
    found = frames.first_seconds(made.reader, [*made.town.recordings, "0" * 16])
    assert {name: sorted(some) for name, some in found.items()} == {"0" * 16: []} | {
        name: sorted(one.seconds_of(tracklet)[0] for tracklet in one.tracklets)
        for name, one in made.town.recordings.items()
    }


def test_a_gallery_without_anything_has_frames_of_the_same_columns(
    made: Filled, tmp_path: Path
) -> None:
    with create(tmp_path / "none.duckdb", made.reader.profile) as there:
        snapshot = Snapshot.latest(there.manifest, there.storage, memory_bytes=2**20)
        empty = Reader(tmp_path / "none.duckdb", snapshot)
        found = told(empty)
        assert frames.templates(empty).schema == frames.templates(made.reader).schema
    for name, frame in told(made.reader).items():
        assert len(found[name]) == 0
        assert [*found[name].columns] == [*frame.columns], name
        times = [column for column in frame if column in TIMES]
        assert [*found[name][times].dtypes] == [*frame[times].dtypes], name


def test_by_id_only_parts_of_the_day_and_place_are_opened(
    fresh: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_parts: list[str] = []
    make = Part.__init__

    def noting(part: Part, storage: Any, entry: Any, profile: Any) -> None:
        opened_parts.append(entry.name)
        make(part, storage, entry, profile)

    name, snapshot = named(fresh), fresh.reader.snapshot
    snapshot.open_parts.forget([entry.name for entry in snapshot.parts()])
    monkeypatch.setattr(Part, "__init__", noting)
    assert lookup.shots(fresh.reader, name)
    assert list(lookup.tracklets_by_id(fresh.reader, {name: 0.5})) == [name]
    assert 0 < len(opened_parts) < len(fresh.reader.snapshot.parts())


def named(made: Filled) -> str:
    """Id of a tracklet with shots, of a recording whose clock is right."""
    told = frames.templates(made.reader).select(["recording_id", "ordinal"]).to_pylist()
    return format_tracklet_id(**told[0])


QUESTIONS: list[Callable[[Reader, str], Any]] = [
    lambda reader, _: frames.tracklets(reader).to_csv(),
    lambda reader, _: rows_of(frames.templates(reader)),
    lambda reader, name: [(shot.time, shot.jpeg) for shot in lookup.shots(reader, name)],
    lambda reader, name: lookup.tracklets_by_id(reader, {name: 0.5}),
]


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
@pytest.mark.parametrize("what", ["merge", "purge", "correction"])
def test_what_is_gone_meanwhile_is_asked_of_the_newest_snapshot(
    fresh: Filled, monkeypatch: pytest.MonkeyPatch, what: str, number: int
) -> None:
    question, name = QUESTIONS[number], named(fresh)
    recording_id, reader = name[:16], fresh.reader
    reader.snapshot.open_parts.forget([entry.name for entry in reader.snapshot.parts()])
    looks: list[Snapshot] = []

    def late(snapshot: Snapshot) -> Snapshot:
        looks.append(snapshot)
        if len(looks) > 1:
            return own(snapshot)
        if what == "purge":
            purge(fresh.committer, tracklet_ids=[last_of(fresh, recording_id)])
        elif what == "correction":
            one = [one for one in fresh.recordings if one.recording_id == recording_id]
            correct(fresh, one, 7200.0)
        else:
            merging = replace(fresh.committer, role="merger")
            assert Merger(merging, at_rest=lambda _: True).run()
        return snapshot  # so the first answer would be of what was there before

    own = Snapshot.refreshed
    monkeypatch.setattr(Snapshot, "refreshed", late)
    found = question(reader, name)
    assert len(looks) > 2
    with contextlib.closing(opened(reader.path.parent, fresh.town)) as another:
        assert found == question(another.reader, name)


def last_of(made: Filled, recording_id: str) -> str:
    """Id of the last tracklet of a recording."""
    one = next(one for one in made.recordings if one.recording_id == recording_id)
    return format_tracklet_id(recording_id, len(one.tracklets) - 1)


def test_a_part_that_is_lost_or_damaged_is_told(fresh: Filled) -> None:
    storage: Storage = fresh.committer.storage
    entry = next(one for one in fresh.reader.snapshot.parts() if one.templates)
    part = Part(storage, entry, fresh.reader.profile)
    name = format_tracklet_id(f"{part.recording[0]:016x}", int(part.ordinal[0]))
    assert storage.root
    file = storage.root / entry.object(TRACKLETS)
    whole = file.read_bytes()
    file.write_bytes(whole[:40] + bytes(40) + whole[80:-60] + bytes(60))
    with pytest.raises(GalleryError, match="has a part that cannot be read"):
        frames.tracklets(fresh.reader)
    with pytest.raises(GalleryError, match="cannot be read"):
        lookup.shots(fresh.reader, name)
    file.unlink()
    for ask_it in (frames.tracklets, lambda reader: lookup.shots(reader, name)):
        with pytest.raises(GalleryError, match=r"lacks an object \(.*tracklets.parquet\)"):
            ask_it(fresh.reader)


def test_rows_in_another_order_than_their_keys_are_not_shown(fresh: Filled) -> None:
    name, storage = named(fresh), fresh.committer.storage
    assert storage.root
    for entry in fresh.reader.snapshot.parts():
        file = storage.root / entry.object(TRACKLETS)
        rows = pq.read_table(file)
        pq.write_table(rows.take(np.arange(len(rows))[::-1]), file)
    with pytest.raises(GalleryError, match="in another order"):
        lookup.shots(fresh.reader, name)

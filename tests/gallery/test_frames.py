"""Rows of a gallery in parts for people: those that a gallery of segments has, frame by frame."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parted import SOME, InParts, Twins, correct, opened, twins

from workbench.domain import Candidate, Shot, format_tracklet_id
from workbench.errors import GalleryError
from workbench.gallery import Gallery, by_id, conversion, different, frames, lookup
from workbench.gallery.entries import TRACKLETS
from workbench.gallery.merging import Merger
from workbench.gallery.opening import open_gallery
from workbench.gallery.parts import Part
from workbench.gallery.removal import purge
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

CAMERAS = [SOME[2], SOME[3], replace(SOME[4], camera_id="X")]
SQL = {
    "recordings": "FROM recordings ORDER BY ALL",
    "stretches": "FROM stretches WHERE recording_id = $id ORDER BY ALL",
    "clocks": "FROM clocks ORDER BY ALL",
    "cameras": "FROM cameras ORDER BY ALL",
    "different_people": "FROM different_people ORDER BY ALL",
    "shots": "SELECT * EXCLUDE (jpeg, template) FROM shots ORDER BY ALL",
    "unseen_spans": "FROM unseen_spans ORDER BY ALL",
}


@dataclass
class Told:
    """What a gallery of segments says of itself."""

    frames: dict[str, pd.DataFrame]
    tables: dict[str, pa.Table]
    shots: dict[str, tuple[Shot, ...]]
    candidates: dict[str, Candidate]
    ids: list[str]


def told_by(gallery: Gallery) -> Told:
    listed = gallery.tracklets()
    seen = listed.loc[listed["searchable"], "tracklet_id"].tolist()
    recordings = gallery.recordings()
    scales = {seen[0]: "normalised"}
    return Told(
        {
            "recordings": recordings, "tracklets": listed, "problems": gallery.problems(),
            "footage": gallery.footage(), "of cameras": gallery.footage(CAMERAS),
            "of none": gallery.footage([]), "runs": gallery.runs(),
            "refusals": gallery.refusals(),
            "different": different.different_people(gallery, "plain"),
        },
        {name: gallery.arrow(sql, values(sql, recordings)) for name, sql in SQL.items()}
        | {"templates": gallery.templates()},
        {name: gallery.shots(name) for name in seen},
        by_id.tracklets_by_id(gallery, {name: n / 9 for n, name in enumerate(seen)}, scales=scales),
        recordings["recording_id"].tolist(),
    )  # fmt: skip


def values(sql: str, recordings: pd.DataFrame) -> dict[str, str]:
    return {"id": recordings["recording_id"][0]} if "$id" in sql else {}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Twins:
    """The same recordings in both kinds of gallery, closed."""
    made = twins(tmp_path_factory.mktemp("frames"), "cosine", 3, count=10)
    made.close()
    return made


@pytest.fixture(scope="module")
def told(made: Twins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Told, Reader]]:
    """What a gallery of segments says, and the one of parts that it was converted to."""
    folder = tmp_path_factory.mktemp("converted") / "own"
    path = shutil.copytree(made.gallery.path.parent, folder) / made.gallery.path.name
    with Gallery.open(path) as gallery:
        about = told_by(gallery)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "BATCH", 20)  # several parts a day
        conversion.to_parts(path)
    with open_gallery(path) as there:
        snapshot = Snapshot.latest(there.manifest, there.storage, memory_bytes=2**20)
        yield about, Reader(path, snapshot)


@pytest.fixture
def fresh(made: Twins, tmp_path: Path) -> Iterator[InParts]:
    """A gallery in parts of the test alone."""
    folder = shutil.copytree(made.gallery.path.parent, tmp_path / "own")
    own = opened(folder, made.recordings)
    yield own
    own.close()


def test_every_frame_is_that_of_a_gallery_of_segments(told: tuple[Told, Reader]) -> None:
    about, reader = told
    found = {
        "recordings": frames.recordings(reader), "tracklets": frames.tracklets(reader),
        "problems": frames.problems(reader), "footage": frames.footage(reader),
        "of cameras": frames.footage(reader, CAMERAS), "of none": frames.footage(reader, []),
        "runs": frames.runs(reader), "refusals": frames.refusals(reader),
        "different": frames.different_people(reader, "plain"),
    }  # fmt: skip
    assert len(reader.snapshot.parts()) > 4
    assert found.keys() == about.frames.keys()
    for name, wanted in about.frames.items():
        pd.testing.assert_frame_equal(found[name], wanted, obj=name)
        assert len(wanted) > 0 or name == "of none", name
    assert set(found["of cameras"]["camera_id"]) == {"C0", "C1"}


def test_every_table_of_sql_has_the_rows_and_types_of_one_of_segments(
    told: tuple[Told, Reader],
) -> None:
    about, reader = told
    for name, sql in SQL.items():
        table = frames.arrow(
            reader, sql.replace("jpeg, template", "pack, \"offset\", length"),
            values(sql, about.frames["recordings"]),
        )  # fmt: skip
        assert table == about.tables[name], name
        assert table.num_rows, name


def test_templates_are_those_of_segments(told: tuple[Told, Reader]) -> None:
    about, reader = told
    found, wanted = frames.templates(reader), about.tables["templates"]
    assert found.schema == wanted.schema
    assert rows_of(found) == rows_of(wanted) != []
    days = [row["first_seen"].date() for row in found.select(["first_seen"]).to_pylist()]
    assert days == sorted(days)
    with frames.connection(reader) as connection:
        shown = connection.sql("FROM templates_view").to_arrow_table()
        ((count,),) = connection.sql(
            "SELECT count(*) FROM templates_view JOIN sightings_view USING (recording_id, ordinal)"
        ).fetchall()
    assert count == found.num_rows
    assert rows_of(shown.cast(found.schema)) == rows_of(found)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: (row["recording_id"], row["ordinal"]))


def test_shots_and_candidates_by_id_are_those_of_segments(told: tuple[Told, Reader]) -> None:
    about, reader = told
    for name, wanted in about.shots.items():
        found = lookup.shots(reader, name)
        assert [astuple(replace(one, template=None)) for one in found] == [  # type: ignore[arg-type]
            astuple(replace(one, template=None))
            for one in wanted  # type: ignore[arg-type]
        ]
        for mine, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(mine.template, theirs.template)
    scores = {name: one.score for name, one in about.candidates.items()}
    first = min(scores, key=scores.__getitem__)
    unknown = [f"{first}0000", "0" * 16 + "-0", "somebody", first.replace("-", "-00")]
    asked = dict.fromkeys(unknown, 0.5) | scores
    found_by_id = lookup.tracklets_by_id(reader, asked, scales={first: "normalised"})
    assert found_by_id == about.candidates
    assert list(found_by_id) == list(scores)  # in the order in which they were asked for
    assert lookup.tracklets_by_id(reader, {}) == {}
    listed = frames.tracklets(reader)
    unsearchable = listed.loc[~listed["searchable"], "tracklet_id"].tolist()
    assert lookup.tracklets_by_id(reader, dict.fromkeys(unsearchable, 0.0)) == {}
    for name in (unsearchable[0], unknown[1]):
        with pytest.raises(GalleryError, match=f"has no tracklet {name} with shots"):
            lookup.shots(reader, name)


def test_seconds_at_which_tracklets_begin(told: tuple[Told, Reader]) -> None:
    about, reader = told
    rows = about.tables["templates"].select(["recording_id", "ordinal"]).to_pylist()
    found = frames.first_seconds(reader, [*about.ids, "0" * 16])
    assert found.pop("0" * 16) == []
    assert {name: len(some) for name, some in found.items()} == dict(
        zip(about.ids, about.frames["recordings"]["tracklets"], strict=True)
    )
    assert sum(map(len, found.values())) > len(rows)


def test_a_gallery_without_anything_has_frames_of_the_same_columns(
    fresh: InParts, tmp_path: Path
) -> None:
    profile = fresh.reader.profile
    with Gallery.create(tmp_path / "one.duckdb", profile) as gallery:
        wanted = [gallery.recordings(), gallery.tracklets(), gallery.footage(), gallery.problems(),
                  gallery.runs(), gallery.refusals()]  # fmt: skip
        templates = gallery.templates()
    conversion.to_parts(tmp_path / "one.duckdb")
    with open_gallery(tmp_path / "one.duckdb") as there:
        snapshot = Snapshot.latest(there.manifest, there.storage, memory_bytes=2**20)
        reader = Reader(tmp_path / "one.duckdb", snapshot)
        found = [frames.recordings(reader), frames.tracklets(reader), frames.footage(reader),
                 frames.problems(reader), frames.runs(reader), frames.refusals(reader)]  # fmt: skip
        assert frames.templates(reader) == templates
    for mine, theirs in zip(found, wanted, strict=True):
        pd.testing.assert_frame_equal(mine, theirs)


def test_by_id_only_parts_of_the_day_and_place_are_opened(
    fresh: InParts, monkeypatch: pytest.MonkeyPatch
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


def named(made: InParts) -> str:
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
    fresh: InParts, monkeypatch: pytest.MonkeyPatch, what: str, number: int
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
    with contextlib.closing(opened(reader.path.parent)) as another:
        assert found == question(another.reader, name)


def last_of(made: InParts, recording_id: str) -> str:
    """Id of the last tracklet of a recording."""
    one = next(one for one in made.recordings if one.recording_id == recording_id)
    return format_tracklet_id(recording_id, len(one.tracklets) - 1)


def test_a_part_that_is_lost_or_damaged_is_told(fresh: InParts) -> None:
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


def test_rows_in_another_order_than_their_keys_are_not_shown(fresh: InParts) -> None:
    name, storage = named(fresh), fresh.committer.storage
    assert storage.root
    for entry in fresh.reader.snapshot.parts():
        file = storage.root / entry.object(TRACKLETS)
        rows = pq.read_table(file)
        pq.write_table(rows.take(np.arange(len(rows))[::-1]), file)
    with pytest.raises(GalleryError, match="in another order"):
        lookup.shots(fresh.reader, name)

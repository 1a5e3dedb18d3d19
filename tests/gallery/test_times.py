"""Times in doubt, and seconds that could not be seen, are stored, told and carried along."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from searching import JOINED, TOWN, found

from workbench.domain import (
    ClockCorrection,
    IndexedRecording,
    Profile,
    Scope,
    Stretch,
    TimeNote,
    Unseen,
    seen_spans,
    stretches_of,
)
from workbench.errors import TimeError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.exchange import columns
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into
from workbench.gallery.joining import merge
from workbench.gallery.lookup import tracklets_by_id
from workbench.gallery.manifest import Manifest
from workbench.gallery.recordings import stored

START = datetime(2026, 3, 29, tzinfo=UTC)
Make = Callable[..., IndexedRecording]


def test_a_time_after_a_join_says_that_it_is_not_certain(
    gallery: Gallery, joined: IndexedRecording
) -> None:
    gallery.add_recording(joined)
    notes = {c.tracklet_id: c.time for c in found(gallery) if c.recording_id == joined.recording_id}
    # Five tracklets, at 0, 60, 120, 180 and 240 s of the recording.
    assert [note.doubt for note in notes.values()] == ["", "", "", JOINED, JOINED]
    assert notes == {
        i: c.time for i, c in tracklets_by_id(gallery, dict.fromkeys(notes, 1)).items()
    }
    with gallery.connection() as connection:
        rows = connection.sql(
            "SELECT doubt, recorded_at = first_seen FROM sightings_view WHERE camera_id = 'C5' "
            "ORDER BY first_seen"
        ).fetchall()
    assert rows == [("", True)] * 3 + [(JOINED, True)] * 3  # and one that is not searchable


def test_a_tracklet_that_crosses_a_join_is_in_doubt(gallery: Gallery, indexed: Make) -> None:
    whole = indexed(5, 600, (500,))
    gallery.add_recording(replace(whole, stretches=stretches_of([(3.0, JOINED)])))
    (crossing,) = (c for c in found(gallery) if c.recording_id == whole.recording_id)
    assert (crossing.time.doubt, crossing.time.recorded) == (JOINED, crossing.first_seen)


def test_what_could_not_be_seen_is_not_covered(gallery: Gallery, joined: IndexedRecording) -> None:
    gallery.add_recording(joined)
    began = joined.recording.started_at
    scope = Scope(TOWN, began, began + timedelta(seconds=145))
    coverage = gallery.coverage(scope)
    assert (coverage.recordings, coverage.footage_seconds, coverage.unseen_seconds) == (1, 135, 10)
    spans = gallery.footage([gallery.places.camera("C5")])
    seen = [
        ((a - began).total_seconds(), (b - began).total_seconds())
        for a, b in spans.iloc[:, 2:].values
    ]
    assert seen == [(5.0, 140.0), (160.0, 600.0)]
    with gallery.connection() as connection:
        rows = connection.sql(
            "SELECT seconds, seen_seconds, unseen_seconds, is_certain, clock_offset_seconds "
            "FROM recordings_view WHERE camera_id = 'C5'"
        ).fetchall()
        day = connection.sql("SELECT seconds FROM coverage_view WHERE camera_id = 'C5'").fetchall()
        camera = connection.sql(
            "SELECT seconds FROM cameras_view WHERE camera_id = 'C5'"
        ).fetchall()
    assert rows == [(600.0, 575.0, 25.0, False, 0.0)]
    assert day == camera == [(575.0,)]


def test_doubts_and_gaps_go_where_their_recording_goes(
    gallery: Gallery, joined: IndexedRecording, profile: Profile, tmp_path: Path
) -> None:
    gallery.add_recording(joined)
    again = stored(gallery, [joined.recording_id])
    assert again[0].recording == replace(joined.recording, path=again[0].recording.path)
    with Gallery.create(tmp_path / "restored.duckdb", profile) as restored:
        restored.add_cameras(gallery.cameras())
        restored.add_recordings(again)  # as reembedding does
        assert told(restored) == told(gallery)
        assert list(check(restored)) == []
    with Gallery.create(tmp_path / "merged.duckdb", profile) as merged:
        merge(merged.writer, gallery)
        assert told(merged) == told(gallery)
        export(merged, tmp_path / "parquet")
    with Gallery.create(tmp_path / "imported.duckdb", profile) as imported:
        import_into(imported.writer, tmp_path / "parquet")
        assert told(imported) == told(gallery)
        imported.purge([joined.recording_id])
        assert told(imported) == ([], [], [])
        assert list(check(imported)) == []


def told(gallery: Gallery) -> tuple[list[object], ...]:
    """What the tables say of the times of the joined recording."""
    return tuple(
        gallery.arrow(
            f"SELECT * FROM {table} SEMI JOIN (FROM recordings WHERE camera_id = 'C5') USING "
            "(recording_id) ORDER BY ALL"
        ).to_pylist()
        for table in ("stretches", "unseen", "spans")
    )


def test_recordings_are_known_by_content_camera_and_stream(
    gallery: Gallery, joined: IndexedRecording, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.add_recording(joined)
    name, sha256 = joined.recording_id, joined.sha256
    keys = [(sha256, "C5", 2), (sha256, "C5", 1), (sha256, "C4", 2), ("0" * 64, "C5", 2)]
    assert gallery.same_recordings([*keys, (sha256, "C5", 0)]) == {
        keys[0]: [name], (sha256, "C5", 0): [name],
    }  # fmt: skip
    # So many, each compared with each, would take a minute.
    many = [(f"{n:064}", "C5", 1) for n in range(20_000)]
    rows = [
        SimpleNamespace(sha256=one, camera_id="C5", stream=1, recording_id=one[-16:])
        for one, _, _ in many
    ]
    monkeypatch.setattr(Manifest, "recordings_with", lambda *_: rows)
    began = time.process_time()
    assert gallery.same_recordings(many) == {key: [key[0][-16:]] for key in many}
    assert time.process_time() - began < 5


def test_spans_follow_each_stretch(indexed: Make) -> None:
    stretches = (
        Stretch(),
        Stretch(100.0, JOINED, offset_seconds=3600.0),
        Stretch(200.0, "x", 3600.0),
    )
    spans = seen_spans(START, 300.0, stretches, [Unseen(290.0, 400.0, "")])
    hour = START - timedelta(hours=1)
    assert spans == [
        (START, START + timedelta(seconds=100)),
        (hour + timedelta(seconds=100), hour + timedelta(seconds=290)),
    ]
    one = replace(indexed(0, 0, ()), stretches=stretches, seconds=300.0)
    assert one.started_at == hour + timedelta(seconds=100)
    assert one.ended_at == START + timedelta(seconds=100)


def test_a_note_says_in_words_what_a_time_rests_on() -> None:
    seen = datetime(2026, 3, 29, 0, 58, tzinfo=UTC)
    plain = TimeNote.of(seen, (Stretch(),), 1.0, 2.0)
    assert plain.in_words(ZoneInfo("Europe/London")) == "recorded as Sun 29 Mar 2026, 00:58:00 GMT"
    found_at = datetime(2026, 4, 1, tzinfo=UTC)
    ahead = ClockCorrection(3725.0, "anna", "read in the picture", found_at, 2.0)
    note = TimeNote.of(seen, (Stretch(0.0, JOINED).corrected(ahead, "recording"),), 1.0, 2.0)
    assert note.is_certain
    assert note.in_words(ZoneInfo("Europe/London")) == (
        "recorded as Sun 29 Mar 2026, 03:00:05 BST; the clock was 1 h 2 min ahead (± 2 s); "
        "found by anna: read in the picture"
    )
    doubtful = TimeNote.of(seen, (Stretch(), Stretch(1.5, JOINED, -20.0)), 1.0, 2.0)
    assert doubtful.doubt == f"{JOINED}; it goes on where another offset of the clock begins"
    assert doubtful.in_words().endswith(f"not certain: {doubtful.doubt}")


@pytest.mark.parametrize(
    "bad",
    [
        {"offset_seconds": float("nan")},
        {"offset_seconds": 4e7},
        {"uncertainty_seconds": -1.0},
        {"found_by": " "},
        {"how": ""},
        {"found_at": datetime(2026, 4, 1)},  # noqa: DTZ001 - without an offset
    ],
)
def test_a_correction_that_says_too_little_is_refused(bad: dict[str, object]) -> None:
    good: dict[str, object] = {
        "offset_seconds": 1.0, "found_by": "anna", "how": "read", "found_at": START,
    }  # fmt: skip
    with pytest.raises(TimeError):
        ClockCorrection(**good | bad)  # type: ignore[arg-type]


def test_a_camera_without_a_place_is_in_no_district(
    gallery: Gallery, indexed: Make, profile: Profile
) -> None:
    tables = {name: schema.empty_table() for name, schema in columns(profile).items()}
    row = {
        "camera_id": "BUS",
        "name": "Bus",
        "latitude": None,
        "longitude": None,
        "noted_at": START,
    }
    tables["cameras"] = pa.Table.from_pylist([row], tables["cameras"].schema)
    gallery.add_tables(tables)
    assert gallery.inside(TOWN).tolist() == [False] + [True] * 6
    # Its parts are put in order with the others, whatever is merged with them.
    for minute in range(600, 780, 20):
        gallery.add_recording(indexed(1, minute, (minute,)))
    gallery.compact()
    assert gallery.inside(TOWN).tolist() == [False] + [True] * 6
    assert list(check(gallery)) == []

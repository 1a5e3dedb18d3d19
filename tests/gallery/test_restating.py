"""Corrections of clocks: every time follows, days change parts, and a second one undoes a first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from parted import CAMERAS

from workbench.domain import (
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Profile,
    corrected,
)
from workbench.errors import GalleryError
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.entries import RecordingEntry
from workbench.gallery.manifest import Manifest
from workbench.gallery.parts import Part, check_part, join
from workbench.gallery.restating import restate
from workbench.gallery.rows import DOUBT
from workbench.gallery.storage import Storage

Make = Callable[..., IndexedRecording]
FOUND = datetime(2026, 4, 1, tzinfo=UTC)


def held(committer: Committer) -> tuple[list[object], list[object], dict[str, RecordingEntry]]:
    """All rows of a gallery whose parts are sound, and its recordings as the manifest has them."""
    manifest = committer.manifest
    contents = []
    for entry in manifest.parts(manifest.state().commit):
        assert [*check_part(committer.storage, entry, manifest.profile)] == []
        contents.append(Part(committer.storage, entry, manifest.profile).content())
    recordings, tracklets = join(contents)

    def rows(table: pa.Table, *keys: str) -> list[object]:
        found = table.sort_by([(key, "ascending") for key in keys]).to_pylist()
        return [{k: v for k, v in row.items() if k not in ("shots", "indexed_at")} | {
            "shots": [{k: v for k, v in shot.items() if k not in ("pack", "offset", "length")}
                      for shot in row.get("shots") or ()]} for row in found]  # fmt: skip

    ids = recordings["recording_id"].to_pylist()
    return (
        rows(recordings, "recording_id"),
        rows(tracklets, "recording_id", "ordinal"),
        {n: replace(one, indexed_at=FOUND) for n, one in manifest.recordings(ids).items()},
    )


def correction(seconds: float) -> ClockCorrection:
    return ClockCorrection(seconds, "Anna", "speaking clock", FOUND, 0.5)


@pytest.mark.parametrize("offset", [90.0, 3 * 86_400.0, -12.25])
def test_rows_are_those_of_a_recording_that_was_stored_with_the_right_clock(
    tmp_path: Path, committer: Committer, profile: Profile, indexed: Make,
    joined: IndexedRecording, offset: float,
) -> None:  # fmt: skip
    recordings = [indexed(n % 3, 300 * n, (n, n + 1, n + 2)) for n in range(5)]
    recordings.append(joined)
    committer.store(recordings, CAMERAS)
    packs = committer.storage.names("packs")
    before = held(committer)
    concerned = {
        one.recording_id: corrected(one.stretches, correction(offset), "recording")
        for one in (recordings[1], recordings[4], joined)
    }
    commit = committer.manifest.state().commit
    restate(committer, concerned)
    assert committer.manifest.state().commit == commit + 1
    (tmp_path / "other").mkdir()
    database = SQLiteDatabase(tmp_path / "other" / "m.sqlite", write=True, create=True)
    other = Committer(
        Manifest.create(database, profile, "town.duckdb"), Storage.at(tmp_path / "other")
    )
    right = [
        one.corrected(correction(offset), "recording") if one.recording_id in concerned else one
        for one in recordings
    ]
    other.store([replace(one, stored_id="") for one in right], CAMERAS)
    assert held(committer) == held(other)
    assert committer.storage.names("packs") == packs
    assert committer.manifest.dropped() == []
    # An offset is absolute: the old stretches give all the old times back.
    restate(committer, {name: before[2][name].stretches for name in concerned})
    assert held(committer) == before


def test_from_a_second_on_and_with_a_setting_for_what_comes_later(
    committer: Committer, joined: IndexedRecording
) -> None:
    committer.store([joined], CAMERAS)
    _, tracklets, _ = held(committer)
    doubted = {row["ordinal"]: row["notes"] for row in tracklets}  # type: ignore[index]
    assert set(doubted.values()) == {0, DOUBT}
    new = corrected(joined.stretches, correction(30.0), "recording", from_seconds=150.0)
    setting = ClockSetting(correction(30.0), camera_id="C5")
    restate(committer, {joined.recording_id: new}, [setting])
    wanted = joined.corrected(correction(30.0), "recording", from_seconds=150.0)
    entry = committer.manifest.recordings([joined.recording_id])[joined.recording_id]
    assert entry == RecordingEntry.of(wanted, entry.indexed_at)
    assert entry.ended_at == wanted.ended_at
    assert committer.manifest.clocks() == [setting]
    _, tracklets, _ = held(committer)
    assert {row["notes"] for row in tracklets} == {0}  # type: ignore[index]


def test_a_recording_that_is_not_there_changes_nothing(committer: Committer, indexed: Make) -> None:
    one = indexed(0, 0, (1,))
    committer.store([one], CAMERAS)
    before = held(committer)
    new = corrected(one.stretches, correction(30.0), "recording")
    with pytest.raises(GalleryError, match="holds no recording 0000"):
        restate(committer, {one.recording_id: new, "0" * 16: new})
    assert held(committer) == before
    restate(committer, {})
    assert committer.manifest.state().commit == 2

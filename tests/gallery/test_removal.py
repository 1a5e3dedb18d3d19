"""Purging: nothing stays of what goes, in any file; all else stays, and little is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from parted import CAMERAS

from workbench.domain import IndexedRecording, ScoreCount, format_tracklet_id
from workbench.errors import GalleryError
from workbench.gallery.committing import Committer
from workbench.gallery.entries import Change, RecordingEntry
from workbench.gallery.merging import Merger
from workbench.gallery.parts import Part, check_part
from workbench.gallery.removal import Removed, purge
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage

Make = Callable[..., IndexedRecording]


@pytest.fixture
def recordings(indexed: Make) -> list[IndexedRecording]:
    """Two of one day, one over midnight, and one of the day after."""
    made = [indexed(n, minute, (10 * n + 1, 10 * n + 2, 10 * n + 3, 10 * n + 4))
            for n, minute in ((0, 60), (1, 90), (2, 24 * 60 - 2), (3, 24 * 60 + 30))]  # fmt: skip
    counted = ScoreCount("plain", 0.5, 0.5, 0.1, 3)
    return [replace(one, different_people=(counted,)) for one in made]


def pictures(committer: Committer) -> dict[str, bytes]:
    """Best picture of each tracklet that can be searched, by its id; all parts are sound."""
    snapshot = Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**30)
    found = {}
    for entry in snapshot.parts():
        assert [*check_part(snapshot.storage, entry, committer.manifest.profile)] == []
        part = snapshot.part(entry)
        shots = part.best_shots(np.arange(len(part)))
        for one in snapshot.pictures([shot["address"] for shot in shots]):
            found[format_tracklet_id(one.recording_id, one.ordinal)] = one.jpeg
    return found


def wanted(*recordings: IndexedRecording) -> dict[str, bytes]:
    return {
        format_tracklet_id(one.recording_id, tracklet.ordinal): tracklet.shots[0].jpeg
        for one in recordings
        for tracklet in one.tracklets
        if tracklet.shots
    }


def traces(folder: Path, *needles: bytes) -> list[str]:
    """Files that hold one of some bytes as they are."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in needles)
    ]


def marks(one: IndexedRecording) -> list[bytes]:
    """Bytes that would tell of a recording: its id, its pictures, its templates."""
    shots = [shot for tracklet in one.tracklets for shot in tracklet.shots]
    return [
        one.recording_id.encode(), int(one.recording_id, 16).to_bytes(8, "little"),
        *(shot.jpeg[:40] for shot in shots), *(shot.template.tobytes() for shot in shots),
    ]  # fmt: skip


def test_nothing_stays_of_a_recording_and_all_others_stay(
    tmp_path: Path, committer: Committer, recordings: list[IndexedRecording]
) -> None:
    committer.store(recordings, CAMERAS)
    one, _, late, _ = recordings
    assert traces(tmp_path, *marks(one))
    assert purge(committer, [one.recording_id, "0" * 16]) == Removed(1, 5)
    assert traces(tmp_path, *marks(one)) == []
    assert pictures(committer) == wanted(*recordings[1:])
    # Of two days: both parts in one commit.
    commit = committer.manifest.state().commit
    assert purge(committer, [late.recording_id]) == Removed(1, 5)
    assert committer.manifest.state().commit == commit + 1
    assert traces(tmp_path, *marks(late)) == []
    assert pictures(committer) == wanted(recordings[1], recordings[3])
    assert committer.manifest.held(one.recording_id for one in recordings) == {
        recordings[1].recording_id, recordings[3].recording_id
    }  # fmt: skip
    assert purge(committer, [late.recording_id]) == Removed()
    assert committer.manifest.state().commit == commit + 1


def test_a_recording_whose_rows_are_nowhere_is_told(
    committer: Committer, recordings: list[IndexedRecording]
) -> None:
    committer.manifest.commit(Change(recordings=[RecordingEntry.of(recordings[0])]))
    with pytest.raises(GalleryError, match="and no part of it has its rows"):
        purge(committer, [recordings[0].recording_id])


def test_whole_days_go_without_writing_and_leave_no_file(
    tmp_path: Path, committer: Committer, recordings: list[IndexedRecording],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    early = [recordings[0], recordings[1]]
    committer.store(early, CAMERAS)
    committer.store([recordings[3]], CAMERAS)
    with monkeypatch.context() as patched:
        patched.setattr(Storage, "writing", None)
        assert purge(committer, [one.recording_id for one in early]) == Removed(2, 10)
    assert not (tmp_path / "parts" / "2026-03-29").exists()
    assert not (tmp_path / "packs" / "2026-03-29").exists()
    assert traces(tmp_path, *marks(early[0]), *marks(early[1])) == []
    assert pictures(committer) == wanted(recordings[3])
    assert len(committer.manifest.packs()) == 1


def test_a_tracklet_goes_with_its_pictures_and_with_what_was_counted_with_it(
    tmp_path: Path, committer: Committer, recordings: list[IndexedRecording]
) -> None:
    committer.store(recordings, CAMERAS)
    one, other, late, _ = recordings
    gone = [format_tracklet_id(one.recording_id, 1), format_tracklet_id(late.recording_id, 3)]
    assert purge(committer, tracklet_ids=[*gone, gone[0]]) == Removed(0, 2)
    left = wanted(*recordings)
    for name, recording, ordinal in zip(gone, (one, late), (1, 3), strict=True):
        del left[name]
        shots = recording.tracklets[ordinal].shots
        # Neighbours share templates in this material: the second shot's is the next one's first.
        assert traces(tmp_path, *(shot.jpeg[:40] for shot in shots)) == []
    assert pictures(committer) == left
    counted = {}
    manifest = committer.manifest
    for entry in manifest.parts(manifest.state().commit):
        table, _ = Part(committer.storage, entry, manifest.profile).content()
        counted |= {row["recording_id"]: row["different_people"] for row in table.to_pylist()}
    assert [len(counted[r.recording_id]) for r in (one, other, late)] == [0, 1, 0]
    known = manifest.recordings(counted)
    assert [known[r.recording_id].tracklets for r in (one, other, late)] == [4, 5, 4]
    assert purge(committer, tracklet_ids=gone) == Removed()


def test_a_purge_that_is_not_agreed_or_that_a_merge_overtook_loses_nothing(
    committer: Committer, recordings: list[IndexedRecording], monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in recordings:
        committer.store([one], CAMERAS)

    @contextmanager
    def refused() -> Iterator[None]:
        raise PermissionError("not now")
        yield

    before = sorted(committer.storage.names("parts"))
    with pytest.raises(PermissionError):
        purge(committer, [recordings[0].recording_id], settling=refused)
    assert sorted(committer.storage.names("parts")) == before
    assert committer.manifest.unfinished("writer") == []
    assert pictures(committer) == wanted(*recordings)
    merger = Merger(replace(committer, role="merger"), lambda _: True)
    overtaken: list[int] = []

    @contextmanager
    def meanwhile() -> Iterator[None]:
        if not overtaken:
            overtaken.append(merger.run())
        yield

    assert purge(committer, [recordings[1].recording_id], settling=meanwhile) == Removed(1, 5)
    assert overtaken[0] > 0
    assert pictures(committer) == wanted(recordings[0], *recordings[2:])
    assert committer.manifest.dropped() == committer.manifest.unfinished("writer") == []

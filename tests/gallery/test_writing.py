"""Writing: each commit leaves what was given, and what cannot be stored leaves nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from oracle import Town, check_tables
from parted import CAMERAS, answers_of

from workbench.domain import (
    Camera,
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Profile,
    Tracklet,
)
from workbench.errors import GalleryError
from workbench.gallery.committing import Committer
from workbench.gallery.entries import CameraEntry, Change, RefusalEntry, RunEntry
from workbench.gallery.opening import create
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

Make = Callable[..., IndexedRecording]


@dataclass
class Written:
    """Writer of a gallery, and what it asked whose the gallery is."""

    writer: Writer
    asked: list[object]

    @property
    def snapshot(self) -> Snapshot:
        committer = self.writer.committer
        return Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**20)


@pytest.fixture
def made(tmp_path: Path, profile: Profile) -> Iterator[Written]:
    asked: list[object] = []

    def claim(contents: Collection[str], indexed: bool) -> contextlib.nullcontext[str]:
        asked.append((set(contents), indexed))
        return contextlib.nullcontext("" if len(asked) < 2 else "ab")

    with create(tmp_path / "town.duckdb", replace(profile, metric="cosine")) as opened:
        writer = Writer(Committer(opened.manifest, opened.storage), str(opened.path), claim)
        writer.add_cameras(CAMERAS.values())
        yield Written(writer, asked)


def test_what_is_added_is_what_there_is(
    made: Written, indexed: Make, joined: IndexedRecording
) -> None:
    writer, manifest = made.writer, made.writer.committer.manifest
    at, first = joined.started_at, indexed(0, 0, (1, 2))
    writer.add_recordings([first])
    setting = ClockSetting(ClockCorrection(20.0, "Anna", "compared", at), camera_id="C1")
    manifest.commit(Change(clocks=[setting]))
    before = made.snapshot.commit
    # Three in one commit; the clock of C1 is set, and what was stored elsewhere keeps its own.
    own, last = indexed(1, 100, (3, 4, 5)), indexed(2, 0, (9,))
    brought = replace(indexed(1, 300, (6,)), stored_id="0" * 15 + "a")
    writer.add_recordings([own, brought, joined])
    assert made.snapshot.commit == before + 1
    writer.add_recordings([last])
    listed = replace(
        indexed(3, 0, ()).recording, clock_offset_seconds=7.5, clock_given_for="recording"
    )
    other = indexed(4, 0, ()).recording
    refused = [(listed, "is empty"), (other, "is no film")]
    ended = at + timedelta(hours=1)
    writer.add_run("footage", at, ended, indexed=3, refused=refused, left=2)
    gate = Camera("C0", "Gate", 51.5, -0.02)
    writer.add_cameras([gate, CAMERAS["C1"]])
    writer.add_cameras([CAMERAS["C1"]])  # as it is known: no commit
    assert made.snapshot.commit == before + 4
    stored = [first, own.corrected(setting.correction, "camera"), brought, joined, last]
    town = Town(
        manifest.profile, CAMERAS | {"C0": gate}, {one.recording_id: one for one in stored},
        [setting], [RunEntry("footage", at, ended, 3, 2, 2)],
        [
            RefusalEntry(
                one.camera_id, one.file, one.started_at, why, ended,
                one.clock_offset_seconds, "",
            )
            for one, why in refused
        ],
    )  # fmt: skip
    check_tables(answers_of(made.snapshot), town.tables())
    # Whose it is was asked of the first two commits with recordings, and never after.
    contents = [[first], [own, brought, joined]]
    assert made.asked == [
        ({one.sha256 for one in those}, indexed_here)
        for those, indexed_here in zip(contents, (True, False), strict=True)
    ]
    assert made.snapshot.state.owner == "ab"
    writer.give_to("cd")
    assert made.snapshot.state.owner == "cd"


def _with(one: IndexedRecording, **changes: object) -> IndexedRecording:
    first: Tracklet = one.tracklets[0]
    return replace(one, tracklets=(replace(first, **changes), *one.tracklets[1:]))  # type: ignore[arg-type]


def _shown_by(one: IndexedRecording, template: np.ndarray) -> IndexedRecording:
    shots = one.tracklets[0].shots
    return _with(one, shots=(replace(shots[0], template=template), *shots[1:]))


NOT_FINITE = "a template of tracklet 0 is not a finite vector of 8 numbers"
BAD: list[tuple[str, Callable[[IndexedRecording], IndexedRecording]]] = [
    (NOT_FINITE, lambda one: _with(one, template=np.full(8, np.inf, np.float32))),
    (NOT_FINITE, lambda one: _shown_by(one, np.ones(7, np.float32))),
    ("a template of tracklet 0 is zero", lambda one: _shown_by(one, np.zeros(8, np.float32))),
    (
        "its camera is unknown (X)",
        lambda one: replace(one, recording=replace(one.recording, camera_id="X")),
    ),
    (
        "tracklet 0 ends at 2026-03-28T23:59:59+00:00, before it begins",
        lambda one: _with(one, last_seen=one.tracklets[0].first_seen - timedelta(seconds=1)),
    ),
    ("the recording ends at ", lambda one: replace(one, seconds=-1.0)),
]


def test_what_is_refused_leaves_nothing(made: Written, indexed: Make) -> None:
    writer, good, there = made.writer, indexed(1, 0, (3,)), indexed(0, 0, (1, 2))
    writer.add_recordings([there])
    before = made.snapshot.commit, writer.committer.storage.names("parts")
    for words, spoil in BAD:
        with pytest.raises(GalleryError) as refused:
            writer.add_recordings([good, spoil(indexed(2, 0, (7, 8)))])
        assert refused.value.what.startswith(words)
        assert refused.value.where == "2-0.mp4"
    for again in ([good, there], [good, good], [replace(there, stored_id=there.recording_id)]):
        with pytest.raises(GalleryError, match="is in the gallery already"):
            writer.add_recordings(again)
    assert (made.snapshot.commit, writer.committer.storage.names("parts")) == before
    assert writer.committer.manifest.unfinished("writer") == []
    writer.add_recordings([])
    writer.add_recordings([good])
    assert len(writer.committer.manifest.all_recordings()) == 2


def test_a_claim_that_is_refused_leaves_nothing(made: Written, indexed: Make) -> None:
    def claim(contents: Collection[str], indexed: bool) -> contextlib.AbstractContextManager[str]:
        raise GalleryError("belongs to another installation")

    made.writer.claim = claim
    with pytest.raises(GalleryError, match="belongs to another"):
        made.writer.add_recordings([indexed(0, 0, (1,))])
    assert made.writer.committer.storage.names("parts") == []
    assert made.writer.committer.manifest.held([indexed(0, 0, (1,)).recording_id]) == set()


def test_a_camera_noted_later_is_told_and_not_passed_over(made: Written) -> None:
    manifest = made.writer.committer.manifest
    ahead = Camera("C0", "Gate", 51.5, -0.02)
    manifest.commit(Change(cameras=[CameraEntry(ahead, manifest.now() + timedelta(days=1))]))
    with pytest.raises(GalleryError, match="noted later of cameras C0: this machine's clock is"):
        made.writer.add_cameras([CAMERAS["C0"]])
    assert made.writer.known_cameras()["C0"] == ahead

"""Writing: each commit leaves what a gallery of segments holds, and refuses what that refuses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from parted import CAMERAS, VIEWS, answers

from workbench.domain import (
    Camera,
    ClockCorrection,
    ClockSetting,
    IndexedRecording,
    Profile,
    Tracklet,
)
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.committing import Committer
from workbench.gallery.entries import CameraEntry, Change
from workbench.gallery.opening import create
from workbench.gallery.questions import read_only
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.writing import Writer

Make = Callable[..., IndexedRecording]


@dataclass
class Both:
    """A gallery in parts and one of segments, and what each asked whose it is."""

    writer: Writer
    gallery: Gallery
    asked: tuple[list[object], list[object]]

    def each(self, act: Callable[[Writer | Gallery], object]) -> None:
        for one in (self.writer, self.gallery):
            act(one)

    def refusals(self, act: Callable[[Writer | Gallery], object]) -> list[tuple[str, ...]]:
        found = []
        for one in (self.writer, self.gallery):
            with pytest.raises(GalleryError) as refused:
                act(one)
            error = refused.value
            found.append((error.what, error.where, error.fix))
        return found

    @property
    def snapshot(self) -> Snapshot:
        committer = self.writer.committer
        return Snapshot.latest(committer.manifest, committer.storage, memory_bytes=2**20)


@pytest.fixture
def both(tmp_path: Path, profile: Profile) -> Iterator[Both]:
    profile = replace(profile, metric="cosine")
    asked: tuple[list[object], list[object]] = ([], [])

    def claim(number: int) -> Callable[[Collection[str], bool], contextlib.nullcontext[str]]:
        def ask(contents: Collection[str], indexed: bool) -> contextlib.nullcontext[str]:
            asked[number].append((set(contents), indexed))
            return contextlib.nullcontext("" if len(asked[number]) < 2 else "ab")

        return ask

    with (
        create(tmp_path / "parts.duckdb", profile) as opened,
        Gallery.create(tmp_path / "segments.duckdb", profile) as gallery,
    ):
        committer = Committer(opened.manifest, opened.storage)
        writer = Writer(committer, str(opened.path), claim(0))
        gallery.claim = claim(1)
        made = Both(writer, gallery, asked)
        made.each(lambda one: one.add_cameras(CAMERAS.values()))
        yield made


def test_what_is_added_is_what_a_gallery_of_segments_holds(
    both: Both, indexed: Make, joined: IndexedRecording
) -> None:
    at, first = joined.started_at, indexed(0, 0, (1, 2))
    both.each(lambda one: one.add_recordings([first]))
    setting = ClockSetting(ClockCorrection(20.0, "Anna", "compared", at), camera_id="C1")
    both.gallery.restate({}, [setting])
    both.writer.committer.manifest.commit(Change(clocks=[setting]))
    before = both.snapshot.commit
    # Three in one commit; the clock of C1 is set, and what was stored elsewhere keeps its own.
    brought = replace(indexed(1, 300, (6,)), stored_id="0" * 15 + "a")
    both.each(lambda one: one.add_recordings([indexed(1, 100, (3, 4, 5)), brought, joined]))
    assert both.snapshot.commit == before + 1
    both.each(lambda one: one.add_recordings([indexed(2, 0, (9,))]))
    listed = replace(
        indexed(3, 0, ()).recording, clock_offset_seconds=7.5, clock_given_for="recording"
    )
    refused = [(listed, "is empty"), (indexed(4, 0, ()).recording, "is no film")]
    ended = at + timedelta(hours=1)
    both.each(lambda one: one.add_run("footage", at, ended, indexed=3, refused=refused, left=2))
    both.each(lambda one: one.add_cameras([Camera("C0", "Gate", 51.5, -0.02), CAMERAS["C1"]]))
    both.each(lambda one: one.add_cameras([CAMERAS["C1"]]))  # as it is known: no commit
    assert both.snapshot.commit == before + 4
    with read_only(both.snapshot) as found, both.gallery.connection() as wanted:
        mine, theirs = answers(found), answers(wanted)
    for view in VIEWS:
        assert mine[view] == theirs[view], view
    # Whose it is was asked of the first two commits with recordings, and never after.
    assert both.asked[0] == both.asked[1]
    assert [was_indexed for _, was_indexed in both.asked[0]] == [True, False]
    assert both.snapshot.state.owner == both.gallery.owner == "ab"
    both.each(lambda one: one.give_to("cd"))
    assert both.snapshot.state.owner == both.gallery.owner == "cd"


def _with(one: IndexedRecording, **changes: object) -> IndexedRecording:
    first: Tracklet = one.tracklets[0]
    return replace(one, tracklets=(replace(first, **changes), *one.tracklets[1:]))  # type: ignore[arg-type]


def _shown_by(one: IndexedRecording, template: np.ndarray) -> IndexedRecording:
    shots = one.tracklets[0].shots
    return _with(one, shots=(replace(shots[0], template=template), *shots[1:]))


BAD: dict[str, Callable[[IndexedRecording], IndexedRecording]] = {
    "infinite": lambda one: _with(one, template=np.full(8, np.inf, np.float32)),
    "too short": lambda one: _shown_by(one, np.ones(7, np.float32)),
    "zero": lambda one: _shown_by(one, np.zeros(8, np.float32)),
    "unknown camera": lambda one: replace(one, recording=replace(one.recording, camera_id="X")),
    "tracklet backwards": lambda one: _with(
        one, last_seen=one.tracklets[0].first_seen - timedelta(seconds=1)
    ),
    "backwards": lambda one: replace(one, seconds=-1.0),
}


def test_what_is_refused_is_what_a_gallery_of_segments_refuses(both: Both, indexed: Make) -> None:
    good, there = indexed(1, 0, (3,)), indexed(0, 0, (1, 2))
    both.each(lambda one: one.add_recordings([there]))
    before = both.snapshot.commit, both.writer.committer.storage.names("parts")
    for name, spoil in BAD.items():
        bad = spoil(indexed(2, 0, (7, 8)))
        mine, theirs = both.refusals(lambda one, bad=bad: one.add_recordings([good, bad]))
        assert mine == theirs, name
    for again in ([good, there], [good, good], [replace(there, stored_id=there.recording_id)]):
        mine, theirs = both.refusals(lambda one, again=again: one.add_recordings(again))
        assert mine == theirs
        assert mine[0] == "is in the gallery already"
    assert (both.snapshot.commit, both.writer.committer.storage.names("parts")) == before
    both.each(lambda one: one.add_recordings([]))
    both.each(lambda one: one.add_recordings([good]))


def test_a_claim_that_is_refused_leaves_nothing(both: Both, indexed: Make) -> None:
    def claim(contents: Collection[str], indexed: bool) -> contextlib.AbstractContextManager[str]:
        raise GalleryError("belongs to another installation")

    both.writer.claim = claim
    with pytest.raises(GalleryError, match="belongs to another"):
        both.writer.add_recordings([indexed(0, 0, (1,))])
    assert both.writer.committer.storage.names("parts") == []
    assert both.writer.committer.manifest.held([indexed(0, 0, (1,)).recording_id]) == set()


def test_a_camera_noted_later_is_told_and_not_passed_over(both: Both) -> None:
    manifest = both.writer.committer.manifest
    ahead = Camera("C0", "Gate", 51.5, -0.02)
    manifest.commit(Change(cameras=[CameraEntry(ahead, manifest.now() + timedelta(days=1))]))
    with pytest.raises(GalleryError, match="noted later of cameras C0: this machine's clock is"):
        both.writer.add_cameras([CAMERAS["C0"]])
    assert both.writer.known_cameras()["C0"] == ahead

"""Kills at every step of a commit, a merge, a purge, a correction of a clock and a move.

A process is killed before, in the middle of and after each write, reservation, commit and deletion.
The suite takes some of the steps, and ``make soak`` all.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from manifests import Opening, Place
from parted import CAMERAS

from workbench.domain import (
    ClockCorrection,
    IndexedRecording,
    Profile,
    corrected,
    format_tracklet_id,
    from_microseconds,
)
from workbench.gallery import Gallery, committing, relocating
from workbench.gallery.checking import check
from workbench.gallery.committing import Committer
from workbench.gallery.entries import CameraEntry, Change
from workbench.gallery.manifest import Manifest
from workbench.gallery.merging import Merger
from workbench.gallery.opening import Location
from workbench.gallery.postgres import PostgresDatabase
from workbench.gallery.relocating import delete_left, left_by, location_of, move_gallery
from workbench.gallery.removal import purge
from workbench.gallery.restating import restate
from workbench.gallery.storage import Sink, Storage

pytestmark = pytest.mark.soak
STRIDE = 1 if "SIGHTLINE_KILLS" in os.environ else 11
Make = Callable[..., IndexedRecording]
Seen = dict[str, tuple[object, bytes]]
Steps = tuple[object, tuple[str, ...]]
"""Where functions are, and their names."""


@pytest.fixture
def place(
    opening: Opening,
    tmp_path: Path,
    profile: Profile,
    indexed: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """A gallery with its cameras."""
    database = opening(tmp_path, write=True, create=True)
    manifest = Manifest.create(database, profile, "town.duckdb")
    at = indexed(0, 0, ()).started_at
    manifest.commit(Change(cameras=[CameraEntry(one, at) for one in CAMERAS.values()]))
    # Where other machines may write, only what was reserved long ago is swept; none does so here.
    monkeypatch.setattr(committing, "ABANDONED", timedelta())
    manifest.close()
    return Place(tmp_path, opening)


def hooked(monkeypatch: pytest.MonkeyPatch, step: Callable[[], None], *more: Steps) -> None:
    """Have *step* called around everything that changes a file, and around *more*."""
    writing = Storage.writing

    @contextmanager
    def in_steps(storage: Storage, name: str) -> Iterator[Sink]:
        step()
        with writing(storage, name) as sink:
            yield sink
            step()
        step()

    monkeypatch.setattr(Storage, "writing", in_steps)
    for kind, names in (
        (Manifest, ("reserve", "commit", "_advance", "release", "scrub")),  # _advance: inside
        (Storage, ("sync", "_delete_here")),
        (relocating, ("write_beside", "write_location")),
        *more,
    ):
        for name in names:
            own = getattr(kind, name)

            def around(*args: Any, _own: Any = own, **more: Any) -> Any:
                step()
                done = _own(*args, **more)
                step()
                return done

            monkeypatch.setattr(kind, name, around)


def killed(
    work: Callable[[], object], at: int, monkeypatch: pytest.MonkeyPatch, *more: Steps
) -> bool:
    """Do some work in a process that is killed at one of its steps; False if it has fewer."""
    child = os.fork()
    if not child:
        left = iter(range(at - 1))
        try:

            def step() -> None:
                if next(left, -1) < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            hooked(monkeypatch, step, *more)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def seen(place: Place) -> Seen:
    """When each tracklet was first seen, and its best picture, by its id.

    Every file that there is belongs to the last commit.
    """
    snapshot = place.snapshot()
    manifest = snapshot.manifest
    found: Seen = {}
    named = [pack.object for pack in manifest.packs().values()]
    for entry in snapshot.parts():
        part = snapshot.part(entry)
        named += [entry.object(file.name) for file in entry.files]
        shots = part.best_shots(np.arange(len(part)))
        pictures = snapshot.pictures([shot["address"] for shot in shots])
        for picture, first in zip(pictures, part.first_seen.tolist(), strict=True):
            key = format_tracklet_id(picture.recording_id, picture.ordinal)
            assert key not in found
            found[key] = from_microseconds(first), picture.jpeg
    files = [*snapshot.storage.names("parts"), *snapshot.storage.names("packs")]
    assert sorted(files) == sorted(named)
    assert (
        manifest.dropped() == manifest.unfinished("writer") == manifest.unfinished("merger") == []
    )
    held = manifest.held({key.rpartition("-")[0] for key in found})
    assert held == {key.rpartition("-")[0] for key in found}
    manifest.close()
    return found


def wanted(*recordings: IndexedRecording) -> Seen:
    return {
        format_tracklet_id(one.recording_id, tracklet.ordinal): (
            tracklet.first_seen, tracklet.shots[0].jpeg
        )
        for one in recordings
        for tracklet in one.tracklets
        if tracklet.shots
    }  # fmt: skip


def steps(
    place: Place,
    role: str,
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[Committer, int], object],
) -> Iterator[int]:
    """Kill some work at step after step until it comes to its end; each time sweep, and look."""
    step = 1
    while True:
        died = killed(lambda at=step: work(place.committer(role), at), step, monkeypatch)  # type: ignore[misc]
        committer = place.committer(role)
        committer.sweep()
        committer.manifest.close()
        yield step
        if not died:
            return
        step += STRIDE


def test_a_commit_is_there_or_not(
    place: Place, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one(step: int) -> IndexedRecording:
        return indexed(step % 6, 24 * 60 * step, (step,))

    kept: list[IndexedRecording] = []
    for step in steps(place, "writer", monkeypatch, lambda by, at: by.store([one(at)], CAMERAS)):
        found = seen(place)
        if found != wanted(*kept):
            kept.append(one(step))
        assert found == wanted(*kept)
    assert step > 20
    assert len(kept) >= 1


def test_a_merge_loses_nothing(
    place: Place, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [indexed(n, 10 * n, (n, n + 1)) for n in range(3)]
    for one in recordings:
        place.committer("writer").store([one], CAMERAS)

    def work(by: Committer, _: int) -> None:
        Merger(by, lambda _: True).run()

    for step in steps(place, "merger", monkeypatch, work):
        assert seen(place) == wanted(*recordings)
        by = place.committer("writer")
        parts = by.manifest.parts(by.manifest.state().commit)
        if len(parts) == 1:  # there is something to merge the next time
            recordings.append(indexed(step % 6, 20 * step + 60, (step,)))
            by.store([recordings[-1]], CAMERAS)
    assert step > 20


def test_a_purge_takes_whole_recordings(
    place: Place, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays = indexed(0, 24 * 60 + 60, (1, 2))
    over_midnight = indexed(1, 24 * 60 - 2, (3, 4, 5, 6))
    early = indexed(2, 30, (7,))
    place.committer("writer").store([stays, over_midnight, early], CAMERAS)
    ids = [over_midnight.recording_id]
    purged = taken = 0
    for taken in steps(place, "writer", monkeypatch, lambda by, _: purge(by, ids)):
        found = seen(place)
        assert found in (wanted(stays, over_midnight, early), wanted(stays, early)), taken
        if found == wanted(stays, early):
            purged += 1
            place.committer("writer").store([over_midnight], CAMERAS)
    assert purged >= 1
    assert taken > 20


def test_a_correction_moves_all_times_or_none(
    place: Place, indexed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = [indexed(n, 24 * 60 - 2 + n, (n, n + 1, n + 2)) for n in range(3)]
    place.committer("writer").store(recordings, CAMERAS)
    at = recordings[0].started_at
    corrections = [ClockCorrection(float(s), "Anna", "clock", at) for s in (3600, -86_400)]
    before, after = (
        [one.corrected(correction, "recording") for one in recordings] for correction in corrections
    )

    def work(by: Committer, step: int) -> None:
        to = corrections[step % 2]
        restate(by, {
            one.recording_id: corrected(one.stretches, to, "recording") for one in recordings
        })  # fmt: skip

    found, taken = wanted(*recordings), 0
    for taken in steps(place, "writer", monkeypatch, work):
        found = seen(place)
        assert found in (wanted(*recordings), wanted(*before), wanted(*after)), taken
    assert found == wanted(*(before, after)[taken % 2])
    assert taken > 20


@pytest.mark.parametrize("manifest", ["stays", "to Postgres"])
def test_a_move_leaves_the_gallery_whole_in_one_of_two_places(
    tmp_path: Path,
    profile: Profile,
    indexed: Make,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    manifest: str,
) -> None:
    path, there = tmp_path / "town.duckdb", str(tmp_path / "elsewhere")
    recordings = [indexed(n, 24 * 60 - 2 + n, (n, n + 1)) for n in range(3)]
    with Gallery.create(path, profile) as gallery:
        gallery.add_cameras(CAMERAS.values())
        gallery.add_recordings(recordings)
        here = gallery.opened.location
    pictures = {key: jpeg for key, (_, jpeg) in wanted(*recordings).items()}
    address: str | None = None
    more: tuple[Steps, ...] = ()
    if manifest == "to Postgres":
        address = request.getfixturevalue("postgres").address("killed_moves")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE SCHEMA killed_moves")
        more = ((PostgresDatabase, ("_execute",)),)

    def move(to: Location) -> None:
        with Gallery.open(path) as gallery:
            move_gallery(gallery.opened, to)
        with Gallery.open(path) as gallery:
            delete_left(gallery.opened)

    now, step, moves, died = here, 1, 0, True
    while died:
        storage = there if now.storage == here.storage else str(tmp_path / "town.duckdb.gallery")
        to = location_of(path, now, storage=storage, manifest=address)
        died = killed(lambda to=to: move(to), step, monkeypatch, *more)  # type: ignore[misc]
        with Gallery.open(path) as gallery:
            assert gallery.opened.location in (now, to)
            assert [*check(gallery)] == []
            assert {key: gallery.shots(key)[0].jpeg for key in pictures} == pictures
            assert len(gallery.recordings()) == 3
            if gallery.opened.location == to:  # what was left may be deleted by another command
                delete_left(gallery.opened)
                assert left_by(path) == []
                if address is not None:
                    break
                now, moves = to, moves + 1
        step += STRIDE
    assert step > 20
    assert moves or address
    with Gallery.open(path, write=True) as gallery:
        gallery.add_recordings([indexed(3, 60, (9,))])
        assert len(gallery.recordings()) == 4

"""Machines that write one gallery: its manifest in Postgres, its objects in reach of all of them.

Each has a copy of the file and its folder at a path of its own, and so no lock in common with the
other. What the one does comes in the middle of what the other does.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from filling import CAMERA, PROFILE, numbered
from postgres import Postgres

from workbench.domain import ClockCorrection, Recording
from workbench.gallery import Gallery, questions
from workbench.gallery.checking import check
from workbench.gallery.committing import ABANDONED, Attempt, Committer
from workbench.gallery.entries import Change
from workbench.gallery.manifest import Overtaken
from workbench.gallery.moving import objects_of
from workbench.gallery.opening import Location, create
from workbench.indexing.report import ProgressMeter, RecordingReport
from workbench.indexing.storing import Storing


@pytest.fixture
def machines(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[Gallery, Gallery]]:
    """A gallery as two machines have it open for writing."""
    schema = f"m{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"
    with psycopg.connect(postgres.address(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    objects = tmp_path / "objects"
    objects.mkdir(mode=0o700)
    paths = [tmp_path / name / "town.duckdb" for name in ("first", "second")]
    paths[0].parent.mkdir()
    create(paths[0], PROFILE, Location(postgres.address(schema), str(objects))).close()
    shutil.copytree(paths[0].parent, paths[1].parent)
    with ExitStack() as closing:
        made = [closing.enter_context(Gallery.open(path, write=True)) for path in paths]
        made[0].add_cameras([CAMERA])
        yield made[0], made[1]
        assert list(check(made[1])) == []
        storage, manifest = made[1].opened.storage, made[1].opened.manifest
        assert {*storage.names("parts"), *storage.names("packs")} == set(objects_of(manifest))


def files(gallery: Gallery) -> list[str]:
    return sorted(gallery.recordings()["file"])


def amid(
    monkeypatch: pytest.MonkeyPatch, kind: type, name: str, work: Callable[[], object]
) -> None:
    """Have some work done once, at the end of the next call of a method."""
    own, left = getattr(kind, name), [work]

    def around(*args: Any, **more: Any) -> Any:
        found = own(*args, **more)
        while left:
            left.pop()()
        return found

    monkeypatch.setattr(kind, name, around)


def storing(gallery: Gallery, reports: dict[Recording, RecordingReport]) -> Storing:
    listed = {numbered(0).recording.path: {1}}
    meter = ProgressMeter(1, None)
    return Storing(gallery, {CAMERA.camera_id: CAMERA}, listed, None, reports, meter)


def test_what_another_stored_meanwhile_is_told_as_present_and_the_rest_is_stored(
    machines: tuple[Gallery, Gallery],
) -> None:
    one, other = machines
    for numbers in ((0,), (1, 2, 3)):
        reports: dict[Recording, RecordingReport] = {}
        going = storing(one, reports)
        for number in numbers:
            going.take(numbered(number).recording, numbered(number))
        other.add_recording(numbered(numbers[0]))
        going.commit(told=False)
        statuses = [report.status for report in reports.values()]
        assert statuses == ["present", *["indexed"] * (len(numbers) - 1)]
    assert files(one) == files(other) == [f"{n}.mp4" for n in range(4)]


def test_a_clock_that_is_set_meanwhile_holds_for_what_is_stored(
    machines: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    found = datetime.now(UTC)
    hour, day = (ClockCorrection(by, "Anna", "clock", found) for by in (3600.0, 86_400.0))
    amid(
        monkeypatch, Attempt, "write_parts",
        lambda: other.correct_clock(hour, camera_id=CAMERA.camera_id),
    )  # fmt: skip
    one.add_recording(numbered(0))
    amid(monkeypatch, Attempt, "write_parts", lambda: one.add_recording(numbered(1)))
    changes = other.correct_clock(day, camera_id=CAMERA.camera_id)
    assert len(changes) == 2
    assert {those[0].offset_seconds for those in stretches(one)} == {86_400.0}
    # What was given for one recording meanwhile holds against what is given for its camera.
    (first, _) = sorted(one.recordings()["recording_id"])
    amid(monkeypatch, Attempt, "write_parts", lambda: one.correct_clock(hour, recordings=[first]))
    other.correct_clock(ClockCorrection(7.0, "Anna", "clock", found), camera_id=CAMERA.camera_id)
    assert {those[0].offset_seconds for those in stretches(one)} == {3600.0, 7.0}
    assert one.stretches_by_id([first])[first][0].offset_seconds == 3600.0


def stretches(gallery: Gallery) -> list[Any]:
    return [*gallery.stretches_by_id(gallery.recordings()["recording_id"]).values()]


def test_what_is_stored_while_it_is_purged_goes(
    machines: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    gone = numbered(0)
    one.add_recordings([gone, numbered(1)])

    def store_again() -> None:
        other.add_recording(gone)

    amid(monkeypatch, Committer, "delete_dropped", store_again)
    assert one.purge([gone.recording_id])["recordings"] == 2
    assert files(other) == ["1.mp4"]


def test_the_named_file_is_written_of_a_later_commit_where_parts_go_meanwhile(
    machines: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machines
    one.add_recordings([numbered(0)])
    one.add_recordings([numbered(1)])
    views, left = questions._views, [numbered(0).recording_id]

    def purge_before(*given: Any) -> str:
        while left:
            other.purge([left.pop()])
        return views(*given)

    monkeypatch.setattr(questions, "_views", purge_before)
    one.upkeep.renew_named()
    assert not left
    with duckdb.connect(one.path, read_only=True) as connection:
        assert connection.sql("SELECT file FROM recordings").fetchall() == [("1.mp4",)]


def test_what_was_swept_as_it_stood_still_for_a_day_leaves_no_file(
    machines: tuple[Gallery, Gallery],
) -> None:
    one, other = machines
    committer, by = one.upkeep.committer, ABANDONED // timedelta(microseconds=1)
    database = committer.manifest._database

    def stand_still() -> None:
        with committer.attempt() as attempt:
            packs, _ = attempt.write_packs([numbered(0)])
            database.write(
                lambda: database.change(
                    "UPDATE packs SET reserved_at = reserved_at - :n", {"n": by}
                )
            )
            assert other.upkeep.committer.sweep() == 1
            with committer.storage.writing(packs[0].object) as sink:
                sink.write(b"goes on")
            attempt.commit(Change(packs=packs))

    with pytest.raises(Overtaken):
        stand_still()

"""One process writes and may be killed; others read meanwhile and see recordings whole."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from filling import PROFILE, START, TRACKLETS, filling, numbered

from workbench.district import from_shapes
from workbench.domain import Candidate, Scope
from workbench.gallery import Gallery
from workbench.gallery import search as gallery_search
from workbench.gallery.checking import check as check_gallery
from workbench.gallery.moving import objects_of
from workbench.permit.issuing import issue

KILLS = int(os.environ.get("SIGHTLINE_KILLS", "8"))


def search(gallery: Gallery, template: np.ndarray, scope: Scope, *, top: int) -> list[Candidate]:
    """The gallery's own search, with a permit for the question as casework issues them."""
    permit = issue("TEST", "test", 1, gallery=gallery.path, template=template, scope=scope)
    return gallery_search.search(gallery, template, scope, permit=permit, top=top)


def check(gallery: Gallery, stored: int) -> int:
    """Every recording is whole and finds itself; at least those told as stored are there."""
    with gallery.connection() as moment:  # both questions of one moment
        recordings = moment.sql("FROM recordings_view").df()
        ((templates,),) = moment.execute("SELECT count(*) FROM templates_view").fetchall()
    numbers = sorted(int(file.removesuffix(".mp4")) for file in recordings["file"])
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= stored
    assert (recordings["tracklets"] == TRACKLETS).all()
    assert templates == TRACKLETS * len(numbers)
    if numbers:
        import shapely

        area = from_shapes([shapely.box(-0.1, 51.4, 0.1, 51.6)], name="all")
        scope = Scope(area, START, START + timedelta(days=30))
        wanted = random.choice(numbers)
        template = numbered(wanted).tracklets[2].template
        assert template is not None
        best = search(gallery, template, scope, top=1)[0]
        assert best.recording == f"{wanted}.mp4"
        assert best.score == pytest.approx(1.0, abs=1e-6)
        assert b"jpeg %d." % wanted in best.shot_jpeg
    return len(numbers)


@pytest.mark.soak
def test_a_killed_writer_leaves_finished_recordings_and_nothing_else(tmp_path: Path) -> None:
    path, stored, told = tmp_path / "gallery.duckdb", 0, 0
    chance = random.Random(5)
    with Gallery.create(path, PROFILE) as empty:
        assert not len(empty.recordings())
    with Gallery.open(path) as reader:  # stays open over all deaths, and is never wrong
        for _ in range(KILLS):
            known = stored
            with filling(path, first=stored) as writer:
                for _ in range(chance.randint(0, 4)):
                    known, told = writer.said.recv() + 1, told + 1
                    if chance.random() < 0.2:
                        check(reader, known)
                time.sleep(chance.uniform(0.0, 0.05))  # dies anywhere between two recordings
                writer.process.kill()
                known = max([known, *(number + 1 for number in writer.rest())])
            with Gallery.open(path) as gallery:
                stored = check(gallery, known)
            # At most the one that was stored and not yet told.
            assert known <= stored <= known + 1
            assert check(reader, known) == stored
    with Gallery.open(path, write=True) as gallery:  # tidies up
        assert not list(check_gallery(gallery))
        named, storage = set(objects_of(gallery.opened.manifest)), gallery.opened.storage
        assert {*storage.names("parts"), *storage.names("packs")} == named
    assert stored >= told > KILLS


@pytest.mark.slow
def test_readers_see_whole_recordings_at_once_and_wait_for_nobody(tmp_path: Path) -> None:
    path, chance = tmp_path / "gallery.duckdb", random.Random(7)
    with filling(path) as writer, Gallery.open(path, profile=PROFILE) as reader:
        stored, pid = 0, writer.process.pid
        assert pid is not None
        while stored <= 20:
            stored = writer.said.recv() + 1
            time.sleep(chance.uniform(0.0, 0.05))
            # Stopped in the middle of whatever it does: who waited for it would wait for ever.
            os.kill(pid, signal.SIGSTOP)
            reader.refresh()
            assert check(reader, stored) >= stored
            os.kill(pid, signal.SIGCONT)
        assert writer.process.is_alive()

"""People who are seen together are certainly different: their scores are counted, and no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import films
import numpy as np
import pytest
from office import PROFILE, START, normaliser_of
from pictures import jpeg

from workbench.domain import (
    PLAIN_SCALE,
    Box,
    Camera,
    IndexedRecording,
    Quality,
    Recording,
    Shot,
    Tracklet,
    format_tracklet_id,
)
from workbench.evaluation.together import own_footage
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.frames import different_people
from workbench.gallery.importing import import_into
from workbench.gallery.joining import merge
from workbench.indexing import index_catalogue
from workbench.indexing.different import MOST_PAIRS, different_pairs, with_different_people
from workbench.indexing.reembedding import reembed
from workbench.installation import Installation

QUAY = Camera("C1", "Quay", 51.48, -0.01)
NORMALISER = normaliser_of(PROFILE)


def tracklet(
    ordinal: int, x: float, *seconds: float, looks: int = 3, quality: float = 0.9
) -> Tracklet:
    """A tracklet with faces 50 pixels wide at *x*, seen at some seconds."""
    made = np.random.default_rng(ordinal).normal(0, 0.2, PROFILE.dimension).astype(np.float32)
    shots = tuple(
        Shot(at, START + timedelta(seconds=at), Box(x, 10, 50, 50),
             Quality(quality, 0.9, 0.9, 0.9, 0.9), jpeg(), made)
        for at in seconds
    )  # fmt: skip
    return Tracklet(ordinal, shots[0].time, shots[-1].time, looks, shots, made)


def pairs(*tracklets: Tracklet) -> list[tuple[int, int]]:
    return [(one.ordinal, other.ordinal) for one, other in different_pairs(tracklets)]


def recording(name: str, *tracklets: Tracklet) -> IndexedRecording:
    whole = IndexedRecording(
        Recording(name, Path(name), "C1", START), name.encode().hex().ljust(64, "0"), 1, 1, 3600.0,
        640, 360, 100, 100, 10, tracklets,
    )  # fmt: skip
    return with_different_people(whole, PROFILE.metric, NORMALISER)


def test_only_faces_in_one_picture_with_room_for_another_between_them_are_compared() -> None:
    assert pairs(tracklet(0, 0, 1, 2), tracklet(1, 100, 2, 3)) == [(0, 1)]
    assert pairs(tracklet(0, 0, 1), tracklet(1, 99, 1)) == []  # too near
    assert pairs(tracklet(0, 0, 1), tracklet(1, 100, 2)) == []  # never together
    assert pairs(tracklet(0, 0, 1), tracklet(1, 100, 1, looks=2)) == []
    near = tracklet(1, 100, 1, 2)
    moved = replace(near, shots=(near.shots[0], replace(near.shots[1], box=Box(30, 10, 50, 50))))
    assert pairs(tracklet(0, 0, 1, 2), moved) == []  # in one place in one of two pictures
    # While footage is indexed, all pictures are known: three must show them apart.
    seen = [tuple((float(second), Box(x, 10, 50, 50)) for second in range(3)) for x in (0, 100)]
    one, other = (
        replace(tracklet(number, x, 7), moments=those)
        for number, (x, those) in enumerate(zip((0, 100), seen, strict=True))
    )
    assert pairs(one, other) == [(0, 1)]
    assert pairs(one, replace(other, moments=other.moments[:2])) == []
    crossing = (*other.moments, (3.0, Box(20, 10, 50, 50)))
    assert pairs(replace(one, moments=(*one.moments, (3.0, Box(0, 10, 50, 50)))),
                 replace(other, moments=crossing)) == []  # fmt: skip
    unsearchable = replace(tracklet(1, 100, 1), template=None)
    assert pairs(tracklet(0, 0, 1), unsearchable) == []


def test_a_poster_is_in_no_more_pairs_than_anybody() -> None:
    poster = tracklet(0, 0, *range(10))
    passing = [tracklet(n, 200, n) for n in range(1, 10)]
    assert len(pairs(poster, *passing)) == MOST_PAIRS


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.create(tmp_path / "gallery.duckdb", PROFILE) as made:
        made.add_cameras([QUAY])
        made.add_recordings(
            [
                recording("a.mp4", tracklet(0, 0, 1), tracklet(1, 200, 1, quality=0.7)),
                recording("b.mp4", tracklet(2, 0, 1), tracklet(3, 200, 1), tracklet(4, 400, 1)),
                recording("c.mp4", tracklet(5, 0, 1)),
            ]
        )
        yield made


def test_counts_hold_no_pair_no_tracklet_and_no_time(gallery: Gallery) -> None:
    rows = gallery.arrow("FROM different_people ORDER BY ALL").to_pylist()
    assert {*rows[0]} == {"recording_id", "scale", "quality", "score", "width", "comparisons"}
    own = own_footage(gallery)
    assert (own.pairs, own.recordings, own.seconds) == (4, 3, 3 * 3600.0)
    one, other = tracklet(0, 0, 1).template, tracklet(1, 200, 1).template
    expected = 1 - float(np.linalg.norm(one - other))
    assert np.abs(own.scores - expected).min() < 0.005
    assert sorted(own.quality) == [0.6, 0.8, 0.8, 0.8]
    normalised = own_footage(gallery, NORMALISER)
    assert (normalised.pairs, normalised.scale) == (4, NORMALISER.scale)
    expected = float(NORMALISER.scores(one[None], other[None])[0, 0])
    assert np.abs(normalised.scores - expected).min() < 0.05
    # Another calibration's scores are not those that were counted: they are counted now.
    another = normaliser_of(PROFILE, seed=1)
    expected = float(another.scores(one[None], other[None])[0, 0])
    assert len(different_people(gallery, another.scale)) == 0
    assert np.abs(own_footage(gallery, another).scores - expected).min() < 0.05
    left = own_footage(gallery, another, count=False)
    assert (left.pairs, left.recordings, left.left_out, left.missing()) == (0, 0, 3, "")
    assert "3 more recordings are left out here" in left.words()
    assert own_footage(gallery, count=False).words() == own.words()
    # Nothing was seen together in the last: it was looked through all the same.
    assert (different_people(gallery, PLAIN_SCALE)["comparisons"] == 0).sum() == 1


def test_counts_go_with_their_recording_and_with_a_tracklet_that_goes(gallery: Gallery) -> None:
    ids = dict(gallery.recordings()[["file", "recording_id"]].itertuples(index=False))

    def kept() -> set[str]:
        return set(different_people(gallery, PLAIN_SCALE)["recording_id"])

    gallery.purge([ids["a.mp4"]])
    assert kept() == {ids["b.mp4"], ids["c.mp4"]}
    assert own_footage(gallery).pairs == 3
    gallery.purge(tracklet_ids=[format_tracklet_id(ids["b.mp4"], 2)])
    assert kept() == {ids["c.mp4"]}
    # Of those that are left, the pairs are counted when they are asked for.
    assert own_footage(gallery).pairs == 1


def test_counts_are_added_when_galleries_are_and_never_twice(
    gallery: Gallery, tmp_path: Path
) -> None:
    with Gallery.create(tmp_path / "other.duckdb", PROFILE) as other:
        other.add_cameras([QUAY])
        other.add_recording(recording("d.mp4", tracklet(6, 0, 1), tracklet(7, 200, 1)))
        merge(other.writer, gallery)
        merge(other.writer, gallery)
        assert own_footage(other).pairs == 5
        export(other, tmp_path / "parquet")
        assert list(check(other)) == []
    with Gallery.create(tmp_path / "again.duckdb", PROFILE) as again:
        import_into(again.writer, tmp_path / "parquet")
        import_into(again.writer, tmp_path / "parquet")
        assert own_footage(again).pairs == 5


def test_pairs_that_an_earlier_version_did_not_count_are_counted_when_it_is_asked_for(
    gallery: Gallery, tmp_path: Path
) -> None:
    """Early exports have no such table."""
    before = own_footage(gallery)
    export(gallery, tmp_path / "parquet")
    for file in (tmp_path / "parquet").rglob("different_people.parquet"):
        file.unlink()
    with Gallery.create(tmp_path / "early.duckdb", PROFILE) as early:
        import_into(early.writer, tmp_path / "parquet")
        assert len(different_people(early, PLAIN_SCALE)) == 0
        now = own_footage(early)
        assert (now.pairs, now.recordings, now.seconds) == (4, 3, 3 * 3600.0)
        assert np.array_equal(now.scores, before.scores)
        ids = dict(early.recordings()[["file", "recording_id"]].itertuples(index=False))
        early.purge([ids["a.mp4"]])
        assert own_footage(early).pairs == 3


@pytest.mark.slow
def test_two_people_who_walk_side_by_side_are_counted_once(
    tmp_path: Path, installation: Installation, cuts: dict[str, Path]
) -> None:
    pictures = [films.pictures_of(name) for name in ("Maren Holt", "Edwin Marsh")]
    room = np.full((len(pictures[0][0]), 200, 3), 90, np.uint8)
    both = [np.hstack([one, room, other]) for one, other in zip(*pictures, strict=False)]
    films.write(tmp_path / "both.mp4", both)
    shutil.copyfile(cuts["Tobias Reed"], tmp_path / "alone.mkv")
    (tmp_path / "cameras.csv").write_text(
        "camera_id,name,latitude,longitude\nC1,Quay,51.48,-0.01\n"
    )
    (tmp_path / "footage.csv").write_text(
        "file,camera_id,started_at\nboth.mp4,C1,2026-03-01T10:00:00Z\n"
        "alone.mkv,C1,2026-03-02T10:00:00Z\n"
    )
    models = installation.load_models("dlib")
    with Gallery.create(tmp_path / "g.duckdb", models.profile) as gallery:
        index_catalogue(tmp_path, gallery, models)
        own = own_footage(gallery)
        assert (own.pairs, own.recordings) == (1, 2)
        one, other = (
            np.array(row["template"])
            for row in gallery.templates().to_pylist()
            if row["camera_id"] == "C1" and row["first_seen"].day == 1
        )
        assert own.scores[0] == pytest.approx(1 - np.linalg.norm(one - other), abs=0.005)
        with Gallery.create(tmp_path / "again.duckdb", models.profile) as again:
            # The same networks under the same name: what is stored is enough for the same pairs.
            reembed(gallery, again, models)
            assert own_footage(again).pairs == 1

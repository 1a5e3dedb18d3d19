"""Search is exact inside the scope, against plain arithmetic."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from workbench.calibration import Normaliser
from workbench.calibration.normaliser import BEST
from workbench.district import from_geojson
from workbench.domain import Camera, Candidate, District, IndexedRecording, Metric, Profile, Scope
from workbench.errors import DistrictError, GalleryError
from workbench.faces.templates import scores
from workbench.gallery import Gallery
from workbench.gallery import search as gallery_search
from workbench.gallery.checking import check
from workbench.gallery.codes import quantise
from workbench.gallery.opening import folder_of
from workbench.gallery.scan import Question
from workbench.permit.issuing import issue

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)


def district(south: float, north: float) -> District:
    ring = [[-0.1, south], [0.1, south], [0.1, north], [-0.1, north], [-0.1, south]]
    return from_geojson({"type": "Polygon", "coordinates": [ring]}, name="test")


EVERYWHERE = Scope(district(51, 52), START - timedelta(days=1), START + timedelta(days=1))


def search(gallery: Gallery, template: np.ndarray, scope: Scope, **options: Any) -> list[Candidate]:
    """The gallery's own search, with a permit for the question as casework issues them."""
    permit = issue("TEST", "test", 1, gallery=gallery.path, template=template, scope=scope)
    return gallery_search.search(gallery, template, scope, permit=permit, **options)


def normaliser_for(gallery: Gallery) -> Normaliser:
    """Centroids of nobody, of the gallery's dimension."""
    return Normaliser(
        metric=gallery.profile.metric,
        centroids=np.random.default_rng(11).normal(0, 0.2, (9, 8)).astype(np.float32),
        mean=-0.3,
        deviation=0.25,
        people_each=5,
        people=45,
        source="numbers",
        licence="none",
    )


def expected(
    gallery: Gallery, probe: np.ndarray, scope: Scope, normaliser: Normaliser | None = None
) -> list[tuple[str, float]]:
    """The answer from plain tables: every row, filtered and scored one by one."""
    _, south, _, north = scope.district.area.bounds
    inside = {c.camera_id for c in gallery.cameras() if south <= c.latitude <= north}
    found = []
    for row in gallery.templates().to_pylist():
        seen = row["first_seen"] < scope.end and row["last_seen"] >= scope.start
        if seen and row["camera_id"] in inside:
            template = np.array([row["template"]], np.float32)
            score = float(scores(template, probe, gallery.profile.metric)[0])
            if normaliser is not None:
                score = by_the_formula(normaliser, template[0], probe)
            found.append((f"{row['recording_id']}-{row['ordinal']}", score))
    return sorted(found, key=lambda row: -row[1])


def by_the_formula(normaliser: Normaliser, template: np.ndarray, probe: np.ndarray) -> float:
    """One normalised score, in plain arithmetic."""

    def similarity(a: np.ndarray, b: np.ndarray) -> float:
        if normaliser.metric == "euclidean":
            return 1 - float(np.sqrt(((a - b) ** 2).sum()))
        return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))

    def offset(vector: np.ndarray) -> float:
        return float(np.mean(sorted(similarity(vector, c) for c in normaliser.centroids)[-BEST:]))

    shared = (offset(probe) + offset(template)) / 2
    return (similarity(template, probe) - shared - normaliser.mean) / normaliser.deviation


def probe_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, 8).astype(np.float32)


@settings(
    max_examples=settings().max_examples * 2 // 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 1000),
    south=st.integers(0, 5),
    size=st.integers(0, 5),
    begin=st.integers(-10, 135),
    minutes=st.integers(1, 150),
    threshold=st.none() | st.floats(-0.5, 1),
    top=st.none() | st.integers(1, 70),
    normalised=st.booleans(),
)
def test_the_answer_is_that_of_plain_arithmetic(
    searched: Gallery,
    seed: int,
    south: int,
    size: int,
    begin: int,
    minutes: int,
    threshold: float | None,
    top: int | None,
    normalised: bool,
) -> None:
    area = district(51.48 + south / 1000 - 1e-5, 51.48 + (south + size) / 1000 + 1e-5)
    start = START + timedelta(minutes=begin)
    scope = Scope(area, start, start + timedelta(minutes=minutes))
    probe = probe_of(seed)
    normaliser = normaliser_for(searched) if normalised else None
    wanted = expected(searched, probe, scope, normaliser)
    if threshold is not None:
        # A score at the threshold itself may round either way.
        assume(all(abs(score - threshold) > 1e-5 for _, score in wanted))
        wanted = [row for row in wanted if row[1] >= threshold]
    if top is not None:
        wanted = wanted[:top]
    found = search(searched, probe, scope, top=top, threshold=threshold, normaliser=normaliser)
    assert [c.score for c in found] == pytest.approx([score for _, score in wanted], abs=1e-5)
    assert {c.scale for c in found} <= {normaliser.scale if normaliser else "plain"}
    assert {c.tracklet_id for c in found} == {name for name, _ in wanted}
    assert all(earlier.score >= later.score for earlier, later in pairwise(found))


def test_offsets_are_kept_beside_the_parts_and_go_with_them(
    gallery: Gallery, tmp_path: Path
) -> None:
    normaliser = normaliser_for(gallery)
    plain = search(gallery, probe_of(1), EVERYWHERE)
    first = search(gallery, probe_of(1), EVERYWHERE, normaliser=normaliser)
    assert {c.tracklet_id for c in first} == {c.tracklet_id for c in plain}
    kept = sorted((folder_of(gallery.path) / "derived").glob("*.npy"))
    assert len(kept) == gallery.counts()["parts"]
    assert [*check(gallery)] == []
    # What was cut short is made again; what was altered is told by the check.
    whole = kept[0].read_bytes()
    kept[0].write_bytes(whole[:-40])
    with Gallery.open(gallery.path) as again:
        assert search(again, probe_of(1), EVERYWHERE, normaliser=normaliser) == first
    assert kept[0].read_bytes() == whole
    kept[0].write_bytes(whole[:-40] + b"\0\0\0\0" + whole[-36:])
    assert "was altered; delete it" in str(next(iter(check(gallery))))
    # No search believes it.
    with Gallery.open(gallery.path) as again:
        assert search(again, probe_of(1), EVERYWHERE, normaliser=normaliser) == first
    assert kept[0].read_bytes() == whole
    # Nor does one fail over what cannot be read or replaced.
    kept[0].unlink()
    kept[0].mkdir()
    assert "cannot be read" in str(next(iter(check(gallery))))
    with Gallery.open(gallery.path) as again:
        assert search(again, probe_of(1), EVERYWHERE, normaliser=normaliser) == first
    kept[0].rmdir()
    kept[0].write_bytes(whole)
    plain_bytes = gallery_search.explain(gallery, EVERYWHERE).bytes
    more = gallery_search.explain(gallery, EVERYWHERE, normalised=True).bytes - plain_bytes
    assert more == 4 * len(first)
    gallery.purge(gallery.recordings()["recording_id"])
    assert not [*kept[0].parent.glob("*.npy")]


def test_no_offsets_of_purged_templates_stay(gallery: Gallery) -> None:
    normaliser, folder = normaliser_for(gallery), folder_of(gallery.path) / "derived"
    with Gallery.open(gallery.path) as reader:
        asked = [reader.snapshot.part(entry) for entry in reader.snapshot.parts()]
        assert all(len(part.templates) for part in asked)  # they are mapped
        # What killed processes left, of parts that went before.
        left = ("0123456789abcdef.normalised-1.npy", "0123456789abcdef.normalised-1.ab.part")
        for name in left:
            (folder / name).write_bytes(b"numbers of somebody")
        assert [p.where for p in check(reader)] == sorted(left)
        gallery.purge(gallery.recordings()["recording_id"])
        assert [path.name for path in folder.iterdir()] == ["named.json"]
        # A search that began before the purge still has its rows, and keeps nothing of them.
        for part in asked:
            found = reader.offsets.of(part, normaliser)
            assert np.array_equal(found, normaliser.offsets(part.templates))
        assert asked
    assert [path.name for path in folder.iterdir()] == ["named.json"]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("length", [0.2, 1.0, 30.0])
def test_what_codes_lose_of_a_normalised_score_is_within_its_bound(
    metric: Metric, length: float, tmp_path: Path
) -> None:
    generator = np.random.default_rng(3)
    templates = generator.normal(0, length / 4, (500, 16)).astype(np.float32)
    centroids = generator.normal(0, length / 4, (20, 16)).astype(np.float32)
    normaliser = Normaliser(metric, centroids, 0.0, 1.0, 5, 100, "numbers", "none")
    if metric == "cosine":
        templates /= np.linalg.norm(templates, axis=1, keepdims=True)
    scale, codes, lost = quantise(templates)
    lengths = np.linalg.norm(templates.astype(np.float64), axis=1)
    index = SimpleNamespace(
        lost=float(lost.max()), longest=float(lengths.max()), scale=scale,
        square=(lengths**2).astype(np.float32),
    )  # fmt: skip
    offsets = normaliser.offsets(templates)
    every, widest = slice(0, len(templates)), 0.0
    # The nearest templates themselves too, where distances are short.
    for probe in [*generator.normal(0, length / 4, (40, 16)), *templates[:10]]:
        question = Question(probe, metric, top=None, threshold=-np.inf, normaliser=normaliser)
        products = codes.astype(np.int32) @ question.codes.astype(np.int32).T
        keys = question.keys(index, products, every, offsets)
        lower = question.lower(index, keys, offsets)
        truth = question.scores(templates, offsets) - (metric == "euclidean")
        assert (keys >= truth).all()
        assert (lower <= truth).all()
        widest = max(widest, float((np.abs(keys - truth) / (keys - lower)).max()))
    assert widest > 0.5  # the bounds are not so wide that they prove nothing


def test_a_tracklet_finds_itself_with_its_best_shot(searched: Gallery) -> None:
    row = sorted(
        searched.templates().to_pylist(), key=lambda r: (r["first_seen"], r["recording_id"])
    )[7]
    template = np.array(row["template"], np.float32)
    best = search(searched, template, EVERYWHERE, top=1)[0]
    assert best.tracklet_id == f"{row['recording_id']}-{row['ordinal']}"
    assert best.score == pytest.approx(1, abs=1e-6)
    shot = searched.shots(best.tracklet_id)[0]
    assert best.shot_jpeg == shot.jpeg
    assert (best.shot_seconds, best.shot_time) == (shot.seconds, shot.time)
    assert best.quality == shot.quality.overall == 0.9
    assert best.first_seen.tzinfo is UTC
    assert best.camera.camera_id == row["camera_id"]


def test_time_is_a_half_open_range_that_tracklets_may_overlap(searched: Gallery) -> None:
    # Tracklets are seen from each full minute on for five seconds.
    def count(begin: float, end: float) -> int:
        scope = Scope(
            EVERYWHERE.district, START + timedelta(seconds=begin), START + timedelta(seconds=end)
        )
        return len(search(searched, probe_of(1), scope))

    assert count(-10, 0) == 0  # the end is outside
    assert count(-10, 0.001) == 4  # one on each camera with footage
    assert count(4, 10) == 4
    assert count(5, 10) == 4  # last seen at five seconds: inside
    assert count(5.001, 60) == 0


def test_equal_scores_come_in_the_same_order_each_time(searched: Gallery) -> None:
    probe = np.zeros(8, np.float32) if searched.profile.metric == "euclidean" else probe_of(3)
    first = [c.tracklet_id for c in search(searched, probe, EVERYWHERE)]
    assert all(first == [c.tracklet_id for c in search(searched, probe, EVERYWHERE)] for _ in "123")


@pytest.mark.parametrize("bad", [np.full(8, np.nan), np.zeros(5), np.array([np.inf] * 8)])
def test_a_broken_probe_is_refused(searched: Gallery, bad: np.ndarray) -> None:
    with pytest.raises(GalleryError, match="not a finite vector of 8 numbers"):
        search(searched, bad.astype(np.float32), EVERYWHERE)


def test_a_search_for_no_candidates_is_refused(searched: Gallery) -> None:
    with pytest.raises(GalleryError, match="Ask for at least one"):
        search(searched, probe_of(1), EVERYWHERE, top=0)


def test_a_scope_without_a_camera_is_refused(searched: Gallery) -> None:
    scope = Scope(district(10, 11), EVERYWHERE.start, EVERYWHERE.end)
    with pytest.raises(DistrictError, match="holds no camera"):
        search(searched, probe_of(1), scope)


@pytest.mark.slow
def test_a_search_keeps_no_more_mapped_than_is_set(
    path: Path, profile: Profile, indexed: Callable[..., IndexedRecording]
) -> None:
    wide = replace(profile, dimension=2_048, metric="cosine")
    rng = np.random.default_rng(1)

    def recording(number: int) -> IndexedRecording:
        made = indexed(number % 4, 20 * number, (1,))
        shot = made.tracklets[0].shots[0]
        tracklets = []
        for ordinal in range(400):
            vector = rng.normal(0, 1, wide.dimension).astype(np.float32)
            one = replace(shot, template=vector)
            tracklets.append(
                replace(made.tracklets[0], ordinal=ordinal, shots=(one,), template=vector)
            )
        return replace(made, tracklets=tuple(tracklets))

    with Gallery.create(path, wide) as gallery:
        gallery.add_cameras([Camera(f"C{n}", f"C{n}", 51.48, -0.01) for n in range(4)])
        for number in range(12):
            gallery.add_recording(recording(number))
        gallery.compact()
    with Gallery.open(path) as gallery:
        scope = Scope(district(-1, 60), START, START + timedelta(days=9))
        probe = np.ones(wide.dimension, np.float32)
        expected = search(gallery, probe, scope, top=5)
        before = mapped(gallery)
        assert before > 8e6
    with Gallery.open(path, memory_mb=2) as gallery:
        assert search(gallery, probe, scope, top=5) == expected
        assert mapped(gallery) < before / 2


def mapped(gallery: Gallery) -> int:
    """Bytes of what is scanned that this process has in its page tables now."""
    gc.collect()
    sizes, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ")[0]:
            inside = str(gallery.path) in line and line.endswith("scan.arrow")
        elif inside and line.startswith("Rss:"):
            sizes += 1024 * int(line.split()[1])
    return sizes

"""Search over parts, and what there is: the same answers as from a gallery of segments."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parted import DIMENSION, MOVED, SOME, START, InParts, Twins, correct, opened, twins

from workbench.calibration import Normaliser
from workbench.district import from_geojson
from workbench.domain import (
    Camera,
    Candidate,
    ClockCorrection,
    ClockSetting,
    Coverage,
    Filter,
    IndexedRecording,
    Progress,
    Scope,
)
from workbench.errors import Cancelled, DistrictError, GalleryError, NotPermitted
from workbench.gallery import Gallery, searching
from workbench.gallery import search as in_segments
from workbench.gallery.derived import DerivedOffsets
from workbench.gallery.footage import Footage, recordings_inside
from workbench.gallery.merging import Merger
from workbench.gallery.parts import Part
from workbench.gallery.removal import purge
from workbench.gallery.resolving import InsideRows
from workbench.gallery.snapshot import Snapshot
from workbench.permit import Permit
from workbench.permit.issuing import issue


@pytest.fixture(scope="module", params=["euclidean", "cosine"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Twins]:
    made = twins(tmp_path_factory.mktemp("twins"), request.param, 5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[IndexedRecording]]:
    folder = tmp_path_factory.mktemp("small")
    made = twins(folder, "cosine", 3, count=9)
    made.close()
    return folder, made.recordings


@pytest.fixture
def fresh(small: tuple[Path, list[IndexedRecording]], tmp_path: Path) -> Iterator[InParts]:
    """A gallery in parts of the test alone."""
    folder, recordings = small
    made = opened(shutil.copytree(folder, tmp_path / "own"), recordings)
    yield made
    made.close()


def normaliser_for(made: InParts) -> Normaliser:
    centroids = np.random.default_rng(11).normal(0, 0.2, (9, DIMENSION)).astype(np.float32)
    return Normaliser(made.reader.profile.metric, centroids, -0.3, 0.25, 5, 45, "numbers", "none")


@dataclass(frozen=True)
class Asked:
    """One question with all its options."""

    template: np.ndarray
    scope: Scope
    only: Filter | None
    top: int | None
    threshold: float | None
    normalised: bool

    def options(self, made: InParts) -> dict[str, Any]:
        return {
            "only": self.only, "top": self.top, "threshold": self.threshold,
            "normaliser": normaliser_for(made) if self.normalised else None,
        }  # fmt: skip


def box(west: float, south: float, east: float, north: float, *, slanted: bool = False) -> Any:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    if slanted:  # not a rectangle: each camera is tested
        ring.insert(3, [(west + east) / 2, north + 0.0005])
    return from_geojson({"type": "Polygon", "coordinates": [ring]}, name="test")


EVERYWHERE = Scope(
    box(-1, 51, 1, 52), START - timedelta(days=9), START + timedelta(days=9), frozenset({"B"})
)


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    whole = draw(st.integers(0, 3)) == 0
    south, north = sorted(draw(st.lists(st.integers(0, 9), min_size=2, max_size=2, unique=True)))
    district = box(
        -1, 51.4795 + south / 1000, draw(st.sampled_from([-0.006, 1])), 51.4795 + north / 1000,
        slanted=draw(st.booleans()),
    )  # fmt: skip
    begin = START + timedelta(minutes=draw(st.integers(-1000, 3000)))
    scope = Scope(
        EVERYWHERE.district if whole else district,
        EVERYWHERE.start if whole else begin,
        EVERYWHERE.end if whole else begin + timedelta(minutes=draw(st.integers(1, 4000))),
        draw(st.sampled_from([frozenset[str](), frozenset({"B"}), frozenset({"B", "B2", "C2"})])),
    )
    windows = [
        (START + timedelta(hours=first), START + timedelta(hours=first + length))
        for first, length in draw(
            st.lists(st.tuples(st.integers(-20, 60), st.integers(1, 20)), max_size=3)
        )
    ]
    only = Filter(
        draw(st.one_of(st.none(), st.frozensets(st.sampled_from(["B", "C0", "C1", "C3", "C5"])))),
        draw(st.sampled_from([None, tuple(windows)])),
        draw(st.sampled_from([0.0, 0.0, 0.5, 0.99])),
    )
    random = np.random.default_rng(draw(st.integers(0, 12)))
    shape = draw(st.sampled_from([(DIMENSION,), (2, DIMENSION)]))
    return Asked(
        random.normal(0, 0.3, shape).astype(np.float32), scope,
        draw(st.sampled_from([None, only])), draw(st.sampled_from([None, 1, 3, 10])),
        draw(st.sampled_from([None, None, 0.0, 0.3, 0.6])), draw(st.booleans()),
    )  # fmt: skip


def permit(made: InParts, asked: Asked) -> Permit:
    path = made.reader.path
    return issue("T", "test", 1, gallery=path, template=asked.template, scope=asked.scope)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or what its error says."""
    try:
        return call()
    except (DistrictError, GalleryError) as error:
        return type(error), error.what, error.where, error.fix


def same_coverage(one: Coverage, other: Coverage) -> bool:
    """Check that two coverages are equal, but for what sums of seconds round."""
    seconds = ("footage_seconds", "unseen_seconds")
    for name in seconds:
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-5)
    about: dict[str, Any] = dict.fromkeys(seconds, 0.0)
    return replace(one, **about) == replace(other, **about)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(asked=questions())
def test_every_question_has_the_answer_of_a_gallery_of_segments(both: Twins, asked: Asked) -> None:
    about: dict[str, list[Progress]] = {"segments": [], "parts": []}
    options = asked.options(both)
    wanted = outcome(
        lambda: in_segments.search(
            both.gallery, asked.template, asked.scope, permit=permit(both, asked),
            progress=about["segments"].append, **options,
        )
    )  # fmt: skip
    found = outcome(
        lambda: searching.search(
            both.reader, asked.template, asked.scope, permit=permit(both, asked),
            progress=about["parts"].append, **options,
        )
    )  # fmt: skip
    assert found == wanted  # scores bit by bit, pictures, notes on times, and their order
    assert [p[-1:] for p in about.values()] in ([about["segments"][-1:]] * 2, [[], []])
    covered, wanted_coverage = (
        outcome(lambda: both.gallery.coverage(asked.scope, only=asked.only)),
        outcome(lambda: searching.coverage(both.reader, asked.scope, only=asked.only)),
    )
    if isinstance(covered, Coverage):
        assert same_coverage(covered, wanted_coverage)
    else:
        assert covered == wanted_coverage
    narrowed: dict[str, Any] = {"only": asked.only, "normalised": asked.normalised}
    told = outcome(lambda: searching.explain(both.reader, asked.scope, **narrowed))
    wanted_told = outcome(lambda: in_segments.explain(both.gallery, asked.scope, **narrowed))
    if isinstance(told, searching.Explanation):
        for name in ("cameras", "tracklets", "bytes", "quality"):
            assert getattr(told, name) == getattr(wanted_told, name)
    else:
        assert told == wanted_told


def found_in(made: InParts, **options: Any) -> list[Candidate]:
    """All that the newest snapshot has, by score."""
    asked = Asked(np.ones(DIMENSION, np.float32), EVERYWHERE, None, None, None, False)
    return searching.search(
        made.reader, asked.template, asked.scope, permit=permit(made, asked), **options
    )


def test_one_answer_has_candidates_coverage_and_cost_of_one_resolved_scope(both: Twins) -> None:
    scope, only = EVERYWHERE, Filter(quality=0.4)
    probes = [np.full(DIMENSION, n, np.float32) for n in (1, 2)]
    asked = [Asked(probe, scope, only, 3, None, False) for probe in probes]
    whole = searching.answer(
        both.reader, probes, scope, permits=[permit(both, one) for one in asked], only=only, top=3
    )
    assert [len(one) for one in whole.candidates] == [3, 3]
    assert whole.coverage == searching.coverage(both.reader, scope, only=only)
    assert whole.explanation == searching.explain(both.reader, scope, only=only)
    assert sum(whole.explanation.quality) == whole.explanation.tracklets
    assert whole.explanation.tracklets < whole.coverage.tracklets


def test_what_there_is_is_what_a_gallery_of_segments_says(both: Twins) -> None:
    gallery, footage = both.gallery, Footage(both.committer.manifest, str(both.gallery.path))
    ids = [one.recording_id for one in both.recordings]
    keys = [(one.sha256, one.recording.camera_id, one.recording.stream) for one in both.recordings]
    keys += [(sha256, f"{camera}@2", 0) for sha256, camera, _ in keys[::3]] + [("x", "C0", 1)]
    shots = next(t.shots for one in both.recordings for t in one.tracklets if t.shots)
    later = replace(both.recordings[0], sha256="e" * 64)
    recording = replace(later.recording, camera_id="C0", stream=1)
    since, until = START + timedelta(hours=5), START + timedelta(hours=30)
    old = gallery.stretches_by_id(ids)
    new = {name: (replace(those[0], offset_seconds=99.0),) for name, those in old.items()}
    given = ClockCorrection(3.0, "Anna", "compared", START)
    settings_given = [
        ClockSetting(given, camera_id="B"), ClockSetting(given, camera_id="C3", since=since),
        ClockSetting(given, folder="C2", catalogue="/media/one"), ClockSetting(given, folder="."),
    ]  # fmt: skip
    asks: list[Callable[[Any], object]] = [
        lambda one: one.stretches_by_id(ids),
        lambda one: one.starts(ids),
        lambda one: one.readings(ids),
        lambda one: [one.how_read(name) for name in ids[:2]],
        lambda one: outcome(lambda: one.how_read("0" * 16)),
        lambda one: {key: sorted(those) for key, those in one.known_files().items()},
        lambda one: one.same_recordings(keys),
        lambda one: one.same_recordings(keys, anywhere=True),
        lambda one: [one.holds(name) for name in (*ids, "0" * 16)],
        lambda one: one.holds_only({r.sha256 for r in both.recordings}),
        lambda one: one.holds_only({r.sha256 for r in both.recordings[1:]}),
        lambda one: one.same_content(later),
        lambda one: [one.same_content(r) for r in both.recordings],
        lambda one: [one.overlapping(r) for r in (later, *both.recordings)],
        lambda one: one.recorded_between(SOME[2:5], since, until),
        lambda one: [one.legs_of(camera) for camera in ("B", "C0")],
        lambda one: one.tracks(ids),
        lambda one: one.placed_by_clock(old, new),
        lambda one: one.recorded_parts(ids),
        lambda one: one.recorded_parts(ids, seen_only=True),
        lambda one: one.seconds_held(ids[0], shots),
        lambda one: one.clock_of(recording),
        lambda one: [one.concerned_by(setting) for setting in settings_given],
        lambda one: stretches_told(one),
        lambda one: stretches_told(one, recording_id=ids[4]),
        lambda one: stretches_told(one, camera_id="C3", uncertain=True),
        lambda one: stretches_told(one, uncertain=True),
    ]
    for number, ask in enumerate(asks):
        assert ask(footage) == ask(gallery), number
    rows = [(name, *key) for name, key in zip(ids, keys, strict=False)] + [("0" * 16, *keys[0])]
    assert footage.already_here(rows) == {name for name, *_ in rows}
    assert footage.catalogues("C3") == catalogues_of(gallery, "C3")
    told = gallery.refusals()
    assert [(one.entry.file, one.started_at, one.stated_at, one.offset_seconds)
            for one in footage.refused()] == [*zip(
        told["file"], told["started_at"], told["stated_at"], told["offset_seconds"], strict=True
    )]  # fmt: skip
    assert told["offset_seconds"].tolist() == [1800, 0]
    for scope in (EVERYWHERE, Scope(box(-1, 51, 1, 51.4825), since, until)):
        wanted = gallery.recordings_inside(scope)
        assert recordings_inside(both.reader.resolve(scope)) == wanted != set()


def stretches_told(where: Gallery | Footage, **options: Any) -> list[object]:
    names = ("recording_id", "file", "camera_id", "stated_at", "catalogue", "ends", "is_all")
    return [
        ([row[name] for name in names], stretch)
        for row, stretch in where.recorded_stretches(**options)
    ]


def catalogues_of(gallery: Gallery, folder: str) -> tuple[set[str], set[str]]:
    rows = gallery.arrow("SELECT catalogue, file FROM recordings").to_pylist()
    inside = {row["catalogue"] for row in rows if row["file"].startswith(f"{folder}/")}
    return {row["catalogue"] for row in rows}, inside


def test_only_planned_parts_are_opened(fresh: InParts, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    make = Part.__init__

    def noting(part: Part, storage: Any, entry: Any, profile: Any) -> None:
        opened.append(entry.name)
        make(part, storage, entry, profile)

    monkeypatch.setattr(Part, "__init__", noting)
    all_parts = fresh.reader.snapshot.refreshed().parts()
    day = max(entry.day for entry in all_parts)
    begin = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, hours=-1)
    asked = Asked(
        np.ones(DIMENSION, np.float32), replace(EVERYWHERE, start=begin), None, None, None, False
    )
    for _ in range(2):
        searching.answer(
            fresh.reader, [asked.template], asked.scope, permits=[permit(fresh, asked)]
        )
    planned = fresh.reader.resolve(asked.scope).entries
    assert sorted(opened) == sorted(entry.name for entry in planned)
    assert 0 < len(planned) < len(all_parts)


@pytest.mark.parametrize("error", [Cancelled("stop"), KeyboardInterrupt()])
def test_a_search_that_is_stopped_leaves_the_next_one_whole(
    fresh: InParts, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.gallery.scan.AT_A_TIME", 1)
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise error

    before = found_in(fresh)
    with pytest.raises(type(error)):
        found_in(fresh, progress=stop)
    assert len(seen) == 2
    assert 0 < seen[0].done < seen[1].done < seen[1].total == len(before)
    assert found_in(fresh) == before


@pytest.mark.parametrize("what", ["merge", "purge", "correction"])
@pytest.mark.parametrize("when", ["after planning", "before the names", "before the pictures"])
def test_what_is_gone_meanwhile_is_asked_of_the_newest_snapshot(
    fresh: InParts, monkeypatch: pytest.MonkeyPatch, what: str, when: str
) -> None:
    before = found_in(fresh)
    best = before[0].recording_id
    # Nothing is mapped any more: as for a process that asks for the first time.
    parts = fresh.reader.snapshot.parts()
    fresh.reader.snapshot.open_parts.forget([entry.name for entry in parts])
    happened: list[str] = []

    def meanwhile() -> None:
        if happened:
            return
        happened.append(what)
        if what == "purge":
            purge(fresh.committer, [best])
        elif what == "correction":
            correct(fresh, [one for one in fresh.recordings if one.recording_id == best], 7200.0)
        else:
            merging = replace(fresh.committer, role="merger")
            assert Merger(merging, at_rest=lambda _: True).run()

    steps: dict[str, tuple[Any, str]] = {
        "after planning": (fresh.reader, "resolve"),
        "before the names": (fresh.committer.manifest, "shown"),
        "before the pictures": (Snapshot, "pictures"),
    }
    place, name = steps[when]
    own = getattr(place, name)

    def late(*values: Any) -> Any:
        if when == "after planning":
            resolved = own(*values)
            meanwhile()
            return resolved
        meanwhile()
        return own(*values)

    monkeypatch.setattr(place, name, late)
    found = found_in(fresh)
    assert happened == [what]
    with contextlib.closing(opened(fresh.reader.path.parent)) as another:
        wanted = found_in(another)
    if what == "correction" and when == "before the pictures":
        # The whole answer is as of one commit: the one before.
        wanted = before
    assert found == wanted
    assert (found == before) == (wanted == before)
    gone = {one.recording_id for one in before} - {one.recording_id for one in found}
    assert gone == ({best} if what == "purge" else set())


def test_an_object_that_is_lost_is_told(fresh: InParts) -> None:
    entry = fresh.reader.snapshot.refreshed().parts()[0]
    fresh.committer.storage.delete([entry.object("scan.arrow")])
    with pytest.raises(GalleryError, match="lacks an object"):
        found_in(fresh)


def test_rows_of_a_camera_that_is_not_known_are_not_taken_for_those_of_another(
    fresh: InParts,
) -> None:
    other = replace(fresh.recordings[0].recording, camera_id="C00")
    one = replace(fresh.recordings[0], recording=other)
    fresh.committer.store([one], {"C00": Camera("C00", "Nobody's", 51.481, 0.0)})
    with pytest.raises(GalleryError, match="rows of camera C00, which it does not know"):
        found_in(fresh)


def test_a_question_without_its_permit_or_with_a_broken_probe_is_refused(fresh: InParts) -> None:
    asked = Asked(np.ones(DIMENSION, np.float32), EVERYWHERE, None, None, None, False)
    one = permit(fresh, asked)
    searching.search(fresh.reader, asked.template, asked.scope, permit=one)
    with pytest.raises(NotPermitted, match="has been used"):
        searching.search(fresh.reader, asked.template, asked.scope, permit=one)
    with pytest.raises(NotPermitted, match="0 permits"):
        searching.answer(fresh.reader, [asked.template], asked.scope, permits=[])
    with pytest.raises(GalleryError, match="0 candidates"):
        found_in(fresh, top=0)
    bad = Asked(np.zeros(DIMENSION, np.float32), EVERYWHERE, None, None, None, False)
    with pytest.raises(GalleryError, match="finite vector"):
        searching.search(fresh.reader, bad.template, bad.scope, permit=permit(fresh, bad))
    other = replace(normaliser_for(fresh), metric="euclidean")
    with pytest.raises(GalleryError, match="cannot be normalised"):
        found_in(fresh, normaliser=other)


def test_offsets_come_from_the_part_or_are_kept_until_it_goes(fresh: InParts) -> None:
    normaliser, folder = normaliser_for(fresh), fresh.reader.path.parent / "derived"
    later = replace(normaliser, mean=-0.2)
    committer = replace(fresh.committer, normaliser=normaliser)
    one = replace(fresh.recordings[0], sha256="f" * 64)
    committer.store([one], {camera.camera_id: camera for camera in [*SOME, MOVED]})
    scores = [candidate.score for candidate in found_in(fresh, normaliser=normaliser)]
    entries = fresh.reader.snapshot.parts()
    own = {entry.name for entry in entries if part_of(fresh, entry).offsets is not None}
    assert len(own) in (1, 2)
    kept = {path.name.split(".")[0] for path in folder.iterdir()}
    inside = {part.entry.name for _, part, _ in InsideRows(fresh.reader.resolve(EVERYWHERE))}
    assert kept == inside - own != set()
    again = DerivedOffsets(folder)
    for entry in entries[:3]:
        part = part_of(fresh, entry)
        assert np.array_equal(again.of(part, normaliser), normaliser.offsets(part.templates))
    found_in(fresh, normaliser=later)
    assert len([*folder.glob(f"*.{later.scale}.npy")]) == len(inside)
    # Nothing is kept of a part that was dropped while its offsets were made.
    gone = part_of(fresh, next(e for e in entries if e.templates))
    fresh.committer.storage.delete([gone.entry.object("scan.arrow")])
    for path in folder.glob(f"{gone.entry.name}.*"):
        path.unlink()
    DerivedOffsets(folder).of(gone, later)
    assert [*folder.glob(f"{gone.entry.name}.*")] == []
    again.sweep({entry.name for entry in entries[:1]})
    assert {path.name.split(".")[0] for path in folder.iterdir()} <= {entries[0].name}
    assert scores == sorted(scores, reverse=True)


def part_of(made: InParts, entry: Any) -> Part:
    return made.reader.snapshot.part(entry)

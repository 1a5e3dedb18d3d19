"""Search, coverage and what there is: what brute force over the recordings says."""

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
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Town, ending
from parted import DIMENSION, SOME, START, Filled, correct, filled, opened, store

from workbench.calibration import Normaliser
from workbench.district import from_geojson
from workbench.domain import (
    Camera,
    Candidate,
    ClockCorrection,
    ClockSetting,
    Filter,
    IndexedRecording,
    Progress,
    Reading,
    Scope,
    Stretch,
    stretch_at,
)
from workbench.errors import Cancelled, DistrictError, GalleryError, NotPermitted
from workbench.gallery import footage
from workbench.gallery import search as searching
from workbench.gallery.derived import DerivedOffsets
from workbench.gallery.footage import StoredFile, StoredReading, recordings_inside
from workbench.gallery.merging import Merger
from workbench.gallery.parts import Part
from workbench.gallery.removal import purge
from workbench.gallery.resolving import InsideRows
from workbench.gallery.snapshot import Snapshot
from workbench.permit import Permit
from workbench.permit.issuing import issue


@pytest.fixture(scope="module", params=[("euclidean", 5), ("cosine", 5), ("cosine", 8)])
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """Not to be written to."""
    metric, seed = request.param
    found = filled(tmp_path_factory.mktemp("made"), metric, seed)
    yield found
    found.close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Town]:
    folder = tmp_path_factory.mktemp("small")
    made = filled(folder, "cosine", 3, count=9)
    made.close()
    return folder, made.town


@pytest.fixture
def fresh(small: tuple[Path, Town], tmp_path: Path) -> Iterator[Filled]:
    """A gallery of the test alone."""
    folder, town = small
    found = opened(shutil.copytree(folder, tmp_path / "own"), town)
    yield found
    found.close()


def normaliser_for(made: Filled) -> Normaliser:
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
    edge: tuple[int, float, bool] | None = None

    def at_edge(self, made: Filled) -> Asked:
        """The question with a scope that begins or ends while a tracklet is seen, if it has one."""
        if self.edge is None:
            return self
        number, part, begins = self.edge
        seen = [tracklet for one in made.recordings for tracklet in one.tracklets]
        one = seen[number % len(seen)]
        moment, scope = one.first_seen + (one.last_seen - one.first_seen) * part, self.scope
        length = scope.end - scope.start
        start = moment if begins else moment - length
        return replace(self, scope=replace(scope, start=start, end=start + length))

    def options(self, made: Filled) -> dict[str, Any]:
        return {
            "only": self.only, "top": self.top, "threshold": self.threshold,
            "normaliser": normaliser_for(made) if self.normalised else None,
        }  # fmt: skip


def box(west: float, south: float, east: float, north: float, *, slanted: bool = False) -> Any:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    if slanted:  # not a rectangle: each camera is tested
        ring.insert(3, [(west + east) / 2, north + 0.0005])
    return from_geojson({"type": "Polygon", "coordinates": [ring]}, name="test")


SECOND = timedelta(seconds=1)
AWAY = "@+51.48000-000.01000"  # of a camera that moves, at this place
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
        draw(st.none() | st.tuples(
            st.integers(0, 200), st.sampled_from([0, 0.5, 1]), st.booleans()
        )),
    )  # fmt: skip


def permit(made: Filled, asked: Asked) -> Permit:
    path = made.reader.path
    return issue("T", "test", 1, gallery=path, template=asked.template, scope=asked.scope)


def outcome(call: Callable[[], Any]) -> Any:
    """What a call returns, or what its error says."""
    try:
        return call()
    except (DistrictError, GalleryError) as error:
        return type(error), error.what, error.where


@settings(max_examples=settings().max_examples * 3 // 5)
@given(asked=questions())
def test_every_question_has_the_answer_of_brute_force(made: Filled, asked: Asked) -> None:
    asked, told = asked.at_edge(made), list[Progress]()
    options, only = asked.options(made), asked.only or Filter()
    wanted = outcome(lambda: made.town.search(asked.template, asked.scope, **options))
    found = outcome(
        lambda: searching.search(
            made.reader, asked.template, asked.scope, permit=permit(made, asked),
            progress=told.append, **options,
        )
    )  # fmt: skip
    covered = outcome(lambda: footage.coverage(made.reader, asked.scope, only=asked.only))
    wanted_coverage = outcome(lambda: made.town.coverage(asked.scope, only))
    explained = outcome(
        lambda: searching.explain(
            made.reader, asked.scope, only=asked.only, normalised=asked.normalised
        )
    )
    wanted_cost = outcome(
        lambda: made.town.explained(asked.scope, only, normalised=asked.normalised)
    )
    if not isinstance(wanted_cost, dict):
        assert found == wanted == explained == wanted_cost == covered
        return
    scores = [one.score for one in found], [one.score for one in wanted]
    assert scores[0] == pytest.approx(scores[1], abs=1e-12)
    # Pictures, times and notes on them, and the order, that of those of equal scores included.
    unscored = [[replace(one, score=0.0) for one in those] for those in (found, wanted)]
    assert unscored[0] == unscored[1]
    assert {name: getattr(explained, name) for name in wanted_cost} == wanted_cost
    compared = wanted_cost["tracklets"]
    assert [(one.done, one.total) for one in told[-1:]] == [(compared, compared)] * bool(compared)
    if isinstance(wanted_coverage, tuple):
        assert covered == wanted_coverage
        return
    seconds = ("footage_seconds", "unseen_seconds")
    for name in seconds:
        assert getattr(covered, name) == pytest.approx(getattr(wanted_coverage, name), abs=1e-5)
    about: dict[str, Any] = dict.fromkeys(seconds, 0.0)
    assert replace(covered, **about) == replace(wanted_coverage, **about)


def found_in(made: Filled, **options: Any) -> list[Candidate]:
    """All that the newest snapshot has, by score."""
    asked = Asked(np.ones(DIMENSION, np.float32), EVERYWHERE, None, None, None, False)
    return searching.search(
        made.reader, asked.template, asked.scope, permit=permit(made, asked), **options
    )


def test_one_answer_has_candidates_coverage_and_cost_of_one_resolved_scope(made: Filled) -> None:
    scope, only = EVERYWHERE, Filter(quality=0.4)
    probes = [np.full(DIMENSION, n, np.float32) for n in (1, 2)]
    asked = [Asked(probe, scope, only, 3, None, False) for probe in probes]
    whole = searching.answer(
        made.reader, probes, scope, permits=[permit(made, one) for one in asked], only=only, top=3
    )
    assert [len(one) for one in whole.candidates] == [3, 3]
    assert whole.coverage == footage.coverage(made.reader, scope, only=only)
    assert whole.explanation == searching.explain(made.reader, scope, only=only)
    assert sum(whole.explanation.quality) == whole.explanation.tracklets
    assert whole.explanation.tracklets < whole.coverage.tracklets


def test_what_there_is_is_what_was_given(made: Filled) -> None:
    footage, town = made.footage, made.town.recordings
    ids, nobody = [*town], "0" * 16

    def of(value: Callable[[IndexedRecording], Any]) -> dict[str, Any]:
        return {name: value(one) for name, one in town.items()}

    def those(where: Callable[[IndexedRecording], bool]) -> list[str]:
        ordered = sorted(town.values(), key=lambda one: (one.started_at, one.recording_id))
        return [one.recording_id for one in ordered if where(one)]

    assert footage.stretches_by_id([*ids, nobody]) == of(lambda one: one.stretches)
    assert footage.starts(ids) == of(
        lambda one: (one.recording.file, one.recording.stated_at, one.stretches[0])
    )
    assert footage.readings(ids) == of(
        lambda one: StoredReading(
            one.recording.camera_id, bool(one.legs), True,
            Reading(one.recording.stream, one.recording.rotation or 0),
        )
    )  # fmt: skip
    assert footage.how_read(ids[0]) == footage.readings(ids)[ids[0]].reading
    with pytest.raises(GalleryError, match=f"holds no recording {nobody}"):
        footage.how_read(nobody)
    files: dict[tuple[str, str, int], set[StoredFile]] = {}
    for name, one in town.items():
        key = one.recording.file, one.recording.camera_id, one.recording.stream
        files.setdefault(key, set()).add(StoredFile(name, one.size_bytes, one.modified_ns))
    assert {key: {*some} for key, some in footage.known_files().items()} == files
    asked = [file for file, *_ in files][::3]
    wanted = {key: some for key, some in files.items() if key[0] in asked}
    assert {key: {*some} for key, some in footage.known_files(asked).items()} == wanted
    assert [footage.holds(name) for name in (*ids, nobody)] == [True] * len(ids) + [False]
    contents = {one.sha256 for one in town.values()}
    assert footage.holds_only(contents)
    assert not footage.holds_only(contents - {town[ids[0]].sha256})
    for one in town.values():
        assert footage.same_content(one) == sorted(
            each.recording.file
            for each in town.values()
            if each.sha256 == one.sha256 and each is not one
        )
        assert footage.overlapping(one) == [
            (each.recording.file, seconds)
            for each in sorted(town.values(), key=lambda one: (one.started_at, one.recording.file))
            if each is not one and each.recording.camera_id == one.recording.camera_id
            and (seconds := overlap(one, each)) > 0
        ]  # fmt: skip
    since, until = START + timedelta(hours=5), START + timedelta(hours=30)
    some = {camera.camera_id for camera in SOME[2:5]}
    assert footage.recorded_between(SOME[2:5], since, until) == those(
        lambda one: one.recording.camera_id in some
        and one.started_at < until and one.ended_at > since
    )  # fmt: skip
    assert {row["recording_id"]: row["track"] for row in footage.legs_of("B")} == {
        name: one.track for name, one in town.items() if one.legs
    }
    assert footage.legs_of("C0") == []
    tracks = {one.track for one in town.values() if one.legs}
    assert footage.tracks(ids) == tuple(sorted(tracks))
    new = of(lambda one: (replace(one.stretches[0], offset_seconds=99.0),))
    assert footage.placed_by_clock(of(lambda one: one.stretches), new) == sorted(
        name for name, one in town.items() if one.track == "bus.gpx 00"
    )
    assert footage.catalogues("C3") == (
        {one.recording.catalogue for one in town.values()},
        {one.recording.catalogue for one in town.values() if one.recording.camera_id == "C3"},
    )
    told = {one.entry.file: one for one in footage.refused()}
    assert {file: one.offset_seconds for file, one in told.items()} == {
        "bad 0.mp4": 1800.0, "bad 1.mp4": 0.0,
    }  # fmt: skip
    for one in told.values():
        assert one.started_at == made.town.right_time(one.entry)
    for scope in (EVERYWHERE, Scope(box(-1, 51, 1, 51.4825), since, until)):
        cameras = made.town.chosen(scope)
        inside = those(
            lambda one, scope=scope, cameras=cameras: one.recording.camera_id in cameras
            and one.started_at < scope.end and one.ended_at > scope.start
        )  # fmt: skip
        assert recordings_inside(made.reader.resolve(scope)) == {*inside} != set()


def overlap(one: IndexedRecording, other: IndexedRecording) -> float:
    """Seconds for which two recordings overlap; below zero if they do not."""
    end = min(one.ended_at, other.ended_at)
    return (end - max(one.started_at, other.started_at)).total_seconds()


def test_recordings_are_known_by_their_content_camera_and_stream(made: Filled) -> None:
    footage, town = made.footage, made.town.recordings
    keys = [(one.sha256, one.recording.camera_id, one.recording.stream) for one in town.values()]
    asked = [*keys, *((sha256, f"{camera}{AWAY}", 0) for sha256, camera, _ in keys[::3])]
    asked += [(keys[0][0], keys[0][1], 3 - keys[0][2]), ("x", "C0", 1)]
    for anywhere in (False, True):
        wanted: dict[tuple[str, str, int], set[str]] = {}
        for sha256, camera, stream in asked:
            of = camera.partition("@")[0] if anywhere else camera
            for name, key in zip(town, keys, strict=True):
                if key[:2] == (sha256, of) and stream in (0, key[2]):
                    wanted.setdefault((sha256, camera, stream), set()).add(name)
        found = footage.same_recordings(asked, anywhere=anywhere)
        assert {key: {*names} for key, names in found.items()} == wanted
    rows = [(name, *key) for name, key in zip(town, keys, strict=True)]
    rows += [("0" * 16, *keys[0]), ("1" * 16, "x", "C0", 1)]
    assert footage.already_here(rows) == {*town, "0" * 16}


def test_times_of_recordings_are_those_of_their_stretches(made: Filled) -> None:
    footage, town = made.footage, made.town.recordings
    for name, one in town.items():
        seen = footage.recorded_parts([name], seen_only=True)
        spans = sorted((part.since, part.since + (part.end - part.start) * SECOND) for part in seen)
        whole = sum((end - start).total_seconds() for start, end in one.spans)
        assert sum((end - start).total_seconds() for start, end in spans) == pytest.approx(whole)
        assert min(start for start, _ in spans) == min(start for start, _ in one.spans)
        assert [part.stretch for part in seen] == [
            s for part in seen for s in [stretch_at(one.stretches, part.start)]
        ]
        belongs = 460.0 if one.legs else one.seconds
        parts = footage.recorded_parts([name])
        assert sum(part.end - part.start for part in parts) == pytest.approx(belongs)
        for tracklet in one.tracklets:
            if tracklet.shots:
                start, end = footage.seconds_held(name, tracklet.shots)
                assert start <= tracklet.shots[0].seconds <= end
                assert {start, end} <= {0.0, 20.0, 200.0, 480.0, 600.0}
    told = footage.recorded_stretches()
    wanted = [
        (one.recording_id, one.recording.file, one.recording.stated_at, min(end, one.seconds),
         len(one.stretches) == 1, stretch)
        for one in sorted(town.values(), key=lambda one: (
            one.started_at, one.recording.camera_id, one.recording_id))
        for stretch, end in ending(one)
    ]  # fmt: skip
    names = ("recording_id", "file", "stated_at", "ends", "is_all")
    assert [(*(row[name] for name in names), s) for row, s in told] == wanted

    def left(where: Callable[[IndexedRecording, Stretch], object]) -> list[Any]:
        return [(row, s) for row, s in told if where(town[row["recording_id"]], s)]

    assert footage.recorded_stretches(uncertain=True) == left(lambda _, s: s.open_doubt) != []
    of_one = left(lambda one, _: one is town[told[4][0]["recording_id"]])
    assert footage.recorded_stretches(recording_id=told[4][0]["recording_id"]) == of_one
    of_camera = left(lambda one, s: one.recording.camera_id == "C3" and s.open_doubt)
    assert footage.recorded_stretches(camera_id="C3", uncertain=True) == of_camera


def test_a_setting_concerns_what_it_names(made: Filled) -> None:
    footage, since = made.footage, START + timedelta(hours=5)
    given = ClockCorrection(3.0, "Anna", "compared", START)
    of = dict[str, Callable[[Any], bool]](
        B=lambda one: one.camera_id == "B",
        C3=lambda one: one.camera_id == "C3" and one.stated_at >= since,
        folder=lambda one: one.file.startswith("C2/") and one.catalogue == "/media/one",
        all=lambda _: True,
    )
    settings_given = {
        "B": ClockSetting(given, camera_id="B"),
        "C3": ClockSetting(given, camera_id="C3", since=since),
        "folder": ClockSetting(given, folder="C2", catalogue="/media/one"),
        "all": ClockSetting(given, folder="."),
    }
    for name, setting in settings_given.items():
        wanted = [
            one.recording_id
            for one in sorted(made.recordings, key=lambda one: (one.started_at, one.recording_id))
            if of[name](one.recording)
        ]
        assert footage.concerned_by(setting) == wanted, name
    later = replace(made.recordings[0], sha256="e" * 64).recording
    assert footage.clock_of(replace(later, camera_id="C0")) == made.town.clocks[-1]
    assert footage.clock_of(replace(later, camera_id="C1")) is None


def test_only_planned_parts_are_opened(fresh: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    make = Part.__init__

    def noting(part: Part, storage: Any, entry: Any, profile: Any) -> None:
        opened.append(entry.name)
        make(part, storage, entry, profile)

    monkeypatch.setattr(Part, "__init__", noting)
    all_parts = fresh.reader.snapshot.refreshed().parts()
    assert footage.coverage(fresh.reader, EVERYWHERE).tracklets > 0
    assert opened == []  # the manifest counts what lies wholly inside
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
    fresh: Filled, error: BaseException, monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.parametrize(
    ("sample", "joined", "exact"), [(0, 2**18, 1), (7, 2**18, 40), (8_192, 40, 40)]
)
def test_how_rows_are_put_together_changes_no_answer(
    fresh: Filled, monkeypatch: pytest.MonkeyPatch, sample: int, joined: int, exact: int
) -> None:
    ways: list[dict[str, Any]] = [{}, {"top": 5}, {"normaliser": normaliser_for(fresh), "top": 5}]
    wanted = [found_in(fresh, **options) for options in ways]
    monkeypatch.setattr("workbench.gallery.scan.SAMPLE", sample)
    monkeypatch.setattr("workbench.gallery.scan._JOINED", joined)
    monkeypatch.setattr("workbench.gallery.scan._EXACT_AT_A_TIME", exact)
    assert [found_in(fresh, **options) for options in ways] == wanted


@pytest.mark.parametrize("what", ["merge", "purge", "correction"])
@pytest.mark.parametrize("when", ["after planning", "before the names", "before the pictures"])
def test_what_is_gone_meanwhile_is_asked_of_the_newest_snapshot(
    fresh: Filled, monkeypatch: pytest.MonkeyPatch, what: str, when: str
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
        "before the pictures": (Snapshot, "jpegs"),
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
    with contextlib.closing(opened(fresh.reader.path.parent, fresh.town)) as another:
        wanted = found_in(another)
    if what == "correction" and when == "before the pictures":
        # The whole answer is as of one commit: the one before.
        wanted = before
    assert found == wanted
    assert (found == before) == (wanted == before)
    gone = {one.recording_id for one in before} - {one.recording_id for one in found}
    assert gone == ({best} if what == "purge" else set())


def test_an_object_that_is_lost_is_told(fresh: Filled) -> None:
    entry = fresh.reader.snapshot.refreshed().parts()[0]
    fresh.committer.storage.delete([entry.object("scan.arrow")])
    with pytest.raises(GalleryError, match="lacks an object"):
        found_in(fresh)


def test_rows_of_a_camera_that_is_not_known_are_not_taken_for_those_of_another(
    fresh: Filled,
) -> None:
    other = replace(fresh.recordings[0].recording, camera_id="C00")
    one = replace(fresh.recordings[0], recording=other)
    fresh.committer.store([one], {"C00": Camera("C00", "Nobody's", 51.481, 0.0)})
    with pytest.raises(GalleryError, match="rows of camera C00, which it does not know"):
        found_in(fresh)


def test_a_question_without_its_permit_or_with_a_broken_probe_is_refused(fresh: Filled) -> None:
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


def test_offsets_come_from_the_part_or_are_kept_until_it_goes(fresh: Filled) -> None:
    normaliser, folder = normaliser_for(fresh), fresh.reader.path.parent / "derived"
    later = replace(normaliser, mean=-0.2)
    committer = replace(fresh.committer, normaliser=normaliser)
    one = replace(fresh.recordings[0], sha256="f" * 64)
    store(replace(fresh, committer=committer), [one])
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


def part_of(made: Filled, entry: Any) -> Part:
    return made.reader.snapshot.part(entry)

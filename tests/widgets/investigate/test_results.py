"""Sorting, filtering, comparing and deciding on candidates, without a browser."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from workbench.casework.register import all_entries
from workbench.casework.reviewing.triage import opinions
from workbench.domain import Candidate, Missing
from workbench.errors import CaseError
from workbench.widgets.components.comparison import OVERLAY
from workbench.widgets.components.media import Media
from workbench.widgets.components.work import InPlace
from workbench.widgets.investigate.listing import CARDS, ROWS
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.results import ResultsPanel, whereabouts

HOSTILE = '<img src=x onerror="alert(1)"></script>'
Make = Callable[..., Candidate]


@pytest.fixture
def answered(asked: Investigation, probe: Callable[[int], bytes]) -> Investigation:
    asked.add_photograph("one.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    assert len(asked.shown) == 2
    return asked


@pytest.fixture
def panel(answered: Investigation) -> ResultsPanel:
    return ResultsPanel(answered)


@pytest.fixture
def many(panel: ResultsPanel, make_candidate: Make) -> ResultsPanel:
    """A hundred candidates at two cameras over three days; the later, the better its picture."""
    model = panel.model
    assert model.result is not None
    names = ("Gate 10", f"gate 2 {HOSTILE}")
    cameras = [replace(one, name=name) for one, name in zip(model.cameras[:2], names, strict=True)]
    candidates = tuple(
        replace(
            make_candidate(cameras[n % 2], minute=n * 36, score=9.9 - n / 100),
            quality=n / 100,
        )
        for n in range(100)
    )
    model.result = replace(model.result, candidates=candidates)
    return panel


def entries(panel: ResultsPanel, what: str) -> list[Any]:
    folder = panel.model.installation.register.folder
    return [entry for entry in all_entries(folder) if entry.what == what]


def test_an_incomplete_answer_says_so_first_and_denies_nothing(panel: ResultsPanel) -> None:
    model = panel.model
    assert model.result is not None
    missing = Missing(2, 7, 1_200, ("a searcher did not answer in time <b>",))
    notices = (missing.words, *model.result.notices)
    model.result = replace(model.result, missing=missing, notices=notices)
    said = panel.summary.value
    assert '<p class="sl-message">This answer is incomplete: 2 parts of 7, with up to' in said
    assert said.count("This answer is incomplete") == 1
    assert "&lt;b&gt;" in said
    assert "Incomplete answer: 2 candidates up to now" in said
    model.result = replace(model.result, candidates=(), below=())
    said = panel.summary.value
    assert "Incomplete answer: 0 candidates up to now" in said
    assert "No candidate reaches" not in said
    assert "The best score among" not in said
    model.list_for_review()
    assert "Search first" in model.messages["case"]


def test_no_match_says_how_near_and_where_no_footage_is_and_shows_nobody(
    panel: ResultsPanel,
) -> None:
    model = panel.model
    assert model.result is not None
    best = model.result.found[0].score
    model.threshold = best + 0.5
    said = panel.summary.value
    assert f"is {best:.2f}, 0.50 below the minimum" in said
    assert "No camera has footage in" in said
    assert "To try next" in said
    assert panel.candidates.items == []
    assert panel.compared.shots == []
    shown = {one.tracklet_id for one in model.result.found}
    assert not [name for name in shown if name in said]
    model.threshold = model.scores[0]
    assert "To try next" not in panel.summary.value


# --- The list ---------------------------------------------------------------------------------


def test_candidates_are_sorted_as_asked(many: ResultsPanel) -> None:
    listing = many.listing
    assert [one.score for one in listing.candidates] == sorted(
        (one.score for one in listing.candidates), reverse=True
    )
    many.order.value = "quality"
    assert listing.candidates[0].quality == 0.99
    many.order.value = "time"
    times = [one.first_seen for one in listing.candidates]
    assert times == sorted(times)
    many.order.value = "camera"
    # As people count: ten comes after two, and a capital letter is none the less.
    names = [f"gate 2 {HOSTILE}", "Gate 10"]
    assert [one.camera.name for one in listing.candidates] == 50 * names[:1] + 50 * names[1:]
    assert [one.name for one in listing.cameras()] == names
    first, second = many.model.cameras[:2]
    offered = [value for _, value in many.camera.options[1:]]
    assert offered == [second.camera_id, first.camera_id]
    assert many.candidates.items[0]["rank"] == 2  # its place by score, in whichever order


def test_filters_narrow_the_list_and_say_how_many_they_leave_out(many: ResultsPanel) -> None:
    listing = many.listing
    many.camera.value = many.model.cameras[0].camera_id
    assert len(listing.candidates) == 50
    assert "1 to 12 of 50 (50 left out), best first" in whereabouts(listing)
    many.day.value = listing.days()[1]
    assert {listing.day_of(one) for one in listing.candidates} == {listing.days()[1]}
    assert 0 < len(listing.candidates) < 50
    many.quality.value = 0.7
    assert all(one.quality >= 0.7 for one in listing.candidates)
    many.opinion.value = "same"
    assert "The filters above hide all 100 candidates" in many.where.value
    many.clear.click()
    assert len(listing.candidates) == 100
    assert many.camera.value == many.day.value == many.opinion.value == ""


def test_pages_are_those_of_the_view(many: ResultsPanel) -> None:
    listing = many.listing
    listing.turn(100)
    assert listing.page == listing.pages - 1 == -(-100 // CARDS) - 1
    many.view.value = "Table"
    assert (listing.page, listing.pages) == (0, 100 // ROWS)
    listing.turn(-1)
    assert listing.page == 0


def test_a_filter_that_is_not_there_any_more_is_left(many: ResultsPanel) -> None:
    many.camera.value = many.model.cameras[1].camera_id
    assert many.model.result is not None
    many.model.result = replace(
        many.model.result,
        candidates=tuple(
            one
            for one in many.model.result.found
            if one.camera.camera_id == many.model.cameras[0].camera_id
        ),
    )
    assert many.camera.value == ""
    assert len(many.listing.candidates) == 50


def test_a_hostile_camera_name_stays_text(many: ResultsPanel) -> None:
    assert f"gate 2 {HOSTILE}" in {item["camera"] for item in many.candidates.items}
    assert HOSTILE not in many.where.value + many.summary.value + many.probe.value
    assert any(HOSTILE in label for label, _ in many.camera.options)


# --- Comparing --------------------------------------------------------------------------------


def test_a_card_that_is_chosen_is_compared(panel: ResultsPanel) -> None:
    wanted = panel.model.shown[1]
    panel.candidates._received(None, {"open": wanted.tracklet_id}, [])
    assert panel.model.selected == wanted.tracklet_id
    assert panel.compared.shown
    assert wanted.camera.name in panel.compared.title
    assert panel.compared.place == f"2 of 2, score {wanted.score:.3f}"
    assert len(panel.compared.shots) >= 1
    assert panel.compared.shots[0]["time"]
    panel.compared._received(None, {"close": True}, [])
    assert panel.model.selected == ""
    assert not panel.compared.shown


def test_the_eyes_of_both_are_found_and_lie_as_eyes_do(panel: ResultsPanel) -> None:
    panel.compared.compare(panel.model.shown[0].tracklet_id)
    comparison = panel.comparison
    for picture in (comparison.left, comparison.right):
        assert picture is not None
        assert picture.eyes is not None
        (left_x, left_y), (right_x, right_y) = picture.eyes.left, picture.eyes.right
        assert right_x - left_x > 10
        assert abs(right_y - left_y) < (right_x - left_x) / 2
    assert panel.compared.alignment.startswith("Aligned")


def test_where_no_eyes_are_found_it_says_not_aligned(
    panel: ResultsPanel, small_jpeg: bytes
) -> None:
    panel.compared.compare(panel.model.shown[0].tracklet_id)
    faceless = replace(panel.comparison.shots[0], jpeg=small_jpeg, eyes=None)
    panel.comparison.shots = (faceless,)
    assert panel.compared.alignment == (
        "Not aligned: no eyes were found in the picture of the face."
    )


def test_what_is_set_in_the_browser_is_kept_and_reset(panel: ResultsPanel) -> None:
    panel.compared.compare(panel.model.shown[0].tracklet_id)
    panel.compared.zoom, panel.compared.turn, panel.compared.mode = 3.0, 12.0, OVERLAY
    assert (panel.comparison.zoom, panel.comparison.turn) == (3.0, 12.0)
    assert panel.comparison.mode == OVERLAY
    panel.compared._received(None, {"reset": True}, [])
    assert (panel.compared.zoom, panel.compared.turn) == (1.0, 0.0)


def test_a_tracklet_that_is_gone_from_the_gallery_is_told(many: ResultsPanel) -> None:
    many.compared.compare(many.model.shown[0].tracklet_id)
    assert "is not the id of a tracklet" in many.compared.problem
    assert len(many.compared.shots) == 1  # the best shot that came with the answer


# --- Deciding ---------------------------------------------------------------------------------


def test_an_opinion_is_recorded_and_the_next_candidate_shown(panel: ResultsPanel) -> None:
    model, reference = panel.model, panel.model.case
    first, second = (one.tracklet_id for one in model.shown)
    panel.compared.compare(first)
    panel.compared._received(None, {"verdict": "same"}, [])
    assert model.selected == second
    assert panel.candidates.items[0]["opinion"] == "Same"
    assert opinions(model.installation.register, reference)[first].verdict == "same"
    panel.opinion.value = "undecided"
    assert [one.tracklet_id for one in panel.listing.candidates] == [second]
    panel.opinion.value = ""

    panel.compared._received(None, {"undo": True}, [])
    assert model.selected == first
    assert first not in opinions(model.installation.register, reference)
    assert panel.candidates.items[0]["opinion"] == ""
    assert "the undo is on record" in panel.compared.status
    last = entries(panel, "triage.undone")[-1]
    assert last.about["tracklet"] == first


def test_only_candidates_of_this_search_are_decided_on(panel: ResultsPanel) -> None:
    before = len(entries(panel, "triage.noted"))
    assert not panel.triage.record("0123456789abcdef-7", "same")
    assert "Choose a candidate" in panel.triage.problem
    panel.compared._received(None, {"verdict": "same"}, [])  # nothing is compared
    panel.compared.compare(panel.model.shown[0].tracklet_id)
    panel.compared._received(None, {"verdict": "guilty"}, [])
    assert len(entries(panel, "triage.noted")) == before


def test_what_was_sorted_as_the_same_or_unsure_goes_to_review(panel: ResultsPanel) -> None:
    model = panel.model
    first, second = (one.tracklet_id for one in model.shown)
    panel.triage.record(first, "different")
    panel.triage.record(second, "different")
    model.list_for_review()
    assert "there is nothing to send" in model.messages["case"]
    before = len(entries(panel, "review.listed"))
    panel.triage.record(second, "unsure")
    model.list_for_review()
    (listed,) = entries(panel, "review.listed")[before:]
    assert [item["tracklet"] for item in listed.about["items"] if "tracklet" in item] == [second]
    assert "1 face was added" in model.review_status
    assert "No fillers, which would test the reviewers, are among them" in model.review_status
    for _ in range(3):
        panel.triage.undo()


def test_what_others_sorted_is_there_when_the_search_is_asked_again(panel: ResultsPanel) -> None:
    first = panel.model.shown[0].tracklet_id
    panel.triage.record(first, "unsure")
    panel.model.search()
    assert panel.triage.verdict(first) == "unsure"
    assert ResultsPanel(panel.model).candidates.items[0]["opinion"] == "Unsure"
    panel.triage.undo()


def test_a_note_is_written_beside_the_comparison_and_told_on_the_card(panel: ResultsPanel) -> None:
    assert panel.notes.layout.display == "none"
    wanted = panel.model.shown[0]
    panel.compared.compare(wanted.tracklet_id)
    assert panel.notes.layout.display == ""
    panel.notes.text.value = "Same scar & coat"
    panel.notes._write()
    assert panel.noted.messages == {}
    assert "Same scar &amp; coat" in panel.notes.listed.value
    assert [item["noted"] for item in panel.candidates.items] == [
        int(item["id"] == wanted.tracklet_id) for item in panel.candidates.items
    ]
    panel.notes._withdraw()
    assert not any(item["noted"] for item in panel.candidates.items)


# --- The seconds around it --------------------------------------------------------------------


def test_the_clip_is_cut_and_its_making_is_on_record(panel: ResultsPanel) -> None:
    wanted = panel.model.shown[0]
    panel.compared.compare(wanted.tracklet_id)
    panel.compared._received(None, {"clip": True}, [])
    assert panel.comparison.messages == {}
    with av.open(io.BytesIO(panel.comparison.clip)) as film:
        assert film.streams.video[0].codec_context.name == "h264"
        assert film.streams.audio == ()
    assert "pixelated on purpose" in panel.compared.clip_hint
    entry = entries(panel, "clip.viewed")[-1]
    assert entry.about["tracklet"] == wanted.tracklet_id
    assert entry.about["case"] == panel.model.case
    start, end = entry.about["seconds"]
    assert start < wanted.shot_seconds < end
    assert panel.comparison.clip_from == pytest.approx(wanted.shot_seconds - start, abs=0.01)
    panel.compared.step(1)
    assert panel.comparison.clip == b""  # it is another candidate's


def test_a_card_plays_its_clip_whose_making_is_on_record(
    panel: ResultsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(panel.candidates, "send", sent.append)
    wanted, other = panel.model.shown
    before = len(entries(panel, "clip.viewed"))
    panel.sorter.received({"clip": wanted.tracklet_id})
    (answer,) = sent
    assert answer.get("problem") is None
    assert answer["clip"] == wanted.tracklet_id
    assert 0 < answer["from"] < 10
    kept = Media.of_kernel()._kept[answer["source"].partition(Media.of_kernel().mark)[2]]
    clip, kind = kept.content, kept.kind
    assert kind == "video/mp4"
    added = entries(panel, "clip.viewed")[before:]
    assert [one.about["tracklet"] for one in added] == [wanted.tracklet_id]
    assert added[0].about["clip"] == hashlib.sha256(clip).hexdigest()

    def refuse(*_: Any, **__: Any) -> None:
        raise CaseError("the disk is full", where="audit.log", fix="Make room")

    monkeypatch.setattr(panel.model.installation.register, "record", refuse)
    panel.sorter.received({"clip": other.tracklet_id})  # nothing is shown that is not on record
    assert "source" not in sent[-1]
    assert "the disk is full" in sent[-1]["problem"]


def test_no_clip_is_made_of_another_recording_or_of_none(
    panel: ResultsPanel, small_town: Path, tmp_path: Path
) -> None:
    from workbench.footage.catalog import read_catalogue
    from workbench.gallery import Gallery
    from workbench.indexing import index_catalogue

    catalogue = read_catalogue(small_town.parent / "footage")
    wanted, other = panel.model.shown
    clip = next(one for one in catalogue.recordings if one.file == wanted.recording)
    moved = tmp_path / clip.file
    moved.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(clip.path, moved)
    models, path = panel.model.installation.load_models(), tmp_path / "moved.duckdb"
    with Gallery.create(path, models.profile) as gallery:
        here_now = replace(catalogue, root=tmp_path, recordings=(replace(clip, path=moved),))
        index_catalogue(here_now, gallery, models)
    panel.comparison.gallery = path
    panel.compared.compare(wanted.tracklet_id)
    panel.compared._received(None, {"clip": True}, [])
    assert panel.comparison.clip
    assert len(panel.compared.clip) < 100  # where it is to be asked for
    before = len(entries(panel, "clip.viewed"))

    panel.compared.compare("")
    panel.compared.compare(wanted.tracklet_id)
    shutil.copy(
        next(one.path for one in catalogue.recordings if one.file == other.recording), moved
    )
    panel.compared._received(None, {"clip": True}, [])
    assert "is not the recording that was indexed" in panel.compared.clip_problem
    moved.unlink()
    panel.compared._received(None, {"clip": True}, [])
    assert "not available here" in panel.compared.clip_problem
    assert panel.comparison.clip == b""
    assert len(entries(panel, "clip.viewed")) == before


# --- Where work takes its time ----------------------------------------------------------------


class Queue:
    """Does its jobs when it is told to, as a thread that is busy does them later."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def run(self, job: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.waiting.append(lambda: InPlace().run(job, then))

    def call_on_page(self, call: Callable[[], None]) -> None:
        call()

    def catch_up(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def test_what_went_wrong_with_one_candidate_is_not_told_of_the_next(many: ResultsPanel) -> None:
    queue = many.comparison._work = Queue()
    gone, next_one = many.model.shown[:2]
    many.compared.compare(gone.tracklet_id)
    many.comparison.make_clip()  # waits until the best shots are there
    queue.catch_up()
    many.comparison.make_clip()
    assert len(queue.waiting) == 1
    many.compared.compare(next_one.tracklet_id)
    queue.waiting.pop(0)()
    assert many.comparison.candidate == next_one
    assert "clip" not in many.comparison.messages


def test_candidates_that_were_passed_over_are_not_looked_at(
    panel: ResultsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.widgets.components import comparison

    looked: list[bytes] = []
    find = comparison.find_eyes
    monkeypatch.setattr(
        comparison, "find_eyes", lambda jpeg, models: looked.append(jpeg) or find(jpeg, models)
    )
    queue = panel.comparison._work = Queue()
    first, second = panel.model.shown
    for one in (first, second, first, second):
        panel.compared.compare(one.tracklet_id)
    queue.catch_up()
    photographs = len(panel.comparison.photographs)
    assert len(looked) == photographs + len(panel.comparison.shots)
    assert panel.comparison.candidate == second
    assert panel.comparison.shots[0].eyes is not None


# --- Several at once --------------------------------------------------------------------------


def test_cards_are_sorted_with_keys_several_together_and_by_the_page(panel: ResultsPanel) -> None:
    panel.model.threshold = 0.0  # strangers too
    names = [one["id"] for one in panel.candidates.items]
    assert len(names) > 4
    told = panel.sorter.received
    told({"verdict": "same", "id": names[0]})
    assert panel.triage.verdict(names[0]) == "same"
    told({"undo": True})
    assert panel.triage.verdict(names[0]) == ""
    for name in (names[1], names[2], names[1], "unknown", 7):
        told({"choose": name})
    assert panel.candidates.chosen == [names[2]]
    told({"choose": names[0]})
    panel.sorter.together[2].click()  # unsure
    assert {panel.triage.verdict(name) for name in (names[0], names[2])} == {"unsure"}
    assert panel.candidates.chosen == []
    panel.sorter.rest.click()
    assert [panel.triage.verdict(name) for name in names] == [
        "unsure", "different", "unsure", *["different"] * (len(names) - 3),
    ]  # fmt: skip
    assert panel.sorter.rest.layout.display == "none"
    noted = [e.about["tracklet"] for e in entries(panel, "triage.noted")]
    assert set(names) <= set(noted)  # each on record by itself
    for nonsense in ({}, {"verdict": "guilty", "id": names[0]}, {"turn": "1"}, {"strip": None}):
        told(nonsense)


def test_a_card_shows_its_stored_shots_and_that_it_was_compared(
    panel: ResultsPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, int]] = []
    monkeypatch.setattr(
        panel.candidates, "show_shots", lambda name, jpegs: sent.append((name, len(jpegs)))
    )
    best, below = panel.model.shown[0], panel.model.result.found[-1]
    panel.sorter.received({"strip": best.tracklet_id})
    panel.sorter.received({"strip": below.tracklet_id})  # its face is not shown
    assert [name for name, _ in sent] == [best.tracklet_id]
    assert sent[0][1] >= 1
    assert not any(one["seen"] for one in panel.candidates.items)
    panel.compared.compare(best.tracklet_id)
    assert [one["seen"] for one in panel.candidates.items] == [True, False]

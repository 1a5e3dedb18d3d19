"""A reload brings the question back: offered, told, and asked anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.casework.drafts import delete_draft, keep_draft, read_drafts, read_photographs
from workbench.installation import Installation
from workbench.widgets.components.hours import WeeklyHours
from workbench.widgets.investigate import draft
from workbench.widgets.investigate.draft import DraftPanel, DraftStore, written
from workbench.widgets.investigate.listing import Listing
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.opinions import TriageOpinions

Probe = Callable[[int], bytes]


@pytest.fixture(autouse=True)
def nothing_kept(installation: Installation, training: str) -> Iterator[None]:
    forget(installation, training)
    yield
    forget(installation, training)


def stored(model: Investigation) -> DraftStore:
    return DraftStore(model, Listing(model, TriageOpinions(model)))


def offered(model: Investigation) -> DraftPanel:
    return DraftPanel(model, Listing(model, TriageOpinions(model)))


def forget(installation: Installation, case: str) -> None:
    for one in read_drafts(installation.register, case):
        delete_draft(installation.register, case, one.page)


def test_a_reload_offers_the_question_and_brings_all_of_it_back(
    asked: Investigation, probe: Probe, small_town: Path
) -> None:
    stored(asked)
    asked.add_photographs([("1.jpg", probe(1)), ("2.jpg", probe(2))])
    asked.use_photograph(asked.uploads[1].key, False)
    asked.set_district(asked.whole_area())
    asked.search()
    asked.selected = asked.shown[1].tracklet_id
    asked.take_shot(asked.selected, case=asked.case, name="<b>shot</b>")
    asked.set_last_night()
    asked.hours = WeeklyHours(frozenset({6}), 0, 6)
    asked.threshold = 0.6

    again = Investigation(small_town, installation=asked.installation)
    panel = offered(again)
    assert panel.store.offer is not None
    assert "3 photographs, the district, the time range, the hours" in panel.words.value
    assert again.uploads == ()
    again.set_last_night()  # what is offered is not overwritten
    assert stored(Investigation(small_town, installation=asked.installation)).offer is not None

    panel.choice.children[0].click()
    assert [(u.found.name, u.used) for u in again.uploads] == [
        ("1.jpg", True),
        ("2.jpg", False),
        ("<b>shot</b>", True),
    ]
    assert again.district is not None
    assert again.district.name == "All cameras"
    assert again.district.area.equals(asked.whole_area().area)
    assert (again.start, again.end, again.hours) == (asked.start, asked.end, asked.hours)
    assert again.threshold == 0.6
    assert again.result is None
    assert "Nothing has been searched: press Search to ask again." in panel.words.value
    assert panel.choice.layout.display == "none"
    again.search()
    assert again.result is not None  # asked again, with a permit of its own


def test_a_question_is_written_once_and_only_the_one_restored_is_read_whole(
    asked: Investigation, probe: Probe, small_town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(asked)
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    done: list[str] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            done.append(function.__name__)
            return function(*args, **options)

        return call

    for function in (keep_draft, read_photographs):
        monkeypatch.setattr(draft, function.__name__, counted(function))
    asked.search()
    assert done == ["keep_draft"]  # that it has been answered
    asked.say("search", "a message")
    asked.selected = asked.shown[0].tracklet_id
    assert done == ["keep_draft"]
    store = stored(Investigation(small_town, installation=asked.installation))
    assert done == ["keep_draft"]  # the offer took no photograph
    assert store.offer is not None
    (digest,) = store.offer.photographs
    (path,) = Path(asked.installation.register.folder).rglob(f"draft-*-{digest}")
    content = path.read_bytes()
    path.write_bytes(b"another")
    store.restore()
    assert "not the one that was saved" in store.model.messages["draft"]
    assert store.offer is not None  # to be deleted
    path.write_bytes(content)
    store.restore()
    assert done[1:] == ["read_photographs", "read_photographs", "keep_draft"]


def test_a_question_that_is_deleted_does_not_come_back(
    asked: Investigation, probe: Probe, small_town: Path
) -> None:
    stored(asked)
    asked.add_photograph("1.jpg", probe(1))
    panel = offered(Investigation(small_town, installation=asked.installation))
    panel.choice.children[2].click()
    assert "Deleted." in panel.words.value
    assert stored(Investigation(small_town, installation=asked.installation)).offer is None


def test_cameras_chosen_by_hand_come_back(asked: Investigation, small_town: Path) -> None:
    stored(asked)
    asked.pick_cameras(["CAM-003", "CAM-006"])
    again = Investigation(small_town, installation=asked.installation)
    store = stored(again)
    store.restore()
    assert again.selected_cameras == ("CAM-003", "CAM-006")
    assert [camera.camera_id for camera in again.cameras_inside] == ["CAM-003", "CAM-006"]


def test_two_pages_under_one_case_keep_their_questions_apart(
    asked: Investigation, probe: Probe, small_town: Path
) -> None:
    stored(asked)
    asked.set_district(asked.whole_area())
    again = Investigation(small_town, installation=asked.installation)
    store = stored(again)
    assert store.offer is not None
    again.add_photograph("1.jpg", probe(1))
    assert store.offer is None
    asked.set_last_night()
    again.add_photograph("2.jpg", probe(2))
    last = stored(Investigation(small_town, installation=asked.installation))
    assert last.offer is not None
    assert len(last.offer.photographs) == 2
    assert last.offer.question["district"] is None
    last.discard()
    assert last.offer is not None  # the other one is there still
    assert last.offer.question["district"] is not None
    assert last.offer.question["start"] == asked.start.isoformat()


def test_what_had_been_searched_is_searched_again_at_a_click(
    asked: Investigation, probe: Probe, small_town: Path
) -> None:
    store = stored(asked)
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    panel = offered(Investigation(small_town, installation=asked.installation))
    assert panel.again.layout.display == "none"
    asked.search()
    first = asked.shown[0].tracklet_id
    listing = store.listing
    listing.triage.record(first, "same")
    listing.order, listing.table = "camera", True
    listing.day, listing.opinion = listing.days()[-1], "undecided"
    again = Investigation(small_town, installation=asked.installation)
    panel = offered(again)
    panel.again.click()
    assert [one.tracklet_id for one in again.shown] == [one.tracklet_id for one in asked.shown]
    assert panel.store.listing.view() == listing.view()
    assert panel.store.listing.candidates == listing.candidates
    assert first not in [one.tracklet_id for one in listing.candidates] != []
    again.threshold += 0.01  # another question is listed from the beginning
    again.search()
    assert not panel.store.listing.narrowed
    assert TriageOpinions(again).verdict(first) == "same"


def test_what_cannot_be_brought_back_is_told(asked: Investigation, small_town: Path) -> None:
    keep_draft(
        asked.installation.register, asked.case, {"start": "yesterday", "end": None}, page="one"
    )
    again = Investigation(small_town, installation=asked.installation)
    store = stored(again)
    store.restore()
    assert "could not be restored completely" in again.messages["draft"]


def test_a_minimum_score_of_another_scale_is_not_restored(
    asked: Investigation, small_town: Path
) -> None:
    asked.set_district(asked.whole_area())
    asked.threshold = 3.1
    for scale, threshold in ((asked.scale, 3.1), ("plain", asked.recommended.score)):
        question = written(asked) | {"scale": scale}
        keep_draft(asked.installation.register, asked.case, question, page="one")
        again = Investigation(small_town, installation=asked.installation)
        store = stored(again)
        store.restore()
        assert again.threshold == threshold
        assert again.district is not None
        told = "The minimum score 3.10 was not restored" in store.status
        assert told == (scale == "plain")

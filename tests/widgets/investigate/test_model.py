"""The view-model, with real clips and models and without a kernel."""

# ruff: noqa: DTZ001 - what clocks on a wall show has no zone

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import workbench.faces.orientation
from workbench.casework.register import all_entries
from workbench.domain import MOST_PHOTOGRAPHS
from workbench.errors import GalleryError
from workbench.gallery.opening import folder_of
from workbench.installation import Installation
from workbench.widgets.components.tasks import UNEXPECTED
from workbench.widgets.investigate.model import Investigation

Probe = Callable[[int], bytes]


def around(asked: Investigation, camera_id: str) -> dict[str, object]:
    camera = next(camera for camera in asked.cameras if camera.camera_id == camera_id)
    x, y, half = camera.longitude, camera.latitude, 0.0005
    corners = [
        [x - half, y - half],
        [x + half, y - half],
        [x + half, y + half],
        [x - half, y + half],
    ]
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}


def test_a_whole_question_is_answered(asked: Investigation, probe: Probe) -> None:
    asked.add_photographs([("1.jpg", probe(1)), ("2.jpg", probe(2))])
    asked.set_district(asked.whole_area())
    assert asked.missing == ()
    asked.search()
    assert asked.messages == {}
    assert {c.camera.camera_id for c in asked.shown} == {"CAM-003", "CAM-006"}
    assert asked.result is not None
    assert asked.result.coverage.cameras == 12
    assert asked.result.coverage.cameras_with_footage == 3
    assert not asked.is_stale


def test_the_threshold_filters_without_searching_again(asked: Investigation, probe: Probe) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    result, before = asked.result, len(asked.shown)
    asked.threshold = 0.0
    assert result is not None
    assert len(asked.shown) == len(result.found) > before
    asked.threshold = 20.0
    assert asked.shown == ()
    assert asked.result is result


def test_a_changed_question_marks_the_answer_as_outdated(
    asked: Investigation, probe: Probe
) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    asked.set_last(timedelta(minutes=10))
    assert asked.is_stale
    asked.set_all_footage()
    assert not asked.is_stale
    asked.set_district_geojson(around(asked, "CAM-006"))
    assert asked.is_stale
    asked.search()
    assert not asked.is_stale


def test_an_incomplete_question_says_beside_each_field_what_is_missing(
    asked: Investigation,
) -> None:
    assert asked.missing == ("a photograph", "a district")
    asked.search()
    assert asked.messages == {
        "target": "Add a photograph of the target.",
        "district": "Draw the district on the map, or choose one by name.",
    }
    assert asked.result is None


def test_among_several_faces_the_analyst_chooses(
    asked: Investigation, two_people: bytes, probe: Probe
) -> None:
    asked.add_photograph("party.jpg", two_people)
    (upload,) = asked.uploads
    assert len(upload.found.faces) == 2
    assert upload.photograph is None
    asked.set_district(asked.whole_area())
    asked.search()
    assert asked.messages["target"] == "party.jpg: choose the target among its faces."

    left = min(range(2), key=lambda index: upload.found.faces[index].box.x)
    asked.choose_face(upload.key, left)
    asked.search()
    assert {c.camera.camera_id for c in asked.shown} == {"CAM-003", "CAM-006"}
    asked.choose_face(upload.key, 1 - left)
    assert asked.is_stale
    asked.search()
    assert not {c.camera.camera_id for c in asked.shown} & {"CAM-003", "CAM-006"}


def test_unusable_photographs_are_each_reported_and_the_others_kept(
    asked: Investigation, probe: Probe, small_jpeg: bytes
) -> None:
    asked.add_photographs(
        [("notes.txt", b"not a picture"), ("1.jpg", probe(1)), ("wall.jpg", small_jpeg)]
    )
    assert [upload.found.name for upload in asked.uploads] == ["1.jpg"]
    first, second = asked.messages["target"].splitlines()
    assert first.startswith("notes.txt: is not a picture, or of a format that is not read here.")
    assert second.startswith("wall.jpg: no face of at least 40 px.")
    asked.add_photograph("2.jpg", probe(2))
    assert "target" not in asked.messages


def test_photographs_beyond_the_most_are_refused(asked: Investigation, probe: Probe) -> None:
    asked.add_photographs([(f"{n}.jpg", probe(1)) for n in range(MOST_PHOTOGRAPHS + 1)])
    assert len(asked.uploads) == MOST_PHOTOGRAPHS
    assert asked.messages["target"].startswith("10.jpg: was not added; there are 10 photographs")
    asked.remove_photograph(asked.uploads[0].key)
    assert [upload.found.name for upload in asked.uploads] == [f"{n}.jpg" for n in range(1, 10)]
    assert "target" not in asked.messages


def test_the_cameras_inside_a_district_are_known_at_once(asked: Investigation) -> None:
    asked.set_district_geojson(around(asked, "CAM-006"))
    assert [camera.camera_id for camera in asked.cameras_inside] == ["CAM-006"]
    asked.set_district(asked.whole_area())
    assert len(asked.cameras_inside) == 12
    asked.set_district(None)
    assert asked.cameras_inside == ()


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "not GeoJSON"),
        ('{"type": "Point", "coordinates": [0, 51]}', "holds no polygon"),
        (
            '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}',
            "not a simple area",
        ),
    ],
)
def test_an_unusable_district_is_explained_and_the_old_one_kept(
    asked: Investigation, document: str, said: str
) -> None:
    before = asked.whole_area()
    asked.set_district(before)
    asked.set_district_geojson(document)
    assert said in asked.messages["district"]
    assert asked.district is before


def test_a_district_without_cameras_is_refused(asked: Investigation, probe: Probe) -> None:
    asked.add_photograph("1.jpg", probe(1))
    sea = {"type": "Polygon", "coordinates": [[[3, 55], [4, 55], [4, 56], [3, 55]]]}
    asked.set_district_geojson(sea)
    asked.search()
    assert asked.messages["district"].startswith("No cameras in this district.")
    assert asked.result is None


def test_times_are_local_and_kept_in_utc(asked: Investigation) -> None:
    assert asked.zone.key == "Europe/London"
    asked.set_time(datetime(2026, 3, 29, 0, 30), datetime(2026, 3, 29, 4))
    assert asked.start == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert asked.end == datetime(2026, 3, 29, 3, 0, tzinfo=UTC)
    assert asked.local_range == (
        (datetime(2026, 3, 29, 0, 30), None),
        (datetime(2026, 3, 29, 4), None),
    )


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (datetime(2026, 3, 29, 5), datetime(2026, 3, 29, 4), "the end is not after the start"),
        (datetime(2026, 3, 29, 5), datetime(2026, 3, 29, 5), "the end is not after the start"),
        (datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 4), "never showed 01:30:00"),
        (datetime(2026, 3, 28), datetime(2026, 10, 25, 1, 30), "showed 01:30:00 twice"),
        (None, datetime(2026, 3, 29, 4), "each need a date and a time"),
    ],
)
def test_an_unusable_time_range_is_explained_and_not_searched(
    asked: Investigation,
    probe: Probe,
    start: datetime | None,
    end: datetime | None,
    said: str,
) -> None:
    asked.set_time(start, end)
    message = asked.messages["time"]
    assert said in message
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    assert asked.result is None
    assert asked.messages["time"] == message


def test_a_time_shown_twice_can_be_chosen(asked: Investigation) -> None:
    asked.set_time(datetime(2026, 3, 28), datetime(2026, 10, 25, 1, 30), end_fold=1)
    assert "time" not in asked.messages
    assert asked.end == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert asked.local_range is not None
    assert asked.local_range[1] == (datetime(2026, 10, 25, 1, 30), 1)


def test_footage_in_question_is_known_before_the_search(asked: Investigation) -> None:
    asked.set_district(asked.whole_area())
    assert asked.footage_seconds().keys() == {"CAM-001", "CAM-003", "CAM-006"}
    assert sum(asked.footage_seconds().values()) == pytest.approx(30, abs=1)
    asked.set_time(datetime(2026, 3, 29, 3, 18, 37), datetime(2026, 3, 29, 4))
    assert asked.footage_seconds() == {"CAM-003": pytest.approx(5, abs=0.5)}


def test_no_footage_is_not_taken_for_no_candidate(asked: Investigation, probe: Probe) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.set_time(datetime(2026, 3, 29, 9), datetime(2026, 3, 29, 10))
    asked.search()
    assert asked.result is not None
    assert asked.result.coverage.recordings == 0
    assert asked.shown == ()


def test_a_refusal_is_told_in_local_time_beside_its_field_and_costs_no_result(
    asked: Investigation, probe: Probe
) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    found = asked.result
    assert found is not None
    asked.set_range(datetime(1999, 6, 1, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    asked.search()
    said = asked.messages["time"]
    assert "covers 01 Jan 2000, 00:00:00 GMT to 01 Jan 2100, 00:00:00 GMT alone" in said
    assert "Z to" not in "".join(asked.messages.values())
    assert "The attempt is on record" in asked.messages["search"]
    entry = [e for e in all_entries(asked.installation.register.folder) if e.what[:6] == "search"]
    assert entry[-1].what == "search.refused"
    assert asked.result is found
    assert asked.is_stale
    asked.set_all_footage()
    asked.search()
    assert asked.messages == {}


def test_a_missing_gallery_is_an_error_of_the_family(
    tmp_path: Path, installation: Installation
) -> None:
    with pytest.raises(GalleryError, match="there is no gallery here"):
        Investigation(tmp_path / "none.duckdb", installation=installation)


def test_a_gallery_that_goes_away_is_told_beside_the_search(
    small_town: Path, tmp_path: Path, copied: Any, probe: Probe, installation: Installation
) -> None:
    copy = copied(small_town, tmp_path)
    asked = Investigation(copy, installation=installation)
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    folder_of(copy).rename(tmp_path / "moved")
    asked.search()
    assert f"{copy.name}.gallery is missing" in asked.messages["search"]
    assert asked.state == "idle"


def test_an_unexpected_error_is_logged_and_told_in_a_plain_sentence(
    asked: Investigation,
    probe: Probe,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(workbench.faces.orientation, "detect", lambda *_, **__: 1 / 0)
    with caplog.at_level(logging.ERROR):
        asked.add_photograph("1.jpg", probe(1))
    assert asked.messages["target"] == UNEXPECTED
    assert "ZeroDivisionError" in caplog.text
    assert asked.state == "idle"

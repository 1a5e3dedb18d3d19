from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from workbench.domain import Camera, Candidate, District, Scope
from workbench.errors import MapError
from workbench.maps.timeline import MAX_ROWS, timeline

LONDON = ZoneInfo("Europe/London")
START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
Make = Callable[..., Candidate]


def footage(cameras: list[Camera], *minutes: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "camera_id": camera.camera_id,
                "camera": camera.name,
                "started_at": START + timedelta(minutes=start),
                "ended_at": START + timedelta(minutes=end),
            }
            for camera in cameras
            for start, end in minutes
        ]
    )


def test_cameras_come_in_the_order_of_the_route(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    market, station, harbour = cameras
    found = [make_candidate(market, 20, 0.9), make_candidate(station, 5, 0.7)]
    figure = timeline(found, zone=LONDON, coverage=footage([harbour], (0, 60)))
    assert figure.layout.yaxis.ticktext == ("Station", "Market", "Harbour")
    assert figure.data[1].y == (1, 0)


def test_better_scores_have_larger_marks_and_the_best_a_label(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], minute, 0.5 + minute / 100) for minute in range(12)]
    marks = timeline(found, zone=LONDON).data[1]
    assert list(marks.marker.size) == sorted(marks.marker.size, reverse=True)
    assert marks.text[0] == "0.61"
    assert marks.text[-1] == ""
    assert marks.customdata[0] == "CAM-1-11"


def test_footage_is_a_bar_and_its_absence_a_gap(cameras: list[Camera]) -> None:
    coverage = footage(cameras[:1], (0, 10), (10, 20), (40, 50))
    bars = timeline([], zone=LONDON, coverage=coverage).data[0]
    minute = 60_000  # Plotly's dates count milliseconds
    assert list(bars.x) == [20 * minute, 10 * minute]


def test_no_footage_at_all_is_said(cameras: list[Camera], district: District) -> None:
    scope = Scope(district, START, START + timedelta(hours=1))
    nothing = footage(cameras, (0, 1)).iloc[:0]
    figure = timeline([], zone=LONDON, scope=scope, coverage=nothing)
    assert "no one could be seen" in figure.layout.annotations[0].text


def test_moments_keep_their_distance_when_clocks_go_back(
    make_candidate: Make, cameras: list[Camera], district: District
) -> None:
    # 00:30 UTC is 01:30 BST, and an hour later it is 01:30 again, GMT.
    start = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    scope = Scope(district, start, start + timedelta(hours=3))
    found = [make_candidate(cameras[0], minute, start=start) for minute in (30, 90)]
    figure = timeline(found, zone=LONDON, scope=scope)
    first, second = figure.data[1].x
    assert second - first == timedelta(hours=1)
    times = [text.split("<br>")[1] for text in figure.data[1].hovertext]
    assert times == ["Sun 25 Oct 2026, 01:30:04 BST", "Sun 25 Oct 2026, 01:30:04 GMT"]
    # The clocks and the day are told where they change, not at each tick.
    assert figure.layout.xaxis.ticktext == (
        "01:00<br>BST<br>25 Oct<br>2026", "01:30", "01:00<br>GMT", "01:30", "02:00", "02:30",
        "03:00",
    )  # fmt: skip
    assert figure.layout.xaxis.tickangle == 0
    assert "BST, GMT" in figure.layout.xaxis.title.text


def test_a_change_of_clocks_and_back_is_not_overlooked(district: District) -> None:
    year = Scope(district, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    axis = timeline([], zone=LONDON, scope=year).layout.xaxis
    assert "GMT, BST" in axis.title.text
    assert any("BST" in tick for tick in axis.ticktext)
    assert not any(":" in tick for tick in axis.ticktext)  # whole days


def test_steady_clocks_leave_the_ticks_to_plotly(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    figure = timeline([make_candidate(cameras[0])], zone=ZoneInfo("Asia/Kolkata"))
    assert figure.layout.xaxis.tickvals is None
    assert figure.data[1].x == (datetime(2026, 3, 29, 6, 0, 4),)  # noqa: DTZ001
    assert "Asia/Kolkata (IST)" in figure.layout.xaxis.title.text


def test_text_from_outside_never_becomes_html(
    make_candidate: Make, cameras: list[Camera], hostile: str
) -> None:
    camera = replace(cameras[0], name=hostile)
    figure = timeline(
        [make_candidate(camera, recording=hostile)],
        zone=LONDON,
        coverage=footage([camera], (0, 10)),
    )
    assert "<img" not in figure.to_json()
    assert "<img" not in json.dumps(json.loads(figure.to_json()), ensure_ascii=False)
    assert figure.layout.yaxis.ticktext[0].startswith("&lt;img")


def test_selected_candidate_has_a_shape_of_its_own(
    make_candidate: Make, cameras: list[Camera]
) -> None:
    found = [make_candidate(cameras[0], 0, 0.9), make_candidate(cameras[1], 5, 0.7)]
    marks = timeline(found, zone=LONDON, selected="CAM-2-5").data[1]
    assert marks.marker.symbol == ("circle", "diamond")


def test_too_many_cameras_are_cut_and_counted(make_candidate: Make, cameras: list[Camera]) -> None:
    crowd = [replace(cameras[0], camera_id=f"C{i}", name=f"Camera {i}") for i in range(80)]
    figure = timeline([make_candidate(crowd[79])], zone=LONDON, coverage=footage(crowd, (0, 10)))
    assert len(figure.layout.yaxis.ticktext) == MAX_ROWS
    assert figure.layout.yaxis.ticktext[0] == "Camera 79"
    assert "20 more cameras not shown" in figure.layout.annotations[0].text


def test_coverage_it_cannot_read_is_refused(cameras: list[Camera]) -> None:
    good = footage(cameras, (0, 10))
    with pytest.raises(MapError, match="no column camera, ended_at"):
        timeline([], zone=LONDON, coverage=good.drop(columns=["camera", "ended_at"]))
    naive = good.assign(started_at=good["started_at"].dt.tz_localize(None))
    with pytest.raises(MapError, match="times without a zone"):
        timeline([], zone=LONDON, coverage=naive)


def test_a_timeline_without_candidates_says_so() -> None:
    assert timeline([], zone=LONDON).layout.annotations[0].text == "No candidates."

"""``sightline footage clock`` as people and scripts use it, in an installation that trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.main import main
from workbench.cli.output import DONE, REFUSED


@pytest.fixture
def clock(clocked: Path, fresh_home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """``clock("read", …)``: run an action on the gallery; its status, results and messages."""

    def run(*arguments: object) -> tuple[int, list[dict[str, Any]], str]:
        given = ["footage", "clock", *map(str, arguments), "--gallery", str(clocked), "--json"]
        capsys.readouterr()
        status = main(given)
        out, err = capsys.readouterr()
        return status, [json.loads(line) for line in out.splitlines()], err

    return run


def test_a_clock_is_looked_at_and_compared(clock: Any, tmp_path: Path) -> None:
    status, found, _ = clock("pictures", "gate.mp4", "--area", "top", "--output", tmp_path / "p")
    assert status == DONE
    assert [Path(one["file"]).read_bytes()[:4] for one in found] == [b"\x89PNG"] * 2
    assert found[0]["stated"] == "2026-03-31T17:04:00+00:00"
    status, (read,), _ = clock(
        "read", "gate.mp4", "--first", "18:02:50", "--last", "18:02:54",
        "--clock-ahead", "30", "--clock-uncertainty", "2", "--how", "speaking clock",
    )  # fmt: skip
    assert status == DONE
    assert read["offset_seconds"] == pytest.approx(100.458, abs=0.001)
    assert read["uncertainty_seconds"] == pytest.approx(3.458, abs=0.001)
    assert read["drifts"] is False


def test_times_are_corrected_by_a_comparison_and_listed(clock: Any, tmp_path: Path) -> None:
    assert clock("pictures", "gate.mp4", "--output", tmp_path / "p")[0] == DONE
    right = ("--clock-ahead", "0", "--how", "radio")
    given = ("read", "gate.mp4", "--first", "18:02:50", *right)
    (read,) = clock(*given)[1]
    status, planned, _ = clock("set", "--compared", read["entry"], "--dry-run")
    assert (status, [one["made"] for one in planned]) == (DONE, [False])
    *_, changed = clock(*given, "--apply")[1]
    assert changed == {**planned[0], "made": True}
    status, listed, _ = clock("list", "--camera", "C0")
    assert (status, len(listed)) == (DONE, 3)
    assert listed[0]["recorded"] == "2026-03-31T17:04:00+00:00"
    assert listed[0]["time"] == "2026-03-31T17:02:50+00:00"
    assert "radio" in listed[0]["how"]
    (doubtful,) = clock("list", "--uncertain")[1]
    assert (doubtful["file"], doubtful["from_seconds"]) == ("night/a.mp4", 3.0)


def test_times_are_set_by_a_moment_and_confirmed(clock: Any) -> None:
    moment = ("--moment", "2026-03-31T18:04:07+01:00", "2026-03-31T18:02:32+01:00")
    status, (changed,), _ = clock("set", "--camera", "C1", *moment, "--how", "a train")
    assert (status, changed["new_offset_seconds"]) == (DONE, 95.0)
    (*_, setting) = clock("list", "--camera", "C1")[1]
    assert (setting["setting_for"], setting["offset_seconds"]) == ("camera", 95.0)
    status, (changed,), _ = clock(
        "confirm",
        "--recording",
        "night/a.mp4",
        "--stretch",
        3,
        "--how",
        "a bus",
        "--uncertainty",
        2,
    )
    assert changed["old_start"] == changed["new_start"]
    assert [one["found_by"] != "" for one in clock("list", "--camera", "C0")[1]] == [0, 0, 1]
    assert clock("list", "--uncertain")[1] == []


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (("pictures", "gate.mp4", "--area", "0,0,100,50", "--output", "p"), "may show people"),
        (("pictures", "none.mp4", "--output", "p"), "has no recording 'none.mp4'"),
        (("pictures", "gate.mp4", "--stretch", "3", "--output", "p"), "no stretch begins"),
        (
            ("read", "gate.mp4", "--first", "18:02", "--clock-ahead", "0", "--how", "x"),
            "no one has",
        ),
        (("set", "--ahead", "9", "--how", "x"), "a recording, a camera or a folder"),
        (("set", "--ahead", "9", "--camera", "C0"), "how it is known is missing"),
        (("set", "--ahead", "nan", "--camera", "C0", "--how", "x"), "more than a year"),
        (("set", "--compared", "7"), "entry 7 of the record is not a comparison"),
        (("set", "--camera", "C0", "--how", "x", "--moment", "18:04", "18:02"), "ISO 8601"),
        (("confirm", "--camera", "C9", "--how", "x"), "no recording that this concerns"),
        (
            ("read", "gate.mp4", "--first", "x", "--clock-ahead", "0", "--how", "x", "--zone", "Z"),
            "'Z' is not a time zone",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    clock: Any, given: tuple[str, ...], what: str
) -> None:
    status, found, said = clock(*given)
    assert (status, found) == (REFUSED, [])
    assert what in said

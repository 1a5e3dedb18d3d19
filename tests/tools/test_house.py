"""The drawn house: its rooms and libraries are those of the contracts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

from tools import house

REPOSITORY = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def words(drawing: str, kind: str) -> list[str]:
    """The texts of one kind in a drawing."""
    texts = ET.fromstring(drawing).iter(f"{SVG}text")
    return [text.text or "" for text in texts if text.get("class") == kind]


def test_the_drawing_is_what_the_contracts_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert house.main(["--check"]) == 0, capsys.readouterr().err


def test_every_room_that_exists_is_drawn_once() -> None:
    package = REPOSITORY / "workbench"
    rooms = [path.parent.name for path in package.glob("*/__init__.py")]
    rooms += [path.stem for path in package.glob("*.py") if not path.stem.startswith("__")]
    drawn = words(house.DRAWING.read_text(), "name")
    assert Counter(drawn) == Counter(rooms)
    assert set(house.WAY_OF_A_FACE) <= set(rooms)


def test_a_room_that_is_added_makes_the_drawing_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = tmp_path / "contracts"
    text = house.CONTRACTS.read_text().replace("    faces\n", "    faces\n    cellar\n", 1)
    changed.write_text(text.replace("    duckdb\n", "    duckdb\n    sqlite3\n"))
    monkeypatch.setattr(house, "CONTRACTS", changed)
    assert house.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    drawing = house.draw(*house.read_contracts(changed))
    assert "cellar" in words(drawing, "name")
    assert "duckdb, sqlite3, psycopg" in words(drawing, "library")


def test_a_storey_whose_first_room_is_gone_is_refused(tmp_path: Path) -> None:
    floors, libraries = house.read_contracts(house.CONTRACTS)
    with pytest.raises(SystemExit, match="no floor begins with maps"):
        house.draw([floor for floor in floors if floor != ["maps"]], libraries)

"""No text of ours is a formula to a spreadsheet, and none is changed by being written and read."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.spreadsheets import as_written, csv_text, inert
from workbench.footage.tables import append_row, read_table

FORMULAS = (
    "=1+1", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\xa0=1",
    "\ufeff=1", "\u200b=1", "\uff1d1", "\uff0b1+1", "\uff0d1+1", "\uff20SUM(1)", "\u22121+1",
    "=DDE(\"cmd\",\"/C calc\",\"1\")", '=HYPERLINK("http://x","y")', "--1", "-", "=", "'\t=1",
    "-1e", "-0x1", "+49 30 1234",
)  # fmt: skip
# A table of commas that is opened as one of semicolons, tabs or bars has other cells.
LATER = ("a;=1", "a;  @x", "a\n=1", "a\t-1+1", "a|=1", "x;'=1;=2")
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\u2212"
PARTS = st.lists(st.sampled_from([*FORMULAS, *LATER, "'", "''", "a", ";", "\t", " ", "-0.5", "="]))


def cells(text: str, separator: str) -> list[str]:
    """What a program with another separator makes of it, with a quotation mark in a word left."""
    return [cell for line in re.split(r"[\r\n]+", text) for cell in line.split(separator)]


@pytest.mark.parametrize("text", [*FORMULAS, *LATER])
def test_a_formula_is_text(text: str) -> None:
    made = inert(text)
    for separator in (";", "\t", "|", "\0"):
        for cell in cells(made, separator):
            assert not cell.strip(" \xa0\ufeff\u200b").startswith(tuple(SIGNS)), (made, cell)
    assert as_written(made) == text


@pytest.mark.parametrize(
    "text",
    ["-0.5", "+1", "1e-3", "-.5", "-7.", "it's", "a-b", "a = b", "2026-03-29", "", "'", "a; b"],
)
def test_what_is_no_formula_stays(text: str) -> None:
    assert inert(text) == text == as_written(text)


@given(PARTS.map("".join) | st.text())
def test_a_text_comes_back_as_it_was(text: str) -> None:
    assert as_written(inert(text)) == text


def test_numbers_stay_numbers_and_nothing_is_an_empty_cell() -> None:
    table = csv_text(["a", "b", "c", "d"], [[-0.5, None, "-1+1", "x,y"]])
    assert table == 'a,b,c,d\n-0.5,,\'-1+1,"x,y"\n'
    assert next(csv.DictReader(io.StringIO(table)))["d"] == "x,y"


def test_a_catalogue_names_files_that_look_like_formulas(tmp_path: Path) -> None:
    path, names = tmp_path / "footage.csv", ["=cmd|x.mp4", "-2+3.mp4", "'=x.mp4", "plain.mp4"]
    for name in names:
        append_row(path, ["file", "latitude"], {"file": name, "latitude": "-0.5"})
    lines = path.read_text().splitlines()
    assert lines[1:] == ["'=cmd|x.mp4,-0.5", "'-2+3.mp4,-0.5", "''=x.mp4,-0.5", "plain.mp4,-0.5"]
    rows = [row for _, row in read_table(path, ["file", "latitude"])]
    assert [row["file"] for row in rows] == names
    assert {row["latitude"] for row in rows} == {"-0.5"}


def test_only_one_function_writes_cells() -> None:
    """So that no table goes round it."""
    package = Path(__file__).parents[1] / "workbench"
    writers = re.compile(r"csv\.(?:Dict)?[wW]riter\(|\.to_csv\(|\.to_excel\(|write_csv\(")
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if writers.search(path.read_text("utf-8"))
    }
    assert found == {"domain/spreadsheets.py", "footage/tables.py"}

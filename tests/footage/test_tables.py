"""Tables as spreadsheets of all locales write them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import CatalogueError
from workbench.footage import tables
from workbench.footage.tables import append_row, read_table, remove_rows, with_rows

COLUMNS = ("camera_id", "latitude", "longitude")


def rows(path: Path, content: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    path.write_bytes(content.encode(encoding))
    return [row for _, row in read_table(path, COLUMNS)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "lines",
    [
        ["camera_id,latitude,longitude", "C1,51.48,-0.01"],
        ["camera_id;latitude;longitude", "C1;51,48;-0,01"],
        ["camera_id\tlatitude\tlongitude", "C1\t51.48\t-0.01"],
        ["camera_id|latitude|longitude", "C1|51.48|-0.01"],
        ["sep=;", "camera_id;latitude;longitude", "C1;51,48;-0,01"],
        [" camera_id , latitude,longitude,note", 'C1, 51.48 ,-0.01,"a, b"'],
    ],
)
def test_separators_line_ends_and_encodings_of_spreadsheets_are_read(
    tmp_path: Path, lines: list[str], end: str, encoding: str
) -> None:
    (row,) = rows(tmp_path / "t.csv", end.join(lines) + end, encoding)
    assert {name: row[name] for name in COLUMNS} == {
        "camera_id": "C1",
        "latitude": "51.48",
        "longitude": "-0.01",
    }


def test_a_comma_in_a_text_stays(tmp_path: Path) -> None:
    (row,) = rows(tmp_path / "t.csv", "camera_id;latitude;longitude;name\nC1;1;2;Gate, north\n")
    assert row["name"] == "Gate, north"


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('sep=,\ncamera_id,latitude,longitude\n\nC1,1,2\n"C\n2",3,4\nC3,5,6\n')
    assert [where for where, _ in read_table(path, COLUMNS)] == [
        "t.csv line 4",
        "t.csv line 6",
        "t.csv line 7",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"camera_id;latitude\nC1;1\n", "has no column longitude"),
        (b"", "has no column camera_id, latitude, longitude"),
        (b"camera_id,latitude,longitude\n\xff,1,2\n", "it is not in UTF-8"),
        (b'camera_id,latitude,longitude\n"C1,1,2\n', "cannot be read as a table"),
        (b"camera_id," + b"9" * 200_000, "cannot be read as a table"),
    ],
)
def test_what_is_no_such_table_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=said):
        list(read_table(path, COLUMNS))


@pytest.mark.parametrize(
    ("content", "added"),
    [
        (b"file,camera_id\na.mp4,A", b"\nb.mp4,B\n"),
        (b"\xef\xbb\xbfcamera_id;file;note\r\nA;a.mp4;\r\n", b"B;b.mp4;\r\n"),
        ("\ufefffile\tcamera_id\n".encode("utf-16-be"), "b.mp4\tB\n".encode("utf-16-be")),
    ],
)
def test_rows_are_added_as_the_table_itself_is_written(
    tmp_path: Path, content: bytes, added: bytes
) -> None:
    path = tmp_path / "footage.csv"
    path.write_bytes(content)
    row = {"file": "b.mp4", "camera_id": "B", "time_from": "name", "frame_rate": ""}
    made = with_rows(path, ("file", "camera_id"), [row], leave=("time_from",))
    assert made == content + added
    assert path.read_bytes() == content
    wider = with_rows(path, ("file",), [row | {"frame_rate": "2"}], leave=("time_from",))
    path.write_bytes(wider)
    *_, (_, last) = read_table(path, ("file", "camera_id", "frame_rate"))
    assert last["frame_rate"] == "2"
    assert "time_from" not in last


@pytest.mark.parametrize("change", ["append", "remove"])
def test_a_row_that_is_added_while_another_change_is_made_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("file,camera_id\nold.mkv,C1\n")
    begun, added = threading.Event(), threading.Event()
    true: Callable[..., Any] = tables.replace_file

    def slow(*given: Any) -> None:
        if not begun.is_set():
            begun.set()
            added.wait(0.2)  # as long as it takes where nothing keeps the other one out
        true(*given)

    monkeypatch.setattr(tables, "replace_file", slow)

    def first() -> None:
        if change == "append":
            append_row(path, ["file"], {"file": "first.mkv"})
        else:
            remove_rows(path, ["file"], {"old.mkv"})

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait()
    append_row(path, ["file"], {"file": "second.mkv"})
    added.set()
    thread.join()
    files = {row["file"] for _, row in read_table(path, ["file"])}
    assert files == ({"old.mkv", "first.mkv"} if change == "append" else set()) | {"second.mkv"}

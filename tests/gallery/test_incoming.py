"""An export in which one value cannot be is refused by its file, column and row."""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures import jpeg
from PIL import Image

from workbench.cli.main import main
from workbench.domain import IndexedRecording, Profile
from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.exchange import read_batches
from workbench.gallery.exporting import export
from workbench.gallery.importing import check_export, exported_profile, import_into
from workbench.gallery.incoming import check_tables
from workbench.gallery.joining import merge
from workbench.gallery.recordings import stored

START = datetime(2026, 3, 29, tzinfo=UTC)
FAR, LONG_AGO = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)
NAN, INFINITE = math.nan, math.inf


def wide() -> bytes:
    file = io.BytesIO()
    Image.new("L", (9000, 8)).save(file, "JPEG")
    return file.getvalue()


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "PNG")
    return file.getvalue()


# Table, column, and what stands in its second row.
IMPOSSIBLE: list[tuple[str, str, Any]] = [
    *(("recordings", "recording_id", value) for value in (
        "../../../evil", "ABCDEF0123456789", "0123456789abcde", "0123456789abcdef\n", "", None)),
    *(("recordings", "file", value) for value in (
        "/etc/passwd", "../x.mp4", "a/../../x.mp4", "a\\..\\x", "C:\\x.mp4", "", "a\0b")),
    *(("recordings", "sha256", value) for value in ("", "0" * 63, "G" * 64)),
    *(("recordings", column, value) for column in ("started_at", "ended_at", "indexed_at")
      for value in (FAR, LONG_AGO, datetime.now(UTC) + timedelta(days=3), None)),
    *(("recordings", column, -1) for column in ("size_bytes", "faces", "stream", "width")),
    *(("recordings", "seconds", value) for value in (NAN, INFINITE, -1.0, 1e12)),
    ("recordings", "rotation", 45), ("recordings", "pixel_aspect", "1/0"),
    ("recordings", "pixel_aspect", "x"), ("recordings", "frame_rate", 0.0),
    ("recordings", "camera_id", "C99"), ("recordings", "catalogue", "x" * 20_000),
    *(("cameras", "camera_id", value) for value in ("", "C\x1b[2J", "C\u202e", "x" * 300, None)),
    *(("cameras", "latitude", value) for value in (91.0, NAN, INFINITE, None)),
    *(("cameras", "longitude", value) for value in (-181.0, NAN, -INFINITE)),
    ("cameras", "name", "Quay\n"), ("cameras", "noted_at", FAR),
    *(("tracklets", column, value) for column in ("first_seen", "last_seen")
      for value in (FAR, LONG_AGO, None)),
    ("tracklets", "first_seen", datetime(2026, 3, 28, tzinfo=UTC)),
    ("tracklets", "last_seen", datetime(2026, 3, 28, tzinfo=UTC)),
    ("tracklets", "ordinal", -1), ("tracklets", "ordinal", 0), ("tracklets", "detections", -1),
    ("tracklets", "camera_id", "C1"), ("tracklets", "first_seconds", NAN),
    ("tracklets", "searchable", False), ("tracklets", "recording_id", "0123456789abcdef"),
    *(("shots", "jpeg", value) for value in (
        None, b"", b"text", png(), wide(), jpeg()[:200], jpeg()[:-40], b"\xff" * (9 << 20))),
    *(("shots", column, value) for column in ("quality", "sharpness", "occlusion")
      for value in (NAN, -0.1, 1.1, INFINITE, None)),
    ("shots", "rank", -1), ("shots", "rank", 0), ("shots", "ordinal", 700),
    ("shots", "width", 0.0), ("shots", "x", NAN), ("shots", "time", FAR),
    *(("shots", "template", value) for value in (
        None, [NAN] * 8, [0.0] * 7 + [INFINITE], [1e30] * 8, [None] * 8)),
    *(("templates", "template", value) for value in (None, [NAN] * 8, [-INFINITE] * 8, [1e30] * 8)),
    ("templates", "ordinal", -5), ("templates", "ordinal", 0), ("templates", "ordinal", 77),
    ("templates", "recording_id", "../../../evil"),
    ("stretches", "offset_seconds", 1e9), ("stretches", "from_seconds", 5.0),
    ("stretches", "given_for", "everybody"), ("stretches", "uncertainty_seconds", -1.0),
    ("spans", "ended_at", datetime(2020, 1, 1, tzinfo=UTC)), ("spans", "camera_id", "C3"),
]  # fmt: skip


@pytest.fixture
def part(gallery: Gallery, tmp_path: Path) -> Path:
    """An export of one part, beside one of several."""
    assert export(gallery, tmp_path / "all") == 12
    with Gallery.create(tmp_path / "one.duckdb", gallery.profile) as one:
        one.add_cameras(gallery.cameras())
        one.add_recordings(stored(gallery, gallery.recordings()["recording_id"].tolist()))
        export(one, tmp_path / "parquet")
    (folder,) = [path for path in (tmp_path / "parquet").iterdir() if path.is_dir()]
    return folder


def refusal(folder: Path, profile: Profile) -> str:
    with pytest.raises(GalleryError) as refused:
        list(check_export(folder, profile))
    return str(refused.value)


def test_a_value_that_cannot_be_is_refused_by_its_place(part: Path, profile: Profile) -> None:
    assert len(list(check_export(part.parent, profile))) == 1
    ((sound, _),) = read_batches(part, profile)
    for table, column, value in IMPOSSIBLE:
        values = sound[table][column].to_pylist()
        values[1] = value
        at = sound[table].column_names.index(column)
        kind = sound[table].schema.types[at]
        changed = sound[table].set_column(at, column, pa.array(values, kind))
        with pytest.raises(GalleryError) as refused:
            check_tables(sound | {table: changed}, "here")
        said = str(refused.value)
        assert said.startswith("here: "), (table, column, value, said)
        place = f"{table}.parquet, column {column}, row 2"
        if (table, column) in RELATED:
            place = ".parquet, column "
        assert place in said, (table, column, value)
        assert said.replace("\n", "?").isprintable()
    assert len(list(check_export(part.parent, profile))) == 1


# What is wrong there is seen first in another row or column.
RELATED = {
    ("cameras", "camera_id"),
    ("cameras", "longitude"),
    ("recordings", "recording_id"),
    ("shots", "rank"),
    ("shots", "ordinal"),
    ("templates", "ordinal"),
    ("tracklets", "ordinal"),
    ("tracklets", "recording_id"),
    ("templates", "recording_id"),
    ("tracklets", "searchable"),
    ("stretches", "from_seconds"),
    ("tracklets", "last_seen"),
    ("tracklets", "first_seconds"),
    ("recordings", "started_at"),
    ("recordings", "ended_at"),
    ("recordings", "camera_id"),
    ("tracklets", "first_seen"),
}


def test_a_table_of_another_kind_is_refused(part: Path, profile: Profile) -> None:
    path = part / "shots.parquet"
    before = path.read_bytes()
    table = pq.read_table(path)
    at = table.column_names.index("quality")
    for other, word in (
        (table.drop_columns(["quality"]), "quality"),
        (table.set_column(at, "quality", pa.array(["x"] * len(table))), "holds string, not double"),
        (table.set_column(at, "quality", pa.array([1] * len(table))), "holds int64, not double"),
        (table.append_column("quality", table["quality"]), "quality"),
    ):
        pq.write_table(other, path)
        assert "shots.parquet: is not a part of an export" in (
            said := refusal(part.parent, profile)
        )
        assert word in said
    invalid = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    path.write_bytes(before)
    runs = pq.read_table(part / "refusals.parquet")
    row = [invalid if field.type == pa.string() else pa.array([START], field.type)
           if pa.types.is_timestamp(field.type) else pa.array([0], field.type)
           for field in runs.schema]  # fmt: skip
    pq.write_table(pa.Table.from_arrays(row, schema=runs.schema), part / "refusals.parquet")
    assert "refusals.parquet" in refusal(part.parent, profile)
    path.unlink()
    path.mkdir()
    assert "shots.parquet: is not a part of an export" in refusal(part.parent, profile)


def test_a_profile_that_cannot_be_is_refused(
    part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = part.parent / "gallery.json"
    sound = json.loads(file.read_text())
    for name, value in (
        ("dimension", 0), ("dimension", -8), ("dimension", "8"), ("dimension", 10**12),
        ("dimension", True), ("dimension", 8.5), ("metric", "hamming"), ("metric", None),
        ("name", "x\x1b[2J"), ("name", ""), ("name", 7), ("detector", ["dlib"]),
        ("weights", "ab"), ("weights", [["a"]]), ("weights", [[1, 2]]), ("weights", None),
        ("more", 1),
    ):  # fmt: skip
        file.write_text(json.dumps(sound | {"profile": sound["profile"] | {name: value}}))
        with pytest.raises(GalleryError, match=r"its profile|is not an export"):
            exported_profile(part.parent)
    path = tmp_path / "new.duckdb"
    assert main(["gallery", "import", str(path), str(part.parent)]) == 2
    assert "is not an export of a gallery" in capsys.readouterr().err
    assert not path.exists()


def test_nothing_of_a_refused_export_is_imported(
    gallery: Gallery, part: Path, tmp_path: Path, profile: Profile, capsys: Any
) -> None:
    """Not of its sound parts either, and no gallery is made for it."""
    all_of_it = tmp_path / "all"
    last = max(path for path in all_of_it.iterdir() if path.is_dir())
    file = last / "shots.parquet"
    before, shots = file.read_bytes(), pq.read_table(file)
    at = shots.column_names.index("jpeg")
    pq.write_table(shots.set_column(at, "jpeg", pa.array([b"text"] * len(shots))), file)
    assert main(["gallery", "import", str(tmp_path / "new.duckdb"), str(all_of_it)]) == 2
    assert "shots.parquet, column jpeg, row 1: is not a JPEG" in capsys.readouterr().err
    assert not list(tmp_path.glob("new*"))
    with Gallery.create(tmp_path / "empty.duckdb", profile) as empty:
        with pytest.raises(GalleryError, match="column jpeg, row 1"):
            import_into(empty.writer, all_of_it)
        assert len(empty.recordings()) == 0
        file.write_bytes(before)
        shutil.copytree(last, all_of_it / "00000099-00000000")
        with pytest.raises(GalleryError, match=f"is in {last.name} too"):
            import_into(empty.writer, all_of_it)
        assert len(empty.recordings()) == 0
        shutil.rmtree(all_of_it / "00000099-00000000")
        import_into(empty.writer, all_of_it)
        assert list(check(empty)) == []


def test_a_gallery_put_together_by_hand_is_not_merged(
    gallery: Gallery, tmp_path: Path, profile: Profile, indexed: Callable[..., IndexedRecording]
) -> None:
    """Its checksums fit, so that only its values are wrong."""
    path, whole = tmp_path / "other.duckdb", indexed(5, 0, (77,))
    (shot, *more), rest = whole.tracklets[0].shots, whole.tracklets[1:]
    wrong = replace(shot, jpeg=b"text", quality=replace(shot.quality, overall=float("nan")))
    first = replace(whole.tracklets[0], shots=(wrong, *more))
    with Gallery.create(path, profile) as other:
        other.add_cameras(gallery.cameras())
        other.add_recording(replace(whole, tracklets=(first, *rest)))
    before = len(gallery.recordings())
    with Gallery.open(path) as other, pytest.raises(GalleryError, match="column quality, row 1"):
        merge(gallery.writer, other)
    assert len(gallery.recordings()) == before

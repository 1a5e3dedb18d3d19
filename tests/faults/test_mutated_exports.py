"""Exports damaged at random are refused, or come in as a sound gallery."""

from __future__ import annotations

import math
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import CAMERA, PROFILE, numbered
from mutations import MUTATIONS, mutated, try_apart

from workbench.errors import GalleryError
from workbench.gallery import Gallery
from workbench.gallery.checking import check
from workbench.gallery.exporting import export
from workbench.gallery.importing import import_into

VALUES: dict[str, tuple[Any, ...]] = {
    "string": ("", "x", "../..", "\0", "0" * 16, "\x1b[2J", "=1", "C0", "y" * 100_000),
    "double": (math.nan, math.inf, -math.inf, -1.0, 1e308, 0.0, -0.0, 5e-324),
    "int32": (-1, 0, 1, 2**31 - 1, -(2**31)),
    "int64": (-1, 0, 2**63 - 1, -(2**63)),
    "bool": (True, False),
    "binary": (b"", b"text", b"\xff\xd8\xff"),
}
TIMES = tuple(
    datetime(year, 1, 1, tzinfo=UTC) + timedelta(microseconds=1) for year in (1, 1970, 2030, 9999)
)


def one_value(folder: Path, generator: random.Random) -> None:
    tables = {path: pq.read_table(path) for path in sorted(folder.rglob("*.parquet"))}
    path = generator.choice([path for path, table in tables.items() if len(table)])
    table = tables[path]
    at = generator.randrange(table.num_columns)
    kind, values = table.schema.types[at], table.column(at).to_pylist()
    row = generator.randrange(len(values))
    those = VALUES.get(str(kind), TIMES if pa.types.is_timestamp(kind) else ([math.nan] * 16,))
    values[row] = generator.choice([*those, None, values[-1 - row]])
    pq.write_table(table.set_column(at, table.column_names[at], pa.array(values, kind)), path)


def some_bytes(folder: Path, generator: random.Random) -> None:
    path = generator.choice(sorted(folder.rglob("*.parquet")))
    path.write_bytes(mutated(path.read_bytes(), generator))


def read(kind: str, number: int) -> str:
    what, _, folder = kind.partition(" ")
    sound, work = Path(folder), Path(f"{folder}.work")
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(sound, work / "parquet")
    damage = one_value if what == "value" else some_bytes
    damage(work / "parquet", random.Random(f"{what} {number}"))
    with Gallery.create(work / "new.duckdb", PROFILE) as gallery:
        try:
            import_into(gallery.writer, work / "parquet")
        except GalleryError:
            assert len(gallery.recordings()) == 0
            return "refused"
        assert list(check(gallery)) == []
        return "imported"


@pytest.mark.soak
@pytest.mark.parametrize("what", ["value", "bytes"])
def test_a_damaged_export_is_refused_or_sound(tmp_path: Path, what: str) -> None:
    with Gallery.create(tmp_path / "gallery.duckdb", PROFILE) as gallery:
        gallery.add_cameras([CAMERA])
        gallery.add_recordings([numbered(number) for number in range(3)])
        export(gallery, tmp_path / "sound")
    said = try_apart(f"{what} {tmp_path / 'sound'}", MUTATIONS // 15, read)
    assert said["refused"] > said.total() / 3

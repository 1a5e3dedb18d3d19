"""Galleries that earlier versions made, as they made them; galleries/README.md says how."""

from __future__ import annotations

import tarfile
from pathlib import Path

STORED = Path(__file__).with_name("galleries")


def unpacked(schema: int, folder: Path) -> Path:
    """Unpack the stored gallery of a schema into a folder; return the file that people name.

    Beside it is ``export``: the same, exported by the version that last read this schema.
    """
    with tarfile.open(STORED / f"schema-{schema}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "town.duckdb"

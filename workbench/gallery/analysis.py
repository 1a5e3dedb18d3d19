"""Tables of a gallery in SQL, and a connection for statistics that can only read them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from workbench.gallery.disk import unreadable
from workbench.gallery.duck import connect, sql_part
from workbench.gallery.register import schema
from workbench.gallery.segments import LATER, TABLES, Segment, attach, has_later

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.domain import Profile


def views(nothing: str, segments: Sequence[Segment], connection: duckdb.DuckDBPyConnection) -> str:
    """SQL that joins the tables of several attached segments into one set of tables.

    *nothing* is the name of the tables without rows.
    """
    made, aliases = "", [segment.alias for segment in segments]
    lacking = {alias for alias in aliases if not has_later(connection, alias)}
    for table in TABLES:
        parts = [nothing, *(a for a in aliases if table != LATER or a not in lacking)]
        # Names of tables and segments are our own, never a user's.
        union = " UNION ALL ".join(f"SELECT * FROM {part}.{table}" for part in parts)  # noqa: S608
        made += f"CREATE OR REPLACE TEMP VIEW all_{table} AS {union};"
    return made + sql_part("views.sql", 1)


def read_only(
    segments: Sequence[Segment], profile: Profile, templates: pa.Table
) -> duckdb.DuckDBPyConnection:
    """Open a connection to the tables of *segments* and the views of views.sql.

    Its base is a file that is open for reading and deleted already: such a database attaches others
    for reading only, and no file but the segments' is opened.

    Raises
    ------
    GalleryError
        If a segment cannot be read.
    FileNotFoundError
        If one was merged away meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        base = Path(folder) / "base.duckdb"
        building = connect(base, write=True)
        # A segment without rows, so that there is something to select from.
        building.execute(f"CREATE SCHEMA nothing; USE nothing; {schema(2, profile.dimension)}")
        building.close()
        connection = connect(base)
    try:
        for segment in segments:
            try:
                attach(connection, segment)
            except duckdb.Error as error:
                if not segment.folder.is_dir():
                    raise FileNotFoundError(segment.folder) from None
                raise unreadable(segment.folder, str(error)) from None
        connection.execute("SET temp_directory = ''; SET enable_external_access = false")
        connection.execute(views("base.nothing", segments, connection))
        connection.register("templates_view", templates)
        connection.execute(sql_part("views.sql", 2))
    except BaseException:
        connection.close()
        raise
    return connection


__all__ = ["read_only", "views"]

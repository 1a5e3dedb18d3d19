"""Checks of what comes from files: nothing is added to a gallery that indexing could not have made.

An export may have been written, or changed, by anything. Its values become paths, names in reports,
times on a page and numbers in a scan, so each column is held to what it can be, each row to the
rows it belongs to. The first that does not fit is named with its file, column and row.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa
from PIL import Image

from workbench.domain import (
    EARLIEST,
    GIVEN_FOR,
    MOST_OFFSET_SECONDS,
    QUALITY_PARTS,
    Profile,
    to_microseconds,
)
from workbench.domain.times import LATEST_AHEAD
from workbench.errors import GalleryError
from workbench.gallery.duck import connect, interruptible, sql_literal
from workbench.gallery.exchange import OPTIONAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 2  # microseconds
MOST_DIMENSION = 16_384
_LONGEST_ID, _LONGEST_TEXT = 200, 10_000
_LARGEST_JPEG, _WIDEST_JPEG = 8 << 20, 8192  # bytes, pixels a side
_LARGEST_NUMBER = 1e6  # in a template: far beyond any network's, and its square is a number still
_TEN_YEARS = 3.2e8  # seconds
# Lines that end, controls, and format characters that turn the order of letters round.
_HIDDEN = r"[\p{Cc}\p{Zl}\p{Zp}\x{202a}-\x{202e}\x{2066}-\x{2069}]"

Rows: TypeAlias = "Mapping[str, NDArray[np.int64]]"
"""Number of each row in its file, by table."""

Rule = tuple[str, str, str]
"""A column, what is wrong with a value in it, and the condition in SQL by which it is."""


def check_profile(profile: Profile, where: str) -> None:
    """Raise GalleryError if a profile that a file describes could not be that of a gallery."""
    texts = ("name", "detector", "recogniser", "alignment", "metric", "version")
    values = {name: getattr(profile, name) for name in texts}
    wrong = [
        name
        for name, text in values.items()
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_ID or not text.isprintable()
    ]
    if profile.metric not in ("cosine", "euclidean"):
        wrong.append("metric")
    if type(profile.dimension) is not int or not 0 < profile.dimension <= MOST_DIMENSION:
        wrong.append("dimension")
    if not all(isinstance(text, str) and text.isprintable() for w in profile.weights for text in w):
        wrong.append("weights")
    if wrong:
        raise GalleryError(
            f"its profile cannot be one: {', '.join(dict.fromkeys(wrong))}",
            where=where,
            fix="Export the gallery again",
        )


def check_tables(
    tables: Mapping[str, pa.Table],
    where: str,
    *,
    rows: Rows | None = None,
) -> None:
    """Check tables of whole recordings, as :func:`workbench.gallery.exchange.columns` has them.

    Parameters
    ----------
    where : str
        Their folder, or gallery.
    rows : mapping of str to (n,) int64, optional
        Number of each row in its file, for messages; by default counted from 1.

    Raises
    ------
    GalleryError
        For the first value that cannot be one of a gallery: names *where*, the table, the column
        and the row, counted from 1.
    """
    for name, table in tables.items():
        try:
            table.validate(full=True)
        except pa.ArrowException as error:
            raise _refused(where, name, "", 0, str(error).splitlines()[0]) from None
    with contextlib.closing(connect()) as connection, interruptible():
        for name, table in tables.items():
            number = range(1, table.num_rows + 1) if rows is None else rows[name]
            connection.register(name, table.append_column("row", pa.array(number, pa.int64())))
        for name, table in tables.items():
            _hold(connection, name, list(_of_columns(name, table.schema)), where)
        for name in tables:  # what compares rows meets only values that can be
            _hold(connection, name, list(_of_rows(name)), where)
    for name in ("shots", "templates"):
        _check_vectors(name, tables[name], where, rows)
    _check_pictures(tables["shots"], where, rows)


def _refused(where: str, table: str, column: str, row: int, what: str) -> GalleryError:
    place = f"{table}.parquet" + (f", column {column}, row {row:,}" if column else "")
    return GalleryError(
        f"{place}: {what}", where=where, fix="Nothing was added. Export the gallery again"
    )


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _hold(connection: duckdb.DuckDBPyConnection, name: str, rules: list[Rule], where: str) -> None:
    """Raise GalleryError for the first rule that a row of a table breaks."""
    if not rules:
        return
    # Names and rules are our own.
    firsts = ", ".join(f"min(CASE WHEN {condition} THEN row END)" for *_, condition in rules)
    rows = connection.execute(f"SELECT {firsts} FROM {name}").fetchone() or ()  # noqa: S608
    for (column, what, _), row in zip(rules, rows, strict=True):
        if row is not None:
            (value,) = connection.execute(
                f"SELECT {_quoted(column)} FROM {name} WHERE row = ?",  # noqa: S608
                [row],
            ).fetchone() or (None,)
            told = "" if value is None else f" ({str(value)[:60]!a})"
            raise _refused(where, name, column, row, f"{what}{told}")


def _of_columns(name: str, columns: pa.Schema) -> Iterator[Rule]:
    """The rules of each column of a table, by its kind and by its name."""
    for field in columns:
        column = _quoted(field.name)
        if (name, field.name) not in OPTIONAL:
            yield field.name, "is empty", f"{column} IS NULL"
        if pa.types.is_string(field.type):
            yield field.name, "is too long", f"length({column}) > {_LONGEST_TEXT}"
        elif pa.types.is_floating(field.type):
            yield field.name, "is not a number", f"NOT isfinite({column})"
        elif pa.types.is_timestamp(field.type):
            yield _time_rule(name, field.name)
    for column, (what, condition) in (_OF_ALL | _OF_TABLE.get(name, {})).items():
        if column in columns.names:
            yield column, what, condition


def _of_rows(name: str) -> Iterator[Rule]:
    """The rules of the rows of a table, among each other and among those of other tables."""
    if keys := _KEYS.get(name):
        by = ", ".join(map(_quoted, keys))
        numbered = f"SELECT row, row_number() OVER (PARTITION BY {by} ORDER BY row) AS n"
        twice = f"row IN (SELECT row FROM ({numbered} FROM {name}) WHERE n > 1)"  # noqa: S608 - our own
        yield keys[-1], "is a duplicate", twice
    yield from _OF_ROWS.get(name, ())


# When the camera, or the list, said that something was: a clock may have been anywhere.
_AS_STATED = {
    ("recordings", "stated_at"), ("clocks", "since"), ("clocks", "until"),
    ("refusals", "started_at"),
}  # fmt: skip


def _time_rule(name: str, column: str) -> Rule:
    if (name, column) in _AS_STATED:
        first, last = "TIMESTAMPTZ '0001-01-03 00:00:00Z'", "TIMESTAMPTZ '9999-12-29 00:00:00Z'"
    else:
        latest = to_microseconds(datetime.now(UTC) + LATEST_AHEAD)
        first, last = (
            f"make_timestamptz({to_microseconds(EARLIEST)})",
            f"make_timestamptz({latest})",
        )
    outside = f"NOT ({column} BETWEEN {first} AND {last})"
    if (name, column) == ("cameras", "noted_at"):  # of a copy, which is never the newest
        outside += f" AND {column} <> make_timestamptz(0)"
    return column, f"is not between {EARLIEST:%Y} and tomorrow", outside


def _one_of(column: str, values: tuple[object, ...]) -> str:
    return f"{column} NOT IN ({', '.join(map(sql_literal, values))})"


def _share(column: str) -> tuple[str, str]:
    return "is not from 0 to 1", f"NOT ({column} BETWEEN -1e-6 AND 1 + 1e-6)"


def _count(column: str) -> tuple[str, str]:
    return "is below 0", f"{column} < 0"


_ID = "is not 16 hexadecimal digits, as the id of a recording is"
# By the name of the column, in whichever table it is.
_OF_ALL: dict[str, tuple[str, str]] = {
    "recording_id": (_ID, "NOT regexp_full_match(recording_id, '[0-9a-f]{16}')"),
    "ordinal": ("is not from 0 to 999,999,999", "NOT (ordinal BETWEEN 0 AND 999999999)"),
    "camera_id": (
        "is not the id of a camera",
        f"length(camera_id) > {_LONGEST_ID} OR regexp_matches(camera_id, '{_HIDDEN}')",
    ),
    "offset_seconds": (
        "is more than a year", f"NOT (abs(offset_seconds) <= {MOST_OFFSET_SECONDS})",
    ),
    "uncertainty_seconds": (
        "is not from 0 to a year",
        f"NOT (uncertainty_seconds BETWEEN 0 AND {MOST_OFFSET_SECONDS})",
    ),
    **{
        column: ("is not from 0 to ten years", f"NOT ({column} BETWEEN 0 AND {_TEN_YEARS})")
        for column in ("seconds", "elapsed_seconds")
    },
    **{column: _share(column) for column in ("quality", *QUALITY_PARTS)},
    **{
        column: _count(column)
        for column in (
            "size_bytes", "frames_decoded", "frames_examined", "faces", "stream", "detections",
            "rank", "indexed", "refused", "comparisons",
        )
    },
}  # fmt: skip
_OF_TABLE: dict[str, dict[str, tuple[str, str]]] = {
    "cameras": {
        "camera_id": (
            "is not the id of a camera",
            f"length(camera_id) NOT BETWEEN 1 AND {_LONGEST_ID} "
            f"OR regexp_matches(camera_id, '{_HIDDEN}')",
        ),
        "name": ("holds a character that cannot be seen", f"regexp_matches(name, '{_HIDDEN}')"),
        "latitude": (
            "is not from -90 to 90, or is without its longitude",
            "NOT (latitude BETWEEN -90 AND 90) OR (latitude IS NULL) <> (longitude IS NULL)",
        ),
        "longitude": ("is not from -180 to 180", "NOT (longitude BETWEEN -180 AND 180)"),
    },
    "recordings": {
        "sha256": ("is not a SHA-256", "NOT regexp_full_match(sha256, '[0-9a-f]{64}')"),
        "file": (
            "is not a path inside a folder of footage",
            "file = '' OR contains(file, chr(0)) OR regexp_matches(file, '^(/|[A-Za-z]:[/\\\\])') "
            "OR regexp_matches(file, '(^|[/\\\\])\\.\\.([/\\\\]|$)')",
        ),
        "width": ("is not from 1 to 100,000", "NOT (width BETWEEN 1 AND 100000)"),
        "height": ("is not from 1 to 100,000", "NOT (height BETWEEN 1 AND 100000)"),
        "rotation": ("is not 0, 90, 180 or 270", "rotation NOT IN (0, 90, 180, 270)"),
        "pixel_aspect": (
            "is not a fraction such as 12/11",
            "NOT regexp_full_match(pixel_aspect, '[1-9]\\d{0,8}(/[1-9]\\d{0,8})?')",
        ),
        "frame_rate": ("is not above 0", "NOT (frame_rate > 0 AND frame_rate < 1e6)"),
    },
    "shots": {
        "width": ("is not above 0", "NOT (width > 0)"),
        "height": ("is not above 0", "NOT (height > 0)"),
    },
    "stretches": {"given_for": ("is none of those there are", _one_of("given_for", GIVEN_FOR))},
    "different_people": {"width": ("is not above 0", "NOT (width > 0)")},
}
_KEYS = {
    "cameras": ("camera_id",),
    "recordings": ("recording_id",),
    "tracklets": ("recording_id", "ordinal"),
    "shots": ("recording_id", "ordinal", "rank"),
    "templates": ("recording_id", "ordinal"),
    "stretches": ("recording_id", "from_seconds"),
    "refusals": ("camera_id", "file", "started_at"),
}
_MISTIMED = f"""
    SELECT t.row FROM tracklets t
    JOIN recordings r ON r.recording_id = t.recording_id
    ASOF JOIN stretches s
    ON s.recording_id = t.recording_id AND s.from_seconds <= t.first_seconds
    WHERE NOT abs(
        epoch_us(t.first_seen) - epoch_us(r.stated_at) - (t.first_seconds - s.offset_seconds) * 1e6
    ) <= {ROUNDING}
"""  # noqa: S608 - a number of our own
_BELONGS = "recording_id NOT IN (SELECT recording_id FROM recordings)"
_IN_RECORDING: Rule = ("recording_id", "names no recording of this folder", _BELONGS)
_SAME_CAMERA: Rule = (
    "camera_id",
    "is not the camera of its recording",
    "(recording_id, camera_id) NOT IN (SELECT (recording_id, camera_id) FROM recordings)",
)
_OF_ROWS: dict[str, tuple[Rule, ...]] = {
    "recordings": (
        (
            "camera_id",
            "names no camera of this folder",
            "camera_id NOT IN (SELECT camera_id FROM cameras)",
        ),
        ("ended_at", "is before its beginning", "ended_at < started_at"),
        (
            "recording_id",
            "is without the clock of its times",
            "recording_id NOT IN (SELECT recording_id FROM stretches WHERE from_seconds = 0)",
        ),
    ),
    "tracklets": (
        _IN_RECORDING,
        _SAME_CAMERA,
        ("last_seen", "is before it was first seen", "last_seen < first_seen"),
        (
            "first_seen",
            "is not the time of its recording's clock",
            f"row IN ({_MISTIMED})",
        ),
        (
            "searchable",
            "is not what its template and best shot say",
            """searchable <> ((recording_id, ordinal) IN
                (SELECT (recording_id, ordinal) FROM templates))
            OR searchable AND (recording_id, ordinal) NOT IN
                (SELECT (recording_id, ordinal) FROM shots WHERE rank = 0)""",
        ),
    ),
    "shots": (
        _IN_RECORDING,
        (
            "ordinal",
            "names no tracklet of its recording",
            "(recording_id, ordinal) NOT IN (SELECT (recording_id, ordinal) FROM tracklets)",
        ),
    ),
    "templates": (
        _IN_RECORDING,
        (
            "ordinal",
            "names no tracklet of its recording",
            "(recording_id, ordinal) NOT IN (SELECT (recording_id, ordinal) FROM tracklets)",
        ),
    ),
    "spans": (
        _IN_RECORDING,
        _SAME_CAMERA,
        ("ended_at", "is before its beginning", "ended_at < started_at"),
    ),
    "problems": (_IN_RECORDING,),
    "stretches": (_IN_RECORDING,),
    "unseen": (_IN_RECORDING,),
    "legs": (_IN_RECORDING,),
    "different_people": (_IN_RECORDING,),
    "runs": (("ended_at", "is before its beginning", "ended_at < started_at"),),
}


def _check_vectors(name: str, table: pa.Table, where: str, rows: Rows | None) -> None:
    column = table["template"].combine_chunks()
    numbers = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    odd = np.flatnonzero(~(np.abs(numbers) <= _LARGEST_NUMBER).all(axis=1))
    if len(odd):
        row = _row(rows, name, int(odd[0]))
        raise _refused(where, name, "template", row, "is not of finite numbers")


def _check_pictures(shots: pa.Table, where: str, rows: Rows | None) -> None:
    place = 0
    for batch in shots.select(["jpeg"]).to_batches(max_chunksize=256):
        for value in batch.column(0):
            if what := _no_picture(value.as_py()):
                raise _refused(where, "shots", "jpeg", _row(rows, "shots", place), what)
            place += 1


def _row(rows: Rows | None, table: str, place: int) -> int:
    """Number of a row in its file, from its place in a table."""
    return place + 1 if rows is None else int(rows[table][place])


def _no_picture(content: bytes) -> str:
    """Why something is not the picture of a face; empty if it is."""
    if len(content) > _LARGEST_JPEG:
        return f"is larger than {_LARGEST_JPEG >> 20} MB"
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            if max(picture.size) > _WIDEST_JPEG:
                return f"is wider than {_WIDEST_JPEG:,} pixels"
            picture.draft(None, (picture.width // 8, picture.height // 8))  # is it whole? no more
            picture.load()
    except Exception:
        return "is not a JPEG that can be decoded"
    return ""

"""Messages between who searches and searchers: a JSON document and pieces of bytes.

Nothing is unpickled: what comes is read as what it must be, or is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from workbench.calibration import Normaliser
from workbench.domain import Profile
from workbench.gallery.best import Best
from workbench.gallery.entries import PartEntry
from workbench.gallery.resolving import Cameras

Blobs = Mapping[str, bytes]


def pack(about: Mapping[str, Any], blobs: Blobs | None = None) -> bytes:
    """Make a message."""
    blobs = blobs or {}
    lengths = [[name, len(blob)] for name, blob in blobs.items()]
    head = json.dumps({"about": about, "blobs": lengths}).encode()
    return b"".join((len(head).to_bytes(8, "little"), head, *blobs.values()))


def unpack(message: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read a message; raise ValueError if it is none."""
    begin = 8 + int.from_bytes(message[:8], "little")
    head = json.loads(message[8:begin])
    blobs = {}
    for name, length in head["blobs"]:
        blobs[name] = message[begin : begin + length]
        begin += length
    if begin != len(message):
        raise ValueError("the message is cut")
    return head["about"], blobs


def digest(blob: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(blob).hexdigest()


def _written(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(memoryview(sink.getvalue()))


def _read(blob: bytes) -> pa.Table:
    return ipc.open_stream(blob).read_all()


# --- Parts ------------------------------------------------------------------------------------

_PART = (
    "name", "day", "place_low", "place_high", "first_seen", "last_seen", "recordings", "tracklets",
    "templates", "uncertain", "earlier", "bytes", "files_json",
)  # fmt: skip


def parts_written(entries: Sequence[PartEntry]) -> bytes:
    """Write parts as the manifest names them: the bytes whose digest a ticket has."""
    return json.dumps([[getattr(one, name) for name in _PART] for one in entries]).encode()


def parts_read(blob: bytes) -> list[PartEntry]:
    """Read what :func:`parts_written` wrote."""
    return [PartEntry(**dict(zip(_PART, values, strict=True))) for values in json.loads(blob)]


# --- What is sent once ------------------------------------------------------------------------


def cameras_written(cameras: Cameras) -> bytes:
    """Write all cameras of a gallery and the places under which their rows lie."""
    ids, places = zip(*cameras.there, strict=True) if cameras.there else ((), ())
    there = pa.table({"id": pa.array(ids, pa.string()), "place": pa.array(places, pa.int64())})
    return pack({}, {"table": _written(cameras.table), "there": _written(there)})


def cameras_read(blob: bytes) -> Cameras:
    """Read what :func:`cameras_written` wrote."""
    _, found = unpack(blob)
    there = _read(found["there"])
    pairs = list(zip(there["id"].to_pylist(), there["place"].to_pylist(), strict=True))
    return Cameras(_read(found["table"]), pairs, "searcher")


def normaliser_written(normaliser: Normaliser) -> bytes:
    """Write what scores are normalised with."""
    about = {
        "metric": normaliser.metric,
        "mean": normaliser.mean,
        "deviation": normaliser.deviation,
        "people_each": normaliser.people_each,
        "people": normaliser.people,
        "shape": normaliser.centroids.shape,
    }
    centroids = np.ascontiguousarray(normaliser.centroids, np.float32)
    return pack(about, {"centroids": centroids.tobytes()})


def normaliser_read(blob: bytes) -> Normaliser:
    """Read what :func:`normaliser_written` wrote; its own digest says whether it is the right one.

    Source and licence are not sent: no score depends on them.
    """
    about, found = unpack(blob)
    centroids = np.frombuffer(found["centroids"], np.float32).reshape(about.pop("shape"))
    return Normaliser(centroids=centroids, source="", licence="", **about)


def profile_written(profile: Profile) -> dict[str, Any]:
    """Write a profile."""
    return {
        "name": profile.name, "detector": profile.detector, "recogniser": profile.recogniser,
        "alignment": profile.alignment, "metric": profile.metric, "dimension": profile.dimension,
        "weights": profile.weights, "version": profile.version,
    }  # fmt: skip


def profile_read(about: Mapping[str, Any]) -> Profile:
    """Read what :func:`profile_written` wrote; its own fingerprint says whether it is right."""
    weights = tuple((file, sha256) for file, sha256 in about["weights"])
    return Profile(**{**about, "weights": weights})


# --- Best rows --------------------------------------------------------------------------------

# A part is written by its number among the names that come with the rows.
_BEST = np.dtype(
    [
        ("minus_score", "<f8"), ("first_seen", "<i8"), ("recording", "<u8"), ("ordinal", "<i4"),
        ("last_seen", "<i8"), ("first_seconds", "<f8"), ("last_seconds", "<f8"),
        ("shot_seconds", "<f8"), ("shot_time", "<i8"), ("quality", "<f8"), ("pack", "<i8"),
        ("offset", "<i8"), ("length", "<i8"), ("camera", "<i8"), ("part", "<i4"),
    ]
)  # fmt: skip


def best_written(best: Sequence[Best]) -> bytes:
    """Write best rows, bit for bit."""
    numbers: dict[str, int] = {}
    rows = [(*one[:-1], numbers.setdefault(one.part, len(numbers))) for one in best]
    return pack({"parts": [*numbers]}, {"rows": np.array(rows, _BEST).tobytes()})


_TOLD = {
    "searcher", "done", "failed", "compared", "inside", "log", "counts", "quality", "end",
}  # fmt: skip


def answer_read(message: bytes) -> tuple[dict[str, Any], list[Best]]:
    """Read what a searcher says, and the best rows that it tells of; raise ValueError if it cannot.

    What tells of rows has all that is to be told of them.
    """
    try:
        about, blobs = unpack(message)
        if "done" not in about:
            return about, []
        if not about.keys() >= _TOLD:
            raise ValueError(f"the answer lacks {_TOLD - about.keys()}")
        return about, best_read(blobs["best"])
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"the answer cannot be read ({error!r})") from error


def best_read(blob: bytes) -> list[Best]:
    """Read what :func:`best_written` wrote."""
    about, found = unpack(blob)
    names = about["parts"]
    rows = np.frombuffer(found["rows"], _BEST).tolist()
    return [Best._make((*row[:-1], names[row[-1]])) for row in rows]

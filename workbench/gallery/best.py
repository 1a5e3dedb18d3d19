"""Best shots of tracklets in flat files beside the templates.

Fifty candidates are fifty places of a file here; asking DuckDB for them takes longer than finding
them among a million. Both files are derived from the table of shots:

- ``best.npy``, one :data:`BEST` per row of the templates, in their order;
- ``pictures.bin``, the pictures one after the other, in the order of the table.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

BEST = np.dtype(
    [
        ("seconds", np.float64),  # presentation time in the recording
        ("time", np.int64),  # microseconds since 1970 UTC
        ("quality", np.float64),
        ("begin", np.int64),  # of its picture, in bytes
        ("end", np.int64),
    ]
)
PICTURES = "pictures.bin"
# Shots that are in memory at a time, while they are written.
BATCH = 4_096


def write_best(
    folder: Path, shot: NDArray[np.int64], connection: duckdb.DuckDBPyConnection
) -> None:
    """Write both files into *folder*.

    Parameters
    ----------
    shot : (n,) int64
        By row of the templates, the row number of its best shot in the table of shots that
        *connection* has.
    """
    best = np.zeros(len(shot), BEST)
    order = np.argsort(shot)
    sought = shot[order]
    begin = 0
    shots = connection.sql(
        "SELECT rowid, seconds, epoch_us(time) AS time, quality, jpeg FROM shots WHERE rank = 0"
    )
    with (folder / PICTURES).open("wb") as file:
        for batch in shots.to_arrow_reader(BATCH):
            # Tracklets that are not searchable have best shots too.
            found = np.isin(batch["rowid"].to_numpy(), sought, assume_unique=True)
            batch = batch.filter(found)
            rows = order[np.searchsorted(sought, batch["rowid"].to_numpy())]
            for name in ("seconds", "time", "quality"):
                best[name][rows] = batch[name].to_numpy()
            pictures = batch["jpeg"].to_pylist()
            ends = begin + np.cumsum([len(picture) for picture in pictures], dtype=np.int64)
            best["begin"][rows] = np.append(begin, ends)[:-1]
            best["end"][rows] = ends
            file.write(b"".join(pictures))
            begin = int(ends[-1]) if len(ends) else begin
    np.save(folder / "best.npy", best, allow_pickle=False)

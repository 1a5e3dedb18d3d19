"""A process that searches over a cluster, to be killed or frozen while it does.

    python tests/support/asking.py FOLDER ADDRESS

Connected to the cluster and with the gallery of :func:`parted.filled` open, it answers each line of
its input with one that :func:`said` writes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from oracle import Town
from parted import Filled

from tests.searchers.test_spread import PUBLIC, answer, everything
from workbench.cluster.connection import connected
from workbench.gallery import search
from workbench.gallery.committing import Committer
from workbench.gallery.database import SQLiteDatabase
from workbench.gallery.manifest import Manifest
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage
from workbench.searchers.on_node import services
from workbench.searchers.spread import Patience, Searchers

SILENT, WHOLE = 2.0, 20.0  # seconds of patience


class Said(NamedTuple):
    """What an answer comes to."""

    missing: int  # parts
    digest: str  # of all that people are told, where nothing is missing


def said(found: search.Answer) -> Said:
    """Sum an answer up."""
    rows = [
        (one.score.hex(), one.tracklet_id, one.first_seen, one.quality, one.shot_jpeg)
        for one in found.candidates[0]
    ]
    about = rows, found.coverage.tracklets, found.explanation.tracklets, found.explanation.quality
    digest = hashlib.sha256(repr(about).encode()).hexdigest()
    return Said(found.missing.parts if found.missing else 0, digest)


class Asker:
    """Such a process, from the side of who started it."""

    def __init__(self, made: Filled, address: str) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(made.reader.path.parent), address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )  # fmt: skip
        assert self._line() == "ready"

    def ask(self) -> None:
        """Have it search; :meth:`answer` waits for what it says."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> Said:
        """Read what it says."""
        missing, digest = self._line().split()
        return Said(int(missing), digest)

    def end(self) -> None:
        """End it, frozen or not."""
        self.process.kill()
        self.process.communicate()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def main() -> None:
    """Answer until there is no more input."""
    folder, address = Path(sys.argv[1]), sys.argv[2]
    manifest = Manifest(SQLiteDatabase(folder / "manifest.sqlite"), str(folder))
    storage = Storage.at(folder)
    snapshot = Snapshot.latest(manifest, storage, memory_bytes=2**20)
    reader = Reader(folder / "town.duckdb", snapshot, folder / "derived")
    made = Filled(reader, Committer(manifest, storage), Town(manifest.profile))
    with connected(address):
        searchers = Searchers(services([PUBLIC]), local_bytes=0, patience=Patience(SILENT, WHOLE))
        print("ready", flush=True)
        for _ in sys.stdin:
            print(*said(answer(made, everything(), searchers)), flush=True)


if __name__ == "__main__":
    main()

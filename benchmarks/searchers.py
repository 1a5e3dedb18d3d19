"""Searching over the nodes of a cluster, against one process: what ``cluster.py`` says of it.

Questions to one process, to one node and to both take turns over the same parts, which are warm;
medians, and the quickest tenth, which says more of a machine that has other work to do. A node's
way is all that a search has besides: ticket, messages, the searcher's log on the disk. Their
answers have to be the same to the last bit: some templates are there twice, so that some scores are
equal.

For partial answers the parts lie in an object store behind a slow line, which all requests share.
A part has arrived when the last byte of its last file was sent.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
from bars import bar
from parts import CAMERAS, PROFILE, made, reading, recording, scope
from search import timed
from synthetic import templates_of

from workbench.casework.record.keys import public_half, record_key
from workbench.casework.tickets import TicketOffice
from workbench.cluster.services import Services
from workbench.gallery import search
from workbench.gallery.moving import objects_of
from workbench.gallery.resolving import Reader
from workbench.gallery.snapshot import Snapshot
from workbench.gallery.storage import Storage
from workbench.permit.issuing import issue
from workbench.searchers.carrier import Member, Stream
from workbench.searchers.on_node import services
from workbench.searchers.spread import Patience, Searchers, Spread

SUPPORT = Path(__file__).parents[1] / "tests" / "support"
NODES = 2
PATIENCE = Patience(silent=45.0)  # none is given up as the machine is busy
TOP = 50
LINE = 4_000_000  # bytes a second of the slow line
SECONDS = 180.0  # in which the searchers begin

sys.path.append(str(SUPPORT))

import objectstore  # noqa: E402 - of the tests, beside which it lies

STORE = objectstore.ENVIRONMENT
"""What nodes need in their environment to read the object store."""


@dataclass
class Some:
    """The first so many nodes of a cluster."""

    all: Services
    most: int

    def members(self) -> Sequence[Member]:
        """Give their searchers."""
        return self.all.members()[: self.most]

    def wait(self, streams: Collection[Any], seconds: float) -> Sequence[Stream]:
        """Wait for an answer of one of them."""
        return self.all.wait(streams, seconds)


def filled(folder: Path, days: int, rows: int) -> Reader:
    """Gallery with a part for each day, of so many templates; each day's are there twice."""
    committer = made(folder)
    cameras = [*CAMERAS.values()]
    vectors = templates_of(days * rows // 2, PROFILE.dimension, np.random.default_rng(3))
    committer.store(
        [
            recording(cameras[(7 * day + second) % 100], day, second, some)
            for day, some in enumerate(vectors.reshape(days, rows // 2, -1))
            for second in (0, 600)
        ],
        CAMERAS,
    )
    committer.manifest.close()
    return reading(folder)


@dataclass
class Asked:
    """A question that is asked again and again."""

    reader: Reader
    folder: Path  # of the key that signs tickets
    probe: np.ndarray

    def __call__(self, searchers: Searchers | None, **options: Any) -> search.Answer:
        """Ask it of some searchers, or of this process."""
        where, path = scope(), self.reader.path
        permit = issue("BENCH", "bench", 1, gallery=path, template=self.probe, scope=where)
        register: Any = SimpleNamespace(folder=self.folder)
        office = TicketOffice(register, permit, path, self.probe, where)
        elsewhere = None if searchers is None else Spread(searchers, office.sign)
        found = search.answer(
            self.reader, [self.probe], where, permits=[permit], top=TOP, elsewhere=elsewhere,
            **options,
        )  # fmt: skip
        assert found.missing is None, found.missing
        assert bool(found.elsewhere) == (searchers is not None)
        return found


@contextmanager
def searchers_of(folder: Path) -> Iterator[Services]:
    """Searchers on both nodes, which take the tickets that the key in a folder signs."""
    carrier = services([public_half(record_key(folder))])
    until = time.monotonic() + SECONDS
    try:
        while len(carrier.members()) < NODES:
            if time.monotonic() > until:
                raise SystemExit("the searchers did not begin")
            time.sleep(0.2)
        yield carrier
    finally:
        carrier.end()


def measure(scratch: Path, *, small: bool, own: bool) -> dict[str, Any]:
    """Measure over the cluster that this process is connected to.

    *own* nodes have :data:`STORE` in their environment, which others lack.
    """
    days, rows, rounds = (3, 200, 3) if small else (12, 4_000, 100)
    folder = scratch / "key"
    folder.mkdir(mode=0o700)
    reader = filled(scratch / "gallery", days, rows)
    entries = reader.snapshot.parts()
    probe = np.array(reader.snapshot.part(entries[0]).templates[1])
    ask = Asked(reader, folder, probe)
    with searchers_of(folder) as carrier:
        asked = {
            "one process": None,
            "one node": Searchers(Some(carrier, 1), local_bytes=0, patience=PATIENCE),
            "two nodes": Searchers(Some(carrier, NODES), local_bytes=0, patience=PATIENCE),
        }
        alone = told(ask(None))
        for name, one in asked.items():
            assert told(ask(one)) == alone, name
        scores = [score for score, _ in alone[0]]
        taken: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(rounds):
            for name, one in asked.items():
                taken[name].append(1e3 * timed(partial(ask, one))[0])
        median = {name: float(np.median(some)) for name, some in taken.items()}
        tenth = {name: float(np.percentile(some, 10)) for name, some in taken.items()}
        result: dict[str, Any] = {
            "parts": len(entries),
            "templates": sum(entry.templates for entry in entries),
            "equal scores among the best": len(scores) - len({*scores}),
            "answers of one process, one node and two": "the same to the last bit",
            "ms": {name: round(ms, 2) for name, ms in median.items()},
            "one node, ms more": bar(median["one node"] - median["one process"], most=5),
            "two nodes, ms more": bar(median["two nodes"] - median["one process"], most=5),
            "the quickest tenth, ms": {name: round(ms, 2) for name, ms in tenth.items()},
            "the quickest tenth, one node, ms more": round(
                tenth["one node"] - tenth["one process"], 2
            ),
        }
        if not own:
            return result | {"slow line": "not measured: the nodes are not this run's own"}
        if objectstore.program() is None:
            return result | {"slow line": "not measured: tools/ensure-object-store was not called"}
        with mock.patch.dict("os.environ", STORE), objectstore.running() as store:
            return result | {"slow line": slowly(store, ask, carrier)}


def told(found: search.Answer) -> tuple[Any, ...]:
    """What answers have to have in common."""
    scores = [(one.score.hex(), one.tracklet_id) for one in found.candidates[0]]
    return scores, found.candidates, found.coverage, found.explanation


def slowly(store: objectstore.ObjectStore, asked: Asked, carrier: Services) -> dict[str, Any]:
    """Ask once about parts that lie behind a slow line; say when something of them was told."""
    here = asked.reader.snapshot
    there = Storage.at(store.address("slow"))
    for name, whole in objects_of(here.manifest).items():
        there.copy(name, here.storage, whole)
    snapshot = Snapshot.latest(here.manifest, there, memory_bytes=2**30)
    ask = Asked(Reader(asked.reader.path, snapshot), asked.folder, asked.probe)
    store.sent.clear()
    store.bytes_a_second = LINE
    heard: list[float] = []
    began = time.monotonic()
    searchers = Searchers(carrier, local_bytes=0, patience=PATIENCE)
    found = ask(searchers, partial=lambda _: heard.append(time.monotonic()))
    ended = time.monotonic()
    store.bytes_a_second = float("inf")
    assert told(found)[0] == told(asked(None))[0]
    first = min(arrivals(store).values())
    return {
        "bytes a second": LINE,
        "s until the first part has arrived": round(first - began, 2),
        "s from then to the first partial answer": bar(heard[0] - first, most=1),
        "partial answers": len(heard),
        "s until the whole answer": round(ended - began, 2),
    }


def arrivals(store: objectstore.ObjectStore) -> dict[str, float]:
    """When the last byte of each part was sent that a search reads of it."""
    found: dict[str, dict[str, float]] = {}
    for path, at in store.sent:
        folder, _, file = path.partition("?")[0].rpartition("/")
        if file in ("scan.arrow", "exact.arrow"):
            found.setdefault(folder, {})[file] = at
    return {folder: max(files.values()) for folder, files in found.items() if len(files) > 1}


__all__ = ["STORE", "measure"]

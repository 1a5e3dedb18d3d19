"""Searcher: what compares rows of parts on a node of a cluster, for who brings a ticket.

It keeps what it read warm: parts that are mapped, and a cache of the node's disk for those of an
object store. It takes nothing from a message but what the ticket vouches for, applies the scope by
itself, and writes into its log what it is about to compare before it compares it.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from workbench.calibration import QUALITY_STEPS
from workbench.casework.searcherlogs import SearcherLog
from workbench.errors import NotPermitted, SightlineError
from workbench.gallery.best import best_rows
from workbench.gallery.cache import Cache, CachePlace
from workbench.gallery.derived import DerivedOffsets
from workbench.gallery.resolving import Counts, Inside, PlannedRows
from workbench.gallery.scan import Question, Rows, scan, workers
from workbench.gallery.snapshot import OpenParts
from workbench.gallery.storage import ObjectGone, Storage
from workbench.permit.tickets import Gate, Signed, Ticket
from workbench.searchers import wire

if TYPE_CHECKING:
    from workbench.calibration import Normaliser
    from workbench.domain import Profile
    from workbench.gallery.resolving import Cameras

T = TypeVar("T")
Answers: TypeAlias = Generator[bytes, None, bytes | None]
"""All but the last are yielded, the last is returned; None if there is none."""
# Parts that are fetched at a time, and seconds for which those that arrive are gathered before
# they are compared: each such group is a line of the log.
FETCHERS, GATHERED_SECONDS = 4, 0.05
WORD_SECONDS = 1.0
"""Seconds after which a searcher says that it is at work still."""
MOST_SECONDS = 300.0
"""Seconds after which it stops comparing for who asked, whatever that one says."""
MOST_KEPT = 4  # cameras of galleries, and normalisers


class Searcher:
    """Searcher of one node.

    Parameters
    ----------
    keys : sequence of str
        Public keys of the installation, which tickets are signed with.
    log : SearcherLog
        Its log.
    node : str
        Name of its node; its own is another one each time that it starts.
    memory_mb : int
        The most memory for parts that are kept mapped, in megabytes.
    cache : CachePlace, optional
        Where to keep what is read of an object store.
    """

    def __init__(
        self,
        keys: Sequence[str],
        log: SearcherLog,
        *,
        node: str,
        memory_mb: int,
        cache: CachePlace | None = None,
    ) -> None:
        self.name = f"{node}-{secrets.token_hex(8)}"
        self._gate, self._log = Gate(self.name, keys), log
        self._most = 3 * memory_mb * 2**20 // 4
        self._cache = Cache(*cache) if cache else None
        self._lock = threading.Lock()
        self._cameras: OrderedDict[str, Cameras] = OrderedDict()
        self._normalisers: OrderedDict[str, Normaliser] = OrderedDict()
        self._open: OrderedDict[tuple[str, str], OpenParts] = OrderedDict()
        self._offsets = DerivedOffsets(None)
        self._running: dict[str, _Comparison] = {}  # by the nonce of their tickets

    def answer(self, message: bytes) -> Answers:
        """Answer a message, with several where it asks for a comparison, and return the last one.

        That is None if it was stopped, or its time was over.
        """
        try:
            about, blobs = wire.unpack(message)
            kind = about["kind"]
            if kind == "compare":
                return (yield from self._compare(about, blobs))
            said: dict[str, Any] = {"searcher": self.name, "end": True}
            if kind == "hello":
                said["pid"] = os.getpid()
            elif kind == "keep":
                self._keep(about["storage"], blobs["names"].decode().split("\n"))
            elif kind == "stop":  # of who knows the ticket, which was sent to nobody else
                if (running := self._running.get(about["nonce"])) is not None:
                    running.stop()
            else:
                raise ValueError(f"there is no message {kind!r}")
            return wire.pack(said)
        except SightlineError as error:
            return wire.pack({"error": str(error), "end": True})
        except (KeyError, ValueError, TypeError) as error:
            return wire.pack(
                {"error": f"cannot be read ({error!r})", "permitted": True, "end": True}
            )

    # --- Comparing --------------------------------------------------------------------------

    def _compare(self, about: dict[str, Any], blobs: dict[str, bytes]) -> Answers:
        cameras, normaliser, lacking = self._brought(about, blobs)
        if cameras is None or lacking:
            return wire.pack({"searcher": self.name, "again": lacking, "end": True})
        signed = Signed(blobs["ticket"], blobs["signature"])
        profile = wire.profile_read(about["profile"])
        try:
            ticket = self._gate.admit(
                signed,
                probe=wire.digest(blobs["probe"]), parts=wire.digest(blobs["parts"]),
                cameras=about["cameras"], scale=about["scale"], storage=about["storage"],
                profile=profile.fingerprint,
            )  # fmt: skip
        except NotPermitted as error:
            self._log.refused(signed, error.what)
            raise
        entries = wire.parts_read(blobs["parts"])
        inside = Inside.of(cameras, ticket.scope, ticket.only)
        parts = self._parts(ticket.storage, profile)
        rows = PlannedRows(inside, entries, parts.get)
        probe = np.frombuffer(blobs["probe"], np.float32).reshape(-1, profile.dimension)
        question = Question(
            probe, profile.metric, top=ticket.top,
            threshold=float("-inf") if ticket.threshold is None else ticket.threshold,
            normaliser=normaliser,
        )  # fmt: skip
        until = time.monotonic() + min(float(about["seconds"]), MOST_SECONDS)
        warm = [number for number in rows.numbers if parts.has(entries[number])]
        made = _Comparison(self._log, self._offsets, signed, ticket, rows, question, until)
        self._running[ticket.nonce] = made
        try:
            return (yield from made.run(warm))
        finally:
            del self._running[ticket.nonce]

    def _brought(
        self, about: dict[str, Any], blobs: dict[str, bytes]
    ) -> tuple[Cameras | None, Normaliser | None, list[str]]:
        """Take what comes along, or came before; say what is lacking, before the ticket is used."""
        scale, normaliser = about["scale"], None
        cameras = self._kept(self._cameras, about["cameras"], lambda: self._new_cameras(blobs))
        if scale:
            normaliser = self._kept(self._normalisers, scale, lambda: self._new_scale(blobs))
        there = {
            "searcher": about["searcher"] == self.name,
            "cameras": cameras is not None,
            "scale": not scale or normaliser is not None,
        }
        return cameras, normaliser, [what for what, is_there in there.items() if not is_there]

    def _kept(
        self,
        kept: OrderedDict[str, T],
        key: str,
        new: Callable[[], tuple[str, T] | None],
    ) -> T | None:
        with self._lock:
            if key not in kept and (made := new()) is not None:
                kept[made[0]] = made[1]
                while len(kept) > MOST_KEPT:
                    kept.popitem(last=False)
            if key in kept:
                kept.move_to_end(key)
            return kept.get(key)

    def _new_cameras(self, blobs: dict[str, bytes]) -> tuple[str, Cameras] | None:
        blob = blobs.get("cameras")
        return None if blob is None else (wire.digest(blob), wire.cameras_read(blob))

    def _new_scale(self, blobs: dict[str, bytes]) -> tuple[str, Normaliser] | None:
        if (blob := blobs.get("scale")) is None:
            return None
        made = wire.normaliser_read(blob)
        return made.digest, made

    def _parts(self, address: str, profile: Profile) -> OpenParts:
        key = address, profile.fingerprint
        with self._lock:
            if key not in self._open:
                storage = Storage.at(address, cache=self._cache)
                self._open[key] = OpenParts(storage, profile, self._most)
            self._open.move_to_end(key)
            while len(self._open) > 1 and sum(p.bytes for p in self._open.values()) > self._most:
                self._open.popitem(last=False)  # the gallery that was asked for the longest ago
            return self._open[key]

    def _keep(self, address: str, names: Sequence[str]) -> None:
        """Delete from the cache of this node what is no object of a gallery any more."""
        if self._cache is not None:
            self._cache.keep(Storage.at(address).address, names)
        live = {name.split("/")[-2] for name in names if name.count("/") > 1}
        with self._lock:
            kept = [parts for (place, _), parts in self._open.items() if place == address]
        for parts in kept:
            parts.keep(live)


class _Comparison:
    """One comparison under one ticket."""

    def __init__(
        self,
        log: SearcherLog,
        offsets: DerivedOffsets,
        signed: Signed,
        ticket: Ticket,
        rows: PlannedRows,
        question: Question,
        until: float,  # time.monotonic()
    ) -> None:
        self._log, self._offsets, self._signed, self._ticket = log, offsets, signed, ticket
        self._rows, self._question = rows, question
        self._head = ""
        self._scanned = self._compared = self._inside = 0
        self._done: list[int] = []
        self._failed: dict[int, tuple[str, bool]] = {}
        self._counts = np.zeros(len(Counts._fields), np.int64)
        self._quality = np.zeros(QUALITY_STEPS, np.int64)
        self._stopped, self._until = False, until

    def stop(self) -> None:
        """Compare no more."""
        self._stopped = True

    @property
    def _is_over(self) -> bool:
        """True if nobody waits for it any more."""
        return self._stopped or time.monotonic() > self._until

    def run(self, warm: Sequence[int]) -> Answers:
        """Compare part by part, as they arrive; tell of each group, and each second.

        Those that are *warm* are here already, and are compared first.
        """
        fetchers = ThreadPoolExecutor(FETCHERS)
        try:
            with workers() as pool:
                cold = sorted({*self._rows.numbers} - {*warm})
                pending = {fetchers.submit(self._fetch, n): n for n in cold}
                yield from self._group(warm, pool)
                if warm and pending:
                    yield self._told()
                while pending:
                    arrived, _ = wait(pending, GATHERED_SECONDS, return_when=ALL_COMPLETED)
                    while not (arrived or self._is_over):
                        arrived, _ = wait(pending, WORD_SECONDS, return_when=FIRST_COMPLETED)
                        if not (arrived or self._is_over):
                            yield self._word()
                    if self._is_over:
                        return None
                    here = [n for n in sorted(map(pending.pop, arrived)) if n not in self._failed]
                    yield from self._group(here, pool)
                    if self._is_over:
                        return None
                    if pending:
                        yield self._told()
            return self._told(end=True)
        finally:
            self._stopped = True
            fetchers.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, number: int) -> None:
        """Have all of a part that is needed here."""
        if self._is_over:
            return
        try:
            if self._rows.compared(number):
                _ = self._rows.part(number).templates
            _ = self._rows.counts([number])  # where the border goes through it: a file more
        except (SightlineError, OSError) as error:
            self._failed[number] = str(error), isinstance(error, ObjectGone)

    def _group(self, here: Sequence[int], pool: ThreadPoolExecutor) -> Iterator[bytes]:
        if not here:
            return
        names = [entry.name for entry in self._rows.entries]
        counted = {names[number]: self._rows.count(number) for number in here}
        signed = None if self._head else self._signed
        self._head = str(self._log.compared(self._ticket, counted, signed=signed))
        said = time.monotonic()
        for done in scan(self._scannable(here), [self._question], pool):
            self._scanned += done
            if self._stopped:
                return
            if time.monotonic() - said > WORD_SECONDS:
                said = time.monotonic()
                yield self._word()
        self._counts += np.array(self._rows.counts(here), np.int64)
        self._quality += self._rows.quality(here)
        self._compared += sum(counted.values())
        self._inside += sum(1 for rows in counted.values() if rows)
        self._done += here

    def _scannable(self, here: Sequence[int]) -> Iterator[Rows]:
        normaliser = self._question.normaliser
        for number, part, pieces in self._rows.of(here):
            offsets = None if normaliser is None else self._offsets.of(part, normaliser)
            yield Rows(number, part, pieces, offsets)

    def _word(self) -> bytes:
        return wire.pack({"scanned": self._scanned})

    def _told(self, *, end: bool = False) -> bytes:
        """Tell all that is known by now."""
        names = [entry.name for entry in self._rows.entries]
        about = {
            "searcher": self._ticket.searcher,
            "done": [names[number] for number in self._done],
            "failed": {names[number]: why for number, why in self._failed.items()},
            "compared": self._compared, "inside": self._inside, "log": self._head,
            "counts": self._counts.tolist(), "quality": self._quality.tolist(), "end": end,
        }  # fmt: skip
        return wire.pack(about, {"best": wire.best_written(best_rows(self._rows, self._question))})


__all__ = ["Searcher"]

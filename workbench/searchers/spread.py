"""Search that is spread over the searchers of a cluster: planned, signed and merged here.

Each part goes to one searcher, the same one while the cluster is the same, so that its cache is
warm. A searcher that fails, or says nothing for too long, is given up, and what it had not finished
goes to another one, once. What is still not compared when the time is over is missing, and said.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workbench.calibration import QUALITY_STEPS
from workbench.domain import Missing, Progress
from workbench.errors import SightlineError
from workbench.gallery.best import Best, merged
from workbench.gallery.elsewhere import Gathered, Wanted
from workbench.gallery.moving import objects_of
from workbench.gallery.resolving import Counts, Resolved
from workbench.gallery.scan import bytes_a_row
from workbench.gallery.storage import ObjectGone
from workbench.searchers import wire

if TYPE_CHECKING:
    from workbench.gallery.entries import PartEntry
    from workbench.gallery.resolving import Cameras
    from workbench.permit.tickets import Signed
    from workbench.searchers.carrier import Carrier, Member, Stream

LOCAL_BYTES = 2**28
"""Bytes of scanned columns up to which a search is made in this process: it takes less than asking
others, some 20 ms of one core at 1.6 million templates of 128 numbers."""
_LOOK_SECONDS = 0.2  # after which whoever asked is told, and may cancel
_PARTIAL_SECONDS = 0.2  # to a partial answer: to make one takes as long as to make the last one
_MOST_AGAIN = 3  # times that a searcher may ask for what it lacks
_TIDY_SECONDS = 600.0


class Patience(NamedTuple):
    """Seconds that are waited for searchers."""

    silent: float = 10.0  # for a word of one, which says one each second
    whole: float = 50.0  # for an answer, second tries included: a permit is for 60
    rest: float = 60.0  # in which others are asked before one that was silent


class Searchers:
    """Searchers of a cluster, and what this process knows of them.

    Parameters
    ----------
    carrier : Carrier
        What carries messages.
    local_bytes : int
        See :data:`LOCAL_BYTES`.
    """

    def __init__(
        self,
        carrier: Carrier,
        *,
        local_bytes: int = LOCAL_BYTES,
        patience: Patience | None = None,
    ) -> None:
        self.carrier, self.local_bytes = carrier, local_bytes
        self.patience = patience or Patience()
        self.names: dict[str, str] = {}  # by node: as it called itself last
        self._rests: dict[str, float] = {}  # by node that was silent: until when it rests
        self._written: tuple[Cameras, bytes, str] | None = None
        self._tidied: dict[tuple[str, str], tuple[int, float]] = {}
        self._lock = threading.Lock()

    def cameras(self, cameras: Cameras) -> tuple[bytes, str]:
        """All cameras as they are sent, and their digest."""
        with self._lock:
            if self._written is None or self._written[0] is not cameras:
                blob = wire.cameras_written(cameras)
                self._written = cameras, blob, wire.digest(blob)
            return self._written[1:]

    def was_silent(self, node: str) -> None:
        """Ask others before this one for a while, so that it does not hold up each question."""
        self._rests[node] = time.monotonic() + self.patience.rest

    def awake(self, nodes: list[str]) -> list[str]:
        """Nodes that were not silent of late; all of them where there is no other."""
        now = time.monotonic()
        return [node for node in nodes if self._rests.get(node, now) <= now] or nodes

    def tidy(self, resolved: Resolved, members: Sequence[Member]) -> None:
        """Have nothing stay in the caches of nodes that was removed from the gallery meanwhile."""
        snapshot, now = resolved.snapshot, time.monotonic()
        address = snapshot.storage.everywhere
        due = []
        for member in members:
            key = member.node, address
            commit, at = self._tidied.get(key, (-1, -_TIDY_SECONDS))
            if commit != snapshot.commit and now - at >= _TIDY_SECONDS:
                due.append(member)
                self._tidied[key] = snapshot.commit, now
        if due:
            names = "\n".join(objects_of(snapshot.manifest)).encode()
            for member in due:
                with contextlib.suppress(SightlineError):
                    member.ask(wire.pack({"kind": "keep", "storage": address}, {"names": names}))


@dataclass(slots=True, eq=False)
class _Call:
    """Parts that one searcher was asked for, and what it has said."""

    member: Member
    entries: dict[str, PartEntry]
    second: bool
    stream: Stream
    nonce: str
    sent: set[str] = field(default_factory=set)  # what went along, as it was lacking
    again: int = 0
    quiet: float = 0.0  # seconds for which it was listened to and said nothing
    done: set[str] = field(default_factory=set)
    failed: dict[str, tuple[str, bool]] = field(default_factory=dict)
    best: list[Best] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    ended: bool = False

    @property
    def left(self) -> dict[str, PartEntry]:
        """Parts that it has not compared."""
        return {name: one for name, one in self.entries.items() if name not in self.done}


class Spread:
    """One search, spread over searchers; an :class:`workbench.gallery.elsewhere.Elsewhere`.

    Parameters
    ----------
    searchers : Searchers
        Of the cluster.
    sign : callable
        Signs tickets for the permit of the search: :meth:`TicketOffice.sign`.
    """

    def __init__(self, searchers: Searchers, sign: Callable[..., Signed]) -> None:
        self._searchers, self._sign = searchers, sign

    def compare(
        self,
        resolved: Resolved,
        wanted: Wanted,
        heard: Callable[[Progress, Gathered | None], None],
    ) -> Gathered | None:
        """Compare as :class:`workbench.gallery.elsewhere.Elsewhere` has it."""
        rows = sum(entry.templates for entry in resolved.entries)
        width = bytes_a_row(
            resolved.snapshot.manifest.profile, normalised=wanted.normaliser is not None
        )
        if rows * width <= self._searchers.local_bytes or wanted.template.dtype != np.float32:
            return None
        until = time.monotonic() + self._searchers.patience.whole
        members = self._searchers.carrier.members()  # which may have to begin first
        if not members:
            return None
        gathering = _Gathering(self._searchers, self._sign, resolved, wanted, members)
        gathered = gathering.run(until, heard)
        self._searchers.tidy(resolved, members)
        return gathered


class _Gathering:
    """State of one search over searchers."""

    def __init__(
        self,
        searchers: Searchers,
        sign: Callable[..., Signed],
        resolved: Resolved,
        wanted: Wanted,
        members: Sequence[Member],
    ) -> None:
        self._searchers, self._sign = searchers, sign
        self._resolved, self._wanted = resolved, wanted
        self._members = {member.node: member for member in members}
        self._given_up: set[str] = set()  # nodes
        self._calls: list[_Call] = []
        self._missing: dict[str, tuple[PartEntry, str, bool]] = {}
        self._cameras, self._cameras_digest = searchers.cameras(resolved.cameras)
        self._so_far: Gathered | None = None
        self._news, self._next_told = False, time.monotonic() + _PARTIAL_SECONDS

    def run(self, until: float, heard: Callable[[Progress, Gathered | None], None]) -> Gathered:
        """Ask, wait, ask again, and put together what was answered *until* then."""
        self._assign({one.name: one for one in self._resolved.entries}, second=False)
        try:
            self._tell(heard)
            while open_calls := [call for call in self._calls if not call.ended]:
                streams = {call.stream: call for call in open_calls}
                left = until - time.monotonic()
                if left <= 0:
                    for call in open_calls:
                        self._give_up(call, "the time was over", again=False)
                    break
                wait, began = min(_LOOK_SECONDS, left), time.monotonic()
                spoke = [streams[one] for one in self._searchers.carrier.wait([*streams], wait)]
                now = time.monotonic()
                for call in spoke:
                    self._news |= self._take(call)
                # Where this process itself stood still, no searcher did.
                listened = min(now - began, wait)
                for call in open_calls:
                    call.quiet = 0.0 if call in spoke else call.quiet + listened
                    if not call.ended and call.quiet > self._searchers.patience.silent:
                        self._searchers.was_silent(call.member.node)
                        self._give_up(call, "a searcher did not answer in time")
                self._renew(now)
                self._tell(heard)
        finally:
            for call in self._calls:
                if not call.ended:
                    self._stop(call)
        return self._gathered()

    def _renew(self, now: float) -> None:
        """Put a partial answer together if there is something new; the whole one comes at once."""
        done = set().union(*(call.done for call in self._calls))
        left = [entry for entry in self._resolved.entries if entry.name not in done]
        if self._news and left and now >= self._next_told:
            self._so_far = self._together(self._lacking(left))
            self._news, self._next_told = False, now + _PARTIAL_SECONDS

    def _stop(self, call: _Call) -> None:
        """Want no more of a call, and have the searcher stop, should it be at work."""
        call.stream.drop()
        with contextlib.suppress(SightlineError):
            call.member.ask(wire.pack({"kind": "stop", "nonce": call.nonce}))

    # --- Asking -----------------------------------------------------------------------------

    def _assign(self, entries: Mapping[str, PartEntry], *, second: bool) -> bool:
        """Ask the searchers for some parts, each by its rank for it; False if there are none."""
        nodes = [node for node in self._members if node not in self._given_up]
        if not nodes:
            return False
        nodes = self._searchers.awake(nodes)
        by_node: dict[str, dict[str, PartEntry]] = {}
        for name, entry in entries.items():
            node = max(nodes, key=partial(_rank, name))
            by_node.setdefault(node, {})[name] = entry
        calls = [
            _Call(self._members[node], some, second, _NOTHING, "") for node, some in by_node.items()
        ]
        self._calls += calls
        # No searcher waits for the ticket of another one.
        for call, message in [(call, self._message(call)) for call in calls]:
            self._ask(call, message)
        return True

    def _message(self, call: _Call) -> bytes:
        """Write what asks a searcher, with a new ticket."""
        snapshot, wanted = self._resolved.snapshot, self._wanted
        profile, storage = snapshot.manifest.profile, snapshot.storage.everywhere
        parts = wire.parts_written([*call.entries.values()])
        scale = wanted.normaliser.digest if wanted.normaliser else ""
        name = self._searchers.names.get(call.member.node, "")
        signed = self._sign(
            name, storage=storage, profile=profile.fingerprint, commit=snapshot.commit,
            scale=scale, cameras=self._cameras_digest, parts=wire.digest(parts),
            only=self._resolved.only, threshold=wanted.threshold, top=wanted.top,
        )  # fmt: skip
        about = {
            "kind": "compare", "searcher": name, "storage": storage, "scale": scale,
            "profile": wire.profile_written(profile), "cameras": self._cameras_digest,
            "seconds": self._searchers.patience.whole,
        }  # fmt: skip
        blobs = {
            "ticket": signed.text, "signature": signed.signature, "parts": parts,
            "probe": np.ascontiguousarray(wanted.template).tobytes(),
        }  # fmt: skip
        if "cameras" in call.sent:
            blobs["cameras"] = self._cameras
        if "scale" in call.sent and wanted.normaliser is not None:
            blobs["scale"] = wire.normaliser_written(wanted.normaliser)
        call.nonce = signed.nonce
        return wire.pack(about, blobs)

    def _ask(self, call: _Call, message: bytes) -> None:
        """Send a call; it is given up if that fails."""
        try:
            call.stream = call.member.ask(message)
        except SightlineError as error:
            self._give_up(call, error.what)

    # --- Answers ----------------------------------------------------------------------------

    def _take(self, call: _Call) -> bool:
        """Take one answer; return True if there is something new in it."""
        try:
            message = call.stream.take()
            if message is None:
                self._give_up(call, "a searcher stopped before it had finished")
                return False
            about, best = wire.answer_read(message)
        except (SightlineError, ValueError) as error:
            why = error.what if isinstance(error, SightlineError) else "an answer cannot be read"
            self._give_up(call, why)
            return False
        if "again" in about:
            self._searchers.names[call.member.node] = about["searcher"]
            call.sent.update(about["again"])
            call.again += 1
            if call.again > _MOST_AGAIN:
                self._give_up(call, "a searcher keeps nothing of what it is sent")
            else:
                self._ask(call, self._message(call))
            return False
        if "error" in about:
            self._give_up(call, about["error"])
        if "done" not in about:  # that, or a word alone
            return False
        call.about, call.done = about, set(about["done"]) & call.entries.keys()
        call.failed = {name: (why, gone) for name, (why, gone) in about["failed"].items()}
        call.best = best
        if about["end"]:
            call.ended = True
            if left := call.left:
                reasons = {name: call.failed.get(name, ("", False)) for name in left}
                self._once_more(call, left, reasons)
        return True

    def _give_up(self, call: _Call, why: str, *, again: bool = True) -> None:
        """Want nothing more of a call; what it has finished stays."""
        call.ended = True
        call.about["given up"] = True
        self._stop(call)
        self._given_up.add(call.member.node)
        self._searchers.names.pop(call.member.node, None)
        if left := call.left:
            self._once_more(call, left, dict.fromkeys(left, (why, False)), again=again)

    def _once_more(
        self,
        call: _Call,
        left: Mapping[str, PartEntry],
        reasons: Mapping[str, tuple[str, bool]],
        *,
        again: bool = True,
    ) -> None:
        """Ask another searcher for parts, or have them missing."""
        before = self._given_up.copy()
        self._given_up.add(call.member.node)  # elsewhere is elsewhere
        asked = again and not call.second and self._assign(left, second=True)
        if call.member.node not in before and "given up" not in call.about:
            self._given_up.discard(call.member.node)  # it is there for others still
        if not asked:
            self._missing |= {name: (one, *reasons[name]) for name, one in left.items()}

    # --- Together ---------------------------------------------------------------------------

    def _tell(self, heard: Callable[[Progress, Gathered | None], None]) -> None:
        done = sum(call.about.get("compared", 0) for call in self._calls)
        left = sum(
            entry.templates
            for call in self._calls
            if not call.ended
            for entry in call.left.values()
        )
        heard(Progress(done, done + left), self._so_far)

    def _gathered(self) -> Gathered:
        snapshot = self._resolved.snapshot
        gone = any(gone for _, _, gone in self._missing.values())
        if gone and snapshot.refreshed() is not snapshot:  # dropped, so the question is asked anew
            raise ObjectGone(
                "shows what was removed meanwhile", where=snapshot.storage.address,
                fix="Search again",
            )  # fmt: skip
        missing = None
        if self._missing:
            entries = [entry for entry, _, _ in self._missing.values()]
            missing = self._lacking(entries, {why for _, why, _ in self._missing.values() if why})
        return self._together(missing)

    def _lacking(self, entries: Sequence[PartEntry], why: Collection[str] = ()) -> Missing:
        tracklets = sum(one.templates for one in entries)
        return Missing(len(entries), len(self._resolved.entries), tracklets, tuple(sorted(why)))

    def _together(self, missing: Missing | None) -> Gathered:
        said = [call for call in self._calls if "done" in call.about]
        zero = np.zeros(len(Counts._fields), np.int64)
        counts = sum((np.array(call.about["counts"], np.int64) for call in said), zero)
        quality = np.zeros(QUALITY_STEPS, np.int64)
        for call in said:
            quality += np.array(call.about["quality"], np.int64)
        return Gathered(
            best=merged([call.best for call in self._calls], self._wanted.top),
            compared=sum(call.about["compared"] for call in said),
            counts=Counts(*counts.tolist()),
            quality=quality,
            parts=sum(call.about["inside"] for call in said),
            missing=missing,
            told={call.nonce: self._told(call) for call in said if call.about["log"]},
        )

    def _told(self, call: _Call) -> dict[str, Any]:
        about: dict[str, Any] = {
            "searcher": call.about["searcher"],
            "rows": call.about["compared"],
            "log": call.about["log"],
        }
        if "given up" in call.about:
            about["given up"] = True
        return about


class _Nothing:
    """Stream of a call that was not sent."""

    def take(self) -> bytes | None:
        return None

    def drop(self) -> None:
        return


_NOTHING = _Nothing()


@lru_cache(2**16)
def _rank(part: str, node: str) -> bytes:
    """Rank of a node for a part: the highest has it, whatever other nodes there are."""
    return hashlib.sha256(f"{part} {node}".encode()).digest()


__all__ = ["LOCAL_BYTES", "Patience", "Searchers", "Spread"]

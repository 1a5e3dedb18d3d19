"""Answers of searches that are kept for a while, and how much the API does for each person."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.client.documents import MOST_BYTES
from workbench.errors import TooManyRequests

if TYPE_CHECKING:
    from workbench.domain import Candidate
    from workbench.investigation import SearchResult

KEPT_SECONDS = 3600.0
MOST_KEPT = 8  # of a person
MOST_A_MINUTE = 30  # searches of a person
MOST_HEAVY = 2
"""Requests of a person that run at once of those that take long: searches, clips, tables."""
MOST_RUNNING = 6
"""Requests of a person that run at once."""
MOST_UPLOADED_BY_ONE = 2 * MOST_BYTES
MOST_UPLOADED = 5 * MOST_BYTES
SMALL = 2**20
"""Bytes up to which a request is taken even where others hold all of that."""


@dataclass(frozen=True)
class Kept:
    """Answer of a search, whose candidates alone may be looked at further."""

    account: str
    result: SearchResult
    at: float

    def candidate(self, tracklet_id: str) -> Candidate | None:
        """Return the candidate of that id, if it is one."""
        return next((c for c in self.result.candidates if c.tracklet_id == tracklet_id), None)


class KeptSearches:
    """The latest searches of each person, in memory: a face is shown only if a search found it."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, account: str, result: SearchResult) -> str:
        """Keep an answer, and return the id by which its owner finds it."""
        name = secrets.token_hex(16)
        with self._lock:
            self._forget_old()
            self._kept[name] = Kept(account, result, self._clock())
            own = [known for known, kept in self._kept.items() if kept.account == account]
            for known in own[:-MOST_KEPT]:
                del self._kept[known]
        return name

    def find(self, account: str, name: str) -> Kept | None:
        """Return an answer to its owner; None to anybody else, and where it is kept no longer."""
        with self._lock:
            self._forget_old()
            kept = self._kept.get(name)
        return kept if kept is not None and kept.account == account else None

    def _forget_old(self) -> None:
        before = self._clock() - KEPT_SECONDS
        for name in [name for name, kept in self._kept.items() if kept.at < before]:
            del self._kept[name]


class Pace:
    """The number of requests that run for each person, and of searches begun in a minute.

    A request counts from its beginning to the end of its work, whether or not someone waits for it
    still.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._begun: dict[str, deque[float]] = {}
        self._running: Counter[tuple[str, bool]] = Counter()

    def enter(self, account: str, *, heavy: bool) -> None:
        """Count a request until :meth:`leave`; raise TooManyRequests if it is one too many."""
        with self._lock:
            of_kind = self._running[account, True], self._running[account, False]
            if heavy and of_kind[0] >= MOST_HEAVY:
                raise TooManyRequests(
                    f"{MOST_HEAVY} requests of {account} that take long are running, the most",
                    where="request",
                    fix="Wait for one of them to end, then ask again",
                    seconds=2,
                )
            if sum(of_kind) >= MOST_RUNNING:
                raise TooManyRequests(
                    f"{MOST_RUNNING} requests of {account} are running, the most",
                    where="request",
                    fix="Wait for one of them to end, then ask again",
                )
            self._running[account, heavy] += 1

    def leave(self, account: str, *, heavy: bool) -> None:
        """Count a request no longer."""
        with self._lock:
            self._running[account, heavy] -= 1
            if not self._running[account, heavy]:
                del self._running[account, heavy]

    def search(self, account: str) -> None:
        """Count a search of a person; raise TooManyRequests if it is one too many in a minute."""
        with self._lock:
            now = self._clock()
            begun = self._begun.setdefault(account, deque())
            while begun and begun[0] <= now - 60:
                begun.popleft()
            if len(begun) >= MOST_A_MINUTE:
                raise TooManyRequests(
                    f"{account} has begun {MOST_A_MINUTE} searches within a minute, the most",
                    where="search",
                    fix="Wait a minute, then ask again",
                    seconds=math.ceil(begun[0] + 60 - now),
                )
            begun.append(now)


class Uploads:
    """Bytes of the requests that are being sent or worked on, which lie in memory."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    def enter(self, account: str, size: int) -> None:
        """Count a request until :meth:`leave`; raise TooManyRequests if it is one too many."""
        if self._of[account] and self._of[account] + size > MOST_UPLOADED_BY_ONE:
            raise TooManyRequests(
                f"requests of {account} with {self._of[account] / 2**20:.0f} MB are running, and "
                f"{MOST_UPLOADED_BY_ONE // 2**20} MB are the most",
                where="request",
                fix="Wait for one of them to end, then ask again",
                seconds=5,
            )
        if size > SMALL and self._of.total() + size > MOST_UPLOADED:
            raise TooManyRequests(
                f"the server holds {MOST_UPLOADED // 2**20} MB of requests, the most",
                where="request",
                fix="Ask again in some seconds",
                seconds=5,
            )
        self._of[account] += size

    def leave(self, account: str, size: int) -> None:
        """Count a request no longer."""
        self._of[account] -= size
        if not self._of[account]:
            del self._of[account]

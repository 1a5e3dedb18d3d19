"""Answers of searches that are kept for a while, and how many searches a person may make."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import ServerError

if TYPE_CHECKING:
    from workbench.domain import Candidate
    from workbench.investigation import SearchResult

KEPT_SECONDS = 3600.0
MOST_KEPT = 8  # of a person
MOST_AT_ONCE = 2
MOST_A_MINUTE = 30


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
    """The number of searches that each person makes at once and in a minute, within limits."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._begun: dict[str, deque[float]] = {}
        self._running: dict[str, int] = {}

    @contextmanager
    def one_more(self, account: str) -> Iterator[None]:
        """Count a search of a person while it runs; raise ServerError if it is one too many."""
        with self._lock:
            now = self._clock()
            begun = self._begun.setdefault(account, deque())
            while begun and begun[0] <= now - 60:
                begun.popleft()
            if self._running.get(account, 0) >= MOST_AT_ONCE:
                raise ServerError(
                    f"{MOST_AT_ONCE} searches of {account} are running, and no more may",
                    where="search",
                    fix="Wait for one of them to end, or stop it",
                )
            if len(begun) >= MOST_A_MINUTE:
                raise ServerError(
                    f"{account} has begun {MOST_A_MINUTE} searches within a minute, the most",
                    where="search",
                    fix="Wait a minute, then ask again",
                )
            begun.append(now)
            self._running[account] = self._running.get(account, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._running[account] -= 1

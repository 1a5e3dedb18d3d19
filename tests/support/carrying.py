"""Searchers in this process, reached as those of a cluster are, and what may go wrong with them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from workbench.cluster.actors import Lost
from workbench.searchers import spread
from workbench.searchers.searcher import Searcher


def answers_of(searcher: Searcher, message: bytes) -> Iterator[bytes]:
    """All that a searcher answers to a message, as it comes."""
    last = yield from searcher.answer(message)
    if last is not None:
        yield last


@dataclass(eq=False)
class Thread:
    """Answers of a searcher that is a thread."""

    member: Node
    message: bytes
    found: queue.Queue[bytes | Exception | None] = field(default_factory=queue.Queue)
    dropped: bool = False

    def __post_init__(self) -> None:
        self.stands = False  # and says nothing more
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        member = self.member
        try:
            for number, answer in enumerate(answers_of(member.searcher, self.message)):
                if member.frozen_after is not None and number >= member.frozen_after:
                    self.stands = True
                    return
                if member.dies_after is not None and number >= member.dies_after:
                    self.found.put(Lost("a searcher ended", where=member.node))
                    return
                self.found.put(answer)
            self.found.put(None)
        except Exception as error:
            self.found.put(error)

    def ready(self) -> bool:
        return not self.found.empty()

    def take(self) -> bytes | None:
        found = self.found.get_nowait()
        if isinstance(found, Exception):
            raise found
        return found

    def drop(self) -> None:
        self.dropped = True


@dataclass(eq=False)
class Node:
    """A node with a searcher."""

    node: str
    searcher: Searcher
    frozen_after: int | None = None  # answers to a message
    dies_after: int | None = None
    asked: list[bytes] = field(default_factory=list)

    def ask(self, message: bytes) -> Thread:
        self.asked.append(message)
        return Thread(self, message)


class Here:
    """Carrier of messages to these nodes."""

    def __init__(self, *nodes: Node) -> None:
        self.nodes = list(nodes)

    def members(self) -> Sequence[Node]:
        return list(self.nodes)

    def wait(self, streams: Collection[Thread], seconds: float) -> Sequence[Thread]:
        until = time.monotonic() + seconds
        while True:
            ready = [one for one in streams if one.ready()]
            if ready or time.monotonic() > until:
                return ready
            time.sleep(0.001)


class Timeless(Here):
    """Carrier for which time passes only while all who are waited for stand still.

    However long the others take, on whatever machine, they are in time. *patch* gives this time to
    the searches.
    """

    def __init__(self, patch: pytest.MonkeyPatch, *nodes: Node) -> None:
        super().__init__(*nodes)
        self.now = 1_000.0
        patch.setattr(spread, "time", SimpleNamespace(monotonic=lambda: self.now))

    def wait(self, streams: Collection[Thread], seconds: float) -> Sequence[Thread]:
        while True:
            stand = all(one.stands for one in streams)
            if ready := [one for one in streams if one.ready()]:
                return ready
            if stand:
                self.now += seconds
                return []
            time.sleep(0.001)

"""Services on the nodes of a cluster: one lasting process on each, shared by all who are connected.

It outlives who started it, so that what it keeps warm is there for the next one. Whoever is
connected to the cluster may call it, and start another: what a service does for whom is its own
business, and messages are bytes in either direction.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import secrets
import threading
import time
from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workbench.cluster.actors import Lost
from workbench.cluster.connection import library

Answers: TypeAlias = Generator[bytes, None, bytes | None]
"""Answers to a message, none of them empty: the last is returned, or None if it broke off."""
Handler: TypeAlias = Callable[[bytes], Answers]
"""Function of a service that answers a message."""

AT_A_TIME = 16  # answers that one makes
_LOOK_SECONDS = 5.0  # after which nodes are looked for again
FIRST_SECONDS = 30.0
"""Seconds that are waited, once, for the first services to begin: they import all that they run."""
_LAST = bytes(16)  # in the place of the name of what goes on
_ABANDONED_SECONDS = 60.0
"""Seconds after which answers that nobody has asked for are dropped: who wanted them has ended."""


@dataclass(slots=True, eq=False)
class Stream:
    """Answers of a service to one message: each is asked for as the one before it is taken.

    A call that returns costs less than a stream of Ray's own, and most messages have one answer.
    """

    service: Service
    pending: Any  # the next answer; None after the last

    def take(self) -> bytes | None:
        """Take the next answer, once :func:`wait` says that there is one; None after the last.

        Raises
        ------
        Lost
            If the process failed, has ended or cannot be reached.
        """
        if self.pending is None:
            return None
        ray, node = library(), self.service.node
        try:
            found: bytes = ray.get(self.pending)
            name, answer = found[: len(_LAST)], found[len(_LAST) :]
            self.pending = None if name == _LAST else self.service.more(name)
        except ray.exceptions.RayTaskError as error:
            raise Lost(f"a service failed ({error.cause!r})", where=node, alone=True) from None
        except ray.exceptions.RayError as error:
            raise Lost(f"a service was lost ({type(error).__name__})", where=node) from None
        return answer or None

    def drop(self) -> None:
        """Want no more of them; what made them goes on, unless it is told so itself."""
        self.pending = None


@dataclass(slots=True, eq=False)
class Service:
    """The service of one node."""

    node: str
    handle: Any
    begun: Any  # what is there once it has begun
    is_ready: bool = False
    _answer: Any = field(init=False, repr=False)
    more: Callable[[bytes], Any] = field(init=False, repr=False)
    """Asks for the next answer of those that have a name."""

    def __post_init__(self) -> None:
        # Ray makes a new object of a method each time that it is named.
        self._answer, self.more = self.handle.answer.remote, self.handle.more.remote

    def ask(self, message: bytes) -> Stream:
        """Send it a message; raise Lost if it cannot be."""
        ray = library()
        try:
            return Stream(self, self._answer(message))
        except ray.exceptions.RayError as error:
            raise Lost(f"a service was lost ({type(error).__name__})", where=self.node) from None


@dataclass(eq=False)
class Services:
    """Services of one kind on all nodes that have a processor, started where there are none.

    Parameters
    ----------
    maker : str
        ``module:function`` that each process calls once, with *message*, for the handler of
        messages; see :data:`Handler`.
    message : bytes
        Services made with another one are others.
    """

    maker: str
    message: bytes = field(repr=False)
    _known: dict[str, Service] = field(default_factory=dict, init=False, repr=False)
    _looked: float = field(default=float("-inf"), init=False)
    _waited: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def members(self) -> Sequence[Service]:
        """Services of the nodes that there are, but for those that have not begun yet.

        The first call waits until those that it starts have begun.
        """
        with self._lock:
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                self._look()
            waiting = {one.begun: one for one in self._known.values() if not one.is_ready}
            if waiting:
                ray, seconds = library(), 0.0 if self._waited else FIRST_SECONDS
                ready, _ = ray.wait([*waiting], num_returns=len(waiting), timeout=seconds)
                for begun in ready:
                    service = waiting[begun]
                    try:
                        ray.get(begun)
                        service.is_ready = True
                    except ray.exceptions.RayError:
                        del self._known[service.node]  # started anew at the next look
            self._waited = True
            return [one for one in self._known.values() if one.is_ready]

    def wait(self, streams: Collection[Stream], seconds: float) -> Sequence[Stream]:
        """Wait until one of some streams has an answer or its end; give those that have."""
        over = [one for one in streams if one.pending is None]
        if over:
            return over
        by_pending = {one.pending: one for one in streams}
        ray, asked = library(), list(by_pending)
        found, _ = ray.wait(asked, num_returns=1, timeout=seconds)
        if found and len(asked) > 2:  # and whatever else is there already, of many
            found, _ = ray.wait(asked, num_returns=len(asked), timeout=0)
        return [by_pending[one] for one in found]

    def end(self) -> None:
        """End the services, for all who use them."""
        with self._lock:
            for service in self._known.values():
                with contextlib.suppress(library().exceptions.RayError):
                    library().kill(service.handle)
            self._known.clear()

    def _look(self) -> None:
        """Know the nodes that there are now; what runs there already is found by its name."""
        ray = library()
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._looked = time.monotonic()
        digest = hashlib.sha256(self.maker.encode() + b"\n" + self.message).hexdigest()
        nodes = {
            node["NodeID"]
            for node in ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0.0) > 0
        }
        for gone in self._known.keys() - nodes:
            del self._known[gone]
        for node in sorted(nodes - self._known.keys()):
            made = ray.remote(_Lasting).options(
                name=f"{digest[:16]}-{node}", namespace="sightline", lifetime="detached",
                get_if_exists=True, num_cpus=0, max_concurrency=AT_A_TIME, max_restarts=-1,
                max_task_retries=0,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
            )  # fmt: skip
            handle = made.remote(self.maker, self.message)
            self._known[node] = Service(node, handle, handle.begun.remote())


class _Lasting:
    """What runs on a node."""

    def __init__(self, maker: str, message: bytes) -> None:
        module, _, function = maker.partition(":")
        self._handler: Handler = getattr(importlib.import_module(module), function)(message)
        self._going_on: dict[bytes, tuple[float, Answers]] = {}  # by name, with when it was asked

    def begun(self) -> bool:
        """Return True: it can be asked."""
        return True

    def answer(self, message: bytes) -> bytes:
        """Answer a message, with the name of what goes on and the first answer."""
        now = time.monotonic()
        for name, (at, _) in list(self._going_on.items()):
            if now - at > _ABANDONED_SECONDS and (left := self._going_on.pop(name, None)):
                left[1].close()
        return self._next(secrets.token_bytes(len(_LAST)), self._handler(message))

    def more(self, name: bytes) -> bytes:
        """Give the next answer of what goes on, with its name."""
        left = self._going_on.pop(name, None)  # None: this process has begun anew meanwhile
        return _LAST if left is None else self._next(name, left[1])

    def _next(self, name: bytes, answers: Answers) -> bytes:
        try:
            found = next(answers)
        except StopIteration as end:
            return _LAST + (end.value or b"")
        self._going_on[name] = time.monotonic(), answers
        return name + found


__all__ = ["Answers", "Handler", "Service", "Services", "Stream"]

"""Processes on the nodes of a cluster, talked to as over a pipe.

A message in either direction is bytes, which Ray hands on as they are; what they say is the
business of both ends. What a process runs is named, not sent.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from workbench.cluster.connection import library
from workbench.errors import SightlineError

Answers: TypeAlias = Iterator[bytes]
Handler: TypeAlias = Callable[[bytes], Answers]
"""Function of a process that answers a message with any number of messages."""


class Lost(SightlineError):
    """A process on a node of the cluster has ended, or cannot be reached any more.

    ``alone`` is True if its node is there still, so that what it did is perhaps to blame.
    """

    alone: bool = False

    def __init__(self, what: str, *, where: str = "", fix: str = "", alone: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.alone = alone


@dataclass(slots=True, eq=False)
class Actor:
    """A process on some node of the cluster that this one is connected to.

    Parameters
    ----------
    maker : str
        ``module:function`` that the process calls once, with *message*, for the handler of all
        further messages; see :data:`Handler`. The first answers are those to *message*: none.
    cpus, gpus : float
        Of a node, that the process occupies.
    """

    maker: str
    message: bytes = field(repr=False)
    cpus: float = 1.0
    gpus: float = 0.0
    node: str = field(default="", init=False)  # address of its node; empty: not begun yet
    heard: float = field(default_factory=time.monotonic, init=False)  # when it last said something
    _handle: Any = field(init=False)
    _answers: Any = field(default=None, init=False)  # to the latest message
    _node_id: str = field(default="", init=False)

    def __post_init__(self) -> None:
        made = library().remote(_Process).options(
            num_cpus=self.cpus, num_gpus=self.gpus, max_restarts=0, max_task_retries=0,
            scheduling_strategy="SPREAD",
        )  # fmt: skip
        self._handle = made.remote(self.maker)
        self.send(self.message)

    @property
    def is_busy(self) -> bool:
        """True while there may be answers to take."""
        return self._answers is not None

    def send(self, message: bytes) -> None:
        """Send a message; :func:`wait` says when there are answers to take."""
        assert not self.is_busy
        self.heard = time.monotonic()
        self._answers = self._handle.answer.options(num_returns="streaming").remote(message)

    def receive(self) -> bytes | None:
        """Take the next answer; None after the last one.

        Raises
        ------
        Lost
            If the process has ended or cannot be reached.
        """
        ray = library()
        self.heard = time.monotonic()
        try:
            answer: bytes = ray.get(next(self._answers))
        except StopIteration:
            self._answers = None
            return None
        except ray.exceptions.RayTaskError as error:
            self.end()
            raise Lost(f"a process failed ({error.cause!r})", where=self.node, alone=True) from None
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
            raise self._lost(error) from None
        if not self.node:  # the first of all
            self.node, self._node_id = answer.decode().split(" ")
            return self.receive()  # which ends these answers
        return answer

    def end(self) -> None:
        """End the process, whatever it does."""
        self._answers = None
        library().kill(self._handle)

    def _lost(self, error: Exception) -> Lost:
        ray = library()
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        # A node that was lost is not told at once: until then, what ran there "is unavailable".
        died = isinstance(error, ray.exceptions.ActorDiedError)
        self.end()
        alone = died and self._node_id in alive
        return Lost("a process ended" if alone else "a node was lost", where=self.node, alone=alone)


def wait(actors: Sequence[Actor], seconds: float) -> list[Actor]:
    """Wait until there is an answer of some of these to take; give those of which there is."""
    if not actors:
        time.sleep(seconds)
        return []
    streams = {actor._answers: actor for actor in actors}
    ray, asked = library(), list(streams)
    ready, _ = ray.wait(asked, num_returns=1, timeout=seconds)
    if ready:  # and whatever else is there already: asking about many takes long
        ready, _ = ray.wait(asked, num_returns=len(asked), timeout=0)
    return [streams[one] for one in ready]


def room(*, cpus: float, gpus: float) -> int:
    """Number of processes that the nodes have room for, as they are, each of this size."""
    count = 0
    for node in library().nodes():
        has = node["Resources"] if node["Alive"] else {}
        fits = [
            int(has.get(kind, 0.0) / each) for kind, each in (("CPU", cpus), ("GPU", gpus)) if each
        ]
        count += min(fits, default=0)
    return count


class _Process:
    """What runs on a node."""

    def __init__(self, maker: str) -> None:
        self._maker = maker
        self._handler: Handler | None = None

    def answer(self, message: bytes) -> Answers:
        """Answer a message; the first one makes the handler of the others."""
        if self._handler is not None:
            for answer in self._handler(message):  # noqa: UP028 - Ray sends something into it
                yield answer
            return
        module, _, function = self._maker.partition(":")
        self._handler = getattr(importlib.import_module(module), function)(message)
        ray = library()
        yield f"{ray.util.get_node_ip_address()} {ray.get_runtime_context().get_node_id()}".encode()

"""Engine that carries messages to searchers, as whoever searches knows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol


class Stream(Protocol):
    """Answers to one message."""

    def take(self) -> bytes | None:
        """Take the next one, once :meth:`Carrier.wait` says that there is; None after the last.

        Raises a SightlineError if there is none, as the searcher was lost.
        """
        ...

    def drop(self) -> None:
        """Want no more of them."""
        ...


class Member(Protocol):
    """A searcher, as whoever searches reaches it."""

    @property
    def node(self) -> str:
        """Lasting name of its node."""
        ...

    def ask(self, message: bytes) -> Stream:
        """Send it a message."""
        ...


class Carrier(Protocol):
    """Engine that carries messages to searchers, one on each node of a cluster."""

    def members(self) -> Sequence[Member]:
        """Give the searchers of the nodes that there are now."""
        ...

    def wait(self, streams: Collection[Any], seconds: float) -> Sequence[Any]:
        """Wait until one of some streams has an answer, or its end; give those that have."""
        ...


__all__ = ["Carrier", "Member", "Stream"]

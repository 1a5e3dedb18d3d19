"""Pages that are opened, one after the other, and how long their kernels outlive them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from tornado.web import HTTPError

from workbench.server.sessions import Session

UNCLAIMED_SECONDS = 30
"""Time after which a kernel is ended whose page never connected and gave no other sign of life."""

LOST_SECONDS = 60
"""Time after which a kernel is ended whose page has lost its connection, and not made it again."""


# How long a page that is being opened makes others wait.
_TURN_SECONDS = 15.0


@dataclass(eq=False)
class Opening:
    """A page that is being opened, from when it is asked for until it is rendered."""

    session: Session
    kernel_id: str = ""
    task: asyncio.Task[Any] | None = None
    lost: bool = False

    def give_up(self) -> None:
        """Stop opening a page whose kernel has ended."""
        if self.task is not None and not self.lost:
            self.lost = True
            self.task.cancel()


@dataclass
class Life:
    """When the page of a kernel was last heard of."""

    rendering: bool
    heard: float = field(default_factory=time.monotonic)
    connected: bool = False

    def is_over(self, now: float) -> bool:
        """Check whether the page, without a connection now, is gone for too long."""
        longest = LOST_SECONDS if self.connected else UNCLAIMED_SECONDS
        return not self.rendering and now - self.heard > longest


class TooManyKernels(HTTPError):
    """No kernel for one more page; ``yours`` if it is the person's own that are too many."""

    def __init__(self, *, yours: bool, most: int) -> None:
        super().__init__(429 if yours else 503, log_message=f"all {most} kernels are in use")
        self.yours, self.most = yours, most


class KernelNotStarted(HTTPError):
    """No page, as its kernel ended, or did not answer, before the page was there."""

    def __init__(self, reason: str) -> None:
        super().__init__(503, log_message=f"the kernel of a page: {reason}")


class Turn:
    """One page's turn to be opened; it ends after some time, as a cell of it may take minutes."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns = turns
        self._end: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Wait for those who came before."""
        await self._turns.acquire()
        self._end = asyncio.get_running_loop().call_later(_TURN_SECONDS, self._release)

    def end(self) -> None:
        """Let the next one in, if this one was in and is still."""
        if self._end is not None:
            self._end.cancel()
            self._release()

    def _release(self) -> None:
        if self._end is not None:
            self._end = None
            self._turns.release()

"""Waiting until what a person moves has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

REST_SECONDS = 0.6  # between two steps of a key that is pressed again and again


class Resting:
    """Calls once what was moved has rested for a while; at once where no loop runs.

    Parameters
    ----------
    call : callable
        Called without arguments on the loop of the widgets.
    seconds : float
        How long it has to rest.
    """

    def __init__(self, call: Callable[[], None], seconds: float = REST_SECONDS) -> None:
        self._call, self._seconds = call, seconds
        self._next: asyncio.TimerHandle | None = None

    def restart(self, _: object = None) -> None:
        """Wait from now on: it was moved."""
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._call()
            return
        self._next = loop.call_later(self._seconds, self.settle)

    def settle(self) -> None:
        """Call now, if it was moved and has not been called since."""
        if self._next is not None:
            self.stop()
            self._call()

    def stop(self) -> None:
        """Wait no longer, and do not call."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

"""Holding back of Ctrl-C while something is done that must not be left in its middle."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait until what is done here is done.

    DuckDB makes other errors of it, or loses it, and a commit is not to be left in its middle.
    """
    usual = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not callable(usual):
        yield
        return
    asked: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if asked:
            signal.raise_signal(signal.SIGINT)


__all__ = ["undisturbed"]

"""Workers for long jobs, so that the page stays responsive meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Work(Protocol):
    """Does jobs one after another, in the order in which they were given."""

    def run(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Do *job*, and give its result or exception to *then* on the thread of the widgets."""

    def call_on_page(self, call: Callable[[], None]) -> None:
        """From within a job: call *call* on the thread of the widgets."""


class InPlace:
    """Does each job at once, where it is given: for scripts and tests."""

    def run(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Do *job* now, then call *then* with its outcome."""
        future: Future[T] = Future()
        try:
            future.set_result(job())
        except Exception as error:
            future.set_exception(error)
        then(future)

    def call_on_page(self, call: Callable[[], None]) -> None:
        """Call *call* now."""
        call()


class OneThread:
    """Does the jobs on a thread of its own; what follows runs on the loop that made it.

    Widgets are changed on that loop alone, so they need no locks, and the files and models that
    the jobs hold see one thread alone.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sightline")

    def run(self, job: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Do *job* on the thread, then call *then* with its outcome on the loop."""

        def done(future: Future[T]) -> None:
            self._loop.call_soon_threadsafe(then, future)

        self._thread.submit(job).add_done_callback(done)

    def call_on_page(self, call: Callable[[], None]) -> None:
        """Have the loop call *call* soon."""
        self._loop.call_soon_threadsafe(call)


def suitable_work() -> Work:
    """A thread where a loop runs that can be returned to, as in a kernel; else in place."""
    try:
        return OneThread()
    except RuntimeError:
        return InPlace()

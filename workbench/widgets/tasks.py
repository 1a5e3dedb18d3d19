"""What is being done for the person at the page, and what went wrong with their input."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from traitlets import Dict, Enum, HasTraits, Unicode

from workbench.errors import SightlineError
from workbench.widgets.work import InPlace, Work

UNEXPECTED = "Something went wrong here. What it was is written in the log."
IDLE, LOADING, SEARCHING = "idle", "loading", "searching"
T = TypeVar("T")

_log = logging.getLogger(__name__)


class Tasks(HasTraits):
    """The part of a view-model that has long work done and says what came of it.

    Nothing here raises because of what a person typed, drew or uploaded: errors of our family
    become messages beside a field; any other is logged, and told in a plain sentence.
    """

    state = Enum([IDLE, LOADING, SEARCHING], IDLE)
    doing = Unicode(help="what is being done while the state is not idle")
    messages = Dict(help="by field what is wrong with it, in words for the person who filled it in")

    def __init__(self, work: Work | None = None) -> None:
        super().__init__()
        self._work = work or InPlace()
        self._jobs = 0

    def say(self, field: str, message: str = "", *, also: bool = False) -> None:
        """Put a message beside a field, in place of the one there or also; or take it away."""
        before = self.messages.get(field, "") if also else ""
        others = {key: text for key, text in self.messages.items() if key != field}
        text = "\n".join(filter(None, (before, message)))
        self.messages = {**others, field: text} if text else others

    def do(
        self,
        field: str,
        doing: str,
        job: Callable[[], T],
        done: Callable[[T], None],
        *,
        state: str = LOADING,
    ) -> None:
        """Have *job* done, give its result to *done*, and say beside *field* what either raises."""
        self._jobs += 1
        self.state, self.doing = state, doing

        def then(future: Future[T]) -> None:
            self._jobs -= 1
            if not self._jobs:
                self.state, self.doing = IDLE, ""
            try:
                done(future.result())
            except SightlineError as error:
                self.say(field, str(error), also=True)
            except Exception:
                _log.exception("%s failed", doing)
                self.say(field, UNEXPECTED, also=True)

        self._work.run(job, then)

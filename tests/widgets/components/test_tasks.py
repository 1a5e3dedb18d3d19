"""Long work: how far it is, about how much longer it takes, and how it is cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from workbench.domain import Progress
from workbench.errors import Cancelled
from workbench.widgets.components.tasks import IDLE, SEARCHING, Tasks, remaining
from workbench.widgets.investigate.model import Investigation
from workbench.widgets.investigate.search import SearchPanel


class Later:
    """Keeps jobs until they are wanted: what a busy thread does, without the waiting."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def run(self, job: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        def work() -> None:
            future: Future[Any] = Future()
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)
            then(future)

        self.jobs.append(work)

    def call_on_page(self, call: Callable[[], None]) -> None:
        call()

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()


@pytest.mark.parametrize(
    ("done", "total", "seconds", "left"),
    [(25, 100, 10, 30), (0, 100, 10, None), (100, 100, 10, None), (1, 100, 0.5, None)],
)
def test_what_remains_is_estimated_once_there_is_something_to_go_by(
    done: int, total: int, seconds: float, left: float | None
) -> None:
    assert remaining(done, total, seconds) == left


def test_cancel_ends_what_is_done_and_what_is_waiting() -> None:
    later = Later()
    tasks, seen = Tasks(later), []

    def job() -> str:
        report = tasks.on_progress()
        report(Progress(1, 4))
        seen.append("not cancelled")
        tasks.cancel()
        with pytest.raises(Cancelled):
            report(Progress(2, 4))
        return "ended early"

    tasks.do("a", "First", job, lambda _: None)
    tasks.do("b", "Second", lambda: seen.append("never"), lambda _: None)
    assert tasks.state != IDLE
    later.work()
    assert seen == ["not cancelled"]
    assert tasks.messages == {"b": "Second: cancelled. Start it again if you need it."}
    assert (tasks.state, tasks.cancelling) == (IDLE, False)

    tasks.do("b", "Third", lambda: seen.append("done"), lambda _: None)  # the next is not cancelled
    later.work()
    assert seen[-1] == "done"


def test_nothing_is_cancelled_where_nothing_is_done() -> None:
    tasks = Tasks()
    tasks.cancel()
    assert not tasks.cancelling


def test_a_search_is_cancelled_and_the_answer_before_stays(
    asked: Investigation, probe: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.add_photograph("1.jpg", probe(1))
    asked.set_district(asked.whole_area())
    asked.search()
    before, panel = asked.result, SearchPanel(asked)
    assert panel.cancel.layout.display == "none"
    later = Later()
    monkeypatch.setattr(asked, "_work", later)
    asked.search()
    assert asked.state == SEARCHING
    assert panel.cancel.layout.display == ""
    panel.cancel.click()
    assert panel.cancel.disabled
    assert "Cancelling" in panel.progress.value
    later.work()
    assert asked.result is before
    assert "cancelled" in asked.messages["search"]
    assert panel.cancel.layout.display == "none"


def test_progress_is_shown_as_a_share_with_an_estimate(asked: Investigation) -> None:
    panel, later = SearchPanel(asked), Later()
    asked._work = later
    asked.do("search", "Searching <b>", lambda: None, lambda _: None, state=SEARCHING)
    asked.begun -= 10
    asked._show(Progress(250, 1000))
    assert 'value="250" max="1000"' in panel.progress.value
    assert "Searching &lt;b&gt;: 25%, about 30 s more" in panel.progress.value
    later.work()


def test_cancelling_is_seen_on_the_thread_of_the_work() -> None:
    tasks = Tasks(Later())
    tasks.do("a", "Something", lambda: None, lambda _: None)
    report, raised = tasks.on_progress(), []

    def work() -> None:
        with pytest.raises(Cancelled):
            report(Progress(1, 2))
        raised.append(True)

    tasks.cancel()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert raised == [True]

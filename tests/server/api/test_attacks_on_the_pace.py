"""Attempts of one person to keep the API from answering others."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pytest
from apiprocess import SCOPE, Api
from office import Office
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket

from workbench.errors import TooManyRequests
from workbench.installation import Installation
from workbench.server.api import measures
from workbench.server.api.application import make_application
from workbench.server.api.endpoint import Served
from workbench.server.api.kept import MOST_HEAVY, MOST_UPLOADED, MOST_UPLOADED_BY_ONE, Uploads

HISTOGRAMS = "histograms/different-people"


@pytest.fixture
def here(office: Office, town: Path, tmp_path: Path) -> Iterator[Api]:
    """All endpoints, in this process."""
    path, ended = tmp_path / "here.sock", threading.Event()
    served = Served(Installation.open(), town)

    async def serve() -> None:
        server = HTTPServer(make_application(served))
        server.add_socket(bind_unix_socket(str(path)))
        ready.set()
        await asyncio.to_thread(ended.wait)
        server.stop()
        await server.close_all_connections()

    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    yield Api(None, path)  # type: ignore[arg-type]  # there is no process
    ended.set()
    thread.join(30)


def test_forty_requests_of_one_person_that_take_long(
    here: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them run, the others are refused in words, and everybody else is answered."""
    begun, go_on, whole = threading.Semaphore(0), threading.Event(), measures.different_people

    def waits(*given: Any) -> Any:
        begun.release()
        assert go_on.wait(60)
        return whole(*given)

    monkeypatch.setattr(measures, "different_people", waits)
    with ThreadPoolExecutor(43) as asking:
        running = [asking.submit(here.ask, "anna", "GET", HISTOGRAMS) for _ in range(40)]
        for _ in range(MOST_HEAVY):
            assert begun.acquire(timeout=60)
        of_sara = asking.submit(here.ask, "sara", "GET", HISTOGRAMS)
        assert begun.acquire(timeout=60)  # which runs beside them
        for account in ("anna", "sara", "ben"):
            assert here.ask(account, "GET", "me").json["account"] == account
        refused = here.ask("anna", "POST", "coverage", SCOPE)
        assert (refused.status, refused.retry_after) == (429, "2")
        refusals = itertools.islice(as_completed(running, timeout=60), 40 - MOST_HEAVY)
        assert {one.result().status for one in refusals} == {429}
        go_on.set()
        answers = [one.result() for one in running]
        assert of_sara.result().status == 200
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * MOST_HEAVY + [429] * (40 - MOST_HEAVY)
    (told, *_) = [answer.json for answer in answers if answer.status == 429]
    assert told["what"] == "2 requests of anna that take long are running, the most"
    assert (told["error"], told["seconds"]) == ("TooManyRequests", 2)
    assert here.ask("anna", "GET", HISTOGRAMS).status == 200


def test_requests_that_lie_in_memory_are_few() -> None:
    uploads, many = Uploads(), 100 * 2**20
    uploads.enter("anna", many)
    uploads.enter("anna", MOST_UPLOADED_BY_ONE - many)
    with pytest.raises(TooManyRequests, match="requests of anna with 200 MB are running"):
        uploads.enter("anna", 1)
    for account in ("ben", "rosa", "rolf"):
        uploads.enter(account, many)
    assert 5 * many == MOST_UPLOADED
    with pytest.raises(TooManyRequests, match="the server holds 500 MB of requests"):
        uploads.enter("sara", many)
    uploads.enter("sara", 1000)
    uploads.leave("ben", many)
    uploads.leave("anna", many)
    uploads.enter("sara", many)

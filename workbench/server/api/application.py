"""The API's process: endpoints on a Unix socket that answers the pages' server alone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.log import app_log
from tornado.netutil import bind_unix_socket
from tornado.web import Application

from workbench.casework.record.identity import peer_of
from workbench.client.documents import MOST_BYTES
from workbench.installation import Installation
from workbench.server.api import cases, footage, measures, searches
from workbench.server.api.endpoint import Missing, Served
from workbench.server.api.wire import VERSION

_NAME = r"([^/]+)"

ROUTES = [
    ("me", footage.Me),
    ("cases", cases.Cases),
    (rf"cases/{_NAME}", cases.OneCase),
    (rf"cases/{_NAME}/(approve|confirm|decline|close|responsible|change)", cases.CaseAction),
    (rf"cases/{_NAME}/members/{_NAME}", cases.Member),
    (rf"cases/{_NAME}/history", cases.CaseHistory),
    (rf"cases/{_NAME}/sightings", cases.CaseSightings),
    (rf"cases/{_NAME}/review", cases.CaseReview),
    ("review/rates", cases.ReviewRates),
    ("searches", searches.Searches),
    (rf"searches/{_NAME}", searches.Search),
    (rf"searches/{_NAME}/candidates/{_NAME}/shot", searches.CandidateShot),
    (rf"searches/{_NAME}/candidates/{_NAME}/clip", searches.CandidateClip),
    ("coverage", footage.CoverageOf),
    ("forecasts", footage.Forecast),
    ("statistics", footage.Statistics),
    ("cameras", footage.Cameras),
    ("recordings", footage.Recordings),
    ("scores", measures.Scores),
    ("histograms/different-people", measures.DifferentPeople),
    ("calibration", measures.CalibrationTable),
]
"""Endpoints by their pattern behind the version; docs/api.md describes each."""


class OneClient(HTTPServer):
    """A server that talks to one process alone: whoever else connects is cut off.

    So nobody can name a person in a header but the pages' server, which has checked who signed in:
    neither a kernel nor a shell of the same account.
    """

    client: tuple[int, int]  # process and account (uid)

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """Answer on a connection of the one client; close any other."""
        peer = peer_of(stream.socket)
        if peer != self.client:
            app_log.error("process %d of account %d tried to use the API's socket", *peer)
            stream.close()
            return
        super().handle_stream(stream, address)


def make_application(served: Served) -> Application:
    """Make the application that answers at all endpoints."""
    return Application(
        [(rf"/{VERSION}/{path}", handler, {"served": served}) for path, handler in ROUTES],
        default_handler_class=Missing,
        default_handler_args={"served": served},
        log_function=lambda _: None,  # the pages' server logs each request
    )


async def serve(socket: Path, gallery: Path, *, told: int) -> None:
    """Answer on a Unix socket until standard input ends, as it does when the server does.

    Once it does, a line is written to the file descriptor *told*, which is closed.
    """
    served = Served(Installation.open(), gallery)
    application = make_application(served)
    server = OneClient(application, max_body_size=MOST_BYTES, max_buffer_size=MOST_BYTES + 2**20)
    server.client = (os.getppid(), os.getuid())
    server.add_socket(bind_unix_socket(str(socket), mode=0o600))
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    os.write(told, b"ready\n")
    os.close(told)
    await stopped.wait()
    loop.remove_reader(sys.stdin.fileno())
    server.stop()
    for threads in (served.quick, served.heavy):
        threads.shutdown(wait=False, cancel_futures=True)
    await server.close_all_connections()

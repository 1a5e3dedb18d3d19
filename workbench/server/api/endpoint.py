"""Basis of all endpoints of the API: whom a request is for, threads, answers and errors."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from tornado.log import app_log
from tornado.web import RequestHandler

from workbench import errors
from workbench.casework.record.acting import acting_for
from workbench.client.documents import error_document
from workbench.domain import Progress
from workbench.errors import (
    Cancelled,
    CaseError,
    NotPermitted,
    SightlineError,
)
from workbench.installation import Installation
from workbench.server.api.kept import KeptSearches, Pace
from workbench.server.api.problems import BadInput, NotFound, status_of, without_places
from workbench.server.api.wire import ACCOUNT, WAY

if TYPE_CHECKING:
    from workbench.casework.cases import Case
    from workbench.gallery import Gallery

T = TypeVar("T")

JSON = "application/json; charset=utf-8"
ARROW = "application/vnd.apache.arrow.stream"
QUICK_THREADS, HEAVY_THREADS = 8, 4


@dataclass
class Served:
    """Holdings of the process for all requests: an installation, a gallery and its networks."""

    installation: Installation
    gallery: Path
    quick: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="quick")
    )
    heavy: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(HEAVY_THREADS, thread_name_prefix="heavy")
    )
    networks: threading.Lock = field(default_factory=threading.Lock)  # one thread at a time
    searches: KeptSearches = field(default_factory=KeptSearches)
    pace: Pace = field(default_factory=Pace)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders whose places are nobody's business."""
        settings = self.installation.settings
        folders = (
            settings.home, self.gallery.parent, settings.models, settings.calibrations_folder,
            Path(sys.prefix),
        )  # fmt: skip
        return tuple(folder.resolve() for folder in folders)

    @contextmanager
    def opened(self) -> Iterator[Gallery]:
        """Open the gallery for one request, as the pages do."""
        with self.installation.open_gallery(self.gallery) as gallery:
            yield gallery


def as_json(document: Any) -> bytes:
    """Write values as JSON in UTF-8."""
    # Half a character, which JSON can name and UTF-8 cannot hold, stays named.
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode(
        errors="backslashreplace"
    )


def read_object(content: str | bytes, *, where: str) -> dict[str, Any]:
    """Read a JSON object; raise BadInput for anything else, and for numbers that JSON has not."""

    def no_number(text: str) -> None:
        raise ValueError(text)

    try:
        found = json.loads(content, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise BadInput("is not JSON", where=where, fix="Send a JSON object in UTF-8") from None
    if not isinstance(found, dict):
        raise BadInput("is not a JSON object", where=where, fix="Send {…}")
    return found


class Endpoint(RequestHandler):
    """A handler whose work is done in a thread, in the name of the person who has signed in."""

    def initialize(self, served: Served) -> None:
        """Keep what the process holds."""
        self.served = served
        self._gone = threading.Event()

    def prepare(self) -> None:
        """Refuse a request that does not say whom it is for: it did not come by the door."""
        self.account = unquote(self.request.headers.get(ACCOUNT, ""))
        self.way = self.request.headers.get(WAY, "")
        if not self.account or not self.way:
            self._send(NotPermitted("no one has signed in", where="API", fix="Sign in"), 401)

    def check_xsrf_cookie(self) -> None:
        """Check nothing: the door refuses requests of other sites."""

    def on_connection_close(self) -> None:
        """Have the work stop at its next step: nobody waits for it."""
        self._gone.set()

    def stop_if_gone(self, _: Progress | None = None) -> None:
        """Raise Cancelled if whoever asked has gone; a callback for progress."""
        if self._gone.is_set():
            raise Cancelled("the person who asked has gone", where="API")

    async def work(self, job: Callable[[], T], *, heavy: bool = False) -> T:
        """Do *job* in a thread, in the name of the person.

        A *heavy* one may take seconds; such jobs have threads of their own, so that the others are
        answered meanwhile. Raises TooManyRequests if enough is being done for the person.
        """
        served = self.served
        served.pace.enter(self.account, heavy=heavy)

        def acting() -> T:
            try:
                self.stop_if_gone()
                with acting_for(self.account, self.way):
                    return job()
            finally:
                served.pace.leave(self.account, heavy=heavy)

        threads = served.heavy if heavy else served.quick
        return await asyncio.get_running_loop().run_in_executor(threads, acting)

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; raises BadInput for anything else."""
        return read_object(self.request.body or b"{}", where="body")

    def case(self, reference: str, *, ended: bool = False) -> Case:
        """Return a case that the person may read; raise NotFound for any other.

        *ended* is that of :meth:`CaseRegister.case`.
        """
        try:
            return self.served.installation.register.case(reference, ended=ended)
        except CaseError as error:
            raise NotFound(error.what, where=error.where, fix=error.fix) from None

    async def send(self, job: Callable[[], Any], *, heavy: bool = False, status: int = 200) -> None:
        """Do *job* as :meth:`work` does, and send what it returns: a table, or values as JSON."""
        content, kind = await self.work(lambda: self._encoded(job()), heavy=heavy)
        self.set_status(status)
        self.answer_bytes(content, kind)

    def _encoded(self, found: Any) -> tuple[bytes, str]:
        """Write a table as an Arrow stream where that is accepted, all else as JSON."""
        import pandas as pd

        if not isinstance(found, pd.DataFrame):
            return as_json(found), JSON
        if ARROW not in self.request.headers.get("Accept", ""):
            rows = found.to_json(orient="records", date_format="iso", date_unit="us")
            return as_json({"columns": list(found.columns), "rows": json.loads(rows)}), JSON
        import pyarrow as pa

        table = pa.Table.from_pandas(found, preserve_index=False)
        buffer = io.BytesIO()
        with pa.ipc.new_stream(buffer, table.schema) as writer:
            writer.write_table(table)
        return buffer.getvalue(), ARROW

    def answer_bytes(self, content: bytes, kind: str) -> None:
        """Send an answer."""
        self.set_header("Content-Type", kind)
        self.set_header("Cache-Control", "no-store")
        self.finish(content)

    def write_error(self, status_code: int, **given: Any) -> None:
        """Send an error as JSON: what was wrong, where, and what to do."""
        error = given.get("exc_info", (None, None))[1]
        if isinstance(error, SightlineError):
            self._send(error, status_of(error))
        elif error is not None and errors.is_full(error):
            full = SightlineError(
                "the disk is full; what was stored before is kept",
                where="server",
                fix="Ask the administrator to make room, then ask again",
            )
            self._send(full, 507)
        elif status_code in (404, 405):
            what = "there is nothing here" if status_code == 404 else "cannot be done here"
            fix = "docs/api.md lists the addresses and their methods"
            self._send(NotFound(what, where=self.request.path, fix=fix), status_code)
        elif status_code < 500:
            self._send(BadInput("cannot be read", where="request"), status_code)
        else:
            internal = SightlineError(
                "something went wrong", where="server", fix="The details are in the server's log"
            )
            self._send(internal, status_code)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what nobody raised on purpose; the rest is in the answer."""
        if not isinstance(value, SightlineError):
            super().log_exception(typ, value, tb)
        elif status_of(value) >= 500:
            app_log.error("%s: %s", self.request.path, value)

    def _send(self, error: SightlineError, status: int) -> None:
        if isinstance(error, errors.TooManyRequests):
            self.set_header("Retry-After", str(error.seconds))
        told = without_places(error, self.served.folders)
        self.set_status(status)
        self.answer_bytes(as_json(error_document(told)), JSON)


class Missing(Endpoint):
    """Answer to an address without an endpoint."""

    def prepare(self) -> None:
        """Refuse any method with 404."""
        super().prepare()
        if not self._finished:
            self.send_error(404)

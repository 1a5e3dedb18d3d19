"""State of a running server for its operators: whether it is well, and what it has counted.

Neither says anything about people, cases or places on this machine.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from socket import AF_UNIX
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from workbench.casework.record.audit import LOG
from workbench.casework.record.people import read_people
from workbench.errors import gallery_is_there
from workbench.server.address import Address, is_loopback
from workbench.server.api.process import ApiProcess
from workbench.server.kernels import DashboardKernels
from workbench.server.limits import LimitedServer
from workbench.server.sessions import Sessions
from workbench.server.ways import Way

LEAST_FREE = 2**30
"""Bytes; with less, a disk counts as full."""

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded")
_ANSWERED = b'"what":"search.answered"'
_MOST_READ = 2**26


def is_for_operators(request: HTTPServerRequest, address: Address) -> bool:
    """Check that a request asks for health or counters, from this machine and not by a proxy.

    Nor does it come from a page: one of another site names its origin, or a host that is not ours.
    """
    connection: Any = request.connection
    context: Any = getattr(connection, "context", None)
    places = {f"{address.base}health", f"{address.base}metrics"}
    if request.method != "GET" or request.path not in places:
        return False
    if any(name in request.headers for name in (*_FORWARDED, "Origin")):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") != "none":
        return False
    if not address.is_named(request.headers.get("Host", "")):
        return False
    return getattr(context, "address_family", None) == AF_UNIX or is_loopback(
        request.remote_ip or ""
    )


class Operations:
    """State of a server, as its operators ask for it."""

    def __init__(
        self,
        *,
        casework: Path,
        gallery: Path,
        kernels: DashboardKernels,
        sessions: Sessions,
        api: ApiProcess,
        way: Way,
    ) -> None:
        self._casework, self._gallery = casework, gallery
        self._kernels, self._sessions, self._api = kernels, sessions, api
        self._way = way
        self.server: LimitedServer | None = None
        self._answers: Counter[str] = Counter()
        self._began = time.monotonic()
        self._searches, self._read = 0, _size(casework / LOG)

    def count(self, handler: RequestHandler) -> None:
        """Count an answered request, by the first digit of its status."""
        self._answers[f"{handler.get_status() // 100}xx"] += 1

    def is_administrator(self, account: str) -> bool:
        """Check that an account is an administrator of the installation."""
        return "administrator" in read_people(self._casework).roles.get(account, ())

    def problems(self) -> list[str]:
        """Sentences that say what is wrong; none if all is well."""
        found = [
            f"Less than {LEAST_FREE // 2**30} GB is free on the disk of {what}."
            for what, free in self._free().items()
            if free < LEAST_FREE
        ]
        if not gallery_is_there(self._gallery):
            found.append("The gallery is not there.")
        if not os.access(self._casework, os.W_OK | os.X_OK):
            found.append("The casework folder cannot be written.")
        if self._api.is_broken:
            found.append("The process of the API does not start.")
        if _open_files() > 0.9 * resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
            found.append("Nearly as many files are open as the system allows.")
        return found + self._way.problems()

    def busy(self) -> list[str]:
        """Sentences that say of what no more can be had at the moment, though nothing is wrong."""
        found = []
        if self._kernels.page_kernels() >= self._kernels.most:
            found.append(f"All {self._kernels.most} kernels are in use.")
        if self.server is not None and self.server.connections >= self.server.limits.connections:
            found.append(f"All {self.server.limits.connections} connections are in use.")
        return found

    def metrics(self) -> str:
        """All counters, in the text format of Prometheus."""
        server, kernels = self.server, self._kernels
        pages, ready = kernels.page_kernels(), kernels.ready_kernels()
        values: dict[str, dict[str, float]] = {
            "up_seconds": {"": round(time.monotonic() - self._began)},
            "requests_total": {
                f'{{status="{kind}"}}': count for kind, count in sorted(self._answers.items())
            },
            "connections": {"": server.connections if server is not None else 0},
            "refusals_total": {
                '{what="connection"}': server.refused if server is not None else 0,
                '{what="kernel"}': kernels.refused,
            },
            "kernels": {
                '{for="page"}': pages,
                '{for="reserve"}': ready,
                '{for="start"}': len(kernels) - pages - ready,
            },
            "sessions": {"": len(self._sessions.living())},
            "searches_total": {"": self._count_searches()},
            "open_files": {"": _open_files()},
            "disk_free_bytes": {f'{{of="{what}"}}': free for what, free in self._free().items()},
        }
        lines = []
        for name, by_label in values.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines.append(f"# TYPE sightline_{name} {kind}")
            lines += [f"sightline_{name}{label} {value}" for label, value in by_label.items()]
        return "\n".join([*lines, ""])

    def _free(self) -> dict[str, int]:
        places = {
            "casework": self._casework,
            "gallery": self._gallery.parent,
            "temporary files": Path(tempfile.gettempdir()),
        }
        return {
            what: shutil.disk_usage(place).free for what, place in places.items() if place.exists()
        }

    def _count_searches(self) -> int:
        """Number of searches answered since the server began, by what the record has grown."""
        path = self._casework / LOG
        size = _size(path)
        if size < self._read:  # another record, restored from a copy perhaps
            self._read = size
        if size > self._read:
            with path.open("rb") as record:
                record.seek(self._read)
                grown = record.read(_MOST_READ)
            whole = grown[: grown.rfind(b"\n") + 1]
            self._searches += whole.count(_ANSWERED)
            self._read += len(whole)
        return self._searches


class _ForOperators(RequestHandler):
    """Answers that no cache keeps."""

    @property
    def operations(self) -> Operations:
        """State of the server."""
        found: Operations = self.settings["operations"]
        return found

    def prepare(self) -> None:
        """Have nothing kept, and nothing shown to people who have signed in but administrators."""
        self.set_header("Cache-Control", "no-store")
        session = getattr(self.request, "session", None)
        if session is not None and not self.operations.is_administrator(session.account):
            raise HTTPError(403)


class Health(_ForOperators):
    """Answer whether the server is well: 200 if so, else 503 and what is wrong, as JSON.

    A server that is full is well: who starts it again for that throws everybody out.
    """

    def get(self) -> None:
        """Send the state."""
        problems, busy = self.operations.problems(), self.operations.busy()
        self.set_status(503 if problems else 200)
        self.set_header("Content-Type", "application/json")
        status = "problems" if problems else "ok"
        self.finish(json.dumps({"status": status, "problems": problems, "busy": busy}))


class Metrics(_ForOperators):
    """Counters for Prometheus or the like."""

    def get(self) -> None:
        """Send the counters."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(self.operations.metrics())


class Alive(RequestHandler):
    """Answer whether the kernel of a page still runs, for the page alone, which knows its id.

    Asking is not use: a page that stands open does not keep its session from ending.
    """

    def get(self, kernel_id: str) -> None:
        """Send ``{"alive": true}``, or false if the kernel has ended."""
        kernels: DashboardKernels = self.settings["kernel_manager"]
        self.set_header("Cache-Control", "no-store")
        alive = kernels.session_of(kernel_id) is not None
        if alive:
            kernels.heard_of(kernel_id)
        self.finish({"alive": alive})


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - of the system, not of a folder


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0

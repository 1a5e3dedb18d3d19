"""Kernels of the dashboards: their environment, warm ones in reserve, and their error messages."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.log import app_log
from tornado.web import HTTPError
from traitlets import Dict, Int, List, Unicode, default

from workbench.casework.record.identity import Identity
from workbench.server.forks import ForkedKernel, Forks
from workbench.server.openings import KernelNotStarted, Life, Opening, TooManyKernels, Turn
from workbench.server.sessions import CURRENT, Session

WARM_KERNELS = 1
"""Kernels kept ready for the next pages, each with about 300 MB."""

_PREWARM = "__import__('workbench.widgets.prewarm', fromlist=['prewarm']).prewarm()"
# The page that has just been opened needs the processor more than the next one does.
_REFILL_SECONDS = 3.0
# Prewarming takes two seconds; on a busy machine, many times that.
_PREWARM_SECONDS = 60
# How often abandoned and dead kernels are looked for.
_WATCH_SECONDS = 1.0
# How long a page waits for a warm kernel that is not ready yet, before it gets a cold one.
_CLAIM_SECONDS = 3.0

VIEWER_MESSAGE = "Something went wrong. The details are in the server's log."

# The variables about the request that a kernel may see. Voila passes them along with the whole
# environment of the server, secrets included.
_REQUEST_VARIABLES = ("QUERY_STRING", "VOILA_BASE_URL", "VOILA_PREHEAT")
# Secrets that the environment of the server may hold, and all that a hub tells its services.
_SECRETS = re.compile(
    r"(JUPYTERHUB|CONFIGPROXY)_|.*(TOKEN|SECRET|PASSWORD|PASSPHRASE|CREDENTIAL|PRIVATE_KEY)"
)


def kernel_environment(settings: Mapping[str, str], *, scratch: Path) -> dict[str, str]:
    """Environment of a kernel: the server's without its secrets, overridden by ``settings``.

    ``scratch`` replaces the user's IPython profile, so that the start-up files and the history of
    the person who started the server have no effect.
    """
    inherited = {name: value for name, value in os.environ.items() if not _SECRETS.match(name)}
    return {**inherited, "IPYTHONDIR": str(scratch / "ipython"), **settings}


class CurrentInterpreter(KernelSpecManager):
    """Kernel specs: the interpreter that runs the server, and no other that may be installed.

    A kernel imports nothing from its working directory, which may hold footage and other files of
    whatever origin.
    """

    kernel_dirs = List(Unicode(), default_value=[])

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Kernel spec of that name; raise NoSuchKernel if there is none."""
        spec: KernelSpec = super().get_kernel_spec(kernel_name)
        interpreter, *arguments = spec.argv
        spec.argv = [interpreter, "-P", *arguments, "--IPKernelApp.ignore_cwd=True"]
        return spec


_OPENING: ContextVar[Opening] = ContextVar("opening")


class DashboardKernels(AsyncMappingKernelManager):
    """Start each kernel with ``environment``, in the directory the server was started in.

    ``warm_kernels`` of them are started in advance and import what a page needs, which takes most
    of the time of opening one. Voila's own preheating runs the whole notebook in advance: the page
    would show the cases and the footage of that time.
    """

    @default("kernel_manager_class")
    def _forked(self) -> str:
        return f"{ForkedKernel.__module__}.{ForkedKernel.__qualname__}"

    environment = Dict(Unicode(), config=True, help="the whole environment of each kernel")
    warm_kernels = Int(
        WARM_KERNELS, min=0, config=True, help="how many kernels are kept ready for the next pages"
    )
    most = Int(64, min=1, config=True, help="kernels of pages in all")
    most_of_person = Int(8, min=1, config=True, help="kernels of one person's pages")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._waiting: list[asyncio.Task[str]] = []
        self._next_refill: asyncio.TimerHandle | None = None
        self._sessions: dict[str, Session] = {}
        self._identities: dict[str, Identity] = {}
        self._lives: dict[str, Life] = {}
        self._openings: list[Opening] = []
        # Pages are opened one after the other where all at once would make everybody wait.
        self._turns = asyncio.Semaphore(max(2, os.cpu_count() or 1))
        self._watch: asyncio.Task[None] | None = None
        self._starts: set[asyncio.Task[str]] = set()
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._stopped = False
        self.refused = 0
        self.forks: Forks | None = None

    async def open(self) -> None:
        """Have kernels forked from now on, which makes each in a tenth of the time."""
        self.forks = Forks(self.environment)
        await self.forks.open()

    @asynccontextmanager
    async def opening(self, session: Session) -> AsyncIterator[Opening]:
        """Hold a place for a page of that session while it is opened; first come, first served.

        Raises TooManyKernels if there is none, and KernelNotStarted if its kernel ends meanwhile.
        If the page is not opened in the end, or nobody waits for it any more (the task is
        cancelled), its kernel is ended.
        """
        self._check_room(session)
        opening = Opening(session, task=asyncio.current_task())
        self._openings.append(opening)
        token = _OPENING.set(opening)
        turn = Turn(self._turns)
        try:
            await turn.wait()
            yield opening
        except BaseException:
            await self.end(opening.kernel_id)
            if opening.lost:
                raise KernelNotStarted("it ended before the page was there") from None
            raise
        finally:
            turn.end()
            _OPENING.reset(token)
            self._openings.remove(opening)
            if (life := self._lives.get(opening.kernel_id)) is not None:
                life.rendering, life.heard = False, time.monotonic()

    def _check_room(self, session: Session) -> None:
        taken = [one.account for one in self._sessions.values()]
        taken += [one.session.account for one in self._openings if not one.kernel_id]
        yours = taken.count(session.account) >= self.most_of_person
        if yours or len(taken) >= self.most:
            self.refused += 1
            raise TooManyKernels(yours=yours, most=self.most_of_person if yours else self.most)

    def page_kernels(self) -> int:
        """Number of kernels that pages have."""
        return len(self._lives)

    def ready_kernels(self) -> int:
        """Number of kernels that are ready for the next page."""
        return sum(one.done() and one.exception() is None for one in self._waiting)

    def connections(self, kernel_id: str) -> int:
        """Number of sockets that are connected to that kernel."""
        return int(self._kernel_connections.get(kernel_id, 0))

    def heard_of(self, kernel_id: str) -> None:
        """Note a sign of life of a page that is not connected yet."""
        life = self._lives.get(kernel_id)
        if life is not None and not life.connected:
            life.heard = time.monotonic()

    def notify_connect(self, kernel_id: str) -> None:
        """Note that a page has connected."""
        super().notify_connect(kernel_id)  # type: ignore[no-untyped-call]
        if kernel_id in self._lives:
            self._lives[kernel_id].connected = True

    def notify_disconnect(self, kernel_id: str) -> None:
        """Note that a page is not connected any more."""
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]
        if kernel_id in self._lives:
            self._lives[kernel_id].heard = time.monotonic()

    async def end(self, kernel_id: str) -> None:
        """End a kernel at once, once; do nothing if there is none of that id.

        It is ended though nobody waits for that any more: Jupyter would keep half of it.
        """
        if kernel_id not in self._ends:
            if kernel_id not in self:
                return
            kernels: Any = self
            ending = asyncio.ensure_future(kernels.shutdown_kernel(kernel_id, now=True))
            ending.add_done_callback(lambda _: self._ends.pop(kernel_id))
            self._ends[kernel_id] = ending
        await asyncio.shield(self._ends[kernel_id])

    async def end_abandoned(self, *, now: float | None = None) -> None:
        """End the kernels whose pages are gone, and forget those that have died."""
        now = time.monotonic() if now is None else now
        for kernel_id, life in list(self._lives.items()):
            if kernel_id in self._ends:
                continue  # it is being ended already
            if not self.connections(kernel_id) and life.is_over(now):
                self.log.info("kernel %s is ended: its page is gone", kernel_id)
                await self.end(kernel_id)
                continue
            kernel: Any = self.get_kernel(kernel_id) if kernel_id in self else None
            if kernel is None or await kernel.is_alive():
                continue
            if kernel_id in self and kernel_id not in self._ends:
                self.log.error("kernel %s has died", kernel_id)
                await self.end(kernel_id)
        for opening in self._openings:
            if opening.kernel_id and opening.kernel_id not in self:
                opening.give_up()

    async def _keep_watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self.end_abandoned()
            except Exception:  # the next round tries again
                self.log.exception("kernels whose pages are gone could not be ended")

    def refill(self) -> None:
        """Start kernels in the background until ``warm_kernels`` of them are ready or starting."""
        while not self._stopped and len(self._waiting) < self.warm_kernels:
            self._waiting.append(asyncio.create_task(self._start_warm()))

    async def start_kernel(  # type: ignore[override]  # Jupyter has the name in its kwargs
        self, *, env: Mapping[str, str], **kwargs: Any
    ) -> str:
        """Id of a kernel for a page of the current session: a warm one if there is any.

        Raises TooManyKernels if it would be one too many, and KernelNotStarted if none can be had.
        It may not answer yet: see :meth:`wait_for`.
        """
        session = CURRENT.get()
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_watch())
        opening = _OPENING.get(None)
        if opening is None:
            self._check_room(session)
            opening = Opening(session)
        request = {name: env[name] for name in _REQUEST_VARIABLES if name in env}
        kernel_id = await self._claim(request)
        if kernel_id is None:
            kernel_id = await self._start_asked(env={**self.environment, **request}, **kwargs)
        opening.kernel_id = kernel_id
        self._lives[kernel_id] = Life(rendering=opening in self._openings)
        # Before a cell of the page runs.
        self._sessions[kernel_id], self._identities[kernel_id] = session, session.identity
        if not session.alive:  # signed out meanwhile
            await self.end_those_of(session)
            raise HTTPError(401)
        if self.warm_kernels:
            loop = asyncio.get_running_loop()
            self._next_refill = loop.call_later(_REFILL_SECONDS, self.refill)
        return kernel_id

    def session_of(self, kernel_id: str) -> Session | None:
        """Session whose page a kernel serves; None for one that waits, and for no kernel."""
        return self._sessions.get(kernel_id) if kernel_id in self else None

    def identity_of_process(self, pid: int) -> Identity | None:
        """Identity in whose name a process works: a kernel's, or of one that it has started.

        It is the one that the page was opened in: who plays another part of the demo since does so
        on other pages. Each kernel leads a session of processes, by which the operating system
        knows its children.
        """
        kernel_id = self._kernel_of_process(pid)
        session = self._sessions.get(kernel_id)
        return self._identities.get(kernel_id) if session is not None and session.alive else None

    def is_kernel(self, pid: int) -> bool:
        """Check that a process is a kernel, waiting ones included, or one that a kernel started."""
        return bool(self._kernel_of_process(pid))

    def number_of(self, session: Session) -> int:
        """Number of kernels of a session."""
        return sum(one is session for one in self._sessions.values())

    def _kernel_of_process(self, pid: int) -> str:
        if pid <= 0:  # of another system, as containers are to each other
            return ""
        try:
            leader = os.getsid(pid)
        except ProcessLookupError:
            return ""
        for kernel_id in self.list_kernel_ids():
            kernel: Any = self.get_kernel(kernel_id)
            if kernel.provisioner is not None and kernel.provisioner.pid == leader:
                return str(kernel_id)
        return ""

    def last_work(self, session: Session) -> datetime | None:
        """Time at which a kernel of the session last did something; None if it has no kernel."""
        kernels: list[Any] = [
            self.get_kernel(kernel_id)
            for kernel_id, one in self._sessions.items()
            if one is session and kernel_id in self
        ]
        return max((kernel.last_activity for kernel in kernels), default=None)

    async def end_those_of(self, session: Session) -> None:
        """End the kernels of a session."""
        for kernel_id, one in list(self._sessions.items()):
            if one is session:
                await self.end(kernel_id)

    def remove_kernel(self, kernel_id: str) -> Any:
        """Forget a kernel that has ended."""
        self._sessions.pop(kernel_id, None)
        self._identities.pop(kernel_id, None)
        self._lives.pop(kernel_id, None)
        kernels: Any = super()
        kernel: Any = self.get_kernel(kernel_id)
        kernel.disconnect()
        return kernels.remove_kernel(kernel_id)

    async def shutdown_all(self, now: bool = False) -> None:  # type: ignore[override]  # noqa: ARG002
        """End all kernels, those that are still being started or prewarmed too, and start no more.

        Jupyter's own gives up at the first that is not there yet, or is being ended already.
        """
        self._stopped = True
        if self._next_refill is not None:
            self._next_refill.cancel()
        given_up = [*self._waiting, *([self._watch] if self._watch else ())]
        self._waiting = []
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, *self._starts, return_exceptions=True)
        ends = [self.end(kernel_id) for kernel_id in self.list_kernel_ids()]
        for failure in await asyncio.gather(*ends, return_exceptions=True):
            if failure is not None:
                self.log.error("a kernel could not be ended: %r", failure)
        if self.forks is not None:
            await self.forks.close()  # and with it all that it forked

    async def wait_for(self, kernel_id: str) -> None:
        """Wait until a kernel answers; raise KernelNotStarted if it does not, and end it."""
        kernel: Any = self.get_kernel(kernel_id)
        try:
            await kernel.connect()
        except BaseException as error:
            await self.end(kernel_id)
            if isinstance(error, RuntimeError):
                raise KernelNotStarted(str(error)) from error
            raise

    async def _start_asked(self, **kwargs: Any) -> str:
        if self._stopped:
            raise KernelNotStarted("the server is being stopped")
        starting = asyncio.create_task(self._start_cold(**kwargs))
        self._starts.add(starting)
        starting.add_done_callback(self._starts.discard)
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:  # nobody waits for it any more
            await self.end(await starting)
            raise
        except (RuntimeError, OSError) as error:
            raise KernelNotStarted(str(error)) from error

    async def _start_cold(self, **kwargs: Any) -> str:
        kernel_id: str = await super().start_kernel(**kwargs)
        return kernel_id

    async def _start_warm(self) -> str:
        kernel_id = await self._start_asked(env=dict(self.environment), path="")
        await self.wait_for(kernel_id)
        kernel: Any = self.get_kernel(kernel_id)
        try:
            await kernel.run(_PREWARM, seconds=_PREWARM_SECONDS)
        except BaseException:
            await self.end(kernel_id)
            raise
        return kernel_id

    async def _claim(self, request: Mapping[str, str]) -> str | None:
        """Take a warm kernel and set the variables of the request in it; None if there is none."""
        while self._waiting:
            task = self._waiting[0]
            done, _ = await asyncio.wait({task}, timeout=_CLAIM_SECONDS)
            if task not in self._waiting:  # another page took it meanwhile
                continue
            if not done:
                return None
            self._waiting.remove(task)
            if (error := task.exception()) is not None:
                self.log.warning("a kernel could not be prewarmed: %r", error)
                continue
            kernel_id = task.result()
            kernel: Any = self.get_kernel(kernel_id)
            try:
                sets_variables = f"__import__('os').environ.update({dict(request)!r})"
                await kernel.run(sets_variables, seconds=_CLAIM_SECONDS)
            except (RuntimeError, TimeoutError) as error:
                self.log.warning("a warm kernel did not answer and is ended: %r", error)
                await self.end(kernel_id)
            except BaseException:
                await self.end(kernel_id)
                raise
            else:
                return kernel_id
        return None

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:  # noqa: ARG002 - Jupyter's signature
        """Directory a kernel starts in: the server's, whatever the path of the page."""
        # Relative paths and sightline.env then mean the same as on the command line.
        return str(Path.cwd())


def log_failed_cell(*, cell_index: int, execute_reply: dict[str, Any], **_: Any) -> None:
    """Log why a cell failed while its page was rendered, before the page is connected."""
    reason = "\n".join(execute_reply["content"].get("traceback", []))
    app_log.error("cell %d: %s", cell_index + 1, reason)

"""The process that kernels are forked from: it has imported what they need, and does nothing else.

A kernel that is forked is there in a tenth of a second instead of one and a half, and shares the
libraries' memory with all others. The process has one thread (OpenBLAS ends its own before a fork)
and opens no gallery and no network, so nothing is in use when it forks. It hears from the server
alone, over a socket that it inherits, and ends with it; its kernels end with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from workbench.widgets.prewarm import import_libraries, register_widgets

_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_LINE = 2**20


def main(connection: socket.socket) -> None:
    """Fork a kernel for each line that arrives, and tell of each that has ended."""
    import_libraries()
    importlib.import_module("ipykernel.ipkernel")
    gc.collect()
    gc.freeze()  # so that kernels do not copy what they only look at
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listened = connection.fileno()
    ours = (listened, wakes, wake)
    _tell(connection, ready=True)
    left = b""
    while True:
        readable, _, _ = select.select([listened, wakes], [], [])
        if wakes in readable:
            os.read(wakes, 4096)
            _tell_ended(connection)
        if listened in readable:
            data = connection.recv(_LINE)
            if not data:  # the server is gone
                return
            *lines, left = (left + data).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                if (kernel := os.fork()) == 0:
                    _become_kernel(ours, **asked)
                _tell(connection, started=kernel)


def _become_kernel(
    ours: tuple[int, ...], *, arguments: list[str], environment: dict[str, str], folder: str
) -> NoReturn:
    """Run a kernel in this process, which has just been forked, until it ends."""
    status = 1
    try:
        parent = os.getppid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for file in ours:
            os.close(file)
        os.setsid()  # by which the server knows a kernel and all that it starts
        _end_with_parent()
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        importlib.import_module("numpy").random.seed()
        sys.argv = ["ipykernel_launcher", *arguments]
        kernels: Any = importlib.import_module("ipykernel.kernelapp").IPKernelApp
        kernel = kernels.instance(parent_handle=parent)
        kernel.initialize(arguments)
        register_widgets()
        kernel.start()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.__stderr__.flush()  # type: ignore[union-attr]
        os._exit(status)


def _end_with_parent() -> None:
    """Have the system end this process when its parent ends, whatever ends it."""
    with contextlib.suppress(OSError, AttributeError):  # not on Linux: ipykernel looks each second
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _tell_ended(connection: socket.socket) -> None:
    while True:
        try:
            kernel, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if kernel == 0:
            return
        _tell(connection, ended=kernel, status=os.waitstatus_to_exitcode(status))


def _tell(connection: socket.socket, **what: object) -> None:
    connection.sendall(json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))

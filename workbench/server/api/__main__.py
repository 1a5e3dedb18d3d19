"""``python -m workbench.server.api SOCKET GALLERY``, as :mod:`.process` starts it."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    # Ctrl-C reaches every process of the terminal; this one ends with the server that started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The server reads one word there. Whatever else a library prints belongs in its log.
    told = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    application = importlib.import_module("workbench.server.api.application")
    asyncio.run(application.serve(Path(sys.argv[1]), Path(sys.argv[2]), told=told))
    os._exit(0)  # a search that is still running writes nothing more

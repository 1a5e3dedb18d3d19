"""``python -m workbench.server.api SOCKET GALLERY``, as :mod:`.process` starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from workbench.server.api.application import serve

if __name__ == "__main__":
    # Ctrl-C reaches every process of the terminal; this one ends with the server that started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
    os._exit(0)  # a search that is still running writes nothing more

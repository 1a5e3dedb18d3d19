"""Server for the tests, in its own process: ``serve.py GALLERY DASHBOARDS [WARM_KERNELS]``."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench.server.application import serve
from workbench.settings import load_settings

if __name__ == "__main__":
    serve(
        gallery=Path(sys.argv[1]),
        home=load_settings().home,
        dashboards=Path(sys.argv[2]),
        port=0,
        warm_kernels=int(sys.argv[3]) if len(sys.argv) > 3 else 0,
        ready=lambda address: print(address, flush=True),
    )

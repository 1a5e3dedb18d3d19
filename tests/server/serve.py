"""Server for the tests, in its own process.

``serve.py GALLERY DASHBOARDS [WARM_KERNELS [OPTIONS]]``: options of ``serve`` as JSON, and
``files``, the open files that the system allows; ``proxy``, what is said of the proxy;
``unclaimed_seconds``, how long a page's kernel lives that no browser has connected to; ``pages``,
false where none is opened: what their kernels are forked from takes seconds to start;
``claim_seconds``, how long a page waits for a kernel in reserve; ``kernel_argument``, one more
argument of each kernel.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec

from workbench.server import kernels, openings
from workbench.server.application import serve
from workbench.server.kernels import CurrentInterpreter, DashboardKernels
from workbench.server.proxy import ProxySignIn
from workbench.settings import load_settings


async def without_forks(_: DashboardKernels) -> None:
    """Leave kernels to be started in the plain way."""


if __name__ == "__main__":
    options = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    if files := options.pop("files", None):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    openings.UNCLAIMED_SECONDS = options.pop("unclaimed_seconds", openings.UNCLAIMED_SECONDS)
    kernels._CLAIM_SECONDS = options.pop("claim_seconds", kernels._CLAIM_SECONDS)
    if not options.pop("pages", True):
        DashboardKernels.open = without_forks  # type: ignore[method-assign]
    if argument := options.pop("kernel_argument", None):
        specified = CurrentInterpreter.get_kernel_spec

        def with_argument(specs: CurrentInterpreter, kernel_name: str) -> KernelSpec:
            """Specify a kernel with the argument."""
            spec = specified(specs, kernel_name)
            spec.argv.append(argument)
            return spec

        CurrentInterpreter.get_kernel_spec = with_argument  # type: ignore[method-assign]
    if proxy := options.pop("proxy", None):
        options["sign_in"] = ProxySignIn(**proxy)
    if "socket_path" in options:
        options["socket_path"] = Path(options["socket_path"])
    serve(
        gallery=Path(sys.argv[1]),
        home=load_settings().home,
        dashboards=Path(sys.argv[2]),
        port=0,
        warm_kernels=int(sys.argv[3]) if len(sys.argv) > 3 else 0,
        **options,
        ready=lambda address: print(address, flush=True),
    )

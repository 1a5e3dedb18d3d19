"""``sightline serve``: serve the dashboards of a gallery."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.cli.options import Renamed, count, describe, positive
from workbench.cli.output import DONE, say
from workbench.cli.signing_in import add_sign_in, chosen_sign_in
from workbench.errors import GalleryError, SightlineError
from workbench.installation import Installation
from workbench.settings import load_settings


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``sightline serve``."""
    describe(
        parser,
        _serve,
        "Serve the dashboards of a gallery until Ctrl-C: to one person at a desk, or to a team "
        "that signs in at a JupyterHub or a proxy. No page is shown to anyone else.",
        "sightline serve --gallery town.duckdb --port 8866\n"
        "sightline serve --sign-in proxy --socket /run/sightline/web.sock --socket-group www-data "
        "--proxy-account www-data --address https://sightline.example.org/",
    )
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="FILE",
        help="the gallery; by default the one that SIGHTLINE_GALLERY names",
    )
    add_port(parser)
    parser.add_argument(
        "--warm-kernels",
        type=count,
        default=1,
        metavar="N",
        help="kernels kept ready so that the next pages open sooner; about 300 MB each; by "
        "default %(default)s",
    )
    parser.add_argument(
        "--heated", action=Renamed, now="--warm-kernels", dest="warm_kernels", type=count,
        default=argparse.SUPPRESS,
    )  # fmt: skip
    parser.add_argument(
        "--kernels",
        type=positive,
        metavar="N",
        help="open pages in all; each needs 150 to 350 MB; by default as many as half of the "
        "memory holds",
    )
    parser.add_argument(
        "--kernels-per-person",
        type=positive,
        default=8,
        metavar="N",
        help="open pages of one person; by default %(default)s",
    )
    add_sign_in(parser)


def add_port(parser: argparse.ArgumentParser) -> None:
    """Add ``--port``."""
    parser.add_argument(
        "--port", type=positive, metavar="PORT", help="port to listen on; by default a free one"
    )


def _serve(options: argparse.Namespace) -> int:
    settings = load_settings()
    return serve_gallery(
        options.gallery or settings.gallery_file,
        home=settings.home,
        tiles=settings.tiles,
        warm_kernels=options.warm_kernels,
        kernels=options.kernels,
        kernels_of_person=options.kernels_per_person,
        check=_check_gallery,
        **chosen_sign_in(options),
    )


def serve_gallery(
    gallery: Path, *, home: Path, then: Callable[[], object] = lambda: None, **given: Any
) -> int:
    """Serve the dashboards until Ctrl-C, and print their address once they can be opened.

    Then *then* is called. What is *given* are further arguments of ``serve``.
    """
    from workbench.server.application import serve  # Voila and Tornado, which help does not need

    def ready(address: str) -> None:
        say(
            "",
            "Sightline is ready. Open this address (Ctrl-C stops the server):",
            "",
            f"  {address}",
            "",
        )
        then()

    token = os.environ.get("SIGHTLINE_TOKEN")
    serve(gallery=gallery, home=home, token=token, ready=ready, **given)
    return DONE


def _check_gallery(gallery: Path) -> None:
    """Raise what each page would raise that opens the gallery, were it to be served.

    It is opened in a process of its own: the server needs neither DuckDB nor what that holds.
    """
    from workbench.client.documents import error_from

    code = "import sys; from workbench.cli.serve import open_once; open_once(sys.argv[1])"
    told = subprocess.run(  # noqa: S603 - this interpreter, our module
        [sys.executable, "-P", "-c", code, str(gallery)], stdout=subprocess.PIPE, check=False
    )
    if told.returncode == 0:
        return
    try:
        error = error_from(json.loads(told.stdout))
    except ValueError:
        error = GalleryError(
            "cannot be opened", where=str(gallery), fix="What went wrong is written above"
        )
    raise error


def open_once(gallery: str) -> None:
    """Open a gallery as a page does; if that fails, print the error as JSON and exit with 1."""
    from workbench.client.documents import error_document

    try:
        Installation.open().open_gallery(gallery).close()
    except SightlineError as error:
        print(json.dumps(error_document(error)))  # noqa: T201 - to the process that started this
        sys.exit(1)
